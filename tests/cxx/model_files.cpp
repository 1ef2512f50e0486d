// A program as a user of tensorfile.hpp writes it: loads a model lazily, changes it, saves it in three formats, and
// meets every error. It prints what it does, and exits with 1 if something is not as it should be.
#include <tensorfile.hpp>

#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <numeric>
#include <sstream>
#include <thread>

namespace fs = std::filesystem;
namespace tf = tensorfile;

namespace {

int failures = 0;

void expect(bool condition, const std::string &what) {
  if (condition) return;
  std::cout << "NOT AS EXPECTED: " << what << "\n";
  ++failures;
}

tf::Array ramp(tf::Sizes shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape)
    count *= static_cast<std::size_t>(size);
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  return tf::Array::adopt(shape, std::move(values));
}

// The metadata of the model, with the types that readers of .gguf expect.
tf::Dict model_card() {
  return {{"general.architecture", "example"},
          {"general.alignment", 64u},
          {"example.block_count", std::uint16_t{2}},
          {"example.rope", 0.5f},
          {"example.tied", true},
          {"example.offset", std::int64_t{-3000000000}},
          {"example.tags", {"small", "tested"}},
          {"example.sizes", std::vector<std::int32_t>{4, 3}}};
}

void make_model(const fs::path &path) {
  const tf::Dict arrays = {{"embed", ramp({8, 4})},
                           {"bias", tf::Array::copy<std::int16_t>({4}, {-1, 2, 3, 4})},
                           {"mask", tf::Array::copy<bool>({2}, {true, false})}};
  // .gguf has no bool: find out before anything is written.
  const std::vector<tf::Finding> findings = tf::save_check(tf::Format::gguf, arrays, model_card());
  expect(findings.size() == 1 && findings[0].name == "mask" && findings[0].problem == "dtype", "the finding");
  tf::save(path, {{"embed", arrays["embed"]}, {"bias", arrays["bias"]}}, model_card());
}

void load_lazily(const fs::path &path) {
  const tf::File file(path);
  for (const tf::File::Entry &entry : file)
    std::cout << entry.name() << ": " << entry << ", " << entry.nbytes() << " bytes\n";
  const tf::File::Entry embed = file["embed"];
  expect(embed.dtype() == tf::Dtype::float32 && embed.shape()[0] == 8, "the description of embed");

  const std::vector<float> all = embed.read_values<float>();
  const std::vector<float> column = embed.read_values<float>({{}, {1, 2}});
  const std::vector<double> last_rows = embed.read_as<double>({{-2, std::nullopt}});
  expect(all.size() == 32 && all[31] == 31, "all elements");
  expect(column == std::vector<float>({1, 5, 9, 13, 17, 21, 25, 29}), "the second column");
  expect(last_rows.front() == 24 && last_rows.size() == 8, "the last two rows");

  const tf::Array every_third = embed.read_slice({{std::nullopt, std::nullopt, 3}});
  const tf::Array half = every_third.cast(tf::Dtype::float16);
  expect(half.nbytes() == 24 && half.item_as<float>({2, 3}) == 27, "a slice, cast to float16");

  std::vector<float> embed_memory(32);
  std::vector<float> bias_memory(4);
  tf::ReadPlan plan(file);
  plan.add(embed, embed_memory.data(), embed_memory.size());
  plan.add_as(file["bias"], bias_memory.data(), bias_memory.size());
  plan.run();
  expect(embed_memory == all && bias_memory == std::vector<float>({-1, 2, 3, 4}), "what the plan read");
}

