// Writes zip archives.
#include "base/endian.h"
#include "format/zip/zip.h"
#include "format/zip/zip_records.h"

namespace tfile {

namespace {

constexpr uint16_t kVersion = 20;
constexpr uint16_t kVersionWide = 45;
constexpr uint16_t kMadeBy = 0x0300 | kVersionWide;  // made on Unix
constexpr uint16_t kDate = 0x0021;                   // 1980-01-01
constexpr uint32_t kPermissions = 0600u << 16;
constexpr size_t kCrcInEntry = 16;
// Deflating incompressible bytes makes them longer by at most a sixteenth plus this.
constexpr uint64_t kSlack = uint64_t{64} << 10;

uint32_t narrow32(uint64_t value) {
  return value < kZipFull32 ? static_cast<uint32_t>(value) : kZipFull32;
}

// True if a member may need 64-bit sizes.
bool may_be_wide(const ZipMember &member) {
  const uint64_t most = member.deflated ? member.size + member.size / 16 + kSlack : member.size;
  return most >= kZipFull32;
}

// Returns the size of the extra field that pads from `at` to the next multiple of the alignment. It is at least 4.
uint64_t padding_size(uint64_t at, uint64_t alignment) {
  uint64_t padding = (alignment - at % alignment) % alignment;
  while (padding > 0 && padding < 4)
    padding += alignment;
  return padding;
}

// Appends an extra field of padding_size() bytes.
Status put_padding(Vec<uint8_t> &out, uint64_t padding, uint64_t alignment) {
  if (padding == 0) return kOk;
  uint8_t lead[6];
  store_le(lead, kZipPaddingExtra);
  store_le(lead + 2, static_cast<uint16_t>(padding - 4));
  store_le(lead + 4, static_cast<uint16_t>(alignment));
  const size_t filled = padding < sizeof(lead) ? 4 : sizeof(lead);
  TFILE_TRY(out.append(lead, filled));
  const size_t before = out.size();
  const auto zeros = static_cast<size_t>(padding) - filled;
  TFILE_TRY(out.resize(before + zeros));
  if (zeros > 0) memset(out.data() + before, 0, zeros);
  return kOk;
}

// The extra field of 64-bit numbers, which is absent without any.
class WideExtra {
 public:
  void add(uint64_t value) {
    store_le(bytes_ + size_, value);
    size_ += sizeof(value);
  }
  // Adds the numbers that 32 bits cannot hold.
  void add_wide(uint64_t size, uint64_t stored, uint64_t header) {
    for (const uint64_t value : {size, stored, header}) {
      if (value >= kZipFull32) add(value);
    }
  }
  size_t size() const { return size_ > kZipExtraHead ? size_ : 0; }
  Status put(Vec<uint8_t> &out) {
    store_le(bytes_, kZipWideExtra);
    store_le(bytes_ + 2, static_cast<uint16_t>(size_ - kZipExtraHead));
    return out.append(bytes_, size());
  }

 private:
  uint8_t bytes_[kZipExtraHead + 3 * sizeof(uint64_t)];
  size_t size_ = kZipExtraHead;
};

// Appends the records of an extra field that do not depend on the layout of the archive.
Status put_kept_extra(Vec<uint8_t> &out, Bytes extra) {
  uint16_t id = 0;
  Bytes content;
  while (next_zip_extra(&id, &content, &extra)) {
    if (id == kZipWideExtra || id == kZipPaddingExtra) continue;
    TFILE_TRY(out.append(content.data() - kZipExtraHead, kZipExtraHead + content.size()));
  }
  return kOk;
}

// Stores the size of an extra field, which begins at `start` and ends with `out`, at the position `field`.
Status set_extra_size(Vec<uint8_t> &out, size_t field, size_t start, Text name) {
  const size_t size = out.size() - start;
  if (size > kZipFull16) {
    return Failure(TF_STATUS_UNSUPPORTED).array(name) << "its extra field would have more than 65535 bytes";
  }
  store_le(out.data() + field, static_cast<uint16_t>(size));
  return kOk;
}

}  // namespace

Status ZipWriter::copy(Vec<uint8_t> &out, const ZipCopy &member, uint64_t at) {
  constexpr size_t kShared = 14;  // from the version to the CRC-32, which both headers have
  const bool wide = member.stored >= kZipFull32 || member.size >= kZipFull32;
  uint8_t entry[kZipEntrySize];
  memcpy(entry, member.record.data(), sizeof(entry));
  // The sizes are known, so no descriptor follows the data.
  auto flags = static_cast<uint16_t>(load16(entry + 8) & ~kZipFlagDescriptor);
  if (member.renamed) flags &= static_cast<uint16_t>(~kZipFlagUtf8);
  if (member.renamed && !zip_is_ascii(member.name)) flags |= kZipFlagUtf8;
  store_le(entry + 8, flags);
  if ((wide || at >= kZipFull32) && load16(entry + 6) < kVersionWide) store_le(entry + 6, kVersionWide);
  store_le(entry + 20, narrow32(member.stored));
  store_le(entry + 24, narrow32(member.size));
  store_le(entry + 28, static_cast<uint16_t>(member.name.size()));
  store_le(entry + 42, narrow32(at));

  uint8_t local[kZipLocalSize] = {};
  store_le(local, kZipLocalSignature);
  memcpy(local + 4, entry + 6, kShared);
  store_le(local + 18, wide ? kZipFull32 : narrow32(member.stored));
  store_le(local + 22, wide ? kZipFull32 : narrow32(member.size));
  store_le(local + 26, static_cast<uint16_t>(member.name.size()));
  const size_t header = out.size();
  WideExtra local_wide;
  if (wide) local_wide.add(member.size);
  if (wide) local_wide.add(member.stored);
  TFILE_TRY(out.append(local, sizeof(local)));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(member.name.data()), member.name.size()));
  const size_t extra = out.size();
  TFILE_TRY(local_wide.put(out));
  TFILE_TRY(put_kept_extra(out, member.local_extra));
  const uint64_t data = at + (out.size() - header) + member.head;
  if (member.aligned) TFILE_TRY(put_padding(out, padding_size(data, alignment_), alignment_));
  TFILE_TRY(set_extra_size(out, header + 28, extra, member.name));
  return copy_record(entry, member, at);
}

