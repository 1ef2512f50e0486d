#include "base/options.h"

#include "base/error.h"

void tf_options::release() {
  if (refs.decrement()) destroy(tfile::default_memory(), this);
}

namespace tfile {

namespace {

constexpr int64_t kMaxBytes = INT64_MAX;
constexpr int64_t kMaxCount = int64_t{1} << 30;

constexpr OptionRule kRules[] = {
    {TF_OPTION_THREADS, 0, 1024, 0, false},
    {TF_OPTION_FORMAT, TF_FORMAT_AUTO, TF_FORMAT_GGUF, TF_FORMAT_AUTO, false},
    {TF_OPTION_EXACT_PATH, 0, 1, 0, false},
    {TF_OPTION_LOAD_MODE, TF_LOAD_MODE_OWN, TF_LOAD_MODE_MAP, TF_LOAD_MODE_OWN, false},
    {TF_OPTION_LENIENT, 0, 1, 0, false},
    {TF_OPTION_STRICT, 0, 1, 1, false},
    {TF_OPTION_PARTS, 0, 1, 0, false},
    {TF_OPTION_PART_BYTES, 0, kMaxBytes, 0, false},
    {TF_OPTION_MAX_BYTES, 0, kMaxBytes, 0, false},
    {TF_OPTION_MAX_HEADER_BYTES, 0, kMaxBytes, 0, false},
    {TF_OPTION_MAX_ARRAYS, 1, kMaxCount, 1000000, false},
    {TF_OPTION_MAX_METADATA, 1, kMaxCount, 1000000, false},
    {TF_OPTION_MAX_NAME_BYTES, 1, kMaxCount, 65536, false},
    {TF_OPTION_MAX_RANK, 1, 64, 64, false},
    {TF_OPTION_MAX_NESTING, 1, 64, 64, false},
    {TF_OPTION_DURABLE, 0, 1, 0, false},
    {TF_OPTION_ATOMIC, 0, 1, 1, false},
    {TF_OPTION_ALIGNMENT, 0, 1 << 20, 0, true},
    {TF_OPTION_COMPRESS, 0, 1, 0, false},
    {TF_OPTION_COMPRESSION_LEVEL, -1, 9, -1, false},
    {TF_OPTION_DEFLATE, TF_DEFLATE_AUTO, TF_DEFLATE_ZLIB, TF_DEFLATE_AUTO, false},
    {TF_OPTION_DECODE, TF_DECODE_MLX, TF_DTYPE_FLOAT64, TF_DECODE_KEEP, false},
};

}  // namespace

const OptionRule *option_rule(tf_option id) {
  for (const OptionRule &rule : kRules) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

void ProgressCallback::release() {
  if (refs.decrement()) destroy_and_release(this);
}

Settings::Settings() : values_{}, memory_(Ref<Memory>::share(&default_memory())) {
  for (const OptionRule &rule : kRules)
    set(rule.id, rule.initial);
}

Workers Settings::workers() const {
  const auto asked = static_cast<size_t>(get(TF_OPTION_THREADS));
  if (executor_) return {asked == 0 || asked > executor_->width ? executor_->width : asked, executor_.get()};
  return {asked == 0 ? core_count() : asked, nullptr};
}

Status Settings::apply_budget() {
  const uint64_t limit = this->limit(TF_OPTION_MAX_BYTES);
  if (limit == 0) return kOk;
  Ref<Memory> budget;
  TFILE_TRY(make_budget(budget, *memory_, limit));
  memory_ = std::move(budget);
  return kOk;
}

Status Progress::advance(uint64_t bytes) {
  done_ += bytes;
  if (callback_ == nullptr || callback_->report == nullptr) return kOk;
  const tf_status status = callback_->report(callback_->user, done_, total_);
  if (status == TF_STATUS_OK) return kOk;
  return Failure(status) << "the progress callback ended the call with status " << status_name(status);
}

Status settings_of(Settings &out, const Options *options) {
  if (options != nullptr) out = options->settings;
  return out.apply_budget();
}

}  // namespace tfile
