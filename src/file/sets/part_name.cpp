#include "file/sets/part_name.h"

#include "io/file.h"

namespace tfile {

namespace {

constexpr size_t kDigits = 5;
constexpr size_t kNumberAt = 1;  // in "-00001-of-00003"
constexpr size_t kCountAt = 10;
constexpr char kForm[] = "-00000-of-00000";
constexpr size_t kFormSize = sizeof(kForm) - 1;

bool parse_digits(Text text, uint64_t *number) {
  *number = 0;
  for (size_t i = 0; i < kDigits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    *number = *number * 10 + static_cast<uint64_t>(text[i] - '0');
  }
  return true;
}

void print_digits(char *to, uint64_t number) {
  for (size_t i = kDigits; i > 0; --i, number /= 10)
    to[i - 1] = static_cast<char>('0' + number % 10);
}

}  // namespace

bool PartName::parse(Text path, Text extension) {
  if (path.size() < kFormSize + extension.size() || !path.ends_with(extension)) return false;
  prefix = path.first(path.size() - kFormSize - extension.size());
  const Text form(path.from(prefix.size()).first(kFormSize));
  constexpr size_t kMiddle = kNumberAt + kDigits;
  return form[0] == '-' && parse_digits(form.from(kNumberAt), &number) &&
         Text(form.from(kMiddle)).starts_with("-of-") && parse_digits(form.from(kCountAt), &count);
}

Status make_part_path(Vec<char> *out, Text prefix, uint64_t number, uint64_t count, Text extension) {
  char form[sizeof(kForm)];
  memcpy(form, kForm, sizeof(kForm));
  print_digits(form + kNumberAt, number);
  print_digits(form + kCountAt, count);
  return join(out, prefix, form, extension);
}

Text folder_of(Text path) {
  size_t end = path.size();
  while (end > 0 && path[end - 1] != '/' && path[end - 1] != kPathSeparator)
    --end;
  return path.first(end);
}

Status join(Vec<char> *out, Text a, Text b, Text c) {
  out->clear();
  for (const Text piece : {a, b, c})
    TFILE_TRY(out->append(piece.data(), piece.size()));
  return out->push('\0');
}

}  // namespace tfile
