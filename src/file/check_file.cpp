#include "file/check_file.h"

#include <algorithm>

#include "base/error.h"
#include "base/shared_progress.h"
#include "file/open.h"
#include "file/sets/set_files.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

// The number of bytes of a member that are in memory at a time.
constexpr uint64_t kPiece = uint64_t{1} << 20;
// A chunked member up to this size is read whole, because several threads can inflate its chunks.
constexpr uint64_t kMaxWhole = uint64_t{256} << 20;

// A line of the report, such as "corrupt: w.npz: array 'x': ...".
class ReportLine {
 public:
  ReportLine() : line_(buffer_, sizeof(buffer_)) {}
  explicit ReportLine(tf_status status) : ReportLine() { line_ << status_name(status) << ": "; }
  // Appends the message of the error record, which must belong to the status.
  explicit ReportLine(Status status) : ReportLine(status.code) { line_ << error_record().message; }
  ReportLine(const ReportLine &) = delete;
  ReportLine &operator=(const ReportLine &) = delete;
  template <typename T>
  ReportLine &operator<<(const T &value) {
    line_ << value;
    return *this;
  }
  Text text() const { return line_.text(); }

 private:
  char buffer_[1536];
  LineWriter line_;
};

// Reads all bytes of the members of one file, on several threads, and keeps the error of each member.
class ByteChecker {
 public:
  explicit ByteChecker(const OpenedFile &file)
      : file_(file), jobs_(file.settings.memory()), quiet_(file.settings), progress_(file.settings, total_of(file)) {
    quiet_.set_progress(Ref<ProgressCallback>());
  }
  ~ByteChecker() {
    for (const CheckJob &job : jobs_) {
      if (job.error != nullptr) job.error->release();
    }
  }
  ByteChecker(const ByteChecker &) = delete;
  ByteChecker &operator=(const ByteChecker &) = delete;

  // Reads the bytes of all members.
  Status run() {
    bool concurrent = true;
    for (const auto list : kLists) {
      for (const Member &member : file_.listing.*list) {
        concurrent = concurrent && file_.source_of(member).concurrent;
        TFILE_TRY(jobs_.push(CheckJob{&member, nullptr, 0}));
      }
    }
    TFILE_TRY(share_bytes());
    for (CheckJob &job : jobs_) {
      if (is_read_whole(*job.member)) TFILE_TRY(check(job));
    }
    const Workers workers = concurrent ? file_.settings.workers() : Workers();
    return parallel_for(jobs_.size(), workers, run_job, this, report);
  }

  size_t count() const { return jobs_.size(); }
  const Member &member(size_t i) const { return *jobs_[i].member; }
  // Returns the error of a member as a line of the report, or "".
  Text error(size_t i) const {
    const Buffer *const line = jobs_[i].error;
    return line != nullptr ? Text(static_cast<const char *>(line->data), line->size) : Text();
  }

 private:
  struct CheckJob {
    const Member *member;
    Buffer *error;
    uint64_t start;  // of the member's bytes, the first that no job before this one reads

    // True if reading the bytes verifies nothing but that they can be read. Members of archives have checksums, and do
    // not overlap.
    bool is_plain() const { return !member->deflated && !member->has_crc; }
  };

  // The arrays, then what is not an array, then what a later member replaces.
  static constexpr Vec<Member> Listing::*kLists[] = {&Listing::members, &Listing::others, &Listing::replaced};

  static uint64_t total_of(const OpenedFile &file) {
    uint64_t total = 0;
    for (const auto list : kLists) {
      for (const Member &member : file.listing.*list)
        total += member.nbytes;
    }
    return total;
  }
  static bool is_read_whole(const Member &member) { return !member.chunks.empty() && member.nbytes <= kMaxWhole; }
  static Status run_job(void *context, size_t i) {
    auto &checker = *static_cast<ByteChecker *>(context);
    CheckJob &job = checker.jobs_[i];
    return is_read_whole(*job.member) ? kOk : checker.check(job);
  }
  static Status report(void *context) { return static_cast<ByteChecker *>(context)->progress_.report(); }

