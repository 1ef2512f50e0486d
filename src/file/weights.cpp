#include "file/weights.h"

#include "core/tree.h"
#include "file/load.h"
#include "file/load_mlx.h"
#include "file/save.h"

namespace tfile {

namespace {

bool holds_weights(const Format *format) {
  return format != nullptr && !format->single_array;
}

// Checks the number of parts of a name, because a tree has one level of nesting for each part.
Status check_nesting(Text file, Text name, const Settings &settings) {
  const uint64_t limit = settings.limit(TF_OPTION_MAX_NESTING);
  uint64_t parts = 1;
  for (const char c : name)
    parts += c == '.' ? 1 : 0;
  if (parts <= limit) return kOk;
  return Failure(TF_STATUS_LIMIT).in(file).array(name)
         << "a name of " << parts << " parts is more than " << Limit{TF_OPTION_MAX_NESTING, limit};
}

// Returns the array with a name, or NULL.
const Array *find_array(const Dict &flat, Text name) {
  const DictEntry *const entry = flat.find(name);
  return entry != nullptr && entry->kind == TF_KIND_ARRAY ? entry->array : nullptr;
}

// Prints the differences between two flat dicts of arrays:
//   1 missing ('a'), 2 unexpected ('b', 'c'), 1 of another shape ('d' expected (3,), found (1,))
class Differences {
 public:
  Differences(Failure &failure, const Dict &report, const Dict &expected, const Dict &found)
      : failure_(failure), report_(report), expected_(expected), found_(found) {}

  void print(Text key, const char *title) {
    constexpr size_t kShown = 8;
    const StringList &names = *report_.find(key)->list;
    if (names.size() == 0) return;
    failure_ << separator_ << static_cast<uint64_t>(names.size()) << " " << title << " (";
    for (size_t i = 0; i < names.size() && i < kShown; ++i)
      print_name(i, names.at(i), key == Text("shape"));
    if (names.size() > kShown) failure_ << ", and " << static_cast<uint64_t>(names.size() - kShown) << " more";
    failure_ << ")";
    separator_ = ", ";
    if (first_.data() == nullptr) first_ = names.at(0);
  }
  // Returns the first name that was printed.
  Text first() const { return first_; }

 private:
  void print_name(size_t i, Text name, bool with_shapes) {
    failure_ << (i > 0 ? (with_shapes ? "; " : ", ") : "");
    failure_.quoted(name);
    if (!with_shapes) return;
    failure_ << " expected ";
    failure_.shape(find_array(expected_, name)->shape()) << ", found ";
    failure_.shape(find_array(found_, name)->shape());
  }

