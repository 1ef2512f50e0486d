#include "format/zip.h"

#include "base/endian.h"
#include "base/error.h"
#include "base/utf8.h"
#include "format/format.h"

namespace tfile {

namespace {

constexpr uint32_t kLocalSignature = 0x04034B50;
constexpr uint32_t kEntrySignature = 0x02014B50;
constexpr uint32_t kEndSignature = 0x06054B50;
constexpr uint32_t kWideEndSignature = 0x06064B50;
constexpr uint32_t kLocatorSignature = 0x07064B50;
constexpr uint32_t kDescriptorSignature = 0x08074B50;

constexpr size_t kLocalSize = 30;
constexpr size_t kEntrySize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kWideEndSize = 56;
constexpr size_t kLocatorSize = 20;
constexpr size_t kWideExtraSize = 20;
constexpr size_t kMostDescriptor = 24;
constexpr size_t kMaxComment = 65535;

constexpr uint16_t kFlagDescriptor = 0x0008;
constexpr uint16_t kFlagUtf8 = 0x0800;
constexpr uint16_t kFlagsEncrypted = 0x2041;
constexpr uint16_t kFlagPatch = 0x0020;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflate = 8;
constexpr uint16_t kWideExtra = 1;
constexpr uint16_t kPaddingExtra = 0xD935;
constexpr uint16_t kFull16 = 0xFFFF;
constexpr uint32_t kFull32 = 0xFFFFFFFF;

// Deflate cannot make more of a byte.
constexpr uint64_t kMostPerByte = 1032;
constexpr uint64_t kMostSlack = 64;

// The headers of a member (local and npy) take less than this, nearly always.
constexpr uint64_t kNear = uint64_t{4} << 10;
constexpr uint64_t kMostWindow = uint64_t{256} << 10;

uint16_t load16(const uint8_t *from) {
  return load_le<uint16_t>(from);
}
uint32_t load32(const uint8_t *from) {
  return load_le<uint32_t>(from);
}
uint64_t load64(const uint8_t *from) {
  return load_le<uint64_t>(from);
}

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

bool is_ascii(Text text) {
  for (const char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return false;
  }
  return true;
}

// The next record of an extra field, cut from its front; false at its end. A field whose last record is longer than
// the field, or that is padded with less than a record's head, is at its end there.
bool next_extra(uint16_t *id, Bytes *content, Bytes *extra) {
  if (extra->size() < 4) return false;
  const size_t size = load16(extra->data() + 2);
  if (size > extra->size() - 4) return false;
  *id = load16(extra->data());
  *content = extra->from(4).first(size);
  *extra = extra->from(4 + size);
  return true;
}

// Takes a 64-bit number from the front of a zip64 extra field where the 32-bit one is full. False: there is none.
bool take_wide(uint64_t *value, Bytes *content) {
  if (*value != kFull32) return true;
  if (content->size() < 8) return false;
  *value = load64(content->data());
  *content = content->from(8);
  return true;
}

}  // namespace

// What the records at the end of an archive say.
struct ZipReader::End {
  uint64_t at;    // where the directory must end
  uint64_t disk;  // numbers of disks
  uint64_t first_disk;
  uint64_t entries_here;
  uint64_t entries;
  uint64_t size;    // of the directory
  uint64_t offset;  // of the directory, from the start of the archive
  bool wide;
  uint64_t wide_at;  // where the locator says that the zip64 record is, from the start of the archive
};

ZipReader::ZipReader(const Source &source, const Settings &settings, Text suffix)
    : source_(source),
      settings_(settings),
      suffix_(suffix),
      directory_(settings.memory()),
      entries_(settings.memory()),
      places_(settings.memory()),
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
  return Text(reinterpret_cast<const char *>(record) + kEntrySize, load16(record + 28));
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
           << " bytes behind the last of its " << end.entries << " entries";
  }
  TFILE_TRY(sort_places());
  end_ = start_;
  return check_overlaps();
}

