// Changes the header of .safetensors. What it says about an array, including members that only other programs know, is
// kept except for the offsets of the data.
#include <algorithm>

#include "base/endian.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "format/safetensors/safetensors.h"

namespace tfile {

namespace {

constexpr uint64_t kAlignment = 64;
// File systems share blocks of this size between files.
constexpr uint64_t kBlock = 4096;

// An array of the new file.
struct Kept {
  Text name;
  Text info;       // the object that describes it in the old header
  uint64_t begin;  // in the data sections: first of the old file, then of the new one
  uint64_t end;
  uint64_t from;  // offset in the old file
};

class HeaderEdit {
 public:
  HeaderEdit(Splice &splice, const EditRequest &request)
      : splice_(splice), request_(request), header_(request.settings.memory()), kept_(request.settings.memory()) {}

  Status run() {
    TFILE_TRY(read_header());
    TFILE_TRY(find_arrays());
    TFILE_TRY(assign_offsets());
    TFILE_TRY(write_header());
    for (const size_t i : order_)
      TFILE_TRY(splice_.copy(kept_[i].from, kept_[i].end - kept_[i].begin));
    return kOk;
  }

 private:
  uint64_t old_start() const { return kSafetensorsLength + header_.size(); }

  Status read_header() {
    const Source &source = request_.source;
    uint8_t field[kSafetensorsLength];
    TFILE_TRY(read_at(source, 0, field, sizeof(field), Text()));
    const auto length = load_le<uint64_t>(field);
    const bool same =
        length <= header_limit(request_.settings) && Checked::within(kSafetensorsLength, length, source.size);
    if (!same) return header_changed(source);
    TFILE_TRY(header_.resize(static_cast<size_t>(length)));
    return read_at(source, kSafetensorsLength, header_.data(), length, Text());
  }

  // Finds the descriptions of the arrays that are kept, in the order of the header.
  Status find_arrays() {
    const Listing &listing = request_.listing;
    JsonReader reader(Span<char>(header_.data(), header_.size()), request_.source.label, kSafetensorsLength);
    size_t found = 0;
    TFILE_TRY(kept_.reserve(listing.members.size()));
    TFILE_TRY(reader.begin_object());
    for (;;) {
      bool more = false;
      Text name;
      TFILE_TRY(reader.next_key(&more, &name));
      if (!more) break;
      const size_t start = reader.position();
      const Text rest = reader.rest();
      TFILE_TRY(reader.skip());
      if (name == kSafetensorsMetadata) continue;
      const size_t i = listing.names.find(name);
      if (i == NameIndex::kNone) return header_changed(request_.source);
      ++found;
      if (!request_.names[i].removed) TFILE_TRY(keep(i, rest.first(reader.position() - start)));
    }
    return found == listing.members.size() ? kOk : header_changed(request_.source);
  }

  Status keep(size_t i, Text info) {
    const Member &member = request_.listing.members[i];
    if (member.offset < old_start()) return header_changed(request_.source);
    const uint64_t begin = member.offset - old_start();
    return kept_.push(Kept{request_.names[i].name, info, begin, begin + member.stored, member.offset});
  }

  // Gives the arrays new offsets without gaps, in the order of the old ones. Empty arrays precede the array that begins
  // where they end.
  Status assign_offsets() {
    TFILE_TRY(order_.resize(kept_.size()));
    for (size_t i = 0; i < order_.size(); ++i)
      order_[i] = i;
    std::sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
      if (kept_[a].begin != kept_[b].begin) return kept_[a].begin < kept_[b].begin;
      return kept_[a].end != kept_[b].end ? kept_[a].end < kept_[b].end : a < b;
    });
    uint64_t at = 0;
    for (const size_t i : order_) {
      Kept &array = kept_[i];
      const uint64_t nbytes = array.end - array.begin;
      array.begin = at;
      array.end = at += nbytes;
    }
    return kOk;
  }

