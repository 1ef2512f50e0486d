#include "io/sink.h"

#include "base/error.h"
#include "io/file.h"

void tf_sink::release() {
  if (!refs.decrement()) return;
  tfile::abort_sink(*this);
  if (ops->destroy != nullptr) ops->destroy(state);
  const tfile::Ref<tfile::Memory> from = memory;
  tfile::destroy(*from, this);
}

namespace tfile {

namespace {

// Data is written in pieces of at most this size, so that the progress callback is called often enough.
constexpr uint64_t kPiece = uint64_t{16} << 20;
// Size of the buffer through which bytes are copied.
constexpr uint64_t kCopied = uint64_t{1} << 20;
// Capacity of the buffer that collects small writes.
constexpr size_t kCollected = size_t{64} << 10;

constexpr size_t kMinCapacity = 4096;

constexpr char kZeros[4096] = {};

// The user's write function and its argument.
struct Callback {
  Ref<Memory> memory;
  tf_write_fn write;
  tf_release_fn release_user;
  void *user;
};

Status write_callback(Sink &sink, uint64_t offset, const void *from, size_t nbytes) {
  const auto &state = *static_cast<const Callback *>(sink.state);
  return call_user({.function = "the sink's write", .offset = offset, .nbytes = nbytes},
                   [&] { return state.write(state.user, from, nbytes); });
}

constexpr SinkOps kCallbackOps = {
    .write = write_callback,
    .destroy = [](void *state) { destroy_and_release(static_cast<Callback *>(state)); },
    .collects = true,
};

}  // namespace

Status make_sink(Ref<Sink> &out, Memory &memory, const SinkOps &ops, void *state) {
  Sink *sink = nullptr;
  TFILE_TRY(make(&sink, memory));
  sink->memory = Ref<Memory>::share(&memory);
  sink->ops = &ops;
  sink->state = state;
  out = Ref<Sink>::adopt(sink);
  return kOk;
}

Status sink_from_callback(Ref<Sink> &out, Memory &memory, tf_write_fn write, tf_release_fn release, void *user) {
  Callback *state = nullptr;
  Status status = make(&state, memory, Ref<Memory>::share(&memory), write, release, user);
  if (!status.ok()) return fail_and_release(status, release, user);
  status = make_sink(out, memory, kCallbackOps, state);
  if (!status.ok()) return fail_and_release(status, kCallbackOps.destroy, state);
  out->user = user;
  return kOk;
}

Status check_open(const Sink &sink) {
  if (!sink.ended) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "the sink has been committed or aborted by an earlier save";
}

Status require_unused(const Sink &sink) {
  if (!sink.refs.unique()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "the sink is in use: only its creator may have a reference to it";
  }
  return check_open(sink);
}

Status commit_sink(Sink &sink) {
  if (sink.commit == nullptr && sink.abort == nullptr) return kOk;
  TFILE_TRY(check_open(sink));
  sink.ended = true;
  if (sink.commit == nullptr) return kOk;
  return call_user({"the sink's commit"}, [&] { return sink.commit(sink.user); });
}

void abort_sink(Sink &sink) {
  if (sink.ended || (sink.commit == nullptr && sink.abort == nullptr)) return;
  sink.ended = true;
  if (sink.abort != nullptr) sink.abort(sink.user);
}

Status set_sink_resolver(Sink &sink, Text name, tf_resolve_sink_fn resolve, PendingRelease &release) {
  Ref<Buffer> copy;
  if (resolve != nullptr) {
    TFILE_TRY(make_buffer(copy, *sink.memory, name.size() + 1));
    auto *const bytes = static_cast<char *>(copy->data);
    if (!name.empty()) memcpy(bytes, name.data(), name.size());
    bytes[name.size()] = '\0';
  }
  TFILE_TRY(make_resolver(sink.resolver, *sink.memory, resolve, release));
  sink.name = std::move(copy);
  return kOk;
}

Status resolve_sink(Ref<Sink> &out, const Sink &sink, Text name) {
  tf_sink *found = nullptr;
  const Status resolved = call_user({"the resolver of the sink", name},
                                    [&] { return sink.resolver->resolve(sink.resolver->user, name.data(), &found); });
  Ref<Sink> owned = Ref<Sink>::adopt(found);
  TFILE_TRY(resolved);
  if (!owned) return Failure(TF_STATUS_INVALID_ARGUMENT).in(name) << "the resolver of the sink returned no sink";
  TFILE_TRY(check_open(*owned));
  out = std::move(owned);
  return kOk;
}

constexpr SinkOps MemorySink::kOps = {
    .write = MemorySink::write,
    .patch = MemorySink::patch,
    .reserve = MemorySink::reserve,
    .put = MemorySink::put,
};

MemorySink::~MemorySink() {
  deallocate(memory_, data_, capacity_, kDataAlignment);
}

Status MemorySink::open(Ref<Sink> &out, uint64_t expected) {
  if (expected > 0) TFILE_TRY(grow(expected));
  return make_sink(out, memory_, kOps, this);
}

Status MemorySink::finish(Ref<Buffer> &out) {
  if (data_ == nullptr) TFILE_TRY(grow(1));
  TFILE_TRY(adopt_buffer(out, memory_, data_, size_, capacity_));
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
  return kOk;
}

// Increases the capacity to at least `size`, and at least by half.
Status MemorySink::grow(Checked size) {
  if (!size.fits_memory()) return Failure(TF_STATUS_OUT_OF_MEMORY) << "the file does not fit in this process";
  size_t capacity = static_cast<size_t>(size.value());
  const size_t grown = capacity_ + capacity_ / 2;
  if (capacity < grown) capacity = grown;
  if (capacity < kMinCapacity) capacity = kMinCapacity;
  void *fresh = nullptr;
  TFILE_TRY(allocate(&fresh, memory_, capacity, kDataAlignment));
  if (data_ != nullptr) memcpy(fresh, data_, size_);
  deallocate(memory_, data_, capacity_, kDataAlignment);
  data_ = static_cast<char *>(fresh);
  capacity_ = capacity;
  return kOk;
}

Status MemorySink::write(Sink &sink, uint64_t /*offset*/, const void *from, size_t nbytes) {
  auto &self = *static_cast<MemorySink *>(sink.state);
  if (nbytes > self.capacity_ - self.size_) TFILE_TRY(self.grow(Checked(self.size_) + nbytes));
  if (nbytes > 0) memcpy(self.data_ + self.size_, from, nbytes);
  self.size_ += nbytes;
  return kOk;
}

Status MemorySink::patch(Sink &sink, uint64_t offset, const void *from, size_t nbytes) {
  memcpy(static_cast<MemorySink *>(sink.state)->data_ + offset, from, nbytes);
  return kOk;
}

Status MemorySink::reserve(Sink &sink, uint64_t size) {
  auto &self = *static_cast<MemorySink *>(sink.state);
  if (size > self.capacity_) TFILE_TRY(self.grow(size));
  self.size_ = static_cast<size_t>(size);
  return kOk;
}

Status MemorySink::put(Sink &sink, uint64_t offset, const Bytes *pieces, size_t count) {
  char *to = static_cast<MemorySink *>(sink.state)->data_ + offset;
  for (size_t i = 0; i < count; ++i) {
    if (!pieces[i].empty()) memcpy(to, pieces[i].data(), pieces[i].size());
    to += pieces[i].size();
  }
  return kOk;
}

Status Output::write(const void *from, uint64_t nbytes) {
  if (nbytes == 0) return kOk;
  // The bytes are in memory, so their number fits in a size_t.
  const auto size = static_cast<size_t>(nbytes);
  if (sink_.ops->collects && nbytes > kCollected - pending_.size()) TFILE_TRY(flush());
  if (sink_.ops->collects && nbytes < kCollected) {
    TFILE_TRY(pending_.reserve(kCollected));
    TFILE_TRY(pending_.append(static_cast<const uint8_t *>(from), size));
  } else {
    TFILE_TRY(sink_.ops->write(sink_, position_, from, size));
  }
  position_ += nbytes;
  return kOk;
}

Status Output::flush() {
  if (pending_.empty()) return kOk;
  TFILE_TRY(sink_.ops->write(sink_, position_ - pending_.size(), pending_.data(), pending_.size()));
  pending_.clear();
  return kOk;
}

Status Output::write_data(const void *from, uint64_t nbytes) {
  const auto *bytes = static_cast<const char *>(from);
  while (nbytes > 0) {
    const uint64_t piece = nbytes < kPiece ? nbytes : kPiece;
    TFILE_TRY(write(bytes, piece));
    TFILE_TRY(progress_.advance(piece));
    bytes += piece;
    nbytes -= piece;
  }
  return kOk;
}

Status Output::copy(const Source &source, uint64_t offset, uint64_t nbytes) {
  const bool in_system = sink_.ops->copy != nullptr && file_of(source) != nullptr;
  Vec<char> scratch(pending_.memory());
  if (in_system) TFILE_TRY(flush());
  while (nbytes > 0) {
    uint64_t copied = nbytes < kCopied ? nbytes : kCopied;
    if (in_system) {
      TFILE_TRY(copy_file(&copied, source, offset, nbytes));
    } else {
      TFILE_TRY(scratch.resize(static_cast<size_t>(copied)));
      TFILE_TRY(read_at(source, offset, scratch.data(), copied, Text()));
      TFILE_TRY(write(scratch.data(), copied));
    }
    TFILE_TRY(progress_.advance(copied));
    offset += copied;
    nbytes -= copied;
  }
  return kOk;
}

// Lets the system copy bytes of a file.
Status Output::copy_file(uint64_t *copied, const Source &source, uint64_t offset, uint64_t nbytes) {
  if (!Checked::within(offset, nbytes, source.size)) {
    return Failure(TF_STATUS_INTERNAL).in(source.label).at(offset) << nbytes << " bytes to copy are not in the file";
  }
  TFILE_TRY(sink_.ops->copy(sink_, copied, *file_of(source), source.label, source.base + offset, nbytes));
  position_ += *copied;
  return kOk;
}

Status Output::write_zeros(uint64_t count) {
  while (count > 0) {
    const uint64_t piece = count < sizeof(kZeros) ? count : sizeof(kZeros);
    TFILE_TRY(write(kZeros, piece));
    count -= piece;
  }
  return kOk;
}

Status Output::pad_to(uint64_t alignment) {
  return write_zeros((alignment - position_ % alignment) % alignment);
}

Status Output::patch(uint64_t offset, const void *from, size_t nbytes) {
  if (!can_patch() || !Checked::within(offset, nbytes, position_)) {
    return Failure(TF_STATUS_INTERNAL).at(offset) << static_cast<uint64_t>(nbytes) << " bytes cannot be rewritten";
  }
  if (nbytes == 0) return kOk;
  return sink_.ops->patch(sink_, offset, from, nbytes);
}

}  // namespace tfile
