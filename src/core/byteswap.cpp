#include "base/endian.h"
#include "core/dtype.h"

namespace tfile {

namespace {

template <typename T>
void reverse(unsigned char *data, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    T value;
    memcpy(&value, data + i * sizeof(T), sizeof(T));
    value = byteswap(value);
    memcpy(data + i * sizeof(T), &value, sizeof(T));
  }
}

void reverse(unsigned char *data, size_t count, uint8_t width) {
  switch (width) {
    case 2:
      return reverse<uint16_t>(data, count);
    case 4:
      return reverse<uint32_t>(data, count);
    case 8:
      return reverse<uint64_t>(data, count);
    default:
      return;
  }
}

}  // namespace

bool can_swap(const Dtype &dtype) {
  return dtype.swapped.defined;
}

bool swap_bytes(const Dtype &dtype, void *data, size_t nbytes) {
  auto *const bytes = static_cast<unsigned char *>(data);
  if (!dtype.is_block()) {
    reverse(bytes, nbytes / dtype.scalar, dtype.scalar);
    return true;
  }
  if (!dtype.swapped.defined) return false;
  for (size_t start = 0; nbytes - start >= dtype.block_bytes; start += dtype.block_bytes) {
    for (const BlockField &field : dtype.swapped.fields)
      reverse(bytes + start + field.offset, field.count, field.width);
  }
  return true;
}

}  // namespace tfile
