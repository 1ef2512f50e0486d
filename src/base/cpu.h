// Which instructions this CPU has beyond those that every CPU of its architecture has.
#pragma once

namespace tfile {

enum class Cpu {
  kPlain,     // nothing is known
  kVector4,   // four floats, as every CPU of the architecture
  kVector8,   // x86-64 with AVX2 and F16C
  kVector16,  // x86-64 with AVX-512 F, BW, DQ, VL
};

// Returns the widest vectors that this CPU, its operating system and the compiler support; on x86-64 each kind includes
// those before it.
Cpu best_cpu();

// True if the CPU multiplies polynomials over GF(2): PCLMULQDQ (with SSE4.1) on x86-64, PMULL on AArch64.
bool cpu_multiplies_carryless();

// True if the CPU has BMI2, whose shifts by a variable are one instruction. Only x86-64 has it.
bool cpu_has_bmi2();

}  // namespace tfile
