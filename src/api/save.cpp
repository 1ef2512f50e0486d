#include "api/save.h"

#include "api/api.h"
#include "api/set.h"
#include "io/replace.h"

namespace tfile {

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

Status check_request(const Format &format, const SaveRequest &request) {
  TFILE_TRY(check_limits(request));
  return format.check(request);
}

Status write_to_sink(Sink &sink, const Format &format, const SaveRequest &request) {
  uint64_t total = 0;
  for (const NamedArray &named : request.arrays)
    total += named.array->nbytes;
  Output output(sink, request.settings, total);
  return format.write(output, request);
}

Status require_format(const Format **out, tf_format id) {
  *out = find_format(id);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format with the number " << id << " to save in";
}

// The path to save to, in storage.
Status complete_path(const char **out, Vec<char> *storage, const char *path, Text extension) {
  const Text given(path);
  *out = path;
  if (given.ends_with(extension)) return kOk;
  TFILE_TRY(storage->append(given.data(), given.size()));
  TFILE_TRY(storage->append(extension.data(), extension.size()));
  TFILE_TRY(storage->push('\0'));
  *out = storage->data();
  return kOk;
}

// args become arr_0, arr_1, ... behind kwargs; their names live in the arena.
Status collect_positional(Vec<NamedArray> *out, Arena *arena, const tf_array *const *args, size_t nargs,
                          const Dict *kwargs) {
  if (nargs > 0) TFILE_TRY(require(args, "args"));
  for (size_t i = 0; i < nargs; ++i) {
    TFILE_TRY(require(args[i], "an array in args"));
    char digits[32];
    LineWriter line(digits, sizeof(digits));
    line << "arr_" << static_cast<uint64_t>(i);
    if (kwargs != nullptr && kwargs->find(line.text()) != nullptr) {
      return Failure(TF_STATUS_DUPLICATE).array(line.text())
             << "is the name of a positional array and of one given by name";
    }
    Text name;
    TFILE_TRY(arena->copy(&name, line.text()));
    TFILE_TRY(out->push(NamedArray{name, args[i]}));
  }
  return kOk;
}

Status savez(const char *path, const tf_array *const *args, size_t nargs, const Dict *kwargs, bool compress,
             const tf_options *options) {
  TFILE_TRY(require(path, "path"));
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_TRY(require_format(&format, TF_FORMAT_NPZ));
  Arena names(settings.memory());
  Vec<NamedArray> arrays(settings.memory());
  if (kwargs != nullptr) TFILE_TRY(collect_arrays(&arrays, *kwargs));
  TFILE_TRY(collect_positional(&arrays, &names, args, nargs, kwargs));
  return save_to_path(path, *format, SaveRequest{arrays.span(), nullptr, compress, settings}, true);
}

Status save_dict(const char *path, tf_format id, const Dict *arrays, const Dict *metadata, const tf_options *options) {
  TFILE_TRY(require(path, "path"));
  TFILE_TRY(require(arrays, "arrays"));
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_TRY(require_format(&format, id));
  Vec<NamedArray> named(settings.memory());
  TFILE_TRY(collect_arrays(&named, *arrays));
  return save_whole_or_parts(path, *format, SaveRequest{named.span(), metadata, false, settings}, true);
}

// What tf_save_memory and tf_save_sink are given, checked and made a request.
class AnyFormat {
 public:
  AnyFormat(const Settings &settings, Memory &memory) : settings_(settings), arrays_(memory) {}

  Status prepare(tf_format id, const Array *array, const Dict *arrays, const Dict *metadata) {
    TFILE_TRY(require_format(&format_, id));
    if (id == TF_FORMAT_NPY) {
      TFILE_TRY(require(array, "array"));
      if (arrays != nullptr) return Failure(TF_STATUS_INVALID_ARGUMENT) << "npy holds one array: arrays must be NULL";
      TFILE_TRY(arrays_.push(NamedArray{Text(), array}));
    } else {
      TFILE_TRY(require(arrays, "arrays"));
      if (array != nullptr) {
        return Failure(TF_STATUS_INVALID_ARGUMENT) << format_->name << " takes arrays by name: array must be NULL";
      }
      TFILE_TRY(collect_arrays(&arrays_, *arrays));
    }
    if (metadata != nullptr && !format_->has_metadata) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << format_->name << " has no metadata: it must be NULL";
    }
    metadata_ = metadata;
    return check_request(*format_, request());
  }
  Status write(Sink &sink) const { return write_to_sink(sink, *format_, request()); }

