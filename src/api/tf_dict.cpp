#include "core/dict.h"

#include "api/arguments.h"
#include "base/error.h"
#include "base/options.h"
#include "base/utf8.h"
#include "core/tree.h"
#include "quant/cast.h"

namespace tfile {

namespace {

// The word for a kind in a message.
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

Status find_place(size_t *place, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  Text name;
  TFILE_TRY(require_text(&name, key, length, "key"));
  *place = dict->index.find(name);
  if (*place != NameIndex::kNone) return kOk;
  return Failure(TF_STATUS_NOT_FOUND).key(name) << "no such key";
}

// The entry of a key, whose value must be of a kind.
Status find_kind(const DictEntry **out, tf_kind kind, const Dict *dict, const char *key, size_t length) {
  size_t place = 0;
  TFILE_TRY(find_place(&place, dict, key, length));
  *out = &dict->at(place);
  if ((*out)->kind == kind) return kOk;
  return Failure(TF_STATUS_TYPE).key((*out)->key)
         << kind_name(kind) << " is wanted, this is " << kind_name((*out)->kind);
}

// A key to set.
Status read_key(Text *out, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  TFILE_TRY(require_text(out, key, length, "key"));
  const size_t valid = utf8_valid_prefix(*out);
  if (valid == out->size()) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).key(*out)
         << "the key is not UTF-8 from its byte " << static_cast<uint64_t>(valid) << " on";
}

Status check_index(size_t index, size_t size) {
  if (index < size) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << "index " << static_cast<uint64_t>(index) << " is out of range for " << static_cast<uint64_t>(size);
}

// The two outputs of a text, of which the length may be NULL.
Status require_text_out(const char **text, size_t *length, const char *name) {
  if (length != nullptr) *length = 0;
  return require_out(text, name);
}

void give_text(const char **text, size_t *length, Text value) {
  *text = value.data();
  if (length != nullptr) *length = value.size();
}

Status set_dict(Dict *dict, const char *key, size_t length, Dict *value) {
  Text name;
  TFILE_TRY(read_key(&name, dict, key, length));
  TFILE_TRY(require(value, "value"));
  bool cycle = false;
  TFILE_TRY(value->reaches(&cycle, *dict));
  if (cycle) return Failure(TF_STATUS_INVALID_ARGUMENT).key(name) << "the dict would hold itself";
  return dict->set_dict(name, *value);
}

// A 0-d array under a key, to be read as a number.
Status find_scalar(const Array **out, const Dict *dict, const char *key, size_t length) {
  const DictEntry *entry = nullptr;
  TFILE_TRY(find_kind(&entry, TF_KIND_ARRAY, dict, key, length));
  *out = entry->array;
  if (entry->array->ndim == 0) return kOk;
  return (Failure(TF_STATUS_TYPE).key(entry->key) << "a 0-d array is wanted, its shape is ")
      .shape(entry->array->shape());
}

template <typename T>
Status set_scalar(Dict *dict, const char *key, size_t length, tf_dtype dtype, T value) {
  Text name;
  TFILE_TRY(read_key(&name, dict, key, length));
  Ref<Array> array;
  TFILE_TRY(make_array(array, *dict->memory, *find_dtype(dtype), {}));
  memcpy(array->data, &value, sizeof(T));
  return dict->set_array(name, *array);
}

// Makes a dict from one or two others.
template <typename Make>
Status derive(tf_dict **out, const Dict *from, const char *name, Make make) {
  TFILE_TRY(require_out(out, "out"));
  TFILE_TRY(require(from, name));
  Ref<Dict> made;
  TFILE_TRY(make(made, without_budget(*from->memory)));
  *out = made.take();
  return kOk;
}

}  // namespace

}  // namespace tfile

using tfile::DictEntry;
using tfile::Text;

extern "C" {

tf_status tf_dict_new(tf_dict **out) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Ref<tf_dict> dict;
  TFILE_API_TRY(tfile::make_dict(dict, tfile::default_memory()));
  *out = dict.take();
  return TF_STATUS_OK;
}

tf_status tf_dict_new_with(tf_dict **out, const tf_options *options) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Settings settings;
  TFILE_API_TRY(tfile::settings_of(settings, options));
  tfile::Ref<tf_dict> dict;
  TFILE_API_TRY(tfile::make_dict(dict, settings.memory()));
  *out = dict.take();
  return TF_STATUS_OK;
}

tf_dict *tf_dict_retain(tf_dict *dict) {
  if (dict != nullptr) dict->retain();
  return dict;
}

void tf_dict_release(tf_dict *dict) {
  if (dict != nullptr) dict->release();
}

size_t tf_dict_size(const tf_dict *dict) {
  return tfile::is_null(dict, "dict") ? 0 : dict->size();
}

tf_status tf_dict_key_at(const char **key, size_t *length, const tf_dict *dict, size_t index) {
  TFILE_API_TRY(tfile::require_text_out(key, length, "key"));
  TFILE_API_TRY(tfile::require(dict, "dict"));
  TFILE_API_TRY(tfile::check_index(index, dict->size()));
  tfile::give_text(key, length, dict->at(index).key);
  return TF_STATUS_OK;
}

