// Builds zip archives byte by byte, so that a test can put a wrong value into any field.
#pragma once

#include <zlib.h>

#include <optional>
#include <string>
#include <vector>

#include "support/npy_builder.h"

namespace tfile::testing {

inline std::string deflated(const std::string &data, int level = 6) {
  std::string packed(data.size() + data.size() / 8 + 64, '\0');
  z_stream z{};
  deflateInit2(&z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  z.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(data.data()));
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = reinterpret_cast<Bytef *>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

inline uint32_t crc_of(const std::string &data) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef *>(data.data()), data.size()));
}

// A field that is in both the local header and the directory entry; `local` and `listed` override one of them.
template <typename T>
struct Field {
  std::optional<T> both, local, listed;

  Field &operator=(T value) {
    both = value;
    return *this;
  }
  T in_local(T right) const { return local.value_or(both.value_or(right)); }
  T in_listed(T right) const { return listed.value_or(both.value_or(right)); }
};

struct ZipPart {
  std::string name;
  std::string data;
  bool deflate = false;
  std::optional<std::string> packed;  // replaces the data or the deflated data

  Field<std::string> written_name;
  Field<uint16_t> flags, method;
  Field<uint32_t> crc, stored, size;
  Field<std::string> extra;
  std::string before;      // bytes before the local header
  std::string descriptor;  // bytes after the data
  std::optional<uint32_t> offset;
  std::string comment;
  uint16_t disk = 0;
  bool local = true;  // false: the member has a directory entry only
  bool listed = true;
  uint32_t signature = 0x04034B50;
};

struct ZipBuilder {
  std::vector<ZipPart> parts;
  std::string before, before_directory, after_directory, comment, trailing;
  bool wide = false;                                          // has the zip64 end record and locator
  Field<uint64_t> entries, directory_size, directory_offset;  // listed: in the zip64 record; local: in the plain one
  std::optional<uint64_t> entries_here, wide_offset;
  std::optional<uint16_t> comment_size;
  uint16_t disk = 0, directory_disk = 0;
  uint32_t disks = 1, wide_record_size = 44;

  ZipPart &add(const std::string &name, const std::string &data, bool deflate = false) {
    parts.emplace_back();
    parts.back().name = name;
    parts.back().data = data;
    parts.back().deflate = deflate;
    return parts.back();
  }

  std::string bytes() const {
    std::string file = before, directory;
    uint64_t count = 0;
    for (const ZipPart &part : parts) {
      const std::string packed = part.packed.value_or(part.deflate ? deflated(part.data) : part.data);
      file += part.before;
      const size_t at = file.size() - before.size();
      if (part.local) file += local_header(part, packed) + packed + part.descriptor;
      if (!part.listed) continue;
      directory += entry(part, packed, at);
      ++count;
    }
    file += before_directory;
    const uint64_t at = file.size() - before.size();
    file += directory + after_directory;
    const uint64_t end = file.size() - before.size();
    if (wide) {
      file += little(0x06064B50, 4) + little(wide_record_size, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
              little(entries.in_listed(count), 8) + little(entries.in_listed(count), 8) +
              little(directory_size.in_listed(directory.size()), 8) + little(directory_offset.in_listed(at), 8) +
              little(0x07064B50, 4) + little(0, 4) + little(wide_offset.value_or(end), 8) + little(disks, 4);
    }
    file += little(0x06054B50, 4) + little(disk, 2) + little(directory_disk, 2) +
            little(entries_here.value_or(entries.in_local(count)), 2) + little(entries.in_local(count), 2) +
            little(directory_size.in_local(directory.size()), 4) + little(directory_offset.in_local(at), 4) +
            little(comment_size.value_or(static_cast<uint16_t>(comment.size())), 2) + comment + trailing;
    return file;
  }

 private:
  static std::string local_header(const ZipPart &part, const std::string &packed) {
    const std::string name = part.written_name.in_local(part.name);
    const std::string extra = part.extra.in_local("");
    return little(part.signature, 4) + little(20, 2) + little(part.flags.in_local(0), 2) +
           little(part.method.in_local(part.deflate ? 8 : 0), 2) + little(0x00210000, 4) +
           little(part.crc.in_local(crc_of(part.data)), 4) +
           little(part.stored.in_local(static_cast<uint32_t>(packed.size())), 4) +
           little(part.size.in_local(static_cast<uint32_t>(part.data.size())), 4) + little(name.size(), 2) +
           little(extra.size(), 2) + name + extra;
  }
  static std::string entry(const ZipPart &part, const std::string &packed, size_t at) {
    const std::string name = part.written_name.in_listed(part.name);
    const std::string extra = part.extra.in_listed("");
    return little(0x02014B50, 4) + little(0x032D, 2) + little(20, 2) + little(part.flags.in_listed(0), 2) +
           little(part.method.in_listed(part.deflate ? 8 : 0), 2) + little(0x00210000, 4) +
           little(part.crc.in_listed(crc_of(part.data)), 4) +
           little(part.stored.in_listed(static_cast<uint32_t>(packed.size())), 4) +
           little(part.size.in_listed(static_cast<uint32_t>(part.data.size())), 4) + little(name.size(), 2) +
           little(extra.size(), 2) + little(part.comment.size(), 2) + little(part.disk, 2) + little(0, 2) +
           little(0x01800000, 4) + little(part.offset.value_or(static_cast<uint32_t>(at)), 4) + name + extra +
           part.comment;
  }
};

}  // namespace tfile::testing
