#include "format/npz.h"

#include "base/endian.h"
#include "base/error.h"
#include "base/utf8.h"
#include "codec/crc32.h"
#include "format/npy/npy.h"
#include "format/zip/zip.h"

namespace tfile {

namespace {

constexpr char kSuffix[] = ".npy";  // of the members' names

// Bytes of a deflated member to read at a time, for its header of some 100 bytes.
constexpr uint64_t kPackedPiece = 1024;

// Private extra field in the zip directory: the chunks of a deflated member, so that several threads can inflate it and a
// slice need not be inflated from the start. The record has the bytes of array data in a chunk (64 bits), the compressed
// size of the .npy header, then that of each chunk (32 bits each). Other programs ignore it.
constexpr uint16_t kChunksExtra = 0x6674;
constexpr size_t kChunksHead = 12;
constexpr uint64_t kMaxChunks = 4096;
constexpr uint64_t kMinChunk = uint64_t{1} << 20;
constexpr uint64_t kMaxChunk = uint64_t{1} << 31;  // its compressed size fits in 32 bits

}  // namespace

uint64_t npz_chunk_size(uint64_t nbytes) {
  constexpr uint64_t kPage = 4096;  // a multiple of every item size, so that no element is cut
  const uint64_t least = (nbytes + kMaxChunks - 1) / kMaxChunks;
  const uint64_t whole = (least + kPage - 1) / kPage * kPage;
  return whole > kMinChunk ? whole : kMinChunk;
}

namespace {

// Lists the members of an archive.
class Lister {
 public:
  Lister(Listing &listing, const Source &source, const Settings &settings)
      : listing_(listing),
        source_(source),
        settings_(settings),
        zip_(listing, source, settings, kSuffix),
        name_(listing.memory),
        head_(listing.memory),
        inflater_(listing.memory) {}

  Status run() {
    TFILE_TRY(zip_.open());
    const uint64_t most = settings_.limit(TF_OPTION_MAX_ARRAYS);
    TFILE_TRY(listing_.members.reserve(zip_.count() < most ? zip_.count() : static_cast<size_t>(most)));
    // The listing is in the order of the directory. If the archive has another order, `found` collects the members.
    Vec<Member> found(listing_.memory);
    if (!zip_.in_order()) TFILE_TRY(found.resize(zip_.count()));
    for (size_t k = 0; k < zip_.count(); ++k) {
      const size_t i = zip_.entry_at(k);
      uint64_t data = 0;
      TFILE_TRY(zip_.locate(&data, k));
      if (zip_.is_folder(i)) continue;
      Member member;
      TFILE_TRY(describe(&member, i, data));
      if (zip_.in_order()) {
        TFILE_TRY(add(member, i));
      } else {
        found[i] = member;
      }
    }
    TFILE_TRY(zip_.finish());
    for (size_t i = 0; i < found.size(); ++i) {
      if (!zip_.is_folder(i)) TFILE_TRY(add(found[i], i));
    }
    return kOk;
  }

 private:
  Status add(const Member &member, size_t i) { return listing_.add(source_, settings_, member, zip_.entry(i).header); }

  Status describe(Member *out, size_t i, uint64_t data) {
    const ZipEntry &entry = zip_.entry(i);
    out->offset = data;
    out->stored = entry.stored;
    out->deflated = entry.deflated;
    out->crc32 = entry.crc32;
    out->has_crc = true;
    TFILE_TRY(zip_.name(&name_, i));
    Text name(name_.data(), name_.size());
    Bytes head;
    packed_read_ = 0;
    head_.clear();
    if (entry.deflated) TFILE_TRY(inflater_.begin());
    TFILE_TRY(read_head(&head, i, data, kNpyPrefix < entry.size ? kNpyPrefix : entry.size));
    const bool is_array = is_npy(head);
    if (is_array && name.ends_with(kSuffix)) name = Text(name.first(name.size() - strlen(kSuffix)));
    TFILE_TRY(check_name_length(source_, settings_, name.size(), zip_.directory_offset(i)));
    TFILE_TRY(listing_.arena.copy(&out->name, name));
    if (is_array) return describe_array(out, i, data, head);
    out->reason = Text("not an array (no npy header)");
    out->nbytes = entry.size;
    return kOk;
  }

