// Operations that programs perform with the library. Tests repeat each of them while something fails.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::faults {

using testing::Handle;

// The arrays, dicts and files that operations use. They must not change them.
struct World {
  World();

  TempFolder folder;
  Handle<tf_array> matrix, blocks, half;
  Handle<tf_dict> arrays, weights, strings, values, tree;
  std::vector<std::string> files;  // one of each format, and both a stored and a deflated .npz

  // Fails the test if an array or a dict has changed.
  void expect_unharmed() const;

 private:
  std::vector<uint8_t> image() const;
  std::vector<uint8_t> before_;
};

struct Operation {
  std::string name;
  bool saves;  // it saves over "target" in the folder
  std::function<tf_status(const tf_options *options)> run;
  bool has_path = true;  // its errors begin with a path
};

// Returns all operations. `target` is the path that saves write to.
std::vector<Operation> operations(const World &world, const std::string &target);

}  // namespace tfile::faults