// The last bytes of the archive, which hold the end records, become the first window.
Status ZipReader::find_end(End *end) {
  constexpr uint64_t kTail = kEndSize + kMaxComment + kLocatorSize + kWideEndSize;
  const uint64_t count = source_.size < kTail ? source_.size : kTail;
  TFILE_TRY(window_.resize(static_cast<size_t>(count)));
  window_at_ = source_.size - count;
  TFILE_TRY(read_at(source_, window_at_, window_.data(), count, Text()));
  return find_end_in(end, Bytes(window_.data(), window_.size()));
}

// Without an end record: a beginning of an archive, or something else.
Status ZipReader::no_end() const {
  uint8_t head[4];
  const size_t count = source_.size < sizeof(head) ? static_cast<size_t>(source_.size) : sizeof(head);
  TFILE_TRY(read_at(source_, 0, head, count, Text()));
  constexpr uint8_t kLocal[] = {'P', 'K', 3, 4};
  constexpr uint8_t kEmpty[] = {'P', 'K', 5, 6};
  if (memcmp(head, kLocal, count) == 0 || memcmp(head, kEmpty, count) == 0) {
    return Failure(TF_STATUS_TRUNCATED).in(source_.label).at(source_.size)
           << "the zip archive has no end record, with which it should close";
  }
  return Failure(TF_STATUS_FORMAT).in(source_.label).at(0)
         << "is not a zip archive: neither its head nor its end record is there";
}

Status ZipReader::find_end_in(End *end, Bytes tail) {
  constexpr size_t kNone = SIZE_MAX;
  size_t found = kNone;
  bool exact = false;
  for (size_t at = tail.size(); at-- > 0 && !exact;) {
    if (tail.size() - at < kEndSize || load32(tail.data() + at) != kEndSignature) continue;
    exact = load16(tail.data() + at + 20) == tail.size() - at - kEndSize;
    if (exact || found == kNone) found = at;
  }
  if (found == kNone) return no_end();
  const uint8_t *const record = tail.data() + found;
  end->at = window_at_ + found;
  if (!exact) {
    const uint64_t extra = tail.size() - found - kEndSize;
    const uint64_t comment = load16(record + 20);
    if (comment > extra) {
      return Failure(TF_STATUS_TRUNCATED).in(source_.label).at(source_.size)
             << "the comment of the zip archive should have " << comment << " bytes, " << extra << " are there";
    }
    if (!settings_.on(TF_OPTION_LENIENT)) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end->at + kEndSize + comment)
             << extra - comment << " bytes follow the end of the zip archive";
    }
  }
  end->disk = load16(record + 4);
  end->first_disk = load16(record + 6);
  end->entries_here = load16(record + 8);
  end->entries = load16(record + 10);
  end->size = load32(record + 12);
  end->offset = load32(record + 16);
  if (found < kLocatorSize) return kOk;
  const Bytes locator = tail.from(found - kLocatorSize).first(kLocatorSize);
  if (load32(locator.data()) != kLocatorSignature) return kOk;
  return read_wide_end(end, locator, end->at - kLocatorSize);
}

Status ZipReader::read_wide_end(End *end, Bytes locator, uint64_t locator_at) {
  if (load32(locator.data() + 4) != 0 || load32(locator.data() + 16) > 1) {
    return Failure(TF_STATUS_UNSUPPORTED).in(source_.label).at(locator_at) << "the zip archive has several disks";
  }
  end->wide = true;
  end->wide_at = load64(locator.data() + 8);
  // Directly before the locator, unless the record has a part that we do not know.
  uint8_t record[kWideEndSize];
  uint64_t at = locator_at - kWideEndSize;
  const bool before =
      locator_at >= kWideEndSize && at >= window_at_ && load32(window_.data() + (at - window_at_)) == kWideEndSignature;
  if (!before) at = end->wide_at;
  if (Checked::within(at, kWideEndSize, locator_at)) {
    TFILE_TRY(read_at(source_, at, record, sizeof(record), Text()));
  } else {
    memset(record, 0, sizeof(record));
  }
  const Checked ends = Checked(at) + 12 + load64(record + 4);
  if (load32(record) != kWideEndSignature || !ends.valid() || ends.value() != locator_at) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(locator_at)
           << "the zip64 locator points at no end record: expected one at byte " << end->wide_at;
  }
  const uint64_t wide[] = {load32(record + 16), load32(record + 20), load64(record + 24),
                           load64(record + 32), load64(record + 40), load64(record + 48)};
  uint64_t *const narrow[] = {&end->disk,    &end->first_disk, &end->entries_here,
                              &end->entries, &end->size,       &end->offset};
  for (size_t i = 0; i < 6; ++i) {
    const uint64_t full = i < 4 ? kFull16 : kFull32;
    if (*narrow[i] != full && *narrow[i] != wide[i]) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end->at)
             << "the two end records of the zip archive disagree: " << *narrow[i] << " and " << wide[i];
    }
    *narrow[i] = wide[i];
  }
  end->at = at;
  return kOk;
}

