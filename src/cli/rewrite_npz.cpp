// Rewrites .npz: members are copied as they are stored, compressed or not, under their old or new names. The library
// writes the members that hold text.
#include <algorithm>
#include <map>

#include "cli/metadata.h"
#include "cli/rewrite.h"
#include "cli/zip_archive.h"

namespace cli {

namespace {

constexpr uint64_t kAlignment = 64;
constexpr std::string_view kSuffix = ".npy";

std::string without_suffix(const std::string &name) {
  return name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

// The array that a member holds.
struct Held {
  size_t index;
  uint64_t head;  // bytes before the array's first byte
};

// Finds the array of each member by where its bytes are, because members can have any names.
std::map<uint64_t, Held> arrays_of(const ZipArchive &archive, const tensorfile::File &file) {
  std::map<uint64_t, Held> arrays;  // by the offset of the member's bytes
  std::vector<uint64_t> starts;
  for (const ZipMember &member : archive.members)
    starts.push_back(member.data);
  std::sort(starts.begin(), starts.end());
  for (const tensorfile::File::Entry &entry : file) {
    const uint64_t offset = entry.location().offset;
    const uint64_t start = *std::prev(std::upper_bound(starts.begin(), starts.end(), offset));
    arrays.insert({start, {entry.index(), offset - start}});
  }
  return arrays;
}

class NpzRewriter {
 public:
  explicit NpzRewriter(const Rewrite &rewrite) : rewrite_(rewrite), changed_(rewrite.metadata.copy()) {}

  NewFile run() {
    const auto read = [this](uint64_t offset, size_t nbytes) { return rewrite_.old.read(offset, nbytes); };
    ZipArchive archive = read_zip(rewrite_.old.size(), read);
    const std::map<uint64_t, Held> arrays = arrays_of(archive, rewrite_.file);
    for (ZipMember &member : archive.members) {
      const auto array = arrays.find(member.data);
      array != arrays.end() ? keep_array(member, array->second) : keep_other(member);
    }
    add_texts();
    out_.add(directory_.finish(out_.size(), archive.comment));
    return std::move(out_);
  }

 private:
  void keep_array(ZipMember &member, const Held &held) {
    const std::optional<std::string> &name = rewrite_.names[held.index];
    if (!name) return;
    if (*name != rewrite_.file.at(held.index).name()) member.rename(*name + std::string(kSuffix));
    keep(member, held.head, member.is_compressed() ? 1 : kAlignment);
  }

  // Keeps a member that is not an array, unless it is a text with a new value.
  void keep_other(const ZipMember &member) {
    const std::string key = without_suffix(member.name);
    const tensorfile::Dict old = rewrite_.file.metadata();
    if (old.contains(key)) {
      if (!changed_.contains(key) || !same_value(old.at(key), changed_.at(key))) return;
      changed_.remove(key);
    }
    keep(member, 0, 1);
  }

  void keep(const ZipMember &member, uint64_t head, uint64_t alignment) {
    out_.add(directory_.add(member, out_.size(), head, alignment));
    out_.copy(member.data, member.stored);
  }

  // Adds the texts that no member of the old archive holds.
  void add_texts() {
    const tensorfile::Buffer buffer = tensorfile::save_memory(rewrite_.file.format(), {}, changed_);
    const std::string_view bytes(reinterpret_cast<const char *>(buffer.data()), buffer.size());
    const auto read = [bytes](uint64_t offset, size_t nbytes) {
      return std::string(bytes.substr(static_cast<size_t>(offset), nbytes));
    };
    for (const ZipMember &member : read_zip(bytes.size(), read).members) {
      out_.add(directory_.add(member, out_.size(), 0, 1));
      out_.add(read(member.data, static_cast<size_t>(member.stored)));
    }
  }

  const Rewrite &rewrite_;
  tensorfile::Dict changed_;  // metadata that is not written yet
  ZipDirectory directory_;
  NewFile out_;
};

}  // namespace

NewFile rewritten_npz(const Rewrite &rewrite) {
  return NpzRewriter(rewrite).run();
}

}  // namespace cli
