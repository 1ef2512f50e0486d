// JsonReader: pulls values out of a JSON document in memory, in one pass, as the caller asks for them.
#pragma once

#include "base/error.h"
#include "base/span.h"

namespace tfile {

enum class JsonType : uint8_t { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull, kNone };

// Strict as RFC 8259, and UTF-8 only. It allocates nothing; strings are decoded where they stand. Whatever fails is
// CORRUPT, with the byte in the file that is to blame.
//
//   TFILE_TRY(reader.begin_object());
//   for (;;) {
//     TFILE_TRY(reader.next_key(&more, &key));
//     if (!more) break;
//     ... reads one value, or skips it
//   }
//   TFILE_TRY(reader.end());
class JsonReader {
 public:
  static constexpr unsigned kMaxDepth = 128;

  // file is what messages call it, and offset where the document begins in it.
  JsonReader(Span<char> document, Text file, uint64_t offset) : document_(document), file_(file), offset_(offset) {}

  // What the next value or bracket begins as; kNone: neither a value nor "{" or "[" follows.
  JsonType peek();
  // The place of the next token in the document.
  size_t position();
  // To a place that position() gave before a value; that value can be read again unless string() has decoded in it.
  void seek(size_t position);

  // From the next token to the end, for a caller who reads a value by himself; and then on behind it.
  Text rest() {
    skip_space();
    return Text(document_.data() + at_, document_.size() - at_);
  }
  void pass(size_t nbytes) { at_ += nbytes; }

  Status begin_object();
  // The next key, or *more = false behind the last one; the key's value is to be read next.
  Status next_key(bool *more, Text *key);
  // As next_key(), but gives the bytes between the quotes as they stand.
  Status next_raw_key(bool *more, Text *key);
  Status begin_array();
  // *more: an element is to be read next.
  Status next_element(bool *more);

  // Decoded, in the document.
  Status string(Text *text);
  // The bytes between the quotes, checked but not decoded.
  Status raw_string(Text *text);
  // A number of 0 to 2^64 - 1 without fraction and exponent.
  Status unsigned_integer(uint64_t *number);
  Status null();
  // Decodes a raw string where it stands; it cannot be read again.
  Text decode(Text raw);
  // Any value, checked in full.
  Status skip();
  // Nothing but white space may follow.
  Status end();

  // Names what the messages that follow are about; Text(): nothing.
  void about_array(Text name) { array_ = name, key_ = Text(); }
  void about_key(Text name) { array_ = Text(), key_ = name; }
  // The beginning of a message about a place in the document.
  Failure fail(size_t position, tf_status status = TF_STATUS_CORRUPT) const;
  // CORRUPT: what was expected where peek() looked, and what is there.
  Status expected(const char *what) const;

 private:
  void skip_space();
  Status begin(char bracket, const char *what);
  Status next(bool *more, char bracket, const char *what);
  Status literal(Text word);
  Status digits();
  Status number();
  Status escape();
  Status hex4(uint32_t *unit);
  Status scalar(JsonType type);

  Span<char> document_;
  Text file_;
  uint64_t offset_;
  Text array_;
  Text key_;
  size_t at_ = 0;
  unsigned depth_ = 0;
  bool fresh_ = false;  // just behind an opening bracket
};

// Whether a raw string means other bytes than its own.
bool has_json_escape(Text raw);
// The bytes of UTF-8 that a raw string means.
size_t raw_json_size(Text raw);
// Compares what two raw strings mean, by the bytes of their UTF-8.
int compare_raw_json(Text a, Text b);

}  // namespace tfile
