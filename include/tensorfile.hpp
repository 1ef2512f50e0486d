/**
 * @file tensorfile.hpp
 * A thin C++17 layer over tensorfile.h: handles that release themselves, exceptions, ranges and typed access.
 *
 * It is header-only and adds nothing to the library; what a function does, and which statuses it may have, tensorfile.h
 * says at the function that it calls. What holds for all of it stands here once:
 *
 * Handles. Array, Dict, File, Options, Source, Sink and Buffer each own one reference. They move and do not copy;
 * share() gives another handle on the same object. A moved-from or default-constructed handle is empty: it converts to
 * false, may be assigned to or destroyed, and is of no other use. get() is the C handle, still owned; release() hands
 * it out; the constructor from a C handle takes it over.
 *
 * Errors. Every failure is thrown as tensorfile::Error, which carries the status, message, offset and name. What a
 * callback throws ends the call and comes out of it unchanged. Release callbacks must not throw.
 *
 * Text. std::string_view in, as UTF-8 that need not be NUL-terminated; out as views into the object, which live as
 * long as tensorfile.h says that the text does. Paths are given as std::filesystem::path, or as std::string or const
 * char *, which are UTF-8 on Windows.
 *
 * Spans. tensorfile::Span is a pointer and a length, the same type in every standard; std::span is made of it without a
 * cast.
 *
 *     namespace tf = tensorfile;
 *     tf::Dict weights;
 *     weights.set("w", tf::Array::zeros(TF_DTYPE_FLOAT32, {2, 3}));
 *     tf::save_safetensors("model.safetensors", weights);
 *
 *     tf::File file("model.safetensors");
 *     for (const tf::File::Entry &entry : file) std::cout << entry.name() << "\n";
 *     tf::Array w = file.read("w");
 *     for (float x : w.values<float>()) ...
 */
#ifndef TENSORFILE_HPP
#define TENSORFILE_HPP

#include <complex>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensorfile.h"

#if __cplusplus >= 202002L
#include <ranges>
#endif

namespace tensorfile {

/** A failure of the library, as its thread's error record had it. */
class Error : public std::runtime_error {
 public:
  /** Without an offset. */
  static constexpr std::uint64_t no_offset = UINT64_MAX;

  Error(tf_status status, const std::string &message, std::string name = std::string(),
        std::uint64_t offset = no_offset)
      : std::runtime_error(message),
        status_(status),
        offset_(offset),
        name_(std::make_shared<const std::string>(std::move(name))) {}
  /** The thread's last failure. */
  static Error last(tf_status status) { return Error(status, tf_error_message(), tf_error_name(), tf_error_offset()); }

  /** TF_STATUS_*, or the status that a callback returned. */
  tf_status status() const noexcept { return status_; }
  /** The byte in the file that it is about, or no_offset. */
  std::uint64_t offset() const noexcept { return offset_; }
  /** The array or key that it is about, or "". */
  const std::string &name() const noexcept { return *name_; }

 private:
  tf_status status_;
  std::uint64_t offset_;
  std::shared_ptr<const std::string> name_;  // shared, so that copying an exception cannot throw
};

namespace detail {

/** What a callback has thrown below the call that is running on this thread. */
inline std::exception_ptr &thrown() {
  static thread_local std::exception_ptr exception;
  return exception;
}

/** Runs a callback's body; what it throws waits for check(). */
template <typename Body>
tf_status guarded(Body &&body) noexcept {
  try {
    return body();
  } catch (...) {
    thrown() = std::current_exception();
    return TF_STATUS_CANCELLED;
  }
}

/** Throws what a failed call has left. */
inline void check(tf_status status) {
  if (status == TF_STATUS_OK) return;
  if (std::exception_ptr exception = std::exchange(thrown(), nullptr)) std::rethrow_exception(exception);
  throw Error::last(status);
}

inline void require(bool condition, tf_status status, const char *message) {
  if (!condition) throw Error(status, message);
}

template <typename F>
void call_once(void *user) noexcept {
  const std::unique_ptr<F> function(static_cast<F *>(user));
  (*function)();
}

template <typename T>
void destroy(void *user) noexcept {
  delete static_cast<T *>(user);
}

/** Puts a release callback on the heap, where a C callback finds it; when that fails it has been called. */
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

/** One reference to an object of the library. */
template <typename T, T *(*Retain)(T *), void (*Release)(T *)>
class Handle {
 public:
  Handle() noexcept = default;
  /** Takes over a reference. */
  explicit Handle(T *handle) noexcept : handle_(handle) {}
  Handle(Handle &&other) noexcept : handle_(other.release()) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) Release(std::exchange(handle_, other.release()));
    return *this;
  }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  ~Handle() { Release(handle_); }

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  /** The C handle, which stays this object's. */
  T *get() const noexcept { return handle_; }
  /** The C handle, which is the caller's from now on. */
  [[nodiscard]] T *release() noexcept { return std::exchange(handle_, nullptr); }

 protected:
  T *retained() const noexcept { return handle_ == nullptr ? nullptr : Retain(handle_); }
  /** For functions that put a new object into a T **. */
  T **out() noexcept {
    Release(std::exchange(handle_, nullptr));
    return &handle_;
  }

  T *handle_ = nullptr;
};

}  // namespace detail

/** Elements that lie behind one another and belong to something else; converts to std::span where there is one. */
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

