// Reads zip archives.
#include "base/error.h"
#include "base/utf8.h"
#include "format/format.h"
#include "format/zip/zip_end.h"
#include "format/zip/zip_records.h"

namespace tfile {

namespace {

// The maximum ratio by which deflate can expand data; a stream of a few bytes can exceed it slightly.
constexpr uint64_t kMaxInflation = 1032;
constexpr uint64_t kInflationSlack = 64;

// A size that the local header and the npy header of a member nearly always fit in together.
constexpr uint64_t kTypicalHeaders = uint64_t{4} << 10;
constexpr uint64_t kMaxWindow = uint64_t{256} << 10;

// The upper half of code page 437, as Python decodes it.
constexpr uint16_t kCp437[128] = {
    0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE,
    0x00EC, 0x00C4, 0x00C5, 0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6,
    0x00DC, 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192, 0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA,
    0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514,
    0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518, 0x250C,
    0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF, 0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4,
    0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E, 0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x00A0,
};

const char *method_name(uint32_t method) {
  switch (method) {
    case 9:
      return " (deflate64)";
    case 12:
      return " (bzip2)";
    case 14:
      return " (lzma)";
    case 93:
      return " (zstd)";
    case 95:
      return " (xz)";
    case 99:
      return " (AES encryption)";
    default:
      return "";
  }
}

// If the 32-bit value has the maximum, which means that it is stored elsewhere, replaces it by the next 64-bit number
// of a zip64 extra field. Returns false if there is none.
bool read_wide(uint64_t *value, Bytes *content) {
  if (*value != kZipFull32) return true;
  if (content->size() < 8) return false;
  *value = load64(content->data());
  *content = content->from(8);
  return true;
}

}  // namespace

ZipReader::ZipReader(Listing &listing, const Source &source, const Settings &settings, Text suffix)
    : source_(source),
      settings_(settings),
      listing_(listing),
      suffix_(suffix),
      directory_(settings.memory()),
      entries_(settings.memory()),
      order_(settings.memory()),
      comment_(settings.memory()),
      window_(settings.memory()) {}

Failure ZipReader::failure(tf_status status, const ZipEntry &entry, uint64_t offset) const {
  const Text name = raw_name(entry);
  const bool suffixed = name.ends_with(suffix_);
  Failure made(status);
  made.in(source_.label).about(name.first(suffixed ? name.size() - suffix_.size() : name.size())).at(offset);
  (made << "member ").quoted(name.first(256)) << ": ";
  return made;
}

Failure ZipReader::failure(tf_status status, size_t i, uint64_t offset) const {
  return failure(status, entries_[i], offset);
}

Failure ZipReader::failure(const ZipEntry &entry) const {
  return failure(TF_STATUS_CORRUPT, entry, directory_at_ + entry.record);
}

Text ZipReader::raw_name(const ZipEntry &entry) const {
  const uint8_t *record = directory_.data() + entry.record;
  return Text(reinterpret_cast<const char *>(record) + kZipEntrySize, load16(record + 28));
}

Status ZipReader::find(uint64_t *entries) {
  End end = {};
  TFILE_TRY(find_end(&end));
  *entries = end.entries;
  return check_end(end);
}

Status ZipReader::open() {
  End end = {};
  TFILE_TRY(find_end(&end));
  TFILE_TRY(check_end(end));
  TFILE_TRY(read_directory(end));
  size_t position = 0;
  for (uint64_t i = 0; i < end.entries; ++i)
    TFILE_TRY(parse_entry(&position));
  if (position != directory_.size()) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(directory_at_ + position)
           << "the zip directory has " << static_cast<uint64_t>(directory_.size() - position)
           << " bytes after the last of its " << end.entries << " entries";
  }
  TFILE_TRY(sort_by_offset());
  end_ = start_;
  return check_overlaps();
}

Status ZipReader::read_directory(const End &end) {
  directory_at_ = start_ + end.offset;
  TFILE_TRY(entries_.reserve(static_cast<size_t>(end.entries)));
  TFILE_TRY(directory_.resize(static_cast<size_t>(end.size)));
  if (directory_at_ < window_at_) return read_at(source_, directory_at_, directory_.data(), end.size, Text());
  if (end.size > 0) memcpy(directory_.data(), window_.data() + (directory_at_ - window_at_), directory_.size());
  return kOk;
}

