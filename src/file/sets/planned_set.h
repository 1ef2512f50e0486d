// PlannedSet (tf_part_plan): a plan of parts by itself, for programs that write the files of a set separately.
#pragma once

#include "file/declarations.h"
#include "file/sets/part_plan.h"
#include "file/writer.h"

struct tf_part_plan {
  tf_part_plan(const tfile::Settings &from, const tfile::Format &to)
      : settings(from),
        memory(tfile::Ref<tfile::Memory>::share(&settings.memory())),
        format(to),
        path(*memory),
        declared(*memory),
        plan(*memory) {}
  tf_part_plan(const tf_part_plan &) = delete;
  tf_part_plan &operator=(const tf_part_plan &) = delete;

  void retain() { refs.increment(); }
  void release();

  tfile::Status declare(tfile::Text name, tf_dtype dtype, tfile::Span<const int64_t> shape);
  tfile::Status declare_all(const tfile::Dict &arrays);
  // Copies the values; NULL means no metadata.
  tfile::Status set_metadata(const tfile::Dict *values);
  // Divides the arrays. Afterwards nothing can be declared.
  tfile::Status finish();

  // These fail with INVALID_ARGUMENT before finish() has succeeded, or if there is no such part.
  tfile::Status check_finished() const;
  tfile::Status check_part(size_t part) const;
  // Finds the first array of a part, their number, and the bytes of their data. Each output may be NULL.
  tfile::Status describe_part(size_t *first, size_t *count, uint64_t *nbytes, size_t part) const;
  // Makes the path of a part, or of the index if `part` is the number of parts. Fails with NOT_FOUND if there is none.
  tfile::Status make_path(tfile::Vec<char> *out, size_t part) const;
  // Makes a copy of the metadata of a part.
  tfile::Status make_metadata(tfile::Ref<tfile::Dict> &out, size_t part) const;
  // Make copies of that path, without its NUL, and of the text of the index.
  tfile::Status copy_path(tfile::Ref<tfile::Buffer> &out, size_t part) const;
  tfile::Status copy_index(tfile::Ref<tfile::Buffer> &out) const;
  // Writes the index to a path, or to its own if that is NULL.
  tfile::Status save_index(const char *to) const;
  // Opens a writer for one part, whose arrays and metadata are declared: to a path, to its own path if both are NULL, or
  // to a sink.
  tfile::Status open_part(tfile::Ref<tfile::Writer> &out, size_t part, const char *to, tfile::Sink *sink) const;

  tfile::RefCount refs;
  tfile::Settings settings;
  tfile::Ref<tfile::Memory> memory;
  const tfile::Format &format;
  tfile::Vec<char> path;  // of a single file, NUL-terminated
  tfile::Declarations declared;
  tfile::PartPlan plan;

 private:
  tfile::Status check_declaring() const;
  tfile::Status make_index_text(tfile::Vec<char> *out) const;

  tfile::Ref<tfile::Dict> metadata;
  tfile::SaveRequest request{{}, nullptr, false, settings};
  bool finished = false;
};

namespace tfile {

using PlannedSet = ::tf_part_plan;

// The format is chosen as by open_writer().
Status make_planned_set(Ref<PlannedSet> &out, const char *path, tf_format format, const Settings &settings);

}  // namespace tfile