 private:
  SaveRequest request() const {
    return SaveRequest{arrays_.span(), metadata_, settings_.on(TF_OPTION_COMPRESS), settings_};
  }

  const Settings &settings_;
  Vec<NamedArray> arrays_;
  const Dict *metadata_ = nullptr;
  const Format *format_ = nullptr;
};

Status save_memory(Ref<Buffer> &out, tf_format format, const Array *array, const Dict *arrays, const Dict *metadata,
                   const Settings &settings) {
  AnyFormat any(settings, settings.memory());
  TFILE_TRY(any.prepare(format, array, arrays, metadata));
  MemorySink memory(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(memory.open(sink));
  TFILE_TRY(any.write(*sink));
  return memory.finish(out);
}

}  // namespace

Status save_whole_or_parts(const char *path, const Format &format, const SaveRequest &request, bool add_extension) {
  const bool has_parts = format.id == TF_FORMAT_SAFETENSORS || format.id == TF_FORMAT_GGUF;
  if (has_parts && request.settings.get(TF_OPTION_PART_BYTES) > 0) return save_in_parts(path, format, request);
  return save_to_path(path, format, request, add_extension);
}

Status save_to_path(const char *path, const Format &format, const SaveRequest &request, bool add_extension) {
  const Settings &settings = request.settings;
  TFILE_TRY(check_request(format, request));
  Vec<char> storage(settings.memory());
  const char *target = path;
  if (add_extension && !settings.on(TF_OPTION_EXACT_PATH)) {
    TFILE_TRY(complete_path(&target, &storage, path, format.extension));
  }
  Replacement replacement(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, target, settings.on(TF_OPTION_ATOMIC), settings.on(TF_OPTION_DURABLE)));
  TFILE_TRY(write_to_sink(*sink, format, request));
  return replacement.commit();
}

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_save(const char *path, const tf_array *array, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(array, "array"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_API_TRY(require_format(&format, TF_FORMAT_NPY));
  const NamedArray named{Text(), array};
  return save_to_path(path, *format, SaveRequest{Span(&named, 1), nullptr, false, settings}, true).code;
}

tf_status tf_savez(const char *path, const tf_array *const *args, size_t nargs, const tf_dict *kwargs,
                   const tf_options *options) {
  return savez(path, args, nargs, kwargs, false, options).code;
}

tf_status tf_savez_compressed(const char *path, const tf_array *const *args, size_t nargs, const tf_dict *kwargs,
                              const tf_options *options) {
  return savez(path, args, nargs, kwargs, true, options).code;
}

tf_status tf_save_safetensors(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                              const tf_options *options) {
  return save_dict(path, TF_FORMAT_SAFETENSORS, arrays, metadata, options).code;
}

tf_status tf_save_gguf(const char *path, const tf_dict *arrays, const tf_dict *metadata, const tf_options *options) {
  return save_dict(path, TF_FORMAT_GGUF, arrays, metadata, options).code;
}

tf_status tf_save_memory(tf_buffer **out, tf_format format, const tf_array *array, const tf_dict *arrays,
                         const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Buffer> buffer;
  TFILE_API_TRY(save_memory(buffer, format, array, arrays, metadata, settings));
  *out = buffer.take();
  return TF_STATUS_OK;
}

tf_status tf_save_sink(tf_sink *sink, tf_format format, const tf_array *array, const tf_dict *arrays,
                       const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require(sink, "sink"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  AnyFormat any(settings, settings.memory());
  TFILE_API_TRY(any.prepare(format, array, arrays, metadata));
  return any.write(*sink).code;
}

}  // extern "C"
