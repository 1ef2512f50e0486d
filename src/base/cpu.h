// Which instructions this CPU has beyond those that every CPU of its architecture has.
#pragma once

// The features to compile a function for AVX-512 F with. In these versions of clang, vectors of 64 bytes are a separate
// feature, which the build may have disabled.
#if defined(__clang__) && __clang_major__ >= 18 && __clang_major__ <= 21 && !defined(__apple_build_version__)
#define TENSORFILE_AVX512 "avx512f,evex512"
#else
#define TENSORFILE_AVX512 "avx512f"
#endif

namespace tfile {

enum class Cpu {
  kScalar,    // no vector instructions that this library knows
  kBaseline,  // 4 floats, on every CPU of the architecture: SSE2 of x86-64, NEON of AArch64
  kAvx2,      // 8 floats: AVX2 and F16C
  kAvx512,    // 16 floats: AVX-512 F, BW, DQ, VL
};

// Returns the widest vectors that this CPU, its operating system and the compiler support; on x86-64 each kind includes
// those before it.
Cpu best_cpu();

// True if the CPU multiplies polynomials over GF(2): PCLMULQDQ (with SSE4.1) on x86-64, PMULL on AArch64.
bool cpu_multiplies_carryless();

// True if the CPU does so with vectors of 64 bytes: AVX-512 F and VPCLMULQDQ. Only x86-64 has it.
bool cpu_multiplies_carryless_wide();

// True if the CPU has BMI2, whose shifts by a variable are one instruction. Only x86-64 has it.
bool cpu_has_bmi2();

// True if the CPU has AVX-512 VBMI (with F, BW, DQ, VL), which looks up 64 bytes in a table at once. Only x86-64 has it.
bool cpu_has_vbmi();

}  // namespace tfile
