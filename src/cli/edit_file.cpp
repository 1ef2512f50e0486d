#include "cli/edit_file.h"

#include <algorithm>
#include <filesystem>

#include "cli/checksum.h"
#include "cli/file_path.h"
#include "cli/raw_file.h"
#include "cli/temporary_path.h"
#include "cli/text.h"

namespace cli {

namespace {

using tensorfile::Error;
using tensorfile::Status;

// A file that is written under a temporary name. The destructor removes it if it has not been moved into place.
class TemporaryFile {
 public:
  TemporaryFile(const std::string &target, const RawFile &like)
      : path_(temporary_path(target)), file_(RawFile::create(path_, like)) {}
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;
  ~TemporaryFile() {
    file_.close();
    std::error_code ignored;
    if (!moved_) std::filesystem::remove(file_path(path_), ignored);
  }

  RawFile &file() { return file_; }
  // Renames the file when it is on the disk.
  void move_to(const std::string &target) {
    file_.sync();
    file_.close();
    rename_file(path_, target);
    moved_ = true;
    sync_folder_of(target);
  }

 private:
  std::string path_;
  RawFile file_;
  bool moved_ = false;
};

// The saved header of a file that is being changed in place, in a file beside it:
//   8 bytes        "tfheader"
//   8, 8 bytes     size of the file, size of the header, little-endian
//   4 bytes        CRC-32 of the first bytes after the header, to recognize the file
//   header bytes   the header
//   4 bytes        CRC-32 of all of the above
constexpr std::string_view kMagic = "tfheader";
constexpr size_t kHeaderAt = 28;
constexpr uint64_t kSample = uint64_t{64} << 10U;

std::string saved_path(const std::string &path) {
  return path + ".tf-header";
}

bool exists(const std::string &path) {
  std::error_code ignored;
  return std::filesystem::exists(file_path(path), ignored);
}

void append_le(std::string &out, uint64_t value, size_t nbytes) {
  for (size_t i = 0; i < nbytes; ++i)
    out.push_back(static_cast<char>(value >> (8 * i) & 0xFFU));
}

uint64_t load_le(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

uint64_t crc_of(std::string_view bytes) {
  return update_crc32(0, bytes.data(), bytes.size());
}

uint64_t crc_after(const RawFile &file, uint64_t header) {
  return crc_of(file.read(header, static_cast<size_t>(std::min(kSample, file.size() - header))));
}

void save_header(const std::string &path, const RawFile &file, size_t header) {
  std::string saved(kMagic);
  append_le(saved, file.size(), 8);
  append_le(saved, header, 8);
  append_le(saved, crc_after(file, header), 4);
  saved += file.read(0, header);
  append_le(saved, crc_of(saved), 4);
  TemporaryFile temporary(saved_path(path), file);
  temporary.file().write(0, saved);
  temporary.move_to(saved_path(path));
}

// Reads a saved header. Throws if it is damaged, or of another file.
std::string saved_header(const std::string &path, const RawFile &file) {
  const std::string name = in_quotes(saved_path(path));
  const RawFile from = RawFile::open(saved_path(path), false);
  const std::string saved = from.read(0, static_cast<size_t>(from.size()));
  const std::string_view text(saved);
  const bool whole = text.size() > kHeaderAt + 4 && text.starts_with(kMagic) &&
                     load_le(text.substr(text.size() - 4)) == crc_of(text.substr(0, text.size() - 4));
  if (!whole) throw Error(Status::corrupt, name + " is not a saved header");
  const std::string_view header = text.substr(kHeaderAt, text.size() - kHeaderAt - 4);
  const bool same = load_le(text.substr(8, 8)) == file.size() && load_le(text.substr(16, 8)) == header.size() &&
                    header.size() <= file.size() && load_le(text.substr(24, 4)) == crc_after(file, header.size());
  if (!same) throw Error(Status::corrupt, name + " is the header of another file");
  return std::string(header);
}

void remove_saved_header(const std::string &path) {
  remove_file(saved_path(path));
  sync_folder_of(path);
}

}  // namespace

void replace_file(const std::string &path, const tensorfile::Edit &edit, tensorfile::Options &options) {
  options.set(tensorfile::Option::durable, 1);
  edit.save(path, options);
}

void patch_header(const std::string &path, const tensorfile::Edit &edit, tensorfile::Options &options) {
  const auto nbytes = static_cast<size_t>(edit.patch_bytes());
  if (nbytes == 0) {
    throw Error(Status::unsupported,
                "the new header does not have the size of the old one; edit without --in-place writes a copy, and "
                "convert --header-slack leaves space in a .safetensors");
  }
  options.set(tensorfile::Option::durable, 1).set(tensorfile::Option::atomic, 0);
  save_header(path, RawFile::open(path, false), nbytes);
  edit.save(path, options);
  remove_saved_header(path);
}

bool recover_header(const std::string &path) {
  if (!exists(saved_path(path))) return false;
  RawFile file = RawFile::open(path, true);
  const std::string header = saved_header(path, file);
  file.write(0, header);
  file.sync();
  remove_saved_header(path);
  return true;
}

void require_recovered(const std::string &path) {
  if (!exists(saved_path(path))) return;
  throw Error(Status::corrupt, "an edit in place was interrupted; tensorfile edit --recover restores the old header");
}

}  // namespace cli
