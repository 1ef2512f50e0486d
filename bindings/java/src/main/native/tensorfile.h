/**
 * @file tensorfile.h
 * Save and load named n-dimensional arrays: .npy, .npz, .safetensors and .gguf.
 *
 * This header is the whole ABI and its reference manual. What holds for every function stands here once:
 *
 * Handles. Every type below is opaque and reference-counted with atomics. `tf_X_retain` adds a reference and gives its
 * argument back; `tf_X_release` drops one, and the last one frees the object; both accept NULL and may be called from
 * any thread at any time. A function that makes something takes `T **out` first, sets it to NULL on entry, and on
 * success the caller owns one reference. A returned pointer is borrowed: its comment says until when it lives.
 *
 * Errors. A function returns a ::tf_status; 0 is success. On failure nothing is made and nothing changes, and the
 * calling thread's error record is set: tf_error_message(), tf_error_offset(), tf_error_name(). Plain getters give 0 or
 * NULL for a NULL handle or a bad index, and set the record. Any function with a ::tf_status may return
 * ::TF_STATUS_INVALID_ARGUMENT (a NULL handle or output, a number outside its range) and ::TF_STATUS_OUT_OF_MEMORY; the
 * other statuses are named at each function. The library never prints, aborts or exits, keeps no global setting,
 * needs no initialisation, and reads neither environment nor locale.
 *
 * Text. Strings are UTF-8, a pointer and a length in bytes; length SIZE_MAX means "up to the NUL". Text that comes out
 * is also NUL-terminated, and the output for its length may be NULL. Paths are NUL-terminated: bytes on POSIX, UTF-8 on
 * Windows. A name in a file is never a path.
 *
 * Threads. Functions that take a const handle may run at once on one handle; the others need that nobody else uses the
 * handle meanwhile. Callbacks run on the calling thread unless their owner was declared concurrent. An allocator must
 * bear calls from any thread, unless ::TF_OPTION_THREADS is 1 and its arrays stay on one thread.
 *
 * Settings. A `const tf_options *` may be NULL: every option then has its default. It is read during the call and
 * need not outlive it.
 *
 * Shapes are in elements, outermost dimension first; strides and sizes named `nbytes` are in bytes. All sizes are
 * below 2^63.
 */
#ifndef TENSORFILE_H
#define TENSORFILE_H

#include <stddef.h>
#include <stdint.h>

#define TENSORFILE_VERSION_MAJOR 0
#define TENSORFILE_VERSION_MINOR 1
#define TENSORFILE_VERSION_PATCH 0
#define TENSORFILE_VERSION_STRING "0.1.0"

#if defined(TENSORFILE_API)
/* the build or the embedding program has said how functions are exported */
#elif defined(_WIN32) && defined(TENSORFILE_BUILD_SHARED)
#define TENSORFILE_API __declspec(dllexport)
#elif defined(_WIN32) && defined(TENSORFILE_SHARED)
#define TENSORFILE_API __declspec(dllimport)
#elif defined(__GNUC__) && !defined(SWIG)
#define TENSORFILE_API __attribute__((visibility("default")))
#else
#define TENSORFILE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** An n-dimensional array: dtype, shape, strides, and a buffer that it may share with views. */
typedef struct tf_array tf_array;
/** Values by UTF-8 name, in insertion or file order. */
typedef struct tf_dict tf_dict;
/** A file opened and validated whose arrays are not read yet. */
typedef struct tf_file tf_file;
/** Settings of a call. */
typedef struct tf_options tf_options;
/** Where bytes are read from: positional reads, perhaps mapping. */
typedef struct tf_source tf_source;
/** Where bytes are written to, one after another. */
typedef struct tf_sink tf_sink;
/** Writes a file array by array, in pieces. */
typedef struct tf_writer tf_writer;
/** Bytes in memory that the library made. */
typedef struct tf_buffer tf_buffer;

/* Of DLPack's dlpack.h, which need not be there: see tf_array_to_dlpack(). */
struct DLManagedTensor;
struct DLManagedTensorVersioned;

/** What became of a call. Values are frozen; new ones are appended. */
typedef int32_t tf_status;
enum {
  /** Done. */
  TF_STATUS_OK = 0,
  /** The caller's mistake: a NULL handle, an index or number out of range, a wrong shape. Nothing was done. */
  TF_STATUS_INVALID_ARGUMENT = 1,
  /** An allocation failed. Handles are as before; the same call may succeed later. */
  TF_STATUS_OUT_OF_MEMORY = 2,
  /** The system could not open, read, write or replace a file; the message carries its reason. */
  TF_STATUS_IO = 3,
  /** No such file, name or key. */
  TF_STATUS_NOT_FOUND = 4,
  /** A name stands twice: in a file, or among the names given. */
  TF_STATUS_DUPLICATE = 5,
  /** The bytes are not of the format asked for, or of none that is known. */
  TF_STATUS_FORMAT = 6,
  /** The file breaks a rule of its format. No reader should trust it. */
  TF_STATUS_CORRUPT = 7,
  /** The file ends too early; more bytes at its end could make it valid. */
  TF_STATUS_TRUNCATED = 8,
  /** Valid, but not handled here: a dtype, version or method; an unknown option; what a target format cannot hold. */
  TF_STATUS_UNSUPPORTED = 9,
  /** A limit of the options was hit; a larger limit would change the verdict. */
  TF_STATUS_LIMIT = 10,
  /** A value is of another kind or dtype than the call needs. */
  TF_STATUS_TYPE = 11,
  /** What was loaded is not what was expected. */
  TF_STATUS_MISMATCH = 12,
  /** A progress callback asked to stop. */
  TF_STATUS_CANCELLED = 13,
  /** The library contradicts itself; please report it. */
  TF_STATUS_INTERNAL = 14
};

