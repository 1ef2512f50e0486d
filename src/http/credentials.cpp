// Reads the files with credentials that options name.
#include <errno.h>
#include <stdio.h>

#include "http/failure.h"
#include "http/request_options.h"

namespace tfhttp {

namespace {

constexpr size_t kMostBytes = size_t{1} << 20;

// Reads a whole file, of at most kMostBytes.
tf_status read_file(String *out, Text path) {
  FILE *const file = fopen(path.data, "rb");
  if (file == nullptr) {
    return Failure(errno == ENOENT ? TF_STATUS_NOT_FOUND : TF_STATUS_IO, path)
           << "the file with credentials cannot be opened: " << strerror(errno);
  }
  char buffer[4096];
  size_t count = 0;
  while (out->size() <= kMostBytes && (count = fread(buffer, 1, sizeof(buffer), file)) > 0)
    *out << Text(buffer, count);
  const bool failed = ferror(file) != 0;
  fclose(file);
  if (failed) return Failure(TF_STATUS_IO, path) << "the file with credentials cannot be read";
  if (out->size() > kMostBytes) return Failure(TF_STATUS_IO, path) << "a file with credentials has at most 1 MiB";
  return require(*out);
}

// Removes the first line from the text and returns it without its end.
Text next_line(Text *text) {
  const size_t end = text->find('\n');
  Text line = text->first(end);
  *text = end == Text::kNone ? Text() : text->from(end + 1);
  if (!line.empty() && line.data[line.size - 1] == '\r') line = line.first(line.size - 1);
  return line.trimmed();
}

tf_status read_token(Options &options) {
  const Text path = options.string(TF_HTTP_OPTION_TOKEN_FILE);
  if (path.empty() || !options.string(TF_HTTP_OPTION_TOKEN).empty()) return TF_STATUS_OK;
  String content;
  TFHTTP_TRY(read_file(&content, path));
  Text rest = content.text();
  const Text token = next_line(&rest);
  if (token.empty()) return Failure(TF_STATUS_IO, path) << "expected a token in the first line of the file";
  return set_string(options, TF_HTTP_OPTION_TOKEN, token);
}

// Stores what a line "key = value" sets.
tf_status read_setting(Options &options, Text line) {
  const size_t equals = line.find('=');
  if (equals == Text::kNone) return TF_STATUS_OK;
  const Text key = line.first(equals).trimmed();
  const Text value = line.from(equals + 1).trimmed();
  if (key.equals_ignoring_case("aws_access_key_id")) return set_string(options, TF_HTTP_OPTION_S3_ACCESS_KEY, value);
  if (key.equals_ignoring_case("aws_secret_access_key")) {
    return set_string(options, TF_HTTP_OPTION_S3_SECRET_KEY, value);
  }
  if (!key.equals_ignoring_case("aws_session_token")) return TF_STATUS_OK;
  return set_string(options, TF_HTTP_OPTION_S3_SESSION_TOKEN, value);
}

tf_status read_aws(Options &options) {
  const Text path = options.string(TF_HTTP_OPTION_S3_CREDENTIALS_FILE);
  if (path.empty() || !options.string(TF_HTTP_OPTION_S3_ACCESS_KEY).empty()) return TF_STATUS_OK;
  const Text profile = options.string(TF_HTTP_OPTION_S3_PROFILE);
  String content;
  TFHTTP_TRY(read_file(&content, path));
  bool inside = false;
  for (Text rest = content.text(); !rest.empty();) {
    const Text line = next_line(&rest);
    if (line.starts_with("[") && line.size >= 2) {
      inside = line.from(1).first(line.size - 2).trimmed() == profile;
    } else if (inside && !line.starts_with("#") && !line.starts_with(";")) {
      TFHTTP_TRY(read_setting(options, line));
    }
  }
  if (!options.string(TF_HTTP_OPTION_S3_ACCESS_KEY).empty()) return TF_STATUS_OK;
  return Failure(TF_STATUS_IO, path) << "the file has no aws_access_key_id in the section [" << profile << "]";
}

}  // namespace

tf_status read_credentials(Options &options) {
  TFHTTP_TRY(read_token(options));
  return read_aws(options);
}

}  // namespace tfhttp
