// A game loop with SDL2. While it draws frames, a loader reads arrays from an archive through SDL_RWops into the game's
// own arena, on the game's own worker threads. It reports its progress, and stops when the player quits.
//
// usage: game ASSETS.PAK [--quit-while-loading]
#include <SDL.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <tensorfile.hpp>
#include <vector>

namespace {

// The memory of one level, which is freed as a whole. Jobs allocate too, so the mark is atomic.
class Arena {
 public:
  explicit Arena(std::size_t size) : size_(size), base_(static_cast<char *>(SDL_SIMDAlloc(size))) {}
  ~Arena() { SDL_SIMDFree(base_); }
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  void use_in(tensorfile::Options &options) { options.set_allocator(allocate, ignore, nullptr, this); }
  std::size_t used() const { return used_; }
  bool owns(const void *address) const { return address >= base_ && address < base_ + size_; }

 private:
  static void *allocate(void *user, std::size_t size, std::size_t alignment) {
    auto &self = *static_cast<Arena *>(user);
    const auto base = reinterpret_cast<std::uintptr_t>(self.base_);
    std::size_t used = self.used_;
    std::size_t start = 0;
    do {
      start = ((base + used + alignment - 1) & ~(alignment - 1)) - base;
      if (self.base_ == nullptr || start > self.size_ || size > self.size_ - start) return nullptr;
    } while (!self.used_.compare_exchange_weak(used, start + size));
    return self.base_ + start;
  }
  static void ignore(void * /*user*/, void * /*pointer*/, std::size_t /*size*/, std::size_t /*alignment*/) {}

  std::size_t size_;
  char *base_;
  std::atomic<std::size_t> used_{0};
};

// The game's workers.
class Jobs {
 public:
  using Job = std::function<void(std::size_t)>;

  explicit Jobs(int count) {
    for (int i = 0; i < count; ++i)
      workers_.push_back(SDL_CreateThread(work, "worker", this));
  }
  ~Jobs() {
    SDL_LockMutex(mutex_);
    stopping_ = true;
    SDL_CondBroadcast(wake_);
    SDL_UnlockMutex(mutex_);
    for (SDL_Thread *worker : workers_)
      SDL_WaitThread(worker, nullptr);
    SDL_DestroyCond(done_);
    SDL_DestroyCond(wake_);
    SDL_DestroyMutex(mutex_);
  }
  Jobs(const Jobs &) = delete;
  Jobs &operator=(const Jobs &) = delete;

  std::size_t width() const { return workers_.size(); }
  int run_so_far() const { return run_so_far_; }
  // Runs job(0) to job(count - 1), and returns when all of them have ended.
  void run(std::size_t count, const Job &job) {
    SDL_LockMutex(mutex_);
    job_ = &job;
    next_ = 0;
    left_ = count_ = count;
    SDL_CondBroadcast(wake_);
    while (left_ > 0)
      SDL_CondWait(done_, mutex_);
    job_ = nullptr;
    SDL_UnlockMutex(mutex_);
  }

 private:
  static int work(void *user) {
    auto &self = *static_cast<Jobs *>(user);
    SDL_LockMutex(self.mutex_);
    for (;;) {
      while (!self.stopping_ && (self.job_ == nullptr || self.next_ == self.count_))
        SDL_CondWait(self.wake_, self.mutex_);
      if (self.stopping_) break;
      const std::size_t index = self.next_++;
      const Job &job = *self.job_;
      SDL_UnlockMutex(self.mutex_);
      job(index);
      ++self.run_so_far_;
      SDL_LockMutex(self.mutex_);
      if (--self.left_ == 0) SDL_CondSignal(self.done_);
    }
    SDL_UnlockMutex(self.mutex_);
    return 0;
  }

