// The server ends in the middle of a fetch and starts again: who comes back hears on, and the provider sends the rest.

#include <csignal>
#include <fstream>

#include "story/story.hpp"

namespace onetake::story {
namespace {

namespace fs = std::filesystem;

/// How much has arrived, by the fetch's own word.
Bytes received(const Server& server, const std::string& call_sid) {
  const auto told = server.get(play(call_sid), {"Prefer: respond-async"})["/received_bytes"];
  return told.empty() ? 0 : std::stoull(told);
}

Listeners back_from(const Server& server, const Call& call, Bytes from, const std::string& etag) {
  return server.listen(
      server.request("GET", play(call.sid), {"Range: bytes=" + std::to_string(from) + "-", "If-Range: " + etag}), 1,
      call.audio);
}

/// Its notes as they would be after the machine has lost its power: of another boot.
void lose_power(const Server& server) {
  for (const auto& note : fs::directory_iterator{server.folder() / "data" / "notes"}) {
    std::fstream file{note.path(), std::ios::in | std::ios::out | std::ios::binary};
    file.put('x');
  }
}

auto ms_between(Monotonic::time_point from, Monotonic::time_point to) {
  return std::chrono::duration_cast<milliseconds>(to - from).count();
}

class Restart : public testing::TestWithParam<double> {};

// Killed wherever it stands: every byte is heard, under the same ETag, and none is sent twice.
TEST_P(Restart, AfterAKillGoesOnWhereItStood) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(60s)).answering(hold_at(GetParam(), "there"), the_rest());
  server.has(call);
  const auto size = call.audio.size();
  auto person = server.play(call);
  call.until(held("there"));
  const auto sent = call.bytes_sent();
  ASSERT_TRUE(Server::eventually([&] { return received(server, "CA1") + 1 == sent; }));
  person.until_heard(1000);
  const auto etag = person[0].field("ETag");
  const auto modified = person[0].field("Last-Modified");

  server.signal(SIGKILL);
  ASSERT_EQ(server.wait(), -SIGKILL);
  person.until_the_end();
  const auto had = person[0].heard();
  const auto began = Monotonic::now();
  server.start();
  const auto listening = Monotonic::now();
  auto back = back_from(server, call, had, etag);
  back.until_the_end();
  std::cout << "restart: listening after " << ms_between(began, listening) << " ms, all heard after "
            << ms_between(listening, Monotonic::now()) << " ms more\n";  // script/restarts adds them up
  EXPECT_LT(ms_between(began, Monotonic::now()), 20'000) << "the start, a sweep of five seconds, and what was missing";

  EXPECT_THAT(person, Each(WasCutBefore(size)));
  EXPECT_THAT(back, Each(HeardFrom(had, size - had)));
  EXPECT_EQ(back[0].field("ETag"), etag);
  EXPECT_EQ(back[0].field("Last-Modified"), modified);
  ASSERT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(server.get(recording("CA1"))["/media/sha256"], call.audio.sha256());
  EXPECT_EQ(call.bytes_sent(), size);
  ASSERT_EQ(call.requests(), 2U);
  EXPECT_EQ(call.seen()[1].range, "bytes=" + std::to_string(sent) + "-");
  EXPECT_EQ(server.files("temporary"), 0U);
  EXPECT_EQ(server.files("notes"), 0U);
}
INSTANTIATE_TEST_SUITE_P(At, Restart, testing::Values(0.1, 0.3, 0.5, 0.7, 0.9));

// Stopped in good order it is the same.
TEST(Restarted, AfterADrainItGoesOnWhereItStood) {
  Provider provider;
  Server server{provider, {{"server.drain_timeout", "\"100ms\""}}};
  auto call = provider.has("CA1", speech(60s)).answering(hold_at(0.5, "half"), the_rest());
  server.has(call);
  auto person = server.play(call);
  call.until(held("half"));
  const auto sent = call.bytes_sent();
  ASSERT_TRUE(Server::eventually([&] { return received(server, "CA1") + 1 == sent; }));
  person.until_heard(1000);
  const auto etag = person[0].field("ETag");

  ASSERT_EQ(server.stop(), 0);
  person.until_the_end();
  const auto had = person[0].heard();
  server.start();
  auto back = back_from(server, call, had, etag);
  back.until_the_end();

  EXPECT_THAT(back, Each(HeardFrom(had, call.audio.size() - had)));
  EXPECT_EQ(back[0].field("ETag"), etag);
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_EQ(call.bytes_sent(), call.audio.size());
}

// Without a strong validator the provider is asked from the start; what comes is compared, and who comes back hears on.
TEST(Restarted, WithoutAValidatorWhatComesAgainIsCompared) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(60s)).answering(whole().untagged().hold_at(0.5, "half"), whole().untagged());
  server.has(call);
  auto person = server.play(call);
  call.until(held("half"));
  person.until_heard(1000);
  const auto etag = person[0].field("ETag");

  server.signal(SIGKILL);
  server.wait();
  person.until_the_end();
  server.start();
  auto back = back_from(server, call, 1000, etag);
  back.until_the_end();

  EXPECT_THAT(back, Each(HeardFrom(1000, call.audio.size() - 1000)));
  EXPECT_EQ(call.seen()[1].range, "");
  EXPECT_EQ(server.settled("CA1"), "ready");
}

// What was not synced is worth nothing once the power was gone: it begins anew, under another ETag.
TEST(Restarted, AfterALossOfPowerNothingIsTrusted) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(60s)).answering(hold_at(0.5, "half"), whole());
  server.has(call);
  auto person = server.play(call);
  call.until(held("half"));
  person.until_heard(1000);
  const auto etag = person[0].field("ETag");

  server.signal(SIGKILL);
  server.wait();
  lose_power(server);
  server.start();
  ASSERT_EQ(server.settled("CA1"), "ready");

  EXPECT_EQ(call.seen()[1].range, "");
  EXPECT_NE(server.head(stream("CA1")).field("ETag"), etag);
  EXPECT_EQ(server.get(recording("CA1"))["/media/sha256"], call.audio.sha256());
  EXPECT_EQ(server.files("temporary"), 0U);
  EXPECT_EQ(server.files("notes"), 0U);
}

// What had arrived of a run that does not go on is removed on start.
TEST(Restarted, WhatBelongsToNoRunIsRemoved) {
  Provider provider;
  Server server{provider};
  auto call = provider.has("CA1", speech(60s)).answering(hold_at(0.5, "half"));
  server.has(call);
  auto person = server.play(call);
  call.until(held("half"));
  person.until_heard(1000);
  server.signal(SIGKILL);
  server.wait();
  for (const auto* const folder : {"temporary", "notes"}) {
    const auto path = server.folder() / "data" / folder;
    fs::copy_file(fs::directory_iterator { path } -> path(), path / "01a20449-bf24-7000-988c-b50eac8e32f2-1-1");
  }
  std::ofstream{server.folder() / "data" / "temporary" / "unnoted-1-1"} << "half";
  ASSERT_EQ(server.files("temporary"), 3U);
  server.start();
  EXPECT_EQ(server.files("temporary"), 1U);
  EXPECT_EQ(server.files("notes"), 1U);
}

}  // namespace
}  // namespace onetake::story
