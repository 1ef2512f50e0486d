// Worker threads for the length of one call.
#pragma once

#include "base/memory.h"
#include "base/span.h"
#include "base/status.h"

namespace tfile {

// Cores that this process may use, at least 1.
size_t core_count();

// The host's own workers; released with the last settings that name them.
struct Executor {
  RefCount refs;
  Ref<Memory> memory;
  tf_executor_fn execute = nullptr;
  size_t width = 1;  // jobs that it runs at once
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

// Makes an executor; a NULL function gives none. Takes the release callback if it succeeds.
Status make_executor(Ref<Executor> &out, tf_executor_fn execute, size_t width, PendingRelease &release);

// Who does the work of a call: threads made for it, of which the caller is one, or the host's workers.
struct Workers {
  size_t count = 1;
  const Executor *executor = nullptr;  // NULL: threads of our own
};

// Runs run(context, i) for each i below count, on at most workers.count threads. With one worker all of it is done by
// the caller; with an executor no thread is made. After a failure no further i is begun, and the caller gets that failure
// with its error record. Should the system refuse a thread, the others do its work.
//
// notify, if any, is called on the caller's thread whenever some work is done, and can end the call likewise. Waiting for
// an executor is no time to call it, so then the work is handed out in several rounds.
using Job = Status (*)(void *context, size_t i);
using Notify = Status (*)(void *context);
Status parallel_for(size_t count, const Workers &workers, Job run, void *context, Notify notify = nullptr);

// The operating system's part (threads_posix.cpp, threads_windows.cpp).
struct Thread {
  void *handle;
};
bool start_thread(Thread *thread, void (*run)(void *), void *argument);
void join_thread(Thread thread);

}  // namespace tfile
