#include "api/arguments.h"
#include "file/open.h"
#include "quant/cast.h"
#include "quant/mlx.h"
#include "transfer/read_member.h"

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
  TFILE_TRY(read_region(blocks, file.stored(member), Region::whole(member)));
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
  explicit Maker(const OpenedFile &file) : file_(file), allocator_(file.settings.memory(), cost_of(file)) {}

  Status make(Ref<Array> &out, const Member &member, const Dtype &dtype) {
    if (slab_array_cost(dtype, member.shape) == 0) {
      return make_array(out, file_.settings.memory(), dtype, member.shape);
    }
    return make_array(out, allocator_, dtype, member.shape);
  }

 private:
  static uint64_t cost_of(const OpenedFile &file) {
    uint64_t cost = 0;
    for (const Member &member : file.listing.members) {
      if (member.dtype != nullptr) cost += slab_array_cost(loaded_dtype(member, file.settings), member.shape);
    }
    return cost;
  }

  const OpenedFile &file_;
  SlabAllocator allocator_;
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

}  // namespace

Status load_file(tf_array **array, tf_dict **arrays, tf_dict **metadata, const OpenedFile &file) {
  const bool single = file.format->single_array;
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
