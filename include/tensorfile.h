/**
 * @file tensorfile.h
 * Saves and loads named n-dimensional arrays as .npy, .npz, .safetensors and .gguf.
 *
 * This header declares the whole ABI and is its reference manual. The conventions below apply to every function; the
 * comment of a function describes only what is particular to it.
 *
 * ## Handles and ownership
 *
 * Every handle type (::tf_array, ::tf_dict, ...) is opaque and has an atomic reference count. tf_X_retain() adds a
 * reference and returns its argument; tf_X_release() drops a reference, and dropping the last one frees the object.
 * Both accept NULL and may be called from any thread at any time.
 *
 * A function that creates or returns an object takes `T **out` as its first argument. It sets `*out` to NULL on entry;
 * on success the caller owns one reference and must release it. All other returned pointers are borrowed: the comment
 * of the function says how long they stay valid. Arguments are never consumed unless the comment says so.
 *
 * ## Errors
 *
 * A function that can fail returns a ::tf_status; ::TF_STATUS_OK is 0. When a function fails, no object is created,
 * existing objects are unchanged, and the error record of the calling thread is set; read it with tf_error_status(),
 * tf_error_message(), tf_error_offset(), tf_error_name() and tf_error_system(). Any function that returns a ::tf_status
 * can fail with ::TF_STATUS_INVALID_ARGUMENT (a required handle or output is NULL, or a number is out of range) and
 * ::TF_STATUS_OUT_OF_MEMORY; the comment of a function lists the others. Plain getters return 0 or NULL, and set the
 * error record, if the handle is NULL or the index is out of range.
 *
 * The library never prints, aborts or exits. It has no global settings, needs no initialisation, and reads neither the
 * environment nor the locale.
 *
 * ## Strings and paths
 *
 * Strings are UTF-8, passed as a pointer and a length in bytes; the length SIZE_MAX means that the string is
 * NUL-terminated. Returned strings are also NUL-terminated, and the output for their length may be NULL. Paths are
 * NUL-terminated: arbitrary bytes on POSIX, UTF-8 on Windows. Names stored in a file are never used as paths.
 *
 * ## Threads
 *
 * Functions that take their handle as `const` may run at the same time on one handle. The others require that no other
 * thread uses the handle during the call. Callbacks run on the calling thread, with two exceptions: a source that was
 * created as concurrent, and an allocator, which can be called from any thread unless ::TF_OPTION_THREADS is 1 and the
 * arrays it serves stay on one thread.
 *
 * ## Options
 *
 * A `const tf_options *` may be NULL, which means that every option has its default. The options are read during the
 * call and need not outlive it.
 *
 * ## Formats
 *
 * In every argument list, a ::tf_format directly follows the bytes whose format it is: the path, memory or source to
 * read, the path, sink or output to write.
 *
 * ## Sizes
 *
 * Shapes count elements, outermost dimension first. Strides and sizes named `nbytes` count bytes. All sizes are less
 * than 2^63.
 *
 * ## Stability
 *
 * The numbers of statuses, dtypes, formats, abilities, kinds and options never change; new ones are appended. Functions
 * are added and not removed or changed. Until 1.0 this does not yet hold for sources, sinks, plans and sets.
 */
#ifndef TENSORFILE_H
#define TENSORFILE_H

#include <stddef.h>
#include <stdint.h>

/** Version of this header; tf_version_number() returns that of the running library. */
#define TENSORFILE_VERSION_MAJOR 0
/** See ::TENSORFILE_VERSION_MAJOR. */
#define TENSORFILE_VERSION_MINOR 9
/** See ::TENSORFILE_VERSION_MAJOR. */
#define TENSORFILE_VERSION_PATCH 0
/** See ::TENSORFILE_VERSION_MAJOR. */
#define TENSORFILE_VERSION_STRING "0.9.0"

#if defined(TENSORFILE_API)
/* The build or the embedding program has defined how functions are exported. */
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

/** An n-dimensional array: dtype, shape, strides, and memory that it can share with its views. */
typedef struct tf_array tf_array;
/** A map from UTF-8 names to arrays, strings, lists of strings and dicts. It keeps insertion order, or file order. */
typedef struct tf_dict tf_dict;
/** An open file whose header has been read and validated. Its arrays are read on request. */
typedef struct tf_file tf_file;
/** The settings of a call. */
typedef struct tf_options tf_options;
/** Where bytes are read from: reads at any offset, and optionally maps memory. */
typedef struct tf_source tf_source;
/** Where bytes are written to, from the first to the last. */
typedef struct tf_sink tf_sink;
/** A list of arrays and slices to read from a file in one go, and the memory that receives them. */
typedef struct tf_read_plan tf_read_plan;
/** Writes a file array by array, in pieces of any size. */
typedef struct tf_writer tf_writer;
/** How the arrays of a set of files are divided into parts, for programs that write the parts separately. */
typedef struct tf_part_plan tf_part_plan;
/** The types that a preset chooses for the arrays of a model. */
typedef struct tf_quant_plan tf_quant_plan;
/** New names and metadata for a file, whose arrays keep the bytes that they have. */
typedef struct tf_edit tf_edit;
/** A block of bytes that the library allocated. */
typedef struct tf_buffer tf_buffer;

/* The tensor structs of DLPack, declared here so that dlpack.h is not needed: see tf_array_to_dlpack(). */
struct DLManagedTensor;
struct DLManagedTensorVersioned;

/** The result of a call. */
typedef int32_t tf_status;
enum {
  /** The call succeeded. */
  TF_STATUS_OK = 0,
  /** The caller made a mistake: a NULL handle, an index or number out of range, a wrong shape. Nothing was done. */
  TF_STATUS_INVALID_ARGUMENT = 1,
  /** An allocation failed. All handles are as before, and the same call may succeed later. */
  TF_STATUS_OUT_OF_MEMORY = 2,
  /** The system could not open, read, write or replace a file. The message contains the reason that it gave. */
  TF_STATUS_IO = 3,
  /** There is no such file, name or key. */
  TF_STATUS_NOT_FOUND = 4,
  /** A name occurs twice, in a file or among the names passed to a call. */
  TF_STATUS_DUPLICATE = 5,
  /** The bytes are not of the requested format, or of no known format. */
  TF_STATUS_FORMAT = 6,
  /** The file breaks a rule of its format. */
  TF_STATUS_CORRUPT = 7,
  /** The file ends too early. More bytes at its end could make it valid. */
  TF_STATUS_TRUNCATED = 8,
  /** The input is valid but not supported: a dtype, version, method or option, or something a format cannot hold. */
  TF_STATUS_UNSUPPORTED = 9,
  /** A limit set by an option was exceeded. The call could succeed with a larger limit. */
  TF_STATUS_LIMIT = 10,
  /** A value has another kind or dtype than the call needs. */
  TF_STATUS_TYPE = 11,
  /** The loaded weights do not have the expected names and shapes. */
  TF_STATUS_MISMATCH = 12,
  /** A progress callback ended the call. */
  TF_STATUS_CANCELLED = 13,
  /** The library has a bug; please report it. */
  TF_STATUS_INTERNAL = 14
};

/**
 * The type of an array's elements.
 *
 * The block types of ggml are numbered 64 + ggml's own number. The data of an array of a block type is a sequence of
 * blocks, each of which encodes tf_dtype_block_size() consecutive elements of a row in tf_dtype_block_bytes() bytes.
 */
typedef int32_t tf_dtype;
enum {
  /** A type that the library does not know. Such an array is listed, but only its raw bytes can be read: see
      tf_file_type() and tf_file_read_raw(). */
  TF_DTYPE_UNSUPPORTED = 0,
  /** For a parameter that says which dtype to cast to: no cast, each array keeps the dtype that it has. The number is
      that of ::TF_DTYPE_UNSUPPORTED. */
  TF_DTYPE_AS_STORED = 0,
  TF_DTYPE_BOOL = 1,             /**< one byte, 0 or 1 */
  TF_DTYPE_INT8 = 2,             /**< 8-bit signed integer */
  TF_DTYPE_INT16 = 3,            /**< 16-bit signed integer */
  TF_DTYPE_INT32 = 4,            /**< 32-bit signed integer */
  TF_DTYPE_INT64 = 5,            /**< 64-bit signed integer */
  TF_DTYPE_UINT8 = 6,            /**< 8-bit unsigned integer */
  TF_DTYPE_UINT16 = 7,           /**< 16-bit unsigned integer */
  TF_DTYPE_UINT32 = 8,           /**< 32-bit unsigned integer */
  TF_DTYPE_UINT64 = 9,           /**< 64-bit unsigned integer */
  TF_DTYPE_FLOAT16 = 10,         /**< IEEE 754 binary16 */
  TF_DTYPE_BFLOAT16 = 11,        /**< the upper 16 bits of a float32 */
  TF_DTYPE_FLOAT32 = 12,         /**< IEEE 754 binary32 */
  TF_DTYPE_FLOAT64 = 13,         /**< IEEE 754 binary64 */
  TF_DTYPE_COMPLEX64 = 14,       /**< two float32: real and imaginary part */
  TF_DTYPE_COMPLEX128 = 15,      /**< two float64: real and imaginary part */
  TF_DTYPE_FLOAT8_E4M3FN = 16,   /**< F8_E4M3 of safetensors */
  TF_DTYPE_FLOAT8_E5M2 = 17,     /**< F8_E5M2 of safetensors */
  TF_DTYPE_FLOAT8_E4M3FNUZ = 18, /**< F8_E4M3FNUZ of safetensors */
  TF_DTYPE_FLOAT8_E5M2FNUZ = 19, /**< F8_E5M2FNUZ of safetensors */
  TF_DTYPE_FLOAT8_E8M0FNU = 20,  /**< F8_E8M0 of safetensors: an exponent without a sign */
  TF_DTYPE_FLOAT6_E2M3FN = 21,   /**< F6_E2M3 of safetensors, packed: 4 elements in 3 bytes */
  TF_DTYPE_FLOAT6_E3M2FN = 22,   /**< F6_E3M2 of safetensors, packed: 4 elements in 3 bytes */
  TF_DTYPE_FLOAT4_E2M1FN = 23,   /**< F4 of safetensors, packed: 2 elements in a byte, the first in its lower half */
  TF_DTYPE_Q4_0 = 66,            /**< first of ggml's block types */
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

/** What the elements of a dtype are: see tf_dtype_kind(). */
enum {
  TF_DTYPE_KIND_NONE = 0, /**< there is no such dtype */
  TF_DTYPE_KIND_BOOL = 1,
  TF_DTYPE_KIND_SIGNED = 2,   /**< signed integers */
  TF_DTYPE_KIND_UNSIGNED = 3, /**< unsigned integers */
  TF_DTYPE_KIND_FLOAT = 4,    /**< floats of any width */
  TF_DTYPE_KIND_COMPLEX = 5,
  TF_DTYPE_KIND_BLOCK = 6 /**< a block type of ggml */
};

/**
 * A mixture of types in which llama-quantize encodes a model: see tf_quant_plan_new().
 *
 * The numbers are llama.cpp's, which general.file_type has in the metadata of a .gguf.
 */
typedef int32_t tf_preset;
enum {
  TF_PRESET_NONE = 0, /**< no preset */
  TF_PRESET_Q4_0 = 2,
  TF_PRESET_Q4_1 = 3,
  TF_PRESET_Q8_0 = 7,
  TF_PRESET_Q5_0 = 8,
  TF_PRESET_Q5_1 = 9,
  TF_PRESET_Q2_K = 10,
  TF_PRESET_Q3_K_S = 11,
  TF_PRESET_Q3_K_M = 12,
  TF_PRESET_Q3_K_L = 13,
  TF_PRESET_Q4_K_S = 14,
  TF_PRESET_Q4_K_M = 15,
  TF_PRESET_Q5_K_S = 16,
  TF_PRESET_Q5_K_M = 17,
  TF_PRESET_Q6_K = 18,
  TF_PRESET_Q2_K_S = 21, /**< needs an importance matrix */
  TF_PRESET_IQ4_NL = 25,
  TF_PRESET_IQ4_XS = 30,
  TF_PRESET_TQ1_0 = 36,
  TF_PRESET_TQ2_0 = 37,
  TF_PRESET_MXFP4_MOE = 38
};

/** A file format. */
typedef int32_t tf_format;
enum {
  TF_FORMAT_AUTO = 0, /**< detect the format: by the path's extension, or else by the content */
  TF_FORMAT_NPY = 1,
  TF_FORMAT_NPZ = 2,
  TF_FORMAT_SAFETENSORS = 3,
  TF_FORMAT_GGUF = 4,
  TF_FORMAT_BY_CONTENT = 5 /**< for reading: detect the format by the content, and ignore the path's extension */
};

/** What a file format can do: see tf_format_ability(). */
typedef int32_t tf_ability;
enum {
  /** 1 if a file holds exactly one array, which has no name. */
  TF_ABILITY_SINGLE_ARRAY = 1,
  /** Which metadata a file can hold: ::TF_METADATA_NONE, ::TF_METADATA_STRINGS, ::TF_METADATA_STRING_LISTS or
      ::TF_METADATA_TYPED. Each of them includes the previous ones. */
  TF_ABILITY_METADATA = 2,
  /** The largest number of files that a set can have (see ::TF_OPTION_PART_BYTES); 0 if the format has no sets. */
  TF_ABILITY_PARTS = 3,
  /** 1 if arrays can be compressed: see ::TF_OPTION_COMPRESS. */
  TF_ABILITY_COMPRESSION = 4,
  /** 1 if metadata values are members beside the arrays, which some readers (such as MLX) refuse. */
  TF_ABILITY_TEXT_MEMBERS = 5,
  /** 1 if readers expect metadata that describes a model, general.architecture above all. */
  TF_ABILITY_MODEL_KEYS = 6,
  /** 1 if the header can end in spaces, so that a longer header fits into a file (see tf_edit_patch_bytes()). */
  TF_ABILITY_HEADER_SLACK = 7
};

/** Values of ::TF_ABILITY_METADATA. */
enum {
  TF_METADATA_NONE = 0,
  TF_METADATA_STRINGS = 1,
  TF_METADATA_STRING_LISTS = 2, /**< strings and lists of strings */
  TF_METADATA_TYPED = 3         /**< also bools, numbers, and arrays of them: see tf_save_gguf() */
};

/** The kind of a value in a ::tf_dict. */
typedef int32_t tf_kind;
enum {
  TF_KIND_NONE = 0, /**< there is no such value */
  TF_KIND_ARRAY = 1,
  TF_KIND_STRING = 2, /**< bytes; they are UTF-8 if the writer of the file obeyed its format */
  TF_KIND_STRING_LIST = 3,
  TF_KIND_DICT = 4
};

/**
 * An option of ::tf_options. The value of every option is an int64_t; tf_options_set() checks its range.
 *
 * "Switch" means 0 or 1. "Named value" means that tf_options_set_string() accepts the value by name too. Options are
 * grouped by what they concern; a call ignores those that do not concern it.
 */
typedef int32_t tf_option;
enum {
  /* Execution */

  /** Number of threads that one call may use, the calling thread included. 0 to 1024. Default 0: as many as the machine
      has cores, or the width of the executor if one is set. With 1 the call creates no thread and uses no executor. */
  TF_OPTION_THREADS = 1,
  /** Bytes of memory that the objects created by one call, or read through one ::tf_file, may occupy at the same time.
      0 to INT64_MAX. Default 0: no limit. Exceeding it is ::TF_STATUS_LIMIT. */
  TF_OPTION_MAX_BYTES = 9,

