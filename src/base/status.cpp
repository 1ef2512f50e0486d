#include "base/status.h"

namespace tfile {

bool is_fault(Status status) {
  switch (status.code) {
    case TF_STATUS_FORMAT:
    case TF_STATUS_CORRUPT:
    case TF_STATUS_TRUNCATED:
    case TF_STATUS_UNSUPPORTED:
    case TF_STATUS_LIMIT:
    case TF_STATUS_DUPLICATE:
      return true;
    default:
      return false;
  }
}

const char *status_name(tf_status status) {
  switch (status) {
    case TF_STATUS_OK:
      return "ok";
    case TF_STATUS_INVALID_ARGUMENT:
      return "invalid_argument";
    case TF_STATUS_OUT_OF_MEMORY:
      return "out_of_memory";
    case TF_STATUS_IO:
      return "io";
    case TF_STATUS_NOT_FOUND:
      return "not_found";
    case TF_STATUS_DUPLICATE:
      return "duplicate";
    case TF_STATUS_FORMAT:
      return "format";
    case TF_STATUS_CORRUPT:
      return "corrupt";
    case TF_STATUS_TRUNCATED:
      return "truncated";
    case TF_STATUS_UNSUPPORTED:
      return "unsupported";
    case TF_STATUS_LIMIT:
      return "limit";
    case TF_STATUS_TYPE:
      return "type";
    case TF_STATUS_MISMATCH:
      return "mismatch";
    case TF_STATUS_CANCELLED:
      return "cancelled";
    case TF_STATUS_INTERNAL:
      return "internal";
    default:
      return "unknown";
  }
}

}  // namespace tfile
