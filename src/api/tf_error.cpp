#include "api/arguments.h"
#include "base/error.h"

using namespace tfile;

extern "C" {

uint32_t tf_version_number(void) {
  return TENSORFILE_VERSION_MAJOR * 10000 + TENSORFILE_VERSION_MINOR * 100 + TENSORFILE_VERSION_PATCH;
}

const char *tf_version_string(void) {
  return TENSORFILE_VERSION_STRING;
}

const char *tf_status_name(tf_status status) {
  return status_name(status);
}

const char *tf_error_message(void) {
  return error_record().message;
}

uint64_t tf_error_offset(void) {
  return error_record().offset;
}

tf_status tf_error_status(void) {
  return error_record().status;
}

int64_t tf_error_system(void) {
  return error_record().system;
}

const char *tf_error_name(void) {
  return error_record().name;
}

tf_status tf_error_set(tf_status status, const char *message, size_t length) {
  Text text;
  TFILE_API_TRY(require_text(&text, message, length, "message"));
  if (status == TF_STATUS_OK) {
    const Status refused = Failure(TF_STATUS_INVALID_ARGUMENT) << "the status of an error cannot be ok";
    return refused.code;
  }
  return describe_error(status, text).code;
}

}  // extern "C"
