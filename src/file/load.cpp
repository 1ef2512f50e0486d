#include "file/load.h"

#include "file/load_mlx.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

// Fails with one error that names all arrays of unknown types, unless the settings skip such arrays.
Status check_all_known(const OpenedFile &file, Span<const size_t> indices) {
  if (file.settings.on(TF_OPTION_SKIP_UNSUPPORTED)) return kOk;
  Refusals refusals;
  for (const size_t index : indices) {
    const Member &member = file.listing.members[index];
    if (member.dtype == nullptr) refusals.add(member.name) << member.reason;
  }
  return refusals.result(TF_STATUS_UNSUPPORTED, file.source->label,
                         "arrays that cannot be read (TF_OPTION_SKIP_UNSUPPORTED leaves them out)");
}

// Makes the arrays to read into. Small arrays share slabs; each of the others has its own allocation.
class ArrayMaker {
 public:
  ArrayMaker(const OpenedFile &file, Span<const size_t> indices)
      : file_(file), allocator_(file.settings.memory(), cost_of(file, indices)) {}

  Status make(Ref<Array> &out, const Member &member, const Dtype &dtype) {
    if (slab_array_cost(dtype, member.shape) == 0) {
      return make_array(out, file_.settings.memory(), dtype, member.shape);
    }
    return make_array(out, allocator_, dtype, member.shape);
  }

 private:
  static uint64_t cost_of(const OpenedFile &file, Span<const size_t> indices) {
    uint64_t cost = 0;
    for (const size_t index : indices) {
      const Member &member = file.listing.members[index];
      if (member.dtype != nullptr) cost += slab_array_cost(loaded_dtype(member, file.settings), member.shape);
    }
    return cost;
  }

  const OpenedFile &file_;
  SlabAllocator allocator_;
};

Status all_indices(Vec<size_t> *out, const OpenedFile &file) {
  const size_t count = file.listing.members.size();
  TFILE_TRY(out->resize(count));
  for (size_t i = 0; i < count; ++i)
    (*out)[i] = i;
  return kOk;
}

}  // namespace

// Arrays that are converted for MLX are read one by one, so that the blocks of only one of them are in memory at a
// time.
Status load_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices) {
  TFILE_TRY(check_all_known(file, indices));
  Memory &memory = file.settings.memory();
  const bool map = file.settings.get(TF_OPTION_LOAD_MODE) == TF_LOAD_MODE_MAP;
  ArrayMaker maker(file, indices);
  Vec<ReadTarget> targets(memory);
  TFILE_TRY(arrays.reserve(indices.size()));
  if (!map) TFILE_TRY(targets.reserve(indices.size()));
  for (const size_t index : indices) {
    const Member &member = file.listing.members[index];
    if (member.dtype == nullptr) continue;
    if (loads_for_mlx(file, member)) {
      TFILE_TRY(load_for_mlx(arrays, file, member));
      continue;
    }
    Ref<Array> array;
    const Dtype &dtype = loaded_dtype(member, file.settings);
    if (map && &dtype == member.dtype) TFILE_TRY(map_member(array, file.source_of(member), member, memory));
    if (!array) {
      TFILE_TRY(maker.make(array, member, dtype));
      TFILE_TRY(targets.push(ReadTarget{&file.source_of(member), &member, array->data, &dtype}));
    }
    TFILE_TRY(arrays.set_array(member.name, *array));
  }
  return read_members(targets, file.settings);
}

Status list_members(Dict &arrays, const OpenedFile &file, Span<const size_t> indices) {
  TFILE_TRY(check_all_known(file, indices));
  TFILE_TRY(arrays.reserve(indices.size()));
  for (const size_t index : indices) {
    const Member &member = file.listing.members[index];
    if (member.dtype == nullptr) continue;
    if (loads_for_mlx(file, member)) {
      TFILE_TRY(list_for_mlx(arrays, file, member));
    } else {
      TFILE_TRY(add_listed(arrays, member.name, loaded_dtype(member, file.settings), member.shape));
    }
  }
  return kOk;
}

Status load_file(const LoadOutputs &out, const OpenedFile &file) {
  Memory &memory = file.settings.memory();
  const bool wants_single = file.format->single_array && out.array != nullptr;
  Ref<Dict> arrays;
  TFILE_TRY(make_dict(arrays, memory));
  if (out.arrays != nullptr || wants_single) {
    Vec<size_t> indices(memory);
    TFILE_TRY(all_indices(&indices, file));
    TFILE_TRY(load_members(*arrays, file, indices.span()));
  }
  if (wants_single && arrays->size() == 1) {
    *out.array = Ref<Array>::share(arrays->at(0).array).take();
    arrays->remove(Text());
  }
  if (out.arrays != nullptr) *out.arrays = arrays.take();
  if (out.metadata != nullptr) *out.metadata = Ref<Dict>(file.listing.metadata).take();
  return kOk;
}

}  // namespace tfile
