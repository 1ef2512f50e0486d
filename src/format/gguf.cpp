// Reading of GGUF: a header of metadata values and tensor records, then the tensors' data.
//
// Reading goes twice over the header, which is held in memory. The first pass checks everything and keeps no more than
// where keys and records begin, so that refusing a bad file costs little; the second builds what the caller gets.
#include "format/gguf.h"

#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"

namespace tfile {

namespace {

constexpr size_t kMostReadDimensions = 8;

// Types of metadata values: a number's or bool's dtype at its id, and the two that are not numbers.
constexpr tf_dtype kValueDtypes[] = {
    TF_DTYPE_UINT8,  TF_DTYPE_INT8,    TF_DTYPE_UINT16,  TF_DTYPE_INT16,       TF_DTYPE_UINT32,
    TF_DTYPE_INT32,  TF_DTYPE_FLOAT32, TF_DTYPE_BOOL,    TF_DTYPE_UNSUPPORTED, TF_DTYPE_UNSUPPORTED,
    TF_DTYPE_UINT64, TF_DTYPE_INT64,   TF_DTYPE_FLOAT64,
};
constexpr uint32_t kValueTypes = sizeof(kValueDtypes) / sizeof(kValueDtypes[0]);
// The fewest bytes that things of the header take.
constexpr uint64_t kLeastString = 8;
constexpr uint64_t kLeastArray = 12;
constexpr uint64_t kLeastValue = 13;   // with its key
constexpr uint64_t kLeastTensor = 24;  // one record

// Types of tensors that are no blocks; a block type's dtype is its id and this.
constexpr tf_dtype kFirstBlockDtype = 64;
struct PlainType {
  uint32_t id;
  tf_dtype dtype;
};
constexpr PlainType kPlainTypes[] = {
    {0, TF_DTYPE_FLOAT32}, {1, TF_DTYPE_FLOAT16}, {24, TF_DTYPE_INT8},    {25, TF_DTYPE_INT16},
    {26, TF_DTYPE_INT32},  {27, TF_DTYPE_INT64},  {28, TF_DTYPE_FLOAT64}, {30, TF_DTYPE_BFLOAT16},
};

}  // namespace

const Dtype *gguf_value_dtype(uint32_t type) {
  return type < kValueTypes ? find_dtype(kValueDtypes[type]) : nullptr;
}

bool gguf_value_type(uint32_t *type, const Dtype &dtype) {
  for (*type = 0; *type < kValueTypes; ++*type) {
    if (kValueDtypes[*type] == dtype.id) return true;
  }
  return false;
}

const Dtype *gguf_tensor_dtype(uint32_t type) {
  for (const PlainType &plain : kPlainTypes) {
    if (plain.id == type) return find_dtype(plain.dtype);
  }
  if (type > INT32_MAX - kFirstBlockDtype) return nullptr;
  const Dtype *const dtype = find_dtype(kFirstBlockDtype + static_cast<tf_dtype>(type));
  return dtype != nullptr && dtype->is_block() ? dtype : nullptr;
}

bool gguf_tensor_type(uint32_t *type, const Dtype &dtype) {
  for (const PlainType &plain : kPlainTypes) {
    *type = plain.id;
    if (plain.dtype == dtype.id) return true;
  }
  *type = static_cast<uint32_t>(dtype.id - kFirstBlockDtype);
  return dtype.is_block();
}

namespace {

// What a message is about.
enum class Subject : uint8_t { kFile, kKey, kTensor };

// The header in memory as far as it has been read, and a place in it.
class Header {
 public:
  Header(Memory &memory, const Source &source, const Settings &settings)
      : source_(source), limit_(header_limit(settings)), bytes_(memory) {}

  const Source &source() const { return source_; }
  bool big() const { return big_; }
  void set_big(bool big) { big_ = big; }
  uint64_t position() const { return position_; }
  // To a place before the end of what has been read.
  void seek(uint64_t position) { position_ = position; }
  const uint8_t *here() const { return bytes_.data() + position_; }

