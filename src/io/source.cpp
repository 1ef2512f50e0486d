#include "io/source.h"

#include <atomic>

#include "base/error.h"
#include "base/vec.h"
#include "io/file.h"

void tf_source::release() {
  if (refs.decrement()) tfile::destroy_and_release(this);
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
  destroy_and_release(static_cast<MemorySource *>(user));
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

Status read_exactly(const File &file, Text label, uint64_t offset, void *to, size_t nbytes, Text array) {
  size_t got = 0;
  TFILE_TRY(read_file(&got, file, label, array, offset, to, nbytes));
  if (got < nbytes) return ends_early(label, array, offset, nbytes, got);
  return kOk;
}

tf_status read_path_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
  const auto &source = *static_cast<const FileSource *>(user);
  return read_exactly(source.file, source.label(), offset, dst, nbytes, Text()).code;
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

// A part of another source, which is no part itself: what its source's callbacks get.
struct PartSource {
  Ref<Memory> memory;
  Ref<Source> whole;
  uint64_t offset;
};

tf_status read_part(void *user, uint64_t offset, void *dst, size_t nbytes) {
  const auto &part = *static_cast<const PartSource *>(user);
  return read_at(*part.whole, part.offset + offset, dst, nbytes, Text()).code;
}

tf_status map_part(void *user, uint64_t offset, uint64_t nbytes, const void **out) {
  const auto &part = *static_cast<const PartSource *>(user);
  return map_range(*part.whole, part.offset + offset, nbytes, out).code;
}

void release_part(void *user) {
  auto *const part = static_cast<PartSource *>(user);
  const Ref<Memory> from = part->memory;
  destroy(*from, part);
}

// The source that has a source's bytes, and where.
struct Place {
  Source *source;
  uint64_t offset;
};

Place place_of(const Source &source) {
  if (source.read_at != read_part) return {const_cast<Source *>(&source), 0};
  const auto &part = *static_cast<const PartSource *>(source.user);
  return {part.whole.get(), part.offset};
}

bool is_file(const Source &source) {
  return source.read_at == read_path_at;
}

// The file of a place, which begins there.
File file_at(const Place &place) {
  File file = static_cast<const FileSource *>(place.source->user)->file;
  file.base += place.offset;
  return file;
}

Status check_part(uint64_t offset, uint64_t *size, uint64_t whole, const char *what) {
  if (*size == UINT64_MAX && offset <= whole) *size = whole - offset;
  if (Checked::within(offset, *size, whole)) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << *size << " bytes from byte " << offset << " on are not in the " << what << ", which has " << whole;
}

// Copies what was read of all parts to where they go.
void hand_out(const char *from, Span<const ReadPart> parts) {
  for (const ReadPart &part : parts) {
    if (part.to != nullptr) memcpy(part.to, from, part.nbytes);
    from += part.nbytes;
  }
}

Status read_file_parts(const File &file, Text label, uint64_t offset, Span<const ReadPart> parts, uint64_t total,
                       Memory &memory, Text array) {
  size_t largest = 0;
  for (const ReadPart &part : parts) {
    if (part.to == nullptr && part.nbytes > largest) largest = part.nbytes;
  }
  Vec<char> unwanted(memory);
  TFILE_TRY(unwanted.resize(largest));
  ReadPart places[kMaxParts];
  size_t count = 0;
  for (const ReadPart &part : parts)
    places[count++] = ReadPart{part.to != nullptr ? part.to : unwanted.data(), part.nbytes};
  size_t got = 0;
  TFILE_TRY(read_parts(&got, file, label, array, offset, Span<const ReadPart>(places, count)));
  return got < total ? ends_early(label, array, offset, total, got) : kOk;
}

}  // namespace

Status make_source(Ref<Source> &out, Memory &memory, uint64_t size, bool concurrent, tf_read_at_fn read_at,
                   tf_map_fn map, tf_release_fn release, void *user) {
  Source *source = nullptr;
  if (const Status status = make(&source, memory); !status.ok()) return fail_and_release(status, release, user);
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
  if (!status.ok()) return fail_and_release(status, release, user);
  return make_source(out, memory, nbytes, true, read_memory, map_memory, release_memory, source);
}

