// Reads GGUF: a header of metadata values and tensor records, followed by the tensors' data.
//
// The header stays in memory and is read twice. The first pass checks everything and stores only the offsets of keys
// and records, so that refusing a bad file needs little memory. The second pass builds the listing.
#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"
#include "format/gguf/gguf_records.h"

namespace tfile {

namespace {

// The minimum sizes of the elements of a header, in bytes.
constexpr uint64_t kLeastString = 8;
constexpr uint64_t kLeastArray = 12;
constexpr uint64_t kLeastValue = 13;   // with its key
constexpr uint64_t kLeastTensor = 24;  // one record

// Reads and checks a key or the name of a tensor. Later errors name it.
Status read_name(GgufHeader &header, const Settings &settings, GgufSubject subject) {
  const char *const what = subject == GgufSubject::kKey ? "a key" : "a tensor's name";
  const uint64_t start = header.position();
  uint64_t length = 0;
  header.set_subject(GgufSubject::kFile, 0);
  TFILE_TRY(
      header.read_count(&length, 1, subject == GgufSubject::kKey ? "bytes of a key" : "bytes of a tensor's name"));
  TFILE_TRY(check_name_length(header.source(), settings, length, start));
  if (length == 0) return header.fail(TF_STATUS_CORRUPT, start) << what << " is empty";
  TFILE_TRY(header.skip(length));
  const Text name = header.string_at(start);
  if (const size_t valid = utf8_valid_prefix(name); valid < name.size()) {
    return header.fail(TF_STATUS_CORRUPT, start + 8 + valid) << what << " is not UTF-8";
  }
  if (const void *nul = memchr(name.data(), '\0', name.size()); nul != nullptr) {
    const auto index = static_cast<uint64_t>(static_cast<const char *>(nul) - name.data());
    return header.fail(TF_STATUS_CORRUPT, start + 8 + index) << what << " contains a NUL";
  }
  header.set_subject(subject, start);
  return kOk;
}

// The header, and what the first pass has found out about it.
struct Contents {
  Contents(Memory &memory, const Source &source, const Settings &settings)
      : memory(memory),
        settings(settings),
        header(memory, source, settings),
        keys(memory, header),
        tensors(memory, header),
        unknown_sizes(memory) {}

  // Returns the dtype of a tensor type. Caches the last result, because most tensors have the same type as the previous
  // one.
  const Dtype *dtype_of(uint32_t type) {
    if (last_dtype == nullptr || type != last_type) {
      last_type = type;
      last_dtype = gguf_tensor_dtype(type);
    }
    return last_dtype;
  }

  // Passes on a fault that does not prevent the reading of what follows. Records are read several times, but their faults
  // are only collected the first time.
  Status collect(Status failure) const { return are_records_checked ? kOk : settings.collect(failure); }
  bool is_aligned(uint64_t offset) const { return (offset & (alignment - 1)) == 0; }

  Memory &memory;
  const Settings &settings;
  bool are_records_checked = false;
  uint32_t last_type = 0;
  const Dtype *last_dtype = nullptr;
  GgufHeader header;
  GgufRecords keys;
  GgufRecords tensors;
  uint64_t alignment = kGgufAlignment;
  uint64_t values = 0;      // number of metadata values so far, including those in lists of lists
  uint64_t data_start = 0;  // offset of the data section in the file
  uint64_t end = 0;         // end of the last tensor and its padding
  size_t name_bytes = 0;    // total size of the tensors' names, each with a NUL
  size_t ranks = 0;         // sum of the ranks of all tensors
  // Empty, or for each tensor of an unknown type the number of its bytes, which its record does not contain.
  Vec<uint64_t> unknown_sizes;
};

// One tensor's record.
struct Tensor {
  const Dtype *dtype = nullptr;  // NULL: the type is unknown
  uint32_t type = 0;
  int64_t shape[kGgufMaxRank];
  size_t rank = 0;
  Checked elements;
  uint64_t nbytes = 0;
  uint64_t offset = 0;  // in the data section

