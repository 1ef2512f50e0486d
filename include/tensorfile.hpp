/**
 * @file tensorfile.hpp
 * A thin C++17 layer over tensorfile.h: owning handles, exceptions, ranges and typed access.
 *
 * The layer is header-only. tensorfile.h documents what each function does and which statuses it can fail with; the
 * comments here name the C function that a member calls. The constants of C are enumerators with the same numbers:
 * TF_DTYPE_FLOAT32 is Dtype::float32, and TF_FORMAT_AUTO, whose name would be a keyword, is Format::auto_. A number
 * that this header does not know, because the library is newer, keeps its value in the enumeration.
 *
 * ## Handles
 *
 * Array, Dict, File, ReadPlan, Options, Source, Sink, Buffer, Writer, PartPlan and QuantPlan each own one reference. They can be
 * moved but not copied; share() returns another handle on the same object. A default-constructed or moved-from handle is
 * empty: it converts to false, and may only be assigned to or destroyed, except that empty Options mean the defaults and
 * an empty Dict has no values. get() returns the C handle and keeps ownership of it, release() gives ownership to the
 * caller, and the constructor from a C handle takes ownership.
 *
 * ## Errors
 *
 * Every failure is thrown as tensorfile::Error, which has the status, message, offset, name and system error of the C
 * error record.
 * An exception thrown by a callback ends the library call and is rethrown from it unchanged. Release callbacks must not
 * throw.
 *
 * ## Types of elements
 *
 * Typed access never converts silently: values<float>() of an array of float64 throws TYPE. The members that convert
 * say so in their names: as<T>(), read_as<T>(), as_vector<T>().
 *
 * ## Strings, paths, lists and bytes
 *
 * Strings are passed as std::string_view: UTF-8, not necessarily NUL-terminated. Strings are returned as views, which
 * stay valid as long as tensorfile.h says for the C function. Paths are passed as std::filesystem::path, or as
 * std::string or const char *, which are UTF-8 on Windows. A shape or slice can be a braced list, a vector, an array, a
 * Span or a std::span, and bytes can be any of these with elements of one byte, or a std::string.
 *
 * tensorfile::Span is a pointer and a length, the same type in every C++ standard. It converts to std::span.
 *
 *     namespace tf = tensorfile;
 *     tf::Dict weights = {{"w", tf::Array::zeros(tf::Dtype::float32, {2, 3})}};
 *     tf::save_safetensors("model.safetensors", weights, {{"author", "me"}});
 *
 *     tf::File file("model.safetensors");
 *     for (const tf::File::Entry &entry : file) std::cout << entry.name() << ": " << entry << "\n";
 *     std::vector<float> w = file["w"].read_values<float>();
 */
#ifndef TENSORFILE_HPP
#define TENSORFILE_HPP

#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <istream>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensorfile.h"

#if __cplusplus >= 202002L
#include <ranges>
#endif

#if defined(__clang__)
#pragma clang diagnostic push
// A header cannot contain an out-of-line virtual function, and related members are declared next to each other.
#pragma clang diagnostic ignored "-Wweak-vtables"
#pragma clang diagnostic ignored "-Wpadded"
#pragma clang diagnostic ignored "-Wexit-time-destructors"
#endif

namespace tensorfile {

/** The result of a call: ::tf_status. */
enum class Status : tf_status {
  // BEGIN tf_status: generated from tensorfile.h by bindings/swig/generate.sh
  ok = TF_STATUS_OK,
  invalid_argument = TF_STATUS_INVALID_ARGUMENT,
  out_of_memory = TF_STATUS_OUT_OF_MEMORY,
  io = TF_STATUS_IO,
  not_found = TF_STATUS_NOT_FOUND,
  duplicate = TF_STATUS_DUPLICATE,
  format = TF_STATUS_FORMAT,
  corrupt = TF_STATUS_CORRUPT,
  truncated = TF_STATUS_TRUNCATED,
  unsupported = TF_STATUS_UNSUPPORTED,
  limit = TF_STATUS_LIMIT,
  type = TF_STATUS_TYPE,
  mismatch = TF_STATUS_MISMATCH,
  cancelled = TF_STATUS_CANCELLED,
  internal = TF_STATUS_INTERNAL,
  // END tf_status
};

/** The type of an array's elements: ::tf_dtype. */
enum class Dtype : tf_dtype {
  // BEGIN tf_dtype: generated from tensorfile.h by bindings/swig/generate.sh
  unsupported = TF_DTYPE_UNSUPPORTED,
  as_stored = TF_DTYPE_AS_STORED,
  bool_ = TF_DTYPE_BOOL,
  int8 = TF_DTYPE_INT8,
  int16 = TF_DTYPE_INT16,
  int32 = TF_DTYPE_INT32,
  int64 = TF_DTYPE_INT64,
  uint8 = TF_DTYPE_UINT8,
  uint16 = TF_DTYPE_UINT16,
  uint32 = TF_DTYPE_UINT32,
  uint64 = TF_DTYPE_UINT64,
  float16 = TF_DTYPE_FLOAT16,
  bfloat16 = TF_DTYPE_BFLOAT16,
  float32 = TF_DTYPE_FLOAT32,
  float64 = TF_DTYPE_FLOAT64,
  complex64 = TF_DTYPE_COMPLEX64,
  complex128 = TF_DTYPE_COMPLEX128,
  float8_e4m3fn = TF_DTYPE_FLOAT8_E4M3FN,
  float8_e5m2 = TF_DTYPE_FLOAT8_E5M2,
  float8_e4m3fnuz = TF_DTYPE_FLOAT8_E4M3FNUZ,
  float8_e5m2fnuz = TF_DTYPE_FLOAT8_E5M2FNUZ,
  float8_e8m0fnu = TF_DTYPE_FLOAT8_E8M0FNU,
  float6_e2m3fn = TF_DTYPE_FLOAT6_E2M3FN,
  float6_e3m2fn = TF_DTYPE_FLOAT6_E3M2FN,
  float4_e2m1fn = TF_DTYPE_FLOAT4_E2M1FN,
  q4_0 = TF_DTYPE_Q4_0,
  q4_1 = TF_DTYPE_Q4_1,
  q5_0 = TF_DTYPE_Q5_0,
  q5_1 = TF_DTYPE_Q5_1,
  q8_0 = TF_DTYPE_Q8_0,
  q8_1 = TF_DTYPE_Q8_1,
  q2_k = TF_DTYPE_Q2_K,
  q3_k = TF_DTYPE_Q3_K,
  q4_k = TF_DTYPE_Q4_K,
  q5_k = TF_DTYPE_Q5_K,
  q6_k = TF_DTYPE_Q6_K,
  q8_k = TF_DTYPE_Q8_K,
  iq2_xxs = TF_DTYPE_IQ2_XXS,
  iq2_xs = TF_DTYPE_IQ2_XS,
  iq3_xxs = TF_DTYPE_IQ3_XXS,
  iq1_s = TF_DTYPE_IQ1_S,
  iq4_nl = TF_DTYPE_IQ4_NL,
  iq3_s = TF_DTYPE_IQ3_S,
  iq2_s = TF_DTYPE_IQ2_S,
  iq4_xs = TF_DTYPE_IQ4_XS,
  iq1_m = TF_DTYPE_IQ1_M,
  tq1_0 = TF_DTYPE_TQ1_0,
  tq2_0 = TF_DTYPE_TQ2_0,
  mxfp4 = TF_DTYPE_MXFP4,
  nvfp4 = TF_DTYPE_NVFP4,
  q1_0 = TF_DTYPE_Q1_0,
  q2_0 = TF_DTYPE_Q2_0,
  // END tf_dtype
};

/** A mixture of types for the arrays of a model: ::tf_preset. */
enum class Preset : tf_preset {
  // BEGIN tf_preset: generated from tensorfile.h by bindings/swig/generate.sh
  none = TF_PRESET_NONE,
  q4_0 = TF_PRESET_Q4_0,
  q4_1 = TF_PRESET_Q4_1,
  q8_0 = TF_PRESET_Q8_0,
  q5_0 = TF_PRESET_Q5_0,
  q5_1 = TF_PRESET_Q5_1,
  q2_k = TF_PRESET_Q2_K,
  q3_k_s = TF_PRESET_Q3_K_S,
  q3_k_m = TF_PRESET_Q3_K_M,
  q3_k_l = TF_PRESET_Q3_K_L,
  q4_k_s = TF_PRESET_Q4_K_S,
  q4_k_m = TF_PRESET_Q4_K_M,
  q5_k_s = TF_PRESET_Q5_K_S,
  q5_k_m = TF_PRESET_Q5_K_M,
  q6_k = TF_PRESET_Q6_K,
  q2_k_s = TF_PRESET_Q2_K_S,
  iq4_nl = TF_PRESET_IQ4_NL,
  iq4_xs = TF_PRESET_IQ4_XS,
  tq1_0 = TF_PRESET_TQ1_0,
  tq2_0 = TF_PRESET_TQ2_0,
  mxfp4_moe = TF_PRESET_MXFP4_MOE,
  // END tf_preset
};

/** A file format: ::tf_format. */
enum class Format : tf_format {
  // BEGIN tf_format: generated from tensorfile.h by bindings/swig/generate.sh
  auto_ = TF_FORMAT_AUTO,
  npy = TF_FORMAT_NPY,
  npz = TF_FORMAT_NPZ,
  safetensors = TF_FORMAT_SAFETENSORS,
  gguf = TF_FORMAT_GGUF,
  by_content = TF_FORMAT_BY_CONTENT,
  // END tf_format
};

/** The kind of a value in a Dict: ::tf_kind. */
enum class Kind : tf_kind {
  // BEGIN tf_kind: generated from tensorfile.h by bindings/swig/generate.sh
  none = TF_KIND_NONE,
  array = TF_KIND_ARRAY,
  string = TF_KIND_STRING,
  string_list = TF_KIND_STRING_LIST,
  dict = TF_KIND_DICT,
  // END tf_kind
};

/** An option of Options: ::tf_option. */
enum class Option : tf_option {
  // BEGIN tf_option: generated from tensorfile.h by bindings/swig/generate.sh
  threads = TF_OPTION_THREADS,
  max_bytes = TF_OPTION_MAX_BYTES,
  format = TF_OPTION_FORMAT,
  load_mode = TF_OPTION_LOAD_MODE,
  decode = TF_OPTION_DECODE,
  lenient = TF_OPTION_LENIENT,
  skip_unsupported = TF_OPTION_SKIP_UNSUPPORTED,
  strict = TF_OPTION_STRICT,
  parts = TF_OPTION_PARTS,
  max_header_bytes = TF_OPTION_MAX_HEADER_BYTES,
  max_arrays = TF_OPTION_MAX_ARRAYS,
  max_metadata = TF_OPTION_MAX_METADATA,
  max_name_bytes = TF_OPTION_MAX_NAME_BYTES,
  max_rank = TF_OPTION_MAX_RANK,
  max_nesting = TF_OPTION_MAX_NESTING,
  exact_path = TF_OPTION_EXACT_PATH,
  part_bytes = TF_OPTION_PART_BYTES,
  atomic = TF_OPTION_ATOMIC,
  durable = TF_OPTION_DURABLE,
  alignment = TF_OPTION_ALIGNMENT,
  gguf_extended = TF_OPTION_GGUF_EXTENDED,
  compress = TF_OPTION_COMPRESS,
  compression_level = TF_OPTION_COMPRESSION_LEVEL,
  deflate = TF_OPTION_DEFLATE,
  // END tf_option
};

/** What the elements of a dtype are: tf_dtype_kind(). */
enum class DtypeKind : std::int32_t {
  // BEGIN tf_dtype_kind: generated from tensorfile.h by bindings/swig/generate.sh
  none = TF_DTYPE_KIND_NONE,
  bool_ = TF_DTYPE_KIND_BOOL,
  signed_ = TF_DTYPE_KIND_SIGNED,
  unsigned_ = TF_DTYPE_KIND_UNSIGNED,
  float_ = TF_DTYPE_KIND_FLOAT,
  complex = TF_DTYPE_KIND_COMPLEX,
  block = TF_DTYPE_KIND_BLOCK,
  // END tf_dtype_kind
};

/** What a file format can do: ::tf_ability. */
enum class Ability : tf_ability {
  // BEGIN tf_ability: generated from tensorfile.h by bindings/swig/generate.sh
  single_array = TF_ABILITY_SINGLE_ARRAY,
  metadata = TF_ABILITY_METADATA,
  parts = TF_ABILITY_PARTS,
  compression = TF_ABILITY_COMPRESSION,
  text_members = TF_ABILITY_TEXT_MEMBERS,
  model_keys = TF_ABILITY_MODEL_KEYS,
  header_slack = TF_ABILITY_HEADER_SLACK,
  // END tf_ability
};

/** Values of Ability::metadata. Each includes the previous ones. */
enum class MetadataAbility : std::int32_t {
  // BEGIN tf_metadata: generated from tensorfile.h by bindings/swig/generate.sh
  none = TF_METADATA_NONE,
  strings = TF_METADATA_STRINGS,
  string_lists = TF_METADATA_STRING_LISTS,
  typed = TF_METADATA_TYPED,
  // END tf_metadata
};

/** Values of Option::deflate. */
enum class Deflate : std::int32_t {
  // BEGIN tf_deflate: generated from tensorfile.h by bindings/swig/generate.sh
  auto_ = TF_DEFLATE_AUTO,
  zlib = TF_DEFLATE_ZLIB,
  // END tf_deflate
};

/** Values of Option::decode, besides a Dtype. */
enum class Decode : std::int32_t {
  // BEGIN tf_decode: generated from tensorfile.h by bindings/swig/generate.sh
  keep = TF_DECODE_KEEP,
  mlx = TF_DECODE_MLX,
  // END tf_decode
};

/** Values of Option::load_mode. */
enum class LoadMode : std::int32_t {
  // BEGIN tf_load_mode: generated from tensorfile.h by bindings/swig/generate.sh
  own = TF_LOAD_MODE_OWN,
  map = TF_LOAD_MODE_MAP,
  // END tf_load_mode
};

namespace detail {

/** The number of an enumerator, as the C functions take it. */
template <typename Enum>
constexpr std::int32_t number(Enum value) noexcept {
  static_assert(std::is_same_v<std::underlying_type_t<Enum>, std::int32_t>, "not an enumeration of tensorfile.h");
  return static_cast<std::int32_t>(value);
}

}  // namespace detail

/** tf_status_name(): the status as a lower-case word. */
inline const char *name(Status status) noexcept {
  return tf_status_name(detail::number(status));
}
/** tf_dtype_name(): the name as NumPy, ml_dtypes or ggml write it. */
inline const char *name(Dtype dtype) noexcept {
  return tf_dtype_name(detail::number(dtype));
}
/** tf_format_name() */
inline const char *name(Format format) noexcept {
  return tf_format_name(detail::number(format));
}
/** The kind as a word. */
inline const char *name(Kind kind) noexcept {
  constexpr const char *names[] = {"none", "array", "string", "string list", "dict"};
  const auto index = static_cast<std::size_t>(detail::number(kind));
  return index < sizeof(names) / sizeof(names[0]) ? names[index] : "unknown";
}
/** tf_option_name(): "max_arrays" for Option::max_arrays. */
inline const char *name(Option option) noexcept {
  return tf_option_name(detail::number(option));
}
/** tf_dtype_from_name(): Dtype::unsupported if there is no dtype of this name. */
inline Dtype dtype_from_name(const std::string &text) noexcept {
  return static_cast<Dtype>(tf_dtype_from_name(text.c_str()));
}
/** tf_dtype_bits(): the bits of an element; 0 for a block type. */
inline std::uint32_t bits(Dtype dtype) noexcept {
  return tf_dtype_bits(detail::number(dtype));
}
/** tf_dtype_block_size(): the elements of the smallest unit of whole bytes. */
inline std::uint32_t block_size(Dtype dtype) noexcept {
  return tf_dtype_block_size(detail::number(dtype));
}
/** tf_dtype_block_bytes(): the bytes of that unit. */
inline std::uint32_t block_bytes(Dtype dtype) noexcept {
  return tf_dtype_block_bytes(detail::number(dtype));
}
/** tf_dtype_kind() */
inline DtypeKind kind(Dtype dtype) noexcept {
  return static_cast<DtypeKind>(tf_dtype_kind(detail::number(dtype)));
}
/** tf_dtype_can_encode(): true if Array::cast() can make arrays of the dtype from floats. */
inline bool can_encode(Dtype dtype) noexcept {
  return tf_dtype_can_encode(detail::number(dtype)) != 0;
}
/** tf_preset_at(): all presets. */
inline std::vector<Preset> presets() {
  std::vector<Preset> all;
  for (std::size_t i = 0; tf_preset_at(i) != TF_PRESET_NONE; ++i)
    all.push_back(static_cast<Preset>(tf_preset_at(i)));
  return all;
}
/** tf_preset_name() */
inline const char *name(Preset preset) noexcept {
  return tf_preset_name(detail::number(preset));
}
/** tf_preset_from_name(): Preset::none if there is no preset of this name. */
inline Preset preset_from_name(const std::string &text) noexcept {
  return static_cast<Preset>(tf_preset_from_name(text.c_str()));
}
/** tf_preset_dtype(): the type of the arrays that get no special treatment. */
inline Dtype preset_dtype(Preset preset) noexcept {
  return static_cast<Dtype>(tf_preset_dtype(detail::number(preset)));
}
/** tf_option_from_name(): the number 0, which no option has, if there is no option of this name. */
inline Option option_from_name(const std::string &text) noexcept {
  return static_cast<Option>(tf_option_from_name(text.c_str()));
}
/** tf_format_at(): all formats. */
inline std::vector<Format> formats() {
  std::vector<Format> all;
  for (std::size_t i = 0; tf_format_at(i) != TF_FORMAT_AUTO; ++i)
    all.push_back(static_cast<Format>(tf_format_at(i)));
  return all;
}
/** tf_format_extension(): the extension with its dot, such as ".npz". */
inline const char *extension(Format format) noexcept {
  return tf_format_extension(detail::number(format));
}
/** tf_format_ability(): what the format can do, described at ::tf_ability. */
inline std::int64_t ability(Format format, Ability which) noexcept {
  return tf_format_ability(detail::number(format), detail::number(which));
}
/** The metadata that the format can hold: tf_format_ability() of Ability::metadata. */
inline MetadataAbility metadata_ability(Format format) noexcept {
  return static_cast<MetadataAbility>(ability(format, Ability::metadata));
}
/** tf_version_string(): the version of the running library, such as "0.9.0". */
inline const char *version() noexcept {
  return tf_version_string();
}
/** tf_version_number(): the same as a number, major * 10000 + minor * 100 + patch. */
inline std::uint32_t version_number() noexcept {
  return tf_version_number();
}
/** tf_format_probe() */
inline Format format_of(const void *head, std::size_t nbytes) noexcept {
  return static_cast<Format>(tf_format_probe(head, nbytes));
}

/** A failure of the library, with what the error record of the thread contained. */
class Error : public std::runtime_error {
 public:
  /** The offset of a failure that is not about a byte of a file. */
  static constexpr std::uint64_t no_offset = UINT64_MAX;