Status source_from_path(Ref<Source> &out, Memory &memory, const char *path) {
  FileSource *source = nullptr;
  TFILE_TRY(make(&source, memory, memory));
  Status status = source->path.append(path, strlen(path) + 1);
  if (status.ok()) status = open_for_reading(&source->file, &source->size, source->path.data());
  if (!status.ok()) return fail_and_release(status, release_path, source);
  TFILE_TRY(make_source(out, memory, source->size, true, read_path_at, map_path, release_path, source));
  out->label = source->label();
  return kOk;
}

Status source_from_descriptor(Ref<Source> &out, Memory &memory, int32_t descriptor, uint64_t offset, uint64_t size) {
  FileSource *source = nullptr;
  TFILE_TRY(make(&source, memory, memory));
  Status status = source->path.push('\0');
  if (status.ok()) status = open_descriptor(&source->file, &source->size, descriptor);
  if (status.ok()) status = check_part(offset, &size, source->size, "file");
  if (!status.ok()) return fail_and_release(status, release_path, source);
  source->file.base = offset;
  source->size = size;
  return make_source(out, memory, size, true, read_path_at, map_path, release_path, source);
}

Status source_from_part(Ref<Source> &out, Memory &memory, Source &whole, uint64_t offset, uint64_t size) {
  TFILE_TRY(check_part(offset, &size, whole.size, "source"));
  const Place place = place_of(whole);
  PartSource *part = nullptr;
  TFILE_TRY(make(&part, memory, Ref<Memory>::share(&memory), Ref<Source>::share(place.source), place.offset + offset));
  const tf_map_fn map = whole.map == nullptr ? nullptr : map_part;
  return make_source(out, memory, size, whole.concurrent, read_part, map, release_part, part);
}

Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array) {
  if (!Checked::within(offset, nbytes, source.size)) {
    return ends_early(source.label, array, offset, nbytes, offset < source.size ? source.size - offset : 0);
  }
  if (nbytes == 0) return kOk;
  // What lies in memory at `to` is no longer than a size_t tells.
  const auto size = static_cast<size_t>(nbytes);
  const Place place = place_of(source);
  const Source &bytes = *place.source;
  if (is_file(bytes)) {
    return read_exactly(file_at(place), source.label, offset, to, size, array);
  }
  const tf_status code = bytes.read_at(bytes.user, place.offset + offset, to, size);
  if (code == TF_STATUS_OK || !bytes.foreign) return Status{code};
  Failure failure(code);
  failure.in(source.label);
  if (!array.empty()) failure.array(array);
  return failure.at(offset) << "the source's read_at returned " << status_name(code) << " for " << nbytes << " bytes";
}

Status read_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, Memory &memory, Text array) {
  if (parts.size() == 1 && parts[0].to != nullptr) return read_at(source, offset, parts[0].to, parts[0].nbytes, array);
  uint64_t total = 0;
  for (const ReadPart &part : parts)
    total += part.nbytes;
  const bool inside = Checked::within(offset, total, source.size);
  const Place place = place_of(source);
  if (inside && is_file(*place.source)) {
    const File file = file_at(place);
    return read_file_parts(file, source.label, offset, parts, total, memory, array);
  }
  if (inside && place.source->read_at == read_memory) {
    hand_out(static_cast<const MemorySource *>(place.source->user)->data + place.offset + offset, parts);
    return kOk;
  }
  Vec<char> bytes(memory);
  if (inside) TFILE_TRY(bytes.resize(static_cast<size_t>(total)));
  TFILE_TRY(read_at(source, offset, bytes.data(), total, array));
  hand_out(bytes.data(), parts);
  return kOk;
}

Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out) {
  *out = nullptr;
  if (source.map == nullptr || nbytes == 0) return kOk;
  const Place place = place_of(source);
  const Source &bytes = *place.source;
  const tf_status code = bytes.map(bytes.user, place.offset + offset, nbytes, out);
  if (code == TF_STATUS_OK) return kOk;
  *out = nullptr;
  if (!bytes.foreign) return Status{code};
  return Failure(code).in(source.label).at(offset)
         << "the source's map returned " << status_name(code) << " for " << nbytes << " bytes";
}

bool is_foreign(const Source &source) {
  return place_of(source).source->foreign;
}

bool maps_privately(const Source &source) {
  return is_file(*place_of(source).source);
}

}  // namespace tfile
