// Finds the end records of zip archives, which say where the directory is.
#include "format/zip/zip_end.h"
#include "base/error.h"
#include "format/zip/zip_records.h"

namespace tfile {

// Reads the last bytes of the archive, which contain the end records, into the window.
Status ZipReader::find_end(End *end) {
  constexpr uint64_t kTail = kZipEndSize + kZipMaxComment + kZipLocatorSize + kZipWideEndSize;
  const uint64_t count = source_.size < kTail ? source_.size : kTail;
  TFILE_TRY(window_.resize(static_cast<size_t>(count)));
  window_at_ = source_.size - count;
  TFILE_TRY(read_at(source_, window_at_, window_.data(), count, Text()));
  return find_end_in(end, Bytes(window_.data(), window_.size()));
}

// Fails because there is no end record: the file is a truncated archive, or something else.
Status ZipReader::no_end() const {
  uint8_t head[4];
  const size_t count = source_.size < sizeof(head) ? static_cast<size_t>(source_.size) : sizeof(head);
  TFILE_TRY(read_at(source_, 0, head, count, Text()));
  constexpr uint8_t kLocal[] = {'P', 'K', 3, 4};
  constexpr uint8_t kEmpty[] = {'P', 'K', 5, 6};
  if (memcmp(head, kLocal, count) == 0 || memcmp(head, kEmpty, count) == 0) {
    return Failure(TF_STATUS_TRUNCATED).in(source_.label).at(source_.size)
           << "the zip archive has no end record at its end";
  }
  return Failure(TF_STATUS_FORMAT).in(source_.label).at(0)
         << "is not a zip archive: neither its head nor its end record is there";
}

Status ZipReader::find_end_in(End *end, Bytes tail) {
  constexpr size_t kNone = SIZE_MAX;
  size_t found = kNone;
  bool exact = false;
  for (size_t at = tail.size(); at-- > 0 && !exact;) {
    if (tail.size() - at < kZipEndSize || load32(tail.data() + at) != kZipEndSignature) continue;
    exact = load16(tail.data() + at + 20) == tail.size() - at - kZipEndSize;
    if (exact || found == kNone) found = at;
  }
  if (found == kNone) return no_end();
  const uint8_t *const record = tail.data() + found;
  end->at = window_at_ + found;
  if (!exact) {
    const uint64_t extra = tail.size() - found - kZipEndSize;
    const uint64_t comment = load16(record + 20);
    if (comment > extra) {
      return Failure(TF_STATUS_TRUNCATED).in(source_.label).at(source_.size)
             << "the comment of the zip archive should have " << comment << " bytes, " << extra << " are there";
    }
    const Status failure = Failure(TF_STATUS_CORRUPT).in(source_.label).at(end->at + kZipEndSize + comment)
                           << extra - comment << " bytes follow the end of the zip archive";
    TFILE_TRY(listing_.tolerate(settings_, failure));
  }
  const uint64_t after = tail.size() - found - kZipEndSize;
  const uint64_t comment = load16(record + 20);
  TFILE_TRY(comment_.append(record + kZipEndSize, static_cast<size_t>(comment < after ? comment : after)));
  end->disk = load16(record + 4);
  end->first_disk = load16(record + 6);
  end->entries_here = load16(record + 8);
  end->entries = load16(record + 10);
  end->size = load32(record + 12);
  end->offset = load32(record + 16);
  if (found < kZipLocatorSize) return kOk;
  const Bytes locator = tail.from(found - kZipLocatorSize).first(kZipLocatorSize);
  if (load32(locator.data()) != kZipLocatorSignature) return kOk;
  return read_wide_end(end, locator, end->at - kZipLocatorSize);
}

Status ZipReader::read_wide_end(End *end, Bytes locator, uint64_t locator_at) {
  if (load32(locator.data() + 4) != 0 || load32(locator.data() + 16) > 1) {
    return Failure(TF_STATUS_UNSUPPORTED).in(source_.label).at(locator_at) << "the zip archive has several disks";
  }
  end->wide = true;
  end->wide_at = load64(locator.data() + 8);
  // The record is directly before the locator, unless it has an extension.
  uint8_t record[kZipWideEndSize];
  uint64_t at = locator_at - kZipWideEndSize;
  const bool before = locator_at >= kZipWideEndSize && at >= window_at_ &&
                      load32(window_.data() + (at - window_at_)) == kZipWideEndSignature;
  if (!before) at = end->wide_at;
  if (Checked::within(at, kZipWideEndSize, locator_at)) {
    TFILE_TRY(read_at(source_, at, record, sizeof(record), Text()));
  } else {
    memset(record, 0, sizeof(record));
  }
  const Checked ends = Checked(at) + 12 + load64(record + 4);
  if (load32(record) != kZipWideEndSignature || !ends.valid() || ends.value() != locator_at) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(locator_at)
           << "the zip64 locator points at no end record: expected one at byte " << end->wide_at;
  }
  const uint64_t wide[] = {load32(record + 16), load32(record + 20), load64(record + 24),
                           load64(record + 32), load64(record + 40), load64(record + 48)};
  uint64_t *const narrow[] = {&end->disk,    &end->first_disk, &end->entries_here,
                              &end->entries, &end->size,       &end->offset};
  for (size_t i = 0; i < 6; ++i) {
    const uint64_t full = i < 4 ? kZipFull16 : kZipFull32;
    if (*narrow[i] != full && *narrow[i] != wide[i]) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end->at)
             << "the two end records of the zip archive disagree: " << *narrow[i] << " and " << wide[i];
    }
    *narrow[i] = wide[i];
  }
  end->at = at;
  return kOk;
}

// Decides about bytes that belong to no record. Before the archive they are harmless, and LENIENT accepts them. If they
// are between the directory and the end record, no reader finds the directory.
Status ZipReader::check_start(const End &end) {
  uint8_t head[4] = {};
  const uint64_t directory = start_ + end.offset;
  if (end.entries > 0) TFILE_TRY(read_at(source_, directory, head, sizeof(head), Text()));
  if (end.entries > 0 && load32(head) != kZipEntrySignature) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at - start_)
           << start_ << " bytes follow the directory of the zip archive, before its end record";
  }
  const Status failure = Failure(TF_STATUS_CORRUPT).in(source_.label).at(0)
                         << start_ << " bytes precede the zip archive";
  return listing_.tolerate(settings_, failure);
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
  if (start_ != 0) TFILE_TRY(check_start(end));
  if (end.wide && end.wide_at != end.at - start_) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << "the zip64 end record is at byte " << end.at - start_ << " of the archive, its locator says "
           << end.wide_at;
  }
  if (end.entries > end.size / kZipEntrySize) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << end.entries << " entries do not fit in a zip directory of " << end.size << " bytes";
  }
  const uint64_t most = header_limit(settings_);
  if (end.size > most) {
    return Failure(TF_STATUS_LIMIT).in(source_.label).at(end.at)
           << "the zip directory has " << end.size << " bytes, more than " << Limit{TF_OPTION_MAX_HEADER_BYTES, most};
  }
  return kOk;
}

bool is_zip(Bytes head) {
  if (head.size() < 4) return false;
  const uint32_t signature = load32(head.data());
  return signature == kZipLocalSignature || signature == kZipEndSignature;
}

Status find_zip(bool *found, const Source &source, const Settings &settings) {
  Listing remarks(settings.memory());
  uint64_t entries = 0;
  const Status status = ZipReader(remarks, source, settings, Text()).find(&entries);
  *found = status.code == TF_STATUS_LIMIT || (status.ok() && entries > 0);
  return is_fault(status) ? kOk : status;
}

}  // namespace tfile
