#include "io/file.h"

#if defined(_WIN32)

#include <io.h>
#include <windows.h>

#include <cstddef>

#include "base/utf8.h"
#include "io/reason.h"

namespace tfile {

namespace {

// ERROR_DISK_QUOTA_EXCEEDED, which some versions of windows.h lack.
constexpr DWORD kDiskQuotaExceeded = 1295;

constexpr Reason kReasons[] = {
    {ERROR_ACCESS_DENIED, "permission denied"},
    {ERROR_SHARING_VIOLATION, "another program has it open"},
    {ERROR_LOCK_VIOLATION, "another program has locked it"},
    {ERROR_USER_MAPPED_FILE, "it is mapped into memory"},
    {ERROR_WRITE_PROTECT, "the file system is read-only"},
    {ERROR_FILE_NOT_FOUND, "no such file or folder"},
    {ERROR_PATH_NOT_FOUND, "no such file or folder"},
    {ERROR_BAD_NETPATH, "no such network folder"},
    {ERROR_INVALID_NAME, "the name is not allowed"},
    {ERROR_FILENAME_EXCED_RANGE, "the name is too long"},
    {ERROR_DIRECTORY, "a part of the path is not a folder"},
    {ERROR_FILE_EXISTS, "it is there already"},
    {ERROR_DISK_FULL, "no space left on the device"},
    {ERROR_HANDLE_DISK_FULL, "no space left on the device"},
    {kDiskQuotaExceeded, "the disk quota is exceeded"},
    {ERROR_FILE_TOO_LARGE, "the file would be larger than allowed"},
    {ERROR_TOO_MANY_OPEN_FILES, "too many open files in this process"},
    {ERROR_NOT_ENOUGH_MEMORY, "the system is out of memory"},
    {ERROR_CANT_RESOLVE_FILENAME, "too many symbolic links"},
    {ERROR_NOT_READY, "the device is not ready"},
    {ERROR_CRC, "input/output error"},
    {ERROR_IO_DEVICE, "input/output error"},
};

bool is_missing(DWORD error) {
  return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_BAD_NETPATH;
}

Status irregular(Text path, const char *found) {
  return Failure(TF_STATUS_IO).in(path) << "expected a regular file, found " << found;
}

Status check_regular(Text path, HANDLE handle) {
  switch (GetFileType(handle)) {
    case FILE_TYPE_DISK:
      return kOk;
    case FILE_TYPE_PIPE:
      return irregular(path, "a pipe");
    default:
      return irregular(path, "a device");
  }
}

bool is_directory(const wchar_t *path) {
  const DWORD attributes = GetFileAttributesW(path);
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

// Fails to open a path: says that it is a folder, if it is, else gives the system's reason.
Status refuse_to_open(Text path, const wchar_t *wide, DWORD error, const char *what) {
  if (is_directory(wide)) return irregular(path, "a folder");
  return refuse(error, path, what);
}

uint32_t decode(Bytes sequence) {
  const uint32_t lead = sequence[0];
  if (sequence.size() == 1) return lead;
  uint32_t code_point = lead & (0x7Fu >> sequence.size());
  for (const uint8_t byte : sequence.from(1))
    code_point = code_point << 6 | (byte & 0x3Fu);
  return code_point;
}

// Appends a path as UTF-16 with a NUL.
Status append_wide(Vec<wchar_t> &out, Text path) {
  Bytes rest(reinterpret_cast<const uint8_t *>(path.data()), path.size());
  while (!rest.empty()) {
    const size_t length = utf8_sequence(rest);
    if (length == 0) return Failure(TF_STATUS_INVALID_ARGUMENT).in(path) << "the path is not UTF-8";
    const uint32_t code_point = decode(rest.first(length));
    rest = rest.from(length);
    if (code_point >= 0x10000) {
      TFILE_TRY(out.push(static_cast<wchar_t>(0xD800 + ((code_point - 0x10000) >> 10))));
      TFILE_TRY(out.push(static_cast<wchar_t>(0xDC00 + (code_point & 0x3FF))));
    } else {
      TFILE_TRY(out.push(static_cast<wchar_t>(code_point)));
    }
  }
  return out.push(L'\0');
}

bool is_separator(wchar_t letter) {
  return letter == L'\\' || letter == L'/' || letter == L':';
}

// Returns the offset of the last part of a path.
template <typename Letter>
size_t last_part(const Vec<Letter> &path) {
  size_t start = path.size() - 1;
  while (start > 0 && !is_separator(static_cast<wchar_t>(path[start - 1])))
    --start;
  return start;
}

FileIdentity identify(HANDLE handle) {
  BY_HANDLE_FILE_INFORMATION info{};
  if (GetFileInformationByHandle(handle, &info) == 0) return FileIdentity();
  return {info.dwVolumeSerialNumber, uint64_t{info.nFileIndexHigh} << 32 | info.nFileIndexLow, true};
}

// Opens a file only to look at it.
HANDLE open_to_look(const wchar_t *path, DWORD flags) {
  return CreateFileW(path, FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                     OPEN_EXISTING, flags, nullptr);
}

OVERLAPPED at(uint64_t offset) {
  OVERLAPPED position{};
  position.Offset = static_cast<DWORD>(offset);
  position.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return position;
}

}  // namespace

Span<const Reason> system_reasons() {
  return Span<const Reason>(kReasons, sizeof(kReasons) / sizeof(kReasons[0]));
}

Status open_for_reading(File *out, uint64_t *size, const char *path, bool *is_folder) {
  if (*path == '\0') return Failure(TF_STATUS_NOT_FOUND) << "the path of the file is empty";
  Vec<wchar_t> wide(default_memory());
  TFILE_TRY(append_wide(wide, path));
  const HANDLE handle = CreateFileW(wide.data(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                    nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    const DWORD error = GetLastError();
    if (is_missing(error)) return Failure(TF_STATUS_NOT_FOUND).in(path).system(error) << "no such file";
    if (is_folder != nullptr && is_directory(wide.data())) return *is_folder = true, kOk;
    return refuse_to_open(path, wide.data(), error, "open");
  }
  Status status = check_regular(path, handle);
  if (status.ok()) status = file_size(size, File{handle}, path);
  if (!status.ok()) {
    close_file(File{handle});
    return status;
  }
  out->handle = handle;
  out->identity = identify(handle);
  return kOk;
}

Status open_descriptor(File *out, uint64_t *size, int32_t descriptor) {
  const intptr_t open = descriptor < 0 ? -1 : _get_osfhandle(descriptor);
  if (open < 0) return Failure(TF_STATUS_IO) << "the descriptor " << descriptor << " is not open for reading";
  const auto theirs = reinterpret_cast<HANDLE>(open);
  TFILE_TRY(check_regular(Text(), theirs));
  // A duplicate would share the user's file position, which reading moves, so the file is opened again.
  const HANDLE handle =
      ReOpenFile(theirs, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_ATTRIBUTE_NORMAL);
  if (handle == INVALID_HANDLE_VALUE) return refuse(GetLastError(), Text(), "duplicate the descriptor");
  const Status status = file_size(size, File{handle}, Text());
  if (!status.ok()) {
    close_file(File{handle});
    return status;
  }
  out->handle = handle;
  out->identity = identify(handle);
  return kOk;
}

void close_file(File file) {
  if (file.handle != nullptr) (void)CloseHandle(file.handle);
}

Status read_some(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes) {
  OVERLAPPED position = at(file.base + offset);
  DWORD count = 0;
  if (ReadFile(file.handle, to, static_cast<DWORD>(nbytes), &count, &position) == 0) {
    const DWORD error = GetLastError();
    if (error != ERROR_HANDLE_EOF) return refuse(error, path, "read", array, offset);
  }
  *got = count;
  return kOk;
}

// Windows has scattered reads only for whole pages.
Status read_some_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset,
                       Span<const ReadPart> parts) {
  return read_some(got, file, path, array, offset, parts[0].to, parts[0].nbytes);
}

Status file_size(uint64_t *size, const File &file, Text path) {
  LARGE_INTEGER length{};
  if (GetFileSizeEx(file.handle, &length) == 0) return refuse(GetLastError(), path, "get the size");
  const auto whole = static_cast<uint64_t>(length.QuadPart);
  *size = whole > file.base ? whole - file.base : 0;
  return kOk;
}

namespace {

// Views start at multiples of the granularity: returns the distance from there to an offset or address.
size_t beyond_granule(uint64_t position) {
  SYSTEM_INFO system;
  GetSystemInfo(&system);
  return static_cast<size_t>(position % system.dwAllocationGranularity);
}

}  // namespace

void *map_file(const File &file, uint64_t size) {
  const size_t lead = beyond_granule(file.base);
  const Checked length = Checked(size) + lead;
  if (!length.fits_memory()) return nullptr;
  const HANDLE mapping = CreateFileMappingW(file.handle, nullptr, PAGE_WRITECOPY, 0, 0, nullptr);
  if (mapping == nullptr) return nullptr;
  const uint64_t start = file.base - lead;
  void *data = MapViewOfFile(mapping, FILE_MAP_COPY, static_cast<DWORD>(start >> 32), static_cast<DWORD>(start),
                             static_cast<SIZE_T>(length.value()));
  (void)CloseHandle(mapping);
  return data == nullptr ? nullptr : static_cast<char *>(data) + lead;
}

void unmap_file(void *data, uint64_t /*size*/) {
  (void)UnmapViewOfFile(static_cast<char *>(data) - beyond_granule(reinterpret_cast<uintptr_t>(data)));
}

Target::Target(Memory &memory) : path(memory), name(memory), given(memory), full(memory), beside(memory) {}

Target::~Target() = default;

namespace {

// Makes a path absolute, so that a later change of the current folder changes nothing.
Status make_absolute(Vec<wchar_t> &out, Text label, const wchar_t *path) {
  const DWORD size = GetFullPathNameW(path, 0, nullptr, nullptr);
  TFILE_TRY(out.resize(size));
  const DWORD length = size == 0 ? 0 : GetFullPathNameW(path, size, out.data(), nullptr);
  if (length == 0 || length >= size) return refuse(GetLastError(), label, "find");
  return out.resize(length + 1);
}

// Returns the path of an open file, after all links.
Status final_path(Vec<wchar_t> &out, Text label, HANDLE handle) {
  const DWORD size = GetFinalPathNameByHandleW(handle, nullptr, 0, FILE_NAME_NORMALIZED);
  TFILE_TRY(out.resize(size));
  const DWORD length = size == 0 ? 0 : GetFinalPathNameByHandleW(handle, out.data(), size, FILE_NAME_NORMALIZED);
  if (length == 0 || length >= size) return refuse(GetLastError(), label, "find");
  return out.resize(length + 1);
}

Status find_existing(Target &target, HANDLE handle) {
  TFILE_TRY(check_regular(target.label(), handle));
  target.exists = true;
  target.identity = identify(handle);
  return final_path(target.full, target.label(), handle);
}

Status find_missing(Target &target, const wchar_t *path, DWORD error) {
  const DWORD attributes = GetFileAttributesW(path);
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
    return irregular(target.label(), "a link that leads nowhere");
  }
  if (error != ERROR_FILE_NOT_FOUND) {
    return Failure(TF_STATUS_NOT_FOUND).in(target.label()).system(error)
           << "could not open its folder: no such file or folder";
  }
  return make_absolute(target.full, target.label(), path);
}

}  // namespace

Status find_target(Target &target, const char *path, const Target * /*neighbour*/) {
  TFILE_TRY(target.path.append(path, strlen(path) + 1));
  if (*path == '\0') return Failure(TF_STATUS_INVALID_ARGUMENT) << "the path to save to is empty";
  const size_t last = last_part(target.path);
  if (path[last] == '\0') return irregular(target.label(), "the path of a folder");
  TFILE_TRY(target.name.append(path + last, strlen(path + last) + 1));
  Vec<wchar_t> wide(target.path.memory());
  TFILE_TRY(append_wide(wide, target.label()));
  TFILE_TRY(make_absolute(target.given, target.label(), wide.data()));
  // Opens the file to find out its type and whether it may be written.
  const HANDLE handle = CreateFileW(wide.data(), GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                    nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle != INVALID_HANDLE_VALUE) {
    const Status status = find_existing(target, handle);
    close_file(File{handle});
    TFILE_TRY(status);
  } else {
    const DWORD error = GetLastError();
    if (!is_missing(error)) return refuse_to_open(target.label(), wide.data(), error, "open for writing");
    TFILE_TRY(find_missing(target, wide.data(), error));
  }
  target.folder_size = last_part(target.full);
  return kOk;
}

Status create_sibling(File *out, bool *exists, Target &target, const char *name) {
  target.beside.clear();
  TFILE_TRY(target.beside.append(target.full.data(), target.folder_size));
  TFILE_TRY(append_wide(target.beside, name));
  const HANDLE handle = CreateFileW(target.beside.data(), GENERIC_WRITE, FILE_SHARE_READ, nullptr, CREATE_NEW,
                                    FILE_ATTRIBUTE_NORMAL, nullptr);
  const DWORD error = handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
  *exists = error == ERROR_FILE_EXISTS;
  if (*exists) return kOk;
  if (error != ERROR_SUCCESS) return refuse(error, target.label(), "make a temporary file in its folder");
  out->handle = handle;
  return kOk;
}

Status open_in_place(File *out, const Target &target, bool empty) {
  // A file whose contents stay can be open elsewhere, such as in the source that its header was read from.
  const DWORD sharing = empty ? FILE_SHARE_READ : FILE_SHARE_READ | FILE_SHARE_WRITE;
  const HANDLE handle = CreateFileW(target.full.data(), GENERIC_WRITE, sharing, nullptr,
                                    empty ? OPEN_ALWAYS : OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return refuse(GetLastError(), target.label(), "open for writing");
  if (empty && SetEndOfFile(handle) == 0) {
    const DWORD error = GetLastError();
    close_file(File{handle});
    return refuse(error, target.label(), "empty");
  }
  out->handle = handle;
  out->identity = identify(handle);
  return kOk;
}

namespace {

// FILE_RENAME_INFO, FileRenameInfoEx and FILE_RENAME_FLAG_*, which older versions of windows.h lack.
struct RenameInfo {
  DWORD flags;
  HANDLE folder;
  DWORD nbytes;
  wchar_t path[1];
};
constexpr auto kRenameInfoEx = static_cast<FILE_INFO_BY_HANDLE_CLASS>(22);
constexpr DWORD kReplaceIfExists = 1;
constexpr DWORD kPosixSemantics = 2;

// Replaces the target although it is open, for example in the source of an edit, if all handles share it for deletion.
// Returns false if the system cannot do this: Windows 10 can since version 1607, on NTFS.
bool replace_open_target(const Target &target) {
  const size_t nbytes = (target.full.size() - 1) * sizeof(wchar_t);
  Vec<RenameInfo> memory(target.full.memory());
  if (!memory.resize(1 + nbytes / sizeof(RenameInfo) + 1).ok()) return false;
  memory[0].flags = kReplaceIfExists | kPosixSemantics;
  memory[0].folder = nullptr;
  memory[0].nbytes = static_cast<DWORD>(nbytes);
  memcpy(reinterpret_cast<char *>(memory.data()) + offsetof(RenameInfo, path), target.full.data(), nbytes);
  const HANDLE handle = CreateFileW(target.beside.data(), DELETE | SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                    nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_WRITE_THROUGH, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return false;
  const auto size = static_cast<DWORD>(memory.size() * sizeof(RenameInfo));
  const bool replaced = SetFileInformationByHandle(handle, kRenameInfoEx, memory.data(), size) != 0;
  CloseHandle(handle);
  return replaced;
}

}  // namespace

Status replace_target(const Target &target, const char * /*name*/) {
  const DWORD flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (MoveFileExW(target.beside.data(), target.full.data(), flags) != 0) return kOk;
  const DWORD error = GetLastError();
  if (error == ERROR_ACCESS_DENIED && replace_open_target(target)) return kOk;
  return refuse(error, target.label(), "replace");
}

void remove_sibling(const Target &target, const char * /*name*/) {
  (void)DeleteFileW(target.beside.data());
}

Status remove_target(const Target &target) {
  if (DeleteFileW(target.full.data()) != 0 || is_missing(GetLastError())) return kOk;
  return refuse(GetLastError(), target.label(), "remove");
}

Status identify_target(FileIdentity *out, const Target &target) {
  const HANDLE handle = open_to_look(target.full.data(), FILE_ATTRIBUTE_NORMAL);
  if (handle == INVALID_HANDLE_VALUE) return refuse(GetLastError(), target.label(), "inspect");
  *out = identify(handle);
  close_file(File{handle});
  return kOk;
}

namespace {

// "FILE: could not DO 'NAME' beside it: REASON".
Status refuse_beside(DWORD error, const Target &target, const char *what, const char *name) {
  Failure failure(TF_STATUS_IO);
  failure.in(target.label()) << "could not " << what << " ";
  failure.quoted(Text(name)) << " beside it";
  return end_with(failure, error);
}

// A path in the folder of the target's path, with the UTF-16 of each piece.
Status neighbour_path(Vec<wchar_t> &out, const Target &target, Text first, Text second, Text third) {
  TFILE_TRY(out.append(target.given.data(), last_part(target.given)));
  for (const Text piece : {first, second, third}) {
    TFILE_TRY(append_wide(out, piece));
    out.pop();
  }
  return out.push(L'\0');
}

}  // namespace

Status find_neighbour(bool *regular, FileIdentity *out, const Target &target, const char *name) {
  *regular = false;
  Vec<wchar_t> path(target.path.memory());
  TFILE_TRY(neighbour_path(path, target, name, Text(), Text()));
  const DWORD attributes = GetFileAttributesW(path.data());
  constexpr DWORD kOthers = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DEVICE;
  if (attributes == INVALID_FILE_ATTRIBUTES || (attributes & kOthers) != 0) return kOk;
  const HANDLE handle = open_to_look(path.data(), FILE_FLAG_OPEN_REPARSE_POINT);
  if (handle == INVALID_HANDLE_VALUE) return refuse_beside(GetLastError(), target, "inspect", name);
  *out = identify(handle);
  *regular = true;
  close_file(File{handle});
  return kOk;
}

Status remove_neighbour(const Target &target, const char *name) {
  Vec<wchar_t> path(target.path.memory());
  TFILE_TRY(neighbour_path(path, target, name, Text(), Text()));
  if (DeleteFileW(path.data()) != 0 || is_missing(GetLastError())) return kOk;
  return refuse_beside(GetLastError(), target, "remove", name);
}

namespace {

// Appends NUL-terminated UTF-16 as UTF-8. A surrogate without its twin becomes U+FFFD.
Status append_utf8(Vec<char> &out, const wchar_t *wide) {
  for (; *wide != L'\0'; ++wide) {
    uint32_t code_point = *wide;
    const bool high = code_point >= 0xD800 && code_point < 0xDC00;
    if (high && wide[1] >= 0xDC00 && wide[1] < 0xE000) {
      code_point = 0x10000 + ((code_point - 0xD800) << 10) + (static_cast<uint32_t>(wide[1]) - 0xDC00);
      ++wide;
    } else if (code_point >= 0xD800 && code_point < 0xE000) {
      code_point = 0xFFFD;
    }
    char encoded[4];
    TFILE_TRY(out.append(encoded, utf8_encode(encoded, code_point)));
  }
  return kOk;
}

// True if an error of a search means that no name matches, or that the path is not that of a folder that this process
// may list.
bool is_not_listable(DWORD error) {
  return is_missing(error) || error == ERROR_NO_MORE_FILES || error == ERROR_DIRECTORY || error == ERROR_INVALID_NAME ||
         error == ERROR_FILENAME_EXCED_RANGE || error == ERROR_ACCESS_DENIED;
}

}  // namespace

Status for_each_name(bool *is_folder, const char *path, NameFn found, void *context) {
  Vec<wchar_t> pattern(default_memory());
  TFILE_TRY(append_wide(pattern, path));
  pattern.pop();
  if (pattern.empty() || !is_separator(pattern.back())) TFILE_TRY(pattern.push(L'\\'));
  TFILE_TRY(pattern.push(L'*'));
  TFILE_TRY(pattern.push(L'\0'));
  WIN32_FIND_DATAW entry;
  const HANDLE search = FindFirstFileW(pattern.data(), &entry);
  *is_folder = search != INVALID_HANDLE_VALUE;
  if (!*is_folder) return is_not_listable(GetLastError()) ? kOk : refuse(GetLastError(), path, "list the folder");
  Vec<char> name(default_memory());
  Status status = kOk;
  do {
    name.clear();
    status = append_utf8(name, entry.cFileName);
    if (status.ok()) status = found(context, Text(name.data(), name.size()));
  } while (status.ok() && FindNextFileW(search, &entry) != 0);
  if (status.ok() && GetLastError() != ERROR_NO_MORE_FILES) status = refuse(GetLastError(), path, "list the folder");
  (void)FindClose(search);
  return status;
}

Status for_each_neighbour(const Target &target, Text prefix, Text suffix, NameFn found, void *context) {
  // No name contains a wildcard, so the system compares prefix and suffix.
  Vec<wchar_t> pattern(target.path.memory());
  TFILE_TRY(neighbour_path(pattern, target, prefix, "*", suffix));
  const size_t start = last_part(pattern);
  size_t before = start;
  while (pattern[before] != L'*')
    ++before;
  const size_t after = pattern.size() - 2 - before;
  before -= start;
  WIN32_FIND_DATAW entry;
  const HANDLE search = FindFirstFileW(pattern.data(), &entry);
  if (search == INVALID_HANDLE_VALUE) {
    return is_not_listable(GetLastError()) ? kOk : refuse(GetLastError(), target.label(), "list its folder");
  }
  Vec<char> between(target.path.memory());
  Status status = kOk;
  do {
    const size_t length = wcslen(entry.cFileName);
    between.clear();
    bool ascii = length >= before + after;
    for (size_t i = before; ascii && status.ok() && i < length - after; ++i) {
      ascii = entry.cFileName[i] < 0x80;
      if (ascii) status = between.push(static_cast<char>(entry.cFileName[i]));
    }
    if (ascii && status.ok()) status = found(context, Text(between.data(), between.size()));
  } while (status.ok() && FindNextFileW(search, &entry) != 0);
  if (status.ok() && GetLastError() != ERROR_NO_MORE_FILES) {
    status = refuse(GetLastError(), target.label(), "list its folder");
  }
  (void)FindClose(search);
  return status;
}

Status write_some(size_t *put, const File &file, Text path, uint64_t offset, const void *from, size_t nbytes) {
  OVERLAPPED position = at(offset);
  DWORD count = 0;
  const bool written = WriteFile(file.handle, from, static_cast<DWORD>(nbytes), &count, &position) != 0;
  if (!written || count == 0) {
    return refuse(written ? ERROR_DISK_FULL : GetLastError(), path, "write", Text(), offset);
  }
  *put = count;
  return kOk;
}

Status write_some_pieces(size_t *put, const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t) {
  return write_some(put, file, path, offset, pieces->data(), pieces->size());
}

void reserve_file(const File &file, uint64_t size, bool in_place) {
  FILE_ALLOCATION_INFO info = {};
  info.AllocationSize.QuadPart = static_cast<LONGLONG>(size);
  if (!in_place) (void)SetFileInformationByHandle(file.handle, FileAllocationInfo, &info, sizeof(info));
}

Status resize_file(const File &file, Text path, uint64_t size) {
  FILE_END_OF_FILE_INFO info = {};
  info.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
  if (SetFileInformationByHandle(file.handle, FileEndOfFileInfo, &info, sizeof(info)) != 0) return kOk;
  return refuse(GetLastError(), path, "resize");
}

Status sync_file(const File &file, Text path) {
  return FlushFileBuffers(file.handle) != 0 ? kOk : refuse(GetLastError(), path, "sync");
}

// The move has already written the entry of the folder to disk.
Status check_sync_folder(const Target & /*target*/) {
  return kOk;
}

bool same_folder(const Target & /*a*/, const Target & /*b*/) {
  return true;
}

Status sync_folder(const Target & /*target*/) {
  return kOk;
}

Status finish_file(File file, Text path) {
  return CloseHandle(file.handle) != 0 ? kOk : refuse(GetLastError(), path, "finish");
}

}  // namespace tfile

#endif