// Appends the record of a copied member, which begins with `entry`, to the directory.
Status ZipWriter::copy_record(const uint8_t *entry, const ZipCopy &member, uint64_t at) {
  const size_t record = copied_.size();
  WideExtra wide;
  wide.add_wide(member.size, member.stored, at);
  TFILE_TRY(copied_.append(entry, kZipEntrySize));
  TFILE_TRY(copied_.append(reinterpret_cast<const uint8_t *>(member.name.data()), member.name.size()));
  const size_t extra = copied_.size();
  TFILE_TRY(wide.put(copied_));
  TFILE_TRY(put_kept_extra(copied_, zip_record_extra(member.record)));
  TFILE_TRY(set_extra_size(copied_, record + 30, extra, member.name));
  const Bytes comment = zip_record_comment(member.record);
  ++copied_count_;
  return copied_.append(comment.data(), comment.size());
}

Status ZipWriter::begin(Vec<uint8_t> &out, const ZipMember &member, uint64_t at) {
  Record record = {};
  record.name = member.name;
  record.header = at;
  record.size = member.size;
  record.stored = member.deflated ? 0 : member.size;
  record.deflated = member.deflated;
  record.wide = may_be_wide(member);
  record.flags = zip_is_ascii(member.name) ? 0 : kZipFlagUtf8;
  if (member.described) record.flags |= kZipFlagDescriptor;
  TFILE_TRY(put_local(out, record, member.head, !member.deflated && !member.described));
  return records_.push(record);
}

void ZipWriter::set(uint32_t crc32, uint64_t stored) {
  records_.back().crc32 = crc32;
  records_.back().stored = stored;
}

Status ZipWriter::add_extra(uint16_t id, Bytes content) {
  uint8_t head[4];
  store_le(head, id);
  store_le(head + 2, static_cast<uint16_t>(content.size()));
  TFILE_TRY(extras_.append(head, sizeof(head)));
  TFILE_TRY(extras_.append(content.data(), content.size()));
  records_.back().extra = static_cast<uint16_t>(records_.back().extra + sizeof(head) + content.size());
  return kOk;
}

// Stores the CRC-32 and the sizes in the form that the local header and the directory share. 64-bit sizes go into an
// extra field.
void ZipWriter::put_fields(uint8_t *to, const Record &record, bool wide, bool known) {
  store_le(to, known ? record.crc32 : 0);
  store_le(to + 4, wide ? kZipFull32 : known ? narrow32(record.stored) : 0);
  store_le(to + 8, wide ? kZipFull32 : known ? narrow32(record.size) : 0);
}

Status ZipWriter::put_local(Vec<uint8_t> &out, const Record &record, uint64_t head, bool known) const {
  uint64_t extra = record.wide ? kZipWideExtraSize : 0;
  const uint64_t data = record.header + kZipLocalSize + record.name.size() + extra + head;
  const uint64_t padding = record.deflated ? 0 : padding_size(data, alignment_);
  extra += padding;
  uint8_t header[kZipLocalSize] = {};
  store_le(header, kZipLocalSignature);
  store_le(header + 4, record.wide ? kVersionWide : kVersion);
  store_le(header + 6, record.flags);
  store_le(header + 8, record.deflated ? kZipMethodDeflate : kZipMethodStored);
  store_le(header + 12, kDate);
  put_fields(header + kCrcInLocal, record, record.wide, known);
  store_le(header + 26, static_cast<uint16_t>(record.name.size()));
  store_le(header + 28, static_cast<uint16_t>(extra));
  TFILE_TRY(out.append(header, sizeof(header)));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(record.name.data()), record.name.size()));
  if (record.wide) {
    WideExtra wide;
    wide.add(known ? record.size : 0);
    wide.add(known ? record.stored : 0);
    TFILE_TRY(wide.put(out));
  }
  return put_padding(out, padding, alignment_);
}

