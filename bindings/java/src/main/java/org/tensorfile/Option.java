package org.tensorfile;

/** A setting of {@link Options}; each takes a number. */
public enum Option {
  /** Threads that one call may use, itself included: 0 (default) as many as the machine has cores. */
  THREADS(TensorfileNativeConstants.TF_OPTION_THREADS),
  /** The {@link Format} to load, or to save weights in. */
  FORMAT(TensorfileNativeConstants.TF_OPTION_FORMAT),
  /** 1: save to the very path given; 0 (default): the format's extension is added when the path lacks it. */
  EXACT_PATH(TensorfileNativeConstants.TF_OPTION_EXACT_PATH),
  /** A {@link LoadMode}. */
  LOAD_MODE(TensorfileNativeConstants.TF_OPTION_LOAD_MODE),
  /** 1: accept trailing bytes, bytes before a zip archive, and leave out arrays of unknown types. Default 0. */
  LENIENT(TensorfileNativeConstants.TF_OPTION_LENIENT),
  /** 1 (default): loading weights refuses those that are missing, unexpected or of another shape. */
  STRICT(TensorfileNativeConstants.TF_OPTION_STRICT),
  /** 1: a .gguf that is one part of several is opened as the whole set. Default 0. */
  PARTS(TensorfileNativeConstants.TF_OPTION_PARTS),
  /** Most bytes of array data in one file of a .safetensors or .gguf saved by path; 0 (default): one file. */
  PART_BYTES(TensorfileNativeConstants.TF_OPTION_PART_BYTES),
  /** Bytes of memory that the objects made by one call may hold at once; 0 (default): no limit. */
  MAX_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_BYTES),
  /** Longest header in bytes; 0 (default): 100,000,000, and 1 MiB for an npy header. */
  MAX_HEADER_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_HEADER_BYTES),
  /** Most arrays in a file; default 1,000,000. */
  MAX_ARRAYS(TensorfileNativeConstants.TF_OPTION_MAX_ARRAYS),
  /** Most metadata values in a file; default 1,000,000. */
  MAX_METADATA(TensorfileNativeConstants.TF_OPTION_MAX_METADATA),
  /** Longest name or key in bytes; default 65,536. */
  MAX_NAME_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_NAME_BYTES),
  /** Most dimensions of an array, 1 to 64; default 64. */
  MAX_RANK(TensorfileNativeConstants.TF_OPTION_MAX_RANK),
  /** Deepest nesting of metadata and trees, 1 to 64; default 64. */
  MAX_NESTING(TensorfileNativeConstants.TF_OPTION_MAX_NESTING),
  /** 1: fsync file and folder before a save returns. Default 0. */
  DURABLE(TensorfileNativeConstants.TF_OPTION_DURABLE),
  /** 1 (default): write a temporary file beside the target, then rename it over; 0: write the target in place. */
  ATOMIC(TensorfileNativeConstants.TF_OPTION_ATOMIC),
  /** Alignment of array data on save, a power of two of 1 to 1,048,576; 0 (default): what the format has. */
  ALIGNMENT(TensorfileNativeConstants.TF_OPTION_ALIGNMENT),
  /** 1: deflate the members of an .npz. Default 0. */
  COMPRESS(TensorfileNativeConstants.TF_OPTION_COMPRESS),
  /** Level of deflate, 0 to 9; -1 (default): the level that suits. */
  COMPRESSION_LEVEL(TensorfileNativeConstants.TF_OPTION_COMPRESSION_LEVEL),
  /** What deflates: 0 (default): ISA-L where it is built in, else zlib; 1: zlib. */
  DEFLATE(TensorfileNativeConstants.TF_OPTION_DEFLATE),
  /** What loading makes of ggml's block types: 0 (default) keeps them. */
  DECODE(TensorfileNativeConstants.TF_OPTION_DECODE);

  private final int number;

  Option(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