  /** An error that is not taken from the error record. */
  Error(Status status, const std::string &message, std::string name = std::string(), std::uint64_t offset = no_offset,
        std::error_code system = std::error_code())
      : std::runtime_error(message),
        status_(status),
        offset_(offset),
        system_(system),
        name_(std::make_shared<const std::string>(std::move(name))) {}
  /** The last failure on this thread: its error record, with the status that a C function returned. */
  static Error last(Status status) {
    const auto system = static_cast<int>(tf_error_system());
    return Error(status, tf_error_message(), tf_error_name(), tf_error_offset(),
                 std::error_code(system, std::system_category()));
  }
  /** The last failure on this thread. */
  static Error last() { return last(static_cast<Status>(tf_error_status())); }

  /** The status, which can have a number without an enumerator if a callback or a newer library returned it. */
  Status status() const noexcept { return status_; }
  /** The byte offset in the file that the failure is about, or no_offset. */
  std::uint64_t offset() const noexcept { return offset_; }
  /** The name of the array or key that the failure is about, or "". */
  const std::string &name() const noexcept { return *name_; }
  /** The error of the operating system that caused the failure, to be compared with std::errc. It converts to false if
      there is none. */
  std::error_code system() const noexcept { return system_; }

 private:
  Status status_;
  std::uint64_t offset_;
  std::error_code system_;
  std::shared_ptr<const std::string> name_;  // shared, so that copying an exception cannot throw
};

namespace detail {

/** The exception that a callback has thrown during the current library call of this thread. */
inline std::exception_ptr &thrown() {
  static thread_local std::exception_ptr exception;
  return exception;
}

/** Runs the body of a callback and stores an exception that it throws, for check() to rethrow. */
template <typename Body>
tf_status guarded(Body &&body) noexcept {
  try {
    return number(body());
  } catch (...) {
    thrown() = std::current_exception();
    return TF_STATUS_CANCELLED;
  }
}

/** Throws if a call has failed: the exception of its callback, or its error record as an Error. */
inline void check(tf_status status) {
  if (status == TF_STATUS_OK) return;
  if (std::exception_ptr exception = std::exchange(thrown(), nullptr)) std::rethrow_exception(exception);
  throw Error::last(static_cast<Status>(status));
}

/** Throws an Error unless the condition is true. */
inline void require(bool condition, Status status, const char *message) {
  if (!condition) throw Error(status, message);
}

/** A release callback that calls and deletes a function object made by keep(). */
template <typename F>
void call_once(void *user) noexcept {
  const std::unique_ptr<F> function(static_cast<F *>(user));
  (*function)();
}

/** A release callback that deletes an object. */
template <typename T>
void destroy(void *user) noexcept {
  delete static_cast<T *>(user);
}

/** Moves a release callback to the heap, for call_once(). If that fails, the callback is called before the exception.
    */
template <typename F>
void *keep(F &&release) {
  using Kept = std::decay_t<F>;
  try {
    return new Kept(std::forward<F>(release));
  } catch (...) {
    release();
    throw;
  }
}

/** Owns one reference to an object of the library. */
template <typename T, T *(*Retain)(T *), void (*Release)(T *)>
class Handle {
 public:
  Handle() noexcept = default;
  /** Takes ownership of a reference. */
  explicit Handle(T *handle) noexcept : handle_(handle) {}
  Handle(Handle &&other) noexcept : handle_(other.release()) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) Release(std::exchange(handle_, other.release()));
    return *this;
  }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  ~Handle() { Release(handle_); }

  /** True if the handle is not empty. */
  explicit operator bool() const noexcept { return handle_ != nullptr; }
  /** Returns the C handle; this object keeps its reference. */
  T *get() const noexcept { return handle_; }
  /** Returns the C handle and gives its reference to the caller. This object is empty afterwards. */
  [[nodiscard]] T *release() noexcept { return std::exchange(handle_, nullptr); }
  /** Releases the reference and takes ownership of another one; without an argument, this object is empty afterwards. */
  void reset(T *handle = nullptr) noexcept { Release(std::exchange(handle_, handle)); }

 protected:
  /** Another reference to the object, for share(). */
  T *retained() const noexcept { return handle_ == nullptr ? nullptr : Retain(handle_); }
  /** The argument of a C function that stores a new object in a T **. The old reference is released. */
  T **out() noexcept {
    reset();
    return &handle_;
  }

  T *handle_ = nullptr;
};

}  // namespace detail

/** A view of consecutive elements that another object owns. It converts to std::span in C++20. */
template <typename T>
class Span {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  using size_type = std::size_t;
  using iterator = T *;

  constexpr Span() noexcept = default;
  constexpr Span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
  constexpr T *data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr T &operator[](std::size_t i) const { return data_[i]; }
  constexpr T *begin() const noexcept { return data_; }
  constexpr T *end() const noexcept { return data_ + size_; }

 private:
  T *data_ = nullptr;
  std::size_t size_ = 0;
};

/** A path in the encoding that the library expects. */
class Path {
 public:
  /** NUL-terminated bytes; UTF-8 on Windows. */
  Path(const char *path) : text_(path) {}
  /** Bytes; UTF-8 on Windows. */
  Path(std::string path) : text_(std::move(path)) {}
  /** A path of any platform. */
  Path(const std::filesystem::path &path) {
#if defined(_WIN32)
    const auto utf8 = path.u8string();
    text_.assign(utf8.begin(), utf8.end());
#else
    text_ = path.native();
#endif
  }
  /** The path for the C functions. */
  const char *c_str() const noexcept {
    return text_.c_str();
  }

 private:
  std::string text_;
};

/** tf_format_from_path(): Format::auto_ if the extension names no format. */
inline Format format_from_path(const Path &path) noexcept {
  return static_cast<Format>(tf_format_from_path(path.c_str()));
}

/** The sizes of an array in elements, outermost dimension first. */
using Shape = std::vector<std::int64_t>;

/** A list that is passed to a function: a braced list, a vector, an array, a Span, a std::span. It must not outlive the
    call, because it does not own the items. */
template <typename T>
class List {
 public:
  List() noexcept = default;
  List(std::initializer_list<T> items) noexcept : data_(std::data(items)), size_(items.size()) {}
  template <typename Range, typename = std::enable_if_t<
                                std::is_convertible_v<decltype(std::declval<const Range &>().data()), const T *>>>
  List(const Range &range) noexcept : data_(range.data()), size_(range.size()) {}
  const T *data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const T &operator[](std::size_t i) const { return data_[i]; }
  const T *begin() const noexcept { return data_; }
  const T *end() const noexcept { return data_ + size_; }

 private:
  const T *data_ = nullptr;
  std::size_t size_ = 0;
};

/** Sizes or indices, one for each dimension, that are passed to a function. */
using Sizes = List<std::int64_t>;

/** Bytes that are passed to a function: a Buffer, a std::string, or any consecutive elements of one byte. They must not
    outlive the call. */
class Bytes {
 public:
  Bytes(const void *data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <typename Range, typename Element = std::remove_pointer_t<decltype(std::declval<const Range &>().data())>,
            typename = std::enable_if_t<sizeof(Element) == 1 && std::is_trivially_copyable_v<Element>>>
  Bytes(const Range &range) noexcept : data_(range.data()), size_(range.size()) {}
  const void *data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

 private:
  const void *data_;
  std::size_t size_;
};

/** One axis of a slice, as Python's start:stop:step. Values that are not given, or std::nullopt, are omitted. */
struct Slice {
  /** The value of a member that is omitted. */
  static constexpr std::int64_t omitted = TENSORFILE_SLICE_OMITTED;

  /** The whole axis. */
  constexpr Slice() noexcept = default;
  constexpr Slice(std::optional<std::int64_t> first, std::optional<std::int64_t> end,
                  std::optional<std::int64_t> stride = std::nullopt) noexcept
      : start(first.value_or(omitted)), stop(end.value_or(omitted)), step(stride.value_or(omitted)) {}
  /** The element at an index, which can be negative. The axis stays, with the size 1. */
  static constexpr Slice at(std::int64_t index) noexcept {
    return index == -1 ? Slice(index, std::nullopt) : Slice(index, index + 1);
  }

  std::int64_t start = omitted;
  std::int64_t stop = omitted;
  std::int64_t step = omitted;
};

/** The axes of a slice that is passed to a function. Axes that are not given are selected whole: {{0, 2}} is
    [0:2, ...]. */
using Slices = List<Slice>;

/**
 * The dtype of a C++ type: bool, integers of 8 to 64 bits, float, double, std::complex<float>, std::complex<double>.
 * Specialise it to use another type, such as a 16-bit float:
 * `template <> struct tensorfile::DtypeOf<my::half> { static constexpr tensorfile::Dtype value = tensorfile::Dtype::float16; };`
 */
template <typename T, typename = void>
struct DtypeOf;
template <>
struct DtypeOf<bool> {
  static constexpr Dtype value = Dtype::bool_;
};
template <>
struct DtypeOf<float> {
  static constexpr Dtype value = Dtype::float32;
};
template <>
struct DtypeOf<double> {
  static constexpr Dtype value = Dtype::float64;
};
template <>
struct DtypeOf<std::complex<float>> {
  static constexpr Dtype value = Dtype::complex64;
};
template <>
struct DtypeOf<std::complex<double>> {
  static constexpr Dtype value = Dtype::complex128;
};
template <typename T>
struct DtypeOf<T, std::enable_if_t<std::is_integral_v<T> && sizeof(T) <= 8>> {
  static constexpr Dtype value = sizeof(T) == 1   ? (std::is_signed_v<T> ? Dtype::int8 : Dtype::uint8)
                                 : sizeof(T) == 2 ? (std::is_signed_v<T> ? Dtype::int16 : Dtype::uint16)
                                 : sizeof(T) == 4 ? (std::is_signed_v<T> ? Dtype::int32 : Dtype::uint32)
                                                  : (std::is_signed_v<T> ? Dtype::int64 : Dtype::uint64);
};
/** The dtype of a C++ type, const or not. */
template <typename T>
inline constexpr Dtype dtype_of = DtypeOf<std::remove_cv_t<T>>::value;

static_assert(sizeof(bool) == 1, "an element of a bool array is one byte");

namespace detail {

std::string type_text(std::string_view type, Span<const std::int64_t> shape);

/** Throws if a valid shape does not have that many elements; an invalid one is left to the library. */
inline void require_count(Span<const std::int64_t> shape, std::size_t count) {
  std::int64_t needed = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || (size > 0 && needed > INT64_MAX / size)) return;
    needed *= size;
  }
  if (static_cast<std::uint64_t>(needed) == count) return;
  throw Error(Status::invalid_argument, type_text("shape", shape) + " needs " + std::to_string(needed) +
                                            " elements, got " + std::to_string(count));
}

/** The error of typed access to elements of another dtype; about is the name of the array. */
inline Error wrong_dtype(const std::string &what, Dtype found, Dtype asked, const char *way_out,
                         std::string_view about = std::string_view()) {
  return Error(Status::type, what + " is " + name(found) + ", not " + name(asked) + "; " + way_out, std::string(about));
}

/** True if T is a number that an element can be; characters are no numbers. */
template <typename T>
inline constexpr bool is_number = std::is_arithmetic_v<T> && !std::is_same_v<T, char> && !std::is_same_v<T, wchar_t> &&
                                  !std::is_same_v<T, char16_t> && !std::is_same_v<T, char32_t> && sizeof(T) <= 8;

/** True if T is std::complex<float> or std::complex<double>. */
template <typename T>
inline constexpr bool is_complex = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

/** Converts a number if T can hold it. Only a conversion to a float rounds. The parentheses around min and max keep the
    macros of windows.h away. */
template <typename T, typename From>
bool convert(T *to, From from) noexcept {
  if constexpr (std::is_floating_point_v<T>) {
    *to = static_cast<T>(from);
    return true;
  } else if constexpr (std::is_floating_point_v<From>) {
    // 2 to the number of bits of T is the first number above its range, and a float can hold it.
    From above = 1;
    for (int i = 0; i < std::numeric_limits<T>::digits; ++i)
      above *= 2;
    if (!(from < above) || from < (std::is_signed_v<T> ? -above : From{0})) return false;
    *to = static_cast<T>(from);
    return !(static_cast<From>(*to) < from) && !(static_cast<From>(*to) > from);
  } else {
    const bool below = from < From{0};
    if (below
            ? std::is_unsigned_v<T> || static_cast<std::int64_t>(+from) < std::int64_t{(std::numeric_limits<T>::min)()}
            : static_cast<std::uint64_t>(+from) > std::uint64_t{(std::numeric_limits<T>::max)()}) {
      return false;
    }
    *to = static_cast<T>(+from);
    return true;
  }
}

}  // namespace detail

class Scalar;
/** The number as text: "3", "0.1" (as few digits as identify it), "true", "(1+2j)". */
inline std::string to_string(const Scalar &scalar);

/**
 * One number with its dtype: a value of metadata, or an element of an array. It is made from any number of C++, and
 * keeps its type: Scalar(3u) is a uint32, and is saved as one.
 */
class Scalar {
 public:
  /** The bytes that the largest element needs. */
  static constexpr std::size_t max_bytes = 16;

  template <typename T, typename = std::enable_if_t<detail::is_number<T> || detail::is_complex<T>>>
  Scalar(T value) noexcept : dtype_(dtype_of<T>) {
    std::memcpy(bytes_, &value, sizeof(T));
  }
  /** An element of any dtype whose elements have whole bytes, from its bytes in the byte order of this machine. */
  Scalar(Dtype dtype, const void *bytes) : dtype_(dtype) {
    detail::require(block_size(dtype) == 1, Status::invalid_argument, "the elements of the dtype have no whole bytes");
    std::memcpy(bytes_, bytes, nbytes());
  }

