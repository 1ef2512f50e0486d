// Reads safetensors: the length of a JSON header, the header, and the arrays' bytes without gaps.
//
// The header is scanned once. The scan stores only a small record for each array, so that refusing a bad file needs
// little memory. Names, shapes and metadata are read after everything has been checked.
#include <algorithm>

#include "base/endian.h"
#include "codec/common_form.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "format/safetensors/safetensors.h"

namespace tfile {

namespace {

// The number of bytes of the first read, enough for a whole small file or for most headers.
constexpr uint64_t kFirstRead = uint64_t{64} << 10;
// The size of the shortest entry for an array.
constexpr size_t kMinEntry = sizeof(R"("":{"dtype":"","shape":[],"data_offsets":[0,0]})") - 1;

// True if the file is text that begins as JSON does. No valid length looks so: its last bytes are 0.
bool begins_with_json(Text head) {
  const Text length = head.first(kSafetensorsLength);
  const auto is_text = [](char c) { return static_cast<uint8_t>(c) >= ' ' || (c >= '\t' && c <= '\r'); };
  const char first = first_json_token(head);
  return (first == '{' || first == '[') && std::all_of(length.begin(), length.end(), is_text);
}

// Checks the length of the header. `head` is the part of the file that has been read.
Status check_length(uint64_t length, Text head, const Source &source, const Settings &settings) {
  const Checked end = Checked(length) + kSafetensorsLength;
  const uint64_t limit = header_limit(settings);
  if (end.valid() && length > 0 && length <= limit && end.value() <= source.size) return kOk;
  const auto fail = [&source](tf_status status) { return Failure(status).in(source.label).at(0); };
  const char first = first_json_token(head.from(kSafetensorsLength));
  if (length > 0 && first != ' ' && first != '{') {
    return fail(TF_STATUS_FORMAT)
           << "not a safetensors file: it does not begin with the length of a JSON header and '{'";
  }
  if (begins_with_json(head)) {
    return fail(TF_STATUS_FORMAT) << "not a safetensors file: it begins with JSON instead of the length of a header";
  }
  if (length == 0) return fail(TF_STATUS_CORRUPT) << "the header has 0 bytes, expected a JSON object";
  if (!end.valid()) return fail(TF_STATUS_CORRUPT) << "a header of " << length << " bytes, which is beyond 2^63";
  if (length > limit) {
    return fail(TF_STATUS_LIMIT) << "a header of " << length << " bytes is longer than "
                                 << Limit{TF_OPTION_MAX_HEADER_BYTES, limit};
  }
  return fail(TF_STATUS_TRUNCATED) << "the header should end at byte " << end.value() << ", the file ends at byte "
                                   << source.size;
}

// Reads the length and the header. Needs only one read for a small file.
Status read_header(Vec<char> &bytes, const Source &source, const Settings &settings) {
  if (source.size < kSafetensorsLength) {
    return Failure(TF_STATUS_TRUNCATED).in(source.label).at(source.size)
           << "the file has " << source.size << " bytes, a safetensors file at least 8";
  }
  const auto first = static_cast<size_t>(std::min(source.size, read_size(source, kFirstRead, kMaxHeaderPiece)));
  TFILE_TRY(bytes.resize(first));
  TFILE_TRY(read_at(source, 0, bytes.data(), first, Text()));
  const auto length = load_le<uint64_t>(bytes.data());
  TFILE_TRY(check_length(length, Text(bytes.data(), first), source, settings));
  const Checked end = Checked(length) + kSafetensorsLength;
  if (!end.fits_memory())
    return Failure(TF_STATUS_OUT_OF_MEMORY).in(source.label) << "the header does not fit in memory";
  TFILE_TRY(bytes.resize(static_cast<size_t>(end.value())));
  if (end.value() <= first) return kOk;
  return read_at(source, first, bytes.data() + first, end.value() - first, Text());
}

// The fields of one array in the header, and their positions.
struct Fields {
  const Dtype *dtype = nullptr;
  Text dtype_text;  // the text of the dtype in the header, undecoded
  int64_t sizes[kMaxRank];
  uint64_t rank = 0;
  uint64_t offsets[2] = {0, 0};
  size_t dtype_at = 0;  // 0 means not found yet
  size_t shape_at = 0;
  size_t offsets_at = 0;

