#include "hostile/cases.h"
#include "support/npy_builder.h"

namespace tfile::hostile {

namespace {

using testing::little;
using testing::npy;
using testing::npy_text;

const std::string kData(24, '\x01');
const std::string kText = npy_text("<f4", "(2, 3)");

// Pads the text of the dict to its usual length, so that only its content is wrong.
std::string padded(const std::string &text, const std::string &data = kData, int major = 1) {
  std::string full = text;
  if (full.size() < 117) full.append(117 - full.size(), ' ');
  return npy(full + "\n", data, major);
}

std::string with(const std::string &descr, const std::string &order, const std::string &shape,
                 const std::string &data = kData) {
  return padded("{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }", data);
}

void add_heads(Cases &cases) {
  const std::string whole = padded("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  for (const size_t cut : std::initializer_list<size_t>{0, 1, 5, 6, 7, 8, 9, 10, 11, 64, 127, 128, 129, 132, 151})
    cases.refused("cut_at_" + std::to_string(cut), TF_STATUS_TRUNCATED, whole.substr(0, cut));
  for (size_t i = 0; i < 6; ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x20);
    cases.refused("magic_byte_" + std::to_string(i), TF_STATUS_FORMAT, bytes);
  }
  const int versions[][2] = {{0, 0}, {0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 0}, {255, 255}};
  for (const auto &version : versions)
    cases.refused("version_" + std::to_string(version[0]) + "_" + std::to_string(version[1]), TF_STATUS_UNSUPPORTED,
                  npy(kText, kData, version[0], version[1]));
  const std::string magic("\x93NUMPY", 6);
  const auto head = [&](int major, uint64_t length) {
    return magic + static_cast<char>(major) + '\0' + little(length, major == 1 ? 2 : 4);
  };
  cases.refused("length_0", TF_STATUS_CORRUPT, head(1, 0) + kText + kData);
  cases.refused("length_1", TF_STATUS_CORRUPT, head(1, 1) + kText + kData);
  cases.refused("length_65535", TF_STATUS_TRUNCATED, head(1, 65535) + kText + kData);
  for (const int major : {2, 3}) {
    const std::string version = std::to_string(major);
    cases.refused("v" + version + "_length_0", TF_STATUS_CORRUPT, head(major, 0) + kText + kData);
    cases.refused("v" + version + "_length_1_mib", TF_STATUS_TRUNCATED, head(major, 1 << 20) + kText + kData);
    cases.refused("v" + version + "_length_beyond_1_mib", TF_STATUS_LIMIT, head(major, (1 << 20) + 1) + kText + kData);
    cases.refused("v" + version + "_length_2_31", TF_STATUS_LIMIT, head(major, 0x80000000) + kText + kData);
    cases.refused("v" + version + "_length_most", TF_STATUS_LIMIT, head(major, 0xFFFFFFFF) + kText + kData);
  }
  cases.refused("length_with_data", TF_STATUS_CORRUPT, head(1, kText.size() + 4) + kText + kData);
  cases.refused("length_without_brace", TF_STATUS_CORRUPT, head(1, kText.size() - 2) + kText + kData);
  cases.good("length_without_newline", head(1, kText.size() - 1) + kText.substr(0, kText.size() - 1) + kData);
  for (int major = 1; major <= 3; ++major)
    cases.good("version_" + std::to_string(major), npy(kText, kData, major));
}

// Every proper prefix of the text, padded to its usual length.
void add_cut_texts(Cases &cases) {
  const std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  for (size_t i = 0; i < text.size(); ++i)
    cases.refused("text_cut_at_" + std::to_string(i), TF_STATUS_CORRUPT, padded(text.substr(0, i)));
  for (size_t i = 0; i < text.size(); i += 3) {
    std::string damaged = text;
    damaged[i] = '\0';
    cases.refused("nul_at_" + std::to_string(i), TF_STATUS_CORRUPT, padded(damaged));
  }
}

void add_shapes(Cases &cases) {
  const char *const corrupt[] = {
      "(2, -3)",
      "(-1,)",
      "(9223372036854775807,)",
      "(9223372036854775808,)",
      "(18446744073709551615,)",
      "(18446744073709551618, 3)",
      "(340282366920938463463374607431768211462,)",
      "(4294967296, 4294967296)",
      "(2305843009213693952,)",
      "(4611686018427387905, 2, 2)",
      "(6148914691236517206, 3)",
      "(0, 4294967296, 4294967296)",
      "(4294967296, 4294967296, 0)",
      "(0, 9223372036854775808)",
      "[2, 3]",
      "6",
      "(6)",
      "(2 3)",
      "(2,,3)",
      "(,)",
      "(,2,3)",
      "(2.0, 3)",
      "(2e0, 3)",
      "(True, 3)",
      "(6_0,)",
      "(0x6,)",
      "('6',)",
      "(None,)",
      "((2, 3),)",
      "(2, (3,))",
      "(02, 3)",
      "(--6,)",
      "(+ 6,)",
      "(2, 3",
      "2, 3)",
      "{2, 3}",
      "'(2, 3)'",
      "None",
      "(2; 3)",
      "(2/1, 3)",
      "(*[2], 3)",
      "(6,)[0]",
      "(\xFF,)",
      "(LL,)",
  };
  for (size_t i = 0; i < sizeof(corrupt) / sizeof(corrupt[0]); ++i)
    cases.refused("shape_" + std::to_string(i), TF_STATUS_CORRUPT, with("'<f4'", "False", corrupt[i]));
  for (const char *shape : {"(7,)", "(2, 4)", "(1000000000000,)", "(2305843009213693951,)", "(4294967295, 268435456)"})
    cases.refused(std::string("data_too_short_for_") + shape, TF_STATUS_TRUNCATED, with("'<f4'", "False", shape));
  for (const char *shape : {"(5,)", "(1, 1)", "()", "(0,)", "(0, 4294967296)"})
    cases.refused(std::string("data_too_long_for_") + shape, TF_STATUS_CORRUPT, with("'<f4'", "False", shape));
  for (const char *shape : {"(2, 3,)", "(2L, 3L)", "(+2, 3)", "( 2 ,\t3 )", "(6,)", "(1, 6, 1)"})
    cases.good(std::string("shape ") + shape, with("'<f4'", "False", shape));
  cases.good("empty_beside_a_long_axis", with("'|u1'", "False", "(0, 4294967296)", ""));
  std::string ones = "(";
  for (int i = 0; i < 64; ++i)
    ones += "1,";
  cases.good("rank_64", with("'<f4'", "False", ones + ")", std::string(4, '\1')));
  cases.refused("rank_65", TF_STATUS_LIMIT, with("'<f4'", "False", ones + "1)", std::string(4, '\1')));
}

void add_values(Cases &cases) {
  for (const char *order : {"1", "0", "'True'", "None", "true", "TRUE", "Tru", "Truee", "()", "[]", "Falſe", "not True",
                            "True or False", "-True", "1==1", "\"False\""})
    cases.refused(std::string("order ") + order, TF_STATUS_CORRUPT, with("'<f4'", order, "(2, 3)"));
  for (const char *descr : {"''",        "'<'",
                            "'>'",       "'|'",
                            "'='",       "4",
                            "None",      "b'<f4'",
                            "r'<f4'",    "f'<f4'",
                            "'''<f4'''", "'<' 'f4'",
                            "('<f4')",   "'<f4",
                            "<f4",       "'<f4\"",
                            "'\\x00f4'", "'\\x3'",
                            "'\\q'",     "'\\u00g0'",
                            "'\\ud800'", "'<4'",
                            "'<f4 '",    "' <f4'",
                            "{'f': 4}",  "__import__('os')",
                            "lambda: 0", "'<f4', 'x'"})
    cases.refused(std::string("descr ") + descr, TF_STATUS_CORRUPT, with(descr, "False", "(2, 3)"));
  cases.refused("descr_unclosed_list", TF_STATUS_CORRUPT, with("[('a', '<f4')", "False", "(2, 3)"));
  cases.refused("descr_mixed_brackets", TF_STATUS_CORRUPT, with("[('a', '<f4'])", "False", "(2, 3)"));
  cases.refused("descr_nested_too_deep", TF_STATUS_CORRUPT,
                npy("{'descr': " + std::string(1000, '[') + "'<f4'" + std::string(1000, ']') +
                        ", 'fortran_order': False, 'shape': (2, 3), }\n",
                    kData));
  // Valid dtypes that tensorfile does not support.
  const std::pair<const char *, size_t> unknown[] = {{"'<f16'", 16},  {"'<c32'", 32}, {"'<f12'", 12},  {"'<M8[ns]'", 8},
                                                     {"'<m8[s]'", 8}, {"'|V20'", 20}, {"'<V1'", 1},    {"'<f1'", 1},
                                                     {"'|S5'", 5},    {"'<U3'", 12},  {"'|V256'", 256}};
  for (const auto &[descr, size] : unknown)
    cases.opens(std::string("dtype ") + descr, TF_STATUS_UNSUPPORTED,
                with(descr, "False", "(2, 3)", std::string(6 * size, '\1')));
  for (const char *descr : {"'|O'", "'O'", "[('a', '<f4')]", "[('a', '|O')]", "[('a', '<f4', (2,)), ('', '|V4')]"})
    cases.opens(std::string("dtype ") + descr, TF_STATUS_UNSUPPORTED, with(descr, "False", "(2, 3)"));
  cases.refused("text_data_too_short", TF_STATUS_TRUNCATED, with("'<U3'", "False", "(2, 3)"));
  cases.refused("void_size_overflows", TF_STATUS_CORRUPT, with("'|V9223372036854775807'", "False", "(2, 3)"));
  for (const char *descr :
       {"'=f4'", "'f4'", "'|f4'", "'f'", "'float32'", "'\\074f4'", "\"<f4\"", "u'<f4'", "'\\x3cf4'", "'\\u003cf4'"})
    cases.good(std::string("descr ") + descr, with(descr, "False", "(2, 3)"));
}

void add_dicts(Cases &cases) {
  const char *const texts[] = {
      "",
      "{}",
      "[]",
      "'x'",
      "{'descr': '<f4'}",
      "{'descr': '<f4', 'fortran_order': False, }",
      "{'descr': '<f4', 'shape': (2, 3), }",
      "{'fortran_order': False, 'shape': (2, 3), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (2, 3)}",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '<f4', 'fortran_order': False, 'fortran_order': False, 'shape': (2, 3)}",
      "{'Descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr ': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{descr: '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{1: '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{b'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '<f4'; 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr' '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '<f4',, 'fortran_order': False, 'shape': (2, 3)}",
      "{,'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
      "{{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
      "({'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)})",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3) # }",
      "dict(descr='<f4', fortran_order=False, shape=(2, 3))",
  };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
    cases.refused("dict_" + std::to_string(i), TF_STATUS_CORRUPT, padded(texts[i]));
  for (const auto &[name, bytes] : bad_utf8())
    cases.refused("v3_" + name, TF_STATUS_CORRUPT, padded(kText.substr(0, kText.size() - 1) + " #" + bytes, kData, 3));
  cases.good("comment", padded("{'descr': '<f4', # }\n'fortran_order': False, 'shape': (2, 3)} # \xE9"));
  cases.good("any_order", padded("{'shape':(2,3),'fortran_order':False,'descr':'<f4'}"));
}

