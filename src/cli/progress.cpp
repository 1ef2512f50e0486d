#include "cli/progress.h"

#include <algorithm>
#include <cstdio>

#include "cli/error_output.h"
#include "cli/platform.h"
#include "cli/remote.h"
#include "cli/settings.h"
#include "cli/text.h"

namespace cli {

namespace {

constexpr uint64_t kMinBytes = uint64_t{64} << 20U;
constexpr size_t kLabelColumns = 30;
constexpr int kCells = 30;
constexpr double kMinSeconds = 0.1;  // before this time a rate says little

void write_to_terminal(const std::string &text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

Progress::Progress(std::string_view path) : label_(cut(argument_text(path), kLabelColumns)) {}

void Progress::finish() {
  if (columns_ > 0) write_to_terminal("\r" + std::string(columns_, ' ') + "\r");
  columns_ = 0;
  total_ = 0;
}

void Progress::watch(tensorfile::Options &options) {
  options.set_progress([this](uint64_t done, uint64_t /*total*/) {
    stop_if_interrupted();
    draw(done_ + done);
    return true;
  });
}

void Progress::watch_all(tensorfile::Options &options) {
  options.set_progress([this](uint64_t done, uint64_t total) {
    stop_if_interrupted();
    if (total_ == 0) expect_bytes(total);
    draw(done);
    return true;
  });
}

void Progress::expect_bytes(uint64_t total) {
  total_ = total >= kMinBytes && stderr_is_terminal() && !settings().quiet ? total : 0;
  start_ = std::chrono::steady_clock::now();
}

void Progress::advance(uint64_t bytes) {
  stop_if_interrupted();
  done_ += bytes;
  draw(done_);
}

// Returns the rate and the remaining time, once they can be estimated.
std::string Progress::speed(uint64_t done) const {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  if (elapsed.count() < kMinSeconds || done == 0) return "";
  const double rate = static_cast<double>(done) / elapsed.count();
  const auto seconds = static_cast<uint64_t>(static_cast<double>(total_ - std::min(done, total_)) / rate);
  const std::string rest = std::to_string(seconds % 60);
  return "  " + bytes_text(static_cast<uint64_t>(rate)) + "/s  " + std::to_string(seconds / 60) + ":" +
         std::string(2 - rest.size(), '0') + rest + " left";
}

void Progress::draw(uint64_t done) {
  if (total_ == 0) return;
  const double fraction = static_cast<double>(std::min(done, total_)) / static_cast<double>(total_);
  const int percent = static_cast<int>(fraction * 100);
  if (percent <= percent_) return;
  percent_ = percent;
  const int full = percent * kCells / 100;
  const std::string number = std::to_string(percent);
  std::string line = label_ + " [" + std::string(static_cast<size_t>(full), '#') +
                     std::string(static_cast<size_t>(kCells - full), ' ') + "] " + std::string(3 - number.size(), ' ') +
                     number + "%" + speed(done);
  const size_t columns = width(line);
  if (columns < columns_) line.append(columns_ - columns, ' ');
  columns_ = std::max(columns, columns_);
  write_to_terminal("\r" + line);
}

}  // namespace cli
