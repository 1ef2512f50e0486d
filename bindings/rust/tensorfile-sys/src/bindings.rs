// Code generated from tensorfile.h by SWIG and bindings/swig/swig2rust.py. DO NOT EDIT.

use core::ffi::*;
use core::marker::{PhantomData, PhantomPinned};

/// Version of this header; [`tf_version_number`] returns that of the running library.
pub const TENSORFILE_VERSION_MAJOR: c_int = 0;

/// See [`TENSORFILE_VERSION_MAJOR`].
pub const TENSORFILE_VERSION_MINOR: c_int = 9;

/// See [`TENSORFILE_VERSION_MAJOR`].
pub const TENSORFILE_VERSION_PATCH: c_int = 0;

/// See [`TENSORFILE_VERSION_MAJOR`].
pub const TENSORFILE_VERSION_STRING: &CStr = c"0.9.0";

/// An n-dimensional array: dtype, shape, strides, and memory that it can share with its views.
#[repr(C)]
pub struct tf_array {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// A map from UTF-8 names to arrays, strings, lists of strings and dicts. It keeps insertion order, or file order.
#[repr(C)]
pub struct tf_dict {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An open file whose header has been read and validated. Its arrays are read on request.
#[repr(C)]
pub struct tf_file {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// The settings of a call.
#[repr(C)]
pub struct tf_options {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Where bytes are read from: reads at any offset, and optionally maps memory.
#[repr(C)]
pub struct tf_source {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Where bytes are written to, from the first to the last.
#[repr(C)]
pub struct tf_sink {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// A list of arrays and slices to read from a file in one go, and the memory that receives them.
#[repr(C)]
pub struct tf_read_plan {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Writes a file array by array, in pieces of any size.
#[repr(C)]
pub struct tf_writer {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// How the arrays of a set of files are divided into parts, for programs that write the parts separately.
#[repr(C)]
pub struct tf_part_plan {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// The types that a preset chooses for the arrays of a model.
#[repr(C)]
pub struct tf_quant_plan {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// New names and metadata for a file, whose arrays keep the bytes that they have.
#[repr(C)]
pub struct tf_edit {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// A block of bytes that the library allocated.
#[repr(C)]
pub struct tf_buffer {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

#[repr(C)]
pub struct DLManagedTensor {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

#[repr(C)]
pub struct DLManagedTensorVersioned {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// The result of a call.
pub type tf_status = i32;
/// The call succeeded.
pub const TF_STATUS_OK: tf_status = 0;
/// The caller made a mistake: a NULL handle, an index or number out of range, a wrong shape. Nothing was done.
pub const TF_STATUS_INVALID_ARGUMENT: tf_status = 1;
/// An allocation failed. All handles are as before, and the same call may succeed later.
pub const TF_STATUS_OUT_OF_MEMORY: tf_status = 2;
/// The system could not open, read, write or replace a file. The message contains the reason that it gave.
pub const TF_STATUS_IO: tf_status = 3;
/// There is no such file, name or key.
pub const TF_STATUS_NOT_FOUND: tf_status = 4;
/// A name occurs twice, in a file or among the names passed to a call.
pub const TF_STATUS_DUPLICATE: tf_status = 5;
/// The bytes are not of the requested format, or of no known format.
pub const TF_STATUS_FORMAT: tf_status = 6;
/// The file breaks a rule of its format.
pub const TF_STATUS_CORRUPT: tf_status = 7;
/// The file ends too early. More bytes at its end could make it valid.
pub const TF_STATUS_TRUNCATED: tf_status = 8;
/// The input is valid but not supported: a dtype, version, method or option, or something a format cannot hold.
pub const TF_STATUS_UNSUPPORTED: tf_status = 9;
/// A limit set by an option was exceeded. The call could succeed with a larger limit.
pub const TF_STATUS_LIMIT: tf_status = 10;
/// A value has another kind or dtype than the call needs.
pub const TF_STATUS_TYPE: tf_status = 11;
/// The loaded weights do not have the expected names and shapes.
pub const TF_STATUS_MISMATCH: tf_status = 12;
/// A progress callback ended the call.
pub const TF_STATUS_CANCELLED: tf_status = 13;
/// The library has a bug; please report it.
pub const TF_STATUS_INTERNAL: tf_status = 14;

/// The type of an array's elements.
///
/// The block types of ggml are numbered 64 + ggml's own number. The data of an array of a block type is a sequence of
/// blocks, each of which encodes [`tf_dtype_block_size`] consecutive elements of a row in [`tf_dtype_block_bytes`] bytes.
pub type tf_dtype = i32;
/// A type that the library does not know. Such an array is listed, but only its raw bytes can be read: see
/// [`tf_file_type`] and [`tf_file_read_raw`].
pub const TF_DTYPE_UNSUPPORTED: tf_dtype = 0;
/// For a parameter that says which dtype to cast to: no cast, each array keeps the dtype that it has. The number is
/// that of [`TF_DTYPE_UNSUPPORTED`].
pub const TF_DTYPE_AS_STORED: tf_dtype = 0;
/// one byte, 0 or 1
pub const TF_DTYPE_BOOL: tf_dtype = 1;
/// 8-bit signed integer
pub const TF_DTYPE_INT8: tf_dtype = 2;
/// 16-bit signed integer
pub const TF_DTYPE_INT16: tf_dtype = 3;
/// 32-bit signed integer
pub const TF_DTYPE_INT32: tf_dtype = 4;
/// 64-bit signed integer
pub const TF_DTYPE_INT64: tf_dtype = 5;
/// 8-bit unsigned integer
pub const TF_DTYPE_UINT8: tf_dtype = 6;
/// 16-bit unsigned integer
pub const TF_DTYPE_UINT16: tf_dtype = 7;
/// 32-bit unsigned integer
pub const TF_DTYPE_UINT32: tf_dtype = 8;
/// 64-bit unsigned integer
pub const TF_DTYPE_UINT64: tf_dtype = 9;
/// IEEE 754 binary16
pub const TF_DTYPE_FLOAT16: tf_dtype = 10;
/// the upper 16 bits of a float32
pub const TF_DTYPE_BFLOAT16: tf_dtype = 11;
/// IEEE 754 binary32
pub const TF_DTYPE_FLOAT32: tf_dtype = 12;
/// IEEE 754 binary64
pub const TF_DTYPE_FLOAT64: tf_dtype = 13;
/// two float32: real and imaginary part
pub const TF_DTYPE_COMPLEX64: tf_dtype = 14;
/// two float64: real and imaginary part
pub const TF_DTYPE_COMPLEX128: tf_dtype = 15;
/// F8_E4M3 of safetensors
pub const TF_DTYPE_FLOAT8_E4M3FN: tf_dtype = 16;
/// F8_E5M2 of safetensors
pub const TF_DTYPE_FLOAT8_E5M2: tf_dtype = 17;
/// F8_E4M3FNUZ of safetensors
pub const TF_DTYPE_FLOAT8_E4M3FNUZ: tf_dtype = 18;
/// F8_E5M2FNUZ of safetensors
pub const TF_DTYPE_FLOAT8_E5M2FNUZ: tf_dtype = 19;
/// F8_E8M0 of safetensors: an exponent without a sign
pub const TF_DTYPE_FLOAT8_E8M0FNU: tf_dtype = 20;
/// F6_E2M3 of safetensors, packed: 4 elements in 3 bytes
pub const TF_DTYPE_FLOAT6_E2M3FN: tf_dtype = 21;
/// F6_E3M2 of safetensors, packed: 4 elements in 3 bytes
pub const TF_DTYPE_FLOAT6_E3M2FN: tf_dtype = 22;
/// F4 of safetensors, packed: 2 elements in a byte, the first in its lower half
pub const TF_DTYPE_FLOAT4_E2M1FN: tf_dtype = 23;
/// first of ggml's block types
pub const TF_DTYPE_Q4_0: tf_dtype = 66;
pub const TF_DTYPE_Q4_1: tf_dtype = 67;
pub const TF_DTYPE_Q5_0: tf_dtype = 70;
pub const TF_DTYPE_Q5_1: tf_dtype = 71;
pub const TF_DTYPE_Q8_0: tf_dtype = 72;
pub const TF_DTYPE_Q8_1: tf_dtype = 73;
pub const TF_DTYPE_Q2_K: tf_dtype = 74;
pub const TF_DTYPE_Q3_K: tf_dtype = 75;
pub const TF_DTYPE_Q4_K: tf_dtype = 76;
pub const TF_DTYPE_Q5_K: tf_dtype = 77;
pub const TF_DTYPE_Q6_K: tf_dtype = 78;
pub const TF_DTYPE_Q8_K: tf_dtype = 79;
pub const TF_DTYPE_IQ2_XXS: tf_dtype = 80;
pub const TF_DTYPE_IQ2_XS: tf_dtype = 81;
pub const TF_DTYPE_IQ3_XXS: tf_dtype = 82;
pub const TF_DTYPE_IQ1_S: tf_dtype = 83;
pub const TF_DTYPE_IQ4_NL: tf_dtype = 84;
pub const TF_DTYPE_IQ3_S: tf_dtype = 85;
pub const TF_DTYPE_IQ2_S: tf_dtype = 86;
pub const TF_DTYPE_IQ4_XS: tf_dtype = 87;
pub const TF_DTYPE_IQ1_M: tf_dtype = 93;
pub const TF_DTYPE_TQ1_0: tf_dtype = 98;
pub const TF_DTYPE_TQ2_0: tf_dtype = 99;
pub const TF_DTYPE_MXFP4: tf_dtype = 103;
pub const TF_DTYPE_NVFP4: tf_dtype = 104;
pub const TF_DTYPE_Q1_0: tf_dtype = 105;
pub const TF_DTYPE_Q2_0: tf_dtype = 106;

// What the elements of a dtype are: see [`tf_dtype_kind`].
/// there is no such dtype
pub const TF_DTYPE_KIND_NONE: c_int = 0;
pub const TF_DTYPE_KIND_BOOL: c_int = 1;
/// signed integers
pub const TF_DTYPE_KIND_SIGNED: c_int = 2;
/// unsigned integers
pub const TF_DTYPE_KIND_UNSIGNED: c_int = 3;
/// floats of any width
pub const TF_DTYPE_KIND_FLOAT: c_int = 4;
pub const TF_DTYPE_KIND_COMPLEX: c_int = 5;
/// a block type of ggml
pub const TF_DTYPE_KIND_BLOCK: c_int = 6;

/// A mixture of types in which llama-quantize encodes a model: see [`tf_quant_plan_new`].
///
/// The numbers are llama.cpp's, which general.file_type has in the metadata of a .gguf.
pub type tf_preset = i32;
/// no preset
pub const TF_PRESET_NONE: tf_preset = 0;
pub const TF_PRESET_Q4_0: tf_preset = 2;
pub const TF_PRESET_Q4_1: tf_preset = 3;
pub const TF_PRESET_Q8_0: tf_preset = 7;
pub const TF_PRESET_Q5_0: tf_preset = 8;
pub const TF_PRESET_Q5_1: tf_preset = 9;
pub const TF_PRESET_Q2_K: tf_preset = 10;
pub const TF_PRESET_Q3_K_S: tf_preset = 11;
pub const TF_PRESET_Q3_K_M: tf_preset = 12;
pub const TF_PRESET_Q3_K_L: tf_preset = 13;
pub const TF_PRESET_Q4_K_S: tf_preset = 14;
pub const TF_PRESET_Q4_K_M: tf_preset = 15;
pub const TF_PRESET_Q5_K_S: tf_preset = 16;
pub const TF_PRESET_Q5_K_M: tf_preset = 17;
pub const TF_PRESET_Q6_K: tf_preset = 18;
/// needs an importance matrix
pub const TF_PRESET_Q2_K_S: tf_preset = 21;
pub const TF_PRESET_IQ4_NL: tf_preset = 25;
pub const TF_PRESET_IQ4_XS: tf_preset = 30;
pub const TF_PRESET_TQ1_0: tf_preset = 36;
pub const TF_PRESET_TQ2_0: tf_preset = 37;
pub const TF_PRESET_MXFP4_MOE: tf_preset = 38;

/// A file format.
pub type tf_format = i32;
/// detect the format: by the path's extension, or else by the content
pub const TF_FORMAT_AUTO: tf_format = 0;
pub const TF_FORMAT_NPY: tf_format = 1;
pub const TF_FORMAT_NPZ: tf_format = 2;
pub const TF_FORMAT_SAFETENSORS: tf_format = 3;
pub const TF_FORMAT_GGUF: tf_format = 4;
/// for reading: detect the format by the content, and ignore the path's extension
pub const TF_FORMAT_BY_CONTENT: tf_format = 5;

/// What a file format can do: see [`tf_format_ability`].
pub type tf_ability = i32;
/// 1 if a file holds exactly one array, which has no name.
pub const TF_ABILITY_SINGLE_ARRAY: tf_ability = 1;
/// Which metadata a file can hold: [`TF_METADATA_NONE`], [`TF_METADATA_STRINGS`], [`TF_METADATA_STRING_LISTS`] or
/// [`TF_METADATA_TYPED`]. Each of them includes the previous ones.
pub const TF_ABILITY_METADATA: tf_ability = 2;
/// The largest number of files that a set can have (see [`TF_OPTION_PART_BYTES`]); 0 if the format has no sets.
pub const TF_ABILITY_PARTS: tf_ability = 3;
/// 1 if arrays can be compressed: see [`TF_OPTION_COMPRESS`].
pub const TF_ABILITY_COMPRESSION: tf_ability = 4;
/// 1 if metadata values are members beside the arrays, which some readers (such as MLX) refuse.
pub const TF_ABILITY_TEXT_MEMBERS: tf_ability = 5;
/// 1 if readers expect metadata that describes a model, general.architecture above all.
pub const TF_ABILITY_MODEL_KEYS: tf_ability = 6;
/// 1 if the header can end in spaces, so that a longer header fits into a file (see [`tf_edit_patch_bytes`]).
pub const TF_ABILITY_HEADER_SLACK: tf_ability = 7;

// Values of [`TF_ABILITY_METADATA`].
pub const TF_METADATA_NONE: c_int = 0;
pub const TF_METADATA_STRINGS: c_int = 1;
/// strings and lists of strings
pub const TF_METADATA_STRING_LISTS: c_int = 2;
/// also bools, numbers, and arrays of them: see [`tf_save_gguf`]
pub const TF_METADATA_TYPED: c_int = 3;

/// The kind of a value in a [`tf_dict`].
pub type tf_kind = i32;
/// there is no such value
pub const TF_KIND_NONE: tf_kind = 0;
pub const TF_KIND_ARRAY: tf_kind = 1;
/// bytes; they are UTF-8 if the writer of the file obeyed its format
pub const TF_KIND_STRING: tf_kind = 2;
pub const TF_KIND_STRING_LIST: tf_kind = 3;
pub const TF_KIND_DICT: tf_kind = 4;

/// An option of [`tf_options`]. The value of every option is an int64_t; [`tf_options_set`] checks its range.
///
/// "Switch" means 0 or 1. "Named value" means that [`tf_options_set_string`] accepts the value by name too. Options are
/// grouped by what they concern; a call ignores those that do not concern it.
pub type tf_option = i32;
/// Number of threads that one call may use, the calling thread included. 0 to 1024. Default 0: as many as the machine
/// has cores, or the width of the executor if one is set. With 1 the call creates no thread and uses no executor.
pub const TF_OPTION_THREADS: tf_option = 1;
/// Bytes of memory that the objects created by one call, or read through one [`tf_file`], may occupy at the same time.
/// 0 to INT64_MAX. Default 0: no limit. Exceeding it is [`TF_STATUS_LIMIT`].
pub const TF_OPTION_MAX_BYTES: tf_option = 9;
/// Format to load; also the format of [`tf_save_file`], of [`tf_save_weights`] if the extension of its path names none,
/// and of saves and writers whose format argument is [`TF_FORMAT_AUTO`]. Named value: a [`tf_format`], or "auto", "npy",
/// "npz", "safetensors", "gguf" or "content" ([`TF_FORMAT_BY_CONTENT`], for reading only). Default [`TF_FORMAT_AUTO`].
pub const TF_OPTION_FORMAT: tf_option = 2;
/// Whether loaded arrays own their memory or map the file. Named value: [`TF_LOAD_MODE_OWN`] ("own", the default) or
/// [`TF_LOAD_MODE_MAP`] ("map").
pub const TF_OPTION_LOAD_MODE: tf_option = 4;
/// What loading does with ggml's block types. Named value: [`TF_DECODE_KEEP`] ("keep", the default), [`TF_DECODE_MLX`]
/// ("mlx"), or one of [`TF_DTYPE_FLOAT16`], [`TF_DTYPE_BFLOAT16`], [`TF_DTYPE_FLOAT32`], [`TF_DTYPE_FLOAT64`] (or its name)
/// to decode to that dtype. A [`tf_file`] always describes arrays as they are stored, and [`tf_file_read_into`] has its
/// own dtype argument.
pub const TF_OPTION_DECODE: tf_option = 22;
/// Switch, default 0. With 1, faults are accepted that the reference readers of the formats accept: bytes after the
/// end of a file or before a zip archive; in a .npz, several members of one name (the last one is used), bytes after
/// the array of a member, and a member whose header is invalid (it is listed with [`TF_DTYPE_UNSUPPORTED`]).
pub const TF_OPTION_LENIENT: tf_option = 5;
/// Switch, default 0. With 1, [`tf_load`] and [`tf_load_weights`] leave out arrays that cannot be read, because their type
/// is unknown or their header is invalid, instead of failing.
pub const TF_OPTION_SKIP_UNSUPPORTED: tf_option = 23;
/// Switch, default 1: [`tf_load_weights`] fails if weights are missing, unexpected, or of another shape. With 0 it
/// loads the expected weights that the file has.
pub const TF_OPTION_STRICT: tf_option = 6;
/// Switch, default 0. With 1, opening one part of a set of files opens the whole set: that of the index in the same
/// folder that lists a .safetensors, that of the metadata of a split .gguf, or else all parts with that name and other
/// numbers (NAME-00001-of-00003.gguf). The index of sharded safetensors (NAME.safetensors.index.json) and the folder of
/// a set always open the whole set.
pub const TF_OPTION_PARTS: tf_option = 7;
/// Longest accepted header in bytes. 0 to INT64_MAX. Default 0: 1 MiB for the header of an npy array, 100,000,000
/// otherwise.
pub const TF_OPTION_MAX_HEADER_BYTES: tf_option = 10;
/// Largest accepted number of arrays in a file. 1 to 2^30, default 1,000,000.
pub const TF_OPTION_MAX_ARRAYS: tf_option = 11;
/// Largest accepted number of metadata values in a file; the elements of a list do not count. 1 to 2^30, default
/// 1,000,000.
pub const TF_OPTION_MAX_METADATA: tf_option = 12;
/// Longest accepted name or key in bytes. 1 to 2^30, default 65,536.
pub const TF_OPTION_MAX_NAME_BYTES: tf_option = 13;
/// Largest accepted number of dimensions. 1 to 64, default 64.
pub const TF_OPTION_MAX_RANK: tf_option = 14;
/// Deepest accepted nesting of metadata (gguf arrays nest at most 8 deep in any case), and of the trees that
/// [`tf_load_weights`] and [`tf_save_weights`] convert from and to dotted names. 1 to 64, default 64.
pub const TF_OPTION_MAX_NESTING: tf_option = 15;
/// Switch, default 0: the extension of the format is appended to a path that lacks it. With 1 the path is used as it
/// is.
pub const TF_OPTION_EXACT_PATH: tf_option = 3;
/// Most bytes of array data in one file, for a .safetensors or .gguf that is saved by path or to a sink that has a
/// resolver. 0 to INT64_MAX. Default 0: one file. Larger data is saved as a set of parts NAME-00001-of-00003 and so on,
/// for safetensors with an index. An array is never divided: one that is larger gets a part of its own.
pub const TF_OPTION_PART_BYTES: tf_option = 8;
/// Switch, default 1: saves by path are all or nothing (see "Saving"). With 0 the target is written in place; this
/// needs no space for a second copy, but a save that fails leaves an incomplete file.
pub const TF_OPTION_ATOMIC: tf_option = 17;
/// Switch, default 0. With 1 the files and their folder are flushed to the disk (fsync) before a save returns.
pub const TF_OPTION_DURABLE: tf_option = 16;
/// Alignment of array data in bytes. 0, or a power of two from 1 to 1,048,576. Default 0: 64, for gguf 32 or what the
/// key general.alignment of the metadata says. npy always has 64, as np.save; npz accepts at most 32,768; for gguf
/// the key general.alignment is written to match.
pub const TF_OPTION_ALIGNMENT: tf_option = 18;
/// Switch, default 0. With 1, a .gguf may have arrays of 5 to 8 dimensions and names of 64 to 65,535 bytes. ggml and
/// other programs refuse such files.
pub const TF_OPTION_GGUF_EXTENDED: tf_option = 24;
/// Switch, default 0. With 1, [`tf_save_file`], [`tf_save_weights`], [`tf_save_memory`], [`tf_save_sink`] and a [`tf_writer`]
/// deflate the members of an .npz. [`tf_savez`] never does, [`tf_savez_compressed`] always.
pub const TF_OPTION_COMPRESS: tf_option = 19;
/// Deflate level, -1 to 9: 0 stores, 1 to 3 are fast, and higher levels search longer for a smaller output. Default
/// -1: level 2, or zlib's default of 6 with [`TF_DEFLATE_ZLIB`].
pub const TF_OPTION_COMPRESSION_LEVEL: tf_option = 20;
/// Which encoder deflates. Named value: [`TF_DEFLATE_AUTO`] ("auto", the default) or [`TF_DEFLATE_ZLIB`] ("zlib").
pub const TF_OPTION_DEFLATE: tf_option = 21;

// Values of [`TF_OPTION_DEFLATE`].
/// The library's own encoder, which is made for arrays, is faster than zlib, and writes the same bytes on every
/// machine.
pub const TF_DEFLATE_AUTO: c_int = 0;
/// zlib. The bytes depend on its version. Saving fails with UNSUPPORTED if the library was built without zlib.
pub const TF_DEFLATE_ZLIB: c_int = 1;

// Values of [`TF_OPTION_DECODE`], besides dtypes.
/// Arrays of block types stay as they are.
pub const TF_DECODE_KEEP: c_int = 0;
/// [`tf_load`] converts as MLX's load does. q4_0, q4_1 and q8_0 become three arrays: NAME (uint32 words that hold codes
/// of 4 or 8 bits, lowest bits first) and STEM.scales and STEM.biases (float16, one for each 32 codes), where STEM is
/// NAME without a trailing ".weight". An element is code * scale + bias. Other block types become float16.
/// [`tf_file_read`] keeps blocks.
pub const TF_DECODE_MLX: c_int = -1;

// Values of [`TF_OPTION_LOAD_MODE`].
/// Arrays own their memory; later changes to the file do not affect them.
pub const TF_LOAD_MODE_OWN: c_int = 0;
/// Arrays are private, writable mappings of the file: pages are read when they are first accessed, and writes do not
/// reach the file. If another program shortens the file in place, accessing the lost part raises SIGBUS, which ends
/// the process. Data that cannot be mapped is copied instead: compressed members, data that is not aligned to its
/// items, another byte order, and bools other than 0 and 1. Copied members of an .npz have their CRC-32 verified;
/// mapped ones do not, because that would read them.
pub const TF_LOAD_MODE_MAP: c_int = 1;

// Numbers at the start of the memory that [`tf_file_listing`] returns.
/// number of arrays
pub const TF_LISTING_COUNT: c_int = 0;
/// offset of count [`tf_dtype`] (int32_t)
pub const TF_LISTING_DTYPES: c_int = 1;
/// offset of count uint64_t, as [`tf_file_nbytes`]
pub const TF_LISTING_NBYTES: c_int = 2;
/// offset of count + 1 int64_t: index of each array's first size, then their number
pub const TF_LISTING_SHAPE_STARTS: c_int = 3;
/// offset of the sizes of all arrays, int64_t
pub const TF_LISTING_SHAPES: c_int = 4;
/// offset of count + 1 int64_t: index of each name's first byte, then their number
pub const TF_LISTING_NAME_STARTS: c_int = 5;
/// offset of the names of all arrays, UTF-8 without NULs between them
pub const TF_LISTING_NAMES: c_int = 6;

/// In the start, stop or step of a slice: omitted, as in Python's `a[::2]`.
pub const TENSORFILE_SLICE_OMITTED: c_longlong = i64::MIN;

/// Releases `user`. Called exactly once, when the library no longer needs `user`. It is called even if the function that
/// received it fails.
pub type tf_release_fn = Option<unsafe extern "C" fn(*mut c_void)>;

/// Reads exactly nbytes bytes at offset into dst. A status other than 0 makes the library call fail with that status.
pub type tf_read_at_fn = Option<unsafe extern "C" fn(*mut c_void, u64, *mut c_void, usize) -> tf_status>;

/// Sets *out to nbytes readable bytes at offset, which stay valid until the source is freed. Fails as [`tf_read_at_fn`].
pub type tf_map_fn = Option<unsafe extern "C" fn(*mut c_void, u64, u64, *mut *const c_void) -> tf_status>;

/// Finds another file of the set that a source belongs to, and sets *out to a new source for it, of which the library
/// takes ownership. Called on the thread that opens the set, once for each file.
///
/// The name is NUL-terminated and relative to the folder of the source's name, with '/' between the names of folders. It
/// never leads out of that folder: names in an index that have ".." in them, begin with '/', or contain '\\\\' or ':' are
/// refused before. Returns [`TF_STATUS_NOT_FOUND`] if there is no such file; with any status but 0 the library call fails
/// with that status, unless it only asked whether the set has an index. The source may have hints; one without a name
/// gets the folder and the name.
pub type tf_resolve_source_fn = Option<unsafe extern "C" fn(*mut c_void, *const c_char, *mut *mut tf_source) -> tf_status>;

/// Writes all nbytes bytes of src. A status other than 0 makes the library call fail with that status.
pub type tf_write_fn = Option<unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> tf_status>;

/// Completes what was written to a sink, such as a multipart upload. A status other than 0 makes the library call fail
/// with that status.
pub type tf_commit_fn = Option<unsafe extern "C" fn(*mut c_void) -> tf_status>;

/// Discards what was written to a sink.
pub type tf_abort_fn = Option<unsafe extern "C" fn(*mut c_void)>;

/// Makes the sink for a file of a set, and sets *out to it; the library takes ownership. Called on the calling thread.
/// The name is NUL-terminated: the last part of the name that [`tf_sink_set_resolver`] was given, with the number of the
/// part, as in "w-00001-of-00003.safetensors", or that of the index. A status other than 0 makes the library call fail
/// with that status.
pub type tf_resolve_sink_fn = Option<unsafe extern "C" fn(*mut c_void, *const c_char, *mut *mut tf_sink) -> tf_status>;

/// Reports that a load or save has processed done of total bytes of array data. Called on the calling thread. A status
/// other than 0 (such as [`TF_STATUS_CANCELLED`]) makes the library call fail with that status.
pub type tf_progress_fn = Option<unsafe extern "C" fn(*mut c_void, u64, u64) -> tf_status>;

/// Reports that an entry of a [`tf_read_plan`] is complete: its elements are in memory and will not be written again.
/// Called once for each entry, for one entry at a time, on the thread that called [`tf_read_plan_run`], while the other
/// threads go on reading. It may call any function of the library but those that take the plan. A status other than 0
/// (such as [`TF_STATUS_CANCELLED`]) makes [`tf_read_plan_run`] fail with that status.
pub type tf_read_complete_fn = Option<unsafe extern "C" fn(*mut c_void, usize) -> tf_status>;

/// Returns size bytes at an address that is a multiple of alignment (a power of two), or NULL if that is impossible.
pub type tf_alloc_fn = Option<unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void>;

/// Frees memory of a [`tf_alloc_fn`]. The size and alignment are those that were requested.
pub type tf_free_fn = Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize)>;

/// Does one part of a call's work. Provided by the library; may run on any thread.
pub type tf_job_fn = Option<unsafe extern "C" fn(*mut c_void, usize)>;

/// Calls run(jobs, index) exactly once for each index from 0 to count - 1, on any threads, in any order and at the same
/// time if possible, and returns when all of these calls have returned. If it returns a status other than 0, the library
/// call fails with that status, and no job may run after that.
pub type tf_executor_fn = Option<unsafe extern "C" fn(*mut c_void, tf_job_fn, *mut c_void, usize) -> tf_status>;

unsafe extern "C" {
    /// Returns the version of the running library: major * 10000 + minor * 100 + patch.
    pub fn tf_version_number() -> u32;

    /// Returns the version of the running library as text, such as "0.9.0". The string is static.
    pub fn tf_version_string() -> *const c_char;

    /// Returns a status as a lower-case word, such as "corrupt"; "unknown" for other numbers. The string is static.
    pub fn tf_status_name(status: tf_status) -> *const c_char;

    /// Describes the last failure on the calling thread: one line of at most 1,023 bytes of UTF-8, with control characters
    /// escaped. It says what failed and where (file, array, byte), what was expected and what was found.
    ///
    /// Returns the message, "" before the first failure. It is borrowed until the next failure on this thread; calls that
    ///   succeed do not change it.
    pub fn tf_error_message() -> *const c_char;

    /// Returns the status of the last failure on the calling thread, [`TF_STATUS_OK`] before the first one. It is useful after
    /// a getter, which returns no status; calls that succeed do not change it.
    #[must_use]
    pub fn tf_error_status() -> tf_status;

    /// Returns the number of the operating system's error that caused the last failure on this thread (errno, on Windows
    /// what GetLastError() returned), or 0 if there is none.
    pub fn tf_error_system() -> i64;

    /// Returns the byte offset in the file that the last failure on this thread is about, or UINT64_MAX if there is none.
    pub fn tf_error_offset() -> u64;

    /// Returns the name of the array or key that the last failure on this thread is about, cut to 255 bytes, or "" if there
    /// is none. It is borrowed as the string of [`tf_error_message`] is.
    pub fn tf_error_name() -> *const c_char;

    /// Sets the error record of the calling thread. Callbacks use it to say why they fail: if a callback of a source, a sink
    /// or a resolver calls this function and then returns the same status, the message of the library call that fails
    /// contains the callback's message instead of only the name of the status. Libraries that are built on this one use it to
    /// report their own failures.
    ///
    /// * `status`: the status, which is not [`TF_STATUS_OK`]
    /// * `message`: one line, without the name of the file, which the library adds to the message of a callback
    /// * `length`: bytes of message, or SIZE_MAX
    ///
    /// Returns status, so that a callback can return the result of this function; INVALID_ARGUMENT if status is OK.
    #[must_use]
    pub fn tf_error_set(status: tf_status, message: *const c_char, length: usize) -> tf_status;

    /// Returns the name of a dtype as NumPy and ml_dtypes write it ("float32", "float8_e4m3fn"), or ggml's name in lower
    /// case ("q4_k"); "unsupported" for [`TF_DTYPE_UNSUPPORTED`] and other numbers. The string is static.
    pub fn tf_dtype_name(dtype: tf_dtype) -> *const c_char;

    /// Returns the dtype with a NUL-terminated name, or [`TF_DTYPE_UNSUPPORTED`] if there is none. The names of ggml's types
    /// may be in any letter case.
    pub fn tf_dtype_from_name(name: *const c_char) -> tf_dtype;

    /// Returns the number of bits of one element: 8 for bool, 4 for float4_e2m1fn; 0 for a block type.
    pub fn tf_dtype_bits(dtype: tf_dtype) -> u32;

    /// Returns the number of elements in the smallest unit of whole bytes: 1 for most dtypes, 2 for float4, 4 for float6,
    /// and the size of a block (such as 32 or 256) for a block type.
    pub fn tf_dtype_block_size(dtype: tf_dtype) -> u32;

    /// Returns the number of bytes of that unit: the item size for most dtypes, 1 for float4, 3 for float6, and the bytes
    /// of a block (18 for q4_0) for a block type.
    pub fn tf_dtype_block_bytes(dtype: tf_dtype) -> u32;

    /// Returns what the elements of a dtype are: one of [`TF_DTYPE_KIND_BOOL`], [`TF_DTYPE_KIND_SIGNED`],
    /// [`TF_DTYPE_KIND_UNSIGNED`], [`TF_DTYPE_KIND_FLOAT`], [`TF_DTYPE_KIND_COMPLEX`] and [`TF_DTYPE_KIND_BLOCK`];
    /// [`TF_DTYPE_KIND_NONE`] for [`TF_DTYPE_UNSUPPORTED`] and other numbers.
    pub fn tf_dtype_kind(dtype: tf_dtype) -> i32;

    /// Returns 1 if [`tf_array_cast`] can make arrays of a dtype from floats, else 0: for the block types that can only be
    /// decoded, for [`TF_DTYPE_UNSUPPORTED`] and other numbers.
    pub fn tf_dtype_can_encode(dtype: tf_dtype) -> i32;

    /// Returns the format at an index, in the order of their numbers, or [`TF_FORMAT_AUTO`] if the index is not less than the
    /// number of formats.
    pub fn tf_format_at(index: usize) -> tf_format;

    /// Returns the name of a format: "auto", "npy", "npz", "safetensors", "gguf"; "unknown" for other numbers. The string
    /// is static.
    pub fn tf_format_name(format: tf_format) -> *const c_char;

    /// Returns the extension of a format with its dot, such as ".npz"; "" for [`TF_FORMAT_AUTO`], [`TF_FORMAT_BY_CONTENT`] and
    /// other numbers. The string is static.
    pub fn tf_format_extension(format: tf_format) -> *const c_char;

    /// Returns what a format can do: a number whose meaning is described at the [`tf_ability`]. It is 0 if the format lacks
    /// the ability, or if there is no such format or ability.
    pub fn tf_format_ability(format: tf_format, ability: tf_ability) -> i64;

    /// Returns the format that the extension of a path names, in any letter case, or [`TF_FORMAT_AUTO`] if it names none.
    pub fn tf_format_from_path(path: *const c_char) -> tf_format;

    /// Detects the format of a file from its first bytes.
    ///
    /// * `head`: the first bytes of the file
    /// * `nbytes`: number of bytes; 16 are enough, with fewer the result can be [`TF_FORMAT_AUTO`]
    ///
    /// Returns the format, or [`TF_FORMAT_AUTO`] if the bytes match none
    pub fn tf_format_probe(head: *const c_void, nbytes: usize) -> tf_format;

    /// Creates options that all have their defaults.
    #[must_use]
    pub fn tf_options_new(out: *mut *mut tf_options) -> tf_status;

    /// Adds a reference and returns the options.
    pub fn tf_options_retain(options: *mut tf_options) -> *mut tf_options;

    /// Drops a reference.
    pub fn tf_options_release(options: *mut tf_options);

    /// Sets an option.
    ///
    /// * `options`: the options to change
    /// * `option`: the option to set
    /// * `value`: its new value, in the range given at [`tf_option`]
    ///
    /// Returns INVALID_ARGUMENT if the value is out of range; UNSUPPORTED if this version has no such option.
    #[must_use]
    pub fn tf_options_set(options: *mut tf_options, option: tf_option, value: i64) -> tf_status;

    /// Gets the value of an option.
    ///
    /// Returns UNSUPPORTED if this version has no such option.
    #[must_use]
    pub fn tf_options_get(value: *mut i64, options: *const tf_options, option: tf_option) -> tf_status;

    /// Sets an option by the name of a value: [`TF_OPTION_FORMAT`], [`TF_OPTION_LOAD_MODE`], [`TF_OPTION_DEFLATE`] or
    /// [`TF_OPTION_DECODE`].
    ///
    /// * `options`: the options to change
    /// * `option`: the option to set
    /// * `text`: the name of the value, as given at the option
    /// * `length`: bytes of text, or SIZE_MAX
    ///
    /// Returns INVALID_ARGUMENT if the option has no value of that name; TYPE if the values of the option have no names;
    ///   UNSUPPORTED if this version has no such option.
    #[must_use]
    pub fn tf_options_set_string(
        options: *mut tf_options,
        option: tf_option,
        text: *const c_char,
        length: usize,
    ) -> tf_status;

    /// Returns the name of an option, as messages contain it: "max_arrays" for [`TF_OPTION_MAX_ARRAYS`]; "unknown" if this
    /// version has no such option. The string is static.
    pub fn tf_option_name(option: tf_option) -> *const c_char;

    /// Returns the option with a NUL-terminated name, or 0 if there is none.
    pub fn tf_option_from_name(name: *const c_char) -> tf_option;

    /// Gets the smallest and the largest value that an option accepts, and its default.
    ///
    /// * `minimum`: receives the smallest value; may be NULL
    /// * `maximum`: receives the largest value; may be NULL. Of an option with named values, and of
    ///   [`TF_OPTION_ALIGNMENT`], not every number between the two is accepted
    /// * `default_value`: receives the default; may be NULL
    /// * `option`: the option
    ///
    /// Returns UNSUPPORTED if this version has no such option.
    #[must_use]
    pub fn tf_option_range(
        minimum: *mut i64,
        maximum: *mut i64,
        default_value: *mut i64,
        option: tf_option,
    ) -> tf_status;

    /// Sets the allocator. All memory that calls with these options need, and all memory of the objects that they create,
    /// comes from it.
    ///
    /// * `options`: the options to change
    /// * `alloc`: allocates memory on any thread; NULL selects the default allocator again, and then free must be NULL
    ///   too
    /// * `free`: frees that memory, on any thread; it can be called until the last object created with the allocator
    ///   has been released
    /// * `release`: called when the options and all objects created with the allocator are gone, or if this call fails;
    ///   may be NULL
    /// * `user`: first argument of the three callbacks
    ///
    /// Returns INVALID_ARGUMENT if only one of alloc and free is NULL.
    #[must_use]
    pub fn tf_options_set_allocator(
        options: *mut tf_options,
        alloc: tf_alloc_fn,
        free: tf_free_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Sets the progress callback. It is called on the calling thread with the bytes of array data that a load or save has
    /// processed so far and their total, and can cancel the call.
    ///
    /// * `options`: the options to change
    /// * `progress`: the callback, or NULL for none
    /// * `release`: called when the options no longer need user, or if this call fails; may be NULL
    /// * `user`: first argument of the callbacks
    #[must_use]
    pub fn tf_options_set_progress(
        options: *mut tf_options,
        progress: tf_progress_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Sets an executor: calls with these options create no threads and run their parallel work on the caller's own workers
    /// instead. A call uses the executor once, or several times so that progress can be reported in between. Small work is
    /// done directly on the calling thread.
    ///
    /// Jobs never wait for each other, so they may run one after another. They call the allocator and concurrent sources on
    /// whatever thread runs them, and can change the error record of that thread. The executor may run jobs on the calling
    /// thread too; it must not wait for other work that only the calling thread could do.
    ///
    /// * `options`: the options to change
    /// * `execute`: the executor, or NULL to let the library create threads again
    /// * `width`: number of jobs that can run at the same time, at least 1. The library never passes a count above it
    ///   or above [`TF_OPTION_THREADS`]
    /// * `release`: called when the options, and files opened with them, no longer need user, or if this call fails; may
    ///   be NULL
    /// * `user`: first argument of the callbacks
    ///
    /// Returns INVALID_ARGUMENT if width is 0. A later call that uses the executor fails with INVALID_ARGUMENT if the
    ///   executor returned 0 without having run every job.
    #[must_use]
    pub fn tf_options_set_executor(
        options: *mut tf_options,
        execute: tf_executor_fn,
        width: usize,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Creates a C-contiguous array of zeros.
    ///
    /// * `out`: receives the array
    /// * `dtype`: type of its elements
    /// * `shape`: ndim sizes in elements, each 0 or more; NULL if ndim is 0. For a block type the last size must be a
    ///   multiple of the block size; for a packed type (float4, float6) the number of elements must be a
    ///   multiple of the unit, see [`tf_dtype_block_size`]
    /// * `ndim`: number of dimensions, 0 to 64; 0 makes a scalar
    ///
    /// Returns INVALID_ARGUMENT if a size is negative, the array would have 2^63 bytes or more, or the dtype is unknown.
    #[must_use]
    pub fn tf_array_new(out: *mut *mut tf_array, dtype: tf_dtype, shape: *const i64, ndim: usize) -> tf_status;

    /// Does the same as [`tf_array_new`], with memory of the options' allocator.
    ///
    /// Returns as [`tf_array_new`]; LIMIT if the
    /// array needs more than [`TF_OPTION_MAX_BYTES`].
    #[must_use]
    pub fn tf_array_new_with(
        out: *mut *mut tf_array,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
        options: *const tf_options,
    ) -> tf_status;

    /// Creates a C-contiguous array that holds a copy of data.
    ///
    /// * `out`: receives the array
    /// * `dtype`: type of its elements
    /// * `shape`: ndim sizes in elements, as in [`tf_array_new`]
    /// * `ndim`: number of dimensions
    /// * `src`: the elements in C order, in the byte order of this machine (block types are little-endian everywhere)
    /// * `nbytes`: bytes of src; must be exactly what dtype and shape need
    ///
    /// Returns as [`tf_array_new`]; INVALID_ARGUMENT if nbytes is wrong.
    #[must_use]
    pub fn tf_array_copy_from(
        out: *mut *mut tf_array,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
        src: *const c_void,
        nbytes: usize,
    ) -> tf_status;

    /// Creates an array on memory of the caller, without a copy. The memory must stay valid until release is called.
    ///
    /// * `out`: receives the array
    /// * `dtype`: type of its elements
    /// * `shape`: ndim sizes in elements, as in [`tf_array_new`]
    /// * `ndim`: number of dimensions
    /// * `strides`: ndim strides in bytes, multiples of the item's alignment; 0 and negative ones are allowed. NULL for
    ///   a C-contiguous array, and always for packed and block types
    /// * `data`: the first element, \[0, 0, ...\], aligned to its item (complex: to its half); may be NULL if the array
    ///   has no elements
    /// * `nbytes`: number of bytes from data on that the array may access. With negative strides the array also
    ///   accesses memory before data; the caller guarantees that it exists
    /// * `writable`: 0 makes the array read-only: [`tf_array_data_mut`] refuses it
    /// * `release`: called with user when the last array on this memory is released, or if this call fails; may be NULL
    /// * `user`: argument of release
    ///
    /// Returns as [`tf_array_new`]; INVALID_ARGUMENT if strides or data are misaligned or the elements exceed nbytes.
    #[must_use]
    pub fn tf_array_wrap(
        out: *mut *mut tf_array,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
        strides: *const i64,
        data: *mut c_void,
        nbytes: usize,
        writable: i32,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Adds a reference and returns the array.
    pub fn tf_array_retain(array: *mut tf_array) -> *mut tf_array;

    /// Drops a reference.
    pub fn tf_array_release(array: *mut tf_array);

    /// Returns the dtype.
    pub fn tf_array_dtype(array: *const tf_array) -> tf_dtype;

    /// Returns the number of dimensions; 0 for a scalar.
    pub fn tf_array_ndim(array: *const tf_array) -> usize;

    /// Returns the ndim sizes in elements. The pointer is borrowed from the array, and never NULL for an array.
    pub fn tf_array_shape(array: *const tf_array) -> *const i64;

    /// Returns the ndim strides in bytes, borrowed from the array, or NULL for packed and block types, which are always
    /// C-contiguous.
    pub fn tf_array_strides(array: *const tf_array) -> *const i64;

    /// Returns the number of elements, the product of the shape.
    pub fn tf_array_size(array: *const tf_array) -> i64;

    /// Returns the number of bytes of all elements in C order, whatever the strides are.
    pub fn tf_array_nbytes(array: *const tf_array) -> u64;

    /// Returns the address of the first element, \[0, 0, ...\]. It is borrowed from the array, and never NULL for an array,
    /// not even for an empty one.
    pub fn tf_array_data(array: *const tf_array) -> *const c_void;

    /// Gets the address of the first element for writing.
    ///
    /// * `data`: receives the address, borrowed from the array
    /// * `array`: the array to write
    ///
    /// Returns INVALID_ARGUMENT if the memory is read-only or shared with another array; [`tf_array_make_mut`] makes it
    ///   writable.
    #[must_use]
    pub fn tf_array_data_mut(data: *mut *mut c_void, array: *mut tf_array) -> tf_status;

    /// Makes sure that *array can be written without changing any other array. If its memory is read-only, or shared with
    /// another array or through another reference to the same array (such as a dict's), *array is replaced by a C-contiguous
    /// copy and the old reference is released; otherwise nothing changes.
    #[must_use]
    pub fn tf_array_make_mut(array: *mut *mut tf_array) -> tf_status;

    /// Returns 1 if the elements are stored in C order without gaps, else 0.
    pub fn tf_array_is_contiguous(array: *const tf_array) -> i32;

    /// Gets one element as an integer.
    ///
    /// * `value`: receives the element
    /// * `array`: an array of bool or an integer dtype
    /// * `index`: ndim indices; negative ones count from the end. NULL if ndim is 0
    /// * `ndim`: number of indices, which must be that of the array's dimensions
    ///
    /// Returns INVALID_ARGUMENT if an index is out of range; TYPE if the dtype is another one, or the element is a uint64
    ///   above INT64_MAX.
    #[must_use]
    pub fn tf_array_item_int64(value: *mut i64, array: *const tf_array, index: *const i64, ndim: usize) -> tf_status;

    /// Gets one element as a double, rounded to nearest even if necessary. The arguments are those of
    /// [`tf_array_item_int64`].
    ///
    /// Returns INVALID_ARGUMENT if an index is out of range; TYPE if the dtype is complex or a block
    /// type.
    #[must_use]
    pub fn tf_array_item_double(value: *mut f64, array: *const tf_array, index: *const i64, ndim: usize) -> tf_status;

    /// Sets one element to an integer.
    ///
    /// * `array`: an array of bool or an integer dtype
    /// * `index`: ndim indices, as in [`tf_array_item_int64`]
    /// * `ndim`: number of indices
    /// * `value`: the new value
    ///
    /// Returns INVALID_ARGUMENT if an index is out of range, the dtype cannot hold the value (a bool holds 0 and 1), or the
    ///   memory cannot be written (see [`tf_array_data_mut`]); TYPE if the dtype is another one.
    #[must_use]
    pub fn tf_array_set_item_int64(array: *mut tf_array, index: *const i64, ndim: usize, value: i64) -> tf_status;

    /// Sets one element to a double. A float dtype rounds it as [`tf_array_cast`] does; bool and integer dtypes take whole
    /// numbers that they can hold. The other arguments are those of [`tf_array_set_item_int64`].
    ///
    /// Returns INVALID_ARGUMENT as
    /// [`tf_array_set_item_int64`]; TYPE if the dtype is complex or a block type.
    #[must_use]
    pub fn tf_array_set_item_double(array: *mut tf_array, index: *const i64, ndim: usize, value: f64) -> tf_status;

    /// Copies the elements to memory of the caller.
    ///
    /// * `array`: the array to copy
    /// * `dtype`: dtype to cast to, as [`tf_array_cast`], on several threads if there is much to cast;
    ///   [`TF_DTYPE_AS_STORED`] keeps that of the array
    /// * `dst`: where the first element goes; needs no alignment. It must not overlap the array's memory, and its
    ///   contents are undefined if the call fails
    /// * `strides`: ndim strides in bytes, which may be negative and must place no two elements on the same bytes. NULL
    ///   for C order, and always for packed and block types
    /// * `nbytes`: bytes from dst on that may be written: without strides exactly what the elements need, with strides
    ///   at least as many as they reach. With negative strides the call also writes before dst; the caller
    ///   guarantees that this memory exists
    ///
    /// Returns as [`tf_array_cast`]; INVALID_ARGUMENT if nbytes or a stride is wrong.
    #[must_use]
    pub fn tf_array_copy_to(
        array: *const tf_array,
        dtype: tf_dtype,
        dst: *mut c_void,
        strides: *const i64,
        nbytes: usize,
    ) -> tf_status;

    /// Returns the array itself with another reference if it is C-contiguous, else a C-contiguous copy.
    #[must_use]
    pub fn tf_array_contiguous(out: *mut *mut tf_array, array: *const tf_array) -> tf_status;

    /// Gives the elements of an array, in C order, another shape, as NumPy's reshape does. The result is a view if strides
    /// can describe it, which they always can for a C-contiguous array, and otherwise a C-contiguous copy.
    ///
    /// * `out`: receives the result
    /// * `array`: the array to reshape
    /// * `shape`: ndim sizes with the same product as the array's; one may be -1, which means that it follows from the
    ///   others. NULL if ndim is 0
    /// * `ndim`: number of dimensions, 0 to 64
    ///
    /// Returns INVALID_ARGUMENT if the number of elements differs, more than one size is -1 or it does not follow from the
    ///   others because one of them is 0, or a row of a block type would not be whole blocks.
    #[must_use]
    pub fn tf_array_reshape(
        out: *mut *mut tf_array,
        array: *const tf_array,
        shape: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// Creates a view with the axes in another order.
    ///
    /// * `out`: receives the view
    /// * `array`: the array to view
    /// * `axes`: each axis of the array once, in the new order; NULL reverses the axes
    /// * `naxes`: number of axes: ndim, or 0 if axes is NULL
    ///
    /// Returns INVALID_ARGUMENT if axes is not a permutation; UNSUPPORTED for a packed or block type, unless the order stays
    ///   the same.
    #[must_use]
    pub fn tf_array_transpose(
        out: *mut *mut tf_array,
        array: *const tf_array,
        axes: *const usize,
        naxes: usize,
    ) -> tf_status;

    /// Creates a view of Python's array\[start:stop:step, ...\]. For packed and block types the result is a copy if a view is
    /// impossible.
    ///
    /// * `out`: receives the view
    /// * `array`: the array to slice
    /// * `start`: for each dimension the index of the first element. Negative and out-of-range values mean what they mean
    ///   in Python; [`TENSORFILE_SLICE_OMITTED`] means omitted. NULL means that all ndim values are omitted
    /// * `stop`: for each dimension the index to stop before, given as start is
    /// * `step`: for each dimension the distance of the elements, given as start is; not 0
    /// * `ndim`: number of the array's dimensions
    ///
    /// Returns INVALID_ARGUMENT if a step is 0 or ndim is not that of the array; UNSUPPORTED if the slice would divide a
    ///   unit of a packed or block type.
    #[must_use]
    pub fn tf_array_slice(
        out: *mut *mut tf_array,
        array: *const tf_array,
        start: *const i64,
        stop: *const i64,
        step: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// Casts an array to another dtype. The result is a C-contiguous copy, or the array itself with another reference if it
    /// already has the dtype and is C-contiguous.
    ///
    /// Floats are rounded to nearest even and overflow as in NumPy and ml_dtypes. A float is truncated to an integer and
    /// saturates; NaN becomes 0. An integer wraps around, as in NumPy's astype. As a bool, every value but zero is true.
    /// Block types are decoded, and encoded as ggml's reference code does.
    ///
    /// * `out`: receives the result
    /// * `array`: the array to cast
    /// * `dtype`: the dtype of the result
    /// * `options`: allocator and threads; may be NULL
    ///
    /// Returns TYPE for complex to real; UNSUPPORTED if no conversion between the dtypes is defined; INVALID_ARGUMENT if a
    ///   row cannot be divided into blocks, or an element to be encoded into a block is not finite.
    #[must_use]
    pub fn tf_array_cast(
        out: *mut *mut tf_array,
        array: *const tf_array,
        dtype: tf_dtype,
        options: *const tf_options,
    ) -> tf_status;

    /// Casts an array to a block type with an importance matrix: errors of elements with larger weights are made smaller. The
    /// blocks equal those that ggml makes with these weights. Dtypes whose encoders use no weights are cast as by
    /// [`tf_array_cast`]: q8_0, q8_1, q8_k, tq1_0, tq2_0, mxfp4, nvfp4, and all that are not block types.
    ///
    /// * `out`: receives the result
    /// * `array`: the array to cast; its rows must be whole, also if it is a part of a larger one
    /// * `dtype`: the dtype of the result
    /// * `weights`: a float32 array with the same last size. It broadcasts to the shape of the array as in NumPy, such as
    ///   (experts, 1, columns)
    /// * `options`: allocator and threads; may be NULL
    ///
    /// Returns as [`tf_array_cast`]; TYPE if the weights are not float32; INVALID_ARGUMENT if their shape does not fit, or a
    ///   weight is not finite.
    #[must_use]
    pub fn tf_array_cast_weighted(
        out: *mut *mut tf_array,
        array: *const tf_array,
        dtype: tf_dtype,
        weights: *const tf_array,
        options: *const tf_options,
    ) -> tf_status;

    /// Sets *equal to 1 if dtypes, shapes and all bytes of the elements are equal, else to 0. A NaN equals the same NaN,
    /// and -0.0 does not equal 0.0.
    #[must_use]
    pub fn tf_array_equal(equal: *mut i32, a: *const tf_array, b: *const tf_array) -> tf_status;

    /// Exports an array as a tensor of DLPack 1.1 in the memory of the host.
    ///
    /// The tensor keeps the memory alive until its deleter is called, even if the array is released earlier. Until then the
    /// memory counts as shared (see [`tf_array_data_mut`]). A consumer may write to the array's memory unless it is read-only,
    /// which the tensor's read-only flag reports.
    ///
    /// * `out`: receives the tensor; its owner calls (*out)->deleter(*out) exactly once
    /// * `array`: the array to export
    ///
    /// Returns UNSUPPORTED for a block type, or if a stride is not a multiple of the item size (possible for complex
    ///   dtypes).
    #[must_use]
    pub fn tf_array_to_dlpack(out: *mut *mut DLManagedTensorVersioned, array: *mut tf_array) -> tf_status;

    /// Does the same as [`tf_array_to_dlpack`] with the struct of DLPack before 1.0.
    ///
    /// Returns as [`tf_array_to_dlpack`];
    /// UNSUPPORTED also for read-only memory, which that struct cannot express.
    #[must_use]
    pub fn tf_array_to_dlpack_unversioned(out: *mut *mut DLManagedTensor, array: *mut tf_array) -> tf_status;

    /// Creates an array on the memory of a DLPack tensor, without a copy. The array is writable unless the tensor has the
    /// read-only flag.
    ///
    /// * `out`: receives the array
    /// * `tensor`: a tensor in host memory, which may be pinned for CUDA or ROCm. The call takes ownership of it: its
    ///   deleter is called when the last array on its memory is released, or if this call fails
    ///
    /// Returns UNSUPPORTED for memory of a device, a type that has no [`tf_dtype`], several lanes, a packed type that is
    ///   padded or strided, and DLPack 2 or later; INVALID_ARGUMENT for more than 64 dimensions, a negative size, or
    ///   data that is not aligned to its item.
    #[must_use]
    pub fn tf_array_from_dlpack(out: *mut *mut tf_array, tensor: *mut DLManagedTensorVersioned) -> tf_status;

    /// Does the same as [`tf_array_from_dlpack`] with the struct of DLPack before 1.0. The array is writable.
    #[must_use]
    pub fn tf_array_from_dlpack_unversioned(out: *mut *mut tf_array, tensor: *mut DLManagedTensor) -> tf_status;

    /// Creates an empty dict.
    #[must_use]
    pub fn tf_dict_new(out: *mut *mut tf_dict) -> tf_status;

    /// Creates an empty dict whose memory comes from the options' allocator: the dict itself, its keys and strings, and the
    /// arrays that [`tf_dict_set_scalar`] and its relatives create. Filling it fails with LIMIT above
    /// [`TF_OPTION_MAX_BYTES`].
    #[must_use]
    pub fn tf_dict_new_with(out: *mut *mut tf_dict, options: *const tf_options) -> tf_status;

    /// Adds a reference and returns the dict.
    pub fn tf_dict_retain(dict: *mut tf_dict) -> *mut tf_dict;

    /// Drops a reference.
    pub fn tf_dict_release(dict: *mut tf_dict);

    /// Copies a dict, its nested dicts and its lists; a dict that is nested in several places is copied once. The arrays of
    /// the copy are views of the same memory, which therefore counts as shared: see [`tf_array_data_mut`].
    ///
    /// * `out`: receives the copy
    /// * `dict`: the dict to copy, which may be borrowed, as that of [`tf_file_metadata`] is
    #[must_use]
    pub fn tf_dict_copy(out: *mut *mut tf_dict, dict: *const tf_dict) -> tf_status;

    /// Returns the number of values.
    pub fn tf_dict_size(dict: *const tf_dict) -> usize;

    /// Gets the key at an index from 0 to size - 1, in insertion order. The string is borrowed.
    #[must_use]
    pub fn tf_dict_key_at(
        key: *mut *const c_char,
        length: *mut usize,
        dict: *const tf_dict,
        index: usize,
    ) -> tf_status;

    /// Returns the kind of the value at an index; [`TF_KIND_NONE`] if the index is out of range.
    pub fn tf_dict_kind_at(dict: *const tf_dict, index: usize) -> tf_kind;

    /// Gets the array at an index, as a new reference.
    ///
    /// Returns TYPE.
    #[must_use]
    pub fn tf_dict_array_at(out: *mut *mut tf_array, dict: *const tf_dict, index: usize) -> tf_status;

    /// Gets the string at an index. It is borrowed.
    ///
    /// Returns TYPE.
    #[must_use]
    pub fn tf_dict_string_at(
        text: *mut *const c_char,
        text_length: *mut usize,
        dict: *const tf_dict,
        index: usize,
    ) -> tf_status;

    /// Gets the dict at an index, as a new reference.
    ///
    /// Returns TYPE.
    #[must_use]
    pub fn tf_dict_dict_at(out: *mut *mut tf_dict, dict: *const tf_dict, index: usize) -> tf_status;

    /// Gets the number of strings in the list at an index.
    ///
    /// Returns TYPE.
    #[must_use]
    pub fn tf_dict_string_list_size_at(count: *mut usize, dict: *const tf_dict, index: usize) -> tf_status;

    /// Gets one string, from 0 to count - 1, of the list at an index. It is borrowed.
    ///
    /// Returns TYPE.
    #[must_use]
    pub fn tf_dict_string_list_item_at(
        text: *mut *const c_char,
        text_length: *mut usize,
        dict: *const tf_dict,
        index: usize,
        item: usize,
    ) -> tf_status;

    /// Returns 1 if there is a value with a key, else 0. A missing key is not a failure: the error record does not
    /// change.
    pub fn tf_dict_contains(dict: *const tf_dict, key: *const c_char, length: usize) -> i32;

    /// Returns the kind of the value of a key, or [`TF_KIND_NONE`] if there is no such key, which does not change the error
    /// record.
    pub fn tf_dict_kind(dict: *const tf_dict, key: *const c_char, length: usize) -> tf_kind;

    /// Gets the index of a key.
    ///
    /// Returns NOT_FOUND.
    #[must_use]
    pub fn tf_dict_find(index: *mut usize, dict: *const tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Removes a key and its value. The indices of the values after it decrease by one, and the time is proportional to the
    /// size of the dict.
    ///
    /// Returns NOT_FOUND.
    #[must_use]
    pub fn tf_dict_remove(dict: *mut tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Gets the array of a key, as a new reference.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_get_array(
        out: *mut *mut tf_array,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
    ) -> tf_status;

    /// Sets a key to an array, of which the dict keeps a reference.
    #[must_use]
    pub fn tf_dict_set_array(dict: *mut tf_dict, key: *const c_char, length: usize, array: *mut tf_array) -> tf_status;

    /// Gets the string of a key. It is borrowed, and can contain NUL bytes.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_get_string(
        text: *mut *const c_char,
        text_length: *mut usize,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
    ) -> tf_status;

    /// Sets a key to a copy of a string of text_length bytes (or SIZE_MAX).
    #[must_use]
    pub fn tf_dict_set_string(
        dict: *mut tf_dict,
        key: *const c_char,
        length: usize,
        text: *const c_char,
        text_length: usize,
    ) -> tf_status;

    /// Gets the number of strings in the list of a key.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_string_list_size(
        count: *mut usize,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
    ) -> tf_status;

    /// Gets one string of the list of a key. It is borrowed.
    ///
    /// Returns NOT_FOUND, TYPE; INVALID_ARGUMENT if the index is out
    /// of range.
    #[must_use]
    pub fn tf_dict_string_list_at(
        text: *mut *const c_char,
        text_length: *mut usize,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
        index: usize,
    ) -> tf_status;

    /// Sets a key to an empty list of strings, which [`tf_dict_string_list_append`] fills.
    #[must_use]
    pub fn tf_dict_set_string_list(dict: *mut tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Appends a copy of a string to the list of a key.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_string_list_append(
        dict: *mut tf_dict,
        key: *const c_char,
        length: usize,
        text: *const c_char,
        text_length: usize,
    ) -> tf_status;

    /// Gets the dict of a key, as a new reference.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_get_dict(
        out: *mut *mut tf_dict,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
    ) -> tf_status;

    /// Sets a key to a dict, of which this dict keeps a reference.
    ///
    /// Returns INVALID_ARGUMENT if value is this dict or
    /// contains it.
    #[must_use]
    pub fn tf_dict_set_dict(dict: *mut tf_dict, key: *const c_char, length: usize, value: *mut tf_dict) -> tf_status;

    /// Gets the value of a 0-d array with its dtype.
    ///
    /// * `dtype`: receives the dtype; may be NULL
    /// * `value`: receives the element in the byte order of this machine; NULL asks for the dtype only
    /// * `capacity`: bytes of value; 16 are enough for every dtype
    /// * `dict`: the dict
    /// * `key`: the key
    /// * `length`: bytes of key, or SIZE_MAX
    ///
    /// Returns NOT_FOUND; TYPE for any other value; INVALID_ARGUMENT if the element needs more bytes than capacity.
    #[must_use]
    pub fn tf_dict_get_scalar(
        dtype: *mut tf_dtype,
        value: *mut c_void,
        capacity: usize,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
    ) -> tf_status;

    /// Sets a key to a new 0-d array. In the metadata of a .gguf the dtype is the type of the value, and readers expect
    /// certain ones: uint32 for most counts, float32 for factors, bool for switches.
    ///
    /// * `dict`: the dict to change
    /// * `key`: the key
    /// * `length`: bytes of key, or SIZE_MAX
    /// * `dtype`: dtype of the element; not a packed or block type
    /// * `value`: the element, of [`tf_dtype_block_bytes`] bytes, in the byte order of this machine
    ///
    /// Returns INVALID_ARGUMENT if a dtype has no single elements, or a bool is neither 0 nor 1.
    #[must_use]
    pub fn tf_dict_set_scalar(
        dict: *mut tf_dict,
        key: *const c_char,
        length: usize,
        dtype: tf_dtype,
        value: *const c_void,
    ) -> tf_status;

    /// Gets the value of a 0-d array of bool or an integer dtype.
    ///
    /// Returns NOT_FOUND; TYPE for any other value.
    #[must_use]
    pub fn tf_dict_get_int64(value: *mut i64, dict: *const tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Sets a key to a new 0-d int64 array.
    #[must_use]
    pub fn tf_dict_set_int64(dict: *mut tf_dict, key: *const c_char, length: usize, value: i64) -> tf_status;

    /// Gets the value of a 0-d array of a real dtype.
    ///
    /// Returns NOT_FOUND; TYPE for any other value.
    #[must_use]
    pub fn tf_dict_get_double(value: *mut f64, dict: *const tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Sets a key to a new 0-d float64 array.
    #[must_use]
    pub fn tf_dict_set_double(dict: *mut tf_dict, key: *const c_char, length: usize, value: f64) -> tf_status;

    /// Converts a tree of nested dicts to a flat dict, joining names with '.', as MLX's tree_flatten: {"layers": {"0": {"w":
    /// x}}} becomes {"layers.0.w": x}. The values are shared, and empty dicts disappear.
    ///
    /// * `flat`: receives the flat dict
    /// * `tree`: the nested dicts
    ///
    /// Returns DUPLICATE if two paths join to the same name; LIMIT if the tree is nested more than 64 deep.
    #[must_use]
    pub fn tf_dict_flatten(flat: *mut *mut tf_dict, tree: *const tf_dict) -> tf_status;

    /// Converts a flat dict to a tree of nested dicts, splitting names at '.'.
    ///
    /// Returns DUPLICATE if a name is also the
    /// prefix of another one; LIMIT if the tree would be nested more than 64 deep.
    #[must_use]
    pub fn tf_dict_unflatten(tree: *mut *mut tf_dict, flat: *const tf_dict) -> tf_status;

    /// Sets *equal to 1 if two dicts have the same keys with equal values, else to 0. The order of the keys does not matter.
    /// Values are equal if they are of the same kind, and strings have the same bytes, lists the same strings in the same
    /// order, arrays and numbers are equal as in [`tf_array_equal`], so that a NaN equals the same NaN and -0.0 does not equal
    /// 0.0, and nested dicts are equal.
    #[must_use]
    pub fn tf_dict_equal(equal: *mut i32, a: *const tf_dict, b: *const tf_dict) -> tf_status;

    /// Compares the names and shapes of the arrays in two trees or flat dicts. Dtypes are not compared, as in MLX's
    /// load_weights.
    ///
    /// * `report`: receives a dict of three sorted lists of flat names: "missing" (only in expected), "unexpected"
    ///   (only in actual) and "shape" (in both, with different shapes)
    /// * `expected`: the tree with the expected names and shapes
    /// * `actual`: the tree to compare with it
    #[must_use]
    pub fn tf_dict_compare(report: *mut *mut tf_dict, expected: *const tf_dict, actual: *const tf_dict) -> tf_status;

    /// Creates a source from callbacks.
    ///
    /// * `out`: receives the source
    /// * `size`: number of bytes that can be read
    /// * `concurrent`: not 0 if several threads may call read_at and map at the same time
    /// * `read_at`: reads bytes
    /// * `map`: maps bytes; NULL if nothing can be mapped
    /// * `release`: called when the source is freed, or if this call fails; may be NULL
    /// * `user`: first argument of the callbacks
    #[must_use]
    pub fn tf_source_new(
        out: *mut *mut tf_source,
        size: u64,
        concurrent: i32,
        read_at: tf_read_at_fn,
        map: tf_map_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Opens a file as a source. The file stays open until the source is freed.
    ///
    /// * `out`: receives the source
    /// * `path`: path of a regular file
    ///
    /// Returns NOT_FOUND if there is no such file; IO if it is a folder, FIFO or device, may not be read, or the system
    ///   reports an error.
    #[must_use]
    pub fn tf_source_from_path(out: *mut *mut tf_source, path: *const c_char) -> tf_status;

    /// Creates a source on memory of the caller, without a copy.
    ///
    /// * `out`: receives the source
    /// * `data`: the bytes
    /// * `nbytes`: number of bytes
    /// * `release`: called with user when the memory is no longer needed, or if this call fails; may be NULL
    /// * `user`: argument of release
    #[must_use]
    pub fn tf_source_from_memory(
        out: *mut *mut tf_source,
        data: *const c_void,
        nbytes: usize,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Creates a source on a part of an open file, such as an asset in an archive. The source can be mapped. It duplicates
    /// the descriptor, so the caller may close its own at once, and it neither uses nor moves the file position.
    ///
    /// * `out`: receives the source
    /// * `fd`: descriptor of a regular file that is open for reading (on Windows of the C run-time library that this
    ///   library is linked with)
    /// * `offset`: byte at which the part begins
    /// * `size`: bytes of the part; UINT64_MAX means up to the end of the file
    ///
    /// Returns INVALID_ARGUMENT if the part is not within the file; IO if fd is not an open regular file, or the system
    ///   reports an error.
    #[must_use]
    pub fn tf_source_from_fd(out: *mut *mut tf_source, fd: i32, offset: u64, size: u64) -> tf_status;

    /// Creates a source on a part of another one. It is concurrent, and can be mapped, if the other one is. Its error
    /// messages name no file, and their offsets count from the start of the part.
    ///
    /// * `out`: receives the source
    /// * `whole`: the other source, of which a reference is kept
    /// * `offset`: byte at which the part begins
    /// * `size`: bytes of the part; UINT64_MAX means up to the end
    ///
    /// Returns INVALID_ARGUMENT if the part is not within the whole.
    #[must_use]
    pub fn tf_source_from_part(out: *mut *mut tf_source, whole: *mut tf_source, offset: u64, size: u64) -> tf_status;

    /// Names a source. Error messages begin with the name, its extension chooses the format as that of a path does, and the
    /// names of the files of a set are derived from it. Until this is called, the name of a source that was opened by
    /// path is that path. A name is not a path: only the resolver opens files by name.
    ///
    /// This function, [`tf_source_set_hints`] and [`tf_source_set_resolver`] must be called before the source is used.
    ///
    /// * `source`: the source, to which the caller has the only reference
    /// * `name`: the name, such as "models/llama-00001-of-00003.gguf" or the path of a URL, which is copied
    /// * `length`: bytes of name, or SIZE_MAX
    ///
    /// Returns INVALID_ARGUMENT if a file, an array or another source uses the source.
    #[must_use]
    pub fn tf_source_set_name(source: *mut tf_source, name: *const c_char, length: usize) -> tf_status;

    /// Says how a source is best read. The defaults are right for files; a source that is a network should have larger
    /// numbers, such as a gap of 1 MiB, pieces of 8 MiB and 16 requests. The hints affect the cost of reads, never their
    /// result. A part of a source has the hints of the whole.
    ///
    /// * `source`: the source, to which the caller has the only reference
    /// * `gap`: bytes between two wanted parts that are worth reading and discarding to save a read; at most 64 MiB,
    ///   and larger numbers mean that. UINT64_MAX means the default, 16 KiB
    /// * `piece`: bytes of an efficient read, at most 64 MiB: large arrays are read in pieces of this size, and
    ///   smaller ones together up to it. 0 means the default, which depends on the number of threads
    /// * `requests`: the most reads to make at the same time, 1 to 1,024, if the source is concurrent. Unless
    ///   [`TF_OPTION_THREADS`] or an executor limits them, there are then as many threads as requests, whatever
    ///   the number of cores. 0 means the default: as many as there are threads
    ///
    /// Returns INVALID_ARGUMENT if a file, an array or another source uses the source.
    #[must_use]
    pub fn tf_source_set_hints(source: *mut tf_source, gap: u64, piece: u64, requests: u32) -> tf_status;

    /// Sets the function that finds the other files of the set that a source belongs to. A source that was opened by path
    /// needs none: it finds them in its folder. With either, [`tf_file_open_source`], [`tf_load_source`] and
    /// [`tf_load_weights_source`] open the whole set if the source's name is that of an index or, with [`TF_OPTION_PARTS`], that
    /// of any part. The index of sharded safetensors is then expected under the name that it has by convention,
    /// NAME.safetensors.index.json for NAME-00001-of-00003.safetensors.
    ///
    /// * `source`: the source, to which the caller has the only reference
    /// * `resolve`: the function, or NULL for none
    /// * `release`: called when the function is no longer needed, or if this call fails; may be NULL
    /// * `user`: argument of both
    ///
    /// Returns INVALID_ARGUMENT if a file, an array or another source uses the source.
    #[must_use]
    pub fn tf_source_set_resolver(
        source: *mut tf_source,
        resolve: tf_resolve_source_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Adds a reference and returns the source.
    pub fn tf_source_retain(source: *mut tf_source) -> *mut tf_source;

    /// Drops a reference.
    pub fn tf_source_release(source: *mut tf_source);

    /// Creates a sink from a callback. Writes of less than 64 KiB are buffered and passed to the callback together, at the
    /// latest at the end of the call that writes.
    ///
    /// * `out`: receives the sink
    /// * `write`: writes bytes
    /// * `release`: called when the sink is freed, or if this call fails; may be NULL
    /// * `user`: first argument of the callbacks
    #[must_use]
    pub fn tf_sink_new(
        out: *mut *mut tf_sink,
        write: tf_write_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Makes a sink all or nothing: sets callbacks of which exactly one is called, exactly once.
    ///
    /// commit is called when everything has been written: at the end of [`tf_save_sink`] or [`tf_writer_finish`], which fail if
    /// it does. abort is called instead when the save or the writer fails or is cancelled, when a writer that has not
    /// finished is released, or when the sink is freed without having been used. A failed commit is not followed by abort.
    /// After either, another save to the sink fails with INVALID_ARGUMENT. Both run on the thread that makes the call, with
    /// the argument user of [`tf_sink_new`], and before its release callback.
    ///
    /// * `sink`: the sink, to which the caller has the only reference
    /// * `commit`: may be NULL
    /// * `abort`: may be NULL
    ///
    /// Returns INVALID_ARGUMENT if a writer uses the sink, or one of the callbacks has been called.
    #[must_use]
    pub fn tf_sink_set_commit(sink: *mut tf_sink, commit: tf_commit_fn, abort: tf_abort_fn) -> tf_status;

    /// Sets the function that makes the sinks of a set of files, so that [`tf_save_sink`] and a [`tf_writer`] obey
    /// [`TF_OPTION_PART_BYTES`]. If the arrays fit in one file, it is written to the sink itself and the function is not
    /// called. Otherwise the parts, and then the index, are written to the sinks that the function returns, and nothing is
    /// written to this one.
    ///
    /// The sinks of a set are committed when all files have been written: the second part and the later ones, then the first
    /// part, then the index, and finally this sink. If anything fails, those that have not been committed are aborted; since
    /// the index (of a .gguf the first part) is among them, what was committed cannot be opened as a set.
    ///
    /// * `sink`: the sink, to which the caller has the only reference
    /// * `name`: the name that a single file would have, such as "w.safetensors", which is copied; the names of the
    ///   files of a set are derived from it
    /// * `length`: bytes of name, or SIZE_MAX
    /// * `resolve`: the function, or NULL for none: then a set is never written
    /// * `release`: called when the function is no longer needed, or if this call fails; may be NULL
    /// * `user`: argument of both
    ///
    /// Returns INVALID_ARGUMENT if the name is empty, a writer uses the sink, or it has been committed or aborted.
    #[must_use]
    pub fn tf_sink_set_resolver(
        sink: *mut tf_sink,
        name: *const c_char,
        length: usize,
        resolve: tf_resolve_sink_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Adds a reference and returns the sink.
    pub fn tf_sink_retain(sink: *mut tf_sink) -> *mut tf_sink;

    /// Drops a reference.
    pub fn tf_sink_release(sink: *mut tf_sink);

    /// Returns the bytes, borrowed from the buffer; never NULL for a buffer.
    pub fn tf_buffer_data(buffer: *const tf_buffer) -> *const c_void;

    /// Returns the number of bytes.
    pub fn tf_buffer_size(buffer: *const tf_buffer) -> usize;

    /// Adds a reference and returns the buffer.
    pub fn tf_buffer_retain(buffer: *mut tf_buffer) -> *mut tf_buffer;

    /// Drops a reference.
    pub fn tf_buffer_release(buffer: *mut tf_buffer);

    /// Loads a whole file.
    ///
    /// The format is that of [`TF_OPTION_FORMAT`], else the one that the path's extension names, else the one that the content
    /// shows. An array of an unknown dtype makes the call fail with UNSUPPORTED; with [`TF_OPTION_SKIP_UNSUPPORTED`] it is left
    /// out.
    ///
    /// Loaded arrays are C-contiguous, own their memory, and are aligned to 64 bytes. With [`TF_LOAD_MODE_MAP`] they are
    /// aligned to their items, and an array stored in Fortran order has the strides of that order.
    ///
    /// * `array`: receives the array of a .npy, or NULL for the other formats. May be NULL: then the array of a .npy
    ///   is added to *arrays under the name ""
    /// * `arrays`: receives the arrays by name, in file order; an empty dict if the array of a .npy went to *array. May
    ///   be NULL
    /// * `metadata`: receives the metadata; an empty dict for a format that has none. May be NULL. The values are strings
    ///   for safetensors; strings and lists of strings for npz, whose text members they are; for gguf they
    ///   are 0-d and 1-d arrays, strings, lists of strings, and, for arrays of arrays, dicts with the keys
    ///   "0", "1", ...
    /// * `path`: a regular file, the index of sharded safetensors (NAME.safetensors.index.json), or a folder with one set
    ///   of files in it. The index loads the arrays that it lists and the metadata of all shards; if a shard
    ///   does not exist, the call fails with NOT_FOUND and names it
    /// * `options`: format, load mode, decoding, limits, threads, allocator; may be NULL
    #[must_use]
    pub fn tf_load(
        array: *mut *mut tf_array,
        arrays: *mut *mut tf_dict,
        metadata: *mut *mut tf_dict,
        path: *const c_char,
        options: *const tf_options,
    ) -> tf_status;

    /// Loads as [`tf_load`] from nbytes of memory, which may be freed afterwards. With [`TF_FORMAT_AUTO`] the format is
    /// detected from the content.
    #[must_use]
    pub fn tf_load_memory(
        array: *mut *mut tf_array,
        arrays: *mut *mut tf_dict,
        metadata: *mut *mut tf_dict,
        data: *const c_void,
        nbytes: usize,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Loads as [`tf_load`] from a source. [`TF_FORMAT_AUTO`] is the format that the extension of the source's name shows (see
    /// [`tf_source_set_name`]), or else the content; sets need a resolver. With [`TF_LOAD_MODE_MAP`] the arrays keep a reference
    /// to it.
    #[must_use]
    pub fn tf_load_source(
        array: *mut *mut tf_array,
        arrays: *mut *mut tf_dict,
        metadata: *mut *mut tf_dict,
        source: *mut tf_source,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Loads a .npz, .safetensors or .gguf as a tree of nested dicts, splitting names at '.' as [`tf_dict_unflatten`].
    ///
    /// Names and shapes are compared with the expected ones before any array is read. With [`TF_OPTION_STRICT`] 0 only arrays
    /// with an expected name are read; expected weights that the file lacks keep the array of expected.
    ///
    /// * `tree`: receives the tree
    /// * `path`: the file, as in [`tf_load`]
    /// * `expected`: a tree or flat dict of arrays with the expected names and shapes, or NULL to accept any
    /// * `options`: as in [`tf_load`], and [`TF_OPTION_STRICT`] and [`TF_OPTION_MAX_NESTING`]; may be NULL
    ///
    /// Returns as [`tf_load`]; MISMATCH if the weights are not the expected ones: the message lists those that are missing,
    ///   unexpected, or of another shape; DUPLICATE if a name is also the prefix of another one.
    #[must_use]
    pub fn tf_load_weights(
        tree: *mut *mut tf_dict,
        path: *const c_char,
        expected: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Loads as [`tf_load_weights`] from a source, with the format as in [`tf_load_source`].
    #[must_use]
    pub fn tf_load_weights_source(
        tree: *mut *mut tf_dict,
        source: *mut tf_source,
        format: tf_format,
        expected: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Opens a file, or the index of sharded safetensors. The format is chosen as in [`tf_load`].
    #[must_use]
    pub fn tf_file_open(out: *mut *mut tf_file, path: *const c_char, options: *const tf_options) -> tf_status;

    /// Opens a copy of nbytes of memory as a file. With [`TF_FORMAT_AUTO`] the format is detected from the content.
    #[must_use]
    pub fn tf_file_open_memory(
        out: *mut *mut tf_file,
        data: *const c_void,
        nbytes: usize,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Opens a source as a file, and keeps a reference to it. The format is chosen as in [`tf_load_source`].
    #[must_use]
    pub fn tf_file_open_source(
        out: *mut *mut tf_file,
        source: *mut tf_source,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Adds a reference and returns the file.
    pub fn tf_file_retain(file: *mut tf_file) -> *mut tf_file;

    /// Drops a reference; dropping the last one closes the file. Arrays that were read or mapped stay valid.
    pub fn tf_file_release(file: *mut tf_file);

    /// Returns the format of the file.
    pub fn tf_file_format(file: *const tf_file) -> tf_format;

    /// Returns the number of arrays.
    pub fn tf_file_count(file: *const tf_file) -> usize;

    /// Gets the name of the array at an index from 0 to count - 1, in file order. The array of a .npy has the name "". The
    /// string is borrowed from the file.
    #[must_use]
    pub fn tf_file_name(name: *mut *const c_char, length: *mut usize, file: *const tf_file, index: usize) -> tf_status;

    /// Gets the index of the array with a name.
    ///
    /// Returns NOT_FOUND.
    #[must_use]
    pub fn tf_file_find(index: *mut usize, file: *const tf_file, name: *const c_char, length: usize) -> tf_status;

    /// Returns the stored dtype of an array; [`TF_DTYPE_UNSUPPORTED`] if the library does not know it.
    pub fn tf_file_dtype(file: *const tf_file, index: usize) -> tf_dtype;

    /// Gets the type of an array as text: the dtype's name as [`tf_dtype_name`] returns it, or, if the library does not know the
    /// type, what the file calls it, such as "<U7", "|O", "F8_E3M4" or "ggml type 144"; "bad header" for a member of a .npz
    /// that only [`TF_OPTION_LENIENT`] accepts. The string is borrowed from the file.
    #[must_use]
    pub fn tf_file_type(
        type_: *mut *const c_char,
        length: *mut usize,
        file: *const tf_file,
        index: usize,
    ) -> tf_status;

    /// Returns the number of dimensions of an array.
    pub fn tf_file_ndim(file: *const tf_file, index: usize) -> usize;

    /// Returns the shape of an array, ndim sizes in elements, borrowed from the file.
    pub fn tf_file_shape(file: *const tf_file, index: usize) -> *const i64;

    /// Returns the bytes that an array needs in memory when it is C-contiguous; if its dtype is unknown, the bytes that
    /// [`tf_file_read_raw`] returns.
    pub fn tf_file_nbytes(file: *const tf_file, index: usize) -> u64;

    /// Returns 1 if the numbers of an array are stored with their most significant byte first, else 0. It is 0 for numbers of
    /// one byte. For a block type, the numbers are the fields of its blocks.
    pub fn tf_file_is_big_endian(file: *const tf_file, index: usize) -> i32;

    /// Returns 1 if an array is stored in Fortran order, in which the first index changes fastest, else 0. Only a .npy and the
    /// members of a .npz can be. It is 0 where both orders are the same, as for arrays of fewer than two dimensions.
    pub fn tf_file_is_fortran_order(file: *const tf_file, index: usize) -> i32;

    /// Gets where the bytes of an array are stored, for readers that do their own I/O. [`tf_file_is_big_endian`] and
    /// [`tf_file_is_fortran_order`] say in which order they are.
    ///
    /// * `path`: receives the path of the file that contains the array, or the name of its source, borrowed from
    ///   file; "" if it has neither. May be NULL
    /// * `offset`: receives the offset of the array's first byte; of a deflated array, that of the first compressed
    ///   byte of its member. May be NULL
    /// * `stored_bytes`: receives the number of bytes in the file. May be NULL
    /// * `deflated`: receives 1 if these bytes are a raw deflate stream of a whole .npy, else 0. May be NULL
    /// * `file`: the file
    /// * `index`: index of the array
    #[must_use]
    pub fn tf_file_location(
        path: *mut *const c_char,
        offset: *mut u64,
        stored_bytes: *mut u64,
        deflated: *mut i32,
        file: *const tf_file,
        index: usize,
    ) -> tf_status;

    /// Returns the metadata as [`tf_load`] does; an empty dict if the format has none. The dict is borrowed from the file. It
    /// must not be changed, nor must the dicts and arrays in it; [`tf_dict_copy`] makes a dict that can be changed.
    pub fn tf_file_metadata(file: *const tf_file) -> *const tf_dict;

    /// Describes all arrays in one block of memory, so that a language in which calls to C are slow can list a file of many
    /// arrays with one call.
    ///
    /// All numbers have the byte order of this machine. The block starts with int64_t numbers, whose indices are the
    /// constants TF_LISTING_...: the number of arrays, then the offset in bytes of each column, a multiple of the size of its
    /// items. Use the offsets, because later versions may append numbers and columns:
    ///
    /// ```c
    /// const char *base = tf_buffer_data(listing);
    /// const int64_t *head = (const int64_t *)base;
    /// const int64_t *starts = (const int64_t *)(base + head[TF_LISTING_SHAPE_STARTS]);
    /// const int64_t *sizes = (const int64_t *)(base + head[TF_LISTING_SHAPES]);
    /// ```
    ///
    /// Array i, from 0 to head\[TF_LISTING_COUNT\] - 1, has starts\[i + 1\] - starts\[i\] dimensions, whose sizes begin at
    /// sizes\[starts\[i\]\]. The bytes of its name are found in the same way.
    ///
    /// * `out`: receives the block, which is aligned to 64 bytes and independent of the file
    /// * `file`: the file
    ///
    /// Returns LIMIT if the block needs more than [`TF_OPTION_MAX_BYTES`].
    #[must_use]
    pub fn tf_file_listing(out: *mut *mut tf_buffer, file: *const tf_file) -> tf_status;

    /// Returns the number of members of a .npz that are not arrays, such as a readme; 0 for the other formats. They are not
    /// counted by [`tf_file_count`].
    pub fn tf_file_other_count(file: *const tf_file) -> usize;

    /// Gets the name of a member that is not an array, at an index from 0 to count - 1. The string is borrowed from the file.
    #[must_use]
    pub fn tf_file_other_name(
        name: *mut *const c_char,
        length: *mut usize,
        file: *const tf_file,
        index: usize,
    ) -> tf_status;

    /// Returns the number of remarks about the file that are worth showing to a user but are not errors.
    pub fn tf_file_note_count(file: *const tf_file) -> usize;

    /// Gets the remark at an index from 0 to count - 1: one line of text, such as that bytes follow the last tensor, that the
    /// file is one part of a set, or that an index leaves out arrays of its shards. The string is borrowed from the file.
    #[must_use]
    pub fn tf_file_note(text: *mut *const c_char, length: *mut usize, file: *const tf_file, index: usize) -> tf_status;

    /// Reads one array, or maps it with [`TF_LOAD_MODE_MAP`].
    ///
    /// Returns UNSUPPORTED if its dtype is unknown; CORRUPT, TRUNCATED
    /// or IO if it cannot be read.
    #[must_use]
    pub fn tf_file_read(out: *mut *mut tf_array, file: *const tf_file, index: usize) -> tf_status;

    /// Reads the bytes of an array as they are stored, whatever its type. This is the way to get at arrays of types that the
    /// library does not know.
    ///
    /// The bytes of a compressed member are inflated, and the .npy header before them is left out unless it is invalid. They
    /// can be big-endian or in Fortran order. The CRC-32 of a member of a .npz is verified.
    ///
    /// * `out`: receives a 1-d array of uint8
    /// * `file`: the file
    /// * `index`: index of the array
    ///
    /// Returns CORRUPT, TRUNCATED or IO if the bytes cannot be read.
    #[must_use]
    pub fn tf_file_read_raw(out: *mut *mut tf_array, file: *const tf_file, index: usize) -> tf_status;

    /// Reads one array into memory of the caller, in C order.
    ///
    /// * `file`: the file
    /// * `index`: index of the array
    /// * `dtype`: dtype to cast to while reading, as [`tf_array_cast`]; [`TF_DTYPE_AS_STORED`] keeps the stored one
    /// * `dst`: where to write; needs no alignment. Its contents are undefined if the call fails
    /// * `nbytes`: bytes of dst; must be exactly what the array needs in that dtype
    ///
    /// Returns as [`tf_file_read`] and [`tf_array_cast`]; INVALID_ARGUMENT if nbytes is wrong.
    #[must_use]
    pub fn tf_file_read_into(
        file: *const tf_file,
        index: usize,
        dtype: tf_dtype,
        dst: *mut c_void,
        nbytes: usize,
    ) -> tf_status;

    /// Reads part of an array, with the semantics of [`tf_array_slice`]. Only the bytes that the slice needs are read; the
    /// result is C-contiguous.
    ///
    /// A compressed member written by another program can only be inflated from its start, so everything before the slice is
    /// inflated and discarded. Reading slices in ascending order resumes where the previous one ended: together they cost
    /// one pass, and once they have covered the member its CRC-32 is verified (CORRUPT if it differs). Members that this
    /// library compressed are divided into chunks, and only the chunks that the slice touches are inflated.
    ///
    /// * `out`: receives the array
    /// * `file`: the file
    /// * `index`: index of the array
    /// * `start`: first indices, ndim values or NULL as in [`tf_array_slice`]
    /// * `stop`: indices to stop before, as in [`tf_array_slice`]
    /// * `step`: distances, as in [`tf_array_slice`]
    /// * `ndim`: number of the array's dimensions
    ///
    /// Returns as [`tf_file_read`] and [`tf_array_slice`].
    #[must_use]
    pub fn tf_file_read_slice(
        out: *mut *mut tf_array,
        file: *const tf_file,
        index: usize,
        start: *const i64,
        stop: *const i64,
        step: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// Reads part of an array, selected as in [`tf_file_read_slice`], into memory of the caller as [`tf_file_read_into`] does.
    /// nbytes must be exactly what the slice needs in dtype.
    #[must_use]
    pub fn tf_file_read_slice_into(
        file: *const tf_file,
        index: usize,
        start: *const i64,
        stop: *const i64,
        step: *const i64,
        ndim: usize,
        dtype: tf_dtype,
        dst: *mut c_void,
        nbytes: usize,
    ) -> tf_status;

    /// Creates an empty plan for reading from a file, of which it keeps a reference.
    ///
    /// A plan is the fastest way to fill existing memory, such as that of a GPU, with arrays and slices: [`tf_read_plan_add`]
    /// checks an entry and reads nothing, and [`tf_read_plan_run`] reads them all. Elements that are close together in the
    /// file are read at once, even if they belong to different entries; large entries are read in pieces, on up to
    /// [`TF_OPTION_THREADS`] threads; and a compressed member is inflated once, however many entries it has. The options are
    /// those that the file was opened with.
    ///
    /// * `out`: receives the plan
    /// * `file`: the file
    #[must_use]
    pub fn tf_read_plan_new(out: *mut *mut tf_read_plan, file: *const tf_file) -> tf_status;

    /// Adds an entry: an array or a slice of one, and the memory that receives its elements. Entries are numbered 0, 1, ...
    /// in the order of these calls. An array may have any number of entries.
    ///
    /// * `plan`: the plan
    /// * `index`: index of the array in the file
    /// * `start`: first indices of a slice, ndim values or NULL as in [`tf_array_slice`]
    /// * `stop`: indices to stop before, as in [`tf_array_slice`]
    /// * `step`: distances, as in [`tf_array_slice`]
    /// * `ndim`: number of the array's dimensions; 0 means the whole array, whatever start, stop and step are
    /// * `dtype`: dtype to cast to while reading, as [`tf_array_cast`]; [`TF_DTYPE_AS_STORED`] keeps the stored one
    /// * `dst`: where the first element goes; needs no alignment. The memory must stay valid until the plan has run,
    ///   and must not overlap that of another entry. NULL is allowed if there are no elements
    /// * `strides`: strides of the result in dst, in bytes, one for each dimension of the array; they may be negative, and
    ///   must place no two elements on the same bytes. NULL for C order, and always if the result has a packed or
    ///   block type
    /// * `nbytes`: bytes of dst: without strides exactly what the elements need, with strides at least as many as they
    ///   span from dst on. With negative strides the plan also writes before dst; the caller guarantees that
    ///   this memory exists
    ///
    /// Returns as [`tf_array_slice`] and [`tf_array_cast`]; UNSUPPORTED if the dtype of the array is unknown, or if the slice
    ///   cuts through a unit of a packed or block type without decoding it; INVALID_ARGUMENT if nbytes or a stride is
    ///   wrong, or if the plan has run. The plan is unchanged if the call fails.
    #[must_use]
    pub fn tf_read_plan_add(
        plan: *mut tf_read_plan,
        index: usize,
        start: *const i64,
        stop: *const i64,
        step: *const i64,
        ndim: usize,
        dtype: tf_dtype,
        dst: *mut c_void,
        strides: *const i64,
        nbytes: usize,
    ) -> tf_status;

    /// Sets a callback that is called as soon as an entry is complete, for example to send it to a GPU while the others are
    /// being read. It replaces the one that was set before.
    ///
    /// The callback runs on the thread that called [`tf_read_plan_run`], which also reads; an entry that another thread
    /// completes is reported as soon as that thread has read its current piece. With an executor the calling thread cannot
    /// read, and the entries are reported between rounds of work. The entries may be complete in any order. If the run
    /// fails, entries that were reported are valid, and no other is reported.
    ///
    /// * `plan`: the plan
    /// * `complete`: the callback, or NULL for none
    /// * `release`: called when the callback is no longer needed, or if this call fails; may be NULL
    /// * `user`: argument of both
    ///
    /// Returns INVALID_ARGUMENT if the plan has run.
    #[must_use]
    pub fn tf_read_plan_set_complete(
        plan: *mut tf_read_plan,
        complete: tf_read_complete_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Reads all entries. A plan can run once; whether it succeeds or fails, it can then only be released. The progress
    /// callback of the file's options counts the stored bytes of the elements of all entries, and can cancel.
    ///
    /// Casts work in pieces and need little memory, except to a packed or block type from anything but a run of whole rows.
    /// Gaps of up to 16 KiB in a strided slice are read and discarded, because that is faster than another read; larger gaps
    /// are not read (see [`tf_source_set_hints`]). The CRC-32 of a member of an .npz is verified if one entry reads
    /// all of it, or if the entries of a compressed member together do.
    ///
    /// * `plan`: the plan; one without entries does nothing
    ///
    /// Returns CORRUPT, TRUNCATED or IO if an entry cannot be read; INVALID_ARGUMENT if an element that is cast to a block
    ///   type is not finite; CANCELLED or another status that a callback returned. The contents of all destinations
    ///   that were not reported as complete are undefined if the call fails.
    #[must_use]
    pub fn tf_read_plan_run(plan: *mut tf_read_plan) -> tf_status;

    /// Adds a reference and returns the plan.
    pub fn tf_read_plan_retain(plan: *mut tf_read_plan) -> *mut tf_read_plan;

    /// Drops a reference.
    pub fn tf_read_plan_release(plan: *mut tf_read_plan);

    /// Checks a file or a set of files: reads every byte that can be checked, and reports every fault instead of only the
    /// first. A fault is whatever would make [`tf_load`] with default options fail, and any damage, such as a wrong CRC-32 of a
    /// member that [`tf_load`] would not read. Of a .npy that has several arrays, all are checked. If a set of files cannot be
    /// opened, each of its files is checked by itself, and one that does not exist is a fault. If one part of a set is
    /// checked alone, a note names each other part that does not exist.
    ///
    /// * `report`: receives a dict with the lists of strings "faults", "excused" and "notes", which can be empty. Each
    ///   string is one line; a fault begins with the name of its status, as in "corrupt: w.npz: array 'x': ...".
    ///   Faults that [`TF_OPTION_LENIENT`] accepts, and arrays that [`TF_OPTION_SKIP_UNSUPPORTED`] leaves out, are
    ///   in "excused" instead of "faults" if the option is set; nothing excuses damage. "notes" has the remarks
    ///   of [`tf_file_note`]
    /// * `path`: the file, as in [`tf_load`]
    /// * `options`: as in [`tf_load`]; may be NULL
    ///
    /// Returns OK if the check could be made, whether it found faults or not; NOT_FOUND or IO if the file cannot be opened or
    ///   read; CANCELLED or another status that a callback returned.
    #[must_use]
    pub fn tf_check(report: *mut *mut tf_dict, path: *const c_char, options: *const tf_options) -> tf_status;

    /// Checks a source as [`tf_check`] checks a file, for example what was uploaded before it is stored.
    ///
    /// * `report`: as in [`tf_check`]; a fault begins with the status and the source's name, if it has one
    /// * `source`: the source. If it is that of a set, its resolver or its folder has the other files. Of a set that
    ///   cannot be opened, only the first fault is reported
    /// * `format`: as in [`tf_load_source`]
    /// * `options`: as in [`tf_load`]; may be NULL
    ///
    /// Returns as [`tf_check`]; INVALID_ARGUMENT if there is no such format.
    #[must_use]
    pub fn tf_check_source(
        report: *mut *mut tf_dict,
        source: *mut tf_source,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves arrays and metadata in any format, so that [`tf_load`] with the same path and options returns them.
    ///
    /// The format is that of [`TF_OPTION_FORMAT`], else the one that the path's extension names, in any letter case. The
    /// members of an .npz are deflated if [`TF_OPTION_COMPRESS`] is 1.
    ///
    /// * `path`: the file; the extension is only appended if [`TF_OPTION_FORMAT`] chose the format
    /// * `arrays`: arrays by name; for a .npy exactly one, whose name is not stored
    /// * `metadata`: as in [`tf_save_memory`]; NULL leaves the metadata out of the file
    /// * `options`: may be NULL
    ///
    /// Returns INVALID_ARGUMENT if neither the option nor the extension names a format; TYPE if a value of arrays is not an
    ///   array, or if a value of metadata is not of a kind that the format holds; UNSUPPORTED if there is not exactly one
    ///   array for a .npy, or if there is metadata for it; for npz DUPLICATE if a metadata value and an array have the
    ///   same name.
    #[must_use]
    pub fn tf_save_file(
        path: *const c_char,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves one array as .npy, byte for byte as np.save writes it.
    #[must_use]
    pub fn tf_save(path: *const c_char, array: *const tf_array, options: *const tf_options) -> tf_status;

    /// Saves arrays as the uncompressed members of an .npz.
    ///
    /// * `path`: the file
    /// * `positional`: count arrays without a name, which are named arr_0, arr_1, ... and follow the named ones, as in
    ///   np.savez; NULL if count is 0
    /// * `count`: number of arrays without a name
    /// * `named`: arrays by name; may be NULL
    /// * `options`: may be NULL
    ///
    /// Returns DUPLICATE if named contains the name of one of positional; TYPE if a value of named is not an array.
    #[must_use]
    pub fn tf_savez(
        path: *const c_char,
        positional: *const *const tf_array,
        count: usize,
        named: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves as [`tf_savez`], with deflated members.
    ///
    /// A member is deflated in chunks of 1 MiB or more, depending on its size, which together form one deflate stream: every
    /// reader of zip archives can inflate it. A private extra field of the archive's directory lists where the chunks begin,
    /// so that this library can inflate them in parallel and read slices. The bytes depend on the compression level and on
    /// [`TF_OPTION_DEFLATE`], not on the number of threads.
    #[must_use]
    pub fn tf_savez_compressed(
        path: *const c_char,
        positional: *const *const tf_array,
        count: usize,
        named: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves arrays as .safetensors.
    ///
    /// * `path`: the file
    /// * `arrays`: arrays by name
    /// * `metadata`: strings by key; NULL leaves the metadata out of the file
    /// * `options`: may be NULL
    ///
    /// Returns TYPE if a value of arrays is not an array, or a value of metadata is not a string.
    #[must_use]
    pub fn tf_save_safetensors(
        path: *const c_char,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves arrays as .gguf, version 3. The format holds int8 to int64, float16, bfloat16, float32, float64 and the block
    /// types, in at most 4 dimensions, with names of 1 to 63 bytes.
    ///
    /// * `path`: the file
    /// * `arrays`: arrays by name
    /// * `metadata`: 0-d and 1-d arrays (bool, integers, float32, float64), which keep their dtypes (see
    ///   [`tf_dict_set_scalar`]), strings, lists of strings, and dicts with the keys "0", "1", ... for arrays
    ///   of arrays; may be NULL. The library adds no keys; most readers need general.architecture
    /// * `options`: may be NULL
    ///
    /// Returns TYPE if a value of arrays is not an array.
    #[must_use]
    pub fn tf_save_gguf(
        path: *const c_char,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves a tree of arrays under the names that [`tf_dict_flatten`] gives them.
    ///
    /// * `path`: the file, whose extension (.npz, .safetensors or .gguf) chooses the format. If it has none of these,
    ///   the format is that of [`TF_OPTION_FORMAT`], whose extension is appended
    /// * `tree`: nested dicts of arrays
    /// * `options`: may be NULL
    ///
    /// Returns FORMAT if neither the path nor the option names one of these formats; TYPE if a leaf is not an array;
    ///   DUPLICATE if two paths join to the same name; LIMIT if a name has more than [`TF_OPTION_MAX_NESTING`] parts.
    #[must_use]
    pub fn tf_save_weights(path: *const c_char, tree: *const tf_dict, options: *const tf_options) -> tf_status;

    /// Saves to memory.
    ///
    /// * `out`: receives the bytes of the file
    /// * `format`: the format; [`TF_FORMAT_AUTO`] means that of [`TF_OPTION_FORMAT`]
    /// * `array`: the array of a .npy, or NULL if arrays has it; NULL for the other formats
    /// * `arrays`: arrays by name, as in [`tf_save_file`]; NULL if array is not
    /// * `metadata`: metadata of a .safetensors or .gguf, as in [`tf_save_safetensors`] and [`tf_save_gguf`], or of an .npz:
    ///   strings and lists of strings, which are saved as text members, as np.savez saves a string or a list
    ///   of strings. MLX cannot read an .npz with text members. A .npy has none. May be NULL
    /// * `options`: may be NULL
    ///
    /// Returns as [`tf_save_file`]; INVALID_ARGUMENT if neither format nor the option names a format, or if array and arrays
    ///   are not as described.
    #[must_use]
    pub fn tf_save_memory(
        out: *mut *mut tf_buffer,
        format: tf_format,
        array: *const tf_array,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves to a sink, from the first byte to the last, with the arguments of [`tf_save_memory`]. What was written before a
    /// failure remains written, unless the sink has an abort callback that discards it (see [`tf_sink_set_commit`]). With
    /// [`TF_OPTION_PART_BYTES`] a sink with a resolver receives a set (see [`tf_sink_set_resolver`]).
    #[must_use]
    pub fn tf_save_sink(
        sink: *mut tf_sink,
        format: tf_format,
        array: *const tf_array,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Reports everything that a format cannot hold, without writing anything. The report is empty if and only if
    /// [`tf_save_memory`] with the same arguments would succeed, given enough memory.
    ///
    /// Each finding has four texts, at the same index of four lists:
    /// - "subject" is what it is about: "array", "metadata" (a value of metadata), or "file" (all of it).
    /// - "name" is the name of the array, or the key of the metadata value; "" for "file".
    /// - "problem" is one of the words below. Later versions may add words.
    /// - "reason" explains the finding to a user in one line, such as "complex128 has no safetensors dtype".
    ///
    /// The problems:
    /// - "count": a .npy needs exactly one array.
    /// - "kind": a value of arrays is not an array, or the format holds no metadata of that kind (string, list of strings,
    ///   array, dict), or none at all.
    /// - "dtype", "rank": the format has no such dtype, or not as many dimensions, for an array or for metadata.
    /// - "name": the name or key is empty, too long, reserved, not UTF-8, or contains a NUL byte.
    /// - "duplicate": a metadata value has the name of an array, and the format stores both under their names.
    /// - "value": a metadata value is of a kind that the format holds, but not this value: a string that is not UTF-8 or ends
    ///   with a NUL byte, nested arrays that are too deep or not what [`tf_save_gguf`] describes, a bad general.alignment.
    /// - "option": an option has a value that is impossible for the format or in this build of the library.
    /// - "limit": a load with the same options would refuse the file, because it exceeds a limit, which the reason names.
    /// - "size": the file would have 2^63 bytes or more.
    ///
    /// The order of the findings can change between versions. A limit of the whole header is only checked if there is no
    /// other finding, because the size of the header is not known before.
    ///
    /// * `report`: receives the dict of the four lists
    /// * `format`: as in [`tf_save_memory`]
    /// * `arrays`: as in [`tf_save_memory`]. Only dtypes, shapes and names matter; the data is not read
    /// * `metadata`: as in [`tf_save_memory`]
    /// * `options`: as in [`tf_save_memory`]
    ///
    /// Returns OK if the check could be made, whatever it found; INVALID_ARGUMENT if neither format nor the option names a
    ///   format.
    #[must_use]
    pub fn tf_save_check(
        report: *mut *mut tf_dict,
        format: tf_format,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Replaces the metadata of a file.
    ///
    /// To change some of its values, open the file, copy [`tf_file_metadata`] with [`tf_dict_copy`], and change the copy.
    ///
    /// The file is replaced all or nothing, as by a save, by a copy with the new header. With [`TF_OPTION_ATOMIC`] 0 the new
    /// header is written into the file itself instead, and nothing else is read or written. This is possible only if the new
    /// header has the size of the old one: spaces at the end of the header of a .safetensors, and the padding after that of a
    /// .gguf, count as header. A process that is killed then leaves a damaged header, and nobody may read the file meanwhile.
    ///
    /// * `path`: the file, as in [`tf_file_open`]
    /// * `metadata`: all of the new metadata, as in [`tf_save_memory`]; NULL removes them
    /// * `options`: as in [`tf_file_open`], and [`TF_OPTION_ATOMIC`], [`TF_OPTION_DURABLE`] and the progress callback, which
    ///   counts the copied bytes; may be NULL
    ///
    /// Returns as [`tf_file_open`], [`tf_edit_new`], [`tf_edit_finish`] and [`tf_edit_save`].
    #[must_use]
    pub fn tf_save_metadata(path: *const c_char, metadata: *const tf_dict, options: *const tf_options) -> tf_status;

    /// Creates an edit that changes nothing yet.
    ///
    /// * `out`: receives the edit
    /// * `file`: the file, of which a reference is kept. Its options apply to the edit; it must not change until the new
    ///   file has been written
    ///
    /// Returns UNSUPPORTED if the file is a set, or of a format that has neither names nor metadata.
    #[must_use]
    pub fn tf_edit_new(out: *mut *mut tf_edit, file: *const tf_file) -> tf_status;

    /// Gives an array another name of length bytes (or SIZE_MAX), also one that has been removed. The indices of the arrays
    /// are those of the file.
    ///
    /// Returns INVALID_ARGUMENT if there is no such array, or the edit is finished.
    #[must_use]
    pub fn tf_edit_rename(edit: *mut tf_edit, index: usize, name: *const c_char, length: usize) -> tf_status;

    /// Removes an array.
    ///
    /// Returns INVALID_ARGUMENT if there is no such array, or the edit is finished.
    #[must_use]
    pub fn tf_edit_remove(edit: *mut tf_edit, index: usize) -> tf_status;

    /// Sets all of the new metadata, as in [`tf_save_memory`]; NULL removes them. The edit keeps a copy as of [`tf_dict_copy`].
    ///
    /// Returns INVALID_ARGUMENT if the edit is finished.
    #[must_use]
    pub fn tf_edit_set_metadata(edit: *mut tf_edit, metadata: *const tf_dict) -> tf_status;

    /// Lays out the new file, and makes sure that it can be opened with the options of the old one and has what the edit
    /// says. Afterwards the edit cannot be changed. If it fails, the edit can be changed and finished again.
    ///
    /// Returns DUPLICATE if two arrays, or for npz an array and a metadata value, would have the same name; UNSUPPORTED, TYPE
    ///   or INVALID_ARGUMENT if the format cannot hold a name or a value, as for a save; LIMIT if an open with the same
    ///   options would refuse the new file; CORRUPT, TRUNCATED or IO if the header cannot be read again, or has changed
    ///   since the file was opened; INVALID_ARGUMENT if the edit is finished.
    #[must_use]
    pub fn tf_edit_finish(edit: *mut tf_edit) -> tf_status;

    /// Returns the number of bytes of the new file; 0 before the edit is finished.
    pub fn tf_edit_size(edit: *const tf_edit) -> u64;

    /// Returns how many bytes at the start of the file have to be written to make it the new one; 0 if that is impossible,
    /// because its size would change or data would move, and before the edit is finished. A program that writes them into
    /// the file can save the old ones first, so that it can undo an edit that was interrupted.
    pub fn tf_edit_patch_bytes(edit: *const tf_edit) -> u64;

    /// Returns the number of runs of bytes that the new file is made of, in their order and without gaps between them; 0
    /// before the edit is finished.
    pub fn tf_edit_run_count(edit: *const tf_edit) -> usize;

    /// Gets a run of bytes of the new file.
    ///
    /// * `bytes`: receives the bytes, borrowed from the edit; NULL if they are those of the old file
    /// * `offset`: receives the offset of the run in the old file, or, if bytes is not NULL, in the new one
    /// * `nbytes`: receives the number of bytes, which is not 0
    /// * `edit`: the edit
    /// * `index`: index of the run, from 0 to count - 1
    ///
    /// Returns INVALID_ARGUMENT if there is no such run, or the edit is not finished.
    #[must_use]
    pub fn tf_edit_run(
        bytes: *mut *const c_void,
        offset: *mut u64,
        nbytes: *mut u64,
        edit: *const tf_edit,
        index: usize,
    ) -> tf_status;

    /// Writes the new file.
    ///
    /// * `edit`: an edit that is finished
    /// * `path`: where to write, to which nothing is appended: the path of the old file, which is replaced, or another
    ///   one
    /// * `options`: [`TF_OPTION_ATOMIC`], [`TF_OPTION_DURABLE`] and the progress callback, as in [`tf_save_metadata`]; may be
    ///   NULL
    ///
    /// Returns IO if the system reports an error; TRUNCATED if the old file has become shorter; CANCELLED or another status
    ///   that a callback returned; INVALID_ARGUMENT if the edit is not finished. With [`TF_OPTION_ATOMIC`] 0 UNSUPPORTED
    ///   if [`tf_edit_patch_bytes`] is 0, INVALID_ARGUMENT if the file at the path is not the old one, and CORRUPT if its
    ///   size has changed; then nothing has been written.
    #[must_use]
    pub fn tf_edit_save(edit: *const tf_edit, path: *const c_char, options: *const tf_options) -> tf_status;

    /// Writes the new file to a sink, as [`tf_save_sink`] does.
    ///
    /// Returns as [`tf_edit_save`].
    #[must_use]
    pub fn tf_edit_save_sink(edit: *const tf_edit, sink: *mut tf_sink, options: *const tf_options) -> tf_status;

    /// Adds a reference and returns the edit.
    pub fn tf_edit_retain(edit: *mut tf_edit) -> *mut tf_edit;

    /// Drops a reference.
    pub fn tf_edit_release(edit: *mut tf_edit);

    /// Creates a writer that writes to a path. Nothing is written, and the path is not accessed, before the first
    /// [`tf_writer_write`] or [`tf_writer_finish`].
    ///
    /// * `out`: receives the writer
    /// * `path`: the file. The extension of the format is appended if the path lacks it, unless the extension chose the
    ///   format or [`TF_OPTION_EXACT_PATH`] is 1
    /// * `format`: the format; [`TF_FORMAT_AUTO`] means that of [`TF_OPTION_FORMAT`], else the one that the path's extension
    ///   names
    /// * `options`: may be NULL
    ///
    /// Returns INVALID_ARGUMENT if no format is named.
    #[must_use]
    pub fn tf_writer_open(
        out: *mut *mut tf_writer,
        path: *const c_char,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Creates a writer that writes to a sink, of which it keeps a reference. [`TF_FORMAT_AUTO`] means the format of
    /// [`TF_OPTION_FORMAT`].
    ///
    /// Returns INVALID_ARGUMENT if no format is named.
    #[must_use]
    pub fn tf_writer_open_sink(
        out: *mut *mut tf_writer,
        sink: *mut tf_sink,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Declares the next array. A .npy takes one, whose name is ignored. Whether the format can hold the arrays is checked
    /// by the first [`tf_writer_write`] or [`tf_writer_finish`], for all arrays at once.
    ///
    /// * `writer`: the writer
    /// * `name`: name of the array, which is copied
    /// * `length`: bytes of name, or SIZE_MAX
    /// * `dtype`: type of its elements
    /// * `shape`: ndim sizes in elements, as in [`tf_array_new`]
    /// * `ndim`: number of dimensions
    ///
    /// Returns DUPLICATE if an array with this name has been declared; INVALID_ARGUMENT if the dtype or shape is invalid,
    ///   for a second array of a .npy, or if data has been written.
    #[must_use]
    pub fn tf_writer_declare(
        writer: *mut tf_writer,
        name: *const c_char,
        length: usize,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// Sets the metadata, replacing what was set before.
    ///
    /// * `writer`: the writer
    /// * `metadata`: as in [`tf_save_memory`], or NULL for none. The writer keeps a copy as of [`tf_dict_copy`], so later
    ///   changes to the dict do not change the file
    #[must_use]
    pub fn tf_writer_set_metadata(writer: *mut tf_writer, metadata: *const tf_dict) -> tf_status;

    /// Writes the next bytes of array data: the arrays in the order of their declarations, each C-contiguous and in the byte
    /// order of this machine. A call may end anywhere within an array and may continue into the next one.
    ///
    /// * `writer`: the writer
    /// * `src`: the bytes
    /// * `nbytes`: number of bytes
    ///
    /// Returns on the first call also UNSUPPORTED, LIMIT or TYPE, as for a save, if the format cannot hold what was
    ///   declared, in which case nothing is written; INVALID_ARGUMENT if nbytes exceeds the remaining bytes of all
    ///   arrays, in which case none of them is written.
    #[must_use]
    pub fn tf_writer_write(writer: *mut tf_writer, src: *const c_void, nbytes: usize) -> tf_status;

    /// Completes the file and moves it to its path. Afterwards the writer can only be released.
    ///
    /// Returns INVALID_ARGUMENT if bytes of an array, which [`tf_error_name`] names, have not been written; they can still be
    ///   written.
    #[must_use]
    pub fn tf_writer_finish(writer: *mut tf_writer) -> tf_status;

    /// Adds a reference and returns the writer.
    pub fn tf_writer_retain(writer: *mut tf_writer) -> *mut tf_writer;

    /// Drops a reference; dropping the last one of a writer that has not finished deletes its temporary files.
    pub fn tf_writer_release(writer: *mut tf_writer);

    /// Creates an empty plan.
    ///
    /// * `out`: receives the plan
    /// * `path`: the path that a single file would have, as in [`tf_writer_open`]; it is not accessed. The names of the
    ///   parts are derived from it. A plan whose parts are written to sinks needs it too, for the index
    /// * `format`: as in [`tf_writer_open`]
    /// * `options`: [`TF_OPTION_PART_BYTES`], and the options of the writers and of the index; may be NULL
    ///
    /// Returns INVALID_ARGUMENT if no format is named.
    #[must_use]
    pub fn tf_part_plan_new(
        out: *mut *mut tf_part_plan,
        path: *const c_char,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Declares the next array, with the arguments and failures of [`tf_writer_declare`].
    #[must_use]
    pub fn tf_part_plan_declare(
        plan: *mut tf_part_plan,
        name: *const c_char,
        length: usize,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// Declares all arrays of a dict, in its order. Their data are not used.
    ///
    /// Returns TYPE if a value is not an array;
    /// DUPLICATE if one of the names has been declared, in which case nothing is declared.
    #[must_use]
    pub fn tf_part_plan_declare_all(plan: *mut tf_part_plan, arrays: *const tf_dict) -> tf_status;

    /// Sets the metadata of the set, with the arguments of [`tf_writer_set_metadata`]. Every part of sharded safetensors
    /// contains it. In a split gguf part 0 does, and the others contain only general.alignment, if it is set.
    #[must_use]
    pub fn tf_part_plan_set_metadata(plan: *mut tf_part_plan, metadata: *const tf_dict) -> tf_status;

    /// Divides the arrays into parts.
    ///
    /// Returns UNSUPPORTED, LIMIT or TYPE, as for a save, if the format cannot hold what was
    /// declared, or that many parts; more can then be declared.
    #[must_use]
    pub fn tf_part_plan_finish(plan: *mut tf_part_plan) -> tf_status;

    /// Returns the number of parts; 0 before the plan is finished.
    pub fn tf_part_plan_count(plan: *const tf_part_plan) -> usize;

    /// Returns 1 if the set has an index, else 0.
    pub fn tf_part_plan_has_index(plan: *const tf_part_plan) -> i32;

    /// Gets which arrays go to a part: consecutive ones, in the order of their declarations.
    ///
    /// * `first`: receives the index of the first array. May be NULL
    /// * `count`: receives the number of arrays. May be NULL
    /// * `nbytes`: receives the number of bytes of their data. May be NULL
    /// * `plan`: the plan
    /// * `part`: number of the part, from 0 to count - 1
    #[must_use]
    pub fn tf_part_plan_part(
        first: *mut usize,
        count: *mut usize,
        nbytes: *mut u64,
        plan: *const tf_part_plan,
        part: usize,
    ) -> tf_status;

    /// Gets the name of an array that was declared, by its index, also before the plan is finished. The string is borrowed
    /// from the plan.
    #[must_use]
    pub fn tf_part_plan_array(
        name: *mut *const c_char,
        length: *mut usize,
        plan: *const tf_part_plan,
        index: usize,
    ) -> tf_status;

    /// Gets the path of a part, or that of the index if part is the number of parts. The bytes of the buffer are
    /// NUL-terminated; its size does not count the NUL.
    ///
    /// Returns NOT_FOUND if there is no index.
    #[must_use]
    pub fn tf_part_plan_path(out: *mut *mut tf_buffer, plan: *const tf_part_plan, part: usize) -> tf_status;

    /// Gets a copy of the metadata that a part has: an empty dict if it has none.
    #[must_use]
    pub fn tf_part_plan_metadata(out: *mut *mut tf_dict, plan: *const tf_part_plan, part: usize) -> tf_status;

    /// Gets the text of the index.
    ///
    /// Returns NOT_FOUND if there is no index.
    #[must_use]
    pub fn tf_part_plan_index(out: *mut *mut tf_buffer, plan: *const tf_part_plan) -> tf_status;

    /// Writes the index to a path, or to its own if path is NULL, all or nothing as a save.
    ///
    /// Returns NOT_FOUND if there is
    /// no index; IO if the system reports an error.
    #[must_use]
    pub fn tf_part_plan_save_index(plan: *const tf_part_plan, path: *const c_char) -> tf_status;

    /// Creates a writer for one part. Its arrays and metadata are declared, and cannot be changed; the bytes of the arrays
    /// are written with [`tf_writer_write`], and [`tf_writer_finish`] completes the file. The writer does not use the plan.
    ///
    /// * `out`: receives the writer
    /// * `plan`: the plan
    /// * `part`: number of the part
    /// * `path`: the path of the file, to which nothing is appended; NULL means that of the part
    #[must_use]
    pub fn tf_part_plan_open_part(
        out: *mut *mut tf_writer,
        plan: *const tf_part_plan,
        part: usize,
        path: *const c_char,
    ) -> tf_status;

    /// Creates a writer for one part, as [`tf_part_plan_open_part`], that writes to a sink, of which it keeps a reference.
    #[must_use]
    pub fn tf_part_plan_open_part_sink(
        out: *mut *mut tf_writer,
        plan: *const tf_part_plan,
        part: usize,
        sink: *mut tf_sink,
    ) -> tf_status;

    /// Adds a reference and returns the plan.
    pub fn tf_part_plan_retain(plan: *mut tf_part_plan) -> *mut tf_part_plan;

    /// Drops a reference.
    pub fn tf_part_plan_release(plan: *mut tf_part_plan);

    /// Returns the preset at an index, in the order of their numbers, or [`TF_PRESET_NONE`] if the index is not less than the
    /// number of presets.
    pub fn tf_preset_at(index: usize) -> tf_preset;

    /// Returns the name of a preset, such as "Q4_K_M"; "unknown" for [`TF_PRESET_NONE`] and other numbers. The string is
    /// static.
    pub fn tf_preset_name(preset: tf_preset) -> *const c_char;

    /// Returns the preset with a NUL-terminated name, in any letter case, or [`TF_PRESET_NONE`] if there is none. "Q3_K",
    /// "Q4_K" and "Q5_K" mean the M presets, and "MXFP4" means "MXFP4_MOE".
    pub fn tf_preset_from_name(name: *const c_char) -> tf_preset;

    /// Returns the type of the arrays that get no special treatment, or [`TF_DTYPE_UNSUPPORTED`] if there is no such
    /// preset.
    pub fn tf_preset_dtype(preset: tf_preset) -> tf_dtype;

    /// Creates a plan without arrays.
    ///
    /// * `out`: receives the plan
    /// * `preset`: the preset
    /// * `metadata`: the metadata of the model, with the keys of a .gguf: general.architecture and ARCHITECTURE.block_count
    ///   are required. ARCHITECTURE.expert_count, .attention.head_count, .attention.head_count_kv and
    ///   .nextn_predict_layers are read if they exist. The plan does not keep the dict
    /// * `options`: allocator; may be NULL
    ///
    /// Returns INVALID_ARGUMENT if there is no such preset, or a required key is missing; TYPE if the value of a key is of
    ///   another kind.
    #[must_use]
    pub fn tf_quant_plan_new(
        out: *mut *mut tf_quant_plan,
        preset: tf_preset,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Declares the next array.
    ///
    /// * `plan`: the plan
    /// * `name`: name of the array, which is copied
    /// * `length`: bytes of name, or SIZE_MAX
    /// * `dtype`: type of its elements
    /// * `shape`: ndim sizes in elements, as in [`tf_array_new`]
    /// * `ndim`: number of dimensions
    ///
    /// Returns DUPLICATE if an array with this name has been declared; INVALID_ARGUMENT if the name is not UTF-8, the dtype
    ///   or shape is invalid, or the plan is finished.
    #[must_use]
    pub fn tf_quant_plan_declare(
        plan: *mut tf_quant_plan,
        name: *const c_char,
        length: usize,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// Sets the type in which an array is encoded, instead of the one that the rules choose. Like llama-quantize, the plan
    /// ignores it for arrays that no preset encodes, such as norms, and replaces it if its blocks do not divide the rows.
    ///
    /// * `plan`: the plan
    /// * `index`: index of the array, in the order of declarations
    /// * `dtype`: a block type that can be encoded, or a float dtype
    ///
    /// Returns UNSUPPORTED if the dtype can only be decoded; INVALID_ARGUMENT if it is none of these, there is no such array,
    ///   or the plan is finished.
    #[must_use]
    pub fn tf_quant_plan_set_dtype(plan: *mut tf_quant_plan, index: usize, dtype: tf_dtype) -> tf_status;

    /// Sets whether the arrays will be encoded with an importance matrix, as by [`tf_array_cast_weighted`]: 1, or 0, the
    /// default. Some presets then choose other types.
    ///
    /// Returns INVALID_ARGUMENT if weighted is neither, or the plan is
    /// finished.
    #[must_use]
    pub fn tf_quant_plan_set_weighted(plan: *mut tf_quant_plan, weighted: i32) -> tf_status;

    /// Chooses the types. Afterwards the plan cannot be changed.
    ///
    /// Returns UNSUPPORTED if an array is of a block type, but not of the one that it would get, or if [`TF_PRESET_Q2_K_S`]
    ///   lacks an importance matrix; INVALID_ARGUMENT if the plan is finished, or the number of a layer is needed and a
    ///   name does not contain it.
    #[must_use]
    pub fn tf_quant_plan_finish(plan: *mut tf_quant_plan) -> tf_status;

    /// Gets the type that an array gets, by its index in the order of declarations. Arrays that are not encoded keep theirs.
    ///
    /// Returns INVALID_ARGUMENT if there is no such array, or the plan is not finished.
    #[must_use]
    pub fn tf_quant_plan_dtype(dtype: *mut tf_dtype, plan: *const tf_quant_plan, index: usize) -> tf_status;

    /// Adds a reference and returns the plan.
    pub fn tf_quant_plan_retain(plan: *mut tf_quant_plan) -> *mut tf_quant_plan;

    /// Drops a reference.
    pub fn tf_quant_plan_release(plan: *mut tf_quant_plan);
}
