// Options (tf_options): the settings of a call, each with its default and range in one table.
#pragma once

#include "base/memory.h"
#include "base/span.h"
#include "base/threads.h"

namespace tfile {

inline constexpr size_t kOptionSlots = 32;

struct OptionRule {
  tf_option id;
  int64_t least;
  int64_t most;
  int64_t initial;
  bool power_of_two;  // or 0
};

// The rule of an option, or NULL when there is no such option.
const OptionRule *option_rule(tf_option id);

// Told on the calling thread only; released with the last settings that name it.
struct ProgressCallback {
  RefCount refs;
  Ref<Memory> memory;
  tf_progress_fn report = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

// The values of one call: a copy, so that options may change or go while a file is open.
class Settings {
 public:
  // Defaults.
  Settings();

  int64_t get(tf_option id) const { return values_[static_cast<size_t>(id)]; }
  bool on(tf_option id) const { return get(id) != 0; }
  uint64_t limit(tf_option id) const { return static_cast<uint64_t>(get(id)); }
  void set(tf_option id, int64_t value) { values_[static_cast<size_t>(id)] = value; }
  // TF_OPTION_THREADS with 0 resolved, on the host's executor if there is one.
  Workers workers() const;

  Memory &memory() const { return *memory_; }
  void set_memory(Ref<Memory> memory) { memory_ = std::move(memory); }
  // Puts the budget of TF_OPTION_MAX_BYTES, if any, in front of the memory.
  Status apply_budget();

  const Ref<ProgressCallback> &progress() const { return progress_; }
  void set_progress(Ref<ProgressCallback> progress) { progress_ = std::move(progress); }
  void set_executor(Ref<Executor> executor) { executor_ = std::move(executor); }

 private:
  int64_t values_[kOptionSlots];
  Ref<Memory> memory_;
  Ref<ProgressCallback> progress_;
  Ref<Executor> executor_;
};

// Reports bytes done of a total. advance() is for the calling thread; NULL callbacks cost nothing.
class Progress {
 public:
  Progress(const Settings &settings, uint64_t total) : callback_(settings.progress().get()), total_(total) {}
  // kOk, or the status with which the callback ends the call.
  Status advance(uint64_t bytes);

 private:
  ProgressCallback *callback_;
  uint64_t total_;
  uint64_t done_ = 0;
};

}  // namespace tfile

struct tf_options {
  tfile::RefCount refs;
  tfile::Settings settings;

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Options = ::tf_options;

// A copy of the settings of a call's options, which may be NULL, with its budget.
Status settings_of(Settings &out, const Options *options);

}  // namespace tfile
