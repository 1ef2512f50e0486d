// Connects the rows of the dtype table with the decoders and encoders of ggml's block types at compile time.
//
// Each decoder or encoder is an overload for one BlockType. The tables of functions are generated from the dtype table:
// there is no other list of block types, and a row without a decoder does not compile.
#pragma once

#include <utility>

#include "core/dtype_table.h"

namespace tfile {

// A tag type that selects the overload for one block type, and contains the sizes of its blocks.
template <tf_dtype id>
struct BlockType {
  static constexpr tf_dtype kId = id;
  static constexpr size_t kElements = dtype_row(id).block_size;
  static constexpr size_t kBytes = dtype_row(id).block_bytes;
};

// Counts the block types, which are the last rows of the dtype table.
constexpr size_t count_block_types() {
  size_t count = 0;
  while (kDtypes[kDtypeCount - 1 - count].kind == DtypeClass::kBlock)
    ++count;
  return count;
}
inline constexpr size_t kBlockTypes = count_block_types();
inline constexpr size_t kFirstBlockRow = kDtypeCount - kBlockTypes;

// A pointer for each block type.
template <typename Pointer>
struct BlockTable {
  Pointer pointers[kBlockTypes];

  // Returns NULL for a dtype that is not a block type.
  Pointer find(tf_dtype id) const {
    const Dtype *const row = find_dtype(id);
    if (row == nullptr || !row->is_block()) return nullptr;
    return pointers[static_cast<size_t>(row - all_dtypes().data()) - kFirstBlockRow];
  }
};

template <typename Pointer, typename Make, size_t... index>
constexpr BlockTable<Pointer> make_block_table(Make make, std::index_sequence<index...>) {
  return {{make(BlockType<kDtypes[kFirstBlockRow + index].id>())...}};
}
// Calls make(BlockType<id>()) for each block type.
template <typename Pointer, typename Make>
constexpr BlockTable<Pointer> make_block_table(Make make) {
  return make_block_table<Pointer>(make, std::make_index_sequence<kBlockTypes>());
}

template <typename Check, size_t... index>
constexpr bool holds_for_block_types(Check check, std::index_sequence<index...>) {
  return (check(BlockType<kDtypes[kFirstBlockRow + index].id>()) && ...);
}
// True if check(BlockType<id>()) is true for each block type.
template <typename Check>
constexpr bool holds_for_block_types(Check check) {
  return holds_for_block_types(check, std::make_index_sequence<kBlockTypes>());
}

}  // namespace tfile
