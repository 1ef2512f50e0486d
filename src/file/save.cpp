#include "api/arguments.h"
#include "file/request.h"
#include "file/sets/set.h"
#include "transfer/write_request.h"

namespace tfile {

namespace {

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
    if (format_->single_array) {
      TFILE_TRY(require(array, "array"));
      if (arrays != nullptr) {
        return Failure(TF_STATUS_INVALID_ARGUMENT) << format_->name << " holds one array: arrays must be NULL";
      }
      TFILE_TRY(arrays_.push(NamedArray{Text(), array}));
    } else {
      TFILE_TRY(require(arrays, "arrays"));
      if (array != nullptr) {
        return Failure(TF_STATUS_INVALID_ARGUMENT) << format_->name << " takes arrays by name: array must be NULL";
      }
      TFILE_TRY(collect_arrays(&arrays_, *arrays));
    }
    if (metadata != nullptr && !format_->has_metadata()) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << format_->name << " has no metadata: it must be NULL";
    }
    metadata_ = metadata;
    return check_request(*format_, request());
  }
  Status write(Sink &sink) const { return write_request(sink, *format_, request()); }

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
