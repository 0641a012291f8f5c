#include "durable/s3.hpp"

#include <gmock/gmock.h>

#include "durable/storage_test.hpp"

namespace onetake::durable::test {
namespace {

TEST(Put, IsOneRequestWithOurMetadata) {
  Storage storage{{}, [](Settings& settings) { settings.server_side_encryption = "AES256"; }};
  const auto bytes = audio(2 * part);
  ASSERT_TRUE(storage.put(bytes));
  EXPECT_THAT(storage.bucket.asked(), ElementsAre("PUT /recordings/audio/a-1"));
  const auto kept = storage.bucket.objects().at("audio/a-1");
  EXPECT_EQ(kept.bytes, bytes);
  EXPECT_EQ(kept.fields.at("content-type"), "audio/wav");
  EXPECT_EQ(kept.fields.at(std::string{sha256_of_it}), provider::sha256_hex(bytes));
  EXPECT_EQ(kept.fields.at("x-amz-server-side-encryption"), "AES256");
}

TEST(Put, SignsEncryptionWithANamedKey) {
  Storage storage{{}, [](Settings& settings) {
                    settings.server_side_encryption = "aws:kms";
                    settings.kms_key_id = "key/1";
                  }};
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").fields.at("x-amz-server-side-encryption-aws-kms-key-id"), "key/1");
}

TEST(Put, OfALongFileIsInParts) {
  Storage storage;
  const auto bytes = audio(3 * part + 1);
  ASSERT_TRUE(storage.put(bytes));
  const auto kept = storage.bucket.objects().at("audio/a-1");
  EXPECT_EQ(kept.bytes, bytes);
  EXPECT_EQ(kept.fields.at(std::string{sha256_of_it}), provider::sha256_hex(bytes));
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
  EXPECT_EQ(storage.bucket.asked().size(), 6) << "begin, four parts, complete";
}

TEST(Put, WhoseAnswerIsLostIsLookedForAndNotRepeated) {
  Storage storage{[](const Seen& seen, int) { return when(seen.method == "PUT", {.lost = true}); }};
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_THAT(storage.bucket.asked(), ElementsAre("PUT /recordings/audio/a-1", "HEAD /recordings/audio/a-1"));
}

TEST(Put, ThatDidNotArriveIsRepeatedOnceThatIsKnown) {
  Storage storage{[](const Seen& seen, int before) {
    // Reset without having been done: what lies there is of an earlier time, and of the same size.
    return when(seen.method == "PUT" && before == 0, {.instead = "HTTP/1.1 200 OK\r\nContent-", .lost = true});
  }};
  storage.keep(std::string(10, 'x'));
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_THAT(storage.bucket.asked(),
              ElementsAre("PUT /recordings/audio/a-1", "HEAD /recordings/audio/a-1", "PUT /recordings/audio/a-1"));
  EXPECT_EQ(storage.bucket.objects().at("audio/a-1").bytes, audio(10));
}

TEST(Put, IsRepeatedUntilTheStorageHasTime) {
  Storage storage{
      [](const Seen&, int before) { return when(before < 2, {.instead = refusal("503 Slow Down", "SlowDown")}); }};
  ASSERT_TRUE(storage.put(audio(10)));
  EXPECT_EQ(storage.bucket.asked().size(), 3);
}

TEST(Put, EndsAtItsDeadline) {
  Storage storage{
      [](const Seen&, int) { return Fault{.instead = refusal("503 Slow Down", "SlowDown", "Retry-After: 3600\r\n")}; }};
  const auto done = storage.put(audio(10));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::unavailable);
  EXPECT_THAT(done.error().detail, HasSubstr("SlowDown"));
  EXPECT_EQ(storage.bucket.asked().size(), 1) << "what is to come after the deadline is not waited for";
}

TEST(Put, OfWhatHasRottedIsRefused) {
  Storage storage;
  const auto path = storage.folder.path() / "file";
  std::ofstream{path} << audio(10);
  const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  auto object = object_of(audio(10));
  object.sha256 = provider::sha256_hex("what it was");
  EXPECT_FALSE(storage.run(storage.s3.put(std::move(object), file.get(), soon())));
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
}

TEST(Put, InTheWrongRegionSaysWhichIsRight) {
  Storage storage{[](const Seen&, int) {
    return Fault{.instead = refusal("301 Moved Permanently", "PermanentRedirect",
                                    "x-amz-bucket-region: us-west-2\r\nLocation: http://127.0.0.1:1/\r\n")};
  }};
  const auto done = storage.put(audio(10));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, Kind::misconfigured);
  EXPECT_THAT(done.error().detail, HasSubstr("us-west-2"));
  EXPECT_EQ(storage.bucket.asked().size(), 1) << "no redirect is followed with our signature";
}

TEST(Put, WithTheWrongSecretSaysSo) {
  Storage storage{{}, [](Settings& settings) { settings.secret_access_key = "another"; }};
  const auto done = storage.put(audio(10));
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().detail, HasSubstr("storage.secret_access_key"));
  EXPECT_THAT(done.error().detail, testing::Not(HasSubstr("another")));
}

TEST(Put, InPartsThatFailsLeavesNothing) {
  Storage storage{[](const Seen& seen, int before) {
    return when(seen.method == "PUT" && before == 2, {.instead = refusal("403 Forbidden", "AccessDenied")});
  }};
  EXPECT_FALSE(storage.put(audio(4 * part)));
  EXPECT_THAT(storage.bucket.uploads(), testing::IsEmpty());
  EXPECT_THAT(storage.bucket.objects(), testing::IsEmpty());
}

}  // namespace
}  // namespace onetake::durable::test
