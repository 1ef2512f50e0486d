package org.tensorfile;

/**
 * An option of {@link Options}. The value of every option is a number.
 *
 * <p>"Switch" means 0 or 1. "Named value" means that the value may also be set by name, with
 * {@link Options.Builder#set(Option, String)}.
 */
public enum Option {
  // BEGIN tf_option: generated from tensorfile.h by bindings/swig/generate.sh
  /**
   * Threads that one call may use, itself included: 0 (default) as many as the machine has cores, or as the executor is
   * wide; up to 1024. 1: the call makes no thread and uses no executor.
   */
  THREADS(TensorfileNativeConstants.TF_OPTION_THREADS),
  /**
   * Format to load, or to save by {@link Tensorfile#saveWeights}: a {@link Format}, or its name by
   * {@link Options.Builder#set(Option, String)}. Default AUTO.
   */
  FORMAT(TensorfileNativeConstants.TF_OPTION_FORMAT),
  /** 1: save to the very path given; 0 (default): the format's extension is added when the path lacks it. */
  EXACT_PATH(TensorfileNativeConstants.TF_OPTION_EXACT_PATH),
  /** {@link LoadMode#OWN} (default) or {@link LoadMode#MAP}; by name "own" or "map". */
  LOAD_MODE(TensorfileNativeConstants.TF_OPTION_LOAD_MODE),
  /**
   * 1: accept trailing bytes, bytes before a zip archive, and leave out arrays of unknown types in
   * {@link Tensorfile#load}. Default 0.
   */
  LENIENT(TensorfileNativeConstants.TF_OPTION_LENIENT),
  /** 1 (default): {@link Tensorfile#loadWeights} refuses weights that are missing, unexpected or of another shape. */
  STRICT(TensorfileNativeConstants.TF_OPTION_STRICT),
  /**
   * 1: a .gguf that is one part of several (NAME-00001-of-00003.gguf) is opened as the whole set. Default 0. The index
   * of sharded safetensors (NAME.safetensors.index.json) always opens its set.
   */
  PARTS(TensorfileNativeConstants.TF_OPTION_PARTS),
  /**
   * Most bytes of array data in one file of a .safetensors or .gguf saved by path, from 1; 0 (default): one file. More
   * are saved as NAME-00001-of-00003 and so on, safetensors with their index; each array stays whole.
   */
  PART_BYTES(TensorfileNativeConstants.TF_OPTION_PART_BYTES),
  /**
   * Bytes of memory that the objects made by one call (or read through one {@link ArrayFile}) may hold at once, from 1;
   * 0 (default): no limit.
   */
  MAX_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_BYTES),
  /** Longest header in bytes: 0 (default) means 100,000,000, and 1 MiB for an npy header. */
  MAX_HEADER_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_HEADER_BYTES),
  /** Most arrays in a file, from 1; default 1,000,000. */
  MAX_ARRAYS(TensorfileNativeConstants.TF_OPTION_MAX_ARRAYS),
  /** Most metadata values in a file, from 1; default 1,000,000. Elements of a list are not values of their own. */
  MAX_METADATA(TensorfileNativeConstants.TF_OPTION_MAX_METADATA),
  /** Longest name or key in bytes, from 1; default 65,536. */
  MAX_NAME_BYTES(TensorfileNativeConstants.TF_OPTION_MAX_NAME_BYTES),
  /** Most dimensions of an array, 1 to 64; default 64. */
  MAX_RANK(TensorfileNativeConstants.TF_OPTION_MAX_RANK),
  /**
   * Deepest nesting of metadata (gguf arrays: 8 at most), and most parts, between dots, of a name that
   * {@link Tensorfile#loadWeights} and {@link Tensorfile#saveWeights} make a tree of; 1 to 64; default 64.
   */
  MAX_NESTING(TensorfileNativeConstants.TF_OPTION_MAX_NESTING),
  /** 1: fsync file and folder before a save returns. Default 0. */
  DURABLE(TensorfileNativeConstants.TF_OPTION_DURABLE),
  /** 1 (default): write a temporary file beside the target, then rename it over; 0: write the target in place. */
  ATOMIC(TensorfileNativeConstants.TF_OPTION_ATOMIC),
  /**
   * Alignment of array data on save, a power of two of 1 to 1,048,576; 0 (default): 64, gguf 32 or the metadata's
   * general.alignment. npy keeps its format's 64 (as np.save); npz: at most 32,768; gguf: the key general.alignment is
   * written for it.
   */
  ALIGNMENT(TensorfileNativeConstants.TF_OPTION_ALIGNMENT),
  /**
   * 1: deflate the members of an .npz that {@link Tensorfile#saveWeights}, {@code tf_save_memory}, {@code tf_save_sink}
   * or a {@link ArrayWriter} writes. Default 0.
   */
  COMPRESS(TensorfileNativeConstants.TF_OPTION_COMPRESS),
  /**
   * Level of deflate, 0 (none) to 9 (smallest); -1 (default): the one that suits. Where ISA-L is built in, it does the
   * levels 1 to 3, and -1 is what it does best for each array (1, or 3 where that saves 5 % of a sample); zlib does the
   * others, and then -1 is 6.
   */
  COMPRESSION_LEVEL(TensorfileNativeConstants.TF_OPTION_COMPRESSION_LEVEL),
  /** {@code TF_DEFLATE_AUTO} (default) or {@code TF_DEFLATE_ZLIB}; by name "auto" or "zlib". */
  DEFLATE(TensorfileNativeConstants.TF_OPTION_DEFLATE),
  /**
   * What loading makes of ggml's block types: {@code TF_DECODE_KEEP} (default); {@link Dtype#FLOAT16}, _BFLOAT16,
   * _FLOAT32 or _FLOAT64: decoded to that dtype; {@code TF_DECODE_MLX}. By name "keep", "mlx", or that of the dtype.
   * What {@link ArrayFile} says of an array is what is stored; {@code tf_file_read_into} has a dtype of its own.
   */
  DECODE(TensorfileNativeConstants.TF_OPTION_DECODE);
  // END tf_option

  private final int number;

  Option(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
