// Dict (tf_dict): values by key, in insertion order.
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
  // On failure the list is unchanged.
  Status append(Text text);
  Status append(const StringList &other);

  Vec<size_t> ends;  // offset in bytes after each string, where its NUL is
  Vec<char> bytes;
};

// A key and its value. The bytes of the key and of a string value follow this struct in the same allocation.
struct DictEntry {
  Text key;  // NUL-terminated
  tf_kind kind = TF_KIND_NONE;
  Array *array = nullptr;  // `kind` says which of array, dict, list and string is set; the entry owns it
  Dict *dict = nullptr;
  StringList *list = nullptr;
  Text string;           // NUL-terminated
  size_t allocated = 0;  // size of the allocation
};

}  // namespace tfile

struct tf_dict {
  explicit tf_dict(tfile::Memory &from);
  tf_dict(const tf_dict &) = delete;
  tf_dict &operator=(const tf_dict &) = delete;

  void retain() { refs.increment(); }
  // Frees nested dicts in a loop, so that deep nesting does not need a deep stack.
  void release();

  size_t size() const { return entries.size(); }
  const tfile::DictEntry &at(size_t i) const { return *entries[i]; }
  // Returns the entry at an index from the user; INVALID_ARGUMENT if there is none.
  tfile::Status get_at(const tfile::DictEntry **out, size_t i) const;
  // Fails also with TYPE, if its value is of another kind.
  tfile::Status get_at(const tfile::DictEntry **out, tf_kind kind, size_t i) const;
  // Returns the entry of a key, or NULL.
  const tfile::DictEntry *find(tfile::Text key) const;
  // Returns the index of a key's entry; NOT_FOUND if there is none.
  tfile::Status locate(size_t *out, tfile::Text key) const;
  // Returns the entry of a key; NOT_FOUND if there is none, TYPE if its value is of another kind.
  tfile::Status get(const tfile::DictEntry **out, tfile::Text key, tf_kind kind) const;
  // Returns the 0-d array of a key; else fails like get(), or with TYPE.
  tfile::Status get_scalar(const tfile::Array **out, tfile::Text key) const;

  // Allocates for at least `count` values.
  tfile::Status reserve(size_t count);
  // The setters replace the value of an existing key without changing its index. On failure the dict is unchanged.
  tfile::Status set_array(tfile::Text key, tfile::Array &array);
  tfile::Status set_scalar(tfile::Text key, tf_dtype dtype, const void *value);
  tfile::Status set_string(tfile::Text key, tfile::Text text);
  tfile::Status set_string_list(tfile::Text key, tfile::StringList **out);  // *out is an empty list
  tfile::Status set_dict(tfile::Text key, tf_dict &value);                  // value must not contain this dict
  tfile::Status set_acyclic(tfile::Text key, tf_dict &value);               // INVALID_ARGUMENT if it does
  // Sets a value of another dict: arrays and dicts are shared, strings and lists are copied.
  tfile::Status set_value(tfile::Text key, const tfile::DictEntry &value);
  bool remove(tfile::Text key);
  // Sets *found if `other` is this dict or is nested in it. Visits each dict once, however deep and however often it is
  // contained, so time is proportional to the number of values and memory to the number of dicts.
  tfile::Status reaches(bool *found, const tf_dict &other) const;

  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  tfile::Vec<tfile::DictEntry *> entries;
  tfile::NameIndex index;
  tf_dict *next_to_free = nullptr;  // used while dicts without references are freed

 private:
  tfile::Status set(tfile::DictEntry *entry);
};

namespace tfile {

Status make_dict(Ref<Dict> &out, Memory &memory);
// Copies a dict, its lists, and the dicts nested in it, each of them once. Arrays become views of the same memory.
Status copy_dict(Ref<Dict> &out, Memory &memory, const Dict &dict);

// True if two values have the same kind, dtype and bytes. A dict equals only itself.
bool equal(const DictEntry &a, const DictEntry &b);
// Sets *same if two dicts, and those nested in them, have the same keys and values, in any order.
Status equal(bool *same, Memory &memory, const Dict &a, const Dict &b);

// Checks that a key from the user is UTF-8.
Status check_key(Text key);
// Checks an index from the user.
Status check_index(size_t index, size_t size);

}  // namespace tfile
