using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;

namespace Tensorfile
{
    /// <summary>The arrays and the metadata of a file. Disposing it disposes the arrays.</summary>
    public sealed class Loaded : IDisposable
    {
        internal Loaded(DictHandle arrays, DictHandle metadata)
        {
            using (arrays)
            using (metadata)
            {
                Metadata = Values.Metadata(metadata);
                Arrays = Values.Arrays(arrays);
            }
        }

        /// <summary>The arrays by name; that of a .npy has the name "".</summary>
        public Dictionary<string, NdArray> Arrays { get; private set; }

        /// <summary>Strings, arrays of strings, numbers, arrays of numbers and dictionaries, by key.</summary>
        public Dictionary<string, object> Metadata { get; private set; }

        public NdArray this[string name]
        {
            get { return Arrays[name]; }
        }

        public void Dispose()
        {
            foreach (var array in Arrays.Values)
            {
                array.Dispose();
            }
        }
    }

    /// <summary>Loads and saves whole files: .npy, .npz, .safetensors and .gguf.</summary>
    public static unsafe class TensorIO
    {
        /// <summary>The version of the native library, such as "0.9.0".</summary>
        public static string Version
        {
            get { return Text.FromNative(Native.tf_version_string()); }
        }

        public static Loaded Load(string path, Options options = null)
        {
            DictHandle arrays, metadata;
            Failures.Check(Native.tf_load(
                IntPtr.Zero, out arrays, out metadata, Text.Path(path), Options.HandleOf(options)));
            return new Loaded(arrays, metadata);
        }

        /// <summary>Loads from memory, such as a TextAsset's bytes.</summary>
        public static Loaded Load(ReadOnlySpan<byte> bytes, Format format = Format.Auto, Options options = null)
        {
            DictHandle arrays, metadata;
            fixed (byte* data = &MemoryMarshal.GetReference(bytes))
            {
                Failures.Check(Native.tf_load_memory(IntPtr.Zero, out arrays, out metadata, data,
                    Text.Size(bytes.Length), (int)format, Options.HandleOf(options)));
            }
            return new Loaded(arrays, metadata);
        }

        /// <summary>Loads from a stream that can seek.</summary>
        public static Loaded Load(Stream stream, Format format = Format.Auto, Options options = null)
        {
            using (var source = Streams.Source(stream))
            {
                DictHandle arrays, metadata;
                Failures.Check(Native.tf_load_source(
                    IntPtr.Zero, out arrays, out metadata, source, (int)format, Options.HandleOf(options)));
                return new Loaded(arrays, metadata);
            }
        }

        /// <summary>
        /// Saves in the format that the extension of the path or <see cref="Option.Format"/> names. The old file is
        /// replaced when the new one is complete.
        /// </summary>
        public static void Save(string path, IEnumerable<KeyValuePair<string, NdArray>> arrays,
            IEnumerable<KeyValuePair<string, object>> metadata = null, Options options = null)
        {
            using (var dict = Values.FromArrays(arrays))
            {
                WithMetadata(metadata, values => Native.tf_save_file(
                    Text.Path(path), dict, values, Options.HandleOf(options)));
            }
        }

        /// <summary>Saves one array as .npy.</summary>
        public static void Save(string path, NdArray array, Options options = null)
        {
            Save(path, new Dictionary<string, NdArray> { { "", array } }, null, options);
        }

        /// <summary>
        /// Replaces the metadata of a .npz, .safetensors or .gguf without reading the data of its arrays. Null removes them.
        /// </summary>
        public static void SaveMetadata(
            string path, IEnumerable<KeyValuePair<string, object>> metadata, Options options = null)
        {
            WithMetadata(metadata, values => Native.tf_save_metadata(
                Text.Path(path), values, Options.HandleOf(options)));
        }

        /// <summary>Returns the bytes of a file.</summary>
        public static byte[] ToBytes(Format format, IEnumerable<KeyValuePair<string, NdArray>> arrays,
            IEnumerable<KeyValuePair<string, object>> metadata = null, Options options = null)
        {
            BufferHandle buffer = null;
            using (var dict = Values.FromArrays(arrays))
            {
                WithMetadata(metadata, values => Native.tf_save_memory(
                    out buffer, (int)format, IntPtr.Zero, dict, values, Options.HandleOf(options)));
            }
            using (buffer)
            {
                var bytes = new byte[checked((int)Native.tf_buffer_size(buffer).ToUInt64())];
                Marshal.Copy(new IntPtr(Native.tf_buffer_data(buffer)), bytes, 0, bytes.Length);
                return bytes;
            }
        }

        /// <summary>Writes a file to a stream, from its first byte to its last.</summary>
        public static void SaveTo(Stream stream, Format format, IEnumerable<KeyValuePair<string, NdArray>> arrays,
            IEnumerable<KeyValuePair<string, object>> metadata = null, Options options = null)
        {
            using (var dict = Values.FromArrays(arrays))
            using (var sink = Streams.Sink(stream))
            {
                WithMetadata(metadata, values => Native.tf_save_sink(
                    sink, (int)format, IntPtr.Zero, dict, values, Options.HandleOf(options)));
            }
        }

        /// <summary>Returns the format that the extension of a path names, or Auto.</summary>
        public static Format FormatOfPath(string path)
        {
            return (Format)Native.tf_format_from_path(Text.Path(path));
        }

        /// <summary>Returns the format that the first bytes of a file show, or Auto.</summary>
        public static Format FormatOfContent(ReadOnlySpan<byte> head)
        {
            fixed (byte* bytes = &MemoryMarshal.GetReference(head))
            {
                return (Format)Native.tf_format_probe(bytes, Text.Size(head.Length));
            }
        }

        /// <summary>Returns the extension of a format with its dot, such as ".npz".</summary>
        public static string Extension(Format format)
        {
            return Text.FromNative(Native.tf_format_extension((int)format));
        }

        /// <summary>Returns the name of a dtype as NumPy, ml_dtypes and ggml write it.</summary>
        public static string Name(Dtype dtype)
        {
            return NdArray.Name(dtype);
        }

        private static void WithMetadata(IEnumerable<KeyValuePair<string, object>> metadata, Func<DictHandle, int> save)
        {
            var values = Values.FromMetadata(metadata);
            try
            {
                Failures.Check(save(values));
            }
            finally
            {
                // The handle of nothing is shared.
                if (!values.IsInvalid)
                {
                    values.Dispose();
                }
            }
        }
    }
}
