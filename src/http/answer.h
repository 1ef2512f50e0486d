// The head of the answer to a request.
#pragma once

#include "http/failure.h"

namespace tfhttp {

// What Content-Range says: bytes first to last of total.
struct ContentRange {
  bool valid = false;
  bool satisfied = false;  // false: "bytes */total"
  bool has_total = false;
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t total = 0;
};

struct Answer {
  // Stores what a line of the head says. A status line begins a new head.
  void add_line(Text line);
  // Describes the status, with what the server says about the reason: "404 (Not Found)".
  void describe(String &out) const;
  ContentRange content_range() const;
  bool ok() const;

  uint64_t status = 0;
  bool has_length = false;
  uint64_t length = 0;
  bool ends_visibly = false;  // a connection that fails cannot be taken for the end of the body
  String etag;
  String last_modified;
  String redirect;
  String range;
  String encoding;
  String commit;
  String reason;  // a word: X-Error-Code of the Hub, or <Code> of S3
  String region;  // x-amz-bucket-region
};

// True for a word of letters, digits and '-', which a message can contain.
bool is_word(Text text);
// Finds the code of an error in the XML of S3, and stores it as the reason.
void find_error_code(Answer *answer, Text body);

}  // namespace tfhttp
