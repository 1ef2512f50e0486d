package org.tensorfile;

/** The type of an array's elements. */
public enum Dtype {
  // BEGIN tf_dtype: generated from tensorfile.h by bindings/swig/generate.sh
  /**
   * A type that the library does not know. Such an array is listed, but only its raw bytes can be read: see
   * {@link ArrayFile.Entry#typeName} and {@link ArrayFile.Entry#readRaw}.
   */
  UNSUPPORTED(TensorfileNativeConstants.TF_DTYPE_UNSUPPORTED),
  /** One byte, 0 or 1. */
  BOOL(TensorfileNativeConstants.TF_DTYPE_BOOL),
  /** 8-bit signed integer. */
  INT8(TensorfileNativeConstants.TF_DTYPE_INT8),
  /** 16-bit signed integer. */
  INT16(TensorfileNativeConstants.TF_DTYPE_INT16),
  /** 32-bit signed integer. */
  INT32(TensorfileNativeConstants.TF_DTYPE_INT32),
  /** 64-bit signed integer. */
  INT64(TensorfileNativeConstants.TF_DTYPE_INT64),
  /** 8-bit unsigned integer. */
  UINT8(TensorfileNativeConstants.TF_DTYPE_UINT8),
  /** 16-bit unsigned integer. */
  UINT16(TensorfileNativeConstants.TF_DTYPE_UINT16),
  /** 32-bit unsigned integer. */
  UINT32(TensorfileNativeConstants.TF_DTYPE_UINT32),
  /** 64-bit unsigned integer. */
  UINT64(TensorfileNativeConstants.TF_DTYPE_UINT64),
  /** IEEE 754 binary16. */
  FLOAT16(TensorfileNativeConstants.TF_DTYPE_FLOAT16),
  /** The upper 16 bits of a float32. */
  BFLOAT16(TensorfileNativeConstants.TF_DTYPE_BFLOAT16),
  /** IEEE 754 binary32. */
  FLOAT32(TensorfileNativeConstants.TF_DTYPE_FLOAT32),
  /** IEEE 754 binary64. */
  FLOAT64(TensorfileNativeConstants.TF_DTYPE_FLOAT64),
  /** Two float32: real and imaginary part. */
  COMPLEX64(TensorfileNativeConstants.TF_DTYPE_COMPLEX64),
  /** Two float64: real and imaginary part. */
  COMPLEX128(TensorfileNativeConstants.TF_DTYPE_COMPLEX128),
  /** F8_E4M3 of safetensors. */
  FLOAT8_E4M3FN(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E4M3FN),
  /** F8_E5M2 of safetensors. */
  FLOAT8_E5M2(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E5M2),
  /** F8_E4M3FNUZ of safetensors. */
  FLOAT8_E4M3FNUZ(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E4M3FNUZ),
  /** F8_E5M2FNUZ of safetensors. */
  FLOAT8_E5M2FNUZ(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E5M2FNUZ),
  /** F8_E8M0 of safetensors: an exponent without a sign. */
  FLOAT8_E8M0FNU(TensorfileNativeConstants.TF_DTYPE_FLOAT8_E8M0FNU),
  /** F6_E2M3 of safetensors, packed: 4 elements in 3 bytes. */
  FLOAT6_E2M3FN(TensorfileNativeConstants.TF_DTYPE_FLOAT6_E2M3FN),
  /** F6_E3M2 of safetensors, packed: 4 elements in 3 bytes. */
  FLOAT6_E3M2FN(TensorfileNativeConstants.TF_DTYPE_FLOAT6_E3M2FN),
  /** F4 of safetensors, packed: 2 elements in a byte, the first in its lower half. */
  FLOAT4_E2M1FN(TensorfileNativeConstants.TF_DTYPE_FLOAT4_E2M1FN),
  /** The block type q4_0 of ggml. */
  Q4_0(TensorfileNativeConstants.TF_DTYPE_Q4_0),
  /** The block type q4_1 of ggml. */
  Q4_1(TensorfileNativeConstants.TF_DTYPE_Q4_1),
  /** The block type q5_0 of ggml. */
  Q5_0(TensorfileNativeConstants.TF_DTYPE_Q5_0),
  /** The block type q5_1 of ggml. */
  Q5_1(TensorfileNativeConstants.TF_DTYPE_Q5_1),
  /** The block type q8_0 of ggml. */
  Q8_0(TensorfileNativeConstants.TF_DTYPE_Q8_0),
  /** The block type q8_1 of ggml. */
  Q8_1(TensorfileNativeConstants.TF_DTYPE_Q8_1),
  /** The block type q2_k of ggml. */
  Q2_K(TensorfileNativeConstants.TF_DTYPE_Q2_K),
  /** The block type q3_k of ggml. */
  Q3_K(TensorfileNativeConstants.TF_DTYPE_Q3_K),
  /** The block type q4_k of ggml. */
  Q4_K(TensorfileNativeConstants.TF_DTYPE_Q4_K),
  /** The block type q5_k of ggml. */
  Q5_K(TensorfileNativeConstants.TF_DTYPE_Q5_K),
  /** The block type q6_k of ggml. */
  Q6_K(TensorfileNativeConstants.TF_DTYPE_Q6_K),
  /** The block type q8_k of ggml. */
  Q8_K(TensorfileNativeConstants.TF_DTYPE_Q8_K),
  /** The block type iq2_xxs of ggml. */
  IQ2_XXS(TensorfileNativeConstants.TF_DTYPE_IQ2_XXS),
  /** The block type iq2_xs of ggml. */
  IQ2_XS(TensorfileNativeConstants.TF_DTYPE_IQ2_XS),
  /** The block type iq3_xxs of ggml. */
  IQ3_XXS(TensorfileNativeConstants.TF_DTYPE_IQ3_XXS),
  /** The block type iq1_s of ggml. */
  IQ1_S(TensorfileNativeConstants.TF_DTYPE_IQ1_S),
  /** The block type iq4_nl of ggml. */
  IQ4_NL(TensorfileNativeConstants.TF_DTYPE_IQ4_NL),
  /** The block type iq3_s of ggml. */
  IQ3_S(TensorfileNativeConstants.TF_DTYPE_IQ3_S),
  /** The block type iq2_s of ggml. */
  IQ2_S(TensorfileNativeConstants.TF_DTYPE_IQ2_S),
  /** The block type iq4_xs of ggml. */
  IQ4_XS(TensorfileNativeConstants.TF_DTYPE_IQ4_XS),
  /** The block type iq1_m of ggml. */
  IQ1_M(TensorfileNativeConstants.TF_DTYPE_IQ1_M),
  /** The block type tq1_0 of ggml. */
  TQ1_0(TensorfileNativeConstants.TF_DTYPE_TQ1_0),
  /** The block type tq2_0 of ggml. */
  TQ2_0(TensorfileNativeConstants.TF_DTYPE_TQ2_0),
  /** The block type mxfp4 of ggml. */
  MXFP4(TensorfileNativeConstants.TF_DTYPE_MXFP4),
  /** The block type nvfp4 of ggml. */
  NVFP4(TensorfileNativeConstants.TF_DTYPE_NVFP4),
  /** The block type q1_0 of ggml. */
  Q1_0(TensorfileNativeConstants.TF_DTYPE_Q1_0),
  /** The block type q2_0 of ggml. */
  Q2_0(TensorfileNativeConstants.TF_DTYPE_Q2_0);
  // END tf_dtype

