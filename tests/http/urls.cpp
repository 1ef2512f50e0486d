// A program as a user of tensorfile_http.hpp writes it: prints the arrays of a file at a URL.
//
// usage: urls URL [OPTION=VALUE...]
//
// OPTION is token, requests, ca_file, header, or cancel: VALUE calls of the callback then return before one cancels.
#include <tensorfile_http.hpp>

#include <atomic>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace tf = tensorfile;

namespace {

// Sets what an argument says, OPTION=VALUE.
void set(tf::HttpOptions &options, const std::string &argument) {
  const std::size_t equals = argument.find('=');
  tf::detail::require(equals != std::string::npos, tf::Status::invalid_argument, "expected OPTION=VALUE");
  const std::string name = argument.substr(0, equals);
  const std::string value = argument.substr(equals + 1);
  if (name == "token") {
    options.set(tf::HttpOption::token, value);
  } else if (name == "requests") {
    options.set(tf::HttpOption::requests, std::stoll(value));
  } else if (name == "ca_file") {
    options.set(tf::HttpOption::ca_file, value);
  } else if (name == "header") {
    options.add_header("X-Test", value);
  } else if (name == "cancel") {
    const auto calls = std::make_shared<std::atomic<int>>(std::stoi(value));
    options.set_cancel([calls] { return (*calls)-- <= 0; });
  } else {
    throw tf::Error(tf::Status::invalid_argument, "there is no option " + name);
  }
}

// Sums up the bytes of an array.
unsigned long long sum(const tf::Array &array) {
  unsigned long long total = 0;
  const auto *const bytes = static_cast<const unsigned char *>(array.data());
  for (std::uint64_t i = 0; i < array.nbytes(); ++i)
    total += bytes[i];
  return total;
}

int run(const std::string &url, const std::vector<std::string> &arguments) {
  if (!tf::is_url(url)) throw tf::Error(tf::Status::invalid_argument, url + " is no URL");
  // The setting is replaced if an argument sets it too.
  tf::HttpOptions options = {{tf::HttpOption::backoff, 1}, {tf::HttpOption::user_agent, "urls/1"}};
  for (const std::string &argument : arguments)
    set(options, argument);
  const tf::File file(tf::source_from_url(url, options.share()));
  std::vector<std::string> names;
  for (const auto &entry : file)
    names.emplace_back(entry.name());
  // Each array is read by a thread of its own.
  std::vector<unsigned long long> sums(names.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < names.size(); ++i)
    threads.emplace_back([&, i] { sums[i] = sum(file.read(names[i])); });
  for (std::thread &thread : threads)
    thread.join();
  for (std::size_t i = 0; i < names.size(); ++i)
    std::printf("%s %llu\n", names[i].c_str(), sums[i]);
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  try {
    if (argc < 2) throw tf::Error(tf::Status::invalid_argument, "expected a URL");
    return run(argv[1], std::vector<std::string>(argv + 2, argv + argc));
  } catch (const tf::Error &error) {
    std::fprintf(stderr, "%s: %s\n", tf::name(error.status()), error.what());
    return 1;
  }
}
