// Rewrites .safetensors: a JSON header, whose arrays and other members are kept as they are, and the data.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/rewrite.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kMetadata = "__metadata__";
constexpr const char *kOffsets = "data_offsets";
constexpr size_t kLength = 8;  // bytes of the header's length
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kBlock = 4096;

// An array of the new file.
struct Kept {
  std::string name;
  Json *info;  // its member in the old header
  uint64_t begin;
  uint64_t end;
};

std::vector<Kept> kept_arrays(Json &header, const Rewrite &rewrite) {
  std::vector<Kept> kept;
  for (auto &[name, info] : header.items()) {
    if (name == kMetadata) continue;
    const std::optional<std::string> &renamed = rewrite.names[rewrite.file.at(name).index()];
    if (renamed)
      kept.push_back({*renamed, &info, info[kOffsets][0].get<uint64_t>(), info[kOffsets][1].get<uint64_t>()});
  }
  return kept;
}

// Gives the arrays new offsets without gaps, in the order of the old ones. The second number keeps empty arrays before the
// array that begins where they end.
void place(std::vector<Kept> &kept, NewFile &data, uint64_t old_start) {
  std::vector<Kept *> order;
  order.reserve(kept.size());
  for (Kept &array : kept)
    order.push_back(&array);
  std::stable_sort(order.begin(), order.end(), [](const Kept *a, const Kept *b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  for (const Kept *array : order) {
    const uint64_t begin = data.size();
    data.copy(old_start + array->begin, array->end - array->begin);
    (*array->info)[kOffsets] = {begin, data.size()};
  }
}

std::string header_text(const std::vector<Kept> &kept, const tensorfile::Dict &metadata) {
  Json out = Json::object();
  for (const tensorfile::Dict::Entry &entry : metadata)
    out[kMetadata][std::string(entry.key())] = entry.string();
  for (const Kept &array : kept)
    out[array.name] = std::move(*array.info);
  return out.dump();
}

// Returns the offset of the data for a header of this length. A header that fits keeps the old offset. One that does not
// moves the data by whole blocks, which file systems can share between the files, if that keeps the alignment.
uint64_t data_start(uint64_t length, uint64_t old_start) {
  if (length <= old_start) return old_start;
  if (old_start % kAlignment != 0) return align_up(length, kAlignment);
  return old_start + align_up(length - old_start, kBlock);
}

}  // namespace

NewFile rewritten_safetensors(const Rewrite &rewrite) {
  const auto length = static_cast<size_t>(load_le(rewrite.old.read(0, kLength)));
  Json header = Json::parse(rewrite.old.read(kLength, length));
  std::vector<Kept> kept = kept_arrays(header, rewrite);
  NewFile data;
  place(kept, data, kLength + length);
  std::string text = header_text(kept, rewrite.metadata);
  const uint64_t start = data_start(kLength + text.size(), kLength + length);
  text.resize(static_cast<size_t>(start) - kLength, ' ');
  std::string head;
  append_le(head, text.size(), kLength);
  NewFile out;
  out.add(head + text);
  for (const Run &run : data.runs())
    out.copy(run.offset, run.nbytes);
  return out;
}

}  // namespace cli
