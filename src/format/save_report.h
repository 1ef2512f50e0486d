// What a format refuses to save: the error of a save, or all findings for tf_save_check().
#pragma once

#include "base/error.h"
#include "core/dict.h"

namespace tfile {

// What a finding is about.
enum class Subject : uint8_t { kFile, kArray, kMetadata };

// The problems that tf_save_check() documents.
enum class Problem : uint8_t { kCount, kKind, kDtype, kRank, kName, kDuplicate, kValue, kOption, kLimit, kSize };

// Collects the findings of a check as the report of tf_save_check(). Without one, a check ends with its first error.
class SaveReport {
 public:
  // Makes the lists of the report in an empty dict, which must outlive *this.
  Status open(Dict &dict);
  bool empty() const { return problems_->size() == 0; }
  Status add(Subject subject, Text name, Problem problem, Text reason);

 private:
  StringList *subjects_ = nullptr;
  StringList *names_ = nullptr;
  StringList *problems_ = nullptr;
  StringList *reasons_ = nullptr;
};

// One finding that is an error by itself. Its reason is appended by <<. Converts to the error; with a report it adds the
// finding there instead, and converts to OK:
//   TFILE_TRY(SaveRefusal(request.report, TF_STATUS_LIMIT, Problem::kLimit) << "5 arrays are more than 4");
class SaveRefusal {
 public:
  SaveRefusal(SaveReport *report, tf_status status, Problem problem)
      : SaveRefusal(report, status, Subject::kFile, Text(), problem) {}
  SaveRefusal(SaveReport *report, tf_status status, Subject subject, Text name, Problem problem)
      : report_(report), status_(status), subject_(subject), name_(name), problem_(problem) {}
  template <typename T>
  SaveRefusal &operator<<(const T &value) {
    reason_ << value;
    return *this;
  }

  operator Status();  // NOLINT(google-explicit-constructor): as for Failure

 private:
  SaveReport *report_;
  tf_status status_;
  Subject subject_;
  Text name_;
  Problem problem_;
  char buffer_[512];
  LineWriter reason_{buffer_, sizeof(buffer_)};
};

// Findings that are listed in one error, "WHAT: 'a' (reason), 'b' (reason)". With a report they are added there instead.
class SaveRefusals {
 public:
  explicit SaveRefusals(SaveReport *report) : report_(report) {}

  // Begins a finding, whose reason is appended by <<.
  SaveRefusals &add(Subject subject, Text name, Problem problem);
  template <typename T>
  SaveRefusals &operator<<(const T &value) {
    reason_ << value;
    return *this;
  }
  bool any() const { return any_; }
  // Returns OK if there are no findings or they are in a report.
  Status result(tf_status status, Text what);

 private:
  void end();

  SaveReport *report_;
  Refusals message_;
  Status status_ = kOk;  // of adding to the report
  bool any_ = false;
  bool open_ = false;
  Subject subject_ = Subject::kFile;
  Text name_;
  Problem problem_ = Problem::kKind;
  char buffer_[512];
  LineWriter reason_{buffer_, sizeof(buffer_)};
};

// The text of an error about what exceeds a limit, before the list.
inline constexpr char kLoadRefuses[] = "a load with the same limits would refuse";

}  // namespace tfile
