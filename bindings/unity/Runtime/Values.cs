using System;
using System.Collections.Generic;

namespace Tensorfile
{
    /// <summary>
    /// Converts between the dicts of the library and those of .NET. A value of metadata is a string, an array of strings,
    /// a bool or number, an array of them, or a dictionary (in a .gguf, an array of arrays with the keys "0", "1", ...).
    /// </summary>
    internal static unsafe class Values
    {
        internal static Dictionary<string, NdArray> Arrays(DictHandle dict)
        {
            var result = new Dictionary<string, NdArray>();
            try
            {
                for (var i = 0; i < Count(dict); i++)
                {
                    result.Add(Key(dict, i), Array(dict, i));
                }
            }
            catch
            {
                foreach (var array in result.Values)
                {
                    array.Dispose();
                }
                throw;
            }
            return result;
        }

        internal static Dictionary<string, object> Metadata(DictHandle dict)
        {
            var result = new Dictionary<string, object>();
            for (var i = 0; i < Count(dict); i++)
            {
                result.Add(Key(dict, i), Value(dict, i));
            }
            return result;
        }

        internal static DictHandle FromArrays(IEnumerable<KeyValuePair<string, NdArray>> arrays)
        {
            if (arrays == null)
            {
                throw new ArgumentNullException("arrays");
            }
            var dict = NewDict();
            foreach (var pair in arrays)
            {
                if (pair.Value == null)
                {
                    throw new ArgumentNullException("arrays", "the array '" + pair.Key + "' is null");
                }
                var key = Text.ToNative(pair.Key);
                Failures.Check(Native.tf_dict_set_array(dict, key, Text.Size(key), pair.Value.Handle));
            }
            return dict;
        }

        internal static DictHandle FromMetadata(IEnumerable<KeyValuePair<string, object>> metadata)
        {
            if (metadata == null)
            {
                return DictHandle.None;
            }
            var dict = NewDict();
            foreach (var pair in metadata)
            {
                Set(dict, pair.Key, pair.Value);
            }
            return dict;
        }

        private static DictHandle NewDict()
        {
            DictHandle dict;
            Failures.Check(Native.tf_dict_new(out dict));
            return dict;
        }

        private static int Count(DictHandle dict)
        {
            return checked((int)Native.tf_dict_size(dict).ToUInt64());
        }

        private static string Key(DictHandle dict, int index)
        {
            byte* key;
            UIntPtr length;
            Failures.Check(Native.tf_dict_key_at(out key, out length, dict, Text.Size(index)));
            return Text.FromNative(key, length);
        }

        private static NdArray Array(DictHandle dict, int index)
        {
            ArrayHandle array;
            Failures.Check(Native.tf_dict_array_at(out array, dict, Text.Size(index)));
            return new NdArray(array);
        }

        private static object Value(DictHandle dict, int index)
        {
            switch ((Kind)Native.tf_dict_kind_at(dict, Text.Size(index)))
            {
                case Kind.Array:
                    using (var array = Array(dict, index))
                    {
                        return Plain(array);
                    }
                case Kind.StringList:
                    return Strings(dict, index);
                case Kind.Dict:
                    DictHandle nested;
                    Failures.Check(Native.tf_dict_dict_at(out nested, dict, Text.Size(index)));
                    using (nested)
                    {
                        return Metadata(nested);
                    }
                default:
                    byte* text;
                    UIntPtr length;
                    Failures.Check(Native.tf_dict_string_at(out text, out length, dict, Text.Size(index)));
                    return Text.FromNative(text, length);
            }
        }

        private static string[] Strings(DictHandle dict, int index)
        {
            UIntPtr count;
            Failures.Check(Native.tf_dict_string_list_size_at(out count, dict, Text.Size(index)));
            var result = new string[checked((int)count.ToUInt64())];
            for (var i = 0; i < result.Length; i++)
            {
                byte* text;
                UIntPtr length;
                Failures.Check(Native.tf_dict_string_list_item_at(
                    out text, out length, dict, Text.Size(index), Text.Size(i)));
                result[i] = Text.FromNative(text, length);
            }
            return result;
        }

        private static object Plain(NdArray array)
        {
            var elements = ElementsOf(array);
            return array.Shape.Length == 0 ? elements.GetValue(0) : elements;
        }

        // No reflection on generic methods, which IL2CPP would remove.
        private static Array ElementsOf(NdArray array)
        {
            switch (array.Dtype)
            {
                case Dtype.Bool: return array.ToArray<bool>();
                case Dtype.Int8: return array.ToArray<sbyte>();
                case Dtype.Int16: return array.ToArray<short>();
                case Dtype.Int32: return array.ToArray<int>();
                case Dtype.Int64: return array.ToArray<long>();
                case Dtype.Uint8: return array.ToArray<byte>();
                case Dtype.Uint16: return array.ToArray<ushort>();
                case Dtype.Uint32: return array.ToArray<uint>();
                case Dtype.Uint64: return array.ToArray<ulong>();
                case Dtype.Float32: return array.ToArray<float>();
                default: return array.CastTo<double>();
            }
        }

        private static void Set(DictHandle dict, string name, object value)
        {
            var key = Text.ToNative(name);
            var dictionary = value as IEnumerable<KeyValuePair<string, object>>;
            var strings = value as IEnumerable<string>;
            if (value is string)
            {
                var text = Text.ToNative((string)value);
                Failures.Check(Native.tf_dict_set_string(dict, key, Text.Size(key), text, Text.Size(text)));
            }
            else if (strings != null)
            {
                Failures.Check(Native.tf_dict_set_string_list(dict, key, Text.Size(key)));
                foreach (var item in strings)
                {
                    var text = Text.ToNative(item);
                    Failures.Check(Native.tf_dict_string_list_append(dict, key, Text.Size(key), text, Text.Size(text)));
                }
            }
            else if (dictionary != null)
            {
                using (var nested = FromMetadata(dictionary))
                {
                    Failures.Check(Native.tf_dict_set_dict(dict, key, Text.Size(key), nested));
                }
            }
            else
            {
                using (var array = Numbers(name, value))
                {
                    Failures.Check(Native.tf_dict_set_array(dict, key, Text.Size(key), array.Handle));
                }
            }
        }

        private static NdArray Numbers(string name, object value)
        {
            var given = value as NdArray;
            if (given != null)
            {
                return given.Part();
            }
            var type = value == null ? null : value is Array ? value.GetType().GetElementType() : value.GetType();
            if (type == null || !Elements.Has(type) || (value is Array && ((Array)value).Rank != 1))
            {
                throw Failures.OfCaller("metadata '" + name + "' is " + (value == null ? "null" : value.GetType().Name)
                    + ": strings, arrays of strings, numbers, arrays of numbers, NdArrays and dictionaries are possible");
            }
            var elements = value as Array;
            if (elements == null)
            {
                elements = System.Array.CreateInstance(type, 1);
                elements.SetValue(value, 0);
            }
            var shape = value is Array ? new long[] { elements.Length } : new long[0];
            var bytes = new byte[Buffer.ByteLength(elements)];
            Buffer.BlockCopy(elements, 0, bytes, 0, bytes.Length);
            return NdArray.FromBytes(bytes, Elements.Of(type), shape);
        }
    }
}