  Status write_header() {
    Memory &memory = request_.settings.memory();
    Vec<char> text(memory);
    TFILE_TRY(text.resize(kSafetensorsLength));
    JsonText json(&text);
    TFILE_TRY(put_object(json));
    const uint64_t start = data_start(text.size());
    const size_t written = text.size();
    TFILE_TRY(text.resize(static_cast<size_t>(start)));
    memset(text.data() + written, ' ', text.size() - written);
    store_le(text.data(), start - kSafetensorsLength);
    return splice_.write(text.data(), text.size());
  }

  // Returns the offset of the data after a header of this many bytes. A header that fits keeps the old offset. One that
  // does not moves the data by whole blocks, which file systems can share between the files, if that keeps the alignment.
  uint64_t data_start(uint64_t length) const {
    const uint64_t old = old_start();
    if (length <= old) return old;
    if (old % kAlignment != 0) return Checked(length).align_up(kAlignment).value();
    return old + Checked(length - old).align_up(kBlock).value();
  }

  Status put_object(JsonText &json) const {
    bool first = true;
    TFILE_TRY(json.put("{"));
    if (request_.metadata.size() > 0) TFILE_TRY(put_metadata(json));
    first = request_.metadata.size() == 0;
    for (const Kept &array : kept_) {
      if (!first) TFILE_TRY(json.put(","));
      first = false;
      TFILE_TRY(json.string(array.name));
      TFILE_TRY(json.put(":"));
      TFILE_TRY(put_info(json, array));
    }
    return json.put("}");
  }

  Status put_metadata(JsonText &json) const {
    TFILE_TRY(json.string(kSafetensorsMetadata));
    TFILE_TRY(json.put(":{"));
    for (size_t i = 0; i < request_.metadata.size(); ++i) {
      const DictEntry &entry = request_.metadata.at(i);
      if (i > 0) TFILE_TRY(json.put(","));
      TFILE_TRY(json.string(entry.key));
      TFILE_TRY(json.put(":"));
      TFILE_TRY(json.string(entry.string));
    }
    return json.put("}");
  }

  // Copies the members of an array's description, with the new offsets.
  Status put_info(JsonText &json, const Kept &array) const {
    // Reading it decodes nothing, and so changes nothing.
    char *const start = const_cast<char *>(array.info.data());
    JsonReader reader(Span<char>(start, array.info.size()), request_.source.label, kSafetensorsLength);
    bool first = true;
    TFILE_TRY(json.put("{"));
    TFILE_TRY(reader.begin_object());
    for (;;) {
      bool more = false;
      Text key;
      TFILE_TRY(reader.next_raw_key(&more, &key));
      if (!more) return json.put("}");
      if (!first) TFILE_TRY(json.put(","));
      first = false;
      TFILE_TRY(json.put("\""));
      TFILE_TRY(json.put(key));
      TFILE_TRY(json.put("\":"));
      const size_t begin = reader.position();
      TFILE_TRY(reader.skip());
      if (is_safetensors_key(key, kSafetensorsOffsets)) {
        TFILE_TRY(put_offsets(json, array));
      } else {
        TFILE_TRY(put_compact(json, array.info.from(begin).first(reader.position() - begin)));
      }
    }
  }

  static Status put_offsets(JsonText &json, const Kept &array) {
    TFILE_TRY(json.put("["));
    TFILE_TRY(json.number(array.begin));
    TFILE_TRY(json.put(","));
    TFILE_TRY(json.number(array.end));
    return json.put("]");
  }

  // Puts JSON without the white space between its tokens.
  static Status put_compact(JsonText &json, Text text) {
    bool in_string = false;
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      if (in_string && text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        in_string = !in_string;
      } else if (!in_string && is_json_space(text[i])) {
        TFILE_TRY(json.put(text.from(start).first(i - start)));
        start = i + 1;
      }
    }
    return json.put(text.from(start));
  }

  Splice &splice_;
  const EditRequest &request_;
  Vec<char> header_;                               // without its length
  Vec<Kept> kept_;                                 // in the order of the header
  Vec<size_t> order_{request_.settings.memory()};  // indices of kept_ in the order of the data
};

}  // namespace

Status edit_safetensors(Splice &splice, const EditRequest &request) {
  return HeaderEdit(splice, request).run();
}

}  // namespace tfile
