// Writer (tf_writer): a save whose arrays are declared first and whose bytes then come in pieces of any size.
#pragma once

#include "file/sets/set_replacement.h"
#include "transfer/stream_writer.h"

namespace tfile {

// The part that a writer writes at present.
struct PartStream {
  PartStream(Memory &memory, const SaveRequest &from, Ref<Dict> made, size_t number)
      : part(number), metadata(std::move(made)), request(from), writer(memory) {}
  PartStream(const PartStream &) = delete;
  PartStream &operator=(const PartStream &) = delete;

  size_t part;
  Ref<Dict> metadata;  // that only this part has
  SaveRequest request;
  StreamWriter writer;
};

}  // namespace tfile

struct tf_writer {
  tf_writer(const tfile::Settings &from, const tfile::Format &to)
      : settings(from),
        memory(tfile::Ref<tfile::Memory>::share(&settings.memory())),
        format(to),
        path(*memory),
        names(*memory),
        arrays(*memory),
        index(*memory, name_at, this),
        plan(*memory),
        files(*memory) {}
  tf_writer(const tf_writer &) = delete;
  tf_writer &operator=(const tf_writer &) = delete;
  ~tf_writer();

  void retain() { refs.increment(); }
  void release();

  tfile::Status declare(tfile::Text name, tf_dtype dtype, tfile::Span<const int64_t> shape);
  // NULL: no metadata.
  tfile::Status set_metadata(const tfile::Dict *values);
  tfile::Status write(const void *bytes, size_t nbytes);
  tfile::Status finish();

  tfile::RefCount refs;
  tfile::Settings settings;
  tfile::Ref<tfile::Memory> memory;
  const tfile::Format &format;
  tfile::Ref<tfile::Sink> sink;  // the caller's, or that of the current part
  tfile::Vec<char> path;         // NUL-terminated; empty if the caller gave a sink

 private:
  enum class State : uint8_t { kDeclaring, kWriting, kFailed, kFinished };

  static tfile::Text name_at(const void *owner, size_t i) {
    return static_cast<const tf_writer *>(owner)->arrays[i].name;
  }
  bool to_path() const { return !path.empty(); }
  tfile::Text label() const { return to_path() ? tfile::Text(path.data()) : tfile::Text(); }
  tfile::Status expect_open() const;
  tfile::Status expect_declaring(const char *what) const;
  tfile::Status check_count(size_t nbytes) const;
  tfile::Status begin();
  tfile::Status begin_part(size_t part);
  tfile::Status end_part();
  tfile::Status write_parts(tfile::Bytes bytes);
  void drop_stream();
  // The array that the next byte belongs to, or their number if all are complete.
  size_t current() const { return state == State::kWriting ? plan.first(stream->part) + stream->writer.current() : 0; }
  // After a failure to write, nothing more can be written.
  tfile::Status note(tfile::Status status) {
    if (!status.ok()) state = State::kFailed;
    return status;
  }

  tfile::Arena names;
  tfile::Vec<tfile::NamedArray> arrays;  // without data; the writer owns a reference to each
  tfile::NameIndex index;
  tfile::Ref<tfile::Dict> metadata;
  tfile::SaveRequest request{{}, nullptr, false, settings};  // all arrays
  tfile::PartPlan plan;
  tfile::SetReplacement files;  // of a writer to a path
  tfile::PartStream *stream = nullptr;
  State state = State::kDeclaring;
};

namespace tfile {

using Writer = ::tf_writer;

// The format of the argument, else that of the settings, else the one that the path's extension names. Writes nothing yet.
Status open_writer(Ref<Writer> &out, const char *path, tf_format format, const Settings &settings);
Status open_sink_writer(Ref<Writer> &out, Ref<Sink> sink, tf_format format, const Settings &settings);

}  // namespace tfile