/** The type of an array's elements. Values are frozen; new ones are appended; a ggml block type is 64 + ggml's id. */
typedef int32_t tf_dtype;
enum {
  /** A type that this library does not know: listed, never read. */
  TF_DTYPE_UNSUPPORTED = 0,
  TF_DTYPE_BOOL = 1, /**< one byte, 0 or 1 */
  TF_DTYPE_INT8 = 2,
  TF_DTYPE_INT16 = 3,
  TF_DTYPE_INT32 = 4,
  TF_DTYPE_INT64 = 5,
  TF_DTYPE_UINT8 = 6,
  TF_DTYPE_UINT16 = 7,
  TF_DTYPE_UINT32 = 8,
  TF_DTYPE_UINT64 = 9,
  TF_DTYPE_FLOAT16 = 10, /**< IEEE binary16 */
  TF_DTYPE_BFLOAT16 = 11,
  TF_DTYPE_FLOAT32 = 12,
  TF_DTYPE_FLOAT64 = 13,
  TF_DTYPE_COMPLEX64 = 14,       /**< two float32: real, imaginary */
  TF_DTYPE_COMPLEX128 = 15,      /**< two float64 */
  TF_DTYPE_FLOAT8_E4M3FN = 16,   /**< safetensors F8_E4M3 */
  TF_DTYPE_FLOAT8_E5M2 = 17,     /**< safetensors F8_E5M2 */
  TF_DTYPE_FLOAT8_E4M3FNUZ = 18, /**< safetensors F8_E4M3FNUZ */
  TF_DTYPE_FLOAT8_E5M2FNUZ = 19, /**< safetensors F8_E5M2FNUZ */
  TF_DTYPE_FLOAT8_E8M0FNU = 20,  /**< safetensors F8_E8M0: an exponent, no sign */
  TF_DTYPE_FLOAT6_E2M3FN = 21,   /**< safetensors F6_E2M3: 4 elements in 3 bytes */
  TF_DTYPE_FLOAT6_E3M2FN = 22,   /**< safetensors F6_E3M2: 4 elements in 3 bytes */
  TF_DTYPE_FLOAT4_E2M1FN = 23,   /**< safetensors F4: 2 elements in a byte, the first in the low half */
  TF_DTYPE_Q4_0 = 66,            /**< from here on ggml's block types; data are whole blocks */
  TF_DTYPE_Q4_1 = 67,
  TF_DTYPE_Q5_0 = 70,
  TF_DTYPE_Q5_1 = 71,
  TF_DTYPE_Q8_0 = 72,
  TF_DTYPE_Q8_1 = 73,
  TF_DTYPE_Q2_K = 74,
  TF_DTYPE_Q3_K = 75,
  TF_DTYPE_Q4_K = 76,
  TF_DTYPE_Q5_K = 77,
  TF_DTYPE_Q6_K = 78,
  TF_DTYPE_Q8_K = 79,
  TF_DTYPE_IQ2_XXS = 80,
  TF_DTYPE_IQ2_XS = 81,
  TF_DTYPE_IQ3_XXS = 82,
  TF_DTYPE_IQ1_S = 83,
  TF_DTYPE_IQ4_NL = 84,
  TF_DTYPE_IQ3_S = 85,
  TF_DTYPE_IQ2_S = 86,
  TF_DTYPE_IQ4_XS = 87,
  TF_DTYPE_IQ1_M = 93,
  TF_DTYPE_TQ1_0 = 98,
  TF_DTYPE_TQ2_0 = 99,
  TF_DTYPE_MXFP4 = 103,
  TF_DTYPE_NVFP4 = 104,
  TF_DTYPE_Q1_0 = 105,
  TF_DTYPE_Q2_0 = 106
};

/** A file format. */
typedef int32_t tf_format;
enum {
  TF_FORMAT_AUTO = 0, /**< find out: by extension, then by content */
  TF_FORMAT_NPY = 1,
  TF_FORMAT_NPZ = 2,
  TF_FORMAT_SAFETENSORS = 3,
  TF_FORMAT_GGUF = 4
};

/** The kind of a value in a ::tf_dict. */
typedef int32_t tf_kind;
enum {
  TF_KIND_NONE = 0, /**< no such value */
  TF_KIND_ARRAY = 1,
  TF_KIND_STRING = 2, /**< bytes; UTF-8 wherever a writer kept to its format */
  TF_KIND_STRING_LIST = 3,
  TF_KIND_DICT = 4
};

/** A setting; each takes an int64, its range and default are told here. Numbers are frozen; new ones are appended. */
typedef int32_t tf_option;
enum {
  /** Threads that one call may use, itself included: 0 (default) as many as the machine has cores, or as the executor
      is wide; up to 1024. 1: the call makes no thread and uses no executor. */
  TF_OPTION_THREADS = 1,
  /** Format to load, or to save by tf_save_weights: a ::tf_format, or its name by tf_options_set_string. Default AUTO. */
  TF_OPTION_FORMAT = 2,
  /** 1: save to the very path given; 0 (default): the format's extension is added when the path lacks it. */
  TF_OPTION_EXACT_PATH = 3,
  /** ::TF_LOAD_MODE_OWN (default) or ::TF_LOAD_MODE_MAP; by name "own" or "map". */
  TF_OPTION_LOAD_MODE = 4,
  /** 1: accept trailing bytes, bytes before a zip archive, and leave out arrays of unknown types in tf_load. Default 0. */
  TF_OPTION_LENIENT = 5,
  /** 1 (default): tf_load_weights refuses weights that are missing, unexpected or of another shape. */
  TF_OPTION_STRICT = 6,
  /** 1: a .gguf that is one part of several (NAME-00001-of-00003.gguf) is opened as the whole set. Default 0. The index
      of sharded safetensors (NAME.safetensors.index.json) always opens its set. */
  TF_OPTION_PARTS = 7,
  /** Most bytes of array data in one file of a .safetensors or .gguf saved by path, from 1; 0 (default): one file. More
      are saved as NAME-00001-of-00003 and so on, safetensors with their index; each array stays whole. */
  TF_OPTION_PART_BYTES = 8,
  /** Bytes of memory that the objects made by one call (or read through one tf_file) may hold at once, from 1; 0
      (default): no limit. */
  TF_OPTION_MAX_BYTES = 9,
  /** Longest header in bytes: 0 (default) means 100,000,000, and 1 MiB for an npy header. */
  TF_OPTION_MAX_HEADER_BYTES = 10,
  /** Most arrays in a file, from 1; default 1,000,000. */
  TF_OPTION_MAX_ARRAYS = 11,
  /** Most metadata values in a file, from 1; default 1,000,000. Elements of a list are not values of their own. */
  TF_OPTION_MAX_METADATA = 12,
  /** Longest name or key in bytes, from 1; default 65,536. */
  TF_OPTION_MAX_NAME_BYTES = 13,
  /** Most dimensions of an array, 1 to 64; default 64. */
  TF_OPTION_MAX_RANK = 14,
  /** Deepest nesting of metadata (gguf arrays: 8 at most), and most parts, between dots, of a name that
      tf_load_weights and tf_save_weights make a tree of; 1 to 64; default 64. */
  TF_OPTION_MAX_NESTING = 15,
  /** 1: fsync file and folder before a save returns. Default 0. */
  TF_OPTION_DURABLE = 16,
  /** 1 (default): write a temporary file beside the target, then rename it over; 0: write the target in place. */
  TF_OPTION_ATOMIC = 17,
  /** Alignment of array data on save, a power of two of 1 to 1,048,576; 0 (default): 64, gguf 32 or the metadata's
      general.alignment. npy keeps its format's 64 (as np.save); npz: at most 32,768; gguf: the key general.alignment is
      written for it. */
  TF_OPTION_ALIGNMENT = 18,
  /** 1: deflate the members of an .npz that tf_save_weights, tf_save_memory, tf_save_sink or a tf_writer writes. Default
      0. */
  TF_OPTION_COMPRESS = 19,
  /** Level of deflate, 0 (none) to 9 (smallest); -1 (default): the one that suits. Where ISA-L is built in, it does the
      levels 1 to 3, and -1 is what it does best for each array (1, or 3 where that saves 5 % of a sample); zlib does the
      others, and then -1 is 6. */
  TF_OPTION_COMPRESSION_LEVEL = 20,
  /** ::TF_DEFLATE_AUTO (default) or ::TF_DEFLATE_ZLIB; by name "auto" or "zlib". */
  TF_OPTION_DEFLATE = 21,
  /** What loading makes of ggml's block types: ::TF_DECODE_KEEP (default); ::TF_DTYPE_FLOAT16, _BFLOAT16, _FLOAT32 or
      _FLOAT64: decoded to that dtype; ::TF_DECODE_MLX. By name "keep", "mlx", or that of the dtype. What tf_file says of
      an array is what is stored; tf_file_read_into() has a dtype of its own. */
  TF_OPTION_DECODE = 22
};

