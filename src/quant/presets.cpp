#include "quant/presets.h"

#include "base/letter_case.h"

namespace tfile {

namespace {

constexpr RoleRules always(tf_dtype dtype) {
  return {{{When::kAlways, dtype}}};
}
constexpr RoleRules only(When when, tf_dtype dtype) {
  return {{{when, dtype}}};
}
constexpr RoleRules first_of(When when, tf_dtype dtype, When otherwise, tf_dtype other) {
  return {{{when, dtype}, {otherwise, other}}};
}

// docs/quantizing.md describes these rules.
constexpr Preset kPresets[] = {
    {
        .id = TF_PRESET_Q4_0,
        .name = "Q4_0",
        .dtype = TF_DTYPE_Q4_0,
        .down = only(When::kEighthWeighted, TF_DTYPE_Q4_1),
        .falcon_down = only(When::kEighthWeighted, TF_DTYPE_Q4_1),
    },
    {.id = TF_PRESET_Q4_1, .name = "Q4_1", .dtype = TF_DTYPE_Q4_1},
    {.id = TF_PRESET_Q8_0, .name = "Q8_0", .dtype = TF_DTYPE_Q8_0},
    {
        .id = TF_PRESET_Q5_0,
        .name = "Q5_0",
        .dtype = TF_DTYPE_Q5_0,
        .down = only(When::kEighthWeighted, TF_DTYPE_Q5_1),
        .falcon_down = only(When::kEighthWeighted, TF_DTYPE_Q5_1),
    },
    {.id = TF_PRESET_Q5_1, .name = "Q5_1", .dtype = TF_DTYPE_Q5_1},
    {
        .id = TF_PRESET_Q2_K,
        .name = "Q2_K",
        .dtype = TF_DTYPE_Q2_K,
        .value = first_of(When::kGrouped, TF_DTYPE_Q4_K, When::kAlways, TF_DTYPE_Q3_K),
        .down = always(TF_DTYPE_Q3_K),
        .falcon_down = always(TF_DTYPE_Q3_K),
        .attention_output = always(TF_DTYPE_Q3_K),
        .eight_attention_output = always(TF_DTYPE_Q5_K),
    },
    {
        .id = TF_PRESET_Q3_K_S,
        .name = "Q3_K_S",
        .dtype = TF_DTYPE_Q3_K,
        .eight_attention_output = always(TF_DTYPE_Q5_K),
    },
    {
        .id = TF_PRESET_Q3_K_M,
        .name = "Q3_K_M",
        .dtype = TF_DTYPE_Q3_K,
        .value = first_of(When::kFirstTwo, TF_DTYPE_Q5_K, When::kAlways, TF_DTYPE_Q4_K),
        .down = first_of(When::kFirstSixteenth, TF_DTYPE_Q5_K, When::kAlways, TF_DTYPE_Q4_K),
        .falcon_down = first_of(When::kFirstSixteenth, TF_DTYPE_Q5_K, When::kSensitive, TF_DTYPE_Q4_K),
        .attention_output = always(TF_DTYPE_Q4_K),
        .eight_attention_output = always(TF_DTYPE_Q5_K),
    },
    {
        .id = TF_PRESET_Q3_K_L,
        .name = "Q3_K_L",
        .dtype = TF_DTYPE_Q3_K,
        .value = always(TF_DTYPE_Q5_K),
        .down = always(TF_DTYPE_Q5_K),
        .falcon_down = always(TF_DTYPE_Q4_K),
        .attention_output = always(TF_DTYPE_Q5_K),
        .falcon_attention_output = always(TF_DTYPE_Q4_K),
    },
    {
        .id = TF_PRESET_Q4_K_S,
        .name = "Q4_K_S",
        .dtype = TF_DTYPE_Q4_K,
        .value = only(When::kFirstFour, TF_DTYPE_Q5_K),
        .down = only(When::kFirstEighth, TF_DTYPE_Q5_K),
        .eight_attention_output = always(TF_DTYPE_Q5_K),
    },
    {
        .id = TF_PRESET_Q4_K_M,
        .name = "Q4_K_M",
        .dtype = TF_DTYPE_Q4_K,
        .value = only(When::kSensitive, TF_DTYPE_Q6_K),
        .down = only(When::kSensitive, TF_DTYPE_Q6_K),
        .falcon_down = first_of(When::kFirstSixteenth, TF_DTYPE_Q6_K, When::kSensitive, TF_DTYPE_Q5_K),
        .eight_attention_output = always(TF_DTYPE_Q5_K),
    },
    {.id = TF_PRESET_Q5_K_S, .name = "Q5_K_S", .dtype = TF_DTYPE_Q5_K},
    {
        .id = TF_PRESET_Q5_K_M,
        .name = "Q5_K_M",
        .dtype = TF_DTYPE_Q5_K,
        .value = only(When::kSensitive, TF_DTYPE_Q6_K),
        .down = only(When::kSensitive, TF_DTYPE_Q6_K),
        .falcon_down = only(When::kSensitive, TF_DTYPE_Q6_K),
    },
    {.id = TF_PRESET_Q6_K, .name = "Q6_K", .dtype = TF_DTYPE_Q6_K},
    {
        .id = TF_PRESET_Q2_K_S,
        .name = "Q2_K_S",
        .dtype = TF_DTYPE_Q2_K,
        .value = only(When::kGrouped, TF_DTYPE_Q4_K),
        .down = only(When::kFirstEighth, TF_DTYPE_Q4_K),
        .falcon_down = only(When::kFirstEighth, TF_DTYPE_Q4_K),
    },
    {
        .id = TF_PRESET_IQ4_NL,
        .name = "IQ4_NL",
        .dtype = TF_DTYPE_IQ4_NL,
        .value = only(When::kGrouped, TF_DTYPE_Q5_K),
        .down = only(When::kEighthPlain, TF_DTYPE_Q5_K),
        .falcon_down = only(When::kEighthPlain, TF_DTYPE_Q5_K),
        .eight_attention_output = always(TF_DTYPE_Q5_K),
    },
    {
        .id = TF_PRESET_IQ4_XS,
        .name = "IQ4_XS",
        .dtype = TF_DTYPE_IQ4_XS,
        .value = only(When::kGrouped, TF_DTYPE_Q5_K),
        .down = only(When::kEighthPlain, TF_DTYPE_Q5_K),
        .falcon_down = only(When::kEighthPlain, TF_DTYPE_Q5_K),
        .eight_attention_output = always(TF_DTYPE_Q5_K),
    },
    {.id = TF_PRESET_TQ1_0, .name = "TQ1_0", .dtype = TF_DTYPE_TQ1_0, .embedding = always(TF_DTYPE_Q4_K)},
    {.id = TF_PRESET_TQ2_0, .name = "TQ2_0", .dtype = TF_DTYPE_TQ2_0, .embedding = always(TF_DTYPE_Q4_K)},
    {.id = TF_PRESET_MXFP4_MOE, .name = "MXFP4_MOE", .dtype = TF_DTYPE_MXFP4},
};

struct OtherName {
  const char *name;
  tf_preset id;
};
constexpr OtherName kOtherNames[] = {
    {"Q3_K", TF_PRESET_Q3_K_M},
    {"Q4_K", TF_PRESET_Q4_K_M},
    {"Q5_K", TF_PRESET_Q5_K_M},
    {"MXFP4", TF_PRESET_MXFP4_MOE},
};

}  // namespace

const Preset *find_preset(tf_preset id) {
  for (const Preset &preset : kPresets) {
    if (preset.id == id) return &preset;
  }
  return nullptr;
}

const Preset *find_preset(Text name) {
  for (const Preset &preset : kPresets) {
    if (equal_ignoring_case(preset.name, name)) return &preset;
  }
  for (const OtherName &other : kOtherNames) {
    if (equal_ignoring_case(other.name, name)) return find_preset(other.id);
  }
  return nullptr;
}

Span<const Preset> all_presets() {
  return {kPresets, sizeof(kPresets) / sizeof(kPresets[0])};
}

}  // namespace tfile
