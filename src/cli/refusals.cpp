#include <algorithm>
#include <utility>

#include "cli/convert.h"
#include "cli/text.h"

namespace cli {

namespace {

// Returns the library's message if an action fails, else "". Throws if memory runs out.
template <typename Action>
std::string failure_of(Action &&action) {
  try {
    action();
    return "";
  } catch (const tensorfile::Error &error) {
    if (error.status() == tensorfile::Status::out_of_memory) throw;
    return error.what();
  }
}

// Returns a sink that discards what is written.
tensorfile::Sink discard() {
  return tensorfile::Sink::to_function([](const void *, size_t) {});
}

// Removes the name of the array or key from a message of the library, because the entry already contains it.
std::string reason(const std::string &message, const std::string &name) {
  for (const std::string &prefix : {in_quotes(name) + " (", "key " + in_quotes(name) + ": "}) {
    const size_t at = message.find(prefix);
    if (at == std::string::npos) continue;
    std::string rest = message.substr(at + prefix.size());
    if (prefix.ends_with('(') && rest.ends_with(')')) rest.pop_back();
    return rest;
  }
  return message;
}

// Removes the option that no flag of the program sets.
std::string without_option(const std::string &why) {
  return why.substr(0, why.find("; TF_OPTION_GGUF_EXTENDED"));
}

// Returns an array of zeros in which the last size is `unit` and all others are 1.
tensorfile::Array miniature(tensorfile::Dtype dtype, size_t ndim, uint32_t unit) {
  tensorfile::Shape shape(ndim, 1);
  if (ndim > 0) shape.back() = unit;
  return tensorfile::Array::zeros(dtype, shape);
}

int64_t count(const std::vector<int64_t> &shape) {
  int64_t product = 1;
  for (const int64_t size : shape)
    product *= size;
  return product;
}

// Returns the reason if the shape is impossible for the dtype, else "": rows of a block type must be whole blocks, and
// an array of a packed type must fill whole bytes.
std::string division_refusal(const PlannedArray &array) {
  const int64_t unit = tensorfile::block_size(array.to);
  const bool blocks = tensorfile::bits(array.to) == 0;
  const int64_t size = !blocks ? count(array.shape) : array.shape.empty() ? 1 : array.shape.back();
  if (size % unit == 0) return "";
  return (blocks ? "rows of " : "") + count_text(static_cast<uint64_t>(size), "element") + "; " +
         tensorfile::name(array.to) + " needs a multiple of " + std::to_string(unit);
}

std::string cast_refusal(const PlannedArray &array) {
  if (array.to == array.from) return "";
  std::string why = division_refusal(array);
  if (!why.empty()) return why;
  const uint32_t unit = std::max(tensorfile::block_size(array.from), tensorfile::block_size(array.to));
  tensorfile::Array small = miniature(array.from, array.shape.size(), unit);
  return cast(small, array.to);
}

std::string array_refusal(tensorfile::Format format, const PlannedArray &array, const tensorfile::Options &options) {
  std::string why = cast_refusal(array);
  if (!why.empty()) return why;
  const tensorfile::Array small = miniature(array.to, array.shape.size(), tensorfile::block_size(array.to));
  if (holds_one_array(format)) {
    return failure_of([&] {
      tensorfile::Writer writer(discard(), format);
      writer.declare("", array.to, small.shape()).write(small).finish();
    });
  }
  return failure_of([&] {
    tensorfile::Dict arrays;
    arrays.set(array.name, small);
    tensorfile::save_sink(discard(), format, arrays, {}, options);
  });
}

std::string value_refusal(tensorfile::Format format, const tensorfile::Dict::Entry &entry) {
  if (holds_one_array(format)) return "the format has no metadata";
  return failure_of([&] {
    tensorfile::Dict alone;
    alone.set(entry);
    tensorfile::save_sink(discard(), format, tensorfile::Dict(), alone);
  });
}

}  // namespace

std::string cast(tensorfile::Array &array, tensorfile::Dtype dtype) {
  return failure_of([&] { array = array.cast(dtype); });
}

bool holds_one_array(tensorfile::Format format) {
  tensorfile::Writer writer(discard(), format);
  writer.declare("first", tensorfile::Dtype::uint8, {1});
  return !failure_of([&] { writer.declare("second", tensorfile::Dtype::uint8, {1}); }).empty();
}

std::vector<std::string> refusals(tensorfile::Format format, const std::vector<PlannedArray> &arrays,
                                  const tensorfile::Dict &metadata, const tensorfile::Options &options) {
  std::vector<std::string> out;
  for (const PlannedArray &array : arrays) {
    const std::string why = array_refusal(format, array, options);
    if (!why.empty())
      out.push_back("array " + in_quotes(array.name) + " (" + without_option(reason(why, array.name)) + ")");
  }
  for (const tensorfile::Dict::Entry &entry : metadata) {
    const std::string why = value_refusal(format, entry);
    const std::string key(entry.key());
    if (!why.empty()) out.push_back("metadata " + in_quotes(key) + " (" + reason(why, key) + ")");
  }
  return out;
}

}  // namespace cli