  Failure &failure_;
  const Dict &report_;
  const Dict &expected_;
  const Dict &found_;
  const char *separator_ = "";
  Text first_;
};

bool is_empty(const Dict &report) {
  for (const DictEntry *entry : report.entries) {
    if (entry->list->size() > 0) return false;
  }
  return true;
}

// Compares the arrays that the file lists with `expected`, which is a flat dict.
Status check_strictly(const Dict &expected, const OpenedFile &file, Span<const size_t> indices) {
  Memory &memory = file.settings.memory();
  Ref<Dict> listed;
  TFILE_TRY(make_dict(listed, memory));
  TFILE_TRY(list_members(*listed, file, indices));
  Ref<Dict> report;
  TFILE_TRY(compare_trees(report, memory, expected, *listed));
  if (is_empty(*report)) return kOk;
  Failure failure(TF_STATUS_MISMATCH);
  failure.in(file.source->label) << "the weights are not the expected ones: ";
  Differences differences(failure, *report, expected, *listed);
  differences.print("missing", "missing");
  differences.print("unexpected", "unexpected");
  differences.print("shape", "of another shape");
  failure.about(differences.first());
  return failure;
}

// Sets *out if `expected` contains an array that is made from this member.
Status has_expected(bool *out, const Dict &expected, const OpenedFile &file, size_t index) {
  Ref<Dict> listed;
  TFILE_TRY(make_dict(listed, file.settings.memory()));
  TFILE_TRY(list_members(*listed, file, Span<const size_t>(&index, 1)));
  for (const DictEntry *entry : listed->entries)
    *out |= find_array(expected, entry->key) != nullptr;
  return kOk;
}

// Removes the indices of members from which no array in `expected` is made. `expected` is a flat dict.
Status keep_expected(Vec<size_t> *indices, const Dict &expected, const OpenedFile &file) {
  size_t kept = 0;
  for (const size_t index : *indices) {
    const Member &member = file.listing.members[index];
    bool wanted = find_array(expected, member.name) != nullptr;
    if (!wanted && loads_for_mlx(file, member)) TFILE_TRY(has_expected(&wanted, expected, file, index));
    if (wanted) (*indices)[kept++] = index;
  }
  indices->truncate(kept);
  return kOk;
}

// Makes a copy of the flat dict `expected` in which each array is replaced by the loaded one of the same name, if there
// is one.
Status take_expected(Ref<Dict> &out, const Dict &expected, const Dict &loaded, Memory &memory) {
  TFILE_TRY(make_dict(out, memory));
  for (const DictEntry *entry : expected.entries) {
    if (entry->kind != TF_KIND_ARRAY) continue;
    const Array *const found = find_array(loaded, entry->key);
    TFILE_TRY(out->set_array(entry->key, found != nullptr ? *const_cast<Array *>(found) : *entry->array));
  }
  return kOk;
}

}  // namespace

Status load_weights(Ref<Dict> &tree, const OpenedFile &file, const Dict *expected) {
  const Settings &settings = file.settings;
  Memory &memory = settings.memory();
  const Text label = file.source->label;
  if (!holds_weights(file.format)) {
    return Failure(TF_STATUS_FORMAT).in(label)
           << "weights are in npz, safetensors or gguf; this is " << file.format->name;
  }
  Vec<size_t> indices(memory);
  for (size_t i = 0; i < file.listing.members.size(); ++i) {
    TFILE_TRY(check_nesting(label, file.listing.members[i].name, settings));
    TFILE_TRY(indices.push(i));
  }
  Ref<Dict> flat;
  const bool strict = settings.on(TF_OPTION_STRICT);
  if (expected != nullptr) {
    TFILE_TRY(flatten(flat, memory, *expected));
    TFILE_TRY(strict ? check_strictly(*flat, file, indices.span()) : keep_expected(&indices, *flat, file));
  }
  Ref<Dict> loaded;
  TFILE_TRY(make_dict(loaded, memory));
  TFILE_TRY(load_members(*loaded, file, indices.span()));
  if (expected != nullptr && !strict) TFILE_TRY(take_expected(loaded, *flat, *Ref<Dict>(loaded), memory));
  return unflatten(tree, memory, *loaded);
}

Status save_weights(const char *path, const Dict &tree, const Settings &settings) {
  const Format *format = format_of_path(path);
  const bool named = format != nullptr;
  const auto asked = static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  if (!named && asked != TF_FORMAT_AUTO) TFILE_TRY(require_format(&format, asked));
  if (!holds_weights(format)) {
    return Failure(TF_STATUS_FORMAT).in(path)
           << "weights are saved as .npz, .safetensors or .gguf, and the extension names none of them";
  }
  Ref<Dict> flat;
  TFILE_TRY(flatten(flat, settings.memory(), tree));
  Vec<NamedArray> arrays(settings.memory());
  TFILE_TRY(collect_arrays(&arrays, *flat));
  for (const NamedArray &array : arrays)
    TFILE_TRY(check_nesting(path, array.name, settings));
  Vec<char> completed(settings.memory());
  if (!named) TFILE_TRY(complete_path(&completed, path, *format, settings));
  const SaveRequest request{arrays.span(), nullptr, settings.on(TF_OPTION_COMPRESS), settings};
  return save_to_path(named ? path : completed.data(), *format, request);
}

}  // namespace tfile
