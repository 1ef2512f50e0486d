// The zip container of .npz files: reads the directory and the local headers, and writes stored and deflated members.
#pragma once

#include "base/vec.h"
#include "codec/deflate.h"
#include "format/format.h"

namespace tfile {

// A member, as the directory at the end of the archive describes it.
struct ZipEntry {
  size_t record;    // offset of its record in the directory
  uint64_t header;  // offset of its local header in the source
  uint64_t stored;  // number of bytes in the archive
  uint64_t size;    // number of bytes after inflating
  uint32_t crc32;
  uint16_t flags;
  bool deflated;
  bool unreadable;  // a fault of it has been collected
};

// Reads an archive. Refuses everything that different readers could interpret differently.
class ZipReader {
 public:
  // The listing decides about errors that other readers accept. Error messages omit the suffix of members' names.
  ZipReader(Listing &listing, const Source &source, const Settings &settings, Text suffix);

  // Finds the directory without reading it. *entries is the number of members in it.
  Status find(uint64_t *entries);
  // Finds the directory, and checks every record and that no two members overlap.
  Status open();
  size_t count() const { return entries_.size(); }
  const ZipEntry &entry(size_t i) const { return entries_[i]; }
  // True if the members have the same order in the archive as in the directory.
  bool in_order() const { return in_order_; }
  // Returns the index of the k-th member in the archive.
  size_t entry_at(size_t k) const { return order_[k]; }
  // Decodes the name to UTF-8.
  Status name(Vec<char> *out, size_t i) const;
  // False for a folder, and for a member of which Settings::collect() has accepted a fault.
  bool is_readable(size_t i) const { return !entries_[i].unreadable && !is_folder(i); }
  // Returns the whole record of a member in the directory.
  Bytes record(size_t i) const;
  // Returns the comment of the archive.
  Bytes comment() const { return Bytes(comment_.data(), comment_.size()); }
  // Returns the number of bytes before the archive, which are tolerated.
  uint64_t start() const { return start_; }
  // Returns the content of a record of the extra field in the directory, or no bytes if there is no such record.
  Bytes extra(size_t i, uint16_t id) const;
  uint64_t directory_offset(size_t i) const { return directory_at_ + entries_[i].record; }

  // Compares the local header of the k-th member in the archive with the directory, and checks the bytes between the
  // member and the previous one. *data is the offset of the member's data. Must be called for each k in ascending
  // order.
  Status locate(uint64_t *data, size_t k);
  // Checks the bytes between the last member and the directory. Must be called after the last locate().
  Status finish();
  // Returns bytes of the member that was located last or, after finish(), of any; borrowed until the next call. Bytes
  // that the next members need are read at the same time.
  Status peek(Bytes *out, uint64_t offset, uint64_t nbytes);

  // Begins an error about a member.
  Failure failure(tf_status status, size_t i, uint64_t offset) const;

 private:
  struct End;

  bool is_folder(size_t i) const;
  Status find_end(End *end);
  Status find_end_in(End *end, Bytes tail);
  Status no_end() const;
  Status read_wide_end(End *end, Bytes locator, uint64_t locator_at);
  Status check_start(const End &end);
  Status check_end(const End &end);
  Status read_directory(const End &end);
  Status parse_entry(size_t *position);
  Status widen(ZipEntry *entry, uint32_t *disk, Bytes extra) const;
  Status check_entry(const ZipEntry &entry, uint32_t method) const;
  Status check_name(const ZipEntry &entry) const;
  Status sort_by_offset();
  Status check_overlaps() const;
  Text raw_name(const ZipEntry &entry) const;
  Failure failure(tf_status status, const ZipEntry &entry, uint64_t offset) const;
  Failure failure(const ZipEntry &entry) const;  // begins a CORRUPT error about its record in the directory
  Status compare_local(const ZipEntry &entry, const uint8_t *header, Text name, Bytes extra);
  Status locate_data(uint64_t *data, const ZipEntry &entry, uint64_t limit);
  Status skip_descriptor(uint64_t limit);
  Status check_gap(uint64_t limit);
  uint64_t window_end(uint64_t offset, uint64_t nbytes) const;

