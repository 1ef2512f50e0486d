#include "core/copy.h"

#include <utility>

namespace tfile {

namespace {

// An axis that is traversed in two layouts at once.
struct Axis {
  int64_t size;
  int64_t to;  // strides in bytes
  int64_t from;
};

uint64_t magnitude(int64_t stride) {
  return stride < 0 ? uint64_t{0} - static_cast<uint64_t>(stride) : static_cast<uint64_t>(stride);
}

// Two layouts reduced to as few axes as possible; the last axis has the smallest `to` stride.
struct Plan {
  Axis axes[kMaxRank];
  size_t rank = 0;
  char *to;
  const char *from;
  size_t item;         // size in bytes of the unit to copy, which is contiguous in both layouts
  bool empty = false;  // there are no elements

  Plan(char *to_first, const int64_t *to_strides, const char *from_first, const int64_t *from_strides,
       Span<const int64_t> shape, size_t item_bytes)
      : to(to_first), from(from_first), item(item_bytes) {
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0) empty = true;
    }
    if (empty) return;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] != 1) add(Axis{shape[i], to_strides[i], from_strides[i]});
    }
    merge();
    if (rank > 0 && is_run(axes[rank - 1])) item *= static_cast<size_t>(axes[--rank].size);
  }

 private:
  bool is_run(const Axis &axis) const {
    return axis.to == axis.from && axis.to >= 0 && static_cast<uint64_t>(axis.to) == item;
  }

  // Inserts an axis, sorted by decreasing `to` stride. An axis with a negative `to` stride is reversed.
  void add(Axis axis) {
    if (axis.to < 0) {
      to += (axis.size - 1) * axis.to;
      from += (axis.size - 1) * axis.from;
      axis.to = -axis.to;
      axis.from = -axis.from;
    }
    size_t position = rank++;
    for (; position > 0 && before(axis, axes[position - 1]); --position)
      axes[position] = axes[position - 1];
    axes[position] = axis;
  }
  static bool before(const Axis &a, const Axis &b) {
    return a.to != b.to ? a.to > b.to : magnitude(a.from) > magnitude(b.from);
  }

  // Merges adjacent axes if one step of the outer continues where the inner ends.
  void merge() {
    size_t merged = 0;
    for (size_t i = 0; i < rank; ++i) {
      if (merged > 0 && continues(axes[merged - 1], axes[i])) {
        axes[merged - 1] = Axis{axes[merged - 1].size * axes[i].size, axes[i].to, axes[i].from};
      } else {
        axes[merged++] = axes[i];
      }
    }
    rank = merged;
  }
  static bool continues(const Axis &outer, const Axis &inner) {
    int64_t to_end = 0;
    int64_t from_end = 0;
    return !__builtin_mul_overflow(inner.to, inner.size, &to_end) &&
           !__builtin_mul_overflow(inner.from, inner.size, &from_end) && outer.to == to_end && outer.from == from_end;
  }
};

// Iterates over the first `rank` axes of a plan, the last of them fastest.
class Odometer {
 public:
  Odometer(const Plan &plan, size_t rank) : plan_(plan), rank_(rank) {}

  int64_t to() const { return to_; }
  int64_t from() const { return from_; }
  // Advances; false after the last step.
  bool next() {
    for (size_t i = rank_; i-- > 0;) {
      const Axis &axis = plan_.axes[i];
      to_ += axis.to;
      from_ += axis.from;
      if (++index_[i] < axis.size) return true;
      to_ -= axis.size * axis.to;
      from_ -= axis.size * axis.from;
      index_[i] = 0;
    }
    return false;
  }

 private:
  const Plan &plan_;
  size_t rank_;
  int64_t to_ = 0;
  int64_t from_ = 0;
  int64_t index_[kMaxRank] = {};
};

// Copies an item. A size that the compiler knows goes through registers; kSize 0 means any size.
template <size_t kSize>
struct Item {
  size_t size;

  void copy(char *to, const char *from) const { memcpy(to, from, kSize == 0 ? size : kSize); }
  bool equal(const char *a, const char *b) const { return memcmp(a, b, kSize == 0 ? size : kSize) == 0; }
};

