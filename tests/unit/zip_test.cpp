#include "format/zip/zip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/listed.h"
#include "support/loaded.h"
#include "support/memory.h"
#include "support/zip_builder.h"

namespace tfile {
namespace {

using namespace testing;

// Returns the 132 bytes that np.save writes for an int32 array of one element.
std::string one(char value) {
  return npy_int32("1", std::string(1, value) + std::string(3, '\0'));
}

const std::string kX = one(1);
const std::string kY = one(2);
constexpr size_t kMember = 30 + 5 + 132;  // x.npy with its local header

Settings with(tf_option option, int64_t value) {
  Settings settings;
  settings.set(option, value);
  return settings;
}

Listed listed(const std::string &bytes, const Settings &settings = Settings()) {
  return Listed(kNpzFormat, bytes, settings);
}

void expect_names(const Listed &found, const std::vector<std::string> &names) {
  ASSERT_TRUE(found.ok()) << found.error.message;
  std::vector<std::string> listed;
  for (size_t i = 0; i < found.size(); ++i)
    listed.push_back(found.name(i));
  EXPECT_EQ(listed, names);
}

void expect_failure(const Listed &found, tf_status status, const std::string &message, uint64_t offset,
                    const std::string &name = "", const std::string &way_out = "") {
  EXPECT_EQ(found.error.status, status) << found.error.message;
  EXPECT_EQ(found.error.message, message + " (byte " + std::to_string(offset) + ")" + way_out);
  EXPECT_EQ(found.error.offset, offset);
  EXPECT_EQ(found.error.name, name);
}

// Two members, x.npy and y.npy.
ZipBuilder two() {
  ZipBuilder zip;
  zip.add("x.npy", kX);
  zip.add("y.npy", kY);
  return zip;
}

constexpr size_t kDirectory = 2 * kMember;          // of two()
constexpr size_t kSecond = kDirectory + 46 + 5;     // its second entry
constexpr size_t kEnd = kDirectory + 2 * (46 + 5);  // its end record

TEST(ZipEnd, IsFoundBeforeAComment) {
  expect_names(listed(two().bytes()), {"x", "y"});
  for (const std::string &comment : {std::string("made by hand"), std::string(65535, 'c'), std::string("PK\5\6"),
                                     std::string("PK\5\6") + std::string(40, 'c')}) {
    ZipBuilder zip = two();
    zip.comment = comment;
    expect_names(listed(zip.bytes()), {"x", "y"});
  }
}

TEST(ZipEnd, MayBeTheWholeFile) {
  expect_names(listed(ZipBuilder().bytes()), {});
}

TEST(ZipEnd, ThatIsMissingIsTruncatedOrAnotherFormat) {
  const std::string bytes = two().bytes();
  const std::string message = "the zip archive has no end record at its end";
  expect_failure(listed(bytes.substr(0, kEnd)), TF_STATUS_TRUNCATED, message, kEnd);
  expect_failure(listed(""), TF_STATUS_TRUNCATED, message, 0);
  expect_failure(listed("PK"), TF_STATUS_TRUNCATED, message, 2);
  expect_failure(listed(ZipBuilder().bytes().substr(0, 21)), TF_STATUS_TRUNCATED, message, 21);
  const std::string format = "is not a zip archive: neither its head nor its end record is there";
  expect_failure(listed("hello, world"), TF_STATUS_FORMAT, format, 0);
  expect_failure(listed(kX), TF_STATUS_FORMAT, format, 0);
}

TEST(ZipEnd, HasTheWholeCommentAndNothingAfterIt) {
  ZipBuilder zip = two();
  zip.comment = "comment";
  zip.comment_size = 9;
  expect_failure(listed(zip.bytes()), TF_STATUS_TRUNCATED,
                 "the comment of the zip archive should have 9 bytes, 7 are there", kEnd + 22 + 7);
  zip.comment_size = 6;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "1 bytes follow the end of the zip archive", kEnd + 22 + 6, "",
                 kLenientHint);
  expect_names(listed(zip.bytes(), with(TF_OPTION_LENIENT, 1)), {"x", "y"});
  zip = two();
  zip.trailing = "junk";
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "4 bytes follow the end of the zip archive", kEnd + 22, "",
                 kLenientHint);
  expect_names(listed(zip.bytes(), with(TF_OPTION_LENIENT, 1)), {"x", "y"});
}

