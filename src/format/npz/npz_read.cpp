// Lists the members of .npz archives.
#include "base/endian.h"
#include "base/error.h"
#include "codec/crc32.h"
#include "format/npy/npy.h"
#include "format/npz/npz.h"
#include "format/npz/npz_text.h"
#include "format/zip/zip.h"

namespace tfile {

namespace {

// The number of bytes of a deflated member to read at a time: for its header of some 100 bytes, and for text.
constexpr uint64_t kHeaderPiece = 1024;
constexpr uint64_t kTextPiece = uint64_t{64} << 10;

// Inflates a member from its start.
class MemberInflater {
 public:
  MemberInflater(ZipReader &zip, Memory &memory) : zip_(zip), inflater_(memory) {}

  // Begins with the member of a directory entry, whose data are at this offset. Reads `piece` bytes at a time.
  Status begin(size_t entry, uint64_t data, uint64_t piece) {
    entry_ = entry;
    data_ = data;
    piece_ = piece;
    used_ = 0;
    made_ = 0;
    done_ = false;
    return inflater_.begin();
  }

  // Inflates the next nbytes.
  Status read(uint8_t *to, size_t nbytes) {
    Span<uint8_t> output(to, nbytes);
    while (!output.empty()) {
      TFILE_TRY(run(&output));
      if (!output.empty() && (done_ || used_ == stored())) {
        return zip_.failure(TF_STATUS_CORRUPT, entry_, data_) << "inflates to " << made_ << " bytes, not to the "
                                                              << zip_.entry(entry_).size << " that the directory says";
      }
    }
    return kOk;
  }

  // Fails unless the stream ends here, with the last byte of the member.
  Status finish() {
    uint8_t extra = 0;
    while (!done_) {
      const bool starved = used_ == stored();
      Span<uint8_t> output(&extra, 1);
      TFILE_TRY(run(&output));
      if (output.empty()) return failure() << "inflates to more bytes than the directory says";
      if (starved && !done_) return failure() << "its deflate stream has no end";
    }
    if (used_ == stored()) return kOk;
    return failure() << stored() - used_ << " bytes follow the end of its deflate stream";
  }

 private:
  uint64_t stored() const { return zip_.entry(entry_).stored; }
  Failure failure() const { return zip_.failure(TF_STATUS_CORRUPT, entry_, data_ + used_); }

  Status run(Span<uint8_t> *output) {
    const uint64_t remaining = stored() - used_;
    Bytes input;
    TFILE_TRY(zip_.peek(&input, data_ + used_, remaining < piece_ ? remaining : piece_));
    const size_t offered = input.size();
    const size_t wanted = output->size();
    bool valid = false;
    TFILE_TRY(inflater_.run(&valid, &done_, &input, output));
    used_ += offered - input.size();
    made_ += wanted - output->size();
    if (valid) return kOk;
    return failure() << "is not a deflate stream";
  }

  ZipReader &zip_;
  Inflater inflater_;
  size_t entry_ = 0;
  uint64_t data_ = 0;
  uint64_t piece_ = 0;
  uint64_t used_ = 0;  // number of stored bytes that have been used
  uint64_t made_ = 0;  // number of inflated bytes
  bool done_ = false;  // the deflate stream has ended
};

// True if a member is not in the list of arrays. One that seems to be damaged is, because it may have been an array.
bool is_apart(const Member &member) {
  return member.is_other && !member.invalid;
}

// Lists the members of an archive: first all of them in listing.members, so that their names can be compared; then text
// moves to the metadata, and what is not an array to listing.others.
class Lister {
 public:
  Lister(Listing &listing, const Source &source, const Settings &settings)
      : listing_(listing),
        source_(source),
        settings_(settings),
        zip_(listing, source, settings, kNpzSuffix),
        names_(listing.memory, key_at, this),
        entries_(listing.memory),
        texts_(listing.memory),
        name_(listing.memory),
        scratch_(listing.memory),
        inflater_(zip_, listing.memory) {}

  Status run() {
    const ErrorRecord before = error_record();
    TFILE_TRY(zip_.open());
    TFILE_TRY(list_members());
    TFILE_TRY(zip_.finish());
    TFILE_TRY(check_texts());
    TFILE_TRY(separate());
    // A call that succeeds must not change the error record, even if it tolerated an error.
    if (settings_.on(TF_OPTION_LENIENT)) error_record() = before;
    return kOk;
  }

 private:
  static Text key_at(const void *owner, size_t index) { return key_of(static_cast<const Lister *>(owner), index); }
  // Members whose names differ only in the suffix would be the same to other readers. That of an array lacks it already.
  static Text key_of(const Lister *self, size_t index) {
    const Member &member = self->listing_.members[index];
    return is_apart(member) ? without_npz_suffix(member.name) : member.name;
  }
  static Text name_at(const void *listing, size_t index) {
    return static_cast<const Listing *>(listing)->members[index].name;
  }

