// Owners of the library's handles.
#pragma once

#include <memory>

#include "tensorfile.h"

namespace cli {

template <auto release>
struct Releaser {
  template <typename T>
  void operator()(T *handle) const {
    release(handle);
  }
};

using Array = std::unique_ptr<tf_array, Releaser<tf_array_release>>;
using Dict = std::unique_ptr<tf_dict, Releaser<tf_dict_release>>;
using File = std::unique_ptr<tf_file, Releaser<tf_file_release>>;
using Options = std::unique_ptr<tf_options, Releaser<tf_options_release>>;
using Sink = std::unique_ptr<tf_sink, Releaser<tf_sink_release>>;
using Writer = std::unique_ptr<tf_writer, Releaser<tf_writer_release>>;
using Buffer = std::unique_ptr<tf_buffer, Releaser<tf_buffer_release>>;

// For a function whose first argument is `T **out`: `expect(tf_dict_new(Out(dict)))`.
template <typename Handle>
class Out {
 public:
  explicit Out(Handle &handle) : handle_(handle) {}
  ~Out() { handle_.reset(made_); }
  Out(const Out &) = delete;
  Out &operator=(const Out &) = delete;
  operator typename Handle::pointer *() { return &made_; }  // NOLINT(google-explicit-constructor)

 private:
  Handle &handle_;
  typename Handle::pointer made_ = nullptr;
};

}  // namespace cli
