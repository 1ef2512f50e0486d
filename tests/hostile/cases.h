// Malicious files and the statuses that opening and loading them must give, which follow from the rules of the formats:
// CORRUPT if a file breaks a rule, TRUNCATED if it would be valid with more bytes at its end, LIMIT if only the options
// refuse it, UNSUPPORTED if it is valid but not handled, FORMAT if it is not of that format at all.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "tensorfile.h"

namespace tfile::hostile {

struct Case {
  std::string name;
  tf_format format;
  std::string bytes;
  tf_status open;
  tf_status load;
  tf_status also = TF_STATUS_OK;  // a second status that opening may give, if the file breaks two rules
};

class Cases {
 public:
  explicit Cases(tf_format format) : format_(format) {}

  // Adds a file that must be refused when it is opened, and therefore when it is loaded.
  void refused(const std::string &name, tf_status status, std::string bytes, tf_status also = TF_STATUS_OK) {
    cases_.push_back({name, format_, std::move(bytes), status, status, also});
  }
  // Adds a file that must open; loading it must give the status `load`.
  void opens(const std::string &name, tf_status load, std::string bytes) {
    cases_.push_back({name, format_, std::move(bytes), TF_STATUS_OK, load, TF_STATUS_OK});
  }
  void good(const std::string &name, std::string bytes) { opens(name, TF_STATUS_OK, std::move(bytes)); }

  std::vector<Case> take() { return std::move(cases_); }

 private:
  tf_format format_;
  std::vector<Case> cases_;
};

std::vector<Case> npy_cases();
std::vector<Case> npz_cases();
std::vector<Case> safetensors_cases();
std::vector<Case> gguf_cases();

// Returns byte sequences that are not valid UTF-8, with names.
inline std::vector<std::pair<std::string, std::string>> bad_utf8() {
  return {{"lone_continuation", "\x80"},
          {"truncated_2", "\xC3"},
          {"overlong_2", "\xC0\x80"},
          {"overlong_3", "\xE0\x80\x80"},
          {"overlong_4", "\xF0\x80\x80\x80"},
          {"surrogate", "\xED\xA0\x80"},
          {"beyond_unicode", "\xF4\x90\x80\x80"},
          {"byte_fe", "\xFE"},
          {"byte_ff", "\xFF"},
          {"truncated_4", "\xF0\x9F\x98"}};
}

}  // namespace tfile::hostile