void change_and_save(const fs::path &folder, const fs::path &path) {
  const tf::Loaded model = tf::load(path);
  tf::Dict arrays = model.arrays.copy();
  tf::Array embed = arrays["embed"];
  embed.make_mut();
  for (float &x : embed.values_mut<float>())
    x = std::sqrt(x);
  embed.set_item({0, 0}, 0.25);
  arrays["embed"] = embed;
  arrays["head"] = embed.transpose();
  arrays["flat"] = embed.reshape({-1});
  arrays.remove("bias");

  tf::Dict card = tf::File(path).metadata().copy();
  card["example.block_count"] = std::uint16_t{3};
  std::cout << "the new card: " << card << "\n";

  tf::save(folder / "changed.gguf", arrays, card);
  const tf::Dict texts = {{"general.architecture", card["general.architecture"].string()}};
  tf::save(folder / "changed.safetensors", arrays, texts);
  tf::save(folder / "changed.npz", arrays, {}, {{tf::Option::compress, true}, {tf::Option::threads, 2}});

  for (const char *name : {"changed.gguf", "changed.safetensors", "changed.npz"}) {
    const tf::File file(folder / name);
    expect(file.size() == 3 && file.read("embed").equal(embed), std::string("embed in ") + name);
    expect(file["head"].read().item<float>({3, 7}) == std::sqrt(31.0f), std::string("head in ") + name);
    expect(tf::check(folder / name).faults.empty(), std::string("the check of ") + name);
  }
  const tf::Dict read = tf::load(folder / "changed.gguf").metadata;
  for (const tf::Dict::Entry &entry : model_card()) {
    if (entry.key() == "example.block_count" || entry.kind() != tf::Kind::array) continue;
    expect(read[entry.key()].array().equal(entry), "the type and value of " + std::string(entry.key()));
  }
  expect(read["example.block_count"].scalar() == tf::Scalar(std::uint16_t{3}), "the changed count");
  expect(read.as<double>("example.rope") == 0.5 && read.scalar("example.rope").holds<float>(), "the float");
  expect(tf::to_string(read["example.offset"]) == "-3000000000", "a number prints as a number");
  expect(read["example.tags"].strings().size() == 2, "the tags");
}

void expect_error(tf::Status status, const std::function<void()> &action) {
  try {
    action();
    expect(false, "no error, but " + tf::to_string(status));
  } catch (const tf::Error &error) {
    std::cout << error.status() << ": " << error.what() << "\n";
    expect(error.status() == status, "the status is " + tf::to_string(error.status()));
  }
}

// Fails every allocation of 1 KiB or more.
void *allocate_little(void *, std::size_t size, std::size_t) {
  return size < 1024 ? std::malloc(size) : nullptr;
}

