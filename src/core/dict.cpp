#include "core/dict.h"

#include "base/error.h"
#include "base/utf8.h"
#include "core/dict_set.h"

namespace tfile {

Text StringList::at(size_t i) const {
  const size_t start = i == 0 ? 0 : ends[i - 1] + 1;
  return Text(bytes.data() + start, ends[i] - start);
}

Status StringList::append(Text text) {
  const size_t start = bytes.size();
  Status status = bytes.append(text.data(), text.size());
  if (status.ok()) status = bytes.push('\0');
  if (status.ok()) status = ends.push(bytes.size() - 1);
  if (!status.ok()) bytes.truncate(start);
  return status;
}

Status StringList::append(const StringList &other) {
  const size_t start = bytes.size();
  const size_t first = ends.size();
  TFILE_TRY(ends.reserve(first + other.size()));
  TFILE_TRY(bytes.append(other.bytes.data(), other.bytes.size()));
  TFILE_TRY(ends.append(other.ends.data(), other.ends.size()));
  for (size_t i = first; i < ends.size(); ++i)
    ends[i] += start;
  return kOk;
}

namespace {

// Returns the name of a kind for messages.
const char *kind_name(tf_kind kind) {
  switch (kind) {
    case TF_KIND_ARRAY:
      return "an array";
    case TF_KIND_STRING:
      return "a string";
    case TF_KIND_STRING_LIST:
      return "a list of strings";
    default:
      return "a dict";
  }
}

Status expect_kind(const DictEntry &entry, tf_kind kind) {
  if (entry.kind == kind) return kOk;
  return Failure(TF_STATUS_TYPE).key(entry.key)
         << "expected " << kind_name(kind) << ", found " << kind_name(entry.kind);
}

Text key_at(const void *owner, size_t index) {
  return static_cast<const Dict *>(owner)->at(index).key;
}

// Copies text and a NUL to `to`.
Text copy_text(char *to, Text text) {
  if (!text.empty()) memcpy(to, text.data(), text.size());
  to[text.size()] = '\0';
  return Text(to, text.size());
}

// Makes an entry without an array, dict or list. Copies of the key and the string follow it in the same allocation.
Status make_entry(DictEntry **out, Memory &memory, tf_kind kind, Text key, Text string) {
  const Checked bytes = Checked(sizeof(DictEntry)) + key.size() + 1 + string.size() + 1;
  if (!bytes.fits_memory()) return Failure(TF_STATUS_OUT_OF_MEMORY) << "key and string do not fit in this process";
  const auto allocated = static_cast<size_t>(bytes.value());
  void *storage = nullptr;
  TFILE_TRY(allocate(&storage, memory, allocated, alignof(DictEntry)));
  auto *const entry = new (storage) DictEntry{};
  auto *const text = reinterpret_cast<char *>(entry + 1);
  entry->key = copy_text(text, key);
  entry->string = copy_text(text + key.size() + 1, string);
  entry->kind = kind;
  entry->allocated = allocated;
  *out = entry;
  return kOk;
}

// Frees an entry and its value. If the value is a dict and this was its last reference, adds the dict to the list
// *unused instead of freeing it, so that the caller can free nested dicts without recursion.
void free_entry(Memory &memory, DictEntry *entry, Dict **unused) {
  if (entry->array != nullptr) entry->array->release();
  if (entry->list != nullptr) destroy(memory, entry->list);
  if (entry->dict != nullptr && entry->dict->refs.decrement()) {
    entry->dict->next_to_free = *unused;
    *unused = entry->dict;
  }
  deallocate(memory, entry, entry->allocated, alignof(DictEntry));
}

// Frees the dicts of a list, and the nested dicts to which no other reference exists.
void free_dicts(Dict *unused) {
  while (unused != nullptr) {
    Dict *const dict = unused;
    unused = dict->next_to_free;
    const Ref<Memory> from = dict->memory;
    for (DictEntry *entry : dict->entries)
      free_entry(*from, entry, &unused);
    destroy(*from, dict);
  }
}

void free_entry(Memory &memory, DictEntry *entry) {
  Dict *unused = nullptr;
  free_entry(memory, entry, &unused);
  free_dicts(unused);
}

}  // namespace

Status check_key(Text key) {
  const size_t valid = utf8_valid_prefix(key);
  if (valid == key.size()) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).key(key)
         << "the key is not UTF-8 from its byte " << static_cast<uint64_t>(valid) << " on";
}

Status check_index(size_t index, size_t size) {
  if (index < size) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << "index " << static_cast<uint64_t>(index) << " is out of range for " << static_cast<uint64_t>(size);
}

Status make_dict(Ref<Dict> &out, Memory &memory) {
  Dict *dict = nullptr;
  TFILE_TRY(make(&dict, memory, memory));
  out = Ref<Dict>::adopt(dict);
  return kOk;
}

}  // namespace tfile

tf_dict::tf_dict(tfile::Memory &from)
    : memory(tfile::Ref<tfile::Memory>::share(&from)), entries(from), index(from, tfile::key_at, this) {}

void tf_dict::release() {
  if (refs.decrement()) tfile::free_dicts(this);
}

const tfile::DictEntry *tf_dict::find(tfile::Text key) const {
  const size_t found = index.find(key);
  return found == tfile::NameIndex::kNone ? nullptr : entries[found];
}