  /** The type of the number. */
  Dtype dtype() const noexcept { return dtype_; }
  /** The bytes of the number, in the byte order of this machine. */
  const void *data() const noexcept { return bytes_; }
  /** The number of these bytes. */
  std::size_t nbytes() const noexcept { return block_bytes(dtype_); }

  /** True if the number is a T, so that get<T>() returns it. */
  template <typename T>
  bool holds() const noexcept {
    return dtype_ == dtype_of<T>;
  }
  /** The number, if it is a T; else throws TYPE. */
  template <typename T>
  T get() const {
    if (!holds<T>()) throw detail::wrong_dtype("the scalar", dtype_, dtype_of<T>, "as<T>() converts");
    return load<T>();
  }
  /** The number as a T. Throws TYPE if an integer T cannot hold it exactly; a float T rounds to nearest. */
  template <typename T>
  T as() const {
    T value{};
    if constexpr (detail::is_complex<T>) {
      if (dtype_ == Dtype::complex64) {
        value = static_cast<T>(load<std::complex<float>>());
      } else if (dtype_ == Dtype::complex128) {
        value = static_cast<T>(load<std::complex<double>>());
      } else {
        value = T(as<typename T::value_type>());
      }
    } else {
      static_assert(std::is_arithmetic_v<T>, "as<T>() converts to numbers");
      if (!visit([&value](auto number) { return detail::convert(&value, number); })) {
        throw Error(Status::type, to_string(*this) + " (" + tensorfile::name(dtype_) + ") does not fit in " +
                                      tensorfile::name(dtype_of<T>));
      }
    }
    return value;
  }
  /** Calls visitor with the number as bool, an integer, float or double; a float of 16 or 8 bits becomes a float. Throws
      TYPE if the number is complex. */
  template <typename Visitor>
  decltype(auto) visit(Visitor &&visitor) const {
    switch (detail::number(dtype_)) {
      case TF_DTYPE_BOOL:
        return visitor(load<bool>());
      case TF_DTYPE_INT8:
        return visitor(load<std::int8_t>());
      case TF_DTYPE_INT16:
        return visitor(load<std::int16_t>());
      case TF_DTYPE_INT32:
        return visitor(load<std::int32_t>());
      case TF_DTYPE_INT64:
        return visitor(load<std::int64_t>());
      case TF_DTYPE_UINT8:
        return visitor(load<std::uint8_t>());
      case TF_DTYPE_UINT16:
        return visitor(load<std::uint16_t>());
      case TF_DTYPE_UINT32:
        return visitor(load<std::uint32_t>());
      case TF_DTYPE_UINT64:
        return visitor(load<std::uint64_t>());
      case TF_DTYPE_FLOAT32:
        return visitor(load<float>());
      case TF_DTYPE_FLOAT64:
        return visitor(load<double>());
      default:
        return visitor(small_float());
    }
  }

  /** True if dtypes and bytes are equal. */
  friend bool operator==(const Scalar &a, const Scalar &b) noexcept {
    return a.dtype_ == b.dtype_ && std::memcmp(a.bytes_, b.bytes_, a.nbytes()) == 0;
  }
  friend bool operator!=(const Scalar &a, const Scalar &b) noexcept { return !(a == b); }

 private:
  template <typename T>
  T load() const noexcept {
    T value;
    std::memcpy(&value, bytes_, sizeof(T));
    return value;
  }
  /** The value of a float that C++ has no type for. */
  float small_float() const {
    detail::Handle<tf_array, tf_array_retain, tf_array_release> array;
    tf_array *raw = nullptr;
    detail::check(tf_array_copy_from(&raw, detail::number(dtype_), nullptr, 0, bytes_, nbytes()));
    array.reset(raw);
    double value = 0;
    detail::check(tf_array_item_double(&value, raw, nullptr, 0));
    return static_cast<float>(value);
  }

  Dtype dtype_;
  unsigned char bytes_[max_bytes] = {};
};

/** The range of an option and its default: tf_option_range(). */
struct OptionRange {
  std::int64_t minimum;
  std::int64_t maximum;
  std::int64_t default_value;
};
/** tf_option_range() */
inline OptionRange range(Option option) {
  OptionRange range = {};
  detail::check(tf_option_range(&range.minimum, &range.maximum, &range.default_value, detail::number(option)));
  return range;
}

/** An option and its value, as they are written in the braced list of Options. */
class Setting {
 public:
  /** A number, a bool, or an enumerator such as Format::npy, Dtype::float32 or LoadMode::map. */
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T> || std::is_enum_v<T>>>
  Setting(Option option, T value) noexcept : option_(option), value_(static_cast<std::int64_t>(value)) {}
  /** A value by its name, such as "map" for LoadMode::map. */
  Setting(Option option, std::string_view text) noexcept : option_(option), text_(text), is_text_(true) {}

 private:
  friend class Options;
  Option option_;
  std::int64_t value_ = 0;
  std::string_view text_;
  bool is_text_ = false;
};

/** The options of a call. Setters return the object, so that calls can be chained. Empty options mean the defaults. */
class Options : public detail::Handle<tf_options, tf_options_retain, tf_options_release> {
 public:
  using Handle::Handle;

  /** Empty options. */
  Options() noexcept = default;
  /** Options with these values: `{{Option::threads, 1}, {Option::format, Format::npy}}`. */
  Options(std::initializer_list<Setting> settings) {
    for (const Setting &setting : settings) {
      if (setting.is_text_) {
        set(setting.option_, setting.text_);
      } else {
        set(setting.option_, setting.value_);
      }
    }
  }

  /** Another handle on the same options. */
  Options share() const noexcept { return Options(retained()); }
  /** tf_options_set() */
  Options &set(Option option, std::int64_t value) & {
    detail::check(tf_options_set(ensure(), detail::number(option), value));
    return *this;
  }
  Options &&set(Option option, std::int64_t value) && { return std::move(set(option, value)); }
  /** tf_options_set() with a Format, Dtype, Decode, Deflate or LoadMode. */
  template <typename Enum, typename = std::enable_if_t<std::is_enum_v<Enum>>>
  Options &set(Option option, Enum value) & {
    return set(option, std::int64_t{detail::number(value)});
  }
  template <typename Enum, typename = std::enable_if_t<std::is_enum_v<Enum>>>
  Options &&set(Option option, Enum value) && {
    return std::move(set(option, value));
  }
  /** tf_options_set_string() */
  Options &set(Option option, std::string_view text) & {
    detail::check(tf_options_set_string(ensure(), detail::number(option), text.data(), text.size()));
    return *this;
  }
  Options &&set(Option option, std::string_view text) && { return std::move(set(option, text)); }
  /** tf_options_get() */
  std::int64_t get(Option option) const {
    if (handle_ == nullptr) return range(option).default_value;
    std::int64_t value = 0;
    detail::check(tf_options_get(&value, handle_, detail::number(option)));
    return value;
  }
  using Handle::get;
  /** tf_options_set_progress(). If report returns false, the library call fails with CANCELLED. */
  Options &set_progress(std::function<bool(std::uint64_t done, std::uint64_t total)> report) & {
    using Report = decltype(report);
    tf_options *const handle = ensure();
    auto kept = std::make_unique<Report>(std::move(report));
    const auto trampoline = [](void *user, std::uint64_t done, std::uint64_t total) -> tf_status {
      return detail::guarded(
          [&] { return (*static_cast<Report *>(user))(done, total) ? Status::ok : Status::cancelled; });
    };
    detail::check(tf_options_set_progress(handle, trampoline, detail::destroy<Report>, kept.release()));
    return *this;
  }
  Options &&set_progress(std::function<bool(std::uint64_t done, std::uint64_t total)> report) && {
    return std::move(set_progress(std::move(report)));
  }

  /** Calls job(i) for each i from 0 to count - 1, on any threads, and returns when all of these calls have returned. */
  using Execute = std::function<void(std::size_t count, const std::function<void(std::size_t)> &job)>;
  /** tf_options_set_executor(): the library's parallel work runs on execute, at most width jobs at the same time. */
  Options &set_executor(std::size_t width, Execute execute) & {
    tf_options *const handle = ensure();
    auto kept = std::make_unique<Execute>(std::move(execute));
    const auto trampoline = [](void *user, tf_job_fn run, void *jobs, std::size_t count) -> tf_status {
      return detail::guarded([&] {
        (*static_cast<Execute *>(user))(count, [run, jobs](std::size_t index) { run(jobs, index); });
        return Status::ok;
      });
    };
    detail::check(tf_options_set_executor(handle, trampoline, width, detail::destroy<Execute>, kept.release()));
    return *this;
  }
  Options &&set_executor(std::size_t width, Execute execute) && {
    return std::move(set_executor(width, std::move(execute)));
  }

  /** tf_options_set_allocator() */
  Options &set_allocator(tf_alloc_fn alloc, tf_free_fn free, tf_release_fn done, void *user) & {
    detail::check(tf_options_set_allocator(ensure(), alloc, free, done, user));
    return *this;
  }
  Options &&set_allocator(tf_alloc_fn alloc, tf_free_fn free, tf_release_fn done, void *user) && {
    return std::move(set_allocator(alloc, free, done, user));
  }

 private:
  /** The handle, which is created when it is first needed. */
  tf_options *ensure() {
    if (handle_ == nullptr) detail::check(tf_options_new(&handle_));
    return handle_;
  }
};

/** A block of bytes that the library allocated. */
class Buffer : public detail::Handle<tf_buffer, tf_buffer_retain, tf_buffer_release> {
 public:
  using Handle::Handle;

  /** Another handle on the same bytes. */
  Buffer share() const noexcept { return Buffer(retained()); }
  /** tf_buffer_data() */
  const std::byte *data() const noexcept { return static_cast<const std::byte *>(tf_buffer_data(handle_)); }
  /** tf_buffer_size() */
  std::size_t size() const noexcept { return tf_buffer_size(handle_); }
  /** All bytes, valid as long as the buffer. */
  Span<const std::byte> bytes() const noexcept { return {data(), size()}; }
};

/** Where bytes are read from. */
class Source : public detail::Handle<tf_source, tf_source_retain, tf_source_release> {
 public:
  using Handle::Handle;
  /** Reads exactly nbytes at offset into dst, or throws. */
  using ReadAt = std::function<void(std::uint64_t offset, void *dst, std::size_t nbytes)>;

  /** Another handle on the same source. */
  Source share() const noexcept { return Source(retained()); }
  /** tf_source_from_path() */
  static Source from_path(const Path &path) {
    Source source;
    detail::check(tf_source_from_path(source.out(), path.c_str()));
    return source;
  }
  /** tf_source_from_fd() */
  static Source from_fd(int fd, std::uint64_t offset = 0, std::uint64_t size = UINT64_MAX) {
    Source source;
    detail::check(tf_source_from_fd(source.out(), fd, offset, size));
    return source;
  }
  /** tf_source_from_part(): a part of this source. */
  Source part(std::uint64_t offset, std::uint64_t size = UINT64_MAX) const {
    Source source;
    detail::check(tf_source_from_part(source.out(), handle_, offset, size));
    return source;
  }
  /** tf_source_from_memory(). done() is called when the memory is no longer needed, or if this function throws. */
  template <typename Done>
  static Source from_memory(const void *data, std::size_t nbytes, Done done) {
    Source source;
    void *const user = detail::keep(std::move(done));
    detail::check(tf_source_from_memory(source.out(), data, nbytes, detail::call_once<Done>, user));
    return source;
  }
  /** tf_source_from_memory(), for memory that outlives the source and everything loaded from it. */
  static Source from_memory(const void *data, std::size_t nbytes) {
    Source source;
    detail::check(tf_source_from_memory(source.out(), data, nbytes, nullptr, nullptr));
    return source;
  }
  /** tf_source_new(): size bytes that read_at reads on the calling thread. Nothing can be mapped. */
  static Source from_function(std::uint64_t size, ReadAt read_at) {
    Source source;
    auto kept = std::make_unique<ReadAt>(std::move(read_at));
    const auto trampoline = [](void *user, std::uint64_t offset, void *dst, std::size_t nbytes) -> tf_status {
      return detail::guarded([&] {
        (*static_cast<ReadAt *>(user))(offset, dst, nbytes);
        return Status::ok;
      });
    };
    detail::check(tf_source_new(source.out(), size, 0, trampoline, nullptr, detail::destroy<ReadAt>, kept.release()));
    return source;
  }
  /** tf_source_new(): size bytes that several threads may read with read_at at the same time. An exception of read_at
      becomes an Error: with its status if it is an Error, else with Status::io. The message contains what(). */
  static Source from_concurrent_function(std::uint64_t size, ReadAt read_at) {
    Source source;
    auto kept = std::make_unique<ReadAt>(std::move(read_at));
    const auto trampoline = [](void *user, std::uint64_t offset, void *dst, std::size_t nbytes) -> tf_status {
      try {
        (*static_cast<ReadAt *>(user))(offset, dst, nbytes);
        return TF_STATUS_OK;
      } catch (const Error &error) {
        return tf_error_set(detail::number(error.status()), error.what(), SIZE_MAX);
      } catch (const std::exception &error) {
        return tf_error_set(TF_STATUS_IO, error.what(), SIZE_MAX);
      } catch (...) {
        return TF_STATUS_IO;
      }
    };
    detail::check(tf_source_new(source.out(), size, 1, trampoline, nullptr, detail::destroy<ReadAt>, kept.release()));
    return source;
  }
  /** The bytes of a stream from its start, which must outlive the source. A failure of the stream is Status::io. */
  static Source from_stream(std::istream &stream) {
    stream.seekg(0, std::ios::end);
    const std::streamoff size = stream.tellg();
    detail::require(size >= 0, Status::io, "the stream cannot be read from any position");
    return from_function(static_cast<std::uint64_t>(size),
                         [&stream](std::uint64_t offset, void *dst, std::size_t nbytes) {
                           stream.clear();
                           stream.seekg(static_cast<std::streamoff>(offset));
                           stream.read(static_cast<char *>(dst), static_cast<std::streamsize>(nbytes));
                           detail::require(stream.good(), Status::io, "reading from the stream failed");
                         });
  }

  /** tf_source_set_name(). This and the other setters must be called before the source is used. */
  Source &set_name(std::string_view name) & {
    detail::check(tf_source_set_name(handle_, name.data(), name.size()));
    return *this;
  }
  Source &&set_name(std::string_view name) && { return std::move(set_name(name)); }
  /** tf_source_set_hints() */
  Source &set_hints(std::uint64_t gap, std::uint64_t piece, std::uint32_t requests) & {
    detail::check(tf_source_set_hints(handle_, gap, piece, requests));
    return *this;
  }
  Source &&set_hints(std::uint64_t gap, std::uint64_t piece, std::uint32_t requests) && {
    return std::move(set_hints(gap, piece, requests));
  }
  /** Returns the source of another file of a set, by its name relative to the folder of the source's name, or an empty
      handle if there is no such file. */
  using Resolve = std::function<Source(const std::string &name)>;
  /** tf_source_set_resolver() */
  Source &set_resolver(Resolve resolve) & {
    auto kept = std::make_unique<Resolve>(std::move(resolve));
    const auto trampoline = [](void *user, const char *name, tf_source **out) -> tf_status {
      return detail::guarded([&] {
        Source found = (*static_cast<Resolve *>(user))(name);
        *out = found.release();
        return *out == nullptr ? Status::not_found : Status::ok;
      });
    };
    detail::check(tf_source_set_resolver(handle_, trampoline, detail::destroy<Resolve>, kept.release()));
    return *this;
  }
  Source &&set_resolver(Resolve resolve) && { return std::move(set_resolver(std::move(resolve))); }
};

/** Where bytes are written to, from the first to the last. */
class Sink : public detail::Handle<tf_sink, tf_sink_retain, tf_sink_release> {
 public:
  using Handle::Handle;
  /** Writes all nbytes, or throws. */
  using Write = std::function<void(const void *src, std::size_t nbytes)>;

  /** Another handle on the same sink. */
  Sink share() const noexcept { return Sink(retained()); }
  /** tf_sink_new() */
  static Sink to_function(Write write) { return to_functions({std::move(write), nullptr, nullptr}); }
  /** tf_sink_new() and tf_sink_set_commit(): commit completes what was written, and abort, which must not throw, discards
      it. Exactly one of them is called. */
  static Sink to_function(Write write, std::function<void()> commit, std::function<void()> abort) {
    return to_functions({std::move(write), std::move(commit), std::move(abort)});
  }
  /** Writes to a stream, which must outlive the sink. A failure of the stream is Status::io. */
  static Sink to_stream(std::ostream &stream) {
    return to_function([&stream](const void *src, std::size_t nbytes) {
      stream.write(static_cast<const char *>(src), static_cast<std::streamsize>(nbytes));
      detail::require(stream.good(), Status::io, "writing to the stream failed");
    });
  }

