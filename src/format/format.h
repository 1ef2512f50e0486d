// The interface of file formats: each format is one row in the table of formats.
#pragma once

#include "base/arena.h"
#include "base/options.h"
#include "core/dict.h"
#include "format/layout.h"
#include "format/save_report.h"
#include "format/splice.h"
#include "io/sink.h"
#include "io/source.h"

namespace tfile {

// An array in a file: its description and the location of its bytes.
struct Member {
  Text name;                     // NUL-terminated, in the listing's arena
  Span<const int64_t> shape;     // logical, in C order; in the listing's arena
  const Dtype *dtype = nullptr;  // NULL: unknown
  // Of an unknown dtype: the type as the file spells it, such as "<U3", and the reason why it cannot be read.
  Text type = "unsupported";
  Text reason;
  uint64_t nbytes = 0;  // in memory; of an unknown dtype: stored bytes, inflated
  uint64_t offset = 0;  // of the first stored byte in the source
  uint64_t stored = 0;  // stored bytes, compressed if `deflated`
  uint64_t head = 0;    // deflated: bytes of .npy header to inflate before the data
  uint64_t tail = 0;    // bytes of the file's member after the data, which the settings accept; its CRC-32 covers them
  // Deflated: the offset of each chunk in the stored bytes, and of the end of the last one. Empty: unknown.
  Span<const uint64_t> chunks;
  uint64_t chunk = 0;       // bytes in memory of each chunk but the last
  uint32_t crc32 = 0;       // has_crc: of .npy header and data
  uint32_t head_crc32 = 0;  // has_crc and not deflated: of the .npy header alone
  uint32_t part = 0;        // in a set of files: the index of the file
  bool has_crc = false;
  bool deflated = false;
  bool fortran = false;     // true if the elements are stored in Fortran order
  bool big_endian = false;  // false also if the dtype has no byte order
  // The member's own header is invalid, and the bytes are all of the member; or it is text whose bytes are damaged. The
  // dtype is NULL, and `reason` is the error message.
  bool invalid = false;
  bool is_other = false;                // true if it is not an array but something else in an archive
  tf_status fault = TF_STATUS_CORRUPT;  // of an invalid member: the status of the error

  // Adds the name to an error.
  Failure &name_in(Failure &failure) const { return is_other ? failure.member(name) : failure.array(name); }
};

// The ends of messages about errors that TF_OPTION_LENIENT accepts. The second one is for an array that cannot be read.
inline constexpr char kLenientHint[] = "; TF_OPTION_LENIENT accepts this";
inline constexpr char kListedHint[] = "; TF_OPTION_LENIENT lists it as unsupported and reads the others";
// Appends a hint to the message of a failure.
Status append_hint(Status failure, const char *text);

// The contents of a file's header, as read by a format.
struct Listing {
  explicit Listing(Memory &memory)
      : memory(memory),
        arena(memory),
        members(memory),
        names(memory, name_at, this),
        others(memory),
        replaced(memory),
        notes(memory),
        tolerated(memory) {}

  // Adds a member whose name and shape are in the arena. Fails with DUPLICATE if the name exists, and with LIMIT if
  // there are more than max_arrays members.
  Status add(const Source &source, const Settings &settings, const Member &member, uint64_t header_offset);
  // Takes over an index that has found the names of all members to be different. The members are in the list already.
  void adopt_names(NameIndex &index) { names.adopt(index); }
  // Adds a remark, which is copied.
  Status note(Text text) { return append(notes, text); }
  // Decides about an error that reference readers of the format accept. Returns the failure, with kLenientHint at the
  // end of its message, unless the settings have TF_OPTION_LENIENT; then it adds "STATUS: MESSAGE" to `tolerated` and
  // returns OK.
  Status tolerate(const Settings &settings, Status failure);
  Status add_tolerated(Text message) { return append(tolerated, message); }

