#include "base/buffer.h"

#include "base/checked.h"
#include "base/error.h"

void tf_buffer::release() {
  if (!refs.decrement()) return;
  if (slab) {
    const tfile::Ref<tfile::Slab> home = slab;
    this->~tf_buffer();
    return;
  }
  if (capacity > 0) deallocate(*memory, data, capacity, tfile::kDataAlignment);
  tfile::destroy_and_release(this);
}

namespace tfile {

namespace {

// Makes a Buffer without data.
Status make_empty(Ref<Buffer> &out, Memory &memory) {
  Buffer *buffer = nullptr;
  TFILE_TRY(make(&buffer, memory));
  buffer->memory = Ref<Memory>::share(&memory);
  out = Ref<Buffer>::adopt(buffer);
  return kOk;
}

}  // namespace

Status make_buffer(Ref<Buffer> &out, Memory &memory, uint64_t size) {
  if (!Checked(size).fits_memory()) {
    return Failure(TF_STATUS_OUT_OF_MEMORY) << size << " bytes do not fit in this process";
  }
  const size_t capacity = size == 0 ? 1 : static_cast<size_t>(size);
  void *data = nullptr;
  TFILE_TRY(allocate(&data, memory, capacity, kDataAlignment));
  const Status status = adopt_buffer(out, memory, data, static_cast<size_t>(size), capacity);
  if (!status.ok()) deallocate(memory, data, capacity, kDataAlignment);
  return status;
}

size_t slab_buffer_bytes(size_t size) {
  constexpr size_t kAlignment = alignof(Buffer);
  return (size + kAlignment - 1) / kAlignment * kAlignment + sizeof(Buffer);
}

Ref<Buffer> buffer_in_slab(void *storage, size_t size, Memory &memory, const Ref<Slab> &slab) {
  char *const header = static_cast<char *>(storage) + slab_buffer_bytes(size) - sizeof(Buffer);
  auto *const buffer = new (header) Buffer{};
  buffer->memory = Ref<Memory>::share(&memory);
  buffer->slab = slab;
  buffer->data = storage;
  buffer->size = size;
  return Ref<Buffer>::adopt(buffer);
}

Status adopt_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, size_t capacity) {
  TFILE_TRY(make_empty(out, memory));
  out->data = data;
  out->size = size;
  out->capacity = capacity;
  return kOk;
}

Status wrap_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, bool writable, tf_release_fn release,
                   void *user) {
  if (const Status status = make_empty(out, memory); !status.ok()) return fail_and_release(status, release, user);
  out->data = data;
  out->size = size;
  out->writable = writable;
  out->release_user = release;
  out->user = user;
  return kOk;
}

}  // namespace tfile