  // Names what follows in messages; name_at is where its length stands.
  void set_subject(Subject subject, uint64_t name_at) {
    subject_ = subject;
    subject_at_ = name_at;
  }
  Failure fail(tf_status status, uint64_t offset) const;

  // Has the next nbytes in memory. What was in memory may move.
  Status need(uint64_t nbytes) { return nbytes <= bytes_.size() - position_ ? kOk : fill(nbytes); }
  Status skip(uint64_t nbytes) {
    TFILE_TRY(need(nbytes));
    position_ += nbytes;
    return kOk;
  }
  template <typename T>
  Status read(T *value) {
    TFILE_TRY(need(sizeof(T)));
    *value = load<T>(here(), big_);
    position_ += sizeof(T);
    return kOk;
  }
  // A count of things that follow and take `least` bytes each, at least.
  Status read_count(uint64_t *count, uint64_t least, const char *things);
  Status skip_string();
  // Valid until the next need().
  Status read_string(Text *text);
  // The string whose length stands at a place that has been read.
  Text string_at(uint64_t place) const {
    const uint8_t *const length = bytes_.data() + place;
    return Text(reinterpret_cast<const char *>(length + 8), static_cast<size_t>(load<uint64_t>(length, big_)));
  }

 private:
  Status fill(uint64_t nbytes);

  const Source &source_;
  uint64_t limit_;
  Vec<uint8_t> bytes_;
  uint64_t position_ = 0;
  bool big_ = false;
  Subject subject_ = Subject::kFile;
  uint64_t subject_at_ = 0;
};

Failure Header::fail(tf_status status, uint64_t offset) const {
  Failure failure(status);
  failure.in(source_.label);
  if (subject_ == Subject::kKey) failure.key(string_at(subject_at_));
  if (subject_ == Subject::kTensor) failure.array(string_at(subject_at_));
  failure.at(offset);
  return failure;
}

// Reads on in pieces that grow to 1 MiB, for the header does not say how long it is.
Status Header::fill(uint64_t nbytes) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  constexpr uint64_t kFirstPieces[] = {kPiece / 16, kPiece / 4, kPiece};
  const uint64_t have = bytes_.size();
  if (nbytes > source_.size - position_) {
    return fail(TF_STATUS_TRUNCATED, position_)
           << "the header needs " << nbytes << " bytes more, but the file ends at " << source_.size;
  }
  const uint64_t end = position_ + nbytes;
  if (end > limit_) {
    return fail(TF_STATUS_LIMIT, position_)
           << "the header is longer than the limit (max_header_bytes) of " << limit_ << " bytes";
  }
  uint64_t target = have + kPiece;
  for (uint64_t piece : kFirstPieces) {
    if (have < piece && piece < target) target = piece;
  }
  target = std::min(std::max(target, end), std::min(source_.size, limit_));
  if (target > SIZE_MAX / 2) return fail(TF_STATUS_OUT_OF_MEMORY, position_) << "the header does not fit in memory";
  const uint64_t roomy = have >= kPiece ? std::max(target, std::min(have + have / 2, source_.size)) : target;
  TFILE_TRY(bytes_.reserve(static_cast<size_t>(roomy)));
  TFILE_TRY(bytes_.resize(static_cast<size_t>(target)));
  return read_at(source_, have, bytes_.data() + have, target - have, "");
}

Status Header::read_count(uint64_t *count, uint64_t least, const char *things) {
  const uint64_t start = position_;
  TFILE_TRY(read(count));
  const Checked size = Checked(*count) * least;
  const uint64_t left = source_.size - position_;
  if (!size.valid())
    return fail(TF_STATUS_CORRUPT, start) << *count << " " << things << " are more than a file can hold";
  if (size.value() > left) {
    return fail(TF_STATUS_TRUNCATED, start)
           << *count << " " << things << " need at least " << size.value() << " bytes, but only " << left << " follow";
  }
  return kOk;
}

Status Header::skip_string() {
  uint64_t length = 0;
  TFILE_TRY(read_count(&length, 1, "bytes of a string"));
  return skip(length);
}

Status Header::read_string(Text *text) {
  const uint64_t start = position_;
  TFILE_TRY(skip_string());
  *text = string_at(start);
  return kOk;
}

// A key or a tensor's name, checked; from then on messages name it.
Status read_name(Header &header, const Settings &settings, Subject subject) {
  const char *const what = subject == Subject::kKey ? "a key" : "a tensor's name";
  const uint64_t start = header.position();
  uint64_t length = 0;
  header.set_subject(Subject::kFile, 0);
  TFILE_TRY(header.read_count(&length, 1, subject == Subject::kKey ? "bytes of a key" : "bytes of a tensor's name"));
  TFILE_TRY(check_name_length(header.source(), settings, length, start));
  if (length == 0) return header.fail(TF_STATUS_CORRUPT, start) << what << " is empty";
  TFILE_TRY(header.skip(length));
  const Text name = header.string_at(start);
  if (const size_t valid = utf8_valid_prefix(name); valid < name.size()) {
    return header.fail(TF_STATUS_CORRUPT, start + 8 + valid) << what << " is not UTF-8";
  }
  if (const void *nul = memchr(name.data(), '\0', name.size()); nul != nullptr) {
    const auto place = static_cast<uint64_t>(static_cast<const char *>(nul) - name.data());
    return header.fail(TF_STATUS_CORRUPT, start + 8 + place) << what << " holds a NUL";
  }
  header.set_subject(subject, start);
  return kOk;
}

// Where the records of keys or of tensors begin, each of which begins with its name.
class Records {
 public:
  Records(Memory &memory, const Header &header) : header_(header), starts_(memory), index_(memory, name_at, this) {}

