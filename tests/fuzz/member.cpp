// Reads arbitrary bytes as the member of an .npz, stored and deflated. Changed bytes of a deflated member seldom inflate to
// anything, so the target for .npz does not reach what its members contain.
#include "fuzz.h"
#include "support/zip_builder.h"

namespace {

using namespace tfile::fuzz;

struct Loaded {
  tf_status status = TF_STATUS_OK;
  Handle<tf_dict> arrays;
};

Loaded load(const std::string &bytes, tf_format format, const tf_options *options) {
  // In an allocation of exactly their size, so that sanitizers detect reads past the end.
  const Handle<tf_source> source = source_of(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  tf_dict *arrays = nullptr;
  Loaded loaded;
  loaded.status = tf_load_source(nullptr, &arrays, nullptr, source.get(), format, options);
  loaded.arrays = Handle<tf_dict>(arrays);
  if (loaded.status != TF_STATUS_OK) check_refusal(loaded.status);
  return loaded;
}

std::string archive(const std::string &member, bool deflated) {
  tfile::testing::ZipBuilder zip;
  zip.add("x.npy", member, deflated);
  return zip.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Allocations allocations;
  Input input(data, size);
  const Handle<tf_options> options = new_options(allocations);
  set(options.get(), TF_OPTION_LENIENT, input.flag() ? 1 : 0);
  const std::string member(reinterpret_cast<const char *>(input.data()), input.size());
  const Loaded stored = load(archive(member, false), TF_FORMAT_NPZ, options.get());
  const Loaded deflated = load(archive(member, true), TF_FORMAT_NPZ, options.get());
  // Compression changes nothing but the offsets in messages.
  FUZZ_CHECK(stored.status == deflated.status);
  if (stored.status != TF_STATUS_OK) return 0;
  FUZZ_CHECK(equal_dicts(stored.arrays.get(), deflated.arrays.get(), true));
  // What is an array in an archive is one by itself.
  if (tf_dict_size(stored.arrays.get()) == 1) {
    const Loaded alone = load(member, TF_FORMAT_NPY, options.get());
    if (alone.status == TF_STATUS_OK) {
      FUZZ_CHECK(equal(array_at(alone.arrays.get(), 0).get(), array_at(stored.arrays.get(), 0).get()));
    }
  }
  return 0;
}
