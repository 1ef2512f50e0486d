#include "base/error.h"
#include "base/letter_case.h"
#include "format/format.h"

namespace tfile {

namespace {

constexpr const Format *kFormats[] = {
#define TFILE_FORMAT(row) &(row),
#include "format/table.inc"
#undef TFILE_FORMAT
};

bool ends_with_ignoring_case(Text text, Text suffix) {
  return text.size() >= suffix.size() && equal_ignoring_case(text.from(text.size() - suffix.size()), suffix);
}

}  // namespace

const Format *find_format(tf_format id) {
  for (const Format *format : kFormats) {
    if (format->id == id) return format;
  }
  return nullptr;
}

const Format *find_format(Text name) {
  for (const Format *format : kFormats) {
    if (Text(format->name) == name) return format;
  }
  return nullptr;
}

const Format *format_at(size_t i) {
  for (const Format *format : kFormats) {
    size_t before = 0;
    for (const Format *other : kFormats)
      before += other->id < format->id ? 1 : 0;
    if (before == i) return format;
  }
  return nullptr;
}

int64_t ability_of(const Format &format, tf_ability ability) {
  switch (ability) {
    case TF_ABILITY_SINGLE_ARRAY:
      return format.single_array ? 1 : 0;
    case TF_ABILITY_METADATA:
      return static_cast<int64_t>(format.metadata);
    case TF_ABILITY_PARTS:
      return format.max_parts;
    case TF_ABILITY_COMPRESSION:
      return format.packing != nullptr ? 1 : 0;
    case TF_ABILITY_TEXT_MEMBERS:
      return format.text_members ? 1 : 0;
    case TF_ABILITY_MODEL_KEYS:
      return format.model_keys ? 1 : 0;
    case TF_ABILITY_HEADER_SLACK:
      return format.header_slack ? 1 : 0;
    default:
      return 0;
  }
}

NamedValue format_value(size_t i) {
  constexpr NamedValue kOthers[] = {{"auto", TF_FORMAT_AUTO}, {"content", TF_FORMAT_BY_CONTENT}};
  constexpr size_t kOtherCount = sizeof(kOthers) / sizeof(kOthers[0]);
  if (i < kOtherCount) return kOthers[i];
  i -= kOtherCount;
  if (i >= sizeof(kFormats) / sizeof(kFormats[0])) return {nullptr, 0};
  return {kFormats[i]->name, kFormats[i]->id};
}

const char *format_name(tf_format id) {
  for (size_t i = 0;; ++i) {
    const NamedValue known = format_value(i);
    if (known.name == nullptr) return "unknown";
    if (known.value == id) return known.name;
  }
}

const Format *find_format(SetKind sets) {
  for (const Format *format : kFormats) {
    if (format->sets == sets) return format;
  }
  return nullptr;
}

const Format *format_of_path(Text path) {
  for (const Format *format : kFormats) {
    if (ends_with_ignoring_case(path, format->extension)) return format;
  }
  return nullptr;
}

const Format *probe_format(Bytes head) {
  for (const Format *format : kFormats) {
    if (format->probe(head)) return format;
  }
  return nullptr;
}

Status find_format_inside(const Format **out, const Source &source, const Settings &settings) {
  *out = nullptr;
  for (const Format *format : kFormats) {
    bool found = false;
    if (format->find != nullptr) TFILE_TRY(format->find(&found, source, settings));
    if (found) return *out = format, kOk;
  }
  return kOk;
}

Text Listing::name_at(const void *owner, size_t index) {
  return static_cast<const Listing *>(owner)->members[index].name;
}

Status Listing::add(const Source &source, const Settings &settings, const Member &member, uint64_t header_offset) {
  TFILE_TRY(check_array_count(source, settings, members.size() + 1, header_offset));
  // The index reads names from the list, so the member must be added to the list first.
  TFILE_TRY(members.push(member));
  size_t found = NameIndex::kNone;
  const Status status = names.add(&found, member.name);
  if (status.ok() && found == NameIndex::kNone) return kOk;
  members.pop();
  if (!status.ok()) return status;
  return Failure(TF_STATUS_DUPLICATE).in(source.label).array(member.name).at(header_offset)
         << "the name occurs twice in the file";
}

Status Listing::append(Vec<Text> &lines, Text text) {
  Text copy;
  TFILE_TRY(arena.copy(&copy, text));
  return lines.push(copy);
}

Status Listing::tolerate(const Settings &settings, Status failure) {
  if (failure.ok()) return kOk;
  if (!settings.on(TF_OPTION_LENIENT)) return append_hint(failure, kLenientHint);
  const ErrorRecord &record = error_record();
  char buffer[sizeof(record.message) + 32];
  LineWriter line(buffer, sizeof(buffer));
  line << status_name(record.status) << ": " << record.message;
  return add_tolerated(line.text());
}

Status append_hint(Status failure, const char *text) {
  ErrorRecord &record = error_record();
  const size_t used = strlen(record.message);
  LineWriter(record.message + used, sizeof(record.message) - used) << text;
  return failure;
}

uint64_t header_limit(const Settings &settings, uint64_t initial) {
  const uint64_t limit = settings.limit(TF_OPTION_MAX_HEADER_BYTES);
  return limit != 0 ? limit : initial;
}

uint64_t data_alignment(const Settings &settings, uint64_t initial) {
  const uint64_t alignment = settings.limit(TF_OPTION_ALIGNMENT);
  return alignment != 0 ? alignment : initial;
}

Status fail_rank(const Source &source, const Settings &settings, Text name, uint64_t rank, uint64_t offset) {
  return Failure(TF_STATUS_LIMIT).in(source.label).array(name).at(offset)
         << "has " << rank << " dimensions, more than "
         << Limit{TF_OPTION_MAX_RANK, settings.limit(TF_OPTION_MAX_RANK)};
}

Status check_array_count(const Source &source, const Settings &settings, uint64_t count, uint64_t offset) {
  const uint64_t most = settings.limit(TF_OPTION_MAX_ARRAYS);
  if (count <= most) return kOk;
  return Failure(TF_STATUS_LIMIT).in(source.label).at(offset)
         << "more arrays than " << Limit{TF_OPTION_MAX_ARRAYS, most};
}

Status fail_name_length(const Source &source, const Settings &settings, uint64_t length, uint64_t offset) {
  return Failure(TF_STATUS_LIMIT).in(source.label).at(offset)
         << "a name of " << length << " bytes is longer than "
         << Limit{TF_OPTION_MAX_NAME_BYTES, settings.limit(TF_OPTION_MAX_NAME_BYTES)};
}

}  // namespace tfile
