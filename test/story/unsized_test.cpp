// A provider that gives no length: heard as it comes, sought in once its end is known.

#include "story/story.hpp"

namespace onetake::story {
namespace {

// Without a Range it is heard in chunks, as they come, and nothing is promised that nobody knows.
TEST(Unsized, IsHeardInChunks) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half").chunked());
  server.has(call);

  auto people = server.play(call, 5);
  people.until_heard(call.audio.size() / 2 - 1);
  EXPECT_THAT(people, Each(IsStillListening()));
  EXPECT_THAT(people, Each(IsAnswered(200)));
  EXPECT_THAT(people,
              Each(AllOf(Says("Transfer-Encoding", "chunked"), Says("Content-Length", ""), Says("Accept-Ranges", ""),
                         Says("Content-Range", ""), Says("Content-Type", "audio/wav"))));
  call.release("half");
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto ready = server.get(stream("CA1"));
  EXPECT_THAT(ready, AllOf(Has(200), Says("ETag", people[0].field("ETag")),
                           Says("Last-Modified", people[0].field("Last-Modified")), Says("Accept-Ranges", "bytes"),
                           Says("Content-Length", std::to_string(call.audio.size()))));
  EXPECT_EQ(call.requests(), 1);
}

// With a Range, which browsers send, it waits for the end and says the true total.
TEST(Unsized, WithARangeWaitsForTheEnd) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half").chunked());
  server.has(call);
  const auto total = std::to_string(call.audio.size());

  auto whole = server.play(call, 3, {"Range: bytes=0-"});
  call.until(held("half"));
  auto suffix = server.play(call, 3, {"Range: bytes=-1000"});
  whole.catch_up();
  EXPECT_THAT(whole, Each(IsAnswered(0)));
  call.release("half");
  whole.until_the_end();
  suffix.until_the_end();

  EXPECT_THAT(whole, Each(HeardFrom(0, call.audio.size())));
  EXPECT_THAT(suffix, Each(HeardFrom(call.audio.size() - 1000, 1000)));
  EXPECT_THAT(whole, Each(Says("Content-Range", "bytes 0-" + std::to_string(call.audio.size() - 1) + '/' + total)));
  EXPECT_EQ(call.requests(), 1);
}

// … but no longer than stream_wait.
TEST(Unsized, WithARangeIsToldToComeBack) {
  Provider provider;
  Server server{provider, {{"server.stream_wait", "\"100ms\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half").chunked());
  server.has(call);

  auto listener = server.play(call);
  listener.until_heard(1);
  const auto early = server.get(stream("CA1"), {"Range: bytes=0-"});
  call.release("half");
  listener.until_the_end();
  EXPECT_EQ(server.settled("CA1"), "ready");
  const auto late = server.get(stream("CA1"), {"Range: bytes=0-"});

  EXPECT_THAT(early, Has(202));
  EXPECT_EQ(early["/total_bytes"], "null");
  EXPECT_THAT(listener, Each(HeardExactly(call.audio)));
  EXPECT_THAT(late, AllOf(Has(206), Says("Content-Length", std::to_string(call.audio.size()))));
  EXPECT_EQ(call.requests(), 1);
}

// A Range that does not apply is as if it were not there: nobody waits for the end because of it.
TEST(Unsized, ARangeThatDoesNotApplyIsHeardInChunks) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half").chunked());
  server.has(call);
  auto first = server.play(call);
  first.until_heard(1000);
  const auto etag = first[0].field("ETag");

  std::vector<Listeners> all;
  for (const auto& fields :
       {Fields{"Range: bytes=0-5", "If-Range: \"another\""}, Fields{"Range: bytes=0-5", "If-Range: W/" + etag},
        Fields{"Range: bytes=0-1,3-4"}, Fields{"Range: items=0-1"}, Fields{"Range: bytes=9-1"}})
    all.push_back(server.play(call, 1, fields));
  for (auto& people : all) {
    people.until_heard(1000);
    EXPECT_THAT(people, Each(IsStillListening()));
    EXPECT_THAT(people, Each(AllOf(IsAnswered(200), Says("Transfer-Encoding", "chunked"), Says("Content-Range", ""),
                                   Says("ETag", etag))));
  }
  auto applies = server.play(call, 1, {"Range: bytes=0-5", "If-Range: " + etag});
  EXPECT_THAT(server.get(stream("CA1"), {"Range: bytes=0-", "If-None-Match: " + etag}), Has(304));
  EXPECT_THAT(server.get(stream("CA1"), {"Range: bytes=0-", "If-Match: \"another\""}), Has(412));
  applies.catch_up();
  EXPECT_THAT(applies, Each(IsAnswered(0)));
  call.release("half");
  applies.until_the_end();

  EXPECT_THAT(applies, Each(HeardFrom(0, 6)));
  for (auto& people : all) {
    people.until_the_end();
    EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  }
  first.until_the_end();
  EXPECT_EQ(call.requests(), 1);
}

// A client of HTTP/1.0 knows no chunks: its body ends with the connection, and a fetch that fails resets it.
TEST(Unsized, ToAnOldClientItEndsWithTheConnection) {
  Provider provider;
  Server server{provider, {{"fetch.max_attempts", "1"}}};
  auto good = provider.has("CA1", speech(5s)).answering(hold_at(0.5, "half").chunked());
  auto bad = provider.has("CA2", speech(5s)).answering(hold_at(0.25, "quarter").cut_at(0.5).chunked());
  server.has(good);
  server.has(bad);
  const auto old = [&](const Call& call) {
    return server.listen("GET " + play(call.sid) + " HTTP/1.0\r\nAuthorization: Bearer acme-key\r\n\r\n", 3,
                         call.audio);
  };

  auto whole = old(good);
  auto cut = old(bad);
  whole.until_heard(1);
  cut.until_heard(1);
  good.release("half");
  bad.release("quarter");
  whole.until_the_end();
  cut.until_the_end();

  EXPECT_THAT(whole, Each(Says("Transfer-Encoding", "")));
  EXPECT_THAT(whole, Each(HeardExactly(good.audio)));
  EXPECT_THAT(cut, Each(WasCutBefore(bad.audio.size() / 2 + 1)));
}

}  // namespace
}  // namespace onetake::story
