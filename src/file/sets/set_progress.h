// SetProgress: the progress of a save of several files, reported as that of one.
#pragma once

#include "base/options.h"

namespace tfile {

// Each file of a set is written with settings whose progress callback adds the bytes of the files before it, and reports
// the total of the set.
class SetProgress {
 public:
  SetProgress() = default;
  SetProgress(const SetProgress &) = delete;
  SetProgress &operator=(const SetProgress &) = delete;

  // total: bytes of all arrays.
  Status begin(const Settings &settings, uint64_t total) {
    settings_ = settings;
    total_ = total;
    callback_ = settings.progress();
    if (!callback_) return kOk;
    ProgressCallback *callback = nullptr;
    TFILE_TRY(make(&callback, settings.memory()));
    callback->memory = Ref<Memory>::share(&settings.memory());
    callback->report = report;
    callback->user = this;
    settings_.set_progress(Ref<ProgressCallback>::adopt(callback));
    return kOk;
  }
  // The settings to write the next file with, after files with so many bytes of arrays; as long as *this.
  const Settings &after(uint64_t bytes) {
    before_ = bytes;
    return settings_;
  }

 private:
  static tf_status report(void *user, uint64_t done, uint64_t /*total*/) {
    const auto &self = *static_cast<const SetProgress *>(user);
    return self.callback_->report(self.callback_->user, self.before_ + done, self.total_);
  }

  Settings settings_;
  Ref<ProgressCallback> callback_;
  uint64_t before_ = 0;
  uint64_t total_ = 0;
};

}  // namespace tfile
