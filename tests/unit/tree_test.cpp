#include "core/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "support/memory.h"

namespace tfile {
namespace {

using testing::TestMemory;
using Names = std::vector<std::string>;

Ref<Dict> new_dict(Memory &memory) {
  Ref<Dict> dict;
  EXPECT_TRUE(make_dict(dict, memory).ok());
  return dict;
}

Ref<Array> new_array(Memory &memory, std::vector<int64_t> shape) {
  Ref<Array> array;
  EXPECT_TRUE(make_array(array, memory, *find_dtype(TF_DTYPE_INT8), {shape.data(), shape.size()}).ok());
  return array;
}

// Makes a flat dict of arrays of shape (1,).
Ref<Dict> flat_of(Memory &memory, const Names &names) {
  Ref<Dict> dict = new_dict(memory);
  for (const std::string &name : names)
    EXPECT_TRUE(dict->set_array(Text(name.data(), name.size()), *new_array(memory, {1})).ok());
  return dict;
}

// Returns the keys of a tree, such as "a{b,c{d}}".
std::string outline(const Dict &dict) {
  std::string text;
  for (size_t i = 0; i < dict.size(); ++i) {
    const DictEntry &entry = dict.at(i);
    text += (i > 0 ? "," : "") + std::string(entry.key.data(), entry.key.size());
    if (entry.kind == TF_KIND_DICT) text += "{" + outline(*entry.dict) + "}";
  }
  return text;
}

TEST(Unflatten, SplitsAtDotsAsMlxDoes) {
  // The same result as mlx.utils.tree_unflatten, except that lists remain dicts with the keys "0", "1", ...
  const std::pair<Names, std::string> cases[] = {
      {{}, ""},
      {{"hello.world"}, "hello{world}"},
      {{"layers.0.w", "b", "layers.1.w", "layers.0.b"}, "layers{0{w,b},1{w}},b"},
      {{"a.", ".b", "c..d"}, "a{},{b},c{{d}}"},
      {{"01", "1"}, "01,1"},
  };
  for (const auto &[names, expected] : cases) {
    TestMemory memory;
    const Ref<Dict> flat = flat_of(*memory, names);
    Ref<Dict> tree;
    ASSERT_TRUE(unflatten(tree, *memory, *flat).ok());
    EXPECT_EQ(outline(*tree), expected);
    Ref<Dict> again;
    ASSERT_TRUE(flatten(again, *memory, *tree).ok());
    EXPECT_EQ(again->size(), flat->size());
    for (const std::string &name : names) {
      const Text key(name.data(), name.size());
      ASSERT_NE(again->find(key), nullptr) << name;
      EXPECT_EQ(again->find(key)->array, flat->find(key)->array);
    }
  }
}

TEST(Unflatten, RefusesANameThatIsAPrefix) {
  for (const Names &names : {Names{"a", "a.b"}, Names{"a.b", "a"}, Names{"x.y.z", "x.y"}, Names{".b", ""}}) {
    TestMemory memory;
    const Ref<Dict> flat = flat_of(*memory, names);
    Ref<Dict> tree;
    EXPECT_EQ(unflatten(tree, *memory, *flat).code, TF_STATUS_DUPLICATE);
    EXPECT_EQ(error_record().name, names[1]);
    EXPECT_EQ(error_record().message, "key '" + names[1] + "': occurs twice, or is also the prefix of another name");
    EXPECT_EQ(tree.get(), nullptr);
  }
}

std::string dotted(size_t parts) {
  std::string name = "p";
  for (size_t i = 1; i < parts; ++i)
    name += ".p";
  return name;
}

TEST(Unflatten, TakesNamesOf64Parts) {
  TestMemory memory;
  Ref<Dict> tree;
  ASSERT_TRUE(unflatten(tree, *memory, *flat_of(*memory, {dotted(64)})).ok());
  Ref<Dict> flat;
  ASSERT_TRUE(flatten(flat, *memory, *tree).ok());
  EXPECT_EQ(outline(*flat), dotted(64));
  EXPECT_EQ(unflatten(flat, *memory, *flat_of(*memory, {dotted(65)})).code, TF_STATUS_LIMIT);
  EXPECT_EQ(error_record().message, "key '" + dotted(65) + "': a name of more than 64 parts");
  // With one more dict it fails.
  const Ref<Dict> deeper = new_dict(*memory);
  ASSERT_TRUE(deeper->set_dict("p", *tree).ok());
  EXPECT_EQ(flatten(flat, *memory, *deeper).code, TF_STATUS_LIMIT);
  EXPECT_EQ(error_record().message, "key '" + dotted(64) + "': nested deeper than 64 dicts");
}

TEST(Unflatten, TakesDictsForWhatTheyFlattenTo) {
  TestMemory memory;
  const Ref<Dict> flat = flat_of(*memory, {"a.x"});
  const Ref<Dict> inner = flat_of(*memory, {"y"});
  ASSERT_TRUE(flat->set_dict("a", *inner).ok());
  Ref<Dict> tree;
  ASSERT_TRUE(unflatten(tree, *memory, *flat).ok());
  EXPECT_EQ(outline(*tree), "a{x,y}");
  EXPECT_EQ(inner->size(), 1u);
}

TEST(Flatten, TakesEveryKindAndDropsEmptyDicts) {
  TestMemory memory;
  const Ref<Dict> tree = new_dict(*memory);
  const Ref<Dict> inner = new_dict(*memory);
  ASSERT_TRUE(tree->set_dict("empty", *new_dict(*memory)).ok());
  ASSERT_TRUE(tree->set_dict("in", *inner).ok());
  ASSERT_TRUE(inner->set_string("s", Text("\0x", 2)).ok());
  StringList *list = nullptr;
  ASSERT_TRUE(inner->set_string_list("l", &list).ok());
  ASSERT_TRUE(list->append("one").ok());
  ASSERT_TRUE(list->append("").ok());
  ASSERT_TRUE(tree->set_array("w", *new_array(*memory, {2, 3})).ok());
  Ref<Dict> flat;
  ASSERT_TRUE(flatten(flat, *memory, *tree).ok());
  EXPECT_EQ(outline(*flat), "in.s,in.l,w");
  EXPECT_EQ(flat->at(0).string, Text("\0x", 2));
  ASSERT_EQ(flat->at(1).list->size(), 2u);
  EXPECT_EQ(flat->at(1).list->at(0), Text("one"));
  EXPECT_EQ(flat->at(1).list->at(1), Text(""));
  EXPECT_EQ(flat->at(2).array->size, 6);
}

TEST(Flatten, RefusesTwoPathsOfOneName) {
  TestMemory memory;
  const Ref<Dict> tree = flat_of(*memory, {"a.b"});
  ASSERT_TRUE(tree->set_dict("a", *flat_of(*memory, {"b"})).ok());
  Ref<Dict> flat;
  EXPECT_EQ(flatten(flat, *memory, *tree).code, TF_STATUS_DUPLICATE);
  EXPECT_STREQ(error_record().message, "key 'a.b': two paths of the tree have this name");
}

Names list_of(const Dict &report, const char *key) {
  Names names;
  const StringList &list = *report.find(key)->list;
  for (size_t i = 0; i < list.size(); ++i)
    names.emplace_back(list.at(i).data(), list.at(i).size());
  return names;
}

TEST(CompareTrees, SortsByBytes) {
  TestMemory memory;
  const Ref<Dict> expected = flat_of(*memory, {"z", "l.10", "l.2", "a", "\xC3\xA9", "same"});
  const Ref<Dict> actual = new_dict(*memory);
  ASSERT_TRUE(actual->set_dict("l", *flat_of(*memory, {"2", "3", "0"})).ok());
  ASSERT_TRUE(actual->set_array("same", *new_array(*memory, {1})).ok());
  ASSERT_TRUE(actual->set_array("z", *new_array(*memory, {1, 1})).ok());
  ASSERT_TRUE(actual->set_array("a", *new_array(*memory, {2})).ok());
  ASSERT_TRUE(actual->set_string("text", "is not compared").ok());
  Ref<Dict> report;
  ASSERT_TRUE(compare_trees(report, *memory, *expected, *actual).ok());
  EXPECT_EQ(outline(*report), "missing,unexpected,shape");
  EXPECT_EQ(list_of(*report, "missing"), (Names{"l.10", "\xC3\xA9"}));
  EXPECT_EQ(list_of(*report, "unexpected"), (Names{"l.0", "l.3"}));
  EXPECT_EQ(list_of(*report, "shape"), (Names{"a", "z"}));
}

TEST(CompareTrees, SortsManyNames) {
  TestMemory memory;
  Names names;
  for (int i = 0; i < 1000; ++i)
    names.push_back(std::to_string(i * 7919 % 1000));
  Ref<Dict> report;
  ASSERT_TRUE(compare_trees(report, *memory, *flat_of(*memory, names), *new_dict(*memory)).ok());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(list_of(*report, "missing"), names);
}

TEST(Tree, EveryFailedAllocationIsClean) {
  TestMemory outer;
  Names names;
  for (int i = 0; i < 30; ++i)
    names.push_back("layers." + std::to_string(i) + ".weight");
  const Ref<Dict> flat = flat_of(*outer, names);
  StringList *list = nullptr;
  ASSERT_TRUE(flat->set_string_list("words", &list).ok());
  ASSERT_TRUE(list->append("word").ok());
  testing::fail_each_allocation([&flat](TestMemory &memory) {
    Ref<Dict> tree;
    TFILE_TRY(unflatten(tree, *memory, *flat));
    Ref<Dict> again;
    TFILE_TRY(flatten(again, *memory, *tree));
    EXPECT_EQ(outline(*again), outline(*flat));
    EXPECT_TRUE(again->remove("layers.7.weight"));
    Ref<Dict> report;
    TFILE_TRY(compare_trees(report, *memory, *again, *tree));
    EXPECT_EQ(list_of(*report, "unexpected"), Names{"layers.7.weight"});
    return kOk;
  });
}

}  // namespace
}  // namespace tfile
