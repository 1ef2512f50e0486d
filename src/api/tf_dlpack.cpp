#include "api/arguments.h"
#include "core/dlpack.h"

using namespace tfile;

extern "C" {

tf_status tf_array_to_dlpack(struct DLManagedTensorVersioned **out, tf_array *array) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  return to_dlpack(out, *array).code;
}

tf_status tf_array_to_dlpack_unversioned(struct DLManagedTensor **out, tf_array *array) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  return to_dlpack(out, *array).code;
}

tf_status tf_array_from_dlpack(tf_array **out, struct DLManagedTensorVersioned *tensor) {
  if (const Status status = require_out(out, "out"); !status.ok()) return delete_tensor(tensor), status.code;
  TFILE_API_TRY(require(tensor, "tensor"));
  Ref<Array> made;
  TFILE_API_TRY(from_dlpack(made, tensor));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_from_dlpack_unversioned(tf_array **out, struct DLManagedTensor *tensor) {
  if (const Status status = require_out(out, "out"); !status.ok()) return delete_tensor(tensor), status.code;
  TFILE_API_TRY(require(tensor, "tensor"));
  Ref<Array> made;
  TFILE_API_TRY(from_dlpack(made, tensor));
  *out = made.take();
  return TF_STATUS_OK;
}

}  // extern "C"
