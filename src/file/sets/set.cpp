#include "file/sets/set.h"

#include <algorithm>

#include "codec/json.h"
#include "codec/json_text.h"
#include "io/file.h"
#include "io/replace.h"

namespace tfile {

namespace {

constexpr char kIndexSuffix[] = ".index.json";
constexpr char kSplitNo[] = "split.no";
constexpr char kSplitCount[] = "split.count";
constexpr char kSplitTensors[] = "split.tensors.count";

// Everything up to the last separator, which stays.
Text folder_of(Text path) {
  size_t end = path.size();
  while (end > 0 && path[end - 1] != '/' && path[end - 1] != kPathSeparator)
    --end;
  return path.first(end);
}

// Three pieces, joined and NUL-terminated.
Status join(Vec<char> *out, Text a, Text b, Text c) {
  out->clear();
  for (const Text piece : {a, b, c})
    TFILE_TRY(out->append(piece.data(), piece.size()));
  return out->push('\0');
}

// Takes what one part lists into the whole.
Status adopt_member(OpenedFile &file, const Member &member, size_t part) {
  Member copy = member;
  copy.part = static_cast<uint32_t>(part);
  TFILE_TRY(file.listing.arena.copy(&copy.name, member.name));
  TFILE_TRY(file.listing.arena.copy(&copy.reason, member.reason));
  TFILE_TRY(file.listing.arena.copy(&copy.shape, member.shape));
  return file.listing.add(*file.parts[part], file.settings, copy, kNoOffset);
}

Status new_set(Ref<OpenedFile> &out, Ref<Source> source, const Format *format, const Settings &settings) {
  OpenedFile *made = nullptr;
  TFILE_TRY(make(&made, settings.memory(), std::move(source), settings));
  out = Ref<OpenedFile>::adopt(made);
  out->format = format;
  return make_dict(out->listing.metadata, settings.memory());
}

// Opens one file of a set, whose source goes onto file.parts.
Status open_part(Ref<OpenedFile> &out, OpenedFile &file, const char *path) {
  Ref<Source> source;
  TFILE_TRY(source_from_path(source, file.settings.memory(), path));
  TFILE_TRY(open_file(out, source, file.format->id, file.settings));
  TFILE_TRY(file.parts.push(source.get()));
  (void)source.take();
  return kOk;
}

// An index in memory: which array is in which file.
class Index {
 public:
  explicit Index(Memory &memory)
      : document_(memory),
        arrays_(memory),
        files_(memory),
        array_names_(memory, array_name, this),
        file_names_(memory, file_name, this) {}

  struct Entry {
    Text name;
    size_t file;  // place in files()
    bool found;
  };

  Status read(const Source &source, const Settings &settings);
  Vec<Entry> &arrays() { return arrays_; }
  size_t file_count() const { return files_.size(); }
  Text file(size_t i) const { return files_[i]; }
  // The entry of an array, or NULL.
  Entry *find(Text name) {
    const size_t place = array_names_.find(name);
    return place == NameIndex::kNone ? nullptr : &arrays_[place];
  }

 private:
  static Text array_name(const void *self, size_t i) { return static_cast<const Index *>(self)->arrays_[i].name; }
  static Text file_name(const void *self, size_t i) { return static_cast<const Index *>(self)->files_[i]; }
  Status parse(JsonReader &json, Text label);
  Status add(JsonReader &json, Text name);