tfile::Status tf_dict::get_at(const tfile::DictEntry **out, size_t i) const {
  TFILE_TRY(tfile::check_index(i, size()));
  *out = entries[i];
  return tfile::kOk;
}

tfile::Status tf_dict::get_at(const tfile::DictEntry **out, tf_kind kind, size_t i) const {
  TFILE_TRY(get_at(out, i));
  return tfile::expect_kind(**out, kind);
}

tfile::Status tf_dict::locate(size_t *out, tfile::Text key) const {
  *out = index.find(key);
  if (*out != tfile::NameIndex::kNone) return tfile::kOk;
  return tfile::Failure(TF_STATUS_NOT_FOUND).key(key) << "no such key";
}

tfile::Status tf_dict::get(const tfile::DictEntry **out, tfile::Text key, tf_kind kind) const {
  size_t found = 0;
  TFILE_TRY(locate(&found, key));
  *out = entries[found];
  return tfile::expect_kind(**out, kind);
}

tfile::Status tf_dict::get_scalar(const tfile::Array **out, tfile::Text key) const {
  const tfile::DictEntry *entry = nullptr;
  TFILE_TRY(get(&entry, key, TF_KIND_ARRAY));
  *out = entry->array;
  if (entry->array->ndim == 0) return tfile::kOk;
  return (tfile::Failure(TF_STATUS_TYPE).key(entry->key) << "expected a 0-d array, found shape ")
      .shape(entry->array->shape());
}

// Adds an entry, or replaces the entry with the same key. Takes ownership of the entry even on failure.
tfile::Status tf_dict::set(tfile::DictEntry *entry) {
  size_t found = tfile::NameIndex::kNone;
  tfile::Status status = entries.push(entry);
  if (status.ok()) {
    status = index.add(&found, entry->key);
    if (!status.ok() || found != tfile::NameIndex::kNone) entries.pop();
  }
  if (!status.ok()) {
    tfile::free_entry(*memory, entry);
  } else if (found != tfile::NameIndex::kNone) {
    tfile::DictEntry *const old = entries[found];
    entries[found] = entry;
    tfile::free_entry(*memory, old);
  }
  return status;
}

tfile::Status tf_dict::reserve(size_t count) {
  TFILE_TRY(entries.reserve(count));
  return index.reserve(count);
}

tfile::Status tf_dict::set_array(tfile::Text key, tfile::Array &array) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_ARRAY, key, {}));
  array.retain();
  entry->array = &array;
  return set(entry);
}

tfile::Status tf_dict::set_scalar(tfile::Text key, tf_dtype dtype, const void *value) {
  tfile::Ref<tfile::Array> array;
  TFILE_TRY(make_array(array, *memory, *tfile::find_dtype(dtype), {}));
  memcpy(array->data, value, static_cast<size_t>(array->nbytes));
  return set_array(key, *array);
}

tfile::Status tf_dict::set_string(tfile::Text key, tfile::Text text) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_STRING, key, text));
  return set(entry);
}

tfile::Status tf_dict::set_string_list(tfile::Text key, tfile::StringList **out) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_STRING_LIST, key, {}));
  const tfile::Status status = tfile::make(&entry->list, *memory, *memory);
  if (!status.ok()) {
    tfile::free_entry(*memory, entry);
    return status;
  }
  *out = entry->list;
  return set(entry);
}

tfile::Status tf_dict::set_dict(tfile::Text key, tf_dict &value) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_DICT, key, {}));
  value.retain();
  entry->dict = &value;
  return set(entry);
}

tfile::Status tf_dict::set_acyclic(tfile::Text key, tf_dict &value) {
  bool cycle = false;
  TFILE_TRY(value.reaches(&cycle, *this));
  if (cycle) return tfile::Failure(TF_STATUS_INVALID_ARGUMENT).key(key) << "the dict would contain itself";
  return set_dict(key, value);
}

tfile::Status tf_dict::set_value(tfile::Text key, const tfile::DictEntry &value) {
  switch (value.kind) {
    case TF_KIND_ARRAY:
      return set_array(key, *value.array);
    case TF_KIND_STRING:
      return set_string(key, value.string);
    case TF_KIND_DICT:
      return set_dict(key, *value.dict);
    default: {
      tfile::StringList *list = nullptr;
      TFILE_TRY(set_string_list(key, &list));
      return list->append(*value.list);
    }
  }
}

bool tf_dict::remove(tfile::Text key) {
  const size_t found = index.find(key);
  if (found == tfile::NameIndex::kNone) return false;
  tfile::DictEntry *const entry = entries[found];
  index.remove(found);
  entries.erase(found);
  tfile::free_entry(*memory, entry);
  return true;
}

tfile::Status tf_dict::reaches(bool *found, const tf_dict &other) const {
  *found = this == &other;
  tfile::DictSet seen(*memory);
  const tf_dict *from = this;
  for (size_t next = 0; !*found; from = &seen[next++]) {
    for (const tfile::DictEntry *entry : from->entries) {
      if (entry->dict == nullptr) continue;
      if (entry->dict == &other) *found = true;
      size_t index = 0;
      TFILE_TRY(seen.add(&index, *entry->dict));
    }
    if (next == seen.size()) break;
  }
  return tfile::kOk;
}
