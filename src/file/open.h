// tf_file: a file opened and validated, its arrays not yet read.
#pragma once

#include "transfer/read_array.h"

struct tf_file {
  tf_file(tfile::Ref<tfile::Source> from, const tfile::Settings &with)
      : memory(tfile::Ref<tfile::Memory>::share(&with.memory())),
        source(std::move(from)),
        settings(with),
        parts(with.memory()),
        listing(with.memory()) {}
  ~tf_file();
  tf_file(const tf_file &) = delete;
  tf_file &operator=(const tf_file &) = delete;

  void retain() { refs.increment(); }
  void release();
  // Where a member's bytes are.
  tfile::Source &source_of(const tfile::Member &member) const { return parts.empty() ? *source : *parts[member.part]; }
  tfile::StoredArray stored(const tfile::Member &member) const {
    return tfile::StoredArray{source_of(member), member, settings, cursor};
  }

  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  tfile::Ref<tfile::Source> source;  // the file that was named
  tfile::Settings settings;
  const tfile::Format *format = nullptr;
  tfile::Vec<tfile::Source *> parts;  // of a set its files, each with a reference; else empty
  tfile::Listing listing;
  mutable tfile::SliceCursor cursor;
};

namespace tfile {

using OpenedFile = ::tf_file;

// Opens a source: format if given, else that of the settings, else what the path's extension names ("" for no path),
// else what the content shows.
Status open_file(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings);
Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings);

// Reads one array, or maps it.
Status read_array(Ref<Array> &out, const OpenedFile &file, const Member &member);

// tf_load on an open file; each output may be NULL.
Status load_file(tf_array **array, tf_dict **arrays, tf_dict **metadata, const OpenedFile &file);

}  // namespace tfile
