#include "file/sets/sink_set.h"

#include "base/error.h"
#include "file/sets/part_name.h"
#include "file/sets/safetensors_index.h"

namespace tfile {

SinkSet::~SinkSet() {
  abort();
  for (Sink *const part : parts_)
    part->release();
}

Status SinkSet::open(const PartPlan &plan) {
  plan_ = &plan;
  return check_open(*main_);
}

Status SinkSet::begin_part(Ref<Sink> &out) {
  if (plan_->count() == 1) return out = main_, kOk;
  Vec<char> path(parts_.memory());
  Sink *sink = nullptr;
  TFILE_TRY(plan_->part_path(&path, parts_.size()));
  TFILE_TRY(resolve(&sink, path));
  out = Ref<Sink>::share(sink);
  return kOk;
}

Status SinkSet::resolve(Sink **out, const Vec<char> &path) {
  Ref<Sink> sink;
  TFILE_TRY(resolve_sink(sink, *main_, name_of(Text(path.data(), path.size() - 1))));
  TFILE_TRY(parts_.reserve(parts_.size() + 1));
  *out = sink.take();
  return parts_.push(*out);
}

Status SinkSet::write_index() {
  Memory &memory = parts_.memory();
  Vec<char> path(memory);
  Vec<char> text(memory);
  Sink *sink = nullptr;
  TFILE_TRY(make_index(&text, *plan_));
  TFILE_TRY(plan_->index_path(&path));
  TFILE_TRY(resolve(&sink, path));
  Output output(*sink, plan_->settings(), 0);
  TFILE_TRY(output.write(text.data(), text.size()));
  return output.flush();
}

Status SinkSet::commit() {
  if (plan_->count() > 1) {
    if (plan_->has_index()) TFILE_TRY(write_index());
    for (size_t i = 1; i < plan_->count(); ++i)
      TFILE_TRY(commit_sink(*parts_[i]));
    TFILE_TRY(commit_sink(*parts_[0]));
    if (plan_->has_index()) TFILE_TRY(commit_sink(*parts_[plan_->count()]));
  }
  return commit_sink(*main_);
}

void SinkSet::abort() {
  for (Sink *const part : parts_)
    abort_sink(*part);
  if (main_) abort_sink(*main_);
}

}  // namespace tfile
