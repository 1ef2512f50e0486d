#include "base/threads.h"

#include <atomic>

#include "base/error.h"

namespace tfile {

namespace {

constexpr size_t kMostThreads = 1024;

struct Team {
  Job run;
  void *context;
  size_t count;
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  Status status;       // written by the one thread that set failed first
  ErrorRecord record;  // of that thread
};

void work(void *argument) {
  auto &team = *static_cast<Team *>(argument);
  while (!team.failed.load(std::memory_order_relaxed)) {
    const size_t i = team.next.fetch_add(1, std::memory_order_relaxed);
    if (i >= team.count) return;
    const Status status = team.run(team.context, i);
    if (!status.ok() && !team.failed.exchange(true)) {
      team.status = status;
      team.record = error_record();
    }
  }
}

}  // namespace

Status parallel_for(size_t count, size_t threads, Job run, void *context) {
  if (threads > count) threads = count;
  if (threads > kMostThreads) threads = kMostThreads;
  if (threads <= 1) {
    for (size_t i = 0; i < count; ++i)
      TFILE_TRY(run(context, i));
    return kOk;
  }
  Team team{run, context, count, {}, {}, {}, {}};
  Thread workers[kMostThreads];
  size_t started = 0;
  while (started + 1 < threads && start_thread(&workers[started], work, &team))
    ++started;
  work(&team);
  for (size_t i = 0; i < started; ++i)
    join_thread(workers[i]);
  if (!team.status.ok()) error_record() = team.record;
  return team.status;
}

}  // namespace tfile
