#include "io/replace.h"

#include "base/error.h"
#include "base/random.h"
#include "io/file.h"

namespace tfile {

namespace {

// Small writes, such as headers and small arrays, are collected in a buffer of this size.
constexpr size_t kBuffer = size_t{64} << 10;
// Files of fewer bytes are not worth a call to reserve them.
constexpr uint64_t kReserved = uint64_t{1} << 20;
// Of the target's name in that of the temporary file: some file systems end names at 143 bytes.
constexpr size_t kLongestStem = 120;
constexpr size_t kRandomLetters = 8;
constexpr int kMaxTries = 100;

// ".STEM.tf-" and random letters.
struct TemporaryName {
  char text[1 + kLongestStem + 4 + kRandomLetters + 1];

  explicit TemporaryName(Text target) {
    size_t stem = target.first(kLongestStem).size();
    // Between characters: some file systems take UTF-8 only.
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

}  // namespace

struct Replacement::State {
  explicit State(Memory &from) : target(from), temporary("") {}
  State(const State &) = delete;
  State &operator=(const State &) = delete;
  ~State() {
    close_file(file);
    if (has_temporary) remove_sibling(target, temporary.text);
  }

  Status open(const char *path, bool atomic, bool wants_sync);
  Status write(const char *from, size_t nbytes);
  Status flush();

  static State &of(Sink &sink) { return *static_cast<State *>(sink.state); }
  static Status append(Sink &sink, uint64_t /*offset*/, const void *from, size_t nbytes) {
    return of(sink).write(static_cast<const char *>(from), nbytes);
  }
  static Status patch(Sink &sink, uint64_t offset, const void *from, size_t nbytes) {
    State &state = of(sink);
    TFILE_TRY(state.flush());
    return write_file(state.file, state.target.label(), offset, from, nbytes);
  }
  static Status reserve(Sink &sink, uint64_t size) {
    const State &state = of(sink);
    if (size >= kReserved) reserve_file(state.file, size, !state.has_temporary);
    return kOk;
  }
  static Status put(Sink &sink, uint64_t offset, const Bytes *pieces, size_t count) {
    const State &state = of(sink);
    return write_pieces(state.file, state.target.label(), offset, pieces, count);
  }
  static constexpr SinkOps ops() { return {.write = append, .patch = patch, .reserve = reserve, .put = put}; }

  Target target;
  TemporaryName temporary;
  File file;
  bool has_temporary = false;  // the temporary file exists
  bool durable = false;
  uint64_t written = 0;  // bytes in the file
  size_t pending = 0;    // bytes in the buffer, which follow them
  char buffer[kBuffer];
};

Status Replacement::State::open(const char *path, bool atomic, bool wants_sync) {
  TFILE_TRY(find_target(target, path));
  durable = wants_sync;
  if (durable) TFILE_TRY(check_sync_folder(target));
  if (!atomic) return open_in_place(&file, target);
  for (int i = 0; i < kMaxTries; ++i) {
    temporary = TemporaryName(Text(target.name.data()));
    bool exists = false;
    TFILE_TRY(create_sibling(&file, &exists, target, temporary.text));
    has_temporary = !exists;
    if (has_temporary) return kOk;
  }
  return Failure(TF_STATUS_IO).in(target.label()) << "found no free name for a temporary file beside it";
}

Status Replacement::State::write(const char *from, size_t nbytes) {
  if (nbytes > sizeof(buffer) - pending) TFILE_TRY(flush());
  if (nbytes < sizeof(buffer)) {
    memcpy(buffer + pending, from, nbytes);
    pending += nbytes;
    return kOk;
  }
  TFILE_TRY(write_file(file, target.label(), written, from, nbytes));
  written += nbytes;
  return kOk;
}

Status Replacement::State::flush() {
  TFILE_TRY(write_file(file, target.label(), written, buffer, pending));
  written += pending;
  pending = 0;
  return kOk;
}

Replacement::~Replacement() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Replacement::begin(Ref<Sink> &out, const char *path, bool atomic, bool durable) {
  TFILE_TRY(make(&state_, memory_, memory_));
  TFILE_TRY(state_->open(path, atomic, durable));
  static constexpr SinkOps kOps = State::ops();
  return make_sink(out, memory_, kOps, state_);
}

Status Replacement::commit() {
  State &state = *state_;
  const Text path = state.target.label();
  TFILE_TRY(state.flush());
  if (state.durable) TFILE_TRY(sync_file(state.file, path));
  TFILE_TRY(finish_file(std::exchange(state.file, File()), path));
  if (state.has_temporary) TFILE_TRY(replace_target(state.target, state.temporary.text));
  state.has_temporary = false;
  return state.durable ? sync_folder(state.target) : kOk;
}

}  // namespace tfile
