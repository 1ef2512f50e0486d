// JsonReader: reads a JSON document in memory in one pass; the caller asks for each value.
#pragma once

#include "base/error.h"
#include "base/span.h"

namespace tfile {

enum class JsonType : uint8_t { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull, kNone };

// Accepts exactly RFC 8259 in UTF-8. Allocates nothing; strings are decoded in place. Every failure is CORRUPT with the
// offset of the offending byte in the file.
//
//   TFILE_TRY(reader.begin_object());
//   for (;;) {
//     TFILE_TRY(reader.next_key(&more, &key));
//     if (!more) break;
//     ... read one value, or skip() it
//   }
//   TFILE_TRY(reader.end());
class JsonReader {
 public:
  static constexpr unsigned kMaxDepth = 128;

  // Messages name `file`, where the document starts at `offset`.
  JsonReader(Span<char> document, Text file, uint64_t offset) : document_(document), file_(file), offset_(offset) {}

  // Returns the type of the next value by its first byte; kNone if no value can start there.
  JsonType peek();
  // Returns the offset of the next token in the document.
  size_t position();
  // Returns to a position() before a value, to read it again. Not allowed if string() has decoded a string in it.
  void seek(size_t position);

  // Returns the rest of the document from the next token on. A caller that parses a value itself then calls pass() to
  // skip it.
  Text rest() {
    skip_space();
    return Text(document_.data() + at_, document_.size() - at_);
  }
  void pass(size_t nbytes) { at_ += nbytes; }

  Status begin_object();
  // Reads the next key; its value must be read next. *more is false after the last one.
  Status next_key(bool *more, Text *key);
  // Like next_key(), but returns the bytes between the quotes undecoded.
  Status next_raw_key(bool *more, Text *key);
  Status begin_array();
  // *more is true if there is another element, which must be read next.
  Status next_element(bool *more);

  // Reads a string, decoded in place.
  Status string(Text *text);
  // Reads a string and returns the bytes between the quotes, checked but undecoded.
  Status raw_string(Text *text);
  // Reads a number from 0 to 2^64 - 1 without fraction or exponent.
  Status unsigned_integer(uint64_t *number);
  Status null();
  // Decodes a raw string in place, after which it cannot be read again.
  Text decode(Text raw);
  // Skips a value of any type, checking all of it.
  Status skip();
  // Fails if anything but white space follows.
  Status end();

  // Sets the array or key that messages name from now on; Text() for none.
  void about_array(Text name) { array_ = name, key_ = Text(); }
  void about_key(Text name) { array_ = Text(), key_ = name; }
  // Begins an error about an offset in the document.
  Failure fail(size_t position, tf_status status = TF_STATUS_CORRUPT) const;
  // Fails with what was expected at the next token and what was found.
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
  bool fresh_ = false;  // just after an opening bracket
};

// True if a raw string has escapes.
bool has_json_escape(Text raw);
// Returns the size of a raw string after decoding.
size_t raw_json_size(Text raw);
// Compares two raw strings by their bytes after decoding.
int compare_raw_json(Text a, Text b);

}  // namespace tfile