// Calls use(Item<N>) with the N for an item size.
template <typename Use>
auto with_item(size_t size, Use use) {
  switch (size) {
    case 1:
      return use(Item<1>{1});
    case 2:
      return use(Item<2>{2});
    case 4:
      return use(Item<4>{4});
    case 8:
      return use(Item<8>{8});
    case 16:
      return use(Item<16>{16});
    default:
      return use(Item<0>{size});
  }
}

template <typename ItemN>
void copy_row(ItemN item, char *to, const char *from, const Axis &axis) {
  const auto dense = static_cast<int64_t>(item.size);
  if (axis.to == dense && axis.from == dense) {
    memcpy(to, from, static_cast<size_t>(axis.size) * item.size);
    return;
  }
  for (int64_t i = 0; i < axis.size; ++i)
    item.copy(to + i * axis.to, from + i * axis.from);
}

constexpr int64_t kTileSide = 128;
constexpr size_t kTileBytes = 16384;

// Transposes: `to` is dense along the axis `row`, `from` along the axis `column`. A tile is gathered from whole cache
// lines of `from`, then written as whole cache lines of `to`. So neither side fetches a line twice, even if the strides
// are powers of two and the lines of a tile therefore compete for the same cache sets.
template <typename ItemN>
void copy_tiled(ItemN item, size_t size, char *to, const char *from, const Axis &row, const Axis &column) {
  alignas(64) char tile[kTileBytes];
  int64_t side = kTileSide;
  while (static_cast<size_t>(side * side) * size > kTileBytes)
    side /= 2;
  const auto pitch = static_cast<int64_t>(size);
  for (int64_t i = 0; i < column.size; i += side) {
    const int64_t columns = column.size - i < side ? column.size - i : side;
    for (int64_t j = 0; j < row.size; j += side) {
      const int64_t rows = row.size - j < side ? row.size - j : side;
      const char *const source = from + i * column.from + j * row.from;
      char *const target = to + i * column.to + j * row.to;
      for (int64_t k = 0; k < rows; ++k)
        copy_row(item, tile + k * side * pitch, source + k * row.from, Axis{columns, pitch, column.from});
      for (int64_t k = 0; k < columns; ++k)
        copy_row(item, target + k * column.to, tile + k * pitch, Axis{rows, row.to, side * pitch});
    }
  }
}

// Returns the axis before the last one that has the smallest `from` stride, or the rank if no axis has a smaller `from`
// stride than the last one.
size_t densest_source(const Plan &plan) {
  const uint64_t inner = magnitude(plan.axes[plan.rank - 1].from);
  size_t best = plan.rank;
  uint64_t least = inner;
  for (size_t i = 0; i + 1 < plan.rank; ++i) {
    const uint64_t stride = magnitude(plan.axes[i].from);
    if (stride != 0 && stride < least) {
      best = i;
      least = stride;
    }
  }
  return best;
}

// Items from this size on gain nothing from tiles.
constexpr size_t kLargestTiled = 64;

// With fewer elements, the cache lines of a tile would mostly belong to other tiles.
constexpr int64_t kLeastTiled = 8;

template <typename ItemN>
void copy_rows(ItemN item, const Plan &plan) {
  const Axis row = plan.axes[plan.rank - 1];
  Odometer at(plan, plan.rank - 1);
  do {
    copy_row(item, plan.to + at.to(), plan.from + at.from(), row);
  } while (at.next());
}

template <typename ItemN>
void run_copy(ItemN item, Plan &plan) {
  const size_t dense = plan.item <= kLargestTiled ? densest_source(plan) : plan.rank;
  if (dense == plan.rank) return copy_rows(item, plan);
  Axis &row = plan.axes[plan.rank - 1];
  const Axis column = plan.axes[dense];
  if (row.size < kLeastTiled || column.size < kLeastTiled) {
    if (row.size < column.size) std::swap(plan.axes[dense], row);
    return copy_rows(item, plan);
  }
  const Axis inner = row;
  for (size_t i = dense; i + 2 < plan.rank; ++i)
    plan.axes[i] = plan.axes[i + 1];
  Odometer at(plan, plan.rank - 2);
  do {
    copy_tiled(item, plan.item, plan.to + at.to(), plan.from + at.from(), inner, column);
  } while (at.next());
}

}  // namespace

