// Dtypes: one table (dtype_table.h) has the name and the memory layout of each.
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
  kPacked,  // float4, float6: elements share bytes, also across rows
  kBlock,   // ggml block types: each row consists of whole blocks
};

// `count` adjacent numbers of `width` bytes in a block.
struct BlockField {
  uint16_t offset;
  uint8_t width;
  uint8_t count;
};

// The fields of a block type whose bytes a change of byte order reverses. The rest of a block is single bytes.
struct SwappedFields {
  BlockField fields[2] = {};
  bool defined = true;  // false if big-endian blocks of the type have no defined layout
};

struct Dtype {
  tf_dtype id;
  const char *name;
  DtypeClass kind;
  uint8_t bits;    // of one element; 0 for block types
  uint8_t scalar;  // size in bytes of the unit that is swapped; for complex, of one component; 1 if nothing is swapped
  uint16_t block_size;  // elements in the smallest unit of whole bytes
  uint16_t block_bytes;
  SwappedFields swapped = {};  // for block types

  // True if each element has an address, so that arrays have strides.
  constexpr bool addressable() const { return kind != DtypeClass::kPacked && kind != DtypeClass::kBlock; }
  constexpr bool is_block() const { return kind == DtypeClass::kBlock; }
  // Alignment that an array in memory needs.
  constexpr size_t alignment() const { return addressable() ? scalar : 1; }
};

// Returns the dtype with an id, or NULL for TF_DTYPE_UNSUPPORTED and unknown ids.
const Dtype *find_dtype(tf_dtype id);
// Returns the dtype with a name, or NULL. Names of block types match in any letter case.
const Dtype *find_dtype(Text name);
// Returns the TF_DTYPE_KIND_ of a dtype.
int32_t number_kind(const Dtype &dtype);
// Returns all dtypes, in the order of their ids.
Span<const Dtype> all_dtypes();

// Returns the number of elements of a shape. Invalid for a negative size, and for a product of 2^63 or more even if
// another size is 0.
Checked element_count(Span<const int64_t> shape);
// Returns the size in bytes of a shape in C order. Invalid like element_count(), and also if a row of a block type is
// not a whole number of blocks or the elements of a packed type do not fill whole bytes.
Checked byte_count(const Dtype &dtype, Span<const int64_t> shape);

// Converts bytes between the big-endian and the little-endian layout: reverses each scalar, and in ggml blocks the 16-
// and 32-bit fields. Returns false, without changing anything, if can_swap() is false.
bool swap_bytes(const Dtype &dtype, void *data, size_t nbytes);
// True unless big-endian blocks of the type have no defined layout.
bool can_swap(const Dtype &dtype);

}  // namespace tfile
