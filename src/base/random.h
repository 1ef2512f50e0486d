// Random bits for hash keys and temporary names; not for cryptography.
#pragma once

#include <cstddef>

namespace tfile {

// Never fails. If the system provides no random bits, these are only hard to guess.
void fill_random(void *to, size_t size);

}  // namespace tfile
