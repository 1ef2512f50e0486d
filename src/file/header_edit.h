// Edit (tf_edit): new names, metadata and choice of arrays for a file, whose data are copied as they are stored.
#pragma once

#include "file/opened_file.h"

struct tf_edit {
  explicit tf_edit(tfile::Ref<tfile::OpenedFile> from)
      : file(std::move(from)),
        settings(file->settings),
        memory(tfile::Ref<tfile::Memory>::share(&settings.memory())),
        splice(*memory),
        names(*memory),
        texts(*memory) {}
  tf_edit(const tf_edit &) = delete;
  tf_edit &operator=(const tf_edit &) = delete;

  void retain() { refs.increment(); }
  void release();

  // Begins with the names and the metadata of the file.
  tfile::Status start();
  tfile::Status rename(size_t index, tfile::Text name);
  tfile::Status remove(size_t index);
  // Copies the values; NULL means no metadata.
  tfile::Status set_metadata(const tfile::Dict *values);
  // Lays out the new file, and makes sure that it can be opened and has what was asked for. Afterwards nothing can be
  // changed.
  tfile::Status finish();

  // The functions below fail with INVALID_ARGUMENT before finish() has succeeded.
  tfile::Status check_finished() const;
  // Writes the new file. With TF_OPTION_ATOMIC 0 the new header is written into the file itself.
  tfile::Status save(const char *path, const tfile::Settings &with) const;
  tfile::Status save(tfile::Sink &sink, const tfile::Settings &with) const;
  // Describes a run of the new file: its bytes and their offset in it, or NULL and the offset of those of the old file.
  tfile::Status describe_run(const void **bytes, uint64_t *offset, uint64_t *nbytes, size_t index) const;
  // Reads bytes of the new file.
  tfile::Status read(uint64_t offset, void *to, uint64_t nbytes) const;

  // Returns how many bytes at the start of the old file must be overwritten to make it the new one; 0 if that is not
  // possible. Call it after finish().
  uint64_t patch_bytes() const;

  tfile::RefCount refs;
  tfile::Ref<tfile::OpenedFile> file;
  tfile::Settings settings;
  tfile::Ref<tfile::Memory> memory;
  tfile::Splice splice;

 private:
  tfile::Status check_changing(size_t index) const;
  tfile::Status check_names() const;
  tfile::Status check_holdable() const;
  tfile::Status check_result() const;
  tfile::Status compare(const tfile::Listing &made) const;
  tfile::Status write(tfile::Sink &sink, const tfile::Settings &with) const;
  tfile::Status write_in_place(const char *path, const tfile::Settings &with) const;
  static tfile::Text name_at(const void *owner, size_t index);

  tfile::Vec<tfile::NewName> names;  // for each array of the file
  tfile::Arena texts;                // contains the new names
  tfile::Ref<tfile::Dict> metadata;
  bool finished = false;
};

namespace tfile {

using Edit = ::tf_edit;

// Makes an edit that changes nothing yet. Fails with UNSUPPORTED if the file is a set, or has nothing to edit.
Status make_edit(Ref<Edit> &out, const OpenedFile &file);
// Replaces the metadata of the file at a path; NULL removes them.
Status save_metadata(const char *path, const Dict *metadata, const Settings &settings);

}  // namespace tfile