  Span<const int64_t> shape() const { return {sizes, static_cast<size_t>(rank)}; }
};

// The record of an array that is kept while the header is scanned.
struct Entry {
  Text name;
  uint64_t begin;  // offset in the data section
  uint64_t end;
  const Dtype *dtype;
  const char *text;  // the JSON object; if dtype is NULL, after the header has been released: the type, NUL-terminated
  Span<const int64_t> shape;
};

class HeaderScan {
 public:
  HeaderScan(Listing &listing, const Source &source, const Settings &settings)
      : listing_(listing),
        source_(source),
        settings_(settings),
        header_(listing.memory),
        reader_(Span<char>(), Text(), 0),
        entries_(listing.memory),
        names_(listing.memory, name_at, this) {}

  Status run();

 private:
  static Text name_at(const void *owner, size_t index) {
    return static_cast<const HeaderScan *>(owner)->entries_[index].name;
  }
  char *json() { return header_.data() + kSafetensorsLength; }
  size_t position_of(const char *text) { return static_cast<size_t>(text - json()); }

  Status reserve_entries();
  Status scan();
  Status scan_values();
  Status scan_value(Text name);
  Status index_names();
  Status scan_metadata();
  Status check_keys(size_t count);
  bool read_common(Fields *fields);
  const Dtype *dtype_of(Text raw);
  Status read_fields(Fields *fields);
  Status read_field(Fields *fields, Text key);
  Status begin_field(size_t *at, const char *what);
  Status read_shape(Fields *fields);
  Status read_offsets(Fields *fields);
  Status check_size(Text name, const Fields &fields);
  Status reread(Fields *fields, const Entry &entry);
  Failure blame_offsets(const Entry &entry);
  Status check_layout();
  Status check_end(uint64_t data_bytes);
  Status build_metadata();
  Status allocate_names_and_shapes();
  Status build_entry(Entry &entry);
  Status build_members();

