#include "durable/s3.hpp"

#include <gmock/gmock.h>

#include <atomic>

#include "durable/storage_test.hpp"

namespace onetake::durable::test {
namespace {

/// What may happen to any one request.
const Fault whatever[] = {{.lost = true},                                     // done, and not told
                          {.instead = "nothing", .lost = true},               // not done
                          {.instead = refusal("503 Slow Down", "SlowDown")},  // not now
                          {.instead = refusal("500 Internal Server Error", "InternalError")}};

/// A fault at the n-th request, for every n until there is no such.
void sweep(const std::function<void(Storage&, const std::string& bytes)>& store) {
  const auto bytes = audio(3 * part + 10);
  for (const auto& fault : whatever) {
    std::atomic<bool> met = true;
    for (int n = 0; met; ++n) {
      SCOPED_TRACE(testing::Message() << fault.instead << fault.lost << " at request " << n);
      met = false;
      Storage storage{[&, count = 0](const Seen&, int) mutable {
        if (count++ != n) return Fault{};
        met = true;
        return fault;
      }};
      store(storage, bytes);
      const auto objects = storage.bucket.objects();
      ASSERT_EQ(objects.count("audio/a-1"), 1);
      EXPECT_TRUE(objects.at("audio/a-1").bytes == bytes);
      // A beginning whose answer was lost is all that may be left.
      EXPECT_LE(storage.bucket.uploads().size(), 1);
      EXPECT_TRUE(storage.run(storage.s3.abort_forgotten(wall_now(), soon())));
      EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
    }
  }
}

TEST(Sweep, AFinishedFileIsPutWhateverFailsOnce) {
  sweep([](Storage& storage, const std::string& bytes) { EXPECT_TRUE(storage.put(bytes)); });
}

TEST(Sweep, WhatArrivesIsCopiedWhateverFailsOnce) {
  const TempFolder folder;
  blob::Store disk{folder.path()};
  sweep([&](Storage& storage, const std::string& bytes) {
    Arriving arriving{disk, bytes};
    auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
    arriving.until(2 * part + 1);
    auto following = storage.harness.start(upload->follow(soon()));
    arriving.finish();
    EXPECT_TRUE(following.get());
    EXPECT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  });
}

}  // namespace
}  // namespace onetake::durable::test
