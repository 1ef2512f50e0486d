// The paths, names, options and errors of the functions that save and load.
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

class SaveAndLoad : public ::testing::Test {
 protected:
  void expect_error(tf_status status, tf_status expected, const std::string &message, const std::string &name = "") {
    EXPECT_EQ(tf_status_name(status), std::string(tf_status_name(expected)));
    EXPECT_EQ(tf_error_message(), message);
    EXPECT_EQ(tf_error_name(), name);
  }
  Handle<tf_dict> load(const std::string &path, const tf_options *options = nullptr) {
    return made<tf_dict>([&](tf_dict **out) { return tf_load(nullptr, out, nullptr, path.c_str(), options); });
  }

  TempFolder folder;
  Handle<tf_array> array = random_array(TF_DTYPE_FLOAT32, {2, 3});
  Handle<tf_array> other = random_array(TF_DTYPE_INT64, {4}, 2);
};

TEST_F(SaveAndLoad, TheExtensionIsAddedWhenItIsMissing) {
  const auto dict = dict_of({{"w", array.get()}});
  const std::string path = folder.path("e");
  ASSERT_EQ(tf_save(path.c_str(), array.get(), nullptr), TF_STATUS_OK) << tf_error_message();
  ASSERT_EQ(tf_save((path + ".npy").c_str(), array.get(), nullptr), TF_STATUS_OK);
  ASSERT_EQ(tf_save(folder.path("x.NPY").c_str(), array.get(), nullptr), TF_STATUS_OK);
  ASSERT_EQ(tf_savez(path.c_str(), nullptr, 0, dict.get(), nullptr), TF_STATUS_OK);
  ASSERT_EQ(tf_savez_compressed(folder.path("c").c_str(), nullptr, 0, dict.get(), nullptr), TF_STATUS_OK);
  ASSERT_EQ(tf_save_safetensors(path.c_str(), dict.get(), nullptr, nullptr), TF_STATUS_OK);
  ASSERT_EQ(tf_save_gguf(path.c_str(), dict.get(), nullptr, nullptr), TF_STATUS_OK);
  const auto exact = options_with({{TF_OPTION_EXACT_PATH, 1}});
  ASSERT_EQ(tf_save_gguf(folder.path("exact.bin").c_str(), dict.get(), nullptr, exact.get()), TF_STATUS_OK);
  EXPECT_EQ(folder.names(),
            (std::vector<std::string>{"c.npz", "e.gguf", "e.npy", "e.npz", "e.safetensors", "exact.bin", "x.NPY.npy"}));
  // The extension is unknown, so the content determines the format.
  EXPECT_TRUE(same(array.get(), array_of(load(folder.path("exact.bin")).get(), "w").get()));
}

TEST_F(SaveAndLoad, FormatComesFromTheOptionThenTheExtensionThenTheContent) {
  const auto dict = dict_of({{"w", array.get()}});
  const auto exact = options_with({{TF_OPTION_EXACT_PATH, 1}});
  const std::string path = folder.path("really-safetensors.npz");
  ASSERT_EQ(tf_save_safetensors(path.c_str(), dict.get(), nullptr, exact.get()), TF_STATUS_OK);
  tf_dict *arrays = nullptr;
  EXPECT_EQ(tf_load(nullptr, &arrays, nullptr, path.c_str(), nullptr), TF_STATUS_FORMAT) << tf_error_message();
  EXPECT_EQ(arrays, nullptr);
  const auto chosen = options_with({{TF_OPTION_FORMAT, TF_FORMAT_SAFETENSORS}});
  EXPECT_EQ(tf_dict_size(load(path, chosen.get()).get()), 1u);
  const std::string nothing = folder.write("x.bin", "neither of the four formats");
  expect_error(tf_load(nullptr, &arrays, nullptr, nothing.c_str(), nullptr), TF_STATUS_FORMAT,
               nothing + ": the content is of no known format (byte 0)");
  EXPECT_EQ(tf_error_offset(), 0u);
}