  Listing &listing_;
  const Source &source_;
  const Settings &settings_;
  Vec<char> header_;  // the file from its first byte to the end of the header
  JsonReader reader_;
  Vec<Entry> entries_;
  NameIndex names_;      // indices are those of entries_ in header order
  bool sorted_ = false;  // true if entries_ are no longer in header order
  size_t name_bytes_ = 0;
  size_t ranks_ = 0;
  int64_t *shapes_ = nullptr;  // the unused part of the memory for all shapes
  Text last_dtype_text_;
  const Dtype *last_dtype_ = nullptr;
  uint64_t data_start_ = 0;
  size_t metadata_at_ = 0;  // 0 means that the header has no metadata
};

Status HeaderScan::run() {
  TFILE_TRY(read_header(header_, source_, settings_));
  data_start_ = header_.size();
  reader_ = JsonReader(Span<char>(json(), header_.size() - kSafetensorsLength), source_.label, kSafetensorsLength);
  TFILE_TRY(reserve_entries());
  TFILE_TRY(scan());
  TFILE_TRY(check_layout());
  TFILE_TRY(build_metadata());
  TFILE_TRY(allocate_names_and_shapes());
  for (Entry &entry : entries_)
    TFILE_TRY(build_entry(entry));
  return build_members();
}

// Reserves capacity for the maximum number of arrays that the header can have: each needs a brace, and at least the
// bytes of the shortest entry.
Status HeaderScan::reserve_entries() {
  const Text header(json(), header_.size() - kSafetensorsLength);
  size_t braces = 0;
  for (const char c : header)
    braces += c == '{' ? 1 : 0;
  const size_t most = std::min(braces, header.size() / kMinEntry);
  TFILE_TRY(entries_.reserve(most));
  return names_.reserve(most);
}

Status HeaderScan::scan() {
  const Status status = scan_values();
  // The error for a duplicate name comes first, because it precedes the byte that ended the scan.
  TFILE_TRY(index_names());
  return status;
}

Status HeaderScan::scan_values() {
  TFILE_TRY(reader_.begin_object());
  for (;;) {
    bool more = false;
    Text name;
    TFILE_TRY(reader_.next_key(&more, &name));
    if (!more) break;
    if (name == kSafetensorsMetadata) {
      TFILE_TRY(scan_metadata());
    } else {
      TFILE_TRY(scan_value(name));
    }
    reader_.about_array(Text());
  }
  return reader_.end();
}

// Scans the value of a name, which describes an array.
Status HeaderScan::scan_value(Text name) {
  const size_t at = position_of(name.data()) - 1;
  TFILE_TRY(check_name_length(source_, settings_, name.size(), kSafetensorsLength + at));
  TFILE_TRY(check_array_count(source_, settings_, entries_.size() + 1, kSafetensorsLength + at));
  reader_.about_array(name);
  if (!name.empty() && memchr(name.data(), '\0', name.size()) != nullptr) {
    return reader_.fail(at) << "the name contains a NUL";
  }
  constexpr size_t kIndexedAtOnce = 64;
  const char *const text = json() + reader_.position();
  Fields fields;
  TFILE_TRY(read_fields(&fields));
  TFILE_TRY(check_size(name, fields));
  TFILE_TRY(entries_.push(Entry{name, fields.offsets[0], fields.offsets[1], fields.dtype, text, {}}));
  name_bytes_ += name.size() + 1;
  ranks_ += static_cast<size_t>(fields.rank);
  return entries_.size() % kIndexedAtOnce == 0 ? index_names() : kOk;
}

// Adds the entries since the last call to the index.
Status HeaderScan::index_names() {
  size_t found = 0;
  size_t twin = 0;
  TFILE_TRY(names_.add_up_to(entries_.size(), &found, &twin));
  if (found == NameIndex::kNone) return kOk;
  const Text name = entries_[found].name;
  reader_.about_array(name);
  return reader_.fail(position_of(name.data()) - 1, TF_STATUS_DUPLICATE) << "the name occurs twice in the file";
}

// Reads the value of an array if it has the form that nearly every writer uses, which is fast. Otherwise returns false
// without reading anything.
bool HeaderScan::read_common(Fields *fields) {
  const Text rest = reader_.rest();
  CommonForm form(rest);
  const auto position = [&] { return position_of(form.at()) - 1; };
  if (!form.literal("{\"dtype\":\"")) return false;
  fields->dtype_at = position();
  if (!form.word(&fields->dtype_text, '"') || !form.literal(",\"shape\":[")) return false;
  fields->shape_at = position();
  uint64_t rank = 0;
  if (!form.character(']')) {
    do {
      uint64_t size = 0;
      if (!form.number(&size)) return false;
      if (rank < kMaxRank) fields->sizes[rank] = static_cast<int64_t>(size);
      ++rank;
    } while (form.character(','));
    if (!form.character(']')) return false;
  }
  if (!form.literal(",\"data_offsets\":[")) return false;
  fields->offsets_at = position();
  const bool whole = form.number(&fields->offsets[0]) && form.character(',') && form.number(&fields->offsets[1]);
  if (!whole || !form.literal("]}")) return false;
  fields->rank = rank;
  fields->dtype = dtype_of(fields->dtype_text);
  reader_.pass(rest.size() - form.remaining());
  return true;
}

// Returns the dtype for a raw string. Tries that of the previous array first, because most arrays have the same dtype.
const Dtype *HeaderScan::dtype_of(Text raw) {
  if (!(raw == last_dtype_text_)) {
    last_dtype_text_ = raw;
    last_dtype_ = safetensors_dtype(raw);
  }
  return last_dtype_;
}

Status HeaderScan::read_fields(Fields *fields) {
  if (read_common(fields)) return kOk;
  fields->dtype_at = fields->shape_at = fields->offsets_at = 0;
  const size_t start = reader_.position();
  TFILE_TRY(reader_.begin_object());
  for (;;) {
    bool more = false;
    Text key;
    TFILE_TRY(reader_.next_raw_key(&more, &key));
    if (!more) break;
    TFILE_TRY(read_field(fields, key));
  }
  const char *const absent = fields->dtype_at == 0     ? "dtype"
                             : fields->shape_at == 0   ? "shape"
                             : fields->offsets_at == 0 ? "data_offsets"
                                                       : nullptr;
  return absent == nullptr ? kOk : reader_.fail(start) << "has no '" << absent << "'";
}

Status HeaderScan::read_field(Fields *fields, Text key) {
  if (is_safetensors_key(key, "dtype")) {
    TFILE_TRY(begin_field(&fields->dtype_at, "dtype"));
    TFILE_TRY(reader_.raw_string(&fields->dtype_text));
    fields->dtype = dtype_of(fields->dtype_text);
    return kOk;
  }
  if (is_safetensors_key(key, "shape")) {
    TFILE_TRY(begin_field(&fields->shape_at, "shape"));
    return read_shape(fields);
  }
  if (is_safetensors_key(key, kSafetensorsOffsets)) {
    TFILE_TRY(begin_field(&fields->offsets_at, "data_offsets"));
    return read_offsets(fields);
  }
  return reader_.skip();
}

Status HeaderScan::begin_field(size_t *at, const char *what) {
  const size_t position = reader_.position();
  if (*at != 0) return reader_.fail(position, TF_STATUS_DUPLICATE) << "has '" << what << "' twice";
  *at = position;
  return kOk;
}

Status HeaderScan::read_shape(Fields *fields) {
  TFILE_TRY(reader_.begin_array());
  for (;;) {
    bool more = false;
    TFILE_TRY(reader_.next_element(&more));
    if (!more) break;
    const size_t at = reader_.position();
    uint64_t size = 0;
    TFILE_TRY(reader_.unsigned_integer(&size));
    if (!Checked(size).valid()) return reader_.fail(at) << "dimension " << size << " is beyond 2^63";
    if (fields->rank < kMaxRank) fields->sizes[fields->rank] = static_cast<int64_t>(size);
    ++fields->rank;
  }
  return kOk;
}

Status HeaderScan::read_offsets(Fields *fields) {
  TFILE_TRY(reader_.begin_array());
  uint64_t count = 0;
  for (;; ++count) {
    bool more = false;
    TFILE_TRY(reader_.next_element(&more));
    if (!more) break;
    const size_t at = reader_.position();
    uint64_t offset = 0;
    TFILE_TRY(reader_.unsigned_integer(&offset));
    if (!Checked(offset).valid()) return reader_.fail(at) << "data offset " << offset << " is beyond 2^63";
    if (count < 2) fields->offsets[count] = offset;
  }
  if (count == 2) return kOk;
  return reader_.fail(fields->offsets_at) << "data_offsets has " << count << " numbers, expected 2";
}

// Checks that the offsets span exactly the bytes that dtype and shape need.
Status HeaderScan::check_size(Text name, const Fields &fields) {
  TFILE_TRY(check_rank(source_, settings_, name, fields.rank, kSafetensorsLength + fields.shape_at));
  const uint64_t begin = fields.offsets[0];
  const uint64_t end = fields.offsets[1];
  if (end < begin) {
    return reader_.fail(fields.offsets_at) << "data_offsets end at " << end << ", before they begin, at " << begin;
  }
  const Checked count = element_count(fields.shape());
  if (!count.valid()) {
    return reader_.fail(fields.shape_at).shape(fields.shape()) << " has 2^63 elements or more";
  }
  if (fields.dtype == nullptr) return kOk;
  if (count.value() % fields.dtype->block_size != 0) {
    return reader_.fail(fields.shape_at) << count.value() << " elements of " << fields.dtype_text
                                         << " do not fill whole bytes";
  }
  const Checked bytes = byte_count(*fields.dtype, fields.shape());
  if (!bytes.valid()) return reader_.fail(fields.shape_at).shape(fields.shape()) << " needs 2^63 bytes or more";
  if (bytes.value() == end - begin) return kOk;
  return settings_.collect((reader_.fail(fields.offsets_at)
                            << "data_offsets span " << end - begin << " bytes, " << fields.dtype_text << " of shape ")
                               .shape(fields.shape())
                           << " needs " << bytes.value());
}

// Reads the next key and string of the metadata, with their escapes.
Status next_pair(bool *more, Text *key, Text *value, JsonReader &reader) {
  TFILE_TRY(reader.next_raw_key(more, key));
  if (!*more) return kOk;
  reader.about_key(*key);
  TFILE_TRY(reader.raw_string(value));
  reader.about_key(Text());
  return kOk;
}

// Checks the metadata, which is read after the whole header has been checked.
Status HeaderScan::scan_metadata() {
  const size_t start = reader_.position();
  if (metadata_at_ != 0) return reader_.fail(start, TF_STATUS_DUPLICATE) << "has '__metadata__' twice";
  metadata_at_ = start;
  if (reader_.peek() == JsonType::kNull) return reader_.null();
  const uint64_t most = settings_.limit(TF_OPTION_MAX_METADATA);
  TFILE_TRY(reader_.begin_object());
  for (size_t count = 0;; ++count) {
    bool more = false;
    Text key;
    Text value;
    TFILE_TRY(next_pair(&more, &key, &value, reader_));
    if (!more) return check_keys(count);
    const size_t at = position_of(key.data()) - 1;
    TFILE_TRY(check_name_length(source_, settings_, raw_json_size(key), kSafetensorsLength + at));
    if (count < most) continue;
    return reader_.fail(at, TF_STATUS_LIMIT) << "more metadata values than " << Limit{TF_OPTION_MAX_METADATA, most};
  }
}

// Checks that no key occurs twice. Sorts the keys, because an index would need much more memory than short keys.
Status HeaderScan::check_keys(size_t count) {
  Vec<Text> keys(listing_.memory);
  TFILE_TRY(keys.resize(count));
  JsonReader reader = reader_;
  reader.seek(metadata_at_);
  TFILE_TRY(reader.begin_object());
  for (Text &key : keys) {
    bool more = false;
    Text value;
    TFILE_TRY(next_pair(&more, &key, &value, reader));
  }
  std::sort(keys.begin(), keys.end(), [](Text a, Text b) {
    const int order = compare_raw_json(a, b);
    return order != 0 ? order < 0 : a.data() < b.data();
  });
  for (size_t i = 1; i < keys.size(); ++i) {
    if (compare_raw_json(keys[i - 1], keys[i]) != 0) continue;
    reader.about_key(reader.decode(keys[i]));
    return reader.fail(position_of(keys[i].data()) - 1, TF_STATUS_DUPLICATE) << "occurs twice in the metadata";
  }
  return kOk;
}

// Checks that the data of the arrays follow one another and fill the rest of the file.
Status HeaderScan::check_layout() {
  // Sorts by offset, and empty arrays with the same offset by their order in the header.
  const auto before = [](const Entry &a, const Entry &b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    return a.end != b.end ? a.end < b.end : a.text < b.text;
  };
  sorted_ = !std::is_sorted(entries_.begin(), entries_.end(), before);
  if (sorted_) std::sort(entries_.begin(), entries_.end(), before);
  uint64_t end = 0;
  for (const Entry &entry : entries_) {
    if (entry.begin != end) {
      TFILE_TRY(settings_.collect(blame_offsets(entry)
                                  << "data_offsets begin at " << entry.begin << ", expected " << end
                                  << (entry.begin > end ? ": a hole before them" : ": they overlap others")));
    }
    end = entry.end;
  }
  return check_end(end);
}

Status HeaderScan::check_end(uint64_t data_bytes) {
  const Checked end = Checked(data_start_) + data_bytes;
  if (!end.valid()) {
    return blame_offsets(entries_.back()) << "data_offsets end at " << data_bytes << ", in the file beyond 2^63";
  }
  if (end.value() > source_.size) {
    Failure failure(TF_STATUS_TRUNCATED);
    failure.in(source_.label);
    for (const Entry &entry : entries_) {
      if (data_start_ + entry.end <= source_.size) continue;
      failure.array(entry.name);
      break;
    }
    return failure.at(source_.size) << "the data should end at byte " << end.value() << ", the file ends at byte "
                                    << source_.size;
  }
  if (end.value() == source_.size) return kOk;
  const Status failure = Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.value())
                         << "the data end at byte " << end.value() << ", the file at byte " << source_.size;
  return listing_.tolerate(settings_, failure);
}

Status HeaderScan::reread(Fields *fields, const Entry &entry) {
  reader_.seek(position_of(entry.text));
  return read_fields(fields);
}

// Begins an error about the offsets of an array that has already been scanned.
Failure HeaderScan::blame_offsets(const Entry &entry) {
  Fields fields;
  (void)reread(&fields, entry);
  reader_.about_array(entry.name);
  return reader_.fail(fields.offsets_at);
}

Status HeaderScan::build_metadata() {
  reader_.seek(metadata_at_);
  if (metadata_at_ == 0 || reader_.peek() == JsonType::kNull) return kOk;
  TFILE_TRY(reader_.begin_object());
  for (;;) {
    bool more = false;
    Text key;
    Text value;
    TFILE_TRY(next_pair(&more, &key, &value, reader_));
    if (!more) return kOk;
    TFILE_TRY(listing_.metadata->set_string(reader_.decode(key), reader_.decode(value)));
  }
}

// Allocates the memory for all names and shapes.
Status HeaderScan::allocate_names_and_shapes() {
  void *shapes = nullptr;
  TFILE_TRY(listing_.arena.reserve(ranks_ * sizeof(int64_t) + name_bytes_ + alignof(int64_t)));
  TFILE_TRY(listing_.arena.allocate(&shapes, ranks_ * sizeof(int64_t), alignof(int64_t)));
  shapes_ = static_cast<int64_t *>(shapes);
  return kOk;
}

// Adds an array to the listing, with its name and shape copied from the header.
Status HeaderScan::build_entry(Entry &entry) {
  Fields fields;
  TFILE_TRY(reread(&fields, entry));
  TFILE_TRY(listing_.arena.copy(&entry.name, entry.name));
  if (fields.rank > 0) memcpy(shapes_, fields.sizes, static_cast<size_t>(fields.rank) * sizeof(int64_t));
  entry.shape = Span<const int64_t>(shapes_, static_cast<size_t>(fields.rank));
  shapes_ += fields.rank;
  if (entry.dtype != nullptr) return kOk;
  Text type;
  TFILE_TRY(listing_.arena.copy(&type, reader_.decode(fields.dtype_text)));
  entry.text = type.data();
  return kOk;
}

// Describes an array whose dtype is unknown.
Status set_unknown_type(Member *member, Text type, Arena &arena) {
  char buffer[256];
  LineWriter line(buffer, sizeof(buffer));
  line << "dtype '" << type.first(48) << "'";
  member->type = type;
  return arena.copy(&member->reason, line.text());
}

Status HeaderScan::build_members() {
  // Release the header first: header and members together would be most of the memory that opening a file needs.
  {
    Vec<char> empty(listing_.memory);
    header_.swap(empty);
  }
  TFILE_TRY(listing_.members.reserve(entries_.size()));
  for (const Entry &entry : entries_) {
    Member member;
    member.name = entry.name;
    member.shape = entry.shape;
    member.dtype = entry.dtype;
    if (entry.dtype == nullptr) TFILE_TRY(set_unknown_type(&member, Text(entry.text), listing_.arena));
    member.nbytes = entry.end - entry.begin;
    member.stored = member.nbytes;
    member.offset = data_start_ + entry.begin;
    TFILE_TRY(sorted_ ? listing_.add(source_, settings_, member, 0) : listing_.members.push(member));
  }
  if (!sorted_) listing_.adopt_names(names_);
  return kOk;
}

}  // namespace

Status list_safetensors(Listing &listing, const Source &source, const Settings &settings) {
  return HeaderScan(listing, source, settings).run();
}

}  // namespace tfile
