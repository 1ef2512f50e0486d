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
template <>
struct Owner<tf_read_plan> {
  using type = tensorfile::ReadPlan;
};
template <>
struct Owner<tf_writer> {
  using type = tensorfile::Writer;
};
template <>
struct Owner<tf_part_plan> {
  using type = tensorfile::PartPlan;
};
template <>
struct Owner<tf_edit> {
  using type = tensorfile::Edit;
};
template <>
struct Owner<tf_quant_plan> {
  using type = tensorfile::QuantPlan;
};

template <typename T>
using Handle = typename Owner<T>::type;

}  // namespace tfile::testing
