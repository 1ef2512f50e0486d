#include "file/sets/safetensors_index.h"

#include <algorithm>

#include "codec/json.h"
#include "codec/json_text.h"
#include "file/sets/opened_set.h"
#include "file/sets/part_name.h"

namespace tfile {

namespace {

// An index in memory.
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
    size_t file;  // index into the files
    bool found;
  };

  Status read(const Source &source, const Settings &settings);
  Vec<Entry> &arrays() { return arrays_; }
  size_t file_count() const { return files_.size(); }
  Text file(size_t i) const { return files_[i]; }
  // The entry of an array, or NULL.
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
           << "the index has " << source.size << " bytes, more than the limit (max_header_bytes) of " << limit;
  }
  TFILE_TRY(document_.resize(static_cast<size_t>(source.size)));
  TFILE_TRY(read_at(source, 0, document_.data(), source.size, Text()));
  JsonReader json(Span<char>(document_.data(), document_.size()), source.label, 0);
  return parse(json, source.label);
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

bool is_plain_name(Text file) {
  const auto has = [file](char c) { return memchr(file.data(), c, file.size()) != nullptr; };
  if (file.empty() || file == Text(".") || file == Text("..")) return false;
  return !has('/') && !has('\\') && !has(':') && !has('\0');
}

// Reads the file name that follows an array's name.
Status ShardIndex::add(JsonReader &json, Text name) {
  Text file;
  json.about_array(name);
  const size_t value = json.position();
  TFILE_TRY(json.string(&file));
  if (!is_plain_name(file)) {
    return json.fail(value).quoted(file) << " is not the name of a file in the folder of the index";
  }
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
  // The reader decodes a key in place, so the quote that begins it is one byte before it.
  const auto position = static_cast<size_t>(name.data() - document_.data()) - 1;
  return json.fail(position, TF_STATUS_DUPLICATE) << "the name is in the index twice";
}

// Adds the arrays that the index expects in one file; others are left out.
Status adopt_shard(OpenedFile &set, ShardIndex &index, size_t file, const OpenedFile &shard, size_t part) {
  for (const Member &member : shard.listing.members) {
    ShardIndex::Entry *const entry = index.find(member.name);
    if (entry == nullptr || entry->file != file) continue;
    entry->found = true;
    TFILE_TRY(adopt_member(set, member, part));
  }
  for (const DictEntry *value : shard.listing.metadata->entries) {
    if (set.listing.metadata->find(value->key) == nullptr) {
      TFILE_TRY(set.listing.metadata->set_value(value->key, *value));
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
  ShardIndex index(settings.memory());
  TFILE_TRY(index.read(*source, settings));
  Ref<OpenedFile> set;
  TFILE_TRY(make_opened_set(set, source, *format, settings));
  Vec<size_t> order(settings.memory());
  for (size_t i = 0; i < index.file_count(); ++i)
    TFILE_TRY(order.push(i));
  std::sort(order.begin(), order.end(),
            [&index](size_t a, size_t b) { return compare(index.file(a), index.file(b)) < 0; });
  Vec<char> path(settings.memory());
  for (size_t part = 0; part < order.size(); ++part) {
    Ref<OpenedFile> shard;
    TFILE_TRY(join(&path, folder_of(source->label), index.file(order[part]), Text()));
    TFILE_TRY(open_part(shard, *set, path.data()));
    TFILE_TRY(adopt_shard(*set, index, order[part], *shard, part));
  }
  for (const ShardIndex::Entry &entry : index.arrays()) {
    if (entry.found) continue;
    Failure failure(TF_STATUS_CORRUPT);
    failure.in(source->label).array(entry.name) << "the index says that it is in the file ";
    failure.quoted(index.file(entry.file)) << ", which does not have it";
    return failure;
  }
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