  // Room for count records, but for no more than a small header can lie about.
  Status reserve(uint64_t count) {
    constexpr uint64_t kMost = 16384;
    const auto room = static_cast<size_t>(std::min(count, kMost));
    TFILE_TRY(starts_.reserve(room));
    return index_.reserve(room);
  }
  Status add(uint64_t start) { return starts_.push(start); }
  // Checks that the names of the records since the last time are new.
  Status index(Header &header, Subject subject) {
    size_t found = NameIndex::kNone;
    size_t twin = 0;
    TFILE_TRY(index_.add_up_to(starts_.size(), &found, &twin));
    if (found == NameIndex::kNone) return kOk;
    header.set_subject(subject, starts_[found]);
    return header.fail(TF_STATUS_DUPLICATE, starts_[found]) << "the name was used before, at byte " << starts_[twin];
  }
  size_t size() const { return starts_.size(); }
  // The names by place, for a list of what the records mean.
  NameIndex &names() { return index_; }
  uint64_t operator[](size_t i) const { return starts_[i]; }

 private:
  static Text name_at(const void *owner, size_t place) {
    const auto &records = *static_cast<const Records *>(owner);
    return records.header_.string_at(records.starts_[place]);
  }

  const Header &header_;
  Vec<uint64_t> starts_;
  NameIndex index_;
};

// A header that has been checked.
struct Contents {
  Contents(Memory &memory, const Source &source, const Settings &settings)
      : memory(memory),
        settings(settings),
        header(memory, source, settings),
        keys(memory, header),
        tensors(memory, header) {}

  // Most tensors have the type of the one before.
  const Dtype *dtype_of(uint32_t type) {
    if (last_dtype == nullptr || type != last_type) {
      last_type = type;
      last_dtype = gguf_tensor_dtype(type);
    }
    return last_dtype;
  }

  Memory &memory;
  const Settings &settings;
  uint32_t last_type = 0;
  const Dtype *last_dtype = nullptr;
  Header header;
  Records keys;
  Records tensors;
  uint64_t alignment = kGgufAlignment;
  uint64_t values = 0;      // metadata values so far, those in lists of lists included
  uint64_t data_start = 0;  // in the file
  size_t name_bytes = 0;    // of the tensors' names, with a NUL each
  size_t ranks = 0;         // of all tensors
};

// One tensor's record.
struct Tensor {
  const Dtype *dtype = nullptr;
  int64_t shape[kMostReadDimensions];
  size_t rank = 0;
  Checked elements;
  uint64_t nbytes = 0;
  uint64_t offset = 0;  // in the data section