  Vec<char> document_;
  Vec<Entry> arrays_;
  Vec<Text> files_;
  NameIndex array_names_;
  NameIndex file_names_;
};

Status Index::read(const Source &source, const Settings &settings) {
  const uint64_t limit = header_limit(settings);
  if (source.size > limit) {
    return Failure(TF_STATUS_LIMIT).in(source.label)
           << "the index has " << source.size << " bytes, more than the limit (max_header_bytes) of " << limit;
  }
  TFILE_TRY(document_.resize(static_cast<size_t>(source.size)));
  TFILE_TRY(read_at(source, 0, document_.data(), source.size, Text()));
  JsonReader json(Span<char>(document_.data(), document_.size()), source.label, 0);
  return parse(json, source.label);
}

Status Index::parse(JsonReader &json, Text label) {
  bool more = false;
  bool has_map = false;
  Text key;
  TFILE_TRY(json.begin_object());
  for (;;) {
    TFILE_TRY(json.next_key(&more, &key));
    if (!more) break;
    if (key != Text("weight_map") || has_map) {
      TFILE_TRY(json.skip());
      continue;
    }
    has_map = true;
    TFILE_TRY(json.begin_object());
    for (;;) {
      TFILE_TRY(json.next_key(&more, &key));
      if (!more) break;
      TFILE_TRY(add(json, key));
    }
  }
  TFILE_TRY(json.end());
  if (has_map) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(label) << "the index has no weight_map";
}

// Reads the file name that belongs to an array's name.
Status Index::add(JsonReader &json, Text name) {
  Text file;
  json.about_array(name);
  const size_t value = json.position();
  TFILE_TRY(json.string(&file));
  const auto has = [file](char c) { return !file.empty() && memchr(file.data(), c, file.size()) != nullptr; };
  if (file.empty() || file == Text(".") || file == Text("..") || has('/') || has('\\') || has(':') || has('\0')) {
    return json.fail(value).quoted(file) << " is not the name of a file in the folder of the index";
  }
  size_t place = NameIndex::kNone;
  TFILE_TRY(files_.push(file));
  TFILE_TRY(file_names_.add(&place, file));
  if (place == NameIndex::kNone) {
    place = files_.size() - 1;
  } else {
    files_.pop();
  }
  size_t twin = NameIndex::kNone;
  TFILE_TRY(arrays_.push(Entry{name, place, false}));
  TFILE_TRY(array_names_.add(&twin, name));
  if (twin == NameIndex::kNone) return kOk;
  // A key is decoded where it stands, behind its quote.
  const auto position = static_cast<size_t>(name.data() - document_.data()) - 1;
  return json.fail(position, TF_STATUS_DUPLICATE) << "the name stands twice in the index";
}

// Takes the arrays that the index expects of one shard; others are left out.
Status adopt_shard(OpenedFile &file, Index &index, size_t file_place, const OpenedFile &shard, size_t part) {
  for (const Member &member : shard.listing.members) {
    Index::Entry *const entry = index.find(member.name);
    if (entry == nullptr || entry->file != file_place) continue;
    entry->found = true;
    TFILE_TRY(adopt_member(file, member, part));
  }
  for (const DictEntry *value : shard.listing.metadata->entries) {
    if (file.listing.metadata->find(value->key) == nullptr) {
      TFILE_TRY(file.listing.metadata->set_value(value->key, *value));
    }
  }
  return kOk;
}

}  // namespace

bool is_index_path(Text path) {
  return path.ends_with(kIndexSuffix);
}

Status open_index(Ref<OpenedFile> &out, const Ref<Source> &source, const Settings &settings) {
  const Format *const format = find_format(SetKind::kIndex);
  if (format == nullptr) return Failure(TF_STATUS_UNSUPPORTED).in(source->label) << "safetensors are not built in";
  Index index(settings.memory());
  TFILE_TRY(index.read(*source, settings));
  Ref<OpenedFile> file;
  TFILE_TRY(new_set(file, source, format, settings));
  Vec<size_t> order(settings.memory());
  for (size_t i = 0; i < index.file_count(); ++i)
    TFILE_TRY(order.push(i));
  std::sort(order.begin(), order.end(),
            [&index](size_t a, size_t b) { return compare(index.file(a), index.file(b)) < 0; });
  Vec<char> path(settings.memory());
  for (size_t part = 0; part < order.size(); ++part) {
    Ref<OpenedFile> shard;
    TFILE_TRY(join(&path, folder_of(source->label), index.file(order[part]), Text()));
    TFILE_TRY(open_part(shard, *file, path.data()));
    TFILE_TRY(adopt_shard(*file, index, order[part], *shard, part));
  }
  for (const Index::Entry &entry : index.arrays()) {
    if (entry.found) continue;
    return Failure(TF_STATUS_CORRUPT).in(source->label).array(entry.name).quoted(index.file(entry.file))
           << ", where the index says that it is, does not have it";
  }
  out = std::move(file);
  return kOk;
}

namespace {

// PREFIX-00001-of-00003.gguf, taken apart.
struct SplitName {
  Text prefix;
  uint64_t no = 0;  // from 1
  uint64_t count = 0;

