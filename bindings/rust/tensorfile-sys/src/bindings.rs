// Code generated from tensorfile.h by SWIG and bindings/swig/swig2rust.py. DO NOT EDIT.

use core::ffi::*;
use core::marker::{PhantomData, PhantomPinned};

pub const TENSORFILE_VERSION_MAJOR: c_int = 0;

pub const TENSORFILE_VERSION_MINOR: c_int = 1;

pub const TENSORFILE_VERSION_PATCH: c_int = 0;

pub const TENSORFILE_VERSION_STRING: &CStr = c"0.1.0";

/// An n-dimensional array: dtype, shape, strides, and a buffer that it may share with views.
#[repr(C)]
pub struct tf_array {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Values by UTF-8 name, in insertion or file order.
#[repr(C)]
pub struct tf_dict {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// A file opened and validated whose arrays are not read yet.
#[repr(C)]
pub struct tf_file {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Settings of a call.
#[repr(C)]
pub struct tf_options {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Where bytes are read from: positional reads, perhaps mapping.
#[repr(C)]
pub struct tf_source {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Where bytes are written to, one after another.
#[repr(C)]
pub struct tf_sink {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Writes a file array by array, in pieces.
#[repr(C)]
pub struct tf_writer {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Bytes in memory that the library made.
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

/// What became of a call. Values are frozen; new ones are appended.
pub type tf_status = i32;
/// Done.
pub const TF_STATUS_OK: tf_status = 0;
/// The caller's mistake: a NULL handle, an index or number out of range, a wrong shape. Nothing was done.
pub const TF_STATUS_INVALID_ARGUMENT: tf_status = 1;
/// An allocation failed. Handles are as before; the same call may succeed later.
pub const TF_STATUS_OUT_OF_MEMORY: tf_status = 2;
/// The system could not open, read, write or replace a file; the message carries its reason.
pub const TF_STATUS_IO: tf_status = 3;
/// No such file, name or key.
pub const TF_STATUS_NOT_FOUND: tf_status = 4;
/// A name stands twice: in a file, or among the names given.
pub const TF_STATUS_DUPLICATE: tf_status = 5;
/// The bytes are not of the format asked for, or of none that is known.
pub const TF_STATUS_FORMAT: tf_status = 6;
/// The file breaks a rule of its format. No reader should trust it.
pub const TF_STATUS_CORRUPT: tf_status = 7;
/// The file ends too early; more bytes at its end could make it valid.
pub const TF_STATUS_TRUNCATED: tf_status = 8;
/// Valid, but not handled here: a dtype, version or method; an unknown option; what a target format cannot hold.
pub const TF_STATUS_UNSUPPORTED: tf_status = 9;
/// A limit of the options was hit; a larger limit would change the verdict.
pub const TF_STATUS_LIMIT: tf_status = 10;
/// A value is of another kind or dtype than the call needs.
pub const TF_STATUS_TYPE: tf_status = 11;
/// What was loaded is not what was expected.
pub const TF_STATUS_MISMATCH: tf_status = 12;
/// A progress callback asked to stop.
pub const TF_STATUS_CANCELLED: tf_status = 13;
/// The library contradicts itself; please report it.
pub const TF_STATUS_INTERNAL: tf_status = 14;

/// The type of an array's elements. Values are frozen; new ones are appended; a ggml block type is 64 + ggml's id.
pub type tf_dtype = i32;
/// A type that this library does not know: listed, never read.
pub const TF_DTYPE_UNSUPPORTED: tf_dtype = 0;
/// one byte, 0 or 1
pub const TF_DTYPE_BOOL: tf_dtype = 1;
pub const TF_DTYPE_INT8: tf_dtype = 2;
pub const TF_DTYPE_INT16: tf_dtype = 3;
pub const TF_DTYPE_INT32: tf_dtype = 4;
pub const TF_DTYPE_INT64: tf_dtype = 5;
pub const TF_DTYPE_UINT8: tf_dtype = 6;
pub const TF_DTYPE_UINT16: tf_dtype = 7;
pub const TF_DTYPE_UINT32: tf_dtype = 8;
pub const TF_DTYPE_UINT64: tf_dtype = 9;
/// IEEE binary16
pub const TF_DTYPE_FLOAT16: tf_dtype = 10;
pub const TF_DTYPE_BFLOAT16: tf_dtype = 11;
pub const TF_DTYPE_FLOAT32: tf_dtype = 12;
pub const TF_DTYPE_FLOAT64: tf_dtype = 13;
/// two float32: real, imaginary
pub const TF_DTYPE_COMPLEX64: tf_dtype = 14;
/// two float64
pub const TF_DTYPE_COMPLEX128: tf_dtype = 15;
/// safetensors F8_E4M3
pub const TF_DTYPE_FLOAT8_E4M3FN: tf_dtype = 16;
/// safetensors F8_E5M2
pub const TF_DTYPE_FLOAT8_E5M2: tf_dtype = 17;
/// safetensors F8_E4M3FNUZ
pub const TF_DTYPE_FLOAT8_E4M3FNUZ: tf_dtype = 18;
/// safetensors F8_E5M2FNUZ
pub const TF_DTYPE_FLOAT8_E5M2FNUZ: tf_dtype = 19;
/// safetensors F8_E8M0: an exponent, no sign
pub const TF_DTYPE_FLOAT8_E8M0FNU: tf_dtype = 20;
/// safetensors F6_E2M3: 4 elements in 3 bytes
pub const TF_DTYPE_FLOAT6_E2M3FN: tf_dtype = 21;
/// safetensors F6_E3M2: 4 elements in 3 bytes
pub const TF_DTYPE_FLOAT6_E3M2FN: tf_dtype = 22;
/// safetensors F4: 2 elements in a byte, the first in the low half
pub const TF_DTYPE_FLOAT4_E2M1FN: tf_dtype = 23;
/// from here on ggml's block types; data are whole blocks
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

/// A file format.
pub type tf_format = i32;
/// find out: by extension, then by content
pub const TF_FORMAT_AUTO: tf_format = 0;
pub const TF_FORMAT_NPY: tf_format = 1;
pub const TF_FORMAT_NPZ: tf_format = 2;
pub const TF_FORMAT_SAFETENSORS: tf_format = 3;
pub const TF_FORMAT_GGUF: tf_format = 4;

/// The kind of a value in a [`tf_dict`].
pub type tf_kind = i32;
/// no such value
pub const TF_KIND_NONE: tf_kind = 0;
pub const TF_KIND_ARRAY: tf_kind = 1;
/// bytes; UTF-8 wherever a writer kept to its format
pub const TF_KIND_STRING: tf_kind = 2;
pub const TF_KIND_STRING_LIST: tf_kind = 3;
pub const TF_KIND_DICT: tf_kind = 4;

/// A setting; each takes an int64, its range and default are told here. Numbers are frozen; new ones are appended.
pub type tf_option = i32;
/// Threads that one call may use, itself included: 0 (default) as many as the machine has cores, or as the executor
/// is wide; up to 1024. 1: the call makes no thread and uses no executor.
pub const TF_OPTION_THREADS: tf_option = 1;
/// Format to load, or to save by tf_save_weights: a [`tf_format`], or its name by tf_options_set_string. Default AUTO.
pub const TF_OPTION_FORMAT: tf_option = 2;
/// 1: save to the very path given; 0 (default): the format's extension is added when the path lacks it.
pub const TF_OPTION_EXACT_PATH: tf_option = 3;
/// [`TF_LOAD_MODE_OWN`] (default) or [`TF_LOAD_MODE_MAP`]; by name "own" or "map".
pub const TF_OPTION_LOAD_MODE: tf_option = 4;
/// 1: accept trailing bytes, bytes before a zip archive, and leave out arrays of unknown types in tf_load. Default 0.
pub const TF_OPTION_LENIENT: tf_option = 5;
/// 1 (default): tf_load_weights refuses weights that are missing, unexpected or of another shape.
pub const TF_OPTION_STRICT: tf_option = 6;
/// 1: a .gguf that is one part of several (NAME-00001-of-00003.gguf) is opened as the whole set. Default 0. The index
/// of sharded safetensors (NAME.safetensors.index.json) always opens its set.
pub const TF_OPTION_PARTS: tf_option = 7;
/// Most bytes of array data in one file of a .safetensors or .gguf saved by path, from 1; 0 (default): one file. More
/// are saved as NAME-00001-of-00003 and so on, safetensors with their index; each array stays whole.
pub const TF_OPTION_PART_BYTES: tf_option = 8;
/// Bytes of memory that the objects made by one call (or read through one tf_file) may hold at once, from 1; 0
/// (default): no limit.
pub const TF_OPTION_MAX_BYTES: tf_option = 9;
/// Longest header in bytes: 0 (default) means 100,000,000, and 1 MiB for an npy header.
pub const TF_OPTION_MAX_HEADER_BYTES: tf_option = 10;
/// Most arrays in a file, from 1; default 1,000,000.
pub const TF_OPTION_MAX_ARRAYS: tf_option = 11;
/// Most metadata values in a file, from 1; default 1,000,000. Elements of a list are not values of their own.
pub const TF_OPTION_MAX_METADATA: tf_option = 12;
/// Longest name or key in bytes, from 1; default 65,536.
pub const TF_OPTION_MAX_NAME_BYTES: tf_option = 13;
/// Most dimensions of an array, 1 to 64; default 64.
pub const TF_OPTION_MAX_RANK: tf_option = 14;
/// Deepest nesting of metadata (gguf arrays: 8 at most), and most parts, between dots, of a name that
/// tf_load_weights and tf_save_weights make a tree of; 1 to 64; default 64.
pub const TF_OPTION_MAX_NESTING: tf_option = 15;
/// 1: fsync file and folder before a save returns. Default 0.
pub const TF_OPTION_DURABLE: tf_option = 16;
/// 1 (default): write a temporary file beside the target, then rename it over; 0: write the target in place.
pub const TF_OPTION_ATOMIC: tf_option = 17;
/// Alignment of array data on save, a power of two of 1 to 1,048,576; 0 (default): 64, gguf 32 or the metadata's
/// general.alignment. npy keeps its format's 64 (as np.save); npz: at most 32,768; gguf: the key general.alignment is
/// written for it.
pub const TF_OPTION_ALIGNMENT: tf_option = 18;
/// 1: deflate the members of an .npz that tf_save_weights, tf_save_memory, tf_save_sink or a tf_writer writes. Default
/// 0.
pub const TF_OPTION_COMPRESS: tf_option = 19;
/// Level of deflate, 0 (none) to 9 (smallest); -1 (default): the one that suits. Where ISA-L is built in, it does the
/// levels 1 to 3, and -1 is what it does best for each array (1, or 3 where that saves 5 % of a sample); zlib does the
/// others, and then -1 is 6.
pub const TF_OPTION_COMPRESSION_LEVEL: tf_option = 20;
/// [`TF_DEFLATE_AUTO`] (default) or [`TF_DEFLATE_ZLIB`]; by name "auto" or "zlib".
pub const TF_OPTION_DEFLATE: tf_option = 21;
/// What loading makes of ggml's block types: [`TF_DECODE_KEEP`] (default); [`TF_DTYPE_FLOAT16`], _BFLOAT16, _FLOAT32 or
/// _FLOAT64: decoded to that dtype; [`TF_DECODE_MLX`]. By name "keep", "mlx", or that of the dtype. What tf_file says of
/// an array is what is stored; [`tf_file_read_into`] has a dtype of its own.
pub const TF_OPTION_DECODE: tf_option = 22;

// Values of [`TF_OPTION_DEFLATE`].
/// ISA-L where it is built in, else zlib: many times faster, and no larger on the weights of models.
pub const TF_DEFLATE_AUTO: c_int = 0;
/// zlib, also where ISA-L is built in.
pub const TF_DEFLATE_ZLIB: c_int = 1;

// Values of [`TF_OPTION_DECODE`].
/// Blocks stay blocks.
pub const TF_DECODE_KEEP: c_int = 0;
/// tf_load: q4_0, q4_1 and q8_0 become what MLX's load makes of them: NAME (uint32, codes of 4 or 8 bits, lowest first),
/// STEM.scales and STEM.biases (float16, one for 32 codes), where STEM is NAME without ".weight" at its end, or else
/// the whole NAME; value = code * scale + bias. Other block types become float16. [`tf_file_read`] keeps blocks.
pub const TF_DECODE_MLX: c_int = -1;

// Values of [`TF_OPTION_LOAD_MODE`].
/// Arrays get memory of their own: nothing that happens to the file afterwards touches them.
pub const TF_LOAD_MODE_OWN: c_int = 0;
/// Arrays are private, writable mappings of the file, read when first touched. If another program shortens the file
/// in place, touching the lost part ends the process with SIGBUS. What cannot be mapped is copied: compressed
/// members, data not aligned to its items, another byte order, bools that are not 0 or 1. The CRC-32 of a member of
/// an .npz is checked where its bytes are copied, not where they are mapped: that would read them.
pub const TF_LOAD_MODE_MAP: c_int = 1;

/// In the start, stop or step of a slice: left out, as in Python's `a[::2]`.
pub const TENSORFILE_SLICE_OMITTED: c_longlong = i64::MIN;

/// Called once when the library has done with what `user` stands for, also when the call that took it failed.
pub type tf_release_fn = Option<unsafe extern "C" fn(*mut c_void)>;

/// Reads exactly nbytes from offset into dst, or returns a status other than 0, which the call then returns.
pub type tf_read_at_fn = Option<unsafe extern "C" fn(*mut c_void, u64, *mut c_void, usize) -> tf_status>;

/// Gives a pointer to nbytes from offset that stays valid until the source is released.
pub type tf_map_fn = Option<unsafe extern "C" fn(*mut c_void, u64, u64, *mut *const c_void) -> tf_status>;

/// Takes all nbytes, or returns a status other than 0, which the call then returns.
pub type tf_write_fn = Option<unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> tf_status>;

/// Told of bytes done of a total, on the calling thread; a status other than 0 (say CANCELLED) ends the call with it.
pub type tf_progress_fn = Option<unsafe extern "C" fn(*mut c_void, u64, u64) -> tf_status>;

/// Gives size bytes at an address that is a multiple of alignment (a power of two), or NULL.
pub type tf_alloc_fn = Option<unsafe extern "C" fn(*mut c_void, usize, usize) -> *mut c_void>;

/// Takes back what a [`tf_alloc_fn`] gave, with the same size and alignment.
pub type tf_free_fn = Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize, usize)>;

/// A piece of a call's work, made by the library; may run on any thread.
pub type tf_job_fn = Option<unsafe extern "C" fn(*mut c_void, usize)>;

/// Calls run(jobs, index) once for each index below count, on any threads, in any order or at once, and returns when all
/// of these calls have returned. After a status other than 0, which the call then returns, none may follow either.
pub type tf_executor_fn = Option<unsafe extern "C" fn(*mut c_void, tf_job_fn, *mut c_void, usize) -> tf_status>;

unsafe extern "C" {
    /// The version of the library that runs: major * 10000 + minor * 100 + patch.
    pub fn tf_version_number() -> u32;

    /// The same as text, "0.1.0"; static.
    pub fn tf_version_string() -> *const c_char;

    /// A status as a lower-case word ("corrupt"); static; "unknown" for a number that is none.
    pub fn tf_status_name(status: tf_status) -> *const c_char;

    /// What this thread's last failure was: one line of UTF-8 of at most 1,023 bytes, control characters escaped, saying what
    /// and where (file, array, byte), what was expected and what was found. "" before the first failure.
    ///
    /// Returns borrowed until this thread's next failure; a success leaves it as it is.
    pub fn tf_error_message() -> *const c_char;

    /// The byte in the file that the last failure is about, or UINT64_MAX.
    pub fn tf_error_offset() -> u64;

    /// The array or key that the last failure is about, cut to 255 bytes, or ""; borrowed as [`tf_error_message`] is.
    pub fn tf_error_name() -> *const c_char;

    /// A dtype's name as NumPy and ml_dtypes write it ("float32", "float8_e4m3fn"), ggml's in lower case ("q4_k"); static;
    /// "unsupported" for [`TF_DTYPE_UNSUPPORTED`] and any number that is none.
    pub fn tf_dtype_name(dtype: tf_dtype) -> *const c_char;

    /// The dtype of a name, letter case of ggml's names ignored; [`TF_DTYPE_UNSUPPORTED`] when there is none.
    pub fn tf_dtype_from_name(name: *const c_char) -> tf_dtype;

    /// Bits of one element: 8 for bool, 4 for float4_e2m1fn; 0 for a block type.
    pub fn tf_dtype_bits(dtype: tf_dtype) -> u32;

    /// Elements in the smallest unit of whole bytes: 1, for float4 2, for float6 4, for a block type its block (32, 256).
    pub fn tf_dtype_block_size(dtype: tf_dtype) -> u32;

    /// Bytes of that unit: the item size, for float4 1, for float6 3, for a block type its block (q4_0: 18).
    pub fn tf_dtype_block_bytes(dtype: tf_dtype) -> u32;

    /// "npy", "npz", "safetensors", "gguf"; "auto"; "unknown" for a number that is none; static.
    pub fn tf_format_name(format: tf_format) -> *const c_char;

    /// The format that a path's extension names, letter case ignored; [`TF_FORMAT_AUTO`] when it names none.
    pub fn tf_format_from_path(path: *const c_char) -> tf_format;

    /// The format that the first bytes of a file are of; [`TF_FORMAT_AUTO`] when of none.
    ///
    /// * `head`: the first bytes
    /// * `nbytes`: how many; 16 are enough, fewer may not tell
    pub fn tf_format_probe(head: *const c_void, nbytes: usize) -> tf_format;

    /// Makes settings that all have their defaults.
    #[must_use]
    pub fn tf_options_new(out: *mut *mut tf_options) -> tf_status;

    pub fn tf_options_retain(options: *mut tf_options) -> *mut tf_options;

    pub fn tf_options_release(options: *mut tf_options);

    /// Sets one option.
    ///
    /// * `value`: in the range that the option's comment gives
    ///
    /// Returns INVALID_ARGUMENT: the value is out of range; UNSUPPORTED: this version has no such option.
    #[must_use]
    pub fn tf_options_set(options: *mut tf_options, option: tf_option, value: i64) -> tf_status;

    /// Reads one option.
    ///
    /// Returns UNSUPPORTED: this version has no such option.
    #[must_use]
    pub fn tf_options_get(value: *mut i64, options: *const tf_options, option: tf_option) -> tf_status;

    /// Sets an option whose values have names ([`TF_OPTION_FORMAT`], [`TF_OPTION_LOAD_MODE`]) by name.
    ///
    /// * `text`: the name
    /// * `length`: of text in bytes, or SIZE_MAX
    ///
    /// Returns INVALID_ARGUMENT: no such name; UNSUPPORTED: no such option; TYPE: the option takes numbers only.
    #[must_use]
    pub fn tf_options_set_string(
        options: *mut tf_options,
        option: tf_option,
        text: *const c_char,
        length: usize,
    ) -> tf_status;

    /// All memory that calls with these options take, and the objects that they make, comes from alloc.
    ///
    /// * `alloc`: NULL goes back to the default allocator; then free must be NULL too
    /// * `free`: may be called later than the call that allocated, until the last object that it made is released
    /// * `release`: may be NULL; called once, when options and all objects made through them are gone
    /// * `user`: first argument of the three
    #[must_use]
    pub fn tf_options_set_allocator(
        options: *mut tf_options,
        alloc: tf_alloc_fn,
        free: tf_free_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// progress is told, on the calling thread, how many bytes of array data a load or save has done.
    ///
    /// * `progress`: NULL: none
    /// * `release`: may be NULL; called once, when the options let go of user
    #[must_use]
    pub fn tf_options_set_progress(
        options: *mut tf_options,
        progress: tf_progress_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Calls with these options make no thread: what they would share among threads of their own they hand to execute, on the
    /// calling thread, once or (to tell progress in between) several times. Small work is done without it.
    ///
    /// No job waits for another, so that they may run one after another. They call the allocator, and sources that are
    /// concurrent, on whatever thread they run; that thread's error record may change. execute may run jobs on the calling
    /// thread too, and must not wait for work that only this thread could do.
    ///
    /// * `execute`: NULL: threads of the library's own again
    /// * `width`: how many jobs the host can run at once, from 1; count never exceeds it, nor [`TF_OPTION_THREADS`]
    /// * `release`: may be NULL; called once, when the options, and the files opened with them, let go of user, and also
    ///   when this call fails
    ///
    /// Returns INVALID_ARGUMENT: a width of 0. A later call is INVALID_ARGUMENT if execute returned 0 without having run all.
    #[must_use]
    pub fn tf_options_set_executor(
        options: *mut tf_options,
        execute: tf_executor_fn,
        width: usize,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// Makes a C-contiguous array of zeros.
    ///
    /// * `shape`: ndim sizes of 0 or more; NULL when ndim is 0. A block type: the last one is a multiple of its block; a
    ///   packed type (float4, float6): the whole count is a multiple of its unit
    /// * `ndim`: 0 to 64; 0 makes a scalar
    ///
    /// Returns INVALID_ARGUMENT: a negative size, a product of 2^63 or more, an unknown dtype.
    #[must_use]
    pub fn tf_array_new(out: *mut *mut tf_array, dtype: tf_dtype, shape: *const i64, ndim: usize) -> tf_status;

    /// The same in memory of the options' allocator.
    ///
    /// Returns LIMIT: more than [`TF_OPTION_MAX_BYTES`].
    #[must_use]
    pub fn tf_array_new_with(
        out: *mut *mut tf_array,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
        options: *const tf_options,
    ) -> tf_status;

    /// Makes a C-contiguous array with a copy of data.
    ///
    /// * `src`: elements in C order, in the host's byte order (block types: little-endian on every host)
    /// * `nbytes`: of src; must be what dtype and shape need
    #[must_use]
    pub fn tf_array_copy_from(
        out: *mut *mut tf_array,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
        src: *const c_void,
        nbytes: usize,
    ) -> tf_status;

    /// Makes an array over the caller's memory, without a copy.
    ///
    /// * `strides`: ndim steps in bytes, multiples of the item's alignment, 0 and negative allowed; NULL: C-contiguous.
    ///   Packed and block types: NULL
    /// * `data`: the first element ([0, 0, ...]); aligned to its item (a complex one: to its half); may be NULL for an
    ///   array without elements
    /// * `nbytes`: bytes from data on that may be touched. With negative strides the caller vouches for those before
    /// * `writable`: 0: tf_array_data_mut refuses it
    /// * `release`: may be NULL; called once with user when the last array on this memory is released, and also when
    ///   this call fails
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

    pub fn tf_array_retain(array: *mut tf_array) -> *mut tf_array;

    pub fn tf_array_release(array: *mut tf_array);

    /// The dtype.
    pub fn tf_array_dtype(array: *const tf_array) -> tf_dtype;

    /// Number of dimensions; 0 for a scalar.
    pub fn tf_array_ndim(array: *const tf_array) -> usize;

    /// ndim sizes in elements; borrowed from the array; never NULL for an array.
    pub fn tf_array_shape(array: *const tf_array) -> *const i64;

    /// ndim steps in bytes; borrowed from the array; NULL for packed and block types, which are C-contiguous.
    pub fn tf_array_strides(array: *const tf_array) -> *const i64;

    /// Number of elements: the product of the shape.
    pub fn tf_array_size(array: *const tf_array) -> i64;

    /// Bytes that the elements take in C order, whatever the strides are.
    pub fn tf_array_nbytes(array: *const tf_array) -> u64;

    /// Address of the first element, [0, 0, ...]; never NULL for an array, not even an empty one; borrowed.
    pub fn tf_array_data(array: *const tf_array) -> *const c_void;

    /// The same address to write through.
    ///
    /// Returns INVALID_ARGUMENT: the memory is read-only or shared with another array; use [`tf_array_make_mut`].
    #[must_use]
    pub fn tf_array_data_mut(data: *mut *mut c_void, array: *mut tf_array) -> tf_status;

    /// Makes *array one whose memory may be written and is shared with nobody, neither by another array nor by another
    /// reference to this one (such as a dict's): itself where it is so already, else a C-contiguous copy that replaces it
    /// (the old reference is released).
    #[must_use]
    pub fn tf_array_make_mut(array: *mut *mut tf_array) -> tf_status;

    /// 1 when the elements lie in C order without gaps, else 0.
    pub fn tf_array_is_contiguous(array: *const tf_array) -> i32;

    /// One element as an integer.
    ///
    /// * `index`: ndim indices, negative ones count from the end; NULL when ndim is 0
    ///
    /// Returns TYPE: the dtype is neither bool nor an integer, or a uint64 above INT64_MAX.
    #[must_use]
    pub fn tf_array_item_int64(value: *mut i64, array: *const tf_array, index: *const i64, ndim: usize) -> tf_status;

    /// One element as a double, rounded to nearest even where it must be.
    ///
    /// Returns TYPE: a complex or block dtype.
    #[must_use]
    pub fn tf_array_item_double(value: *mut f64, array: *const tf_array, index: *const i64, ndim: usize) -> tf_status;

    /// The array itself, retained, when it is C-contiguous, else a C-contiguous copy.
    #[must_use]
    pub fn tf_array_contiguous(out: *mut *mut tf_array, array: *const tf_array) -> tf_status;

    /// A view with its axes in another order.
    ///
    /// * `axes`: naxes = ndim numbers, each axis once; NULL (and naxes 0) reverses them
    ///
    /// Returns UNSUPPORTED: a packed or block type, unless the order is unchanged.
    #[must_use]
    pub fn tf_array_transpose(
        out: *mut *mut tf_array,
        array: *const tf_array,
        axes: *const usize,
        naxes: usize,
    ) -> tf_status;

    /// Python's array[start:stop:step, ...]: a view; of a packed or block type a copy where no view can be.
    ///
    /// * `start`, `stop`, `step`: ndim numbers each, with Python's meaning of negative and out-of-range ones;
    ///   [`TENSORFILE_SLICE_OMITTED`] for an omitted one; NULL: all omitted
    ///
    /// Returns INVALID_ARGUMENT: a step of 0, or ndim is not the array's; UNSUPPORTED: the slice cuts through a unit of a
    ///   packed or block type.
    #[must_use]
    pub fn tf_array_slice(
        out: *mut *mut tf_array,
        array: *const tf_array,
        start: *const i64,
        stop: *const i64,
        step: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// A C-contiguous copy with another dtype (the array itself, retained, when it has that dtype and is C-contiguous).
    /// Rounds to nearest even and overflows as NumPy and ml_dtypes do; float to integer truncates and saturates, NaN gives
    /// 0; integers narrow by wrapping, as NumPy's astype; anything to bool is "not equal to zero".
    ///
    /// * `options`: allocator and threads; may be NULL
    ///
    /// Returns TYPE: complex to real; UNSUPPORTED: from or to a dtype for which no rule is given; INVALID_ARGUMENT: a row is
    ///   not whole blocks, or an element that a block type is to hold is not finite.
    #[must_use]
    pub fn tf_array_cast(
        out: *mut *mut tf_array,
        array: *const tf_array,
        dtype: tf_dtype,
        options: *const tf_options,
    ) -> tf_status;

    /// equal = 1 when dtype, shape and every byte of the elements agree (so NaN equals the same NaN, -0.0 is not 0.0).
    #[must_use]
    pub fn tf_array_equal(equal: *mut i32, a: *const tf_array, b: *const tf_array) -> tf_status;

    /// Hands an array out as a tensor of DLPack 1.1, on the host's memory. It keeps the memory alive, even beyond the array,
    /// until its deleter is called, and as long as it does, the memory counts as shared (see [`tf_array_data_mut`]). A consumer
    /// writes into the array's own memory; only read-only memory has the read-only flag.
    ///
    /// * `out`: the caller, or whom it is given to, calls (*out)->deleter(*out) once
    ///
    /// Returns UNSUPPORTED: a block type, or a stride that is not a multiple of the item (complex dtypes).
    #[must_use]
    pub fn tf_array_to_dlpack(out: *mut *mut DLManagedTensorVersioned, array: *mut tf_array) -> tf_status;

    /// The same in the struct that came before DLPack 1.0.
    ///
    /// Returns UNSUPPORTED: also read-only memory, which it cannot tell.
    #[must_use]
    pub fn tf_array_to_dlpack_unversioned(out: *mut *mut DLManagedTensor, array: *mut tf_array) -> tf_status;

    /// Makes an array over a tensor's memory. It is writable unless the tensor has the read-only flag.
    ///
    /// * `tensor`: is taken over: its deleter is called when the last array on it is released, and also when this call
    ///   fails. Memory of the host, also where it is pinned for CUDA or ROCm
    ///
    /// Returns UNSUPPORTED: memory of a device, a type that is no dtype here, several lanes, a packed type that is padded or
    ///   strided, DLPack 2 and later; INVALID_ARGUMENT: more than 64 dimensions, a negative size, data that are not
    ///   aligned to their item.
    #[must_use]
    pub fn tf_array_from_dlpack(out: *mut *mut tf_array, tensor: *mut DLManagedTensorVersioned) -> tf_status;

    /// The same for the struct that came before DLPack 1.0; writable.
    #[must_use]
    pub fn tf_array_from_dlpack_unversioned(out: *mut *mut tf_array, tensor: *mut DLManagedTensor) -> tf_status;

    /// Makes an empty dict.
    #[must_use]
    pub fn tf_dict_new(out: *mut *mut tf_dict) -> tf_status;

    /// The same in memory of the options' allocator: the dict, its keys and strings, and the arrays that
    /// [`tf_dict_set_int64`] and its like make. Filling it is LIMIT beyond [`TF_OPTION_MAX_BYTES`].
    #[must_use]
    pub fn tf_dict_new_with(out: *mut *mut tf_dict, options: *const tf_options) -> tf_status;

    pub fn tf_dict_retain(dict: *mut tf_dict) -> *mut tf_dict;

    pub fn tf_dict_release(dict: *mut tf_dict);

    /// Number of values.
    pub fn tf_dict_size(dict: *const tf_dict) -> usize;

    /// The key at a place, 0 to size - 1, in insertion order; borrowed.
    #[must_use]
    pub fn tf_dict_key_at(
        key: *mut *const c_char,
        length: *mut usize,
        dict: *const tf_dict,
        index: usize,
    ) -> tf_status;

    /// The kind of the value at a place; [`TF_KIND_NONE`] when the place is out of range.
    pub fn tf_dict_kind_at(dict: *const tf_dict, index: usize) -> tf_kind;

    /// The place of a key.
    ///
    /// Returns NOT_FOUND.
    #[must_use]
    pub fn tf_dict_find(index: *mut usize, dict: *const tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Removes a value; those behind it move up one place; takes time in proportion to the dict.
    ///
    /// Returns NOT_FOUND.
    #[must_use]
    pub fn tf_dict_remove(dict: *mut tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// The array of a key, as a new reference.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_get(out: *mut *mut tf_array, dict: *const tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Keeps a reference to array under a key.
    #[must_use]
    pub fn tf_dict_set(dict: *mut tf_dict, key: *const c_char, length: usize, array: *mut tf_array) -> tf_status;

    /// The string of a key; borrowed; may hold NUL bytes.
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

    /// Keeps a copy of text under a key.
    #[must_use]
    pub fn tf_dict_set_string(
        dict: *mut tf_dict,
        key: *const c_char,
        length: usize,
        text: *const c_char,
        text_length: usize,
    ) -> tf_status;

    /// How many strings the list of a key has.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_string_list_size(
        count: *mut usize,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
    ) -> tf_status;

    /// One string of a list; borrowed.
    ///
    /// Returns NOT_FOUND, TYPE; INVALID_ARGUMENT: index beyond the list.
    #[must_use]
    pub fn tf_dict_string_list_at(
        text: *mut *const c_char,
        text_length: *mut usize,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
        index: usize,
    ) -> tf_status;

    /// Puts an empty list of strings under a key; [`tf_dict_string_list_append`] fills it.
    #[must_use]
    pub fn tf_dict_set_string_list(dict: *mut tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Adds a copy of text to the list of a key.
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

    /// The dict of a key, as a new reference.
    ///
    /// Returns NOT_FOUND, TYPE.
    #[must_use]
    pub fn tf_dict_get_dict(
        out: *mut *mut tf_dict,
        dict: *const tf_dict,
        key: *const c_char,
        length: usize,
    ) -> tf_status;

    /// Keeps a reference to a dict under a key.
    ///
    /// Returns INVALID_ARGUMENT: value is, or holds, dict itself.
    #[must_use]
    pub fn tf_dict_set_dict(dict: *mut tf_dict, key: *const c_char, length: usize, value: *mut tf_dict) -> tf_status;

    /// The value of a 0-d array of bool or an integer dtype.
    ///
    /// Returns NOT_FOUND; TYPE: anything else.
    #[must_use]
    pub fn tf_dict_get_int64(value: *mut i64, dict: *const tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Sets a 0-d int64 array.
    #[must_use]
    pub fn tf_dict_set_int64(dict: *mut tf_dict, key: *const c_char, length: usize, value: i64) -> tf_status;

    /// The value of a 0-d array of any real dtype.
    ///
    /// Returns NOT_FOUND; TYPE: anything else.
    #[must_use]
    pub fn tf_dict_get_double(value: *mut f64, dict: *const tf_dict, key: *const c_char, length: usize) -> tf_status;

    /// Sets a 0-d float64 array.
    #[must_use]
    pub fn tf_dict_set_double(dict: *mut tf_dict, key: *const c_char, length: usize, value: f64) -> tf_status;

    /// A flat dict of the same values, names joined with '.': {"layers": {"0": {"w": x}}} gives {"layers.0.w": x}, as MLX's
    /// tree_flatten. Empty dicts vanish.
    ///
    /// Returns DUPLICATE: two paths join to one name; LIMIT: nested deeper than 64.
    #[must_use]
    pub fn tf_dict_flatten(flat: *mut *mut tf_dict, tree: *const tf_dict) -> tf_status;

    /// The other way round.
    ///
    /// Returns DUPLICATE: a name is also the prefix of another; LIMIT: nested deeper than 64.
    #[must_use]
    pub fn tf_dict_unflatten(tree: *mut *mut tf_dict, flat: *const tf_dict) -> tf_status;

    /// Compares the names and shapes of the arrays in two trees (or flat dicts).
    ///
    /// * `report`: a dict of three lists of flat names, each sorted: "missing" (in expected only), "unexpected" (in actual
    ///   only), "shape" (in both, of another shape); dtypes are not compared, as in MLX's load_weights
    #[must_use]
    pub fn tf_dict_compare(report: *mut *mut tf_dict, expected: *const tf_dict, actual: *const tf_dict) -> tf_status;

    /// A source of bytes made of callbacks.
    ///
    /// * `size`: bytes that can be read
    /// * `concurrent`: not 0: read_at and map may be called by several threads at once
    /// * `read_at`: reads
    /// * `map`: may be NULL: nothing can be mapped
    /// * `release`: may be NULL; called once with user when the source is freed, and also when this call fails
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

    /// A source over a file, which stays open until the source is released.
    ///
    /// Returns NOT_FOUND: no such file; IO: a folder, a FIFO or a device, no permission, or the system's error.
    #[must_use]
    pub fn tf_source_from_path(out: *mut *mut tf_source, path: *const c_char) -> tf_status;

    /// A source over the caller's memory, not copied; release (may be NULL) as in [`tf_source_new`].
    #[must_use]
    pub fn tf_source_from_memory(
        out: *mut *mut tf_source,
        data: *const c_void,
        nbytes: usize,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    /// A source over a part of a file that is open: an asset in an archive, say. It can be mapped, and keeps a descriptor of
    /// its own, so that the caller's may be closed at once; the caller's position in the file is neither used nor moved.
    ///
    /// * `fd`: of a regular file, open for reading (Windows: of the C run-time library that this one is linked with)
    /// * `offset`: where the part begins
    /// * `size`: of the part in bytes; UINT64_MAX: up to the end of the file
    ///
    /// Returns INVALID_ARGUMENT: the part is not in the file; IO: fd is not an open regular file, or the system's error.
    #[must_use]
    pub fn tf_source_from_fd(out: *mut *mut tf_source, fd: i32, offset: u64, size: u64) -> tf_status;

    /// A source over a part of another, which is retained. It is concurrent, and can be mapped, where the whole is and can.
    /// Its errors name no file and count bytes from the start of the part.
    ///
    /// * `offset`: where the part begins
    /// * `size`: of the part in bytes; UINT64_MAX: up to the end
    ///
    /// Returns INVALID_ARGUMENT: the part is not in the whole.
    #[must_use]
    pub fn tf_source_from_part(out: *mut *mut tf_source, whole: *mut tf_source, offset: u64, size: u64) -> tf_status;

    pub fn tf_source_retain(source: *mut tf_source) -> *mut tf_source;

    pub fn tf_source_release(source: *mut tf_source);

    /// A sink made of a callback, which is handed what is smaller than 64 KiB together with what follows: at the latest at the
    /// end of the call that writes.
    ///
    /// * `release`: may be NULL; as in [`tf_source_new`]
    #[must_use]
    pub fn tf_sink_new(
        out: *mut *mut tf_sink,
        write: tf_write_fn,
        release: tf_release_fn,
        user: *mut c_void,
    ) -> tf_status;

    pub fn tf_sink_retain(sink: *mut tf_sink) -> *mut tf_sink;

    pub fn tf_sink_release(sink: *mut tf_sink);

    /// The bytes; borrowed from the buffer; never NULL for a buffer.
    pub fn tf_buffer_data(buffer: *const tf_buffer) -> *const c_void;

    /// How many bytes.
    pub fn tf_buffer_size(buffer: *const tf_buffer) -> usize;

    pub fn tf_buffer_retain(buffer: *mut tf_buffer) -> *mut tf_buffer;

    pub fn tf_buffer_release(buffer: *mut tf_buffer);

    /// Loads a whole file.
    ///
    /// The format is [`TF_OPTION_FORMAT`], else what the extension names, else what the content shows. An array that the
    /// library does not know the dtype of makes the call UNSUPPORTED (with [`TF_OPTION_LENIENT`] it is left out). Arrays are
    /// C-contiguous memory of their own, aligned to 64 bytes; in map mode aligned to their item, and an array stored in
    /// Fortran order has the strides for that.
    ///
    /// * `array`: receives the array of a .npy, NULL for another format; may be NULL: then a .npy lands in *arrays
    ///   under the name ""
    /// * `arrays`: receives the arrays by name, in file order; an empty dict for a .npy that went to *array; may be NULL
    /// * `metadata`: receives the metadata; an empty dict where the format has none; may be NULL. safetensors: strings.
    ///   gguf: 0-d and 1-d arrays, strings, lists of strings, and dicts named 0, 1, ... for nested arrays
    /// * `path`: a regular file, or the index of sharded safetensors (NAME.safetensors.index.json), whose set is
    ///   loaded as one: the metadata of all shards, the arrays that the index lists; a part that is missing is
    ///   NOT_FOUND, and the message names it
    #[must_use]
    pub fn tf_load(
        array: *mut *mut tf_array,
        arrays: *mut *mut tf_dict,
        metadata: *mut *mut tf_dict,
        path: *const c_char,
        options: *const tf_options,
    ) -> tf_status;

    /// The same from nbytes of memory, which may be freed afterwards.
    ///
    /// * `format`: [`TF_FORMAT_AUTO`]: by content
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

    /// The same from a source. In map mode arrays keep a reference to it.
    #[must_use]
    pub fn tf_load_source(
        array: *mut *mut tf_array,
        arrays: *mut *mut tf_dict,
        metadata: *mut *mut tf_dict,
        source: *mut tf_source,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Loads a .npz, .safetensors or .gguf as a tree: names split at '.'.
    ///
    /// * `tree`: receives the tree, the nested dicts of [`tf_dict_unflatten`]
    /// * `expected`: a tree or flat dict of arrays with the names and shapes that are wanted, or NULL: whatever is there.
    ///   With [`TF_OPTION_STRICT`] 0 what is missing keeps expected's array, and what is unknown is left out
    ///
    /// Returns as [`tf_load`], LIMIT also for [`TF_OPTION_MAX_NESTING`]; MISMATCH: the message lists what is missing,
    ///   unexpected, of another shape.
    #[must_use]
    pub fn tf_load_weights(
        tree: *mut *mut tf_dict,
        path: *const c_char,
        expected: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Opens a file, reads and validates its header, and reads no array yet. Reading obeys the options given here.
    /// An array of an unknown dtype is listed with [`TF_DTYPE_UNSUPPORTED`]; reading it, and only it, is UNSUPPORTED.
    #[must_use]
    pub fn tf_file_open(out: *mut *mut tf_file, path: *const c_char, options: *const tf_options) -> tf_status;

    /// The same for nbytes of memory, which are copied.
    #[must_use]
    pub fn tf_file_open_memory(
        out: *mut *mut tf_file,
        data: *const c_void,
        nbytes: usize,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// The same for a source, which is retained.
    #[must_use]
    pub fn tf_file_open_source(
        out: *mut *mut tf_file,
        source: *mut tf_source,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    pub fn tf_file_retain(file: *mut tf_file) -> *mut tf_file;

    pub fn tf_file_release(file: *mut tf_file);

    /// The format found.
    pub fn tf_file_format(file: *const tf_file) -> tf_format;

    /// Number of arrays.
    pub fn tf_file_size(file: *const tf_file) -> usize;

    /// The name of an array, 0 to size - 1, in file order; "" for that of a .npy; borrowed from the file.
    #[must_use]
    pub fn tf_file_name(name: *mut *const c_char, length: *mut usize, file: *const tf_file, index: usize) -> tf_status;

    /// The place of a name.
    ///
    /// Returns NOT_FOUND.
    #[must_use]
    pub fn tf_file_find(index: *mut usize, file: *const tf_file, name: *const c_char, length: usize) -> tf_status;

    /// The dtype of an array.
    pub fn tf_file_dtype(file: *const tf_file, index: usize) -> tf_dtype;

    /// The number of its dimensions.
    pub fn tf_file_ndim(file: *const tf_file, index: usize) -> usize;

    /// Its shape, ndim sizes; borrowed from the file.
    pub fn tf_file_shape(file: *const tf_file, index: usize) -> *const i64;

    /// The bytes that it takes in memory, C-contiguous; those that it takes in the file when its dtype is not known.
    pub fn tf_file_nbytes(file: *const tf_file, index: usize) -> u64;

    /// Where the bytes of an array lie, for readers with I/O of their own. They are as stored: perhaps big-endian or in
    /// Fortran order.
    ///
    /// * `path`: the file's path, borrowed from file; "" when it was not opened by path; may be NULL
    /// * `offset`: of its first byte in the file (deflated: of the member's first compressed byte); may be NULL
    /// * `stored_bytes`: how many there are in the file; may be NULL
    /// * `deflated`: 1: they are a raw deflate stream of a whole .npy; may be NULL
    #[must_use]
    pub fn tf_file_location(
        path: *mut *const c_char,
        offset: *mut u64,
        stored_bytes: *mut u64,
        deflated: *mut i32,
        file: *const tf_file,
        index: usize,
    ) -> tf_status;

    /// The metadata, as [`tf_load`] gives it; the same dict at each call, to be read only.
    #[must_use]
    pub fn tf_file_metadata(out: *mut *mut tf_dict, file: *const tf_file) -> tf_status;

    /// Reads one array, or maps it.
    ///
    /// Returns UNSUPPORTED: its dtype is not known; CORRUPT; TRUNCATED; IO.
    #[must_use]
    pub fn tf_file_read(out: *mut *mut tf_array, file: *const tf_file, index: usize) -> tf_status;

    /// Reads one array in C order into the caller's memory.
    ///
    /// * `dtype`: to cast to on the way, as [`tf_array_cast`] does; [`TF_DTYPE_UNSUPPORTED`]: the array's own
    /// * `dst`: any alignment; after a failure its content is undefined
    /// * `nbytes`: of dst; must be exactly what the array takes in that dtype
    #[must_use]
    pub fn tf_file_read_into(
        file: *const tf_file,
        index: usize,
        dtype: tf_dtype,
        dst: *mut c_void,
        nbytes: usize,
    ) -> tf_status;

    /// Reads several arrays in C order into the caller's memory: those that lie close together in the file by one read, large
    /// ones in pieces, side by side on as many threads as [`TF_OPTION_THREADS`] allows. It is the fastest way to fill memory
    /// that is there already, such as that of a GPU. All arguments are checked before anything is read.
    ///
    /// * `indices`: count places of arrays, in any order; one may stand there several times
    /// * `count`: may be 0: nothing is done
    /// * `dtype`: to cast all of them to on the way, as [`tf_array_cast`] does, piece by piece, so that no array is held
    ///   twice (but those that are deflated or in Fortran order); [`TF_DTYPE_UNSUPPORTED`]: each array's own
    /// * `dst`: where each array goes: any alignment, not overlapping; may be NULL for an array of no bytes. After a
    ///   failure the content of all is undefined
    /// * `nbytes`: of each dst; must be exactly what the array takes in that dtype
    ///
    /// Returns as [`tf_file_read_into`], about the first array that is to blame; TYPE, UNSUPPORTED: an array cannot be cast.
    #[must_use]
    pub fn tf_file_read_many(
        file: *const tf_file,
        indices: *const usize,
        count: usize,
        dtype: tf_dtype,
        dst: *const *mut c_void,
        nbytes: *const usize,
    ) -> tf_status;

    /// Reads a slice, as [`tf_array_slice`] has it; only what it touches is read. The result is C-contiguous. Of a deflated
    /// member that has no chunks (only those that this library wrote have them) all that lies before the slice is inflated,
    /// but for what a slice read before it had: one behind the other they cost as much as the whole. When slices that followed
    /// one another have had all of a member of an .npz, its CRC-32 is compared: CORRUPT.
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

    /// Reads a slice into the caller's memory, as [`tf_file_read_into`] does.
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

    /// Saves one array as .npy, byte for byte as np.save writes it.
    #[must_use]
    pub fn tf_save(path: *const c_char, array: *const tf_array, options: *const tf_options) -> tf_status;

    /// Saves arrays as an .npz of stored members.
    ///
    /// * `args`: nargs arrays, named arr_0, arr_1, ...; they come after the named ones, as in np.savez; NULL when 0
    /// * `kwargs`: arrays by name; may be NULL
    ///
    /// Returns DUPLICATE: kwargs has a name arr_i of args; TYPE: a value in kwargs is not an array.
    #[must_use]
    pub fn tf_savez(
        path: *const c_char,
        args: *const *const tf_array,
        nargs: usize,
        kwargs: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// The same with deflated members. Each is deflated in chunks side by side, of 1 MiB or more by the array's size, which
    /// together are one stream that every reader of zip archives knows; a private extra field in the directory tells our reader
    /// where they begin. The bytes depend on the level and on what deflates ([`TF_OPTION_DEFLATE`]), never on threads.
    #[must_use]
    pub fn tf_savez_compressed(
        path: *const c_char,
        args: *const *const tf_array,
        nargs: usize,
        kwargs: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves arrays as .safetensors.
    ///
    /// * `metadata`: strings; may be NULL: the file then has none
    ///
    /// Returns TYPE: a value that is not an array, metadata that is not a string.
    #[must_use]
    pub fn tf_save_safetensors(
        path: *const c_char,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves arrays as .gguf, version 3. The format holds int8 to int64, float16, bfloat16, float32, float64 and the block
    /// types, in at most 4 dimensions, under names of 1 to 63 bytes.
    ///
    /// * `metadata`: 0-d and 1-d arrays (bool, integers, float32, float64), strings, lists of strings, dicts named 0, 1, ...
    ///   for nested arrays; may be NULL. No key is added unasked: general.architecture is the caller's to give
    ///
    /// Returns TYPE: a value that is not an array in arrays.
    #[must_use]
    pub fn tf_save_gguf(
        path: *const c_char,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// Saves a tree of arrays, flattened as by [`tf_dict_flatten`], in the format that the path's extension names: .npz,
    /// .safetensors or .gguf; without an extension that of [`TF_OPTION_FORMAT`], whose own is added.
    ///
    /// Returns FORMAT: neither names one of these three; TYPE: a leaf is not an array; DUPLICATE: two paths join to one name;
    ///   LIMIT: [`TF_OPTION_MAX_NESTING`].
    #[must_use]
    pub fn tf_save_weights(path: *const c_char, tree: *const tf_dict, options: *const tf_options) -> tf_status;

    /// Saves into memory.
    ///
    /// * `array`: the array of a .npy; for the other formats NULL
    /// * `arrays`: arrays by name; for a .npy NULL
    /// * `metadata`: safetensors and gguf; may be NULL
    ///
    /// Returns as the function for that format; INVALID_ARGUMENT: format AUTO, array and arrays not as above, or metadata
    ///   for npy or npz.
    #[must_use]
    pub fn tf_save_memory(
        out: *mut *mut tf_buffer,
        format: tf_format,
        array: *const tf_array,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// The same into a sink, from first byte to last; whatever was written before a failure stays written.
    #[must_use]
    pub fn tf_save_sink(
        sink: *mut tf_sink,
        format: tf_format,
        array: *const tf_array,
        arrays: *const tf_dict,
        metadata: *const tf_dict,
        options: *const tf_options,
    ) -> tf_status;

    /// A writer to a path; the path is not looked at, and nothing is written, before the first [`tf_writer_write`] or
    /// [`tf_writer_finish`].
    ///
    /// * `path`: the format's extension is added when it lacks it, unless [`TF_OPTION_EXACT_PATH`] says otherwise
    /// * `format`: AUTO: that of [`TF_OPTION_FORMAT`], else that which the path's extension names
    ///
    /// Returns INVALID_ARGUMENT: no format is named.
    #[must_use]
    pub fn tf_writer_open(
        out: *mut *mut tf_writer,
        path: *const c_char,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// A writer into a sink, of which it keeps a reference; format AUTO: that of [`TF_OPTION_FORMAT`].
    #[must_use]
    pub fn tf_writer_open_sink(
        out: *mut *mut tf_writer,
        sink: *mut tf_sink,
        format: tf_format,
        options: *const tf_options,
    ) -> tf_status;

    /// Declares the next array. A .npy has one, whose name is not kept.
    ///
    /// * `name`: UTF-8, copied
    /// * `length`: bytes in name; SIZE_MAX: it is NUL-terminated
    ///
    /// Returns DUPLICATE: an array of that name is declared; INVALID_ARGUMENT: the dtype or shape is none (see
    ///   [`tf_array_new`]), a second array in a .npy, or data have been written. Whether the format can hold it is told
    ///   by the first [`tf_writer_write`] or [`tf_writer_finish`], of all arrays at once.
    #[must_use]
    pub fn tf_writer_declare(
        writer: *mut tf_writer,
        name: *const c_char,
        length: usize,
        dtype: tf_dtype,
        shape: *const i64,
        ndim: usize,
    ) -> tf_status;

    /// Sets the metadata of a .safetensors or .gguf, in place of any set before.
    ///
    /// * `metadata`: as in [`tf_save_safetensors`] and [`tf_save_gguf`]; kept by reference, and read when the first byte is
    ///   written; NULL: none
    #[must_use]
    pub fn tf_writer_set_metadata(writer: *mut tf_writer, metadata: *const tf_dict) -> tf_status;

    /// Writes the next bytes: those of the arrays in the order in which they are declared, each C-contiguous in the byte order
    /// of this machine. A piece may end anywhere, and may reach from one array into the next.
    ///
    /// Returns UNSUPPORTED, LIMIT, TYPE: at first, as in saving: the format cannot hold what was declared, and nothing was
    ///   written; INVALID_ARGUMENT: nbytes are more than the arrays still lack, and none of them was written.
    #[must_use]
    pub fn tf_writer_write(writer: *mut tf_writer, src: *const c_void, nbytes: usize) -> tf_status;

    /// Writes what comes last, and puts the file in its place. Then the writer can only be released.
    ///
    /// Returns INVALID_ARGUMENT: an array, which [`tf_error_name`] names, lacks bytes (they may still be written).
    #[must_use]
    pub fn tf_writer_finish(writer: *mut tf_writer) -> tf_status;

    pub fn tf_writer_retain(writer: *mut tf_writer) -> *mut tf_writer;

    pub fn tf_writer_release(writer: *mut tf_writer);
}
