#include "hostile/cases.h"
#include "support/zip_builder.h"

namespace tfile::hostile {

namespace {

using testing::deflated;
using testing::little;
using testing::npy;
using testing::npy_int32;
using testing::npy_text;
using testing::ZipBuilder;
using testing::ZipPart;

const std::string kArray = npy_int32("4", std::string(16, '\1'));

// An archive of two arrays, the second of them deflated.
ZipBuilder base() {
  ZipBuilder zip;
  zip.add("a.npy", kArray);
  zip.add("b.npy", kArray, true);
  return zip;
}

// Returns base() after changing its second member.
template <typename Change>
std::string second(Change change) {
  ZipBuilder zip = base();
  change(zip.parts[1]);
  return zip.bytes();
}
template <typename Change>
std::string first(Change change) {
  ZipBuilder zip = base();
  change(zip.parts[0]);
  return zip.bytes();
}
template <typename Change>
std::string archive(Change change) {
  ZipBuilder zip = base();
  change(zip);
  return zip.bytes();
}

void add_cuts(Cases &cases) {
  const std::string whole = base().bytes();
  for (size_t cut = 0; cut < whole.size(); cut += 13)
    cases.refused("cut_at_" + std::to_string(cut), TF_STATUS_TRUNCATED, whole.substr(0, cut));
  cases.refused("without_last_byte", TF_STATUS_TRUNCATED, whole.substr(0, whole.size() - 1));
  cases.refused("text", TF_STATUS_FORMAT, "this is no archive of any kind, but text");
  cases.good("whole", whole);
  cases.good("empty", ZipBuilder().bytes());
}

// Puts wrong values into each field of the local header, of the directory entry, and of both.
void add_fields(Cases &cases) {
  const uint16_t flag_values[] = {0x0001, 0x0020, 0x0040, 0x2000};
  for (const uint16_t flags : flag_values) {
    const std::string name = "flags_" + std::to_string(flags);
    cases.refused(name, TF_STATUS_UNSUPPORTED, first([&](ZipPart &part) { part.flags = flags; }));
    cases.refused(name + "_listed", TF_STATUS_UNSUPPORTED, first([&](ZipPart &part) { part.flags.listed = flags; }));
    cases.refused(name + "_local", TF_STATUS_CORRUPT, first([&](ZipPart &part) { part.flags.local = flags; }));
  }
  for (const uint16_t flags : {uint16_t{0x0800}, uint16_t{0x0008}, uint16_t{0x0002}}) {
    const std::string name = "flags_" + std::to_string(flags);
    cases.refused(name + "_listed", TF_STATUS_CORRUPT, first([&](ZipPart &part) { part.flags.listed = flags; }));
    cases.refused(name + "_local", TF_STATUS_CORRUPT, first([&](ZipPart &part) { part.flags.local = flags; }));
  }
  for (const int id : {1, 2, 6, 7, 9, 10, 12, 14, 19, 93, 95, 97, 98, 99, 0xFFFF}) {
    const auto method = static_cast<uint16_t>(id);
    const std::string name = "method_" + std::to_string(method);
    cases.refused(name, TF_STATUS_UNSUPPORTED, second([&](ZipPart &part) { part.method = method; }));
    cases.refused(name + "_local", TF_STATUS_CORRUPT, second([&](ZipPart &part) { part.method.local = method; }));
  }
  cases.refused("stored_says_deflated", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.method = uint16_t{8}; }));
  cases.refused("deflated_says_stored", TF_STATUS_CORRUPT, second([](ZipPart &part) { part.method = uint16_t{0}; }));
  cases.refused("crc_local", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.crc.local = 1u; }));
  cases.refused("crc_listed", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.crc.listed = 1u; }));
  cases.opens("crc_stored", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.crc = 1u; }));
  cases.opens("crc_deflated", TF_STATUS_CORRUPT, second([](ZipPart &part) { part.crc = 1u; }));
  for (const uint32_t size : {0u, 1u, 100u, 143u, 145u, 1000u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFEu, 0xFFFFFFFFu}) {
    const std::string name = std::to_string(size);
    const auto refused = [&](const std::string &what, const std::string &bytes) {
      cases.refused(what + name, TF_STATUS_CORRUPT, bytes);
    };
    refused("stored_size_listed_", first([&](ZipPart &part) { part.stored.listed = size; }));
    refused("size_listed_", first([&](ZipPart &part) { part.size.listed = size; }));
    refused("stored_size_local_", first([&](ZipPart &part) { part.stored.local = size; }));
    refused("size_local_", first([&](ZipPart &part) { part.size.local = size; }));
    refused("deflated_stored_size_", second([&](ZipPart &part) { part.stored = size; }));
    const std::string stored = first([&](ZipPart &part) { part.size = part.stored = size; });
    const std::string deflated = second([&](ZipPart &part) { part.size = size; });
    refused("sizes_", stored);
    refused("deflated_size_", deflated);
  }
  for (const uint32_t offset : {1u, 30u, 100u, 0x7FFFFFFFu, 0xFFFFFFFEu, 0xFFFFFFFFu})
    cases.refused("offset_" + std::to_string(offset), TF_STATUS_CORRUPT,
                  first([&](ZipPart &part) { part.offset = offset; }));
  cases.refused("disk_1", TF_STATUS_UNSUPPORTED, first([](ZipPart &part) { part.disk = 1; }));
  cases.refused("signature_local", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.signature = 0x04034B51; }));
  cases.refused("directory_signature_local", TF_STATUS_CORRUPT,
                first([](ZipPart &part) { part.signature = 0x02014B50; }));
}