TEST_F(SaveAndLoad, ANpyIsTheArrayOrTheEntryWithTheEmptyName) {
  ASSERT_EQ(tf_save(folder.path("a").c_str(), array.get(), nullptr), TF_STATUS_OK);
  const std::string path = folder.path("a.npy");
  tf_array *one = nullptr;
  tf_dict *arrays = nullptr, *metadata = nullptr;
  ASSERT_EQ(tf_load(&one, &arrays, &metadata, path.c_str(), nullptr), TF_STATUS_OK);
  const Handle<tf_array> loaded(one);
  EXPECT_TRUE(same(array.get(), loaded.get()));
  EXPECT_EQ(tf_dict_size(arrays), 0u);
  EXPECT_EQ(tf_dict_size(metadata), 0u);
  tf_dict_release(arrays);
  tf_dict_release(metadata);
  EXPECT_TRUE(same(array.get(), array_of(load(path).get(), "").get()));
  // The caller only wants to know whether the file is valid.
  EXPECT_EQ(tf_load(nullptr, nullptr, nullptr, path.c_str(), nullptr), TF_STATUS_OK);
}

TEST_F(SaveAndLoad, PositionalArraysFollowNamedOnesAndMayNotClash) {
  const tf_array *args[] = {array.get(), other.get()};
  const auto named = dict_of({{"w", other.get()}});
  ASSERT_EQ(tf_savez(folder.path("a").c_str(), args, 2, named.get(), nullptr), TF_STATUS_OK);
  const auto loaded = load(folder.path("a.npz"));
  ASSERT_EQ(tf_dict_size(loaded.get()), 3u);
  for (const auto &[index, expected] : {std::pair(0, "w"), std::pair(1, "arr_0"), std::pair(2, "arr_1")}) {
    const char *key = nullptr;
    size_t length = 0;
    ASSERT_EQ(tf_dict_key_at(&key, &length, loaded.get(), static_cast<size_t>(index)), TF_STATUS_OK);
    EXPECT_STREQ(key, expected);
  }
  const auto clash = dict_of({{"arr_1", other.get()}});
  expect_error(tf_savez(folder.path("b").c_str(), args, 2, clash.get(), nullptr), TF_STATUS_DUPLICATE,
               "array 'arr_1': is the name of a positional array and of one given by name", "arr_1");
  const tf_array *holes[] = {array.get(), nullptr};
  EXPECT_EQ(tf_savez(folder.path("b").c_str(), holes, 2, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_savez(folder.path("b").c_str(), nullptr, 1, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.npz"});
}

TEST_F(SaveAndLoad, ManyPositionalArraysHaveNoLimit) {
  std::vector<const tf_array *> args(70000, other.get());
  ASSERT_EQ(tf_savez(folder.path("many").c_str(), args.data(), args.size(), nullptr, nullptr), TF_STATUS_OK)
      << tf_error_message();
  const auto file =
      made<tf_file>([&](tf_file **out) { return tf_file_open(out, folder.path("many.npz").c_str(), nullptr); });
  ASSERT_EQ(tf_file_count(file.get()), args.size());
  size_t last = 0;
  ASSERT_EQ(tf_file_find(&last, file.get(), "arr_69999", SIZE_MAX), TF_STATUS_OK);
  const auto read = made<tf_array>([&](tf_array **out) { return tf_file_read(out, file.get(), last); });
  EXPECT_TRUE(same(other.get(), read.get()));
}

TEST_F(SaveAndLoad, OnlyArraysCanBeSaved) {
  const auto dict = dict_of({{"w", array.get()}});
  ASSERT_EQ(tf_dict_set_string(dict.get(), "s", SIZE_MAX, "text", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string_list(dict.get(), "l", SIZE_MAX), TF_STATUS_OK);
  const std::string message = "only arrays can be saved: 's' (a string), 'l' (a list of strings)";
  const std::string path = folder.path("x");
  expect_error(tf_savez(path.c_str(), nullptr, 0, dict.get(), nullptr), TF_STATUS_TYPE, message, "s");
  expect_error(tf_save_safetensors(path.c_str(), dict.get(), nullptr, nullptr), TF_STATUS_TYPE, message, "s");
  expect_error(tf_save_gguf(path.c_str(), dict.get(), nullptr, nullptr), TF_STATUS_TYPE, message, "s");
  expect_error(tf_save_weights((path + ".npz").c_str(), dict.get(), nullptr), TF_STATUS_TYPE, message, "s");
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(SaveAndLoad, WeightsAreATree) {
  const auto inner = dict_of({{"w", array.get()}, {"b", other.get()}});
  const auto layers = new_dict(), tree = new_dict();
  ASSERT_EQ(tf_dict_set_dict(layers.get(), "0", SIZE_MAX, inner.get()), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_dict(tree.get(), "layers", SIZE_MAX, layers.get()), TF_STATUS_OK);
  for (const char *name : {"w.npz", "w.safetensors", "w.gguf"}) {
    const std::string path = folder.path(name);
    ASSERT_EQ(tf_save_weights(path.c_str(), tree.get(), nullptr), TF_STATUS_OK) << tf_error_message();
    EXPECT_TRUE(same(array.get(), array_of(load(path).get(), "layers.0.w").get()));
    const auto loaded =
        made<tf_dict>([&](tf_dict **out) { return tf_load_weights(out, path.c_str(), tree.get(), nullptr); });
    const auto again =
        made<tf_dict>([&](tf_dict **out) { return tf_dict_get_dict(out, loaded.get(), "layers", SIZE_MAX); });
    const auto zero = made<tf_dict>([&](tf_dict **out) { return tf_dict_get_dict(out, again.get(), "0", SIZE_MAX); });
    EXPECT_TRUE(same(other.get(), array_of(zero.get(), "b").get()));
  }
  const auto format = options_with({{TF_OPTION_FORMAT, TF_FORMAT_SAFETENSORS}});
  ASSERT_EQ(tf_save_weights(folder.path("plain").c_str(), tree.get(), format.get()), TF_STATUS_OK);
  EXPECT_EQ(folder.names().front(), "plain.safetensors");
  expect_error(tf_save_weights("w.bin", tree.get(), nullptr), TF_STATUS_FORMAT,
               "w.bin: weights are saved as .npz, .safetensors or .gguf, and the extension names none of them");
  EXPECT_EQ(tf_save_weights(folder.path("w.npy").c_str(), tree.get(), nullptr), TF_STATUS_FORMAT);
}

TEST_F(SaveAndLoad, WeightsThatAreNotTheExpectedOnes) {
  const std::string path = folder.path("w.npz");
  const auto saved = dict_of({{"a.w", array.get()}, {"a.b", other.get()}, {"zz", other.get()}});
  ASSERT_EQ(tf_save_weights(path.c_str(), saved.get(), nullptr), TF_STATUS_OK);
  const auto wide = random_array(TF_DTYPE_FLOAT32, {9});
  const auto expected = dict_of({{"a.w", array.get()}, {"a.b", wide.get()}, {"a.c", wide.get()}});
  tf_dict *tree = nullptr;
  expect_error(
      tf_load_weights(&tree, path.c_str(), expected.get(), nullptr), TF_STATUS_MISMATCH,
      path +
          ": the weights are not the expected ones: 1 missing ('a.c'), 1 unexpected ('zz'), 1 of another shape "
          "('a.b' expected (9,), found (4,))",
      "a.c");
  EXPECT_EQ(tree, nullptr);
  const auto loose = options_with({{TF_OPTION_STRICT, 0}});
  ASSERT_EQ(tf_load_weights(&tree, path.c_str(), expected.get(), loose.get()), TF_STATUS_OK) << tf_error_message();
  const Handle<tf_dict> loaded(tree);
  EXPECT_EQ(tf_dict_size(tree), 1u);
  const auto a = made<tf_dict>([&](tf_dict **out) { return tf_dict_get_dict(out, tree, "a", SIZE_MAX); });
  EXPECT_EQ(tf_dict_size(a.get()), 3u);
  EXPECT_TRUE(same(array.get(), array_of(a.get(), "w").get()));
  EXPECT_TRUE(same(wide.get(), array_of(a.get(), "c").get()));
  // Without TF_OPTION_STRICT, shapes are not compared.
  EXPECT_TRUE(same(other.get(), array_of(a.get(), "b").get()));
  ASSERT_EQ(tf_save(folder.path("one").c_str(), array.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_load_weights(&tree, folder.path("one.npy").c_str(), nullptr, nullptr), TF_STATUS_FORMAT);
}

// With TF_DECODE_MLX, the names and shapes of scales and biases are compared too, before anything is read.
TEST_F(SaveAndLoad, WeightsInTheFormOfMlx) {
  const std::string path = folder.path("w.gguf");
  const auto blocks = random_array(TF_DTYPE_Q8_0, {4, 64});
  const auto saved = dict_of({{"a.weight", blocks.get()}, {"b", array.get()}});
  ASSERT_EQ(tf_save_weights(path.c_str(), saved.get(), nullptr), TF_STATUS_OK) << tf_error_message();
  const auto mlx = options_with({{TF_OPTION_DECODE, TF_DECODE_MLX}});
  const auto codes = random_array(TF_DTYPE_UINT32, {4, 16});
  const auto groups = random_array(TF_DTYPE_FLOAT16, {4, 2});
  const auto expected =
      dict_of({{"a.weight", codes.get()}, {"a.scales", groups.get()}, {"a.biases", groups.get()}, {"b", array.get()}});
  const auto loaded =
      made<tf_dict>([&](tf_dict **out) { return tf_load_weights(out, path.c_str(), expected.get(), mlx.get()); });
  const auto a = made<tf_dict>([&](tf_dict **out) { return tf_dict_get_dict(out, loaded.get(), "a", SIZE_MAX); });
  EXPECT_EQ(tf_dict_size(a.get()), 3u);
  tf_dict *tree = nullptr;
  expect_error(tf_load_weights(&tree, path.c_str(), saved.get(), mlx.get()), TF_STATUS_MISMATCH,
               path +
                   ": the weights are not the expected ones: 2 unexpected ('a.biases', 'a.scales'), 1 of another shape "
                   "('a.weight' expected (4, 64), found (4, 16))",
               "a.biases");
  // An array is read if one that is derived from it is expected.
  ASSERT_EQ(tf_options_set(mlx.get(), TF_OPTION_STRICT, 0), TF_STATUS_OK);
  const auto scales_only = dict_of({{"a.scales", array.get()}});
  const auto some =
      made<tf_dict>([&](tf_dict **out) { return tf_load_weights(out, path.c_str(), scales_only.get(), mlx.get()); });
  const auto inner = made<tf_dict>([&](tf_dict **out) { return tf_dict_get_dict(out, some.get(), "a", SIZE_MAX); });
  EXPECT_EQ(tf_dict_size(inner.get()), 1u);
  EXPECT_TRUE(same(array_of(a.get(), "scales").get(), array_of(inner.get(), "scales").get()));
}

// A name with many parts makes a tree with as many nested dicts.
TEST_F(SaveAndLoad, WeightsAreNestedAsDeepAsTheLimitAllows) {
  const auto flat = dict_of({{"a.b.c", array.get()}, {"a.d", other.get()}});
  const auto inner = dict_of({{"b.c", array.get()}, {"d", other.get()}});
  const auto nested = new_dict();
  ASSERT_EQ(tf_dict_set_dict(nested.get(), "a", SIZE_MAX, inner.get()), TF_STATUS_OK);
  const auto three = options_with({{TF_OPTION_MAX_NESTING, 3}});
  const auto two = options_with({{TF_OPTION_MAX_NESTING, 2}});
  const std::string message = "array 'a.b.c': a name of 3 parts is more than the limit (max_nesting) of 2";
  for (const char *name : {"w.npz", "w.safetensors", "w.gguf"}) {
    const std::string path = folder.path(name);
    for (const tf_dict *tree : {flat.get(), nested.get()}) {
      expect_error(tf_save_weights(path.c_str(), tree, two.get()), TF_STATUS_LIMIT, path + ": " + message, "a.b.c");
      EXPECT_FALSE(std::filesystem::exists(path));
      ASSERT_EQ(tf_save_weights(path.c_str(), tree, three.get()), TF_STATUS_OK) << tf_error_message();
      tf_dict *loaded = nullptr;
      for (const tf_dict *expected : {static_cast<const tf_dict *>(nullptr), tree}) {
        expect_error(tf_load_weights(&loaded, path.c_str(), expected, two.get()), TF_STATUS_LIMIT,
                     path + ": " + message, "a.b.c");
        EXPECT_EQ(loaded, nullptr);
        const auto whole =
            made<tf_dict>([&](tf_dict **out) { return tf_load_weights(out, path.c_str(), expected, three.get()); });
        EXPECT_EQ(tf_dict_size(whole.get()), 1u);
      }
      std::filesystem::remove(path);
    }
  }
  // The option has no effect on functions that make no tree.
  const std::string path = folder.path("w.npz");
  ASSERT_EQ(tf_savez(path.c_str(), nullptr, 0, flat.get(), two.get()), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_size(load(path, two.get()).get()), 2u);
}

TEST_F(SaveAndLoad, WeightsOf65PartsAreNeitherSavedNorLoaded) {
  std::string name = "p";
  for (int i = 1; i < 65; ++i)
    name += ".p";
  const auto flat = dict_of({{name.c_str(), array.get()}});
  const std::string path = folder.path("w.npz");
  const std::string message =
      path + ": array '" + name + "': a name of 65 parts is more than the limit (max_nesting) of 64";
  expect_error(tf_save_weights(path.c_str(), flat.get(), nullptr), TF_STATUS_LIMIT, message, name);
  ASSERT_EQ(tf_savez(path.c_str(), nullptr, 0, flat.get(), nullptr), TF_STATUS_OK);
  tf_dict *tree = nullptr;
  expect_error(tf_load_weights(&tree, path.c_str(), nullptr, nullptr), TF_STATUS_LIMIT, message, name);
}

TEST_F(SaveAndLoad, UnknownDtypesAreListedAndTheRestIsRead) {
  const std::string path = std::string(TENSORFILE_GOLDEN_DIR) + "/npz/crafted_object_member.npz";
  const auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), nullptr); });
  ASSERT_EQ(tf_file_count(file.get()), 2u);
  size_t object = 0, good = 0;
  ASSERT_EQ(tf_file_find(&object, file.get(), "o", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_file_find(&good, file.get(), "x", SIZE_MAX), TF_STATUS_OK);
  EXPECT_EQ(tf_file_dtype(file.get(), object), TF_DTYPE_UNSUPPORTED);
  tf_array *out = nullptr;
  EXPECT_EQ(tf_file_read(&out, file.get(), object), TF_STATUS_UNSUPPORTED);
  EXPECT_STREQ(tf_error_name(), "o");
  EXPECT_NE(std::string(tf_error_message()).find("pickle"), std::string::npos) << tf_error_message();
  EXPECT_EQ(tf_file_read(&out, file.get(), good), TF_STATUS_OK);
  tf_array_release(out);
  tf_dict *arrays = nullptr;
  EXPECT_EQ(tf_load(nullptr, &arrays, nullptr, path.c_str(), nullptr), TF_STATUS_UNSUPPORTED);
  EXPECT_STREQ(tf_error_name(), "o");
  const auto skipping = options_with({{TF_OPTION_SKIP_UNSUPPORTED, 1}});
  EXPECT_EQ(tf_dict_size(load(path, skipping.get()).get()), 1u);
}

TEST_F(SaveAndLoad, BadPaths) {
  tf_array *out = nullptr;
  const std::string missing = folder.path("missing.npy");
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, missing.c_str(), nullptr), TF_STATUS_NOT_FOUND);
  EXPECT_EQ(std::string(tf_error_message()).rfind(missing + ": ", 0), 0u) << tf_error_message();
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, folder.path().c_str(), nullptr), TF_STATUS_IO);
  EXPECT_NE(std::string(tf_error_message()).find("folder"), std::string::npos) << tf_error_message();
