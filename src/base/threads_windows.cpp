#include "base/threads.h"

#if defined(_WIN32)

#include <windows.h>

#include "base/memory.h"

namespace tfile {

namespace {

struct Start {
  void (*run)(void *);
  void *argument;
};

DWORD WINAPI enter(void *raw) {
  const Start start = *static_cast<Start *>(raw);
  destroy(default_memory(), static_cast<Start *>(raw));
  start.run(start.argument);
  return 0;
}

}  // namespace

size_t core_count() {
  const DWORD active = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
  return active > 0 ? active : 1;
}

bool start_thread(Thread *thread, void (*run)(void *), void *argument) {
  Start *start = nullptr;
  if (!make(&start, default_memory(), run, argument).ok()) return false;
  thread->handle = CreateThread(nullptr, 0, enter, start, 0, nullptr);
  if (thread->handle == nullptr) destroy(default_memory(), start);
  return thread->handle != nullptr;
}

void join_thread(Thread thread) {
  (void)WaitForSingleObject(thread.handle, INFINITE);
  (void)CloseHandle(thread.handle);
}

}  // namespace tfile

#endif