/** Values of ::TF_OPTION_DEFLATE. */
enum {
  /** ISA-L where it is built in, else zlib: many times faster, and no larger on the weights of models. */
  TF_DEFLATE_AUTO = 0,
  /** zlib, also where ISA-L is built in. */
  TF_DEFLATE_ZLIB = 1
};

/** Values of ::TF_OPTION_DECODE. */
enum {
  /** Blocks stay blocks. */
  TF_DECODE_KEEP = 0,
  /** tf_load: q4_0, q4_1 and q8_0 become what MLX's load makes of them: NAME (uint32, codes of 4 or 8 bits, lowest first),
      STEM.scales and STEM.biases (float16, one for 32 codes), where STEM is NAME without ".weight" at its end, or else
      the whole NAME; value = code * scale + bias. Other block types become float16. tf_file_read() keeps blocks. */
  TF_DECODE_MLX = -1
};

/** Values of ::TF_OPTION_LOAD_MODE. */
enum {
  /** Arrays get memory of their own: nothing that happens to the file afterwards touches them. */
  TF_LOAD_MODE_OWN = 0,
  /** Arrays are private, writable mappings of the file, read when first touched. If another program shortens the file
      in place, touching the lost part ends the process with SIGBUS. What cannot be mapped is copied: compressed
      members, data not aligned to its items, another byte order, bools that are not 0 or 1. The CRC-32 of a member of
      an .npz is checked where its bytes are copied, not where they are mapped: that would read them. */
  TF_LOAD_MODE_MAP = 1
};

/** In the start, stop or step of a slice: left out, as in Python's `a[::2]`. */
#define TENSORFILE_SLICE_OMITTED INT64_MIN

/** Called once when the library has done with what `user` stands for, also when the call that took it failed. */
typedef void (*tf_release_fn)(void *user);
/** Reads exactly nbytes from offset into dst, or returns a status other than 0, which the call then returns. */
typedef tf_status (*tf_read_at_fn)(void *user, uint64_t offset, void *dst, size_t nbytes);
/** Gives a pointer to nbytes from offset that stays valid until the source is released. */
typedef tf_status (*tf_map_fn)(void *user, uint64_t offset, uint64_t nbytes, const void **out);
/** Takes all nbytes, or returns a status other than 0, which the call then returns. */
typedef tf_status (*tf_write_fn)(void *user, const void *src, size_t nbytes);
/** Told of bytes done of a total, on the calling thread; a status other than 0 (say CANCELLED) ends the call with it. */
typedef tf_status (*tf_progress_fn)(void *user, uint64_t done, uint64_t total);
/** Gives size bytes at an address that is a multiple of alignment (a power of two), or NULL. */
typedef void *(*tf_alloc_fn)(void *user, size_t size, size_t alignment);
/** Takes back what a ::tf_alloc_fn gave, with the same size and alignment. */
typedef void (*tf_free_fn)(void *user, void *ptr, size_t size, size_t alignment);
/** A piece of a call's work, made by the library; may run on any thread. */
typedef void (*tf_job_fn)(void *jobs, size_t index);
/**
 * Calls run(jobs, index) once for each index below count, on any threads, in any order or at once, and returns when all
 * of these calls have returned. After a status other than 0, which the call then returns, none may follow either.
 */
typedef tf_status (*tf_executor_fn)(void *user, tf_job_fn run, void *jobs, size_t count);

/* Library and errors */

/** The version of the library that runs: major * 10000 + minor * 100 + patch. */
TENSORFILE_API uint32_t tf_version_number(void);
/** The same as text, "0.1.0"; static. */
TENSORFILE_API const char *tf_version_string(void);
/** A status as a lower-case word ("corrupt"); static; "unknown" for a number that is none. */
TENSORFILE_API const char *tf_status_name(tf_status status);
/**
 * What this thread's last failure was: one line of UTF-8 of at most 1,023 bytes, control characters escaped, saying what
 * and where (file, array, byte), what was expected and what was found. "" before the first failure.
 * @return borrowed until this thread's next failure; a success leaves it as it is.
 */
TENSORFILE_API const char *tf_error_message(void);
/** The byte in the file that the last failure is about, or UINT64_MAX. */
TENSORFILE_API uint64_t tf_error_offset(void);
/** The array or key that the last failure is about, cut to 255 bytes, or ""; borrowed as tf_error_message() is. */
TENSORFILE_API const char *tf_error_name(void);

/* Dtypes and formats */

/** A dtype's name as NumPy and ml_dtypes write it ("float32", "float8_e4m3fn"), ggml's in lower case ("q4_k"); static;
    "unsupported" for ::TF_DTYPE_UNSUPPORTED and any number that is none. */
TENSORFILE_API const char *tf_dtype_name(tf_dtype dtype);
/** The dtype of a name, letter case of ggml's names ignored; ::TF_DTYPE_UNSUPPORTED when there is none. */
TENSORFILE_API tf_dtype tf_dtype_from_name(const char *name);
/** Bits of one element: 8 for bool, 4 for float4_e2m1fn; 0 for a block type. */
TENSORFILE_API uint32_t tf_dtype_bits(tf_dtype dtype);
/** Elements in the smallest unit of whole bytes: 1, for float4 2, for float6 4, for a block type its block (32, 256). */
TENSORFILE_API uint32_t tf_dtype_block_size(tf_dtype dtype);
/** Bytes of that unit: the item size, for float4 1, for float6 3, for a block type its block (q4_0: 18). */
TENSORFILE_API uint32_t tf_dtype_block_bytes(tf_dtype dtype);
/** "npy", "npz", "safetensors", "gguf"; "auto"; "unknown" for a number that is none; static. */
TENSORFILE_API const char *tf_format_name(tf_format format);
/** The format that a path's extension names, letter case ignored; ::TF_FORMAT_AUTO when it names none. */
TENSORFILE_API tf_format tf_format_from_path(const char *path);
/**
 * The format that the first bytes of a file are of; ::TF_FORMAT_AUTO when of none.
 * @param head    the first bytes
 * @param nbytes  how many; 16 are enough, fewer may not tell
 */
TENSORFILE_API tf_format tf_format_probe(const void *head, size_t nbytes);

/* Options */

/** Makes settings that all have their defaults. */
TENSORFILE_API tf_status tf_options_new(tf_options **out);
TENSORFILE_API tf_options *tf_options_retain(tf_options *options);
TENSORFILE_API void tf_options_release(tf_options *options);
/**
 * Sets one option.
 * @param value  in the range that the option's comment gives
 * @return INVALID_ARGUMENT: the value is out of range; UNSUPPORTED: this version has no such option.
 */
