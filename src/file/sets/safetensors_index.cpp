#include "file/sets/safetensors_index.h"

#include <algorithm>

#include "codec/json.h"
#include "codec/json_text.h"
#include "file/sets/opened_set.h"
#include "file/sets/part_name.h"

namespace tfile {

namespace {

// A parsed index.
class ShardIndex {
 public:
  explicit ShardIndex(Memory &memory)
      : document_(memory),
        arrays_(memory),
        files_(memory),
        array_names_(memory, array_name, this),
        file_names_(memory, file_name, this) {}

  struct Entry {
    Text name;
    size_t file;  // index of the file that contains the array
    bool found;
  };

  Status read(const Source &source, const Settings &settings);
  Vec<Entry> &arrays() { return arrays_; }
  size_t file_count() const { return files_.size(); }
  Text file(size_t i) const { return files_[i]; }
  // Returns the entry of an array, or NULL.
  Entry *find(Text name) {
    const size_t index = array_names_.find(name);
    return index == NameIndex::kNone ? nullptr : &arrays_[index];
  }

 private:
  static Text array_name(const void *self, size_t i) { return static_cast<const ShardIndex *>(self)->arrays_[i].name; }
  static Text file_name(const void *self, size_t i) { return static_cast<const ShardIndex *>(self)->files_[i]; }
  Status parse(JsonReader &json, Text label);
  Status parse_weight_map(JsonReader &json);
  Status add(JsonReader &json, Text name);

  Vec<char> document_;
  Vec<Entry> arrays_;
  Vec<Text> files_;
  NameIndex array_names_;
  NameIndex file_names_;
};

Status ShardIndex::read(const Source &source, const Settings &settings) {
  const uint64_t limit = header_limit(settings);
  if (source.size > limit) {
    return Failure(TF_STATUS_LIMIT).in(source.label)
           << "the index has " << source.size << " bytes, more than " << Limit{TF_OPTION_MAX_HEADER_BYTES, limit};
  }
  TFILE_TRY(document_.resize(static_cast<size_t>(source.size)));
  TFILE_TRY(read_at(source, 0, document_.data(), source.size, Text()));
  JsonReader json(Span<char>(document_.data(), document_.size()), source.label, 0);
  const Status parsed = parse(json, source.label);
  return parsed.code == TF_STATUS_CORRUPT ? explain_content(parsed, source, "an index of safetensors", nullptr)
                                          : parsed;
}

Status ShardIndex::parse(JsonReader &json, Text label) {
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
    TFILE_TRY(parse_weight_map(json));
  }
  TFILE_TRY(json.end());
  if (has_map) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(label) << "the index has no weight_map";
}

Status ShardIndex::parse_weight_map(JsonReader &json) {
  bool more = false;
  Text key;
  TFILE_TRY(json.begin_object());
  for (;;) {
    TFILE_TRY(json.next_key(&more, &key));
    if (!more) return kOk;
    TFILE_TRY(add(json, key));
  }
}

// Returns the part of a path from `start` to the next separator.
Text part_at(Text path, size_t start) {
  size_t end = start;
  while (end < path.size() && path[end] != '/')
    ++end;
  return path.from(start).first(end - start);
}

// True if a relative path cannot lead out of its folder on any system, except through symbolic links, which the user
// created deliberately.
bool is_below(Text path) {
  for (const char c : {'\\', ':', '\0'}) {
    if (!path.empty() && memchr(path.data(), c, path.size()) != nullptr) return false;
  }
  if (path.starts_with("/")) return false;
  Text last;
  for (size_t start = 0; start <= path.size(); start += last.size() + 1) {
    last = part_at(path, start);
    if (last == Text("..")) return false;
  }
  return !last.empty() && !(last == Text("."));
}

// Removes "." and repeated separators from a path for which is_below() is true, so that each file has only one name.
Text normalize(char *path, size_t size) {
  size_t end = 0;
  for (size_t start = 0; start < size;) {
    const Text part = part_at(Text(path, size), start);
    const size_t next = start + part.size() + 1;
    if (!part.empty() && !(part == Text("."))) {
      if (end > 0) path[end++] = '/';
      memmove(path + end, part.data(), part.size());
      end += part.size();
    }
    start = next;
  }
  return Text(path, end);
}

// Reads the file name after an array's name and adds the entry.
Status ShardIndex::add(JsonReader &json, Text name) {
  Text file;
  json.about_array(name);
  const size_t value = json.position();
  TFILE_TRY(json.string(&file));
  if (!is_below(file))
    return json.fail(value).quoted(file) << " is not the path of a file below the folder of the index";
  // The reader decodes strings in place, so the text points into the document.
  file = normalize(document_.data() + (file.data() - document_.data()), file.size());
  size_t index = NameIndex::kNone;
  TFILE_TRY(files_.push(file));
  TFILE_TRY(file_names_.add(&index, file));
  if (index == NameIndex::kNone) {
    index = files_.size() - 1;
  } else {
    files_.pop();
  }
  size_t twin = NameIndex::kNone;
  TFILE_TRY(arrays_.push(Entry{name, index, false}));
  TFILE_TRY(array_names_.add(&twin, name));
  if (twin == NameIndex::kNone) return kOk;
  // The reader decodes a key in place, so its opening quote is the byte before the decoded text.
  const auto position = static_cast<size_t>(name.data() - document_.data()) - 1;
  return json.fail(position, TF_STATUS_DUPLICATE) << "the name is in the index twice";
}

// Opens the next file of an index. If the settings collect the fault that prevents this, its arrays are not missed.
Status open_shard(Ref<OpenedFile> &shard, OpenedFile &set, ShardIndex &index, size_t file) {
  Vec<char> path(set.settings.memory());
  TFILE_TRY(join(&path, folder_of(set.source->label), index.file(file), Text()));
  TFILE_TRY(open_part(shard, set, path));
  if (shard) return kOk;
  for (ShardIndex::Entry &entry : index.arrays())
    entry.found = entry.found || entry.file == file;
  return kOk;
}

// Adds the arrays that the index lists for one file. Arrays that it does not list are only counted.
Status adopt_shard(OpenedFile &set, ShardIndex &index, size_t file, const OpenedFile &shard, uint64_t *left_out) {
  for (const Member &member : shard.listing.members) {
    ShardIndex::Entry *const entry = index.find(member.name);
    if (entry == nullptr || entry->file != file) {
      ++*left_out;
      continue;
    }
    entry->found = true;
    TFILE_TRY(adopt_member(set, member));
  }
  return adopt_metadata(set, shard);
}

// Fails if the index lists an array that its file does not have.
Status check_found(const OpenedFile &set, ShardIndex &index, Text label) {
  for (const ShardIndex::Entry &entry : index.arrays()) {
    if (entry.found) continue;
    Failure failure(TF_STATUS_CORRUPT);
    failure.in(label).array(entry.name) << "the index says that it is in the file ";
    failure.quoted(index.file(entry.file)) << ", which does not have it";
    TFILE_TRY(set.settings.collect(failure));
  }
  return kOk;
}

Status note_left_out(Listing &listing, uint64_t count) {
  if (count == 0) return kOk;
  char buffer[128];
  LineWriter line(buffer, sizeof(buffer));
  line << "the index leaves out " << count << (count == 1 ? " array" : " arrays") << " of its files";
  return listing.note(line.text());
}

}  // namespace

