#include "file/load_mlx.h"

#include "quant/cast.h"
#include "quant/mlx.h"

namespace tfile {

namespace {

// Adds an array that was derived from another one. Fails with DUPLICATE if an array in the file has the same name.
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

// Returns the name of an array without ".weight" at its end. The suffixes of the scales and biases are appended to it.
Text stem_of(Text name) {
  constexpr char kSuffix[] = ".weight";
  return name.first(name.size() - (name.ends_with(kSuffix) ? sizeof(kSuffix) - 1 : 0));
}

Status add_triple(Dict &arrays, const OpenedFile &file, Text name, const MlxTriple &triple) {
  TFILE_TRY(arrays.set_array(name, *triple.codes));
  TFILE_TRY(add_derived(arrays, file, stem_of(name), ".scales", *triple.scales));
  return add_derived(arrays, file, stem_of(name), ".biases", *triple.biases);
}

Status make_listed(Ref<Array> &out, Memory &memory, tf_dtype dtype, Span<const int64_t> shape) {
  return make_array(out, memory, *find_dtype(dtype), shape, nullptr, Ref<Buffer>(), nullptr);
}

}  // namespace

bool loads_for_mlx(const OpenedFile &file, const Member &member) {
  const bool is_block = member.dtype != nullptr && member.dtype->is_block();
  return is_block && file.settings.get(TF_OPTION_DECODE) == TF_DECODE_MLX;
}

Status load_for_mlx(Dict &arrays, const OpenedFile &file, const Member &member) {
  Ref<Array> blocks;
  TFILE_TRY(read_region(blocks, file.stored(member), Region::whole(member)));
  if (!has_mlx_triple(*member.dtype)) {
    Ref<Array> half;
    TFILE_TRY(cast(half, *blocks, *find_dtype(TF_DTYPE_FLOAT16), file.settings));
    return arrays.set_array(member.name, *half);
  }
  MlxTriple triple;
  TFILE_TRY(make_mlx_triple(&triple, file.settings.memory(), *blocks));
  return add_triple(arrays, file, member.name, triple);
}

Status list_for_mlx(Dict &arrays, const OpenedFile &file, const Member &member) {
  if (!has_mlx_triple(*member.dtype)) {
    return add_listed(arrays, member.name, *find_dtype(TF_DTYPE_FLOAT16), member.shape);
  }
  Memory &memory = file.settings.memory();
  const MlxShapes shapes = mlx_shapes(*member.dtype, member.shape);
  const Span<const int64_t> groups(shapes.groups, shapes.ndim);
  MlxTriple triple;
  TFILE_TRY(make_listed(triple.codes, memory, TF_DTYPE_UINT32, Span(shapes.codes, shapes.ndim)));
  TFILE_TRY(make_listed(triple.scales, memory, TF_DTYPE_FLOAT16, groups));
  TFILE_TRY(make_listed(triple.biases, memory, TF_DTYPE_FLOAT16, groups));
  return add_triple(arrays, file, member.name, triple);
}

Status add_listed(Dict &arrays, Text name, const Dtype &dtype, Span<const int64_t> shape) {
  Ref<Array> array;
  TFILE_TRY(make_listed(array, *arrays.memory, dtype.id, shape));
  return arrays.set_array(name, *array);
}

}  // namespace tfile
