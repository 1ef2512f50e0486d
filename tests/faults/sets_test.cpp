// Makes saves of sets fail, or kills them, at any moment. They leave the old set, the new set, or a set that does not
// load in any way, but never a mixture.
#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <set>

#include "faults/interpose.h"
#include "support/sets.h"

namespace tfile::faults {
namespace {

using testing::entry_of;
using testing::expect_no_mixture;
using testing::load_weights_of;
using testing::LoadedWeights;
using testing::options_with;
using testing::save_weights_of;

constexpr tf_format kFormats[] = {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};

// One save over another.
struct Change {
  const char *name;
  int old_parts;  // arrays of the old set, one in each file; 0: a single file
  int new_parts;
  bool atomic;
  bool durable;
};
constexpr Change kChanges[] = {
    {"the same parts", 3, 3, true, false},
    {"the same parts, durably", 3, 3, true, true},
    {"fewer parts", 4, 2, true, false},
    {"more parts, durably", 2, 3, true, true},
    {"a set over a single file", 0, 3, true, false},
    {"a single file over a set", 3, 0, true, false},
    {"in place", 3, 3, false, false},
};

class SetFaults : public ::testing::Test {
 protected:
  // Only the save that fails is durable, because syncing takes most of the time of these tests.
  tf_status save(float value, int parts, const Change &change, bool durable = false) const {
    const auto options = options_with({{TF_OPTION_PART_BYTES, parts == 0 ? 10000 : 50},
                                       {TF_OPTION_THREADS, 1},
                                       {TF_OPTION_ATOMIC, change.atomic ? 1 : 0},
                                       {TF_OPTION_DURABLE, durable ? 1 : 0}});
    return save_weights_of(folder_->path("m"), format_, value, options.get(), parts == 0 ? 3 : parts);
  }
  std::string entry(int parts) const {
    return parts == 0 ? folder_->path("m") + testing::extension_of(format_)
                      : entry_of(folder_->path("m"), format_, parts);
  }
  // A new folder with the old set, all 1.
  void begin(const Change &change, tf_format format) {
    folder_.emplace();
    format_ = format;
    ASSERT_EQ(save(1, change.old_parts, change), TF_STATUS_OK) << tf_error_message();
    names_ = folder_->names();
  }
  // After any failure the next save succeeds and leaves only its own set. Every other one divides the set in a new way, so
  // that it has to find what is left of the others. What the system kept the save from removing remains, and so can parts of
  // a gguf, because only its first part names the others.
  void expect_recovery(const Change &change, int64_t n, bool removes = true) {
    const int parts = change.atomic && n % 2 == 0 ? 5 : change.new_parts;
    ASSERT_EQ(save(3, parts, change), TF_STATUS_OK) << tf_error_message();
    EXPECT_TRUE(load_weights_of(entry(parts)).all_are(3));
    EXPECT_TRUE(expect_no_mixture(*folder_, "m", format_) || parts == 0);
    if (change.atomic && removes && format_ == TF_FORMAT_SAFETENSORS) {
      const size_t files = parts == 0 ? 1 : static_cast<size_t>(parts) + 1;
      EXPECT_EQ(folder_->names().size(), files) << "of which the first is " << folder_->names()[0];
    }
  }

