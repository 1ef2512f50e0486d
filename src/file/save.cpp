#include "file/save.h"

#include "base/require.h"
#include "file/sets/set_replacement.h"
#include "file/sets/sink_set.h"
#include "transfer/write_request.h"

namespace tfile {

namespace {

// Refuses names and ranks that a load with the same limits would refuse.
Status check_each(const Format &format, const SaveRequest &request) {
  SaveRefusals refusals(request.report);
  const Limit bytes{TF_OPTION_MAX_NAME_BYTES, request.settings.limit(TF_OPTION_MAX_NAME_BYTES)};
  const Limit rank{TF_OPTION_MAX_RANK, request.settings.limit(TF_OPTION_MAX_RANK)};
  const auto check_name = [&](Subject subject, Text name) {
    const uint64_t size = name.size();
    if (size > bytes.value) refusals.add(subject, name, Problem::kLimit) << size << " bytes are more than " << bytes;
  };
  for (const NamedArray &named : request.arrays) {
    if (!format.single_array) check_name(Subject::kArray, named.name);
    const uint64_t ndim = named.array->ndim;
    if (ndim <= rank.value) continue;
    refusals.add(Subject::kArray, named.name, Problem::kLimit) << ndim << " dimensions are more than " << rank;
  }
  for (size_t i = 0; request.metadata != nullptr && i < request.metadata->size(); ++i)
    check_name(Subject::kMetadata, request.metadata->at(i).key);
  return refusals.result(TF_STATUS_LIMIT, kLoadRefuses);
}

// Refuses what a load with the same limits would refuse, so that a default load can read what a default save writes.
Status check_limits(const Format &format, const SaveRequest &request) {
  const Settings &settings = request.settings;
  const Limit arrays{TF_OPTION_MAX_ARRAYS, settings.limit(TF_OPTION_MAX_ARRAYS)};
  if (request.arrays.size() > arrays.value) {
    TFILE_TRY(SaveRefusal(request.report, TF_STATUS_LIMIT, Problem::kLimit)
              << static_cast<uint64_t>(request.arrays.size()) << " arrays are more than " << arrays);
  }
  const Limit values{TF_OPTION_MAX_METADATA, settings.limit(TF_OPTION_MAX_METADATA)};
  if (request.metadata != nullptr && request.metadata->size() > values.value) {
    TFILE_TRY(SaveRefusal(request.report, TF_STATUS_LIMIT, Problem::kLimit)
              << static_cast<uint64_t>(request.metadata->size()) << " metadata values are more than " << values);
  }
  return check_each(format, request);
}

// Writes the parts to the sinks of a SetReplacement or a SinkSet, and commits them.
template <typename Files>
Status write_parts(Files &files, PartPlan &plan, const Format &format) {
  for (size_t part = 0; part < plan.count(); ++part) {
    const Dict *metadata = nullptr;
    Ref<Dict> made;
    Ref<Sink> sink;
    TFILE_TRY(plan.metadata(&metadata, &made, part));
    TFILE_TRY(files.begin_part(sink));
    TFILE_TRY(write_request(*sink, format, plan.part_request(part, metadata)));
    TFILE_TRY(files.end_part());
  }
  return files.commit();
}

Status save_completed(const char *path, const Format &format, const SaveRequest &request) {
  Vec<char> completed(request.settings.memory());
  TFILE_TRY(complete_path(&completed, path, format, request.settings));
  return save_to_path(completed.data(), format, request);
}

// Names the positional arrays arr_0, arr_1, ...; the arena owns the names.
Status collect_positional(Vec<NamedArray> *out, Arena *arena, Span<const Array *const> positional, const Dict *named) {
  for (size_t i = 0; i < positional.size(); ++i) {
    TFILE_TRY(require(positional[i], "an array in positional"));
    char digits[32];
    LineWriter line(digits, sizeof(digits));
    line << "arr_" << static_cast<uint64_t>(i);
    if (named != nullptr && named->find(line.text()) != nullptr) {
      return Failure(TF_STATUS_DUPLICATE).array(line.text())
             << "is the name of a positional array and of one given by name";
    }
    Text name;
    TFILE_TRY(arena->copy(&name, line.text()));
    TFILE_TRY(out->push(NamedArray{name, positional[i]}));
  }
  return kOk;
}

// Lays out the file of a request, to find out whether it is too large. That of compressed arrays is not known before.
Status lay_out(const Format &format, const SaveRequest &request) {
  if (request.compress && format.packing != nullptr) return kOk;
  Layout layout(request.settings.memory());
  return format.lay_out(layout, request);
}

// Collects the arrays of the content.
Status collect_content(Vec<NamedArray> *out, const Format &format, const Content &content) {
  if (content.array == nullptr) {
    TFILE_TRY(require(content.arrays, format.single_array ? "array" : "arrays"));
    return collect_arrays(out, *content.arrays);
  }
  if (!format.single_array) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << format.name << " takes arrays by name: array must be NULL";
  }
  if (content.arrays != nullptr) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << format.name << " holds one array: array or arrays must be NULL";
  }
  return out->push(NamedArray{Text(), content.array});
}

}  // namespace

