#include "hostile/cases.h"
#include "support/gguf_builder.h"

namespace tfile::hostile {

namespace {

using testing::GgufBuilder;

constexpr uint64_t kTop = uint64_t{1} << 63;
constexpr uint32_t kElementBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
constexpr uint32_t kTypes = 13;

std::string times(size_t count, char c = '\1') {
  return std::string(count, c);
}

GgufBuilder base() {
  GgufBuilder made;
  made.value("general.name", testing::kString, made.string("x"));
  made.value("n", testing::kU32, made.number<uint32_t>(7));
  made.tensor("a", {2, 2}, testing::kGgmlF32, times(16)).tensor("b", {3}, testing::kGgmlI8, times(3));
  return made;
}

void add_heads(Cases &cases) {
  const std::string whole = base().build();
  for (const size_t cut : std::initializer_list<size_t>{0,  1,  3,  4,  5,  7,  8,   15,  16,  23,  24, 31,
                                                        32, 43, 44, 50, 60, 80, 100, 120, 150, 180, 192})
    if (cut < whole.size() - 32)
      cases.refused("cut_at_" + std::to_string(cut), TF_STATUS_TRUNCATED, whole.substr(0, cut));
  for (size_t i = 0; i < 4; ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x20);
    cases.refused("magic_byte_" + std::to_string(i), TF_STATUS_FORMAT, bytes);
  }
  for (const uint32_t version :
       {0u, 1u, 4u, 5u, 255u, 0xFFFFu, 0x10000u, 0x00010003u, 0x04000000u, 0x01000000u, 0xFFFFFFFFu}) {
    GgufBuilder made = base();
    made.version = version;
    cases.refused("version_" + std::to_string(version), TF_STATUS_UNSUPPORTED, made.build());
  }
  GgufBuilder second = base();
  second.version = 2;
  cases.good("version_2", second.build());
  cases.good("whole", whole);
  GgufBuilder no_tail = base();
  no_tail.tail = false;
  cases.good("no_tail", no_tail.build());
}

void add_counts(Cases &cases) {
  // The default options allow 1,000,000, so larger counts may also give LIMIT.
  const auto expected = [](uint64_t count) { return count >= kTop / 13 ? TF_STATUS_CORRUPT : TF_STATUS_TRUNCATED; };
  for (const uint64_t count : {uint64_t{1000}, uint64_t{1} << 20, uint64_t{1} << 32, uint64_t{1} << 58, kTop / 8,
                               kTop - 1, kTop, kTop + 1, UINT64_MAX}) {
    GgufBuilder tensors = base();
    tensors.tensor_count = count;
    cases.refused("tensor_count_" + std::to_string(count), count >= kTop / 24 ? TF_STATUS_CORRUPT : TF_STATUS_TRUNCATED,
                  tensors.build(), count > 1000000 ? TF_STATUS_LIMIT : TF_STATUS_OK);
    GgufBuilder values = base();
    values.value_count = count;
    cases.refused("value_count_" + std::to_string(count), expected(count), values.build(),
                  count > 1000000 ? TF_STATUS_LIMIT : TF_STATUS_OK);
  }
  GgufBuilder fewer = base();
  fewer.tensor_count = 1;
  // The rest of the file is bytes after the last tensor, which every reader accepts.
  cases.good("tensor_count_too_small", fewer.build());
  GgufBuilder nothing;
  cases.good("nothing", nothing.build());
}

// Puts wrong values into each field that is a length.
void add_lengths(Cases &cases) {
  const auto length = [](uint64_t n) { return GgufBuilder().number(n); };
  for (const uint64_t n :
       {uint64_t{60000}, uint64_t{1} << 17, uint64_t{1} << 32, kTop - 1, kTop, kTop + 8, UINT64_MAX}) {
    const tf_status status = n >= kTop ? TF_STATUS_CORRUPT : TF_STATUS_TRUNCATED;
    const tf_status also = n > 65536 ? TF_STATUS_LIMIT : TF_STATUS_OK;
    const std::string name = std::to_string(n);
    GgufBuilder key;
    cases.refused("key_length_" + name, status,
                  key.raw_value(length(n) + "k" + key.number<uint32_t>(0) + times(20)).build(), also);
    GgufBuilder text;
    cases.refused("string_length_" + name, status, text.value("k", testing::kString, length(n) + times(20)).build());
    GgufBuilder list;
    cases.refused(
        "list_length_" + name, status,
        list.value("k", testing::kArray, list.array(testing::kString, 2, list.string("x") + length(n) + times(9)))
            .build());
    GgufBuilder tensor;
    cases.refused("tensor_name_length_" + name, status, tensor.raw_record(length(n) + times(60)).build(), also);
    for (uint32_t type = 0; type < kTypes; ++type) {
      if (n != (uint64_t{1} << 32) && n != kTop - 1 && n != UINT64_MAX) continue;
      GgufBuilder made;
      const uint64_t least = type == testing::kString ? 8 : type == testing::kArray ? 12 : kElementBytes[type];
      const bool fits = n <= (kTop - 1) / least;
      cases.refused("array_of_" + std::to_string(type) + "_count_" + name,
                    fits ? TF_STATUS_TRUNCATED : TF_STATUS_CORRUPT,
                    made.value("k", testing::kArray, made.array(type, n, times(40))).build());
    }
  }
}

void add_values(Cases &cases) {
  for (const uint32_t type : {13u, 14u, 100u, 255u, 0x80000000u, 0xFFFFFFFFu}) {
    GgufBuilder value;
    cases.refused("value_type_" + std::to_string(type), TF_STATUS_CORRUPT, value.value("k", type, times(40)).build());
    GgufBuilder array;
    cases.refused("element_type_" + std::to_string(type), TF_STATUS_CORRUPT,
                  array.value("k", testing::kArray, array.array(type, 1, times(40))).build());
  }
  for (const int value : {0, 1, 2, 255}) {
    GgufBuilder made;
    made.value("k", testing::kBool, times(1, static_cast<char>(value)));
    cases.good("bool_" + std::to_string(value), made.build());
  }
  for (uint32_t type = 0; type < kTypes; ++type) {
    GgufBuilder made;
    cases.good("empty_array_of_" + std::to_string(type),
               made.value("k", testing::kArray, made.array(type, 0, "")).build());
  }
  const auto nested = [](size_t depth) {
    GgufBuilder made;
    std::string bytes = made.array(testing::kU8, 1, "x");
    for (size_t i = 1; i < depth; ++i)
      bytes = made.array(testing::kArray, 1, bytes);
    return made.value("k", testing::kArray, bytes).build();
  };
  cases.good("nested_8", nested(8));
  cases.refused("nested_9", TF_STATUS_UNSUPPORTED, nested(9));
  cases.refused("nested_1000", TF_STATUS_UNSUPPORTED, nested(1000));
  for (const char *key : {"", "general.alignment"}) {
    GgufBuilder made;
    made.value(key, testing::kU32, made.number<uint32_t>(*key == '\0' ? 1 : 0));
    cases.refused(std::string("key '") + key + "'", TF_STATUS_CORRUPT, made.build());
  }
  GgufBuilder nul;
  cases.refused("key_with_nul", TF_STATUS_CORRUPT, nul.value(std::string("a\0b", 3), testing::kU8, "x").build());
  GgufBuilder twice;
  twice.value("k", testing::kU8, "x").value("k", testing::kU16, "xy");
  cases.refused("key_twice", TF_STATUS_DUPLICATE, twice.build());
  for (const auto &[name, bytes] : bad_utf8()) {
    GgufBuilder key;
    cases.refused("key_" + name, TF_STATUS_CORRUPT, key.value("a" + bytes, testing::kU8, "x").build());
    GgufBuilder tensor;
    cases.refused("tensor_" + name, TF_STATUS_CORRUPT, tensor.tensor("a" + bytes, {1}, testing::kGgmlI8, "x").build());
    GgufBuilder text;
    cases.good("string_" + name, text.value("k", testing::kString, text.string(bytes)).build());
  }
}

void add_alignments(Cases &cases) {
  for (const uint32_t alignment : {0u, 3u, 24u, 31u, 33u, 48u, 0x100001u, 0x200000u, 0x80000000u, 0xFFFFFFFFu}) {
    GgufBuilder made;
    made.value("general.alignment", testing::kU32, made.number(alignment));
    cases.refused("alignment_" + std::to_string(alignment), TF_STATUS_CORRUPT,
                  made.tensor("a", {4}, testing::kGgmlI8, "abcd").build());
  }
  for (uint32_t type = 0; type < kTypes; ++type) {
    if (type == testing::kU32) continue;
    GgufBuilder made;
    made.value("general.alignment", type, made.number<uint64_t>(32) + times(20, '\0'));
    cases.refused("alignment_of_type_" + std::to_string(type), TF_STATUS_CORRUPT, made.build());
  }
  for (const uint32_t alignment : {1u, 2u, 4u, 8u, 64u, 4096u, 0x100000u}) {
    GgufBuilder made;
    made.alignment = alignment;
    made.value("general.alignment", testing::kU32, made.number(alignment));
    made.tensor("a", {4}, testing::kGgmlI8, "abcd").tensor("b", {1}, testing::kGgmlI8, "e");
    cases.good("alignment_" + std::to_string(alignment), made.build());
  }
}

void add_tensors(Cases &cases) {
  const auto record = [](const std::vector<uint64_t> &dims, uint32_t type, uint64_t offset) {
    return GgufBuilder().record("a", dims, type, offset).data(times(64)).build();
  };
  for (const uint64_t dim : {kTop, kTop + 4, UINT64_MAX, UINT64_MAX - 3})
    cases.refused("dimension_" + std::to_string(dim), TF_STATUS_CORRUPT, record({dim}, testing::kGgmlI8, 0));
  const uint64_t root = uint64_t{1} << 32;
  cases.refused("product_2_64", TF_STATUS_CORRUPT, record({root, root}, testing::kGgmlI8, 0));
  cases.refused("product_2_64_and_0", TF_STATUS_CORRUPT, record({root, root, 0}, testing::kGgmlI8, 0));
  cases.refused("product_0_and_2_64", TF_STATUS_CORRUPT, record({0, root, root}, testing::kGgmlI8, 0));
  cases.refused("product_wraps_to_4", TF_STATUS_CORRUPT, record({kTop / 2 + 1, 4}, testing::kGgmlI8, 0));
  cases.refused("bytes_overflow", TF_STATUS_CORRUPT, record({kTop / 4}, testing::kGgmlF32, 0));
  cases.refused("beyond_the_file", TF_STATUS_TRUNCATED, record({1000000000000}, testing::kGgmlI8, 0));
  for (const uint32_t rank : {9u, 64u, 65536u, 0x80000000u, 0xFFFFFFFFu}) {
    GgufBuilder made;
    made.raw_record(made.string("a") + made.number(rank) + times(200));
    cases.refused("rank_" + std::to_string(rank), TF_STATUS_CORRUPT, made.data(times(64)).build(), TF_STATUS_LIMIT);
  }
  for (size_t rank = 0; rank <= 8; ++rank)
    cases.good("rank_" + std::to_string(rank),
               GgufBuilder().tensor("a", std::vector<uint64_t>(rank, 1), testing::kGgmlI8, "x").build());
  // ggml's ids, with the elements and bytes of a block.
  const uint32_t blocks[][3] = {{2, 32, 18},    {3, 32, 20},    {6, 32, 22},    {7, 32, 24},    {8, 32, 34},
                                {10, 256, 84},  {11, 256, 110}, {12, 256, 144}, {13, 256, 176}, {14, 256, 210},
                                {15, 256, 292}, {16, 256, 66},  {17, 256, 74},  {18, 256, 98},  {19, 256, 50},
                                {20, 32, 18},   {21, 256, 110}, {22, 256, 82},  {23, 256, 136}, {29, 256, 56},
                                {34, 256, 54},  {35, 256, 66},  {39, 32, 17}};
  for (const auto &[type, elements, bytes] : blocks) {
    const std::string name = std::to_string(type);
    cases.good("type_" + name, GgufBuilder().tensor("a", {elements, 2}, type, times(2 * bytes)).build());
    cases.refused("type_" + name + "_half_a_block", TF_STATUS_CORRUPT,
                  GgufBuilder().tensor("a", {elements / 2, 2}, type, times(bytes)).build());
    cases.refused("type_" + name + "_block_and_1", TF_STATUS_CORRUPT,
                  GgufBuilder().tensor("a", {elements + 1}, type, times(2 * bytes)).build());
    GgufBuilder cut = GgufBuilder().tensor("a", {elements}, type, times(bytes - 1));
    cut.tail = false;
    cases.refused("type_" + name + "_data_cut", TF_STATUS_TRUNCATED, cut.build());
  }
  for (const uint32_t type : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, 99u, 0x7FFFFFFFu, 0xFFFFFFFFu, 0xFFFFFFC0u})
    cases.opens("unknown_type_" + std::to_string(type), TF_STATUS_UNSUPPORTED, record({32}, type, 0));
  for (const uint64_t offset : {uint64_t{1}, uint64_t{4}, uint64_t{31}, uint64_t{33}, kTop - 1, UINT64_MAX})
    cases.refused("offset_" + std::to_string(offset), TF_STATUS_CORRUPT, record({32}, testing::kGgmlI8, offset));
  for (const uint64_t offset : {uint64_t{32}, uint64_t{64}, uint64_t{1} << 40, kTop - 32, kTop, UINT64_MAX - 31})
    cases.refused("hole_of_" + std::to_string(offset), TF_STATUS_CORRUPT, record({32}, testing::kGgmlI8, offset));
}

