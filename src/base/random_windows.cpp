#include "base/random.h"

#if defined(_WIN32)

#include <string.h>

// The system's generator, without a library to link. <stdlib.h> has it only for who asked before including it first.
extern "C" int __cdecl rand_s(unsigned int *bits);

namespace tfile {

void fill_random(void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    unsigned int bits = 0;
    (void)rand_s(&bits);
    const size_t count = size - done < sizeof(bits) ? size - done : sizeof(bits);
    memcpy(static_cast<char *>(to) + done, &bits, count);
    done += count;
  }
}

}  // namespace tfile

#endif
