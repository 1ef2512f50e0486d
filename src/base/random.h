// Random bits, for the keys of hash tables only.
#pragma once

#include <cstddef>

namespace tfile {

// Never fails: where the system gives nothing, the bits are merely hard to guess.
void fill_random(void *to, size_t size);

}  // namespace tfile
