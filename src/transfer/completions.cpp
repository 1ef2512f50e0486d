#include "transfer/completions.h"

#include "base/error.h"

namespace tfile {

Status Completions::deliver() {
  for (; delivered_ < slots_.size(); ++delivered_) {
    const size_t next = slots_[delivered_].load(std::memory_order_acquire);
    if (next == 0) return kOk;
    const tf_status code = callback_.complete(callback_.user, next - 1);
    if (code != TF_STATUS_OK) {
      return Failure(code) << "the callback for a complete entry returned " << status_name(code) << " for entry "
                           << static_cast<uint64_t>(next - 1);
    }
  }
  return kOk;
}

}  // namespace tfile
