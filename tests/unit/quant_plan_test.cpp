// Presets and plans of types. tests/peers/test_presets.py compares the types with those of llama-quantize.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect_error.h"
#include "support/handles.h"

namespace tfile::testing {
namespace {

void set_number(tf_dict *dict, const std::string &key, uint32_t number) {
  ASSERT_EQ(tf_dict_set_scalar(dict, key.data(), key.size(), TF_DTYPE_UINT32, &number), TF_STATUS_OK);
}

Handle<tf_dict> model(const std::string &architecture, uint32_t layers) {
  auto dict = new_dict();
  EXPECT_EQ(tf_dict_set_string(dict.get(), "general.architecture", SIZE_MAX, architecture.data(), architecture.size()),
            TF_STATUS_OK);
  set_number(dict.get(), architecture + ".block_count", layers);
  return dict;
}

Handle<tf_quant_plan> new_plan(tf_preset preset, const tf_dict *metadata) {
  return made<tf_quant_plan>([&](tf_quant_plan **out) { return tf_quant_plan_new(out, preset, metadata, nullptr); });
}

tf_status declare(tf_quant_plan *plan, const std::string &name, std::vector<int64_t> shape,
                  tf_dtype dtype = TF_DTYPE_FLOAT16) {
  return tf_quant_plan_declare(plan, name.data(), name.size(), dtype, shape.data(), shape.size());
}

tf_dtype type_of(const tf_quant_plan *plan, size_t index) {
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;
  EXPECT_EQ(tf_quant_plan_dtype(&dtype, plan, index), TF_STATUS_OK) << tf_error_message();
  return dtype;
}

TEST(Presets, NumbersNamesAndDtypes) {
  size_t count = 0;
  tf_preset last = TF_PRESET_NONE;
  for (; tf_preset_at(count) != TF_PRESET_NONE; ++count) {
    const tf_preset preset = tf_preset_at(count);
    EXPECT_GT(preset, last);
    last = preset;
    EXPECT_EQ(tf_preset_from_name(tf_preset_name(preset)), preset);
    EXPECT_NE(tf_dtype_can_encode(tf_preset_dtype(preset)), 0) << tf_preset_name(preset);
  }
  EXPECT_EQ(count, 20u);
  // llama.cpp's numbers of its llama_ftype.
  EXPECT_EQ(tf_preset_from_name("q4_k_m"), 15);
  EXPECT_EQ(tf_preset_from_name("Q4_K"), 15);
  EXPECT_EQ(tf_preset_from_name("IQ4_xs"), 30);
  EXPECT_EQ(tf_preset_from_name("mxfp4"), 38);
  EXPECT_EQ(tf_preset_from_name("IQ2_M"), TF_PRESET_NONE);
  EXPECT_EQ(tf_preset_from_name(nullptr), TF_PRESET_NONE);
  EXPECT_STREQ(tf_preset_name(TF_PRESET_NONE), "unknown");
  EXPECT_EQ(tf_preset_dtype(1), TF_DTYPE_UNSUPPORTED);
  EXPECT_EQ(tf_preset_dtype(TF_PRESET_Q2_K_S), TF_DTYPE_Q2_K);
}

TEST(QuantPlans, MetadataThatAreNeeded) {
  tf_quant_plan *plan = nullptr;
  EXPECT_EQ(tf_quant_plan_new(&plan, TF_PRESET_NONE, model("llama", 1).get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("there is no preset 0");
  EXPECT_EQ(tf_quant_plan_new(&plan, TF_PRESET_Q4_0, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  auto metadata = new_dict();
  EXPECT_EQ(tf_quant_plan_new(&plan, TF_PRESET_Q4_0, metadata.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("key 'general.architecture': is missing; a preset needs it to choose types", kNoOffset,
               "general.architecture");
  ASSERT_EQ(tf_dict_set_int64(metadata.get(), "general.architecture", SIZE_MAX, 1), TF_STATUS_OK);
  EXPECT_EQ(tf_quant_plan_new(&plan, TF_PRESET_Q4_0, metadata.get(), nullptr), TF_STATUS_TYPE);
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "general.architecture", SIZE_MAX, "gpt2", SIZE_MAX), TF_STATUS_OK);
  set_number(metadata.get(), "llama.block_count", 2);
  EXPECT_EQ(tf_quant_plan_new(&plan, TF_PRESET_Q4_0, metadata.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the metadata has no number of layers, gpt2.block_count; a preset needs it to choose types");
  set_number(metadata.get(), "gpt2.block_count", 0);
  EXPECT_EQ(tf_quant_plan_new(&plan, TF_PRESET_Q4_0, metadata.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(tf_dict_set_int64(metadata.get(), "gpt2.block_count", SIZE_MAX, -1), TF_STATUS_OK);
  EXPECT_EQ(tf_quant_plan_new(&plan, TF_PRESET_Q4_0, metadata.get(), nullptr), TF_STATUS_TYPE);
  expect_error("key 'gpt2.block_count': must be a number from 0 to 2147483647, or a list of them", kNoOffset,
               "gpt2.block_count");
  EXPECT_EQ(plan, nullptr);
}

TEST(QuantPlans, TheOrderOfDeclarationsDoesNotMatter) {
  // Of 8 layers, 0, 3, 6 and 7 are sensitive.
  for (const bool ascending : {true, false}) {
    const auto plan = new_plan(TF_PRESET_Q4_K_M, model("llama", 8).get());
    for (size_t i = 0; i < 8; ++i) {
      const size_t layer = ascending ? i : 7 - i;
      ASSERT_EQ(declare(plan.get(), "blk." + std::to_string(layer) + ".attn_v.weight", {8, 256}), TF_STATUS_OK);
    }
    ASSERT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_OK) << tf_error_message();
    for (size_t i = 0; i < 8; ++i) {
      const size_t layer = ascending ? i : 7 - i;
      const bool sensitive = layer == 0 || layer == 3 || layer == 6 || layer == 7;
      EXPECT_EQ(type_of(plan.get(), i), sensitive ? TF_DTYPE_Q6_K : TF_DTYPE_Q4_K) << layer;
    }
  }
}

TEST(QuantPlans, WhatIsNotEncodedKeepsItsDtype) {
  const auto plan = new_plan(TF_PRESET_Q6_K, model("llama", 1).get());
  const std::vector<std::string> kept = {"blk.0.attn_norm.weight", "token_types.weight", "blk.0.ffn_gate_inp.weight",
                                         "blk.0.attn_q.bias", "v.patch_embd.weight"};
  for (const std::string &name : kept)
    ASSERT_EQ(declare(plan.get(), name, {2, 256}, TF_DTYPE_FLOAT32), TF_STATUS_OK);
  ASSERT_EQ(declare(plan.get(), "one.weight", {1, 1, 256}, TF_DTYPE_FLOAT32), TF_STATUS_OK);
  ASSERT_EQ(declare(plan.get(), "ids.weight", {2, 256}, TF_DTYPE_INT32), TF_STATUS_OK);
  ASSERT_EQ(declare(plan.get(), "scales.weight", {2, 256}, TF_DTYPE_FLOAT8_E8M0FNU), TF_STATUS_OK);
  ASSERT_EQ(declare(plan.get(), "done.weight", {2, 256}, TF_DTYPE_Q6_K), TF_STATUS_OK);
  ASSERT_EQ(declare(plan.get(), "x.weight", {2, 1, 256}, TF_DTYPE_FLOAT64), TF_STATUS_OK);
  // A type that is asked for changes neither.
  ASSERT_EQ(tf_quant_plan_set_dtype(plan.get(), 0, TF_DTYPE_Q8_0), TF_STATUS_OK);
  ASSERT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_OK) << tf_error_message();
  for (size_t i = 0; i < 6; ++i)
    EXPECT_EQ(type_of(plan.get(), i), TF_DTYPE_FLOAT32) << i;
  EXPECT_EQ(type_of(plan.get(), 6), TF_DTYPE_INT32);
  EXPECT_EQ(type_of(plan.get(), 7), TF_DTYPE_FLOAT8_E8M0FNU);
  EXPECT_EQ(type_of(plan.get(), 8), TF_DTYPE_Q6_K);
  EXPECT_EQ(type_of(plan.get(), 9), TF_DTYPE_Q6_K);
}

TEST(QuantPlans, RowsThatBlocksDoNotDivide) {
  const std::pair<tf_dtype, tf_dtype> fallbacks[] = {
      {TF_DTYPE_Q2_K, TF_DTYPE_Q4_0},     {TF_DTYPE_Q3_K, TF_DTYPE_Q4_0},     {TF_DTYPE_TQ2_0, TF_DTYPE_Q4_0},
      {TF_DTYPE_Q4_K, TF_DTYPE_Q5_0},     {TF_DTYPE_Q5_K, TF_DTYPE_Q5_1},     {TF_DTYPE_Q6_K, TF_DTYPE_Q8_0},
      {TF_DTYPE_IQ4_XS, TF_DTYPE_IQ4_NL}, {TF_DTYPE_NVFP4, TF_DTYPE_FLOAT16}, {TF_DTYPE_FLOAT32, TF_DTYPE_FLOAT32},
  };
  const auto plan = new_plan(TF_PRESET_Q4_0, model("llama", 1).get());
  for (size_t i = 0; i < std::size(fallbacks); ++i) {
    ASSERT_EQ(declare(plan.get(), std::to_string(i) + ".weight", {2, 288}), TF_STATUS_OK);
    ASSERT_EQ(tf_quant_plan_set_dtype(plan.get(), i, fallbacks[i].first), TF_STATUS_OK) << tf_error_message();
  }
  ASSERT_EQ(declare(plan.get(), "odd.weight", {2, 100}, TF_DTYPE_FLOAT32), TF_STATUS_OK);
  ASSERT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_OK) << tf_error_message();
  for (size_t i = 0; i < std::size(fallbacks); ++i)
    EXPECT_EQ(type_of(plan.get(), i), fallbacks[i].second) << tf_dtype_name(fallbacks[i].first);
  EXPECT_EQ(type_of(plan.get(), std::size(fallbacks)), TF_DTYPE_FLOAT16);
}

TEST(QuantPlans, Refusals) {
  const auto metadata = model("llama", 2);
  set_number(metadata.get(), "llama.expert_count", 4);
  const auto plan = new_plan(TF_PRESET_Q4_K_M, metadata.get());
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;
  EXPECT_EQ(tf_quant_plan_dtype(&dtype, plan.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the plan of types is not finished: tf_quant_plan_finish()");
  EXPECT_EQ(declare(plan.get(), "a", {2, 256}, 5000), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(declare(plan.get(), "\xff", {2, 256}), TF_STATUS_INVALID_ARGUMENT);
  ASSERT_EQ(declare(plan.get(), "blk.7.ffn_down_exps.weight", {4, 2, 256}), TF_STATUS_OK);
  EXPECT_EQ(declare(plan.get(), "blk.7.ffn_down_exps.weight", {4, 2, 256}), TF_STATUS_DUPLICATE);
  expect_error("array 'blk.7.ffn_down_exps.weight': is declared twice", kNoOffset, "blk.7.ffn_down_exps.weight");
  EXPECT_EQ(tf_quant_plan_set_dtype(plan.get(), 1, TF_DTYPE_Q8_0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_quant_plan_set_dtype(plan.get(), 0, TF_DTYPE_INT8), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_quant_plan_set_dtype(plan.get(), 0, TF_DTYPE_IQ2_XS), TF_STATUS_UNSUPPORTED);
  // The layer must be one of the model, because the rules ask for it; a fixed type needs no rule.
  EXPECT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error(
      "array 'blk.7.ffn_down_exps.weight': the name must begin with \"blk.N.\", where N is less than the number "
      "of layers, 2",
      kNoOffset, "blk.7.ffn_down_exps.weight");
  ASSERT_EQ(tf_quant_plan_set_dtype(plan.get(), 0, TF_DTYPE_Q8_0), TF_STATUS_OK);
  ASSERT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(type_of(plan.get(), 0), TF_DTYPE_Q8_0);
  EXPECT_EQ(tf_quant_plan_dtype(&dtype, plan.get(), 1), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the plan of types is finished");
  EXPECT_EQ(declare(plan.get(), "b", {2, 256}), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_quant_plan_set_dtype(plan.get(), 0, TF_DTYPE_Q8_0), TF_STATUS_INVALID_ARGUMENT);
  tf_quant_plan_release(tf_quant_plan_retain(plan.get()));
}

TEST(QuantPlans, AnImportanceMatrixChangesSomeTypes) {
  for (const int32_t weighted : {0, 1}) {
    const auto plan = new_plan(TF_PRESET_IQ4_XS, model("llama", 8).get());
    ASSERT_EQ(tf_quant_plan_set_weighted(plan.get(), weighted), TF_STATUS_OK);
    ASSERT_EQ(declare(plan.get(), "blk.0.ffn_down.weight", {8, 256}), TF_STATUS_OK);
    ASSERT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(type_of(plan.get(), 0), weighted == 0 ? TF_DTYPE_Q5_K : TF_DTYPE_IQ4_XS);
    EXPECT_EQ(tf_quant_plan_set_weighted(plan.get(), 0), TF_STATUS_INVALID_ARGUMENT);
  }
  const auto plan = new_plan(TF_PRESET_Q2_K_S, model("llama", 1).get());
  EXPECT_EQ(tf_quant_plan_set_weighted(plan.get(), 2), TF_STATUS_INVALID_ARGUMENT);
  expect_error("weighted takes 0 or 1, not 2");
  ASSERT_EQ(declare(plan.get(), "blk.0.attn_q.weight", {8, 256}), TF_STATUS_OK);
  EXPECT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_UNSUPPORTED);
  expect_error(
      "array 'blk.0.attn_q.weight': the preset Q2_K_S encodes it in q2_k, which loses too much without an "
      "importance matrix",
      kNoOffset, "blk.0.attn_q.weight");
  ASSERT_EQ(tf_quant_plan_set_weighted(plan.get(), 1), TF_STATUS_OK);
  ASSERT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(type_of(plan.get(), 0), TF_DTYPE_Q2_K);
}

TEST(QuantPlans, BlocksAreNotEncodedAgain) {
  const auto plan = new_plan(TF_PRESET_Q4_0, model("llama", 1).get());
  ASSERT_EQ(declare(plan.get(), "a.weight", {2, 256}, TF_DTYPE_Q8_0), TF_STATUS_OK);
  EXPECT_EQ(tf_quant_plan_finish(plan.get()), TF_STATUS_UNSUPPORTED);
  expect_error(
      "array 'a.weight': is q8_0 already, and encoding it again as q4_0 would lose accuracy; quantize the model "
      "that it was made from",
      kNoOffset, "a.weight");
}

}  // namespace
}  // namespace tfile::testing