void add_layouts(Cases &cases) {
  const auto two = [](uint64_t first, uint64_t second, size_t data) {
    return GgufBuilder()
        .record("a", {32}, testing::kGgmlI8, first)
        .record("b", {32}, testing::kGgmlI8, second)
        .data(times(data))
        .build();
  };
  cases.good("in_order", two(0, 32, 64));
  cases.good("out_of_order", two(32, 0, 64));
  cases.refused("same_place", TF_STATUS_CORRUPT, two(0, 0, 64));
  cases.refused("hole_between", TF_STATUS_CORRUPT, two(0, 64, 96));
  cases.refused("hole_before", TF_STATUS_CORRUPT, two(32, 64, 96));
  cases.refused("second_beyond", TF_STATUS_TRUNCATED, two(0, 32, 32));
  cases.refused("overlap", TF_STATUS_CORRUPT,
                GgufBuilder()
                    .record("a", {64}, testing::kGgmlI8, 0)
                    .record("b", {32}, testing::kGgmlI8, 32)
                    .data(times(64))
                    .build());
  for (const size_t extra : std::initializer_list<size_t>{1, 31, 32, 4096})
    cases.good("trailing_" + std::to_string(extra), base().build() + times(extra, '\0'));
  GgufBuilder twice;
  twice.tensor("a", {1}, testing::kGgmlI8, "x").tensor("a", {1}, testing::kGgmlI8, "y");
  cases.refused("tensor_twice", TF_STATUS_DUPLICATE, twice.build());
  cases.refused("tensor_without_name", TF_STATUS_CORRUPT, GgufBuilder().tensor("", {1}, testing::kGgmlI8, "x").build());
  cases.refused("tensor_with_nul", TF_STATUS_CORRUPT,
                GgufBuilder().tensor(std::string("a\0", 2), {1}, testing::kGgmlI8, "x").build());
  cases.good("tensor_name_of_1000", GgufBuilder().tensor(times(1000, 'a'), {1}, testing::kGgmlI8, "x").build());
  cases.good("path_as_name", GgufBuilder().tensor("../../etc/passwd", {1}, testing::kGgmlI8, "x").build());
}

