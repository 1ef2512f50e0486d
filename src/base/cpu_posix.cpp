#if defined(__linux__) && defined(__aarch64__)
#include <sys/auxv.h>

namespace tfile {

bool system_reports_pmull() {
  constexpr unsigned long kPmull = 1UL << 4;  // HWCAP_PMULL of the kernel's asm/hwcap.h
  return (getauxval(AT_HWCAP) & kPmull) != 0;
}

}  // namespace tfile
#endif
