// Two nodes behind nginx with the configuration that is shipped: what becomes of those who listen through it.

#include <csignal>

#include "story/balancer.hpp"
#include "story/shared_database.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

std::vector<Call> calls_of(Provider& provider, const Server& server, int count, const Answer& answer) {
  std::vector<Call> calls;
  for (int n = 0; n < count; ++n) {
    calls.push_back(
        provider.has("CA" + std::to_string(n), speech(4s, {.seed = static_cast<unsigned>(n)})).answering(answer));
    server.has(calls.back());
  }
  return calls;
}

/// Each plays until they have heard it all; who is cut presses Play again, as people do.
void expect_all_hear(const Balancer& balancer, const Call& call, Listeners& people) {
  people.until_the_end();
  for (const auto& person : people) EXPECT_FALSE(person.wrong_at());
  const auto cut = std::ranges::count_if(people, [](const Listener& each) { return each.standing() == Standing::cut; });
  if (cut == 0) return;
  auto again = balancer.play(call, static_cast<std::size_t>(cut));
  again.until_the_end();
  EXPECT_THAT(again, Each(HeardExactly(call.audio))) << call.sid;
}

// All requests for a call go to one node, and nothing is passed on.
TEST(NodesBehindNginx, ACallHasItsNode) {
  Provider provider;
  const SharedDatabase database;
  const Server one{provider, database.node()};
  const Server two{provider, database.node()};
  const Balancer balancer{{&one, &two}};
  const auto calls = calls_of(provider, one, 16, whole());

  for (const auto& call : calls) {
    auto people = balancer.play(call, 5);
    people.until_the_end();
    EXPECT_THAT(people, Each(HeardExactly(call.audio)));
    EXPECT_THAT(balancer.get(stream(call.sid), {"Range: bytes=100-199"}),
                AllOf(Has(206), Says("Content-Length", "100")));
    EXPECT_EQ(call.requests(), 1);
  }
  for (const auto& call : calls) EXPECT_EQ(one.settled(call.sid), "ready");
  EXPECT_GT(one.files("audio"), 0);
  EXPECT_GT(two.files("audio"), 0);
  EXPECT_EQ(one.files("audio") + two.files("audio"), calls.size());
  EXPECT_EQ(one.metric("onetake_relayed_requests_total") + two.metric("onetake_relayed_requests_total"), 0);
}

// A node that leaves moves its share to the others, and no other call.
TEST(NodesBehindNginx, WhoLeavesMovesOnlyItsShare) {
  Provider provider;
  const SharedDatabase database;
  const Server one{provider, database.node()};
  const Server two{provider, database.node()};
  const Server three{provider, database.node()};
  Balancer balancer{{&one, &two, &three}};
  const auto calls = calls_of(provider, one, 24, whole());
  const auto hear_all = [&] {
    for (const auto& call : calls) {
      auto people = balancer.play(call);
      people.until_the_end();
      EXPECT_THAT(people, Each(HeardExactly(call.audio))) << call.sid;
    }
  };
  hear_all();
  for (const auto& call : calls) EXPECT_EQ(one.settled(call.sid), "ready");
  const auto share = static_cast<double>(three.files("audio"));
  EXPECT_GT(share, 0);
  EXPECT_LT(share, 24);

  balancer.has({&one, &two});
  const auto passed = [&] {
    return one.metric("onetake_relayed_requests_total") + two.metric("onetake_relayed_requests_total");
  };
  EXPECT_EQ(passed(), 0);
  const auto only_its_share = [&] {  // once nginx has taken the change up
    const auto before = passed();
    hear_all();
    return passed() - before == share;
  };
  EXPECT_TRUE(Server::eventually(only_its_share)) << share;
  for (const auto& call : calls) EXPECT_EQ(call.requests(), 1);
}

// A node is killed while people listen through it: the other has its share, and nothing of its own is disturbed.
TEST(NodesBehindNginx, OneIsKilled) {
  Provider provider;
  const SharedDatabase database;
  auto one = std::make_unique<Server>(provider, database.node());
  Server two{provider, database.node()};
  const Balancer balancer{{one.get(), &two}};
  const auto calls = calls_of(provider, *one, 8, hold_at(0.5, "half"));
  std::vector<Listeners> people;
  for (const auto& call : calls) people.push_back(balancer.play(call, 3));
  for (auto& some : people) some.until_heard(1000);

  one->kill();
  for (const auto& call : calls) call.release("half");
  for (std::size_t n = 0; n < calls.size(); ++n) expect_all_hear(balancer, calls[n], people[n]);

  for (const auto& call : calls) {
    EXPECT_EQ(two.settled(call.sid), "ready");
    EXPECT_LE(call.requests(), 2);
  }
  EXPECT_EQ(two.metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle) FROM run"), "8|1\n");
}