#if !defined(_WIN32)
  const std::string fifo = folder.path("fifo.npy");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, fifo.c_str(), nullptr), TF_STATUS_IO);
  EXPECT_NE(std::string(tf_error_message()).find("FIFO"), std::string::npos) << tf_error_message();
  EXPECT_EQ(tf_save(fifo.c_str(), array.get(), nullptr), TF_STATUS_IO);
#endif
  EXPECT_EQ(tf_save(folder.path("no/such/folder.npy").c_str(), array.get(), nullptr), TF_STATUS_NOT_FOUND);
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, folder.write("empty.npy", "").c_str(), nullptr), TF_STATUS_TRUNCATED)
      << tf_error_message();
}

TEST_F(SaveAndLoad, NullArguments) {
  tf_array *out = nullptr;
  tf_file *file = nullptr;
  tf_buffer *buffer = nullptr;
  tf_dict *dict = nullptr;
  const auto arrays = dict_of({{"w", array.get()}});
  const auto is_invalid = [](tf_status status) { return status == TF_STATUS_INVALID_ARGUMENT; };
  EXPECT_TRUE(is_invalid(tf_load(&out, nullptr, nullptr, nullptr, nullptr)));
  EXPECT_STREQ(tf_error_message(), "path is NULL");
  EXPECT_TRUE(is_invalid(tf_load_memory(&out, nullptr, nullptr, nullptr, 5, TF_FORMAT_NPY, nullptr)));
  EXPECT_TRUE(is_invalid(tf_load_memory(&out, nullptr, nullptr, "abc", 3, 77, nullptr)));
  EXPECT_STREQ(tf_error_message(), "there is no format with the number 77");
  EXPECT_TRUE(is_invalid(tf_load_source(&out, nullptr, nullptr, nullptr, TF_FORMAT_NPY, nullptr)));
  EXPECT_TRUE(is_invalid(tf_load_weights(nullptr, "x.npz", nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_load_weights(&dict, nullptr, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_file_open(nullptr, "x", nullptr)));
  EXPECT_TRUE(is_invalid(tf_file_open(&file, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_file_open_memory(&file, nullptr, 1, TF_FORMAT_AUTO, nullptr)));
  EXPECT_TRUE(is_invalid(tf_file_open_source(&file, nullptr, TF_FORMAT_AUTO, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save(nullptr, array.get(), nullptr)));
  EXPECT_TRUE(is_invalid(tf_save("x", nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_savez(nullptr, nullptr, 0, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_safetensors("x", nullptr, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_gguf("x", nullptr, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_weights("x.npz", nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_memory(nullptr, TF_FORMAT_NPY, array.get(), nullptr, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_memory(&buffer, TF_FORMAT_AUTO, array.get(), nullptr, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_memory(&buffer, TF_FORMAT_NPY, nullptr, nullptr, nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_memory(&buffer, TF_FORMAT_NPY, array.get(), arrays.get(), nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_memory(&buffer, TF_FORMAT_GGUF, array.get(), arrays.get(), nullptr, nullptr)));
  EXPECT_TRUE(is_invalid(tf_save_sink(nullptr, TF_FORMAT_NPY, array.get(), nullptr, nullptr, nullptr)));
  EXPECT_EQ(tf_file_format(nullptr), TF_FORMAT_AUTO);
  EXPECT_EQ(tf_file_count(nullptr), 0u);
  EXPECT_EQ(tf_file_shape(nullptr, 0), nullptr);
  EXPECT_STREQ(tf_error_message(), "file is NULL");
  tf_file_release(nullptr);
}

TEST_F(SaveAndLoad, ArraysThatALoadWithTheSameLimitsWouldRefuseAreNotSaved) {
  const std::string name(65537, 'n');
  const auto dict = dict_of({{name.c_str(), array.get()}});
  EXPECT_EQ(tf_savez(folder.path("x").c_str(), nullptr, 0, dict.get(), nullptr), TF_STATUS_LIMIT);
  EXPECT_NE(std::string(tf_error_message()).find("max_name_bytes"), std::string::npos) << tf_error_message();
  const auto two = dict_of({{"a", array.get()}, {"b", array.get()}});
  const auto one = options_with({{TF_OPTION_MAX_ARRAYS, 1}, {TF_OPTION_MAX_METADATA, 1}});
  expect_error(tf_save_safetensors(folder.path("x").c_str(), two.get(), nullptr, one.get()), TF_STATUS_LIMIT,
               "2 arrays are more than the limit (max_arrays) of 1");
  const auto metadata = new_dict();
  for (const char *key : {"a", "b"}) {
    ASSERT_EQ(tf_dict_set_string(metadata.get(), key, SIZE_MAX, "", 0), TF_STATUS_OK);
  }
  const auto single = dict_of({{"a", array.get()}});
  expect_error(tf_save_safetensors(folder.path("x").c_str(), single.get(), metadata.get(), one.get()), TF_STATUS_LIMIT,
               "2 metadata values are more than the limit (max_metadata) of 1");
  EXPECT_TRUE(folder.names().empty());
}

TEST_F(SaveAndLoad, MapModeSharesTheFileAndWritesDoNotReachIt) {
  const auto big = random_array(TF_DTYPE_FLOAT32, {1000, 1000});
  const auto map = options_with({{TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP}});
  const auto dict = dict_of({{"w", big.get()}, {"v", other.get()}});
  for (const char *name : {"m.npz", "m.safetensors", "m.gguf"}) {
    const std::string path = folder.path(name);
    ASSERT_EQ(tf_save_weights(path.c_str(), dict.get(), nullptr), TF_STATUS_OK);
    const std::string before = folder.read(name);
    {
      const auto loaded = load(path, map.get());
      tf_array *mapped = nullptr;
      ASSERT_EQ(tf_dict_get_array(&mapped, loaded.get(), "w", SIZE_MAX), TF_STATUS_OK);
      EXPECT_TRUE(same(big.get(), mapped)) << name;
      void *data = nullptr;
      ASSERT_EQ(tf_array_data_mut(&data, mapped), TF_STATUS_OK) << tf_error_message();
      memset(data, 1, 4096);
      // Save over the file that is mapped.
      ASSERT_EQ(tf_save_weights(path.c_str(), loaded.get(), nullptr), TF_STATUS_OK) << tf_error_message();
      EXPECT_FALSE(same(big.get(), mapped));
      tf_array_release(mapped);
    }
    EXPECT_NE(folder.read(name), before);
    EXPECT_TRUE(same(other.get(), array_of(load(path).get(), "v").get()));
  }
}

TEST_F(SaveAndLoad, MaxBytesIsASeparateLimit) {
  const auto big = random_array(TF_DTYPE_FLOAT32, {1000, 1000});
  ASSERT_EQ(tf_save(folder.path("big").c_str(), big.get(), nullptr), TF_STATUS_OK);
  const auto limited = options_with({{TF_OPTION_MAX_BYTES, 100000}});
  tf_array *out = nullptr;
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, folder.path("big.npy").c_str(), limited.get()), TF_STATUS_LIMIT);
  EXPECT_NE(std::string(tf_error_message()).find("max_bytes"), std::string::npos) << tf_error_message();
  const auto enough = options_with({{TF_OPTION_MAX_BYTES, 5000000}});
  EXPECT_EQ(tf_load(&out, nullptr, nullptr, folder.path("big.npy").c_str(), enough.get()), TF_STATUS_OK);
  tf_array_release(out);
}

}  // namespace
}  // namespace tfile::testing