bool is_index_path(Text path) {
  constexpr Text kBeforeVariant = ".safetensors.index.";
  constexpr Text kEnd = ".json";
  const Text name = name_of(path);
  if (name.ends_with(kIndexSuffix)) return true;
  if (!name.ends_with(kEnd)) return false;
  const Text stem(name.first(name.size() - kEnd.size()));
  for (size_t i = 0; i + kBeforeVariant.size() < stem.size(); ++i) {
    if (Text(stem.from(i)).starts_with(kBeforeVariant)) return true;
  }
  return false;
}

Status open_index(Ref<OpenedFile> &out, const Ref<Source> &source, const Settings &settings, Source *beside) {
  const Format *const format = find_format(SetKind::kIndex);
  if (format == nullptr) return Failure(TF_STATUS_UNSUPPORTED).in(source->label) << "safetensors are not built in";
  ShardIndex index(settings.memory());
  TFILE_TRY(index.read(*source, settings));
  Ref<OpenedFile> set;
  TFILE_TRY(make_opened_set(set, beside != nullptr ? Ref<Source>::share(beside) : source, *format, settings));
  Vec<size_t> order(settings.memory());
  for (size_t i = 0; i < index.file_count(); ++i)
    TFILE_TRY(order.push(i));
  std::sort(order.begin(), order.end(),
            [&index](size_t a, size_t b) { return compare(index.file(a), index.file(b)) < 0; });
  uint64_t left_out = 0;
  for (const size_t file : order) {
    Ref<OpenedFile> shard;
    TFILE_TRY(open_shard(shard, *set, index, file));
    if (shard) TFILE_TRY(adopt_shard(*set, index, file, *shard, &left_out));
  }
  TFILE_TRY(check_not_replaced(*source, settings.memory()));
  TFILE_TRY(check_none_replaced(*set));
  TFILE_TRY(check_found(*set, index, source->label));
  TFILE_TRY(note_left_out(set->listing, left_out));
  out = std::move(set);
  return kOk;
}

Status read_index_files(Vec<Text> *out, Arena &arena, const Source &source, const Settings &settings) {
  ShardIndex index(settings.memory());
  TFILE_TRY(index.read(source, settings));
  for (size_t i = 0; i < index.file_count(); ++i) {
    Text name;
    TFILE_TRY(arena.copy(&name, index.file(i)));
    TFILE_TRY(out->push(name));
  }
  return kOk;
}

Status make_index(Vec<char> *text, const PartPlan &plan) {
  struct Row {
    Text name;
    size_t part;
  };
  Memory &memory = plan.settings().memory();
  Vec<Row> rows(memory);
  uint64_t total = 0;
  for (size_t part = 0; part < plan.count(); ++part) {
    for (const NamedArray &named : plan.arrays(part)) {
      TFILE_TRY(rows.push(Row{named.name, part}));
      total += named.array->nbytes;
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) { return compare(a.name, b.name) < 0; });
  JsonText json(text);
  Vec<char> file(memory);
  TFILE_TRY(json.put("{\n  \"metadata\": {\n    \"total_size\": "));
  TFILE_TRY(json.number(total));
  TFILE_TRY(json.put("\n  },\n  \"weight_map\": {"));
  for (size_t i = 0; i < rows.size(); ++i) {
    TFILE_TRY(json.put(i == 0 ? "\n    " : ",\n    "));
    TFILE_TRY(json.string(rows[i].name));
    TFILE_TRY(json.put(": "));
    TFILE_TRY(plan.part_path(&file, rows[i].part));
    TFILE_TRY(json.string(name_of(Text(file.data(), file.size() - 1))));
  }
  return json.put("\n  }\n}\n");
}

}  // namespace tfile
