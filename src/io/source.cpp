#include "io/source.h"

#include <atomic>

#include "base/error.h"
#include "base/vec.h"
#include "io/file.h"

void tf_source::release() {
  if (refs.decrement()) tfile::destroy_and_tell(this);
}

namespace tfile {

namespace {

// The caller's memory: what its source's callbacks get.
struct MemorySource {
  Ref<Memory> memory;
  const char *data;
  tf_release_fn release_user;
  void *user;
};

tf_status read_memory(void *user, uint64_t offset, void *dst, size_t nbytes) {
  memcpy(dst, static_cast<const MemorySource *>(user)->data + offset, nbytes);
  return TF_STATUS_OK;
}

tf_status map_memory(void *user, uint64_t offset, uint64_t /*nbytes*/, const void **out) {
  *out = static_cast<const MemorySource *>(user)->data + offset;
  return TF_STATUS_OK;
}

void release_memory(void *user) {
  destroy_and_tell(static_cast<MemorySource *>(user));
}

// An open file: what its source's callbacks get.
struct FileSource {
  explicit FileSource(Memory &from) : memory(Ref<Memory>::share(&from)), path(from) {}
  FileSource(const FileSource &) = delete;
  FileSource &operator=(const FileSource &) = delete;
  ~FileSource() {
    if (void *const data = mapping.load(); data != nullptr) unmap_file(data, size);
    close_file(file);
  }

  Text label() const { return Text(path.data(), path.size() - 1); }

  Ref<Memory> memory;
  Vec<char> path;  // NUL-terminated
  File file;
  uint64_t size = 0;
  std::atomic<void *> mapping{nullptr};
};

Status ends_early(Text label, Text array, uint64_t offset, uint64_t expected, uint64_t found) {
  Failure failure(TF_STATUS_TRUNCATED);
  failure.in(label);
  if (!array.empty()) failure.array(array);
  return failure.at(offset) << "expected " << expected << " bytes, the file ends after " << found;
}

Status read_path(const FileSource &source, uint64_t offset, void *to, size_t nbytes, Text array) {
  size_t got = 0;
  TFILE_TRY(read_file(&got, source.file, source.label(), array, offset, to, nbytes));
  if (got < nbytes) return ends_early(source.label(), array, offset, nbytes, got);
  return kOk;
}

tf_status read_path_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
  return read_path(*static_cast<const FileSource *>(user), offset, dst, nbytes, Text()).code;
}

Status map_whole(void **out, FileSource &source) {
  uint64_t size = 0;
  TFILE_TRY(file_size(&size, source.file, source.label()));
  if (size < source.size) {
    return Failure(TF_STATUS_TRUNCATED).in(source.label()).at(size)
           << "the file had " << source.size << " bytes when it was opened, and ends earlier now";
  }
  void *const fresh = map_file(source.file, source.size);
  *out = nullptr;
  if (fresh == nullptr) return kOk;
  // Of threads that come here at once one keeps its mapping.
  if (source.mapping.compare_exchange_strong(*out, fresh)) {
    *out = fresh;
  } else {
    unmap_file(fresh, source.size);
  }
  return kOk;
}

tf_status map_path(void *user, uint64_t offset, uint64_t /*nbytes*/, const void **out) {
  auto &source = *static_cast<FileSource *>(user);
  void *data = source.mapping.load();
  if (data == nullptr) {
    if (const Status status = map_whole(&data, source); !status.ok()) return status.code;
  }
  *out = data == nullptr ? nullptr : static_cast<const char *>(data) + offset;
  return TF_STATUS_OK;
}

void release_path(void *user) {
  auto *const source = static_cast<FileSource *>(user);
  const Ref<Memory> from = source->memory;
  destroy(*from, source);
}

bool is_file(const Source &source) {
  return source.read_at == read_path_at;
}

}  // namespace

Status make_source(Ref<Source> &out, Memory &memory, uint64_t size, bool concurrent, tf_read_at_fn read_at,
                   tf_map_fn map, tf_release_fn release, void *user) {
  Source *source = nullptr;
  if (const Status status = make(&source, memory); !status.ok()) return give_up(status, release, user);
  source->memory = Ref<Memory>::share(&memory);
  source->size = size;
  source->concurrent = concurrent;
  source->read_at = read_at;
  source->map = map;
  source->release_user = release;
  source->user = user;
  source->label = "";
  out = Ref<Source>::adopt(source);
  return kOk;
}

Status source_from_memory(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes, tf_release_fn release,
                          void *user) {
  MemorySource *source = nullptr;
  const Status status =
      make(&source, memory, Ref<Memory>::share(&memory), static_cast<const char *>(data), release, user);
  if (!status.ok()) return give_up(status, release, user);
  return make_source(out, memory, nbytes, true, read_memory, map_memory, release_memory, source);
}

Status source_from_path(Ref<Source> &out, Memory &memory, const char *path) {
  FileSource *source = nullptr;
  TFILE_TRY(make(&source, memory, memory));
  Status status = source->path.append(path, strlen(path) + 1);
  if (status.ok()) status = open_for_reading(&source->file, &source->size, source->path.data());
  if (!status.ok()) return give_up(status, release_path, source);
  TFILE_TRY(make_source(out, memory, source->size, true, read_path_at, map_path, release_path, source));
  out->label = source->label();
  return kOk;
}

Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array) {
  if (!Checked::within(offset, nbytes, source.size)) {
    return ends_early(source.label, array, offset, nbytes, offset < source.size ? source.size - offset : 0);
  }
  if (nbytes == 0) return kOk;
  // What lies in memory at `to` is no longer than a size_t tells.
  const auto size = static_cast<size_t>(nbytes);
  if (is_file(source)) return read_path(*static_cast<const FileSource *>(source.user), offset, to, size, array);
  const tf_status code = source.read_at(source.user, offset, to, size);
  if (code == TF_STATUS_OK || !source.foreign) return Status{code};
  Failure failure(code);
  failure.in(source.label);
  if (!array.empty()) failure.array(array);
  return failure.at(offset) << "the source's read_at returned " << status_name(code) << " for " << nbytes << " bytes";
}

Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out) {
  *out = nullptr;
  if (source.map == nullptr || nbytes == 0) return kOk;
  const tf_status code = source.map(source.user, offset, nbytes, out);
  if (code == TF_STATUS_OK) return kOk;
  *out = nullptr;
  if (!source.foreign) return Status{code};
  return Failure(code).in(source.label).at(offset)
         << "the source's map returned " << status_name(code) << " for " << nbytes << " bytes";
}

bool maps_privately(const Source &source) {
  return is_file(source);
}

}  // namespace tfile