  /** Returns the sink of a file of a set, by the last part of its name. */
  using Resolve = std::function<Sink(const std::string &name)>;
  /** tf_sink_set_resolver(): with Option::part_bytes, a set of files is written to the sinks that resolve returns. It must
      be called before the sink is used. */
  Sink &set_resolver(std::string_view name, Resolve resolve) & {
    auto kept = std::make_unique<Resolve>(std::move(resolve));
    const auto trampoline = [](void *user, const char *file, tf_sink **out) -> tf_status {
      return detail::guarded([&] {
        Sink made = (*static_cast<Resolve *>(user))(file);
        *out = made.release();
        return *out == nullptr ? Status::io : Status::ok;
      });
    };
    detail::check(
        tf_sink_set_resolver(handle_, name.data(), name.size(), trampoline, detail::destroy<Resolve>, kept.release()));
    return *this;
  }
  Sink &&set_resolver(std::string_view name, Resolve resolve) && {
    return std::move(set_resolver(name, std::move(resolve)));
  }

 private:
  // Doxygen would link to a list of classes, which it leaves out because this one is private.
  /// @cond PRIVATE
  struct Functions {
    Write write;
    std::function<void()> commit;
    std::function<void()> abort;
  };
  /// @endcond
  static Sink to_functions(Functions functions) {
    Sink sink;
    auto kept = std::make_unique<Functions>(std::move(functions));
    const bool commits = kept->commit != nullptr;
    const bool aborts = kept->abort != nullptr;
    const auto write = [](void *user, const void *src, std::size_t nbytes) -> tf_status {
      return detail::guarded([&] {
        static_cast<Functions *>(user)->write(src, nbytes);
        return Status::ok;
      });
    };
    detail::check(tf_sink_new(sink.out(), write, detail::destroy<Functions>, kept.release()));
    const auto commit = [](void *user) -> tf_status {
      return detail::guarded([&] {
        static_cast<Functions *>(user)->commit();
        return Status::ok;
      });
    };
    const auto abort = [](void *user) noexcept { static_cast<Functions *>(user)->abort(); };
    if (!commits && !aborts) return sink;
    const tf_commit_fn commit_fn = commit;
    const tf_abort_fn abort_fn = abort;
    detail::check(tf_sink_set_commit(sink.handle_, commits ? commit_fn : nullptr, aborts ? abort_fn : nullptr));
    return sink;
  }
};

namespace detail {

/** The arguments of a C function that takes a slice. Axes that are not given are selected whole. */
class SliceArguments {
 public:
  SliceArguments(Slices axes, std::size_t ndim) : ndim_(ndim) {
    if (axes.size() > ndim || ndim > max_ndim) {
      throw Error(Status::invalid_argument,
                  std::to_string(axes.size()) + " slices for an array of " + std::to_string(ndim) + " dimensions");
    }
    for (std::size_t i = 0; i < ndim; ++i) {
      const Slice axis = i < axes.size() ? axes[i] : Slice();
      start_[i] = axis.start;
      stop_[i] = axis.stop;
      step_[i] = axis.step;
    }
  }
  const std::int64_t *start() const noexcept { return start_; }
  const std::int64_t *stop() const noexcept { return stop_; }
  const std::int64_t *step() const noexcept { return step_; }
  std::size_t ndim() const noexcept { return ndim_; }

  /** The number of elements of the slice of an array of this shape. */
  std::size_t count(Span<const std::int64_t> shape) const noexcept {
    std::size_t product = 1;
    for (std::size_t i = 0; i < ndim_; ++i)
      product *= static_cast<std::size_t>(length(shape[i], start_[i], stop_[i], step_[i]));
    return product;
  }

 private:
  static constexpr std::size_t max_ndim = 64;

  /** The length of Python's range(size)[start:stop:step]; 0 if the step is invalid, which the library reports. */
  static std::int64_t length(std::int64_t size, std::int64_t start, std::int64_t stop, std::int64_t step) noexcept {
    if (step == Slice::omitted) step = 1;
    if (step == 0) return 0;
    const std::int64_t lowest = step > 0 ? 0 : -1;
    const std::int64_t highest = step > 0 ? size : size - 1;
    const auto bound = [&](std::int64_t index, std::int64_t otherwise) {
      if (index == Slice::omitted) return otherwise;
      if (index < 0) index = index < -size ? lowest : index + size;
      return index > highest ? highest : index < lowest ? lowest : index;
    };
    const std::int64_t first = bound(start, step > 0 ? lowest : highest);
    const std::int64_t end = bound(stop, step > 0 ? highest : lowest);
    if (step > 0) return first < end ? (end - first - 1) / step + 1 : 0;
    return end < first ? (first - end - 1) / -step + 1 : 0;
  }

  std::size_t ndim_;
  std::int64_t start_[max_ndim];
  std::int64_t stop_[max_ndim];
  std::int64_t step_[max_ndim];
};

}  // namespace detail

/** An n-dimensional array. */
class Array : public detail::Handle<tf_array, tf_array_retain, tf_array_release> {
 public:
  using Handle::Handle;

  /** Another handle on the same array. While both exist, values_mut() fails for both: see make_mut(). */
  Array share() const noexcept { return Array(retained()); }

  /** tf_array_new_with() */
  static Array zeros(Dtype dtype, Sizes shape, const Options &options = Options()) {
    Array array;
    detail::check(tf_array_new_with(array.out(), detail::number(dtype), shape.data(), shape.size(), options.get()));
    return array;
  }
  /** tf_array_copy_from() */
  static Array copy(Dtype dtype, Sizes shape, Bytes elements) {
    Array array;
    detail::check(tf_array_copy_from(array.out(), detail::number(dtype), shape.data(), shape.size(), elements.data(),
                                     elements.size()));
    return array;
  }
  /** An array that holds a copy of count elements, which must be the number that shape has. */
  template <typename T>
  static Array copy(Sizes shape, const T *src, std::size_t count) {
    detail::require_count({shape.data(), shape.size()}, count);
    return copy(dtype_of<T>, shape, Bytes(src, count * sizeof(T)));
  }
  /** An array that holds a copy of a list: `Array::copy<float>({2, 2}, {1, 2, 3, 4})`. */
  template <typename T>
  static Array copy(Sizes shape, std::initializer_list<T> elements) {
    return copy(shape, elements.begin(), elements.size());
  }
  /** An array that holds a copy of a vector, an array or a span. */
  template <typename Range, typename = decltype(std::declval<const Range &>().data())>
  static Array copy(Sizes shape, const Range &elements) {
    return copy(shape, elements.data(), elements.size());
  }
  /** A 0-d array. */
  static Array scalar(const Scalar &value) { return copy(value.dtype(), {}, Bytes(value.data(), value.nbytes())); }
  /** An array on the elements of a vector, which is moved, not copied. Throws INVALID_ARGUMENT if the shape has another
      number of elements. */
  template <typename T>
  static Array adopt(Sizes shape, std::vector<T> elements) {
    detail::require_count({shape.data(), shape.size()}, elements.size());
    auto kept = std::make_unique<std::vector<T>>(std::move(elements));
    T *const data = kept->data();
    const std::size_t nbytes = kept->size() * sizeof(T);
    Array array;
    detail::check(tf_array_wrap(array.out(), detail::number(dtype_of<T>), shape.data(), shape.size(), nullptr, data,
                                nbytes, 1, detail::destroy<std::vector<T>>, kept.release()));
    return array;
  }
  /**
   * tf_array_wrap(): an array on memory of the caller.
   * @param dtype     type of the elements
   * @param shape     sizes in elements
   * @param strides   strides in bytes; empty for a C-contiguous array
   * @param data      the first element
   * @param nbytes    number of bytes from data on that the array may access
   * @param writable  false makes the array read-only
   * @param done      called when the last array on this memory is released, or if this function throws
   */
  template <typename Done>
  static Array wrap(Dtype dtype, Sizes shape, Sizes strides, void *data, std::size_t nbytes, bool writable, Done done) {
    void *const user = detail::keep(std::move(done));
    Array array;
    detail::check(tf_array_wrap(array.out(), detail::number(dtype), shape.data(), shape.size(),
                                strides.empty() ? nullptr : strides.data(), data, nbytes, writable ? 1 : 0,
                                detail::call_once<Done>, user));
    return array;
  }
  /** An array on C-contiguous memory of the caller, which must outlive the array and its views. It is writable if T is
      not const. */
  template <typename T>
  static Array wrap(Sizes shape, T *data, std::size_t count) {
    Array array;
    void *const bytes = const_cast<std::remove_cv_t<T> *>(data);
    detail::check(tf_array_wrap(array.out(), detail::number(dtype_of<T>), shape.data(), shape.size(), nullptr, bytes,
                                count * sizeof(T), std::is_const_v<T> ? 0 : 1, nullptr, nullptr));
    return array;
  }

  /** tf_array_dtype() */
  Dtype dtype() const noexcept { return static_cast<Dtype>(tf_array_dtype(handle_)); }
  /** tf_array_ndim() */
  std::size_t ndim() const noexcept { return tf_array_ndim(handle_); }
  /** tf_array_shape(): sizes in elements. */
  Span<const std::int64_t> shape() const noexcept { return {tf_array_shape(handle_), ndim()}; }
  /** tf_array_strides(): strides in bytes; empty for packed and block types. */
  Span<const std::int64_t> strides() const noexcept {
    const std::int64_t *const strides = tf_array_strides(handle_);
    return {strides, strides == nullptr ? 0 : ndim()};
  }
  /** tf_array_size(): the number of elements. */
  std::int64_t size() const noexcept { return tf_array_size(handle_); }
  /** tf_array_nbytes() */
  std::uint64_t nbytes() const noexcept { return tf_array_nbytes(handle_); }
  /** tf_array_is_contiguous() */
  bool is_contiguous() const noexcept { return tf_array_is_contiguous(handle_) != 0; }
  /** tf_array_data(): the address of the first element, [0, 0, ...]. */
  const void *data() const noexcept { return tf_array_data(handle_); }

  /** The elements in C order. Throws TYPE if the dtype is not that of T, INVALID_ARGUMENT if the array is not
      C-contiguous. */
  template <typename T>
  Span<const T> values() const {
    require_elements<T>();
    return {static_cast<const T *>(data()), static_cast<std::size_t>(size())};
  }
  /** The elements in C order, for writing. Throws as values(), and INVALID_ARGUMENT if the memory is read-only or
      shared: see make_mut(). */
  template <typename T>
  Span<T> values_mut() {
    require_elements<T>();
    void *data = nullptr;
    detail::check(tf_array_data_mut(&data, handle_));
    return {static_cast<T *>(data), static_cast<std::size_t>(size())};
  }
  /** A copy of the elements in C order, whatever the strides are. Throws TYPE if the dtype is not that of T. */
  template <typename T>
  std::vector<T> to_vector() const {
    require_dtype<T>();
    return as_vector<T>();
  }
  /** A copy of the elements in C order, cast to the dtype of T. */
  template <typename T>
  std::vector<T> as_vector() const {
    std::vector<T> elements(static_cast<std::size_t>(size()));
    if constexpr (std::is_same_v<T, bool>) {
      const std::unique_ptr<bool[]> bools(new bool[elements.size()]);
      copy_to_as(bools.get(), elements.size());
      elements.assign(bools.get(), bools.get() + elements.size());
    } else {
      copy_to_as(elements.data(), elements.size());
    }
    return elements;
  }
  /** Copies the elements in C order to memory of the caller; count must be their number. Throws TYPE if the dtype is not
      that of T. */
  template <typename T>
  void copy_to(T *dst, std::size_t count) const {
    require_dtype<T>();
    copy_to_as(dst, count);
  }
  /** Copies as copy_to(), and casts to the dtype of T. */
  template <typename T>
  void copy_to_as(T *dst, std::size_t count) const {
    copy_to(dtype_of<T>, dst, {}, count * sizeof(T));
  }
  /** tf_array_copy_to(). Dtype::as_stored keeps the dtype, and without strides the elements are in C order. */
  void copy_to(Dtype dtype, void *dst, Sizes strides, std::size_t nbytes) const {
    const std::int64_t *const steps = strides.empty() ? nullptr : strides.data();
    detail::check(tf_array_copy_to(handle_, detail::number(dtype), dst, steps, nbytes));
  }
  /** The bytes of the elements in C order, for any dtype. Throws INVALID_ARGUMENT if the array is not C-contiguous. */
  Span<const std::byte> bytes() const {
    require_contiguous();
    return {static_cast<const std::byte *>(data()), static_cast<std::size_t>(nbytes())};
  }
  /** tf_array_make_mut() */
  Array &make_mut() {
    detail::check(tf_array_make_mut(&handle_));
    return *this;
  }
  /** One element with its type. Negative indices count from the end. Throws TYPE for a block type. */
  Scalar item(Sizes index = {}) const {
    if (block_size(dtype()) != 1) {
      double value = 0;
      detail::check(tf_array_item_double(&value, handle_, index.data(), index.size()));
      return static_cast<float>(value);
    }
    return Scalar(dtype(), element(index));
  }
  /** One element. Throws TYPE if the dtype is not that of T. */
  template <typename T>
  T item(Sizes index = {}) const {
    return item(index).template get<T>();
  }
  /** One element, converted as Scalar::as<T>(). */
  template <typename T>
  T item_as(Sizes index = {}) const {
    return item(index).template as<T>();
  }
  /** Sets one element: tf_array_set_item_int64() and tf_array_set_item_double(). Throws INVALID_ARGUMENT if the dtype
      cannot hold the value, or if the memory is read-only or shared, and TYPE for complex and block types. */
  Array &set_item(Sizes index, const Scalar &value) {
    if (kind(value.dtype()) == DtypeKind::float_ || kind(dtype()) == DtypeKind::float_) {
      const auto number = value.as<double>();
      detail::check(tf_array_set_item_double(handle_, index.data(), index.size(), number));
    } else {
      const auto number = value.as<std::int64_t>();
      detail::check(tf_array_set_item_int64(handle_, index.data(), index.size(), number));
    }
    return *this;
  }

  /** tf_array_contiguous() */
  Array contiguous() const {
    Array array;
    detail::check(tf_array_contiguous(array.out(), handle_));
    return array;
  }
  /** tf_array_transpose(). Without axes, the order of the axes is reversed. */
  Array transpose(List<std::size_t> axes = {}) const {
    Array array;
    detail::check(tf_array_transpose(array.out(), handle_, axes.empty() ? nullptr : axes.data(), axes.size()));
    return array;
  }
  /** tf_array_slice(). Axes that are not given are selected whole: `a.slice({{0, 2}})` is a[0:2, ...]. */
  Array slice(Slices axes) const {
    const detail::SliceArguments arguments(axes, ndim());
    Array array;
    detail::check(
        tf_array_slice(array.out(), handle_, arguments.start(), arguments.stop(), arguments.step(), arguments.ndim()));
    return array;
  }
  /** tf_array_reshape(): one size may be -1, which means that it follows from the others. */
  Array reshape(Sizes shape) const {
    Array array;
    detail::check(tf_array_reshape(array.out(), handle_, shape.data(), shape.size()));
    return array;
  }
  /** tf_array_to_dlpack(). The owner of the tensor calls its deleter exactly once. */
  DLManagedTensorVersioned *to_dlpack() const {
    DLManagedTensorVersioned *tensor = nullptr;
    detail::check(tf_array_to_dlpack(&tensor, handle_));
    return tensor;
  }
  /** tf_array_from_dlpack(). Takes ownership of the tensor, even if this function throws. */
  static Array from_dlpack(DLManagedTensorVersioned *tensor) {
    Array array;
    detail::check(tf_array_from_dlpack(array.out(), tensor));
    return array;
  }
  /** tf_array_cast() */
  Array cast(Dtype dtype, const Options &options = Options()) const {
    Array array;
    detail::check(tf_array_cast(array.out(), handle_, detail::number(dtype), options.get()));
    return array;
  }
  /** tf_array_cast_weighted() */
  Array cast_weighted(Dtype dtype, const Array &weights, const Options &options = Options()) const {
    Array array;
    detail::check(tf_array_cast_weighted(array.out(), handle_, detail::number(dtype), weights.handle_, options.get()));
    return array;
  }
  /** tf_array_equal() */
  bool equal(const Array &other) const {
    std::int32_t equal = 0;
    detail::check(tf_array_equal(&equal, handle_, other.handle_));
    return equal != 0;
  }

