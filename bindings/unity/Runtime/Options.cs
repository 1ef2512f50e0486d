using System;
using System.Runtime.InteropServices;

namespace Tensorfile
{
    /// <summary>The settings of a call: format, load mode, limits, threads, compression, progress.</summary>
    public sealed class Options : IDisposable
    {
        private static readonly ProgressFunction Report = OnProgress;
        private static readonly ReleaseFunction Release = Callbacks.OnRelease;
        internal readonly OptionsHandle Handle;

        public Options()
        {
            Failures.Check(Native.tf_options_new(out Handle));
        }

        internal static OptionsHandle HandleOf(Options options)
        {
            return options == null ? OptionsHandle.None : options.Handle;
        }

        /// <summary>Sets an option to a number. Switches are 0 and 1.</summary>
        public Options Set(Option option, long value)
        {
            Failures.Check(Native.tf_options_set(Handle, (int)option, value));
            return this;
        }

        /// <summary>Sets an option to a value that has a name, such as "map" for <see cref="Option.LoadMode"/>.</summary>
        public Options Set(Option option, string value)
        {
            var text = Text.ToNative(value);
            Failures.Check(Native.tf_options_set_string(Handle, (int)option, text, Text.Size(text)));
            return this;
        }

        public long Get(Option option)
        {
            long value;
            Failures.Check(Native.tf_options_get(out value, Handle, (int)option));
            return value;
        }

        /// <summary>
        /// Sets a function that receives the bytes of array data done so far and their total. If it returns false, the
        /// call ends with an <see cref="OperationCanceledException"/>; what it throws is thrown from the call. It runs on
        /// the thread that makes the call.
        /// </summary>
        public Options SetProgress(Func<ulong, ulong, bool> report)
        {
            if (report == null)
            {
                throw new ArgumentNullException("report");
            }
            Failures.Check(Native.tf_options_set_progress(Handle, Report, Release, Callbacks.Keep(report)));
            return this;
        }

        public void Dispose()
        {
            Handle.Dispose();
        }

        [MonoPInvokeCallback(typeof(ProgressFunction))]
        private static int OnProgress(IntPtr user, ulong done, ulong total)
        {
            try
            {
                var report = (Func<ulong, ulong, bool>)Callbacks.Kept(user);
                return report(done, total) ? 0 : (int)Status.Cancelled;
            }
            catch (Exception e)
            {
                return Failures.Store(e);
            }
        }
    }

    /// <summary>Marks the methods that native code calls, for IL2CPP, which recognizes the attribute by its name.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class MonoPInvokeCallbackAttribute : Attribute
    {
        public MonoPInvokeCallbackAttribute(Type type)
        {
            Type = type;
        }

        public Type Type { get; private set; }
    }

    /// <summary>Keeps objects alive as long as native code has their address.</summary>
    internal static class Callbacks
    {
        internal static IntPtr Keep(object value)
        {
            return GCHandle.ToIntPtr(GCHandle.Alloc(value));
        }

        internal static object Kept(IntPtr user)
        {
            return GCHandle.FromIntPtr(user).Target;
        }

        [MonoPInvokeCallback(typeof(ReleaseFunction))]
        internal static void OnRelease(IntPtr user)
        {
            GCHandle.FromIntPtr(user).Free();
        }
    }
}
