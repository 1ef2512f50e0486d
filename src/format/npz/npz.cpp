#include "format/npz/npz.h"

#include "base/endian.h"
#include "base/error.h"
#include "base/utf8.h"
#include "codec/crc32.h"
#include "codec/deflate.h"
#include "format/npy/npy.h"
#include "format/npz/npz_text.h"
#include "format/zip/zip.h"

namespace tfile {

namespace {

constexpr uint64_t kMinChunk = uint64_t{1} << 20;
constexpr uint64_t kMaxChunk = uint64_t{1}
                               << 31;  // at most this many bytes, so that the compressed size fits in 32 bits

}  // namespace

uint64_t npz_chunk_size(uint64_t nbytes) {
  constexpr uint64_t kPage = 4096;  // a multiple of every item size, so that no element is cut
  const uint64_t least = (nbytes + kNpzMaxChunks - 1) / kNpzMaxChunks;
  const uint64_t whole = (least + kPage - 1) / kPage * kPage;
  return whole > kMinChunk ? whole : kMinChunk;
}

Status npz_member_name(Text *out, Arena &arena, Vec<char> &scratch, Text name) {
  scratch.clear();
  TFILE_TRY(scratch.append(name.data(), name.size()));
  TFILE_TRY(scratch.append(kNpzSuffix, strlen(kNpzSuffix)));
  return arena.copy(out, Text(scratch.data(), scratch.size()));
}

Status put_npz_text_member(Vec<uint8_t> &out, ZipWriter &zip, Arena &names, const DictEntry &entry, uint64_t at) {
  Vec<char> scratch(out.memory());
  Vec<uint8_t> text(out.memory());
  size_t head = 0;
  TFILE_TRY(put_npz_text(text, &head, entry));
  ZipMember member = {Text(), text.size(), head, false, false};
  TFILE_TRY(npz_member_name(&member.name, names, scratch, entry.key));
  const size_t start = out.size();
  TFILE_TRY(zip.begin(out, member, at));
  // The CRC-32 is known, so that no descriptor has to follow.
  const uint32_t crc = crc32_update(0, text.data(), text.size());
  store_le(out.data() + start + ZipWriter::kCrcInLocal, crc);
  zip.set(crc, text.size());
  return out.append(text.data(), text.size());
}

namespace {

// Refuses names that a member cannot have.
void refuse_name(SaveRefusals &refusals, Subject subject, Text name) {
  if (name.size() > kZipMaxName - strlen(kNpzSuffix)) {
    refusals.add(subject, name, Problem::kName) << "a name of " << static_cast<uint64_t>(name.size()) << " bytes";
  } else if (!is_utf8(name)) {
    refusals.add(subject, name, Problem::kName) << "a name that is not UTF-8";
  } else if (!name.empty() && memchr(name.data(), '\0', name.size()) != nullptr) {
    refusals.add(subject, name, Problem::kName) << "a name with a NUL";
  }
}

// Refuses metadata that cannot be text members. *all_text becomes false if a value is neither a string nor a list of
// strings.
void refuse_metadata(SaveRefusals &refusals, bool *all_text, const Dict &metadata) {
  for (const DictEntry *entry : metadata.entries) {
    const bool is_text = entry->kind == TF_KIND_STRING || entry->kind == TF_KIND_STRING_LIST;
    *all_text = *all_text && is_text;
    const char *const why = npz_text_refusal(*entry);
    if (why != nullptr) refusals.add(Subject::kMetadata, entry->key, is_text ? Problem::kValue : Problem::kKind) << why;
    refuse_name(refusals, Subject::kMetadata, entry->key);
  }
}

// Refuses arrays that have the name of a metadata value.
Status check_duplicates(const SaveRequest &request) {
  if (request.metadata == nullptr) return kOk;
  for (const NamedArray &named : request.arrays) {
    if (request.metadata->find(named.name) == nullptr) continue;
    TFILE_TRY(SaveRefusal(request.report, TF_STATUS_DUPLICATE, Subject::kArray, named.name, Problem::kDuplicate)
              << "is also the name of a metadata value, and both are members of an npz");
  }
  return kOk;
}

Status check_text_headers(const SaveRequest &request, uint64_t limit) {
  SaveRefusals refusals(request.report);
  Vec<uint8_t> text(request.settings.memory());
  for (const DictEntry *entry : request.metadata->entries) {
    size_t head = 0;
    text.clear();
    TFILE_TRY(put_npz_text(text, &head, *entry));
    refuse_npy_header(refusals, Subject::kMetadata, entry->key, head, limit);
  }
  return refusals.result(TF_STATUS_LIMIT, kLoadRefuses);
}

// Refuses text that a load with the same limits would refuse.
Status check_texts(const SaveRequest &request) {
  if (request.metadata == nullptr) return kOk;
  Checked total;
  for (const DictEntry *entry : request.metadata->entries)
    total = total + npz_text_bytes(*entry);
  const uint64_t limit = header_limit(request.settings);
  if (!total.valid() || total.value() > limit) {
    return SaveRefusal(request.report, TF_STATUS_LIMIT, Problem::kLimit)
           << "the metadata need more bytes as text members than " << Limit{TF_OPTION_MAX_HEADER_BYTES, limit};
  }
  return limit < kNpyLongestHeader ? check_text_headers(request, limit) : kOk;
}

Status check_options(const SaveRequest &request) {
  const uint64_t alignment = data_alignment(request.settings);
  if (alignment > kZipMaxAlignment) {
    TFILE_TRY(SaveRefusal(request.report, TF_STATUS_UNSUPPORTED, Problem::kOption)
              << "npz cannot align data to " << alignment << " bytes, " << kZipMaxAlignment << " are the most");
  }
  if (!request.compress || !deflate_method(request.settings).zlib || has_zlib()) return kOk;
  return SaveRefusal(request.report, TF_STATUS_UNSUPPORTED, Problem::kOption) << kNoZlib;
}

// Lays out the metadata as text members.
Status lay_out_texts(Layout &layout, ZipWriter &zip, Arena &names, const SaveRequest &request) {
  if (request.metadata == nullptr) return kOk;
  Memory &memory = request.settings.memory();
  Vec<uint8_t> made(memory);
  for (const DictEntry *entry : request.metadata->entries) {
    made.clear();
    TFILE_TRY(put_npz_text_member(made, zip, names, *entry, layout.size));
    TFILE_TRY(layout.write(made.data(), made.size()));
  }
  return kOk;
}

// Lays out everything but the directory. The arena owns the names of the members.
Status lay_out_members(Layout &layout, ZipWriter &zip, Arena &names, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Vec<char> scratch(memory);
  Vec<uint8_t> made(memory);  // what precedes or follows the data
  Vec<uint8_t> header(memory);
  TFILE_TRY(layout.checksums.reserve(request.arrays.size()));
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    header.clear();
    made.clear();
    bool fortran = false;
    TFILE_TRY(make_npy_header(header, &fortran, array));
    ZipMember member = {Text(), header.size() + array.nbytes, header.size(), false, request.forward};
    TFILE_TRY(npz_member_name(&member.name, names, scratch, request.arrays[i].name));
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
  return lay_out_texts(layout, zip, names, request);
}

Status lay_out_npz(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Arena names(memory);
  ZipWriter zip(memory, data_alignment(request.settings));
  TFILE_TRY(lay_out_members(layout, zip, names, request));
  Vec<uint8_t> made(memory);
  Vec<size_t> crcs(memory);
  TFILE_TRY(zip.finish(made, layout.size, &crcs));
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    layout.checksums[i].positions[1] = layout.text.size() + crcs[i];
  }
  TFILE_TRY(layout.write(made.data(), made.size()));
  // The checksum of an array without data is known already.
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    if (request.arrays[i].array->nbytes == 0) layout.set_checksum(i, layout.checksums[i].crc);
  }
  return kOk;
}

