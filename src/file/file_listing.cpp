#include "file/file_listing.h"

namespace tfile {

namespace {

// Where the columns of a listing are. The columns of 64-bit numbers come first, so that each column is aligned. No sum
// can overflow, because the members are in memory and need more of it.
struct Columns {
  static constexpr size_t kHead = TF_LISTING_NAMES + 1;

  uint64_t count = 0;  // of arrays
  uint64_t sizes = 0;  // in the shapes of all arrays
  uint64_t bytes = 0;  // of all names
  uint64_t total = kHead * sizeof(int64_t);
  int64_t head[kHead] = {};

  explicit Columns(const Vec<Member> &members) : count(members.size()) {
    for (const Member &member : members) {
      sizes += member.shape.size();
      bytes += member.name.size();
    }
    head[TF_LISTING_COUNT] = static_cast<int64_t>(count);
    add(TF_LISTING_NBYTES, count, sizeof(uint64_t));
    add(TF_LISTING_SHAPE_STARTS, count + 1, sizeof(int64_t));
    add(TF_LISTING_NAME_STARTS, count + 1, sizeof(int64_t));
    add(TF_LISTING_SHAPES, sizes, sizeof(int64_t));
    add(TF_LISTING_DTYPES, count, sizeof(tf_dtype));
    add(TF_LISTING_NAMES, bytes, 1);
  }

 private:
  void add(size_t column, uint64_t items, size_t item) {
    head[column] = static_cast<int64_t>(total);
    total += items * item;
  }
};

template <typename T>
T *column(char *base, const Columns &columns, size_t which) {
  return reinterpret_cast<T *>(base + columns.head[which]);
}

void write_columns(char *base, const Columns &columns, const Vec<Member> &members) {
  memcpy(base, columns.head, sizeof(columns.head));
  auto *const dtypes = column<tf_dtype>(base, columns, TF_LISTING_DTYPES);
  auto *const nbytes = column<uint64_t>(base, columns, TF_LISTING_NBYTES);
  auto *const shape_starts = column<int64_t>(base, columns, TF_LISTING_SHAPE_STARTS);
  auto *const shapes = column<int64_t>(base, columns, TF_LISTING_SHAPES);
  auto *const name_starts = column<int64_t>(base, columns, TF_LISTING_NAME_STARTS);
  char *const names = column<char>(base, columns, TF_LISTING_NAMES);
  size_t size = 0;
  size_t byte = 0;
  for (size_t i = 0; i < members.size(); ++i) {
    const Member &member = members[i];
    dtypes[i] = member.dtype == nullptr ? TF_DTYPE_UNSUPPORTED : member.dtype->id;
    nbytes[i] = member.nbytes;
    shape_starts[i] = static_cast<int64_t>(size);
    name_starts[i] = static_cast<int64_t>(byte);
    for (const int64_t each : member.shape)
      shapes[size++] = each;
    if (!member.name.empty()) memcpy(names + byte, member.name.data(), member.name.size());
    byte += member.name.size();
  }
  shape_starts[members.size()] = static_cast<int64_t>(size);
  name_starts[members.size()] = static_cast<int64_t>(byte);
}

}  // namespace

Status make_file_listing(Ref<Buffer> &out, const OpenedFile &file) {
  const Vec<Member> &members = file.listing.members;
  const Columns columns(members);
  TFILE_TRY(make_buffer(out, file.settings.memory(), columns.total));
  write_columns(static_cast<char *>(out->data), columns, members);
  return kOk;
}

}  // namespace tfile
