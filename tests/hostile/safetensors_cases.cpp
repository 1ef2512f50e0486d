#include "hostile/cases.h"
#include "support/npy_builder.h"

namespace tfile::hostile {

namespace {

using testing::little;

std::string file(const std::string &json, const std::string &data = "") {
  return little(json.size(), 8) + json + data;
}

std::string entry(const std::string &dtype, const std::string &shape, const std::string &offsets) {
  return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

std::string one(const std::string &dtype, const std::string &shape, const std::string &offsets,
                const std::string &data = std::string(16, '\1')) {
  return file("{\"a\":" + entry(dtype, shape, offsets) + "}", data);
}

const std::string kGood = "{\"a\":" + entry("F32", "[2,2]", "[0,16]") + "}";

void add_lengths(Cases &cases) {
  const std::string data(16, '\1');
  const std::string whole = file(kGood, data);
  for (const size_t cut : std::initializer_list<size_t>{0, 1, 4, 7, 8, 9, 10, 30, 50, 62, 63, 64, 70, 79})
    if (cut < whole.size()) cases.refused("cut_at_" + std::to_string(cut), TF_STATUS_TRUNCATED, whole.substr(0, cut));
  const auto length = [&](uint64_t n) { return little(n, 8) + kGood + data; };
  cases.refused("length_0", TF_STATUS_CORRUPT, length(0));
  for (size_t i = 1; i < kGood.size(); i += 2)
    cases.refused("length_" + std::to_string(i), TF_STATUS_CORRUPT, length(i));
  cases.refused("length_into_data", TF_STATUS_CORRUPT, length(kGood.size() + 1));
  cases.refused("length_whole_file", TF_STATUS_CORRUPT, length(kGood.size() + 16));
  cases.refused("length_file_and_1", TF_STATUS_TRUNCATED, length(kGood.size() + 17));
  cases.refused("length_100_mb", TF_STATUS_TRUNCATED, length(100000000));
  cases.refused("length_100_mb_and_1", TF_STATUS_LIMIT, length(100000001));
  cases.refused("length_2_32", TF_STATUS_LIMIT, length(uint64_t{1} << 32));
  cases.refused("length_2_62", TF_STATUS_LIMIT, length(uint64_t{1} << 62));
  for (const uint64_t n : {uint64_t{1} << 63, (uint64_t{1} << 63) - 8, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 8})
    cases.refused("length_" + std::to_string(n), TF_STATUS_CORRUPT, length(n));
  cases.refused("not_json", TF_STATUS_FORMAT, "hello, this is some text of no format at all");
  cases.refused("zeros", TF_STATUS_CORRUPT, std::string(100, '\0'));
}

void add_json(Cases &cases) {
  const std::string e = entry("F32", "[2,2]", "[0,16]");
  const std::string texts[] = {
      "[]",
      "null",
      "1",
      "\"a\"",
      "{",
      "{}}",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":" + e + ",}",
      "{,\"a\":" + e + "}",
      "{\"a\":" + e + "} x",
      "{\"a\":" + e + "}{}",
      "{\"a\":" + e + "}//",
      "{/**/\"a\":" + e + "}",
      "{'a':" + e + "}",
      "{a:" + e + "}",
      "{\"a\" " + e + "}",
      "{\"a\"::" + e + "}",
      "{\"a\":null}",
      "{\"a\":1}",
      "{\"a\":[]}",
      "{\"a\":\"x\"}",
      "{\"a\":{}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2]}}",
      "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}",
      "{\"a\":{\"shape\":[2,2],\"data_offsets\":[0,16]}}",
      "{\"a\":[\"F32\",[2,2],[0,16]]}",
      "{\"a\":{\"dtype\":1,\"shape\":[2,2],\"data_offsets\":[0,16]}}",
      "{\"a\":{\"dtype\":null,\"shape\":[2,2],\"data_offsets\":[0,16]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,16]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":\"4\",\"data_offsets\":[0,16]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,16]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":null,\"data_offsets\":[0,16]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":16}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":null}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":tru}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":01}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":1.}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":.5}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":+1}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":1e}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":NaN}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":[1,]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":[1 2]}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":\"\\q\"}}",
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":\"\\u12\"}}",
      "{\"\\ud800\":" + e + "}",
      "{\"\\udc00\":" + e + "}",
      "{\"\\ud800\\u0041\":" + e + "}",
      "{\"\\u00\":" + e + "}",
      "{\"a\n\":" + e + "}",
      "{\"a\t\":" + e + "}",
      std::string("{\"a\0\":", 6) + e + "}",
      "{\"a\\u0000\":" + e + "}",
      "{\"a\":" + e + "}" + std::string(3, '\0'),
      "{\"a\":" + e + "}\xEF\xBB\xBF",
  };
  size_t i = 0;
  for (const std::string &text : texts) {
    // If the header does not begin with an object, the file may well be of another format.
    const tf_status also = text[0] == '{' ? TF_STATUS_OK : TF_STATUS_FORMAT;
    cases.refused("json_" + std::to_string(i++), TF_STATUS_CORRUPT, file(text, std::string(16, '\1')), also);
  }
  cases.refused("byte_order_mark", TF_STATUS_CORRUPT, file("\xEF\xBB\xBF" + kGood, std::string(16, '\1')),
                TF_STATUS_FORMAT);
  for (const auto &[name, bytes] : bad_utf8()) {
    const std::string data(16, '\1');
    cases.refused("name_" + name, TF_STATUS_CORRUPT, file("{\"a" + bytes + "\":" + e + "}", data));
    cases.refused("dtype_" + name, TF_STATUS_CORRUPT, one("F32" + bytes, "[2,2]", "[0,16]"));
    cases.refused("metadata_key_" + name, TF_STATUS_CORRUPT,
                  file("{\"__metadata__\":{\"k" + bytes + "\":\"v\"},\"a\":" + e + "}", data));
    cases.refused("metadata_value_" + name, TF_STATUS_CORRUPT,
                  file("{\"__metadata__\":{\"k\":\"" + bytes + "\"},\"a\":" + e + "}", data));
  }
  for (const char *value : {"1", "null", "true", "[]", "{}", "[\"x\"]"})
    cases.refused(std::string("metadata_value_is_") + value, TF_STATUS_CORRUPT,
                  file("{\"__metadata__\":{\"k\":" + std::string(value) + "}}"));
  for (const char *value : {"\"x\"", "1", "[]", "false"})
    cases.refused(std::string("metadata_is_") + value, TF_STATUS_CORRUPT,
                  file("{\"__metadata__\":" + std::string(value) + "}"));
  for (const char *value : {"null", "{}", "{\"k\":\"\"}", "{\"\":\"v\"}"})
    cases.good(std::string("metadata_is_") + value, file("{\"__metadata__\":" + std::string(value) + "}"));
  cases.good("nothing", file("{}"));
  cases.good("white_space", file(" \t\r\n{ } \n"));
  cases.good("empty_name", file("{\"\":" + e + "}", std::string(16, '\1')));
}

