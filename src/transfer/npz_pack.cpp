// Packing of .npz: each member is cut into chunks that are deflated side by side and make one stream.
#include "base/endian.h"
#include "base/threads.h"
#include "codec/crc32.h"
#include "codec/deflate.h"
#include "format/npz.h"

namespace tfile {

namespace {

constexpr uint64_t kDefaultAlignment = 64;
constexpr uint64_t kLeastChunk = uint64_t{1} << 20;
// Smaller arrays are one chunk with their header.
constexpr uint64_t kSmall = uint64_t{64} << 10;
// What both levels of ISA-L are tried on.
constexpr size_t kSample = size_t{256} << 10;

}  // namespace

uint64_t npz_alignment(const Settings &settings) {
  const uint64_t asked = settings.limit(TF_OPTION_ALIGNMENT);
  return asked != 0 ? asked : kDefaultAlignment;
}

Status npz_member_name(Text *out, Arena &arena, Vec<char> &room, Text name) {
  room.clear();
  TFILE_TRY(room.append(name.data(), name.size()));
  TFILE_TRY(room.append(kNpzSuffix, strlen(kNpzSuffix)));
  return arena.copy(out, Text(room.data(), room.size()));
}

uint64_t npz_chunk_size(uint64_t nbytes) {
  const uint64_t least = (nbytes + kNpzMostChunks - 1) / kNpzMostChunks;
  // Whole pages, so that no element is cut.
  const uint64_t whole = (least + 4095) / 4096 * 4096;
  return whole > kLeastChunk ? whole : kLeastChunk;
}

struct Packer {
  Packer(Output &to, const SaveRequest &from)
      : output_(to),
        request_(from),
        memory_(from.settings.memory()),
        names_(memory_),
        room_(memory_),
        made_(memory_),
        header_(memory_),
        held_(memory_),
        chunks_(memory_),
        jobs_(memory_),
        zip_(memory_, npz_alignment(from.settings)) {}
  Packer(const Packer &) = delete;
  Packer &operator=(const Packer &) = delete;
  ~Packer() {
    for (const Job &job : jobs_)
      destroy(memory_, job.deflater);
  }

  Status begin(size_t i);
  Status write(const void *bytes, size_t nbytes);
  Status end();
  Status finish();
  Memory &memory() const { return memory_; }

 private:
  // A chunk that a thread deflates.
  struct Job {
    Deflater *deflater;
    Bytes chunk;
    bool last;  // of the array
    uint32_t crc;
  };

  size_t batch() const {
    const size_t workers = request_.settings.workers().count;
    return workers > 1 ? 2 * workers : 1;
  }
  bool small() const { return nbytes_ <= kSmall; }
  Status choose_method(Bytes sample);
  Status try_level(size_t *size, Bytes sample, int level);
  Status need_jobs(size_t count);
  Status deflate(Bytes bytes);
  static Status run_job(void *packer, size_t i);
  Status put_jobs(size_t count);
  Status deflate_header(bool last);
  Status add_chunks_extra();
  Status put_made() {
    TFILE_TRY(output_.write(made_.data(), made_.size()));
    made_.clear();
    return kOk;
  }

