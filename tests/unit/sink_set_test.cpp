// Sinks that are committed or aborted, and sinks for the files of a set.
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "support/expect_error.h"
#include "support/memory.h"
#include "support/sets.h"

namespace tfile::testing {
namespace {

// The objects of a store: what was written to each sink, and how it ended.
struct Bucket {
  struct Object {
    Bucket *bucket;
    std::string name;
    std::string bytes = {};
    int commits = 0;
    int aborts = 0;
    int releases = 0;
  };

  std::map<std::string, std::unique_ptr<Object>> objects;
  std::vector<std::string> events;              // "commit NAME" and "abort NAME", in their order
  std::string bad_write, bad_commit, bad_sink;  // names for which these fail
  bool no_sink = false;
  int released = 0;

  static tf_status write(void *user, const void *src, size_t nbytes) {
    auto &object = *static_cast<Object *>(user);
    if (object.name == object.bucket->bad_write) return TF_STATUS_IO;
    object.bytes.append(static_cast<const char *>(src), nbytes);
    return TF_STATUS_OK;
  }
  static tf_status commit(void *user) {
    auto &object = *static_cast<Object *>(user);
    ++object.commits;
    object.bucket->events.push_back("commit " + object.name);
    return object.name == object.bucket->bad_commit ? TF_STATUS_IO : TF_STATUS_OK;
  }
  static void abort(void *user) {
    auto &object = *static_cast<Object *>(user);
    ++object.aborts;
    object.bucket->events.push_back("abort " + object.name);
  }
  static void release(void *user) { ++static_cast<Object *>(user)->releases; }

  tf_sink *raw_sink(const std::string &name) {
    auto &object = objects[name];
    object.reset(new Object{this, name});
    tf_sink *sink = nullptr;
    EXPECT_EQ(tf_sink_new(&sink, write, release, object.get()), TF_STATUS_OK);
    EXPECT_EQ(tf_sink_set_commit(sink, commit, abort), TF_STATUS_OK);
    return sink;
  }
  static tf_status resolve(void *user, const char *name, tf_sink **out) {
    auto &self = *static_cast<Bucket *>(user);
    if (name == self.bad_sink) return TF_STATUS_IO;
    if (!self.no_sink) *out = self.raw_sink(name);
    return TF_STATUS_OK;
  }
  Handle<tf_sink> sink(const char *base = nullptr) {
    Handle<tf_sink> made(raw_sink("main"));
    const auto count = [](void *user) { ++static_cast<Bucket *>(user)->released; };
    if (base != nullptr) {
      EXPECT_EQ(tf_sink_set_resolver(made.get(), base, SIZE_MAX, resolve, count, this), TF_STATUS_OK);
    }
    return made;
  }
  // Expects that each sink has been committed or aborted once, and released.
  void expect_ended() const {
    for (const auto &[name, object] : objects) {
      EXPECT_EQ(object->commits + object->aborts, 1) << name;
      EXPECT_EQ(object->releases, 1) << name;
    }
  }
  std::string bytes(const std::string &name) const { return objects.at(name)->bytes; }
};

using Events = std::vector<std::string>;

class Sinks : public ::testing::Test {
 protected:
  tf_status save(const Handle<tf_sink> &sink, tf_format format, const tf_options *options = nullptr) {
    return tf_save_sink(sink.get(), format, nullptr, arrays_.get(), nullptr, options);
  }
  // Makes a writer with the declarations of all arrays.
  Handle<tf_writer> writer_to(const Handle<tf_sink> &sink, tf_format format, const tf_options *options = nullptr) {
    auto writer =
        made<tf_writer>([&](tf_writer **out) { return tf_writer_open_sink(out, sink.get(), format, options); });
    const int64_t size = 10;
    for (const char *name : {"w0", "w1", "w2"})
      EXPECT_EQ(tf_writer_declare(writer.get(), name, SIZE_MAX, TF_DTYPE_FLOAT32, &size, 1), TF_STATUS_OK);
    return writer;
  }
  tf_status write_all(const Handle<tf_writer> &writer) {
    // As weights_of() makes them.
    std::vector<float> values(30, 4.5f);
    for (const size_t last : {9u, 19u, 29u})
      values[last] = 3;
    return tf_writer_write(writer.get(), values.data(), values.size() * sizeof(float));
  }

