#include "base/name_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/memory.h"

namespace tfile {
namespace {

using testing::TestMemory;
using Names = std::vector<std::string>;

Text name_at(const void *owner, size_t position) {
  const std::string &name = (*static_cast<const Names *>(owner))[position];
  return Text(name.data(), name.size());
}

Text text(const std::string &name) {
  return Text(name.data(), name.size());
}

TEST(NameIndex, AgreesWithAMap) {
  TestMemory memory;
  Names names;
  NameIndex index(*memory, name_at, &names);
  std::mt19937 random(9);
  for (int round = 0; round < 20000; ++round) {
    // The number of names goes up and down, so that the table fills and empties.
    const uint32_t range = round / 2000 % 2 == 0 ? 600 : 60;
    const std::string name = std::string(random() % 20, 'n') + std::to_string(random() % range);
    const auto at = std::find(names.begin(), names.end(), name);
    const size_t position = at == names.end() ? NameIndex::kNone : static_cast<size_t>(at - names.begin());
    ASSERT_EQ(index.find(text(name)), position);
    if (random() % 2 == 0) {
      size_t found = 0;
      ASSERT_TRUE(index.add(&found, text(name)).ok());
      ASSERT_EQ(found, position);
      if (position == NameIndex::kNone) names.push_back(name);
    } else if (!names.empty()) {
      const size_t gone = position != NameIndex::kNone ? position : random() % names.size();
      index.remove(gone);
      names.erase(names.begin() + static_cast<ptrdiff_t>(gone));
    }
    ASSERT_EQ(index.count(), names.size());
    if (round % 500 != 0) continue;
    for (size_t i = 0; i < names.size(); ++i)
      ASSERT_EQ(index.find(text(names[i])), i);
  }
}

TEST(NameIndex, DistinguishesTheEmptyNameFromNone) {
  TestMemory memory;
  Names names;
  NameIndex index(*memory, name_at, &names);
  EXPECT_EQ(index.find(""), NameIndex::kNone);
  size_t found = 5;
  ASSERT_TRUE(index.add(&found, "").ok());
  names.push_back("");
  EXPECT_EQ(found, NameIndex::kNone);
  EXPECT_EQ(index.find(""), 0u);
  EXPECT_EQ(index.find(Text("\0", 1)), NameIndex::kNone);
}

TEST(NameIndex, EveryFailedAllocationIsClean) {
  testing::fail_each_allocation([](TestMemory &memory) {
    Names names;
    NameIndex index(*memory, name_at, &names);
    for (int i = 0; i < 100; ++i) {
      const std::string name = std::to_string(i);
      size_t found = 0;
      const Status status = index.add(&found, text(name));
      if (!status.ok()) {
        EXPECT_EQ(index.count(), names.size());
        EXPECT_EQ(index.find(text(name)), NameIndex::kNone);
        for (size_t j = 0; j < names.size(); ++j)
          EXPECT_EQ(index.find(text(names[j])), j);
        return status;
      }
      names.push_back(name);
    }
    return kOk;
  });
}

}  // namespace
}  // namespace tfile
