#include "api/arguments.h"
#include "base/buffer.h"

using namespace tfile;

extern "C" {

const void *tf_buffer_data(const tf_buffer *buffer) {
  return is_null(buffer, "buffer") ? nullptr : buffer->data;
}

size_t tf_buffer_size(const tf_buffer *buffer) {
  return is_null(buffer, "buffer") ? 0 : buffer->size;
}

tf_buffer *tf_buffer_retain(tf_buffer *buffer) {
  if (buffer != nullptr) buffer->retain();
  return buffer;
}

void tf_buffer_release(tf_buffer *buffer) {
  if (buffer != nullptr) buffer->release();
}

}  // extern "C"