TEST(ZipEnd, OfSeveralDisksIsUnsupported) {
  const std::string message = "the zip archive has several disks";
  ZipBuilder zip = two();
  zip.disk = 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_UNSUPPORTED, message, kEnd);
  zip = two();
  zip.directory_disk = 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_UNSUPPORTED, message, kEnd);
  zip = two();
  zip.wide = true;
  zip.disks = 2;
  expect_failure(listed(zip.bytes()), TF_STATUS_UNSUPPORTED, message, kEnd + 56);
  zip = two();
  zip.parts[1].disk = 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_UNSUPPORTED, "member 'y.npy': is on another disk", kSecond, "y");
}

TEST(ZipEnd, MustAgreeWithTheDirectory) {
  const auto message = [](int here, int entries, int size, int offset) {
    return "the end record of the zip archive has " + std::to_string(here) + " of " + std::to_string(entries) +
           " entries in a directory of " + std::to_string(size) + " bytes at " + std::to_string(offset);
  };
  ZipBuilder zip = two();
  zip.entries_here = 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message(1, 2, 102, 334), kEnd);
  zip = two();
  zip.directory_offset = kDirectory + 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message(2, 2, 102, 335), kEnd);
  zip = two();
  zip.directory_size = 103;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message(2, 2, 103, 334), kEnd);
  zip = two();
  zip.entries = 3;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "3 entries do not fit in a zip directory of 102 bytes", kEnd);
  zip = two();
  zip.entries = 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "the zip directory has 51 bytes after the last of its 1 entries", kSecond);
  zip = two();
  zip.before_directory = std::string(46, 'x');
  zip.directory_offset = kDirectory;
  zip.directory_size = 102 + 46;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "expected entry 0 of the zip directory, found something else",
                 kDirectory);
}

TEST(ZipEnd, KeepsTheDirectoryBelowTheLimit) {
  EXPECT_TRUE(listed(two().bytes(), with(TF_OPTION_MAX_HEADER_BYTES, 120)).ok());
  expect_failure(listed(two().bytes(), with(TF_OPTION_MAX_HEADER_BYTES, 101)), TF_STATUS_LIMIT,
                 "the zip directory has 102 bytes, more than the limit (max_header_bytes) of 101", kEnd);
}

TEST(ZipEnd, MayHave64Bits) {
  ZipBuilder zip = two();
  zip.wide = true;
  expect_names(listed(zip.bytes()), {"x", "y"});
  zip.entries.local = 0xFFFF;
  zip.directory_size.local = 0xFFFFFFFF;
  zip.directory_offset.local = 0xFFFFFFFF;
  expect_names(listed(zip.bytes()), {"x", "y"});
  zip.disks = 0;
  expect_names(listed(zip.bytes()), {"x", "y"});
  zip.comment = std::string(65535, 'c');
  expect_names(listed(zip.bytes()), {"x", "y"});
}

TEST(ZipEnd, Of64BitsMustAgreeWithTheOther) {
  const auto disagree = [](const std::string &both) {
    return "the two end records of the zip archive disagree: " + both;
  };
  ZipBuilder wide = two();
  wide.wide = true;
  ZipBuilder zip = wide;
  zip.entries.local = 3;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, disagree("3 and 2"), kEnd + 76);
  zip = wide;
  zip.directory_offset.listed = 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, disagree("334 and 1"), kEnd + 76);
  zip = wide;
  zip.wide_offset = kEnd - 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "the zip64 end record is at byte 436 of the archive, its locator says 435", kEnd);
  zip = wide;
  zip.wide_record_size = 45;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "the zip64 locator points at no end record: expected one at byte 436", kEnd + 56);
  // No 64-bit number is accepted unchecked.
  for (const uint64_t huge : {UINT64_MAX, uint64_t{1} << 63, UINT64_MAX - 101, uint64_t{INT64_MAX}}) {
    zip = wide;
    zip.directory_offset.local = zip.directory_size.local = 0xFFFFFFFF;
    zip.entries.local = 0xFFFF;
    zip.directory_offset.listed = huge;
    EXPECT_EQ(listed(zip.bytes()).error.status, TF_STATUS_CORRUPT);
    zip.directory_offset.listed.reset();
    zip.directory_size.listed = huge;
    EXPECT_EQ(listed(zip.bytes()).error.status, TF_STATUS_CORRUPT);
    zip.directory_size.listed.reset();
    zip.entries.listed = huge;
    EXPECT_EQ(listed(zip.bytes()).error.status, TF_STATUS_CORRUPT);
    zip.entries.listed.reset();
    zip.wide_offset = huge;
    EXPECT_EQ(listed(zip.bytes()).error.status, TF_STATUS_CORRUPT);
  }
}

