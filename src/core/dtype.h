// Dtypes: one table says what each is called and how its bytes lie.
#pragma once

#include "base/checked.h"
#include "base/span.h"
#include "base/status.h"

namespace tfile {

enum class DtypeClass : uint8_t {
  kBool,
  kSigned,
  kUnsigned,
  kFloat,  // also the 8-bit floats
  kComplex,
  kPacked,  // float4, float6: several elements share a byte, across rows
  kBlock,   // ggml: rows are whole blocks
};

struct Dtype {
  tf_dtype id;
  const char *name;
  DtypeClass kind;
  uint8_t bits;         // of one element; a block type: 0
  uint8_t scalar;       // bytes that byte order reverses: of a complex one half of the item; 1: none
  uint16_t block_size;  // elements in the smallest unit of whole bytes
  uint16_t block_bytes;

  // Whether elements have addresses, and arrays therefore strides.
  bool addressable() const { return kind != DtypeClass::kPacked && kind != DtypeClass::kBlock; }
  bool is_block() const { return kind == DtypeClass::kBlock; }
  // Alignment that an array in memory needs.
  size_t alignment() const { return addressable() ? scalar : 1; }
};

// The dtype of a number, or NULL: TF_DTYPE_UNSUPPORTED and every number that is none.
const Dtype *find_dtype(tf_dtype id);
// Of a name; ggml's in any letter case.
const Dtype *find_dtype(Text name);
// All of them, in the order of their numbers.
Span<const Dtype> all_dtypes();

// Elements of a shape. Invalid for a negative size, and for a product of 2^63 or more even where another size is 0.
Checked element_count(Span<const int64_t> shape);
// Bytes of `shape` in C order; invalid also when a unit would be cut: a row of a block type, the whole of a packed
// type.
Checked byte_count(const Dtype &dtype, Span<const int64_t> shape);

// Turns bytes of a big-endian file into the little-endian layout, or back: each scalar reversed, of ggml blocks their
// 16- and 32-bit fields. False when the layout of a big-endian block is not defined (IQ types with wider packed units).
bool swap_bytes(const Dtype &dtype, void *data, size_t nbytes);
bool can_swap(const Dtype &dtype);

}  // namespace tfile
