using System;
using System.Runtime.InteropServices;

namespace Tensorfile
{
    /// <summary>
    /// An n-dimensional array, whose memory belongs to the library. Views share that memory and keep it alive.
    /// </summary>
    public sealed unsafe class NdArray : IDisposable
    {
        internal readonly ArrayHandle Handle;

        internal NdArray(ArrayHandle handle)
        {
            Handle = handle;
            Dtype = (Dtype)Native.tf_array_dtype(handle);
            Shape = Copy(Native.tf_array_shape(handle), handle);
        }

        public Dtype Dtype { get; private set; }

        /// <summary>The sizes, outermost dimension first; empty for a scalar.</summary>
        public long[] Shape { get; private set; }

        /// <summary>The number of elements.</summary>
        public long Count
        {
            get { return Native.tf_array_size(Handle); }
        }

        /// <summary>The number of bytes of all elements in C order.</summary>
        public ulong ByteCount
        {
            get { return Native.tf_array_nbytes(Handle); }
        }

        public bool IsContiguous
        {
            get { return Native.tf_array_is_contiguous(Handle) != 0; }
        }

        /// <summary>The distances of elements in bytes, or null for packed and block types, which are contiguous.</summary>
        public long[] Strides
        {
            get
            {
                var strides = Native.tf_array_strides(Handle);
                return strides == null ? null : Copy(strides, Handle);
            }
        }

        /// <summary>Makes an array of zeros.</summary>
        public static NdArray Zeros(Dtype dtype, params long[] shape)
        {
            ArrayHandle handle;
            Failures.Check(Native.tf_array_new(out handle, (int)dtype, Checked(shape), Text.Size(shape.Length)));
            return new NdArray(handle);
        }

        /// <summary>Copies elements in C order into a new array. Without a shape it has one dimension.</summary>
        public static NdArray From<T>(ReadOnlySpan<T> elements, params long[] shape) where T : struct
        {
            return FromBytes(MemoryMarshal.AsBytes(elements), Elements.Of<T>(),
                shape.Length == 0 ? new long[] { elements.Length } : shape);
        }

        /// <summary>Copies elements in C order into a new array. Without a shape it has one dimension.</summary>
        public static NdArray From<T>(T[] elements, params long[] shape) where T : struct
        {
            if (elements == null)
            {
                throw new ArgumentNullException("elements");
            }
            return FromBytes(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(elements)), Elements.Of<T>(),
                shape.Length == 0 ? new long[] { elements.Length } : shape);
        }

