#include "api/arguments.h"
#include "core/tree.h"
#include "file/open.h"
#include "file/sets/set.h"

namespace tfile {

namespace {

bool holds_weights(const Format *format) {
  return format != nullptr && !format->single_array;
}

// A tree has as many dicts one in another as a name has parts.
Status check_nesting(Text file, Text name, const Settings &settings) {
  const uint64_t limit = settings.limit(TF_OPTION_MAX_NESTING);
  uint64_t parts = 1;
  for (const char c : name)
    parts += c == '.' ? 1 : 0;
  if (parts <= limit) return kOk;
  return Failure(TF_STATUS_LIMIT).in(file).array(name)
         << "a name of " << parts << " parts is more than the limit (max_nesting) of " << limit;
}

// The names of one list of a comparison, into the message: "2 missing ('a', 'b')".
void tell(Failure &failure, const Dict &report, Text key, const char **separator) {
  constexpr size_t kShown = 8;
  const StringList &names = *report.find(key)->list;
  if (names.size() == 0) return;
  failure << *separator << static_cast<uint64_t>(names.size()) << " " << key << " (";
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    failure << (i > 0 ? ", " : "");
    failure.quoted(names.at(i));
  }
  if (names.size() > kShown) failure << ", and " << static_cast<uint64_t>(names.size() - kShown) << " more";
  failure << ")";
  *separator = ", ";
}

Status check_strictly(const Dict &expected, const Dict &loaded, Text file, Memory &memory) {
  Ref<Dict> report;
  TFILE_TRY(compare_trees(report, memory, expected, loaded));
  Text first;
  for (const Text key : {Text("missing"), Text("unexpected"), Text("shape")}) {
    const StringList &names = *report->find(key)->list;
    if (first.data() == nullptr && names.size() > 0) first = names.at(0);
  }
  if (first.data() == nullptr) return kOk;
  Failure failure(TF_STATUS_MISMATCH);
  failure.in(file) << "the weights are not the expected ones: ";
  const char *separator = "";
  tell(failure, *report, "missing", &separator);
  tell(failure, *report, "unexpected", &separator);
  tell(failure, *report, "shape", &separator);
  failure.about(first);
  return failure;
}

// expected's names, each with the loaded array where there is one.
Status take_known(Ref<Dict> &out, const Dict &expected, const Dict &loaded, Memory &memory) {
  Ref<Dict> flat;
  TFILE_TRY(flatten(flat, memory, expected));
  TFILE_TRY(make_dict(out, memory));
  for (const DictEntry *entry : flat->entries) {
    if (entry->kind != TF_KIND_ARRAY) continue;
    const DictEntry *found = loaded.find(entry->key);
    TFILE_TRY(out->set_array(entry->key, found != nullptr ? *found->array : *entry->array));
  }
  return kOk;
}

Status load_weights(Ref<Dict> &tree, const char *path, const Dict *expected, const Settings &settings) {
  Ref<OpenedFile> file;
  TFILE_TRY(open_path(file, path, settings));
  if (!holds_weights(file->format)) {
    return Failure(TF_STATUS_FORMAT).in(path)
           << "weights are in npz, safetensors or gguf; this is " << file->format->name;
  }
  for (const Member &member : file->listing.members)
    TFILE_TRY(check_nesting(path, member.name, settings));
  tf_dict *arrays = nullptr;
  TFILE_TRY(load_file(nullptr, &arrays, nullptr, *file));
  Ref<Dict> loaded = Ref<Dict>::adopt(arrays);
  Memory &memory = settings.memory();
  if (expected != nullptr && settings.on(TF_OPTION_STRICT)) {
    TFILE_TRY(check_strictly(*expected, *loaded, path, memory));
  } else if (expected != nullptr) {
    TFILE_TRY(take_known(loaded, *expected, *Ref<Dict>(loaded), memory));
  }
  return unflatten(tree, memory, *loaded);
}

Status save_weights(const char *path, const Dict &tree, const Settings &settings) {
  const Format *format = format_of_path(path);
  const bool named = format != nullptr;
  if (!named) format = find_format(static_cast<tf_format>(settings.get(TF_OPTION_FORMAT)));
  if (!holds_weights(format)) {
    return Failure(TF_STATUS_FORMAT).in(path)
           << "weights are saved as .npz, .safetensors or .gguf, and the extension names none of them";
  }
  Ref<Dict> flat;
  TFILE_TRY(flatten(flat, settings.memory(), tree));
  Vec<NamedArray> arrays(settings.memory());
  TFILE_TRY(collect_arrays(&arrays, *flat));
  for (const NamedArray &named : arrays)
    TFILE_TRY(check_nesting(path, named.name, settings));
  const SaveRequest request{arrays.span(), nullptr, settings.on(TF_OPTION_COMPRESS), settings};
  return save_whole_or_parts(path, *format, request, !named);
}

}  // namespace

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_load_weights(tf_dict **tree, const char *path, const tf_dict *expected, const tf_options *options) {
  TFILE_API_TRY(require_out(tree, "tree"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> loaded;
  TFILE_API_TRY(load_weights(loaded, path, expected, settings));
  *tree = loaded.take();
  return TF_STATUS_OK;
}

tf_status tf_save_weights(const char *path, const tf_dict *tree, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(tree, "tree"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_weights(path, *tree, settings).code;
}

}  // extern "C"