/** A path as the library takes it. */
class Path {
 public:
  /** NUL-terminated bytes; UTF-8 on Windows. */
  Path(const char *path) : text_(path) {}
  /** The same. */
  Path(std::string path) : text_(std::move(path)) {}
  Path(const std::filesystem::path &path) {
#if defined(_WIN32)
    const auto utf8 = path.u8string();
    text_.assign(utf8.begin(), utf8.end());
#else
    text_ = path.native();
#endif
  }
  const char *c_str() const noexcept {
    return text_.c_str();
  }

 private:
  std::string text_;
};

/** Sizes in elements, outermost dimension first. */
using Shape = std::vector<std::int64_t>;

/** One axis of a slice, as in Python's start:stop:step; what is left out is omitted. */
struct Slice {
  std::int64_t start = TENSORFILE_SLICE_OMITTED;
  std::int64_t stop = TENSORFILE_SLICE_OMITTED;
  std::int64_t step = TENSORFILE_SLICE_OMITTED;
};

/**
 * The dtype of a C++ type: bool, integers of 8 to 64 bits, float, double, std::complex of these two. For a half type of
 * your own: `template <> struct tensorfile::DtypeOf<my::half> { static constexpr tf_dtype value = TF_DTYPE_FLOAT16; };`
 */
template <typename T, typename = void>
struct DtypeOf;
template <>
struct DtypeOf<bool> {
  static constexpr tf_dtype value = TF_DTYPE_BOOL;
};
template <>
struct DtypeOf<float> {
  static constexpr tf_dtype value = TF_DTYPE_FLOAT32;
};
template <>
struct DtypeOf<double> {
  static constexpr tf_dtype value = TF_DTYPE_FLOAT64;
};
template <>
struct DtypeOf<std::complex<float>> {
  static constexpr tf_dtype value = TF_DTYPE_COMPLEX64;
};
template <>
struct DtypeOf<std::complex<double>> {
  static constexpr tf_dtype value = TF_DTYPE_COMPLEX128;
};
template <typename T>
struct DtypeOf<T, std::enable_if_t<std::is_integral_v<T> && sizeof(T) <= 8>> {
  static constexpr tf_dtype value = (std::is_signed_v<T> ? TF_DTYPE_INT8 : TF_DTYPE_UINT8) + (sizeof(T) == 1   ? 0
                                                                                              : sizeof(T) == 2 ? 1
                                                                                              : sizeof(T) == 4 ? 2
                                                                                                               : 3);
};
template <typename T>
inline constexpr tf_dtype dtype_of = DtypeOf<std::remove_cv_t<T>>::value;

static_assert(sizeof(bool) == 1, "bool arrays have one byte an element");

/** Settings of a call; each set() gives the object back, so that they can be chained. An empty one means the defaults. */
class Options : public detail::Handle<tf_options, tf_options_retain, tf_options_release> {
 public:
  using Handle::Handle;

  Options share() const noexcept { return Options(retained()); }
  /** tf_options_set() */
  Options &set(tf_option option, std::int64_t value) & {
    detail::check(tf_options_set(made(), option, value));
    return *this;
  }
  Options &&set(tf_option option, std::int64_t value) && { return std::move(set(option, value)); }
  /** tf_options_set_string() */
  Options &set(tf_option option, std::string_view text) & {
    detail::check(tf_options_set_string(made(), option, text.data(), text.size()));
    return *this;
  }
  Options &&set(tf_option option, std::string_view text) && { return std::move(set(option, text)); }
  /** tf_options_get() */
  std::int64_t get(tf_option option) {
    std::int64_t value = 0;
    detail::check(tf_options_get(&value, made(), option));
    return value;
  }
  using Handle::get;
  /** tf_options_set_progress(); the call ends as CANCELLED when report gives false. */
  Options &set_progress(std::function<bool(std::uint64_t done, std::uint64_t total)> report) & {
    using Report = decltype(report);
    tf_options *const handle = made();
    auto kept = std::make_unique<Report>(std::move(report));
    const auto trampoline = [](void *user, std::uint64_t done, std::uint64_t total) -> tf_status {
      return detail::guarded(
          [&] { return (*static_cast<Report *>(user))(done, total) ? TF_STATUS_OK : TF_STATUS_CANCELLED; });
    };
    detail::check(tf_options_set_progress(handle, trampoline, detail::destroy<Report>, kept.release()));
    return *this;
  }
  Options &&set_progress(std::function<bool(std::uint64_t done, std::uint64_t total)> report) && {
    return std::move(set_progress(std::move(report)));
  }

  /** Calls job(i) for each i below count, on any threads, and returns when all of these calls have returned. */
  using Execute = std::function<void(std::size_t count, const std::function<void(std::size_t)> &job)>;
  /** tf_options_set_executor(): work runs on the host's workers, width jobs at once. */
  Options &set_executor(std::size_t width, Execute execute) & {
    tf_options *const handle = made();
    auto kept = std::make_unique<Execute>(std::move(execute));
    const auto trampoline = [](void *user, tf_job_fn run, void *jobs, std::size_t count) -> tf_status {
      return detail::guarded([&] {
        (*static_cast<Execute *>(user))(count, [run, jobs](std::size_t index) { run(jobs, index); });
        return TF_STATUS_OK;
      });
    };
    detail::check(tf_options_set_executor(handle, trampoline, width, detail::destroy<Execute>, kept.release()));
    return *this;
  }
  Options &&set_executor(std::size_t width, Execute execute) && {
    return std::move(set_executor(width, std::move(execute)));
  }

