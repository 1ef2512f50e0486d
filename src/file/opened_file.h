// OpenedFile (tf_file): a file, or a set of files, whose headers have been read and validated.
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
  // Returns the source that contains a member's bytes.
  tfile::Source &source_of(const tfile::Member &member) const { return parts.empty() ? *source : *parts[member.part]; }
  // Returns everything that is needed to read a member.
  tfile::StoredArray stored(const tfile::Member &member) const {
    return tfile::StoredArray{source_of(member), member, settings, cursor};
  }
  // Finds the member with an index. Fails with INVALID_ARGUMENT if there is none.
  tfile::Status find_member(const tfile::Member **out, size_t index) const {
    if (index >= listing.members.size()) return fail_no_member(index);
    *out = &listing.members[index];
    return tfile::kOk;
  }
  tfile::Status fail_no_member(size_t index) const;

  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  tfile::Ref<tfile::Source> source;  // the file that the caller opened; of a set, one of its files or its index
  tfile::Settings settings;
  const tfile::Format *format = nullptr;
  tfile::Vec<tfile::Source *> parts;  // the files of a set, each with a reference; empty for a single file
  tfile::Listing listing;
  mutable tfile::SliceCursor cursor;
};

namespace tfile {

using OpenedFile = ::tf_file;

// Makes an OpenedFile with no format, no arrays, and no metadata.
Status make_opened_file(Ref<OpenedFile> &out, Ref<Source> source, const Settings &settings);

// Finds the format of a source by its first bytes; NULL if it is of none.
Status probe_source(const Format **out, const Source &source);

// Returns the failure of a file that is not `wanted`, or, if its first bytes show what it is, fails with a message that
// says so. `expected` is the format that it should have, or NULL if it should be something else.
Status explain_content(Status failure, const Source &source, Text wanted, const Format *expected);

// Opens one source. The format is chosen by the argument, else by the settings, else by the extension of the path (if
// the source has a path), else by the content.
Status open_source(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings);
// Opens `nbytes` of the caller's memory, which must outlive the file. Arrays are never mapped from it, so they may be
// used afterwards.
Status open_borrowed_memory(Ref<OpenedFile> &out, const void *data, size_t nbytes, tf_format format,
                            const Settings &settings);
// Opens a copy of `nbytes` of the caller's memory.
Status open_memory_copy(Ref<OpenedFile> &out, const void *data, size_t nbytes, tf_format format,
                        const Settings &settings);

}  // namespace tfile