TEST(ZipEnd, MustBeWhereTheLocatorSays) {
  for (const uint64_t says : {uint64_t{0}, uint64_t{kEnd - 56}, uint64_t{kEnd - 55}, UINT64_MAX - 55, UINT64_MAX}) {
    ZipBuilder zip = two();
    zip.after_directory = little(0x07064B50, 4) + little(0, 4) + little(says, 8) + little(1, 4);
    expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                   "the zip64 locator points at no end record: expected one at byte " + std::to_string(says), kEnd);
  }
}

TEST(ZipJunk, BeforeTheArchiveIsRefusedUnlessLenient) {
  ZipBuilder zip = two();
  zip.before = "#!/bin/sh\n";
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "10 bytes precede the zip archive", 0, "", kLenientHint);
  CallOptions lenient;
  lenient.set(TF_OPTION_LENIENT, 1);
  const Loaded plain = load_bytes(two().bytes(), TF_FORMAT_NPZ);
  EXPECT_EQ(load_bytes(zip.bytes(), TF_FORMAT_NPZ, lenient).arrays, plain.arrays);
  zip.wide = true;
  EXPECT_EQ(listed(zip.bytes()).error.status, TF_STATUS_CORRUPT);
  EXPECT_EQ(load_bytes(zip.bytes(), TF_FORMAT_NPZ, lenient).arrays, plain.arrays);
  // The offsets include the junk.
  zip = two();
  zip.parts[0].before = "#!/bin/sh\n";
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "10 bytes precede the first member of the zip archive", 0, "",
                 kLenientHint);
  EXPECT_EQ(load_bytes(zip.bytes(), TF_FORMAT_NPZ, lenient).arrays, plain.arrays);
  // Bytes that look like a member.
  zip.parts[0].before = "PK\3\4      ";
  expect_failure(listed(zip.bytes(), with(TF_OPTION_LENIENT, 1)), TF_STATUS_CORRUPT,
                 "the zip archive has a member that its directory does not list", 0);
}

// If the format is found by the content, the archive is found by its end, but only if junk before it is accepted.
TEST(ZipJunk, BeforeTheArchiveDoesNotHideItFromALenientSearch) {
  ZipBuilder zip = two();
  const Loaded plain = load_bytes(zip.bytes(), TF_FORMAT_NPZ);
  zip.before = "#!/bin/sh\n" + std::string(100000, '#');
  CallOptions lenient;
  lenient.set(TF_OPTION_LENIENT, 1);
  for (const tf_format format : {TF_FORMAT_AUTO, TF_FORMAT_BY_CONTENT}) {
    for (const bool wide : {false, true}) {
      zip.wide = wide;
      EXPECT_EQ(load_bytes(zip.bytes(), format, lenient).arrays, plain.arrays);
      EXPECT_EQ(load_bytes(zip.bytes(), format).status, TF_STATUS_FORMAT);
    }
    // An end record without an archive is no archive.
    const std::string end = "#!/bin/sh\n" + little(0x06054B50, 4) + little(0, 4) + little(1, 2) + little(1, 2) +
                            little(46, 4) + little(0, 4) + little(0, 2);
    const Loaded none = load_bytes(end, format, lenient);
    EXPECT_EQ(none.status, TF_STATUS_FORMAT);
    EXPECT_EQ(none.message, "the content is of no known format (byte 0)");
  }
}

TEST(ZipJunk, AfterTheDirectoryIsRefused) {
  ZipBuilder zip = two();
  zip.after_directory = "junk";
  // TF_OPTION_LENIENT does not accept this, and so the message must not name it.
  const size_t junk = zip.bytes().find("junk");
  for (const bool lenient : {false, true}) {
    expect_failure(listed(zip.bytes(), with(TF_OPTION_LENIENT, lenient ? 1 : 0)), TF_STATUS_CORRUPT,
                   "4 bytes follow the directory of the zip archive, before its end record", junk);
  }
}

