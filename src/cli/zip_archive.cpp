#include "cli/zip_archive.h"

#include <algorithm>

#include "cli/rewrite.h"
#include "cli/text.h"

namespace cli {

namespace {

constexpr uint64_t kLocalSignature = 0x04034B50;
constexpr uint64_t kEndSignature = 0x06054B50;
constexpr uint64_t kWideEndSignature = 0x06064B50;
constexpr uint64_t kLocatorSignature = 0x07064B50;
constexpr size_t kLocalSize = 30;
constexpr size_t kRecordSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kWideEndSize = 56;
constexpr size_t kLocatorSize = 20;
constexpr size_t kMaxComment = 65535;
constexpr uint64_t kFull16 = 0xFFFF;
constexpr uint64_t kFull32 = 0xFFFFFFFF;
constexpr uint64_t kDescriptorFlag = 0x0008;
constexpr uint64_t kUtf8Flag = 0x0800;
constexpr uint64_t kWideVersion = 45;
constexpr uint64_t kWideExtra = 1;
constexpr uint64_t kPaddingExtra = 0xD935;
constexpr uint64_t kExtraHead = 4;  // bytes of the id and the size of a record in an extra field

uint64_t number_at(std::string_view bytes, size_t offset, size_t nbytes) {
  return load_le(bytes.substr(offset, nbytes));
}

void put(std::string &bytes, size_t offset, uint64_t value, size_t nbytes) {
  std::string number;
  append_le(number, value, nbytes);
  bytes.replace(offset, nbytes, number);
}

// The numbers at the end of an archive.
struct End {
  uint64_t count;
  uint64_t size;       // of the directory
  uint64_t directory;  // its offset
  std::string comment;
};

// True if a text has an end record at an offset, whose comment reaches to the end of the file.
bool is_end(std::string_view tail, size_t at) {
  return tail.size() - at >= kEndSize && at + kEndSize + number_at(tail, at + 20, 2) == tail.size();
}

// Returns where the end record is in the last bytes of an archive.
size_t find_end(std::string_view tail) {
  std::string signature;
  append_le(signature, kEndSignature, 4);
  for (size_t at = tail.rfind(signature); at != std::string_view::npos; at = tail.rfind(signature, at - 1)) {
    if (is_end(tail, at)) return at;
    if (at == 0) break;
  }
  throw tensorfile::Error(tensorfile::Status::corrupt, "bytes follow the zip archive");
}

End read_end(uint64_t size, const ReadBytes &read) {
  const auto tail_size = static_cast<size_t>(std::min<uint64_t>(size, kLocatorSize + kEndSize + kMaxComment));
  const std::string tail = read(size - tail_size, tail_size);
  const size_t at = find_end(tail);
  End end = {number_at(tail, at + 10, 2), number_at(tail, at + 12, 4), number_at(tail, at + 16, 4),
             tail.substr(at + kEndSize)};
  if (at < kLocatorSize || number_at(tail, at - kLocatorSize, 4) != kLocatorSignature) return end;
  const std::string wide = read(number_at(tail, at - kLocatorSize + 8, 8), kWideEndSize);
  end.count = number_at(wide, 32, 8);
  end.size = number_at(wide, 40, 8);
  end.directory = number_at(wide, 48, 8);
  return end;
}

// Returns an extra field without 64-bit sizes, which go to *wide, and padding.
std::string without_layout(std::string_view extra, std::string *wide) {
  std::string kept;
  while (extra.size() >= kExtraHead) {
    const uint64_t id = number_at(extra, 0, 2);
    const std::string_view record = extra.substr(0, kExtraHead + static_cast<size_t>(number_at(extra, 2, 2)));
    if (id == kWideExtra) *wide = record.substr(kExtraHead);
    if (id != kWideExtra && id != kPaddingExtra) kept += record;
    extra.remove_prefix(record.size());
  }
  return kept;
}

// Replaces a number that needs more than 32 bits by the next one of the 64-bit numbers.
void widen(uint64_t &value, std::string &wide) {
  if (value != kFull32 || wide.size() < 8) return;
  value = number_at(wide, 0, 8);
  wide.erase(0, 8);
}

// Reads the record at the start of `records`, and removes it.
ZipMember read_member(std::string_view &records, const ReadBytes &read) {
  const auto name = static_cast<size_t>(number_at(records, 28, 2));
  const auto extra = static_cast<size_t>(number_at(records, 30, 2));
  const auto comment = static_cast<size_t>(number_at(records, 32, 2));
  ZipMember member;
  std::string wide;
  member.fixed = records.substr(0, kRecordSize);
  member.name = records.substr(kRecordSize, name);
  member.extra = without_layout(records.substr(kRecordSize + name, extra), &wide);
  member.comment = records.substr(kRecordSize + name + extra, comment);
  records.remove_prefix(kRecordSize + name + extra + comment);
  member.stored = number_at(member.fixed, 20, 4);
  member.size = number_at(member.fixed, 24, 4);
  uint64_t header = number_at(member.fixed, 42, 4);
  widen(member.size, wide);
  widen(member.stored, wide);
  widen(header, wide);
  const std::string local = read(header, kLocalSize);
  if (number_at(local, 0, 4) != kLocalSignature) {
    throw tensorfile::Error(tensorfile::Status::unsupported,
                            "bytes precede the zip archive; tensorfile convert --lenient writes it without them");
  }
  const uint64_t local_extra = header + kLocalSize + number_at(local, 26, 2);
  const auto local_extra_size = static_cast<size_t>(number_at(local, 28, 2));
  member.data = local_extra + local_extra_size;
  member.local_extra = without_layout(read(local_extra, local_extra_size), &wide);
  return member;
}

// Makes a record of 64-bit numbers for an extra field, or "" if there are none.
std::string wide_record(const std::vector<uint64_t> &numbers) {
  std::string record;
  if (numbers.empty()) return record;
  append_le(record, kWideExtra, 2);
  append_le(record, 8 * numbers.size(), 2);
  for (const uint64_t number : numbers)
    append_le(record, number, 8);
  return record;
}

// Makes a record that moves what follows it from an offset to a multiple of the alignment, or "" if it is there already.
std::string padding_record(uint64_t offset, uint64_t alignment) {
  uint64_t nbytes = align_up(offset, alignment) - offset;
  if (nbytes == 0) return "";
  if (nbytes < kExtraHead) nbytes += alignment;
  std::string record;
  append_le(record, kPaddingExtra, 2);
  append_le(record, nbytes - kExtraHead, 2);
  if (nbytes >= kExtraHead + 2) append_le(record, alignment, 2);
  record.resize(static_cast<size_t>(nbytes), '\0');
  return record;
}

}  // namespace

bool ZipMember::is_compressed() const {
  return number_at(fixed, 10, 2) != 0;
}

void ZipMember::rename(std::string utf8) {
  const bool ascii = std::all_of(utf8.begin(), utf8.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const uint64_t flags = number_at(fixed, 8, 2) & ~kUtf8Flag;
  put(fixed, 8, flags | (ascii ? 0 : kUtf8Flag), 2);
  name = std::move(utf8);
}

ZipArchive read_zip(uint64_t size, const ReadBytes &read) {
  End end = read_end(size, read);
  const std::string directory = read(end.directory, static_cast<size_t>(end.size));
  std::string_view records = directory;
  ZipArchive archive;
  for (uint64_t i = 0; i < end.count; ++i)
    archive.members.push_back(read_member(records, read));
  archive.comment = std::move(end.comment);
  return archive;
}

std::string ZipDirectory::add(const ZipMember &member, uint64_t at, uint64_t head, uint64_t alignment) {
  const bool wide = member.stored >= kFull32 || member.size >= kFull32;
  std::string fixed = member.fixed;
  // The sizes are known, so no descriptor follows the data.
  put(fixed, 8, number_at(fixed, 8, 2) & ~kDescriptorFlag, 2);
  if (wide || at >= kFull32) put(fixed, 6, std::max(number_at(fixed, 6, 2), kWideVersion), 2);

  std::string local;
  append_le(local, kLocalSignature, 4);
  local += fixed.substr(6, 14);  // from the version to the CRC-32, which both headers have
  append_le(local, wide ? kFull32 : member.stored, 4);
  append_le(local, wide ? kFull32 : member.size, 4);
  std::string extra = (wide ? wide_record({member.size, member.stored}) : "") + member.local_extra;
  const uint64_t before = at + kLocalSize + member.name.size() + extra.size();
  extra += padding_record(before + head, alignment);
  append_le(local, member.name.size(), 2);
  append_le(local, extra.size(), 2);

  std::vector<uint64_t> numbers;
  for (const uint64_t number : {member.size, member.stored, at}) {
    if (number >= kFull32) numbers.push_back(number);
  }
  const std::string record_extra = wide_record(numbers) + member.extra;
  put(fixed, 20, std::min(member.stored, kFull32), 4);
  put(fixed, 24, std::min(member.size, kFull32), 4);
  put(fixed, 28, member.name.size(), 2);
  put(fixed, 30, record_extra.size(), 2);
  put(fixed, 42, std::min(at, kFull32), 4);
  records_ += fixed + member.name + record_extra + member.comment;
  ++count_;
  return local + member.name + extra;
}

std::string ZipDirectory::finish(uint64_t at, const std::string &comment) const {
  std::string out = records_;
  if (count_ >= kFull16 || at >= kFull32 || records_.size() >= kFull32) {
    const uint64_t end = at + out.size();
    append_le(out, kWideEndSignature, 4);
    append_le(out, kWideEndSize - 12, 8);
    append_le(out, kWideVersion, 2);
    append_le(out, kWideVersion, 2);
    append_le(out, 0, 8);  // numbers of disks
    append_le(out, count_, 8);
    append_le(out, count_, 8);
    append_le(out, records_.size(), 8);
    append_le(out, at, 8);
    append_le(out, kLocatorSignature, 4);
    append_le(out, 0, 4);
    append_le(out, end, 8);
    append_le(out, 1, 4);
  }
  append_le(out, kEndSignature, 4);
  append_le(out, 0, 4);  // numbers of disks
  append_le(out, std::min(count_, kFull16), 2);
  append_le(out, std::min(count_, kFull16), 2);
  append_le(out, std::min<uint64_t>(records_.size(), kFull32), 4);
  append_le(out, std::min(at, kFull32), 4);
  append_le(out, comment.size(), 2);
  return out + comment;
}

}  // namespace cli
