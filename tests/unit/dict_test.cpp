#include "core/dict.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "support/memory.h"

namespace tfile {
namespace {

using testing::TestMemory;

std::string str(Text text) {
  return std::string(text.data(), text.size());
}

std::vector<std::string> keys(const Dict &dict) {
  std::vector<std::string> found;
  for (size_t i = 0; i < dict.size(); ++i)
    found.push_back(str(dict.at(i).key));
  return found;
}

Ref<Dict> new_dict(Memory &memory) {
  Ref<Dict> dict;
  EXPECT_TRUE(make_dict(dict, memory).ok());
  return dict;
}

Ref<Array> new_array(Memory &memory, int64_t size) {
  Ref<Array> array;
  EXPECT_TRUE(make_array(array, memory, *find_dtype(TF_DTYPE_INT8), {&size, 1}).ok());
  return array;
}

TEST(Dict, KeepsOrderAndReplacesInPlace) {
  TestMemory memory;
  const Ref<Dict> dict = new_dict(*memory);
  const Ref<Array> array = new_array(*memory, 3);
  ASSERT_TRUE(dict->set_string("b", "one").ok());
  ASSERT_TRUE(dict->set_array("a", *array).ok());
  ASSERT_TRUE(dict->set_string("", Text("x\0y", 3)).ok());
  ASSERT_TRUE(dict->set_string("a", "two").ok());
  EXPECT_EQ(keys(*dict), (std::vector<std::string>{"b", "a", ""}));
  EXPECT_EQ(dict->at(1).kind, TF_KIND_STRING);
  EXPECT_EQ(str(dict->find("a")->string), "two");
  EXPECT_STREQ(dict->find("a")->string.data(), "two");
  EXPECT_EQ(str(dict->find("")->string), std::string("x\0y", 3));
  EXPECT_EQ(dict->find("c"), nullptr);
  EXPECT_TRUE(array->refs.unique());
}

TEST(Dict, ReplacesAStringByAPartOfItself) {
  TestMemory memory;
  const Ref<Dict> dict = new_dict(*memory);
  ASSERT_TRUE(dict->set_string("k", "abcdef").ok());
  ASSERT_TRUE(dict->set_string(dict->at(0).key, dict->at(0).string.from(2)).ok());
  EXPECT_EQ(str(dict->find("k")->string), "cdef");
}

TEST(Dict, RemovesAndClosesTheGap) {
  TestMemory memory;
  const Ref<Dict> dict = new_dict(*memory);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(dict->set_string(std::to_string(i).c_str(), "v").ok());
  EXPECT_FALSE(dict->remove("100"));
  for (int i = 0; i < 100; i += 2)
    EXPECT_TRUE(dict->remove(std::to_string(i).c_str()));
  ASSERT_EQ(dict->size(), 50u);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(dict->find(std::to_string(i).c_str()) != nullptr, i % 2 == 1) << i;
  EXPECT_EQ(str(dict->at(7).key), "15");
}

TEST(Dict, KeepsArraysAndDictsAlive) {
  TestMemory memory;
  Ref<Dict> outer = new_dict(*memory);
  {
    const Ref<Dict> inner = new_dict(*memory);
    ASSERT_TRUE(inner->set_array("w", *new_array(*memory, 7)).ok());
    ASSERT_TRUE(outer->set_dict("inner", *inner).ok());
    ASSERT_TRUE(outer->set_dict("again", *inner).ok());
  }
  EXPECT_EQ(outer->find("inner")->dict->find("w")->array->size, 7);
  const Ref<Dict> kept = Ref<Dict>::share(outer->find("again")->dict);
  outer = Ref<Dict>();
  EXPECT_EQ(kept->find("w")->array->size, 7);
  EXPECT_TRUE(kept->refs.unique());
}

TEST(StringList, GivesBackWhatWasAppended) {
  TestMemory memory;
  const Ref<Dict> dict = new_dict(*memory);
  StringList *list = nullptr;
  ASSERT_TRUE(dict->set_string_list("l", &list).ok());
  const std::vector<std::string> texts = {"", "a", std::string("n\0l", 3), std::string(5000, 'x'), ""};
  for (const std::string &text : texts)
    ASSERT_TRUE(list->append(Text(text.data(), text.size())).ok());
  // Appends a string of the list itself, whose memory moves while the list grows.
  for (size_t i = 0; i < 100; ++i)
    ASSERT_TRUE(list->append(list->at(3)).ok());
  ASSERT_EQ(list->size(), texts.size() + 100);
  for (size_t i = 0; i < list->size(); ++i) {
    EXPECT_EQ(str(list->at(i)), i < texts.size() ? texts[i] : texts[3]);
    EXPECT_EQ(list->at(i).data()[list->at(i).size()], '\0');
  }
}

TEST(StringList, AppendsAnother) {
  TestMemory memory;
  StringList a(*memory);
  StringList b(*memory);
  ASSERT_TRUE(a.append("x").ok());
  ASSERT_TRUE(b.append("yy").ok());
  ASSERT_TRUE(b.append("").ok());
  ASSERT_TRUE(a.append(b).ok());
  ASSERT_EQ(a.size(), 3u);
  EXPECT_EQ(str(a.at(0)), "x");
  EXPECT_EQ(str(a.at(1)), "yy");
  EXPECT_EQ(str(a.at(2)), "");
}

TEST(Dict, ReachesNestedDicts) {
  TestMemory memory;
  const Ref<Dict> a = new_dict(*memory);
  const Ref<Dict> b = new_dict(*memory);
  const Ref<Dict> c = new_dict(*memory);
  ASSERT_TRUE(a->set_dict("b", *b).ok());
  ASSERT_TRUE(b->set_dict("c", *c).ok());
  const auto reaches = [](const Ref<Dict> &from, const Ref<Dict> &to) {
    bool found = false;
    EXPECT_TRUE(from->reaches(&found, *to).ok());
    return found;
  };
  EXPECT_TRUE(reaches(a, a));
  EXPECT_TRUE(reaches(a, b));
  EXPECT_TRUE(reaches(a, c));
  EXPECT_FALSE(reaches(c, a));
  EXPECT_FALSE(reaches(b, a));
}

TEST(Dict, VisitsEachDictOnceHoweverManyPathsLeadToIt) {
  TestMemory memory;
  Ref<Dict> top = new_dict(*memory);
  const Ref<Dict> other = new_dict(*memory);
  // There are 2^100 paths from the outermost to the innermost dict.
  for (int i = 0; i < 100; ++i) {
    const Ref<Dict> above = new_dict(*memory);
    ASSERT_TRUE(above->set_dict("l", *top).ok());
    ASSERT_TRUE(above->set_dict("r", *top).ok());
    top = above;
  }
  bool found = true;
  ASSERT_TRUE(top->reaches(&found, *other).ok());
  EXPECT_FALSE(found);
}

TEST(Dict, FreesADeepNestWithLittleStack) {
  TestMemory memory;
  Ref<Dict> top = new_dict(*memory);
  for (int i = 0; i < 300000; ++i) {
    const Ref<Dict> above = new_dict(*memory);
    ASSERT_TRUE(above->set_dict("d", *top).ok());
    top = above;
  }
  top = Ref<Dict>();
  EXPECT_EQ(memory.blocks(), 0);
}

TEST(Dict, EveryFailedAllocationIsClean) {
  testing::fail_each_allocation([](TestMemory &memory) {
    Ref<Dict> dict;
    TFILE_TRY(make_dict(dict, *memory));
    Ref<Dict> inner;
    TFILE_TRY(make_dict(inner, *memory));
    const int64_t size = 3;
    Ref<Array> array;
    TFILE_TRY(make_array(array, *memory, *find_dtype(TF_DTYPE_INT8), {&size, 1}));
    size_t filled = 0;
    for (int i = 0; i < 40; ++i) {
      const std::string key = std::to_string(i % 35);
      StringList *list = nullptr;
      const Status status = i % 4 == 0   ? dict->set_string(key.c_str(), "text")
                            : i % 4 == 1 ? dict->set_array(key.c_str(), *array)
                            : i % 4 == 2 ? dict->set_dict(key.c_str(), *inner)
                                         : dict->set_string_list(key.c_str(), &list);
      if (!status.ok()) {
        EXPECT_EQ(dict->size(), filled);
        EXPECT_EQ(dict->find(key.c_str()) != nullptr, i >= 35);
        return status;
      }
      filled = dict->size();
      if (list == nullptr) continue;
      for (size_t j = 0; j < 70; ++j) {
        const Status appended = list->append("some text");
        EXPECT_EQ(list->size(), j + (appended.ok() ? 1 : 0));
        TFILE_TRY(appended);
      }
    }
    bool found = false;
    return dict->reaches(&found, *inner);
  });
}

}  // namespace
}  // namespace tfile
