#include "transfer/array_deflater.h"

#include "base/threads.h"
#include "codec/crc32.h"

namespace tfile {

namespace {

// An array of at most this size is compressed in one chunk with the head before it.
constexpr uint64_t kSmall = uint64_t{64} << 10;

}  // namespace

ArrayDeflater::ArrayDeflater(Output &output, const Packing &packing, const SaveRequest &request)
    : output_(output),
      packing_(packing),
      request_(request),
      memory_(request.settings.memory()),
      head_(memory_),
      pending_(memory_),
      chunk_sizes_(memory_),
      jobs_(memory_) {}

ArrayDeflater::~ArrayDeflater() {
  for (const Job &job : jobs_)
    destroy(memory_, job.deflater);
  if (packer_ != nullptr) packing_.close(packer_);
}

bool ArrayDeflater::is_small() const {
  return nbytes_ <= kSmall;
}

Status ArrayDeflater::open() {
  method_ = deflate_method(request_.settings);
  return packing_.open(&packer_, request_);
}

Status ArrayDeflater::begin(size_t array) {
  nbytes_ = request_.arrays[array].array->nbytes;
  done_ = 0;
  head_.clear();
  pending_.clear();
  chunk_sizes_.clear();
  packed_ = PackedArray();
  packed_.nbytes = nbytes_;
  packed_.chunk = packing_.chunk_size(nbytes_);
  TFILE_TRY(packing_.begin(*packer_, head_, output_, array));
  packed_.crc32 = crc32_update(0, head_.data(), head_.size());
  return kOk;
}

Status ArrayDeflater::reserve_jobs(size_t count) {
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

Status ArrayDeflater::write(const void *bytes, size_t nbytes) {
  Bytes remaining(static_cast<const uint8_t *>(bytes), nbytes);
  if (is_small()) {
    packed_.crc32 = crc32_update(packed_.crc32, remaining.data(), remaining.size());
    TFILE_TRY(head_.append(remaining.data(), remaining.size()));
    return output_.advance(nbytes);
  }
  const uint64_t full = packed_.chunk * batch_size();
  while (!remaining.empty()) {
    // A complete batch is deflated without a copy. Fewer bytes are copied and deflated later with the next ones.
    const uint64_t wanted = nbytes_ - done_ < full ? nbytes_ - done_ : full;
    if (pending_.empty() && remaining.size() >= wanted) {
      TFILE_TRY(deflate(remaining.first(static_cast<size_t>(wanted))));
      remaining = remaining.from(static_cast<size_t>(wanted));
      continue;
    }
    const Bytes more = remaining.first(static_cast<size_t>(wanted) - pending_.size());
    if (pending_.empty()) TFILE_TRY(pending_.reserve(static_cast<size_t>(wanted)));
    TFILE_TRY(pending_.append(more.data(), more.size()));
    remaining = remaining.from(more.size());
    if (pending_.size() < wanted) continue;
    TFILE_TRY(deflate(Bytes(pending_.data(), pending_.size())));
    pending_.clear();
  }
  return kOk;
}

// Deflates a batch of chunks. The last chunk of the array may be shorter than the others.
Status ArrayDeflater::deflate(Bytes bytes) {
  const auto chunk = static_cast<size_t>(packed_.chunk);
  if (done_ == 0) TFILE_TRY(deflate_head(false));
  const size_t count = (bytes.size() + chunk - 1) / chunk;
  TFILE_TRY(reserve_jobs(count));
  for (size_t i = 0; i < count; ++i) {
    jobs_[i].chunk = bytes.from(i * chunk).first(chunk);
    jobs_[i].last = i + 1 == count && done_ + bytes.size() == nbytes_;
  }
  TFILE_TRY(parallel_for(count, count > 1 ? request_.settings.workers() : Workers(), run_job, this));
  return write_jobs(count);
}

Status ArrayDeflater::run_job(void *context, size_t i) {
  auto &self = *static_cast<ArrayDeflater *>(context);
  Job &job = self.jobs_[i];
  job.crc = crc32_update(0, job.chunk.data(), job.chunk.size());
  return job.deflater->run(job.chunk, job.last, self.method_);
}

Status ArrayDeflater::write_jobs(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const Job &job = jobs_[i];
    const Bytes packed = job.deflater->output();
    TFILE_TRY(chunk_sizes_.push(static_cast<uint32_t>(packed.size())));
    TFILE_TRY(output_.write(packed.data(), packed.size()));
    packed_.stored += packed.size();
    packed_.crc32 = crc32_join(packed_.crc32, job.crc, job.chunk.size());
    done_ += job.chunk.size();
    TFILE_TRY(output_.advance(job.chunk.size()));
  }
  return kOk;
}

// Deflates the head as a separate chunk before those of the data.
Status ArrayDeflater::deflate_head(bool last) {
  TFILE_TRY(reserve_jobs(1));
  TFILE_TRY(jobs_[0].deflater->run(Bytes(head_.data(), head_.size()), last, method_));
  const Bytes packed = jobs_[0].deflater->output();
  packed_.head_size = static_cast<uint32_t>(packed.size());
  packed_.stored += packed.size();
  return output_.write(packed.data(), packed.size());
}

Status ArrayDeflater::end() {
  if (is_small()) TFILE_TRY(deflate_head(true));
  packed_.chunk_sizes = chunk_sizes_.span();
  return packing_.end(*packer_, output_, packed_);
}

Status ArrayDeflater::finish() {
  return packing_.finish(*packer_, output_);
}

}  // namespace tfile
