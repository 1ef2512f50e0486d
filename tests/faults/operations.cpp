#include "faults/operations.h"

#include <fcntl.h>
#include <unistd.h>

namespace tfile::faults {

namespace {

using testing::dict_of;
using testing::made;
using testing::new_dict;
using testing::options_with;
using testing::random_array;
using testing::same;

// Releases the object that make(T **) makes, and returns the status.
template <typename T, typename Make>
tf_status make_and_release(Make make) {
  T *raw = nullptr;
  const tf_status status = make(&raw);
  EXPECT_EQ(raw != nullptr, status == TF_STATUS_OK);
  Handle<T> handle(raw);
  return status;
}

tf_status load(const std::string &path, const tf_options *options) {
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  const tf_status status = tf_load(&array, &arrays, &metadata, path.c_str(), options);
  EXPECT_EQ(arrays != nullptr, status == TF_STATUS_OK);
  tf_array_release(array);
  tf_dict_release(arrays);
  tf_dict_release(metadata);
  return status;
}

// Calls run() with one option changed.
template <typename Run>
tf_status with(const tf_options *options, tf_option option, int64_t value, Run run) {
  // The options belong to the test, and no other thread uses them now.
  auto *const own = const_cast<tf_options *>(options);
  int64_t before = 0;
  EXPECT_EQ(tf_options_get(&before, own, option), TF_STATUS_OK);
  EXPECT_EQ(tf_options_set(own, option, value), TF_STATUS_OK);
  const tf_status status = run(own);
  EXPECT_EQ(tf_options_set(own, option, before), TF_STATUS_OK);
  return status;
}

tf_status list_and_read(const std::string &path, const tf_options *options) {
  tf_file *raw = nullptr;
  tf_status status = tf_file_open(&raw, path.c_str(), options);
  const Handle<tf_file> file(raw);
  for (size_t i = 0; status == TF_STATUS_OK && i < tf_file_count(raw); ++i) {
    status = make_and_release<tf_array>([&](tf_array **out) { return tf_file_read(out, raw, i); });
    if (status != TF_STATUS_OK || tf_file_ndim(raw, i) != 2) continue;
    const int64_t start[] = {1, 0};
    status = make_and_release<tf_array>(
        [&](tf_array **out) { return tf_file_read_slice(out, raw, i, start, nullptr, nullptr, 2); });
  }
  if (status != TF_STATUS_OK) return status;
  status = make_and_release<tf_buffer>([&](tf_buffer **out) { return tf_file_listing(out, raw); });
  if (status != TF_STATUS_OK) return status;
  return make_and_release<tf_dict>([&](tf_dict **out) { return tf_dict_copy(out, tf_file_metadata(raw)); });
}

// Fills a new dict, so that those of the test do not change.
tf_status fill_dict(const World &world) {
  tf_dict *raw = nullptr;
  tf_status status = tf_dict_new(&raw);
  const Handle<tf_dict> dict(raw);
  for (int i = 0; status == TF_STATUS_OK && i < 40; ++i) {
    const std::string key = "key" + std::to_string(i);
    const size_t before = tf_dict_size(raw);
    switch (i % 5) {
      case 0:
        status = tf_dict_set_array(raw, key.c_str(), SIZE_MAX, world.matrix.get());
        break;
      case 1:
        status = tf_dict_set_string(raw, key.c_str(), SIZE_MAX, "text", SIZE_MAX);
        break;
      case 2:
        status = tf_dict_set_int64(raw, key.c_str(), SIZE_MAX, i);
        break;
      case 3:
        status = tf_dict_set_dict(raw, key.c_str(), SIZE_MAX, world.arrays.get());
        break;
      default:
        status = tf_dict_set_string_list(raw, key.c_str(), SIZE_MAX);
        if (status == TF_STATUS_OK) status = tf_dict_string_list_append(raw, key.c_str(), SIZE_MAX, "item", SIZE_MAX);
        if (status != TF_STATUS_OK) return status;
    }
    EXPECT_EQ(tf_dict_size(raw), before + (status == TF_STATUS_OK ? 1 : 0));
  }
  if (status != TF_STATUS_OK) return status;
  return make_and_release<tf_dict>([&](tf_dict **out) { return tf_dict_copy(out, raw); });
}

tf_status equals_its_copy(const tf_dict *dict) {
  tf_dict *raw = nullptr;
  int32_t equal = 0;
  tf_status status = tf_dict_copy(&raw, dict);
  const Handle<tf_dict> copy(raw);
  if (status == TF_STATUS_OK) status = tf_dict_equal(&equal, dict, raw);
  EXPECT_EQ(equal, status == TF_STATUS_OK ? 1 : 0);
  return status;
}

tf_status views(const World &world) {
  const int64_t steps[] = {2, -1};
  tf_array *raw = nullptr;
  tf_status status = tf_array_slice(&raw, world.matrix.get(), nullptr, nullptr, steps, 2);
  Handle<tf_array> view(raw);
  if (status != TF_STATUS_OK) return status;
  status = make_and_release<tf_array>([&](tf_array **out) { return tf_array_transpose(out, raw, nullptr, 0); });
  if (status == TF_STATUS_OK)
    status = make_and_release<tf_array>([&](tf_array **out) { return tf_array_contiguous(out, raw); });
  const int64_t flat = -1;
  if (status == TF_STATUS_OK)
    status = make_and_release<tf_array>([&](tf_array **out) { return tf_array_reshape(out, raw, &flat, 1); });
  if (status != TF_STATUS_OK) return status;
  raw = view.release();
  tf_array *const before = raw;
  status = tf_array_make_mut(&raw);
  EXPECT_EQ(raw == before, status != TF_STATUS_OK);
  tf_array_release(raw);
  return status;
}

// Takes ownership of the writer. `status` is the result of opening it.
tf_status write_pieces(tf_writer *writer, tf_status status, const World &world) {
  const tf_array *const array = world.matrix.get();
  if (status == TF_STATUS_OK)
    status =
        tf_writer_declare(writer, "m", SIZE_MAX, tf_array_dtype(array), tf_array_shape(array), tf_array_ndim(array));
  if (status == TF_STATUS_OK) status = tf_writer_write(writer, tf_array_data(array), tf_array_nbytes(array));
  if (status == TF_STATUS_OK) status = tf_writer_finish(writer);
  tf_writer_release(writer);
  return status;
}

tf_status ignore_bytes(void *, const void *, size_t) {
  return TF_STATUS_OK;
}

// Loads from a source that is a part of an open file, like an asset in an archive.
tf_status load_part(const std::string &path, const tf_options *options) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  EXPECT_GE(descriptor, 0);
  tf_source *raw = nullptr;
  tf_status status = tf_source_from_fd(&raw, descriptor, 0, UINT64_MAX);
  (void)::close(descriptor);  // may be the call that the test makes fail
  const Handle<tf_source> whole(raw);
  if (status != TF_STATUS_OK) return status;
  status = tf_source_from_part(&raw, whole.get(), 0, UINT64_MAX);
  if (status != TF_STATUS_OK) return status;
  const Handle<tf_source> part(raw);
  status = tf_source_set_name(raw, "part", SIZE_MAX);
  if (status == TF_STATUS_OK) status = tf_source_set_hints(raw, 0, 0, 0);
  if (status != TF_STATUS_OK) return status;
  return make_and_release<tf_dict>(
      [&](tf_dict **out) { return tf_load_source(nullptr, out, nullptr, raw, TF_FORMAT_AUTO, options); });
}

// Reads all arrays with a plan, and of those with two dimensions also a column into memory with strides.
tf_status run_plan(const tf_file *file, const std::vector<void *> &buffers, const std::vector<size_t> &sizes) {
  tf_read_plan *raw = nullptr;
  tf_status status = tf_read_plan_new(&raw, file);
  if (status != TF_STATUS_OK) return status;
  const Handle<tf_read_plan> plan(raw);
  std::vector<std::vector<double>> columns;
  columns.reserve(buffers.size());
  for (size_t i = 0; status == TF_STATUS_OK && i < buffers.size(); ++i) {
    status = tf_read_plan_add(raw, i, nullptr, nullptr, nullptr, 0, TF_DTYPE_FLOAT64, buffers[i], nullptr, sizes[i]);
    if (status != TF_STATUS_OK || tf_file_ndim(file, i) != 2) continue;
    const int64_t stop[] = {tf_file_shape(file, i)[0], 1};
    const int64_t strides[] = {2 * sizeof(double), sizeof(double)};
    columns.emplace_back(static_cast<size_t>(stop[0]) * 2);
    status = tf_read_plan_add(raw, i, nullptr, stop, nullptr, 2, TF_DTYPE_FLOAT64, columns.back().data(), strides,
                              columns.back().size() * sizeof(double));
  }
  return status == TF_STATUS_OK ? tf_read_plan_run(raw) : status;
}

// Reads into memory of the caller: arrays one by one, slices, and all arrays with a plan.
tf_status read_into(const std::string &path, const tf_options *options) {
  tf_file *raw = nullptr;
  tf_status status = tf_file_open(&raw, path.c_str(), options);
  const Handle<tf_file> file(raw);
  if (status != TF_STATUS_OK) return status;
  const size_t count = tf_file_count(raw);
  std::vector<std::vector<double>> memory(count);
  std::vector<void *> buffers(count);
  std::vector<size_t> sizes(count);
  for (size_t i = 0; status == TF_STATUS_OK && i < count; ++i) {
    memory[i].resize(37 * 23);
    sizes[i] = memory[i].size() * sizeof(double);
    int64_t elements = 1;
    for (size_t d = 0; d < tf_file_ndim(raw, i); ++d)
      elements *= tf_file_shape(raw, i)[d];
    sizes[i] = static_cast<size_t>(elements) * sizeof(double);
    buffers[i] = memory[i].data();
    status = tf_file_read_into(raw, i, TF_DTYPE_FLOAT64, buffers[i], sizes[i]);
    if (status != TF_STATUS_OK || tf_file_ndim(raw, i) != 2) continue;
    const int64_t start[] = {0, 0};
    const int64_t stop[] = {1, tf_file_shape(raw, i)[1]};
    status = tf_file_read_slice_into(raw, i, start, stop, nullptr, 2, TF_DTYPE_FLOAT64, buffers[i],
                                     static_cast<size_t>(stop[1]) * sizeof(double));
  }
  if (status != TF_STATUS_OK) return status;
  return run_plan(raw, buffers, sizes);
}

tf_status exchange_tensors(const World &world) {
  DLManagedTensorVersioned *tensor = nullptr;
  const tf_status status = tf_array_to_dlpack(&tensor, world.half.get());
  EXPECT_EQ(tensor != nullptr, status == TF_STATUS_OK);
  if (status != TF_STATUS_OK) return status;
  return make_and_release<tf_array>([&](tf_array **out) { return tf_array_from_dlpack(out, tensor); });
}

tf_status save_sink(const World &world, const tf_options *options) {
  tf_sink *sink = nullptr;
  tf_status status = tf_sink_new(&sink, ignore_bytes, nullptr, nullptr);
  if (status == TF_STATUS_OK) status = tf_save_sink(sink, TF_FORMAT_NPZ, nullptr, world.arrays.get(), nullptr, options);
  tf_sink_release(sink);
  return status;
}

tf_status make_parts_sink(void *, const char *, tf_sink **out) {
  return tf_sink_new(out, ignore_bytes, nullptr, nullptr);
}

// Saves a set to sinks.
tf_status save_sinks(const World &world, const tf_options *in_parts) {
  tf_sink *sink = nullptr;
  tf_status status = tf_sink_new(&sink, ignore_bytes, nullptr, nullptr);
  if (status == TF_STATUS_OK) {
    status = tf_sink_set_resolver(sink, "w.safetensors", SIZE_MAX, make_parts_sink, nullptr, nullptr);
  }
  if (status == TF_STATUS_OK) {
    status = tf_save_sink(sink, TF_FORMAT_SAFETENSORS, nullptr, world.arrays.get(), nullptr, in_parts);
  }
  tf_sink_release(sink);
  return status;
}

// Plans a set, and writes its index or one of its parts to a path.
tf_status write_planned(const World &world, const char *to, bool index, const tf_options *in_parts) {
  tf_part_plan *plan = nullptr;
  tf_writer *writer = nullptr;
  uint64_t nbytes = 0;
  tf_status status = tf_part_plan_new(&plan, "planned.safetensors", TF_FORMAT_AUTO, in_parts);
  if (status == TF_STATUS_OK) status = tf_part_plan_declare_all(plan, world.arrays.get());
  if (status == TF_STATUS_OK) status = tf_part_plan_set_metadata(plan, world.strings.get());
  if (status == TF_STATUS_OK) status = tf_part_plan_finish(plan);
  if (status == TF_STATUS_OK && index) {
    status = tf_part_plan_save_index(plan, to);
  } else if (status == TF_STATUS_OK) {
    status = tf_part_plan_part(nullptr, nullptr, &nbytes, plan, 1);
    const std::vector<char> zeros(static_cast<size_t>(nbytes));
    if (status == TF_STATUS_OK) status = tf_part_plan_open_part(&writer, plan, 1, to);
    if (status == TF_STATUS_OK) status = tf_writer_write(writer, zeros.data(), zeros.size());
    if (status == TF_STATUS_OK) status = tf_writer_finish(writer);
  }
  tf_writer_release(writer);
  tf_part_plan_release(plan);
  return status;
}

// Makes a file with other names and metadata than an old one, at a path, or in a sink if the path is NULL.
tf_status edit(const std::string &old, const tf_dict *metadata, const char *to, const tf_options *options) {
  tf_file *file = nullptr;
  tf_edit *edit = nullptr;
  tf_sink *sink = nullptr;
  tf_status status = tf_file_open(&file, old.c_str(), options);
  if (status == TF_STATUS_OK) status = tf_edit_new(&edit, file);
  if (status == TF_STATUS_OK) status = tf_edit_rename(edit, 0, "another name", SIZE_MAX);
  if (status == TF_STATUS_OK) status = tf_edit_remove(edit, 1);
  if (status == TF_STATUS_OK) status = tf_edit_set_metadata(edit, metadata);
  if (status == TF_STATUS_OK) status = tf_edit_finish(edit);
  if (status == TF_STATUS_OK && to != nullptr) status = tf_edit_save(edit, to, options);
  if (status == TF_STATUS_OK && to == nullptr) status = tf_sink_new(&sink, ignore_bytes, nullptr, nullptr);
  if (sink != nullptr) status = tf_edit_save_sink(edit, sink, options);
  tf_sink_release(sink);
  tf_edit_release(edit);
  tf_file_release(file);
  return status;
}

tf_status check_source(const std::string &path, const tf_options *options) {
  tf_source *source = nullptr;
  const tf_status status = tf_source_from_path(&source, path.c_str());
  if (status != TF_STATUS_OK) return status;
  const Handle<tf_source> kept(source);
  return make_and_release<tf_dict>(
      [&](tf_dict **out) { return tf_check_source(out, source, TF_FORMAT_AUTO, options); });
}

// Encodes an array with its own elements as weights.
tf_status cast_with_weights(const World &world, const tf_options *options) {
  tf_array *weights = nullptr;
  const tf_status status = tf_array_cast(&weights, world.half.get(), TF_DTYPE_FLOAT32, options);
  if (status != TF_STATUS_OK) return status;
  const Handle<tf_array> kept(weights);
  return make_and_release<tf_array>(
      [&](tf_array **out) { return tf_array_cast_weighted(out, world.half.get(), TF_DTYPE_Q4_K, weights, options); });
}

// Chooses the types of some arrays of a model.
tf_status plan_types(const tf_options *options) {
  const int64_t shape[] = {2, 256};
  tf_dict *metadata = nullptr;
  tf_quant_plan *plan = nullptr;
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;
  tf_status status = tf_dict_new(&metadata);
  if (status == TF_STATUS_OK) {
    status = tf_dict_set_string(metadata, "general.architecture", SIZE_MAX, "llama", SIZE_MAX);
  }
  if (status == TF_STATUS_OK) status = tf_dict_set_int64(metadata, "llama.block_count", SIZE_MAX, 2);
  if (status == TF_STATUS_OK) status = tf_quant_plan_new(&plan, TF_PRESET_Q4_K_M, metadata, options);
  for (int i = 0; status == TF_STATUS_OK && i < 100; ++i) {
    const std::string name = "blk.0.attn_v.weight" + std::to_string(i);
    status = tf_quant_plan_declare(plan, name.data(), name.size(), TF_DTYPE_FLOAT16, shape, 2);
  }
  if (status == TF_STATUS_OK) status = tf_quant_plan_finish(plan);
  if (status == TF_STATUS_OK) status = tf_quant_plan_dtype(&dtype, plan, 99);
  tf_quant_plan_release(plan);
  tf_dict_release(metadata);
  return status;
}

tf_status write_to_sink(const World &world, const tf_options *options) {
  tf_sink *sink = nullptr;
  tf_status status = tf_sink_new(&sink, ignore_bytes, nullptr, nullptr);
  tf_writer *writer = nullptr;
  if (status == TF_STATUS_OK) status = tf_writer_open_sink(&writer, sink, TF_FORMAT_NPZ, options);
  tf_sink_release(sink);
  return write_pieces(writer, status, world);
}

void add_loads(std::vector<Operation> &all, const World &world) {
  for (const std::string &path : world.files) {
    const std::string name = path.substr(path.rfind('/') + 1);
    all.push_back({"load " + name, false, [path](const tf_options *o) { return load(path, o); }});
    all.push_back({"list " + name, false, [path](const tf_options *o) { return list_and_read(path, o); }});
    all.push_back({"map " + name, false, [path](const tf_options *o) {
                     return with(o, TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP,
                                 [&](tf_options *own) { return load(path, own); });
                   }});
    // A check of a .safetensors also looks for its set in the other indexes of the folder, which need not be readable.
    if (name != "a.safetensors") {
      all.push_back({"check " + name, false, [path](const tf_options *o) {
                       return make_and_release<tf_dict>([&](tf_dict **out) { return tf_check(out, path.c_str(), o); });
                     }});
    }
    all.push_back({"check a source " + name, false, [path](const tf_options *o) { return check_source(path, o); }});
  }
  const std::string gguf = world.files.back();
  for (const int64_t decode : {int64_t{TF_DTYPE_FLOAT32}, int64_t{TF_DECODE_MLX}})
    all.push_back({"decode as " + std::to_string(decode), false, [gguf, decode](const tf_options *o) {
                     return with(o, TF_OPTION_DECODE, decode, [&](tf_options *own) { return load(gguf, own); });
                   }});
  for (const std::string &path : world.files) {
    const std::string name = path.substr(path.rfind('/') + 1);
    all.push_back({"read into memory " + name, false, [path](const tf_options *o) { return read_into(path, o); }});
    all.push_back({"load from memory " + name, false,
                   [bytes = TempFolder::read_whole(path)](const tf_options *o) {
                     return make_and_release<tf_dict>([&](tf_dict **out) {
                       return tf_load_memory(nullptr, out, nullptr, bytes.data(), bytes.size(), TF_FORMAT_AUTO, o);
                     });
                   },
                   false});
    all.push_back({"load a part of an open file " + name, false,
                   [path](const tf_options *o) { return load_part(path, o); }, false});
  }
  const std::string weights = world.folder.path("weights.npz");
  all.push_back({"load weights", false, [weights, &world](const tf_options *o) {
                   return make_and_release<tf_dict>(
                       [&](tf_dict **out) { return tf_load_weights(out, weights.c_str(), world.tree.get(), o); });
                 }});
  const std::string index = world.folder.path("sharded.safetensors.index.json");
  all.push_back({"load shards", false, [index](const tf_options *o) { return load(index, o); }});
  const std::string set = world.folder.path("set");
  all.push_back({"load a folder", false, [set](const tf_options *o) { return load(set, o); }});
}

void add_values(std::vector<Operation> &all, const World &world) {
  all.push_back({"dict", false, [&world](const tf_options *) { return fill_dict(world); }});
  all.push_back({"views", false, [&world](const tf_options *) { return views(world); }});
  for (const tf_dtype dtype : {TF_DTYPE_FLOAT16, TF_DTYPE_Q4_K, TF_DTYPE_FLOAT64})
    all.push_back({std::string("cast to ") + tf_dtype_name(dtype), false, [&world, dtype](const tf_options *o) {
                     return make_and_release<tf_array>(
                         [&](tf_array **out) { return tf_array_cast(out, world.half.get(), dtype, o); });
                   }});
  all.push_back({"decode blocks", false, [&world](const tf_options *o) {
                   return make_and_release<tf_array>(
                       [&](tf_array **out) { return tf_array_cast(out, world.blocks.get(), TF_DTYPE_FLOAT32, o); });
                 }});
  all.push_back({"flatten", false, [&world](const tf_options *) {
                   return make_and_release<tf_dict>(
                       [&](tf_dict **out) { return tf_dict_flatten(out, world.tree.get()); });
                 }});
  all.push_back({"unflatten", false, [&world](const tf_options *) {
                   return make_and_release<tf_dict>(
                       [&](tf_dict **out) { return tf_dict_unflatten(out, world.weights.get()); });
                 }});
  all.push_back({"equal", false, [&world](const tf_options *) { return equals_its_copy(world.tree.get()); }});
  all.push_back({"compare", false, [&world](const tf_options *) {
                   return make_and_release<tf_dict>(
                       [&](tf_dict **out) { return tf_dict_compare(out, world.tree.get(), world.arrays.get()); });
                 }});
  all.push_back({"cast with weights", false, [&world](const tf_options *o) { return cast_with_weights(world, o); }});
  all.push_back({"plan types", false, [](const tf_options *o) { return plan_types(o); }});
  all.push_back({"exchange tensors", false, [&world](const tf_options *) { return exchange_tensors(world); }});
  all.push_back({"new array", false, [](const tf_options *o) {
                   const int64_t shape[] = {3, 4};
                   return make_and_release<tf_array>(
                       [&](tf_array **out) { return tf_array_new_with(out, TF_DTYPE_INT16, shape, 2, o); });
                 }});
  all.push_back({"new dict", false, [](const tf_options *o) {
                   return make_and_release<tf_dict>([&](tf_dict **out) { return tf_dict_new_with(out, o); });
                 }});
  all.push_back({"options", false, [](const tf_options *) {
                   return make_and_release<tf_options>([](tf_options **out) { return tf_options_new(out); });
                 }});
}

void add_saves(std::vector<Operation> &all, const World &world, const std::string &target) {
  const auto add = [&](const char *name, auto run) {
    all.push_back({name, true, [&world, target, run](const tf_options *o) { return run(world, target.c_str(), o); }});
  };
  add("save npy", [](const World &w, const char *to, const tf_options *o) { return tf_save(to, w.matrix.get(), o); });
  add("save npz",
      [](const World &w, const char *to, const tf_options *o) { return tf_savez(to, nullptr, 0, w.arrays.get(), o); });
  add("save npz compressed", [](const World &w, const char *to, const tf_options *o) {
    return tf_savez_compressed(to, nullptr, 0, w.arrays.get(), o);
  });
  add("save safetensors", [](const World &w, const char *to, const tf_options *o) {
    return tf_save_safetensors(to, w.arrays.get(), w.strings.get(), o);
  });
  add("save gguf", [](const World &w, const char *to, const tf_options *o) {
    return tf_save_gguf(to, w.weights.get(), w.values.get(), o);
  });
  add("save file", [](const World &w, const char *to, const tf_options *o) {
    return with(o, TF_OPTION_FORMAT, TF_FORMAT_NPZ,
                [&](tf_options *own) { return tf_save_file(to, w.arrays.get(), w.strings.get(), own); });
  });
  add("save durably", [](const World &w, const char *to, const tf_options *o) {
    return with(o, TF_OPTION_DURABLE, 1, [&](tf_options *own) { return tf_save(to, w.matrix.get(), own); });
  });
  all.push_back({"save over a link", true, [&world](const tf_options *o) {
                   return tf_save(world.folder.path("linked-target").c_str(), world.matrix.get(), o);
                 }});
  all.push_back({"save weights", false, [&world](const tf_options *o) {
                   return tf_save_weights(world.folder.path("weights.npz").c_str(), world.tree.get(), o);
                 }});
  all.push_back({"save a set as safetensors", false, [&world](const tf_options *o) {
                   return with(o, TF_OPTION_PART_BYTES, 4000, [&](tf_options *own) {
                     return tf_save_safetensors(world.folder.path("sharded").c_str(), world.arrays.get(), nullptr, own);
                   });
                 }});
  all.push_back({"save a set as gguf", false, [&world](const tf_options *o) {
                   return with(o, TF_OPTION_PART_BYTES, 4000, [&](tf_options *own) {
                     return tf_save_gguf(world.folder.path("split").c_str(), world.weights.get(), nullptr, own);
                   });
                 }});
  add("writer", [](const World &w, const char *to, const tf_options *o) {
    tf_writer *writer = nullptr;
    const tf_status status = tf_writer_open(&writer, to, TF_FORMAT_SAFETENSORS, o);
    return write_pieces(writer, status, w);
  });
  add("write a part of a plan", [](const World &w, const char *to, const tf_options *o) {
    return with(o, TF_OPTION_PART_BYTES, 4000, [&](tf_options *own) { return write_planned(w, to, false, own); });
  });
  add("save the index of a plan", [](const World &w, const char *to, const tf_options *o) {
    return with(o, TF_OPTION_PART_BYTES, 4000, [&](tf_options *own) { return write_planned(w, to, true, own); });
  });
  for (const tf_format format : {TF_FORMAT_NPY, TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    all.push_back(
        {std::string("save to memory as ") + tf_format_name(format), false, [&world, format](const tf_options *o) {
           const bool single = format == TF_FORMAT_NPY;
           return make_and_release<tf_buffer>([&](tf_buffer **out) {
             return tf_save_memory(out, format, single ? world.matrix.get() : nullptr,
                                   single ? nullptr : world.weights.get(), nullptr, o);
           });
         }});
    all.push_back({std::string("check a save as ") + tf_format_name(format), false,
                   [&world, format](const tf_options *o) {
                     return make_and_release<tf_dict>([&](tf_dict **out) {
                       return tf_save_check(out, format, world.arrays.get(), world.values.get(), o);
                     });
                   },
                   false});
  }
  all.push_back({"save to a sink", false, [&world](const tf_options *o) { return save_sink(world, o); }});
  all.push_back({"save a set to sinks", false, [&world](const tf_options *o) {
                   return with(o, TF_OPTION_PART_BYTES, 4000, [&](tf_options *own) { return save_sinks(world, own); });
                 }});
  all.push_back({"write to a sink", false, [&world](const tf_options *o) { return write_to_sink(world, o); }});
}

void add_edits(std::vector<Operation> &all, const World &world, const std::string &target) {
  for (size_t i = 1; i < world.files.size(); ++i) {
    const std::string old = world.files[i];
    const std::string name = old.substr(old.rfind('/') + 1);
    const tf_dict *const metadata = i + 1 == world.files.size() ? world.values.get() : world.strings.get();
    // The target is another file than the old one, so it cannot be written in place.
    all.push_back({"edit " + name, true, [old, metadata, target](const tf_options *o) {
                     return with(o, TF_OPTION_ATOMIC, 1,
                                 [&](tf_options *own) { return edit(old, metadata, target.c_str(), own); });
                   }});
    all.push_back({"edit to a sink " + name, false,
                   [old, metadata](const tf_options *o) { return edit(old, metadata, nullptr, o); }});
  }
  // The metadata stay the same, so that an edit in place that fails changes nothing.
  const std::string path = world.files[3];
  all.push_back({"save metadata", false, [path, &world](const tf_options *o) {
                   return tf_save_metadata(path.c_str(), world.strings.get(), o);
                 }});
  all.push_back({"save metadata in place", false, [path, &world](const tf_options *o) {
                   return with(o, TF_OPTION_ATOMIC, 0, [&](tf_options *in_place) {
                     return with(in_place, TF_OPTION_DURABLE, 1, [&](tf_options *own) {
                       return tf_save_metadata(path.c_str(), world.strings.get(), own);
                     });
                   });
                 }});
}

void append(std::vector<uint8_t> &to, const tf_array *array) {
  const auto *const bytes = static_cast<const uint8_t *>(tf_array_data(array));
  to.insert(to.end(), bytes, bytes + tf_array_nbytes(array));
}

}  // namespace

World::World() {
  matrix = random_array(TF_DTYPE_INT32, {37, 23});
  blocks = random_array(TF_DTYPE_Q8_0, {4, 64}, 2);
  half = made<tf_array>([&](tf_array **out) {
    const int64_t shape[] = {2, 256};
    return tf_array_new(out, TF_DTYPE_FLOAT32, shape, 2);
  });
  const auto flags = random_array(TF_DTYPE_BOOL, {100}, 3);
  const auto column = made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, matrix.get(), nullptr, 0); });
  arrays = dict_of({{"matrix", matrix.get()}, {"flags", flags.get()}, {"column", column.get()}, {"", half.get()}});
  weights = dict_of({{"layers.0.weight", matrix.get()}, {"layers.1.weight", half.get()}, {"head", column.get()}});
  tree = made<tf_dict>([&](tf_dict **out) { return tf_dict_unflatten(out, weights.get()); });
  strings = new_dict();
  EXPECT_EQ(tf_dict_set_string(strings.get(), "format", SIZE_MAX, "pt", SIZE_MAX), TF_STATUS_OK);
  values = new_dict();
  EXPECT_EQ(tf_dict_set_string(values.get(), "general.name", SIZE_MAX, "x", SIZE_MAX), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_set_int64(values.get(), "n", SIZE_MAX, 7), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_set_string_list(values.get(), "list", SIZE_MAX), TF_STATUS_OK);
  for (const char *text : {"a", "b", "c"})
    EXPECT_EQ(tf_dict_string_list_append(values.get(), "list", SIZE_MAX, text, SIZE_MAX), TF_STATUS_OK);

  for (const char *name : {"a.npy", "a.npz", "packed.npz", "a.safetensors", "a.gguf"})
    files.push_back(folder.path(name));
  const auto gguf = dict_of({{"blocks.weight", blocks.get()}, {"matrix", matrix.get()}});
  EXPECT_EQ(tf_save(files[0].c_str(), matrix.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_savez(files[1].c_str(), nullptr, 0, arrays.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_savez_compressed(files[2].c_str(), nullptr, 0, arrays.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_save_safetensors(files[3].c_str(), arrays.get(), strings.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_save_gguf(files[4].c_str(), gguf.get(), values.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_save_weights(folder.path("weights.npz").c_str(), tree.get(), nullptr), TF_STATUS_OK);
  const auto parts = options_with({{TF_OPTION_PART_BYTES, 4000}});
  EXPECT_EQ(tf_save_safetensors(folder.path("sharded").c_str(), arrays.get(), nullptr, parts.get()), TF_STATUS_OK)
      << tf_error_message();
  EXPECT_EQ(tf_save_gguf(folder.path("split").c_str(), weights.get(), nullptr, parts.get()), TF_STATUS_OK);
  std::filesystem::create_directory(folder.path("set"));
  EXPECT_EQ(tf_save_gguf(folder.path("set/split").c_str(), weights.get(), nullptr, parts.get()), TF_STATUS_OK);
  std::filesystem::create_symlink("target", folder.path("linked-target"));
  before_ = image();
}

std::vector<uint8_t> World::image() const {
  std::vector<uint8_t> bytes;
  for (const tf_array *array : {matrix.get(), blocks.get(), half.get()})
    append(bytes, array);
  for (const tf_dict *dict : {arrays.get(), weights.get(), strings.get(), values.get(), tree.get()}) {
    for (size_t i = 0; i < tf_dict_size(dict); ++i) {
      const char *key = nullptr;
      size_t length = 0;
      EXPECT_EQ(tf_dict_key_at(&key, &length, dict, i), TF_STATUS_OK);
      bytes.insert(bytes.end(), key, key + length + 1);
      bytes.push_back(static_cast<uint8_t>(tf_dict_kind_at(dict, i)));
    }
  }
  return bytes;
}

void World::expect_unharmed() const {
  EXPECT_EQ(image(), before_);
}

std::vector<Operation> operations(const World &world, const std::string &target) {
  std::vector<Operation> all;
  add_loads(all, world);
  add_values(all, world);
  add_saves(all, world, target);
  add_edits(all, world, target);
  return all;
}

}  // namespace tfile::faults