TENSORFILE_API tf_status tf_options_set(tf_options *options, tf_option option, int64_t value);
/** Reads one option. @return UNSUPPORTED: this version has no such option. */
TENSORFILE_API tf_status tf_options_get(int64_t *value, const tf_options *options, tf_option option);
/**
 * Sets an option whose values have names (::TF_OPTION_FORMAT, ::TF_OPTION_LOAD_MODE) by name.
 * @param text    the name
 * @param length  of text in bytes, or SIZE_MAX
 * @return INVALID_ARGUMENT: no such name; UNSUPPORTED: no such option; TYPE: the option takes numbers only.
 */
TENSORFILE_API tf_status tf_options_set_string(tf_options *options, tf_option option, const char *text, size_t length);
/**
 * All memory that calls with these options take, and the objects that they make, comes from alloc.
 * @param alloc    NULL goes back to the default allocator; then free must be NULL too
 * @param free     may be called later than the call that allocated, until the last object that it made is released
 * @param release  may be NULL; called once, when options and all objects made through them are gone
 * @param user     first argument of the three
 */
TENSORFILE_API tf_status tf_options_set_allocator(tf_options *options, tf_alloc_fn alloc, tf_free_fn free,
                                                  tf_release_fn release, void *user);
/**
 * progress is told, on the calling thread, how many bytes of array data a load or save has done.
 * @param progress  NULL: none
 * @param release   may be NULL; called once, when the options let go of user
 */
TENSORFILE_API tf_status tf_options_set_progress(tf_options *options, tf_progress_fn progress, tf_release_fn release,
                                                 void *user);
/**
 * Calls with these options make no thread: what they would share among threads of their own they hand to execute, on the
 * calling thread, once or (to tell progress in between) several times. Small work is done without it.
 *
 * No job waits for another, so that they may run one after another. They call the allocator, and sources that are
 * concurrent, on whatever thread they run; that thread's error record may change. execute may run jobs on the calling
 * thread too, and must not wait for work that only this thread could do.
 * @param execute  NULL: threads of the library's own again
 * @param width    how many jobs the host can run at once, from 1; count never exceeds it, nor ::TF_OPTION_THREADS
 * @param release  may be NULL; called once, when the options, and the files opened with them, let go of user, and also
 *                 when this call fails
 * @return INVALID_ARGUMENT: a width of 0. A later call is INVALID_ARGUMENT if execute returned 0 without having run all.
 */
TENSORFILE_API tf_status tf_options_set_executor(tf_options *options, tf_executor_fn execute, size_t width,
                                                 tf_release_fn release, void *user);

/* Arrays */

/**
 * Makes a C-contiguous array of zeros.
 * @param shape  ndim sizes of 0 or more; NULL when ndim is 0. A block type: the last one is a multiple of its block; a
 *               packed type (float4, float6): the whole count is a multiple of its unit
 * @param ndim   0 to 64; 0 makes a scalar
 * @return INVALID_ARGUMENT: a negative size, a product of 2^63 or more, an unknown dtype.
 */
TENSORFILE_API tf_status tf_array_new(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim);
/** The same in memory of the options' allocator. @return LIMIT: more than ::TF_OPTION_MAX_BYTES. */
TENSORFILE_API tf_status tf_array_new_with(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                                           const tf_options *options);
/**
 * Makes a C-contiguous array with a copy of data.
 * @param src     elements in C order, in the host's byte order (block types: little-endian on every host)
 * @param nbytes  of src; must be what dtype and shape need
 */
TENSORFILE_API tf_status tf_array_copy_from(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                                            const void *src, size_t nbytes);
/**
 * Makes an array over the caller's memory, without a copy.
 * @param strides   ndim steps in bytes, multiples of the item's alignment, 0 and negative allowed; NULL: C-contiguous.
 *                  Packed and block types: NULL
 * @param data      the first element ([0, 0, ...]); aligned to its item (a complex one: to its half); may be NULL for an
 *                  array without elements
 * @param nbytes    bytes from data on that may be touched. With negative strides the caller vouches for those before
 * @param writable  0: tf_array_data_mut refuses it
 * @param release   may be NULL; called once with user when the last array on this memory is released, and also when
 *                  this call fails
 */
TENSORFILE_API tf_status tf_array_wrap(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                                       const int64_t *strides, void *data, size_t nbytes, int32_t writable,
                                       tf_release_fn release, void *user);
TENSORFILE_API tf_array *tf_array_retain(tf_array *array);
TENSORFILE_API void tf_array_release(tf_array *array);
/** The dtype. */
TENSORFILE_API tf_dtype tf_array_dtype(const tf_array *array);
/** Number of dimensions; 0 for a scalar. */
TENSORFILE_API size_t tf_array_ndim(const tf_array *array);
/** ndim sizes in elements; borrowed from the array; never NULL for an array. */
TENSORFILE_API const int64_t *tf_array_shape(const tf_array *array);
/** ndim steps in bytes; borrowed from the array; NULL for packed and block types, which are C-contiguous. */
TENSORFILE_API const int64_t *tf_array_strides(const tf_array *array);
/** Number of elements: the product of the shape. */
TENSORFILE_API int64_t tf_array_size(const tf_array *array);
/** Bytes that the elements take in C order, whatever the strides are. */
TENSORFILE_API uint64_t tf_array_nbytes(const tf_array *array);
/** Address of the first element, [0, 0, ...]; never NULL for an array, not even an empty one; borrowed. */
TENSORFILE_API const void *tf_array_data(const tf_array *array);
/**
 * The same address to write through.
 * @return INVALID_ARGUMENT: the memory is read-only or shared with another array; use tf_array_make_mut().
 */
TENSORFILE_API tf_status tf_array_data_mut(void **data, tf_array *array);
/**
 * Makes *array one whose memory may be written and is shared with nobody, neither by another array nor by another
 * reference to this one (such as a dict's): itself where it is so already, else a C-contiguous copy that replaces it
 * (the old reference is released).
 */
TENSORFILE_API tf_status tf_array_make_mut(tf_array **array);
/** 1 when the elements lie in C order without gaps, else 0. */
TENSORFILE_API int32_t tf_array_is_contiguous(const tf_array *array);
/**
 * One element as an integer.
 * @param index  ndim indices, negative ones count from the end; NULL when ndim is 0
 * @return TYPE: the dtype is neither bool nor an integer, or a uint64 above INT64_MAX.
 */
TENSORFILE_API tf_status tf_array_item_int64(int64_t *value, const tf_array *array, const int64_t *index, size_t ndim);
/** One element as a double, rounded to nearest even where it must be. @return TYPE: a complex or block dtype. */
TENSORFILE_API tf_status tf_array_item_double(double *value, const tf_array *array, const int64_t *index, size_t ndim);
/** The array itself, retained, when it is C-contiguous, else a C-contiguous copy. */
TENSORFILE_API tf_status tf_array_contiguous(tf_array **out, const tf_array *array);
/**
 * A view with its axes in another order.
 * @param axes   naxes = ndim numbers, each axis once; NULL (and naxes 0) reverses them
 * @return UNSUPPORTED: a packed or block type, unless the order is unchanged.
 */