  bool parse(Text path) {
    constexpr size_t kTail = sizeof("-00001-of-00003.gguf") - 1;
    if (path.size() < kTail) return false;
    const Text tail(path.from(path.size() - kTail));
    prefix = path.first(path.size() - kTail);
    return tail[0] == '-' && digits(tail.from(1), &no) && Text(tail.from(6)).starts_with("-of-") &&
           digits(tail.from(10), &count) && Text(tail.from(15)) == Text(".gguf");
  }

 private:
  static bool digits(Text text, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < 5; ++i) {
      if (text[i] < '0' || text[i] > '9') return false;
      *number = *number * 10 + static_cast<uint64_t>(text[i] - '0');
    }
    return true;
  }
};

// PREFIX-00001-of-00003 and a suffix.
Status part_path(Vec<char> *out, Text prefix, uint64_t no, uint64_t count, Text suffix) {
  char middle[] = "-00000-of-00000";
  for (size_t i = 0; i < 5; ++i) {
    middle[5 - i] = static_cast<char>('0' + no % 10);
    middle[14 - i] = static_cast<char>('0' + count % 10);
    no /= 10;
    count /= 10;
  }
  return join(out, prefix, middle, suffix);
}

// The value of an integer key; -1: there is none.
int64_t split_value(const Dict &metadata, Text key) {
  const DictEntry *const entry = metadata.find(key);
  int64_t value = -1;
  if (entry == nullptr || entry->kind != TF_KIND_ARRAY || entry->array->ndim != 0) return -1;
  return item_int64(&value, *entry->array, {}).ok() ? value : -1;
}

Status expect_split_value(const OpenedFile &part, Text key, uint64_t expected, const char *from) {
  const int64_t found = split_value(*part.listing.metadata, key);
  if (found >= 0 && static_cast<uint64_t>(found) == expected) return kOk;
  Failure failure(TF_STATUS_CORRUPT);
  failure.in(part.source->label).key(key) << "expected " << expected << ", as " << from << " says, found ";
  if (found < 0) return failure << "none";
  return failure << found;
}

Status adopt_split(OpenedFile &file, const OpenedFile &part, const SplitName &name, uint64_t no, uint64_t total) {
  TFILE_TRY(expect_split_value(part, kSplitNo, no - 1, "its name"));
  TFILE_TRY(expect_split_value(part, kSplitCount, name.count, "its name"));
  TFILE_TRY(expect_split_value(part, kSplitTensors, total, "the part that was named"));
  for (const Member &member : part.listing.members)
    TFILE_TRY(adopt_member(file, member, static_cast<size_t>(no - 1)));
  if (no > 1) return kOk;
  for (const DictEntry *value : part.listing.metadata->entries) {
    const bool split =
        value->key == Text(kSplitNo) || value->key == Text(kSplitCount) || value->key == Text(kSplitTensors);
    if (!split) TFILE_TRY(file.listing.metadata->set_value(value->key, *value));
  }
  return kOk;
}

}  // namespace

