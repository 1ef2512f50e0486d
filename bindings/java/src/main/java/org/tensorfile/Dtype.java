package org.tensorfile;

/** The type of an array's elements. */
public enum Dtype {
  /** A type that this library does not know: listed, never read. */
  UNSUPPORTED(TensorfileNativeConstants.TF_DTYPE_UNSUPPORTED),
  /** One byte, 0 or 1. */
  BOOL(TensorfileNativeConstants.TF_DTYPE_BOOL),
  /** Signed integers of 8 bits. */
  INT8(TensorfileNativeConstants.TF_DTYPE_INT8),
  /** Signed integers of 16 bits. */
  INT16(TensorfileNativeConstants.TF_DTYPE_INT16),
  /** Signed integers of 32 bits. */
  INT32(TensorfileNativeConstants.TF_DTYPE_INT32),
  /** Signed integers of 64 bits. */
  INT64(TensorfileNativeConstants.TF_DTYPE_INT64),
  /** Unsigned integers of 8 bits. */
  UINT8(TensorfileNativeConstants.TF_DTYPE_UINT8),
  /** Unsigned integers of 16 bits. */
  UINT16(TensorfileNativeConstants.TF_DTYPE_UINT16),
  /** Unsigned integers of 32 bits. */
  UINT32(TensorfileNativeConstants.TF_DTYPE_UINT32),
  /** Unsigned integers of 64 bits. */
  UINT64(TensorfileNativeConstants.TF_DTYPE_UINT64),
  /** IEEE binary16. */
  FLOAT16(TensorfileNativeConstants.TF_DTYPE_FLOAT16),
  /** The floats bfloat16. */
  BFLOAT16(TensorfileNativeConstants.TF_DTYPE_BFLOAT16),
  /** The floats float32. */
  FLOAT32(TensorfileNativeConstants.TF_DTYPE_FLOAT32),
  /** The floats float64. */
  FLOAT64(TensorfileNativeConstants.TF_DTYPE_FLOAT64),
  /** Two float32: real, imaginary. */
  COMPLEX64(TensorfileNativeConstants.TF_DTYPE_COMPLEX64),
  /** Two float64: real, imaginary. */
  COMPLEX128(TensorfileNativeConstants.TF_DTYPE_COMPLEX128),
  /** The floats float8_e4m3fn. */
  FLOAT8_E4M3FN(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E4M3FN),
  /** The floats float8_e5m2. */
  FLOAT8_E5M2(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E5M2),
  /** The floats float8_e4m3fnuz. */
  FLOAT8_E4M3FNUZ(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E4M3FNUZ),
  /** The floats float8_e5m2fnuz. */
  FLOAT8_E5M2FNUZ(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E5M2FNUZ),
  /** An exponent, no sign. */
  FLOAT8_E8M0FNU(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E8M0FNU),
  /** 4 elements in 3 bytes. */
  FLOAT6_E2M3FN(TensorfileNativeConstants.TF_DTYPE_FLOAT6_E2M3FN),
  /** 4 elements in 3 bytes. */
  FLOAT6_E3M2FN(TensorfileNativeConstants.TF_DTYPE_FLOAT6_E3M2FN),
  /** 2 elements in a byte, the first in the low half. */
  FLOAT4_E2M1FN(TensorfileNativeConstants.TF_DTYPE_FLOAT4_E2M1FN),
  /** ggml's block type q4_0. */
  Q4_0(TensorfileNativeConstants.TF_DTYPE_Q4_0),
  /** ggml's block type q4_1. */
  Q4_1(TensorfileNativeConstants.TF_DTYPE_Q4_1),
  /** ggml's block type q5_0. */
  Q5_0(TensorfileNativeConstants.TF_DTYPE_Q5_0),
  /** ggml's block type q5_1. */
  Q5_1(TensorfileNativeConstants.TF_DTYPE_Q5_1),
  /** ggml's block type q8_0. */
  Q8_0(TensorfileNativeConstants.TF_DTYPE_Q8_0),
  /** ggml's block type q8_1. */
  Q8_1(TensorfileNativeConstants.TF_DTYPE_Q8_1),
  /** ggml's block type q2_k. */
  Q2_K(TensorfileNativeConstants.TF_DTYPE_Q2_K),
  /** ggml's block type q3_k. */
  Q3_K(TensorfileNativeConstants.TF_DTYPE_Q3_K),
  /** ggml's block type q4_k. */
  Q4_K(TensorfileNativeConstants.TF_DTYPE_Q4_K),
  /** ggml's block type q5_k. */
  Q5_K(TensorfileNativeConstants.TF_DTYPE_Q5_K),
  /** ggml's block type q6_k. */
  Q6_K(TensorfileNativeConstants.TF_DTYPE_Q6_K),
  /** ggml's block type q8_k. */
  Q8_K(TensorfileNativeConstants.TF_DTYPE_Q8_K),
  /** ggml's block type iq2_xxs. */
  IQ2_XXS(TensorfileNativeConstants.TF_DTYPE_IQ2_XXS),
  /** ggml's block type iq2_xs. */
  IQ2_XS(TensorfileNativeConstants.TF_DTYPE_IQ2_XS),
  /** ggml's block type iq3_xxs. */
  IQ3_XXS(TensorfileNativeConstants.TF_DTYPE_IQ3_XXS),
  /** ggml's block type iq1_s. */
  IQ1_S(TensorfileNativeConstants.TF_DTYPE_IQ1_S),
  /** ggml's block type iq4_nl. */
  IQ4_NL(TensorfileNativeConstants.TF_DTYPE_IQ4_NL),
  /** ggml's block type iq3_s. */
  IQ3_S(TensorfileNativeConstants.TF_DTYPE_IQ3_S),
  /** ggml's block type iq2_s. */
  IQ2_S(TensorfileNativeConstants.TF_DTYPE_IQ2_S),
  /** ggml's block type iq4_xs. */
  IQ4_XS(TensorfileNativeConstants.TF_DTYPE_IQ4_XS),
  /** ggml's block type iq1_m. */
  IQ1_M(TensorfileNativeConstants.TF_DTYPE_IQ1_M),
  /** ggml's block type tq1_0. */
  TQ1_0(TensorfileNativeConstants.TF_DTYPE_TQ1_0),
  /** ggml's block type tq2_0. */
  TQ2_0(TensorfileNativeConstants.TF_DTYPE_TQ2_0),
  /** ggml's block type mxfp4. */
  MXFP4(TensorfileNativeConstants.TF_DTYPE_MXFP4),
  /** ggml's block type nvfp4. */
  NVFP4(TensorfileNativeConstants.TF_DTYPE_NVFP4),
  /** ggml's block type q1_0. */
  Q1_0(TensorfileNativeConstants.TF_DTYPE_Q1_0),
  /** ggml's block type q2_0. */
  Q2_0(TensorfileNativeConstants.TF_DTYPE_Q2_0);