void add_sizes(Cases &cases) {
  const std::string whole = padded("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  for (const size_t extra : std::initializer_list<size_t>{1, 5, 6, 4096})
    cases.refused("trailing_" + std::to_string(extra), TF_STATUS_CORRUPT, whole + std::string(extra, '\0'));
  cases.refused("trailing_part_of_magic", TF_STATUS_CORRUPT, whole + "\x93NUM");
  cases.good("another_array_follows", whole + whole);
  // Headers of almost the greatest length, whose error is found late.
  const size_t most = (size_t{1} << 20) - 200;
  const auto long_text = [&](const std::string &before, const std::string &filling, const std::string &after) {
    std::string text = before;
    while (text.size() < most)
      text += filling;
    return npy(text + after + "\n", kData, 2);
  };
  cases.refused("bomb_of_brackets", TF_STATUS_CORRUPT, long_text("{'descr': ", "[", "}"));
  cases.refused("bomb_of_braces", TF_STATUS_CORRUPT, long_text("", "{", "}"));
  cases.refused("bomb_of_sizes", TF_STATUS_LIMIT,
                long_text("{'descr': '<f4', 'shape': (", "1,", "), 'fortran_order': False}"));
  cases.refused("bomb_of_digits", TF_STATUS_CORRUPT,
                long_text("{'descr': '<f4', 'shape': (1", "0", ",), 'fortran_order': False}"));
  cases.refused("bomb_of_spaces", TF_STATUS_CORRUPT, long_text("{'descr': '<f4',", " ", "}"));
  cases.refused("bomb_of_comments", TF_STATUS_CORRUPT, long_text("{'descr': '<f4',", "#\n", "}"));
  cases.refused("bomb_of_string", TF_STATUS_CORRUPT, long_text("{'", "a", "': 1}"));
  cases.refused("bomb_of_escapes", TF_STATUS_CORRUPT, long_text("{'descr': '", "\\u0041", "'}"));
  cases.good("long_comment", long_text("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } #", "x", ""));
}

}  // namespace

std::vector<Case> npy_cases() {
  Cases cases(TF_FORMAT_NPY);
  add_heads(cases);
  add_cut_texts(cases);
  add_shapes(cases);
  add_values(cases);
  add_dicts(cases);
  add_sizes(cases);
  return cases.take();
}

}  // namespace tfile::hostile