  Status describe_array(Member *out, size_t i, uint64_t data, Bytes head) {
    const ZipEntry &entry = zip_.entry(i);
    const NpyContext context{source_, settings_, out->name, data, entry.deflated, TF_STATUS_CORRUPT};
    uint64_t size = 0;
    TFILE_TRY(npy_header_size(&size, context, head));
    if (size > entry.size) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).array(out->name).at(data)
             << "its npy header should have " << size << " bytes, its member has " << entry.size;
    }
    TFILE_TRY(read_head(&head, i, data, size));
    NpyHeader header;
    TFILE_TRY(parse_npy_header(&header, listing_.arena, context, head));
    TFILE_TRY(describe_npy(out, context, header, entry.size - size));
    if (header.sized && header.nbytes != entry.size - size) {
      return Failure(TF_STATUS_CORRUPT)
                 .in(source_.label)
                 .array(out->name)
                 .at(entry.deflated ? data : data + size + header.nbytes)
             << entry.size - size - header.nbytes << " bytes follow the array in its member";
    }
    if (entry.deflated) {
      out->head = size;
      TFILE_TRY(find_chunks(out, zip_.extra(i, kChunksExtra)));
    } else {
      out->offset = data + size;
      out->stored = entry.stored - size;
      out->head_crc32 = crc32_update(0, head.data(), head.size());
    }
    if (out->dtype == nullptr) out->nbytes = entry.size - size;
    return kOk;
  }

  // Finds the chunks of a deflated member in the extra field. An implausible field is ignored.
  Status find_chunks(Member *out, Bytes field) {
    if (out->dtype == nullptr || field.size() < kChunksHead) return kOk;
    const auto chunk = load_le<uint64_t>(field.data());
    const size_t count = (field.size() - kChunksHead) / 4;
    const bool whole = field.size() == kChunksHead + 4 * count;
    if (!whole || count < 2 || count > kMaxChunks || chunk == 0 || chunk % 4096 != 0) return kOk;
    if ((out->nbytes - 1) / chunk + 1 != count || out->nbytes == 0) return kOk;
    Vec<uint64_t> starts(listing_.memory);
    TFILE_TRY(starts.reserve(count + 1));
    uint64_t at = load_le<uint32_t>(field.data() + 8);
    TFILE_TRY(starts.push(at));
    for (size_t k = 0; k < count; ++k) {
      at += load_le<uint32_t>(field.data() + kChunksHead + 4 * k);
      TFILE_TRY(starts.push(at));
    }
    if (at != out->stored) return kOk;
    out->chunk = chunk;
    return listing_.arena.copy(&out->chunks, starts.span());
  }

  // Reads the first nbytes of a member and inflates them if necessary. A longer head of the same member may follow.
  Status read_head(Bytes *out, size_t i, uint64_t data, uint64_t nbytes) {
    if (!zip_.entry(i).deflated) return zip_.peek(out, data, nbytes);
    TFILE_TRY(inflate(i, data, static_cast<size_t>(nbytes)));
    *out = Bytes(head_.data(), head_.size());
    return kOk;
  }

  Status inflate(size_t i, uint64_t data, size_t nbytes) {
    const ZipEntry &entry = zip_.entry(i);
    size_t have = head_.size();
    TFILE_TRY(head_.resize(nbytes));
    while (have < nbytes) {
      const uint64_t remaining = entry.stored - packed_read_;
      Bytes input;
      TFILE_TRY(zip_.peek(&input, data + packed_read_, remaining < kPackedPiece ? remaining : kPackedPiece));
      const size_t offered = input.size();
      Span<uint8_t> output(head_.data() + have, nbytes - have);
      bool valid = false;
      bool done = false;
      TFILE_TRY(inflater_.run(&valid, &done, &input, &output));
      packed_read_ += offered - input.size();
      have = nbytes - output.size();
      if (!valid) return zip_.failure(TF_STATUS_CORRUPT, i, data + packed_read_) << "is not a deflate stream";
      if (have < nbytes && (done || packed_read_ == entry.stored)) {
        return zip_.failure(TF_STATUS_CORRUPT, i, data)
               << "inflates to " << static_cast<uint64_t>(have) << " bytes, not to the " << entry.size
               << " that the directory says";
      }
    }
    return kOk;
  }

