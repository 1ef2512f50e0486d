#include "api/arguments.h"
#include "file/sets/set.h"
#include "io/replace.h"
#include "transfer/stream_writer.h"

using namespace tfile;

namespace {

// One file of those that are written; its arrays are in no other.
struct Part {
  Part(Memory &memory, Span<const NamedArray> arrays, const Settings &settings)
      : replacement(memory), request{arrays, nullptr, settings.on(TF_OPTION_COMPRESS), settings} {}

  Replacement replacement;
  Ref<Sink> sink;  // the caller's, or that of the replacement
  Ref<Dict> metadata;
  SaveRequest request;
};

}  // namespace

// What tf_writer is: the declarations, and from the first byte on the parts, the last of which the stream writes.
struct tf_writer {
  tf_writer(const Settings &from, const Format &to)
      : settings(from),
        memory(Ref<Memory>::share(&settings.memory())),
        format(to),
        names(*memory),
        arrays(*memory),
        index(*memory, name_at, this),
        path(*memory),
        plan(*memory),
        parts(*memory) {}
  tf_writer(const tf_writer &) = delete;
  tf_writer &operator=(const tf_writer &) = delete;
  ~tf_writer() {
    drop_stream();
    for (Part *part : parts)
      destroy(*memory, part);
    for (const NamedArray &named : arrays)
      const_cast<Array *>(named.array)->release();
  }

  void retain() { refs.increment(); }
  void release() {
    if (!refs.decrement()) return;
    const Ref<Memory> from = memory;
    destroy(*from, this);
  }

  Status declare(Text name, tf_dtype dtype, Span<const int64_t> shape);
  Status set_metadata(const Dict *values);
  Status write(const void *bytes, size_t nbytes);
  Status finish();

 private:
  enum class State : uint8_t { kDeclaring, kWriting, kFailed, kFinished };

  static Text name_at(const void *owner, size_t place) {
    return static_cast<const tf_writer *>(owner)->arrays[place].name;
  }
  Text label() const { return path.empty() ? Text() : Text(path.data()); }
  Status expect_declaring(const char *what) const;
  Status expect_open() const;
  Status begin();
  Status begin_part();
  Status write_parts(Bytes bytes);
  Status commit();
  Status check_count(size_t nbytes) const;
  void drop_stream() {
    if (stream != nullptr) destroy(*memory, stream);
    stream = nullptr;
  }
  // Of all arrays, the one that the next byte belongs to; their number when none is left.
  size_t current() const { return state == State::kWriting ? plan.first(parts.size() - 1) + stream->current() : 0; }
  // Notes that what was written is not what it should be, and that nothing more can be.
  Status note(Status status) {
    if (!status.ok()) state = State::kFailed;
    return status;
  }

 public:
  RefCount refs;
  Settings settings;
  Ref<Memory> memory;
  const Format &format;
  Ref<Sink> sink;  // the caller's, if there is one

 private:
  Arena names;
  Vec<NamedArray> arrays;  // without data, each with a reference of ours
  NameIndex index;
  Ref<Dict> metadata;

 public:
  Vec<char> path;  // NUL-terminated; empty: to the caller's sink

 private:
  SaveRequest request{{}, nullptr, false, settings};  // of all parts
  SetPlan plan;
  Vec<Part *> parts;
  StreamWriter *stream = nullptr;  // of the last part
  State state = State::kDeclaring;
};

Status tf_writer::expect_open() const {
  if (state == State::kFinished) return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << "the writer is finished";
  if (state != State::kFailed) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << "the writer has failed before, and can only be released";
}

Status tf_writer::expect_declaring(const char *what) const {
  TFILE_TRY(expect_open());
  if (state == State::kDeclaring) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << what << " come before the first byte of data";
}

Status tf_writer::declare(Text name, tf_dtype dtype, Span<const int64_t> shape) {
  TFILE_TRY(expect_declaring("declarations"));
  uint64_t nbytes = 0;
  TFILE_TRY(check_shape(&nbytes, dtype, shape));
  if (format.single_array && !arrays.empty()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).array(name) << format.name << " holds one array, and it is declared";
  }
  NamedArray named{Text(), nullptr};
  TFILE_TRY(names.copy(&named.name, name));
  Ref<Array> array;
  TFILE_TRY(make_array(array, *memory, *find_dtype(dtype), shape, nullptr, Ref<Buffer>(), nullptr));
  named.array = array.get();
  TFILE_TRY(arrays.push(named));
  size_t found = NameIndex::kNone;
  const Status status = index.add(&found, named.name);
  if (status.ok() && found == NameIndex::kNone) {
    (void)array.take();
    return kOk;
  }
  arrays.pop();
  TFILE_TRY(status);
  return Failure(TF_STATUS_DUPLICATE).array(name) << "is declared twice";
}

Status tf_writer::set_metadata(const Dict *values) {
  TFILE_TRY(expect_declaring("metadata"));
  if (values != nullptr && !format.has_metadata()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << format.name << " has no metadata: it must be NULL";
  }
  metadata = Ref<Dict>::share(const_cast<Dict *>(values));
  return kOk;
}

