#include "base/random.h"

#if defined(_WIN32)

#include <string.h>

// Declares rand_s(), the system's generator, which needs no library; must precede the first #include of <stdlib.h>.
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
