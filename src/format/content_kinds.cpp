#include "format/content_kinds.h"

#include "base/letter_case.h"

namespace tfile {

namespace {

// Bytes at a fixed offset that identify a kind of file.
struct Signature {
  size_t offset;
  Text bytes;
  const char *kind;
};

constexpr size_t kTarMagic = 257;

// The signatures in the order in which they are tried. A signature that begins with another one must precede it.
constexpr Signature kSignatures[] = {
    {0, "version https://git-lfs.github.com/spec/", "a Git LFS pointer: the file itself has not been downloaded"},
    {0, {"\x1f\x8b", 2}, "gzip data"},
    {0, {"\x28\xb5\x2f\xfd", 4}, "zstd data"},
    {0,
     {"\xfd"
      "7zXZ\0",
      6},
     "xz data"},
    {0, {"\x04\x22\x4d\x18", 4}, "lz4 data"},
    {0, "BZh", "bzip2 data"},
    {kTarMagic, "ustar", "a tar archive"},
    {0, {"\x89HDF\r\n\x1a\n", 8}, "an HDF5 file"},
    {0, "MATLAB 5.0 MAT-file", "a MATLAB file"},
    {0, "ARROW1", "an Arrow file"},
    {0, "PAR1", "a Parquet file"},
    {4, "TFL3", "a TensorFlow Lite model"},
    {0, "lmgg", "a ggml file, older than gguf"},
    {0, "fmgg", "a ggml file, older than gguf"},
    {0, "tjgg", "a ggml file, older than gguf"},
    {0, {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14}, "a PyTorch file (a pickle)"},
};

bool has_at(Bytes head, size_t offset, Text wanted) {
  const Bytes found = head.from(offset);
  return found.size() >= wanted.size() && memcmp(found.data(), wanted.data(), wanted.size()) == 0;
}

// True for a pickle of protocol 2 to 5. Older protocols have no signature.
bool is_pickle(Bytes head) {
  return head.size() >= 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
}

// True if the bytes look like an ONNX model. All known exporters begin its protobuf with the fields 1, ir_version, and
// 2, producer_name.
bool is_onnx(Bytes head) {
  constexpr uint8_t kMostVersion = 32;
  constexpr uint8_t kMostName = 64;
  return head.size() >= 4 && head[0] == 0x08 && head[1] >= 1 && head[1] <= kMostVersion && head[2] == 0x12 &&
         head[3] >= 1 && head[3] <= kMostName;
}

// True for a zip archive whose first member is the pickle that PyTorch writes first.
bool is_pytorch_archive(Bytes head) {
  constexpr size_t kNameSizeAt = 26;  // in the header of the member
  constexpr size_t kNameAt = 30;
  if (head.size() < kNameAt || !has_at(head, 0, {"PK\3\4", 4})) return false;
  const size_t size = head[kNameSizeAt] + size_t{256} * head[kNameSizeAt + 1];
  const Bytes name = head.from(kNameAt).first(size);
  return is_pytorch_member(Text(reinterpret_cast<const char *>(name.data()), name.size()));
}

// True if the bytes begin with a text, ignoring letter case.
bool begins_with_ignoring_case(Bytes head, Text text) {
  const Bytes start = head.first(text.size());
  return equal_ignoring_case(Text(reinterpret_cast<const char *>(start.data()), start.size()), text);
}

// Skips a byte order mark and white space at the start of a text file.
Bytes text_of(Bytes head) {
  constexpr Text kByteOrderMark("\xef\xbb\xbf", 3);
  if (has_at(head, 0, kByteOrderMark)) head = head.from(kByteOrderMark.size());
  size_t start = 0;
  while (start < head.size() && (head[start] == ' ' || (head[start] >= '\t' && head[start] <= '\r')))
    ++start;
  return head.from(start);
}

const char *text_kind(Bytes head) {
  const Bytes text = text_of(head);
  if (begins_with_ignoring_case(text, "<!doctype html") || begins_with_ignoring_case(text, "<html")) {
    return "an HTML page";
  }
  if (begins_with_ignoring_case(text, "<?xml")) return "an XML document";
  return nullptr;
}

}  // namespace

const char *content_kind(Bytes head) {
  for (const Signature &signature : kSignatures) {
    if (has_at(head, signature.offset, signature.bytes)) return signature.kind;
  }
  if (is_pickle(head)) return "a pickle";
  if (is_onnx(head)) return "an ONNX model";
  if (is_pytorch_archive(head)) return "a PyTorch file (a zip archive with a pickle)";
  return text_kind(head);
}

bool is_pytorch_member(Text name) {
  return name == Text("data.pkl") || name.ends_with("/data.pkl");
}

}  // namespace tfile