TENSORFILE_API tf_status tf_array_transpose(tf_array **out, const tf_array *array, const size_t *axes, size_t naxes);
/**
 * Python's array[start:stop:step, ...]: a view; of a packed or block type a copy where no view can be.
 * @param start, stop, step  ndim numbers each, with Python's meaning of negative and out-of-range ones;
 *                           ::TENSORFILE_SLICE_OMITTED for an omitted one; NULL: all omitted
 * @return INVALID_ARGUMENT: a step of 0, or ndim is not the array's; UNSUPPORTED: the slice cuts through a unit of a
 *         packed or block type.
 */
TENSORFILE_API tf_status tf_array_slice(tf_array **out, const tf_array *array, const int64_t *start,
                                        const int64_t *stop, const int64_t *step, size_t ndim);
/**
 * A C-contiguous copy with another dtype (the array itself, retained, when it has that dtype and is C-contiguous).
 * Rounds to nearest even and overflows as NumPy and ml_dtypes do; float to integer truncates and saturates, NaN gives
 * 0; integers narrow by wrapping, as NumPy's astype; anything to bool is "not equal to zero".
 * @param options  allocator and threads; may be NULL
 * @return TYPE: complex to real; UNSUPPORTED: from or to a dtype for which no rule is given; INVALID_ARGUMENT: a row is
 *         not whole blocks, or an element that a block type is to hold is not finite.
 */
TENSORFILE_API tf_status tf_array_cast(tf_array **out, const tf_array *array, tf_dtype dtype,
                                       const tf_options *options);
/** *equal = 1 when dtype, shape and every byte of the elements agree (so NaN equals the same NaN, -0.0 is not 0.0). */
TENSORFILE_API tf_status tf_array_equal(int32_t *equal, const tf_array *a, const tf_array *b);

/* DLPack: the exchange of arrays with NumPy, PyTorch, JAX and others, in memory and without a copy. The structs are those
   of dlpack.h 1.x. It has no types for ggml's blocks; float4 and float6 are packed. */

/**
 * Hands an array out as a tensor of DLPack 1.1, on the host's memory. It keeps the memory alive, even beyond the array,
 * until its deleter is called, and as long as it does, the memory counts as shared (see tf_array_data_mut()). A consumer
 * writes into the array's own memory; only read-only memory has the read-only flag.
 * @param out  the caller, or whom it is given to, calls (*out)->deleter(*out) once
 * @return UNSUPPORTED: a block type, or a stride that is not a multiple of the item (complex dtypes).
 */
TENSORFILE_API tf_status tf_array_to_dlpack(struct DLManagedTensorVersioned **out, tf_array *array);
/** The same in the struct that came before DLPack 1.0. @return UNSUPPORTED: also read-only memory, which it cannot tell. */
TENSORFILE_API tf_status tf_array_to_dlpack_unversioned(struct DLManagedTensor **out, tf_array *array);
/**
 * Makes an array over a tensor's memory. It is writable unless the tensor has the read-only flag.
 * @param tensor  is taken over: its deleter is called when the last array on it is released, and also when this call
 *                fails. Memory of the host, also where it is pinned for CUDA or ROCm
 * @return UNSUPPORTED: memory of a device, a type that is no dtype here, several lanes, a packed type that is padded or
 *         strided, DLPack 2 and later; INVALID_ARGUMENT: more than 64 dimensions, a negative size, data that are not
 *         aligned to their item.
 */
TENSORFILE_API tf_status tf_array_from_dlpack(tf_array **out, struct DLManagedTensorVersioned *tensor);
/** The same for the struct that came before DLPack 1.0; writable. */
TENSORFILE_API tf_status tf_array_from_dlpack_unversioned(tf_array **out, struct DLManagedTensor *tensor);

/* Dicts */
/* `key` is length bytes of UTF-8, or NUL-terminated with length SIZE_MAX; it may be empty. Setting a key that is not
   UTF-8 is INVALID_ARGUMENT. A dict keeps a copy of keys and strings and a reference to arrays and dicts. Setting a name
   that is there replaces its value in its place. NOT_FOUND: no such key. TYPE: the value is of another kind. Borrowed
   text lives until its entry is changed or removed or the dict is freed. */

/** Makes an empty dict. */
TENSORFILE_API tf_status tf_dict_new(tf_dict **out);
/** The same in memory of the options' allocator: the dict, its keys and strings, and the arrays that
    tf_dict_set_int64() and its like make. Filling it is LIMIT beyond ::TF_OPTION_MAX_BYTES. */
TENSORFILE_API tf_status tf_dict_new_with(tf_dict **out, const tf_options *options);
TENSORFILE_API tf_dict *tf_dict_retain(tf_dict *dict);
TENSORFILE_API void tf_dict_release(tf_dict *dict);
/** Number of values. */
TENSORFILE_API size_t tf_dict_size(const tf_dict *dict);
/** The key at a place, 0 to size - 1, in insertion order; borrowed. */
TENSORFILE_API tf_status tf_dict_key_at(const char **key, size_t *length, const tf_dict *dict, size_t index);
/** The kind of the value at a place; ::TF_KIND_NONE when the place is out of range. */
TENSORFILE_API tf_kind tf_dict_kind_at(const tf_dict *dict, size_t index);
/** The place of a key. @return NOT_FOUND. */
TENSORFILE_API tf_status tf_dict_find(size_t *index, const tf_dict *dict, const char *key, size_t length);
/** Removes a value; those behind it move up one place; takes time in proportion to the dict. @return NOT_FOUND. */
TENSORFILE_API tf_status tf_dict_remove(tf_dict *dict, const char *key, size_t length);
/** The array of a key, as a new reference. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_get(tf_array **out, const tf_dict *dict, const char *key, size_t length);
/** Keeps a reference to array under a key. */
TENSORFILE_API tf_status tf_dict_set(tf_dict *dict, const char *key, size_t length, tf_array *array);
/** The string of a key; borrowed; may hold NUL bytes. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_get_string(const char **text, size_t *text_length, const tf_dict *dict,
                                            const char *key, size_t length);
/** Keeps a copy of text under a key. */
TENSORFILE_API tf_status tf_dict_set_string(tf_dict *dict, const char *key, size_t length, const char *text,
                                            size_t text_length);
/** How many strings the list of a key has. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_string_list_size(size_t *count, const tf_dict *dict, const char *key, size_t length);
/** One string of a list; borrowed. @return NOT_FOUND, TYPE; INVALID_ARGUMENT: index beyond the list. */
TENSORFILE_API tf_status tf_dict_string_list_at(const char **text, size_t *text_length, const tf_dict *dict,
                                                const char *key, size_t length, size_t index);
