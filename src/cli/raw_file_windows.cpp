#if defined(_WIN32)

#include <fcntl.h>
#include <io.h>
#include <share.h>
#include <sys/stat.h>
#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "cli/error_output.h"
#include "cli/file_path.h"
#include "cli/raw_file.h"
#include "cli/text.h"
#include "tensorfile.hpp"

namespace cli {

namespace {

// The C run-time library reads and writes at most INT_MAX bytes at once.
constexpr size_t kMaxTransfer = size_t{1} << 20U;

void seek(int descriptor, uint64_t offset) {
  if (_lseeki64(descriptor, static_cast<int64_t>(offset), SEEK_SET) < 0) throw_system_error("cannot seek");
}

int open_file(const std::string &path, int flags) {
  int descriptor = -1;
  _wsopen_s(&descriptor, file_path(path).c_str(), flags | _O_BINARY | _O_NOINHERIT, _SH_DENYNO, _S_IREAD | _S_IWRITE);
  return descriptor;
}

}  // namespace

RawFile RawFile::open(const std::string &path, bool writable) {
  if (!std::filesystem::is_regular_file(file_path(path))) {
    throw tensorfile::Error(tensorfile::Status::io, "not a regular file");
  }
  RawFile file(path, open_file(path, writable ? _O_RDWR : _O_RDONLY));
  if (file.descriptor_ < 0) throw_system_error("cannot open the file");
  return file;
}

// A new file inherits its permissions from the folder.
RawFile RawFile::create(const std::string &path, const RawFile & /*like*/) {
  RawFile file(path, open_file(path, _O_RDWR | _O_CREAT | _O_EXCL));
  if (file.descriptor_ < 0) throw_system_error("cannot create " + in_quotes(path));
  return file;
}

uint64_t RawFile::size() const {
  const int64_t size = _filelengthi64(descriptor_);
  if (size < 0) throw_system_error("cannot read the size of the file");
  return static_cast<uint64_t>(size);
}

uint64_t RawFile::link_count() const {
  return std::filesystem::hard_link_count(file_path(path_));
}

void RawFile::read(uint64_t offset, void *to, size_t nbytes) const {
  auto *next = static_cast<char *>(to);
  seek(descriptor_, offset);
  while (nbytes > 0) {
    const int got = _read(descriptor_, next, static_cast<unsigned>(std::min(nbytes, kMaxTransfer)));
    if (got < 0) throw_system_error("cannot read the file");
    if (got == 0) throw tensorfile::Error(tensorfile::Status::truncated, "the file became shorter during the edit");
    next += got;
    nbytes -= static_cast<size_t>(got);
  }
}

void RawFile::write(uint64_t offset, std::string_view bytes) {
  seek(descriptor_, offset);
  while (!bytes.empty()) {
    const int put = _write(descriptor_, bytes.data(), static_cast<unsigned>(std::min(bytes.size(), kMaxTransfer)));
    if (put <= 0) throw_system_error("cannot write " + in_quotes(path_));
    bytes.remove_prefix(static_cast<size_t>(put));
  }
}

void RawFile::sync() {
  if (_commit(descriptor_) != 0) throw_system_error("cannot write " + in_quotes(path_) + " to the disk");
}

void RawFile::close() noexcept {
  if (descriptor_ >= 0) _close(descriptor_);
  descriptor_ = -1;
}

void rename_file(const std::string &from, const std::string &to) {
  const DWORD flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (MoveFileExW(file_path(from).c_str(), file_path(to).c_str(), flags) == 0) {
    throw_system_error("cannot rename " + in_quotes(from), {static_cast<int>(GetLastError()), std::system_category()});
  }
}

void remove_file(const std::string &path) {
  std::error_code error;
  std::filesystem::remove(file_path(path), error);
  if (error) throw_system_error("cannot remove " + in_quotes(path), error);
}

// Renames are written through to the disk.
void sync_folder_of(const std::string & /*path*/) {}

}  // namespace cli

#endif