 private:
  /** The address of an element of an array that has strides. */
  const void *element(Sizes index) const {
    const Span<const std::int64_t> sizes = shape();
    detail::require(index.size() == sizes.size(), Status::invalid_argument,
                    "the number of indices is not that of the dimensions");
    const auto *at = static_cast<const unsigned char *>(data());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (index[i] < -sizes[i] || index[i] >= sizes[i]) {
        throw Error(Status::invalid_argument, "index " + std::to_string(index[i]) + " is out of range for dimension " +
                                                  std::to_string(i) + " of size " + std::to_string(sizes[i]));
      }
      at += (index[i] < 0 ? index[i] + sizes[i] : index[i]) * tf_array_strides(handle_)[i];
    }
    return at;
  }
  void require_contiguous() const {
    detail::require(is_contiguous(), Status::invalid_argument, "the array is not C-contiguous; use contiguous()");
  }
  template <typename T>
  void require_dtype() const {
    if (dtype() != dtype_of<T>) {
      throw detail::wrong_dtype("the array", dtype(), dtype_of<T>, "as_vector<T>() and cast() convert");
    }
  }
  template <typename T>
  void require_elements() const {
    require_dtype<T>();
    require_contiguous();
  }
};

namespace detail {

/** Iterates over the indices of a collection, of which it has the C handle. It stays valid when the Dict or File that it
    comes from is moved, as long as the C handle lives. */
template <typename Entry, typename T>
class Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = Entry;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = value_type;

  Iterator() = default;
  Iterator(T *collection, std::size_t index, bool read_only) noexcept
      : collection_(collection), index_(index), read_only_(read_only) {}
  value_type operator*() const { return Entry(collection_, index_, read_only_); }
  Iterator &operator++() noexcept {
    ++index_;
    return *this;
  }
  Iterator operator++(int) noexcept {
    const Iterator before = *this;
    ++index_;
    return before;
  }
  friend bool operator==(const Iterator &a, const Iterator &b) noexcept { return a.index_ == b.index_; }
  friend bool operator!=(const Iterator &a, const Iterator &b) noexcept { return a.index_ != b.index_; }

 private:
  T *collection_ = nullptr;
  std::size_t index_ = 0;
  bool read_only_ = false;
};

}  // namespace detail

class Dict;
struct NamedValue;

namespace detail {

/** The base of Dict::Entry, which cannot be declared before Dict. */
class EntryBase {};
/** The base of Dict::Item. */
class ItemBase {};

/** True if T is a list of numbers. */
template <typename T>
inline constexpr bool is_list = false;
template <typename T>
inline constexpr bool is_list<std::vector<T>> = is_number<T> || is_complex<T>;

/** What get<T>() of an entry or key of a dict returns. */
template <typename T, typename From>
T get_value(const From &from) {
  const auto what = [&from] { return "the value of '" + std::string(from.key()) + "'"; };
  if constexpr (is_number<T> || is_complex<T>) {
    const Scalar scalar = from.scalar();
    if (!scalar.template holds<T>()) {
      throw wrong_dtype(what(), scalar.dtype(), dtype_of<T>, "as<T>() converts", from.key());
    }
    return scalar.template get<T>();
  } else if constexpr (is_list<T>) {
    using Element = typename T::value_type;
    const Array array = from.array();
    if (array.dtype() != dtype_of<Element>) {
      throw wrong_dtype(what(), array.dtype(), dtype_of<Element>, "array().as_vector<T>() converts", from.key());
    }
    if (array.ndim() != 1) {
      throw Error(Status::type, what() + " has " + std::to_string(array.ndim()) + " dimensions, not 1",
                  std::string(from.key()));
    }
    return array.template to_vector<Element>();
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return from.strings();
  } else {
    static_assert(std::is_same_v<T, std::string>, "get<T>() returns numbers, std::string, and vectors of these");
    return T(from.string());
  }
}

}  // namespace detail

/** A value that is passed to a Dict: an array, a number, a string, a list of strings, a list of numbers (a 1-d array), a
    dict, or the value of another dict. It must not outlive the call, because it refers to what it was made from. */
class Value {
 public:
  /** tf_dict_set_array(): the dict keeps a reference to the array. */
  Value(const Array &array) noexcept : set_(set_array), data_(&array) {}
  /** tf_dict_set_scalar() */
  Value(const Scalar &scalar) noexcept : set_(set_scalar), dtype_(scalar.dtype()) {
    std::memcpy(bytes_, scalar.data(), sizeof(bytes_));
  }
  template <typename T, typename = std::enable_if_t<detail::is_number<T> || detail::is_complex<T>>>
  Value(T number) noexcept : Value(Scalar(number)) {}
  /** tf_dict_set_string() */
  Value(std::string_view text) noexcept : set_(set_string), data_(text.data()), size_(text.size()) {}
  Value(const std::string &text) noexcept : Value(std::string_view(text)) {}
  Value(const char *text) noexcept : Value(std::string_view(text)) {}
  /** tf_dict_set_string_list() */
  Value(const std::vector<std::string> &texts) noexcept
      : set_(set_strings<std::string>), data_(texts.data()), size_(texts.size()) {}
  Value(const std::vector<std::string_view> &texts) noexcept
      : set_(set_strings<std::string_view>), data_(texts.data()), size_(texts.size()) {}
  Value(std::initializer_list<const char *> texts) noexcept
      : set_(set_strings<const char *>), data_(std::data(texts)), size_(texts.size()) {}
  /** A 1-d array that is a copy of the numbers. */
  template <typename T, typename = std::enable_if_t<detail::is_number<T> && !std::is_same_v<T, bool>>>
  Value(const std::vector<T> &numbers) noexcept
      : set_(set_numbers), dtype_(dtype_of<T>), data_(numbers.data()), size_(numbers.size()) {}
  template <typename T, typename = std::enable_if_t<detail::is_number<T>>>
  Value(std::initializer_list<T> numbers) noexcept
      : set_(set_numbers), dtype_(dtype_of<T>), data_(std::data(numbers)), size_(numbers.size()) {}
  /** tf_dict_set_dict(): the dict keeps a reference to the other one. An empty handle is a new dict without values, and
      the metadata of a File is copied. */
  Value(const Dict &dict) noexcept : set_(set_dict), data_(&dict) {}
  /** A new dict of these values. */
  Value(std::initializer_list<NamedValue> values) noexcept;
  /** The value of an entry or key of a dict. Arrays and dicts are shared, not copied. */
  Value(const detail::EntryBase &entry) noexcept : set_(set_entry), data_(&entry) {}
  Value(const detail::ItemBase &item) noexcept : set_(set_item), data_(&item) {}

 private:
  friend class Dict;
  /** Sets a key of a dict to the value. There is a function for each kind, so that a program has only those it uses. */
  using Set = void (*)(Dict &dict, std::string_view key, const Value &value);
  static void set_array(Dict &dict, std::string_view key, const Value &value);
  static void set_scalar(Dict &dict, std::string_view key, const Value &value);
  static void set_string(Dict &dict, std::string_view key, const Value &value);
  template <typename Text>
  static void set_strings(Dict &dict, std::string_view key, const Value &value);
  static void set_numbers(Dict &dict, std::string_view key, const Value &value);
  static void set_dict(Dict &dict, std::string_view key, const Value &value);
  static void set_named(Dict &dict, std::string_view key, const Value &value);
  static void set_entry(Dict &dict, std::string_view key, const Value &value);
  static void set_item(Dict &dict, std::string_view key, const Value &value);

  Set set_;
  Dtype dtype_ = Dtype::unsupported;
  const void *data_ = nullptr;
  std::size_t size_ = 0;
  unsigned char bytes_[Scalar::max_bytes] = {};
};

/** A key and a value, as they are written in the braced list of a Dict. */
struct NamedValue {
  std::string_view key;
  Value value;
};

inline Value::Value(std::initializer_list<NamedValue> values) noexcept
    : set_(set_named), data_(std::data(values)), size_(values.size()) {}

/**
 * Values by name, in insertion order. Getters throw NOT_FOUND if there is no such key, and TYPE if the value is of
 * another kind.
 *
 *     tf::Dict arrays = {{"w", weights}, {"b", biases}};
 *     tf::Dict metadata = {{"author", "me"}, {"layers", 3u}, {"tags", {"a", "b"}}};
 *     metadata["layers"] = 4u;
 *     std::uint32_t layers = metadata["layers"].get<std::uint32_t>();   // throws TYPE if it is not a uint32
 *     double any = metadata["layers"].as<double>();                       // converts
 */
class Dict : public detail::Handle<tf_dict, tf_dict_retain, tf_dict_release> {
 public:
  using Handle::Handle;
  class Entry;
  class Item;
  using const_iterator = detail::Iterator<Entry, tf_dict>;

  /** An empty handle. The first setter creates the dict. */
  Dict() noexcept = default;
  /** A dict of these values: `{{"author", "me"}, {"layers", 3u}}`. */
  Dict(std::initializer_list<NamedValue> values) {
    for (const NamedValue &named : values)
      set(named.key, named.value);
  }
  /** tf_dict_new_with() */
  explicit Dict(const Options &options) { detail::check(tf_dict_new_with(out(), options.get())); }
  /** Another handle on the same dict. */
  Dict share() const noexcept { return Dict(retained(), read_only_); }
  /** tf_dict_copy(): a dict of its own, which can be changed. */
  Dict copy() const {
    Dict dict;
    if (handle_ != nullptr) detail::check(tf_dict_copy(dict.out(), handle_));
    return dict;
  }

  /** tf_dict_size() */
  std::size_t size() const noexcept { return handle_ == nullptr ? 0 : tf_dict_size(handle_); }
  /** True if there are no values. */
  bool empty() const noexcept { return size() == 0; }
  /** tf_dict_contains() */
  bool contains(std::string_view key) const noexcept {
    return handle_ != nullptr && tf_dict_contains(handle_, key.data(), key.size()) != 0;
  }
  /** tf_dict_find(): the index of a key. */
  std::size_t find(std::string_view key) const {
    std::size_t index = 0;
    detail::check(tf_dict_find(&index, existing(key), key.data(), key.size()));
    return index;
  }
  /** tf_dict_kind(): Kind::none if there is no such key. */
  Kind kind(std::string_view key) const noexcept {
    return handle_ == nullptr ? Kind::none : static_cast<Kind>(tf_dict_kind(handle_, key.data(), key.size()));
  }
  /** The value at an index from 0 to size() - 1. */
  Entry at(std::size_t index) const;
  /** The value of a key. Throws NOT_FOUND. */
  Entry at(std::string_view key) const;
  /** at() */
  Entry operator[](std::size_t index) const;
  Entry operator[](std::size_t index);
  Entry operator[](std::string_view key) const;
  /** The value of a key, to be read or set: `dict["w"] = array`. Reading it throws NOT_FOUND if there is no such key. */
  Item operator[](std::string_view key);
  /** The entries in insertion order. They stay valid when this handle is moved or destroyed, until the dict changes. */
  const_iterator begin() const noexcept { return {handle_, 0, read_only_}; }
  const_iterator end() const noexcept { return {handle_, size(), read_only_}; }

  /** tf_dict_get_array() */
  Array array(std::string_view key) const {
    tf_array *array = nullptr;
    detail::check(tf_dict_get_array(&array, existing(key), key.data(), key.size()));
    return Array(array);
  }
  /** tf_dict_get_scalar(): the number of a key with its type. */
  Scalar scalar(std::string_view key) const {
    std::int32_t dtype = 0;
    unsigned char bytes[Scalar::max_bytes] = {};
    detail::check(tf_dict_get_scalar(&dtype, bytes, sizeof(bytes), existing(key), key.data(), key.size()));
    return Scalar(static_cast<Dtype>(dtype), bytes);
  }
  using Handle::get;
  /** The value of a key: a number, a std::string, or a std::vector of either. Throws TYPE if it is not exactly a T. */
  template <typename T>
  T get(std::string_view key) const;
  /** The number of a key, converted as Scalar::as<T>(). */
  template <typename T>
  T as(std::string_view key) const {
    return scalar(key).template as<T>();
  }
  /** tf_dict_get_string() */
  std::string_view string(std::string_view key) const {
    const char *text = nullptr;
    std::size_t length = 0;
    detail::check(tf_dict_get_string(&text, &length, existing(key), key.data(), key.size()));
    return {text, length};
  }
  /** All strings of a list: tf_dict_string_list_at(). */
  std::vector<std::string> strings(std::string_view key) const {
    std::size_t count = 0;
    detail::check(tf_dict_string_list_size(&count, existing(key), key.data(), key.size()));
    std::vector<std::string> list;
    list.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const char *text = nullptr;
      std::size_t length = 0;
      detail::check(tf_dict_string_list_at(&text, &length, handle_, key.data(), key.size(), i));
      list.emplace_back(text, length);
    }
    return list;
  }
  /** tf_dict_get_dict() */
  Dict dict(std::string_view key) const {
    tf_dict *dict = nullptr;
    detail::check(tf_dict_get_dict(&dict, existing(key), key.data(), key.size()));
    return Dict(dict, read_only_);
  }

  /** Sets a key to a value of any kind. A key that exists keeps its index. */
  Dict &set(std::string_view key, const Value &value) {
    value.set_(*this, key, value);
    return *this;
  }
  /** Sets the key of an entry of another dict to its value. */
  Dict &set(const Entry &entry);
  /** Makes this handle empty, or takes ownership of another reference. */
  void reset(tf_dict *handle = nullptr) noexcept {
    read_only_ = false;
    Handle::reset(handle);
  }
  /** tf_dict_remove() */
  void remove(std::string_view key) { detail::check(tf_dict_remove(ensure(), key.data(), key.size())); }

  /** tf_dict_flatten() */
  Dict flatten() const { return derived(tf_dict_flatten); }
  /** tf_dict_unflatten() */
  Dict unflatten() const { return derived(tf_dict_unflatten); }
  /** tf_dict_equal() */
  bool equal(const Dict &other) const {
    if (handle_ == nullptr || other.handle_ == nullptr) return empty() && other.empty();
    std::int32_t equal = 0;
    detail::check(tf_dict_equal(&equal, handle_, other.handle_));
    return equal != 0;
  }
  /** tf_dict_compare() */
  static Dict compare(const Dict &expected, const Dict &actual) {
    Dict report;
    detail::check(tf_dict_compare(report.out(), expected.get(), actual.get()));
    return report;
  }

 private:
  friend class File;
  friend class Value;
  Dict(tf_dict *handle, bool read_only) noexcept : Handle(handle), read_only_(read_only) {}
  /** The handle to change, which is created when it is first needed. */
  tf_dict *ensure() {
    if (handle_ == nullptr) {
      read_only_ = false;
      detail::check(tf_dict_new(&handle_));
    }
    detail::require(!read_only_, Status::invalid_argument, "the metadata of a file cannot be changed; use copy()");
    return handle_;
  }
  /** The handle, of which a key is to be read. */
  const tf_dict *existing(std::string_view key) const {
    if (handle_ == nullptr) throw Error(Status::not_found, "the dict is empty", std::string(key));
    return handle_;
  }
  Dict derived(tf_status (*derive)(tf_dict **, const tf_dict *)) const {
    Dict dict;
    detail::check(derive(dict.out(), handle_));
    return dict;
  }

  bool read_only_ = false;  // the dict is the metadata of a file
};

/** A key of a Dict and its value. It stays valid when the Dict is moved or destroyed, until the dict changes. */
class Dict::Entry : public detail::EntryBase {
 public:
  Entry(const Entry &other) noexcept : dict_(other.dict_.share()), index_(other.index_), key_(other.key_) {}
  Entry(Entry &&) noexcept = default;
  Entry &operator=(const Entry &other) noexcept { return *this = Entry(other); }
  Entry &operator=(Entry &&) noexcept = default;
  ~Entry() = default;

