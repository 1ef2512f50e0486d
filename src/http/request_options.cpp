#include "http/request_options.h"

#include "http/failure.h"
#include "http/proxy.h"

namespace tfhttp {

namespace {

struct NumberRow {
  const char *name;
  int64_t least;
  int64_t most;
  int64_t usual;
};

constexpr int64_t kHour = 3600000;
constexpr int64_t kMostBytes = int64_t{64} << 20;

constexpr NumberRow kNumberRows[kNumbers] = {
    {},
    {"CONNECT_TIMEOUT", 1, kHour, 15000},
    {"STALL_TIMEOUT", 1, kHour, 30000},
    {"RETRIES", 0, 100, 4},
    {"BACKOFF", 0, kHour, 250},
    {"MAX_WAIT", 0, kHour, 60000},
    {"REDIRECTS", 0, 5, 5},
    {"FIRST_BYTES", 0, kMostBytes, 0},
    {"GAP", 0, kMostBytes, int64_t{1} << 20},
    {"PIECE", 0, kMostBytes, int64_t{8} << 20},
    {"REQUESTS", 1, 1024, 16},
    {"STREAMS", 1, 1024, 100},
};

struct StringRow {
  const char *name;
  const char *usual;
};

constexpr StringRow kStringRows[kStrings] = {
    {"CA_FILE", ""},
    {"PROXY", ""},
    {"NO_PROXY", ""},
    {"USER_AGENT", "tensorfile/" TENSORFILE_VERSION_STRING},
    {"TOKEN", ""},
    {"TOKEN_FILE", ""},
    {"HF_ENDPOINT", "https://huggingface.co"},
    {"S3_ENDPOINT", ""},
    {"S3_REGION", "us-east-1"},
    {"S3_ACCESS_KEY", ""},
    {"S3_SECRET_KEY", ""},
    {"S3_SESSION_TOKEN", ""},
    {"S3_CREDENTIALS_FILE", ""},
    {"S3_PROFILE", "default"},
};

bool is_number(tf_http_option option) {
  return option > 0 && option < kNumbers;
}

bool is_string(tf_http_option option) {
  return option >= kFirstString && option < kFirstString + kStrings;
}

tf_status no_such_option(tf_http_option option, const char *kind) {
  Failure failure(TF_STATUS_INVALID_ARGUMENT);
  failure << "there is no option of requests with the number ";
  if (option < 0) failure << '-';
  return failure << static_cast<uint64_t>(option < 0 ? -static_cast<int64_t>(option) : option) << " that is a " << kind;
}

// Characters of a token, as RFC 9110 has it.
bool is_header_name(Text name) {
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && strchr("!#$%&'*+-.^_`|~", c) == nullptr) return false;
  }
  return !name.empty();
}

// Headers that the library sets itself, or that would change how the body is sent.
bool is_reserved(Text name) {
  for (const char *const reserved :
       {"Host", "Range", "If-Range", "Accept-Encoding", "Connection", "Content-Length", "Transfer-Encoding", "TE",
        "Upgrade", "Expect", "User-Agent", "Proxy-Authorization", "Proxy-Connection"}) {
    if (name.equals_ignoring_case(reserved)) return true;
  }
  return false;
}

}  // namespace

bool is_printable(Text text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

tf_status set_number(Options &options, tf_http_option option, int64_t value) {
  if (!is_number(option)) return no_such_option(option, "number");
  const NumberRow &row = kNumberRows[option];
  if (value >= row.least && value <= row.most) {
    options.numbers[option] = value;
    return TF_STATUS_OK;
  }
  Failure failure(TF_STATUS_INVALID_ARGUMENT);
  failure << row.name << ": expected " << static_cast<uint64_t>(row.least) << " to " << static_cast<uint64_t>(row.most)
          << ", found " << (value < 0 ? "-" : "");
  return failure << (value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
}

tf_status set_string(Options &options, tf_http_option option, Text value) {
  if (!is_string(option)) return no_such_option(option, "string");
  if (!is_printable(value)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << kStringRows[option - kFirstString].name << ": the value contains control characters";
  }
  if (option == TF_HTTP_OPTION_PROXY && !value.empty()) TFHTTP_TRY(check_proxy(value));
  String copy;
  copy << value;
  TFHTTP_TRY(require(copy));
  options.strings[option - kFirstString] = static_cast<String &&>(copy);
  return TF_STATUS_OK;
}

tf_status add_header(Options &options, Text name, Text value) {
  if (!is_header_name(name)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "this cannot be the name of a header: expected letters, digits and -";
  }
  if (is_reserved(name))
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "the library sets the header " << name << " itself";
  if (!is_printable(value)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "the value of the header " << name << " contains control characters";
  }
  String headers;
  headers << options.headers << name << ": " << value.trimmed() << '\0';
  TFHTTP_TRY(require(headers));
  options.headers = static_cast<String &&>(headers);
  return TF_STATUS_OK;
}

tf_status copy_options(Ref<Options> *out, const Options *from) {
  Ref<Options> copy(make_object<Options>());
  if (!copy) return out_of_memory();
  if (from != nullptr) {
    memcpy(copy->numbers, from->numbers, sizeof(copy->numbers));
    for (int32_t i = 0; i < kStrings; ++i) {
      copy->strings[i] << from->strings[i];
      TFHTTP_TRY(require(copy->strings[i]));
    }
    copy->headers << from->headers;
    TFHTTP_TRY(require(copy->headers));
    copy->cancellation = Ref<Cancellation>::share(from->cancellation.get());
  }
  *out = static_cast<Ref<Options> &&>(copy);
  return TF_STATUS_OK;
}

}  // namespace tfhttp

tf_http_options::tf_http_options() {
  for (int32_t i = 0; i < tfhttp::kNumbers; ++i)
    numbers[i] = tfhttp::kNumberRows[i].usual;
}

tfhttp::Text tf_http_options::string(tf_http_option option) const {
  const int32_t i = option - tfhttp::kFirstString;
  return strings[i].empty() ? tfhttp::Text(tfhttp::kStringRows[i].usual) : strings[i].text();
}