  Span<const int64_t> sizes() const { return {shape, rank}; }
};

Status check_magic(Header &header) {
  const uint64_t size = std::min<uint64_t>(header.source().size, sizeof(kGgufMagic));
  TFILE_TRY(header.need(size));
  if (size > 0 && memcmp(header.here(), kGgufMagic, static_cast<size_t>(size)) != 0) {
    return header.fail(TF_STATUS_FORMAT, 0) << "not a gguf file: it does not begin with 'GGUF'";
  }
  return header.skip(sizeof(kGgufMagic));
}

Status check_version(Header &header) {
  const uint64_t start = header.position();
  uint32_t version = 0;
  TFILE_TRY(header.read(&version));
  if ((version & 0xFFFF) == 0) {
    header.set_big(true);
    version = byteswap(version);
  }
  if (version == 2 || version == kGgufVersion) return kOk;
  return header.fail(TF_STATUS_UNSUPPORTED, start) << "gguf version " << version << "; supported are 2 and 3";
}

Status check_limit(const Header &header, uint64_t count, uint64_t limit, const char *too_many, uint64_t offset) {
  return count <= limit ? kOk : header.fail(TF_STATUS_LIMIT, offset) << count << too_many << limit;
}

Status check_value_limit(const Contents &contents, uint64_t offset) {
  const uint64_t limit = contents.settings.limit(TF_OPTION_MAX_METADATA);
  return check_limit(contents.header, contents.values, limit, kGgufTooManyValues, offset);
}

Status check_level(const Header &header, const Settings &settings, size_t level, uint64_t offset) {
  const uint64_t limit = settings.limit(TF_OPTION_MAX_NESTING);
  if (level > kGgufMaxLevels) {
    return header.fail(TF_STATUS_UNSUPPORTED, offset) << "arrays are nested deeper than " << uint64_t{kGgufMaxLevels};
  }
  if (level <= limit) return kOk;
  return header.fail(TF_STATUS_LIMIT, offset) << "arrays are nested deeper than the limit (max_nesting) of " << limit;
}

Status bad_type(const Header &header, uint32_t type, uint64_t offset) {
  return header.fail(TF_STATUS_CORRUPT, offset) << "there is no metadata type " << type;
}

// level counts the arrays around and including this one, at most kGgufMaxLevels.
Status scan_array(Contents &contents, size_t level) {
  Header &header = contents.header;
  const uint64_t start = header.position();
  uint32_t type = 0;
  uint64_t count = 0;
  TFILE_TRY(check_level(header, contents.settings, level, start));
  TFILE_TRY(header.read(&type));
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) {
    TFILE_TRY(header.read_count(&count, dtype->block_bytes, "elements"));
    return header.skip(count * dtype->block_bytes);
  }
  if (type == kGgufString) {
    TFILE_TRY(header.read_count(&count, kLeastString, "strings"));
    for (uint64_t i = 0; i < count; ++i)
      TFILE_TRY(header.skip_string());
    return kOk;
  }
  if (type != kGgufArray) return bad_type(header, type, start);
  TFILE_TRY(header.read_count(&count, kLeastArray, "arrays"));
  contents.values += count;
  TFILE_TRY(check_value_limit(contents, start));
  for (uint64_t i = 0; i < count; ++i)
    TFILE_TRY(scan_array(contents, level + 1));
  return kOk;
}

Status scan_alignment(Contents &contents, uint32_t type, uint64_t type_at) {
  Header &header = contents.header;
  uint32_t alignment = 0;
  if (type != kGgufUint32) {
    return header.fail(TF_STATUS_CORRUPT, type_at) << "metadata type " << type << ", expected uint32, " << kGgufUint32;
  }
  const uint64_t start = header.position();
  TFILE_TRY(header.read(&alignment));
  if (!is_gguf_alignment(alignment)) {
    return header.fail(TF_STATUS_CORRUPT, start)
           << "alignment " << alignment << ", expected a power of two of at most " << kGgufMaxAlignment;
  }
  contents.alignment = alignment;
  return kOk;
}

