// Opens and reads a file whose server answers each request with the bytes of the input, through libcurl.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mutex>
#include <string_view>
#include <thread>

#include "fuzz.h"
#include "http/request_options.h"

namespace {

using namespace tfile::fuzz;
using namespace tfhttp;

// A server on the loopback interface that gives each connection the same answer.
class Server {
 public:
  Server() : listening_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    socklen_t size = sizeof(address);
    FUZZ_CHECK(bind(listening_, reinterpret_cast<sockaddr *>(&address), size) == 0 && listen(listening_, 64) == 0 &&
               getsockname(listening_, reinterpret_cast<sockaddr *>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    std::thread([this] { run(); }).detach();
  }

  // Sets the answer, and returns the address of the server. Each has another one, since the system does not use a pair of
  // ports of one address again for a minute.
  std::string serve(std::string_view answer) {
    const std::lock_guard<std::mutex> guard(lock_);
    answer_ = answer;
    ++address_;
    return "127." + std::to_string(address_ >> 14 & 127) + "." + std::to_string(address_ >> 7 & 127) + "." +
           std::to_string(1 + (address_ & 127)) + ":" + std::to_string(port_);
  }

 private:
  void run() {
    for (;;) {
      const int connection = accept(listening_, nullptr, nullptr);
      if (connection < 0) continue;
      std::string answer;
      {
        const std::lock_guard<std::mutex> guard(lock_);
        answer = answer_;
      }
      std::string request;
      char buffer[4096];
      ssize_t count = 0;
      while (request.find("\r\n\r\n") == std::string::npos && (count = recv(connection, buffer, sizeof(buffer), 0)) > 0)
        request.append(buffer, static_cast<size_t>(count));
      (void)send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
      close(connection);
    }
  }

  int listening_;
  uint16_t port_ = 0;
  uint32_t address_ = 0;
  std::mutex lock_;
  std::string answer_;
};

// Opens and reads what a server answers. A redirect could lead elsewhere, so none is followed.
void fuzz_answer(std::string_view answer, uint8_t choice) {
  // Never destroyed: its thread runs until the end.
  static Server &server = *new Server();
  const std::string address = server.serve(answer);
  tf_http_options options;
  FUZZ_CHECK(set_number(options, TF_HTTP_OPTION_REDIRECTS, 0) == TF_STATUS_OK);
  FUZZ_CHECK(set_number(options, TF_HTTP_OPTION_RETRIES, choice >> 2 & 1) == TF_STATUS_OK);
  FUZZ_CHECK(set_number(options, TF_HTTP_OPTION_BACKOFF, 0) == TF_STATUS_OK);
  FUZZ_CHECK(set_number(options, TF_HTTP_OPTION_MAX_WAIT, 0) == TF_STATUS_OK);
  FUZZ_CHECK(set_number(options, TF_HTTP_OPTION_STALL_TIMEOUT, 2000) == TF_STATUS_OK);
  FUZZ_CHECK(set_number(options, TF_HTTP_OPTION_FIRST_BYTES, 64) == TF_STATUS_OK);
  const std::string endpoint = "http://" + address;
  FUZZ_CHECK(set_string(options, TF_HTTP_OPTION_HF_ENDPOINT, endpoint.c_str()) == TF_STATUS_OK);
  FUZZ_CHECK(set_string(options, TF_HTTP_OPTION_S3_ENDPOINT, endpoint.c_str()) == TF_STATUS_OK);
  FUZZ_CHECK(set_string(options, TF_HTTP_OPTION_S3_ACCESS_KEY, "k") == TF_STATUS_OK);
  const std::string urls[] = {endpoint + "/m.npy", "s3://bucket/m.npy", "hf://o/n/m.npy", endpoint + "/m.json"};
  tf_source *raw = nullptr;
  const tf_status status = tf_source_from_url(&raw, urls[choice & 3].c_str(), &options);
  FUZZ_CHECK((status == TF_STATUS_OK) == (raw != nullptr));
  FUZZ_CHECK(status == TF_STATUS_OK || status == TF_STATUS_IO || status == TF_STATUS_NOT_FOUND ||
             status == TF_STATUS_UNSUPPORTED);
  for (const char *c = tf_error_message(); status != TF_STATUS_OK && *c != '\0'; ++c)
    FUZZ_CHECK(static_cast<unsigned char>(*c) >= ' ' && *c != 0x7F);
  const Handle<tf_source> source(raw);
  tf_file *raw_file = nullptr;
  if (source) (void)tf_file_open_source(&raw_file, source.get(), TF_FORMAT_AUTO, nullptr);
  const Handle<tf_file> file(raw_file);
  tf_array *array = nullptr;
  if (file && tf_file_count(file.get()) > 0) (void)tf_file_read(&array, file.get(), 0);
  const Handle<tf_array> owner(array);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Input input(data, size);
  const uint8_t choice = input.byte();
  fuzz_answer(std::string_view(reinterpret_cast<const char *>(input.data()), input.size()), choice);
  return 0;
}
