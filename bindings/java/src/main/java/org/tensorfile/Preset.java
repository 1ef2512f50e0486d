package org.tensorfile;

import java.util.ArrayList;
import java.util.List;

/** A mixture of types in which llama-quantize encodes a model. */
public enum Preset {
  // BEGIN tf_preset: generated from tensorfile.h by bindings/swig/generate.sh
  /** No preset. */
  NONE(TensorfileNativeConstants.TF_PRESET_NONE),
  /** The preset Q4_0. */
  Q4_0(TensorfileNativeConstants.TF_PRESET_Q4_0),
  /** The preset Q4_1. */
  Q4_1(TensorfileNativeConstants.TF_PRESET_Q4_1),
  /** The preset Q8_0. */
  Q8_0(TensorfileNativeConstants.TF_PRESET_Q8_0),
  /** The preset Q5_0. */
  Q5_0(TensorfileNativeConstants.TF_PRESET_Q5_0),
  /** The preset Q5_1. */
  Q5_1(TensorfileNativeConstants.TF_PRESET_Q5_1),
  /** The preset Q2_K. */
  Q2_K(TensorfileNativeConstants.TF_PRESET_Q2_K),
  /** The preset Q3_K_S. */
  Q3_K_S(TensorfileNativeConstants.TF_PRESET_Q3_K_S),
  /** The preset Q3_K_M. */
  Q3_K_M(TensorfileNativeConstants.TF_PRESET_Q3_K_M),
  /** The preset Q3_K_L. */
  Q3_K_L(TensorfileNativeConstants.TF_PRESET_Q3_K_L),
  /** The preset Q4_K_S. */
  Q4_K_S(TensorfileNativeConstants.TF_PRESET_Q4_K_S),
  /** The preset Q4_K_M. */
  Q4_K_M(TensorfileNativeConstants.TF_PRESET_Q4_K_M),
  /** The preset Q5_K_S. */
  Q5_K_S(TensorfileNativeConstants.TF_PRESET_Q5_K_S),
  /** The preset Q5_K_M. */
  Q5_K_M(TensorfileNativeConstants.TF_PRESET_Q5_K_M),
  /** The preset Q6_K. */
  Q6_K(TensorfileNativeConstants.TF_PRESET_Q6_K),
  /** Needs an importance matrix. */
  Q2_K_S(TensorfileNativeConstants.TF_PRESET_Q2_K_S),
  /** The preset IQ4_NL. */
  IQ4_NL(TensorfileNativeConstants.TF_PRESET_IQ4_NL),
  /** The preset IQ4_XS. */
  IQ4_XS(TensorfileNativeConstants.TF_PRESET_IQ4_XS),
  /** The preset TQ1_0. */
  TQ1_0(TensorfileNativeConstants.TF_PRESET_TQ1_0),
  /** The preset TQ2_0. */
  TQ2_0(TensorfileNativeConstants.TF_PRESET_TQ2_0),
  /** The preset MXFP4_MOE. */
  MXFP4_MOE(TensorfileNativeConstants.TF_PRESET_MXFP4_MOE),
  // END tf_preset
  /** A preset that only a later version of the library has. */
  UNKNOWN(Integer.MIN_VALUE);

  private static final Preset[] VALUES = values();

  private final int number;

  Preset(int number) {
    this.number = number;
  }

  /** Returns the constant of a number, which may be from a later version of the library. */
  static Preset of(int number) {
    return Numbers.find(VALUES, Preset::number, number, UNKNOWN);
  }

  int number() {
    return number;
  }

  /**
   * Returns the preset with a name.
   *
   * @param name name such as "Q4_K_M", in any letter case
   * @return the preset
   * @throws InvalidArgumentException if there is no such preset
   */
  public static Preset fromName(String name) {
    Preset preset = of(TensorfileNative.tf_preset_from_name(Text.utf8WithNul(name)));
    if (preset == NONE) {
      throw new InvalidArgumentException("no preset is named " + name);
    }
    return preset;
  }

  /** {@return all presets, without NONE} */
  public static List<Preset> all() {
    List<Preset> all = new ArrayList<>();
    for (int i = 0; TensorfileNative.tf_preset_at(i) != NONE.number; i++) {
      all.add(of(TensorfileNative.tf_preset_at(i)));
    }
    return List.copyOf(all);
  }

  /** {@return the type of the arrays that get no special treatment; UNSUPPORTED for NONE} */
  public Dtype dtype() {
    return Dtype.of(TensorfileNative.tf_preset_dtype(number));
  }

  /** {@return the number of the preset, which a .gguf has as general.file_type} */
  public int fileType() {
    return number;
  }

  /** {@return the name of the preset, such as "Q4_K_M"} */
  @Override
  public String toString() {
    return this == UNKNOWN ? "unknown" : TensorfileNative.tf_preset_name(number);
  }
}
