#include "file/header_edit.h"

#include <algorithm>

#include "base/error.h"
#include "file/open.h"
#include "file/save.h"
#include "io/file.h"
#include "io/replace.h"

namespace tfile {

namespace {

const Edit &edit_of(const Source &source) {
  return *static_cast<const Edit *>(source.state);
}

// Makes a source of the new file of an edit, which must outlive it. Nothing may retain the source.
void read_from(Source &out, const Edit &edit) {
  static constexpr SourceOps kOps = {.read = [](const Source &source, uint64_t offset, void *to, size_t nbytes,
                                                Text /*array*/) { return edit_of(source).read(offset, to, nbytes); }};
  out.memory = edit.memory;
  out.ops = &kOps;
  out.state = const_cast<Edit *>(&edit);
  out.size = edit.splice.size;
  out.hints = edit.file->source->hints;
  out.label = edit.file->source->label;
}

// True if a new array describes the same bytes as the old one. That of an unknown type can include padding.
bool same_array(const Member &old, const Member &now) {
  const bool same_type = old.dtype == now.dtype && (old.dtype != nullptr || old.type == now.type);
  const bool same_shape =
      old.shape.size() == now.shape.size() && std::equal(old.shape.begin(), old.shape.end(), now.shape.begin());
  const bool same_bytes = old.stored == now.stored || (old.dtype == nullptr && old.stored < now.stored);
  return same_type && same_shape && same_bytes && old.deflated == now.deflated && old.crc32 == now.crc32 &&
         old.fortran == now.fortran && old.big_endian == now.big_endian && old.invalid == now.invalid;
}

}  // namespace

Status make_edit(Ref<Edit> &out, const OpenedFile &file) {
  if (!file.parts.empty()) {
    return Failure(TF_STATUS_UNSUPPORTED).in(file.source->label)
           << "is a set of files, which are edited one by one: open each of them by itself";
  }
  if (file.format->edit == nullptr) {
    return Failure(TF_STATUS_UNSUPPORTED).in(file.source->label)
           << file.format->name << " files have neither names nor metadata that could be edited";
  }
  Edit *made = nullptr;
  // Reading from a file, and keeping it open, does not change it.
  TFILE_TRY(make(&made, file.settings.memory(), Ref<OpenedFile>::share(const_cast<OpenedFile *>(&file))));
  auto edit = Ref<Edit>::adopt(made);
  TFILE_TRY(edit->start());
  out = std::move(edit);
  return kOk;
}

Status save_metadata(const char *path, const Dict *metadata, const Settings &settings) {
  Ref<OpenedFile> file;
  Ref<Edit> edit;
  TFILE_TRY(open_path(file, path, settings));
  TFILE_TRY(make_edit(edit, *file));
  TFILE_TRY(edit->set_metadata(metadata));
  TFILE_TRY(edit->finish());
  return edit->save(path, settings);
}

}  // namespace tfile

using namespace tfile;

Status tf_edit::start() {
  const Vec<Member> &members = file->listing.members;
  TFILE_TRY(names.reserve(members.size()));
  for (const Member &member : members)
    TFILE_TRY(names.push(NewName{member.name}));
  metadata = file->listing.metadata;
  // What a file is aligned to is in its header; the options of an edit do not change it.
  settings.set(TF_OPTION_ALIGNMENT, 0);
  settings.set(TF_OPTION_GGUF_EXTENDED, 1);
  return kOk;
}

void tf_edit::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  destroy(*from, this);
}

Status tf_edit::check_changing(size_t index) const {
  if (finished) return Failure(TF_STATUS_INVALID_ARGUMENT) << "the edit is finished, and cannot be changed";
  return index < names.size() ? kOk : file->fail_no_member(index);
}

Status tf_edit::check_finished() const {
  return finished ? kOk : Failure(TF_STATUS_INVALID_ARGUMENT) << "the edit is not finished: tf_edit_finish()";
}