  /* Which format */

  /** Format to load; also the format of tf_save_file(), of tf_save_weights() if the extension of its path names none,
      and of saves and writers whose format argument is ::TF_FORMAT_AUTO. Named value: a ::tf_format, or "auto", "npy",
      "npz", "safetensors", "gguf" or "content" (::TF_FORMAT_BY_CONTENT, for reading only). Default ::TF_FORMAT_AUTO. */
  TF_OPTION_FORMAT = 2,

  /* Loading */

  /** Whether loaded arrays own their memory or map the file. Named value: ::TF_LOAD_MODE_OWN ("own", the default) or
      ::TF_LOAD_MODE_MAP ("map"). */
  TF_OPTION_LOAD_MODE = 4,
  /** What loading does with ggml's block types. Named value: ::TF_DECODE_KEEP ("keep", the default), ::TF_DECODE_MLX
      ("mlx"), or one of ::TF_DTYPE_FLOAT16, ::TF_DTYPE_BFLOAT16, ::TF_DTYPE_FLOAT32, ::TF_DTYPE_FLOAT64 (or its name)
      to decode to that dtype. A ::tf_file always describes arrays as they are stored, and tf_file_read_into() has its
      own dtype argument. */
  TF_OPTION_DECODE = 22,
  /** Switch, default 0. With 1, faults are accepted that the reference readers of the formats accept: bytes after the
      end of a file or before a zip archive; in a .npz, several members of one name (the last one is used), bytes after
      the array of a member, and a member whose header is invalid (it is listed with ::TF_DTYPE_UNSUPPORTED). */
  TF_OPTION_LENIENT = 5,
  /** Switch, default 0. With 1, tf_load() and tf_load_weights() leave out arrays that cannot be read, because their type
      is unknown or their header is invalid, instead of failing. */
  TF_OPTION_SKIP_UNSUPPORTED = 23,
  /** Switch, default 1: tf_load_weights() fails if weights are missing, unexpected, or of another shape. With 0 it
      loads the expected weights that the file has. */
  TF_OPTION_STRICT = 6,
  /** Switch, default 0. With 1, opening one part of a set of files opens the whole set: that of the index in the same
      folder that lists a .safetensors, that of the metadata of a split .gguf, or else all parts with that name and other
      numbers (NAME-00001-of-00003.gguf). The index of sharded safetensors (NAME.safetensors.index.json) and the folder of
      a set always open the whole set. */
  TF_OPTION_PARTS = 7,

  /* Limits on untrusted files; exceeding one is TF_STATUS_LIMIT */

  /** Longest accepted header in bytes. 0 to INT64_MAX. Default 0: 1 MiB for the header of an npy array, 100,000,000
      otherwise. */
  TF_OPTION_MAX_HEADER_BYTES = 10,
  /** Largest accepted number of arrays in a file. 1 to 2^30, default 1,000,000. */
  TF_OPTION_MAX_ARRAYS = 11,
  /** Largest accepted number of metadata values in a file; the elements of a list do not count. 1 to 2^30, default
      1,000,000. */
  TF_OPTION_MAX_METADATA = 12,
  /** Longest accepted name or key in bytes. 1 to 2^30, default 65,536. */
  TF_OPTION_MAX_NAME_BYTES = 13,
  /** Largest accepted number of dimensions. 1 to 64, default 64. */
  TF_OPTION_MAX_RANK = 14,
  /** Deepest accepted nesting of metadata (gguf arrays nest at most 8 deep in any case), and of the trees that
      tf_load_weights() and tf_save_weights() convert from and to dotted names. 1 to 64, default 64. */
  TF_OPTION_MAX_NESTING = 15,

  /* Saving */

  /** Switch, default 0: the extension of the format is appended to a path that lacks it. With 1 the path is used as it
      is. */
  TF_OPTION_EXACT_PATH = 3,
  /** Most bytes of array data in one file, for a .safetensors or .gguf that is saved by path or to a sink that has a
      resolver. 0 to INT64_MAX. Default 0: one file. Larger data is saved as a set of parts NAME-00001-of-00003 and so on,
      for safetensors with an index. An array is never divided: one that is larger gets a part of its own. */
  TF_OPTION_PART_BYTES = 8,
  /** Switch, default 1: saves by path are all or nothing (see "Saving"). With 0 the target is written in place; this
      needs no space for a second copy, but a save that fails leaves an incomplete file. */
  TF_OPTION_ATOMIC = 17,
  /** Switch, default 0. With 1 the files and their folder are flushed to the disk (fsync) before a save returns. */
  TF_OPTION_DURABLE = 16,
  /** Alignment of array data in bytes. 0, or a power of two from 1 to 1,048,576. Default 0: 64, for gguf 32 or what the
      key general.alignment of the metadata says. npy always has 64, as np.save; npz accepts at most 32,768; for gguf
      the key general.alignment is written to match. */
  TF_OPTION_ALIGNMENT = 18,
  /** Switch, default 0. With 1, a .gguf may have arrays of 5 to 8 dimensions and names of 64 to 65,535 bytes. ggml and
      other programs refuse such files. */
  TF_OPTION_GGUF_EXTENDED = 24,

  /* Compression of .npz */

