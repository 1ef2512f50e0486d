#include "cli/quantize.h"

#include <algorithm>

#include "cli/text.h"

namespace cli {

namespace {

// A type of blocks of 32 that keeps about as many bits, for rows that are not whole blocks of 256.
tf_dtype smaller_blocks(tf_dtype dtype) {
  switch (dtype) {
    case TF_DTYPE_Q2_K:
    case TF_DTYPE_Q3_K:
    case TF_DTYPE_TQ1_0:
    case TF_DTYPE_TQ2_0:
      return TF_DTYPE_Q4_0;
    case TF_DTYPE_IQ4_XS:
      return TF_DTYPE_IQ4_NL;
    case TF_DTYPE_Q4_K:
      return TF_DTYPE_Q5_0;
    case TF_DTYPE_Q5_K:
      return TF_DTYPE_Q5_1;
    case TF_DTYPE_Q6_K:
    case TF_DTYPE_Q8_K:
      return TF_DTYPE_Q8_0;
    default:
      return dtype;
  }
}

bool is_float(tf_dtype dtype) {
  return dtype >= TF_DTYPE_FLOAT16 && dtype <= TF_DTYPE_FLOAT64;
}

bool any_matches(const std::vector<std::string> &patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(), [name](const std::string &p) { return matches(p, name); });
}

// Why an array is left as it is, or "".
std::string left_because(const Planned &array, const Quantize &quantize) {
  if (!quantize.include.empty() && !any_matches(quantize.include, array.name)) return "not included";
  if (any_matches(quantize.exclude, array.name)) return "excluded";
  if (!is_float(array.from)) return "not a float";
  if (array.shape.size() < 2) return "fewer than 2 dimensions";
  return "";
}

bool fits(const Planned &array, tf_dtype dtype) {
  return array.shape.back() % tf_dtype_block_size(dtype) == 0;
}

// Chooses the type of one array; what is said of it.
std::string plan_array(Planned &array, const Quantize &quantize) {
  const std::string kept = std::string(tf_dtype_name(array.from)) + ", kept: ";
  if (const std::string why = left_because(array, quantize); !why.empty()) return kept + why;
  const std::string rows = "rows of " + std::to_string(array.shape.back());
  const tf_dtype second = smaller_blocks(quantize.dtype);
  if (!fits(array, quantize.dtype) && !fits(array, second)) {
    return kept + rows + " are not whole blocks of " + std::to_string(tf_dtype_block_size(second));
  }
  array.to = fits(array, quantize.dtype) ? quantize.dtype : second;
  std::string said = std::string(tf_dtype_name(array.from)) + " -> " + tf_dtype_name(array.to);
  if (array.to != quantize.dtype) {
    said += ", as " + rows + " are not whole blocks of " + tf_dtype_name(quantize.dtype);
  }
  return said;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;  // the last one met, to which a mismatch goes back
  size_t from = 0;
  while (n < name.size()) {
    const size_t step = next_character(name.substr(n)).bytes.size();
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      n += step;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<std::string> plan_blocks(std::vector<Planned> &arrays, const Quantize &quantize) {
  std::vector<std::string> said;
  said.reserve(arrays.size());
  for (Planned &array : arrays) {
    std::string line = escaped(array.name);
    line.append(": ").append(plan_array(array, quantize));
    said.push_back(std::move(line));
  }
  return said;
}

}  // namespace cli