  /** tf_options_set_allocator() */
  Options &set_allocator(tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release, void *user) & {
    detail::check(tf_options_set_allocator(made(), alloc, free, release, user));
    return *this;
  }

 private:
  tf_options *made() {
    if (handle_ == nullptr) detail::check(tf_options_new(&handle_));
    return handle_;
  }
};

/** Bytes that the library made. */
class Buffer : public detail::Handle<tf_buffer, tf_buffer_retain, tf_buffer_release> {
 public:
  using Handle::Handle;

  Buffer share() const noexcept { return Buffer(retained()); }
  const std::byte *data() const noexcept { return static_cast<const std::byte *>(tf_buffer_data(handle_)); }
  std::size_t size() const noexcept { return tf_buffer_size(handle_); }
  Span<const std::byte> bytes() const noexcept { return {data(), size()}; }
};

/** Where bytes are read from. */
class Source : public detail::Handle<tf_source, tf_source_retain, tf_source_release> {
 public:
  using Handle::Handle;
  /** Reads exactly nbytes from offset into dst, or throws. */
  using ReadAt = std::function<void(std::uint64_t offset, void *dst, std::size_t nbytes)>;

  Source share() const noexcept { return Source(retained()); }
  /** A file, open until the source goes. */
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
  /** tf_source_from_part() of this one */
  Source part(std::uint64_t offset, std::uint64_t size = UINT64_MAX) const {
    Source source;
    detail::check(tf_source_from_part(source.out(), handle_, offset, size));
    return source;
  }
  /** Memory that is not copied; done is called when the last object that uses it is gone, and when this fails. */
  template <typename Done>
  static Source from_memory(const void *data, std::size_t nbytes, Done done) {
    Source source;
    void *const user = detail::keep(std::move(done));
    detail::check(tf_source_from_memory(source.out(), data, nbytes, detail::call_once<Done>, user));
    return source;
  }
  /** Memory that is not copied and outlives the source and all that is made of it. */
  static Source from_memory(const void *data, std::size_t nbytes) {
    Source source;
    detail::check(tf_source_from_memory(source.out(), data, nbytes, nullptr, nullptr));
    return source;
  }
  /** size bytes that read_at reads, on the calling thread. */
  static Source from_function(std::uint64_t size, ReadAt read_at) {
    Source source;
    auto kept = std::make_unique<ReadAt>(std::move(read_at));
    const auto trampoline = [](void *user, std::uint64_t offset, void *dst, std::size_t nbytes) -> tf_status {
      return detail::guarded([&] { return (*static_cast<ReadAt *>(user))(offset, dst, nbytes), TF_STATUS_OK; });
    };
    detail::check(tf_source_new(source.out(), size, 0, trampoline, nullptr, detail::destroy<ReadAt>, kept.release()));
    return source;
  }
};

/** Where bytes are written to. */
class Sink : public detail::Handle<tf_sink, tf_sink_retain, tf_sink_release> {
 public:
  using Handle::Handle;
  /** Takes all nbytes, or throws. */
  using Write = std::function<void(const void *src, std::size_t nbytes)>;

  Sink share() const noexcept { return Sink(retained()); }
  static Sink to_function(Write write) {
    Sink sink;
    auto kept = std::make_unique<Write>(std::move(write));
    const auto trampoline = [](void *user, const void *src, std::size_t nbytes) -> tf_status {
      return detail::guarded([&] { return (*static_cast<Write *>(user))(src, nbytes), TF_STATUS_OK; });
    };
    detail::check(tf_sink_new(sink.out(), trampoline, detail::destroy<Write>, kept.release()));
    return sink;
  }
};

namespace detail {

/** The axes of a slice as the C functions take them; axes that are not given are omitted. */
class SliceArguments {
 public:
  SliceArguments(const std::vector<Slice> &axes, std::size_t ndim) {
    require(axes.size() <= ndim, TF_STATUS_INVALID_ARGUMENT, "more slices than the array has dimensions");
    for (std::size_t i = 0; i < ndim; ++i) {
      const Slice axis = i < axes.size() ? axes[i] : Slice();
      start_.push_back(axis.start);
      stop_.push_back(axis.stop);
      step_.push_back(axis.step);
    }
  }
  const std::int64_t *start() const { return start_.data(); }
  const std::int64_t *stop() const { return stop_.data(); }
  const std::int64_t *step() const { return step_.data(); }
  std::size_t ndim() const { return start_.size(); }

 private:
  std::vector<std::int64_t> start_;
  std::vector<std::int64_t> stop_;
  std::vector<std::int64_t> step_;
};

inline Error wrong_dtype(tf_dtype found, tf_dtype asked) {
  return Error(TF_STATUS_TYPE, std::string("the array is ") + tf_dtype_name(found) + ", not " + tf_dtype_name(asked));
}

}  // namespace detail

/** An n-dimensional array. */
class Array : public detail::Handle<tf_array, tf_array_retain, tf_array_release> {
 public:
  using Handle::Handle;

  /** Another handle on the same array, which neither may then write: see values_mut(). */
  Array share() const noexcept { return Array(retained()); }

