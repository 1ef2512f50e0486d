using System;
using System.Runtime.InteropServices;

namespace Tensorfile
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int ReadAtFunction(IntPtr user, ulong offset, IntPtr destination, UIntPtr count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int WriteFunction(IntPtr user, IntPtr source, UIntPtr count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int ProgressFunction(IntPtr user, ulong done, ulong total);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void ReleaseFunction(IntPtr user);

    /// <summary>The functions of tensorfile.h. Text is UTF-8, a path with a NUL at its end.</summary>
    internal static unsafe class Native
    {
#if (UNITY_IOS || UNITY_TVOS || UNITY_WEBGL) && !UNITY_EDITOR
        private const string Library = "__Internal";
#else
        private const string Library = "tensorfile";
#endif
        private const CallingConvention C = CallingConvention.Cdecl;

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr tf_version_string();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr tf_error_message();
        [DllImport(Library, CallingConvention = C)] internal static extern long tf_error_system();
        [DllImport(Library, CallingConvention = C)] internal static extern ulong tf_error_offset();
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr tf_error_name();

        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr tf_dtype_name(int dtype);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr tf_format_extension(int format);
        [DllImport(Library, CallingConvention = C)] internal static extern int tf_format_from_path(byte[] path);
        [DllImport(Library, CallingConvention = C)] internal static extern int tf_format_probe(byte* head, UIntPtr count);

        [DllImport(Library, CallingConvention = C)] internal static extern int tf_options_new(out OptionsHandle options);
        [DllImport(Library, CallingConvention = C)] internal static extern void tf_options_release(IntPtr options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_options_set(OptionsHandle options, int option, long value);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_options_get(out long value, OptionsHandle options, int option);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_options_set_string(OptionsHandle options, int option, byte[] text, UIntPtr length);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_options_set_progress(
            OptionsHandle options, ProgressFunction progress, ReleaseFunction release, IntPtr user);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_new(out ArrayHandle array, int dtype, long[] shape, UIntPtr dimensions);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_copy_from(out ArrayHandle array, int dtype, long[] shape, UIntPtr dimensions,
            byte* source, UIntPtr count);
        [DllImport(Library, CallingConvention = C)] internal static extern void tf_array_release(IntPtr array);
        [DllImport(Library, CallingConvention = C)] internal static extern int tf_array_dtype(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr tf_array_ndim(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)] internal static extern long* tf_array_shape(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)] internal static extern long* tf_array_strides(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)] internal static extern long tf_array_size(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)] internal static extern ulong tf_array_nbytes(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)] internal static extern byte* tf_array_data(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_data_mut(out byte* data, ArrayHandle array);
        [DllImport(Library, CallingConvention = C)] internal static extern int tf_array_is_contiguous(ArrayHandle array);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_item_int64(out long value, ArrayHandle array, long[] index, UIntPtr dimensions);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_item_double(
            out double value, ArrayHandle array, long[] index, UIntPtr dimensions);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_set_item_int64(ArrayHandle array, long[] index, UIntPtr dimensions, long value);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_set_item_double(
            ArrayHandle array, long[] index, UIntPtr dimensions, double value);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_copy_to(
            ArrayHandle array, int dtype, byte* destination, long[] strides, UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_contiguous(out ArrayHandle result, ArrayHandle array);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_reshape(
            out ArrayHandle result, ArrayHandle array, long[] shape, UIntPtr dimensions);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_transpose(
            out ArrayHandle result, ArrayHandle array, UIntPtr[] axes, UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_slice(
            out ArrayHandle result, ArrayHandle array, long[] start, long[] stop, long[] step, UIntPtr dimensions);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_cast(
            out ArrayHandle result, ArrayHandle array, int dtype, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_array_equal(out int equal, ArrayHandle a, ArrayHandle b);

        [DllImport(Library, CallingConvention = C)] internal static extern int tf_dict_new(out DictHandle dict);
        [DllImport(Library, CallingConvention = C)] internal static extern void tf_dict_release(IntPtr dict);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_copy(out DictHandle copy, IntPtr borrowed);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr tf_dict_size(DictHandle dict);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_key_at(out byte* key, out UIntPtr length, DictHandle dict, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern int tf_dict_kind_at(DictHandle dict, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_array_at(out ArrayHandle array, DictHandle dict, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_string_at(out byte* text, out UIntPtr length, DictHandle dict, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_dict_at(out DictHandle value, DictHandle dict, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_string_list_size_at(out UIntPtr count, DictHandle dict, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_string_list_item_at(
            out byte* text, out UIntPtr length, DictHandle dict, UIntPtr index, UIntPtr item);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_set_array(DictHandle dict, byte[] key, UIntPtr length, ArrayHandle array);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_set_string(
            DictHandle dict, byte[] key, UIntPtr length, byte[] text, UIntPtr textLength);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_set_string_list(DictHandle dict, byte[] key, UIntPtr length);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_string_list_append(
            DictHandle dict, byte[] key, UIntPtr length, byte[] text, UIntPtr textLength);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_dict_set_dict(DictHandle dict, byte[] key, UIntPtr length, DictHandle value);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_source_new(out SourceHandle source, ulong size, int concurrent, ReadAtFunction read,
            IntPtr map, ReleaseFunction release, IntPtr user);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_source_set_name(SourceHandle source, byte[] name, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern void tf_source_release(IntPtr source);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_sink_new(
            out SinkHandle sink, WriteFunction write, ReleaseFunction release, IntPtr user);
        [DllImport(Library, CallingConvention = C)] internal static extern void tf_sink_release(IntPtr sink);
        [DllImport(Library, CallingConvention = C)] internal static extern byte* tf_buffer_data(BufferHandle buffer);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr tf_buffer_size(BufferHandle buffer);
        [DllImport(Library, CallingConvention = C)] internal static extern void tf_buffer_release(IntPtr buffer);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_load(
            IntPtr array, out DictHandle arrays, out DictHandle metadata, byte[] path, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_load_memory(IntPtr array, out DictHandle arrays, out DictHandle metadata, byte* data,
            UIntPtr count, int format, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_load_source(IntPtr array, out DictHandle arrays, out DictHandle metadata,
            SourceHandle source, int format, OptionsHandle options);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_open(out FileHandle file, byte[] path, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_open_memory(
            out FileHandle file, byte* data, UIntPtr count, int format, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_open_source(
            out FileHandle file, SourceHandle source, int format, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)] internal static extern void tf_file_release(IntPtr file);
        [DllImport(Library, CallingConvention = C)] internal static extern int tf_file_format(FileHandle file);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr tf_file_count(FileHandle file);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_name(out byte* name, out UIntPtr length, FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_find(out UIntPtr index, FileHandle file, byte[] name, UIntPtr length);
        [DllImport(Library, CallingConvention = C)] internal static extern int tf_file_dtype(FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_type(out byte* type, out UIntPtr length, FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr tf_file_ndim(FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern long* tf_file_shape(FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern ulong tf_file_nbytes(FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)] internal static extern IntPtr tf_file_metadata(FileHandle file);
        [DllImport(Library, CallingConvention = C)] internal static extern UIntPtr tf_file_note_count(FileHandle file);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_note(out byte* text, out UIntPtr length, FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_read(out ArrayHandle array, FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_read_raw(out ArrayHandle array, FileHandle file, UIntPtr index);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_read_into(
            FileHandle file, UIntPtr index, int dtype, byte* destination, UIntPtr count);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_read_slice(out ArrayHandle array, FileHandle file, UIntPtr index, long[] start,
            long[] stop, long[] step, UIntPtr dimensions);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_file_read_slice_into(FileHandle file, UIntPtr index, long[] start, long[] stop,
            long[] step, UIntPtr dimensions, int dtype, byte* destination, UIntPtr count);

        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_save_file(byte[] path, DictHandle arrays, DictHandle metadata, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_save_metadata(byte[] path, DictHandle metadata, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_save_memory(out BufferHandle buffer, int format, IntPtr array, DictHandle arrays,
            DictHandle metadata, OptionsHandle options);
        [DllImport(Library, CallingConvention = C)]
        internal static extern int tf_save_sink(SinkHandle sink, int format, IntPtr array, DictHandle arrays,
            DictHandle metadata, OptionsHandle options);
    }
}
