#include "format/npz.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/utf8.h"
#include "codec/crc32.h"
#include "format/zip.h"

namespace tfile {

namespace {

// What is read of a deflated member at once; a header is some 100 bytes.
constexpr uint64_t kPackedPiece = 1024;

// Makes members of a listing from those of the archive.
class Lister {
 public:
  Lister(Listing &listing, const Source &source, const Settings &settings)
      : listing_(listing),
        source_(source),
        settings_(settings),
        zip_(source, settings, kNpzSuffix),
        name_(listing.memory),
        head_(listing.memory),
        inflater_(listing.memory) {}

  Status run() {
    TFILE_TRY(zip_.open());
    const uint64_t most = settings_.limit(TF_OPTION_MAX_ARRAYS);
    TFILE_TRY(listing_.members.reserve(zip_.count() < most ? zip_.count() : static_cast<size_t>(most)));
    Vec<Member> found(listing_.memory);  // when the archive is not in the order of its directory, which is ours
    if (!zip_.in_order()) TFILE_TRY(found.resize(zip_.count()));
    for (size_t k = 0; k < zip_.count(); ++k) {
      const size_t i = zip_.at_place(k);
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
    taken_ = 0;
    head_.clear();
    if (entry.deflated) TFILE_TRY(inflater_.begin());
    TFILE_TRY(read_head(&head, i, data, kNpyPrefix < entry.size ? kNpyPrefix : entry.size));
    const bool is_array = is_npy(head);
    if (is_array && name.ends_with(kNpzSuffix)) name = Text(name.first(name.size() - strlen(kNpzSuffix)));
    TFILE_TRY(check_name_length(source_, settings_, name.size(), zip_.directory_offset(i)));
    TFILE_TRY(listing_.arena.copy(&out->name, name));
    if (is_array) return describe_array(out, i, data, head);
    out->reason = Text("not an array (no npy header)");
    out->nbytes = entry.stored;
    return kOk;
  }

  Status describe_array(Member *out, size_t i, uint64_t data, Bytes head) {
    const ZipEntry &entry = zip_.entry(i);
    const NpyPlace place{source_, settings_, out->name, data, entry.deflated, TF_STATUS_CORRUPT};
    uint64_t size = 0;
    TFILE_TRY(npy_header_size(&size, place, head));
    if (size > entry.size) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).array(out->name).at(data)
             << "its npy header should have " << size << " bytes, its member has " << entry.size;
    }
    TFILE_TRY(read_head(&head, i, data, size));
    NpyHeader header;
    TFILE_TRY(parse_npy_header(&header, listing_.arena, place, head));
    TFILE_TRY(describe_npy(out, place, header, entry.size - size));
    if (header.sized && header.nbytes != entry.size - size) {
      return Failure(TF_STATUS_CORRUPT)
                 .in(source_.label)
                 .array(out->name)
                 .at(entry.deflated ? data : data + size + header.nbytes)
             << entry.size - size - header.nbytes << " bytes follow the array in its member";
    }
    if (entry.deflated) {
      out->head = size;
      TFILE_TRY(find_chunks(out, zip_.extra(i, kNpzChunksExtra)));
    } else {
      out->offset = data + size;
      out->stored = entry.stored - size;
      out->head_crc32 = crc32_update(0, head.data(), head.size());
    }
    if (out->dtype == nullptr) out->nbytes = out->stored;
    return kOk;
  }

  // Where the chunks begin, as our extra field has it; when anything in it cannot be, there is none.
  Status find_chunks(Member *out, Bytes field) {
    if (out->dtype == nullptr || field.size() < kNpzChunksHead) return kOk;
    const auto chunk = load_le<uint64_t>(field.data());
    const size_t count = (field.size() - kNpzChunksHead) / 4;
    const bool whole = field.size() == kNpzChunksHead + 4 * count;
    if (!whole || count < 2 || count > kNpzMostChunks || chunk == 0 || chunk % 4096 != 0) return kOk;
    if ((out->nbytes - 1) / chunk + 1 != count || out->nbytes == 0) return kOk;
    Vec<uint64_t> starts(listing_.memory);
    TFILE_TRY(starts.reserve(count + 1));
    uint64_t at = load_le<uint32_t>(field.data() + 8);
    TFILE_TRY(starts.push(at));
    for (size_t k = 0; k < count; ++k) {
      at += load_le<uint32_t>(field.data() + kNpzChunksHead + 4 * k);
      TFILE_TRY(starts.push(at));
    }
    if (at != out->stored) return kOk;
    out->chunk = chunk;
    return listing_.arena.copy(&out->chunks, starts.span());
  }

