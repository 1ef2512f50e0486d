#include "core/dict.h"

namespace tfile {

namespace {

bool same_strings(const StringList &a, const StringList &b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a.at(i) == b.at(i))) return false;
  }
  return true;
}

}  // namespace

bool equal(const DictEntry &a, const DictEntry &b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case TF_KIND_ARRAY:
      return equal(*a.array, *b.array);
    case TF_KIND_STRING:
      return a.string == b.string;
    case TF_KIND_STRING_LIST:
      return same_strings(*a.list, *b.list);
    default:
      return equal(*a.dict, *b.dict);
  }
}

bool equal(const Dict &a, const Dict &b) {
  if (a.size() != b.size()) return false;
  for (const DictEntry *entry : a.entries) {
    const DictEntry *const other = b.find(entry->key);
    if (other == nullptr || !equal(*entry, *other)) return false;
  }
  return true;
}

}  // namespace tfile