// A recording that no node can say anything about takes no node away from the others, and where no node is left that is
// said as everything is.
TEST(NodesBehindNginx, WhatIsWrongWithOneIsNotWithAll) {
  Provider provider;
  const SharedDatabase database;
  auto one = std::make_unique<Server>(provider, database.node({{"server.node_silence", "\"1h\""}}));
  Server two{provider, database.node({{"server.stream_wait", "\"1s\""}, {"server.node_silence", "\"1h\""}})};
  const Balancer balancer{{one.get(), &two}};
  auto theirs = provider.has("CA1", speech(2s));
  auto ours = provider.has("CA2", speech(2s, {.seed = 2}));
  one->has(theirs);
  one->has(ours);
  ASSERT_EQ(one->fetched("CA1"), "ready");
  ASSERT_EQ(two.fetched("CA2"), "ready");

  one->kill();  // and may be back within the hour
  for (int n = 0; n < 3; ++n) {
    EXPECT_THAT(balancer.get(play("CA1")), IsProblem(503, "unavailable"));
    EXPECT_TRUE(balancer.get(play("CA2")).body == ours.audio.bytes());
  }
  two.kill();
  const auto nobody = balancer.get(play("CA2"));
  EXPECT_THAT(nobody, IsProblem(503, "unavailable"));
  EXPECT_FALSE(nobody.field("Retry-After").empty());
}

// A node is paused past its leases, and goes on: the other has fetched what it was fetching, and whoever had stayed
// with it hears on.
TEST(NodesBehindNginx, OneIsPaused) {
  Provider provider;
  const SharedDatabase database;
  const Server one{provider, database.node()};
  Server two{provider, database.node()};
  const Balancer balancer{{&one, &two}};
  const auto calls = calls_of(provider, one, 8, hold_at(0.5, "half"));
  std::vector<Listeners> people;
  for (const auto& call : calls) people.push_back(balancer.play(call, 3));
  for (auto& some : people) some.until_heard(1000);

  one.signal(SIGSTOP);
  for (const auto& call : calls) call.release("half");
  for (const auto& call : calls) EXPECT_EQ(two.settled(call.sid), "ready");
  one.signal(SIGCONT);
  for (auto& some : people) some.until_the_end();

  for (std::size_t n = 0; n < calls.size(); ++n) {
    EXPECT_THAT(people[n], Each(HeardExactly(calls[n].audio)));
    EXPECT_LE(calls[n].requests(), 2);
  }
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle), min(status) FROM run"), "8|1|completed\n");
}

// Each in its turn is stopped and started again: no fetch is lost or made twice, and who is cut presses Play once more.
TEST(NodesBehindNginx, ARollingRestart) {
  Provider provider;
  const SharedDatabase database;
  const Server::Settings patient{{"server.drain_timeout", "\"300ms\""}, {"server.node_silence", "\"20s\""}};
  Server one{provider, database.node(patient)};
  Server two{provider, database.node(patient)};
  Balancer balancer{{&one, &two}};
  const auto calls = calls_of(provider, one, 8, hold_at(0.5, "half"));
  std::vector<Listeners> people;
  for (const auto& call : calls) people.push_back(balancer.play(call, 3));
  for (auto& some : people) some.until_heard(1000);

  for (auto* node : {&one, &two}) {
    auto* const other = node == &one ? &two : &one;
    EXPECT_EQ(node->stop(), 0);
    balancer.has({other});
    node->start();
    balancer.has({&one, &two});
  }
  for (const auto& call : calls) call.release("half");
  for (std::size_t n = 0; n < calls.size(); ++n) expect_all_hear(balancer, calls[n], people[n]);

  for (const auto& call : calls) EXPECT_EQ(one.settled(call.sid), "ready");
  EXPECT_EQ(one.metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle), min(status) FROM run"), "8|1|completed\n");
}

}  // namespace
}  // namespace onetake::story