  Span<const int64_t> sizes() const { return {shape, rank}; }
  // True if only the tensors around it show how many bytes it has.
  bool has_unknown_size() const { return dtype == nullptr && elements.value() > 0; }
};

Status check_magic(GgufHeader &header) {
  const uint64_t size = std::min<uint64_t>(header.source().size, sizeof(kGgufMagic));
  TFILE_TRY(header.need(size));
  if (size > 0 && memcmp(header.here(), kGgufMagic, static_cast<size_t>(size)) != 0) {
    return header.fail(TF_STATUS_FORMAT, 0) << "not a gguf file: it does not begin with 'GGUF'";
  }
  return header.skip(sizeof(kGgufMagic));
}

Status check_version(GgufHeader &header) {
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

Status check_limit(const GgufHeader &header, uint64_t count, const char *things, const Limit &limit, uint64_t offset) {
  return count <= limit.value ? kOk : header.fail(TF_STATUS_LIMIT, offset) << count << things << limit;
}

Status check_value_limit(const Contents &contents, uint64_t offset) {
  const Limit limit{TF_OPTION_MAX_METADATA, contents.settings.limit(TF_OPTION_MAX_METADATA)};
  return check_limit(contents.header, contents.values, kGgufManyValues, limit, offset);
}

Status check_level(const GgufHeader &header, const Settings &settings, size_t level, uint64_t offset) {
  const uint64_t limit = settings.limit(TF_OPTION_MAX_NESTING);
  if (level > kGgufMaxLevels) {
    return header.fail(TF_STATUS_UNSUPPORTED, offset) << "arrays are nested deeper than " << uint64_t{kGgufMaxLevels};
  }
  if (level <= limit) return kOk;
  return header.fail(TF_STATUS_LIMIT, offset)
         << "arrays are nested deeper than " << Limit{TF_OPTION_MAX_NESTING, limit};
}

Status bad_type(const GgufHeader &header, uint32_t type, uint64_t offset) {
  return header.fail(TF_STATUS_CORRUPT, offset) << "there is no metadata type " << type;
}

// Checks an array and skips it. `level` is the number of nested arrays up to and including this one.
Status scan_array(Contents &contents, size_t level) {
  GgufHeader &header = contents.header;
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
  GgufHeader &header = contents.header;
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
  GgufHeader &header = contents.header;
  const uint64_t start = header.position();
  uint32_t type = 0;
  TFILE_TRY(read_name(header, contents.settings, GgufSubject::kKey));
  TFILE_TRY(contents.keys.add(start));
  TFILE_TRY(contents.keys.index(header, GgufSubject::kKey));
  const uint64_t type_at = header.position();
  TFILE_TRY(header.read(&type));
  if (header.string_at(start) == kGgufAlignmentKey) return scan_alignment(contents, type, type_at);
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) return header.skip(dtype->block_bytes);
  if (type == kGgufString) return header.skip_string();
  return type == kGgufArray ? scan_array(contents, 1) : bad_type(header, type, type_at);
}

// Reads the dimensions of a tensor, which a file stores from the innermost to the outermost.
Status read_shape(Tensor *tensor, GgufHeader &header, const Settings &settings, uint64_t name_at) {
  const uint64_t start = header.position();
  uint32_t rank = 0;
  TFILE_TRY(header.read(&rank));
  if (rank > kGgufMaxRank) {
    return header.fail(TF_STATUS_CORRUPT, start)
           << rank << " dimensions, at most " << uint64_t{kGgufMaxRank} << " are possible";
  }
  TFILE_TRY(check_rank(header.source(), settings, header.string_at(name_at), rank, start));
  tensor->rank = rank;
  for (size_t i = rank; i-- > 0;) {
    const uint64_t size_at = header.position();
    uint64_t size = 0;
    TFILE_TRY(header.read(&size));
    if (!Checked(size).valid())
      return header.fail(TF_STATUS_CORRUPT, size_at) << "dimension " << size << " is too large";
    tensor->shape[i] = static_cast<int64_t>(size);
  }
  tensor->elements = element_count(tensor->sizes());
  if (tensor->elements.valid()) return kOk;
  return header.fail(TF_STATUS_CORRUPT, start).shape(tensor->sizes()) << " has too many elements";
}

Status read_type(Tensor *tensor, Contents &contents) {
  GgufHeader &header = contents.header;
  const uint64_t start = header.position();
  TFILE_TRY(header.read(&tensor->type));
  tensor->dtype = contents.dtype_of(tensor->type);
  if (tensor->dtype == nullptr) return kOk;
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

// Reads and checks the record of a tensor after its name. Checks that involve other tensors are made later.
Status read_record(Tensor *tensor, Contents &contents, uint64_t start) {
  GgufHeader &header = contents.header;
  TFILE_TRY(read_shape(tensor, header, contents.settings, start));
  TFILE_TRY(read_type(tensor, contents));
  const uint64_t offset_at = header.position();
  TFILE_TRY(header.read(&tensor->offset));
  if (!contents.is_aligned(tensor->offset)) {
    TFILE_TRY(contents.collect(header.fail(TF_STATUS_CORRUPT, offset_at)
                               << "offset " << tensor->offset << " is not a multiple of the alignment, "
                               << contents.alignment));
  }
  // Sums of the header, the offset and padding on either side must not overflow.
  const Checked others = Checked(header.source().size) + 2 * kGgufMaxAlignment;
  if ((others + tensor->offset + tensor->nbytes).valid()) return kOk;
  return header.fail(TF_STATUS_CORRUPT, offset_at) << "offset " << tensor->offset << " is too large";
}

// Reads the record of tensor i again, after it has been checked. Fills in a size that its record does not contain,
// if it is known by now.
Status reread_record(Tensor *tensor, Contents &contents, size_t i) {
  const uint64_t start = contents.tensors[i];
  contents.header.seek(start);
  contents.header.set_subject(GgufSubject::kTensor, start);
  TFILE_TRY(contents.header.skip_string());
  TFILE_TRY(read_record(tensor, contents, start));
  if (tensor->has_unknown_size() && !contents.unknown_sizes.empty()) tensor->nbytes = contents.unknown_sizes[i];
  return kOk;
}

constexpr uint64_t kUnknownSize = UINT64_MAX;

// The position of a tensor's data.
struct Extent {
  uint64_t offset;  // in the data section
  uint64_t nbytes;  // may be kUnknownSize
  size_t tensor;    // index

  bool has_unknown_size() const { return nbytes == kUnknownSize; }
  uint64_t padded_end(uint64_t alignment) const { return Checked(offset + nbytes).align_up(alignment).value(); }
};

// Lists the data of all tensors, ordered by their offsets. Empty data come before others at the same offset.
Status list_extents(Vec<Extent> *extents, Contents &contents) {
  TFILE_TRY(extents->reserve(contents.tensors.size()));
  for (size_t i = 0; i < contents.tensors.size(); ++i) {
    Tensor tensor;
    TFILE_TRY(reread_record(&tensor, contents, i));
    TFILE_TRY(extents->push({tensor.offset, tensor.has_unknown_size() ? kUnknownSize : tensor.nbytes, i}));
  }
  std::sort(extents->begin(), extents->end(), [](const Extent &a, const Extent &b) {
    if (a.offset != b.offset) return a.offset < b.offset;
    return a.nbytes != b.nbytes ? a.nbytes < b.nbytes : a.tensor < b.tensor;
  });
  return kOk;
}

Failure blame_offset(Contents &contents, const Extent &extent) {
  const uint64_t record = contents.tensors[extent.tensor];
  contents.header.set_subject(GgufSubject::kTensor, record);
  return contents.header.fail(TF_STATUS_CORRUPT, record) << "offset " << extent.offset;
}

// Checks tensors whose data is not in the order of their records for holes and overlaps. Data of unknown size extend to
// the next tensor.
Status check_order(const Vec<Extent> &extents, Contents &contents) {
  uint64_t expected = 0;
  const Extent *before = nullptr;
  for (const Extent &extent : extents) {
    const bool follows_unknown = before != nullptr && before->has_unknown_size();
    if (follows_unknown) {
      if (extent.offset == before->offset) {
        TFILE_TRY(contents.settings.collect(blame_offset(contents, extent)
                                            << ", where the data of another tensor begin, too: data must not overlap"));
      }
      contents.unknown_sizes[before->tensor] = extent.offset - before->offset;
    } else if (extent.offset != expected && contents.is_aligned(extent.offset)) {
      TFILE_TRY(contents.settings.collect(blame_offset(contents, extent)
                                          << ", expected " << expected
                                          << ": the data must have neither holes nor overlaps"));
    }
    if (!extent.has_unknown_size()) expected = extent.padded_end(contents.alignment);
    before = &extent;
  }
  return kOk;
}

// Checks data that are not in the order of their records, or whose sizes are not all known. *end is the end of the last
// tensor. Data of unknown size that are the last extend to the end of the file.
Status check_unordered(uint64_t *end, Contents &contents) {
  Vec<Extent> extents(contents.memory);
  TFILE_TRY(list_extents(&extents, contents));
  const bool any_unknown =
      std::any_of(extents.begin(), extents.end(), [](const Extent &extent) { return extent.has_unknown_size(); });
  if (any_unknown) TFILE_TRY(contents.unknown_sizes.resize(extents.size()));
  TFILE_TRY(check_order(extents, contents));
  const Extent &last = extents.back();
  if (!last.has_unknown_size()) return kOk;
  const uint64_t start = contents.data_start + last.offset;
  const uint64_t size = contents.header.source().size;
  const uint64_t nbytes = start < size ? size - start : 1;
  contents.unknown_sizes[last.tensor] = nbytes;
  *end = last.offset + nbytes;
  return kOk;
}

// Fails and names the first tensor whose data is not completely in the file.
Status truncated(Contents &contents) {
  const GgufHeader &header = contents.header;
  const uint64_t size = header.source().size;
  for (size_t i = 0; i < contents.tensors.size(); ++i) {
    Tensor tensor;
    TFILE_TRY(reread_record(&tensor, contents, i));
    const uint64_t start = contents.data_start + tensor.offset;
    if (start + tensor.nbytes <= size) continue;
    return header.fail(TF_STATUS_TRUNCATED, size)
           << "the data are bytes " << start << " to " << start + tensor.nbytes << ", but the file ends at " << size;
  }
  return header.fail(TF_STATUS_INTERNAL, size) << "no tensor ends after the end of the file";
}

// The data of all tensors.
struct DataExtent {
  bool ordered = true;    // in the order of their records, without a hole, and all of known sizes
  uint64_t expected = 0;  // offset at which the data of the next tensor should begin
  uint64_t end = 0;
};

Status scan_records(DataExtent *extent, Contents &contents, uint64_t count) {
  constexpr size_t kIndexedAtOnce = 64;
  GgufHeader &header = contents.header;
  TFILE_TRY(contents.tensors.reserve(count));
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t start = header.position();
    Tensor tensor;
    TFILE_TRY(read_name(header, contents.settings, GgufSubject::kTensor));
    contents.name_bytes += static_cast<size_t>(header.position() - start - kLeastString + 1);
    TFILE_TRY(contents.tensors.add(start));
    TFILE_TRY(read_record(&tensor, contents, start));
    contents.ranks += tensor.rank;
    extent->ordered = extent->ordered && tensor.offset == extent->expected && !tensor.has_unknown_size();
    extent->expected = Extent{tensor.offset, tensor.nbytes, 0}.padded_end(contents.alignment);
    extent->end = std::max(extent->end, tensor.offset + tensor.nbytes);
    if (contents.tensors.size() % kIndexedAtOnce == 0) TFILE_TRY(contents.tensors.index(header, GgufSubject::kTensor));
  }
  return kOk;
}

Status scan_tensors(Contents &contents, uint64_t count) {
  GgufHeader &header = contents.header;
  DataExtent extent;
  const Status status = scan_records(&extent, contents, count);
  // The error for a duplicate name comes first, because its record precedes the one that ended the scan.
  TFILE_TRY(contents.tensors.index(header, GgufSubject::kTensor));
  TFILE_TRY(status);
  contents.are_records_checked = true;
  contents.data_start = Checked(header.position()).align_up(contents.alignment).value();
  if (!extent.ordered) TFILE_TRY(check_unordered(&extent.end, contents));
  if (count > 0 && contents.data_start + extent.end > header.source().size) return truncated(contents);
  header.set_subject(GgufSubject::kFile, 0);
  contents.end = Checked(contents.data_start + extent.end).align_up(contents.alignment).value();
  return kOk;
}

Status scan(Contents &contents) {
  GgufHeader &header = contents.header;
  const Settings &settings = contents.settings;
  uint64_t tensors = 0;
  TFILE_TRY(check_magic(header));
  TFILE_TRY(check_version(header));
  const uint64_t counts_at = header.position();
  TFILE_TRY(header.read_count(&tensors, kLeastTensor, "tensors"));
  const Limit limit{TF_OPTION_MAX_ARRAYS, settings.limit(TF_OPTION_MAX_ARRAYS)};
  TFILE_TRY(check_limit(header, tensors, kGgufManyArrays, limit, counts_at));
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

// Copies numbers and converts them from the byte order of the file to that of this machine. Bools become 0 or 1.
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

Status build_numbers(Dict &dict, Text key, GgufHeader &header, const Dtype &dtype, Span<const int64_t> shape) {
  Ref<Array> array;
  TFILE_TRY(make_array(array, *dict.memory, dtype, shape));
  TFILE_TRY(header.need(array->nbytes));
  copy_numbers(*array, header.here(), header.big());
  TFILE_TRY(header.skip(array->nbytes));
  return dict.set_array(key, *array);
}

Status build_strings(Dict &dict, Text key, GgufHeader &header, uint64_t count) {
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

// Reads an array of any type into the dict. scan_array() has checked the depth of its nesting.
Status build_array(Dict &dict, Text key, GgufHeader &header) {
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

Status build_value(Dict &dict, GgufHeader &header, uint64_t start) {
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

// Describes a tensor whose type is unknown.
Status set_unknown_type(Member *member, uint32_t type, Arena &arena) {
  char buffer[64];
  LineWriter reason(buffer, sizeof(buffer));
  reason << "unknown ggml type " << type;
  TFILE_TRY(arena.copy(&member->reason, reason.text()));
  member->type = member->reason.from(sizeof("unknown ") - 1);
  return kOk;
}

// Sets the byte order of a member of a big-endian file. A dtype whose bytes cannot be swapped becomes unknown.
Status set_byte_order(Member *member, Arena &arena) {
  const Dtype &dtype = *member->dtype;
  member->big_endian = dtype.is_block() || dtype.scalar > 1;
  if (!dtype.is_block() || can_swap(dtype)) return kOk;
  char buffer[64];
  LineWriter reason(buffer, sizeof(buffer));
  reason << "dtype '" << dtype.name << "' in big-endian order";
  member->type = Text(dtype.name);
  member->dtype = nullptr;
  member->big_endian = false;
  return arena.copy(&member->reason, reason.text());
}

// Adds tensor i to the listing. *shapes is the unused part of the memory for all shapes.
Status build_member(Listing &listing, int64_t **shapes, Contents &contents, size_t i) {
  GgufHeader &header = contents.header;
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
  if (tensor.dtype == nullptr) {
    TFILE_TRY(set_unknown_type(&member, tensor.type, listing.arena));
  } else if (header.big()) {
    TFILE_TRY(set_byte_order(&member, listing.arena));
  }
  return listing.members.push(member);
}

Status build_members(Listing &listing, Contents &contents) {
  const size_t shape_bytes = contents.ranks * sizeof(int64_t);
  void *block = nullptr;
  TFILE_TRY(listing.arena.reserve(shape_bytes + contents.name_bytes + alignof(int64_t)));
  TFILE_TRY(listing.arena.allocate(&block, shape_bytes, alignof(int64_t)));
  auto *shapes = static_cast<int64_t *>(block);
  TFILE_TRY(listing.members.reserve(contents.tensors.size()));
  for (size_t i = 0; i < contents.tensors.size(); ++i)
    TFILE_TRY(build_member(listing, &shapes, contents, i));
  listing.adopt_names(contents.tensors.names());
  return kOk;
}

// Signatures and the like are appended to files. Other readers ignore what follows the last tensor, too.
Status note_trailing_bytes(Listing &listing, const Contents &contents) {
  const uint64_t size = contents.header.source().size;
  if (size <= contents.end) return kOk;
  char buffer[128];
  LineWriter line(buffer, sizeof(buffer));
  line << size - contents.end << (size - contents.end == 1 ? " byte follows " : " bytes follow ")
       << (contents.tensors.size() == 0 ? "the metadata" : "the last tensor") << ", from byte " << contents.end
       << " on";
  return listing.note(line.text());
}

}  // namespace

Status list_gguf(Listing &listing, const Source &source, const Settings &settings) {
  Contents contents(listing.memory, source, settings);
  TFILE_TRY(scan(contents));
  for (size_t i = 0; i < contents.keys.size(); ++i)
    TFILE_TRY(build_value(*listing.metadata, contents.header, contents.keys[i]));
  TFILE_TRY(build_members(listing, contents));
  return note_trailing_bytes(listing, contents);
}

}  // namespace tfile
