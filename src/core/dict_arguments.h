// Checks of the arguments that select an entry of a dict.
#pragma once

#include "base/require.h"
#include "core/dict.h"

namespace tfile {

// Checks the key for an entry that is to be set; it must be UTF-8.
inline Status require_key(Text *out, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  TFILE_TRY(require_text(out, key, length, "key"));
  return check_key(*out);
}

// Finds the entry with a key. Fails with TYPE if its value is of another kind.
inline Status require_entry(const DictEntry **out, tf_kind kind, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  Text name;
  TFILE_TRY(require_text(&name, key, length, "key"));
  return dict->get(out, name, kind);
}

// Finds the entry at an index. Fails with TYPE if its value is of another kind.
inline Status require_entry_at(const DictEntry **out, tf_kind kind, const Dict *dict, size_t index) {
  TFILE_TRY(require(dict, "dict"));
  return dict->get_at(out, kind, index);
}

// Finds the entry with a key, or sets *out to NULL if there is none, which is not a failure.
inline Status look_up(const DictEntry **out, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  Text name;
  TFILE_TRY(require_text(&name, key, length, "key"));
  *out = dict->find(name);
  return kOk;
}

// Finds the 0-d array with a key.
inline Status require_scalar(const Array **out, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  Text name;
  TFILE_TRY(require_text(&name, key, length, "key"));
  return dict->get_scalar(out, name);
}

}  // namespace tfile