TEST(ZipDirectory, EntriesMustBeWhole) {
  std::string bytes = two().bytes();
  bytes[kSecond] = 'Q';
  expect_failure(listed(bytes), TF_STATUS_CORRUPT, "expected entry 1 of the zip directory, found something else",
                 kSecond);
  bytes = two().bytes();
  bytes[kSecond + 32] = 1;  // a comment
  expect_failure(listed(bytes), TF_STATUS_CORRUPT,
                 "expected entry 1 of the zip directory, found one that is longer than the directory", kSecond);
  ZipBuilder zip = two();
  zip.parts[0].comment = "a comment of a member";
  zip.parts[1].extra.listed = little(0x5455, 2) + little(5, 2) + "mtime";
  expect_names(listed(zip.bytes()), {"x", "y"});
  zip.parts[1].extra.listed = little(0x5455, 2) + little(6, 2) + "mtime";
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "member 'y.npy': its extra field is longer than its entry says", kSecond + 21, "y");
}

TEST(ZipDirectory, MayHave64BitSizes) {
  const auto wide = [](uint64_t value) { return little(value, 8); };
  ZipBuilder zip = two();
  ZipPart &y = zip.parts[1];
  y.size.listed = y.stored.listed = 0xFFFFFFFF;
  y.offset = 0xFFFFFFFF;
  y.extra.listed = little(1, 2) + little(24, 2) + wide(132) + wide(132) + wide(kMember);
  expect_names(listed(zip.bytes()), {"x", "y"});
  y.stored.listed.reset();
  y.extra.listed = little(1, 2) + little(16, 2) + wide(132) + wide(kMember);
  expect_names(listed(zip.bytes()), {"x", "y"});
  y.disk = 0xFFFF;
  y.extra.listed =
      little(9, 2) + little(0, 2) + little(1, 2) + little(20, 2) + wide(132) + wide(kMember) + little(0, 4);
  expect_names(listed(zip.bytes()), {"x", "y"});
  const std::string lacking = "member 'y.npy': its entry refers to 64-bit sizes, but has none";
  y.extra.listed = little(1, 2) + little(16, 2) + wide(132) + wide(kMember);
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, lacking, kSecond, "y");
  y.disk = 0;
  y.extra.listed = little(1, 2) + little(8, 2) + wide(132);
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, lacking, kSecond, "y");
  y.extra.listed = "";
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, lacking, kSecond, "y");
  for (const uint64_t huge : {UINT64_MAX, uint64_t{1} << 63, UINT64_MAX - 166}) {
    y.extra.listed = little(1, 2) + little(16, 2) + wide(132) + wide(huge);
    expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "member 'y.npy': its size or offset does not fit in 63 bits",
                   kSecond, "y");
  }
}

TEST(ZipDirectory, UnknownMethodsAndFlagsAreUnsupported) {
  const std::pair<int, const char *> methods[] = {
      {9, " (deflate64)"}, {12, " (bzip2)"},          {14, " (lzma)"}, {93, " (zstd)"},
      {95, " (xz)"},       {99, " (AES encryption)"}, {6, ""}};
  for (const auto &[method, name] : methods) {
    ZipBuilder zip = two();
    zip.parts[0].method = static_cast<uint16_t>(method);
    expect_failure(
        listed(zip.bytes()), TF_STATUS_UNSUPPORTED,
        "member 'x.npy': uses compression method " + std::to_string(method) + name + "; stored and deflate are known",
        kDirectory, "x");
  }
  for (const int flags : {1, 0x41, 0x2000}) {
    ZipBuilder zip = two();
    zip.parts[1].flags = static_cast<uint16_t>(flags);
    expect_failure(listed(zip.bytes()), TF_STATUS_UNSUPPORTED, "member 'y.npy': is encrypted", kSecond, "y");
  }
  ZipBuilder zip = two();
  zip.parts[1].flags = 0x20;
  expect_failure(listed(zip.bytes()), TF_STATUS_UNSUPPORTED, "member 'y.npy': is a patch of other data", kSecond, "y");
}

TEST(ZipDirectory, SizesMustBePossible) {
  ZipBuilder zip = two();
  zip.parts[1].size = 133;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "member 'y.npy': is stored, and has 133 bytes in 132", kSecond,
                 "y");
  zip = two();
  zip.parts[0].deflate = true;
  const uint32_t packed = static_cast<uint32_t>(deflated(kX).size());
  zip.parts[0].size = packed * 1032 + 65;
  const Listed bomb = listed(zip.bytes());
  EXPECT_EQ(bomb.error.status, TF_STATUS_CORRUPT);
  EXPECT_EQ(bomb.error.message, "member 'x.npy': declares " + std::to_string(packed * 1032 + 65) + " bytes in " +
                                    std::to_string(packed) + " deflated ones, which cannot be (byte " +
                                    std::to_string(30 + 5 + packed + kMember) + ")");
  zip.parts[0].size = packed * 1032 + 64;
  EXPECT_NE(listed(zip.bytes()).error.message.find("bytes follow the array in its member"), std::string::npos);
}

