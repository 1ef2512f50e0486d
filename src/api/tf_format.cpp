#include "api/arguments.h"
#include "format/format.h"

using namespace tfile;

extern "C" {

const char *tf_format_name(tf_format format) {
  return format_name(format);
}

const char *tf_format_extension(tf_format format) {
  const Format *found = find_format(format);
  return found != nullptr ? found->extension : "";
}

int64_t tf_format_ability(tf_format format, tf_ability ability) {
  const Format *found = find_format(format);
  return found != nullptr ? ability_of(*found, ability) : 0;
}

tf_format tf_format_at(size_t index) {
  const Format *found = format_at(index);
  return found != nullptr ? found->id : TF_FORMAT_AUTO;
}

tf_format tf_format_from_path(const char *path) {
  if (is_null(path, "path")) return TF_FORMAT_AUTO;
  const Format *found = format_of_path(path);
  return found != nullptr ? found->id : TF_FORMAT_AUTO;
}

tf_format tf_format_probe(const void *head, size_t nbytes) {
  if (nbytes > 0 && is_null(head, "head")) return TF_FORMAT_AUTO;
  const Format *found = probe_format(Bytes(static_cast<const uint8_t *>(head), nbytes));
  return found != nullptr ? found->id : TF_FORMAT_AUTO;
}

}  // extern "C"
