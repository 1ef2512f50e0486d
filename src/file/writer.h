// Writer (tf_writer): saves arrays that are declared first and whose bytes are then passed in pieces of any size.
#pragma once

#include "file/declarations.h"
#include "file/sets/set_replacement.h"
#include "file/sets/sink_set.h"
#include "transfer/stream_writer.h"

namespace tfile {

// The part of the set that is being written.
struct PartStream {
  PartStream(Memory &memory, const SaveRequest &from, Ref<Dict> made, size_t number)
      : part(number), metadata(std::move(made)), request(from), writer(memory) {}
  PartStream(const PartStream &) = delete;
  PartStream &operator=(const PartStream &) = delete;

  size_t part;
  Ref<Dict> metadata;  // owns the metadata that only this part has
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
        declared(*memory),
        plan(*memory),
        files(*memory),
        sinks(*memory) {}
  tf_writer(const tf_writer &) = delete;
  tf_writer &operator=(const tf_writer &) = delete;
  ~tf_writer();

  void retain() { refs.increment(); }
  void release();

  tfile::Status declare(tfile::Text name, tf_dtype dtype, tfile::Span<const int64_t> shape);
  // Copies the values; NULL means no metadata.
  tfile::Status set_metadata(const tfile::Dict *values);
  // From now on the arrays and the metadata cannot be changed.
  void end_declarations() { planned = true; }
  tfile::Status write(const void *bytes, size_t nbytes);
  tfile::Status finish();

  tfile::RefCount refs;
  tfile::Settings settings;
  tfile::Ref<tfile::Memory> memory;
  const tfile::Format &format;
  tfile::Ref<tfile::Sink> sink;  // the sink of the current part
  tfile::Vec<char> path;         // NUL-terminated; empty if the caller gave a sink

  // Sets the sink of a writer that does not write to a path.
  void set_sink(tfile::Ref<tfile::Sink> to) { sinks.begin(std::move(to)); }

 private:
  enum class State : uint8_t { kDeclaring, kWriting, kFailed, kFinished };

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
  // Returns the index of the array to which the next byte belongs, or the number of arrays if all are complete.
  size_t current() const { return state == State::kWriting ? plan.first(stream->part) + stream->writer.current() : 0; }
  // Records a failure, after which nothing more can be written.
  tfile::Status note(tfile::Status status) {
    if (status.ok()) return status;
    state = State::kFailed;
    sinks.abort();
    return status;
  }

  tfile::Declarations declared;
  tfile::Ref<tfile::Dict> metadata;
  tfile::SaveRequest request{{}, nullptr, false, settings};  // contains all arrays of the set
  tfile::PartPlan plan;
  tfile::SetReplacement files;  // used if the writer writes to a path
  tfile::SinkSet sinks;         // used if it does not
  tfile::PartStream *stream = nullptr;
  State state = State::kDeclaring;
  bool planned = false;  // a plan of parts has declared everything
};

namespace tfile {

using Writer = ::tf_writer;

// Opens a writer to a path. The format is chosen by the argument, else by the settings, else by the path's extension.
// Writes nothing yet.
Status open_writer(Ref<Writer> &out, const char *path, tf_format format, const Settings &settings);
Status open_sink_writer(Ref<Writer> &out, Ref<Sink> sink, tf_format format, const Settings &settings);

}  // namespace tfile