  Bucket bucket_;
  Handle<tf_dict> arrays_ = weights_of(4.5f);
  Handle<tf_options> in_parts_ = options_with({{TF_OPTION_PART_BYTES, 40}});
};

TEST_F(Sinks, AreCommittedAfterTheLastByte) {
  for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    bucket_.events.clear();
    {
      const auto sink = bucket_.sink();
      ASSERT_EQ(save(sink, format), TF_STATUS_OK) << tf_error_message();
      EXPECT_EQ(bucket_.events, (Events{"commit main"}));
      const auto expected = made<tf_buffer>(
          [&](tf_buffer **out) { return tf_save_memory(out, format, nullptr, arrays_.get(), nullptr, nullptr); });
      EXPECT_EQ(bucket_.bytes("main"), contents(expected.get()));
      EXPECT_EQ(save(sink, format), TF_STATUS_INVALID_ARGUMENT);
      expect_error("the sink has been committed or aborted by an earlier save");
      EXPECT_EQ(tf_sink_set_commit(sink.get(), nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
    }
    bucket_.expect_ended();
  }
}

TEST_F(Sinks, AreAbortedIfASaveFails) {
  const auto complex_array = random_array(TF_DTYPE_COMPLEX64, {3}, 1);
  const auto cancel = [](void *, uint64_t, uint64_t) -> tf_status { return TF_STATUS_CANCELLED; };
  auto cancelling = options_with({});
  ASSERT_EQ(tf_options_set_progress(cancelling.get(), cancel, nullptr, nullptr), TF_STATUS_OK);
  const std::vector<std::pair<tf_status, std::function<tf_status(const Handle<tf_sink> &)>>> saves = {
      {TF_STATUS_IO,
       [&](const auto &sink) {
         bucket_.bad_write = "main";
         return save(sink, TF_FORMAT_NPZ);
       }},
      {TF_STATUS_CANCELLED, [&](const auto &sink) { return save(sink, TF_FORMAT_GGUF, cancelling.get()); }},
      {TF_STATUS_UNSUPPORTED,
       [&](const auto &sink) {
         return tf_save_sink(sink.get(), TF_FORMAT_GGUF, nullptr, dict_of({{"z", complex_array.get()}}).get(), nullptr,
                             nullptr);
       }},
      {TF_STATUS_INVALID_ARGUMENT, [&](const auto &sink) { return save(sink, TF_FORMAT_AUTO); }},
  };
  for (const auto &[status, attempt] : saves) {
    bucket_.events.clear();
    bucket_.bad_write.clear();
    {
      const auto sink = bucket_.sink();
      EXPECT_EQ(attempt(sink), status) << tf_error_message();
      EXPECT_EQ(bucket_.events, (Events{"abort main"}));
    }
    bucket_.expect_ended();
  }
}

TEST_F(Sinks, AFailedCommitIsTheFailureOfTheSave) {
  bucket_.bad_commit = "main";
  EXPECT_EQ(save(bucket_.sink(), TF_FORMAT_NPZ), TF_STATUS_IO);
  expect_error("the sink's commit returned io");
  EXPECT_EQ(bucket_.events, (Events{"commit main"}));
  bucket_.expect_ended();
}

TEST_F(Sinks, OfWritersAreCommittedWhenTheyFinish) {
  {
    const auto sink = bucket_.sink();
    const auto writer = writer_to(sink, TF_FORMAT_SAFETENSORS);
    EXPECT_EQ(tf_sink_set_commit(sink.get(), nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
    expect_error("the sink is in use: only its creator may have a reference to it");
    ASSERT_EQ(write_all(writer), TF_STATUS_OK);
    EXPECT_EQ(bucket_.events, Events{});
    ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK);
    EXPECT_EQ(bucket_.events, (Events{"commit main"}));
  }
  bucket_.expect_ended();
}

TEST_F(Sinks, OfWritersThatDoNotFinishAreAborted) {
  for (const int stage : {0, 1, 2}) {
    bucket_.events.clear();
    bucket_.bad_write = stage == 2 ? "main" : "";
    {
      const auto sink = bucket_.sink();
      auto writer = writer_to(sink, TF_FORMAT_NPZ);
      if (stage == 1) {
        ASSERT_EQ(write_all(writer), TF_STATUS_OK);
      } else if (stage == 2) {
        EXPECT_EQ(write_all(writer) == TF_STATUS_OK ? tf_writer_finish(writer.get()) : TF_STATUS_IO, TF_STATUS_IO);
        EXPECT_EQ(bucket_.events, (Events{"abort main"}));
      }
      writer.reset();
      EXPECT_EQ(bucket_.events, (Events{"abort main"})) << stage;
    }
    bucket_.expect_ended();
  }
}

TEST_F(Sinks, ThatAreNotUsedAreAborted) {
  bucket_.sink().reset();
  EXPECT_EQ(bucket_.events, (Events{"abort main"}));
  bucket_.expect_ended();
}

// The files of a set are those of a save by path.
TEST_F(Sinks, OfASetReceiveItsFiles) {
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    TempFolder folder;
    ASSERT_EQ(save_weights_of(folder.path("w"), format, 4.5f, in_parts_.get()), TF_STATUS_OK);
    for (const bool by_writer : {false, true}) {
      bucket_ = Bucket();
      const std::string base = std::string("models/w") + extension_of(format);
      {
        const auto sink = bucket_.sink(base.c_str());
        if (by_writer) {
          const auto writer = writer_to(sink, format, in_parts_.get());
          ASSERT_EQ(write_all(writer), TF_STATUS_OK) << tf_error_message();
          EXPECT_EQ(bucket_.events, Events{});
          ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
        } else {
          ASSERT_EQ(save(sink, format, in_parts_.get()), TF_STATUS_OK) << tf_error_message();
        }
        EXPECT_EQ(bucket_.released, 0);
      }
      EXPECT_EQ(bucket_.released, 1);
      bucket_.expect_ended();
      EXPECT_EQ(bucket_.bytes("main"), "");
      EXPECT_EQ(bucket_.objects.size(), folder.names().size() + 1);
      for (const std::string &file : folder.names()) {
        ASSERT_TRUE(bucket_.objects.count(file)) << file;
        EXPECT_EQ(bucket_.bytes(file), folder.read(file)) << file;
      }
      const std::string end = extension_of(format);
      Events expected{"commit w-00002-of-00003" + end, "commit w-00003-of-00003" + end,
                      "commit w-00001-of-00003" + end};
      if (format == TF_FORMAT_SAFETENSORS) expected.emplace_back("commit w.safetensors.index.json");
      expected.emplace_back("commit main");
      EXPECT_EQ(bucket_.events, expected);
    }
  }
}

TEST_F(Sinks, OneFileNeedsNoSet) {
  // With a resolver, but not enough data.
  const auto large_parts = options_with({{TF_OPTION_PART_BYTES, 120}});
  ASSERT_EQ(save(bucket_.sink("w.gguf"), TF_FORMAT_GGUF, large_parts.get()), TF_STATUS_OK);
  EXPECT_EQ(bucket_.objects.size(), 1u);
  const auto expected = made<tf_buffer>(
      [&](tf_buffer **out) { return tf_save_memory(out, TF_FORMAT_GGUF, nullptr, arrays_.get(), nullptr, nullptr); });
  EXPECT_EQ(bucket_.bytes("main"), contents(expected.get()));
  // Without a resolver, and formats without sets.
  for (const bool by_writer : {false, true}) {
    const auto sink = bucket_.sink();
    if (by_writer) {
      const auto writer = writer_to(sink, TF_FORMAT_GGUF, in_parts_.get());
      ASSERT_EQ(write_all(writer), TF_STATUS_OK);
      ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK);
    } else {
      ASSERT_EQ(save(sink, TF_FORMAT_GGUF, in_parts_.get()), TF_STATUS_OK);
    }
    EXPECT_EQ(bucket_.bytes("main"), contents(expected.get()));
  }
  ASSERT_EQ(save(bucket_.sink("w.npz"), TF_FORMAT_NPZ, in_parts_.get()), TF_STATUS_OK);
  EXPECT_EQ(bucket_.objects.size(), 1u);
  bucket_.expect_ended();
}

TEST_F(Sinks, OfASetAreAbortedTogether) {
  const char *names[] = {"w-00001-of-00003.safetensors", "w-00003-of-00003.safetensors", "w.safetensors.index.json"};
  for (const char *name : names) {
    for (const int kind : {0, 1}) {
      bucket_ = Bucket();
      (kind == 0 ? bucket_.bad_write : bucket_.bad_sink) = name;
      EXPECT_EQ(save(bucket_.sink("w.safetensors"), TF_FORMAT_SAFETENSORS, in_parts_.get()), TF_STATUS_IO) << name;
      if (kind == 1) expect_error(std::string(name) + ": the resolver of the sink returned io");
      bucket_.expect_ended();
      for (const std::string &event : bucket_.events)
        EXPECT_EQ(event.rfind("abort ", 0), 0u) << event;
    }
  }
  // If a commit fails, neither the index nor the first part is committed.
  bucket_ = Bucket();
  bucket_.bad_commit = names[1];
  EXPECT_EQ(save(bucket_.sink("w.safetensors"), TF_FORMAT_SAFETENSORS, in_parts_.get()), TF_STATUS_IO);
  EXPECT_EQ(bucket_.events,
            (Events{"commit w-00002-of-00003.safetensors", "commit w-00003-of-00003.safetensors",
                    "abort w-00001-of-00003.safetensors", "abort w.safetensors.index.json", "abort main"}));
  bucket_.expect_ended();
  bucket_ = Bucket();
  bucket_.no_sink = true;
  EXPECT_EQ(save(bucket_.sink("w.safetensors"), TF_FORMAT_SAFETENSORS, in_parts_.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("w-00001-of-00003.safetensors: the resolver of the sink returned no sink");
  bucket_.expect_ended();
}

TEST_F(Sinks, OfASetThatIsNotFinishedAreAborted) {
  {
    const auto sink = bucket_.sink("w.gguf");
    const auto writer = writer_to(sink, TF_FORMAT_GGUF, in_parts_.get());
    const std::vector<float> values(15, 4.5f);
    ASSERT_EQ(tf_writer_write(writer.get(), values.data(), 60), TF_STATUS_OK);
  }
  EXPECT_EQ(bucket_.objects.size(), 3u);
  bucket_.expect_ended();
  EXPECT_EQ(bucket_.events, (Events{"abort w-00001-of-00003.gguf", "abort w-00002-of-00003.gguf", "abort main"}));
}

TEST_F(Sinks, EachEndsOnceIfAnAllocationFails) {
  for (const bool by_writer : {false, true}) {
    fail_each_allocation([&](TestMemory &memory) {
      bucket_ = Bucket();
      auto options = options_with({{TF_OPTION_PART_BYTES, 40}, {TF_OPTION_THREADS, 1}});
      EXPECT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
                TF_STATUS_OK);
      tf_status status = TF_STATUS_OK;
      {
        const auto sink = bucket_.sink("w.safetensors");
        if (by_writer) {
          tf_writer *raw = nullptr;
          status = tf_writer_open_sink(&raw, sink.get(), TF_FORMAT_SAFETENSORS, options.get());
          const Handle<tf_writer> writer(raw);
          const int64_t size = 10;
          for (const char *name : {"w0", "w1", "w2"}) {
            if (status == TF_STATUS_OK) status = tf_writer_declare(raw, name, SIZE_MAX, TF_DTYPE_FLOAT32, &size, 1);
          }
          if (status == TF_STATUS_OK) status = write_all(writer);
          if (status == TF_STATUS_OK) status = tf_writer_finish(raw);
        } else {
          status = save(sink, TF_FORMAT_SAFETENSORS, options.get());
        }
      }
      bucket_.expect_ended();
      return Status{status};
    });
  }
}

TEST_F(Sinks, ArgumentsOfTheSettersAreChecked) {
  const auto sink = bucket_.sink();
  int released = 0;
  const auto release = [](void *user) { ++*static_cast<int *>(user); };
  EXPECT_EQ(tf_sink_set_commit(nullptr, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("sink is NULL");
  EXPECT_EQ(tf_sink_set_resolver(nullptr, "w", 1, Bucket::resolve, release, &released), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_sink_set_resolver(sink.get(), "", 0, Bucket::resolve, release, &released), TF_STATUS_INVALID_ARGUMENT);
  expect_error("name is empty");
  EXPECT_EQ(tf_sink_set_resolver(sink.get(), nullptr, 1, Bucket::resolve, release, &released),
            TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(released, 3);
  EXPECT_EQ(tf_sink_set_resolver(sink.get(), "w.gguf", 6, Bucket::resolve, release, &released), TF_STATUS_OK);
  EXPECT_EQ(tf_sink_set_resolver(sink.get(), nullptr, 0, nullptr, nullptr, nullptr), TF_STATUS_OK);
  EXPECT_EQ(released, 4);
  // Without callbacks, a sink takes any number of saves.
  ASSERT_EQ(tf_sink_set_commit(sink.get(), nullptr, nullptr), TF_STATUS_OK);
  ASSERT_EQ(save(sink, TF_FORMAT_GGUF), TF_STATUS_OK);
  ASSERT_EQ(save(sink, TF_FORMAT_GGUF), TF_STATUS_OK);
  EXPECT_EQ(bucket_.events, Events{});
}

}  // namespace
}  // namespace tfile::testing