  /** By number, for the listing of files with many arrays. Numbers without a dtype have null. */
  private static final Dtype[] BY_NUMBER = new Dtype[128];

  static {
    for (Dtype dtype : values()) {
      BY_NUMBER[dtype.number] = dtype;
    }
  }

  private final int number;

  Dtype(int number) {
    this.number = number;
  }

  /** Returns the constant of a number, which may be from a later version of the library. */
  static Dtype of(int number) {
    Dtype dtype = number < 0 || number >= BY_NUMBER.length ? null : BY_NUMBER[number];
    return dtype == null ? UNSUPPORTED : dtype;
  }

  int number() {
    return number;
  }

  /**
   * Returns the dtype with a name.
   *
   * @param name name as returned by {@link #toString}; those of ggml are accepted in any case
   * @return the dtype
   * @throws InvalidArgumentException if there is no such dtype
   */
  public static Dtype fromName(String name) {
    Dtype dtype = of(TensorfileNative.tf_dtype_from_name(Text.utf8WithNul(name)));
    if (dtype == UNSUPPORTED) {
      throw new InvalidArgumentException("no dtype is named " + name);
    }
    return dtype;
  }

  /** {@return the number of bits in one element: 8 for bool, 4 for float4, 0 for a block type} */
  public int bits() {
    return (int) TensorfileNative.tf_dtype_bits(number);
  }

  /** {@return the number of elements in the smallest unit of whole bytes: 1, 2 for float4, 4 for float6, or a block} */
  public int blockSize() {
    return (int) TensorfileNative.tf_dtype_block_size(number);
  }

  /** {@return the number of bytes in that unit: the item size, 1 for float4, 3 for float6, or the size of a block} */
  public int blockBytes() {
    return (int) TensorfileNative.tf_dtype_block_bytes(number);
  }

  private boolean hasKind(int kind) {
    return TensorfileNative.tf_dtype_kind(number) == kind;
  }

  /** {@return true for signed and unsigned integers, but not for bool} */
  public boolean isInteger() {
    return isUnsigned() || hasKind(TensorfileNativeConstants.TF_DTYPE_KIND_SIGNED);
  }

  /** {@return true for unsigned integers} */
  public boolean isUnsigned() {
    return hasKind(TensorfileNativeConstants.TF_DTYPE_KIND_UNSIGNED);
  }

  /** {@return true for real floating-point numbers of any width} */
  public boolean isFloat() {
    return hasKind(TensorfileNativeConstants.TF_DTYPE_KIND_FLOAT);
  }

  /** {@return true for complex numbers} */
  public boolean isComplex() {
    return hasKind(TensorfileNativeConstants.TF_DTYPE_KIND_COMPLEX);
  }

  /** {@return true for the block types of ggml} */
  public boolean isBlock() {
    return hasKind(TensorfileNativeConstants.TF_DTYPE_KIND_BLOCK);
  }

  /**
   * {@return true if {@link NdArray#cast} can make arrays of this dtype from floats; some block types can only be read}
   */
  public boolean canEncode() {
    return TensorfileNative.tf_dtype_can_encode(number) != 0;
  }

  /** {@return true for types of which several elements share a byte} */
  boolean isPacked() {
    return !isBlock() && bits() % 8 != 0;
  }

  /** {@return the name as NumPy and ml_dtypes spell it ("float32"), or that of ggml in lower case ("q4_k")} */
  @Override
  public String toString() {
    return TensorfileNative.tf_dtype_name(number);
  }
}
