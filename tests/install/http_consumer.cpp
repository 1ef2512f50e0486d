// Uses tensorfile_http.hpp like a typical program. Nothing listens on the port, so the request fails.
#include <iostream>
#include <tensorfile_http.hpp>

int main() try {
  tensorfile::source_from_url("http://127.0.0.1:9/w.npy", {{tensorfile::HttpOption::retries, 0}});
  return 1;
} catch (const tensorfile::Error &error) {
  if (error.status() == tensorfile::Status::io) return 0;
  std::cerr << "http_consumer: " << error.what() << '\n';
  return 1;
}
