// The owning handles of tensorfile.hpp, selected by the C type. Tests create them with the C functions, so that they can
// check the statuses of calls that fail.
#pragma once

#include "tensorfile.hpp"

namespace tfile::testing {

template <typename T>
struct Owner;
template <>
struct Owner<tf_array> {
  using type = tensorfile::Array;
};
template <>
struct Owner<tf_dict> {
  using type = tensorfile::Dict;
};
template <>
struct Owner<tf_file> {
  using type = tensorfile::File;
};
template <>
struct Owner<tf_buffer> {
  using type = tensorfile::Buffer;
};
template <>
struct Owner<tf_options> {
  using type = tensorfile::Options;
};
template <>
struct Owner<tf_source> {
  using type = tensorfile::Source;
};
template <>
struct Owner<tf_sink> {
  using type = tensorfile::Sink;
};
// Types for which the tests need only the pointer.
template <typename T, void (*release)(T *)>
struct PointerOwner {
  struct Release {
    void operator()(T *object) const { release(object); }
  };
  using type = std::unique_ptr<T, Release>;
};
template <>
struct Owner<tf_read_plan> : PointerOwner<tf_read_plan, tf_read_plan_release> {};
template <>
struct Owner<tf_writer> : PointerOwner<tf_writer, tf_writer_release> {};
template <>
struct Owner<tf_part_plan> : PointerOwner<tf_part_plan, tf_part_plan_release> {};
template <>
struct Owner<tf_edit> : PointerOwner<tf_edit, tf_edit_release> {};
template <>
struct Owner<tf_quant_plan> : PointerOwner<tf_quant_plan, tf_quant_plan_release> {};

template <typename T>
using Handle = typename Owner<T>::type;

}  // namespace tfile::testing
