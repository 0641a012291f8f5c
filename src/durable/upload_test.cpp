#include "durable/upload.hpp"

#include <gmock/gmock.h>

#include "durable/storage_test.hpp"

namespace onetake::durable::test {
namespace {

TEST(Growing, IsSentWhileItArrives) {
  provider::test::Signal first;
  Storage storage{[&](const Seen& seen, int) {
    if (seen.target.contains("partNumber=1&")) first.set();
    return Fault{};
  }};
  const auto bytes = audio(3 * part + 500);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  auto following = storage.harness.start(upload->follow(soon()));
  arriving.until(part + 100);
  first.wait();
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty()) << "nobody can read it yet";
  arriving.finish();
  ASSERT_TRUE(following.get());
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, bytes);
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").fields.count(std::string{sha256_of_it}), 0);
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());

  const auto found = storage.run(storage.s3.look("a-1", soon()));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->size, bytes.size());
  EXPECT_THAT((*found)->mark, testing::Not(""));
}

TEST(Growing, ThatIsShortIsOnePut) {
  Storage storage;
  const auto bytes = audio(part);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.finish();
  ASSERT_TRUE(storage.run(upload->follow(soon())));
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  EXPECT_THAT(storage.bucket.asked(), ElementsAre("PUT /recordings/audio/a-1"));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").fields.count(std::string{sha256_of_it}), 1);
}

TEST(Growing, GoesOnWhereItFailed) {
  Storage storage{[](const Seen& seen, int before) {
    return when(seen.method == "PUT" && before == 1, {.instead = refusal("403 Forbidden", "AccessDenied")});
  }};
  const auto bytes = audio(3 * part);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.until(bytes.size());
  EXPECT_FALSE(storage.run(upload->follow(soon())));
  arriving.finish();
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon())));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, bytes);
  EXPECT_EQ(storage.bucket.asked().size(), 6) << "begin, part 1, part 2 twice, part 3, complete";
}

TEST(Growing, ThatIsAbandonedIsAborted) {
  Storage storage;
  Arriving arriving{storage.disk(), audio(3 * part)};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  auto following = storage.harness.start(upload->follow(soon()));
  arriving.until(2 * part + 100);
  arriving.writer().abandon({Cause::wrong_content, "not audio"});
  const auto followed = following.get();
  ASSERT_FALSE(followed);
  EXPECT_EQ(followed.error().kind, Kind::ended);
  ASSERT_TRUE(storage.run(upload->abort(soon())));
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
  EXPECT_TRUE(storage.run(upload->abort(soon()))) << "any number of times";
}

TEST(Growing, WhoseCompletionIsLostIsLookedFor) {
  Storage storage{
      [](const Seen& seen, int before) { return when(seen.method == "POST" && before == 1, {.lost = true}); }};
  ASSERT_TRUE(storage.put(audio(4 * part)));
  EXPECT_EQ(storage.bucket.asked().back(), "HEAD /recordings/audio/a-1");
}

TEST(Growing, WhoseCompletionIsRepeatedKnowsItselfByItsMark) {
  // The answer is a 503, though it was done; the repetition is told that there is no such upload.
  Storage storage{[](const Seen& seen, int before) {
    if (seen.method == "POST" && before == 1) return Fault{.instead = refusal("503 Slow Down", "SlowDown")};
    if (seen.method == "POST" && before == 2) return Fault{.instead = refusal("404 Not Found", "NoSuchUpload")};
    return Fault{};
  }};
  const auto bytes = audio(2 * part);
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.finish();
  const auto done = storage.run(upload->complete(object_of(bytes), soon()));
  ASSERT_FALSE(done) << "nothing lies there";
  EXPECT_EQ(done.error().kind, Kind::missing);

  auto [id, pending] = *storage.bucket.uploads().begin();
  auto lies_there = pending.begun;
  lies_there.bytes = bytes;
  lies_there.etag = "\"m\"";
  storage.bucket.put("audio/a-1", lies_there);
  ASSERT_TRUE(storage.run(upload->complete(object_of(bytes), soon()))) << "the same mark and size";
}

TEST(Growing, OfAnotherMarkIsNotTakenForThisOne) {
  Storage storage{[](const Seen& seen, int before) {
    return when(seen.method == "POST" && before == 1, {.instead = refusal("404 Not Found", "NoSuchUpload")});
  }};
  const auto bytes = audio(2 * part);
  storage.bucket.put("audio/a-1",
                     {.bytes = bytes, .fields = {{"x-amz-meta-onetake-upload", "another"}}, .etag = "\"m\""});
  Arriving arriving{storage.disk(), bytes};
  auto upload = storage.s3.grow("a-1", "audio/wav", arriving.growing());
  arriving.finish();
  EXPECT_FALSE(storage.run(upload->complete(object_of(bytes), soon())));
}

TEST(Growing, WhoseCompletionIs200WithAnErrorIsRepeated) {
  for (const auto& instead : {refusal("200 OK", "InternalError"), provider::test::answer("200 OK", "  \n")}) {
    Storage storage{
        [&](const Seen& seen, int before) { return when(seen.method == "POST" && before == 1, {.instead = instead}); }};
    const auto bytes = audio(4 * part);
    ASSERT_TRUE(storage.put(bytes));
    EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, bytes);
  }
}

}  // namespace
}  // namespace onetake::durable::test
