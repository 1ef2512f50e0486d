// Checks arbitrary bytes as a file, and compares the report with what loading the file does.

#include <filesystem>
#include <random>

#include "fuzz.h"

namespace {

using namespace tfile::fuzz;

struct Report {
  size_t faults = 0;
  size_t excused = 0;
};

size_t count_lines(const tf_dict *report, const char *list) {
  size_t count = 0;
  FUZZ_CHECK(tf_dict_string_list_size(&count, report, list, SIZE_MAX) == TF_STATUS_OK);
  for (size_t i = 0; i < count; ++i) {
    const char *text = nullptr;
    size_t length = 0;
    FUZZ_CHECK(tf_dict_string_list_at(&text, &length, report, list, SIZE_MAX, i) == TF_STATUS_OK);
    FUZZ_CHECK(length > 0 && std::strlen(text) == length && std::memchr(text, '\n', length) == nullptr);
  }
  return count;
}

Report check(const std::string &path, const tf_options *options) {
  tf_dict *raw = nullptr;
  const tf_status status = tf_check(&raw, path.c_str(), options);
  const Handle<tf_dict> report(raw);
  FUZZ_CHECK(status == TF_STATUS_OK);
  (void)count_lines(raw, "notes");
  return {count_lines(raw, "faults"), count_lines(raw, "excused")};
}

tf_status load(const std::string &path, const tf_options *options) {
  tf_dict *arrays = nullptr;
  const tf_status status = tf_load(nullptr, &arrays, nullptr, path.c_str(), options);
  tf_dict_release(arrays);
  if (status != TF_STATUS_OK) check_refusal(status);
  return status;
}

// The file that the inputs are written to, one after another.
struct InputFile {
  InputFile()
      : path((std::filesystem::temp_directory_path() / ("tensorfile-" + std::to_string(std::random_device()())))
                 .string()) {}
  ~InputFile() { (void)std::remove(path.c_str()); }
  const std::string path;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const InputFile input;
  const std::string &path = input.path;
  FILE *const file = std::fopen(path.c_str(), "wb");
  FUZZ_CHECK(file != nullptr && std::fwrite(data, 1, size, file) == size && std::fclose(file) == 0);
  Report strict;
  for (const int64_t lenient : {0, 1}) {
    for (const int64_t skip : {0, 1}) {
      Allocations allocations;
      const Handle<tf_options> options = new_options(allocations);
      set(options.get(), TF_OPTION_LENIENT, lenient);
      set(options.get(), TF_OPTION_SKIP_UNSUPPORTED, skip);
      const Report report = check(path, options.get());
      const tf_status loaded = load(path, options.get());
      // What a load refuses is a fault. The other direction does not hold: a load does not read everything.
      if (loaded != TF_STATUS_OK) FUZZ_CHECK(report.faults > 0);
      if (lenient == 0 && skip == 0) {
        strict = report;
        FUZZ_CHECK(report.excused == 0);
      }
      FUZZ_CHECK(report.faults + report.excused == strict.faults);
    }
  }
  return 0;
}
