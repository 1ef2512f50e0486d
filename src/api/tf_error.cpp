#include "base/error.h"

#include "api/arguments.h"

extern "C" {

uint32_t tf_version_number(void) {
  return TENSORFILE_VERSION_MAJOR * 10000 + TENSORFILE_VERSION_MINOR * 100 + TENSORFILE_VERSION_PATCH;
}

const char *tf_version_string(void) {
  return TENSORFILE_VERSION_STRING;
}

const char *tf_status_name(tf_status status) {
  return tfile::status_name(status);
}

const char *tf_error_message(void) {
  return tfile::error_record().message;
}

uint64_t tf_error_offset(void) {
  return tfile::error_record().offset;
}

const char *tf_error_name(void) {
  return tfile::error_record().name;
}

}  // extern "C"
