// A cache that is full: what was played longest ago makes way, nobody is cut, and what cannot be fitted in is said.

#include <fcntl.h>
#include <sys/mount.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/temp_folder.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

std::string bytes(Bytes count) {
  std::ostringstream text;
  text << '"' << count << '"';
  return text.str();
}

MATCHER(IsNoSpace, "") {
  return testing::ExplainMatchResult(IsProblem(503, "no_space"), arg, result_listener) &&
         !arg.field("Retry-After").empty();
}

/// A disk of so many bytes, on which servers that are made meanwhile have everything, the database too.
class SmallDisk {
 public:
  explicit SmallDisk(Bytes size) {
    const auto options = "size=" + std::to_string(size);
    if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, options.c_str()) != 0)
      throw std::runtime_error("no small disk: mounting one needs root");
    ::setenv("TMPDIR", folder_.path().c_str(), 1);
  }
  ~SmallDisk() {
    ::unsetenv("TMPDIR");
    ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// To the last byte but so many.
  void fill(Bytes but = 0) const {
    std::ofstream file{ballast(), std::ios::binary};
    const std::string block(4096, 'x');
    while (std::filesystem::space(folder_.path()).available > but && file.write(block.data(), 4096).flush()) {
    }
  }
  void relieve() const { std::filesystem::remove(ballast()); }

 private:
  [[nodiscard]] std::filesystem::path ballast() const { return folder_.path() / "ballast"; }

  TempFolder folder_;
};

