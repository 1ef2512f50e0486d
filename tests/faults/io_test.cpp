// Makes each system call of each operation fail, in every way that it can fail.
#include <errno.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "faults/interpose.h"
#include "faults/operations.h"

namespace tfile::faults {
namespace {

struct Way {
  Call call;
  int error;  // errno; 0: the call transfers fewer bytes than requested
  const char *says;
};

constexpr Way kWays[] = {
    {kOpen, EIO, "input/output error"},
    {kOpen, EMFILE, "too many open files"},
    {kOpen, EACCES, "permission denied"},
    {kOpen, EINTR, ""},
    {kRead, EIO, "input/output error"},
    {kRead, EINTR, ""},
    {kRead, 0, ""},
    {kWrite, EIO, "input/output error"},
    {kWrite, ENOSPC, "no space left"},
    {kWrite, EDQUOT, "quota"},
    {kWrite, EFBIG, "larger than allowed"},
    {kWrite, EINTR, ""},
    {kWrite, 0, ""},
    {kSync, EIO, "input/output error"},
    {kSync, ENOSPC, "no space left"},
    {kSync, EINTR, ""},
    {kRename, EIO, "input/output error"},
    {kRename, EACCES, "permission denied"},
    {kRename, ENOSPC, "no space left"},
    {kMap, ENOMEM, ""},
    {kMap, ENODEV, ""},
    {kReserve, ENOSPC, ""},
    {kReserve, EOPNOTSUPP, ""},
    {kReserve, EINTR, ""},
    {kClose, EIO, "input/output error"},
    {kClose, EDQUOT, "quota"},
    {kClose, EINTR, ""},
    {kStat, EIO, "input/output error"},
    {kStat, EACCES, "permission denied"},
    {kTruncate, EIO, "input/output error"},
    {kMode, EPERM, ""},
    {kLink, EIO, "input/output error"},
    {kLink, EACCES, "permission denied"},
    {kAccess, EACCES, "permission denied"},
    {kAccess, EROFS, "read-only"},
    {kDuplicate, EMFILE, "too many open files"},
    {kFlags, EBADF, "is not open for reading"},
    {kAdvise, EINVAL, ""},
    {kRandom, ENOSYS, ""},
    {kCopy, EXDEV, ""},
    {kCopy, 0, ""},
    {kOpenList, ENOMEM, "out of memory"},
    {kList, EIO, "input/output error"},
    {kCloseList, EIO, ""},
    {kSeek, EINVAL, ""},
    {kUnmap, ENOMEM, ""},
    {kProcessors, EPERM, ""},
};

constexpr const char *kOld = "what was there before";

class IoFaults : public ::testing::Test {
 protected:
  IoFaults() : names_(with_target()) {}

  size_t with_target() {
    world_.folder.write("target", kOld);
    return world_.folder.names().size();
  }

  // Runs an operation with one fault. Returns false if it made fewer calls than that.
  bool run(const Operation &operation, const Fault &fault, const Way &way) {
    const size_t open = open_descriptors();
    arm(fault);
    const tf_status status = operation.run(options_.get());
    disarm();
    EXPECT_EQ(open_descriptors(), open);
    for (const std::string &name : world_.folder.names())
      EXPECT_NE(name[0], '.') << "a temporary file was left";
    if (!has_failed()) {
      EXPECT_EQ(status, TF_STATUS_OK) << tf_error_message();
    } else {
      ++faults_;
      struck_.insert(way.call);
      expect(operation, way, fault, status);
    }
    if (operation.saves) world_.folder.write("target", kOld);
    // A set that failed while it was replaced has no first part. The next save makes it again.
    if (operation.name.rfind("save a set as ", 0) == 0 && status != TF_STATUS_OK) {
      EXPECT_EQ(operation.run(options_.get()), TF_STATUS_OK);
    }
    EXPECT_EQ(world_.folder.names().size(), names_);
    return has_failed();
  }

  void expect(const Operation &operation, const Way &way, const Fault &fault, tf_status status) {
    const std::string message = tf_error_message();
    // Interrupted and short calls are continued; calls that only advise the system may fail.
    if (*way.says == '\0' && !(fault.lasting && way.call == kRead)) {
      EXPECT_EQ(status, TF_STATUS_OK) << message;
      return;
    }
    if (status == TF_STATUS_OK) {
      // Closing a file that was only read cannot fail a load, and attributes are kept as far as possible. An old index
      // that ends early lists no parts, and a check reports a file that ends early as a fault of the file.
      const bool ends_early = way.call == kRead && way.error == 0;
      const bool accepts_end = operation.name.rfind("save a set as ", 0) == 0 || operation.name.rfind("check ", 0) == 0;
      EXPECT_TRUE(way.call == kClose || way.call == kStat || way.call == kOpen || way.call == kFlags ||
                  (ends_early && accepts_end))
          << "the failure was not reported";
      return;
    }
    EXPECT_EQ(status, *way.says != '\0' ? TF_STATUS_IO : TF_STATUS_TRUNCATED) << message;
    EXPECT_NE(message.find(way.says), std::string::npos) << message;
    EXPECT_EQ(message.find(world_.folder.path()) != std::string::npos, operation.has_path) << message;
    if (!operation.saves) return;
    // Only the sync of the folder follows the replacement.
    if (way.call == kSync) return;
    EXPECT_TRUE(world_.folder.read("target") == kOld) << message;
  }