TEST(ZipNames, AreUtf8OrCodePage437) {
  ZipBuilder zip;
  zip.add("\xC3\xA9.npy", kX).flags = 0x0800;
  zip.add("\x82\xE1\xFF.npy", kX);
  zip.add("plain.npy", kX).flags = 0x0800;
  zip.add("..\\a/../b.npy", kX);
  expect_names(listed(zip.bytes()), {"\xC3\xA9", "\xC3\xA9\xC3\x9F\xC2\xA0", "plain", "..\\a/../b"});
  // The whole code page: the result of bytes(range(128, 256)).decode('cp437').
  std::string high;
  for (int c = 128; c < 256; ++c)
    high += static_cast<char>(c);
  zip = ZipBuilder();
  zip.add(high, kX);
  expect_names(listed(zip.bytes()),
               {"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
                "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00A0"});
}

TEST(ZipNames, MustHaveTheirDeclaredEncoding) {
  ZipBuilder zip = two();
  zip.parts[1].written_name = "\xC3.npy";
  zip.parts[1].flags = 0x0800;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "member '\\xc3.npy': its name is marked as UTF-8, but is not",
                 kSecond, "\\xc3");
  zip = two();
  zip.parts[1].written_name = std::string("\0.npy", 5);
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "member '\\x00.npy': its name has a NUL", kSecond, "\\x00");
}

TEST(ZipLocal, MustAgreeWithTheDirectory) {
  const std::string message = "member 'y.npy': its local header and the directory disagree: ";
  ZipBuilder zip = two();
  zip.parts[1].written_name.local = "z.npy";
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message + "the name there is 'z.npy'", kMember + 30, "y");
  zip = two();
  zip.parts[1].method.local = 8;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message + "method 8 and 0", kMember + 8, "y");
  zip = two();
  zip.parts[1].flags.local = 0x0800;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message + "flags 0x800 and 0x0", kMember + 6, "y");
  const uint32_t crc = crc_of(kY);
  zip = two();
  zip.parts[1].crc.local = crc + 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 message + "CRC-32 " + std::to_string(crc + 1) + " and " + std::to_string(crc), kMember + 14, "y");
  for (const uint32_t size : {0u, 131u, 0xFFFFFFFFu}) {
    zip = two();
    zip.parts[1].stored.local = size;
    expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message + "stored size " + std::to_string(size) + " and 132",
                   kMember + 18, "y");
    zip = two();
    zip.parts[1].size.local = size;
    expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message + "size " + std::to_string(size) + " and 132",
                   kMember + 22, "y");
  }
  zip = two();
  zip.parts[1].signature = 0x04034B51;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "member 'y.npy': its local header is not where the directory says", kMember, "y");
}

TEST(ZipLocal, MayHave64BitSizes) {
  // zipfile writes this with force_zip64.
  ZipBuilder zip = two();
  for (ZipPart &part : zip.parts) {
    part.stored.local = part.size.local = 0xFFFFFFFF;
    part.extra.local = little(1, 2) + little(16, 2) + little(132, 8) + little(132, 8);
  }
  expect_names(listed(zip.bytes()), {"x", "y"});
  zip.parts[1].extra.local = little(1, 2) + little(16, 2) + little(132, 8) + little(133, 8);
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "member 'y.npy': its local header and the directory disagree: stored size 133 and 132",
                 kMember + 20 + 18, "y");
}

TEST(ZipLocal, MayHaveAnyExtraField) {
  for (const std::string &extra : {little(0xD935, 2) + little(2, 2) + little(64, 2), std::string(3, '\0'),
                                   std::string("\x99\x99\xFF\xFF"), std::string(65535, '\0')}) {
    ZipBuilder zip = two();
    zip.parts[0].extra.local = extra;
    expect_names(listed(zip.bytes()), {"x", "y"});
  }
}

// The four forms of a data descriptor: with and without a signature, 32 and 64 bits.
std::string descriptor(bool signature, size_t width, uint32_t crc, uint64_t stored, uint64_t size) {
  return (signature ? std::string("PK\7\x08") : "") + little(crc, 4) + little(stored, width) + little(size, width);
}