  Memory &memory;
  Arena arena;
  Vec<Member> members;
  NameIndex names;
  Ref<Dict> metadata;    // never empty: a dict without values if the format has no metadata
  Vec<Member> others;    // what the file contains besides arrays: their dtype is NULL, and `head` is 0
  Vec<Member> replaced;  // members that a later one of the same name replaces, which TF_OPTION_LENIENT accepts
  // Lines of text. A note is not an error; `tolerated` has the messages of the errors that the settings accepted.
  Vec<Text> notes;
  Vec<Text> tolerated;

 private:
  Status append(Vec<Text> &lines, Text text);
  static Text name_at(const void *owner, size_t index);
};

struct NamedArray {
  Text name;
  const Array *array;
};

// The arrays and metadata to save in one file.
struct SaveRequest {
  Span<const NamedArray> arrays;
  const Dict *metadata;  // may be NULL
  bool compress;
  const Settings &settings;
  // The data arrive in the order of the arrays, and bytes that have been written cannot be changed.
  bool forward = false;
  // NULL for a save. For a check, receives what the format cannot hold, which is then not an error.
  SaveReport *report = nullptr;

  // True if a check has found something, so that totals cannot be computed.
  bool is_refused() const { return report != nullptr && !report->empty(); }
  uint64_t data_bytes() const {
    uint64_t total = 0;
    for (const NamedArray &named : arrays)
      total += named.array->nbytes;
    return total;
  }
};

// The state of a format while it writes a file of compressed arrays. Formats derive their own struct from it.
struct Packer {};

// An array whose compressed bytes have been written: a head, then chunks of the array, each compressed independently.
struct PackedArray {
  uint64_t nbytes = 0;               // of the array
  uint64_t chunk = 0;                // bytes of the array in each chunk but the last
  uint64_t stored = 0;               // compressed bytes of the head and all chunks
  uint32_t crc32 = 0;                // of the head and the array
  uint32_t head_size = 0;            // compressed bytes of the head
  Span<const uint32_t> chunk_sizes;  // compressed bytes of each chunk
};

// How a format stores compressed arrays: functions that write everything around the compressed bytes.
struct Packing {
  // Returns the number of array bytes to compress as one chunk.
  uint64_t (*chunk_size)(uint64_t nbytes);
  Status (*open)(Packer **out, const SaveRequest &request);
  // Writes what precedes the compressed bytes of an array, and appends to `head` the bytes to compress before the
  // array's.
  Status (*begin)(Packer &packer, Vec<uint8_t> &head, Output &output, size_t array);
  // Writes what follows the compressed bytes.
  Status (*end)(Packer &packer, Output &output, const PackedArray &packed);
  // Writes what follows the last array.
  Status (*finish)(Packer &packer, Output &output);
  void (*close)(Packer *packer);
};

// What becomes of an array of a file whose header is changed.
struct NewName {
  Text name;
  bool removed = false;
  bool renamed = false;
};

// A file whose names, metadata and choice of arrays change, but not the data of its arrays.
struct EditRequest {
  const Source &source;
  const Listing &listing;     // of the source
  Span<const NewName> names;  // of the members of the listing
  const Dict &metadata;       // all of the new metadata
  const Settings &settings;   // TF_OPTION_ALIGNMENT is not set
};

// Returns the failure of an edit that finds something else in a header than the listing says.
inline Status header_changed(const Source &source) {
  return Failure(TF_STATUS_CORRUPT).in(source.label) << "the header has changed since the file was opened";
}

// What a format can store as metadata.
enum class MetadataKind : uint8_t {
  kNone = TF_METADATA_NONE,
  kStrings = TF_METADATA_STRINGS,
  kStringLists = TF_METADATA_STRING_LISTS,
  kTyped = TF_METADATA_TYPED,
};

// How a format stores arrays in several files.
enum class SetKind : uint8_t {
  kNone,
  kIndex,  // a JSON index lists the file of each array
  kSplit,  // each file has its number and the number of files in its metadata
};

// A format: its names, its abilities, and the functions that read and write its files.
struct Format {
  tf_format id;
  const char *name;
  const char *extension;      // with its dot, in lower case
  bool single_array = false;  // a file has one array, without a name
  MetadataKind metadata = MetadataKind::kNone;
  bool text_members = false;  // metadata are members beside the arrays, which some readers refuse
  bool model_keys = false;    // readers expect metadata that describes a model
  SetKind sets = SetKind::kNone;
  uint32_t max_parts = 0;  // files in a set
  // True if the first bytes of a file (up to 16, perhaps fewer) are of this format.
  bool (*probe)(Bytes head);
  // NULL, or looks for a file of this format after bytes that are not of it, which TF_OPTION_LENIENT accepts.
  Status (*find)(bool *found, const Source &source, const Settings &settings) = nullptr;
  // Reads and validates the header. On entry, listing.metadata is an empty dict.
  Status (*list)(Listing &listing, const Source &source, const Settings &settings);
  // Fails if the format cannot hold the request, with one error that names every array and key concerned, or adds that
  // to the request's report. Writes nothing.
  Status (*check)(const SaveRequest &request);
  // Lays out the file of an uncompressed request that check() has accepted.
  Status (*lay_out)(Layout &layout, const SaveRequest &request);
  const Packing *packing = nullptr;  // NULL: the format has no compression
  // Lays out the file of a request, whose new names and metadata check() has accepted. NULL: there is nothing to edit.
  Status (*edit)(Splice &splice, const EditRequest &request) = nullptr;
  bool header_slack = false;  // the header can end in spaces, so that a longer one fits
};

// Each returns NULL if there is no such format.
const Format *find_format(tf_format id);
const Format *find_format(Text name);
// Returns the i-th format in the order of their numbers, or NULL.
const Format *format_at(size_t i);
// Returns what tf_format_ability() does.
int64_t ability_of(const Format &format, tf_ability ability);
// Enumerates the values of TF_OPTION_FORMAT: "auto", "content", then each format; a NULL name after the last one.
NamedValue format_value(size_t i);
// Returns the name of one of these values, or "unknown".
const char *format_name(tf_format id);
const Format *find_format(SetKind sets);
const Format *format_of_path(Text path);  // by extension, ignoring letter case
const Format *probe_format(Bytes head);
// Finds the format whose find() finds a file, if there is one; else sets *out to NULL.
Status find_format_inside(const Format **out, const Source &source, const Settings &settings);

// Returns the limit max_header_bytes, or `initial` if the settings have none.
uint64_t header_limit(const Settings &settings, uint64_t initial = 100000000);

// Returns the alignment of array data, or `initial` if the settings have none.
uint64_t data_alignment(const Settings &settings, uint64_t initial = 64);

// Failures of the checks below.
Status fail_rank(const Source &source, const Settings &settings, Text name, uint64_t rank, uint64_t offset);
Status fail_name_length(const Source &source, const Settings &settings, uint64_t length, uint64_t offset);

// Limits that all formats share. Each fails with LIMIT.
inline Status check_rank(const Source &source, const Settings &settings, Text name, uint64_t rank, uint64_t offset) {
  return rank <= settings.limit(TF_OPTION_MAX_RANK) ? kOk : fail_rank(source, settings, name, rank, offset);
}
inline Status check_name_length(const Source &source, const Settings &settings, uint64_t length, uint64_t offset) {
  return length <= settings.limit(TF_OPTION_MAX_NAME_BYTES) ? kOk : fail_name_length(source, settings, length, offset);
}
Status check_array_count(const Source &source, const Settings &settings, uint64_t count, uint64_t offset);

// Each format's row, which the format's own file defines.
#define TFILE_FORMAT(row) extern const Format row;
#include "format/table.inc"
#undef TFILE_FORMAT

}  // namespace tfile
