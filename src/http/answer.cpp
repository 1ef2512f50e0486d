#include "http/answer.h"

namespace tfhttp {

namespace {

struct Phrase {
  uint64_t status;
  const char *text;
};

constexpr Phrase kPhrases[] = {
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {416, "Range Not Satisfiable"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

struct Field {
  const char *name;
  String Answer::*value;
};

constexpr Field kFields[] = {
    {"ETag", &Answer::etag},           {"Last-Modified", &Answer::last_modified}, {"Location", &Answer::redirect},
    {"Content-Range", &Answer::range}, {"Content-Encoding", &Answer::encoding},   {"X-Repo-Commit", &Answer::commit},
    {"X-Error-Code", &Answer::reason}, {"x-amz-bucket-region", &Answer::region},
};

}  // namespace

bool is_word(Text text) {
  for (const char c : text) {
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return !text.empty() && text.size <= 64;
}

void Answer::add_line(Text line) {
  while (!line.empty() && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
    line = line.first(line.size - 1);
  if (line.starts_with("HTTP/")) {
    has_length = ends_visibly = false;
    for (const Field &field : kFields)
      (this->*field.value).clear();
    return;
  }
  const size_t colon = line.find(':');
  if (colon == Text::kNone) return;
  const Text name = line.first(colon);
  const Text value = line.from(colon + 1).trimmed();
  if (name.equals_ignoring_case("Content-Length")) has_length = parse_number(&length, value);
  if (name.equals_ignoring_case("Transfer-Encoding")) ends_visibly = value.equals_ignoring_case("chunked");
  for (const Field &field : kFields) {
    if (name.equals_ignoring_case(field.name)) (this->*field.value).assign(value);
  }
}

bool Answer::ok() const {
  for (const Field &field : kFields) {
    if (!(this->*field.value).ok()) return false;
  }
  return true;
}

void Answer::describe(String &out) const {
  out << status;
  if (is_word(reason.text())) {
    out << " (" << reason << ")";
    return;
  }
  for (const Phrase &phrase : kPhrases) {
    if (phrase.status == status) out << " (" << phrase.text << ")";
  }
}

ContentRange Answer::content_range() const {
  ContentRange found;
  Text text = range.text();
  if (!text.first(6).equals_ignoring_case("bytes ")) return found;
  text = text.from(6).trimmed();
  const size_t slash = text.find('/');
  if (slash == Text::kNone) return found;
  const Text bytes = text.first(slash).trimmed();
  const Text total = text.from(slash + 1).trimmed();
  found.has_total = parse_number(&found.total, total);
  if (!found.has_total && total != "*") return found;
  if (bytes == "*") {
    found.valid = true;
    return found;
  }
  const size_t dash = bytes.find('-');
  found.satisfied = true;
  found.valid = dash != Text::kNone && parse_number(&found.first, bytes.first(dash)) &&
                parse_number(&found.last, bytes.from(dash + 1)) && found.first <= found.last &&
                (!found.has_total || found.last < found.total);
  return found;
}

void find_error_code(Answer *answer, Text body) {
  constexpr Text kOpen("<Code>", 6);
  for (size_t i = 0; i + kOpen.size < body.size; ++i) {
    if (!body.from(i).starts_with(kOpen)) continue;
    const Text rest = body.from(i + kOpen.size);
    const Text code = rest.first(rest.find('<'));
    if (is_word(code)) answer->reason.assign(code);
    return;
  }
}

}  // namespace tfhttp