void add_big_endian(Cases &cases) {
  const auto made = [] {
    GgufBuilder big(true);
    big.value("n", testing::kU32, big.number<uint32_t>(7));
    return big.tensor("a", {2}, testing::kGgmlF32, times(8));
  };
  cases.good("big_endian", made().build());
  GgufBuilder count = made();
  count.tensor_count = 3;
  cases.refused("big_endian_header_of_little_counts", TF_STATUS_TRUNCATED,
                made().build().substr(0, 8) + base().build().substr(8), TF_STATUS_LIMIT);
  GgufBuilder many = made();
  many.value_count = UINT64_MAX;
  cases.refused("big_endian_value_count", TF_STATUS_CORRUPT, many.build());
}

void add_bombs(Cases &cases) {
  constexpr size_t kMost = 50000;
  GgufBuilder keys;
  for (size_t i = 0; i < kMost; ++i)
    keys.value(std::to_string(i), testing::kU8, "x");
  GgufBuilder bad_keys = keys;
  cases.refused("many_keys_then_a_fault", TF_STATUS_CORRUPT, bad_keys.value("z", 99, "x").build());
  GgufBuilder twice = keys;
  cases.refused("many_keys_then_a_duplicate", TF_STATUS_DUPLICATE, twice.value("0", testing::kU8, "x").build());
  GgufBuilder tensors;
  for (size_t i = 0; i < kMost; ++i)
    tensors.record(std::to_string(i), {0}, testing::kGgmlI8, 0);
  GgufBuilder hole = tensors;
  cases.refused("many_tensors_then_a_hole", TF_STATUS_CORRUPT, hole.record("z", {1}, testing::kGgmlI8, 32).build());
  GgufBuilder same = tensors;
  cases.refused("many_tensors_then_a_duplicate", TF_STATUS_DUPLICATE,
                same.record("0", {0}, testing::kGgmlI8, 0).build());
  GgufBuilder strings;
  strings.value("k", testing::kArray, strings.array(testing::kString, 500000, times(500000 * 8, '\0')));
  cases.refused("many_strings_then_a_fault", TF_STATUS_CORRUPT, strings.value("z", 99, "x").build());
  GgufBuilder lists;
  std::string empty;
  for (size_t i = 0; i < 300000; ++i)
    empty += lists.number<uint32_t>(testing::kU8) + lists.number<uint64_t>(0);
  lists.value("k", testing::kArray, lists.array(testing::kArray, 300000, empty));
  cases.refused("many_lists_then_a_fault", TF_STATUS_CORRUPT, lists.value("z", 99, "x").build());
  GgufBuilder wide;
  std::string eight = wide.array(testing::kU8, 0, "");
  for (size_t level = 1; level < 8; ++level) {
    std::string all;
    for (size_t i = 0; i < 8 && all.size() < (size_t{1} << 20); ++i)
      all += eight;
    eight = wide.array(testing::kArray, all.size() / eight.size(), all);
  }
  wide.value("k", testing::kArray, eight);
  cases.refused("tree_then_a_fault", TF_STATUS_CORRUPT, wide.value("z", 99, "x").build(), TF_STATUS_LIMIT);
}

}  // namespace

std::vector<Case> gguf_cases() {
  Cases cases(TF_FORMAT_GGUF);
  add_heads(cases);
  add_counts(cases);
  add_lengths(cases);
  add_values(cases);
  add_alignments(cases);
  add_tensors(cases);
  add_layouts(cases);
  add_big_endian(cases);
  add_bombs(cases);
  return cases.take();
}

}  // namespace tfile::hostile