Status ZipReader::check_end(const End &end) {
  if (end.disk != 0 || end.first_disk != 0) {
    return Failure(TF_STATUS_UNSUPPORTED).in(source_.label).at(end.at) << "the zip archive has several disks";
  }
  const Checked length = Checked(end.offset) + end.size;
  if (end.entries_here != end.entries || !length.valid() || length.value() > end.at) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << "the end record of the zip archive has " << end.entries_here << " of " << end.entries
           << " entries in a directory of " << end.size << " bytes at " << end.offset;
  }
  start_ = end.at - length.value();
  if (start_ != 0 && !settings_.on(TF_OPTION_LENIENT)) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(0)
           << start_ << " bytes precede the zip archive, or follow its directory";
  }
  if (end.wide && end.wide_at != end.at - start_) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << "the zip64 locator says " << end.wide_at << " where " << end.at - start_ << " is right";
  }
  if (end.entries > end.size / kEntrySize) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << end.entries << " entries do not fit in a zip directory of " << end.size << " bytes";
  }
  const uint64_t most = header_limit(settings_);
  if (end.size > most) {
    return Failure(TF_STATUS_LIMIT).in(source_.label).at(end.at)
           << "the zip directory has " << end.size << " bytes, more than the limit (max_header_bytes) of " << most;
  }
  return kOk;
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
  const bool whole = left.size() >= kEntrySize && load32(record) == kEntrySignature;
  const size_t name = whole ? load16(record + 28) : 0;
  const size_t extra = whole ? load16(record + 30) : 0;
  const size_t size = kEntrySize + name + extra + (whole ? load16(record + 32) : 0);
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
  entry.deflated = method == kDeflate;
  uint32_t disk = load16(record + 34);
  TFILE_TRY(check_name(entry));
  TFILE_TRY(widen(&entry, &disk, left.from(kEntrySize + name).first(extra)));
  if (disk != 0) return failure(TF_STATUS_UNSUPPORTED, entry, directory_at_ + *position) << "lies on another disk";
  TFILE_TRY(check_entry(entry, method));
  entry.header += start_;
  *position += size;
  return entries_.push(entry);
}

Status ZipReader::check_name(const ZipEntry &entry) const {
  const Text name = raw_name(entry);
  for (const char c : name) {
    if (c == '\0') return failure(entry) << "its name has a NUL";
  }
  if ((entry.flags & kFlagUtf8) != 0 && !is_utf8(name)) return failure(entry) << "its name is not UTF-8, but says so";
  return kOk;
}

// Puts the 64-bit numbers of the zip64 extra field where the record's own are full.
Status ZipReader::widen(ZipEntry *entry, uint32_t *disk, Bytes extra) const {
  bool full = entry->size == kFull32 || entry->stored == kFull32 || entry->header == kFull32 || *disk == kFull16;
  bool seen = false;
  uint16_t id = 0;
  Bytes content;
  while (next_extra(&id, &content, &extra)) {
    if (id != kWideExtra || seen) continue;
    seen = true;
    const bool taken =
        take_wide(&entry->size, &content) && take_wide(&entry->stored, &content) && take_wide(&entry->header, &content);
    if (taken && *disk == kFull16 && content.size() >= 4) *disk = load32(content.data());
    full = !taken || *disk == kFull16;
  }
  if (extra.size() >= 4) return failure(*entry) << "its extra field is longer than its entry says";
  if (full) return failure(*entry) << "its entry has no 64-bit sizes, but says so";
  if (!(Checked(entry->size) + entry->stored + entry->header + start_).valid()) {
    return failure(*entry) << "its size or place does not fit in 63 bits";
  }
  return kOk;
}

