// A server that was away for longer than its leases: it notices, and nothing is fetched or published twice.

#include <csignal>

#include "story/story.hpp"

namespace onetake::story {
namespace {

// Paused in mid-fetch past the lease and continued: ready, byte-exact, one run, and those who listened have it all.
TEST(Leases, PausedPastTheLeaseAndContinued) {
  Provider provider;
  Server server{provider,
                {{"fetch.lease", "\"500ms\""}, {"fetch.heartbeat", "\"100ms\""}, {"fetch.sweep", "\"50ms\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), the_rest());
  server.has(call);
  auto people = server.play(call, 5);
  people.until_heard(1000);

  server.signal(SIGSTOP);
  std::this_thread::sleep_for(1500ms);  // the pause itself
  server.signal(SIGCONT);
  server.until("onetake_lease_rescues_total", "", 1);
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(server.settled("CA1"), "ready");
  EXPECT_TRUE(server.get(stream("CA1")).body == call.audio.bytes());
  EXPECT_EQ(server.get(recording("CA1"))["/run/cycle"], "1");
  EXPECT_EQ(server.metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(server.metric("onetake_runs_total", "completed"), 1);
  EXPECT_EQ(server.files("audio"), 1);
  EXPECT_TRUE(Server::eventually([&] { return server.files("temporary") == 0; }));
  EXPECT_THAT(server.log(), HasSubstr("run.rescued"));
  const auto runs = server.run({"query", "CONFIG", "SELECT count(*) AS runs, max(token) > 1 AS again FROM run"});
  EXPECT_EQ(runs.out, "runs\tagain\n1\t1\n");
}

// A transfer that takes longer than the lease keeps it by its heartbeats.
TEST(Leases, ALongTransferKeepsItsLease) {
  Provider provider;
  Server server{provider, {{"fetch.lease", "\"2s\""}, {"fetch.heartbeat", "\"100ms\""}, {"fetch.sweep", "\"50ms\""}}};
  auto call = provider.has("CA1", speech(10s)).answering(whole().after(2500ms));
  server.has(call);

  EXPECT_EQ(server.fetched("CA1"), "ready");

  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(server.metric("onetake_lease_rescues_total"), 0);
}

}  // namespace
}  // namespace onetake::story
