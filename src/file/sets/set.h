// Sets of files: sharded safetensors with their index, and split gguf; opened as one, and saved in parts.
#pragma once

#include "file/open.h"
#include "file/request.h"

namespace tfile {

// Whether a path is named as the index of sharded safetensors.
bool is_index_path(Text path);

// Opens what an index lists, as one file.
Status open_index(Ref<OpenedFile> &out, const Ref<Source> &index, const Settings &settings);

// Opens all parts of a split gguf, of which file is one; a file that is not split stays as it is.
Status open_split(Ref<OpenedFile> &file);

// How a request is cut into the parts of a set: none has more array data than TF_OPTION_PART_BYTES, but for one that has
// a single array.
class SetPlan {
 public:
  explicit SetPlan(Memory &memory) : whole_(memory), starts_(memory) {}
  SetPlan(const SetPlan &) = delete;
  SetPlan &operator=(const SetPlan &) = delete;

  // One part where the settings ask for no parts, the format has none, or all fits in one. The path has the format's
  // extension if it is to have it. The format and the request must outlive *this.
  Status make(const char *path, const Format &format, const SaveRequest &request);
  size_t count() const { return starts_.size() - 1; }
  // The file that a part is saved as, NUL-terminated.
  Status path(Vec<char> *out, size_t part) const;
  // The first array of a part, and all that it has.
  size_t first(size_t part) const { return starts_[part]; }
  Span<const NamedArray> arrays(size_t part) const {
    return request_->arrays.from(starts_[part]).first(starts_[part + 1] - starts_[part]);
  }
  // The metadata that a part has; *made keeps those that are its own.
  Status metadata(const Dict **out, Ref<Dict> *made, size_t part) const;
  // The index of a set that has one: last, so that a set that is listed is whole.
  Status save_index() const;

 private:
  Text prefix() const;
  Status make_index(Vec<char> *text) const;

  Vec<char> whole_;  // the path of a single file
  Vec<size_t> starts_;
  const Format *format_ = nullptr;
  const SaveRequest *request_ = nullptr;
};

// save_to_path(), or, where the settings ask for parts and the format has them, in parts of at most TF_OPTION_PART_BYTES
// of array data when one file would have more.
Status save_whole_or_parts(const char *path, const Format &format, const SaveRequest &request, bool add_extension);

}  // namespace tfile
