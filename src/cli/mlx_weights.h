// `--decode mlx`: the weights that MLX has quantized, as floats.
//
// MLX stores such a weight as three arrays: NAME.weight with packed codes, NAME.scales and NAME.biases. Each row of the
// weight is divided into groups of elements that share a scale and a bias, and an element is code * scale + bias.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/input_file.h"
#include "cli/pieces.h"

namespace cli {

struct MlxCoding {
  int64_t group_size;  // elements that share a scale and a bias
  int64_t bits;        // of a code
};

// A weight, besides the array of its codes.
struct MlxWeight {
  size_t scales;  // index of the array in the file of the weight
  size_t biases;
  MlxCoding coding;
  tensorfile::Dtype dtype;  // of the decoded weight, which is that of the scales
  std::vector<int64_t> shape;
};

// The option --decode.
struct DecodeOption {
  std::string text;                 // mlx or mlx:GROUP_SIZE:BITS; "" if the option is not given
  std::optional<MlxCoding> coding;  // that the option states

  // Parses the text. Throws UsageError.
  void complete();
};

// Finds the quantized weights of a file.
class MlxWeights {
 public:
  // Reads the config.json in the folder of the arrays, if there is one and they are not at a URL. Throws CORRUPT if it is
  // not JSON.
  MlxWeights(const tensorfile::File &file, const DecodeOption &option);

  // Returns the weight whose codes an array has, or nothing if it has none. Throws if the arrays of a weight contradict
  // each other or the coding that is stated, or if no coding is stated and several fit.
  std::optional<MlxWeight> find(const Entry &codes) const;

  // True if an array is the scales or biases of a weight. Its codes need not be valid, so that --drop can leave it out.
  bool is_companion(std::string_view name) const;

 private:
  struct Config {
    std::optional<MlxCoding> all;
    std::map<std::string, MlxCoding, std::less<>> layers;  // by the name of the weight without ".weight"
  };

  void read_config(const std::string &path);
  std::optional<MlxCoding> stated(std::string_view stem) const;
  MlxCoding coding_of(const Entry &codes, std::string_view stem, int64_t bits_of_group) const;

  tensorfile::File file_;
  std::optional<MlxCoding> option_;
  bool is_remote_ = false;
  Config config_;
};

// Reads a weight in consecutive pieces of whole rows.
class MlxPieces {
 public:
  MlxPieces(const Entry &codes, const MlxWeight &weight);

  // Reads and decodes the next piece. Returns an empty handle after the last one.
  tensorfile::Array next();

 private:
  Entry codes_;
  Entry scales_;
  Entry biases_;
  MlxWeight weight_;
  Division rows_;
};

}  // namespace cli
