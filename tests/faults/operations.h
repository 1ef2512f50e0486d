// What a host does with the library: each operation is run again and again while something fails.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::faults {

using testing::Handle;

// Arrays, dicts and files that operations use and must leave as they are.
struct World {
  World();

  TempFolder folder;
  Handle<tf_array> matrix, blocks, half;
  Handle<tf_dict> arrays, weights, strings, values, tree;
  std::vector<std::string> files;  // one of each format, the npz once stored and once deflated

  // Nothing of it has changed.
  void expect_unharmed() const;

 private:
  std::vector<uint8_t> image() const;
  std::vector<uint8_t> before_;
};

struct Operation {
  std::string name;
  bool saves;  // over "target" in the folder
  std::function<tf_status(const tf_options *options)> run;
  bool has_path = true;  // its errors name a file
};

// target: the path that saves go to.
std::vector<Operation> operations(const World &world, const std::string &target);

}  // namespace tfile::faults