TEST(ZipDescriptor, IsFoundInEveryForm) {
  for (const bool deflate : {false, true}) {
    for (const bool signature : {false, true}) {
      for (const size_t width : {size_t{4}, size_t{8}}) {
        ZipBuilder zip = two();
        for (ZipPart &part : zip.parts) {
          part.deflate = deflate;
          part.flags = 8;
          part.crc.local = part.stored.local = part.size.local = 0;
          const size_t stored = deflate ? deflated(part.data).size() : part.data.size();
          part.descriptor = descriptor(signature, width, crc_of(part.data), stored, part.data.size());
        }
        expect_names(listed(zip.bytes()), {"x", "y"});
        // The bytes after it are checked like those after any member.
        zip.parts[1].before = "PK\3\4 hidden member";
        EXPECT_NE(listed(zip.bytes()).error.message.find("a member that its directory does not list"),
                  std::string::npos);
      }
    }
  }
}

TEST(ZipDescriptor, MustAgreeUnlessTheLocalHeaderIsComplete) {
  ZipBuilder zip = two();
  ZipPart &x = zip.parts[0];
  x.flags = 8;
  expect_names(listed(zip.bytes()), {"x", "y"});
  x.crc.local = 0;
  const std::string message = "member 'x.npy': no data descriptor that agrees with the directory follows it";
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message, kMember, "x");
  x.descriptor = descriptor(true, 4, crc_of(kX) + 1, 132, 132);
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message, kMember, "x");
  x.descriptor = descriptor(true, 4, crc_of(kX), 132, 132);
  expect_names(listed(zip.bytes()), {"x", "y"});
  x.size.local = 131;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "member 'x.npy': its local header and the directory disagree: size 131 and 132", 22, "x");
}

TEST(ZipOffsets, MayHaveGaps) {
  ZipBuilder zip = two();
  zip.parts[1].before = std::string(100, '\0');
  zip.before_directory = "gap";
  expect_names(listed(zip.bytes()), {"x", "y"});
  zip.parts[1].before = std::string(100000, 'P');
  expect_names(listed(zip.bytes()), {"x", "y"});
}

TEST(ZipOffsets, MayBeInAnyOrder) {
  std::vector<std::pair<std::string, std::string>> members;
  for (int i = 0; i < 300; ++i)
    members.emplace_back("m" + std::to_string(i) + ".npy", one(static_cast<char>(i % 100)));
  std::mt19937 random(1);
  for (int round = 0; round < 3; ++round) {
    std::vector<size_t> order(members.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = order.size() - 1 - i;
    if (round > 0) std::shuffle(order.begin(), order.end(), random);
    // The members are in one order, and the directory is in the order of their names.
    ZipBuilder zip;
    std::vector<uint32_t> offsets(members.size());
    uint32_t at = 0;
    for (const size_t i : order) {
      zip.add(members[i].first, members[i].second).listed = false;
      offsets[i] = at;
      at += static_cast<uint32_t>(30 + members[i].first.size() + 132);
    }
    for (size_t i = 0; i < members.size(); ++i) {
      ZipPart &part = zip.add(members[i].first, members[i].second);
      part.local = false;
      part.offset = offsets[i];
    }
    const Loaded loaded = load_bytes(zip.bytes(), TF_FORMAT_NPZ);
    ASSERT_EQ(loaded.arrays.size(), members.size()) << loaded.message;
    for (size_t i = 0; i < members.size(); ++i) {
      EXPECT_EQ(loaded.arrays[i].name + ".npy", members[i].first);
      EXPECT_EQ(loaded.arrays[i].bytes, members[i].second.substr(128));
    }
  }
}

TEST(ZipOffsets, MustNotOverlap) {
  ZipBuilder zip = two();
  zip.parts[1].offset = kMember - 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "member 'x.npy': reaches into member 'y.npy' at byte " + std::to_string(kMember - 1), 0, "x");
  zip = two();
  zip.parts[1].offset = 0;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, "member 'x.npy': reaches into member 'y.npy' at byte 0", 0,
                 "x");
  zip = two();
  zip.parts[1].offset = kMember + 1;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "member 'y.npy': reaches into the zip directory at byte " + std::to_string(kDirectory), kMember + 1,
                 "y");
  for (const uint32_t far : {uint32_t{kDirectory}, 0x7FFFFFFFu, 0xFFFFFFFEu}) {
    zip.parts[1].offset = far;
    EXPECT_EQ(listed(zip.bytes()).error.status, TF_STATUS_CORRUPT);
  }
  // Only the local header shows that the member overlaps the next.
  zip = two();
  zip.parts[0].extra.local = std::string(40, '\0');
  zip.parts[0].packed = kX.substr(0, 92);
  zip.parts[0].stored = 132;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 "member 'x.npy': reaches beyond byte " + std::to_string(kMember) + ", where the next part begins", 0,
                 "x");
}

