#if !defined(_WIN32)

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cli/error_output.h"
#include "cli/raw_file.h"
#include "cli/text.h"
#include "tensorfile.hpp"

namespace cli {

namespace {

struct stat status_of(int descriptor) {
  struct stat status = {};
  if (fstat(descriptor, &status) != 0) throw_system_error("cannot read the status of the file");
  return status;
}

}  // namespace

RawFile RawFile::open(const std::string &path, bool writable) {
  // A FIFO must not block the program.
  const int flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK;
  RawFile file(path, ::open(path.c_str(), flags));
  if (file.descriptor_ < 0) throw_system_error("cannot open the file");
  if (!S_ISREG(status_of(file.descriptor_).st_mode)) {
    throw tensorfile::Error(tensorfile::Status::io, "not a regular file");
  }
  return file;
}

RawFile RawFile::create(const std::string &path, const RawFile &like) {
  const struct stat status = status_of(like.descriptor_);
  RawFile file(path, ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.descriptor_ < 0) throw_system_error("cannot create " + in_quotes(path));
  // Only root may give a file to another owner. The mode comes last, because a change of the owner removes parts of it.
  const bool owned = fchown(file.descriptor_, status.st_uid, status.st_gid) == 0 ||
                     fchown(file.descriptor_, static_cast<uid_t>(-1), status.st_gid) == 0;
  // Permissions of another group must not go to the group of this user.
  const auto mode = static_cast<mode_t>(status.st_mode & (owned ? 07777U : 0707U));
  if (fchmod(file.descriptor_, mode) != 0) {
    const int error = errno;
    unlink(path.c_str());
    errno = error;
    throw_system_error("cannot set the mode of " + in_quotes(path));
  }
  return file;
}

uint64_t RawFile::size() const {
  return static_cast<uint64_t>(status_of(descriptor_).st_size);
}

uint64_t RawFile::link_count() const {
  return status_of(descriptor_).st_nlink;
}

void RawFile::read(uint64_t offset, void *to, size_t nbytes) const {
  auto *next = static_cast<char *>(to);
  while (nbytes > 0) {
    const ssize_t got = pread(descriptor_, next, nbytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("cannot read the file");
    if (got == 0) throw tensorfile::Error(tensorfile::Status::truncated, "the file became shorter during the edit");
    next += got;
    offset += static_cast<uint64_t>(got);
    nbytes -= static_cast<size_t>(got);
  }
}

void RawFile::write(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_system_error("cannot write " + in_quotes(path_));
    bytes.remove_prefix(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
}

void RawFile::sync() {
  if (fsync(descriptor_) != 0) throw_system_error("cannot write " + in_quotes(path_) + " to the disk");
}

void RawFile::close() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void rename_file(const std::string &from, const std::string &to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) throw_system_error("cannot rename " + in_quotes(from));
}

void remove_file(const std::string &path) {
  if (unlink(path.c_str()) != 0) throw_system_error("cannot remove " + in_quotes(path));
}

void sync_folder_of(const std::string &path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  errno = error;
  // Some file systems cannot sync a folder, and write its names to the disk at once.
  if (!synced && errno != EINVAL) throw_system_error("cannot write the folder to the disk");
}

}  // namespace cli

#endif