  World world_;
  size_t names_;
  Handle<tf_options> options_ = testing::options_with({{TF_OPTION_THREADS, 1}, {TF_OPTION_EXACT_PATH, 1}});
  int64_t faults_ = 0;
  std::set<Call> struck_;
};

TEST_F(IoFaults, EveryCallFailsOnceOrFromThenOn) {
  for (const Operation &operation : operations(world_, world_.folder.path("target"))) {
    for (const Way &way : kWays) {
      for (const bool lasting : {false, true}) {
        // If every call is interrupted, no operation ends.
        if (lasting && (way.error == EINTR || way.call == kClose)) continue;
        SCOPED_TRACE(operation.name + ": " + kCallNames[way.call] + " fails with " + std::to_string(way.error));
        for (int64_t n = 1; run(operation, {way.call, n, lasting, way.error}, way); ++n)
          ASSERT_LT(n, 1000);
        ASSERT_FALSE(HasFailure());
      }
    }
    world_.expect_unharmed();
  }
  for (const Call call : {kOpen,   kRead,      kWrite,  kSync, kRename,   kMap,      kClose, kStat,      kMode, kLink,
                          kAccess, kDuplicate, kRandom, kCopy, kTruncate, kOpenList, kList,  kCloseList, kSeek, kUnmap})
    EXPECT_EQ(struck_.count(call), 1u) << "no operation calls " << kCallNames[call];
  std::printf("%lld faults injected\n", static_cast<long long>(faults_));
  EXPECT_GT(faults_, 500);
}

// Space for a large file is reserved at once. If that fails, the file is written without it.
TEST_F(IoFaults, SpaceThatCannotBeReserved) {
  const auto large = testing::random_array(TF_DTYPE_UINT8, {3 << 20});
  const std::string path = world_.folder.path("target");
  for (const int64_t atomic : {1, 0}) {
    ASSERT_EQ(tf_options_set(options_.get(), TF_OPTION_ATOMIC, atomic), TF_STATUS_OK);
    for (const int error : {ENOSPC, EOPNOTSUPP, EIO, EINTR}) {
      arm({kReserve, 1, error != EINTR, error});
      const tf_status status = tf_save(path.c_str(), large.get(), options_.get());
      disarm();
      EXPECT_TRUE(has_failed());
      ASSERT_EQ(status, TF_STATUS_OK) << tf_error_message();
      tf_array *loaded = nullptr;
      ASSERT_EQ(tf_load(&loaded, nullptr, nullptr, path.c_str(),
                        testing::options_with({{TF_OPTION_FORMAT, TF_FORMAT_NPY}}).get()),
                TF_STATUS_OK);
      const Handle<tf_array> holder(loaded);
      EXPECT_TRUE(testing::same(loaded, large.get()));
    }
  }
}

// A save in place does not keep the old file, but reports every failure.
TEST_F(IoFaults, InPlaceEveryFailureIsReported) {
  ASSERT_EQ(tf_options_set(options_.get(), TF_OPTION_ATOMIC, 0), TF_STATUS_OK);
  for (const Way &way : kWays) {
    if (*way.says == '\0' || way.call == kRename || way.call == kRead) continue;
    for (const Operation &operation : operations(world_, world_.folder.path("target"))) {
      if (!operation.saves) continue;
      SCOPED_TRACE(operation.name + ": " + kCallNames[way.call] + " fails with " + std::to_string(way.error));
      for (int64_t n = 1; n < 1000; ++n) {
        const size_t open = open_descriptors();
        arm({way.call, n, false, way.error});
        const tf_status status = operation.run(options_.get());
        disarm();
        EXPECT_EQ(open_descriptors(), open);
        if (!has_failed()) break;
        if (status != TF_STATUS_OK) {
          EXPECT_EQ(status, TF_STATUS_IO) << tf_error_message();
        } else {
          EXPECT_TRUE(way.call == kClose || way.call == kStat || way.call == kOpen || way.call == kFlags);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tfile::faults