void copy_strided(char *to, const int64_t *to_strides, const char *from, const int64_t *from_strides,
                  Span<const int64_t> shape, size_t item) {
  Plan plan(to, to_strides, from, from_strides, shape, item);
  if (plan.empty) return;
  if (plan.rank == 0) {
    memcpy(plan.to, plan.from, plan.item);
    return;
  }
  with_item(plan.item, [&plan](auto item_n) { run_copy(item_n, plan); });
}

bool equal_strided(const char *a, const int64_t *a_strides, const char *b, const int64_t *b_strides,
                   Span<const int64_t> shape, size_t item) {
  // A Plan takes a writable `to`, but comparing only reads it.
  const Plan plan(const_cast<char *>(a), a_strides, b, b_strides, shape, item);
  if (plan.empty) return true;
  if (plan.rank == 0) return memcmp(plan.to, plan.from, plan.item) == 0;
  return with_item(plan.item, [&plan](auto item_n) {
    const Axis row = plan.axes[plan.rank - 1];
    Odometer at(plan, plan.rank - 1);
    do {
      for (int64_t i = 0; i < row.size; ++i) {
        if (!item_n.equal(plan.to + at.to() + i * row.to, plan.from + at.from() + i * row.from)) return false;
      }
    } while (at.next());
    return true;
  });
}

void contiguous_strides(int64_t *strides, Span<const int64_t> shape, size_t item) {
  auto step = static_cast<int64_t>(item);
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    if (shape[i] > 1 && __builtin_mul_overflow(step, shape[i], &step)) step = INT64_MAX;
  }
}

namespace {

// Divides `count` elements of a shape, from element `first` in C order, into blocks that are parts of the shape. Calls
// use(index of the first element, shape of the block, its number of elements) for each, in order.
template <typename Use>
void for_each_block(Span<const int64_t> shape, int64_t first, int64_t count, Use use) {
  int64_t index[kMaxRank];
  for (size_t i = shape.size(); i-- > 0; first /= shape[i])
    index[i] = first % shape[i];
  while (count > 0) {
    // Finds the outermost axis along which whole steps can be copied: all its inner axes are at index 0.
    size_t axis = shape.size() - 1;
    int64_t within = 1;  // elements in one step along the axis
    while (axis > 0 && index[axis] == 0 && within * shape[axis] <= count)
      within *= shape[axis--];
    const int64_t steps = count / within < shape[axis] - index[axis] ? count / within : shape[axis] - index[axis];
    int64_t part[kMaxRank];
    for (size_t i = 0; i < shape.size(); ++i)
      part[i] = i < axis ? 1 : i == axis ? steps : shape[i];
    use(index, Span<const int64_t>(part, shape.size()), steps * within);
    count -= steps * within;
    index[axis] += steps;
    for (size_t i = axis; i > 0 && index[i] == shape[i]; --i) {
      index[i] = 0;
      ++index[i - 1];
    }
  }
}

}  // namespace

void copy_elements(char *to, const Array &array, int64_t first, int64_t count) {
  const size_t item = array.dtype->block_bytes;
  if (count == 0) return;
  if (is_contiguous(array)) {
    memcpy(to, array.data + static_cast<size_t>(first) * item, static_cast<size_t>(count) * item);
    return;
  }
  for_each_block(array.shape(), first, count, [&](const int64_t *index, Span<const int64_t> part, int64_t elements) {
    int64_t strides[kMaxRank];
    contiguous_strides(strides, part, item);
    copy_strided(to, strides, element_at(array, index), array.strides().data(), part, item);
    to += static_cast<size_t>(elements) * item;
  });
}

void place_elements(char *to, const int64_t *to_strides, Span<const int64_t> shape, size_t item, const char *from,
                    int64_t first, int64_t count) {
  if (shape.empty()) {
    if (count > 0) memcpy(to, from, item);
    return;
  }
  for_each_block(shape, first, count, [&](const int64_t *index, Span<const int64_t> part, int64_t elements) {
    int64_t strides[kMaxRank];
    contiguous_strides(strides, part, item);
    char *target = to;
    for (size_t i = 0; i < shape.size(); ++i)
      target += index[i] * to_strides[i];
    copy_strided(target, to_strides, from, strides, part, item);
    from += static_cast<size_t>(elements) * item;
  });
}

}  // namespace tfile