  /** Index of the entry in its dict. */
  std::size_t index() const noexcept { return index_; }
  /** tf_dict_key_at() */
  std::string_view key() const noexcept { return key_; }
  /** tf_dict_kind_at() */
  Kind kind() const noexcept { return static_cast<Kind>(tf_dict_kind_at(dict_.get(), index_)); }
  /** tf_dict_array_at() */
  Array array() const {
    tf_array *array = nullptr;
    detail::check(tf_dict_array_at(&array, dict_.get(), index_));
    return Array(array);
  }
  /** The value, as Dict::scalar(). */
  Scalar scalar() const { return dict_.scalar(key_); }
  /** The value: a number, a std::string, or a std::vector of either. Throws TYPE if it is not exactly a T. */
  template <typename T>
  T get() const {
    return detail::get_value<T>(*this);
  }
  /** The value, as Dict::as(). */
  template <typename T>
  T as() const {
    return scalar().template as<T>();
  }
  /** tf_dict_string_at() */
  std::string_view string() const {
    const char *text = nullptr;
    std::size_t length = 0;
    detail::check(tf_dict_string_at(&text, &length, dict_.get(), index_));
    return {text, length};
  }
  /** All strings of a list: tf_dict_string_list_item_at(). */
  std::vector<std::string> strings() const {
    std::size_t count = 0;
    detail::check(tf_dict_string_list_size_at(&count, dict_.get(), index_));
    std::vector<std::string> list;
    list.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const char *text = nullptr;
      std::size_t length = 0;
      detail::check(tf_dict_string_list_item_at(&text, &length, dict_.get(), index_, i));
      list.emplace_back(text, length);
    }
    return list;
  }
  /** tf_dict_dict_at() */
  Dict dict() const {
    tf_dict *dict = nullptr;
    detail::check(tf_dict_dict_at(&dict, dict_.get(), index_));
    return Dict(dict, dict_.read_only_);
  }
  /** A value of the dict that is the value: `tree["layers"]["w"]`. */
  Entry operator[](std::string_view key) const { return dict().at(key); }
  /** array() */
  operator Array() const { return array(); }

 private:
  friend class Dict;
  friend class detail::Iterator<Entry, tf_dict>;
  Entry(tf_dict *dict, std::size_t index, bool read_only) : dict_(tf_dict_retain(dict), read_only), index_(index) {
    const char *key = nullptr;
    std::size_t length = 0;
    detail::check(tf_dict_key_at(&key, &length, dict, index));
    key_ = {key, length};
  }

  Dict dict_;
  std::size_t index_;
  std::string_view key_;
};

/** The value of a key, which need not exist: what `dict["w"]` returns if the dict is not const. It stays valid when the
    Dict is moved or destroyed. */
class Dict::Item : public detail::ItemBase {
 public:
  Item(const Item &other) : dict_(other.dict_.share()), key_(other.key_) {}
  Item(Item &&) noexcept = default;
  ~Item() = default;

  /** The key. */
  std::string_view key() const noexcept { return key_; }
  /** Kind::none if there is no such key. */
  Kind kind() const noexcept { return dict_.kind(key_); }
  /** The key and its value. Throws NOT_FOUND. */
  Entry entry() const { return dict_.at(std::string_view(key_)); }
  /** The value, as Dict::array(). */
  Array array() const { return dict_.array(key_); }
  /** The value, as Dict::scalar(). */
  Scalar scalar() const { return dict_.scalar(key_); }
  /** The value: a number, a std::string, or a std::vector of either. Throws TYPE if it is not exactly a T. */
  template <typename T>
  T get() const {
    return detail::get_value<T>(*this);
  }
  /** The value, as Dict::as(). */
  template <typename T>
  T as() const {
    return scalar().template as<T>();
  }
  /** The value, as Dict::string(). */
  std::string_view string() const { return dict_.string(key_); }
  /** The value, as Dict::strings(). */
  std::vector<std::string> strings() const { return dict_.strings(key_); }
  /** The value, as Dict::dict(). */
  Dict dict() const { return dict_.dict(key_); }
  /** A value of the dict that is the value: `tree["layers"]["w"]`. */
  Entry operator[](std::string_view key) const { return dict().at(key); }
  /** array() */
  operator Array() const { return array(); }

  /** Sets the key, as Dict::set(). */
  Item &operator=(const Value &value) {
    dict_.set(key_, value);
    return *this;
  }
  /** Sets the key to the value of the other key. */
  Item &operator=(const Item &other) { return *this = Value(other); }

 private:
  friend class Dict;
  Item(Dict dict, std::string_view key) : dict_(std::move(dict)), key_(key) {}

  Dict dict_;
  std::string key_;
};

template <typename T>
T Dict::get(std::string_view key) const {
  return at(key).template get<T>();
}
inline Dict::Entry Dict::at(std::size_t index) const {
  return Entry(handle_, index, read_only_);
}
inline Dict::Entry Dict::at(std::string_view key) const {
  return Entry(handle_, find(key), read_only_);
}
inline Dict::Entry Dict::operator[](std::size_t index) const {
  return at(index);
}
inline Dict::Entry Dict::operator[](std::size_t index) {
  return at(index);
}
inline Dict::Entry Dict::operator[](std::string_view key) const {
  return at(key);
}
inline Dict::Item Dict::operator[](std::string_view key) {
  if (handle_ == nullptr) ensure();
  return Item(share(), key);
}
inline Dict &Dict::set(const Entry &entry) {
  return set(entry.key(), entry);
}

inline void Value::set_array(Dict &dict, std::string_view key, const Value &value) {
  tf_array *const array = static_cast<const Array *>(value.data_)->get();
  detail::check(tf_dict_set_array(dict.ensure(), key.data(), key.size(), array));
}
inline void Value::set_scalar(Dict &dict, std::string_view key, const Value &value) {
  const std::int32_t dtype = detail::number(value.dtype_);
  detail::check(tf_dict_set_scalar(dict.ensure(), key.data(), key.size(), dtype, value.bytes_));
}
inline void Value::set_string(Dict &dict, std::string_view key, const Value &value) {
  const char *const text = static_cast<const char *>(value.data_);
  detail::check(tf_dict_set_string(dict.ensure(), key.data(), key.size(), text, value.size_));
}
template <typename Text>
void Value::set_strings(Dict &dict, std::string_view key, const Value &value) {
  detail::check(tf_dict_set_string_list(dict.ensure(), key.data(), key.size()));
  for (std::size_t i = 0; i < value.size_; ++i) {
    const std::string_view text = static_cast<const Text *>(value.data_)[i];
    detail::check(tf_dict_string_list_append(dict.get(), key.data(), key.size(), text.data(), text.size()));
  }
}
inline void Value::set_numbers(Dict &dict, std::string_view key, const Value &value) {
  const Bytes elements(value.data_, value.size_ * block_bytes(value.dtype_));
  dict.set(key, Array::copy(value.dtype_, {static_cast<std::int64_t>(value.size_)}, elements));
}
inline void Value::set_dict(Dict &dict, std::string_view key, const Value &value) {
  const Dict &given = *static_cast<const Dict *>(value.data_);
  Dict inner = given.read_only_ ? given.copy() : given.share();
  detail::check(tf_dict_set_dict(dict.ensure(), key.data(), key.size(), inner.ensure()));
}
inline void Value::set_named(Dict &dict, std::string_view key, const Value &value) {
  const auto *const named = static_cast<const NamedValue *>(value.data_);
  Dict inner;
  for (std::size_t i = 0; i < value.size_; ++i)
    inner.set(named[i].key, named[i].value);
  dict.set(key, inner);
}
inline void Value::set_entry(Dict &dict, std::string_view key, const Value &value) {
  const Dict::Entry &entry = *static_cast<const Dict::Entry *>(static_cast<const detail::EntryBase *>(value.data_));
  switch (detail::number(entry.kind())) {
    case TF_KIND_STRING:
      dict.set(key, entry.string());
      break;
    case TF_KIND_STRING_LIST:
      dict.set(key, entry.strings());
      break;
    case TF_KIND_DICT:
      dict.set(key, entry.dict());
      break;
    default:
      dict.set(key, entry.array());
  }
}
inline void Value::set_item(Dict &dict, std::string_view key, const Value &value) {
  dict.set(key, static_cast<const Dict::Item *>(static_cast<const detail::ItemBase *>(value.data_))->entry());
}

/** An open file whose header has been read and validated. Its arrays are read on request. Several threads may call its
    const functions at the same time. */
class File : public detail::Handle<tf_file, tf_file_retain, tf_file_release> {
 public:
  using Handle::Handle;
  class Entry;
  using const_iterator = detail::Iterator<Entry, tf_file>;

  /** An empty handle. */
  File() noexcept = default;
  /** tf_file_open() */
  explicit File(const Path &path, const Options &options = Options()) {
    detail::check(tf_file_open(out(), path.c_str(), options.get()));
  }
  /** tf_file_open_source() */
  explicit File(const Source &source, Format format = Format::auto_, const Options &options = Options()) {
    detail::check(tf_file_open_source(out(), source.get(), detail::number(format), options.get()));
  }
  /** tf_file_open_memory(): copies the bytes. */
  static File from_memory(Bytes bytes, Format format = Format::auto_, const Options &options = Options()) {
    File file;
    detail::check(tf_file_open_memory(file.out(), bytes.data(), bytes.size(), detail::number(format), options.get()));
    return file;
  }
  /** Another handle on the same file. */
  File share() const noexcept { return File(retained()); }

  /** tf_file_format() */
  Format format() const noexcept { return static_cast<Format>(tf_file_format(handle_)); }
  /** tf_file_count(): the number of arrays. */
  std::size_t size() const noexcept { return tf_file_count(handle_); }
  /** True if there are no arrays. */
  bool empty() const noexcept { return size() == 0; }
  /** True if there is an array of this name. */
  bool contains(std::string_view name) const noexcept {
    std::size_t index = 0;
    return tf_file_find(&index, handle_, name.data(), name.size()) == TF_STATUS_OK;
  }
  /** tf_file_find(): the index of the array of this name. */
  std::size_t find(std::string_view name) const {
    std::size_t index = 0;
    detail::check(tf_file_find(&index, handle_, name.data(), name.size()));
    return index;
  }
  /** The array at an index from 0 to size() - 1, in file order. */
  Entry at(std::size_t index) const;
  /** The array of this name. Throws NOT_FOUND. */
  Entry at(std::string_view name) const;
  /** at() */
  Entry operator[](std::size_t index) const;
  Entry operator[](std::string_view name) const;
  /** The entries in file order. They stay valid when this handle is moved or destroyed. */
  const_iterator begin() const noexcept { return {handle_, 0, true}; }
  const_iterator end() const noexcept { return {handle_, size(), true}; }

  /** tf_file_other_name(): the names of the members of a .npz that are not arrays. */
  std::vector<std::string_view> other_names() const { return texts(tf_file_other_count(handle_), tf_file_other_name); }
  /** tf_file_note(): remarks about the file that are not errors, one line each. */
  std::vector<std::string_view> notes() const { return texts(tf_file_note_count(handle_), tf_file_note); }
  /** tf_file_metadata(). It cannot be changed, but its copy() can. */
  Dict metadata() const {
    const tf_dict *const metadata = tf_file_metadata(handle_);
    if (metadata == nullptr) throw Error::last();
    return Dict(tf_dict_retain(const_cast<tf_dict *>(metadata)), true);
  }
  /** tf_file_listing(): names, dtypes and shapes of all arrays as one block of numbers, whose indices are the constants
      TF_LISTING_. Iterating over the file is easier. */
  Buffer listing() const {
    tf_buffer *listing = nullptr;
    detail::check(tf_file_listing(&listing, handle_));
    return Buffer(listing);
  }
  /** tf_file_read() of the array of this name. */
  Array read(std::string_view name) const;

 private:
  friend class Entry;

  std::vector<std::string_view> texts(std::size_t count, tf_status (*text_of)(const char **, std::size_t *,
                                                                              const tf_file *, std::size_t)) const {
    std::vector<std::string_view> all(count);
    for (std::size_t i = 0; i < count; ++i) {
      const char *text = nullptr;
      std::size_t length = 0;
      detail::check(text_of(&text, &length, handle_, i));
      all[i] = {text, length};
    }
    return all;
  }
};

/** One array of a File. It stays valid when the File is moved or destroyed. */
class File::Entry {
 public:
  /** Where the bytes of an array are stored, and in which order: tf_file_location(), tf_file_is_big_endian(), and
      tf_file_is_fortran_order(). */
  struct Location {
    std::string_view path;
    std::uint64_t offset;
    std::uint64_t stored_bytes;
    bool deflated;
    bool big_endian;
    bool fortran_order;
  };

  Entry(const Entry &other) noexcept : file_(other.file_.share()), index_(other.index_), name_(other.name_) {}
  Entry(Entry &&) noexcept = default;
  Entry &operator=(const Entry &other) noexcept { return *this = Entry(other); }
  Entry &operator=(Entry &&) noexcept = default;
  ~Entry() = default;

  /** The file that contains the array. */
  const File &file() const noexcept { return file_; }
  /** Index of the array in its file. */
  std::size_t index() const noexcept { return index_; }
  /** tf_file_name(), valid as long as the file is open. */
  std::string_view name() const noexcept { return name_; }
  /** tf_file_dtype(); Dtype::unsupported if the library does not know the type. */
  Dtype dtype() const noexcept { return static_cast<Dtype>(tf_file_dtype(handle(), index_)); }
  /** tf_file_type(): the dtype's name, or what the file calls a type that the library does not know. */
  std::string_view type() const {
    const char *text = nullptr;
    std::size_t length = 0;
    detail::check(tf_file_type(&text, &length, handle(), index_));
    return {text, length};
  }
  /** tf_file_ndim() */
  std::size_t ndim() const noexcept { return tf_file_ndim(handle(), index_); }
  /** tf_file_shape(): sizes in elements. */
  Span<const std::int64_t> shape() const noexcept { return {tf_file_shape(handle(), index_), ndim()}; }
  /** The number of elements. */
  std::int64_t size() const noexcept {
    std::int64_t count = 1;
    for (const std::int64_t length : shape())
      count *= length;
    return count;
  }
  /** tf_file_nbytes() */
  std::uint64_t nbytes() const noexcept { return tf_file_nbytes(handle(), index_); }
  /** tf_file_location(), tf_file_is_big_endian() and tf_file_is_fortran_order() */
  Location location() const {
    const char *path = nullptr;
    Location location = {};
    std::int32_t deflated = 0;
    detail::check(tf_file_location(&path, &location.offset, &location.stored_bytes, &deflated, handle(), index_));
    location.path = path;
    location.deflated = deflated != 0;
    location.big_endian = tf_file_is_big_endian(handle(), index_) != 0;
    location.fortran_order = tf_file_is_fortran_order(handle(), index_) != 0;
    return location;
  }

  /** tf_file_read() */
  Array read() const {
    tf_array *array = nullptr;
    detail::check(tf_file_read(&array, handle(), index_));
    return Array(array);
  }
  /** tf_file_read_raw(): the stored bytes, whatever the type, as a 1-d array of uint8. */
  Array read_raw() const {
    tf_array *array = nullptr;
    detail::check(tf_file_read_raw(&array, handle(), index_));
    return Array(array);
  }
  /** tf_file_read_slice(). Axes that are not given are selected whole. */
  Array read_slice(Slices axes) const {
    const detail::SliceArguments arguments(axes, ndim());
    tf_array *array = nullptr;
    detail::check(tf_file_read_slice(&array, handle(), index_, arguments.start(), arguments.stop(), arguments.step(),
                                     arguments.ndim()));
    return Array(array);
  }
  /** Reads all elements, or those of a slice, in C order. Throws TYPE if the dtype is not that of T. */
  template <typename T>
  std::vector<T> read_values(Slices axes = {}) const {
    require_dtype<T>();
    return read_as<T>(axes);
  }
  /** Reads all elements, or those of a slice, in C order, and casts them to the dtype of T while reading. */
  template <typename T>
  std::vector<T> read_as(Slices axes = {}) const {
    std::vector<T> values(detail::SliceArguments(axes, ndim()).count(shape()));
    if constexpr (std::is_same_v<T, bool>) {
      const std::unique_ptr<bool[]> elements(new bool[values.size()]);
      read_into_as(elements.get(), values.size(), axes);
      values.assign(elements.get(), elements.get() + values.size());
    } else {
      read_into_as(values.data(), values.size(), axes);
    }
    return values;
  }
  /** Reads all elements, or those of a slice, into memory of the caller; count must be their number. Throws TYPE if the
      dtype is not that of T. */
  template <typename T>
  void read_into(T *dst, std::size_t count, Slices axes = {}) const {
    require_dtype<T>();
    read_into_as(dst, count, axes);
  }
  /** Reads as read_into(), and casts to the dtype of T while reading. */
  template <typename T>
  void read_into_as(T *dst, std::size_t count, Slices axes = {}) const {
    const std::int32_t dtype = detail::number(dtype_of<T>);
    const std::size_t nbytes = count * sizeof(T);
    if (axes.empty()) {
      detail::check(tf_file_read_into(handle(), index_, dtype, dst, nbytes));
    } else {
      const detail::SliceArguments arguments(axes, ndim());
      detail::check(tf_file_read_slice_into(handle(), index_, arguments.start(), arguments.stop(), arguments.step(),
                                            arguments.ndim(), dtype, dst, nbytes));
    }
  }

