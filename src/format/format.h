// What a file format is to the rest: one row of functions in the table of formats.cpp.
#pragma once

#include "base/arena.h"
#include "base/options.h"
#include "core/dict.h"
#include "format/layout.h"
#include "io/sink.h"
#include "io/source.h"

namespace tfile {

// One array of a file: what it is, and where its bytes lie.
struct Member {
  Text name;                     // NUL-terminated, in the listing's arena, as is the shape
  Span<const int64_t> shape;     // logical, C order
  const Dtype *dtype = nullptr;  // NULL: of a type that we do not know
  Text reason;                   // then: what it is instead, "dtype '<U3'", for the message of whoever reads it
  uint64_t nbytes = 0;           // in memory; of an unknown type: stored bytes
  uint64_t offset = 0;           // of its first byte in the source; deflated: of the compressed stream
  uint64_t stored = 0;           // bytes there
  uint64_t head = 0;             // deflated: bytes of .npy header that inflate before the data
  // Deflated: where each chunk of the data begins in the stream, and where the last one ends; empty: not known.
  Span<const uint64_t> chunks;
  uint64_t chunk = 0;       // bytes in memory of each chunk but the last
  uint32_t crc32 = 0;       // has_crc: of header and data
  uint32_t head_crc32 = 0;  // has_crc and not deflated: of the header alone, to go on from
  uint32_t part = 0;        // of a set of files, the one that it is in
  bool has_crc = false;
  bool deflated = false;
  bool fortran = false;     // stored in Fortran order
  bool big_endian = false;  // stored so; false where byte order means nothing
};

// What a format finds in a file's header.
struct Listing {
  explicit Listing(Memory &memory) : memory(memory), arena(memory), members(memory), names(memory, name_at, this) {}

  // Adds a member whose name and shape are in the arena; DUPLICATE when the name is there, LIMIT beyond MAX_ARRAYS.
  Status add(const Source &source, const Settings &settings, const Member &member, uint64_t header_offset);
  // After members have been put into the list whose names `index` has found to be different, in the same places.
  void take_names(NameIndex &index) { names.adopt(index); }

  Memory &memory;
  Arena arena;
  Vec<Member> members;
  NameIndex names;
  Ref<Dict> metadata;  // never empty: a dict without values where a format has none

 private:
  static Text name_at(const void *owner, size_t place);
};

struct NamedArray {
  Text name;
  const Array *array;
};

// One save, as the ABI's functions hand it to a format.
struct SaveRequest {
  Span<const NamedArray> arrays;
  const Dict *metadata;  // may be NULL
  bool compress;
  const Settings &settings;
  // The data come in the order of the arrays, and what is written cannot be gone back to.
  bool forward = false;
};

// Writes the arrays of a request compressed, one after another; opaque.
struct Packer;

// What a format that can compress has for it.
struct Packing {
  Status (*open)(Packer **out, Output &output, const SaveRequest &request);
  Status (*begin)(Packer &packer, size_t array);
  // The next bytes of the array, little-endian.
  Status (*write)(Packer &packer, const void *bytes, size_t nbytes);
  Status (*end)(Packer &packer);
  // After the last array.
  Status (*finish)(Packer &packer);
  void (*close)(Packer *packer);
};

// What a format can store as metadata.
enum class MetadataKind : uint8_t {
  kNone,
  kStrings,  // strings only
  kTyped,    // strings, numbers, arrays and lists
};

// How a format stores arrays in several files.
enum class SetKind : uint8_t {
  kNone,
  kIndex,  // a JSON index lists the file of each array
  kSplit,  // each file has its number and the number of files in its metadata
};

// A format: what it is called, what it can do, and how its files are read and written.
struct Format {
  tf_format id;
  const char *name;
  const char *extension;      // with its dot, in lower case
  bool single_array = false;  // a file has one array, without a name
  MetadataKind metadata = MetadataKind::kNone;
  SetKind sets = SetKind::kNone;
  uint64_t max_parts = 1;  // files in a set
  // True if the first bytes of a file (up to 16, perhaps fewer) are of this format.
  bool (*probe)(Bytes head);
  // Reads and validates the header. On entry, listing.metadata is an empty dict.
  Status (*list)(Listing &listing, const Source &source, const Settings &settings);
  // Fails, with one error that names every offender, if the format cannot hold the request. Writes nothing.
  Status (*check)(const SaveRequest &request);
  // Lays out the file of an uncompressed request that check() has accepted.
  Status (*lay_out)(Layout &layout, const SaveRequest &request);
  const Packing *packing = nullptr;  // NULL: the format has no compression

  bool has_metadata() const { return metadata != MetadataKind::kNone; }
};

// A gap of at most this many bytes between wanted parts of a file is read and discarded, because another system call would
// take longer.
inline constexpr uint64_t kMaxGapRead = uint64_t{16} << 10;

// Each returns NULL if there is no such format.
const Format *find_format(tf_format id);
const Format *find_format(Text name);
const Format *find_format(SetKind sets);
const Format *format_of_path(Text path);  // by extension, ignoring letter case
const Format *probe_format(Bytes head);

// MAX_HEADER_BYTES, or its default of 100,000,000.
uint64_t header_limit(const Settings &settings);

// Limits that all formats share; each fails with LIMIT, CORRUPT or OK.
Status check_rank(const Source &source, const Settings &settings, Text name, uint64_t rank, uint64_t offset);
Status check_array_count(const Source &source, const Settings &settings, uint64_t count, uint64_t offset);
Status check_name_length(const Source &source, const Settings &settings, uint64_t length, uint64_t offset);

// Each format's row, which the format's own file defines.
#define TFILE_FORMAT(row) extern const Format row;
#include "format/table.inc"
#undef TFILE_FORMAT

}  // namespace tfile
