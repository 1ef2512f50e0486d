// Dict (tf_dict): values by name, in insertion order.
#pragma once

#include "base/name_index.h"
#include "core/array.h"

struct tf_dict;

namespace tfile {

using Dict = ::tf_dict;

// A list of byte strings.
struct StringList {
  explicit StringList(Memory &memory) : ends(memory), bytes(memory) {}

  size_t size() const { return ends.size(); }
  Text at(size_t i) const;  // NUL-terminated
  // On failure the list is as before.
  Status append(Text text);
  Status append(const StringList &other);

  Vec<size_t> ends;  // of each string in bytes, its NUL not counted
  Vec<char> bytes;
};

// One value with its key, in one allocation with the key's bytes.
struct DictEntry {
  Text key;  // NUL-terminated
  tf_kind kind = TF_KIND_NONE;
  Array *array = nullptr;  // owned, as are the next three, according to kind
  Dict *dict = nullptr;
  StringList *list = nullptr;
  Text string;           // NUL-terminated
  size_t allocated = 0;  // of this entry
};

}  // namespace tfile

struct tf_dict {
  explicit tf_dict(tfile::Memory &from);
  tf_dict(const tf_dict &) = delete;
  tf_dict &operator=(const tf_dict &) = delete;

  void retain() { refs.increment(); }
  // Takes the same stack however deep the dicts are nested that go with this one.
  void release();

  size_t size() const { return entries.size(); }
  const tfile::DictEntry &at(size_t i) const { return *entries[i]; }
  const tfile::DictEntry *find(tfile::Text key) const;

  // Makes room for count values at least.
  tfile::Status reserve(size_t count);
  // Each replaces what the key had, in its place. On failure the dict is as before.
  tfile::Status set_array(tfile::Text key, tfile::Array &array);
  tfile::Status set_string(tfile::Text key, tfile::Text text);
  tfile::Status set_string_list(tfile::Text key, tfile::StringList **out);  // empty; *out is filled by the caller
  tfile::Status set_dict(tfile::Text key, tf_dict &value);                  // value does not hold this dict
  // A copy of another dict's value: arrays and dicts are shared, strings and lists are copied.
  tfile::Status set_value(tfile::Text key, const tfile::DictEntry &value);
  bool remove(tfile::Text key);
  // Whether other is this dict, or is reached from it. Takes time in proportion to the values below this dict, and
  // memory in proportion to the dicts: depth is not limited, and a dict may be below this one by many ways.
  tfile::Status reaches(bool *found, const tf_dict &other) const;

  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  tfile::Vec<tfile::DictEntry *> entries;
  tfile::NameIndex index;
  tf_dict *next_to_free = nullptr;  // once the last reference has gone

 private:
  tfile::Status set(tfile::DictEntry *entry);
};

namespace tfile {

Status make_dict(Ref<Dict> &out, Memory &memory);

}  // namespace tfile
