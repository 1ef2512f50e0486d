using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Tensorfile
{
    /// <summary>Reads and writes the streams of .NET for the library. The caller closes them.</summary>
    internal static class Streams
    {
        private const int Piece = 1 << 16;
        private static readonly ReadAtFunction ReadAt = OnRead;
        private static readonly WriteFunction Write = OnWrite;
        private static readonly ReleaseFunction Release = Callbacks.OnRelease;

        /// <summary>Makes a source of a stream that can seek. Its bytes begin at offset 0, wherever the stream is.</summary>
        internal static SourceHandle Source(Stream stream)
        {
            if (stream == null)
            {
                throw new ArgumentNullException("stream");
            }
            if (!stream.CanSeek || !stream.CanRead)
            {
                throw Failures.OfCaller("the stream must be readable and able to seek: copy it to a MemoryStream");
            }
            SourceHandle source;
            var size = checked((ulong)stream.Length);
            Failures.Check(
                Native.tf_source_new(out source, size, 0, ReadAt, IntPtr.Zero, Release, Callbacks.Keep(stream)));
            var file = stream as FileStream;
            if (file != null)
            {
                // Messages begin with the name, and its extension chooses the format.
                var name = Text.ToNative(file.Name);
                Failures.Check(Native.tf_source_set_name(source, name, Text.Size(name)));
            }
            return source;
        }

        internal static SinkHandle Sink(Stream stream)
        {
            if (stream == null)
            {
                throw new ArgumentNullException("stream");
            }
            SinkHandle sink;
            Failures.Check(Native.tf_sink_new(out sink, Write, Release, Callbacks.Keep(stream)));
            return sink;
        }

        [MonoPInvokeCallback(typeof(ReadAtFunction))]
        private static int OnRead(IntPtr user, ulong offset, IntPtr destination, UIntPtr count)
        {
            try
            {
                var stream = (Stream)Callbacks.Kept(user);
                var remaining = count.ToUInt64();
                var buffer = new byte[Math.Min(remaining, Piece)];
                stream.Seek(checked((long)offset), SeekOrigin.Begin);
                while (remaining > 0)
                {
                    var read = stream.Read(buffer, 0, (int)Math.Min(remaining, (ulong)buffer.Length));
                    if (read <= 0)
                    {
                        throw new EndOfStreamException("the stream has fewer bytes than its length says");
                    }
                    Marshal.Copy(buffer, 0, destination, read);
                    destination = new IntPtr(destination.ToInt64() + read);
                    remaining -= (ulong)read;
                }
                return 0;
            }
            catch (Exception e)
            {
                return Failures.Store(e);
            }
        }

        [MonoPInvokeCallback(typeof(WriteFunction))]
        private static int OnWrite(IntPtr user, IntPtr source, UIntPtr count)
        {
            try
            {
                var stream = (Stream)Callbacks.Kept(user);
                var remaining = count.ToUInt64();
                var buffer = new byte[Math.Min(remaining, Piece)];
                while (remaining > 0)
                {
                    var size = (int)Math.Min(remaining, (ulong)buffer.Length);
                    Marshal.Copy(source, buffer, 0, size);
                    stream.Write(buffer, 0, size);
                    source = new IntPtr(source.ToInt64() + size);
                    remaining -= (ulong)size;
                }
                return 0;
            }
            catch (Exception e)
            {
                return Failures.Store(e);
            }
        }
    }
}
