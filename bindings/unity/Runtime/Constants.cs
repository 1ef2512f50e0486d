namespace Tensorfile
{
    /// <summary>The result of a call of the library.</summary>
    public enum Status
    {
        // BEGIN tf_status: generated from tensorfile.h by bindings/swig/generate.sh
        /// <summary>The call succeeded.</summary>
        Ok = 0,
        /// <summary>The caller made a mistake: a null handle, an index or number out of range, a wrong shape. Nothing
        /// was done.</summary>
        InvalidArgument = 1,
        /// <summary>An allocation failed. All handles are as before, and the same call may succeed later.</summary>
        OutOfMemory = 2,
        /// <summary>The system could not open, read, write or replace a file. The message contains the reason that it
        /// gave.</summary>
        IO = 3,
        /// <summary>There is no such file, name or key.</summary>
        NotFound = 4,
        /// <summary>A name occurs twice, in a file or among the names passed to a call.</summary>
        Duplicate = 5,
        /// <summary>The bytes are not of the requested format, or of no known format.</summary>
        Format = 6,
        /// <summary>The file breaks a rule of its format.</summary>
        Corrupt = 7,
        /// <summary>The file ends too early. More bytes at its end could make it valid.</summary>
        Truncated = 8,
        /// <summary>The input is valid but not supported: a dtype, version, method or option, or something a format
        /// cannot hold.</summary>
        Unsupported = 9,
        /// <summary>A limit set by an option was exceeded. The call could succeed with a larger limit.</summary>
        Limit = 10,
        /// <summary>A value has another kind or dtype than the call needs.</summary>
        Type = 11,
        /// <summary>The loaded weights do not have the expected names and shapes.</summary>
        Mismatch = 12,
        /// <summary>A progress callback ended the call.</summary>
        Cancelled = 13,
        /// <summary>The library has a bug; please report it.</summary>
        Internal = 14,
        // END tf_status
    }

    /// <summary>The type of an array's elements. Arrays of the block types of ggml can be cast to floats.</summary>
    public enum Dtype
    {
        // BEGIN tf_dtype: generated from tensorfile.h by bindings/swig/generate.sh
        /// <summary>A type that the library does not know. Such an array is listed, but only its raw bytes can be read:
        /// see tf_file_type() and tf_file_read_raw().</summary>
        Unsupported = 0,
        /// <summary>One byte, 0 or 1.</summary>
        Bool = 1,
        /// <summary>8-bit signed integer.</summary>
        Int8 = 2,
        /// <summary>16-bit signed integer.</summary>
        Int16 = 3,
        /// <summary>32-bit signed integer.</summary>
        Int32 = 4,
        /// <summary>64-bit signed integer.</summary>
        Int64 = 5,
        /// <summary>8-bit unsigned integer.</summary>
        Uint8 = 6,
        /// <summary>16-bit unsigned integer.</summary>
        Uint16 = 7,
        /// <summary>32-bit unsigned integer.</summary>
        Uint32 = 8,
        /// <summary>64-bit unsigned integer.</summary>
        Uint64 = 9,
        /// <summary>IEEE 754 binary16.</summary>
        Float16 = 10,
        /// <summary>The upper 16 bits of a float32.</summary>
        Bfloat16 = 11,
        /// <summary>IEEE 754 binary32.</summary>
        Float32 = 12,
        /// <summary>IEEE 754 binary64.</summary>
        Float64 = 13,
        /// <summary>Two float32: real and imaginary part.</summary>
        Complex64 = 14,
        /// <summary>Two float64: real and imaginary part.</summary>
        Complex128 = 15,
        /// <summary>F8_E4M3 of safetensors.</summary>
        Float8E4m3fn = 16,
        /// <summary>F8_E5M2 of safetensors.</summary>
        Float8E5m2 = 17,
        /// <summary>F8_E4M3FNUZ of safetensors.</summary>
        Float8E4m3fnuz = 18,
        /// <summary>F8_E5M2FNUZ of safetensors.</summary>
        Float8E5m2fnuz = 19,
        /// <summary>F8_E8M0 of safetensors: an exponent without a sign.</summary>
        Float8E8m0fnu = 20,
        /// <summary>F6_E2M3 of safetensors, packed: 4 elements in 3 bytes.</summary>
        Float6E2m3fn = 21,
        /// <summary>F6_E3M2 of safetensors, packed: 4 elements in 3 bytes.</summary>
        Float6E3m2fn = 22,
        /// <summary>F4 of safetensors, packed: 2 elements in a byte, the first in its lower half.</summary>
        Float4E2m1fn = 23,
        /// <summary>The block type q4_0 of ggml.</summary>
        Q4_0 = 66,
        /// <summary>The block type q4_1 of ggml.</summary>
        Q4_1 = 67,
        /// <summary>The block type q5_0 of ggml.</summary>
        Q5_0 = 70,
        /// <summary>The block type q5_1 of ggml.</summary>
        Q5_1 = 71,
        /// <summary>The block type q8_0 of ggml.</summary>
        Q8_0 = 72,
        /// <summary>The block type q8_1 of ggml.</summary>
        Q8_1 = 73,
        /// <summary>The block type q2_k of ggml.</summary>
        Q2_K = 74,
        /// <summary>The block type q3_k of ggml.</summary>
        Q3_K = 75,
        /// <summary>The block type q4_k of ggml.</summary>
        Q4_K = 76,
        /// <summary>The block type q5_k of ggml.</summary>
        Q5_K = 77,
        /// <summary>The block type q6_k of ggml.</summary>
        Q6_K = 78,
        /// <summary>The block type q8_k of ggml.</summary>
        Q8_K = 79,
        /// <summary>The block type iq2_xxs of ggml.</summary>
        IQ2_XXS = 80,
        /// <summary>The block type iq2_xs of ggml.</summary>
        IQ2_XS = 81,
        /// <summary>The block type iq3_xxs of ggml.</summary>
        IQ3_XXS = 82,
        /// <summary>The block type iq1_s of ggml.</summary>
        IQ1_S = 83,
        /// <summary>The block type iq4_nl of ggml.</summary>
        IQ4_NL = 84,
        /// <summary>The block type iq3_s of ggml.</summary>
        IQ3_S = 85,
        /// <summary>The block type iq2_s of ggml.</summary>
        IQ2_S = 86,
        /// <summary>The block type iq4_xs of ggml.</summary>
        IQ4_XS = 87,
        /// <summary>The block type iq1_m of ggml.</summary>
        IQ1_M = 93,
        /// <summary>The block type tq1_0 of ggml.</summary>
        TQ1_0 = 98,
        /// <summary>The block type tq2_0 of ggml.</summary>
        TQ2_0 = 99,
        /// <summary>The block type mxfp4 of ggml.</summary>
        MXFP4 = 103,
        /// <summary>The block type nvfp4 of ggml.</summary>
        NVFP4 = 104,
        /// <summary>The block type q1_0 of ggml.</summary>
        Q1_0 = 105,
        /// <summary>The block type q2_0 of ggml.</summary>
        Q2_0 = 106,
        // END tf_dtype
    }

    /// <summary>A file format.</summary>
    public enum Format
    {
        // BEGIN tf_format: generated from tensorfile.h by bindings/swig/generate.sh
        /// <summary>Detect the format: by the path's extension, or else by the content.</summary>
        Auto = 0,
        /// <summary>The .npy format.</summary>
        Npy = 1,
        /// <summary>The .npz format.</summary>
        Npz = 2,
        /// <summary>The .safetensors format.</summary>
        Safetensors = 3,
        /// <summary>The .gguf format.</summary>
        Gguf = 4,
        /// <summary>For reading: detect the format by the content, and ignore the path's extension.</summary>
        ByContent = 5,
        // END tf_format
    }

    /// <summary>An option of <see cref="Options"/>.</summary>
    public enum Option
    {
        // BEGIN tf_option: generated from tensorfile.h by bindings/swig/generate.sh
        /// <summary>Number of threads that one call may use, the calling thread included. 0 to 1024. Default 0: as many
        /// as the machine has cores, or the width of the executor if one is set. With 1 the call creates no thread and
        /// uses no executor.</summary>
        Threads = 1,
        /// <summary>Format to load; also the format of tf_save_file(), of tf_save_weights() if the extension of its
        /// path names none, and of saves and writers whose format argument is TF_FORMAT_AUTO. Named value: a tf_format,
        /// or "auto", "npy", "npz", "safetensors", "gguf" or "content" (TF_FORMAT_BY_CONTENT, for reading only).
        /// Default TF_FORMAT_AUTO.</summary>
        Format = 2,
        /// <summary>Switch, default 0: the extension of the format is appended to a path that lacks it. With 1 the path
        /// is used as it is.</summary>
        ExactPath = 3,
        /// <summary>Whether loaded arrays own their memory or map the file. Named value: TF_LOAD_MODE_OWN ("own", the
        /// default) or TF_LOAD_MODE_MAP ("map").</summary>
        LoadMode = 4,
        /// <summary>Switch, default 0. With 1, faults are accepted that the reference readers of the formats accept:
        /// bytes after the end of a file or before a zip archive; in a .npz, several members of one name (the last one
        /// is used), bytes after the array of a member, and a member whose header is invalid (it is listed with
        /// TF_DTYPE_UNSUPPORTED).</summary>
        Lenient = 5,
        /// <summary>Switch, default 1: tf_load_weights() fails if weights are missing, unexpected, or of another shape.
        /// With 0 it loads the expected weights that the file has.</summary>
        Strict = 6,
        /// <summary>Switch, default 0. With 1, opening one part of a set of files opens the whole set: that of the
        /// index in the same folder that lists a .safetensors, that of the metadata of a split .gguf, or else all parts
        /// with that name and other numbers (NAME-00001-of-00003.gguf). The index of sharded safetensors
        /// (NAME.safetensors.index.json) and the folder of a set always open the whole set.</summary>
        Parts = 7,
        /// <summary>Most bytes of array data in one file, for a .safetensors or .gguf that is saved by path or to a
        /// sink that has a resolver. 0 to INT64_MAX. Default 0: one file. Larger data is saved as a set of parts
        /// NAME-00001-of-00003 and so on, for safetensors with an index. An array is never divided: one that is larger
        /// gets a part of its own.</summary>
        PartBytes = 8,
        /// <summary>Bytes of memory that the objects created by one call, or read through one tf_file, may occupy at
        /// the same time. 0 to INT64_MAX. Default 0: no limit. Exceeding it is TF_STATUS_LIMIT.</summary>
        MaxBytes = 9,
        /// <summary>Longest accepted header in bytes. 0 to INT64_MAX. Default 0: 1 MiB for the header of an npy array,
        /// 100,000,000 otherwise.</summary>
        MaxHeaderBytes = 10,
        /// <summary>Largest accepted number of arrays in a file. 1 to 2^30, default 1,000,000.</summary>
        MaxArrays = 11,
        /// <summary>Largest accepted number of metadata values in a file; the elements of a list do not count. 1 to
        /// 2^30, default 1,000,000.</summary>
        MaxMetadata = 12,
        /// <summary>Longest accepted name or key in bytes. 1 to 2^30, default 65,536.</summary>
        MaxNameBytes = 13,
        /// <summary>Largest accepted number of dimensions. 1 to 64, default 64.</summary>
        MaxRank = 14,
        /// <summary>Deepest accepted nesting of metadata (gguf arrays nest at most 8 deep in any case), and of the
        /// trees that tf_load_weights() and tf_save_weights() convert from and to dotted names. 1 to 64, default
        /// 64.</summary>
        MaxNesting = 15,
        /// <summary>Switch, default 0. With 1 the files and their folder are flushed to the disk (fsync) before a save
        /// returns.</summary>
        Durable = 16,
        /// <summary>Switch, default 1: saves by path are all or nothing (see "Saving"). With 0 the target is written in
        /// place; this needs no space for a second copy, but a save that fails leaves an incomplete file.</summary>
        Atomic = 17,
        /// <summary>Alignment of array data in bytes. 0, or a power of two from 1 to 1,048,576. Default 0: 64, for gguf
        /// 32 or what the key general.alignment of the metadata says. npy always has 64, as np.save; npz accepts at
        /// most 32,768; for gguf the key general.alignment is written to match.</summary>
        Alignment = 18,
        /// <summary>Switch, default 0. With 1, tf_save_file(), tf_save_weights(), tf_save_memory(), tf_save_sink() and
        /// a tf_writer deflate the members of an .npz. tf_savez() never does, tf_savez_compressed() always.</summary>
        Compress = 19,
        /// <summary>Deflate level, -1 to 9: 0 stores, 1 to 3 are fast, and higher levels search longer for a smaller
        /// output. Default -1: level 2, or zlib's default of 6 with TF_DEFLATE_ZLIB.</summary>
        CompressionLevel = 20,
        /// <summary>Which encoder deflates. Named value: TF_DEFLATE_AUTO ("auto", the default) or TF_DEFLATE_ZLIB
        /// ("zlib").</summary>
        Deflate = 21,
        /// <summary>What loading does with ggml's block types. Named value: TF_DECODE_KEEP ("keep", the default),
        /// TF_DECODE_MLX ("mlx"), or one of TF_DTYPE_FLOAT16, TF_DTYPE_BFLOAT16, TF_DTYPE_FLOAT32, TF_DTYPE_FLOAT64 (or
        /// its name) to decode to that dtype. A tf_file always describes arrays as they are stored, and
        /// tf_file_read_into() has its own dtype argument.</summary>
        Decode = 22,
        /// <summary>Switch, default 0. With 1, tf_load() and tf_load_weights() leave out arrays that cannot be read,
        /// because their type is unknown or their header is invalid, instead of failing.</summary>
        SkipUnsupported = 23,
        /// <summary>Switch, default 0. With 1, a .gguf may have arrays of 5 to 8 dimensions and names of 64 to 65,535
        /// bytes. ggml and other programs refuse such files.</summary>
        GgufExtended = 24,
        // END tf_option
    }

    /// <summary>Whether loaded arrays own their memory or map the file.</summary>
    public enum LoadMode
    {
        // BEGIN tf_load_mode: generated from tensorfile.h by bindings/swig/generate.sh
        /// <summary>Arrays own their memory; later changes to the file do not affect them.</summary>
        Own = 0,
        /// <summary>Arrays are private, writable mappings of the file: pages are read when they are first accessed, and
        /// writes do not reach the file. If another program shortens the file in place, accessing the lost part raises
        /// SIGBUS, which ends the process. Data that cannot be mapped is copied instead: compressed members, data that
        /// is not aligned to its items, another byte order, and bools other than 0 and 1. Copied members of an .npz
        /// have their CRC-32 verified; mapped ones do not, because that would read them.</summary>
        Map = 1,
        // END tf_load_mode
    }

    /// <summary>The kind of a value in a dict of the library.</summary>
    internal enum Kind
    {
        // BEGIN tf_kind: generated from tensorfile.h by bindings/swig/generate.sh
        /// <summary>There is no such value.</summary>
        None = 0,
        /// <summary>An array.</summary>
        Array = 1,
        /// <summary>Bytes; they are UTF-8 if the writer of the file obeyed its format.</summary>
        String = 2,
        /// <summary>A string list.</summary>
        StringList = 3,
        /// <summary>A dict.</summary>
        Dict = 4,
        // END tf_kind
    }
}