  // The listing is in the order of the directory. If the archive has another order, `found` collects the members.
  Status list_members() {
    const uint64_t most = settings_.limit(TF_OPTION_MAX_ARRAYS);
    TFILE_TRY(listing_.members.reserve(zip_.count() < most ? zip_.count() : static_cast<size_t>(most)));
    Vec<Member> found(listing_.memory);
    if (!zip_.in_order()) TFILE_TRY(found.resize(zip_.count()));
    for (size_t k = 0; k < zip_.count(); ++k) {
      const size_t i = zip_.entry_at(k);
      uint64_t data = 0;
      TFILE_TRY(zip_.locate(&data, k));
      if (!zip_.is_readable(i)) continue;
      Member member;
      TFILE_TRY(describe(&member, i, data));
      if (zip_.in_order()) {
        TFILE_TRY(add(member, i));
      } else {
        found[i] = member;
      }
    }
    for (size_t i = 0; i < found.size(); ++i) {
      if (zip_.is_readable(i)) TFILE_TRY(add(found[i], i));
    }
    return kOk;
  }

  Status add(const Member &member, size_t i) {
    const uint64_t header = zip_.entry(i).header;
    NpzTextType type;
    if (is_apart(member)) {
      has_others_ = true;
    } else if (!find_npz_text_type(&type, member)) {
      TFILE_TRY(check_array_count(source_, settings_, ++arrays_, header));
    }
    // The index reads names from the list, so the member must be added to the list first.
    TFILE_TRY(listing_.members.push(member));
    TFILE_TRY(entries_.push(i));
    size_t twin = NameIndex::kNone;
    TFILE_TRY(names_.add(&twin, key_of(this, listing_.members.size() - 1)));
    if (twin == NameIndex::kNone) return kOk;
    listing_.members.pop();
    entries_.pop();
    TFILE_TRY(listing_.tolerate(settings_, Failure(TF_STATUS_DUPLICATE).in(source_.label).array(member.name).at(header)
                                               << "the name occurs twice in the file"));
    TFILE_TRY(listing_.replaced.push(listing_.members[twin]));
    listing_.members[twin] = member;
    entries_[twin] = i;
    return kOk;
  }

  // Fills in the fields of a member that the directory determines.
  Member whole_member(size_t i, uint64_t data) const {
    const ZipEntry &entry = zip_.entry(i);
    Member member;
    member.offset = data;
    member.stored = entry.stored;
    member.nbytes = entry.size;
    member.deflated = entry.deflated;
    member.crc32 = entry.crc32;
    member.has_crc = true;
    return member;
  }

  Status describe(Member *out, size_t i, uint64_t data) {
    const ZipEntry &entry = zip_.entry(i);
    *out = whole_member(i, data);
    TFILE_TRY(zip_.name(&name_, i));
    const Text name(name_.data(), name_.size());
    Bytes head;
    scratch_.clear();
    Status status = entry.deflated ? inflater_.begin(i, data, kHeaderPiece) : kOk;
    if (status.ok()) status = read_head(&head, i, data, kNpyPrefix < entry.size ? kNpyPrefix : entry.size);
    const bool is_array = !status.ok() || is_npy(head);
    const Text listed = is_array ? without_npz_suffix(name) : name;
    TFILE_TRY(check_name_length(source_, settings_, listed.size(), zip_.directory_offset(i)));
    TFILE_TRY(listing_.arena.copy(&out->name, listed));
    if (!is_array) {
      out->is_other = true;
      out->type = Text();
      out->reason = Text("not an array (no npy header)");
      if (!name.ends_with(kNpzSuffix)) return kOk;
      // Damage may have changed the first bytes of an array.
      status = verify_other(*out, i);
      return status.ok() ? kOk : list_invalid(out, i, data, status);
    }
    if (status.ok()) status = describe_array(out, i, data, head);
    if (!status.ok()) return list_invalid(out, i, data, status);
    if (out->tail == 0) return kOk;
    return listing_.tolerate(settings_, Failure(TF_STATUS_CORRUPT)
                                                .in(source_.label)
                                                .array(out->name)
                                                .at(entry.deflated ? data : out->offset + out->nbytes)
                                            << out->tail << " bytes follow the array in its member");
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
    out->tail = entry.size - size - out->nbytes;
    if (entry.deflated) {
      out->head = size;
      return find_chunks(out, zip_.extra(i, kNpzChunksExtra));
    }
    out->offset = data + size;
    out->stored = out->nbytes;
    out->head_crc32 = crc32_update(0, head.data(), head.size());
    return kOk;
  }

