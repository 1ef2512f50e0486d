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

TEST(Failure, KeepsTheByteAfterALongMessage) {
  const std::string longText(3000, 'x');
  const Status status = Failure(TF_STATUS_IO).at(UINT64_MAX - 1) << longText.c_str();
  EXPECT_EQ(status.code, TF_STATUS_IO);
  const std::string message = error_record().message;
  EXPECT_LT(message.size(), sizeof(ErrorRecord::message));
  EXPECT_TRUE(message.ends_with(" (byte 18446744073709551614)")) << message;
}

TEST(Failure, CutsALongNameAtAWholeCharacter) {
  const std::string name = std::string(254, 'n') + "\xC3\xA9";
  const Status status = Failure(TF_STATUS_CORRUPT).key(name.c_str()) << "bad";
  EXPECT_EQ(status.code, TF_STATUS_CORRUPT);
  EXPECT_EQ(error_record().name, std::string(254, 'n'));
  EXPECT_EQ(error_record().message, "key '" + std::string(254, 'n') + "': bad");
}

TEST(Failure, ForgetsTheNameAndByteOfTheOneBefore) {
  const Status first = Failure(TF_STATUS_CORRUPT).key("k").at(3) << "bad";
  EXPECT_EQ(first.code, TF_STATUS_CORRUPT);
  const Status second = Failure(TF_STATUS_IO) << int32_t{-5} << " " << INT64_MIN;
  EXPECT_EQ(second.code, TF_STATUS_IO);
  EXPECT_STREQ(error_record().message, "-5 -9223372036854775808");
  EXPECT_STREQ(error_record().name, "");
  EXPECT_EQ(error_record().offset, UINT64_MAX);
}

TEST(Refusals, LeaveOutAFirstEntryThatIsTooLong) {
  Refusals refusals;
  refusals.add("a") << std::string(1000, 'x').c_str();
  refusals.add("b") << "bad";
  refusals.add("c").shape({}) << " is bad";
  const Status status = refusals.result(TF_STATUS_UNSUPPORTED, "", "cannot hold");
  EXPECT_EQ(status.code, TF_STATUS_UNSUPPORTED);
  EXPECT_STREQ(error_record().message, "cannot hold: 'b' (bad), 'c' (() is bad), and 1 more");
  EXPECT_STREQ(error_record().name, "a");
}

TEST(Refusals, AreNoneWhenNothingIsAdded) {
  Refusals refusals;
  EXPECT_FALSE(refusals.any());
  EXPECT_TRUE(refusals.result(TF_STATUS_UNSUPPORTED, "", "cannot hold").ok());
}

TEST(Failure, ShowsTheEndOfALongPath) {
  const std::string path = "/start/" + std::string(4000, 'x') + "/model.gguf";
  const Status status = Failure(TF_STATUS_CORRUPT).in(path.c_str()).at(7) << "the reason";
  EXPECT_EQ(status.code, TF_STATUS_CORRUPT);
  const std::string message = error_record().message;
  EXPECT_TRUE(message.starts_with("...x")) << message;
  EXPECT_TRUE(message.ends_with("/model.gguf: the reason (byte 7)")) << message;
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
