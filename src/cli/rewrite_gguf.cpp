// Rewrites .gguf: the library writes the metadata, the records of the tensors are kept but for their names and offsets.
#include <algorithm>
#include <array>

#include "cli/rewrite.h"

namespace cli {

namespace {

constexpr size_t kFixed = 24;  // magic, version, number of tensors, number of metadata values
constexpr size_t kTensorCount = 8;
constexpr uint32_t kStringType = 8;
constexpr uint32_t kArrayType = 9;
constexpr const char *kAlignmentKey = "general.alignment";

// Reads a header.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  uint64_t number(size_t nbytes) { return load_le(take(nbytes)); }
  std::string_view string() { return take(number(8)); }
  std::string_view take(uint64_t nbytes) {
    if (nbytes > bytes_.size() - position_) {
      throw tensorfile::Error(tensorfile::Status::corrupt, "the header changed during the edit");
    }
    const std::string_view taken = bytes_.substr(position_, static_cast<size_t>(nbytes));
    position_ += taken.size();
    return taken;
  }
  void skip_values(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      string();
      skip_value(number(4));
    }
  }

 private:
  // Recurses for lists of lists, whose depth the library has limited.
  void skip_value(uint64_t type) {
    constexpr std::array<uint8_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == kStringType) {
      string();
    } else if (type == kArrayType) {
      const uint64_t element = number(4);
      for (uint64_t count = number(8); count > 0; --count)
        skip_value(element);
    } else {
      take(kSizes.at(static_cast<size_t>(type)));
    }
  }

  std::string_view bytes_;
  size_t position_ = 0;
};

// A tensor of the new file.
struct Tensor {
  std::string name;
  std::string_view type;  // number of dimensions, sizes and type, as the old record has them
  uint64_t old_offset;    // in the data section
  uint64_t stored;
  uint64_t offset = 0;
};

uint64_t alignment_of(const tensorfile::Dict &metadata) {
  return metadata.contains(kAlignmentKey) ? static_cast<uint64_t>(metadata.as<int64_t>(kAlignmentKey)) : 32;
}

// Returns bytes that include the whole header of the old file: everything before the first tensor.
std::string old_header(const Rewrite &rewrite) {
  uint64_t end = rewrite.old.size();
  for (const tensorfile::File::Entry &entry : rewrite.file) {
    if (entry.nbytes() > 0) end = std::min(end, entry.location().offset);
  }
  return rewrite.old.read(0, static_cast<size_t>(end));
}

// Reads the records of the old file. Leaves the cursor after the last one.
std::vector<Tensor> kept_tensors(Cursor &cursor, const Rewrite &rewrite) {
  cursor.take(kTensorCount);
  const uint64_t tensors = cursor.number(8);
  cursor.skip_values(cursor.number(8));
  std::vector<Tensor> kept;
  for (uint64_t i = 0; i < tensors; ++i) {
    const tensorfile::File::Entry entry = rewrite.file.at(cursor.string());
    Cursor copy = cursor;
    const uint64_t rank = copy.number(4);
    const std::string_view type = cursor.take(4 + 8 * rank + 4);
    const uint64_t offset = cursor.number(8);
    const std::optional<std::string> &name = rewrite.names[entry.index()];
    if (name) kept.push_back({*name, type, offset, entry.location().stored_bytes, offset});
  }
  return kept;
}

std::string new_header(const Rewrite &rewrite, const std::vector<Tensor> &tensors) {
  const tensorfile::Buffer metadata = tensorfile::save_memory(rewrite.file.format(), {}, rewrite.metadata);
  const std::string_view bytes(reinterpret_cast<const char *>(metadata.data()), metadata.size());
  Cursor cursor(bytes);
  cursor.take(kFixed);
  cursor.skip_values(rewrite.metadata.size());
  std::string header(bytes.substr(0, cursor.position()));
  std::string count;
  append_le(count, tensors.size(), 8);
  header.replace(kTensorCount, count.size(), count);
  for (const Tensor &tensor : tensors) {
    append_le(header, tensor.name.size(), 8);
    header += tensor.name;
    header += tensor.type;
    append_le(header, tensor.offset, 8);
  }
  return header;
}

// Places the tensors one after another, in the order of the old file.
void place(std::vector<Tensor> &tensors, NewFile &data, uint64_t old_start, uint64_t alignment) {
  std::vector<Tensor *> order;
  order.reserve(tensors.size());
  for (Tensor &tensor : tensors)
    order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(),
                   [](const Tensor *a, const Tensor *b) { return a->old_offset < b->old_offset; });
  for (Tensor *tensor : order) {
    tensor->offset = data.size();
    data.copy(old_start + tensor->old_offset, tensor->stored);
    data.add(std::string(static_cast<size_t>(align_up(data.size(), alignment) - data.size()), '\0'));
  }
}

}  // namespace

NewFile rewritten_gguf(const Rewrite &rewrite) {
  const std::string old = old_header(rewrite);
  if (load_le(std::string_view(old).substr(4, 4)) > UINT16_MAX) {
    throw tensorfile::Error(tensorfile::Status::unsupported,
                            "a big-endian gguf cannot be edited; tensorfile convert makes it little-endian");
  }
  Cursor cursor(old);
  std::vector<Tensor> tensors = kept_tensors(cursor, rewrite);
  const uint64_t old_alignment = alignment_of(rewrite.file.metadata());
  const uint64_t alignment = alignment_of(rewrite.metadata);
  const uint64_t old_start = align_up(cursor.position(), old_alignment);
  NewFile data;
  if (tensors.size() == rewrite.file.size() && alignment == old_alignment) {
    if (old_start < rewrite.old.size()) data.copy(old_start, rewrite.old.size() - old_start);
  } else {
    place(tensors, data, old_start, alignment);
  }
  std::string header = new_header(rewrite, tensors);
  header.resize(static_cast<size_t>(align_up(header.size(), alignment)), '\0');
  NewFile out;
  out.add(std::move(header));
  for (const Run &run : data.runs())
    run.is_new() ? out.add(run.bytes) : out.copy(run.offset, run.nbytes);
  return out;
}

}  // namespace cli
