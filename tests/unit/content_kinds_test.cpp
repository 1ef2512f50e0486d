// The error for a file whose content does not match its name says what the file seems to be.
#include "format/content_kinds.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "support/handles.h"
#include "support/npy_builder.h"
#include "support/temp_folder.h"
#include "support/zip_builder.h"

namespace tfile::testing {
namespace {

const std::string kCases = TENSORFILE_GOLDEN_DIR "/cases/not-what-it-is-called/";

struct Kind {
  std::string file;
  std::string message;
};

const Kind kKinds[] = {
    {"gz_called.npy", "is not npy; it seems to be gzip data"},
    {"html.npz", "is not npz; it seems to be an HTML page"},
    {"lfs.npz", "is not npz; it seems to be a Git LFS pointer: the file itself has not been downloaded"},
    {"lfs.safetensors",
     "is not safetensors; it seems to be a Git LFS pointer: the file itself has not been downloaded"},
    {"page.gguf", "is not gguf; it seems to be an HTML page"},
    {"pickle.npy", "is not npy; it seems to be a pickle"},
    {"really_npy.npz", "is not npz; it seems to be npy, and TF_FORMAT_BY_CONTENT reads it as that"},
    {"zip_as.safetensors", "is not safetensors; it seems to be npz, and TF_FORMAT_BY_CONTENT reads it as that"},
};

TEST(ContentKinds, AreNamedWhenAFileIsRefused) {
  for (const Kind &kind : kKinds) {
    const std::string path = kCases + kind.file;
    tf_array *array = nullptr;
    EXPECT_EQ(tf_load(&array, nullptr, nullptr, path.c_str(), nullptr), TF_STATUS_FORMAT);
    EXPECT_EQ(tf_error_message(), path + ": " + kind.message + " (byte 0)");
    EXPECT_EQ(tf_error_offset(), 0u);
  }
}

// An archive of PyTorch is not read as .npz, whatever its extension is.
TEST(ContentKinds, ArchivesOfPyTorchAreNotNpz) {
  TempFolder folder;
  std::ifstream file(kCases + "torch.pt", std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  ASSERT_FALSE(bytes.empty());
  for (const char *extension : {"npy", "npz", "safetensors", "gguf"}) {
    const std::string path = folder.write(std::string("model.") + extension, bytes);
    tf_dict *arrays = nullptr;
    EXPECT_EQ(tf_load(nullptr, &arrays, nullptr, path.c_str(), nullptr), TF_STATUS_FORMAT);
    EXPECT_EQ(tf_error_message(), path + ": is not " + extension +
                                      "; it seems to be a PyTorch file (a zip archive with a pickle) (byte 0)");
  }
}

TEST(ContentKinds, AreNamedWithoutAnExtension) {
  const std::string page = "\xef\xbb\xbf\n <HTML lang=en>";
  tf_array *array = nullptr;
  EXPECT_EQ(tf_load_memory(&array, nullptr, nullptr, page.data(), page.size(), TF_FORMAT_AUTO, nullptr),
            TF_STATUS_FORMAT);
  EXPECT_STREQ(tf_error_message(), "is not of a known format; it seems to be an HTML page (byte 0)");
}

const char *kind_of(const std::string &bytes) {
  const char *const kind = content_kind(Bytes(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
  return kind != nullptr ? kind : "";
}

TEST(ContentKinds, AreKnownByTheirFirstBytes) {
  EXPECT_STREQ(kind_of("\x28\xb5\x2f\xfd\x24"), "zstd data");
  EXPECT_STREQ(kind_of(std::string("\xfd"
                                   "7zXZ\0\0",
                                   7)),
               "xz data");
  EXPECT_STREQ(kind_of("BZh91AY"), "bzip2 data");
  EXPECT_STREQ(kind_of("\x89HDF\r\n\x1a\n"), "an HDF5 file");
  EXPECT_STREQ(kind_of("\x08\x07\x12\x07pytorch"), "an ONNX model");
  EXPECT_STREQ(kind_of(std::string(257, 'x') + "ustar"), "a tar archive");
  EXPECT_STREQ(kind_of("\x80\x02\x8a\x0al\xfc\x9c"
                       "F\xf9 j\xa8P\x19.\x80\x02M"),
               "a PyTorch file (a pickle)");
  EXPECT_STREQ(kind_of("\x80\x05\x95"), "a pickle");
  EXPECT_STREQ(kind_of("tjgg\3"), "a ggml file, older than gguf");
  EXPECT_STREQ(kind_of("  <?XML version='1.0'?>"), "an XML document");
  for (const char *other : {"", "\x80", "\x80\x06", "version https", "<p>", "GGUF", "\x08\x07\x12"})
    EXPECT_STREQ(kind_of(other), "") << other;
}

TEST(FormatByContent, IgnoresTheExtension) {
  const std::string path = kCases + "really_npy.npz";
  const auto options = options_with({{TF_OPTION_FORMAT, TF_FORMAT_BY_CONTENT}});
  const auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), options.get()); });
  EXPECT_EQ(tf_file_format(file.get()), TF_FORMAT_NPY);
  EXPECT_STREQ(tf_format_name(TF_FORMAT_BY_CONTENT), "content");
}

TEST(FormatByContent, IsNoFormatOfASave) {
  const TempFolder folder;
  const auto array = random_array(TF_DTYPE_FLOAT32, {2});
  const auto arrays = dict_of({{"a", array.get()}});
  const auto options = options_with({{TF_OPTION_FORMAT, TF_FORMAT_BY_CONTENT}});
  const std::string message = "a file cannot be saved in the format 'content', which is for reading";
  tf_buffer *buffer = nullptr;
  EXPECT_EQ(tf_save_memory(&buffer, TF_FORMAT_BY_CONTENT, nullptr, arrays.get(), nullptr, nullptr),
            TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_error_message(), message);
  tf_writer *writer = nullptr;
  EXPECT_EQ(tf_writer_open(&writer, folder.path("x").c_str(), TF_FORMAT_AUTO, options.get()),
            TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_error_message(), message);
  EXPECT_EQ(tf_save_weights(folder.path("x").c_str(), arrays.get(), options.get()), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_error_message(), message);
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace tfile::testing
