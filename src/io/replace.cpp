#include "io/replace.h"

#include "base/error.h"
#include "base/random.h"
#include "io/file.h"

namespace tfile {

namespace {

// Size of the buffer that collects small writes, such as headers and small arrays.
constexpr size_t kBuffer = size_t{64} << 10;
// Files of at least this size get their disk space reserved; for smaller ones that is not worth a system call.
constexpr uint64_t kReserved = uint64_t{1} << 20;
constexpr int kMaxTries = 100;

}  // namespace

// The file that the sink writes to.
struct Replacement::OpenFile {
  OpenFile(Text from, bool in_place) : label(from), in_place(in_place) {}
  OpenFile(const OpenFile &) = delete;
  OpenFile &operator=(const OpenFile &) = delete;
  ~OpenFile() { close_file(file); }

  Status write(const char *from, size_t nbytes);
  Status flush();

  static OpenFile &of(Sink &sink) { return *static_cast<OpenFile *>(sink.state); }
  static Status append(Sink &sink, uint64_t /*offset*/, const void *from, size_t nbytes) {
    return of(sink).write(static_cast<const char *>(from), nbytes);
  }
  static Status patch(Sink &sink, uint64_t offset, const void *from, size_t nbytes) {
    OpenFile &open = of(sink);
    TFILE_TRY(open.flush());
    return write_file(open.file, open.label, offset, from, nbytes);
  }
  static Status reserve(Sink &sink, uint64_t size) {
    const OpenFile &open = of(sink);
    if (size >= kReserved) reserve_file(open.file, size, open.in_place);
    return kOk;
  }
  static Status put(Sink &sink, uint64_t offset, const Bytes *pieces, size_t count) {
    const OpenFile &open = of(sink);
    return write_pieces(open.file, open.label, offset, pieces, count);
  }
  static Status copy(Sink &sink, uint64_t *copied, const File &from, Text from_path, uint64_t offset, uint64_t nbytes) {
    OpenFile &open = of(sink);
    TFILE_TRY(open.flush());
    TFILE_TRY(copy_some(copied, open.file, open.label, open.written, from, from_path, offset, nbytes));
    open.written += *copied;
    open.may_end_in_hole = true;
    return kOk;
  }
  static constexpr SinkOps ops() {
    return {.write = append, .patch = patch, .reserve = reserve, .put = put, .copy = copy};
  }

  Text label;
  bool in_place;
  File file;
  uint64_t written = 0;          // bytes in the file
  bool may_end_in_hole = false;  // then the size of the file may have to be set
  size_t pending = 0;            // bytes in the buffer, not yet in the file
  char buffer[kBuffer];
};

Status Replacement::OpenFile::write(const char *from, size_t nbytes) {
  if (nbytes > sizeof(buffer) - pending) TFILE_TRY(flush());
  if (nbytes < sizeof(buffer)) {
    memcpy(buffer + pending, from, nbytes);
    pending += nbytes;
    return kOk;
  }
  TFILE_TRY(write_file(file, label, written, from, nbytes));
  written += nbytes;
  return kOk;
}

Status Replacement::OpenFile::flush() {
  TFILE_TRY(write_file(file, label, written, buffer, pending));
  written += pending;
  pending = 0;
  return kOk;
}

Replacement::~Replacement() {
  close();
  if (has_temporary_) remove_sibling(target_, temporary_);
}

void Replacement::close() {
  if (open_ != nullptr) destroy(memory(), open_);
  open_ = nullptr;
}

Status Replacement::begin(Ref<Sink> &out, const char *path, bool atomic, bool durable) {
  TFILE_TRY(find(path, nullptr));
  return open(out, atomic, durable);
}

Status Replacement::commit() {
  TFILE_TRY(finish());
  TFILE_TRY(move_into_place());
  return durable_ ? sync() : kOk;
}

Status Replacement::find(const char *path, const Replacement *neighbour) {
  return find_target(target_, path, neighbour == nullptr ? nullptr : &neighbour->target_);
}

Status Replacement::make_temporary() {
  const Text name(target_.name.data(), target_.name.size() - 1);
  size_t stem = name.first(kLongestStem).size();
  // Cuts between characters, because some file systems accept only UTF-8.
  while (stem > 0 && stem < name.size() && (static_cast<uint8_t>(name[stem]) & 0xC0) == 0x80)
    --stem;
  temporary_[0] = '.';
  memcpy(temporary_ + 1, name.data(), stem);
  memcpy(temporary_ + 1 + stem, ".tf-", 4);
  char *const letters = temporary_ + 1 + stem + 4;
  letters[kRandomLetters] = '\0';
  for (int i = 0; i < kMaxTries; ++i) {
    uint8_t random[kRandomLetters];
    fill_random(random, sizeof(random));
    for (size_t k = 0; k < kRandomLetters; ++k)
      letters[k] = "abcdefghijklmnopqrstuvwxyz234567"[random[k] % 32];
    bool exists = false;
    TFILE_TRY(create_sibling(&open_->file, &exists, target_, temporary_));
    has_temporary_ = !exists;
    if (has_temporary_) return kOk;
  }
  return Failure(TF_STATUS_IO).in(target_.label()) << "found no free name for a temporary file beside it";
}

Status Replacement::open(Ref<Sink> &out, bool atomic, bool durable) {
  durable_ = durable;
  if (durable) TFILE_TRY(check_sync_folder(target_));
  TFILE_TRY(make(&open_, memory(), target_.label(), !atomic));
  TFILE_TRY(atomic ? make_temporary() : open_in_place(&open_->file, target_, true));
  static constexpr SinkOps kOps = OpenFile::ops();
  return make_sink(out, memory(), kOps, open_);
}

Status Replacement::finish() {
  const Text path = target_.label();
  TFILE_TRY(open_->flush());
  if (open_->may_end_in_hole) TFILE_TRY(resize_file(open_->file, path, open_->written));
  if (durable_) TFILE_TRY(sync_file(open_->file, path));
  TFILE_TRY(finish_file(std::exchange(open_->file, File()), path));
  close();
  return kOk;
}

Status Replacement::move_into_place() {
  if (has_temporary_) TFILE_TRY(replace_target(target_, temporary_));
  has_temporary_ = false;
  return kOk;
}

Status Replacement::sync() {
  return sync_folder(target_);
}

}  // namespace tfile
