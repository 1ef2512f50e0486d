#include "format/save_report.h"

namespace tfile {

namespace {

// In the order of the enums.
constexpr const char *kSubjects[] = {"file", "array", "metadata"};
constexpr const char *kProblems[] = {"count",     "kind",  "dtype",  "rank",  "name",
                                     "duplicate", "value", "option", "limit", "size"};

}  // namespace

Status SaveReport::open(Dict &dict) {
  TFILE_TRY(dict.set_string_list("subject", &subjects_));
  TFILE_TRY(dict.set_string_list("name", &names_));
  TFILE_TRY(dict.set_string_list("problem", &problems_));
  return dict.set_string_list("reason", &reasons_);
}

Status SaveReport::add(Subject subject, Text name, Problem problem, Text reason) {
  TFILE_TRY(subjects_->append(kSubjects[static_cast<size_t>(subject)]));
  TFILE_TRY(names_->append(name));
  TFILE_TRY(problems_->append(kProblems[static_cast<size_t>(problem)]));
  return reasons_->append(reason);
}

SaveRefusal::operator Status() {
  if (report_ != nullptr) return report_->add(subject_, name_, problem_, reason_.text());
  Failure failure(status_);
  if (subject_ == Subject::kArray) failure.array(name_);
  if (subject_ == Subject::kMetadata) failure.key(name_);
  return failure << reason_.text();
}

SaveRefusals &SaveRefusals::add(Subject subject, Text name, Problem problem) {
  end();
  any_ = true;
  open_ = true;
  subject_ = subject;
  name_ = name;
  problem_ = problem;
  return *this;
}

void SaveRefusals::end() {
  if (!open_) return;
  open_ = false;
  if (report_ == nullptr) {
    message_.add(name_) << reason_.text();
  } else if (status_.ok()) {
    status_ = report_->add(subject_, name_, problem_, reason_.text());
  }
  reason_.cut(0);
}

Status SaveRefusals::result(tf_status status, Text what) {
  end();
  return report_ != nullptr ? status_ : message_.result(status, Text(), what);
}

}  // namespace tfile