void add_names(Cases &cases) {
  cases.refused("name_local", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.written_name.local = "x.npy"; }));
  cases.refused("name_listed", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.written_name.listed = "x.npy"; }));
  cases.refused("name_longer_local", TF_STATUS_CORRUPT,
                first([](ZipPart &part) { part.written_name.local = "a.npyy"; }));
  cases.refused("name_most_local", TF_STATUS_CORRUPT,
                first([](ZipPart &part) { part.written_name.local = std::string(65535, 'a'); }));
  cases.refused("name_with_nul", TF_STATUS_CORRUPT,
                first([](ZipPart &part) { part.name = std::string("a\0.npy", 6); }));
  for (const auto &[name, text] : bad_utf8()) {
    const std::string &bytes = text;
    cases.refused("utf8_" + name, TF_STATUS_CORRUPT, first([&](ZipPart &part) {
                    part.name = "a" + bytes + ".npy";
                    part.flags = uint16_t{0x0800};
                  }));
    cases.good("cp437_" + name, first([&](ZipPart &part) { part.name = "a" + bytes + ".npy"; }));
  }
  for (const char *name : {"../../etc/passwd.npy", "/abs.npy", "a\\b.npy", "C:x.npy", "con.npy", ".npy", "a.npy.npy"})
    cases.good(std::string("name ") + name, first([&](ZipPart &part) { part.name = name; }));
  cases.refused("name_twice", TF_STATUS_DUPLICATE, second([](ZipPart &part) { part.name = "a.npy"; }));
  cases.refused("name_twice_without_suffix", TF_STATUS_DUPLICATE, second([](ZipPart &part) { part.name = "a"; }));
  for (const size_t size : std::initializer_list<size_t>{1, 3, 4, 5, 19, 20, 27})
    cases.good("extra_of_" + std::to_string(size),
               first([&](ZipPart &part) { part.extra.local = std::string(size, '\0'); }));
  const std::string wide = little(1, 2);
  for (const size_t size : std::initializer_list<size_t>{0, 4, 7, 8, 15, 65535})
    cases.refused("zip64_extra_of_" + std::to_string(size), TF_STATUS_CORRUPT, first([&](ZipPart &part) {
                    part.size.listed = part.stored.listed = 0xFFFFFFFFu;
                    part.extra.listed = wide + little(size, 2) + std::string(size < 100 ? size : 0, '\1');
                  }));
  const uint64_t tops[] = {uint64_t{1} << 62, uint64_t{1} << 63, UINT64_MAX};
  for (const uint64_t size : tops)
    cases.refused("zip64_sizes_" + std::to_string(size), TF_STATUS_CORRUPT, first([&](ZipPart &part) {
                    part.size = part.stored = 0xFFFFFFFFu;
                    part.extra = wide + little(16, 2) + little(size, 8) + little(size, 8);
                  }));
  cases.refused("zip64_offset_most", TF_STATUS_CORRUPT, first([&](ZipPart &part) {
                  part.offset = 0xFFFFFFFFu;
                  part.extra.listed = wide + little(8, 2) + little(UINT64_MAX, 8);
                }));
  cases.good("zip64_right", first([&](ZipPart &part) {
               part.size = part.stored = 0xFFFFFFFFu;
               part.extra = wide + little(16, 2) + little(kArray.size(), 8) + little(kArray.size(), 8);
             }));
}