  SDL_mutex *mutex_ = SDL_CreateMutex();
  SDL_cond *wake_ = SDL_CreateCond();
  SDL_cond *done_ = SDL_CreateCond();
  std::vector<SDL_Thread *> workers_;
  const Job *job_ = nullptr;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::size_t left_ = 0;
  bool stopping_ = false;
  std::atomic<int> run_so_far_{0};
};

// An archive in Quake's PAK format, read through SDL_RWops.
class Pack {
 public:
  explicit Pack(const char *path) : file_(SDL_RWFromFile(path, "rb")) {
    if (file_ == nullptr) throw std::runtime_error(SDL_GetError());
    tf_source *source = nullptr;
    if (tf_source_new(&source, static_cast<std::uint64_t>(SDL_RWsize(file_)), 1, read_at, nullptr, nullptr, this) !=
        0) {
      throw std::runtime_error(tf_error_message());
    }
    whole_ = tensorfile::Source(source);
    char magic[4];
    if (SDL_RWseek(file_, 0, RW_SEEK_SET) != 0 || SDL_RWread(file_, magic, 1, 4) != 4 ||
        memcmp(magic, "PACK", 4) != 0) {
      throw std::runtime_error("not a PAK archive");
    }
    const Uint32 directory = SDL_ReadLE32(file_);
    entries_.resize(SDL_ReadLE32(file_) / 64);
    SDL_RWseek(file_, directory, RW_SEEK_SET);
    for (Entry &entry : entries_) {
      SDL_RWread(file_, entry.name, 1, sizeof(entry.name) - 1);
      entry.offset = SDL_ReadLE32(file_);
      entry.size = SDL_ReadLE32(file_);
    }
  }
  ~Pack() {
    SDL_RWclose(file_);
    SDL_DestroyMutex(mutex_);
  }
  Pack(const Pack &) = delete;
  Pack &operator=(const Pack &) = delete;

  tensorfile::Source open(std::string_view name) const {
    for (const Entry &entry : entries_) {
      if (name == entry.name) return whole_.part(entry.offset, entry.size);
    }
    throw std::runtime_error("not in the archive: " + std::string(name));
  }

 private:
  struct Entry {
    char name[57] = {};
    Uint32 offset = 0;
    Uint32 size = 0;
  };

  // An SDL_RWops has one position, so only one job may use it at a time.
  static tf_status read_at(void *user, std::uint64_t offset, void *dst, std::size_t nbytes) {
    auto &self = *static_cast<Pack *>(user);
    SDL_LockMutex(self.mutex_);
    const bool done = SDL_RWseek(self.file_, static_cast<Sint64>(offset), RW_SEEK_SET) >= 0 &&
                      SDL_RWread(self.file_, dst, 1, nbytes) == nbytes;
    SDL_UnlockMutex(self.mutex_);
    return done ? TF_STATUS_OK : TF_STATUS_IO;
  }

  SDL_RWops *file_;
  SDL_mutex *mutex_ = SDL_CreateMutex();
  tensorfile::Source whole_;
  std::vector<Entry> entries_;
};

// A level, which the loader fills while the game draws.
struct Level {
  enum class State { kLoading, kReady, kStopped, kFailed };

  Level(const Pack &from, Jobs &on) : pack(from), jobs(on) { SDL_AddEventWatch(watch, this); }
  ~Level() { SDL_DelEventWatch(watch, this); }
  Level(const Level &) = delete;
  Level &operator=(const Level &) = delete;

  const Pack &pack;
  Jobs &jobs;
  Arena arena{std::size_t{96} << 20};
  std::vector<float> biases;  // converted from float16 while they are read
  tensorfile::Array terrain;
  tensorfile::Dict weights;
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> total{0};
  std::atomic<bool> quit{false};
  bool quit_while_loading = false;  // simulates a quick player
  std::string error;
  std::atomic<State> state{State::kLoading};

  void load() {
    tensorfile::Options options;
    arena.use_in(options);
    options.set_executor(jobs.width(), [this](std::size_t count, const Jobs::Job &job) { jobs.run(count, job); });
    options.set_progress([this](std::uint64_t now, std::uint64_t all) {
      done = now;
      total = all;
      if (quit_while_loading) push_quit();
      return !quit;
    });
    terrain = tensorfile::load(pack.open("terrain.npy"), tensorfile::Format::auto_, options).array;
    weights = tensorfile::load(pack.open("weights.safetensors"), tensorfile::Format::auto_, options).arrays;
    const tensorfile::File file(pack.open("weights.safetensors"));
    biases.resize(static_cast<std::size_t>(file["bias"].shape()[0]));
    file["bias"].read_into_as(biases.data(), biases.size());
  }
  // Called for each event immediately, so that a load stops even while the loop is busy.
  static int SDLCALL watch(void *user, SDL_Event *event) {
    if (event->type == SDL_QUIT) static_cast<Level *>(user)->quit = true;
    return 0;
  }
  static void push_quit() {
    SDL_Event quit{};
    quit.type = SDL_QUIT;
    SDL_PushEvent(&quit);
  }
  static int SDLCALL run(void *user) {
    auto &level = *static_cast<Level *>(user);
    try {
      level.load();
      level.state = State::kReady;
    } catch (const tensorfile::Error &failure) {
      level.error = failure.what();
      level.state = failure.status() == tensorfile::Status::cancelled ? State::kStopped : State::kFailed;
    } catch (const std::exception &failure) {
      level.error = failure.what();
      level.state = State::kFailed;
    }
    return 0;
  }
};

// Draws the terrain in shades of grey, in the size of the window.
SDL_Texture *draw_terrain(SDL_Renderer *renderer, const tensorfile::Array &terrain, int width, int height) {
  SDL_Texture *const texture =
      SDL_CreateTexture(renderer, SDL_PIXELFORMAT_ARGB8888, SDL_TEXTUREACCESS_STATIC, width, height);
  const auto heights = terrain.values<float>();
  const auto rows = static_cast<std::size_t>(terrain.shape()[0]);
  const auto columns = static_cast<std::size_t>(terrain.shape()[1]);
  const auto [low, high] = std::minmax_element(heights.begin(), heights.end());
  const float scale = *high > *low ? 255.0f / (*high - *low) : 0.0f;
  std::vector<Uint32> pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    for (std::size_t x = 0; x < static_cast<std::size_t>(width); ++x) {
      const std::size_t row = y * rows / static_cast<std::size_t>(height);
      const std::size_t column = x * columns / static_cast<std::size_t>(width);
      const auto shade = static_cast<Uint32>((heights[row * columns + column] - *low) * scale);
      pixels[y * static_cast<std::size_t>(width) + x] = 0xff000000u | shade * 0x010101u;
    }
  }
  SDL_UpdateTexture(texture, nullptr, pixels.data(), width * 4);
  return texture;
}

