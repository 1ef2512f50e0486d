#include "quant/cpu.h"

#if defined(__GNUC__) && defined(__x86_64__)
#include <cpuid.h>
#endif

#include <atomic>
#include <cstdint>

namespace tfile {

namespace {

#if defined(__GNUC__) && defined(__x86_64__)
Cpu ask_cpu() {
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  constexpr uint32_t kKept = bit_OSXSAVE | bit_AVX | bit_F16C;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kKept) != kKept) return Cpu::kVector4;
  // The registers that the system keeps for each thread: 6 is those of AVX, 0xe0 the rest of AVX-512.
  uint32_t kept = 0;
  uint32_t rest = 0;
  __asm__ volatile("xgetbv" : "=a"(kept), "=d"(rest) : "c"(0));
  if ((kept & 6) != 6 || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & bit_AVX2) == 0) return Cpu::kVector4;
  constexpr uint32_t kWide = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  return (kept & 0xe0) == 0xe0 && (b & kWide) == kWide ? Cpu::kVector16 : Cpu::kVector8;
}
#elif defined(__GNUC__) && defined(__aarch64__)
Cpu ask_cpu() {
  return Cpu::kVector4;
}
#else
Cpu ask_cpu() {
  return Cpu::kPlain;
}
#endif

}  // namespace

Cpu best_cpu() {
  // Asked once, because a virtual machine may answer slowly.
  static constinit std::atomic<int> known{-1};
  int answer = known.load(std::memory_order_relaxed);
  if (answer < 0) {
    answer = static_cast<int>(ask_cpu());
    known.store(answer, std::memory_order_relaxed);
  }
  return static_cast<Cpu>(answer);
}

}  // namespace tfile
