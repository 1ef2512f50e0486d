// Declarations: names, dtypes and shapes of arrays whose data does not exist yet.
#pragma once

#include "format/format.h"

namespace tfile {

class Declarations {
 public:
  explicit Declarations(Memory &memory) : names_(memory), arrays_(memory), index_(memory, name_at, this) {}
  Declarations(const Declarations &) = delete;
  Declarations &operator=(const Declarations &) = delete;
  ~Declarations();

  // Declares the next array. Fails with DUPLICATE if the name is declared, and with INVALID_ARGUMENT if the format
  // holds one array and has it.
  Status add(const Format &format, Text name, tf_dtype dtype, Span<const int64_t> shape);
  // Removes the last declarations until `count` remain.
  void truncate(size_t count);
  // Returns the arrays, which have no data, in the order of their declarations.
  Span<const NamedArray> arrays() const { return arrays_.span(); }

 private:
  static Text name_at(const void *owner, size_t i) { return static_cast<const Declarations *>(owner)->arrays_[i].name; }

  Arena names_;
  Vec<NamedArray> arrays_;  // each with a reference
  NameIndex index_;
};

}  // namespace tfile
