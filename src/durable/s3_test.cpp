#include "durable/s3.hpp"

#include <gmock/gmock.h>

#include "durable/storage_test.hpp"

namespace onetake::durable::test {
namespace {

TEST(Remove, IsIdempotent) {
  Storage storage;
  storage.keep(audio(10));
  EXPECT_TRUE(storage.run(storage.s3.remove("a-1", soon())));
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
  EXPECT_TRUE(storage.run(storage.s3.remove("a-1", soon())));
  const auto found = storage.run(storage.s3.look("a-1", soon()));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

TEST(Forgotten, UploadsOfOursAreAborted) {
  Storage storage;
  for (const char* id : {"1", "2", "3", "4", "5"}) storage.bucket.begin(id, {.key = std::string{"audio/"} + id});
  storage.bucket.begin("young", {.key = "audio/3", .begun = {}, .parts = {}, .initiated = "2026-02-01T00:00:00.000Z"});
  storage.bucket.begin("other", {.key = "elsewhere/1"});
  const auto aborted = storage.run(storage.s3.abort_forgotten(parse_rfc3339("2026-01-15T00:00:00Z").value(), soon()));
  ASSERT_TRUE(aborted);
  EXPECT_EQ(*aborted, 5);
  EXPECT_THAT(storage.bucket.uploads(), ElementsAre(testing::Key("other"), testing::Key("young")));
}

TEST(Check, LeavesNothing) {
  Storage storage;
  EXPECT_TRUE(storage.run(storage.s3.check(soon())));
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
  EXPECT_EQ(storage.bucket.asked().size(), 4) << "put, look, read, remove";
}

TEST(Check, FindsAStorageThatForgetsMetadata) {
  Storage storage{[](const Seen& seen, int) {
    return when(seen.method == "HEAD", {.instead = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"});
  }};
  const auto done = storage.run(storage.s3.check(soon()));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::different);
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
}

}  // namespace
}  // namespace onetake::durable::test