Status ZipReader::check_entry(const ZipEntry &entry, uint32_t method) const {
  const uint64_t at = directory_at_ + entry.record;
  if ((entry.flags & kFlagsEncrypted) != 0) return failure(TF_STATUS_UNSUPPORTED, entry, at) << "is encrypted";
  if ((entry.flags & kFlagPatch) != 0) return failure(TF_STATUS_UNSUPPORTED, entry, at) << "is a patch of other data";
  if (method != kStored && method != kDeflate) {
    return failure(TF_STATUS_UNSUPPORTED, entry, at)
           << "uses compression method " << method << method_name(method) << "; stored and deflate are known";
  }
  if (method == kStored && entry.size != entry.stored) {
    return failure(entry) << "is stored, and has " << entry.size << " bytes in " << entry.stored;
  }
  const Checked most = Checked(entry.stored) * kMostPerByte + kMostSlack;
  if (most.valid() && entry.size > most.value()) {
    return failure(entry) << "declares " << entry.size << " bytes in " << entry.stored
                          << " deflated ones, which cannot be";
  }
  return kOk;
}

// Heap sort: nothing to allocate, and no order of a file makes it slow.
Status ZipReader::sort_places() {
  const size_t count = entries_.size();
  TFILE_TRY(places_.resize(count));
  for (size_t i = 0; i < count; ++i) {
    places_[i] = i;
    if (i > 0 && entries_[i].header < entries_[i - 1].header) in_order_ = false;
  }
  if (in_order_) return kOk;
  const auto sift = [this](size_t root, size_t end) {
    for (size_t child = 2 * root + 1; child < end; root = child, child = 2 * root + 1) {
      if (child + 1 < end && entries_[places_[child + 1]].header > entries_[places_[child]].header) ++child;
      if (entries_[places_[root]].header >= entries_[places_[child]].header) return;
      std::swap(places_[root], places_[child]);
    }
  };
  for (size_t root = count / 2; root-- > 0;)
    sift(root, count);
  for (size_t end = count; end-- > 1;) {
    std::swap(places_[0], places_[end]);
    sift(0, end);
  }
  return kOk;
}

Status ZipReader::check_overlaps() const {
  const uint64_t first = entries_.empty() ? directory_at_ : entries_[places_[0]].header;
  if (first != start_ && !settings_.on(TF_OPTION_LENIENT)) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(start_)
           << first - start_ << " bytes precede the first member of the zip archive";
  }
  for (size_t k = 0; k < places_.size(); ++k) {
    const ZipEntry &entry = entries_[places_[k]];
    const bool last = k + 1 == places_.size();
    const uint64_t limit = last ? directory_at_ : entries_[places_[k + 1]].header;
    const Checked end = Checked(entry.header) + kLocalSize + raw_name(entry).size() + entry.stored;
    if (end.valid() && end.value() <= limit) continue;
    Failure made = failure(TF_STATUS_CORRUPT, entry, entry.header);
    made << "reaches into ";
    if (last) return made << "the zip directory at byte " << limit;
    return (made << "member ").quoted(raw_name(entries_[places_[k + 1]]).first(256)) << " at byte " << limit;
  }
  return kOk;
}

Status ZipReader::name(Vec<char> *out, size_t i) const {
  const Text raw = raw_name(entries_[i]);
  out->clear();
  if ((entries_[i].flags & kFlagUtf8) != 0 || is_ascii(raw)) return out->append(raw.data(), raw.size());
  for (const char c : raw) {
    const auto byte = static_cast<uint8_t>(c);
    char encoded[4];
    const size_t length = utf8_encode(encoded, byte < 0x80 ? byte : kCp437[byte - 0x80]);
    TFILE_TRY(out->append(encoded, length));
  }
  return kOk;
}

Bytes ZipReader::extra(size_t i, uint16_t id) const {
  const uint8_t *const record = directory_.data() + entries_[i].record;
  Bytes left(record + kEntrySize + load16(record + 28), load16(record + 30));
  uint16_t found = 0;
  Bytes content;
  while (next_extra(&found, &content, &left)) {
    if (found == id) return content;
  }
  return Bytes();
}