  /** Switch, default 0. With 1, tf_save_file(), tf_save_weights(), tf_save_memory(), tf_save_sink() and a ::tf_writer
      deflate the members of an .npz. tf_savez() never does, tf_savez_compressed() always. */
  TF_OPTION_COMPRESS = 19,
  /** Deflate level, -1 to 9: 0 stores, 1 to 3 are fast, and higher levels search longer for a smaller output. Default
      -1: level 2, or zlib's default of 6 with ::TF_DEFLATE_ZLIB. */
  TF_OPTION_COMPRESSION_LEVEL = 20,
  /** Which encoder deflates. Named value: ::TF_DEFLATE_AUTO ("auto", the default) or ::TF_DEFLATE_ZLIB ("zlib"). */
  TF_OPTION_DEFLATE = 21
};

/** Values of ::TF_OPTION_DEFLATE. */
enum {
  /** The library's own encoder, which is made for arrays, is faster than zlib, and writes the same bytes on every
      machine. */
  TF_DEFLATE_AUTO = 0,
  /** zlib. The bytes depend on its version. Saving fails with UNSUPPORTED if the library was built without zlib. */
  TF_DEFLATE_ZLIB = 1
};

/** Values of ::TF_OPTION_DECODE, besides dtypes. */
enum {
  /** Arrays of block types stay as they are. */
  TF_DECODE_KEEP = 0,
  /** tf_load() converts as MLX's load does. q4_0, q4_1 and q8_0 become three arrays: NAME (uint32 words that hold codes
      of 4 or 8 bits, lowest bits first) and STEM.scales and STEM.biases (float16, one for each 32 codes), where STEM is
      NAME without a trailing ".weight". An element is code * scale + bias. Other block types become float16.
      tf_file_read() keeps blocks. */
  TF_DECODE_MLX = -1
};

/** Values of ::TF_OPTION_LOAD_MODE. */
enum {
  /** Arrays own their memory; later changes to the file do not affect them. */
  TF_LOAD_MODE_OWN = 0,
  /** Arrays are private, writable mappings of the file: pages are read when they are first accessed, and writes do not
      reach the file. If another program shortens the file in place, accessing the lost part raises SIGBUS, which ends
      the process. Data that cannot be mapped is copied instead: compressed members, data that is not aligned to its
      items, another byte order, and bools other than 0 and 1. Copied members of an .npz have their CRC-32 verified;
      mapped ones do not, because that would read them. */
  TF_LOAD_MODE_MAP = 1
};

/** Numbers at the start of the memory that tf_file_listing() returns. */
enum {
  TF_LISTING_COUNT = 0,        /**< number of arrays */
  TF_LISTING_DTYPES = 1,       /**< offset of count ::tf_dtype (int32_t) */
  TF_LISTING_NBYTES = 2,       /**< offset of count uint64_t, as tf_file_nbytes() */
  TF_LISTING_SHAPE_STARTS = 3, /**< offset of count + 1 int64_t: index of each array's first size, then their number */
  TF_LISTING_SHAPES = 4,       /**< offset of the sizes of all arrays, int64_t */
  TF_LISTING_NAME_STARTS = 5,  /**< offset of count + 1 int64_t: index of each name's first byte, then their number */
  TF_LISTING_NAMES = 6         /**< offset of the names of all arrays, UTF-8 without NULs between them */
};

/** In the start, stop or step of a slice: omitted, as in Python's `a[::2]`. */
#define TENSORFILE_SLICE_OMITTED INT64_MIN

/**
 * Releases `user`. Called exactly once, when the library no longer needs `user`. It is called even if the function that
 * received it fails.
 */
typedef void (*tf_release_fn)(void *user);
/** Reads exactly nbytes bytes at offset into dst. A status other than 0 makes the library call fail with that status.
    */
typedef tf_status (*tf_read_at_fn)(void *user, uint64_t offset, void *dst, size_t nbytes);
/** Sets *out to nbytes readable bytes at offset, which stay valid until the source is freed. Fails as ::tf_read_at_fn.
    */
typedef tf_status (*tf_map_fn)(void *user, uint64_t offset, uint64_t nbytes, const void **out);
/**
 * Finds another file of the set that a source belongs to, and sets *out to a new source for it, of which the library
 * takes ownership. Called on the thread that opens the set, once for each file.
 *
 * The name is NUL-terminated and relative to the folder of the source's name, with '/' between the names of folders. It
 * never leads out of that folder: names in an index that have ".." in them, begin with '/', or contain '\\' or ':' are
 * refused before. Returns ::TF_STATUS_NOT_FOUND if there is no such file; with any status but 0 the library call fails
 * with that status, unless it only asked whether the set has an index. The source may have hints; one without a name
 * gets the folder and the name.
 */
typedef tf_status (*tf_resolve_source_fn)(void *user, const char *name, tf_source **out);
/** Writes all nbytes bytes of src. A status other than 0 makes the library call fail with that status. */
typedef tf_status (*tf_write_fn)(void *user, const void *src, size_t nbytes);
/** Completes what was written to a sink, such as a multipart upload. A status other than 0 makes the library call fail
    with that status. */
typedef tf_status (*tf_commit_fn)(void *user);
/** Discards what was written to a sink. */
typedef void (*tf_abort_fn)(void *user);
/**
 * Makes the sink for a file of a set, and sets *out to it; the library takes ownership. Called on the calling thread.
 * The name is NUL-terminated: the last part of the name that tf_sink_set_resolver() was given, with the number of the
 * part, as in "w-00001-of-00003.safetensors", or that of the index. A status other than 0 makes the library call fail
 * with that status.
 */
typedef tf_status (*tf_resolve_sink_fn)(void *user, const char *name, tf_sink **out);
/**
 * Reports that a load or save has processed done of total bytes of array data. Called on the calling thread. A status
 * other than 0 (such as ::TF_STATUS_CANCELLED) makes the library call fail with that status.
 */
typedef tf_status (*tf_progress_fn)(void *user, uint64_t done, uint64_t total);
/**
 * Reports that an entry of a ::tf_read_plan is complete: its elements are in memory and will not be written again.
 * Called once for each entry, for one entry at a time, on the thread that called tf_read_plan_run(), while the other
 * threads go on reading. It may call any function of the library but those that take the plan. A status other than 0
 * (such as ::TF_STATUS_CANCELLED) makes tf_read_plan_run() fail with that status.
 */
typedef tf_status (*tf_read_complete_fn)(void *user, size_t entry);
/** Returns size bytes at an address that is a multiple of alignment (a power of two), or NULL if that is impossible. */
typedef void *(*tf_alloc_fn)(void *user, size_t size, size_t alignment);
/** Frees memory of a ::tf_alloc_fn. The size and alignment are those that were requested. */
typedef void (*tf_free_fn)(void *user, void *ptr, size_t size, size_t alignment);
/** Does one part of a call's work. Provided by the library; may run on any thread. */
typedef void (*tf_job_fn)(void *jobs, size_t index);
/**
 * Calls run(jobs, index) exactly once for each index from 0 to count - 1, on any threads, in any order and at the same
 * time if possible, and returns when all of these calls have returned. If it returns a status other than 0, the library
 * call fails with that status, and no job may run after that.
 */
typedef tf_status (*tf_executor_fn)(void *user, tf_job_fn run, void *jobs, size_t count);

/**
 * @name Version and errors
 * @{
 */

/** Returns the version of the running library: major * 10000 + minor * 100 + patch. */
TENSORFILE_API uint32_t tf_version_number(void);
/** Returns the version of the running library as text, such as "0.9.0". The string is static. */
TENSORFILE_API const char *tf_version_string(void);
/** Returns a status as a lower-case word, such as "corrupt"; "unknown" for other numbers. The string is static. */
TENSORFILE_API const char *tf_status_name(tf_status status);
/**
 * Describes the last failure on the calling thread: one line of at most 1,023 bytes of UTF-8, with control characters
 * escaped. It says what failed and where (file, array, byte), what was expected and what was found.
 * @return the message, "" before the first failure. It is borrowed until the next failure on this thread; calls that
 *         succeed do not change it.
 */
TENSORFILE_API const char *tf_error_message(void);
/** Returns the status of the last failure on the calling thread, ::TF_STATUS_OK before the first one. It is useful after
    a getter, which returns no status; calls that succeed do not change it. */
TENSORFILE_API tf_status tf_error_status(void);
/** Returns the number of the operating system's error that caused the last failure on this thread (errno, on Windows
    what GetLastError() returned), or 0 if there is none. */
TENSORFILE_API int64_t tf_error_system(void);
/** Returns the byte offset in the file that the last failure on this thread is about, or UINT64_MAX if there is none.
    */
TENSORFILE_API uint64_t tf_error_offset(void);
/** Returns the name of the array or key that the last failure on this thread is about, cut to 255 bytes, or "" if there
    is none. It is borrowed as the string of tf_error_message() is. */
TENSORFILE_API const char *tf_error_name(void);
/**
 * Sets the error record of the calling thread. Callbacks use it to say why they fail: if a callback of a source, a sink
 * or a resolver calls this function and then returns the same status, the message of the library call that fails
 * contains the callback's message instead of only the name of the status. Libraries that are built on this one use it to
 * report their own failures.
 * @param status   the status, which is not ::TF_STATUS_OK
 * @param message  one line, without the name of the file, which the library adds to the message of a callback
 * @param length   bytes of message, or SIZE_MAX
 * @return status, so that a callback can return the result of this function; INVALID_ARGUMENT if status is OK.
 */
TENSORFILE_API tf_status tf_error_set(tf_status status, const char *message, size_t length);

/** @} */
/**
 * @name Dtypes and formats
 * @{
 */

/** Returns the name of a dtype as NumPy and ml_dtypes write it ("float32", "float8_e4m3fn"), or ggml's name in lower
    case ("q4_k"); "unsupported" for ::TF_DTYPE_UNSUPPORTED and other numbers. The string is static. */
TENSORFILE_API const char *tf_dtype_name(tf_dtype dtype);
/** Returns the dtype with a NUL-terminated name, or ::TF_DTYPE_UNSUPPORTED if there is none. The names of ggml's types
    may be in any letter case. */
TENSORFILE_API tf_dtype tf_dtype_from_name(const char *name);
/** Returns the number of bits of one element: 8 for bool, 4 for float4_e2m1fn; 0 for a block type. */
TENSORFILE_API uint32_t tf_dtype_bits(tf_dtype dtype);
/** Returns the number of elements in the smallest unit of whole bytes: 1 for most dtypes, 2 for float4, 4 for float6,
    and the size of a block (such as 32 or 256) for a block type. */
TENSORFILE_API uint32_t tf_dtype_block_size(tf_dtype dtype);
/** Returns the number of bytes of that unit: the item size for most dtypes, 1 for float4, 3 for float6, and the bytes
    of a block (18 for q4_0) for a block type. */
TENSORFILE_API uint32_t tf_dtype_block_bytes(tf_dtype dtype);
/** Returns what the elements of a dtype are: one of ::TF_DTYPE_KIND_BOOL, ::TF_DTYPE_KIND_SIGNED,
    ::TF_DTYPE_KIND_UNSIGNED, ::TF_DTYPE_KIND_FLOAT, ::TF_DTYPE_KIND_COMPLEX and ::TF_DTYPE_KIND_BLOCK;
    ::TF_DTYPE_KIND_NONE for ::TF_DTYPE_UNSUPPORTED and other numbers. */
TENSORFILE_API int32_t tf_dtype_kind(tf_dtype dtype);
/** Returns 1 if tf_array_cast() can make arrays of a dtype from floats, else 0: for the block types that can only be
    decoded, for ::TF_DTYPE_UNSUPPORTED and other numbers. */
TENSORFILE_API int32_t tf_dtype_can_encode(tf_dtype dtype);
/** Returns the format at an index, in the order of their numbers, or ::TF_FORMAT_AUTO if the index is not less than the
    number of formats. */
TENSORFILE_API tf_format tf_format_at(size_t index);
/** Returns the name of a format: "auto", "npy", "npz", "safetensors", "gguf"; "unknown" for other numbers. The string
    is static. */
TENSORFILE_API const char *tf_format_name(tf_format format);
/** Returns the extension of a format with its dot, such as ".npz"; "" for ::TF_FORMAT_AUTO, ::TF_FORMAT_BY_CONTENT and
    other numbers. The string is static. */
TENSORFILE_API const char *tf_format_extension(tf_format format);
/** Returns what a format can do: a number whose meaning is described at the ::tf_ability. It is 0 if the format lacks
    the ability, or if there is no such format or ability. */
TENSORFILE_API int64_t tf_format_ability(tf_format format, tf_ability ability);
/** Returns the format that the extension of a path names, in any letter case, or ::TF_FORMAT_AUTO if it names none. */
TENSORFILE_API tf_format tf_format_from_path(const char *path);
/**
 * Detects the format of a file from its first bytes.
 * @param head    the first bytes of the file
 * @param nbytes  number of bytes; 16 are enough, with fewer the result can be ::TF_FORMAT_AUTO
 * @return the format, or ::TF_FORMAT_AUTO if the bytes match none
 */
TENSORFILE_API tf_format tf_format_probe(const void *head, size_t nbytes);

/** @} */
/**
 * @name Options
 * @{
 */

/** Creates options that all have their defaults. */
TENSORFILE_API tf_status tf_options_new(tf_options **out);
/** Adds a reference and returns the options. */
TENSORFILE_API tf_options *tf_options_retain(tf_options *options);
/** Drops a reference. */
TENSORFILE_API void tf_options_release(tf_options *options);
/**
 * Sets an option.
 * @param options  the options to change
 * @param option   the option to set
 * @param value    its new value, in the range given at ::tf_option
 * @return INVALID_ARGUMENT if the value is out of range; UNSUPPORTED if this version has no such option.
 */
TENSORFILE_API tf_status tf_options_set(tf_options *options, tf_option option, int64_t value);
/** Gets the value of an option. @return UNSUPPORTED if this version has no such option. */
TENSORFILE_API tf_status tf_options_get(int64_t *value, const tf_options *options, tf_option option);
/**
 * Sets an option by the name of a value: ::TF_OPTION_FORMAT, ::TF_OPTION_LOAD_MODE, ::TF_OPTION_DEFLATE or
 * ::TF_OPTION_DECODE.
 * @param options  the options to change
 * @param option   the option to set
 * @param text     the name of the value, as given at the option
 * @param length   bytes of text, or SIZE_MAX
 * @return INVALID_ARGUMENT if the option has no value of that name; TYPE if the values of the option have no names;
 *         UNSUPPORTED if this version has no such option.
 */
TENSORFILE_API tf_status tf_options_set_string(tf_options *options, tf_option option, const char *text, size_t length);
/** Returns the name of an option, as messages contain it: "max_arrays" for ::TF_OPTION_MAX_ARRAYS; "unknown" if this
    version has no such option. The string is static. */
TENSORFILE_API const char *tf_option_name(tf_option option);
/** Returns the option with a NUL-terminated name, or 0 if there is none. */
TENSORFILE_API tf_option tf_option_from_name(const char *name);
/**
 * Gets the smallest and the largest value that an option accepts, and its default.
 * @param minimum        receives the smallest value; may be NULL
 * @param maximum        receives the largest value; may be NULL. Of an option with named values, and of
 *                       ::TF_OPTION_ALIGNMENT, not every number between the two is accepted
 * @param default_value  receives the default; may be NULL
 * @param option         the option
 * @return UNSUPPORTED if this version has no such option.
 */
TENSORFILE_API tf_status tf_option_range(int64_t *minimum, int64_t *maximum, int64_t *default_value, tf_option option);
/**
 * Sets the allocator. All memory that calls with these options need, and all memory of the objects that they create,
 * comes from it.
 * @param options  the options to change
 * @param alloc    allocates memory on any thread; NULL selects the default allocator again, and then free must be NULL
 *                 too
 * @param free     frees that memory, on any thread; it can be called until the last object created with the allocator
 *                 has been released
 * @param release  called when the options and all objects created with the allocator are gone, or if this call fails;
 *                 may be NULL
 * @param user     first argument of the three callbacks
 * @return INVALID_ARGUMENT if only one of alloc and free is NULL.
 */
TENSORFILE_API tf_status tf_options_set_allocator(tf_options *options, tf_alloc_fn alloc, tf_free_fn free,
                                                  tf_release_fn release, void *user);
/**
 * Sets the progress callback. It is called on the calling thread with the bytes of array data that a load or save has
 * processed so far and their total, and can cancel the call.
 * @param options   the options to change
 * @param progress  the callback, or NULL for none
 * @param release   called when the options no longer need user, or if this call fails; may be NULL
 * @param user      first argument of the callbacks
 */
TENSORFILE_API tf_status tf_options_set_progress(tf_options *options, tf_progress_fn progress, tf_release_fn release,
                                                 void *user);
/**
 * Sets an executor: calls with these options create no threads and run their parallel work on the caller's own workers
 * instead. A call uses the executor once, or several times so that progress can be reported in between. Small work is
 * done directly on the calling thread.
 *
 * Jobs never wait for each other, so they may run one after another. They call the allocator and concurrent sources on
 * whatever thread runs them, and can change the error record of that thread. The executor may run jobs on the calling
 * thread too; it must not wait for other work that only the calling thread could do.
 * @param options  the options to change
 * @param execute  the executor, or NULL to let the library create threads again
 * @param width    number of jobs that can run at the same time, at least 1. The library never passes a count above it
 *                 or above ::TF_OPTION_THREADS
 * @param release  called when the options, and files opened with them, no longer need user, or if this call fails; may
 *                 be NULL
 * @param user     first argument of the callbacks
 * @return INVALID_ARGUMENT if width is 0. A later call that uses the executor fails with INVALID_ARGUMENT if the
 *         executor returned 0 without having run every job.
 */
TENSORFILE_API tf_status tf_options_set_executor(tf_options *options, tf_executor_fn execute, size_t width,
                                                 tf_release_fn release, void *user);

/** @} */
/**
 * @name Arrays
 * @{
 */

/**
 * Creates a C-contiguous array of zeros.
 * @param out    receives the array
 * @param dtype  type of its elements
 * @param shape  ndim sizes in elements, each 0 or more; NULL if ndim is 0. For a block type the last size must be a
 *               multiple of the block size; for a packed type (float4, float6) the number of elements must be a
 *               multiple of the unit, see tf_dtype_block_size()
 * @param ndim   number of dimensions, 0 to 64; 0 makes a scalar
 * @return INVALID_ARGUMENT if a size is negative, the array would have 2^63 bytes or more, or the dtype is unknown.
 */
TENSORFILE_API tf_status tf_array_new(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim);
/** Does the same as tf_array_new(), with memory of the options' allocator. @return as tf_array_new(); LIMIT if the
    array needs more than ::TF_OPTION_MAX_BYTES. */
TENSORFILE_API tf_status tf_array_new_with(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                                           const tf_options *options);
/**
 * Creates a C-contiguous array that holds a copy of data.
 * @param out     receives the array
 * @param dtype   type of its elements
 * @param shape   ndim sizes in elements, as in tf_array_new()
 * @param ndim    number of dimensions
 * @param src     the elements in C order, in the byte order of this machine (block types are little-endian everywhere)
 * @param nbytes  bytes of src; must be exactly what dtype and shape need
 * @return as tf_array_new(); INVALID_ARGUMENT if nbytes is wrong.
 */
TENSORFILE_API tf_status tf_array_copy_from(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                                            const void *src, size_t nbytes);
/**
 * Creates an array on memory of the caller, without a copy. The memory must stay valid until release is called.
 * @param out       receives the array
 * @param dtype     type of its elements
 * @param shape     ndim sizes in elements, as in tf_array_new()
 * @param ndim      number of dimensions
 * @param strides   ndim strides in bytes, multiples of the item's alignment; 0 and negative ones are allowed. NULL for
 *                  a C-contiguous array, and always for packed and block types
 * @param data      the first element, [0, 0, ...], aligned to its item (complex: to its half); may be NULL if the array
 *                  has no elements
 * @param nbytes    number of bytes from data on that the array may access. With negative strides the array also
 *                  accesses memory before data; the caller guarantees that it exists
 * @param writable  0 makes the array read-only: tf_array_data_mut() refuses it
 * @param release   called with user when the last array on this memory is released, or if this call fails; may be NULL
 * @param user      argument of release
 * @return as tf_array_new(); INVALID_ARGUMENT if strides or data are misaligned or the elements exceed nbytes.
 */
TENSORFILE_API tf_status tf_array_wrap(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                                       const int64_t *strides, void *data, size_t nbytes, int32_t writable,
                                       tf_release_fn release, void *user);
/** Adds a reference and returns the array. */
TENSORFILE_API tf_array *tf_array_retain(tf_array *array);
/** Drops a reference. */
TENSORFILE_API void tf_array_release(tf_array *array);
/** Returns the dtype. */
TENSORFILE_API tf_dtype tf_array_dtype(const tf_array *array);
/** Returns the number of dimensions; 0 for a scalar. */
TENSORFILE_API size_t tf_array_ndim(const tf_array *array);
/** Returns the ndim sizes in elements. The pointer is borrowed from the array, and never NULL for an array. */
TENSORFILE_API const int64_t *tf_array_shape(const tf_array *array);
/** Returns the ndim strides in bytes, borrowed from the array, or NULL for packed and block types, which are always
    C-contiguous. */
TENSORFILE_API const int64_t *tf_array_strides(const tf_array *array);
/** Returns the number of elements, the product of the shape. */
TENSORFILE_API int64_t tf_array_size(const tf_array *array);
/** Returns the number of bytes of all elements in C order, whatever the strides are. */
TENSORFILE_API uint64_t tf_array_nbytes(const tf_array *array);
/** Returns the address of the first element, [0, 0, ...]. It is borrowed from the array, and never NULL for an array,
    not even for an empty one. */
TENSORFILE_API const void *tf_array_data(const tf_array *array);
/**
 * Gets the address of the first element for writing.
 * @param data   receives the address, borrowed from the array
 * @param array  the array to write
 * @return INVALID_ARGUMENT if the memory is read-only or shared with another array; tf_array_make_mut() makes it
 *         writable.
 */
TENSORFILE_API tf_status tf_array_data_mut(void **data, tf_array *array);
/**
 * Makes sure that *array can be written without changing any other array. If its memory is read-only, or shared with
 * another array or through another reference to the same array (such as a dict's), *array is replaced by a C-contiguous
 * copy and the old reference is released; otherwise nothing changes.
 */
TENSORFILE_API tf_status tf_array_make_mut(tf_array **array);
/** Returns 1 if the elements are stored in C order without gaps, else 0. */
TENSORFILE_API int32_t tf_array_is_contiguous(const tf_array *array);
/**
 * Gets one element as an integer.
 * @param value  receives the element
 * @param array  an array of bool or an integer dtype
 * @param index  ndim indices; negative ones count from the end. NULL if ndim is 0
 * @param ndim   number of indices, which must be that of the array's dimensions
 * @return INVALID_ARGUMENT if an index is out of range; TYPE if the dtype is another one, or the element is a uint64
 *         above INT64_MAX.
 */
TENSORFILE_API tf_status tf_array_item_int64(int64_t *value, const tf_array *array, const int64_t *index, size_t ndim);
/** Gets one element as a double, rounded to nearest even if necessary. The arguments are those of
    tf_array_item_int64(). @return INVALID_ARGUMENT if an index is out of range; TYPE if the dtype is complex or a block
    type. */
TENSORFILE_API tf_status tf_array_item_double(double *value, const tf_array *array, const int64_t *index, size_t ndim);
/**
 * Sets one element to an integer.
 * @param array  an array of bool or an integer dtype
 * @param index  ndim indices, as in tf_array_item_int64()
 * @param ndim   number of indices
 * @param value  the new value
 * @return INVALID_ARGUMENT if an index is out of range, the dtype cannot hold the value (a bool holds 0 and 1), or the
 *         memory cannot be written (see tf_array_data_mut()); TYPE if the dtype is another one.
 */
TENSORFILE_API tf_status tf_array_set_item_int64(tf_array *array, const int64_t *index, size_t ndim, int64_t value);
/** Sets one element to a double. A float dtype rounds it as tf_array_cast() does; bool and integer dtypes take whole
    numbers that they can hold. The other arguments are those of tf_array_set_item_int64(). @return INVALID_ARGUMENT as
    tf_array_set_item_int64(); TYPE if the dtype is complex or a block type. */
TENSORFILE_API tf_status tf_array_set_item_double(tf_array *array, const int64_t *index, size_t ndim, double value);
/**
 * Copies the elements to memory of the caller.
 * @param array    the array to copy
 * @param dtype    dtype to cast to, as tf_array_cast(), on several threads if there is much to cast;
 *                 ::TF_DTYPE_AS_STORED keeps that of the array
 * @param dst      where the first element goes; needs no alignment. It must not overlap the array's memory, and its
 *                 contents are undefined if the call fails
 * @param strides  ndim strides in bytes, which may be negative and must place no two elements on the same bytes. NULL
 *                 for C order, and always for packed and block types
 * @param nbytes   bytes from dst on that may be written: without strides exactly what the elements need, with strides
 *                 at least as many as they reach. With negative strides the call also writes before dst; the caller
 *                 guarantees that this memory exists
 * @return as tf_array_cast(); INVALID_ARGUMENT if nbytes or a stride is wrong.
 */
TENSORFILE_API tf_status tf_array_copy_to(const tf_array *array, tf_dtype dtype, void *dst, const int64_t *strides,
                                          size_t nbytes);
/** Returns the array itself with another reference if it is C-contiguous, else a C-contiguous copy. */
TENSORFILE_API tf_status tf_array_contiguous(tf_array **out, const tf_array *array);
/**
 * Gives the elements of an array, in C order, another shape, as NumPy's reshape does. The result is a view if strides
 * can describe it, which they always can for a C-contiguous array, and otherwise a C-contiguous copy.
 * @param out    receives the result
 * @param array  the array to reshape
 * @param shape  ndim sizes with the same product as the array's; one may be -1, which means that it follows from the
 *               others. NULL if ndim is 0
 * @param ndim   number of dimensions, 0 to 64
 * @return INVALID_ARGUMENT if the number of elements differs, more than one size is -1 or it does not follow from the
 *         others because one of them is 0, or a row of a block type would not be whole blocks.
 */
TENSORFILE_API tf_status tf_array_reshape(tf_array **out, const tf_array *array, const int64_t *shape, size_t ndim);
/**
 * Creates a view with the axes in another order.
 * @param out    receives the view
 * @param array  the array to view
 * @param axes   each axis of the array once, in the new order; NULL reverses the axes
 * @param naxes  number of axes: ndim, or 0 if axes is NULL
 * @return INVALID_ARGUMENT if axes is not a permutation; UNSUPPORTED for a packed or block type, unless the order stays
 *         the same.
 */
TENSORFILE_API tf_status tf_array_transpose(tf_array **out, const tf_array *array, const size_t *axes, size_t naxes);
/**
 * Creates a view of Python's array[start:stop:step, ...]. For packed and block types the result is a copy if a view is
 * impossible.
 * @param out    receives the view
 * @param array  the array to slice
 * @param start  for each dimension the index of the first element. Negative and out-of-range values mean what they mean
 *               in Python; ::TENSORFILE_SLICE_OMITTED means omitted. NULL means that all ndim values are omitted
 * @param stop   for each dimension the index to stop before, given as start is
 * @param step   for each dimension the distance of the elements, given as start is; not 0
 * @param ndim   number of the array's dimensions
 * @return INVALID_ARGUMENT if a step is 0 or ndim is not that of the array; UNSUPPORTED if the slice would divide a
 *         unit of a packed or block type.
 */
TENSORFILE_API tf_status tf_array_slice(tf_array **out, const tf_array *array, const int64_t *start,
                                        const int64_t *stop, const int64_t *step, size_t ndim);
/**
 * Casts an array to another dtype. The result is a C-contiguous copy, or the array itself with another reference if it
 * already has the dtype and is C-contiguous.
 *
 * Floats are rounded to nearest even and overflow as in NumPy and ml_dtypes. A float is truncated to an integer and
 * saturates; NaN becomes 0. An integer wraps around, as in NumPy's astype. As a bool, every value but zero is true.
 * Block types are decoded, and encoded as ggml's reference code does.
 * @param out      receives the result
 * @param array    the array to cast
 * @param dtype    the dtype of the result
 * @param options  allocator and threads; may be NULL
 * @return TYPE for complex to real; UNSUPPORTED if no conversion between the dtypes is defined; INVALID_ARGUMENT if a
 *         row cannot be divided into blocks, or an element to be encoded into a block is not finite.
 */
TENSORFILE_API tf_status tf_array_cast(tf_array **out, const tf_array *array, tf_dtype dtype,
                                       const tf_options *options);
/**
 * Casts an array to a block type with an importance matrix: errors of elements with larger weights are made smaller. The
 * blocks equal those that ggml makes with these weights. Dtypes whose encoders use no weights are cast as by
 * tf_array_cast(): q8_0, q8_1, q8_k, tq1_0, tq2_0, mxfp4, nvfp4, and all that are not block types.
 * @param out      receives the result
 * @param array    the array to cast; its rows must be whole, also if it is a part of a larger one
 * @param dtype    the dtype of the result
 * @param weights  a float32 array with the same last size. It broadcasts to the shape of the array as in NumPy, such as
 *                 (experts, 1, columns)
 * @param options  allocator and threads; may be NULL
 * @return as tf_array_cast(); TYPE if the weights are not float32; INVALID_ARGUMENT if their shape does not fit, or a
 *         weight is not finite.
 */
TENSORFILE_API tf_status tf_array_cast_weighted(tf_array **out, const tf_array *array, tf_dtype dtype,
                                                const tf_array *weights, const tf_options *options);
/** Sets *equal to 1 if dtypes, shapes and all bytes of the elements are equal, else to 0. A NaN equals the same NaN,
    and -0.0 does not equal 0.0. */
TENSORFILE_API tf_status tf_array_equal(int32_t *equal, const tf_array *a, const tf_array *b);

/** @} */
/**
 * @name DLPack
 * Exchanges arrays with NumPy, PyTorch, JAX and others in memory, without a copy. The structs are those of dlpack.h
 * 1.x. DLPack has no types for ggml's blocks; float4 and float6 are exchanged in their packed form.
 * @{
 */

/**
 * Exports an array as a tensor of DLPack 1.1 in the memory of the host.
 *
 * The tensor keeps the memory alive until its deleter is called, even if the array is released earlier. Until then the
 * memory counts as shared (see tf_array_data_mut()). A consumer may write to the array's memory unless it is read-only,
 * which the tensor's read-only flag reports.
 * @param out    receives the tensor; its owner calls (*out)->deleter(*out) exactly once
 * @param array  the array to export
 * @return UNSUPPORTED for a block type, or if a stride is not a multiple of the item size (possible for complex
 *         dtypes).
 */
TENSORFILE_API tf_status tf_array_to_dlpack(struct DLManagedTensorVersioned **out, tf_array *array);
/** Does the same as tf_array_to_dlpack() with the struct of DLPack before 1.0. @return as tf_array_to_dlpack();
    UNSUPPORTED also for read-only memory, which that struct cannot express. */
TENSORFILE_API tf_status tf_array_to_dlpack_unversioned(struct DLManagedTensor **out, tf_array *array);
/**
 * Creates an array on the memory of a DLPack tensor, without a copy. The array is writable unless the tensor has the
 * read-only flag.
 * @param out     receives the array
 * @param tensor  a tensor in host memory, which may be pinned for CUDA or ROCm. The call takes ownership of it: its
 *                deleter is called when the last array on its memory is released, or if this call fails
 * @return UNSUPPORTED for memory of a device, a type that has no ::tf_dtype, several lanes, a packed type that is
 *         padded or strided, and DLPack 2 or later; INVALID_ARGUMENT for more than 64 dimensions, a negative size, or
 *         data that is not aligned to its item.
 */
TENSORFILE_API tf_status tf_array_from_dlpack(tf_array **out, struct DLManagedTensorVersioned *tensor);
/** Does the same as tf_array_from_dlpack() with the struct of DLPack before 1.0. The array is writable. */
TENSORFILE_API tf_status tf_array_from_dlpack_unversioned(tf_array **out, struct DLManagedTensor *tensor);

/** @} */
/**
 * @name Dicts
 * A dict copies its keys and strings, and keeps a reference to its arrays and dicts. A key is UTF-8: length bytes, or
 * NUL-terminated if length is SIZE_MAX; it may be empty, and setting a key that is not UTF-8 fails with
 * INVALID_ARGUMENT. Setting a key that exists replaces its value and keeps its index. Getters fail with NOT_FOUND if
 * there is no such key, with INVALID_ARGUMENT if there is no such index, and with TYPE if the value is of another kind;
 * tf_dict_contains() and tf_dict_kind() find out without a failure. Borrowed keys and strings stay valid until their
 * entry is changed or removed, or the dict is freed.
 * @{
 */

/** Creates an empty dict. */
TENSORFILE_API tf_status tf_dict_new(tf_dict **out);
/** Creates an empty dict whose memory comes from the options' allocator: the dict itself, its keys and strings, and the
    arrays that tf_dict_set_scalar() and its relatives create. Filling it fails with LIMIT above
    ::TF_OPTION_MAX_BYTES. */
TENSORFILE_API tf_status tf_dict_new_with(tf_dict **out, const tf_options *options);
/** Adds a reference and returns the dict. */
TENSORFILE_API tf_dict *tf_dict_retain(tf_dict *dict);
/** Drops a reference. */
TENSORFILE_API void tf_dict_release(tf_dict *dict);
/**
 * Copies a dict, its nested dicts and its lists; a dict that is nested in several places is copied once. The arrays of
 * the copy are views of the same memory, which therefore counts as shared: see tf_array_data_mut().
 * @param out   receives the copy
 * @param dict  the dict to copy, which may be borrowed, as that of tf_file_metadata() is
 */
TENSORFILE_API tf_status tf_dict_copy(tf_dict **out, const tf_dict *dict);
/** Returns the number of values. */
TENSORFILE_API size_t tf_dict_size(const tf_dict *dict);
/** Gets the key at an index from 0 to size - 1, in insertion order. The string is borrowed. */
TENSORFILE_API tf_status tf_dict_key_at(const char **key, size_t *length, const tf_dict *dict, size_t index);
/** Returns the kind of the value at an index; ::TF_KIND_NONE if the index is out of range. */
TENSORFILE_API tf_kind tf_dict_kind_at(const tf_dict *dict, size_t index);
/** Gets the array at an index, as a new reference. @return TYPE. */
TENSORFILE_API tf_status tf_dict_array_at(tf_array **out, const tf_dict *dict, size_t index);
/** Gets the string at an index. It is borrowed. @return TYPE. */
TENSORFILE_API tf_status tf_dict_string_at(const char **text, size_t *text_length, const tf_dict *dict, size_t index);
/** Gets the dict at an index, as a new reference. @return TYPE. */
TENSORFILE_API tf_status tf_dict_dict_at(tf_dict **out, const tf_dict *dict, size_t index);
/** Gets the number of strings in the list at an index. @return TYPE. */
TENSORFILE_API tf_status tf_dict_string_list_size_at(size_t *count, const tf_dict *dict, size_t index);
/** Gets one string, from 0 to count - 1, of the list at an index. It is borrowed. @return TYPE. */
TENSORFILE_API tf_status tf_dict_string_list_item_at(const char **text, size_t *text_length, const tf_dict *dict,
                                                     size_t index, size_t item);
/** Returns 1 if there is a value with a key, else 0. A missing key is not a failure: the error record does not
    change. */
TENSORFILE_API int32_t tf_dict_contains(const tf_dict *dict, const char *key, size_t length);
/** Returns the kind of the value of a key, or ::TF_KIND_NONE if there is no such key, which does not change the error
    record. */
TENSORFILE_API tf_kind tf_dict_kind(const tf_dict *dict, const char *key, size_t length);
/** Gets the index of a key. @return NOT_FOUND. */
TENSORFILE_API tf_status tf_dict_find(size_t *index, const tf_dict *dict, const char *key, size_t length);
/** Removes a key and its value. The indices of the values after it decrease by one, and the time is proportional to the
    size of the dict. @return NOT_FOUND. */
TENSORFILE_API tf_status tf_dict_remove(tf_dict *dict, const char *key, size_t length);
/** Gets the array of a key, as a new reference. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_get_array(tf_array **out, const tf_dict *dict, const char *key, size_t length);
/** Sets a key to an array, of which the dict keeps a reference. */
TENSORFILE_API tf_status tf_dict_set_array(tf_dict *dict, const char *key, size_t length, tf_array *array);
/** Gets the string of a key. It is borrowed, and can contain NUL bytes. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_get_string(const char **text, size_t *text_length, const tf_dict *dict,
                                            const char *key, size_t length);
/** Sets a key to a copy of a string of text_length bytes (or SIZE_MAX). */
TENSORFILE_API tf_status tf_dict_set_string(tf_dict *dict, const char *key, size_t length, const char *text,
                                            size_t text_length);
/** Gets the number of strings in the list of a key. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_string_list_size(size_t *count, const tf_dict *dict, const char *key, size_t length);
/** Gets one string of the list of a key. It is borrowed. @return NOT_FOUND, TYPE; INVALID_ARGUMENT if the index is out
    of range. */
TENSORFILE_API tf_status tf_dict_string_list_at(const char **text, size_t *text_length, const tf_dict *dict,
                                                const char *key, size_t length, size_t index);
/** Sets a key to an empty list of strings, which tf_dict_string_list_append() fills. */
TENSORFILE_API tf_status tf_dict_set_string_list(tf_dict *dict, const char *key, size_t length);
/** Appends a copy of a string to the list of a key. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_string_list_append(tf_dict *dict, const char *key, size_t length, const char *text,
                                                    size_t text_length);
/** Gets the dict of a key, as a new reference. @return NOT_FOUND, TYPE. */
TENSORFILE_API tf_status tf_dict_get_dict(tf_dict **out, const tf_dict *dict, const char *key, size_t length);
/** Sets a key to a dict, of which this dict keeps a reference. @return INVALID_ARGUMENT if value is this dict or
    contains it. */
TENSORFILE_API tf_status tf_dict_set_dict(tf_dict *dict, const char *key, size_t length, tf_dict *value);
/**
 * Gets the value of a 0-d array with its dtype.
 * @param dtype     receives the dtype; may be NULL
 * @param value     receives the element in the byte order of this machine; NULL asks for the dtype only
 * @param capacity  bytes of value; 16 are enough for every dtype
 * @param dict      the dict
 * @param key       the key
 * @param length    bytes of key, or SIZE_MAX
 * @return NOT_FOUND; TYPE for any other value; INVALID_ARGUMENT if the element needs more bytes than capacity.
 */
TENSORFILE_API tf_status tf_dict_get_scalar(tf_dtype *dtype, void *value, size_t capacity, const tf_dict *dict,
                                            const char *key, size_t length);
/**
 * Sets a key to a new 0-d array. In the metadata of a .gguf the dtype is the type of the value, and readers expect
 * certain ones: uint32 for most counts, float32 for factors, bool for switches.
 * @param dict    the dict to change
 * @param key     the key
 * @param length  bytes of key, or SIZE_MAX
 * @param dtype   dtype of the element; not a packed or block type
 * @param value   the element, of tf_dtype_block_bytes() bytes, in the byte order of this machine
 * @return INVALID_ARGUMENT if a dtype has no single elements, or a bool is neither 0 nor 1.
 */
TENSORFILE_API tf_status tf_dict_set_scalar(tf_dict *dict, const char *key, size_t length, tf_dtype dtype,
                                            const void *value);
/** Gets the value of a 0-d array of bool or an integer dtype. @return NOT_FOUND; TYPE for any other value. */
TENSORFILE_API tf_status tf_dict_get_int64(int64_t *value, const tf_dict *dict, const char *key, size_t length);
/** Sets a key to a new 0-d int64 array. */
TENSORFILE_API tf_status tf_dict_set_int64(tf_dict *dict, const char *key, size_t length, int64_t value);
/** Gets the value of a 0-d array of a real dtype. @return NOT_FOUND; TYPE for any other value. */
TENSORFILE_API tf_status tf_dict_get_double(double *value, const tf_dict *dict, const char *key, size_t length);
/** Sets a key to a new 0-d float64 array. */
TENSORFILE_API tf_status tf_dict_set_double(tf_dict *dict, const char *key, size_t length, double value);
/**
 * Converts a tree of nested dicts to a flat dict, joining names with '.', as MLX's tree_flatten: {"layers": {"0": {"w":
 * x}}} becomes {"layers.0.w": x}. The values are shared, and empty dicts disappear.
 * @param flat  receives the flat dict
 * @param tree  the nested dicts
 * @return DUPLICATE if two paths join to the same name; LIMIT if the tree is nested more than 64 deep.
 */
TENSORFILE_API tf_status tf_dict_flatten(tf_dict **flat, const tf_dict *tree);
/** Converts a flat dict to a tree of nested dicts, splitting names at '.'. @return DUPLICATE if a name is also the
    prefix of another one; LIMIT if the tree would be nested more than 64 deep. */
TENSORFILE_API tf_status tf_dict_unflatten(tf_dict **tree, const tf_dict *flat);
/**
 * Sets *equal to 1 if two dicts have the same keys with equal values, else to 0. The order of the keys does not matter.
 * Values are equal if they are of the same kind, and strings have the same bytes, lists the same strings in the same
 * order, arrays and numbers are equal as in tf_array_equal(), so that a NaN equals the same NaN and -0.0 does not equal
 * 0.0, and nested dicts are equal.
 */
TENSORFILE_API tf_status tf_dict_equal(int32_t *equal, const tf_dict *a, const tf_dict *b);
/**
 * Compares the names and shapes of the arrays in two trees or flat dicts. Dtypes are not compared, as in MLX's
 * load_weights.
 * @param report    receives a dict of three sorted lists of flat names: "missing" (only in expected), "unexpected"
 *                  (only in actual) and "shape" (in both, with different shapes)
 * @param expected  the tree with the expected names and shapes
 * @param actual    the tree to compare with it
 */
TENSORFILE_API tf_status tf_dict_compare(tf_dict **report, const tf_dict *expected, const tf_dict *actual);

/** @} */
/**
 * @name Sources, sinks and buffers
 * @{
 */

/**
 * Creates a source from callbacks.
 * @param out         receives the source
 * @param size        number of bytes that can be read
 * @param concurrent  not 0 if several threads may call read_at and map at the same time
 * @param read_at     reads bytes
 * @param map         maps bytes; NULL if nothing can be mapped
 * @param release     called when the source is freed, or if this call fails; may be NULL
 * @param user        first argument of the callbacks
 */
TENSORFILE_API tf_status tf_source_new(tf_source **out, uint64_t size, int32_t concurrent, tf_read_at_fn read_at,
                                       tf_map_fn map, tf_release_fn release, void *user);
/**
 * Opens a file as a source. The file stays open until the source is freed.
 * @param out   receives the source
 * @param path  path of a regular file
 * @return NOT_FOUND if there is no such file; IO if it is a folder, FIFO or device, may not be read, or the system
 *         reports an error.
 */
TENSORFILE_API tf_status tf_source_from_path(tf_source **out, const char *path);
/**
 * Creates a source on memory of the caller, without a copy.
 * @param out      receives the source
 * @param data     the bytes
 * @param nbytes   number of bytes
 * @param release  called with user when the memory is no longer needed, or if this call fails; may be NULL
 * @param user     argument of release
 */
TENSORFILE_API tf_status tf_source_from_memory(tf_source **out, const void *data, size_t nbytes, tf_release_fn release,
                                               void *user);
/**
 * Creates a source on a part of an open file, such as an asset in an archive. The source can be mapped. It duplicates
 * the descriptor, so the caller may close its own at once, and it neither uses nor moves the file position.
 * @param out     receives the source
 * @param fd      descriptor of a regular file that is open for reading (on Windows of the C run-time library that this
 *                library is linked with)
 * @param offset  byte at which the part begins
 * @param size    bytes of the part; UINT64_MAX means up to the end of the file
 * @return INVALID_ARGUMENT if the part is not within the file; IO if fd is not an open regular file, or the system
 *         reports an error.
 */
TENSORFILE_API tf_status tf_source_from_fd(tf_source **out, int32_t fd, uint64_t offset, uint64_t size);
/**
 * Creates a source on a part of another one. It is concurrent, and can be mapped, if the other one is. Its error
 * messages name no file, and their offsets count from the start of the part.
 * @param out     receives the source
 * @param whole   the other source, of which a reference is kept
 * @param offset  byte at which the part begins
 * @param size    bytes of the part; UINT64_MAX means up to the end
 * @return INVALID_ARGUMENT if the part is not within the whole.
 */
TENSORFILE_API tf_status tf_source_from_part(tf_source **out, tf_source *whole, uint64_t offset, uint64_t size);
/**
 * Names a source. Error messages begin with the name, its extension chooses the format as that of a path does, and the
 * names of the files of a set are derived from it. Until this is called, the name of a source that was opened by
 * path is that path. A name is not a path: only the resolver opens files by name.
 *
 * This function, tf_source_set_hints() and tf_source_set_resolver() must be called before the source is used.
 * @param source  the source, to which the caller has the only reference
 * @param name    the name, such as "models/llama-00001-of-00003.gguf" or the path of a URL, which is copied
 * @param length  bytes of name, or SIZE_MAX
 * @return INVALID_ARGUMENT if a file, an array or another source uses the source.
 */
TENSORFILE_API tf_status tf_source_set_name(tf_source *source, const char *name, size_t length);
/**
 * Says how a source is best read. The defaults are right for files; a source that is a network should have larger
 * numbers, such as a gap of 1 MiB, pieces of 8 MiB and 16 requests. The hints affect the cost of reads, never their
 * result. A part of a source has the hints of the whole.
 * @param source    the source, to which the caller has the only reference
 * @param gap       bytes between two wanted parts that are worth reading and discarding to save a read; at most 64 MiB,
 *                  and larger numbers mean that. UINT64_MAX means the default, 16 KiB
 * @param piece     bytes of an efficient read, at most 64 MiB: large arrays are read in pieces of this size, and
 *                  smaller ones together up to it. 0 means the default, which depends on the number of threads
 * @param requests  the most reads to make at the same time, 1 to 1,024, if the source is concurrent. Unless
 *                  ::TF_OPTION_THREADS or an executor limits them, there are then as many threads as requests, whatever
 *                  the number of cores. 0 means the default: as many as there are threads
 * @return INVALID_ARGUMENT if a file, an array or another source uses the source.
 */
TENSORFILE_API tf_status tf_source_set_hints(tf_source *source, uint64_t gap, uint64_t piece, uint32_t requests);
/**
 * Sets the function that finds the other files of the set that a source belongs to. A source that was opened by path
 * needs none: it finds them in its folder. With either, tf_file_open_source(), tf_load_source() and
 * tf_load_weights_source() open the whole set if the source's name is that of an index or, with ::TF_OPTION_PARTS, that
 * of any part. The index of sharded safetensors is then expected under the name that it has by convention,
 * NAME.safetensors.index.json for NAME-00001-of-00003.safetensors.
 * @param source   the source, to which the caller has the only reference
 * @param resolve  the function, or NULL for none
 * @param release  called when the function is no longer needed, or if this call fails; may be NULL
 * @param user     argument of both
 * @return INVALID_ARGUMENT if a file, an array or another source uses the source.
 */
TENSORFILE_API tf_status tf_source_set_resolver(tf_source *source, tf_resolve_source_fn resolve, tf_release_fn release,
                                                void *user);
/** Adds a reference and returns the source. */
TENSORFILE_API tf_source *tf_source_retain(tf_source *source);
/** Drops a reference. */
TENSORFILE_API void tf_source_release(tf_source *source);
/**
 * Creates a sink from a callback. Writes of less than 64 KiB are buffered and passed to the callback together, at the
 * latest at the end of the call that writes.
 * @param out      receives the sink
 * @param write    writes bytes
 * @param release  called when the sink is freed, or if this call fails; may be NULL
 * @param user     first argument of the callbacks
 */
TENSORFILE_API tf_status tf_sink_new(tf_sink **out, tf_write_fn write, tf_release_fn release, void *user);
/**
 * Makes a sink all or nothing: sets callbacks of which exactly one is called, exactly once.
 *
 * commit is called when everything has been written: at the end of tf_save_sink() or tf_writer_finish(), which fail if
 * it does. abort is called instead when the save or the writer fails or is cancelled, when a writer that has not
 * finished is released, or when the sink is freed without having been used. A failed commit is not followed by abort.
 * After either, another save to the sink fails with INVALID_ARGUMENT. Both run on the thread that makes the call, with
 * the argument user of tf_sink_new(), and before its release callback.
 * @param sink    the sink, to which the caller has the only reference
 * @param commit  may be NULL
 * @param abort   may be NULL
 * @return INVALID_ARGUMENT if a writer uses the sink, or one of the callbacks has been called.
 */
TENSORFILE_API tf_status tf_sink_set_commit(tf_sink *sink, tf_commit_fn commit, tf_abort_fn abort);
/**
 * Sets the function that makes the sinks of a set of files, so that tf_save_sink() and a ::tf_writer obey
 * ::TF_OPTION_PART_BYTES. If the arrays fit in one file, it is written to the sink itself and the function is not
 * called. Otherwise the parts, and then the index, are written to the sinks that the function returns, and nothing is
 * written to this one.
 *
 * The sinks of a set are committed when all files have been written: the second part and the later ones, then the first
 * part, then the index, and finally this sink. If anything fails, those that have not been committed are aborted; since
 * the index (of a .gguf the first part) is among them, what was committed cannot be opened as a set.
 * @param sink     the sink, to which the caller has the only reference
 * @param name     the name that a single file would have, such as "w.safetensors", which is copied; the names of the
 *                 files of a set are derived from it
 * @param length   bytes of name, or SIZE_MAX
 * @param resolve  the function, or NULL for none: then a set is never written
 * @param release  called when the function is no longer needed, or if this call fails; may be NULL
 * @param user     argument of both
 * @return INVALID_ARGUMENT if the name is empty, a writer uses the sink, or it has been committed or aborted.
 */
TENSORFILE_API tf_status tf_sink_set_resolver(tf_sink *sink, const char *name, size_t length,
                                              tf_resolve_sink_fn resolve, tf_release_fn release, void *user);
/** Adds a reference and returns the sink. */
TENSORFILE_API tf_sink *tf_sink_retain(tf_sink *sink);
/** Drops a reference. */
TENSORFILE_API void tf_sink_release(tf_sink *sink);
/** Returns the bytes, borrowed from the buffer; never NULL for a buffer. */
TENSORFILE_API const void *tf_buffer_data(const tf_buffer *buffer);
/** Returns the number of bytes. */
TENSORFILE_API size_t tf_buffer_size(const tf_buffer *buffer);
/** Adds a reference and returns the buffer. */
TENSORFILE_API tf_buffer *tf_buffer_retain(tf_buffer *buffer);
/** Drops a reference. */
TENSORFILE_API void tf_buffer_release(tf_buffer *buffer);

/** @} */
/**
 * @name Loading
 * All functions that open a file can fail with: NOT_FOUND or IO if the file cannot be opened or read; FORMAT if it is
 * not of the requested format, or of no known one; CORRUPT, TRUNCATED or DUPLICATE if it is invalid; UNSUPPORTED if it
 * uses a version, method or dtype that is not supported; LIMIT if it exceeds a limit of the options; CANCELLED or
 * another status that a callback returned.
 * @{
 */

/**
 * Loads a whole file.
 *
 * The format is that of ::TF_OPTION_FORMAT, else the one that the path's extension names, else the one that the content
 * shows. An array of an unknown dtype makes the call fail with UNSUPPORTED; with ::TF_OPTION_SKIP_UNSUPPORTED it is left
 * out.
 *
 * Loaded arrays are C-contiguous, own their memory, and are aligned to 64 bytes. With ::TF_LOAD_MODE_MAP they are
 * aligned to their items, and an array stored in Fortran order has the strides of that order.
 * @param array     receives the array of a .npy, or NULL for the other formats. May be NULL: then the array of a .npy
 *                  is added to *arrays under the name ""
 * @param arrays    receives the arrays by name, in file order; an empty dict if the array of a .npy went to *array. May
 *                  be NULL
 * @param metadata  receives the metadata; an empty dict for a format that has none. May be NULL. The values are strings
 *                  for safetensors; strings and lists of strings for npz, whose text members they are; for gguf they
 *                  are 0-d and 1-d arrays, strings, lists of strings, and, for arrays of arrays, dicts with the keys
 *                  "0", "1", ...
 * @param path      a regular file, the index of sharded safetensors (NAME.safetensors.index.json), or a folder with one set
 *                  of files in it. The index loads the arrays that it lists and the metadata of all shards; if a shard
 *                  does not exist, the call fails with NOT_FOUND and names it
 * @param options   format, load mode, decoding, limits, threads, allocator; may be NULL
 */
TENSORFILE_API tf_status tf_load(tf_array **array, tf_dict **arrays, tf_dict **metadata, const char *path,
                                 const tf_options *options);
/** Loads as tf_load() from nbytes of memory, which may be freed afterwards. With ::TF_FORMAT_AUTO the format is
    detected from the content. */
TENSORFILE_API tf_status tf_load_memory(tf_array **array, tf_dict **arrays, tf_dict **metadata, const void *data,
                                        size_t nbytes, tf_format format, const tf_options *options);
/** Loads as tf_load() from a source. ::TF_FORMAT_AUTO is the format that the extension of the source's name shows (see
    tf_source_set_name()), or else the content; sets need a resolver. With ::TF_LOAD_MODE_MAP the arrays keep a reference
    to it. */
TENSORFILE_API tf_status tf_load_source(tf_array **array, tf_dict **arrays, tf_dict **metadata, tf_source *source,
                                        tf_format format, const tf_options *options);
/**
 * Loads a .npz, .safetensors or .gguf as a tree of nested dicts, splitting names at '.' as tf_dict_unflatten().
 *
 * Names and shapes are compared with the expected ones before any array is read. With ::TF_OPTION_STRICT 0 only arrays
 * with an expected name are read; expected weights that the file lacks keep the array of expected.
 * @param tree      receives the tree
 * @param path      the file, as in tf_load()
 * @param expected  a tree or flat dict of arrays with the expected names and shapes, or NULL to accept any
 * @param options   as in tf_load(), and ::TF_OPTION_STRICT and ::TF_OPTION_MAX_NESTING; may be NULL
 * @return as tf_load(); MISMATCH if the weights are not the expected ones: the message lists those that are missing,
 *         unexpected, or of another shape; DUPLICATE if a name is also the prefix of another one.
 */
TENSORFILE_API tf_status tf_load_weights(tf_dict **tree, const char *path, const tf_dict *expected,
                                         const tf_options *options);
/** Loads as tf_load_weights() from a source, with the format as in tf_load_source(). */
TENSORFILE_API tf_status tf_load_weights_source(tf_dict **tree, tf_source *source, tf_format format,
                                                const tf_dict *expected, const tf_options *options);

/** @} */
/**
 * @name Files
 * Opening a file reads and validates its header; the arrays are read on request. The options given when a file is
 * opened apply to all reads. Opening can fail with the statuses listed under "Loading". An array of an unknown dtype is
 * listed with ::TF_DTYPE_UNSUPPORTED, and reading it fails, but tf_file_read_raw() returns its bytes. Several threads may
 * read from one file at the same time.
 * @{
 */

/** Opens a file, or the index of sharded safetensors. The format is chosen as in tf_load(). */
TENSORFILE_API tf_status tf_file_open(tf_file **out, const char *path, const tf_options *options);
/** Opens a copy of nbytes of memory as a file. With ::TF_FORMAT_AUTO the format is detected from the content. */
TENSORFILE_API tf_status tf_file_open_memory(tf_file **out, const void *data, size_t nbytes, tf_format format,
                                             const tf_options *options);
/** Opens a source as a file, and keeps a reference to it. The format is chosen as in tf_load_source(). */
TENSORFILE_API tf_status tf_file_open_source(tf_file **out, tf_source *source, tf_format format,
                                             const tf_options *options);
/** Adds a reference and returns the file. */
TENSORFILE_API tf_file *tf_file_retain(tf_file *file);
/** Drops a reference; dropping the last one closes the file. Arrays that were read or mapped stay valid. */
TENSORFILE_API void tf_file_release(tf_file *file);
/** Returns the format of the file. */
TENSORFILE_API tf_format tf_file_format(const tf_file *file);
/** Returns the number of arrays. */
TENSORFILE_API size_t tf_file_count(const tf_file *file);
/** Gets the name of the array at an index from 0 to count - 1, in file order. The array of a .npy has the name "". The
    string is borrowed from the file. */
TENSORFILE_API tf_status tf_file_name(const char **name, size_t *length, const tf_file *file, size_t index);
/** Gets the index of the array with a name. @return NOT_FOUND. */
TENSORFILE_API tf_status tf_file_find(size_t *index, const tf_file *file, const char *name, size_t length);
/** Returns the stored dtype of an array; ::TF_DTYPE_UNSUPPORTED if the library does not know it. */
TENSORFILE_API tf_dtype tf_file_dtype(const tf_file *file, size_t index);
/** Gets the type of an array as text: the dtype's name as tf_dtype_name() returns it, or, if the library does not know the
    type, what the file calls it, such as "<U7", "|O", "F8_E3M4" or "ggml type 144"; "bad header" for a member of a .npz
    that only ::TF_OPTION_LENIENT accepts. The string is borrowed from the file. */
TENSORFILE_API tf_status tf_file_type(const char **type, size_t *length, const tf_file *file, size_t index);
/** Returns the number of dimensions of an array. */
TENSORFILE_API size_t tf_file_ndim(const tf_file *file, size_t index);
/** Returns the shape of an array, ndim sizes in elements, borrowed from the file. */
TENSORFILE_API const int64_t *tf_file_shape(const tf_file *file, size_t index);
/** Returns the bytes that an array needs in memory when it is C-contiguous; if its dtype is unknown, the bytes that
    tf_file_read_raw() returns. */
TENSORFILE_API uint64_t tf_file_nbytes(const tf_file *file, size_t index);
/** Returns 1 if the numbers of an array are stored with their most significant byte first, else 0. It is 0 for numbers of
    one byte. For a block type, the numbers are the fields of its blocks. */
TENSORFILE_API int32_t tf_file_is_big_endian(const tf_file *file, size_t index);
/** Returns 1 if an array is stored in Fortran order, in which the first index changes fastest, else 0. Only a .npy and the
    members of a .npz can be. It is 0 where both orders are the same, as for arrays of fewer than two dimensions. */
TENSORFILE_API int32_t tf_file_is_fortran_order(const tf_file *file, size_t index);
/**
 * Gets where the bytes of an array are stored, for readers that do their own I/O. tf_file_is_big_endian() and
 * tf_file_is_fortran_order() say in which order they are.
 * @param path          receives the path of the file that contains the array, or the name of its source, borrowed from
 *                      file; "" if it has neither. May be NULL
 * @param offset        receives the offset of the array's first byte; of a deflated array, that of the first compressed
 *                      byte of its member. May be NULL
 * @param stored_bytes  receives the number of bytes in the file. May be NULL
 * @param deflated      receives 1 if these bytes are a raw deflate stream of a whole .npy, else 0. May be NULL
 * @param file          the file
 * @param index         index of the array
 */
TENSORFILE_API tf_status tf_file_location(const char **path, uint64_t *offset, uint64_t *stored_bytes,
                                          int32_t *deflated, const tf_file *file, size_t index);
/** Returns the metadata as tf_load() does; an empty dict if the format has none. The dict is borrowed from the file. It
    must not be changed, nor must the dicts and arrays in it; tf_dict_copy() makes a dict that can be changed. */
TENSORFILE_API const tf_dict *tf_file_metadata(const tf_file *file);
/**
 * Describes all arrays in one block of memory, so that a language in which calls to C are slow can list a file of many
 * arrays with one call.
 *
 * All numbers have the byte order of this machine. The block starts with int64_t numbers, whose indices are the
 * constants TF_LISTING_...: the number of arrays, then the offset in bytes of each column, a multiple of the size of its
 * items. Use the offsets, because later versions may append numbers and columns:
 *
 *     const char *base = tf_buffer_data(listing);
 *     const int64_t *head = (const int64_t *)base;
 *     const int64_t *starts = (const int64_t *)(base + head[TF_LISTING_SHAPE_STARTS]);
 *     const int64_t *sizes = (const int64_t *)(base + head[TF_LISTING_SHAPES]);
 *
 * Array i, from 0 to head[TF_LISTING_COUNT] - 1, has starts[i + 1] - starts[i] dimensions, whose sizes begin at
 * sizes[starts[i]]. The bytes of its name are found in the same way.
 * @param out   receives the block, which is aligned to 64 bytes and independent of the file
 * @param file  the file
 * @return LIMIT if the block needs more than ::TF_OPTION_MAX_BYTES.
 */
TENSORFILE_API tf_status tf_file_listing(tf_buffer **out, const tf_file *file);
/** Returns the number of members of a .npz that are not arrays, such as a readme; 0 for the other formats. They are not
    counted by tf_file_count(). */
TENSORFILE_API size_t tf_file_other_count(const tf_file *file);
/** Gets the name of a member that is not an array, at an index from 0 to count - 1. The string is borrowed from the file.
    */
TENSORFILE_API tf_status tf_file_other_name(const char **name, size_t *length, const tf_file *file, size_t index);
/** Returns the number of remarks about the file that are worth showing to a user but are not errors. */
TENSORFILE_API size_t tf_file_note_count(const tf_file *file);
/** Gets the remark at an index from 0 to count - 1: one line of text, such as that bytes follow the last tensor, that the
    file is one part of a set, or that an index leaves out arrays of its shards. The string is borrowed from the file. */
TENSORFILE_API tf_status tf_file_note(const char **text, size_t *length, const tf_file *file, size_t index);
/** Reads one array, or maps it with ::TF_LOAD_MODE_MAP. @return UNSUPPORTED if its dtype is unknown; CORRUPT, TRUNCATED
    or IO if it cannot be read. */
TENSORFILE_API tf_status tf_file_read(tf_array **out, const tf_file *file, size_t index);
/**
 * Reads the bytes of an array as they are stored, whatever its type. This is the way to get at arrays of types that the
 * library does not know.
 *
 * The bytes of a compressed member are inflated, and the .npy header before them is left out unless it is invalid. They
 * can be big-endian or in Fortran order. The CRC-32 of a member of a .npz is verified.
 * @param out    receives a 1-d array of uint8
 * @param file   the file
 * @param index  index of the array
 * @return CORRUPT, TRUNCATED or IO if the bytes cannot be read.
 */
TENSORFILE_API tf_status tf_file_read_raw(tf_array **out, const tf_file *file, size_t index);
/**
 * Reads one array into memory of the caller, in C order.
 * @param file    the file
 * @param index   index of the array
 * @param dtype   dtype to cast to while reading, as tf_array_cast(); ::TF_DTYPE_AS_STORED keeps the stored one
 * @param dst     where to write; needs no alignment. Its contents are undefined if the call fails
 * @param nbytes  bytes of dst; must be exactly what the array needs in that dtype
 * @return as tf_file_read() and tf_array_cast(); INVALID_ARGUMENT if nbytes is wrong.
 */
TENSORFILE_API tf_status tf_file_read_into(const tf_file *file, size_t index, tf_dtype dtype, void *dst, size_t nbytes);
/**
 * Reads part of an array, with the semantics of tf_array_slice(). Only the bytes that the slice needs are read; the
 * result is C-contiguous.
 *
 * A compressed member written by another program can only be inflated from its start, so everything before the slice is
 * inflated and discarded. Reading slices in ascending order resumes where the previous one ended: together they cost
 * one pass, and once they have covered the member its CRC-32 is verified (CORRUPT if it differs). Members that this
 * library compressed are divided into chunks, and only the chunks that the slice touches are inflated.
 * @param out    receives the array
 * @param file   the file
 * @param index  index of the array
 * @param start  first indices, ndim values or NULL as in tf_array_slice()
 * @param stop   indices to stop before, as in tf_array_slice()
 * @param step   distances, as in tf_array_slice()
 * @param ndim   number of the array's dimensions
 * @return as tf_file_read() and tf_array_slice().
 */
TENSORFILE_API tf_status tf_file_read_slice(tf_array **out, const tf_file *file, size_t index, const int64_t *start,
                                            const int64_t *stop, const int64_t *step, size_t ndim);
/** Reads part of an array, selected as in tf_file_read_slice(), into memory of the caller as tf_file_read_into() does.
    nbytes must be exactly what the slice needs in dtype. */
TENSORFILE_API tf_status tf_file_read_slice_into(const tf_file *file, size_t index, const int64_t *start,
                                                 const int64_t *stop, const int64_t *step, size_t ndim, tf_dtype dtype,
                                                 void *dst, size_t nbytes);
/**
 * Creates an empty plan for reading from a file, of which it keeps a reference.
 *
 * A plan is the fastest way to fill existing memory, such as that of a GPU, with arrays and slices: tf_read_plan_add()
 * checks an entry and reads nothing, and tf_read_plan_run() reads them all. Elements that are close together in the
 * file are read at once, even if they belong to different entries; large entries are read in pieces, on up to
 * ::TF_OPTION_THREADS threads; and a compressed member is inflated once, however many entries it has. The options are
 * those that the file was opened with.
 * @param out   receives the plan
 * @param file  the file
 */
TENSORFILE_API tf_status tf_read_plan_new(tf_read_plan **out, const tf_file *file);
/**
 * Adds an entry: an array or a slice of one, and the memory that receives its elements. Entries are numbered 0, 1, ...
 * in the order of these calls. An array may have any number of entries.
 * @param plan     the plan
 * @param index    index of the array in the file
 * @param start    first indices of a slice, ndim values or NULL as in tf_array_slice()
 * @param stop     indices to stop before, as in tf_array_slice()
 * @param step     distances, as in tf_array_slice()
 * @param ndim     number of the array's dimensions; 0 means the whole array, whatever start, stop and step are
 * @param dtype    dtype to cast to while reading, as tf_array_cast(); ::TF_DTYPE_AS_STORED keeps the stored one
 * @param dst      where the first element goes; needs no alignment. The memory must stay valid until the plan has run,
 *                 and must not overlap that of another entry. NULL is allowed if there are no elements
 * @param strides  strides of the result in dst, in bytes, one for each dimension of the array; they may be negative, and
 *                 must place no two elements on the same bytes. NULL for C order, and always if the result has a packed or
 *                 block type
 * @param nbytes   bytes of dst: without strides exactly what the elements need, with strides at least as many as they
 *                 span from dst on. With negative strides the plan also writes before dst; the caller guarantees that
 *                 this memory exists
 * @return as tf_array_slice() and tf_array_cast(); UNSUPPORTED if the dtype of the array is unknown, or if the slice
 *         cuts through a unit of a packed or block type without decoding it; INVALID_ARGUMENT if nbytes or a stride is
 *         wrong, or if the plan has run. The plan is unchanged if the call fails.
 */
TENSORFILE_API tf_status tf_read_plan_add(tf_read_plan *plan, size_t index, const int64_t *start, const int64_t *stop,
                                          const int64_t *step, size_t ndim, tf_dtype dtype, void *dst,
                                          const int64_t *strides, size_t nbytes);
/**
 * Sets a callback that is called as soon as an entry is complete, for example to send it to a GPU while the others are
 * being read. It replaces the one that was set before.
 *
 * The callback runs on the thread that called tf_read_plan_run(), which also reads; an entry that another thread
 * completes is reported as soon as that thread has read its current piece. With an executor the calling thread cannot
 * read, and the entries are reported between rounds of work. The entries may be complete in any order. If the run
 * fails, entries that were reported are valid, and no other is reported.
 * @param plan      the plan
 * @param complete  the callback, or NULL for none
 * @param release   called when the callback is no longer needed, or if this call fails; may be NULL
 * @param user      argument of both
 * @return INVALID_ARGUMENT if the plan has run.
 */
TENSORFILE_API tf_status tf_read_plan_set_complete(tf_read_plan *plan, tf_read_complete_fn complete,
                                                   tf_release_fn release, void *user);
/**
 * Reads all entries. A plan can run once; whether it succeeds or fails, it can then only be released. The progress
 * callback of the file's options counts the stored bytes of the elements of all entries, and can cancel.
 *
 * Casts work in pieces and need little memory, except to a packed or block type from anything but a run of whole rows.
 * Gaps of up to 16 KiB in a strided slice are read and discarded, because that is faster than another read; larger gaps
 * are not read (see tf_source_set_hints()). The CRC-32 of a member of an .npz is verified if one entry reads
 * all of it, or if the entries of a compressed member together do.
 * @param plan  the plan; one without entries does nothing
 * @return CORRUPT, TRUNCATED or IO if an entry cannot be read; INVALID_ARGUMENT if an element that is cast to a block
 *         type is not finite; CANCELLED or another status that a callback returned. The contents of all destinations
 *         that were not reported as complete are undefined if the call fails.
 */
TENSORFILE_API tf_status tf_read_plan_run(tf_read_plan *plan);
/** Adds a reference and returns the plan. */
TENSORFILE_API tf_read_plan *tf_read_plan_retain(tf_read_plan *plan);
/** Drops a reference. */
TENSORFILE_API void tf_read_plan_release(tf_read_plan *plan);
/**
 * Checks a file or a set of files: reads every byte that can be checked, and reports every fault instead of only the
 * first. A fault is whatever would make tf_load() with default options fail, and any damage, such as a wrong CRC-32 of a
 * member that tf_load() would not read. Of a .npy that has several arrays, all are checked. If a set of files cannot be
 * opened, each of its files is checked by itself, and one that does not exist is a fault. If one part of a set is
 * checked alone, a note names each other part that does not exist.
 * @param report   receives a dict with the lists of strings "faults", "excused" and "notes", which can be empty. Each
 *                 string is one line; a fault begins with the name of its status, as in "corrupt: w.npz: array 'x': ...".
 *                 Faults that ::TF_OPTION_LENIENT accepts, and arrays that ::TF_OPTION_SKIP_UNSUPPORTED leaves out, are
 *                 in "excused" instead of "faults" if the option is set; nothing excuses damage. "notes" has the remarks
 *                 of tf_file_note()
 * @param path     the file, as in tf_load()
 * @param options  as in tf_load(); may be NULL
 * @return OK if the check could be made, whether it found faults or not; NOT_FOUND or IO if the file cannot be opened or
 *         read; CANCELLED or another status that a callback returned.
 */
TENSORFILE_API tf_status tf_check(tf_dict **report, const char *path, const tf_options *options);
/**
 * Checks a source as tf_check() checks a file, for example what was uploaded before it is stored.
 * @param report   as in tf_check(); a fault begins with the status and the source's name, if it has one
 * @param source   the source. If it is that of a set, its resolver or its folder has the other files. Of a set that
 *                 cannot be opened, only the first fault is reported
 * @param format   as in tf_load_source()
 * @param options  as in tf_load(); may be NULL
 * @return as tf_check(); INVALID_ARGUMENT if there is no such format.
 */
TENSORFILE_API tf_status tf_check_source(tf_dict **report, tf_source *source, tf_format format,
                                         const tf_options *options);

/** @} */
/**
 * @name Saving
 * A save by path is all or nothing. The new file is written under a temporary name in the same folder and then renamed
 * to its path: a reader sees the old file or the new one, each complete, and a save that fails or is cancelled leaves
 * the old file. Symbolic links are followed, and the permissions of an existing file are kept. The same input gives the
 * same bytes on every machine and with any number of threads, except that ::TF_DEFLATE_ZLIB depends on the version of
 * zlib.
 *
 * The same holds for a set (::TF_OPTION_PART_BYTES). All its files are written under temporary names first. To replace
 * an existing set, its first part is deleted, then those other parts that it lists and the new one does not have; then
 * the index is renamed, then the other parts, and the first part last. A process that is killed at any moment leaves
 * the old set, the new set, or one that cannot be opened because its first part is missing, but never a mixture. A
 * program that opens the set meanwhile gets the old set, the new set, or an error: NOT_FOUND, or IO if a file was
 * replaced while it opened the others. Finally, a single file that the set replaces is deleted, and the other way
 * round. Progress is counted once for the whole set. Two saves of one set must not run at the same time: files of both
 * could remain. Of two saves of a single file, the one that is renamed last remains.
 *
 * With ::TF_OPTION_ATOMIC 0 the target is overwritten in place. If one of the arrays to save is mapped from a file that
 * would be overwritten, the call fails with INVALID_ARGUMENT before a byte is written.
 *
 * All functions that save can fail with: UNSUPPORTED if the format cannot hold a dtype, rank, name or metadata value,
 * in which case nothing is written and one message lists every array concerned with the reason; LIMIT if a load with
 * the same limits would refuse the file; IO if the system reports an error (no space, no permission) or the target is a
 * folder or a device; CANCELLED or another status that a callback returned. tf_save_check() reports what a format cannot
 * hold and what exceeds a limit as lists, without saving. Unless ::TF_OPTION_EXACT_PATH is 1, the extension of the
 * format is appended to a path that lacks it.
 * @{
 */

/**
 * Saves arrays and metadata in any format, so that tf_load() with the same path and options returns them.
 *
 * The format is that of ::TF_OPTION_FORMAT, else the one that the path's extension names, in any letter case. The
 * members of an .npz are deflated if ::TF_OPTION_COMPRESS is 1.
 * @param path      the file; the extension is only appended if ::TF_OPTION_FORMAT chose the format
 * @param arrays    arrays by name; for a .npy exactly one, whose name is not stored
 * @param metadata  as in tf_save_memory(); NULL leaves the metadata out of the file
 * @param options   may be NULL
 * @return INVALID_ARGUMENT if neither the option nor the extension names a format; TYPE if a value of arrays is not an
 *         array, or if a value of metadata is not of a kind that the format holds; UNSUPPORTED if there is not exactly one
 *         array for a .npy, or if there is metadata for it; for npz DUPLICATE if a metadata value and an array have the
 *         same name.
 */
TENSORFILE_API tf_status tf_save_file(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                                      const tf_options *options);
/** Saves one array as .npy, byte for byte as np.save writes it. */
TENSORFILE_API tf_status tf_save(const char *path, const tf_array *array, const tf_options *options);
/**
 * Saves arrays as the uncompressed members of an .npz.
 * @param path        the file
 * @param positional  count arrays without a name, which are named arr_0, arr_1, ... and follow the named ones, as in
 *                    np.savez; NULL if count is 0
 * @param count       number of arrays without a name
 * @param named       arrays by name; may be NULL
 * @param options     may be NULL
 * @return DUPLICATE if named contains the name of one of positional; TYPE if a value of named is not an array.
 */
TENSORFILE_API tf_status tf_savez(const char *path, const tf_array *const *positional, size_t count,
                                  const tf_dict *named, const tf_options *options);
/**
 * Saves as tf_savez(), with deflated members.
 *
 * A member is deflated in chunks of 1 MiB or more, depending on its size, which together form one deflate stream: every
 * reader of zip archives can inflate it. A private extra field of the archive's directory lists where the chunks begin,
 * so that this library can inflate them in parallel and read slices. The bytes depend on the compression level and on
 * ::TF_OPTION_DEFLATE, not on the number of threads.
 */
TENSORFILE_API tf_status tf_savez_compressed(const char *path, const tf_array *const *positional, size_t count,
                                             const tf_dict *named, const tf_options *options);
/**
 * Saves arrays as .safetensors.
 * @param path      the file
 * @param arrays    arrays by name
 * @param metadata  strings by key; NULL leaves the metadata out of the file
 * @param options   may be NULL
 * @return TYPE if a value of arrays is not an array, or a value of metadata is not a string.
 */
TENSORFILE_API tf_status tf_save_safetensors(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                                             const tf_options *options);
/**
 * Saves arrays as .gguf, version 3. The format holds int8 to int64, float16, bfloat16, float32, float64 and the block
 * types, in at most 4 dimensions, with names of 1 to 63 bytes.
 * @param path      the file
 * @param arrays    arrays by name
 * @param metadata  0-d and 1-d arrays (bool, integers, float32, float64), which keep their dtypes (see
 *                  tf_dict_set_scalar()), strings, lists of strings, and dicts with the keys "0", "1", ... for arrays
 *                  of arrays; may be NULL. The library adds no keys; most readers need general.architecture
 * @param options   may be NULL
 * @return TYPE if a value of arrays is not an array.
 */
TENSORFILE_API tf_status tf_save_gguf(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                                      const tf_options *options);
/**
 * Saves a tree of arrays under the names that tf_dict_flatten() gives them.
 * @param path     the file, whose extension (.npz, .safetensors or .gguf) chooses the format. If it has none of these,
 *                 the format is that of ::TF_OPTION_FORMAT, whose extension is appended
 * @param tree     nested dicts of arrays
 * @param options  may be NULL
 * @return FORMAT if neither the path nor the option names one of these formats; TYPE if a leaf is not an array;
 *         DUPLICATE if two paths join to the same name; LIMIT if a name has more than ::TF_OPTION_MAX_NESTING parts.
 */
TENSORFILE_API tf_status tf_save_weights(const char *path, const tf_dict *tree, const tf_options *options);
/**
 * Saves to memory.
 * @param out       receives the bytes of the file
 * @param format    the format; ::TF_FORMAT_AUTO means that of ::TF_OPTION_FORMAT
 * @param array     the array of a .npy, or NULL if arrays has it; NULL for the other formats
 * @param arrays    arrays by name, as in tf_save_file(); NULL if array is not
 * @param metadata  metadata of a .safetensors or .gguf, as in tf_save_safetensors() and tf_save_gguf(), or of an .npz:
 *                  strings and lists of strings, which are saved as text members, as np.savez saves a string or a list
 *                  of strings. MLX cannot read an .npz with text members. A .npy has none. May be NULL
 * @param options   may be NULL
 * @return as tf_save_file(); INVALID_ARGUMENT if neither format nor the option names a format, or if array and arrays
 *         are not as described.
 */
TENSORFILE_API tf_status tf_save_memory(tf_buffer **out, tf_format format, const tf_array *array, const tf_dict *arrays,
                                        const tf_dict *metadata, const tf_options *options);
/** Saves to a sink, from the first byte to the last, with the arguments of tf_save_memory(). What was written before a
    failure remains written, unless the sink has an abort callback that discards it (see tf_sink_set_commit()). With
    ::TF_OPTION_PART_BYTES a sink with a resolver receives a set (see tf_sink_set_resolver()). */
TENSORFILE_API tf_status tf_save_sink(tf_sink *sink, tf_format format, const tf_array *array, const tf_dict *arrays,
                                      const tf_dict *metadata, const tf_options *options);

/**
 * Reports everything that a format cannot hold, without writing anything. The report is empty if and only if
 * tf_save_memory() with the same arguments would succeed, given enough memory.
 *
 * Each finding has four texts, at the same index of four lists:
 * - "subject" is what it is about: "array", "metadata" (a value of metadata), or "file" (all of it).
 * - "name" is the name of the array, or the key of the metadata value; "" for "file".
 * - "problem" is one of the words below. Later versions may add words.
 * - "reason" explains the finding to a user in one line, such as "complex128 has no safetensors dtype".
 *
 * The problems:
 * - "count": a .npy needs exactly one array.
 * - "kind": a value of arrays is not an array, or the format holds no metadata of that kind (string, list of strings,
 *   array, dict), or none at all.
 * - "dtype", "rank": the format has no such dtype, or not as many dimensions, for an array or for metadata.
 * - "name": the name or key is empty, too long, reserved, not UTF-8, or contains a NUL byte.
 * - "duplicate": a metadata value has the name of an array, and the format stores both under their names.
 * - "value": a metadata value is of a kind that the format holds, but not this value: a string that is not UTF-8 or ends
 *   with a NUL byte, nested arrays that are too deep or not what tf_save_gguf() describes, a bad general.alignment.
 * - "option": an option has a value that is impossible for the format or in this build of the library.
 * - "limit": a load with the same options would refuse the file, because it exceeds a limit, which the reason names.
 * - "size": the file would have 2^63 bytes or more.
 *
 * The order of the findings can change between versions. A limit of the whole header is only checked if there is no
 * other finding, because the size of the header is not known before.
 * @param report    receives the dict of the four lists
 * @param format    as in tf_save_memory()
 * @param arrays    as in tf_save_memory(). Only dtypes, shapes and names matter; the data is not read
 * @param metadata  as in tf_save_memory()
 * @param options   as in tf_save_memory()
 * @return OK if the check could be made, whatever it found; INVALID_ARGUMENT if neither format nor the option names a
 *         format.
 */
TENSORFILE_API tf_status tf_save_check(tf_dict **report, tf_format format, const tf_dict *arrays,
                                       const tf_dict *metadata, const tf_options *options);

/** @} */
/**
 * @name Changing metadata and names
 * The header of a file can be changed without reading the data of its arrays, so that it costs little even for a file of
 * 100 GB: either the new header fits in place of the old one, or the file is copied by the system, and
 * on Linux a file system that can share blocks between files (such as Btrfs and XFS) shares those of the arrays. Nothing
 * is decoded, inflated or cast; arrays of unknown types are kept, too.
 *
 * tf_save_metadata() does everything in one call. A ::tf_edit can also rename and remove arrays, and describes the new
 * file for programs that write it themselves, such as with the copy operations of an object store.
 *
 * A .npy has neither names nor metadata: UNSUPPORTED. The files of a set are edited one by one, and a whole set is
 * UNSUPPORTED. A .safetensors keeps members of the header that only other programs know, a .npz keeps its other members
 * and their times and permissions, and a .gguf keeps its byte order. The value general.alignment of a .gguf moves its
 * data to multiples of the new number; ::TF_OPTION_ALIGNMENT is ignored.
 * @{
 */

/**
 * Replaces the metadata of a file.
 *
 * To change some of its values, open the file, copy tf_file_metadata() with tf_dict_copy(), and change the copy.
 *
 * The file is replaced all or nothing, as by a save, by a copy with the new header. With ::TF_OPTION_ATOMIC 0 the new
 * header is written into the file itself instead, and nothing else is read or written. This is possible only if the new
 * header has the size of the old one: spaces at the end of the header of a .safetensors, and the padding after that of a
 * .gguf, count as header. A process that is killed then leaves a damaged header, and nobody may read the file meanwhile.
 * @param path      the file, as in tf_file_open()
 * @param metadata  all of the new metadata, as in tf_save_memory(); NULL removes them
 * @param options   as in tf_file_open(), and ::TF_OPTION_ATOMIC, ::TF_OPTION_DURABLE and the progress callback, which
 *                  counts the copied bytes; may be NULL
 * @return as tf_file_open(), tf_edit_new(), tf_edit_finish() and tf_edit_save().
 */
TENSORFILE_API tf_status tf_save_metadata(const char *path, const tf_dict *metadata, const tf_options *options);
/**
 * Creates an edit that changes nothing yet.
 * @param out   receives the edit
 * @param file  the file, of which a reference is kept. Its options apply to the edit; it must not change until the new
 *              file has been written
 * @return UNSUPPORTED if the file is a set, or of a format that has neither names nor metadata.
 */
TENSORFILE_API tf_status tf_edit_new(tf_edit **out, const tf_file *file);
/** Gives an array another name of length bytes (or SIZE_MAX), also one that has been removed. The indices of the arrays
    are those of the file. @return INVALID_ARGUMENT if there is no such array, or the edit is finished. */
TENSORFILE_API tf_status tf_edit_rename(tf_edit *edit, size_t index, const char *name, size_t length);
/** Removes an array. @return INVALID_ARGUMENT if there is no such array, or the edit is finished. */
TENSORFILE_API tf_status tf_edit_remove(tf_edit *edit, size_t index);
/** Sets all of the new metadata, as in tf_save_memory(); NULL removes them. The edit keeps a copy as of tf_dict_copy().
    @return INVALID_ARGUMENT if the edit is finished. */
TENSORFILE_API tf_status tf_edit_set_metadata(tf_edit *edit, const tf_dict *metadata);
/**
 * Lays out the new file, and makes sure that it can be opened with the options of the old one and has what the edit
 * says. Afterwards the edit cannot be changed. If it fails, the edit can be changed and finished again.
 * @return DUPLICATE if two arrays, or for npz an array and a metadata value, would have the same name; UNSUPPORTED, TYPE
 *         or INVALID_ARGUMENT if the format cannot hold a name or a value, as for a save; LIMIT if an open with the same
 *         options would refuse the new file; CORRUPT, TRUNCATED or IO if the header cannot be read again, or has changed
 *         since the file was opened; INVALID_ARGUMENT if the edit is finished.
 */
TENSORFILE_API tf_status tf_edit_finish(tf_edit *edit);
/** Returns the number of bytes of the new file; 0 before the edit is finished. */
TENSORFILE_API uint64_t tf_edit_size(const tf_edit *edit);
/** Returns how many bytes at the start of the file have to be written to make it the new one; 0 if that is impossible,
    because its size would change or data would move, and before the edit is finished. A program that writes them into
    the file can save the old ones first, so that it can undo an edit that was interrupted. */
TENSORFILE_API uint64_t tf_edit_patch_bytes(const tf_edit *edit);
/** Returns the number of runs of bytes that the new file is made of, in their order and without gaps between them; 0
    before the edit is finished. */
TENSORFILE_API size_t tf_edit_run_count(const tf_edit *edit);
/**
 * Gets a run of bytes of the new file.
 * @param bytes   receives the bytes, borrowed from the edit; NULL if they are those of the old file
 * @param offset  receives the offset of the run in the old file, or, if bytes is not NULL, in the new one
 * @param nbytes  receives the number of bytes, which is not 0
 * @param edit    the edit
 * @param index   index of the run, from 0 to count - 1
 * @return INVALID_ARGUMENT if there is no such run, or the edit is not finished.
 */
TENSORFILE_API tf_status tf_edit_run(const void **bytes, uint64_t *offset, uint64_t *nbytes, const tf_edit *edit,
                                     size_t index);
/**
 * Writes the new file.
 * @param edit     an edit that is finished
 * @param path     where to write, to which nothing is appended: the path of the old file, which is replaced, or another
 *                 one
 * @param options  ::TF_OPTION_ATOMIC, ::TF_OPTION_DURABLE and the progress callback, as in tf_save_metadata(); may be
 *                 NULL
 * @return IO if the system reports an error; TRUNCATED if the old file has become shorter; CANCELLED or another status
 *         that a callback returned; INVALID_ARGUMENT if the edit is not finished. With ::TF_OPTION_ATOMIC 0 UNSUPPORTED
 *         if tf_edit_patch_bytes() is 0, INVALID_ARGUMENT if the file at the path is not the old one, and CORRUPT if its
 *         size has changed; then nothing has been written.
 */
TENSORFILE_API tf_status tf_edit_save(const tf_edit *edit, const char *path, const tf_options *options);
/** Writes the new file to a sink, as tf_save_sink() does. @return as tf_edit_save(). */
TENSORFILE_API tf_status tf_edit_save_sink(const tf_edit *edit, tf_sink *sink, const tf_options *options);
/** Adds a reference and returns the edit. */
TENSORFILE_API tf_edit *tf_edit_retain(tf_edit *edit);
/** Drops a reference. */
TENSORFILE_API void tf_edit_release(tf_edit *edit);

/** @} */
/**
 * @name Writing arrays larger than memory
 * A writer first takes the declarations of all arrays and then their bytes, in pieces of any size. Its memory does not
 * grow with the data. What is said under "Saving" applies to it as well: until tf_writer_finish() returns OK the target
 * is unchanged, and releasing a writer that has not finished deletes its temporary files. (With ::TF_OPTION_ATOMIC 0,
 * and in a sink without an abort callback, what was written remains.) With ::TF_OPTION_PART_BYTES a writer writes the
 * same parts as a save, and replaces all of them when it finishes.
 *
 * The file is byte for byte the one that a save of the same arrays writes. Only in a sink, which cannot seek, there are
 * two differences: the arrays of a .safetensors are stored in the order of their declarations (larger items first, and
 * all aligned), and the CRC-32 of an uncompressed member of an .npz follows its data.
 *
 * All functions fail with INVALID_ARGUMENT, and change nothing, if they are called out of order. After a write has
 * failed the writer can only be released.
 * @{
 */

/**
 * Creates a writer that writes to a path. Nothing is written, and the path is not accessed, before the first
 * tf_writer_write() or tf_writer_finish().
 * @param out      receives the writer
 * @param path     the file. The extension of the format is appended if the path lacks it, unless the extension chose the
 *                 format or ::TF_OPTION_EXACT_PATH is 1
 * @param format   the format; ::TF_FORMAT_AUTO means that of ::TF_OPTION_FORMAT, else the one that the path's extension
 *                 names
 * @param options  may be NULL
 * @return INVALID_ARGUMENT if no format is named.
 */
TENSORFILE_API tf_status tf_writer_open(tf_writer **out, const char *path, tf_format format, const tf_options *options);
/** Creates a writer that writes to a sink, of which it keeps a reference. ::TF_FORMAT_AUTO means the format of
    ::TF_OPTION_FORMAT. @return INVALID_ARGUMENT if no format is named. */
TENSORFILE_API tf_status tf_writer_open_sink(tf_writer **out, tf_sink *sink, tf_format format,
                                             const tf_options *options);
/**
 * Declares the next array. A .npy takes one, whose name is ignored. Whether the format can hold the arrays is checked
 * by the first tf_writer_write() or tf_writer_finish(), for all arrays at once.
 * @param writer  the writer
 * @param name    name of the array, which is copied
 * @param length  bytes of name, or SIZE_MAX
 * @param dtype   type of its elements
 * @param shape   ndim sizes in elements, as in tf_array_new()
 * @param ndim    number of dimensions
 * @return DUPLICATE if an array with this name has been declared; INVALID_ARGUMENT if the dtype or shape is invalid,
 *         for a second array of a .npy, or if data has been written.
 */
TENSORFILE_API tf_status tf_writer_declare(tf_writer *writer, const char *name, size_t length, tf_dtype dtype,
                                           const int64_t *shape, size_t ndim);
/**
 * Sets the metadata, replacing what was set before.
 * @param writer    the writer
 * @param metadata  as in tf_save_memory(), or NULL for none. The writer keeps a copy as of tf_dict_copy(), so later
 *                  changes to the dict do not change the file
 */
TENSORFILE_API tf_status tf_writer_set_metadata(tf_writer *writer, const tf_dict *metadata);
/**
 * Writes the next bytes of array data: the arrays in the order of their declarations, each C-contiguous and in the byte
 * order of this machine. A call may end anywhere within an array and may continue into the next one.
 * @param writer  the writer
 * @param src     the bytes
 * @param nbytes  number of bytes
 * @return on the first call also UNSUPPORTED, LIMIT or TYPE, as for a save, if the format cannot hold what was
 *         declared, in which case nothing is written; INVALID_ARGUMENT if nbytes exceeds the remaining bytes of all
 *         arrays, in which case none of them is written.
 */
TENSORFILE_API tf_status tf_writer_write(tf_writer *writer, const void *src, size_t nbytes);
/**
 * Completes the file and moves it to its path. Afterwards the writer can only be released.
 * @return INVALID_ARGUMENT if bytes of an array, which tf_error_name() names, have not been written; they can still be
 *         written.
 */
TENSORFILE_API tf_status tf_writer_finish(tf_writer *writer);
/** Adds a reference and returns the writer. */
TENSORFILE_API tf_writer *tf_writer_retain(tf_writer *writer);
/** Drops a reference; dropping the last one of a writer that has not finished deletes its temporary files. */
TENSORFILE_API void tf_writer_release(tf_writer *writer);

/** @} */
/**
 * @name Writing the parts of a set separately
 * A plan of parts divides arrays as a save with ::TF_OPTION_PART_BYTES does, and writes nothing. The tasks of a cluster
 * each make the same plan and write their parts with tf_part_plan_open_part(); then one of them, the driver, writes the
 * entry of the set: the index of sharded safetensors with tf_part_plan_save_index(), or part 0 of a split gguf, which
 * has the metadata. Until then the set cannot be opened. Each file has the bytes that a save of the whole set would
 * write. Unlike such a save, a plan deletes no files of an older set.
 *
 * tf_part_plan_finish() finishes a plan. The functions that change a plan fail with INVALID_ARGUMENT once it is
 * finished; those that take it as `const` and return a status fail with INVALID_ARGUMENT until then, except
 * tf_part_plan_array(). If the arrays fit in one file, the plan has one part, whose path is that of the file, and no
 * index.
 * @{
 */

/**
 * Creates an empty plan.
 * @param out      receives the plan
 * @param path     the path that a single file would have, as in tf_writer_open(); it is not accessed. The names of the
 *                 parts are derived from it. A plan whose parts are written to sinks needs it too, for the index
 * @param format   as in tf_writer_open()
 * @param options  ::TF_OPTION_PART_BYTES, and the options of the writers and of the index; may be NULL
 * @return INVALID_ARGUMENT if no format is named.
 */
TENSORFILE_API tf_status tf_part_plan_new(tf_part_plan **out, const char *path, tf_format format,
                                          const tf_options *options);
/** Declares the next array, with the arguments and failures of tf_writer_declare(). */
TENSORFILE_API tf_status tf_part_plan_declare(tf_part_plan *plan, const char *name, size_t length, tf_dtype dtype,
                                              const int64_t *shape, size_t ndim);
/** Declares all arrays of a dict, in its order. Their data are not used. @return TYPE if a value is not an array;
    DUPLICATE if one of the names has been declared, in which case nothing is declared. */
TENSORFILE_API tf_status tf_part_plan_declare_all(tf_part_plan *plan, const tf_dict *arrays);
/** Sets the metadata of the set, with the arguments of tf_writer_set_metadata(). Every part of sharded safetensors
    contains it. In a split gguf part 0 does, and the others contain only general.alignment, if it is set. */
TENSORFILE_API tf_status tf_part_plan_set_metadata(tf_part_plan *plan, const tf_dict *metadata);
/** Divides the arrays into parts. @return UNSUPPORTED, LIMIT or TYPE, as for a save, if the format cannot hold what was
    declared, or that many parts; more can then be declared. */
TENSORFILE_API tf_status tf_part_plan_finish(tf_part_plan *plan);
/** Returns the number of parts; 0 before the plan is finished. */
TENSORFILE_API size_t tf_part_plan_count(const tf_part_plan *plan);
/** Returns 1 if the set has an index, else 0. */
TENSORFILE_API int32_t tf_part_plan_has_index(const tf_part_plan *plan);
/**
 * Gets which arrays go to a part: consecutive ones, in the order of their declarations.
 * @param first   receives the index of the first array. May be NULL
 * @param count   receives the number of arrays. May be NULL
 * @param nbytes  receives the number of bytes of their data. May be NULL
 * @param plan    the plan
 * @param part    number of the part, from 0 to count - 1
 */
TENSORFILE_API tf_status tf_part_plan_part(size_t *first, size_t *count, uint64_t *nbytes, const tf_part_plan *plan,
                                           size_t part);
/** Gets the name of an array that was declared, by its index, also before the plan is finished. The string is borrowed
    from the plan. */
TENSORFILE_API tf_status tf_part_plan_array(const char **name, size_t *length, const tf_part_plan *plan, size_t index);
/** Gets the path of a part, or that of the index if part is the number of parts. The bytes of the buffer are
    NUL-terminated; its size does not count the NUL. @return NOT_FOUND if there is no index. */
TENSORFILE_API tf_status tf_part_plan_path(tf_buffer **out, const tf_part_plan *plan, size_t part);
/** Gets a copy of the metadata that a part has: an empty dict if it has none. */
TENSORFILE_API tf_status tf_part_plan_metadata(tf_dict **out, const tf_part_plan *plan, size_t part);
/** Gets the text of the index. @return NOT_FOUND if there is no index. */
TENSORFILE_API tf_status tf_part_plan_index(tf_buffer **out, const tf_part_plan *plan);
/** Writes the index to a path, or to its own if path is NULL, all or nothing as a save. @return NOT_FOUND if there is
    no index; IO if the system reports an error. */
TENSORFILE_API tf_status tf_part_plan_save_index(const tf_part_plan *plan, const char *path);
/**
 * Creates a writer for one part. Its arrays and metadata are declared, and cannot be changed; the bytes of the arrays
 * are written with tf_writer_write(), and tf_writer_finish() completes the file. The writer does not use the plan.
 * @param out   receives the writer
 * @param plan  the plan
 * @param part  number of the part
 * @param path  the path of the file, to which nothing is appended; NULL means that of the part
 */
TENSORFILE_API tf_status tf_part_plan_open_part(tf_writer **out, const tf_part_plan *plan, size_t part,
                                                const char *path);
/** Creates a writer for one part, as tf_part_plan_open_part(), that writes to a sink, of which it keeps a reference. */
TENSORFILE_API tf_status tf_part_plan_open_part_sink(tf_writer **out, const tf_part_plan *plan, size_t part,
                                                     tf_sink *sink);
/** Adds a reference and returns the plan. */
TENSORFILE_API tf_part_plan *tf_part_plan_retain(tf_part_plan *plan);
/** Drops a reference. */
TENSORFILE_API void tf_part_plan_release(tf_part_plan *plan);

/** @} */

/**
 * @name Presets
 * A plan of types chooses the type of each array of a model by the rules of llama-quantize: for the same arrays and
 * metadata it chooses the same types. A program creates a plan for a preset, declares all arrays, finishes the plan, and
 * casts each array to the type that tf_quant_plan_dtype() returns. Output that llama.cpp reads also needs
 * general.file_type, which is the number of the preset, and general.quantization_version, which is 2, both uint32.
 *
 * The rules know the names that llama.cpp gives to arrays, such as "blk.0.attn_v.weight". They depend on all arrays of
 * the model, so a plan must have all of them, but not on their order.
 * @{
 */

/** Returns the preset at an index, in the order of their numbers, or ::TF_PRESET_NONE if the index is not less than the
    number of presets. */
TENSORFILE_API tf_preset tf_preset_at(size_t index);
/** Returns the name of a preset, such as "Q4_K_M"; "unknown" for ::TF_PRESET_NONE and other numbers. The string is
    static. */
TENSORFILE_API const char *tf_preset_name(tf_preset preset);
/** Returns the preset with a NUL-terminated name, in any letter case, or ::TF_PRESET_NONE if there is none. "Q3_K",
    "Q4_K" and "Q5_K" mean the M presets, and "MXFP4" means "MXFP4_MOE". */
TENSORFILE_API tf_preset tf_preset_from_name(const char *name);
/** Returns the type of the arrays that get no special treatment, or ::TF_DTYPE_UNSUPPORTED if there is no such
    preset. */
TENSORFILE_API tf_dtype tf_preset_dtype(tf_preset preset);
/**
 * Creates a plan without arrays.
 * @param out       receives the plan
 * @param preset    the preset
 * @param metadata  the metadata of the model, with the keys of a .gguf: general.architecture and ARCHITECTURE.block_count
 *                  are required. ARCHITECTURE.expert_count, .attention.head_count, .attention.head_count_kv and
 *                  .nextn_predict_layers are read if they exist. The plan does not keep the dict
 * @param options   allocator; may be NULL
 * @return INVALID_ARGUMENT if there is no such preset, or a required key is missing; TYPE if the value of a key is of
 *         another kind.
 */
TENSORFILE_API tf_status tf_quant_plan_new(tf_quant_plan **out, tf_preset preset, const tf_dict *metadata,
                                           const tf_options *options);
/**
 * Declares the next array.
 * @param plan    the plan
 * @param name    name of the array, which is copied
 * @param length  bytes of name, or SIZE_MAX
 * @param dtype   type of its elements
 * @param shape   ndim sizes in elements, as in tf_array_new()
 * @param ndim    number of dimensions
 * @return DUPLICATE if an array with this name has been declared; INVALID_ARGUMENT if the name is not UTF-8, the dtype
 *         or shape is invalid, or the plan is finished.
 */
TENSORFILE_API tf_status tf_quant_plan_declare(tf_quant_plan *plan, const char *name, size_t length, tf_dtype dtype,
                                               const int64_t *shape, size_t ndim);
/**
 * Sets the type in which an array is encoded, instead of the one that the rules choose. Like llama-quantize, the plan
 * ignores it for arrays that no preset encodes, such as norms, and replaces it if its blocks do not divide the rows.
 * @param plan   the plan
 * @param index  index of the array, in the order of declarations
 * @param dtype  a block type that can be encoded, or a float dtype
 * @return UNSUPPORTED if the dtype can only be decoded; INVALID_ARGUMENT if it is none of these, there is no such array,
 *         or the plan is finished.
 */
TENSORFILE_API tf_status tf_quant_plan_set_dtype(tf_quant_plan *plan, size_t index, tf_dtype dtype);
/** Sets whether the arrays will be encoded with an importance matrix, as by tf_array_cast_weighted(): 1, or 0, the
    default. Some presets then choose other types. @return INVALID_ARGUMENT if weighted is neither, or the plan is
    finished. */
TENSORFILE_API tf_status tf_quant_plan_set_weighted(tf_quant_plan *plan, int32_t weighted);
/**
 * Chooses the types. Afterwards the plan cannot be changed.
 * @return UNSUPPORTED if an array is of a block type, but not of the one that it would get, or if ::TF_PRESET_Q2_K_S
 *         lacks an importance matrix; INVALID_ARGUMENT if the plan is finished, or the number of a layer is needed and a
 *         name does not contain it.
 */
TENSORFILE_API tf_status tf_quant_plan_finish(tf_quant_plan *plan);
/** Gets the type that an array gets, by its index in the order of declarations. Arrays that are not encoded keep theirs.
    @return INVALID_ARGUMENT if there is no such array, or the plan is not finished. */
TENSORFILE_API tf_status tf_quant_plan_dtype(tf_dtype *dtype, const tf_quant_plan *plan, size_t index);
/** Adds a reference and returns the plan. */
TENSORFILE_API tf_quant_plan *tf_quant_plan_retain(tf_quant_plan *plan);
/** Drops a reference. */
TENSORFILE_API void tf_quant_plan_release(tf_quant_plan *plan);

/** @} */

#ifdef __cplusplus
}
#endif

#endif /* TENSORFILE_H */