Status ZipReader::parse_entry(size_t *position) {
  const Bytes left = Bytes(directory_.data(), directory_.size()).from(*position);
  const uint8_t *const record = left.data();
  const bool whole = left.size() >= kZipEntrySize && load32(record) == kZipEntrySignature;
  const size_t name = whole ? load16(record + 28) : 0;
  const size_t extra = whole ? load16(record + 30) : 0;
  const size_t size = kZipEntrySize + name + extra + (whole ? load16(record + 32) : 0);
  if (!whole || size > left.size()) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(directory_at_ + *position)
           << "expected entry " << static_cast<uint64_t>(entries_.size()) << " of the zip directory, found "
           << (whole ? "one that is longer than the directory" : "something else");
  }
  ZipEntry entry = {};
  entry.record = *position;
  entry.flags = load16(record + 8);
  entry.crc32 = load32(record + 16);
  entry.stored = load32(record + 20);
  entry.size = load32(record + 24);
  entry.header = load32(record + 42);
  const uint32_t method = load16(record + 10);
  entry.deflated = method == kZipMethodDeflate;
  uint32_t disk = load16(record + 34);
  TFILE_TRY(check_name(entry));
  TFILE_TRY(widen(&entry, &disk, left.from(kZipEntrySize + name).first(extra)));
  if (disk != 0) return failure(TF_STATUS_UNSUPPORTED, entry, directory_at_ + *position) << "is on another disk";
  const Status readable = check_entry(entry, method);
  TFILE_TRY(settings_.collect(readable));
  entry.unreadable = !readable.ok();
  entry.header += start_;
  *position += size;
  return entries_.push(entry);
}

Status ZipReader::check_name(const ZipEntry &entry) const {
  const Text name = raw_name(entry);
  for (const char c : name) {
    if (c == '\0') return failure(entry) << "its name has a NUL";
  }
  if ((entry.flags & kZipFlagUtf8) != 0 && !is_utf8(name))
    return failure(entry) << "its name is marked as UTF-8, but is not";
  return kOk;
}

// Replaces numbers that have their maximum by the 64-bit numbers of the zip64 extra field.
Status ZipReader::widen(ZipEntry *entry, uint32_t *disk, Bytes extra) const {
  bool full =
      entry->size == kZipFull32 || entry->stored == kZipFull32 || entry->header == kZipFull32 || *disk == kZipFull16;
  bool seen = false;
  uint16_t id = 0;
  Bytes content;
  while (next_zip_extra(&id, &content, &extra)) {
    if (id != kZipWideExtra || seen) continue;
    seen = true;
    const bool found =
        read_wide(&entry->size, &content) && read_wide(&entry->stored, &content) && read_wide(&entry->header, &content);
    if (found && *disk == kZipFull16 && content.size() >= 4) *disk = load32(content.data());
    full = !found || *disk == kZipFull16;
  }
  if (extra.size() >= 4) return failure(*entry) << "its extra field is longer than its entry says";
  if (full) return failure(*entry) << "its entry refers to 64-bit sizes, but has none";
  if (!(Checked(entry->size) + entry->stored + entry->header + start_).valid()) {
    return failure(*entry) << "its size or offset does not fit in 63 bits";
  }
  return kOk;
}

Status ZipReader::check_entry(const ZipEntry &entry, uint32_t method) const {
  const uint64_t at = directory_at_ + entry.record;
  if ((entry.flags & kZipFlagsEncrypted) != 0) return failure(TF_STATUS_UNSUPPORTED, entry, at) << "is encrypted";
  if ((entry.flags & kZipFlagPatch) != 0)
    return failure(TF_STATUS_UNSUPPORTED, entry, at) << "is a patch of other data";
  if (method != kZipMethodStored && method != kZipMethodDeflate) {
    return failure(TF_STATUS_UNSUPPORTED, entry, at)
           << "uses compression method " << method << method_name(method) << "; stored and deflate are known";
  }
  if (method == kZipMethodStored && entry.size != entry.stored) {
    return failure(entry) << "is stored, and has " << entry.size << " bytes in " << entry.stored;
  }
  const Checked most = Checked(entry.stored) * kMaxInflation + kInflationSlack;
  if (most.valid() && entry.size > most.value()) {
    return failure(entry) << "declares " << entry.size << " bytes in " << entry.stored
                          << " deflated ones, which cannot be";
  }
  return kOk;
}

// Sorts the entries by offset. Uses heap sort, which allocates nothing and which no order in a file can make slow.
Status ZipReader::sort_by_offset() {
  const size_t count = entries_.size();
  TFILE_TRY(order_.resize(count));
  for (size_t i = 0; i < count; ++i) {
    order_[i] = i;
    if (i > 0 && entries_[i].header < entries_[i - 1].header) in_order_ = false;
  }
  if (in_order_) return kOk;
  const auto sift = [this](size_t root, size_t end) {
    for (size_t child = 2 * root + 1; child < end; root = child, child = 2 * root + 1) {
      if (child + 1 < end && entries_[order_[child + 1]].header > entries_[order_[child]].header) ++child;
      if (entries_[order_[root]].header >= entries_[order_[child]].header) return;
      std::swap(order_[root], order_[child]);
    }
  };
  for (size_t root = count / 2; root-- > 0;)
    sift(root, count);
  for (size_t end = count; end-- > 1;) {
    std::swap(order_[0], order_[end]);
    sift(0, end);
  }
  return kOk;
}

