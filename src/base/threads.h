// Worker threads, which exist for one call.
#pragma once

#include "base/memory.h"
#include "base/span.h"
#include "base/status.h"

namespace tfile {

// Returns the number of cores that this process may use, at least 1.
size_t core_count();

// The user's own workers; released with the last settings that use them.
struct Executor {
  RefCount refs;
  Ref<Memory> memory;
  tf_executor_fn execute = nullptr;
  size_t width = 1;  // jobs that it runs at the same time
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

// Makes an executor, or none if the function is NULL. Takes ownership of the release callback on success.
Status make_executor(Ref<Executor> &out, tf_executor_fn execute, size_t width, PendingRelease &release);

// The workers of a call: the calling thread and threads that are started for it, or the user's executor.
struct Workers {
  size_t count = 1;
  const Executor *executor = nullptr;  // NULL: the call starts threads
};

// Calls run(context, i) for each i below count on at most workers.count threads. One worker means the calling thread.
// With an executor no thread is started. After a failure no further i begins, and the call returns that failure with
// its error record. If the system refuses to start a thread, the others do its work.
//
// notify may be NULL. It is called on the calling thread whenever some jobs are done, and can fail the call. It cannot
// run while the executor works, so an executor then gets the jobs in several rounds.
using Job = Status (*)(void *context, size_t i);
using Notify = Status (*)(void *context);
Status parallel_for(size_t count, const Workers &workers, Job run, void *context, Notify notify = nullptr);

// Implemented by threads_posix.cpp and threads_windows.cpp.
struct Thread {
  void *handle;
};
bool start_thread(Thread *thread, void (*run)(void *), void *argument);
void join_thread(Thread thread);

}  // namespace tfile
