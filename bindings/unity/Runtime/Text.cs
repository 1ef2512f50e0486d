using System;
using System.Runtime.InteropServices;
using System.Text;

namespace Tensorfile
{
    /// <summary>Converts between strings and the UTF-8 of the library.</summary>
    internal static class Text
    {
        private static readonly UTF8Encoding Strict = new UTF8Encoding(false, true);

        internal static unsafe string FromNative(byte* text, UIntPtr length)
        {
            // Files can have text that is not UTF-8, which must not make all of their contents inaccessible.
            return text == null || length == UIntPtr.Zero
                ? "" : Encoding.UTF8.GetString(text, checked((int)length.ToUInt32()));
        }

        internal static unsafe string FromNative(IntPtr text)
        {
            var length = 0;
            while (text != IntPtr.Zero && Marshal.ReadByte(text, length) != 0)
            {
                length++;
            }
            return FromNative((byte*)text, new UIntPtr((uint)length));
        }

        internal static byte[] ToNative(string text)
        {
            if (text == null)
            {
                throw new ArgumentNullException("text");
            }
            return Strict.GetBytes(text);
        }

        internal static byte[] Path(string path)
        {
            if (path == null)
            {
                throw new ArgumentNullException("path");
            }
            if (path.IndexOf('\0') >= 0)
            {
                throw new ArgumentException("a path must not contain a NUL character", "path");
            }
            return Strict.GetBytes(path + '\0');
        }

        internal static UIntPtr Size(byte[] bytes)
        {
            return new UIntPtr((uint)bytes.Length);
        }

        internal static UIntPtr Size(int count)
        {
            return new UIntPtr((uint)count);
        }
    }
}