Status ZipReader::check_overlaps() const {
  const uint64_t first = entries_.empty() ? directory_at_ : entries_[order_[0]].header;
  if (first != start_) {
    const Status failure = Failure(TF_STATUS_CORRUPT).in(source_.label).at(start_)
                           << first - start_ << " bytes precede the first member of the zip archive";
    TFILE_TRY(listing_.tolerate(settings_, failure));
  }
  for (size_t k = 0; k < order_.size(); ++k) {
    const ZipEntry &entry = entries_[order_[k]];
    const bool last = k + 1 == order_.size();
    const uint64_t limit = last ? directory_at_ : entries_[order_[k + 1]].header;
    const Checked end = Checked(entry.header) + kZipLocalSize + raw_name(entry).size() + entry.stored;
    if (end.valid() && end.value() <= limit) continue;
    Failure made = failure(TF_STATUS_CORRUPT, entry, entry.header);
    made << "reaches into ";
    if (last) return made << "the zip directory at byte " << limit;
    return (made << "member ").quoted(raw_name(entries_[order_[k + 1]]).first(256)) << " at byte " << limit;
  }
  return kOk;
}

Status ZipReader::name(Vec<char> *out, size_t i) const {
  const Text raw = raw_name(entries_[i]);
  out->clear();
  if ((entries_[i].flags & kZipFlagUtf8) != 0 || zip_is_ascii(raw)) return out->append(raw.data(), raw.size());
  for (const char c : raw) {
    const auto byte = static_cast<uint8_t>(c);
    char encoded[4];
    const size_t length = utf8_encode(encoded, byte < 0x80 ? byte : kCp437[byte - 0x80]);
    TFILE_TRY(out->append(encoded, length));
  }
  return kOk;
}

Bytes ZipReader::record(size_t i) const {
  const uint8_t *const record = directory_.data() + entries_[i].record;
  return Bytes(record, kZipEntrySize + load16(record + 28) + load16(record + 30) + load16(record + 32));
}

Bytes ZipReader::extra(size_t i, uint16_t id) const {
  Bytes left = zip_record_extra(record(i));
  uint16_t found = 0;
  Bytes content;
  while (next_zip_extra(&found, &content, &left)) {
    if (found == id) return content;
  }
  return Bytes();
}

bool ZipReader::is_folder(size_t i) const {
  return raw_name(entries_[i]).ends_with("/") && entries_[i].size == 0;
}

Status ZipReader::locate(uint64_t *data, size_t k) {
  current_ = k;
  ZipEntry &entry = entries_[order_[k]];
  TFILE_TRY(settings_.collect(skip_descriptor(entry.header)));
  TFILE_TRY(settings_.collect(check_gap(entry.header)));
  const uint64_t limit = k + 1 == order_.size() ? directory_at_ : entries_[order_[k + 1]].header;
  const Status located = locate_data(data, entry, limit);
  if (located.ok()) return kOk;
  // The bytes up to the next member are not checked further, because it is not known what they are.
  entry.unreadable = true;
  descriptor_ = false;
  end_ = limit;
  return settings_.collect(located);
}

// Locates the data of a member. The next part of the archive begins at `limit`.
Status ZipReader::locate_data(uint64_t *data, const ZipEntry &entry, uint64_t limit) {
  Bytes header;
  TFILE_TRY(peek(&header, entry.header, kZipLocalSize));
  if (load32(header.data()) != kZipLocalSignature) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header) << "its local header is not where the directory says";
  }
  const size_t name = load16(header.data() + 26);
  const size_t extra = load16(header.data() + 28);
  const uint64_t size = kZipLocalSize + name + extra;
  if (size + entry.stored > limit - entry.header) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header)
           << "reaches beyond byte " << limit << ", where the next part begins";
  }
  TFILE_TRY(peek(&header, entry.header, size));
  const Text local_name(reinterpret_cast<const char *>(header.data()) + kZipLocalSize, name);
  TFILE_TRY(compare_local(entry, header.data(), local_name, header.from(kZipLocalSize + name)));
  *data = entry.header + size;
  end_ = *data + entry.stored;
  return kOk;
}

