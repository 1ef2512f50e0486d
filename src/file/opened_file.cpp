#include "file/opened_file.h"

#include "base/error.h"
#include "format/content_kinds.h"

tf_file::~tf_file() {
  for (tfile::Source *part : parts)
    part->release();
}

void tf_file::release() {
  if (!refs.decrement()) return;
  const tfile::Ref<tfile::Memory> from = memory;
  destroy(*from, this);
}

tfile::Status tf_file::fail_no_member(size_t index) const {
  return tfile::Failure(TF_STATUS_INVALID_ARGUMENT).in(source->label)
         << "there is no array " << static_cast<uint64_t>(index) << "; the file has "
         << static_cast<uint64_t>(listing.members.size());
}

namespace tfile {

namespace {

// The number of bytes that probe_format() examines.
constexpr size_t kProbe = 16;

// Recognises archives of PyTorch, which are zip files like .npz but contain no .npy.
Status refuse_pytorch(const OpenedFile &file) {
  if (!file.listing.members.empty()) return kOk;
  for (const Member &other : file.listing.others) {
    if (!is_pytorch_member(other.name)) continue;
    return Failure(TF_STATUS_FORMAT).in(file.source->label).at(0)
           << "is not " << file.format->name << "; it seems to be a PyTorch file (a zip archive with a pickle)";
  }
  return kOk;
}

Status find_source_format(const Format **out, const Source &source, tf_format wanted, const Settings &settings) {
  const bool by_content = wanted == TF_FORMAT_BY_CONTENT;
  if (wanted != TF_FORMAT_AUTO && !by_content) {
    *out = find_format(wanted);
    if (*out != nullptr) return kOk;
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format with the number " << wanted;
  }
  *out = by_content ? nullptr : format_of_path(source.label);
  if (*out == nullptr) TFILE_TRY(probe_source(out, source));
  if (*out == nullptr && settings.on(TF_OPTION_LENIENT)) {
    const ErrorRecord before = error_record();
    TFILE_TRY(find_format_inside(out, source, settings));
    error_record() = before;
  }
  if (*out != nullptr) return kOk;
  const Status unknown = Failure(TF_STATUS_FORMAT).in(source.label).at(0) << "the content is of no known format";
  return explain_content(unknown, source, "of a known format", nullptr);
}

// Lists the file's arrays. Calls that succeed do not change the error record, even if they met an error that they
// tolerated, as only TF_OPTION_LENIENT lets them do.
Status list_leniently(OpenedFile &file) {
  const ErrorRecord before = error_record();
  TFILE_TRY(file.format->list(file.listing, *file.source, file.settings));
  if (!file.listing.tolerated.empty()) error_record() = before;
  return kOk;
}

void release_buffer(void *buffer) {
  static_cast<Buffer *>(buffer)->release();
}

}  // namespace

Status probe_source(const Format **out, const Source &source) {
  uint8_t head[kProbe];
  const size_t count = source.size < kProbe ? static_cast<size_t>(source.size) : kProbe;
  TFILE_TRY(read_at(source, 0, head, count, Text()));
  *out = probe_format(Bytes(head, count));
  return kOk;
}

Status explain_content(Status failure, const Source &source, Text wanted, const Format *expected) {
  const ErrorRecord before = error_record();
  uint8_t bytes[kContentHead];
  const size_t count = source.size < sizeof(bytes) ? static_cast<size_t>(source.size) : sizeof(bytes);
  const bool readable = read_at(source, 0, bytes, count, Text()).ok();
  const Bytes head(bytes, readable ? count : 0);
  const Format *const other = probe_format(head.first(kProbe));
  const char *const kind = content_kind(head);
  if (kind == nullptr && (other == nullptr || other == expected)) {
    error_record() = before;
    return failure;
  }
  Failure made(TF_STATUS_FORMAT);
  made.in(source.label).at(0) << "is not " << wanted << "; it seems to be " << (kind != nullptr ? kind : other->name);
  return kind != nullptr ? made : made << ", and TF_FORMAT_BY_CONTENT reads it as that";
}

Status make_opened_file(Ref<OpenedFile> &out, Ref<Source> source, const Settings &settings) {
  OpenedFile *made = nullptr;
  TFILE_TRY(make(&made, settings.memory(), std::move(source), settings));
  out = Ref<OpenedFile>::adopt(made);
  return make_dict(out->listing.metadata, settings.memory());
}

Status open_source(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings) {
  Ref<OpenedFile> file;
  TFILE_TRY(make_opened_file(file, std::move(source), settings));
  if (format == TF_FORMAT_AUTO) format = static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  TFILE_TRY(find_source_format(&file->format, *file->source, format, settings));
  const bool lenient = settings.on(TF_OPTION_LENIENT);
  const Status listed = lenient ? list_leniently(*file) : file->format->list(file->listing, *file->source, settings);
  if (listed.code == TF_STATUS_FORMAT) return explain_content(listed, *file->source, file->format->name, file->format);
  TFILE_TRY(listed);
  TFILE_TRY(refuse_pytorch(*file));
  out = std::move(file);
  return kOk;
}

Status open_borrowed_memory(Ref<OpenedFile> &out, const void *data, size_t nbytes, tf_format format,
                            const Settings &settings) {
  Settings unmapped = settings;
  unmapped.set(TF_OPTION_LOAD_MODE, TF_LOAD_MODE_OWN);
  Ref<Source> source;
  TFILE_TRY(source_from_memory(source, settings.memory(), data, nbytes, nullptr, nullptr));
  return open_source(out, std::move(source), format, unmapped);
}

Status open_memory_copy(Ref<OpenedFile> &out, const void *data, size_t nbytes, tf_format format,
                        const Settings &settings) {
  Memory &memory = settings.memory();
  Ref<Buffer> buffer;
  TFILE_TRY(make_buffer(buffer, memory, nbytes));
  if (nbytes > 0) memcpy(buffer->data, data, nbytes);
  Buffer *const kept = buffer.take();
  Ref<Source> source;
  TFILE_TRY(source_from_memory(source, memory, kept->data, nbytes, release_buffer, kept));
  return open_source(out, std::move(source), format, settings);
}

}  // namespace tfile