  /** tf_array_new_with() */
  static Array zeros(tf_dtype dtype, const Shape &shape, const Options &options = Options()) {
    Array array;
    detail::check(tf_array_new_with(array.out(), dtype, shape.data(), shape.size(), options.get()));
    return array;
  }
  /** tf_array_copy_from() */
  static Array copy(tf_dtype dtype, const Shape &shape, const void *src, std::size_t nbytes) {
    Array array;
    detail::check(tf_array_copy_from(array.out(), dtype, shape.data(), shape.size(), src, nbytes));
    return array;
  }
  /** A copy of count elements, as many as shape has. */
  template <typename T>
  static Array copy(const Shape &shape, const T *src, std::size_t count) {
    return copy(dtype_of<T>, shape, src, count * sizeof(T));
  }
  /** The same of the elements of a list: `Array::copy<float>({2, 2}, {1, 2, 3, 4})`. */
  template <typename T>
  static Array copy(const Shape &shape, std::initializer_list<T> elements) {
    return copy(shape, elements.begin(), elements.size());
  }
  /** The elements of a vector, which moves into the array: no copy. */
  template <typename T>
  static Array adopt(const Shape &shape, std::vector<T> elements) {
    auto kept = std::make_unique<std::vector<T>>(std::move(elements));
    T *const data = kept->data();
    const std::size_t nbytes = kept->size() * sizeof(T);
    Array array;
    detail::check(tf_array_wrap(array.out(), dtype_of<T>, shape.data(), shape.size(), nullptr, data, nbytes, 1,
                                detail::destroy<std::vector<T>>, kept.release()));
    detail::require(array.nbytes() == nbytes, TF_STATUS_INVALID_ARGUMENT,
                    "the shape has fewer elements than the vector");
    return array;
  }
  /**
   * Memory of the caller's: tf_array_wrap().
   * @param strides  in bytes; empty: C-contiguous
   * @param done     called when the last array on this memory is gone, and when this fails
   */
  template <typename Done>
  static Array wrap(tf_dtype dtype, const Shape &shape, const Shape &strides, void *data, std::size_t nbytes,
                    bool writable, Done done) {
    void *const user = detail::keep(std::move(done));
    Array array;
    detail::check(tf_array_wrap(array.out(), dtype, shape.data(), shape.size(),
                                strides.empty() ? nullptr : strides.data(), data, nbytes, writable ? 1 : 0,
                                detail::call_once<Done>, user));
    return array;
  }
  /** C-contiguous memory of the caller's that outlives the array and its views; writable when T is not const. */
  template <typename T>
  static Array wrap(const Shape &shape, T *data, std::size_t count) {
    Array array;
    void *const bytes = const_cast<std::remove_cv_t<T> *>(data);
    detail::check(tf_array_wrap(array.out(), dtype_of<T>, shape.data(), shape.size(), nullptr, bytes, count * sizeof(T),
                                std::is_const_v<T> ? 0 : 1, nullptr, nullptr));
    return array;
  }

  tf_dtype dtype() const noexcept { return tf_array_dtype(handle_); }
  std::size_t ndim() const noexcept { return tf_array_ndim(handle_); }
  Span<const std::int64_t> shape() const noexcept { return {tf_array_shape(handle_), ndim()}; }
  /** In bytes; empty for packed and block types. */
  Span<const std::int64_t> strides() const noexcept {
    const std::int64_t *const strides = tf_array_strides(handle_);
    return {strides, strides == nullptr ? 0 : ndim()};
  }
  /** Elements. */
  std::int64_t size() const noexcept { return tf_array_size(handle_); }
  std::uint64_t nbytes() const noexcept { return tf_array_nbytes(handle_); }
  bool is_contiguous() const noexcept { return tf_array_is_contiguous(handle_) != 0; }
  /** The first element, [0, 0, ...]. */
  const void *data() const noexcept { return tf_array_data(handle_); }

  /** The elements in C order. Throws TYPE when the dtype is not T's; INVALID_ARGUMENT: not C-contiguous. */
  template <typename T>
  Span<const T> values() const {
    require_elements<T>();
    return {static_cast<const T *>(data()), static_cast<std::size_t>(size())};
  }
  /** The same to write; throws INVALID_ARGUMENT, too, when the memory is read-only or shared: see make_mut(). */
  template <typename T>
  Span<T> values_mut() {
    require_elements<T>();
    void *data = nullptr;
    detail::check(tf_array_data_mut(&data, handle_));
    return {static_cast<T *>(data), static_cast<std::size_t>(size())};
  }
  /** The bytes in C order, of any dtype. Throws INVALID_ARGUMENT when the array is not C-contiguous. */
  Span<const std::byte> bytes() const {
    require_contiguous();
    return {static_cast<const std::byte *>(data()), static_cast<std::size_t>(nbytes())};
  }
  /** tf_array_make_mut() */
  Array &make_mut() {
    detail::check(tf_array_make_mut(&handle_));
    return *this;
  }
  /** tf_array_item_int64() */
  std::int64_t item_int64(const Shape &index = {}) const {
    std::int64_t value = 0;
    detail::check(tf_array_item_int64(&value, handle_, index.data(), index.size()));
    return value;
  }
  /** tf_array_item_double() */
  double item_double(const Shape &index = {}) const {
    double value = 0;
    detail::check(tf_array_item_double(&value, handle_, index.data(), index.size()));
    return value;
  }

