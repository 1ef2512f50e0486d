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
// A temporary name contains at most this many bytes of the target's name, because some file systems limit names to 143
// bytes.
constexpr size_t kLongestStem = 120;
constexpr size_t kRandomLetters = 8;
constexpr int kMaxTries = 100;

// The name of a temporary file: ".STEM.tf-" followed by random letters.
struct TemporaryName {
  char text[1 + kLongestStem + 4 + kRandomLetters + 1];

  explicit TemporaryName(Text target) {
    size_t stem = target.first(kLongestStem).size();
    // Cuts between characters, because some file systems accept only UTF-8.
    while (stem > 0 && stem < target.size() && (static_cast<uint8_t>(target[stem]) & 0xC0) == 0x80)
      --stem;
    char *end = text;
    *end++ = '.';
    memcpy(end, target.data(), stem);
    end += stem;
    memcpy(end, ".tf-", 4);
    end += 4;
    uint8_t random[kRandomLetters];
    fill_random(random, sizeof(random));
    for (const uint8_t byte : random)
      *end++ = "abcdefghijklmnopqrstuvwxyz234567"[byte % 32];
    *end = '\0';
  }
};

// The open file of a replacement, which its sink writes to.
struct OpenFile {
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
  static constexpr SinkOps ops() { return {.write = append, .patch = patch, .reserve = reserve, .put = put}; }

  Text label;
  bool in_place;
  File file;
  uint64_t written = 0;  // bytes in the file
  size_t pending = 0;    // bytes in the buffer, not yet in the file
  char buffer[kBuffer];
};

Status OpenFile::write(const char *from, size_t nbytes) {
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

Status OpenFile::flush() {
  TFILE_TRY(write_file(file, label, written, buffer, pending));
  written += pending;
  pending = 0;
  return kOk;
}

}  // namespace

struct Replacement::State {
  explicit State(Memory &from) : target(from), temporary("") {}
  State(const State &) = delete;
  State &operator=(const State &) = delete;
  ~State() {
    close();
    if (has_temporary) remove_sibling(target, temporary.text);
  }

  Status make_temporary();
  void close() {
    if (open != nullptr) destroy(target.path.memory(), open);
    open = nullptr;
  }

  Target target;
  TemporaryName temporary;
  OpenFile *open = nullptr;
  bool has_temporary = false;  // the temporary file exists
  bool durable = false;
};

Status Replacement::State::make_temporary() {
  for (int i = 0; i < kMaxTries; ++i) {
    temporary = TemporaryName(Text(target.name.data()));
    bool exists = false;
    TFILE_TRY(create_sibling(&open->file, &exists, target, temporary.text));
    has_temporary = !exists;
    if (has_temporary) return kOk;
  }
  return Failure(TF_STATUS_IO).in(target.label()) << "found no free name for a temporary file beside it";
}

Replacement::~Replacement() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Replacement::begin(Ref<Sink> &out, const char *path, bool atomic, bool durable) {
  TFILE_TRY(find(path, nullptr));
  return open(out, atomic, durable);
}

Status Replacement::commit() {
  TFILE_TRY(finish());
  TFILE_TRY(move_into_place());
  return state_->durable ? sync() : kOk;
}

Status Replacement::find(const char *path, const Replacement *neighbour) {
  TFILE_TRY(make(&state_, memory_, memory_));
  return find_target(state_->target, path, neighbour == nullptr ? nullptr : &neighbour->target());
}

const Target &Replacement::target() const {
  return state_->target;
}

Status Replacement::open(Ref<Sink> &out, bool atomic, bool durable) {
  State &state = *state_;
  state.durable = durable;
  if (durable) TFILE_TRY(check_sync_folder(state.target));
  TFILE_TRY(make(&state.open, memory_, state.target.label(), !atomic));
  TFILE_TRY(atomic ? state.make_temporary() : open_in_place(&state.open->file, state.target));
  static constexpr SinkOps kOps = OpenFile::ops();
  return make_sink(out, memory_, kOps, state.open);
}

Status Replacement::finish() {
  State &state = *state_;
  const Text path = state.target.label();
  TFILE_TRY(state.open->flush());
  if (state.durable) TFILE_TRY(sync_file(state.open->file, path));
  TFILE_TRY(finish_file(std::exchange(state.open->file, File()), path));
  state.close();
  return kOk;
}

Status Replacement::move_into_place() {
  if (state_->has_temporary) TFILE_TRY(replace_target(state_->target, state_->temporary.text));
  state_->has_temporary = false;
  return kOk;
}

Status Replacement::sync() {
  return sync_folder(state_->target);
}

}  // namespace tfile