  Output &output_;
  const SaveRequest request_;
  Memory &memory_;
  Arena names_;
  Vec<char> room_;
  Vec<uint8_t> made_;
  Vec<uint8_t> header_;  // of the array; of a small one its data as well
  Vec<uint8_t> held_;    // data that have not made a batch yet
  Vec<uint8_t> chunks_;  // the record of the extra field
  Vec<Job> jobs_;
  ZipWriter zip_;
  DeflateMethod method_;
  bool chosen_ = false;
  uint64_t nbytes_ = 0;  // of the array
  uint64_t done_ = 0;    // of these deflated
  uint64_t chunk_ = 0;   // bytes of a chunk
  uint64_t stored_ = 0;
  uint32_t crc_ = 0;
};

Status Packer::begin(size_t i) {
  const Array &array = *request_.arrays[i].array;
  bool fortran = false;
  header_.clear();
  held_.clear();
  TFILE_TRY(make_npy_header(header_, &fortran, array));
  nbytes_ = array.nbytes;
  done_ = 0;
  stored_ = 0;
  chosen_ = false;
  chunk_ = npz_chunk_size(nbytes_);
  chunks_.clear();
  uint8_t head[kNpzChunksHead] = {};
  store_le(head, chunk_);
  TFILE_TRY(chunks_.append(head, sizeof(head)));
  ZipMember member = {Text(), header_.size() + nbytes_, header_.size(), true, !output_.can_patch()};
  TFILE_TRY(npz_member_name(&member.name, names_, room_, request_.arrays[i].name));
  TFILE_TRY(zip_.begin(made_, member, output_.position()));
  TFILE_TRY(put_made());
  crc_ = crc32_update(0, header_.data(), header_.size());
  return kOk;
}

// Which level, and whose, by the settings and what the data look like.
Status Packer::choose_method(Bytes sample) {
  if (chosen_) return kOk;
  chosen_ = true;
  const auto level = static_cast<int>(request_.settings.get(TF_OPTION_COMPRESSION_LEVEL));
  const bool isal = has_isal() && request_.settings.get(TF_OPTION_DEFLATE) == TF_DEFLATE_AUTO;
  if (!isal || level == 0 || level > kMaxIsalLevel) {
    constexpr int kZlibDefault = 6;
    method_ = DeflateMethod{false, level < 0 ? kZlibDefault : level};
    return kOk;
  }
  method_ = DeflateMethod{true, level < 0 ? 1 : level};
  if (level >= 0) return kOk;
  size_t fast = 0;
  size_t slow = 0;
  TFILE_TRY(try_level(&fast, sample.first(kSample), 1));
  TFILE_TRY(try_level(&slow, sample.first(kSample), kMaxIsalLevel));
  if (slow < fast - fast / 20) method_.level = kMaxIsalLevel;
  return kOk;
}

Status Packer::try_level(size_t *size, Bytes sample, int level) {
  TFILE_TRY(need_jobs(1));
  TFILE_TRY(jobs_[0].deflater->run(sample, true, DeflateMethod{true, level}));
  *size = jobs_[0].deflater->output().size();
  return kOk;
}

Status Packer::need_jobs(size_t count) {
  while (jobs_.size() < count) {
    Job job = {};
    TFILE_TRY(make(&job.deflater, memory_, memory_));
    const Status status = jobs_.push(job);
    if (!status.ok()) {
      destroy(memory_, job.deflater);
      return status;
    }
  }
  return kOk;
}

Status Packer::write(const void *bytes, size_t nbytes) {
  Bytes left(static_cast<const uint8_t *>(bytes), nbytes);
  if (small()) {
    crc_ = crc32_update(crc_, left.data(), left.size());
    TFILE_TRY(header_.append(left.data(), left.size()));
    return output_.advance(nbytes);
  }
  const uint64_t full = chunk_ * batch();
  while (!left.empty()) {
    // What is here as a whole is deflated where it lies; the rest is held until there is more.
    const uint64_t wanted = nbytes_ - done_ < full ? nbytes_ - done_ : full;
    if (held_.empty() && left.size() >= wanted) {
      TFILE_TRY(deflate(left.first(static_cast<size_t>(wanted))));
      left = left.from(static_cast<size_t>(wanted));
      continue;
    }
    const Bytes more = left.first(static_cast<size_t>(wanted) - held_.size());
    if (held_.empty()) TFILE_TRY(held_.reserve(static_cast<size_t>(wanted)));
    TFILE_TRY(held_.append(more.data(), more.size()));
    left = left.from(more.size());
    if (held_.size() < wanted) continue;
    TFILE_TRY(deflate(Bytes(held_.data(), held_.size())));
    held_.clear();
  }
  return kOk;
}

// Chunks behind one another, up to a batch of them; the last of the array may be shorter.
Status Packer::deflate(Bytes bytes) {
  if (done_ == 0) {
    TFILE_TRY(choose_method(bytes.first(static_cast<size_t>(chunk_))));
    TFILE_TRY(deflate_header(false));
  }
  const size_t count = (bytes.size() + static_cast<size_t>(chunk_) - 1) / static_cast<size_t>(chunk_);
  TFILE_TRY(need_jobs(count));
  for (size_t i = 0; i < count; ++i) {
    jobs_[i].chunk = bytes.from(i * static_cast<size_t>(chunk_)).first(static_cast<size_t>(chunk_));
    jobs_[i].last = i + 1 == count && done_ + bytes.size() == nbytes_;
  }
  TFILE_TRY(parallel_for(count, count > 1 ? request_.settings.workers() : Workers(), run_job, this));
  return put_jobs(count);
}

Status Packer::run_job(void *packer, size_t i) {
  auto &self = *static_cast<Packer *>(packer);
  Job &job = self.jobs_[i];
  job.crc = crc32_update(0, job.chunk.data(), job.chunk.size());
  return job.deflater->run(job.chunk, job.last, self.method_);
}

Status Packer::put_jobs(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Job &job = jobs_[i];
    const Bytes packed = job.deflater->output();
    uint8_t size[4];
    store_le(size, static_cast<uint32_t>(packed.size()));
    TFILE_TRY(chunks_.append(size, sizeof(size)));
    TFILE_TRY(output_.write(packed.data(), packed.size()));
    stored_ += packed.size();
    crc_ = crc32_join(crc_, job.crc, job.chunk.size());
    done_ += job.chunk.size();
    TFILE_TRY(output_.advance(job.chunk.size()));
  }
  return kOk;
}

// A chunk of its own, before those of the data.
Status Packer::deflate_header(bool last) {
  TFILE_TRY(need_jobs(1));
  TFILE_TRY(jobs_[0].deflater->run(Bytes(header_.data(), header_.size()), last, method_));
  const Bytes packed = jobs_[0].deflater->output();
  store_le(chunks_.data() + sizeof(uint64_t), static_cast<uint32_t>(packed.size()));
  stored_ += packed.size();
  return output_.write(packed.data(), packed.size());
}

Status Packer::end() {
  if (small()) {
    TFILE_TRY(choose_method(Bytes(header_.data(), header_.size())));
    TFILE_TRY(deflate_header(true));
  }
  zip_.set(crc_, stored_);
  // Sizes of chunks of the largest arrays do not fit, and are not told.
  if (nbytes_ > chunk_ && chunk_ <= uint64_t{1} << 31) {
    TFILE_TRY(zip_.add_extra(kNpzChunksExtra, Bytes(chunks_.data(), chunks_.size())));
  }
  if (output_.can_patch()) return zip_.patch(output_);
  TFILE_TRY(zip_.put_descriptor(made_));
  return put_made();
}

Status Packer::finish() {
  TFILE_TRY(zip_.finish(made_, output_.position(), nullptr));
  return put_made();
}

const Packing kNpzPacking = {
    [](Packer **out, Output &output, const SaveRequest &request) {
      return make(out, request.settings.memory(), output, request);
    },
    [](Packer &packer, size_t array) { return packer.begin(array); },
    [](Packer &packer, const void *bytes, size_t nbytes) { return packer.write(bytes, nbytes); },
    [](Packer &packer) { return packer.end(); },
    [](Packer &packer) { return packer.finish(); },
    [](Packer *packer) { destroy(packer->memory(), packer); },
};

}  // namespace tfile
