using System;
using System.Runtime.InteropServices;

namespace Tensorfile
{
    /// <summary>Owns one reference to an object of the library. A handle of nothing is passed as NULL.</summary>
    internal abstract class Handle : SafeHandle
    {
        protected Handle() : base(IntPtr.Zero, true)
        {
        }

        public override bool IsInvalid
        {
            get { return handle == IntPtr.Zero; }
        }

        protected abstract void Release(IntPtr value);

        protected override bool ReleaseHandle()
        {
            Release(handle);
            return true;
        }
    }

    internal sealed class ArrayHandle : Handle
    {
        protected override void Release(IntPtr value)
        {
            Native.tf_array_release(value);
        }
    }

    internal sealed class DictHandle : Handle
    {
        internal static readonly DictHandle None = new DictHandle();

        protected override void Release(IntPtr value)
        {
            Native.tf_dict_release(value);
        }
    }

    internal sealed class FileHandle : Handle
    {
        protected override void Release(IntPtr value)
        {
            Native.tf_file_release(value);
        }
    }

    internal sealed class OptionsHandle : Handle
    {
        internal static readonly OptionsHandle None = new OptionsHandle();

        protected override void Release(IntPtr value)
        {
            Native.tf_options_release(value);
        }
    }

    internal sealed class SourceHandle : Handle
    {
        protected override void Release(IntPtr value)
        {
            Native.tf_source_release(value);
        }
    }

    internal sealed class SinkHandle : Handle
    {
        protected override void Release(IntPtr value)
        {
            Native.tf_sink_release(value);
        }
    }

    internal sealed class BufferHandle : Handle
    {
        protected override void Release(IntPtr value)
        {
            Native.tf_buffer_release(value);
        }
    }
}
