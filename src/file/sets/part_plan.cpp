#include "file/sets/part_plan.h"

#include "file/sets/gguf_split.h"
#include "file/sets/part_name.h"
#include "file/sets/safetensors_index.h"

namespace tfile {

PartPlan::~PartPlan() {
  if (progress_ != nullptr) destroy(parts_.memory(), progress_);
}

Status PartPlan::make(const char *path, const Format &format, const SaveRequest &request) {
  format_ = &format;
  request_ = &request;
  parts_.clear();
  const uint64_t limit = request.settings.limit(TF_OPTION_PART_BYTES);
  path_ = Text(path);
  may_split_ = format.sets != SetKind::kNone && limit != 0 && !path_.empty();
  if (may_split_) TFILE_TRY(cut(limit));
  if (count() == 1) return kOk;
  if (count() > format.max_parts) {
    return Failure(TF_STATUS_LIMIT).in(this->path()) << "would have " << static_cast<uint64_t>(count())
                                                     << " parts, and the format can count " << format.max_parts;
  }
  if (progress_ == nullptr) TFILE_TRY(tfile::make(&progress_, parts_.memory()));
  return progress_->begin(request.settings, parts_[count()].before);
}

// Divides the arrays into parts: an array that would exceed the limit becomes the first array of the next part.
Status PartPlan::cut(uint64_t limit) {
  const Span<const NamedArray> arrays = request_->arrays;
  uint64_t filled = 0;
  uint64_t before = 0;
  TFILE_TRY(parts_.push(Part{0, 0}));
  for (size_t i = 0; i < arrays.size(); ++i) {
    const uint64_t nbytes = arrays[i].array->nbytes;
    if (filled > 0 && (filled >= limit || nbytes > limit - filled)) {
      TFILE_TRY(parts_.push(Part{i, before}));
      filled = 0;
    }
    filled += nbytes;
    before += nbytes;
  }
  if (parts_.size() > 1) return parts_.push(Part{arrays.size(), before});
  parts_.clear();
  return kOk;
}

Text PartPlan::prefix() const {
  const Text extension(format_->extension);
  return path().first(path().size() - (path().ends_with(extension) ? extension.size() : 0));
}

Status PartPlan::part_path(Vec<char> *out, size_t part) const {
  return make_part_path(out, prefix(), part + 1, count(), format_->extension);
}

Status PartPlan::index_path(Vec<char> *out) const {
  return join(out, prefix(), format_->extension, kIndexSuffix);
}

Span<const NamedArray> PartPlan::arrays(size_t part) const {
  if (count() == 1) return request_->arrays;
  return request_->arrays.from(first(part)).first(first(part + 1) - first(part));
}

Status PartPlan::metadata(const Dict **out, Ref<Dict> *made, size_t part) const {
  *out = request_->metadata;
  if (count() == 1 || format_->sets != SetKind::kSplit) return kOk;
  TFILE_TRY(make_split_metadata(*made, *request_, part, count()));
  *out = made->get();
  return kOk;
}

SaveRequest PartPlan::part_request(size_t part, const Dict *metadata) {
  const Settings &settings = count() == 1 ? request_->settings : progress_->after(parts_[part].before);
  return SaveRequest{arrays(part), metadata, request_->compress, settings};
}

}  // namespace tfile
