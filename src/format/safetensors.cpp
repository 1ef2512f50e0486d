// The safetensors format: the length of a JSON header, the header, and the arrays' bytes without gaps.
//
// Opening goes over the header once and keeps a small record of each array, so that refusing a bad file costs little.
// Only when everything has been checked are names, shapes and metadata read out of it.
#include <algorithm>

#include "base/endian.h"
#include "base/utf8.h"
#include "codec/common_form.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "format/format.h"

namespace tfile {

namespace {

constexpr size_t kLengthBytes = 8;
// Read at once: all of a small file, or the header of a common one.
constexpr uint64_t kFirstRead = uint64_t{64} << 10;
constexpr uint64_t kDefaultAlignment = 64;
// The shortest entry of an array there can be.
constexpr size_t kLeastEntry = sizeof(R"("":{"dtype":"","shape":[],"data_offsets":[0,0]})") - 1;
constexpr Text kMetadataName = "__metadata__";

struct DtypeName {
  Text text;
  tf_dtype id;
};

// In the reference's order; its writer puts those that come last first.
constexpr DtypeName kDtypeNames[] = {
    {"BOOL", TF_DTYPE_BOOL},
    {"F4", TF_DTYPE_FLOAT4_E2M1FN},
    {"F6_E2M3", TF_DTYPE_FLOAT6_E2M3FN},
    {"F6_E3M2", TF_DTYPE_FLOAT6_E3M2FN},
    {"U8", TF_DTYPE_UINT8},
    {"I8", TF_DTYPE_INT8},
    {"F8_E5M2", TF_DTYPE_FLOAT8_E5M2},
    {"F8_E4M3", TF_DTYPE_FLOAT8_E4M3FN},
    {"F8_E8M0", TF_DTYPE_FLOAT8_E8M0FNU},
    {"F8_E4M3FNUZ", TF_DTYPE_FLOAT8_E4M3FNUZ},
    {"F8_E5M2FNUZ", TF_DTYPE_FLOAT8_E5M2FNUZ},
    {"I16", TF_DTYPE_INT16},
    {"U16", TF_DTYPE_UINT16},
    {"F16", TF_DTYPE_FLOAT16},
    {"BF16", TF_DTYPE_BFLOAT16},
    {"I32", TF_DTYPE_INT32},
    {"U32", TF_DTYPE_UINT32},
    {"F32", TF_DTYPE_FLOAT32},
    {"C64", TF_DTYPE_COMPLEX64},
    {"F64", TF_DTYPE_FLOAT64},
    {"I64", TF_DTYPE_INT64},
    {"U64", TF_DTYPE_UINT64},
};

const DtypeName *find_dtype_name(tf_dtype id) {
  for (const DtypeName &name : kDtypeNames) {
    if (name.id == id) return &name;
  }
  return nullptr;
}

const Dtype *find_safetensors_dtype(Text raw) {
  for (const DtypeName &name : kDtypeNames) {
    if (raw == name.text) return find_dtype(name.id);
  }
  for (const DtypeName &name : kDtypeNames) {
    if (has_json_escape(raw) && compare_raw_json(raw, name.text) == 0) return find_dtype(name.id);
  }
  return nullptr;
}

// Whether a raw key means a name, which needs no escape itself.
bool is_key(Text raw, Text name) {
  return raw == name || (has_json_escape(raw) && compare_raw_json(raw, name) == 0);
}

bool is_json_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// The first byte of text that is not white space; a space when there is none.
char first_token(Text text) {
  for (const char c : text) {
    if (!is_json_space(c)) return c;
  }
  return ' ';
}

// Checks the length of the header; head is what has been read of the file.
Status check_length(uint64_t length, Text head, const Source &source, const Settings &settings) {
  const Checked end = Checked(length) + kLengthBytes;
  const uint64_t limit = header_limit(settings);
  if (end.valid() && length > 0 && length <= limit && end.value() <= source.size) return kOk;
  const auto fail = [&source](tf_status status) { return Failure(status).in(source.label).at(0); };
  const char first = first_token(head.from(kLengthBytes));
  if (length > 0 && first != ' ' && first != '{') {
    return fail(TF_STATUS_FORMAT) << "not a safetensors file: no length of a JSON header, and no '{' behind it";
  }
  if (length == 0) return fail(TF_STATUS_CORRUPT) << "the header has 0 bytes, expected a JSON object";
  if (!end.valid()) return fail(TF_STATUS_CORRUPT) << "a header of " << length << " bytes, which is beyond 2^63";
  if (length > limit) {
    return fail(TF_STATUS_LIMIT) << "a header of " << length << " bytes is longer than the limit (max_header_bytes) of "
                                 << limit;
  }
  return fail(TF_STATUS_TRUNCATED) << "the header should end at byte " << end.value() << ", the file ends at byte "
                                   << source.size;
}

// The length and the header; small files are read in one go.
Status read_header(Vec<char> &bytes, const Source &source, const Settings &settings) {
  if (source.size < kLengthBytes) {
    return Failure(TF_STATUS_TRUNCATED).in(source.label).at(source.size)
           << "the file has " << source.size << " bytes, a safetensors file at least 8";
  }
  const auto first = static_cast<size_t>(source.size < kFirstRead ? source.size : kFirstRead);
  TFILE_TRY(bytes.resize(first));
  TFILE_TRY(read_at(source, 0, bytes.data(), first, Text()));
  const auto length = load_le<uint64_t>(bytes.data());
  TFILE_TRY(check_length(length, Text(bytes.data(), first), source, settings));
  const Checked end = Checked(length) + kLengthBytes;
  if (!end.fits_memory())
    return Failure(TF_STATUS_OUT_OF_MEMORY).in(source.label) << "the header does not fit in memory";
  TFILE_TRY(bytes.resize(static_cast<size_t>(end.value())));
  if (end.value() <= first) return kOk;
  return read_at(source, first, bytes.data() + first, end.value() - first, Text());
}

// What a header says of one array, and where in the header.
struct Fields {
  const Dtype *dtype = nullptr;
  Text dtype_text;  // as it stands in the header
  int64_t sizes[kMaxRank];
  uint64_t rank = 0;
  uint64_t offsets[2] = {0, 0};
  size_t dtype_at = 0;  // 0: has not been seen
  size_t shape_at = 0;
  size_t offsets_at = 0;