Status ZipWriter::put_descriptor(Vec<uint8_t> &out) const {
  const Record &record = records_.back();
  uint8_t descriptor[kZipMaxDescriptor];
  store_le(descriptor, kZipDescriptorSignature);
  put_fields(descriptor + kCrcInDescriptor, record, false, true);
  if (record.wide) {
    store_le(descriptor + 8, record.stored);
    store_le(descriptor + 16, record.size);
  }
  return out.append(descriptor, record.wide ? 24 : 16);
}

Status ZipWriter::patch(Output &output) const {
  const Record &record = records_.back();
  uint8_t fields[12];
  put_fields(fields, record, record.wide, true);
  TFILE_TRY(output.patch(record.header + kCrcInLocal, fields, sizeof(fields)));
  if (!record.wide) return kOk;
  uint8_t wide[16];
  store_le(wide, record.size);
  store_le(wide + 8, record.stored);
  return output.patch(record.header + kZipLocalSize + record.name.size() + 4, wide, sizeof(wide));
}

Checked ZipWriter::directory_size() const {
  Checked size = copied_.size();
  for (const Record &record : records_) {
    size = size + kZipEntrySize + record.name.size() + record.extra;
    size_t wide = 4;
    for (const uint64_t value : {record.size, record.stored, record.header})
      wide += value < kZipFull32 ? 0 : 8;
    size = size + (wide > 4 ? wide : 0);
  }
  return size;
}

Status ZipWriter::finish(Vec<uint8_t> &out, uint64_t at, Vec<size_t> *crcs) const {
  const size_t before = out.size();
  TFILE_TRY(out.append(copied_.data(), copied_.size()));
  Bytes extras(extras_.data(), extras_.size());
  for (const Record &record : records_) {
    if (crcs != nullptr) TFILE_TRY(crcs->push(out.size() + kCrcInEntry));
    TFILE_TRY(put_entry(out, record, extras.first(record.extra)));
    extras = extras.from(record.extra);
  }
  return put_end(out, at, out.size() - before);
}

Status ZipWriter::put_entry(Vec<uint8_t> &out, const Record &record, Bytes extra) const {
  WideExtra wide;
  wide.add_wide(record.size, record.stored, record.header);
  uint8_t entry[kZipEntrySize] = {};
  store_le(entry, kZipEntrySignature);
  store_le(entry + 4, kMadeBy);
  store_le(entry + 6, wide.size() > 0 || record.wide ? kVersionWide : kVersion);
  store_le(entry + 8, record.flags);
  store_le(entry + 10, record.deflated ? kZipMethodDeflate : kZipMethodStored);
  store_le(entry + 14, kDate);
  put_fields(entry + kCrcInEntry, record, false, true);
  store_le(entry + 28, static_cast<uint16_t>(record.name.size()));
  store_le(entry + 30, static_cast<uint16_t>(wide.size() + extra.size()));
  store_le(entry + 38, kPermissions);
  store_le(entry + 42, narrow32(record.header));
  TFILE_TRY(out.append(entry, sizeof(entry)));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(record.name.data()), record.name.size()));
  TFILE_TRY(wide.put(out));
  return out.append(extra.data(), extra.size());
}

Status ZipWriter::put_end(Vec<uint8_t> &out, uint64_t directory, uint64_t size) const {
  const uint64_t count = copied_count_ + records_.size();
  if (count >= kZipFull16 || size >= kZipFull32 || directory >= kZipFull32) {
    uint8_t wide[kZipWideEndSize + kZipLocatorSize] = {};
    store_le(wide, kZipWideEndSignature);
    store_le(wide + 4, uint64_t{kZipWideEndSize - 12});
    store_le(wide + 12, kMadeBy);
    store_le(wide + 14, kVersionWide);
    store_le(wide + 24, count);
    store_le(wide + 32, count);
    store_le(wide + 40, size);
    store_le(wide + 48, directory);
    store_le(wide + 56, kZipLocatorSignature);
    store_le(wide + 64, directory + size);
    store_le(wide + 72, uint32_t{1});
    TFILE_TRY(out.append(wide, sizeof(wide)));
  }
  uint8_t end[kZipEndSize] = {};
  const uint16_t count16 = count < kZipFull16 ? static_cast<uint16_t>(count) : kZipFull16;
  store_le(end, kZipEndSignature);
  store_le(end + 8, count16);
  store_le(end + 10, count16);
  store_le(end + 12, narrow32(size));
  store_le(end + 16, narrow32(directory));
  store_le(end + 20, static_cast<uint16_t>(comment_.size()));
  TFILE_TRY(out.append(end, sizeof(end)));
  return out.append(comment_.data(), comment_.size());
}

}  // namespace tfile