  // Divides the bytes that several members have among their jobs, so that each byte is read once and the work is in
  // proportion to the file, whatever its header says.
  Status share_bytes() {
    Vec<CheckJob *> sorted(jobs_.memory());
    TFILE_TRY(sorted.reserve(jobs_.size()));
    for (CheckJob &job : jobs_) {
      if (job.is_plain()) TFILE_TRY(sorted.push(&job));
    }
    std::sort(sorted.begin(), sorted.end(), [](const CheckJob *a, const CheckJob *b) {
      const Member &left = *a->member;
      const Member &right = *b->member;
      if (left.part != right.part) return left.part < right.part;
      return left.offset != right.offset ? left.offset < right.offset : a < b;
    });
    uint64_t end = 0;
    for (size_t i = 0; i < sorted.size(); ++i) {
      CheckJob &job = *sorted[i];
      const Member &member = *job.member;
      if (i > 0 && sorted[i - 1]->member->part != member.part) end = 0;
      if (end > member.offset) job.start = std::min(end - member.offset, member.nbytes);
      const Checked member_end = Checked(member.offset) + member.nbytes;
      if (member_end.valid()) end = std::max(end, member_end.value());
    }
    return kOk;
  }

  Status check(CheckJob &job) {
    const RawMember raw(*job.member);
    const Status status =
        is_read_whole(*job.member) ? read_whole_member(raw.member()) : read_pieces(raw.member(), job.start);
    if (status.ok()) return kOk;
    if (!is_fault(status)) return status;
    const ReportLine line(status);
    Ref<Buffer> kept;
    TFILE_TRY(make_buffer(kept, quiet_.memory(), line.text().size()));
    memcpy(kept->data, line.text().data(), line.text().size());
    job.error = kept.take();
    return kOk;
  }

  Status read_whole_member(const Member &member) {
    Ref<Array> bytes;
    const StoredArray array{file_.source_of(member), member, quiet_, file_.cursor};
    TFILE_TRY(read_region(bytes, array, Region::whole(member)));
    return advance(member.nbytes);
  }

  // Reads the bytes from `start` on; those before it count as read.
  Status read_pieces(const Member &member, uint64_t start) {
    MemberStream stream(file_.source_of(member), member, quiet_.memory(), true);
    Vec<uint8_t> piece(quiet_.memory());
    TFILE_TRY(piece.resize(static_cast<size_t>(member.nbytes < kPiece ? member.nbytes : kPiece)));
    TFILE_TRY(stream.begin());
    if (start > 0) TFILE_TRY(advance(start));
    for (uint64_t done = start; done < member.nbytes;) {
      const uint64_t remaining = member.nbytes - done;
      const uint64_t count = remaining < kPiece ? remaining : kPiece;
      TFILE_TRY(stream.read(done, piece.data(), count));
      TFILE_TRY(advance(count));
      done += count;
    }
    return stream.finish();
  }

  // Counts bytes that have been read. On the calling thread, reports them to the progress callback.
  Status advance(uint64_t nbytes) {
    progress_.add(nbytes);
    return &error_record() == &caller_record_ ? progress_.report() : kOk;
  }

  const OpenedFile &file_;
  const ErrorRecord &caller_record_ = error_record();
  Vec<CheckJob> jobs_;
  Settings quiet_;  // the settings of the file without its progress callback
  SharedProgress progress_;
};

class Checker : FaultCollector {
 public:
  Checker(Dict &report, const Settings &settings)
      : FaultCollector{add_fault}, report_(report), settings_(settings), opening_(settings) {
    // Opens the file leniently and collects faults, so that the first one does not hide others.
    opening_.set(TF_OPTION_LENIENT, 1);
    opening_.set_collector(this);
  }

  Status check_path(const char *path) {
    TFILE_TRY(begin());
    Ref<OpenedFile> file;
    const Status opened = open_path(file, path, opening_);
    if (!opened.ok()) return check_unopened(path, opened);
    TFILE_TRY(check_opened(*file));
    return file->parts.empty() && !is_file_missing_ ? note_set(path, *file) : kOk;
  }