Status open_split(Ref<OpenedFile> &file) {
  const Dict &metadata = *file->listing.metadata;
  if (file->format->sets != SetKind::kSplit || metadata.find(kSplitCount) == nullptr) return kOk;
  SplitName name;
  if (!name.parse(file->source->label) || name.no == 0 || name.no > name.count) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitCount)
           << "the file is a part of several, but its name does not end in -NNNNN-of-NNNNN.gguf";
  }
  const int64_t total = split_value(metadata, kSplitTensors);
  if (total < 0) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitTensors)
           << "a part of several files should say how many arrays they have together";
  }
  Ref<OpenedFile> set;
  TFILE_TRY(new_set(set, file->source, file->format, file->settings));
  Vec<char> path(set->settings.memory());
  for (uint64_t no = 1; no <= name.count; ++no) {
    Ref<OpenedFile> part;
    TFILE_TRY(part_path(&path, name.prefix, no, name.count, ".gguf"));
    TFILE_TRY(open_part(part, *set, path.data()));
    TFILE_TRY(adopt_split(*set, *part, name, no, static_cast<uint64_t>(total)));
  }
  if (set->listing.members.size() != static_cast<uint64_t>(total)) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitTensors)
           << "the parts should have " << total << " arrays together, and have "
           << static_cast<uint64_t>(set->listing.members.size());
  }
  file = std::move(set);
  return kOk;
}

namespace {

// Where each part of a save begins: an array that would exceed the limit begins the next part.
Status cut(Vec<size_t> *starts, Span<const NamedArray> arrays, uint64_t limit) {
  uint64_t filled = 0;
  TFILE_TRY(starts->push(0));
  for (size_t i = 0; i < arrays.size(); ++i) {
    const uint64_t nbytes = arrays[i].array->nbytes;
    if (filled > 0 && (filled >= limit || nbytes > limit - filled)) {
      TFILE_TRY(starts->push(i));
      filled = 0;
    }
    filled += nbytes;
  }
  return starts->push(arrays.size());
}

Status set_integer(Dict &dict, Text key, tf_dtype dtype, uint64_t value) {
  Ref<Array> scalar;
  TFILE_TRY(make_array(scalar, *dict.memory, *find_dtype(dtype), {}));
  if (dtype == TF_DTYPE_UINT16) {
    const auto narrow = static_cast<uint16_t>(value);
    memcpy(scalar->data, &narrow, sizeof(narrow));
  } else {
    const auto wide = static_cast<int32_t>(value);
    memcpy(scalar->data, &wide, sizeof(wide));
  }
  return dict.set_array(key, *scalar);
}

// What a part of a gguf says of itself: the first has all metadata, the others what is needed to read them.
Status split_metadata(Ref<Dict> &out, const SaveRequest &request, size_t no, size_t count) {
  TFILE_TRY(make_dict(out, request.settings.memory()));
  if (request.metadata != nullptr) {
    for (const DictEntry *entry : request.metadata->entries) {
      if (no == 0 || entry->key == Text("general.alignment")) TFILE_TRY(out->set_value(entry->key, *entry));
    }
  }
  TFILE_TRY(set_integer(*out, kSplitNo, TF_DTYPE_UINT16, no));
  TFILE_TRY(set_integer(*out, kSplitCount, TF_DTYPE_UINT16, count));
  return set_integer(*out, kSplitTensors, TF_DTYPE_INT32, request.arrays.size());
}

}  // namespace

Status SetPlan::make(const char *path, const Format &format, const SaveRequest &request) {
  format_ = &format;
  request_ = &request;
  TFILE_TRY(whole_.append(path, strlen(path) + 1));
  if (format.sets == SetKind::kNone || request.settings.get(TF_OPTION_PART_BYTES) == 0) {
    TFILE_TRY(starts_.push(0));
    return starts_.push(request.arrays.size());
  }
  TFILE_TRY(cut(&starts_, request.arrays, request.settings.limit(TF_OPTION_PART_BYTES)));
  if (count() <= format.max_parts) return kOk;
  return Failure(TF_STATUS_LIMIT).in(Text(path))
         << "would have " << static_cast<uint64_t>(count()) << " parts, and the format can count " << format.max_parts;
}

