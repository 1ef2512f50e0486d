#include "base/random.h"

#if defined(_WIN32)

#include <windows.h>
// after windows.h, whose types it needs
#include <bcrypt.h>

namespace tfile {

void fill_random(void *to, size_t size) {
  (void)BCryptGenRandom(nullptr, static_cast<PUCHAR>(to), static_cast<ULONG>(size), BCRYPT_USE_SYSTEM_PREFERRED_RNG);
}

}  // namespace tfile

#endif
