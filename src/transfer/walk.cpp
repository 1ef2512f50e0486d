#include "transfer/walk.h"

#include <algorithm>

#include "core/copy.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

// Capacity of the scratch buffer into which elements that are not adjacent are read before they are copied.
constexpr uint64_t kWindow = uint64_t{1} << 20;
// A run of at least this many bytes is read directly to its destination: another read takes less time than a copy.
constexpr uint64_t kDirect = uint64_t{32} << 10;
// Where several walks meet, each gets its elements in blocks of at most this many bytes of the file.
constexpr uint64_t kBlock = uint64_t{64} << 10;

uint64_t window_of(const Source &source) {
  return source.hints.piece == 0 ? kWindow : std::clamp(source.hints.piece, kBlock, kMaxPieceHint);
}

// Calls visit(from, to) for each combination of the first `outer` axes: the offset of its first element in the member
// and the destination of that element.
template <typename Visit>
Status for_each_outer(const Walk &walk, size_t outer, const Visit &visit) {
  int64_t index[kMaxRank] = {};
  for (;;) {
    uint64_t from = walk.first;
    char *to = walk.to;
    for (size_t i = 0; i < outer; ++i) {
      from += static_cast<uint64_t>(index[i] * walk.from_strides[i]);
      to += index[i] * walk.to_strides[i];
    }
    TFILE_TRY(visit(from, to));
    size_t axis = outer;
    while (axis > 0 && ++index[axis - 1] == walk.counts[axis - 1])
      index[--axis] = 0;
    if (axis == 0) return kOk;
  }
}

// Neighbouring rows of one axis; a row is all elements of the axes from `split` on. If split is 0 there is one row and
// no such axis.
struct Rows {
  uint64_t from;  // offset of the first element in the member
  char *to;       // its destination
  int64_t count;

  uint64_t nbytes(const Walk &walk, size_t split) const {
    if (count == 1) return walk.extent(split);
    return walk.extent(split) + static_cast<uint64_t>(count - 1) * static_cast<uint64_t>(walk.from_strides[split - 1]);
  }
  // Copies the rows from bytes that begin with their first element.
  void copy(const Walk &walk, size_t split, const char *bytes) const {
    int64_t counts[kMaxRank];
    const size_t start = split > 0 ? split - 1 : 0;
    std::copy(walk.counts + start, walk.counts + walk.ndim, counts);
    if (split > 0) counts[0] = count;
    copy_strided(to, walk.to_strides + start, bytes, walk.from_strides + start,
                 Span<const int64_t>(counts, walk.ndim - start), static_cast<size_t>(walk.item));
  }
};

// Returns how many neighbouring rows of the axis split - 1 fit in `most` bytes, at least 1. Rows that are far apart are
// not read together.
int64_t rows_within(const Walk &walk, size_t split, uint64_t most, uint64_t max_gap) {
  const uint64_t row = walk.extent(split);
  const auto stride = static_cast<uint64_t>(walk.from_strides[split - 1]);
  if (walk.gap(split - 1) > max_gap || stride == 0 || row >= most) return 1;
  return 1 + static_cast<int64_t>((most - row) / stride);
}

// Reads the elements of one walk.
class WalkReader {
 public:
  WalkReader(MemberStream &stream, const Member &member, const Walk &walk, Memory &memory)
      : stream_(stream), member_(member), walk_(walk), window_(memory), most_(window_of(stream.source())) {}

  Status run() {
    const uint64_t max_gap = stream_.source().hints.gap;
    uint64_t run = 0;
    size_t split = walk_.run_axis(&run);
    // Gaps that cost less than another read are worth a copy.
    if (run >= std::max(kDirect, max_gap) || split == 0) {
      return for_each_outer(walk_, split, [&](uint64_t from, char *to) { return read_direct(from, to, run); });
    }
    split = walk_.split_within(most_, max_gap);
    if (split == 0) return read_window(Rows{walk_.first, walk_.to, 1}, 0);
    const int64_t most = rows_within(walk_, split, most_, max_gap);
    return for_each_outer(walk_, split - 1, [&](uint64_t from, char *to) { return read_rows(from, to, split, most); });
  }

