using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;

namespace Tensorfile
{
    /// <summary>An array in an <see cref="ArrayFile"/>.</summary>
    public sealed class Entry
    {
        internal readonly int Index;

        internal Entry(int index, string name, Dtype dtype, string typeName, long[] shape, ulong byteCount)
        {
            Index = index;
            Name = name;
            Dtype = dtype;
            TypeName = typeName;
            Shape = shape;
            ByteCount = byteCount;
        }

        /// <summary>The name; "" for the array of a .npy.</summary>
        public string Name { get; private set; }

        /// <summary>The stored dtype; Unsupported if the library does not know it.</summary>
        public Dtype Dtype { get; private set; }

        /// <summary>The dtype's name, or what the file calls it if the library does not know it.</summary>
        public string TypeName { get; private set; }

        public long[] Shape { get; private set; }

        /// <summary>The bytes that the array needs in memory.</summary>
        public ulong ByteCount { get; private set; }

        public override string ToString()
        {
            return Name + ": " + TypeName + " [" + string.Join(", ", Shape) + "]";
        }
    }

    /// <summary>
    /// An open file whose header has been read and validated. Its arrays, or parts of them, are read on request. Several
    /// threads may read from one file.
    /// </summary>
    public sealed unsafe class ArrayFile : IDisposable
    {
        private readonly FileHandle handle;

        private ArrayFile(FileHandle handle)
        {
            this.handle = handle;
            var entries = new Entry[checked((int)Native.tf_file_count(handle).ToUInt64())];
            for (var i = 0; i < entries.Length; i++)
            {
                entries[i] = ReadEntry(i);
            }
            Entries = entries;
        }

        public static ArrayFile Open(string path, Options options = null)
        {
            FileHandle handle;
            Failures.Check(Native.tf_file_open(out handle, Text.Path(path), Options.HandleOf(options)));
            return new ArrayFile(handle);
        }

        /// <summary>Opens a copy of memory as a file.</summary>
        public static ArrayFile Open(ReadOnlySpan<byte> bytes, Format format = Format.Auto, Options options = null)
        {
            FileHandle handle;
            fixed (byte* data = &MemoryMarshal.GetReference(bytes))
            {
                Failures.Check(Native.tf_file_open_memory(
                    out handle, data, Text.Size(bytes.Length), (int)format, Options.HandleOf(options)));
            }
            return new ArrayFile(handle);
        }

        /// <summary>
        /// Opens a stream that can seek as a file. It must stay open as long as the file, and only one thread may use
        /// either of them at a time.
        /// </summary>
        public static ArrayFile Open(Stream stream, Format format = Format.Auto, Options options = null)
        {
            using (var source = Streams.Source(stream))
            {
                FileHandle handle;
                Failures.Check(Native.tf_file_open_source(out handle, source, (int)format, Options.HandleOf(options)));
                return new ArrayFile(handle);
            }
        }

        public Format Format
        {
            get { return (Format)Native.tf_file_format(handle); }
        }

        /// <summary>The arrays, in the order of the file.</summary>
        public IReadOnlyList<Entry> Entries { get; private set; }

        /// <summary>The metadata: strings, numbers, and arrays of them, by key.</summary>
        public Dictionary<string, object> ReadMetadata()
        {
            DictHandle copy;
            Failures.Check(Native.tf_dict_copy(out copy, Native.tf_file_metadata(handle)));
            GC.KeepAlive(handle);
            using (copy)
            {
                return Values.Metadata(copy);
            }
        }

        /// <summary>Remarks about the file that are not errors.</summary>
        public string[] Notes()
        {
            var notes = new string[checked((int)Native.tf_file_note_count(handle).ToUInt64())];
            for (var i = 0; i < notes.Length; i++)
            {
                byte* text;
                UIntPtr length;
                Failures.Check(Native.tf_file_note(out text, out length, handle, Text.Size(i)));
                notes[i] = Text.FromNative(text, length);
            }
            return notes;
        }

        /// <summary>Returns the array with a name. Fails with NotFound if there is none.</summary>
        public Entry Find(string name)
        {
            var text = Text.ToNative(name);
            UIntPtr index;
            Failures.Check(Native.tf_file_find(out index, handle, text, Text.Size(text)));
            return Entries[(int)index.ToUInt32()];
        }

