// `tensorfile convert --imatrix`: reads an importance matrix, which llama-imatrix has measured.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensorfile.hpp"

namespace cli {

// True if an array is a table of embeddings, which llama-imatrix does not measure.
bool is_embedding(std::string_view name);

// The weights of the columns of a model's arrays.
class ImportanceMatrix {
 public:
  // Reads a .gguf of llama-imatrix. Throws the library's errors.
  void read(const std::string &path);

  bool empty() const { return arrays_.empty(); }
  // Returns float32 weights whose shape is that of the array but for sizes of 1, or an empty handle if there are none for
  // the array, or it has neither 2 nor 3 dimensions. Throws if their number does not fit, unless is_embedding().
  tensorfile::Array weights_of(const std::string &name, std::span<const int64_t> shape) const;
  // Adds what llama-quantize says about the matrix.
  void describe(tensorfile::Dict &metadata) const;

 private:
  void add(const tensorfile::File &file, const tensorfile::File::Entry &sums, const std::string &name);

  std::string path_;
  std::string dataset_;
  int64_t chunks_ = 0;
  std::map<std::string, std::vector<float>> arrays_;
};

}  // namespace cli