  const Source &source_;
  const Settings &settings_;
  Listing &listing_;
  Text suffix_;
  Vec<uint8_t> directory_;
  uint64_t directory_at_ = 0;
  uint64_t start_ = 0;  // offset of the archive in the source; not 0 if bytes before it are tolerated
  Vec<ZipEntry> entries_;
  Vec<size_t> order_;  // indices of entries_, sorted by offset
  Vec<uint8_t> comment_;
  bool in_order_ = true;
  size_t current_ = 0;                // position in order_ of the member that is being located
  uint64_t end_ = 0;                  // end of the bytes that have been checked
  bool descriptor_ = false;           // a data descriptor, of the entry described_, may follow end_
  bool descriptor_required_ = false;  // it must follow, because the local header lacks its fields
  size_t described_ = 0;
  Vec<uint8_t> window_;  // bytes of the source from window_at_ on
  uint64_t window_at_ = 0;
};

// True if the first bytes of a file are those of a zip archive. The archive may be empty.
bool is_zip(Bytes head);
// Looks for the end of an archive, before which there may be other bytes. Does not find an empty archive.
Status find_zip(bool *found, const Source &source, const Settings &settings);

// The maximum alignment of data, because the extra field for padding has at most 65,535 bytes.
inline constexpr uint64_t kZipMaxAlignment = 32768;
inline constexpr size_t kZipMaxName = 65535;
// Sizes in the directory: at most this of an entry, without its name and the extra fields from add_extra(), and this of
// the head of such a field.
inline constexpr size_t kZipMaxEntrySize = 46 + 28;
inline constexpr size_t kZipExtraHead = 4;

// A member to write.
struct ZipMember {
  Text name;      // UTF-8; borrowed until finish()
  uint64_t size;  // bytes before compression
  uint64_t head;  // how many of these bytes precede the ones to align
  bool deflated;  // the number of stored bytes is not known yet
  // A descriptor after the data has the CRC-32 and sizes, because the local header cannot be changed later.
  bool described;
};

// A member of another archive whose stored bytes are copied, compressed or not. What its headers say is kept, except for
// the name, the sizes, and padding.
struct ZipCopy {
  Bytes record;       // its record in the directory
  Bytes local_extra;  // the extra field of its local header
  Text name;          // UTF-8 if `renamed`, or else as it is stored
  bool renamed;
  uint64_t stored;  // bytes in the archive
  uint64_t size;    // bytes after inflating
  bool aligned;     // what follows the first `head` bytes must be aligned
  uint64_t head;
};

// Makes all parts of an archive except the bytes of its members. The same members always give the same bytes.
class ZipWriter {
 public:
  // Offset of a member's CRC-32 in its local header. The sizes follow it.
  static constexpr size_t kCrcInLocal = 14;

  ZipWriter(Memory &memory, uint64_t alignment)
      : alignment_(alignment), copied_(memory), records_(memory), extras_(memory) {}

  // Appends the local header of a member that is copied, which begins at offset `at` of the archive, to `out`. Copied
  // members precede those of begin() in the directory.
  Status copy(Vec<uint8_t> &out, const ZipCopy &member, uint64_t at);
  // Sets the comment of the archive; borrowed until finish().
  void set_comment(Bytes comment) { comment_ = comment; }

  // Begins a member at offset `at` of the archive, and appends its local header to `out`.
  Status begin(Vec<uint8_t> &out, const ZipMember &member, uint64_t at);
  // Sets the CRC-32 and the stored size of the current member. For a deflated member, call it after its bytes have been
  // written.
  void set(uint32_t crc32, uint64_t stored);
  // Adds a record to the extra field that the current member has in the directory.
  Status add_extra(uint16_t id, Bytes content);
  // Appends the data descriptor of the current member to `out`. Its CRC-32 is at kCrcInDescriptor.
  static constexpr size_t kCrcInDescriptor = 4;
  Status put_descriptor(Vec<uint8_t> &out) const;
  // Writes the values from set() to the local header of the current member.
  Status patch(Output &output) const;
  // Returns the size of the directory of the members so far.
  Checked directory_size() const;
  // Appends the directory, which is at offset `at` of the archive, to `out`. *crcs, if not NULL, receives the position
  // of each CRC-32 in `out`.
  Status finish(Vec<uint8_t> &out, uint64_t at, Vec<size_t> *crcs) const;

 private:
  struct Record {
    Text name;
    uint64_t header;
    uint64_t stored;
    uint64_t size;
    uint32_t crc32;
    uint16_t flags;
    uint16_t extra;  // size of its records in extras_
    bool deflated;
    bool wide;  // true if its local header has 64-bit sizes
  };

  static void put_fields(uint8_t *to, const Record &record, bool wide, bool known);
  Status copy_record(const uint8_t *entry, const ZipCopy &member, uint64_t at);
  Status put_local(Vec<uint8_t> &out, const Record &record, uint64_t head, bool known) const;
  Status put_entry(Vec<uint8_t> &out, const Record &record, Bytes extra) const;
  Status put_end(Vec<uint8_t> &out, uint64_t directory, uint64_t size) const;

  uint64_t alignment_;
  Vec<uint8_t> copied_;  // the records of copied members
  uint64_t copied_count_ = 0;
  Bytes comment_;
  Vec<Record> records_;
  Vec<uint8_t> extras_;  // the extra fields of all records, in order
};

}  // namespace tfile