/** Puts an empty list of strings under a key; tf_dict_string_list_append() fills it. */
TENSORFILE_API tf_status tf_dict_set_string_list(tf_dict *dict, const char *key, size_t length);
/** Adds a copy of text to the list of a key. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_string_list_append(tf_dict *dict, const char *key, size_t length, const char *text,
                                                    size_t text_length);
/** The dict of a key, as a new reference. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_get_dict(tf_dict **out, const tf_dict *dict, const char *key, size_t length);
/** Keeps a reference to a dict under a key. @return INVALID_ARGUMENT: value is, or holds, dict itself. */
TENSORFILE_API tf_status tf_dict_set_dict(tf_dict *dict, const char *key, size_t length, tf_dict *value);
/** The value of a 0-d array of bool or an integer dtype. @return NOT_FOUND; TYPE: anything else. */
TENSORFILE_API tf_status tf_dict_get_int64(int64_t *value, const tf_dict *dict, const char *key, size_t length);
/** Sets a 0-d int64 array. */
TENSORFILE_API tf_status tf_dict_set_int64(tf_dict *dict, const char *key, size_t length, int64_t value);
/** The value of a 0-d array of any real dtype. @return NOT_FOUND; TYPE: anything else. */
TENSORFILE_API tf_status tf_dict_get_double(double *value, const tf_dict *dict, const char *key, size_t length);
/** Sets a 0-d float64 array. */
TENSORFILE_API tf_status tf_dict_set_double(tf_dict *dict, const char *key, size_t length, double value);
/**
 * A flat dict of the same values, names joined with '.': {"layers": {"0": {"w": x}}} gives {"layers.0.w": x}, as MLX's
 * tree_flatten. Empty dicts vanish.
 * @return DUPLICATE: two paths join to one name; LIMIT: nested deeper than 64.
 */
TENSORFILE_API tf_status tf_dict_flatten(tf_dict **flat, const tf_dict *tree);
/** The other way round. @return DUPLICATE: a name is also the prefix of another; LIMIT: nested deeper than 64. */
TENSORFILE_API tf_status tf_dict_unflatten(tf_dict **tree, const tf_dict *flat);
/**
 * Compares the names and shapes of the arrays in two trees (or flat dicts).
 * @param report  a dict of three lists of flat names, each sorted: "missing" (in expected only), "unexpected" (in actual
 *                only), "shape" (in both, of another shape); dtypes are not compared, as in MLX's load_weights
 */
TENSORFILE_API tf_status tf_dict_compare(tf_dict **report, const tf_dict *expected, const tf_dict *actual);

/* Sources, sinks, buffers */

/**
 * A source of bytes made of callbacks.
 * @param size        bytes that can be read
 * @param concurrent  not 0: read_at and map may be called by several threads at once
 * @param read_at     reads
 * @param map         may be NULL: nothing can be mapped
 * @param release     may be NULL; called once with user when the source is freed, and also when this call fails
 */
TENSORFILE_API tf_status tf_source_new(tf_source **out, uint64_t size, int32_t concurrent, tf_read_at_fn read_at,
                                       tf_map_fn map, tf_release_fn release, void *user);
/**
 * A source over a file, which stays open until the source is released.
 * @return NOT_FOUND: no such file; IO: a folder, a FIFO or a device, no permission, or the system's error.
 */
TENSORFILE_API tf_status tf_source_from_path(tf_source **out, const char *path);
/** A source over the caller's memory, not copied; release (may be NULL) as in tf_source_new(). */
TENSORFILE_API tf_status tf_source_from_memory(tf_source **out, const void *data, size_t nbytes, tf_release_fn release,
                                               void *user);
/**
 * A source over a part of a file that is open: an asset in an archive, say. It can be mapped, and keeps a descriptor of
 * its own, so that the caller's may be closed at once; the caller's position in the file is neither used nor moved.
 * @param fd      of a regular file, open for reading (Windows: of the C run-time library that this one is linked with)
 * @param offset  where the part begins
 * @param size    of the part in bytes; UINT64_MAX: up to the end of the file
 * @return INVALID_ARGUMENT: the part is not in the file; IO: fd is not an open regular file, or the system's error.
 */
TENSORFILE_API tf_status tf_source_from_fd(tf_source **out, int32_t fd, uint64_t offset, uint64_t size);
/**
 * A source over a part of another, which is retained. It is concurrent, and can be mapped, where the whole is and can.
 * Its errors name no file and count bytes from the start of the part.
 * @param offset  where the part begins
 * @param size    of the part in bytes; UINT64_MAX: up to the end
 * @return INVALID_ARGUMENT: the part is not in the whole.
 */
TENSORFILE_API tf_status tf_source_from_part(tf_source **out, tf_source *whole, uint64_t offset, uint64_t size);
TENSORFILE_API tf_source *tf_source_retain(tf_source *source);
TENSORFILE_API void tf_source_release(tf_source *source);
/**
 * A sink made of a callback, which is handed what is smaller than 64 KiB together with what follows: at the latest at the
 * end of the call that writes.
 * @param release  may be NULL; as in tf_source_new()
 */
TENSORFILE_API tf_status tf_sink_new(tf_sink **out, tf_write_fn write, tf_release_fn release, void *user);
TENSORFILE_API tf_sink *tf_sink_retain(tf_sink *sink);
TENSORFILE_API void tf_sink_release(tf_sink *sink);
/** The bytes; borrowed from the buffer; never NULL for a buffer. */
TENSORFILE_API const void *tf_buffer_data(const tf_buffer *buffer);
/** How many bytes. */
TENSORFILE_API size_t tf_buffer_size(const tf_buffer *buffer);
TENSORFILE_API tf_buffer *tf_buffer_retain(tf_buffer *buffer);
TENSORFILE_API void tf_buffer_release(tf_buffer *buffer);

/* Loading */
/* Statuses of all functions that open a file: NOT_FOUND, IO; FORMAT: not of the format asked for, or of none;
   CORRUPT, TRUNCATED, DUPLICATE: the file is bad; UNSUPPORTED: a version, method or dtype that is not handled; LIMIT;
   CANCELLED or any other status of a callback. */

/**
 * Loads a whole file.
 *
 * The format is ::TF_OPTION_FORMAT, else what the extension names, else what the content shows. An array that the
 * library does not know the dtype of makes the call UNSUPPORTED (with ::TF_OPTION_LENIENT it is left out). Arrays are
 * C-contiguous memory of their own, aligned to 64 bytes; in map mode aligned to their item, and an array stored in
 * Fortran order has the strides for that.
 * @param array     receives the array of a .npy, NULL for another format; may be NULL: then a .npy lands in *arrays
 *                  under the name ""
 * @param arrays    receives the arrays by name, in file order; an empty dict for a .npy that went to *array; may be NULL
 * @param metadata  receives the metadata; an empty dict where the format has none; may be NULL. safetensors: strings.
 *                  gguf: 0-d and 1-d arrays, strings, lists of strings, and dicts named 0, 1, ... for nested arrays
 * @param path      a regular file, or the index of sharded safetensors (NAME.safetensors.index.json), whose set is
 *                  loaded as one: the metadata of all shards, the arrays that the index lists; a part that is missing is
 *                  NOT_FOUND, and the message names it
 */
TENSORFILE_API tf_status tf_load(tf_array **array, tf_dict **arrays, tf_dict **metadata, const char *path,
                                 const tf_options *options);
/** The same from nbytes of memory, which may be freed afterwards. @param format  ::TF_FORMAT_AUTO: by content */
TENSORFILE_API tf_status tf_load_memory(tf_array **array, tf_dict **arrays, tf_dict **metadata, const void *data,
                                        size_t nbytes, tf_format format, const tf_options *options);