  // Lists a member whose header is invalid with its fault, if the settings accept it.
  Status list_invalid(Member *out, size_t i, uint64_t data, Status failure) {
    if (failure.code != TF_STATUS_CORRUPT && failure.code != TF_STATUS_UNSUPPORTED) return failure;
    if (!settings_.on(TF_OPTION_LENIENT)) return append_hint(failure, kListedHint);
    const Text name = out->name;
    const bool is_other = out->is_other;
    *out = whole_member(i, data);
    out->name = name;
    out->is_other = is_other;
    out->invalid = true;
    out->fault = failure.code;
    out->type = Text("bad header");
    return listing_.arena.copy(&out->reason, Text(error_record().message));
  }

  // Finds the chunks of a deflated member in the extra field. An implausible field is ignored.
  Status find_chunks(Member *out, Bytes field) {
    if (out->dtype == nullptr || out->tail > 0 || field.size() < kNpzChunksHead) return kOk;
    const auto chunk = load_le<uint64_t>(field.data());
    const size_t count = (field.size() - kNpzChunksHead) / 4;
    const bool whole = field.size() == kNpzChunksHead + 4 * count;
    if (!whole || count < 2 || count > kNpzMaxChunks || chunk == 0 || chunk % 4096 != 0) return kOk;
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

  // Reads the first nbytes of a member and inflates them if necessary. Another head of the same member, longer or
  // shorter, may follow.
  Status read_head(Bytes *out, size_t i, uint64_t data, uint64_t nbytes) {
    if (!zip_.entry(i).deflated) return zip_.peek(out, data, nbytes);
    const auto wanted = static_cast<size_t>(nbytes);
    const size_t have = scratch_.size();
    if (wanted > have) {
      TFILE_TRY(scratch_.resize(wanted));
      TFILE_TRY(inflater_.read(scratch_.data() + have, wanted - have));
    }
    *out = Bytes(scratch_.data(), wanted);
    return kOk;
  }

  // Verifies the CRC-32 of a member that is not an array.
  Status verify_other(const Member &member, size_t entry) {
    uint32_t crc = 0;
    if (member.deflated) TFILE_TRY(inflater_.begin(entry, member.offset, kTextPiece));
    TFILE_TRY(scratch_.resize(kTextPiece));
    TFILE_TRY(read_bytes(member, member.nbytes, [&](Bytes piece) {
      crc = crc32_update(crc, piece.data(), piece.size());
      return kOk;
    }));
    return end_checksum(member, crc);
  }

  // Compares the checksum of all bytes of a member, which have been read.
  Status end_checksum(const Member &member, uint32_t crc) {
    if (member.deflated) TFILE_TRY(inflater_.finish());
    if (crc == member.crc32) return kOk;
    Failure failure(TF_STATUS_CORRUPT);
    return member.name_in(failure.in(source_.label)).at(member.offset)
           << "CRC-32 of the member should be " << Hex{member.crc32} << ", is " << Hex{crc};
  }

  // Finds the text members and checks their bytes. Nothing is decoded before all of them are known to be valid, so that
  // a file that is refused has cost little memory.
  Status check_texts() {
    Checked total;
    for (size_t i = 0; i < listing_.members.size(); ++i) {
      NpzTextType type;
      if (!find_npz_text_type(&type, listing_.members[i])) continue;
      total = total + listing_.members[i].nbytes;
      TFILE_TRY(check_text_limits(i, total));
      bool readable = true;
      TFILE_TRY(check_text(&readable, i, type));
      if (readable) TFILE_TRY(texts_.push(i));
    }
    return kOk;
  }

  // Text is read when a file is opened, as a header is, so it has the same limit.
  Status check_text_limits(size_t i, Checked total) const {
    const uint64_t values = settings_.limit(TF_OPTION_MAX_METADATA);
    const uint64_t at = zip_.directory_offset(entries_[i]);
    if (texts_.size() >= values) {
      return Failure(TF_STATUS_LIMIT).in(source_.label).at(at)
             << "more metadata values than " << Limit{TF_OPTION_MAX_METADATA, values};
    }
    const uint64_t bytes = header_limit(settings_);
    if (total.valid() && total.value() <= bytes) return kOk;
    return Failure(TF_STATUS_LIMIT).in(source_.label).array(listing_.members[i].name).at(at)
           << "with it, the text of the file has more bytes than " << Limit{TF_OPTION_MAX_HEADER_BYTES, bytes};
  }

  // Sets *readable to false if a text member must stay an array of an unknown dtype: because a code point is not a
  // character, or because its bytes are damaged and the settings accept faults.
  Status check_text(bool *readable, size_t i, const NpzTextType &type) {
    bool valid = true;
    const Status status = verify_text(&valid, i, type);
    if (status.ok()) {
      *readable = valid;
      if (!valid) listing_.members[i].reason = Text("text with a code point that is not a character");
      return kOk;
    }
    if (status.code != TF_STATUS_CORRUPT) return status;
    if (!settings_.on(TF_OPTION_LENIENT)) return append_hint(status, kListedHint);
    *readable = false;
    listing_.members[i].invalid = true;
    return listing_.arena.copy(&listing_.members[i].reason, Text(error_record().message));
  }

  Status verify_text(bool *valid, size_t i, const NpzTextType &type) {
    const Member &member = listing_.members[i];
    uint64_t remaining = member.nbytes;  // of the array
    uint32_t crc = member.head_crc32;
    TFILE_TRY(begin_text(&crc, i));
    TFILE_TRY(read_bytes(member, member.nbytes + member.tail, [&](Bytes piece) {
      crc = crc32_update(crc, piece.data(), piece.size());
      const Bytes array = piece.first(remaining < piece.size() ? static_cast<size_t>(remaining) : piece.size());
      *valid = *valid && has_valid_characters(type, array);
      remaining -= array.size();
      return kOk;
    }));
    return end_checksum(member, crc);
  }

  // Inflates the header of a deflated member, and adds it to the checksum.
  Status begin_text(uint32_t *crc, size_t i) {
    const Member &member = listing_.members[i];
    if (!member.deflated) return kOk;
    TFILE_TRY(inflater_.begin(entries_[i], member.offset, kTextPiece));
    TFILE_TRY(scratch_.resize(static_cast<size_t>(member.head)));
    TFILE_TRY(inflater_.read(scratch_.data(), scratch_.size()));
    *crc = crc32_update(0, scratch_.data(), scratch_.size());
    return scratch_.resize(kTextPiece);
  }

  // Calls use(piece) with the next nbytes of a member, in pieces of whole code points. If it is deflated, the inflater
  // has begun with it, and scratch_ has the size of a piece.
  template <typename Use>
  Status read_bytes(const Member &member, uint64_t nbytes, Use &&use) {
    for (uint64_t done = 0; done < nbytes;) {
      const uint64_t count = nbytes - done < kTextPiece ? nbytes - done : kTextPiece;
      Bytes piece;
      if (member.deflated) {
        TFILE_TRY(inflater_.read(scratch_.data(), static_cast<size_t>(count)));
        piece = Bytes(scratch_.data(), static_cast<size_t>(count));
      } else {
        TFILE_TRY(zip_.peek(&piece, member.offset + done, count));
      }
      TFILE_TRY(use(piece));
      done += count;
    }
    return kOk;
  }

  Status decode_text(size_t i) {
    const Member &member = listing_.members[i];
    NpzTextType type;
    (void)find_npz_text_type(&type, member);
    StringList *list = nullptr;
    if (type.is_list) {
      TFILE_TRY(listing_.metadata->set_string_list(member.name, &list));
      TFILE_TRY(list->ends.reserve(static_cast<size_t>(member.shape[0])));
    }
    NpzTextDecoder decoder(type, listing_.memory);
    uint32_t crc = 0;
    TFILE_TRY(begin_text(&crc, i));
    TFILE_TRY(read_bytes(member, member.nbytes, [&](Bytes piece) { return decoder.add(piece, list); }));
    return type.is_list ? kOk : listing_.metadata->set_string(member.name, decoder.string());
  }

  // Leaves only arrays in the list of members.
  Status separate() {
    Vec<Member> &members = listing_.members;
    if (texts_.empty() && !has_others_) {
      listing_.adopt_names(names_);
      return kOk;
    }
    for (const size_t i : texts_)
      TFILE_TRY(decode_text(i));
    NameIndex names(listing_.memory, name_at, &listing_);
    const size_t *text = texts_.begin();
    size_t count = 0;
    for (size_t i = 0; i < members.size(); ++i) {
      if (text != texts_.end() && *text == i) {
        ++text;
      } else if (is_apart(members[i])) {
        TFILE_TRY(listing_.others.push(members[i]));
      } else {
        members[count] = members[i];
        size_t twin = NameIndex::kNone;
        TFILE_TRY(names.add(&twin, members[count++].name));
      }
    }
    members.truncate(count);
    listing_.adopt_names(names);
    return kOk;
  }

  Listing &listing_;
  const Source &source_;
  const Settings &settings_;
  ZipReader zip_;
  NameIndex names_;      // of listing_.members, without suffixes
  Vec<size_t> entries_;  // the directory entry of each of listing_.members
  Vec<size_t> texts_;    // indices of members to decode
  uint64_t arrays_ = 0;  // members that are arrays, as often as a name occurs
  bool has_others_ = false;
  Vec<char> name_;
  Vec<uint8_t> scratch_;  // inflated bytes
  MemberInflater inflater_;
};

}  // namespace

Status list_npz(Listing &listing, const Source &source, const Settings &settings) {
  return Lister(listing, source, settings).run();
}

}  // namespace tfile