  Status check_source(Ref<Source> source, tf_format format) {
    TFILE_TRY(begin());
    Ref<OpenedFile> file;
    const Status opened = open_file_source(file, std::move(source), format, opening_);
    if (opened.ok()) return check_opened(*file);
    return is_fault(opened) ? add_fault(*this, opened) : opened;
  }

 private:
  Status begin() {
    TFILE_TRY(report_.set_string_list("faults", &faults_));
    TFILE_TRY(report_.set_string_list("excused", &excused_));
    unsupported_ = settings_.on(TF_OPTION_SKIP_UNSUPPORTED) ? excused_ : faults_;
    return report_.set_string_list("notes", &notes_);
  }

  // Reports a fault. That a file does not exist is one, because here it can only be a file of a set.
  static Status add_fault(FaultCollector &self, Status failure) {
    auto &checker = static_cast<Checker &>(self);
    const bool is_missing = failure.code == TF_STATUS_NOT_FOUND;
    if (!is_missing && !is_fault(failure)) return failure;
    checker.is_file_missing_ = checker.is_file_missing_ || is_missing;
    return append(*checker.faults_, ReportLine(failure).text());
  }

  Status check_opened(const OpenedFile &file) {
    for (const Text note : file.listing.notes)
      TFILE_TRY(notes_->append(note));
    TFILE_TRY(check(file, unsupported_));
    return file.format->single_array ? check_following(file) : kOk;
  }

  // Reports the fault of what could not be opened. If that is the file from which its set is opened, the others are checked
  // one by one.
  Status check_unopened(Text path, Status opened) {
    if (!is_fault(opened)) return opened;
    const bool is_first = faults_->size() == 0;
    TFILE_TRY(add_fault(*this, opened));
    if (!is_first) return kOk;
    Arena arena(settings_.memory());
    Vec<Text> files(settings_.memory());
    TFILE_TRY(list_set(&files, arena, path, settings_.on(TF_OPTION_PARTS)));
    opening_.set(TF_OPTION_PARTS, 0);
    for (const Text name : files)
      TFILE_TRY(check_file_of_set(name));
    return kOk;
  }

  // As list_set_files(), but lists nothing if the index of the set is faulty.
  Status list_set(Vec<Text> *out, Arena &arena, Text path, bool by_part) {
    const Status status = list_set_files(out, arena, path, by_part, settings_);
    return is_fault(status) ? kOk : status;
  }

  Status check_file_of_set(Text path) {
    Ref<OpenedFile> file;
    const Status opened = open_path(file, path.data(), opening_);
    // The notes would be about a file by itself.
    return opened.ok() ? check(*file, unsupported_) : add_fault(*this, opened);
  }

  // Adds notes about the set that a file belongs to which has been opened by itself: that there is one, unless that is
  // noted already, and which of its files do not exist.
  Status note_set(Text path, const OpenedFile &opened) {
    Arena arena(settings_.memory());
    Vec<Text> files(settings_.memory());
    TFILE_TRY(list_set(&files, arena, path, true));
    const bool is_noted = !opened.listing.notes.empty();
    if (files.size() > 1 && !is_noted) {
      TFILE_TRY(notes_->append("this is one file of a set; TF_OPTION_PARTS opens all of them"));
    }
    for (const Text name : files)
      TFILE_TRY(note_if_missing(name));
    return kOk;
  }

  Status note_if_missing(Text path) {
    Ref<Source> source;
    const Status status = source_from_path(source, settings_.memory(), path.data());
    if (status.code != TF_STATUS_NOT_FOUND) return status.code == TF_STATUS_OUT_OF_MEMORY ? status : kOk;
    return notes_->append((ReportLine() << "a file of the set is missing: " << path).text());
  }

  // Appends a line, unless it repeats the previous line: two checks can find the same fault.
  static Status append(StringList &lines, Text line) {
    const size_t count = lines.size();
    return count > 0 && lines.at(count - 1) == line ? kOk : lines.append(line);
  }