TEST(ZipMembers, MustAllBeListed) {
  const std::string message = "the zip archive has a member that its directory does not list";
  ZipBuilder zip = two();
  zip.add("z.npy", kX);
  zip.parts[1].listed = false;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message, kMember);
  zip.parts[1].listed = true;
  zip.parts[2].listed = false;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT, message, 2 * kMember);
  zip.parts[2].listed = true;
  zip.parts[0].listed = false;
  expect_failure(listed(zip.bytes()), TF_STATUS_CORRUPT,
                 std::to_string(kMember) + " bytes precede the first member of the zip archive", 0, "", kLenientHint);
}

struct CountingSource {
  std::string bytes;
  int reads = 0;

  static tf_status read(void *user, uint64_t offset, void *to, size_t nbytes) {
    auto &self = *static_cast<CountingSource *>(user);
    ++self.reads;
    memcpy(to, self.bytes.data() + offset, nbytes);
    return TF_STATUS_OK;
  }
};

int reads_to_list(const std::string &bytes, size_t members) {
  CountingSource counter{bytes};
  Ref<Source> source;
  EXPECT_TRUE(source_from_callbacks(source, default_memory(), bytes.size(), false, CountingSource::read, nullptr,
                                    nullptr, &counter)
                  .ok());
  const Listed found(kNpzFormat, source);
  EXPECT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.size(), members);
  return counter.reads;
}

TEST(ZipReading, TakesFewReads) {
  EXPECT_EQ(reads_to_list(two().bytes(), 2), 1);
  ZipBuilder small;
  for (int i = 0; i < 5000; ++i)
    small.add("m" + std::to_string(i) + ".npy", one(1));
  // 840 KB of members and 270 KB of directory.
  EXPECT_LE(reads_to_list(small.bytes(), 5000), 8);
  ZipBuilder large;
  for (int i = 0; i < 10; ++i)
    large.add("m" + std::to_string(i) + ".npy", npy_int32("50000", std::string(200000, 'x')));
  EXPECT_LE(reads_to_list(large.bytes(), 10), 2 + 10);
}

// Writing.

TEST(ZipWriting, Uses64BitSizesIfNecessary) {
  const uint32_t crc = 0x12345678;
  const std::string stored = little(crc, 4);
  const uint64_t size = uint64_t{1} << 32;
  // The writer does not need the bytes of the member, so the test does not write them.
  ZipWriter zip(default_memory(), 64);
  Vec<uint8_t> found(default_memory());
  ASSERT_TRUE(zip.begin(found, ZipMember{"w", size, 0, false, false}, 0).ok());
  zip.set(crc, size);
  memcpy(found.data() + ZipWriter::kCrcInLocal, stored.data(), stored.size());
  const size_t narrow_at = found.size();
  ASSERT_TRUE(zip.begin(found, ZipMember{"n", 0xFFFFFFFE, 0, false, false}, narrow_at).ok());
  zip.set(crc, 0xFFFFFFFE);
  memcpy(found.data() + narrow_at + ZipWriter::kCrcInLocal, stored.data(), stored.size());
  Vec<size_t> crcs(default_memory());
  ASSERT_TRUE(zip.finish(found, found.size(), &crcs).ok());
  ASSERT_EQ(crcs.size(), 2u);
  for (const size_t position : crcs)
    EXPECT_EQ(memcmp(found.data() + position, stored.data(), stored.size()), 0);
  ZipBuilder expected;
  ZipPart &wide = expected.add("w", "");
  wide.crc = crc;
  wide.stored = wide.size = 0xFFFFFFFF;
  const std::string sizes = little(1, 2) + little(16, 2) + little(size, 8) + little(size, 8);
  // 30 + 1 + 20 bytes, and an extra field that pads to 64.
  wide.extra.local = sizes + little(0xD935, 2) + little(9, 2) + little(64, 2) + std::string(7, '\0');
  wide.extra.listed = sizes;
  ZipPart &narrow = expected.add("n", "");
  narrow.crc = crc;
  narrow.stored = narrow.size = 0xFFFFFFFE;
  narrow.extra.local = little(0xD935, 2) + little(29, 2) + little(64, 2) + std::string(27, '\0');
  std::string bytes = expected.bytes();
  const size_t entry = 64 + 64;
  bytes[4] = 45;
  bytes[entry + 6] = 45;
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(found.data()), found.size()), bytes);
}