  /** tf_array_contiguous() */
  Array contiguous() const {
    Array array;
    detail::check(tf_array_contiguous(array.out(), handle_));
    return array;
  }
  /** tf_array_transpose(); without axes: reversed. */
  Array transpose(const std::vector<std::size_t> &axes = {}) const {
    Array array;
    detail::check(tf_array_transpose(array.out(), handle_, axes.empty() ? nullptr : axes.data(), axes.size()));
    return array;
  }
  /** tf_array_slice(); axes beyond those given are whole: `a.slice({{0, 2}, {}})` is a[0:2, :]. */
  Array slice(const std::vector<Slice> &axes) const {
    const detail::SliceArguments arguments(axes, ndim());
    Array array;
    detail::check(
        tf_array_slice(array.out(), handle_, arguments.start(), arguments.stop(), arguments.step(), arguments.ndim()));
    return array;
  }
  /** tf_array_to_dlpack(): whoever gets it calls its deleter. */
  DLManagedTensorVersioned *to_dlpack() const {
    DLManagedTensorVersioned *tensor = nullptr;
    detail::check(tf_array_to_dlpack(&tensor, handle_));
    return tensor;
  }
  /** tf_array_from_dlpack(): the tensor is taken over, also when this throws. */
  static Array from_dlpack(DLManagedTensorVersioned *tensor) {
    Array array;
    detail::check(tf_array_from_dlpack(array.out(), tensor));
    return array;
  }
  /** tf_array_cast() */
  Array cast(tf_dtype dtype, const Options &options = Options()) const {
    Array array;
    detail::check(tf_array_cast(array.out(), handle_, dtype, options.get()));
    return array;
  }
  /** tf_array_equal() */
  bool equal(const Array &other) const {
    std::int32_t equal = 0;
    detail::check(tf_array_equal(&equal, handle_, other.handle_));
    return equal != 0;
  }

 private:
  void require_contiguous() const {
    detail::require(is_contiguous(), TF_STATUS_INVALID_ARGUMENT, "the array is not C-contiguous; use contiguous()");
  }
  template <typename T>
  void require_elements() const {
    if (dtype() != dtype_of<T>) throw detail::wrong_dtype(dtype(), dtype_of<T>);
    require_contiguous();
  }
};

namespace detail {

/** Goes through the places of a collection that makes an Entry of each. */
template <typename Collection>
class Iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = typename Collection::Entry;
  using difference_type = std::ptrdiff_t;
  using pointer = void;
  using reference = value_type;

  Iterator() = default;
  Iterator(const Collection *collection, std::size_t index) : collection_(collection), index_(index) {}
  value_type operator*() const { return collection_->at(index_); }
  Iterator &operator++() {
    ++index_;
    return *this;
  }
  Iterator operator++(int) {
    const Iterator before = *this;
    ++index_;
    return before;
  }
  friend bool operator==(const Iterator &a, const Iterator &b) { return a.index_ == b.index_; }
  friend bool operator!=(const Iterator &a, const Iterator &b) { return a.index_ != b.index_; }

 private:
  const Collection *collection_ = nullptr;
  std::size_t index_ = 0;
};

}  // namespace detail

/** Values by name, in insertion order. Getters throw NOT_FOUND, and TYPE when the value is of another kind. */
class Dict : public detail::Handle<tf_dict, tf_dict_retain, tf_dict_release> {
 public:
  using Handle::Handle;
  class Entry;
  using const_iterator = detail::Iterator<Dict>;

  /** An empty handle; what sets a value makes a dict of it. */
  Dict() noexcept = default;
  /** tf_dict_new_with() */
  explicit Dict(const Options &options) { detail::check(tf_dict_new_with(out(), options.get())); }
  Dict share() const noexcept { return Dict(retained()); }

  std::size_t size() const noexcept { return handle_ == nullptr ? 0 : tf_dict_size(handle_); }
  bool empty() const noexcept { return size() == 0; }
  bool contains(std::string_view key) const noexcept {
    std::size_t index = 0;
    return handle_ != nullptr && tf_dict_find(&index, handle_, key.data(), key.size()) == TF_STATUS_OK;
  }
  /** The value at a place, 0 to size() - 1. */
  Entry at(std::size_t index) const;
  Entry operator[](std::size_t index) const;
  /** Entries in order; they are valid until the dict is changed. */
  const_iterator begin() const noexcept { return {this, 0}; }
  const_iterator end() const noexcept { return {this, size()}; }

  /** tf_dict_get() */
  Array array(std::string_view key) const {
    tf_array *array = nullptr;
    detail::check(tf_dict_get(&array, handle_, key.data(), key.size()));
    return Array(array);
  }
  /** tf_dict_get_string() */
  std::string_view string(std::string_view key) const {
    const char *text = nullptr;
    std::size_t length = 0;
    detail::check(tf_dict_get_string(&text, &length, handle_, key.data(), key.size()));
    return {text, length};
  }
  /** tf_dict_string_list_at() of all. */
  std::vector<std::string> strings(std::string_view key) const {
    std::size_t count = 0;
    detail::check(tf_dict_string_list_size(&count, handle_, key.data(), key.size()));
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
    Dict dict;
    detail::check(tf_dict_get_dict(dict.out(), handle_, key.data(), key.size()));
    return dict;
  }
  /** tf_dict_get_int64() */
  std::int64_t int64(std::string_view key) const {
    std::int64_t value = 0;
    detail::check(tf_dict_get_int64(&value, handle_, key.data(), key.size()));
    return value;
  }
  /** tf_dict_get_double() */
  double number(std::string_view key) const {
    double value = 0;
    detail::check(tf_dict_get_double(&value, handle_, key.data(), key.size()));
    return value;
  }