Status scan_value(Contents &contents) {
  Header &header = contents.header;
  const uint64_t start = header.position();
  uint32_t type = 0;
  TFILE_TRY(read_name(header, contents.settings, Subject::kKey));
  TFILE_TRY(contents.keys.add(start));
  TFILE_TRY(contents.keys.index(header, Subject::kKey));
  const uint64_t type_at = header.position();
  TFILE_TRY(header.read(&type));
  if (header.string_at(start) == kGgufAlignmentKey) return scan_alignment(contents, type, type_at);
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) return header.skip(dtype->block_bytes);
  if (type == kGgufString) return header.skip_string();
  return type == kGgufArray ? scan_array(contents, 1) : bad_type(header, type, type_at);
}

// The dimensions of a tensor, which a file has innermost first.
Status read_shape(Tensor *tensor, Header &header, const Settings &settings, uint64_t name_at) {
  const uint64_t start = header.position();
  uint32_t rank = 0;
  TFILE_TRY(header.read(&rank));
  if (rank > kMostReadDimensions) {
    return header.fail(TF_STATUS_CORRUPT, start) << rank << " dimensions, at most 8 are possible";
  }
  TFILE_TRY(check_rank(header.source(), settings, header.string_at(name_at), rank, start));
  tensor->rank = rank;
  for (size_t i = rank; i-- > 0;) {
    const uint64_t place = header.position();
    uint64_t size = 0;
    TFILE_TRY(header.read(&size));
    if (!Checked(size).valid()) return header.fail(TF_STATUS_CORRUPT, place) << "dimension " << size << " is too large";
    tensor->shape[i] = static_cast<int64_t>(size);
  }
  tensor->elements = element_count(tensor->sizes());
  if (tensor->elements.valid()) return kOk;
  return header.fail(TF_STATUS_CORRUPT, start).shape(tensor->sizes()) << " has too many elements";
}

Status read_type(Tensor *tensor, Contents &contents) {
  Header &header = contents.header;
  const uint64_t start = header.position();
  uint32_t type = 0;
  TFILE_TRY(header.read(&type));
  tensor->dtype = contents.dtype_of(type);
  if (tensor->dtype == nullptr) return header.fail(TF_STATUS_UNSUPPORTED, start) << "unknown ggml type " << type;
  const Dtype &dtype = *tensor->dtype;
  const int64_t row = tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 1;
  if (dtype.block_size > 1 && row % dtype.block_size != 0) {
    return header.fail(TF_STATUS_CORRUPT, start) << "rows of " << row << " are not whole blocks of " << dtype.name
                                                 << ", which have " << uint32_t{dtype.block_size} << " elements";
  }
  const bool plain = dtype.block_size == 1;
  const Checked nbytes = plain ? tensor->elements * dtype.block_bytes : byte_count(dtype, tensor->sizes());
  if (!nbytes.valid()) return header.fail(TF_STATUS_CORRUPT, start).shape(tensor->sizes()) << " has too many bytes";
  tensor->nbytes = nbytes.value();
  return kOk;
}

// The rest of a record, whose name has been read: checked but for its place among the others.
Status read_record(Tensor *tensor, Contents &contents, uint64_t start) {
  Header &header = contents.header;
  TFILE_TRY(read_shape(tensor, header, contents.settings, start));
  TFILE_TRY(read_type(tensor, contents));
  const uint64_t offset_at = header.position();
  TFILE_TRY(header.read(&tensor->offset));
  if ((tensor->offset & (contents.alignment - 1)) != 0) {
    return header.fail(TF_STATUS_CORRUPT, offset_at)
           << "offset " << tensor->offset << " is not a multiple of the alignment, " << contents.alignment;
  }
  // Room for the header and for padding on either side, so that nothing below can overflow.
  const Checked room = Checked(header.source().size) + 2 * kGgufMaxAlignment;
  if ((room + tensor->offset + tensor->nbytes).valid()) return kOk;
  return header.fail(TF_STATUS_CORRUPT, offset_at) << "offset " << tensor->offset << " is too large";
}