/** The same from a source. In map mode arrays keep a reference to it. */
TENSORFILE_API tf_status tf_load_source(tf_array **array, tf_dict **arrays, tf_dict **metadata, tf_source *source,
                                        tf_format format, const tf_options *options);
/**
 * Loads a .npz, .safetensors or .gguf as a tree: names split at '.'.
 * @param tree      receives the tree, the nested dicts of tf_dict_unflatten()
 * @param expected  a tree or flat dict of arrays with the names and shapes that are wanted, or NULL: whatever is there.
 *                  With ::TF_OPTION_STRICT 0 what is missing keeps expected's array, and what is unknown is left out
 * @return as tf_load(), LIMIT also for ::TF_OPTION_MAX_NESTING; MISMATCH: the message lists what is missing,
 *         unexpected, of another shape.
 */
TENSORFILE_API tf_status tf_load_weights(tf_dict **tree, const char *path, const tf_dict *expected,
                                         const tf_options *options);

/**
 * Opens a file, reads and validates its header, and reads no array yet. Reading obeys the options given here.
 * An array of an unknown dtype is listed with ::TF_DTYPE_UNSUPPORTED; reading it, and only it, is UNSUPPORTED.
 */
TENSORFILE_API tf_status tf_file_open(tf_file **out, const char *path, const tf_options *options);
/** The same for nbytes of memory, which are copied. */
TENSORFILE_API tf_status tf_file_open_memory(tf_file **out, const void *data, size_t nbytes, tf_format format,
                                             const tf_options *options);
/** The same for a source, which is retained. */
TENSORFILE_API tf_status tf_file_open_source(tf_file **out, tf_source *source, tf_format format,
                                             const tf_options *options);
TENSORFILE_API tf_file *tf_file_retain(tf_file *file);
TENSORFILE_API void tf_file_release(tf_file *file);
/** The format found. */
TENSORFILE_API tf_format tf_file_format(const tf_file *file);
/** Number of arrays. */
TENSORFILE_API size_t tf_file_size(const tf_file *file);
/** The name of an array, 0 to size - 1, in file order; "" for that of a .npy; borrowed from the file. */
TENSORFILE_API tf_status tf_file_name(const char **name, size_t *length, const tf_file *file, size_t index);
/** The place of a name. @return NOT_FOUND. */
TENSORFILE_API tf_status tf_file_find(size_t *index, const tf_file *file, const char *name, size_t length);
/** The dtype of an array. */
TENSORFILE_API tf_dtype tf_file_dtype(const tf_file *file, size_t index);
/** The number of its dimensions. */
TENSORFILE_API size_t tf_file_ndim(const tf_file *file, size_t index);
/** Its shape, ndim sizes; borrowed from the file. */
TENSORFILE_API const int64_t *tf_file_shape(const tf_file *file, size_t index);
/** The bytes that it takes in memory, C-contiguous; those that it takes in the file when its dtype is not known. */
TENSORFILE_API uint64_t tf_file_nbytes(const tf_file *file, size_t index);
/**
 * Where the bytes of an array lie, for readers with I/O of their own. They are as stored: perhaps big-endian or in
 * Fortran order.
 * @param path          the file's path, borrowed from file; "" when it was not opened by path; may be NULL
 * @param offset        of its first byte in the file (deflated: of the member's first compressed byte); may be NULL
 * @param stored_bytes  how many there are in the file; may be NULL
 * @param deflated      1: they are a raw deflate stream of a whole .npy; may be NULL
 */
TENSORFILE_API tf_status tf_file_location(const char **path, uint64_t *offset, uint64_t *stored_bytes,
                                          int32_t *deflated, const tf_file *file, size_t index);
/** The metadata, as tf_load() gives it; the same dict at each call, to be read only. */
TENSORFILE_API tf_status tf_file_metadata(tf_dict **out, const tf_file *file);
/** Reads one array, or maps it. @return UNSUPPORTED: its dtype is not known; CORRUPT; TRUNCATED; IO. */
TENSORFILE_API tf_status tf_file_read(tf_array **out, const tf_file *file, size_t index);
/**
 * Reads one array in C order into the caller's memory.
 * @param dtype   to cast to on the way, as tf_array_cast() does; ::TF_DTYPE_UNSUPPORTED: the array's own
 * @param dst     any alignment; after a failure its content is undefined
 * @param nbytes  of dst; must be exactly what the array takes in that dtype
 */
TENSORFILE_API tf_status tf_file_read_into(const tf_file *file, size_t index, tf_dtype dtype, void *dst, size_t nbytes);
/**
 * Reads several arrays in C order into the caller's memory: those that lie close together in the file by one read, large
 * ones in pieces, side by side on as many threads as ::TF_OPTION_THREADS allows. It is the fastest way to fill memory
 * that is there already, such as that of a GPU. All arguments are checked before anything is read.
 * @param indices  count places of arrays, in any order; one may stand there several times
 * @param count    may be 0: nothing is done
 * @param dtype    to cast all of them to on the way, as tf_array_cast() does, piece by piece, so that no array is held
 *                 twice (but those that are deflated or in Fortran order); ::TF_DTYPE_UNSUPPORTED: each array's own
 * @param dst      where each array goes: any alignment, not overlapping; may be NULL for an array of no bytes. After a
 *                 failure the content of all is undefined
 * @param nbytes   of each dst; must be exactly what the array takes in that dtype
 * @return as tf_file_read_into(), about the first array that is to blame; TYPE, UNSUPPORTED: an array cannot be cast.
 */
TENSORFILE_API tf_status tf_file_read_many(const tf_file *file, const size_t *indices, size_t count, tf_dtype dtype,
                                           void *const *dst, const size_t *nbytes);
/**
 * Reads a slice, as tf_array_slice() has it; only what it touches is read. The result is C-contiguous. Of a deflated
 * member that has no chunks (only those that this library wrote have them) all that lies before the slice is inflated,
 * but for what a slice read before it had: one behind the other they cost as much as the whole. When slices that followed
 * one another have had all of a member of an .npz, its CRC-32 is compared: CORRUPT.
 */
TENSORFILE_API tf_status tf_file_read_slice(tf_array **out, const tf_file *file, size_t index, const int64_t *start,
                                            const int64_t *stop, const int64_t *step, size_t ndim);
/** Reads a slice into the caller's memory, as tf_file_read_into() does. */
TENSORFILE_API tf_status tf_file_read_slice_into(const tf_file *file, size_t index, const int64_t *start,
                                                 const int64_t *stop, const int64_t *step, size_t ndim, tf_dtype dtype,
                                                 void *dst, size_t nbytes);

/* Saving */
/* A file is written beside the target and renamed over it: a reader sees the old file or the new one, whole, and a
   failed save leaves the old one. Links are followed and the mode is kept. Output is the same for the same input.
   Statuses of all: UNSUPPORTED: the format cannot hold a dtype, rank or name; one message names every array concerned and
   why, and nothing was written. IO: the system's error (no space, no permission; the target is a folder or device).
   CANCELLED or any other status of a callback. */

