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

// What a proxy does not know may stand there all the same: it stays on the list of what is to be removed.
TEST(Remove, IsNotDoneByA404OfSomebodyInBetween) {
  for (const auto& instead : {provider::test::answer("404 Not Found", "<html><body>Not Found</body></html>"),
                              refusal("404 Not Found", "NoSuchBucket")}) {
    Storage storage{[&](const Seen&, int) { return Fault{.instead = instead}; }};
    storage.keep(audio(10));
    EXPECT_FALSE(storage.run(storage.s3.remove("a-1", soon())));
  }
  Storage storage{[](const Seen&, int) { return Fault{.instead = refusal("404 Not Found", "NoSuchKey")}; }};
  EXPECT_TRUE(storage.run(storage.s3.remove("a-1", soon()))) << "by the storage's own word it is";
}

// A HEAD's answer has no body, so a GET finds out whose 404 it is.
TEST(Look, AsksAgainWhoseAnswerA404Is) {
  Storage storage;
  const auto nothing = storage.run(storage.s3.look("a-1", soon()));
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  EXPECT_THAT(storage.bucket.asked(), ElementsAre("HEAD /recordings/audio/a-1", "GET /recordings/audio/a-1"));
  EXPECT_EQ(storage.bucket.seen().back().field("range"), "bytes=0-0");
}

TEST(Look, FindsWhatA404OfSomebodyInBetweenHides) {
  Storage storage{
      [](const Seen& seen, int) { return when(seen.method == "HEAD", {.instead = "HTTP/1.1 404 Not Found\r\n\r\n"}); }};
  storage.bucket.put("audio/a-1",
                     {.bytes = audio(1000), .fields = {{std::string{sha256_of_it}, "abc"}}, .etag = "\"v1\""});
  const auto found = storage.run(storage.s3.look("a-1", soon()));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->size, 1000);
  EXPECT_EQ((*found)->sha256, "abc");
  EXPECT_EQ((*found)->etag, "\"v1\"");
}

TEST(Look, SaysNothingOfWhatItWasNotTold) {
  for (const auto& [instead, kind] :
       {std::pair{provider::test::answer("404 Not Found", "<html></html>"), Kind::unavailable},
        {refusal("404 Not Found", "NoSuchBucket"), Kind::misconfigured}}) {
    Storage storage{[&](const Seen& seen, int) {
      return Fault{.instead = seen.method == "HEAD" ? "HTTP/1.1 404 Not Found\r\n\r\n" : instead};
    }};
    storage.keep(audio(10));
    const auto found = storage.run(storage.s3.look("a-1", soon()));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, kind) << instead;
  }
}

TEST(List, NamesOursInOrder) {
  Storage storage;
  for (const char* key : {"audio/b", "audio/a-10", "audio/a-1", "audio/c", "audio/d", "audi", "check/x", "zzz"})
    storage.bucket.put(key, {.bytes = "12345"});
  std::vector<std::string> names;
  for (std::string after;;) {
    const auto page = storage.run(storage.s3.list(after, soon()));
    ASSERT_TRUE(page);
    if (page->empty()) break;
    for (const auto& copy : *page) names.push_back(copy.name);
    EXPECT_EQ(page->front().size, 5);
    EXPECT_EQ(rfc3339(page->front().written), "2026-01-01T00:00:00.000Z");
    after = names.back();
  }
  EXPECT_THAT(names, ElementsAre("a-1", "a-10", "b", "c", "d"));
}

TEST(List, SaysWhenItMayNot) {
  Storage storage{[](const Seen&, int) { return Fault{.instead = refusal("403 Forbidden", "AccessDenied")}; }};
  const auto page = storage.run(storage.s3.list("", soon()));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, Kind::misconfigured);
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

TEST(Forgotten, OneThatStaysHoldsUpNoOther) {
  Storage storage{[](const Seen& seen, int before) {
    return when(seen.method == "DELETE" && before == 0, {.instead = refusal("403 Forbidden", "AccessDenied")});
  }};
  for (const char* id : {"1", "2", "3", "4", "5"}) storage.bucket.begin(id, {.key = std::string{"audio/"} + id});
  EXPECT_FALSE(storage.run(storage.s3.abort_forgotten(parse_rfc3339("2026-01-15T00:00:00Z").value(), soon())));
  EXPECT_THAT(storage.bucket.uploads(), ElementsAre(testing::Key("1")));
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
