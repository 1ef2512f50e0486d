#include "format/npy/npy.h"

#include "base/endian.h"
#include "base/error.h"

namespace tfile {

namespace {

constexpr uint8_t kMagic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr uint64_t kMaxHeader = uint64_t{1} << 20;  // used unless the settings have a limit
constexpr size_t kAlignment = 64;
// np.save pads the text so that the first size can later be overwritten with one of up to this many digits.
constexpr size_t kGrowthDigits = 21;
// The maximum padding of a header.
constexpr uint8_t kSpaces[kAlignment + kGrowthDigits + 1] =
    "                                                                                     ";
// The number of bytes that list() reads first: more than the header of nearly every file.
constexpr size_t kFirstRead = 4096;

Status read_header(Vec<uint8_t> *out, const Source &source, const NpyContext &context) {
  uint8_t first[kFirstRead];
  const size_t count = source.size < kFirstRead ? static_cast<size_t>(source.size) : kFirstRead;
  TFILE_TRY(read_at(source, 0, first, count, Text()));
  uint64_t size = 0;
  TFILE_TRY(npy_header_size(&size, context, Bytes(first, count)));
  if (size > source.size) {
    return npy_failure(TF_STATUS_TRUNCATED, context, source.size)
           << "it should have " << size << " bytes, the file has " << source.size;
  }
  const size_t have = size < count ? static_cast<size_t>(size) : count;
  TFILE_TRY(out->append(first, have));
  if (have == size) return kOk;
  TFILE_TRY(out->resize(static_cast<size_t>(size)));
  return read_at(source, have, out->data() + have, size - have, Text());
}

Status note_next(Listing &listing, uint64_t offset) {
  char buffer[128];
  LineWriter line(buffer, sizeof(buffer));
  line << "another .npy follows at byte " << offset << "; only the first array is read";
  return listing.note(line.text());
}

// Checks what follows the data. np.save appends to an open file, so another .npy may.
Status check_end(Listing &listing, const Source &source, const Settings &settings, uint64_t end) {
  if (end == source.size) return kOk;
  uint8_t next[sizeof(kMagic)];
  const uint64_t extra = source.size - end;
  if (extra >= sizeof(next)) {
    TFILE_TRY(read_at(source, end, next, sizeof(next), Text()));
    if (is_npy(Bytes(next, sizeof(next)))) return note_next(listing, end);
  }
  return listing.tolerate(settings, Failure(TF_STATUS_CORRUPT).in(source.label).at(end)
                                        << extra << " bytes follow the array's data, and are not another npy header");
}

Status list_npy(Listing &listing, const Source &source, const Settings &settings) {
  const NpyContext context{source, settings, Text(), 0, false, TF_STATUS_TRUNCATED};
  Vec<uint8_t> bytes(listing.memory);
  TFILE_TRY(read_header(&bytes, source, context));
  NpyHeader header;
  TFILE_TRY(parse_npy_header(&header, listing.arena, context, Bytes(bytes.data(), bytes.size())));
  Member member;
  TFILE_TRY(describe_npy(&member, context, header, source.size - header.size));
  TFILE_TRY(listing.arena.copy(&member.name, Text()));
  member.offset = header.size;
  member.stored = member.nbytes;
  TFILE_TRY(check_end(listing, source, settings, header.size + member.nbytes));
  return listing.add(source, settings, member, 0);
}

Status check_npy(const SaveRequest &request) {
  SaveRefusals refusals(request.report);
  for (const NamedArray &named : request.arrays) {
    if (!npy_can_hold(*named.array->dtype))
      refusals.add(Subject::kArray, named.name, Problem::kDtype) << named.array->dtype->name;
  }
  if (request.metadata != nullptr) {
    for (const DictEntry *entry : request.metadata->entries)
      refusals.add(Subject::kMetadata, entry->key, Problem::kKind) << "the format has no metadata";
  }
  TFILE_TRY(refusals.result(TF_STATUS_UNSUPPORTED, "npy cannot hold"));
  return request.is_refused() ? kOk : check_npy_headers(request);
}

Status lay_out_npy(Layout &layout, const SaveRequest &request) {
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    Vec<uint8_t> header(request.settings.memory());
    bool fortran = false;
    TFILE_TRY(make_npy_header(header, &fortran, array));
    TFILE_TRY(layout.write(header.data(), header.size()));
    TFILE_TRY(layout.add_array(i, array.nbytes, fortran));
  }
  return kOk;
}

}  // namespace

size_t npy_prefix_size(uint8_t major) {
  return major == 1 ? 10 : 12;
}

Failure npy_failure(tf_status status, const NpyContext &context, uint64_t position) {
  Failure made(status);
  made.in(context.source.label);
  if (!context.array.empty()) made.array(context.array);
  return made.at(context.offset_of(position)) << "npy header: ";
}

bool is_npy(Bytes head) {
  return head.size() >= sizeof(kMagic) && memcmp(head.data(), kMagic, sizeof(kMagic)) == 0;
}