// Returns an archive of one deflated member, whose sizes become known only once it has been written.
std::string deflated_archive(const std::string &packed, const std::string &data, bool described) {
  MemorySink memory(default_memory());
  Ref<Sink> sink;
  EXPECT_TRUE(memory.open(sink).ok());
  Output output(*sink, Settings(), 0);
  ZipWriter zip(default_memory(), 64);
  Vec<uint8_t> made(default_memory());
  EXPECT_TRUE(zip.begin(made, ZipMember{"x", data.size(), 0, true, described}, 0).ok());
  EXPECT_TRUE(output.write(made.data(), made.size()).ok());
  EXPECT_TRUE(output.write(packed.data(), packed.size()).ok());
  zip.set(crc_of(data), packed.size());
  made.clear();
  EXPECT_TRUE((described ? zip.put_descriptor(made) : zip.patch(output)).ok());
  EXPECT_TRUE(zip.finish(made, output.position() + made.size(), nullptr).ok());
  EXPECT_TRUE(output.write(made.data(), made.size()).ok());
  Ref<Buffer> buffer;
  EXPECT_TRUE(memory.finish(buffer).ok());
  return std::string(static_cast<const char *>(buffer->data), buffer->size);
}

TEST(ZipWriting, WritesADescriptorIfTheOutputCannotBePatched) {
  const std::string data(1000, 'x');
  const std::string packed = deflated(data);
  for (const bool described : {false, true}) {
    ZipBuilder expected;
    ZipPart &part = expected.add("x", data, true);
    part.packed = packed;
    if (described) {
      part.flags = 8;
      part.crc.local = part.stored.local = part.size.local = 0;
      part.descriptor = descriptor(true, 4, crc_of(data), packed.size(), data.size());
    }
    EXPECT_EQ(deflated_archive(packed, data, described), expected.bytes());
  }
}

// APPNOTE 4.5.3 and 4.3.9.2: 64-bit sizes are in extra field 1, the size before the stored size. A descriptor has the
// stored size first.
TEST(ZipWriting, WritesADescriptorForMoreThanFourGigabytes) {
  const uint64_t size = (uint64_t{1} << 32) + 5;
  const uint64_t stored = (uint64_t{1} << 33) + 7;
  const uint32_t crc = 0x89ABCDEF;
  const auto local = [&](uint16_t flags, uint32_t sum, const std::string &sizes) {
    return little(0x04034B50, 4) + little(45, 2) + little(flags, 2) + little(8, 2) + little(0x00210000, 4) +
           little(sum, 4) + little(0xFFFFFFFF, 4) + little(0xFFFFFFFF, 4) + little(1, 2) + little(20, 2) + "x" +
           little(1, 2) + little(16, 2) + sizes;
  };
  for (const bool described : {false, true}) {
    MemorySink memory(default_memory());
    Ref<Sink> sink;
    ASSERT_TRUE(memory.open(sink).ok());
    Output output(*sink, Settings(), 0);
    ZipWriter zip(default_memory(), 64);
    Vec<uint8_t> made(default_memory());
    ASSERT_TRUE(zip.begin(made, ZipMember{"x", size, 0, true, described}, 0).ok());
    ASSERT_TRUE(output.write(made.data(), made.size()).ok());
    zip.set(crc, stored);
    made.clear();
    ASSERT_TRUE((described ? zip.put_descriptor(made) : zip.patch(output)).ok());
    ASSERT_TRUE(output.write(made.data(), made.size()).ok());
    Ref<Buffer> buffer;
    ASSERT_TRUE(memory.finish(buffer).ok());
    const std::string found(static_cast<const char *>(buffer->data), buffer->size);
    const std::string expected = described ? local(8, 0, std::string(16, '\0')) + little(0x08074B50, 4) +
                                                 little(crc, 4) + little(stored, 8) + little(size, 8)
                                           : local(0, crc, little(size, 8) + little(stored, 8));
    EXPECT_EQ(found, expected);
  }
}

}  // namespace
}  // namespace tfile
