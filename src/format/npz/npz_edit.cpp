// Changes the members' names and the text members of .npz. All other members are copied as they are stored, compressed
// or not.
#include <algorithm>

#include "format/npz/npz.h"
#include "format/zip/zip_records.h"

namespace tfile {

namespace {

constexpr size_t kNone = SIZE_MAX;

// A member of the old archive, in the order of its directory.
struct Found {
  uint64_t data = 0;  // offset of the stored bytes
  size_t extra = 0;   // index of the extra field of its local header
  size_t extra_size = 0;
  size_t array = kNone;  // index in the listing
};

class ArchiveEdit {
 public:
  ArchiveEdit(Splice &splice, const EditRequest &request)
      : splice_(splice),
        request_(request),
        memory_(request.settings.memory()),
        remarks_(memory_),
        zip_(remarks_, request.source, request.settings, kNpzSuffix),
        found_(memory_),
        extras_(memory_),
        kept_texts_(memory_),
        names_(memory_),
        scratch_(memory_),
        made_(memory_),
        writer_(memory_, data_alignment(request.settings)) {}

  Status run() {
    TFILE_TRY(zip_.open());
    if (zip_.start() != 0) {
      return Failure(TF_STATUS_UNSUPPORTED).in(request_.source.label).at(0)
             << "bytes precede the zip archive, which an edit would not keep; a load with TF_OPTION_LENIENT and a save "
                "write it without them";
    }
    TFILE_TRY(find_members());
    TFILE_TRY(find_arrays());
    TFILE_TRY(kept_texts_.resize(request_.metadata.size()));
    std::fill(kept_texts_.begin(), kept_texts_.end(), false);
    for (size_t i = 0; i < found_.size(); ++i)
      TFILE_TRY(found_[i].array != kNone ? keep_array(i) : keep_other(i));
    TFILE_TRY(add_texts());
    made_.clear();
    writer_.set_comment(zip_.comment());
    TFILE_TRY(writer_.finish(made_, splice_.size, nullptr));
    return splice_.write(made_.data(), made_.size());
  }

 private:
  Status find_members() {
    TFILE_TRY(found_.resize(zip_.count()));
    for (size_t k = 0; k < zip_.count(); ++k) {
      const size_t i = zip_.entry_at(k);
      const uint64_t header = zip_.entry(i).header;
      Bytes local;
      Found found;
      TFILE_TRY(zip_.locate(&found.data, k));
      TFILE_TRY(zip_.peek(&local, header, found.data - header));
      const size_t name = load16(local.data() + 26);
      const Bytes extra = local.from(kZipLocalSize + name);
      found.extra = extras_.size();
      found.extra_size = extra.size();
      TFILE_TRY(extras_.append(extra.data(), extra.size()));
      found_[i] = found;
    }
    return zip_.finish();
  }

  // Finds the member of each array by where its bytes are, because several members can have the same name.
  Status find_arrays() {
    const Vec<Member> &members = request_.listing.members;
    for (size_t a = 0; a < members.size(); ++a) {
      const size_t k = last_before(members[a].offset);
      if (k == kNone) return header_changed(request_.source);
      Found &found = found_[zip_.entry_at(k)];
      const bool same = found.array == kNone && Checked::within(members[a].offset, members[a].stored,
                                                                found.data + zip_.entry(zip_.entry_at(k)).stored);
      if (!same) return header_changed(request_.source);
      found.array = a;
    }
    return kOk;
  }

  // Returns the position in the archive of the last member whose data begin at an offset or before it, or kNone.
  size_t last_before(uint64_t offset) const {
    size_t low = 0;
    size_t high = zip_.count();
    while (low < high) {
      const size_t middle = low + (high - low) / 2;
      if (found_[zip_.entry_at(middle)].data <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low == 0 ? kNone : low - 1;
  }

  Status keep_array(size_t i) {
    const NewName &name = request_.names[found_[i].array];
    if (name.removed) return kOk;
    ZipCopy copy = copy_of(i);
    copy.aligned = !zip_.entry(i).deflated;
    copy.head = request_.listing.members[found_[i].array].offset - found_[i].data;
    copy.renamed = name.renamed;
    if (name.renamed) TFILE_TRY(npz_member_name(&copy.name, names_, scratch_, name.name));
    return keep(i, copy);
  }

  // Keeps a member that is not an array, unless it is a text whose value has changed.
  Status keep_other(size_t i) {
    TFILE_TRY(zip_.name(&scratch_, i));
    const Text key = without_npz_suffix(Text(scratch_.data(), scratch_.size()));
    const DictEntry *const old = request_.listing.metadata->find(key);
    if (old != nullptr) {
      const size_t now = request_.metadata.index.find(key);
      if (now == NameIndex::kNone || !equal(*old, request_.metadata.at(now))) return kOk;
      kept_texts_[now] = true;
    }
    return keep(i, copy_of(i));
  }

  ZipCopy copy_of(size_t i) const {
    const ZipEntry &entry = zip_.entry(i);
    const Bytes record = zip_.record(i);
    const Bytes extra(extras_.data() + found_[i].extra, found_[i].extra_size);
    return {record, extra, zip_record_name(record), false, entry.stored, entry.size, false, 0};
  }

  Status keep(size_t i, const ZipCopy &copy) {
    made_.clear();
    TFILE_TRY(writer_.copy(made_, copy, splice_.size));
    TFILE_TRY(splice_.write(made_.data(), made_.size()));
    return splice_.copy(found_[i].data, copy.stored);
  }

  // Adds the texts that no member of the old archive has.
  Status add_texts() {
    for (size_t i = 0; i < request_.metadata.size(); ++i) {
      if (kept_texts_[i]) continue;
      made_.clear();
      TFILE_TRY(put_npz_text_member(made_, writer_, names_, request_.metadata.at(i), splice_.size));
      TFILE_TRY(splice_.write(made_.data(), made_.size()));
    }
    return kOk;
  }

  Splice &splice_;
  const EditRequest &request_;
  Memory &memory_;
  Listing remarks_;
  ZipReader zip_;
  Vec<Found> found_;
  Vec<uint8_t> extras_;   // the extra fields of all local headers
  Vec<bool> kept_texts_;  // for each metadata value
  Arena names_;
  Vec<char> scratch_;
  Vec<uint8_t> made_;
  ZipWriter writer_;
};

}  // namespace

Status edit_npz(Splice &splice, const EditRequest &request) {
  return ArchiveEdit(splice, request).run();
}

}  // namespace tfile
