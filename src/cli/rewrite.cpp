#include "cli/rewrite.h"

#include <algorithm>
#include <cstring>

namespace cli {

namespace {

// The format is that of the row with this name, whose file is rewritten.
struct Rewriter {
  std::string_view format;
  RewriteFunction rewrite;
  bool has_slack;  // the header can end in spaces
};

constexpr Rewriter kRewriters[] = {
    {"safetensors", rewritten_safetensors, true},
    {"gguf", rewritten_gguf, false},
    {"npz", rewritten_npz, false},
};

}  // namespace

void NewFile::add(std::string bytes) {
  if (bytes.empty()) return;
  const uint64_t nbytes = bytes.size();
  if (!runs_.empty() && runs_.back().is_new()) {
    runs_.back().bytes += bytes;
    runs_.back().nbytes += nbytes;
  } else {
    runs_.push_back({size_, nbytes, std::move(bytes), 0});
  }
  size_ += nbytes;
}

void NewFile::copy(uint64_t offset, uint64_t nbytes) {
  if (nbytes == 0) return;
  const bool follows = !runs_.empty() && !runs_.back().is_new() && runs_.back().offset + runs_.back().nbytes == offset;
  if (follows) {
    runs_.back().nbytes += nbytes;
  } else {
    runs_.push_back({size_, nbytes, "", offset});
  }
  size_ += nbytes;
}

std::optional<std::string_view> NewFile::patch(uint64_t old_size) const {
  if (size_ != old_size) return std::nullopt;
  std::string_view patch;
  for (const Run &run : runs_) {
    if (!run.is_new() && run.to != run.offset) return std::nullopt;
    if (run.is_new() && run.to != 0) return std::nullopt;
    if (run.is_new()) patch = run.bytes;
  }
  return patch;
}

void NewFile::read(const RawFile &old, uint64_t offset, char *to, size_t nbytes) const {
  const auto after = [](uint64_t position, const Run &run) { return position < run.to; };
  auto run = std::upper_bound(runs_.begin(), runs_.end(), offset, after);
  if (run != runs_.begin()) --run;
  while (nbytes > 0) {
    const uint64_t within = offset - run->to;
    const auto length = static_cast<size_t>(std::min<uint64_t>(nbytes, run->nbytes - within));
    if (run->is_new()) {
      std::memcpy(to, run->bytes.data() + within, length);
    } else {
      old.read(run->offset + within, to, length);
    }
    to += length;
    offset += length;
    nbytes -= length;
    ++run;
  }
}

RewriteFunction rewrite_function(const tensorfile::File &file) {
  const std::string_view format = tensorfile::name(file.format());
  for (const Rewriter &rewriter : kRewriters) {
    if (rewriter.format == format) return rewriter.rewrite;
  }
  throw tensorfile::Error(tensorfile::Status::unsupported,
                          std::string(format) + " files have neither names nor metadata that could be edited");
}

bool has_slack(tensorfile::Format format) {
  const std::string_view name = tensorfile::name(format);
  const auto is_format = [name](const Rewriter &rewriter) { return rewriter.format == name; };
  const auto *const found = std::find_if(std::begin(kRewriters), std::end(kRewriters), is_format);
  return found != std::end(kRewriters) && found->has_slack;
}

uint64_t load_le(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;)
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

void append_le(std::string &out, uint64_t value, size_t nbytes) {
  for (size_t i = 0; i < nbytes; ++i)
    out.push_back(static_cast<char>(value >> (8 * i) & 0xFFU));
}

}  // namespace cli