tf_kind tf_dict_kind_at(const tf_dict *dict, size_t index) {
  if (tfile::is_null(dict, "dict") || !tfile::check_index(index, dict->size()).ok()) return TF_KIND_NONE;
  return dict->at(index).kind;
}

tf_status tf_dict_find(size_t *index, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(index, "index"));
  return tfile::find_place(index, dict, key, length).code;
}

tf_status tf_dict_remove(tf_dict *dict, const char *key, size_t length) {
  size_t place = 0;
  TFILE_API_TRY(tfile::find_place(&place, dict, key, length));
  dict->remove(dict->at(place).key);
  return TF_STATUS_OK;
}

tf_status tf_dict_get(tf_array **out, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_ARRAY, dict, key, length));
  *out = tf_array_retain(entry->array);
  return TF_STATUS_OK;
}

tf_status tf_dict_set(tf_dict *dict, const char *key, size_t length, tf_array *array) {
  Text name;
  TFILE_API_TRY(tfile::read_key(&name, dict, key, length));
  TFILE_API_TRY(tfile::require(array, "array"));
  return dict->set_array(name, *array).code;
}

tf_status tf_dict_get_string(const char **text, size_t *text_length, const tf_dict *dict, const char *key,
                             size_t length) {
  TFILE_API_TRY(tfile::require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING, dict, key, length));
  tfile::give_text(text, text_length, entry->string);
  return TF_STATUS_OK;
}

tf_status tf_dict_set_string(tf_dict *dict, const char *key, size_t length, const char *text, size_t text_length) {
  Text name;
  TFILE_API_TRY(tfile::read_key(&name, dict, key, length));
  Text value;
  TFILE_API_TRY(tfile::require_text(&value, text, text_length, "text"));
  return dict->set_string(name, value).code;
}

tf_status tf_dict_string_list_size(size_t *count, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(count, "count"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING_LIST, dict, key, length));
  *count = entry->list->size();
  return TF_STATUS_OK;
}

tf_status tf_dict_string_list_at(const char **text, size_t *text_length, const tf_dict *dict, const char *key,
                                 size_t length, size_t index) {
  TFILE_API_TRY(tfile::require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING_LIST, dict, key, length));
  TFILE_API_TRY(tfile::check_index(index, entry->list->size()));
  tfile::give_text(text, text_length, entry->list->at(index));
  return TF_STATUS_OK;
}

tf_status tf_dict_set_string_list(tf_dict *dict, const char *key, size_t length) {
  Text name;
  TFILE_API_TRY(tfile::read_key(&name, dict, key, length));
  tfile::StringList *list = nullptr;
  return dict->set_string_list(name, &list).code;
}

tf_status tf_dict_string_list_append(tf_dict *dict, const char *key, size_t length, const char *text,
                                     size_t text_length) {
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING_LIST, dict, key, length));
  Text value;
  TFILE_API_TRY(tfile::require_text(&value, text, text_length, "text"));
  return entry->list->append(value).code;
}

tf_status tf_dict_get_dict(tf_dict **out, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_DICT, dict, key, length));
  *out = tf_dict_retain(entry->dict);
  return TF_STATUS_OK;
}

tf_status tf_dict_set_dict(tf_dict *dict, const char *key, size_t length, tf_dict *value) {
  return tfile::set_dict(dict, key, length, value).code;
}

tf_status tf_dict_get_int64(int64_t *value, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(value, "value"));
  const tf_array *scalar = nullptr;
  TFILE_API_TRY(tfile::find_scalar(&scalar, dict, key, length));
  return tfile::item_int64(value, *scalar, {}).code;
}

tf_status tf_dict_set_int64(tf_dict *dict, const char *key, size_t length, int64_t value) {
  return tfile::set_scalar(dict, key, length, TF_DTYPE_INT64, value).code;
}

tf_status tf_dict_get_double(double *value, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(value, "value"));
  const tf_array *scalar = nullptr;
  TFILE_API_TRY(tfile::find_scalar(&scalar, dict, key, length));
  return tfile::item_double(value, *scalar, {}).code;
}

tf_status tf_dict_set_double(tf_dict *dict, const char *key, size_t length, double value) {
  return tfile::set_scalar(dict, key, length, TF_DTYPE_FLOAT64, value).code;
}

tf_status tf_dict_flatten(tf_dict **flat, const tf_dict *tree) {
  const auto make = [tree](auto &made, auto &memory) { return tfile::flatten(made, memory, *tree); };
  return tfile::derive(flat, tree, "tree", make).code;
}

tf_status tf_dict_unflatten(tf_dict **tree, const tf_dict *flat) {
  const auto make = [flat](auto &made, auto &memory) { return tfile::unflatten(made, memory, *flat); };
  return tfile::derive(tree, flat, "flat", make).code;
}

tf_status tf_dict_compare(tf_dict **report, const tf_dict *expected, const tf_dict *actual) {
  const auto make = [=](auto &made, auto &memory) {
    TFILE_TRY(tfile::require(actual, "actual"));
    return tfile::compare_trees(made, memory, *expected, *actual);
  };
  return tfile::derive(report, expected, "expected", make).code;
}

}  // extern "C"