  Span<const int64_t> shape() const { return {sizes, static_cast<size_t>(rank)}; }
};

// What is kept of an array until the whole header has been checked.
struct Entry {
  Text name;
  uint64_t begin;  // in the data section
  uint64_t end;
  const Dtype *dtype;
  const char *text;  // its JSON object; when that is gone and dtype is NULL: the reason
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
  static Text name_at(const void *owner, size_t place) {
    return static_cast<const HeaderScan *>(owner)->entries_[place].name;
  }
  char *json() { return header_.data() + kLengthBytes; }
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
  Status make_room();
  Status build_entry(Entry &entry);
  Status build_members();

  Listing &listing_;
  const Source &source_;
  const Settings &settings_;
  Vec<char> header_;  // from the first byte of the file
  JsonReader reader_;
  Vec<Entry> entries_;
  NameIndex names_;      // of entries_, in the order of the header
  bool sorted_ = false;  // since then
  size_t name_bytes_ = 0;
  size_t ranks_ = 0;
  int64_t *shapes_ = nullptr;  // room for the shapes that are still to come
  Text last_dtype_text_;
  const Dtype *last_dtype_ = nullptr;
  uint64_t data_start_ = 0;
  size_t metadata_at_ = 0;  // 0: there are none
};

Status HeaderScan::run() {
  TFILE_TRY(read_header(header_, source_, settings_));
  data_start_ = header_.size();
  reader_ = JsonReader(Span<char>(json(), header_.size() - kLengthBytes), source_.label, kLengthBytes);
  TFILE_TRY(reserve_entries());
  TFILE_TRY(scan());
  TFILE_TRY(check_layout());
  TFILE_TRY(build_metadata());
  TFILE_TRY(make_room());
  for (Entry &entry : entries_)
    TFILE_TRY(build_entry(entry));
  return build_members();
}

// Room for as many arrays as the header can have: each has a brace, and the bytes of the shortest entry.
Status HeaderScan::reserve_entries() {
  const Text header(json(), header_.size() - kLengthBytes);
  size_t braces = 0;
  for (const char c : header)
    braces += c == '{' ? 1 : 0;
  const size_t most = std::min(braces, header.size() / kLeastEntry);
  TFILE_TRY(entries_.reserve(most));
  return names_.reserve(most);
}

Status HeaderScan::scan() {
  const Status status = scan_values();
  // A name that stands twice stands before what ended the scan.
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
    if (name == kMetadataName) {
      TFILE_TRY(scan_metadata());
    } else {
      TFILE_TRY(scan_value(name));
    }
    reader_.about_array(Text());
  }
  return reader_.end();
}

// The value of one name, which is an array.
Status HeaderScan::scan_value(Text name) {
  const size_t at = position_of(name.data()) - 1;
  TFILE_TRY(check_name_length(source_, settings_, name.size(), kLengthBytes + at));
  TFILE_TRY(check_array_count(source_, settings_, entries_.size() + 1, kLengthBytes + at));
  reader_.about_array(name);
  if (!name.empty() && memchr(name.data(), '\0', name.size()) != nullptr) {
    return reader_.fail(at) << "the name holds a NUL";
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

// Adds the entries since the last time.
Status HeaderScan::index_names() {
  size_t found = 0;
  size_t twin = 0;
  TFILE_TRY(names_.add_up_to(entries_.size(), &found, &twin));
  if (found == NameIndex::kNone) return kOk;
  const Text name = entries_[found].name;
  reader_.about_array(name);
  return reader_.fail(position_of(name.data()) - 1, TF_STATUS_DUPLICATE) << "the name stands twice in the file";
}

// An array's value as nearly every writer has it. False: it is not so, and has yet to be read.
bool HeaderScan::read_common(Fields *fields) {
  const Text rest = reader_.rest();
  CommonForm form(rest);
  const auto place = [&] { return position_of(form.at()) - 1; };
  if (!form.literal("{\"dtype\":\"")) return false;
  fields->dtype_at = place();
  if (!form.word(&fields->dtype_text, '"') || !form.literal(",\"shape\":[")) return false;
  fields->shape_at = place();
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
  fields->offsets_at = place();
  const bool whole = form.number(&fields->offsets[0]) && form.character(',') && form.number(&fields->offsets[1]);
  if (!whole || !form.literal("]}")) return false;
  fields->rank = rank;
  fields->dtype = dtype_of(fields->dtype_text);
  reader_.pass(rest.size() - form.remaining());
  return true;
}

// Most arrays have the dtype of the one before.
const Dtype *HeaderScan::dtype_of(Text raw) {
  if (!(raw == last_dtype_text_)) {
    last_dtype_text_ = raw;
    last_dtype_ = find_safetensors_dtype(raw);
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
  const char *const missing = fields->dtype_at == 0     ? "dtype"
                              : fields->shape_at == 0   ? "shape"
                              : fields->offsets_at == 0 ? "data_offsets"
                                                        : nullptr;
  return missing == nullptr ? kOk : reader_.fail(start) << "has no '" << missing << "'";
}

Status HeaderScan::read_field(Fields *fields, Text key) {
  if (is_key(key, "dtype")) {
    TFILE_TRY(begin_field(&fields->dtype_at, "dtype"));
    TFILE_TRY(reader_.raw_string(&fields->dtype_text));
    fields->dtype = dtype_of(fields->dtype_text);
    return kOk;
  }
  if (is_key(key, "shape")) {
    TFILE_TRY(begin_field(&fields->shape_at, "shape"));
    return read_shape(fields);
  }
  if (is_key(key, "data_offsets")) {
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

// That the offsets span what dtype and shape need.
Status HeaderScan::check_size(Text name, const Fields &fields) {
  TFILE_TRY(check_rank(source_, settings_, name, fields.rank, kLengthBytes + fields.shape_at));
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
  return (reader_.fail(fields.offsets_at)
          << "data_offsets span " << end - begin << " bytes, " << fields.dtype_text << " of shape ")
             .shape(fields.shape())
         << " needs " << bytes.value();
}

// The next key and string of the metadata, as they stand in the header.
Status next_pair(bool *more, Text *key, Text *value, JsonReader &reader) {
  TFILE_TRY(reader.next_raw_key(more, key));
  if (!*more) return kOk;
  reader.about_key(*key);
  TFILE_TRY(reader.raw_string(value));
  reader.about_key(Text());
  return kOk;
}

// Metadata are checked here, and read when all else has been found good.
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
    TFILE_TRY(check_name_length(source_, settings_, raw_json_size(key), kLengthBytes + at));
    if (count < most) continue;
    return reader_.fail(at, TF_STATUS_LIMIT) << "more metadata values than the limit (max_metadata) of " << most;
  }
}

// That no key stands twice. They are sorted, because an index would cost several times what a short key does.
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
    return reader.fail(position_of(keys[i].data()) - 1, TF_STATUS_DUPLICATE) << "stands twice in the metadata";
  }
  return kOk;
}

// That the arrays lie behind one another and fill the rest of the file.
Status HeaderScan::check_layout() {
  // By offset; empty arrays, which share one, in the header's order.
  const auto before = [](const Entry &a, const Entry &b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    return a.end != b.end ? a.end < b.end : a.text < b.text;
  };
  sorted_ = !std::is_sorted(entries_.begin(), entries_.end(), before);
  if (sorted_) std::sort(entries_.begin(), entries_.end(), before);
  uint64_t end = 0;
  for (const Entry &entry : entries_) {
    if (entry.begin != end) {
      return blame_offsets(entry) << "data_offsets begin at " << entry.begin << ", expected " << end
                                  << (entry.begin > end ? ": a hole before them" : ": they overlap others");
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
  if (end.value() == source_.size || settings_.on(TF_OPTION_LENIENT)) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.value())
         << "the data end at byte " << end.value() << ", the file at byte " << source_.size;
}

Status HeaderScan::reread(Fields *fields, const Entry &entry) {
  reader_.seek(position_of(entry.text));
  return read_fields(fields);
}

// Begins the message about an array that has been read before.
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

// For all names and shapes at once.
Status HeaderScan::make_room() {
  void *shapes = nullptr;
  TFILE_TRY(listing_.arena.reserve(ranks_ * sizeof(int64_t) + name_bytes_ + alignof(int64_t)));
  TFILE_TRY(listing_.arena.allocate(&shapes, ranks_ * sizeof(int64_t), alignof(int64_t)));
  shapes_ = static_cast<int64_t *>(shapes);
  return kOk;
}

// Takes out of the header what is in it of an array.
Status HeaderScan::build_entry(Entry &entry) {
  Fields fields;
  TFILE_TRY(reread(&fields, entry));
  TFILE_TRY(listing_.arena.copy(&entry.name, entry.name));
  if (fields.rank > 0) memcpy(shapes_, fields.sizes, static_cast<size_t>(fields.rank) * sizeof(int64_t));
  entry.shape = Span<const int64_t>(shapes_, static_cast<size_t>(fields.rank));
  shapes_ += fields.rank;
  if (entry.dtype != nullptr) return kOk;
  char buffer[256];
  LineWriter line(buffer, sizeof(buffer));
  line << "dtype '" << reader_.decode(fields.dtype_text).first(48) << "'";
  Text reason;
  TFILE_TRY(listing_.arena.copy(&reason, line.text()));
  entry.text = reason.data();
  return kOk;
}

Status HeaderScan::build_members() {
  // The header goes before the members come: both at once would be most of what opening a file costs.
  {
    Vec<char> nothing(listing_.memory);
    header_.swap(nothing);
  }
  TFILE_TRY(listing_.members.reserve(entries_.size()));
  for (const Entry &entry : entries_) {
    Member member;
    member.name = entry.name;
    member.shape = entry.shape;
    member.dtype = entry.dtype;
    if (entry.dtype == nullptr) member.reason = Text(entry.text);
    member.nbytes = entry.end - entry.begin;
    member.stored = member.nbytes;
    member.offset = data_start_ + entry.begin;
    TFILE_TRY(sorted_ ? listing_.add(source_, settings_, member, 0) : listing_.members.push(member));
  }
  if (!sorted_) listing_.take_names(names_);
  return kOk;
}

Status list_safetensors(Listing &listing, const Source &source, const Settings &settings) {
  return HeaderScan(listing, source, settings).run();
}

bool probe_safetensors(Bytes head) {
  // A longer header is of no one's; other formats' magic numbers lie above.
  constexpr uint64_t kMostPlausible = UINT32_MAX;
  if (head.size() <= kLengthBytes) return false;
  const auto length = load_le<uint64_t>(head.data());
  const Text behind(reinterpret_cast<const char *>(head.data()) + kLengthBytes, head.size() - kLengthBytes);
  return length >= 2 && length <= kMostPlausible && first_token(behind) == '{';
}

// One array of a save: where it goes, and under which dtype.
struct Item {
  const NamedArray *named;  // among the request's
  const DtypeName *dtype;
  uint64_t begin;
};

// What a header says: arrays in the order of the reference, or the request's where that must be, keys sorted.
struct Plan {
  explicit Plan(Memory &memory) : items(memory), metadata(memory) {}
  Status make(const SaveRequest &request);

  Vec<Item> items;
  Vec<const DictEntry *> metadata;
};

Status Plan::make(const SaveRequest &request) {
  TFILE_TRY(items.reserve(request.arrays.size()));
  for (const NamedArray &named : request.arrays)
    TFILE_TRY(items.push(Item{&named, find_dtype_name(named.array->dtype->id), 0}));
  const auto before = [](const Item &a, const Item &b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : compare(a.named->name, b.named->name) < 0;
  };
  if (!request.forward) std::sort(items.begin(), items.end(), before);
  Checked end = 0;
  for (Item &item : items) {
    item.begin = end.value();
    end = end + item.named->array->nbytes;
    if (!end.valid()) return Failure(TF_STATUS_UNSUPPORTED) << "safetensors cannot hold 2^63 bytes or more";
  }
  if (request.metadata == nullptr) return kOk;
  for (const DictEntry *entry : request.metadata->entries)
    TFILE_TRY(metadata.push(entry));
  std::sort(metadata.begin(), metadata.end(),
            [](const DictEntry *a, const DictEntry *b) { return compare(a->key, b->key) < 0; });
  return kOk;
}

Status put_metadata(JsonText &json, const Plan &plan) {
  TFILE_TRY(json.put("\"__metadata__\":{"));
  for (size_t i = 0; i < plan.metadata.size(); ++i) {
    if (i > 0) TFILE_TRY(json.put(","));
    TFILE_TRY(json.string(plan.metadata[i]->key));
    TFILE_TRY(json.put(":"));
    TFILE_TRY(json.string(plan.metadata[i]->string));
  }
  return json.put("}");
}

Status put_item(JsonText &json, const Item &item) {
  const Array &array = *item.named->array;
  TFILE_TRY(json.string(item.named->name));
  TFILE_TRY(json.put(":{\"dtype\":\""));
  TFILE_TRY(json.put(item.dtype->text));
  TFILE_TRY(json.put("\",\"shape\":["));
  for (size_t i = 0; i < array.ndim; ++i) {
    if (i > 0) TFILE_TRY(json.put(","));
    TFILE_TRY(json.number(static_cast<uint64_t>(array.shape()[i])));
  }
  TFILE_TRY(json.put("],\"data_offsets\":["));
  TFILE_TRY(json.number(item.begin));
  TFILE_TRY(json.put(","));
  TFILE_TRY(json.number(item.begin + array.nbytes));
  return json.put("]}");
}

Status put_header(JsonText &json, const Plan &plan) {
  TFILE_TRY(json.put("{"));
  if (!plan.metadata.empty()) TFILE_TRY(put_metadata(json, plan));
  for (size_t i = 0; i < plan.items.size(); ++i) {
    if (i > 0 || !plan.metadata.empty()) TFILE_TRY(json.put(","));
    TFILE_TRY(put_item(json, plan.items[i]));
  }
  return json.put("}");
}

uint64_t alignment_of(const Settings &settings) {
  const uint64_t alignment = settings.limit(TF_OPTION_ALIGNMENT);
  return alignment == 0 ? kDefaultAlignment : alignment;
}

// Lists what the format cannot hold of the arrays.
void refuse_arrays(Refusals &refusals, Span<const NamedArray> arrays) {
  for (const NamedArray &named : arrays) {
    const Text name = named.name;
    const char *const wrong = name == kMetadataName ? "the name is the format's own for metadata"
                              : !name.empty() && memchr(name.data(), '\0', name.size()) != nullptr
                                  ? "the name holds a NUL"
                              : !is_utf8(name) ? "the name is not UTF-8"
                                               : nullptr;
    if (wrong != nullptr) {
      refusals.add(name) << wrong;
    } else if (find_dtype_name(named.array->dtype->id) == nullptr) {
      refusals.add(name) << named.array->dtype->name << " has no safetensors dtype";
    }
  }
}

// *all_strings: no value is of another kind.
void refuse_metadata(Refusals &refusals, bool *all_strings, const Dict &metadata) {
  *all_strings = true;
  for (const DictEntry *entry : metadata.entries) {
    if (entry->kind != TF_KIND_STRING) {
      *all_strings = false;
      refusals.add(entry->key) << "metadata that is not a string";
    } else if (!is_utf8(entry->key) || !is_utf8(entry->string)) {
      refusals.add(entry->key) << "metadata that is not UTF-8";
    }
  }
}

Status check_safetensors(const SaveRequest &request) {
  Refusals refusals;
  refuse_arrays(refusals, request.arrays);
  const bool arrays_fit = !refusals.any();
  bool all_strings = true;
  if (request.metadata != nullptr) refuse_metadata(refusals, &all_strings, *request.metadata);
  const tf_status status = arrays_fit && !all_strings ? TF_STATUS_TYPE : TF_STATUS_UNSUPPORTED;
  TFILE_TRY(refusals.result(status, Text(), "safetensors cannot hold"));
  Plan plan(request.settings.memory());
  TFILE_TRY(plan.make(request));
  JsonText json(nullptr);
  TFILE_TRY(put_header(json, plan));
  const uint64_t length = (Checked(json.size()) + kLengthBytes).align_up(alignment_of(request.settings)).value();
  const uint64_t limit = header_limit(request.settings);
  if (length - kLengthBytes <= limit) return kOk;
  return Failure(TF_STATUS_LIMIT) << "the safetensors header would have " << length - kLengthBytes
                                  << " bytes, more than the limit (max_header_bytes) of " << limit;
}

Status lay_out_safetensors(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Plan plan(memory);
  TFILE_TRY(plan.make(request));
  Vec<char> header(memory);
  TFILE_TRY(header.resize(kLengthBytes));
  JsonText json(&header);
  TFILE_TRY(put_header(json, plan));
  const uint64_t alignment = alignment_of(request.settings);
  const size_t written = header.size();
  TFILE_TRY(header.resize(static_cast<size_t>(Checked(written).align_up(alignment).value())));
  memset(header.data() + written, ' ', header.size() - written);
  store_le(header.data(), static_cast<uint64_t>(header.size() - kLengthBytes));
  TFILE_TRY(layout.write(header.data(), header.size()));
  for (const Item &item : plan.items) {
    const auto place = static_cast<size_t>(item.named - request.arrays.data());
    TFILE_TRY(layout.add_array(place, item.named->array->nbytes));
  }
  return kOk;
}

}  // namespace

const Format kSafetensorsFormat = {
    .id = TF_FORMAT_SAFETENSORS,
    .name = "safetensors",
    .extension = ".safetensors",
    .metadata = MetadataKind::kStrings,
    .sets = SetKind::kIndex,
    .max_parts = 99999,  // the names of the files have five digits
    .probe = probe_safetensors,
    .list = list_safetensors,
    .check = check_safetensors,
    .lay_out = lay_out_safetensors,
};

}  // namespace tfile
