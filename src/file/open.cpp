#include "file/open.h"

#include "api/arguments.h"
#include "file/sets/set.h"
#include "quant/cast.h"
#include "transfer/read_member.h"

tf_file::~tf_file() {
  for (tfile::Source *part : parts)
    part->release();
}

void tf_file::release() {
  if (!refs.decrement()) return;
  const tfile::Ref<tfile::Memory> from = memory;
  destroy(*from, this);
}

namespace tfile {

namespace {

// Longest head that a format needs to know itself.
constexpr size_t kProbe = 16;

Status find_out_format(const Format **out, const Source &source, tf_format wanted) {
  if (wanted != TF_FORMAT_AUTO) {
    *out = find_format(wanted);
    if (*out != nullptr) return kOk;
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format with the number " << wanted;
  }
  *out = format_of_path(source.label);
  if (*out != nullptr) return kOk;
  uint8_t head[kProbe];
  const size_t count = source.size < kProbe ? static_cast<size_t>(source.size) : kProbe;
  TFILE_TRY(read_at(source, 0, head, count, Text()));
  *out = probe_format(Bytes(head, count));
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_FORMAT).in(source.label).at(0) << "the content is of no known format";
}

}  // namespace

Status open_file(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings) {
  OpenedFile *made = nullptr;
  TFILE_TRY(make(&made, settings.memory(), std::move(source), settings));
  Ref<OpenedFile> file = Ref<OpenedFile>::adopt(made);
  if (format == TF_FORMAT_AUTO) format = static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  TFILE_TRY(find_out_format(&file->format, *file->source, format));
  TFILE_TRY(make_dict(file->listing.metadata, settings.memory()));
  TFILE_TRY(file->format->list(file->listing, *file->source, settings));
  out = std::move(file);
  return kOk;
}

Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings) {
  Ref<Source> source;
  TFILE_TRY(source_from_path(source, settings.memory(), path));
  if (is_index_path(source->label)) return open_index(out, source, settings);
  Ref<OpenedFile> file;
  TFILE_TRY(open_file(file, std::move(source), TF_FORMAT_AUTO, settings));
  if (settings.on(TF_OPTION_PARTS)) TFILE_TRY(open_split(file));
  out = std::move(file);
  return kOk;
}

Status read_array(Ref<Array> &out, const OpenedFile &file, const Member &member) {
  Source &source = file.source_of(member);
  TFILE_TRY(check_known(source, member));
  const bool map = file.settings.get(TF_OPTION_LOAD_MODE) == TF_LOAD_MODE_MAP;
  if (map && &loaded_dtype(member, file.settings) == member.dtype) {
    TFILE_TRY(map_member(out, source, member, file.settings.memory()));
    if (out) return kOk;
  }
  return read_region(out, file.stored(member), Region::whole(member));
}