void meet_every_error(const fs::path &folder, const fs::path &path) {
  using tf::Status;
  const tf::File file(path);
  const tf::Buffer bytes = tf::save_memory(tf::Format::safetensors, {{"w", ramp({4})}});
  const std::string good(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  std::string corrupt = good;
  corrupt[corrupt.find("F32")] = 'G';

  expect_error(Status::invalid_argument, [&] { file["embed"].read_slice({{0, 1, 0}}); });
  expect_error(Status::out_of_memory, [&] {
    tf::Options options;
    options.set_allocator(
        allocate_little, [](void *, void *p, std::size_t, std::size_t) { std::free(p); }, nullptr, nullptr);
    tf::Array::zeros(tf::Dtype::float64, {1000}, options);
  });
  expect_error(Status::io, [&] { tf::load(folder); });
  expect_error(Status::not_found, [&] { tf::File(folder / "none.npz"); });
  expect_error(Status::not_found, [&] { file.read("none"); });
  expect_error(Status::duplicate, [] { tf::Dict({{"a", ramp({1})}, {"a.b", ramp({1})}}).unflatten(); });
  expect_error(Status::format, [] { tf::load_memory(std::string("neither of the four formats")); });
  expect_error(Status::corrupt, [&] { tf::load_memory(good + "junk", tf::Format::safetensors); });
  expect_error(Status::truncated, [&] { tf::load_memory(good.substr(0, good.size() - 1)); });
  expect_error(Status::unsupported, [&] { tf::load_memory(corrupt, tf::Format::safetensors); });
  expect_error(Status::unsupported, [&] { tf::save(folder / "no.gguf", {{"c", tf::Array::scalar(true)}}); });
  expect_error(Status::limit, [&] { tf::load(path, {{tf::Option::max_arrays, 1}}); });
  expect_error(Status::type, [&] { file["bias"].read_values<float>(); });
  expect_error(Status::type, [&] { file.metadata()["general.alignment"].string(); });
  expect_error(Status::mismatch, [&] { tf::load_weights(path, {{"other", ramp({1})}}); });
  expect_error(Status::cancelled,
               [&] { tf::load(path, tf::Options().set_progress([](std::uint64_t, std::uint64_t) { return false; })); });
  try {
    tf::load_memory(corrupt);
  } catch (const tf::Error &error) {
    expect(error.name() == "w", "the name of the array in an error");
  }
  try {
    tf::load(folder / "none.npz");
  } catch (const tf::Error &error) {
    expect(error.system() == std::errc::no_such_file_or_directory, "the error of the system");
  }
}

void use_bytes_readers_and_writers(const fs::path &folder) {
  const tf::Dict arrays = {{"w", ramp({16, 16})}};
  const tf::Buffer bytes = tf::save_memory(tf::Format::npz, arrays);
  expect(tf::load_memory(bytes).arrays["w"].array().size() == 256, "bytes");

  std::stringstream stream;
  tf::save_sink(tf::Sink::to_stream(stream), tf::Format::npz, arrays);
  expect(stream.str().size() == bytes.size(), "a stream has as many bytes");
  const tf::File streamed(tf::Source::from_stream(stream));
  expect(streamed["w"].read_values<float>({tf::Slice::at(-1)})[15] == 255, "a row from a stream");

  // One array that would not fit in memory: it is written row by row.
  tf::Writer writer(folder / "rows.npy");
  writer.declare("", tf::Dtype::float32, {1000, 16});
  for (int row = 0; row < 1000; ++row) {
    const std::vector<float> values(16, static_cast<float>(row));
    writer.write(values.data(), values.size() * sizeof(float));
  }
  writer.finish();
  const tf::Array mapped = tf::load(folder / "rows.npy", {{tf::Option::load_mode, tf::LoadMode::map}}).array;
  expect(mapped.item<float>({999, 15}) == 999, "the last row");
}

void read_on_several_threads(const fs::path &path) {
  const tf::File file(path);
  std::vector<float> sums(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    threads.emplace_back([&file, &sums, i] {
      const auto row = static_cast<std::int64_t>(i);
      const std::vector<float> values = file["embed"].read_values<float>({tf::Slice::at(row)});
      sums[i] = std::accumulate(values.begin(), values.end(), 0.0f);
    });
  }
  for (std::thread &thread : threads)
    thread.join();
  expect(sums == std::vector<float>({6, 22, 38, 54}), "the sums of rows");
}

void save_and_load_weights(const fs::path &folder) {
  const tf::Dict tree = {{"layers", {{"0", {{"w", ramp({2, 2})}}}, {"1", {{"w", ramp({2, 2})}}}}}};
  tf::save_weights(folder / "weights.safetensors", tree);
  const tf::Dict loaded = tf::load_weights(folder / "weights.safetensors", tree);
  expect(loaded["layers"]["1"]["w"].array().equal(ramp({2, 2})), "a weight of the tree");
  expect(tree.flatten()[0].key() == "layers.0.w", "a flat name");
}

}  // namespace

int main() {
  const fs::path folder = fs::temp_directory_path() / ("tensorfile_cxx_" + std::to_string(std::rand()) + "_" +
                                                       std::to_string(reinterpret_cast<std::uintptr_t>(&failures)));
  fs::create_directories(folder);
  try {
    const fs::path model = folder / "model.gguf";
    make_model(model);
    load_lazily(model);
    change_and_save(folder, model);
    meet_every_error(folder, model);
    use_bytes_readers_and_writers(folder);
    read_on_several_threads(model);
    save_and_load_weights(folder);
  } catch (const std::exception &error) {
    expect(false, error.what());
  }
  fs::remove_all(folder);
  std::cout << (failures == 0 ? "everything is as expected\n" : "");
  return failures == 0 ? 0 : 1;
}
