// Tests tensorfile.hpp from a program in C++17 or later.
#include "tensorfile.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <new>
#include <numeric>
#include <optional>
#include <sstream>

#include "support/temp_folder.h"

namespace {

namespace tf = tensorfile;

static_assert(std::is_nothrow_move_constructible_v<tf::Array> && !std::is_copy_constructible_v<tf::Array>);
static_assert(std::is_nothrow_move_assignable_v<tf::Dict> && !std::is_copy_assignable_v<tf::Dict>);
static_assert(std::is_nothrow_copy_constructible_v<tf::Error>);
static_assert(tf::dtype_of<bool> == tf::Dtype::bool_ && tf::dtype_of<signed char> == tf::Dtype::int8);
static_assert(tf::dtype_of<short> == tf::Dtype::int16 && tf::dtype_of<int> == tf::Dtype::int32);
static_assert(tf::dtype_of<std::int64_t> == tf::Dtype::int64 && tf::dtype_of<long long> == tf::Dtype::int64);
static_assert(tf::dtype_of<std::uint8_t> == tf::Dtype::uint8 && tf::dtype_of<std::uint16_t> == tf::Dtype::uint16);
static_assert(tf::dtype_of<std::uint32_t> == tf::Dtype::uint32 &&
              tf::dtype_of<unsigned long long> == tf::Dtype::uint64);
static_assert(tf::dtype_of<const float> == tf::Dtype::float32 && tf::dtype_of<double> == tf::Dtype::float64);
static_assert(tf::dtype_of<std::complex<float>> == tf::Dtype::complex64);
static_assert(tf::dtype_of<std::complex<double>> == tf::Dtype::complex128);

// Returns the Error that body throws.
template <typename Body>
tf::Error error_of(Body body) {
  try {
    body();
  } catch (const tf::Error &error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return tf::Error(tf::Status::ok, "");
}

template <typename T>
std::vector<std::remove_const_t<T>> all(tf::Span<T> span) {
  return {span.begin(), span.end()};
}

tf::Array counting(const tf::Shape &shape) {
  const std::int64_t count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  std::vector<float> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 0.0f);
  return tf::Array::adopt(shape, std::move(values));
}

TEST(Hpp, HandlesMove) {
  tf::Array first = tf::Array::zeros(tf::Dtype::int16, {2, 3});
  ASSERT_TRUE(first);
  const tf_array *const handle = first.get();
  tf::Array second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(second.get(), handle);
  first = std::move(second);
  EXPECT_EQ(first.get(), handle);
  tf::Array &itself = first;
  first = std::move(itself);
  EXPECT_EQ(first.get(), handle);
  tf::Array adopted(first.release());
  EXPECT_FALSE(first);
  EXPECT_EQ(adopted.get(), handle);
  adopted.reset(tf_array_retain(adopted.get()));
  EXPECT_EQ(adopted.get(), handle);
  adopted.reset();
  EXPECT_FALSE(adopted);
  adopted.reset();
  EXPECT_FALSE(tf::Array().share());
}

TEST(Hpp, ArraysDescribeThemselves) {
  const tf::Array array = tf::Array::copy<std::int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(array.dtype(), tf::Dtype::int32);
  EXPECT_EQ(array.ndim(), 2u);
  EXPECT_EQ(all(array.shape()), (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(all(array.strides()), (std::vector<std::int64_t>{12, 4}));
  EXPECT_EQ(array.size(), 6);
  EXPECT_EQ(array.nbytes(), 24u);
  EXPECT_TRUE(array.is_contiguous());
  EXPECT_EQ(all(array.values<std::int32_t>()), (std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(array.bytes().size(), 24u);
  EXPECT_EQ(array.item<std::int32_t>({1, -1}), 6);
  EXPECT_EQ(array.item_as<double>({0, 1}), 2.0);
  const tf::Array blocks = tf::Array::zeros(tf::Dtype::q8_0, {32});
  EXPECT_TRUE(blocks.strides().empty());
  EXPECT_EQ(blocks.bytes().size(), 34u);
}

TEST(Hpp, TypedAccessIsChecked) {
  tf::Array array = counting({2, 3});
  const tf::Error type = error_of([&] { array.values<double>(); });
  EXPECT_EQ(type.status(), tf::Status::type);
  EXPECT_STREQ(type.what(), "the array is float32, not float64; as_vector<T>() and cast() convert");
  const tf::Array turned = array.transpose();
  const tf::Error order = error_of([&] { turned.values<float>(); });
  EXPECT_EQ(order.status(), tf::Status::invalid_argument);
  EXPECT_STREQ(order.what(), "the array is not C-contiguous; use contiguous()");
  EXPECT_EQ(error_of([&] { turned.bytes(); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(all(turned.contiguous().values<float>()), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(Hpp, WritesOnlyUnsharedMemory) {
  tf::Array array = counting({3});
  for (float &value : array.values_mut<float>())
    value *= 2;
  tf::Array view = array.slice({{1, 3}});
  EXPECT_EQ(error_of([&] { view.values_mut<float>(); }).status(), tf::Status::invalid_argument);
  view.make_mut().values_mut<float>()[0] = 9;
  EXPECT_EQ(all(array.values<float>()), (std::vector<float>{0, 2, 4}));
  EXPECT_EQ(all(view.values<float>()), (std::vector<float>{9, 4}));
}

TEST(Hpp, ViewsAndCasts) {
  const tf::Array array = counting({3, 4});
  EXPECT_EQ(all(array.slice({{0, 2}}).shape()), (std::vector<std::int64_t>{2, 4}));
  const tf::Array column = array.slice({{}, {-1, std::nullopt, -2}}).contiguous();
  EXPECT_EQ(all(column.shape()), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(all(column.values<float>()), (std::vector<float>{3, 1, 7, 5, 11, 9}));
  EXPECT_EQ(error_of([&] { array.slice({{}, {}, {}}); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(all(array.transpose({1, 0}).shape()), (std::vector<std::int64_t>{4, 3}));
  const tf::Array cast = array.cast(tf::Dtype::uint8, tf::Options().set(tf::Option::threads, 1));
  EXPECT_EQ(cast.values<std::uint8_t>()[11], 11);
  EXPECT_TRUE(array.equal(array.share()));
  EXPECT_FALSE(array.equal(cast));
}

TEST(Hpp, AdoptsVectorsWithoutACopy) {
  std::vector<double> values = {1, 2, 3, 4};
  const double *const data = values.data();
  const tf::Array array = tf::Array::adopt({2, 2}, std::move(values));
  EXPECT_EQ(array.data(), data);
  EXPECT_EQ(array.dtype(), tf::Dtype::float64);
  EXPECT_STREQ(error_of([] { tf::Array::adopt({3}, std::vector<int>(4)); }).what(),
               "shape (3,) needs 3 elements, got 4");
  EXPECT_EQ(error_of([] { tf::Array::adopt({5}, std::vector<int>(4)); }).status(), tf::Status::invalid_argument);
}

TEST(Hpp, ShapesAndListsMustAgree) {
  const tf::Error error = error_of([] { tf::Array::copy<float>({2, 3}, {1, 2, 3, 4, 5}); });
  EXPECT_EQ(error.status(), tf::Status::invalid_argument);
  EXPECT_STREQ(error.what(), "shape (2, 3) needs 6 elements, got 5");
  EXPECT_EQ(tf::Array::copy<float>({0, 3}, {}).size(), 0);
  EXPECT_EQ(error_of([] { tf::Array::copy<float>({-1}, {1}); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(error_of([] { tf::Array::copy<float>({INT64_MAX, 4}, {1}); }).status(), tf::Status::invalid_argument);
}

TEST(Hpp, ReleasesWrappedMemoryOnce) {
  std::array<std::int16_t, 4> memory = {1, 2, 3, 4};
  int released = 0;
  const std::function<void()> release = [&released] { ++released; };
  {
    const tf::Array array = tf::Array::wrap(tf::Dtype::int16, {2}, {4}, memory.data(), sizeof(memory), true, release);
    EXPECT_EQ(array.item<std::int16_t>({1}), 3);
    const tf::Array view = array.slice({{0, 1}});
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  EXPECT_EQ(error_of([&] {
              tf::Array::wrap(tf::Dtype::int16, {5}, {}, memory.data(), sizeof(memory), true, release);
            }).status(),
            tf::Status::invalid_argument);
  EXPECT_EQ(released, 2);
  // The callback may own the memory.
  auto owner = std::make_unique<std::vector<float>>(3, 1.5f);
  float *const data = owner->data();
  const tf::Array array = tf::Array::wrap(tf::Dtype::float32, {3}, {}, data, 12, false, [kept = std::move(owner)] {});
  EXPECT_EQ(array.values<float>()[2], 1.5f);
}

TEST(Hpp, WrapsConstMemoryAsReadOnly) {
  const std::array<int, 2> fixed = {1, 2};
  std::array<int, 2> open = {1, 2};
  tf::Array reader = tf::Array::wrap({2}, fixed.data(), fixed.size());
  EXPECT_EQ(error_of([&] { reader.values_mut<int>(); }).status(), tf::Status::invalid_argument);
  tf::Array writer = tf::Array::wrap({2}, open.data(), open.size());
  writer.values_mut<int>()[1] = 7;
  EXPECT_EQ(open[1], 7);
}

TEST(Hpp, DictsHoldEveryKind) {
  tf::Dict dict;
  EXPECT_TRUE(dict.empty());
  EXPECT_FALSE(dict.contains("a"));
  EXPECT_TRUE(dict.begin() == dict.end());
  tf::Dict inner;
  inner.set("w", counting({2}));
  dict.set("array", counting({3})).set("text", "h\u00e9").set("list", std::vector<std::string>{"a", ""});
  dict.set("dict", inner).set("int", -5).set("double", 0.5).set(std::string("n\0l", 3), "x");
  EXPECT_EQ(dict.size(), 7u);
  EXPECT_EQ(dict.array("array").size(), 3);
  EXPECT_EQ(dict.string("text"), "h\u00e9");
  EXPECT_EQ(dict.strings("list"), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(dict.dict("dict").array("w").size(), 2);
  EXPECT_EQ(dict.scalar("int"), tf::Scalar(-5));
  EXPECT_EQ(dict.as<float>("double"), 0.5f);
  EXPECT_TRUE(dict.contains(std::string_view("n\0l", 3)));
  const tf::Error missing = error_of([&] { dict.array("none"); });
  EXPECT_EQ(missing.status(), tf::Status::not_found);
  EXPECT_EQ(missing.name(), "none");
  EXPECT_EQ(error_of([&] { dict.array("text"); }).status(), tf::Status::type);
  dict.remove("text");
  EXPECT_EQ(error_of([&] { dict.remove("text"); }).status(), tf::Status::not_found);
  EXPECT_EQ(error_of([&] { inner.set("loop", inner); }).status(), tf::Status::invalid_argument);
}

TEST(Hpp, DictsAreRanges) {
  tf::Dict dict;
  dict.set("b", "x").set("a", counting({2})).set("c", tf::Dict()).set("d", std::vector<std::string>{"y"});
  std::vector<std::pair<std::string, tf::Kind>> seen;
  for (const tf::Dict::Entry &entry : dict)
    seen.emplace_back(entry.key(), entry.kind());
  EXPECT_EQ(seen,
            (std::vector<std::pair<std::string, tf::Kind>>{
                {"b", tf::Kind::string}, {"a", tf::Kind::array}, {"c", tf::Kind::dict}, {"d", tf::Kind::string_list}}));
  EXPECT_EQ(dict[0].string(), "x");
  EXPECT_EQ(dict[1].array().size(), 2);
  EXPECT_EQ(dict[2].dict().size(), 0u);
  EXPECT_EQ(dict[3].strings(), std::vector<std::string>{"y"});
  EXPECT_EQ(error_of([&] { dict.at(4); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(std::distance(dict.begin(), dict.end()), 4);
}

TEST(Hpp, DictsAreWrittenAsBracedLists) {
  const tf::Array w = counting({3});
  const std::vector<std::string> tags = {"x", "y"};
  const tf::Dict dict = {{"w", w},
                         {"text", "v"},
                         {"owned", std::string("s")},
                         {"n", 3u},
                         {"on", true},
                         {"tags", tags},
                         {"more", {"a", "b"}},
                         {"sizes", {1, 2, 3}},
                         {"floats", std::vector<float>{0.5f, 2}},
                         {"tree", {{"w", w}, {"deep", {{"n", std::int8_t{-1}}}}}}};
  EXPECT_EQ(dict.size(), 10u);
  EXPECT_EQ(dict.array("w").data(), w.data());
  EXPECT_EQ(dict.string("text"), "v");
  EXPECT_EQ(dict.string("owned"), "s");
  EXPECT_EQ(dict.scalar("n").dtype(), tf::Dtype::uint32);
  EXPECT_EQ(dict.as<int>("n"), 3);
  EXPECT_EQ(dict.scalar("on"), tf::Scalar(true));
  EXPECT_EQ(dict.strings("tags"), tags);
  EXPECT_EQ(dict.strings("more"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(dict.array("sizes").to_vector<int>(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(dict.array("floats").to_vector<float>(), (std::vector<float>{0.5f, 2}));
  EXPECT_EQ(dict["tree"]["w"].array().data(), w.data());
  EXPECT_EQ(dict["tree"]["deep"]["n"].scalar(), tf::Scalar(std::int8_t{-1}));
  EXPECT_TRUE(tf::Dict({}).empty());
}

TEST(Hpp, DictsAreIndexedByKey) {
  tf::Dict dict;
  dict["w"] = counting({3});
  dict["n"] = std::uint8_t{7};
  dict["text"] = "v";
  dict["list"] = {"a", "b"};
  dict["copy"] = dict["w"];
  dict["tree"] = tf::Dict{{"k", "v"}};
  const tf::Array w = dict["w"];
  EXPECT_EQ(w.size(), 3);
  EXPECT_EQ(dict["copy"].array().data(), w.data());
  EXPECT_EQ(dict["n"].as<int>(), 7);
  EXPECT_EQ(dict["text"].string(), "v");
  EXPECT_EQ(dict["list"].strings().size(), 2u);
  EXPECT_EQ(dict["tree"]["k"].string(), "v");
  EXPECT_EQ(dict["none"].kind(), tf::Kind::none);
  EXPECT_FALSE(dict.contains("none"));
  EXPECT_EQ(error_of([&] { dict["none"].array(); }).name(), "none");
  dict["text"] = dict["text"];
  dict["list"] = std::as_const(dict)["list"];
  EXPECT_EQ(dict["text"].string(), "v");
  EXPECT_EQ(dict["list"].strings(), (std::vector<std::string>{"a", "b"}));
  const tf::Dict picked = {{"text", dict["text"]}, {"tree", dict.at("tree")}};
  EXPECT_EQ(picked["tree"].dict().get(), dict["tree"].dict().get());
  EXPECT_EQ(picked.string("text"), "v");
  dict["text"] = 1.5;
  EXPECT_EQ(dict[2].key(), "text");
  EXPECT_EQ(dict[2].scalar(), tf::Scalar(1.5));
  tf::Dict other;
  other["renamed"] = std::as_const(dict)["w"];
  EXPECT_EQ(other.array("renamed").data(), w.data());
  EXPECT_EQ(error_of([] { tf::Dict().array("a"); }).status(), tf::Status::not_found);
}

TEST(Hpp, EntriesOutliveTheHandleTheyComeFrom) {
  tf::Dict dict = {{"a", "x"}, {"b", counting({2})}};
  const tf::Dict::Entry entry = dict.at("b");
  tf::Dict::Entry copy = dict.at("a");
  const tf::Dict::Item item = dict["a"];
  auto position = dict.begin();
  const tf::Dict moved = std::move(dict);
  dict = tf::Dict{{"a", "other"}};
  EXPECT_EQ((*position).string(), "x");
  copy = entry;
  EXPECT_EQ(copy.array().size(), 2);
  EXPECT_EQ(item.string(), "x");
  tf::File file = tf::File::from_memory(tf::save_memory(tf::Format::npz, {{"w", counting({2})}}));
  std::optional<tf::File::Entry> w = file["w"];
  const tf::File other = std::move(file);
  const tf::File::Entry again = *w;
  w.reset();
  EXPECT_EQ(again.read().size(), 2);
  EXPECT_EQ(again.file().get(), other.get());
}

TEST(Hpp, ScalarsKeepTheirType) {
  const tf::Scalar n = std::uint16_t{300};
  EXPECT_EQ(n.dtype(), tf::Dtype::uint16);
  EXPECT_TRUE(n.holds<std::uint16_t>());
  EXPECT_EQ(n.get<std::uint16_t>(), 300);
  EXPECT_EQ(error_of([&] { n.get<int>(); }).status(), tf::Status::type);
  EXPECT_EQ(n.as<int>(), 300);
  EXPECT_EQ(n.as<float>(), 300.0f);
  EXPECT_EQ(n.as<std::complex<double>>(), std::complex<double>(300));
  EXPECT_EQ(error_of([&] { n.as<std::uint8_t>(); }).status(), tf::Status::type);
  EXPECT_STREQ(error_of([&] { n.as<std::uint8_t>(); }).what(), "300 (uint16) does not fit in uint8");
  EXPECT_NE(n, tf::Scalar(300));
  EXPECT_EQ(n, tf::Scalar(std::uint16_t{300}));
  EXPECT_EQ(n.visit([](auto value) { return sizeof(value); }), 2u);
  const std::uint16_t half_bits = 0x3C00;
  const tf::Scalar half(tf::Dtype::float16, &half_bits);
  EXPECT_EQ(half.as<double>(), 1.0);
  EXPECT_EQ(half.as<int>(), 1);
  EXPECT_EQ(tf::Scalar(std::complex<float>(1, 2)).as<std::complex<double>>(), std::complex<double>(1, 2));
  EXPECT_EQ(error_of([] { tf::Scalar(std::complex<float>(1, 2)).as<double>(); }).status(), tf::Status::type);
  EXPECT_EQ(error_of([&] { tf::Scalar(tf::Dtype::q4_0, &half_bits); }).status(), tf::Status::invalid_argument);
}

TEST(Hpp, ScalarsConvertOnlyWhatFits) {
  const auto fits = [](auto to, tf::Scalar from) {
    try {
      from.as<decltype(to)>();
      return true;
    } catch (const tf::Error &) {
      return false;
    }
  };
  EXPECT_TRUE(fits(std::int64_t{}, INT64_MIN) && fits(std::uint64_t{}, UINT64_MAX) && fits(std::int8_t{}, -128));
  EXPECT_FALSE(fits(std::int64_t{}, UINT64_MAX) || fits(std::uint64_t{}, -1) || fits(std::int8_t{}, -129));
  EXPECT_TRUE(fits(std::int64_t{}, -0x1p63) && fits(std::uint8_t{}, 255.0f) && fits(std::int32_t{}, -0x1p31f));
  EXPECT_FALSE(fits(std::int64_t{}, 0x1p63) || fits(std::uint64_t{}, 0x1p64) || fits(std::uint8_t{}, 256.0));
  EXPECT_FALSE(fits(std::uint8_t{}, -1.0) || fits(std::int32_t{}, 0.5) || fits(std::int32_t{}, 0x1p31));
  EXPECT_FALSE(fits(std::int32_t{}, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_TRUE(fits(bool{}, 1) && fits(bool{}, 0.0) && fits(int{}, true));
  EXPECT_FALSE(fits(bool{}, 2) || fits(bool{}, 0.5));
  EXPECT_TRUE(fits(float{}, 1e300) && fits(double{}, UINT64_MAX));
}

TEST(Hpp, ElementsKeepTheirType) {
  const tf::Array array = tf::Array::copy<std::int16_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(array.item({1, 0}), tf::Scalar(std::int16_t{4}));
  EXPECT_EQ(array.transpose().item<std::int16_t>({-1, 1}), 6);
  EXPECT_EQ(array.item_as<double>({0, 2}), 3.0);
  EXPECT_EQ(array.transpose().to_vector<std::int16_t>(), (std::vector<std::int16_t>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(array.as_vector<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(error_of([&] { array.to_vector<float>(); }).status(), tf::Status::type);
  EXPECT_EQ(error_of([&] { array.item<float>({0, 0}); }).status(), tf::Status::type);
  EXPECT_STREQ(error_of([&] { array.item({0, 3}); }).what(), "index 3 is out of range for dimension 1 of size 3");
  EXPECT_EQ(error_of([&] { array.item({0}); }).status(), tf::Status::invalid_argument);
  const tf::Array packed = tf::Array::copy<float>({2}, {1, -2}).cast(tf::Dtype::float4_e2m1fn);
  EXPECT_EQ(packed.item_as<float>({1}), -2.0f);
  EXPECT_EQ(error_of([] { tf::Array::zeros(tf::Dtype::q4_0, {32}).item({0}); }).status(), tf::Status::type);
  EXPECT_EQ(tf::Array::scalar(2.5).item(), tf::Scalar(2.5));
}

TEST(Hpp, TakesListsOfAnyType) {
  const tf::Array array = counting({2, 3});
  const std::vector<std::int64_t> vector = {3, 2};
  const std::array<std::int64_t, 2> fixed = {6, 1};
  EXPECT_EQ(tf::Array::zeros(tf::Dtype::int8, vector).ndim(), 2u);
  EXPECT_EQ(tf::Array::zeros(tf::Dtype::int8, fixed).shape()[0], 6);
  EXPECT_EQ(all(tf::Array::zeros(tf::Dtype::int8, array.shape()).shape()), all(array.shape()));
  EXPECT_EQ(tf::Array::copy({3}, std::vector<double>{1, 2, 3}).dtype(), tf::Dtype::float64);
  const std::vector<tf::Slice> slices = {tf::Slice::at(-1), {std::nullopt, 2}};
  EXPECT_EQ(array.slice(slices).to_vector<float>(), (std::vector<float>{3, 4}));
}

// The elements of every slice that a reader counts for itself are as many as the library's slice has.
TEST(Hpp, CountsTheElementsOfSlices) {
  const tf::File file = tf::File::from_memory(tf::save_memory(tf::Format::npz, {{"w", counting({5})}}));
  const std::optional<std::int64_t> omitted;
  const std::optional<std::int64_t> bounds[] = {omitted, -9, -6, -5, -2, -1, 0, 1, 4, 5, 6, INT64_MAX, INT64_MIN + 1};
  const std::optional<std::int64_t> steps[] = {omitted, 1, 2, 7, INT64_MAX, -1, -3, INT64_MIN + 1};
  const tf::Array w = file.read("w");
  for (const auto start : bounds) {
    for (const auto stop : bounds) {
      for (const auto step : steps) {
        const tf::Slice slice(start, stop, step);
        EXPECT_EQ(file["w"].read_values<float>({slice}), w.slice({slice}).to_vector<float>())
            << slice.start << ":" << slice.stop << ":" << slice.step;
      }
    }
  }
  EXPECT_EQ(error_of([&] { file["w"].read_values<float>({{0, 1, 0}}); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(error_of([&] { file["w"].read_values<float>({{}, {}}); }).status(), tf::Status::invalid_argument);
}

TEST(Hpp, TypedReadsDoNotConvert) {
  const tf::File file = tf::File::from_memory(
      tf::save_memory(tf::Format::npz, {{"w", counting({2, 2})}, {"on", tf::Array::copy<bool>({2}, {true, false})}}));
  EXPECT_EQ(file["w"].read_values<float>(), (std::vector<float>{0, 1, 2, 3}));
  const tf::Error error = error_of([&] { file["w"].read_values<double>(); });
  EXPECT_EQ(error.status(), tf::Status::type);
  EXPECT_STREQ(error.what(), "array 'w' is float32, not float64; read_as<T>() converts");
  EXPECT_EQ(error.name(), "w");
  EXPECT_EQ(file["w"].read_as<double>({{}, {1, 2}}), (std::vector<double>{1, 3}));
  double wide[4] = {};
  EXPECT_EQ(error_of([&] { file["w"].read_into(wide, 4); }).status(), tf::Status::type);
  file["w"].read_into_as(wide, 4);
  EXPECT_EQ(wide[3], 3.0);
  EXPECT_EQ(file["on"].read_values<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(file["w"].read_as<bool>(), (std::vector<bool>{false, true, true, true}));
}

TEST(Hpp, ErrorsHaveTheErrorOfTheSystem) {
  const tfile::TempFolder folder;
  const tf::Error missing = error_of([&] { tf::load(folder.path("missing.npy")); });
  EXPECT_EQ(missing.system(), std::errc::no_such_file_or_directory);
  EXPECT_EQ(tf::Error::last().status(), tf::Status::not_found);
  const tf::Error wrong = error_of([] { tf::Array::zeros(tf::Dtype::int8, {-1}); });
  EXPECT_FALSE(wrong.system());
  EXPECT_EQ(tf::Error(tf::Status::io, "x", "w", 3).offset(), 3u);
}

TEST(Hpp, MetadataOfAFileIsCopiedToBeChanged) {
  const tf::Dict nested = {{"0", {1, 2}}, {"1", {3}}};
  const tf::Buffer buffer = tf::save_memory(tf::Format::gguf, tf::Dict(), {{"n", 3u}, {"list", nested}});
  const tf::File file = tf::File::from_memory(buffer);
  tf::Dict metadata = file.metadata();
  EXPECT_EQ(metadata["n"].as<int>(), 3);
  EXPECT_EQ(metadata["n"].scalar().dtype(), tf::Dtype::uint32);
  const auto refuses = [](auto change) {
    const tf::Error error = error_of(change);
    EXPECT_STREQ(error.what(), "the metadata of a file cannot be changed; use copy()");
    return error.status() == tf::Status::invalid_argument;
  };
  EXPECT_TRUE(refuses([&] { metadata["n"] = 4u; }));
  EXPECT_TRUE(refuses([&] { metadata.remove("n"); }));
  EXPECT_TRUE(refuses([&] { metadata.dict("list")["0"] = 4u; }));
  EXPECT_TRUE(refuses([&] { metadata.at("list").dict()["0"] = 4u; }));
  for (const tf::Dict::Entry &entry : metadata) {
    EXPECT_TRUE(entry.kind() != tf::Kind::dict || refuses([&] { entry.dict()["0"] = 4u; }));
  }
  tf::Dict copy = metadata.copy();
  copy["n"] = 4u;
  copy.dict("list")["0"] = 5u;
  tf::Dict holder = {{"file", metadata}};
  holder.dict("file")["n"] = 6u;
  EXPECT_EQ(copy.as<int>("n"), 4);
  EXPECT_EQ(holder["file"]["n"].as<int>(), 6);
  EXPECT_EQ(file.metadata().as<int>("n"), 3);
  EXPECT_EQ(file.metadata()["list"]["0"].array().to_vector<int>(), (std::vector<int>{1, 2}));
  metadata.reset();
  metadata["n"] = 1;
  EXPECT_EQ(metadata.size(), 1u);
  EXPECT_TRUE(tf::Dict().copy().empty());
}

TEST(Hpp, OptionsAreWrittenAsBracedLists) {
  tf::Options options = {{tf::Option::threads, 1},
                         {tf::Option::format, "npy"},
                         {tf::Option::lenient, true},
                         {tf::Option::decode, tf::Dtype::float32}};
  EXPECT_EQ(options.get(tf::Option::threads), 1);
  EXPECT_EQ(options.get(tf::Option::format), TF_FORMAT_NPY);
  EXPECT_EQ(options.get(tf::Option::lenient), 1);
  EXPECT_EQ(options.get(tf::Option::decode), TF_DTYPE_FLOAT32);
  EXPECT_EQ(tf::range(tf::Option::max_rank).maximum, 64);
  EXPECT_EQ(tf::range(tf::Option::max_rank).default_value, 64);
  EXPECT_EQ(tf::option_from_name("max_rank"), tf::Option::max_rank);
  EXPECT_EQ(tf::to_string(tf::Option::max_rank), "max_rank");
  EXPECT_EQ(tf::to_string(static_cast<tf::Option>(999)), "option 999");
  EXPECT_EQ(error_of([] { tf::range(static_cast<tf::Option>(999)); }).status(), tf::Status::unsupported);
}

TEST(Hpp, DtypesAndFormatsDescribeThemselves) {
  EXPECT_EQ(tf::kind(tf::Dtype::bfloat16), tf::DtypeKind::float_);
  EXPECT_EQ(tf::kind(tf::Dtype::q4_0), tf::DtypeKind::block);
  EXPECT_TRUE(tf::can_encode(tf::Dtype::q4_0));
  EXPECT_FALSE(tf::can_encode(tf::Dtype::unsupported));
  const std::vector<tf::Format> formats = tf::formats();
  ASSERT_GE(formats.size(), 4U);
  EXPECT_EQ(std::vector<tf::Format>(formats.begin(), formats.begin() + 4),
            (std::vector<tf::Format>{tf::Format::npy, tf::Format::npz, tf::Format::safetensors, tf::Format::gguf}));
  EXPECT_EQ(tf_format_at(formats.size()), TF_FORMAT_AUTO);
  EXPECT_STREQ(tf::extension(tf::Format::gguf), ".gguf");
  EXPECT_EQ(tf::ability(tf::Format::npy, tf::Ability::single_array), 1);
  EXPECT_EQ(tf::metadata_ability(tf::Format::safetensors), tf::MetadataAbility::strings);
  EXPECT_EQ(tf::metadata_ability(tf::Format::gguf), tf::MetadataAbility::typed);
  EXPECT_EQ(tf::format_of("\x93NUMPY\1\0v\0{'desc", 16), tf::Format::npy);
  EXPECT_STREQ(tf::version(), tf_version_string());
  EXPECT_EQ(tf::version_number(), tf_version_number());
}

TEST(Hpp, SavesByExtensionAndChecksFirst) {
  const tfile::TempFolder folder;
  const tf::Dict arrays = {{"w", counting({2, 2})}};
  for (const char *name : {"a.npz", "a.safetensors", "a.gguf", "a.npy"})
    tf::save(folder.path(name), arrays);
  EXPECT_TRUE(tf::load(folder.path("a.gguf")).arrays.array("w").equal(counting({2, 2})));
  tf::save(folder.path("plain"), arrays, {}, {{tf::Option::format, tf::Format::npz}});
  EXPECT_EQ(tf::load(folder.path("plain.npz")).arrays.size(), 1u);
  EXPECT_TRUE(tf::save_check(tf::Format::gguf, arrays).empty());
  const tf::Dict complex = {{"c", tf::Array::zeros(tf::Dtype::complex128, {2})}};
  const std::vector<tf::Finding> findings = tf::save_check(tf::Format::safetensors, complex, {{"n", 3u}});
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].subject, "array");
  EXPECT_EQ(findings[0].name, "c");
  EXPECT_EQ(findings[0].problem, "dtype");
  EXPECT_NE(findings[0].reason, "");
  EXPECT_EQ(findings[1].subject, "metadata");
  EXPECT_EQ(findings[1].problem, "kind");
}

TEST(Hpp, ReshapesCopiesAndSetsElements) {
  tf::Array array = counting({2, 3});
  EXPECT_EQ(array.reshape({3, -1}).item<float>({2, 1}), 5.0f);
  EXPECT_EQ(error_of([&] { array.reshape({4}); }).status(), tf::Status::invalid_argument);
  float dense[6] = {};
  array.transpose().copy_to(dense, 6);
  EXPECT_EQ(dense[1], 3.0f);
  double wide[6] = {};
  EXPECT_EQ(error_of([&] { array.copy_to(wide, 6); }).status(), tf::Status::type);
  array.copy_to_as(wide, 6);
  EXPECT_EQ(wide[5], 5.0);
  float spread[12] = {};
  array.copy_to(tf::Dtype::as_stored, spread, {24, 8}, sizeof(spread));
  EXPECT_EQ(spread[10], 5.0f);
  array.set_item({0, -1}, 0.5).set_item({1, 1}, 7);
  EXPECT_EQ(array.to_vector<float>(), (std::vector<float>{0, 1, 0.5f, 3, 7, 5}));
  tf::Array small = tf::Array::zeros(tf::Dtype::int8, {1});
  EXPECT_EQ(error_of([&] { small.set_item({0}, 128); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(error_of([&] { small.set_item({0}, UINT64_MAX); }).status(), tf::Status::type);
  EXPECT_EQ(tf::Array::copy<bool>({2}, {true, false}).to_vector<bool>(), (std::vector<bool>{true, false}));
}

TEST(Hpp, PlansReadManyArraysAtOnce) {
  const tf::File file = tf::File::from_memory(
      tf::save_memory(tf::Format::npz, {{"w", counting({3, 4})}, {"b", tf::Array::copy<std::int16_t>({2}, {7, -8})}}));
  std::array<float, 12> w = {};
  std::array<double, 2> b = {};
  std::array<float, 3> column = {};
  std::array<float, 4> spread = {};
  std::vector<std::size_t> complete;
  tf::ReadPlan plan(file);
  plan.add(file["w"], w.data(), w.size()).add_as(file["b"], b.data(), b.size());
  plan.add(file["w"], column.data(), column.size(), {{}, {1, 2}});
  plan.add(file["w"], {{0, 1}, {0, 2}}, tf::Dtype::as_stored, spread.data(), {16, 8}, sizeof(spread));
  EXPECT_EQ(error_of([&] { plan.add(file["b"], b.data(), b.size()); }).status(), tf::Status::type);
  EXPECT_EQ(error_of([&] { plan.add(file["w"], w.data(), 11); }).status(), tf::Status::invalid_argument);
  plan.set_complete([&complete](std::size_t entry) { complete.push_back(entry); });
  plan.run();
  EXPECT_EQ(complete.size(), 4u);
  EXPECT_EQ(w[11], 11.0f);
  EXPECT_EQ(b, (std::array<double, 2>{7, -8}));
  EXPECT_EQ(column, (std::array<float, 3>{1, 5, 9}));
  EXPECT_EQ(spread, (std::array<float, 4>{0, 0, 1, 0}));
  EXPECT_EQ(error_of([&] { plan.run(); }).status(), tf::Status::invalid_argument);
  tf::ReadPlan stopped(file);
  stopped.add(file["w"], w.data(), w.size()).set_complete([](std::size_t) { throw 5; });
  EXPECT_THROW(stopped.run(), int);
}

TEST(Hpp, ListsAllArraysAtOnce) {
  const tf::File file = tf::File::from_memory(tf::save_memory(tf::Format::npz, {{"w", counting({2, 3})}}));
  const tf::Buffer listing = file.listing();
  std::int64_t count = 0;
  std::memcpy(&count, listing.data() + TF_LISTING_COUNT * sizeof(count), sizeof(count));
  EXPECT_EQ(count, 1);
}

TEST(Hpp, EnumeratorsKeepUnknownNumbers) {
  const auto future = static_cast<tf::Status>(99);
  EXPECT_EQ(tf::Error(future, "x").status(), future);
  EXPECT_EQ(tf::to_string(future), "status 99");
  EXPECT_EQ(tf::to_string(static_cast<tf::Dtype>(1000)), "dtype 1000");
  EXPECT_EQ(tf::to_string(static_cast<tf::Format>(77)), "format 77");
  EXPECT_EQ(tf::to_string(static_cast<tf::Kind>(-1)), "kind -1");
  EXPECT_EQ(tf::to_string(tf::Dtype::unsupported), "unsupported");
  EXPECT_EQ(tf::to_string(tf::Kind::string_list), "string list");
  std::ostringstream out;
  out << tf::Dtype::bool_ << " " << tf::Format::auto_ << " " << tf::Status::corrupt << " " << tf::Kind::dict;
  EXPECT_EQ(out.str(), "bool auto corrupt dict");
}

TEST(Hpp, PrintsNumbersAsNumbers) {
  EXPECT_EQ(tf::to_string(tf::Scalar(0.1f)), "0.1");
  EXPECT_EQ(tf::to_string(tf::Scalar(0.1)), "0.1");
  EXPECT_EQ(tf::to_string(tf::Scalar(1.0 / 3)), "0.3333333333333333");
  EXPECT_EQ(tf::to_string(tf::Scalar(-0.0)), "-0");
  EXPECT_EQ(tf::to_string(tf::Scalar(std::numeric_limits<float>::infinity())), "inf");
  EXPECT_EQ(tf::to_string(tf::Scalar(std::numeric_limits<double>::quiet_NaN())), "nan");
  EXPECT_EQ(tf::to_string(tf::Scalar(std::numeric_limits<float>::max())), "3.4028235e+38");
  EXPECT_EQ(tf::to_string(tf::Scalar(5e-324)), "5e-324");
  EXPECT_EQ(tf::to_string(tf::Scalar(std::int8_t{-7})), "-7");
  EXPECT_EQ(tf::to_string(tf::Scalar(UINT64_MAX)), "18446744073709551615");
  EXPECT_EQ(tf::to_string(tf::Scalar(true)), "true");
  EXPECT_EQ(tf::to_string(tf::Scalar(std::complex<float>(1, -2))), "(1-2j)");
}

TEST(Hpp, PrintsWhatIsInside) {
  EXPECT_EQ(tf::to_string(counting({2, 2}).transpose()), "float32 (2, 2) [[0, 2], [1, 3]]");
  EXPECT_EQ(tf::to_string(tf::Array::scalar(3u)), "uint32 () 3");
  EXPECT_EQ(tf::to_string(tf::Array::zeros(tf::Dtype::int8, {2, 0})), "int8 (2, 0) [[], []]");
  EXPECT_EQ(tf::to_string(tf::Array::zeros(tf::Dtype::q8_0, {32})), "q8_0 (32,)");
  EXPECT_EQ(tf::to_string(tf::Array()), "(empty)");
  EXPECT_EQ(tf::to_string(counting({2000})), "float32 (2000,) [0, 1, 2, ..., 1997, 1998, 1999]");
  EXPECT_EQ(tf::to_string(tf::Dict()), "{}");
  const tf::Dict dict = {{"w", counting({7})},
                         {"b", counting({1})},
                         {"n", 3u},
                         {"text", "a \"b\"\n\x1b"},
                         {"long", std::string(71, 'x') + "\u00e9y"},
                         {"list", {"1", "2", "3", "4", "5", "6", "7"}},
                         {"tree", {{"k", false}}}};
  EXPECT_EQ(tf::to_string(dict),
            "{\n"
            "  \"w\": float32 (7,)\n"
            "  \"b\": float32 (1,) [0]\n"
            "  \"n\": 3\n"
            "  \"text\": \"a \\\"b\\\"\\n\\x1b\"\n"
            "  \"long\": \"" +
                std::string(71, 'x') +
                "...\"\n"
                "  \"list\": [\"1\", \"2\", \"3\", \"4\", \"5\", \"6\", ... 1 more]\n"
                "  \"tree\": {\n"
                "    \"k\": false\n"
                "  }\n"
                "}");
  EXPECT_EQ(tf::to_string(dict["n"]), "3");
  const tf::Buffer buffer = tf::save_memory(tf::Format::gguf, {{"w", counting({2, 3})}}, {{"n", 3u}});
  std::ostringstream out;
  const tf::File file = tf::File::from_memory(buffer);
  out << file << "\n" << file["w"] << "\n" << tf::load_memory(buffer) << "\n" << dict[2];
  EXPECT_EQ(out.str(),
            "gguf {\n  \"w\": float32 (2, 3)\n}\nmetadata {\n  \"n\": 3\n}\n"
            "float32 (2, 3)\n"
            "{\n  \"w\": float32 (2, 3) [[0, 1, 2], [3, 4, 5]]\n}\nmetadata {\n  \"n\": 3\n}\n"
            "3");
}

TEST(Hpp, DictsFindEntriesByKey) {
  tf::Dict dict;
  dict.set("a", "x").set("b", counting({2}));
  EXPECT_EQ(dict.find("b"), 1u);
  EXPECT_EQ(dict.at("b").index(), 1u);
  EXPECT_EQ(dict["b"].kind(), tf::Kind::array);
  EXPECT_EQ(dict.at("a").string(), "x");
  EXPECT_EQ(error_of([&] { dict.find("c"); }).status(), tf::Status::not_found);
  const tf::Error missing = error_of([&] { std::as_const(dict)["c"]; });
  EXPECT_EQ(missing.status(), tf::Status::not_found);
  EXPECT_EQ(missing.name(), "c");
}

TEST(Hpp, DictsCopyEntries) {
  tf::Dict dict;
  dict.set("s", "x").set("a", counting({2})).set("d", tf::Dict()).set("l", std::vector<std::string>{"y", ""});
  dict.dict("d").set("inner", "z");
  tf::Dict copy;
  copy.set("s", "old").set("other", "kept");
  for (const tf::Dict::Entry &entry : dict)
    copy.set(entry);
  EXPECT_EQ(copy.size(), 5u);
  EXPECT_EQ(copy.string("s"), "x");
  EXPECT_EQ(copy.string("other"), "kept");
  EXPECT_EQ(copy.array("a").data(), dict.array("a").data());
  EXPECT_EQ(copy.dict("d").get(), dict.dict("d").get());
  EXPECT_EQ(copy.strings("l"), (std::vector<std::string>{"y", ""}));
}

TEST(Hpp, TreesFlatten) {
  tf::Dict tree;
  tree.set("layers", tf::Dict());
  tf::Dict layers = tree.dict("layers");
  layers.set("0", tf::Dict());
  layers.dict("0").set("w", counting({2}));
  const tf::Dict flat = tree.flatten();
  EXPECT_EQ(flat[0].key(), "layers.0.w");
  EXPECT_EQ(flat.unflatten().dict("layers").dict("0").array("w").size(), 2);
  EXPECT_TRUE(flat.unflatten().equal(tree));
  EXPECT_FALSE(flat.equal(tree));
  EXPECT_TRUE(tf::Dict().equal(tf::Dict(tf::Options())));
  EXPECT_TRUE(tf::Dict(tf::Options()).equal(tf::Dict()));
  EXPECT_FALSE(tf::Dict().equal(flat));
  tf::Dict other;
  other.set("layers.0.w", counting({3})).set("extra", counting({1}));
  const tf::Dict report = tf::Dict::compare(tree, other);
  EXPECT_EQ(report.strings("unexpected"), std::vector<std::string>{"extra"});
  EXPECT_EQ(report.strings("shape"), std::vector<std::string>{"layers.0.w"});
}

tf::Dict some_arrays() {
  tf::Dict arrays;
  arrays.set("w", counting({3, 4})).set("b", tf::Array::copy<std::int64_t>({2}, {7, -8}));
  return arrays;
}

TEST(Hpp, SavesAndLoadsByAnyKindOfPath) {
  const tfile::TempFolder folder;
  const std::filesystem::path root = folder.path();
  tf::Dict metadata;
  metadata.set("format", "pt");
  tf::save_safetensors(root / "m.safetensors", some_arrays(), metadata);
  tf::save_gguf((root / "m.gguf").string(), some_arrays());
  tf::savez((root / "m.npz").string().c_str(), some_arrays());
  tf::savez_compressed(root / "c.npz", some_arrays());
  tf::save(root / "a.npy", counting({2, 2}));
  tf::Dict tree;
  tree.set("layer", some_arrays());
  tf::save_weights(root / "t.safetensors", tree);
  for (const char *name : {"m.safetensors", "m.gguf", "m.npz", "c.npz"}) {
    const tf::Loaded loaded = tf::load(root / name);
    EXPECT_FALSE(loaded.array) << name;
    EXPECT_EQ(loaded.arrays.size(), 2u) << name;
    EXPECT_TRUE(loaded.arrays.array("w").equal(counting({3, 4}))) << name;
    EXPECT_EQ(loaded.arrays.array("b").item<std::int64_t>({1}), -8) << name;
  }
  EXPECT_EQ(tf::load((root / "m.safetensors").string()).metadata.string("format"), "pt");
  EXPECT_TRUE(tf::load((root / "a.npy").string().c_str()).array.equal(counting({2, 2})));
  EXPECT_TRUE(tf::load_weights(root / "t.safetensors", tree).dict("layer").array("w").equal(counting({3, 4})));
  const tf::Error mismatch = error_of([&] { tf::load_weights(root / "m.safetensors", tree); });
  EXPECT_EQ(mismatch.status(), tf::Status::mismatch);
}

TEST(Hpp, FilesAreRanges) {
  const tf::Buffer buffer = tf::save_memory(tf::Format::safetensors, some_arrays());
  const tf::File file = tf::File::from_memory(buffer);
  EXPECT_EQ(file.format(), tf::Format::safetensors);
  std::vector<std::string> names;
  for (const tf::File::Entry &entry : file) {
    EXPECT_EQ(entry.index(), names.size());
    names.emplace_back(entry.name());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"b", "w"}));
  const tf::File::Entry entry = file["w"];
  EXPECT_EQ(entry.file().get(), file.get());
  EXPECT_EQ(entry.dtype(), tf::Dtype::float32);
  EXPECT_EQ(all(entry.shape()), (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(entry.nbytes(), 48u);
  EXPECT_TRUE(entry.read().equal(counting({3, 4})));
  EXPECT_TRUE(file.read("w").equal(counting({3, 4})));
  EXPECT_EQ(entry.read_as<double>(), std::vector<double>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  std::array<std::uint8_t, 12> small = {};
  entry.read_into_as(small.data(), small.size());
  EXPECT_EQ(small[11], 11);
  EXPECT_EQ(error_of([&] { entry.read_into_as(small.data(), 11); }).status(), tf::Status::invalid_argument);
  const tf::Array slice = entry.read_slice({{1, 2}});
  EXPECT_EQ(all(slice.values<float>()), (std::vector<float>{4, 5, 6, 7}));
  std::array<std::int16_t, 3> column = {};
  entry.read_into_as(column.data(), column.size(), {{}, {1, 2}});
  EXPECT_EQ(column, (std::array<std::int16_t, 3>{1, 5, 9}));
  const tf::File::Entry::Location location = file[1].location();
  EXPECT_EQ(location.path, "");
  EXPECT_EQ(location.offset + location.stored_bytes, buffer.size());
  EXPECT_FALSE(location.deflated || location.big_endian || location.fortran_order);
  EXPECT_TRUE(file.contains("b"));
  EXPECT_FALSE(file.contains("c"));
  EXPECT_EQ(error_of([&] { file["c"]; }).status(), tf::Status::not_found);
  EXPECT_EQ(error_of([&] { file[2]; }).status(), tf::Status::invalid_argument);
  EXPECT_TRUE(file.metadata().empty());
}

TEST(Hpp, FilesSayWhatTheyHold) {
  const tfile::TempFolder folder;
  const std::string path = folder.path("a.safetensors");
  tf::Dict arrays;
  arrays.set("x", counting({2}));
  tf::save_safetensors(path, arrays);
  const tf::File file(path);
  EXPECT_EQ(file.at("x").type(), "float32");
  const tf::Array raw = file.at("x").read_raw();
  EXPECT_EQ(raw.dtype(), tf::Dtype::uint8);
  EXPECT_EQ(raw.nbytes(), 8u);
  EXPECT_EQ(file[0].size(), 2);
  EXPECT_TRUE(file.other_names().empty());
  EXPECT_TRUE(file.notes().empty());
}

TEST(Hpp, LocationsSayTheOrderOfBytesAndElements) {
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }";
  bytes.resize(127, ' ');
  bytes += '\n' + std::string("\0\1\0\4\0\2\0\5\0\3\0\6", 12);
  const tf::File file = tf::File::from_memory(bytes);
  EXPECT_EQ(all(file[0].read().contiguous().values<std::int16_t>()), (std::vector<std::int16_t>{1, 2, 3, 4, 5, 6}));
  const tf::File::Entry::Location location = file[0].location();
  EXPECT_EQ(location.offset, 128u);
  EXPECT_TRUE(location.big_endian);
  EXPECT_TRUE(location.fortran_order);
}

TEST(Hpp, GetReturnsOnlyTheTypeThatAValueHas) {
  tf::Dict dict = {{"n", 3u}, {"s", "text"}, {"l", {1.5f, 2.5f}}, {"t", {"a", "b"}}, {"z", std::complex<float>(1, 2)}};
  dict["m"] = counting({2, 3});
  const tf::Dict same = dict.share();
  EXPECT_EQ(dict.get<std::uint32_t>("n"), 3u);
  EXPECT_EQ(dict["n"].get<std::uint32_t>(), 3u);
  EXPECT_EQ(same["n"].get<std::uint32_t>(), 3u);
  EXPECT_EQ(same["z"].get<std::complex<float>>(), std::complex<float>(1, 2));
  EXPECT_EQ(same["s"].get<std::string>(), "text");
  EXPECT_EQ(dict["l"].get<std::vector<float>>(), (std::vector<float>{1.5f, 2.5f}));
  EXPECT_EQ(same.get<std::vector<std::string>>("t"), (std::vector<std::string>{"a", "b"}));
  EXPECT_NE(dict.get(), nullptr);  // still the handle of C
  const tf::Error number = error_of([&] { dict["n"].get<int>(); });
  EXPECT_EQ(number.status(), tf::Status::type);
  EXPECT_STREQ(number.what(), "the value of 'n' is uint32, not int32; as<T>() converts");
  EXPECT_EQ(number.name(), "n");
  EXPECT_STREQ(error_of([&] { same["l"].get<std::vector<double>>(); }).what(),
               "the value of 'l' is float32, not float64; array().as_vector<T>() converts");
  EXPECT_STREQ(error_of([&] { same["m"].get<std::vector<float>>(); }).what(),
               "the value of 'm' has 2 dimensions, not 1");
  EXPECT_EQ(error_of([&] { same["s"].get<float>(); }).status(), tf::Status::type);
  EXPECT_EQ(error_of([&] { same["n"].get<std::string>(); }).status(), tf::Status::type);
  EXPECT_EQ(error_of([&] { dict["none"].get<float>(); }).status(), tf::Status::not_found);
}

TEST(Hpp, ChecksReportEveryFault) {
  const tfile::TempFolder folder;
  const std::string path = folder.path("a.safetensors");
  tf::Dict arrays;
  arrays.set("x", counting({2}));
  tf::save_safetensors(path, arrays);
  EXPECT_TRUE(tf::check(path).faults.empty());
  std::ofstream(path, std::ios::binary | std::ios::app) << "!";
  EXPECT_EQ(tf::check(path).faults.size(), 1u);
  EXPECT_EQ(tf::check(tf::Source::from_path(path)).faults, tf::check(path).faults);
  EXPECT_EQ(tf::check(tf::Source::from_path(path), tf::Format::gguf).faults.size(), 1u);
  const tf::CheckReport lenient = tf::check(path, tf::Options().set(tf::Option::lenient, 1));
  EXPECT_TRUE(lenient.faults.empty());
  EXPECT_EQ(lenient.excused.size(), 1u);
  EXPECT_EQ(error_of([&] { tf::check(folder.path("missing.npy")); }).status(), tf::Status::not_found);
}

TEST(Hpp, ErrorsSayWhatAndWhere) {
  const tf::Error missing = error_of([] { tf::File("/no/such/file.npy"); });
  EXPECT_EQ(missing.status(), tf::Status::not_found);
  EXPECT_NE(std::string(missing.what()).find("/no/such/file.npy"), std::string::npos);
  EXPECT_EQ(missing.offset(), tf::Error::no_offset);
  const std::string header = R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})";
  const std::string file = std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + "data";
  const tf::Error corrupt = error_of([&] { tf::load_memory(file); });
  EXPECT_EQ(corrupt.status(), tf::Status::corrupt);
  EXPECT_EQ(corrupt.name(), "w");
  EXPECT_EQ(corrupt.offset(), file.find("-1"));
  EXPECT_STREQ(corrupt.what(), "array 'w': JSON: expected an integer of 0 or more, found '-' (byte 37)");
}

TEST(Hpp, OptionsChain) {
  tf::Options options;
  EXPECT_FALSE(options);
  EXPECT_EQ(options.get(tf::Option::max_rank), 64);
  EXPECT_FALSE(options);
  options.set(tf::Option::max_rank, 1).set(tf::Option::format, "safetensors");
  EXPECT_EQ(options.get(tf::Option::format), TF_FORMAT_SAFETENSORS);
  EXPECT_EQ(error_of([&] { options.set(tf::Option::max_rank, 65); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(error_of([&] { options.set(static_cast<tf::Option>(999), 1); }).status(), tf::Status::unsupported);
  const tf::Buffer buffer = tf::save_memory(tf::Format::safetensors, some_arrays());
  EXPECT_EQ(error_of([&] { tf::load_memory(buffer, tf::Format::auto_, options); }).status(), tf::Status::limit);
}

TEST(Hpp, SourcesAndSinksOfFunctions) {
  std::string written;
  const auto write = [&written](const void *src, std::size_t nbytes) {
    written.append(static_cast<const char *>(src), nbytes);
  };
  tf::save_sink(tf::Sink::to_function(write), tf::Format::safetensors, some_arrays());
  const auto read_at = [&written](std::uint64_t offset, void *dst, std::size_t nbytes) {
    written.copy(static_cast<char *>(dst), nbytes, static_cast<std::size_t>(offset));
  };
  const tf::Source source = tf::Source::from_function(written.size(), read_at);
  EXPECT_TRUE(tf::load(source).arrays.array("w").equal(counting({3, 4})));
  EXPECT_TRUE(tf::File(source).read("w").equal(counting({3, 4})));
  written.clear();
  tf::save_sink(tf::Sink::to_function(write), counting({2}));
  EXPECT_EQ(written.substr(1, 5), "NUMPY");
  const tf::Buffer npy = tf::save_memory(counting({2}));
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(npy.data()), npy.bytes().size()), written);
  int done = 0;
  tf::load(tf::Source::from_memory(npy.data(), npy.size(), [&done] { ++done; }));
  EXPECT_EQ(done, 1);
  EXPECT_TRUE(tf::load(tf::Source::from_memory(npy.data(), npy.size())).array);
}

TEST(Hpp, ReadsAndWritesStreams) {
  std::stringstream stream;
  tf::save_sink(tf::Sink::to_stream(stream), tf::Format::npz, some_arrays());
  const tf::Source source = tf::Source::from_stream(stream);
  EXPECT_TRUE(tf::File(source).read("w").equal(counting({3, 4})));
  EXPECT_TRUE(tf::load(source).arrays.array("w").equal(counting({3, 4})));
  std::ostringstream broken;
  broken.setstate(std::ios::badbit);
  EXPECT_EQ(error_of([&] { tf::save_sink(tf::Sink::to_stream(broken), counting({2})); }).status(), tf::Status::io);
  std::istringstream no_stream;
  no_stream.setstate(std::ios::badbit);
  EXPECT_EQ(error_of([&] { tf::Source::from_stream(no_stream); }).status(), tf::Status::io);
}

TEST(Hpp, SourcesHaveNamesHintsAndResolvers) {
  const tfile::TempFolder folder;
  tf::save(folder.path("w.safetensors"), some_arrays(), {}, {{tf::Option::part_bytes, 50}});
  std::vector<std::string> asked;
  const auto open = [&](const std::string &name) {
    asked.push_back(name);
    if (!std::filesystem::exists(folder.path(name))) return tf::Source();
    return tf::Source::from_path(folder.path(name));
  };
  tf::Source source = open("w.safetensors.index.json");
  source.set_name("models/w.safetensors.index.json").set_hints(1 << 20, 8 << 20, 16).set_resolver(open);
  const tf::File file(source);
  EXPECT_TRUE(file.read("w").equal(counting({3, 4})));
  EXPECT_EQ(asked.size(), 3u);
  EXPECT_EQ(error_of([&] { source.set_name("late"); }).status(), tf::Status::invalid_argument);
  tf::Source again = open("w.safetensors.index.json");
  again.set_name("w.safetensors.index.json").set_resolver(open);
  EXPECT_TRUE(tf::load_weights(again, tf::Format::auto_, some_arrays())["w"].array().equal(counting({3, 4})));
  tf::Source lost = open("w.safetensors.index.json");
  lost.set_name("w.safetensors.index.json").set_resolver([](const std::string &) { return tf::Source(); });
  EXPECT_EQ(error_of([&] { tf::File{lost}; }).status(), tf::Status::not_found);
  tf::Source thrown = open("w.safetensors.index.json");
  thrown.set_name("w.safetensors.index.json").set_resolver([](const std::string &) -> tf::Source { throw 3; });
  EXPECT_THROW(tf::File{thrown}, int);
}

TEST(Hpp, SourcesOfConcurrentFunctions) {
  const tf::Buffer npy = tf::save_memory(counting({1 << 16}));
  const auto read_at = [&npy](std::uint64_t offset, void *dst, std::size_t nbytes) {
    std::memcpy(dst, npy.data() + offset, nbytes);
  };
  const tf::Options options = {{tf::Option::threads, 4}};
  const tf::Source source = tf::Source::from_concurrent_function(npy.size(), read_at).set_hints(0, 1 << 14, 4);
  EXPECT_TRUE(tf::load(source, tf::Format::auto_, options).array.equal(counting({1 << 16})));
  const auto failing = [](tf::Status status) {
    return tf::Source::from_concurrent_function(100, [status](auto, auto, auto) {
      if (status == tf::Status::ok) throw 1;
      throw tf::Error(status, "x");
    });
  };
  EXPECT_EQ(error_of([&] { tf::load(failing(tf::Status::cancelled)); }).status(), tf::Status::cancelled);
  EXPECT_EQ(error_of([&] { tf::load(failing(tf::Status::ok)); }).status(), tf::Status::io);
}

TEST(Hpp, SinksCommitOrAbort) {
  int commits = 0;
  int aborts = 0;
  std::string written;
  const auto write = [&written](const void *src, std::size_t nbytes) {
    written.append(static_cast<const char *>(src), nbytes);
  };
  const auto commit = [&commits] { ++commits; };
  const auto abort = [&aborts] { ++aborts; };
  tf::save_sink(tf::Sink::to_function(write, commit, abort), counting({2}));
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(aborts, 0);
  EXPECT_TRUE(tf::load_memory(written).array.equal(counting({2})));
  const auto full = [](const void *, std::size_t) { throw 4; };
  EXPECT_THROW(tf::save_sink(tf::Sink::to_function(full, commit, abort), counting({2})), int);
  EXPECT_EQ(aborts, 1);
  tf::Sink::to_function(write, nullptr, abort);
  EXPECT_EQ(aborts, 2);
  const auto refuse = [] { throw 5; };
  EXPECT_THROW(tf::save_sink(tf::Sink::to_function(write, refuse, abort), counting({2})), int);
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(aborts, 2);
}

TEST(Hpp, SinksOfSets) {
  std::map<std::string, std::string> files;
  const auto open = [&files](const std::string &name) {
    std::string *const bytes = &files[name];
    return tf::Sink::to_function(
        [bytes](const void *src, std::size_t nbytes) { bytes->append(static_cast<const char *>(src), nbytes); });
  };
  const tf::Sink sink = open("w.safetensors").set_resolver("w.safetensors", open);
  tf::save_sink(sink, tf::Format::safetensors, some_arrays(), {}, {{tf::Option::part_bytes, 50}});
  EXPECT_EQ(files.size(), 4u);
  EXPECT_TRUE(files["w.safetensors"].empty());
  EXPECT_EQ(tf::load_memory(files["w-00001-of-00002.safetensors"]).arrays.size(), 1u);
  EXPECT_NE(files["w.safetensors.index.json"].find("w-00002-of-00002.safetensors"), std::string::npos);
  tf::Sink lost = open("x").set_resolver("x.safetensors", [](const std::string &) { return tf::Sink(); });
  EXPECT_EQ(error_of([&] {
              tf::save_sink(lost, tf::Format::safetensors, some_arrays(), {}, {{tf::Option::part_bytes, 50}});
            }).status(),
            tf::Status::io);
}

TEST(Hpp, HeadersAreEdited) {
  const tfile::TempFolder folder;
  const std::string path = folder.path("w.safetensors");
  tf::save_safetensors(path, some_arrays(), {{"k", "v"}});
  tf::save_metadata(path, {{"k", "w"}});
  const tf::File file(path);
  EXPECT_EQ(file.metadata().string("k"), "w");
  tf::Edit edit(file);
  edit.rename(file["w"].index(), "c").remove(file["b"].index()).set_metadata({});
  EXPECT_EQ(edit.size() + edit.patch_bytes() + edit.run_count(), 0u);
  edit.finish();
  ASSERT_EQ(edit.share().run_count(), 2u);
  EXPECT_EQ(edit.run(0).offset, 0u);
  EXPECT_EQ(edit.run(1).bytes, nullptr);
  EXPECT_EQ(edit.run(1).offset, file["w"].location().offset);
  EXPECT_EQ(edit.size(), edit.run(0).nbytes + edit.run(1).nbytes);
  std::string bytes;
  edit.save(tf::Sink::to_function(
      [&bytes](const void *src, std::size_t nbytes) { bytes.append(static_cast<const char *>(src), nbytes); }));
  edit.save(folder.path("new.safetensors"));
  EXPECT_EQ(folder.read("new.safetensors"), bytes);
  const tf::File now(folder.path("new.safetensors"));
  EXPECT_EQ(now.size(), 1u);
  EXPECT_TRUE(now["c"].read().equal(some_arrays().array("w")));
  EXPECT_TRUE(now.metadata().empty());
  EXPECT_EQ(tf::ability(tf::Format::safetensors, tf::Ability::header_slack), 1);
}

TEST(Hpp, PlansOfPartsAreWrittenSeparately) {
  const tfile::TempFolder folder;
  const tf::Options options = {{tf::Option::part_bytes, 50}};
  tf::PartPlan plan(folder.path("w.safetensors"), tf::Format::auto_, options);
  plan.declare(some_arrays()).declare("more", tf::Dtype::int8, {3}).set_metadata({{"k", "v"}});
  plan.finish();
  ASSERT_EQ(plan.size(), 2u);
  EXPECT_TRUE(plan.has_index());
  EXPECT_EQ(plan.part(0).count, 1u);
  EXPECT_EQ(plan.part(1).first, 1u);
  EXPECT_EQ(plan.part(1).nbytes, 19u);
  EXPECT_EQ(plan.array(2), "more");
  EXPECT_EQ(plan.path(1), folder.path("w-00002-of-00002.safetensors"));
  EXPECT_EQ(plan.index_path(), folder.path("w.safetensors.index.json"));
  EXPECT_EQ(plan.metadata(1).string("k"), "v");
  EXPECT_EQ(plan.share().size(), 2u);
  std::string last;
  const tf::Sink sink = tf::Sink::to_function(
      [&last](const void *src, std::size_t nbytes) { last.append(static_cast<const char *>(src), nbytes); });
  tf::Writer second = plan.open_part(1, sink);
  second.write(some_arrays().array("b")).write("abc", 3).finish();
  std::ofstream(plan.path(1), std::ios::binary) << last;
  tf::Writer first = plan.open_part(0);
  first.write(counting({3, 4}));
  first.finish();
  plan.save_index();
  EXPECT_EQ(tf::File(plan.index_path())["more"].read_values<std::int8_t>(), (std::vector<std::int8_t>{'a', 'b', 'c'}));
  plan.save_index(folder.path("copy.json"));
  EXPECT_EQ(plan.index().size(), std::filesystem::file_size(folder.path("copy.json")));
  tf::Writer other = plan.open_part(0, folder.path("other"));
  other.write(counting({3, 4}));
  other.finish();
  EXPECT_EQ(std::filesystem::file_size(folder.path("other")), std::filesystem::file_size(plan.path(0)));
  EXPECT_EQ(error_of([&] { plan.part(2); }).status(), tf::Status::invalid_argument);
}

TEST(Hpp, RethrowsExceptionsOfCallbacks) {
  struct Mine {
    int number;
  };
  const auto thrown = [](auto body) {
    try {
      body();
    } catch (const Mine &mine) {
      return mine.number;
    }
    return 0;
  };
  EXPECT_EQ(thrown([] { tf::load(tf::Source::from_function(100, [](auto, auto, auto) { throw Mine{1}; })); }), 1);
  EXPECT_EQ(thrown([] { tf::save_sink(tf::Sink::to_function([](auto, auto) { throw Mine{2}; }), counting({2})); }), 2);
  const tf::Options options = tf::Options().set_progress([](auto, auto) -> bool { throw Mine{3}; });
  EXPECT_EQ(thrown([&] { tf::save_memory(counting({2}), options); }), 3);
  const tf::Options stop = tf::Options().set_progress([](std::uint64_t, std::uint64_t total) { return total != 8; });
  EXPECT_EQ(error_of([&] { tf::save_memory(counting({2}), stop); }).status(), tf::Status::cancelled);
  // The next failure is not affected by the exception.
  EXPECT_EQ(error_of([] { tf::File("/no/such/file.npy"); }).status(), tf::Status::not_found);
}

TEST(Hpp, PartsAndTensors) {
  const tf::Buffer npy = tf::save_memory(counting({2, 3}));
  const std::string pack = "xx" + std::string(reinterpret_cast<const char *>(npy.data()), npy.size());
  const tf::Source whole = tf::Source::from_memory(pack.data(), pack.size());
  const tf::Array loaded = tf::load(whole.part(2)).array;
  EXPECT_EQ(loaded.ndim(), 2u);
  EXPECT_EQ(error_of([&] { whole.part(3, pack.size()); }).status(), tf::Status::invalid_argument);
  EXPECT_EQ(error_of([] { tf::Source::from_fd(-1); }).status(), tf::Status::io);
  const tf::Array shared = tf::Array::from_dlpack(loaded.to_dlpack());
  EXPECT_EQ(shared.data(), loaded.data());
  EXPECT_EQ(error_of([] { tf::Array::from_dlpack(nullptr); }).status(), tf::Status::invalid_argument);
  const tf::Options small = tf::Options().set(tf::Option::max_bytes, 1);
  EXPECT_EQ(error_of([&] { tf::Dict{small}; }).status(), tf::Status::limit);
  EXPECT_EQ(error_of([&] { tf::Array::zeros(tf::Dtype::int8, {2}, small); }).status(), tf::Status::limit);
}

TEST(Hpp, RunsWorkOnTheExecutor) {
  std::size_t jobs = 0;
  const tf::Options options =
      tf::Options().set_executor(2, [&jobs](std::size_t count, const std::function<void(std::size_t)> &job) {
        jobs += count;
        for (std::size_t i = 0; i < count; ++i)
          job(i);
      });
  const tf::Array large = tf::Array::zeros(tf::Dtype::float32, {4 << 20});
  EXPECT_EQ(large.cast(tf::Dtype::float64, options).dtype(), tf::Dtype::float64);
  EXPECT_EQ(jobs, 2u);
  const tf::Options broken = tf::Options().set_executor(2, [](std::size_t, const auto &) { throw 7; });
  EXPECT_THROW(large.cast(tf::Dtype::float64, broken), int);
  EXPECT_EQ(error_of([] { tf::Options().set_executor(0, [](std::size_t, const auto &) {}); }).status(),
            tf::Status::invalid_argument);
}

TEST(Hpp, AllocatesWithTheAllocator) {
  struct Counts {
    int allocated = 0;
    int freed = 0;
    int released = 0;
  };
  Counts counts;
  const auto alloc = [](void *user, std::size_t size, std::size_t alignment) -> void * {
    ++static_cast<Counts *>(user)->allocated;
    return ::operator new(size, std::align_val_t(alignment), std::nothrow);
  };
  const auto free = [](void *user, void *ptr, std::size_t, std::size_t alignment) {
    ++static_cast<Counts *>(user)->freed;
    ::operator delete(ptr, std::align_val_t(alignment));
  };
  const auto release = [](void *user) { ++static_cast<Counts *>(user)->released; };
  {
    const tf::Array array =
        tf::Array::zeros(tf::Dtype::int8, {2}, tf::Options().set_allocator(alloc, free, release, &counts));
    EXPECT_GT(counts.allocated, 0);
    EXPECT_EQ(counts.released, 0);
  }
  EXPECT_EQ(counts.freed, counts.allocated);
  EXPECT_EQ(counts.released, 1);
}

struct Half {
  std::uint16_t bits;
};

}  // namespace

template <>
struct tensorfile::DtypeOf<Half> {
  static constexpr tensorfile::Dtype value = tensorfile::Dtype::float16;
};

namespace {

TEST(Hpp, WritesArrayByArray) {
  std::string written;
  const tf::Sink sink = tf::Sink::to_function(
      [&written](const void *src, std::size_t nbytes) { written.append(static_cast<const char *>(src), nbytes); });
  tf::Dict metadata;
  metadata.set("k", "v");
  tf::Writer writer(sink, tf::Format::gguf);
  writer.declare("a", tf::Dtype::float32, {2, 3}).declare("b", tf::Dtype::float32, {3, 2}).metadata(metadata);
  const tf::Writer shared = writer.share();
  EXPECT_EQ(shared.get(), writer.get());
  const tf::Array array = counting({2, 3});
  writer.write(array.data(), 5).write(array.bytes().data() + 5, 19).write(array.transpose());
  writer.finish();
  EXPECT_EQ(error_of([&] { writer.finish(); }).status(), tf::Status::invalid_argument);
  tf::Dict arrays;
  arrays.set("a", counting({2, 3})).set("b", array.transpose());
  const tf::Buffer whole = tf::save_memory(tf::Format::gguf, arrays, metadata);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(whole.data()), whole.size()), written);
  EXPECT_EQ(error_of([] { tf::Writer("none", tf::Format::auto_); }).status(), tf::Status::invalid_argument);
}

TEST(Hpp, SupportsOtherElementTypes) {
  const tf::Array half = tf::Array::copy<float>({2}, {1.0f, -2.0f}).cast(tf::Dtype::float16);
  EXPECT_EQ(half.values<Half>()[0].bits, 0x3C00);
  EXPECT_EQ(half.values<Half>()[1].bits, 0xC000);
}

#if __cplusplus >= 202002L
TEST(Hpp, SpansConvert) {
  const tf::Array array = counting({3});
  const std::span<const float> values = array.values<float>();
  EXPECT_EQ(values[2], 2.0f);
  tf::Array other = counting({3});
  const std::span<float> mutable_values = other.values_mut<float>();
  mutable_values[0] = 5;
  EXPECT_EQ(other.item<float>({0}), 5.0);
}
#endif

}  // namespace
