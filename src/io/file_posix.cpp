#include "io/file.h"

#if !defined(_WIN32)

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <utility>

#include "io/reason.h"

namespace tfile {

namespace {

static_assert(sizeof(off_t) == 8, "build with _FILE_OFFSET_BITS=64");

constexpr int kMaxLinks = 40;
constexpr size_t kLongestPath = 4096;

constexpr Reason kReasons[] = {
    {EACCES, "permission denied"},
    {EPERM, "operation not permitted"},
    {EROFS, "the file system is read-only"},
    {ENOENT, "no such file or folder"},
    {ENOTDIR, "a part of the path is not a folder"},
    {EISDIR, "it is a folder"},
    {EEXIST, "it is there already"},
    {ENOSPC, "no space left on the device"},
    {EDQUOT, "the disk quota is exceeded"},
    {EFBIG, "the file would be larger than allowed"},
    {EOVERFLOW, "the file is larger than this process can handle"},
    {EIO, "input/output error"},
    {EMFILE, "too many open files in this process"},
    {ENFILE, "too many open files in the system"},
    {ELOOP, "too many symbolic links"},
    {ENAMETOOLONG, "the name is too long"},
    {ENOMEM, "the system is out of memory"},
    {EBUSY, "it is in use"},
    {ETXTBSY, "it is a program that runs"},
    {EAGAIN, "it is in use"},
    {EINVAL, "not possible on this file system"},
    {ENODEV, "no such device"},
    {ENXIO, "no such device"},
    {ESTALE, "the network file is gone"},
    {ETIMEDOUT, "timed out"},
};

// Fails with "FILE: could not WHAT the folder 'FOLDER': REASON".
Status refuse_in(int64_t error, const Target &target, const Folder &folder, const char *what,
                 tf_status status = TF_STATUS_IO) {
  Failure failure(status);
  failure.in(target.label()) << "could not " << what << " the folder ";
  failure.quoted(Text(folder.path.data()));
  return end_with(failure, error);
}

// Fails with "FILE: could not WHAT 'NAME' beside it: REASON".
Status refuse_beside(int64_t error, const Target &target, const char *what, const char *name) {
  Failure failure(TF_STATUS_IO);
  failure.in(target.label()) << "could not " << what << " ";
  failure.quoted(Text(name)) << " beside it";
  return end_with(failure, error);
}

const char *kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "something else";
}

Status check_regular(Text path, mode_t mode) {
  if (S_ISREG(mode)) return kOk;
  return Failure(TF_STATUS_IO).in(path) << "expected a regular file, found " << kind_of(mode);
}

FileIdentity identity_from(const struct stat &info) {
  return {static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino), true};
}