        /// <summary>Makes an array of no dimensions.</summary>
        public static NdArray Scalar<T>(T value) where T : struct
        {
            return FromBytes(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(new[] { value })), Elements.Of<T>(), new long[0]);
        }

        /// <summary>Copies the bytes of elements of any dtype, such as a block type, in C order.</summary>
        public static NdArray FromBytes(ReadOnlySpan<byte> bytes, Dtype dtype, params long[] shape)
        {
            ArrayHandle handle;
            fixed (byte* source = &MemoryMarshal.GetReference(bytes))
            {
                byte nothing;
                Failures.Check(Native.tf_array_copy_from(out handle, (int)dtype, Checked(shape), Text.Size(shape.Length),
                    source == null ? &nothing : source, Text.Size(bytes.Length)));
            }
            return new NdArray(handle);
        }

        /// <summary>
        /// Returns the elements in C order. T must be the type of the dtype: float for float32, and so on. Use
        /// <see cref="CastTo{T}"/> to convert.
        /// </summary>
        public T[] ToArray<T>() where T : struct
        {
            if (Dtype != Elements.Of<T>())
            {
                throw new TensorfileException(Status.Type, "the elements are " + Name(Dtype) + ", not "
                    + Name(Elements.Of<T>()) + ": CastTo converts them");
            }
            return CastTo<T>();
        }

        /// <summary>Returns the elements in C order, converted to the dtype of T as <see cref="Cast"/> does.</summary>
        public T[] CastTo<T>() where T : struct
        {
            var result = new T[checked((int)Count)];
            CopyTo(new Span<T>(result));
            return result;
        }

        /// <summary>Copies all elements in C order to memory of the caller, and converts them to the dtype of T.</summary>
        public void CopyTo<T>(Span<T> destination) where T : struct
        {
            CopyBytes(MemoryMarshal.AsBytes(destination), Elements.Of<T>());
        }

        /// <summary>Copies the bytes of all elements in C order, without a conversion.</summary>
        public void CopyBytesTo(Span<byte> destination)
        {
            CopyBytes(destination, Dtype);
        }

        /// <summary>
        /// The memory of a contiguous array, without a copy. It must not be used after the array has been disposed or
        /// collected: keep the array in a variable, and call GC.KeepAlive if it is not used after the span.
        /// </summary>
        public ReadOnlySpan<T> AsSpan<T>() where T : struct
        {
            return new ReadOnlySpan<T>(Native.tf_array_data(Handle), Length<T>());
        }

        /// <summary>As <see cref="AsSpan{T}"/>, for writing. Fails if the memory is read-only or shared.</summary>
        public Span<T> AsMutableSpan<T>() where T : struct
        {
            var length = Length<T>();
            byte* data;
            Failures.Check(Native.tf_array_data_mut(out data, Handle));
            return new Span<T>(data, length);
        }

        /// <summary>Converts to another dtype; ggml's block types are decoded and encoded.</summary>
        public NdArray Cast(Dtype dtype, Options options = null)
        {
            ArrayHandle result;
            Failures.Check(Native.tf_array_cast(out result, Handle, (int)dtype, Options.HandleOf(options)));
            return new NdArray(result);
        }

        /// <summary>Returns this array, or a copy in C order if it is not contiguous.</summary>
        public NdArray Contiguous()
        {
            ArrayHandle result;
            Failures.Check(Native.tf_array_contiguous(out result, Handle));
            return new NdArray(result);
        }

        /// <summary>Gives the elements another shape, in which one size may be -1.</summary>
        public NdArray Reshape(params long[] shape)
        {
            ArrayHandle result;
            Failures.Check(Native.tf_array_reshape(out result, Handle, Checked(shape), Text.Size(shape.Length)));
            return new NdArray(result);
        }

        /// <summary>Returns a view with the axes in another order, or reversed if none are given.</summary>
        public NdArray Transpose(params int[] axes)
        {
            if (axes == null)
            {
                throw new ArgumentNullException("axes");
            }
            var order = Array.ConvertAll(axes, axis => new UIntPtr(checked((uint)axis)));
            ArrayHandle result;
            Failures.Check(Native.tf_array_transpose(
                out result, Handle, order.Length == 0 ? null : order, Text.Size(order.Length)));
            return new NdArray(result);
        }

        /// <summary>Returns a view of a part, as Python's array[start:stop:step, ...].</summary>
        public NdArray Part(params Slice[] slices)
        {
            var parts = Slice.Native(slices, Shape.Length);
            ArrayHandle result;
            Failures.Check(Native.tf_array_slice(
                out result, Handle, parts[0], parts[1], parts[2], Text.Size(Shape.Length)));
            return new NdArray(result);
        }

        public double GetDouble(params long[] index)
        {
            double value;
            Failures.Check(Native.tf_array_item_double(out value, Handle, Checked(index), Text.Size(index.Length)));
            return value;
        }

        public long GetInt64(params long[] index)
        {
            long value;
            Failures.Check(Native.tf_array_item_int64(out value, Handle, Checked(index), Text.Size(index.Length)));
            return value;
        }

        public void SetDouble(double value, params long[] index)
        {
            Failures.Check(Native.tf_array_set_item_double(Handle, Checked(index), Text.Size(index.Length), value));
        }

        public void SetInt64(long value, params long[] index)
        {
            Failures.Check(Native.tf_array_set_item_int64(Handle, Checked(index), Text.Size(index.Length), value));
        }

        /// <summary>Whether dtypes, shapes and all bytes of the elements are equal.</summary>
        public bool HasSameElements(NdArray other)
        {
            if (other == null)
            {
                throw new ArgumentNullException("other");
            }
            int equal;
            Failures.Check(Native.tf_array_equal(out equal, Handle, other.Handle));
            return equal != 0;
        }

        public override string ToString()
        {
            return "NdArray(" + Name(Dtype) + ", [" + string.Join(", ", Shape) + "])";
        }

        public void Dispose()
        {
            Handle.Dispose();
        }

        internal static string Name(Dtype dtype)
        {
            return Text.FromNative(Native.tf_dtype_name((int)dtype));
        }

        private static long[] Checked(long[] numbers)
        {
            if (numbers == null)
            {
                throw new ArgumentNullException("numbers");
            }
            return numbers;
        }

        private static long[] Copy(long* numbers, ArrayHandle handle)
        {
            var result = new long[(int)Native.tf_array_ndim(handle).ToUInt32()];
            for (var i = 0; i < result.Length; i++)
            {
                result[i] = numbers[i];
            }
            GC.KeepAlive(handle);
            return result;
        }

        private void CopyBytes(Span<byte> destination, Dtype dtype)
        {
            fixed (byte* target = &MemoryMarshal.GetReference(destination))
            {
                byte nothing;
                Failures.Check(Native.tf_array_copy_to(
                    Handle, (int)dtype, target == null ? &nothing : target, null, Text.Size(destination.Length)));
            }
        }

        private int Length<T>() where T : struct
        {
            // The bytes of any dtype can be accessed, such as those of blocks.
            if (Dtype != Elements.Of<T>() && typeof(T) != typeof(byte))
            {
                throw new TensorfileException(
                    Status.Type, "the elements are " + Name(Dtype) + ", not " + Name(Elements.Of<T>()));
            }
            if (!IsContiguous)
            {
                throw Failures.OfCaller("the array is not contiguous: Contiguous() copies it");
            }
            return checked((int)(typeof(T) == typeof(byte) ? ByteCount : (ulong)Count));
        }
    }
}