  /** tf_dict_set(): keeps a reference to the array. */
  Dict &set(std::string_view key, const Array &array) {
    detail::check(tf_dict_set(made(), key.data(), key.size(), array.get()));
    return *this;
  }
  /** tf_dict_set_string() */
  Dict &set(std::string_view key, std::string_view text) {
    detail::check(tf_dict_set_string(made(), key.data(), key.size(), text.data(), text.size()));
    return *this;
  }
  /** tf_dict_set_string_list() and tf_dict_string_list_append() */
  Dict &set(std::string_view key, const std::vector<std::string> &list) {
    detail::check(tf_dict_set_string_list(made(), key.data(), key.size()));
    for (const std::string &text : list) {
      detail::check(tf_dict_string_list_append(handle_, key.data(), key.size(), text.data(), text.size()));
    }
    return *this;
  }
  /** tf_dict_set_dict(): keeps a reference to the dict. */
  Dict &set(std::string_view key, Dict &dict) {
    detail::check(tf_dict_set_dict(made(), key.data(), key.size(), dict.made()));
    return *this;
  }
  Dict &set(std::string_view key, Dict &&dict) { return set(key, dict); }
  /** tf_dict_set_int64() */
  Dict &set_int64(std::string_view key, std::int64_t value) {
    detail::check(tf_dict_set_int64(made(), key.data(), key.size(), value));
    return *this;
  }
  /** tf_dict_set_double() */
  Dict &set_double(std::string_view key, double value) {
    detail::check(tf_dict_set_double(made(), key.data(), key.size(), value));
    return *this;
  }
  /** tf_dict_remove() */
  void remove(std::string_view key) { detail::check(tf_dict_remove(made(), key.data(), key.size())); }

  /** tf_dict_flatten() */
  Dict flatten() const { return derived(tf_dict_flatten); }
  /** tf_dict_unflatten() */
  Dict unflatten() const { return derived(tf_dict_unflatten); }
  /** tf_dict_compare() */
  static Dict compare(const Dict &expected, const Dict &actual) {
    Dict report;
    detail::check(tf_dict_compare(report.out(), expected.get(), actual.get()));
    return report;
  }

 private:
  tf_dict *made() {
    if (handle_ == nullptr) detail::check(tf_dict_new(&handle_));
    return handle_;
  }
  Dict derived(tf_status (*derive)(tf_dict **, const tf_dict *)) const {
    Dict dict;
    detail::check(derive(dict.out(), handle_));
    return dict;
  }
};

/** One value of a Dict. */
class Dict::Entry {
 public:
  std::string_view key() const noexcept { return key_; }
  /** TF_KIND_* */
  tf_kind kind() const noexcept { return tf_dict_kind_at(dict_->get(), index_); }
  Array array() const { return dict_->array(key_); }
  std::string_view string() const { return dict_->string(key_); }
  std::vector<std::string> strings() const { return dict_->strings(key_); }
  Dict dict() const { return dict_->dict(key_); }

 private:
  friend class Dict;
  Entry(const Dict *dict, std::size_t index) : dict_(dict), index_(index) {
    const char *key = nullptr;
    std::size_t length = 0;
    detail::check(tf_dict_key_at(&key, &length, dict->get(), index));
    key_ = {key, length};
  }

  const Dict *dict_;
  std::size_t index_;
  std::string_view key_;
};

inline Dict::Entry Dict::at(std::size_t index) const {
  return Entry(this, index);
}
inline Dict::Entry Dict::operator[](std::size_t index) const {
  return at(index);
}

/** A file opened and validated whose arrays are not read yet. Its const functions may run on several threads at once. */
class File : public detail::Handle<tf_file, tf_file_retain, tf_file_release> {
 public:
  using Handle::Handle;
  class Entry;
  using const_iterator = detail::Iterator<File>;

  File() noexcept = default;
  /** tf_file_open() */
  explicit File(const Path &path, const Options &options = Options()) {
    detail::check(tf_file_open(out(), path.c_str(), options.get()));
  }
  /** tf_file_open_source() */
  explicit File(const Source &source, tf_format format = TF_FORMAT_AUTO, const Options &options = Options()) {
    detail::check(tf_file_open_source(out(), source.get(), format, options.get()));
  }
  /** tf_file_open_memory(): the bytes are copied. */
  static File from_memory(const void *data, std::size_t nbytes, tf_format format = TF_FORMAT_AUTO,
                          const Options &options = Options()) {
    File file;
    detail::check(tf_file_open_memory(file.out(), data, nbytes, format, options.get()));
    return file;
  }
  File share() const noexcept { return File(retained()); }

  tf_format format() const noexcept { return tf_file_format(handle_); }
  /** Number of arrays. */
  std::size_t size() const noexcept { return tf_file_size(handle_); }
  bool empty() const noexcept { return size() == 0; }
  bool contains(std::string_view name) const noexcept {
    std::size_t index = 0;
    return tf_file_find(&index, handle_, name.data(), name.size()) == TF_STATUS_OK;
  }
  /** The place of a name; throws NOT_FOUND. */
  std::size_t find(std::string_view name) const {
    std::size_t index = 0;
    detail::check(tf_file_find(&index, handle_, name.data(), name.size()));
    return index;
  }
  /** The array at a place, 0 to size() - 1, in file order. */
  Entry at(std::size_t index) const;
  /** The array of a name; throws NOT_FOUND. */
  Entry at(std::string_view name) const;
  Entry operator[](std::size_t index) const;
  Entry operator[](std::string_view name) const;
  /** Entries in file order; they are valid as long as this object. */
  const_iterator begin() const noexcept { return {this, 0}; }
  const_iterator end() const noexcept { return {this, size()}; }