  Listing &listing_;
  const Source &source_;
  const Settings &settings_;
  ZipReader zip_;
  Vec<char> name_;
  Vec<uint8_t> head_;  // of a deflated member, inflated
  Inflater inflater_;
  uint64_t packed_read_ = 0;  // compressed bytes that the inflater has used
};

Status list_npz(Listing &listing, const Source &source, const Settings &settings) {
  return Lister(listing, source, settings).run();
}

Status check_npz(const SaveRequest &request) {
  const uint64_t alignment = data_alignment(request.settings);
  if (alignment > kZipMaxAlignment) {
    return Failure(TF_STATUS_UNSUPPORTED)
           << "npz cannot align data to " << alignment << " bytes, " << kZipMaxAlignment << " are the most";
  }
  Refusals refusals;
  for (const NamedArray &named : request.arrays) {
    if (!npy_can_hold(*named.array->dtype)) refusals.add(named.name) << named.array->dtype->name;
    if (named.name.size() > kZipMaxName - strlen(kSuffix)) {
      refusals.add(named.name) << "a name of " << static_cast<uint64_t>(named.name.size()) << " bytes";
    } else if (!is_utf8(named.name)) {
      refusals.add(named.name) << "a name that is not UTF-8";
    } else if (!named.name.empty() && memchr(named.name.data(), '\0', named.name.size()) != nullptr) {
      refusals.add(named.name) << "a name with a NUL";
    }
  }
  return refusals.result(TF_STATUS_UNSUPPORTED, Text(), "npz cannot hold");
}

// Makes the name of an array's member, in the arena.
Status member_name(Text *out, Arena &arena, Vec<char> &scratch, Text name) {
  scratch.clear();
  TFILE_TRY(scratch.append(name.data(), name.size()));
  TFILE_TRY(scratch.append(kSuffix, strlen(kSuffix)));
  return arena.copy(out, Text(scratch.data(), scratch.size()));
}

Status lay_out_npz(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Arena names(memory);
  Vec<char> scratch(memory);
  Vec<uint8_t> made(memory);  // what precedes or follows the data
  Vec<uint8_t> header(memory);
  ZipWriter zip(memory, data_alignment(request.settings));
  TFILE_TRY(layout.checksums.reserve(request.arrays.size()));
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    header.clear();
    made.clear();
    bool fortran = false;
    TFILE_TRY(make_npy_header(header, &fortran, array));
    ZipMember member = {Text(), header.size() + array.nbytes, header.size(), false, request.forward};
    TFILE_TRY(member_name(&member.name, names, scratch, request.arrays[i].name));
    TFILE_TRY(zip.begin(made, member, layout.size));
    Layout::Checksum sum{crc32_update(0, header.data(), header.size()), {}};
    if (!request.forward) sum.positions[0] = layout.text.size() + ZipWriter::kCrcInLocal;
    TFILE_TRY(layout.write(made.data(), made.size()));
    TFILE_TRY(layout.write(header.data(), header.size()));
    TFILE_TRY(layout.add_array(i, array.nbytes, fortran));
    if (request.forward) {
      made.clear();
      TFILE_TRY(zip.put_descriptor(made));
      sum.positions[0] = layout.text.size() + ZipWriter::kCrcInDescriptor;
      TFILE_TRY(layout.write(made.data(), made.size()));
    }
    TFILE_TRY(layout.checksums.push(sum));
  }
  made.clear();
  Vec<size_t> crcs(memory);
  TFILE_TRY(zip.finish(made, layout.size, &crcs));
  for (size_t i = 0; i < crcs.size(); ++i) {
    layout.checksums[i].positions[1] = layout.text.size() + crcs[i];
  }
  TFILE_TRY(layout.write(made.data(), made.size()));
  // The checksum of an array without data is known already.
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    if (request.arrays[i].array->nbytes == 0) layout.set_checksum(i, layout.checksums[i].crc);
  }
  return kOk;
}

