// The zip container below .npz: reading its directory and local headers, and writing stored and deflated members.
#pragma once

#include "base/vec.h"
#include "codec/deflate.h"
#include "io/sink.h"
#include "io/source.h"

namespace tfile {

// One member, as the directory at the end of the archive has it.
struct ZipEntry {
  size_t record;    // where its record begins in the directory
  uint64_t header;  // of its local header in the source
  uint64_t stored;  // bytes in the archive
  uint64_t size;    // bytes that these inflate to
  uint32_t crc32;
  uint16_t flags;
  bool deflated;
};

// Reads an archive; whatever two readers could take in two ways is refused.
class ZipReader {
 public:
  // suffix: what names of members end with, and the names that errors carry do not.
  ZipReader(const Source &source, const Settings &settings, Text suffix);

  // Finds and checks the directory: every record of it, and that no two members overlap.
  Status open();
  size_t count() const { return entries_.size(); }
  const ZipEntry &entry(size_t i) const { return entries_[i]; }
  // Whether members lie in the order of the directory.
  bool in_order() const { return in_order_; }
  // The member that lies in place k.
  size_t at_place(size_t k) const { return places_[k]; }
  // The name, as UTF-8.
  Status name(Vec<char> *out, size_t i) const;
  // A folder and nothing else.
  bool is_folder(size_t i) const;
  // The content of a record of the extra field in the directory; empty: there is none.
  Bytes extra(size_t i, uint16_t id) const;
  uint64_t directory_offset(size_t i) const { return directory_at_ + entries_[i].record; }

  // Checks the local header of the member in place k against the directory, and what lies between the member and the
  // one before. *data: where its bytes begin. To be called for every place, in rising order.
  Status locate(uint64_t *data, size_t k);
  // After the last locate(): checks what lies between the last member and the directory.
  Status finish();
  // Bytes of the member that was located last, valid until the next call; what neighbours need is read together.
  Status peek(Bytes *out, uint64_t offset, uint64_t nbytes);

  // A failure about a member.
  Failure failure(tf_status status, size_t i, uint64_t offset) const;

 private:
  struct End;

  Status find_end(End *end);
  Status find_end_in(End *end, Bytes tail);
  Status no_end() const;
  Status read_wide_end(End *end, Bytes locator, uint64_t locator_at);
  Status check_end(const End &end);
  Status read_directory(const End &end);
  Status parse_entry(size_t *position);
  Status widen(ZipEntry *entry, uint32_t *disk, Bytes extra) const;
  Status check_entry(const ZipEntry &entry, uint32_t method) const;
  Status check_name(const ZipEntry &entry) const;
  Status sort_places();
  Status check_overlaps() const;
  Text raw_name(const ZipEntry &entry) const;
  Failure failure(tf_status status, const ZipEntry &entry, uint64_t offset) const;
  Failure failure(const ZipEntry &entry) const;  // CORRUPT, at its record in the directory
  Status compare_local(const ZipEntry &entry, const uint8_t *header, Text name, Bytes extra);
  Status pass_descriptor(uint64_t limit);
  Status check_gap(uint64_t limit);
  uint64_t window_end(uint64_t offset, uint64_t nbytes) const;

  const Source &source_;
  const Settings &settings_;
  Text suffix_;
  Vec<uint8_t> directory_;
  uint64_t directory_at_ = 0;
  uint64_t start_ = 0;  // of the archive: not 0 when junk before it is tolerated
  Vec<ZipEntry> entries_;
  Vec<size_t> places_;
  bool in_order_ = true;
  size_t place_ = 0;         // that is located, or was last
  uint64_t end_ = 0;         // of what has been checked
  bool descriptor_ = false;  // whether the data descriptor of described_ comes there
  size_t described_ = 0;
  bool descriptor_required_ = false;  // or only may
  Vec<uint8_t> window_;
  uint64_t window_at_ = 0;
};

// Whether the first bytes of a file are those of an archive, perhaps an empty one.
bool is_zip(Bytes head);

// The most that ZipWriter aligns data to: the extra field that pads has at most 65,535 bytes.
inline constexpr uint64_t kZipMaxAlignment = 32768;
inline constexpr size_t kZipMaxName = 65535;

// A member to write.
struct ZipMember {
  Text name;       // UTF-8; to live until finish()
  uint64_t size;   // bytes, before they are deflated
  uint64_t head;   // how many of them come before those that are to be aligned
  bool deflated;   // then how many bytes are stored is not known yet
  bool described;  // what is not known yet comes behind the data: what is written cannot be gone back to
};

// Makes what an archive has besides the bytes of its members. The same members give the same bytes.
class ZipWriter {
 public:
  // Where a member's CRC-32 stands in its local header, and its sizes behind that.
  static constexpr size_t kCrcInLocal = 14;

  ZipWriter(Memory &memory, uint64_t alignment) : alignment_(alignment), records_(memory), extras_(memory) {}

  // Puts the local header of a member that lies at `at` behind what is in out.
  Status begin(Vec<uint8_t> &out, const ZipMember &member, uint64_t at);
  // What is known of the member begun last, once its bytes are written; for stored ones to be called at any time.
  void set(uint32_t crc32, uint64_t stored);
  // A record of the extra field that the member begun last has in the directory.
  Status add_extra(uint16_t id, Bytes content);
  // Puts the data descriptor of a described member behind what is in out; its CRC-32 is at kCrcInDescriptor there.
  static constexpr size_t kCrcInDescriptor = 4;
  Status put_descriptor(Vec<uint8_t> &out) const;
  // Writes what set() was told into the local header of the member begun last.
  Status patch(Output &output) const;
  // Puts the directory, which lies at `at`, behind what is in out; *crcs, if wanted, gets where each CRC-32 stands there.
  Status finish(Vec<uint8_t> &out, uint64_t at, Vec<size_t> *crcs) const;

 private:
  struct Record {
    Text name;
    uint64_t header;
    uint64_t stored;
    uint64_t size;
    uint32_t crc32;
    uint16_t flags;
    uint16_t extra;  // bytes in extras_
    bool deflated;
    bool wide;  // its local header has 64-bit sizes
  };

  static void put_fields(uint8_t *to, const Record &record, bool wide, bool known);
  Status put_local(Vec<uint8_t> &out, const Record &record, uint64_t head, bool known) const;
  Status put_entry(Vec<uint8_t> &out, const Record &record, Bytes extra) const;
  Status put_end(Vec<uint8_t> &out, uint64_t directory, uint64_t size) const;

  uint64_t alignment_;
  Vec<Record> records_;
  Vec<uint8_t> extras_;  // of all records, behind one another
};

}  // namespace tfile