Text SetPlan::prefix() const {
  const Text whole(whole_.data());
  const Text extension(format_->extension);
  return whole.first(whole.size() - (whole.ends_with(extension) ? extension.size() : 0));
}

Status SetPlan::path(Vec<char> *out, size_t part) const {
  if (count() == 1) return join(out, Text(whole_.data()), Text(), Text());
  return part_path(out, prefix(), part + 1, count(), format_->extension);
}

Status SetPlan::metadata(const Dict **out, Ref<Dict> *made, size_t part) const {
  *out = request_->metadata;
  if (count() == 1 || format_->sets != SetKind::kSplit) return kOk;
  TFILE_TRY(split_metadata(*made, *request_, part, count()));
  *out = made->get();
  return kOk;
}

// As Python's json.dumps(indent=2, sort_keys=True) writes it, which is how such files look everywhere.
Status SetPlan::make_index(Vec<char> *text) const {
  struct Row {
    Text name;
    size_t part;
  };
  Vec<Row> rows(request_->settings.memory());
  uint64_t total = 0;
  for (size_t part = 0; part < count(); ++part) {
    for (const NamedArray &named : arrays(part)) {
      TFILE_TRY(rows.push(Row{named.name, part}));
      total += named.array->nbytes;
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) { return compare(a.name, b.name) < 0; });
  const Text file_prefix(prefix().from(folder_of(prefix()).size()));
  JsonText json(text);
  Vec<char> file(request_->settings.memory());
  TFILE_TRY(json.put("{\n  \"metadata\": {\n    \"total_size\": "));
  TFILE_TRY(json.number(total));
  TFILE_TRY(json.put("\n  },\n  \"weight_map\": {"));
  for (size_t i = 0; i < rows.size(); ++i) {
    TFILE_TRY(json.put(i == 0 ? "\n    " : ",\n    "));
    TFILE_TRY(json.string(rows[i].name));
    TFILE_TRY(json.put(": "));
    TFILE_TRY(part_path(&file, file_prefix, rows[i].part + 1, count(), format_->extension));
    TFILE_TRY(json.string(Text(file.data(), file.size() - 1)));
  }
  return json.put("\n  }\n}\n");
}

Status SetPlan::save_index() const {
  if (count() == 1 || format_->sets != SetKind::kIndex) return kOk;
  const Settings &settings = request_->settings;
  Vec<char> path(settings.memory());
  TFILE_TRY(join(&path, prefix(), format_->extension, kIndexSuffix));
  Vec<char> text(settings.memory());
  TFILE_TRY(make_index(&text));
  Replacement replacement(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, path.data(), settings.on(TF_OPTION_ATOMIC), settings.on(TF_OPTION_DURABLE)));
  Output output(*sink, settings, 0);
  TFILE_TRY(output.write(text.data(), text.size()));
  TFILE_TRY(output.flush());
  return replacement.commit();
}

Status save_whole_or_parts(const char *path, const Format &format, const SaveRequest &request, bool add_extension) {
  SetPlan plan(request.settings.memory());
  TFILE_TRY(plan.make(path, format, request));
  if (plan.count() == 1) return save_to_path(path, format, request, add_extension);
  // All of it, so that what cannot be held is told before the first part is written.
  TFILE_TRY(format.check(request));
  for (size_t part = 0; part < plan.count(); ++part) {
    Vec<char> file(request.settings.memory());
    const Dict *metadata = nullptr;
    Ref<Dict> made;
    TFILE_TRY(plan.path(&file, part));
    TFILE_TRY(plan.metadata(&metadata, &made, part));
    TFILE_TRY(
        save_to_path(file.data(), format, SaveRequest{plan.arrays(part), metadata, false, request.settings}, false));
  }
  return plan.save_index();
}

}  // namespace tfile