bool ZipReader::is_folder(size_t i) const {
  return raw_name(entries_[i]).ends_with("/") && entries_[i].size == 0;
}

Status ZipReader::locate(uint64_t *data, size_t k) {
  place_ = k;
  const ZipEntry &entry = entries_[places_[k]];
  TFILE_TRY(pass_descriptor(entry.header));
  TFILE_TRY(check_gap(entry.header));
  Bytes header;
  TFILE_TRY(peek(&header, entry.header, kLocalSize));
  if (load32(header.data()) != kLocalSignature) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header) << "its local header is not where the directory says";
  }
  const size_t name = load16(header.data() + 26);
  const size_t extra = load16(header.data() + 28);
  const uint64_t size = kLocalSize + name + extra;
  const uint64_t limit = k + 1 == places_.size() ? directory_at_ : entries_[places_[k + 1]].header;
  if (size + entry.stored > limit - entry.header) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header)
           << "reaches beyond byte " << limit << ", where the next part begins";
  }
  TFILE_TRY(peek(&header, entry.header, size));
  const Text local_name(reinterpret_cast<const char *>(header.data()) + kLocalSize, name);
  TFILE_TRY(compare_local(entry, header.data(), local_name, header.from(kLocalSize + name)));
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
  if (method != (entry.deflated ? kDeflate : kStored)) {
    return differ(8) << "method " << method << " and " << uint32_t{entry.deflated ? kDeflate : kStored};
  }
  if (!(name == raw_name(entry))) return (differ(kLocalSize) << "the name there is ").quoted(name.first(256));
  uint64_t stored = load32(header + 18);
  uint64_t size = load32(header + 22);
  uint16_t id = 0;
  Bytes content;
  while ((size == kFull32 || stored == kFull32) && next_extra(&id, &content, &extra)) {
    if (id == kWideExtra && (!take_wide(&size, &content) || !take_wide(&stored, &content))) break;
  }
  // With a descriptor behind the data, a header may leave its fields 0.
  descriptor_ = (flags & kFlagDescriptor) != 0;
  described_ = places_[place_];
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

