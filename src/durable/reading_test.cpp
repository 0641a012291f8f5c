#include "durable/reading.hpp"

#include <gmock/gmock.h>

#include "durable/storage_test.hpp"

namespace onetake::durable::test {
namespace {

TEST(Read, BringsAllWithItsDigest) {
  Storage storage;
  const auto bytes = audio(100'000);
  ASSERT_TRUE(storage.put(bytes));
  storage.bucket.put(
      "audio/a-1",
      {.bytes = bytes, .fields = {{std::string{sha256_of_it}, provider::sha256_hex(bytes)}}, .etag = "\"v1\""});
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink));
  EXPECT_EQ(sink.bytes, bytes);
  ASSERT_EQ(sink.heads.size(), 1);
  EXPECT_EQ(sink.heads[0].total, bytes.size());
  EXPECT_EQ(sink.heads[0].validator, "\"v1\"");
  ASSERT_EQ(sink.heads[0].digests.size(), 1);
  EXPECT_EQ(provider::hex(sink.heads[0].digests[0].bytes), provider::sha256_hex(bytes));
}

TEST(Read, ThatIsResetGoesOnUnderTheSameTag) {
  Storage storage{
      [](const Seen& seen, int before) { return when(seen.method == "GET" && before < 2, {.cut = 40'000}); }};
  const auto bytes = audio(100'000);
  storage.keep(bytes);
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink));
  EXPECT_EQ(sink.begins, 1) << "unseen by the sink";
  EXPECT_EQ(sink.bytes, bytes);
  const auto seen = storage.bucket.seen();
  ASSERT_EQ(seen.size(), 3);
  EXPECT_EQ(seen[0].field("range"), "");
  EXPECT_EQ(seen[1].field("range"), "bytes=40000-");
  EXPECT_EQ(seen[1].field("if-match"), "\"v1\"");
  EXPECT_EQ(seen[2].field("range"), "bytes=80000-");
}

TEST(Read, OfWhatChangedInBetweenEnds) {
  Storage storage{[](const Seen& seen, int before) {
    if (seen.method == "GET" && before == 1)
      return Fault{.instead = refusal("412 Precondition Failed", "PreconditionFailed")};
    return when(seen.method == "GET", {.cut = 40'000});
  }};
  storage.keep(audio(100'000));
  KeepingSink sink;
  const auto outcome = storage.read(sink);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().setback.cause, Cause::wrong_content);
}

TEST(Read, PassesOverWhatItHasWhereRangesAreNotKnown) {
  const auto bytes = audio(100'000);
  Storage storage{[&](const Seen& seen, int before) {
    if (seen.method == "GET" && before == 1)
      return Fault{.instead = provider::test::answer("200 OK", bytes, "ETag: \"v1\"\r\n")};
    return when(seen.method == "GET", {.cut = 40'000});
  }};
  storage.keep(bytes);
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink));
  EXPECT_EQ(sink.bytes, bytes);
}

TEST(Read, GoesOnWhereTheCallerStood) {
  Storage storage;
  storage.keep(audio(100));
  KeepingSink sink;
  ASSERT_TRUE(storage.read(sink, 60, "\"v1\""));
  EXPECT_EQ(sink.heads[0].offset, 60);
  EXPECT_EQ(sink.bytes, audio(100).substr(60));

  KeepingSink other;
  ASSERT_TRUE(storage.read(other, 60, "\"v0\""));
  EXPECT_EQ(other.heads[0].offset, 0) << "another copy: from its start";
  EXPECT_EQ(other.bytes, audio(100));
}

TEST(Read, OfWhatIsNotThereIsMissing) {
  Storage storage;
  KeepingSink sink;
  const auto outcome = storage.read(sink);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().setback.cause, Cause::missing);
  EXPECT_EQ(sink.begins, 0);
}

// Whoever says so is not the storage, or does not speak of this copy.
TEST(Read, OfWhatSomebodyInBetweenRefusesIsUnavailable) {
  for (const auto& instead :
       {provider::test::answer("404 Not Found", "<html><body>Not Found</body></html>"),
        provider::test::answer("404 Not Found", ""), refusal("404 Not Found", "NoSuchBucket"),
        provider::test::answer("403 Forbidden", "<html></html>"), provider::test::answer("413 Too Large", ""),
        refusal("400 Bad Request", "XAmzContentSHA256Mismatch")}) {
    Storage storage{[&](const Seen&, int) { return Fault{.instead = instead}; }};
    storage.keep(audio(100));
    KeepingSink sink;
    const auto outcome = storage.read(sink);
    ASSERT_FALSE(outcome) << instead;
    EXPECT_EQ(outcome.error().setback.cause, Cause::unavailable) << instead;
    EXPECT_EQ(sink.begins, 0) << instead;
  }
}

TEST(Read, IsStoppedByItsSink) {
  Storage storage;
  storage.keep(audio(100));
  KeepingSink sink;
  sink.on_data = [] { return false; };
  const auto outcome = storage.read(sink);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().setback.cause, Cause::internal);
  EXPECT_EQ(storage.bucket.asked().size(), 1);
}

}  // namespace
}  // namespace onetake::durable::test