// Opens without blocking, whatever kind of file it is.
int open_retrying(int folder, const char *path, int flags, mode_t mode) {
  int descriptor = -1;
  do {
    descriptor = openat(folder, path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

Span<const Reason> system_reasons() {
  return Span<const Reason>(kReasons, sizeof(kReasons) / sizeof(kReasons[0]));
}

Status open_for_reading(File *out, uint64_t *size, const char *path, bool *is_folder) {
  if (*path == '\0') return Failure(TF_STATUS_NOT_FOUND) << "the path of the file is empty";
  const File file{open_retrying(AT_FDCWD, path, O_RDONLY, 0)};
  struct stat info {};
  if (file.descriptor < 0) {
    const int error = errno;
    if (error == ENOENT) return Failure(TF_STATUS_NOT_FOUND).in(path).system(error) << "no such file";
    // Sockets and devices without a driver cannot be opened; the message says what they are instead of the error.
    const bool known = stat(path, &info) == 0;
    if (known && is_folder != nullptr && S_ISDIR(info.st_mode)) return *is_folder = true, kOk;
    if (known) TFILE_TRY(check_regular(path, info.st_mode));
    return refuse(error, path, "open");
  }
  Status status = kOk;
  if (fstat(file.descriptor, &info) != 0) {
    status = refuse(errno, path, "open");
  } else if (is_folder != nullptr && S_ISDIR(info.st_mode)) {
    *is_folder = true;
  } else {
    status = check_regular(path, info.st_mode);
  }
  if (!status.ok() || S_ISDIR(info.st_mode)) {
    close_file(file);
    return status;
  }
  *out = file;
  out->identity = identity_from(info);
  *size = static_cast<uint64_t>(info.st_size);
  return kOk;
}

Status open_descriptor(File *out, uint64_t *size, int32_t descriptor) {
  const int mode = fcntl(descriptor, F_GETFL);
  if (mode < 0 || (mode & O_ACCMODE) == O_WRONLY) {
    return Failure(TF_STATUS_IO) << "the descriptor " << descriptor << " is not open for reading";
  }
  struct stat info {};
  if (fstat(descriptor, &info) != 0) return refuse(errno, Text(), "use the descriptor");
  TFILE_TRY(check_regular(Text(), info.st_mode));
  const File file{fcntl(descriptor, F_DUPFD_CLOEXEC, 0)};
  if (file.descriptor < 0) return refuse(errno, Text(), "duplicate the descriptor");
  *out = file;
  out->identity = identity_from(info);
  out->shares_position = true;
  *size = static_cast<uint64_t>(info.st_size);
  return kOk;
}

void close_file(File file) {
  if (file.descriptor >= 0) (void)close(file.descriptor);
}

Status read_some(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes) {
  ssize_t count = 0;
  do {
    count = pread(file.descriptor, to, nbytes, static_cast<off_t>(file.base + offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return refuse(errno, path, "read", array, offset);
  *got = static_cast<size_t>(count);
  return kOk;
}

Status read_some_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset,
                       Span<const ReadPart> parts) {
#if defined(__EMSCRIPTEN__)
  // Some versions of its preadv() read every part from the offset of the first.
  return read_some(got, file, path, array, offset, parts[0].to, parts[0].nbytes);
#else
  iovec vectors[kMaxParts];
  int used = 0;
  for (const ReadPart &part : parts)
    vectors[used++] = iovec{part.to, part.nbytes};
  ssize_t count = 0;
  do {
    count = preadv(file.descriptor, vectors, used, static_cast<off_t>(file.base + offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return refuse(errno, path, "read", array, offset);
  *got = static_cast<size_t>(count);
  return kOk;
#endif
}

Status file_size(uint64_t *size, const File &file, Text path) {
  struct stat info {};
  if (fstat(file.descriptor, &info) != 0) return refuse(errno, path, "get the size");
  const auto whole = static_cast<uint64_t>(info.st_size);
  *size = whole > file.base ? whole - file.base : 0;
  return kOk;
}

namespace {

// Mappings start at a page: returns the distance from the start of the page to an offset or address.
size_t beyond_page(uint64_t position) {
  return static_cast<size_t>(position % static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
}

}  // namespace

void *map_file(const File &file, uint64_t size) {
  const size_t lead = beyond_page(file.base);
  const Checked length = Checked(size) + lead;
  if (!length.fits_memory()) return nullptr;
  void *data = mmap(nullptr, static_cast<size_t>(length.value()), PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor,
                    static_cast<off_t>(file.base - lead));
  return data == MAP_FAILED ? nullptr : static_cast<char *>(data) + lead;
}

void unmap_file(void *data, uint64_t size) {
  const size_t lead = beyond_page(reinterpret_cast<uintptr_t>(data));
  (void)munmap(static_cast<char *>(data) - lead, static_cast<size_t>(size) + lead);
}

void Folder::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  destroy(*from, this);
}

Target::Target(Memory &memory) : path(memory), name(memory) {}

Target::~Target() = default;

namespace {

int open_folder(int base, const char *path) {
  const int descriptor = open_retrying(base, path, O_RDONLY | O_DIRECTORY, 0);
#if defined(O_PATH)
  // A folder that may not be listed can still be one to make files in.
  if (descriptor < 0 && errno == EACCES) return open_retrying(base, path, O_PATH | O_DIRECTORY, 0);
#endif
  return descriptor;
}

// The part of a path that follows its last slash.
const char *last_part(const char *path) {
  const char *const slash = strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

// Opens the folder of a path, which is relative to target.folder, or to the current folder while that is empty; the
// last part of the path becomes target.name.
Status enter_folder(Target &target, const char *path) {
  const char *const last = last_part(path);
  const char *const slash = last == path ? nullptr : last - 1;
  if (*last == '\0') {
    return Failure(TF_STATUS_IO).in(target.label()) << "expected a regular file, found the path of a folder";
  }
  Memory &memory = target.path.memory();
  Folder *made = nullptr;
  TFILE_TRY(make(&made, memory, memory));
  const auto entered = Ref<Folder>::adopt(made);
  const int base = target.folder ? target.folder->descriptor : AT_FDCWD;
  if (target.folder && *path != '/') {
    const Vec<char> &from = target.folder->path;
    TFILE_TRY(entered->path.append(from.data(), from.size()));
    entered->path.back() = '/';
  }
  const size_t start = entered->path.size();
  // Only the root keeps its slash.
  const Text folder = slash == nullptr ? Text(".") : Text(path, slash == path ? 1 : static_cast<size_t>(slash - path));
  TFILE_TRY(entered->path.append(folder.data(), folder.size()));
  TFILE_TRY(entered->path.push('\0'));
  entered->descriptor = open_folder(base, entered->path.data() + start);
  const int error = entered->descriptor < 0 ? errno : 0;
  target.folder = entered;
  if (error != 0) {
    return refuse_in(error, target, *target.folder, "open", error == ENOENT ? TF_STATUS_NOT_FOUND : TF_STATUS_IO);
  }
  target.name.clear();
  return target.name.append(last, strlen(last) + 1);
}

// Follows the links of target.name to the file that they lead to, whether it exists or not.
Status follow_links(Target &target, struct stat *info) {
  char link[kLongestPath];
  for (int links = 0; links <= kMaxLinks; ++links) {
    const int folder = target.folder->descriptor;
    target.exists = fstatat(folder, target.name.data(), info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!target.exists && errno != ENOENT) return refuse(errno, target.label(), "open");
    if (!target.exists || !S_ISLNK(info->st_mode)) return kOk;
    const ssize_t length = readlinkat(folder, target.name.data(), link, sizeof(link));
    if (length < 0) return refuse(errno, target.label(), "follow the link");
    if (static_cast<size_t>(length) == sizeof(link)) return refuse(ENAMETOOLONG, target.label(), "follow the link");
    link[length] = '\0';
    TFILE_TRY(enter_folder(target, link));
  }
  return refuse(ELOOP, target.label(), "follow the link");
}

// Gives the new file the mode of the old one, and its owner and group if that is permitted.
void keep_attributes(const File &file, const Target &target) {
  struct stat made {};
  if (fstat(file.descriptor, &made) != 0) return;
  bool owned = true;
  if (made.st_uid != target.owner || made.st_gid != target.group) {
    constexpr auto kSame = static_cast<uid_t>(-1);
    owned =
        fchown(file.descriptor, target.owner, target.group) == 0 || fchown(file.descriptor, kSame, target.group) == 0;
  }
  // Permissions of another group must not go to the group of this user. Fails only if the file system has no modes.
  (void)fchmod(file.descriptor, static_cast<mode_t>(target.mode & (owned ? 0777U : 0707U)));
}

}  // namespace

Status find_target(Target &target, const char *path, const Target *neighbour) {
  TFILE_TRY(target.path.append(path, strlen(path) + 1));
  if (*path == '\0') return Failure(TF_STATUS_INVALID_ARGUMENT) << "the path to save to is empty";
  struct stat info {};
  if (neighbour != nullptr) {
    const char *const name = last_part(path);
    target.folder = neighbour->given;
    TFILE_TRY(target.name.append(name, strlen(name) + 1));
  } else {
    // The system also follows links that cannot be read as paths, such as /dev/stdout to a pipe.
    if (stat(path, &info) == 0) TFILE_TRY(check_regular(target.label(), info.st_mode));
    TFILE_TRY(enter_folder(target, path));
  }
  target.given = target.folder;
  TFILE_TRY(follow_links(target, &info));
  if (!target.exists) return kOk;
  TFILE_TRY(check_regular(target.label(), info.st_mode));
  // A file that may not be written must not be replaced either, although its folder would permit it.
  if (faccessat(target.folder->descriptor, target.name.data(), W_OK, AT_EACCESS) != 0) {
    return refuse(errno, target.label(), "open for writing");
  }
  target.identity = identity_from(info);
  // Without set-user-id and similar bits, which the system removes from a file that is written, too.
  target.mode = static_cast<uint32_t>(info.st_mode & 0777);
  target.owner = static_cast<uint32_t>(info.st_uid);
  target.group = static_cast<uint32_t>(info.st_gid);
  return kOk;
}

Status create_sibling(File *out, bool *exists, Target &target, const char *name) {
  // The system subtracts the umask.
  const mode_t mode = target.exists ? static_cast<mode_t>(target.mode) : 0666;
  const int folder = target.folder->descriptor;
  const File file{open_retrying(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)};
  *exists = file.descriptor < 0 && errno == EEXIST;
  if (*exists) return kOk;
  if (file.descriptor < 0) return refuse_in(errno, target, *target.folder, "make a temporary file in");
  if (target.exists) keep_attributes(file, target);
  *out = file;
  return kOk;
}

Status open_in_place(File *out, const Target &target, bool empty) {
  const int folder = target.folder->descriptor;
  const int flags = O_WRONLY | O_NOFOLLOW | (empty ? O_CREAT : 0);
  File file{open_retrying(folder, target.name.data(), flags, 0666)};
  if (file.descriptor < 0) return refuse(errno, target.label(), "open for writing");
  struct stat info {};
  Status status = kOk;
  if (fstat(file.descriptor, &info) != 0) {
    status = refuse(errno, target.label(), "open for writing");
  } else {
    status = check_regular(target.label(), info.st_mode);
  }
  if (status.ok() && empty && ftruncate(file.descriptor, 0) != 0) status = refuse(errno, target.label(), "empty");
  file.identity = identity_from(info);
  if (!status.ok()) {
    close_file(file);
    return status;
  }
  *out = file;
  return kOk;
}

Status replace_target(const Target &target, const char *name) {
  const int folder = target.folder->descriptor;
  if (renameat(folder, name, folder, target.name.data()) == 0) return kOk;
  return refuse(errno, target.label(), "replace");
}

void remove_sibling(const Target &target, const char *name) {
  (void)unlinkat(target.folder->descriptor, name, 0);
}

Status remove_target(const Target &target) {
  if (unlinkat(target.folder->descriptor, target.name.data(), 0) == 0 || errno == ENOENT) return kOk;
  return refuse(errno, target.label(), "remove");
}

Status identify_target(FileIdentity *out, const Target &target) {
  struct stat info {};
  if (fstatat(target.folder->descriptor, target.name.data(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return refuse(errno, target.label(), "inspect");
  }
  *out = identity_from(info);
  return kOk;
}

Status find_neighbour(bool *regular, FileIdentity *out, const Target &target, const char *name) {
  struct stat info {};
  const bool exists = fstatat(target.given->descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (!exists && errno != ENOENT) return refuse_beside(errno, target, "inspect", name);
  *regular = exists && S_ISREG(info.st_mode);
  *out = identity_from(info);
  return kOk;
}

Status remove_neighbour(const Target &target, const char *name) {
  if (unlinkat(target.given->descriptor, name, 0) == 0 || errno == ENOENT) return kOk;
  return refuse_beside(errno, target, "remove", name);
}

namespace {

// Lists a folder: calls `found` with what is between prefix and suffix in each name. *error is the system's error if the
// folder could not be listed to its end, or 0.
Status visit_names(int *error, int within, const char *path, Text prefix, Text suffix, NameFn found, void *context) {
  const int descriptor = open_retrying(within, path, O_RDONLY | O_DIRECTORY, 0);
  DIR *const folder = descriptor < 0 ? nullptr : fdopendir(descriptor);
  *error = folder == nullptr ? errno : 0;
  if (folder == nullptr) {
    close_file(File{descriptor});
    return kOk;
  }
  Status status = kOk;
  while (status.ok()) {
    errno = 0;
    const dirent *const entry = readdir(folder);
    if (entry == nullptr) {
      *error = errno;
      break;
    }
    const Text name(entry->d_name);
    if (name.size() < prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    status = found(context, name.from(prefix.size()).first(name.size() - prefix.size() - suffix.size()));
  }
  (void)closedir(folder);
  return status;
}

// True for an error that means that the path is not that of a folder that this process may list.
bool is_not_listable(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP || error == ENAMETOOLONG;
}

}  // namespace

Status for_each_name(bool *is_folder, const char *path, NameFn found, void *context) {
  int error = 0;
  TFILE_TRY(visit_names(&error, AT_FDCWD, path, Text(), Text(), found, context));
  *is_folder = error == 0;
  return error == 0 || is_not_listable(error) ? kOk : refuse(error, path, "list the folder");
}

Status for_each_neighbour(const Target &target, Text prefix, Text suffix, NameFn found, void *context) {
  int error = 0;
  TFILE_TRY(visit_names(&error, target.given->descriptor, ".", prefix, suffix, found, context));
  return error == 0 || is_not_listable(error) ? kOk : refuse_in(error, target, *target.given, "list");
}

Status write_some(size_t *put, const File &file, Text path, uint64_t offset, const void *from, size_t nbytes) {
  ssize_t count = 0;
  do {
    count = pwrite(file.descriptor, from, nbytes, static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return refuse(count == 0 ? EIO : errno, path, "write", Text(), offset);
  *put = static_cast<size_t>(count);
  return kOk;
}

Status write_some_pieces(size_t *put, const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count) {
#if defined(__linux__)
  constexpr size_t kMaxPieces = 128;
  iovec vectors[kMaxPieces];
  const size_t used = count < kMaxPieces ? count : kMaxPieces;
  for (size_t i = 0; i < used; ++i)
    vectors[i] = {const_cast<uint8_t *>(pieces[i].data()), pieces[i].size()};
  ssize_t written = 0;
  do {
    written = pwritev(file.descriptor, vectors, static_cast<int>(used), static_cast<off_t>(offset));
  } while (written < 0 && errno == EINTR);
  if (written <= 0) return refuse(written == 0 ? EIO : errno, path, "write", Text(), offset);
  *put = static_cast<size_t>(written);
  return kOk;
#else
  (void)count;
  return write_some(put, file, path, offset, pieces->data(), pieces->size());
#endif
}

void reserve_file(const File &file, uint64_t size, bool in_place) {
#if defined(__linux__)
  while (fallocate(file.descriptor, in_place ? FALLOC_FL_KEEP_SIZE : 0, 0, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return;
  }
#else
  (void)file, (void)size, (void)in_place;
#endif
}

Status resize_file(const File &file, Text path, uint64_t size) {
  while (ftruncate(file.descriptor, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return refuse(errno, path, "resize");
  }
  return kOk;
}

Status sync_file(const File &file, Text path) {
#if defined(F_FULLFSYNC)
  // Unlike fsync(), this also flushes the cache of the drive.
  if (fcntl(file.descriptor, F_FULLFSYNC) == 0) return kOk;
#endif
  while (fsync(file.descriptor) != 0) {
    if (errno != EINTR) return refuse(errno, path, "sync");
  }
  return kOk;
}

Status check_sync_folder(const Target &target) {
#if defined(O_PATH)
  const int flags = fcntl(target.folder->descriptor, F_GETFL);
  if (flags >= 0 && (flags & O_PATH) != 0) return refuse_in(EACCES, target, *target.folder, "open for syncing");
#else
  (void)target;
#endif
  return kOk;
}

bool same_folder(const Target &a, const Target &b) {
  return a.folder.get() == b.folder.get();
}

Status sync_folder(const Target &target) {
  while (fsync(target.folder->descriptor) != 0) {
    // Some file systems cannot sync folders, and need not.
    if (errno == EINVAL) return kOk;
    if (errno != EINTR) return refuse_in(errno, target, *target.folder, "sync");
  }
  return kOk;
}

Status finish_file(File file, Text path) {
  // The file is closed even if the call was interrupted.
  if (close(file.descriptor) != 0 && errno != EINTR) return refuse(errno, path, "finish");
  return kOk;
}

}  // namespace tfile

#endif