void draw_progress(SDL_Renderer *renderer, const Level &level, int width, int height) {
  const std::uint64_t total = level.total;
  const SDL_Rect bar{0, height - 8, total == 0 ? 0 : static_cast<int>(level.done * static_cast<Uint64>(width) / total),
                     8};
  SDL_SetRenderDrawColor(renderer, 255, 255, 255, 255);
  SDL_RenderFillRect(renderer, &bar);
}

int play(const char *path, bool quit_while_loading) {
  constexpr int kWidth = 320;
  constexpr int kHeight = 240;
  SDL_Window *const window = SDL_CreateWindow("tensorfile", 0, 0, kWidth, kHeight, SDL_WINDOW_SHOWN);
  SDL_Renderer *const renderer = SDL_CreateRenderer(window, -1, SDL_RENDERER_SOFTWARE);
  SDL_Texture *texture = nullptr;
  const Pack pack(path);
  Jobs jobs(2);
  Level level(pack, jobs);
  level.quit_while_loading = quit_while_loading;
  SDL_Thread *const loader = SDL_CreateThread(Level::run, "loader", &level);
  int frames = 0;
  // Ends after the frame that shows the level.
  for (bool shown = false; !shown && level.state != Level::State::kFailed && level.state != Level::State::kStopped;
       ++frames) {
    for (SDL_Event event; SDL_PollEvent(&event) != 0;) {
    }
    SDL_SetRenderDrawColor(renderer, 0, 0, 0, 255);
    SDL_RenderClear(renderer);
    if (level.state == Level::State::kReady) {
      texture = draw_terrain(renderer, level.terrain, kWidth, kHeight);
      SDL_RenderCopy(renderer, texture, nullptr, nullptr);
      shown = true;
    } else {
      draw_progress(renderer, level, kWidth, kHeight);
    }
    SDL_RenderPresent(renderer);
    SDL_Delay(1);
  }
  SDL_WaitThread(loader, nullptr);
  if (level.state == Level::State::kReady) {
    const bool in_arena = level.arena.owns(level.terrain.data());
    std::printf("terrain %lldx%lld, %zu weights, %zu biases from %g on, in the arena: %s, jobs on workers: %s\n",
                static_cast<long long>(level.terrain.shape()[0]), static_cast<long long>(level.terrain.shape()[1]),
                level.weights.size(), level.biases.size(), static_cast<double>(level.biases[0]),
                in_arena ? "yes" : "no", jobs.run_so_far() > 0 ? "yes" : "no");
  } else {
    std::printf("%s: %s\n", level.state == Level::State::kStopped ? "stopped" : "failed", level.error.c_str());
  }
  SDL_DestroyTexture(texture);
  SDL_DestroyRenderer(renderer);
  SDL_DestroyWindow(window);
  return level.state == Level::State::kFailed ? 1 : 0;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s ASSETS.PAK [--quit-while-loading]\n", argv[0]);
    return 2;
  }
  if (SDL_Init(SDL_INIT_VIDEO) != 0) {
    std::fprintf(stderr, "%s\n", SDL_GetError());
    return 1;
  }
  int status = 1;
  try {
    status = play(argv[1], argc > 2 && std::strcmp(argv[2], "--quit-while-loading") == 0);
  } catch (const std::exception &failure) {
    std::fprintf(stderr, "%s\n", failure.what());
  }
  SDL_Quit();
  return status;
}
