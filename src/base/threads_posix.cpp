#include "base/threads.h"

#if !defined(_WIN32)

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/memory.h"

namespace tfile {

namespace {

// Enough for every job. The usual default of 8 MiB would take address space that a 32-bit process needs.
constexpr size_t kStack = size_t{512} << 10;

struct Start {
  void (*run)(void *);
  void *argument;
};

void *enter(void *raw) {
  const Start start = *static_cast<Start *>(raw);
  destroy(default_memory(), static_cast<Start *>(raw));
  start.run(start.argument);
  return nullptr;
}

}  // namespace

size_t core_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return static_cast<size_t>(CPU_COUNT(&set));
#endif
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<size_t>(online) : 1;
}

bool start_thread(Thread *thread, void (*run)(void *), void *argument) {
  Start *start = nullptr;
  if (!make(&start, default_memory(), run, argument).ok()) return false;
  pthread_attr_t attributes;
  bool started = false;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_t id;
    (void)pthread_attr_setstacksize(&attributes, kStack);
    started = pthread_create(&id, &attributes, enter, start) == 0;
    (void)pthread_attr_destroy(&attributes);
    static_assert(sizeof(id) <= sizeof(thread->handle));
    if (started) memcpy(&thread->handle, &id, sizeof(id));
  }
  if (!started) destroy(default_memory(), start);
  return started;
}

void join_thread(Thread thread) {
  pthread_t id;
  memcpy(&id, &thread.handle, sizeof(id));
  (void)pthread_join(id, nullptr);
}

}  // namespace tfile

#endif