// Returns the size of the record that add_chunks() adds to the directory for an array of this size.
uint64_t chunks_size(uint64_t nbytes) {
  const uint64_t chunk = npz_chunk_size(nbytes);
  if (nbytes <= chunk || chunk > kMaxChunk) return 0;
  return kZipExtraHead + kNpzChunksHead + (nbytes + chunk - 1) / chunk * sizeof(uint32_t);
}

// Refuses a directory that a load with the same limit would refuse. The directory of a compressed file is at most as
// large as that of the uncompressed one and the records of the chunks.
Status check_directory(const SaveRequest &request) {
  const Limit limit{TF_OPTION_MAX_HEADER_BYTES, header_limit(request.settings)};
  Checked chunks;
  Checked most;
  const auto add_entry = [&](Text name) { most = most + kZipMaxEntrySize + name.size() + strlen(kNpzSuffix); };
  for (const NamedArray &named : request.arrays) {
    if (request.compress) chunks = chunks + chunks_size(named.array->nbytes);
    add_entry(named.name);
  }
  for (size_t i = 0; request.metadata != nullptr && i < request.metadata->size(); ++i)
    add_entry(request.metadata->at(i).key);
  most = most + chunks;
  if (most.valid() && most.value() <= limit.value) return kOk;
  Memory &memory = request.settings.memory();
  Layout layout(memory);
  Arena names(memory);
  ZipWriter zip(memory, data_alignment(request.settings));
  TFILE_TRY(lay_out_members(layout, zip, names, request));
  const Checked size = zip.directory_size() + chunks;
  if (size.valid() && size.value() <= limit.value) return kOk;
  return SaveRefusal(request.report, TF_STATUS_LIMIT, Problem::kLimit)
         << "the zip directory would have more bytes than " << limit;
}