 private:
  friend class File;
  friend class ReadPlan;
  friend class detail::Iterator<Entry, tf_file>;
  Entry(tf_file *file, std::size_t index, bool = true) : file_(tf_file_retain(file)), index_(index) {
    const char *name = nullptr;
    std::size_t length = 0;
    detail::check(tf_file_name(&name, &length, file, index));
    name_ = {name, length};
  }
  const tf_file *handle() const noexcept { return file_.get(); }
  template <typename T>
  void require_dtype() const {
    if (dtype() != dtype_of<T>) {
      throw detail::wrong_dtype("array '" + std::string(name_) + "'", dtype(), dtype_of<T>, "read_as<T>() converts",
                                name_);
    }
  }

  File file_;
  std::size_t index_;
  std::string_view name_;
};

inline File::Entry File::at(std::size_t index) const {
  return Entry(handle_, index);
}
inline File::Entry File::at(std::string_view name) const {
  return Entry(handle_, find(name));
}
inline File::Entry File::operator[](std::size_t index) const {
  return at(index);
}
inline File::Entry File::operator[](std::string_view name) const {
  return at(name);
}
inline Array File::read(std::string_view name) const {
  return at(name).read();
}

/**
 * A list of arrays and slices to read from a file in one go: the fastest way to fill existing memory. Entries are numbered
 * 0, 1, ... in the order of add(). A plan can run once.
 *
 *     tf::ReadPlan plan(file);
 *     plan.add(file["w"], weights.data(), weights.size()).add_as(file["b"], biases.data(), biases.size());
 *     plan.run();
 */
class ReadPlan : public detail::Handle<tf_read_plan, tf_read_plan_retain, tf_read_plan_release> {
 public:
  using Handle::Handle;
  /** tf_read_plan_new(): the plan keeps the file open. */
  explicit ReadPlan(const File &file) { detail::check(tf_read_plan_new(out(), file.get())); }

  /** Another handle on the same plan. */
  ReadPlan share() const noexcept { return ReadPlan(retained()); }
  /** Adds an array, or a slice of it, whose elements are written to dst in C order when the plan runs; count must be their
      number. Throws TYPE if the dtype is not that of T. */
  template <typename T>
  ReadPlan &add(const File::Entry &entry, T *dst, std::size_t count, Slices axes = {}) {
    entry.require_dtype<T>();
    return add_as(entry, dst, count, axes);
  }
  /** Adds as add(), and casts to the dtype of T while reading. */
  template <typename T>
  ReadPlan &add_as(const File::Entry &entry, T *dst, std::size_t count, Slices axes = {}) {
    return add(entry, axes, dtype_of<T>, dst, {}, count * sizeof(T));
  }
  /** tf_read_plan_add(). Dtype::as_stored keeps the dtype, and without strides the elements are in C order. */
  ReadPlan &add(const File::Entry &entry, Slices axes, Dtype dtype, void *dst, Sizes strides, std::size_t nbytes) {
    const detail::SliceArguments arguments(axes, entry.ndim());
    detail::check(tf_read_plan_add(handle_, entry.index(), arguments.start(), arguments.stop(), arguments.step(),
                                   axes.empty() ? 0 : arguments.ndim(), detail::number(dtype), dst,
                                   strides.empty() ? nullptr : strides.data(), nbytes));
    return *this;
  }
  /** tf_read_plan_set_complete(): calls complete on the thread that runs the plan, once for each entry, as soon as its
      elements are in memory. If complete throws, run() stops and throws the same. */
  ReadPlan &set_complete(std::function<void(std::size_t entry)> complete) {
    using Complete = decltype(complete);
    auto kept = std::make_unique<Complete>(std::move(complete));
    const auto trampoline = [](void *user, std::size_t entry) -> tf_status {
      return detail::guarded([&] {
        (*static_cast<Complete *>(user))(entry);
        return Status::ok;
      });
    };
    detail::check(tf_read_plan_set_complete(handle_, trampoline, detail::destroy<Complete>, kept.release()));
    return *this;
  }
  /** tf_read_plan_run() */
  void run() { detail::check(tf_read_plan_run(handle_)); }
};

/** The contents of a file. */
struct Loaded {
  /** The array of a .npy; empty for the other formats. */
  Array array;
  /** Arrays by name, in file order. */
  Dict arrays;
  /** The metadata, as tf_load() describes it. */
  Dict metadata;
};

/** tf_load() */
inline Loaded load(const Path &path, const Options &options = Options()) {
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  detail::check(tf_load(&array, &arrays, &metadata, path.c_str(), options.get()));
  return {Array(array), Dict(arrays), Dict(metadata)};
}
/** tf_load_memory() */
inline Loaded load_memory(Bytes bytes, Format format = Format::auto_, const Options &options = Options()) {
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  detail::check(
      tf_load_memory(&array, &arrays, &metadata, bytes.data(), bytes.size(), detail::number(format), options.get()));
  return {Array(array), Dict(arrays), Dict(metadata)};
}
/** tf_load_source() */
inline Loaded load(const Source &source, Format format = Format::auto_, const Options &options = Options()) {
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  detail::check(tf_load_source(&array, &arrays, &metadata, source.get(), detail::number(format), options.get()));
  return {Array(array), Dict(arrays), Dict(metadata)};
}
/** What tf_check() found: one line for each fault, excused fault and remark. */
struct CheckReport {
  std::vector<std::string> faults;
  std::vector<std::string> excused;
  std::vector<std::string> notes;
};
namespace detail {

inline CheckReport check_report(tf_dict *report) {
  const Dict found(report);
  return {found.strings("faults"), found.strings("excused"), found.strings("notes")};
}

}  // namespace detail

/** tf_check() */
inline CheckReport check(const Path &path, const Options &options = Options()) {
  tf_dict *report = nullptr;
  detail::check(tf_check(&report, path.c_str(), options.get()));
  return detail::check_report(report);
}
/** tf_check_source(). Source::from_memory() makes a source of bytes. */
inline CheckReport check(const Source &source, Format format = Format::auto_, const Options &options = Options()) {
  tf_dict *report = nullptr;
  detail::check(tf_check_source(&report, source.get(), detail::number(format), options.get()));
  return detail::check_report(report);
}
/** tf_load_weights(). An empty expected accepts any weights. */
inline Dict load_weights(const Path &path, const Dict &expected = Dict(), const Options &options = Options()) {
  tf_dict *tree = nullptr;
  detail::check(tf_load_weights(&tree, path.c_str(), expected.get(), options.get()));
  return Dict(tree);
}

/** tf_load_weights_source(). An empty expected accepts any weights. */
inline Dict load_weights(const Source &source, Format format = Format::auto_, const Dict &expected = Dict(),
                         const Options &options = Options()) {
  tf_dict *tree = nullptr;
  detail::check(tf_load_weights_source(&tree, source.get(), detail::number(format), expected.get(), options.get()));
  return Dict(tree);
}

namespace detail {

/** The dict of a handle, or a new empty dict if the handle is empty, for C functions that require one. */
class DictOrEmpty {
 public:
  explicit DictOrEmpty(const Dict &dict) : handle_(dict.get()) {
    if (handle_ != nullptr) return;
    tf_dict *empty = nullptr;
    check(tf_dict_new(&empty));
    empty_ = Dict(empty);
    handle_ = empty;
  }
  const tf_dict *get() const noexcept { return handle_; }

 private:
  Dict empty_;
  const tf_dict *handle_;
};

}  // namespace detail

/** tf_save_file(): saves arrays and metadata in the format that the path's extension or Option::format names. If metadata
    is an empty handle, the file has none. */
inline void save(const Path &path, const Dict &arrays, const Dict &metadata = Dict(),
                 const Options &options = Options()) {
  detail::check(tf_save_file(path.c_str(), detail::DictOrEmpty(arrays).get(), metadata.get(), options.get()));
}
/** Something that a format cannot hold: tf_save_check(). */
struct Finding {
  /** "array", "metadata" or "file". */
  std::string subject;
  /** The name of the array, or the key of the metadata value. */
  std::string name;
  /** One of the words that are listed at tf_save_check(), such as "dtype". */
  std::string problem;
  /** One line of text. */
  std::string reason;
};
/** tf_save_check(): everything that the format cannot hold. Nothing is written. */
inline std::vector<Finding> save_check(Format format, const Dict &arrays, const Dict &metadata = Dict(),
                                       const Options &options = Options()) {
  tf_dict *raw = nullptr;
  detail::check(
      tf_save_check(&raw, detail::number(format), detail::DictOrEmpty(arrays).get(), metadata.get(), options.get()));
  const Dict report(raw);
  std::vector<std::string> subjects = report.strings("subject");
  std::vector<std::string> names = report.strings("name");
  std::vector<std::string> problems = report.strings("problem");
  std::vector<std::string> reasons = report.strings("reason");
  std::vector<Finding> findings;
  findings.reserve(subjects.size());
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    findings.push_back({std::move(subjects[i]), std::move(names[i]), std::move(problems[i]), std::move(reasons[i])});
  }
  return findings;
}
/** tf_save(): saves one array as .npy. */
inline void save(const Path &path, const Array &array, const Options &options = Options()) {
  detail::check(tf_save(path.c_str(), array.get(), options.get()));
}
/** tf_savez(), for named arrays. */
inline void savez(const Path &path, const Dict &arrays, const Options &options = Options()) {
  detail::check(tf_savez(path.c_str(), nullptr, 0, arrays.get(), options.get()));
}
/** tf_savez_compressed(), for named arrays. */
inline void savez_compressed(const Path &path, const Dict &arrays, const Options &options = Options()) {
  detail::check(tf_savez_compressed(path.c_str(), nullptr, 0, arrays.get(), options.get()));
}
/** tf_save_safetensors(). If metadata is an empty handle, the file has none. */
inline void save_safetensors(const Path &path, const Dict &arrays, const Dict &metadata = Dict(),
                             const Options &options = Options()) {
  detail::check(tf_save_safetensors(path.c_str(), detail::DictOrEmpty(arrays).get(), metadata.get(), options.get()));
}
/** tf_save_gguf() */
inline void save_gguf(const Path &path, const Dict &arrays, const Dict &metadata = Dict(),
                      const Options &options = Options()) {
  detail::check(tf_save_gguf(path.c_str(), detail::DictOrEmpty(arrays).get(), metadata.get(), options.get()));
}
/** tf_save_weights() */
inline void save_weights(const Path &path, const Dict &tree, const Options &options = Options()) {
  detail::check(tf_save_weights(path.c_str(), detail::DictOrEmpty(tree).get(), options.get()));
}
/** tf_save_memory(), for one array as .npy. */
inline Buffer save_memory(const Array &array, const Options &options = Options()) {
  tf_buffer *buffer = nullptr;
  detail::check(tf_save_memory(&buffer, TF_FORMAT_NPY, array.get(), nullptr, nullptr, options.get()));
  return Buffer(buffer);
}
/** tf_save_memory(), for named arrays. */
inline Buffer save_memory(Format format, const Dict &arrays, const Dict &metadata = Dict(),
                          const Options &options = Options()) {
  tf_buffer *buffer = nullptr;
  detail::check(tf_save_memory(&buffer, detail::number(format), nullptr, detail::DictOrEmpty(arrays).get(),
                               metadata.get(), options.get()));
  return Buffer(buffer);
}
/** tf_save_sink(), for one array as .npy. */
inline void save_sink(const Sink &sink, const Array &array, const Options &options = Options()) {
  detail::check(tf_save_sink(sink.get(), TF_FORMAT_NPY, array.get(), nullptr, nullptr, options.get()));
}
/** tf_save_sink(), for named arrays. */
inline void save_sink(const Sink &sink, Format format, const Dict &arrays, const Dict &metadata = Dict(),
                      const Options &options = Options()) {
  detail::check(tf_save_sink(sink.get(), detail::number(format), nullptr, detail::DictOrEmpty(arrays).get(),
                             metadata.get(), options.get()));
}

/** Writes a file whose arrays need not fit in memory. First all arrays are declared, then their bytes are written in
    the same order, in pieces of any size, then the file is finished. A writer that has not finished leaves the target
    unchanged. */
class Writer : public detail::Handle<tf_writer, tf_writer_retain, tf_writer_release> {
 public:
  using Handle::Handle;
  /** tf_writer_open() */
  explicit Writer(const Path &path, Format format = Format::auto_, const Options &options = Options()) {
    detail::check(tf_writer_open(out(), path.c_str(), detail::number(format), options.get()));
  }
  /** tf_writer_open_sink() */
  explicit Writer(const Sink &sink, Format format, const Options &options = Options()) {
    detail::check(tf_writer_open_sink(out(), sink.get(), detail::number(format), options.get()));
  }

  /** Another handle on the same writer. */
  Writer share() const noexcept { return Writer(retained()); }
  /** tf_writer_declare() */
  Writer &declare(std::string_view name, Dtype dtype, Sizes shape) {
    detail::check(
        tf_writer_declare(handle_, name.data(), name.size(), detail::number(dtype), shape.data(), shape.size()));
    return *this;
  }
  /** tf_writer_set_metadata() */
  Writer &metadata(const Dict &values) {
    detail::check(tf_writer_set_metadata(handle_, values.get()));
    return *this;
  }
  /** tf_writer_write(): writes the next bytes of array data. */
  Writer &write(const void *src, std::size_t nbytes) {
    detail::check(tf_writer_write(handle_, src, nbytes));
    return *this;
  }
  /** Writes the elements of an array as the next bytes of array data. */
  Writer &write(const Array &array) {
    const Array dense = array.contiguous();
    return write(dense.data(), static_cast<std::size_t>(dense.nbytes()));
  }
  /** tf_writer_finish() */
  void finish() { detail::check(tf_writer_finish(handle_)); }
};

/** tf_save_metadata(): replaces the metadata of a file without reading its arrays. An empty dict removes them. */
inline void save_metadata(const Path &path, const Dict &metadata, const Options &options = Options()) {
  detail::check(tf_save_metadata(path.c_str(), metadata.get(), options.get()));
}

/**
 * New names and metadata for a file, whose arrays keep the bytes that they have.
 *
 *     tf::Edit edit(file);
 *     edit.rename(file["w"].index(), "weight").set_metadata(metadata).finish();
 *     edit.save("m.safetensors");
 */
class Edit : public detail::Handle<tf_edit, tf_edit_retain, tf_edit_release> {
 public:
  using Handle::Handle;
  /** Bytes of the new file: new ones, or those at an offset of the old file. */
  struct Run {
    const void *bytes;     // null: they are in the old file
    std::uint64_t offset;  // in the old file, or that of new bytes in the new file
    std::uint64_t nbytes;
  };

  /** tf_edit_new(): the edit keeps the file open. */
  explicit Edit(const File &file) { detail::check(tf_edit_new(out(), file.get())); }

  /** Another handle on the same edit. */
  Edit share() const noexcept { return Edit(retained()); }
  /** tf_edit_rename() */
  Edit &rename(std::size_t index, std::string_view name) {
    detail::check(tf_edit_rename(handle_, index, name.data(), name.size()));
    return *this;
  }
  /** tf_edit_remove() */
  Edit &remove(std::size_t index) {
    detail::check(tf_edit_remove(handle_, index));
    return *this;
  }
  /** tf_edit_set_metadata(): sets all of the new metadata. An empty dict removes them. */
  Edit &set_metadata(const Dict &metadata) {
    detail::check(tf_edit_set_metadata(handle_, metadata.get()));
    return *this;
  }
  /** tf_edit_finish(): lays out the new file. The functions above cannot be called afterwards, and those below not
      before. */
  Edit &finish() {
    detail::check(tf_edit_finish(handle_));
    return *this;
  }