void add_duplicates(Cases &cases) {
  const std::string e = entry("F32", "[]", "[0,4]");
  const std::string f = entry("F32", "[]", "[4,8]");
  const std::string data(8, '\1');
  cases.refused("name_twice", TF_STATUS_DUPLICATE, file("{\"a\":" + e + ",\"a\":" + f + "}", data));
  cases.refused("name_twice_escaped", TF_STATUS_DUPLICATE, file("{\"a\":" + e + ",\"\\u0061\":" + f + "}", data));
  cases.refused("name_twice_same_place", TF_STATUS_DUPLICATE, file("{\"a\":" + e + ",\"a\":" + e + "}", data));
  cases.refused("metadata_twice", TF_STATUS_DUPLICATE, file("{\"__metadata__\":{},\"__metadata__\":{}}"));
  cases.refused("metadata_key_twice", TF_STATUS_DUPLICATE, file("{\"__metadata__\":{\"k\":\"a\",\"k\":\"a\"}}"));
  cases.refused("metadata_key_twice_escaped", TF_STATUS_DUPLICATE,
                file("{\"__metadata__\":{\"k\":\"a\",\"\\u006b\":\"b\"}}"));
  for (const char *field : {"\"dtype\":\"F32\"", "\"shape\":[]", "\"data_offsets\":[0,4]"}) {
    std::string twice = e;
    twice.insert(1, std::string(field) + ",");
    cases.refused(std::string("field_twice_") + field, TF_STATUS_DUPLICATE, file("{\"a\":" + twice + "}", data));
  }
}