// Refuses what a load with the same limits would refuse.
Status check_limits(const SaveRequest &request) {
  TFILE_TRY(check_npy_headers(request));
  TFILE_TRY(check_texts(request));
  return request.is_refused() ? kOk : check_directory(request);
}

Status check_npz(const SaveRequest &request) {
  TFILE_TRY(check_options(request));
  SaveRefusals refusals(request.report);
  for (const NamedArray &named : request.arrays) {
    const Dtype &dtype = *named.array->dtype;
    if (!npy_can_hold(dtype)) refusals.add(Subject::kArray, named.name, Problem::kDtype) << dtype.name;
    refuse_name(refusals, Subject::kArray, named.name);
  }
  const bool arrays_fit = !refusals.any();
  bool all_text = true;
  if (request.metadata != nullptr) refuse_metadata(refusals, &all_text, *request.metadata);
  const tf_status status = arrays_fit && !all_text ? TF_STATUS_TYPE : TF_STATUS_UNSUPPORTED;
  TFILE_TRY(refusals.result(status, "npz cannot hold"));
  TFILE_TRY(check_duplicates(request));
  return request.is_refused() ? kOk : check_limits(request);
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

  // Completes the current member after its data has been written.
  Status end_member(Output &output) {
    if (output.can_patch()) return zip.patch(output);
    TFILE_TRY(zip.put_descriptor(made));
    return write(output);
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
  TFILE_TRY(npz_member_name(&member.name, packer.names, packer.scratch, packer.request.arrays[i].name));
  TFILE_TRY(packer.zip.begin(packer.made, member, output.position()));
  return packer.write(output);
}

// Adds the sizes of the chunks to the member's entry in the directory.
Status add_chunks(NpzPacker &packer, const PackedArray &packed) {
  packer.made.clear();
  uint8_t field[kNpzChunksHead];
  store_le(field, packed.chunk);
  store_le(field + 8, packed.head_size);
  TFILE_TRY(packer.made.append(field, kNpzChunksHead));
  for (const uint32_t size : packed.chunk_sizes) {
    store_le(field, size);
    TFILE_TRY(packer.made.append(field, sizeof(size)));
  }
  TFILE_TRY(packer.zip.add_extra(kNpzChunksExtra, Bytes(packer.made.data(), packer.made.size())));
  packer.made.clear();
  return kOk;
}

Status end_packed(Packer &base, Output &output, const PackedArray &packed) {
  auto &packer = static_cast<NpzPacker &>(base);
  packer.zip.set(packed.crc32, packed.stored);
  if (packed.nbytes > packed.chunk && packed.chunk <= kMaxChunk) TFILE_TRY(add_chunks(packer, packed));
  return packer.end_member(output);
}

// Writes a metadata value as a deflated text member.
Status pack_text(NpzPacker &packer, Deflater &deflater, Output &output, const DictEntry &entry) {
  Vec<uint8_t> text(packer.made.memory());
  size_t head = 0;
  TFILE_TRY(put_npz_text(text, &head, entry));
  ZipMember member = {Text(), text.size(), head, true, !output.can_patch()};
  TFILE_TRY(npz_member_name(&member.name, packer.names, packer.scratch, entry.key));
  TFILE_TRY(packer.zip.begin(packer.made, member, output.position()));
  TFILE_TRY(packer.write(output));
  TFILE_TRY(deflater.run(Bytes(text.data(), text.size()), true, deflate_method(packer.request.settings)));
  const Bytes packed = deflater.output();
  TFILE_TRY(output.write(packed.data(), packed.size()));
  packer.zip.set(crc32_update(0, text.data(), text.size()), packed.size());
  return packer.end_member(output);
}

Status finish_packed(Packer &base, Output &output) {
  auto &packer = static_cast<NpzPacker &>(base);
  if (packer.request.metadata != nullptr) {
    Deflater deflater(packer.made.memory());
    for (const DictEntry *entry : packer.request.metadata->entries)
      TFILE_TRY(pack_text(packer, deflater, output, *entry));
  }
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
    .metadata = MetadataKind::kStringLists,
    .text_members = true,
    .probe = is_zip,
    .find = find_zip,
    .list = list_npz,
    .check = check_npz,
    .lay_out = lay_out_npz,
    .packing = &kNpzPacking,
    .edit = edit_npz,
};

}  // namespace tfile
