// Compares the whole error record of the last failure.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace tfile {

inline void expect_error(const std::string &message, uint64_t offset = kNoOffset, const std::string &name = "") {
  EXPECT_EQ(std::string(error_record().message), message);
  EXPECT_EQ(error_record().offset, offset);
  EXPECT_EQ(std::string(error_record().name), name);
}

}  // namespace tfile
