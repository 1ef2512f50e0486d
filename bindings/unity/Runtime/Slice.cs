using System;

namespace Tensorfile
{
    /// <summary>
    /// The part of one dimension that start:stop:step selects in Python: negative numbers count from the end, and null
    /// means omitted. <c>default(Slice)</c> and <see cref="All"/> select all of it.
    /// </summary>
    public struct Slice
    {
        public static readonly Slice All = default(Slice);

        public readonly long? Start;
        public readonly long? Stop;
        public readonly long? Step;

        public Slice(long? start, long? stop, long? step = null)
        {
            Start = start;
            Stop = stop;
            Step = step;
        }

        /// <summary>The elements from start on, and before stop.</summary>
        public static Slice Of(long start, long stop)
        {
            return new Slice(start, stop);
        }

        /// <summary>The starts, stops and steps of all dimensions. Those that are not given are whole.</summary>
        internal static long[][] Native(Slice[] slices, int dimensions)
        {
            if (slices == null)
            {
                throw new ArgumentNullException("slices");
            }
            if (slices.Length > dimensions)
            {
                throw Failures.OfCaller(slices.Length + " slices for an array of " + dimensions + " dimensions");
            }
            var parts = new[] { new long[dimensions], new long[dimensions], new long[dimensions] };
            for (var i = 0; i < dimensions; i++)
            {
                var slice = i < slices.Length ? slices[i] : All;
                parts[0][i] = slice.Start ?? long.MinValue;
                parts[1][i] = slice.Stop ?? long.MinValue;
                parts[2][i] = slice.Step ?? long.MinValue;
            }
            return parts;
        }
    }
}
