#include "base/cpu.h"
#include "codec/deflate.h"
#include "codec/inflate_state.h"

namespace tfile {

namespace {

const InflateLoops &loops_of(InflateVariant variant) {
#if defined(TENSORFILE_INFLATE_BMI2)
  if (variant == InflateVariant::kBest && cpu_has_bmi2()) return kBmi2Loops;
#endif
  (void)variant;
  return kPortableLoops;
}

}  // namespace

struct Inflater::State : InflateState {
  uint8_t window[kDeflateWindow];
};

Inflater::~Inflater() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Inflater::begin() {
  if (state_ == nullptr) TFILE_TRY(make(&state_, memory_));
  state_->begin(loops_of(variant_), false);
  return kOk;
}

Status Inflater::run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output) {
  InflateCursor cursor{input->data(), input->end(), output->data(), output->end(), output->data()};
  state_->run(&cursor);
  *valid = !state_->invalid();
  *done = state_->done();
  if (*valid && !*done) state_->remember(cursor, state_->window);
  *input = Bytes(cursor.in, cursor.in_remaining());
  *output = Span<uint8_t>(cursor.out, cursor.out_remaining());
  return kOk;
}

bool Inflater::at_border() const {
  return state_->at_border();
}

InterleavedInflater::~InterleavedInflater() {
  if (states_ != nullptr) destroy(memory_, states_);
}

struct InterleavedInflater::States {
  InflateState of[kMaxLanes];
};

Status InterleavedInflater::run(Span<InflateChunk> chunks) {
  static_assert(kMaxChunks == kMaxLanes);
  if (states_ == nullptr) TFILE_TRY(make(&states_, memory_));
  InflateCursor cursors[kMaxChunks];
  bool stopped[kMaxChunks] = {};
  for (size_t i = 0; i < chunks.size(); ++i) {
    const InflateChunk &chunk = chunks[i];
    states_->of[i].begin(loops_of(variant_), true);
    cursors[i] = {chunk.input.data(), chunk.input.end(), chunk.output.data(), chunk.output.end(), chunk.output.data()};
  }
  while (run_once(chunks.size(), cursors, stopped)) {
  }
  for (size_t i = 0; i < chunks.size(); ++i) {
    const InflateState &state = states_->of[i];
    const bool ended = chunks[i].last ? state.done() : state.at_border();
    chunks[i].good = ended && cursors[i].in_remaining() == 0 && cursors[i].out_remaining() == 0;
  }
  return kOk;
}

// Advances each stream to its next run of literals, then decodes literals of all streams together. Returns false if all
// streams have stopped.
bool InterleavedInflater::run_once(size_t streams, InflateCursor *cursors, bool *stopped) {
  InflateLane lanes[kMaxChunks];
  size_t lane_stream[kMaxChunks];
  unsigned count = 0;
  for (size_t i = 0; i < streams; ++i) {
    InflateState &state = states_->of[i];
    if (stopped[i]) continue;
    state.run_until_literals(&cursors[i]);
    stopped[i] = !state.has_literals(cursors[i]);
    if (stopped[i]) continue;
    lanes[count] = state.lane(cursors[i]);
    lane_stream[count++] = i;
  }
  if (count == 1) {
    // A single stream is decoded faster by the other loop.
    states_->of[lane_stream[0]].run(&cursors[lane_stream[0]]);
    stopped[lane_stream[0]] = true;
    return true;
  }
  if (count > 0) loops_of(variant_).literals(lanes, count);
  for (unsigned k = 0; k < count; ++k)
    states_->of[lane_stream[k]].resume(lanes[k], &cursors[lane_stream[k]]);
  return count > 0;
}

}  // namespace tfile