        public NdArray Read(Entry entry)
        {
            ArrayHandle array;
            Failures.Check(Native.tf_file_read(out array, handle, Index(entry)));
            return new NdArray(array);
        }

        public NdArray Read(string name)
        {
            return Read(Find(name));
        }

        /// <summary>Reads the bytes of an array as they are stored, whatever its type.</summary>
        public NdArray ReadRaw(Entry entry)
        {
            ArrayHandle array;
            Failures.Check(Native.tf_file_read_raw(out array, handle, Index(entry)));
            return new NdArray(array);
        }

        /// <summary>
        /// Reads an array into memory of the caller, in C order, and converts its elements to the dtype of T: block types
        /// and bfloat16 to floats, for example. The span must have exactly as many elements as the array.
        /// </summary>
        public void ReadInto<T>(Entry entry, Span<T> destination) where T : struct
        {
            ReadBytes(entry, MemoryMarshal.AsBytes(destination), Elements.Of<T>());
        }

        /// <summary>Reads the bytes of an array into memory of the caller, in C order and with the stored dtype.</summary>
        public void ReadBytesInto(Entry entry, Span<byte> destination)
        {
            ReadBytes(entry, destination, entry == null ? Dtype.Unsupported : entry.Dtype);
        }

        /// <summary>Reads a part of an array, as Python's array[start:stop:step, ...]. Only its bytes are read.</summary>
        public NdArray ReadPart(Entry entry, params Slice[] slices)
        {
            var index = Index(entry);
            var parts = Slice.Native(slices, entry.Shape.Length);
            ArrayHandle array;
            Failures.Check(Native.tf_file_read_slice(
                out array, handle, index, parts[0], parts[1], parts[2], Text.Size(entry.Shape.Length)));
            return new NdArray(array);
        }

        /// <summary>Reads a part of an array into memory of the caller, as <see cref="ReadInto{T}"/> does.</summary>
        public void ReadPartInto<T>(Entry entry, Span<T> destination, params Slice[] slices) where T : struct
        {
            var index = Index(entry);
            var parts = Slice.Native(slices, entry.Shape.Length);
            var bytes = MemoryMarshal.AsBytes(destination);
            fixed (byte* target = &MemoryMarshal.GetReference(bytes))
            {
                byte nothing;
                Failures.Check(Native.tf_file_read_slice_into(handle, index, parts[0], parts[1], parts[2],
                    Text.Size(entry.Shape.Length), (int)Elements.Of<T>(), target == null ? &nothing : target,
                    Text.Size(bytes.Length)));
            }
        }

        /// <summary>Closes the file. Arrays that were read stay valid.</summary>
        public void Dispose()
        {
            handle.Dispose();
        }

        private UIntPtr Index(Entry entry)
        {
            if (entry == null)
            {
                throw new ArgumentNullException("entry");
            }
            if (entry.Index >= Entries.Count || !ReferenceEquals(Entries[entry.Index], entry))
            {
                throw Failures.OfCaller("'" + entry.Name + "' is an entry of another file");
            }
            return Text.Size(entry.Index);
        }

        private Entry ReadEntry(int i)
        {
            var index = Text.Size(i);
            byte* name, type;
            UIntPtr nameLength, typeLength;
            Failures.Check(Native.tf_file_name(out name, out nameLength, handle, index));
            Failures.Check(Native.tf_file_type(out type, out typeLength, handle, index));
            var shape = new long[(int)Native.tf_file_ndim(handle, index).ToUInt32()];
            var sizes = Native.tf_file_shape(handle, index);
            for (var axis = 0; axis < shape.Length; axis++)
            {
                shape[axis] = sizes[axis];
            }
            return new Entry(i, Text.FromNative(name, nameLength), (Dtype)Native.tf_file_dtype(handle, index),
                Text.FromNative(type, typeLength), shape, Native.tf_file_nbytes(handle, index));
        }

        private void ReadBytes(Entry entry, Span<byte> destination, Dtype dtype)
        {
            var index = Index(entry);
            fixed (byte* target = &MemoryMarshal.GetReference(destination))
            {
                byte nothing;
                Failures.Check(Native.tf_file_read_into(
                    handle, index, (int)dtype, target == null ? &nothing : target, Text.Size(destination.Length)));
            }
        }
    }
}
