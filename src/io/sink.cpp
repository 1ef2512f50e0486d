#include "io/sink.h"

#include "base/error.h"

void tf_sink::release() {
  if (refs.decrement()) tfile::destroy_and_release(this);
}

namespace tfile {

namespace {

// Data are written in pieces of this, so that a progress callback is heard in time.
constexpr uint64_t kPiece = uint64_t{16} << 20;
// Bytes that are gathered for a sink of the caller.
constexpr size_t kGathered = size_t{64} << 10;

constexpr size_t kMinCapacity = 4096;

constexpr char kZeros[4096] = {};

}  // namespace

Status make_sink(Ref<Sink> &out, Memory &memory, tf_write_fn write, const Placement &placement, tf_release_fn release,
                 void *user) {
  Sink *sink = nullptr;
  if (const Status status = make(&sink, memory); !status.ok()) return fail_and_release(status, release, user);
  sink->memory = Ref<Memory>::share(&memory);
  sink->write = write;
  sink->placement = placement;
  sink->release_user = release;
  sink->user = user;
  out = Ref<Sink>::adopt(sink);
  return kOk;
}

MemorySink::~MemorySink() {
  deallocate(memory_, data_, capacity_, kDataAlignment);
}

Status MemorySink::open(Ref<Sink> &out, uint64_t expected) {
  if (expected > 0) TFILE_TRY(grow(expected));
  return make_sink(out, memory_, write, Placement{patch, reserve, put}, nullptr, this);
}

Status MemorySink::finish(Ref<Buffer> &out) {
  if (data_ == nullptr) TFILE_TRY(grow(1));
  TFILE_TRY(adopt_buffer(out, memory_, data_, size_, capacity_));
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
  return kOk;
}

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

tf_status MemorySink::write(void *user, const void *src, size_t nbytes) {
  auto &sink = *static_cast<MemorySink *>(user);
  if (nbytes > sink.capacity_ - sink.size_) {
    const Status status = sink.grow(Checked(sink.size_) + nbytes);
    if (!status.ok()) return status.code;
  }
  if (nbytes > 0) memcpy(sink.data_ + sink.size_, src, nbytes);
  sink.size_ += nbytes;
  return TF_STATUS_OK;
}

tf_status MemorySink::patch(void *user, uint64_t offset, const void *src, size_t nbytes) {
  memcpy(static_cast<MemorySink *>(user)->data_ + offset, src, nbytes);
  return TF_STATUS_OK;
}

tf_status MemorySink::reserve(void *user, uint64_t size) {
  auto &sink = *static_cast<MemorySink *>(user);
  if (size > sink.capacity_) {
    const Status status = sink.grow(size);
    if (!status.ok()) return status.code;
  }
  sink.size_ = static_cast<size_t>(size);
  return TF_STATUS_OK;
}

tf_status MemorySink::put(void *user, uint64_t offset, const Bytes *pieces, size_t count) {
  char *to = static_cast<MemorySink *>(user)->data_ + offset;
  for (size_t i = 0; i < count; ++i) {
    if (!pieces[i].empty()) memcpy(to, pieces[i].data(), pieces[i].size());
    to += pieces[i].size();
  }
  return TF_STATUS_OK;
}

Status Output::write(const void *from, uint64_t nbytes) {
  if (nbytes == 0) return kOk;
  if (sink_.foreign && nbytes > kGathered - gathered_.size()) TFILE_TRY(flush());
  if (sink_.foreign && nbytes < kGathered) {
    TFILE_TRY(gathered_.reserve(kGathered));
    TFILE_TRY(gathered_.append(static_cast<const uint8_t *>(from), static_cast<size_t>(nbytes)));
  } else {
    TFILE_TRY(write_through(position_, from, nbytes));
  }
  position_ += nbytes;
  return kOk;
}

Status Output::flush() {
  if (gathered_.empty()) return kOk;
  TFILE_TRY(write_through(position_ - gathered_.size(), gathered_.data(), gathered_.size()));
  gathered_.clear();
  return kOk;
}

Status Output::write_through(uint64_t offset, const void *from, uint64_t nbytes) {
  // What lies in memory is no longer than a size_t tells.
  const tf_status code = sink_.write(sink_.user, from, static_cast<size_t>(nbytes));
  if (code == TF_STATUS_OK) return kOk;
  if (!sink_.foreign) return Status{code};
  return Failure(code).at(offset) << "the sink's write returned " << status_name(code) << " for " << nbytes << " bytes";
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
  return Status{sink_.placement.patch(sink_.user, offset, from, nbytes)};
}

}  // namespace tfile
