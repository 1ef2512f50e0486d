#include "core/dict_set.h"

namespace tfile {

namespace {

Status view(Ref<Array> &out, Memory &memory, const Array &array) {
  const int64_t *const strides = array.dtype->addressable() ? array.strides().data() : nullptr;
  return make_array(out, memory, *array.dtype, array.shape(), strides, array.buffer, array.data);
}

// Copies a dict and the dicts that are nested in it, in a loop, so that deep nesting does not need a deep stack.
class Copier {
 public:
  explicit Copier(Memory &memory) : memory_(memory), originals_(memory), copies_(memory) {}

  Status run(Ref<Dict> &root, const Dict &dict) {
    size_t first = 0;
    TFILE_TRY(make_dict(root, memory_));
    TFILE_TRY(originals_.add(&first, dict));
    TFILE_TRY(copies_.push(root.get()));
    for (size_t next = 0; next < originals_.size(); ++next) {
      const Dict &from = originals_[next];
      TFILE_TRY(copies_[next]->reserve(from.size()));
      for (const DictEntry *entry : from.entries)
        TFILE_TRY(set(*copies_[next], *entry));
    }
    return kOk;
  }

 private:
  Status set(Dict &to, const DictEntry &entry) {
    if (entry.kind == TF_KIND_DICT) return set_dict(to, entry.key, *entry.dict);
    if (entry.kind != TF_KIND_ARRAY) return to.set_value(entry.key, entry);
    Ref<Array> array;
    TFILE_TRY(view(array, memory_, *entry.array));
    return to.set_array(entry.key, *array);
  }
  // Sets a key to the copy of a dict. A new copy stays empty until the loop reaches it.
  Status set_dict(Dict &to, Text key, const Dict &dict) {
    size_t index = 0;
    TFILE_TRY(originals_.add(&index, dict));
    if (index < copies_.size()) return to.set_dict(key, *copies_[index]);
    Ref<Dict> copy;
    TFILE_TRY(make_dict(copy, memory_));
    TFILE_TRY(copies_.push(copy.get()));
    return to.set_dict(key, *copy);
  }

  Memory &memory_;
  DictSet originals_;
  Vec<Dict *> copies_;  // the copy of each original; the root, or a dict in it, owns a reference
};

}  // namespace

Status copy_dict(Ref<Dict> &out, Memory &memory, const Dict &dict) {
  Ref<Dict> root;
  TFILE_TRY(Copier(memory).run(root, dict));
  out = std::move(root);
  return kOk;
}

}  // namespace tfile
