#include "http/request_headers.h"

#include "http/signature.h"

namespace tfhttp {

tf_status RequestHeaders::add(const String &line) {
  TFHTTP_TRY(require(line));
  curl_slist *const longer = curl_slist_append(list_, line.c_str());
  if (longer == nullptr) return out_of_memory();
  list_ = longer;
  return TF_STATUS_OK;
}

tf_status RequestHeaders::make(const Options &options, const Request &request) {
  String range;
  range << "bytes=" << request.offset << '-' << request.offset + request.nbytes - 1;
  String line;
  line << "Range: " << range;
  TFHTTP_TRY(add(line));
  // Ranges of a compressed answer would be those of the compressed bytes.
  line.assign("Accept-Encoding: identity");
  TFHTTP_TRY(add(line));
  if (!request.with_credentials) return TF_STATUS_OK;
  if (request.location->scheme == Scheme::kS3) return sign(options, *request.location, range.text());
  if (request.location->scheme == Scheme::kHttp) TFHTTP_TRY(add_secrets(options));
  const Text token = options.string(TF_HTTP_OPTION_TOKEN);
  if (token.empty()) return TF_STATUS_OK;
  line.assign("Authorization: Bearer ") << token;
  return add(line);
}

tf_status RequestHeaders::add_secrets(const Options &options) {
  for (Text rest = options.headers.text(); !rest.empty();) {
    String line;
    line << Text(rest.data);
    // libcurl leaves out a header without a value, unless its name ends in ';'.
    const size_t size = line.size();
    if (size > 2 && rest.first(size).from(size - 2) == ": ") line.assign(rest.first(size - 2)) << ';';
    TFHTTP_TRY(add(line));
    rest = rest.from(size + 1);
  }
  return TF_STATUS_OK;
}

tf_status RequestHeaders::sign(const Options &options, const Location &location, Text range) {
  const Text access_key = options.string(TF_HTTP_OPTION_S3_ACCESS_KEY);
  const Text token = options.string(TF_HTTP_OPTION_S3_SESSION_TOKEN);
  if (access_key.empty()) return TF_STATUS_OK;
  char now[17];
  format_time(now, time(nullptr));
  String headers;
  headers << "host:" << location.host << "\nrange:" << range << "\nx-amz-content-sha256:" << kEmptyBodyHash
          << "\nx-amz-date:" << now << '\n';
  if (!token.empty()) headers << "x-amz-security-token:" << token << '\n';
  String names;
  names << "host;range;x-amz-content-sha256;x-amz-date" << (token.empty() ? "" : ";x-amz-security-token");
  TFHTTP_TRY(require(headers));
  TFHTTP_TRY(require(names));
  const SigningKey key{access_key, options.string(TF_HTTP_OPTION_S3_SECRET_KEY),
                       options.string(TF_HTTP_OPTION_S3_REGION), "s3"};
  String line;
  line << "Authorization: ";
  TFHTTP_TRY(sign_request(&line, {location.path.text(), Text(), headers.text(), names.text()}, key, now));
  TFHTTP_TRY(add(line));
  line.assign("x-amz-content-sha256: ") << kEmptyBodyHash;
  TFHTTP_TRY(add(line));
  line.assign("x-amz-date: ") << now;
  TFHTTP_TRY(add(line));
  if (token.empty()) return TF_STATUS_OK;
  line.assign("x-amz-security-token: ") << token;
  return add(line);
}

}  // namespace tfhttp