// What follows the member before: with or without a signature, with sizes of 8 or 4 bytes.
Status ZipReader::pass_descriptor(uint64_t limit) {
  if (!descriptor_) return kOk;
  descriptor_ = false;
  const ZipEntry &entry = entries_[described_];
  const uint64_t room = limit - end_ < kMostDescriptor ? limit - end_ : kMostDescriptor;
  Bytes found;
  TFILE_TRY(peek(&found, end_, room));
  for (const bool wide : {true, false}) {
    for (const bool signature : {true, false}) {
      const size_t lead = signature ? 4 : 0;
      const size_t size = lead + (wide ? 20 : 12);
      if (found.size() < size || (signature && load32(found.data()) != kDescriptorSignature)) continue;
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
  if (load32(found.data()) != kLocalSignature) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end_)
         << "the zip archive has a member that its directory does not list";
}

Status ZipReader::finish() {
  TFILE_TRY(pass_descriptor(directory_at_));
  return check_gap(directory_at_);
}

// How far to read when bytes at offset are wanted: over the headers of the members that lie near.
uint64_t ZipReader::window_end(uint64_t offset, uint64_t nbytes) const {
  uint64_t end = offset + nbytes;
  for (size_t k = place_; k < places_.size(); ++k) {
    const uint64_t header = entries_[places_[k]].header;
    if (header > end + kMaxGapRead || header + kNear > offset + kMostWindow) break;
    if (header + kNear > end) end = header + kNear;
  }
  return end < directory_at_ ? end : directory_at_;
}

Status ZipReader::peek(Bytes *out, uint64_t offset, uint64_t nbytes) {
  if (!Checked::within(offset, nbytes, directory_at_)) {
    return failure(TF_STATUS_CORRUPT, places_[place_], offset)
           << "reaches into the zip directory at byte " << directory_at_;
  }
  const bool held = offset >= window_at_ && offset + nbytes <= window_at_ + window_.size();
  if (!held) {
    const uint64_t size = window_end(offset, nbytes) - offset;
    window_.clear();
    TFILE_TRY(window_.resize(static_cast<size_t>(size)));
    TFILE_TRY(read_at(source_, offset, window_.data(), size, Text()));
    window_at_ = offset;
  }
  *out = Bytes(window_.data() + (offset - window_at_), static_cast<size_t>(nbytes));
  return kOk;
}

bool is_zip(Bytes head) {
  if (head.size() < 4) return false;
  const uint32_t signature = load32(head.data());
  return signature == kLocalSignature || signature == kEndSignature;
}

namespace {

constexpr uint16_t kVersion = 20;
constexpr uint16_t kVersionWide = 45;
constexpr uint16_t kMadeBy = 0x0300 | kVersionWide;  // Unix
constexpr uint16_t kDate = 0x0021;                   // 1980-01-01
constexpr uint32_t kPermissions = 0600u << 16;
constexpr size_t kCrcInEntry = 16;
// What a deflate stream that cannot shrink its bytes adds at least.
constexpr uint64_t kSlack = uint64_t{64} << 10;

uint32_t narrow32(uint64_t value) {
  return value < kFull32 ? static_cast<uint32_t>(value) : kFull32;
}

// Whether a member may need 64-bit sizes; what deflate cannot shrink it makes a little longer.
bool may_be_wide(const ZipMember &member) {
  const uint64_t most = member.deflated ? member.size + member.size / 16 + kSlack : member.size;
  return most >= kFull32;
}

// Bytes of padding, in an extra field of its own, between `at` and the next multiple.
uint64_t padding_size(uint64_t at, uint64_t alignment) {
  uint64_t padding = (alignment - at % alignment) % alignment;
  while (padding > 0 && padding < 4)
    padding += alignment;
  return padding;
}

}  // namespace

Status ZipWriter::begin(Vec<uint8_t> &out, const ZipMember &member, uint64_t at) {
  Record record = {};
  record.name = member.name;
  record.header = at;
  record.size = member.size;
  record.stored = member.deflated ? 0 : member.size;
  record.deflated = member.deflated;
  record.wide = may_be_wide(member);
  record.flags = is_ascii(member.name) ? 0 : kFlagUtf8;
  if (member.described) record.flags |= kFlagDescriptor;
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

// CRC-32 and sizes, as local header and directory have them. Those of 64 bits stand in an extra field.
void ZipWriter::put_fields(uint8_t *to, const Record &record, bool wide, bool known) {
  store_le(to, known ? record.crc32 : 0);
  store_le(to + 4, wide ? kFull32 : known ? narrow32(record.stored) : 0);
  store_le(to + 8, wide ? kFull32 : known ? narrow32(record.size) : 0);
}

Status ZipWriter::put_local(Vec<uint8_t> &out, const Record &record, uint64_t head, bool known) const {
  uint64_t extra = record.wide ? kWideExtraSize : 0;
  const uint64_t data = record.header + kLocalSize + record.name.size() + extra + head;
  const uint64_t padding = record.deflated ? 0 : padding_size(data, alignment_);
  extra += padding;
  uint8_t header[kLocalSize] = {};
  store_le(header, kLocalSignature);
  store_le(header + 4, record.wide ? kVersionWide : kVersion);
  store_le(header + 6, record.flags);
  store_le(header + 8, record.deflated ? kDeflate : kStored);
  store_le(header + 12, kDate);
  put_fields(header + kCrcInLocal, record, record.wide, known);
  store_le(header + 26, static_cast<uint16_t>(record.name.size()));
  store_le(header + 28, static_cast<uint16_t>(extra));
  TFILE_TRY(out.append(header, sizeof(header)));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(record.name.data()), record.name.size()));
  if (record.wide) {
    uint8_t wide[kWideExtraSize] = {};
    store_le(wide, kWideExtra);
    store_le(wide + 2, static_cast<uint16_t>(16));
    store_le(wide + 4, known ? record.size : 0);
    store_le(wide + 12, known ? record.stored : 0);
    TFILE_TRY(out.append(wide, sizeof(wide)));
  }
  if (padding == 0) return kOk;
  uint8_t lead[6];
  store_le(lead, kPaddingExtra);
  store_le(lead + 2, static_cast<uint16_t>(padding - 4));
  store_le(lead + 4, static_cast<uint16_t>(alignment_));
  const size_t told = padding < sizeof(lead) ? 4 : sizeof(lead);
  TFILE_TRY(out.append(lead, told));
  const size_t before = out.size();
  const auto zeros = static_cast<size_t>(padding) - told;
  TFILE_TRY(out.resize(before + zeros));
  if (zeros > 0) memset(out.data() + before, 0, zeros);
  return kOk;
}

