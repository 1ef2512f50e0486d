#include "api/arguments.h"
#include "base/options.h"
#include "core/array.h"
#include "core/foreign.h"
#include "core/slice.h"
#include "quant/cast.h"
#include "quant/cast_weighted.h"

using namespace tfile;

extern "C" {

tf_status tf_array_new(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim) {
  return tf_array_new_with(out, dtype, shape, ndim, nullptr);
}

tf_status tf_array_new_with(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                            const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Array> made;
  TFILE_API_TRY(make_zeros(made, settings.memory(), form));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_copy_from(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim, const void *src,
                             size_t nbytes) {
  TFILE_API_TRY(require_out(out, "out"));
  Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  if (nbytes > 0) TFILE_API_TRY(require(src, "src"));
  Ref<Array> made;
  TFILE_API_TRY(copy_from(made, default_memory(), form, src, nbytes));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_wrap(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim, const int64_t *strides,
                        void *data, size_t nbytes, int32_t writable, tf_release_fn release, void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require_out(out, "out"));
  Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  Ref<Array> made;
  TFILE_API_TRY(wrap(made, form, strides, {data, nbytes, writable != 0}, pending));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_array *tf_array_retain(tf_array *array) {
  if (array != nullptr) array->retain();
  return array;
}

void tf_array_release(tf_array *array) {
  if (array != nullptr) array->release();
}

tf_dtype tf_array_dtype(const tf_array *array) {
  return is_null(array, "array") ? int32_t{TF_DTYPE_UNSUPPORTED} : array->dtype->id;
}

size_t tf_array_ndim(const tf_array *array) {
  return is_null(array, "array") ? 0 : array->ndim;
}

const int64_t *tf_array_shape(const tf_array *array) {
  return is_null(array, "array") ? nullptr : array->shape().data();
}

const int64_t *tf_array_strides(const tf_array *array) {
  if (is_null(array, "array")) return nullptr;
  return array->dtype->addressable() ? array->strides().data() : nullptr;
}

int64_t tf_array_size(const tf_array *array) {
  return is_null(array, "array") ? 0 : array->size;
}

uint64_t tf_array_nbytes(const tf_array *array) {
  return is_null(array, "array") ? 0 : array->nbytes;
}

const void *tf_array_data(const tf_array *array) {
  return is_null(array, "array") ? nullptr : array->data;
}

tf_status tf_array_data_mut(void **data, tf_array *array) {
  TFILE_API_TRY(require_out(data, "data"));
  TFILE_API_TRY(require(array, "array"));
  return writable_data(data, *array).code;
}

tf_status tf_array_make_mut(tf_array **array) {
  TFILE_API_TRY(require(array, "array"));
  TFILE_API_TRY(require(*array, "*array"));
  Ref<Array> exclusive;
  TFILE_API_TRY(make_exclusive(exclusive, **array));
  (*array)->release();
  *array = exclusive.take();
  return TF_STATUS_OK;
}

int32_t tf_array_is_contiguous(const tf_array *array) {
  return !is_null(array, "array") && is_contiguous(*array) ? 1 : 0;
}

tf_status tf_array_item_int64(int64_t *value, const tf_array *array, const int64_t *index, size_t ndim) {
  TFILE_API_TRY(require(value, "value"));
  TFILE_API_TRY(require(array, "array"));
  Span<const int64_t> indices;
  TFILE_API_TRY(require_span(&indices, index, ndim, "index"));
  return item_int64(value, *array, indices).code;
}

tf_status tf_array_item_double(double *value, const tf_array *array, const int64_t *index, size_t ndim) {
  TFILE_API_TRY(require(value, "value"));
  TFILE_API_TRY(require(array, "array"));
  Span<const int64_t> indices;
  TFILE_API_TRY(require_span(&indices, index, ndim, "index"));
  return item_double(value, *array, indices).code;
}

tf_status tf_array_set_item_int64(tf_array *array, const int64_t *index, size_t ndim, int64_t value) {
  TFILE_API_TRY(require(array, "array"));
  Span<const int64_t> indices;
  TFILE_API_TRY(require_span(&indices, index, ndim, "index"));
  return set_item_int64(*array, indices, value).code;
}

tf_status tf_array_set_item_double(tf_array *array, const int64_t *index, size_t ndim, double value) {
  TFILE_API_TRY(require(array, "array"));
  Span<const int64_t> indices;
  TFILE_API_TRY(require_span(&indices, index, ndim, "index"));
  return set_item_double(*array, indices, value).code;
}

tf_status tf_array_copy_to(const tf_array *array, tf_dtype dtype, void *dst, const int64_t *strides, size_t nbytes) {
  TFILE_API_TRY(require(array, "array"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, nullptr));
  return copy_to(dst, nbytes, strides, dtype, *array, settings).code;
}

tf_status tf_array_contiguous(tf_array **out, const tf_array *array) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  Ref<Array> made;
  TFILE_API_TRY(contiguous(made, without_budget(*array->memory), *array));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_reshape(tf_array **out, const tf_array *array, const int64_t *shape, size_t ndim) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  Span<const int64_t> sizes;
  TFILE_API_TRY(require_span(&sizes, shape, ndim, "shape"));
  Ref<Array> made;
  TFILE_API_TRY(reshape(made, without_budget(*array->memory), *array, sizes));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_transpose(tf_array **out, const tf_array *array, const size_t *axes, size_t naxes) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  Span<const size_t> order;
  TFILE_API_TRY(require_span(&order, axes, naxes, "axes"));
  Ref<Array> made;
  TFILE_API_TRY(transpose(made, without_budget(*array->memory), *array, order.data(), order.size()));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_slice(tf_array **out, const tf_array *array, const int64_t *start, const int64_t *stop,
                         const int64_t *step, size_t ndim) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  SliceAxis axes[kMaxRank];
  TFILE_API_TRY(resolve_slice(axes, array->shape(), start, stop, step, ndim));
  Ref<Array> made;
  TFILE_API_TRY(slice(made, without_budget(*array->memory), *array, axes));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_cast(tf_array **out, const tf_array *array, tf_dtype dtype, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Array> made;
  TFILE_API_TRY(cast(made, *array, dtype, settings));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_cast_weighted(tf_array **out, const tf_array *array, tf_dtype dtype, const tf_array *weights,
                                 const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  TFILE_API_TRY(require(weights, "weights"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Array> made;
  TFILE_API_TRY(cast_weighted(made, *array, dtype, *weights, settings));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_equal(int32_t *equal, const tf_array *a, const tf_array *b) {
  TFILE_API_TRY(require(equal, "equal"));
  TFILE_API_TRY(require(a, "a"));
  TFILE_API_TRY(require(b, "b"));
  *equal = tfile::equal(*a, *b) ? 1 : 0;
  return TF_STATUS_OK;
}

}  // extern "C"