Status require_format(const Format **out, tf_format id) {
  *out = find_format(id);
  if (*out != nullptr) return kOk;
  if (id == TF_FORMAT_BY_CONTENT) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "a file cannot be saved in the format 'content', which is for reading";
  }
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format with the number " << id << " to save in";
}

Status require_format(const Format **out, Text name) {
  *out = find_format(name);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << "the library was built without " << name;
}

Status choose_format(const Format **out, bool *by_extension, tf_format asked, const char *path,
                     const Settings &settings) {
  const tf_format id = asked != TF_FORMAT_AUTO ? asked : static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  *by_extension = false;
  if (id != TF_FORMAT_AUTO) return require_format(out, id);
  *out = path != nullptr ? format_of_path(path) : nullptr;
  *by_extension = *out != nullptr;
  if (*by_extension) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(path != nullptr ? Text(path) : Text())
         << "no format to save in is given: " << (path != nullptr ? "the extension names none, and " : "")
         << "the option (" << option_name(TF_OPTION_FORMAT) << ") is auto";
}

Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays, SaveReport *report) {
  SaveRefusals refusals(report);
  for (const DictEntry *entry : arrays.entries) {
    if (entry->kind == TF_KIND_ARRAY) {
      TFILE_TRY(out->push(NamedArray{entry->key, entry->array}));
    } else {
      refusals.add(Subject::kArray, entry->key, Problem::kKind)
          << (entry->kind == TF_KIND_DICT     ? "a dict"
              : entry->kind == TF_KIND_STRING ? "a string"
                                              : "a list of strings");
    }
  }
  return refusals.result(TF_STATUS_TYPE, "only arrays can be saved");
}

