#include "file/writer.h"

#include "base/require.h"
#include "file/save.h"

using namespace tfile;

tf_writer::~tf_writer() {
  drop_stream();
}

void tf_writer::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  destroy(*from, this);
}

void tf_writer::drop_stream() {
  if (stream != nullptr) destroy(*memory, stream);
  stream = nullptr;
}

Status tf_writer::expect_open() const {
  if (state == State::kFinished) return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << "the writer is finished";
  if (state != State::kFailed) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << "the writer has failed before, and can only be released";
}

Status tf_writer::expect_declaring(const char *what) const {
  TFILE_TRY(expect_open());
  if (planned) return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << what << " are those of the plan of parts";
  if (state == State::kDeclaring) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << what << " come before the first byte of data";
}

Status tf_writer::declare(Text name, tf_dtype dtype, Span<const int64_t> shape) {
  TFILE_TRY(expect_declaring("declarations"));
  return declared.add(format, name, dtype, shape);
}

Status tf_writer::set_metadata(const Dict *values) {
  TFILE_TRY(expect_declaring("metadata"));
  Ref<Dict> snapshot;
  if (values != nullptr) TFILE_TRY(copy_dict(snapshot, *memory, *values));
  metadata = std::move(snapshot);
  return kOk;
}

// Checks all declared arrays before it accesses the target.
Status tf_writer::begin() {
  if (state == State::kWriting) return kOk;
  if (format.single_array && declared.arrays().empty()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << format.name << " holds one array, and none is declared";
  }
  request.arrays = declared.arrays();
  request.metadata = metadata.get();
  request.compress = settings.on(TF_OPTION_COMPRESS);
  TFILE_TRY(check_request(format, request));
  TFILE_TRY(note(plan.make(to_path() ? path.data() : sinks.base(), format, request)));
  TFILE_TRY(note(to_path() ? files.open(plan, request.arrays) : sinks.open(plan)));
  TFILE_TRY(note(begin_part(0)));
  state = State::kWriting;
  return note(write_parts(Bytes()));
}

Status tf_writer::begin_part(size_t part) {
  const Dict *values = nullptr;
  Ref<Dict> made;
  TFILE_TRY(plan.metadata(&values, &made, part));
  TFILE_TRY(to_path() ? files.begin_part(sink) : sinks.begin_part(sink));
  SaveRequest part_request = plan.part_request(part, values);
  part_request.forward = sink->ops->put == nullptr;
  TFILE_TRY(make(&stream, *memory, *memory, part_request, std::move(made), part));
  return stream->writer.begin(*sink, format, stream->request);
}

Status tf_writer::end_part() {
  TFILE_TRY(stream->writer.finish());
  return to_path() ? files.end_part() : SinkSet::end_part();
}

// Writes the next bytes. When a part is complete, begins the next one. A save of whole arrays does the same in a loop over
// the parts (write_parts() in save.cpp); here the caller's calls drive the loop, and each resumes the part that the one
// before has begun.
Status tf_writer::write_parts(Bytes bytes) {
  for (;;) {
    TFILE_TRY(stream->writer.write(&bytes));
    const size_t next = stream->part + 1;
    if (stream->writer.needs_data() || next == plan.count()) return kOk;
    TFILE_TRY(end_part());
    drop_stream();
    TFILE_TRY(begin_part(next));
  }
}

Status tf_writer::check_count(size_t nbytes) const {
  uint64_t remaining = 0;
  size_t next = current();
  if (state == State::kWriting && stream->writer.needs_data()) {
    remaining = stream->writer.remaining();
    ++next;
  }
  const Span<const NamedArray> arrays = declared.arrays();
  for (; next < arrays.size() && remaining < nbytes; ++next)
    remaining += arrays[next].array->nbytes;
  if (remaining >= nbytes) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << static_cast<uint64_t>(nbytes) << " bytes are more than the "
                                                         << remaining << " that the arrays declared still lack";
}

Status tf_writer::write(const void *bytes, size_t nbytes) {
  TFILE_TRY(expect_open());
  if (nbytes > 0) TFILE_TRY(require(bytes, "src"));
  TFILE_TRY(check_count(nbytes));
  TFILE_TRY(begin());
  return note(write_parts(Bytes(static_cast<const uint8_t *>(bytes), nbytes)));
}

Status tf_writer::finish() {
  TFILE_TRY(expect_open());
  TFILE_TRY(begin());
  if (stream->writer.needs_data()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()).array(declared.arrays()[current()].name)
           << stream->writer.remaining() << " bytes of its data are missing";
  }
  TFILE_TRY(note(end_part()));
  TFILE_TRY(note(to_path() ? files.commit() : sinks.commit()));
  state = State::kFinished;
  return kOk;
}

namespace tfile {

namespace {

Status make_writer(Ref<Writer> &out, const Format &format, const Settings &settings) {
  Writer *writer = nullptr;
  TFILE_TRY(make(&writer, settings.memory(), settings, format));
  out = Ref<Writer>::adopt(writer);
  return kOk;
}

}  // namespace

Status open_writer(Ref<Writer> &out, const char *path, tf_format format, const Settings &settings) {
  const Format *chosen = nullptr;
  bool by_extension = false;
  TFILE_TRY(choose_format(&chosen, &by_extension, format, path, settings));
  TFILE_TRY(make_writer(out, *chosen, settings));
  return by_extension ? out->path.append(path, strlen(path) + 1) : complete_path(&out->path, path, *chosen, settings);
}

Status open_sink_writer(Ref<Writer> &out, Ref<Sink> sink, tf_format format, const Settings &settings) {
  const Format *chosen = nullptr;
  bool by_extension = false;
  TFILE_TRY(choose_format(&chosen, &by_extension, format, nullptr, settings));
  TFILE_TRY(make_writer(out, *chosen, settings));
  out->set_sink(std::move(sink));
  return kOk;
}

}  // namespace tfile