// Tensor i, which has been checked.
Status reread_record(Tensor *tensor, Contents &contents, size_t i) {
  const uint64_t start = contents.tensors[i];
  contents.header.seek(start);
  contents.header.set_subject(Subject::kTensor, start);
  TFILE_TRY(contents.header.skip_string());
  return read_record(tensor, contents, start);
}

// Where a tensor's data lie in the data section, and where its record begins in the header.
struct Extent {
  uint64_t offset;
  uint64_t nbytes;
  uint64_t record;

  uint64_t padded_end(uint64_t alignment) const { return Checked(offset + nbytes).align_up(alignment).value(); }
};

// Tensors whose data are not in the order of their records: holes and overlaps show once they are sorted.
Status check_unordered(Contents &contents) {
  Header &header = contents.header;
  Vec<Extent> extents(contents.memory);
  TFILE_TRY(extents.reserve(contents.tensors.size()));
  for (size_t i = 0; i < contents.tensors.size(); ++i) {
    Tensor tensor;
    TFILE_TRY(reread_record(&tensor, contents, i));
    TFILE_TRY(extents.push({tensor.offset, tensor.nbytes, contents.tensors[i]}));
  }
  std::sort(extents.begin(), extents.end(), [](const Extent &a, const Extent &b) {
    return a.offset != b.offset ? a.offset < b.offset : a.nbytes < b.nbytes;
  });
  uint64_t expected = 0;
  for (const Extent &extent : extents) {
    if (extent.offset != expected) {
      header.set_subject(Subject::kTensor, extent.record);
      return header.fail(TF_STATUS_CORRUPT, extent.record) << "offset " << extent.offset << ", expected " << expected
                                                           << ": the data must have neither holes nor overlaps";
    }
    expected = extent.padded_end(contents.alignment);
  }
  return kOk;
}

// Says which tensor's data the file ends before.
Status truncated(Contents &contents) {
  const Header &header = contents.header;
  const uint64_t size = header.source().size;
  for (size_t i = 0; i < contents.tensors.size(); ++i) {
    Tensor tensor;
    TFILE_TRY(reread_record(&tensor, contents, i));
    const uint64_t start = contents.data_start + tensor.offset;
    if (start + tensor.nbytes <= size) continue;
    return header.fail(TF_STATUS_TRUNCATED, size)
           << "the data are bytes " << start << " to " << start + tensor.nbytes << ", but the file ends at " << size;
  }
  return header.fail(TF_STATUS_INTERNAL, size) << "no tensor lies beyond the end";
}

// Of all tensors' data.
struct Layout {
  bool ordered = true;    // as their records are, without a hole
  uint64_t expected = 0;  // where those of the next would begin
  uint64_t end = 0;
};

Status scan_records(Layout *layout, Contents &contents, uint64_t count) {
  constexpr size_t kIndexedAtOnce = 64;
  Header &header = contents.header;
  TFILE_TRY(contents.tensors.reserve(count));
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t start = header.position();
    Tensor tensor;
    TFILE_TRY(read_name(header, contents.settings, Subject::kTensor));
    contents.name_bytes += static_cast<size_t>(header.position() - start - kLeastString + 1);
    TFILE_TRY(contents.tensors.add(start));
    TFILE_TRY(read_record(&tensor, contents, start));
    contents.ranks += tensor.rank;
    layout->ordered = layout->ordered && tensor.offset == layout->expected;
    layout->expected = Extent{tensor.offset, tensor.nbytes, start}.padded_end(contents.alignment);
    layout->end = std::max(layout->end, tensor.offset + tensor.nbytes);
    if (contents.tensors.size() % kIndexedAtOnce == 0) TFILE_TRY(contents.tensors.index(header, Subject::kTensor));
  }
  return kOk;
}