  // Checks the arrays of a file. Types that cannot be read are reported in `unsupported`: unsupported_ for arrays that a
  // load reads, and the notes for others.
  Status check(const OpenedFile &file, StringList *unsupported) {
    for (const Text line : file.listing.tolerated)
      TFILE_TRY(add_tolerated(line));
    ByteChecker bytes(file);
    TFILE_TRY(bytes.run());
    for (size_t i = 0; i < bytes.count(); ++i) {
      const bool is_loaded = i < file.listing.members.size();
      TFILE_TRY(check_type(file, bytes.member(i), is_loaded, unsupported));
      if (!bytes.error(i).empty()) TFILE_TRY(append(*faults_, bytes.error(i)));
    }
    return kOk;
  }

  Status add_tolerated(Text line) {
    if (settings_.on(TF_OPTION_LENIENT)) return excused_->append(line);
    return faults_->append((ReportLine() << line << kLenientHint).text());
  }

  // A member that no load reads may be of any type, but not invalid.
  Status check_type(const OpenedFile &file, const Member &member, bool is_loaded, StringList *unsupported) {
    if (member.dtype != nullptr) return kOk;
    if (member.invalid) return append(*faults_, (ReportLine(member.fault) << member.reason).text());
    if (!is_loaded) return kOk;
    const ReportLine line(check_known(file.source_of(member), member));
    return unsupported->append(line.text());
  }

  // Checks the arrays that follow the first one in a file of a format for single arrays. A load does not read them, so
  // that a type of theirs that cannot be read is only noted.
  Status check_following(const OpenedFile &file) {
    uint64_t start = end_of(file);
    for (bool found = true; found;) {
      TFILE_TRY(check_next(&start, &found, file));
    }
    return kOk;
  }

  static uint64_t end_of(const OpenedFile &file) {
    const Member &member = file.listing.members[0];
    return member.offset + member.stored;
  }

  // Checks the array at *start, if there is one, and moves *start to its end.
  Status check_next(uint64_t *start, bool *found, const OpenedFile &file) {
    *found = false;
    Source &source = *file.source;
    uint8_t head[16];
    const uint64_t remaining = source.size - *start;
    const size_t count = remaining < sizeof(head) ? static_cast<size_t>(remaining) : sizeof(head);
    TFILE_TRY(read_at(source, *start, head, count, Text()));
    if (!file.format->probe(Bytes(head, count))) return kOk;
    Ref<Source> rest;
    TFILE_TRY(source_from_part(rest, settings_.memory(), source, *start, remaining));
    ReportLine label;
    label << source.label << ": the array that begins at byte " << *start << ", counting bytes from there";
    TFILE_TRY(name_source(*rest, label.text()));
    Ref<OpenedFile> next;
    const Status opened = open_source(next, std::move(rest), file.format->id, opening_);
    if (!opened.ok()) return is_fault(opened) ? append(*faults_, ReportLine(opened).text()) : opened;
    TFILE_TRY(check(*next, notes_));
    *start += end_of(*next);
    *found = true;
    return kOk;
  }

  Dict &report_;
  const Settings &settings_;
  Settings opening_;
  StringList *faults_ = nullptr;
  StringList *excused_ = nullptr;
  StringList *unsupported_ = nullptr;  // one of these two: where types that cannot be read are reported
  StringList *notes_ = nullptr;
  bool is_file_missing_ = false;  // of a set
};

// Makes a report with `check`, a call of a Checker.
template <typename Check>
Status make_report(Ref<Dict> &out, const Settings &settings, Check check) {
  const ErrorRecord before = error_record();
  Ref<Dict> report;
  TFILE_TRY(make_dict(report, settings.memory()));
  Checker checker(*report, settings);
  TFILE_TRY(check(checker));
  // A call that succeeds must not change the error record, even if it found faults.
  error_record() = before;
  out = std::move(report);
  return kOk;
}

}  // namespace

Status check_path(Ref<Dict> &out, const char *path, const Settings &settings) {
  return make_report(out, settings, [&](Checker &checker) { return checker.check_path(path); });
}

Status check_source(Ref<Dict> &out, Ref<Source> source, tf_format format, const Settings &settings) {
  return make_report(out, settings, [&](Checker &checker) { return checker.check_source(std::move(source), format); });
}

}  // namespace tfile