 private:
  Status read_direct(uint64_t from, char *to, uint64_t nbytes) {
    while (nbytes > 0) {
      // Reads in pieces, so that the bytes are still in the cache for finish_bytes().
      const uint64_t piece = std::min(nbytes, most_ / walk_.item * walk_.item);
      TFILE_TRY(stream_.read(from, to, piece));
      finish_bytes(member_, to, static_cast<size_t>(piece));
      from += piece;
      to += piece;
      nbytes -= piece;
    }
    return kOk;
  }
  // Reads all rows of the axis split - 1, `most` at a time.
  Status read_rows(uint64_t from, char *to, size_t split, int64_t most) {
    const int64_t count = walk_.counts[split - 1];
    for (int64_t done = 0; done < count; done += most) {
      const uint64_t skipped = static_cast<uint64_t>(done) * static_cast<uint64_t>(walk_.from_strides[split - 1]);
      TFILE_TRY(read_window(Rows{from + skipped, to + done * walk_.to_strides[split - 1], std::min(most, count - done)},
                            split));
    }
    return kOk;
  }
  Status read_window(const Rows &rows, size_t split) {
    const uint64_t nbytes = rows.nbytes(walk_, split);
    if (window_.size() < nbytes) TFILE_TRY(window_.resize(static_cast<size_t>(nbytes)));
    TFILE_TRY(stream_.read(rows.from, window_.data(), nbytes));
    finish_bytes(member_, window_.data(), static_cast<size_t>(nbytes));
    rows.copy(walk_, split, window_.data());
    return kOk;
  }

  MemberStream &stream_;
  const Member &member_;
  const Walk &walk_;
  Vec<char> window_;
  uint64_t most_;
};

// Returns the blocks of a walk one after another, in the order of the file.
struct BlockCursor {
  const Walk *walk;
  size_t split;
  int64_t most;  // rows in a block
  int64_t done = 0;
  bool more = true;
  int64_t index[kMaxRank] = {};

  BlockCursor(const Walk &of, uint64_t max_gap) : walk(&of), split(of.split_within(kBlock, max_gap)) {
    most = split > 0 ? rows_within(of, split, kBlock, max_gap) : 1;
  }

  Rows block() const {
    Rows rows{walk->first, walk->to, 1};
    if (split == 0) return rows;
    for (size_t i = 0; i < split; ++i) {
      const int64_t at = i + 1 == split ? done : index[i];
      rows.from += static_cast<uint64_t>(at * walk->from_strides[i]);
      rows.to += at * walk->to_strides[i];
    }
    rows.count = std::min(most, walk->counts[split - 1] - done);
    return rows;
  }
  void advance() {
    done += most;
    if (split > 0 && done < walk->counts[split - 1]) return;
    done = 0;
    size_t axis = split > 0 ? split - 1 : 0;
    while (axis > 0 && ++index[axis - 1] == walk->counts[axis - 1])
      index[--axis] = 0;
    more = axis > 0;
  }
};

// Reads the elements of several walks in one pass over the member. Blocks of all walks are collected in the order of
// the file until they fill the window; the window is read once, and each block copied from it.
class WalkMerger {
 public:
  WalkMerger(MemberStream &stream, const Member &member, Memory &memory)
      : stream_(stream),
        member_(member),
        cursors_(memory),
        heap_(memory),
        blocks_(memory),
        window_(memory),
        most_(window_of(stream.source())),
        max_gap_(stream.source().hints.gap) {}

  Status run(Span<const Walk> walks) {
    TFILE_TRY(cursors_.reserve(walks.size()));
    TFILE_TRY(heap_.reserve(walks.size()));
    for (const Walk &walk : walks) {
      TFILE_TRY(cursors_.push(BlockCursor(walk, max_gap_)));
      TFILE_TRY(heap_.push(Next{walk.first, &cursors_.back()}));
    }
    std::make_heap(heap_.begin(), heap_.end(), comes_after);
    while (!heap_.empty()) {
      uint64_t end = 0;
      TFILE_TRY(collect(&end));
      TFILE_TRY(read(blocks_[0].rows.from, end));
      for (const Block &block : blocks_)
        block.rows.copy(*block.walk, block.split, window_.data() + (block.rows.from - start_));
    }
    return kOk;
  }

 private:
  // A cursor and the offset of its next block.
  struct Next {
    uint64_t from;
    BlockCursor *cursor;
  };
  struct Block {
    const Walk *walk;
    size_t split;
    Rows rows;
  };

  static bool comes_after(const Next &a, const Next &b) { return a.from > b.from; }

  // Collects blocks that one window holds and that no large gap separates. *end is where the last of them ends.
  Status collect(uint64_t *end) {
    blocks_.clear();
    while (!heap_.empty()) {
      BlockCursor &cursor = *heap_[0].cursor;
      const Rows rows = cursor.block();
      const uint64_t block_end = rows.from + rows.nbytes(*cursor.walk, cursor.split);
      if (!blocks_.empty()) {
        const uint64_t start = blocks_[0].rows.from;
        const bool distant = rows.from > *end && rows.from - *end > max_gap_;
        if (distant || std::max(block_end, *end) - start > most_) return kOk;
      }
      TFILE_TRY(blocks_.push(Block{cursor.walk, cursor.split, rows}));
      *end = std::max(*end, block_end);
      std::pop_heap(heap_.begin(), heap_.end(), comes_after);
      heap_.pop();
      cursor.advance();
      if (cursor.more) {
        TFILE_TRY(heap_.push(Next{cursor.block().from, &cursor}));
        std::push_heap(heap_.begin(), heap_.end(), comes_after);
      }
    }
    return kOk;
  }