  /** tf_file_metadata(): to be read only. */
  Dict metadata() const {
    tf_dict *metadata = nullptr;
    detail::check(tf_file_metadata(&metadata, handle_));
    return Dict(metadata);
  }
  /** tf_file_read() of a name. */
  Array read(std::string_view name) const;
  /** Where tf_file_read_many() puts one array, and how many bytes there are. */
  struct Destination {
    std::size_t index;
    void *dst;
    std::size_t nbytes;
  };
  /** tf_file_read_many(), cast to dtype on the way; TF_DTYPE_UNSUPPORTED: each array's own. */
  void read_many(const std::vector<Destination> &destinations, tf_dtype dtype = TF_DTYPE_UNSUPPORTED) const {
    std::vector<std::size_t> indices;
    std::vector<void *> places;
    std::vector<std::size_t> sizes;
    for (const Destination &destination : destinations) {
      indices.push_back(destination.index);
      places.push_back(destination.dst);
      sizes.push_back(destination.nbytes);
    }
    detail::check(tf_file_read_many(handle_, indices.data(), indices.size(), dtype, places.data(), sizes.data()));
  }

 private:
  friend class Entry;
};

/** One array of a File. */
class File::Entry {
 public:
  /** Where the bytes of an array lie: tf_file_location(). */
  struct Location {
    std::string_view path;
    std::uint64_t offset;
    std::uint64_t stored_bytes;
    bool deflated;
  };

  std::size_t index() const noexcept { return index_; }
  std::string_view name() const noexcept { return name_; }
  /** TF_DTYPE_UNSUPPORTED: a type that the library does not know. */
  tf_dtype dtype() const noexcept { return tf_file_dtype(handle(), index_); }
  std::size_t ndim() const noexcept { return tf_file_ndim(handle(), index_); }
  Span<const std::int64_t> shape() const noexcept { return {tf_file_shape(handle(), index_), ndim()}; }
  std::uint64_t nbytes() const noexcept { return tf_file_nbytes(handle(), index_); }
  Location location() const {
    const char *path = nullptr;
    Location location = {};
    std::int32_t deflated = 0;
    detail::check(tf_file_location(&path, &location.offset, &location.stored_bytes, &deflated, handle(), index_));
    location.path = path;
    location.deflated = deflated != 0;
    return location;
  }

  /** tf_file_read() */
  Array read() const {
    tf_array *array = nullptr;
    detail::check(tf_file_read(&array, handle(), index_));
    return Array(array);
  }
  /** tf_file_read_slice(); axes beyond those given are whole. */
  Array read_slice(const std::vector<Slice> &axes) const {
    const detail::SliceArguments arguments(axes, ndim());
    tf_array *array = nullptr;
    detail::check(tf_file_read_slice(&array, handle(), index_, arguments.start(), arguments.stop(), arguments.step(),
                                     arguments.ndim()));
    return Array(array);
  }
  /** tf_file_read_into(): count elements, as many as the array has, cast to T's dtype on the way. */
  template <typename T>
  void read_into(T *dst, std::size_t count) const {
    detail::check(tf_file_read_into(handle(), index_, dtype_of<T>, dst, count * sizeof(T)));
  }
  /** tf_file_read_slice_into(): count elements, as many as the slice has, cast to T's dtype on the way. */
  template <typename T>
  void read_slice_into(const std::vector<Slice> &axes, T *dst, std::size_t count) const {
    const detail::SliceArguments arguments(axes, ndim());
    detail::check(tf_file_read_slice_into(handle(), index_, arguments.start(), arguments.stop(), arguments.step(),
                                          arguments.ndim(), dtype_of<T>, dst, count * sizeof(T)));
  }
  /** The elements in C order, cast to T's dtype on the way. */
  template <typename T>
  std::vector<T> read_values() const {
    static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements to read into");
    std::size_t count = 1;
    for (const std::int64_t size : shape())
      count *= static_cast<std::size_t>(size);
    std::vector<T> values(count);
    read_into(values.data(), values.size());
    return values;
  }

 private:
  friend class File;
  Entry(const File *file, std::size_t index) : file_(file), index_(index) {
    const char *name = nullptr;
    std::size_t length = 0;
    detail::check(tf_file_name(&name, &length, file->get(), index));
    name_ = {name, length};
  }
  const tf_file *handle() const noexcept { return file_->get(); }

  const File *file_;
  std::size_t index_;
  std::string_view name_;
};

