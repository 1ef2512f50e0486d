#include "core/tree.h"

#include <algorithm>

#include "base/error.h"

namespace tfile {

namespace {

// Iterates over the leaves of a tree with their flat names.
class Leaves {
 public:
  Leaves(Memory &memory, const Dict &tree) : name_(memory) { levels_[0] = Level{&tree, 0, 0}; }

  // Advances to the next leaf; *leaf is NULL after the last.
  Status next(const DictEntry **leaf) {
    *leaf = nullptr;
    while (depth_ > 0) {
      Level &level = levels_[depth_ - 1];
      name_.truncate(level.prefix);
      if (level.next == level.dict->size()) {
        --depth_;
        continue;
      }
      const DictEntry &entry = level.dict->at(level.next++);
      TFILE_TRY(name_.append(entry.key.data(), entry.key.size()));
      if (entry.kind != TF_KIND_DICT) {
        *leaf = &entry;
        return kOk;
      }
      if (entry.dict->size() > 0) TFILE_TRY(enter(*entry.dict));
    }
    return kOk;
  }
  // Returns the name of the leaf, valid until next().
  Text name() const { return Text(name_.data(), name_.size()); }

 private:
  struct Level {
    const Dict *dict;
    size_t next;    // index of the next entry
    size_t prefix;  // length of what precedes the keys of this dict in names
  };

  Status enter(const Dict &dict) {
    if (depth_ == kMaxNesting) {
      return Failure(TF_STATUS_LIMIT).key(name())
             << "nested deeper than " << static_cast<uint64_t>(kMaxNesting) << " dicts";
    }
    TFILE_TRY(name_.push('.'));
    levels_[depth_++] = Level{&dict, 0, name_.size()};
    return kOk;
  }

  Vec<char> name_;
  Level levels_[kMaxNesting];
  size_t depth_ = 1;
};

Status flatten_leaves(Ref<Dict> &out, Memory &memory, const Dict &tree, bool arrays_only) {
  Ref<Dict> flat;
  TFILE_TRY(make_dict(flat, memory));
  Leaves leaves(memory, tree);
  const DictEntry *leaf = nullptr;
  for (;;) {
    TFILE_TRY(leaves.next(&leaf));
    if (leaf == nullptr) break;
    if (arrays_only && leaf->kind != TF_KIND_ARRAY) continue;
    if (flat->find(leaves.name()) != nullptr) {
      return Failure(TF_STATUS_DUPLICATE).key(leaves.name()) << "two paths of the tree have this name";
    }
    TFILE_TRY(flat->set_value(leaves.name(), *leaf));
  }
  out = std::move(flat);
  return kOk;
}

size_t find_dot(Text name) {
  const void *const dot = name.empty() ? nullptr : memchr(name.data(), '.', name.size());
  return dot == nullptr ? name.size() : static_cast<size_t>(static_cast<const char *>(dot) - name.data());
}

// Inserts a leaf under its flat name and creates the dicts on the path to it.
Status insert(Dict &tree, Memory &memory, Text name, const DictEntry &leaf) {
  Dict *at = &tree;
  Text rest = name;
  for (size_t depth = 1;; ++depth) {
    const size_t dot = find_dot(rest);
    const Text part = rest.first(dot);
    const DictEntry *const there = at->find(part);
    const bool last = dot == rest.size();
    if (there != nullptr && (last || there->kind != TF_KIND_DICT)) {
      return Failure(TF_STATUS_DUPLICATE).key(name) << "occurs twice, or is also the prefix of another name";
    }
    if (last) return at->set_value(part, leaf);
    if (depth == kMaxNesting) {
      return Failure(TF_STATUS_LIMIT).key(name)
             << "a name of more than " << static_cast<uint64_t>(kMaxNesting) << " parts";
    }
    if (there != nullptr) {
      at = there->dict;
    } else {
      Ref<Dict> inner;
      TFILE_TRY(make_dict(inner, memory));
      TFILE_TRY(at->set_dict(part, *inner));
      at = inner.get();
    }
    rest = Text(rest.data() + dot + 1, rest.size() - dot - 1);
  }
}

bool same_shape(const Array &a, const Array &b) {
  if (a.ndim != b.ndim) return false;
  return a.ndim == 0 || memcmp(a.dims(), b.dims(), a.ndim * sizeof(int64_t)) == 0;
}

// Sorts names and adds them to the report as a list.
Status report_names(Dict &report, Text key, Vec<Text> &names) {
  std::sort(names.begin(), names.end(), [](Text a, Text b) { return compare(a, b) < 0; });
  StringList *list = nullptr;
  TFILE_TRY(report.set_string_list(key, &list));
  for (const Text name : names)
    TFILE_TRY(list->append(name));
  return kOk;
}

}  // namespace

Status flatten(Ref<Dict> &flat, Memory &memory, const Dict &tree) {
  return flatten_leaves(flat, memory, tree, false);
}

Status unflatten(Ref<Dict> &out, Memory &memory, const Dict &flat) {
  Ref<Dict> tree;
  TFILE_TRY(make_dict(tree, memory));
  Leaves leaves(memory, flat);
  const DictEntry *leaf = nullptr;
  for (;;) {
    TFILE_TRY(leaves.next(&leaf));
    if (leaf == nullptr) break;
    TFILE_TRY(insert(*tree, memory, leaves.name(), *leaf));
  }
  out = std::move(tree);
  return kOk;
}

Status compare_trees(Ref<Dict> &out, Memory &memory, const Dict &expected, const Dict &actual) {
  Ref<Dict> required;
  Ref<Dict> found;
  TFILE_TRY(flatten_leaves(required, memory, expected, true));
  TFILE_TRY(flatten_leaves(found, memory, actual, true));
  Vec<Text> missing(memory);
  Vec<Text> unexpected(memory);
  Vec<Text> other_shape(memory);
  for (const DictEntry *entry : required->entries) {
    const DictEntry *const match = found->find(entry->key);
    if (match == nullptr) {
      TFILE_TRY(missing.push(entry->key));
    } else if (!same_shape(*entry->array, *match->array)) {
      TFILE_TRY(other_shape.push(entry->key));
    }
  }
  for (const DictEntry *entry : found->entries) {
    if (required->find(entry->key) == nullptr) TFILE_TRY(unexpected.push(entry->key));
  }
  Ref<Dict> report;
  TFILE_TRY(make_dict(report, memory));
  TFILE_TRY(report_names(*report, "missing", missing));
  TFILE_TRY(report_names(*report, "unexpected", unexpected));
  TFILE_TRY(report_names(*report, "shape", other_shape));
  out = std::move(report);
  return kOk;
}

}  // namespace tfile