  // Moves the window to these bytes. Those that the previous window had are kept, because a stream cannot go back.
  Status read(uint64_t start, uint64_t end) {
    size_t kept = 0;
    if (end_ > start) {
      kept = static_cast<size_t>(end_ - start);
      end = std::max(end, end_);
    }
    const auto nbytes = static_cast<size_t>(end - start);
    const auto moved = static_cast<size_t>(start - start_);
    if (kept > 0) memmove(window_.data(), window_.data() + moved, kept);
    if (window_.size() < nbytes) TFILE_TRY(window_.resize(nbytes));
    start_ = start;
    end_ = end;
    if (nbytes == kept) return kOk;
    TFILE_TRY(stream_.read(start + kept, window_.data() + kept, nbytes - kept));
    finish_bytes(member_, window_.data() + kept, nbytes - kept);
    return kOk;
  }

  MemberStream &stream_;
  const Member &member_;
  Vec<BlockCursor> cursors_;
  Vec<Next> heap_;
  Vec<Block> blocks_;
  Vec<char> window_;  // the bytes from start_ to end_ of the member
  uint64_t start_ = 0;
  uint64_t end_ = 0;
  uint64_t most_;
  uint64_t max_gap_;
};

}  // namespace

uint64_t Walk::extent(size_t axis) const {
  uint64_t bytes = item;
  for (size_t i = axis; i < ndim; ++i)
    bytes += static_cast<uint64_t>(counts[i] - 1) * static_cast<uint64_t>(from_strides[i]);
  return bytes;
}

uint64_t Walk::gap(size_t axis) const {
  if (counts[axis] == 1) return 0;
  return static_cast<uint64_t>(from_strides[axis]) - extent(axis + 1);
}

size_t Walk::split_within(uint64_t most, uint64_t max_gap) const {
  size_t split = ndim;
  while (split > 0 && gap(split - 1) <= max_gap && extent(split - 1) <= most)
    --split;
  return split;
}

size_t Walk::run_axis(uint64_t *nbytes) const {
  size_t axis = ndim;
  uint64_t run = item;
  for (; axis > 0; --axis) {
    const int64_t count = counts[axis - 1];
    const auto stride = static_cast<int64_t>(run);
    if (count != 1 && (from_strides[axis - 1] != stride || to_strides[axis - 1] != stride)) break;
    run *= static_cast<uint64_t>(count);
  }
  *nbytes = run;
  return axis;
}

void make_walk(Walk *walk, const WalkShape &shape, const SliceAxis *axes, void *to, const int64_t *to_strides) {
  const size_t ndim = shape.sizes.size();
  int64_t stored_strides[kMaxRank];
  auto stride = static_cast<int64_t>(shape.item);
  for (size_t i = 0; i < ndim; ++i) {
    const size_t axis = shape.fortran ? i : ndim - 1 - i;
    stored_strides[axis] = stride;
    stride *= shape.sizes[axis];
  }
  walk->ndim = ndim;
  walk->item = shape.item;
  walk->first = 0;
  walk->to = static_cast<char *>(to);
  for (size_t i = 0; i < ndim; ++i) {
    const SliceAxis axis = axes != nullptr ? axes[i] : SliceAxis{0, 1, shape.sizes[i]};
    const size_t position = shape.fortran ? ndim - 1 - i : i;
    const bool back = axis.step < 0 && axis.count > 0;
    const int64_t low = back ? axis.first + (axis.count - 1) * axis.step : axis.first;
    walk->first += static_cast<uint64_t>(low) * static_cast<uint64_t>(stored_strides[i]);
    walk->counts[position] = axis.count;
    walk->from_strides[position] = axis.count > 1 ? stored_strides[i] * (back ? -axis.step : axis.step) : 0;
    walk->to_strides[position] = back ? -to_strides[i] : to_strides[i];
    // Without a destination only the order of the walk is wanted.
    if (back && to != nullptr) walk->to += (axis.count - 1) * to_strides[i];
  }
}

void copy_walk(const Walk &walk, const char *bytes) {
  Rows{walk.first, walk.to, 1}.copy(walk, 0, bytes);
}

Status read_walks(MemberStream &stream, const Member &member, Span<const Walk> walks, Memory &memory) {
  if (walks.size() == 1) return WalkReader(stream, member, walks[0], memory).run();
  return WalkMerger(stream, member, memory).run(walks);
}

}  // namespace tfile
