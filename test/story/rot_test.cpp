// A disk that has changed what was written to it: found, moved out of the way, and fetched again.

#include "story/story.hpp"

namespace onetake::story {
namespace {

// Nobody has to play it for that: the files are read again from the start on.
TEST(Rot, IsFoundByReadingAgain) {
  Provider provider;
  Server server{provider};
  auto rotten = provider.has("CA1", speech(5s));
  auto sound = provider.has("CA2", speech(5s));
  server.has(rotten);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  ASSERT_EQ(server.stop(), 0);
  server.rot();
  server.start();
  server.has(sound);
  ASSERT_EQ(server.fetched("CA2"), "ready");

  ASSERT_TRUE(Server::eventually([&] { return server.get(recording("CA1"))["/state"] == "remote"; }));
  EXPECT_TRUE(Server::eventually([&] { return server.files("quarantine") == 1; }));
  EXPECT_EQ(server.metric("onetake_cache_quarantined_total", "checksum"), 1);
  EXPECT_EQ(server.get(recording("CA2"))["/state"], "ready");

  auto person = server.play(rotten);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(rotten.audio)));
  ASSERT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "2");
  EXPECT_EQ(sound.requests(), 1U);
}

// "Every copy" is that one too, before the answer.
TEST(Rot, ErasedLeavesNothingInQuarantine) {
  Provider provider;
  Server server{provider};
  for (const std::string sid : {"CA1", "CA2"}) {
    server.has(provider.has(sid, speech(5s)));
    ASSERT_EQ(server.fetched(sid), "ready");
  }
  ASSERT_EQ(server.stop(), 0);
  server.rot();
  server.start();
  ASSERT_TRUE(Server::eventually([&] { return server.files("quarantine") == 2; }));

  EXPECT_THAT(server.del(recording("CA1")), Has(204));
  EXPECT_EQ(server.files("quarantine"), 1);
}

}  // namespace
}  // namespace onetake::story