Status scan_tensors(Contents &contents, uint64_t count) {
  Header &header = contents.header;
  Layout layout;
  const Status status = scan_records(&layout, contents, count);
  // A name that was used before stands before what ended the scan.
  TFILE_TRY(contents.tensors.index(header, Subject::kTensor));
  TFILE_TRY(status);
  const bool ordered = layout.ordered;
  const uint64_t end = layout.end;
  contents.data_start = Checked(header.position()).align_up(contents.alignment).value();
  if (!ordered) TFILE_TRY(check_unordered(contents));
  const uint64_t size = header.source().size;
  if (count > 0 && contents.data_start + end > size) return truncated(contents);
  header.set_subject(Subject::kFile, 0);
  const uint64_t padded = Checked(contents.data_start + end).align_up(contents.alignment).value();
  if (size <= padded || contents.settings.on(TF_OPTION_LENIENT)) return kOk;
  return header.fail(TF_STATUS_CORRUPT, padded) << size - padded << " bytes follow the last tensor and its padding";
}

Status scan(Contents &contents) {
  Header &header = contents.header;
  const Settings &settings = contents.settings;
  uint64_t tensors = 0;
  TFILE_TRY(check_magic(header));
  TFILE_TRY(check_version(header));
  const uint64_t counts_at = header.position();
  TFILE_TRY(header.read_count(&tensors, kLeastTensor, "tensors"));
  TFILE_TRY(check_limit(header, tensors, settings.limit(TF_OPTION_MAX_ARRAYS), kGgufTooManyArrays, counts_at));
  TFILE_TRY(header.read_count(&contents.values, kLeastValue, "metadata values"));
  TFILE_TRY(check_value_limit(contents, counts_at + 8));
  const uint64_t values = contents.values;
  for (uint64_t i = 0; i < values; ++i)
    TFILE_TRY(scan_value(contents));
  return scan_tensors(contents, tensors);
}

template <typename T>
void copy_scalars(char *to, const uint8_t *from, size_t count, bool big) {
  for (size_t i = 0; i < count; ++i) {
    const T value = load<T>(from + i * sizeof(T), big);
    memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}

// From the file's byte order to the host's; bools become 0 and 1.
void copy_numbers(const Array &to, const uint8_t *from, bool big) {
  const auto count = static_cast<size_t>(to.size);
  if (to.dtype->kind == DtypeClass::kBool) {
    for (size_t i = 0; i < count; ++i)
      to.data[i] = from[i] != 0;
  } else if (big == kHostIsBig || to.dtype->scalar == 1) {
    if (count > 0) memcpy(to.data, from, static_cast<size_t>(to.nbytes));
  } else if (to.dtype->scalar == 2) {
    copy_scalars<uint16_t>(to.data, from, count, big);
  } else if (to.dtype->scalar == 4) {
    copy_scalars<uint32_t>(to.data, from, count, big);
  } else {
    copy_scalars<uint64_t>(to.data, from, count, big);
  }
}

Status build_numbers(Dict &dict, Text key, Header &header, const Dtype &dtype, Span<const int64_t> shape) {
  Ref<Array> array;
  TFILE_TRY(make_array(array, *dict.memory, dtype, shape));
  TFILE_TRY(header.need(array->nbytes));
  copy_numbers(*array, header.here(), header.big());
  TFILE_TRY(header.skip(array->nbytes));
  return dict.set_array(key, *array);
}

Status build_strings(Dict &dict, Text key, Header &header, uint64_t count) {
  StringList *list = nullptr;
  TFILE_TRY(dict.set_string_list(key, &list));
  TFILE_TRY(list->ends.reserve(static_cast<size_t>(count)));
  for (uint64_t i = 0; i < count; ++i) {
    Text text;
    TFILE_TRY(header.read_string(&text));
    TFILE_TRY(list->append(text));
  }
  return kOk;
}

// An array of any type; scan_array() has seen that it is not nested too deep.
Status build_array(Dict &dict, Text key, Header &header) {
  uint32_t type = 0;
  uint64_t count = 0;
  TFILE_TRY(header.read(&type));
  TFILE_TRY(header.read(&count));
  if (type == kGgufString) return build_strings(dict, key, header, count);
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) {
    const auto size = static_cast<int64_t>(count);
    return build_numbers(dict, key, header, *dtype, Span<const int64_t>(&size, 1));
  }
  Ref<Dict> elements;
  TFILE_TRY(make_dict(elements, *dict.memory));
  for (uint64_t i = 0; i < count; ++i)
    TFILE_TRY(build_array(*elements, DecimalName(i).text(), header));
  return dict.set_dict(key, *elements);
}

