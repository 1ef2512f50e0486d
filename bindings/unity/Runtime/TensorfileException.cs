using System;
using System.Runtime.ExceptionServices;

namespace Tensorfile
{
    /// <summary>A call of the library failed. The message says what failed and where, what was expected and found.</summary>
    [Serializable]
    public class TensorfileException : Exception
    {
        public TensorfileException(Status status, string message) : base(message)
        {
            Status = status;
            Name = "";
        }

        /// <summary>The kind of the failure.</summary>
        public Status Status { get; private set; }

        /// <summary>The byte offset in the file that the failure is about, or null.</summary>
        public ulong? Offset { get; internal set; }

        /// <summary>The name of the array or key that the failure is about, or "".</summary>
        public string Name { get; internal set; }

        /// <summary>The number of the system's error (errno, on Windows that of GetLastError()), or 0.</summary>
        public long SystemError { get; internal set; }
    }

    internal static class Failures
    {
        /// <summary>What a callback returns after it has stored an exception. The library has no such status.</summary>
        internal const int Thrown = 0x40000000;

        [ThreadStatic]
        private static Exception thrown;

        /// <summary>Stores an exception of the caller's code, which must not pass through native code.</summary>
        internal static int Store(Exception exception)
        {
            thrown = exception;
            return Thrown;
        }

        /// <summary>Throws what the failure of a call means, or what a callback of the caller threw during it.</summary>
        internal static void Check(int status)
        {
            if (status == 0)
            {
                return;
            }
            var stored = thrown;
            thrown = null;
            if (status == Thrown && stored != null)
            {
                ExceptionDispatchInfo.Capture(stored).Throw();
            }
            var message = Text.FromNative(Native.tf_error_message());
            if (status == (int)Status.Cancelled)
            {
                throw new OperationCanceledException(message);
            }
            var offset = Native.tf_error_offset();
            throw new TensorfileException((Status)status, message)
            {
                Offset = offset == ulong.MaxValue ? (ulong?)null : offset,
                Name = Text.FromNative(Native.tf_error_name()),
                SystemError = Native.tf_error_system(),
            };
        }

        /// <summary>Throws what the failure of a getter means, which returns no status.</summary>
        internal static TensorfileException OfCaller(string message)
        {
            return new TensorfileException(Status.InvalidArgument, message);
        }
    }
}
