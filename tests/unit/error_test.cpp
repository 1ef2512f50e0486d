#include "base/error.h"

#include <gtest/gtest.h>

#include <string>

namespace tfile {
namespace {

TEST(Failure, SaysFileArrayReasonAndByte) {
  const Status status = Failure(TF_STATUS_CORRUPT).in("m.gguf").array("w\n").at(77) << "alignment " << 24 << " is bad";
  EXPECT_EQ(status.code, TF_STATUS_CORRUPT);
  EXPECT_STREQ(error_record().message, "m.gguf: array 'w\\n': alignment 24 is bad (byte 77)");
  EXPECT_STREQ(error_record().name, "w\\n");
  EXPECT_EQ(error_record().offset, 77u);
}

TEST(Failure, KeepsTheByteBehindALongMessage) {
  const std::string longText(3000, 'x');
  const Status status = Failure(TF_STATUS_IO).at(UINT64_MAX - 1) << longText.c_str();
  EXPECT_EQ(status.code, TF_STATUS_IO);
  const std::string message = error_record().message;
  EXPECT_LT(message.size(), sizeof(ErrorRecord::message));
  EXPECT_TRUE(message.ends_with(" (byte 18446744073709551614)")) << message;
}

TEST(Refusals, EndInAndMore) {
  Refusals refusals;
  for (int i = 0; i < 100; ++i)
    refusals.add(std::to_string(i).c_str()) << "complex128 does not fit";
  const Status status = refusals.result(TF_STATUS_UNSUPPORTED, "", "safetensors cannot hold");
  EXPECT_EQ(status.code, TF_STATUS_UNSUPPORTED);
  const std::string message = error_record().message;
  EXPECT_TRUE(message.starts_with("safetensors cannot hold: '0' (complex128 does not fit), '1' (")) << message;
  EXPECT_TRUE(message.ends_with(" more")) << message;
  EXPECT_NE(message.find(", and "), std::string::npos);
  EXPECT_STREQ(error_record().name, "0");
}

}  // namespace
}  // namespace tfile
