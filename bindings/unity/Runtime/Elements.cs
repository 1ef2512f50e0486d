using System;
using System.Collections.Generic;

namespace Tensorfile
{
    /// <summary>Which types of C# have the elements of a dtype.</summary>
    internal static class Elements
    {
        private static readonly Dictionary<Type, Dtype> OfTypes = new Dictionary<Type, Dtype>
        {
            { typeof(bool), Dtype.Bool }, { typeof(sbyte), Dtype.Int8 }, { typeof(short), Dtype.Int16 },
            { typeof(int), Dtype.Int32 }, { typeof(long), Dtype.Int64 }, { typeof(byte), Dtype.Uint8 },
            { typeof(ushort), Dtype.Uint16 }, { typeof(uint), Dtype.Uint32 }, { typeof(ulong), Dtype.Uint64 },
            { typeof(float), Dtype.Float32 }, { typeof(double), Dtype.Float64 },
        };

        internal static Dtype Of<T>() where T : struct
        {
            return Of(typeof(T));
        }

        internal static bool Has(Type type)
        {
            return OfTypes.ContainsKey(type);
        }

        internal static Dtype Of(Type type)
        {
            Dtype dtype;
            if (!OfTypes.TryGetValue(type, out dtype))
            {
                throw Failures.OfCaller("arrays have no elements of the type " + type.Name
                    + ": bool, the integers of 8 to 64 bits, float and double are possible");
            }
            return dtype;
        }

        internal static Type Type(Dtype dtype)
        {
            foreach (var pair in OfTypes)
            {
                if (pair.Value == dtype)
                {
                    return pair.Key;
                }
            }
            return null;
        }
    }
}