// Checks all that was declared; only then the target is touched.
Status tf_writer::begin() {
  if (state == State::kWriting) return kOk;
  if (format.single_array && arrays.empty()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << format.name << " holds one array, and none is declared";
  }
  request.arrays = arrays.span();
  request.metadata = metadata.get();
  request.compress = settings.on(TF_OPTION_COMPRESS);
  TFILE_TRY(check_request(format, request));
  TFILE_TRY(note(plan.make(path.empty() ? "" : path.data(), format, request)));
  TFILE_TRY(note(begin_part()));
  state = State::kWriting;
  return note(write_parts(Bytes()));
}

// Begins the file behind those that there are.
Status tf_writer::begin_part() {
  const size_t place = parts.size();
  Part *part = nullptr;
  TFILE_TRY(parts.reserve(place + 1));
  TFILE_TRY(make(&part, *memory, *memory, plan.arrays(place), settings));
  TFILE_TRY(parts.push(part));
  TFILE_TRY(plan.metadata(&part->request.metadata, &part->metadata, place));
  if (path.empty()) {
    part->sink = sink;
  } else {
    Vec<char> file(*memory);
    TFILE_TRY(plan.path(&file, place));
    const bool atomic = settings.on(TF_OPTION_ATOMIC);
    TFILE_TRY(part->replacement.begin(part->sink, file.data(), atomic, settings.on(TF_OPTION_DURABLE)));
  }
  part->request.forward = part->sink->ops->put == nullptr;
  drop_stream();
  TFILE_TRY(make(&stream, *memory, *memory));
  return stream->begin(*part->sink, format, part->request);
}

// Writes the next bytes of all arrays, and goes on to the next part where one has all of its own.
Status tf_writer::write_parts(Bytes bytes) {
  for (;;) {
    TFILE_TRY(stream->write(&bytes));
    if (stream->needs_data() || parts.size() == plan.count()) return kOk;
    TFILE_TRY(stream->finish());
    TFILE_TRY(begin_part());
  }
}

Status tf_writer::check_count(size_t nbytes) const {
  uint64_t left = 0;
  size_t next = current();
  if (state == State::kWriting && stream->needs_data()) {
    left = stream->remaining();
    ++next;
  }
  for (; next < arrays.size() && left < nbytes; ++next)
    left += arrays[next].array->nbytes;
  if (left >= nbytes) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << static_cast<uint64_t>(nbytes) << " bytes are more than the "
                                                         << left << " that the arrays declared still lack";
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
  if (stream->needs_data()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()).array(arrays[current()].name)
           << stream->remaining() << " bytes of its data are missing";
  }
  TFILE_TRY(note(stream->finish()));
  if (!path.empty()) TFILE_TRY(note(commit()));
  state = State::kFinished;
  return kOk;
}

Status tf_writer::commit() {
  for (Part *part : parts)
    TFILE_TRY(part->replacement.commit());
  return plan.save_index();
}

namespace {

// The format that is asked for, or that of the option, or that of the path's extension.
Status choose_format(const Format **out, tf_format asked, const char *path, const Settings &settings) {
  tf_format id = asked != TF_FORMAT_AUTO ? asked : static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  if (id == TF_FORMAT_AUTO && path != nullptr) {
    *out = format_of_path(path);
    if (*out != nullptr) return kOk;
  }
  return require_format(out, id);
}

Status open_writer(Ref<tf_writer> &out, const char *path, tf_sink *sink, tf_format id, const tf_options *options) {
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_TRY(choose_format(&format, id, path, settings));
  tf_writer *writer = nullptr;
  TFILE_TRY(make(&writer, settings.memory(), settings, *format));
  out = Ref<tf_writer>::adopt(writer);
  writer->sink = Ref<Sink>::share(sink);
  return path != nullptr ? complete_path(&writer->path, path, *format, settings) : kOk;
}

}  // namespace

extern "C" {

tf_status tf_writer_open(tf_writer **out, const char *path, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Ref<tf_writer> writer;
  TFILE_API_TRY(open_writer(writer, path, nullptr, format, options));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_status tf_writer_open_sink(tf_writer **out, tf_sink *sink, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(sink, "sink"));
  Ref<tf_writer> writer;
  TFILE_API_TRY(open_writer(writer, nullptr, sink, format, options));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_status tf_writer_declare(tf_writer *writer, const char *name, size_t length, tf_dtype dtype, const int64_t *shape,
                            size_t ndim) {
  TFILE_API_TRY(require(writer, "writer"));
  Text text;
  TFILE_API_TRY(require_text(&text, name, length, "name"));
  Span<const int64_t> sizes;
  TFILE_API_TRY(require_span(&sizes, shape, ndim, "shape"));
  return writer->declare(text, dtype, sizes).code;
}

tf_status tf_writer_set_metadata(tf_writer *writer, const tf_dict *metadata) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->set_metadata(metadata).code;
}

tf_status tf_writer_write(tf_writer *writer, const void *src, size_t nbytes) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->write(src, nbytes).code;
}

tf_status tf_writer_finish(tf_writer *writer) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->finish().code;
}

tf_writer *tf_writer_retain(tf_writer *writer) {
  if (writer != nullptr) writer->retain();
  return writer;
}

void tf_writer_release(tf_writer *writer) {
  if (writer != nullptr) writer->release();
}

}  // extern "C"
