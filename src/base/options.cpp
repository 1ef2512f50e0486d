#include "base/options.h"

#include "base/error.h"
#include "base/limits.h"

void tf_options::release() {
  if (refs.decrement()) destroy(tfile::default_memory(), this);
}

namespace tfile {

namespace {

constexpr int64_t kNoMaximum = INT64_MAX;
constexpr int64_t kMaxCount = int64_t{1} << 30;

constexpr NamedValue kLoadModes[] = {{"own", TF_LOAD_MODE_OWN}, {"map", TF_LOAD_MODE_MAP}};
constexpr NamedValue kDeflates[] = {{"auto", TF_DEFLATE_AUTO}, {"zlib", TF_DEFLATE_ZLIB}};
constexpr NamedValue kDecodes[] = {
    {"keep", TF_DECODE_KEEP},        {"mlx", TF_DECODE_MLX},        {"float16", TF_DTYPE_FLOAT16},
    {"bfloat16", TF_DTYPE_BFLOAT16}, {"float32", TF_DTYPE_FLOAT32}, {"float64", TF_DTYPE_FLOAT64},
};

constexpr OptionRow flag(tf_option id, const char *name, int64_t default_value) {
  return {id, name, OptionKind::kFlag, 0, 1, default_value, {}};
}

constexpr OptionRow number(tf_option id, const char *name, int64_t minimum, int64_t maximum, int64_t default_value) {
  return {id, name, OptionKind::kNumber, minimum, maximum, default_value, {}};
}

template <size_t kCount>
constexpr OptionRow named(tf_option id, const char *name, const NamedValue (&names)[kCount], int64_t default_value) {
  return {id, name, OptionKind::kNamed, 0, 0, default_value, {names, kCount}};
}

constexpr OptionRow kRows[] = {
    number(TF_OPTION_THREADS, "threads", 0, 1024, 0),
    {TF_OPTION_FORMAT, "format", OptionKind::kFormat, 0, 0, TF_FORMAT_AUTO, {}},
    flag(TF_OPTION_EXACT_PATH, "exact_path", 0),
    named(TF_OPTION_LOAD_MODE, "load_mode", kLoadModes, TF_LOAD_MODE_OWN),
    flag(TF_OPTION_LENIENT, "lenient", 0),
    flag(TF_OPTION_STRICT, "strict", 1),
    flag(TF_OPTION_PARTS, "parts", 0),
    number(TF_OPTION_PART_BYTES, "part_bytes", 0, kNoMaximum, 0),
    number(TF_OPTION_MAX_BYTES, "max_bytes", 0, kNoMaximum, 0),
    number(TF_OPTION_MAX_HEADER_BYTES, "max_header_bytes", 0, kNoMaximum, 0),
    number(TF_OPTION_MAX_ARRAYS, "max_arrays", 1, kMaxCount, 1000000),
    number(TF_OPTION_MAX_METADATA, "max_metadata", 1, kMaxCount, 1000000),
    number(TF_OPTION_MAX_NAME_BYTES, "max_name_bytes", 1, kMaxCount, 65536),
    number(TF_OPTION_MAX_RANK, "max_rank", 1, kMaxRank, kMaxRank),
    number(TF_OPTION_MAX_NESTING, "max_nesting", 1, kMaxNesting, kMaxNesting),
    flag(TF_OPTION_DURABLE, "durable", 0),
    flag(TF_OPTION_ATOMIC, "atomic", 1),
    {TF_OPTION_ALIGNMENT, "alignment", OptionKind::kPowerOfTwo, 0, 1 << 20, 0, {}},
    flag(TF_OPTION_COMPRESS, "compress", 0),
    number(TF_OPTION_COMPRESSION_LEVEL, "compression_level", -1, 9, -1),
    named(TF_OPTION_DEFLATE, "deflate", kDeflates, TF_DEFLATE_AUTO),
    named(TF_OPTION_DECODE, "decode", kDecodes, TF_DECODE_KEEP),
    flag(TF_OPTION_SKIP_UNSUPPORTED, "skip_unsupported", 0),
    flag(TF_OPTION_GGUF_EXTENDED, "gguf_extended", 0),
};

constexpr bool slots_suffice() {
  for (const OptionRow &row : kRows) {
    if (row.id <= 0 || static_cast<size_t>(row.id) >= kOptionSlots) return false;
  }
  return true;
}
static_assert(slots_suffice());

// Returns the i-th named value of an option, and a NULL name after the last one.
NamedValue name_of(const OptionRow &row, size_t i, FormatValueFn formats) {
  if (row.kind == OptionKind::kFormat) return formats(i);
  return i < row.names.size() ? row.names[i] : NamedValue{nullptr, 0};
}

// Appends "auto, npy or gguf", with the numbers in parentheses if the user gave a number.
void append_names(Failure &failure, const OptionRow &row, FormatValueFn formats, bool numbers) {
  NamedValue value = name_of(row, 0, formats);
  for (size_t i = 0; value.name != nullptr; ++i) {
    const NamedValue next = name_of(row, i + 1, formats);
    if (i > 0) failure << (next.name == nullptr ? " or " : ", ");
    failure << value.name;
    if (numbers) failure << " (" << value.value << ")";
    value = next;
  }
}

// Begins a message with the values that the option accepts: "strict takes 0 or 1".
Failure &append_range(Failure &failure, const OptionRow &row, FormatValueFn formats, bool numbers) {
  failure << row.name << " takes ";
  switch (row.kind) {
    case OptionKind::kFlag:
      return failure << "0 or 1";
    case OptionKind::kNumber:
      failure << row.minimum;
      return row.maximum == kNoMaximum ? failure << " or more" : failure << " to " << row.maximum;
    case OptionKind::kPowerOfTwo:
      return failure << "0 or a power of two up to " << row.maximum;
    default:
      append_names(failure, row, formats, numbers);
      return failure;
  }
}

bool takes(const OptionRow &row, int64_t value, FormatValueFn formats) {
  if (row.kind != OptionKind::kNamed && row.kind != OptionKind::kFormat) {
    const bool whole = row.kind != OptionKind::kPowerOfTwo || (value & (value - 1)) == 0;
    return value >= row.minimum && value <= row.maximum && whole;
  }
  NamedValue known = name_of(row, 0, formats);
  for (size_t i = 1; known.name != nullptr; ++i) {
    if (known.value == value) return true;
    known = name_of(row, i, formats);
  }
  return false;
}

}  // namespace

Span<const OptionRow> all_options() {
  return {kRows, sizeof(kRows) / sizeof(kRows[0])};
}

const OptionRow *option_row(tf_option id) {
  for (const OptionRow &row : kRows) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

const OptionRow *option_row(Text name) {
  for (const OptionRow &row : kRows) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

Status find_option(const OptionRow **out, tf_option id) {
  *out = option_row(id);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << "this version has no option " << id;
}

const char *option_name(tf_option id) {
  return option_row(id)->name;
}

OptionRange range_of(const OptionRow &row, FormatValueFn formats) {
  NamedValue known = name_of(row, 0, formats);
  if (known.name == nullptr) return {row.minimum, row.maximum};
  OptionRange range{known.value, known.value};
  for (size_t i = 1; known.name != nullptr; ++i) {
    if (known.value < range.minimum) range.minimum = known.value;
    if (known.value > range.maximum) range.maximum = known.value;
    known = name_of(row, i, formats);
  }
  return range;
}

LineWriter &operator<<(LineWriter &line, const Limit &limit) {
  return line << "the limit (" << option_name(limit.option) << ") of " << limit.value;
}

Status check_value(const OptionRow &row, int64_t value, FormatValueFn formats) {
  if (takes(row, value, formats)) return kOk;
  Failure failure(TF_STATUS_INVALID_ARGUMENT);
  return append_range(failure, row, formats, true) << ", not " << value;
}

Status find_value(int64_t *value, const OptionRow &row, Text name, FormatValueFn formats) {
  NamedValue known = name_of(row, 0, formats);
  const bool has_names = known.name != nullptr;
  for (size_t i = 1; known.name != nullptr; ++i) {
    if (name == known.name) return *value = known.value, kOk;
    known = name_of(row, i, formats);
  }
  Failure failure(has_names ? TF_STATUS_INVALID_ARGUMENT : TF_STATUS_TYPE);
  return (append_range(failure, row, formats, false) << ", not ").quoted(name);
}

void ProgressCallback::release() {
  if (refs.decrement()) destroy_and_release(this);
}

Settings::Settings() : values_{}, memory_(Ref<Memory>::share(&default_memory())) {
  for (const OptionRow &row : kRows)
    set(row.id, row.default_value);
}

Workers Settings::workers() const {
  const auto asked = static_cast<size_t>(get(TF_OPTION_THREADS));
  if (executor_) return {asked == 0 || asked > executor_->width ? executor_->width : asked, executor_.get()};
  return {asked == 0 ? core_count() : asked, nullptr};
}

Status Settings::set_allocator(tf_alloc_fn alloc, tf_free_fn free, PendingRelease &release) {
  if ((alloc == nullptr) != (free == nullptr)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << (alloc == nullptr ? "free without alloc" : "alloc without free");
  }
  auto memory = Ref<Memory>::share(&default_memory());
  if (alloc != nullptr) TFILE_TRY(make_memory(memory, alloc, free, release.disarm(), release.user()));
  set_memory(std::move(memory));
  return kOk;
}

Status Settings::apply_budget() {
  const uint64_t limit = this->limit(TF_OPTION_MAX_BYTES);
  if (limit == 0) return kOk;
  Ref<Memory> budget;
  TFILE_TRY(make_budget(budget, *memory_, limit));
  memory_ = std::move(budget);
  return kOk;
}

Status make_progress(Ref<ProgressCallback> &out, tf_progress_fn report, PendingRelease &release) {
  if (report == nullptr) return out = Ref<ProgressCallback>(), kOk;
  ProgressCallback *callback = nullptr;
  TFILE_TRY(make(&callback, default_memory()));
  callback->memory = Ref<Memory>::share(&default_memory());
  callback->report = report;
  callback->release_user = release.disarm();
  callback->user = release.user();
  out = Ref<ProgressCallback>::adopt(callback);
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
