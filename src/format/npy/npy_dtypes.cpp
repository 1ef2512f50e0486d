// How .npy headers spell dtypes.
#include "format/npy/npy.h"

namespace tfile {

namespace {

// A spelling, and the dtype that it means. If the library does not have the dtype, item_bytes is the size of an
// element.
struct Spelling {
  Text text;
  tf_dtype dtype;
  uint64_t item_bytes = 0;
};

// Type codes without the character for the byte order, such as '<'. A save writes the first code of a dtype. Codes
// without a number are types of C, with their sizes on 64-bit Unix, where nearly all such files were written. The codes
// '<V1' and '<f1' of ml_dtypes are missing, because each of them means several dtypes.
constexpr Spelling kCodes[] = {
    {"b1", TF_DTYPE_BOOL},
    {"i1", TF_DTYPE_INT8},
    {"i2", TF_DTYPE_INT16},
    {"i4", TF_DTYPE_INT32},
    {"i8", TF_DTYPE_INT64},
    {"u1", TF_DTYPE_UINT8},
    {"u2", TF_DTYPE_UINT16},
    {"u4", TF_DTYPE_UINT32},
    {"u8", TF_DTYPE_UINT64},
    {"f2", TF_DTYPE_FLOAT16},
    {"V2", TF_DTYPE_BFLOAT16},
    {"f4", TF_DTYPE_FLOAT32},
    {"f8", TF_DTYPE_FLOAT64},
    {"c8", TF_DTYPE_COMPLEX64},
    {"c16", TF_DTYPE_COMPLEX128},
    {"?", TF_DTYPE_BOOL},
    {"b", TF_DTYPE_INT8},
    {"h", TF_DTYPE_INT16},
    {"i", TF_DTYPE_INT32},
    {"l", TF_DTYPE_INT64},
    {"q", TF_DTYPE_INT64},
    {"p", TF_DTYPE_INT64},
    {"n", TF_DTYPE_INT64},
    {"B", TF_DTYPE_UINT8},
    {"H", TF_DTYPE_UINT16},
    {"I", TF_DTYPE_UINT32},
    {"L", TF_DTYPE_UINT64},
    {"Q", TF_DTYPE_UINT64},
    {"P", TF_DTYPE_UINT64},
    {"N", TF_DTYPE_UINT64},
    {"e", TF_DTYPE_FLOAT16},
    {"f", TF_DTYPE_FLOAT32},
    {"d", TF_DTYPE_FLOAT64},
    {"F", TF_DTYPE_COMPLEX64},
    {"D", TF_DTYPE_COMPLEX128},
    {"g", TF_DTYPE_UNSUPPORTED, 16},
    {"G", TF_DTYPE_UNSUPPORTED, 32},
};

// Dtypes that are spelled as names, which have no byte order mark. ml_dtypes stores each element of its types with
// fewer than 8 bits in a separate byte.
constexpr Spelling kNames[] = {
    {"bool", TF_DTYPE_BOOL},
    {"bool_", TF_DTYPE_BOOL},
    {"int8", TF_DTYPE_INT8},
    {"byte", TF_DTYPE_INT8},
    {"int16", TF_DTYPE_INT16},
    {"short", TF_DTYPE_INT16},
    {"int32", TF_DTYPE_INT32},
    {"intc", TF_DTYPE_INT32},
    {"int64", TF_DTYPE_INT64},
    {"int", TF_DTYPE_INT64},
    {"int_", TF_DTYPE_INT64},
    {"intp", TF_DTYPE_INT64},
    {"long", TF_DTYPE_INT64},
    {"longlong", TF_DTYPE_INT64},
    {"uint8", TF_DTYPE_UINT8},
    {"ubyte", TF_DTYPE_UINT8},
    {"uint16", TF_DTYPE_UINT16},
    {"ushort", TF_DTYPE_UINT16},
    {"uint32", TF_DTYPE_UINT32},
    {"uintc", TF_DTYPE_UINT32},
    {"uint64", TF_DTYPE_UINT64},
    {"uint", TF_DTYPE_UINT64},
    {"uintp", TF_DTYPE_UINT64},
    {"ulong", TF_DTYPE_UINT64},
    {"ulonglong", TF_DTYPE_UINT64},
    {"float16", TF_DTYPE_FLOAT16},
    {"half", TF_DTYPE_FLOAT16},
    {"float32", TF_DTYPE_FLOAT32},
    {"single", TF_DTYPE_FLOAT32},
    {"float64", TF_DTYPE_FLOAT64},
    {"double", TF_DTYPE_FLOAT64},
    {"float", TF_DTYPE_FLOAT64},
    {"complex64", TF_DTYPE_COMPLEX64},
    {"csingle", TF_DTYPE_COMPLEX64},
    {"complex128", TF_DTYPE_COMPLEX128},
    {"cdouble", TF_DTYPE_COMPLEX128},
    {"complex", TF_DTYPE_COMPLEX128},
    {"float128", TF_DTYPE_UNSUPPORTED, 16},
    {"longdouble", TF_DTYPE_UNSUPPORTED, 16},
    {"complex256", TF_DTYPE_UNSUPPORTED, 32},
    {"clongdouble", TF_DTYPE_UNSUPPORTED, 32},
    {"bfloat16", TF_DTYPE_BFLOAT16},
    {"float8_e4m3fn", TF_DTYPE_FLOAT8_E4M3FN},
    {"float8_e5m2", TF_DTYPE_FLOAT8_E5M2},
    {"float8_e4m3fnuz", TF_DTYPE_FLOAT8_E4M3FNUZ},
    {"float8_e5m2fnuz", TF_DTYPE_FLOAT8_E5M2FNUZ},
    {"float8_e8m0fnu", TF_DTYPE_FLOAT8_E8M0FNU},
    {"float8_e3m4", TF_DTYPE_UNSUPPORTED, 1},
    {"float8_e4m3", TF_DTYPE_UNSUPPORTED, 1},
    {"float8_e4m3b11fnuz", TF_DTYPE_UNSUPPORTED, 1},
    {"float6_e2m3fn", TF_DTYPE_UNSUPPORTED, 1},
    {"float6_e3m2fn", TF_DTYPE_UNSUPPORTED, 1},
    {"float4_e2m1fn", TF_DTYPE_UNSUPPORTED, 1},
    {"int1", TF_DTYPE_UNSUPPORTED, 1},
    {"int2", TF_DTYPE_UNSUPPORTED, 1},
    {"int4", TF_DTYPE_UNSUPPORTED, 1},
    {"uint1", TF_DTYPE_UNSUPPORTED, 1},
    {"uint2", TF_DTYPE_UNSUPPORTED, 1},
    {"uint4", TF_DTYPE_UNSUPPORTED, 1},
    {"complex32", TF_DTYPE_UNSUPPORTED, 4},
    {"bcomplex32", TF_DTYPE_UNSUPPORTED, 4},
};

const Spelling *find_spelling(Span<const Spelling> rows, Text text) {
  for (const Spelling &row : rows) {
    // Nearly all rows differ in their first character.
    if (row.text[0] == text[0] && row.text == text) return &row;
  }
  return nullptr;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Returns the size of an element that a code such as "U7" or "M8[ns]" contains, or an invalid number.
Checked size_in_code(Text code) {
  Checked size;
  size_t i = 1;
  for (; i < code.size() && is_digit(code[i]); ++i)
    size = size * 10 + static_cast<uint64_t>(code[i] - '0');
  const bool with_unit = code[0] == 'M' || code[0] == 'm';  // datetime64 and timedelta64: '<M8[ns]'
  const bool whole = i == code.size() || (with_unit && code[i] == '[' && code[code.size() - 1] == ']');
  if (i == 1 || !whole) return Checked::invalid();
  switch (code[0]) {
    case 'U':
      return size * 4;
    case 'b':
    case 'i':
    case 'u':
    case 'f':
    case 'c':
    case 'S':
    case 'V':
    case 'M':
    case 'm':
      return size;
    default:
      return Checked::invalid();
  }
}

}  // namespace

NpyDtype npy_dtype(Text spelled) {
  NpyDtype found;
  const char mark = spelled.empty() ? '\0' : spelled[0];
  const bool marked = mark == '<' || mark == '>' || mark == '=' || mark == '|';
  found.big_endian = mark == '>';
  found.code = marked ? Text(spelled.from(1)) : spelled;
  if (found.code.empty()) return found;
  const Spelling *row = find_spelling(Span(kCodes, sizeof(kCodes) / sizeof(kCodes[0])), found.code);
  if (row == nullptr && !marked) row = find_spelling(Span(kNames, sizeof(kNames) / sizeof(kNames[0])), spelled);
  if (row == nullptr) {
    found.item_bytes = size_in_code(found.code);
  } else if (row->dtype == TF_DTYPE_UNSUPPORTED) {
    found.item_bytes = row->item_bytes;
  } else {
    found.dtype = find_dtype(row->dtype);
    found.item_bytes = found.dtype->block_bytes;
  }
  return found;
}

const char *npy_code(tf_dtype dtype) {
  for (const Spelling &row : kCodes) {
    if (row.dtype == dtype) return row.text.data();
  }
  return nullptr;
}

}  // namespace tfile
