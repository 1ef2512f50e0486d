// Which vector instructions this CPU has.
#pragma once

namespace tfile {

enum class Cpu {
  kPlain,     // nothing is known
  kVector4,   // four floats, as every CPU of the architecture
  kVector8,   // x86-64 with AVX2 and F16C
  kVector16,  // x86-64 with AVX-512 F, BW, DQ, VL
};

// The best that this CPU, its system and the compiler know; each x86-64 level includes those before it.
Cpu best_cpu();

}  // namespace tfile