uint64_t tf_edit::patch_bytes() const {
  uint64_t nbytes = 0;
  return splice.fits_in_place(&nbytes, file->source->size) ? nbytes : 0;
}

Status tf_edit::describe_run(const void **bytes, uint64_t *offset, uint64_t *nbytes, size_t index) const {
  TFILE_TRY(check_finished());
  TFILE_TRY(check_index(index, splice.runs.size()));
  const Splice::Run &run = splice.runs[index];
  *bytes = run.is_new ? splice.bytes(run) : nullptr;
  *offset = run.is_new ? run.at : run.from;
  *nbytes = run.nbytes;
  return kOk;
}

Status tf_edit::rename(size_t index, Text name) {
  TFILE_TRY(check_changing(index));
  Text copy;
  TFILE_TRY(texts.copy(&copy, name));
  names[index] = NewName{copy, false, !(copy == file->listing.members[index].name)};
  return kOk;
}

Status tf_edit::remove(size_t index) {
  TFILE_TRY(check_changing(index));
  names[index].removed = true;
  return kOk;
}

Status tf_edit::set_metadata(const Dict *values) {
  if (finished) return check_changing(0);
  Ref<Dict> copy;
  TFILE_TRY(values != nullptr ? copy_dict(copy, *memory, *values) : make_dict(copy, *memory));
  metadata = std::move(copy);
  return kOk;
}

Text tf_edit::name_at(const void *owner, size_t index) {
  return (*static_cast<const Vec<Text> *>(owner))[index];
}

// Fails if two arrays would have the same name.
Status tf_edit::check_names() const {
  Vec<Text> kept(*memory);
  NameIndex index(*memory, name_at, &kept);
  for (const NewName &name : names) {
    size_t found = NameIndex::kNone;
    if (name.removed) continue;
    TFILE_TRY(kept.push(name.name));
    TFILE_TRY(index.add(&found, name.name));
    if (found == NameIndex::kNone) continue;
    return Failure(TF_STATUS_DUPLICATE).in(file->source->label).array(name.name) << "two arrays would have this name";
  }
  return kOk;
}

// Fails if the format cannot hold a new name or value.
Status tf_edit::check_holdable() const {
  Ref<Array> any;
  Vec<NamedArray> renamed(*memory);
  // Only the names matter. All formats have this dtype.
  TFILE_TRY(make_array(any, *memory, *find_dtype(TF_DTYPE_INT8), Span<const int64_t>()));
  for (const NewName &name : names) {
    if (name.renamed && !name.removed) TFILE_TRY(renamed.push(NamedArray{name.name, any.get()}));
  }
  return check_request(*file->format, SaveRequest{renamed.span(), metadata.get(), false, settings});
}

Status tf_edit::finish() {
  if (finished) return check_changing(0);
  TFILE_TRY(check_names());
  TFILE_TRY(check_holdable());
  splice.clear();
  TFILE_TRY(file->format->edit(splice, EditRequest{*file->source, file->listing, names.span(), *metadata, settings}));
  TFILE_TRY(check_result());
  finished = true;
  return kOk;
}

// Opens the new file, of which nothing has been written yet.
Status tf_edit::check_result() const {
  const ErrorRecord before = error_record();
  Source source;
  read_from(source, *this);
  Listing made(*memory);
  TFILE_TRY(make_dict(made.metadata, *memory));
  TFILE_TRY(file->format->list(made, source, settings));
  error_record() = before;
  return compare(made);
}

Status tf_edit::compare(const Listing &made) const {
  size_t kept = 0;
  bool same = false;
  TFILE_TRY(equal(&same, *memory, *made.metadata, *metadata));
  for (size_t i = 0; i < names.size() && same; ++i) {
    if (names[i].removed) continue;
    ++kept;
    const size_t now = made.names.find(names[i].name);
    same = now != NameIndex::kNone && same_array(file->listing.members[i], made.members[now]);
  }
  if (same && kept == made.members.size()) return kOk;
  return Failure(TF_STATUS_INTERNAL).in(file->source->label)
         << "the new file would not be what was asked for; it has not been written";
}