Status ZipWriter::put_descriptor(Vec<uint8_t> &out) const {
  const Record &record = records_.back();
  uint8_t descriptor[kMostDescriptor];
  store_le(descriptor, kDescriptorSignature);
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
  return output.patch(record.header + kLocalSize + record.name.size() + 4, wide, sizeof(wide));
}

Status ZipWriter::finish(Vec<uint8_t> &out, uint64_t at, Vec<size_t> *crcs) const {
  const size_t before = out.size();
  Bytes extras(extras_.data(), extras_.size());
  for (const Record &record : records_) {
    if (crcs != nullptr) TFILE_TRY(crcs->push(out.size() + kCrcInEntry));
    TFILE_TRY(put_entry(out, record, extras.first(record.extra)));
    extras = extras.from(record.extra);
  }
  return put_end(out, at, out.size() - before);
}

Status ZipWriter::put_entry(Vec<uint8_t> &out, const Record &record, Bytes extra) const {
  uint8_t wide[kWideExtraSize + 8];
  size_t wide_size = 4;
  for (const uint64_t value : {record.size, record.stored, record.header}) {
    if (value < kFull32) continue;
    store_le(wide + wide_size, value);
    wide_size += 8;
  }
  const bool is_wide = wide_size > 4;
  store_le(wide, kWideExtra);
  store_le(wide + 2, static_cast<uint16_t>(wide_size - 4));
  uint8_t entry[kEntrySize] = {};
  store_le(entry, kEntrySignature);
  store_le(entry + 4, kMadeBy);
  store_le(entry + 6, is_wide || record.wide ? kVersionWide : kVersion);
  store_le(entry + 8, record.flags);
  store_le(entry + 10, record.deflated ? kDeflate : kStored);
  store_le(entry + 14, kDate);
  put_fields(entry + kCrcInEntry, record, false, true);
  store_le(entry + 28, static_cast<uint16_t>(record.name.size()));
  store_le(entry + 30, static_cast<uint16_t>((is_wide ? wide_size : 0) + extra.size()));
  store_le(entry + 38, kPermissions);
  store_le(entry + 42, narrow32(record.header));
  TFILE_TRY(out.append(entry, sizeof(entry)));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(record.name.data()), record.name.size()));
  if (is_wide) TFILE_TRY(out.append(wide, wide_size));
  return out.append(extra.data(), extra.size());
}

Status ZipWriter::put_end(Vec<uint8_t> &out, uint64_t directory, uint64_t size) const {
  const uint64_t count = records_.size();
  if (count >= kFull16 || size >= kFull32 || directory >= kFull32) {
    uint8_t wide[kWideEndSize + kLocatorSize] = {};
    store_le(wide, kWideEndSignature);
    store_le(wide + 4, uint64_t{kWideEndSize - 12});
    store_le(wide + 12, kMadeBy);
    store_le(wide + 14, kVersionWide);
    store_le(wide + 24, count);
    store_le(wide + 32, count);
    store_le(wide + 40, size);
    store_le(wide + 48, directory);
    store_le(wide + 56, kLocatorSignature);
    store_le(wide + 64, directory + size);
    store_le(wide + 72, uint32_t{1});
    TFILE_TRY(out.append(wide, sizeof(wide)));
  }
  uint8_t end[kEndSize] = {};
  const uint16_t count16 = count < kFull16 ? static_cast<uint16_t>(count) : kFull16;
  store_le(end, kEndSignature);
  store_le(end + 8, count16);
  store_le(end + 10, count16);
  store_le(end + 12, narrow32(size));
  store_le(end + 16, narrow32(directory));
  return out.append(end, sizeof(end));
}

}  // namespace tfile