void add_ends(Cases &cases) {
  for (const uint64_t count : std::initializer_list<uint64_t>{0, 1, 3, 100, 65534, 65535})
    cases.refused("entries_" + std::to_string(count), TF_STATUS_CORRUPT,
                  archive([&](ZipBuilder &zip) { zip.entries = count; }));
  for (const uint64_t count : std::initializer_list<uint64_t>{0, 1, 3, 65535})
    cases.refused("entries_here_" + std::to_string(count), TF_STATUS_CORRUPT,
                  archive([&](ZipBuilder &zip) { zip.entries_here = count; }));
  for (const uint64_t value :
       std::initializer_list<uint64_t>{uint64_t{0}, uint64_t{1}, uint64_t{45}, uint64_t{101}, uint64_t{103},
                                       uint64_t{0x7FFFFFFF}, uint64_t{0xFFFFFFFE}, uint64_t{0xFFFFFFFF}}) {
    const std::string name = std::to_string(value);
    cases.refused("directory_size_" + name, TF_STATUS_CORRUPT,
                  archive([&](ZipBuilder &zip) { zip.directory_size = value; }));
    cases.refused("directory_offset_" + name, TF_STATUS_CORRUPT,
                  archive([&](ZipBuilder &zip) { zip.directory_offset = value; }));
  }
  cases.refused("disk", TF_STATUS_UNSUPPORTED, archive([](ZipBuilder &zip) { zip.disk = 1; }));
  cases.refused("directory_disk", TF_STATUS_UNSUPPORTED, archive([](ZipBuilder &zip) { zip.directory_disk = 1; }));
  for (const int size : {1, 22, 1000, 65535})
    cases.refused("comment_too_long_" + std::to_string(size), TF_STATUS_TRUNCATED,
                  archive([&](ZipBuilder &zip) { zip.comment_size = static_cast<uint16_t>(size); }));
  cases.good("comment_of_65535", archive([](ZipBuilder &zip) { zip.comment = std::string(65535, 'c'); }));
  for (const size_t size : std::initializer_list<size_t>{1, 4, 30, 100, 70000})
    cases.refused("junk_before_" + std::to_string(size), TF_STATUS_CORRUPT,
                  archive([&](ZipBuilder &zip) { zip.before = std::string(size, 'j'); }));
  for (const size_t size : std::initializer_list<size_t>{1, 4, 30, 1000})
    cases.refused("junk_after_" + std::to_string(size), TF_STATUS_CORRUPT,
                  archive([&](ZipBuilder &zip) { zip.trailing = std::string(size, 'j'); }));
  for (const size_t size : std::initializer_list<size_t>{1, 46, 100})
    cases.refused("junk_after_directory_" + std::to_string(size), TF_STATUS_CORRUPT,
                  archive([&](ZipBuilder &zip) { zip.after_directory = std::string(size, 'j'); }));
  cases.good("zip64_end", archive([](ZipBuilder &zip) { zip.wide = true; }));
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, uint64_t{1} << 62, uint64_t{1} << 63, UINT64_MAX}) {
    const std::string name = std::to_string(value);
    const auto wide = [&](auto change) {
      return archive([&](ZipBuilder &zip) {
        zip.wide = true;
        zip.entries.local = 0xFFFF;
        zip.directory_size.local = 0xFFFFFFFF;
        zip.directory_offset.local = 0xFFFFFFFF;
        change(zip);
      });
    };
    cases.refused("zip64_entries_" + name, TF_STATUS_CORRUPT,
                  wide([&](ZipBuilder &zip) { zip.entries.listed = value; }));
    cases.refused("zip64_directory_size_" + name, TF_STATUS_CORRUPT,
                  wide([&](ZipBuilder &zip) { zip.directory_size.listed = value; }));
    cases.refused("zip64_directory_offset_" + name, TF_STATUS_CORRUPT,
                  wide([&](ZipBuilder &zip) { zip.directory_offset.listed = value; }));
    cases.refused("zip64_place_" + name, TF_STATUS_CORRUPT, wide([&](ZipBuilder &zip) { zip.wide_offset = value; }));
  }
  cases.refused("zip64_disks", TF_STATUS_UNSUPPORTED, archive([](ZipBuilder &zip) { zip.wide = true, zip.disks = 2; }));
  cases.refused("zip64_record_size_0", TF_STATUS_CORRUPT,
                archive([](ZipBuilder &zip) { zip.wide = true, zip.wide_record_size = 0; }));
  cases.refused("zip64_record_size_most", TF_STATUS_CORRUPT,
                archive([](ZipBuilder &zip) { zip.wide = true, zip.wide_record_size = 0xFFFFFFFF; }));
}

