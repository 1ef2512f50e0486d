// The tree of tensorfile ls --tree.
#include <algorithm>
#include <list>
#include <unordered_map>

#include "cli/listing.h"
#include "cli/text.h"
#include "cli/text_table.h"

namespace cli {

namespace {

// Deeper modules are not divided further, so that a hostile name cannot make the output, or the recursion, too deep.
constexpr size_t kMaxDepth = 32;

// What the names of its arrays have in common.
struct Module {
  std::string name;
  std::vector<std::pair<std::string, const ListedArray *>> arrays;  // with the last part of their names
  std::list<Module> modules;  // may be of an incomplete type, and its elements stay where they are
  std::unordered_map<std::string, Module *> by_name;
  uint64_t count = 0;   // of arrays, also in the modules inside
  uint64_t nbytes = 0;  // of these arrays

  Module &inside(const std::string &part) {
    Module *&found = by_name[part];
    if (found == nullptr) {
      found = &modules.emplace_back();
      found->name = part;
    }
    return *found;
  }
  void add(const ListedArray &array) {
    ++count;
    nbytes += array.entry.nbytes();
  }
};

void insert(Module &root, const ListedArray &array) {
  Module *module = &root;
  module->add(array);
  std::string_view rest = array.name;
  for (size_t depth = 0; depth < kMaxDepth; ++depth) {
    const size_t end = rest.find_first_of("./");
    if (end == std::string_view::npos) break;
    module = &module->inside(std::string(rest.substr(0, end + 1)));
    module->add(array);
    rest.remove_prefix(end + 1);
  }
  module->arrays.emplace_back(rest, &array);
}

class TreePrinter {
 public:
  explicit TreePrinter(const ListRequest &request) : request_(request) {}

  // Recurses once for each level.
  void add(Module &module, size_t depth) {
    const std::string indentation(2 * depth, ' ');
    for (const auto &[name, array] : module.arrays) {
      rows_.push_back({indentation + escaped(name)});
      const std::vector<std::string> columns = columns_of(*array, request_);
      rows_.back().insert(rows_.back().end(), columns.begin(), columns.end());
    }
    std::vector<Module *> order;
    order.reserve(module.modules.size());
    for (Module &inner : module.modules)
      order.push_back(&inner);
    if (request_.sort == "size") {
      std::stable_sort(order.begin(), order.end(),
                       [](const Module *a, const Module *b) { return a->nbytes > b->nbytes; });
    }
    for (Module *inner : order) {
      rows_.push_back(
          {indentation + escaped(inner->name), count_text(inner->count, "array"), "", bytes_text(inner->nbytes)});
      add(*inner, depth + 1);
    }
  }

  void print() {
    size_t columns = 0;
    for (const auto &row : rows_)
      columns = std::max(columns, row.size());
    for (auto &row : rows_)
      row.resize(columns);
    if (!rows_.empty()) print_table(rows_);
  }

 private:
  const ListRequest &request_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace

void print_tree(const Listing &listing, const ListRequest &request) {
  Module root;
  for (const ListedArray &array : listing.arrays)
    insert(root, array);
  TreePrinter printer(request);
  printer.add(root, 0);
  printer.print();
}

}  // namespace cli
