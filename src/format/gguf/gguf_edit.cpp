// Changes the header of GGUF: the metadata are written anew, and the records of the tensors are kept except for their
// names and offsets. A big-endian file stays big-endian.
#include <algorithm>

#include "format/gguf/gguf_fields.h"
#include "format/gguf/gguf_header.h"

namespace tfile {

namespace {

// A tensor of the new file.
struct Tensor {
  Text name;
  size_t type;  // index in `types`: the number of dimensions, the sizes and the type, as the old record has them
  size_t type_size;
  uint64_t from;    // offset of its data in the old file
  uint64_t stored;  // bytes of its data
  uint64_t offset;  // of its data in the data section: first of the old file, then of the new one
};

class HeaderEdit {
 public:
  HeaderEdit(Splice &splice, const EditRequest &request)
      : splice_(splice),
        request_(request),
        header_(request.settings.memory(), request.source, request.settings),
        types_(request.settings.memory()),
        tensors_(request.settings.memory()),
        order_(request.settings.memory()),
        alignment_(gguf_alignment(request.metadata)) {}

  Status run() {
    TFILE_TRY(read_records());
    const uint64_t old_alignment = gguf_alignment(*request_.listing.metadata);
    const uint64_t old_start = Checked(header_.position()).align_up(old_alignment).value();
    const bool keeps_data = tensors_.size() == request_.listing.members.size() && alignment_ == old_alignment;
    if (!keeps_data) TFILE_TRY(assign_offsets());
    TFILE_TRY(write_header());
    if (!keeps_data) return copy_tensors();
    return old_start < request_.source.size ? splice_.copy(old_start, request_.source.size - old_start) : kOk;
  }

 private:
  // Reads the records of the tensors that are kept, and moves to the end of the last record.
  Status read_records() {
    const Vec<Member> &members = request_.listing.members;
    uint64_t tensors = 0;
    uint64_t values = 0;
    uint32_t version = 0;
    TFILE_TRY(header_.skip(sizeof(kGgufMagic)));
    TFILE_TRY(header_.read(&version));
    header_.set_big((version & 0xFFFF) == 0);
    TFILE_TRY(header_.read(&tensors));
    TFILE_TRY(header_.read(&values));
    if (tensors != members.size()) return header_changed(request_.source);
    for (uint64_t i = 0; i < values; ++i) {
      uint32_t type = 0;
      TFILE_TRY(header_.skip_string());
      TFILE_TRY(header_.read(&type));
      TFILE_TRY(skip_value(type, 0));
    }
    TFILE_TRY(tensors_.reserve(members.size()));
    for (size_t i = 0; i < members.size(); ++i)
      TFILE_TRY(read_record(members[i], request_.names[i]));
    return kOk;
  }

  // Skips a metadata value in `level` arrays.
  Status skip_value(uint32_t type, size_t level) {
    if (type == kGgufString) return header_.skip_string();
    uint64_t count = 1;
    if (type == kGgufArray) {
      if (level == kGgufMaxLevels) return header_changed(request_.source);
      TFILE_TRY(header_.read(&type));
      TFILE_TRY(header_.read_count(&count, 1, "elements"));
      if (type == kGgufString || type == kGgufArray) {
        for (uint64_t i = 0; i < count; ++i)
          TFILE_TRY(skip_value(type, level + 1));
        return kOk;
      }
    }
    const Dtype *const dtype = gguf_value_dtype(type);
    if (dtype == nullptr) return header_changed(request_.source);
    return header_.skip((Checked(count) * dtype->block_bytes).valid() ? count * dtype->block_bytes : UINT64_MAX);
  }

  Status read_record(const Member &member, const NewName &name) {
    Text old;
    uint32_t rank = 0;
    TFILE_TRY(header_.read_string(&old));
    if (!(old == member.name)) return header_changed(request_.source);
    const uint64_t start = header_.position();
    TFILE_TRY(header_.read(&rank));
    if (rank > kGgufMaxRank) return header_changed(request_.source);
    TFILE_TRY(header_.skip(rank * sizeof(uint64_t) + sizeof(uint32_t)));
    const auto size = static_cast<size_t>(header_.position() - start);
    Tensor tensor = {name.name, types_.size(), size, member.offset, member.stored, 0};
    if (!name.removed) TFILE_TRY(types_.append(header_.here() - size, size));
    TFILE_TRY(header_.read(&tensor.offset));
    return name.removed ? kOk : tensors_.push(tensor);
  }

  // Gives the tensors new offsets one after another, in the order of the old file.
  Status assign_offsets() {
    TFILE_TRY(order_.resize(tensors_.size()));
    for (size_t i = 0; i < order_.size(); ++i)
      order_[i] = i;
    std::sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
      return tensors_[a].offset != tensors_[b].offset ? tensors_[a].offset < tensors_[b].offset : a < b;
    });
    Checked at = 0;
    for (const size_t i : order_) {
      tensors_[i].offset = at.value();
      at = (at + tensors_[i].stored).align_up(alignment_);
      if (!at.valid()) return Failure(TF_STATUS_UNSUPPORTED) << "the data of all arrays do not fit in a file";
    }
    return kOk;
  }

  Status write_header() {
    Vec<uint8_t> bytes(request_.settings.memory());
    GgufFields fields(&bytes, header_.big());
    TFILE_TRY(put_gguf_metadata(fields, tensors_.size(), &request_.metadata, 0));
    for (const Tensor &tensor : tensors_) {
      TFILE_TRY(fields.string(tensor.name));
      TFILE_TRY(fields.bytes(types_.data() + tensor.type, tensor.type_size));
      TFILE_TRY(fields.number(tensor.offset));
    }
    TFILE_TRY(splice_.write(bytes.data(), bytes.size()));
    return splice_.pad_to(alignment_);
  }

  Status copy_tensors() {
    for (const size_t i : order_) {
      TFILE_TRY(splice_.copy(tensors_[i].from, tensors_[i].stored));
      TFILE_TRY(splice_.pad_to(alignment_));
    }
    return kOk;
  }

  Splice &splice_;
  const EditRequest &request_;
  GgufHeader header_;
  Vec<uint8_t> types_;
  Vec<Tensor> tensors_;  // in the order of their records
  Vec<size_t> order_;    // indices of tensors_ in the order of their data
  uint64_t alignment_;   // of the new file
};

}  // namespace

Status edit_gguf(Splice &splice, const EditRequest &request) {
  return HeaderEdit(splice, request).run();
}

}  // namespace tfile