Status ZipReader::compare_local(const ZipEntry &entry, const uint8_t *header, Text name, Bytes extra) {
  const auto differ = [&](size_t field) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header + field) << "its local header and the directory disagree: ";
  };
  const uint16_t flags = load16(header + 6);
  const uint32_t method = load16(header + 8);
  if (flags != entry.flags) return differ(6) << "flags " << Hex{flags} << " and " << Hex{entry.flags};
  if (!entry.unreadable && method != (entry.deflated ? kZipMethodDeflate : kZipMethodStored)) {
    return differ(8) << "method " << method << " and "
                     << uint32_t{entry.deflated ? kZipMethodDeflate : kZipMethodStored};
  }
  if (!(name == raw_name(entry))) return (differ(kZipLocalSize) << "the name there is ").quoted(name.first(256));
  uint64_t stored = load32(header + 18);
  uint64_t size = load32(header + 22);
  uint16_t id = 0;
  Bytes content;
  while ((size == kZipFull32 || stored == kZipFull32) && next_zip_extra(&id, &content, &extra)) {
    if (id == kZipWideExtra && (!read_wide(&size, &content) || !read_wide(&stored, &content))) break;
  }
  // If a descriptor follows the data, the header may leave the fields 0.
  descriptor_ = (flags & kZipFlagDescriptor) != 0;
  described_ = order_[current_];
  const uint64_t local[] = {load32(header + 14), stored, size};
  const uint64_t listed[] = {entry.crc32, entry.stored, entry.size};
  constexpr const char *kFields[] = {"CRC-32", "stored size", "size"};
  descriptor_required_ = false;
  for (size_t i = 0; i < 3; ++i) {
    if (local[i] == listed[i]) continue;
    if (!descriptor_ || local[i] != 0) {
      return differ(14 + 4 * i) << kFields[i] << " " << local[i] << " and " << listed[i];
    }
    descriptor_required_ = true;
  }
  return kOk;
}

// Skips the data descriptor of the previous member. It may lack a signature, and its sizes have 8 or 4 bytes.
Status ZipReader::skip_descriptor(uint64_t limit) {
  if (!descriptor_) return kOk;
  descriptor_ = false;
  const ZipEntry &entry = entries_[described_];
  const uint64_t most = limit - end_ < kZipMaxDescriptor ? limit - end_ : kZipMaxDescriptor;
  Bytes found;
  TFILE_TRY(peek(&found, end_, most));
  for (const bool wide : {true, false}) {
    for (const bool signature : {true, false}) {
      const size_t lead = signature ? 4 : 0;
      const size_t size = lead + (wide ? 20 : 12);
      if (found.size() < size || (signature && load32(found.data()) != kZipDescriptorSignature)) continue;
      const uint8_t *const fields = found.data() + lead;
      const uint64_t stored = wide ? load64(fields + 4) : load32(fields + 4);
      const uint64_t whole = wide ? load64(fields + 12) : load32(fields + 8);
      if (load32(fields) != entry.crc32 || stored != entry.stored || whole != entry.size) continue;
      end_ += size;
      return kOk;
    }
  }
  if (!descriptor_required_) return kOk;
  return failure(TF_STATUS_CORRUPT, entry, end_) << "no data descriptor that agrees with the directory follows it";
}

Status ZipReader::check_gap(uint64_t limit) {
  if (limit - end_ < 4) return kOk;
  Bytes found;
  TFILE_TRY(peek(&found, end_, 4));
  if (load32(found.data()) != kZipLocalSignature) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end_)
         << "the zip archive has a member that its directory does not list";
}

Status ZipReader::finish() {
  TFILE_TRY(settings_.collect(skip_descriptor(directory_at_)));
  return settings_.collect(check_gap(directory_at_));
}

// Returns the end of the window to read for bytes at `offset`. The window includes the headers of members that are
// close by.
uint64_t ZipReader::window_end(uint64_t offset, uint64_t nbytes) const {
  const uint64_t most = read_size(source_, kMaxWindow, kMaxHeaderPiece);
  uint64_t end = offset + nbytes;
  for (size_t k = current_; k < order_.size(); ++k) {
    const uint64_t header = entries_[order_[k]].header;
    if (header > end + source_.hints.gap || header + kTypicalHeaders > offset + most) break;
    if (header + kTypicalHeaders > end) end = header + kTypicalHeaders;
  }
  return end < directory_at_ ? end : directory_at_;
}

Status ZipReader::peek(Bytes *out, uint64_t offset, uint64_t nbytes) {
  if (!Checked::within(offset, nbytes, directory_at_)) {
    return failure(TF_STATUS_CORRUPT, order_[current_], offset)
           << "reaches into the zip directory at byte " << directory_at_;
  }
  const bool in_window = offset >= window_at_ && offset + nbytes <= window_at_ + window_.size();
  if (!in_window) {
    const uint64_t size = window_end(offset, nbytes) - offset;
    window_.clear();
    TFILE_TRY(window_.resize(static_cast<size_t>(size)));
    TFILE_TRY(read_at(source_, offset, window_.data(), size, Text()));
    window_at_ = offset;
  }
  *out = Bytes(window_.data() + (offset - window_at_), static_cast<size_t>(nbytes));
  return kOk;
}

}  // namespace tfile