// Writes the zip structures around compressed members.
struct NpzPacker : Packer {
  NpzPacker(Memory &memory, const SaveRequest &request)
      : request(request), names(memory), scratch(memory), made(memory), zip(memory, data_alignment(request.settings)) {}

  Status write(Output &output) {
    TFILE_TRY(output.write(made.data(), made.size()));
    made.clear();
    return kOk;
  }

  const SaveRequest &request;
  Arena names;
  Vec<char> scratch;
  Vec<uint8_t> made;
  ZipWriter zip;
};

Status open_packer(Packer **out, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  NpzPacker *packer = nullptr;
  TFILE_TRY(make(&packer, memory, memory, request));
  *out = packer;
  return kOk;
}

void close_packer(Packer *packer) {
  auto *const npz = static_cast<NpzPacker *>(packer);
  destroy(npz->made.memory(), npz);
}

Status begin_packed(Packer &base, Vec<uint8_t> &head, Output &output, size_t i) {
  auto &packer = static_cast<NpzPacker &>(base);
  const Array &array = *packer.request.arrays[i].array;
  bool fortran = false;
  TFILE_TRY(make_npy_header(head, &fortran, array));
  ZipMember member = {Text(), head.size() + array.nbytes, head.size(), true, !output.can_patch()};
  TFILE_TRY(member_name(&member.name, packer.names, packer.scratch, packer.request.arrays[i].name));
  TFILE_TRY(packer.zip.begin(packer.made, member, output.position()));
  return packer.write(output);
}

// Adds the sizes of the chunks to the member's entry in the directory.
Status add_chunks(NpzPacker &packer, const PackedArray &packed) {
  packer.made.clear();
  uint8_t field[kChunksHead];
  store_le(field, packed.chunk);
  store_le(field + 8, packed.head_size);
  TFILE_TRY(packer.made.append(field, kChunksHead));
  for (const uint32_t size : packed.chunk_sizes) {
    store_le(field, size);
    TFILE_TRY(packer.made.append(field, sizeof(size)));
  }
  TFILE_TRY(packer.zip.add_extra(kChunksExtra, Bytes(packer.made.data(), packer.made.size())));
  packer.made.clear();
  return kOk;
}

Status end_packed(Packer &base, Output &output, const PackedArray &packed) {
  auto &packer = static_cast<NpzPacker &>(base);
  packer.zip.set(packed.crc32, packed.stored);
  if (packed.nbytes > packed.chunk && packed.chunk <= kMaxChunk) TFILE_TRY(add_chunks(packer, packed));
  if (output.can_patch()) return packer.zip.patch(output);
  TFILE_TRY(packer.zip.put_descriptor(packer.made));
  return packer.write(output);
}

Status finish_packed(Packer &base, Output &output) {
  auto &packer = static_cast<NpzPacker &>(base);
  TFILE_TRY(packer.zip.finish(packer.made, output.position(), nullptr));
  return packer.write(output);
}

constexpr Packing kNpzPacking = {
    .chunk_size = npz_chunk_size,
    .open = open_packer,
    .begin = begin_packed,
    .end = end_packed,
    .finish = finish_packed,
    .close = close_packer,
};

}  // namespace

const Format kNpzFormat = {
    .id = TF_FORMAT_NPZ,
    .name = "npz",
    .extension = ".npz",
    .probe = is_zip,
    .list = list_npz,
    .check = check_npz,
    .lay_out = lay_out_npz,
    .packing = &kNpzPacking,
};

}  // namespace tfile