void add_layouts(Cases &cases) {
  cases.refused("member_not_listed", TF_STATUS_CORRUPT, second([](ZipPart &part) { part.listed = false; }));
  cases.refused("first_member_not_listed", TF_STATUS_CORRUPT, first([](ZipPart &part) { part.listed = false; }));
  cases.refused("member_not_there", TF_STATUS_CORRUPT, second([](ZipPart &part) { part.local = false; }));
  cases.refused("two_entries_one_member", TF_STATUS_CORRUPT, second([](ZipPart &part) { part.offset = 0; }));
  cases.good("gap_between", second([](ZipPart &part) { part.before = std::string(50, '\0'); }));
  // One entry is inside another, as in zip bombs of overlapping members.
  ZipBuilder inside;
  const std::string packed = deflated(kArray);
  ZipPart &outer = inside.add("a.npy", kArray);
  outer.packed = kArray + std::string(200, '\0');
  outer.stored = static_cast<uint32_t>(outer.packed->size());
  outer.size = static_cast<uint32_t>(outer.packed->size());
  inside.add("b.npy", kArray).local = false;
  inside.parts[1].offset = 60;
  cases.refused("member_in_a_member", TF_STATUS_CORRUPT, inside.bytes());
  // Members that declare more bytes than deflate can produce, or another number of bytes than their stream has.
  for (const uint32_t size : {100000u, 0x10000000u, 0xFFFFFFFEu})
    cases.refused("bomb_" + std::to_string(size), TF_STATUS_CORRUPT, second([&](ZipPart &part) { part.size = size; }));
  const std::string zeros = npy_int32("1000000", std::string(4000000, '\0'));
  ZipBuilder dense;
  dense.add("a.npy", zeros, true);
  cases.good("four_megabytes_of_zeros", dense.bytes());
  ZipBuilder lie;
  lie.add("a.npy", zeros, true).size = static_cast<uint32_t>(zeros.size() - 4);
  cases.refused("bomb_that_declares_less", TF_STATUS_CORRUPT, lie.bytes());
  const std::pair<const char *, std::string> streams[] = {{"nothing", ""},
                                                          {"bad_block_type", "\x07"},
                                                          {"bad_stored_length", std::string("\x01\x05\x00\x00\x00", 5)},
                                                          {"no_end", packed.substr(0, packed.size() - 1)},
                                                          {"half", packed.substr(0, packed.size() / 2)},
                                                          {"bytes_after", packed + "xx"},
                                                          {"all_ones", std::string(50, '\xFF')},
                                                          {"zeros", std::string(50, '\0')}};
  for (const auto &[name, stream] : streams) {
    ZipBuilder zip = base();
    zip.parts[1].packed = stream;
    // Opening inflates the header only, so the other errors are found when the array is read.
    const std::string kind = name;
    if (kind == "no_end" || kind == "bytes_after") {
      cases.opens("deflate_" + kind, TF_STATUS_CORRUPT, zip.bytes());
    } else {
      cases.refused("deflate_" + kind, TF_STATUS_CORRUPT, zip.bytes());
    }
  }
}

