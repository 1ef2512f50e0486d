#include "io/source.h"

#include <atomic>

#include "base/error.h"
#include "io/file.h"

void tf_source::release() {
  if (!refs.decrement()) return;
  if (!whole && ops->destroy != nullptr) ops->destroy(state);
  const tfile::Ref<tfile::Memory> from = memory;
  tfile::destroy(*from, this);
}

namespace tfile {

namespace {

template <typename State>
State &state_of(const Source &source) {
  return *static_cast<State *>(source.state);
}

Status ends_early(Text label, Text array, uint64_t offset, uint64_t expected, uint64_t found) {
  Failure failure(TF_STATUS_TRUNCATED);
  failure.in(label);
  if (!array.empty()) failure.array(array);
  return failure.at(offset) << "expected " << expected << " bytes, the file ends after " << found;
}

// Distributes consecutive bytes to the buffers of the parts.
void copy_to_parts(const char *from, Span<const ReadPart> parts) {
  for (const ReadPart &part : parts) {
    if (part.to != nullptr) memcpy(part.to, from, part.nbytes);
    from += part.nbytes;
  }
}

// The user's functions and their argument.
struct Callbacks {
  Ref<Memory> memory;
  tf_read_at_fn read_at;
  tf_map_fn map;
  tf_release_fn release_user;
  void *user;
};

Status read_callback(const Source &source, uint64_t offset, void *to, size_t nbytes, Text array) {
  const auto &state = state_of<const Callbacks>(source);
  return call_user({"the source's read_at", source.label, array, offset, nbytes},
                   [&] { return state.read_at(state.user, source.base + offset, to, nbytes); });
}

Status map_callback(const Source &source, uint64_t offset, uint64_t nbytes, const void **out) {
  const auto &state = state_of<const Callbacks>(source);
  if (state.map == nullptr) return kOk;
  const Status status = call_user({"the source's map", source.label, Text(), offset, nbytes},
                                  [&] { return state.map(state.user, source.base + offset, nbytes, out); });
  if (!status.ok()) *out = nullptr;
  return status;
}

constexpr SourceOps kCallbackOps = {
    .read = read_callback,
    .map = map_callback,
    .destroy = [](void *state) { destroy_and_release(static_cast<Callbacks *>(state)); },
    .is_callback = true,
};

// Memory that the user owns.
struct UserMemory {
  Ref<Memory> memory;
  const char *data;
  tf_release_fn release_user;
  void *user;
};

Status read_memory(const Source &source, uint64_t offset, void *to, size_t nbytes, Text /*array*/) {
  memcpy(to, state_of<const UserMemory>(source).data + source.base + offset, nbytes);
  return kOk;
}

Status read_memory_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, uint64_t /*total*/,
                         Memory & /*memory*/, Text /*array*/) {
  copy_to_parts(state_of<const UserMemory>(source).data + source.base + offset, parts);
  return kOk;
}

Status map_memory(const Source &source, uint64_t offset, uint64_t /*nbytes*/, const void **out) {
  *out = state_of<const UserMemory>(source).data + source.base + offset;
  return kOk;
}

constexpr SourceOps kMemoryOps = {
    .read = read_memory,
    .read_parts = read_memory_parts,
    .map = map_memory,
    .destroy = [](void *state) { destroy_and_release(static_cast<UserMemory *>(state)); },
};

// An open file of the system.
struct OpenFile {
  explicit OpenFile(Memory &from) : memory(Ref<Memory>::share(&from)), path(from) {}
  OpenFile(const OpenFile &) = delete;
  OpenFile &operator=(const OpenFile &) = delete;
  ~OpenFile() {
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

void destroy_file(void *state) {
  auto *const file = static_cast<OpenFile *>(state);
  const Ref<Memory> from = file->memory;
  destroy(*from, file);
}

// Returns the file, with offsets that count from the start of the source.
File file_at(const Source &source) {
  File file = state_of<const OpenFile>(source).file;
  file.base += source.base;
  return file;
}

Status read_from_file(const Source &source, uint64_t offset, void *to, size_t nbytes, Text array) {
  size_t got = 0;
  TFILE_TRY(read_file(&got, file_at(source), source.label, array, offset, to, nbytes));
  return got < nbytes ? ends_early(source.label, array, offset, nbytes, got) : kOk;
}

// Parts without a buffer are read into one scratch buffer that they share.
Status read_parts_from_file(const Source &source, uint64_t offset, Span<const ReadPart> parts, uint64_t total,
                            Memory &memory, Text array) {
  size_t largest = 0;
  for (const ReadPart &part : parts) {
    if (part.to == nullptr && part.nbytes > largest) largest = part.nbytes;
  }
  Vec<char> scratch(memory);
  TFILE_TRY(scratch.resize(largest));
  ReadPart targets[kMaxParts];
  size_t count = 0;
  for (const ReadPart &part : parts)
    targets[count++] = ReadPart{part.to != nullptr ? part.to : scratch.data(), part.nbytes};
  size_t got = 0;
  const Span<const ReadPart> all(targets, count);
  TFILE_TRY(read_parts(&got, file_at(source), source.label, array, offset, all));
  return got < total ? ends_early(source.label, array, offset, total, got) : kOk;
}

Status map_whole_file(void **out, OpenFile &state) {
  uint64_t size = 0;
  TFILE_TRY(file_size(&size, state.file, state.label()));
  if (size < state.size) {
    return Failure(TF_STATUS_TRUNCATED).in(state.label()).at(size)
           << "the file had " << state.size << " bytes when it was opened, and ends earlier now";
  }
  void *const fresh = map_file(state.file, state.size);
  *out = nullptr;
  if (fresh == nullptr) return kOk;
  // If several threads map the file at once, all use the first mapping and the others are unmapped.
  if (state.mapping.compare_exchange_strong(*out, fresh)) {
    *out = fresh;
  } else {
    unmap_file(fresh, state.size);
  }
  return kOk;
}

Status map_from_file(const Source &source, uint64_t offset, uint64_t /*nbytes*/, const void **out) {
  auto &state = state_of<OpenFile>(source);
  void *data = state.mapping.load();
  if (data == nullptr) TFILE_TRY(map_whole_file(&data, state));
  if (data != nullptr) *out = static_cast<const char *>(data) + source.base + offset;
  return kOk;
}

const File &open_file_of(const Source &source) {
  return state_of<const OpenFile>(source).file;
}

constexpr SourceOps kFileOps = {
    .read = read_from_file,
    .read_parts = read_parts_from_file,
    .map = map_from_file,
    .file = open_file_of,
    .destroy = destroy_file,
    .maps_privately = true,
};

Status make_source(Ref<Source> &out, Memory &memory, const SourceOps &ops, void *state, uint64_t size) {
  Source *source = nullptr;
  TFILE_TRY(make(&source, memory));
  source->memory = Ref<Memory>::share(&memory);
  source->ops = &ops;
  source->state = state;
  source->size = size;
  source->concurrent = true;
  source->label = "";
  out = Ref<Source>::adopt(source);
  return kOk;
}

// Like make_source(), but frees the state if the source cannot be allocated.
Status make_owner(Ref<Source> &out, Memory &memory, const SourceOps &ops, void *state, uint64_t size) {
  const Status status = make_source(out, memory, ops, state, size);
  return status.ok() ? status : fail_and_release(status, ops.destroy, state);
}

// Checks that a range is inside `whole` bytes. Replaces a size of UINT64_MAX by the number of bytes after the offset.
Status check_part(uint64_t offset, uint64_t *size, uint64_t whole, const char *what) {
  if (*size == UINT64_MAX && offset <= whole) *size = whole - offset;
  if (Checked::within(offset, *size, whole)) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << *size << " bytes from byte " << offset << " on are not in the " << what << ", which has " << whole;
}

}  // namespace

Status source_from_callbacks(Ref<Source> &out, Memory &memory, uint64_t size, bool concurrent, tf_read_at_fn read_at,
                             tf_map_fn map, tf_release_fn release, void *user) {
  Callbacks *state = nullptr;
  Status status = kOk;
  if (!Checked(size).valid())
    status = Failure(TF_STATUS_INVALID_ARGUMENT) << "the size " << size << " is not below 2^63";
  if (status.ok()) status = make(&state, memory, Ref<Memory>::share(&memory), read_at, map, release, user);
  if (!status.ok()) return fail_and_release(status, release, user);
  TFILE_TRY(make_owner(out, memory, kCallbackOps, state, size));
  out->concurrent = concurrent;
  return kOk;
}

Status source_from_memory(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes, tf_release_fn release,
                          void *user) {
  UserMemory *state = nullptr;
  const auto *const bytes = static_cast<const char *>(data);
  const Status status = make(&state, memory, Ref<Memory>::share(&memory), bytes, release, user);
  if (!status.ok()) return fail_and_release(status, release, user);
  return make_owner(out, memory, kMemoryOps, state, nbytes);
}

Status source_from_path(Ref<Source> &out, Memory &memory, const char *path, bool *is_folder) {
  OpenFile *state = nullptr;
  TFILE_TRY(make(&state, memory, memory));
  Status status = state->path.append(path, strlen(path) + 1);
  if (status.ok()) status = open_for_reading(&state->file, &state->size, state->path.data(), is_folder);
  const bool opened = status.ok() && (is_folder == nullptr || !*is_folder);
  if (!opened) return fail_and_release(status, destroy_file, state);
  TFILE_TRY(make_owner(out, memory, kFileOps, state, state->size));
  out->label = state->label();
  out->has_path = true;
  return kOk;
}

Status source_from_descriptor(Ref<Source> &out, Memory &memory, int32_t descriptor, uint64_t offset, uint64_t size) {
  OpenFile *state = nullptr;
  TFILE_TRY(make(&state, memory, memory));
  Status status = state->path.push('\0');
  if (status.ok()) status = open_descriptor(&state->file, &state->size, descriptor);
  if (status.ok()) status = check_part(offset, &size, state->size, "file");
  if (!status.ok()) return fail_and_release(status, destroy_file, state);
  state->file.base = offset;
  state->size = size;
  return make_owner(out, memory, kFileOps, state, size);
}

Status source_from_part(Ref<Source> &out, Memory &memory, Source &whole, uint64_t offset, uint64_t size) {
  TFILE_TRY(check_part(offset, &size, whole.size, "source"));
  TFILE_TRY(make_source(out, memory, *whole.ops, whole.state, size));
  // A part always refers to the source that owns the state, even if it was made from another part.
  out->whole = whole.whole ? whole.whole : Ref<Source>::share(&whole);
  out->base = whole.base + offset;
  out->concurrent = whole.concurrent;
  out->hints = whole.hints;
  return kOk;
}

Status require_unused(const Source &source) {
  if (source.refs.unique()) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(source.label)
         << "the source is in use: only its creator may have a reference to it";
}

Status name_source(Source &source, Text name) {
  Ref<Buffer> buffer;
  TFILE_TRY(make_buffer(buffer, *source.memory, name.size() + 1));
  auto *const bytes = static_cast<char *>(buffer->data);
  if (!name.empty()) memcpy(bytes, name.data(), name.size());
  bytes[name.size()] = '\0';
  source.name = std::move(buffer);
  source.label = Text(bytes, name.size());
  source.has_path = false;
  return kOk;
}

void set_hints(Source &source, const SourceHints &hints) {
  source.hints = hints;
  if (hints.gap == UINT64_MAX) source.hints.gap = SourceHints().gap;
  if (source.hints.gap > kMaxPieceHint) source.hints.gap = kMaxPieceHint;
  if (source.hints.piece > kMaxPieceHint) source.hints.piece = kMaxPieceHint;
}

Status open_beside(Ref<Source> &out, Memory &memory, const Source &source, const Vec<char> &path, size_t start) {
  if (!source.resolver) {
    if (source.has_path) return source_from_path(out, memory, path.data());
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(source.label)
           << "is one file of a set, and the source has no resolver that finds the others: tf_source_set_resolver()";
  }
  const SourceResolver &resolver = *source.resolver;
  const Text label(path.data(), path.size() - 1);
  tf_source *found = nullptr;
  const Status resolved = call_user({"the resolver of the source", label},
                                    [&] { return resolver.resolve(resolver.user, path.data() + start, &found); });
  Ref<Source> owned = Ref<Source>::adopt(found);
  TFILE_TRY(resolved);
  if (!owned) return Failure(TF_STATUS_INVALID_ARGUMENT).in(label) << "the resolver of the source returned no source";
  if (owned->label.empty() && owned->refs.unique()) TFILE_TRY(name_source(*owned, label));
  out = std::move(owned);
  return kOk;
}

Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array) {
  if (!Checked::within(offset, nbytes, source.size)) {
    return ends_early(source.label, array, offset, nbytes, offset < source.size ? source.size - offset : 0);
  }
  if (nbytes == 0) return kOk;
  // The caller has memory for the bytes, so their number fits in a size_t.
  return source.ops->read(source, offset, to, static_cast<size_t>(nbytes), array);
}

Status read_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, Memory &memory, Text array) {
  if (parts.size() == 1 && parts[0].to != nullptr) return read_at(source, offset, parts[0].to, parts[0].nbytes, array);
  uint64_t total = 0;
  for (const ReadPart &part : parts)
    total += part.nbytes;
  const bool inside = Checked::within(offset, total, source.size);
  if (inside && source.ops->read_parts != nullptr) {
    return source.ops->read_parts(source, offset, parts, total, memory, array);
  }
  Vec<char> bytes(memory);
  if (inside) TFILE_TRY(bytes.resize(static_cast<size_t>(total)));
  TFILE_TRY(read_at(source, offset, bytes.data(), total, array));
  copy_to_parts(bytes.data(), parts);
  return kOk;
}

Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out) {
  *out = nullptr;
  if (source.ops->map == nullptr || nbytes == 0) return kOk;
  return source.ops->map(source, offset, nbytes, out);
}

const File *file_of(const Source &source) {
  return source.ops->file == nullptr ? nullptr : &source.ops->file(source);
}

FileIdentity identity_of(const Source &source) {
  const File *const file = file_of(source);
  return file == nullptr ? FileIdentity() : file->identity;
}

}  // namespace tfile
