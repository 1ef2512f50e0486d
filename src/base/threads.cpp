#include "base/threads.h"

#include <atomic>

#include "base/error.h"

namespace tfile {

namespace {

constexpr size_t kMaxThreads = 1024;

// An executor gets this many jobs for each of its workers in one round; notify is called between the rounds.
constexpr size_t kRound = 2;

struct Team {
  Job run;
  void *context;
  size_t end;  // jobs from this index on may not begin yet
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  std::atomic<bool> failed{false};
  Status status;       // written by the thread that was the first to set `failed`
  ErrorRecord record;  // the error record of that thread
};

void fail(Team &team, Status status) {
  if (team.failed.exchange(true)) return;
  team.status = status;
  team.record = error_record();
}

// Works on jobs until none is left. Only the calling thread passes notify.
void work(Team &team, Notify notify) {
  while (!team.failed.load(std::memory_order_relaxed)) {
    const size_t i = team.next.fetch_add(1, std::memory_order_relaxed);
    if (i >= team.end) return;
    Status status = team.run(team.context, i);
    if (status.ok()) team.done.fetch_add(1);
    if (status.ok() && notify != nullptr) status = notify(team.context);
    if (!status.ok()) fail(team, status);
  }
}

void work_on_thread(void *team) {
  work(*static_cast<Team *>(team), nullptr);
}

void work_on_executor(void *team, size_t /*index*/) {
  work(*static_cast<Team *>(team), nullptr);
}

Status run_alone(size_t count, Job run, void *context, Notify notify) {
  for (size_t i = 0; i < count; ++i) {
    TFILE_TRY(run(context, i));
    if (notify != nullptr) TFILE_TRY(notify(context));
  }
  return kOk;
}

// Each job of the executor works until no job of the team remains, so the order and the threads of these jobs do not
// matter.
Status run_round(Team &team, const Executor &executor, size_t width) {
  const size_t before = team.done.load();
  const size_t remaining = team.end - before;
  const tf_status code =
      executor.execute(executor.user, work_on_executor, &team, width < remaining ? width : remaining);
  if (team.failed.load()) {
    error_record() = team.record;
    return team.status;
  }
  if (code != TF_STATUS_OK) {
    return Failure(code) << "the executor returned " << status_name(code) << " for "
                         << static_cast<uint64_t>(width < remaining ? width : remaining) << " jobs";
  }
  if (team.done.load() == team.end) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "the executor returned before it had run its jobs";
}

Status run_on_executor(size_t count, const Workers &workers, Job run, void *context, Notify notify) {
  const size_t round = notify == nullptr ? count : workers.count * kRound;
  Team team{run, context, 0, {}, {}, {}, {}, {}};
  while (team.end < count) {
    team.end = count - team.end < round ? count : team.end + round;
    team.next.store(team.done.load());
    TFILE_TRY(run_round(team, *workers.executor, workers.count));
    if (notify != nullptr) TFILE_TRY(notify(context));
  }
  return kOk;
}

Status run_on_threads(size_t count, size_t threads, Job run, void *context, Notify notify) {
  Team team{run, context, count, {}, {}, {}, {}, {}};
  Thread workers[kMaxThreads];
  size_t started = 0;
  while (started + 1 < threads && start_thread(&workers[started], work_on_thread, &team))
    ++started;
  work(team, notify);
  for (size_t i = 0; i < started; ++i)
    join_thread(workers[i]);
  if (!team.status.ok()) error_record() = team.record;
  return team.status.ok() && notify != nullptr ? notify(context) : team.status;
}

}  // namespace

void Executor::release() {
  if (refs.decrement()) destroy_and_release(this);
}

Status make_executor(Ref<Executor> &out, tf_executor_fn execute, size_t width, PendingRelease &release) {
  if (execute == nullptr) return out = Ref<Executor>(), kOk;
  if (width == 0) return Failure(TF_STATUS_INVALID_ARGUMENT) << "the width of an executor is 1 or more, not 0";
  Executor *executor = nullptr;
  TFILE_TRY(make(&executor, default_memory()));
  executor->memory = Ref<Memory>::share(&default_memory());
  executor->execute = execute;
  executor->width = width;
  executor->release_user = release.disarm();
  executor->user = release.user();
  out = Ref<Executor>::adopt(executor);
  return kOk;
}

Status parallel_for(size_t count, const Workers &workers, Job run, void *context, Notify notify) {
  const size_t most = workers.executor != nullptr || workers.count < kMaxThreads ? workers.count : kMaxThreads;
  const size_t width = most < count ? most : count;
  if (width <= 1) return run_alone(count, run, context, notify);
  if (workers.executor != nullptr) return run_on_executor(count, {width, workers.executor}, run, context, notify);
  return run_on_threads(count, width, run, context, notify);
}

}  // namespace tfile
