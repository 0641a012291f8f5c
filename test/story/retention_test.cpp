// Past retention.max_age: told from the boundary on, and taken off the disk by the sweep.

#include "base/clock.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

std::string began(std::chrono::seconds ago) { return R"("started_at": ")" + rfc3339(wall_now() - ago) + '"'; }

// The audio goes, what was registered stays, and only another source makes it a young recording again.
TEST(Retention, TakesTheAudioAndKeepsTheRest) {
  Provider provider;
  Server server{provider, {{"fetch.sweep", "\"50ms\""}}};
  auto old = provider.has("CA1", speech(5s));
  auto young = provider.has("CA2", speech(5s));
  server.has(old, "web", began(7200s) + R"(, "from": "+15550123")");
  server.has(young, "web", began(60s));
  EXPECT_EQ(server.fetched("CA1"), "ready");
  EXPECT_EQ(server.fetched("CA2"), "ready");
  EXPECT_EQ(server.files("audio"), 2);
  EXPECT_EQ(server.stop(), 0);

  server.start({{"retention.max_age", "\"1h\""}});
  EXPECT_THAT(server.get(stream("CA1")), IsProblem(410, "recording_gone"));
  EXPECT_TRUE(Server::eventually([&] { return server.files("audio") == 1; }));

  EXPECT_EQ(server.get(recording("CA1"))["/state"], "gone");
  EXPECT_EQ(server.get(recording("CA1"))["/from"], "+15550123");
  EXPECT_EQ(server.get(recording("CA1"))["/media"], "null");
  EXPECT_THAT(server.get(play("CA1")), IsProblem(410, "recording_gone"));
  EXPECT_THAT(server.get(play("CA1"))["/detail"], HasSubstr("retention.max_age"));
  EXPECT_THAT(server.head(play("CA1")), Has(410));
  EXPECT_THAT(server.post(recording("CA1") + "/fetch", R"({"retry": true})"), IsProblem(410, "recording_gone"));
  EXPECT_TRUE(server.get(stream("CA2")).body == young.audio.bytes());
  EXPECT_EQ(old.requests(), 1);

  auto next = provider.has("CA1", speech(5s, {.seed = 7}));
  EXPECT_THAT(server.put(recording("CA1"), R"({"provider": "web", "source_url": ")" + provider.base_url() + "/media/" +
                                               next.recording_sid + R"(", )" + began(60s) + "}"),
              Has(200));
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "remote");
  EXPECT_EQ(server.fetched("CA1"), "ready");
  EXPECT_TRUE(server.get(stream("CA1")).body == next.audio.bytes());
}

// Told by everything that is asked, and not only once the sweep has come to it.
TEST(Retention, IsGoneFromTheBoundaryOn) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(5s));
  server.has(call, "web", began(7200s));
  ASSERT_EQ(server.fetched("CA1"), "ready");
  ASSERT_EQ(server.stop(), 0);
  server.start({{"retention.max_age", "\"1h\""}, {"fetch.sweep", "\"1h\""}});
  // What a start sweeps away is registered again, with an age that it has had for long.
  ASSERT_TRUE(Server::eventually([&] { return server.files("audio") == 0; }));
  auto late = provider.has("CA2", speech(5s));
  server.has(late, "web", began(7200s));
  EXPECT_THAT(server.get(stream("CA2")), IsProblem(410, "recording_gone"));
  EXPECT_EQ(server.get(recording("CA2"))["/state"], "gone");
  EXPECT_EQ(server.get("/api/recordings?q=CA2")["/items/0/state"], "gone");
  EXPECT_EQ(server.get("/api/recordings?q=CA2&state=remote")["/items"], "[]");
}

}  // namespace
}  // namespace onetake::story