  /** tf_edit_size(): the number of bytes of the new file. */
  std::uint64_t size() const noexcept { return tf_edit_size(handle_); }
  /** tf_edit_patch_bytes(): how many bytes at the start of the file an edit in place writes; 0 if it is impossible. */
  std::uint64_t patch_bytes() const noexcept { return tf_edit_patch_bytes(handle_); }
  /** tf_edit_run_count() */
  std::size_t run_count() const noexcept { return tf_edit_run_count(handle_); }
  /** tf_edit_run(): the bytes are borrowed from the edit. */
  Run run(std::size_t index) const {
    Run run = {};
    detail::check(tf_edit_run(&run.bytes, &run.offset, &run.nbytes, handle_, index));
    return run;
  }
  /** tf_edit_save() */
  void save(const Path &path, const Options &options = Options()) const {
    detail::check(tf_edit_save(handle_, path.c_str(), options.get()));
  }
  /** tf_edit_save_sink() */
  void save(const Sink &sink, const Options &options = Options()) const {
    detail::check(tf_edit_save_sink(handle_, sink.get(), options.get()));
  }
};

/**
 * How the arrays of a set of files are divided into parts, for programs that write the parts separately: each task makes
 * the same plan and writes its parts, and one of them writes the index.
 *
 *     tf::PartPlan plan("w.safetensors", tf::Format::auto_, {{tf::Option::part_bytes, 1 << 30}});
 *     plan.declare(arrays).finish();
 *     tf::Writer writer = plan.open_part(2);
 */
class PartPlan : public detail::Handle<tf_part_plan, tf_part_plan_retain, tf_part_plan_release> {
 public:
  using Handle::Handle;
  /** The arrays of one part: those from first to first + count - 1, which have nbytes bytes. */
  struct Part {
    std::size_t first;
    std::size_t count;
    std::uint64_t nbytes;
  };

  /** tf_part_plan_new() */
  explicit PartPlan(const Path &path, Format format = Format::auto_, const Options &options = Options()) {
    detail::check(tf_part_plan_new(out(), path.c_str(), detail::number(format), options.get()));
  }

  /** Another handle on the same plan. */
  PartPlan share() const noexcept { return PartPlan(retained()); }
  /** tf_part_plan_declare() */
  PartPlan &declare(std::string_view name, Dtype dtype, Sizes shape) {
    detail::check(
        tf_part_plan_declare(handle_, name.data(), name.size(), detail::number(dtype), shape.data(), shape.size()));
    return *this;
  }
  /** tf_part_plan_declare_all() */
  PartPlan &declare(const Dict &arrays) {
    if (!arrays.empty()) detail::check(tf_part_plan_declare_all(handle_, arrays.get()));
    return *this;
  }
  /** tf_part_plan_set_metadata() */
  PartPlan &set_metadata(const Dict &metadata) {
    detail::check(tf_part_plan_set_metadata(handle_, metadata.get()));
    return *this;
  }
  /** tf_part_plan_finish(): divides the arrays. The functions above cannot be called afterwards, and those below not
      before. */
  void finish() { detail::check(tf_part_plan_finish(handle_)); }

  /** tf_part_plan_count(): the number of parts. */
  std::size_t size() const noexcept { return tf_part_plan_count(handle_); }
  /** tf_part_plan_has_index() */
  bool has_index() const noexcept { return tf_part_plan_has_index(handle_) != 0; }
  /** tf_part_plan_part() */
  Part part(std::size_t number) const {
    Part part = {};
    detail::check(tf_part_plan_part(&part.first, &part.count, &part.nbytes, handle_, number));
    return part;
  }
  /** tf_part_plan_array(): the name of an array, by its index among all that were declared. */
  std::string_view array(std::size_t index) const {
    const char *name = nullptr;
    std::size_t length = 0;
    detail::check(tf_part_plan_array(&name, &length, handle_, index));
    return {name, length};
  }
  /** tf_part_plan_path(): the path of a part; UTF-8 on Windows. */
  std::string path(std::size_t number) const {
    tf_buffer *raw = nullptr;
    detail::check(tf_part_plan_path(&raw, handle_, number));
    const Buffer text(raw);
    return std::string(static_cast<const char *>(tf_buffer_data(raw)), text.size());
  }
  /** The path of the index. Throws NOT_FOUND if there is no index. */
  std::string index_path() const { return path(size()); }
  /** tf_part_plan_metadata(): a copy of the metadata of a part. */
  Dict metadata(std::size_t number) const {
    tf_dict *metadata = nullptr;
    detail::check(tf_part_plan_metadata(&metadata, handle_, number));
    return Dict(metadata);
  }
  /** tf_part_plan_index(): the text of the index. Throws NOT_FOUND if there is no index. */
  Buffer index() const {
    tf_buffer *index = nullptr;
    detail::check(tf_part_plan_index(&index, handle_));
    return Buffer(index);
  }
  /** tf_part_plan_save_index(), to its own path. */
  void save_index() const { detail::check(tf_part_plan_save_index(handle_, nullptr)); }
  /** tf_part_plan_save_index(), to another path. */
  void save_index(const Path &path) const { detail::check(tf_part_plan_save_index(handle_, path.c_str())); }
  /** tf_part_plan_open_part(): a writer for a part, at its own path. */
  Writer open_part(std::size_t number) const {
    tf_writer *writer = nullptr;
    detail::check(tf_part_plan_open_part(&writer, handle_, number, nullptr));
    return Writer(writer);
  }
  /** tf_part_plan_open_part(), at another path. */
  Writer open_part(std::size_t number, const Path &path) const {
    tf_writer *writer = nullptr;
    detail::check(tf_part_plan_open_part(&writer, handle_, number, path.c_str()));
    return Writer(writer);
  }
  /** tf_part_plan_open_part_sink() */
  Writer open_part(std::size_t number, const Sink &sink) const {
    tf_writer *writer = nullptr;
    detail::check(tf_part_plan_open_part_sink(&writer, handle_, number, sink.get()));
    return Writer(writer);
  }
};

/**
 * The types that a preset chooses for the arrays of a model: ::tf_quant_plan.
 *
 *     tf::QuantPlan plan(tf::Preset::q4_k_m, file.metadata());
 *     for (const tf::File::Entry &entry : file) plan.declare(entry.name(), entry.dtype(), entry.shape());
 *     plan.finish();
 *     tf::Dtype first = plan.dtype(0);
 */
class QuantPlan : public detail::Handle<tf_quant_plan, tf_quant_plan_retain, tf_quant_plan_release> {
 public:
  using Handle::Handle;
  /** tf_quant_plan_new() */
  QuantPlan(Preset preset, const Dict &metadata, const Options &options = Options()) {
    detail::check(tf_quant_plan_new(out(), detail::number(preset), metadata.get(), options.get()));
  }

  /** Another handle on the same plan. */
  QuantPlan share() const noexcept { return QuantPlan(retained()); }
  /** tf_quant_plan_declare() */
  QuantPlan &declare(std::string_view name, Dtype dtype, Sizes shape) {
    detail::check(
        tf_quant_plan_declare(handle_, name.data(), name.size(), detail::number(dtype), shape.data(), shape.size()));
    return *this;
  }
  /** tf_quant_plan_set_dtype() */
  QuantPlan &set_dtype(std::size_t index, Dtype dtype) {
    detail::check(tf_quant_plan_set_dtype(handle_, index, detail::number(dtype)));
    return *this;
  }
  /** tf_quant_plan_set_weighted() */
  QuantPlan &set_weighted(bool weighted) {
    detail::check(tf_quant_plan_set_weighted(handle_, weighted ? 1 : 0));
    return *this;
  }
  /** tf_quant_plan_finish(): chooses the types. The functions above cannot be called afterwards, and dtype() not
      before. */
  void finish() { detail::check(tf_quant_plan_finish(handle_)); }
  /** tf_quant_plan_dtype() */
  Dtype dtype(std::size_t index) const {
    tf_dtype dtype = TF_DTYPE_UNSUPPORTED;
    detail::check(tf_quant_plan_dtype(&dtype, handle_, index));
    return static_cast<Dtype>(dtype);
  }
};

namespace detail {

/** The name of an enumerator, or its number if the library does not know it. */
inline std::string name_or_number(const char *name, const char *unknown, const char *type, std::int32_t number) {
  return std::strcmp(name, unknown) == 0 ? type + (" " + std::to_string(number)) : name;
}

/** A float with as few digits as identify it, and a decimal point in every locale. */
template <typename T>
std::string shortest(T value) {
  char text[40];
  for (int digits = 1; digits <= std::numeric_limits<T>::max_digits10; ++digits) {
    std::snprintf(text, sizeof(text), "%.*g", digits, static_cast<double>(value));
    const T read = static_cast<T>(std::strtod(text, nullptr));
    if (!(read < value) && !(read > value)) break;
  }
  for (char &letter : text) {
    if (letter == ',') letter = '.';
  }
  return text;
}

template <typename T>
std::string complex_text(const std::complex<T> &value) {
  const std::string imaginary = shortest(value.imag());
  return "(" + shortest(value.real()) + (imaginary[0] == '-' ? "" : "+") + imaginary + "j)";
}

/** A text in quotes on one line, cut if it is long. */
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t max_bytes = 72;
  constexpr const char *hex = "0123456789abcdef";
  std::size_t end = text.size() <= max_bytes ? text.size() : max_bytes;
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u)
    --end;
  std::string out = "\"";
  for (const char letter : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\x").append(1, hex[byte / 16]).append(1, hex[byte % 16]);
    } else {
      if (letter == '"' || letter == '\\') out += '\\';
      out += letter;
    }
  }
  return out + (end < text.size() ? "...\"" : "\"");
}

/** A dtype and a shape as Python writes them: "float32 (2, 3)". */
inline std::string type_text(std::string_view type, Span<const std::int64_t> shape) {
  std::string out(type);
  out += " (";
  for (std::size_t i = 0; i < shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + (shape.size() == 1 ? ",)" : ")");
}

/** The elements of an array in nested brackets. Of a large array only the first and last of each axis are shown. */
inline void append_elements(std::string &out, const Array &array, Shape &index) {
  constexpr std::int64_t max_elements = 1000;
  constexpr std::int64_t edge = 3;
  if (index.size() == array.ndim()) {
    out += to_string(array.item(index));
    return;
  }
  const std::int64_t size = array.shape()[index.size()];
  const bool cut = array.size() > max_elements && size > 2 * edge;
  out += '[';
  index.push_back(0);
  for (std::int64_t i = 0; i < size; ++i) {
    if (i > 0) out += ", ";
    if (cut && i == edge) {
      out += "..., ";
      i = size - edge;
    }
    index.back() = i;
    append_elements(out, array, index);
  }
  index.pop_back();
  out += ']';
}

/** The type and shape of an array, and its elements if there are at most that many. */
inline std::string array_text(const Array &array, std::int64_t max_elements) {
  if (!array) return "(empty)";
  std::string out = type_text(name(array.dtype()), array.shape());
  if (bits(array.dtype()) == 0 || array.size() > max_elements) return out;
  out += ' ';
  Shape index;
  append_elements(out, array, index);
  return out;
}

inline std::string dict_text(const Dict &dict, const std::string &indent);

/** The value of an entry. Lists are cut, and arrays of more than a few elements are described. */
inline std::string value_text(const Dict::Entry &entry, const std::string &indent) {
  constexpr std::size_t max_items = 6;
  switch (number(entry.kind())) {
    case TF_KIND_STRING:
      return in_quotes(entry.string());
    case TF_KIND_STRING_LIST: {
      const std::vector<std::string> list = entry.strings();
      std::string out = "[";
      for (std::size_t i = 0; i < list.size() && i < max_items; ++i)
        out += (i == 0 ? "" : ", ") + in_quotes(list[i]);
      return out + (list.size() > max_items ? ", ... " + std::to_string(list.size() - max_items) + " more]" : "]");
    }
    case TF_KIND_DICT:
      return dict_text(entry.dict(), indent);
    case TF_KIND_ARRAY: {
      const Array array = entry.array();
      return array.ndim() == 0 ? to_string(array.item()) : array_text(array, max_items);
    }
    default:
      return "(none)";
  }
}

inline std::string dict_text(const Dict &dict, const std::string &indent) {
  if (dict.empty()) return "{}";
  std::string out = "{\n";
  for (const Dict::Entry &entry : dict) {
    out += indent + "  " + in_quotes(entry.key()) + ": " + value_text(entry, indent + "  ") + "\n";
  }
  return out + indent + "}";
}

}  // namespace detail

/** The name of a status, or its number if the library does not know it: "status 99". */
inline std::string to_string(Status status) {
  return detail::name_or_number(name(status), "unknown", "status", detail::number(status));
}
/** The name of a dtype, or its number if the library does not know it. */
inline std::string to_string(Dtype dtype) {
  if (dtype == Dtype::unsupported) return name(dtype);
  return detail::name_or_number(name(dtype), name(Dtype::unsupported), "dtype", detail::number(dtype));
}
/** The name of a format, or its number if the library does not know it. */
inline std::string to_string(Format format) {
  return detail::name_or_number(name(format), "unknown", "format", detail::number(format));
}
/** The name of the preset. */
inline std::string to_string(Preset preset) {
  return detail::name_or_number(name(preset), "unknown", "preset", detail::number(preset));
}
/** The name of an option, or its number if the library does not know it. */
inline std::string to_string(Option option) {
  return detail::name_or_number(name(option), "unknown", "option", detail::number(option));
}
/** The name of a kind, or its number if this header does not know it. */
inline std::string to_string(Kind kind) {
  return detail::name_or_number(name(kind), "unknown", "kind", detail::number(kind));
}
inline std::string to_string(const Scalar &scalar) {
  if (scalar.holds<bool>()) return scalar.get<bool>() ? "true" : "false";
  if (scalar.holds<std::complex<float>>()) return detail::complex_text(scalar.get<std::complex<float>>());
  if (scalar.holds<std::complex<double>>()) return detail::complex_text(scalar.get<std::complex<double>>());
  return scalar.visit([](auto value) {
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      return detail::shortest(value);
    } else {
      return std::to_string(value);
    }
  });
}
/** The dtype, shape and elements of an array: "float32 (2, 2) [[1, 2], [3, 4]]". Of a large array only the first and last
    elements of each axis are shown, and of a block type none. */
inline std::string to_string(const Array &array) {
  return detail::array_text(array, (std::numeric_limits<std::int64_t>::max)());
}
/** The keys and values of a dict, a line for each. Arrays of more than six elements are described. */
inline std::string to_string(const Dict &dict) {
  return detail::dict_text(dict, "");
}
/** The value of an entry: a number, a text in quotes, a list, the type of an array. */
inline std::string to_string(const Dict::Entry &entry) {
  return detail::value_text(entry, "");
}
/** The value, or "(none)" if there is none. */
inline std::string to_string(const Dict::Item &item) {
  return item.kind() == Kind::none ? "(none)" : detail::value_text(item.entry(), "");
}
/** The type and shape of an array in a file: "float32 (2, 3)". */
inline std::string to_string(const File::Entry &entry) {
  return detail::type_text(entry.type(), entry.shape());
}
/** The format of a file, its arrays, a line for each, and its metadata. */
inline std::string to_string(const File &file) {
  if (!file) return "(empty)";
  std::string out = std::string(name(file.format())) + " {\n";
  for (const File::Entry &entry : file)
    out += "  " + detail::in_quotes(entry.name()) + ": " + to_string(entry) + "\n";
  out += "}";
  const Dict metadata = file.metadata();
  return metadata.empty() ? out : out + "\nmetadata " + to_string(metadata);
}
/** The arrays and metadata that were loaded. */
inline std::string to_string(const Loaded &loaded) {
  const std::string out = loaded.array ? to_string(loaded.array) : to_string(loaded.arrays);
  return loaded.metadata.empty() ? out : out + "\nmetadata " + to_string(loaded.metadata);
}

namespace detail {

/** True if T is one of the types that have a to_string() here. */
template <typename T>
inline constexpr bool is_printable =
    std::is_same_v<T, Status> || std::is_same_v<T, Dtype> || std::is_same_v<T, Format> || std::is_same_v<T, Kind> ||
    std::is_same_v<T, Option> || std::is_same_v<T, Scalar> || std::is_same_v<T, Array> || std::is_same_v<T, Dict> ||
    std::is_same_v<T, Dict::Entry> || std::is_same_v<T, Dict::Item> || std::is_same_v<T, File::Entry> ||
    std::is_same_v<T, File> || std::is_same_v<T, Loaded>;

}  // namespace detail

/** Prints what to_string() returns. */
template <typename T, typename = std::enable_if_t<detail::is_printable<T>>>
std::ostream &operator<<(std::ostream &out, const T &value) {
  return out << to_string(value);
}

}  // namespace tensorfile

#if __cplusplus >= 202002L
template <typename T>
inline constexpr bool std::ranges::enable_borrowed_range<tensorfile::Span<T>> = true;
#endif

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#endif  // TENSORFILE_HPP
