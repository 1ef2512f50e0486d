#include "core/array.h"

#include "api/arguments.h"
#include "base/error.h"
#include "core/foreign.h"
#include "core/slice.h"
#include "quant/cast.h"

namespace tfile {

namespace {

Memory &memory_of(const Array &array) {
  return without_budget(*array.memory);
}

Status make_handle(tf_array **out, const Form &form, Memory &memory) {
  Ref<Array> array;
  TFILE_TRY(make_array(array, memory, *form.dtype, form.shape));
  *out = array.take();
  return kOk;
}

Status cast_handle(tf_array **out, const Array &array, tf_dtype id, const Options *options) {
  const Dtype *const dtype = find_dtype(id);
  if (dtype == nullptr) return Failure(TF_STATUS_UNSUPPORTED) << "there is no dtype " << id << " to cast to";
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  Ref<Array> made;
  if (dtype == array.dtype) {
    TFILE_TRY(contiguous(made, settings.memory(), array));
  } else {
    TFILE_TRY(cast(made, array, *dtype, settings));
  }
  *out = made.take();
  return kOk;
}

// Whether nobody else sees what is written: neither through another array nor through this one.
bool is_sole(const Array &array) {
  return is_exclusive(array) && array.refs.unique();
}

Status make_mut(tf_array **array) {
  TFILE_TRY(require(array, "array"));
  TFILE_TRY(require(*array, "*array"));
  if (is_sole(**array)) return kOk;
  Ref<Array> fresh;
  TFILE_TRY(copy(fresh, memory_of(**array), **array));
  (*array)->release();
  *array = fresh.take();
  return kOk;
}

Status data_mut(void **data, const Array *array) {
  TFILE_TRY(require_out(data, "data"));
  TFILE_TRY(require(array, "array"));
  if (!is_exclusive(*array)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "the memory of the array is " << (array->buffer->writable ? "shared with another array" : "read-only");
  }
  *data = array->data;
  return kOk;
}

Status copy_from(tf_array **out, const Form &form, const void *src, size_t nbytes) {
  Span<const char> bytes;
  TFILE_TRY(require_span(&bytes, static_cast<const char *>(src), nbytes, "src"));
  if (nbytes != form.nbytes) {
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "shape ").shape(form.shape)
           << " of " << form.dtype->name << " needs " << form.nbytes << " bytes, there are "
           << static_cast<uint64_t>(nbytes);
  }
  TFILE_TRY(make_handle(out, form, default_memory()));
  if (nbytes > 0) memcpy((*out)->data, src, nbytes);
  return kOk;
}

}  // namespace

}  // namespace tfile

using tfile::Ref;
using tfile::Span;

extern "C" {

tf_status tf_array_new(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim) {
  return tf_array_new_with(out, dtype, shape, ndim, nullptr);
}

tf_status tf_array_new_with(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                            const tf_options *options) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  tfile::Settings settings;
  TFILE_API_TRY(tfile::settings_of(settings, options));
  TFILE_API_TRY(tfile::make_handle(out, form, settings.memory()));
  memset((*out)->data, 0, static_cast<size_t>(form.nbytes));
  return TF_STATUS_OK;
}

tf_status tf_array_copy_from(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim, const void *src,
                             size_t nbytes) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  return tfile::copy_from(out, form, src, nbytes).code;
}

tf_status tf_array_wrap(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim, const int64_t *strides,
                        void *data, size_t nbytes, int32_t writable, tf_release_fn release, void *user) {
  tfile::PendingRelease pending(release, user);
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  return tfile::wrap(out, form, strides, {data, nbytes, writable != 0}, pending, user).code;
}

tf_array *tf_array_retain(tf_array *array) {
  if (array != nullptr) array->retain();
  return array;
}

void tf_array_release(tf_array *array) {
  if (array != nullptr) array->release();
}

tf_dtype tf_array_dtype(const tf_array *array) {
  return tfile::is_null(array, "array") ? int32_t{TF_DTYPE_UNSUPPORTED} : array->dtype->id;
}

size_t tf_array_ndim(const tf_array *array) {
  return tfile::is_null(array, "array") ? 0 : array->ndim;
}

const int64_t *tf_array_shape(const tf_array *array) {
  return tfile::is_null(array, "array") ? nullptr : array->shape().data();
}

const int64_t *tf_array_strides(const tf_array *array) {
  if (tfile::is_null(array, "array")) return nullptr;
  return array->dtype->addressable() ? array->strides().data() : nullptr;
}

int64_t tf_array_size(const tf_array *array) {
  return tfile::is_null(array, "array") ? 0 : array->size;
}

uint64_t tf_array_nbytes(const tf_array *array) {
  return tfile::is_null(array, "array") ? 0 : array->nbytes;
}

const void *tf_array_data(const tf_array *array) {
  return tfile::is_null(array, "array") ? nullptr : array->data;
}

tf_status tf_array_data_mut(void **data, tf_array *array) {
  return tfile::data_mut(data, array).code;
}

tf_status tf_array_make_mut(tf_array **array) {
  return tfile::make_mut(array).code;
}

int32_t tf_array_is_contiguous(const tf_array *array) {
  return !tfile::is_null(array, "array") && tfile::is_contiguous(*array) ? 1 : 0;
}

tf_status tf_array_item_int64(int64_t *value, const tf_array *array, const int64_t *index, size_t ndim) {
  TFILE_API_TRY(tfile::require(value, "value"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Span<const int64_t> places;
  TFILE_API_TRY(tfile::require_span(&places, index, ndim, "index"));
  return tfile::item_int64(value, *array, places).code;
}

tf_status tf_array_item_double(double *value, const tf_array *array, const int64_t *index, size_t ndim) {
  TFILE_API_TRY(tfile::require(value, "value"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Span<const int64_t> places;
  TFILE_API_TRY(tfile::require_span(&places, index, ndim, "index"));
  return tfile::item_double(value, *array, places).code;
}

tf_status tf_array_contiguous(tf_array **out, const tf_array *array) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Ref<tf_array> made;
  TFILE_API_TRY(tfile::contiguous(made, tfile::memory_of(*array), *array));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_transpose(tf_array **out, const tf_array *array, const size_t *axes, size_t naxes) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Span<const size_t> order;
  TFILE_API_TRY(tfile::require_span(&order, axes, naxes, "axes"));
  Ref<tf_array> made;
  TFILE_API_TRY(tfile::transpose(made, tfile::memory_of(*array), *array, order.data(), order.size()));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_slice(tf_array **out, const tf_array *array, const int64_t *start, const int64_t *stop,
                         const int64_t *step, size_t ndim) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  tfile::SliceAxis axes[tfile::kMaxRank];
  TFILE_API_TRY(tfile::resolve_slice(axes, array->shape(), start, stop, step, ndim));
  Ref<tf_array> made;
  TFILE_API_TRY(tfile::slice(made, tfile::memory_of(*array), *array, axes));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_cast(tf_array **out, const tf_array *array, tf_dtype dtype, const tf_options *options) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  return tfile::cast_handle(out, *array, dtype, options).code;
}

tf_status tf_array_equal(int32_t *equal, const tf_array *a, const tf_array *b) {
  TFILE_API_TRY(tfile::require(equal, "equal"));
  TFILE_API_TRY(tfile::require(a, "a"));
  TFILE_API_TRY(tfile::require(b, "b"));
  *equal = tfile::equal(*a, *b) ? 1 : 0;
  return TF_STATUS_OK;
}

}  // extern "C"
