// tensorfile 0.1.0: named n-dimensional arrays in .npy, .npz, .safetensors and .gguf files. See tensorfile.h.
// Made from many files by tools/amalgamate.py: change those, not this.
//
//     c++ -std=c++20 -O2 -c tensorfile.cpp
//
// and link with zlib. -fno-exceptions -fno-rtti keep it free of the C++ run-time library. These leave out a format:
// TENSORFILE_NO_NPY, TENSORFILE_NO_NPZ, TENSORFILE_NO_SAFETENSORS, TENSORFILE_NO_GGUF.
//
// MIT License
//
// Copyright (c) 2026 The tensorfile authors
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
// AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.
#if !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64
#endif
#if defined(TENSORFILE_NO_NPY) && defined(TENSORFILE_NO_NPZ) && defined(TENSORFILE_NO_SAFETENSORS) && \
    defined(TENSORFILE_NO_GGUF)
#error "tensorfile without a format"
#endif
// Conversions must round after each operation, as the formats' reference implementations do.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#if defined(__i386__)
#pragma GCC target("sse2,fpmath=sse")
#endif
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

#include "tensorfile.h"

#include <atomic>
#include <new>
#include <utility>
#include <cstddef>

// src/base/ref.h
// Reference counts: RefCount inside an object, Ref outside it. Each counted type has retain() and release().


namespace tfile {

class RefCount {
 public:
  void increment() { count_.fetch_add(1, std::memory_order_relaxed); }
  // True when the last reference has gone.
  bool decrement() { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  // Whether the caller's reference is the only one.
  bool unique() const { return count_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<size_t> count_{1};
};

template <typename T>
class Ref {
 public:
  Ref() = default;
  // Takes over a reference that the caller has.
  static Ref adopt(T *object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  // Adds a reference.
  static Ref share(T *object) {
    if (object != nullptr) object->retain();
    return adopt(object);
  }
  Ref(const Ref &other) : object_(other.object_) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(Ref &&other) noexcept : object_(other.take()) {}
  Ref &operator=(Ref other) noexcept {
    T *old = object_;
    object_ = other.object_;
    other.object_ = old;
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  T *get() const { return object_; }
  T *operator->() const { return object_; }
  T &operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  // Hands the reference out.
  T *take() {
    T *object = object_;
    object_ = nullptr;
    return object;
  }

 private:
  T *object_ = nullptr;
};

}  // namespace tfile

// src/base/status.h
// Status: what every fallible function of the core returns.


namespace tfile {

// A tf_status that the compiler does not let anyone drop. A failing one is made by Failure (error.h), which also says
// why.
struct [[nodiscard]] Status {
  tf_status code = TF_STATUS_OK;

  constexpr bool ok() const { return code == TF_STATUS_OK; }
};

inline constexpr Status kOk{};

// A status as a lower-case word; "unknown" for a number that is none.
const char *status_name(tf_status status);

}  // namespace tfile

// Returns a failing status to the caller.
#define TFILE_TRY(expression)                                                      \
  do {                                                                             \
    if (const ::tfile::Status tfile_status_ = (expression); !tfile_status_.ok()) { \
      return tfile_status_;                                                        \
    }                                                                              \
  } while (false)

// src/base/memory.h
// Memory: where the bytes of an object come from. Every allocation names its Memory and may fail.



namespace tfile {

// An allocator with a life of its own: objects hold a reference, so that the caller's `release` runs after the last
// one.
struct Memory {
  RefCount refs;
  tf_alloc_fn alloc = nullptr;  // NULL: the default allocator, or the parent
  tf_free_fn free = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;
  Memory *parent = nullptr;  // of a budget
  uint64_t limit = 0;        // of a budget: bytes that may be held at once
  std::atomic<uint64_t> used{0};

  void retain();
  void release();
};

// The default allocator; static, never freed.
Memory &default_memory();

// A Memory over the caller's allocator. On failure the caller's release has been called.
Status make_memory(Ref<Memory> &out, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release, void *user);

// A Memory that takes from parent, and gives LIMIT when more than limit bytes would be held at once.
Status make_budget(Ref<Memory> &out, Memory &parent, uint64_t limit);

// size 0 gives a pointer too. Fails with OUT_OF_MEMORY or LIMIT, the error record set.
Status allocate(void **out, Memory &memory, size_t size, size_t alignment);
void deallocate(Memory &memory, void *pointer, size_t size, size_t alignment);

// Makes a T, whose constructor gets arguments, in memory.
template <typename T, typename... Arguments>
Status make(T **out, Memory &memory, Arguments &&...arguments) {
  void *place = nullptr;
  TFILE_TRY(allocate(&place, memory, sizeof(T), alignof(T)));
  *out = new (place) T{std::forward<Arguments>(arguments)...};
  return kOk;
}

template <typename T>
void destroy(Memory &memory, T *object) {
  object->~T();
  deallocate(memory, object, sizeof(T), alignof(T));
}

// Frees an object that has `memory`, `release_user` and `user`; then its owner's release, if any, is called.
template <typename T>
void destroy_and_tell(T *object) {
  const Ref<Memory> from = object->memory;
  const tf_release_fn then = object->release_user;
  void *const argument = object->user;
  destroy(*from, object);
  if (then != nullptr) then(argument);
}

// Ends a call that failed to take something over: its release is called all the same.
inline Status give_up(Status status, tf_release_fn release, void *user) {
  if (release != nullptr) release(user);
  return status;
}

// The operating system's part of the default allocator (memory_posix.cpp, memory_windows.cpp): large blocks lie on huge
// pages where there are such, because fresh small pages cost more than the reading that fills them.
void *system_allocate(size_t size, size_t alignment);
void system_free(void *pointer, size_t size, size_t alignment);
// Has the system make the pages of memory that is about to be written, in one go where it can: a page that is first
// touched by the write costs several times as much. For 64 KiB and more.
void system_touch(void *pointer, size_t size);

}  // namespace tfile
#include <cstdint>
#include <cstring>

// src/base/span.h
// Span and Text: pointer and length. Ours, because the standard ones call into the C++ run-time library when misused.


namespace tfile {

template <typename T>
class Span {
 public:
  constexpr Span() = default;
  constexpr Span(T *data, size_t size) : data_(data), size_(size) {}

  constexpr T *data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T &operator[](size_t i) const { return data_[i]; }
  constexpr T *begin() const { return data_; }
  constexpr T *end() const { return data_ + size_; }
  // Clamped, so that no argument reads outside.
  constexpr Span from(size_t start) const { return start < size_ ? Span(data_ + start, size_ - start) : Span(); }
  constexpr Span first(size_t count) const { return Span(data_, count < size_ ? count : size_); }

 private:
  T *data_ = nullptr;
  size_t size_ = 0;
};

using Bytes = Span<const uint8_t>;

// Bytes that are meant as text; not NUL-terminated.
class Text : public Span<const char> {
 public:
  constexpr Text() = default;
  constexpr Text(const char *data, size_t size) : Span(data, size) {}
  constexpr Text(Span<const char> span) : Span(span) {}  // NOLINT(google-explicit-constructor): the same thing
  constexpr Text(const char *terminated)                 // NOLINT(google-explicit-constructor): literals
      : Span(terminated, __builtin_strlen(terminated)) {}

  // length as in the ABI: SIZE_MAX means NUL-terminated.
  static constexpr Text of(const char *data, size_t length) {
    return length == SIZE_MAX ? Text(data) : Text(data, length);
  }
  constexpr bool starts_with(Text prefix) const { return first(prefix.size()) == prefix; }
  constexpr bool ends_with(Text suffix) const {
    return size() >= suffix.size() && Text(from(size() - suffix.size())) == suffix;
  }
  friend constexpr bool operator==(Text a, Text b) {
    return a.size() == b.size() && (a.empty() || __builtin_memcmp(a.data(), b.data(), a.size()) == 0);
  }
  // Byte order, as strcmp.
  friend constexpr int compare(Text a, Text b) {
    const size_t common = a.size() < b.size() ? a.size() : b.size();
    const int order = common == 0 ? 0 : __builtin_memcmp(a.data(), b.data(), common);
    if (order != 0) return order;
    return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  }
};

}  // namespace tfile

// src/base/arena.h
// Arena: many small things that live and die together, such as the names and shapes of a file's arrays.


namespace tfile {

class Arena {
 public:
  explicit Arena(Memory &memory) : memory_(&memory) {}
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;
  ~Arena();

  // Makes room for size bytes in one piece.
  Status reserve(size_t size);
  // Uninitialised room; alignment is a power of two of at most 16.
  Status take(void **out, size_t size, size_t alignment);
  // A copy, with a NUL behind it that its size does not count.
  Status copy(Text *out, Text text);
  template <typename T>
  Status copy(Span<const T> *out, Span<const T> values) {
    void *place = nullptr;
    TFILE_TRY(take(&place, values.size() * sizeof(T), alignof(T)));
    if (!values.empty()) memcpy(place, values.data(), values.size() * sizeof(T));
    *out = Span<const T>(static_cast<const T *>(place), values.size());
    return kOk;
  }

 private:
  Status add_chunk(size_t size);

  struct Chunk {
    Chunk *next;
    size_t size;
  };

  Memory *memory_;
  Chunk *chunks_ = nullptr;
  char *free_ = nullptr;
  size_t left_ = 0;
  size_t next_size_ = 1024;
};

}  // namespace tfile

// src/base/checked.h
// Checked: the one type for arithmetic on sizes that come from a file or a caller.


namespace tfile {

// A number of 0 to 2^63 - 1, or invalid. Once invalid, everything computed from it is.
class Checked {
 public:
  constexpr Checked() = default;
  constexpr Checked(uint64_t value)  // NOLINT(google-explicit-constructor): mixes with plain numbers
      : value_(value), valid_(value <= kMax) {}
  static constexpr Checked from_signed(int64_t value) {
    return value < 0 ? invalid() : Checked(static_cast<uint64_t>(value));
  }
  static constexpr Checked invalid() {
    Checked result;
    result.valid_ = false;
    return result;
  }

  constexpr bool valid() const { return valid_; }
  // Only of a valid one.
  constexpr uint64_t value() const { return value_; }
  // Whether it can be the size of an object in this process.
  constexpr bool fits_memory() const { return valid_ && value_ <= static_cast<uint64_t>(PTRDIFF_MAX); }

  friend constexpr Checked operator+(Checked a, Checked b) {
    uint64_t sum = 0;
    const bool overflow = __builtin_add_overflow(a.value_, b.value_, &sum);
    return combine(a, b, !overflow, sum);
  }
  friend constexpr Checked operator-(Checked a, Checked b) {
    return combine(a, b, a.value_ >= b.value_, a.value_ - b.value_);
  }
  friend constexpr Checked operator*(Checked a, Checked b) {
    uint64_t product = 0;
    const bool overflow = __builtin_mul_overflow(a.value_, b.value_, &product);
    return combine(a, b, !overflow, product);
  }
  // Whether a range of this length at offset lies within total; false when anything is invalid.
  static constexpr bool within(Checked offset, Checked length, Checked total) {
    const Checked end = offset + length;
    return end.valid() && total.valid() && end.value_ <= total.value_;
  }
  // The next multiple of a power of two.
  constexpr Checked align_up(uint64_t alignment) const {
    const Checked raised = *this + (alignment - 1);
    return raised.valid_ ? Checked(raised.value_ & ~(alignment - 1)) : invalid();
  }

 private:
  static constexpr uint64_t kMax = INT64_MAX;
  static constexpr Checked combine(Checked a, Checked b, bool fits, uint64_t value) {
    return a.valid_ && b.valid_ && fits ? Checked(value) : invalid();
  }

  uint64_t value_ = 0;
  bool valid_ = true;
};

}  // namespace tfile

// src/base/line.h
// LineWriter: one line of escaped text in a fixed buffer, cut at a whole character when it is full.


namespace tfile {

// For <<: a number in hexadecimal, 0x1f.
struct Hex {
  uint64_t number;
};

class LineWriter {
 public:
  // capacity counts the NUL, which is always there.
  LineWriter(char *buffer, size_t capacity) : buffer_(buffer), capacity_(capacity) { buffer_[0] = '\0'; }

  LineWriter &operator<<(Text text);  // control characters escaped, bytes that are not UTF-8 as \xHH
  LineWriter &operator<<(const char *text) { return *this << Text(text); }
  LineWriter &operator<<(uint64_t number);
  LineWriter &operator<<(int64_t number);
  LineWriter &operator<<(uint32_t number) { return *this << static_cast<uint64_t>(number); }
  LineWriter &operator<<(int32_t number) { return *this << static_cast<int64_t>(number); }
  LineWriter &quoted(Text name) { return *this << "'" << name << "'"; }
  LineWriter &shape(Span<const int64_t> sizes);  // (2, 3), (3,), ()
  LineWriter &hex(uint64_t number);
  LineWriter &operator<<(Hex hex) { return this->hex(hex.number); }

  size_t size() const { return size_; }
  size_t left() const { return capacity_ - 1 - size_; }
  bool full() const { return full_; }
  Text text() const { return Text(buffer_, size_); }
  // Forgets what was written after a former size().
  void cut(size_t size);

 private:
  bool put(const char *text, size_t size);  // all or nothing

  char *buffer_;
  size_t capacity_;
  size_t size_ = 0;
  bool full_ = false;
};

}  // namespace tfile

// src/base/error.h
// The error record of a thread, and Failure, the only thing that writes it.


namespace tfile {

inline constexpr uint64_t kNoOffset = UINT64_MAX;

// Trivially destructible, so that a thread's end and dlclose need nothing of us.
struct ErrorRecord {
  tf_status status;
  uint64_t offset;
  char name[256];
  char message[1024];
};

// This thread's record; a worker's is copied to the caller's by whoever joins it.
ErrorRecord &error_record();

// Builds the line "FILE: array 'NAME': what, expected, found (byte N)" and gives the status:
//   return Failure(TF_STATUS_CORRUPT).in(source.label()).array(name).at(offset) << "alignment " << n << " is not ...";
// Call in(), array(), key() and at() before the first <<.
class Failure {
 public:
  explicit Failure(tf_status status);
  Failure &in(Text file);     // "" is left out
  Failure &array(Text name);  // sets tf_error_name
  Failure &key(Text name);    // likewise, for a metadata key
  Failure &at(uint64_t offset);
  Failure &about(Text name);  // sets tf_error_name, and no more
  template <typename T>
  Failure &operator<<(const T &value) {
    line_ << value;
    return *this;
  }
  Failure &quoted(Text name) { return line_.quoted(name), *this; }
  Failure &shape(Span<const int64_t> sizes) { return line_.shape(sizes), *this; }
  Failure &hex(uint64_t number) { return line_.hex(number), *this; }

  operator Status();  // NOLINT(google-explicit-constructor): so that `return Failure(...) << ...;` reads well

 private:
  Failure &name(const char *what, Text name);

  ErrorRecord &record_;
  LineWriter line_;
};

// Collects every array that a format cannot hold, for one message:
//   refusals.add(name) << "complex128 has no safetensors dtype";
// What does not fit in the message becomes "and N more".
class Refusals {
 public:
  Refusals() : line_(buffer_, sizeof(buffer_)) {}
  // Begins an entry; the reason follows by <<.
  Refusals &add(Text name);
  template <typename T>
  Refusals &operator<<(const T &value) {
    line_ << value;
    return *this;
  }
  Refusals &shape(Span<const int64_t> sizes) { return line_.shape(sizes), *this; }
  bool any() const { return count_ != 0; }
  // kOk when nothing was added; else status with "FILE: WHAT: 'a' (reason), 'b' (reason), and N more".
  Status result(tf_status status, Text file, Text what);

 private:
  void close();

  char buffer_[608];
  LineWriter line_;
  char first_[256];
  size_t count_ = 0;
  size_t shown_ = 0;
  size_t entry_start_ = 0;
  bool open_ = false;
};

}  // namespace tfile

// src/base/arena.cpp
namespace tfile {

namespace {

constexpr size_t kAlignment_base_arena = 16;
constexpr size_t kLargestChunk = size_t{256} << 10;
// The chunk's own head, kept a multiple of what it aligns.
constexpr size_t kHead = 16;

}  // namespace

Arena::~Arena() {
  while (chunks_ != nullptr) {
    Chunk *next = chunks_->next;
    deallocate(*memory_, chunks_, chunks_->size, kAlignment_base_arena);
    chunks_ = next;
  }
}

Status Arena::add_chunk(size_t size) {
  static_assert(sizeof(Chunk) <= kHead);
  void *fresh = nullptr;
  TFILE_TRY(allocate(&fresh, *memory_, size, kAlignment_base_arena));
  chunks_ = new (fresh) Chunk{chunks_, size};
  free_ = static_cast<char *>(fresh) + kHead;
  left_ = size - kHead;
  return kOk;
}

Status Arena::reserve(size_t size) {
  if (size <= left_ || size > SIZE_MAX / 2) return kOk;
  return add_chunk(size + kHead);
}

Status Arena::take(void **out, size_t size, size_t alignment) {
  size_t gap = (alignment - reinterpret_cast<uintptr_t>(free_) % alignment) % alignment;
  if (chunks_ == nullptr || gap > left_ || size > left_ - gap) {
    const Checked needed = Checked(size) + kHead;
    if (!needed.fits_memory()) return Failure(TF_STATUS_OUT_OF_MEMORY) << "a name is too long for memory";
    TFILE_TRY(add_chunk(needed.value() > next_size_ ? static_cast<size_t>(needed.value()) : next_size_));
    if (next_size_ < kLargestChunk) next_size_ *= 2;
    gap = 0;
  }
  *out = free_ + gap;
  free_ += gap + size;
  left_ -= gap + size;
  return kOk;
}

Status Arena::copy(Text *out, Text text) {
  void *place = nullptr;
  TFILE_TRY(take(&place, text.size() + 1, 1));
  auto *copied = static_cast<char *>(place);
  if (!text.empty()) memcpy(copied, text.data(), text.size());
  copied[text.size()] = '\0';
  *out = Text(copied, text.size());
  return kOk;
}

}  // namespace tfile

// src/base/slab.h
// Slab: one block of memory for many small objects, which goes with the last of them.


namespace tfile {

struct Slab {
  RefCount refs;
  Ref<Memory> memory;
  size_t size = 0;  // of the whole block, at whose front this object stands

  void retain() { refs.increment(); }
  void release();
};

// Cuts room for objects out of slabs.
class SlabCutter {
 public:
  // Large enough that a slab costs nothing beside what is in it; what outlives the others keeps no more alive.
  static constexpr size_t kMost = size_t{2} << 20;
  static constexpr size_t kAlignment = 64;

  // expected: bytes that will be taken in all, so that the last slab is no larger than it needs to be.
  SlabCutter(Memory &memory, uint64_t expected) : memory_(memory), expected_(expected) {}

  Memory &memory() const { return memory_; }
  // What taking size bytes counts for in `expected`.
  static uint64_t cost(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }
  // Uninitialised room, aligned to kAlignment, in a slab that lives as long as *home.
  Status take(void **out, Ref<Slab> *home, size_t size);

 private:
  Status begin(size_t least);

  Memory &memory_;
  uint64_t expected_;
  Ref<Slab> slab_;
  char *free_ = nullptr;
  size_t left_ = 0;
};

}  // namespace tfile

// src/base/buffer.h
// Buffer (tf_buffer): bytes that are owned, borrowed from a caller, or mapped, and shared by reference count.


// What follows one in a slab has fields of 64 bits, also where pointers have 32.
struct alignas(uint64_t) tf_buffer {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // of this object, and of owned data
  tfile::Ref<tfile::Slab> slab;      // that this object and its data lie in; empty: allocated by themselves
  void *data = nullptr;
  size_t size = 0;
  size_t capacity = 0;  // of owned data; 0: not owned, or in the slab
  bool writable = true;
  tf_release_fn release_user = nullptr;  // of borrowed or mapped data
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Buffer = ::tf_buffer;

// Data that we own starts at a cache line, and so at the alignment that SIMD code wants.
inline constexpr size_t kDataAlignment = 64;

// size bytes, uninitialised.
Status make_buffer(Ref<Buffer> &out, Memory &memory, uint64_t size);
// size bytes at data, uninitialised, in one piece of a slab with its Buffer. `room` is cut from the slab at
// slab_buffer_bytes(size); the rest of the room behind that is the caller's.
size_t slab_buffer_bytes(size_t size);
Ref<Buffer> buffer_in_slab(void *room, size_t size, Memory &memory, const Ref<Slab> &slab);
// Takes over data of `capacity` bytes allocated from memory at kDataAlignment.
Status adopt_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, size_t capacity);
// Borrowed or mapped. On failure release has been called.
Status wrap_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, bool writable, tf_release_fn release,
                   void *user);

}  // namespace tfile

// src/base/buffer.cpp
void tf_buffer::release() {
  if (!refs.decrement()) return;
  if (slab) {
    const tfile::Ref<tfile::Slab> home = slab;
    this->~tf_buffer();
    return;
  }
  if (capacity > 0) deallocate(*memory, data, capacity, tfile::kDataAlignment);
  tfile::destroy_and_tell(this);
}

namespace tfile {

namespace {

// A Buffer with no data yet.
Status make_empty(Ref<Buffer> &out, Memory &memory) {
  Buffer *buffer = nullptr;
  TFILE_TRY(make(&buffer, memory));
  buffer->memory = Ref<Memory>::share(&memory);
  out = Ref<Buffer>::adopt(buffer);
  return kOk;
}

}  // namespace

Status make_buffer(Ref<Buffer> &out, Memory &memory, uint64_t size) {
  if (!Checked(size).fits_memory()) {
    return Failure(TF_STATUS_OUT_OF_MEMORY) << size << " bytes do not fit in this process";
  }
  const size_t capacity = size == 0 ? 1 : static_cast<size_t>(size);
  void *data = nullptr;
  TFILE_TRY(allocate(&data, memory, capacity, kDataAlignment));
  const Status status = adopt_buffer(out, memory, data, static_cast<size_t>(size), capacity);
  if (!status.ok()) deallocate(memory, data, capacity, kDataAlignment);
  return status;
}

size_t slab_buffer_bytes(size_t size) {
  constexpr size_t kAlignment = alignof(Buffer);
  return (size + kAlignment - 1) / kAlignment * kAlignment + sizeof(Buffer);
}

Ref<Buffer> buffer_in_slab(void *room, size_t size, Memory &memory, const Ref<Slab> &slab) {
  char *const place = static_cast<char *>(room) + slab_buffer_bytes(size) - sizeof(Buffer);
  auto *const buffer = new (place) Buffer{};
  buffer->memory = Ref<Memory>::share(&memory);
  buffer->slab = slab;
  buffer->data = room;
  buffer->size = size;
  return Ref<Buffer>::adopt(buffer);
}

Status adopt_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, size_t capacity) {
  TFILE_TRY(make_empty(out, memory));
  out->data = data;
  out->size = size;
  out->capacity = capacity;
  return kOk;
}

Status wrap_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, bool writable, tf_release_fn release,
                   void *user) {
  if (const Status status = make_empty(out, memory); !status.ok()) return give_up(status, release, user);
  out->data = data;
  out->size = size;
  out->writable = writable;
  out->release_user = release;
  out->user = user;
  return kOk;
}

}  // namespace tfile

// src/base/error.cpp
namespace tfile {

namespace {

constinit thread_local ErrorRecord record = {TF_STATUS_OK, kNoOffset, {}, {}};

// Room that "(byte 18446744073709551615)" may need behind a message that fills the line.
constexpr size_t kTail = 32;

constexpr size_t kLongestPath_base_error = 512;

// Of a path, what leaves room for the list behind it.
constexpr size_t kShownPath = 256;

}  // namespace

ErrorRecord &error_record() {
  return record;
}

Failure::Failure(tf_status status) : record_(record), line_(record_.message, sizeof(record_.message) - kTail) {
  record_.status = status;
  record_.offset = kNoOffset;
  record_.name[0] = '\0';
}

Failure &Failure::in(Text file) {
  if (file.empty()) return *this;
  // The end of a long path says more than its beginning, and must leave room for the reason.
  const bool is_long = file.size() > kLongestPath_base_error;
  line_ << (is_long ? "..." : "") << Text(is_long ? file.from(file.size() - kLongestPath_base_error) : file) << ": ";
  return *this;
}

Failure &Failure::about(Text name) {
  LineWriter(record_.name, sizeof(record_.name)) << name;
  return *this;
}

Failure &Failure::name(const char *what, Text name) {
  about(name);
  line_ << what;
  const size_t before = line_.size();
  line_.quoted(record_.name);
  if (line_.full()) line_.cut(before);
  line_ << ": ";
  return *this;
}

Failure &Failure::array(Text name) {
  return this->name("array ", name);
}

Failure &Failure::key(Text name) {
  return this->name("key ", name);
}

Failure &Failure::at(uint64_t offset) {
  record_.offset = offset;
  return *this;
}

Failure::operator Status() {
  if (record_.offset != kNoOffset) {
    const size_t used = line_.size();
    LineWriter(record_.message + used, sizeof(record_.message) - used) << " (byte " << record_.offset << ")";
  }
  return Status{record_.status};
}

Refusals &Refusals::add(Text name) {
  close();
  if (count_ == 0) LineWriter(first_, sizeof(first_)) << name;
  entry_start_ = line_.size();
  line_ << (shown_ == 0 ? "" : ", ");
  line_.quoted(name.first(sizeof(first_))) << " (";
  ++count_;
  open_ = true;
  return *this;
}

void Refusals::close() {
  if (!open_) return;
  open_ = false;
  line_ << ")";
  if (line_.full()) {
    line_.cut(entry_start_);
  } else {
    ++shown_;
  }
}

Status Refusals::result(tf_status status, Text file, Text what) {
  if (count_ == 0) return kOk;
  close();
  Failure failure(status);
  failure.in(file.first(kShownPath)) << what << ": " << line_.text();
  if (shown_ < count_) failure << (shown_ > 0 ? ", and " : "") << static_cast<uint64_t>(count_ - shown_) << " more";
  memcpy(error_record().name, first_, sizeof(first_));
  return failure;
}

}  // namespace tfile

// src/base/utf8.h
// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.


namespace tfile {

// Length of the sequence at the start of bytes, 1 to 4; 0 when there is none.
size_t utf8_sequence(Bytes bytes);

// Position of the first byte that is not UTF-8, or text.size().
size_t utf8_valid_prefix(Text text);

inline bool is_utf8(Text text) {
  return utf8_valid_prefix(text) == text.size();
}

// Writes a code point (not a surrogate) to out, which has room for 4 bytes; the number of bytes written.
size_t utf8_encode(char *out, uint32_t code_point);

}  // namespace tfile

// src/base/line.cpp
namespace tfile {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

}  // namespace

bool LineWriter::put(const char *text, size_t size) {
  if (full_ || size > left()) {
    full_ = true;
    return false;
  }
  memcpy(buffer_ + size_, text, size);
  size_ += size;
  buffer_[size_] = '\0';
  return true;
}

LineWriter &LineWriter::operator<<(Text text) {
  for (size_t i = 0; i < text.size() && !full_;) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const size_t length = utf8_sequence(Bytes(reinterpret_cast<const uint8_t *>(text.data()) + i, text.size() - i));
    if (byte >= 0x20 && byte != 0x7F && length > 0) {
      put(text.data() + i, length);
      i += length;
      continue;
    }
    if (byte == '\n' || byte == '\t' || byte == '\r') {
      put(byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : "\\r", 2);
    } else {
      const char escape[4] = {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
      put(escape, sizeof(escape));
    }
    ++i;
  }
  return *this;
}

LineWriter &LineWriter::operator<<(uint64_t number) {
  char digits[20];
  size_t start = sizeof(digits);
  do {
    digits[--start] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  put(digits + start, sizeof(digits) - start);
  return *this;
}

LineWriter &LineWriter::operator<<(int64_t number) {
  if (number >= 0) return *this << static_cast<uint64_t>(number);
  put("-", 1);
  return *this << (uint64_t{0} - static_cast<uint64_t>(number));
}

LineWriter &LineWriter::hex(uint64_t number) {
  char digits[16];
  size_t start = sizeof(digits);
  do {
    digits[--start] = kHexDigits[number & 15];
    number >>= 4;
  } while (number != 0);
  put("0x", 2);
  put(digits + start, sizeof(digits) - start);
  return *this;
}

LineWriter &LineWriter::shape(Span<const int64_t> sizes) {
  *this << "(";
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) *this << ", ";
    *this << sizes[i];
  }
  return *this << (sizes.size() == 1 ? ",)" : ")");
}

void LineWriter::cut(size_t size) {
  size_ = size;
  buffer_[size_] = '\0';
  full_ = false;
}

}  // namespace tfile

// src/base/memory.cpp
namespace tfile {

namespace {

constinit Memory the_default;

void *take(Memory &memory, size_t size, size_t alignment) {
  if (memory.alloc != nullptr) return memory.alloc(memory.user, size, alignment);
  return system_allocate(size, alignment);
}

void give_back(Memory &memory, void *pointer, size_t size, size_t alignment) {
  if (memory.free != nullptr) {
    memory.free(memory.user, pointer, size, alignment);
  } else {
    system_free(pointer, size, alignment);
  }
}

// Books size bytes, unless that would exceed the budget.
Status book(Memory &budget, size_t size) {
  uint64_t used = budget.used.load(std::memory_order_relaxed);
  do {
    if (size > budget.limit - used) {
      return Failure(TF_STATUS_LIMIT) << "the call needs " << static_cast<uint64_t>(size) << " bytes more than the "
                                      << used << " it holds; the limit (max_bytes) is " << budget.limit;
    }
  } while (!budget.used.compare_exchange_weak(used, used + size, std::memory_order_relaxed));
  return kOk;
}

}  // namespace

Memory &default_memory() {
  return the_default;
}

void Memory::retain() {
  if (this != &the_default) refs.increment();
}

void Memory::release() {
  if (this == &the_default || !refs.decrement()) return;
  if (parent != nullptr) {
    Memory *const from = parent;
    destroy(*from, this);
    from->release();
    return;
  }
  const tf_release_fn then = release_user;
  void *const argument = user;
  destroy(the_default, this);
  if (then != nullptr) then(argument);
}

Status make_memory(Ref<Memory> &out, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release, void *user) {
  Memory *memory = nullptr;
  if (const Status status = make(&memory, the_default); !status.ok()) return give_up(status, release, user);
  memory->alloc = alloc;
  memory->free = free;
  memory->release_user = release;
  memory->user = user;
  out = Ref<Memory>::adopt(memory);
  return kOk;
}

Status make_budget(Ref<Memory> &out, Memory &parent, uint64_t limit) {
  Memory *memory = nullptr;
  TFILE_TRY(make(&memory, parent));
  parent.retain();
  memory->parent = &parent;
  memory->limit = limit;
  out = Ref<Memory>::adopt(memory);
  return kOk;
}

Status allocate(void **out, Memory &memory, size_t size, size_t alignment) {
  if (size == 0) size = 1;
  Memory *from = &memory;
  if (memory.parent != nullptr) {
    TFILE_TRY(book(memory, size));
    from = memory.parent;
  }
  *out = take(*from, size, alignment);
  if (*out == nullptr) {
    if (memory.parent != nullptr) memory.used.fetch_sub(size, std::memory_order_relaxed);
    return Failure(TF_STATUS_OUT_OF_MEMORY) << "could not allocate " << static_cast<uint64_t>(size) << " bytes";
  }
  return kOk;
}

void deallocate(Memory &memory, void *pointer, size_t size, size_t alignment) {
  if (pointer == nullptr) return;
  if (size == 0) size = 1;
  Memory *from = &memory;
  if (memory.parent != nullptr) {
    memory.used.fetch_sub(size, std::memory_order_relaxed);
    from = memory.parent;
  }
  give_back(*from, pointer, size, alignment);
}

}  // namespace tfile

// src/base/memory_posix.cpp
#if !defined(_WIN32)

#include <stdlib.h>
#include <sys/mman.h>

namespace tfile {

namespace {

constexpr size_t kHugePage_base_memory_posix = size_t{2} << 20;
// Below this a huge page would waste more than it saves.
constexpr size_t kHugeFrom = kHugePage_base_memory_posix;

constexpr size_t kTouchFrom = size_t{64} << 10;

}  // namespace

void system_touch(void *pointer, size_t size) {
#if defined(MADV_POPULATE_WRITE)
  constexpr uintptr_t kPage = 4096;  // where pages are larger, nothing is touched unless it begins at one
  const uintptr_t begin = reinterpret_cast<uintptr_t>(pointer) / kPage * kPage;
  const uintptr_t end = reinterpret_cast<uintptr_t>(pointer) + size;
  (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_WRITE);
#else
  (void)pointer;
  (void)size;
#endif
}

void *system_allocate(size_t size, size_t alignment) {
  if (size > PTRDIFF_MAX - kHugePage_base_memory_posix) return nullptr;
  // A list that grows is written at once; the data of arrays, which are aligned to more, by several threads later.
  const bool is_list = alignment <= alignof(max_align_t);
  const bool huge = size >= kHugeFrom;
  const size_t tail = huge ? size % kHugePage_base_memory_posix : size;  // of small pages
  void *pointer = nullptr;
  if (is_list && !huge) {
    pointer = malloc(size);
  } else if (posix_memalign(&pointer, huge && alignment < kHugePage_base_memory_posix ? kHugePage_base_memory_posix : alignment, size) != 0) {
    pointer = nullptr;
  }
  if (pointer == nullptr) return nullptr;
#if defined(MADV_HUGEPAGE)
  // Advice only: where it is refused the pages are small, and nothing else changes.
  if (huge) (void)madvise(pointer, size - tail, MADV_HUGEPAGE);
#endif
  if (is_list && tail >= kTouchFrom) system_touch(static_cast<char *>(pointer) + size - tail, tail);
  return pointer;
}

void system_free(void *pointer, size_t /*size*/, size_t /*alignment*/) {
  free(pointer);
}

}  // namespace tfile

#endif

// src/base/memory_windows.cpp
#if defined(_WIN32)

#include <malloc.h>

namespace tfile {

void *system_allocate(size_t size, size_t alignment) {
  return _aligned_malloc(size, alignment);
}

void system_touch(void * /*pointer*/, size_t /*size*/) {}

void system_free(void *pointer, size_t /*size*/, size_t /*alignment*/) {
  _aligned_free(pointer);
}

}  // namespace tfile

#endif
#include <type_traits>

// src/base/vec.h
// Vec: a growable array that can fail. Its T is moved by memcpy and needs no destructor.



namespace tfile {

template <typename T>
class Vec {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // memory must outlive the Vec: whoever owns both holds the reference.
  explicit Vec(Memory &memory) : memory_(&memory) {}
  Vec(const Vec &) = delete;
  Vec &operator=(const Vec &) = delete;
  ~Vec() { deallocate(*memory_, data_, capacity_ * sizeof(T), alignof(T)); }

  Memory &memory() const { return *memory_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T *data() { return data_; }
  const T *data() const { return data_; }
  T &operator[](size_t i) { return data_[i]; }
  const T &operator[](size_t i) const { return data_[i]; }
  T *begin() { return data_; }
  T *end() { return data_ + size_; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }
  T &back() { return data_[size_ - 1]; }
  const T &back() const { return data_[size_ - 1]; }
  Span<const T> span() const { return Span<const T>(data_, size_); }

  Status reserve(size_t capacity) {
    if (capacity <= capacity_) return kOk;
    const Checked bytes = Checked(capacity) * sizeof(T);
    if (!bytes.fits_memory()) {
      return Failure(TF_STATUS_OUT_OF_MEMORY) << "a list of " << static_cast<uint64_t>(capacity) << " is too long";
    }
    void *fresh = nullptr;
    TFILE_TRY(allocate(&fresh, *memory_, static_cast<size_t>(bytes.value()), alignof(T)));
    if (size_ > 0) memcpy(fresh, static_cast<const void *>(data_), size_ * sizeof(T));
    deallocate(*memory_, data_, capacity_ * sizeof(T), alignof(T));
    data_ = static_cast<T *>(fresh);
    capacity_ = capacity;
    return kOk;
  }
  Status push(const T &value) {
    const T copy = value;  // value may lie in the block that grows
    if (size_ == capacity_) TFILE_TRY(reserve(grown(size_ + 1)));
    data_[size_++] = copy;
    return kOk;
  }
  Status append(const T *values, size_t count) {
    if (count > SIZE_MAX / 2 - size_) return reserve(SIZE_MAX);
    if (size_ + count > capacity_) {
      // values may lie in the block that grows
      const uintptr_t offset = reinterpret_cast<uintptr_t>(values) - reinterpret_cast<uintptr_t>(data_);
      const bool own = offset < size_ * sizeof(T);
      TFILE_TRY(reserve(grown(size_ + count)));
      if (own) values = data_ + offset / sizeof(T);
    }
    if (count > 0) memcpy(static_cast<void *>(data_ + size_), values, count * sizeof(T));
    size_ += count;
    return kOk;
  }
  // New elements are uninitialised.
  Status resize(size_t size) {
    TFILE_TRY(reserve(size));
    size_ = size;
    return kOk;
  }
  void pop() { --size_; }
  // Drops what lies behind the first size elements.
  void truncate(size_t size) { size_ = size; }
  void clear() { size_ = 0; }
  // Closes the gap; time in proportion to what lies behind it.
  void erase(size_t i) {
    memmove(static_cast<void *>(data_ + i), data_ + i + 1, (size_ - i - 1) * sizeof(T));
    --size_;
  }
  void swap(Vec &other) {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  size_t grown(size_t needed) const {
    const size_t more = capacity_ + capacity_ / 2;
    const size_t least = sizeof(T) >= 64 ? 4 : 256 / sizeof(T);
    return needed > more ? (needed > least ? needed : least) : more;
  }

  Memory *memory_;
  T *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tfile

// src/base/name_index.h
// NameIndex: finds the place of a name in a list that its owner keeps.


namespace tfile {

// A hash table of places, open addressing, keyed with random bits, so that a file's author cannot choose collisions.
class NameIndex {
 public:
  static constexpr size_t kNone = SIZE_MAX;
  // The name at a place of the owner's list.
  using NameAt = Text (*)(const void *owner, size_t place);

  NameIndex(Memory &memory, NameAt name_at, const void *owner) : slots_(memory), name_at_(name_at), owner_(owner) {}

  // Makes room for count names at least.
  Status reserve(size_t count);
  // The place of name, or kNone.
  size_t find(Text name) const;
  // Adds the name at place count() of the list, unless it is there: *found is then its place, else kNone.
  Status add(size_t *found, Text name);
  // As add() of the next names of the list, up to `end`; with many at once no look into the table waits for the one before.
  // *found: the place of the first name that is there already, else kNone; *twin: where it stands in the table.
  Status add_up_to(size_t end, size_t *found, size_t *twin);
  // Takes over what another index has found; its owner's list and this one's have the same names in the same places.
  void take(NameIndex &other);
  // Forgets a place; the owner has yet to close the gap in its list. Time in proportion to the list.
  void remove(size_t place);
  size_t count() const { return count_; }

 private:
  struct Slot {
    uint32_t place_plus_one;  // 0: free
    uint32_t hash;
  };

  uint64_t hash(Text name) const;
  size_t probe(Text name, uint32_t hash) const;
  Status grow(size_t size);

  Vec<Slot> slots_;  // a power of two, at most 3/4 full
  NameAt name_at_;
  const void *owner_;
  size_t count_ = 0;
  uint64_t key_[2] = {0, 0};
};

}  // namespace tfile
#include <bit>

// src/base/endian.h
// Integers of files: loaded and stored in a byte order that is named, at any address.


namespace tfile {

inline constexpr bool kHostIsBig = std::endian::native == std::endian::big;

inline uint8_t byteswap(uint8_t value) {
  return value;
}
inline uint16_t byteswap(uint16_t value) {
  return __builtin_bswap16(value);
}
inline uint32_t byteswap(uint32_t value) {
  return __builtin_bswap32(value);
}
inline uint64_t byteswap(uint64_t value) {
  return __builtin_bswap64(value);
}

// T: an unsigned integer.
template <typename T>
T load(const void *from, bool big) {
  T value;
  memcpy(&value, from, sizeof(T));
  return big == kHostIsBig ? value : byteswap(value);
}

template <typename T>
T load_le(const void *from) {
  return load<T>(from, false);
}

template <typename T>
void store_le(void *to, T value) {
  if (kHostIsBig) value = byteswap(value);
  memcpy(to, &value, sizeof(T));
}

}  // namespace tfile

// src/base/random.h
// Random bits, for the keys of hash tables only.


namespace tfile {

// Never fails: where the system gives nothing, the bits are merely hard to guess.
void fill_random(void *to, size_t size);

}  // namespace tfile

// src/base/name_index.cpp
namespace tfile {

namespace {

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

// SipHash-1-3 (Aumasson and Bernstein): the cheapest keyed hash for which no way to collisions is known.
uint64_t sip_hash(Text text, const uint64_t key[2]) {
  SipState state{key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du, key[0] ^ 0x6c7967656e657261u,
                 key[1] ^ 0x7465646279746573u};
  size_t i = 0;
  for (; text.size() - i >= 8; i += 8)
    state.absorb(load_le<uint64_t>(text.data() + i));
  uint64_t tail = static_cast<uint64_t>(text.size()) << 56;
  for (size_t shift = 0; i < text.size(); ++i, shift += 8)
    tail |= uint64_t{static_cast<uint8_t>(text[i])} << shift;
  state.absorb(tail);
  state.v2 ^= 0xff;
  for (int i3 = 0; i3 < 3; ++i3)
    state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace

uint64_t NameIndex::hash(Text name) const {
  return sip_hash(name, key_);
}

// The slot that holds name, or the free one where it would go.
size_t NameIndex::probe(Text name, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t i = hash & mask;
  while (slots_[i].place_plus_one != 0) {
    if (slots_[i].hash == hash && name_at_(owner_, slots_[i].place_plus_one - 1) == name) return i;
    i = (i + 1) & mask;
  }
  return i;
}

size_t NameIndex::find(Text name) const {
  if (count_ == 0) return kNone;
  const Slot slot = slots_[probe(name, static_cast<uint32_t>(hash(name)))];
  return slot.place_plus_one == 0 ? kNone : slot.place_plus_one - 1;
}

Status NameIndex::add(size_t *found, Text name) {
  *found = kNone;
  if ((count_ + 1) * 4 > slots_.size() * 3) TFILE_TRY(grow(slots_.empty() ? 16 : slots_.size() * 2));
  const auto hashed = static_cast<uint32_t>(hash(name));
  Slot &slot = slots_[probe(name, hashed)];
  if (slot.place_plus_one != 0) {
    *found = slot.place_plus_one - 1;
    return kOk;
  }
  slot = Slot{static_cast<uint32_t>(count_ + 1), hashed};
  ++count_;
  return kOk;
}

Status NameIndex::add_up_to(size_t end, size_t *found, size_t *twin) {
  constexpr size_t kAtOnce = 32;
  uint32_t hashes[kAtOnce];
  *found = kNone;
  while (count_ < end) {
    const size_t begin = count_;
    const size_t many = end - begin < kAtOnce ? end - begin : kAtOnce;
    TFILE_TRY(reserve(begin + many));
    const size_t mask = slots_.size() - 1;
    for (size_t i = 0; i < many; ++i) {
      hashes[i] = static_cast<uint32_t>(hash(name_at_(owner_, begin + i)));
      __builtin_prefetch(&slots_[hashes[i] & mask], 1);
    }
    for (size_t i = 0; i < many; ++i) {
      Slot &slot = slots_[probe(name_at_(owner_, begin + i), hashes[i])];
      if (slot.place_plus_one != 0) {
        *found = begin + i;
        *twin = slot.place_plus_one - 1;
        return kOk;
      }
      slot = Slot{static_cast<uint32_t>(begin + i + 1), hashes[i]};
      ++count_;
    }
  }
  return kOk;
}

Status NameIndex::reserve(size_t count) {
  size_t size = 16;
  while (size < SIZE_MAX / 4 && count * 4 > size * 3)
    size *= 2;
  return count > 0 && size > slots_.size() ? grow(size) : kOk;
}

void NameIndex::take(NameIndex &other) {
  slots_.swap(other.slots_);
  std::swap(count_, other.count_);
  std::swap(key_, other.key_);
}

Status NameIndex::grow(size_t size) {
  if (slots_.empty()) fill_random(key_, sizeof(key_));
  if (count_ >= UINT32_MAX / 2) return Failure(TF_STATUS_LIMIT) << "more than " << UINT32_MAX / 2 << " names";
  Vec<Slot> larger(slots_.memory());
  TFILE_TRY(larger.resize(size));
  memset(static_cast<void *>(larger.data()), 0, size * sizeof(Slot));
  for (const Slot &slot : slots_) {
    if (slot.place_plus_one == 0) continue;
    size_t i = slot.hash & (size - 1);
    while (larger[i].place_plus_one != 0)
      i = (i + 1) & (size - 1);
    larger[i] = slot;
  }
  slots_.swap(larger);
  return kOk;
}

void NameIndex::remove(size_t place) {
  const size_t mask = slots_.size() - 1;
  size_t gap = probe(name_at_(owner_, place), static_cast<uint32_t>(hash(name_at_(owner_, place))));
  // Open addressing without tombstones: whoever could sit in the gap moves into it.
  for (size_t i = (gap + 1) & mask; slots_[i].place_plus_one != 0; i = (i + 1) & mask) {
    const size_t home = slots_[i].hash & mask;
    if (((i - home) & mask) >= ((i - gap) & mask)) {
      slots_[gap] = slots_[i];
      gap = i;
    }
  }
  slots_[gap] = Slot{0, 0};
  --count_;
  for (Slot &slot : slots_) {
    if (slot.place_plus_one > place + 1) --slot.place_plus_one;
  }
}

}  // namespace tfile

// src/base/threads.h
// Worker threads for the length of one call.


namespace tfile {

// Cores that this process may use, at least 1.
size_t core_count();

// The host's own workers; released with the last settings that name them.
struct Executor {
  RefCount refs;
  Ref<Memory> memory;
  tf_executor_fn execute = nullptr;
  size_t width = 1;  // jobs that it runs at once
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

// Who does the work of a call: threads made for it, of which the caller is one, or the host's workers.
struct Workers {
  size_t count = 1;
  const Executor *executor = nullptr;  // NULL: threads of our own
};

// Runs run(context, i) for each i below count, on at most workers.count threads. With one worker all of it is done by
// the caller; with an executor no thread is made. After a failure no further i is begun, and the caller gets that failure
// with its error record. Should the system refuse a thread, the others do its work.
//
// tell, if any, is called on the caller's thread whenever some work is done, and can end the call likewise. Waiting for
// an executor is no time to call it, so then the work is handed out in several rounds.
using Job = Status (*)(void *context, size_t i);
using Tell = Status (*)(void *context);
Status parallel_for(size_t count, const Workers &workers, Job run, void *context, Tell tell = nullptr);

// The operating system's part (threads_posix.cpp, threads_windows.cpp).
struct Thread {
  void *handle;
};
bool start_thread(Thread *thread, void (*run)(void *), void *argument);
void join_thread(Thread thread);

}  // namespace tfile

// src/base/options.h
// Options (tf_options): the settings of a call, each with its default and range in one table.


namespace tfile {

inline constexpr size_t kOptionSlots = 32;

struct OptionRule {
  tf_option id;
  int64_t least;
  int64_t most;
  int64_t initial;
  bool power_of_two;  // or 0
};

// The rule of an option, or NULL when there is no such option.
const OptionRule *option_rule(tf_option id);

// Told on the calling thread only; released with the last settings that name it.
struct ProgressCallback {
  RefCount refs;
  Ref<Memory> memory;
  tf_progress_fn report = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

// The values of one call: a copy, so that options may change or go while a file is open.
class Settings {
 public:
  // Defaults.
  Settings();

  int64_t get(tf_option id) const { return values_[static_cast<size_t>(id)]; }
  bool on(tf_option id) const { return get(id) != 0; }
  uint64_t limit(tf_option id) const { return static_cast<uint64_t>(get(id)); }
  void set(tf_option id, int64_t value) { values_[static_cast<size_t>(id)] = value; }
  // TF_OPTION_THREADS with 0 resolved, on the host's executor if there is one.
  Workers workers() const;

  Memory &memory() const { return *memory_; }
  void set_memory(Ref<Memory> memory) { memory_ = std::move(memory); }
  // Puts the budget of TF_OPTION_MAX_BYTES, if any, in front of the memory.
  Status apply_budget();

  const Ref<ProgressCallback> &progress() const { return progress_; }
  void set_progress(Ref<ProgressCallback> progress) { progress_ = std::move(progress); }
  void set_executor(Ref<Executor> executor) { executor_ = std::move(executor); }

 private:
  int64_t values_[kOptionSlots];
  Ref<Memory> memory_;
  Ref<ProgressCallback> progress_;
  Ref<Executor> executor_;
};

// Reports bytes done of a total. advance() is for the calling thread; NULL callbacks cost nothing.
class Progress {
 public:
  Progress(const Settings &settings, uint64_t total) : callback_(settings.progress().get()), total_(total) {}
  // kOk, or the status with which the callback ends the call.
  Status advance(uint64_t bytes);

 private:
  ProgressCallback *callback_;
  uint64_t total_;
  uint64_t done_ = 0;
};

}  // namespace tfile

struct tf_options {
  tfile::RefCount refs;
  tfile::Settings settings;

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Options = ::tf_options;

// A copy of the settings of a call's options, which may be NULL, with its budget.
Status settings_of(Settings &out, const Options *options);

}  // namespace tfile

// src/base/options.cpp
void tf_options::release() {
  if (refs.decrement()) destroy(tfile::default_memory(), this);
}

namespace tfile {

namespace {

constexpr int64_t kMostBytes = INT64_MAX;
constexpr int64_t kMostCount = int64_t{1} << 30;

constexpr OptionRule kRules[] = {
    {TF_OPTION_THREADS, 0, 1024, 0, false},
    {TF_OPTION_FORMAT, TF_FORMAT_AUTO, TF_FORMAT_GGUF, TF_FORMAT_AUTO, false},
    {TF_OPTION_EXACT_PATH, 0, 1, 0, false},
    {TF_OPTION_LOAD_MODE, TF_LOAD_MODE_OWN, TF_LOAD_MODE_MAP, TF_LOAD_MODE_OWN, false},
    {TF_OPTION_LENIENT, 0, 1, 0, false},
    {TF_OPTION_STRICT, 0, 1, 1, false},
    {TF_OPTION_PARTS, 0, 1, 0, false},
    {TF_OPTION_PART_BYTES, 0, kMostBytes, 0, false},
    {TF_OPTION_MAX_BYTES, 0, kMostBytes, 0, false},
    {TF_OPTION_MAX_HEADER_BYTES, 0, kMostBytes, 0, false},
    {TF_OPTION_MAX_ARRAYS, 1, kMostCount, 1000000, false},
    {TF_OPTION_MAX_METADATA, 1, kMostCount, 1000000, false},
    {TF_OPTION_MAX_NAME_BYTES, 1, kMostCount, 65536, false},
    {TF_OPTION_MAX_RANK, 1, 64, 64, false},
    {TF_OPTION_MAX_NESTING, 1, 64, 64, false},
    {TF_OPTION_DURABLE, 0, 1, 0, false},
    {TF_OPTION_ATOMIC, 0, 1, 1, false},
    {TF_OPTION_ALIGNMENT, 0, 1 << 20, 0, true},
    {TF_OPTION_COMPRESS, 0, 1, 0, false},
    {TF_OPTION_COMPRESSION_LEVEL, -1, 9, -1, false},
    {TF_OPTION_DEFLATE, TF_DEFLATE_AUTO, TF_DEFLATE_ZLIB, TF_DEFLATE_AUTO, false},
    {TF_OPTION_DECODE, TF_DECODE_MLX, TF_DTYPE_FLOAT64, TF_DECODE_KEEP, false},
};

}  // namespace

const OptionRule *option_rule(tf_option id) {
  for (const OptionRule &rule : kRules) {
    if (rule.id == id) return &rule;
  }
  return nullptr;
}

void ProgressCallback::release() {
  if (refs.decrement()) destroy_and_tell(this);
}

Settings::Settings() : values_{}, memory_(Ref<Memory>::share(&default_memory())) {
  for (const OptionRule &rule : kRules)
    set(rule.id, rule.initial);
}

Workers Settings::workers() const {
  const auto asked = static_cast<size_t>(get(TF_OPTION_THREADS));
  if (executor_) return {asked == 0 || asked > executor_->width ? executor_->width : asked, executor_.get()};
  return {asked == 0 ? core_count() : asked, nullptr};
}

Status Settings::apply_budget() {
  const uint64_t limit = this->limit(TF_OPTION_MAX_BYTES);
  if (limit == 0) return kOk;
  Ref<Memory> budget;
  TFILE_TRY(make_budget(budget, *memory_, limit));
  memory_ = std::move(budget);
  return kOk;
}

Status Progress::advance(uint64_t bytes) {
  done_ += bytes;
  if (callback_ == nullptr || callback_->report == nullptr) return kOk;
  const tf_status status = callback_->report(callback_->user, done_, total_);
  if (status == TF_STATUS_OK) return kOk;
  return Failure(status) << "the progress callback ended the call with status " << status_name(status);
}

Status settings_of(Settings &out, const Options *options) {
  if (options != nullptr) out = options->settings;
  return out.apply_budget();
}

}  // namespace tfile

// src/base/random_posix.cpp
#if !defined(_WIN32)

#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include <cstdint>
#include <cstring>

namespace tfile {

void fill_random(void *to, size_t size) {
  if (getentropy(to, size) == 0) return;
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t mixed = static_cast<uint64_t>(now.tv_nsec) * 0x9E3779B97F4A7C15u ^ reinterpret_cast<uintptr_t>(&now);
  auto *bytes = static_cast<unsigned char *>(to);
  for (size_t i = 0; i < size; ++i) {
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9u;
    bytes[i] = static_cast<unsigned char>(mixed >> 56);
  }
}

}  // namespace tfile

#endif

// src/base/random_windows.cpp
#if defined(_WIN32)

#include <string.h>

// The system's generator, without a library to link. <stdlib.h> has it only for who asked before including it first.
extern "C" int __cdecl rand_s(unsigned int *bits);

namespace tfile {

void fill_random(void *to, size_t size) {
  for (size_t done = 0; done < size;) {
    unsigned int bits = 0;
    (void)rand_s(&bits);
    const size_t count = size - done < sizeof(bits) ? size - done : sizeof(bits);
    memcpy(static_cast<char *>(to) + done, &bits, count);
    done += count;
  }
}

}  // namespace tfile

#endif

// src/base/slab.cpp
namespace tfile {

void Slab::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  const size_t bytes = size;
  this->~Slab();
  deallocate(*from, this, bytes, SlabCutter::kAlignment);
}

Status SlabCutter::take(void **out, Ref<Slab> *home, size_t size) {
  size = static_cast<size_t>(cost(size));
  if (size > left_) TFILE_TRY(begin(size));
  *out = free_;
  *home = slab_;
  free_ += size;
  left_ -= size;
  expected_ = expected_ > size ? expected_ - size : 0;
  return kOk;
}

Status SlabCutter::begin(size_t least) {
  constexpr size_t kHead = (sizeof(Slab) + kAlignment - 1) / kAlignment * kAlignment;
  size_t room = expected_ < kMost - kHead ? static_cast<size_t>(expected_) : kMost - kHead;
  if (room < least) room = least;
  void *place = nullptr;
  TFILE_TRY(allocate(&place, memory_, kHead + room, kAlignment));
  auto *const slab = new (place) Slab{};
  slab->memory = Ref<Memory>::share(&memory_);
  slab->size = kHead + room;
  slab_ = Ref<Slab>::adopt(slab);
  free_ = static_cast<char *>(place) + kHead;
  left_ = room;
  return kOk;
}

}  // namespace tfile

// src/base/status.cpp
namespace tfile {

const char *status_name(tf_status status) {
  switch (status) {
    case TF_STATUS_OK:
      return "ok";
    case TF_STATUS_INVALID_ARGUMENT:
      return "invalid_argument";
    case TF_STATUS_OUT_OF_MEMORY:
      return "out_of_memory";
    case TF_STATUS_IO:
      return "io";
    case TF_STATUS_NOT_FOUND:
      return "not_found";
    case TF_STATUS_DUPLICATE:
      return "duplicate";
    case TF_STATUS_FORMAT:
      return "format";
    case TF_STATUS_CORRUPT:
      return "corrupt";
    case TF_STATUS_TRUNCATED:
      return "truncated";
    case TF_STATUS_UNSUPPORTED:
      return "unsupported";
    case TF_STATUS_LIMIT:
      return "limit";
    case TF_STATUS_TYPE:
      return "type";
    case TF_STATUS_MISMATCH:
      return "mismatch";
    case TF_STATUS_CANCELLED:
      return "cancelled";
    case TF_STATUS_INTERNAL:
      return "internal";
    default:
      return "unknown";
  }
}

}  // namespace tfile

// src/base/threads.cpp
namespace tfile {

namespace {

constexpr size_t kMostThreads = 1024;

// Jobs that a worker of an executor does before the caller is told.
constexpr size_t kRound = 2;

struct Team {
  Job run;
  void *context;
  size_t end;  // of the jobs that may be begun
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  std::atomic<bool> failed{false};
  Status status;       // written by the one thread that set failed first
  ErrorRecord record;  // of that thread
};

void fail(Team &team, Status status) {
  if (team.failed.exchange(true)) return;
  team.status = status;
  team.record = error_record();
}

// tell is the caller's alone.
void work(Team &team, Tell tell) {
  while (!team.failed.load(std::memory_order_relaxed)) {
    const size_t i = team.next.fetch_add(1, std::memory_order_relaxed);
    if (i >= team.end) return;
    Status status = team.run(team.context, i);
    if (status.ok()) team.done.fetch_add(1);
    if (status.ok() && tell != nullptr) status = tell(team.context);
    if (!status.ok()) fail(team, status);
  }
}

void work_on_thread(void *team) {
  work(*static_cast<Team *>(team), nullptr);
}

void work_on_executor(void *team, size_t /*index*/) {
  work(*static_cast<Team *>(team), nullptr);
}

Status run_alone(size_t count, Job run, void *context, Tell tell) {
  for (size_t i = 0; i < count; ++i) {
    TFILE_TRY(run(context, i));
    if (tell != nullptr) TFILE_TRY(tell(context));
  }
  return kOk;
}

// Each of the executor's jobs takes up work until none is left, whenever and wherever it runs.
Status run_round(Team &team, const Executor &executor, size_t width) {
  const size_t before = team.done.load();
  const size_t wanted = team.end - before;
  const tf_status code = executor.execute(executor.user, work_on_executor, &team, width < wanted ? width : wanted);
  if (team.failed.load()) {
    error_record() = team.record;
    return team.status;
  }
  if (code != TF_STATUS_OK) {
    return Failure(code) << "the executor returned " << status_name(code) << " for "
                         << static_cast<uint64_t>(width < wanted ? width : wanted) << " jobs";
  }
  if (team.done.load() == team.end) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "the executor returned before it had run its jobs";
}

Status run_on_executor(size_t count, const Workers &workers, Job run, void *context, Tell tell) {
  const size_t round = tell == nullptr ? count : workers.count * kRound;
  Team team{run, context, 0, {}, {}, {}, {}, {}};
  while (team.end < count) {
    team.end = count - team.end < round ? count : team.end + round;
    team.next.store(team.done.load());
    TFILE_TRY(run_round(team, *workers.executor, workers.count));
    if (tell != nullptr) TFILE_TRY(tell(context));
  }
  return kOk;
}

Status run_on_threads(size_t count, size_t threads, Job run, void *context, Tell tell) {
  Team team{run, context, count, {}, {}, {}, {}, {}};
  Thread workers[kMostThreads];
  size_t started = 0;
  while (started + 1 < threads && start_thread(&workers[started], work_on_thread, &team))
    ++started;
  work(team, tell);
  for (size_t i = 0; i < started; ++i)
    join_thread(workers[i]);
  if (!team.status.ok()) error_record() = team.record;
  return team.status.ok() && tell != nullptr ? tell(context) : team.status;
}

}  // namespace

void Executor::release() {
  if (refs.decrement()) destroy_and_tell(this);
}

Status parallel_for(size_t count, const Workers &workers, Job run, void *context, Tell tell) {
  const size_t most = workers.executor != nullptr || workers.count < kMostThreads ? workers.count : kMostThreads;
  const size_t width = most < count ? most : count;
  if (width <= 1) return run_alone(count, run, context, tell);
  if (workers.executor != nullptr) return run_on_executor(count, {width, workers.executor}, run, context, tell);
  return run_on_threads(count, width, run, context, tell);
}

}  // namespace tfile

// src/base/threads_posix.cpp
#if !defined(_WIN32)

#include <pthread.h>
#include <sched.h>
#include <unistd.h>
namespace tfile {

namespace {

// Enough for every job of the core; the default of 8 MiB is address space that a 32-bit host may miss.
constexpr size_t kStack = size_t{512} << 10;

struct Start_base_threads_posix {
  void (*run)(void *);
  void *argument;
};

void *enter_base_threads_posix(void *raw) {
  const Start_base_threads_posix start = *static_cast<Start_base_threads_posix *>(raw);
  destroy(default_memory(), static_cast<Start_base_threads_posix *>(raw));
  start.run(start.argument);
  return nullptr;
}

}  // namespace

size_t core_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0) return static_cast<size_t>(CPU_COUNT(&set));
#endif
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? static_cast<size_t>(online) : 1;
}

bool start_thread(Thread *thread, void (*run)(void *), void *argument) {
  Start_base_threads_posix *start = nullptr;
  if (!make(&start, default_memory(), run, argument).ok()) return false;
  pthread_attr_t attributes;
  bool started = false;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_t id;
    (void)pthread_attr_setstacksize(&attributes, kStack);
    started = pthread_create(&id, &attributes, enter_base_threads_posix, start) == 0;
    (void)pthread_attr_destroy(&attributes);
    static_assert(sizeof(id) <= sizeof(thread->handle));
    if (started) memcpy(&thread->handle, &id, sizeof(id));
  }
  if (!started) destroy(default_memory(), start);
  return started;
}

void join_thread(Thread thread) {
  pthread_t id;
  memcpy(&id, &thread.handle, sizeof(id));
  (void)pthread_join(id, nullptr);
}

}  // namespace tfile

#endif

// src/base/threads_windows.cpp
#if defined(_WIN32)

#include <windows.h>
namespace tfile {

namespace {

struct Start_base_threads_windows {
  void (*run)(void *);
  void *argument;
};

DWORD WINAPI enter_base_threads_windows(void *raw) {
  const Start_base_threads_windows start = *static_cast<Start_base_threads_windows *>(raw);
  destroy(default_memory(), static_cast<Start_base_threads_windows *>(raw));
  start.run(start.argument);
  return 0;
}

}  // namespace

size_t core_count() {
  const DWORD active = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
  return active > 0 ? active : 1;
}

bool start_thread(Thread *thread, void (*run)(void *), void *argument) {
  Start_base_threads_windows *start = nullptr;
  if (!make(&start, default_memory(), run, argument).ok()) return false;
  thread->handle = CreateThread(nullptr, 0, enter_base_threads_windows, start, 0, nullptr);
  if (thread->handle == nullptr) destroy(default_memory(), start);
  return thread->handle != nullptr;
}

void join_thread(Thread thread) {
  (void)WaitForSingleObject(thread.handle, INFINITE);
  (void)CloseHandle(thread.handle);
}

}  // namespace tfile

#endif

// src/base/utf8.cpp
namespace tfile {

size_t utf8_sequence(Bytes bytes) {
  if (bytes.empty()) return 0;
  const uint8_t lead = bytes[0];
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || bytes.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((bytes[i] & 0xC0) != 0x80) return 0;
  }
  // The second byte decides overlong forms, surrogates, and what lies above U+10FFFF.
  if (lead == 0xE0 && bytes[1] < 0xA0) return 0;
  if (lead == 0xED && bytes[1] >= 0xA0) return 0;
  if (lead == 0xF0 && bytes[1] < 0x90) return 0;
  if (lead == 0xF4 && bytes[1] >= 0x90) return 0;
  return length;
}

size_t utf8_valid_prefix(Text text) {
  const Bytes bytes(reinterpret_cast<const uint8_t *>(text.data()), text.size());
  size_t position = 0;
  while (position < bytes.size()) {
    uint64_t eight;
    if (bytes.size() - position >= sizeof(eight)) {
      memcpy(&eight, bytes.data() + position, sizeof(eight));
      if ((eight & 0x8080808080808080u) == 0) {
        position += sizeof(eight);
        continue;
      }
    }
    const size_t length = utf8_sequence(bytes.from(position));
    if (length == 0) return position;
    position += length;
  }
  return position;
}

size_t utf8_encode(char *out, uint32_t code_point) {
  const auto put = [out](size_t i, uint32_t byte) { out[i] = static_cast<char>(static_cast<uint8_t>(byte)); };
  if (code_point < 0x80) {
    put(0, code_point);
    return 1;
  }
  if (code_point < 0x800) {
    put(0, 0xC0 | code_point >> 6);
    put(1, 0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point < 0x10000) {
    put(0, 0xE0 | code_point >> 12);
    put(1, 0x80 | (code_point >> 6 & 0x3F));
    put(2, 0x80 | (code_point & 0x3F));
    return 3;
  }
  put(0, 0xF0 | code_point >> 18);
  put(1, 0x80 | (code_point >> 12 & 0x3F));
  put(2, 0x80 | (code_point >> 6 & 0x3F));
  put(3, 0x80 | (code_point & 0x3F));
  return 4;
}

}  // namespace tfile

// src/core/dtype.h
// Dtypes: one table says what each is called and how its bytes lie.


namespace tfile {

enum class DtypeClass : uint8_t {
  kBool,
  kSigned,
  kUnsigned,
  kFloat,  // also the 8-bit floats
  kComplex,
  kPacked,  // float4, float6: several elements share a byte, across rows
  kBlock,   // ggml: rows are whole blocks
};

struct Dtype {
  tf_dtype id;
  const char *name;
  DtypeClass kind;
  uint8_t bits;         // of one element; a block type: 0
  uint8_t scalar;       // bytes that byte order reverses: of a complex one half of the item; 1: none
  uint16_t block_size;  // elements in the smallest unit of whole bytes
  uint16_t block_bytes;

  // Whether elements have addresses, and arrays therefore strides.
  bool addressable() const { return kind != DtypeClass::kPacked && kind != DtypeClass::kBlock; }
  bool is_block() const { return kind == DtypeClass::kBlock; }
  // Alignment that an array in memory needs.
  size_t alignment() const { return addressable() ? scalar : 1; }
};

// The dtype of a number, or NULL: TF_DTYPE_UNSUPPORTED and every number that is none.
const Dtype *find_dtype(tf_dtype id);
// Of a name; ggml's in any letter case.
const Dtype *find_dtype(Text name);
// All of them, in the order of their numbers.
Span<const Dtype> all_dtypes();

// Elements of a shape. Invalid for a negative size, and for a product of 2^63 or more even where another size is 0.
Checked element_count(Span<const int64_t> shape);
// Bytes of `shape` in C order; invalid also when a unit would be cut: a row of a block type, the whole of a packed
// type.
Checked byte_count(const Dtype &dtype, Span<const int64_t> shape);

// Turns bytes of a big-endian file into the little-endian layout, or back: each scalar reversed, of ggml blocks their
// 16- and 32-bit fields. False when the layout of a big-endian block is not defined (IQ types with wider packed units).
bool swap_bytes(const Dtype &dtype, void *data, size_t nbytes);
bool can_swap(const Dtype &dtype);

}  // namespace tfile

// src/core/array.h
// Array (tf_array): dtype, shape, strides, and a share of a Buffer.


struct tf_array {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // of this object
  tfile::Ref<tfile::Slab> slab;      // that it lies in; empty: allocated by itself
  tfile::Ref<tfile::Buffer> buffer;
  const tfile::Dtype *dtype = nullptr;
  char *data = nullptr;  // the first element, [0, 0, ...]
  size_t ndim = 0;
  int64_t size = 0;  // elements
  uint64_t nbytes = 0;

  void retain() { refs.increment(); }
  void release();

  // Shape and strides stand behind the object, in the same allocation.
  int64_t *dims() const { return reinterpret_cast<int64_t *>(const_cast<tf_array *>(this) + 1); }
  tfile::Span<const int64_t> shape() const { return {dims(), ndim}; }
  // In bytes; meaningless for packed and block types.
  tfile::Span<const int64_t> strides() const { return {dims() + ndim, ndim}; }
};

namespace tfile {

using Array = ::tf_array;

inline constexpr size_t kMaxRank = 64;

// Checks dtype and shape as a caller gave them; *nbytes is what they need in C order.
Status check_shape(uint64_t *nbytes, tf_dtype dtype, Span<const int64_t> shape);

// An array over part of a buffer. strides NULL: C-contiguous. The arguments are right: check_shape has been asked.
Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape,
                  const int64_t *strides, Ref<Buffer> buffer, char *data);
// A C-contiguous array over a fresh buffer, uninitialised.
Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape);

// The same in one piece of a slab. What that takes of what the cutter is told to expect: slab_array_cost(), which is 0
// for an array that is too large to share.
Status make_array(Ref<Array> &out, SlabCutter &cutter, const Dtype &dtype, Span<const int64_t> shape);
uint64_t slab_array_cost(const Dtype &dtype, Span<const int64_t> shape);

bool is_contiguous(const Array &array);
// Whether the elements lie in Fortran order without gaps, and not in C order.
bool is_fortran_contiguous(const Array &array);
// Whether this array's memory may be written: writable, and no other array has it. References to this one do not count.
bool is_exclusive(const Array &array);

// A C-contiguous copy.
Status copy(Ref<Array> &out, Memory &memory, const Array &array);
// C-contiguous: array itself, or a copy.
Status contiguous(Ref<Array> &out, Memory &memory, const Array &array);
Status transpose(Ref<Array> &out, Memory &memory, const Array &array, const size_t *axes, size_t naxes);
bool equal(const Array &a, const Array &b);

// The places that index means: it has ndim entries, negative ones count from the end. places has room for ndim.
Status resolve_index(int64_t *places, const Array &array, Span<const int64_t> index);
// The address of an element of an addressable array, at places that resolve_index() gave.
const char *element_at(const Array &array, const int64_t *places);
// One element of bool or an integer dtype; index as in resolve_index().
Status item_int64(int64_t *value, const Array &array, Span<const int64_t> index);

}  // namespace tfile

// src/core/copy.h
// Copying between strided layouts.


namespace tfile {

// Copies shape elements of item bytes each, between any two layouts; strides are in bytes and of any sign. The memory
// must not overlap. Axes are merged and reordered where that makes longer runs.
void copy_strided(char *to, const int64_t *to_strides, const char *from, const int64_t *from_strides,
                  Span<const int64_t> shape, size_t item);

// Whether the elements of two layouts are the same bytes.
bool equal_strided(const char *a, const int64_t *a_strides, const char *b, const int64_t *b_strides,
                   Span<const int64_t> shape, size_t item);

// Strides of a C-contiguous array; strides has room for shape.size(). An empty array may have other sizes whose product
// with item is out of range: such strides, which nothing uses, become INT64_MAX.
void contiguous_strides(int64_t *strides, Span<const int64_t> shape, size_t item);

// Writes elements first to first + count (counted in C order) of an addressable array, C-contiguous, to `to`.
void copy_elements(char *to, const Array &array, int64_t first, int64_t count);

}  // namespace tfile

// src/core/array.cpp
namespace {

// Of an array object with shape and strides behind it.
size_t object_bytes(size_t ndim) {
  return sizeof(tf_array) + 2 * ndim * sizeof(int64_t);
}

}  // namespace

void tf_array::release() {
  if (!refs.decrement()) return;
  const tfile::Ref<tfile::Memory> from = memory;
  const tfile::Ref<tfile::Slab> home = slab;
  const size_t bytes = object_bytes(ndim);
  this->~tf_array();
  if (!home) deallocate(*from, this, bytes, alignof(tf_array));
}

namespace tfile {

Status check_shape(uint64_t *nbytes, tf_dtype id, Span<const int64_t> shape) {
  const Dtype *const dtype = find_dtype(id);
  if (dtype == nullptr) return Failure(TF_STATUS_INVALID_ARGUMENT) << id << " is not a dtype that has elements";
  if (shape.size() > kMaxRank) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << static_cast<uint64_t>(shape.size()) << " dimensions are more than " << static_cast<uint64_t>(kMaxRank);
  }
  for (const int64_t size : shape) {
    if (size < 0) return (Failure(TF_STATUS_INVALID_ARGUMENT) << "shape ").shape(shape) << " has a negative size";
  }
  const Checked bytes = byte_count(*dtype, shape);
  if (bytes.valid()) {
    *nbytes = bytes.value();
    return kOk;
  }
  Failure failure(TF_STATUS_INVALID_ARGUMENT);
  failure << "shape ";
  failure.shape(shape) << " of " << dtype->name;
  const Checked count = element_count(shape);
  if (!count.valid() || !(Checked(count.value() / dtype->block_size) * dtype->block_bytes).valid()) {
    return failure << " has 2^63 bytes or more";
  }
  return failure << (dtype->is_block() ? ": the last size" : ": the number of elements") << " is not a multiple of "
                 << int32_t{dtype->block_size};
}

namespace {

// Makes an array in object_bytes() at place.
Array *place_array(void *place, Memory &memory, const Dtype &dtype, Span<const int64_t> shape, const int64_t *strides,
                   Ref<Buffer> buffer, char *data) {
  auto *const array = new (place) Array{};
  array->memory = Ref<Memory>::share(&memory);
  array->buffer = std::move(buffer);
  array->dtype = &dtype;
  array->data = data;
  array->ndim = shape.size();
  array->size = static_cast<int64_t>(element_count(shape).value());
  array->nbytes = byte_count(dtype, shape).value();
  int64_t *const to = array->dims();
  for (size_t i = 0; i < shape.size(); ++i)
    to[i] = shape[i];
  if (strides == nullptr) {
    contiguous_strides(to + shape.size(), shape, dtype.block_bytes);
  } else {
    for (size_t i = 0; i < shape.size(); ++i)
      to[shape.size() + i] = strides[i];
  }
  return array;
}

// Arrays of more bytes have memory of their own.
constexpr uint64_t kMostInSlab = uint64_t{16} << 10;

}  // namespace

Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape,
                  const int64_t *strides, Ref<Buffer> buffer, char *data) {
  void *place = nullptr;
  TFILE_TRY(allocate(&place, memory, object_bytes(shape.size()), alignof(Array)));
  out = Ref<Array>::adopt(place_array(place, memory, dtype, shape, strides, std::move(buffer), data));
  return kOk;
}

Status make_array(Ref<Array> &out, Memory &memory, const Dtype &dtype, Span<const int64_t> shape) {
  Ref<Buffer> buffer;
  TFILE_TRY(make_buffer(buffer, memory, byte_count(dtype, shape).value()));
  auto *const data = static_cast<char *>(buffer->data);
  return make_array(out, memory, dtype, shape, nullptr, std::move(buffer), data);
}

uint64_t slab_array_cost(const Dtype &dtype, Span<const int64_t> shape) {
  const uint64_t nbytes = byte_count(dtype, shape).value();
  if (nbytes > kMostInSlab) return 0;
  return SlabCutter::cost(slab_buffer_bytes(static_cast<size_t>(nbytes)) + object_bytes(shape.size()));
}

Status make_array(Ref<Array> &out, SlabCutter &cutter, const Dtype &dtype, Span<const int64_t> shape) {
  const auto nbytes = static_cast<size_t>(byte_count(dtype, shape).value());
  const size_t head = slab_buffer_bytes(nbytes);
  static_assert(alignof(Array) <= alignof(Buffer));
  void *room = nullptr;
  Ref<Slab> slab;
  TFILE_TRY(cutter.take(&room, &slab, head + object_bytes(shape.size())));
  Ref<Buffer> buffer = buffer_in_slab(room, nbytes, cutter.memory(), slab);
  auto *const data = static_cast<char *>(room);
  out = Ref<Array>::adopt(place_array(data + head, cutter.memory(), dtype, shape, nullptr, std::move(buffer), data));
  out->slab = std::move(slab);
  return kOk;
}

bool is_contiguous(const Array &array) {
  if (!array.dtype->addressable() || array.size == 0) return true;
  int64_t step = array.dtype->block_bytes;
  for (size_t i = array.ndim; i-- > 0;) {
    if (array.shape()[i] == 1) continue;
    if (array.strides()[i] != step) return false;
    step *= array.shape()[i];
  }
  return true;
}

bool is_fortran_contiguous(const Array &array) {
  if (is_contiguous(array)) return false;
  int64_t step = array.dtype->block_bytes;
  for (size_t i = 0; i < array.ndim; ++i) {
    if (array.shape()[i] == 1) continue;
    if (array.strides()[i] != step) return false;
    step *= array.shape()[i];
  }
  return true;
}

bool is_exclusive(const Array &array) {
  return array.buffer->writable && array.buffer->refs.unique();
}

Status copy(Ref<Array> &out, Memory &memory, const Array &array) {
  Ref<Array> made;
  TFILE_TRY(make_array(made, memory, *array.dtype, array.shape()));
  if (is_contiguous(array)) {
    memcpy(made->data, array.data, static_cast<size_t>(array.nbytes));
  } else {
    copy_strided(made->data, made->strides().data(), array.data, array.strides().data(), array.shape(),
                 array.dtype->block_bytes);
  }
  out = std::move(made);
  return kOk;
}

Status contiguous(Ref<Array> &out, Memory &memory, const Array &array) {
  if (!is_contiguous(array)) return copy(out, memory, array);
  out = Ref<Array>::share(const_cast<Array *>(&array));
  return kOk;
}

Status transpose(Ref<Array> &out, Memory &memory, const Array &array, const size_t *axes, size_t naxes) {
  const bool reversed = axes == nullptr && naxes == 0;
  if (!reversed && naxes != array.ndim) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << static_cast<uint64_t>(naxes) << " axes for " << static_cast<uint64_t>(array.ndim) << " dimensions";
  }
  bool taken[kMaxRank] = {};
  bool same = true;
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];
  for (size_t i = 0; i < array.ndim; ++i) {
    const size_t axis = reversed ? array.ndim - 1 - i : axes[i];
    if (axis >= array.ndim || taken[axis]) {
      return Failure(TF_STATUS_INVALID_ARGUMENT)
             << "axis " << static_cast<uint64_t>(axis) << (axis < array.ndim ? " stands twice" : " is out of range");
    }
    taken[axis] = true;
    same = same && axis == i;
    shape[i] = array.shape()[axis];
    strides[i] = array.strides()[axis];
  }
  if (!array.dtype->addressable() && !same) {
    return Failure(TF_STATUS_UNSUPPORTED) << "the axes of " << array.dtype->name << " cannot change their order";
  }
  return make_array(out, memory, *array.dtype, {shape, array.ndim}, strides, array.buffer, array.data);
}

bool equal(const Array &a, const Array &b) {
  if (a.dtype != b.dtype || a.ndim != b.ndim) return false;
  for (size_t i = 0; i < a.ndim; ++i) {
    if (a.shape()[i] != b.shape()[i]) return false;
  }
  if (is_contiguous(a) && is_contiguous(b)) return memcmp(a.data, b.data, static_cast<size_t>(a.nbytes)) == 0;
  return equal_strided(a.data, a.strides().data(), b.data, b.strides().data(), a.shape(), a.dtype->block_bytes);
}

Status resolve_index(int64_t *places, const Array &array, Span<const int64_t> index) {
  if (index.size() != array.ndim) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << static_cast<uint64_t>(index.size()) << " indices for "
                                               << static_cast<uint64_t>(array.ndim) << " dimensions";
  }
  for (size_t i = 0; i < array.ndim; ++i) {
    const int64_t size = array.shape()[i];
    if (index[i] >= size || index[i] < -size) {
      return Failure(TF_STATUS_INVALID_ARGUMENT)
             << "index " << index[i] << " is out of range for a dimension of " << size;
    }
    places[i] = index[i] < 0 ? index[i] + size : index[i];
  }
  return kOk;
}

const char *element_at(const Array &array, const int64_t *places) {
  const char *at = array.data;
  for (size_t i = 0; i < array.ndim; ++i)
    at += places[i] * array.strides()[i];
  return at;
}

namespace {

template <typename T>
T load_as(const char *from) {
  T value;
  memcpy(&value, from, sizeof(T));
  return value;
}

int64_t load_signed(const char *from, size_t bytes) {
  switch (bytes) {
    case 1:
      return load_as<int8_t>(from);
    case 2:
      return load_as<int16_t>(from);
    case 4:
      return load_as<int32_t>(from);
    default:
      return load_as<int64_t>(from);
  }
}

uint64_t load_unsigned(const char *from, size_t bytes) {
  switch (bytes) {
    case 1:
      return load_as<uint8_t>(from);
    case 2:
      return load_as<uint16_t>(from);
    case 4:
      return load_as<uint32_t>(from);
    default:
      return load_as<uint64_t>(from);
  }
}

}  // namespace

Status item_int64(int64_t *value, const Array &array, Span<const int64_t> index) {
  int64_t places[kMaxRank];
  TFILE_TRY(resolve_index(places, array, index));
  const Dtype &dtype = *array.dtype;
  if (dtype.kind == DtypeClass::kSigned) {
    *value = load_signed(element_at(array, places), dtype.block_bytes);
    return kOk;
  }
  if (dtype.kind != DtypeClass::kUnsigned && dtype.kind != DtypeClass::kBool) {
    return Failure(TF_STATUS_TYPE) << "an integer is wanted, the dtype is " << dtype.name;
  }
  const uint64_t number = load_unsigned(element_at(array, places), dtype.block_bytes);
  if (number > static_cast<uint64_t>(INT64_MAX)) {
    return Failure(TF_STATUS_TYPE) << number << " is above the largest int64";
  }
  *value = dtype.kind == DtypeClass::kBool ? number != 0 : static_cast<int64_t>(number);
  return kOk;
}

}  // namespace tfile

// src/core/byteswap.cpp
namespace tfile {

namespace {

// `count` neighbouring numbers of `width` bytes within a block.
struct Fields_core_byteswap {
  uint16_t offset;
  uint8_t width;
  uint8_t count;
};

// What byte order reverses in a ggml block; everything else in it is bytes.
struct BlockLayout {
  tf_dtype id;
  Fields_core_byteswap fields[2];
};

// Not here, and so refused when big-endian: iq2_xxs, iq3_xxs and iq1_m, whose 32- and 16-bit words are packed into
// arrays that ggml declares of another width, so that nothing says which of the two a big-endian writer reverses.
constexpr BlockLayout kLayouts[] = {
    {TF_DTYPE_Q4_0, {{0, 2, 1}}},                // d
    {TF_DTYPE_Q4_1, {{0, 2, 2}}},                // d, m
    {TF_DTYPE_Q5_0, {{0, 2, 1}, {2, 4, 1}}},     // d; qh, read as one 32-bit word
    {TF_DTYPE_Q5_1, {{0, 2, 2}, {4, 4, 1}}},     // d, m; qh
    {TF_DTYPE_Q8_0, {{0, 2, 1}}},                // d
    {TF_DTYPE_Q8_1, {{0, 2, 2}}},                // d, s
    {TF_DTYPE_Q2_K, {{80, 2, 2}}},               // d, dmin
    {TF_DTYPE_Q3_K, {{108, 2, 1}}},              // d
    {TF_DTYPE_Q4_K, {{0, 2, 2}}},                // d, dmin
    {TF_DTYPE_Q5_K, {{0, 2, 2}}},                // d, dmin
    {TF_DTYPE_Q6_K, {{208, 2, 1}}},              // d
    {TF_DTYPE_Q8_K, {{0, 4, 1}, {260, 2, 16}}},  // d, a float32; bsums
    {TF_DTYPE_IQ2_XS, {{0, 2, 1}, {2, 2, 32}}},  // d; q
    {TF_DTYPE_IQ1_S, {{0, 2, 1}, {34, 2, 8}}},   // d; qh
    {TF_DTYPE_IQ4_NL, {{0, 2, 1}}},              // d
    {TF_DTYPE_IQ3_S, {{0, 2, 1}}},               // d
    {TF_DTYPE_IQ2_S, {{0, 2, 1}}},               // d
    {TF_DTYPE_IQ4_XS, {{0, 2, 2}}},              // d, scales_h
    {TF_DTYPE_TQ1_0, {{52, 2, 1}}},              // d
    {TF_DTYPE_TQ2_0, {{64, 2, 1}}},              // d
    {TF_DTYPE_MXFP4, {}},                        // bytes only
    {TF_DTYPE_NVFP4, {}},                        // bytes only
    {TF_DTYPE_Q1_0, {{0, 2, 1}}},                // d
    {TF_DTYPE_Q2_0, {{0, 2, 1}}},                // d
};

const BlockLayout *find_layout(tf_dtype id) {
  for (const BlockLayout &layout : kLayouts) {
    if (layout.id == id) return &layout;
  }
  return nullptr;
}

template <typename T>
void reverse(unsigned char *data, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    T value;
    memcpy(&value, data + i * sizeof(T), sizeof(T));
    value = byteswap(value);
    memcpy(data + i * sizeof(T), &value, sizeof(T));
  }
}

void reverse(unsigned char *data, size_t count, uint8_t width) {
  switch (width) {
    case 2:
      return reverse<uint16_t>(data, count);
    case 4:
      return reverse<uint32_t>(data, count);
    case 8:
      return reverse<uint64_t>(data, count);
    default:
      return;
  }
}

}  // namespace

bool can_swap(const Dtype &dtype) {
  return !dtype.is_block() || find_layout(dtype.id) != nullptr;
}

bool swap_bytes(const Dtype &dtype, void *data, size_t nbytes) {
  auto *const bytes = static_cast<unsigned char *>(data);
  if (!dtype.is_block()) {
    reverse(bytes, nbytes / dtype.scalar, dtype.scalar);
    return true;
  }
  const BlockLayout *const layout = find_layout(dtype.id);
  if (layout == nullptr) return false;
  for (size_t start = 0; nbytes - start >= dtype.block_bytes; start += dtype.block_bytes) {
    for (const Fields_core_byteswap &fields : layout->fields)
      reverse(bytes + start + fields.offset, fields.count, fields.width);
  }
  return true;
}

}  // namespace tfile

// src/core/copy.cpp
namespace tfile {

namespace {

// An axis of two layouts that are walked together.
struct Axis {
  int64_t size;
  int64_t to;  // strides in bytes
  int64_t from;
};

uint64_t magnitude_core_copy(int64_t stride) {
  return stride < 0 ? uint64_t{0} - static_cast<uint64_t>(stride) : static_cast<uint64_t>(stride);
}

// Two layouts with as few axes as they can be told in; the last axis has the smallest `to` stride.
struct Plan_core_copy {
  Axis axes[kMaxRank];
  size_t rank = 0;
  char *to;
  const char *from;
  size_t item;         // bytes that lie together in both
  bool empty = false;  // no element at all

  Plan_core_copy(char *to_first, const int64_t *to_strides, const char *from_first, const int64_t *from_strides,
       Span<const int64_t> shape, size_t item_bytes)
      : to(to_first), from(from_first), item(item_bytes) {
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == 0) empty = true;
    }
    if (empty) return;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] != 1) add(Axis{shape[i], to_strides[i], from_strides[i]});
    }
    merge();
    if (rank > 0 && is_run(axes[rank - 1])) item *= static_cast<size_t>(axes[--rank].size);
  }

 private:
  bool is_run(const Axis &axis) const {
    return axis.to == axis.from && axis.to >= 0 && static_cast<uint64_t>(axis.to) == item;
  }

  // Inserts by stride, the larger first. An axis that `to` walks backwards is walked from its other end.
  void add(Axis axis) {
    if (axis.to < 0) {
      to += (axis.size - 1) * axis.to;
      from += (axis.size - 1) * axis.from;
      axis.to = -axis.to;
      axis.from = -axis.from;
    }
    size_t place = rank++;
    for (; place > 0 && before(axis, axes[place - 1]); --place)
      axes[place] = axes[place - 1];
    axes[place] = axis;
  }
  static bool before(const Axis &a, const Axis &b) {
    return a.to != b.to ? a.to > b.to : magnitude_core_copy(a.from) > magnitude_core_copy(b.from);
  }

  // Makes one axis of neighbours that step on where the other ends.
  void merge() {
    size_t kept = 0;
    for (size_t i = 0; i < rank; ++i) {
      if (kept > 0 && continues(axes[kept - 1], axes[i])) {
        axes[kept - 1] = Axis{axes[kept - 1].size * axes[i].size, axes[i].to, axes[i].from};
      } else {
        axes[kept++] = axes[i];
      }
    }
    rank = kept;
  }
  static bool continues(const Axis &outer, const Axis &inner) {
    int64_t to_end = 0;
    int64_t from_end = 0;
    return !__builtin_mul_overflow(inner.to, inner.size, &to_end) &&
           !__builtin_mul_overflow(inner.from, inner.size, &from_end) && outer.to == to_end && outer.from == from_end;
  }
};

// Walks the first `rank` axes of a plan, the last of them fastest.
class Odometer {
 public:
  Odometer(const Plan_core_copy &plan, size_t rank) : plan_(plan), rank_(rank) {}

  int64_t to() const { return to_; }
  int64_t from() const { return from_; }
  // False after the last step.
  bool next() {
    for (size_t i = rank_; i-- > 0;) {
      const Axis &axis = plan_.axes[i];
      to_ += axis.to;
      from_ += axis.from;
      if (++index_[i] < axis.size) return true;
      to_ -= axis.size * axis.to;
      from_ -= axis.size * axis.from;
      index_[i] = 0;
    }
    return false;
  }

 private:
  const Plan_core_copy &plan_;
  size_t rank_;
  int64_t to_ = 0;
  int64_t from_ = 0;
  int64_t index_[kMaxRank] = {};
};

// Items of a size that the compiler knows are moved through registers; kSize 0: of any size.
template <size_t kSize>
struct Item_core_copy {
  size_t size;

  void copy(char *to, const char *from) const { memcpy(to, from, kSize == 0 ? size : kSize); }
  bool equal(const char *a, const char *b) const { return memcmp(a, b, kSize == 0 ? size : kSize) == 0; }
};

// Calls use(Item<N>) with the N that suits.
template <typename Use>
auto with_item(size_t size, Use use) {
  switch (size) {
    case 1:
      return use(Item_core_copy<1>{1});
    case 2:
      return use(Item_core_copy<2>{2});
    case 4:
      return use(Item_core_copy<4>{4});
    case 8:
      return use(Item_core_copy<8>{8});
    case 16:
      return use(Item_core_copy<16>{16});
    default:
      return use(Item_core_copy<0>{size});
  }
}

template <typename ItemN>
void copy_row(ItemN item, char *to, const char *from, const Axis &axis) {
  const auto dense = static_cast<int64_t>(item.size);
  if (axis.to == dense && axis.from == dense) {
    memcpy(to, from, static_cast<size_t>(axis.size) * item.size);
    return;
  }
  for (int64_t i = 0; i < axis.size; ++i)
    item.copy(to + i * axis.to, from + i * axis.from);
}

constexpr int64_t kTileSide = 128;
constexpr size_t kTileBytes = 16384;

// Transposes: `row` is the axis along which `to` is dense, `column` that along which `from` is. A tile is gathered from
// whole cache lines of `from`, then written in whole cache lines of `to`, so that neither side fetches a line twice,
// not even where strides are powers of two and the lines of a tile compete for the same places in the cache.
template <typename ItemN>
void copy_tiled(ItemN item, size_t size, char *to, const char *from, const Axis &row, const Axis &column) {
  alignas(64) char tile[kTileBytes];
  int64_t side = kTileSide;
  while (static_cast<size_t>(side * side) * size > kTileBytes)
    side /= 2;
  const auto pitch = static_cast<int64_t>(size);
  for (int64_t i = 0; i < column.size; i += side) {
    const int64_t columns = column.size - i < side ? column.size - i : side;
    for (int64_t j = 0; j < row.size; j += side) {
      const int64_t rows = row.size - j < side ? row.size - j : side;
      const char *const source = from + i * column.from + j * row.from;
      char *const target = to + i * column.to + j * row.to;
      for (int64_t k = 0; k < rows; ++k)
        copy_row(item, tile + k * side * pitch, source + k * row.from, Axis{columns, pitch, column.from});
      for (int64_t k = 0; k < columns; ++k)
        copy_row(item, target + k * column.to, tile + k * pitch, Axis{rows, row.to, side * pitch});
    }
  }
}

// The axis before the last along which `from` is densest, if it is denser there than along the last; else the rank.
size_t densest_source(const Plan_core_copy &plan) {
  const uint64_t inner = magnitude_core_copy(plan.axes[plan.rank - 1].from);
  size_t best = plan.rank;
  uint64_t least = inner;
  for (size_t i = 0; i + 1 < plan.rank; ++i) {
    const uint64_t stride = magnitude_core_copy(plan.axes[i].from);
    if (stride != 0 && stride < least) {
      best = i;
      least = stride;
    }
  }
  return best;
}

// Items as long as this gain nothing from tiles.
constexpr size_t kLargestTiled = 64;

// Below this a tile's lines would be mostly of other tiles.
constexpr int64_t kLeastTiled = 8;

template <typename ItemN>
void copy_rows(ItemN item, const Plan_core_copy &plan) {
  const Axis row = plan.axes[plan.rank - 1];
  Odometer at(plan, plan.rank - 1);
  do {
    copy_row(item, plan.to + at.to(), plan.from + at.from(), row);
  } while (at.next());
}

template <typename ItemN>
void run_copy(ItemN item, Plan_core_copy &plan) {
  const size_t dense = plan.item <= kLargestTiled ? densest_source(plan) : plan.rank;
  if (dense == plan.rank) return copy_rows(item, plan);
  Axis &row = plan.axes[plan.rank - 1];
  const Axis column = plan.axes[dense];
  if (row.size < kLeastTiled || column.size < kLeastTiled) {
    if (row.size < column.size) std::swap(plan.axes[dense], row);
    return copy_rows(item, plan);
  }
  const Axis inner = row;
  for (size_t i = dense; i + 2 < plan.rank; ++i)
    plan.axes[i] = plan.axes[i + 1];
  Odometer at(plan, plan.rank - 2);
  do {
    copy_tiled(item, plan.item, plan.to + at.to(), plan.from + at.from(), inner, column);
  } while (at.next());
}

}  // namespace

void copy_strided(char *to, const int64_t *to_strides, const char *from, const int64_t *from_strides,
                  Span<const int64_t> shape, size_t item) {
  Plan_core_copy plan(to, to_strides, from, from_strides, shape, item);
  if (plan.empty) return;
  if (plan.rank == 0) {
    memcpy(plan.to, plan.from, plan.item);
    return;
  }
  with_item(plan.item, [&plan](auto item_n) { run_copy(item_n, plan); });
}

bool equal_strided(const char *a, const int64_t *a_strides, const char *b, const int64_t *b_strides,
                   Span<const int64_t> shape, size_t item) {
  // A plan writes nothing; its `to` is only walked here.
  const Plan_core_copy plan(const_cast<char *>(a), a_strides, b, b_strides, shape, item);
  if (plan.empty) return true;
  if (plan.rank == 0) return memcmp(plan.to, plan.from, plan.item) == 0;
  return with_item(plan.item, [&plan](auto item_n) {
    const Axis row = plan.axes[plan.rank - 1];
    Odometer at(plan, plan.rank - 1);
    do {
      for (int64_t i = 0; i < row.size; ++i) {
        if (!item_n.equal(plan.to + at.to() + i * row.to, plan.from + at.from() + i * row.from)) return false;
      }
    } while (at.next());
    return true;
  });
}

void contiguous_strides(int64_t *strides, Span<const int64_t> shape, size_t item) {
  auto step = static_cast<int64_t>(item);
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    if (shape[i] > 1 && __builtin_mul_overflow(step, shape[i], &step)) step = INT64_MAX;
  }
}

void copy_elements(char *to, const Array &array, int64_t first, int64_t count) {
  const size_t item = array.dtype->block_bytes;
  if (count == 0) return;
  if (is_contiguous(array)) {
    memcpy(to, array.data + static_cast<size_t>(first) * item, static_cast<size_t>(count) * item);
    return;
  }
  const Span<const int64_t> shape = array.shape();
  int64_t place[kMaxRank];
  for (size_t i = shape.size(); i-- > 0; first /= shape[i])
    place[i] = first % shape[i];
  while (count > 0) {
    // The outermost axis such that all within it is taken from its start, and whole.
    size_t axis = shape.size() - 1;
    int64_t within = 1;  // elements in one step along axis
    while (axis > 0 && place[axis] == 0 && within * shape[axis] <= count)
      within *= shape[axis--];
    const int64_t steps = count / within < shape[axis] - place[axis] ? count / within : shape[axis] - place[axis];
    int64_t part[kMaxRank];
    int64_t strides[kMaxRank];
    for (size_t i = 0; i < shape.size(); ++i)
      part[i] = i < axis ? 1 : i == axis ? steps : shape[i];
    contiguous_strides(strides, {part, shape.size()}, item);
    copy_strided(to, strides, element_at(array, place), array.strides().data(), {part, shape.size()}, item);
    to += static_cast<size_t>(steps * within) * item;
    count -= steps * within;
    place[axis] += steps;
    for (size_t i = axis; i > 0 && place[i] == shape[i]; --i) {
      place[i] = 0;
      ++place[i - 1];
    }
  }
}

}  // namespace tfile

// src/core/dict.h
// Dict (tf_dict): values by name, in insertion order.


struct tf_dict;

namespace tfile {

using Dict = ::tf_dict;

// A list of byte strings.
struct StringList {
  explicit StringList(Memory &memory) : ends(memory), bytes(memory) {}

  size_t size() const { return ends.size(); }
  Text at(size_t i) const;  // NUL-terminated
  // On failure the list is as before.
  Status append(Text text);
  Status append(const StringList &other);

  Vec<size_t> ends;  // of each string in bytes, its NUL not counted
  Vec<char> bytes;
};

// One value with its key, in one allocation with the key's bytes.
struct DictEntry {
  Text key;  // NUL-terminated
  tf_kind kind = TF_KIND_NONE;
  Array *array = nullptr;  // owned, as are the next three, according to kind
  Dict *dict = nullptr;
  StringList *list = nullptr;
  Text string;           // NUL-terminated
  size_t allocated = 0;  // of this entry
};

}  // namespace tfile

struct tf_dict {
  explicit tf_dict(tfile::Memory &from);
  tf_dict(const tf_dict &) = delete;
  tf_dict &operator=(const tf_dict &) = delete;

  void retain() { refs.increment(); }
  // Takes the same stack however deep the dicts are nested that go with this one.
  void release();

  size_t size() const { return entries.size(); }
  const tfile::DictEntry &at(size_t i) const { return *entries[i]; }
  const tfile::DictEntry *find(tfile::Text key) const;

  // Makes room for count values at least.
  tfile::Status reserve(size_t count);
  // Each replaces what the key had, in its place. On failure the dict is as before.
  tfile::Status set_array(tfile::Text key, tfile::Array &array);
  tfile::Status set_string(tfile::Text key, tfile::Text text);
  tfile::Status set_string_list(tfile::Text key, tfile::StringList **out);  // empty; *out is filled by the caller
  tfile::Status set_dict(tfile::Text key, tf_dict &value);                  // value does not hold this dict
  // A copy of another dict's value: arrays and dicts are shared, strings and lists are copied.
  tfile::Status set_value(tfile::Text key, const tfile::DictEntry &value);
  bool remove(tfile::Text key);
  // Whether other is this dict, or is reached from it. Takes time in proportion to the values below this dict, and
  // memory in proportion to the dicts: depth is not limited, and a dict may be below this one by many ways.
  tfile::Status reaches(bool *found, const tf_dict &other) const;

  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  tfile::Vec<tfile::DictEntry *> entries;
  tfile::NameIndex index;
  tf_dict *next_to_free = nullptr;  // once the last reference has gone

 private:
  tfile::Status set(tfile::DictEntry *entry);
};

namespace tfile {

Status make_dict(Ref<Dict> &out, Memory &memory);

}  // namespace tfile

// src/core/dict.cpp
namespace tfile {

Text StringList::at(size_t i) const {
  const size_t start = i == 0 ? 0 : ends[i - 1] + 1;
  return Text(bytes.data() + start, ends[i] - start);
}

Status StringList::append(Text text) {
  const size_t start = bytes.size();
  Status status = bytes.append(text.data(), text.size());
  if (status.ok()) status = bytes.push('\0');
  if (status.ok()) status = ends.push(bytes.size() - 1);
  if (!status.ok()) bytes.truncate(start);
  return status;
}

Status StringList::append(const StringList &other) {
  const size_t start = bytes.size();
  const size_t first = ends.size();
  TFILE_TRY(ends.reserve(first + other.size()));
  TFILE_TRY(bytes.append(other.bytes.data(), other.bytes.size()));
  TFILE_TRY(ends.append(other.ends.data(), other.ends.size()));
  for (size_t i = first; i < ends.size(); ++i)
    ends[i] += start;
  return kOk;
}

namespace {

Text key_at(const void *owner, size_t place) {
  return static_cast<const Dict *>(owner)->at(place).key;
}

// Copies text and a NUL to `to`.
Text place_text(char *to, Text text) {
  if (!text.empty()) memcpy(to, text.data(), text.size());
  to[text.size()] = '\0';
  return Text(to, text.size());
}

// An entry with copies of key and string behind it, and no value yet.
Status make_entry(DictEntry **out, Memory &memory, tf_kind kind, Text key, Text string) {
  const Checked bytes = Checked(sizeof(DictEntry)) + key.size() + 1 + string.size() + 1;
  if (!bytes.fits_memory()) return Failure(TF_STATUS_OUT_OF_MEMORY) << "key and string do not fit in this process";
  const auto allocated = static_cast<size_t>(bytes.value());
  void *place = nullptr;
  TFILE_TRY(allocate(&place, memory, allocated, alignof(DictEntry)));
  auto *const entry = new (place) DictEntry{};
  auto *const text = reinterpret_cast<char *>(entry + 1);
  entry->key = place_text(text, key);
  entry->string = place_text(text + key.size() + 1, string);
  entry->kind = kind;
  entry->allocated = allocated;
  *out = entry;
  return kOk;
}

// Frees an entry with its value; a dict that nobody else has goes onto *unused, to be freed by the caller.
void free_entry(Memory &memory, DictEntry *entry, Dict **unused) {
  if (entry->array != nullptr) entry->array->release();
  if (entry->list != nullptr) destroy(memory, entry->list);
  if (entry->dict != nullptr && entry->dict->refs.decrement()) {
    entry->dict->next_to_free = *unused;
    *unused = entry->dict;
  }
  deallocate(memory, entry, entry->allocated, alignof(DictEntry));
}

// Frees dicts that nobody has any more, and those that go with them.
void free_dicts(Dict *unused) {
  while (unused != nullptr) {
    Dict *const dict = unused;
    unused = dict->next_to_free;
    const Ref<Memory> from = dict->memory;
    for (DictEntry *entry : dict->entries)
      free_entry(*from, entry, &unused);
    destroy(*from, dict);
  }
}

void free_entry(Memory &memory, DictEntry *entry) {
  Dict *unused = nullptr;
  free_entry(memory, entry, &unused);
  free_dicts(unused);
}

// A set of dicts, in the order in which they came: open addressing, at most half full.
class DictSet {
 public:
  explicit DictSet(Memory &memory) : order_(memory), slots_(memory) {}

  size_t size() const { return order_.size(); }
  const Dict &operator[](size_t i) const { return *order_[i]; }
  // Adds a dict unless it is there.
  Status add(const Dict *dict) {
    if ((order_.size() + 1) * 2 > slots_.size()) TFILE_TRY(grow());
    const Dict *&slot = slots_[slot_of(dict)];
    if (slot != nullptr) return kOk;
    TFILE_TRY(order_.push(dict));
    slot = dict;
    return kOk;
  }

 private:
  size_t slot_of(const Dict *dict) const {
    const size_t mask = slots_.size() - 1;
    size_t i = static_cast<size_t>((reinterpret_cast<uintptr_t>(dict) * uint64_t{0x9E3779B97F4A7C15u}) >> 32) & mask;
    while (slots_[i] != nullptr && slots_[i] != dict)
      i = (i + 1) & mask;
    return i;
  }
  Status grow() {
    const size_t size = slots_.empty() ? 16 : slots_.size() * 2;
    slots_.clear();
    TFILE_TRY(slots_.resize(size));
    for (const Dict *&slot : slots_)
      slot = nullptr;
    for (const Dict *dict : order_)
      slots_[slot_of(dict)] = dict;
    return kOk;
  }

  Vec<const Dict *> order_;
  Vec<const Dict *> slots_;
};

}  // namespace

Status make_dict(Ref<Dict> &out, Memory &memory) {
  Dict *dict = nullptr;
  TFILE_TRY(make(&dict, memory, memory));
  out = Ref<Dict>::adopt(dict);
  return kOk;
}

}  // namespace tfile

tf_dict::tf_dict(tfile::Memory &from)
    : memory(tfile::Ref<tfile::Memory>::share(&from)), entries(from), index(from, tfile::key_at, this) {}

void tf_dict::release() {
  if (refs.decrement()) tfile::free_dicts(this);
}

const tfile::DictEntry *tf_dict::find(tfile::Text key) const {
  const size_t place = index.find(key);
  return place == tfile::NameIndex::kNone ? nullptr : entries[place];
}

// Puts an entry in its place; takes it over, also on failure.
tfile::Status tf_dict::set(tfile::DictEntry *entry) {
  size_t found = tfile::NameIndex::kNone;
  tfile::Status status = entries.push(entry);
  if (status.ok()) {
    status = index.add(&found, entry->key);
    if (!status.ok() || found != tfile::NameIndex::kNone) entries.pop();
  }
  if (!status.ok()) {
    tfile::free_entry(*memory, entry);
  } else if (found != tfile::NameIndex::kNone) {
    tfile::DictEntry *const old = entries[found];
    entries[found] = entry;
    tfile::free_entry(*memory, old);
  }
  return status;
}

tfile::Status tf_dict::reserve(size_t count) {
  TFILE_TRY(entries.reserve(count));
  return index.reserve(count);
}

tfile::Status tf_dict::set_array(tfile::Text key, tfile::Array &array) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_ARRAY, key, {}));
  array.retain();
  entry->array = &array;
  return set(entry);
}

tfile::Status tf_dict::set_string(tfile::Text key, tfile::Text text) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_STRING, key, text));
  return set(entry);
}

tfile::Status tf_dict::set_string_list(tfile::Text key, tfile::StringList **out) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_STRING_LIST, key, {}));
  const tfile::Status status = tfile::make(&entry->list, *memory, *memory);
  if (!status.ok()) {
    tfile::free_entry(*memory, entry);
    return status;
  }
  *out = entry->list;
  return set(entry);
}

tfile::Status tf_dict::set_dict(tfile::Text key, tf_dict &value) {
  tfile::DictEntry *entry = nullptr;
  TFILE_TRY(tfile::make_entry(&entry, *memory, TF_KIND_DICT, key, {}));
  value.retain();
  entry->dict = &value;
  return set(entry);
}

tfile::Status tf_dict::set_value(tfile::Text key, const tfile::DictEntry &value) {
  switch (value.kind) {
    case TF_KIND_ARRAY:
      return set_array(key, *value.array);
    case TF_KIND_STRING:
      return set_string(key, value.string);
    case TF_KIND_DICT:
      return set_dict(key, *value.dict);
    default: {
      tfile::StringList *list = nullptr;
      TFILE_TRY(set_string_list(key, &list));
      return list->append(*value.list);
    }
  }
}

bool tf_dict::remove(tfile::Text key) {
  const size_t place = index.find(key);
  if (place == tfile::NameIndex::kNone) return false;
  tfile::DictEntry *const entry = entries[place];
  index.remove(place);
  entries.erase(place);
  tfile::free_entry(*memory, entry);
  return true;
}

tfile::Status tf_dict::reaches(bool *found, const tf_dict &other) const {
  *found = this == &other;
  tfile::DictSet seen(*memory);
  const tf_dict *from = this;
  for (size_t next = 0; !*found; from = &seen[next++]) {
    for (const tfile::DictEntry *entry : from->entries) {
      if (entry->dict == nullptr) continue;
      if (entry->dict == &other) *found = true;
      TFILE_TRY(seen.add(entry->dict));
    }
    if (next == seen.size()) break;
  }
  return tfile::kOk;
}

// src/core/dtype.cpp
namespace tfile {

namespace {

constexpr Dtype plain(tf_dtype id, const char *name, DtypeClass kind, uint8_t bytes) {
  const auto scalar = static_cast<uint8_t>(kind == DtypeClass::kComplex ? bytes / 2 : bytes);
  return {id, name, kind, static_cast<uint8_t>(bytes * 8), scalar, 1, bytes};
}

constexpr Dtype packed(tf_dtype id, const char *name, uint8_t bits, uint16_t elements, uint16_t bytes) {
  return {id, name, DtypeClass::kPacked, bits, 1, elements, bytes};
}

constexpr Dtype block(tf_dtype id, const char *name, uint16_t elements, uint16_t bytes) {
  return {id, name, DtypeClass::kBlock, 0, 1, elements, bytes};
}

constexpr Dtype kDtypes[] = {
    plain(TF_DTYPE_BOOL, "bool", DtypeClass::kBool, 1),
    plain(TF_DTYPE_INT8, "int8", DtypeClass::kSigned, 1),
    plain(TF_DTYPE_INT16, "int16", DtypeClass::kSigned, 2),
    plain(TF_DTYPE_INT32, "int32", DtypeClass::kSigned, 4),
    plain(TF_DTYPE_INT64, "int64", DtypeClass::kSigned, 8),
    plain(TF_DTYPE_UINT8, "uint8", DtypeClass::kUnsigned, 1),
    plain(TF_DTYPE_UINT16, "uint16", DtypeClass::kUnsigned, 2),
    plain(TF_DTYPE_UINT32, "uint32", DtypeClass::kUnsigned, 4),
    plain(TF_DTYPE_UINT64, "uint64", DtypeClass::kUnsigned, 8),
    plain(TF_DTYPE_FLOAT16, "float16", DtypeClass::kFloat, 2),
    plain(TF_DTYPE_BFLOAT16, "bfloat16", DtypeClass::kFloat, 2),
    plain(TF_DTYPE_FLOAT32, "float32", DtypeClass::kFloat, 4),
    plain(TF_DTYPE_FLOAT64, "float64", DtypeClass::kFloat, 8),
    plain(TF_DTYPE_COMPLEX64, "complex64", DtypeClass::kComplex, 8),
    plain(TF_DTYPE_COMPLEX128, "complex128", DtypeClass::kComplex, 16),
    plain(TF_DTYPE_FLOAT8_E4M3FN, "float8_e4m3fn", DtypeClass::kFloat, 1),
    plain(TF_DTYPE_FLOAT8_E5M2, "float8_e5m2", DtypeClass::kFloat, 1),
    plain(TF_DTYPE_FLOAT8_E4M3FNUZ, "float8_e4m3fnuz", DtypeClass::kFloat, 1),
    plain(TF_DTYPE_FLOAT8_E5M2FNUZ, "float8_e5m2fnuz", DtypeClass::kFloat, 1),
    plain(TF_DTYPE_FLOAT8_E8M0FNU, "float8_e8m0fnu", DtypeClass::kFloat, 1),
    packed(TF_DTYPE_FLOAT6_E2M3FN, "float6_e2m3fn", 6, 4, 3),
    packed(TF_DTYPE_FLOAT6_E3M2FN, "float6_e3m2fn", 6, 4, 3),
    packed(TF_DTYPE_FLOAT4_E2M1FN, "float4_e2m1fn", 4, 2, 1),
    block(TF_DTYPE_Q4_0, "q4_0", 32, 18),
    block(TF_DTYPE_Q4_1, "q4_1", 32, 20),
    block(TF_DTYPE_Q5_0, "q5_0", 32, 22),
    block(TF_DTYPE_Q5_1, "q5_1", 32, 24),
    block(TF_DTYPE_Q8_0, "q8_0", 32, 34),
    block(TF_DTYPE_Q8_1, "q8_1", 32, 36),
    block(TF_DTYPE_Q2_K, "q2_k", 256, 84),
    block(TF_DTYPE_Q3_K, "q3_k", 256, 110),
    block(TF_DTYPE_Q4_K, "q4_k", 256, 144),
    block(TF_DTYPE_Q5_K, "q5_k", 256, 176),
    block(TF_DTYPE_Q6_K, "q6_k", 256, 210),
    block(TF_DTYPE_Q8_K, "q8_k", 256, 292),
    block(TF_DTYPE_IQ2_XXS, "iq2_xxs", 256, 66),
    block(TF_DTYPE_IQ2_XS, "iq2_xs", 256, 74),
    block(TF_DTYPE_IQ3_XXS, "iq3_xxs", 256, 98),
    block(TF_DTYPE_IQ1_S, "iq1_s", 256, 50),
    block(TF_DTYPE_IQ4_NL, "iq4_nl", 32, 18),
    block(TF_DTYPE_IQ3_S, "iq3_s", 256, 110),
    block(TF_DTYPE_IQ2_S, "iq2_s", 256, 82),
    block(TF_DTYPE_IQ4_XS, "iq4_xs", 256, 136),
    block(TF_DTYPE_IQ1_M, "iq1_m", 256, 56),
    block(TF_DTYPE_TQ1_0, "tq1_0", 256, 54),
    block(TF_DTYPE_TQ2_0, "tq2_0", 256, 66),
    block(TF_DTYPE_MXFP4, "mxfp4", 32, 17),
    block(TF_DTYPE_NVFP4, "nvfp4", 64, 36),
    block(TF_DTYPE_Q1_0, "q1_0", 128, 18),
    block(TF_DTYPE_Q2_0, "q2_0", 64, 18),
};
constexpr size_t kCount = sizeof(kDtypes) / sizeof(kDtypes[0]);

constexpr bool in_order() {
  for (size_t i = 1; i < kCount; ++i) {
    if (kDtypes[i - 1].id >= kDtypes[i].id) return false;
  }
  return true;
}
static_assert(in_order());

char lower_core_dtype(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(Text a, Text b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower_core_dtype(a[i]) != lower_core_dtype(b[i])) return false;
  }
  return true;
}

}  // namespace

const Dtype *find_dtype(tf_dtype id) {
  size_t low = 0;
  size_t high = kCount;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (kDtypes[middle].id == id) return &kDtypes[middle];
    if (kDtypes[middle].id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return nullptr;
}

const Dtype *find_dtype(Text name) {
  for (const Dtype &dtype : kDtypes) {
    if (dtype.is_block() ? equal_ignoring_case(dtype.name, name) : Text(dtype.name) == name) return &dtype;
  }
  return nullptr;
}

Span<const Dtype> all_dtypes() {
  return {kDtypes, kCount};
}

Checked element_count(Span<const int64_t> shape) {
  Checked product = 1;  // of the sizes that are not 0
  bool empty = false;
  for (const int64_t size : shape) {
    if (size == 0) {
      empty = true;
    } else {
      product = product * Checked::from_signed(size);
    }
  }
  return product.valid() && empty ? Checked(0) : product;
}

Checked byte_count(const Dtype &dtype, Span<const int64_t> shape) {
  const Checked count = element_count(shape);
  if (!count.valid()) return count;
  const uint64_t whole = dtype.block_size;
  if (whole == 1) return count * dtype.block_bytes;
  const uint64_t last = shape.empty() ? 1 : static_cast<uint64_t>(shape[shape.size() - 1]);
  if ((dtype.is_block() ? last : count.value()) % whole != 0) return Checked::invalid();
  return Checked(count.value() / whole) * dtype.block_bytes;
}

}  // namespace tfile

// src/core/slice.h
// Slices, with Python's meaning.


namespace tfile {

// One axis of a slice, resolved: elements first, first + step, ... (count of them), all within the axis.
struct SliceAxis {
  int64_t first;
  int64_t step;  // not 0; of any sign
  int64_t count;
};

// Resolves start, stop and step (each NULL or one number an axis, TENSORFILE_SLICE_OMITTED allowed) against a shape.
// axes has room for shape.size(). ndim is what the caller said it gave.
Status resolve_slice(SliceAxis *axes, Span<const int64_t> shape, const int64_t *start, const int64_t *stop,
                     const int64_t *step, size_t ndim);

// A view, or for packed and block types where no view can be, a copy.
Status slice(Ref<Array> &out, Memory &memory, const Array &array, const SliceAxis *axes);

// For packed and block types, whose elements have no addresses: calls run(context, byte offset in the C-contiguous
// source, bytes) for each run of whole units that a slice touches, in the order of the result.
// UNSUPPORTED when the slice cuts through a unit.
using RunFn = Status (*)(void *context, uint64_t offset, uint64_t nbytes);
Status for_each_unit_run(const Dtype &dtype, Span<const int64_t> shape, const SliceAxis *axes, RunFn run,
                         void *context);

}  // namespace tfile

// src/core/slice.cpp
namespace tfile {

namespace {

// Where Python's slice begins or ends: `omitted` when left out, else counted from the end when negative, and clamped.
int64_t clamp_core_slice(int64_t position, int64_t omitted, int64_t size, bool backwards) {
  if (position == TENSORFILE_SLICE_OMITTED) return omitted;
  if (position < 0) position += size;
  if (position < 0) return backwards ? -1 : 0;
  if (position >= size) return backwards ? size - 1 : size;
  return position;
}

SliceAxis resolve_axis(int64_t size, int64_t start, int64_t stop, int64_t step) {
  const bool backwards = step < 0;
  const int64_t first = clamp_core_slice(start, backwards ? size - 1 : 0, size, backwards);
  const int64_t end = clamp_core_slice(stop, backwards ? -1 : size, size, backwards);
  const int64_t span = backwards ? first - end : end - first;
  if (span <= 0) return SliceAxis{0, step, 0};
  return SliceAxis{first, step, (span - 1) / (backwards ? -step : step) + 1};
}

// The part of a slice that lies together in a C-contiguous source, and the axes that step from one such run to the
// next. All numbers are in elements.
struct Runs {
  size_t axes = 0;     // that step: 0 to axes - 1
  int64_t first = 0;   // element of the first run
  int64_t length = 1;  // of each
  int64_t counts[kMaxRank];
  int64_t steps[kMaxRank];

  Runs(Span<const int64_t> shape, const SliceAxis *slice) {
    int64_t within = 1;
    bool together = true;
    size_t stepping = shape.size();
    for (size_t i = shape.size(); i-- > 0;) {
      const SliceAxis &axis = slice[i];
      first += axis.first * within;
      // An axis that is taken whole leaves room for the one around it; one that is not ends the run.
      if (together && (axis.step == 1 || axis.count == 1)) {
        length *= axis.count;
      } else {
        --stepping;
        counts[stepping] = axis.count;
        steps[stepping] = axis.count > 1 ? axis.step * within : 0;
        together = false;
      }
      together = together && axis.count == shape[i];
      within *= shape[i];
    }
    axes = shape.size() - stepping;
    for (size_t i = 0; i < axes; ++i) {
      counts[i] = counts[stepping + i];
      steps[i] = steps[stepping + i];
    }
  }

  bool on_units_of(int64_t unit) const {
    bool whole = first % unit == 0 && length % unit == 0;
    for (size_t i = 0; i < axes; ++i)
      whole = whole && steps[i] % unit == 0;
    return whole;
  }
};

Status make_view(Ref<Array> &out, Memory &memory, const Array &array, Span<const int64_t> shape,
                 const SliceAxis *axes) {
  int64_t strides[kMaxRank];
  bool empty = array.size == 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    empty = empty || shape[i] == 0;
    // Along an axis of fewer than two elements nothing is stepped, and the product may be out of range.
    strides[i] = shape[i] > 1 && array.size > 0 ? array.strides()[i] * axes[i].step : array.strides()[i];
  }
  char *data = array.data;
  for (size_t i = 0; !empty && i < shape.size(); ++i)
    data += axes[i].first * array.strides()[i];
  return make_array(out, memory, *array.dtype, shape, strides, array.buffer, data);
}

// What for_each_unit_run tells, looked at before anything is copied.
struct Extent_core_slice {
  uint64_t first = 0;
  uint64_t end = 0;
  bool any = false;
  bool together = true;

  static Status look(void *context, uint64_t offset, uint64_t nbytes) {
    auto &extent = *static_cast<Extent_core_slice *>(context);
    if (!extent.any) extent.first = extent.end = offset;
    extent.together = extent.together && offset == extent.end;
    extent.end = offset + nbytes;
    extent.any = true;
    return kOk;
  }
};

struct UnitCopy {
  char *to;
  const char *from;

  static Status copy(void *context, uint64_t offset, uint64_t nbytes) {
    auto &copy = *static_cast<UnitCopy *>(context);
    memcpy(copy.to, copy.from + offset, static_cast<size_t>(nbytes));
    copy.to += nbytes;
    return kOk;
  }
};

// Of a packed or block type: a view when the slice is one run of units.
Status slice_units(Ref<Array> &out, Memory &memory, const Array &array, Span<const int64_t> shape,
                   const SliceAxis *axes) {
  Extent_core_slice extent;
  TFILE_TRY(for_each_unit_run(*array.dtype, array.shape(), axes, Extent_core_slice::look, &extent));
  if (extent.together) {
    return make_array(out, memory, *array.dtype, shape, nullptr, array.buffer, array.data + extent.first);
  }
  Ref<Array> copy;
  TFILE_TRY(make_array(copy, memory, *array.dtype, shape));
  UnitCopy context{copy->data, array.data};
  TFILE_TRY(for_each_unit_run(*array.dtype, array.shape(), axes, UnitCopy::copy, &context));
  out = std::move(copy);
  return kOk;
}

}  // namespace

Status resolve_slice(SliceAxis *axes, Span<const int64_t> shape, const int64_t *start, const int64_t *stop,
                     const int64_t *step, size_t ndim) {
  if (ndim != shape.size()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "a slice of " << static_cast<uint64_t>(ndim) << " axes for "
                                               << static_cast<uint64_t>(shape.size()) << " dimensions";
  }
  constexpr int64_t kOmitted = TENSORFILE_SLICE_OMITTED;
  for (size_t i = 0; i < ndim; ++i) {
    const int64_t stride = step == nullptr || step[i] == kOmitted ? 1 : step[i];
    if (stride == 0) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "the step of axis " << static_cast<uint64_t>(i) << " is 0";
    }
    axes[i] =
        resolve_axis(shape[i], start == nullptr ? kOmitted : start[i], stop == nullptr ? kOmitted : stop[i], stride);
  }
  return kOk;
}

Status slice(Ref<Array> &out, Memory &memory, const Array &array, const SliceAxis *axes) {
  int64_t counts[kMaxRank];
  for (size_t i = 0; i < array.ndim; ++i)
    counts[i] = axes[i].count;
  const Span<const int64_t> shape(counts, array.ndim);
  if (array.dtype->addressable()) return make_view(out, memory, array, shape, axes);
  return slice_units(out, memory, array, shape, axes);
}

Status for_each_unit_run(const Dtype &dtype, Span<const int64_t> shape, const SliceAxis *axes, RunFn run,
                         void *context) {
  int64_t counts[kMaxRank];
  for (size_t i = 0; i < shape.size(); ++i)
    counts[i] = axes[i].count;
  const Checked total = byte_count(dtype, {counts, shape.size()});
  if (total.valid() && total.value() == 0) return kOk;
  const Runs runs(shape, axes);
  const int64_t unit = dtype.block_size;
  if (!total.valid() || !runs.on_units_of(unit)) {
    return Failure(TF_STATUS_UNSUPPORTED)
           << "the slice cuts through a unit of " << dtype.name << ", which is " << unit << " elements";
  }
  int64_t place[kMaxRank] = {};
  for (int64_t first = runs.first;;) {
    const auto offset = static_cast<uint64_t>(first / unit) * dtype.block_bytes;
    TFILE_TRY(run(context, offset, static_cast<uint64_t>(runs.length / unit) * dtype.block_bytes));
    size_t i = runs.axes;
    for (; i > 0; --i) {
      first += runs.steps[i - 1];
      if (++place[i - 1] < runs.counts[i - 1]) break;
      first -= runs.counts[i - 1] * runs.steps[i - 1];
      place[i - 1] = 0;
    }
    if (i == 0) return kOk;
  }
}

}  // namespace tfile

// src/core/tree.h
// Trees: nested dicts and their flat form, names joined with '.'.


namespace tfile {

// Dicts on the way to a leaf, the outermost included; a flat name has as many parts.
inline constexpr size_t kMaxNesting = 64;

// Values but arrays are leaves too. Dicts in a flat dict are taken as what they flatten to.
Status flatten(Ref<Dict> &flat, Memory &memory, const Dict &tree);
Status unflatten(Ref<Dict> &tree, Memory &memory, const Dict &flat);

// The report of tf_dict_compare: lists "missing", "unexpected", "shape" of flat names, sorted.
Status compare_trees(Ref<Dict> &report, Memory &memory, const Dict &expected, const Dict &actual);

}  // namespace tfile
#include <algorithm>

// src/core/tree.cpp
namespace tfile {

namespace {

// Visits the leaves of a tree in order, each with its flat name.
class Leaves {
 public:
  Leaves(Memory &memory, const Dict &tree) : name_(memory) { levels_[0] = Level{&tree, 0, 0}; }

  // Goes to the next leaf; *leaf is NULL after the last.
  Status next(const DictEntry **leaf) {
    *leaf = nullptr;
    while (depth_ > 0) {
      Level &level = levels_[depth_ - 1];
      name_.truncate(level.prefix);
      if (level.next == level.dict->size()) {
        --depth_;
        continue;
      }
      const DictEntry &entry = level.dict->at(level.next++);
      TFILE_TRY(name_.append(entry.key.data(), entry.key.size()));
      if (entry.kind != TF_KIND_DICT) {
        *leaf = &entry;
        return kOk;
      }
      if (entry.dict->size() > 0) TFILE_TRY(enter(*entry.dict));
    }
    return kOk;
  }
  // Of the leaf; until the next one.
  Text name() const { return Text(name_.data(), name_.size()); }

 private:
  struct Level {
    const Dict *dict;
    size_t next;    // entry
    size_t prefix;  // bytes of the name that this dict's keys follow
  };

  Status enter(const Dict &dict) {
    if (depth_ == kMaxNesting) {
      return Failure(TF_STATUS_LIMIT).key(name())
             << "nested deeper than " << static_cast<uint64_t>(kMaxNesting) << " dicts";
    }
    TFILE_TRY(name_.push('.'));
    levels_[depth_++] = Level{&dict, 0, name_.size()};
    return kOk;
  }

  Vec<char> name_;
  Level levels_[kMaxNesting];
  size_t depth_ = 1;
};

Status flatten_leaves(Ref<Dict> &out, Memory &memory, const Dict &tree, bool arrays_only) {
  Ref<Dict> flat;
  TFILE_TRY(make_dict(flat, memory));
  Leaves leaves(memory, tree);
  const DictEntry *leaf = nullptr;
  for (;;) {
    TFILE_TRY(leaves.next(&leaf));
    if (leaf == nullptr) break;
    if (arrays_only && leaf->kind != TF_KIND_ARRAY) continue;
    if (flat->find(leaves.name()) != nullptr) {
      return Failure(TF_STATUS_DUPLICATE).key(leaves.name()) << "two paths of the tree have this name";
    }
    TFILE_TRY(flat->set_value(leaves.name(), *leaf));
  }
  out = std::move(flat);
  return kOk;
}

size_t find_dot(Text name) {
  const void *const dot = name.empty() ? nullptr : memchr(name.data(), '.', name.size());
  return dot == nullptr ? name.size() : static_cast<size_t>(static_cast<const char *>(dot) - name.data());
}

// Puts a leaf where its name leads, with the dicts on the way.
Status plant(Dict &tree, Memory &memory, Text name, const DictEntry &leaf) {
  Dict *at = &tree;
  Text rest = name;
  for (size_t depth = 1;; ++depth) {
    const size_t dot = find_dot(rest);
    const Text part = rest.first(dot);
    const DictEntry *const there = at->find(part);
    const bool last = dot == rest.size();
    if (there != nullptr && (last || there->kind != TF_KIND_DICT)) {
      return Failure(TF_STATUS_DUPLICATE).key(name) << "stands twice, or is also the prefix of another name";
    }
    if (last) return at->set_value(part, leaf);
    if (depth == kMaxNesting) {
      return Failure(TF_STATUS_LIMIT).key(name)
             << "a name of more than " << static_cast<uint64_t>(kMaxNesting) << " parts";
    }
    if (there != nullptr) {
      at = there->dict;
    } else {
      Ref<Dict> inner;
      TFILE_TRY(make_dict(inner, memory));
      TFILE_TRY(at->set_dict(part, *inner));
      at = inner.get();
    }
    rest = Text(rest.data() + dot + 1, rest.size() - dot - 1);
  }
}

bool same_shape(const Array &a, const Array &b) {
  if (a.ndim != b.ndim) return false;
  return a.ndim == 0 || memcmp(a.dims(), b.dims(), a.ndim * sizeof(int64_t)) == 0;
}

// A sorted list of names under a key of the report.
Status report_names(Dict &report, Text key, Vec<Text> &names) {
  std::sort(names.begin(), names.end(), [](Text a, Text b) { return compare(a, b) < 0; });
  StringList *list = nullptr;
  TFILE_TRY(report.set_string_list(key, &list));
  for (const Text name : names)
    TFILE_TRY(list->append(name));
  return kOk;
}

}  // namespace

Status flatten(Ref<Dict> &flat, Memory &memory, const Dict &tree) {
  return flatten_leaves(flat, memory, tree, false);
}

Status unflatten(Ref<Dict> &out, Memory &memory, const Dict &flat) {
  Ref<Dict> tree;
  TFILE_TRY(make_dict(tree, memory));
  Leaves leaves(memory, flat);
  const DictEntry *leaf = nullptr;
  for (;;) {
    TFILE_TRY(leaves.next(&leaf));
    if (leaf == nullptr) break;
    TFILE_TRY(plant(*tree, memory, leaves.name(), *leaf));
  }
  out = std::move(tree);
  return kOk;
}

Status compare_trees(Ref<Dict> &out, Memory &memory, const Dict &expected, const Dict &actual) {
  Ref<Dict> wanted;
  Ref<Dict> found;
  TFILE_TRY(flatten_leaves(wanted, memory, expected, true));
  TFILE_TRY(flatten_leaves(found, memory, actual, true));
  Vec<Text> missing(memory);
  Vec<Text> unexpected(memory);
  Vec<Text> other_shape(memory);
  for (const DictEntry *entry : wanted->entries) {
    const DictEntry *const match = found->find(entry->key);
    if (match == nullptr) {
      TFILE_TRY(missing.push(entry->key));
    } else if (!same_shape(*entry->array, *match->array)) {
      TFILE_TRY(other_shape.push(entry->key));
    }
  }
  for (const DictEntry *entry : found->entries) {
    if (wanted->find(entry->key) == nullptr) TFILE_TRY(unexpected.push(entry->key));
  }
  Ref<Dict> report;
  TFILE_TRY(make_dict(report, memory));
  TFILE_TRY(report_names(*report, "missing", missing));
  TFILE_TRY(report_names(*report, "unexpected", unexpected));
  TFILE_TRY(report_names(*report, "shape", other_shape));
  out = std::move(report);
  return kOk;
}

}  // namespace tfile

// src/io/part.h
// ReadPart: one of several places in memory that are filled by one read.


namespace tfile {

// What follows the part before it in the file.
struct ReadPart {
  void *to;
  size_t nbytes;  // not 0
};

inline constexpr size_t kMostParts = 256;

}  // namespace tfile

// src/io/file.h
// The operating system's files: file_posix.cpp and file_windows.cpp each have what is not in file.cpp.


namespace tfile {

#if defined(_WIN32)
inline constexpr char kPathSeparator = '\\';  // beside '/'
#else
inline constexpr char kPathSeparator = '/';
#endif

struct File {
#if defined(_WIN32)
  void *handle = nullptr;
#else
  int descriptor = -1;
#endif
  uint64_t base = 0;  // where offset 0 of what is read lies in the file
};

// Opens a regular file read-only, close-on-exec; never waits on a FIFO. NOT_FOUND, or IO with what the path is instead.
Status open_for_reading(File *out, uint64_t *size, const char *path);
// The regular file that a caller has open, by a descriptor of our own; *size is the whole file's.
Status open_descriptor(File *out, uint64_t *size, int32_t descriptor);
// Also of a File that was never opened.
void close_file(File file);
// What the system gives in one go, not 0 before the end of the file. path and array ("" for none) are for the message.
Status read_some(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes);
// nbytes from offset; *got is less only at the end of the file (file.cpp).
Status read_file(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes);
// As read_some(), into at most kMostParts places.
Status read_some_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset,
                       Span<const ReadPart> parts);
// All parts; *got is less than their bytes only at the end of the file (file.cpp).
Status read_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset, Span<const ReadPart> parts);
// How many bytes it has now, behind its base.
Status file_size(uint64_t *size, const File &file, Text path);
// size bytes from its base on, privately and writable; NULL where the system cannot map them.
void *map_file(const File &file, uint64_t size);
void unmap_file(void *data, uint64_t size);

// Where a save goes: the file that the path's links lead to, there or not.
struct Target {
  explicit Target(Memory &memory);
  Target(const Target &) = delete;
  Target &operator=(const Target &) = delete;
  ~Target();

  Vec<char> path;  // as the caller gave it, for messages; NUL-terminated
  Vec<char> name;  // in its folder; NUL-terminated
  bool exists = false;
#if defined(_WIN32)
  Vec<wchar_t> full;       // absolute; NUL-terminated
  size_t folder_size = 0;  // of full's front that names the folder, with its separator
  Vec<wchar_t> beside;     // the file that create_beside() made; NUL-terminated
#else
  Vec<char> where;  // the folder's path, for messages; NUL-terminated
  int folder = -1;  // held open, so that a chdir in between changes nothing
  // Of the file that is there.
  uint32_t mode = 0;
  uint32_t owner = 0;
  uint32_t group = 0;
#endif

  Text label() const {
    return Text(path.data(), path.size() - 1);
  }
};

// NOT_FOUND: its folder is not there; IO: it is not a regular file, or may not be written.
Status find_target(Target &target, const char *path);
// Makes a new file in the target's folder, with the target's mode. *taken: there is a file of that name already.
Status create_beside(File *out, bool *taken, Target &target, const char *name);
// Opens the target itself, emptied.
Status open_in_place(File *out, const Target &target);
// Puts the file of that name in the target's place.
Status take_place(const Target &target, const char *name);
void remove_beside(const Target &target, const char *name);

// What the system takes in one go, not 0.
Status write_some(size_t *put, const File &file, Text path, uint64_t offset, const void *from, size_t nbytes);
// The same of pieces that lie behind one another in the file, none of them empty; what the system takes of them in one go.
Status write_some_pieces(size_t *put, const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count);
// All of nbytes, wherever in the file (file.cpp).
Status write_file(const File &file, Text path, uint64_t offset, const void *from, size_t nbytes);
// All of the pieces (file.cpp).
Status write_pieces(const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count);
// Has the system find room for a file of `size` bytes at once, which is faster than bit by bit. in_place: its size stays
// what was written. Where that cannot be, the writes tell why.
void reserve_file(const File &file, uint64_t size, bool in_place);
Status sync_file(const File &file, Text path);
// Whether its folder can be synced: one that may be written but not read cannot.
Status check_sync_folder(const Target &target);
Status sync_folder(const Target &target);
// Closes a file that was written, when the system may tell of a late failure.
Status finish_file(File file, Text path);

}  // namespace tfile

// src/io/file.cpp
namespace tfile {

namespace {

// Linux moves at most 2 GiB at once, macOS refuses more, and Windows counts in 32 bits.
constexpr size_t kMostAtOnce = size_t{1} << 30;

size_t piece_of(size_t nbytes) {
  return nbytes < kMostAtOnce ? nbytes : kMostAtOnce;
}

}  // namespace

Status read_file(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes) {
  *got = 0;
  while (*got < nbytes) {
    size_t count = 0;
    char *const place = static_cast<char *>(to) + *got;
    TFILE_TRY(read_some(&count, file, path, array, offset + *got, place, piece_of(nbytes - *got)));
    if (count == 0) break;
    *got += count;
  }
  return kOk;
}

Status read_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset, Span<const ReadPart> parts) {
  *got = 0;
  while (!parts.empty()) {
    size_t count = 0;
    TFILE_TRY(read_some_parts(&count, file, path, array, offset + *got, parts.first(kMostParts)));
    if (count == 0) break;
    *got += count;
    while (!parts.empty() && count >= parts[0].nbytes) {
      count -= parts[0].nbytes;
      parts = parts.from(1);
    }
    if (count == 0) continue;
    // Cut off within a part.
    const size_t missing = parts[0].nbytes - count;
    size_t more = 0;
    TFILE_TRY(read_file(&more, file, path, array, offset + *got, static_cast<char *>(parts[0].to) + count, missing));
    *got += more;
    if (more < missing) break;
    parts = parts.from(1);
  }
  return kOk;
}

Status write_file(const File &file, Text path, uint64_t offset, const void *from, size_t nbytes) {
  for (size_t done = 0; done < nbytes;) {
    size_t count = 0;
    const char *const place = static_cast<const char *>(from) + done;
    TFILE_TRY(write_some(&count, file, path, offset + done, place, piece_of(nbytes - done)));
    done += count;
  }
  return kOk;
}

Status write_pieces(const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count) {
  while (count > 0) {
    // A single piece, and what is left of one, goes as write_file() does it.
    if (count == 1 || pieces->size() > kMostAtOnce) {
      TFILE_TRY(write_file(file, path, offset, pieces->data(), pieces->size()));
      offset += pieces->size();
      ++pieces;
      --count;
      continue;
    }
    size_t put = 0;
    TFILE_TRY(write_some_pieces(&put, file, path, offset, pieces, count));
    offset += put;
    while (count > 0 && put >= pieces->size()) {
      put -= pieces->size();
      ++pieces;
      --count;
    }
    if (put == 0) continue;
    const Bytes rest = pieces->from(put);
    TFILE_TRY(write_file(file, path, offset, rest.data(), rest.size()));
    offset += rest.size();
    ++pieces;
    --count;
  }
  return kOk;
}

}  // namespace tfile

// src/io/file_posix.cpp
#if !defined(_WIN32)

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <utility>

// src/io/reason.h
#if !defined(TENSORFILE_IO_REASON_H)
#define TENSORFILE_IO_REASON_H
// Why the operating system refused, in the words of messages.


namespace tfile {

struct Reason {
  int64_t error;
  const char *text;
};

// The system's part: our own words, because its own depend on locale and version.
Span<const Reason> system_reasons();

// ": REASON" at the end of a failure's line.
inline Status end_with(Failure &failure, int64_t error) {
  for (const Reason &reason : system_reasons()) {
    if (reason.error == error) return failure << ": " << reason.text;
  }
  return failure << ": error " << error;
}

// "FILE: array 'NAME': could not DO: REASON (byte N)".
inline Status refuse(int64_t error, Text path, const char *what, Text array = Text(), uint64_t offset = kNoOffset) {
  Failure failure(TF_STATUS_IO);
  failure.in(path);
  if (!array.empty()) failure.array(array);
  failure.at(offset) << "could not " << what;
  return end_with(failure, error);
}

}  // namespace tfile
#endif  // TENSORFILE_IO_REASON_H
namespace tfile {

namespace {

static_assert(sizeof(off_t) == 8, "build with _FILE_OFFSET_BITS=64");

constexpr int kMostLinks = 40;
constexpr size_t kLongestPath_io_file_posix = 4096;

constexpr Reason kReasons_io_file_posix[] = {
    {EACCES, "permission denied"},
    {EPERM, "operation not permitted"},
    {EROFS, "the file system is read-only"},
    {ENOENT, "no such file or folder"},
    {ENOTDIR, "a part of the path is not a folder"},
    {EISDIR, "it is a folder"},
    {EEXIST, "it is there already"},
    {ENOSPC, "no space left on the device"},
    {EDQUOT, "the disk quota is exceeded"},
    {EFBIG, "the file would be larger than allowed"},
    {EOVERFLOW, "the file is larger than this process can handle"},
    {EIO, "input/output error"},
    {EMFILE, "too many open files in this process"},
    {ENFILE, "too many open files in the system"},
    {ELOOP, "too many symbolic links"},
    {ENAMETOOLONG, "the name is too long"},
    {ENOMEM, "the system is out of memory"},
    {EBUSY, "it is in use"},
    {ETXTBSY, "it is a program that runs"},
    {EAGAIN, "it is in use"},
    {EINVAL, "not possible on this file system"},
    {ENODEV, "no such device"},
    {ENXIO, "no such device"},
    {ESTALE, "the network file is gone"},
    {ETIMEDOUT, "timed out"},
};

// "FILE: could not DO in the folder 'FOLDER': REASON".
Status refuse_in(int64_t error, const Target &target, const char *what, tf_status status = TF_STATUS_IO) {
  Failure failure(status);
  failure.in(target.label()) << "could not " << what << " the folder ";
  failure.quoted(Text(target.where.data()));
  return end_with(failure, error);
}

const char *kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "something else";
}

Status check_regular_io_file_posix(Text path, mode_t mode) {
  if (S_ISREG(mode)) return kOk;
  return Failure(TF_STATUS_IO).in(path) << "expected a regular file, found " << kind_of(mode);
}

// Opens without waiting, whatever the path turns out to be.
int open_retrying(int folder, const char *path, int flags, mode_t mode) {
  int descriptor = -1;
  do {
    descriptor = openat(folder, path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

Span<const Reason> system_reasons() {
  return Span<const Reason>(kReasons_io_file_posix, sizeof(kReasons_io_file_posix) / sizeof(kReasons_io_file_posix[0]));
}

Status open_for_reading(File *out, uint64_t *size, const char *path) {
  if (*path == '\0') return Failure(TF_STATUS_NOT_FOUND) << "the path of the file is empty";
  const File file{open_retrying(AT_FDCWD, path, O_RDONLY, 0)};
  struct stat info {};
  if (file.descriptor < 0) {
    const int error = errno;
    if (error == ENOENT) return Failure(TF_STATUS_NOT_FOUND).in(path) << "no such file";
    // A socket cannot be opened, nor can a device without a driver; say what it is rather than why.
    if (stat(path, &info) == 0) TFILE_TRY(check_regular_io_file_posix(path, info.st_mode));
    return refuse(error, path, "open");
  }
  Status status = kOk;
  if (fstat(file.descriptor, &info) != 0) {
    status = refuse(errno, path, "open");
  } else {
    status = check_regular_io_file_posix(path, info.st_mode);
  }
  if (!status.ok()) {
    close_file(file);
    return status;
  }
  *out = file;
  *size = static_cast<uint64_t>(info.st_size);
  return kOk;
}

Status open_descriptor(File *out, uint64_t *size, int32_t descriptor) {
  const int mode = fcntl(descriptor, F_GETFL);
  if (mode < 0 || (mode & O_ACCMODE) == O_WRONLY) {
    return Failure(TF_STATUS_IO) << "the descriptor " << descriptor << " is not open for reading";
  }
  struct stat info {};
  if (fstat(descriptor, &info) != 0) return refuse(errno, Text(), "use the descriptor");
  TFILE_TRY(check_regular_io_file_posix(Text(), info.st_mode));
  const File file{fcntl(descriptor, F_DUPFD_CLOEXEC, 0)};
  if (file.descriptor < 0) return refuse(errno, Text(), "duplicate the descriptor");
  *out = file;
  *size = static_cast<uint64_t>(info.st_size);
  return kOk;
}

void close_file(File file) {
  if (file.descriptor >= 0) (void)close(file.descriptor);
}

Status read_some(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes) {
  ssize_t count = 0;
  do {
    count = pread(file.descriptor, to, nbytes, static_cast<off_t>(file.base + offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return refuse(errno, path, "read", array, offset);
  *got = static_cast<size_t>(count);
  return kOk;
}

Status read_some_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset,
                       Span<const ReadPart> parts) {
#if defined(__EMSCRIPTEN__)
  // Versions of its preadv() read every part from the offset of the first.
  return read_some(got, file, path, array, offset, parts[0].to, parts[0].nbytes);
#else
  iovec places[kMostParts];
  int used = 0;
  for (const ReadPart &part : parts)
    places[used++] = iovec{part.to, part.nbytes};
  ssize_t count = 0;
  do {
    count = preadv(file.descriptor, places, used, static_cast<off_t>(file.base + offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return refuse(errno, path, "read", array, offset);
  *got = static_cast<size_t>(count);
  return kOk;
#endif
}

Status file_size(uint64_t *size, const File &file, Text path) {
  struct stat info {};
  if (fstat(file.descriptor, &info) != 0) return refuse(errno, path, "tell the size");
  const auto whole = static_cast<uint64_t>(info.st_size);
  *size = whole > file.base ? whole - file.base : 0;
  return kOk;
}

namespace {

// Mappings begin at a page: how far before an offset or an address that is.
size_t beyond_page(uint64_t place) {
  return static_cast<size_t>(place % static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
}

}  // namespace

void *map_file(const File &file, uint64_t size) {
  const size_t lead = beyond_page(file.base);
  const Checked length = Checked(size) + lead;
  if (!length.fits_memory()) return nullptr;
  void *data = mmap(nullptr, static_cast<size_t>(length.value()), PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor,
                    static_cast<off_t>(file.base - lead));
  return data == MAP_FAILED ? nullptr : static_cast<char *>(data) + lead;
}

void unmap_file(void *data, uint64_t size) {
  const size_t lead = beyond_page(reinterpret_cast<uintptr_t>(data));
  (void)munmap(static_cast<char *>(data) - lead, static_cast<size_t>(size) + lead);
}

Target::Target(Memory &memory) : path(memory), name(memory), where(memory) {}

Target::~Target() {
  close_file(File{folder});
}

namespace {

int open_folder(int base, const char *path) {
  const int descriptor = open_retrying(base, path, O_RDONLY | O_DIRECTORY, 0);
#if defined(O_PATH)
  // Files can be made in a folder that may not be listed.
  if (descriptor < 0 && errno == EACCES) return open_retrying(base, path, O_PATH | O_DIRECTORY, 0);
#endif
  return descriptor;
}

// Opens the folder of a path that is seen from target.folder, or from the current one at first; its last part becomes
// target.name.
Status enter_folder(Target &target, const char *path) {
  const char *const slash = strrchr(path, '/');
  const char *const last = slash == nullptr ? path : slash + 1;
  if (*last == '\0') {
    return Failure(TF_STATUS_IO).in(target.label()) << "expected a regular file, found the path of a folder";
  }
  Vec<char> folder(target.path.memory());
  if (slash == nullptr) TFILE_TRY(folder.push('.'));
  // The root is the one folder whose name is its slash.
  if (slash != nullptr) TFILE_TRY(folder.append(path, slash == path ? 1 : static_cast<size_t>(slash - path)));
  TFILE_TRY(folder.push('\0'));

  if (*path == '/') target.where.clear();
  if (!target.where.empty()) target.where.back() = '/';
  TFILE_TRY(target.where.append(folder.data(), folder.size()));
  const int opened = open_folder(target.folder < 0 ? AT_FDCWD : target.folder, folder.data());
  if (opened < 0) return refuse_in(errno, target, "open", errno == ENOENT ? TF_STATUS_NOT_FOUND : TF_STATUS_IO);
  close_file(File{std::exchange(target.folder, opened)});
  target.name.clear();
  return target.name.append(last, strlen(last) + 1);
}

// Follows the links of a path to the file that they lead to, there or not.
Status follow_links(Target &target, struct stat *info, const char *path) {
  char link[kLongestPath_io_file_posix];
  for (int links = 0; links <= kMostLinks; ++links) {
    TFILE_TRY(enter_folder(target, path));
    target.exists = fstatat(target.folder, target.name.data(), info, AT_SYMLINK_NOFOLLOW) == 0;
    if (!target.exists && errno != ENOENT) return refuse(errno, target.label(), "open");
    if (!target.exists || !S_ISLNK(info->st_mode)) return kOk;
    const ssize_t length = readlinkat(target.folder, target.name.data(), link, sizeof(link));
    if (length < 0) return refuse(errno, target.label(), "follow the link");
    if (static_cast<size_t>(length) == sizeof(link)) return refuse(ENAMETOOLONG, target.label(), "follow the link");
    link[length] = '\0';
    path = link;
  }
  return refuse(ELOOP, target.label(), "follow the link");
}

// The new file gets the old one's mode, and owner and group as far as we may give them.
void keep_attributes(const File &file, const Target &target) {
  struct stat made {};
  if (fstat(file.descriptor, &made) != 0) return;
  if (made.st_uid != target.owner || made.st_gid != target.group) {
    constexpr auto kSame = static_cast<uid_t>(-1);
    (void)(fchown(file.descriptor, target.owner, target.group) == 0 ||
           fchown(file.descriptor, kSame, target.group) == 0);
  }
  // Refused only where the file system has no modes.
  (void)fchmod(file.descriptor, static_cast<mode_t>(target.mode));
}

}  // namespace

Status find_target(Target &target, const char *path) {
  TFILE_TRY(target.path.append(path, strlen(path) + 1));
  if (*path == '\0') return Failure(TF_STATUS_INVALID_ARGUMENT) << "the path to save to is empty";
  struct stat info {};
  // The system also follows links that cannot be read as paths, such as /dev/stdout to a pipe.
  if (stat(path, &info) == 0) TFILE_TRY(check_regular_io_file_posix(target.label(), info.st_mode));
  TFILE_TRY(follow_links(target, &info, path));
  if (!target.exists) return kOk;
  TFILE_TRY(check_regular_io_file_posix(target.label(), info.st_mode));
  // A file that may not be written is not to be replaced either, though its folder would allow that.
  if (faccessat(target.folder, target.name.data(), W_OK, AT_EACCESS) != 0) {
    return refuse(errno, target.label(), "open for writing");
  }
  // Without set-user-id and its like, which the system too takes away from a file that is written.
  target.mode = static_cast<uint32_t>(info.st_mode & 0777);
  target.owner = static_cast<uint32_t>(info.st_uid);
  target.group = static_cast<uint32_t>(info.st_gid);
  return kOk;
}

Status create_beside(File *out, bool *taken, Target &target, const char *name) {
  // The system takes the umask away from it.
  const mode_t mode = target.exists ? static_cast<mode_t>(target.mode) : 0666;
  const File file{open_retrying(target.folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)};
  *taken = file.descriptor < 0 && errno == EEXIST;
  if (*taken) return kOk;
  if (file.descriptor < 0) return refuse_in(errno, target, "make a temporary file in");
  if (target.exists) keep_attributes(file, target);
  *out = file;
  return kOk;
}

Status open_in_place(File *out, const Target &target) {
  const File file{open_retrying(target.folder, target.name.data(), O_WRONLY | O_CREAT | O_NOFOLLOW, 0666)};
  if (file.descriptor < 0) return refuse(errno, target.label(), "open for writing");
  struct stat info {};
  Status status = kOk;
  if (fstat(file.descriptor, &info) != 0) {
    status = refuse(errno, target.label(), "open for writing");
  } else {
    status = check_regular_io_file_posix(target.label(), info.st_mode);
  }
  if (status.ok() && ftruncate(file.descriptor, 0) != 0) status = refuse(errno, target.label(), "empty");
  if (!status.ok()) {
    close_file(file);
    return status;
  }
  *out = file;
  return kOk;
}

Status take_place(const Target &target, const char *name) {
  if (renameat(target.folder, name, target.folder, target.name.data()) == 0) return kOk;
  return refuse(errno, target.label(), "replace");
}

void remove_beside(const Target &target, const char *name) {
  (void)unlinkat(target.folder, name, 0);
}

Status write_some(size_t *put, const File &file, Text path, uint64_t offset, const void *from, size_t nbytes) {
  ssize_t count = 0;
  do {
    count = pwrite(file.descriptor, from, nbytes, static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count <= 0) return refuse(count == 0 ? EIO : errno, path, "write", Text(), offset);
  *put = static_cast<size_t>(count);
  return kOk;
}

Status write_some_pieces(size_t *put, const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count) {
#if defined(__linux__)
  constexpr size_t kMostPieces = 128;
  iovec vectors[kMostPieces];
  const size_t taken = count < kMostPieces ? count : kMostPieces;
  for (size_t i = 0; i < taken; ++i)
    vectors[i] = {const_cast<uint8_t *>(pieces[i].data()), pieces[i].size()};
  ssize_t written = 0;
  do {
    written = pwritev(file.descriptor, vectors, static_cast<int>(taken), static_cast<off_t>(offset));
  } while (written < 0 && errno == EINTR);
  if (written <= 0) return refuse(written == 0 ? EIO : errno, path, "write", Text(), offset);
  *put = static_cast<size_t>(written);
  return kOk;
#else
  (void)count;
  return write_some(put, file, path, offset, pieces->data(), pieces->size());
#endif
}

void reserve_file(const File &file, uint64_t size, bool in_place) {
#if defined(__linux__)
  while (fallocate(file.descriptor, in_place ? FALLOC_FL_KEEP_SIZE : 0, 0, static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) return;
  }
#else
  (void)file, (void)size, (void)in_place;
#endif
}

Status sync_file(const File &file, Text path) {
#if defined(F_FULLFSYNC)
  // What fsync leaves in the drive's own memory, this does not.
  if (fcntl(file.descriptor, F_FULLFSYNC) == 0) return kOk;
#endif
  while (fsync(file.descriptor) != 0) {
    if (errno != EINTR) return refuse(errno, path, "sync");
  }
  return kOk;
}

Status check_sync_folder(const Target &target) {
#if defined(O_PATH)
  const int flags = fcntl(target.folder, F_GETFL);
  if (flags >= 0 && (flags & O_PATH) != 0) return refuse_in(EACCES, target, "open for syncing");
#else
  (void)target;
#endif
  return kOk;
}

Status sync_folder(const Target &target) {
  while (fsync(target.folder) != 0) {
    // Some file systems have nothing to sync in a folder, and say so.
    if (errno == EINVAL) return kOk;
    if (errno != EINTR) return refuse_in(errno, target, "sync");
  }
  return kOk;
}

Status finish_file(File file, Text path) {
  // Interrupted, the file is closed all the same.
  if (close(file.descriptor) != 0 && errno != EINTR) return refuse(errno, path, "finish");
  return kOk;
}

}  // namespace tfile

#endif

// src/io/file_windows.cpp
#if defined(_WIN32)

#include <io.h>
#include <windows.h>

// src/io/reason.h
#if !defined(TENSORFILE_IO_REASON_H)
#define TENSORFILE_IO_REASON_H
// Why the operating system refused, in the words of messages.


namespace tfile {

struct Reason {
  int64_t error;
  const char *text;
};

// The system's part: our own words, because its own depend on locale and version.
Span<const Reason> system_reasons();

// ": REASON" at the end of a failure's line.
inline Status end_with(Failure &failure, int64_t error) {
  for (const Reason &reason : system_reasons()) {
    if (reason.error == error) return failure << ": " << reason.text;
  }
  return failure << ": error " << error;
}

// "FILE: array 'NAME': could not DO: REASON (byte N)".
inline Status refuse(int64_t error, Text path, const char *what, Text array = Text(), uint64_t offset = kNoOffset) {
  Failure failure(TF_STATUS_IO);
  failure.in(path);
  if (!array.empty()) failure.array(array);
  failure.at(offset) << "could not " << what;
  return end_with(failure, error);
}

}  // namespace tfile
#endif  // TENSORFILE_IO_REASON_H
namespace tfile {

namespace {

// ERROR_DISK_QUOTA_EXCEEDED, which not every windows.h has.
constexpr DWORD kDiskQuotaExceeded = 1295;

constexpr Reason kReasons_io_file_windows[] = {
    {ERROR_ACCESS_DENIED, "permission denied"},
    {ERROR_SHARING_VIOLATION, "another program has it open"},
    {ERROR_LOCK_VIOLATION, "another program has locked it"},
    {ERROR_USER_MAPPED_FILE, "it is mapped into memory"},
    {ERROR_WRITE_PROTECT, "the file system is read-only"},
    {ERROR_FILE_NOT_FOUND, "no such file or folder"},
    {ERROR_PATH_NOT_FOUND, "no such file or folder"},
    {ERROR_BAD_NETPATH, "no such network folder"},
    {ERROR_INVALID_NAME, "the name is not allowed"},
    {ERROR_FILENAME_EXCED_RANGE, "the name is too long"},
    {ERROR_DIRECTORY, "a part of the path is not a folder"},
    {ERROR_FILE_EXISTS, "it is there already"},
    {ERROR_DISK_FULL, "no space left on the device"},
    {ERROR_HANDLE_DISK_FULL, "no space left on the device"},
    {kDiskQuotaExceeded, "the disk quota is exceeded"},
    {ERROR_FILE_TOO_LARGE, "the file would be larger than allowed"},
    {ERROR_TOO_MANY_OPEN_FILES, "too many open files in this process"},
    {ERROR_NOT_ENOUGH_MEMORY, "the system is out of memory"},
    {ERROR_CANT_RESOLVE_FILENAME, "too many symbolic links"},
    {ERROR_NOT_READY, "the device is not ready"},
    {ERROR_CRC, "input/output error"},
    {ERROR_IO_DEVICE, "input/output error"},
};

bool is_missing(DWORD error) {
  return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_BAD_NETPATH;
}

Status irregular(Text path, const char *found) {
  return Failure(TF_STATUS_IO).in(path) << "expected a regular file, found " << found;
}

Status check_regular_io_file_windows(Text path, HANDLE handle) {
  switch (GetFileType(handle)) {
    case FILE_TYPE_DISK:
      return kOk;
    case FILE_TYPE_PIPE:
      return irregular(path, "a pipe");
    default:
      return irregular(path, "a device");
  }
}

// What stands at a path that could not be opened, when that is the reason; else the system's reason.
Status refuse_to_open(Text path, const wchar_t *wide, DWORD error, const char *what) {
  const DWORD attributes = GetFileAttributesW(wide);
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    return irregular(path, "a folder");
  }
  return refuse(error, path, what);
}

uint32_t decode(Bytes sequence) {
  const uint32_t lead = sequence[0];
  if (sequence.size() == 1) return lead;
  uint32_t code_point = lead & (0x7Fu >> sequence.size());
  for (const uint8_t byte : sequence.from(1))
    code_point = code_point << 6 | (byte & 0x3Fu);
  return code_point;
}

// Appends the UTF-16 of a path and its NUL.
Status append_wide(Vec<wchar_t> &out, Text path) {
  Bytes rest(reinterpret_cast<const uint8_t *>(path.data()), path.size());
  while (!rest.empty()) {
    const size_t length = utf8_sequence(rest);
    if (length == 0) return Failure(TF_STATUS_INVALID_ARGUMENT).in(path) << "the path is not UTF-8";
    const uint32_t code_point = decode(rest.first(length));
    rest = rest.from(length);
    if (code_point >= 0x10000) {
      TFILE_TRY(out.push(static_cast<wchar_t>(0xD800 + ((code_point - 0x10000) >> 10))));
      TFILE_TRY(out.push(static_cast<wchar_t>(0xDC00 + (code_point & 0x3FF))));
    } else {
      TFILE_TRY(out.push(static_cast<wchar_t>(code_point)));
    }
  }
  return out.push(L'\0');
}

bool is_separator(wchar_t letter) {
  return letter == L'\\' || letter == L'/' || letter == L':';
}

// Where the last part of a path begins.
template <typename Letter>
size_t last_part(const Vec<Letter> &path) {
  size_t start = path.size() - 1;
  while (start > 0 && !is_separator(static_cast<wchar_t>(path[start - 1])))
    --start;
  return start;
}

OVERLAPPED at(uint64_t offset) {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(offset);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return place;
}

}  // namespace

Span<const Reason> system_reasons() {
  return Span<const Reason>(kReasons_io_file_windows, sizeof(kReasons_io_file_windows) / sizeof(kReasons_io_file_windows[0]));
}

Status open_for_reading(File *out, uint64_t *size, const char *path) {
  if (*path == '\0') return Failure(TF_STATUS_NOT_FOUND) << "the path of the file is empty";
  Vec<wchar_t> wide(default_memory());
  TFILE_TRY(append_wide(wide, path));
  const HANDLE handle = CreateFileW(wide.data(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                    nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) {
    const DWORD error = GetLastError();
    if (is_missing(error)) return Failure(TF_STATUS_NOT_FOUND).in(path) << "no such file";
    return refuse_to_open(path, wide.data(), error, "open");
  }
  Status status = check_regular_io_file_windows(path, handle);
  if (status.ok()) status = file_size(size, File{handle}, path);
  if (!status.ok()) {
    close_file(File{handle});
    return status;
  }
  out->handle = handle;
  return kOk;
}

Status open_descriptor(File *out, uint64_t *size, int32_t descriptor) {
  const intptr_t open = descriptor < 0 ? -1 : _get_osfhandle(descriptor);
  if (open < 0) return Failure(TF_STATUS_IO) << "the descriptor " << descriptor << " is not open for reading";
  const auto theirs = reinterpret_cast<HANDLE>(open);
  TFILE_TRY(check_regular_io_file_windows(Text(), theirs));
  // Reading moves the position of a handle, so a duplicate, which would share it, will not do.
  const HANDLE handle =
      ReOpenFile(theirs, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_ATTRIBUTE_NORMAL);
  if (handle == INVALID_HANDLE_VALUE) return refuse(GetLastError(), Text(), "duplicate the descriptor");
  const Status status = file_size(size, File{handle}, Text());
  if (!status.ok()) {
    close_file(File{handle});
    return status;
  }
  out->handle = handle;
  return kOk;
}

void close_file(File file) {
  if (file.handle != nullptr) (void)CloseHandle(file.handle);
}

Status read_some(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes) {
  OVERLAPPED place = at(file.base + offset);
  DWORD count = 0;
  if (ReadFile(file.handle, to, static_cast<DWORD>(nbytes), &count, &place) == 0) {
    const DWORD error = GetLastError();
    if (error != ERROR_HANDLE_EOF) return refuse(error, path, "read", array, offset);
  }
  *got = count;
  return kOk;
}

// Windows scatters whole pages only.
Status read_some_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset,
                       Span<const ReadPart> parts) {
  return read_some(got, file, path, array, offset, parts[0].to, parts[0].nbytes);
}

Status file_size(uint64_t *size, const File &file, Text path) {
  LARGE_INTEGER length{};
  if (GetFileSizeEx(file.handle, &length) == 0) return refuse(GetLastError(), path, "tell the size");
  const auto whole = static_cast<uint64_t>(length.QuadPart);
  *size = whole > file.base ? whole - file.base : 0;
  return kOk;
}

namespace {

// Views begin at multiples of the granularity: how far before an offset or an address that is.
size_t beyond_granule(uint64_t place) {
  SYSTEM_INFO system;
  GetSystemInfo(&system);
  return static_cast<size_t>(place % system.dwAllocationGranularity);
}

}  // namespace

void *map_file(const File &file, uint64_t size) {
  const size_t lead = beyond_granule(file.base);
  const Checked length = Checked(size) + lead;
  if (!length.fits_memory()) return nullptr;
  const HANDLE mapping = CreateFileMappingW(file.handle, nullptr, PAGE_WRITECOPY, 0, 0, nullptr);
  if (mapping == nullptr) return nullptr;
  const uint64_t start = file.base - lead;
  void *data = MapViewOfFile(mapping, FILE_MAP_COPY, static_cast<DWORD>(start >> 32), static_cast<DWORD>(start),
                             static_cast<SIZE_T>(length.value()));
  (void)CloseHandle(mapping);
  return data == nullptr ? nullptr : static_cast<char *>(data) + lead;
}

void unmap_file(void *data, uint64_t /*size*/) {
  (void)UnmapViewOfFile(static_cast<char *>(data) - beyond_granule(reinterpret_cast<uintptr_t>(data)));
}

Target::Target(Memory &memory) : path(memory), name(memory), full(memory), beside(memory) {}

Target::~Target() = default;

namespace {

// An absolute path of the target, so that a change of the current folder changes nothing.
Status make_absolute(Vec<wchar_t> &out, Text label, const wchar_t *path) {
  const DWORD size = GetFullPathNameW(path, 0, nullptr, nullptr);
  TFILE_TRY(out.resize(size));
  const DWORD length = size == 0 ? 0 : GetFullPathNameW(path, size, out.data(), nullptr);
  if (length == 0 || length >= size) return refuse(GetLastError(), label, "find");
  return out.resize(length + 1);
}

// The path that an open file has when all links are followed.
Status final_path(Vec<wchar_t> &out, Text label, HANDLE handle) {
  const DWORD size = GetFinalPathNameByHandleW(handle, nullptr, 0, FILE_NAME_NORMALIZED);
  TFILE_TRY(out.resize(size));
  const DWORD length = size == 0 ? 0 : GetFinalPathNameByHandleW(handle, out.data(), size, FILE_NAME_NORMALIZED);
  if (length == 0 || length >= size) return refuse(GetLastError(), label, "find");
  return out.resize(length + 1);
}

Status find_existing(Target &target, HANDLE handle) {
  TFILE_TRY(check_regular_io_file_windows(target.label(), handle));
  target.exists = true;
  return final_path(target.full, target.label(), handle);
}

Status find_missing(Target &target, const wchar_t *path, DWORD error) {
  const DWORD attributes = GetFileAttributesW(path);
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
    return irregular(target.label(), "a link that leads nowhere");
  }
  if (error != ERROR_FILE_NOT_FOUND) {
    return Failure(TF_STATUS_NOT_FOUND).in(target.label()) << "could not open its folder: no such file or folder";
  }
  return make_absolute(target.full, target.label(), path);
}

}  // namespace

Status find_target(Target &target, const char *path) {
  TFILE_TRY(target.path.append(path, strlen(path) + 1));
  if (*path == '\0') return Failure(TF_STATUS_INVALID_ARGUMENT) << "the path to save to is empty";
  const size_t last = last_part(target.path);
  if (path[last] == '\0') return irregular(target.label(), "the path of a folder");
  TFILE_TRY(target.name.append(path + last, strlen(path + last) + 1));
  Vec<wchar_t> wide(target.path.memory());
  TFILE_TRY(append_wide(wide, target.label()));
  // To look at it, and to see whether it may be written.
  const HANDLE handle = CreateFileW(wide.data(), GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                    nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle != INVALID_HANDLE_VALUE) {
    const Status status = find_existing(target, handle);
    close_file(File{handle});
    TFILE_TRY(status);
  } else {
    const DWORD error = GetLastError();
    if (!is_missing(error)) return refuse_to_open(target.label(), wide.data(), error, "open for writing");
    TFILE_TRY(find_missing(target, wide.data(), error));
  }
  target.folder_size = last_part(target.full);
  return kOk;
}

Status create_beside(File *out, bool *taken, Target &target, const char *name) {
  target.beside.clear();
  TFILE_TRY(target.beside.append(target.full.data(), target.folder_size));
  TFILE_TRY(append_wide(target.beside, name));
  const HANDLE handle = CreateFileW(target.beside.data(), GENERIC_WRITE, FILE_SHARE_READ, nullptr, CREATE_NEW,
                                    FILE_ATTRIBUTE_NORMAL, nullptr);
  const DWORD error = handle == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
  *taken = error == ERROR_FILE_EXISTS;
  if (*taken) return kOk;
  if (error != ERROR_SUCCESS) return refuse(error, target.label(), "make a temporary file in its folder");
  out->handle = handle;
  return kOk;
}

Status open_in_place(File *out, const Target &target) {
  const HANDLE handle = CreateFileW(target.full.data(), GENERIC_WRITE, FILE_SHARE_READ, nullptr, OPEN_ALWAYS,
                                    FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle == INVALID_HANDLE_VALUE) return refuse(GetLastError(), target.label(), "open for writing");
  if (SetEndOfFile(handle) == 0) {
    const DWORD error = GetLastError();
    close_file(File{handle});
    return refuse(error, target.label(), "empty");
  }
  out->handle = handle;
  return kOk;
}

Status take_place(const Target &target, const char * /*name*/) {
  const DWORD flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (MoveFileExW(target.beside.data(), target.full.data(), flags) != 0) return kOk;
  return refuse(GetLastError(), target.label(), "replace");
}

void remove_beside(const Target &target, const char * /*name*/) {
  (void)DeleteFileW(target.beside.data());
}

Status write_some(size_t *put, const File &file, Text path, uint64_t offset, const void *from, size_t nbytes) {
  OVERLAPPED place = at(offset);
  DWORD count = 0;
  const bool written = WriteFile(file.handle, from, static_cast<DWORD>(nbytes), &count, &place) != 0;
  if (!written || count == 0) {
    return refuse(written ? ERROR_DISK_FULL : GetLastError(), path, "write", Text(), offset);
  }
  *put = count;
  return kOk;
}

Status write_some_pieces(size_t *put, const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t) {
  return write_some(put, file, path, offset, pieces->data(), pieces->size());
}

void reserve_file(const File &file, uint64_t size, bool in_place) {
  FILE_ALLOCATION_INFO info = {};
  info.AllocationSize.QuadPart = static_cast<LONGLONG>(size);
  if (!in_place) (void)SetFileInformationByHandle(file.handle, FileAllocationInfo, &info, sizeof(info));
}

Status sync_file(const File &file, Text path) {
  return FlushFileBuffers(file.handle) != 0 ? kOk : refuse(GetLastError(), path, "sync");
}

// Windows writes a folder's entry through with the move.
Status check_sync_folder(const Target & /*target*/) {
  return kOk;
}

Status sync_folder(const Target & /*target*/) {
  return kOk;
}

Status finish_file(File file, Text path) {
  return CloseHandle(file.handle) != 0 ? kOk : refuse(GetLastError(), path, "finish");
}

}  // namespace tfile

#endif

// src/io/sink.h
// Sink (tf_sink): sequential writes; Output: the position, padding and progress of one save.


namespace tfile {

// Rewrites bytes that were written before; files and memory can, a caller's sink cannot.
using PatchFn = tf_status (*)(void *user, uint64_t offset, const void *src, size_t nbytes);
// For outputs whose size is known before anything is written: makes room for `size` bytes, each of which is then put.
using ReserveFn = tf_status (*)(void *user, uint64_t size);
// Puts pieces that lie behind one another in the output anywhere into the room; several threads may do so at once.
using PutFn = tf_status (*)(void *user, uint64_t offset, const Bytes *pieces, size_t count);

// What a sink can do besides taking bytes one after another.
struct Placement {
  PatchFn patch = nullptr;
  ReserveFn reserve = nullptr;  // before any write; then nothing but put is called
  PutFn put = nullptr;
};

}  // namespace tfile

struct tf_sink {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  bool foreign = false;  // the callback is the caller's: its failures have no error record of ours
  tf_write_fn write = nullptr;
  tfile::Placement placement;  // empty for a caller's sink
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Sink = ::tf_sink;

Status make_sink(Ref<Sink> &out, Memory &memory, tf_write_fn write, const Placement &placement, tf_release_fn release,
                 void *user);

// Bytes in memory that grow; finish() hands them out as a Buffer.
class MemorySink {
 public:
  explicit MemorySink(Memory &memory) : memory_(memory) {}
  MemorySink(const MemorySink &) = delete;
  MemorySink &operator=(const MemorySink &) = delete;
  ~MemorySink();
  // *this must outlive the sink's use. expected: bytes to make room for at once, where they are known.
  Status open(Ref<Sink> &out, uint64_t expected = 0);
  Status finish(Ref<Buffer> &out);

 private:
  static tf_status write(void *user, const void *src, size_t nbytes);
  static tf_status patch(void *user, uint64_t offset, const void *src, size_t nbytes);
  static tf_status reserve(void *user, uint64_t size);
  static tf_status put(void *user, uint64_t offset, const Bytes *pieces, size_t count);
  Status make_room(Checked size);

  Memory &memory_;
  char *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// One save: counts what is written, and reports the bytes of arrays. A caller's sink gets small pieces together, because
// its call may cost much, such as one into another language.
class Output {
 public:
  Output(Sink &sink, const Settings &settings, uint64_t array_bytes)
      : sink_(sink), progress_(settings, array_bytes), room_(settings.memory()) {}

  Status write(const void *from, uint64_t nbytes);
  // Hands over what has been gathered; due at the end.
  Status flush();
  // As write(), and told to the progress callback.
  Status write_data(const void *from, uint64_t nbytes);
  // Tells the callback of array bytes that were written in another form.
  Status advance(uint64_t nbytes) { return progress_.advance(nbytes); }
  Status write_zeros(uint64_t count);
  Status pad_to(uint64_t alignment);
  bool can_patch() const { return sink_.placement.patch != nullptr; }
  Status patch(uint64_t offset, const void *from, size_t nbytes);
  uint64_t position() const { return position_; }

 private:
  Status hand_over(uint64_t offset, const void *from, uint64_t nbytes);

  Sink &sink_;
  Progress progress_;
  uint64_t position_ = 0;
  Vec<uint8_t> room_;  // what has been gathered
};

}  // namespace tfile

// src/io/replace.h
// Replacement: a file that is written beside its target and takes its place in one step.


namespace tfile {

class Replacement {
 public:
  explicit Replacement(Memory &memory) : memory_(memory) {}
  Replacement(const Replacement &) = delete;
  Replacement &operator=(const Replacement &) = delete;
  // Without commit(): the temporary file is removed and the target stays as it was (in place: what was written stays).
  ~Replacement();

  // Resolves links, refuses a target that is not a regular file, makes `.NAME.tf-*` beside it (atomic) or opens it.
  // Once; *this must outlive the sink's use.
  Status begin(Ref<Sink> &out, const char *path, bool atomic, bool durable);
  Status commit();

 private:
  struct State;

  Memory &memory_;
  State *state_ = nullptr;
};

}  // namespace tfile

// src/io/replace.cpp
namespace tfile {

namespace {

// Small writes, such as headers and small arrays, are gathered to this.
constexpr size_t kGathered_io_replace = size_t{64} << 10;
// Files of fewer bytes are not worth a call to reserve them.
constexpr uint64_t kReserved = uint64_t{1} << 20;
// Of the target's name in that of the temporary file: some file systems end names at 143 bytes.
constexpr size_t kLongestStem = 120;
constexpr size_t kRandomLetters = 8;
constexpr int kMostTries = 100;

// ".STEM.tf-" and random letters.
struct TemporaryName {
  char text[1 + kLongestStem + 4 + kRandomLetters + 1];

  explicit TemporaryName(Text target) {
    size_t stem = target.first(kLongestStem).size();
    // Between characters: some file systems take UTF-8 only.
    while (stem > 0 && stem < target.size() && (static_cast<uint8_t>(target[stem]) & 0xC0) == 0x80)
      --stem;
    char *end = text;
    *end++ = '.';
    memcpy(end, target.data(), stem);
    end += stem;
    memcpy(end, ".tf-", 4);
    end += 4;
    uint8_t random[kRandomLetters];
    fill_random(random, sizeof(random));
    for (const uint8_t byte : random)
      *end++ = "abcdefghijklmnopqrstuvwxyz234567"[byte % 32];
    *end = '\0';
  }
};

}  // namespace

struct Replacement::State {
  explicit State(Memory &from) : target(from), temporary("") {}
  State(const State &) = delete;
  State &operator=(const State &) = delete;
  ~State() {
    close_file(file);
    if (beside) remove_beside(target, temporary.text);
  }

  Status open(const char *path, bool atomic, bool wants_sync);
  Status write(const char *from, size_t nbytes);
  Status flush();

  static tf_status take(void *user, const void *src, size_t nbytes) {
    return static_cast<State *>(user)->write(static_cast<const char *>(src), nbytes).code;
  }
  static tf_status patch(void *user, uint64_t offset, const void *src, size_t nbytes) {
    auto &state = *static_cast<State *>(user);
    Status status = state.flush();
    if (status.ok()) status = write_file(state.file, state.target.label(), offset, src, nbytes);
    return status.code;
  }

  static tf_status reserve(void *user, uint64_t size) {
    auto &state = *static_cast<State *>(user);
    if (size >= kReserved) reserve_file(state.file, size, !state.beside);
    return TF_STATUS_OK;
  }
  static tf_status put(void *user, uint64_t offset, const Bytes *pieces, size_t count) {
    const auto &state = *static_cast<State *>(user);
    return write_pieces(state.file, state.target.label(), offset, pieces, count).code;
  }

  Target target;
  TemporaryName temporary;
  File file;
  bool beside = false;  // the temporary file is there
  bool durable = false;
  uint64_t written = 0;  // bytes in the file
  size_t gathered = 0;   // bytes behind them, in memory
  char room[kGathered_io_replace];
};

Status Replacement::State::open(const char *path, bool atomic, bool wants_sync) {
  TFILE_TRY(find_target(target, path));
  durable = wants_sync;
  if (durable) TFILE_TRY(check_sync_folder(target));
  if (!atomic) return open_in_place(&file, target);
  for (int i = 0; i < kMostTries; ++i) {
    temporary = TemporaryName(Text(target.name.data()));
    bool taken = false;
    TFILE_TRY(create_beside(&file, &taken, target, temporary.text));
    beside = !taken;
    if (beside) return kOk;
  }
  return Failure(TF_STATUS_IO).in(target.label()) << "found no free name for a temporary file beside it";
}

Status Replacement::State::write(const char *from, size_t nbytes) {
  if (nbytes > sizeof(room) - gathered) TFILE_TRY(flush());
  if (nbytes < sizeof(room)) {
    memcpy(room + gathered, from, nbytes);
    gathered += nbytes;
    return kOk;
  }
  TFILE_TRY(write_file(file, target.label(), written, from, nbytes));
  written += nbytes;
  return kOk;
}

Status Replacement::State::flush() {
  TFILE_TRY(write_file(file, target.label(), written, room, gathered));
  written += gathered;
  gathered = 0;
  return kOk;
}

Replacement::~Replacement() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Replacement::begin(Ref<Sink> &out, const char *path, bool atomic, bool durable) {
  TFILE_TRY(make(&state_, memory_, memory_));
  TFILE_TRY(state_->open(path, atomic, durable));
  return make_sink(out, memory_, State::take, Placement{State::patch, State::reserve, State::put}, nullptr, state_);
}

Status Replacement::commit() {
  State &state = *state_;
  const Text path = state.target.label();
  TFILE_TRY(state.flush());
  if (state.durable) TFILE_TRY(sync_file(state.file, path));
  TFILE_TRY(finish_file(std::exchange(state.file, File()), path));
  if (state.beside) TFILE_TRY(take_place(state.target, state.temporary.text));
  state.beside = false;
  return state.durable ? sync_folder(state.target) : kOk;
}

}  // namespace tfile

// src/io/sink.cpp
void tf_sink::release() {
  if (refs.decrement()) tfile::destroy_and_tell(this);
}

namespace tfile {

namespace {

// Data are written in pieces of this, so that a progress callback is heard in time.
constexpr uint64_t kPiece_io_sink = uint64_t{16} << 20;
// Bytes that are gathered for a sink of the caller.
constexpr size_t kGathered_io_sink = size_t{64} << 10;

constexpr size_t kLeastRoom = 4096;

constexpr char kZeros_io_sink[4096] = {};

}  // namespace

Status make_sink(Ref<Sink> &out, Memory &memory, tf_write_fn write, const Placement &placement, tf_release_fn release,
                 void *user) {
  Sink *sink = nullptr;
  if (const Status status = make(&sink, memory); !status.ok()) return give_up(status, release, user);
  sink->memory = Ref<Memory>::share(&memory);
  sink->write = write;
  sink->placement = placement;
  sink->release_user = release;
  sink->user = user;
  out = Ref<Sink>::adopt(sink);
  return kOk;
}

MemorySink::~MemorySink() {
  deallocate(memory_, data_, capacity_, kDataAlignment);
}

Status MemorySink::open(Ref<Sink> &out, uint64_t expected) {
  if (expected > 0) TFILE_TRY(make_room(expected));
  return make_sink(out, memory_, write, Placement{patch, reserve, put}, nullptr, this);
}

Status MemorySink::finish(Ref<Buffer> &out) {
  if (data_ == nullptr) TFILE_TRY(make_room(1));
  TFILE_TRY(adopt_buffer(out, memory_, data_, size_, capacity_));
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
  return kOk;
}

Status MemorySink::make_room(Checked size) {
  if (!size.fits_memory()) return Failure(TF_STATUS_OUT_OF_MEMORY) << "the file does not fit in this process";
  size_t capacity = static_cast<size_t>(size.value());
  const size_t grown = capacity_ + capacity_ / 2;
  if (capacity < grown) capacity = grown;
  if (capacity < kLeastRoom) capacity = kLeastRoom;
  void *fresh = nullptr;
  TFILE_TRY(allocate(&fresh, memory_, capacity, kDataAlignment));
  if (data_ != nullptr) memcpy(fresh, data_, size_);
  deallocate(memory_, data_, capacity_, kDataAlignment);
  data_ = static_cast<char *>(fresh);
  capacity_ = capacity;
  return kOk;
}

tf_status MemorySink::write(void *user, const void *src, size_t nbytes) {
  auto &sink = *static_cast<MemorySink *>(user);
  if (nbytes > sink.capacity_ - sink.size_) {
    const Status status = sink.make_room(Checked(sink.size_) + nbytes);
    if (!status.ok()) return status.code;
  }
  if (nbytes > 0) memcpy(sink.data_ + sink.size_, src, nbytes);
  sink.size_ += nbytes;
  return TF_STATUS_OK;
}

tf_status MemorySink::patch(void *user, uint64_t offset, const void *src, size_t nbytes) {
  memcpy(static_cast<MemorySink *>(user)->data_ + offset, src, nbytes);
  return TF_STATUS_OK;
}

tf_status MemorySink::reserve(void *user, uint64_t size) {
  auto &sink = *static_cast<MemorySink *>(user);
  if (size > sink.capacity_) {
    const Status status = sink.make_room(size);
    if (!status.ok()) return status.code;
  }
  sink.size_ = static_cast<size_t>(size);
  return TF_STATUS_OK;
}

tf_status MemorySink::put(void *user, uint64_t offset, const Bytes *pieces, size_t count) {
  char *to = static_cast<MemorySink *>(user)->data_ + offset;
  for (size_t i = 0; i < count; ++i) {
    if (!pieces[i].empty()) memcpy(to, pieces[i].data(), pieces[i].size());
    to += pieces[i].size();
  }
  return TF_STATUS_OK;
}

Status Output::write(const void *from, uint64_t nbytes) {
  if (nbytes == 0) return kOk;
  if (sink_.foreign && nbytes > kGathered_io_sink - room_.size()) TFILE_TRY(flush());
  if (sink_.foreign && nbytes < kGathered_io_sink) {
    TFILE_TRY(room_.reserve(kGathered_io_sink));
    TFILE_TRY(room_.append(static_cast<const uint8_t *>(from), static_cast<size_t>(nbytes)));
  } else {
    TFILE_TRY(hand_over(position_, from, nbytes));
  }
  position_ += nbytes;
  return kOk;
}

Status Output::flush() {
  if (room_.empty()) return kOk;
  TFILE_TRY(hand_over(position_ - room_.size(), room_.data(), room_.size()));
  room_.clear();
  return kOk;
}

Status Output::hand_over(uint64_t offset, const void *from, uint64_t nbytes) {
  // What lies in memory is no longer than a size_t tells.
  const tf_status code = sink_.write(sink_.user, from, static_cast<size_t>(nbytes));
  if (code == TF_STATUS_OK) return kOk;
  if (!sink_.foreign) return Status{code};
  return Failure(code).at(offset) << "the sink's write returned " << status_name(code) << " for " << nbytes << " bytes";
}

Status Output::write_data(const void *from, uint64_t nbytes) {
  const auto *bytes = static_cast<const char *>(from);
  while (nbytes > 0) {
    const uint64_t piece = nbytes < kPiece_io_sink ? nbytes : kPiece_io_sink;
    TFILE_TRY(write(bytes, piece));
    TFILE_TRY(progress_.advance(piece));
    bytes += piece;
    nbytes -= piece;
  }
  return kOk;
}

Status Output::write_zeros(uint64_t count) {
  while (count > 0) {
    const uint64_t piece = count < sizeof(kZeros_io_sink) ? count : sizeof(kZeros_io_sink);
    TFILE_TRY(write(kZeros_io_sink, piece));
    count -= piece;
  }
  return kOk;
}

Status Output::pad_to(uint64_t alignment) {
  return write_zeros((alignment - position_ % alignment) % alignment);
}

Status Output::patch(uint64_t offset, const void *from, size_t nbytes) {
  if (!can_patch() || !Checked::within(offset, nbytes, position_)) {
    return Failure(TF_STATUS_INTERNAL).at(offset) << static_cast<uint64_t>(nbytes) << " bytes cannot be rewritten";
  }
  if (nbytes == 0) return kOk;
  return Status{sink_.placement.patch(sink_.user, offset, from, nbytes)};
}

}  // namespace tfile

// src/io/source.h
// Source (tf_source): positional reads, and mapping where there is such.


struct tf_source {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  uint64_t size = 0;
  bool concurrent = false;  // may be read by several threads at once
  bool foreign = false;     // callbacks are the caller's: their failures have no error record of ours
  tf_read_at_fn read_at = nullptr;
  tf_map_fn map = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;
  tfile::Text label;  // what messages call it: the path, or ""; NUL-terminated

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Source = ::tf_source;

Status make_source(Ref<Source> &out, Memory &memory, uint64_t size, bool concurrent, tf_read_at_fn read_at,
                   tf_map_fn map, tf_release_fn release, void *user);
// The caller's memory, mapped as it is (read-only).
Status source_from_memory(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes, tf_release_fn release,
                          void *user);
// A regular file. Mapping it maps the whole file once, privately and writable, for as long as the source lives.
Status source_from_path(Ref<Source> &out, Memory &memory, const char *path);

// size bytes from offset on of a regular file that the caller has open, UINT64_MAX: up to its end. The descriptor is not
// kept. Mapped likewise.
Status source_from_descriptor(Ref<Source> &out, Memory &memory, int32_t descriptor, uint64_t offset, uint64_t size);
// A part of another source, which is retained. Its errors count bytes from the part's start.
Status source_from_part(Ref<Source> &out, Memory &memory, Source &whole, uint64_t offset, uint64_t size);

// All of nbytes, or TRUNCATED when the source ends before them, or the reader's status. array ("" for none) names what
// is read in the message.
Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array);
// As read_at(), into at most kMostParts places by as few reads as the source allows. Where `to` is NULL the bytes are not
// wanted. memory is for those, and for what must be copied.
Status read_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, Memory &memory, Text array);
// *out is NULL when the source cannot map. The range lies within the source.
Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out);
// Whether the bytes come from a callback of the caller.
bool is_foreign(const Source &source);
// Whether memory that map_range gives may be written without changing the source.
bool maps_privately(const Source &source);

}  // namespace tfile

// src/io/source.cpp
void tf_source::release() {
  if (refs.decrement()) tfile::destroy_and_tell(this);
}

namespace tfile {

namespace {

// The caller's memory: what its source's callbacks get.
struct MemorySource {
  Ref<Memory> memory;
  const char *data;
  tf_release_fn release_user;
  void *user;
};

tf_status read_memory(void *user, uint64_t offset, void *dst, size_t nbytes) {
  memcpy(dst, static_cast<const MemorySource *>(user)->data + offset, nbytes);
  return TF_STATUS_OK;
}

tf_status map_memory(void *user, uint64_t offset, uint64_t /*nbytes*/, const void **out) {
  *out = static_cast<const MemorySource *>(user)->data + offset;
  return TF_STATUS_OK;
}

void release_memory(void *user) {
  destroy_and_tell(static_cast<MemorySource *>(user));
}

// An open file: what its source's callbacks get.
struct FileSource {
  explicit FileSource(Memory &from) : memory(Ref<Memory>::share(&from)), path(from) {}
  FileSource(const FileSource &) = delete;
  FileSource &operator=(const FileSource &) = delete;
  ~FileSource() {
    if (void *const data = mapping.load(); data != nullptr) unmap_file(data, size);
    close_file(file);
  }

  Text label() const { return Text(path.data(), path.size() - 1); }

  Ref<Memory> memory;
  Vec<char> path;  // NUL-terminated
  File file;
  uint64_t size = 0;
  std::atomic<void *> mapping{nullptr};
};

Status ends_early(Text label, Text array, uint64_t offset, uint64_t expected, uint64_t found) {
  Failure failure(TF_STATUS_TRUNCATED);
  failure.in(label);
  if (!array.empty()) failure.array(array);
  return failure.at(offset) << "expected " << expected << " bytes, the file ends after " << found;
}

Status read_exactly(const File &file, Text label, uint64_t offset, void *to, size_t nbytes, Text array) {
  size_t got = 0;
  TFILE_TRY(read_file(&got, file, label, array, offset, to, nbytes));
  if (got < nbytes) return ends_early(label, array, offset, nbytes, got);
  return kOk;
}

tf_status read_path_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
  const auto &source = *static_cast<const FileSource *>(user);
  return read_exactly(source.file, source.label(), offset, dst, nbytes, Text()).code;
}

Status map_whole(void **out, FileSource &source) {
  uint64_t size = 0;
  TFILE_TRY(file_size(&size, source.file, source.label()));
  if (size < source.size) {
    return Failure(TF_STATUS_TRUNCATED).in(source.label()).at(size)
           << "the file had " << source.size << " bytes when it was opened, and ends earlier now";
  }
  void *const fresh = map_file(source.file, source.size);
  *out = nullptr;
  if (fresh == nullptr) return kOk;
  // Of threads that come here at once one keeps its mapping.
  if (source.mapping.compare_exchange_strong(*out, fresh)) {
    *out = fresh;
  } else {
    unmap_file(fresh, source.size);
  }
  return kOk;
}

tf_status map_path(void *user, uint64_t offset, uint64_t /*nbytes*/, const void **out) {
  auto &source = *static_cast<FileSource *>(user);
  void *data = source.mapping.load();
  if (data == nullptr) {
    if (const Status status = map_whole(&data, source); !status.ok()) return status.code;
  }
  *out = data == nullptr ? nullptr : static_cast<const char *>(data) + offset;
  return TF_STATUS_OK;
}

void release_path(void *user) {
  auto *const source = static_cast<FileSource *>(user);
  const Ref<Memory> from = source->memory;
  destroy(*from, source);
}

// A part of another source, which is no part itself: what its source's callbacks get.
struct PartSource {
  Ref<Memory> memory;
  Ref<Source> whole;
  uint64_t offset;
};

tf_status read_part(void *user, uint64_t offset, void *dst, size_t nbytes) {
  const auto &part = *static_cast<const PartSource *>(user);
  return read_at(*part.whole, part.offset + offset, dst, nbytes, Text()).code;
}

tf_status map_part(void *user, uint64_t offset, uint64_t nbytes, const void **out) {
  const auto &part = *static_cast<const PartSource *>(user);
  return map_range(*part.whole, part.offset + offset, nbytes, out).code;
}

void release_part(void *user) {
  auto *const part = static_cast<PartSource *>(user);
  const Ref<Memory> from = part->memory;
  destroy(*from, part);
}

// The source that has a source's bytes, and where.
struct Place {
  Source *source;
  uint64_t offset;
};

Place place_of(const Source &source) {
  if (source.read_at != read_part) return {const_cast<Source *>(&source), 0};
  const auto &part = *static_cast<const PartSource *>(source.user);
  return {part.whole.get(), part.offset};
}

bool is_file(const Source &source) {
  return source.read_at == read_path_at;
}

// The file of a place, which begins there.
File file_at(const Place &place) {
  File file = static_cast<const FileSource *>(place.source->user)->file;
  file.base += place.offset;
  return file;
}

Status check_part(uint64_t offset, uint64_t *size, uint64_t whole, const char *what) {
  if (*size == UINT64_MAX && offset <= whole) *size = whole - offset;
  if (Checked::within(offset, *size, whole)) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << *size << " bytes from byte " << offset << " on are not in the " << what << ", which has " << whole;
}

// Copies what was read of all parts to where they go.
void hand_out(const char *from, Span<const ReadPart> parts) {
  for (const ReadPart &part : parts) {
    if (part.to != nullptr) memcpy(part.to, from, part.nbytes);
    from += part.nbytes;
  }
}

Status read_file_parts(const File &file, Text label, uint64_t offset, Span<const ReadPart> parts, uint64_t total,
                       Memory &memory, Text array) {
  size_t largest = 0;
  for (const ReadPart &part : parts) {
    if (part.to == nullptr && part.nbytes > largest) largest = part.nbytes;
  }
  Vec<char> unwanted(memory);
  TFILE_TRY(unwanted.resize(largest));
  ReadPart places[kMostParts];
  size_t count = 0;
  for (const ReadPart &part : parts)
    places[count++] = ReadPart{part.to != nullptr ? part.to : unwanted.data(), part.nbytes};
  size_t got = 0;
  TFILE_TRY(read_parts(&got, file, label, array, offset, Span<const ReadPart>(places, count)));
  return got < total ? ends_early(label, array, offset, total, got) : kOk;
}

}  // namespace

Status make_source(Ref<Source> &out, Memory &memory, uint64_t size, bool concurrent, tf_read_at_fn read_at,
                   tf_map_fn map, tf_release_fn release, void *user) {
  Source *source = nullptr;
  if (const Status status = make(&source, memory); !status.ok()) return give_up(status, release, user);
  source->memory = Ref<Memory>::share(&memory);
  source->size = size;
  source->concurrent = concurrent;
  source->read_at = read_at;
  source->map = map;
  source->release_user = release;
  source->user = user;
  source->label = "";
  out = Ref<Source>::adopt(source);
  return kOk;
}

Status source_from_memory(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes, tf_release_fn release,
                          void *user) {
  MemorySource *source = nullptr;
  const Status status =
      make(&source, memory, Ref<Memory>::share(&memory), static_cast<const char *>(data), release, user);
  if (!status.ok()) return give_up(status, release, user);
  return make_source(out, memory, nbytes, true, read_memory, map_memory, release_memory, source);
}

Status source_from_path(Ref<Source> &out, Memory &memory, const char *path) {
  FileSource *source = nullptr;
  TFILE_TRY(make(&source, memory, memory));
  Status status = source->path.append(path, strlen(path) + 1);
  if (status.ok()) status = open_for_reading(&source->file, &source->size, source->path.data());
  if (!status.ok()) return give_up(status, release_path, source);
  TFILE_TRY(make_source(out, memory, source->size, true, read_path_at, map_path, release_path, source));
  out->label = source->label();
  return kOk;
}

Status source_from_descriptor(Ref<Source> &out, Memory &memory, int32_t descriptor, uint64_t offset, uint64_t size) {
  FileSource *source = nullptr;
  TFILE_TRY(make(&source, memory, memory));
  Status status = source->path.push('\0');
  if (status.ok()) status = open_descriptor(&source->file, &source->size, descriptor);
  if (status.ok()) status = check_part(offset, &size, source->size, "file");
  if (!status.ok()) return give_up(status, release_path, source);
  source->file.base = offset;
  source->size = size;
  return make_source(out, memory, size, true, read_path_at, map_path, release_path, source);
}

Status source_from_part(Ref<Source> &out, Memory &memory, Source &whole, uint64_t offset, uint64_t size) {
  TFILE_TRY(check_part(offset, &size, whole.size, "source"));
  const Place place = place_of(whole);
  PartSource *part = nullptr;
  TFILE_TRY(make(&part, memory, Ref<Memory>::share(&memory), Ref<Source>::share(place.source), place.offset + offset));
  const tf_map_fn map = whole.map == nullptr ? nullptr : map_part;
  return make_source(out, memory, size, whole.concurrent, read_part, map, release_part, part);
}

Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array) {
  if (!Checked::within(offset, nbytes, source.size)) {
    return ends_early(source.label, array, offset, nbytes, offset < source.size ? source.size - offset : 0);
  }
  if (nbytes == 0) return kOk;
  // What lies in memory at `to` is no longer than a size_t tells.
  const auto size = static_cast<size_t>(nbytes);
  const Place place = place_of(source);
  const Source &bytes = *place.source;
  if (is_file(bytes)) {
    return read_exactly(file_at(place), source.label, offset, to, size, array);
  }
  const tf_status code = bytes.read_at(bytes.user, place.offset + offset, to, size);
  if (code == TF_STATUS_OK || !bytes.foreign) return Status{code};
  Failure failure(code);
  failure.in(source.label);
  if (!array.empty()) failure.array(array);
  return failure.at(offset) << "the source's read_at returned " << status_name(code) << " for " << nbytes << " bytes";
}

Status read_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, Memory &memory, Text array) {
  if (parts.size() == 1 && parts[0].to != nullptr) return read_at(source, offset, parts[0].to, parts[0].nbytes, array);
  uint64_t total = 0;
  for (const ReadPart &part : parts)
    total += part.nbytes;
  const bool inside = Checked::within(offset, total, source.size);
  const Place place = place_of(source);
  if (inside && is_file(*place.source)) {
    const File file = file_at(place);
    return read_file_parts(file, source.label, offset, parts, total, memory, array);
  }
  if (inside && place.source->read_at == read_memory) {
    hand_out(static_cast<const MemorySource *>(place.source->user)->data + place.offset + offset, parts);
    return kOk;
  }
  Vec<char> bytes(memory);
  if (inside) TFILE_TRY(bytes.resize(static_cast<size_t>(total)));
  TFILE_TRY(read_at(source, offset, bytes.data(), total, array));
  hand_out(bytes.data(), parts);
  return kOk;
}

Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out) {
  *out = nullptr;
  if (source.map == nullptr || nbytes == 0) return kOk;
  const Place place = place_of(source);
  const Source &bytes = *place.source;
  const tf_status code = bytes.map(bytes.user, place.offset + offset, nbytes, out);
  if (code == TF_STATUS_OK) return kOk;
  *out = nullptr;
  if (!bytes.foreign) return Status{code};
  return Failure(code).in(source.label).at(offset)
         << "the source's map returned " << status_name(code) << " for " << nbytes << " bytes";
}

bool is_foreign(const Source &source) {
  return place_of(source).source->foreign;
}

bool maps_privately(const Source &source) {
  return is_file(*place_of(source).source);
}

}  // namespace tfile

// src/codec/crc32.h
// CRC-32 as zip, gzip and zlib have it.


namespace tfile {

// Goes on from crc (0 to begin with).
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes);

// Of two pieces, from what each has by itself; the second has `nbytes`.
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t nbytes);

}  // namespace tfile

// src/codec/crc32.cpp
#if defined(TENSORFILE_WITH_ISAL)
#include <isa-l.h>
#else
#include <zlib.h>
#endif

namespace tfile {

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes) {
  // zlib starts anew when it gets no pointer.
  if (nbytes == 0) return crc;
#if defined(TENSORFILE_WITH_ISAL)
  return crc32_gzip_refl(crc, static_cast<const unsigned char *>(bytes), nbytes);
#else
  return static_cast<uint32_t>(crc32_z(crc, static_cast<const Bytef *>(bytes), nbytes));
#endif
}

namespace {

// Polynomials over GF(2) modulo that of CRC-32, whose bits are reversed: bit 31 is x^0.
constexpr uint32_t kPolynomial = 0xEDB88320;

constexpr uint32_t times_codec_crc32(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if ((a & 0x80000000) != 0) product ^= b;
    b = (b & 1) != 0 ? b >> 1 ^ kPolynomial : b >> 1;
  }
  return product;
}

}  // namespace

uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t nbytes) {
  // The first goes on over nbytes zeros: times x^(8 * nbytes), by squaring.
  uint32_t power = 0x00800000;  // x^8
  for (; nbytes != 0; nbytes >>= 1) {
    if ((nbytes & 1) != 0) first = times_codec_crc32(power, first);
    power = times_codec_crc32(power, power);
  }
  return first ^ second;
}

}  // namespace tfile

// src/codec/deflate.h
// Raw deflate streams: unpacked in pieces of any size, packed in chunks. zlib does it, or ISA-L where it is built in.


namespace tfile {

// Unpacks one stream. After `done` nothing more is written.
class Inflater {
 public:
  explicit Inflater(Memory &memory) : memory_(memory) {}
  Inflater(const Inflater &) = delete;
  Inflater &operator=(const Inflater &) = delete;
  ~Inflater();
  Status begin();  // also to begin another stream

  // Takes from *input and fills *output, both cut at their front by what was used, until either is empty or the stream
  // ends. False: the bytes are not a deflate stream (no error record; the caller knows where).
  Status run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output);
  // After `done`: bytes of former inputs that were taken though they lie beyond the end of the stream.
  size_t excess() const { return excess_; }

 private:
  struct State;
  Memory &memory_;
  State *state_ = nullptr;
  size_t excess_ = 0;
};

constexpr int kMostIsalLevel = 3;  // ISA-L knows 1, 2 and this

// How bytes are packed.
struct DeflateMethod {
  bool isal = false;  // by ISA-L; else by zlib
  int level = 6;      // 0 to 9
};

// Whether ISA-L is built in.
bool has_isal();

// Packs chunks, each of which can be unpacked by itself: concatenated they are one stream.
class Deflater {
 public:
  explicit Deflater(Memory &memory) : memory_(memory), output_(memory) {}
  Deflater(const Deflater &) = delete;
  Deflater &operator=(const Deflater &) = delete;
  ~Deflater();

  // Packs a chunk; the last one ends the stream, the others end with a full flush.
  Status run(Bytes chunk, bool last, const DeflateMethod &method);
  // What came out, until the next run().
  Bytes output() const { return Bytes(output_.data(), output_.size()); }

 private:
  struct ZlibState;
  struct IsalState;

  Status run_zlib(Bytes chunk, bool last, int level);
  Status run_isal(Bytes chunk, bool last, int level);
  Status store_first_byte(Bytes *chunk);

  Memory &memory_;
  ZlibState *zlib_ = nullptr;
  IsalState *isal_ = nullptr;
  Vec<uint8_t> output_;
};

}  // namespace tfile
#include <zlib.h>

// src/codec/zlib_stream.h
// zlib's streams, with memory of ours.



namespace tfile {

// A z_stream whose memory comes from a Memory.
struct ZlibStream {
  explicit ZlibStream(Memory &from) : memory(from) {
    z.zalloc = take;
    z.zfree = give_back;
    z.opaque = this;
  }
  ZlibStream(const ZlibStream &) = delete;
  ZlibStream &operator=(const ZlibStream &) = delete;

  // In front of each block that zlib gets: its size, which zlib does not give back.
  static constexpr size_t kAlignment = 16;
  static constexpr size_t kHead = kAlignment;
  // zlib counts in unsigned int.
  static constexpr size_t kMostAtOnce = size_t{1} << 30;
  static constexpr int kRawWindow = -15;

  static void *take(void *opaque, unsigned count, unsigned size) {
    auto &stream = *static_cast<ZlibStream *>(opaque);
    const Checked needed = Checked(count) * size + kHead;
    if (!needed.fits_memory()) return nullptr;
    void *block = nullptr;
    const Status status = allocate(&block, stream.memory, static_cast<size_t>(needed.value()), kAlignment);
    if (!status.ok()) {
      stream.status = status;
      return nullptr;
    }
    const auto whole = static_cast<size_t>(needed.value());
    memcpy(block, &whole, sizeof(whole));
    return static_cast<char *>(block) + kHead;
  }
  static void give_back(void *opaque, void *pointer) {
    void *const block = static_cast<char *>(pointer) - kHead;
    size_t whole = 0;
    memcpy(&whole, block, sizeof(whole));
    deallocate(static_cast<ZlibStream *>(opaque)->memory, block, whole, kAlignment);
  }
  // Why zlib refused: memory, or a misuse that only we can be guilty of.
  Status refusal(int code) const {
    if (code == Z_MEM_ERROR && !status.ok()) return status;
    return Failure(TF_STATUS_INTERNAL) << "zlib returned " << code;
  }

  z_stream z{};
  Memory &memory;
  Status status;  // of the last allocation that failed; zlib may ask for more before it gives up
};

}  // namespace tfile

// src/codec/deflate.cpp
#if defined(TENSORFILE_WITH_ISAL)
#include <isa-l.h>
#endif

namespace tfile {

namespace {

constexpr int kMemoryLevel = 8;

// Room for a chunk that does not shrink, and for the flush.
size_t room_for(size_t chunk) {
  return chunk + chunk / 256 + 1024;
}

}  // namespace

struct Deflater::ZlibState : ZlibStream {
  explicit ZlibState(Memory &from) : ZlibStream(from) {}
  ~ZlibState() { (void)deflateEnd(&z); }

  Status begin(int wanted) {
    int code = Z_OK;
    if (z.state != nullptr && level == wanted) {
      code = deflateReset(&z);
    } else {
      (void)deflateEnd(&z);
      level = wanted;
      code = deflateInit2(&z, level, Z_DEFLATED, kRawWindow, kMemoryLevel, Z_DEFAULT_STRATEGY);
    }
    return code == Z_OK ? kOk : refusal(code);
  }

  int level = 0;
};

#if defined(TENSORFILE_WITH_ISAL)

namespace {

Status refusal_of_isal(int code) {
  return Failure(TF_STATUS_INTERNAL) << "ISA-L returned " << int64_t{code};
}

}  // namespace

struct Deflater::IsalState {
  isal_zstream z;
  uint8_t room[ISAL_DEF_LVL3_DEFAULT];  // the largest of the levels'
};

bool has_isal() {
  return true;
}

// ISA-L 2.30's levels 1 and 2 file the third byte of a stream that has no history under a hash of the address of their
// state: the same bytes would give another output at another address. So the first is stored, as history of the others.
Status Deflater::store_first_byte(Bytes *chunk) {
  const uint8_t block[] = {0, 1, 0, 0xfe, 0xff, (*chunk)[0]};  // RFC 1951, 3.2.4: not the last, its length, the byte
  TFILE_TRY(output_.reserve(sizeof(block) + room_for(chunk->first(ZlibStream::kMostAtOnce).size())));
  TFILE_TRY(output_.append(block, sizeof(block)));
  const int code = isal_deflate_set_dict(&isal_->z, const_cast<uint8_t *>(chunk->data()), 1);
  *chunk = chunk->from(1);
  return code == COMP_OK ? kOk : refusal_of_isal(code);
}

Status Deflater::run_isal(Bytes chunk, bool last, int level) {
  constexpr uint32_t kRooms[] = {0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
  if (isal_ == nullptr) {
    void *place = nullptr;
    TFILE_TRY(allocate(&place, memory_, sizeof(IsalState), alignof(IsalState)));
    isal_ = static_cast<IsalState *>(place);
  }
  isal_zstream &z = isal_->z;
  isal_deflate_init(&z);
  z.level = static_cast<uint32_t>(level);
  z.level_buf = isal_->room;
  z.level_buf_size = kRooms[level];
  if (level < kMostIsalLevel && chunk.size() > 1) TFILE_TRY(store_first_byte(&chunk));
  do {
    const Bytes piece = chunk.first(ZlibStream::kMostAtOnce);
    chunk = chunk.from(piece.size());
    z.next_in = const_cast<uint8_t *>(piece.data());
    z.avail_in = static_cast<uint32_t>(piece.size());
    z.flush = chunk.empty() ? FULL_FLUSH : NO_FLUSH;
    z.end_of_stream = last && chunk.empty();
    do {
      const size_t before = output_.size();
      TFILE_TRY(output_.resize(before + room_for(piece.size())));
      z.next_out = output_.data() + before;
      z.avail_out = static_cast<uint32_t>(output_.size() - before);
      const int code = isal_deflate(&z);
      output_.truncate(output_.size() - z.avail_out);
      if (code != COMP_OK) return refusal_of_isal(code);
    } while (z.avail_out == 0);
  } while (!chunk.empty());
  return kOk;
}

#else

struct Deflater::IsalState {};

bool has_isal() {
  return false;
}

Status Deflater::run_isal(Bytes /*chunk*/, bool /*last*/, int /*level*/) {
  return Failure(TF_STATUS_INTERNAL) << "ISA-L is not built in";
}

#endif

Deflater::~Deflater() {
  if (zlib_ != nullptr) destroy(memory_, zlib_);
  if (isal_ != nullptr) destroy(memory_, isal_);
}

Status Deflater::run(Bytes chunk, bool last, const DeflateMethod &method) {
  output_.clear();
  return method.isal ? run_isal(chunk, last, method.level) : run_zlib(chunk, last, method.level);
}

Status Deflater::run_zlib(Bytes chunk, bool last, int level) {
  if (zlib_ == nullptr) TFILE_TRY(make(&zlib_, memory_, memory_));
  TFILE_TRY(zlib_->begin(level));
  z_stream &z = zlib_->z;
  do {
    const Bytes piece = chunk.first(ZlibStream::kMostAtOnce);
    chunk = chunk.from(piece.size());
    z.next_in = const_cast<Bytef *>(piece.data());
    z.avail_in = static_cast<uInt>(piece.size());
    const int flush = !chunk.empty() ? Z_NO_FLUSH : last ? Z_FINISH : Z_FULL_FLUSH;
    do {
      const size_t before = output_.size();
      TFILE_TRY(output_.resize(before + room_for(piece.size())));
      z.next_out = output_.data() + before;
      z.avail_out = static_cast<uInt>(output_.size() - before);
      const int code = deflate(&z, flush);
      output_.truncate(output_.size() - z.avail_out);
      if (code == Z_STREAM_ERROR) return zlib_->refusal(code);
    } while (z.avail_out == 0);
  } while (!chunk.empty());
  return kOk;
}

}  // namespace tfile

// src/codec/inflate.cpp
#if defined(TENSORFILE_WITH_ISAL)

#include <isa-l.h>

namespace tfile {

struct Inflater::State {
  inflate_state z;
  bool done = false;
  bool broken = false;
};

Inflater::~Inflater() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Inflater::begin() {
  if (state_ == nullptr) TFILE_TRY(make(&state_, memory_));
  isal_inflate_init(&state_->z);
  state_->done = state_->broken = false;
  excess_ = 0;
  return kOk;
}

Status Inflater::run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output) {
  constexpr size_t kMostAtOnce = size_t{1} << 30;
  State &state = *state_;
  inflate_state &z = state.z;
  *valid = !state.broken;
  *done = state.done;
  uint8_t nothing = 0;
  while (*valid && !*done) {
    const Bytes in = input->first(kMostAtOnce);
    const Span<uint8_t> out = output->first(kMostAtOnce);
    z.next_in = const_cast<uint8_t *>(in.empty() ? &nothing : in.data());
    z.avail_in = static_cast<uint32_t>(in.size());
    z.next_out = out.empty() ? &nothing : out.data();
    z.avail_out = static_cast<uint32_t>(out.size());
    const int code = isal_inflate(&z);
    size_t took = in.size() - z.avail_in;
    const size_t gave = out.size() - z.avail_out;
    *output = output->from(gave);
    *valid = code >= 0;
    state.broken = code < 0;
    *done = state.done = *valid && z.block_state == ISAL_BLOCK_FINISH;
    if (*done) {
      // Whole bytes that it has read ahead.
      const auto ahead = static_cast<size_t>(z.read_in_length / 8);
      const size_t back = ahead < took ? ahead : took;
      excess_ = ahead - back;
      took -= back;
    }
    *input = input->from(took);
    if (!*valid || (took == 0 && gave == 0)) break;
  }
  return kOk;
}

}  // namespace tfile

#else
namespace tfile {

struct Inflater::State : ZlibStream {
  explicit State(Memory &from) : ZlibStream(from) {}
  ~State() { (void)inflateEnd(&z); }

  bool done = false;
};

Inflater::~Inflater() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Inflater::begin() {
  if (state_ == nullptr) TFILE_TRY(make(&state_, memory_, memory_));
  State &state = *state_;
  state.done = false;
  const int code = state.z.state == nullptr ? inflateInit2(&state.z, ZlibStream::kRawWindow) : inflateReset(&state.z);
  return code == Z_OK ? kOk : state.refusal(code);
}

Status Inflater::run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output) {
  State &state = *state_;
  z_stream &z = state.z;
  *valid = true;
  *done = state.done;
  // zlib wants a pointer even when there is nothing to write.
  uint8_t nothing = 0;
  while (!*done) {
    const Bytes in = input->first(ZlibStream::kMostAtOnce);
    const Span<uint8_t> out = output->first(ZlibStream::kMostAtOnce);
    z.next_in = const_cast<Bytef *>(in.empty() ? &nothing : in.data());
    z.avail_in = static_cast<uInt>(in.size());
    z.next_out = out.empty() ? &nothing : out.data();
    z.avail_out = static_cast<uInt>(out.size());
    const int code = inflate(&z, Z_NO_FLUSH);
    const size_t took = in.size() - z.avail_in;
    const size_t gave = out.size() - z.avail_out;
    *input = input->from(took);
    *output = output->from(gave);
    if (code == Z_MEM_ERROR) return state.refusal(code);
    *valid = code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END;
    *done = state.done = code == Z_STREAM_END;
    if (!*valid || (took == 0 && gave == 0)) break;
  }
  return kOk;
}

}  // namespace tfile

#endif

// src/codec/json.h
// JsonReader: pulls values out of a JSON document in memory, in one pass, as the caller asks for them.


namespace tfile {

enum class JsonType : uint8_t { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull, kNone };

// Strict as RFC 8259, and UTF-8 only. It allocates nothing; strings are decoded where they stand. Whatever fails is
// CORRUPT, with the byte in the file that is to blame.
//
//   TFILE_TRY(reader.begin_object());
//   for (;;) {
//     TFILE_TRY(reader.next_key(&more, &key));
//     if (!more) break;
//     ... reads one value, or skips it
//   }
//   TFILE_TRY(reader.end());
class JsonReader {
 public:
  static constexpr unsigned kMaxDepth = 128;

  // file is what messages call it, and offset where the document begins in it.
  JsonReader(Span<char> document, Text file, uint64_t offset) : document_(document), file_(file), offset_(offset) {}

  // What the next value or bracket begins as; kNone: neither a value nor "{" or "[" follows.
  JsonType peek();
  // The place of the next token in the document.
  size_t position();
  // To a place that position() gave before a value; that value can be read again unless string() has decoded in it.
  void seek(size_t position);

  // From the next token to the end, for a caller who reads a value by himself; and then on behind it.
  Text rest() {
    skip_space();
    return Text(document_.data() + at_, document_.size() - at_);
  }
  void pass(size_t nbytes) { at_ += nbytes; }

  Status begin_object();
  // The next key, or *more = false behind the last one; the key's value is to be read next.
  Status next_key(bool *more, Text *key);
  // As next_key(), but gives the bytes between the quotes as they stand.
  Status next_raw_key(bool *more, Text *key);
  Status begin_array();
  // *more: an element is to be read next.
  Status next_element(bool *more);

  // Decoded, in the document.
  Status string(Text *text);
  // The bytes between the quotes, checked but not decoded.
  Status raw_string(Text *text);
  // A number of 0 to 2^64 - 1 without fraction and exponent.
  Status unsigned_integer(uint64_t *number);
  Status null();
  // Decodes a raw string where it stands; it cannot be read again.
  Text decode(Text raw);
  // Any value, checked in full.
  Status skip();
  // Nothing but white space may follow.
  Status end();

  // Names what the messages that follow are about; Text(): nothing.
  void about_array(Text name) { array_ = name, key_ = Text(); }
  void about_key(Text name) { array_ = Text(), key_ = name; }
  // The beginning of a message about a place in the document.
  Failure fail(size_t position, tf_status status = TF_STATUS_CORRUPT) const;
  // CORRUPT: what was expected where peek() looked, and what is there.
  Status expected(const char *what) const;

 private:
  void skip_space();
  Status begin(char bracket, const char *what);
  Status next(bool *more, char bracket, const char *what);
  Status literal(Text word);
  Status digits();
  Status number();
  Status escape();
  Status hex4(uint32_t *unit);
  Status scalar(JsonType type);

  Span<char> document_;
  Text file_;
  uint64_t offset_;
  Text array_;
  Text key_;
  size_t at_ = 0;
  unsigned depth_ = 0;
  bool fresh_ = false;  // just behind an opening bracket
};

// Whether a raw string means other bytes than its own.
bool has_json_escape(Text raw);
// The bytes of UTF-8 that a raw string means.
size_t raw_json_size(Text raw);
// Compares what two raw strings mean, by the bytes of their UTF-8.
int compare_raw_json(Text a, Text b);

}  // namespace tfile

// src/codec/json.cpp
namespace tfile {

namespace {

bool is_digit_codec_json(char c) {
  return c >= '0' && c <= '9';
}

bool is_high_surrogate(uint32_t unit) {
  return unit >= 0xD800 && unit < 0xDC00;
}

bool is_low_surrogate(uint32_t unit) {
  return unit >= 0xDC00 && unit < 0xE000;
}

// Whether one of eight bytes ends a run of a string that needs no second look: a quote, a backslash, a control
// character, or a byte that is not ASCII. May say yes for a byte above such a one, never no for one.
bool has_special(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kHighs = 0x8080808080808080u;
  const uint64_t quote = eight ^ kOnes * '"';
  const uint64_t slash = eight ^ kOnes * '\\';
  return ((eight - kOnes * 0x20) | (quote - kOnes) | (slash - kOnes) | eight) & kHighs;
}

size_t plain_run(Text text) {
  size_t i = 0;
  for (uint64_t eight; text.size() - i >= sizeof(eight); i += sizeof(eight)) {
    memcpy(&eight, text.data() + i, sizeof(eight));
    if (has_special(eight)) break;
  }
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20 || static_cast<uint8_t>(c) >= 0x80) break;
  }
  return i;
}

// The value of a hexadecimal digit, or 16.
uint32_t hex_value(char c) {
  if (is_digit_codec_json(c)) return static_cast<uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint32_t>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<uint32_t>(c - 'A') + 10;
  return 16;
}

uint32_t hex4_of(const char *digits) {
  return hex_value(digits[0]) << 12 | hex_value(digits[1]) << 8 | hex_value(digits[2]) << 4 | hex_value(digits[3]);
}

// Decodes an escape that has been checked: *from, at its backslash, goes behind it. The bytes written to out, at most
// 4.
size_t decode_escape(const char **from, char *out) {
  const char kind = (*from)[1];
  if (kind != 'u') {
    *from += 2;
    out[0] = kind == 'b'   ? '\b'
             : kind == 'f' ? '\f'
             : kind == 'n' ? '\n'
             : kind == 'r' ? '\r'
             : kind == 't' ? '\t'
                           : kind;
    return 1;
  }
  uint32_t point = hex4_of(*from + 2);
  *from += 6;
  if (is_high_surrogate(point)) {
    point = 0x10000 + ((point - 0xD800) << 10) + (hex4_of(*from + 2) - 0xDC00);
    *from += 6;
  }
  return utf8_encode(out, point);
}

// Decodes a raw string over itself: no escape is shorter than what it stands for.
Text decode_in_place(char *data, size_t size) {
  const char *const end = data + size;
  const auto *slash = size == 0 ? nullptr : static_cast<const char *>(memchr(data, '\\', size));
  if (slash == nullptr) return Text(data, size);
  char *to = data + (slash - data);
  for (const char *from = slash; from < end;) {
    if (*from == '\\') {
      char decoded[4];
      const size_t count = decode_escape(&from, decoded);
      memcpy(to, decoded, count);
      to += count;
    } else {
      *to++ = *from++;
    }
  }
  return Text(data, static_cast<size_t>(to - data));
}

// Gives the bytes that a raw string means, one after another.
class Decoding {
 public:
  explicit Decoding(Text raw) : from_(raw.data()), end_(raw.data() + raw.size()) {}

  // -1 behind the last one.
  int next() {
    if (given_ < count_) return static_cast<uint8_t>(bytes_[given_++]);
    if (from_ == end_) return -1;
    if (*from_ != '\\') return static_cast<uint8_t>(*from_++);
    count_ = decode_escape(&from_, bytes_);
    given_ = 1;
    return static_cast<uint8_t>(bytes_[0]);
  }

 private:
  const char *from_;
  const char *end_;
  char bytes_[4] = {};
  size_t count_ = 0;
  size_t given_ = 0;
};

}  // namespace

bool has_json_escape(Text raw) {
  return !raw.empty() && memchr(raw.data(), '\\', raw.size()) != nullptr;
}

size_t raw_json_size(Text raw) {
  if (!has_json_escape(raw)) return raw.size();
  size_t size = 0;
  for (Decoding decoding(raw); decoding.next() >= 0;)
    ++size;
  return size;
}

int compare_raw_json(Text a, Text b) {
  if (!has_json_escape(a) && !has_json_escape(b)) return compare(a, b);
  Decoding left(a);
  Decoding right(b);
  for (;;) {
    const int x = left.next();
    const int y = right.next();
    if (x != y) return x < y ? -1 : 1;
    if (x < 0) return 0;
  }
}

Failure JsonReader::fail(size_t position, tf_status status) const {
  Failure failure(status);
  failure.in(file_);
  if (array_.data() != nullptr) failure.array(array_);
  if (key_.data() != nullptr) failure.key(key_);
  failure.at(offset_ + position);
  return failure;
}

Status JsonReader::expected(const char *what) const {
  Failure failure = fail(at_);
  failure << "JSON: expected " << what << ", found ";
  if (at_ == document_.size()) return failure << "the end";
  const char *const found = document_.data() + at_;
  const size_t length = utf8_sequence(Bytes(reinterpret_cast<const uint8_t *>(found), document_.size() - at_));
  return failure.quoted(Text(found, length == 0 ? 1 : length));
}

void JsonReader::skip_space() {
  while (at_ < document_.size()) {
    const char c = document_[at_];
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') return;
    ++at_;
  }
}

size_t JsonReader::position() {
  skip_space();
  return at_;
}

void JsonReader::seek(size_t position) {
  at_ = position;
  depth_ = 0;
  fresh_ = false;
}

JsonType JsonReader::peek() {
  skip_space();
  if (at_ == document_.size()) return JsonType::kNone;
  switch (const char c = document_[at_]; c) {
    case '{':
      return JsonType::kObject;
    case '[':
      return JsonType::kArray;
    case '"':
      return JsonType::kString;
    case 't':
      return JsonType::kTrue;
    case 'f':
      return JsonType::kFalse;
    case 'n':
      return JsonType::kNull;
    default:
      return c == '-' || is_digit_codec_json(c) ? JsonType::kNumber : JsonType::kNone;
  }
}

Status JsonReader::begin(char bracket, const char *what) {
  skip_space();
  if (at_ == document_.size() || document_[at_] != bracket) return expected(what);
  if (depth_ == kMaxDepth) return fail(at_) << "JSON: nested deeper than " << kMaxDepth;
  ++at_;
  ++depth_;
  fresh_ = true;
  return kOk;
}

Status JsonReader::begin_object() {
  return begin('{', "'{'");
}

Status JsonReader::begin_array() {
  return begin('[', "'['");
}

Status JsonReader::next(bool *more, char bracket, const char *what) {
  skip_space();
  const char c = at_ < document_.size() ? document_[at_] : '\0';
  const bool first = fresh_;
  fresh_ = false;
  *more = c != bracket;
  if (!*more) {
    ++at_;
    --depth_;
    return kOk;
  }
  if (first) return kOk;
  if (c != ',') return expected(what);
  ++at_;
  return kOk;
}

Status JsonReader::next_element(bool *more) {
  return next(more, ']', "',' or ']'");
}

Status JsonReader::next_raw_key(bool *more, Text *key) {
  const bool first = fresh_;
  TFILE_TRY(next(more, '}', "',' or '}'"));
  if (!*more) return kOk;
  if (peek() != JsonType::kString) return expected(first ? "a key or '}'" : "a key");
  TFILE_TRY(raw_string(key));
  skip_space();
  if (at_ == document_.size() || document_[at_] != ':') return expected("':'");
  ++at_;
  return kOk;
}

Status JsonReader::next_key(bool *more, Text *key) {
  TFILE_TRY(next_raw_key(more, key));
  if (*more) *key = decode(*key);
  return kOk;
}

Status JsonReader::string(Text *text) {
  TFILE_TRY(raw_string(text));
  *text = decode(*text);
  return kOk;
}

Text JsonReader::decode(Text raw) {
  return decode_in_place(document_.data() + (raw.data() - document_.data()), raw.size());
}

Status JsonReader::raw_string(Text *text) {
  if (peek() != JsonType::kString) return expected("a string");
  const size_t quote = at_++;
  for (;;) {
    at_ += plain_run(Text(Span<const char>(document_.data() + at_, document_.size() - at_)));
    if (at_ == document_.size()) return fail(quote) << "JSON: a string without its closing quote";
    const char c = document_[at_];
    if (c == '"') break;
    if (c == '\\') {
      TFILE_TRY(escape());
      continue;
    }
    if (static_cast<uint8_t>(c) < 0x20) {
      return fail(at_) << "JSON: a control character in a string (" << Hex{static_cast<uint8_t>(c)} << "), not escaped";
    }
    const Bytes rest(reinterpret_cast<const uint8_t *>(document_.data()) + at_, document_.size() - at_);
    const size_t length = utf8_sequence(rest);
    if (length == 0) return fail(at_) << "JSON: a string is not UTF-8";
    at_ += length;
  }
  *text = Text(document_.data() + quote + 1, at_ - quote - 1);
  ++at_;
  return kOk;
}

Status JsonReader::hex4(uint32_t *unit) {
  *unit = 0;
  for (size_t i = 0; i < 4; ++i) {
    const uint32_t digit = at_ + i < document_.size() ? hex_value(document_[at_ + i]) : 16;
    if (digit == 16) return fail(at_ + i) << "JSON: \\u needs four hexadecimal digits";
    *unit = *unit << 4 | digit;
  }
  at_ += 4;
  return kOk;
}

// Checks an escape, at its backslash, and goes behind it.
Status JsonReader::escape() {
  const size_t start = at_++;
  const char kind = at_ < document_.size() ? document_[at_++] : '\0';
  if (kind != 'u') {
    if (kind != '\0' && strchr("\"\\/bfnrt", kind) != nullptr) return kOk;
    return fail(start) << "JSON: no such escape as \\ and what follows it";
  }
  uint32_t unit = 0;
  TFILE_TRY(hex4(&unit));
  if (is_low_surrogate(unit)) return fail(start) << "JSON: a lone surrogate, \\u" << Hex{unit};
  if (!is_high_surrogate(unit)) return kOk;
  const bool followed = document_.size() - at_ >= 2 && document_[at_] == '\\' && document_[at_ + 1] == 'u';
  if (!followed) return fail(start) << "JSON: a lone surrogate, \\u" << Hex{unit};
  at_ += 2;
  uint32_t low = 0;
  TFILE_TRY(hex4(&low));
  if (is_low_surrogate(low)) return kOk;
  return fail(start) << "JSON: a lone surrogate, \\u" << Hex{unit};
}

Status JsonReader::unsigned_integer(uint64_t *number) {
  const JsonType type = peek();
  if (type != JsonType::kNumber || document_[at_] == '-') return expected("an integer of 0 or more");
  const size_t start = at_;
  uint64_t value = 0;
  bool fits = true;
  for (; at_ < document_.size() && is_digit_codec_json(document_[at_]); ++at_) {
    const auto digit = static_cast<uint64_t>(document_[at_] - '0');
    fits =
        fits && !__builtin_mul_overflow(value, uint64_t{10}, &value) && !__builtin_add_overflow(value, digit, &value);
  }
  if (document_[start] == '0' && at_ - start > 1) return fail(start) << "JSON: a number with a leading zero";
  const char behind = at_ < document_.size() ? document_[at_] : '\0';
  if (behind == '.' || behind == 'e' || behind == 'E') {
    return fail(start) << "JSON: expected an integer, found a number with a fraction or exponent";
  }
  if (!fits) return fail(start) << "JSON: a number of 2^64 or more";
  *number = value;
  return kOk;
}

Status JsonReader::digits() {
  if (at_ == document_.size() || !is_digit_codec_json(document_[at_])) return expected("a digit");
  while (at_ < document_.size() && is_digit_codec_json(document_[at_]))
    ++at_;
  return kOk;
}

Status JsonReader::number() {
  const auto follows = [this](const char *any) {
    return at_ < document_.size() && document_[at_] != '\0' && strchr(any, document_[at_]) != nullptr;
  };
  if (follows("-")) ++at_;
  const size_t start = at_;
  const bool zero = follows("0");
  TFILE_TRY(digits());
  if (zero && at_ - start > 1) return fail(start) << "JSON: a number with a leading zero";
  if (follows(".")) {
    ++at_;
    TFILE_TRY(digits());
  }
  if (!follows("eE")) return kOk;
  ++at_;
  if (follows("+-")) ++at_;
  return digits();
}

Status JsonReader::literal(Text word) {
  const Text rest(Span<const char>(document_.data() + at_, document_.size() - at_));
  if (!rest.starts_with(word)) return expected("a value");
  at_ += word.size();
  return kOk;
}

Status JsonReader::null() {
  return peek() == JsonType::kNull ? literal("null") : expected("null");
}

Status JsonReader::scalar(JsonType type) {
  Text dropped;
  switch (type) {
    case JsonType::kString:
      return raw_string(&dropped);
    case JsonType::kNumber:
      return number();
    case JsonType::kTrue:
      return literal("true");
    case JsonType::kFalse:
      return literal("false");
    case JsonType::kNull:
      return literal("null");
    default:
      return expected("a value");
  }
}

// Without recursion: which containers are open, and whether each is an object, is kept here.
Status JsonReader::skip() {
  const unsigned outside = depth_;
  bool is_object[kMaxDepth + 1];
  for (;;) {
    const JsonType type = peek();
    if (type == JsonType::kObject || type == JsonType::kArray) {
      TFILE_TRY(type == JsonType::kObject ? begin_object() : begin_array());
      is_object[depth_] = type == JsonType::kObject;
    } else {
      TFILE_TRY(scalar(type));
    }
    bool more = false;
    while (!more) {
      if (depth_ == outside) return kOk;
      Text key;
      TFILE_TRY(is_object[depth_] ? next_raw_key(&more, &key) : next_element(&more));
    }
  }
}

Status JsonReader::end() {
  skip_space();
  return at_ == document_.size() ? kOk : expected("nothing more");
}

}  // namespace tfile

// src/codec/json_text.h
// JsonText: writes compact JSON.


namespace tfile {

// Writes behind `out`, or, when that is NULL, only counts.
class JsonText {
 public:
  explicit JsonText(Vec<char> *out) : out_(out) {}

  size_t size() const { return size_; }
  // As it is.
  Status put(Text text);
  Status number(uint64_t number);
  // In quotes, escaped as serde_json and Python's json do it; text is UTF-8 and is left so.
  Status string(Text text);

 private:
  Status escape(uint8_t byte);

  Vec<char> *out_;
  size_t size_ = 0;
};

}  // namespace tfile

// src/codec/json_text.cpp
namespace tfile {

namespace {

bool needs_escape(char c) {
  return c == '"' || c == '\\' || static_cast<uint8_t>(c) < 0x20;
}

}  // namespace

Status JsonText::put(Text text) {
  size_ += text.size();
  return out_ == nullptr ? kOk : out_->append(text.data(), text.size());
}

Status JsonText::number(uint64_t number) {
  char digits[24];
  LineWriter line(digits, sizeof(digits));
  line << number;
  return put(line.text());
}

Status JsonText::escape(uint8_t byte) {
  constexpr char kHex[] = "0123456789abcdef";
  const char *const short_form = byte == '"'    ? "\\\""
                                 : byte == '\\' ? "\\\\"
                                 : byte == '\b' ? "\\b"
                                 : byte == '\f' ? "\\f"
                                 : byte == '\n' ? "\\n"
                                 : byte == '\r' ? "\\r"
                                 : byte == '\t' ? "\\t"
                                                : nullptr;
  if (short_form != nullptr) return put(short_form);
  const char unit[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  return put(Text(unit, sizeof(unit)));
}

Status JsonText::string(Text text) {
  TFILE_TRY(put("\""));
  for (size_t start = 0; start < text.size();) {
    size_t end = start;
    while (end < text.size() && !needs_escape(text[end]))
      ++end;
    TFILE_TRY(put(Text(text.data() + start, end - start)));
    if (end < text.size()) TFILE_TRY(escape(static_cast<uint8_t>(text[end++])));
    start = end;
  }
  return put("\"");
}

}  // namespace tfile

// src/quant/kernels.h
// The single steps of a cast: loops from one dtype to another.



namespace tfile {

// Converts count elements, contiguous at both ends, of any alignment; of a packed type whole units.
using CastKernel = void (*)(void *to, const void *from, size_t count);

// The loop from one dtype to another, or NULL: there is none, and the cast goes through a third dtype.
CastKernel find_cast_kernel(tf_dtype from, tf_dtype to);

// The one for every CPU, which the others are tested against.
CastKernel find_plain_kernel(tf_dtype from, tf_dtype to);

}  // namespace tfile

// src/quant/blocks.h
// Decoding of ggml's block types.


namespace tfile {

// The loop that decodes a block type to float32, or NULL: it is none. Its count is of elements, whole blocks.
CastKernel find_block_decoder(tf_dtype from);

// Decodes whole blocks, which need no alignment, to as many float32 times the elements of a block.
void decode_blocks(const Dtype &dtype, float *to, const void *from, uint64_t blocks);

}  // namespace tfile

// src/quant/small_floats.h
// Float types of at most 16 bits, bit by bit: what each code is as a float32, and which code a float32 becomes, as
// NumPy and ml_dtypes have it. Nothing here branches on a value, so that loops over it vectorise, and nothing depends
// on subnormals being computed with, so that a caller's flush-to-zero mode changes no result.


namespace tfile {

inline constexpr uint32_t kFloatInf = 0x7f800000;
inline constexpr uint32_t kFloatNan = 0x7fc00000;
inline constexpr uint32_t kFloatMagnitude = 0x7fffffff;

// Compilers have this for longer than their libraries have std::bit_cast.
constexpr uint32_t float_bits(float value) {
  return __builtin_bit_cast(uint32_t, value);
}
constexpr float float_of(uint32_t bits) {
  return __builtin_bit_cast(float, bits);
}
constexpr uint64_t double_bits(double value) {
  return __builtin_bit_cast(uint64_t, value);
}
constexpr double double_of(uint64_t bits) {
  return __builtin_bit_cast(double, bits);
}
// 2 to the power of an exponent that gives a normal number.
constexpr float float_power(int exponent) {
  return float_of(static_cast<uint32_t>(exponent + 127) << 23);
}
constexpr double double_power(int exponent) {
  return double_of(static_cast<uint64_t>(exponent + 1023) << 52);
}

// A sign, an exponent of this bias, and this many bits of mantissa below it. Codes are without the sign unless said
// otherwise.
struct Float8E4m3fn {
  static constexpr int kBits = 8, kMantissa = 3, kBias = 7;
  static constexpr uint32_t kLargest = 0x7e;   // finite
  static constexpr uint32_t kOverflow = 0x7f;  // what is larger becomes this, infinity too
  static constexpr uint32_t kNan = 0x7f;       // what NaN becomes
  static constexpr bool kHasInf = false;
};
struct Float8E5m2 {
  static constexpr int kBits = 8, kMantissa = 2, kBias = 15;
  static constexpr uint32_t kLargest = 0x7b;
  static constexpr uint32_t kOverflow = 0x7c;
  static constexpr uint32_t kNan = 0x7e;
  static constexpr bool kHasInf = true;
};
// fnuz: the code of -0 is the one NaN.
struct Float8E4m3fnuz {
  static constexpr int kBits = 8, kMantissa = 3, kBias = 8;
  static constexpr uint32_t kLargest = 0x7f;
  static constexpr uint32_t kOverflow = 0x80;
  static constexpr uint32_t kNan = 0x80;
  static constexpr bool kHasInf = false;
};
struct Float8E5m2fnuz {
  static constexpr int kBits = 8, kMantissa = 2, kBias = 16;
  static constexpr uint32_t kLargest = 0x7f;
  static constexpr uint32_t kOverflow = 0x80;
  static constexpr uint32_t kNan = 0x80;
  static constexpr bool kHasInf = false;
};
// No NaN at all: ml_dtypes makes it a zero of the other sign.
struct Float6E2m3fn {
  static constexpr int kBits = 6, kMantissa = 3, kBias = 1;
  static constexpr uint32_t kLargest = 0x1f;
  static constexpr uint32_t kOverflow = 0x1f;
  static constexpr uint32_t kNan = 0;
  static constexpr bool kHasInf = false;
};
struct Float6E3m2fn {
  static constexpr int kBits = 6, kMantissa = 2, kBias = 3;
  static constexpr uint32_t kLargest = 0x1f;
  static constexpr uint32_t kOverflow = 0x1f;
  static constexpr uint32_t kNan = 0;
  static constexpr bool kHasInf = false;
};
struct Float4E2m1fn {
  static constexpr int kBits = 4, kMantissa = 1, kBias = 1;
  static constexpr uint32_t kLargest = 0x7;
  static constexpr uint32_t kOverflow = 0x7;
  static constexpr uint32_t kNan = 0;
  static constexpr bool kHasInf = false;
};
struct Float16 {
  static constexpr int kBits = 16, kMantissa = 10, kBias = 15;
  static constexpr uint32_t kLargest = 0x7bff;
  static constexpr uint32_t kOverflow = 0x7c00;
  static constexpr bool kHasInf = true;
};

// Bits without sign of a finite float32 or of infinity, to the code of F.
template <typename F>
constexpr uint32_t round_magnitude(uint32_t bits) {
  constexpr int kShift = 23 - F::kMantissa;
  constexpr uint32_t kRebias = static_cast<uint32_t>(127 - F::kBias) << 23;
  // In the sum with this number the last bit is worth as much as the smallest subnormal of F.
  constexpr float kAligner = float_power(24 - F::kBias - F::kMantissa);
  const uint32_t normal = (bits - kRebias + ((1u << (kShift - 1)) - 1) + ((bits >> kShift) & 1)) >> kShift;
  const uint32_t subnormal = float_bits(float_of(bits) + kAligner) - float_bits(kAligner);
  const uint32_t code = bits < kRebias + (1u << 23) ? subnormal : normal;
  return code > F::kLargest ? F::kOverflow : code;
}

// The code of a float32, its sign included.
template <typename F>
constexpr uint32_t code_of_float(uint32_t bits) {
  constexpr int kSignAt = F::kBits - 1;
  constexpr bool kSignedZero = F::kNan != 1u << kSignAt;
  constexpr uint32_t kNanFlip = F::kNan == 0 ? 1u << kSignAt : 0;
  const uint32_t magnitude = bits & kFloatMagnitude;
  const uint32_t sign = (bits >> 31) << kSignAt;
  const uint32_t code = round_magnitude<F>(magnitude);
  const uint32_t with_sign = kSignedZero || code != 0 ? code | sign : 0;
  return magnitude > kFloatInf ? F::kNan | (sign ^ kNanFlip) : with_sign;
}

// Bits of the finite float32 that a code without sign is.
template <typename F>
constexpr uint32_t widen_magnitude(uint32_t code) {
  constexpr uint32_t kRebias = static_cast<uint32_t>(127 - F::kBias) << 23;
  constexpr float kSmallest = float_power(1 - F::kBias - F::kMantissa);
  const uint32_t normal = (code << (23 - F::kMantissa)) + kRebias;
  const uint32_t subnormal = float_bits(static_cast<float>(static_cast<int32_t>(code)) * kSmallest);
  return code < 1u << F::kMantissa ? subnormal : normal;
}

// Bits of the float32 that a code with its sign is; NaN is the quiet one without payload.
template <typename F>
constexpr uint32_t float_of_code(uint32_t code) {
  constexpr int kSignAt = F::kBits - 1;
  const uint32_t magnitude = code & ((1u << kSignAt) - 1);
  const uint32_t sign = (code >> kSignAt) << 31;
  uint32_t bits = widen_magnitude<F>(magnitude);
  if constexpr (F::kHasInf) {
    bits = magnitude > F::kOverflow ? kFloatNan : magnitude == F::kOverflow ? kFloatInf : bits;
  } else if constexpr (F::kNan == 1u << kSignAt) {
    bits = code == F::kNan ? kFloatNan : bits;
  } else if constexpr (F::kNan != 0) {
    bits = magnitude == F::kNan ? kFloatNan : bits;
  }
  return bits | sign;
}

// float16 keeps the bits of a NaN's payload that it has room for, as NumPy does; none of them left: 1.
constexpr uint16_t half_of_float(uint32_t bits) {
  const uint32_t magnitude = bits & kFloatMagnitude;
  const uint32_t payload = (magnitude >> 13) & 0x3ff;
  const uint32_t nan = 0x7c00 | (payload == 0 ? 1 : payload);
  const uint32_t code = magnitude > kFloatInf ? nan : round_magnitude<Float16>(magnitude);
  return static_cast<uint16_t>(code | (bits >> 31) << 15);
}
constexpr uint32_t float_of_half(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t bits = magnitude >= 0x7c00 ? kFloatInf | magnitude << 13 : widen_magnitude<Float16>(magnitude);
  return bits | (half & 0x8000u) << 16;
}

// In one step, so that nothing is rounded twice.
constexpr uint16_t half_of_double(uint64_t bits) {
  constexpr uint64_t kRebias = uint64_t{1023 - 15} << 52;
  constexpr double kAligner = double_power(28);
  const uint64_t magnitude = bits & INT64_MAX;
  const uint64_t normal = (magnitude - kRebias + ((uint64_t{1} << 41) - 1) + ((magnitude >> 42) & 1)) >> 42;
  const uint64_t subnormal = double_bits(double_of(magnitude) + kAligner) - double_bits(kAligner);
  uint64_t code = magnitude < kRebias + (uint64_t{1} << 52) ? subnormal : normal;
  code = code > 0x7bff ? 0x7c00 : code;
  const uint64_t payload = (magnitude >> 42) & 0x3ff;
  const uint64_t nan = 0x7c00 | (payload == 0 ? 1 : payload);
  code = magnitude > uint64_t{0x7ff} << 52 ? nan : code;
  return static_cast<uint16_t>(code | (bits >> 63) << 15);
}
constexpr uint64_t double_of_half(uint16_t half) {
  const uint64_t magnitude = half & 0x7fffu;
  const uint64_t special = magnitude >= 0x7c00 ? uint64_t{1023 - 15} << 52 : 0;
  const uint64_t normal = (magnitude << 42) + (uint64_t{1023 - 15} << 52) + special;
  const uint64_t subnormal = double_bits(static_cast<double>(static_cast<int32_t>(magnitude)) * double_power(-24));
  return (magnitude < 0x400 ? subnormal : normal) | (half & uint64_t{0x8000}) << 48;
}

constexpr uint16_t bfloat16_of_float(uint32_t bits) {
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t nan = 0x7fc0 | (bits >> 31) << 15;
  return static_cast<uint16_t>((bits & kFloatMagnitude) > kFloatInf ? nan : rounded);
}
constexpr uint32_t float_of_bfloat16(uint16_t bits) {
  return uint32_t{bits} << 16;
}

// float8_e8m0fnu: 2 to the power of code - 127; 255 is NaN, and so is what has no such power: zero, negative numbers,
// what is too large. Ties go up; positive numbers below the smallest become it; what lies between it and the next goes
// up even below the tie, as in ml_dtypes.
constexpr uint8_t e8m0_of_float(uint32_t bits) {
  const uint32_t subnormal = bits > 0x400000 ? 1 : 0;
  const uint32_t normal = (bits + 0x400000) >> 23;
  const uint32_t code = bits < 0x800000 ? subnormal : normal;
  return static_cast<uint8_t>(bits - 1 >= kFloatInf - 1 ? 0xff : code);
}
constexpr uint32_t float_of_e8m0(uint8_t code) {
  const uint32_t number = code == 0 ? 0x400000 : uint32_t{code} << 23;
  return code == 0xff ? kFloatNan : number;
}

// float32 and float64: a signalling NaN becomes quiet and keeps its payload, on every processor.
constexpr uint64_t double_of_float(uint32_t bits) {
  const uint32_t magnitude = bits & kFloatMagnitude;
  const uint64_t rebias = uint64_t{1023 - 127} << 52;
  uint64_t wide = (uint64_t{magnitude} << 29) + rebias + (magnitude >= kFloatInf ? rebias : 0);
  wide |= magnitude > kFloatInf ? uint64_t{1} << 51 : 0;
  const uint64_t subnormal = double_bits(static_cast<double>(static_cast<int32_t>(magnitude)) * double_power(-149));
  return (magnitude < 0x800000 ? subnormal : wide) | (bits & uint64_t{0x80000000}) << 32;
}
inline uint32_t float_of_double(uint64_t bits) {
  constexpr double kAligner = double_power(-149 + 52);
  const uint64_t magnitude = bits & INT64_MAX;
  const uint32_t nan = kFloatNan | (static_cast<uint32_t>(magnitude >> 29) & 0x7fffff);
  const uint64_t subnormal = double_bits(double_of(magnitude) + kAligner) - double_bits(kAligner);
  const uint32_t normal = float_bits(static_cast<float>(double_of(magnitude)));
  uint32_t narrow = magnitude < uint64_t{1023 - 126} << 52 ? static_cast<uint32_t>(subnormal) : normal;
  narrow = magnitude > uint64_t{0x7ff} << 52 ? nan : narrow;
  return narrow | static_cast<uint32_t>(bits >> 63) << 31;
}

}  // namespace tfile

// src/quant/block_fields.h
// What the decoders of ggml's block types share: fields, scales, and what codes stand for.


namespace tfile {

// Fields of a block, which are little-endian on every host.
inline float half_at(const uint8_t *block) {
  return float_of(float_of_half(load_le<uint16_t>(block)));
}
inline int low(uint8_t byte) {
  return byte & 15;
}
inline int high(uint8_t byte) {
  return byte >> 4;
}
// Nibble i of bytes, the low one of a byte first.
inline int nibble(const uint8_t *bytes, int i) {
  return (bytes[i / 2] >> (4 * (i % 2))) & 15;
}
inline int bit(const uint8_t *bytes, int i) {
  return (bytes[i / 8] >> (i % 8)) & 1;
}
inline float times(float scale, int value) {
  return scale * static_cast<float>(value);
}

// What the codes of IQ4_NL and IQ4_XS stand for.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// float4_e2m1, doubled; there is no negative zero.
inline constexpr int8_t kFp4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Half of a float8_e4m3 without sign, for values that are doubled; its NaN is 0.
inline float half_ue4m3(uint8_t code) {
  const uint32_t exponent = (code >> 3) & 15u;
  const uint32_t mantissa = code & 7u;
  if (code == 0x7F) return 0;
  if (exponent == 0) return times(float_power(-10), static_cast<int>(mantissa));
  return float_of((exponent + 119) << 23 | mantissa << 20);
}

// Scale i of 16, of 6 bits in 12 bytes: the low halves in 8, the high bits in 4.
inline int q3_k_scale(const uint8_t *scales, int i) {
  const int low_half = i < 8 ? low(scales[i]) : high(scales[i - 8]);
  return low_half | ((scales[8 + i % 4] >> (2 * (i / 4))) & 3) << 4;
}

// Scale and minimum j of 8, of 6 bits each in 12 bytes.
struct ScaleAndMin {
  int scale;
  int min;
};
inline ScaleAndMin q4_k_scale(const uint8_t *s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {low(s[j + 4]) | (s[j - 4] >> 6) << 4, high(s[j + 4]) | (s[j] >> 6) << 4};
}

// 8 signs of which 7 are stored: the number of negative ones is even.
inline uint32_t even_signs(uint32_t seven) {
  return seven | ((0x6996u >> ((seven ^ seven >> 4) & 15)) & 1) << 7;
}

// The float16 scale of IQ1_M, in the highest bits of four words, 4 in each, the lowest first.
inline float iq1_m_scale(const uint8_t *words) {
  uint32_t bits = 0;
  for (int k = 0; k < 4; ++k)
    bits |= static_cast<uint32_t>(load_le<uint16_t>(words + 2 * k) >> 12) << (4 * k);
  return float_of(float_of_half(static_cast<uint16_t>(bits)));
}

}  // namespace tfile

// src/quant/codebooks.h
// The codebooks of ggml's IQ types.


namespace tfile {

// A row holds the values that an index of that many bits stands for, each as a code, the first in the lowest bits.
// IQ2: 8 codes of 2 bits, for 8, 25, 43.
extern const uint16_t kIq2XxsRows[256];
extern const uint16_t kIq2XsRows[512];
extern const uint16_t kIq2SRows[1024];
// IQ3: 4 codes of 4 bits, for 4, 12, 20, 28, 36, 44, 52, 62; in IQ3_S for 1, 3, 5, ..., 15.
extern const uint16_t kIq3XxsRows[256];
extern const uint16_t kIq3SRows[512];
// IQ1_S and IQ1_M: 8 codes of 2 bits, for -1, 0, 1.
extern const uint16_t kIq1Rows[2048];

}  // namespace tfile

// src/quant/blocks.cpp
// How ggml's blocks are decoded, as ggml and its Python package do it bit by bit.
//
// Every product here is exact: a scale has the 11 bits of a float16 and meets integers that leave it below 24. The only
// roundings are those of the sums in the types with a minimum, and no fused multiplication changes them.


namespace tfile {

namespace {

// value, or -value where bit i of signs is set. Signs go to the integers, because negating a NaN would show.
int with_sign(int value, uint32_t signs, int i) {
  return (signs >> i & 1) != 0 ? -value : value;
}

/* Blocks of 32 */

void decode_q4_0(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, low(block[2 + j]) - 8);
    to[j + 16] = times(d, high(block[2 + j]) - 8);
  }
}

void decode_q4_1(float *to, const uint8_t *block) {
  const float d = half_at(block);
  const float m = half_at(block + 2);
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, low(block[4 + j])) + m;
    to[j + 16] = times(d, high(block[4 + j])) + m;
  }
}

void decode_q5_0(float *to, const uint8_t *block) {
  const float d = half_at(block);
  const uint8_t *const fifth = block + 2;
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, (low(block[6 + j]) | bit(fifth, j) << 4) - 16);
    to[j + 16] = times(d, (high(block[6 + j]) | bit(fifth, j + 16) << 4) - 16);
  }
}

void decode_q5_1(float *to, const uint8_t *block) {
  const float d = half_at(block);
  const float m = half_at(block + 2);
  const uint8_t *const fifth = block + 4;
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, low(block[8 + j]) | bit(fifth, j) << 4) + m;
    to[j + 16] = times(d, high(block[8 + j]) | bit(fifth, j + 16) << 4) + m;
  }
}

void decode_q8_0(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int j = 0; j < 32; ++j)
    to[j] = times(d, static_cast<int8_t>(block[2 + j]));
}

// The second half-precision field is a sum for dot products.
void decode_q8_1(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int j = 0; j < 32; ++j)
    to[j] = times(d, static_cast<int8_t>(block[4 + j]));
}

// 32 values of 16 bytes: all low halves, then all high ones.
void decode_iq4_values(float *to, float d, const uint8_t *codes) {
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, kIq4Values[low(codes[j])]);
    to[j + 16] = times(d, kIq4Values[high(codes[j])]);
  }
}

void decode_iq4_nl(float *to, const uint8_t *block) {
  decode_iq4_values(to, half_at(block), block + 2);
}

// value * 2^(exponent - 128), with small results made of their bits: a caller may have turned subnormals off.
float scaled_fp4(uint8_t exponent, int value) {
  if (exponent >= 2) return times(float_of((exponent - 1u) << 23), value);
  const uint32_t units = static_cast<uint32_t>(value < 0 ? -value : value) << (21 + exponent);  // of 2^-149
  const uint32_t bits = units < 1u << 23 ? units : float_bits(static_cast<float>(units)) - (149u << 23);
  return float_of(bits | (value < 0 ? 1u << 31 : 0));
}

void decode_mxfp4(float *to, const uint8_t *block) {
  for (int j = 0; j < 16; ++j) {
    to[j] = scaled_fp4(block[0], kFp4Doubled[low(block[1 + j])]);
    to[j + 16] = scaled_fp4(block[0], kFp4Doubled[high(block[1 + j])]);
  }
}

/* Blocks of 64 and 128 */

void decode_nvfp4(float *to, const uint8_t *block) {
  for (int part = 0; part < 4; ++part) {
    const float d = half_ue4m3(block[part]);
    const uint8_t *const codes = block + 4 + 8 * part;
    for (int j = 0; j < 8; ++j) {
      to[16 * part + j] = times(d, kFp4Doubled[low(codes[j])]);
      to[16 * part + 8 + j] = times(d, kFp4Doubled[high(codes[j])]);
    }
  }
}

void decode_q1_0(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int j = 0; j < 128; ++j)
    to[j] = times(d, 2 * bit(block + 2, j) - 1);
}

void decode_q2_0(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int j = 0; j < 64; ++j)
    to[j] = times(d, ((block[2 + j / 4] >> (2 * (j % 4))) & 3) - 1);
}

/* Blocks of 256: the K types */

// 32 values of 2 bits: part k of the 8 in 64 bytes. A byte has values of 4 parts, those of the first in its lowest
// bits.
void unpack_two_bits(int *to, const uint8_t *bytes, int k) {
  for (int l = 0; l < 32; ++l)
    to[l] = (bytes[k / 4 * 32 + l] >> (k % 4 * 2)) & 3;
}

void decode_q2_k(float *to, const uint8_t *block) {
  const float d = half_at(block + 80);
  const float dmin = half_at(block + 82);
  for (int b = 0; b < 16; ++b) {
    int codes[32];
    unpack_two_bits(codes, block + 16, b / 2);
    const float scale = times(d, low(block[b]));
    const float min = times(dmin, high(block[b]));
    for (int l = 0; l < 16; ++l)
      to[16 * b + l] = times(scale, codes[b % 2 * 16 + l]) - min;
  }
}

void decode_q3_k(float *to, const uint8_t *block) {
  const float d = half_at(block + 108);
  for (int b = 0; b < 16; ++b) {
    int codes[32];
    unpack_two_bits(codes, block + 32, b / 2);
    const float scale = times(d, q3_k_scale(block + 96, b) - 32);
    for (int l = b % 2 * 16, end = l + 16; l < end; ++l) {
      const int third = (block[l] >> (b / 2)) & 1;
      to[b / 2 * 32 + l] = times(scale, codes[l] + 4 * third - 4);
    }
  }
}

void decode_q4_k(float *to, const uint8_t *block) {
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin part = q4_k_scale(block + 4, j);
    const float scale = times(d, part.scale);
    const float min = times(dmin, part.min);
    const uint8_t *const codes = block + 16 + j / 2 * 32;
    for (int l = 0; l < 32; ++l)
      to[32 * j + l] = times(scale, (codes[l] >> (4 * (j % 2))) & 15) - min;
  }
}

void decode_q5_k(float *to, const uint8_t *block) {
  const float d = half_at(block);
  const float dmin = half_at(block + 2);
  const uint8_t *const fifth = block + 16;
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin part = q4_k_scale(block + 4, j);
    const float scale = times(d, part.scale);
    const float min = times(dmin, part.min);
    const uint8_t *const codes = block + 48 + j / 2 * 32;
    for (int l = 0; l < 32; ++l) {
      const int code = ((codes[l] >> (4 * (j % 2))) & 15) | ((fifth[l] >> j) & 1) << 4;
      to[32 * j + l] = times(scale, code) - min;
    }
  }
}

void decode_q6_k(float *to, const uint8_t *block) {
  const float d = half_at(block + 208);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const lows = block + part / 4 * 64 + part % 2 * 32;
    const uint8_t *const highs = block + 128 + part / 4 * 32;
    const int low_shift = part % 4 / 2 * 4;
    const int high_shift = part % 4 * 2;
    const float scales[2] = {times(d, static_cast<int8_t>(block[192 + 2 * part])),
                             times(d, static_cast<int8_t>(block[193 + 2 * part]))};
    for (int l = 0; l < 32; ++l) {
      const int code = ((lows[l] >> low_shift) & 15) | ((highs[l] >> high_shift) & 3) << 4;
      to[32 * part + l] = times(scales[l / 16], code - 32);
    }
  }
}

// With a float32 scale, which makes it an intermediate of ggml's that is hardly found in files.
void decode_q8_k(float *to, const uint8_t *block) {
  const float d = float_of(load_le<uint32_t>(block));
  for (int j = 0; j < 256; ++j)
    to[j] = times(d, static_cast<int8_t>(block[4 + j]));
}

void decode_iq4_xs(float *to, const uint8_t *block) {
  const float d = half_at(block);
  const uint16_t high_bits = load_le<uint16_t>(block + 2);
  for (int b = 0; b < 8; ++b) {
    const int scale = nibble(block + 4, b) | ((high_bits >> (2 * b)) & 3) << 4;
    decode_iq4_values(to + 32 * b, times(d, scale - 32), block + 8 + 16 * b);
  }
}

/* Blocks of 256: ternary */

// `digits` digits of each of `count` bytes, which hold them to base 3 as a fraction of 256, most significant first.
float *decode_trits(float *to, float d, const uint8_t *bytes, int count, int digits) {
  int power = 1;
  for (int n = 0; n < digits; ++n, power *= 3) {
    for (int m = 0; m < count; ++m) {
      const int rest = bytes[m] * power & 255;
      *to++ = times(d, (rest * 3 >> 8) - 1);
    }
  }
  return to;
}

void decode_tq1_0(float *to, const uint8_t *block) {
  const float d = half_at(block + 52);
  to = decode_trits(to, d, block, 32, 5);
  to = decode_trits(to, d, block + 32, 16, 5);
  decode_trits(to, d, block + 48, 4, 4);
}

void decode_tq2_0(float *to, const uint8_t *block) {
  const float d = half_at(block + 64);
  for (int k = 0; k < 8; ++k) {
    int codes[32];
    unpack_two_bits(codes, block, k);
    for (int l = 0; l < 32; ++l)
      to[32 * k + l] = times(d, codes[l] - 1);
  }
}

/* Blocks of 256: codebooks */

// 8 values of a row of IQ2, each with its sign.
void decode_iq2_row(float *to, float d, int row, uint32_t signs) {
  for (int i = 0; i < 8; ++i) {
    const int code = (row >> (2 * i)) & 3;
    to[i] = times(d, with_sign(8 + 17 * code + code / 2, signs, i));
  }
}

// 4 values of a row of IQ3: first, first + step, ..., the last of them 2 more in IQ3_XXS.
template <int first, int step, int extra>
void decode_iq3_row(float *to, float d, int row, uint32_t signs) {
  for (int i = 0; i < 4; ++i) {
    const int code = (row >> (4 * i)) & 7;
    to[i] = times(d, with_sign(first + step * code + extra * (code / 7), signs, i));
  }
}

// 8 values of a row of IQ1, all shifted by an eighth.
void decode_iq1_row(float *to, float d, int row, bool down) {
  const float shift = down ? -0.125f : 0.125f;
  for (int i = 0; i < 8; ++i)
    to[i] = d * (static_cast<float>(((row >> (2 * i)) & 3) - 1) + shift);
}

void decode_iq2_xxs(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int g = 0; g < 8; ++g) {
    const uint8_t *const group = block + 2 + 8 * g;
    const uint32_t word = load_le<uint32_t>(group + 4);
    const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.25f;
    for (int k = 0; k < 4; ++k)
      decode_iq2_row(to + 32 * g + 8 * k, scale, kIq2XxsRows[group[k]], even_signs((word >> (7 * k)) & 127));
  }
}

void decode_iq2_xs(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int m = 0; m < 32; ++m) {
    const uint32_t word = load_le<uint16_t>(block + 2 + 2 * m);
    const float scale = d * (0.5f + static_cast<float>(nibble(block + 66, m / 2))) * 0.25f;
    decode_iq2_row(to + 8 * m, scale, kIq2XsRows[word & 511], even_signs(word >> 9));
  }
}

void decode_iq2_s(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int m = 0; m < 32; ++m) {
    const int row = block[2 + m] | ((block[66 + m / 4] >> (2 * (m % 4))) & 3) << 8;
    const float scale = d * (0.5f + static_cast<float>(nibble(block + 74, m / 2))) * 0.25f;
    decode_iq2_row(to + 8 * m, scale, kIq2SRows[row], block[34 + m]);
  }
}

void decode_iq3_xxs(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int m = 0; m < 64; ++m) {
    const uint32_t word = load_le<uint32_t>(block + 66 + m / 8 * 4);
    const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.5f;
    const uint32_t signs = even_signs((word >> (7 * (m / 2 % 4))) & 127) >> (4 * (m % 2));
    decode_iq3_row<4, 8, 2>(to + 4 * m, scale, kIq3XxsRows[block[2 + m]], signs);
  }
}

void decode_iq3_s(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int m = 0; m < 64; ++m) {
    const int row = block[2 + m] | bit(block + 66, m) << 8;
    const float scale = times(d, 1 + 2 * nibble(block + 106, m / 8));
    decode_iq3_row<1, 2, 0>(to + 4 * m, scale, kIq3SRows[row], static_cast<uint32_t>(nibble(block + 74, m)));
  }
}

void decode_iq1_s(float *to, const uint8_t *block) {
  const float d = half_at(block);
  for (int m = 0; m < 32; ++m) {
    const int word = load_le<uint16_t>(block + 34 + m / 4 * 2);
    const int row = block[2 + m] | ((word >> (3 * (m % 4))) & 7) << 8;
    decode_iq1_row(to + 8 * m, times(d, 2 * ((word >> 12) & 7) + 1), kIq1Rows[row], (word & 0x8000) != 0);
  }
}

void decode_iq1_m(float *to, const uint8_t *block) {
  const float d = iq1_m_scale(block + 48);
  for (int m = 0; m < 32; ++m) {
    const int extra = nibble(block + 32, m);
    const int row = block[m] | (extra & 7) << 8;
    const int scale = (load_le<uint16_t>(block + 48 + m / 8 * 2) >> (3 * (m / 2 % 4))) & 7;
    decode_iq1_row(to + 8 * m, times(d, 2 * scale + 1), kIq1Rows[row], (extra & 8) != 0);
  }
}

using Decode = void (*)(float *to, const uint8_t *block);

template <Decode decode, size_t kElements, size_t kBytes>
void each_block(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *block = static_cast<const uint8_t *>(from);
  for (size_t i = 0; i < count; i += kElements, block += kBytes, target += kElements * sizeof(float)) {
    float values[kElements];
    decode(values, block);
    memcpy(target, values, sizeof(values));
  }
}

}  // namespace

CastKernel find_block_decoder(tf_dtype from) {
  switch (from) {
    case TF_DTYPE_Q4_0:
      return each_block<decode_q4_0, 32, 18>;
    case TF_DTYPE_Q4_1:
      return each_block<decode_q4_1, 32, 20>;
    case TF_DTYPE_Q5_0:
      return each_block<decode_q5_0, 32, 22>;
    case TF_DTYPE_Q5_1:
      return each_block<decode_q5_1, 32, 24>;
    case TF_DTYPE_Q8_0:
      return each_block<decode_q8_0, 32, 34>;
    case TF_DTYPE_Q8_1:
      return each_block<decode_q8_1, 32, 36>;
    case TF_DTYPE_Q2_K:
      return each_block<decode_q2_k, 256, 84>;
    case TF_DTYPE_Q3_K:
      return each_block<decode_q3_k, 256, 110>;
    case TF_DTYPE_Q4_K:
      return each_block<decode_q4_k, 256, 144>;
    case TF_DTYPE_Q5_K:
      return each_block<decode_q5_k, 256, 176>;
    case TF_DTYPE_Q6_K:
      return each_block<decode_q6_k, 256, 210>;
    case TF_DTYPE_Q8_K:
      return each_block<decode_q8_k, 256, 292>;
    case TF_DTYPE_IQ2_XXS:
      return each_block<decode_iq2_xxs, 256, 66>;
    case TF_DTYPE_IQ2_XS:
      return each_block<decode_iq2_xs, 256, 74>;
    case TF_DTYPE_IQ3_XXS:
      return each_block<decode_iq3_xxs, 256, 98>;
    case TF_DTYPE_IQ1_S:
      return each_block<decode_iq1_s, 256, 50>;
    case TF_DTYPE_IQ4_NL:
      return each_block<decode_iq4_nl, 32, 18>;
    case TF_DTYPE_IQ3_S:
      return each_block<decode_iq3_s, 256, 110>;
    case TF_DTYPE_IQ2_S:
      return each_block<decode_iq2_s, 256, 82>;
    case TF_DTYPE_IQ4_XS:
      return each_block<decode_iq4_xs, 256, 136>;
    case TF_DTYPE_IQ1_M:
      return each_block<decode_iq1_m, 256, 56>;
    case TF_DTYPE_TQ1_0:
      return each_block<decode_tq1_0, 256, 54>;
    case TF_DTYPE_TQ2_0:
      return each_block<decode_tq2_0, 256, 66>;
    case TF_DTYPE_MXFP4:
      return each_block<decode_mxfp4, 32, 17>;
    case TF_DTYPE_NVFP4:
      return each_block<decode_nvfp4, 64, 36>;
    case TF_DTYPE_Q1_0:
      return each_block<decode_q1_0, 128, 18>;
    case TF_DTYPE_Q2_0:
      return each_block<decode_q2_0, 64, 18>;
    default:
      return nullptr;
  }
}

void decode_blocks(const Dtype &dtype, float *to, const void *from, uint64_t blocks) {
  find_block_decoder(dtype.id)(to, from, static_cast<size_t>(blocks) * dtype.block_size);
}

}  // namespace tfile

// src/quant/cast.h
// Casts between dtypes.


namespace tfile {

// kOk when a rule is given for casting from one dtype to the other; else TYPE (complex to real) or UNSUPPORTED.
Status check_cast(const Dtype &from, const Dtype &to);

// Writes the elements of array as dtype `to`, C-contiguous, to `out` (any alignment), which has room for
// byte_count(to, array.shape()) bytes; check_cast has passed, and so has check_shape for `to`. The array may be strided
// and its data need no alignment. Fails only for a block dtype: INVALID_ARGUMENT, an element is not finite.
Status cast_into(void *out, const Dtype &to, const Array &array, const Settings &settings);

// Elements that go through a cast at once; whole units of every dtype.
inline constexpr size_t kCastChunk = 1024;
// A part of that, by the calling thread: count contiguous elements at `from`, which begin with element `first` of their
// array. Parts are kCastChunk elements each, or several times that, but for the last.
Status cast_run(void *out, const Dtype &to, const void *from, const Dtype &from_dtype, uint64_t first, uint64_t count);

// A C-contiguous array of another dtype.
Status cast(Ref<Array> &out, const Array &array, const Dtype &to, const Settings &settings);

// One element of any real dtype as a double; index as in item_int64().
Status item_double(double *value, const Array &array, Span<const int64_t> index);

}  // namespace tfile

// src/quant/encode.h
// Encoding float32 into ggml's block types.


namespace tfile {

// Whether encode_blocks() knows a block type.
bool can_encode(const Dtype &dtype);

// Encodes `blocks` whole blocks, of which `from` has the elements, contiguous. The bytes are those that gguf-py and
// ggml write: every operation is rounded once, in the order written. INVALID_ARGUMENT when an element is not finite;
// first is the place of from[0] in the whole array, for the message.
Status encode_blocks(const Dtype &dtype, void *to, const float *from, uint64_t blocks, uint64_t first);

}  // namespace tfile

// src/quant/cast.cpp
namespace tfile {

namespace {

// What goes through all steps of a cast at once, in the first cache.
constexpr size_t kChunk = kCastChunk;
constexpr size_t kWidest = 8;  // bytes of a dtype between two steps
// Elements of one job of a thread, whole chunks; encoding a block type takes longer than any other cast.
constexpr uint64_t kJob = 256 * kChunk;
constexpr uint64_t kEncodingJob = 16 * kChunk;

size_t bytes_of(const Dtype &dtype, uint64_t count) {
  return static_cast<size_t>(count / dtype.block_size * dtype.block_bytes);
}

struct Step_quant_cast {
  const Dtype *from;
  const Dtype *to;
  CastKernel kernel;  // NULL: from float32 to a block type
};

// The steps from one dtype to another.
struct Route {
  static constexpr size_t kMostSteps = 3;
  Step_quant_cast steps[kMostSteps];
  size_t count = 0;
};

// Where ml_dtypes and NumPy pass through a third dtype, so is it here: what they round twice is rounded twice.
tf_dtype next_dtype(const Dtype &from, const Dtype &to) {
  if (find_cast_kernel(from.id, to.id) != nullptr || (from.id == TF_DTYPE_FLOAT32 && to.is_block())) return to.id;
  if (from.id == TF_DTYPE_BOOL) return TF_DTYPE_UINT8;
  const bool wide = to.id == TF_DTYPE_COMPLEX128 && find_cast_kernel(from.id, TF_DTYPE_FLOAT64) != nullptr;
  return wide ? TF_DTYPE_FLOAT64 : TF_DTYPE_FLOAT32;
}

Route find_route(const Dtype &from, const Dtype &to) {
  Route route;
  const Dtype *at = &from;
  while (at->id != to.id && route.count < Route::kMostSteps) {
    const Dtype *next = find_dtype(next_dtype(*at, to));
    route.steps[route.count++] = Step_quant_cast{at, next, find_cast_kernel(at->id, next->id)};
    at = next;
  }
  return route;
}

// Takes at most kChunk contiguous elements along a route; first is the place of from in the whole array.
Status run_route(char *to, const char *from, const Route &route, size_t count, uint64_t first) {
  alignas(64) char between[2][kChunk * kWidest];
  for (size_t i = 0; i < route.count; ++i) {
    const Step_quant_cast &step = route.steps[i];
    char *target = i + 1 == route.count ? to : between[i % 2];
    if (step.kernel != nullptr) {
      step.kernel(target, from, count);
    } else {
      float values[kChunk];  // aligned, as those of the array may not be
      memcpy(values, from, count * sizeof(float));
      TFILE_TRY(encode_blocks(*step.to, target, values, count / step.to->block_size, first));
    }
    from = target;
  }
  return kOk;
}

struct CastJob {
  char *out;
  const Dtype *to;
  const Array *array;
  Route route;
  uint64_t size;  // elements of a job
  bool contiguous;
};

Status run_job(void *context, size_t job) {
  const CastJob &cast = *static_cast<const CastJob *>(context);
  const Array &array = *cast.array;
  alignas(64) char gathered[kChunk * 2 * kWidest];
  const auto size = static_cast<uint64_t>(array.size);
  const uint64_t begin = job * cast.size;
  const uint64_t end = size - begin < cast.size ? size : begin + cast.size;
  for (uint64_t first = begin; first < end; first += kChunk) {
    const auto count = static_cast<size_t>(end - first < kChunk ? end - first : kChunk);
    const char *from = gathered;
    if (cast.contiguous) {
      from = array.data + bytes_of(*array.dtype, first);
    } else {
      copy_elements(gathered, array, static_cast<int64_t>(first), static_cast<int64_t>(count));
    }
    TFILE_TRY(run_route(cast.out + bytes_of(*cast.to, first), from, cast.route, count, first));
  }
  return kOk;
}

}  // namespace

Status check_cast(const Dtype &from, const Dtype &to) {
  const bool to_bool = to.id == TF_DTYPE_BOOL;
  if (from.kind == DtypeClass::kComplex && to.kind != DtypeClass::kComplex && !to_bool) {
    return Failure(TF_STATUS_TYPE) << "cannot cast " << from.name << " to " << to.name
                                   << ": a complex number is no real one";
  }
  if (from.id != to.id && to.is_block() && !can_encode(to)) {
    return Failure(TF_STATUS_UNSUPPORTED) << "no rule is given for casting " << from.name << " to " << to.name;
  }
  return kOk;
}

Status cast_into(void *out, const Dtype &to, const Array &array, const Settings &settings) {
  if (array.dtype->id == to.id) {
    if (to.addressable()) {
      copy_elements(static_cast<char *>(out), array, 0, array.size);
    } else if (array.nbytes > 0) {
      memcpy(out, array.data, static_cast<size_t>(array.nbytes));
    }
    return kOk;
  }
  const uint64_t size = to.is_block() ? kEncodingJob : kJob;
  CastJob job{static_cast<char *>(out), &to, &array, find_route(*array.dtype, to), size, is_contiguous(array)};
  const auto jobs = static_cast<size_t>((static_cast<uint64_t>(array.size) + size - 1) / size);
  return parallel_for(jobs, settings.workers(), run_job, &job);
}

Status cast_run(void *out, const Dtype &to, const void *from, const Dtype &from_dtype, uint64_t first, uint64_t count) {
  const Route route = find_route(from_dtype, to);
  for (uint64_t done = 0; done < count; done += kChunk) {
    const auto size = static_cast<size_t>(count - done < kChunk ? count - done : kChunk);
    char *const target = static_cast<char *>(out) + bytes_of(to, done);
    TFILE_TRY(
        run_route(target, static_cast<const char *>(from) + bytes_of(from_dtype, done), route, size, first + done));
  }
  return kOk;
}

Status cast(Ref<Array> &out, const Array &array, const Dtype &to, const Settings &settings) {
  if (array.dtype->id == to.id) return contiguous(out, settings.memory(), array);
  TFILE_TRY(check_cast(*array.dtype, to));
  uint64_t nbytes = 0;
  TFILE_TRY(check_shape(&nbytes, to.id, array.shape()));
  Ref<Array> fresh;
  TFILE_TRY(make_array(fresh, settings.memory(), to, array.shape()));
  TFILE_TRY(cast_into(fresh->data, to, array, settings));
  out = std::move(fresh);
  return kOk;
}

Status item_double(double *value, const Array &array, Span<const int64_t> index) {
  int64_t places[kMaxRank];
  TFILE_TRY(resolve_index(places, array, index));
  const Dtype &dtype = *array.dtype;
  if (dtype.kind == DtypeClass::kComplex || dtype.is_block()) {
    return Failure(TF_STATUS_TYPE) << "a real number is wanted, the dtype is " << dtype.name;
  }
  const Route route = find_route(dtype, *find_dtype(TF_DTYPE_FLOAT64));
  if (dtype.addressable()) {
    const char *element = element_at(array, places);
    if (route.count == 0) {
      memcpy(value, element, sizeof(*value));
    } else {
      TFILE_TRY(run_route(reinterpret_cast<char *>(value), element, route, 1, 0));
    }
    return kOk;
  }
  uint64_t place = 0;  // in C order
  for (size_t i = 0; i < array.ndim; ++i)
    place = place * static_cast<uint64_t>(array.shape()[i]) + static_cast<uint64_t>(places[i]);
  double unit[4];
  const uint64_t in_unit = place % dtype.block_size;
  const char *from = array.data + bytes_of(dtype, place - in_unit);
  TFILE_TRY(run_route(reinterpret_cast<char *>(unit), from, route, dtype.block_size, 0));
  *value = unit[in_unit];
  return kOk;
}

}  // namespace tfile

// src/quant/codebooks.cpp
namespace tfile {

// clang-format off
const uint16_t kIq2XxsRows[256] = {
    0x0000, 0x0002, 0x0005, 0x0008, 0x000a, 0x0011, 0x0014, 0x0020, 0x0022, 0x0028, 0x002a, 0x0041, 0x0044, 0x0050,
    0x0058, 0x0061, 0x0064, 0x0080, 0x0082, 0x008a, 0x00a2, 0x0101, 0x0104, 0x0110, 0x0115, 0x0140, 0x0184, 0x0198,
    0x0200, 0x0202, 0x0222, 0x0282, 0x0401, 0x0404, 0x0410, 0x0421, 0x0424, 0x0440, 0x0442, 0x0448, 0x0460, 0x0481,
    0x0484, 0x0490, 0x04a4, 0x0500, 0x0502, 0x0508, 0x0520, 0x0546, 0x0569, 0x0580, 0x0591, 0x0609, 0x0610, 0x0640,
    0x0684, 0x06a4, 0x0800, 0x0805, 0x0808, 0x0814, 0x0828, 0x0841, 0x0844, 0x0850, 0x0852, 0x0888, 0x0904, 0x0940,
    0x0a02, 0x0a14, 0x1001, 0x1004, 0x1010, 0x1021, 0x1040, 0x1060, 0x1084, 0x1090, 0x1095, 0x1100, 0x1108, 0x1120,
    0x1150, 0x115a, 0x1180, 0x1224, 0x1245, 0x1400, 0x1408, 0x1420, 0x1425, 0x1449, 0x1480, 0x1518, 0x1562, 0x1600,
    0x1616, 0x1801, 0x1804, 0x1810, 0x1840, 0x1881, 0x1900, 0x1905, 0x19a0, 0x1a51, 0x2000, 0x2002, 0x200a, 0x2044,
    0x2061, 0x2080, 0x2082, 0x2129, 0x2148, 0x2200, 0x2202, 0x2401, 0x2404, 0x2410, 0x2440, 0x2456, 0x2500, 0x2541,
    0x2564, 0x2690, 0x2808, 0x2820, 0x2894, 0x2a44, 0x4001, 0x4004, 0x4010, 0x4018, 0x4021, 0x4024, 0x4040, 0x4048,
    0x4056, 0x4060, 0x4081, 0x4084, 0x4090, 0x4100, 0x4120, 0x4161, 0x4180, 0x4185, 0x4201, 0x4210, 0x4248, 0x4256,
    0x4268, 0x4400, 0x4408, 0x4420, 0x4480, 0x4499, 0x4512, 0x4524, 0x4600, 0x4801, 0x4804, 0x4810, 0x4840, 0x4845,
    0x4900, 0x4958, 0x4961, 0x4982, 0x4a45, 0x4a90, 0x5000, 0x5008, 0x5011, 0x5019, 0x5020, 0x5080, 0x5088, 0x5104,
    0x5142, 0x51a4, 0x5291, 0x5490, 0x5492, 0x550a, 0x5601, 0x5654, 0x5800, 0x5811, 0x5819, 0x5864, 0x5940, 0x5a08,
    0x6004, 0x6010, 0x6040, 0x6068, 0x6100, 0x6155, 0x6218, 0x6260, 0x6400, 0x6405, 0x6510, 0x6512, 0x6584, 0x6842,
    0x8000, 0x8002, 0x800a, 0x8041, 0x8082, 0x8104, 0x8118, 0x8140, 0x8211, 0x8401, 0x8404, 0x8410, 0x8415, 0x8440,
    0x8460, 0x8500, 0x8546, 0x8594, 0x8609, 0x8640, 0x8660, 0x8802, 0x8904, 0x8a11, 0x9004, 0x9010, 0x9024, 0x9040,
    0x90a1, 0x9116, 0x9180, 0x9245, 0x9400, 0x9422, 0x9444, 0x9551, 0x9881, 0x9920, 0xa002, 0xa050, 0xa085, 0xa109,
    0xa200, 0xa418, 0xa850, 0xa904,
};
const uint16_t kIq2XsRows[512] = {
    0x0000, 0x0002, 0x0005, 0x0008, 0x000a, 0x0011, 0x0014, 0x0016, 0x0019, 0x0020, 0x0022, 0x0025, 0x0028, 0x0041,
    0x0044, 0x0046, 0x0049, 0x0050, 0x0052, 0x0055, 0x0058, 0x0061, 0x0064, 0x0080, 0x0082, 0x0085, 0x0088, 0x0091,
    0x0094, 0x0099, 0x00a0, 0x0101, 0x0104, 0x0106, 0x0109, 0x0110, 0x0112, 0x0115, 0x0118, 0x011a, 0x0121, 0x0124,
    0x0140, 0x0142, 0x0145, 0x0148, 0x0151, 0x0154, 0x0160, 0x0168, 0x0181, 0x0184, 0x0190, 0x0200, 0x0202, 0x0205,
    0x0208, 0x0211, 0x0214, 0x0220, 0x0241, 0x0244, 0x0250, 0x0255, 0x0280, 0x028a, 0x0401, 0x0404, 0x0406, 0x0409,
    0x0410, 0x0412, 0x0415, 0x0418, 0x0421, 0x0424, 0x0440, 0x0442, 0x0445, 0x0448, 0x0451, 0x0454, 0x0456, 0x0460,
    0x0481, 0x0484, 0x0490, 0x0500, 0x0502, 0x0505, 0x0508, 0x0511, 0x0514, 0x0520, 0x0541, 0x0544, 0x0550, 0x0561,
    0x0580, 0x0601, 0x0604, 0x0610, 0x0626, 0x0640, 0x0642, 0x0684, 0x0800, 0x0802, 0x0805, 0x0808, 0x080a, 0x0811,
    0x0814, 0x0820, 0x0825, 0x0841, 0x0844, 0x0850, 0x0858, 0x0880, 0x08a0, 0x08aa, 0x0901, 0x0904, 0x0910, 0x0940,
    0x0981, 0x0989, 0x0a00, 0x0a20, 0x0a28, 0x0a96, 0x0aa0, 0x1001, 0x1004, 0x1006, 0x1009, 0x1010, 0x1012, 0x1015,
    0x1018, 0x1021, 0x1024, 0x1040, 0x1042, 0x1045, 0x1048, 0x1051, 0x1054, 0x1060, 0x106a, 0x1081, 0x1084, 0x1090,
    0x1100, 0x1102, 0x1105, 0x1108, 0x1111, 0x1114, 0x1120, 0x1141, 0x1144, 0x1150, 0x1180, 0x1194, 0x1196, 0x1201,
    0x1204, 0x1206, 0x1210, 0x1240, 0x1260, 0x1400, 0x1402, 0x1405, 0x1408, 0x1411, 0x1414, 0x1420, 0x1441, 0x1444,
    0x1449, 0x1450, 0x1464, 0x1480, 0x1501, 0x1504, 0x1510, 0x1540, 0x1600, 0x1614, 0x1649, 0x1801, 0x1804, 0x1810,
    0x1812, 0x1840, 0x1854, 0x1886, 0x1900, 0x1905, 0x1966, 0x1a51, 0x1aa9, 0x2000, 0x2002, 0x2005, 0x2008, 0x200a,
    0x2011, 0x2014, 0x2020, 0x2041, 0x2044, 0x2050, 0x2080, 0x20a0, 0x2101, 0x2104, 0x2110, 0x2140, 0x2148, 0x2165,
    0x2200, 0x2222, 0x2280, 0x22a8, 0x2401, 0x2404, 0x2410, 0x2429, 0x2440, 0x2500, 0x2541, 0x2552, 0x2599, 0x2601,
    0x261a, 0x26a6, 0x2800, 0x2808, 0x280a, 0x2820, 0x2855, 0x2888, 0x28a2, 0x2968, 0x2990, 0x2a08, 0x2a20, 0x2a82,
    0x2a88, 0x2a8a, 0x4001, 0x4004, 0x4006, 0x4009, 0x4010, 0x4012, 0x4015, 0x4018, 0x4021, 0x4024, 0x4040, 0x4042,
    0x4045, 0x4048, 0x404a, 0x4051, 0x4054, 0x4060, 0x4065, 0x4081, 0x4084, 0x4090, 0x4100, 0x4102, 0x4105, 0x4108,
    0x4111, 0x4114, 0x4120, 0x4141, 0x4144, 0x4150, 0x4180, 0x4185, 0x41a2, 0x4201, 0x4204, 0x4210, 0x4212, 0x4229,
    0x4240, 0x4400, 0x4402, 0x4405, 0x4408, 0x4411, 0x4414, 0x4419, 0x4420, 0x4441, 0x4444, 0x4450, 0x4480, 0x4494,
    0x4501, 0x4504, 0x4510, 0x4524, 0x4540, 0x459a, 0x4600, 0x460a, 0x4644, 0x4650, 0x4801, 0x4804, 0x4810, 0x4840,
    0x4845, 0x4854, 0x4862, 0x4900, 0x4911, 0x4944, 0x4950, 0x4969, 0x4a04, 0x5000, 0x5002, 0x5005, 0x5008, 0x5011,
    0x5014, 0x5020, 0x5028, 0x5041, 0x5044, 0x5050, 0x5080, 0x5101, 0x5104, 0x5110, 0x5115, 0x5140, 0x5142, 0x5200,
    0x5244, 0x52aa, 0x5401, 0x5404, 0x5410, 0x5421, 0x5440, 0x5460, 0x5481, 0x54a1, 0x5500, 0x5508, 0x5580, 0x5588,
    0x5621, 0x5668, 0x56a1, 0x5800, 0x5814, 0x5841, 0x5850, 0x5899, 0x591a, 0x5940, 0x5942, 0x5a85, 0x6001, 0x6004,
    0x6010, 0x6040, 0x6054, 0x6062, 0x6086, 0x60a9, 0x6100, 0x6224, 0x624a, 0x6292, 0x6400, 0x6416, 0x6510, 0x6540,
    0x6545, 0x65a4, 0x6801, 0x686a, 0x6925, 0x6a06, 0x6a54, 0x6a62, 0x8000, 0x8002, 0x8005, 0x8008, 0x8011, 0x8014,
    0x8020, 0x802a, 0x8041, 0x8044, 0x8050, 0x8080, 0x8082, 0x80a8, 0x80aa, 0x8101, 0x8104, 0x8106, 0x8110, 0x8140,
    0x8151, 0x8159, 0x8200, 0x8220, 0x8280, 0x8282, 0x82a0, 0x82a8, 0x8401, 0x8404, 0x8410, 0x8412, 0x8415, 0x8440,
    0x8460, 0x8489, 0x8500, 0x8544, 0x85a5, 0x8618, 0x866a, 0x8800, 0x8808, 0x8825, 0x885a, 0x8880, 0x8882, 0x88a8,
    0x8906, 0x8a22, 0x8a80, 0x8a88, 0x8a96, 0x8aa8, 0x9001, 0x9004, 0x9010, 0x9040, 0x9056, 0x9084, 0x9100, 0x9122,
    0x9164, 0x9256, 0x9289, 0x9400, 0x9405, 0x9444, 0x9450, 0x9458, 0x9529, 0x9590, 0x9592, 0x9641, 0x9851, 0x98a6,
    0x9949, 0x9a15, 0x9a60, 0xa000, 0xa002, 0xa008, 0xa00a, 0xa020, 0xa02a, 0xa0a0, 0xa151, 0xa159, 0xa1a6, 0xa200,
    0xa202, 0xa208, 0xa22a, 0xa280, 0xa2a0, 0xa440, 0xa495, 0xa665, 0xa698, 0xa80a, 0xa820, 0xa822, 0xa828, 0xa8a0,
    0xa8a8, 0xa904, 0xa984, 0xa986, 0xaa28, 0xaa2a, 0xaa91, 0xaaaa,
};
const uint16_t kIq2SRows[1024] = {
    0x0000, 0x0002, 0x0005, 0x0008, 0x000a, 0x0011, 0x0014, 0x0016, 0x0019, 0x0020, 0x0022, 0x0025, 0x0028, 0x0041,
    0x0044, 0x0046, 0x0049, 0x0050, 0x0052, 0x0055, 0x0058, 0x0061, 0x0064, 0x0066, 0x0069, 0x0080, 0x0082, 0x0085,
    0x0088, 0x0091, 0x0094, 0x00a0, 0x00a5, 0x00aa, 0x0101, 0x0104, 0x0106, 0x0109, 0x0110, 0x0112, 0x0115, 0x0118,
    0x0121, 0x0124, 0x0140, 0x0142, 0x0145, 0x0148, 0x0151, 0x0154, 0x0156, 0x0159, 0x0160, 0x0165, 0x0168, 0x0181,
    0x0184, 0x0190, 0x0192, 0x0195, 0x01a1, 0x01a4, 0x0200, 0x0202, 0x0205, 0x0208, 0x0211, 0x0214, 0x0220, 0x022a,
    0x0241, 0x0244, 0x0246, 0x0249, 0x0250, 0x0255, 0x0280, 0x0285, 0x028a, 0x0294, 0x02a2, 0x0401, 0x0404, 0x0406,
    0x0409, 0x0410, 0x0412, 0x0415, 0x0418, 0x0421, 0x0424, 0x0426, 0x0429, 0x0440, 0x0442, 0x0445, 0x0448, 0x044a,
    0x0451, 0x0454, 0x0456, 0x0459, 0x0460, 0x0462, 0x0465, 0x0481, 0x0484, 0x0486, 0x0489, 0x0490, 0x0495, 0x0498,
    0x04a1, 0x04a4, 0x0500, 0x0502, 0x0505, 0x0508, 0x050a, 0x0511, 0x0514, 0x0516, 0x0519, 0x0520, 0x0525, 0x0528,
    0x0541, 0x0544, 0x0546, 0x0549, 0x0550, 0x0552, 0x0555, 0x0558, 0x0561, 0x0564, 0x0580, 0x0582, 0x0585, 0x0588,
    0x0591, 0x0594, 0x05a0, 0x0601, 0x0604, 0x0606, 0x0609, 0x0610, 0x0615, 0x0640, 0x0645, 0x0648, 0x0651, 0x0654,
    0x0660, 0x0681, 0x0684, 0x0690, 0x0800, 0x0802, 0x0805, 0x0808, 0x0811, 0x0814, 0x0816, 0x0819, 0x0820, 0x0825,
    0x082a, 0x0841, 0x0844, 0x0846, 0x0849, 0x0850, 0x0852, 0x0855, 0x0858, 0x0861, 0x0864, 0x0880, 0x0885, 0x0894,
    0x08aa, 0x0901, 0x0904, 0x0910, 0x0912, 0x0915, 0x0918, 0x0921, 0x0940, 0x0945, 0x0948, 0x0951, 0x0954, 0x0960,
    0x0981, 0x0990, 0x0a00, 0x0a11, 0x0a14, 0x0a22, 0x0a28, 0x0a2a, 0x0a50, 0x0a99, 0x1001, 0x1004, 0x1006, 0x1009,
    0x1010, 0x1012, 0x1015, 0x1018, 0x1021, 0x1024, 0x1026, 0x1040, 0x1042, 0x1045, 0x1048, 0x1051, 0x1054, 0x1056,
    0x1059, 0x1060, 0x1062, 0x1065, 0x1068, 0x1081, 0x1084, 0x1086, 0x1090, 0x1095, 0x1098, 0x10a1, 0x10a4, 0x1100,
    0x1102, 0x1105, 0x1108, 0x110a, 0x1111, 0x1114, 0x1116, 0x1119, 0x1120, 0x1122, 0x1125, 0x1128, 0x1141, 0x1144,
    0x1146, 0x1149, 0x1150, 0x1152, 0x1155, 0x1158, 0x1161, 0x1164, 0x1180, 0x1182, 0x1185, 0x1188, 0x1191, 0x1194,
    0x1201, 0x1204, 0x1209, 0x1210, 0x1215, 0x1221, 0x1224, 0x1240, 0x1245, 0x1251, 0x1254, 0x1281, 0x1284, 0x1290,
    0x1400, 0x1402, 0x1405, 0x1408, 0x1411, 0x1414, 0x1416, 0x1419, 0x1420, 0x1425, 0x1428, 0x1441, 0x1444, 0x1446,
    0x1449, 0x1450, 0x1452, 0x1455, 0x1458, 0x1461, 0x1464, 0x1480, 0x1482, 0x1485, 0x1488, 0x1491, 0x1494, 0x14a0,
    0x1501, 0x1504, 0x1506, 0x1509, 0x1510, 0x1512, 0x1515, 0x1518, 0x1521, 0x1524, 0x1540, 0x1542, 0x1545, 0x1548,
    0x1551, 0x1554, 0x1560, 0x1581, 0x1584, 0x1590, 0x1600, 0x1605, 0x1608, 0x1611, 0x1614, 0x1620, 0x1641, 0x1644,
    0x1650, 0x1680, 0x16aa, 0x1801, 0x1804, 0x1806, 0x1809, 0x1810, 0x1815, 0x1818, 0x1821, 0x1840, 0x1842, 0x1845,
    0x1848, 0x1851, 0x1854, 0x1860, 0x1881, 0x1884, 0x1900, 0x1902, 0x1905, 0x1908, 0x1911, 0x1914, 0x1920, 0x1941,
    0x1944, 0x1950, 0x1969, 0x19a2, 0x1a04, 0x1a10, 0x1a40, 0x1a56, 0x2000, 0x2002, 0x2005, 0x2008, 0x2011, 0x2014,
    0x2016, 0x2019, 0x2020, 0x2025, 0x202a, 0x2041, 0x2044, 0x2050, 0x2052, 0x2055, 0x2064, 0x2080, 0x208a, 0x2094,
    0x20aa, 0x2101, 0x2104, 0x2110, 0x2112, 0x2115, 0x2121, 0x2140, 0x2142, 0x2145, 0x2151, 0x2154, 0x2160, 0x2181,
    0x2184, 0x2190, 0x2200, 0x220a, 0x2222, 0x2228, 0x222a, 0x2244, 0x2250, 0x2288, 0x228a, 0x22a8, 0x2401, 0x2404,
    0x2406, 0x2409, 0x2410, 0x2415, 0x2418, 0x2421, 0x2424, 0x2440, 0x2442, 0x2445, 0x2448, 0x2451, 0x2454, 0x2460,
    0x2481, 0x2484, 0x2490, 0x2500, 0x2505, 0x2508, 0x2511, 0x2514, 0x2520, 0x2541, 0x2544, 0x2550, 0x2566, 0x2580,
    0x2601, 0x2604, 0x2610, 0x2640, 0x2659, 0x2800, 0x2805, 0x2811, 0x2814, 0x2841, 0x2844, 0x2850, 0x288a, 0x28aa,
    0x2901, 0x2904, 0x2910, 0x2995, 0x2a0a, 0x2a22, 0x2a64, 0x2a88, 0x2a8a, 0x4001, 0x4004, 0x4006, 0x4009, 0x4010,
    0x4012, 0x4015, 0x4018, 0x401a, 0x4021, 0x4024, 0x4026, 0x4040, 0x4042, 0x4045, 0x4048, 0x404a, 0x4051, 0x4054,
    0x4056, 0x4059, 0x4060, 0x4062, 0x4065, 0x4081, 0x4084, 0x4090, 0x4095, 0x4098, 0x40a1, 0x40a4, 0x4100, 0x4102,
    0x4105, 0x4108, 0x4111, 0x4114, 0x4116, 0x4119, 0x4120, 0x4122, 0x4125, 0x4141, 0x4144, 0x4146, 0x4149, 0x4150,
    0x4152, 0x4155, 0x4158, 0x4161, 0x4164, 0x4180, 0x4182, 0x4185, 0x4188, 0x4191, 0x4194, 0x41a0, 0x4201, 0x4204,
    0x4210, 0x4212, 0x4215, 0x4218, 0x4224, 0x4240, 0x4245, 0x4248, 0x4251, 0x4254, 0x4260, 0x4281, 0x4284, 0x4400,
    0x4402, 0x4405, 0x4408, 0x440a, 0x4411, 0x4414, 0x4416, 0x4419, 0x4420, 0x4422, 0x4425, 0x4428, 0x4441, 0x4444,
    0x4446, 0x4449, 0x4450, 0x4452, 0x4455, 0x4458, 0x4461, 0x4464, 0x4480, 0x4482, 0x4485, 0x4488, 0x4491, 0x4494,
    0x44a0, 0x4501, 0x4504, 0x4506, 0x4509, 0x4510, 0x4512, 0x4515, 0x4518, 0x4521, 0x4524, 0x4540, 0x4542, 0x4545,
    0x4548, 0x4551, 0x4554, 0x4560, 0x456a, 0x4581, 0x4584, 0x4590, 0x4600, 0x4602, 0x4605, 0x4608, 0x4611, 0x4614,
    0x4620, 0x4641, 0x4644, 0x4650, 0x4680, 0x46a5, 0x4801, 0x4804, 0x4809, 0x4810, 0x4812, 0x4815, 0x4818, 0x4821,
    0x4824, 0x4840, 0x4842, 0x4845, 0x4848, 0x4851, 0x4854, 0x4860, 0x4884, 0x4890, 0x4900, 0x4902, 0x4905, 0x4908,
    0x4911, 0x4914, 0x4920, 0x4941, 0x4944, 0x4950, 0x4980, 0x4996, 0x4a01, 0x4a04, 0x4a10, 0x4a40, 0x5000, 0x5002,
    0x5005, 0x5008, 0x5011, 0x5014, 0x5016, 0x5019, 0x5020, 0x5022, 0x5025, 0x5028, 0x5041, 0x5044, 0x5046, 0x5049,
    0x5050, 0x5052, 0x5055, 0x5058, 0x5061, 0x5064, 0x5080, 0x5082, 0x5085, 0x5088, 0x5091, 0x5094, 0x5101, 0x5104,
    0x5106, 0x5109, 0x5110, 0x5112, 0x5115, 0x5118, 0x5121, 0x5124, 0x5140, 0x5142, 0x5145, 0x5148, 0x5151, 0x5154,
    0x5160, 0x5181, 0x5184, 0x5190, 0x5200, 0x5205, 0x5208, 0x5211, 0x5214, 0x5220, 0x5241, 0x5244, 0x5250, 0x5269,
    0x5280, 0x5401, 0x5404, 0x5406, 0x5409, 0x5410, 0x5412, 0x5415, 0x5418, 0x5421, 0x5424, 0x5440, 0x5442, 0x5445,
    0x5448, 0x5451, 0x5454, 0x5460, 0x5481, 0x5484, 0x5490, 0x5500, 0x5502, 0x5505, 0x5508, 0x5511, 0x5514, 0x5520,
    0x5541, 0x5544, 0x5550, 0x5580, 0x5601, 0x5604, 0x5610, 0x5626, 0x5640, 0x5800, 0x5802, 0x5805, 0x5808, 0x5811,
    0x5814, 0x5820, 0x5841, 0x5844, 0x5850, 0x585a, 0x5880, 0x5901, 0x5904, 0x5910, 0x5940, 0x5a00, 0x5a19, 0x5a85,
    0x5aa8, 0x6001, 0x6004, 0x6006, 0x6010, 0x6012, 0x6015, 0x6018, 0x6021, 0x6024, 0x6040, 0x6045, 0x6048, 0x6051,
    0x6054, 0x6060, 0x6084, 0x6090, 0x6100, 0x6102, 0x6105, 0x6108, 0x6111, 0x6114, 0x6120, 0x6141, 0x6144, 0x6150,
    0x6180, 0x6199, 0x6204, 0x6210, 0x6240, 0x6256, 0x62a1, 0x6400, 0x6405, 0x6408, 0x6411, 0x6414, 0x6420, 0x6441,
    0x6444, 0x6450, 0x6480, 0x6501, 0x6504, 0x6510, 0x6540, 0x654a, 0x6568, 0x6592, 0x6600, 0x6694, 0x6801, 0x6804,
    0x6810, 0x6865, 0x6898, 0x6900, 0x692a, 0x6a42, 0x6aa1, 0x8000, 0x8002, 0x8005, 0x8008, 0x8011, 0x8014, 0x8019,
    0x8020, 0x8025, 0x8041, 0x8044, 0x8050, 0x8052, 0x8055, 0x8058, 0x8061, 0x8080, 0x8085, 0x8091, 0x8094, 0x8101,
    0x8104, 0x8109, 0x8110, 0x8112, 0x8115, 0x8118, 0x8121, 0x8124, 0x8140, 0x8142, 0x8145, 0x8148, 0x8151, 0x8154,
    0x8181, 0x8184, 0x8190, 0x81a9, 0x8200, 0x8205, 0x820a, 0x8211, 0x8214, 0x8241, 0x8244, 0x8250, 0x8401, 0x8404,
    0x8406, 0x8409, 0x8410, 0x8412, 0x8415, 0x8418, 0x8421, 0x8440, 0x8442, 0x8445, 0x8448, 0x8451, 0x8454, 0x8460,
    0x8481, 0x8484, 0x8490, 0x8500, 0x8502, 0x8505, 0x8508, 0x8511, 0x8514, 0x8520, 0x8541, 0x8544, 0x8550, 0x8580,
    0x858a, 0x8601, 0x8604, 0x8610, 0x8629, 0x8640, 0x8800, 0x8805, 0x8811, 0x8814, 0x8841, 0x8844, 0x8850, 0x88a2,
    0x8901, 0x8904, 0x8940, 0x8965, 0x8a22, 0x8a58, 0x8a5a, 0x8a82, 0x8aa2, 0x9001, 0x9004, 0x9009, 0x9010, 0x9012,
    0x9015, 0x9018, 0x9024, 0x9040, 0x9042, 0x9045, 0x9048, 0x9051, 0x9054, 0x9060, 0x9081, 0x9084, 0x9090, 0x9100,
    0x9105, 0x9111, 0x9114, 0x9141, 0x9144, 0x9150, 0x915a, 0x9201, 0x9204, 0x9210, 0x9240, 0x92a6, 0x9400, 0x9402,
    0x9405, 0x9408, 0x9411, 0x9414, 0x9420, 0x9441, 0x9444, 0x9450, 0x9480, 0x9496, 0x9501, 0x9504, 0x9510, 0x9540,
    0x9598, 0x95a1, 0x9600, 0x9646, 0x9664, 0x9801, 0x9804, 0x9810, 0x9826, 0x9840, 0x98a9, 0x9900, 0x9949, 0x9952,
    0x9a90, 0xa000, 0xa005, 0xa00a, 0xa014, 0xa022, 0xa02a, 0xa041, 0xa044, 0xa050, 0xa0a2, 0xa0aa, 0xa140, 0xa165,
    0xa202, 0xa20a, 0xa222, 0xa228, 0xa22a, 0xa282, 0xa288, 0xa28a, 0xa2a8, 0xa401, 0xa404, 0xa410, 0xa440, 0xa489,
    0xa4a4, 0xa500, 0xa519, 0xa651, 0xa80a, 0xa828, 0xa8a2, 0xa954, 0xa986, 0xaa08, 0xaa0a, 0xaa20, 0xaa22, 0xaa28,
    0xaa88, 0xaaaa,
};
const uint16_t kIq3XxsRows[256] = {
    0x0000, 0x0002, 0x0004, 0x0011, 0x0013, 0x0017, 0x0020, 0x0022, 0x0031, 0x0042, 0x0073, 0x0075, 0x0101, 0x0103,
    0x0110, 0x0112, 0x0121, 0x0125, 0x0130, 0x0132, 0x0141, 0x0154, 0x0170, 0x0200, 0x0202, 0x0204, 0x0211, 0x0220,
    0x0222, 0x0231, 0x0233, 0x0237, 0x0251, 0x0257, 0x0275, 0x0301, 0x0307, 0x0310, 0x0312, 0x0325, 0x0370, 0x0413,
    0x0437, 0x0444, 0x0457, 0x0473, 0x0475, 0x0501, 0x0507, 0x0532, 0x0552, 0x0635, 0x0664, 0x0710, 0x0714, 0x0716,
    0x0743, 0x0761, 0x1001, 0x1003, 0x1010, 0x1012, 0x1021, 0x1023, 0x1030, 0x1032, 0x1034, 0x1047, 0x1050, 0x1100,
    0x1102, 0x1111, 0x1120, 0x1122, 0x1201, 0x1203, 0x1210, 0x1212, 0x1221, 0x1230, 0x1272, 0x1300, 0x1302, 0x1320,
    0x1331, 0x1346, 0x1366, 0x1401, 0x1405, 0x1450, 0x1520, 0x1524, 0x1546, 0x1571, 0x1605, 0x1722, 0x1740, 0x2000,
    0x2002, 0x2011, 0x2013, 0x2020, 0x2022, 0x2026, 0x2031, 0x2042, 0x2101, 0x2103, 0x2105, 0x2110, 0x2112, 0x2121,
    0x2130, 0x2163, 0x2167, 0x2170, 0x2200, 0x2202, 0x2211, 0x2217, 0x2220, 0x2222, 0x2237, 0x2240, 0x2255, 0x2301,
    0x2310, 0x2314, 0x2370, 0x2374, 0x2435, 0x2453, 0x2503, 0x2527, 0x2541, 0x2574, 0x2701, 0x2703, 0x2716, 0x2745,
    0x3001, 0x3010, 0x3012, 0x3021, 0x3023, 0x3050, 0x3065, 0x3072, 0x3100, 0x3102, 0x3120, 0x3131, 0x3144, 0x3146,
    0x3201, 0x3203, 0x3210, 0x3225, 0x3252, 0x3272, 0x3311, 0x3333, 0x3430, 0x3447, 0x3472, 0x3500, 0x3506, 0x3522,
    0x3555, 0x3614, 0x3636, 0x3663, 0x3733, 0x3760, 0x4004, 0x4017, 0x4035, 0x4037, 0x4053, 0x4057, 0x4174, 0x4220,
    0x4237, 0x4240, 0x4260, 0x4266, 0x4307, 0x4345, 0x4404, 0x4451, 0x4464, 0x4525, 0x4543, 0x4570, 0x4705, 0x4710,
    0x4712, 0x4730, 0x5012, 0x5041, 0x5070, 0x5100, 0x5106, 0x5126, 0x5155, 0x5214, 0x5232, 0x5272, 0x5302, 0x5353,
    0x5410, 0x5423, 0x5427, 0x5472, 0x5502, 0x5531, 0x5650, 0x5724, 0x5742, 0x6024, 0x6044, 0x6046, 0x6064, 0x6121,
    0x6161, 0x6217, 0x6264, 0x6330, 0x6336, 0x6444, 0x6505, 0x6552, 0x6633, 0x6703, 0x6721, 0x7003, 0x7005, 0x7007,
    0x7010, 0x7032, 0x7052, 0x7126, 0x7140, 0x7212, 0x7245, 0x7252, 0x7300, 0x7315, 0x7333, 0x7360, 0x7421, 0x7441,
    0x7500, 0x7502, 0x7524, 0x7630,
};
const uint16_t kIq3SRows[512] = {
    0x0000, 0x0001, 0x0002, 0x0005, 0x0007, 0x0010, 0x0011, 0x0012, 0x0014, 0x0016, 0x0020, 0x0021, 0x0025, 0x0033,
    0x0040, 0x0042, 0x0045, 0x0047, 0x0051, 0x0053, 0x0060, 0x0062, 0x0071, 0x0074, 0x0077, 0x0100, 0x0101, 0x0102,
    0x0104, 0x0110, 0x0111, 0x0115, 0x0120, 0x0123, 0x0127, 0x0131, 0x0135, 0x0144, 0x0161, 0x0165, 0x0172, 0x0200,
    0x0201, 0x0205, 0x0207, 0x0210, 0x0213, 0x0216, 0x0221, 0x0225, 0x0230, 0x0234, 0x0242, 0x0245, 0x0247, 0x0251,
    0x0253, 0x0270, 0x0273, 0x0303, 0x0311, 0x0315, 0x0320, 0x0322, 0x0331, 0x0333, 0x0336, 0x0344, 0x0350, 0x0352,
    0x0367, 0x0371, 0x0375, 0x0400, 0x0413, 0x0417, 0x0421, 0x0424, 0x0432, 0x0440, 0x0443, 0x0451, 0x0470, 0x0502,
    0x0504, 0x0520, 0x0522, 0x0526, 0x0533, 0x0541, 0x0545, 0x0547, 0x0566, 0x0573, 0x0606, 0x0611, 0x0613, 0x0631,
    0x0652, 0x0671, 0x0700, 0x0702, 0x0704, 0x0720, 0x0722, 0x0726, 0x0733, 0x0750, 0x0754, 0x1000, 0x1001, 0x1002,
    0x1004, 0x1010, 0x1011, 0x1013, 0x1015, 0x1017, 0x1020, 0x1022, 0x1031, 0x1034, 0x1036, 0x1054, 0x1056, 0x1061,
    0x1072, 0x1100, 0x1101, 0x1103, 0x1106, 0x1110, 0x1114, 0x1121, 0x1130, 0x1133, 0x1141, 0x1150, 0x1152, 0x1170,
    0x1176, 0x1200, 0x1212, 0x1215, 0x1217, 0x1220, 0x1224, 0x1232, 0x1240, 0x1243, 0x1255, 0x1260, 0x1272, 0x1301,
    0x1304, 0x1307, 0x1310, 0x1313, 0x1321, 0x1327, 0x1330, 0x1334, 0x1341, 0x1362, 0x1370, 0x1403, 0x1405, 0x1412,
    0x1414, 0x1431, 0x1433, 0x1442, 0x1446, 0x1450, 0x1454, 0x1501, 0x1510, 0x1513, 0x1521, 0x1530, 0x1532, 0x1551,
    0x1620, 0x1624, 0x1627, 0x1644, 0x1646, 0x1701, 0x1703, 0x1710, 0x1712, 0x1721, 0x1735, 0x1741, 0x1762, 0x1770,
    0x2000, 0x2001, 0x2003, 0x2005, 0x2007, 0x2010, 0x2012, 0x2014, 0x2016, 0x2021, 0x2023, 0x2027, 0x2030, 0x2032,
    0x2041, 0x2043, 0x2045, 0x2050, 0x2052, 0x2067, 0x2070, 0x2073, 0x2075, 0x2100, 0x2102, 0x2110, 0x2113, 0x2117,
    0x2122, 0x2125, 0x2131, 0x2134, 0x2142, 0x2151, 0x2201, 0x2204, 0x2207, 0x2221, 0x2223, 0x2230, 0x2237, 0x2241,
    0x2253, 0x2257, 0x2271, 0x2274, 0x2300, 0x2302, 0x2305, 0x2311, 0x2322, 0x2324, 0x2331, 0x2333, 0x2342, 0x2350,
    0x2366, 0x2401, 0x2407, 0x2420, 0x2423, 0x2432, 0x2435, 0x2441, 0x2472, 0x2475, 0x2504, 0x2511, 0x2522, 0x2537,
    0x2540, 0x2553, 0x2570, 0x2600, 0x2602, 0x2607, 0x2621, 0x2655, 0x2661, 0x2705, 0x2711, 0x2726, 0x2730, 0x2743,
    0x2750, 0x3002, 0x3011, 0x3013, 0x3015, 0x3017, 0x3022, 0x3031, 0x3033, 0x3035, 0x3042, 0x3044, 0x3047, 0x3051,
    0x3063, 0x3071, 0x3101, 0x3103, 0x3105, 0x3114, 0x3121, 0x3123, 0x3140, 0x3160, 0x3172, 0x3176, 0x3200, 0x3212,
    0x3220, 0x3232, 0x3234, 0x3250, 0x3301, 0x3310, 0x3314, 0x3321, 0x3323, 0x3327, 0x3330, 0x3341, 0x3343, 0x3347,
    0x3355, 0x3373, 0x3403, 0x3411, 0x3416, 0x3422, 0x3431, 0x3452, 0x3460, 0x3464, 0x3501, 0x3510, 0x3512, 0x3525,
    0x3532, 0x3544, 0x3556, 0x3573, 0x3616, 0x3641, 0x3701, 0x3703, 0x3720, 0x3722, 0x3735, 0x4000, 0x4004, 0x4012,
    0x4020, 0x4024, 0x4027, 0x4032, 0x4041, 0x4050, 0x4070, 0x4102, 0x4107, 0x4111, 0x4113, 0x4122, 0x4130, 0x4135,
    0x4143, 0x4151, 0x4155, 0x4201, 0x4203, 0x4210, 0x4215, 0x4221, 0x4233, 0x4240, 0x4257, 0x4262, 0x4270, 0x4304,
    0x4311, 0x4313, 0x4320, 0x4322, 0x4331, 0x4335, 0x4400, 0x4402, 0x4424, 0x4437, 0x4440, 0x4471, 0x4505, 0x4507,
    0x4521, 0x4562, 0x4613, 0x4634, 0x4660, 0x4710, 0x4715, 0x4730, 0x4743, 0x4751, 0x5002, 0x5010, 0x5014, 0x5022,
    0x5040, 0x5044, 0x5047, 0x5052, 0x5066, 0x5074, 0x5101, 0x5103, 0x5105, 0x5112, 0x5121, 0x5132, 0x5172, 0x5200,
    0x5211, 0x5223, 0x5230, 0x5236, 0x5253, 0x5302, 0x5307, 0x5310, 0x5327, 0x5344, 0x5351, 0x5365, 0x5373, 0x5401,
    0x5404, 0x5420, 0x5432, 0x5446, 0x5512, 0x5526, 0x5551, 0x5553, 0x5642, 0x5702, 0x5704, 0x5722, 0x6011, 0x6013,
    0x6015, 0x6031, 0x6033, 0x6060, 0x6100, 0x6120, 0x6127, 0x6164, 0x6212, 0x6234, 0x6242, 0x6255, 0x6262, 0x6270,
    0x6300, 0x6314, 0x6321, 0x6340, 0x6425, 0x6443, 0x6462, 0x6500, 0x6503, 0x6534, 0x6560, 0x6605, 0x6640, 0x6711,
    0x6713, 0x7000, 0x7004, 0x7007, 0x7020, 0x7022, 0x7036, 0x7040, 0x7054, 0x7062, 0x7102, 0x7111, 0x7124, 0x7143,
    0x7145, 0x7201, 0x7204, 0x7210, 0x7216, 0x7221, 0x7230, 0x7251, 0x7302, 0x7332, 0x7335, 0x7353, 0x7401, 0x7405,
    0x7413, 0x7420, 0x7450, 0x7522, 0x7542, 0x7602, 0x7631, 0x7700,
};
const uint16_t kIq1Rows[2048] = {
    0x0000, 0x0002, 0x0005, 0x0008, 0x000a, 0x0011, 0x0015, 0x0020, 0x0022, 0x0028, 0x002a, 0x0045, 0x0051, 0x0054,
    0x0056, 0x0065, 0x0080, 0x0082, 0x0088, 0x008a, 0x0095, 0x00a0, 0x00a2, 0x00a8, 0x00aa, 0x0104, 0x0105, 0x0111,
    0x0114, 0x0116, 0x0119, 0x011a, 0x0125, 0x0141, 0x0146, 0x0149, 0x0152, 0x0155, 0x015a, 0x0161, 0x0164, 0x0166,
    0x0168, 0x0185, 0x0191, 0x0194, 0x0196, 0x01a5, 0x0200, 0x0202, 0x0208, 0x020a, 0x0215, 0x0220, 0x0222, 0x0228,
    0x022a, 0x0245, 0x0251, 0x0259, 0x0264, 0x0269, 0x0280, 0x0282, 0x0288, 0x028a, 0x0291, 0x0295, 0x0299, 0x02a0,
    0x02a2, 0x02a8, 0x02aa, 0x0411, 0x0414, 0x0416, 0x0425, 0x0441, 0x0449, 0x0455, 0x045a, 0x0464, 0x0465, 0x0491,
    0x0499, 0x04a5, 0x0501, 0x0504, 0x0505, 0x0506, 0x0515, 0x0518, 0x051a, 0x0529, 0x0540, 0x0545, 0x054a, 0x0550,
    0x0551, 0x0554, 0x0555, 0x0556, 0x0559, 0x0560, 0x0562, 0x0565, 0x0568, 0x056a, 0x0581, 0x0591, 0x0595, 0x0598,
    0x059a, 0x05a1, 0x05a4, 0x05a5, 0x05a6, 0x05a9, 0x0614, 0x0619, 0x0641, 0x0644, 0x0650, 0x0652, 0x0655, 0x0658,
    0x0660, 0x0661, 0x0666, 0x0669, 0x0685, 0x0691, 0x0694, 0x0699, 0x0800, 0x0802, 0x0808, 0x080a, 0x0815, 0x0820,
    0x0822, 0x0828, 0x082a, 0x0845, 0x0851, 0x0856, 0x0865, 0x0880, 0x0882, 0x0888, 0x088a, 0x0895, 0x08a0, 0x08a2,
    0x08a8, 0x08aa, 0x0905, 0x0911, 0x0914, 0x0919, 0x0924, 0x0925, 0x0941, 0x0950, 0x0951, 0x0955, 0x0961, 0x0964,
    0x0969, 0x0991, 0x0994, 0x0996, 0x0999, 0x09a5, 0x0a00, 0x0a02, 0x0a08, 0x0a0a, 0x0a15, 0x0a20, 0x0a22, 0x0a28,
    0x0a2a, 0x0a45, 0x0a51, 0x0a59, 0x0a61, 0x0a65, 0x0a80, 0x0a82, 0x0a85, 0x0a88, 0x0a8a, 0x0a95, 0x0aa0, 0x0aa2,
    0x0aa8, 0x0aaa, 0x1010, 0x1011, 0x1014, 0x1019, 0x1024, 0x1025, 0x1041, 0x1044, 0x1050, 0x1055, 0x1058, 0x1061,
    0x1064, 0x1065, 0x1069, 0x1091, 0x1094, 0x1096, 0x10a1, 0x10a5, 0x1101, 0x1104, 0x1106, 0x1109, 0x1110, 0x1112,
    0x1115, 0x1118, 0x1121, 0x1124, 0x1129, 0x1145, 0x114a, 0x1150, 0x1151, 0x1152, 0x1154, 0x1155, 0x1156, 0x1159,
    0x1160, 0x1165, 0x1184, 0x1192, 0x1195, 0x11a1, 0x11a4, 0x1211, 0x1214, 0x1216, 0x1225, 0x1240, 0x1246, 0x1249,
    0x1252, 0x1255, 0x1258, 0x125a, 0x1264, 0x1266, 0x1285, 0x1291, 0x1294, 0x1296, 0x12a5, 0x1401, 0x1406, 0x1409,
    0x1414, 0x1415, 0x1418, 0x1419, 0x1421, 0x1426, 0x1441, 0x1445, 0x1446, 0x1448, 0x144a, 0x1451, 0x1454, 0x1455,
    0x1456, 0x1459, 0x1462, 0x1465, 0x1468, 0x1484, 0x1489, 0x1490, 0x1494, 0x1495, 0x1498, 0x1499, 0x149a, 0x14a1,
    0x14a4, 0x14a5, 0x14a9, 0x1502, 0x1505, 0x150a, 0x1511, 0x1514, 0x1515, 0x1516, 0x1519, 0x1520, 0x1522, 0x1525,
    0x1528, 0x152a, 0x1541, 0x1544, 0x1545, 0x1546, 0x1551, 0x1552, 0x1554, 0x1555, 0x1556, 0x1559, 0x155a, 0x1561,
    0x1564, 0x1565, 0x1566, 0x1569, 0x1580, 0x1582, 0x1584, 0x1585, 0x1588, 0x158a, 0x1590, 0x1591, 0x1594, 0x1595,
    0x1596, 0x1599, 0x159a, 0x15a0, 0x15a2, 0x15a5, 0x1601, 0x1604, 0x1605, 0x1606, 0x1615, 0x1616, 0x1618, 0x161a,
    0x1621, 0x1626, 0x1640, 0x1642, 0x1644, 0x1645, 0x1648, 0x164a, 0x1651, 0x1655, 0x1656, 0x1658, 0x1659, 0x1661,
    0x1664, 0x1665, 0x1668, 0x1669, 0x166a, 0x1686, 0x168a, 0x1692, 0x1695, 0x16a4, 0x16a9, 0x1811, 0x1816, 0x1825,
    0x1841, 0x1844, 0x1846, 0x1849, 0x1850, 0x1855, 0x1858, 0x185a, 0x1860, 0x1861, 0x1864, 0x1866, 0x1869, 0x1885,
    0x1891, 0x1894, 0x18a5, 0x1910, 0x1912, 0x1915, 0x191a, 0x1921, 0x1925, 0x1942, 0x1944, 0x1945, 0x1948, 0x1951,
    0x1954, 0x1955, 0x1956, 0x1959, 0x195a, 0x1960, 0x1965, 0x196a, 0x1989, 0x1991, 0x1992, 0x1995, 0x1998, 0x19a1,
    0x19a6, 0x19a9, 0x1a09, 0x1a16, 0x1a24, 0x1a26, 0x1a44, 0x1a46, 0x1a49, 0x1a50, 0x1a52, 0x1a55, 0x1a58, 0x1a61,
    0x1a66, 0x1a69, 0x1a85, 0x1a91, 0x1a96, 0x1a9a, 0x2000, 0x2002, 0x2008, 0x200a, 0x2015, 0x2020, 0x2022, 0x2025,
    0x2028, 0x202a, 0x2045, 0x2051, 0x2059, 0x2061, 0x2065, 0x2080, 0x2082, 0x2088, 0x208a, 0x2095, 0x20a0, 0x20a2,
    0x20a5, 0x20a8, 0x20aa, 0x2105, 0x2111, 0x2114, 0x2119, 0x2125, 0x2142, 0x2144, 0x2149, 0x2155, 0x2158, 0x215a,
    0x2161, 0x2164, 0x2165, 0x2166, 0x2185, 0x2190, 0x2196, 0x2199, 0x21a5, 0x2201, 0x2208, 0x220a, 0x2211, 0x2215,
    0x2220, 0x2222, 0x2228, 0x222a, 0x2245, 0x2251, 0x2256, 0x2259, 0x2265, 0x2281, 0x2288, 0x228a, 0x2291, 0x2295,
    0x22a0, 0x22a2, 0x22a8, 0x22aa, 0x2405, 0x2414, 0x2416, 0x2419, 0x2425, 0x2444, 0x2445, 0x2446, 0x2449, 0x2452,
    0x2455, 0x2458, 0x245a, 0x2466, 0x2485, 0x2491, 0x2494, 0x2499, 0x24a1, 0x24a5, 0x2509, 0x2515, 0x2521, 0x2529,
    0x2540, 0x2545, 0x2548, 0x2551, 0x2554, 0x2555, 0x2559, 0x2562, 0x2565, 0x2568, 0x2589, 0x2590, 0x2594, 0x2595,
    0x2598, 0x259a, 0x25a1, 0x25a4, 0x25a6, 0x25a9, 0x2605, 0x2610, 0x2612, 0x2619, 0x2625, 0x2641, 0x2649, 0x2655,
    0x2660, 0x2661, 0x2669, 0x2684, 0x2686, 0x2690, 0x269a, 0x2800, 0x2802, 0x2808, 0x280a, 0x2815, 0x2820, 0x2822,
    0x2828, 0x282a, 0x2845, 0x2851, 0x2854, 0x2865, 0x2880, 0x2882, 0x2888, 0x288a, 0x28a0, 0x28a2, 0x28a8, 0x28aa,
    0x2909, 0x2911, 0x2914, 0x2919, 0x2925, 0x2946, 0x2949, 0x2952, 0x2955, 0x2961, 0x2964, 0x2966, 0x2969, 0x2985,
    0x2990, 0x2996, 0x2999, 0x29a4, 0x29a5, 0x2a00, 0x2a02, 0x2a08, 0x2a0a, 0x2a20, 0x2a22, 0x2a28, 0x2a2a, 0x2a45,
    0x2a51, 0x2a56, 0x2a59, 0x2a65, 0x2a80, 0x2a82, 0x2a88, 0x2a8a, 0x2a95, 0x2aa0, 0x2aa2, 0x2aa8, 0x2aaa, 0x4005,
    0x4011, 0x4016, 0x4025, 0x4049, 0x4052, 0x4055, 0x4058, 0x405a, 0x4061, 0x4064, 0x4066, 0x4094, 0x4099, 0x40a1,
    0x40a6, 0x4100, 0x4101, 0x4104, 0x4106, 0x4109, 0x4112, 0x4115, 0x4116, 0x4118, 0x411a, 0x4121, 0x4126, 0x4129,
    0x4145, 0x4148, 0x414a, 0x4151, 0x4154, 0x4155, 0x4156, 0x4159, 0x415a, 0x4165, 0x4168, 0x416a, 0x4181, 0x4184,
    0x4186, 0x4190, 0x4192, 0x4195, 0x41a0, 0x41a1, 0x41a2, 0x4205, 0x4211, 0x4214, 0x4216, 0x4225, 0x4241, 0x4252,
    0x4255, 0x425a, 0x4264, 0x4269, 0x4289, 0x4294, 0x42a5, 0x4401, 0x4415, 0x4419, 0x4429, 0x4445, 0x4448, 0x444a,
    0x4451, 0x4454, 0x4455, 0x4456, 0x4461, 0x4462, 0x4465, 0x4468, 0x446a, 0x4481, 0x4486, 0x4489, 0x4490, 0x4492,
    0x4495, 0x44a0, 0x44a1, 0x44a9, 0x4501, 0x4502, 0x4505, 0x450a, 0x4511, 0x4514, 0x4515, 0x4516, 0x4519, 0x4520,
    0x4525, 0x452a, 0x4541, 0x4544, 0x4545, 0x4546, 0x4549, 0x4550, 0x4551, 0x4554, 0x4555, 0x4556, 0x4558, 0x4559,
    0x4561, 0x4564, 0x4565, 0x4566, 0x4569, 0x4582, 0x4584, 0x4585, 0x4588, 0x4591, 0x4594, 0x4595, 0x4596, 0x4599,
    0x459a, 0x45a5, 0x45a8, 0x45aa, 0x4601, 0x4605, 0x4609, 0x4614, 0x4615, 0x4618, 0x461a, 0x4621, 0x4624, 0x4629,
    0x4640, 0x4642, 0x4645, 0x4648, 0x4650, 0x4651, 0x4652, 0x4655, 0x4656, 0x4659, 0x4662, 0x4665, 0x4668, 0x4681,
    0x4685, 0x468a, 0x4694, 0x4695, 0x46a1, 0x46a4, 0x46a6, 0x4805, 0x4811, 0x4815, 0x481a, 0x4825, 0x4842, 0x4849,
    0x4850, 0x4855, 0x4858, 0x4861, 0x4864, 0x4866, 0x4869, 0x4885, 0x4891, 0x4894, 0x4896, 0x4899, 0x48a5, 0x4901,
    0x4905, 0x4906, 0x490a, 0x4910, 0x4914, 0x4915, 0x4918, 0x4921, 0x4924, 0x4926, 0x4940, 0x4945, 0x494a, 0x4951,
    0x4952, 0x4954, 0x4955, 0x4956, 0x4959, 0x4960, 0x4962, 0x4965, 0x4966, 0x496a, 0x4986, 0x4989, 0x4992, 0x4995,
    0x4996, 0x4998, 0x49a1, 0x49a4, 0x49a6, 0x49a9, 0x4a16, 0x4a44, 0x4a46, 0x4a49, 0x4a55, 0x4a58, 0x4a5a, 0x4a64,
    0x4a69, 0x4a94, 0x4aa5, 0x5001, 0x5004, 0x5005, 0x5006, 0x5009, 0x5012, 0x5015, 0x501a, 0x5021, 0x5024, 0x5029,
    0x5040, 0x5045, 0x5048, 0x5051, 0x5054, 0x5055, 0x5056, 0x5059, 0x5065, 0x5068, 0x5086, 0x5089, 0x5095, 0x5098,
    0x50a0, 0x50a1, 0x50a6, 0x50a9, 0x5105, 0x5108, 0x5109, 0x510a, 0x5111, 0x5114, 0x5115, 0x5116, 0x5118, 0x5119,
    0x5120, 0x5125, 0x5126, 0x5128, 0x512a, 0x5141, 0x5144, 0x5145, 0x5146, 0x5149, 0x5150, 0x5151, 0x5152, 0x5154,
    0x5155, 0x5156, 0x5158, 0x5159, 0x515a, 0x5161, 0x5164, 0x5165, 0x5166, 0x5169, 0x5182, 0x5185, 0x5191, 0x5194,
    0x5195, 0x5196, 0x5199, 0x51a0, 0x51a5, 0x51aa, 0x5201, 0x5206, 0x5212, 0x5215, 0x521a, 0x5221, 0x5224, 0x5242,
    0x5245, 0x524a, 0x5251, 0x5254, 0x5255, 0x5256, 0x5259, 0x5262, 0x5265, 0x5285, 0x5290, 0x5292, 0x5295, 0x5299,
    0x529a, 0x52a4, 0x5404, 0x5405, 0x5411, 0x5414, 0x5415, 0x5416, 0x5418, 0x5419, 0x5421, 0x5425, 0x5428, 0x542a,
    0x5441, 0x5444, 0x5445, 0x5446, 0x5449, 0x544a, 0x5450, 0x5451, 0x5454, 0x5455, 0x5456, 0x5458, 0x5459, 0x545a,
    0x5461, 0x5462, 0x5464, 0x5465, 0x5466, 0x5469, 0x5480, 0x5488, 0x548a, 0x5491, 0x5494, 0x5495, 0x5496, 0x5499,
    0x54a1, 0x54a4, 0x54a5, 0x54aa, 0x5501, 0x5502, 0x5504, 0x5505, 0x5506, 0x5509, 0x5510, 0x5511, 0x5512, 0x5514,
    0x5515, 0x5516, 0x5519, 0x551a, 0x5521, 0x5524, 0x5525, 0x5526, 0x5529, 0x5540, 0x5541, 0x5542, 0x5544, 0x5545,
    0x5546, 0x5548, 0x5549, 0x5550, 0x5551, 0x5552, 0x5554, 0x5555, 0x5556, 0x5558, 0x5559, 0x555a, 0x5560, 0x5561,
    0x5564, 0x5565, 0x5566, 0x5568, 0x5569, 0x556a, 0x5581, 0x5584, 0x5585, 0x5589, 0x558a, 0x5590, 0x5591, 0x5594,
    0x5595, 0x5596, 0x5598, 0x5599, 0x55a1, 0x55a4, 0x55a5, 0x55a6, 0x55a9, 0x5600, 0x5601, 0x5602, 0x5604, 0x5606,
    0x5608, 0x5609, 0x5611, 0x5614, 0x5615, 0x5618, 0x5619, 0x5620, 0x5621, 0x5622, 0x5624, 0x5625, 0x5626, 0x5628,
    0x5629, 0x5641, 0x5645, 0x5646, 0x5648, 0x5649, 0x564a, 0x5650, 0x5651, 0x5652, 0x5654, 0x5655, 0x5656, 0x5658,
    0x5659, 0x565a, 0x5661, 0x5664, 0x5665, 0x5669, 0x5682, 0x5685, 0x5686, 0x5688, 0x5689, 0x568a, 0x5691, 0x5695,
    0x569a, 0x56a2, 0x56a5, 0x56a6, 0x56a8, 0x56a9, 0x5804, 0x5805, 0x5806, 0x5809, 0x5810, 0x5815, 0x5818, 0x5821,
    0x582a, 0x5845, 0x5848, 0x584a, 0x5851, 0x5854, 0x5855, 0x5856, 0x5858, 0x5859, 0x5860, 0x5862, 0x5864, 0x5865,
    0x5882, 0x5889, 0x5890, 0x5892, 0x5895, 0x5898, 0x58a1, 0x58a9, 0x5901, 0x5902, 0x5905, 0x590a, 0x5911, 0x5914,
    0x5915, 0x5916, 0x5919, 0x5925, 0x5941, 0x5944, 0x5945, 0x5946, 0x5949, 0x5950, 0x5951, 0x5952, 0x5954, 0x5955,
    0x5956, 0x5958, 0x5959, 0x595a, 0x5961, 0x5964, 0x5965, 0x5966, 0x5969, 0x5981, 0x5985, 0x5989, 0x5991, 0x5994,
    0x5995, 0x5996, 0x5998, 0x5999, 0x59a5, 0x5a04, 0x5a08, 0x5a15, 0x5a1a, 0x5a20, 0x5a25, 0x5a26, 0x5a29, 0x5a45,
    0x5a48, 0x5a49, 0x5a51, 0x5a55, 0x5a56, 0x5a58, 0x5a59, 0x5a62, 0x5a65, 0x5a68, 0x5a6a, 0x5a81, 0x5a8a, 0x5a92,
    0x5a95, 0x5a96, 0x5a98, 0x5a9a, 0x5aa1, 0x6005, 0x6014, 0x6016, 0x6019, 0x6025, 0x6044, 0x6050, 0x6055, 0x6056,
    0x6058, 0x605a, 0x6061, 0x6064, 0x6066, 0x6069, 0x6081, 0x6096, 0x60a5, 0x6101, 0x6104, 0x6106, 0x6109, 0x6112,
    0x6115, 0x6121, 0x6122, 0x6126, 0x6129, 0x6145, 0x6149, 0x6151, 0x6155, 0x6156, 0x6159, 0x6165, 0x6166, 0x616a,
    0x6184, 0x618a, 0x6192, 0x6195, 0x61a1, 0x61a6, 0x61a9, 0x6211, 0x6216, 0x6219, 0x6240, 0x6241, 0x6246, 0x6255,
    0x6256, 0x6258, 0x6260, 0x6285, 0x6291, 0x6296, 0x62a5, 0x6411, 0x6412, 0x6415, 0x6416, 0x641a, 0x6421, 0x6426,
    0x6429, 0x6440, 0x6442, 0x6445, 0x6448, 0x644a, 0x6451, 0x6454, 0x6455, 0x6456, 0x6459, 0x645a, 0x6460, 0x6462,
    0x6465, 0x6484, 0x6485, 0x6489, 0x6490, 0x6492, 0x6494, 0x6495, 0x6496, 0x6498, 0x649a, 0x64a1, 0x64a4, 0x64a9,
    0x6505, 0x6508, 0x650a, 0x6511, 0x6515, 0x6516, 0x6519, 0x6544, 0x6545, 0x6546, 0x6549, 0x6550, 0x6551, 0x6554,
    0x6555, 0x6556, 0x6559, 0x6561, 0x6564, 0x6565, 0x6566, 0x6569, 0x6586, 0x6589, 0x658a, 0x6591, 0x6595, 0x6596,
    0x6599, 0x659a, 0x65a2, 0x65a5, 0x65a6, 0x65a8, 0x6602, 0x6609, 0x6615, 0x6620, 0x6626, 0x6628, 0x6629, 0x6640,
    0x6645, 0x6648, 0x664a, 0x6651, 0x6654, 0x6655, 0x6656, 0x6658, 0x665a, 0x6660, 0x6665, 0x6668, 0x6680, 0x6682,
    0x6685, 0x668a, 0x6694, 0x6696, 0x6698, 0x6699, 0x66a0, 0x66a4, 0x66a6, 0x66aa, 0x6816, 0x6819, 0x6825, 0x6841,
    0x6852, 0x6855, 0x685a, 0x6861, 0x6869, 0x6885, 0x6891, 0x6898, 0x68a6, 0x6901, 0x6904, 0x6910, 0x6915, 0x6921,
    0x6924, 0x6926, 0x6929, 0x6940, 0x6941, 0x6945, 0x6946, 0x6948, 0x6951, 0x6954, 0x6955, 0x6956, 0x6959, 0x6960,
    0x6965, 0x696a, 0x6982, 0x6984, 0x698a, 0x6995, 0x69a1, 0x69a4, 0x69a5, 0x69a9, 0x6a11, 0x6a16, 0x6a18, 0x6a41,
    0x6a44, 0x6a49, 0x6a50, 0x6a55, 0x6a58, 0x6a5a, 0x6a64, 0x6a65, 0x6a69, 0x6a86, 0x6a94, 0x6a98, 0x6a9a, 0x6aa6,
    0x8000, 0x8002, 0x8008, 0x800a, 0x8020, 0x8022, 0x8028, 0x802a, 0x8045, 0x8050, 0x8051, 0x8054, 0x8056, 0x8059,
    0x8065, 0x8080, 0x8082, 0x8088, 0x808a, 0x8095, 0x80a0, 0x80a2, 0x80a8, 0x80aa, 0x8105, 0x8111, 0x8114, 0x8116,
    0x8119, 0x8125, 0x8141, 0x8144, 0x8149, 0x8150, 0x8152, 0x8155, 0x8156, 0x8158, 0x8159, 0x8164, 0x8166, 0x8169,
    0x8185, 0x8189, 0x8194, 0x8196, 0x8199, 0x81a5, 0x8200, 0x8202, 0x8208, 0x820a, 0x8215, 0x8220, 0x8222, 0x8228,
    0x822a, 0x8251, 0x8254, 0x8259, 0x8265, 0x8280, 0x8282, 0x8288, 0x828a, 0x8295, 0x82a0, 0x82a2, 0x82a8, 0x82aa,
    0x8414, 0x8419, 0x8441, 0x8444, 0x8451, 0x8455, 0x845a, 0x8461, 0x8464, 0x8469, 0x8494, 0x8499, 0x8501, 0x8509,
    0x8512, 0x8515, 0x851a, 0x8526, 0x8529, 0x8540, 0x8541, 0x8545, 0x8548, 0x8551, 0x8554, 0x8555, 0x8556, 0x8559,
    0x855a, 0x8565, 0x8566, 0x8568, 0x856a, 0x8581, 0x8584, 0x8586, 0x8589, 0x8590, 0x8592, 0x8595, 0x8598, 0x85a6,
    0x8611, 0x8616, 0x8619, 0x8625, 0x8641, 0x8644, 0x8649, 0x864a, 0x8650, 0x8655, 0x8659, 0x865a, 0x8661, 0x8666,
    0x866a, 0x8685, 0x8691, 0x869a, 0x86a4, 0x8800, 0x8802, 0x8808, 0x880a, 0x8815, 0x8820, 0x8822, 0x8828, 0x882a,
    0x8841, 0x8845, 0x8851, 0x8854, 0x8859, 0x8865, 0x8869, 0x8880, 0x8882, 0x8888, 0x888a, 0x8895, 0x88a0, 0x88a2,
    0x88a8, 0x88aa, 0x8905, 0x8906, 0x8911, 0x8914, 0x8916, 0x8925, 0x8941, 0x8944, 0x8946, 0x8949, 0x8950, 0x8952,
    0x8955, 0x895a, 0x8961, 0x8964, 0x8985, 0x8996, 0x8999, 0x89a5, 0x8a00, 0x8a02, 0x8a08, 0x8a0a, 0x8a15, 0x8a20,
    0x8a22, 0x8a28, 0x8a2a, 0x8a45, 0x8a51, 0x8a54, 0x8a56, 0x8a80, 0x8a82, 0x8a88, 0x8a8a, 0x8a95, 0x8aa0, 0x8aa2,
    0x8aa8, 0x8aaa, 0x9005, 0x9011, 0x9016, 0x9018, 0x9019, 0x9025, 0x9041, 0x9046, 0x9049, 0x9055, 0x9058, 0x905a,
    0x9069, 0x906a, 0x9085, 0x9091, 0x9094, 0x9096, 0x9099, 0x90a5, 0x9101, 0x9104, 0x9106, 0x9109, 0x9110, 0x9115,
    0x9118, 0x911a, 0x9121, 0x9124, 0x9126, 0x9129, 0x9140, 0x9145, 0x9150, 0x9151, 0x9154, 0x9155, 0x9156, 0x9159,
    0x9162, 0x9165, 0x9184, 0x9186, 0x9192, 0x9195, 0x9198, 0x91a1, 0x91a4, 0x91a6, 0x91a9, 0x9205, 0x9211, 0x9214,
    0x9219, 0x9225, 0x9244, 0x9246, 0x9249, 0x9250, 0x9252, 0x9255, 0x9258, 0x9266, 0x9269, 0x9285, 0x9294, 0x9296,
    0x92a9, 0x9401, 0x9404, 0x9406, 0x9410, 0x9415, 0x9418, 0x9426, 0x9440, 0x944a, 0x9451, 0x9454, 0x9455, 0x9456,
    0x9458, 0x9459, 0x9460, 0x9461, 0x9462, 0x9465, 0x9484, 0x9486, 0x9492, 0x9494, 0x9495, 0x9498, 0x94a1, 0x94a9,
    0x9500, 0x9505, 0x9508, 0x950a, 0x9510, 0x9511, 0x9514, 0x9515, 0x9516, 0x9519, 0x9521, 0x9525, 0x9529, 0x952a,
    0x9541, 0x9544, 0x9545, 0x9546, 0x9549, 0x9550, 0x9551, 0x9552, 0x9554, 0x9555, 0x9556, 0x9558, 0x9559, 0x955a,
    0x9561, 0x9564, 0x9565, 0x9566, 0x9569, 0x9581, 0x9585, 0x9588, 0x9591, 0x9592, 0x9594, 0x9595, 0x9596, 0x9599,
    0x959a, 0x95a0, 0x95a2, 0x95a5, 0x95a8, 0x95aa, 0x9601, 0x9604, 0x9610, 0x9615, 0x9619, 0x9620, 0x9626, 0x9629,
    0x9645, 0x9648, 0x9649, 0x9651, 0x9652, 0x9655, 0x9656, 0x9659, 0x9665, 0x9668, 0x9682, 0x9684, 0x9689, 0x968a,
    0x9692, 0x9694, 0x9695, 0x96a4, 0x96a6, 0x96a9, 0x9805, 0x9816, 0x9819, 0x9825, 0x9841, 0x9846, 0x9850, 0x9852,
    0x9855, 0x9856, 0x985a, 0x9864, 0x9865, 0x9885, 0x9891, 0x9896, 0x9899, 0x98a5, 0x9904, 0x9906, 0x9909, 0x9910,
    0x9912, 0x9915, 0x9918, 0x991a, 0x9920, 0x9921, 0x9924, 0x9926, 0x9940, 0x9942, 0x9945, 0x9948, 0x994a, 0x9951,
    0x9954, 0x9955, 0x9956, 0x9959, 0x9962, 0x9965, 0x9966, 0x996a, 0x9981, 0x9984, 0x9990, 0x9992, 0x9995, 0x999a,
    0x99a1, 0x99a6, 0x9a05, 0x9a15, 0x9a25, 0x9a44, 0x9a46, 0x9a49, 0x9a50, 0x9a55, 0x9a58, 0x9a61, 0x9a85, 0x9a91,
    0x9a94, 0x9a95, 0x9a96, 0xa000, 0xa002, 0xa008, 0xa00a, 0xa015, 0xa020, 0xa022, 0xa028, 0xa02a, 0xa045, 0xa051,
    0xa054, 0xa056, 0xa059, 0xa080, 0xa082, 0xa088, 0xa08a, 0xa095, 0xa0a0, 0xa0a2, 0xa0a8, 0xa0aa, 0xa105, 0xa109,
    0xa111, 0xa114, 0xa116, 0xa119, 0xa11a, 0xa146, 0xa149, 0xa151, 0xa155, 0xa158, 0xa15a, 0xa161, 0xa164, 0xa185,
    0xa190, 0xa192, 0xa196, 0xa199, 0xa202, 0xa208, 0xa20a, 0xa210, 0xa219, 0xa222, 0xa228, 0xa22a, 0xa245, 0xa251,
    0xa256, 0xa259, 0xa265, 0xa280, 0xa282, 0xa288, 0xa28a, 0xa295, 0xa2a0, 0xa2a2, 0xa2a8, 0xa2aa, 0xa419, 0xa425,
    0xa441, 0xa444, 0xa450, 0xa454, 0xa455, 0xa458, 0xa45a, 0xa461, 0xa465, 0xa466, 0xa468, 0xa469, 0xa485, 0xa506,
    0xa509, 0xa510, 0xa512, 0xa515, 0xa518, 0xa526, 0xa529, 0xa542, 0xa545, 0xa551, 0xa554, 0xa555, 0xa556, 0xa559,
    0xa565, 0xa56a, 0xa581, 0xa584, 0xa585, 0xa586, 0xa589, 0xa592, 0xa595, 0xa598, 0xa605, 0xa611, 0xa616, 0xa61a,
    0xa621, 0xa625, 0xa644, 0xa646, 0xa64a, 0xa652, 0xa655, 0xa656, 0xa658, 0xa660, 0xa662, 0xa686, 0xa690, 0xa695,
    0xa696, 0xa699, 0xa6a1, 0xa6a4, 0xa6a6, 0xa800, 0xa802, 0xa808, 0xa80a, 0xa820, 0xa822, 0xa828, 0xa82a, 0xa851,
    0xa854, 0xa856, 0xa859, 0xa880, 0xa882, 0xa888, 0xa88a, 0xa895, 0xa8a0, 0xa8a2, 0xa8a8, 0xa8aa, 0xa905, 0xa914,
    0xa919, 0xa921, 0xa925, 0xa941, 0xa950, 0xa955, 0xa95a, 0xa961, 0xa966, 0xa969, 0xa990, 0xa996, 0xaa00, 0xaa02,
    0xaa08, 0xaa0a, 0xaa20, 0xaa22, 0xaa28, 0xaa2a, 0xaa51, 0xaa54, 0xaa56, 0xaa80, 0xaa82, 0xaa88, 0xaa8a, 0xaa95,
    0xaaa0, 0xaaa2, 0xaaa8, 0xaaaa,
};
// clang-format on

}  // namespace tfile

// src/quant/cpu.h
// Which vector instructions this CPU has.

namespace tfile {

enum class Cpu {
  kPlain,     // nothing is known
  kVector4,   // four floats, as every CPU of the architecture
  kVector8,   // x86-64 with AVX2 and F16C
  kVector16,  // x86-64 with AVX-512 F, BW, DQ, VL
};

// The best that this CPU, its system and the compiler know; each x86-64 level includes those before it.
Cpu best_cpu();

}  // namespace tfile

// src/quant/cpu.cpp
#if defined(__GNUC__) && defined(__x86_64__)
#include <cpuid.h>
#endif


namespace tfile {

namespace {

#if defined(__GNUC__) && defined(__x86_64__)
Cpu ask_cpu() {
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  constexpr uint32_t kKept = bit_OSXSAVE | bit_AVX | bit_F16C;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kKept) != kKept) return Cpu::kVector4;
  // The registers that the system keeps for each thread: 6 is those of AVX, 0xe0 the rest of AVX-512.
  uint32_t kept = 0;
  uint32_t rest = 0;
  __asm__ volatile("xgetbv" : "=a"(kept), "=d"(rest) : "c"(0));
  if ((kept & 6) != 6 || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & bit_AVX2) == 0) return Cpu::kVector4;
  constexpr uint32_t kWide = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
  return (kept & 0xe0) == 0xe0 && (b & kWide) == kWide ? Cpu::kVector16 : Cpu::kVector8;
}
#elif defined(__GNUC__) && defined(__aarch64__)
Cpu ask_cpu() {
  return Cpu::kVector4;
}
#else
Cpu ask_cpu() {
  return Cpu::kPlain;
}
#endif

}  // namespace

Cpu best_cpu() {
  // Asked once, because a virtual machine may answer slowly.
  static constinit std::atomic<int> known{-1};
  int answer = known.load(std::memory_order_relaxed);
  if (answer < 0) {
    answer = static_cast<int>(ask_cpu());
    known.store(answer, std::memory_order_relaxed);
  }
  return static_cast<Cpu>(answer);
}

}  // namespace tfile

// src/quant/decode_lanes.h
// Casts to float32 many elements at a time, with the vector instructions of the CPU: ggml's block types and the 16-bit
// floats.


namespace tfile {

// Whether this CPU runs the loops of find_lane_decoder().
bool cpu_has_lanes();

// The loop from a dtype to float32, which gives the bits of the one that every CPU has; NULL: there is none.
CastKernel find_lane_decoder(tf_dtype from);

}  // namespace tfile

// src/quant/lanes.h
// What decoding takes from a CPU: 16 bytes at a time, and their products with a scale. An architecture that has it
// defines TFILE_LANES: what its functions are compiled for, whatever the rest is.


#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>

#define TFILE_LANES __attribute__((target("avx2,f16c")))

namespace tfile {

struct Lanes {
  using Vector = __m128i;

  TFILE_LANES static Vector load(const void *from) { return _mm_loadu_si128(static_cast<const __m128i *>(from)); }
  TFILE_LANES static Vector of_words(uint64_t first, uint64_t second) {
    return _mm_set_epi64x(static_cast<int64_t>(second), static_cast<int64_t>(first));
  }
  TFILE_LANES static Vector fill(int value) { return _mm_set1_epi8(static_cast<char>(value)); }
  TFILE_LANES static Vector add(Vector a, Vector b) { return _mm_add_epi8(a, b); }
  TFILE_LANES static Vector subtract(Vector a, Vector b) { return _mm_sub_epi8(a, b); }
  TFILE_LANES static Vector both(Vector a, Vector b) { return _mm_and_si128(a, b); }
  TFILE_LANES static Vector either(Vector a, Vector b) { return _mm_or_si128(a, b); }
  TFILE_LANES static Vector differ(Vector a, Vector b) { return _mm_xor_si128(a, b); }
  // The bits of each byte from `shift` on that a mask has.
  TFILE_LANES static Vector bits(Vector a, int shift, int mask) {
    return both(_mm_srl_epi16(a, _mm_cvtsi32_si128(shift)), fill(mask));
  }
  // Multiplied by a power of two; nothing may be lost.
  TFILE_LANES static Vector raise(Vector a, int shift) { return _mm_sll_epi16(a, _mm_cvtsi32_si128(shift)); }
  // All bits of byte i where bit i is set.
  TFILE_LANES static Vector spread(uint32_t bits) {
    const Vector one_each = _mm_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
    const Vector halves = _mm_shuffle_epi8(_mm_cvtsi32_si128(static_cast<int>(bits)), of_words(0, 0x0101010101010101));
    return _mm_cmpeq_epi8(both(halves, one_each), one_each);
  }
  // All bits where a byte without sign is at least that large.
  TFILE_LANES static Vector at_least(Vector a, int least) { return _mm_cmpeq_epi8(_mm_max_epu8(a, fill(least)), a); }
  TFILE_LANES static Vector look_up(Vector table, Vector places) { return _mm_shuffle_epi8(table, places); }

  TFILE_LANES static float half(const uint8_t *from) {
    uint16_t bits;
    memcpy(&bits, from, sizeof(bits));
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
  }

  // Stores 8 floats of 8 bfloat16.
  TFILE_LANES static void put_bfloats(float *to, const void *from) {
    const __m256i wide = _mm256_cvtepu16_epi32(load(from));
    _mm256_storeu_ps(to, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
  }
  // Stores 8 floats of 8 float16 when none of them is NaN; signalling ones would not survive.
  TFILE_LANES static bool put_halves(float *to, const void *from) {
    const __m256 wide = _mm256_cvtph_ps(load(from));
    if (_mm256_movemask_ps(_mm256_cmp_ps(wide, wide, _CMP_UNORD_Q)) != 0) return false;
    _mm256_storeu_ps(to, wide);
    return true;
  }

  // 8 signed bytes in float32.
  TFILE_LANES static __m256 floats(Vector a) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(a)); }
  TFILE_LANES static Vector second(Vector a) { return _mm_unpackhi_epi64(a, a); }

  // Stores 16 floats: scale * a, scale * a + offset, scale * a - offset.
  TFILE_LANES static void put(float *to, Vector a, float scale) {
    const __m256 factor = _mm256_set1_ps(scale);
    _mm256_storeu_ps(to, _mm256_mul_ps(factor, floats(a)));
    _mm256_storeu_ps(to + 8, _mm256_mul_ps(factor, floats(second(a))));
  }
  TFILE_LANES static void put_above(float *to, Vector a, float scale, float offset) {
    const __m256 factor = _mm256_set1_ps(scale);
    const __m256 term = _mm256_set1_ps(offset);
    _mm256_storeu_ps(to, _mm256_add_ps(_mm256_mul_ps(factor, floats(a)), term));
    _mm256_storeu_ps(to + 8, _mm256_add_ps(_mm256_mul_ps(factor, floats(second(a))), term));
  }
  TFILE_LANES static void put_below(float *to, Vector a, float scale, float offset) {
    const __m256 factor = _mm256_set1_ps(scale);
    const __m256 term = _mm256_set1_ps(offset);
    _mm256_storeu_ps(to, _mm256_sub_ps(_mm256_mul_ps(factor, floats(a)), term));
    _mm256_storeu_ps(to + 8, _mm256_sub_ps(_mm256_mul_ps(factor, floats(second(a))), term));
  }
};

}  // namespace tfile

#elif defined(__GNUC__) && defined(__aarch64__) && !defined(__AARCH64EB__)

#include <arm_neon.h>

#define TFILE_LANES

namespace tfile {

struct Lanes {
  using Vector = uint8x16_t;

  static Vector load(const void *from) { return vld1q_u8(static_cast<const uint8_t *>(from)); }
  static Vector of_words(uint64_t first, uint64_t second) {
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(first), vcreate_u64(second)));
  }
  static Vector fill(int value) { return vdupq_n_u8(static_cast<uint8_t>(value)); }
  static Vector add(Vector a, Vector b) { return vaddq_u8(a, b); }
  static Vector subtract(Vector a, Vector b) { return vsubq_u8(a, b); }
  static Vector both(Vector a, Vector b) { return vandq_u8(a, b); }
  static Vector either(Vector a, Vector b) { return vorrq_u8(a, b); }
  static Vector differ(Vector a, Vector b) { return veorq_u8(a, b); }
  static Vector bits(Vector a, int shift, int mask) {
    return both(vshlq_u8(a, vdupq_n_s8(static_cast<int8_t>(-shift))), fill(mask));
  }
  static Vector raise(Vector a, int shift) { return vshlq_u8(a, vdupq_n_s8(static_cast<int8_t>(shift))); }
  static Vector spread(uint32_t bits) {
    const Vector halves =
        vcombine_u8(vdup_n_u8(static_cast<uint8_t>(bits)), vdup_n_u8(static_cast<uint8_t>(bits >> 8)));
    return vtstq_u8(halves, of_words(0x8040201008040201, 0x8040201008040201));
  }
  static Vector at_least(Vector a, int least) { return vcgeq_u8(a, fill(least)); }
  static Vector look_up(Vector table, Vector places) { return vqtbl1q_u8(table, places); }

  static float half(const uint8_t *from) {
    uint16_t bits;
    memcpy(&bits, from, sizeof(bits));
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))), 0);
  }

  static void put_bfloats(float *to, const void *from) {
    const uint16x8_t bits = vreinterpretq_u16_u8(load(from));
    vst1q_f32(to, vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(bits), 16)));
    vst1q_f32(to + 4, vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(bits), 16)));
  }
  static bool put_halves(float *to, const void *from) {
    const float16x8_t halves = vreinterpretq_f16_u8(load(from));
    const float32x4_t first = vcvt_f32_f16(vget_low_f16(halves));
    const float32x4_t second = vcvt_f32_f16(vget_high_f16(halves));
    if (vminvq_u32(vandq_u32(vceqq_f32(first, first), vceqq_f32(second, second))) == 0) return false;
    vst1q_f32(to, first);
    vst1q_f32(to + 4, second);
    return true;
  }

  // 4 of 16 signed bytes in float32.
  static float32x4_t floats(int16x4_t a) { return vcvtq_f32_s32(vmovl_s16(a)); }
  static float32x4x4_t products(Vector a, float scale) {
    const int16x8_t first = vmovl_s8(vreinterpret_s8_u8(vget_low_u8(a)));
    const int16x8_t second = vmovl_s8(vreinterpret_s8_u8(vget_high_u8(a)));
    const float32x4_t factor = vdupq_n_f32(scale);
    return {{vmulq_f32(factor, floats(vget_low_s16(first))), vmulq_f32(factor, floats(vget_high_s16(first))),
             vmulq_f32(factor, floats(vget_low_s16(second))), vmulq_f32(factor, floats(vget_high_s16(second)))}};
  }

  static void put(float *to, Vector a, float scale) {
    const float32x4x4_t made = products(a, scale);
    for (int i = 0; i < 4; ++i)
      vst1q_f32(to + 4 * i, made.val[i]);
  }
  static void put_above(float *to, Vector a, float scale, float offset) {
    const float32x4x4_t made = products(a, scale);
    for (int i = 0; i < 4; ++i)
      vst1q_f32(to + 4 * i, vaddq_f32(made.val[i], vdupq_n_f32(offset)));
  }
  static void put_below(float *to, Vector a, float scale, float offset) {
    const float32x4x4_t made = products(a, scale);
    for (int i = 0; i < 4; ++i)
      vst1q_f32(to + 4 * i, vsubq_f32(made.val[i], vdupq_n_f32(offset)));
  }
};

}  // namespace tfile

#endif

// src/quant/decode_lanes.cpp
#ifndef TFILE_LANES

namespace tfile {

bool cpu_has_lanes() {
  return false;
}
CastKernel find_lane_decoder(tf_dtype) {
  return nullptr;
}

}  // namespace tfile

#else
namespace tfile {

namespace {

#ifdef __x86_64__
constexpr Cpu kLanesCpu = Cpu::kVector8;
#else
constexpr Cpu kLanesCpu = Cpu::kVector4;
#endif

using Bytes16_quant_decode_lanes = Lanes::Vector;

// Of 16 bytes: the codes that their low and high halves are.
TFILE_LANES Bytes16_quant_decode_lanes lows(Bytes16_quant_decode_lanes packed) {
  return Lanes::both(packed, Lanes::fill(15));
}
TFILE_LANES Bytes16_quant_decode_lanes highs(Bytes16_quant_decode_lanes packed) {
  return Lanes::bits(packed, 4, 15);
}
TFILE_LANES Bytes16_quant_decode_lanes minus(Bytes16_quant_decode_lanes codes, int value) {
  return Lanes::subtract(codes, Lanes::fill(value));
}

/* Blocks of 32, 64 and 128 */

TFILE_LANES void lanes_q4_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const Bytes16_quant_decode_lanes codes = Lanes::load(block + 2);
  Lanes::put(to, minus(lows(codes), 8), d);
  Lanes::put(to + 16, minus(highs(codes), 8), d);
}

TFILE_LANES void lanes_q4_1(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float m = Lanes::half(block + 2);
  const Bytes16_quant_decode_lanes codes = Lanes::load(block + 4);
  Lanes::put_above(to, lows(codes), d, m);
  Lanes::put_above(to + 16, highs(codes), d, m);
}

// 16 where a bit is set.
TFILE_LANES Bytes16_quant_decode_lanes fifth_bits(const uint8_t *bits) {
  return Lanes::both(Lanes::spread(load_le<uint16_t>(bits)), Lanes::fill(16));
}

TFILE_LANES void lanes_q5_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const Bytes16_quant_decode_lanes codes = Lanes::load(block + 6);
  Lanes::put(to, minus(Lanes::either(lows(codes), fifth_bits(block + 2)), 16), d);
  Lanes::put(to + 16, minus(Lanes::either(highs(codes), fifth_bits(block + 4)), 16), d);
}

TFILE_LANES void lanes_q5_1(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float m = Lanes::half(block + 2);
  const Bytes16_quant_decode_lanes codes = Lanes::load(block + 8);
  Lanes::put_above(to, Lanes::either(lows(codes), fifth_bits(block + 4)), d, m);
  Lanes::put_above(to + 16, Lanes::either(highs(codes), fifth_bits(block + 6)), d, m);
}

TFILE_LANES void lanes_q8_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  Lanes::put(to, Lanes::load(block + 2), d);
  Lanes::put(to + 16, Lanes::load(block + 18), d);
}

TFILE_LANES void lanes_q8_1(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  Lanes::put(to, Lanes::load(block + 4), d);
  Lanes::put(to + 16, Lanes::load(block + 20), d);
}

// 32 values of 16 bytes: all low halves, then all high ones.
TFILE_LANES void put_from_table(float *to, const int8_t *table, Bytes16_quant_decode_lanes codes, float d) {
  const Bytes16_quant_decode_lanes values = Lanes::load(table);
  Lanes::put(to, Lanes::look_up(values, lows(codes)), d);
  Lanes::put(to + 16, Lanes::look_up(values, highs(codes)), d);
}

TFILE_LANES void lanes_iq4_nl(float *to, const uint8_t *block) {
  put_from_table(to, kIq4Values, Lanes::load(block + 2), Lanes::half(block));
}

TFILE_LANES void lanes_mxfp4(float *to, const uint8_t *block) {
  if (block[0] >= 2) {
    put_from_table(to, kFp4Doubled, Lanes::load(block + 1), float_of((block[0] - 1u) << 23));
  } else {  // subnormals, which a caller may have turned off
    find_block_decoder(TF_DTYPE_MXFP4)(to, block, 32);
  }
}

TFILE_LANES void lanes_nvfp4(float *to, const uint8_t *block) {
  constexpr uint64_t kLows = 0x0F0F0F0F0F0F0F0F;
  const Bytes16_quant_decode_lanes values = Lanes::load(kFp4Doubled);
  for (int part = 0; part < 4; ++part) {
    const auto packed = load_le<uint64_t>(block + 4 + 8 * part);
    const Bytes16_quant_decode_lanes codes = Lanes::of_words(packed & kLows, (packed >> 4) & kLows);
    Lanes::put(to + 16 * part, Lanes::look_up(values, codes), half_ue4m3(block[part]));
  }
}

// 8 codes of 2 bits, the first in the lowest bits, as 8 bytes.
inline uint64_t eight_codes(uint16_t row) {
  uint64_t codes = row;
  codes = (codes | codes << 24) & 0x000000FF000000FF;
  codes = (codes | codes << 12) & 0x000F000F000F000F;
  return (codes | codes << 6) & 0x0303030303030303;
}

TFILE_LANES void lanes_q1_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 8; ++k) {
    const Bytes16_quant_decode_lanes set = Lanes::spread(load_le<uint16_t>(block + 2 + 2 * k));
    Lanes::put(to + 16 * k, minus(Lanes::both(set, Lanes::fill(2)), 1), d);
  }
}

TFILE_LANES void lanes_q2_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 4; ++k) {
    const uint8_t *const packed = block + 2 + 4 * k;
    const uint64_t first = eight_codes(load_le<uint16_t>(packed));
    const uint64_t second = eight_codes(load_le<uint16_t>(packed + 2));
    Lanes::put(to + 16 * k, minus(Lanes::of_words(first, second), 1), d);
  }
}

/* Blocks of 256 */

TFILE_LANES void lanes_q2_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 80);
  const float dmin = Lanes::half(block + 82);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const packed = block + 16 + part / 4 * 32;
    for (int half = 0; half < 2; ++half) {
      const Bytes16_quant_decode_lanes codes = Lanes::bits(Lanes::load(packed + 16 * half), part % 4 * 2, 3);
      const uint8_t scale = block[2 * part + half];
      Lanes::put_below(to + 32 * part + 16 * half, codes, times(d, low(scale)), times(dmin, high(scale)));
    }
  }
}

TFILE_LANES void lanes_q3_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 108);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const packed = block + 32 + part / 4 * 32;
    for (int half = 0; half < 2; ++half) {
      const Bytes16_quant_decode_lanes codes = Lanes::bits(Lanes::load(packed + 16 * half), part % 4 * 2, 3);
      const Bytes16_quant_decode_lanes third = Lanes::raise(Lanes::bits(Lanes::load(block + 16 * half), part, 1), 2);
      const float scale = times(d, q3_k_scale(block + 96, 2 * part + half) - 32);
      Lanes::put(to + 32 * part + 16 * half, minus(Lanes::either(codes, third), 4), scale);
    }
  }
}

TFILE_LANES void lanes_q4_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float dmin = Lanes::half(block + 2);
  for (int j = 0; j < 8; j += 2) {
    const ScaleAndMin first = q4_k_scale(block + 4, j);
    const ScaleAndMin second = q4_k_scale(block + 4, j + 1);
    for (int l = 0; l < 32; l += 16) {
      const Bytes16_quant_decode_lanes codes = Lanes::load(block + 16 + 16 * j + l);
      Lanes::put_below(to + 32 * j + l, lows(codes), times(d, first.scale), times(dmin, first.min));
      Lanes::put_below(to + 32 * j + 32 + l, highs(codes), times(d, second.scale), times(dmin, second.min));
    }
  }
}

TFILE_LANES void lanes_q5_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float dmin = Lanes::half(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin part = q4_k_scale(block + 4, j);
    for (int l = 0; l < 32; l += 16) {
      const Bytes16_quant_decode_lanes codes = Lanes::bits(Lanes::load(block + 48 + j / 2 * 32 + l), j % 2 * 4, 15);
      const Bytes16_quant_decode_lanes fifth = Lanes::raise(Lanes::bits(Lanes::load(block + 16 + l), j, 1), 4);
      Lanes::put_below(to + 32 * j + l, Lanes::either(codes, fifth), times(d, part.scale), times(dmin, part.min));
    }
  }
}

TFILE_LANES void lanes_q6_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 208);
  for (int part = 0; part < 8; ++part) {
    for (int half = 0; half < 2; ++half) {
      const Bytes16_quant_decode_lanes packed = Lanes::load(block + part / 4 * 64 + part % 2 * 32 + 16 * half);
      const Bytes16_quant_decode_lanes high_bits = Lanes::bits(Lanes::load(block + 128 + part / 4 * 32 + 16 * half), part % 4 * 2, 3);
      const Bytes16_quant_decode_lanes codes = Lanes::either(Lanes::bits(packed, part % 4 / 2 * 4, 15), Lanes::raise(high_bits, 4));
      const float scale = times(d, static_cast<int8_t>(block[192 + 2 * part + half]));
      Lanes::put(to + 32 * part + 16 * half, minus(codes, 32), scale);
    }
  }
}

TFILE_LANES void lanes_q8_k(float *to, const uint8_t *block) {
  const float d = float_of(load_le<uint32_t>(block));
  for (int j = 0; j < 256; j += 16)
    Lanes::put(to + j, Lanes::load(block + 4 + j), d);
}

TFILE_LANES void lanes_iq4_xs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const uint16_t high_bits = load_le<uint16_t>(block + 2);
  for (int b = 0; b < 8; ++b) {
    const int scale = nibble(block + 4, b) | ((high_bits >> (2 * b)) & 3) << 4;
    put_from_table(to + 32 * b, kIq4Values, Lanes::load(block + 8 + 16 * b), times(d, scale - 32));
  }
}

// The first digits of bytes that are fractions of 256 to base 3, less 1.
TFILE_LANES void put_trits(float *to, Bytes16_quant_decode_lanes fractions, float d) {
  const Bytes16_quant_decode_lanes upper = Lanes::add(Lanes::at_least(fractions, 86), Lanes::at_least(fractions, 171));
  Lanes::put(to, Lanes::subtract(Lanes::fill(-1), upper), d);
}

TFILE_LANES void lanes_tq1_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 52);
  for (int part = 0; part < 3; ++part) {
    Bytes16_quant_decode_lanes fractions = Lanes::load(block + 16 * part);
    float *target = part < 2 ? to + 16 * part : to + 160;
    for (int n = 0; n < 5; ++n, target += part < 2 ? 32 : 16) {
      put_trits(target, fractions, d);
      fractions = Lanes::add(fractions, Lanes::add(fractions, fractions));
    }
  }
  uint8_t last[16];
  for (int i = 0; i < 16; ++i) {
    constexpr uint8_t kPowers[4] = {1, 3, 9, 27};
    last[i] = static_cast<uint8_t>(block[48 + i % 4] * kPowers[i / 4]);
  }
  put_trits(to + 240, Lanes::load(last), d);
}

TFILE_LANES void lanes_tq2_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 64);
  for (int part = 0; part < 8; ++part) {
    for (int l = 0; l < 32; l += 16) {
      const Bytes16_quant_decode_lanes packed = Lanes::load(block + part / 4 * 32 + l);
      Lanes::put(to + 32 * part + l, minus(Lanes::bits(packed, part % 4 * 2, 3), 1), d);
    }
  }
}

/* Blocks of 256: codebooks */

TFILE_LANES Bytes16_quant_decode_lanes two_rows(uint16_t first, uint16_t second) {
  return Lanes::of_words(eight_codes(first), eight_codes(second));
}

// Negative where a bit of signs is set.
TFILE_LANES Bytes16_quant_decode_lanes signed_values(Bytes16_quant_decode_lanes values, uint32_t signs) {
  const Bytes16_quant_decode_lanes negative = Lanes::spread(signs);
  return Lanes::subtract(Lanes::differ(values, negative), negative);
}

// 16 values of two rows of IQ2, each with its sign.
TFILE_LANES void put_iq2(float *to, float d, uint16_t first, uint16_t second, uint32_t signs) {
  const Bytes16_quant_decode_lanes values = Lanes::look_up(Lanes::of_words(0x2B1908, 0), two_rows(first, second));
  Lanes::put(to, signed_values(values, signs), d);
}

TFILE_LANES void lanes_iq2_xxs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const uint8_t *const group = block + 2 + k / 2 * 8;
    const uint8_t *const rows = group + k % 2 * 2;
    const uint32_t word = load_le<uint32_t>(group + 4);
    const uint32_t sevens = word >> (k % 2 * 14);
    put_iq2(to + 16 * k, d * (0.5f + static_cast<float>(word >> 28)) * 0.25f, kIq2XxsRows[rows[0]],
            kIq2XxsRows[rows[1]], even_signs(sevens & 127) | even_signs((sevens >> 7) & 127) << 8);
  }
}

TFILE_LANES void lanes_iq2_xs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const uint32_t first = load_le<uint16_t>(block + 2 + 4 * k);
    const uint32_t second = load_le<uint16_t>(block + 4 + 4 * k);
    put_iq2(to + 16 * k, d * (0.5f + static_cast<float>(nibble(block + 66, k))) * 0.25f, kIq2XsRows[first & 511],
            kIq2XsRows[second & 511], even_signs(first >> 9) | even_signs(second >> 9) << 8);
  }
}

TFILE_LANES void lanes_iq2_s(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const int high_bits = nibble(block + 66, k);
    const int first = block[2 + 2 * k] | (high_bits & 3) << 8;
    const int second = block[3 + 2 * k] | (high_bits >> 2) << 8;
    put_iq2(to + 16 * k, d * (0.5f + static_cast<float>(nibble(block + 74, k))) * 0.25f, kIq2SRows[first],
            kIq2SRows[second], load_le<uint16_t>(block + 34 + 2 * k));
  }
}

// 4 codes of 4 bits as 4 bytes, above them 4 more.
inline uint64_t four_codes(uint16_t first, uint16_t second) {
  uint64_t codes = first | static_cast<uint64_t>(second) << 32;
  codes = (codes | codes << 8) & 0x00FF00FF00FF00FF;
  return (codes | codes << 4) & 0x0F0F0F0F0F0F0F0F;
}

TFILE_LANES void lanes_iq3_xxs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const Bytes16_quant_decode_lanes values = Lanes::of_words(0x3E342C241C140C04, 0);
  for (int k = 0; k < 16; ++k) {
    const uint32_t word = load_le<uint32_t>(block + 66 + k / 2 * 4);
    const uint32_t sevens = word >> (k % 2 * 14);
    const uint8_t *const rows = block + 2 + 4 * k;
    const Bytes16_quant_decode_lanes codes = Lanes::of_words(four_codes(kIq3XxsRows[rows[0]], kIq3XxsRows[rows[1]]),
                                          four_codes(kIq3XxsRows[rows[2]], kIq3XxsRows[rows[3]]));
    const uint32_t signs = even_signs(sevens & 127) | even_signs((sevens >> 7) & 127) << 8;
    Lanes::put(to + 16 * k, signed_values(Lanes::look_up(values, codes), signs),
               d * (0.5f + static_cast<float>(word >> 28)) * 0.5f);
  }
}

TFILE_LANES void lanes_iq3_s(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const uint8_t *const rows = block + 2 + 4 * k;
    const int extra = nibble(block + 66, k);
    const uint16_t *const table = kIq3SRows;
    const Bytes16_quant_decode_lanes codes =
        Lanes::of_words(four_codes(table[rows[0] | (extra & 1) << 8], table[rows[1] | (extra >> 1 & 1) << 8]),
                        four_codes(table[rows[2] | (extra >> 2 & 1) << 8], table[rows[3] | (extra >> 3 & 1) << 8]));
    const Bytes16_quant_decode_lanes values = Lanes::add(Lanes::add(codes, codes), Lanes::fill(1));
    Lanes::put(to + 16 * k, signed_values(values, load_le<uint16_t>(block + 74 + 2 * k)),
               times(d, 1 + 2 * nibble(block + 106, k / 2)));
  }
}

// 16 values of two rows of IQ1, each row shifted up or down by an eighth: eighths of them, with an eighth of the scale.
TFILE_LANES void put_iq1(float *to, float d, uint16_t first, uint16_t second, bool first_down, bool second_down) {
  constexpr uint64_t kUp = 0xF9F9F9F9F9F9F9F9;  // -8 + 1
  constexpr uint64_t kDown = 0xF7F7F7F7F7F7F7F7;
  const Bytes16_quant_decode_lanes shifts = Lanes::of_words(first_down ? kDown : kUp, second_down ? kDown : kUp);
  Lanes::put(to, Lanes::add(Lanes::raise(two_rows(first, second), 3), shifts), d * 0.125f);
}

TFILE_LANES void lanes_iq1_s(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const int word = load_le<uint16_t>(block + 34 + k / 2 * 2);
    const int high_bits = word >> (k % 2 * 6);
    const int first = block[2 + 2 * k] | (high_bits & 7) << 8;
    const int second = block[3 + 2 * k] | (high_bits >> 3 & 7) << 8;
    const bool down = (word & 0x8000) != 0;
    put_iq1(to + 16 * k, times(d, 2 * ((word >> 12) & 7) + 1), kIq1Rows[first], kIq1Rows[second], down, down);
  }
}

TFILE_LANES void lanes_iq1_m(float *to, const uint8_t *block) {
  const float d = iq1_m_scale(block + 48);
  for (int k = 0; k < 16; ++k) {
    const int extra = block[32 + k];
    const int first = block[2 * k] | (extra & 7) << 8;
    const int second = block[2 * k + 1] | (extra >> 4 & 7) << 8;
    const int scale = (load_le<uint16_t>(block + 48 + k / 4 * 2) >> (3 * (k % 4))) & 7;
    put_iq1(to + 16 * k, times(d, 2 * scale + 1), kIq1Rows[first], kIq1Rows[second], (extra & 8) != 0,
            (extra & 0x80) != 0);
  }
}

using DecodeLanes = void (*)(float *to, const uint8_t *block);

template <DecodeLanes decode, size_t kElements, size_t kBytes>
TFILE_LANES void each_block_in_lanes(void *to, const void *from, size_t count) {
  auto *target = static_cast<float *>(to);
  const auto *block = static_cast<const uint8_t *>(from);
  for (size_t i = 0; i < count; i += kElements, block += kBytes, target += kElements)
    decode(target, block);
}

/* The 16-bit floats */

template <uint32_t (*widen)(uint16_t)>
void widen_one_by_one(char *to, const char *from, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t narrow;
    memcpy(&narrow, from + i * sizeof(narrow), sizeof(narrow));
    const uint32_t wide = widen(narrow);
    memcpy(to + i * sizeof(wide), &wide, sizeof(wide));
  }
}

TFILE_LANES void halves_in_lanes(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *source = static_cast<const char *>(from);
  for (; count >= 8; count -= 8, source += 8 * sizeof(uint16_t), target += 8 * sizeof(float)) {
    if (!Lanes::put_halves(reinterpret_cast<float *>(target), source)) {
      widen_one_by_one<float_of_half>(target, source, 8);
    }
  }
  widen_one_by_one<float_of_half>(target, source, count);
}

TFILE_LANES void bfloats_in_lanes(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *source = static_cast<const char *>(from);
  for (; count >= 8; count -= 8, source += 8 * sizeof(uint16_t), target += 8 * sizeof(float))
    Lanes::put_bfloats(reinterpret_cast<float *>(target), source);
  widen_one_by_one<float_of_bfloat16>(target, source, count);
}

}  // namespace

bool cpu_has_lanes() {
  return best_cpu() >= kLanesCpu;
}

CastKernel find_lane_decoder(tf_dtype from) {
  switch (from) {
    case TF_DTYPE_FLOAT16:
      return halves_in_lanes;
    case TF_DTYPE_BFLOAT16:
      return bfloats_in_lanes;
    case TF_DTYPE_Q4_0:
      return each_block_in_lanes<lanes_q4_0, 32, 18>;
    case TF_DTYPE_Q4_1:
      return each_block_in_lanes<lanes_q4_1, 32, 20>;
    case TF_DTYPE_Q5_0:
      return each_block_in_lanes<lanes_q5_0, 32, 22>;
    case TF_DTYPE_Q5_1:
      return each_block_in_lanes<lanes_q5_1, 32, 24>;
    case TF_DTYPE_Q8_0:
      return each_block_in_lanes<lanes_q8_0, 32, 34>;
    case TF_DTYPE_Q8_1:
      return each_block_in_lanes<lanes_q8_1, 32, 36>;
    case TF_DTYPE_Q2_K:
      return each_block_in_lanes<lanes_q2_k, 256, 84>;
    case TF_DTYPE_Q3_K:
      return each_block_in_lanes<lanes_q3_k, 256, 110>;
    case TF_DTYPE_Q4_K:
      return each_block_in_lanes<lanes_q4_k, 256, 144>;
    case TF_DTYPE_Q5_K:
      return each_block_in_lanes<lanes_q5_k, 256, 176>;
    case TF_DTYPE_Q6_K:
      return each_block_in_lanes<lanes_q6_k, 256, 210>;
    case TF_DTYPE_Q8_K:
      return each_block_in_lanes<lanes_q8_k, 256, 292>;
    case TF_DTYPE_IQ2_XXS:
      return each_block_in_lanes<lanes_iq2_xxs, 256, 66>;
    case TF_DTYPE_IQ2_XS:
      return each_block_in_lanes<lanes_iq2_xs, 256, 74>;
    case TF_DTYPE_IQ3_XXS:
      return each_block_in_lanes<lanes_iq3_xxs, 256, 98>;
    case TF_DTYPE_IQ1_S:
      return each_block_in_lanes<lanes_iq1_s, 256, 50>;
    case TF_DTYPE_IQ4_NL:
      return each_block_in_lanes<lanes_iq4_nl, 32, 18>;
    case TF_DTYPE_IQ3_S:
      return each_block_in_lanes<lanes_iq3_s, 256, 110>;
    case TF_DTYPE_IQ2_S:
      return each_block_in_lanes<lanes_iq2_s, 256, 82>;
    case TF_DTYPE_IQ4_XS:
      return each_block_in_lanes<lanes_iq4_xs, 256, 136>;
    case TF_DTYPE_IQ1_M:
      return each_block_in_lanes<lanes_iq1_m, 256, 56>;
    case TF_DTYPE_TQ1_0:
      return each_block_in_lanes<lanes_tq1_0, 256, 54>;
    case TF_DTYPE_TQ2_0:
      return each_block_in_lanes<lanes_tq2_0, 256, 66>;
    case TF_DTYPE_MXFP4:
      return each_block_in_lanes<lanes_mxfp4, 32, 17>;
    case TF_DTYPE_NVFP4:
      return each_block_in_lanes<lanes_nvfp4, 64, 36>;
    case TF_DTYPE_Q1_0:
      return each_block_in_lanes<lanes_q1_0, 128, 18>;
    case TF_DTYPE_Q2_0:
      return each_block_in_lanes<lanes_q2_0, 64, 18>;
    default:
      return nullptr;
  }
}

}  // namespace tfile

#endif

// src/quant/encode_steps.h
// Arithmetic that the encoders share. Their results are compared with ggml's byte for byte, so each operation is
// float32, rounded once, in the order written; a compiler must not contract a product and a sum.


namespace tfile {

// Encodes one block.
using BlockEncoder = void (*)(uint8_t *to, const float *from);

// The encoder of one block; NULL for dtypes without a rule.
BlockEncoder find_block_encoder(int32_t dtype);
// Of them the encoders of the 256-element types with searched scales, and of the IQ4 types.
BlockEncoder find_k_encoder(int32_t dtype);
BlockEncoder find_iq4_encoder(int32_t dtype);

// The numbers that codes of IQ4 stand for.
inline constexpr float kIq4Numbers[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

inline constexpr size_t kKBlock = 256;  // elements

// The scales and minimums of a block's groups that decoding will have.
struct StoredSteps {
  float scale[16];
  float minimum[16];
};
// Each stores the fields but the codes of a block, from the scales and minimums that were searched for.
StoredSteps put_small_steps(uint8_t *to, const float *scales, const float *minimums);  // Q2_K
StoredSteps put_six_bit_steps(uint8_t *to, const float *scales);                       // Q3_K
StoredSteps put_group_steps(uint8_t *to, const float *scales, const float *minimums);  // Q4_K, Q5_K
bool put_byte_steps(uint8_t *to, StoredSteps &stored, const float *scales);            // Q6_K; false: all of it is zero
// IQ4_NL and IQ4_XS; what they give back are the inverses of scales that are not rounded as they are stored.
float put_table_scale(uint8_t *to, float scale);
StoredSteps put_table_steps(uint8_t *to, const float *scales);

inline constexpr float kTiny = 1e-15f;  // a group without a larger magnitude counts as zero

inline float magnitude(float value) {
  return __builtin_fabsf(value);
}
inline int32_t clamp(int32_t value, int32_t least, int32_t most) {
  const int32_t below = value < most ? value : most;
  return below > least ? below : least;
}

// Nearest even, for magnitudes below 2^22; outside, where searches over huge or tiny numbers come, a number that is
// wrong but the same everywhere.
inline int32_t nearest(float value) {
  const uint32_t bits = float_bits(value + 12582912.0f);
  return static_cast<int32_t>(bits & 0x7fffff) - 0x400000;
}

// Half away from zero, for magnitudes below 2^22; NaN and what is larger gives 0.
inline int32_t nearest_away(float value) {
  const float size = magnitude(value) < 4194304.0f ? magnitude(value) : 0;
  const auto whole = static_cast<int32_t>(size);
  const int32_t rounded = whole + (size - static_cast<float>(whole) >= 0.5f ? 1 : 0);
  return value < 0 ? -rounded : rounded;
}

inline float half_value(uint16_t half) {
  return float_of(float_of_half(half));
}
// Stores a float16, and gives back what was stored.
inline float put_half(uint8_t *to, float value) {
  const uint16_t half = half_of_float(float_bits(value));
  store_le<uint16_t>(to, half);
  return half_value(half);
}

// The largest magnitude of finite numbers.
inline float largest_magnitude(const float *from, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = float_bits(from[i]) & kFloatMagnitude;
    largest = bits > largest ? bits : largest;
  }
  return float_of(largest);
}

// The element of the largest magnitude, with its sign; the first of several.
struct Largest {
  float size = 0;
  float value = 0;
};
inline Largest find_largest(const float *from, size_t count) {
  Largest largest;
  for (size_t i = 0; i < count; ++i) {
    if (magnitude(from[i]) > largest.size) largest = {magnitude(from[i]), from[i]};
  }
  return largest;
}

}  // namespace tfile

// src/quant/encode_wide.h
// Encoders that run the searches of several groups of elements side by side, one in each lane of a vector. A lane does
// what the encoder of one block does, in the same order, so the bytes are the same.



namespace tfile {

// The middles of neighbours among kIq4Numbers, from where on the higher one is nearer, as a tree: those below node n are
// its children 2n and 2n + 1, so that node 16 + i is number i. Node 0 is none.
inline constexpr float kIq4Middles[16] = {0,       -4.5f, -57, 45.5f, -93.5f, -28.5f, 19, 79,
                                          -115.5f, -74,   -42, -16,   7,      31.5f,  61, 101};

// Encodes whole blocks.
using WideEncoder = void (*)(uint8_t *to, const float *from, size_t blocks);

// NULL: there is none for this dtype.
WideEncoder find_wide_encoder(int32_t dtype, Cpu cpu);

// Those of one width.
WideEncoder find_encoder4(int32_t dtype);
WideEncoder find_encoder8(int32_t dtype);
WideEncoder find_encoder16(int32_t dtype);

}  // namespace tfile

// src/quant/encode.cpp
namespace tfile {

namespace {

float inverse(float value) {
  return value == 0 ? 0 : 1 / value;
}

// Truncates to 0 ... most. A scale so small that its inverse is infinite gives infinities and NaN here, and they 0.
uint8_t truncate(float value, int32_t most) {
  const float inside = value >= 0 && value < 256 ? value : 0;
  return static_cast<uint8_t>(clamp(static_cast<int32_t>(inside), 0, most));
}

// 32 codes of 4 bits: the first half of the elements in the low halves of the bytes.
void put_nibbles(uint8_t *to, const uint8_t *codes, size_t half) {
  for (size_t i = 0; i < half; ++i)
    to[i] = static_cast<uint8_t>((codes[i] & 15) | codes[i + half] << 4);
}

// The fifth bits of 32 codes.
void put_fifth_bits(uint8_t *to, const uint8_t *codes) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 32; ++i)
    bits |= static_cast<uint32_t>(codes[i] >> 4) << i;
  store_le<uint32_t>(to, bits);
}

// Q4_0, Q5_0: the element of the largest magnitude becomes code 0, the lowest. Of zeros only, the first gives the scale
// its sign, as in gguf-py.
float symmetric_codes(uint8_t *codes, const float *from, int32_t zero) {
  const Largest largest = find_largest(from, 32);
  const float scale = (largest.size > 0 ? largest.value : from[0]) / static_cast<float>(-zero);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 32; ++i)
    codes[i] = truncate(from[i] * inverted + (static_cast<float>(zero) + 0.5f), 2 * zero - 1);
  return scale;
}

void encode_q4_0(uint8_t *to, const float *from) {
  uint8_t codes[32];
  put_half(to, symmetric_codes(codes, from, 8));
  put_nibbles(to + 2, codes, 16);
}

void encode_q5_0(uint8_t *to, const float *from) {
  uint8_t codes[32];
  put_half(to, symmetric_codes(codes, from, 16));
  put_fifth_bits(to + 2, codes);
  put_nibbles(to + 6, codes, 16);
}

// Q4_1, Q5_1: from the minimum, code 0, to the maximum; writes both float16 fields. Of zeros of both signs the last
// counts, as in gguf-py.
void affine_codes(uint8_t *to, uint8_t *codes, const float *from, int32_t most) {
  float least = from[0];
  float largest = from[0];
  for (size_t i = 1; i < 32; ++i) {
    if (from[i] <= least) least = from[i];
    if (from[i] >= largest) largest = from[i];
  }
  const float scale = (largest - least) / static_cast<float>(most);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 32; ++i)
    codes[i] = truncate((from[i] - least) * inverted + 0.5f, most);
  put_half(to, scale);
  put_half(to + 2, least);
}

void encode_q4_1(uint8_t *to, const float *from) {
  uint8_t codes[32];
  affine_codes(to, codes, from, 15);
  put_nibbles(to + 4, codes, 16);
}

void encode_q5_1(uint8_t *to, const float *from) {
  uint8_t codes[32];
  affine_codes(to, codes, from, 31);
  put_fifth_bits(to + 4, codes);
  put_nibbles(to + 8, codes, 16);
}

// Q8_0, Q8_1: the scale, and the sum of the codes.
struct Scaled {
  float scale;
  int32_t sum;
};
Scaled byte_codes(uint8_t *codes, const float *from) {
  const float scale = largest_magnitude(from, 32) / 127;
  const float inverted = inverse(scale);
  int32_t sum = 0;
  for (size_t i = 0; i < 32; ++i) {
    const int32_t code = nearest_away(from[i] * inverted);
    codes[i] = static_cast<uint8_t>(code);
    sum += code;
  }
  return {scale, sum};
}

void encode_q8_0(uint8_t *to, const float *from) {
  put_half(to, byte_codes(to + 2, from).scale);
}

void encode_q8_1(uint8_t *to, const float *from) {
  const Scaled scaled = byte_codes(to + 4, from);
  put_half(to, scaled.scale);
  put_half(to + 2, scaled.scale * static_cast<float>(scaled.sum));
}

void encode_q8_k(uint8_t *to, const float *from) {
  const float largest = find_largest(from, 256).value;
  const float inverted = largest == 0 ? 0 : -127 / largest;
  store_le<uint32_t>(to, float_bits(inverse(inverted)));
  for (size_t group = 0; group < 16; ++group) {
    int32_t sum = 0;
    for (size_t i = 16 * group; i < 16 * group + 16; ++i) {
      const int32_t wide = nearest(inverted * from[i]);
      const auto code = static_cast<int8_t>(wide < 127 ? wide : 127);
      to[4 + i] = static_cast<uint8_t>(code);
      sum += code;
    }
    store_le<uint16_t>(to + 260 + 2 * group, static_cast<uint16_t>(sum));
  }
}

// TQ1_0, TQ2_0: 0, 1 or 2 for each element.
float ternary_codes(uint8_t *codes, const float *from) {
  const float scale = largest_magnitude(from, 256);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 256; ++i)
    codes[i] = static_cast<uint8_t>(nearest_away(from[i] * inverted) + 1);
  return scale;
}

// Bytes of base-3 digits, the first digit the highest, of five; digit n of byte m is codes[n * bytes + m].
void put_digits(uint8_t *to, const uint8_t *codes, size_t bytes, uint32_t digits) {
  for (size_t m = 0; m < bytes; ++m) {
    uint32_t number = 0;
    for (uint32_t n = 0; n < 5; ++n)
      number = 3 * number + (n < digits ? codes[n * bytes + m] : 0u);
    to[m] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
}

void encode_tq1_0(uint8_t *to, const float *from) {
  uint8_t codes[256];
  put_half(to + 52, ternary_codes(codes, from));
  put_digits(to, codes, 32, 5);
  put_digits(to + 32, codes + 160, 16, 5);
  put_digits(to + 48, codes + 240, 4, 4);
}

void encode_tq2_0(uint8_t *to, const float *from) {
  uint8_t codes[256];
  put_half(to + 64, ternary_codes(codes, from));
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    to[i] = static_cast<uint8_t>(code[0] | code[32] << 2 | code[64] << 4 | code[96] << 6);
  }
}

// float4_e2m1fn times 2.
constexpr int8_t kFloat4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// The nearest, the first of several.
uint8_t float4_code(float value, float scale) {
  uint8_t best = 0;
  float least = magnitude(0 * scale - value);
  for (uint8_t i = 1; i < 16; ++i) {
    const float error = magnitude(static_cast<float>(kFloat4[i]) * scale - value);
    if (error < least) {
      best = i;
      least = error;
    }
  }
  return best;
}

// The integer part of log2, as it is when the logarithm is rounded to float32 first: then numbers that are little below
// a power of two count as that power.
int32_t log2_floor(float value) {
  uint32_t bits = float_bits(value);
  int32_t exponent = -127;
  if (bits < 0x800000) {  // subnormal
    const int32_t shift = __builtin_clz(bits) - 8;
    bits <<= shift;
    exponent = -126 - shift;
  } else {
    exponent += static_cast<int32_t>(bits >> 23);
  }
  // 1 - gap is what is left of the next power; only then can the rounding reach it.
  const double gap = static_cast<double>(0x800000 - (bits & 0x7fffff)) / 16777216.0;
  if (gap > 0.001) return exponent;
  const double below = (gap + gap * gap / 2) * 1.4426950408889634;
  const auto rounded = static_cast<float>(exponent + 1 - below);
  return rounded == static_cast<float>(exponent + 1) ? exponent + 1 : exponent;
}

void encode_mxfp4(uint8_t *to, const float *from) {
  const float largest = largest_magnitude(from, 32);
  const auto exponent = static_cast<uint8_t>(largest > 0 ? log2_floor(largest) - 2 + 127 : 0);
  // Half of 2^(exponent - 127), as the codes are doubled.
  const float scale = float_of(exponent < 2 ? 0x200000u << exponent : (exponent - 1u) << 23);
  uint8_t codes[32];
  for (size_t i = 0; i < 32; ++i)
    codes[i] = float4_code(from[i], scale);
  to[0] = exponent;
  put_nibbles(to + 1, codes, 16);
}

// A scale of NVFP4: 4 bits of exponent, 3 of mantissa; ties go up, and the top exponent has one code only.
uint8_t nvfp4_scale_code(float scale) {
  if (!(scale > 0)) return 0;
  if (scale < 0.015625f) {
    const float raised = scale * 512.0f + 0.5f;
    return static_cast<uint8_t>(clamp(static_cast<int32_t>(raised), 0, 7));
  }
  if (scale >= 256) return 0x7e;
  const uint32_t rounded = ((float_bits(scale) >> 19) + 1) >> 1;
  const uint32_t code = rounded - (120u << 3);
  return static_cast<uint8_t>(code >= 0x78 ? 0x7e : code);
}

void encode_nvfp4(uint8_t *to, const float *from) {
  for (size_t group = 0; group < 4; ++group) {
    const float *x = from + 16 * group;
    const uint8_t code = nvfp4_scale_code(largest_magnitude(x, 16) / 6);
    const float scale = float_of(widen_magnitude<Float8E4m3fn>(code)) * 0.5f;
    uint8_t codes[16];
    for (size_t i = 0; i < 16; ++i)
      codes[i] = float4_code(x[i], scale);
    to[group] = code;
    put_nibbles(to + 4 + 8 * group, codes, 8);
  }
}

bool is_finite(float value) {
  return (float_bits(value) & kFloatMagnitude) < kFloatInf;
}

Status check_finite(const Dtype &dtype, const float *from, uint64_t count, uint64_t first) {
  if (is_finite(largest_magnitude(from, static_cast<size_t>(count)))) return kOk;
  uint64_t i = 0;
  while (is_finite(from[i]))
    ++i;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << "element " << first + i << " is " << (from[i] == from[i] ? "infinite" : "NaN") << " as float32, "
         << dtype.name << " holds finite numbers only";
}

}  // namespace

BlockEncoder find_block_encoder(int32_t dtype) {
  switch (dtype) {
    case TF_DTYPE_Q4_0:
      return encode_q4_0;
    case TF_DTYPE_Q4_1:
      return encode_q4_1;
    case TF_DTYPE_Q5_0:
      return encode_q5_0;
    case TF_DTYPE_Q5_1:
      return encode_q5_1;
    case TF_DTYPE_Q8_0:
      return encode_q8_0;
    case TF_DTYPE_Q8_1:
      return encode_q8_1;
    case TF_DTYPE_Q8_K:
      return encode_q8_k;
    case TF_DTYPE_TQ1_0:
      return encode_tq1_0;
    case TF_DTYPE_TQ2_0:
      return encode_tq2_0;
    case TF_DTYPE_MXFP4:
      return encode_mxfp4;
    case TF_DTYPE_NVFP4:
      return encode_nvfp4;
    case TF_DTYPE_IQ4_NL:
    case TF_DTYPE_IQ4_XS:
      return find_iq4_encoder(dtype);
    default:
      return find_k_encoder(dtype);
  }
}

bool can_encode(const Dtype &dtype) {
  return find_block_encoder(dtype.id) != nullptr;
}

Status encode_blocks(const Dtype &dtype, void *to, const float *from, uint64_t blocks, uint64_t first) {
  TFILE_TRY(check_finite(dtype, from, blocks * dtype.block_size, first));
  if (const WideEncoder encode = find_wide_encoder(dtype.id, best_cpu())) {
    encode(static_cast<uint8_t *>(to), from, static_cast<size_t>(blocks));
    return kOk;
  }
  const BlockEncoder encode = find_block_encoder(dtype.id);
  for (uint64_t i = 0; i < blocks; ++i)
    encode(static_cast<uint8_t *>(to) + i * dtype.block_bytes, from + i * dtype.block_size);
  return kOk;
}

}  // namespace tfile

// src/quant/encode_iq4.cpp
// IQ4_NL and IQ4_XS: codes are places in a table of 16 numbers, and scales are searched for, as in ggml.

namespace tfile {

namespace {

// The place of the nearest number; a tie goes up.
int32_t nearest_number(float value) {
  if (value <= kIq4Numbers[0]) return 0;
  if (value >= kIq4Numbers[15]) return 15;
  int32_t below = 0;
  int32_t above = 15;
  while (above - below > 1) {
    const int32_t middle = (below + above) / 2;
    if (value < kIq4Numbers[middle]) {
      above = middle;
    } else {
      below = middle;
    }
  }
  return value - kIq4Numbers[below] < kIq4Numbers[above] - value ? below : above;
}

// The sums of a fit of 32 elements, which weigh as their squares.
struct Fit_quant_encode_iq4 {
  float code_x = 0;
  float code2 = 0;
};
Fit_quant_encode_iq4 fit_of_quant_encode_iq4(const float *x, float inverted) {
  Fit_quant_encode_iq4 fit;
  for (size_t i = 0; i < 32; ++i) {
    const float code = kIq4Numbers[nearest_number(inverted * x[i])];
    const float weighted = (x[i] * x[i]) * code;
    fit.code_x += weighted * x[i];
    fit.code2 += weighted * code;
  }
  return fit;
}

// The scale of 32 elements, of either sign.
float search_scale(const float *x) {
  const Largest largest = find_largest(x, 32);
  if (largest.size < kTiny) return 0;
  const float first = -largest.value / -127;
  Fit_quant_encode_iq4 fit = fit_of_quant_encode_iq4(x, 1 / first);
  float scale = fit.code2 > 0 ? fit.code_x / fit.code2 : 0;
  float best = scale * fit.code_x;
  for (int32_t step = -7; step <= 7; ++step) {
    fit = fit_of_quant_encode_iq4(x, static_cast<float>(step - 127) / largest.value);
    if (fit.code2 > 0 && fit.code_x * fit.code_x > best * fit.code2) {
      scale = fit.code_x / fit.code2;
      best = scale * fit.code_x;
    }
  }
  return scale;
}

// 32 codes in 16 bytes.
void put_codes_quant_encode_iq4(uint8_t *to, const float *x, float inverted) {
  for (size_t i = 0; i < 16; ++i) {
    const int32_t low = nearest_number(inverted * x[i]);
    to[i] = static_cast<uint8_t>(low | nearest_number(inverted * x[i + 16]) << 4);
  }
}

void encode_iq4_nl(uint8_t *to, const float *from) {
  put_codes_quant_encode_iq4(to + 2, from, put_table_scale(to, search_scale(from)));
}

void encode_iq4_xs(uint8_t *to, const float *from) {
  float found[8];
  for (size_t group = 0; group < 8; ++group)
    found[group] = search_scale(from + 32 * group);
  const StoredSteps inverted = put_table_steps(to, found);
  for (size_t group = 0; group < 8; ++group)
    put_codes_quant_encode_iq4(to + 8 + 16 * group, from + 32 * group, inverted.scale[group]);
}

}  // namespace

float put_table_scale(uint8_t *to, float scale) {
  if (scale == scale) {
    put_half(to, scale);
  } else {
    store_le<uint16_t>(to, 0xfe00);  // infinity by infinity: a NaN whose sign is not the same on every processor
  }
  return scale == 0 ? 0 : 1 / scale;
}

StoredSteps put_table_steps(uint8_t *to, const float *scales) {
  const float scale = -find_largest(scales, 8).value / 32;
  const float inverted = scale == 0 ? 0 : 1 / scale;
  put_half(to, scale);
  uint32_t high = 0;
  memset(to + 4, 0, 4);
  StoredSteps result;
  for (size_t group = 0; group < 8; ++group) {
    const int32_t steps = clamp(nearest(inverted * scales[group]), -32, 31);
    const auto code = static_cast<uint32_t>(steps + 32);
    to[4 + group / 2] = static_cast<uint8_t>(to[4 + group / 2] | (code & 15) << (4 * (group % 2)));
    high |= (code >> 4) << (2 * group);
    const float unrounded = scale * static_cast<float>(steps);
    result.scale[group] = unrounded == 0 ? 0 : 1 / unrounded;
  }
  store_le<uint16_t>(to + 2, static_cast<uint16_t>(high));
  return result;
}

BlockEncoder find_iq4_encoder(int32_t dtype) {
  return dtype == TF_DTYPE_IQ4_NL ? encode_iq4_nl : dtype == TF_DTYPE_IQ4_XS ? encode_iq4_xs : nullptr;
}

}  // namespace tfile

// src/quant/encode_k.cpp
// Q2_K to Q6_K: scales are searched for. The searches and their order of operations are ggml's.

namespace tfile {

namespace {

// Bytes of the integers that rounding gives: the low ones.
uint8_t low_byte(int32_t value) {
  return static_cast<uint8_t>(value);
}
int8_t signed_byte(int32_t value) {
  return static_cast<int8_t>(value);
}
int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}
// As a count of steps; exact.
float real(int32_t value) {
  return static_cast<float>(value);
}

// Correctly rounded, for numbers that are not negative; computed here, because the compiler's own wants libm beside it.
float square_root(float value) {
  uint32_t bits = float_bits(value);
  if (bits == 0 || bits >= kFloatInf) return value;
  auto exponent = static_cast<int32_t>(bits >> 23);
  uint64_t mantissa = (bits & 0x7fffff) | 0x800000;
  if (exponent == 0) {
    const int32_t shift = __builtin_clz(bits) - 8;
    mantissa = uint64_t{bits} << shift;
    exponent = 1 - shift;
  }
  exponent -= 127;
  // The root of a number of 47 or 48 bits has 24.
  mantissa <<= (exponent & 1) != 0 ? 24 : 23;
  uint64_t root = 0;
  for (uint64_t bit = 0x800000; bit != 0; bit >>= 1) {
    const uint64_t tried = root | bit;
    if (tried * tried <= mantissa) root = tried;
  }
  if (mantissa - root * root > root) ++root;
  const int32_t half = (exponent - (exponent & 1)) / 2;
  return static_cast<float>(root) * float_power(half - 23);
}

// What the search for a scale and a minimum is told.
struct AffineSearch {
  size_t count;         // elements
  int32_t most;         // the largest code
  float first;          // of the steps that the scale is tried at
  int32_t last;         // number of the last step
  bool absolute;        // whether errors count as magnitudes, else as squares
  const float *weight;  // of each element
};
struct Affine {
  float scale = 0;
  float minimum = 0;  // negated: what is subtracted
};

float error_of(const AffineSearch &search, float error) {
  return search.absolute ? magnitude(error) : error * error;
}

float total_error(const AffineSearch &search, const float *x, const uint8_t *codes, float scale, float minimum) {
  float sum = 0;
  for (size_t i = 0; i < search.count; ++i)
    sum += search.weight[i] * error_of(search, (scale * real(codes[i]) + minimum) - x[i]);
  return sum;
}

// The sums of a least-squares fit.
struct Sums {
  float weight, x;            // of the elements
  float code, code2, code_x;  // of one choice of codes
};

// The choice of codes for a scale's inverse, and its sums.
void choose_codes(Sums &sums, uint8_t *codes, const AffineSearch &search, const float *x, float inverted,
                  float minimum) {
  sums.code = sums.code2 = sums.code_x = 0;
  for (size_t i = 0; i < search.count; ++i) {
    const int32_t code = clamp(nearest(inverted * (x[i] - minimum)), 0, search.most);
    codes[i] = low_byte(code);
    const float weighted = search.weight[i] * real(code);
    sums.code += weighted;
    sums.code2 += weighted * real(code);
    sums.code_x += weighted * x[i];
  }
}

Affine search_affine(const AffineSearch &search, uint8_t *codes, const float *x) {
  float minimum = x[0];
  float maximum = x[0];
  Sums sums{search.weight[0], search.weight[0] * x[0], 0, 0, 0};
  for (size_t i = 1; i < search.count; ++i) {
    if (x[i] < minimum) minimum = x[i];
    if (x[i] > maximum) maximum = x[i];
    sums.weight += search.weight[i];
    sums.x += search.weight[i] * x[i];
  }
  if (minimum > 0) minimum = 0;
  if (maximum == minimum) {
    memset(codes, 0, search.count);
    return {0, -minimum};
  }
  const float steps = real(search.most);
  const float inverted = steps / (maximum - minimum);
  float scale = 1 / inverted;
  for (size_t i = 0; i < search.count; ++i)
    codes[i] = low_byte(clamp(nearest(inverted * (x[i] - minimum)), 0, search.most));
  float best = total_error(search, x, codes, scale, minimum);
  uint8_t tried[32];
  for (int32_t step = 0; step <= search.last; ++step) {
    // The minimum moves during the search, the maximum does not.
    const float other = ((search.first + 0.1f * real(step)) + steps) / (maximum - minimum);
    choose_codes(sums, tried, search, x, other, minimum);
    const float divisor = sums.weight * sums.code2 - sums.code * sums.code;
    if (!(divisor > 0)) continue;
    float fitted = (sums.weight * sums.code_x - sums.x * sums.code) / divisor;
    float fitted_minimum = (sums.code2 * sums.x - sums.code * sums.code_x) / divisor;
    if (fitted_minimum > 0) {
      fitted_minimum = 0;
      fitted = sums.code_x / sums.code2;
    }
    const float error = total_error(search, x, tried, fitted, fitted_minimum);
    if (error < best) {
      memcpy(codes, tried, search.count);
      best = error;
      scale = fitted;
      minimum = fitted_minimum;
    }
  }
  return {scale, -minimum};
}

// Elements of one code per byte to bits: byte l of group n has codes 128n + l, + 32, + 64, + 96 in two bits each.
void put_two_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    to[i] = low_byte((code[0] & 3) | (code[32] & 3) << 2 | (code[64] & 3) << 4 | (code[96] & 3) << 6);
  }
}

// Codes once more, for a scale and minimum as they are stored. With a scale of zero the search's codes stay.
void requantise(uint8_t *codes, const float *x, size_t count, float scale, float minimum, int32_t most) {
  if (scale == 0) return;
  for (size_t i = 0; i < count; ++i)
    codes[i] = low_byte(clamp(nearest((x[i] + minimum) / scale), 0, most));
}
// The same without a minimum; zero is the code of 0.
void requantise(uint8_t *codes, const float *x, float scale, int32_t zero) {
  if (scale == 0) return;
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(clamp(nearest(x[i] / scale), -zero, zero - 1) + zero);
}

void encode_q2_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float scales[16];
  float minimums[16];
  for (size_t group = 0; group < 16; ++group) {
    const float *x = from + 16 * group;
    float weight[16];
    for (size_t i = 0; i < 16; ++i)
      weight[i] = magnitude(x[i]);
    const Affine found = search_affine({16, 3, -0.5f, 15, true, weight}, codes + 16 * group, x);
    scales[group] = found.scale;
    minimums[group] = found.minimum;
  }
  const StoredSteps stored = put_small_steps(to, scales, minimums);
  for (size_t group = 0; group < 16; ++group)
    requantise(codes + 16 * group, from + 16 * group, 16, stored.scale[group], stored.minimum[group], 3);
  put_two_bits(to + 16, codes);
}

// The largest of several, at least 0.
float largest_of(const float *values, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (values[i] > largest) largest = values[i];
  }
  return largest;
}

// The scales and minimums of 8 groups, 6 bits each, in 12 bytes.
void put_six_bits(uint8_t *to, const uint8_t *scales, const uint8_t *minimums) {
  for (size_t i = 0; i < 4; ++i) {
    to[i] = low_byte(scales[i] | (scales[i + 4] >> 4) << 6);
    to[i + 4] = low_byte(minimums[i] | (minimums[i + 4] >> 4) << 6);
    to[i + 8] = low_byte((scales[i + 4] & 15) | (minimums[i + 4] & 15) << 4);
  }
}

// Q4_K and Q5_K up to the codes: writes the two float16 and the scales.
void encode_groups(uint8_t *to, uint8_t *codes, const float *from, int32_t most, float first, int32_t last) {
  float scales[8];
  float minimums[8];
  for (size_t group = 0; group < 8; ++group) {
    const float *x = from + 32 * group;
    float squares = 0;
    for (size_t i = 0; i < 32; ++i)
      squares += x[i] * x[i];
    const float average = square_root(squares / 32);
    float weight[32];
    for (size_t i = 0; i < 32; ++i)
      weight[i] = average + magnitude(x[i]);
    const Affine found = search_affine({32, most, first, last, false, weight}, codes + 32 * group, x);
    scales[group] = found.scale;
    minimums[group] = found.minimum;
  }
  const StoredSteps stored = put_group_steps(to, scales, minimums);
  for (size_t group = 0; group < 8; ++group)
    requantise(codes + 32 * group, from + 32 * group, 32, stored.scale[group], stored.minimum[group], most);
}

// Low four bits of the codes: of 64 elements the first 32 in the low halves of 32 bytes.
void put_four_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 128; ++i) {
    const uint8_t *code = codes + i / 32 * 64 + i % 32;
    to[i] = low_byte((code[0] & 15) | (code[32] & 15) << 4);
  }
}

void encode_q4_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  encode_groups(to, codes, from, 15, -1, 20);
  put_four_bits(to + 16, codes);
}

// Bit `group` of byte l: bit `at` of code 32 * group + l.
void put_bits(uint8_t *to, const uint8_t *codes, int at) {
  for (size_t l = 0; l < 32; ++l) {
    uint32_t bits = 0;
    for (size_t group = 0; group < 8; ++group)
      bits |= ((static_cast<uint32_t>(codes[32 * group + l]) >> at) & 1) << group;
    to[l] = static_cast<uint8_t>(bits);
  }
}

void encode_q5_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  encode_groups(to, codes, from, 31, -0.5f, 15);
  put_bits(to + 16, codes, 4);
  put_four_bits(to + 48, codes);
}

// The sums of a fit without a minimum, in which elements weigh as their squares.
struct Fit_quant_encode_k {
  float code_x = 0;
  float code2 = 0;

  void add(float x, int32_t code) {
    const float weight = x * x;
    code_x += (weight * x) * real(code);
    code2 += (weight * real(code)) * real(code);
  }
  void remove(float x, int32_t code) {
    const float weight = x * x;
    code_x -= (weight * x) * real(code);
    code2 -= (weight * real(code)) * real(code);
  }
};

// One round of moving each of 16 codes to where the others would have it; whether any moved.
bool improve_codes(Fit_quant_encode_k &fit, int32_t *codes, const float *x) {
  bool moved = false;
  for (size_t i = 0; i < 16; ++i) {
    Fit_quant_encode_k without = fit;
    without.remove(x[i], codes[i]);
    if (!(without.code_x > 0)) continue;
    const int32_t code = clamp(nearest((x[i] * without.code2) / without.code_x), -4, 3);
    if (code == codes[i]) continue;
    without.add(x[i], code);
    const bool better = (without.code_x * without.code_x) * fit.code2 > (fit.code_x * fit.code_x) * without.code2;
    if (without.code2 > 0 && better) {
      codes[i] = code;
      fit = without;
      moved = true;
    }
  }
  return moved;
}

// 16 codes of 0 to 7 around 4, and their scale.
float search_improving(uint8_t *codes, const float *x) {
  const Largest largest = find_largest(x, 16);
  if (largest.size < kTiny) {
    memset(codes, 0, 16);
    return 0;
  }
  const float inverted = -4 / largest.value;
  int32_t found[16];
  Fit_quant_encode_k fit;
  for (size_t i = 0; i < 16; ++i) {
    found[i] = clamp(nearest(inverted * x[i]), -4, 3);
    fit.add(x[i], found[i]);
  }
  for (int round = 0; round < 5 && improve_codes(fit, found, x); ++round) {
  }
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(found[i] + 4);
  return fit.code2 > 0 ? fit.code_x / fit.code2 : 0;
}

// 16 scales of 6 bits in 12 bytes: the low four bits, then the high two.
void put_scales(uint8_t *to, const int32_t *scales) {
  memset(to, 0, 12);
  for (size_t group = 0; group < 16; ++group) {
    const int32_t low = (scales[group] & 15) << (group < 8 ? 0 : 4);
    const int32_t high = (scales[group] >> 4) << (2 * (group / 4));
    to[group % 8] = low_byte(to[group % 8] | low);
    to[8 + group % 4] = low_byte(to[8 + group % 4] | high);
  }
}

void encode_q3_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float found[16];
  for (size_t group = 0; group < 16; ++group)
    found[group] = search_improving(codes + 16 * group, from + 16 * group);
  const StoredSteps stored = put_six_bit_steps(to, found);
  for (size_t group = 0; group < 16; ++group)
    requantise(codes + 16 * group, from + 16 * group, stored.scale[group], 4);
  put_bits(to, codes, 2);
  put_two_bits(to + 32, codes);
}

// The fit of 16 elements to codes of -32 to 31.
Fit_quant_encode_k fit_of_quant_encode_k(const float *x, float inverted) {
  Fit_quant_encode_k fit;
  for (size_t i = 0; i < 16; ++i)
    fit.add(x[i], clamp(nearest(inverted * x[i]), -32, 31));
  return fit;
}

// 16 codes of 0 to 63 around 32, and their scale.
float search_steps(uint8_t *codes, const float *x) {
  const Largest largest = find_largest(x, 16);
  if (largest.size < kTiny) {
    memset(codes, 0, 16);
    return 0;
  }
  float chosen = -32 / largest.value;
  Fit_quant_encode_k fit = fit_of_quant_encode_k(x, chosen);
  float scale = fit.code2 == 0 ? 0 : fit.code_x / fit.code2;
  float best = scale * fit.code_x;
  for (int32_t step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const float inverted = -(32 + 0.1f * real(step)) / largest.value;
    fit = fit_of_quant_encode_k(x, inverted);
    if (fit.code2 > 0 && fit.code_x * fit.code_x > best * fit.code2) {
      chosen = inverted;
      scale = fit.code_x / fit.code2;
      best = scale * fit.code_x;
    }
  }
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(clamp(nearest(chosen * x[i]), -32, 31) + 32);
  return scale;
}

void put_q6_codes(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    uint8_t *low = to + i / 32 * 64 + i % 32;
    low[0] = low_byte((code[0] & 15) | (code[64] & 15) << 4);
    low[32] = low_byte((code[32] & 15) | (code[96] & 15) << 4);
    to[128 + i] = low_byte(code[0] >> 4 | (code[32] >> 4) << 2 | (code[64] >> 4) << 4 | (code[96] >> 4) << 6);
  }
}

void encode_q6_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float found[16];
  for (size_t group = 0; group < 16; ++group)
    found[group] = search_steps(codes + 16 * group, from + 16 * group);
  StoredSteps stored;
  if (!put_byte_steps(to, stored, found)) return;
  for (size_t group = 0; group < 16; ++group)
    requantise(codes + 16 * group, from + 16 * group, stored.scale[group], 32);
  put_q6_codes(to, codes);
}

}  // namespace

StoredSteps put_small_steps(uint8_t *to, const float *scales, const float *minimums) {
  const float scale = largest_of(scales, 16);
  const float minimum = largest_of(minimums, 16);
  const float stored = put_half(to + 80, scale > 0 ? scale / 15 : 0);
  const float stored_minimum = put_half(to + 82, minimum > 0 ? minimum / 15 : 0);
  const float steps = scale > 0 ? 15 / scale : 0;
  const float minimum_steps = minimum > 0 ? 15 / minimum : 0;
  StoredSteps result;
  for (size_t group = 0; group < 16; ++group) {
    const int32_t low = scale > 0 ? nearest(steps * scales[group]) : 0;
    const int32_t high = minimum > 0 ? nearest(minimum_steps * minimums[group]) : 0;
    to[group] = low_byte(low_byte(low) | low_byte(high * 16));
    result.scale[group] = stored * real(to[group] & 15);
    result.minimum[group] = stored_minimum * real(to[group] >> 4);
  }
  return result;
}

StoredSteps put_group_steps(uint8_t *to, const float *scales, const float *minimums) {
  const float scale = largest_of(scales, 8);
  const float minimum = largest_of(minimums, 8);
  const float steps = scale > 0 ? 63 / scale : 0;
  const float minimum_steps = minimum > 0 ? 63 / minimum : 0;
  const float stored = put_half(to, scale / 63);
  const float stored_minimum = put_half(to + 2, minimum / 63);
  uint8_t scale_codes[8];
  uint8_t minimum_codes[8];
  StoredSteps result;
  for (size_t group = 0; group < 8; ++group) {
    // Cut to a byte before the limit: -1 counts as 255.
    scale_codes[group] = low_byte(smaller(63, low_byte(nearest(steps * scales[group]))));
    minimum_codes[group] = low_byte(smaller(63, low_byte(nearest(minimum_steps * minimums[group]))));
    result.scale[group] = stored * real(scale_codes[group]);
    result.minimum[group] = stored_minimum * real(minimum_codes[group]);
  }
  put_six_bits(to + 4, scale_codes, minimum_codes);
  return result;
}

StoredSteps put_six_bit_steps(uint8_t *to, const float *scales) {
  const float largest = find_largest(scales, 16).value;
  int32_t codes[16] = {};
  float stored = 0;
  if (largest == 0) {
    put_half(to + 108, 0);
  } else {
    const float steps = -32 / largest;
    for (size_t group = 0; group < 16; ++group)
      codes[group] = clamp(signed_byte(nearest(steps * scales[group])), -32, 31) + 32;
    stored = put_half(to + 108, 1 / steps);
  }
  put_scales(to + 96, codes);
  StoredSteps result;
  for (size_t group = 0; group < 16; ++group)
    result.scale[group] = stored * real(codes[group] - 32);
  return result;
}

bool put_byte_steps(uint8_t *to, StoredSteps &stored, const float *scales) {
  const Largest largest = find_largest(scales, 16);
  if (largest.size < kTiny) {
    memset(to, 0, 210);
    return false;
  }
  const float steps = -128 / largest.value;
  const float unit = put_half(to + 208, 1 / steps);
  for (size_t group = 0; group < 16; ++group) {
    const int8_t scale = signed_byte(smaller(127, nearest(steps * scales[group])));
    to[192 + group] = static_cast<uint8_t>(scale);
    stored.scale[group] = unit * real(scale);
  }
  return true;
}

BlockEncoder find_k_encoder(int32_t dtype) {
  switch (dtype) {
    case TF_DTYPE_Q2_K:
      return encode_q2_k;
    case TF_DTYPE_Q3_K:
      return encode_q3_k;
    case TF_DTYPE_Q4_K:
      return encode_q4_k;
    case TF_DTYPE_Q5_K:
      return encode_q5_k;
    case TF_DTYPE_Q6_K:
      return encode_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace tfile

// src/quant/encode_wide.cpp
// The encoders of four lanes, which need no instructions but the architecture's own, and the choice of a width.

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
#define TFILE_HAS_VECTOR4 1
#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif
#endif


namespace tfile {

#if defined(TFILE_HAS_VECTOR4)

namespace {

constexpr size_t kWidth_quant_encode_wide = 4;
constexpr int kAffineParts_quant_encode_wide = 2;
constexpr int kImprovingParts_quant_encode_wide = 4;
constexpr int kStepParts_quant_encode_wide = 1;
constexpr int kTableParts_quant_encode_wide = 1;
using Reals_quant_encode_wide __attribute__((vector_size(16))) = float;
using Ints_quant_encode_wide __attribute__((vector_size(16))) = int32_t;
using Bytes_quant_encode_wide __attribute__((vector_size(4))) = uint8_t;

inline Reals_quant_encode_wide root_quant_encode_wide(Reals_quant_encode_wide a) {
#if defined(__x86_64__)
  return _mm_sqrt_ps(a);
#else
  return vsqrtq_f32(a);
#endif
}

// No number of the tree is looked up: all are compared.
inline Ints_quant_encode_wide nearest_places_quant_encode_wide(Reals_quant_encode_wide v) {
  Ints_quant_encode_wide place = 15 - Ints_quant_encode_wide{};
  for (int node = 1; node < 16; ++node)
    place += v < kIq4Middles[node];
  return place;
}
// Counted down from the largest by the distances of neighbours.
inline Reals_quant_encode_wide nearest_numbers_quant_encode_wide(Reals_quant_encode_wide v) {
  Reals_quant_encode_wide number = kIq4Numbers[15] - Reals_quant_encode_wide{};
  for (int i = 0; i < 15; ++i) {
    const Ints_quant_encode_wide below = v < 0.5f * (kIq4Numbers[i] + kIq4Numbers[i + 1]);
    const Reals_quant_encode_wide distance = (kIq4Numbers[i + 1] - kIq4Numbers[i]) - Reals_quant_encode_wide{};
    number -= reinterpret_cast<Reals_quant_encode_wide>(reinterpret_cast<Ints_quant_encode_wide>(distance) & below);
  }
  return number;
}

// The encoders of one width. Whoever includes this has in its unnamed namespace: kWidth; the vectors Reals, Ints of
// that many lanes and Bytes of as many bytes; root(Reals); nearest_places(Reals) and nearest_numbers(Reals) in the table
// of IQ4; the number of vectors that each search works on at once, kAffineParts, kImprovingParts, kStepParts and
// kTableParts, so that one waits less for another's results.

#define TFILE_INLINE inline __attribute__((always_inline))
#define TFILE_LAMBDA __attribute__((always_inline))

// P vectors, P being a power of two.
template <typename V, int P>
struct Pack_quant_encode_wide {
  Pack_quant_encode_wide<V, P / 2> low, high;
};
template <typename V>
struct Pack_quant_encode_wide<V, 1> {
  V v;
};
template <int P>
using Real_quant_encode_wide = Pack_quant_encode_wide<Reals_quant_encode_wide, P>;
template <int P>
using Mask_quant_encode_wide = Pack_quant_encode_wide<Ints_quant_encode_wide, P>;  // all bits of a lane, or none
template <int P>
constexpr size_t kLanes_quant_encode_wide = P *kWidth_quant_encode_wide;

template <typename V>
TFILE_INLINE V load_vector_quant_encode_wide(const void *from) {
  V v;
  memcpy(&v, from, sizeof(v));
  return v;
}
TFILE_INLINE Reals_quant_encode_wide broadcast_quant_encode_wide(float value) {
  return value - Reals_quant_encode_wide{};
}

template <int P>
TFILE_INLINE Real_quant_encode_wide<P> load_quant_encode_wide(const float *from) {
  if constexpr (P == 1) {
    return {load_vector_quant_encode_wide<Reals_quant_encode_wide>(from)};
  } else {
    return {load_quant_encode_wide<P / 2>(from), load_quant_encode_wide<P / 2>(from + kLanes_quant_encode_wide<P / 2>)};
  }
}
template <int P>
TFILE_INLINE void store_quant_encode_wide(float *to, const Real_quant_encode_wide<P> &a) {
  memcpy(to, &a, sizeof(a));
}
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> all_quant_encode_wide(float value) {
  if constexpr (P == 1) {
    return {broadcast_quant_encode_wide(value)};
  } else {
    return {all_quant_encode_wide<P / 2>(value), all_quant_encode_wide<P / 2>(value)};
  }
}

#define TFILE_LANEWISE(result, name, argument, expression)                  \
  template <int P>                                                          \
  TFILE_INLINE result<P> name(const argument<P> &a, const argument<P> &b) { \
    if constexpr (P == 1) {                                                 \
      return {expression};                                                  \
    } else {                                                                \
      return {name(a.low, b.low), name(a.high, b.high)};                    \
    }                                                                       \
  }
TFILE_LANEWISE(Real_quant_encode_wide, operator+, Real_quant_encode_wide, a.v + b.v)
TFILE_LANEWISE(Real_quant_encode_wide, operator-, Real_quant_encode_wide, a.v - b.v)
TFILE_LANEWISE(Real_quant_encode_wide, operator*, Real_quant_encode_wide, a.v *b.v)
TFILE_LANEWISE(Real_quant_encode_wide, operator/, Real_quant_encode_wide, a.v / b.v)
TFILE_LANEWISE(Mask_quant_encode_wide, operator<, Real_quant_encode_wide, a.v < b.v)
TFILE_LANEWISE(Mask_quant_encode_wide, operator==, Real_quant_encode_wide, a.v == b.v)
TFILE_LANEWISE(Mask_quant_encode_wide, operator!=, Real_quant_encode_wide, a.v != b.v)
TFILE_LANEWISE(Mask_quant_encode_wide, operator&, Mask_quant_encode_wide, a.v &b.v)
TFILE_LANEWISE(Mask_quant_encode_wide, operator|, Mask_quant_encode_wide, a.v | b.v)

template <int P>
TFILE_INLINE Real_quant_encode_wide<P> select(const Mask_quant_encode_wide<P> &mask, const Real_quant_encode_wide<P> &yes, const Real_quant_encode_wide<P> &no) {
  if constexpr (P == 1) {
    return {mask.v ? yes.v : no.v};
  } else {
    return {select(mask.low, yes.low, no.low), select(mask.high, yes.high, no.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> negated_quant_encode_wide(const Real_quant_encode_wide<P> &a) {
  if constexpr (P == 1) {
    return {-a.v};
  } else {
    return {negated_quant_encode_wide(a.low), negated_quant_encode_wide(a.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> size_of_quant_encode_wide(const Real_quant_encode_wide<P> &a) {
  if constexpr (P == 1) {
    return {reinterpret_cast<Reals_quant_encode_wide>(reinterpret_cast<Ints_quant_encode_wide>(a.v) & 0x7fffffff)};
  } else {
    return {size_of_quant_encode_wide(a.low), size_of_quant_encode_wide(a.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> roots_quant_encode_wide(const Real_quant_encode_wide<P> &a) {
  if constexpr (P == 1) {
    return {root_quant_encode_wide(a.v)};
  } else {
    return {roots_quant_encode_wide(a.low), roots_quant_encode_wide(a.high)};
  }
}
template <int P>
TFILE_INLINE bool any_quant_encode_wide(const Mask_quant_encode_wide<P> &mask) {
  uint64_t words[sizeof(mask) / 8];
  memcpy(words, &mask, sizeof(mask));
  uint64_t found = 0;
  for (const uint64_t word : words)
    found |= word;
  return found != 0;
}

// clamp(nearest(v), least, most), and 0x400000 more.
TFILE_INLINE Ints_quant_encode_wide raised_codes_quant_encode_wide(Reals_quant_encode_wide v, int32_t least, int32_t most) {
  Ints_quant_encode_wide bits = reinterpret_cast<Ints_quant_encode_wide>(v + 12582912.0f) & 0x7fffff;
  const Ints_quant_encode_wide lowest = 0x400000 + least - Ints_quant_encode_wide{};
  const Ints_quant_encode_wide highest = 0x400000 + most - Ints_quant_encode_wide{};
  bits = bits < highest ? bits : highest;
  return bits > lowest ? bits : lowest;
}
// clamp(nearest(a), least, most) as float32. In the numbers from 2^23 to 2^24 the mantissa is the integer.
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> codes_of_quant_encode_wide(const Real_quant_encode_wide<P> &a, int32_t least, int32_t most) {
  if constexpr (P == 1) {
    return {reinterpret_cast<Reals_quant_encode_wide>(raised_codes_quant_encode_wide(a.v, least, most) | 0x4b000000) - 12582912.0f};
  } else {
    return {codes_of_quant_encode_wide(a.low, least, most), codes_of_quant_encode_wide(a.high, least, most)};
  }
}

template <int P>
TFILE_INLINE Real_quant_encode_wide<P> nearest_numbers_quant_encode_wide(const Real_quant_encode_wide<P> &a) {
  if constexpr (P == 1) {
    return {nearest_numbers_quant_encode_wide(a.v)};
  } else {
    return {nearest_numbers_quant_encode_wide(a.low), nearest_numbers_quant_encode_wide(a.high)};
  }
}

// One group of N elements in each lane: row i has element i of each. Lanes left over repeat the last group.
template <size_t N, int P>
TFILE_INLINE void spread_groups_quant_encode_wide(float *rows, const float *from, size_t first, size_t groups) {
  for (size_t lane = 0; lane < kLanes_quant_encode_wide<P>; ++lane) {
    const float *group = from + N * (first + lane < groups ? first + lane : groups - 1);
    for (size_t i = 0; i < N; ++i)
      rows[i * kLanes_quant_encode_wide<P> + lane] = group[i];
  }
}

// The element of the largest magnitude in each lane, as find_largest().
template <int P>
struct LargestOf_quant_encode_wide {
  Real_quant_encode_wide<P> size, value;
};
template <size_t N, int P>
TFILE_INLINE LargestOf_quant_encode_wide<P> find_largest_of_quant_encode_wide(const float *rows) {
  LargestOf_quant_encode_wide<P> largest{all_quant_encode_wide<P>(0), all_quant_encode_wide<P>(0)};
  for (size_t i = 0; i < N; ++i) {
    const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>);
    const Mask_quant_encode_wide<P> larger = largest.size < size_of_quant_encode_wide(x);
    largest.size = select(larger, size_of_quant_encode_wide(x), largest.size);
    largest.value = select(larger, x, largest.value);
  }
  return largest;
}

// What searches of up to 4 blocks find, for each group.
constexpr size_t kBatch_quant_encode_wide = 4;
struct Found_quant_encode_wide {
  float scale[kBatch_quant_encode_wide * 16 + kLanes_quant_encode_wide<4>];
  float minimum[kBatch_quant_encode_wide * 16 + kLanes_quant_encode_wide<4>];
};

// Calls search(rows, first) for kLanes<P> groups at a time.
template <size_t N, int P, typename Search>
TFILE_INLINE void search_groups_quant_encode_wide(const float *from, size_t groups, Search search) {
  alignas(64) float rows[N * kLanes_quant_encode_wide<P>];
  for (size_t first = 0; first < groups; first += kLanes_quant_encode_wide<P>) {
    spread_groups_quant_encode_wide<N, P>(rows, from, first, groups);
    search(rows, first);
  }
}

/* Codes as they are stored */

// clamp(nearest(v), least, most) - least of N elements, `put` making v of one vector of them.
template <size_t N, typename Quotient>
TFILE_INLINE void put_codes_quant_encode_wide(uint8_t *to, const float *x, int32_t least, int32_t most, Quotient quotient) {
  for (size_t i = 0; i < N; i += kWidth_quant_encode_wide) {
    const Ints_quant_encode_wide codes = raised_codes_quant_encode_wide(quotient(load_vector_quant_encode_wide<Reals_quant_encode_wide>(x + i)), least, most) - (0x400000 + least);
    const Bytes_quant_encode_wide bytes = __builtin_convertvector(codes, Bytes_quant_encode_wide);
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}

// With a stored scale of zero the search's codes count: those of zeros are 0; false: others.
TFILE_INLINE bool put_zeros_quant_encode_wide(uint8_t *codes, const float *x, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (x[i] != 0) return false;
  memset(codes, 0, count);
  return true;
}

using Bytes16_quant_encode_wide __attribute__((vector_size(16))) = uint8_t;

TFILE_INLINE void put_nibbles_of_64_quant_encode_wide(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 128; i += 16) {
    const uint8_t *code = codes + i / 32 * 64 + i % 32;
    const Bytes16_quant_encode_wide bytes = (load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code) & 15) | load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code + 32) << 4;
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}
TFILE_INLINE void put_pairs_of_bits_quant_encode_wide(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; i += 16) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    const Bytes16_quant_encode_wide bytes = (load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code) & 3) | (load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code + 32) & 3) << 2 |
                          (load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code + 64) & 3) << 4 | load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code + 96) << 6;
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}
TFILE_INLINE void put_single_bits_quant_encode_wide(uint8_t *to, const uint8_t *codes, int at) {
  for (size_t i = 0; i < 32; i += 16) {
    Bytes16_quant_encode_wide bits{};
    for (int group = 0; group < 8; ++group)
      bits |= ((load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(codes + 32 * group + i) >> at) & 1) << group;
    memcpy(to + i, &bits, sizeof(bits));
  }
}

/* Q2_K, Q4_K, Q5_K */

template <int P>
struct AffineOf_quant_encode_wide {
  Real_quant_encode_wide<P> scale, minimum;
};

template <bool kAbsolute, int P>
TFILE_INLINE Real_quant_encode_wide<P> error_size_quant_encode_wide(const Real_quant_encode_wide<P> &error) {
  if constexpr (kAbsolute) {
    return size_of_quant_encode_wide(error);
  } else {
    return error * error;
  }
}

struct AffineSteps_quant_encode_wide {
  int32_t most;
  float first;
  int32_t last;
};

// As search_affine() of one group.
template <size_t N, bool kAbsolute, int P>
TFILE_INLINE AffineOf_quant_encode_wide<P> search_affine_of_quant_encode_wide(const float *rows, const float *weights, const AffineSteps_quant_encode_wide &steps) {
  constexpr size_t kRow = kLanes_quant_encode_wide<P>;
  const Real_quant_encode_wide<P> zero = all_quant_encode_wide<P>(0);
  const Real_quant_encode_wide<P> most = all_quant_encode_wide<P>(static_cast<float>(steps.most));
  Real_quant_encode_wide<P> minimum = load_quant_encode_wide<P>(rows);
  Real_quant_encode_wide<P> maximum = minimum;
  Real_quant_encode_wide<P> weight = load_quant_encode_wide<P>(weights);
  Real_quant_encode_wide<P> weighted_x = weight * minimum;
  for (size_t i = 1; i < N; ++i) {
    const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kRow);
    const Real_quant_encode_wide<P> w = load_quant_encode_wide<P>(weights + i * kRow);
    minimum = select(x < minimum, x, minimum);
    maximum = select(maximum < x, x, maximum);
    weight = weight + w;
    weighted_x = weighted_x + w * x;
  }
  minimum = select(zero < minimum, zero, minimum);
  const Mask_quant_encode_wide<P> flat = maximum == minimum;
  const Real_quant_encode_wide<P> first_minimum = minimum;
  const Real_quant_encode_wide<P> inverted = most / (maximum - minimum);
  Real_quant_encode_wide<P> scale = all_quant_encode_wide<P>(1) / inverted;
  Real_quant_encode_wide<P> best = zero;
  for (size_t i = 0; i < N; ++i) {
    const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kRow);
    const Real_quant_encode_wide<P> code = codes_of_quant_encode_wide(inverted * (x - minimum), 0, steps.most);
    best = best + load_quant_encode_wide<P>(weights + i * kRow) * error_size_quant_encode_wide<kAbsolute>((scale * code + minimum) - x);
  }
  for (int32_t step = 0; step <= steps.last; ++step) {
    const float numerator = (steps.first + 0.1f * static_cast<float>(step)) + static_cast<float>(steps.most);
    const Real_quant_encode_wide<P> other = all_quant_encode_wide<P>(numerator) / (maximum - minimum);
    alignas(64) float codes[N * kRow];
    Real_quant_encode_wide<P> code1 = zero;
    Real_quant_encode_wide<P> code2 = zero;
    Real_quant_encode_wide<P> code_x = zero;
    for (size_t i = 0; i < N; ++i) {
      const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kRow);
      const Real_quant_encode_wide<P> code = codes_of_quant_encode_wide(other * (x - minimum), 0, steps.most);
      const Real_quant_encode_wide<P> weighted = load_quant_encode_wide<P>(weights + i * kRow) * code;
      code1 = code1 + weighted;
      code2 = code2 + weighted * code;
      code_x = code_x + weighted * x;
      store_quant_encode_wide(codes + i * kRow, code);
    }
    const Real_quant_encode_wide<P> divisor = weight * code2 - code1 * code1;
    Real_quant_encode_wide<P> fitted = (weight * code_x - weighted_x * code1) / divisor;
    Real_quant_encode_wide<P> fitted_minimum = (code2 * weighted_x - code1 * code_x) / divisor;
    const Mask_quant_encode_wide<P> above = zero < fitted_minimum;
    fitted = select(above, code_x / code2, fitted);
    fitted_minimum = select(above, zero, fitted_minimum);
    Real_quant_encode_wide<P> error = zero;
    for (size_t i = 0; i < N; ++i) {
      const Real_quant_encode_wide<P> difference = (fitted * load_quant_encode_wide<P>(codes + i * kRow) + fitted_minimum) - load_quant_encode_wide<P>(rows + i * kRow);
      error = error + load_quant_encode_wide<P>(weights + i * kRow) * error_size_quant_encode_wide<kAbsolute>(difference);
    }
    const Mask_quant_encode_wide<P> better = (zero < divisor) & (error < best);
    best = select(better, error, best);
    scale = select(better, fitted, scale);
    minimum = select(better, fitted_minimum, minimum);
  }
  return {select(flat, zero, scale), negated_quant_encode_wide(select(flat, first_minimum, minimum))};
}

template <size_t N, bool kAbsolute, int P>
TFILE_INLINE void find_affine_quant_encode_wide(Found_quant_encode_wide &found, const float *from, size_t groups, const AffineSteps_quant_encode_wide &steps) {
  alignas(64) float weights[N * kLanes_quant_encode_wide<P>];
  search_groups_quant_encode_wide<N, P>(from, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
    Real_quant_encode_wide<P> average = all_quant_encode_wide<P>(0);
    if constexpr (!kAbsolute) {
      for (size_t i = 0; i < N; ++i)
        average = average + load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>) * load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>);
      average = roots_quant_encode_wide(average / all_quant_encode_wide<P>(N));
    }
    for (size_t i = 0; i < N; ++i)
      store_quant_encode_wide(weights + i * kLanes_quant_encode_wide<P>, average + size_of_quant_encode_wide(load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>)));
    const AffineOf_quant_encode_wide<P> affine = search_affine_of_quant_encode_wide<N, kAbsolute, P>(rows, weights, steps);
    store_quant_encode_wide(found.scale + first, affine.scale);
    store_quant_encode_wide(found.minimum + first, affine.minimum);
  });
}

template <size_t N>
TFILE_INLINE bool put_affine_codes_quant_encode_wide(uint8_t *codes, const float *from, const StoredSteps &stored, int32_t most) {
  for (size_t group = 0; group < kKBlock / N; ++group) {
    const float *x = from + N * group;
    const Reals_quant_encode_wide scale = broadcast_quant_encode_wide(stored.scale[group]);
    const Reals_quant_encode_wide minimum = broadcast_quant_encode_wide(stored.minimum[group]);
    if (stored.scale[group] == 0) {
      if (!put_zeros_quant_encode_wide(codes + N * group, x, N)) return false;
    } else {
      put_codes_quant_encode_wide<N>(codes + N * group, x, 0, most, [&](Reals_quant_encode_wide v) TFILE_LAMBDA { return (v + minimum) / scale; });
    }
  }
  return true;
}

// Calls put(to, from, found, group) for each block after the searches of a batch of them.
template <size_t kBlockBytes, typename Find, typename Put>
TFILE_INLINE void encode_batches_quant_encode_wide(uint8_t *to, const float *from, size_t blocks, size_t groups, Find find, Put put) {
  Found_quant_encode_wide found;
  for (size_t first = 0; first < blocks; first += kBatch_quant_encode_wide) {
    const size_t count = blocks - first < kBatch_quant_encode_wide ? blocks - first : kBatch_quant_encode_wide;
    find(found, from + first * kKBlock, count * groups);
    for (size_t i = 0; i < count; ++i)
      put(to + (first + i) * kBlockBytes, from + (first + i) * kKBlock, found.scale + i * groups,
          found.minimum + i * groups);
  }
}

void encode_q4_k_wide_quant_encode_wide(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide<144>(
      to, from, blocks, 8,
      [](Found_quant_encode_wide &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide<32, false, kAffineParts_quant_encode_wide>(found, x, groups, {15, -1, 20});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide<32>(codes, x, put_group_steps(block, scales, minimums), 15)) {
          find_k_encoder(TF_DTYPE_Q4_K)(block, x);
          return;
        }
        put_nibbles_of_64_quant_encode_wide(block + 16, codes);
      });
}

void encode_q5_k_wide_quant_encode_wide(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide<176>(
      to, from, blocks, 8,
      [](Found_quant_encode_wide &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide<32, false, kAffineParts_quant_encode_wide>(found, x, groups, {31, -0.5f, 15});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide<32>(codes, x, put_group_steps(block, scales, minimums), 31)) {
          find_k_encoder(TF_DTYPE_Q5_K)(block, x);
          return;
        }
        put_single_bits_quant_encode_wide(block + 16, codes, 4);
        put_nibbles_of_64_quant_encode_wide(block + 48, codes);
      });
}

void encode_q2_k_wide_quant_encode_wide(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide<84>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide<16, true, kAffineParts_quant_encode_wide>(found, x, groups, {3, -0.5f, 15});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide<16>(codes, x, put_small_steps(block, scales, minimums), 3)) {
          find_k_encoder(TF_DTYPE_Q2_K)(block, x);
          return;
        }
        put_pairs_of_bits_quant_encode_wide(block + 16, codes);
      });
}

/* Q3_K, Q6_K */

// The sums of a fit without a minimum.
template <int P>
struct FitOf_quant_encode_wide {
  Real_quant_encode_wide<P> code_x, code2;
};
template <int P>
TFILE_INLINE void add_to_quant_encode_wide(FitOf_quant_encode_wide<P> &fit, const Real_quant_encode_wide<P> &x, const Real_quant_encode_wide<P> &code) {
  const Real_quant_encode_wide<P> weight = x * x;
  fit.code_x = fit.code_x + (weight * x) * code;
  fit.code2 = fit.code2 + (weight * code) * code;
}

// As improve_codes(); a round that changes nothing in a lane would change nothing there again.
template <int P>
TFILE_INLINE bool improve_codes_of_quant_encode_wide(FitOf_quant_encode_wide<P> &fit, float *codes, const float *rows) {
  const Real_quant_encode_wide<P> zero = all_quant_encode_wide<P>(0);
  Mask_quant_encode_wide<P> moved = zero < zero;
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>);
    const Real_quant_encode_wide<P> old = load_quant_encode_wide<P>(codes + i * kLanes_quant_encode_wide<P>);
    const Real_quant_encode_wide<P> weight = x * x;
    FitOf_quant_encode_wide<P> other{fit.code_x - (weight * x) * old, fit.code2 - (weight * old) * old};
    const Mask_quant_encode_wide<P> positive = zero < other.code_x;
    const Real_quant_encode_wide<P> code = codes_of_quant_encode_wide((x * other.code2) / other.code_x, -4, 3);
    add_to_quant_encode_wide(other, x, code);
    const Mask_quant_encode_wide<P> better = (fit.code_x * fit.code_x) * other.code2 < (other.code_x * other.code_x) * fit.code2;
    const Mask_quant_encode_wide<P> taken = (positive & (code != old)) & ((zero < other.code2) & better);
    store_quant_encode_wide(codes + i * kLanes_quant_encode_wide<P>, select(taken, code, old));
    fit.code_x = select(taken, other.code_x, fit.code_x);
    fit.code2 = select(taken, other.code2, fit.code2);
    moved = moved | taken;
  }
  return any_quant_encode_wide(moved);
}

// As search_improving().
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> search_improving_of_quant_encode_wide(const float *rows) {
  const Real_quant_encode_wide<P> zero = all_quant_encode_wide<P>(0);
  const LargestOf_quant_encode_wide<P> largest = find_largest_of_quant_encode_wide<16, P>(rows);
  const Real_quant_encode_wide<P> inverted = all_quant_encode_wide<P>(-4) / largest.value;
  alignas(64) float codes[16 * kLanes_quant_encode_wide<P>];
  FitOf_quant_encode_wide<P> fit{zero, zero};
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>);
    const Real_quant_encode_wide<P> code = codes_of_quant_encode_wide(inverted * x, -4, 3);
    store_quant_encode_wide(codes + i * kLanes_quant_encode_wide<P>, code);
    add_to_quant_encode_wide(fit, x, code);
  }
  for (int round = 0; round < 5 && improve_codes_of_quant_encode_wide(fit, codes, rows); ++round) {
  }
  const Real_quant_encode_wide<P> scale = select(zero < fit.code2, fit.code_x / fit.code2, zero);
  return select(largest.size < all_quant_encode_wide<P>(kTiny), zero, scale);
}

template <int P>
TFILE_INLINE FitOf_quant_encode_wide<P> steps_fit_of_quant_encode_wide(const float *rows, const Real_quant_encode_wide<P> &inverted) {
  FitOf_quant_encode_wide<P> fit{all_quant_encode_wide<P>(0), all_quant_encode_wide<P>(0)};
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>);
    add_to_quant_encode_wide(fit, x, codes_of_quant_encode_wide(inverted * x, -32, 31));
  }
  return fit;
}

// As search_steps().
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> search_steps_of_quant_encode_wide(const float *rows) {
  const Real_quant_encode_wide<P> zero = all_quant_encode_wide<P>(0);
  const LargestOf_quant_encode_wide<P> largest = find_largest_of_quant_encode_wide<16, P>(rows);
  FitOf_quant_encode_wide<P> fit = steps_fit_of_quant_encode_wide<P>(rows, all_quant_encode_wide<P>(-32) / largest.value);
  Real_quant_encode_wide<P> scale = select(fit.code2 == zero, zero, fit.code_x / fit.code2);
  Real_quant_encode_wide<P> best = scale * fit.code_x;
  for (int32_t step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    fit = steps_fit_of_quant_encode_wide<P>(rows, all_quant_encode_wide<P>(-(32 + 0.1f * static_cast<float>(step))) / largest.value);
    const Mask_quant_encode_wide<P> better = (zero < fit.code2) & (best * fit.code2 < fit.code_x * fit.code_x);
    scale = select(better, fit.code_x / fit.code2, scale);
    best = select(better, scale * fit.code_x, best);
  }
  return select(largest.size < all_quant_encode_wide<P>(kTiny), zero, scale);
}

TFILE_INLINE bool put_even_codes_quant_encode_wide(uint8_t *codes, const float *from, const StoredSteps &stored, int32_t zero) {
  for (size_t group = 0; group < 16; ++group) {
    const float *x = from + 16 * group;
    const Reals_quant_encode_wide scale = broadcast_quant_encode_wide(stored.scale[group]);
    if (stored.scale[group] == 0) {
      if (!put_zeros_quant_encode_wide(codes + 16 * group, x, 16)) return false;
    } else {
      put_codes_quant_encode_wide<16>(codes + 16 * group, x, -zero, zero - 1, [&](Reals_quant_encode_wide v) TFILE_LAMBDA { return v / scale; });
    }
  }
  return true;
}

void encode_q3_k_wide_quant_encode_wide(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide<110>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide &found, const float *x, size_t groups) TFILE_LAMBDA {
        search_groups_quant_encode_wide<16, kImprovingParts_quant_encode_wide>(x, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
          store_quant_encode_wide(found.scale + first, search_improving_of_quant_encode_wide<kImprovingParts_quant_encode_wide>(rows));
        });
      },
      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_even_codes_quant_encode_wide(codes, x, put_six_bit_steps(block, scales), 4)) {
          find_k_encoder(TF_DTYPE_Q3_K)(block, x);
          return;
        }
        put_single_bits_quant_encode_wide(block, codes, 2);
        put_pairs_of_bits_quant_encode_wide(block + 32, codes);
      });
}

TFILE_INLINE void put_codes_of_6_bits_quant_encode_wide(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; i += 16) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    uint8_t *low = to + i / 32 * 64 + i % 32;
    const Bytes16_quant_encode_wide a = load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code);
    const Bytes16_quant_encode_wide b = load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code + 32);
    const Bytes16_quant_encode_wide c = load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code + 64);
    const Bytes16_quant_encode_wide d = load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(code + 96);
    const Bytes16_quant_encode_wide even = (a & 15) | c << 4;
    const Bytes16_quant_encode_wide odd = (b & 15) | d << 4;
    const Bytes16_quant_encode_wide high = a >> 4 | (b >> 4) << 2 | (c >> 4) << 4 | (d >> 4) << 6;
    memcpy(low, &even, sizeof(even));
    memcpy(low + 32, &odd, sizeof(odd));
    memcpy(to + 128 + i, &high, sizeof(high));
  }
}

void encode_q6_k_wide_quant_encode_wide(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide<210>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide &found, const float *x, size_t groups) TFILE_LAMBDA {
        search_groups_quant_encode_wide<16, kStepParts_quant_encode_wide>(x, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
          store_quant_encode_wide(found.scale + first, search_steps_of_quant_encode_wide<kStepParts_quant_encode_wide>(rows));
        });
      },
      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
        StoredSteps stored;
        if (!put_byte_steps(block, stored, scales)) return;
        uint8_t codes[kKBlock];
        if (!put_even_codes_quant_encode_wide(codes, x, stored, 32)) {
          find_k_encoder(TF_DTYPE_Q6_K)(block, x);
          return;
        }
        put_codes_of_6_bits_quant_encode_wide(block, codes);
      });
}

/* IQ4_NL, IQ4_XS */

// As fit_of() for the table's numbers.
template <int P>
TFILE_INLINE FitOf_quant_encode_wide<P> table_fit_of_quant_encode_wide(const float *rows, const Real_quant_encode_wide<P> &inverted) {
  FitOf_quant_encode_wide<P> fit{all_quant_encode_wide<P>(0), all_quant_encode_wide<P>(0)};
  for (size_t i = 0; i < 32; ++i) {
    const Real_quant_encode_wide<P> x = load_quant_encode_wide<P>(rows + i * kLanes_quant_encode_wide<P>);
    const Real_quant_encode_wide<P> number = nearest_numbers_quant_encode_wide(inverted * x);
    const Real_quant_encode_wide<P> weighted = (x * x) * number;
    fit.code_x = fit.code_x + weighted * x;
    fit.code2 = fit.code2 + weighted * number;
  }
  return fit;
}

// As search_scale().
template <int P>
TFILE_INLINE Real_quant_encode_wide<P> search_table_of_quant_encode_wide(const float *rows) {
  const Real_quant_encode_wide<P> zero = all_quant_encode_wide<P>(0);
  const LargestOf_quant_encode_wide<P> largest = find_largest_of_quant_encode_wide<32, P>(rows);
  const Real_quant_encode_wide<P> first = negated_quant_encode_wide(largest.value) / all_quant_encode_wide<P>(-127);
  FitOf_quant_encode_wide<P> fit = table_fit_of_quant_encode_wide<P>(rows, all_quant_encode_wide<P>(1) / first);
  Real_quant_encode_wide<P> scale = select(zero < fit.code2, fit.code_x / fit.code2, zero);
  Real_quant_encode_wide<P> best = scale * fit.code_x;
  for (int32_t step = -7; step <= 7; ++step) {
    fit = table_fit_of_quant_encode_wide<P>(rows, all_quant_encode_wide<P>(static_cast<float>(step - 127)) / largest.value);
    const Mask_quant_encode_wide<P> better = (zero < fit.code2) & (best * fit.code2 < fit.code_x * fit.code_x);
    scale = select(better, fit.code_x / fit.code2, scale);
    best = select(better, scale * fit.code_x, best);
  }
  return select(largest.size < all_quant_encode_wide<P>(kTiny), zero, scale);
}

TFILE_INLINE void put_places_quant_encode_wide(uint8_t *to, const float *x, float inverted) {
  uint8_t places[32];
  for (size_t i = 0; i < 32; i += kWidth_quant_encode_wide) {
    const Bytes_quant_encode_wide bytes = __builtin_convertvector(nearest_places_quant_encode_wide(load_vector_quant_encode_wide<Reals_quant_encode_wide>(x + i) * inverted), Bytes_quant_encode_wide);
    memcpy(places + i, &bytes, sizeof(bytes));
  }
  const Bytes16_quant_encode_wide bytes = load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(places) | load_vector_quant_encode_wide<Bytes16_quant_encode_wide>(places + 16) << 4;
  memcpy(to, &bytes, sizeof(bytes));
}

TFILE_INLINE void find_table_scales_quant_encode_wide(Found_quant_encode_wide &found, const float *from, size_t groups) {
  search_groups_quant_encode_wide<32, kTableParts_quant_encode_wide>(from, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
    store_quant_encode_wide(found.scale + first, search_table_of_quant_encode_wide<kTableParts_quant_encode_wide>(rows));
  });
}

void encode_iq4_nl_wide_quant_encode_wide(uint8_t *to, const float *from, size_t blocks) {
  Found_quant_encode_wide found;
  for (size_t first = 0; first < blocks; first += kBatch_quant_encode_wide * 16) {
    const size_t count = blocks - first < kBatch_quant_encode_wide * 16 ? blocks - first : kBatch_quant_encode_wide * 16;
    find_table_scales_quant_encode_wide(found, from + 32 * first, count);
    for (size_t i = 0; i < count; ++i) {
      uint8_t *block = to + 18 * (first + i);
      put_places_quant_encode_wide(block + 2, from + 32 * (first + i), put_table_scale(block, found.scale[i]));
    }
  }
}

void encode_iq4_xs_wide_quant_encode_wide(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide<136>(to, from, blocks, 8, find_table_scales_quant_encode_wide,
                      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
                        const StoredSteps inverted = put_table_steps(block, scales);
                        for (size_t group = 0; group < 8; ++group)
                          put_places_quant_encode_wide(block + 8 + 16 * group, x + 32 * group, inverted.scale[group]);
                      });
}

#undef TFILE_LANEWISE

WideEncoder find_here_quant_encode_wide(int32_t dtype) {
  switch (dtype) {
    case TF_DTYPE_Q2_K:
      return encode_q2_k_wide_quant_encode_wide;
    case TF_DTYPE_Q3_K:
      return encode_q3_k_wide_quant_encode_wide;
    case TF_DTYPE_Q4_K:
      return encode_q4_k_wide_quant_encode_wide;
    case TF_DTYPE_Q5_K:
      return encode_q5_k_wide_quant_encode_wide;
    case TF_DTYPE_Q6_K:
      return encode_q6_k_wide_quant_encode_wide;
    case TF_DTYPE_IQ4_NL:
      return encode_iq4_nl_wide_quant_encode_wide;
    case TF_DTYPE_IQ4_XS:
      return encode_iq4_xs_wide_quant_encode_wide;
    default:
      return nullptr;
  }
}

#undef TFILE_INLINE
#undef TFILE_LAMBDA

}  // namespace

WideEncoder find_encoder4(int32_t dtype) {
  return find_here_quant_encode_wide(dtype);
}

#else

WideEncoder find_encoder4(int32_t) {
  return nullptr;
}

#endif

WideEncoder find_wide_encoder(int32_t dtype, Cpu cpu) {
  switch (cpu) {
    case Cpu::kVector4:
      return find_encoder4(dtype);
    case Cpu::kVector8:
      return find_encoder8(dtype);
    case Cpu::kVector16:
      return find_encoder16(dtype);
    default:
      return nullptr;
  }
}

}  // namespace tfile
#undef TFILE_HAS_VECTOR4
#undef TFILE_INLINE
#undef TFILE_LAMBDA
#undef TFILE_LANEWISE

// src/quant/encode_wide16.cpp
// The encoders of 16 lanes: x86-64 with AVX-512.

#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>
#if defined(__clang__) && __clang_major__ >= 18 && __clang_major__ <= 21 && !defined(__apple_build_version__)
// To these versions vectors of 64 bytes are a feature of their own, which a build may have turned off.
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,evex512"))), apply_to = function)
#elif defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif

namespace tfile {

namespace {

constexpr size_t kWidth_quant_encode_wide16 = 16;
constexpr int kAffineParts_quant_encode_wide16 = 2;
constexpr int kImprovingParts_quant_encode_wide16 = 4;
constexpr int kStepParts_quant_encode_wide16 = 1;
constexpr int kTableParts_quant_encode_wide16 = 1;
using Reals_quant_encode_wide16 __attribute__((vector_size(64))) = float;
using Ints_quant_encode_wide16 __attribute__((vector_size(64))) = int32_t;
using Bytes_quant_encode_wide16 __attribute__((vector_size(16))) = uint8_t;

inline Reals_quant_encode_wide16 root_quant_encode_wide16(Reals_quant_encode_wide16 a) {
  return _mm512_maskz_sqrt_ps(0xffff, a);
}

inline Ints_quant_encode_wide16 below_node_quant_encode_wide16(Ints_quant_encode_wide16 node, Reals_quant_encode_wide16 v, Reals_quant_encode_wide16 middle) {
  return 2 * node + 1 + (v < middle);  // not below also for NaN
}
// One of 16 by the low four bits of each place.
inline Reals_quant_encode_wide16 look_up_quant_encode_wide16(const float *table, Ints_quant_encode_wide16 places) {
  return _mm512_maskz_permutexvar_ps(0xffff, reinterpret_cast<__m512i>(places), _mm512_loadu_ps(table));
}
// The leaf of the tree of middles, from 16 on.
inline Ints_quant_encode_wide16 find_leaf_quant_encode_wide16(Reals_quant_encode_wide16 v) {
  Ints_quant_encode_wide16 node = 1 - Ints_quant_encode_wide16{};
  for (int level = 0; level < 4; ++level)
    node = below_node_quant_encode_wide16(node, v, look_up_quant_encode_wide16(kIq4Middles, node));
  return node;
}
inline Reals_quant_encode_wide16 number_at_quant_encode_wide16(Ints_quant_encode_wide16 leaf) {
  return look_up_quant_encode_wide16(kIq4Numbers, leaf);
}

inline Ints_quant_encode_wide16 nearest_places_quant_encode_wide16(Reals_quant_encode_wide16 v) {
  return find_leaf_quant_encode_wide16(v) & 15;
}
inline Reals_quant_encode_wide16 nearest_numbers_quant_encode_wide16(Reals_quant_encode_wide16 v) {
  return number_at_quant_encode_wide16(find_leaf_quant_encode_wide16(v));
}

// The encoders of one width. Whoever includes this has in its unnamed namespace: kWidth; the vectors Reals, Ints of
// that many lanes and Bytes of as many bytes; root(Reals); nearest_places(Reals) and nearest_numbers(Reals) in the table
// of IQ4; the number of vectors that each search works on at once, kAffineParts, kImprovingParts, kStepParts and
// kTableParts, so that one waits less for another's results.

#define TFILE_INLINE inline __attribute__((always_inline))
#define TFILE_LAMBDA __attribute__((always_inline))

// P vectors, P being a power of two.
template <typename V, int P>
struct Pack_quant_encode_wide16 {
  Pack_quant_encode_wide16<V, P / 2> low, high;
};
template <typename V>
struct Pack_quant_encode_wide16<V, 1> {
  V v;
};
template <int P>
using Real_quant_encode_wide16 = Pack_quant_encode_wide16<Reals_quant_encode_wide16, P>;
template <int P>
using Mask_quant_encode_wide16 = Pack_quant_encode_wide16<Ints_quant_encode_wide16, P>;  // all bits of a lane, or none
template <int P>
constexpr size_t kLanes_quant_encode_wide16 = P *kWidth_quant_encode_wide16;

template <typename V>
TFILE_INLINE V load_vector_quant_encode_wide16(const void *from) {
  V v;
  memcpy(&v, from, sizeof(v));
  return v;
}
TFILE_INLINE Reals_quant_encode_wide16 broadcast_quant_encode_wide16(float value) {
  return value - Reals_quant_encode_wide16{};
}

template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> load_quant_encode_wide16(const float *from) {
  if constexpr (P == 1) {
    return {load_vector_quant_encode_wide16<Reals_quant_encode_wide16>(from)};
  } else {
    return {load_quant_encode_wide16<P / 2>(from), load_quant_encode_wide16<P / 2>(from + kLanes_quant_encode_wide16<P / 2>)};
  }
}
template <int P>
TFILE_INLINE void store_quant_encode_wide16(float *to, const Real_quant_encode_wide16<P> &a) {
  memcpy(to, &a, sizeof(a));
}
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> all_quant_encode_wide16(float value) {
  if constexpr (P == 1) {
    return {broadcast_quant_encode_wide16(value)};
  } else {
    return {all_quant_encode_wide16<P / 2>(value), all_quant_encode_wide16<P / 2>(value)};
  }
}

#define TFILE_LANEWISE(result, name, argument, expression)                  \
  template <int P>                                                          \
  TFILE_INLINE result<P> name(const argument<P> &a, const argument<P> &b) { \
    if constexpr (P == 1) {                                                 \
      return {expression};                                                  \
    } else {                                                                \
      return {name(a.low, b.low), name(a.high, b.high)};                    \
    }                                                                       \
  }
TFILE_LANEWISE(Real_quant_encode_wide16, operator+, Real_quant_encode_wide16, a.v + b.v)
TFILE_LANEWISE(Real_quant_encode_wide16, operator-, Real_quant_encode_wide16, a.v - b.v)
TFILE_LANEWISE(Real_quant_encode_wide16, operator*, Real_quant_encode_wide16, a.v *b.v)
TFILE_LANEWISE(Real_quant_encode_wide16, operator/, Real_quant_encode_wide16, a.v / b.v)
TFILE_LANEWISE(Mask_quant_encode_wide16, operator<, Real_quant_encode_wide16, a.v < b.v)
TFILE_LANEWISE(Mask_quant_encode_wide16, operator==, Real_quant_encode_wide16, a.v == b.v)
TFILE_LANEWISE(Mask_quant_encode_wide16, operator!=, Real_quant_encode_wide16, a.v != b.v)
TFILE_LANEWISE(Mask_quant_encode_wide16, operator&, Mask_quant_encode_wide16, a.v &b.v)
TFILE_LANEWISE(Mask_quant_encode_wide16, operator|, Mask_quant_encode_wide16, a.v | b.v)

template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> select(const Mask_quant_encode_wide16<P> &mask, const Real_quant_encode_wide16<P> &yes, const Real_quant_encode_wide16<P> &no) {
  if constexpr (P == 1) {
    return {mask.v ? yes.v : no.v};
  } else {
    return {select(mask.low, yes.low, no.low), select(mask.high, yes.high, no.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> negated_quant_encode_wide16(const Real_quant_encode_wide16<P> &a) {
  if constexpr (P == 1) {
    return {-a.v};
  } else {
    return {negated_quant_encode_wide16(a.low), negated_quant_encode_wide16(a.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> size_of_quant_encode_wide16(const Real_quant_encode_wide16<P> &a) {
  if constexpr (P == 1) {
    return {reinterpret_cast<Reals_quant_encode_wide16>(reinterpret_cast<Ints_quant_encode_wide16>(a.v) & 0x7fffffff)};
  } else {
    return {size_of_quant_encode_wide16(a.low), size_of_quant_encode_wide16(a.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> roots_quant_encode_wide16(const Real_quant_encode_wide16<P> &a) {
  if constexpr (P == 1) {
    return {root_quant_encode_wide16(a.v)};
  } else {
    return {roots_quant_encode_wide16(a.low), roots_quant_encode_wide16(a.high)};
  }
}
template <int P>
TFILE_INLINE bool any_quant_encode_wide16(const Mask_quant_encode_wide16<P> &mask) {
  uint64_t words[sizeof(mask) / 8];
  memcpy(words, &mask, sizeof(mask));
  uint64_t found = 0;
  for (const uint64_t word : words)
    found |= word;
  return found != 0;
}

// clamp(nearest(v), least, most), and 0x400000 more.
TFILE_INLINE Ints_quant_encode_wide16 raised_codes_quant_encode_wide16(Reals_quant_encode_wide16 v, int32_t least, int32_t most) {
  Ints_quant_encode_wide16 bits = reinterpret_cast<Ints_quant_encode_wide16>(v + 12582912.0f) & 0x7fffff;
  const Ints_quant_encode_wide16 lowest = 0x400000 + least - Ints_quant_encode_wide16{};
  const Ints_quant_encode_wide16 highest = 0x400000 + most - Ints_quant_encode_wide16{};
  bits = bits < highest ? bits : highest;
  return bits > lowest ? bits : lowest;
}
// clamp(nearest(a), least, most) as float32. In the numbers from 2^23 to 2^24 the mantissa is the integer.
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> codes_of_quant_encode_wide16(const Real_quant_encode_wide16<P> &a, int32_t least, int32_t most) {
  if constexpr (P == 1) {
    return {reinterpret_cast<Reals_quant_encode_wide16>(raised_codes_quant_encode_wide16(a.v, least, most) | 0x4b000000) - 12582912.0f};
  } else {
    return {codes_of_quant_encode_wide16(a.low, least, most), codes_of_quant_encode_wide16(a.high, least, most)};
  }
}

template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> nearest_numbers_quant_encode_wide16(const Real_quant_encode_wide16<P> &a) {
  if constexpr (P == 1) {
    return {nearest_numbers_quant_encode_wide16(a.v)};
  } else {
    return {nearest_numbers_quant_encode_wide16(a.low), nearest_numbers_quant_encode_wide16(a.high)};
  }
}

// One group of N elements in each lane: row i has element i of each. Lanes left over repeat the last group.
template <size_t N, int P>
TFILE_INLINE void spread_groups_quant_encode_wide16(float *rows, const float *from, size_t first, size_t groups) {
  for (size_t lane = 0; lane < kLanes_quant_encode_wide16<P>; ++lane) {
    const float *group = from + N * (first + lane < groups ? first + lane : groups - 1);
    for (size_t i = 0; i < N; ++i)
      rows[i * kLanes_quant_encode_wide16<P> + lane] = group[i];
  }
}

// The element of the largest magnitude in each lane, as find_largest().
template <int P>
struct LargestOf_quant_encode_wide16 {
  Real_quant_encode_wide16<P> size, value;
};
template <size_t N, int P>
TFILE_INLINE LargestOf_quant_encode_wide16<P> find_largest_of_quant_encode_wide16(const float *rows) {
  LargestOf_quant_encode_wide16<P> largest{all_quant_encode_wide16<P>(0), all_quant_encode_wide16<P>(0)};
  for (size_t i = 0; i < N; ++i) {
    const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>);
    const Mask_quant_encode_wide16<P> larger = largest.size < size_of_quant_encode_wide16(x);
    largest.size = select(larger, size_of_quant_encode_wide16(x), largest.size);
    largest.value = select(larger, x, largest.value);
  }
  return largest;
}

// What searches of up to 4 blocks find, for each group.
constexpr size_t kBatch_quant_encode_wide16 = 4;
struct Found_quant_encode_wide16 {
  float scale[kBatch_quant_encode_wide16 * 16 + kLanes_quant_encode_wide16<4>];
  float minimum[kBatch_quant_encode_wide16 * 16 + kLanes_quant_encode_wide16<4>];
};

// Calls search(rows, first) for kLanes<P> groups at a time.
template <size_t N, int P, typename Search>
TFILE_INLINE void search_groups_quant_encode_wide16(const float *from, size_t groups, Search search) {
  alignas(64) float rows[N * kLanes_quant_encode_wide16<P>];
  for (size_t first = 0; first < groups; first += kLanes_quant_encode_wide16<P>) {
    spread_groups_quant_encode_wide16<N, P>(rows, from, first, groups);
    search(rows, first);
  }
}

/* Codes as they are stored */

// clamp(nearest(v), least, most) - least of N elements, `put` making v of one vector of them.
template <size_t N, typename Quotient>
TFILE_INLINE void put_codes_quant_encode_wide16(uint8_t *to, const float *x, int32_t least, int32_t most, Quotient quotient) {
  for (size_t i = 0; i < N; i += kWidth_quant_encode_wide16) {
    const Ints_quant_encode_wide16 codes = raised_codes_quant_encode_wide16(quotient(load_vector_quant_encode_wide16<Reals_quant_encode_wide16>(x + i)), least, most) - (0x400000 + least);
    const Bytes_quant_encode_wide16 bytes = __builtin_convertvector(codes, Bytes_quant_encode_wide16);
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}

// With a stored scale of zero the search's codes count: those of zeros are 0; false: others.
TFILE_INLINE bool put_zeros_quant_encode_wide16(uint8_t *codes, const float *x, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (x[i] != 0) return false;
  memset(codes, 0, count);
  return true;
}

using Bytes16_quant_encode_wide16 __attribute__((vector_size(16))) = uint8_t;

TFILE_INLINE void put_nibbles_of_64_quant_encode_wide16(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 128; i += 16) {
    const uint8_t *code = codes + i / 32 * 64 + i % 32;
    const Bytes16_quant_encode_wide16 bytes = (load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code) & 15) | load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code + 32) << 4;
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}
TFILE_INLINE void put_pairs_of_bits_quant_encode_wide16(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; i += 16) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    const Bytes16_quant_encode_wide16 bytes = (load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code) & 3) | (load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code + 32) & 3) << 2 |
                          (load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code + 64) & 3) << 4 | load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code + 96) << 6;
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}
TFILE_INLINE void put_single_bits_quant_encode_wide16(uint8_t *to, const uint8_t *codes, int at) {
  for (size_t i = 0; i < 32; i += 16) {
    Bytes16_quant_encode_wide16 bits{};
    for (int group = 0; group < 8; ++group)
      bits |= ((load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(codes + 32 * group + i) >> at) & 1) << group;
    memcpy(to + i, &bits, sizeof(bits));
  }
}

/* Q2_K, Q4_K, Q5_K */

template <int P>
struct AffineOf_quant_encode_wide16 {
  Real_quant_encode_wide16<P> scale, minimum;
};

template <bool kAbsolute, int P>
TFILE_INLINE Real_quant_encode_wide16<P> error_size_quant_encode_wide16(const Real_quant_encode_wide16<P> &error) {
  if constexpr (kAbsolute) {
    return size_of_quant_encode_wide16(error);
  } else {
    return error * error;
  }
}

struct AffineSteps_quant_encode_wide16 {
  int32_t most;
  float first;
  int32_t last;
};

// As search_affine() of one group.
template <size_t N, bool kAbsolute, int P>
TFILE_INLINE AffineOf_quant_encode_wide16<P> search_affine_of_quant_encode_wide16(const float *rows, const float *weights, const AffineSteps_quant_encode_wide16 &steps) {
  constexpr size_t kRow = kLanes_quant_encode_wide16<P>;
  const Real_quant_encode_wide16<P> zero = all_quant_encode_wide16<P>(0);
  const Real_quant_encode_wide16<P> most = all_quant_encode_wide16<P>(static_cast<float>(steps.most));
  Real_quant_encode_wide16<P> minimum = load_quant_encode_wide16<P>(rows);
  Real_quant_encode_wide16<P> maximum = minimum;
  Real_quant_encode_wide16<P> weight = load_quant_encode_wide16<P>(weights);
  Real_quant_encode_wide16<P> weighted_x = weight * minimum;
  for (size_t i = 1; i < N; ++i) {
    const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kRow);
    const Real_quant_encode_wide16<P> w = load_quant_encode_wide16<P>(weights + i * kRow);
    minimum = select(x < minimum, x, minimum);
    maximum = select(maximum < x, x, maximum);
    weight = weight + w;
    weighted_x = weighted_x + w * x;
  }
  minimum = select(zero < minimum, zero, minimum);
  const Mask_quant_encode_wide16<P> flat = maximum == minimum;
  const Real_quant_encode_wide16<P> first_minimum = minimum;
  const Real_quant_encode_wide16<P> inverted = most / (maximum - minimum);
  Real_quant_encode_wide16<P> scale = all_quant_encode_wide16<P>(1) / inverted;
  Real_quant_encode_wide16<P> best = zero;
  for (size_t i = 0; i < N; ++i) {
    const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kRow);
    const Real_quant_encode_wide16<P> code = codes_of_quant_encode_wide16(inverted * (x - minimum), 0, steps.most);
    best = best + load_quant_encode_wide16<P>(weights + i * kRow) * error_size_quant_encode_wide16<kAbsolute>((scale * code + minimum) - x);
  }
  for (int32_t step = 0; step <= steps.last; ++step) {
    const float numerator = (steps.first + 0.1f * static_cast<float>(step)) + static_cast<float>(steps.most);
    const Real_quant_encode_wide16<P> other = all_quant_encode_wide16<P>(numerator) / (maximum - minimum);
    alignas(64) float codes[N * kRow];
    Real_quant_encode_wide16<P> code1 = zero;
    Real_quant_encode_wide16<P> code2 = zero;
    Real_quant_encode_wide16<P> code_x = zero;
    for (size_t i = 0; i < N; ++i) {
      const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kRow);
      const Real_quant_encode_wide16<P> code = codes_of_quant_encode_wide16(other * (x - minimum), 0, steps.most);
      const Real_quant_encode_wide16<P> weighted = load_quant_encode_wide16<P>(weights + i * kRow) * code;
      code1 = code1 + weighted;
      code2 = code2 + weighted * code;
      code_x = code_x + weighted * x;
      store_quant_encode_wide16(codes + i * kRow, code);
    }
    const Real_quant_encode_wide16<P> divisor = weight * code2 - code1 * code1;
    Real_quant_encode_wide16<P> fitted = (weight * code_x - weighted_x * code1) / divisor;
    Real_quant_encode_wide16<P> fitted_minimum = (code2 * weighted_x - code1 * code_x) / divisor;
    const Mask_quant_encode_wide16<P> above = zero < fitted_minimum;
    fitted = select(above, code_x / code2, fitted);
    fitted_minimum = select(above, zero, fitted_minimum);
    Real_quant_encode_wide16<P> error = zero;
    for (size_t i = 0; i < N; ++i) {
      const Real_quant_encode_wide16<P> difference = (fitted * load_quant_encode_wide16<P>(codes + i * kRow) + fitted_minimum) - load_quant_encode_wide16<P>(rows + i * kRow);
      error = error + load_quant_encode_wide16<P>(weights + i * kRow) * error_size_quant_encode_wide16<kAbsolute>(difference);
    }
    const Mask_quant_encode_wide16<P> better = (zero < divisor) & (error < best);
    best = select(better, error, best);
    scale = select(better, fitted, scale);
    minimum = select(better, fitted_minimum, minimum);
  }
  return {select(flat, zero, scale), negated_quant_encode_wide16(select(flat, first_minimum, minimum))};
}

template <size_t N, bool kAbsolute, int P>
TFILE_INLINE void find_affine_quant_encode_wide16(Found_quant_encode_wide16 &found, const float *from, size_t groups, const AffineSteps_quant_encode_wide16 &steps) {
  alignas(64) float weights[N * kLanes_quant_encode_wide16<P>];
  search_groups_quant_encode_wide16<N, P>(from, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
    Real_quant_encode_wide16<P> average = all_quant_encode_wide16<P>(0);
    if constexpr (!kAbsolute) {
      for (size_t i = 0; i < N; ++i)
        average = average + load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>) * load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>);
      average = roots_quant_encode_wide16(average / all_quant_encode_wide16<P>(N));
    }
    for (size_t i = 0; i < N; ++i)
      store_quant_encode_wide16(weights + i * kLanes_quant_encode_wide16<P>, average + size_of_quant_encode_wide16(load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>)));
    const AffineOf_quant_encode_wide16<P> affine = search_affine_of_quant_encode_wide16<N, kAbsolute, P>(rows, weights, steps);
    store_quant_encode_wide16(found.scale + first, affine.scale);
    store_quant_encode_wide16(found.minimum + first, affine.minimum);
  });
}

template <size_t N>
TFILE_INLINE bool put_affine_codes_quant_encode_wide16(uint8_t *codes, const float *from, const StoredSteps &stored, int32_t most) {
  for (size_t group = 0; group < kKBlock / N; ++group) {
    const float *x = from + N * group;
    const Reals_quant_encode_wide16 scale = broadcast_quant_encode_wide16(stored.scale[group]);
    const Reals_quant_encode_wide16 minimum = broadcast_quant_encode_wide16(stored.minimum[group]);
    if (stored.scale[group] == 0) {
      if (!put_zeros_quant_encode_wide16(codes + N * group, x, N)) return false;
    } else {
      put_codes_quant_encode_wide16<N>(codes + N * group, x, 0, most, [&](Reals_quant_encode_wide16 v) TFILE_LAMBDA { return (v + minimum) / scale; });
    }
  }
  return true;
}

// Calls put(to, from, found, group) for each block after the searches of a batch of them.
template <size_t kBlockBytes, typename Find, typename Put>
TFILE_INLINE void encode_batches_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks, size_t groups, Find find, Put put) {
  Found_quant_encode_wide16 found;
  for (size_t first = 0; first < blocks; first += kBatch_quant_encode_wide16) {
    const size_t count = blocks - first < kBatch_quant_encode_wide16 ? blocks - first : kBatch_quant_encode_wide16;
    find(found, from + first * kKBlock, count * groups);
    for (size_t i = 0; i < count; ++i)
      put(to + (first + i) * kBlockBytes, from + (first + i) * kKBlock, found.scale + i * groups,
          found.minimum + i * groups);
  }
}

void encode_q4_k_wide_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide16<144>(
      to, from, blocks, 8,
      [](Found_quant_encode_wide16 &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide16<32, false, kAffineParts_quant_encode_wide16>(found, x, groups, {15, -1, 20});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide16<32>(codes, x, put_group_steps(block, scales, minimums), 15)) {
          find_k_encoder(TF_DTYPE_Q4_K)(block, x);
          return;
        }
        put_nibbles_of_64_quant_encode_wide16(block + 16, codes);
      });
}

void encode_q5_k_wide_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide16<176>(
      to, from, blocks, 8,
      [](Found_quant_encode_wide16 &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide16<32, false, kAffineParts_quant_encode_wide16>(found, x, groups, {31, -0.5f, 15});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide16<32>(codes, x, put_group_steps(block, scales, minimums), 31)) {
          find_k_encoder(TF_DTYPE_Q5_K)(block, x);
          return;
        }
        put_single_bits_quant_encode_wide16(block + 16, codes, 4);
        put_nibbles_of_64_quant_encode_wide16(block + 48, codes);
      });
}

void encode_q2_k_wide_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide16<84>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide16 &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide16<16, true, kAffineParts_quant_encode_wide16>(found, x, groups, {3, -0.5f, 15});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide16<16>(codes, x, put_small_steps(block, scales, minimums), 3)) {
          find_k_encoder(TF_DTYPE_Q2_K)(block, x);
          return;
        }
        put_pairs_of_bits_quant_encode_wide16(block + 16, codes);
      });
}

/* Q3_K, Q6_K */

// The sums of a fit without a minimum.
template <int P>
struct FitOf_quant_encode_wide16 {
  Real_quant_encode_wide16<P> code_x, code2;
};
template <int P>
TFILE_INLINE void add_to_quant_encode_wide16(FitOf_quant_encode_wide16<P> &fit, const Real_quant_encode_wide16<P> &x, const Real_quant_encode_wide16<P> &code) {
  const Real_quant_encode_wide16<P> weight = x * x;
  fit.code_x = fit.code_x + (weight * x) * code;
  fit.code2 = fit.code2 + (weight * code) * code;
}

// As improve_codes(); a round that changes nothing in a lane would change nothing there again.
template <int P>
TFILE_INLINE bool improve_codes_of_quant_encode_wide16(FitOf_quant_encode_wide16<P> &fit, float *codes, const float *rows) {
  const Real_quant_encode_wide16<P> zero = all_quant_encode_wide16<P>(0);
  Mask_quant_encode_wide16<P> moved = zero < zero;
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>);
    const Real_quant_encode_wide16<P> old = load_quant_encode_wide16<P>(codes + i * kLanes_quant_encode_wide16<P>);
    const Real_quant_encode_wide16<P> weight = x * x;
    FitOf_quant_encode_wide16<P> other{fit.code_x - (weight * x) * old, fit.code2 - (weight * old) * old};
    const Mask_quant_encode_wide16<P> positive = zero < other.code_x;
    const Real_quant_encode_wide16<P> code = codes_of_quant_encode_wide16((x * other.code2) / other.code_x, -4, 3);
    add_to_quant_encode_wide16(other, x, code);
    const Mask_quant_encode_wide16<P> better = (fit.code_x * fit.code_x) * other.code2 < (other.code_x * other.code_x) * fit.code2;
    const Mask_quant_encode_wide16<P> taken = (positive & (code != old)) & ((zero < other.code2) & better);
    store_quant_encode_wide16(codes + i * kLanes_quant_encode_wide16<P>, select(taken, code, old));
    fit.code_x = select(taken, other.code_x, fit.code_x);
    fit.code2 = select(taken, other.code2, fit.code2);
    moved = moved | taken;
  }
  return any_quant_encode_wide16(moved);
}

// As search_improving().
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> search_improving_of_quant_encode_wide16(const float *rows) {
  const Real_quant_encode_wide16<P> zero = all_quant_encode_wide16<P>(0);
  const LargestOf_quant_encode_wide16<P> largest = find_largest_of_quant_encode_wide16<16, P>(rows);
  const Real_quant_encode_wide16<P> inverted = all_quant_encode_wide16<P>(-4) / largest.value;
  alignas(64) float codes[16 * kLanes_quant_encode_wide16<P>];
  FitOf_quant_encode_wide16<P> fit{zero, zero};
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>);
    const Real_quant_encode_wide16<P> code = codes_of_quant_encode_wide16(inverted * x, -4, 3);
    store_quant_encode_wide16(codes + i * kLanes_quant_encode_wide16<P>, code);
    add_to_quant_encode_wide16(fit, x, code);
  }
  for (int round = 0; round < 5 && improve_codes_of_quant_encode_wide16(fit, codes, rows); ++round) {
  }
  const Real_quant_encode_wide16<P> scale = select(zero < fit.code2, fit.code_x / fit.code2, zero);
  return select(largest.size < all_quant_encode_wide16<P>(kTiny), zero, scale);
}

template <int P>
TFILE_INLINE FitOf_quant_encode_wide16<P> steps_fit_of_quant_encode_wide16(const float *rows, const Real_quant_encode_wide16<P> &inverted) {
  FitOf_quant_encode_wide16<P> fit{all_quant_encode_wide16<P>(0), all_quant_encode_wide16<P>(0)};
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>);
    add_to_quant_encode_wide16(fit, x, codes_of_quant_encode_wide16(inverted * x, -32, 31));
  }
  return fit;
}

// As search_steps().
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> search_steps_of_quant_encode_wide16(const float *rows) {
  const Real_quant_encode_wide16<P> zero = all_quant_encode_wide16<P>(0);
  const LargestOf_quant_encode_wide16<P> largest = find_largest_of_quant_encode_wide16<16, P>(rows);
  FitOf_quant_encode_wide16<P> fit = steps_fit_of_quant_encode_wide16<P>(rows, all_quant_encode_wide16<P>(-32) / largest.value);
  Real_quant_encode_wide16<P> scale = select(fit.code2 == zero, zero, fit.code_x / fit.code2);
  Real_quant_encode_wide16<P> best = scale * fit.code_x;
  for (int32_t step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    fit = steps_fit_of_quant_encode_wide16<P>(rows, all_quant_encode_wide16<P>(-(32 + 0.1f * static_cast<float>(step))) / largest.value);
    const Mask_quant_encode_wide16<P> better = (zero < fit.code2) & (best * fit.code2 < fit.code_x * fit.code_x);
    scale = select(better, fit.code_x / fit.code2, scale);
    best = select(better, scale * fit.code_x, best);
  }
  return select(largest.size < all_quant_encode_wide16<P>(kTiny), zero, scale);
}

TFILE_INLINE bool put_even_codes_quant_encode_wide16(uint8_t *codes, const float *from, const StoredSteps &stored, int32_t zero) {
  for (size_t group = 0; group < 16; ++group) {
    const float *x = from + 16 * group;
    const Reals_quant_encode_wide16 scale = broadcast_quant_encode_wide16(stored.scale[group]);
    if (stored.scale[group] == 0) {
      if (!put_zeros_quant_encode_wide16(codes + 16 * group, x, 16)) return false;
    } else {
      put_codes_quant_encode_wide16<16>(codes + 16 * group, x, -zero, zero - 1, [&](Reals_quant_encode_wide16 v) TFILE_LAMBDA { return v / scale; });
    }
  }
  return true;
}

void encode_q3_k_wide_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide16<110>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide16 &found, const float *x, size_t groups) TFILE_LAMBDA {
        search_groups_quant_encode_wide16<16, kImprovingParts_quant_encode_wide16>(x, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
          store_quant_encode_wide16(found.scale + first, search_improving_of_quant_encode_wide16<kImprovingParts_quant_encode_wide16>(rows));
        });
      },
      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_even_codes_quant_encode_wide16(codes, x, put_six_bit_steps(block, scales), 4)) {
          find_k_encoder(TF_DTYPE_Q3_K)(block, x);
          return;
        }
        put_single_bits_quant_encode_wide16(block, codes, 2);
        put_pairs_of_bits_quant_encode_wide16(block + 32, codes);
      });
}

TFILE_INLINE void put_codes_of_6_bits_quant_encode_wide16(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; i += 16) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    uint8_t *low = to + i / 32 * 64 + i % 32;
    const Bytes16_quant_encode_wide16 a = load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code);
    const Bytes16_quant_encode_wide16 b = load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code + 32);
    const Bytes16_quant_encode_wide16 c = load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code + 64);
    const Bytes16_quant_encode_wide16 d = load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(code + 96);
    const Bytes16_quant_encode_wide16 even = (a & 15) | c << 4;
    const Bytes16_quant_encode_wide16 odd = (b & 15) | d << 4;
    const Bytes16_quant_encode_wide16 high = a >> 4 | (b >> 4) << 2 | (c >> 4) << 4 | (d >> 4) << 6;
    memcpy(low, &even, sizeof(even));
    memcpy(low + 32, &odd, sizeof(odd));
    memcpy(to + 128 + i, &high, sizeof(high));
  }
}

void encode_q6_k_wide_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide16<210>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide16 &found, const float *x, size_t groups) TFILE_LAMBDA {
        search_groups_quant_encode_wide16<16, kStepParts_quant_encode_wide16>(x, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
          store_quant_encode_wide16(found.scale + first, search_steps_of_quant_encode_wide16<kStepParts_quant_encode_wide16>(rows));
        });
      },
      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
        StoredSteps stored;
        if (!put_byte_steps(block, stored, scales)) return;
        uint8_t codes[kKBlock];
        if (!put_even_codes_quant_encode_wide16(codes, x, stored, 32)) {
          find_k_encoder(TF_DTYPE_Q6_K)(block, x);
          return;
        }
        put_codes_of_6_bits_quant_encode_wide16(block, codes);
      });
}

/* IQ4_NL, IQ4_XS */

// As fit_of() for the table's numbers.
template <int P>
TFILE_INLINE FitOf_quant_encode_wide16<P> table_fit_of_quant_encode_wide16(const float *rows, const Real_quant_encode_wide16<P> &inverted) {
  FitOf_quant_encode_wide16<P> fit{all_quant_encode_wide16<P>(0), all_quant_encode_wide16<P>(0)};
  for (size_t i = 0; i < 32; ++i) {
    const Real_quant_encode_wide16<P> x = load_quant_encode_wide16<P>(rows + i * kLanes_quant_encode_wide16<P>);
    const Real_quant_encode_wide16<P> number = nearest_numbers_quant_encode_wide16(inverted * x);
    const Real_quant_encode_wide16<P> weighted = (x * x) * number;
    fit.code_x = fit.code_x + weighted * x;
    fit.code2 = fit.code2 + weighted * number;
  }
  return fit;
}

// As search_scale().
template <int P>
TFILE_INLINE Real_quant_encode_wide16<P> search_table_of_quant_encode_wide16(const float *rows) {
  const Real_quant_encode_wide16<P> zero = all_quant_encode_wide16<P>(0);
  const LargestOf_quant_encode_wide16<P> largest = find_largest_of_quant_encode_wide16<32, P>(rows);
  const Real_quant_encode_wide16<P> first = negated_quant_encode_wide16(largest.value) / all_quant_encode_wide16<P>(-127);
  FitOf_quant_encode_wide16<P> fit = table_fit_of_quant_encode_wide16<P>(rows, all_quant_encode_wide16<P>(1) / first);
  Real_quant_encode_wide16<P> scale = select(zero < fit.code2, fit.code_x / fit.code2, zero);
  Real_quant_encode_wide16<P> best = scale * fit.code_x;
  for (int32_t step = -7; step <= 7; ++step) {
    fit = table_fit_of_quant_encode_wide16<P>(rows, all_quant_encode_wide16<P>(static_cast<float>(step - 127)) / largest.value);
    const Mask_quant_encode_wide16<P> better = (zero < fit.code2) & (best * fit.code2 < fit.code_x * fit.code_x);
    scale = select(better, fit.code_x / fit.code2, scale);
    best = select(better, scale * fit.code_x, best);
  }
  return select(largest.size < all_quant_encode_wide16<P>(kTiny), zero, scale);
}

TFILE_INLINE void put_places_quant_encode_wide16(uint8_t *to, const float *x, float inverted) {
  uint8_t places[32];
  for (size_t i = 0; i < 32; i += kWidth_quant_encode_wide16) {
    const Bytes_quant_encode_wide16 bytes = __builtin_convertvector(nearest_places_quant_encode_wide16(load_vector_quant_encode_wide16<Reals_quant_encode_wide16>(x + i) * inverted), Bytes_quant_encode_wide16);
    memcpy(places + i, &bytes, sizeof(bytes));
  }
  const Bytes16_quant_encode_wide16 bytes = load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(places) | load_vector_quant_encode_wide16<Bytes16_quant_encode_wide16>(places + 16) << 4;
  memcpy(to, &bytes, sizeof(bytes));
}

TFILE_INLINE void find_table_scales_quant_encode_wide16(Found_quant_encode_wide16 &found, const float *from, size_t groups) {
  search_groups_quant_encode_wide16<32, kTableParts_quant_encode_wide16>(from, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
    store_quant_encode_wide16(found.scale + first, search_table_of_quant_encode_wide16<kTableParts_quant_encode_wide16>(rows));
  });
}

void encode_iq4_nl_wide_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks) {
  Found_quant_encode_wide16 found;
  for (size_t first = 0; first < blocks; first += kBatch_quant_encode_wide16 * 16) {
    const size_t count = blocks - first < kBatch_quant_encode_wide16 * 16 ? blocks - first : kBatch_quant_encode_wide16 * 16;
    find_table_scales_quant_encode_wide16(found, from + 32 * first, count);
    for (size_t i = 0; i < count; ++i) {
      uint8_t *block = to + 18 * (first + i);
      put_places_quant_encode_wide16(block + 2, from + 32 * (first + i), put_table_scale(block, found.scale[i]));
    }
  }
}

void encode_iq4_xs_wide_quant_encode_wide16(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide16<136>(to, from, blocks, 8, find_table_scales_quant_encode_wide16,
                      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
                        const StoredSteps inverted = put_table_steps(block, scales);
                        for (size_t group = 0; group < 8; ++group)
                          put_places_quant_encode_wide16(block + 8 + 16 * group, x + 32 * group, inverted.scale[group]);
                      });
}

#undef TFILE_LANEWISE

WideEncoder find_here_quant_encode_wide16(int32_t dtype) {
  switch (dtype) {
    case TF_DTYPE_Q2_K:
      return encode_q2_k_wide_quant_encode_wide16;
    case TF_DTYPE_Q3_K:
      return encode_q3_k_wide_quant_encode_wide16;
    case TF_DTYPE_Q4_K:
      return encode_q4_k_wide_quant_encode_wide16;
    case TF_DTYPE_Q5_K:
      return encode_q5_k_wide_quant_encode_wide16;
    case TF_DTYPE_Q6_K:
      return encode_q6_k_wide_quant_encode_wide16;
    case TF_DTYPE_IQ4_NL:
      return encode_iq4_nl_wide_quant_encode_wide16;
    case TF_DTYPE_IQ4_XS:
      return encode_iq4_xs_wide_quant_encode_wide16;
    default:
      return nullptr;
  }
}

#undef TFILE_INLINE
#undef TFILE_LAMBDA

}  // namespace

WideEncoder find_encoder16(int32_t dtype) {
  return find_here_quant_encode_wide16(dtype);
}

}  // namespace tfile

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace tfile {

WideEncoder find_encoder16(int32_t) {
  return nullptr;
}

}  // namespace tfile

#endif
#undef TFILE_INLINE
#undef TFILE_LAMBDA
#undef TFILE_LANEWISE

// src/quant/encode_wide8.cpp
// The encoders of 8 lanes: x86-64 with AVX2.

#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace tfile {

namespace {

constexpr size_t kWidth_quant_encode_wide8 = 8;
constexpr int kAffineParts_quant_encode_wide8 = 2;
constexpr int kImprovingParts_quant_encode_wide8 = 4;
constexpr int kStepParts_quant_encode_wide8 = 1;
constexpr int kTableParts_quant_encode_wide8 = 1;
using Reals_quant_encode_wide8 __attribute__((vector_size(32))) = float;
using Ints_quant_encode_wide8 __attribute__((vector_size(32))) = int32_t;
using Bytes_quant_encode_wide8 __attribute__((vector_size(8))) = uint8_t;

inline Reals_quant_encode_wide8 root_quant_encode_wide8(Reals_quant_encode_wide8 a) {
  return _mm256_sqrt_ps(a);
}

inline Ints_quant_encode_wide8 below_node_quant_encode_wide8(Ints_quant_encode_wide8 node, Reals_quant_encode_wide8 v, Reals_quant_encode_wide8 middle) {
  return 2 * node + 1 + (v < middle);  // not below also for NaN
}
// One of 8 by the low three bits of each place.
inline Reals_quant_encode_wide8 look_up_quant_encode_wide8(const float *table, Ints_quant_encode_wide8 places) {
  return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), reinterpret_cast<__m256i>(places));
}
// The leaf of the tree of middles, from 16 on.
inline Ints_quant_encode_wide8 find_leaf_quant_encode_wide8(Reals_quant_encode_wide8 v) {
  Ints_quant_encode_wide8 node = 1 - Ints_quant_encode_wide8{};
  for (int level = 0; level < 3; ++level)
    node = below_node_quant_encode_wide8(node, v, look_up_quant_encode_wide8(kIq4Middles, node));
  return below_node_quant_encode_wide8(node, v, look_up_quant_encode_wide8(kIq4Middles + 8, node));
}
inline Reals_quant_encode_wide8 number_at_quant_encode_wide8(Ints_quant_encode_wide8 leaf) {
  const Ints_quant_encode_wide8 upper = leaf > 23;
  return upper ? look_up_quant_encode_wide8(kIq4Numbers + 8, leaf) : look_up_quant_encode_wide8(kIq4Numbers, leaf);
}

inline Ints_quant_encode_wide8 nearest_places_quant_encode_wide8(Reals_quant_encode_wide8 v) {
  return find_leaf_quant_encode_wide8(v) & 15;
}
inline Reals_quant_encode_wide8 nearest_numbers_quant_encode_wide8(Reals_quant_encode_wide8 v) {
  return number_at_quant_encode_wide8(find_leaf_quant_encode_wide8(v));
}

// The encoders of one width. Whoever includes this has in its unnamed namespace: kWidth; the vectors Reals, Ints of
// that many lanes and Bytes of as many bytes; root(Reals); nearest_places(Reals) and nearest_numbers(Reals) in the table
// of IQ4; the number of vectors that each search works on at once, kAffineParts, kImprovingParts, kStepParts and
// kTableParts, so that one waits less for another's results.

#define TFILE_INLINE inline __attribute__((always_inline))
#define TFILE_LAMBDA __attribute__((always_inline))

// P vectors, P being a power of two.
template <typename V, int P>
struct Pack_quant_encode_wide8 {
  Pack_quant_encode_wide8<V, P / 2> low, high;
};
template <typename V>
struct Pack_quant_encode_wide8<V, 1> {
  V v;
};
template <int P>
using Real_quant_encode_wide8 = Pack_quant_encode_wide8<Reals_quant_encode_wide8, P>;
template <int P>
using Mask_quant_encode_wide8 = Pack_quant_encode_wide8<Ints_quant_encode_wide8, P>;  // all bits of a lane, or none
template <int P>
constexpr size_t kLanes_quant_encode_wide8 = P *kWidth_quant_encode_wide8;

template <typename V>
TFILE_INLINE V load_vector_quant_encode_wide8(const void *from) {
  V v;
  memcpy(&v, from, sizeof(v));
  return v;
}
TFILE_INLINE Reals_quant_encode_wide8 broadcast_quant_encode_wide8(float value) {
  return value - Reals_quant_encode_wide8{};
}

template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> load_quant_encode_wide8(const float *from) {
  if constexpr (P == 1) {
    return {load_vector_quant_encode_wide8<Reals_quant_encode_wide8>(from)};
  } else {
    return {load_quant_encode_wide8<P / 2>(from), load_quant_encode_wide8<P / 2>(from + kLanes_quant_encode_wide8<P / 2>)};
  }
}
template <int P>
TFILE_INLINE void store_quant_encode_wide8(float *to, const Real_quant_encode_wide8<P> &a) {
  memcpy(to, &a, sizeof(a));
}
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> all_quant_encode_wide8(float value) {
  if constexpr (P == 1) {
    return {broadcast_quant_encode_wide8(value)};
  } else {
    return {all_quant_encode_wide8<P / 2>(value), all_quant_encode_wide8<P / 2>(value)};
  }
}

#define TFILE_LANEWISE(result, name, argument, expression)                  \
  template <int P>                                                          \
  TFILE_INLINE result<P> name(const argument<P> &a, const argument<P> &b) { \
    if constexpr (P == 1) {                                                 \
      return {expression};                                                  \
    } else {                                                                \
      return {name(a.low, b.low), name(a.high, b.high)};                    \
    }                                                                       \
  }
TFILE_LANEWISE(Real_quant_encode_wide8, operator+, Real_quant_encode_wide8, a.v + b.v)
TFILE_LANEWISE(Real_quant_encode_wide8, operator-, Real_quant_encode_wide8, a.v - b.v)
TFILE_LANEWISE(Real_quant_encode_wide8, operator*, Real_quant_encode_wide8, a.v *b.v)
TFILE_LANEWISE(Real_quant_encode_wide8, operator/, Real_quant_encode_wide8, a.v / b.v)
TFILE_LANEWISE(Mask_quant_encode_wide8, operator<, Real_quant_encode_wide8, a.v < b.v)
TFILE_LANEWISE(Mask_quant_encode_wide8, operator==, Real_quant_encode_wide8, a.v == b.v)
TFILE_LANEWISE(Mask_quant_encode_wide8, operator!=, Real_quant_encode_wide8, a.v != b.v)
TFILE_LANEWISE(Mask_quant_encode_wide8, operator&, Mask_quant_encode_wide8, a.v &b.v)
TFILE_LANEWISE(Mask_quant_encode_wide8, operator|, Mask_quant_encode_wide8, a.v | b.v)

template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> select(const Mask_quant_encode_wide8<P> &mask, const Real_quant_encode_wide8<P> &yes, const Real_quant_encode_wide8<P> &no) {
  if constexpr (P == 1) {
    return {mask.v ? yes.v : no.v};
  } else {
    return {select(mask.low, yes.low, no.low), select(mask.high, yes.high, no.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> negated_quant_encode_wide8(const Real_quant_encode_wide8<P> &a) {
  if constexpr (P == 1) {
    return {-a.v};
  } else {
    return {negated_quant_encode_wide8(a.low), negated_quant_encode_wide8(a.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> size_of_quant_encode_wide8(const Real_quant_encode_wide8<P> &a) {
  if constexpr (P == 1) {
    return {reinterpret_cast<Reals_quant_encode_wide8>(reinterpret_cast<Ints_quant_encode_wide8>(a.v) & 0x7fffffff)};
  } else {
    return {size_of_quant_encode_wide8(a.low), size_of_quant_encode_wide8(a.high)};
  }
}
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> roots_quant_encode_wide8(const Real_quant_encode_wide8<P> &a) {
  if constexpr (P == 1) {
    return {root_quant_encode_wide8(a.v)};
  } else {
    return {roots_quant_encode_wide8(a.low), roots_quant_encode_wide8(a.high)};
  }
}
template <int P>
TFILE_INLINE bool any_quant_encode_wide8(const Mask_quant_encode_wide8<P> &mask) {
  uint64_t words[sizeof(mask) / 8];
  memcpy(words, &mask, sizeof(mask));
  uint64_t found = 0;
  for (const uint64_t word : words)
    found |= word;
  return found != 0;
}

// clamp(nearest(v), least, most), and 0x400000 more.
TFILE_INLINE Ints_quant_encode_wide8 raised_codes_quant_encode_wide8(Reals_quant_encode_wide8 v, int32_t least, int32_t most) {
  Ints_quant_encode_wide8 bits = reinterpret_cast<Ints_quant_encode_wide8>(v + 12582912.0f) & 0x7fffff;
  const Ints_quant_encode_wide8 lowest = 0x400000 + least - Ints_quant_encode_wide8{};
  const Ints_quant_encode_wide8 highest = 0x400000 + most - Ints_quant_encode_wide8{};
  bits = bits < highest ? bits : highest;
  return bits > lowest ? bits : lowest;
}
// clamp(nearest(a), least, most) as float32. In the numbers from 2^23 to 2^24 the mantissa is the integer.
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> codes_of_quant_encode_wide8(const Real_quant_encode_wide8<P> &a, int32_t least, int32_t most) {
  if constexpr (P == 1) {
    return {reinterpret_cast<Reals_quant_encode_wide8>(raised_codes_quant_encode_wide8(a.v, least, most) | 0x4b000000) - 12582912.0f};
  } else {
    return {codes_of_quant_encode_wide8(a.low, least, most), codes_of_quant_encode_wide8(a.high, least, most)};
  }
}

template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> nearest_numbers_quant_encode_wide8(const Real_quant_encode_wide8<P> &a) {
  if constexpr (P == 1) {
    return {nearest_numbers_quant_encode_wide8(a.v)};
  } else {
    return {nearest_numbers_quant_encode_wide8(a.low), nearest_numbers_quant_encode_wide8(a.high)};
  }
}

// One group of N elements in each lane: row i has element i of each. Lanes left over repeat the last group.
template <size_t N, int P>
TFILE_INLINE void spread_groups_quant_encode_wide8(float *rows, const float *from, size_t first, size_t groups) {
  for (size_t lane = 0; lane < kLanes_quant_encode_wide8<P>; ++lane) {
    const float *group = from + N * (first + lane < groups ? first + lane : groups - 1);
    for (size_t i = 0; i < N; ++i)
      rows[i * kLanes_quant_encode_wide8<P> + lane] = group[i];
  }
}

// The element of the largest magnitude in each lane, as find_largest().
template <int P>
struct LargestOf_quant_encode_wide8 {
  Real_quant_encode_wide8<P> size, value;
};
template <size_t N, int P>
TFILE_INLINE LargestOf_quant_encode_wide8<P> find_largest_of_quant_encode_wide8(const float *rows) {
  LargestOf_quant_encode_wide8<P> largest{all_quant_encode_wide8<P>(0), all_quant_encode_wide8<P>(0)};
  for (size_t i = 0; i < N; ++i) {
    const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>);
    const Mask_quant_encode_wide8<P> larger = largest.size < size_of_quant_encode_wide8(x);
    largest.size = select(larger, size_of_quant_encode_wide8(x), largest.size);
    largest.value = select(larger, x, largest.value);
  }
  return largest;
}

// What searches of up to 4 blocks find, for each group.
constexpr size_t kBatch_quant_encode_wide8 = 4;
struct Found_quant_encode_wide8 {
  float scale[kBatch_quant_encode_wide8 * 16 + kLanes_quant_encode_wide8<4>];
  float minimum[kBatch_quant_encode_wide8 * 16 + kLanes_quant_encode_wide8<4>];
};

// Calls search(rows, first) for kLanes<P> groups at a time.
template <size_t N, int P, typename Search>
TFILE_INLINE void search_groups_quant_encode_wide8(const float *from, size_t groups, Search search) {
  alignas(64) float rows[N * kLanes_quant_encode_wide8<P>];
  for (size_t first = 0; first < groups; first += kLanes_quant_encode_wide8<P>) {
    spread_groups_quant_encode_wide8<N, P>(rows, from, first, groups);
    search(rows, first);
  }
}

/* Codes as they are stored */

// clamp(nearest(v), least, most) - least of N elements, `put` making v of one vector of them.
template <size_t N, typename Quotient>
TFILE_INLINE void put_codes_quant_encode_wide8(uint8_t *to, const float *x, int32_t least, int32_t most, Quotient quotient) {
  for (size_t i = 0; i < N; i += kWidth_quant_encode_wide8) {
    const Ints_quant_encode_wide8 codes = raised_codes_quant_encode_wide8(quotient(load_vector_quant_encode_wide8<Reals_quant_encode_wide8>(x + i)), least, most) - (0x400000 + least);
    const Bytes_quant_encode_wide8 bytes = __builtin_convertvector(codes, Bytes_quant_encode_wide8);
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}

// With a stored scale of zero the search's codes count: those of zeros are 0; false: others.
TFILE_INLINE bool put_zeros_quant_encode_wide8(uint8_t *codes, const float *x, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (x[i] != 0) return false;
  memset(codes, 0, count);
  return true;
}

using Bytes16_quant_encode_wide8 __attribute__((vector_size(16))) = uint8_t;

TFILE_INLINE void put_nibbles_of_64_quant_encode_wide8(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 128; i += 16) {
    const uint8_t *code = codes + i / 32 * 64 + i % 32;
    const Bytes16_quant_encode_wide8 bytes = (load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code) & 15) | load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code + 32) << 4;
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}
TFILE_INLINE void put_pairs_of_bits_quant_encode_wide8(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; i += 16) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    const Bytes16_quant_encode_wide8 bytes = (load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code) & 3) | (load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code + 32) & 3) << 2 |
                          (load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code + 64) & 3) << 4 | load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code + 96) << 6;
    memcpy(to + i, &bytes, sizeof(bytes));
  }
}
TFILE_INLINE void put_single_bits_quant_encode_wide8(uint8_t *to, const uint8_t *codes, int at) {
  for (size_t i = 0; i < 32; i += 16) {
    Bytes16_quant_encode_wide8 bits{};
    for (int group = 0; group < 8; ++group)
      bits |= ((load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(codes + 32 * group + i) >> at) & 1) << group;
    memcpy(to + i, &bits, sizeof(bits));
  }
}

/* Q2_K, Q4_K, Q5_K */

template <int P>
struct AffineOf_quant_encode_wide8 {
  Real_quant_encode_wide8<P> scale, minimum;
};

template <bool kAbsolute, int P>
TFILE_INLINE Real_quant_encode_wide8<P> error_size_quant_encode_wide8(const Real_quant_encode_wide8<P> &error) {
  if constexpr (kAbsolute) {
    return size_of_quant_encode_wide8(error);
  } else {
    return error * error;
  }
}

struct AffineSteps_quant_encode_wide8 {
  int32_t most;
  float first;
  int32_t last;
};

// As search_affine() of one group.
template <size_t N, bool kAbsolute, int P>
TFILE_INLINE AffineOf_quant_encode_wide8<P> search_affine_of_quant_encode_wide8(const float *rows, const float *weights, const AffineSteps_quant_encode_wide8 &steps) {
  constexpr size_t kRow = kLanes_quant_encode_wide8<P>;
  const Real_quant_encode_wide8<P> zero = all_quant_encode_wide8<P>(0);
  const Real_quant_encode_wide8<P> most = all_quant_encode_wide8<P>(static_cast<float>(steps.most));
  Real_quant_encode_wide8<P> minimum = load_quant_encode_wide8<P>(rows);
  Real_quant_encode_wide8<P> maximum = minimum;
  Real_quant_encode_wide8<P> weight = load_quant_encode_wide8<P>(weights);
  Real_quant_encode_wide8<P> weighted_x = weight * minimum;
  for (size_t i = 1; i < N; ++i) {
    const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kRow);
    const Real_quant_encode_wide8<P> w = load_quant_encode_wide8<P>(weights + i * kRow);
    minimum = select(x < minimum, x, minimum);
    maximum = select(maximum < x, x, maximum);
    weight = weight + w;
    weighted_x = weighted_x + w * x;
  }
  minimum = select(zero < minimum, zero, minimum);
  const Mask_quant_encode_wide8<P> flat = maximum == minimum;
  const Real_quant_encode_wide8<P> first_minimum = minimum;
  const Real_quant_encode_wide8<P> inverted = most / (maximum - minimum);
  Real_quant_encode_wide8<P> scale = all_quant_encode_wide8<P>(1) / inverted;
  Real_quant_encode_wide8<P> best = zero;
  for (size_t i = 0; i < N; ++i) {
    const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kRow);
    const Real_quant_encode_wide8<P> code = codes_of_quant_encode_wide8(inverted * (x - minimum), 0, steps.most);
    best = best + load_quant_encode_wide8<P>(weights + i * kRow) * error_size_quant_encode_wide8<kAbsolute>((scale * code + minimum) - x);
  }
  for (int32_t step = 0; step <= steps.last; ++step) {
    const float numerator = (steps.first + 0.1f * static_cast<float>(step)) + static_cast<float>(steps.most);
    const Real_quant_encode_wide8<P> other = all_quant_encode_wide8<P>(numerator) / (maximum - minimum);
    alignas(64) float codes[N * kRow];
    Real_quant_encode_wide8<P> code1 = zero;
    Real_quant_encode_wide8<P> code2 = zero;
    Real_quant_encode_wide8<P> code_x = zero;
    for (size_t i = 0; i < N; ++i) {
      const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kRow);
      const Real_quant_encode_wide8<P> code = codes_of_quant_encode_wide8(other * (x - minimum), 0, steps.most);
      const Real_quant_encode_wide8<P> weighted = load_quant_encode_wide8<P>(weights + i * kRow) * code;
      code1 = code1 + weighted;
      code2 = code2 + weighted * code;
      code_x = code_x + weighted * x;
      store_quant_encode_wide8(codes + i * kRow, code);
    }
    const Real_quant_encode_wide8<P> divisor = weight * code2 - code1 * code1;
    Real_quant_encode_wide8<P> fitted = (weight * code_x - weighted_x * code1) / divisor;
    Real_quant_encode_wide8<P> fitted_minimum = (code2 * weighted_x - code1 * code_x) / divisor;
    const Mask_quant_encode_wide8<P> above = zero < fitted_minimum;
    fitted = select(above, code_x / code2, fitted);
    fitted_minimum = select(above, zero, fitted_minimum);
    Real_quant_encode_wide8<P> error = zero;
    for (size_t i = 0; i < N; ++i) {
      const Real_quant_encode_wide8<P> difference = (fitted * load_quant_encode_wide8<P>(codes + i * kRow) + fitted_minimum) - load_quant_encode_wide8<P>(rows + i * kRow);
      error = error + load_quant_encode_wide8<P>(weights + i * kRow) * error_size_quant_encode_wide8<kAbsolute>(difference);
    }
    const Mask_quant_encode_wide8<P> better = (zero < divisor) & (error < best);
    best = select(better, error, best);
    scale = select(better, fitted, scale);
    minimum = select(better, fitted_minimum, minimum);
  }
  return {select(flat, zero, scale), negated_quant_encode_wide8(select(flat, first_minimum, minimum))};
}

template <size_t N, bool kAbsolute, int P>
TFILE_INLINE void find_affine_quant_encode_wide8(Found_quant_encode_wide8 &found, const float *from, size_t groups, const AffineSteps_quant_encode_wide8 &steps) {
  alignas(64) float weights[N * kLanes_quant_encode_wide8<P>];
  search_groups_quant_encode_wide8<N, P>(from, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
    Real_quant_encode_wide8<P> average = all_quant_encode_wide8<P>(0);
    if constexpr (!kAbsolute) {
      for (size_t i = 0; i < N; ++i)
        average = average + load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>) * load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>);
      average = roots_quant_encode_wide8(average / all_quant_encode_wide8<P>(N));
    }
    for (size_t i = 0; i < N; ++i)
      store_quant_encode_wide8(weights + i * kLanes_quant_encode_wide8<P>, average + size_of_quant_encode_wide8(load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>)));
    const AffineOf_quant_encode_wide8<P> affine = search_affine_of_quant_encode_wide8<N, kAbsolute, P>(rows, weights, steps);
    store_quant_encode_wide8(found.scale + first, affine.scale);
    store_quant_encode_wide8(found.minimum + first, affine.minimum);
  });
}

template <size_t N>
TFILE_INLINE bool put_affine_codes_quant_encode_wide8(uint8_t *codes, const float *from, const StoredSteps &stored, int32_t most) {
  for (size_t group = 0; group < kKBlock / N; ++group) {
    const float *x = from + N * group;
    const Reals_quant_encode_wide8 scale = broadcast_quant_encode_wide8(stored.scale[group]);
    const Reals_quant_encode_wide8 minimum = broadcast_quant_encode_wide8(stored.minimum[group]);
    if (stored.scale[group] == 0) {
      if (!put_zeros_quant_encode_wide8(codes + N * group, x, N)) return false;
    } else {
      put_codes_quant_encode_wide8<N>(codes + N * group, x, 0, most, [&](Reals_quant_encode_wide8 v) TFILE_LAMBDA { return (v + minimum) / scale; });
    }
  }
  return true;
}

// Calls put(to, from, found, group) for each block after the searches of a batch of them.
template <size_t kBlockBytes, typename Find, typename Put>
TFILE_INLINE void encode_batches_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks, size_t groups, Find find, Put put) {
  Found_quant_encode_wide8 found;
  for (size_t first = 0; first < blocks; first += kBatch_quant_encode_wide8) {
    const size_t count = blocks - first < kBatch_quant_encode_wide8 ? blocks - first : kBatch_quant_encode_wide8;
    find(found, from + first * kKBlock, count * groups);
    for (size_t i = 0; i < count; ++i)
      put(to + (first + i) * kBlockBytes, from + (first + i) * kKBlock, found.scale + i * groups,
          found.minimum + i * groups);
  }
}

void encode_q4_k_wide_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide8<144>(
      to, from, blocks, 8,
      [](Found_quant_encode_wide8 &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide8<32, false, kAffineParts_quant_encode_wide8>(found, x, groups, {15, -1, 20});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide8<32>(codes, x, put_group_steps(block, scales, minimums), 15)) {
          find_k_encoder(TF_DTYPE_Q4_K)(block, x);
          return;
        }
        put_nibbles_of_64_quant_encode_wide8(block + 16, codes);
      });
}

void encode_q5_k_wide_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide8<176>(
      to, from, blocks, 8,
      [](Found_quant_encode_wide8 &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide8<32, false, kAffineParts_quant_encode_wide8>(found, x, groups, {31, -0.5f, 15});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide8<32>(codes, x, put_group_steps(block, scales, minimums), 31)) {
          find_k_encoder(TF_DTYPE_Q5_K)(block, x);
          return;
        }
        put_single_bits_quant_encode_wide8(block + 16, codes, 4);
        put_nibbles_of_64_quant_encode_wide8(block + 48, codes);
      });
}

void encode_q2_k_wide_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide8<84>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide8 &found, const float *x, size_t groups) TFILE_LAMBDA {
        find_affine_quant_encode_wide8<16, true, kAffineParts_quant_encode_wide8>(found, x, groups, {3, -0.5f, 15});
      },
      [](uint8_t *block, const float *x, const float *scales, const float *minimums) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_affine_codes_quant_encode_wide8<16>(codes, x, put_small_steps(block, scales, minimums), 3)) {
          find_k_encoder(TF_DTYPE_Q2_K)(block, x);
          return;
        }
        put_pairs_of_bits_quant_encode_wide8(block + 16, codes);
      });
}

/* Q3_K, Q6_K */

// The sums of a fit without a minimum.
template <int P>
struct FitOf_quant_encode_wide8 {
  Real_quant_encode_wide8<P> code_x, code2;
};
template <int P>
TFILE_INLINE void add_to_quant_encode_wide8(FitOf_quant_encode_wide8<P> &fit, const Real_quant_encode_wide8<P> &x, const Real_quant_encode_wide8<P> &code) {
  const Real_quant_encode_wide8<P> weight = x * x;
  fit.code_x = fit.code_x + (weight * x) * code;
  fit.code2 = fit.code2 + (weight * code) * code;
}

// As improve_codes(); a round that changes nothing in a lane would change nothing there again.
template <int P>
TFILE_INLINE bool improve_codes_of_quant_encode_wide8(FitOf_quant_encode_wide8<P> &fit, float *codes, const float *rows) {
  const Real_quant_encode_wide8<P> zero = all_quant_encode_wide8<P>(0);
  Mask_quant_encode_wide8<P> moved = zero < zero;
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>);
    const Real_quant_encode_wide8<P> old = load_quant_encode_wide8<P>(codes + i * kLanes_quant_encode_wide8<P>);
    const Real_quant_encode_wide8<P> weight = x * x;
    FitOf_quant_encode_wide8<P> other{fit.code_x - (weight * x) * old, fit.code2 - (weight * old) * old};
    const Mask_quant_encode_wide8<P> positive = zero < other.code_x;
    const Real_quant_encode_wide8<P> code = codes_of_quant_encode_wide8((x * other.code2) / other.code_x, -4, 3);
    add_to_quant_encode_wide8(other, x, code);
    const Mask_quant_encode_wide8<P> better = (fit.code_x * fit.code_x) * other.code2 < (other.code_x * other.code_x) * fit.code2;
    const Mask_quant_encode_wide8<P> taken = (positive & (code != old)) & ((zero < other.code2) & better);
    store_quant_encode_wide8(codes + i * kLanes_quant_encode_wide8<P>, select(taken, code, old));
    fit.code_x = select(taken, other.code_x, fit.code_x);
    fit.code2 = select(taken, other.code2, fit.code2);
    moved = moved | taken;
  }
  return any_quant_encode_wide8(moved);
}

// As search_improving().
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> search_improving_of_quant_encode_wide8(const float *rows) {
  const Real_quant_encode_wide8<P> zero = all_quant_encode_wide8<P>(0);
  const LargestOf_quant_encode_wide8<P> largest = find_largest_of_quant_encode_wide8<16, P>(rows);
  const Real_quant_encode_wide8<P> inverted = all_quant_encode_wide8<P>(-4) / largest.value;
  alignas(64) float codes[16 * kLanes_quant_encode_wide8<P>];
  FitOf_quant_encode_wide8<P> fit{zero, zero};
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>);
    const Real_quant_encode_wide8<P> code = codes_of_quant_encode_wide8(inverted * x, -4, 3);
    store_quant_encode_wide8(codes + i * kLanes_quant_encode_wide8<P>, code);
    add_to_quant_encode_wide8(fit, x, code);
  }
  for (int round = 0; round < 5 && improve_codes_of_quant_encode_wide8(fit, codes, rows); ++round) {
  }
  const Real_quant_encode_wide8<P> scale = select(zero < fit.code2, fit.code_x / fit.code2, zero);
  return select(largest.size < all_quant_encode_wide8<P>(kTiny), zero, scale);
}

template <int P>
TFILE_INLINE FitOf_quant_encode_wide8<P> steps_fit_of_quant_encode_wide8(const float *rows, const Real_quant_encode_wide8<P> &inverted) {
  FitOf_quant_encode_wide8<P> fit{all_quant_encode_wide8<P>(0), all_quant_encode_wide8<P>(0)};
  for (size_t i = 0; i < 16; ++i) {
    const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>);
    add_to_quant_encode_wide8(fit, x, codes_of_quant_encode_wide8(inverted * x, -32, 31));
  }
  return fit;
}

// As search_steps().
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> search_steps_of_quant_encode_wide8(const float *rows) {
  const Real_quant_encode_wide8<P> zero = all_quant_encode_wide8<P>(0);
  const LargestOf_quant_encode_wide8<P> largest = find_largest_of_quant_encode_wide8<16, P>(rows);
  FitOf_quant_encode_wide8<P> fit = steps_fit_of_quant_encode_wide8<P>(rows, all_quant_encode_wide8<P>(-32) / largest.value);
  Real_quant_encode_wide8<P> scale = select(fit.code2 == zero, zero, fit.code_x / fit.code2);
  Real_quant_encode_wide8<P> best = scale * fit.code_x;
  for (int32_t step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    fit = steps_fit_of_quant_encode_wide8<P>(rows, all_quant_encode_wide8<P>(-(32 + 0.1f * static_cast<float>(step))) / largest.value);
    const Mask_quant_encode_wide8<P> better = (zero < fit.code2) & (best * fit.code2 < fit.code_x * fit.code_x);
    scale = select(better, fit.code_x / fit.code2, scale);
    best = select(better, scale * fit.code_x, best);
  }
  return select(largest.size < all_quant_encode_wide8<P>(kTiny), zero, scale);
}

TFILE_INLINE bool put_even_codes_quant_encode_wide8(uint8_t *codes, const float *from, const StoredSteps &stored, int32_t zero) {
  for (size_t group = 0; group < 16; ++group) {
    const float *x = from + 16 * group;
    const Reals_quant_encode_wide8 scale = broadcast_quant_encode_wide8(stored.scale[group]);
    if (stored.scale[group] == 0) {
      if (!put_zeros_quant_encode_wide8(codes + 16 * group, x, 16)) return false;
    } else {
      put_codes_quant_encode_wide8<16>(codes + 16 * group, x, -zero, zero - 1, [&](Reals_quant_encode_wide8 v) TFILE_LAMBDA { return v / scale; });
    }
  }
  return true;
}

void encode_q3_k_wide_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide8<110>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide8 &found, const float *x, size_t groups) TFILE_LAMBDA {
        search_groups_quant_encode_wide8<16, kImprovingParts_quant_encode_wide8>(x, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
          store_quant_encode_wide8(found.scale + first, search_improving_of_quant_encode_wide8<kImprovingParts_quant_encode_wide8>(rows));
        });
      },
      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
        uint8_t codes[kKBlock];
        if (!put_even_codes_quant_encode_wide8(codes, x, put_six_bit_steps(block, scales), 4)) {
          find_k_encoder(TF_DTYPE_Q3_K)(block, x);
          return;
        }
        put_single_bits_quant_encode_wide8(block, codes, 2);
        put_pairs_of_bits_quant_encode_wide8(block + 32, codes);
      });
}

TFILE_INLINE void put_codes_of_6_bits_quant_encode_wide8(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; i += 16) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    uint8_t *low = to + i / 32 * 64 + i % 32;
    const Bytes16_quant_encode_wide8 a = load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code);
    const Bytes16_quant_encode_wide8 b = load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code + 32);
    const Bytes16_quant_encode_wide8 c = load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code + 64);
    const Bytes16_quant_encode_wide8 d = load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(code + 96);
    const Bytes16_quant_encode_wide8 even = (a & 15) | c << 4;
    const Bytes16_quant_encode_wide8 odd = (b & 15) | d << 4;
    const Bytes16_quant_encode_wide8 high = a >> 4 | (b >> 4) << 2 | (c >> 4) << 4 | (d >> 4) << 6;
    memcpy(low, &even, sizeof(even));
    memcpy(low + 32, &odd, sizeof(odd));
    memcpy(to + 128 + i, &high, sizeof(high));
  }
}

void encode_q6_k_wide_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide8<210>(
      to, from, blocks, 16,
      [](Found_quant_encode_wide8 &found, const float *x, size_t groups) TFILE_LAMBDA {
        search_groups_quant_encode_wide8<16, kStepParts_quant_encode_wide8>(x, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
          store_quant_encode_wide8(found.scale + first, search_steps_of_quant_encode_wide8<kStepParts_quant_encode_wide8>(rows));
        });
      },
      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
        StoredSteps stored;
        if (!put_byte_steps(block, stored, scales)) return;
        uint8_t codes[kKBlock];
        if (!put_even_codes_quant_encode_wide8(codes, x, stored, 32)) {
          find_k_encoder(TF_DTYPE_Q6_K)(block, x);
          return;
        }
        put_codes_of_6_bits_quant_encode_wide8(block, codes);
      });
}

/* IQ4_NL, IQ4_XS */

// As fit_of() for the table's numbers.
template <int P>
TFILE_INLINE FitOf_quant_encode_wide8<P> table_fit_of_quant_encode_wide8(const float *rows, const Real_quant_encode_wide8<P> &inverted) {
  FitOf_quant_encode_wide8<P> fit{all_quant_encode_wide8<P>(0), all_quant_encode_wide8<P>(0)};
  for (size_t i = 0; i < 32; ++i) {
    const Real_quant_encode_wide8<P> x = load_quant_encode_wide8<P>(rows + i * kLanes_quant_encode_wide8<P>);
    const Real_quant_encode_wide8<P> number = nearest_numbers_quant_encode_wide8(inverted * x);
    const Real_quant_encode_wide8<P> weighted = (x * x) * number;
    fit.code_x = fit.code_x + weighted * x;
    fit.code2 = fit.code2 + weighted * number;
  }
  return fit;
}

// As search_scale().
template <int P>
TFILE_INLINE Real_quant_encode_wide8<P> search_table_of_quant_encode_wide8(const float *rows) {
  const Real_quant_encode_wide8<P> zero = all_quant_encode_wide8<P>(0);
  const LargestOf_quant_encode_wide8<P> largest = find_largest_of_quant_encode_wide8<32, P>(rows);
  const Real_quant_encode_wide8<P> first = negated_quant_encode_wide8(largest.value) / all_quant_encode_wide8<P>(-127);
  FitOf_quant_encode_wide8<P> fit = table_fit_of_quant_encode_wide8<P>(rows, all_quant_encode_wide8<P>(1) / first);
  Real_quant_encode_wide8<P> scale = select(zero < fit.code2, fit.code_x / fit.code2, zero);
  Real_quant_encode_wide8<P> best = scale * fit.code_x;
  for (int32_t step = -7; step <= 7; ++step) {
    fit = table_fit_of_quant_encode_wide8<P>(rows, all_quant_encode_wide8<P>(static_cast<float>(step - 127)) / largest.value);
    const Mask_quant_encode_wide8<P> better = (zero < fit.code2) & (best * fit.code2 < fit.code_x * fit.code_x);
    scale = select(better, fit.code_x / fit.code2, scale);
    best = select(better, scale * fit.code_x, best);
  }
  return select(largest.size < all_quant_encode_wide8<P>(kTiny), zero, scale);
}

TFILE_INLINE void put_places_quant_encode_wide8(uint8_t *to, const float *x, float inverted) {
  uint8_t places[32];
  for (size_t i = 0; i < 32; i += kWidth_quant_encode_wide8) {
    const Bytes_quant_encode_wide8 bytes = __builtin_convertvector(nearest_places_quant_encode_wide8(load_vector_quant_encode_wide8<Reals_quant_encode_wide8>(x + i) * inverted), Bytes_quant_encode_wide8);
    memcpy(places + i, &bytes, sizeof(bytes));
  }
  const Bytes16_quant_encode_wide8 bytes = load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(places) | load_vector_quant_encode_wide8<Bytes16_quant_encode_wide8>(places + 16) << 4;
  memcpy(to, &bytes, sizeof(bytes));
}

TFILE_INLINE void find_table_scales_quant_encode_wide8(Found_quant_encode_wide8 &found, const float *from, size_t groups) {
  search_groups_quant_encode_wide8<32, kTableParts_quant_encode_wide8>(from, groups, [&](const float *rows, size_t first) TFILE_LAMBDA {
    store_quant_encode_wide8(found.scale + first, search_table_of_quant_encode_wide8<kTableParts_quant_encode_wide8>(rows));
  });
}

void encode_iq4_nl_wide_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks) {
  Found_quant_encode_wide8 found;
  for (size_t first = 0; first < blocks; first += kBatch_quant_encode_wide8 * 16) {
    const size_t count = blocks - first < kBatch_quant_encode_wide8 * 16 ? blocks - first : kBatch_quant_encode_wide8 * 16;
    find_table_scales_quant_encode_wide8(found, from + 32 * first, count);
    for (size_t i = 0; i < count; ++i) {
      uint8_t *block = to + 18 * (first + i);
      put_places_quant_encode_wide8(block + 2, from + 32 * (first + i), put_table_scale(block, found.scale[i]));
    }
  }
}

void encode_iq4_xs_wide_quant_encode_wide8(uint8_t *to, const float *from, size_t blocks) {
  encode_batches_quant_encode_wide8<136>(to, from, blocks, 8, find_table_scales_quant_encode_wide8,
                      [](uint8_t *block, const float *x, const float *scales, const float *) TFILE_LAMBDA {
                        const StoredSteps inverted = put_table_steps(block, scales);
                        for (size_t group = 0; group < 8; ++group)
                          put_places_quant_encode_wide8(block + 8 + 16 * group, x + 32 * group, inverted.scale[group]);
                      });
}

#undef TFILE_LANEWISE

WideEncoder find_here_quant_encode_wide8(int32_t dtype) {
  switch (dtype) {
    case TF_DTYPE_Q2_K:
      return encode_q2_k_wide_quant_encode_wide8;
    case TF_DTYPE_Q3_K:
      return encode_q3_k_wide_quant_encode_wide8;
    case TF_DTYPE_Q4_K:
      return encode_q4_k_wide_quant_encode_wide8;
    case TF_DTYPE_Q5_K:
      return encode_q5_k_wide_quant_encode_wide8;
    case TF_DTYPE_Q6_K:
      return encode_q6_k_wide_quant_encode_wide8;
    case TF_DTYPE_IQ4_NL:
      return encode_iq4_nl_wide_quant_encode_wide8;
    case TF_DTYPE_IQ4_XS:
      return encode_iq4_xs_wide_quant_encode_wide8;
    default:
      return nullptr;
  }
}

#undef TFILE_INLINE
#undef TFILE_LAMBDA

}  // namespace

WideEncoder find_encoder8(int32_t dtype) {
  return find_here_quant_encode_wide8(dtype);
}

}  // namespace tfile

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace tfile {

WideEncoder find_encoder8(int32_t) {
  return nullptr;
}

}  // namespace tfile

#endif
#undef TFILE_INLINE
#undef TFILE_LAMBDA
#undef TFILE_LANEWISE
#include <limits>

// src/quant/kernels.cpp
namespace tfile {

namespace {

// Elements that a loop takes at once: a constant count between arrays that cannot overlap, so that compilers vectorise
// it without asking; too many to be unrolled into as many instructions.
constexpr size_t kGroup_quant_kernels = 256;

// A step is a type with From, To and apply(From).
template <typename Step_quant_kernels>
void each(void *to, const void *from, size_t count) {
  using From = typename Step_quant_kernels::From;
  using To = typename Step_quant_kernels::To;
  const char *source = static_cast<const char *>(from);
  char *target = static_cast<char *>(to);
  From in[kGroup_quant_kernels] = {};
  To out[kGroup_quant_kernels];
  for (size_t i = 0; i < count; i += kGroup_quant_kernels) {
    const bool whole = count - i >= kGroup_quant_kernels;
    if (whole) {
      memcpy(in, source + i * sizeof(From), sizeof(in));
    } else {
      memcpy(in, source + i * sizeof(From), (count - i) * sizeof(From));
    }
    for (size_t k = 0; k < kGroup_quant_kernels; ++k)
      out[k] = Step_quant_kernels::apply(in[k]);
    if (whole) {
      memcpy(target + i * sizeof(To), out, sizeof(out));
    } else {
      memcpy(target + i * sizeof(To), out, (count - i) * sizeof(To));
    }
  }
}

template <typename F, typename T>
struct Step_quant_kernels {
  using From = F;
  using To = T;
};

// Between integers, where narrowing keeps the low bits; integers to float32 and float64.
template <typename F, typename T>
struct Plain : Step_quant_kernels<F, T> {
  static T apply(F value) { return static_cast<T>(value); }
};

struct Truth : Step_quant_kernels<uint8_t, uint8_t> {
  static uint8_t apply(uint8_t value) { return value != 0; }
};

// To bool: whether any bit below the sign is set.
template <typename F>
struct NonZero : Step_quant_kernels<F, uint8_t> {
  static uint8_t apply(F value) { return value != 0; }
};
template <typename F>
struct NonZeroFloat : Step_quant_kernels<F, uint8_t> {
  static uint8_t apply(F value) { return static_cast<F>(value << 1) != 0; }
};
struct Pair64 {
  uint32_t real, imaginary;
};
struct Pair128 {
  uint64_t real, imaginary;
};
template <typename Pair>
struct NonZeroPair : Step_quant_kernels<Pair, uint8_t> {
  static uint8_t apply(Pair value) { return ((value.real | value.imaginary) << 1) != 0; }
};

// Float to integer: truncated, the nearest there is when out of range, NaN 0.
template <typename F, typename T>
struct Saturate : Step_quant_kernels<F, T> {
  static T apply(F value) {
    // Exact in both float types: powers of two.
    constexpr F kAbove = static_cast<F>(std::numeric_limits<T>::max() / 2 + 1) * 2;
    constexpr F kLeast = static_cast<F>(std::numeric_limits<T>::min());
    const bool fits = value >= kLeast && value < kAbove;
    const T inside = static_cast<T>(fits ? value : F{0});
    const T high = value >= kAbove ? std::numeric_limits<T>::max() : inside;
    return value < kLeast ? std::numeric_limits<T>::min() : high;
  }
};

struct FloatToDouble : Step_quant_kernels<uint32_t, uint64_t> {
  static uint64_t apply(uint32_t bits) { return double_of_float(bits); }
};
struct DoubleToFloat : Step_quant_kernels<uint64_t, uint32_t> {
  static uint32_t apply(uint64_t bits) { return float_of_double(bits); }
};
struct HalfToFloat : Step_quant_kernels<uint16_t, uint32_t> {
  static uint32_t apply(uint16_t bits) { return float_of_half(bits); }
};
struct HalfToDouble : Step_quant_kernels<uint16_t, uint64_t> {
  static uint64_t apply(uint16_t bits) { return double_of_half(bits); }
};
struct FloatToHalf : Step_quant_kernels<uint32_t, uint16_t> {
  static uint16_t apply(uint32_t bits) { return half_of_float(bits); }
};
struct DoubleToHalf : Step_quant_kernels<uint64_t, uint16_t> {
  static uint16_t apply(uint64_t bits) { return half_of_double(bits); }
};
struct Bfloat16ToFloat : Step_quant_kernels<uint16_t, uint32_t> {
  static uint32_t apply(uint16_t bits) { return float_of_bfloat16(bits); }
};
struct FloatToBfloat16 : Step_quant_kernels<uint32_t, uint16_t> {
  static uint16_t apply(uint32_t bits) { return bfloat16_of_float(bits); }
};
// ml_dtypes drops the payload of a NaN here, NumPy keeps it from float32.
struct Bfloat16ToHalf : Step_quant_kernels<uint16_t, uint16_t> {
  static uint16_t apply(uint16_t bits) {
    const uint32_t wide = float_of_bfloat16(bits);
    const uint32_t nan = 0x7e00 | (wide >> 31) << 15;
    return static_cast<uint16_t>((wide & kFloatMagnitude) > kFloatInf ? nan : half_of_float(wide));
  }
};
struct E8m0ToFloat : Step_quant_kernels<uint8_t, uint32_t> {
  static uint32_t apply(uint8_t code) { return float_of_e8m0(code); }
};
struct FloatToE8m0 : Step_quant_kernels<uint32_t, uint8_t> {
  static uint8_t apply(uint32_t bits) { return e8m0_of_float(bits); }
};
template <typename F>
struct CodeToFloat : Step_quant_kernels<uint8_t, uint32_t> {
  static uint32_t apply(uint8_t code) { return float_of_code<F>(code); }
};
template <typename F>
struct FloatToCode : Step_quant_kernels<uint32_t, uint8_t> {
  static uint8_t apply(uint32_t bits) { return static_cast<uint8_t>(code_of_float<F>(bits)); }
};
struct FloatToComplex : Step_quant_kernels<uint32_t, Pair64> {
  static Pair64 apply(uint32_t bits) { return {bits, 0}; }
};
struct DoubleToComplex : Step_quant_kernels<uint64_t, Pair128> {
  static Pair128 apply(uint64_t bits) { return {bits, 0}; }
};

// float4: two elements in a byte, the first in the low half.
void float4_to_codes(uint8_t *codes, const uint8_t *packed, size_t count) {
  for (size_t i = 0; i < count / 2; ++i) {
    codes[2 * i] = packed[i] & 15;
    codes[2 * i + 1] = packed[i] >> 4;
  }
}
void codes_to_float4(uint8_t *packed, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count / 2; ++i)
    packed[i] = static_cast<uint8_t>(codes[2 * i] | codes[2 * i + 1] << 4);
}

// float6: element i takes the bits from 6 * i on, of a stream of bits that begins with the lowest of the first byte.
void float6_to_codes(uint8_t *codes, const uint8_t *packed, size_t count) {
  for (size_t i = 0; i < count / 4; ++i) {
    const uint8_t *unit = packed + 3 * i;
    const uint32_t bits = unit[0] | uint32_t{unit[1]} << 8 | uint32_t{unit[2]} << 16;
    for (size_t k = 0; k < 4; ++k)
      codes[4 * i + k] = (bits >> (6 * k)) & 63;
  }
}
void codes_to_float6(uint8_t *packed, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count / 4; ++i) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k)
      bits |= static_cast<uint32_t>(codes[4 * i + k]) << (6 * k);
    for (size_t k = 0; k < 3; ++k)
      packed[3 * i + k] = static_cast<uint8_t>(bits >> (8 * k));
  }
}

using Repack = void (*)(uint8_t *to, const uint8_t *from, size_t count);

template <typename F, Repack unpack>
void packed_to_float(void *to, const void *from, size_t count) {
  uint8_t codes[kGroup_quant_kernels];
  for (size_t i = 0; i < count; i += kGroup_quant_kernels) {
    const size_t some = count - i < kGroup_quant_kernels ? count - i : kGroup_quant_kernels;
    unpack(codes, static_cast<const uint8_t *>(from) + i * F::kBits / 8, some);
    each<CodeToFloat<F>>(static_cast<char *>(to) + i * sizeof(float), codes, some);
  }
}
template <typename F, Repack pack>
void float_to_packed(void *to, const void *from, size_t count) {
  uint8_t codes[kGroup_quant_kernels];
  for (size_t i = 0; i < count; i += kGroup_quant_kernels) {
    const size_t some = count - i < kGroup_quant_kernels ? count - i : kGroup_quant_kernels;
    each<FloatToCode<F>>(codes, static_cast<const char *>(from) + i * sizeof(float), some);
    pack(static_cast<uint8_t *>(to) + i * F::kBits / 8, codes, some);
  }
}

// A complex number is two of its halves.
template <CastKernel kernel>
void both_halves(void *to, const void *from, size_t count) {
  kernel(to, from, 2 * count);
}

template <typename T>
CastKernel from_integer(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZero<T>>;
    case TF_DTYPE_INT8:
    case TF_DTYPE_UINT8:
      return each<Plain<T, uint8_t>>;
    case TF_DTYPE_INT16:
    case TF_DTYPE_UINT16:
      return each<Plain<T, uint16_t>>;
    case TF_DTYPE_INT32:
    case TF_DTYPE_UINT32:
      return each<Plain<T, uint32_t>>;
    case TF_DTYPE_INT64:
    case TF_DTYPE_UINT64:
      return each<Plain<T, uint64_t>>;
    case TF_DTYPE_FLOAT32:
      return each<Plain<T, float>>;
    case TF_DTYPE_FLOAT64:
      return each<Plain<T, double>>;
    default:
      return nullptr;
  }
}

template <typename F>
CastKernel float_to_integer(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_INT8:
      return each<Saturate<F, int8_t>>;
    case TF_DTYPE_INT16:
      return each<Saturate<F, int16_t>>;
    case TF_DTYPE_INT32:
      return each<Saturate<F, int32_t>>;
    case TF_DTYPE_INT64:
      return each<Saturate<F, int64_t>>;
    case TF_DTYPE_UINT8:
      return each<Saturate<F, uint8_t>>;
    case TF_DTYPE_UINT16:
      return each<Saturate<F, uint16_t>>;
    case TF_DTYPE_UINT32:
      return each<Saturate<F, uint32_t>>;
    case TF_DTYPE_UINT64:
      return each<Saturate<F, uint64_t>>;
    default:
      return nullptr;
  }
}

CastKernel from_float(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint32_t>>;
    case TF_DTYPE_FLOAT16:
      return each<FloatToHalf>;
    case TF_DTYPE_BFLOAT16:
      return each<FloatToBfloat16>;
    case TF_DTYPE_FLOAT64:
      return each<FloatToDouble>;
    case TF_DTYPE_COMPLEX64:
      return each<FloatToComplex>;
    case TF_DTYPE_FLOAT8_E4M3FN:
      return each<FloatToCode<Float8E4m3fn>>;
    case TF_DTYPE_FLOAT8_E5M2:
      return each<FloatToCode<Float8E5m2>>;
    case TF_DTYPE_FLOAT8_E4M3FNUZ:
      return each<FloatToCode<Float8E4m3fnuz>>;
    case TF_DTYPE_FLOAT8_E5M2FNUZ:
      return each<FloatToCode<Float8E5m2fnuz>>;
    case TF_DTYPE_FLOAT8_E8M0FNU:
      return each<FloatToE8m0>;
    case TF_DTYPE_FLOAT6_E2M3FN:
      return float_to_packed<Float6E2m3fn, codes_to_float6>;
    case TF_DTYPE_FLOAT6_E3M2FN:
      return float_to_packed<Float6E3m2fn, codes_to_float6>;
    case TF_DTYPE_FLOAT4_E2M1FN:
      return float_to_packed<Float4E2m1fn, codes_to_float4>;
    default:
      return float_to_integer<float>(to);
  }
}

CastKernel from_double(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint64_t>>;
    case TF_DTYPE_FLOAT16:
      return each<DoubleToHalf>;
    case TF_DTYPE_FLOAT32:
      return each<DoubleToFloat>;
    case TF_DTYPE_COMPLEX128:
      return each<DoubleToComplex>;
    default:
      return float_to_integer<double>(to);
  }
}

CastKernel from_half(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint16_t>>;
    case TF_DTYPE_FLOAT32:
      return each<HalfToFloat>;
    case TF_DTYPE_FLOAT64:
      return each<HalfToDouble>;
    default:
      return nullptr;
  }
}

CastKernel from_bfloat16(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint16_t>>;
    case TF_DTYPE_FLOAT16:
      return each<Bfloat16ToHalf>;
    case TF_DTYPE_FLOAT32:
      return each<Bfloat16ToFloat>;
    default:
      return nullptr;
  }
}

CastKernel from_complex64(tf_dtype to) {
  if (to == TF_DTYPE_BOOL) return each<NonZeroPair<Pair64>>;
  return to == TF_DTYPE_COMPLEX128 ? both_halves<each<FloatToDouble>> : nullptr;
}

CastKernel from_complex128(tf_dtype to) {
  if (to == TF_DTYPE_BOOL) return each<NonZeroPair<Pair128>>;
  return to == TF_DTYPE_COMPLEX64 ? both_halves<each<DoubleToFloat>> : nullptr;
}

// The small floats and ggml's blocks go to float32 only.
CastKernel from_code(tf_dtype from) {
  switch (from) {
    case TF_DTYPE_FLOAT8_E4M3FN:
      return each<CodeToFloat<Float8E4m3fn>>;
    case TF_DTYPE_FLOAT8_E5M2:
      return each<CodeToFloat<Float8E5m2>>;
    case TF_DTYPE_FLOAT8_E4M3FNUZ:
      return each<CodeToFloat<Float8E4m3fnuz>>;
    case TF_DTYPE_FLOAT8_E5M2FNUZ:
      return each<CodeToFloat<Float8E5m2fnuz>>;
    case TF_DTYPE_FLOAT8_E8M0FNU:
      return each<E8m0ToFloat>;
    case TF_DTYPE_FLOAT6_E2M3FN:
      return packed_to_float<Float6E2m3fn, float6_to_codes>;
    case TF_DTYPE_FLOAT6_E3M2FN:
      return packed_to_float<Float6E3m2fn, float6_to_codes>;
    case TF_DTYPE_FLOAT4_E2M1FN:
      return packed_to_float<Float4E2m1fn, float4_to_codes>;
    default:
      return find_block_decoder(from);
  }
}

}  // namespace

CastKernel find_cast_kernel(tf_dtype from, tf_dtype to) {
  const CastKernel fast = to == TF_DTYPE_FLOAT32 && cpu_has_lanes() ? find_lane_decoder(from) : nullptr;
  return fast != nullptr ? fast : find_plain_kernel(from, to);
}

CastKernel find_plain_kernel(tf_dtype from, tf_dtype to) {
  switch (from) {
    case TF_DTYPE_BOOL:
      return to == TF_DTYPE_UINT8 ? each<Truth> : nullptr;
    case TF_DTYPE_INT8:
      return from_integer<int8_t>(to);
    case TF_DTYPE_INT16:
      return from_integer<int16_t>(to);
    case TF_DTYPE_INT32:
      return from_integer<int32_t>(to);
    case TF_DTYPE_INT64:
      return from_integer<int64_t>(to);
    case TF_DTYPE_UINT8:
      return from_integer<uint8_t>(to);
    case TF_DTYPE_UINT16:
      return from_integer<uint16_t>(to);
    case TF_DTYPE_UINT32:
      return from_integer<uint32_t>(to);
    case TF_DTYPE_UINT64:
      return from_integer<uint64_t>(to);
    case TF_DTYPE_FLOAT16:
      return from_half(to);
    case TF_DTYPE_BFLOAT16:
      return from_bfloat16(to);
    case TF_DTYPE_FLOAT32:
      return from_float(to);
    case TF_DTYPE_FLOAT64:
      return from_double(to);
    case TF_DTYPE_COMPLEX64:
      return from_complex64(to);
    case TF_DTYPE_COMPLEX128:
      return from_complex128(to);
    default:
      return to == TF_DTYPE_FLOAT32 ? from_code(from) : nullptr;
  }
}

}  // namespace tfile

// src/quant/mlx.h
// MLX's form of quantised arrays: packed codes, scales and biases, in groups of 32.


namespace tfile {

// Whether MLX has this form for a block type: q4_0, q4_1, q8_0.
bool has_mlx_triple(const Dtype &dtype);

struct MlxTriple {
  Ref<Array> codes;   // uint32, (..., K / 8) of 4 bits or (..., K / 4) of 8, lowest first
  Ref<Array> scales;  // float16, (..., K / 32)
  Ref<Array> biases;  // likewise: value = code * scale + bias
};

// Takes a C-contiguous array of such blocks apart.
Status make_mlx_triple(MlxTriple *out, Memory &memory, const Array &blocks);

}  // namespace tfile

// src/quant/mlx.cpp
namespace tfile {

namespace {

constexpr size_t kGroup_quant_mlx = 32;

// How a block lies, and what MLX takes its code 0 for.
struct BlockForm {
  size_t bits;
  bool has_minimum;  // stored beside the scale; else the bias is `zero` times the scale
  float zero;
};

BlockForm form_of(tf_dtype dtype) {
  if (dtype == TF_DTYPE_Q4_1) return BlockForm{4, true, 0};
  return dtype == TF_DTYPE_Q4_0 ? BlockForm{4, false, -8} : BlockForm{8, false, -128};
}

// A product of a float16 and a small power of two: exact in float32, rounded once.
uint16_t half_times(float factor, uint16_t half) {
  return half_of_float(float_bits(factor * float_of(float_of_half(half))));
}

// The 32 codes of a block in their order.
void take_codes(uint8_t codes[kGroup_quant_mlx], const uint8_t *packed, size_t bits) {
  for (size_t i = 0; i < kGroup_quant_mlx; ++i) {
    // ggml has the first half of a block in the low nibbles; its signed bytes become codes from 0.
    codes[i] = bits == 8 ? packed[i] ^ 0x80 : i < kGroup_quant_mlx / 2 ? packed[i] & 15 : packed[i - kGroup_quant_mlx / 2] >> 4;
  }
}

void store_codes(uint32_t *words, const uint8_t codes[kGroup_quant_mlx], size_t bits) {
  const size_t in_word = 32 / bits;
  for (size_t word = 0; word < kGroup_quant_mlx / in_word; ++word) {
    uint32_t value = 0;
    for (size_t i = 0; i < in_word; ++i)
      value |= uint32_t{codes[word * in_word + i]} << (bits * i);
    words[word] = value;
  }
}

}  // namespace

bool has_mlx_triple(const Dtype &dtype) {
  return dtype.id == TF_DTYPE_Q4_0 || dtype.id == TF_DTYPE_Q4_1 || dtype.id == TF_DTYPE_Q8_0;
}

Status make_mlx_triple(MlxTriple *out, Memory &memory, const Array &blocks) {
  const BlockForm form = form_of(blocks.dtype->id);
  int64_t shape[kMaxRank];
  for (size_t i = 0; i < blocks.ndim; ++i)
    shape[i] = blocks.dims()[i];
  int64_t &row = shape[blocks.ndim - 1];
  const int64_t elements = row;
  row = elements / static_cast<int64_t>(32 / form.bits);
  const Span<const int64_t> sizes(shape, blocks.ndim);
  TFILE_TRY(make_array(out->codes, memory, *find_dtype(TF_DTYPE_UINT32), sizes));
  row = elements / static_cast<int64_t>(kGroup_quant_mlx);
  TFILE_TRY(make_array(out->scales, memory, *find_dtype(TF_DTYPE_FLOAT16), sizes));
  TFILE_TRY(make_array(out->biases, memory, *find_dtype(TF_DTYPE_FLOAT16), sizes));
  auto *const codes = reinterpret_cast<uint32_t *>(out->codes->data);
  auto *const scales = reinterpret_cast<uint16_t *>(out->scales->data);
  auto *const biases = reinterpret_cast<uint16_t *>(out->biases->data);
  const auto *block = reinterpret_cast<const uint8_t *>(blocks.data);
  const auto count = static_cast<size_t>(blocks.size) / kGroup_quant_mlx;
  for (size_t i = 0; i < count; ++i, block += blocks.dtype->block_bytes) {
    uint8_t plain[kGroup_quant_mlx];
    scales[i] = load_le<uint16_t>(block);
    biases[i] = form.has_minimum ? load_le<uint16_t>(block + 2) : half_times(form.zero, scales[i]);
    take_codes(plain, block + (form.has_minimum ? 4 : 2), form.bits);
    store_codes(codes + i * form.bits, plain, form.bits);
  }
  return kOk;
}

}  // namespace tfile

// src/format/layout.h
// Layout: a file whose every byte has its place before anything is written.


namespace tfile {

// Bytes that a format makes, such as headers, and between them the data of arrays.
class Layout {
 public:
  enum class Kind : uint8_t { kText, kGap, kArray };

  struct Segment {
    Kind kind;
    bool fortran;     // kArray: the data lie in Fortran order
    uint64_t offset;  // in the file
    uint64_t nbytes;
    size_t place;  // kText: in text; kArray: of the array in the request
  };

  // Where the CRC-32 of an array, and of the header that its member has before it, goes in the text.
  struct Checksum {
    static constexpr size_t kNowhere = SIZE_MAX;

    uint32_t crc = 0;  // of what comes before the data; at last of all
    size_t places[2] = {kNowhere, kNowhere};
  };

  explicit Layout(Memory &memory) : segments(memory), text(memory), checksums(memory) {}

  // Each adds behind what was added before.
  Status write(const void *bytes, size_t nbytes);
  Status write_zeros(uint64_t count);
  Status pad_to(uint64_t alignment) { return write_zeros((alignment - size % alignment) % alignment); }
  Status add_array(size_t place, uint64_t nbytes, bool fortran = false);

  // Puts the sum of an array where it belongs.
  void set_checksum(size_t array, uint32_t crc);

  Vec<Segment> segments;  // none of them is empty
  Vec<uint8_t> text;
  Vec<Checksum> checksums;  // of each array of the request; empty: the format has none
  uint64_t size = 0;        // of the file so far

 private:
  Status add(const Segment &segment);
};

}  // namespace tfile

// src/format/format.h
// What a file format is to the rest: one row of functions in the table of formats.cpp.


namespace tfile {

// One array of a file: what it is, and where its bytes lie.
struct Member {
  Text name;                     // NUL-terminated, in the listing's arena, as is the shape
  Span<const int64_t> shape;     // logical, C order
  const Dtype *dtype = nullptr;  // NULL: of a type that we do not know
  Text reason;                   // then: what it is instead, "dtype '<U3'", for the message of whoever reads it
  uint64_t nbytes = 0;           // in memory; of an unknown type: stored bytes
  uint64_t offset = 0;           // of its first byte in the source; deflated: of the compressed stream
  uint64_t stored = 0;           // bytes there
  uint64_t head = 0;             // deflated: bytes of .npy header that inflate before the data
  // Deflated: where each chunk of the data begins in the stream, and where the last one ends; empty: not known.
  Span<const uint64_t> chunks;
  uint64_t chunk = 0;       // bytes in memory of each chunk but the last
  uint32_t crc32 = 0;       // has_crc: of header and data
  uint32_t head_crc32 = 0;  // has_crc and not deflated: of the header alone, to go on from
  uint32_t part = 0;        // of a set of files, the one that it is in
  bool has_crc = false;
  bool deflated = false;
  bool fortran = false;     // stored in Fortran order
  bool big_endian = false;  // stored so; false where byte order means nothing
};

// What a format finds in a file's header.
struct Listing {
  explicit Listing(Memory &memory) : memory(memory), arena(memory), members(memory), names(memory, name_at, this) {}

  // Adds a member whose name and shape are in the arena; DUPLICATE when the name is there, LIMIT beyond MAX_ARRAYS.
  Status add(const Source &source, const Settings &settings, const Member &member, uint64_t header_offset);
  // After members have been put into the list whose names `index` has found to be different, in the same places.
  void take_names(NameIndex &index) { names.take(index); }

  Memory &memory;
  Arena arena;
  Vec<Member> members;
  NameIndex names;
  Ref<Dict> metadata;  // never empty: a dict without values where a format has none

 private:
  static Text name_at(const void *owner, size_t place);
};

struct NamedArray {
  Text name;
  const Array *array;
};

// One save, as the ABI's functions hand it to a format.
struct SaveRequest {
  Span<const NamedArray> arrays;
  const Dict *metadata;  // may be NULL
  bool compress;
  const Settings &settings;
  // The data come in the order of the arrays, and what is written cannot be gone back to.
  bool forward = false;
};

// Writes the arrays of a request compressed, one after another; opaque.
struct Packer;

// What a format that can compress has for it.
struct Packing {
  Status (*open)(Packer **out, Output &output, const SaveRequest &request);
  Status (*begin)(Packer &packer, size_t array);
  // The next bytes of the array, little-endian.
  Status (*write)(Packer &packer, const void *bytes, size_t nbytes);
  Status (*end)(Packer &packer);
  // After the last array.
  Status (*finish)(Packer &packer);
  void (*close)(Packer *packer);
};

struct Format {
  tf_format id;
  const char *name;
  const char *extension;  // with its dot
  bool has_metadata;
  // Whether the first bytes of a file (up to 16, perhaps fewer) are of this format.
  bool (*probe)(Bytes head);
  // Reads and validates the header; listing.metadata is an empty dict on entry.
  Status (*list)(Listing &listing, const Source &source, const Settings &settings);
  // Refuses, in one error that names all of it, what the format cannot hold. Writes nothing.
  Status (*check)(const SaveRequest &request);
  // Lays out a request that check() has passed, as it is when it is not compressed.
  Status (*lay_out)(Layout &layout, const SaveRequest &request);
  const Packing *packing;  // NULL: cannot compress
};

extern const Format kNpyFormat;
extern const Format kNpzFormat;
extern const Format kSafetensorsFormat;
extern const Format kGgufFormat;

const Format *find_format(tf_format id);  // NULL: there is none
const Format *find_format(Text name);     // by its name
const Format *format_of_path(Text path);  // by extension, letter case ignored; NULL: none
const Format *probe_format(Bytes head);   // NULL: none

// MAX_HEADER_BYTES, or its default of 100,000,000.
uint64_t header_limit(const Settings &settings);

// Limits that all formats share; each fails with LIMIT, CORRUPT or OK.
Status check_rank(const Source &source, const Settings &settings, Text name, uint64_t rank, uint64_t offset);
Status check_array_count(const Source &source, const Settings &settings, uint64_t count, uint64_t offset);
Status check_name_length(const Source &source, const Settings &settings, uint64_t length, uint64_t offset);

}  // namespace tfile

// src/format/chunks.h
// The chunks of a deflated member, each of which can be inflated by itself.


namespace tfile {

// Inflates chunks of one member. What the directory says of them is taken at its word only as long as all of it is so:
// good becomes false, without an error, where a chunk is not exactly the bytes that it should be.
class ChunkInflater {
 public:
  ChunkInflater(const Source &source, const Member &member, Memory &memory)
      : source_(source), member_(member), inflater_(memory), input_(memory) {}

  // Array bytes of a chunk.
  uint64_t size(size_t chunk) const {
    const uint64_t start = chunk * member_.chunk;
    return member_.nbytes - start < member_.chunk ? member_.nbytes - start : member_.chunk;
  }
  Status chunk(bool *good, size_t chunk, void *to);
  // The .npy header before the first chunk; only its checksum.
  Status head(bool *good, uint32_t *crc);

 private:
  Status inflate(bool *good, uint64_t from, uint64_t end, bool last, Span<uint8_t> output);

  const Source &source_;
  const Member &member_;
  Inflater inflater_;
  Vec<uint8_t> input_;
};

}  // namespace tfile

// src/format/chunks.cpp
namespace tfile {

namespace {

constexpr uint64_t kInput_format_chunks = uint64_t{128} << 10;

}  // namespace

Status ChunkInflater::chunk(bool *good, size_t chunk, void *to) {
  const bool last = chunk + 2 == member_.chunks.size();
  return inflate(good, member_.chunks[chunk], member_.chunks[chunk + 1], last,
                 Span<uint8_t>(static_cast<uint8_t *>(to), static_cast<size_t>(size(chunk))));
}

Status ChunkInflater::head(bool *good, uint32_t *crc) {
  Vec<uint8_t> head(input_.memory());
  TFILE_TRY(head.resize(static_cast<size_t>(member_.head)));
  TFILE_TRY(inflate(good, 0, member_.chunks[0], false, Span<uint8_t>(head.data(), head.size())));
  *crc = crc32_update(0, head.data(), head.size());
  return kOk;
}

Status ChunkInflater::inflate(bool *good, uint64_t from, uint64_t end, bool last, Span<uint8_t> output) {
  *good = false;
  TFILE_TRY(input_.resize(static_cast<size_t>(end - from < kInput_format_chunks ? end - from : kInput_format_chunks)));
  TFILE_TRY(inflater_.begin());
  bool done = false;
  // Behind the data there is a flush, or the end of the stream, and not a byte more of output.
  uint8_t more = 0;
  Span<uint8_t> beyond(&more, 1);
  bool valid = true;
  while (from < end && !done) {
    const uint64_t count = end - from < kInput_format_chunks ? end - from : kInput_format_chunks;
    TFILE_TRY(read_at(source_, member_.offset + from, input_.data(), count, member_.name));
    from += count;
    Bytes input(input_.data(), static_cast<size_t>(count));
    while (!input.empty() && !done) {
      const size_t before = input.size() + output.size();
      TFILE_TRY(inflater_.run(&valid, &done, &input, output.empty() ? &beyond : &output));
      if (!valid || beyond.empty() || (!done && input.size() + output.size() == before)) return kOk;
    }
    if (!input.empty()) return kOk;
  }
  // What was taken may have made more than there was room for.
  Bytes nothing;
  if (!done) TFILE_TRY(inflater_.run(&valid, &done, &nothing, output.empty() ? &beyond : &output));
  if (!valid || beyond.empty()) return kOk;
  *good = output.empty() && from == end && done == last && (!done || inflater_.excess() == 0);
  return kOk;
}

}  // namespace tfile

// src/format/formats.cpp
namespace tfile {

namespace {

// The table: a new format is one line here and one file beside this one. In this order files are probed.
constexpr const Format *kFormats[] = {
#if !defined(TENSORFILE_NO_NPY)
    &kNpyFormat,
#endif
#if !defined(TENSORFILE_NO_NPZ)
    &kNpzFormat,
#endif
#if !defined(TENSORFILE_NO_GGUF)
    &kGgufFormat,
#endif
#if !defined(TENSORFILE_NO_SAFETENSORS)
    &kSafetensorsFormat,
#endif
};

char lower_format_formats(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool ends_with_ignoring_case(Text text, Text suffix) {
  if (text.size() < suffix.size()) return false;
  const Text tail(text.from(text.size() - suffix.size()));
  for (size_t i = 0; i < suffix.size(); ++i) {
    if (lower_format_formats(tail[i]) != suffix[i]) return false;
  }
  return true;
}

}  // namespace

const Format *find_format(tf_format id) {
  for (const Format *format : kFormats) {
    if (format->id == id) return format;
  }
  return nullptr;
}

const Format *find_format(Text name) {
  for (const Format *format : kFormats) {
    if (Text(format->name) == name) return format;
  }
  return nullptr;
}

const Format *format_of_path(Text path) {
  for (const Format *format : kFormats) {
    if (ends_with_ignoring_case(path, format->extension)) return format;
  }
  return nullptr;
}

const Format *probe_format(Bytes head) {
  for (const Format *format : kFormats) {
    if (format->probe(head)) return format;
  }
  return nullptr;
}

Text Listing::name_at(const void *owner, size_t place) {
  return static_cast<const Listing *>(owner)->members[place].name;
}

Status Listing::add(const Source &source, const Settings &settings, const Member &member, uint64_t header_offset) {
  TFILE_TRY(check_array_count(source, settings, members.size() + 1, header_offset));
  // The index asks for the names of members that are in the list, so the member goes there first.
  TFILE_TRY(members.push(member));
  size_t found = NameIndex::kNone;
  const Status status = names.add(&found, member.name);
  if (status.ok() && found == NameIndex::kNone) return kOk;
  members.pop();
  if (!status.ok()) return status;
  return Failure(TF_STATUS_DUPLICATE).in(source.label).array(member.name).at(header_offset)
         << "the name stands twice in the file";
}

uint64_t header_limit(const Settings &settings) {
  constexpr uint64_t kDefault = 100000000;
  const uint64_t limit = settings.limit(TF_OPTION_MAX_HEADER_BYTES);
  return limit != 0 ? limit : kDefault;
}

Status check_rank(const Source &source, const Settings &settings, Text name, uint64_t rank, uint64_t offset) {
  const uint64_t most = settings.limit(TF_OPTION_MAX_RANK);
  if (rank <= most) return kOk;
  return Failure(TF_STATUS_LIMIT).in(source.label).array(name).at(offset)
         << "has " << rank << " dimensions, more than the limit (max_rank) of " << most;
}

Status check_array_count(const Source &source, const Settings &settings, uint64_t count, uint64_t offset) {
  const uint64_t most = settings.limit(TF_OPTION_MAX_ARRAYS);
  if (count <= most) return kOk;
  return Failure(TF_STATUS_LIMIT).in(source.label).at(offset) << "more arrays than the limit (max_arrays) of " << most;
}

Status check_name_length(const Source &source, const Settings &settings, uint64_t length, uint64_t offset) {
  const uint64_t most = settings.limit(TF_OPTION_MAX_NAME_BYTES);
  if (length <= most) return kOk;
  return Failure(TF_STATUS_LIMIT).in(source.label).at(offset)
         << "a name of " << length << " bytes is longer than the limit (max_name_bytes) of " << most;
}

}  // namespace tfile

// src/format/gguf.h
// What reading (gguf.cpp) and writing (gguf_write.cpp) of GGUF share: its numbers and its types.



namespace tfile {

inline constexpr char kGgufMagic[] = {'G', 'G', 'U', 'F'};
inline constexpr uint32_t kGgufVersion = 3;
inline constexpr Text kGgufAlignmentKey = "general.alignment";
inline constexpr uint64_t kGgufAlignment = 32;  // where nothing says otherwise
inline constexpr uint64_t kGgufMaxAlignment = uint64_t{1} << 20;
inline constexpr size_t kGgufMaxLevels = 8;  // of arrays within arrays

// What LIMIT errors say between a count and its limit.
inline constexpr const char *kGgufTooManyArrays = " arrays are more than the limit (max_arrays) of ";
inline constexpr const char *kGgufTooManyValues = " metadata values are more than the limit (max_metadata) of ";

// Types of metadata values that have names here; the others are a dtype each.
inline constexpr uint32_t kGgufUint32 = 4;
inline constexpr uint32_t kGgufString = 8;
inline constexpr uint32_t kGgufArray = 9;

// The dtype of a number or bool in metadata; NULL for other types.
const Dtype *gguf_value_dtype(uint32_t type);
// The type in metadata of a dtype; false when there is none.
bool gguf_value_type(uint32_t *type, const Dtype &dtype);
// The dtype of a tensor; NULL: no such type, or one that was removed.
const Dtype *gguf_tensor_dtype(uint32_t type);
// The type of a tensor of that dtype; false when there is none.
bool gguf_tensor_type(uint32_t *type, const Dtype &dtype);

inline bool is_gguf_alignment(uint64_t alignment) {
  return std::has_single_bit(alignment) && alignment <= kGgufMaxAlignment;
}

// Decimal digits, as lists in a dict are named.
class DecimalName {
 public:
  explicit DecimalName(uint64_t number) : line_(buffer_, sizeof(buffer_)) { line_ << number; }
  Text text() const { return line_.text(); }

 private:
  char buffer_[24];
  LineWriter line_;
};

// Members of the format's row.
Status check_gguf(const SaveRequest &request);
Status lay_out_gguf(Layout &layout, const SaveRequest &request);

}  // namespace tfile

// src/format/gguf.cpp
#if !defined(TENSORFILE_NO_GGUF)
// Reading of GGUF: a header of metadata values and tensor records, then the tensors' data.
//
// Reading goes twice over the header, which is held in memory. The first pass checks everything and keeps no more than
// where keys and records begin, so that refusing a bad file costs little; the second builds what the caller gets.



namespace tfile {

namespace {

constexpr size_t kMostReadDimensions = 8;

// Types of metadata values: a number's or bool's dtype at its id, and the two that are not numbers.
constexpr tf_dtype kValueDtypes[] = {
    TF_DTYPE_UINT8,  TF_DTYPE_INT8,    TF_DTYPE_UINT16,  TF_DTYPE_INT16,       TF_DTYPE_UINT32,
    TF_DTYPE_INT32,  TF_DTYPE_FLOAT32, TF_DTYPE_BOOL,    TF_DTYPE_UNSUPPORTED, TF_DTYPE_UNSUPPORTED,
    TF_DTYPE_UINT64, TF_DTYPE_INT64,   TF_DTYPE_FLOAT64,
};
constexpr uint32_t kValueTypes = sizeof(kValueDtypes) / sizeof(kValueDtypes[0]);
// The fewest bytes that things of the header take.
constexpr uint64_t kLeastString = 8;
constexpr uint64_t kLeastArray = 12;
constexpr uint64_t kLeastValue = 13;   // with its key
constexpr uint64_t kLeastTensor = 24;  // one record

// Types of tensors that are no blocks; a block type's dtype is its id and this.
constexpr tf_dtype kFirstBlockDtype = 64;
struct PlainType {
  uint32_t id;
  tf_dtype dtype;
};
constexpr PlainType kPlainTypes[] = {
    {0, TF_DTYPE_FLOAT32}, {1, TF_DTYPE_FLOAT16}, {24, TF_DTYPE_INT8},    {25, TF_DTYPE_INT16},
    {26, TF_DTYPE_INT32},  {27, TF_DTYPE_INT64},  {28, TF_DTYPE_FLOAT64}, {30, TF_DTYPE_BFLOAT16},
};

}  // namespace

const Dtype *gguf_value_dtype(uint32_t type) {
  return type < kValueTypes ? find_dtype(kValueDtypes[type]) : nullptr;
}

bool gguf_value_type(uint32_t *type, const Dtype &dtype) {
  for (*type = 0; *type < kValueTypes; ++*type) {
    if (kValueDtypes[*type] == dtype.id) return true;
  }
  return false;
}

const Dtype *gguf_tensor_dtype(uint32_t type) {
  for (const PlainType &plain : kPlainTypes) {
    if (plain.id == type) return find_dtype(plain.dtype);
  }
  if (type > INT32_MAX - kFirstBlockDtype) return nullptr;
  const Dtype *const dtype = find_dtype(kFirstBlockDtype + static_cast<tf_dtype>(type));
  return dtype != nullptr && dtype->is_block() ? dtype : nullptr;
}

bool gguf_tensor_type(uint32_t *type, const Dtype &dtype) {
  for (const PlainType &plain : kPlainTypes) {
    *type = plain.id;
    if (plain.dtype == dtype.id) return true;
  }
  *type = static_cast<uint32_t>(dtype.id - kFirstBlockDtype);
  return dtype.is_block();
}

namespace {

// What a message is about.
enum class Subject : uint8_t { kFile, kKey, kTensor };

// The header in memory as far as it has been read, and a place in it.
class Header {
 public:
  Header(Memory &memory, const Source &source, const Settings &settings)
      : source_(source), limit_(header_limit(settings)), bytes_(memory) {}

  const Source &source() const { return source_; }
  bool big() const { return big_; }
  void set_big(bool big) { big_ = big; }
  uint64_t position() const { return position_; }
  // To a place before the end of what has been read.
  void seek(uint64_t position) { position_ = position; }
  const uint8_t *here() const { return bytes_.data() + position_; }

  // Names what follows in messages; name_at is where its length stands.
  void set_subject(Subject subject, uint64_t name_at) {
    subject_ = subject;
    subject_at_ = name_at;
  }
  Failure fail(tf_status status, uint64_t offset) const;

  // Has the next nbytes in memory. What was in memory may move.
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
  // A count of things that follow and take `least` bytes each, at least.
  Status read_count(uint64_t *count, uint64_t least, const char *things);
  Status skip_string();
  // Valid until the next need().
  Status read_string(Text *text);
  // The string whose length stands at a place that has been read.
  Text string_at(uint64_t place) const {
    const uint8_t *const length = bytes_.data() + place;
    return Text(reinterpret_cast<const char *>(length + 8), static_cast<size_t>(load<uint64_t>(length, big_)));
  }

 private:
  Status fill(uint64_t nbytes);

  const Source &source_;
  uint64_t limit_;
  Vec<uint8_t> bytes_;
  uint64_t position_ = 0;
  bool big_ = false;
  Subject subject_ = Subject::kFile;
  uint64_t subject_at_ = 0;
};

Failure Header::fail(tf_status status, uint64_t offset) const {
  Failure failure(status);
  failure.in(source_.label);
  if (subject_ == Subject::kKey) failure.key(string_at(subject_at_));
  if (subject_ == Subject::kTensor) failure.array(string_at(subject_at_));
  failure.at(offset);
  return failure;
}

// Reads on in pieces that grow to 1 MiB, for the header does not say how long it is.
Status Header::fill(uint64_t nbytes) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  constexpr uint64_t kFirstPieces[] = {kPiece / 16, kPiece / 4, kPiece};
  const uint64_t have = bytes_.size();
  if (nbytes > source_.size - position_) {
    return fail(TF_STATUS_TRUNCATED, position_)
           << "the header needs " << nbytes << " bytes more, but the file ends at " << source_.size;
  }
  const uint64_t end = position_ + nbytes;
  if (end > limit_) {
    return fail(TF_STATUS_LIMIT, position_)
           << "the header is longer than the limit (max_header_bytes) of " << limit_ << " bytes";
  }
  uint64_t target = have + kPiece;
  for (uint64_t piece : kFirstPieces) {
    if (have < piece && piece < target) target = piece;
  }
  target = std::min(std::max(target, end), std::min(source_.size, limit_));
  if (target > SIZE_MAX / 2) return fail(TF_STATUS_OUT_OF_MEMORY, position_) << "the header does not fit in memory";
  const uint64_t roomy = have >= kPiece ? std::max(target, std::min(have + have / 2, source_.size)) : target;
  TFILE_TRY(bytes_.reserve(static_cast<size_t>(roomy)));
  TFILE_TRY(bytes_.resize(static_cast<size_t>(target)));
  return read_at(source_, have, bytes_.data() + have, target - have, "");
}

Status Header::read_count(uint64_t *count, uint64_t least, const char *things) {
  const uint64_t start = position_;
  TFILE_TRY(read(count));
  const Checked size = Checked(*count) * least;
  const uint64_t left = source_.size - position_;
  if (!size.valid())
    return fail(TF_STATUS_CORRUPT, start) << *count << " " << things << " are more than a file can hold";
  if (size.value() > left) {
    return fail(TF_STATUS_TRUNCATED, start)
           << *count << " " << things << " need at least " << size.value() << " bytes, but only " << left << " follow";
  }
  return kOk;
}

Status Header::skip_string() {
  uint64_t length = 0;
  TFILE_TRY(read_count(&length, 1, "bytes of a string"));
  return skip(length);
}

Status Header::read_string(Text *text) {
  const uint64_t start = position_;
  TFILE_TRY(skip_string());
  *text = string_at(start);
  return kOk;
}

// A key or a tensor's name, checked; from then on messages name it.
Status read_name(Header &header, const Settings &settings, Subject subject) {
  const char *const what = subject == Subject::kKey ? "a key" : "a tensor's name";
  const uint64_t start = header.position();
  uint64_t length = 0;
  header.set_subject(Subject::kFile, 0);
  TFILE_TRY(header.read_count(&length, 1, subject == Subject::kKey ? "bytes of a key" : "bytes of a tensor's name"));
  TFILE_TRY(check_name_length(header.source(), settings, length, start));
  if (length == 0) return header.fail(TF_STATUS_CORRUPT, start) << what << " is empty";
  TFILE_TRY(header.skip(length));
  const Text name = header.string_at(start);
  if (const size_t valid = utf8_valid_prefix(name); valid < name.size()) {
    return header.fail(TF_STATUS_CORRUPT, start + 8 + valid) << what << " is not UTF-8";
  }
  if (const void *nul = memchr(name.data(), '\0', name.size()); nul != nullptr) {
    const auto place = static_cast<uint64_t>(static_cast<const char *>(nul) - name.data());
    return header.fail(TF_STATUS_CORRUPT, start + 8 + place) << what << " holds a NUL";
  }
  header.set_subject(subject, start);
  return kOk;
}

// Where the records of keys or of tensors begin, each of which begins with its name.
class Records {
 public:
  Records(Memory &memory, const Header &header) : header_(header), starts_(memory), index_(memory, name_at, this) {}

  // Room for count records, but for no more than a small header can lie about.
  Status reserve(uint64_t count) {
    constexpr uint64_t kMost = 16384;
    const auto room = static_cast<size_t>(std::min(count, kMost));
    TFILE_TRY(starts_.reserve(room));
    return index_.reserve(room);
  }
  Status add(uint64_t start) { return starts_.push(start); }
  // Checks that the names of the records since the last time are new.
  Status index(Header &header, Subject subject) {
    size_t found = NameIndex::kNone;
    size_t twin = 0;
    TFILE_TRY(index_.add_up_to(starts_.size(), &found, &twin));
    if (found == NameIndex::kNone) return kOk;
    header.set_subject(subject, starts_[found]);
    return header.fail(TF_STATUS_DUPLICATE, starts_[found]) << "the name was used before, at byte " << starts_[twin];
  }
  size_t size() const { return starts_.size(); }
  // The names by place, for a list of what the records mean.
  NameIndex &names() { return index_; }
  uint64_t operator[](size_t i) const { return starts_[i]; }

 private:
  static Text name_at(const void *owner, size_t place) {
    const auto &records = *static_cast<const Records *>(owner);
    return records.header_.string_at(records.starts_[place]);
  }

  const Header &header_;
  Vec<uint64_t> starts_;
  NameIndex index_;
};

// A header that has been checked.
struct Contents {
  Contents(Memory &memory, const Source &source, const Settings &settings)
      : memory(memory),
        settings(settings),
        header(memory, source, settings),
        keys(memory, header),
        tensors(memory, header) {}

  // Most tensors have the type of the one before.
  const Dtype *dtype_of(uint32_t type) {
    if (last_dtype == nullptr || type != last_type) {
      last_type = type;
      last_dtype = gguf_tensor_dtype(type);
    }
    return last_dtype;
  }

  Memory &memory;
  const Settings &settings;
  uint32_t last_type = 0;
  const Dtype *last_dtype = nullptr;
  Header header;
  Records keys;
  Records tensors;
  uint64_t alignment = kGgufAlignment;
  uint64_t values = 0;      // metadata values so far, those in lists of lists included
  uint64_t data_start = 0;  // in the file
  size_t name_bytes = 0;    // of the tensors' names, with a NUL each
  size_t ranks = 0;         // of all tensors
};

// One tensor's record.
struct Tensor {
  const Dtype *dtype = nullptr;
  int64_t shape[kMostReadDimensions];
  size_t rank = 0;
  Checked elements;
  uint64_t nbytes = 0;
  uint64_t offset = 0;  // in the data section

  Span<const int64_t> sizes() const { return {shape, rank}; }
};

Status check_magic(Header &header) {
  const uint64_t size = std::min<uint64_t>(header.source().size, sizeof(kGgufMagic));
  TFILE_TRY(header.need(size));
  if (size > 0 && memcmp(header.here(), kGgufMagic, static_cast<size_t>(size)) != 0) {
    return header.fail(TF_STATUS_FORMAT, 0) << "not a gguf file: it does not begin with 'GGUF'";
  }
  return header.skip(sizeof(kGgufMagic));
}

Status check_version(Header &header) {
  const uint64_t start = header.position();
  uint32_t version = 0;
  TFILE_TRY(header.read(&version));
  if ((version & 0xFFFF) == 0) {
    header.set_big(true);
    version = byteswap(version);
  }
  if (version == 2 || version == kGgufVersion) return kOk;
  return header.fail(TF_STATUS_UNSUPPORTED, start) << "gguf version " << version << "; supported are 2 and 3";
}

Status check_limit(const Header &header, uint64_t count, uint64_t limit, const char *too_many, uint64_t offset) {
  return count <= limit ? kOk : header.fail(TF_STATUS_LIMIT, offset) << count << too_many << limit;
}

Status check_value_limit(const Contents &contents, uint64_t offset) {
  const uint64_t limit = contents.settings.limit(TF_OPTION_MAX_METADATA);
  return check_limit(contents.header, contents.values, limit, kGgufTooManyValues, offset);
}

Status check_level(const Header &header, const Settings &settings, size_t level, uint64_t offset) {
  const uint64_t limit = settings.limit(TF_OPTION_MAX_NESTING);
  if (level > kGgufMaxLevels) {
    return header.fail(TF_STATUS_UNSUPPORTED, offset) << "arrays are nested deeper than " << uint64_t{kGgufMaxLevels};
  }
  if (level <= limit) return kOk;
  return header.fail(TF_STATUS_LIMIT, offset) << "arrays are nested deeper than the limit (max_nesting) of " << limit;
}

Status bad_type(const Header &header, uint32_t type, uint64_t offset) {
  return header.fail(TF_STATUS_CORRUPT, offset) << "there is no metadata type " << type;
}

// level counts the arrays around and including this one, at most kGgufMaxLevels.
Status scan_array(Contents &contents, size_t level) {
  Header &header = contents.header;
  const uint64_t start = header.position();
  uint32_t type = 0;
  uint64_t count = 0;
  TFILE_TRY(check_level(header, contents.settings, level, start));
  TFILE_TRY(header.read(&type));
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) {
    TFILE_TRY(header.read_count(&count, dtype->block_bytes, "elements"));
    return header.skip(count * dtype->block_bytes);
  }
  if (type == kGgufString) {
    TFILE_TRY(header.read_count(&count, kLeastString, "strings"));
    for (uint64_t i = 0; i < count; ++i)
      TFILE_TRY(header.skip_string());
    return kOk;
  }
  if (type != kGgufArray) return bad_type(header, type, start);
  TFILE_TRY(header.read_count(&count, kLeastArray, "arrays"));
  contents.values += count;
  TFILE_TRY(check_value_limit(contents, start));
  for (uint64_t i = 0; i < count; ++i)
    TFILE_TRY(scan_array(contents, level + 1));
  return kOk;
}

Status scan_alignment(Contents &contents, uint32_t type, uint64_t type_at) {
  Header &header = contents.header;
  uint32_t alignment = 0;
  if (type != kGgufUint32) {
    return header.fail(TF_STATUS_CORRUPT, type_at) << "metadata type " << type << ", expected uint32, " << kGgufUint32;
  }
  const uint64_t start = header.position();
  TFILE_TRY(header.read(&alignment));
  if (!is_gguf_alignment(alignment)) {
    return header.fail(TF_STATUS_CORRUPT, start)
           << "alignment " << alignment << ", expected a power of two of at most " << kGgufMaxAlignment;
  }
  contents.alignment = alignment;
  return kOk;
}

Status scan_value(Contents &contents) {
  Header &header = contents.header;
  const uint64_t start = header.position();
  uint32_t type = 0;
  TFILE_TRY(read_name(header, contents.settings, Subject::kKey));
  TFILE_TRY(contents.keys.add(start));
  TFILE_TRY(contents.keys.index(header, Subject::kKey));
  const uint64_t type_at = header.position();
  TFILE_TRY(header.read(&type));
  if (header.string_at(start) == kGgufAlignmentKey) return scan_alignment(contents, type, type_at);
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) return header.skip(dtype->block_bytes);
  if (type == kGgufString) return header.skip_string();
  return type == kGgufArray ? scan_array(contents, 1) : bad_type(header, type, type_at);
}

// The dimensions of a tensor, which a file has innermost first.
Status read_shape(Tensor *tensor, Header &header, const Settings &settings, uint64_t name_at) {
  const uint64_t start = header.position();
  uint32_t rank = 0;
  TFILE_TRY(header.read(&rank));
  if (rank > kMostReadDimensions) {
    return header.fail(TF_STATUS_CORRUPT, start) << rank << " dimensions, at most 8 are possible";
  }
  TFILE_TRY(check_rank(header.source(), settings, header.string_at(name_at), rank, start));
  tensor->rank = rank;
  for (size_t i = rank; i-- > 0;) {
    const uint64_t place = header.position();
    uint64_t size = 0;
    TFILE_TRY(header.read(&size));
    if (!Checked(size).valid()) return header.fail(TF_STATUS_CORRUPT, place) << "dimension " << size << " is too large";
    tensor->shape[i] = static_cast<int64_t>(size);
  }
  tensor->elements = element_count(tensor->sizes());
  if (tensor->elements.valid()) return kOk;
  return header.fail(TF_STATUS_CORRUPT, start).shape(tensor->sizes()) << " has too many elements";
}

Status read_type(Tensor *tensor, Contents &contents) {
  Header &header = contents.header;
  const uint64_t start = header.position();
  uint32_t type = 0;
  TFILE_TRY(header.read(&type));
  tensor->dtype = contents.dtype_of(type);
  if (tensor->dtype == nullptr) return header.fail(TF_STATUS_UNSUPPORTED, start) << "unknown ggml type " << type;
  const Dtype &dtype = *tensor->dtype;
  const int64_t row = tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 1;
  if (dtype.block_size > 1 && row % dtype.block_size != 0) {
    return header.fail(TF_STATUS_CORRUPT, start) << "rows of " << row << " are not whole blocks of " << dtype.name
                                                 << ", which have " << uint32_t{dtype.block_size} << " elements";
  }
  const bool plain = dtype.block_size == 1;
  const Checked nbytes = plain ? tensor->elements * dtype.block_bytes : byte_count(dtype, tensor->sizes());
  if (!nbytes.valid()) return header.fail(TF_STATUS_CORRUPT, start).shape(tensor->sizes()) << " has too many bytes";
  tensor->nbytes = nbytes.value();
  return kOk;
}

// The rest of a record, whose name has been read: checked but for its place among the others.
Status read_record(Tensor *tensor, Contents &contents, uint64_t start) {
  Header &header = contents.header;
  TFILE_TRY(read_shape(tensor, header, contents.settings, start));
  TFILE_TRY(read_type(tensor, contents));
  const uint64_t offset_at = header.position();
  TFILE_TRY(header.read(&tensor->offset));
  if ((tensor->offset & (contents.alignment - 1)) != 0) {
    return header.fail(TF_STATUS_CORRUPT, offset_at)
           << "offset " << tensor->offset << " is not a multiple of the alignment, " << contents.alignment;
  }
  // Room for the header and for padding on either side, so that nothing below can overflow.
  const Checked room = Checked(header.source().size) + 2 * kGgufMaxAlignment;
  if ((room + tensor->offset + tensor->nbytes).valid()) return kOk;
  return header.fail(TF_STATUS_CORRUPT, offset_at) << "offset " << tensor->offset << " is too large";
}

// Tensor i, which has been checked.
Status reread_record(Tensor *tensor, Contents &contents, size_t i) {
  const uint64_t start = contents.tensors[i];
  contents.header.seek(start);
  contents.header.set_subject(Subject::kTensor, start);
  TFILE_TRY(contents.header.skip_string());
  return read_record(tensor, contents, start);
}

// Where a tensor's data lie in the data section, and where its record begins in the header.
struct Extent_format_gguf {
  uint64_t offset;
  uint64_t nbytes;
  uint64_t record;

  uint64_t padded_end(uint64_t alignment) const { return Checked(offset + nbytes).align_up(alignment).value(); }
};

// Tensors whose data are not in the order of their records: holes and overlaps show once they are sorted.
Status check_unordered(Contents &contents) {
  Header &header = contents.header;
  Vec<Extent_format_gguf> extents(contents.memory);
  TFILE_TRY(extents.reserve(contents.tensors.size()));
  for (size_t i = 0; i < contents.tensors.size(); ++i) {
    Tensor tensor;
    TFILE_TRY(reread_record(&tensor, contents, i));
    TFILE_TRY(extents.push({tensor.offset, tensor.nbytes, contents.tensors[i]}));
  }
  std::sort(extents.begin(), extents.end(), [](const Extent_format_gguf &a, const Extent_format_gguf &b) {
    return a.offset != b.offset ? a.offset < b.offset : a.nbytes < b.nbytes;
  });
  uint64_t expected = 0;
  for (const Extent_format_gguf &extent : extents) {
    if (extent.offset != expected) {
      header.set_subject(Subject::kTensor, extent.record);
      return header.fail(TF_STATUS_CORRUPT, extent.record) << "offset " << extent.offset << ", expected " << expected
                                                           << ": the data must have neither holes nor overlaps";
    }
    expected = extent.padded_end(contents.alignment);
  }
  return kOk;
}

// Says which tensor's data the file ends before.
Status truncated(Contents &contents) {
  const Header &header = contents.header;
  const uint64_t size = header.source().size;
  for (size_t i = 0; i < contents.tensors.size(); ++i) {
    Tensor tensor;
    TFILE_TRY(reread_record(&tensor, contents, i));
    const uint64_t start = contents.data_start + tensor.offset;
    if (start + tensor.nbytes <= size) continue;
    return header.fail(TF_STATUS_TRUNCATED, size)
           << "the data are bytes " << start << " to " << start + tensor.nbytes << ", but the file ends at " << size;
  }
  return header.fail(TF_STATUS_INTERNAL, size) << "no tensor lies beyond the end";
}

// Of all tensors' data.
struct Layout_format_gguf {
  bool ordered = true;    // as their records are, without a hole
  uint64_t expected = 0;  // where those of the next would begin
  uint64_t end = 0;
};

Status scan_records(Layout_format_gguf *layout, Contents &contents, uint64_t count) {
  constexpr size_t kIndexedAtOnce = 64;
  Header &header = contents.header;
  TFILE_TRY(contents.tensors.reserve(count));
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t start = header.position();
    Tensor tensor;
    TFILE_TRY(read_name(header, contents.settings, Subject::kTensor));
    contents.name_bytes += static_cast<size_t>(header.position() - start - kLeastString + 1);
    TFILE_TRY(contents.tensors.add(start));
    TFILE_TRY(read_record(&tensor, contents, start));
    contents.ranks += tensor.rank;
    layout->ordered = layout->ordered && tensor.offset == layout->expected;
    layout->expected = Extent_format_gguf{tensor.offset, tensor.nbytes, start}.padded_end(contents.alignment);
    layout->end = std::max(layout->end, tensor.offset + tensor.nbytes);
    if (contents.tensors.size() % kIndexedAtOnce == 0) TFILE_TRY(contents.tensors.index(header, Subject::kTensor));
  }
  return kOk;
}

Status scan_tensors(Contents &contents, uint64_t count) {
  Header &header = contents.header;
  Layout_format_gguf layout;
  const Status status = scan_records(&layout, contents, count);
  // A name that was used before stands before what ended the scan.
  TFILE_TRY(contents.tensors.index(header, Subject::kTensor));
  TFILE_TRY(status);
  const bool ordered = layout.ordered;
  const uint64_t end = layout.end;
  contents.data_start = Checked(header.position()).align_up(contents.alignment).value();
  if (!ordered) TFILE_TRY(check_unordered(contents));
  const uint64_t size = header.source().size;
  if (count > 0 && contents.data_start + end > size) return truncated(contents);
  header.set_subject(Subject::kFile, 0);
  const uint64_t padded = Checked(contents.data_start + end).align_up(contents.alignment).value();
  if (size <= padded || contents.settings.on(TF_OPTION_LENIENT)) return kOk;
  return header.fail(TF_STATUS_CORRUPT, padded) << size - padded << " bytes follow the last tensor and its padding";
}

Status scan(Contents &contents) {
  Header &header = contents.header;
  const Settings &settings = contents.settings;
  uint64_t tensors = 0;
  TFILE_TRY(check_magic(header));
  TFILE_TRY(check_version(header));
  const uint64_t counts_at = header.position();
  TFILE_TRY(header.read_count(&tensors, kLeastTensor, "tensors"));
  TFILE_TRY(check_limit(header, tensors, settings.limit(TF_OPTION_MAX_ARRAYS), kGgufTooManyArrays, counts_at));
  TFILE_TRY(header.read_count(&contents.values, kLeastValue, "metadata values"));
  TFILE_TRY(check_value_limit(contents, counts_at + 8));
  const uint64_t values = contents.values;
  for (uint64_t i = 0; i < values; ++i)
    TFILE_TRY(scan_value(contents));
  return scan_tensors(contents, tensors);
}

template <typename T>
void copy_scalars(char *to, const uint8_t *from, size_t count, bool big) {
  for (size_t i = 0; i < count; ++i) {
    const T value = load<T>(from + i * sizeof(T), big);
    memcpy(to + i * sizeof(T), &value, sizeof(T));
  }
}

// From the file's byte order to the host's; bools become 0 and 1.
void copy_numbers(const Array &to, const uint8_t *from, bool big) {
  const auto count = static_cast<size_t>(to.size);
  if (to.dtype->kind == DtypeClass::kBool) {
    for (size_t i = 0; i < count; ++i)
      to.data[i] = from[i] != 0;
  } else if (big == kHostIsBig || to.dtype->scalar == 1) {
    if (count > 0) memcpy(to.data, from, static_cast<size_t>(to.nbytes));
  } else if (to.dtype->scalar == 2) {
    copy_scalars<uint16_t>(to.data, from, count, big);
  } else if (to.dtype->scalar == 4) {
    copy_scalars<uint32_t>(to.data, from, count, big);
  } else {
    copy_scalars<uint64_t>(to.data, from, count, big);
  }
}

Status build_numbers(Dict &dict, Text key, Header &header, const Dtype &dtype, Span<const int64_t> shape) {
  Ref<Array> array;
  TFILE_TRY(make_array(array, *dict.memory, dtype, shape));
  TFILE_TRY(header.need(array->nbytes));
  copy_numbers(*array, header.here(), header.big());
  TFILE_TRY(header.skip(array->nbytes));
  return dict.set_array(key, *array);
}

Status build_strings(Dict &dict, Text key, Header &header, uint64_t count) {
  StringList *list = nullptr;
  TFILE_TRY(dict.set_string_list(key, &list));
  TFILE_TRY(list->ends.reserve(static_cast<size_t>(count)));
  for (uint64_t i = 0; i < count; ++i) {
    Text text;
    TFILE_TRY(header.read_string(&text));
    TFILE_TRY(list->append(text));
  }
  return kOk;
}

// An array of any type; scan_array() has seen that it is not nested too deep.
Status build_array(Dict &dict, Text key, Header &header) {
  uint32_t type = 0;
  uint64_t count = 0;
  TFILE_TRY(header.read(&type));
  TFILE_TRY(header.read(&count));
  if (type == kGgufString) return build_strings(dict, key, header, count);
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) {
    const auto size = static_cast<int64_t>(count);
    return build_numbers(dict, key, header, *dtype, Span<const int64_t>(&size, 1));
  }
  Ref<Dict> elements;
  TFILE_TRY(make_dict(elements, *dict.memory));
  for (uint64_t i = 0; i < count; ++i)
    TFILE_TRY(build_array(*elements, DecimalName(i).text(), header));
  return dict.set_dict(key, *elements);
}

Status build_value(Dict &dict, Header &header, uint64_t start) {
  uint32_t type = 0;
  Text key;
  Text text;
  header.seek(start);
  TFILE_TRY(header.read_string(&key));
  TFILE_TRY(header.read(&type));
  if (type == kGgufArray) return build_array(dict, key, header);
  if (const Dtype *const dtype = gguf_value_dtype(type); dtype != nullptr) {
    return build_numbers(dict, key, header, *dtype, Span<const int64_t>());
  }
  TFILE_TRY(header.read_string(&text));
  return dict.set_string(key, text);
}

// Of a big-endian file: dtypes whose order cannot be turned are listed, and not read.
Status set_byte_order(Member *member, Arena &arena) {
  const Dtype &dtype = *member->dtype;
  member->big_endian = dtype.is_block() || dtype.scalar > 1;
  if (!dtype.is_block() || can_swap(dtype)) return kOk;
  char buffer[64];
  LineWriter reason(buffer, sizeof(buffer));
  reason << "dtype '" << dtype.name << "' in big-endian order";
  member->dtype = nullptr;
  member->big_endian = false;
  return arena.copy(&member->reason, reason.text());
}

// shapes has room for those that are still to come.
Status build_member(Listing &listing, int64_t **shapes, Contents &contents, size_t i) {
  Header &header = contents.header;
  const uint64_t start = contents.tensors[i];
  Tensor tensor;
  Member member;
  TFILE_TRY(reread_record(&tensor, contents, i));
  TFILE_TRY(listing.arena.copy(&member.name, header.string_at(start)));
  if (tensor.rank > 0) memcpy(*shapes, tensor.shape, tensor.rank * sizeof(int64_t));
  member.shape = Span<const int64_t>(*shapes, tensor.rank);
  *shapes += tensor.rank;
  member.dtype = tensor.dtype;
  member.nbytes = tensor.nbytes;
  member.stored = tensor.nbytes;
  member.offset = contents.data_start + tensor.offset;
  if (header.big()) TFILE_TRY(set_byte_order(&member, listing.arena));
  return listing.members.push(member);
}

Status build_members(Listing &listing, Contents &contents) {
  const size_t shape_bytes = contents.ranks * sizeof(int64_t);
  void *room = nullptr;
  TFILE_TRY(listing.arena.reserve(shape_bytes + contents.name_bytes + alignof(int64_t)));
  TFILE_TRY(listing.arena.take(&room, shape_bytes, alignof(int64_t)));
  auto *shapes = static_cast<int64_t *>(room);
  TFILE_TRY(listing.members.reserve(contents.tensors.size()));
  for (size_t i = 0; i < contents.tensors.size(); ++i)
    TFILE_TRY(build_member(listing, &shapes, contents, i));
  listing.take_names(contents.tensors.names());
  return kOk;
}

bool probe_gguf(Bytes head) {
  return head.size() >= sizeof(kGgufMagic) && memcmp(head.data(), kGgufMagic, sizeof(kGgufMagic)) == 0;
}

Status list_gguf(Listing &listing, const Source &source, const Settings &settings) {
  Contents contents(listing.memory, source, settings);
  TFILE_TRY(scan(contents));
  for (size_t i = 0; i < contents.keys.size(); ++i)
    TFILE_TRY(build_value(*listing.metadata, contents.header, contents.keys[i]));
  return build_members(listing, contents);
}

}  // namespace

const Format kGgufFormat = {
    TF_FORMAT_GGUF, "gguf", ".gguf", true, probe_gguf, list_gguf, check_gguf, lay_out_gguf, nullptr,
};

}  // namespace tfile
#endif  // !defined(TENSORFILE_NO_GGUF)

// src/format/write.h
// What all writers share: arrays in C order (or Fortran's), little-endian, through a bounded piece of memory; and whole
// requests, from any format to any sink.


namespace tfile {

// Takes the bytes of an array piece by piece.
using PieceFn = Status (*)(void *context, const void *bytes, size_t nbytes);

// The elements of an array as a file has them: C order, or Fortran order when asked, little-endian. Contiguous data are
// handed over where they lie; others are copied together in pieces of at most 1 MiB.
Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn take, void *context);

// Writes a request that the format's check() has passed. Where the sink puts bytes anywhere, several threads write.
Status write_request(Sink &sink, const Format &format, const SaveRequest &request);

// Writes arrays whose bytes come one after another, in any pieces. The arrays of its request have no data.
class StreamWriter {
 public:
  explicit StreamWriter(Memory &memory) : layout_(memory), places_(memory), room_(memory) {}
  StreamWriter(const StreamWriter &) = delete;
  StreamWriter &operator=(const StreamWriter &) = delete;
  ~StreamWriter();

  // The request, which check() has passed, and the sink must outlive *this.
  Status begin(Sink &sink, const Format &format, const SaveRequest &request);
  // Whether there is an array that still lacks bytes; after begin().
  bool wants() const { return current_ < request_->arrays.size(); }
  // That array, and how many it lacks.
  size_t current() const { return current_; }
  uint64_t missing() const { return array().nbytes - taken_ - held_; }
  // Takes the next bytes, as they lie in memory, until none is left or no array lacks any; cut at their front by those.
  Status write(Bytes *bytes);
  // When no array lacks any.
  Status finish();

 private:
  const Array &array() const { return *request_->arrays[current_].array; }
  Status begin_arrays();
  Status begin_array();
  Status end_array();
  Status write_text(size_t last);
  Status take(const uint8_t *bytes, size_t nbytes);
  Status take_swapped(const uint8_t *bytes, size_t nbytes);
  Status emit(uint64_t offset, const uint8_t *bytes, size_t nbytes);
  Status flush();
  Status patch_text(const Layout::Segment &segment, size_t place);

  Sink *sink_ = nullptr;
  const Format *format_ = nullptr;
  const SaveRequest *request_ = nullptr;
  Layout layout_;
  Vec<size_t> places_;  // of each array's segment
  Output *output_ = nullptr;
  Packer *packer_ = nullptr;
  size_t current_ = 0;
  uint64_t taken_ = 0;  // bytes of the current array, without those in scalars_
  uint32_t crc_ = 0;    // of the current array
  Vec<uint8_t> room_;   // bytes that are to be put at room_at_, together
  uint64_t room_at_ = 0;
  uint8_t scalars_[4096];  // of a big-endian host, to be reversed
  size_t held_ = 0;
};

}  // namespace tfile

// src/format/gguf_write.cpp
#if !defined(TENSORFILE_NO_GGUF)
// Writing of GGUF: the header is made in memory, then the data follow as they are.

namespace tfile {

namespace {

constexpr size_t kMostWrittenDimensions = 4;
constexpr size_t kMaxName = 63;
constexpr size_t kMaxKey = 65535;

// Puts the fields of a header behind one another, or, without `out`, only counts their bytes.
class Fields_format_gguf_write {
 public:
  Fields_format_gguf_write(Vec<uint8_t> *out, Memory &memory) : out_(out), memory_(memory) {}

  Checked size() const { return size_; }
  Status bytes(const void *from, size_t nbytes) {
    size_ = size_ + nbytes;
    return out_ != nullptr ? out_->append(static_cast<const uint8_t *>(from), nbytes) : kOk;
  }
  template <typename T>
  Status number(T value) {
    uint8_t stored[sizeof(T)];
    store_le(stored, value);
    return bytes(stored, sizeof(T));
  }
  Status string(Text text) {
    TFILE_TRY(number<uint64_t>(text.size()));
    return bytes(text.data(), text.size());
  }
  Status numbers(const Array &array) {
    if (out_ != nullptr) return for_each_piece(array, false, memory_, take, this);
    size_ = size_ + array.nbytes;
    return kOk;
  }

 private:
  static Status take(void *fields, const void *from, size_t nbytes) {
    return static_cast<Fields_format_gguf_write *>(fields)->bytes(from, nbytes);
  }

  Vec<uint8_t> *out_;
  Memory &memory_;
  Checked size_ = 0;
};

// Where array data go, and whether the metadata have yet to say so.
struct Alignment {
  uint64_t value = kGgufAlignment;
  bool add_key = false;
};

Status find_alignment(Alignment *out, const SaveRequest &request) {
  const uint64_t asked = request.settings.limit(TF_OPTION_ALIGNMENT);
  const DictEntry *const entry = request.metadata != nullptr ? request.metadata->find(kGgufAlignmentKey) : nullptr;
  if (entry == nullptr) {
    *out = Alignment{asked != 0 ? asked : kGgufAlignment, asked != 0};
    return kOk;
  }
  if (entry->kind != TF_KIND_ARRAY || entry->array->dtype->id != TF_DTYPE_UINT32 || entry->array->ndim != 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).key(kGgufAlignmentKey) << "expected a uint32 scalar";
  }
  uint32_t own = 0;
  memcpy(&own, entry->array->data, sizeof(own));
  if (!is_gguf_alignment(own)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).key(kGgufAlignmentKey)
           << own << " is not a power of two of at most " << kGgufMaxAlignment;
  }
  if (asked != 0 && asked != own) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).key(kGgufAlignmentKey)
           << own << " contradicts the option (alignment), " << asked;
  }
  *out = Alignment{own, false};
  return kOk;
}

// The type of an entry's value in metadata that check_gguf() has passed.
uint32_t entry_type(const DictEntry &entry) {
  uint32_t type = kGgufArray;
  if (entry.kind == TF_KIND_STRING) return kGgufString;
  if (entry.kind == TF_KIND_ARRAY && entry.array->ndim == 0) gguf_value_type(&type, *entry.array->dtype);
  return type;
}

// What an ARRAY has behind its own type: the type of its elements, their count, and they.
Status put_array(Fields_format_gguf_write &fields, const DictEntry &entry) {
  if (entry.kind == TF_KIND_ARRAY) {
    uint32_t type = 0;
    gguf_value_type(&type, *entry.array->dtype);
    TFILE_TRY(fields.number(type));
    TFILE_TRY(fields.number(static_cast<uint64_t>(entry.array->size)));
    return fields.numbers(*entry.array);
  }
  if (entry.kind == TF_KIND_STRING_LIST) {
    TFILE_TRY(fields.number(kGgufString));
    TFILE_TRY(fields.number<uint64_t>(entry.list->size()));
    for (size_t i = 0; i < entry.list->size(); ++i)
      TFILE_TRY(fields.string(entry.list->at(i)));
    return kOk;
  }
  TFILE_TRY(fields.number(kGgufArray));
  TFILE_TRY(fields.number<uint64_t>(entry.dict->size()));
  for (size_t i = 0; i < entry.dict->size(); ++i)
    TFILE_TRY(put_array(fields, entry.dict->at(i)));
  return kOk;
}

Status put_value(Fields_format_gguf_write &fields, const DictEntry &entry) {
  const uint32_t type = entry_type(entry);
  TFILE_TRY(fields.string(entry.key));
  TFILE_TRY(fields.number(type));
  if (type == kGgufArray) return put_array(fields, entry);
  return type == kGgufString ? fields.string(entry.string) : fields.numbers(*entry.array);
}

// One tensor's record; *offset, that of its data, moves on to the next tensor's.
Status put_tensor(Fields_format_gguf_write &fields, const NamedArray &named, uint64_t alignment, Checked *offset) {
  const Array &array = *named.array;
  uint32_t type = 0;
  gguf_tensor_type(&type, *array.dtype);
  TFILE_TRY(fields.string(named.name));
  TFILE_TRY(fields.number(static_cast<uint32_t>(array.ndim)));
  for (size_t i = array.ndim; i-- > 0;)
    TFILE_TRY(fields.number(static_cast<uint64_t>(array.shape()[i])));
  TFILE_TRY(fields.number(type));
  TFILE_TRY(fields.number(offset->value()));
  *offset = (*offset + array.nbytes).align_up(alignment);
  if (offset->valid()) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED).array(named.name) << "the data of all arrays do not fit in a file";
}

Status put_header_format_gguf_write(Fields_format_gguf_write &fields, const SaveRequest &request, const Alignment &alignment) {
  const size_t values = request.metadata != nullptr ? request.metadata->size() : 0;
  TFILE_TRY(fields.bytes(kGgufMagic, sizeof(kGgufMagic)));
  TFILE_TRY(fields.number(kGgufVersion));
  TFILE_TRY(fields.number<uint64_t>(request.arrays.size()));
  TFILE_TRY(fields.number<uint64_t>(values + (alignment.add_key ? 1 : 0)));
  for (size_t i = 0; i < values; ++i)
    TFILE_TRY(put_value(fields, request.metadata->at(i)));
  if (alignment.add_key) {
    TFILE_TRY(fields.string(kGgufAlignmentKey));
    TFILE_TRY(fields.number(kGgufUint32));
    TFILE_TRY(fields.number(static_cast<uint32_t>(alignment.value)));
  }
  Checked offset = 0;
  for (const NamedArray &named : request.arrays)
    TFILE_TRY(put_tensor(fields, named, alignment.value, &offset));
  return kOk;
}

// Why a key or a tensor's name cannot be written; NULL: it can.
const char *refuse_name(Text name, size_t longest) {
  if (name.empty()) return "the name is empty";
  if (name.size() > longest) return longest == kMaxName ? "the name has more than 63 bytes" : "the key is too long";
  if (!is_utf8(name)) return "the name is not UTF-8";
  return memchr(name.data(), '\0', name.size()) != nullptr ? "the name holds a NUL" : nullptr;
}

void refuse_array(Refusals &refusals, const NamedArray &named) {
  const Array &array = *named.array;
  uint32_t type = 0;
  if (const char *const reason = refuse_name(named.name, kMaxName); reason != nullptr) {
    refusals.add(named.name) << reason;
  } else if (!gguf_tensor_type(&type, *array.dtype)) {
    refusals.add(named.name) << "dtype " << array.dtype->name;
  } else if (array.ndim > kMostWrittenDimensions) {
    refusals.add(named.name) << static_cast<uint64_t>(array.ndim) << " dimensions, at most 4 are possible";
  }
}

// What the metadata come to, for the limits.
struct Tally {
  uint64_t values = 0;
  uint64_t levels = 0;  // of nested arrays
};

// Adds to the tally what is within an entry.
void refuse_value(Refusals &refusals, Text key, const DictEntry &entry, size_t level, Tally *tally);

// A dict must be what nested arrays are read as.
void refuse_dict(Refusals &refusals, Text key, const Dict &dict, size_t level, Tally *tally) {
  tally->values += dict.size();
  for (size_t i = 0; i < dict.size(); ++i) {
    const DictEntry &entry = dict.at(i);
    if (!(entry.key == DecimalName(i).text())) {
      refusals.add(key) << "a dict that names element " << static_cast<uint64_t>(i) << " '" << entry.key << "'";
      return;
    }
    if (entry_type(entry) != kGgufArray) {
      refusals.add(key) << "element " << entry.key << " of a dict is no array, list or dict";
      return;
    }
    refuse_value(refusals, key, entry, level + 1, tally);
  }
}

void refuse_value(Refusals &refusals, Text key, const DictEntry &entry, size_t level, Tally *tally) {
  uint32_t type = 0;
  if (entry_type(entry) == kGgufArray && level > tally->levels) tally->levels = level;
  if (entry.kind == TF_KIND_ARRAY && !gguf_value_type(&type, *entry.array->dtype)) {
    refusals.add(key) << "metadata of dtype " << entry.array->dtype->name;
  } else if (entry.kind == TF_KIND_ARRAY && entry.array->ndim > 1) {
    refusals.add(key) << "metadata of " << static_cast<uint64_t>(entry.array->ndim) << " dimensions";
  } else if (level > kGgufMaxLevels) {
    refusals.add(key) << "arrays nested deeper than " << uint64_t{kGgufMaxLevels};
  } else if (entry.kind == TF_KIND_DICT) {
    refuse_dict(refusals, key, *entry.dict, level, tally);
  }
}

// What a save with these settings writes, a load with them reads.
Status check_limits_format_gguf_write(const SaveRequest &request, const Alignment &alignment, const Tally &tally) {
  const Settings &settings = request.settings;
  Fields_format_gguf_write header(nullptr, settings.memory());
  TFILE_TRY(put_header_format_gguf_write(header, request, alignment));
  if (!header.size().valid()) return Failure(TF_STATUS_UNSUPPORTED) << "the header does not fit in a file";
  const struct {
    uint64_t count;
    uint64_t limit;
    const char *things;
  } rows[] = {
      {request.arrays.size(), settings.limit(TF_OPTION_MAX_ARRAYS), kGgufTooManyArrays},
      {tally.values, settings.limit(TF_OPTION_MAX_METADATA), kGgufTooManyValues},
      {tally.levels, settings.limit(TF_OPTION_MAX_NESTING),
       " levels of nested arrays are more than the limit (max_nesting) of "},
      {header.size().value(), header_limit(settings),
       " bytes of header are more than the limit (max_header_bytes) of "},
  };
  for (const auto &row : rows) {
    if (row.count > row.limit) return Failure(TF_STATUS_LIMIT) << row.count << row.things << row.limit;
  }
  return kOk;
}

}  // namespace

Status check_gguf(const SaveRequest &request) {
  Alignment alignment;
  Refusals refusals;
  TFILE_TRY(find_alignment(&alignment, request));
  for (const NamedArray &named : request.arrays)
    refuse_array(refusals, named);
  const size_t count = request.metadata != nullptr ? request.metadata->size() : 0;
  Tally tally{count + (alignment.add_key ? 1 : 0), 0};
  for (size_t i = 0; i < count; ++i) {
    const DictEntry &entry = request.metadata->at(i);
    if (const char *const reason = refuse_name(entry.key, kMaxKey); reason != nullptr) {
      refusals.add(entry.key) << reason;
    } else {
      refuse_value(refusals, entry.key, entry, 1, &tally);
    }
  }
  TFILE_TRY(refusals.result(TF_STATUS_UNSUPPORTED, "", "gguf cannot hold"));
  return check_limits_format_gguf_write(request, alignment, tally);
}

Status lay_out_gguf(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Alignment alignment;
  Vec<uint8_t> header(memory);
  Fields_format_gguf_write fields(&header, memory);
  TFILE_TRY(find_alignment(&alignment, request));
  TFILE_TRY(put_header_format_gguf_write(fields, request, alignment));
  TFILE_TRY(layout.write(header.data(), header.size()));
  TFILE_TRY(layout.pad_to(alignment.value));
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    TFILE_TRY(layout.add_array(i, request.arrays[i].array->nbytes));
    TFILE_TRY(layout.pad_to(alignment.value));
  }
  return kOk;
}

}  // namespace tfile
#endif  // !defined(TENSORFILE_NO_GGUF)

// src/format/layout.cpp
namespace tfile {

namespace {

// Fewer zeros stand in the text like anything else.
constexpr uint64_t kManyZeros = 4096;

}  // namespace

Status Layout::add(const Segment &segment) {
  const Checked end = Checked(size) + segment.nbytes;
  if (!end.valid()) return Failure(TF_STATUS_UNSUPPORTED) << "the data of all arrays do not fit in a file";
  TFILE_TRY(segments.push(segment));
  size = end.value();
  return kOk;
}

Status Layout::write(const void *bytes, size_t nbytes) {
  if (nbytes == 0) return kOk;
  const size_t place = text.size();
  TFILE_TRY(text.append(static_cast<const uint8_t *>(bytes), nbytes));
  if (segments.empty() || segments.back().kind != Kind::kText) {
    return add(Segment{Kind::kText, false, size, nbytes, place});
  }
  segments.back().nbytes += nbytes;
  size += nbytes;
  return kOk;
}

Status Layout::write_zeros(uint64_t count) {
  if (count >= kManyZeros) return add(Segment{Kind::kGap, false, size, count, 0});
  constexpr uint8_t kZeros[kManyZeros] = {};
  return write(kZeros, static_cast<size_t>(count));
}

Status Layout::add_array(size_t place, uint64_t nbytes, bool fortran) {
  return nbytes > 0 ? add(Segment{Kind::kArray, fortran, size, nbytes, place}) : kOk;
}

void Layout::set_checksum(size_t array, uint32_t crc) {
  checksums[array].crc = crc;
  for (const size_t place : checksums[array].places) {
    if (place != Checksum::kNowhere) store_le(text.data() + place, crc);
  }
}

}  // namespace tfile

// src/format/member_stream.h
// MemberStream: the bytes of a member, one after another, from plain or deflated storage.



namespace tfile {

// The stored bytes of a member from its first array byte on, read in rising order: of a plain member by position, of a
// deflated one by inflating whatever comes before. The checksum goes along as long as no byte is left out.
class MemberStream {
 public:
  // whole: every byte will be read. The source and the member must outlive *this.
  MemberStream(const Source &source, const Member &member, Memory &memory, bool whole)
      : source_(source),
        member_(member),
        memory_(memory),
        inflater_(memory),
        input_(memory),
        chunks_(source, member, memory),
        held_(memory),
        jumps_(!whole && !member.chunks.empty()) {}

  Memory &memory() const { return memory_; }
  // Whether read(offset) of the member can be the next.
  bool leads_to(const Member &member, uint64_t offset) const {
    return &member == &member_ && (!member_.deflated || jumps_ || position_ <= offset);
  }
  // Whether every byte of the array has been seen.
  bool complete() const { return summed_ == member_.nbytes; }
  // Whether another stream would serve what is still to come as well.
  bool spent() const { return complete() && !jumps_; }

  Status begin();
  Status read(uint64_t offset, void *to, uint64_t nbytes);
  // Once it is complete: the stream must end here, and its checksum agree.
  Status finish();

 private:
  Failure failure(tf_status status) const;
  // Takes the next bytes of the array into its checksum.
  void sum(const void *bytes, size_t nbytes);
  // Reads out of the chunks that have what is wanted, the last one of which stays here; jumps_ is false afterwards where
  // that cannot be.
  Status jump(uint64_t offset, uint8_t *to, uint64_t nbytes);
  // Makes sure that there is input, unless the member has no more.
  Status refill();
  // Inflates nbytes to `to`; NULL: drops them.
  Status inflate(uint8_t *to, uint64_t nbytes);
  Status run(Span<uint8_t> *output);
  Status finish_stream();

  const Source &source_;
  const Member &member_;
  Memory &memory_;
  Inflater inflater_;
  Vec<uint8_t> input_;
  Bytes pending_;          // inflater's input not yet used
  uint64_t taken_ = 0;     // stored bytes read into input_
  uint64_t position_ = 0;  // next array byte
  uint64_t summed_ = 0;    // array bytes that crc_ is of
  uint32_t crc_ = 0;       // of the header too
  ChunkInflater chunks_;
  Vec<uint8_t> held_;  // a chunk of a slice
  size_t held_chunk_ = SIZE_MAX;
  bool jumps_;  // reads only the chunks that are wanted
  bool done_ = false;
};

// Where the last slice of a member with a checksum ended, so that one that follows it goes on from there. Any thread may
// take what is here; the others then begin anew.
class SliceCursor {
 public:
  SliceCursor() = default;
  ~SliceCursor() { keep(nullptr); }
  SliceCursor(const SliceCursor &) = delete;
  SliceCursor &operator=(const SliceCursor &) = delete;

  // What was kept, which is then the caller's; NULL: nothing.
  MemberStream *take() { return stream_.exchange(nullptr, std::memory_order_acquire); }
  void keep(MemberStream *stream);

 private:
  std::atomic<MemberStream *> stream_{nullptr};
};

}  // namespace tfile

// src/format/read.h
// Reading the members of a listing: whole, mapped, or a slice; from plain or deflated bytes.


namespace tfile {

// Elements that are converted at once: whole units of every dtype.
inline constexpr uint64_t kConvertedAtOnce = 1024;

// Writes count elements, which begin with the member's element `first`, to `to` as another dtype.
using ConvertFn = Status (*)(void *to, const Dtype &dtype, const void *from, const Member &member, uint64_t first,
                             uint64_t count);

// A whole member, the file that it is in, and where its elements go, in C order, at any address.
struct ReadTarget {
  const Source *source;
  const Member *member;
  void *to;                      // member->nbytes; with convert: what the elements take as dtype
  ConvertFn convert = nullptr;   // NULL: as stored
  const Dtype *dtype = nullptr;  // what convert makes
};

// Reads members on as many threads as the settings and the sources allow, neighbours together and large ones in pieces,
// and reports progress (read_members.cpp). The order of the targets is any; they are sorted.
Status read_members(Vec<ReadTarget> &targets, const Settings &settings);

// One member, whole and in C order, by one thread.
Status read_whole(void *to, const Source &source, const Member &member, Memory &memory);

// Whether the stored bytes are in another order than the host's.
bool needs_swap(const Member &member);
// Turns stored bytes into those of an array in memory, in place.
void finish_bytes(const Member &member, void *data, size_t nbytes);
// CORRUPT unless crc, of all of a member's bytes, is what its directory says.
Status check_crc(const Source &source, const Member &member, uint32_t crc);

// A slice, C-contiguous, into `to`, which has the bytes that the slice needs. Where slices that followed one another
// have had every byte of a member, its checksum is compared.
Status read_slice_into(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                       const Settings &settings, SliceCursor &cursor);

// An array over the source's own bytes; out stays empty where they cannot serve as they are (see TF_LOAD_MODE_MAP).
Status map_member(Ref<Array> &out, Source &source, const Member &member, Memory &memory);

// UNSUPPORTED when the member is of a type that we do not know.
Status check_known(const Source &source, const Member &member);

}  // namespace tfile

// src/format/member_stream.cpp
namespace tfile {

namespace {

// Stored bytes that are read at a time.
constexpr size_t kInput_format_member_stream = size_t{64} << 10;
// Bytes that are inflated at a time: enough that a call costs nothing beside it.
constexpr uint64_t kPiece_format_member_stream = uint64_t{8} << 20;

}  // namespace

Status MemberStream::begin() {
  crc_ = member_.deflated ? 0 : member_.head_crc32;
  summed_ = 0;
  if (!member_.deflated || jumps_) return kOk;
  TFILE_TRY(input_.resize(kInput_format_member_stream));
  TFILE_TRY(inflater_.begin());
  TFILE_TRY(inflate(nullptr, member_.head));
  summed_ = 0;  // the header's bytes are not the array's
  return kOk;
}

Status MemberStream::read(uint64_t offset, void *to, uint64_t nbytes) {
  if (jumps_) {
    TFILE_TRY(jump(offset, static_cast<uint8_t *>(to), nbytes));
    if (jumps_) return kOk;
    // The chunks are not what the directory says: all is inflated from the beginning.
    TFILE_TRY(begin());
  }
  if (member_.deflated) {
    TFILE_TRY(inflate(nullptr, offset - position_));
    TFILE_TRY(inflate(static_cast<uint8_t *>(to), nbytes));
  } else {
    TFILE_TRY(read_at(source_, member_.offset + offset, to, nbytes, member_.name));
    if (offset == summed_) sum(to, static_cast<size_t>(nbytes));
  }
  position_ = offset + nbytes;
  return kOk;
}

Status MemberStream::finish() {
  if (member_.deflated && !jumps_) TFILE_TRY(finish_stream());
  return member_.has_crc ? check_crc(source_, member_, crc_) : kOk;
}

Failure MemberStream::failure(tf_status status) const {
  Failure made(status);
  made.in(source_.label).array(member_.name);
  return made;
}

void MemberStream::sum(const void *bytes, size_t nbytes) {
  if (member_.has_crc) crc_ = crc32_update(crc_, bytes, nbytes);
  summed_ += nbytes;
}

Status MemberStream::jump(uint64_t offset, uint8_t *to, uint64_t nbytes) {
  while (nbytes > 0) {
    const auto chunk = static_cast<size_t>(offset / member_.chunk);
    if (chunk != held_chunk_) {
      held_chunk_ = SIZE_MAX;
      TFILE_TRY(held_.resize(static_cast<size_t>(chunks_.size(chunk))));
      TFILE_TRY(chunks_.chunk(&jumps_, chunk, held_.data()));
      if (jumps_ && chunk == 0) TFILE_TRY(chunks_.head(&jumps_, &crc_));
      if (!jumps_) return kOk;
      held_chunk_ = chunk;
      if (chunk == 0) summed_ = 0;
      if (chunk * member_.chunk == summed_) sum(held_.data(), held_.size());
    }
    const Bytes found = Bytes(held_.data(), held_.size()).from(static_cast<size_t>(offset % member_.chunk));
    const size_t count = found.size() < nbytes ? found.size() : static_cast<size_t>(nbytes);
    memcpy(to, found.data(), count);
    to += count;
    offset += count;
    nbytes -= count;
  }
  return kOk;
}

Status MemberStream::refill() {
  if (!pending_.empty() || taken_ == member_.stored) return kOk;
  const uint64_t left = member_.stored - taken_;
  const size_t count = left < kInput_format_member_stream ? static_cast<size_t>(left) : kInput_format_member_stream;
  TFILE_TRY(read_at(source_, member_.offset + taken_, input_.data(), count, member_.name));
  taken_ += count;
  pending_ = Bytes(input_.data(), count);
  return kOk;
}

Status MemberStream::inflate(uint8_t *to, uint64_t nbytes) {
  uint8_t dropped[4096];
  while (nbytes > 0) {
    TFILE_TRY(refill());
    uint64_t room = to != nullptr || nbytes < sizeof(dropped) ? nbytes : sizeof(dropped);
    if (room > kPiece_format_member_stream) room = kPiece_format_member_stream;
    uint8_t *const place = to != nullptr ? to : dropped;
    Span<uint8_t> output(place, static_cast<size_t>(room));
    TFILE_TRY(run(&output));
    const size_t made = static_cast<size_t>(room) - output.size();
    if (made == 0 && (done_ || (pending_.empty() && taken_ == member_.stored))) {
      return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored)
             << "inflates to " << nbytes << " bytes less than its directory entry says";
    }
    sum(place, made);
    if (to != nullptr) to += made;
    nbytes -= made;
  }
  return kOk;
}

Status MemberStream::run(Span<uint8_t> *output) {
  bool valid = false;
  TFILE_TRY(inflater_.run(&valid, &done_, &pending_, output));
  if (valid) return kOk;
  return failure(TF_STATUS_CORRUPT).at(member_.offset + taken_ - pending_.size()) << "is not a deflate stream";
}

Status MemberStream::finish_stream() {
  uint8_t extra = 0;
  while (!done_) {
    TFILE_TRY(refill());
    const bool starved = pending_.empty();
    Span<uint8_t> output(&extra, 1);
    TFILE_TRY(run(&output));
    if (output.empty()) {
      return failure(TF_STATUS_CORRUPT).at(member_.offset) << "inflates to more bytes than its directory entry says";
    }
    if (starved && !done_) {
      return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored) << "its deflate stream has no end";
    }
  }
  const uint64_t unused = pending_.size() + (member_.stored - taken_) + inflater_.excess();
  if (unused == 0) return kOk;
  return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored - unused)
         << unused << " bytes follow the end of its deflate stream";
}

void SliceCursor::keep(MemberStream *stream) {
  MemberStream *const before = stream_.exchange(stream, std::memory_order_acq_rel);
  if (before != nullptr) destroy(before->memory(), before);
}

}  // namespace tfile

// src/format/npy.h
// The .npy header, which .npz members have too.


namespace tfile {

// What a .npy header says.
struct NpyHeader {
  const Dtype *dtype = nullptr;  // NULL: not known; `reason` says what it is
  Text reason;                   // in the arena
  bool fortran = false;          // false also where both orders are the same
  bool big_endian = false;       // false where byte order means nothing
  bool sized = true;             // whether nbytes is known; of a known dtype always
  Span<const int64_t> shape;     // in the arena
  uint64_t size = 0;             // of the header in bytes, magic included: the data begin there
  uint64_t nbytes = 0;           // of the data
};

// Where a header lies, for messages and limits.
struct NpyPlace {
  const Source &source;
  const Settings &settings;
  Text array;           // "" in a file of its own
  uint64_t offset;      // of the header in the source; of an inflated one: of the compressed stream
  bool inflated;        // then every error is at offset
  tf_status too_short;  // TRUNCATED in a file of its own, CORRUPT in an archive, which has its end elsewhere
};

inline constexpr size_t kNpyPrefix = 12;  // enough to tell the length of the header

bool is_npy(Bytes head);
// The length of the whole header, from its first kNpyPrefix bytes, or all there are.
Status npy_header_size(uint64_t *size, const NpyPlace &place, Bytes prefix);
// Parses a whole header, of npy_header_size() bytes.
Status parse_npy_header(NpyHeader *out, Arena &arena, const NpyPlace &place, Bytes header);
// Makes a member of a header and the bytes behind it, `available` of them; fails when they are fewer than the header
// says. The member's name and place in the source are left to the caller.
Status describe_npy(Member *out, const NpyPlace &place, const NpyHeader &header, uint64_t available);

// The header that np.save writes for an array (version 1.0). Elements must be written in Fortran order when *fortran.
Status make_npy_header(Vec<uint8_t> &out, bool *fortran, const Array &array);
// Whether .npy has a dtype string for a dtype.
bool npy_can_hold(const Dtype &dtype);

}  // namespace tfile

// src/codec/common_form.h
// CommonForm: takes text in the form in which nearly every writer puts it, byte by byte. What is in another form, its
// caller leaves to a parser.


namespace tfile {

class CommonForm {
 public:
  explicit CommonForm(Text text) : at_(text.data()), end_(text.data() + text.size()) {}

  const char *at() const { return at_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  template <size_t kSize>
  bool literal(const char (&text)[kSize]) {
    if (left() < kSize - 1 || memcmp(at_, text, kSize - 1) != 0) return false;
    at_ += kSize - 1;
    return true;
  }
  bool character(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  // A short word of plain characters, up to a quote and with it.
  bool word(Text *out, char quote) {
    constexpr size_t kMost = 16;
    const auto plain = [quote](char c) { return c > ' ' && c <= '~' && c != quote && c != '\\'; };
    const char *const begin = at_;
    while (at_ < end_ && plain(*at_) && static_cast<size_t>(at_ - begin) < kMost)
      ++at_;
    *out = Text(begin, static_cast<size_t>(at_ - begin));
    return character(quote);
  }
  // Below 10^18, without a leading zero.
  bool number(uint64_t *out) {
    constexpr size_t kMostDigits = 18;
    const char *const begin = at_;
    uint64_t value = 0;
    for (; at_ < end_ && *at_ >= '0' && *at_ <= '9'; ++at_)
      value = value * 10 + static_cast<uint64_t>(*at_ - '0');  // wraps only where there are too many digits
    const auto digits = static_cast<size_t>(at_ - begin);
    *out = value;
    return digits > 0 && digits <= kMostDigits && (*begin != '0' || digits == 1);
  }

 private:
  const char *at_;
  const char *end_;
};

}  // namespace tfile

// src/format/npy.cpp
#if !defined(TENSORFILE_NO_NPY) || !defined(TENSORFILE_NO_NPZ)
namespace tfile {

namespace {

constexpr uint8_t kMagic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr uint64_t kDefaultMaxHeader_format_npy = uint64_t{1} << 20;
constexpr size_t kMaxDepth = 32;
constexpr size_t kAlignment_format_npy = 64;
// Room that np.save leaves behind the text, so that the first size may grow to its most digits in place.
constexpr size_t kGrowthDigits = 21;
// As many as a header is padded with at most.
constexpr uint8_t kSpaces[kAlignment_format_npy + kGrowthDigits + 1] =
    "                                                                                     ";
// What list() reads at once: the header of nearly every file.
constexpr size_t kFirstRead_format_npy = 4096;

// Dtype strings without their byte order. Types that ml_dtypes saves as '<V1' or '<f1' cannot be told apart, and are
// not here.
struct DtypeCode {
  const char *code;
  tf_dtype dtype;
};
constexpr DtypeCode kCodes[] = {
    {"b1", TF_DTYPE_BOOL},    {"i1", TF_DTYPE_INT8},      {"i2", TF_DTYPE_INT16},       {"i4", TF_DTYPE_INT32},
    {"i8", TF_DTYPE_INT64},   {"u1", TF_DTYPE_UINT8},     {"u2", TF_DTYPE_UINT16},      {"u4", TF_DTYPE_UINT32},
    {"u8", TF_DTYPE_UINT64},  {"f2", TF_DTYPE_FLOAT16},   {"V2", TF_DTYPE_BFLOAT16},    {"f4", TF_DTYPE_FLOAT32},
    {"f8", TF_DTYPE_FLOAT64}, {"c8", TF_DTYPE_COMPLEX64}, {"c16", TF_DTYPE_COMPLEX128},
};

const DtypeCode *code_of(tf_dtype dtype) {
  for (const DtypeCode &row : kCodes) {
    if (row.dtype == dtype) return &row;
  }
  return nullptr;
}

bool is_digit_format_npy(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return is_digit_format_npy(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

uint64_t offset_in(const NpyPlace &place, uint64_t position) {
  return place.inflated ? place.offset : place.offset + position;
}

Failure failure_at(tf_status status, const NpyPlace &place, uint64_t position) {
  Failure made(status);
  made.in(place.source.label);
  if (!place.array.empty()) made.array(place.array);
  return made.at(offset_in(place, position)) << "npy header: ";
}

// Bytes of an element of a type that we do not know, from its dtype string; invalid where that does not tell.
Checked item_size(Text code) {
  Checked size;
  size_t i = 1;
  for (; i < code.size() && is_digit_format_npy(code[i]); ++i)
    size = size * 10 + static_cast<uint64_t>(code[i] - '0');
  const bool with_unit = code[0] == 'M' || code[0] == 'm';  // datetime64 and timedelta64: '<M8[ns]'
  const bool whole = i == code.size() || (with_unit && code[i] == '[' && code[code.size() - 1] == ']');
  if (i == 1 || !whole) return Checked::invalid();
  switch (code[0]) {
    case 'U':
      return size * 4;
    case 'b':
    case 'i':
    case 'u':
    case 'f':
    case 'c':
    case 'S':
    case 'V':
    case 'M':
    case 'm':
      return size;
    default:
      return Checked::invalid();
  }
}

// A string of the header, decoded to UTF-8. What is longer than `text` matters to nobody, and is cut.
struct Literal {
  char text[64];
  size_t size = 0;
  bool cut = false;

  Literal() = default;
  explicit Literal(Text word) : size(word.size()) { memcpy(text, word.data(), size); }

  Text value() const { return Text(text, size); }
  bool is(Text other) const { return !cut && value() == other; }
  void put(uint32_t code_point) {
    char encoded[4];
    const size_t length = utf8_encode(encoded, code_point);
    cut = cut || length > sizeof(text) - size;
    if (cut) return;
    memcpy(text + size, encoded, length);
    size += length;
  }
};

// Reads the Python literal that a header is: a dict with exactly the keys descr, fortran_order and shape. It accepts
// what writers make, with any spacing, order and comments, and refuses the rest of Python.
class HeaderParser {
 public:
  HeaderParser(NpyHeader *out, Arena &arena, const NpyPlace &place, Bytes header, size_t start)
      : out_(out), arena_(arena), place_(place), header_(header), at_(start), utf8_(header[6] >= 3) {}

  Status run() {
    TFILE_TRY(check_encoding());
    bool common = false;
    TFILE_TRY(parse_common(&common));
    if (common) return finish();
    TFILE_TRY(skip_space());
    if (peek() != '{') return expected("a dictionary, '{'");
    ++at_;
    TFILE_TRY(skip_space());
    while (peek() != '}') {
      TFILE_TRY(parse_pair());
      TFILE_TRY(skip_space());
      if (peek() == '}') break;
      if (peek() != ',') return expected("',' or '}'");
      ++at_;
      TFILE_TRY(skip_space());
    }
    TFILE_TRY(check_keys());
    ++at_;
    TFILE_TRY(skip_space());
    if (at_ != header_.size()) return expected("the end of the header");
    return finish();
  }

 private:
  enum Key { kDescr, kFortranOrder, kShape, kKeys };
  static constexpr const char *kKeyNames[kKeys] = {"descr", "fortran_order", "shape"};

  Failure failure(size_t position) const { return failure_at(TF_STATUS_CORRUPT, place_, position); }
  Status expected(Text what) const {
    Failure made = failure(at_);
    made << "expected " << what << ", found ";
    if (at_ == header_.size()) return made << "its end";
    return made.quoted(Text(reinterpret_cast<const char *>(header_.data()) + at_, 1));
  }
  // The next character; NUL at the end, which no rule expects.
  char peek() const { return at_ < header_.size() ? static_cast<char>(header_[at_]) : '\0'; }

  Status check_encoding() const {
    if (!utf8_) return kOk;
    const Text text(reinterpret_cast<const char *>(header_.data()) + at_, header_.size() - at_);
    const size_t valid = utf8_valid_prefix(text);
    if (valid == text.size()) return kOk;
    return failure(at_ + valid) << "expected UTF-8, as version 3 has it, found "
                                << Hex{static_cast<uint8_t>(text[valid])};
  }

  // The header as np.save and nearly every other writer has it. *common is false: it is not so, and has yet to be read.
  Status parse_common(bool *common) {
    const size_t left = header_.size() - at_;
    CommonForm form(Text(reinterpret_cast<const char *>(header_.data()) + at_, left));
    const auto place = [&] { return header_.size() - form.left(); };
    Text code;
    int64_t sizes[kMaxRank];
    size_t rank = 0;
    if (!form.literal("{'descr': '")) return kOk;
    const size_t descr_at = place() - 1;
    if (!form.word(&code, '\'')) return kOk;
    const bool fortran = form.literal(", 'fortran_order': True, 'shape': (");
    if (!fortran && !form.literal(", 'fortran_order': False, 'shape': (")) return kOk;
    const size_t shape_at = place() - 1;
    for (bool more = !form.character(')'); more; ++rank) {
      uint64_t size = 0;
      if (rank == kMaxRank || !form.number(&size)) return kOk;
      sizes[rank] = static_cast<int64_t>(size);
      more = form.literal(", ");
      if (!more && !(rank == 0 ? form.literal(",)") : form.character(')'))) return kOk;
    }
    if (!form.literal(", }")) return kOk;
    while (form.character(' ')) {
    }
    if (!form.character('\n') || form.left() > 0) return kOk;
    *common = true;
    out_->fortran = fortran;
    descr_at_ = descr_at;
    TFILE_TRY(resolve(Literal(code)));
    return set_shape(shape_at, sizes, rank);
  }

  // Of a rank above kMaxRank, which is refused, sizes has the first ones.
  Status set_shape(size_t start, const int64_t *sizes, size_t rank) {
    TFILE_TRY(check_rank(place_.source, place_.settings, place_.array, rank, offset_in(place_, start)));
    shape_at_ = start;
    return arena_.copy(&out_->shape, Span<const int64_t>(sizes, rank));
  }

  // White space and comments.
  Status skip_space() {
    bool comment = false;
    for (; at_ < header_.size(); ++at_) {
      const char c = peek();
      if (c == '\0') return failure(at_) << "a NUL stands in it";
      if (c == '#') comment = true;
      if (c == '\n') comment = false;
      if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\f') break;
    }
    return kOk;
  }

  Status parse_pair() {
    const size_t start = at_;
    Literal key;
    TFILE_TRY(parse_string(&key));
    size_t which = 0;
    while (which < kKeys && !key.is(kKeyNames[which]))
      ++which;
    if (which == kKeys) {
      return failure(start) << "unexpected key '" << key.value() << "', beside descr, fortran_order and shape";
    }
    if (seen_[which]) return failure(start) << "key '" << kKeyNames[which] << "' stands twice";
    seen_[which] = true;
    TFILE_TRY(skip_space());
    if (peek() != ':') return expected("':'");
    ++at_;
    TFILE_TRY(skip_space());
    if (which == kDescr) return parse_descr();
    return which == kShape ? parse_shape() : parse_order();
  }

  Status check_keys() const {
    for (size_t i = 0; i < kKeys; ++i) {
      if (!seen_[i]) return failure(at_) << "key '" << kKeyNames[i] << "' is missing";
    }
    return kOk;
  }

  // 'text' or "text", perhaps with Python 2's u before it.
  Status parse_string(Literal *out) {
    const size_t start = at_;
    if (peek() == 'u' || peek() == 'U') ++at_;
    const char quote = peek();
    if (quote != '\'' && quote != '"') {
      at_ = start;
      return expected("a string");
    }
    for (++at_; peek() != quote;) {
      const char c = peek();
      if (at_ == header_.size() || c == '\n' || c == '\r') return failure(start) << "a string has no end";
      if (c == '\0') return failure(at_) << "a NUL stands in it";
      if (c == '\\') {
        TFILE_TRY(parse_escape(out));
      } else {
        parse_character(out);
      }
    }
    ++at_;
    return kOk;
  }

  void parse_character(Literal *out) {
    if (!utf8_) return out->put(header_[at_++]);
    const size_t length = utf8_sequence(header_.from(at_));
    static constexpr uint8_t kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code_point = header_[at_] & kLeadBits[length];
    for (size_t i = 1; i < length; ++i)
      code_point = code_point << 6 | (header_[at_ + i] & 0x3F);
    at_ += length;
    out->put(code_point);
  }

  Status parse_escape(Literal *out) {
    const size_t start = at_++;
    const char c = peek();
    ++at_;
    switch (c) {
      case '\\':
      case '\'':
      case '"':
        out->put(static_cast<uint32_t>(c));
        return kOk;
      case 'n':
        out->put('\n');
        return kOk;
      case 't':
        out->put('\t');
        return kOk;
      case 'x':
        return parse_code_point(out, start, 2);
      case 'u':
        return parse_code_point(out, start, 4);
      default:
        return failure(start) << "a string has an escape that is not \\\\ \\' \\\" \\n \\t \\xHH or \\uHHHH";
    }
  }

  Status parse_code_point(Literal *out, size_t start, size_t digits) {
    uint32_t code_point = 0;
    for (size_t i = 0; i < digits; ++i) {
      const char c = peek();
      const char low = static_cast<char>(c | 0x20);
      if (!is_digit_format_npy(c) && !(low >= 'a' && low <= 'f')) return expected("a hexadecimal digit");
      code_point = code_point << 4 | static_cast<uint32_t>(is_digit_format_npy(c) ? c - '0' : low - 'a' + 10);
      ++at_;
    }
    if (code_point >= 0xD800 && code_point <= 0xDFFF) return failure(start) << "a string has half a surrogate pair";
    out->put(code_point);
    return kOk;
  }

  Text word() const {
    size_t end = at_;
    while (end < header_.size() && is_word(static_cast<char>(header_[end])))
      ++end;
    return Text(reinterpret_cast<const char *>(header_.data()) + at_, end - at_);
  }

  Status parse_order() {
    const Text found = word();
    if (found != Text("True") && found != Text("False")) return expected("fortran_order to be True or False");
    out_->fortran = found == Text("True");
    at_ += found.size();
    return kOk;
  }

  Status parse_shape() {
    if (peek() != '(') return expected("shape to be a tuple, '('");
    const size_t start = at_++;
    int64_t sizes[kMaxRank];
    size_t rank = 0;
    bool comma = false;
    for (;;) {
      TFILE_TRY(skip_space());
      if (peek() == ')') break;
      if (rank > 0 && !comma) return expected("',' or ')' in shape");
      int64_t size = 0;
      TFILE_TRY(parse_size(&size));
      if (rank < kMaxRank) sizes[rank] = size;
      ++rank;
      TFILE_TRY(skip_space());
      comma = peek() == ',';
      if (comma) ++at_;
    }
    if (rank == 1 && !comma) return failure(start) << "shape is an integer in parentheses, not a tuple";
    ++at_;
    return set_shape(start, sizes, rank);
  }

  // A plain decimal number, perhaps with Python 2's L behind it.
  Status parse_size(int64_t *out) {
    const size_t start = at_;
    if (peek() == '-') return failure(start) << "shape has a negative size";
    if (peek() == '+') ++at_;
    if (!is_digit_format_npy(peek())) return expected("a size in shape");
    const bool zero = peek() == '0';
    Checked size;
    size_t digits = 0;
    for (; is_digit_format_npy(peek()); ++at_, ++digits)
      size = size * 10 + static_cast<uint64_t>(peek() - '0');
    if (peek() == 'L' || peek() == 'l') ++at_;
    if (is_word(peek()) || peek() == '.' || (zero && digits > 1)) {
      return failure(start) << "shape has a size that is not a plain decimal integer";
    }
    if (!size.valid()) return failure(start) << "shape has a size that needs more than 63 bits";
    *out = static_cast<int64_t>(size.value());
    return kOk;
  }

  Status parse_descr() {
    descr_at_ = at_;
    const char c = peek();
    if (c == '[' || c == '(') {
      bool objects = false;
      bool comma = false;
      const size_t start = at_;
      TFILE_TRY(skip_nested(&objects, &comma));
      if (c == '(' && !comma) return failure(start) << "descr stands in parentheses, which is no tuple";
      if (objects) return unknown("Python objects (in a structured dtype), which are pickles and never loaded");
      return unknown(c == '[' ? "a structured dtype" : "a subarray dtype");
    }
    Literal descr;
    TFILE_TRY(parse_string(&descr));
    return resolve(descr);
  }

  // Passes over the nested lists and tuples of a structured dtype; comma: one stands in the outermost.
  Status skip_nested(bool *objects, bool *comma) {
    char closers[kMaxDepth];
    size_t depth = 0;
    bool value_ended = false;
    do {
      TFILE_TRY(skip_space());
      const char c = peek();
      if (depth > 0 && c == closers[depth - 1]) {
        --depth;
        ++at_;
        value_ended = true;
      } else if (value_ended || c == ',') {
        if (c != ',' || !value_ended) return expected(value_ended ? "',' or a closing bracket" : "a value");
        *comma = *comma || depth == 1;
        ++at_;
        value_ended = false;
      } else if (c == '(' || c == '[') {
        if (depth == kMaxDepth) return failure(at_) << "descr is nested deeper than " << uint64_t{kMaxDepth};
        closers[depth++] = c == '(' ? ')' : ']';
        ++at_;
      } else {
        TFILE_TRY(skip_scalar(objects));
        value_ended = true;
      }
    } while (depth > 0);
    return kOk;
  }

  Status skip_scalar(bool *objects) {
    if (is_digit_format_npy(peek())) {
      int64_t size = 0;
      return parse_size(&size);
    }
    Literal text;
    TFILE_TRY(parse_string(&text));
    *objects = *objects || text.is("|O");
    return kOk;
  }

  Status unknown(Text reason) {
    out_->sized = false;
    return arena_.copy(&out_->reason, reason);
  }

  Status resolve(const Literal &descr) {
    for (const char c : descr.value()) {
      if (c <= ' ' || c > '~') return failure(descr_at_) << "descr is not a dtype string: '" << descr.value() << "'";
    }
    Text code = descr.value();
    const char order = code.empty() ? '\0' : code[0];
    const bool marked = order == '<' || order == '>' || order == '=' || order == '|';
    if (marked) code = Text(code.from(1));
    if (code.empty() || descr.cut || is_digit_format_npy(code[0])) {
      return failure(descr_at_) << "descr is not a dtype string: '" << descr.value() << "'";
    }
    for (const DtypeCode &row : kCodes) {
      if (code == Text(row.code)) out_->dtype = find_dtype(row.dtype);
    }
    if (out_->dtype == nullptr) return resolve_unknown(descr, code);
    const bool ordered = out_->dtype->scalar > 1;
    if (order == '|' && ordered && out_->dtype->id != TF_DTYPE_BFLOAT16) {
      return failure(descr_at_) << "dtype '" << descr.value() << "' has several bytes and no byte order";
    }
    out_->big_endian = order == '>' && ordered;
    return kOk;
  }

  Status resolve_unknown(const Literal &descr, Text code) {
    if (code[0] == 'O') return unknown("Python objects (dtype '|O'), which are pickles and never loaded");
    char buffer[96];
    LineWriter line(buffer, sizeof(buffer));
    line << "dtype '" << descr.value() << "'";
    TFILE_TRY(unknown(line.text()));
    item_ = item_size(code);
    out_->sized = item_.valid();
    return kOk;
  }

  // What takes all three values.
  Status finish() {
    size_t long_axes = 0;
    for (const int64_t size : out_->shape)
      long_axes += size > 1 ? 1 : 0;
    out_->fortran = out_->fortran && long_axes > 1;
    out_->size = header_.size();
    Checked nbytes = element_count(out_->shape);
    if (out_->dtype != nullptr) {
      nbytes = byte_count(*out_->dtype, out_->shape);
    } else if (out_->sized) {
      nbytes = nbytes * item_;
    }
    if (!nbytes.valid()) {
      return (failure(shape_at_) << "the bytes of shape ").shape(out_->shape) << " do not fit in 63 bits";
    }
    out_->nbytes = out_->sized ? nbytes.value() : 0;
    return kOk;
  }

  NpyHeader *out_;
  Arena &arena_;
  const NpyPlace &place_;
  Bytes header_;
  size_t at_;
  bool utf8_;
  bool seen_[kKeys] = {};
  size_t descr_at_ = 0;
  size_t shape_at_ = 0;
  Checked item_ = Checked::invalid();
};

// The bytes from the magic to the length of the text, of a header whose major version is known.
size_t prefix_size(uint8_t major) {
  return major == 1 ? 10 : 12;
}

Status read_header_format_npy(Vec<uint8_t> *out, const Source &source, const NpyPlace &place) {
  uint8_t first[kFirstRead_format_npy];
  const size_t count = source.size < kFirstRead_format_npy ? static_cast<size_t>(source.size) : kFirstRead_format_npy;
  TFILE_TRY(read_at(source, 0, first, count, Text()));
  uint64_t size = 0;
  TFILE_TRY(npy_header_size(&size, place, Bytes(first, count)));
  if (size > source.size) {
    return failure_at(TF_STATUS_TRUNCATED, place, source.size)
           << "it should have " << size << " bytes, the file has " << source.size;
  }
  const size_t have = size < count ? static_cast<size_t>(size) : count;
  TFILE_TRY(out->append(first, have));
  if (have == size) return kOk;
  TFILE_TRY(out->resize(static_cast<size_t>(size)));
  return read_at(source, have, out->data() + have, size - have, Text());
}

// np.save appends to an open file, so another .npy may follow the first.
Status check_end(const Source &source, const Settings &settings, uint64_t end) {
  if (end == source.size || settings.on(TF_OPTION_LENIENT)) return kOk;
  uint8_t next[sizeof(kMagic)];
  const uint64_t extra = source.size - end;
  if (extra >= sizeof(next)) {
    TFILE_TRY(read_at(source, end, next, sizeof(next), Text()));
    if (is_npy(Bytes(next, sizeof(next)))) return kOk;
  }
  return Failure(TF_STATUS_CORRUPT).in(source.label).at(end)
         << extra << " bytes follow the array's data, and are not another npy header";
}

Status list_npy(Listing &listing, const Source &source, const Settings &settings) {
  const NpyPlace place{source, settings, Text(), 0, false, TF_STATUS_TRUNCATED};
  Vec<uint8_t> bytes(listing.memory);
  TFILE_TRY(read_header_format_npy(&bytes, source, place));
  NpyHeader header;
  TFILE_TRY(parse_npy_header(&header, listing.arena, place, Bytes(bytes.data(), bytes.size())));
  Member member;
  TFILE_TRY(describe_npy(&member, place, header, source.size - header.size));
  TFILE_TRY(listing.arena.copy(&member.name, Text()));
  member.offset = header.size;
  member.stored = member.nbytes;
  TFILE_TRY(check_end(source, settings, header.size + member.nbytes));
  return listing.add(source, settings, member, 0);
}

Status check_npy(const SaveRequest &request) {
  Refusals refusals;
  for (const NamedArray &named : request.arrays) {
    if (!npy_can_hold(*named.array->dtype)) refusals.add(named.name) << named.array->dtype->name;
  }
  return refusals.result(TF_STATUS_UNSUPPORTED, Text(), "npy has no dtype string for");
}

Status lay_out_npy(Layout &layout, const SaveRequest &request) {
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    Vec<uint8_t> header(request.settings.memory());
    bool fortran = false;
    TFILE_TRY(make_npy_header(header, &fortran, array));
    TFILE_TRY(layout.write(header.data(), header.size()));
    TFILE_TRY(layout.add_array(i, array.nbytes, fortran));
  }
  return kOk;
}

}  // namespace

bool is_npy(Bytes head) {
  return head.size() >= sizeof(kMagic) && memcmp(head.data(), kMagic, sizeof(kMagic)) == 0;
}

Status npy_header_size(uint64_t *size, const NpyPlace &place, Bytes prefix) {
  for (size_t i = 0; i < prefix.size() && i < sizeof(kMagic); ++i) {
    if (prefix[i] != kMagic[i]) {
      return failure_at(TF_STATUS_FORMAT, place, i)
             << "expected the magic \\x93NUMPY, found " << Hex{prefix[i]} << " in it";
    }
  }
  const uint32_t major = prefix.size() > 6 ? prefix[6] : 1;
  const uint32_t minor = prefix.size() > 7 ? prefix[7] : 0;
  if (major < 1 || major > 3 || minor != 0) {
    return failure_at(TF_STATUS_UNSUPPORTED, place, 6)
           << "version " << major << "." << minor << "; 1.0, 2.0 and 3.0 are known";
  }
  const size_t lead = prefix_size(static_cast<uint8_t>(major));
  if (prefix.size() < lead) {
    return failure_at(place.too_short, place, prefix.size())
           << "it ends after " << static_cast<uint64_t>(prefix.size()) << " bytes, before its length";
  }
  const uint64_t text = lead == 10 ? load_le<uint16_t>(prefix.data() + 8) : load_le<uint32_t>(prefix.data() + 8);
  const uint64_t asked = place.settings.limit(TF_OPTION_MAX_HEADER_BYTES);
  const uint64_t most = asked != 0 ? asked : kDefaultMaxHeader_format_npy;
  if (text > most) {
    return failure_at(TF_STATUS_LIMIT, place, 8)
           << "it has " << text << " bytes, more than the limit (max_header_bytes) of " << most;
  }
  *size = lead + text;
  return kOk;
}

Status parse_npy_header(NpyHeader *out, Arena &arena, const NpyPlace &place, Bytes header) {
  return HeaderParser(out, arena, place, header, prefix_size(header[6])).run();
}

Status describe_npy(Member *out, const NpyPlace &place, const NpyHeader &header, uint64_t available) {
  if (header.nbytes > available) {
    return (failure_at(place.too_short, place, header.size + available) << "shape ").shape(header.shape)
           << " needs " << header.nbytes << " bytes of data, " << available << " are there";
  }
  out->shape = header.shape;
  out->dtype = header.dtype;
  out->reason = header.reason;
  out->nbytes = header.sized ? header.nbytes : available;
  out->fortran = header.fortran;
  out->big_endian = header.big_endian;
  return kOk;
}

bool npy_can_hold(const Dtype &dtype) {
  return code_of(dtype.id) != nullptr;
}

Status make_npy_header(Vec<uint8_t> &out, bool *fortran, const Array &array) {
  *fortran = is_fortran_contiguous(array);
  const bool ordered = array.dtype->scalar > 1;
  char text[2048];  // 64 sizes of 19 digits each leave room
  LineWriter line(text, sizeof(text));
  line << "{'descr': '" << (ordered ? "<" : "|") << code_of(array.dtype->id)->code
       << "', 'fortran_order': " << (*fortran ? "True" : "False") << ", 'shape': ";
  line.shape(array.shape()) << ", }";
  size_t spaces = 0;
  if (array.ndim > 0) {
    char digits[32];
    LineWriter number(digits, sizeof(digits));
    number << array.shape()[*fortran ? array.ndim - 1 : 0];
    if (number.size() < kGrowthDigits) spaces = kGrowthDigits - number.size();
  }
  // As np.save pads: 1 to 64 spaces, never none.
  const size_t lead = prefix_size(1);
  spaces += kAlignment_format_npy - (lead + line.size() + spaces + 1) % kAlignment_format_npy;
  uint8_t prefix[10] = {kMagic[0], kMagic[1], kMagic[2], kMagic[3], kMagic[4], kMagic[5], 1, 0};
  store_le(prefix + 8, static_cast<uint16_t>(line.size() + spaces + 1));
  TFILE_TRY(out.append(prefix, lead));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(line.text().data()), line.size()));
  TFILE_TRY(out.append(kSpaces, spaces));
  return out.push('\n');
}

const Format kNpyFormat = {TF_FORMAT_NPY, "npy", ".npy", false, is_npy, list_npy, check_npy, lay_out_npy, nullptr};

}  // namespace tfile
#endif  // !defined(TENSORFILE_NO_NPY) || !defined(TENSORFILE_NO_NPZ)

// src/format/zip.h
// The zip container below .npz: reading its directory and local headers, and writing stored and deflated members.


namespace tfile {

// One member, as the directory at the end of the archive has it.
struct ZipEntry {
  size_t record;    // where its record begins in the directory
  uint64_t header;  // of its local header in the source
  uint64_t stored;  // bytes in the archive
  uint64_t size;    // bytes that these inflate to
  uint32_t crc32;
  uint16_t flags;
  bool deflated;
};

// Reads an archive; whatever two readers could take in two ways is refused.
class ZipReader {
 public:
  // suffix: what names of members end with, and the names that errors carry do not.
  ZipReader(const Source &source, const Settings &settings, Text suffix);

  // Finds and checks the directory: every record of it, and that no two members overlap.
  Status open();
  size_t count() const { return entries_.size(); }
  const ZipEntry &entry(size_t i) const { return entries_[i]; }
  // Whether members lie in the order of the directory.
  bool in_order() const { return in_order_; }
  // The member that lies in place k.
  size_t at_place(size_t k) const { return places_[k]; }
  // The name, as UTF-8.
  Status name(Vec<char> *out, size_t i) const;
  // A folder and nothing else.
  bool is_folder(size_t i) const;
  // The content of a record of the extra field in the directory; empty: there is none.
  Bytes extra(size_t i, uint16_t id) const;
  uint64_t directory_offset(size_t i) const { return directory_at_ + entries_[i].record; }

  // Checks the local header of the member in place k against the directory, and what lies between the member and the
  // one before. *data: where its bytes begin. To be called for every place, in rising order.
  Status locate(uint64_t *data, size_t k);
  // After the last locate(): checks what lies between the last member and the directory.
  Status finish();
  // Bytes of the member that was located last, valid until the next call; what neighbours need is read together.
  Status peek(Bytes *out, uint64_t offset, uint64_t nbytes);

  // A failure about a member.
  Failure failure(tf_status status, size_t i, uint64_t offset) const;

 private:
  struct End;

  Status find_end(End *end);
  Status find_end_in(End *end, Bytes tail);
  Status no_end() const;
  Status read_wide_end(End *end, Bytes locator, uint64_t locator_at);
  Status check_end(const End &end);
  Status read_directory(const End &end);
  Status parse_entry(size_t *position);
  Status widen(ZipEntry *entry, uint32_t *disk, Bytes extra) const;
  Status check_entry(const ZipEntry &entry, uint32_t method) const;
  Status check_name(const ZipEntry &entry) const;
  Status sort_places();
  Status check_overlaps() const;
  Text raw_name(const ZipEntry &entry) const;
  Failure failure(tf_status status, const ZipEntry &entry, uint64_t offset) const;
  Failure failure(const ZipEntry &entry) const;  // CORRUPT, at its record in the directory
  Status compare_local(const ZipEntry &entry, const uint8_t *header, Text name, Bytes extra);
  Status pass_descriptor(uint64_t limit);
  Status check_gap(uint64_t limit);
  uint64_t window_end(uint64_t offset, uint64_t nbytes) const;

  const Source &source_;
  const Settings &settings_;
  Text suffix_;
  Vec<uint8_t> directory_;
  uint64_t directory_at_ = 0;
  uint64_t start_ = 0;  // of the archive: not 0 when junk before it is tolerated
  Vec<ZipEntry> entries_;
  Vec<size_t> places_;
  bool in_order_ = true;
  size_t place_ = 0;         // that is located, or was last
  uint64_t end_ = 0;         // of what has been checked
  bool descriptor_ = false;  // whether the data descriptor of described_ comes there
  size_t described_ = 0;
  bool descriptor_required_ = false;  // or only may
  Vec<uint8_t> window_;
  uint64_t window_at_ = 0;
};

// Whether the first bytes of a file are those of an archive, perhaps an empty one.
bool is_zip(Bytes head);

// The most that ZipWriter aligns data to: the extra field that pads has at most 65,535 bytes.
inline constexpr uint64_t kZipMaxAlignment = 32768;
inline constexpr size_t kZipMaxName = 65535;

// A member to write.
struct ZipMember {
  Text name;       // UTF-8; to live until finish()
  uint64_t size;   // bytes, before they are deflated
  uint64_t head;   // how many of them come before those that are to be aligned
  bool deflated;   // then how many bytes are stored is not known yet
  bool described;  // what is not known yet comes behind the data: what is written cannot be gone back to
};

// Makes what an archive has besides the bytes of its members. The same members give the same bytes.
class ZipWriter {
 public:
  // Where a member's CRC-32 stands in its local header, and its sizes behind that.
  static constexpr size_t kCrcInLocal = 14;

  ZipWriter(Memory &memory, uint64_t alignment) : alignment_(alignment), records_(memory), extras_(memory) {}

  // Puts the local header of a member that lies at `at` behind what is in out.
  Status begin(Vec<uint8_t> &out, const ZipMember &member, uint64_t at);
  // What is known of the member begun last, once its bytes are written; for stored ones to be called at any time.
  void set(uint32_t crc32, uint64_t stored);
  // A record of the extra field that the member begun last has in the directory.
  Status add_extra(uint16_t id, Bytes content);
  // Puts the data descriptor of a described member behind what is in out; its CRC-32 is at kCrcInDescriptor there.
  static constexpr size_t kCrcInDescriptor = 4;
  Status put_descriptor(Vec<uint8_t> &out) const;
  // Writes what set() was told into the local header of the member begun last.
  Status patch(Output &output) const;
  // Puts the directory, which lies at `at`, behind what is in out; *crcs, if wanted, gets where each CRC-32 stands there.
  Status finish(Vec<uint8_t> &out, uint64_t at, Vec<size_t> *crcs) const;

 private:
  struct Record {
    Text name;
    uint64_t header;
    uint64_t stored;
    uint64_t size;
    uint32_t crc32;
    uint16_t flags;
    uint16_t extra;  // bytes in extras_
    bool deflated;
    bool wide;  // its local header has 64-bit sizes
  };

  static void put_fields(uint8_t *to, const Record &record, bool wide, bool known);
  Status put_local(Vec<uint8_t> &out, const Record &record, uint64_t head, bool known) const;
  Status put_entry(Vec<uint8_t> &out, const Record &record, Bytes extra) const;
  Status put_end(Vec<uint8_t> &out, uint64_t directory, uint64_t size) const;

  uint64_t alignment_;
  Vec<Record> records_;
  Vec<uint8_t> extras_;  // of all records, behind one another
};

}  // namespace tfile

// src/format/npz.h
// What reading and laying out (npz.cpp) and packing (npz_pack.cpp) of .npz share.


namespace tfile {

inline constexpr char kNpzSuffix[] = ".npy";

// Of array data in stored members.
uint64_t npz_alignment(const Settings &settings);

// The name of an array's member, in the arena; room is scratch.
Status npz_member_name(Text *out, Arena &arena, Vec<char> &room, Text name);

// Where the chunks of a deflated member begin, as a record of the extra field in the directory has it: the size of a chunk
// before it is deflated (64 bits), the stored bytes of the .npy header, then those of each chunk (32 bits each).
inline constexpr uint16_t kNpzChunksExtra = 0x6674;
inline constexpr size_t kNpzChunksHead = 12;
inline constexpr uint64_t kNpzMostChunks = 4096;

// Bytes of array data in a chunk.
uint64_t npz_chunk_size(uint64_t nbytes);

extern const Packing kNpzPacking;

}  // namespace tfile

// src/format/npz.cpp
#if !defined(TENSORFILE_NO_NPZ)
namespace tfile {

namespace {

// What is read of a deflated member at once; a header is some 100 bytes.
constexpr uint64_t kPackedPiece = 1024;

// Makes members of a listing from those of the archive.
class Lister {
 public:
  Lister(Listing &listing, const Source &source, const Settings &settings)
      : listing_(listing),
        source_(source),
        settings_(settings),
        zip_(source, settings, kNpzSuffix),
        name_(listing.memory),
        head_(listing.memory),
        inflater_(listing.memory) {}

  Status run() {
    TFILE_TRY(zip_.open());
    const uint64_t most = settings_.limit(TF_OPTION_MAX_ARRAYS);
    TFILE_TRY(listing_.members.reserve(zip_.count() < most ? zip_.count() : static_cast<size_t>(most)));
    Vec<Member> found(listing_.memory);  // when the archive is not in the order of its directory, which is ours
    if (!zip_.in_order()) TFILE_TRY(found.resize(zip_.count()));
    for (size_t k = 0; k < zip_.count(); ++k) {
      const size_t i = zip_.at_place(k);
      uint64_t data = 0;
      TFILE_TRY(zip_.locate(&data, k));
      if (zip_.is_folder(i)) continue;
      Member member;
      TFILE_TRY(describe(&member, i, data));
      if (zip_.in_order()) {
        TFILE_TRY(add(member, i));
      } else {
        found[i] = member;
      }
    }
    TFILE_TRY(zip_.finish());
    for (size_t i = 0; i < found.size(); ++i) {
      if (!zip_.is_folder(i)) TFILE_TRY(add(found[i], i));
    }
    return kOk;
  }

 private:
  Status add(const Member &member, size_t i) { return listing_.add(source_, settings_, member, zip_.entry(i).header); }

  Status describe(Member *out, size_t i, uint64_t data) {
    const ZipEntry &entry = zip_.entry(i);
    out->offset = data;
    out->stored = entry.stored;
    out->deflated = entry.deflated;
    out->crc32 = entry.crc32;
    out->has_crc = true;
    TFILE_TRY(zip_.name(&name_, i));
    Text name(name_.data(), name_.size());
    Bytes head;
    taken_ = 0;
    head_.clear();
    if (entry.deflated) TFILE_TRY(inflater_.begin());
    TFILE_TRY(read_head(&head, i, data, kNpyPrefix < entry.size ? kNpyPrefix : entry.size));
    const bool is_array = is_npy(head);
    if (is_array && name.ends_with(kNpzSuffix)) name = Text(name.first(name.size() - strlen(kNpzSuffix)));
    TFILE_TRY(check_name_length(source_, settings_, name.size(), zip_.directory_offset(i)));
    TFILE_TRY(listing_.arena.copy(&out->name, name));
    if (is_array) return describe_array(out, i, data, head);
    out->reason = Text("not an array (no npy header)");
    out->nbytes = entry.stored;
    return kOk;
  }

  Status describe_array(Member *out, size_t i, uint64_t data, Bytes head) {
    const ZipEntry &entry = zip_.entry(i);
    const NpyPlace place{source_, settings_, out->name, data, entry.deflated, TF_STATUS_CORRUPT};
    uint64_t size = 0;
    TFILE_TRY(npy_header_size(&size, place, head));
    if (size > entry.size) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).array(out->name).at(data)
             << "its npy header should have " << size << " bytes, its member has " << entry.size;
    }
    TFILE_TRY(read_head(&head, i, data, size));
    NpyHeader header;
    TFILE_TRY(parse_npy_header(&header, listing_.arena, place, head));
    TFILE_TRY(describe_npy(out, place, header, entry.size - size));
    if (header.sized && header.nbytes != entry.size - size) {
      return Failure(TF_STATUS_CORRUPT)
                 .in(source_.label)
                 .array(out->name)
                 .at(entry.deflated ? data : data + size + header.nbytes)
             << entry.size - size - header.nbytes << " bytes follow the array in its member";
    }
    if (entry.deflated) {
      out->head = size;
      TFILE_TRY(find_chunks(out, zip_.extra(i, kNpzChunksExtra)));
    } else {
      out->offset = data + size;
      out->stored = entry.stored - size;
      out->head_crc32 = crc32_update(0, head.data(), head.size());
    }
    if (out->dtype == nullptr) out->nbytes = out->stored;
    return kOk;
  }

  // Where the chunks begin, as our extra field has it; when anything in it cannot be, there is none.
  Status find_chunks(Member *out, Bytes field) {
    if (out->dtype == nullptr || field.size() < kNpzChunksHead) return kOk;
    const auto chunk = load_le<uint64_t>(field.data());
    const size_t count = (field.size() - kNpzChunksHead) / 4;
    const bool whole = field.size() == kNpzChunksHead + 4 * count;
    if (!whole || count < 2 || count > kNpzMostChunks || chunk == 0 || chunk % 4096 != 0) return kOk;
    if ((out->nbytes - 1) / chunk + 1 != count || out->nbytes == 0) return kOk;
    Vec<uint64_t> starts(listing_.memory);
    TFILE_TRY(starts.reserve(count + 1));
    uint64_t at = load_le<uint32_t>(field.data() + 8);
    TFILE_TRY(starts.push(at));
    for (size_t k = 0; k < count; ++k) {
      at += load_le<uint32_t>(field.data() + kNpzChunksHead + 4 * k);
      TFILE_TRY(starts.push(at));
    }
    if (at != out->stored) return kOk;
    out->chunk = chunk;
    return listing_.arena.copy(&out->chunks, starts.span());
  }

  // The first nbytes of a member, after it is inflated; a longer head of the same member may be asked for next.
  Status read_head(Bytes *out, size_t i, uint64_t data, uint64_t nbytes) {
    if (!zip_.entry(i).deflated) return zip_.peek(out, data, nbytes);
    TFILE_TRY(inflate(i, data, static_cast<size_t>(nbytes)));
    *out = Bytes(head_.data(), head_.size());
    return kOk;
  }

  Status inflate(size_t i, uint64_t data, size_t nbytes) {
    const ZipEntry &entry = zip_.entry(i);
    size_t have = head_.size();
    TFILE_TRY(head_.resize(nbytes));
    while (have < nbytes) {
      const uint64_t left = entry.stored - taken_;
      Bytes input;
      TFILE_TRY(zip_.peek(&input, data + taken_, left < kPackedPiece ? left : kPackedPiece));
      const size_t offered = input.size();
      Span<uint8_t> output(head_.data() + have, nbytes - have);
      bool valid = false;
      bool done = false;
      TFILE_TRY(inflater_.run(&valid, &done, &input, &output));
      taken_ += offered - input.size();
      have = nbytes - output.size();
      if (!valid) return zip_.failure(TF_STATUS_CORRUPT, i, data + taken_) << "is not a deflate stream";
      if (have < nbytes && (done || taken_ == entry.stored)) {
        return zip_.failure(TF_STATUS_CORRUPT, i, data)
               << "inflates to " << static_cast<uint64_t>(have) << " bytes, not to the " << entry.size
               << " that the directory says";
      }
    }
    return kOk;
  }

  Listing &listing_;
  const Source &source_;
  const Settings &settings_;
  ZipReader zip_;
  Vec<char> name_;
  Vec<uint8_t> head_;  // of a deflated member, inflated
  Inflater inflater_;
  uint64_t taken_ = 0;  // stored bytes that the inflater has had
};

Status list_npz(Listing &listing, const Source &source, const Settings &settings) {
  return Lister(listing, source, settings).run();
}

Status check_npz(const SaveRequest &request) {
  if (npz_alignment(request.settings) > kZipMaxAlignment) {
    return Failure(TF_STATUS_UNSUPPORTED) << "npz cannot align data to " << npz_alignment(request.settings)
                                          << " bytes, " << kZipMaxAlignment << " are the most";
  }
  Refusals refusals;
  for (const NamedArray &named : request.arrays) {
    if (!npy_can_hold(*named.array->dtype)) refusals.add(named.name) << named.array->dtype->name;
    if (named.name.size() > kZipMaxName - strlen(kNpzSuffix)) {
      refusals.add(named.name) << "a name of " << static_cast<uint64_t>(named.name.size()) << " bytes";
    } else if (!is_utf8(named.name)) {
      refusals.add(named.name) << "a name that is not UTF-8";
    } else if (!named.name.empty() && memchr(named.name.data(), '\0', named.name.size()) != nullptr) {
      refusals.add(named.name) << "a name with a NUL";
    }
  }
  return refusals.result(TF_STATUS_UNSUPPORTED, Text(), "npz cannot hold");
}

Status lay_out_npz(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Arena names(memory);
  Vec<char> room(memory);
  Vec<uint8_t> made(memory);  // what comes before or behind the data
  Vec<uint8_t> header(memory);
  ZipWriter zip(memory, npz_alignment(request.settings));
  TFILE_TRY(layout.checksums.reserve(request.arrays.size()));
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    header.clear();
    made.clear();
    bool fortran = false;
    TFILE_TRY(make_npy_header(header, &fortran, array));
    ZipMember member = {Text(), header.size() + array.nbytes, header.size(), false, request.forward};
    TFILE_TRY(npz_member_name(&member.name, names, room, request.arrays[i].name));
    TFILE_TRY(zip.begin(made, member, layout.size));
    Layout::Checksum sum{crc32_update(0, header.data(), header.size()), {}};
    if (!request.forward) sum.places[0] = layout.text.size() + ZipWriter::kCrcInLocal;
    TFILE_TRY(layout.write(made.data(), made.size()));
    TFILE_TRY(layout.write(header.data(), header.size()));
    TFILE_TRY(layout.add_array(i, array.nbytes, fortran));
    if (request.forward) {
      made.clear();
      TFILE_TRY(zip.put_descriptor(made));
      sum.places[0] = layout.text.size() + ZipWriter::kCrcInDescriptor;
      TFILE_TRY(layout.write(made.data(), made.size()));
    }
    TFILE_TRY(layout.checksums.push(sum));
  }
  made.clear();
  Vec<size_t> crcs(memory);
  TFILE_TRY(zip.finish(made, layout.size, &crcs));
  for (size_t i = 0; i < crcs.size(); ++i) {
    layout.checksums[i].places[1] = layout.text.size() + crcs[i];
  }
  TFILE_TRY(layout.write(made.data(), made.size()));
  // Of an array without data all is known.
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    if (request.arrays[i].array->nbytes == 0) layout.set_checksum(i, layout.checksums[i].crc);
  }
  return kOk;
}

}  // namespace

const Format kNpzFormat = {TF_FORMAT_NPZ, "npz", ".npz", false, is_zip, list_npz, check_npz, lay_out_npz, &kNpzPacking};

}  // namespace tfile
#endif  // !defined(TENSORFILE_NO_NPZ)

// src/format/npz_pack.cpp
#if !defined(TENSORFILE_NO_NPZ)
// Packing of .npz: each member is cut into chunks that are deflated side by side and make one stream.

namespace tfile {

namespace {

constexpr uint64_t kDefaultAlignment_format_npz_pack = 64;
constexpr uint64_t kLeastChunk = uint64_t{1} << 20;
// Smaller arrays are one chunk with their header.
constexpr uint64_t kSmall_format_npz_pack = uint64_t{64} << 10;
// What both levels of ISA-L are tried on.
constexpr size_t kSample = size_t{256} << 10;

}  // namespace

uint64_t npz_alignment(const Settings &settings) {
  const uint64_t asked = settings.limit(TF_OPTION_ALIGNMENT);
  return asked != 0 ? asked : kDefaultAlignment_format_npz_pack;
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
  bool small() const { return nbytes_ <= kSmall_format_npz_pack; }
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
  if (!isal || level == 0 || level > kMostIsalLevel) {
    constexpr int kZlibDefault = 6;
    method_ = DeflateMethod{false, level < 0 ? kZlibDefault : level};
    return kOk;
  }
  method_ = DeflateMethod{true, level < 0 ? 1 : level};
  if (level >= 0) return kOk;
  size_t fast = 0;
  size_t slow = 0;
  TFILE_TRY(try_level(&fast, sample.first(kSample), 1));
  TFILE_TRY(try_level(&slow, sample.first(kSample), kMostIsalLevel));
  if (slow < fast - fast / 20) method_.level = kMostIsalLevel;
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
#endif  // !defined(TENSORFILE_NO_NPZ)

// src/format/read.cpp
namespace tfile {

bool needs_swap(const Member &member) {
  if (member.dtype->is_block()) return member.big_endian;  // blocks are little-endian on every host
  return member.dtype->scalar > 1 && member.big_endian != kHostIsBig;
}

void finish_bytes(const Member &member, void *data, size_t nbytes) {
  if (member.dtype->kind == DtypeClass::kBool) {
    auto *bytes = static_cast<uint8_t *>(data);
    for (size_t i = 0; i < nbytes; ++i)
      bytes[i] = bytes[i] != 0;
  } else if (needs_swap(member)) {
    (void)swap_bytes(*member.dtype, data, nbytes);
  }
}

Status check_crc(const Source &source, const Member &member, uint32_t crc) {
  if (crc == member.crc32) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(source.label).array(member.name).at(member.offset)
         << "CRC-32 of the member should be " << Hex{member.crc32} << ", is " << Hex{crc};
}

namespace {

// Bytes that are read into scratch memory to gather scattered elements from.
constexpr uint64_t kWindow = uint64_t{1} << 20;
// A hole of at most this many bytes between wanted ones is read over rather than skipped by another call.
constexpr uint64_t kSmallGap_format_read = uint64_t{16} << 10;
// A run of at least this many bytes is read straight to where it goes.
constexpr uint64_t kDirect = uint64_t{64} << 10;

// A slice in the order of the file: axes outermost first as stored, steps positive, and where each element goes.
struct Walk {
  size_t ndim = 0;
  uint64_t first = 0;  // byte of the first element, from the member's start
  char *to = nullptr;  // where that one goes
  int64_t counts[kMaxRank];
  int64_t from_strides[kMaxRank];  // in the file, in bytes, positive
  int64_t to_strides[kMaxRank];
};

// axes NULL: everything. The memory at `to` is C-contiguous in the order of the slice.
void make_walk(Walk *walk, const Member &member, const SliceAxis *axes, void *to) {
  const size_t ndim = member.shape.size();
  const auto item = static_cast<int64_t>(member.dtype->block_bytes);
  int64_t stored_strides[kMaxRank];
  int64_t stride = item;
  for (size_t i = 0; i < ndim; ++i) {
    const size_t axis = member.fortran ? i : ndim - 1 - i;
    stored_strides[axis] = stride;
    stride *= member.shape[axis];
  }
  walk->ndim = ndim;
  walk->to = static_cast<char *>(to);
  int64_t to_stride = item;
  for (size_t i = ndim; i-- > 0;) {
    const SliceAxis axis = axes != nullptr ? axes[i] : SliceAxis{0, 1, member.shape[i]};
    const size_t place = member.fortran ? ndim - 1 - i : i;
    const bool back = axis.step < 0 && axis.count > 0;
    const int64_t low = back ? axis.first + (axis.count - 1) * axis.step : axis.first;
    walk->first += static_cast<uint64_t>(low) * static_cast<uint64_t>(stored_strides[i]);
    walk->counts[place] = axis.count;
    walk->from_strides[place] = axis.count > 1 ? stored_strides[i] * (back ? -axis.step : axis.step) : 0;
    walk->to_strides[place] = back ? -to_stride : to_stride;
    if (back) walk->to += (axis.count - 1) * to_stride;
    to_stride *= axis.count;
  }
}

// Reads the elements of a walk: the trailing axes that lie close together at once, the others one by one.
class Gather_format_read {
 public:
  Gather_format_read(MemberStream &stream, const Member &member, const Walk &walk, Memory &memory)
      : stream_(stream), member_(member), walk_(walk), window_(memory) {}

  Status run() {
    plan();
    int64_t index[kMaxRank] = {};
    const size_t outer = direct_ ? split_ : (split_ > 0 ? split_ - 1 : 0);
    for (;;) {
      uint64_t from = walk_.first;
      char *to = walk_.to;
      for (size_t i = 0; i < outer; ++i) {
        from += static_cast<uint64_t>(index[i] * walk_.from_strides[i]);
        to += index[i] * walk_.to_strides[i];
      }
      TFILE_TRY(direct_ ? read_direct(from, to) : read_rows(from, to));
      size_t axis = outer;
      while (axis > 0 && ++index[axis - 1] == walk_.counts[axis - 1])
        index[--axis] = 0;
      if (axis == 0) return kOk;
    }
  }

 private:
  // Bytes from the first to the last wanted one in the axes from `axis` on.
  uint64_t extent(size_t axis) const {
    uint64_t bytes = member_.dtype->block_bytes;
    for (size_t i = axis; i < walk_.ndim; ++i) {
      bytes += static_cast<uint64_t>(walk_.counts[i] - 1) * static_cast<uint64_t>(walk_.from_strides[i]);
    }
    return bytes;
  }
  // Direct: the axes from split_ on are one run of bytes at both ends. Else: those from split_ on fit in the window.
  void plan() {
    split_ = walk_.ndim;
    uint64_t run = member_.dtype->block_bytes;
    while (split_ > 0 && fits_run(split_ - 1, run))
      run *= static_cast<uint64_t>(walk_.counts[--split_]);
    direct_ = run >= kDirect || split_ == 0;
    if (direct_) return;
    split_ = walk_.ndim;
    while (split_ > 0 && gap(split_ - 1) <= kSmallGap_format_read && extent(split_ - 1) <= kWindow)
      --split_;
  }
  bool fits_run(size_t axis, uint64_t run) const {
    if (walk_.counts[axis] == 1) return true;
    const auto stride = static_cast<int64_t>(run);
    return walk_.from_strides[axis] == stride && walk_.to_strides[axis] == stride;
  }
  uint64_t gap(size_t axis) const {
    if (walk_.counts[axis] == 1) return 0;
    return static_cast<uint64_t>(walk_.from_strides[axis]) - extent(axis + 1);
  }
  Status read_direct(uint64_t from, char *to) {
    uint64_t left = extent(split_);
    while (left > 0) {
      const uint64_t piece = left < kWindow ? left : kWindow;  // while it is in the cache, its bytes are finished
      TFILE_TRY(stream_.read(from, to, piece));
      finish_bytes(member_, to, static_cast<size_t>(piece));
      from += piece;
      to += piece;
      left -= piece;
    }
    return kOk;
  }
  // As many rows of axis split_ - 1 at a time as the window holds.
  Status read_rows(uint64_t from, char *to) {
    if (split_ == 0) return read_window(from, to, 0, 0, 1);
    const size_t axis = split_ - 1;
    const int64_t count = walk_.counts[axis];
    const uint64_t row = extent(split_);
    const auto stride = static_cast<uint64_t>(walk_.from_strides[axis]);
    int64_t most = 1;
    if (gap(axis) <= kSmallGap_format_read && stride > 0 && row < kWindow) most += static_cast<int64_t>((kWindow - row) / stride);
    for (int64_t done = 0; done < count; done += most) {
      const int64_t rows = count - done < most ? count - done : most;
      TFILE_TRY(
          read_window(from + static_cast<uint64_t>(done) * stride, to + done * walk_.to_strides[axis], axis, 1, rows));
    }
    return kOk;
  }
  // `rows` of the axis, or, with has_rows 0, what lies in the axes from split_ on.
  Status read_window(uint64_t from, char *to, size_t axis, size_t has_rows, int64_t rows) {
    int64_t shape[kMaxRank + 1];
    size_t ndim = 0;
    uint64_t nbytes = extent(split_);
    if (has_rows == 1) {
      shape[ndim++] = rows;
      nbytes += static_cast<uint64_t>(rows - 1) * static_cast<uint64_t>(walk_.from_strides[axis]);
    }
    for (size_t i = split_; i < walk_.ndim; ++i)
      shape[ndim++] = walk_.counts[i];
    if (window_.size() < nbytes) TFILE_TRY(window_.resize(static_cast<size_t>(nbytes)));
    TFILE_TRY(stream_.read(from, window_.data(), nbytes));
    finish_bytes(member_, window_.data(), static_cast<size_t>(nbytes));
    const size_t start = has_rows == 1 ? axis : split_;
    copy_strided(to, walk_.to_strides + start, window_.data(), walk_.from_strides + start,
                 Span<const int64_t>(shape, ndim), member_.dtype->block_bytes);
    return kOk;
  }

  MemberStream &stream_;
  const Member &member_;
  const Walk &walk_;
  Vec<char> window_;
  size_t split_ = 0;
  bool direct_ = false;
};

// Gives a mapped array's share of the source back.
void release_source(void *source) {
  static_cast<Source *>(source)->release();
}

bool serves_as_it_is(const Member &member, const void *bytes) {
  if (reinterpret_cast<uintptr_t>(bytes) % member.dtype->alignment() != 0) return false;
  if (member.dtype->kind != DtypeClass::kBool) return true;
  const auto *values = static_cast<const uint8_t *>(bytes);
  for (uint64_t i = 0; i < member.nbytes; ++i) {
    if (values[i] > 1) return false;
  }
  return true;
}

struct UnitReader {
  const Source &source;
  const Member &member;
  char *to;
};

Status read_unit_run(void *context, uint64_t offset, uint64_t nbytes) {
  auto &reader = *static_cast<UnitReader *>(context);
  TFILE_TRY(read_at(reader.source, reader.member.offset + offset, reader.to, nbytes, reader.member.name));
  finish_bytes(reader.member, reader.to, static_cast<size_t>(nbytes));
  reader.to += nbytes;
  return kOk;
}

}  // namespace

Status read_whole(void *to, const Source &source, const Member &member, Memory &memory) {
  MemberStream stream(source, member, memory, true);
  TFILE_TRY(stream.begin());
  if (member.nbytes > 0) {
    Walk walk;
    Member flat = member;
    const auto units = static_cast<int64_t>(member.nbytes / member.dtype->block_bytes);
    // Packed and block types, and everything in C order, are one run of units.
    if (!member.fortran) flat.shape = Span<const int64_t>(&units, 1);
    make_walk(&walk, flat, nullptr, to);
    TFILE_TRY(Gather_format_read(stream, flat, walk, memory).run());
  }
  return stream.finish();
}

Status check_known(const Source &source, const Member &member) {
  if (member.dtype != nullptr) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED).in(source.label).array(member.name) << "cannot be read: " << member.reason;
}

namespace {

// A stream that is somebody's: given back to the cursor, or gone.
struct KeptStream {
  explicit KeptStream(MemberStream *kept) : stream(kept) {}
  ~KeptStream() { drop(); }
  KeptStream(const KeptStream &) = delete;
  KeptStream &operator=(const KeptStream &) = delete;

  void drop() {
    if (stream != nullptr) destroy(stream->memory(), stream);
    stream = nullptr;
  }
  MemberStream *give() { return std::exchange(stream, nullptr); }

  MemberStream *stream;
};

// Reads on from where the cursor is, if that leads to the walk, else from the beginning.
Status go_on(SliceCursor &cursor, const Source &source, const Member &member, const Walk &walk, Memory &memory) {
  KeptStream kept(cursor.take());
  if (kept.stream != nullptr && !kept.stream->leads_to(member, walk.first)) kept.drop();
  if (kept.stream == nullptr) {
    TFILE_TRY(make(&kept.stream, memory, source, member, memory, false));
    TFILE_TRY(kept.stream->begin());
  }
  TFILE_TRY(Gather_format_read(*kept.stream, member, walk, memory).run());
  if (kept.stream->complete()) TFILE_TRY(kept.stream->finish());
  // Of what a limit allows nothing is kept from one call to the next.
  if (memory.limit == 0 && !kept.stream->spent()) cursor.keep(kept.give());
  return kOk;
}

}  // namespace

Status read_slice_into(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                       const Settings &settings, SliceCursor &cursor) {
  TFILE_TRY(check_known(source, member));
  if (!member.dtype->addressable()) {
    UnitReader reader{source, member, static_cast<char *>(to)};
    return for_each_unit_run(*member.dtype, member.shape, axes, read_unit_run, &reader);
  }
  for (size_t i = 0; i < member.shape.size(); ++i) {
    if (axes[i].count == 0) return kOk;
  }
  Walk walk;
  make_walk(&walk, member, axes, to);
  if (member.has_crc) return go_on(cursor, source, member, walk, settings.memory());
  MemberStream stream(source, member, settings.memory(), false);
  TFILE_TRY(stream.begin());
  return Gather_format_read(stream, member, walk, settings.memory()).run();
}

Status map_member(Ref<Array> &out, Source &source, const Member &member, Memory &memory) {
  if (member.deflated || member.nbytes == 0 || needs_swap(member)) return kOk;
  const void *bytes = nullptr;
  TFILE_TRY(map_range(source, member.offset, member.nbytes, &bytes));
  if (bytes == nullptr || !serves_as_it_is(member, bytes)) return kOk;
  Ref<Buffer> buffer;
  source.retain();
  void *const data = const_cast<void *>(bytes);
  TFILE_TRY(wrap_buffer(buffer, memory, data, static_cast<size_t>(member.nbytes), maps_privately(source),
                        release_source, &source));
  int64_t strides[kMaxRank];
  int64_t stride = member.dtype->block_bytes;
  for (size_t i = 0; i < member.shape.size(); ++i) {
    strides[i] = stride;
    stride *= member.shape[i];
  }
  return make_array(out, memory, *member.dtype, member.shape, member.fortran ? strides : nullptr, std::move(buffer),
                    static_cast<char *>(data));
}

}  // namespace tfile

// src/base/shared_progress.h
// SharedProgress: progress of work that several threads do, and one of them reports.



namespace tfile {

class SharedProgress {
 public:
  SharedProgress(const Settings &settings, uint64_t total) : progress_(settings, total) {}

  // On any thread: bytes are done.
  void add(uint64_t bytes) { done_.fetch_add(bytes, std::memory_order_relaxed); }
  // On the calling thread: reports what has been added since the last time.
  Status tell() {
    const uint64_t done = done_.load(std::memory_order_relaxed);
    const uint64_t fresh = done - told_;
    told_ = done;
    return fresh > 0 ? progress_.advance(fresh) : kOk;
  }

 private:
  Progress progress_;
  std::atomic<uint64_t> done_{0};
  uint64_t told_ = 0;
};

}  // namespace tfile

// src/format/read_members.cpp
// Reading many members at once: what to read together, what in pieces, and by whom.


namespace tfile {

namespace {

constexpr uint64_t kHugePage_format_read_members = uint64_t{2} << 20;
// What one thread reads at a time: whole huge pages, so that no two threads make the same one, and enough that a system
// call costs nothing beside it.
constexpr uint64_t kMostPiece = 4 * kHugePage_format_read_members;
// Pieces for each thread, so that all end at nearly the same time.
constexpr uint64_t kPiecesEach = 4;
// Less than this is read before another thread has begun.
constexpr uint64_t kParallelFrom = uint64_t{4} << 20;
// What is looked at again, for its checksum, order or dtype, while it is in the cache.
constexpr uint64_t kCached = uint64_t{256} << 10;
// Members of at most this size are read together with their neighbours, as far as one read should go.
constexpr uint64_t kSmall_format_read_members = uint64_t{128} << 10;
constexpr uint64_t kMostTogether = uint64_t{1} << 20;
// A hole of at most this many bytes between them is read over rather than skipped by another call.
constexpr uint64_t kSmallGap_format_read_members = uint64_t{16} << 10;

// A share of the work: neighbours that are read together, or a piece of a member, or a member as a whole.
struct ReadJob {
  const ReadTarget *target;
  size_t count;       // targets from there on
  uint64_t start;     // of a piece, in the member
  uint64_t nbytes;    // array bytes of the job
  uint32_t crc;       // of a piece of a member that has a checksum
  uint32_t head = 0;  // of a first chunk: the checksum of what comes before it
  bool good = true;   // of a chunk: it is what the directory says
};

// Whether a member is read from first byte to last by one thread.
bool is_stream(const Member &member) {
  return member.deflated || member.fortran;
}

// Whether a member is inflated chunk by chunk, by several threads.
bool is_chunked(const ReadTarget &target) {
  return !target.member->chunks.empty() && !target.member->fortran && target.convert == nullptr;
}

bool is_small(const ReadTarget &target) {
  const Member &member = *target.member;
  return !is_stream(member) && target.convert == nullptr && member.nbytes > 0 && member.nbytes <= kSmall_format_read_members;
}

bool comes_before(const ReadTarget &a, const ReadTarget &b) {
  return a.source != b.source ? a.source < b.source : a.member->offset < b.member->offset;
}

// The members from `first` on that one read can fill.
size_t count_neighbours(Span<const ReadTarget> targets) {
  const Member &first = *targets[0].member;
  uint64_t end = first.offset + first.nbytes;
  size_t parts = 1;
  size_t count = 1;
  for (; count < targets.size() && is_small(targets[count]); ++count) {
    const Member &next = *targets[count].member;
    if (targets[count].source != targets[0].source || next.offset < end || next.offset - end > kSmallGap_format_read_members) break;
    parts += next.offset > end ? 2 : 1;
    end = next.offset + next.nbytes;
    if (parts > kMostParts || end - first.offset > kMostTogether) break;
  }
  return count;
}

class Reading {
 public:
  Reading(Span<const ReadTarget> targets, const Settings &settings)
      : targets_(targets), settings_(settings), jobs_(settings.memory()), progress_(settings, total_of(targets)) {}

  Status run() {
    const Workers workers = settings_.workers();
    TFILE_TRY(plan(workers.count));
    const bool alone = !concurrent_ || total_of(targets_) < kParallelFrom;
    // An executor does all in one go when nobody wants to be told.
    const Tell tell = settings_.progress() ? report : nullptr;
    TFILE_TRY(parallel_for(jobs_.size(), alone ? Workers() : workers, run_job, this, tell));
    return check_sums();
  }

 private:
  static uint64_t total_of(Span<const ReadTarget> targets) {
    uint64_t total = 0;
    for (const ReadTarget &target : targets)
      total += target.member->nbytes;
    return total;
  }

  Status plan(size_t threads) {
    const uint64_t share = total_of(targets_) / (threads * kPiecesEach);
    const uint64_t piece = std::clamp(share / kHugePage_format_read_members * kHugePage_format_read_members, kHugePage_format_read_members, kMostPiece);
    for (size_t i = 0; i < targets_.size();) {
      const ReadTarget &target = targets_[i];
      concurrent_ = concurrent_ && target.source->concurrent;
      size_t count = 1;
      if (is_small(target)) {
        count = count_neighbours(targets_.from(i));
        TFILE_TRY(jobs_.push(ReadJob{&target, count, 0, total_of(targets_.from(i).first(count)), 0}));
      } else if (is_chunked(target)) {
        TFILE_TRY(cut_chunks(target));
      } else if (is_stream(*target.member)) {
        TFILE_TRY(jobs_.push(ReadJob{&target, 1, 0, target.member->nbytes, 0}));
      } else {
        TFILE_TRY(cut(target, piece));
      }
      i += count;
    }
    return kOk;
  }

  // A piece is whole units, so that each can be finished by itself.
  Status cut(const ReadTarget &target, uint64_t piece) {
    const uint64_t unit = unit_of(target);
    const uint64_t nbytes = target.member->nbytes;
    piece = piece / unit * unit;
    uint64_t start = 0;
    do {
      const uint64_t left = nbytes - start;
      TFILE_TRY(jobs_.push(ReadJob{&target, 1, start, left < piece ? left : piece, 0}));
      start += piece;
    } while (start < nbytes);
    return kOk;
  }

  Status cut_chunks(const ReadTarget &target) {
    const Member &member = *target.member;
    for (uint64_t start = 0; start < member.nbytes; start += member.chunk) {
      const uint64_t left = member.nbytes - start;
      TFILE_TRY(jobs_.push(ReadJob{&target, 1, start, left < member.chunk ? left : member.chunk, 0}));
    }
    return kOk;
  }

  static uint64_t unit_of(const ReadTarget &target) {
    const Dtype &dtype = *target.member->dtype;
    return target.convert == nullptr ? dtype.block_bytes : kConvertedAtOnce / dtype.block_size * dtype.block_bytes;
  }

  static Status run_job(void *context, size_t i) {
    auto &reading = *static_cast<Reading *>(context);
    ReadJob &job = reading.jobs_[i];
    const ReadTarget &target = *job.target;
    if (is_small(target)) {
      TFILE_TRY(reading.read_together(job));
    } else if (is_chunked(target)) {
      TFILE_TRY(reading.read_chunk(&job));
    } else if (is_stream(*target.member)) {
      TFILE_TRY(reading.read_stream(target));
    } else {
      TFILE_TRY(reading.read_piece(&job));
    }
    reading.progress_.add(job.nbytes);
    return kOk;
  }

  Status read_together(const ReadJob &job) const {
    ReadPart parts[kMostParts];
    const Span<const ReadTarget> together(job.target, job.count);
    const uint64_t start = together[0].member->offset;
    uint64_t at = start;
    size_t count = 0;
    for (const ReadTarget &target : together) {
      const Member &member = *target.member;
      if (member.offset > at) parts[count++] = ReadPart{nullptr, static_cast<size_t>(member.offset - at)};
      parts[count++] = ReadPart{target.to, static_cast<size_t>(member.nbytes)};
      at = member.offset + member.nbytes;
    }
    const Source &source = *together[0].source;
    const Span<const ReadPart> all(parts, count);
    const Status status = read_parts(source, start, all, settings_.memory(), together[0].member->name);
    if (!status.ok()) return blame(together, status);
    for (const ReadTarget &target : together) {
      const Member &member = *target.member;
      const auto nbytes = static_cast<size_t>(member.nbytes);
      if (member.has_crc) TFILE_TRY(check_crc(source, member, crc32_update(member.head_crc32, target.to, nbytes)));
      finish_bytes(member, target.to, nbytes);
    }
    return kOk;
  }

  // A file that has become shorter: says which member it ends before.
  static Status blame(Span<const ReadTarget> together, Status status) {
    if (status.code != TF_STATUS_TRUNCATED || is_foreign(*together[0].source)) return status;
    for (const ReadTarget &target : together) {
      const Member &member = *target.member;
      TFILE_TRY(read_at(*target.source, member.offset, target.to, member.nbytes, member.name));
    }
    return status;
  }

  Status read_stream(const ReadTarget &target) const {
    const Member &member = *target.member;
    if (target.convert == nullptr) return read_whole(target.to, *target.source, member, settings_.memory());
    Ref<Buffer> stored;
    TFILE_TRY(make_buffer(stored, settings_.memory(), member.nbytes));
    TFILE_TRY(read_whole(stored->data, *target.source, member, settings_.memory()));
    return convert(target, stored->data, 0, member.nbytes);
  }

  Status read_chunk(ReadJob *job) const {
    const Member &member = *job->target->member;
    char *const to = static_cast<char *>(job->target->to) + job->start;
    ChunkInflater inflater(*job->target->source, member, settings_.memory());
    if (job->start == 0) {
      TFILE_TRY(inflater.head(&job->good, &job->head));
      if (!job->good) return kOk;
    }
    TFILE_TRY(inflater.chunk(&job->good, static_cast<size_t>(job->start / member.chunk), to));
    if (!job->good) return kOk;
    job->crc = crc32_update(0, to, static_cast<size_t>(job->nbytes));
    finish_bytes(member, to, static_cast<size_t>(job->nbytes));
    return kOk;
  }

  Status read_piece(ReadJob *job) const {
    const ReadTarget &target = *job->target;
    const Member &member = *target.member;
    if (target.convert == nullptr) touch_small_pages(*job);
    const bool looked_at = member.has_crc || target.convert != nullptr || needs_swap(member);
    const uint64_t step = looked_at ? kCached / unit_of(target) * unit_of(target) : job->nbytes;
    Vec<char> scratch(settings_.memory());
    if (target.convert != nullptr) TFILE_TRY(scratch.resize(static_cast<size_t>(std::min(step, job->nbytes))));
    for (uint64_t done = 0; done < job->nbytes;) {
      const uint64_t start = job->start + done;
      const auto nbytes = static_cast<size_t>(std::min(step, job->nbytes - done));
      char *const to = target.convert != nullptr ? scratch.data() : static_cast<char *>(target.to) + start;
      TFILE_TRY(read_at(*target.source, member.offset + start, to, nbytes, member.name));
      if (member.has_crc) job->crc = crc32_update(job->crc, to, nbytes);
      finish_bytes(member, to, nbytes);
      if (target.convert != nullptr) TFILE_TRY(convert(target, to, start, nbytes));
      done += nbytes;
    }
    return kOk;
  }

  // What lies behind the last whole huge page of an array.
  static void touch_small_pages(const ReadJob &job) {
    constexpr uint64_t kLeast = uint64_t{64} << 10;
    const uint64_t small = job.target->member->nbytes / kHugePage_format_read_members * kHugePage_format_read_members;
    const uint64_t skipped = small > job.start ? small - job.start : 0;
    if (job.nbytes < skipped + kLeast) return;
    system_touch(static_cast<char *>(job.target->to) + job.start + skipped, static_cast<size_t>(job.nbytes - skipped));
  }

  // Bytes of a member, which begin with byte `start` of it and are whole units.
  static Status convert(const ReadTarget &target, const void *from, uint64_t start, uint64_t nbytes) {
    const Dtype &dtype = *target.member->dtype;
    const uint64_t first = start / dtype.block_bytes * dtype.block_size;
    const uint64_t count = nbytes / dtype.block_bytes * dtype.block_size;
    const uint64_t to = first / target.dtype->block_size * target.dtype->block_bytes;
    return target.convert(static_cast<char *>(target.to) + to, *target.dtype, from, *target.member, first, count);
  }

  // Joins the checksums of pieces, which stand in order.
  Status check_sums() const {
    for (size_t i = 0; i < jobs_.size();) {
      const ReadTarget &target = *jobs_[i].target;
      const Member &member = *target.member;
      const bool chunked = is_chunked(target);
      if (!member.has_crc || is_small(target) || (is_stream(member) && !chunked)) {
        ++i;
        continue;
      }
      uint32_t crc = chunked ? jobs_[i].head : member.head_crc32;
      bool good = true;
      for (; i < jobs_.size() && jobs_[i].target == &target; ++i) {
        good = good && jobs_[i].good;
        crc = crc32_join(crc, jobs_[i].crc, jobs_[i].nbytes);
      }
      if (!chunked) {
        TFILE_TRY(check_crc(*target.source, member, crc));
      } else if (!good || crc != member.crc32) {
        // The chunks are not what the directory says: the stream as a whole counts.
        TFILE_TRY(read_stream(target));
      }
    }
    return kOk;
  }

  static Status report(void *context) { return static_cast<Reading *>(context)->progress_.tell(); }

  Span<const ReadTarget> targets_;
  const Settings &settings_;
  Vec<ReadJob> jobs_;
  SharedProgress progress_;
  bool concurrent_ = true;
};

}  // namespace

Status read_members(Vec<ReadTarget> &targets, const Settings &settings) {
  for (const ReadTarget &target : targets)
    TFILE_TRY(check_known(*target.source, *target.member));
  if (!std::is_sorted(targets.begin(), targets.end(), comes_before)) {
    std::sort(targets.begin(), targets.end(), comes_before);
  }
  return Reading(targets.span(), settings).run();
}

}  // namespace tfile

// src/format/safetensors.cpp
#if !defined(TENSORFILE_NO_SAFETENSORS)
// The safetensors format: the length of a JSON header, the header, and the arrays' bytes without gaps.
//
// Opening goes over the header once and keeps a small record of each array, so that refusing a bad file costs little.
// Only when everything has been checked are names, shapes and metadata read out of it.


namespace tfile {

namespace {

constexpr size_t kLengthBytes = 8;
// Read at once: all of a small file, or the header of a common one.
constexpr uint64_t kFirstRead_format_safetensors = uint64_t{64} << 10;
constexpr uint64_t kDefaultAlignment_format_safetensors = 64;
// The shortest entry of an array there can be.
constexpr size_t kLeastEntry = sizeof(R"("":{"dtype":"","shape":[],"data_offsets":[0,0]})") - 1;
constexpr Text kMetadataName = "__metadata__";

struct DtypeName {
  Text text;
  tf_dtype id;
};

// In the reference's order; its writer puts those that come last first.
constexpr DtypeName kDtypeNames[] = {
    {"BOOL", TF_DTYPE_BOOL},
    {"F4", TF_DTYPE_FLOAT4_E2M1FN},
    {"F6_E2M3", TF_DTYPE_FLOAT6_E2M3FN},
    {"F6_E3M2", TF_DTYPE_FLOAT6_E3M2FN},
    {"U8", TF_DTYPE_UINT8},
    {"I8", TF_DTYPE_INT8},
    {"F8_E5M2", TF_DTYPE_FLOAT8_E5M2},
    {"F8_E4M3", TF_DTYPE_FLOAT8_E4M3FN},
    {"F8_E8M0", TF_DTYPE_FLOAT8_E8M0FNU},
    {"F8_E4M3FNUZ", TF_DTYPE_FLOAT8_E4M3FNUZ},
    {"F8_E5M2FNUZ", TF_DTYPE_FLOAT8_E5M2FNUZ},
    {"I16", TF_DTYPE_INT16},
    {"U16", TF_DTYPE_UINT16},
    {"F16", TF_DTYPE_FLOAT16},
    {"BF16", TF_DTYPE_BFLOAT16},
    {"I32", TF_DTYPE_INT32},
    {"U32", TF_DTYPE_UINT32},
    {"F32", TF_DTYPE_FLOAT32},
    {"C64", TF_DTYPE_COMPLEX64},
    {"F64", TF_DTYPE_FLOAT64},
    {"I64", TF_DTYPE_INT64},
    {"U64", TF_DTYPE_UINT64},
};

const DtypeName *find_dtype_name(tf_dtype id) {
  for (const DtypeName &name : kDtypeNames) {
    if (name.id == id) return &name;
  }
  return nullptr;
}

const Dtype *find_safetensors_dtype(Text raw) {
  for (const DtypeName &name : kDtypeNames) {
    if (raw == name.text) return find_dtype(name.id);
  }
  for (const DtypeName &name : kDtypeNames) {
    if (has_json_escape(raw) && compare_raw_json(raw, name.text) == 0) return find_dtype(name.id);
  }
  return nullptr;
}

// Whether a raw key means a name, which needs no escape itself.
bool is_key(Text raw, Text name) {
  return raw == name || (has_json_escape(raw) && compare_raw_json(raw, name) == 0);
}

bool is_json_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// The first byte of text that is not white space; a space when there is none.
char first_token(Text text) {
  for (const char c : text) {
    if (!is_json_space(c)) return c;
  }
  return ' ';
}

// Checks the length of the header; head is what has been read of the file.
Status check_length(uint64_t length, Text head, const Source &source, const Settings &settings) {
  const Checked end = Checked(length) + kLengthBytes;
  const uint64_t limit = header_limit(settings);
  if (end.valid() && length > 0 && length <= limit && end.value() <= source.size) return kOk;
  const auto fail = [&source](tf_status status) { return Failure(status).in(source.label).at(0); };
  const char first = first_token(head.from(kLengthBytes));
  if (length > 0 && first != ' ' && first != '{') {
    return fail(TF_STATUS_FORMAT) << "not a safetensors file: no length of a JSON header, and no '{' behind it";
  }
  if (length == 0) return fail(TF_STATUS_CORRUPT) << "the header has 0 bytes, expected a JSON object";
  if (!end.valid()) return fail(TF_STATUS_CORRUPT) << "a header of " << length << " bytes, which is beyond 2^63";
  if (length > limit) {
    return fail(TF_STATUS_LIMIT) << "a header of " << length << " bytes is longer than the limit (max_header_bytes) of "
                                 << limit;
  }
  return fail(TF_STATUS_TRUNCATED) << "the header should end at byte " << end.value() << ", the file ends at byte "
                                   << source.size;
}

// The length and the header; small files are read in one go.
Status read_header_format_safetensors(Vec<char> &bytes, const Source &source, const Settings &settings) {
  if (source.size < kLengthBytes) {
    return Failure(TF_STATUS_TRUNCATED).in(source.label).at(source.size)
           << "the file has " << source.size << " bytes, a safetensors file at least 8";
  }
  const auto first = static_cast<size_t>(source.size < kFirstRead_format_safetensors ? source.size : kFirstRead_format_safetensors);
  TFILE_TRY(bytes.resize(first));
  TFILE_TRY(read_at(source, 0, bytes.data(), first, Text()));
  const auto length = load_le<uint64_t>(bytes.data());
  TFILE_TRY(check_length(length, Text(bytes.data(), first), source, settings));
  const Checked end = Checked(length) + kLengthBytes;
  if (!end.fits_memory())
    return Failure(TF_STATUS_OUT_OF_MEMORY).in(source.label) << "the header does not fit in memory";
  TFILE_TRY(bytes.resize(static_cast<size_t>(end.value())));
  if (end.value() <= first) return kOk;
  return read_at(source, first, bytes.data() + first, end.value() - first, Text());
}

// What a header says of one array, and where in the header.
struct Fields_format_safetensors {
  const Dtype *dtype = nullptr;
  Text dtype_text;  // as it stands in the header
  int64_t sizes[kMaxRank];
  uint64_t rank = 0;
  uint64_t offsets[2] = {0, 0};
  size_t dtype_at = 0;  // 0: has not been seen
  size_t shape_at = 0;
  size_t offsets_at = 0;

  Span<const int64_t> shape() const { return {sizes, static_cast<size_t>(rank)}; }
};

// What is kept of an array until the whole header has been checked.
struct Entry {
  Text name;
  uint64_t begin;  // in the data section
  uint64_t end;
  const Dtype *dtype;
  const char *text;  // its JSON object; when that is gone and dtype is NULL: the reason
  Span<const int64_t> shape;
};

class HeaderScan {
 public:
  HeaderScan(Listing &listing, const Source &source, const Settings &settings)
      : listing_(listing),
        source_(source),
        settings_(settings),
        header_(listing.memory),
        reader_(Span<char>(), Text(), 0),
        entries_(listing.memory),
        names_(listing.memory, name_at, this) {}

  Status run();

 private:
  static Text name_at(const void *owner, size_t place) {
    return static_cast<const HeaderScan *>(owner)->entries_[place].name;
  }
  char *json() { return header_.data() + kLengthBytes; }
  size_t position_of(const char *text) { return static_cast<size_t>(text - json()); }

  Status reserve_entries();
  Status scan();
  Status scan_values();
  Status scan_value(Text name);
  Status index_names();
  Status scan_metadata();
  Status check_keys(size_t count);
  bool read_common(Fields_format_safetensors *fields);
  const Dtype *dtype_of(Text raw);
  Status read_fields(Fields_format_safetensors *fields);
  Status read_field(Fields_format_safetensors *fields, Text key);
  Status begin_field(size_t *at, const char *what);
  Status read_shape(Fields_format_safetensors *fields);
  Status read_offsets(Fields_format_safetensors *fields);
  Status check_size(Text name, const Fields_format_safetensors &fields);
  Status reread(Fields_format_safetensors *fields, const Entry &entry);
  Failure blame_offsets(const Entry &entry);
  Status check_layout();
  Status check_end(uint64_t data_bytes);
  Status build_metadata();
  Status make_room();
  Status build_entry(Entry &entry);
  Status build_members();

  Listing &listing_;
  const Source &source_;
  const Settings &settings_;
  Vec<char> header_;  // from the first byte of the file
  JsonReader reader_;
  Vec<Entry> entries_;
  NameIndex names_;      // of entries_, in the order of the header
  bool sorted_ = false;  // since then
  size_t name_bytes_ = 0;
  size_t ranks_ = 0;
  int64_t *shapes_ = nullptr;  // room for the shapes that are still to come
  Text last_dtype_text_;
  const Dtype *last_dtype_ = nullptr;
  uint64_t data_start_ = 0;
  size_t metadata_at_ = 0;  // 0: there are none
};

Status HeaderScan::run() {
  TFILE_TRY(read_header_format_safetensors(header_, source_, settings_));
  data_start_ = header_.size();
  reader_ = JsonReader(Span<char>(json(), header_.size() - kLengthBytes), source_.label, kLengthBytes);
  TFILE_TRY(reserve_entries());
  TFILE_TRY(scan());
  TFILE_TRY(check_layout());
  TFILE_TRY(build_metadata());
  TFILE_TRY(make_room());
  for (Entry &entry : entries_)
    TFILE_TRY(build_entry(entry));
  return build_members();
}

// Room for as many arrays as the header can have: each has a brace, and the bytes of the shortest entry.
Status HeaderScan::reserve_entries() {
  const Text header(json(), header_.size() - kLengthBytes);
  size_t braces = 0;
  for (const char c : header)
    braces += c == '{' ? 1 : 0;
  const size_t most = std::min(braces, header.size() / kLeastEntry);
  TFILE_TRY(entries_.reserve(most));
  return names_.reserve(most);
}

Status HeaderScan::scan() {
  const Status status = scan_values();
  // A name that stands twice stands before what ended the scan.
  TFILE_TRY(index_names());
  return status;
}

Status HeaderScan::scan_values() {
  TFILE_TRY(reader_.begin_object());
  for (;;) {
    bool more = false;
    Text name;
    TFILE_TRY(reader_.next_key(&more, &name));
    if (!more) break;
    if (name == kMetadataName) {
      TFILE_TRY(scan_metadata());
    } else {
      TFILE_TRY(scan_value(name));
    }
    reader_.about_array(Text());
  }
  return reader_.end();
}

// The value of one name, which is an array.
Status HeaderScan::scan_value(Text name) {
  const size_t at = position_of(name.data()) - 1;
  TFILE_TRY(check_name_length(source_, settings_, name.size(), kLengthBytes + at));
  TFILE_TRY(check_array_count(source_, settings_, entries_.size() + 1, kLengthBytes + at));
  reader_.about_array(name);
  if (!name.empty() && memchr(name.data(), '\0', name.size()) != nullptr) {
    return reader_.fail(at) << "the name holds a NUL";
  }
  constexpr size_t kIndexedAtOnce = 64;
  const char *const text = json() + reader_.position();
  Fields_format_safetensors fields;
  TFILE_TRY(read_fields(&fields));
  TFILE_TRY(check_size(name, fields));
  TFILE_TRY(entries_.push(Entry{name, fields.offsets[0], fields.offsets[1], fields.dtype, text, {}}));
  name_bytes_ += name.size() + 1;
  ranks_ += static_cast<size_t>(fields.rank);
  return entries_.size() % kIndexedAtOnce == 0 ? index_names() : kOk;
}

// Adds the entries since the last time.
Status HeaderScan::index_names() {
  size_t found = 0;
  size_t twin = 0;
  TFILE_TRY(names_.add_up_to(entries_.size(), &found, &twin));
  if (found == NameIndex::kNone) return kOk;
  const Text name = entries_[found].name;
  reader_.about_array(name);
  return reader_.fail(position_of(name.data()) - 1, TF_STATUS_DUPLICATE) << "the name stands twice in the file";
}

// An array's value as nearly every writer has it. False: it is not so, and has yet to be read.
bool HeaderScan::read_common(Fields_format_safetensors *fields) {
  const Text rest = reader_.rest();
  CommonForm form(rest);
  const auto place = [&] { return position_of(form.at()) - 1; };
  if (!form.literal("{\"dtype\":\"")) return false;
  fields->dtype_at = place();
  if (!form.word(&fields->dtype_text, '"') || !form.literal(",\"shape\":[")) return false;
  fields->shape_at = place();
  uint64_t rank = 0;
  if (!form.character(']')) {
    do {
      uint64_t size = 0;
      if (!form.number(&size)) return false;
      if (rank < kMaxRank) fields->sizes[rank] = static_cast<int64_t>(size);
      ++rank;
    } while (form.character(','));
    if (!form.character(']')) return false;
  }
  if (!form.literal(",\"data_offsets\":[")) return false;
  fields->offsets_at = place();
  const bool whole = form.number(&fields->offsets[0]) && form.character(',') && form.number(&fields->offsets[1]);
  if (!whole || !form.literal("]}")) return false;
  fields->rank = rank;
  fields->dtype = dtype_of(fields->dtype_text);
  reader_.pass(rest.size() - form.left());
  return true;
}

// Most arrays have the dtype of the one before.
const Dtype *HeaderScan::dtype_of(Text raw) {
  if (!(raw == last_dtype_text_)) {
    last_dtype_text_ = raw;
    last_dtype_ = find_safetensors_dtype(raw);
  }
  return last_dtype_;
}

Status HeaderScan::read_fields(Fields_format_safetensors *fields) {
  if (read_common(fields)) return kOk;
  fields->dtype_at = fields->shape_at = fields->offsets_at = 0;
  const size_t start = reader_.position();
  TFILE_TRY(reader_.begin_object());
  for (;;) {
    bool more = false;
    Text key;
    TFILE_TRY(reader_.next_raw_key(&more, &key));
    if (!more) break;
    TFILE_TRY(read_field(fields, key));
  }
  const char *const missing = fields->dtype_at == 0     ? "dtype"
                              : fields->shape_at == 0   ? "shape"
                              : fields->offsets_at == 0 ? "data_offsets"
                                                        : nullptr;
  return missing == nullptr ? kOk : reader_.fail(start) << "has no '" << missing << "'";
}

Status HeaderScan::read_field(Fields_format_safetensors *fields, Text key) {
  if (is_key(key, "dtype")) {
    TFILE_TRY(begin_field(&fields->dtype_at, "dtype"));
    TFILE_TRY(reader_.raw_string(&fields->dtype_text));
    fields->dtype = dtype_of(fields->dtype_text);
    return kOk;
  }
  if (is_key(key, "shape")) {
    TFILE_TRY(begin_field(&fields->shape_at, "shape"));
    return read_shape(fields);
  }
  if (is_key(key, "data_offsets")) {
    TFILE_TRY(begin_field(&fields->offsets_at, "data_offsets"));
    return read_offsets(fields);
  }
  return reader_.skip();
}

Status HeaderScan::begin_field(size_t *at, const char *what) {
  const size_t position = reader_.position();
  if (*at != 0) return reader_.fail(position, TF_STATUS_DUPLICATE) << "has '" << what << "' twice";
  *at = position;
  return kOk;
}

Status HeaderScan::read_shape(Fields_format_safetensors *fields) {
  TFILE_TRY(reader_.begin_array());
  for (;;) {
    bool more = false;
    TFILE_TRY(reader_.next_element(&more));
    if (!more) break;
    const size_t at = reader_.position();
    uint64_t size = 0;
    TFILE_TRY(reader_.unsigned_integer(&size));
    if (!Checked(size).valid()) return reader_.fail(at) << "dimension " << size << " is beyond 2^63";
    if (fields->rank < kMaxRank) fields->sizes[fields->rank] = static_cast<int64_t>(size);
    ++fields->rank;
  }
  return kOk;
}

Status HeaderScan::read_offsets(Fields_format_safetensors *fields) {
  TFILE_TRY(reader_.begin_array());
  uint64_t count = 0;
  for (;; ++count) {
    bool more = false;
    TFILE_TRY(reader_.next_element(&more));
    if (!more) break;
    const size_t at = reader_.position();
    uint64_t offset = 0;
    TFILE_TRY(reader_.unsigned_integer(&offset));
    if (!Checked(offset).valid()) return reader_.fail(at) << "data offset " << offset << " is beyond 2^63";
    if (count < 2) fields->offsets[count] = offset;
  }
  if (count == 2) return kOk;
  return reader_.fail(fields->offsets_at) << "data_offsets has " << count << " numbers, expected 2";
}

// That the offsets span what dtype and shape need.
Status HeaderScan::check_size(Text name, const Fields_format_safetensors &fields) {
  TFILE_TRY(check_rank(source_, settings_, name, fields.rank, kLengthBytes + fields.shape_at));
  const uint64_t begin = fields.offsets[0];
  const uint64_t end = fields.offsets[1];
  if (end < begin) {
    return reader_.fail(fields.offsets_at) << "data_offsets end at " << end << ", before they begin, at " << begin;
  }
  const Checked count = element_count(fields.shape());
  if (!count.valid()) {
    return reader_.fail(fields.shape_at).shape(fields.shape()) << " has 2^63 elements or more";
  }
  if (fields.dtype == nullptr) return kOk;
  if (count.value() % fields.dtype->block_size != 0) {
    return reader_.fail(fields.shape_at) << count.value() << " elements of " << fields.dtype_text
                                         << " do not fill whole bytes";
  }
  const Checked bytes = byte_count(*fields.dtype, fields.shape());
  if (!bytes.valid()) return reader_.fail(fields.shape_at).shape(fields.shape()) << " needs 2^63 bytes or more";
  if (bytes.value() == end - begin) return kOk;
  return (reader_.fail(fields.offsets_at)
          << "data_offsets span " << end - begin << " bytes, " << fields.dtype_text << " of shape ")
             .shape(fields.shape())
         << " needs " << bytes.value();
}

// The next key and string of the metadata, as they stand in the header.
Status next_pair(bool *more, Text *key, Text *value, JsonReader &reader) {
  TFILE_TRY(reader.next_raw_key(more, key));
  if (!*more) return kOk;
  reader.about_key(*key);
  TFILE_TRY(reader.raw_string(value));
  reader.about_key(Text());
  return kOk;
}

// Metadata are checked here, and read when all else has been found good.
Status HeaderScan::scan_metadata() {
  const size_t start = reader_.position();
  if (metadata_at_ != 0) return reader_.fail(start, TF_STATUS_DUPLICATE) << "has '__metadata__' twice";
  metadata_at_ = start;
  if (reader_.peek() == JsonType::kNull) return reader_.null();
  const uint64_t most = settings_.limit(TF_OPTION_MAX_METADATA);
  TFILE_TRY(reader_.begin_object());
  for (size_t count = 0;; ++count) {
    bool more = false;
    Text key;
    Text value;
    TFILE_TRY(next_pair(&more, &key, &value, reader_));
    if (!more) return check_keys(count);
    const size_t at = position_of(key.data()) - 1;
    TFILE_TRY(check_name_length(source_, settings_, raw_json_size(key), kLengthBytes + at));
    if (count < most) continue;
    return reader_.fail(at, TF_STATUS_LIMIT) << "more metadata values than the limit (max_metadata) of " << most;
  }
}

// That no key stands twice. They are sorted, because an index would cost several times what a short key does.
Status HeaderScan::check_keys(size_t count) {
  Vec<Text> keys(listing_.memory);
  TFILE_TRY(keys.resize(count));
  JsonReader reader = reader_;
  reader.seek(metadata_at_);
  TFILE_TRY(reader.begin_object());
  for (Text &key : keys) {
    bool more = false;
    Text value;
    TFILE_TRY(next_pair(&more, &key, &value, reader));
  }
  std::sort(keys.begin(), keys.end(), [](Text a, Text b) {
    const int order = compare_raw_json(a, b);
    return order != 0 ? order < 0 : a.data() < b.data();
  });
  for (size_t i = 1; i < keys.size(); ++i) {
    if (compare_raw_json(keys[i - 1], keys[i]) != 0) continue;
    reader.about_key(reader.decode(keys[i]));
    return reader.fail(position_of(keys[i].data()) - 1, TF_STATUS_DUPLICATE) << "stands twice in the metadata";
  }
  return kOk;
}

// That the arrays lie behind one another and fill the rest of the file.
Status HeaderScan::check_layout() {
  // By offset; empty arrays, which share one, in the header's order.
  const auto before = [](const Entry &a, const Entry &b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    return a.end != b.end ? a.end < b.end : a.text < b.text;
  };
  sorted_ = !std::is_sorted(entries_.begin(), entries_.end(), before);
  if (sorted_) std::sort(entries_.begin(), entries_.end(), before);
  uint64_t end = 0;
  for (const Entry &entry : entries_) {
    if (entry.begin != end) {
      return blame_offsets(entry) << "data_offsets begin at " << entry.begin << ", expected " << end
                                  << (entry.begin > end ? ": a hole before them" : ": they overlap others");
    }
    end = entry.end;
  }
  return check_end(end);
}

Status HeaderScan::check_end(uint64_t data_bytes) {
  const Checked end = Checked(data_start_) + data_bytes;
  if (!end.valid()) {
    return blame_offsets(entries_.back()) << "data_offsets end at " << data_bytes << ", in the file beyond 2^63";
  }
  if (end.value() > source_.size) {
    Failure failure(TF_STATUS_TRUNCATED);
    failure.in(source_.label);
    for (const Entry &entry : entries_) {
      if (data_start_ + entry.end <= source_.size) continue;
      failure.array(entry.name);
      break;
    }
    return failure.at(source_.size) << "the data should end at byte " << end.value() << ", the file ends at byte "
                                    << source_.size;
  }
  if (end.value() == source_.size || settings_.on(TF_OPTION_LENIENT)) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.value())
         << "the data end at byte " << end.value() << ", the file at byte " << source_.size;
}

Status HeaderScan::reread(Fields_format_safetensors *fields, const Entry &entry) {
  reader_.seek(position_of(entry.text));
  return read_fields(fields);
}

// Begins the message about an array that has been read before.
Failure HeaderScan::blame_offsets(const Entry &entry) {
  Fields_format_safetensors fields;
  (void)reread(&fields, entry);
  reader_.about_array(entry.name);
  return reader_.fail(fields.offsets_at);
}

Status HeaderScan::build_metadata() {
  reader_.seek(metadata_at_);
  if (metadata_at_ == 0 || reader_.peek() == JsonType::kNull) return kOk;
  TFILE_TRY(reader_.begin_object());
  for (;;) {
    bool more = false;
    Text key;
    Text value;
    TFILE_TRY(next_pair(&more, &key, &value, reader_));
    if (!more) return kOk;
    TFILE_TRY(listing_.metadata->set_string(reader_.decode(key), reader_.decode(value)));
  }
}

// For all names and shapes at once.
Status HeaderScan::make_room() {
  void *shapes = nullptr;
  TFILE_TRY(listing_.arena.reserve(ranks_ * sizeof(int64_t) + name_bytes_ + alignof(int64_t)));
  TFILE_TRY(listing_.arena.take(&shapes, ranks_ * sizeof(int64_t), alignof(int64_t)));
  shapes_ = static_cast<int64_t *>(shapes);
  return kOk;
}

// Takes out of the header what is in it of an array.
Status HeaderScan::build_entry(Entry &entry) {
  Fields_format_safetensors fields;
  TFILE_TRY(reread(&fields, entry));
  TFILE_TRY(listing_.arena.copy(&entry.name, entry.name));
  if (fields.rank > 0) memcpy(shapes_, fields.sizes, static_cast<size_t>(fields.rank) * sizeof(int64_t));
  entry.shape = Span<const int64_t>(shapes_, static_cast<size_t>(fields.rank));
  shapes_ += fields.rank;
  if (entry.dtype != nullptr) return kOk;
  char buffer[256];
  LineWriter line(buffer, sizeof(buffer));
  line << "dtype '" << reader_.decode(fields.dtype_text).first(48) << "'";
  Text reason;
  TFILE_TRY(listing_.arena.copy(&reason, line.text()));
  entry.text = reason.data();
  return kOk;
}

Status HeaderScan::build_members() {
  // The header goes before the members come: both at once would be most of what opening a file costs.
  {
    Vec<char> nothing(listing_.memory);
    header_.swap(nothing);
  }
  TFILE_TRY(listing_.members.reserve(entries_.size()));
  for (const Entry &entry : entries_) {
    Member member;
    member.name = entry.name;
    member.shape = entry.shape;
    member.dtype = entry.dtype;
    if (entry.dtype == nullptr) member.reason = Text(entry.text);
    member.nbytes = entry.end - entry.begin;
    member.stored = member.nbytes;
    member.offset = data_start_ + entry.begin;
    TFILE_TRY(sorted_ ? listing_.add(source_, settings_, member, 0) : listing_.members.push(member));
  }
  if (!sorted_) listing_.take_names(names_);
  return kOk;
}

Status list_safetensors(Listing &listing, const Source &source, const Settings &settings) {
  return HeaderScan(listing, source, settings).run();
}

bool probe_safetensors(Bytes head) {
  // A longer header is of no one's; other formats' magic numbers lie above.
  constexpr uint64_t kMostPlausible = UINT32_MAX;
  if (head.size() <= kLengthBytes) return false;
  const auto length = load_le<uint64_t>(head.data());
  const Text behind(reinterpret_cast<const char *>(head.data()) + kLengthBytes, head.size() - kLengthBytes);
  return length >= 2 && length <= kMostPlausible && first_token(behind) == '{';
}

// One array of a save: where it goes, and under which dtype.
struct Item_format_safetensors {
  const NamedArray *named;  // among the request's
  const DtypeName *dtype;
  uint64_t begin;
};

// What a header says: arrays in the order of the reference, or the request's where that must be, keys sorted.
struct Plan_format_safetensors {
  explicit Plan_format_safetensors(Memory &memory) : items(memory), metadata(memory) {}
  Status make(const SaveRequest &request);

  Vec<Item_format_safetensors> items;
  Vec<const DictEntry *> metadata;
};

Status Plan_format_safetensors::make(const SaveRequest &request) {
  TFILE_TRY(items.reserve(request.arrays.size()));
  for (const NamedArray &named : request.arrays)
    TFILE_TRY(items.push(Item_format_safetensors{&named, find_dtype_name(named.array->dtype->id), 0}));
  const auto before = [](const Item_format_safetensors &a, const Item_format_safetensors &b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : compare(a.named->name, b.named->name) < 0;
  };
  if (!request.forward) std::sort(items.begin(), items.end(), before);
  Checked end = 0;
  for (Item_format_safetensors &item : items) {
    item.begin = end.value();
    end = end + item.named->array->nbytes;
    if (!end.valid()) return Failure(TF_STATUS_UNSUPPORTED) << "safetensors cannot hold 2^63 bytes or more";
  }
  if (request.metadata == nullptr) return kOk;
  for (const DictEntry *entry : request.metadata->entries)
    TFILE_TRY(metadata.push(entry));
  std::sort(metadata.begin(), metadata.end(),
            [](const DictEntry *a, const DictEntry *b) { return compare(a->key, b->key) < 0; });
  return kOk;
}

Status put_metadata(JsonText &json, const Plan_format_safetensors &plan) {
  TFILE_TRY(json.put("\"__metadata__\":{"));
  for (size_t i = 0; i < plan.metadata.size(); ++i) {
    if (i > 0) TFILE_TRY(json.put(","));
    TFILE_TRY(json.string(plan.metadata[i]->key));
    TFILE_TRY(json.put(":"));
    TFILE_TRY(json.string(plan.metadata[i]->string));
  }
  return json.put("}");
}

Status put_item(JsonText &json, const Item_format_safetensors &item) {
  const Array &array = *item.named->array;
  TFILE_TRY(json.string(item.named->name));
  TFILE_TRY(json.put(":{\"dtype\":\""));
  TFILE_TRY(json.put(item.dtype->text));
  TFILE_TRY(json.put("\",\"shape\":["));
  for (size_t i = 0; i < array.ndim; ++i) {
    if (i > 0) TFILE_TRY(json.put(","));
    TFILE_TRY(json.number(static_cast<uint64_t>(array.shape()[i])));
  }
  TFILE_TRY(json.put("],\"data_offsets\":["));
  TFILE_TRY(json.number(item.begin));
  TFILE_TRY(json.put(","));
  TFILE_TRY(json.number(item.begin + array.nbytes));
  return json.put("]}");
}

Status put_header_format_safetensors(JsonText &json, const Plan_format_safetensors &plan) {
  TFILE_TRY(json.put("{"));
  if (!plan.metadata.empty()) TFILE_TRY(put_metadata(json, plan));
  for (size_t i = 0; i < plan.items.size(); ++i) {
    if (i > 0 || !plan.metadata.empty()) TFILE_TRY(json.put(","));
    TFILE_TRY(put_item(json, plan.items[i]));
  }
  return json.put("}");
}

uint64_t alignment_of(const Settings &settings) {
  const uint64_t alignment = settings.limit(TF_OPTION_ALIGNMENT);
  return alignment == 0 ? kDefaultAlignment_format_safetensors : alignment;
}

// Lists what the format cannot hold of the arrays.
void refuse_arrays(Refusals &refusals, Span<const NamedArray> arrays) {
  for (const NamedArray &named : arrays) {
    const Text name = named.name;
    const char *const wrong = name == kMetadataName ? "the name is the format's own for metadata"
                              : !name.empty() && memchr(name.data(), '\0', name.size()) != nullptr
                                  ? "the name holds a NUL"
                              : !is_utf8(name) ? "the name is not UTF-8"
                                               : nullptr;
    if (wrong != nullptr) {
      refusals.add(name) << wrong;
    } else if (find_dtype_name(named.array->dtype->id) == nullptr) {
      refusals.add(name) << named.array->dtype->name << " has no safetensors dtype";
    }
  }
}

// *all_strings: no value is of another kind.
void refuse_metadata(Refusals &refusals, bool *all_strings, const Dict &metadata) {
  *all_strings = true;
  for (const DictEntry *entry : metadata.entries) {
    if (entry->kind != TF_KIND_STRING) {
      *all_strings = false;
      refusals.add(entry->key) << "metadata that is not a string";
    } else if (!is_utf8(entry->key) || !is_utf8(entry->string)) {
      refusals.add(entry->key) << "metadata that is not UTF-8";
    }
  }
}

Status check_safetensors(const SaveRequest &request) {
  Refusals refusals;
  refuse_arrays(refusals, request.arrays);
  const bool arrays_fit = !refusals.any();
  bool all_strings = true;
  if (request.metadata != nullptr) refuse_metadata(refusals, &all_strings, *request.metadata);
  const tf_status status = arrays_fit && !all_strings ? TF_STATUS_TYPE : TF_STATUS_UNSUPPORTED;
  TFILE_TRY(refusals.result(status, Text(), "safetensors cannot hold"));
  Plan_format_safetensors plan(request.settings.memory());
  TFILE_TRY(plan.make(request));
  JsonText json(nullptr);
  TFILE_TRY(put_header_format_safetensors(json, plan));
  const uint64_t length = (Checked(json.size()) + kLengthBytes).align_up(alignment_of(request.settings)).value();
  const uint64_t limit = header_limit(request.settings);
  if (length - kLengthBytes <= limit) return kOk;
  return Failure(TF_STATUS_LIMIT) << "the safetensors header would have " << length - kLengthBytes
                                  << " bytes, more than the limit (max_header_bytes) of " << limit;
}

Status lay_out_safetensors(Layout &layout, const SaveRequest &request) {
  Memory &memory = request.settings.memory();
  Plan_format_safetensors plan(memory);
  TFILE_TRY(plan.make(request));
  Vec<char> header(memory);
  TFILE_TRY(header.resize(kLengthBytes));
  JsonText json(&header);
  TFILE_TRY(put_header_format_safetensors(json, plan));
  const uint64_t alignment = alignment_of(request.settings);
  const size_t written = header.size();
  TFILE_TRY(header.resize(static_cast<size_t>(Checked(written).align_up(alignment).value())));
  memset(header.data() + written, ' ', header.size() - written);
  store_le(header.data(), static_cast<uint64_t>(header.size() - kLengthBytes));
  TFILE_TRY(layout.write(header.data(), header.size()));
  for (const Item_format_safetensors &item : plan.items) {
    const auto place = static_cast<size_t>(item.named - request.arrays.data());
    TFILE_TRY(layout.add_array(place, item.named->array->nbytes));
  }
  return kOk;
}

}  // namespace

const Format kSafetensorsFormat = {
    TF_FORMAT_SAFETENSORS, "safetensors",     ".safetensors",      true,    probe_safetensors,
    list_safetensors,      check_safetensors, lay_out_safetensors, nullptr,
};

}  // namespace tfile
#endif  // !defined(TENSORFILE_NO_SAFETENSORS)

// src/format/write.cpp
namespace tfile {

namespace {

// What is copied together at a time, and summed and written while it is in the cache.
constexpr size_t kPiece_format_write = size_t{1} << 20;
// What one thread puts at a time: enough that a system call costs nothing beside it.
constexpr uint64_t kShare = uint64_t{8} << 20;

constexpr uint8_t kZeros_format_write[4096] = {};

// Whether the bytes of an array are in memory what they are in the file.
bool lies_ready(const Array &array, bool fortran) {
  const bool in_order = fortran ? is_fortran_contiguous(array) : is_contiguous(array);
  return in_order && !(kHostIsBig && array.dtype->scalar > 1);  // blocks are little-endian on every host
}

// Units of `count` from `first` on, as the file has them.
void stage(char *to, const Array &array, bool fortran, int64_t first, int64_t count) {
  const size_t unit = array.dtype->block_bytes;
  const size_t nbytes = static_cast<size_t>(count) * unit;
  if (fortran || is_contiguous(array)) {
    memcpy(to, array.data + static_cast<size_t>(first) * unit, nbytes);
  } else {
    copy_elements(to, array, first, count);
  }
  if (kHostIsBig && array.dtype->scalar > 1) (void)swap_bytes(*array.dtype, to, nbytes);
}

// Part of an array, in whole units, in pieces that the cache holds.
Status for_each_piece_of(const Array &array, bool fortran, uint64_t start, uint64_t nbytes, Memory &memory,
                         PieceFn take, void *context) {
  const uint64_t unit = array.dtype->block_bytes;
  const uint64_t most = kPiece_format_write / unit * unit;
  const bool ready = lies_ready(array, fortran);
  Vec<char> piece(memory);
  if (!ready) TFILE_TRY(piece.resize(static_cast<size_t>(nbytes < most ? nbytes : most)));
  for (uint64_t done = 0; done < nbytes; done += most) {
    const uint64_t count = nbytes - done < most ? nbytes - done : most;
    const uint64_t at = start + done;
    if (!ready) {
      stage(piece.data(), array, fortran, static_cast<int64_t>(at / unit), static_cast<int64_t>(count / unit));
    }
    TFILE_TRY(take(context, ready ? array.data + at : piece.data(), static_cast<size_t>(count)));
  }
  return kOk;
}

Status to_output(void *context, const void *bytes, size_t nbytes) {
  return static_cast<Output *>(context)->write_data(bytes, nbytes);
}

Status to_crc(void *context, const void *bytes, size_t nbytes) {
  auto *crc = static_cast<uint32_t *>(context);
  *crc = crc32_update(*crc, bytes, nbytes);
  return kOk;
}

uint64_t data_bytes(const SaveRequest &request) {
  uint64_t total = 0;
  for (const NamedArray &named : request.arrays)
    total += named.array->nbytes;
  return total;
}

// A layout from its first byte to its last.
class Forward {
 public:
  Forward(Sink &sink, Layout &layout, const SaveRequest &request)
      : layout_(layout), request_(request), output_(sink, request.settings, data_bytes(request)) {}

  Status run() {
    if (!layout_.checksums.empty()) TFILE_TRY(sum());
    for (const Layout::Segment &segment : layout_.segments)
      TFILE_TRY(write(segment));
    return output_.flush();
  }

 private:
  Memory &memory() const { return request_.settings.memory(); }
  // They stand before the data.
  Status sum() {
    for (const Layout::Segment &segment : layout_.segments) {
      if (segment.kind != Layout::Kind::kArray) continue;
      uint32_t crc = layout_.checksums[segment.place].crc;
      TFILE_TRY(for_each_piece(*request_.arrays[segment.place].array, segment.fortran, memory(), to_crc, &crc));
      layout_.set_checksum(segment.place, crc);
    }
    return kOk;
  }
  Status write(const Layout::Segment &segment) {
    switch (segment.kind) {
      case Layout::Kind::kText:
        return output_.write(layout_.text.data() + segment.place, segment.nbytes);
      case Layout::Kind::kGap:
        return output_.write_zeros(segment.nbytes);
      default:
        return for_each_piece(*request_.arrays[segment.place].array, segment.fortran, memory(), to_output, &output_);
    }
  }

  Layout &layout_;
  const SaveRequest &request_;
  Output output_;
};

// Segments that lie behind one another, put with as few calls as they allow.
class Gather_format_write {
 public:
  explicit Gather_format_write(Sink &sink) : sink_(sink) {}

  Status add(uint64_t offset, const void *bytes, uint64_t nbytes) {
    if (nbytes == 0) return kOk;
    if (count_ == kMost || (count_ > 0 && offset != end_)) TFILE_TRY(flush());
    if (count_ == 0) start_ = offset;
    pieces_[count_++] = Bytes(static_cast<const uint8_t *>(bytes), static_cast<size_t>(nbytes));
    end_ = offset + nbytes;
    return kOk;
  }
  Status flush() {
    const size_t count = count_;
    count_ = 0;
    return count > 0 ? Status{sink_.placement.put(sink_.user, start_, pieces_, count)} : kOk;
  }

 private:
  static constexpr size_t kMost = 128;

  Sink &sink_;
  Bytes pieces_[kMost];
  size_t count_ = 0;
  uint64_t start_ = 0;
  uint64_t end_ = 0;
};

// A layout by several threads, each byte where it belongs.
class Spread {
 public:
  Spread(Sink &sink, Layout &layout, const SaveRequest &request)
      : sink_(sink),
        layout_(layout),
        request_(request),
        progress_(request.settings, data_bytes(request)),
        shares_(request.settings.memory()),
        late_(request.settings.memory()) {}

  Status run() {
    TFILE_TRY(cut());
    if (const tf_status code = sink_.placement.reserve(sink_.user, layout_.size); code != TF_STATUS_OK) {
      return Status{code};
    }
    // Small files are written before a thread has begun.
    const Workers workers = layout_.size < kShare ? Workers() : request_.settings.workers();
    TFILE_TRY(parallel_for(shares_.size(), workers, put_share, this, tell));
    join_checksums();
    Gather_format_write gather(sink_);
    for (const size_t i : late_)
      TFILE_TRY(add_text(gather, layout_.segments[i]));
    TFILE_TRY(gather.flush());
    return tell(this);
  }

 private:
  // Whole segments behind one another, or part of the array of one.
  struct Share {
    size_t first;
    size_t last;  // first: part of that segment
    uint64_t start;
    uint64_t nbytes;
    uint32_t crc;
  };
  // One share as it is put.
  struct Part {
    Spread &spread;
    Gather_format_write &gather;
    uint64_t offset;
    uint32_t crc;
  };

  const Array &array_of(const Layout::Segment &segment) const { return *request_.arrays[segment.place].array; }
  bool sums() const { return !layout_.checksums.empty(); }
  // Whether a segment is put in parts: a large array, or one whose sum is known only when it is written.
  bool stands_alone(const Layout::Segment &segment) const {
    if (segment.kind != Layout::Kind::kArray) return false;
    return segment.nbytes > kShare / 2 || (sums() && !lies_ready(array_of(segment), segment.fortran));
  }
  Status cut();
  Status cut_array(size_t i);
  Status close(size_t *first, size_t last);
  void join_checksums();
  Status add_text(Gather_format_write &gather, const Layout::Segment &segment) {
    return gather.add(segment.offset, layout_.text.data() + segment.place, segment.nbytes);
  }
  Status add_segment(Gather_format_write &gather, const Layout::Segment &segment);
  Status add_part(Gather_format_write &gather, Share &share);

  static Status tell(void *context);
  static Status put_share(void *context, size_t i) { return static_cast<Spread *>(context)->put(i); }
  Status put(size_t i);
  static Status put_staged(void *context, const void *bytes, size_t nbytes);

  Sink &sink_;
  Layout &layout_;
  const SaveRequest &request_;
  SharedProgress progress_;  // in bytes of arrays
  Vec<Share> shares_;
  Vec<size_t> late_;  // segments of text that wait for sums
};

Status Spread::cut() {
  size_t first = 0;
  uint64_t nbytes = 0;
  for (size_t i = 0; i < layout_.segments.size(); ++i) {
    const Layout::Segment &segment = layout_.segments[i];
    if (!stands_alone(segment)) {
      nbytes += segment.nbytes;
      // A header with a sum stays with its array.
      if (nbytes < kShare || (sums() && segment.kind == Layout::Kind::kText)) continue;
      TFILE_TRY(close(&first, i + 1));
    } else {
      // The header of such an array waits for its sum.
      const bool waits = sums() && i > first;
      TFILE_TRY(close(&first, waits ? i - 1 : i));
      if (waits) TFILE_TRY(late_.push(i - 1));
      TFILE_TRY(cut_array(i));
      first = i + 1;
    }
    nbytes = 0;
  }
  size_t last = layout_.segments.size();
  if (sums() && last > first) TFILE_TRY(late_.push(--last));  // the directory, with all sums
  return close(&first, last);
}

Status Spread::close(size_t *first, size_t last) {
  const size_t begin = *first;
  *first = last;
  return last > begin ? shares_.push(Share{begin, last, 0, 0, 0}) : kOk;
}

Status Spread::cut_array(size_t i) {
  const Layout::Segment &segment = layout_.segments[i];
  const uint64_t unit = array_of(segment).dtype->block_bytes;
  const uint64_t most = kShare / unit * unit;
  for (uint64_t start = 0; start < segment.nbytes; start += most) {
    const uint64_t left = segment.nbytes - start;
    TFILE_TRY(shares_.push(Share{i, i, start, left < most ? left : most, 0}));
  }
  return kOk;
}

// The sums of arrays from those of their parts, which lie in order.
void Spread::join_checksums() {
  if (!sums()) return;
  for (const Share &share : shares_) {
    if (share.first != share.last) continue;
    const size_t place = layout_.segments[share.first].place;
    layout_.set_checksum(place, crc32_join(layout_.checksums[place].crc, share.crc, share.nbytes));
  }
}

Status Spread::put(size_t i) {
  Share &share = shares_[i];
  Gather_format_write gather(sink_);
  uint64_t data = share.nbytes;
  if (share.first == share.last) {
    TFILE_TRY(add_part(gather, share));
  } else {
    for (size_t k = share.first; k < share.last; ++k) {
      const Layout::Segment &segment = layout_.segments[k];
      TFILE_TRY(add_segment(gather, segment));
      if (segment.kind == Layout::Kind::kArray) data += segment.nbytes;
    }
  }
  TFILE_TRY(gather.flush());
  progress_.add(data);
  return kOk;
}

Status Spread::tell(void *context) {
  return static_cast<Spread *>(context)->progress_.tell();
}

Status Spread::add_segment(Gather_format_write &gather, const Layout::Segment &segment) {
  if (segment.kind == Layout::Kind::kText) return add_text(gather, segment);
  if (segment.kind == Layout::Kind::kGap) {
    for (uint64_t done = 0; done < segment.nbytes; done += sizeof(kZeros_format_write)) {
      const uint64_t left = segment.nbytes - done;
      TFILE_TRY(gather.add(segment.offset + done, kZeros_format_write,
                           left < sizeof(kZeros_format_write) ? static_cast<size_t>(left) : sizeof(kZeros_format_write)));
    }
    return kOk;
  }
  const Array &array = array_of(segment);
  if (lies_ready(array, segment.fortran)) {
    // The header with the sum is the text before it, which is gathered and not put yet.
    if (sums()) {
      const uint32_t crc = layout_.checksums[segment.place].crc;
      layout_.set_checksum(segment.place, crc32_update(crc, array.data, static_cast<size_t>(segment.nbytes)));
    }
    return gather.add(segment.offset, array.data, segment.nbytes);
  }
  Part part{*this, gather, segment.offset, 0};
  return for_each_piece_of(array, segment.fortran, 0, segment.nbytes, request_.settings.memory(), put_staged, &part);
}

Status Spread::add_part(Gather_format_write &gather, Share &share) {
  const Layout::Segment &segment = layout_.segments[share.first];
  const Array &array = array_of(segment);
  if (!sums() && lies_ready(array, segment.fortran)) {
    return gather.add(segment.offset + share.start, array.data + share.start, share.nbytes);
  }
  Part part{*this, gather, segment.offset + share.start, 0};
  Memory &memory = request_.settings.memory();
  TFILE_TRY(for_each_piece_of(array, segment.fortran, share.start, share.nbytes, memory, put_staged, &part));
  share.crc = part.crc;
  return kOk;
}

// Bytes that are there until this returns.
Status Spread::put_staged(void *context, const void *bytes, size_t nbytes) {
  auto &part = *static_cast<Part *>(context);
  if (part.spread.sums()) part.crc = crc32_update(part.crc, bytes, nbytes);
  TFILE_TRY(part.gather.add(part.offset, bytes, nbytes));
  part.offset += nbytes;
  return part.gather.flush();
}

struct PackContext {
  const Packing &packing;
  Packer &packer;
};

Status to_packer(void *context, const void *bytes, size_t nbytes) {
  auto &pack = *static_cast<PackContext *>(context);
  return pack.packing.write(pack.packer, bytes, nbytes);
}

Status write_packed(Sink &sink, const Packing &packing, const SaveRequest &request) {
  Output output(sink, request.settings, data_bytes(request));
  Packer *packer = nullptr;
  TFILE_TRY(packing.open(&packer, output, request));
  PackContext context{packing, *packer};
  Status status = kOk;
  for (size_t i = 0; i < request.arrays.size() && status.ok(); ++i) {
    const Array &array = *request.arrays[i].array;
    status = packing.begin(*packer, i);
    if (status.ok()) {
      status = for_each_piece(array, is_fortran_contiguous(array), request.settings.memory(), to_packer, &context);
    }
    if (status.ok()) status = packing.end(*packer);
  }
  if (status.ok()) status = packing.finish(*packer);
  if (status.ok()) status = output.flush();
  packing.close(packer);
  return status;
}

}  // namespace

Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn take, void *context) {
  if (array.nbytes == 0) return kOk;
  // nbytes fits in memory, because it is there.
  if (lies_ready(array, fortran)) return take(context, array.data, static_cast<size_t>(array.nbytes));
  return for_each_piece_of(array, fortran, 0, array.nbytes, memory, take, context);
}

Status write_request(Sink &sink, const Format &format, const SaveRequest &request) {
  if (request.compress && format.packing != nullptr) return write_packed(sink, *format.packing, request);
  Layout layout(request.settings.memory());
  TFILE_TRY(format.lay_out(layout, request));
  if (sink.placement.put == nullptr) return Forward(sink, layout, request).run();
  return Spread(sink, layout, request).run();
}

StreamWriter::~StreamWriter() {
  if (packer_ != nullptr) format_->packing->close(packer_);
  if (output_ != nullptr) destroy(layout_.text.memory(), output_);
}

Status StreamWriter::begin(Sink &sink, const Format &format, const SaveRequest &request) {
  sink_ = &sink;
  format_ = &format;
  request_ = &request;
  TFILE_TRY(make(&output_, layout_.text.memory(), sink, request.settings, data_bytes(request)));
  if (request.compress && format.packing != nullptr) {
    TFILE_TRY(format.packing->open(&packer_, *output_, request));
    return begin_arrays();
  }
  TFILE_TRY(format.lay_out(layout_, request));
  TFILE_TRY(places_.resize(request.arrays.size()));
  for (size_t i = 0; i < layout_.segments.size(); ++i) {
    if (layout_.segments[i].kind == Layout::Kind::kArray) places_[layout_.segments[i].place] = i;
  }
  if (sink.placement.put != nullptr) {
    if (const tf_status code = sink.placement.reserve(sink.user, layout_.size); code != TF_STATUS_OK) {
      return Status{code};
    }
    TFILE_TRY(room_.reserve(kPiece_format_write));
  }
  return begin_arrays();
}

// Begins the current array, and ends at once those that have no bytes.
Status StreamWriter::begin_arrays() {
  while (wants()) {
    TFILE_TRY(begin_array());
    if (array().nbytes > 0) return kOk;
    TFILE_TRY(end_array());
    ++current_;
  }
  return kOk;
}

Status StreamWriter::begin_array() {
  taken_ = 0;
  if (packer_ != nullptr) return format_->packing->begin(*packer_, current_);
  if (array().nbytes == 0) return kOk;
  if (!layout_.checksums.empty()) crc_ = layout_.checksums[current_].crc;
  return write_text(places_[current_]);
}

Status StreamWriter::end_array() {
  if (packer_ != nullptr) return format_->packing->end(*packer_);
  if (array().nbytes == 0 || layout_.checksums.empty()) return kOk;
  layout_.set_checksum(current_, crc_);
  // The header before the data has been emitted without it, where it has it at all.
  if (places_[current_] == 0) return kOk;
  const Layout::Segment &header = layout_.segments[places_[current_] - 1];
  for (const size_t place : layout_.checksums[current_].places) {
    if (place >= header.place && place - header.place < header.nbytes) TFILE_TRY(patch_text(header, place));
  }
  return kOk;
}

// Four bytes of text that have changed since they were emitted.
Status StreamWriter::patch_text(const Layout::Segment &segment, size_t place) {
  constexpr size_t kSize = 4;
  const uint64_t offset = segment.offset + (place - segment.place);
  if (offset >= room_at_ && !room_.empty()) {
    memcpy(room_.data() + (offset - room_at_), layout_.text.data() + place, kSize);
    return kOk;
  }
  TFILE_TRY(flush());
  const Bytes bytes(layout_.text.data() + place, kSize);
  return Status{sink_->placement.put(sink_->user, offset, &bytes, 1)};
}

// What lies between the array before and segment `last`.
Status StreamWriter::write_text(size_t last) {
  size_t first = last;
  while (first > 0 && layout_.segments[first - 1].kind != Layout::Kind::kArray)
    --first;
  for (; first < last; ++first) {
    const Layout::Segment &segment = layout_.segments[first];
    if (segment.kind == Layout::Kind::kText) {
      TFILE_TRY(emit(segment.offset, layout_.text.data() + segment.place, static_cast<size_t>(segment.nbytes)));
      continue;
    }
    for (uint64_t done = 0; done < segment.nbytes; done += sizeof(kZeros_format_write)) {
      const uint64_t left = segment.nbytes - done;
      TFILE_TRY(
          emit(segment.offset + done, kZeros_format_write, left < sizeof(kZeros_format_write) ? static_cast<size_t>(left) : sizeof(kZeros_format_write)));
    }
  }
  return kOk;
}

Status StreamWriter::write(Bytes *bytes) {
  if (bytes->empty()) return kOk;
  while (wants() && !bytes->empty()) {
    const Bytes piece = bytes->first(missing() < bytes->size() ? static_cast<size_t>(missing()) : bytes->size());
    const bool swapped = kHostIsBig && array().dtype->scalar > 1;
    TFILE_TRY(swapped ? take_swapped(piece.data(), piece.size()) : take(piece.data(), piece.size()));
    *bytes = bytes->from(piece.size());
    if (missing() > 0) continue;
    TFILE_TRY(end_array());
    ++current_;
    TFILE_TRY(begin_arrays());
  }
  // A caller's sink has what its caller has written.
  return output_->flush();
}

// Bytes of the current array as the file has them.
Status StreamWriter::take(const uint8_t *bytes, size_t nbytes) {
  const uint64_t before = taken_;
  taken_ += nbytes;
  if (packer_ != nullptr) return format_->packing->write(*packer_, bytes, nbytes);
  const uint64_t offset = layout_.segments[places_[current_]].offset + before;
  while (nbytes > 0) {
    const size_t piece = nbytes < kPiece_format_write ? nbytes : kPiece_format_write;
    if (!layout_.checksums.empty()) crc_ = crc32_update(crc_, bytes, piece);
    TFILE_TRY(emit(offset + (taken_ - before - nbytes), bytes, piece));
    TFILE_TRY(output_->advance(piece));
    bytes += piece;
    nbytes -= piece;
  }
  return kOk;
}

// The same, of a big-endian host: whole scalars are reversed, the rest of one waits for its other bytes.
Status StreamWriter::take_swapped(const uint8_t *bytes, size_t nbytes) {
  const size_t scalar = array().dtype->scalar;
  while (nbytes > 0) {
    const size_t count = nbytes < sizeof(scalars_) - held_ ? nbytes : sizeof(scalars_) - held_;
    memcpy(scalars_ + held_, bytes, count);
    held_ += count;
    bytes += count;
    nbytes -= count;
    const size_t whole = held_ / scalar * scalar;
    // Complex numbers are two scalars, and may be cut between them.
    const Dtype halves = {array().dtype->id,
                          "",
                          DtypeClass::kUnsigned,
                          0,
                          static_cast<uint8_t>(scalar),
                          1,
                          static_cast<uint16_t>(scalar)};
    (void)swap_bytes(halves, scalars_, whole);
    TFILE_TRY(take(scalars_, whole));
    held_ -= whole;
    memmove(scalars_, scalars_ + whole, held_);
  }
  return kOk;
}

Status StreamWriter::emit(uint64_t offset, const uint8_t *bytes, size_t nbytes) {
  if (sink_->placement.put == nullptr) return output_->write(bytes, nbytes);
  if (offset != room_at_ + room_.size() || nbytes > kPiece_format_write - room_.size()) {
    TFILE_TRY(flush());
    room_at_ = offset;
  }
  if (nbytes < kPiece_format_write) return room_.append(bytes, nbytes);
  room_at_ += nbytes;
  const Bytes piece(bytes, nbytes);
  return Status{sink_->placement.put(sink_->user, offset, &piece, 1)};
}

Status StreamWriter::flush() {
  if (room_.empty()) return kOk;
  const Bytes piece(room_.data(), room_.size());
  const tf_status code = sink_->placement.put(sink_->user, room_at_, &piece, 1);
  room_at_ += room_.size();
  room_.clear();
  return Status{code};
}

Status StreamWriter::finish() {
  if (packer_ != nullptr) {
    TFILE_TRY(format_->packing->finish(*packer_));
  } else {
    TFILE_TRY(write_text(layout_.segments.size()));
    TFILE_TRY(flush());
  }
  return output_->flush();
}

}  // namespace tfile

// src/format/zip.cpp
#if !defined(TENSORFILE_NO_NPZ)
namespace tfile {

namespace {

constexpr uint32_t kLocalSignature = 0x04034B50;
constexpr uint32_t kEntrySignature = 0x02014B50;
constexpr uint32_t kEndSignature = 0x06054B50;
constexpr uint32_t kWideEndSignature = 0x06064B50;
constexpr uint32_t kLocatorSignature = 0x07064B50;
constexpr uint32_t kDescriptorSignature = 0x08074B50;

constexpr size_t kLocalSize = 30;
constexpr size_t kEntrySize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kWideEndSize = 56;
constexpr size_t kLocatorSize = 20;
constexpr size_t kWideExtraSize = 20;
constexpr size_t kMostDescriptor = 24;
constexpr size_t kMaxComment = 65535;

constexpr uint16_t kFlagDescriptor = 0x0008;
constexpr uint16_t kFlagUtf8 = 0x0800;
constexpr uint16_t kFlagsEncrypted = 0x2041;
constexpr uint16_t kFlagPatch = 0x0020;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflate = 8;
constexpr uint16_t kWideExtra = 1;
constexpr uint16_t kPaddingExtra = 0xD935;
constexpr uint16_t kFull16 = 0xFFFF;
constexpr uint32_t kFull32 = 0xFFFFFFFF;

// Deflate cannot make more of a byte.
constexpr uint64_t kMostPerByte = 1032;
constexpr uint64_t kMostSlack = 64;

// The headers of a member (local and npy) take less than this, nearly always.
constexpr uint64_t kNear = uint64_t{4} << 10;
// Bytes between two headers that are read over rather than skipped.
constexpr uint64_t kSmallGap_format_zip = uint64_t{16} << 10;
constexpr uint64_t kMostWindow = uint64_t{256} << 10;

constexpr uint64_t kDefaultMaxHeader_format_zip = 100000000;

uint16_t load16(const uint8_t *from) {
  return load_le<uint16_t>(from);
}
uint32_t load32(const uint8_t *from) {
  return load_le<uint32_t>(from);
}
uint64_t load64(const uint8_t *from) {
  return load_le<uint64_t>(from);
}

// The upper half of code page 437, as Python decodes it.
constexpr uint16_t kCp437[128] = {
    0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE,
    0x00EC, 0x00C4, 0x00C5, 0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6,
    0x00DC, 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192, 0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA,
    0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514,
    0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518, 0x250C,
    0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF, 0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4,
    0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E, 0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x00A0,
};

const char *method_name(uint32_t method) {
  switch (method) {
    case 9:
      return " (deflate64)";
    case 12:
      return " (bzip2)";
    case 14:
      return " (lzma)";
    case 93:
      return " (zstd)";
    case 95:
      return " (xz)";
    case 99:
      return " (AES encryption)";
    default:
      return "";
  }
}

bool is_ascii(Text text) {
  for (const char c : text) {
    if (static_cast<uint8_t>(c) >= 0x80) return false;
  }
  return true;
}

// The next record of an extra field, cut from its front; false at its end. A field whose last record is longer than
// the field, or that is padded with less than a record's head, is at its end there.
bool next_extra(uint16_t *id, Bytes *content, Bytes *extra) {
  if (extra->size() < 4) return false;
  const size_t size = load16(extra->data() + 2);
  if (size > extra->size() - 4) return false;
  *id = load16(extra->data());
  *content = extra->from(4).first(size);
  *extra = extra->from(4 + size);
  return true;
}

// Takes a 64-bit number from the front of a zip64 extra field where the 32-bit one is full. False: there is none.
bool take_wide(uint64_t *value, Bytes *content) {
  if (*value != kFull32) return true;
  if (content->size() < 8) return false;
  *value = load64(content->data());
  *content = content->from(8);
  return true;
}

}  // namespace

// What the records at the end of an archive say.
struct ZipReader::End {
  uint64_t at;    // where the directory must end
  uint64_t disk;  // numbers of disks
  uint64_t first_disk;
  uint64_t entries_here;
  uint64_t entries;
  uint64_t size;    // of the directory
  uint64_t offset;  // of the directory, from the start of the archive
  bool wide;
  uint64_t wide_at;  // where the locator says that the zip64 record is, from the start of the archive
};

ZipReader::ZipReader(const Source &source, const Settings &settings, Text suffix)
    : source_(source),
      settings_(settings),
      suffix_(suffix),
      directory_(settings.memory()),
      entries_(settings.memory()),
      places_(settings.memory()),
      window_(settings.memory()) {}

Failure ZipReader::failure(tf_status status, const ZipEntry &entry, uint64_t offset) const {
  const Text name = raw_name(entry);
  const bool suffixed = name.ends_with(suffix_);
  Failure made(status);
  made.in(source_.label).about(name.first(suffixed ? name.size() - suffix_.size() : name.size())).at(offset);
  (made << "member ").quoted(name.first(256)) << ": ";
  return made;
}

Failure ZipReader::failure(tf_status status, size_t i, uint64_t offset) const {
  return failure(status, entries_[i], offset);
}

Failure ZipReader::failure(const ZipEntry &entry) const {
  return failure(TF_STATUS_CORRUPT, entry, directory_at_ + entry.record);
}

Text ZipReader::raw_name(const ZipEntry &entry) const {
  const uint8_t *record = directory_.data() + entry.record;
  return Text(reinterpret_cast<const char *>(record) + kEntrySize, load16(record + 28));
}

Status ZipReader::open() {
  End end = {};
  TFILE_TRY(find_end(&end));
  TFILE_TRY(check_end(end));
  TFILE_TRY(read_directory(end));
  size_t position = 0;
  for (uint64_t i = 0; i < end.entries; ++i)
    TFILE_TRY(parse_entry(&position));
  if (position != directory_.size()) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(directory_at_ + position)
           << "the zip directory has " << static_cast<uint64_t>(directory_.size() - position)
           << " bytes behind the last of its " << end.entries << " entries";
  }
  TFILE_TRY(sort_places());
  end_ = start_;
  return check_overlaps();
}

// The last bytes of the archive, which hold the end records, become the first window.
Status ZipReader::find_end(End *end) {
  constexpr uint64_t kTail = kEndSize + kMaxComment + kLocatorSize + kWideEndSize;
  const uint64_t count = source_.size < kTail ? source_.size : kTail;
  TFILE_TRY(window_.resize(static_cast<size_t>(count)));
  window_at_ = source_.size - count;
  TFILE_TRY(read_at(source_, window_at_, window_.data(), count, Text()));
  return find_end_in(end, Bytes(window_.data(), window_.size()));
}

// Without an end record: a beginning of an archive, or something else.
Status ZipReader::no_end() const {
  uint8_t head[4];
  const size_t count = source_.size < sizeof(head) ? static_cast<size_t>(source_.size) : sizeof(head);
  TFILE_TRY(read_at(source_, 0, head, count, Text()));
  constexpr uint8_t kLocal[] = {'P', 'K', 3, 4};
  constexpr uint8_t kEmpty[] = {'P', 'K', 5, 6};
  if (memcmp(head, kLocal, count) == 0 || memcmp(head, kEmpty, count) == 0) {
    return Failure(TF_STATUS_TRUNCATED).in(source_.label).at(source_.size)
           << "the zip archive has no end record, with which it should close";
  }
  return Failure(TF_STATUS_FORMAT).in(source_.label).at(0)
         << "is not a zip archive: neither its head nor its end record is there";
}

Status ZipReader::find_end_in(End *end, Bytes tail) {
  constexpr size_t kNone = SIZE_MAX;
  size_t found = kNone;
  bool exact = false;
  for (size_t at = tail.size(); at-- > 0 && !exact;) {
    if (tail.size() - at < kEndSize || load32(tail.data() + at) != kEndSignature) continue;
    exact = load16(tail.data() + at + 20) == tail.size() - at - kEndSize;
    if (exact || found == kNone) found = at;
  }
  if (found == kNone) return no_end();
  const uint8_t *const record = tail.data() + found;
  end->at = window_at_ + found;
  if (!exact) {
    const uint64_t extra = tail.size() - found - kEndSize;
    const uint64_t comment = load16(record + 20);
    if (comment > extra) {
      return Failure(TF_STATUS_TRUNCATED).in(source_.label).at(source_.size)
             << "the comment of the zip archive should have " << comment << " bytes, " << extra << " are there";
    }
    if (!settings_.on(TF_OPTION_LENIENT)) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end->at + kEndSize + comment)
             << extra - comment << " bytes follow the end of the zip archive";
    }
  }
  end->disk = load16(record + 4);
  end->first_disk = load16(record + 6);
  end->entries_here = load16(record + 8);
  end->entries = load16(record + 10);
  end->size = load32(record + 12);
  end->offset = load32(record + 16);
  if (found < kLocatorSize) return kOk;
  const Bytes locator = tail.from(found - kLocatorSize).first(kLocatorSize);
  if (load32(locator.data()) != kLocatorSignature) return kOk;
  return read_wide_end(end, locator, end->at - kLocatorSize);
}

Status ZipReader::read_wide_end(End *end, Bytes locator, uint64_t locator_at) {
  if (load32(locator.data() + 4) != 0 || load32(locator.data() + 16) > 1) {
    return Failure(TF_STATUS_UNSUPPORTED).in(source_.label).at(locator_at) << "the zip archive has several disks";
  }
  end->wide = true;
  end->wide_at = load64(locator.data() + 8);
  // Directly before the locator, unless the record has a part that we do not know.
  uint8_t record[kWideEndSize];
  uint64_t at = locator_at - kWideEndSize;
  const bool before =
      locator_at >= kWideEndSize && at >= window_at_ && load32(window_.data() + (at - window_at_)) == kWideEndSignature;
  if (!before) at = end->wide_at;
  if (Checked::within(at, kWideEndSize, locator_at)) {
    TFILE_TRY(read_at(source_, at, record, sizeof(record), Text()));
  } else {
    memset(record, 0, sizeof(record));
  }
  const Checked ends = Checked(at) + 12 + load64(record + 4);
  if (load32(record) != kWideEndSignature || !ends.valid() || ends.value() != locator_at) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(locator_at)
           << "the zip64 locator points at no end record: expected one at byte " << end->wide_at;
  }
  const uint64_t wide[] = {load32(record + 16), load32(record + 20), load64(record + 24),
                           load64(record + 32), load64(record + 40), load64(record + 48)};
  uint64_t *const narrow[] = {&end->disk,    &end->first_disk, &end->entries_here,
                              &end->entries, &end->size,       &end->offset};
  for (size_t i = 0; i < 6; ++i) {
    const uint64_t full = i < 4 ? kFull16 : kFull32;
    if (*narrow[i] != full && *narrow[i] != wide[i]) {
      return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end->at)
             << "the two end records of the zip archive disagree: " << *narrow[i] << " and " << wide[i];
    }
    *narrow[i] = wide[i];
  }
  end->at = at;
  return kOk;
}

Status ZipReader::check_end(const End &end) {
  if (end.disk != 0 || end.first_disk != 0) {
    return Failure(TF_STATUS_UNSUPPORTED).in(source_.label).at(end.at) << "the zip archive has several disks";
  }
  const Checked length = Checked(end.offset) + end.size;
  if (end.entries_here != end.entries || !length.valid() || length.value() > end.at) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << "the end record of the zip archive has " << end.entries_here << " of " << end.entries
           << " entries in a directory of " << end.size << " bytes at " << end.offset;
  }
  start_ = end.at - length.value();
  if (start_ != 0 && !settings_.on(TF_OPTION_LENIENT)) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(0)
           << start_ << " bytes precede the zip archive, or follow its directory";
  }
  if (end.wide && end.wide_at != end.at - start_) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << "the zip64 locator says " << end.wide_at << " where " << end.at - start_ << " is right";
  }
  if (end.entries > end.size / kEntrySize) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end.at)
           << end.entries << " entries do not fit in a zip directory of " << end.size << " bytes";
  }
  const uint64_t asked = settings_.limit(TF_OPTION_MAX_HEADER_BYTES);
  const uint64_t most = asked != 0 ? asked : kDefaultMaxHeader_format_zip;
  if (end.size > most) {
    return Failure(TF_STATUS_LIMIT).in(source_.label).at(end.at)
           << "the zip directory has " << end.size << " bytes, more than the limit (max_header_bytes) of " << most;
  }
  return kOk;
}

Status ZipReader::read_directory(const End &end) {
  directory_at_ = start_ + end.offset;
  TFILE_TRY(entries_.reserve(static_cast<size_t>(end.entries)));
  TFILE_TRY(directory_.resize(static_cast<size_t>(end.size)));
  if (directory_at_ < window_at_) return read_at(source_, directory_at_, directory_.data(), end.size, Text());
  if (end.size > 0) memcpy(directory_.data(), window_.data() + (directory_at_ - window_at_), directory_.size());
  return kOk;
}

Status ZipReader::parse_entry(size_t *position) {
  const Bytes left = Bytes(directory_.data(), directory_.size()).from(*position);
  const uint8_t *const record = left.data();
  const bool whole = left.size() >= kEntrySize && load32(record) == kEntrySignature;
  const size_t name = whole ? load16(record + 28) : 0;
  const size_t extra = whole ? load16(record + 30) : 0;
  const size_t size = kEntrySize + name + extra + (whole ? load16(record + 32) : 0);
  if (!whole || size > left.size()) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(directory_at_ + *position)
           << "expected entry " << static_cast<uint64_t>(entries_.size()) << " of the zip directory, found "
           << (whole ? "one that is longer than the directory" : "something else");
  }
  ZipEntry entry = {};
  entry.record = *position;
  entry.flags = load16(record + 8);
  entry.crc32 = load32(record + 16);
  entry.stored = load32(record + 20);
  entry.size = load32(record + 24);
  entry.header = load32(record + 42);
  const uint32_t method = load16(record + 10);
  entry.deflated = method == kDeflate;
  uint32_t disk = load16(record + 34);
  TFILE_TRY(check_name(entry));
  TFILE_TRY(widen(&entry, &disk, left.from(kEntrySize + name).first(extra)));
  if (disk != 0) return failure(TF_STATUS_UNSUPPORTED, entry, directory_at_ + *position) << "lies on another disk";
  TFILE_TRY(check_entry(entry, method));
  entry.header += start_;
  *position += size;
  return entries_.push(entry);
}

Status ZipReader::check_name(const ZipEntry &entry) const {
  const Text name = raw_name(entry);
  for (const char c : name) {
    if (c == '\0') return failure(entry) << "its name has a NUL";
  }
  if ((entry.flags & kFlagUtf8) != 0 && !is_utf8(name)) return failure(entry) << "its name is not UTF-8, but says so";
  return kOk;
}

// Puts the 64-bit numbers of the zip64 extra field where the record's own are full.
Status ZipReader::widen(ZipEntry *entry, uint32_t *disk, Bytes extra) const {
  bool full = entry->size == kFull32 || entry->stored == kFull32 || entry->header == kFull32 || *disk == kFull16;
  bool seen = false;
  uint16_t id = 0;
  Bytes content;
  while (next_extra(&id, &content, &extra)) {
    if (id != kWideExtra || seen) continue;
    seen = true;
    const bool taken =
        take_wide(&entry->size, &content) && take_wide(&entry->stored, &content) && take_wide(&entry->header, &content);
    if (taken && *disk == kFull16 && content.size() >= 4) *disk = load32(content.data());
    full = !taken || *disk == kFull16;
  }
  if (extra.size() >= 4) return failure(*entry) << "its extra field is longer than its entry says";
  if (full) return failure(*entry) << "its entry has no 64-bit sizes, but says so";
  if (!(Checked(entry->size) + entry->stored + entry->header + start_).valid()) {
    return failure(*entry) << "its size or place does not fit in 63 bits";
  }
  return kOk;
}

Status ZipReader::check_entry(const ZipEntry &entry, uint32_t method) const {
  const uint64_t at = directory_at_ + entry.record;
  if ((entry.flags & kFlagsEncrypted) != 0) return failure(TF_STATUS_UNSUPPORTED, entry, at) << "is encrypted";
  if ((entry.flags & kFlagPatch) != 0) return failure(TF_STATUS_UNSUPPORTED, entry, at) << "is a patch of other data";
  if (method != kStored && method != kDeflate) {
    return failure(TF_STATUS_UNSUPPORTED, entry, at)
           << "uses compression method " << method << method_name(method) << "; stored and deflate are known";
  }
  if (method == kStored && entry.size != entry.stored) {
    return failure(entry) << "is stored, and has " << entry.size << " bytes in " << entry.stored;
  }
  const Checked most = Checked(entry.stored) * kMostPerByte + kMostSlack;
  if (most.valid() && entry.size > most.value()) {
    return failure(entry) << "declares " << entry.size << " bytes in " << entry.stored
                          << " deflated ones, which cannot be";
  }
  return kOk;
}

// Heap sort: nothing to allocate, and no order of a file makes it slow.
Status ZipReader::sort_places() {
  const size_t count = entries_.size();
  TFILE_TRY(places_.resize(count));
  for (size_t i = 0; i < count; ++i) {
    places_[i] = i;
    if (i > 0 && entries_[i].header < entries_[i - 1].header) in_order_ = false;
  }
  if (in_order_) return kOk;
  const auto sift = [this](size_t root, size_t end) {
    for (size_t child = 2 * root + 1; child < end; root = child, child = 2 * root + 1) {
      if (child + 1 < end && entries_[places_[child + 1]].header > entries_[places_[child]].header) ++child;
      if (entries_[places_[root]].header >= entries_[places_[child]].header) return;
      std::swap(places_[root], places_[child]);
    }
  };
  for (size_t root = count / 2; root-- > 0;)
    sift(root, count);
  for (size_t end = count; end-- > 1;) {
    std::swap(places_[0], places_[end]);
    sift(0, end);
  }
  return kOk;
}

Status ZipReader::check_overlaps() const {
  const uint64_t first = entries_.empty() ? directory_at_ : entries_[places_[0]].header;
  if (first != start_ && !settings_.on(TF_OPTION_LENIENT)) {
    return Failure(TF_STATUS_CORRUPT).in(source_.label).at(start_)
           << first - start_ << " bytes precede the first member of the zip archive";
  }
  for (size_t k = 0; k < places_.size(); ++k) {
    const ZipEntry &entry = entries_[places_[k]];
    const bool last = k + 1 == places_.size();
    const uint64_t limit = last ? directory_at_ : entries_[places_[k + 1]].header;
    const Checked end = Checked(entry.header) + kLocalSize + raw_name(entry).size() + entry.stored;
    if (end.valid() && end.value() <= limit) continue;
    Failure made = failure(TF_STATUS_CORRUPT, entry, entry.header);
    made << "reaches into ";
    if (last) return made << "the zip directory at byte " << limit;
    return (made << "member ").quoted(raw_name(entries_[places_[k + 1]]).first(256)) << " at byte " << limit;
  }
  return kOk;
}

Status ZipReader::name(Vec<char> *out, size_t i) const {
  const Text raw = raw_name(entries_[i]);
  out->clear();
  if ((entries_[i].flags & kFlagUtf8) != 0 || is_ascii(raw)) return out->append(raw.data(), raw.size());
  for (const char c : raw) {
    const auto byte = static_cast<uint8_t>(c);
    char encoded[4];
    const size_t length = utf8_encode(encoded, byte < 0x80 ? byte : kCp437[byte - 0x80]);
    TFILE_TRY(out->append(encoded, length));
  }
  return kOk;
}

Bytes ZipReader::extra(size_t i, uint16_t id) const {
  const uint8_t *const record = directory_.data() + entries_[i].record;
  Bytes left(record + kEntrySize + load16(record + 28), load16(record + 30));
  uint16_t found = 0;
  Bytes content;
  while (next_extra(&found, &content, &left)) {
    if (found == id) return content;
  }
  return Bytes();
}

bool ZipReader::is_folder(size_t i) const {
  return raw_name(entries_[i]).ends_with("/") && entries_[i].size == 0;
}

Status ZipReader::locate(uint64_t *data, size_t k) {
  place_ = k;
  const ZipEntry &entry = entries_[places_[k]];
  TFILE_TRY(pass_descriptor(entry.header));
  TFILE_TRY(check_gap(entry.header));
  Bytes header;
  TFILE_TRY(peek(&header, entry.header, kLocalSize));
  if (load32(header.data()) != kLocalSignature) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header) << "its local header is not where the directory says";
  }
  const size_t name = load16(header.data() + 26);
  const size_t extra = load16(header.data() + 28);
  const uint64_t size = kLocalSize + name + extra;
  const uint64_t limit = k + 1 == places_.size() ? directory_at_ : entries_[places_[k + 1]].header;
  if (size + entry.stored > limit - entry.header) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header)
           << "reaches beyond byte " << limit << ", where the next part begins";
  }
  TFILE_TRY(peek(&header, entry.header, size));
  const Text local_name(reinterpret_cast<const char *>(header.data()) + kLocalSize, name);
  TFILE_TRY(compare_local(entry, header.data(), local_name, header.from(kLocalSize + name)));
  *data = entry.header + size;
  end_ = *data + entry.stored;
  return kOk;
}

Status ZipReader::compare_local(const ZipEntry &entry, const uint8_t *header, Text name, Bytes extra) {
  const auto differ = [&](size_t field) {
    return failure(TF_STATUS_CORRUPT, entry, entry.header + field) << "its local header and the directory disagree: ";
  };
  const uint16_t flags = load16(header + 6);
  const uint32_t method = load16(header + 8);
  if (flags != entry.flags) return differ(6) << "flags " << Hex{flags} << " and " << Hex{entry.flags};
  if (method != (entry.deflated ? kDeflate : kStored)) {
    return differ(8) << "method " << method << " and " << uint32_t{entry.deflated ? kDeflate : kStored};
  }
  if (!(name == raw_name(entry))) return (differ(kLocalSize) << "the name there is ").quoted(name.first(256));
  uint64_t stored = load32(header + 18);
  uint64_t size = load32(header + 22);
  uint16_t id = 0;
  Bytes content;
  while ((size == kFull32 || stored == kFull32) && next_extra(&id, &content, &extra)) {
    if (id == kWideExtra && (!take_wide(&size, &content) || !take_wide(&stored, &content))) break;
  }
  // With a descriptor behind the data, a header may leave its fields 0.
  descriptor_ = (flags & kFlagDescriptor) != 0;
  described_ = places_[place_];
  const uint64_t local[] = {load32(header + 14), stored, size};
  const uint64_t listed[] = {entry.crc32, entry.stored, entry.size};
  constexpr const char *kFields[] = {"CRC-32", "stored size", "size"};
  descriptor_required_ = false;
  for (size_t i = 0; i < 3; ++i) {
    if (local[i] == listed[i]) continue;
    if (!descriptor_ || local[i] != 0) {
      return differ(14 + 4 * i) << kFields[i] << " " << local[i] << " and " << listed[i];
    }
    descriptor_required_ = true;
  }
  return kOk;
}

// What follows the member before: with or without a signature, with sizes of 8 or 4 bytes.
Status ZipReader::pass_descriptor(uint64_t limit) {
  if (!descriptor_) return kOk;
  descriptor_ = false;
  const ZipEntry &entry = entries_[described_];
  const uint64_t room = limit - end_ < kMostDescriptor ? limit - end_ : kMostDescriptor;
  Bytes found;
  TFILE_TRY(peek(&found, end_, room));
  for (const bool wide : {true, false}) {
    for (const bool signature : {true, false}) {
      const size_t lead = signature ? 4 : 0;
      const size_t size = lead + (wide ? 20 : 12);
      if (found.size() < size || (signature && load32(found.data()) != kDescriptorSignature)) continue;
      const uint8_t *const fields = found.data() + lead;
      const uint64_t stored = wide ? load64(fields + 4) : load32(fields + 4);
      const uint64_t whole = wide ? load64(fields + 12) : load32(fields + 8);
      if (load32(fields) != entry.crc32 || stored != entry.stored || whole != entry.size) continue;
      end_ += size;
      return kOk;
    }
  }
  if (!descriptor_required_) return kOk;
  return failure(TF_STATUS_CORRUPT, entry, end_) << "no data descriptor that agrees with the directory follows it";
}

Status ZipReader::check_gap(uint64_t limit) {
  if (limit - end_ < 4) return kOk;
  Bytes found;
  TFILE_TRY(peek(&found, end_, 4));
  if (load32(found.data()) != kLocalSignature) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(source_.label).at(end_)
         << "the zip archive has a member that its directory does not list";
}

Status ZipReader::finish() {
  TFILE_TRY(pass_descriptor(directory_at_));
  return check_gap(directory_at_);
}

// How far to read when bytes at offset are wanted: over the headers of the members that lie near.
uint64_t ZipReader::window_end(uint64_t offset, uint64_t nbytes) const {
  uint64_t end = offset + nbytes;
  for (size_t k = place_; k < places_.size(); ++k) {
    const uint64_t header = entries_[places_[k]].header;
    if (header > end + kSmallGap_format_zip || header + kNear > offset + kMostWindow) break;
    if (header + kNear > end) end = header + kNear;
  }
  return end < directory_at_ ? end : directory_at_;
}

Status ZipReader::peek(Bytes *out, uint64_t offset, uint64_t nbytes) {
  if (!Checked::within(offset, nbytes, directory_at_)) {
    return failure(TF_STATUS_CORRUPT, places_[place_], offset)
           << "reaches into the zip directory at byte " << directory_at_;
  }
  const bool held = offset >= window_at_ && offset + nbytes <= window_at_ + window_.size();
  if (!held) {
    const uint64_t size = window_end(offset, nbytes) - offset;
    window_.clear();
    TFILE_TRY(window_.resize(static_cast<size_t>(size)));
    TFILE_TRY(read_at(source_, offset, window_.data(), size, Text()));
    window_at_ = offset;
  }
  *out = Bytes(window_.data() + (offset - window_at_), static_cast<size_t>(nbytes));
  return kOk;
}

bool is_zip(Bytes head) {
  if (head.size() < 4) return false;
  const uint32_t signature = load32(head.data());
  return signature == kLocalSignature || signature == kEndSignature;
}

namespace {

constexpr uint16_t kVersion = 20;
constexpr uint16_t kVersionWide = 45;
constexpr uint16_t kMadeBy = 0x0300 | kVersionWide;  // Unix
constexpr uint16_t kDate = 0x0021;                   // 1980-01-01
constexpr uint32_t kPermissions = 0600u << 16;
constexpr size_t kCrcInEntry = 16;
// What a deflate stream that cannot shrink its bytes adds at least.
constexpr uint64_t kSlack = uint64_t{64} << 10;

uint32_t narrow32(uint64_t value) {
  return value < kFull32 ? static_cast<uint32_t>(value) : kFull32;
}

// Whether a member may need 64-bit sizes; what deflate cannot shrink it makes a little longer.
bool may_be_wide(const ZipMember &member) {
  const uint64_t most = member.deflated ? member.size + member.size / 16 + kSlack : member.size;
  return most >= kFull32;
}

// Bytes of padding, in an extra field of its own, between `at` and the next multiple.
uint64_t padding_size(uint64_t at, uint64_t alignment) {
  uint64_t padding = (alignment - at % alignment) % alignment;
  while (padding > 0 && padding < 4)
    padding += alignment;
  return padding;
}

}  // namespace

Status ZipWriter::begin(Vec<uint8_t> &out, const ZipMember &member, uint64_t at) {
  Record record = {};
  record.name = member.name;
  record.header = at;
  record.size = member.size;
  record.stored = member.deflated ? 0 : member.size;
  record.deflated = member.deflated;
  record.wide = may_be_wide(member);
  record.flags = is_ascii(member.name) ? 0 : kFlagUtf8;
  if (member.described) record.flags |= kFlagDescriptor;
  TFILE_TRY(put_local(out, record, member.head, !member.deflated && !member.described));
  return records_.push(record);
}

void ZipWriter::set(uint32_t crc32, uint64_t stored) {
  records_.back().crc32 = crc32;
  records_.back().stored = stored;
}

Status ZipWriter::add_extra(uint16_t id, Bytes content) {
  uint8_t head[4];
  store_le(head, id);
  store_le(head + 2, static_cast<uint16_t>(content.size()));
  TFILE_TRY(extras_.append(head, sizeof(head)));
  TFILE_TRY(extras_.append(content.data(), content.size()));
  records_.back().extra = static_cast<uint16_t>(records_.back().extra + sizeof(head) + content.size());
  return kOk;
}

// CRC-32 and sizes, as local header and directory have them. Those of 64 bits stand in an extra field.
void ZipWriter::put_fields(uint8_t *to, const Record &record, bool wide, bool known) {
  store_le(to, known ? record.crc32 : 0);
  store_le(to + 4, wide ? kFull32 : known ? narrow32(record.stored) : 0);
  store_le(to + 8, wide ? kFull32 : known ? narrow32(record.size) : 0);
}

Status ZipWriter::put_local(Vec<uint8_t> &out, const Record &record, uint64_t head, bool known) const {
  uint64_t extra = record.wide ? kWideExtraSize : 0;
  const uint64_t data = record.header + kLocalSize + record.name.size() + extra + head;
  const uint64_t padding = record.deflated ? 0 : padding_size(data, alignment_);
  extra += padding;
  uint8_t header[kLocalSize] = {};
  store_le(header, kLocalSignature);
  store_le(header + 4, record.wide ? kVersionWide : kVersion);
  store_le(header + 6, record.flags);
  store_le(header + 8, record.deflated ? kDeflate : kStored);
  store_le(header + 12, kDate);
  put_fields(header + kCrcInLocal, record, record.wide, known);
  store_le(header + 26, static_cast<uint16_t>(record.name.size()));
  store_le(header + 28, static_cast<uint16_t>(extra));
  TFILE_TRY(out.append(header, sizeof(header)));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(record.name.data()), record.name.size()));
  if (record.wide) {
    uint8_t wide[kWideExtraSize] = {};
    store_le(wide, kWideExtra);
    store_le(wide + 2, static_cast<uint16_t>(16));
    store_le(wide + 4, known ? record.size : 0);
    store_le(wide + 12, known ? record.stored : 0);
    TFILE_TRY(out.append(wide, sizeof(wide)));
  }
  if (padding == 0) return kOk;
  uint8_t lead[6];
  store_le(lead, kPaddingExtra);
  store_le(lead + 2, static_cast<uint16_t>(padding - 4));
  store_le(lead + 4, static_cast<uint16_t>(alignment_));
  const size_t told = padding < sizeof(lead) ? 4 : sizeof(lead);
  TFILE_TRY(out.append(lead, told));
  const size_t before = out.size();
  const auto zeros = static_cast<size_t>(padding) - told;
  TFILE_TRY(out.resize(before + zeros));
  if (zeros > 0) memset(out.data() + before, 0, zeros);
  return kOk;
}

Status ZipWriter::put_descriptor(Vec<uint8_t> &out) const {
  const Record &record = records_.back();
  uint8_t descriptor[kMostDescriptor];
  store_le(descriptor, kDescriptorSignature);
  put_fields(descriptor + kCrcInDescriptor, record, false, true);
  if (record.wide) {
    store_le(descriptor + 8, record.stored);
    store_le(descriptor + 16, record.size);
  }
  return out.append(descriptor, record.wide ? 24 : 16);
}

Status ZipWriter::patch(Output &output) const {
  const Record &record = records_.back();
  uint8_t fields[12];
  put_fields(fields, record, record.wide, true);
  TFILE_TRY(output.patch(record.header + kCrcInLocal, fields, sizeof(fields)));
  if (!record.wide) return kOk;
  uint8_t wide[16];
  store_le(wide, record.size);
  store_le(wide + 8, record.stored);
  return output.patch(record.header + kLocalSize + record.name.size() + 4, wide, sizeof(wide));
}

Status ZipWriter::finish(Vec<uint8_t> &out, uint64_t at, Vec<size_t> *crcs) const {
  const size_t before = out.size();
  Bytes extras(extras_.data(), extras_.size());
  for (const Record &record : records_) {
    if (crcs != nullptr) TFILE_TRY(crcs->push(out.size() + kCrcInEntry));
    TFILE_TRY(put_entry(out, record, extras.first(record.extra)));
    extras = extras.from(record.extra);
  }
  return put_end(out, at, out.size() - before);
}

Status ZipWriter::put_entry(Vec<uint8_t> &out, const Record &record, Bytes extra) const {
  uint8_t wide[kWideExtraSize + 8];
  size_t wide_size = 4;
  for (const uint64_t value : {record.size, record.stored, record.header}) {
    if (value < kFull32) continue;
    store_le(wide + wide_size, value);
    wide_size += 8;
  }
  const bool is_wide = wide_size > 4;
  store_le(wide, kWideExtra);
  store_le(wide + 2, static_cast<uint16_t>(wide_size - 4));
  uint8_t entry[kEntrySize] = {};
  store_le(entry, kEntrySignature);
  store_le(entry + 4, kMadeBy);
  store_le(entry + 6, is_wide || record.wide ? kVersionWide : kVersion);
  store_le(entry + 8, record.flags);
  store_le(entry + 10, record.deflated ? kDeflate : kStored);
  store_le(entry + 14, kDate);
  put_fields(entry + kCrcInEntry, record, false, true);
  store_le(entry + 28, static_cast<uint16_t>(record.name.size()));
  store_le(entry + 30, static_cast<uint16_t>((is_wide ? wide_size : 0) + extra.size()));
  store_le(entry + 38, kPermissions);
  store_le(entry + 42, narrow32(record.header));
  TFILE_TRY(out.append(entry, sizeof(entry)));
  TFILE_TRY(out.append(reinterpret_cast<const uint8_t *>(record.name.data()), record.name.size()));
  if (is_wide) TFILE_TRY(out.append(wide, wide_size));
  return out.append(extra.data(), extra.size());
}

Status ZipWriter::put_end(Vec<uint8_t> &out, uint64_t directory, uint64_t size) const {
  const uint64_t count = records_.size();
  if (count >= kFull16 || size >= kFull32 || directory >= kFull32) {
    uint8_t wide[kWideEndSize + kLocatorSize] = {};
    store_le(wide, kWideEndSignature);
    store_le(wide + 4, uint64_t{kWideEndSize - 12});
    store_le(wide + 12, kMadeBy);
    store_le(wide + 14, kVersionWide);
    store_le(wide + 24, count);
    store_le(wide + 32, count);
    store_le(wide + 40, size);
    store_le(wide + 48, directory);
    store_le(wide + 56, kLocatorSignature);
    store_le(wide + 64, directory + size);
    store_le(wide + 72, uint32_t{1});
    TFILE_TRY(out.append(wide, sizeof(wide)));
  }
  uint8_t end[kEndSize] = {};
  const uint16_t count16 = count < kFull16 ? static_cast<uint16_t>(count) : kFull16;
  store_le(end, kEndSignature);
  store_le(end + 8, count16);
  store_le(end + 10, count16);
  store_le(end + 12, narrow32(size));
  store_le(end + 16, narrow32(directory));
  return out.append(end, sizeof(end));
}

}  // namespace tfile
#endif  // !defined(TENSORFILE_NO_NPZ)

// src/api/api.h
// What every extern "C" function needs: checked arguments, and a Status made a tf_status.


// Ends an extern "C" function with the status of a failing expression.
#define TFILE_API_TRY(expression)                                                  \
  do {                                                                             \
    if (const ::tfile::Status tfile_status_ = (expression); !tfile_status_.ok()) { \
      return tfile_status_.code;                                                   \
    }                                                                              \
  } while (false)

namespace tfile {

// INVALID_ARGUMENT "NAME is NULL".
inline Status require(const void *pointer, const char *name) {
  if (pointer != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << name << " is NULL";
}

// An output argument: set to NULL on entry, and must be there.
template <typename T>
Status require_out(T **out, const char *name) {
  TFILE_TRY(require(out, name));
  *out = nullptr;
  return kOk;
}

// A text argument of the ABI: pointer and length, SIZE_MAX for NUL-terminated. NULL only when the length is 0.
inline Status require_text(Text *out, const char *text, size_t length, const char *name) {
  if (length != 0) TFILE_TRY(require(text, name));
  *out = length == 0 ? Text() : Text::of(text, length);
  return kOk;
}

// An array argument of the ABI: a pointer that may be NULL only when the count is 0.
template <typename T>
Status require_span(Span<const T> *out, const T *values, size_t count, const char *name) {
  if (count != 0) TFILE_TRY(require(values, name));
  *out = Span<const T>(values, count);
  return kOk;
}

// What is made from an object comes from the object's allocator, but not out of the budget of the call that made it.
inline Memory &without_budget(Memory &memory) {
  return memory.parent != nullptr ? *memory.parent : memory;
}

// The caller's release callback: called at the end of its scope, unless something else has taken that over.
class PendingRelease {
 public:
  PendingRelease(tf_release_fn release, void *user) : release_(release), user_(user) {}
  PendingRelease(const PendingRelease &) = delete;
  PendingRelease &operator=(const PendingRelease &) = delete;
  ~PendingRelease() {
    if (release_ != nullptr) release_(user_);
  }
  tf_release_fn hand_over() {
    const tf_release_fn release = release_;
    release_ = nullptr;
    return release;
  }

 private:
  tf_release_fn release_;
  void *user_;
};

// For plain getters, which have no status to return: sets the record when the handle is NULL.
inline bool is_null(const void *pointer, const char *name) {
  return !require(pointer, name).ok();
}

}  // namespace tfile

// src/api/wrap.h
// Arrays over memory that somebody else owns.


namespace tfile {

// A dtype and shape of the ABI, checked.
struct Form {
  const Dtype *dtype = nullptr;
  Span<const int64_t> shape;
  uint64_t nbytes = 0;  // in C order

  Status read(tf_dtype id, const int64_t *sizes, size_t ndim);
};

// The address of the first element, and how many bytes from there on may be touched.
struct Foreign {
  void *data;
  uint64_t nbytes;
  bool writable;
};

// Bytes from the first element to the end of the last one that positive strides reach. strides NULL: C-contiguous. Refuses
// strides that are not multiples of the item's alignment, data that are not aligned to it, and NULL for data of elements.
Status reach_of(uint64_t *nbytes, const Form &form, const int64_t *strides, const void *data);

// An array over that memory, whose release is called with the last array on it, or when this fails.
Status wrap(tf_array **out, const Form &form, const int64_t *strides, const Foreign &memory, PendingRelease &release,
            void *user);

}  // namespace tfile

// src/api/array.cpp
namespace tfile {

namespace {

Memory &memory_of(const Array &array) {
  return without_budget(*array.memory);
}

Status make_handle(tf_array **out, const Form &form, Memory &memory) {
  Ref<Array> array;
  TFILE_TRY(make_array(array, memory, *form.dtype, form.shape));
  *out = array.take();
  return kOk;
}

Status cast_handle(tf_array **out, const Array &array, tf_dtype id, const Options *options) {
  const Dtype *const dtype = find_dtype(id);
  if (dtype == nullptr) return Failure(TF_STATUS_UNSUPPORTED) << "there is no dtype " << id << " to cast to";
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  Ref<Array> made;
  if (dtype == array.dtype) {
    TFILE_TRY(contiguous(made, settings.memory(), array));
  } else {
    TFILE_TRY(cast(made, array, *dtype, settings));
  }
  *out = made.take();
  return kOk;
}

// Whether nobody else sees what is written: neither through another array nor through this one.
bool is_sole(const Array &array) {
  return is_exclusive(array) && array.refs.unique();
}

Status make_mut(tf_array **array) {
  TFILE_TRY(require(array, "array"));
  TFILE_TRY(require(*array, "*array"));
  if (is_sole(**array)) return kOk;
  Ref<Array> fresh;
  TFILE_TRY(copy(fresh, memory_of(**array), **array));
  (*array)->release();
  *array = fresh.take();
  return kOk;
}

Status data_mut(void **data, const Array *array) {
  TFILE_TRY(require_out(data, "data"));
  TFILE_TRY(require(array, "array"));
  if (!is_exclusive(*array)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "the memory of the array is " << (array->buffer->writable ? "shared with another array" : "read-only");
  }
  *data = array->data;
  return kOk;
}

Status copy_from(tf_array **out, const Form &form, const void *src, size_t nbytes) {
  Span<const char> bytes;
  TFILE_TRY(require_span(&bytes, static_cast<const char *>(src), nbytes, "src"));
  if (nbytes != form.nbytes) {
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "shape ").shape(form.shape)
           << " of " << form.dtype->name << " needs " << form.nbytes << " bytes, there are "
           << static_cast<uint64_t>(nbytes);
  }
  TFILE_TRY(make_handle(out, form, default_memory()));
  if (nbytes > 0) memcpy((*out)->data, src, nbytes);
  return kOk;
}

}  // namespace

}  // namespace tfile

using tfile::Ref;
using tfile::Span;

extern "C" {

tf_status tf_array_new(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim) {
  return tf_array_new_with(out, dtype, shape, ndim, nullptr);
}

tf_status tf_array_new_with(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim,
                            const tf_options *options) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  tfile::Settings settings;
  TFILE_API_TRY(tfile::settings_of(settings, options));
  TFILE_API_TRY(tfile::make_handle(out, form, settings.memory()));
  memset((*out)->data, 0, static_cast<size_t>(form.nbytes));
  return TF_STATUS_OK;
}

tf_status tf_array_copy_from(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim, const void *src,
                             size_t nbytes) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  return tfile::copy_from(out, form, src, nbytes).code;
}

tf_status tf_array_wrap(tf_array **out, tf_dtype dtype, const int64_t *shape, size_t ndim, const int64_t *strides,
                        void *data, size_t nbytes, int32_t writable, tf_release_fn release, void *user) {
  tfile::PendingRelease held(release, user);
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Form form;
  TFILE_API_TRY(form.read(dtype, shape, ndim));
  return tfile::wrap(out, form, strides, {data, nbytes, writable != 0}, held, user).code;
}

tf_array *tf_array_retain(tf_array *array) {
  if (array != nullptr) array->retain();
  return array;
}

void tf_array_release(tf_array *array) {
  if (array != nullptr) array->release();
}

tf_dtype tf_array_dtype(const tf_array *array) {
  return tfile::is_null(array, "array") ? int32_t{TF_DTYPE_UNSUPPORTED} : array->dtype->id;
}

size_t tf_array_ndim(const tf_array *array) {
  return tfile::is_null(array, "array") ? 0 : array->ndim;
}

const int64_t *tf_array_shape(const tf_array *array) {
  return tfile::is_null(array, "array") ? nullptr : array->shape().data();
}

const int64_t *tf_array_strides(const tf_array *array) {
  if (tfile::is_null(array, "array")) return nullptr;
  return array->dtype->addressable() ? array->strides().data() : nullptr;
}

int64_t tf_array_size(const tf_array *array) {
  return tfile::is_null(array, "array") ? 0 : array->size;
}

uint64_t tf_array_nbytes(const tf_array *array) {
  return tfile::is_null(array, "array") ? 0 : array->nbytes;
}

const void *tf_array_data(const tf_array *array) {
  return tfile::is_null(array, "array") ? nullptr : array->data;
}

tf_status tf_array_data_mut(void **data, tf_array *array) {
  return tfile::data_mut(data, array).code;
}

tf_status tf_array_make_mut(tf_array **array) {
  return tfile::make_mut(array).code;
}

int32_t tf_array_is_contiguous(const tf_array *array) {
  return !tfile::is_null(array, "array") && tfile::is_contiguous(*array) ? 1 : 0;
}

tf_status tf_array_item_int64(int64_t *value, const tf_array *array, const int64_t *index, size_t ndim) {
  TFILE_API_TRY(tfile::require(value, "value"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Span<const int64_t> places;
  TFILE_API_TRY(tfile::require_span(&places, index, ndim, "index"));
  return tfile::item_int64(value, *array, places).code;
}

tf_status tf_array_item_double(double *value, const tf_array *array, const int64_t *index, size_t ndim) {
  TFILE_API_TRY(tfile::require(value, "value"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Span<const int64_t> places;
  TFILE_API_TRY(tfile::require_span(&places, index, ndim, "index"));
  return tfile::item_double(value, *array, places).code;
}

tf_status tf_array_contiguous(tf_array **out, const tf_array *array) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Ref<tf_array> made;
  TFILE_API_TRY(tfile::contiguous(made, tfile::memory_of(*array), *array));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_transpose(tf_array **out, const tf_array *array, const size_t *axes, size_t naxes) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  Span<const size_t> order;
  TFILE_API_TRY(tfile::require_span(&order, axes, naxes, "axes"));
  Ref<tf_array> made;
  TFILE_API_TRY(tfile::transpose(made, tfile::memory_of(*array), *array, order.data(), order.size()));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_slice(tf_array **out, const tf_array *array, const int64_t *start, const int64_t *stop,
                         const int64_t *step, size_t ndim) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  tfile::SliceAxis axes[tfile::kMaxRank];
  TFILE_API_TRY(tfile::resolve_slice(axes, array->shape(), start, stop, step, ndim));
  Ref<tf_array> made;
  TFILE_API_TRY(tfile::slice(made, tfile::memory_of(*array), *array, axes));
  *out = made.take();
  return TF_STATUS_OK;
}

tf_status tf_array_cast(tf_array **out, const tf_array *array, tf_dtype dtype, const tf_options *options) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  TFILE_API_TRY(tfile::require(array, "array"));
  return tfile::cast_handle(out, *array, dtype, options).code;
}

tf_status tf_array_equal(int32_t *equal, const tf_array *a, const tf_array *b) {
  TFILE_API_TRY(tfile::require(equal, "equal"));
  TFILE_API_TRY(tfile::require(a, "a"));
  TFILE_API_TRY(tfile::require(b, "b"));
  *equal = tfile::equal(*a, *b) ? 1 : 0;
  return TF_STATUS_OK;
}

}  // extern "C"

// src/api/buffer.cpp
using namespace tfile;

extern "C" {

const void *tf_buffer_data(const tf_buffer *buffer) {
  return is_null(buffer, "buffer") ? nullptr : buffer->data;
}

size_t tf_buffer_size(const tf_buffer *buffer) {
  return is_null(buffer, "buffer") ? 0 : buffer->size;
}

tf_buffer *tf_buffer_retain(tf_buffer *buffer) {
  if (buffer != nullptr) buffer->retain();
  return buffer;
}

void tf_buffer_release(tf_buffer *buffer) {
  if (buffer != nullptr) buffer->release();
}

}  // extern "C"

// src/api/dict.cpp
namespace tfile {

namespace {

// The word for a kind in a message.
const char *kind_name(tf_kind kind) {
  switch (kind) {
    case TF_KIND_ARRAY:
      return "an array";
    case TF_KIND_STRING:
      return "a string";
    case TF_KIND_STRING_LIST:
      return "a list of strings";
    default:
      return "a dict";
  }
}

Status find_place(size_t *place, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  Text name;
  TFILE_TRY(require_text(&name, key, length, "key"));
  *place = dict->index.find(name);
  if (*place != NameIndex::kNone) return kOk;
  return Failure(TF_STATUS_NOT_FOUND).key(name) << "no such key";
}

// The entry of a key, whose value must be of a kind.
Status find_kind(const DictEntry **out, tf_kind kind, const Dict *dict, const char *key, size_t length) {
  size_t place = 0;
  TFILE_TRY(find_place(&place, dict, key, length));
  *out = &dict->at(place);
  if ((*out)->kind == kind) return kOk;
  return Failure(TF_STATUS_TYPE).key((*out)->key)
         << kind_name(kind) << " is wanted, this is " << kind_name((*out)->kind);
}

// A key to set.
Status read_key(Text *out, const Dict *dict, const char *key, size_t length) {
  TFILE_TRY(require(dict, "dict"));
  TFILE_TRY(require_text(out, key, length, "key"));
  const size_t valid = utf8_valid_prefix(*out);
  if (valid == out->size()) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).key(*out)
         << "the key is not UTF-8 from its byte " << static_cast<uint64_t>(valid) << " on";
}

Status check_index(size_t index, size_t size) {
  if (index < size) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << "index " << static_cast<uint64_t>(index) << " is out of range for " << static_cast<uint64_t>(size);
}

// The two outputs of a text, of which the length may be NULL.
Status require_text_out(const char **text, size_t *length, const char *name) {
  if (length != nullptr) *length = 0;
  return require_out(text, name);
}

void give_text(const char **text, size_t *length, Text value) {
  *text = value.data();
  if (length != nullptr) *length = value.size();
}

Status set_dict(Dict *dict, const char *key, size_t length, Dict *value) {
  Text name;
  TFILE_TRY(read_key(&name, dict, key, length));
  TFILE_TRY(require(value, "value"));
  bool cycle = false;
  TFILE_TRY(value->reaches(&cycle, *dict));
  if (cycle) return Failure(TF_STATUS_INVALID_ARGUMENT).key(name) << "the dict would hold itself";
  return dict->set_dict(name, *value);
}

// A 0-d array under a key, to be read as a number.
Status find_scalar(const Array **out, const Dict *dict, const char *key, size_t length) {
  const DictEntry *entry = nullptr;
  TFILE_TRY(find_kind(&entry, TF_KIND_ARRAY, dict, key, length));
  *out = entry->array;
  if (entry->array->ndim == 0) return kOk;
  return (Failure(TF_STATUS_TYPE).key(entry->key) << "a 0-d array is wanted, its shape is ")
      .shape(entry->array->shape());
}

template <typename T>
Status set_scalar(Dict *dict, const char *key, size_t length, tf_dtype dtype, T value) {
  Text name;
  TFILE_TRY(read_key(&name, dict, key, length));
  Ref<Array> array;
  TFILE_TRY(make_array(array, *dict->memory, *find_dtype(dtype), {}));
  memcpy(array->data, &value, sizeof(T));
  return dict->set_array(name, *array);
}

// Makes a dict from one or two others.
template <typename Make>
Status derive(tf_dict **out, const Dict *from, const char *name, Make make) {
  TFILE_TRY(require_out(out, "out"));
  TFILE_TRY(require(from, name));
  Ref<Dict> made;
  TFILE_TRY(make(made, without_budget(*from->memory)));
  *out = made.take();
  return kOk;
}

}  // namespace

}  // namespace tfile

using tfile::DictEntry;
using tfile::Text;

extern "C" {

tf_status tf_dict_new(tf_dict **out) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Ref<tf_dict> dict;
  TFILE_API_TRY(tfile::make_dict(dict, tfile::default_memory()));
  *out = dict.take();
  return TF_STATUS_OK;
}

tf_status tf_dict_new_with(tf_dict **out, const tf_options *options) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  tfile::Settings settings;
  TFILE_API_TRY(tfile::settings_of(settings, options));
  tfile::Ref<tf_dict> dict;
  TFILE_API_TRY(tfile::make_dict(dict, settings.memory()));
  *out = dict.take();
  return TF_STATUS_OK;
}

tf_dict *tf_dict_retain(tf_dict *dict) {
  if (dict != nullptr) dict->retain();
  return dict;
}

void tf_dict_release(tf_dict *dict) {
  if (dict != nullptr) dict->release();
}

size_t tf_dict_size(const tf_dict *dict) {
  return tfile::is_null(dict, "dict") ? 0 : dict->size();
}

tf_status tf_dict_key_at(const char **key, size_t *length, const tf_dict *dict, size_t index) {
  TFILE_API_TRY(tfile::require_text_out(key, length, "key"));
  TFILE_API_TRY(tfile::require(dict, "dict"));
  TFILE_API_TRY(tfile::check_index(index, dict->size()));
  tfile::give_text(key, length, dict->at(index).key);
  return TF_STATUS_OK;
}

tf_kind tf_dict_kind_at(const tf_dict *dict, size_t index) {
  if (tfile::is_null(dict, "dict") || !tfile::check_index(index, dict->size()).ok()) return TF_KIND_NONE;
  return dict->at(index).kind;
}

tf_status tf_dict_find(size_t *index, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(index, "index"));
  return tfile::find_place(index, dict, key, length).code;
}

tf_status tf_dict_remove(tf_dict *dict, const char *key, size_t length) {
  size_t place = 0;
  TFILE_API_TRY(tfile::find_place(&place, dict, key, length));
  dict->remove(dict->at(place).key);
  return TF_STATUS_OK;
}

tf_status tf_dict_get(tf_array **out, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_ARRAY, dict, key, length));
  *out = tf_array_retain(entry->array);
  return TF_STATUS_OK;
}

tf_status tf_dict_set(tf_dict *dict, const char *key, size_t length, tf_array *array) {
  Text name;
  TFILE_API_TRY(tfile::read_key(&name, dict, key, length));
  TFILE_API_TRY(tfile::require(array, "array"));
  return dict->set_array(name, *array).code;
}

tf_status tf_dict_get_string(const char **text, size_t *text_length, const tf_dict *dict, const char *key,
                             size_t length) {
  TFILE_API_TRY(tfile::require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING, dict, key, length));
  tfile::give_text(text, text_length, entry->string);
  return TF_STATUS_OK;
}

tf_status tf_dict_set_string(tf_dict *dict, const char *key, size_t length, const char *text, size_t text_length) {
  Text name;
  TFILE_API_TRY(tfile::read_key(&name, dict, key, length));
  Text value;
  TFILE_API_TRY(tfile::require_text(&value, text, text_length, "text"));
  return dict->set_string(name, value).code;
}

tf_status tf_dict_string_list_size(size_t *count, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(count, "count"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING_LIST, dict, key, length));
  *count = entry->list->size();
  return TF_STATUS_OK;
}

tf_status tf_dict_string_list_at(const char **text, size_t *text_length, const tf_dict *dict, const char *key,
                                 size_t length, size_t index) {
  TFILE_API_TRY(tfile::require_text_out(text, text_length, "text"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING_LIST, dict, key, length));
  TFILE_API_TRY(tfile::check_index(index, entry->list->size()));
  tfile::give_text(text, text_length, entry->list->at(index));
  return TF_STATUS_OK;
}

tf_status tf_dict_set_string_list(tf_dict *dict, const char *key, size_t length) {
  Text name;
  TFILE_API_TRY(tfile::read_key(&name, dict, key, length));
  tfile::StringList *list = nullptr;
  return dict->set_string_list(name, &list).code;
}

tf_status tf_dict_string_list_append(tf_dict *dict, const char *key, size_t length, const char *text,
                                     size_t text_length) {
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_STRING_LIST, dict, key, length));
  Text value;
  TFILE_API_TRY(tfile::require_text(&value, text, text_length, "text"));
  return entry->list->append(value).code;
}

tf_status tf_dict_get_dict(tf_dict **out, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  const DictEntry *entry = nullptr;
  TFILE_API_TRY(tfile::find_kind(&entry, TF_KIND_DICT, dict, key, length));
  *out = tf_dict_retain(entry->dict);
  return TF_STATUS_OK;
}

tf_status tf_dict_set_dict(tf_dict *dict, const char *key, size_t length, tf_dict *value) {
  return tfile::set_dict(dict, key, length, value).code;
}

tf_status tf_dict_get_int64(int64_t *value, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(value, "value"));
  const tf_array *scalar = nullptr;
  TFILE_API_TRY(tfile::find_scalar(&scalar, dict, key, length));
  return tfile::item_int64(value, *scalar, {}).code;
}

tf_status tf_dict_set_int64(tf_dict *dict, const char *key, size_t length, int64_t value) {
  return tfile::set_scalar(dict, key, length, TF_DTYPE_INT64, value).code;
}

tf_status tf_dict_get_double(double *value, const tf_dict *dict, const char *key, size_t length) {
  TFILE_API_TRY(tfile::require(value, "value"));
  const tf_array *scalar = nullptr;
  TFILE_API_TRY(tfile::find_scalar(&scalar, dict, key, length));
  return tfile::item_double(value, *scalar, {}).code;
}

tf_status tf_dict_set_double(tf_dict *dict, const char *key, size_t length, double value) {
  return tfile::set_scalar(dict, key, length, TF_DTYPE_FLOAT64, value).code;
}

tf_status tf_dict_flatten(tf_dict **flat, const tf_dict *tree) {
  const auto make = [tree](auto &made, auto &memory) { return tfile::flatten(made, memory, *tree); };
  return tfile::derive(flat, tree, "tree", make).code;
}

tf_status tf_dict_unflatten(tf_dict **tree, const tf_dict *flat) {
  const auto make = [flat](auto &made, auto &memory) { return tfile::unflatten(made, memory, *flat); };
  return tfile::derive(tree, flat, "flat", make).code;
}

tf_status tf_dict_compare(tf_dict **report, const tf_dict *expected, const tf_dict *actual) {
  const auto make = [=](auto &made, auto &memory) {
    TFILE_TRY(tfile::require(actual, "actual"));
    return tfile::compare_trees(made, memory, *expected, *actual);
  };
  return tfile::derive(report, expected, "expected", make).code;
}

}  // extern "C"

// src/api/dlpack.h
// The structs of DLPack 1.1, in the layout that its specification fixes for all versions 1.x.


namespace tfile {

struct DlDevice {
  int32_t type;
  int32_t id;
};

struct DlDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};

struct DlTensor {
  void *data;
  DlDevice device;
  int32_t ndim;
  DlDataType dtype;
  int64_t *shape;
  int64_t *strides;  // in elements; NULL: C-contiguous
  uint64_t byte_offset;
};

struct DlVersion {
  uint32_t major;
  uint32_t minor;
};

inline constexpr DlVersion kDlVersion{1, 1};
inline constexpr uint64_t kDlReadOnly = 1;
inline constexpr uint64_t kDlPadded = 4;  // elements of fewer than 8 bits have a byte each

// Devices whose memory the host can use: its own, and what it has pinned for CUDA and for ROCm.
inline constexpr int32_t kDlCpu = 1;
inline constexpr int32_t kDlCudaHost = 3;
inline constexpr int32_t kDlRocmHost = 11;

}  // namespace tfile

struct DLManagedTensor {
  tfile::DlTensor tensor;
  void *context;
  void (*deleter)(DLManagedTensor *self);
};

struct DLManagedTensorVersioned {
  tfile::DlVersion version;
  void *context;
  void (*deleter)(DLManagedTensorVersioned *self);
  uint64_t flags;
  tfile::DlTensor tensor;
};

// src/api/dlpack.cpp
namespace tfile {

namespace {

struct DlType {
  tf_dtype id;
  uint8_t code;
  uint8_t bits;
};

constexpr DlType kDlTypes[] = {
    {TF_DTYPE_INT8, 0, 8},
    {TF_DTYPE_INT16, 0, 16},
    {TF_DTYPE_INT32, 0, 32},
    {TF_DTYPE_INT64, 0, 64},
    {TF_DTYPE_UINT8, 1, 8},
    {TF_DTYPE_UINT16, 1, 16},
    {TF_DTYPE_UINT32, 1, 32},
    {TF_DTYPE_UINT64, 1, 64},
    {TF_DTYPE_FLOAT16, 2, 16},
    {TF_DTYPE_FLOAT32, 2, 32},
    {TF_DTYPE_FLOAT64, 2, 64},
    {TF_DTYPE_BFLOAT16, 4, 16},
    {TF_DTYPE_COMPLEX64, 5, 64},
    {TF_DTYPE_COMPLEX128, 5, 128},
    {TF_DTYPE_BOOL, 6, 8},
    {TF_DTYPE_FLOAT8_E4M3FN, 10, 8},
    {TF_DTYPE_FLOAT8_E4M3FNUZ, 11, 8},
    {TF_DTYPE_FLOAT8_E5M2, 12, 8},
    {TF_DTYPE_FLOAT8_E5M2FNUZ, 13, 8},
    {TF_DTYPE_FLOAT8_E8M0FNU, 14, 8},
    {TF_DTYPE_FLOAT6_E2M3FN, 15, 6},
    {TF_DTYPE_FLOAT6_E3M2FN, 16, 6},
    {TF_DTYPE_FLOAT4_E2M1FN, 17, 4},
};

Status type_of(DlDataType *out, const Dtype &dtype) {
  for (const DlType &type : kDlTypes) {
    if (type.id == dtype.id) return *out = {type.code, type.bits, 1}, kOk;
  }
  return Failure(TF_STATUS_UNSUPPORTED) << "DLPack has no type for " << dtype.name;
}

Status dtype_of(const Dtype **out, DlDataType dtype, uint64_t flags) {
  *out = nullptr;
  for (const DlType &type : kDlTypes) {
    if (type.code == dtype.code && type.bits == dtype.bits && dtype.lanes == 1) *out = find_dtype(type.id);
  }
  if (*out == nullptr) {
    return Failure(TF_STATUS_UNSUPPORTED)
           << "there is no dtype for DLPack's type code " << int32_t{dtype.code} << " of " << int32_t{dtype.bits}
           << " bits and " << int32_t{dtype.lanes} << " lanes";
  }
  if ((*out)->kind != DtypeClass::kPacked || (flags & kDlPadded) == 0) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << (*out)->name << " with a byte for each element is not handled";
}

// Strides in elements. Those of axes that are never stepped along may be anything, so they need not divide.
Status element_strides(int64_t *out, const Array &array) {
  const bool addressable = array.dtype->addressable();
  contiguous_strides(out, array.shape(), 1);
  for (size_t i = 0; i < array.ndim && addressable && array.size > 0; ++i) {
    const int64_t stride = array.strides()[i];
    const int64_t item = array.dtype->block_bytes;
    if (array.shape()[i] == 1) continue;
    if (stride % item != 0) {
      return Failure(TF_STATUS_UNSUPPORTED)
             << "DLPack counts strides in elements, and the stride " << stride << " of axis "
             << static_cast<uint64_t>(i) << " is not a multiple of the " << item << " bytes of " << array.dtype->name;
    }
    out[i] = stride / item;
  }
  return kOk;
}

// What a consumer gets, with shape and strides behind it in the same allocation.
template <typename Managed>
struct Export {
  Managed managed;
  Ref<Memory> memory;
  Ref<Buffer> buffer;
  size_t ndim;

  static size_t bytes(size_t ndim) { return sizeof(Export) + 2 * ndim * sizeof(int64_t); }
  int64_t *dims() { return reinterpret_cast<int64_t *>(this + 1); }
  static void destroy(Managed *self) {
    auto *const made = static_cast<Export *>(self->context);
    const Ref<Memory> from = made->memory;
    const size_t size = bytes(made->ndim);
    made->~Export();
    deallocate(*from, made, size, alignof(Export));
  }
};

template <typename Managed>
Status export_array(Managed **out, const Array &array) {
  using Made = Export<Managed>;
  DlDataType type{};
  TFILE_TRY(type_of(&type, *array.dtype));
  int64_t strides[kMaxRank];
  TFILE_TRY(element_strides(strides, array));
  Memory &memory = without_budget(*array.memory);
  void *place = nullptr;
  TFILE_TRY(allocate(&place, memory, Made::bytes(array.ndim), alignof(Made)));
  auto *const made = new (place) Made{{}, Ref<Memory>::share(&memory), array.buffer, array.ndim};
  int64_t *const dims = made->dims();
  for (size_t i = 0; i < array.ndim; ++i) {
    dims[i] = array.shape()[i];
    dims[array.ndim + i] = strides[i];
  }
  made->managed.context = made;
  made->managed.deleter = Made::destroy;
  made->managed.tensor =
      DlTensor{array.data, {kDlCpu, 0}, static_cast<int32_t>(array.ndim), type, dims, dims + array.ndim, 0};
  *out = &made->managed;
  return kOk;
}

// The consumer's way to give a tensor back.
template <typename Managed>
void give_tensor_back(void *user) {
  auto *const managed = static_cast<Managed *>(user);
  if (managed->deleter != nullptr) managed->deleter(managed);
}

// Strides in bytes; of axes that are never stepped along those that C order would have.
Status byte_strides(int64_t *out, const Form &form, const int64_t *strides) {
  contiguous_strides(out, form.shape, form.dtype->block_bytes);
  for (size_t i = 0; i < form.shape.size() && form.nbytes > 0; ++i) {
    if (form.shape[i] > 1 && __builtin_mul_overflow(strides[i], int64_t{form.dtype->block_bytes}, &out[i])) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "the strides reach 2^63 bytes or more";
    }
  }
  return kOk;
}

// A packed type has no strides of its own: they must be those of C order.
Status check_packed_strides(const Form &form, const int64_t *strides) {
  int64_t expected[kMaxRank];
  contiguous_strides(expected, form.shape, 1);
  for (size_t i = 0; i < form.shape.size() && form.nbytes > 0; ++i) {
    if (form.shape[i] > 1 && strides[i] != expected[i]) {
      return Failure(TF_STATUS_UNSUPPORTED)
             << form.dtype->name << " must be C-contiguous, and the stride of axis " << static_cast<uint64_t>(i)
             << " is " << strides[i] << ", not " << expected[i];
    }
  }
  return kOk;
}

Status check_device(const DlTensor &tensor) {
  const int32_t type = tensor.device.type;
  if (type == kDlCpu || type == kDlCudaHost || type == kDlRocmHost) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << "the tensor lies in the memory of a device (DLPack's type " << type
                                        << "), which the host cannot use";
}

Status import_tensor(tf_array **out, const DlTensor &tensor, uint64_t flags, PendingRelease &release, void *user) {
  TFILE_TRY(check_device(tensor));
  if (tensor.ndim < 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << tensor.ndim << " dimensions are less than 0";
  }
  const Dtype *dtype = nullptr;
  TFILE_TRY(dtype_of(&dtype, tensor.dtype, flags));
  Form form;
  TFILE_TRY(form.read(dtype->id, tensor.shape, static_cast<size_t>(tensor.ndim)));
  int64_t strides[kMaxRank];
  const bool strided = tensor.strides != nullptr && dtype->addressable();
  if (strided) TFILE_TRY(byte_strides(strides, form, tensor.strides));
  if (tensor.strides != nullptr && !strided) TFILE_TRY(check_packed_strides(form, tensor.strides));
  void *data = nullptr;
  if (form.nbytes > 0) {
    TFILE_TRY(require(tensor.data, "data"));
    data = static_cast<char *>(tensor.data) + tensor.byte_offset;
  }
  uint64_t reach = 0;
  TFILE_TRY(reach_of(&reach, form, strided ? strides : nullptr, data));
  return wrap(out, form, strided ? strides : nullptr, {data, reach, (flags & kDlReadOnly) == 0}, release, user);
}

}  // namespace

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_array_to_dlpack(struct DLManagedTensorVersioned **out, tf_array *array) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  TFILE_API_TRY(export_array(out, *array));
  (*out)->version = kDlVersion;
  (*out)->flags = array->buffer->writable ? 0 : kDlReadOnly;
  return TF_STATUS_OK;
}

tf_status tf_array_to_dlpack_unversioned(struct DLManagedTensor **out, tf_array *array) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(array, "array"));
  if (!array->buffer->writable) {
    const Status status = Failure(TF_STATUS_UNSUPPORTED)
                          << "the memory of the array is read-only, which DLPack's unversioned struct cannot say";
    return status.code;
  }
  return export_array(out, *array).code;
}

tf_status tf_array_from_dlpack(tf_array **out, struct DLManagedTensorVersioned *tensor) {
  PendingRelease held(tensor == nullptr ? nullptr : give_tensor_back<DLManagedTensorVersioned>, tensor);
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(tensor, "tensor"));
  // Of another major version only what stands before the flags is known.
  if (tensor->version.major != kDlVersion.major) {
    const Status status = Failure(TF_STATUS_UNSUPPORTED) << "the tensor is of DLPack " << tensor->version.major << "."
                                                         << tensor->version.minor << ", and 1.x is handled";
    return status.code;
  }
  return import_tensor(out, tensor->tensor, tensor->flags, held, tensor).code;
}

tf_status tf_array_from_dlpack_unversioned(tf_array **out, struct DLManagedTensor *tensor) {
  PendingRelease held(tensor == nullptr ? nullptr : give_tensor_back<DLManagedTensor>, tensor);
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(tensor, "tensor"));
  return import_tensor(out, tensor->tensor, 0, held, tensor).code;
}

}  // extern "C"

// src/api/dtype.cpp
extern "C" {

const char *tf_dtype_name(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? "unsupported" : found->name;
}

tf_dtype tf_dtype_from_name(const char *name) {
  if (tfile::is_null(name, "name")) return TF_DTYPE_UNSUPPORTED;
  const tfile::Dtype *const found = tfile::find_dtype(tfile::Text(name));
  return found == nullptr ? TF_DTYPE_UNSUPPORTED : found->id;
}

uint32_t tf_dtype_bits(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? 0 : found->bits;
}

uint32_t tf_dtype_block_size(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? 0 : found->block_size;
}

uint32_t tf_dtype_block_bytes(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? 0 : found->block_bytes;
}

}  // extern "C"

// src/api/error.cpp
extern "C" {

uint32_t tf_version_number(void) {
  return TENSORFILE_VERSION_MAJOR * 10000 + TENSORFILE_VERSION_MINOR * 100 + TENSORFILE_VERSION_PATCH;
}

const char *tf_version_string(void) {
  return TENSORFILE_VERSION_STRING;
}

const char *tf_status_name(tf_status status) {
  return tfile::status_name(status);
}

const char *tf_error_message(void) {
  return tfile::error_record().message;
}

uint64_t tf_error_offset(void) {
  return tfile::error_record().offset;
}

const char *tf_error_name(void) {
  return tfile::error_record().name;
}

}  // extern "C"

// src/api/file.h
// tf_file: a file opened and validated, its arrays not yet read.


struct tf_file {
  tf_file(tfile::Ref<tfile::Source> from, const tfile::Settings &with)
      : memory(tfile::Ref<tfile::Memory>::share(&with.memory())),
        source(std::move(from)),
        settings(with),
        parts(with.memory()),
        listing(with.memory()) {}
  ~tf_file();
  tf_file(const tf_file &) = delete;
  tf_file &operator=(const tf_file &) = delete;

  void retain() { refs.increment(); }
  void release();
  // Where a member's bytes are.
  tfile::Source &source_of(const tfile::Member &member) const { return parts.empty() ? *source : *parts[member.part]; }

  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  tfile::Ref<tfile::Source> source;  // the file that was named
  tfile::Settings settings;
  const tfile::Format *format = nullptr;
  tfile::Vec<tfile::Source *> parts;  // of a set its files, each with a reference; else empty
  tfile::Listing listing;
  mutable tfile::SliceCursor cursor;
};

namespace tfile {

using OpenedFile = ::tf_file;

// Opens a source: format if given, else that of the settings, else what the path's extension names ("" for no path),
// else what the content shows.
Status open_file(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings);
Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings);

// Reads one array, or maps it.
Status read_array(Ref<Array> &out, const OpenedFile &file, const Member &member);

// tf_load on an open file; each output may be NULL.
Status load_file(tf_array **array, tf_dict **arrays, tf_dict **metadata, const OpenedFile &file);

}  // namespace tfile

// src/api/region.h
// A whole array of a file, or a slice of it, read for a caller: as stored, cast, or decoded from blocks.


namespace tfile {

struct Region {
  const Member *member;
  const SliceAxis *axes;  // NULL: whole
  Span<const int64_t> shape;
};

// A slice that the caller asked for: resolved, and the shape of the result.
struct ResolvedSlice {
  SliceAxis axes[kMaxRank];
  int64_t shape[kMaxRank];

  Status resolve(const OpenedFile &file, const Member &member, const int64_t *start, const int64_t *stop,
                 const int64_t *step, size_t ndim);
  Region region(const Member &member) const {
    return Region{&member, axes, Span<const int64_t>(shape, member.shape.size())};
  }
};

// What TF_OPTION_DECODE makes of a member's dtype.
const Dtype &handed_out_as(const Member &member, const Settings &settings);

// A whole member for read_members(), cast to dtype on the way; check_cast() has passed.
ReadTarget make_target(const OpenedFile &file, const Member &member, void *to, const Dtype &dtype);

// The dtype in which a caller wants a member, TF_DTYPE_UNSUPPORTED: as stored.
Status find_read_dtype(const Dtype **out, tf_dtype dtype, const OpenedFile &file, const Member &member);
// That the caller's memory is just what the region needs as dtype.
Status check_destination(const void *dst, size_t nbytes, const Dtype &dtype, const OpenedFile &file,
                         const Region &region);

// An array of memory of its own, decoded where the settings of the file ask for it.
Status read_region(Ref<Array> &out, const OpenedFile &file, const Region &region);

// Into the caller's memory, as dtype (TF_DTYPE_UNSUPPORTED: as stored); nbytes must be just what that takes.
Status read_region_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Region &region);

}  // namespace tfile

// src/api/request.h
// From the arguments of the ABI to a format's request, and from there to a file.


namespace tfile {

// The format of a number; INVALID_ARGUMENT: there is none.
Status require_format(const Format **out, tf_format id);

// The arrays of a dict, in its order; TYPE, naming all of them, when there are values of other kinds.
Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays);

// Refuses what the format cannot hold, and what a load with the same limits would refuse.
Status check_request(const Format &format, const SaveRequest &request);

// The path to save to, NUL-terminated: the format's extension is added unless the settings forbid it, or it is there.
Status complete_path(Vec<char> *out, const char *path, const Format &format, const Settings &settings);

// Checks a request, then writes it to path, to which the format's extension is added unless add_extension is false, the
// settings forbid it, or it is there.
Status save_to_path(const char *path, const Format &format, const SaveRequest &request, bool add_extension);

}  // namespace tfile

// src/api/set.h
// Sets of files: sharded safetensors with their index, and split gguf; opened as one, and saved in parts.


namespace tfile {

// Whether a path is named as the index of sharded safetensors.
bool is_index_path(Text path);

// Opens what an index lists, as one file.
Status open_index(Ref<OpenedFile> &out, const Ref<Source> &index, const Settings &settings);

// Opens all parts of a split gguf, of which file is one; a file that is not split stays as it is.
Status open_split(Ref<OpenedFile> &file);

// How a request is cut into the parts of a set: none has more array data than TF_OPTION_PART_BYTES, but for one that has
// a single array.
class SetPlan {
 public:
  explicit SetPlan(Memory &memory) : whole_(memory), starts_(memory) {}
  SetPlan(const SetPlan &) = delete;
  SetPlan &operator=(const SetPlan &) = delete;

  // One part where the settings ask for no parts, the format has none, or all fits in one. The path has the format's
  // extension if it is to have it. The format and the request must outlive *this.
  Status make(const char *path, const Format &format, const SaveRequest &request);
  size_t count() const { return starts_.size() - 1; }
  // The file that a part is saved as, NUL-terminated.
  Status path(Vec<char> *out, size_t part) const;
  // The first array of a part, and all that it has.
  size_t first(size_t part) const { return starts_[part]; }
  Span<const NamedArray> arrays(size_t part) const {
    return request_->arrays.from(starts_[part]).first(starts_[part + 1] - starts_[part]);
  }
  // The metadata that a part has; *made keeps those that are its own.
  Status metadata(const Dict **out, Ref<Dict> *made, size_t part) const;
  // The index of a set that has one: last, so that a set that is listed is whole.
  Status save_index() const;

 private:
  Text prefix() const;
  Status make_index(Vec<char> *text) const;

  Vec<char> whole_;  // the path of a single file
  Vec<size_t> starts_;
  const Format *format_ = nullptr;
  const SaveRequest *request_ = nullptr;
};

// save_to_path(), or, where the settings ask for parts and the format has them, in parts of at most TF_OPTION_PART_BYTES
// of array data when one file would have more.
Status save_whole_or_parts(const char *path, const Format &format, const SaveRequest &request, bool add_extension);

}  // namespace tfile

// src/api/file.cpp
tf_file::~tf_file() {
  for (tfile::Source *part : parts)
    part->release();
}

void tf_file::release() {
  if (!refs.decrement()) return;
  const tfile::Ref<tfile::Memory> from = memory;
  destroy(*from, this);
}

namespace tfile {

namespace {

// Longest head that a format needs to know itself.
constexpr size_t kProbe = 16;

Status find_out_format(const Format **out, const Source &source, tf_format wanted) {
  if (wanted != TF_FORMAT_AUTO) {
    *out = find_format(wanted);
    if (*out != nullptr) return kOk;
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format with the number " << wanted;
  }
  *out = format_of_path(source.label);
  if (*out != nullptr) return kOk;
  uint8_t head[kProbe];
  const size_t count = source.size < kProbe ? static_cast<size_t>(source.size) : kProbe;
  TFILE_TRY(read_at(source, 0, head, count, Text()));
  *out = probe_format(Bytes(head, count));
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_FORMAT).in(source.label).at(0) << "the content is of no known format";
}

}  // namespace

Status open_file(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings) {
  OpenedFile *made = nullptr;
  TFILE_TRY(make(&made, settings.memory(), std::move(source), settings));
  Ref<OpenedFile> file = Ref<OpenedFile>::adopt(made);
  if (format == TF_FORMAT_AUTO) format = static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  TFILE_TRY(find_out_format(&file->format, *file->source, format));
  TFILE_TRY(make_dict(file->listing.metadata, settings.memory()));
  TFILE_TRY(file->format->list(file->listing, *file->source, settings));
  out = std::move(file);
  return kOk;
}

Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings) {
  Ref<Source> source;
  TFILE_TRY(source_from_path(source, settings.memory(), path));
  if (is_index_path(source->label)) return open_index(out, source, settings);
  Ref<OpenedFile> file;
  TFILE_TRY(open_file(file, std::move(source), TF_FORMAT_AUTO, settings));
  if (settings.on(TF_OPTION_PARTS)) TFILE_TRY(open_split(file));
  out = std::move(file);
  return kOk;
}

Status read_array(Ref<Array> &out, const OpenedFile &file, const Member &member) {
  Source &source = file.source_of(member);
  TFILE_TRY(check_known(source, member));
  const bool map = file.settings.get(TF_OPTION_LOAD_MODE) == TF_LOAD_MODE_MAP;
  if (map && &handed_out_as(member, file.settings) == member.dtype) {
    TFILE_TRY(map_member(out, source, member, file.settings.memory()));
    if (out) return kOk;
  }
  return read_region(out, file, Region{&member, nullptr, member.shape});
}

namespace {

// The member of an index, or NULL with the record set.
const Member *member_at(const tf_file *file, size_t index) {
  if (is_null(file, "file")) return nullptr;
  if (index < file->listing.members.size()) return &file->listing.members[index];
  (void)Status(Failure(TF_STATUS_INVALID_ARGUMENT).in(file->source->label)
               << "there is no array " << static_cast<uint64_t>(index) << "; the file has "
               << static_cast<uint64_t>(file->listing.members.size()));
  return nullptr;
}

Status require_member(const Member **out, const tf_file *file, size_t index) {
  *out = member_at(file, index);
  return *out != nullptr ? kOk : Status{TF_STATUS_INVALID_ARGUMENT};
}

Status read_many(const OpenedFile &file, Span<const size_t> indices, tf_dtype dtype, void *const *dst,
                 const size_t *nbytes) {
  Vec<ReadTarget> targets(file.settings.memory());
  TFILE_TRY(targets.reserve(indices.size()));
  for (size_t i = 0; i < indices.size(); ++i) {
    const Member *member = nullptr;
    TFILE_TRY(require_member(&member, &file, indices[i]));
    const Dtype *to = nullptr;
    TFILE_TRY(find_read_dtype(&to, dtype, file, *member));
    TFILE_TRY(check_destination(dst[i], nbytes[i], *to, file, Region{member, nullptr, member->shape}));
    TFILE_TRY(check_cast(*member->dtype, *to));
    TFILE_TRY(targets.push(make_target(file, *member, dst[i], *to)));
  }
  return read_members(targets, file.settings);
}

void release_buffer(void *buffer) {
  static_cast<Buffer *>(buffer)->release();
}

// A source over a copy of the caller's memory.
Status copy_to_source(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes) {
  Ref<Buffer> buffer;
  TFILE_TRY(make_buffer(buffer, memory, nbytes));
  if (nbytes > 0) memcpy(buffer->data, data, nbytes);
  Buffer *const kept = buffer.take();
  return source_from_memory(out, memory, kept->data, nbytes, release_buffer, kept);
}

}  // namespace

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_file_open(tf_file **out, const char *path, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_path(file, path, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_status tf_file_open_memory(tf_file **out, const void *data, size_t nbytes, tf_format format,
                              const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  if (nbytes > 0) TFILE_API_TRY(require(data, "data"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Source> source;
  TFILE_API_TRY(copy_to_source(source, settings.memory(), data, nbytes));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file(file, std::move(source), format, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_status tf_file_open_source(tf_file **out, tf_source *source, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file(file, Ref<Source>::share(source), format, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_file *tf_file_retain(tf_file *file) {
  if (file != nullptr) file->retain();
  return file;
}

void tf_file_release(tf_file *file) {
  if (file != nullptr) file->release();
}

tf_format tf_file_format(const tf_file *file) {
  return is_null(file, "file") ? TF_FORMAT_AUTO : file->format->id;
}

size_t tf_file_size(const tf_file *file) {
  return is_null(file, "file") ? 0 : file->listing.members.size();
}

tf_status tf_file_name(const char **name, size_t *length, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_out(name, "name"));
  if (length != nullptr) *length = 0;
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  *name = member->name.data();
  if (length != nullptr) *length = member->name.size();
  return TF_STATUS_OK;
}

tf_status tf_file_find(size_t *index, const tf_file *file, const char *name, size_t length) {
  TFILE_API_TRY(require(index, "index"));
  TFILE_API_TRY(require(file, "file"));
  Text wanted;
  TFILE_API_TRY(require_text(&wanted, name, length, "name"));
  const size_t place = file->listing.names.find(wanted);
  if (place == NameIndex::kNone) {
    const Status status = Failure(TF_STATUS_NOT_FOUND).in(file->source->label).array(wanted) << "is not in the file";
    return status.code;
  }
  *index = place;
  return TF_STATUS_OK;
}

tf_dtype tf_file_dtype(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr || member->dtype == nullptr ? TF_DTYPE_UNSUPPORTED : member->dtype->id;
}

size_t tf_file_ndim(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr ? 0 : member->shape.size();
}

const int64_t *tf_file_shape(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr ? nullptr : member->shape.data();
}

uint64_t tf_file_nbytes(const tf_file *file, size_t index) {
  const Member *member = member_at(file, index);
  return member == nullptr ? 0 : member->nbytes;
}

tf_status tf_file_location(const char **path, uint64_t *offset, uint64_t *stored_bytes, int32_t *deflated,
                           const tf_file *file, size_t index) {
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  const Text label = file->source_of(*member).label;
  if (path != nullptr) *path = label.empty() ? "" : label.data();
  if (offset != nullptr) *offset = member->offset;
  if (stored_bytes != nullptr) *stored_bytes = member->stored;
  if (deflated != nullptr) *deflated = member->deflated ? 1 : 0;
  return TF_STATUS_OK;
}

tf_status tf_file_metadata(tf_dict **out, const tf_file *file) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  *out = Ref<tf_dict>(file->listing.metadata).take();
  return TF_STATUS_OK;
}

tf_status tf_file_read(tf_array **out, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_out(out, "out"));
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  Ref<Array> array;
  TFILE_API_TRY(read_array(array, *file, *member));
  *out = array.take();
  return TF_STATUS_OK;
}

tf_status tf_file_read_into(const tf_file *file, size_t index, tf_dtype dtype, void *dst, size_t nbytes) {
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  return read_region_into(dst, nbytes, dtype, *file, Region{member, nullptr, member->shape}).code;
}

tf_status tf_file_read_many(const tf_file *file, const size_t *indices, size_t count, tf_dtype dtype, void *const *dst,
                            const size_t *nbytes) {
  TFILE_API_TRY(require(file, "file"));
  if (count == 0) return TF_STATUS_OK;
  TFILE_API_TRY(require(indices, "indices"));
  TFILE_API_TRY(require(dst, "dst"));
  TFILE_API_TRY(require(nbytes, "nbytes"));
  return read_many(*file, Span<const size_t>(indices, count), dtype, dst, nbytes).code;
}

tf_status tf_file_read_slice(tf_array **out, const tf_file *file, size_t index, const int64_t *start,
                             const int64_t *stop, const int64_t *step, size_t ndim) {
  TFILE_API_TRY(require_out(out, "out"));
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  ResolvedSlice slice;
  TFILE_API_TRY(slice.resolve(*file, *member, start, stop, step, ndim));
  Ref<Array> array;
  TFILE_API_TRY(read_region(array, *file, slice.region(*member)));
  *out = array.take();
  return TF_STATUS_OK;
}

tf_status tf_file_read_slice_into(const tf_file *file, size_t index, const int64_t *start, const int64_t *stop,
                                  const int64_t *step, size_t ndim, tf_dtype dtype, void *dst, size_t nbytes) {
  const Member *member = nullptr;
  TFILE_API_TRY(require_member(&member, file, index));
  ResolvedSlice slice;
  TFILE_API_TRY(slice.resolve(*file, *member, start, stop, step, ndim));
  return read_region_into(dst, nbytes, dtype, *file, slice.region(*member)).code;
}

}  // extern "C"

// src/api/format.cpp
namespace tfile {}  // namespace tfile

using namespace tfile;

extern "C" {

const char *tf_format_name(tf_format format) {
  if (format == TF_FORMAT_AUTO) return "auto";
  const Format *found = find_format(format);
  return found != nullptr ? found->name : "unknown";
}

tf_format tf_format_from_path(const char *path) {
  if (is_null(path, "path")) return TF_FORMAT_AUTO;
  const Format *found = format_of_path(path);
  return found != nullptr ? found->id : TF_FORMAT_AUTO;
}

tf_format tf_format_probe(const void *head, size_t nbytes) {
  if (nbytes > 0 && is_null(head, "head")) return TF_FORMAT_AUTO;
  const Format *found = probe_format(Bytes(static_cast<const uint8_t *>(head), nbytes));
  return found != nullptr ? found->id : TF_FORMAT_AUTO;
}

}  // extern "C"

// src/api/load.cpp
namespace tfile {

namespace {

// Every array of unknown type, in one error, unless they are to be left out.
Status check_all_known(const OpenedFile &file) {
  if (file.settings.on(TF_OPTION_LENIENT)) return kOk;
  Refusals refusals;
  for (const Member &member : file.listing.members) {
    if (member.dtype == nullptr) refusals.add(member.name) << member.reason;
  }
  return refusals.result(TF_STATUS_UNSUPPORTED, file.source->label, "arrays of types that are not handled");
}

// Adds what is made of an array; its name may be that of another array in the file.
Status add_derived(Dict &arrays, const OpenedFile &file, Text stem, Text suffix, Array &array) {
  Vec<char> name(file.settings.memory());
  TFILE_TRY(name.append(stem.data(), stem.size()));
  TFILE_TRY(name.append(suffix.data(), suffix.size()));
  const Text key(name.data(), name.size());
  if (file.listing.names.find(key) == NameIndex::kNone && arrays.find(key) == nullptr) {
    return arrays.set_array(key, array);
  }
  return Failure(TF_STATUS_DUPLICATE).in(file.source->label).array(key)
         << "is the name of an array and of one that is made of a quantised array";
}

// Reads an array of blocks and adds MLX's form of it: NAME, and beside it STEM.scales and STEM.biases, where STEM is the
// name without ".weight" at its end. Types that MLX has no such form for it decodes to float16.
Status add_for_mlx(Dict &arrays, const OpenedFile &file, const Member &member) {
  constexpr char kSuffix[] = ".weight";
  Memory &memory = file.settings.memory();
  Ref<Array> blocks;
  TFILE_TRY(read_region(blocks, file, Region{&member, nullptr, member.shape}));
  if (!has_mlx_triple(*member.dtype)) {
    Ref<Array> half;
    TFILE_TRY(cast(half, *blocks, *find_dtype(TF_DTYPE_FLOAT16), file.settings));
    return arrays.set_array(member.name, *half);
  }
  MlxTriple triple;
  TFILE_TRY(make_mlx_triple(&triple, memory, *blocks));
  const size_t cut = member.name.ends_with(kSuffix) ? sizeof(kSuffix) - 1 : 0;
  const Text stem(member.name.first(member.name.size() - cut));
  TFILE_TRY(arrays.set_array(member.name, *triple.codes));
  TFILE_TRY(add_derived(arrays, file, stem, ".scales", *triple.scales));
  return add_derived(arrays, file, stem, ".biases", *triple.biases);
}

// Makes the arrays of a file: small ones in slabs, the others each in memory of its own.
class Maker {
 public:
  explicit Maker(const OpenedFile &file) : file_(file), cutter_(file.settings.memory(), cost_of(file)) {}

  Status make(Ref<Array> &out, const Member &member, const Dtype &dtype) {
    if (slab_array_cost(dtype, member.shape) == 0) {
      return make_array(out, file_.settings.memory(), dtype, member.shape);
    }
    return make_array(out, cutter_, dtype, member.shape);
  }

 private:
  static uint64_t cost_of(const OpenedFile &file) {
    uint64_t cost = 0;
    for (const Member &member : file.listing.members) {
      if (member.dtype != nullptr) cost += slab_array_cost(handed_out_as(member, file.settings), member.shape);
    }
    return cost;
  }

  const OpenedFile &file_;
  SlabCutter cutter_;
};

// Makes or maps every array, then reads those that were made. What MLX's form is made of is read one by one, so that
// blocks and codes of all arrays are not held at once.
Status read_all(Dict &arrays, const OpenedFile &file) {
  Memory &memory = file.settings.memory();
  const bool map = file.settings.get(TF_OPTION_LOAD_MODE) == TF_LOAD_MODE_MAP;
  Maker maker(file);
  Vec<ReadTarget> targets(memory);
  TFILE_TRY(arrays.reserve(file.listing.members.size()));
  if (!map) TFILE_TRY(targets.reserve(file.listing.members.size()));
  for (const Member &member : file.listing.members) {
    if (member.dtype == nullptr) continue;
    if (member.dtype->is_block() && file.settings.get(TF_OPTION_DECODE) == TF_DECODE_MLX) {
      TFILE_TRY(add_for_mlx(arrays, file, member));
      continue;
    }
    Ref<Array> array;
    const Dtype &dtype = handed_out_as(member, file.settings);
    if (map && &dtype == member.dtype) TFILE_TRY(map_member(array, file.source_of(member), member, memory));
    if (!array) {
      TFILE_TRY(maker.make(array, member, dtype));
      TFILE_TRY(targets.push(make_target(file, member, array->data, dtype)));
    }
    TFILE_TRY(arrays.set_array(member.name, *array));
  }
  return read_members(targets, file.settings);
}

}  // namespace

Status load_file(tf_array **array, tf_dict **arrays, tf_dict **metadata, const OpenedFile &file) {
  const bool single = file.format->id == TF_FORMAT_NPY;
  const bool wants_arrays = arrays != nullptr || (single && array != nullptr);
  Ref<Dict> loaded;
  TFILE_TRY(make_dict(loaded, file.settings.memory()));
  if (wants_arrays) {
    TFILE_TRY(check_all_known(file));
    TFILE_TRY(read_all(*loaded, file));
  }
  Ref<Array> one;
  if (single && array != nullptr && loaded->size() == 1) {
    one = Ref<Array>::share(loaded->at(0).array);
    loaded->remove(Text());
  }
  if (metadata != nullptr) *metadata = Ref<Dict>(file.listing.metadata).take();
  if (arrays != nullptr) *arrays = loaded.take();
  if (array != nullptr) *array = one.take();
  return kOk;
}

namespace {

// The outputs of the tf_load functions, each of which may be NULL.
void clear_outputs(tf_array **array, tf_dict **arrays, tf_dict **metadata) {
  if (array != nullptr) *array = nullptr;
  if (arrays != nullptr) *arrays = nullptr;
  if (metadata != nullptr) *metadata = nullptr;
}

}  // namespace

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_load(tf_array **array, tf_dict **arrays, tf_dict **metadata, const char *path, const tf_options *options) {
  clear_outputs(array, arrays, metadata);
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_path(file, path, settings));
  return load_file(array, arrays, metadata, *file).code;
}

tf_status tf_load_memory(tf_array **array, tf_dict **arrays, tf_dict **metadata, const void *data, size_t nbytes,
                         tf_format format, const tf_options *options) {
  clear_outputs(array, arrays, metadata);
  if (nbytes > 0) TFILE_API_TRY(require(data, "data"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  // The caller may free the memory afterwards, so nothing is mapped from it.
  settings.set(TF_OPTION_LOAD_MODE, TF_LOAD_MODE_OWN);
  Ref<Source> source;
  TFILE_API_TRY(source_from_memory(source, settings.memory(), data, nbytes, nullptr, nullptr));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file(file, std::move(source), format, settings));
  return load_file(array, arrays, metadata, *file).code;
}

tf_status tf_load_source(tf_array **array, tf_dict **arrays, tf_dict **metadata, tf_source *source, tf_format format,
                         const tf_options *options) {
  clear_outputs(array, arrays, metadata);
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file(file, Ref<Source>::share(source), format, settings));
  return load_file(array, arrays, metadata, *file).code;
}

}  // extern "C"

// src/api/options.cpp
namespace tfile {

namespace {

Status find_rule(const OptionRule **out, tf_option option) {
  *out = option_rule(option);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << "there is no option " << option << " in this version";
}

Status check_value(const OptionRule &rule, int64_t value) {
  if (value < rule.least || value > rule.most) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "option " << rule.id << " takes " << rule.least << " to " << rule.most << ", not " << value;
  }
  if (rule.power_of_two && (value & (value - 1)) != 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "option " << rule.id << " takes a power of two or 0, not " << value;
  }
  if (rule.id == TF_OPTION_DECODE && value > TF_DECODE_KEEP && value < TF_DTYPE_FLOAT16) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "option " << rule.id << " takes a floating dtype, not " << value;
  }
  return kOk;
}

// The number that a name stands for.
Status parse_value(int64_t *value, tf_option option, Text name) {
  if (option == TF_OPTION_FORMAT) {
    const Format *const format = find_format(name);
    *value = format == nullptr ? int32_t{TF_FORMAT_AUTO} : format->id;
    if (format != nullptr || name == "auto") return kOk;
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format ").quoted(name);
  }
  if (option == TF_OPTION_LOAD_MODE) {
    *value = name == "map" ? TF_LOAD_MODE_MAP : TF_LOAD_MODE_OWN;
    if (name == "map" || name == "own") return kOk;
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no load mode ").quoted(name) << "; 'own' and 'map' are";
  }
  if (option == TF_OPTION_DEFLATE) {
    *value = name == "zlib" ? TF_DEFLATE_ZLIB : TF_DEFLATE_AUTO;
    if (name == "zlib" || name == "auto") return kOk;
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no deflate ").quoted(name) << "; 'auto' and 'zlib' are";
  }
  if (option == TF_OPTION_DECODE) {
    const Dtype *const dtype = find_dtype(name);
    *value = name == "mlx" ? TF_DECODE_MLX : dtype != nullptr ? dtype->id : TF_DECODE_KEEP;
    if (name == "keep" || name == "mlx" || dtype != nullptr) return check_value(*option_rule(option), *value);
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no dtype ").quoted(name) << " to decode to";
  }
  return Failure(TF_STATUS_TYPE) << "option " << option << " takes a number, not a name";
}

Status make_progress(Ref<ProgressCallback> &out, tf_progress_fn progress, PendingRelease &release, void *user) {
  ProgressCallback *callback = nullptr;
  TFILE_TRY(make(&callback, default_memory()));
  callback->memory = Ref<Memory>::share(&default_memory());
  callback->report = progress;
  callback->release_user = release.hand_over();
  callback->user = user;
  out = Ref<ProgressCallback>::adopt(callback);
  return kOk;
}

Status make_executor(Ref<Executor> &out, tf_executor_fn execute, size_t width, PendingRelease &release, void *user) {
  if (width == 0) return Failure(TF_STATUS_INVALID_ARGUMENT) << "the width of an executor is 1 or more, not 0";
  Executor *executor = nullptr;
  TFILE_TRY(make(&executor, default_memory()));
  executor->memory = Ref<Memory>::share(&default_memory());
  executor->execute = execute;
  executor->width = width;
  executor->release_user = release.hand_over();
  executor->user = user;
  out = Ref<Executor>::adopt(executor);
  return kOk;
}

Status set_allocator(Options *options, tf_alloc_fn alloc, tf_free_fn free, PendingRelease &release, void *user) {
  TFILE_TRY(require(options, "options"));
  if ((alloc == nullptr) != (free == nullptr)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << (alloc == nullptr ? "free without alloc" : "alloc without free");
  }
  auto memory = Ref<Memory>::share(&default_memory());
  if (alloc != nullptr) TFILE_TRY(make_memory(memory, alloc, free, release.hand_over(), user));
  options->settings.set_memory(std::move(memory));
  return kOk;
}

}  // namespace

}  // namespace tfile

extern "C" {

tf_status tf_options_new(tf_options **out) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  return tfile::make(out, tfile::default_memory()).code;
}

tf_options *tf_options_retain(tf_options *options) {
  if (options != nullptr) options->retain();
  return options;
}

void tf_options_release(tf_options *options) {
  if (options != nullptr) options->release();
}

tf_status tf_options_set(tf_options *options, tf_option option, int64_t value) {
  TFILE_API_TRY(tfile::require(options, "options"));
  const tfile::OptionRule *rule = nullptr;
  TFILE_API_TRY(tfile::find_rule(&rule, option));
  TFILE_API_TRY(tfile::check_value(*rule, value));
  options->settings.set(option, value);
  return TF_STATUS_OK;
}

tf_status tf_options_get(int64_t *value, const tf_options *options, tf_option option) {
  TFILE_API_TRY(tfile::require(value, "value"));
  TFILE_API_TRY(tfile::require(options, "options"));
  const tfile::OptionRule *rule = nullptr;
  TFILE_API_TRY(tfile::find_rule(&rule, option));
  *value = options->settings.get(option);
  return TF_STATUS_OK;
}

tf_status tf_options_set_string(tf_options *options, tf_option option, const char *text, size_t length) {
  TFILE_API_TRY(tfile::require(options, "options"));
  tfile::Text name;
  TFILE_API_TRY(tfile::require_text(&name, text, length, "text"));
  const tfile::OptionRule *rule = nullptr;
  TFILE_API_TRY(tfile::find_rule(&rule, option));
  int64_t value = 0;
  TFILE_API_TRY(tfile::parse_value(&value, option, name));
  options->settings.set(option, value);
  return TF_STATUS_OK;
}

tf_status tf_options_set_allocator(tf_options *options, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release,
                                   void *user) {
  tfile::PendingRelease held(release, user);
  return tfile::set_allocator(options, alloc, free, held, user).code;
}

tf_status tf_options_set_progress(tf_options *options, tf_progress_fn progress, tf_release_fn release, void *user) {
  tfile::PendingRelease held(release, user);
  TFILE_API_TRY(tfile::require(options, "options"));
  tfile::Ref<tfile::ProgressCallback> callback;
  if (progress != nullptr) TFILE_API_TRY(tfile::make_progress(callback, progress, held, user));
  options->settings.set_progress(std::move(callback));
  return TF_STATUS_OK;
}

tf_status tf_options_set_executor(tf_options *options, tf_executor_fn execute, size_t width, tf_release_fn release,
                                  void *user) {
  tfile::PendingRelease held(release, user);
  TFILE_API_TRY(tfile::require(options, "options"));
  tfile::Ref<tfile::Executor> executor;
  if (execute != nullptr) TFILE_API_TRY(tfile::make_executor(executor, execute, width, held, user));
  options->settings.set_executor(std::move(executor));
  return TF_STATUS_OK;
}

}  // extern "C"

// src/api/region.cpp
namespace tfile {

namespace {

Status convert(void *to, const Dtype &dtype, const void *from, const Member &member, uint64_t first, uint64_t count) {
  static_assert(kConvertedAtOnce % kCastChunk == 0);
  return cast_run(to, dtype, from, *member.dtype, first, count);
}

Status read_target(const ReadTarget &target, const Settings &settings) {
  Vec<ReadTarget> targets(settings.memory());
  TFILE_TRY(targets.push(target));
  return read_members(targets, settings);
}

// As stored.
Status read_stored(void *to, const OpenedFile &file, const Region &region) {
  const Member &member = *region.member;
  if (region.axes != nullptr) {
    return read_slice_into(to, file.source_of(member), member, region.axes, file.settings, file.cursor);
  }
  return read_target(make_target(file, member, to, *member.dtype), file.settings);
}

// The part of a slice along an axis that lies on whole units, and the slice within that part.
struct Widened {
  SliceAxis read;
  SliceAxis take;

  Widened(const SliceAxis &axis, int64_t unit) : read(axis), take{0, 1, axis.count} {
    if (unit == 1 || axis.count == 0) return;
    const int64_t last = axis.first + (axis.count - 1) * axis.step;
    const int64_t low = axis.step < 0 ? last : axis.first;
    const int64_t high = axis.step < 0 ? axis.first : last;
    const int64_t begin = low / unit * unit;
    read = SliceAxis{begin, 1, (high / unit + 1) * unit - begin};
    take = SliceAxis{axis.first - begin, axis.step, axis.count};
  }
};

// The elements of a row that a slice takes along its last axis, when its step is longer than a block: each has a block
// of its own, and those between are not decoded.
struct SparseRow {
  SliceAxis take;
  int64_t length;  // of the row that was read
  int64_t unit;

  int64_t place(int64_t k) const { return take.first + k * take.step; }

  // The blocks with an element of the slice, in the order of the result.
  Status keep_touched(Ref<Array> &out, Memory &memory, const Array &blocks) const {
    int64_t shape[kMaxRank];
    memcpy(shape, blocks.dims(), blocks.ndim * sizeof(int64_t));
    shape[blocks.ndim - 1] = take.count * unit;
    TFILE_TRY(make_array(out, memory, *blocks.dtype, Span<const int64_t>(shape, blocks.ndim)));
    const size_t bytes = blocks.dtype->block_bytes;
    const char *row = blocks.data;
    char *to = out->data;
    for (int64_t rows = blocks.size / length; rows > 0; --rows, row += length / unit * static_cast<int64_t>(bytes)) {
      for (int64_t k = 0; k < take.count; ++k, to += bytes)
        memcpy(to, row + place(k) / unit * static_cast<int64_t>(bytes), bytes);
    }
    return kOk;
  }

  Status decode(char *dst, const Dtype &to, const Array &blocks, const Settings &settings) const {
    Ref<Array> touched;
    TFILE_TRY(keep_touched(touched, settings.memory(), blocks));
    Ref<Array> real;
    TFILE_TRY(cast(real, *touched, to, settings));
    pick(dst, *real);
    return kOk;
  }

  // Of each decoded block its one element.
  void pick(char *dst, const Array &real) const {
    const size_t bytes = real.dtype->block_bytes;
    const char *block = real.data;
    for (int64_t rows = real.size / (take.count * unit); rows > 0; --rows) {
      for (int64_t k = 0; k < take.count; ++k, dst += bytes, block += static_cast<size_t>(unit) * bytes)
        memcpy(dst, block + static_cast<size_t>(place(k) % unit) * bytes, bytes);
    }
  }
};

// A slice of an array whose elements have no addresses: reads the units that it touches, casts them, and takes the
// slice of what comes out.
Status read_units_as(void *dst, const Dtype &to, const OpenedFile &file, const Region &region) {
  const Member &member = *region.member;
  const size_t ndim = member.shape.size();
  // Units of a packed type run across rows: then all of it is read.
  const bool packed = !member.dtype->is_block();
  SliceAxis read[kMaxRank];
  SliceAxis take[kMaxRank];
  int64_t shape[kMaxRank];
  for (size_t i = 0; i < ndim; ++i) {
    if (region.shape[i] == 0) return kOk;
    const Widened wide(region.axes[i], i + 1 == ndim ? member.dtype->block_size : 1);
    read[i] = wide.read;
    take[i] = packed ? region.axes[i] : wide.take;
    shape[i] = packed ? member.shape[i] : wide.read.count;
  }
  Memory &memory = file.settings.memory();
  Ref<Array> units;
  TFILE_TRY(make_array(units, memory, *member.dtype, Span<const int64_t>(shape, ndim)));
  TFILE_TRY(read_stored(units->data, file, Region{&member, packed ? nullptr : read, units->shape()}));
  const int64_t unit = member.dtype->block_size;
  if (!packed && (take[ndim - 1].step > unit || take[ndim - 1].step < -unit)) {
    return SparseRow{take[ndim - 1], shape[ndim - 1], unit}.decode(static_cast<char *>(dst), to, *units, file.settings);
  }
  Ref<Array> real;
  TFILE_TRY(cast(real, *units, to, file.settings));
  Ref<Array> taken;
  TFILE_TRY(slice(taken, memory, *real, take));
  copy_elements(static_cast<char *>(dst), *taken, 0, taken->size);
  return kOk;
}

Status read_as(void *dst, const Dtype &to, const OpenedFile &file, const Region &region) {
  const Member &member = *region.member;
  if (&to == member.dtype) return read_stored(dst, file, region);
  TFILE_TRY(check_cast(*member.dtype, to));
  if (region.axes == nullptr)
    return read_target(make_target(file, member, static_cast<char *>(dst), to), file.settings);
  if (!member.dtype->addressable() && to.addressable()) {
    return read_units_as(dst, to, file, region);
  }
  Ref<Array> stored;
  TFILE_TRY(make_array(stored, file.settings.memory(), *member.dtype, region.shape));
  TFILE_TRY(read_stored(stored->data, file, region));
  return cast_into(dst, to, *stored, file.settings);
}

}  // namespace

ReadTarget make_target(const OpenedFile &file, const Member &member, void *to, const Dtype &dtype) {
  ReadTarget target{&file.source_of(member), &member, to};
  if (&dtype == member.dtype) return target;
  target.convert = convert;
  target.dtype = &dtype;
  return target;
}

Status find_read_dtype(const Dtype **out, tf_dtype dtype, const OpenedFile &file, const Member &member) {
  TFILE_TRY(check_known(file.source_of(member), member));
  *out = dtype == TF_DTYPE_UNSUPPORTED ? member.dtype : find_dtype(dtype);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no dtype with the number " << dtype;
}

Status check_destination(const void *dst, size_t nbytes, const Dtype &dtype, const OpenedFile &file,
                         const Region &region) {
  const Member &member = *region.member;
  const Checked needed = byte_count(dtype, region.shape);
  if (!needed.valid() || nbytes != needed.value()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(file.source_of(member).label).array(member.name)
           << "needs " << needed.value() << " bytes as " << dtype.name << ", dst has " << static_cast<uint64_t>(nbytes);
  }
  return nbytes > 0 ? require(dst, "dst") : kOk;
}

Status ResolvedSlice::resolve(const OpenedFile &file, const Member &member, const int64_t *start, const int64_t *stop,
                              const int64_t *step, size_t ndim) {
  TFILE_TRY(check_known(file.source_of(member), member));
  TFILE_TRY(resolve_slice(axes, member.shape, start, stop, step, ndim));
  for (size_t i = 0; i < ndim; ++i)
    shape[i] = axes[i].count;
  return kOk;
}

const Dtype &handed_out_as(const Member &member, const Settings &settings) {
  const int64_t decode = settings.get(TF_OPTION_DECODE);
  if (!member.dtype->is_block() || decode == TF_DECODE_KEEP || decode == TF_DECODE_MLX) return *member.dtype;
  return *find_dtype(static_cast<tf_dtype>(decode));
}

Status read_region(Ref<Array> &out, const OpenedFile &file, const Region &region) {
  const Dtype &dtype = handed_out_as(*region.member, file.settings);
  Ref<Array> array;
  TFILE_TRY(make_array(array, file.settings.memory(), dtype, region.shape));
  TFILE_TRY(read_as(array->data, dtype, file, region));
  out = std::move(array);
  return kOk;
}

Status read_region_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Region &region) {
  const Dtype *to = nullptr;
  TFILE_TRY(find_read_dtype(&to, dtype, file, *region.member));
  TFILE_TRY(check_destination(dst, nbytes, *to, file, region));
  return read_as(dst, *to, file, region);
}

}  // namespace tfile

// src/api/request.cpp
namespace tfile {

namespace {

// What a load with the same limits would refuse is refused here, so that a default load reads what a default save wrote.
Status check_limits_api_request(const SaveRequest &request) {
  const Settings &settings = request.settings;
  const uint64_t arrays = settings.limit(TF_OPTION_MAX_ARRAYS);
  if (request.arrays.size() > arrays) {
    return Failure(TF_STATUS_LIMIT) << static_cast<uint64_t>(request.arrays.size())
                                    << " arrays are more than the limit (max_arrays) of " << arrays;
  }
  const uint64_t values = settings.limit(TF_OPTION_MAX_METADATA);
  if (request.metadata != nullptr && request.metadata->size() > values) {
    return Failure(TF_STATUS_LIMIT) << static_cast<uint64_t>(request.metadata->size())
                                    << " metadata values are more than the limit (max_metadata) of " << values;
  }
  Refusals refusals;
  const uint64_t bytes = settings.limit(TF_OPTION_MAX_NAME_BYTES);
  for (const NamedArray &named : request.arrays) {
    if (named.name.size() > bytes) refusals.add(named.name) << static_cast<uint64_t>(named.name.size()) << " bytes";
  }
  return refusals.result(TF_STATUS_LIMIT, Text(), "names longer than the limit (max_name_bytes)");
}

}  // namespace

Status require_format(const Format **out, tf_format id) {
  *out = find_format(id);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format with the number " << id << " to save in";
}

Status collect_arrays(Vec<NamedArray> *out, const Dict &arrays) {
  Refusals refusals;
  for (const DictEntry *entry : arrays.entries) {
    if (entry->kind == TF_KIND_ARRAY) {
      TFILE_TRY(out->push(NamedArray{entry->key, entry->array}));
    } else {
      refusals.add(entry->key) << (entry->kind == TF_KIND_DICT     ? "a dict"
                                   : entry->kind == TF_KIND_STRING ? "a string"
                                                                   : "a list of strings");
    }
  }
  return refusals.result(TF_STATUS_TYPE, Text(), "only arrays can be saved");
}

Status check_request(const Format &format, const SaveRequest &request) {
  TFILE_TRY(check_limits_api_request(request));
  return format.check(request);
}

Status complete_path(Vec<char> *out, const char *path, const Format &format, const Settings &settings) {
  const Text given(path);
  const Text extension(format.extension);
  TFILE_TRY(out->append(given.data(), given.size()));
  if (!settings.on(TF_OPTION_EXACT_PATH) && !given.ends_with(extension)) {
    TFILE_TRY(out->append(extension.data(), extension.size()));
  }
  return out->push('\0');
}

Status save_to_path(const char *path, const Format &format, const SaveRequest &request, bool add_extension) {
  const Settings &settings = request.settings;
  TFILE_TRY(check_request(format, request));
  Vec<char> completed(settings.memory());
  if (add_extension) TFILE_TRY(complete_path(&completed, path, format, settings));
  const char *const target = add_extension ? completed.data() : path;
  Replacement replacement(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, target, settings.on(TF_OPTION_ATOMIC), settings.on(TF_OPTION_DURABLE)));
  TFILE_TRY(write_request(*sink, format, request));
  return replacement.commit();
}

}  // namespace tfile

// src/api/save.cpp
namespace tfile {

namespace {

// args become arr_0, arr_1, ... behind kwargs; their names live in the arena.
Status collect_positional(Vec<NamedArray> *out, Arena *arena, const tf_array *const *args, size_t nargs,
                          const Dict *kwargs) {
  if (nargs > 0) TFILE_TRY(require(args, "args"));
  for (size_t i = 0; i < nargs; ++i) {
    TFILE_TRY(require(args[i], "an array in args"));
    char digits[32];
    LineWriter line(digits, sizeof(digits));
    line << "arr_" << static_cast<uint64_t>(i);
    if (kwargs != nullptr && kwargs->find(line.text()) != nullptr) {
      return Failure(TF_STATUS_DUPLICATE).array(line.text())
             << "is the name of a positional array and of one given by name";
    }
    Text name;
    TFILE_TRY(arena->copy(&name, line.text()));
    TFILE_TRY(out->push(NamedArray{name, args[i]}));
  }
  return kOk;
}

Status savez(const char *path, const tf_array *const *args, size_t nargs, const Dict *kwargs, bool compress,
             const tf_options *options) {
  TFILE_TRY(require(path, "path"));
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_TRY(require_format(&format, TF_FORMAT_NPZ));
  Arena names(settings.memory());
  Vec<NamedArray> arrays(settings.memory());
  if (kwargs != nullptr) TFILE_TRY(collect_arrays(&arrays, *kwargs));
  TFILE_TRY(collect_positional(&arrays, &names, args, nargs, kwargs));
  return save_to_path(path, *format, SaveRequest{arrays.span(), nullptr, compress, settings}, true);
}

Status save_dict(const char *path, tf_format id, const Dict *arrays, const Dict *metadata, const tf_options *options) {
  TFILE_TRY(require(path, "path"));
  TFILE_TRY(require(arrays, "arrays"));
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_TRY(require_format(&format, id));
  Vec<NamedArray> named(settings.memory());
  TFILE_TRY(collect_arrays(&named, *arrays));
  return save_whole_or_parts(path, *format, SaveRequest{named.span(), metadata, false, settings}, true);
}

// What tf_save_memory and tf_save_sink are given, checked and made a request.
class AnyFormat {
 public:
  AnyFormat(const Settings &settings, Memory &memory) : settings_(settings), arrays_(memory) {}

  Status prepare(tf_format id, const Array *array, const Dict *arrays, const Dict *metadata) {
    TFILE_TRY(require_format(&format_, id));
    if (id == TF_FORMAT_NPY) {
      TFILE_TRY(require(array, "array"));
      if (arrays != nullptr) return Failure(TF_STATUS_INVALID_ARGUMENT) << "npy holds one array: arrays must be NULL";
      TFILE_TRY(arrays_.push(NamedArray{Text(), array}));
    } else {
      TFILE_TRY(require(arrays, "arrays"));
      if (array != nullptr) {
        return Failure(TF_STATUS_INVALID_ARGUMENT) << format_->name << " takes arrays by name: array must be NULL";
      }
      TFILE_TRY(collect_arrays(&arrays_, *arrays));
    }
    if (metadata != nullptr && !format_->has_metadata) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << format_->name << " has no metadata: it must be NULL";
    }
    metadata_ = metadata;
    return check_request(*format_, request());
  }
  Status write(Sink &sink) const { return write_request(sink, *format_, request()); }

 private:
  SaveRequest request() const {
    return SaveRequest{arrays_.span(), metadata_, settings_.on(TF_OPTION_COMPRESS), settings_};
  }

  const Settings &settings_;
  Vec<NamedArray> arrays_;
  const Dict *metadata_ = nullptr;
  const Format *format_ = nullptr;
};

Status save_memory(Ref<Buffer> &out, tf_format format, const Array *array, const Dict *arrays, const Dict *metadata,
                   const Settings &settings) {
  AnyFormat any(settings, settings.memory());
  TFILE_TRY(any.prepare(format, array, arrays, metadata));
  MemorySink memory(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(memory.open(sink));
  TFILE_TRY(any.write(*sink));
  return memory.finish(out);
}

}  // namespace

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_save(const char *path, const tf_array *array, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(array, "array"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_API_TRY(require_format(&format, TF_FORMAT_NPY));
  const NamedArray named{Text(), array};
  return save_to_path(path, *format, SaveRequest{Span(&named, 1), nullptr, false, settings}, true).code;
}

tf_status tf_savez(const char *path, const tf_array *const *args, size_t nargs, const tf_dict *kwargs,
                   const tf_options *options) {
  return savez(path, args, nargs, kwargs, false, options).code;
}

tf_status tf_savez_compressed(const char *path, const tf_array *const *args, size_t nargs, const tf_dict *kwargs,
                              const tf_options *options) {
  return savez(path, args, nargs, kwargs, true, options).code;
}

tf_status tf_save_safetensors(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                              const tf_options *options) {
  return save_dict(path, TF_FORMAT_SAFETENSORS, arrays, metadata, options).code;
}

tf_status tf_save_gguf(const char *path, const tf_dict *arrays, const tf_dict *metadata, const tf_options *options) {
  return save_dict(path, TF_FORMAT_GGUF, arrays, metadata, options).code;
}

tf_status tf_save_memory(tf_buffer **out, tf_format format, const tf_array *array, const tf_dict *arrays,
                         const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Buffer> buffer;
  TFILE_API_TRY(save_memory(buffer, format, array, arrays, metadata, settings));
  *out = buffer.take();
  return TF_STATUS_OK;
}

tf_status tf_save_sink(tf_sink *sink, tf_format format, const tf_array *array, const tf_dict *arrays,
                       const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require(sink, "sink"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  AnyFormat any(settings, settings.memory());
  TFILE_API_TRY(any.prepare(format, array, arrays, metadata));
  return any.write(*sink).code;
}

}  // extern "C"

// src/api/set.cpp
namespace tfile {

namespace {

constexpr char kIndexSuffix[] = ".index.json";
constexpr char kSplitNo[] = "split.no";
constexpr char kSplitCount[] = "split.count";
constexpr char kSplitTensors[] = "split.tensors.count";
// The names have five digits, and gguf's own count has 16 bits.
constexpr uint64_t kMostShards = 99999;
constexpr uint64_t kMostSplits = UINT16_MAX;

// Everything up to the last separator, which stays.
Text folder_of(Text path) {
  size_t end = path.size();
  while (end > 0 && path[end - 1] != '/' && path[end - 1] != kPathSeparator)
    --end;
  return path.first(end);
}

// Three pieces, joined and NUL-terminated.
Status join(Vec<char> *out, Text a, Text b, Text c) {
  out->clear();
  for (const Text piece : {a, b, c})
    TFILE_TRY(out->append(piece.data(), piece.size()));
  return out->push('\0');
}

// Takes what one part lists into the whole.
Status adopt_member(OpenedFile &file, const Member &member, size_t part) {
  Member copy = member;
  copy.part = static_cast<uint32_t>(part);
  TFILE_TRY(file.listing.arena.copy(&copy.name, member.name));
  TFILE_TRY(file.listing.arena.copy(&copy.reason, member.reason));
  TFILE_TRY(file.listing.arena.copy(&copy.shape, member.shape));
  return file.listing.add(*file.parts[part], file.settings, copy, kNoOffset);
}

Status new_set(Ref<OpenedFile> &out, Ref<Source> source, const Format *format, const Settings &settings) {
  OpenedFile *made = nullptr;
  TFILE_TRY(make(&made, settings.memory(), std::move(source), settings));
  out = Ref<OpenedFile>::adopt(made);
  out->format = format;
  return make_dict(out->listing.metadata, settings.memory());
}

// Opens one file of a set, whose source goes onto file.parts.
Status open_part(Ref<OpenedFile> &out, OpenedFile &file, const char *path) {
  Ref<Source> source;
  TFILE_TRY(source_from_path(source, file.settings.memory(), path));
  TFILE_TRY(open_file(out, source, file.format->id, file.settings));
  TFILE_TRY(file.parts.push(source.get()));
  (void)source.take();
  return kOk;
}

// An index in memory: which array is in which file.
class Index {
 public:
  explicit Index(Memory &memory)
      : document_(memory),
        arrays_(memory),
        files_(memory),
        array_names_(memory, array_name, this),
        file_names_(memory, file_name, this) {}

  struct Entry {
    Text name;
    size_t file;  // place in files()
    bool found;
  };

  Status read(const Source &source, const Settings &settings);
  Vec<Entry> &arrays() { return arrays_; }
  size_t file_count() const { return files_.size(); }
  Text file(size_t i) const { return files_[i]; }
  // The entry of an array, or NULL.
  Entry *find(Text name) {
    const size_t place = array_names_.find(name);
    return place == NameIndex::kNone ? nullptr : &arrays_[place];
  }

 private:
  static Text array_name(const void *self, size_t i) { return static_cast<const Index *>(self)->arrays_[i].name; }
  static Text file_name(const void *self, size_t i) { return static_cast<const Index *>(self)->files_[i]; }
  Status parse(JsonReader &json, Text label);
  Status add(JsonReader &json, Text name);

  Vec<char> document_;
  Vec<Entry> arrays_;
  Vec<Text> files_;
  NameIndex array_names_;
  NameIndex file_names_;
};

Status Index::read(const Source &source, const Settings &settings) {
  const uint64_t limit = header_limit(settings);
  if (source.size > limit) {
    return Failure(TF_STATUS_LIMIT).in(source.label)
           << "the index has " << source.size << " bytes, more than the limit (max_header_bytes) of " << limit;
  }
  TFILE_TRY(document_.resize(static_cast<size_t>(source.size)));
  TFILE_TRY(read_at(source, 0, document_.data(), source.size, Text()));
  JsonReader json(Span<char>(document_.data(), document_.size()), source.label, 0);
  return parse(json, source.label);
}

Status Index::parse(JsonReader &json, Text label) {
  bool more = false;
  bool has_map = false;
  Text key;
  TFILE_TRY(json.begin_object());
  for (;;) {
    TFILE_TRY(json.next_key(&more, &key));
    if (!more) break;
    if (key != Text("weight_map") || has_map) {
      TFILE_TRY(json.skip());
      continue;
    }
    has_map = true;
    TFILE_TRY(json.begin_object());
    for (;;) {
      TFILE_TRY(json.next_key(&more, &key));
      if (!more) break;
      TFILE_TRY(add(json, key));
    }
  }
  TFILE_TRY(json.end());
  if (has_map) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(label) << "the index has no weight_map";
}

// Reads the file name that belongs to an array's name.
Status Index::add(JsonReader &json, Text name) {
  Text file;
  json.about_array(name);
  const size_t value = json.position();
  TFILE_TRY(json.string(&file));
  const auto has = [file](char c) { return !file.empty() && memchr(file.data(), c, file.size()) != nullptr; };
  if (file.empty() || file == Text(".") || file == Text("..") || has('/') || has('\\') || has(':') || has('\0')) {
    return json.fail(value).quoted(file) << " is not the name of a file in the folder of the index";
  }
  size_t place = NameIndex::kNone;
  TFILE_TRY(files_.push(file));
  TFILE_TRY(file_names_.add(&place, file));
  if (place == NameIndex::kNone) {
    place = files_.size() - 1;
  } else {
    files_.pop();
  }
  size_t twin = NameIndex::kNone;
  TFILE_TRY(arrays_.push(Entry{name, place, false}));
  TFILE_TRY(array_names_.add(&twin, name));
  if (twin == NameIndex::kNone) return kOk;
  // A key is decoded where it stands, behind its quote.
  const auto position = static_cast<size_t>(name.data() - document_.data()) - 1;
  return json.fail(position, TF_STATUS_DUPLICATE) << "the name stands twice in the index";
}

// Takes the arrays that the index expects of one shard; others are left out.
Status adopt_shard(OpenedFile &file, Index &index, size_t file_place, const OpenedFile &shard, size_t part) {
  for (const Member &member : shard.listing.members) {
    Index::Entry *const entry = index.find(member.name);
    if (entry == nullptr || entry->file != file_place) continue;
    entry->found = true;
    TFILE_TRY(adopt_member(file, member, part));
  }
  for (const DictEntry *value : shard.listing.metadata->entries) {
    if (file.listing.metadata->find(value->key) == nullptr) {
      TFILE_TRY(file.listing.metadata->set_value(value->key, *value));
    }
  }
  return kOk;
}

}  // namespace

bool is_index_path(Text path) {
  return path.ends_with(kIndexSuffix);
}

Status open_index(Ref<OpenedFile> &out, const Ref<Source> &source, const Settings &settings) {
  const Format *const format = find_format(TF_FORMAT_SAFETENSORS);
  if (format == nullptr) return Failure(TF_STATUS_UNSUPPORTED).in(source->label) << "safetensors are not built in";
  Index index(settings.memory());
  TFILE_TRY(index.read(*source, settings));
  Ref<OpenedFile> file;
  TFILE_TRY(new_set(file, source, format, settings));
  Vec<size_t> order(settings.memory());
  for (size_t i = 0; i < index.file_count(); ++i)
    TFILE_TRY(order.push(i));
  std::sort(order.begin(), order.end(),
            [&index](size_t a, size_t b) { return compare(index.file(a), index.file(b)) < 0; });
  Vec<char> path(settings.memory());
  for (size_t part = 0; part < order.size(); ++part) {
    Ref<OpenedFile> shard;
    TFILE_TRY(join(&path, folder_of(source->label), index.file(order[part]), Text()));
    TFILE_TRY(open_part(shard, *file, path.data()));
    TFILE_TRY(adopt_shard(*file, index, order[part], *shard, part));
  }
  for (const Index::Entry &entry : index.arrays()) {
    if (entry.found) continue;
    return Failure(TF_STATUS_CORRUPT).in(source->label).array(entry.name).quoted(index.file(entry.file))
           << ", where the index says that it is, does not have it";
  }
  out = std::move(file);
  return kOk;
}

namespace {

// PREFIX-00001-of-00003.gguf, taken apart.
struct SplitName {
  Text prefix;
  uint64_t no = 0;  // from 1
  uint64_t count = 0;

  bool parse(Text path) {
    constexpr size_t kTail = sizeof("-00001-of-00003.gguf") - 1;
    if (path.size() < kTail) return false;
    const Text tail(path.from(path.size() - kTail));
    prefix = path.first(path.size() - kTail);
    return tail[0] == '-' && digits(tail.from(1), &no) && Text(tail.from(6)).starts_with("-of-") &&
           digits(tail.from(10), &count) && Text(tail.from(15)) == Text(".gguf");
  }

 private:
  static bool digits(Text text, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < 5; ++i) {
      if (text[i] < '0' || text[i] > '9') return false;
      *number = *number * 10 + static_cast<uint64_t>(text[i] - '0');
    }
    return true;
  }
};

// PREFIX-00001-of-00003 and a suffix.
Status part_path(Vec<char> *out, Text prefix, uint64_t no, uint64_t count, Text suffix) {
  char middle[] = "-00000-of-00000";
  for (size_t i = 0; i < 5; ++i) {
    middle[5 - i] = static_cast<char>('0' + no % 10);
    middle[14 - i] = static_cast<char>('0' + count % 10);
    no /= 10;
    count /= 10;
  }
  return join(out, prefix, middle, suffix);
}

// The value of an integer key; -1: there is none.
int64_t split_value(const Dict &metadata, Text key) {
  const DictEntry *const entry = metadata.find(key);
  int64_t value = -1;
  if (entry == nullptr || entry->kind != TF_KIND_ARRAY || entry->array->ndim != 0) return -1;
  return item_int64(&value, *entry->array, {}).ok() ? value : -1;
}

Status expect_split_value(const OpenedFile &part, Text key, uint64_t expected, const char *from) {
  const int64_t found = split_value(*part.listing.metadata, key);
  if (found >= 0 && static_cast<uint64_t>(found) == expected) return kOk;
  Failure failure(TF_STATUS_CORRUPT);
  failure.in(part.source->label).key(key) << "expected " << expected << ", as " << from << " says, found ";
  if (found < 0) return failure << "none";
  return failure << found;
}

Status adopt_split(OpenedFile &file, const OpenedFile &part, const SplitName &name, uint64_t no, uint64_t total) {
  TFILE_TRY(expect_split_value(part, kSplitNo, no - 1, "its name"));
  TFILE_TRY(expect_split_value(part, kSplitCount, name.count, "its name"));
  TFILE_TRY(expect_split_value(part, kSplitTensors, total, "the part that was named"));
  for (const Member &member : part.listing.members)
    TFILE_TRY(adopt_member(file, member, static_cast<size_t>(no - 1)));
  if (no > 1) return kOk;
  for (const DictEntry *value : part.listing.metadata->entries) {
    const bool split =
        value->key == Text(kSplitNo) || value->key == Text(kSplitCount) || value->key == Text(kSplitTensors);
    if (!split) TFILE_TRY(file.listing.metadata->set_value(value->key, *value));
  }
  return kOk;
}

}  // namespace

Status open_split(Ref<OpenedFile> &file) {
  const Dict &metadata = *file->listing.metadata;
  if (file->format->id != TF_FORMAT_GGUF || metadata.find(kSplitCount) == nullptr) return kOk;
  SplitName name;
  if (!name.parse(file->source->label) || name.no == 0 || name.no > name.count) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitCount)
           << "the file is a part of several, but its name does not end in -NNNNN-of-NNNNN.gguf";
  }
  const int64_t total = split_value(metadata, kSplitTensors);
  if (total < 0) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitTensors)
           << "a part of several files should say how many arrays they have together";
  }
  Ref<OpenedFile> set;
  TFILE_TRY(new_set(set, file->source, file->format, file->settings));
  Vec<char> path(set->settings.memory());
  for (uint64_t no = 1; no <= name.count; ++no) {
    Ref<OpenedFile> part;
    TFILE_TRY(part_path(&path, name.prefix, no, name.count, ".gguf"));
    TFILE_TRY(open_part(part, *set, path.data()));
    TFILE_TRY(adopt_split(*set, *part, name, no, static_cast<uint64_t>(total)));
  }
  if (set->listing.members.size() != static_cast<uint64_t>(total)) {
    return Failure(TF_STATUS_CORRUPT).in(file->source->label).key(kSplitTensors)
           << "the parts should have " << total << " arrays together, and have "
           << static_cast<uint64_t>(set->listing.members.size());
  }
  file = std::move(set);
  return kOk;
}

namespace {

// Where each part of a save begins: an array that would exceed the limit begins the next part.
Status cut(Vec<size_t> *starts, Span<const NamedArray> arrays, uint64_t limit) {
  uint64_t filled = 0;
  TFILE_TRY(starts->push(0));
  for (size_t i = 0; i < arrays.size(); ++i) {
    const uint64_t nbytes = arrays[i].array->nbytes;
    if (filled > 0 && (filled >= limit || nbytes > limit - filled)) {
      TFILE_TRY(starts->push(i));
      filled = 0;
    }
    filled += nbytes;
  }
  return starts->push(arrays.size());
}

Status set_integer(Dict &dict, Text key, tf_dtype dtype, uint64_t value) {
  Ref<Array> scalar;
  TFILE_TRY(make_array(scalar, *dict.memory, *find_dtype(dtype), {}));
  if (dtype == TF_DTYPE_UINT16) {
    const auto narrow = static_cast<uint16_t>(value);
    memcpy(scalar->data, &narrow, sizeof(narrow));
  } else {
    const auto wide = static_cast<int32_t>(value);
    memcpy(scalar->data, &wide, sizeof(wide));
  }
  return dict.set_array(key, *scalar);
}

// What a part of a gguf says of itself: the first has all metadata, the others what is needed to read them.
Status split_metadata(Ref<Dict> &out, const SaveRequest &request, size_t no, size_t count) {
  TFILE_TRY(make_dict(out, request.settings.memory()));
  if (request.metadata != nullptr) {
    for (const DictEntry *entry : request.metadata->entries) {
      if (no == 0 || entry->key == Text("general.alignment")) TFILE_TRY(out->set_value(entry->key, *entry));
    }
  }
  TFILE_TRY(set_integer(*out, kSplitNo, TF_DTYPE_UINT16, no));
  TFILE_TRY(set_integer(*out, kSplitCount, TF_DTYPE_UINT16, count));
  return set_integer(*out, kSplitTensors, TF_DTYPE_INT32, request.arrays.size());
}

}  // namespace

Status SetPlan::make(const char *path, const Format &format, const SaveRequest &request) {
  format_ = &format;
  request_ = &request;
  TFILE_TRY(whole_.append(path, strlen(path) + 1));
  const bool has_parts = format.id == TF_FORMAT_SAFETENSORS || format.id == TF_FORMAT_GGUF;
  if (!has_parts || request.settings.get(TF_OPTION_PART_BYTES) == 0) {
    TFILE_TRY(starts_.push(0));
    return starts_.push(request.arrays.size());
  }
  TFILE_TRY(cut(&starts_, request.arrays, request.settings.limit(TF_OPTION_PART_BYTES)));
  const uint64_t most = format.id == TF_FORMAT_GGUF ? kMostSplits : kMostShards;
  if (count() <= most) return kOk;
  return Failure(TF_STATUS_LIMIT).in(Text(path))
         << "would have " << static_cast<uint64_t>(count()) << " parts, and the format can count " << most;
}

Text SetPlan::prefix() const {
  const Text whole(whole_.data());
  const Text extension(format_->extension);
  return whole.first(whole.size() - (whole.ends_with(extension) ? extension.size() : 0));
}

Status SetPlan::path(Vec<char> *out, size_t part) const {
  if (count() == 1) return join(out, Text(whole_.data()), Text(), Text());
  return part_path(out, prefix(), part + 1, count(), format_->extension);
}

Status SetPlan::metadata(const Dict **out, Ref<Dict> *made, size_t part) const {
  *out = request_->metadata;
  if (count() == 1 || format_->id != TF_FORMAT_GGUF) return kOk;
  TFILE_TRY(split_metadata(*made, *request_, part, count()));
  *out = made->get();
  return kOk;
}

// As Python's json.dumps(indent=2, sort_keys=True) writes it, which is how such files look everywhere.
Status SetPlan::make_index(Vec<char> *text) const {
  struct Row {
    Text name;
    size_t part;
  };
  Vec<Row> rows(request_->settings.memory());
  uint64_t total = 0;
  for (size_t part = 0; part < count(); ++part) {
    for (const NamedArray &named : arrays(part)) {
      TFILE_TRY(rows.push(Row{named.name, part}));
      total += named.array->nbytes;
    }
  }
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) { return compare(a.name, b.name) < 0; });
  const Text file_prefix(prefix().from(folder_of(prefix()).size()));
  JsonText json(text);
  Vec<char> file(request_->settings.memory());
  TFILE_TRY(json.put("{\n  \"metadata\": {\n    \"total_size\": "));
  TFILE_TRY(json.number(total));
  TFILE_TRY(json.put("\n  },\n  \"weight_map\": {"));
  for (size_t i = 0; i < rows.size(); ++i) {
    TFILE_TRY(json.put(i == 0 ? "\n    " : ",\n    "));
    TFILE_TRY(json.string(rows[i].name));
    TFILE_TRY(json.put(": "));
    TFILE_TRY(part_path(&file, file_prefix, rows[i].part + 1, count(), format_->extension));
    TFILE_TRY(json.string(Text(file.data(), file.size() - 1)));
  }
  return json.put("\n  }\n}\n");
}

Status SetPlan::save_index() const {
  if (count() == 1 || format_->id != TF_FORMAT_SAFETENSORS) return kOk;
  const Settings &settings = request_->settings;
  Vec<char> path(settings.memory());
  TFILE_TRY(join(&path, prefix(), format_->extension, kIndexSuffix));
  Vec<char> text(settings.memory());
  TFILE_TRY(make_index(&text));
  Replacement replacement(settings.memory());
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, path.data(), settings.on(TF_OPTION_ATOMIC), settings.on(TF_OPTION_DURABLE)));
  Output output(*sink, settings, 0);
  TFILE_TRY(output.write(text.data(), text.size()));
  TFILE_TRY(output.flush());
  return replacement.commit();
}

Status save_whole_or_parts(const char *path, const Format &format, const SaveRequest &request, bool add_extension) {
  SetPlan plan(request.settings.memory());
  TFILE_TRY(plan.make(path, format, request));
  if (plan.count() == 1) return save_to_path(path, format, request, add_extension);
  // All of it, so that what cannot be held is told before the first part is written.
  TFILE_TRY(format.check(request));
  for (size_t part = 0; part < plan.count(); ++part) {
    Vec<char> file(request.settings.memory());
    const Dict *metadata = nullptr;
    Ref<Dict> made;
    TFILE_TRY(plan.path(&file, part));
    TFILE_TRY(plan.metadata(&metadata, &made, part));
    TFILE_TRY(
        save_to_path(file.data(), format, SaveRequest{plan.arrays(part), metadata, false, request.settings}, false));
  }
  return plan.save_index();
}

}  // namespace tfile

// src/api/sink.cpp
using namespace tfile;

namespace {

Status check_new_api_sink(tf_sink **out, tf_write_fn write) {
  TFILE_TRY(require_out(out, "out"));
  return require(reinterpret_cast<const void *>(write), "write");
}

}  // namespace

extern "C" {

tf_status tf_sink_new(tf_sink **out, tf_write_fn write, tf_release_fn release, void *user) {
  if (const Status status = check_new_api_sink(out, write); !status.ok()) return give_up(status, release, user).code;
  Ref<Sink> sink;
  TFILE_API_TRY(make_sink(sink, default_memory(), write, Placement(), release, user));
  sink->foreign = true;
  *out = sink.take();
  return TF_STATUS_OK;
}

tf_sink *tf_sink_retain(tf_sink *sink) {
  if (sink != nullptr) sink->retain();
  return sink;
}

void tf_sink_release(tf_sink *sink) {
  if (sink != nullptr) sink->release();
}

}  // extern "C"

// src/api/source.cpp
using namespace tfile;

namespace {

Status check_new_api_source(tf_source **out, uint64_t size, tf_read_at_fn read_at) {
  TFILE_TRY(require_out(out, "out"));
  TFILE_TRY(require(reinterpret_cast<const void *>(read_at), "read_at"));
  if (Checked(size).valid()) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "the size " << size << " is not below 2^63";
}

Status check_memory(tf_source **out, const void *data, size_t nbytes) {
  TFILE_TRY(require_out(out, "out"));
  return nbytes == 0 ? kOk : require(data, "data");
}

}  // namespace

extern "C" {

tf_status tf_source_new(tf_source **out, uint64_t size, int32_t concurrent, tf_read_at_fn read_at, tf_map_fn map,
                        tf_release_fn release, void *user) {
  if (const Status status = check_new_api_source(out, size, read_at); !status.ok()) return give_up(status, release, user).code;
  Ref<Source> source;
  TFILE_API_TRY(make_source(source, default_memory(), size, concurrent != 0, read_at, map, release, user));
  source->foreign = true;
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_path(tf_source **out, const char *path) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Ref<Source> source;
  TFILE_API_TRY(source_from_path(source, default_memory(), path));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_memory(tf_source **out, const void *data, size_t nbytes, tf_release_fn release, void *user) {
  if (const Status status = check_memory(out, data, nbytes); !status.ok()) return give_up(status, release, user).code;
  Ref<Source> source;
  TFILE_API_TRY(source_from_memory(source, default_memory(), data, nbytes, release, user));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_fd(tf_source **out, int32_t fd, uint64_t offset, uint64_t size) {
  TFILE_API_TRY(require_out(out, "out"));
  Ref<Source> source;
  TFILE_API_TRY(source_from_descriptor(source, default_memory(), fd, offset, size));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_part(tf_source **out, tf_source *whole, uint64_t offset, uint64_t size) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(whole, "whole"));
  Ref<Source> source;
  TFILE_API_TRY(source_from_part(source, default_memory(), *whole, offset, size));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_source *tf_source_retain(tf_source *source) {
  if (source != nullptr) source->retain();
  return source;
}

void tf_source_release(tf_source *source) {
  if (source != nullptr) source->release();
}

}  // extern "C"

// src/api/weights.cpp
namespace tfile {

namespace {

bool holds_weights(const Format *format) {
  return format != nullptr && format->id != TF_FORMAT_NPY;
}

// A tree has as many dicts one in another as a name has parts.
Status check_nesting(Text file, Text name, const Settings &settings) {
  const uint64_t limit = settings.limit(TF_OPTION_MAX_NESTING);
  uint64_t parts = 1;
  for (const char c : name)
    parts += c == '.' ? 1 : 0;
  if (parts <= limit) return kOk;
  return Failure(TF_STATUS_LIMIT).in(file).array(name)
         << "a name of " << parts << " parts is more than the limit (max_nesting) of " << limit;
}

// The names of one list of a comparison, into the message: "2 missing ('a', 'b')".
void tell(Failure &failure, const Dict &report, Text key, const char **separator) {
  constexpr size_t kShown = 8;
  const StringList &names = *report.find(key)->list;
  if (names.size() == 0) return;
  failure << *separator << static_cast<uint64_t>(names.size()) << " " << key << " (";
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    failure << (i > 0 ? ", " : "");
    failure.quoted(names.at(i));
  }
  if (names.size() > kShown) failure << ", and " << static_cast<uint64_t>(names.size() - kShown) << " more";
  failure << ")";
  *separator = ", ";
}

Status check_strictly(const Dict &expected, const Dict &loaded, Text file, Memory &memory) {
  Ref<Dict> report;
  TFILE_TRY(compare_trees(report, memory, expected, loaded));
  Text first;
  for (const Text key : {Text("missing"), Text("unexpected"), Text("shape")}) {
    const StringList &names = *report->find(key)->list;
    if (first.data() == nullptr && names.size() > 0) first = names.at(0);
  }
  if (first.data() == nullptr) return kOk;
  Failure failure(TF_STATUS_MISMATCH);
  failure.in(file) << "the weights are not the expected ones: ";
  const char *separator = "";
  tell(failure, *report, "missing", &separator);
  tell(failure, *report, "unexpected", &separator);
  tell(failure, *report, "shape", &separator);
  failure.about(first);
  return failure;
}

// expected's names, each with the loaded array where there is one.
Status take_known(Ref<Dict> &out, const Dict &expected, const Dict &loaded, Memory &memory) {
  Ref<Dict> flat;
  TFILE_TRY(flatten(flat, memory, expected));
  TFILE_TRY(make_dict(out, memory));
  for (const DictEntry *entry : flat->entries) {
    if (entry->kind != TF_KIND_ARRAY) continue;
    const DictEntry *found = loaded.find(entry->key);
    TFILE_TRY(out->set_array(entry->key, found != nullptr ? *found->array : *entry->array));
  }
  return kOk;
}

Status load_weights(Ref<Dict> &tree, const char *path, const Dict *expected, const Settings &settings) {
  Ref<OpenedFile> file;
  TFILE_TRY(open_path(file, path, settings));
  if (!holds_weights(file->format)) {
    return Failure(TF_STATUS_FORMAT).in(path)
           << "weights are in npz, safetensors or gguf; this is " << file->format->name;
  }
  for (const Member &member : file->listing.members)
    TFILE_TRY(check_nesting(path, member.name, settings));
  tf_dict *arrays = nullptr;
  TFILE_TRY(load_file(nullptr, &arrays, nullptr, *file));
  Ref<Dict> loaded = Ref<Dict>::adopt(arrays);
  Memory &memory = settings.memory();
  if (expected != nullptr && settings.on(TF_OPTION_STRICT)) {
    TFILE_TRY(check_strictly(*expected, *loaded, path, memory));
  } else if (expected != nullptr) {
    TFILE_TRY(take_known(loaded, *expected, *Ref<Dict>(loaded), memory));
  }
  return unflatten(tree, memory, *loaded);
}

Status save_weights(const char *path, const Dict &tree, const Settings &settings) {
  const Format *format = format_of_path(path);
  const bool named = format != nullptr;
  if (!named) format = find_format(static_cast<tf_format>(settings.get(TF_OPTION_FORMAT)));
  if (!holds_weights(format)) {
    return Failure(TF_STATUS_FORMAT).in(path)
           << "weights are saved as .npz, .safetensors or .gguf, and the extension names none of them";
  }
  Ref<Dict> flat;
  TFILE_TRY(flatten(flat, settings.memory(), tree));
  Vec<NamedArray> arrays(settings.memory());
  TFILE_TRY(collect_arrays(&arrays, *flat));
  for (const NamedArray &named : arrays)
    TFILE_TRY(check_nesting(path, named.name, settings));
  const SaveRequest request{arrays.span(), nullptr, settings.on(TF_OPTION_COMPRESS), settings};
  return save_whole_or_parts(path, *format, request, !named);
}

}  // namespace

}  // namespace tfile

using namespace tfile;

extern "C" {

tf_status tf_load_weights(tf_dict **tree, const char *path, const tf_dict *expected, const tf_options *options) {
  TFILE_API_TRY(require_out(tree, "tree"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> loaded;
  TFILE_API_TRY(load_weights(loaded, path, expected, settings));
  *tree = loaded.take();
  return TF_STATUS_OK;
}

tf_status tf_save_weights(const char *path, const tf_dict *tree, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(tree, "tree"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_weights(path, *tree, settings).code;
}

}  // extern "C"

// src/api/wrap.cpp
namespace tfile {

Status Form::read(tf_dtype id, const int64_t *sizes, size_t ndim) {
  TFILE_TRY(require_span(&shape, sizes, ndim, "shape"));
  TFILE_TRY(check_shape(&nbytes, id, shape));
  dtype = find_dtype(id);
  return kOk;
}

namespace {

// Adds (size - 1) * stride to the reach on its side of the first element. False when it is out of range.
bool extend(int64_t *above, int64_t *below, int64_t size, int64_t stride) {
  int64_t reach = 0;
  if (__builtin_mul_overflow(size - 1, stride, &reach)) return false;
  int64_t *const side = reach < 0 ? below : above;
  return !__builtin_add_overflow(*side, reach, side);
}

}  // namespace

Status reach_of(uint64_t *nbytes, const Form &form, const int64_t *strides, const void *data) {
  const bool empty = form.nbytes == 0;
  if (!empty) TFILE_TRY(require(data, "data"));
  const size_t alignment = form.dtype->alignment();
  if (reinterpret_cast<uintptr_t>(data) % alignment != 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "data of " << form.dtype->name << " must be aligned to " << static_cast<uint64_t>(alignment) << " bytes";
  }
  *nbytes = form.nbytes;
  if (strides == nullptr) return kOk;
  if (!form.dtype->addressable()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << form.dtype->name << " takes no strides";
  }
  int64_t above = 0;
  int64_t below = 0;
  for (size_t i = 0; i < form.shape.size() && !empty; ++i) {
    if (form.shape[i] > 1 && strides[i] % static_cast<int64_t>(alignment) != 0) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "stride " << strides[i] << " of axis " << static_cast<uint64_t>(i)
                                                 << " is not a multiple of " << static_cast<uint64_t>(alignment);
    }
    if (!extend(&above, &below, form.shape[i], strides[i])) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "the strides reach 2^63 bytes or more";
    }
  }
  *nbytes = empty ? 0 : static_cast<uint64_t>(above) + form.dtype->block_bytes;
  return kOk;
}

namespace {

// The address of an empty array whose caller has none; nothing is ever read or written there.
alignas(kDataAlignment) constexpr char kNoData[1] = {};

}  // namespace

Status wrap(tf_array **out, const Form &form, const int64_t *strides, const Foreign &memory, PendingRelease &release,
            void *user) {
  uint64_t needed = 0;
  TFILE_TRY(reach_of(&needed, form, strides, memory.data));
  if (needed > memory.nbytes) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "the array reaches " << needed << " bytes, there are " << memory.nbytes;
  }
  void *const data = memory.data == nullptr ? const_cast<char *>(kNoData) : memory.data;
  Ref<Buffer> buffer;
  TFILE_TRY(wrap_buffer(buffer, default_memory(), data, static_cast<size_t>(memory.nbytes), memory.writable,
                        release.hand_over(), user));
  Ref<Array> array;
  TFILE_TRY(make_array(array, default_memory(), *form.dtype, form.shape, strides, std::move(buffer),
                       static_cast<char *>(data)));
  *out = array.take();
  return kOk;
}

}  // namespace tfile

// src/api/writer.cpp
using namespace tfile;

namespace {

// One file of those that are written; its arrays are in no other.
struct Part {
  Part(Memory &memory, Span<const NamedArray> arrays, const Settings &settings)
      : replacement(memory), request{arrays, nullptr, settings.on(TF_OPTION_COMPRESS), settings} {}

  Replacement replacement;
  Ref<Sink> sink;  // the caller's, or that of the replacement
  Ref<Dict> metadata;
  SaveRequest request;
};

}  // namespace

// What tf_writer is: the declarations, and from the first byte on the parts, the last of which the stream writes.
struct tf_writer {
  tf_writer(const Settings &from, const Format &to)
      : settings(from),
        memory(Ref<Memory>::share(&settings.memory())),
        format(to),
        names(*memory),
        arrays(*memory),
        index(*memory, name_at, this),
        path(*memory),
        plan(*memory),
        parts(*memory) {}
  tf_writer(const tf_writer &) = delete;
  tf_writer &operator=(const tf_writer &) = delete;
  ~tf_writer() {
    drop_stream();
    for (Part *part : parts)
      destroy(*memory, part);
    for (const NamedArray &named : arrays)
      const_cast<Array *>(named.array)->release();
  }

  void retain() { refs.increment(); }
  void release() {
    if (!refs.decrement()) return;
    const Ref<Memory> from = memory;
    destroy(*from, this);
  }

  Status declare(Text name, tf_dtype dtype, Span<const int64_t> shape);
  Status set_metadata(const Dict *values);
  Status write(const void *bytes, size_t nbytes);
  Status finish();

 private:
  enum class State : uint8_t { kDeclaring, kWriting, kFailed, kFinished };

  static Text name_at(const void *owner, size_t place) {
    return static_cast<const tf_writer *>(owner)->arrays[place].name;
  }
  Text label() const { return path.empty() ? Text() : Text(path.data()); }
  Status expect_declaring(const char *what) const;
  Status expect_open() const;
  Status begin();
  Status begin_part();
  Status write_parts(Bytes bytes);
  Status commit();
  Status check_count(size_t nbytes) const;
  void drop_stream() {
    if (stream != nullptr) destroy(*memory, stream);
    stream = nullptr;
  }
  // Of all arrays, the one that the next byte belongs to; their number when none is left.
  size_t current() const { return state == State::kWriting ? plan.first(parts.size() - 1) + stream->current() : 0; }
  // Notes that what was written is not what it should be, and that nothing more can be.
  Status note(Status status) {
    if (!status.ok()) state = State::kFailed;
    return status;
  }

 public:
  RefCount refs;
  Settings settings;
  Ref<Memory> memory;
  const Format &format;
  Ref<Sink> sink;  // the caller's, if there is one

 private:
  Arena names;
  Vec<NamedArray> arrays;  // without data, each with a reference of ours
  NameIndex index;
  Ref<Dict> metadata;

 public:
  Vec<char> path;  // NUL-terminated; empty: to the caller's sink

 private:
  SaveRequest request{{}, nullptr, false, settings};  // of all parts
  SetPlan plan;
  Vec<Part *> parts;
  StreamWriter *stream = nullptr;  // of the last part
  State state = State::kDeclaring;
};

Status tf_writer::expect_open() const {
  if (state == State::kFinished) return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << "the writer is finished";
  if (state != State::kFailed) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << "the writer has failed before, and can only be released";
}

Status tf_writer::expect_declaring(const char *what) const {
  TFILE_TRY(expect_open());
  if (state == State::kDeclaring) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << what << " come before the first byte of data";
}

Status tf_writer::declare(Text name, tf_dtype dtype, Span<const int64_t> shape) {
  TFILE_TRY(expect_declaring("declarations"));
  uint64_t nbytes = 0;
  TFILE_TRY(check_shape(&nbytes, dtype, shape));
  if (format.id == TF_FORMAT_NPY && !arrays.empty()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).array(name) << "npy holds one array, and it is declared";
  }
  NamedArray named{Text(), nullptr};
  TFILE_TRY(names.copy(&named.name, name));
  Ref<Array> array;
  TFILE_TRY(make_array(array, *memory, *find_dtype(dtype), shape, nullptr, Ref<Buffer>(), nullptr));
  named.array = array.get();
  TFILE_TRY(arrays.push(named));
  size_t found = NameIndex::kNone;
  const Status status = index.add(&found, named.name);
  if (status.ok() && found == NameIndex::kNone) {
    (void)array.take();
    return kOk;
  }
  arrays.pop();
  TFILE_TRY(status);
  return Failure(TF_STATUS_DUPLICATE).array(name) << "is declared twice";
}

Status tf_writer::set_metadata(const Dict *values) {
  TFILE_TRY(expect_declaring("metadata"));
  if (values != nullptr && !format.has_metadata) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << format.name << " has no metadata: it must be NULL";
  }
  metadata = Ref<Dict>::share(const_cast<Dict *>(values));
  return kOk;
}

// Checks all that was declared; only then the target is touched.
Status tf_writer::begin() {
  if (state == State::kWriting) return kOk;
  if (format.id == TF_FORMAT_NPY && arrays.empty()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << "npy holds one array, and none is declared";
  }
  request.arrays = arrays.span();
  request.metadata = metadata.get();
  request.compress = settings.on(TF_OPTION_COMPRESS);
  TFILE_TRY(check_request(format, request));
  TFILE_TRY(note(plan.make(path.empty() ? "" : path.data(), format, request)));
  TFILE_TRY(note(begin_part()));
  state = State::kWriting;
  return note(write_parts(Bytes()));
}

// Begins the file behind those that there are.
Status tf_writer::begin_part() {
  const size_t place = parts.size();
  Part *part = nullptr;
  TFILE_TRY(parts.reserve(place + 1));
  TFILE_TRY(make(&part, *memory, *memory, plan.arrays(place), settings));
  TFILE_TRY(parts.push(part));
  TFILE_TRY(plan.metadata(&part->request.metadata, &part->metadata, place));
  if (path.empty()) {
    part->sink = sink;
  } else {
    Vec<char> file(*memory);
    TFILE_TRY(plan.path(&file, place));
    const bool atomic = settings.on(TF_OPTION_ATOMIC);
    TFILE_TRY(part->replacement.begin(part->sink, file.data(), atomic, settings.on(TF_OPTION_DURABLE)));
  }
  part->request.forward = part->sink->placement.put == nullptr;
  drop_stream();
  TFILE_TRY(make(&stream, *memory, *memory));
  return stream->begin(*part->sink, format, part->request);
}

// Writes the next bytes of all arrays, and goes on to the next part where one has all of its own.
Status tf_writer::write_parts(Bytes bytes) {
  for (;;) {
    TFILE_TRY(stream->write(&bytes));
    if (stream->wants() || parts.size() == plan.count()) return kOk;
    TFILE_TRY(stream->finish());
    TFILE_TRY(begin_part());
  }
}

Status tf_writer::check_count(size_t nbytes) const {
  uint64_t left = 0;
  size_t next = current();
  if (state == State::kWriting && stream->wants()) {
    left = stream->missing();
    ++next;
  }
  for (; next < arrays.size() && left < nbytes; ++next)
    left += arrays[next].array->nbytes;
  if (left >= nbytes) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()) << static_cast<uint64_t>(nbytes) << " bytes are more than the "
                                                         << left << " that the arrays declared still lack";
}

Status tf_writer::write(const void *bytes, size_t nbytes) {
  TFILE_TRY(expect_open());
  if (nbytes > 0) TFILE_TRY(require(bytes, "src"));
  TFILE_TRY(check_count(nbytes));
  TFILE_TRY(begin());
  return note(write_parts(Bytes(static_cast<const uint8_t *>(bytes), nbytes)));
}

Status tf_writer::finish() {
  TFILE_TRY(expect_open());
  TFILE_TRY(begin());
  if (stream->wants()) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).in(label()).array(arrays[current()].name)
           << stream->missing() << " bytes of its data are missing";
  }
  TFILE_TRY(note(stream->finish()));
  if (!path.empty()) TFILE_TRY(note(commit()));
  state = State::kFinished;
  return kOk;
}

Status tf_writer::commit() {
  for (Part *part : parts)
    TFILE_TRY(part->replacement.commit());
  return plan.save_index();
}

namespace {

// The format that is asked for, or that of the option, or that of the path's extension.
Status choose_format(const Format **out, tf_format asked, const char *path, const Settings &settings) {
  tf_format id = asked != TF_FORMAT_AUTO ? asked : static_cast<tf_format>(settings.get(TF_OPTION_FORMAT));
  if (id == TF_FORMAT_AUTO && path != nullptr) {
    *out = format_of_path(path);
    if (*out != nullptr) return kOk;
  }
  return require_format(out, id);
}

Status open_writer(Ref<tf_writer> &out, const char *path, tf_sink *sink, tf_format id, const tf_options *options) {
  Settings settings;
  TFILE_TRY(settings_of(settings, options));
  const Format *format = nullptr;
  TFILE_TRY(choose_format(&format, id, path, settings));
  tf_writer *writer = nullptr;
  TFILE_TRY(make(&writer, settings.memory(), settings, *format));
  out = Ref<tf_writer>::adopt(writer);
  writer->sink = Ref<Sink>::share(sink);
  return path != nullptr ? complete_path(&writer->path, path, *format, settings) : kOk;
}

}  // namespace

extern "C" {

tf_status tf_writer_open(tf_writer **out, const char *path, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Ref<tf_writer> writer;
  TFILE_API_TRY(open_writer(writer, path, nullptr, format, options));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_status tf_writer_open_sink(tf_writer **out, tf_sink *sink, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(sink, "sink"));
  Ref<tf_writer> writer;
  TFILE_API_TRY(open_writer(writer, nullptr, sink, format, options));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_status tf_writer_declare(tf_writer *writer, const char *name, size_t length, tf_dtype dtype, const int64_t *shape,
                            size_t ndim) {
  TFILE_API_TRY(require(writer, "writer"));
  Text text;
  TFILE_API_TRY(require_text(&text, name, length, "name"));
  Span<const int64_t> sizes;
  TFILE_API_TRY(require_span(&sizes, shape, ndim, "shape"));
  return writer->declare(text, dtype, sizes).code;
}

tf_status tf_writer_set_metadata(tf_writer *writer, const tf_dict *metadata) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->set_metadata(metadata).code;
}

tf_status tf_writer_write(tf_writer *writer, const void *src, size_t nbytes) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->write(src, nbytes).code;
}

tf_status tf_writer_finish(tf_writer *writer) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->finish().code;
}

tf_writer *tf_writer_retain(tf_writer *writer) {
  if (writer != nullptr) writer->retain();
  return writer;
}

void tf_writer_release(tf_writer *writer) {
  if (writer != nullptr) writer->release();
}

}  // extern "C"