// Three fit. The one that has not been played for longest makes way for the fourth, and can be played again.
TEST(Room, TheLeastRecentlyPlayedMakesWay) {
  Provider provider;
  auto a = provider.has("CA1", speech(5s));
  const auto size = a.audio.size();
  Server server{provider, {{"cache.max_bytes", bytes(size * 7 / 2)}}};
  auto b = provider.has("CA2", speech(5s));
  auto c = provider.has("CA3", speech(5s));
  auto d = provider.has("CA4", speech(5s));
  for (const auto& call : {a, b, c, d}) server.has(call);
  for (const auto& call : {a, b, c}) ASSERT_EQ(server.fetched(call.sid), "ready");

  auto again = server.play(a);
  again.until_the_end();
  auto fourth = server.play(d);
  fourth.until_the_end();

  EXPECT_THAT(fourth, Each(HeardExactly(d.audio)));
  ASSERT_EQ(server.settled("CA4"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready");
  EXPECT_EQ(server.get(recording("CA2"))["/state"], "remote");
  EXPECT_EQ(server.get(recording("CA3"))["/state"], "ready");
  EXPECT_EQ(server.metric("onetake_cache_evictions_total"), 1);
  EXPECT_EQ(server.files("audio"), 3U);
  EXPECT_LE(server.metric("onetake_cache_bytes"), static_cast<double>(size * 7 / 2));

  auto back = server.play(b);
  back.until_the_end();
  EXPECT_THAT(back, Each(HeardExactly(b.audio)));
  ASSERT_EQ(server.settled("CA2"), "ready");
  EXPECT_EQ(server.get(recording("CA2"))["/run/cycle"], "2");
}

// Room is kept for what comes, so that a full cache does not ask its providers twice.
TEST(Room, AFullCacheAsksForEachRecordingOnce) {
  Provider provider;
  const auto size = speech(2s).size();
  Server server{provider, {{"cache.max_bytes", bytes(size * 17)}}};
  for (int i = 0; i < 24; ++i) {
    auto call = provider.has("CA" + std::to_string(i), speech(2s));
    server.has(call);
    ASSERT_EQ(server.fetched(call.sid), "ready");
    EXPECT_EQ(call.requests(), 1U) << call.sid;
  }
  EXPECT_EQ(server.metric("onetake_cache_evictions_total"), 8);
}

// What was played before the server stopped is still known to have been.
TEST(Room, PlaysAreRememberedOverARestart) {
  Provider provider;
  auto a = provider.has("CA1", speech(5s));
  Server server{provider, {{"cache.max_bytes", bytes(a.audio.size() * 5 / 2)}}};
  auto b = provider.has("CA2", speech(5s));
  auto c = provider.has("CA3", speech(5s));
  for (const auto& call : {a, b, c}) server.has(call);
  for (const auto& call : {a, b}) ASSERT_EQ(server.fetched(call.sid), "ready");
  auto again = server.play(a);
  again.until_the_end();
  ASSERT_EQ(server.stop(), 0);
  server.start();
  ASSERT_EQ(server.fetched("CA3"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready");
  EXPECT_EQ(server.get(recording("CA2"))["/state"], "remote");
}

// Nobody is cut to make room, and who finds none is told so; when they have heard enough there is room by itself.
TEST(Room, WhoListensIsNeverCut) {
  Provider provider;
  auto heard = provider.has("CA1", wav(64'000'000));
  Server server{provider, {{"cache.max_bytes", bytes(heard.audio.size() * 3 / 2)}}};
  auto wanted = provider.has("CA2", wav(64'000'000));
  server.has(heard);
  server.has(wanted);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  auto listener = server.play(heard, 1, {}, Pace::slow);
  listener.until_heard(1);

  EXPECT_THAT(server.get(play("CA2")), IsNoSpace());
  EXPECT_THAT(server.head(play("CA2")), Has(503));
  EXPECT_THAT(server.post(recording("CA2") + "/fetch"), IsNoSpace());
  EXPECT_THAT(listener, Each(IsStillListening()));
  EXPECT_EQ(server.metric("onetake_cache_evictions_total"), 0);

  listener.until_the_end();
  EXPECT_THAT(listener, Each(HeardExactly(heard.audio)));
  EXPECT_EQ(server.settled("CA2"), "ready");
  EXPECT_EQ(server.get(recording("CA2"))["/run/attempt"], "1");
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "remote");
}

// Trying again what failed is told the same: there is no room, and no cool-down to be waited for.
TEST(Room, ARetryThatFindsNoneIsToldSo) {
  Provider provider;
  auto heard = provider.has("CA1", wav(64'000'000));
  Server server{provider, {{"cache.max_bytes", bytes(heard.audio.size() * 65 / 64)}}};
  auto refused = provider.has("CA2", speech(5s)).answering(forbidden(), whole());
  server.has(heard);
  server.has(refused, "web");
  ASSERT_EQ(server.fetched("CA2"), "failed");
  ASSERT_EQ(server.fetched("CA1"), "ready");
  auto listener = server.play(heard, 1, {}, Pace::slow);
  listener.until_heard(1);

  EXPECT_THAT(server.post(recording("CA2") + "/fetch", R"({"retry": true})"), IsNoSpace());
  EXPECT_EQ(refused.requests(), 1);

  listener.until_the_end();
  EXPECT_THAT(server.post(recording("CA2") + "/fetch", R"({"retry": true})"), Has(202));
  EXPECT_EQ(server.settled("CA2"), "ready");
}

// What could not be kept in an empty cache drives nothing out, and the answer says why.
TEST(Room, WhatNeverFitsIsRefusedForGood) {
  Provider provider;
  auto small = provider.has("CA1", speech(5s));
  Server server{provider, {{"cache.max_bytes", bytes(small.audio.size() * 2)}}};
  auto large = provider.has("CA2", speech(15s));
  server.has(small);
  server.has(large);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  const auto got = server.get(play("CA2"));
  EXPECT_THAT(got, IsProblem(500, "fetch_failed"));
  EXPECT_THAT(got["/detail"], HasSubstr("cache.max_bytes"));
  EXPECT_EQ(large.requests(), 1U);
  EXPECT_EQ(server.get(recording("CA1"))["/state"], "ready");
}

// A disk that is smaller than cache.max_bytes bounds the cache as well.
TEST(Room, TheDisksOwnSizeIsABound) {
  const SmallDisk disk{4_MiB};
  Provider provider;
  Server server{provider};
  for (int i = 0; i < 6; ++i) {
    auto call = provider.has("CA" + std::to_string(i), speech(60s));
    server.has(call);
    auto person = server.play(call);
    person.until_the_end();
    EXPECT_THAT(person, Each(HeardExactly(call.audio)));
    ASSERT_EQ(server.settled(call.sid), "ready");
  }
  EXPECT_GE(server.metric("onetake_cache_evictions_total"), 3);
  EXPECT_EQ(server.get(recording("CA5"))["/state"], "ready");
}

// Somebody else fills the disk: nothing can be fetched, what is there is heard, and all is well once there is room.
TEST(Room, AFullDiskHealsByItself) {
  const SmallDisk disk{4_MiB};
  Provider provider;
  Server server{provider};
  auto here = provider.has("CA1", speech(30s));
  auto wanted = provider.has("CA2", speech(30s));
  server.has(here);
  server.has(wanted);
  ASSERT_EQ(server.fetched("CA1"), "ready");
  disk.fill();

  EXPECT_THAT(server.get(play("CA2")), IsNoSpace());
  EXPECT_THAT(server.head(play("CA2")), Has(503));
  EXPECT_THAT(server.post(recording("CA2") + "/fetch"), IsNoSpace());
  EXPECT_EQ(wanted.requests(), 0U);
  auto person = server.play(here);
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(here.audio)));

  disk.relieve();
  auto healed = server.play(wanted);
  healed.until_the_end();
  EXPECT_THAT(healed, Each(HeardExactly(wanted.audio)));
  EXPECT_EQ(server.settled("CA2"), "ready");
}

// The disk fills up in the middle of a recording whose length nobody told: who listens has a pause, not an end.
TEST(Room, ADiskThatFillsUpInMidFetchIsAPause) {
  const SmallDisk disk{4_MiB};
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(30s)).answering(whole().chunked().hold_at(0.5, "half"), whole().chunked());
  server.has(call);
  auto person = server.play(call);
  person.until_heard(call.audio.size() / 4);
  disk.fill(128_KiB);  // which the database may have, and the audio may not
  call.release("half");
  ASSERT_TRUE(Server::eventually([&] { return server.get(recording("CA1"))["/run/reason"] == "retrying"; }));
  EXPECT_THAT(person, Each(IsStillListening()));

  disk.relieve();
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/run/attempt"], "1");
}

}  // namespace
}  // namespace onetake::story