  // Saves in another process, which is killed right before one of its calls. Returns its status, as waitpid() does.
  int save_and_kill(Call call, int64_t n, const Change &change) const {
    const pid_t child = fork();
    EXPECT_GE(child, 0);
    if (child == 0) {
      arm({call, n, false, 0, true});
      _exit(save(2, change.new_parts, change, change.durable) == TF_STATUS_OK ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  // The context of replace(), which makes a save.
  struct Replacement {
    const SetFaults *test;
    const Change *change;
  };
  static void replace(void *context) {
    const auto &[test, change] = *static_cast<const Replacement *>(context);
    EXPECT_EQ(test->save(2, change->new_parts, *change), TF_STATUS_OK) << tf_error_message();
  }

  std::optional<TempFolder> folder_;
  tf_format format_ = TF_FORMAT_AUTO;
  std::vector<std::string> names_;
};

// What a save that replaces a set does if a call of one kind fails.
enum class Effect {
  kContinues,  // it succeeds
  kKeepsOld,   // the call is only made while the new files are written, before any replacement
  kAnything,
};
struct Way {
  Call call;
  int error;
  Effect effect;
};
constexpr Way kWays[] = {
    {kOpen, EIO, Effect::kKeepsOld},        {kOpen, EMFILE, Effect::kKeepsOld},
    {kWrite, EIO, Effect::kKeepsOld},       {kWrite, ENOSPC, Effect::kKeepsOld},
    {kClose, EIO, Effect::kKeepsOld},       {kReserve, EIO, Effect::kContinues},
    {kRead, EIO, Effect::kKeepsOld},        {kAccess, EACCES, Effect::kKeepsOld},
    {kLink, EIO, Effect::kKeepsOld},        {kStat, EIO, Effect::kAnything},
    {kSync, EIO, Effect::kAnything},        {kRename, EIO, Effect::kAnything},
    {kRename, EACCES, Effect::kAnything},   {kUnlink, EIO, Effect::kAnything},
    {kOpenList, ENOMEM, Effect::kKeepsOld}, {kList, EIO, Effect::kKeepsOld},
    {kCloseList, EIO, Effect::kContinues},  {kTruncate, EIO, Effect::kKeepsOld},
    {kMode, EPERM, Effect::kContinues},     {kMap, ENOMEM, Effect::kContinues},
    {kUnmap, ENOMEM, Effect::kContinues},   {kDuplicate, EMFILE, Effect::kKeepsOld},
    {kFlags, EBADF, Effect::kContinues},    {kAdvise, EINVAL, Effect::kContinues},
    {kRandom, ENOSYS, Effect::kContinues},  {kCopy, EXDEV, Effect::kContinues},
    {kSeek, EINVAL, Effect::kContinues},    {kProcessors, EPERM, Effect::kContinues},
};
// The calls that these saves make, each of which fails, and before each of which a save is killed. A save of a set maps
// and copies no file. It follows links if there are any, and reserves space for large files, as the save of a single
// file does in io_test.cpp.
constexpr Call kCallsOfSaves[] = {kOpen,   kRead, kWrite,  kSync,  kRename, kClose,    kStat, kTruncate,
                                  kUnlink, kMode, kAccess, kFlags, kRandom, kOpenList, kList, kCloseList};

TEST_F(SetFaults, EveryFailureOfTheSystem) {
  int64_t faults = 0;
  std::set<Call> struck;
  for (const tf_format format : kFormats) {
    for (const Change &change : kChanges) {
      for (const Way &way : kWays) {
        for (const bool lasting : {false, true}) {
          if (lasting && (way.call == kClose || way.call == kUnlink)) continue;
          for (int64_t n = 1;; ++n) {
            SCOPED_TRACE(std::string(change.name) + ": " + kCallNames[way.call] + " " + std::to_string(n) +
                         " fails with " + std::to_string(way.error) + (lasting ? " for ever" : ""));
            ASSERT_LT(n, 2000);
            begin(change, format);
            arm({way.call, n, lasting, way.error, false});
            const tf_status status = save(2, change.new_parts, change, change.durable);
            const std::string message = status == TF_STATUS_OK ? "" : tf_error_message();
            disarm();
            if (!has_failed()) {
              EXPECT_EQ(status, TF_STATUS_OK) << message;
              break;
            }
            ++faults;
            struck.insert(way.call);
            expect_no_mixture(*folder_, "m", format, !change.atomic);
            if (status == TF_STATUS_OK) {
              EXPECT_TRUE(load_weights_of(entry(change.new_parts)).all_are(2));
            } else if (way.effect == Effect::kContinues) {
              ADD_FAILURE() << message;
            } else if (way.effect == Effect::kKeepsOld && change.atomic) {
              EXPECT_TRUE(load_weights_of(entry(change.old_parts)).all_are(1)) << message;
              if (way.call != kUnlink) {
                EXPECT_EQ(folder_->names(), names_) << message;
              }
            }
            for (const std::string &name : folder_->names()) {
              if (way.call != kUnlink) {
                EXPECT_NE(name[0], '.') << "a temporary file was left";
              }
            }
            expect_recovery(change, n, !lasting);
            if (HasFailure()) return;
          }
        }
      }
    }
  }
  std::printf("%lld faults injected\n", static_cast<long long>(faults));
  EXPECT_GT(faults, 1000);
  for (const Call call : kCallsOfSaves)
    EXPECT_EQ(struck.count(call), 1u) << "no save calls " << kCallNames[call];
}

// A single file replaces a set, of which it was one file: until the index is gone, it would be a part of the old set.
TEST_F(SetFaults, KilledWhileAFileOfTheSetBecomesASingleFile) {
  int kills = 0;
  for (const bool atomic : {true, false}) {
    const Change change{"a file of the set", 0, 0, atomic, false};
    for (const Call call : {kOpen, kRename, kUnlink, kWrite, kTruncate}) {
      for (int64_t n = 1;; ++n) {
        SCOPED_TRACE(std::string(kCallNames[call]) + " " + std::to_string(n) + (atomic ? "" : ", in place"));
        folder_.emplace();
        format_ = TF_FORMAT_SAFETENSORS;
        ASSERT_EQ(save_weights_of(folder_->path("m"), format_, 1, nullptr, 1), TF_STATUS_OK);
        ASSERT_EQ(save_weights_of(folder_->path("other"), format_, 1, nullptr, 2), TF_STATUS_OK);
        const std::string index = folder_->write("m.safetensors.index.json",
                                                 R"({"weight_map":{"w0":"m.safetensors","w1":"other.safetensors"}})");
        const int status = save_and_kill(call, n, change);
        ASSERT_FALSE(HasFailure());
        const LoadedWeights loaded = load_weights_of(index);
        for (const float value : loaded.values)
          ASSERT_EQ(value, 1) << "the old index opens the new file";
        if (!WIFSIGNALED(status)) {
          EXPECT_EQ(WEXITSTATUS(status), 0);
          EXPECT_TRUE(load_weights_of(entry(0)).all_are(2));
          EXPECT_EQ(folder_->names(), std::vector<std::string>{"m.safetensors"});
          break;
        }
        ++kills;
      }
    }
  }
  EXPECT_GT(kills, 10);
}

// A set is replaced by another program while it is opened: before each file that is opened. If its files were listed
// before, a folder can seem to have both sets.
TEST_F(SetFaults, ReplacedWhileItIsOpened) {
  int refused = 0;
  int moments = 0;
  for (const tf_format format : kFormats) {
    for (const Change &change : kChanges) {
      if (!change.atomic || change.old_parts == 0) continue;
      for (const bool by_folder : {false, true}) {
        for (int64_t n = 1;; ++n, ++moments) {
          SCOPED_TRACE(std::string(change.name) + ": replaced before open " + std::to_string(n));
          begin(change, format);
          Replacement replacement{this, &change};
          Fault fault{kOpen, n};
          fault.action = replace;
          fault.context = &replacement;
          arm(fault);
          const LoadedWeights loaded = load_weights_of(by_folder ? folder_->path() : entry(change.old_parts));
          disarm();
          EXPECT_FALSE(loaded.is_mixture());
          EXPECT_TRUE(loaded.is_whole() || loaded.lacks_entry() ||
                      (by_folder && loaded.status == TF_STATUS_INVALID_ARGUMENT) ||
                      loaded.message.ends_with("was replaced while the set was opened; open the set again"))
              << loaded.message;
          refused += loaded.is_whole() ? 0 : 1;
          if (!has_failed() || HasFailure()) break;
        }
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(moments, 100);
}

// A process that is killed right before each of its calls to the system.
TEST_F(SetFaults, KilledBeforeEveryCall) {
  int64_t kills = 0;
  int64_t refused = 0;
  for (const tf_format format : kFormats) {
    for (const Change &change : kChanges) {
      for (const Call call : kCallsOfSaves) {
        for (int64_t n = 1;; ++n) {
          SCOPED_TRACE(std::string(change.name) + ": killed before " + kCallNames[call] + " " + std::to_string(n));
          begin(change, format);
          const int status = save_and_kill(call, n, change);
          ASSERT_FALSE(HasFailure());
          const LoadedWeights old_set = load_weights_of(entry(change.old_parts));
          const LoadedWeights new_set = load_weights_of(entry(change.new_parts));
          if (!WIFSIGNALED(status)) {
            EXPECT_EQ(WEXITSTATUS(status), 0);
            EXPECT_TRUE(new_set.all_are(2));
            break;
          }
          ++kills;
          expect_no_mixture(*folder_, "m", format, !change.atomic);
          if (!old_set.all_are(1) && !new_set.all_are(2)) ++refused;
          for (const LoadedWeights *set : {&old_set, &new_set}) {
            EXPECT_TRUE(!change.atomic || set->is_whole() || set->lacks_entry()) << set->message;
          }
          // A killed process cannot remove its temporary files.
          for (const std::string &name : folder_->names()) {
            if (name[0] == '.') std::filesystem::remove(folder_->path(name));
          }
          expect_recovery(change, n);
          if (HasFailure()) return;
        }
      }
    }
  }
  std::printf("%lld kills, after %lld of which the set did not load\n", static_cast<long long>(kills),
              static_cast<long long>(refused));
  EXPECT_GT(kills, 200);
  EXPECT_LT(refused, kills / 2);
}

}  // namespace
}  // namespace tfile::faults
