// SetProgress: reports the progress of saving several files as that of one save.
#pragma once

#include "base/options.h"

namespace tfile {

// Provides settings for writing each file of a set. Their progress callback adds the bytes of the previous files and
// reports the total of the set.
class SetProgress {
 public:
  SetProgress() = default;
  SetProgress(const SetProgress &) = delete;
  SetProgress &operator=(const SetProgress &) = delete;

  // `total` is the number of bytes of all arrays.
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
  // Returns the settings for writing the next file, valid as long as *this. `bytes` is the number of array bytes in the
  // previous files.
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