Status tf_edit::read(uint64_t offset, void *to, uint64_t nbytes) const {
  auto *bytes = static_cast<uint8_t *>(to);
  size_t i = nbytes > 0 ? splice.find(offset) : 0;
  while (nbytes > 0) {
    const Splice::Run &run = splice.runs[i++];
    const uint64_t within = offset - run.at;
    const uint64_t length = std::min(nbytes, run.nbytes - within);
    if (run.is_new) {
      memcpy(bytes, splice.bytes(run) + within, static_cast<size_t>(length));
    } else {
      TFILE_TRY(read_at(*file->source, run.from + within, bytes, length, Text()));
    }
    bytes += length;
    offset += length;
    nbytes -= length;
  }
  return kOk;
}

// Writes all of the new file.
Status tf_edit::write(Sink &sink, const Settings &with) const {
  uint64_t copied = 0;
  for (const Splice::Run &run : splice.runs)
    copied += run.is_new ? 0 : run.nbytes;
  Output output(sink, with, copied);
  for (const Splice::Run &run : splice.runs) {
    TFILE_TRY(run.is_new ? output.write(splice.bytes(run), run.nbytes)
                         : output.copy(*file->source, run.from, run.nbytes));
  }
  return output.flush();
}

Status tf_edit::save(const char *path, const Settings &with) const {
  TFILE_TRY(check_finished());
  if (!with.on(TF_OPTION_ATOMIC)) return write_in_place(path, with);
  Replacement replacement(with.memory());
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, path, true, with.on(TF_OPTION_DURABLE)));
  TFILE_TRY(write(*sink, with));
  return replacement.commit();
}

Status tf_edit::save(Sink &sink, const Settings &with) const {
  TFILE_TRY(check_open(sink));
  const Status written = [&] {
    TFILE_TRY(check_finished());
    return write(sink, with);
  }();
  if (written.ok()) return commit_sink(sink);
  const ErrorRecord failure = error_record();
  abort_sink(sink);
  error_record() = failure;
  return written;
}

// Writes the header into the file that the edit was made from.
Status tf_edit::write_in_place(const char *path, const Settings &with) const {
  const Source &source = *file->source;
  uint64_t nbytes = 0;
  if (!splice.fits_in_place(&nbytes, source.size)) {
    return Failure(TF_STATUS_UNSUPPORTED).in(path)
           << "the new header does not have the size of the old one, so it cannot be written in place; with the option "
              "("
           << option_name(TF_OPTION_ATOMIC) << ") at 1 a copy of the file is written";
  }
  Target target(with.memory());
  TFILE_TRY(find_target(target, path, nullptr));
  const bool whole = file_of(source) != nullptr && file_of(source)->base + source.base == 0;
  if (!whole || !target.exists || !same_file(target.identity, identity_of(source))) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(path)
           << "is not the file that the edit was made from, which alone can be edited in place (the option ("
           << option_name(TF_OPTION_ATOMIC) << ") is 0)";
  }
  File to;
  uint64_t size = 0;
  TFILE_TRY(open_in_place(&to, target, false));
  Status status = file_size(&size, to, target.label());
  if (status.ok() && (size != source.size || !same_file(to.identity, target.identity))) status = header_changed(source);
  for (size_t i = 0; status.ok() && i < splice.runs.size() && splice.runs[i].is_new; ++i) {
    const Splice::Run &run = splice.runs[i];
    status = write_file(to, target.label(), run.at, splice.bytes(run), static_cast<size_t>(run.nbytes));
  }
  if (status.ok() && with.on(TF_OPTION_DURABLE)) status = sync_file(to, target.label());
  if (status.ok()) return finish_file(to, target.label());
  close_file(to);
  return status;
}