  private static final Dtype[] VALUES = values();

  private final int number;

  Dtype(int number) {
    this.number = number;
  }

  /** The one of a number, which may come from a later version of the library. */
  static Dtype of(int number) {
    return Numbers.find(VALUES, Dtype::number, number, UNSUPPORTED);
  }

  int number() {
    return number;
  }

  /**
   * Finds a dtype by its name.
   *
   * @param name as {@link #toString} gives it; letter case of ggml's names is ignored
   * @return the dtype
   * @throws InvalidArgumentException when there is none
   */
  public static Dtype fromName(String name) {
    Dtype dtype = of(TensorfileNative.tf_dtype_from_name(Text.utf8WithNul(name)));
    if (dtype == UNSUPPORTED) {
      throw new InvalidArgumentException("there is no dtype " + name);
    }
    return dtype;
  }

  /** {@return bits of one element: 8 for bool, 4 for float4_e2m1fn; 0 for a block type} */
  public int bits() {
    return (int) TensorfileNative.tf_dtype_bits(number);
  }

  /** {@return elements in the smallest unit of whole bytes: 1, for float4 2, float6 4, a block type its block} */
  public int blockSize() {
    return (int) TensorfileNative.tf_dtype_block_size(number);
  }

  /** {@return bytes of that unit: the item size, for float4 1, for float6 3, for a block type its block} */
  public int blockBytes() {
    return (int) TensorfileNative.tf_dtype_block_bytes(number);
  }

  /** {@return its name as NumPy and ml_dtypes write it ("float32"), ggml's in lower case ("q4_k")} */
  @Override
  public String toString() {
    return TensorfileNative.tf_dtype_name(number);
  }
}