/** Saves one array as .npy, byte for byte as np.save writes it. */
TENSORFILE_API tf_status tf_save(const char *path, const tf_array *array, const tf_options *options);
/**
 * Saves arrays as an .npz of stored members.
 * @param args    nargs arrays, named arr_0, arr_1, ...; they come after the named ones, as in np.savez; NULL when 0
 * @param kwargs  arrays by name; may be NULL
 * @return DUPLICATE: kwargs has a name arr_i of args; TYPE: a value in kwargs is not an array.
 */
TENSORFILE_API tf_status tf_savez(const char *path, const tf_array *const *args, size_t nargs, const tf_dict *kwargs,
                                  const tf_options *options);
/**
 * The same with deflated members. Each is deflated in chunks side by side, of 1 MiB or more by the array's size, which
 * together are one stream that every reader of zip archives knows; a private extra field in the directory tells our reader
 * where they begin. The bytes depend on the level and on what deflates (::TF_OPTION_DEFLATE), never on threads.
 */
TENSORFILE_API tf_status tf_savez_compressed(const char *path, const tf_array *const *args, size_t nargs,
                                             const tf_dict *kwargs, const tf_options *options);
/**
 * Saves arrays as .safetensors.
 * @param metadata  strings; may be NULL: the file then has none
 * @return TYPE: a value that is not an array, metadata that is not a string.
 */
TENSORFILE_API tf_status tf_save_safetensors(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                                             const tf_options *options);
/**
 * Saves arrays as .gguf, version 3. The format holds int8 to int64, float16, bfloat16, float32, float64 and the block
 * types, in at most 4 dimensions, under names of 1 to 63 bytes.
 * @param metadata  0-d and 1-d arrays (bool, integers, float32, float64), strings, lists of strings, dicts named 0, 1, ...
 *                  for nested arrays; may be NULL. No key is added unasked: general.architecture is the caller's to give
 * @return TYPE: a value that is not an array in arrays.
 */
TENSORFILE_API tf_status tf_save_gguf(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                                      const tf_options *options);
/**
 * Saves a tree of arrays, flattened as by tf_dict_flatten(), in the format that the path's extension names: .npz,
 * .safetensors or .gguf; without an extension that of ::TF_OPTION_FORMAT, whose own is added.
 * @return FORMAT: neither names one of these three; TYPE: a leaf is not an array; DUPLICATE: two paths join to one name;
 *         LIMIT: ::TF_OPTION_MAX_NESTING.
 */
TENSORFILE_API tf_status tf_save_weights(const char *path, const tf_dict *tree, const tf_options *options);
/**
 * Saves into memory.
 * @param array     the array of a .npy; for the other formats NULL
 * @param arrays    arrays by name; for a .npy NULL
 * @param metadata  safetensors and gguf; may be NULL
 * @return as the function for that format; INVALID_ARGUMENT: format AUTO, array and arrays not as above, or metadata
 *         for npy or npz.
 */
TENSORFILE_API tf_status tf_save_memory(tf_buffer **out, tf_format format, const tf_array *array, const tf_dict *arrays,
                                        const tf_dict *metadata, const tf_options *options);
/** The same into a sink, from first byte to last; whatever was written before a failure stays written. */
TENSORFILE_API tf_status tf_save_sink(tf_sink *sink, tf_format format, const tf_array *array, const tf_dict *arrays,
                                      const tf_dict *metadata, const tf_options *options);

/* Writing arrays larger than memory */
/* A tf_writer takes the declarations of all arrays first, and then their bytes, in pieces of any size; the memory that
   it needs does not grow with the data. What is said above about files holds for it too: until tf_writer_finish() has
   returned OK the target is as before, and a writer that is released without it leaves nothing behind (with
   ::TF_OPTION_ATOMIC 0, and in a sink, what was written stays).

   The bytes of the file are those that tf_save() and its like write of the same arrays, C-contiguous. Only into a sink,
   which cannot be gone back in, the arrays of a .safetensors lie in the order in which they are declared (those of larger
   items first, and all are aligned), and the check sum of a stored member of an .npz comes behind its data.

   Statuses of all: INVALID_ARGUMENT for a call out of order, which changes nothing; after a failure to write the writer
   can only be released, and says so. With ::TF_OPTION_PART_BYTES a writer to a path writes the parts that a save would
   write, and puts all of them in their places when it is finished. */

/**
 * A writer to a path; the path is not looked at, and nothing is written, before the first tf_writer_write() or
 * tf_writer_finish().
 * @param path    the format's extension is added when it lacks it, unless ::TF_OPTION_EXACT_PATH says otherwise
 * @param format  AUTO: that of ::TF_OPTION_FORMAT, else that which the path's extension names
 * @return INVALID_ARGUMENT: no format is named.
 */
TENSORFILE_API tf_status tf_writer_open(tf_writer **out, const char *path, tf_format format, const tf_options *options);
/** A writer into a sink, of which it keeps a reference; format AUTO: that of ::TF_OPTION_FORMAT. */
TENSORFILE_API tf_status tf_writer_open_sink(tf_writer **out, tf_sink *sink, tf_format format,
                                             const tf_options *options);
/**
 * Declares the next array. A .npy has one, whose name is not kept.
 * @param name    UTF-8, copied
 * @param length  bytes in name; SIZE_MAX: it is NUL-terminated
 * @return DUPLICATE: an array of that name is declared; INVALID_ARGUMENT: the dtype or shape is none (see
 *         tf_array_new()), a second array in a .npy, or data have been written. Whether the format can hold it is told
 *         by the first tf_writer_write() or tf_writer_finish(), of all arrays at once.
 */
TENSORFILE_API tf_status tf_writer_declare(tf_writer *writer, const char *name, size_t length, tf_dtype dtype,
                                           const int64_t *shape, size_t ndim);
/**
 * Sets the metadata of a .safetensors or .gguf, in place of any set before.
 * @param metadata  as in tf_save_safetensors() and tf_save_gguf(); kept by reference, and read when the first byte is
 *                  written; NULL: none
 */
TENSORFILE_API tf_status tf_writer_set_metadata(tf_writer *writer, const tf_dict *metadata);
/**
 * Writes the next bytes: those of the arrays in the order in which they are declared, each C-contiguous in the byte order
 * of this machine. A piece may end anywhere, and may reach from one array into the next.
 * @return UNSUPPORTED, LIMIT, TYPE: at first, as in saving: the format cannot hold what was declared, and nothing was
 *         written; INVALID_ARGUMENT: nbytes are more than the arrays still lack, and none of them was written.
 */
TENSORFILE_API tf_status tf_writer_write(tf_writer *writer, const void *src, size_t nbytes);
/**
 * Writes what comes last, and puts the file in its place. Then the writer can only be released.
 * @return INVALID_ARGUMENT: an array, which tf_error_name() names, lacks bytes (they may still be written).
 */
TENSORFILE_API tf_status tf_writer_finish(tf_writer *writer);
TENSORFILE_API tf_writer *tf_writer_retain(tf_writer *writer);
TENSORFILE_API void tf_writer_release(tf_writer *writer);

#ifdef __cplusplus
}
#endif

#endif /* TENSORFILE_H */