void add_members(Cases &cases) {
  const auto member = [](const std::string &bytes, bool deflate) {
    ZipBuilder zip;
    zip.add("a.npy", bytes, deflate);
    return zip.bytes();
  };
  const std::string text = npy_text("<i4", "(4,)");
  for (const bool deflate : {false, true}) {
    const std::string kind = deflate ? "deflated_" : "stored_";
    const auto bad = [&](const std::string &name, const std::string &bytes) {
      cases.refused(kind + name, TF_STATUS_CORRUPT, member(bytes, deflate));
    };
    bad("array_too_short", kArray.substr(0, kArray.size() - 1));
    bad("array_too_long", kArray + "x");
    bad("two_arrays", kArray + kArray);
    bad("header_cut", kArray.substr(0, 40));
    bad("head_only", kArray.substr(0, 10));
    bad("magic_only", kArray.substr(0, 6));
    bad("negative_size", npy(npy_text("<i4", "(-4,)"), std::string(16, '\1')));
    bad("overflow", npy(npy_text("<i4", "(4611686018427387904,)"), std::string(16, '\1')));
    bad("huge", npy(npy_text("<i4", "(1000000000000,)"), std::string(16, '\1')));
    bad("no_dict", npy("hello\n", std::string(16, '\1')));
    cases.refused(kind + "version_4", TF_STATUS_UNSUPPORTED, member(npy(text, std::string(16, '\1'), 4), deflate));
    cases.refused(kind + "long_header", TF_STATUS_LIMIT,
                  member(std::string("\x93NUMPY\x02\x00", 8) + little(0xFFFFFFFF, 4) + text, deflate));
    cases.opens(kind + "objects", TF_STATUS_UNSUPPORTED,
                member(npy(npy_text("|O", "(4,)"), std::string(16, '\1')), deflate));
    cases.good(kind + "not_an_array", member("hello", deflate));
    cases.good(kind + "nothing", member("", deflate));
  }
  ZipBuilder folder = base();
  folder.add("d/", "");
  cases.good("folder", folder.bytes());
}

void add_many(Cases &cases) {
  ZipBuilder zip;
  for (size_t i = 0; i < 5000; ++i)
    zip.add(std::to_string(i) + ".npy", npy_int32("0", ""));
  cases.good("many", zip.bytes());
  ZipBuilder twice = zip;
  twice.add("0.npy", npy_int32("0", ""));
  cases.refused("many_then_a_duplicate", TF_STATUS_DUPLICATE, twice.bytes());
  ZipBuilder bad = zip;
  bad.add("z.npy", npy_int32("0", "x"));
  cases.refused("many_then_a_fault", TF_STATUS_CORRUPT, bad.bytes());
  ZipBuilder same = zip;
  for (ZipPart &part : same.parts)
    part.offset = 0;
  cases.refused("many_at_one_place", TF_STATUS_CORRUPT, same.bytes());
}

}  // namespace

std::vector<Case> npz_cases() {
  Cases cases(TF_FORMAT_NPZ);
  add_cuts(cases);
  add_fields(cases);
  add_names(cases);
  add_ends(cases);
  add_layouts(cases);
  add_members(cases);
  add_many(cases);
  return cases.take();
}

}  // namespace tfile::hostile
