#include "base/cpu.h"

#if defined(__GNUC__) && defined(__x86_64__)
#include <cpuid.h>
#endif

#include <atomic>
#include <cstdint>

namespace tfile {

// In cpu_posix.cpp: true if the operating system says that an AArch64 CPU has PMULL.
bool system_reports_pmull();

namespace {

struct CpuAbilities {
  Cpu vectors = Cpu::kScalar;
  bool carryless = false;
  bool carryless_wide = false;
  bool bmi2 = false;
  bool vbmi = false;
};

#if defined(__GNUC__) && defined(__x86_64__)
CpuAbilities ask_cpu() {
  CpuAbilities found;
  found.vectors = Cpu::kBaseline;
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return found;
  found.carryless = (c & bit_PCLMUL) != 0 && (c & bit_SSE4_1) != 0;
  constexpr uint32_t kNeeded = bit_OSXSAVE | bit_AVX | bit_F16C;
  const bool has_avx = (c & kNeeded) == kNeeded;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return found;
  found.bmi2 = (b & bit_BMI2) != 0;
  if (!has_avx || (b & bit_AVX2) == 0) return found;
  // Bits for the registers that the system saves for each thread: 6 for those of AVX, 0xe0 for the rest of AVX-512.
  uint32_t saved = 0;
  uint32_t rest = 0;
  __asm__ volatile("xgetbv" : "=a"(saved), "=d"(rest) : "c"(0));
  if ((saved & 6) != 6) return found;
  constexpr uint32_t kWide = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  found.vectors = (saved & 0xe0) == 0xe0 && (b & kWide) == kWide ? Cpu::kAvx512 : Cpu::kAvx2;
  found.vbmi = found.vectors == Cpu::kAvx512 && (c & bit_AVX512VBMI) != 0;
  found.carryless_wide = found.vectors == Cpu::kAvx512 && found.carryless && (c & bit_VPCLMULQDQ) != 0;
  return found;
}
#elif defined(__GNUC__) && defined(__aarch64__)
CpuAbilities ask_cpu() {
  CpuAbilities found;
  found.vectors = Cpu::kBaseline;
#if defined(__ARM_FEATURE_AES) || defined(__ARM_FEATURE_CRYPTO)
  found.carryless = true;
#elif defined(__linux__)
  found.carryless = system_reports_pmull();
#endif
  return found;
}
#else
CpuAbilities ask_cpu() {
  return {};
}
#endif

CpuAbilities cpu_abilities() {
  // Cached, because CPUID can be slow in a virtual machine.
  static constinit std::atomic<uint32_t> known{0};
  constexpr uint32_t kAsked = 1;
  constexpr uint32_t kCarryless = 2;
  constexpr uint32_t kBmi2 = 4;
  constexpr uint32_t kVbmi = 8;
  constexpr uint32_t kCarrylessWide = 16;
  constexpr unsigned kVectorsShift = 8;
  uint32_t bits = known.load(std::memory_order_relaxed);
  if (bits == 0) {
    const CpuAbilities found = ask_cpu();
    bits = kAsked | (found.carryless ? kCarryless : 0) | (found.bmi2 ? kBmi2 : 0) | (found.vbmi ? kVbmi : 0) |
           (found.carryless_wide ? kCarrylessWide : 0) | static_cast<uint32_t>(found.vectors) << kVectorsShift;
    known.store(bits, std::memory_order_relaxed);
  }
  return {static_cast<Cpu>(bits >> kVectorsShift), (bits & kCarryless) != 0, (bits & kCarrylessWide) != 0,
          (bits & kBmi2) != 0, (bits & kVbmi) != 0};
}

}  // namespace

Cpu best_cpu() {
  return cpu_abilities().vectors;
}

bool cpu_multiplies_carryless() {
  return cpu_abilities().carryless;
}

bool cpu_multiplies_carryless_wide() {
  return cpu_abilities().carryless_wide;
}

bool cpu_has_bmi2() {
  return cpu_abilities().bmi2;
}

bool cpu_has_vbmi() {
  return cpu_abilities().vbmi;
}

}  // namespace tfile