  // The first nbytes of a member, after it is inflated; a longer head of the same member may be asked for next.
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
      const uint64_t left = entry.stored - taken_;
      Bytes input;
      TFILE_TRY(zip_.peek(&input, data + taken_, left < kPackedPiece ? left : kPackedPiece));
      const size_t offered = input.size();
      Span<uint8_t> output(head_.data() + have, nbytes - have);
      bool valid = false;
      bool done = false;
      TFILE_TRY(inflater_.run(&valid, &done, &input, &output));
      taken_ += offered - input.size();
      have = nbytes - output.size();
      if (!valid) return zip_.failure(TF_STATUS_CORRUPT, i, data + taken_) << "is not a deflate stream";
      if (have < nbytes && (done || taken_ == entry.stored)) {
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
  uint64_t taken_ = 0;  // stored bytes that the inflater has had
};

Status list_npz(Listing &listing, const Source &source, const Settings &settings) {
  return Lister(listing, source, settings).run();
}

Status check_npz(const SaveRequest &request) {
  if (npz_alignment(request.settings) > kZipMaxAlignment) {
    return Failure(TF_STATUS_UNSUPPORTED) << "npz cannot align data to " << npz_alignment(request.settings)
                                          << " bytes, " << kZipMaxAlignment << " are the most";
  }
  Refusals refusals;
  for (const NamedArray &named : request.arrays) {
    if (!npy_can_hold(*named.array->dtype)) refusals.add(named.name) << named.array->dtype->name;
    if (named.name.size() > kZipMaxName - strlen(kNpzSuffix)) {
      refusals.add(named.name) << "a name of " << static_cast<uint64_t>(named.name.size()) << " bytes";
    } else if (!is_utf8(named.name)) {
      refusals.add(named.name) << "a name that is not UTF-8";
    } else if (!named.name.empty() && memchr(named.name.data(), '\0', named.name.size()) != nullptr) {
      refusals.add(named.name) << "a name with a NUL";
    }
  }
  return refusals.result(TF_STATUS_UNSUPPORTED, Text(), "npz cannot hold");
}

Status lay_out_npz(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Arena names(memory);
  Vec<char> room(memory);
  Vec<uint8_t> made(memory);  // what comes before or behind the data
  Vec<uint8_t> header(memory);
  ZipWriter zip(memory, npz_alignment(request.settings));
  TFILE_TRY(layout.checksums.reserve(request.arrays.size()));
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    header.clear();
    made.clear();
    bool fortran = false;
    TFILE_TRY(make_npy_header(header, &fortran, array));
    ZipMember member = {Text(), header.size() + array.nbytes, header.size(), false, request.forward};
    TFILE_TRY(npz_member_name(&member.name, names, room, request.arrays[i].name));
    TFILE_TRY(zip.begin(made, member, layout.size));
    Layout::Checksum sum{crc32_update(0, header.data(), header.size()), {}};
    if (!request.forward) sum.places[0] = layout.text.size() + ZipWriter::kCrcInLocal;
    TFILE_TRY(layout.write(made.data(), made.size()));
    TFILE_TRY(layout.write(header.data(), header.size()));
    TFILE_TRY(layout.add_array(i, array.nbytes, fortran));
    if (request.forward) {
      made.clear();
      TFILE_TRY(zip.put_descriptor(made));
      sum.places[0] = layout.text.size() + ZipWriter::kCrcInDescriptor;
      TFILE_TRY(layout.write(made.data(), made.size()));
    }
    TFILE_TRY(layout.checksums.push(sum));
  }
  made.clear();
  Vec<size_t> crcs(memory);
  TFILE_TRY(zip.finish(made, layout.size, &crcs));
  for (size_t i = 0; i < crcs.size(); ++i) {
    layout.checksums[i].places[1] = layout.text.size() + crcs[i];
  }
  TFILE_TRY(layout.write(made.data(), made.size()));
  // Of an array without data all is known.
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    if (request.arrays[i].array->nbytes == 0) layout.set_checksum(i, layout.checksums[i].crc);
  }
  return kOk;
}

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