inline File::Entry File::at(std::size_t index) const {
  return Entry(this, index);
}
inline File::Entry File::at(std::string_view name) const {
  return Entry(this, find(name));
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

/** What a file holds. */
struct Loaded {
  /** Of a .npy; empty for the other formats. */
  Array array;
  /** By name, in file order. */
  Dict arrays;
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
inline Loaded load_memory(const void *data, std::size_t nbytes, tf_format format = TF_FORMAT_AUTO,
                          const Options &options = Options()) {
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  detail::check(tf_load_memory(&array, &arrays, &metadata, data, nbytes, format, options.get()));
  return {Array(array), Dict(arrays), Dict(metadata)};
}
/** tf_load_source() */
inline Loaded load(const Source &source, tf_format format = TF_FORMAT_AUTO, const Options &options = Options()) {
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  detail::check(tf_load_source(&array, &arrays, &metadata, source.get(), format, options.get()));
  return {Array(array), Dict(arrays), Dict(metadata)};
}
/** tf_load_weights(); without expected: whatever is there. */
inline Dict load_weights(const Path &path, const Dict &expected = Dict(), const Options &options = Options()) {
  tf_dict *tree = nullptr;
  detail::check(tf_load_weights(&tree, path.c_str(), expected.get(), options.get()));
  return Dict(tree);
}

namespace detail {

/** A dict for a call that wants one: that of the handle, or an empty one. */
class SomeDict {
 public:
  explicit SomeDict(const Dict &dict) : handle_(dict.get()) {
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

/** tf_save(): one array as .npy. */
inline void save(const Path &path, const Array &array, const Options &options = Options()) {
  detail::check(tf_save(path.c_str(), array.get(), options.get()));
}
/** tf_savez() of named arrays. */
inline void savez(const Path &path, const Dict &arrays, const Options &options = Options()) {
  detail::check(tf_savez(path.c_str(), nullptr, 0, arrays.get(), options.get()));
}
/** tf_savez_compressed() of named arrays. */
inline void savez_compressed(const Path &path, const Dict &arrays, const Options &options = Options()) {
  detail::check(tf_savez_compressed(path.c_str(), nullptr, 0, arrays.get(), options.get()));
}
/** tf_save_safetensors(); empty metadata: none. */
inline void save_safetensors(const Path &path, const Dict &arrays, const Dict &metadata = Dict(),
                             const Options &options = Options()) {
  detail::check(tf_save_safetensors(path.c_str(), detail::SomeDict(arrays).get(), metadata.get(), options.get()));
}
/** tf_save_gguf() */
inline void save_gguf(const Path &path, const Dict &arrays, const Dict &metadata = Dict(),
                      const Options &options = Options()) {
  detail::check(tf_save_gguf(path.c_str(), detail::SomeDict(arrays).get(), metadata.get(), options.get()));
}
/** tf_save_weights() */
inline void save_weights(const Path &path, const Dict &tree, const Options &options = Options()) {
  detail::check(tf_save_weights(path.c_str(), detail::SomeDict(tree).get(), options.get()));
}
/** tf_save_memory() of one array as .npy. */
inline Buffer save_memory(const Array &array, const Options &options = Options()) {
  tf_buffer *buffer = nullptr;
  detail::check(tf_save_memory(&buffer, TF_FORMAT_NPY, array.get(), nullptr, nullptr, options.get()));
  return Buffer(buffer);
}
/** tf_save_memory() of named arrays. */
inline Buffer save_memory(tf_format format, const Dict &arrays, const Dict &metadata = Dict(),
                          const Options &options = Options()) {
  tf_buffer *buffer = nullptr;
  detail::check(
      tf_save_memory(&buffer, format, nullptr, detail::SomeDict(arrays).get(), metadata.get(), options.get()));
  return Buffer(buffer);
}
/** tf_save_sink() of one array as .npy. */
inline void save_sink(const Sink &sink, const Array &array, const Options &options = Options()) {
  detail::check(tf_save_sink(sink.get(), TF_FORMAT_NPY, array.get(), nullptr, nullptr, options.get()));
}
/** tf_save_sink() of named arrays. */
inline void save_sink(const Sink &sink, tf_format format, const Dict &arrays, const Dict &metadata = Dict(),
                      const Options &options = Options()) {
  detail::check(
      tf_save_sink(sink.get(), format, nullptr, detail::SomeDict(arrays).get(), metadata.get(), options.get()));
}

/** Writes arrays larger than memory: all are declared, then written in pieces, in that order, then finished. A writer that
    is not finished leaves the target as it was. */
class Writer : public detail::Handle<tf_writer, tf_writer_retain, tf_writer_release> {
 public:
  using Handle::Handle;
  /** tf_writer_open() */
  explicit Writer(const Path &path, tf_format format = TF_FORMAT_AUTO, const Options &options = Options()) {
    detail::check(tf_writer_open(out(), path.c_str(), format, options.get()));
  }
  /** tf_writer_open_sink() */
  explicit Writer(const Sink &sink, tf_format format, const Options &options = Options()) {
    detail::check(tf_writer_open_sink(out(), sink.get(), format, options.get()));
  }

  Writer share() const noexcept { return Writer(retained()); }
  Writer &declare(std::string_view name, tf_dtype dtype, const std::vector<std::int64_t> &shape) {
    detail::check(tf_writer_declare(handle_, name.data(), name.size(), dtype, shape.data(), shape.size()));
    return *this;
  }
  Writer &metadata(const Dict &values) {
    detail::check(tf_writer_set_metadata(handle_, values.get()));
    return *this;
  }
  /** The next bytes, which may end anywhere. */
  Writer &write(const void *src, std::size_t nbytes) {
    detail::check(tf_writer_write(handle_, src, nbytes));
    return *this;
  }
  /** The next bytes: an array's elements. */
  Writer &write(const Array &array) {
    const Array dense = array.contiguous();
    return write(dense.data(), static_cast<std::size_t>(dense.nbytes()));
  }
  void finish() { detail::check(tf_writer_finish(handle_)); }
};

}  // namespace tensorfile

#if __cplusplus >= 202002L
template <typename T>
inline constexpr bool std::ranges::enable_borrowed_range<tensorfile::Span<T>> = true;
#endif

#endif  // TENSORFILE_HPP
