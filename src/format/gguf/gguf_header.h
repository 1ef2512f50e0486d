// Reads the fields of a GGUF header.
#pragma once

#include "base/endian.h"
#include "format/gguf/gguf.h"

namespace tfile {

// What an error is about.
enum class GgufSubject : uint8_t { kFile, kKey, kTensor };

// Reads a header of unknown length on demand, keeps it in memory, and has a current position in it.
class GgufHeader {
 public:
  GgufHeader(Memory &memory, const Source &source, const Settings &settings)
      : source_(source), limit_(header_limit(settings)), bytes_(memory) {}

  const Source &source() const { return source_; }
  bool big() const { return big_; }
  void set_big(bool big) { big_ = big; }
  uint64_t position() const { return position_; }
  // Moves to a position that has been read.
  void seek(uint64_t position) { position_ = position; }
  const uint8_t *here() const { return bytes_.data() + position_; }

  // Sets what errors are about from now on: the name whose length is at name_at.
  void set_subject(GgufSubject subject, uint64_t name_at) {
    subject_ = subject;
    subject_at_ = name_at;
  }
  Failure fail(tf_status status, uint64_t offset) const;

  // Reads the next nbytes into memory. Pointers into the header become invalid.
  Status need(uint64_t nbytes) { return nbytes <= bytes_.size() - position_ ? kOk : fill(nbytes); }
  Status skip(uint64_t nbytes) {
    TFILE_TRY(need(nbytes));
    position_ += nbytes;
    return kOk;
  }
  template <typename T>
  Status read(T *value) {
    TFILE_TRY(need(sizeof(T)));
    *value = load<T>(here(), big_);
    position_ += sizeof(T);
    return kOk;
  }
  // Reads the count of things that follow. Fails if the file is too small for that many things of `least` bytes each.
  Status read_count(uint64_t *count, uint64_t least, const char *things) {
    TFILE_TRY(read(count));
    const Checked size = Checked(*count) * least;
    return size.valid() && size.value() <= source_.size - position_ ? kOk : fail_count(*count, size, things);
  }
  Status skip_string() {
    uint64_t length = 0;
    TFILE_TRY(read_count(&length, 1, "bytes of a string"));
    return skip(length);
  }
  // The text is borrowed until the next need().
  Status read_string(Text *text);
  // Returns the string whose length is at a position that has been read.
  Text string_at(uint64_t position) const {
    const uint8_t *const length = bytes_.data() + position;
    return Text(reinterpret_cast<const char *>(length + 8), static_cast<size_t>(load<uint64_t>(length, big_)));
  }

 private:
  Status fill(uint64_t nbytes);
  // The count, which was just read, is of things that need too many bytes.
  Status fail_count(uint64_t count, Checked size, const char *things) const;

  const Source &source_;
  uint64_t limit_;
  Vec<uint8_t> bytes_;
  uint64_t position_ = 0;
  bool big_ = false;
  GgufSubject subject_ = GgufSubject::kFile;
  uint64_t subject_at_ = 0;
};

}  // namespace tfile