Status npy_header_size(uint64_t *size, const NpyContext &context, Bytes prefix) {
  for (size_t i = 0; i < prefix.size() && i < sizeof(kMagic); ++i) {
    if (prefix[i] != kMagic[i]) {
      return npy_failure(TF_STATUS_FORMAT, context, i)
             << "expected the magic \\x93NUMPY, found " << Hex{prefix[i]} << " in it";
    }
  }
  const uint32_t major = prefix.size() > 6 ? prefix[6] : 1;
  const uint32_t minor = prefix.size() > 7 ? prefix[7] : 0;
  if (major < 1 || major > 3 || minor != 0) {
    return npy_failure(TF_STATUS_UNSUPPORTED, context, 6)
           << "version " << major << "." << minor << "; 1.0, 2.0 and 3.0 are known";
  }
  const size_t lead = npy_prefix_size(static_cast<uint8_t>(major));
  if (prefix.size() < lead) {
    return npy_failure(context.too_short, context, prefix.size())
           << "it ends after " << static_cast<uint64_t>(prefix.size()) << " bytes, before its length";
  }
  const uint64_t text = lead == 10 ? load_le<uint16_t>(prefix.data() + 8) : load_le<uint32_t>(prefix.data() + 8);
  const uint64_t most = header_limit(context.settings, kMaxHeader);
  if (text > most) {
    return npy_failure(TF_STATUS_LIMIT, context, 8)
           << "it has " << text << " bytes, more than " << Limit{TF_OPTION_MAX_HEADER_BYTES, most};
  }
  *size = lead + text;
  return kOk;
}

Status describe_npy(Member *out, const NpyContext &context, const NpyHeader &header, uint64_t available) {
  if (header.nbytes > available) {
    return (npy_failure(context.too_short, context, header.size + available) << "shape ").shape(header.shape)
           << " needs " << header.nbytes << " bytes of data, " << available << " are there";
  }
  out->shape = header.shape;
  out->dtype = header.dtype;
  if (header.dtype == nullptr) out->type = header.type;
  out->reason = header.reason;
  out->nbytes = header.sized ? header.nbytes : available;
  out->fortran = header.fortran;
  out->big_endian = header.big_endian;
  return kOk;
}

void refuse_npy_header(SaveRefusals &refusals, Subject subject, Text name, uint64_t size, uint64_t limit) {
  const uint64_t text = size - npy_prefix_size(1);
  if (text <= limit) return;
  refusals.add(subject, name, Problem::kLimit)
      << text << " bytes of npy header are more than " << Limit{TF_OPTION_MAX_HEADER_BYTES, limit};
}

Status check_npy_headers(const SaveRequest &request) {
  const uint64_t limit = header_limit(request.settings, kMaxHeader);
  if (limit >= kNpyLongestHeader) return kOk;
  SaveRefusals refusals(request.report);
  Vec<uint8_t> header(request.settings.memory());
  for (const NamedArray &named : request.arrays) {
    bool fortran = false;
    header.clear();
    TFILE_TRY(make_npy_header(header, &fortran, *named.array));
    refuse_npy_header(refusals, Subject::kArray, named.name, header.size(), limit);
  }
  return refusals.result(TF_STATUS_LIMIT, kLoadRefuses);
}

bool npy_can_hold(const Dtype &dtype) {
  return npy_code(dtype.id) != nullptr;
}

Status put_npy_header(Vec<uint8_t> &out, Text descr, bool fortran, Span<const int64_t> shape) {
  char text[2048];  // enough for 64 sizes of 19 digits
  LineWriter line(text, sizeof(text));
  line << "{'descr': '" << descr << "', 'fortran_order': " << (fortran ? "True" : "False") << ", 'shape': ";
  line.shape(shape) << ", }";
  size_t spaces = 0;
  if (!shape.empty()) {
    char digits[32];
    LineWriter number(digits, sizeof(digits));
    number << shape[fortran ? shape.size() - 1 : 0];
    if (number.size() < kGrowthDigits) spaces = kGrowthDigits - number.size();
  }
  // np.save pads with 1 to 64 spaces, never none.
  const size_t lead = npy_prefix_size(1);
  spaces += kAlignment - (lead + line.size() + spaces + 1) % kAlignment;
  uint8_t prefix[10] = {kMagic[0], kMagic[1], kMagic[2], kMagic[3], kMagic[4], kMagic[5], 1, 0};
  store_le(prefix + 8, static_cast<uint16_t>(line.size() + spaces + 1));
  TFILE_TRY(out.append(prefix, lead));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(line.text().data()), line.size()));
  TFILE_TRY(out.append(kSpaces, spaces));
  return out.push('\n');
}

Status make_npy_header(Vec<uint8_t> &out, bool *fortran, const Array &array) {
  *fortran = is_fortran_contiguous(array);
  char descr[8];
  LineWriter line(descr, sizeof(descr));
  line << (array.dtype->scalar > 1 ? "<" : "|") << npy_code(array.dtype->id);
  return put_npy_header(out, line.text(), *fortran, array.shape());
}

const Format kNpyFormat = {
    .id = TF_FORMAT_NPY,
    .name = "npy",
    .extension = ".npy",
    .single_array = true,
    .probe = is_npy,
    .list = list_npy,
    .check = check_npy,
    .lay_out = lay_out_npy,
};

}  // namespace tfile