Status build_value(Dict &dict, Header &header, uint64_t start) {
  uint32_t type = 0;
  Text key;
  Text text;
  header.seek(start);
  TFILE_TRY(header.read_string(&key));
  TFILE_TRY(header.read(&type));
  if (type == kGgufArray) return build_array(dict, key, header);
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) {
    return build_numbers(dict, key, header, *dtype, Span<const int64_t>());
  }
  TFILE_TRY(header.read_string(&text));
  return dict.set_string(key, text);
}

// Of a big-endian file: dtypes whose order cannot be turned are listed, and not read.
Status set_byte_order(Member *member, Arena &arena) {
  const Dtype &dtype = *member->dtype;
  member->big_endian = dtype.is_block() || dtype.scalar > 1;
  if (!dtype.is_block() || can_swap(dtype)) return kOk;
  char buffer[64];
  LineWriter reason(buffer, sizeof(buffer));
  reason << "dtype '" << dtype.name << "' in big-endian order";
  member->dtype = nullptr;
  member->big_endian = false;
  return arena.copy(&member->reason, reason.text());
}

// shapes has room for those that are still to come.
Status build_member(Listing &listing, int64_t **shapes, Contents &contents, size_t i) {
  Header &header = contents.header;
  const uint64_t start = contents.tensors[i];
  Tensor tensor;
  Member member;
  TFILE_TRY(reread_record(&tensor, contents, i));
  TFILE_TRY(listing.arena.copy(&member.name, header.string_at(start)));
  if (tensor.rank > 0) memcpy(*shapes, tensor.shape, tensor.rank * sizeof(int64_t));
  member.shape = Span<const int64_t>(*shapes, tensor.rank);
  *shapes += tensor.rank;
  member.dtype = tensor.dtype;
  member.nbytes = tensor.nbytes;
  member.stored = tensor.nbytes;
  member.offset = contents.data_start + tensor.offset;
  if (header.big()) TFILE_TRY(set_byte_order(&member, listing.arena));
  return listing.members.push(member);
}

Status build_members(Listing &listing, Contents &contents) {
  const size_t shape_bytes = contents.ranks * sizeof(int64_t);
  void *room = nullptr;
  TFILE_TRY(listing.arena.reserve(shape_bytes + contents.name_bytes + alignof(int64_t)));
  TFILE_TRY(listing.arena.allocate(&room, shape_bytes, alignof(int64_t)));
  auto *shapes = static_cast<int64_t *>(room);
  TFILE_TRY(listing.members.reserve(contents.tensors.size()));
  for (size_t i = 0; i < contents.tensors.size(); ++i)
    TFILE_TRY(build_member(listing, &shapes, contents, i));
  listing.take_names(contents.tensors.names());
  return kOk;
}

bool probe_gguf(Bytes head) {
  return head.size() >= sizeof(kGgufMagic) && memcmp(head.data(), kGgufMagic, sizeof(kGgufMagic)) == 0;
}

Status list_gguf(Listing &listing, const Source &source, const Settings &settings) {
  Contents contents(listing.memory, source, settings);
  TFILE_TRY(scan(contents));
  for (size_t i = 0; i < contents.keys.size(); ++i)
    TFILE_TRY(build_value(*listing.metadata, contents.header, contents.keys[i]));
  return build_members(listing, contents);
}

}  // namespace

const Format kGgufFormat = {
    .id = TF_FORMAT_GGUF,
    .name = "gguf",
    .extension = ".gguf",
    .metadata = MetadataKind::kTyped,
    .sets = SetKind::kSplit,
    .max_parts = UINT16_MAX,  // split.count has 16 bits
    .probe = probe_gguf,
    .list = list_gguf,
    .check = check_gguf,
    .lay_out = lay_out_gguf,
};

}  // namespace tfile
