// Reads any format from a source that fails, shrinks, or returns other bytes when it is read again.
#include "fuzz.h"

namespace {

using namespace tfile::fuzz;

// A file that changes while it is read.
struct Unsteady {
  std::vector<uint8_t> bytes;
  uint64_t reads = 0;
  uint64_t fails_at = 0;    // the number of the first read that fails; 0: none
  uint64_t shrinks_at = 0;  // the number of the first read without the second half of the file; 0: none
  uint64_t changes_at = 0;  // the number of the read before which a byte changes; 0: none
  size_t changed = 0;
  uint8_t change = 0;
  tf_status answer = TF_STATUS_IO;
  bool failed = false;

  static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
    auto &self = *static_cast<Unsteady *>(user);
    const uint64_t count = ++self.reads;
    FUZZ_CHECK(offset <= self.bytes.size() && nbytes <= self.bytes.size() - offset);
    self.failed = self.failed || (self.fails_at != 0 && count >= self.fails_at);
    self.failed =
        self.failed || (self.shrinks_at != 0 && count >= self.shrinks_at && offset + nbytes > self.bytes.size() / 2);
    if (self.failed) return self.answer;
    if (self.changes_at == count && !self.bytes.empty()) self.bytes[self.changed % self.bytes.size()] ^= self.change;
    if (nbytes > 0) std::memcpy(dst, self.bytes.data() + offset, nbytes);
    return TF_STATUS_OK;
  }
};

void check(tf_status status, const Unsteady &unsteady) {
  if (status == TF_STATUS_OK) return;
  if (unsteady.failed && status == unsteady.answer) return;
  check_refusal(status);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Allocations allocations;
  Input input(data, size);
  const Handle<tf_options> options = new_options(allocations);
  Unsteady unsteady;
  const uint8_t faults = input.byte();
  if ((faults & 1) != 0) unsteady.fails_at = 1 + input.byte() % 16;
  if ((faults & 2) != 0) unsteady.shrinks_at = 1 + input.byte() % 16;
  if ((faults & 4) != 0) {
    unsteady.changes_at = 1 + input.byte() % 16;
    unsteady.change = static_cast<uint8_t>(input.byte() | 1);
    unsteady.changed = input.byte() + size_t{input.byte()} * 256;
  }
  unsteady.answer = (faults & 8) != 0 ? TF_STATUS_TRUNCATED : TF_STATUS_CANCELLED;
  choose(options.get(), input);
  const tf_format format = format_of(input);
  unsteady.bytes.assign(input.data(), input.data() + input.size());

  tf_source *raw_source = nullptr;
  FUZZ_CHECK(tf_source_new(&raw_source, unsteady.bytes.size(), 0, Unsteady::read_at, nullptr, nullptr, &unsteady) ==
             TF_STATUS_OK);
  const Handle<tf_source> source(raw_source);
  tf_file *raw = nullptr;
  const tf_status opened = tf_file_open_source(&raw, source.get(), format, options.get());
  check(opened, unsteady);
  const Handle<tf_file> file(raw);
  for (size_t i = 0; file && i < tf_file_count(file.get()); ++i) {
    tf_array *array = nullptr;
    check(tf_file_read(&array, file.get(), i), unsteady);
    if (array != nullptr) touch(array);
    tf_array_release(array);
  }
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  check(tf_load_source(&array, &arrays, nullptr, source.get(), format, options.get()), unsteady);
  tf_array_release(array);
  tf_dict_release(arrays);
  return 0;
}