namespace {

// The member of an index, or NULL with the record set.
const Member *member_at(const tf_file *file, size_t index) {
  if (is_null(file, "file")) return nullptr;
  if (index < file->listing.members.size()) return &file->listing.members[index];
  (void)Status(Failure(TF_STATUS_INVALID_ARGUMENT).in(file->source->label)
               << "there is no array " << static_cast<uint64_t>(index) << "; the file has "
               << static_cast<uint64_t>(file->listing.members.size()));
  return nullptr;
}

Status require_member(const Member **out, const tf_file *file, size_t index) {
  *out = member_at(file, index);
  return *out != nullptr ? kOk : Status{TF_STATUS_INVALID_ARGUMENT};
}

Status read_many(const OpenedFile &file, Span<const size_t> indices, tf_dtype dtype, void *const *dst,
                 const size_t *nbytes) {
  Vec<ReadTarget> targets(file.settings.memory());
  TFILE_TRY(targets.reserve(indices.size()));
  for (size_t i = 0; i < indices.size(); ++i) {
    const Member *member = nullptr;
    TFILE_TRY(require_member(&member, &file, indices[i]));
    const Dtype *to = nullptr;
    TFILE_TRY(find_read_dtype(&to, dtype, file.stored(*member)));
    TFILE_TRY(check_destination(dst[i], nbytes[i], *to, file.stored(*member), Region::whole(*member)));
    TFILE_TRY(check_cast(*member->dtype, *to));
    TFILE_TRY(targets.push(ReadTarget{&file.source_of(*member), member, dst[i], to}));
  }
  return read_members(targets, file.settings);
}

void release_buffer(void *buffer) {
  static_cast<Buffer *>(buffer)->release();
}

// A source over a copy of the caller's memory.
Status copy_to_source(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes) {
  Ref<Buffer> buffer;
  TFILE_TRY(make_buffer(buffer, memory, nbytes));
  if (nbytes > 0) memcpy(buffer->data, data, nbytes);
  Buffer *const kept = buffer.take();
  return source_from_memory(out, memory, kept->data, nbytes, release_buffer, kept);
}

}  // namespace

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_file_open(tf_file **out, const char *path, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_path(file, path, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_status tf_file_open_memory(tf_file **out, const void *data, size_t nbytes, tf_format format,
                              const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  if (nbytes > 0) TFILE_API_TRY(require(data, "data"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Source> source;
  TFILE_API_TRY(copy_to_source(source, settings.memory(), data, nbytes));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file(file, std::move(source), format, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_status tf_file_open_source(tf_file **out, tf_source *source, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file(file, Ref<Source>::share(source), format, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_file *tf_file_retain(tf_file *file) {
  if (file != nullptr) file->retain();
  return file;
}

void tf_file_release(tf_file *file) {
  if (file != nullptr) file->release();
}

tf_format tf_file_format(const tf_file *file) {
  return is_null(file, "file") ? TF_FORMAT_AUTO : file->format->id;
}

size_t tf_file_size(const tf_file *file) {
  return is_null(file, "file") ? 0 : file->listing.members.size();
}

tf_status tf_file_name(const char **name, size_t *length, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_out(name, "name"));
  if (length != nullptr) *length = 0;
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  *name = member->name.data();
  if (length != nullptr) *length = member->name.size();
  return TF_STATUS_OK;
}

tf_status tf_file_find(size_t *index, const tf_file *file, const char *name, size_t length) {
  TFILE_API_TRY(require(index, "index"));
  TFILE_API_TRY(require(file, "file"));
  Text wanted;
  TFILE_API_TRY(require_text(&wanted, name, length, "name"));
  const size_t place = file->listing.names.find(wanted);
  if (place == NameIndex::kNone) {
    const Status status = Failure(TF_STATUS_NOT_FOUND).in(file->source->label).array(wanted) << "is not in the file";
    return status.code;
  }
  *index = place;
  return TF_STATUS_OK;
}

tf_dtype tf_file_dtype(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr || member->dtype == nullptr ? TF_DTYPE_UNSUPPORTED : member->dtype->id;
}

size_t tf_file_ndim(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr ? 0 : member->shape.size();
}

const int64_t *tf_file_shape(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr ? nullptr : member->shape.data();
}

uint64_t tf_file_nbytes(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr ? 0 : member->nbytes;
}

tf_status tf_file_location(const char **path, uint64_t *offset, uint64_t *stored_bytes, int32_t *deflated,
                           const tf_file *file, size_t index) {
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  const Text label = file->source_of(*member).label;
  if (path != nullptr) *path = label.empty() ? "" : label.data();
  if (offset != nullptr) *offset = member->offset;
  if (stored_bytes != nullptr) *stored_bytes = member->stored;
  if (deflated != nullptr) *deflated = member->deflated ? 1 : 0;
  return TF_STATUS_OK;
}

tf_status tf_file_metadata(tf_dict **out, const tf_file *file) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  *out = Ref<tf_dict>(file->listing.metadata).take();
  return TF_STATUS_OK;
}

tf_status tf_file_read(tf_array **out, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_out(out, "out"));
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  Ref<Array> array;
  TFILE_API_TRY(read_array(array, *file, *member));
  *out = array.take();
  return TF_STATUS_OK;
}

tf_status tf_file_read_into(const tf_file *file, size_t index, tf_dtype dtype, void *dst, size_t nbytes) {
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  return read_region_into(dst, nbytes, dtype, file->stored(*member), Region::whole(*member)).code;
}

tf_status tf_file_read_many(const tf_file *file, const size_t *indices, size_t count, tf_dtype dtype, void *const *dst,
                            const size_t *nbytes) {
  TFILE_API_TRY(require(file, "file"));
  if (count == 0) return TF_STATUS_OK;
  TFILE_API_TRY(require(indices, "indices"));
  TFILE_API_TRY(require(dst, "dst"));
  TFILE_API_TRY(require(nbytes, "nbytes"));
  return read_many(*file, Span<const size_t>(indices, count), dtype, dst, nbytes).code;
}

tf_status tf_file_read_slice(tf_array **out, const tf_file *file, size_t index, const int64_t *start,
                             const int64_t *stop, const int64_t *step, size_t ndim) {
  TFILE_API_TRY(require_out(out, "out"));
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  ResolvedSlice slice;
  TFILE_API_TRY(slice.resolve(file->stored(*member), start, stop, step, ndim));
  Ref<Array> array;
  TFILE_API_TRY(read_region(array, file->stored(*member), slice.region()));
  *out = array.take();
  return TF_STATUS_OK;
}

tf_status tf_file_read_slice_into(const tf_file *file, size_t index, const int64_t *start, const int64_t *stop,
                                  const int64_t *step, size_t ndim, tf_dtype dtype, void *dst, size_t nbytes) {
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  ResolvedSlice slice;
  TFILE_API_TRY(slice.resolve(file->stored(*member), start, stop, step, ndim));
  return read_region_into(dst, nbytes, dtype, file->stored(*member), slice.region()).code;
}

}  // extern "C"
