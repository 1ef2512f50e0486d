#include "file/request.h"

#include "base/error.h"
#include "io/replace.h"
#include "transfer/write_request.h"

namespace tfile {

namespace {

// What a load with the same limits would refuse is refused here, so that a default load reads what a default save wrote.
Status check_limits(const SaveRequest &request) {
  const Settings &settings = request.settings;
  const uint64_t arrays = settings.limit(TF_OPTION_MAX_ARRAYS);
  if (request.arrays.size() > arrays) {
    return Failure(TF_STATUS_LIMIT) << static_cast<uint64_t>(request.arrays.size())
                                    << " arrays are more than the limit (max_arrays) of " << arrays;
  }
  const uint64_t values = settings.limit(TF_OPTION_MAX_METADATA);
  if (request.metadata != nullptr && request.metadata->size() > values) {
    return Failure(TF_STATUS_LIMIT) << static_cast<uint64_t>(request.metadata->size())
                                    << " metadata values are more than the limit (max_metadata) of " << values;
  }
  Refusals refusals;
  const uint64_t bytes = settings.limit(TF_OPTION_MAX_NAME_BYTES);
  for (const NamedArray &named : request.arrays) {
    if (named.name.size() > bytes) refusals.add(named.name) << static_cast<uint64_t>(named.name.size()) << " bytes";
  }
  return refusals.result(TF_STATUS_LIMIT, Text(), "names longer than the limit (max_name_bytes)");
}

}  // namespace

Status require_format(const Format **out, tf_format id) {
  *out = find_format(id);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format with the number " << id << " to save in";
}

Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays) {
  Refusals refusals;
  for (const DictEntry *entry : arrays.entries) {
    if (entry->kind == TF_KIND_ARRAY) {
      TFILE_TRY(out->push(NamedArray{entry->key, entry->array}));
    } else {
      refusals.add(entry->key) << (entry->kind == TF_KIND_DICT     ? "a dict"
                                   : entry->kind == TF_KIND_STRING ? "a string"
                                                                   : "a list of strings");
    }
  }
  return refusals.result(TF_STATUS_TYPE, Text(), "only arrays can be saved");
}

Status check_request(const Format &format, const SaveRequest &request) {
  TFILE_TRY(check_limits(request));
  return format.check(request);
}

Status complete_path(Vec<char> *out, const char *path, const Format &format, const Settings &settings) {
  const Text given(path);
  const Text extension(format.extension);
  TFILE_TRY(out->append(given.data(), given.size()));
  if (!settings.on(TF_OPTION_EXACT_PATH) && !given.ends_with(extension)) {
    TFILE_TRY(out->append(extension.data(), extension.size()));
  }
  return out->push('\0');
}

Status save_to_path(const char *path, const Format &format, const SaveRequest &request, bool add_extension) {
  const Settings &settings = request.settings;
  TFILE_TRY(check_request(format, request));
  Vec<char> completed(settings.memory());
  if (add_extension) TFILE_TRY(complete_path(&completed, path, format, settings));
  const char *const target = add_extension ? completed.data() : path;
  Replacement replacement(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, target, settings.on(TF_OPTION_ATOMIC), settings.on(TF_OPTION_DURABLE)));
  TFILE_TRY(write_request(*sink, format, request));
  return replacement.commit();
}

}  // namespace tfile
