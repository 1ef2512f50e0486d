// Options (tf_options): one row for each option, and the settings of a call.
#pragma once

#include "base/line.h"
#include "base/memory.h"
#include "base/span.h"
#include "base/threads.h"

namespace tfile {

inline constexpr size_t kOptionSlots = 32;

enum class OptionKind : uint8_t {
  kFlag,        // 0 or 1
  kNumber,      // minimum to maximum
  kPowerOfTwo,  // or 0; at most maximum
  kNamed,       // one of `names`
  kFormat,      // a file format, whose names are in another table
};

struct NamedValue {
  const char *name;
  int64_t value;
};

// Everything that the library knows about an option.
struct OptionRow {
  tf_option id;
  const char *name;  // in messages: TF_OPTION_MAX_ARRAYS is "max_arrays"
  OptionKind kind;
  int64_t minimum;  // minimum and maximum are for kNumber and kPowerOfTwo
  int64_t maximum;
  int64_t default_value;
  Span<const NamedValue> names;  // for kNamed
};

Span<const OptionRow> all_options();
// Each returns NULL if there is no such option.
const OptionRow *option_row(tf_option id);
const OptionRow *option_row(Text name);
// Finds the row of an option; UNSUPPORTED if this version has no such option.
Status find_option(const OptionRow **out, tf_option id);
// Returns the name of an option that exists.
const char *option_name(tf_option id);

// Enumerates the file formats for TF_OPTION_FORMAT: returns the i-th, and a NULL name after the last one.
using FormatValueFn = NamedValue (*)(size_t i);

struct OptionRange {
  int64_t minimum;
  int64_t maximum;
};
// Returns the smallest and the largest value that an option takes.
OptionRange range_of(const OptionRow &row, FormatValueFn formats);

// A limit in a message: failure << "more arrays than " << Limit{TF_OPTION_MAX_ARRAYS, 5} writes "more arrays than the
// limit (max_arrays) of 5".
struct Limit {
  tf_option option;
  uint64_t value;
};
LineWriter &operator<<(LineWriter &line, const Limit &limit);

// Checks that an option takes a value; else INVALID_ARGUMENT, "compression_level takes -1 to 9, not 10".
Status check_value(const OptionRow &row, int64_t value, FormatValueFn formats);
// Looks up the value with a name. Fails with TYPE if the option takes only numbers.
Status find_value(int64_t *value, const OptionRow &row, Text name, FormatValueFn formats);

// Called on the thread that made the call; released with the last settings that use it.
struct ProgressCallback {
  RefCount refs;
  Ref<Memory> memory;
  tf_progress_fn report = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

// Receives the faults of a file that do not prevent the rest of it from being read.
struct FaultCollector {
  // Takes the failure, whose message is in the error record, and returns OK; or returns it, because it is no such fault.
  Status (*add)(FaultCollector &self, Status failure);
};

// The values of one call: a copy, so that the options may change or be released while a file is open.
class Settings {
 public:
  // Gives every option its default value.
  Settings();

  int64_t get(tf_option id) const { return values_[static_cast<size_t>(id)]; }
  bool on(tf_option id) const { return get(id) != 0; }
  uint64_t limit(tf_option id) const { return static_cast<uint64_t>(get(id)); }
  void set(tf_option id, int64_t value) { values_[static_cast<size_t>(id)] = value; }
  // The user's executor if there is one, else as many threads as TF_OPTION_THREADS says, where 0 means all cores.
  Workers workers() const;

  Memory &memory() const { return *memory_; }
  void set_memory(Ref<Memory> memory) { memory_ = std::move(memory); }
  // Sets the user's allocator, or the default one if the functions are NULL. Takes ownership of the release callback on
  // success.
  Status set_allocator(tf_alloc_fn alloc, tf_free_fn free, PendingRelease &release);
  // From now on memory() enforces TF_OPTION_MAX_BYTES, if that is set.
  Status apply_budget();

  const Ref<ProgressCallback> &progress() const { return progress_; }
  void set_progress(Ref<ProgressCallback> progress) { progress_ = std::move(progress); }
  void set_executor(Ref<Executor> executor) { executor_ = std::move(executor); }

  // From now on collect() passes faults to the collector, which must live as long as the settings and their copies.
  void set_collector(FaultCollector *collector) { collector_ = collector; }
  // Decides about a fault after which the rest of a file can still be read: returns it, so that the call fails, unless
  // there is a collector.
  Status collect(Status failure) const {
    return failure.ok() || collector_ == nullptr ? failure : collector_->add(*collector_, failure);
  }

 private:
  int64_t values_[kOptionSlots];
  Ref<Memory> memory_;
  Ref<ProgressCallback> progress_;
  Ref<Executor> executor_;
  FaultCollector *collector_ = nullptr;
};

// Makes a progress callback, or none if the function is NULL. Takes ownership of the release callback on success.
Status make_progress(Ref<ProgressCallback> &out, tf_progress_fn report, PendingRelease &release);

// Reports the bytes done so far and the total to the progress callback, if there is one. Used on the thread that made
// the call.
class Progress {
 public:
  Progress(const Settings &settings, uint64_t total) : callback_(settings.progress().get()), total_(total) {}
  // Fails with the status that the callback returns.
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

// Copies the settings of a call's options, which may be NULL, and applies the memory budget.
Status settings_of(Settings &out, const Options *options);

}  // namespace tfile
