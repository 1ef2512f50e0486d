// Presets: the mixtures of types that llama-quantize makes, one row for each.
#pragma once

#include "base/span.h"
#include "tensorfile.h"

namespace tfile {

// The arrays of a role to which a rule applies.
enum class When : uint8_t {
  kNever,
  kAlways,
  kGrouped,         // at least 4 query heads share a key head
  kFirstTwo,        // the first two arrays of the role
  kFirstFour,       // the first four
  kFirstSixteenth,  // the first sixteenth of the layers
  kFirstEighth,     // the first eighth
  kEighthPlain,     // the first eighth, but only without an importance matrix
  kEighthWeighted,  // the first eighth, but only with an importance matrix
  kSensitive,       // the first and the last eighth, and every third layer between them
};

struct TypeRule {
  When when = When::kNever;
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;
};

// The rules of a role. The first that applies counts; if none does, the array gets the preset's own type.
struct RoleRules {
  TypeRule rules[2] = {};
};

struct Preset {
  tf_preset id;  // also llama.cpp's number, in general.file_type
  const char *name;
  tf_dtype dtype;              // of the arrays to which no rule applies
  RoleRules value = {};        // of attn_v, attn_qkv and attn_kv_b
  RoleRules down = {};         // of ffn_down
  RoleRules falcon_down = {};  // of ffn_down in a Falcon
  RoleRules attention_output = {};
  RoleRules falcon_attention_output = {};
  RoleRules eight_attention_output = {};  // of attn_output in a model of eight experts
  RoleRules embedding = {};               // of token_embd, unless it is the output as well
};

// Returns the preset with an id, or NULL.
const Preset *find_preset(tf_preset id);
// Returns the preset with a name, in any letter case, or NULL. Q3_K, Q4_K and Q5_K are other names of the M presets, and
// MXFP4 is one of MXFP4_MOE.
const Preset *find_preset(Text name);
// Returns all presets, in the order of their ids.
Span<const Preset> all_presets();

}  // namespace tfile
