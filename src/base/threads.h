// Worker threads for the length of one call.
#pragma once

#include "base/span.h"
#include "base/status.h"

namespace tfile {

// Cores that this process may use, at least 1.
size_t core_count();

// Runs run(context, i) for each i below count, on at most `threads` threads, of which the caller is one. With 1 thread
// none is made. After a failure no further i is begun, and the caller gets that failure with its error record. Should
// the system refuse a thread, the others do its work.
using Job = Status (*)(void *context, size_t i);
Status parallel_for(size_t count, size_t threads, Job run, void *context);

// The operating system's part (threads_posix.cpp, threads_windows.cpp).
struct Thread {
  void *handle;
};
bool start_thread(Thread *thread, void (*run)(void *), void *argument);
void join_thread(Thread thread);

}  // namespace tfile