Status check_request(const Format &format, const SaveRequest &request) {
  if (format.single_array && request.arrays.size() != 1) {
    TFILE_TRY(SaveRefusal(request.report, TF_STATUS_UNSUPPORTED, Problem::kCount)
              << format.name << " holds exactly one array, but there are "
              << static_cast<uint64_t>(request.arrays.size()));
  }
  TFILE_TRY(check_limits(format, request));
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

Status save_to_path(const char *path, const Format &format, const SaveRequest &request) {
  TFILE_TRY(check_request(format, request));
  PartPlan plan(request.settings.memory());
  TFILE_TRY(plan.make(path, format, request));
  SetReplacement files(request.settings.memory());
  TFILE_TRY(files.open(plan, request.arrays));
  return write_parts(files, plan, format);
}

Status save_file(const char *path, const Dict &arrays, const Dict *metadata, const Settings &settings) {
  const Format *format = nullptr;
  bool by_extension = false;
  TFILE_TRY(choose_format(&format, &by_extension, TF_FORMAT_AUTO, path, settings));
  Vec<NamedArray> named(settings.memory());
  TFILE_TRY(collect_arrays(&named, arrays));
  const SaveRequest request{named.span(), metadata, settings.on(TF_OPTION_COMPRESS), settings};
  return by_extension ? save_to_path(path, *format, request) : save_completed(path, *format, request);
}

Status save_array(const char *path, const Array &array, const Settings &settings) {
  const Format *format = nullptr;
  TFILE_TRY(require_format(&format, "npy"));
  const NamedArray named{Text(), &array};
  return save_completed(path, *format, SaveRequest{Span(&named, 1), nullptr, false, settings});
}

Status save_dict(const char *path, Text name, const Dict &arrays, const Dict *metadata, const Settings &settings) {
  const Format *format = nullptr;
  TFILE_TRY(require_format(&format, name));
  Vec<NamedArray> named(settings.memory());
  TFILE_TRY(collect_arrays(&named, arrays));
  return save_completed(path, *format, SaveRequest{named.span(), metadata, false, settings});
}

Status save_npz(const char *path, Span<const Array *const> positional, const Dict *named, bool compress,
                const Settings &settings) {
  const Format *format = nullptr;
  TFILE_TRY(require_format(&format, "npz"));
  Arena names(settings.memory());
  Vec<NamedArray> arrays(settings.memory());
  if (named != nullptr) TFILE_TRY(collect_arrays(&arrays, *named));
  TFILE_TRY(collect_positional(&arrays, &names, positional, named));
  return save_completed(path, *format, SaveRequest{arrays.span(), nullptr, compress, settings});
}

Status save_to_sink(Sink &sink, tf_format asked, const Content &content, const Settings &settings) {
  SinkSet sinks(settings.memory());
  sinks.begin(Ref<Sink>::share(&sink));
  const Format *format = nullptr;
  bool by_extension = false;
  TFILE_TRY(choose_format(&format, &by_extension, asked, nullptr, settings));
  Vec<NamedArray> arrays(settings.memory());
  TFILE_TRY(collect_content(&arrays, *format, content));
  const SaveRequest request{arrays.span(), content.metadata, settings.on(TF_OPTION_COMPRESS), settings};
  TFILE_TRY(check_request(*format, request));
  PartPlan plan(settings.memory());
  TFILE_TRY(plan.make(sinks.base(), *format, request));
  TFILE_TRY(sinks.open(plan));
  return write_parts(sinks, plan, *format);
}

Status save_to_memory(Ref<Buffer> &out, tf_format format, const Content &content, const Settings &settings) {
  MemorySink memory(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(memory.open(sink));
  TFILE_TRY(save_to_sink(*sink, format, content, settings));
  return memory.finish(out);
}

Status check_save(Ref<Dict> &out, tf_format asked, const Dict &arrays, const Dict *metadata, const Settings &settings) {
  const Format *format = nullptr;
  bool by_extension = false;
  TFILE_TRY(choose_format(&format, &by_extension, asked, nullptr, settings));
  SaveReport report;
  TFILE_TRY(make_dict(out, settings.memory()));
  TFILE_TRY(report.open(*out));
  Vec<NamedArray> named(settings.memory());
  TFILE_TRY(collect_arrays(&named, arrays, &report));
  SaveRequest request{named.span(), metadata, settings.on(TF_OPTION_COMPRESS), settings};
  request.report = &report;
  const ErrorRecord before = error_record();
  Status status = check_request(*format, request);
  if (status.ok() && report.empty()) status = lay_out(*format, request);
  // What remains is arithmetic on sizes that exceed 2^63.
  if (status.code == TF_STATUS_UNSUPPORTED) {
    status = report.add(Subject::kFile, Text(), Problem::kSize, Text(error_record().message));
  }
  if (status.ok()) error_record() = before;
  return status;
}

}  // namespace tfile