void add_sizes(Cases &cases) {
  const std::pair<const char *, uint64_t> dtypes[] = {
      {"BOOL", 8},        {"U8", 8},          {"I8", 8},      {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},
      {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
      {"I32", 32},        {"U32", 32},        {"F32", 32},    {"C64", 64},    {"F64", 64},    {"I64", 64},
      {"U64", 64},        {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6}};
  for (const auto &[dtype, bits] : dtypes) {
    const uint64_t nbytes = bits;  // bytes of 8 elements
    const std::string name = dtype;
    const auto at = [](uint64_t end) { return "[0," + std::to_string(end) + "]"; };
    cases.good("dtype_" + name, one(dtype, "[2,4]", at(nbytes), std::string(nbytes, '\1')));
    cases.refused("dtype_" + name + "_short", TF_STATUS_CORRUPT,
                  one(dtype, "[2,4]", at(nbytes - 1), std::string(nbytes - 1, '\1')));
    cases.refused("dtype_" + name + "_long", TF_STATUS_CORRUPT,
                  one(dtype, "[2,4]", at(nbytes + 1), std::string(nbytes + 1, '\1')));
    cases.refused("dtype_" + name + "_overflow", TF_STATUS_CORRUPT,
                  one(dtype, "[4294967296,4294967296,2]", at(nbytes), std::string(nbytes, '\1')));
  }
  for (const char *dtype : {"F4", "F6_E2M3", "F6_E3M2"})
    cases.refused(std::string("half_a_byte_") + dtype, TF_STATUS_CORRUPT, one(dtype, "[3]", "[0,2]", "\1\1"));
  for (const char *dtype : {"", "f32", "F32 ", "F128", "C128", "F8_E4M3FN", "STRING", "I4", "\\u0000"})
    cases.opens(std::string("unknown_dtype_") + dtype, TF_STATUS_UNSUPPORTED, one(dtype, "[2,2]", "[0,16]"));
  for (const char *shape : {"[2,-2]",
                            "[-2,-2]",
                            "[4.0]",
                            "[4e0]",
                            "[\"4\"]",
                            "[true]",
                            "[[4]]",
                            "[null]",
                            "[2 2]",
                            "[2,2,]",
                            "[,4]",
                            "[04]",
                            "[0x4]",
                            "[18446744073709551616]",
                            "[18446744073709551620]",
                            "[9223372036854775808]",
                            "[4611686018427387904,4]",
                            "[4611686018427387904]",
                            "[4294967296,4294967296]",
                            "[0,4294967296,4294967296]",
                            "[4294967296,4294967296,0]",
                            "[4,1",
                            "[5]",
                            "[2,1]",
                            "[]",
                            "[0]",
                            "[2,2,2]"})
    cases.refused(std::string("shape_") + shape, TF_STATUS_CORRUPT, one("F32", shape, "[0,16]"));
  for (const char *offsets : {"[]",
                              "[0]",
                              "[0,16,16]",
                              "[16]",
                              "[0,16.0]",
                              "[0,1.6e1]",
                              "[-0,16]",
                              "[-1,16]",
                              "[16,0]",
                              "[8,0]",
                              "[\"0\",\"16\"]",
                              "[0,15]",
                              "[0,17]",
                              "[1,17]",
                              "[4,20]",
                              "[16,32]",
                              "[0,null]",
                              "[9223372036854775808,9223372036854775824]",
                              "[18446744073709551600,18446744073709551616]",
                              "[18446744073709551615,15]",
                              "[0,18446744073709551615]",
                              "[9223372036854775791,9223372036854775807]",
                              "{\"0\":16}",
                              "\"0,16\""})
    cases.refused(std::string("offsets_") + offsets, TF_STATUS_CORRUPT, one("F32", "[2,2]", offsets));
  std::string ones = "[1";
  for (int i = 1; i < 64; ++i)
    ones += ",1";
  cases.good("rank_64", one("U8", ones + "]", "[0,1]", "x"));
  cases.refused("rank_65", TF_STATUS_LIMIT, one("U8", ones + ",1]", "[0,1]", "x"));
}

void add_layouts(Cases &cases) {
  const auto two = [](const std::string &first, const std::string &second, size_t data) {
    return file("{\"a\":" + first + ",\"b\":" + second + "}", std::string(data, '\1'));
  };
  const auto u8 = [](uint64_t count, uint64_t begin, uint64_t end) {
    return entry("U8", "[" + std::to_string(count) + "]",
                 "[" + std::to_string(begin) + "," + std::to_string(end) + "]");
  };
  cases.good("header_order_is_free", two(u8(4, 4, 8), u8(4, 0, 4), 8));
  cases.good("empty_between", two(u8(0, 4, 4), u8(4, 0, 4), 4));
  cases.refused("hole_at_start", TF_STATUS_CORRUPT, two(u8(4, 1, 5), u8(4, 5, 9), 9));
  cases.refused("hole_between", TF_STATUS_CORRUPT, two(u8(4, 0, 4), u8(4, 5, 9), 9));
  cases.refused("overlap_by_one", TF_STATUS_CORRUPT, two(u8(4, 0, 4), u8(4, 3, 7), 7));
  cases.refused("alias", TF_STATUS_CORRUPT, two(u8(4, 0, 4), u8(4, 0, 4), 4));
  cases.refused("inside", TF_STATUS_CORRUPT, two(u8(8, 0, 8), u8(2, 4, 6), 8));
  cases.refused("empty_inside", TF_STATUS_CORRUPT, two(u8(8, 0, 8), u8(0, 4, 4), 8));
  cases.refused("empty_beyond", TF_STATUS_CORRUPT, two(u8(8, 0, 8), u8(0, 9, 9), 9));
  for (const size_t missing : std::initializer_list<size_t>{1, 4, 5, 8})
    cases.refused("data_short_by_" + std::to_string(missing), TF_STATUS_TRUNCATED,
                  two(u8(4, 0, 4), u8(4, 4, 8), 8 - missing));
  for (const size_t extra : std::initializer_list<size_t>{1, 8, 4096})
    cases.refused("data_long_by_" + std::to_string(extra), TF_STATUS_CORRUPT, two(u8(4, 0, 4), u8(4, 4, 8), 8 + extra));
  cases.refused("data_without_arrays", TF_STATUS_CORRUPT, file("{}", "x"));
  cases.refused("beyond_the_file", TF_STATUS_TRUNCATED, two(u8(4, 0, 4), u8(1000000000000, 4, 1000000000004), 8));
}

void add_bombs(Cases &cases) {
  const size_t megabytes = size_t{4} << 20;
  const auto filled = [&](const std::string &before, const std::string &filling, const std::string &after) {
    std::string text = before;
    text.reserve(megabytes + 1024);
    while (text.size() < megabytes)
      text += filling;
    return file(text + after);
  };
  cases.refused("bomb_of_brackets", TF_STATUS_CORRUPT, filled("{\"a\":{\"x\":", "[", "}}"));
  cases.refused("bomb_of_braces", TF_STATUS_CORRUPT, filled("{\"a\":{\"x\":", "{\"a\":", "}}"));
  cases.refused("bomb_of_lone_braces", TF_STATUS_CORRUPT, filled("{\"a\":{\"x\":\"", "{", "}}"));
  cases.refused("bomb_of_sizes", TF_STATUS_CORRUPT, filled("{\"a\":{\"dtype\":\"U8\",\"shape\":[1", ",1", "]}}"));
  cases.refused("bomb_of_digits", TF_STATUS_CORRUPT, filled("{\"a\":{\"dtype\":\"U8\",\"shape\":[1", "0", "]}}"));
  cases.refused("bomb_of_spaces", TF_STATUS_CORRUPT, filled("{", " ", "\"a\""));
  cases.refused("bomb_of_name", TF_STATUS_LIMIT, filled("{\"", "a", "\":{}}"));
  cases.refused("bomb_of_escaped_name", TF_STATUS_LIMIT, filled("{\"", "\\u0041", "\":{}}"));
  cases.refused("bomb_of_empty_arrays", TF_STATUS_DUPLICATE,
                filled("{\"b\":" + entry("U8", "[0]", "[0,0]"), ",\"b\":" + entry("U8", "[0]", "[0,0]"), "}"));
  std::string names = "{";
  std::string keys = "{\"__metadata__\":{";
  for (size_t i = 0; names.size() < megabytes; ++i)
    names += "\"" + std::to_string(i) + "\":" + entry("U8", "[0]", "[0,0]") + ",";
  for (size_t i = 0; keys.size() < megabytes; ++i)
    keys += "\"" + std::to_string(i) + "\":\"\",";
  cases.refused("many_arrays_then_a_fault", TF_STATUS_CORRUPT, file(names + "}"));
  cases.refused("many_arrays_then_a_duplicate", TF_STATUS_DUPLICATE,
                file(names + "\"0\":" + entry("U8", "[0]", "[0,0]") + "}"));
  cases.refused("many_arrays_then_a_hole", TF_STATUS_CORRUPT,
                file(names + "\"x\":" + entry("U8", "[0]", "[1,1]") + "}", "x"));
  cases.refused("many_keys_then_a_fault", TF_STATUS_CORRUPT, file(keys + "}}"));
  cases.refused("many_keys_then_a_duplicate", TF_STATUS_DUPLICATE, file(keys + "\"0\":\"\"}}"));
  std::string deep = "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":";
  cases.good("nested_100", file(deep + std::string(100, '[') + std::string(100, ']') + "}}"));
  cases.refused("nested_200", TF_STATUS_CORRUPT, file(deep + std::string(200, '[') + std::string(200, ']') + "}}"),
                TF_STATUS_LIMIT);
}

}  // namespace

std::vector<Case> safetensors_cases() {
  Cases cases(TF_FORMAT_SAFETENSORS);
  add_lengths(cases);
  add_json(cases);
  add_duplicates(cases);
  add_sizes(cases);
  add_layouts(cases);
  add_bombs(cases);
  return cases.take();
}

}  // namespace tfile::hostile
