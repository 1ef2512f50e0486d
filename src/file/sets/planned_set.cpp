#include "file/sets/planned_set.h"

#include "file/save.h"
#include "file/sets/safetensors_index.h"
#include "io/replace.h"

using namespace tfile;

namespace {

// Copies a text to a buffer, followed by a NUL that its size does not count.
Status copy_text(Ref<Buffer> &out, Memory &memory, Text text) {
  TFILE_TRY(make_buffer(out, memory, text.size() + 1));
  auto *const bytes = static_cast<char *>(out->data);
  if (!text.empty()) memcpy(bytes, text.data(), text.size());
  bytes[text.size()] = '\0';
  out->size = text.size();
  return kOk;
}

}  // namespace

void tf_part_plan::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  destroy(*from, this);
}

Status tf_part_plan::check_declaring() const {
  if (!finished) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(path.data()) << "the plan of parts is finished";
}

Status tf_part_plan::check_finished() const {
  if (finished) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(path.data())
         << "the plan of parts is not finished: tf_part_plan_finish()";
}

Status tf_part_plan::check_part(size_t part) const {
  TFILE_TRY(check_finished());
  if (part < plan.count()) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(path.data())
         << "there is no part " << static_cast<uint64_t>(part) << "; the plan has "
         << static_cast<uint64_t>(plan.count());
}

Status tf_part_plan::declare(Text name, tf_dtype dtype, Span<const int64_t> shape) {
  TFILE_TRY(check_declaring());
  return declared.add(format, name, dtype, shape);
}

Status tf_part_plan::declare_all(const Dict &arrays) {
  TFILE_TRY(check_declaring());
  Vec<NamedArray> named(*memory);
  TFILE_TRY(collect_arrays(&named, arrays));
  const size_t before = declared.arrays().size();
  for (const NamedArray &one : named) {
    const Status status = declared.add(format, one.name, one.array->dtype->id, one.array->shape());
    if (!status.ok()) return declared.truncate(before), status;
  }
  return kOk;
}

Status tf_part_plan::set_metadata(const Dict *values) {
  TFILE_TRY(check_declaring());
  Ref<Dict> snapshot;
  if (values != nullptr) TFILE_TRY(copy_dict(snapshot, *memory, *values));
  metadata = std::move(snapshot);
  return kOk;
}

Status tf_part_plan::finish() {
  TFILE_TRY(check_declaring());
  request.arrays = declared.arrays();
  request.metadata = metadata.get();
  request.compress = settings.on(TF_OPTION_COMPRESS);
  TFILE_TRY(check_request(format, request));
  TFILE_TRY(plan.make(path.data(), format, request));
  finished = true;
  return kOk;
}

Status tf_part_plan::describe_part(size_t *first, size_t *count, uint64_t *nbytes, size_t part) const {
  TFILE_TRY(check_part(part));
  const Span<const NamedArray> arrays = plan.arrays(part);
  if (first != nullptr) *first = plan.first(part);
  if (count != nullptr) *count = arrays.size();
  if (nbytes == nullptr) return kOk;
  *nbytes = 0;
  for (const NamedArray &named : arrays)
    *nbytes += named.array->nbytes;
  return kOk;
}

Status tf_part_plan::make_path(Vec<char> *out, size_t part) const {
  TFILE_TRY(check_finished());
  if (part == plan.count() && plan.has_index()) return plan.index_path(out);
  if (part == plan.count()) {
    return Failure(TF_STATUS_NOT_FOUND).in(path.data()) << "the plan of parts has no index";
  }
  TFILE_TRY(check_part(part));
  if (plan.count() > 1) return plan.part_path(out, part);
  out->clear();
  return out->append(path.data(), path.size());
}

Status tf_part_plan::make_metadata(Ref<Dict> &out, size_t part) const {
  TFILE_TRY(check_part(part));
  const Dict *values = nullptr;
  Ref<Dict> made;
  TFILE_TRY(plan.metadata(&values, &made, part));
  return values != nullptr ? copy_dict(out, *memory, *values) : make_dict(out, *memory);
}

Status tf_part_plan::make_index_text(Vec<char> *out) const {
  Vec<char> own(*memory);
  TFILE_TRY(make_path(&own, plan.count()));
  return make_index(out, plan);
}

Status tf_part_plan::copy_path(Ref<Buffer> &out, size_t part) const {
  Vec<char> own(*memory);
  TFILE_TRY(make_path(&own, part));
  return copy_text(out, *memory, Text(own.data(), own.size() - 1));
}

Status tf_part_plan::copy_index(Ref<Buffer> &out) const {
  Vec<char> text(*memory);
  TFILE_TRY(make_index_text(&text));
  return copy_text(out, *memory, Text(text.data(), text.size()));
}

Status tf_part_plan::save_index(const char *to) const {
  Vec<char> text(*memory);
  Vec<char> own(*memory);
  TFILE_TRY(make_index_text(&text));
  TFILE_TRY(plan.index_path(&own));
  Replacement file(*memory);
  Ref<Sink> sink;
  TFILE_TRY(
      file.begin(sink, to != nullptr ? to : own.data(), settings.on(TF_OPTION_ATOMIC), settings.on(TF_OPTION_DURABLE)));
  Output output(*sink, settings, 0);
  TFILE_TRY(output.write(text.data(), text.size()));
  TFILE_TRY(output.flush());
  return file.commit();
}

Status tf_part_plan::open_part(Ref<Writer> &out, size_t part, const char *to, Sink *sink) const {
  Vec<char> own(*memory);
  Ref<Dict> values;
  TFILE_TRY(make_path(&own, part));
  TFILE_TRY(make_metadata(values, part));
  Settings alone = settings;
  alone.set(TF_OPTION_PART_BYTES, 0);
  alone.set(TF_OPTION_EXACT_PATH, 1);
  Ref<Writer> writer;
  if (sink != nullptr) {
    TFILE_TRY(open_sink_writer(writer, Ref<Sink>::share(sink), format.id, alone));
  } else {
    TFILE_TRY(open_writer(writer, to != nullptr ? to : own.data(), format.id, alone));
  }
  for (const NamedArray &named : plan.arrays(part))
    TFILE_TRY(writer->declare(named.name, named.array->dtype->id, named.array->shape()));
  const bool has_metadata = values->size() > 0 || request.metadata != nullptr;
  TFILE_TRY(writer->set_metadata(has_metadata ? values.get() : nullptr));
  writer->end_declarations();
  out = std::move(writer);
  return kOk;
}

namespace tfile {

Status make_planned_set(Ref<PlannedSet> &out, const char *path, tf_format asked, const Settings &settings) {
  const Format *format = nullptr;
  bool by_extension = false;
  TFILE_TRY(choose_format(&format, &by_extension, asked, path, settings));
  PlannedSet *made = nullptr;
  TFILE_TRY(make(&made, settings.memory(), settings, *format));
  Ref<PlannedSet> set = Ref<PlannedSet>::adopt(made);
  TFILE_TRY(by_extension ? set->path.append(path, strlen(path) + 1)
                         : complete_path(&set->path, path, *format, settings));
  out = std::move(set);
  return kOk;
}

}  // namespace tfile
