#include "core/dict_set.h"

namespace tfile {

namespace {

bool same_strings(const StringList &a, const StringList &b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(a.at(i) == b.at(i))) return false;
  }
  return true;
}

// Compares dicts in a loop, so that deep nesting does not need a deep stack. Dicts that must be equal form a class. A
// pair of the same class is not compared again, so there are fewer comparisons than dicts, however often each is nested.
class Comparison {
 public:
  explicit Comparison(Memory &memory) : dicts_(memory), classes_(memory), pending_(memory) {}

  Status run(bool *same, const Dict &a, const Dict &b) {
    *same = false;
    TFILE_TRY(add(a, b));
    for (size_t next = 0; next < pending_.size(); ++next) {
      bool entries_same = false;
      const Pair pair = pending_[next];
      TFILE_TRY(compare(&entries_same, *pair.a, *pair.b));
      if (!entries_same) return kOk;
    }
    *same = true;
    return kOk;
  }

 private:
  struct Pair {
    const Dict *a;
    const Dict *b;
  };

  // Compares the values of two dicts, except for nested dicts, which are added.
  Status compare(bool *same, const Dict &a, const Dict &b) {
    *same = a.size() == b.size();
    for (size_t i = 0; i < a.size() && *same; ++i) {
      const DictEntry &entry = a.at(i);
      const DictEntry *const other = b.find(entry.key);
      const bool dicts = other != nullptr && entry.kind == TF_KIND_DICT && other->kind == TF_KIND_DICT;
      if (dicts) TFILE_TRY(add(*entry.dict, *other->dict));
      *same = dicts || (other != nullptr && equal(entry, *other));
    }
    return kOk;
  }

  // Joins the classes of two dicts, which have to be compared if they were of different ones.
  Status add(const Dict &a, const Dict &b) {
    size_t of_a = 0;
    size_t of_b = 0;
    TFILE_TRY(class_of(&of_a, a));
    TFILE_TRY(class_of(&of_b, b));
    if (of_a == of_b) return kOk;
    classes_[of_b] = of_a;
    return pending_.push(Pair{&a, &b});
  }
  Status class_of(size_t *out, const Dict &dict) {
    size_t i = 0;
    TFILE_TRY(dicts_.add(&i, dict));
    if (i == classes_.size()) TFILE_TRY(classes_.push(i));
    for (; classes_[i] != i; i = classes_[i])
      classes_[i] = classes_[classes_[i]];
    *out = i;
    return kOk;
  }

  DictSet dicts_;
  Vec<size_t> classes_;  // for each dict another one of its class, or itself for one of them
  Vec<Pair> pending_;
};

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
      return a.dict == b.dict;
  }
}

Status equal(bool *same, Memory &memory, const Dict &a, const Dict &b) {
  return Comparison(memory).run(same, a, b);
}

}  // namespace tfile
