#include "api/arguments.h"
#include "base/options.h"
#include "core/dict_arguments.h"
#include "core/tree.h"
#include "quant/cast.h"

using namespace tfile;

extern "C" {

tf_status tf_dict_new(tf_dict **out) {
  return tf_dict_new_with(out, nullptr);
}

tf_status tf_dict_new_with(tf_dict **out, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> dict;
  TFILE_API_TRY(make_dict(dict, settings.memory()));
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

tf_status tf_dict_copy(tf_dict **out, const tf_dict *dict) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(dict, "dict"));
  Ref<Dict> made;
  TFILE_API_TRY(copy_dict(made, without_budget(*dict->memory), *dict));
  *out = made.take();
  return TF_STATUS_OK;
}

size_t tf_dict_size(const tf_dict *dict) {
  return is_null(dict, "dict") ? 0 : dict->size();
}

tf_status tf_dict_key_at(const char **key, size_t *length, const tf_dict *dict, size_t index) {
  TFILE_API_TRY(require_text_out(key, length, "key"));
  TFILE_API_TRY(require(dict, "dict"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(dict->get_at(&entry, index));
  return_text(key, length, entry->key);
  return TF_STATUS_OK;
}

tf_kind tf_dict_kind_at(const tf_dict *dict, size_t index) {
  const DictEntry *entry = nullptr;
  if (is_null(dict, "dict") || !dict->get_at(&entry, index).ok()) return TF_KIND_NONE;
  return entry->kind;
}

tf_status tf_dict_array_at(tf_array **out, const tf_dict *dict, size_t index) {
  TFILE_API_TRY(require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry_at(&entry, TF_KIND_ARRAY, dict, index));
  *out = tf_array_retain(entry->array);
  return TF_STATUS_OK;
}

tf_status tf_dict_string_at(const char **text, size_t *text_length, const tf_dict *dict, size_t index) {
  TFILE_API_TRY(require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry_at(&entry, TF_KIND_STRING, dict, index));
  return_text(text, text_length, entry->string);
  return TF_STATUS_OK;
}

tf_status tf_dict_dict_at(tf_dict **out, const tf_dict *dict, size_t index) {
  TFILE_API_TRY(require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry_at(&entry, TF_KIND_DICT, dict, index));
  *out = tf_dict_retain(entry->dict);
  return TF_STATUS_OK;
}

tf_status tf_dict_string_list_size_at(size_t *count, const tf_dict *dict, size_t index) {
  TFILE_API_TRY(require(count, "count"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry_at(&entry, TF_KIND_STRING_LIST, dict, index));
  *count = entry->list->size();
  return TF_STATUS_OK;
}

tf_status tf_dict_string_list_item_at(const char **text, size_t *text_length, const tf_dict *dict, size_t index,
                                      size_t item) {
  TFILE_API_TRY(require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry_at(&entry, TF_KIND_STRING_LIST, dict, index));
  TFILE_API_TRY(check_index(item, entry->list->size()));
  return_text(text, text_length, entry->list->at(item));
  return TF_STATUS_OK;
}

int32_t tf_dict_contains(const tf_dict *dict, const char *key, size_t length) {
  const DictEntry *entry = nullptr;
  return look_up(&entry, dict, key, length).ok() && entry != nullptr ? 1 : 0;
}

tf_kind tf_dict_kind(const tf_dict *dict, const char *key, size_t length) {
  const DictEntry *entry = nullptr;
  return look_up(&entry, dict, key, length).ok() && entry != nullptr ? entry->kind : int32_t{TF_KIND_NONE};
}

tf_status tf_dict_find(size_t *index, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(require(index, "index"));
  TFILE_API_TRY(require(dict, "dict"));
  Text name;
  TFILE_API_TRY(require_text(&name, key, length, "key"));
  return dict->locate(index, name).code;
}

tf_status tf_dict_remove(tf_dict *dict, const char *key, size_t length) {
  size_t index = 0;
  TFILE_API_TRY(Status{tf_dict_find(&index, dict, key, length)});
  dict->remove(dict->at(index).key);
  return TF_STATUS_OK;
}

tf_status tf_dict_get_array(tf_array **out, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry(&entry, TF_KIND_ARRAY, dict, key, length));
  *out = tf_array_retain(entry->array);
  return TF_STATUS_OK;
}

tf_status tf_dict_set_array(tf_dict *dict, const char *key, size_t length, tf_array *array) {
  Text name;
  TFILE_API_TRY(require_key(&name, dict, key, length));
  TFILE_API_TRY(require(array, "array"));
  return dict->set_array(name, *array).code;
}

tf_status tf_dict_get_string(const char **text, size_t *text_length, const tf_dict *dict, const char *key,
                             size_t length) {
  TFILE_API_TRY(require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry(&entry, TF_KIND_STRING, dict, key, length));
  return_text(text, text_length, entry->string);
  return TF_STATUS_OK;
}

tf_status tf_dict_set_string(tf_dict *dict, const char *key, size_t length, const char *text, size_t text_length) {
  Text name;
  TFILE_API_TRY(require_key(&name, dict, key, length));
  Text value;
  TFILE_API_TRY(require_text(&value, text, text_length, "text"));
  return dict->set_string(name, value).code;
}

tf_status tf_dict_string_list_size(size_t *count, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(require(count, "count"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry(&entry, TF_KIND_STRING_LIST, dict, key, length));
  *count = entry->list->size();
  return TF_STATUS_OK;
}

tf_status tf_dict_string_list_at(const char **text, size_t *text_length, const tf_dict *dict, const char *key,
                                 size_t length, size_t index) {
  TFILE_API_TRY(require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry(&entry, TF_KIND_STRING_LIST, dict, key, length));
  TFILE_API_TRY(check_index(index, entry->list->size()));
  return_text(text, text_length, entry->list->at(index));
  return TF_STATUS_OK;
}

tf_status tf_dict_set_string_list(tf_dict *dict, const char *key, size_t length) {
  Text name;
  TFILE_API_TRY(require_key(&name, dict, key, length));
  StringList *list = nullptr;
  return dict->set_string_list(name, &list).code;
}

tf_status tf_dict_string_list_append(tf_dict *dict, const char *key, size_t length, const char *text,
                                     size_t text_length) {
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry(&entry, TF_KIND_STRING_LIST, dict, key, length));
  Text value;
  TFILE_API_TRY(require_text(&value, text, text_length, "text"));
  return entry->list->append(value).code;
}

tf_status tf_dict_get_dict(tf_dict **out, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(require_entry(&entry, TF_KIND_DICT, dict, key, length));
  *out = tf_dict_retain(entry->dict);
  return TF_STATUS_OK;
}

tf_status tf_dict_set_dict(tf_dict *dict, const char *key, size_t length, tf_dict *value) {
  Text name;
  TFILE_API_TRY(require_key(&name, dict, key, length));
  TFILE_API_TRY(require(value, "value"));
  return dict->set_acyclic(name, *value).code;
}

tf_status tf_dict_get_scalar(tf_dtype *dtype, void *value, size_t capacity, const tf_dict *dict, const char *key,
                             size_t length) {
  const Array *scalar = nullptr;
  TFILE_API_TRY(require_scalar(&scalar, dict, key, length));
  if (value != nullptr) TFILE_API_TRY(copy_scalar(value, capacity, *scalar));
  if (dtype != nullptr) *dtype = scalar->dtype->id;
  return TF_STATUS_OK;
}

tf_status tf_dict_set_scalar(tf_dict *dict, const char *key, size_t length, tf_dtype dtype, const void *value) {
  Text name;
  TFILE_API_TRY(require_key(&name, dict, key, length));
  TFILE_API_TRY(require(value, "value"));
  Form form;
  TFILE_API_TRY(form.read(dtype, nullptr, 0));
  TFILE_API_TRY(check_scalar(*form.dtype, value));
  return dict->set_scalar(name, dtype, value).code;
}

tf_status tf_dict_get_int64(int64_t *value, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(require(value, "value"));
  const Array *scalar = nullptr;
  TFILE_API_TRY(require_scalar(&scalar, dict, key, length));
  return item_int64(value, *scalar, {}).code;
}

tf_status tf_dict_set_int64(tf_dict *dict, const char *key, size_t length, int64_t value) {
  Text name;
  TFILE_API_TRY(require_key(&name, dict, key, length));
  return dict->set_scalar(name, TF_DTYPE_INT64, &value).code;
}

tf_status tf_dict_get_double(double *value, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(require(value, "value"));
  const Array *scalar = nullptr;
  TFILE_API_TRY(require_scalar(&scalar, dict, key, length));
  return item_double(value, *scalar, {}).code;
}

tf_status tf_dict_set_double(tf_dict *dict, const char *key, size_t length, double value) {
  Text name;
  TFILE_API_TRY(require_key(&name, dict, key, length));
  return dict->set_scalar(name, TF_DTYPE_FLOAT64, &value).code;
}

tf_status tf_dict_flatten(tf_dict **flat, const tf_dict *tree) {
  TFILE_API_TRY(require_out(flat, "out"));
  TFILE_API_TRY(require(tree, "tree"));
  Ref<Dict> made;
  TFILE_API_TRY(flatten(made, without_budget(*tree->memory), *tree));
  *flat = made.take();
  return TF_STATUS_OK;
}

tf_status tf_dict_unflatten(tf_dict **tree, const tf_dict *flat) {
  TFILE_API_TRY(require_out(tree, "out"));
  TFILE_API_TRY(require(flat, "flat"));
  Ref<Dict> made;
  TFILE_API_TRY(unflatten(made, without_budget(*flat->memory), *flat));
  *tree = made.take();
  return TF_STATUS_OK;
}

tf_status tf_dict_equal(int32_t *equal, const tf_dict *a, const tf_dict *b) {
  TFILE_API_TRY(require(equal, "equal"));
  *equal = 0;
  TFILE_API_TRY(require(a, "a"));
  TFILE_API_TRY(require(b, "b"));
  bool same = false;
  TFILE_API_TRY(tfile::equal(&same, without_budget(*a->memory), *a, *b));
  *equal = same ? 1 : 0;
  return TF_STATUS_OK;
}

tf_status tf_dict_compare(tf_dict **report, const tf_dict *expected, const tf_dict *actual) {
  TFILE_API_TRY(require_out(report, "out"));
  TFILE_API_TRY(require(expected, "expected"));
  TFILE_API_TRY(require(actual, "actual"));
  Ref<Dict> made;
  TFILE_API_TRY(compare_trees(made, without_budget(*expected->memory), *expected, *actual));
  *report = made.take();
  return TF_STATUS_OK;
}

}  // extern "C"
