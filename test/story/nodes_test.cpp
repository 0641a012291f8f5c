// Several servers on one PostgreSQL: whichever somebody asks, there is one fetch, and all of them have it.

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "story/bucket.hpp"
#include "story/shared_database.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

const Server::Settings api{{"server.role", "\"api\""}};
const Server::Settings worker{{"server.role", "\"worker\""}};

/// One run, of one cycle, which completes: those who listen may have heard it all a moment before.
void expect_one_run(const SharedDatabase& database) {
  const auto runs = [&] { return database.ask("SELECT count(*), max(cycle), max(status) FROM run"); };
  EXPECT_TRUE(Server::eventually([&] { return runs() == "1|1|completed\n"; })) << runs();
}

// People press Play on either node while it arrives, and when it is ready: one fetch, the same answer from both.
TEST(Nodes, OnePlayOneFetchWhicheverIsAsked) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  Server two{provider, database.node()};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"));
  one.has(call);

  auto here = one.play(call, 5);
  here.until_heard(1000);
  auto there = two.play(call, 5);
  there.until_heard(1000);
  EXPECT_THAT(there, Each(IsStillListening()));
  EXPECT_EQ(there[0].field("ETag"), here[0].field("ETag"));
  EXPECT_EQ(there[0].field("Content-Length"), here[0].field("Content-Length"));
  const auto far = static_cast<int>(call.audio.size()) - 5000;
  auto ahead =
      two.listen(two.request("GET", play("CA1"), {"Range: bytes=" + std::to_string(far) + "-"}), 1, call.audio);
  call.release("half");
  here.until_the_end();
  there.until_the_end();
  ahead.until_the_end();

  EXPECT_THAT(here, Each(HeardExactly(call.audio)));
  EXPECT_THAT(there, Each(HeardExactly(call.audio)));
  EXPECT_THAT(ahead, Each(HeardFrom(far, 5000)));
  EXPECT_EQ(two.settled("CA1"), "ready");
  const auto ready = two.get(stream("CA1"));
  EXPECT_THAT(ready, Has(200));
  EXPECT_TRUE(ready.body == call.audio.bytes());
  EXPECT_EQ(ready.field("ETag"), here[0].field("ETag"));
  EXPECT_EQ(ready.field("Last-Modified"), here[0].field("Last-Modified"));
  EXPECT_THAT(two.head(stream("CA1")), AllOf(Has(200), Says("Content-Length", std::to_string(call.audio.size()))));
  EXPECT_THAT(two.get(stream("CA1"), {"Range: bytes=0-99"}), AllOf(Has(206), Says("Content-Length", "100")));
  EXPECT_THAT(two.get(stream("CA1"), {"If-None-Match: " + ready.field("ETag")}), Has(304));
  EXPECT_THAT(two.get(stream("CA1"), {"Range: bytes=99999999-"}), Has(416));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(one.metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(two.files("audio"), 0) << "it is passed on, not kept";
  EXPECT_GE(two.metric("onetake_relayed_requests_total", "passed"), 6);
  expect_one_run(database);
}

// Three hundred presses on three nodes at once.
TEST(Nodes, ManyPressesAtOnceAreOneRun) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  Server two{provider, database.node()};
  Server three{provider, database.node(api)};
  auto call = provider.has("CA1", speech(2s)).answering(before_first_byte("go"));
  one.has(call);
  std::vector<Listeners> people;
  for (const auto* server : {&one, &two, &three}) people.push_back(server->play(call, 100));
  call.until(held("go"));
  call.release("go");
  for (auto& some : people) some.until_the_end();

  for (const auto& some : people) EXPECT_THAT(some, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 1);
  expect_one_run(database);
}

// Eight nodes, some recordings, and every node is pressed on for each of them.
TEST(Nodes, AStampedeIsOneRunARecording) {
  Provider provider;
  const SharedDatabase database;
  std::vector<std::unique_ptr<Server>> nodes;
  for (int n = 0; n < 8; ++n) nodes.push_back(std::make_unique<Server>(provider, database.node()));
  std::vector<Call> calls;
  for (int n = 0; n < 5; ++n) {
    calls.push_back(provider.has("CA" + std::to_string(n), speech(1s, {.seed = static_cast<unsigned>(n)})));
    nodes[0]->has(calls.back());
  }
  std::vector<std::vector<Listeners>> people(calls.size());
  for (std::size_t n = 0; n < calls.size(); ++n)
    for (const auto& node : nodes) people[n].push_back(node->play(calls[n], 3));

  for (std::size_t n = 0; n < calls.size(); ++n) {
    for (auto& some : people[n]) {
      some.until_the_end();
      EXPECT_THAT(some, Each(HeardExactly(calls[n].audio)));
    }
    EXPECT_EQ(nodes[0]->settled(calls[n].sid), "ready");
    EXPECT_EQ(calls[n].requests(), 1);
  }
  EXPECT_EQ(nodes[0]->metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle), min(status), max(status) FROM run"),
            "5|1|completed|completed\n");
}

// A node that only answers, and one that only fetches.
TEST(Nodes, OneAnswersAndOneFetches) {
  Provider provider;
  const SharedDatabase database;
  Server front{provider, database.node(api)};
  Server back{provider, database.node(worker)};
  auto call = provider.has("CA1", speech(5s)).answering(hold_at(0.5, "half"));
  front.has(call);

  auto people = front.play(call, 3);
  people.until_heard(1000);
  EXPECT_EQ(front.get(recording("CA1"))["/state"], "fetching");
  call.release("half");
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(front.settled("CA1"), "ready");
  EXPECT_EQ(front.files("audio"), 0);
  EXPECT_EQ(back.files("audio"), 1);
  expect_one_run(database);
}

class AWorkerKilled : public testing::TestWithParam<double> {
 protected:
  /// Leases and sweeps are those of a story, or the defaults, as script/failover has them.
  static Server::Settings worker_on(const SharedDatabase& database) {
    auto settings = database.node(worker);
    if (by_default())
      for (const auto* const key : {"fetch.lease", "fetch.heartbeat", "fetch.sweep"}) settings.erase(key);
    return settings;
  }
  /// Lease and sweep; and for the transfer, and a machine that has other things to do, as much as it may need.
  static milliseconds bound() { return milliseconds{by_default() ? 35'000 : 2'200} + milliseconds{15'000}; }

 private:
  static bool by_default() { return std::getenv("ONETAKE_DEFAULT_LEASES") != nullptr; }
};

// The worker is killed in mid-fetch: whoever listens at the other node hears on, on the connection that they have.
TEST_P(AWorkerKilled, IsAPauseForWhoListens) {
  Provider provider;
  const SharedDatabase database;
  Server front{provider, database.node(api)};
  Server first{provider, worker_on(database)};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(GetParam(), "part"), whole());
  front.has(call);
  auto people = front.play(call, 3);
  people.until_heard(1000);
  const Server second{provider, worker_on(database)};

  const auto began = Monotonic::now();
  first.kill();
  people.until_the_end();
  const auto took = std::chrono::duration_cast<milliseconds>(Monotonic::now() - began);
  std::cout << "failover: " << took.count() << " ms\n";

  EXPECT_LT(took, bound());
  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(front.settled("CA1"), "ready");
  EXPECT_TRUE(front.get(stream("CA1")).body == call.audio.bytes());
  EXPECT_EQ(call.requests(), 2);
  EXPECT_EQ(second.metric("onetake_lease_rescues_total"), 1);
  expect_one_run(database);
  call.release("part");
  first.start();  // finds that what it had been doing is done
  EXPECT_TRUE(Server::eventually([&] { return first.files("temporary") == 0; }));
}

INSTANTIATE_TEST_SUITE_P(Nodes, AWorkerKilled, testing::Values(0.1, 0.3, 0.5, 0.7, 0.9));

// What was sent has to come again first, more slowly than anybody has patience with a silence: it is not one.
TEST(Nodes, WhatComesAgainSlowlyIsWaitedFor) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  const Server two{provider, database.node({{"server.listener_patience", "\"6s\""}})};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.9, "part"), whole().at(40'000));
  one.has(call);
  auto here = one.play(call);
  here.until_heard(1000);
  auto people = two.play(call, 3);
  people.until_heard(call.audio.size() * 8 / 10);

  one.kill();
  people.until_the_end();
  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  call.release("part");
}

// The node that fetches hears at once what was done at another, whenever it would have asked the database itself.
TEST(Nodes, CancelledAndErasedAtAnother) {
  Provider provider;
  const SharedDatabase database;
  const Server::Settings seldom{{"fetch.lease", "\"1h\""}, {"fetch.heartbeat", "\"20m\""}};
  Server one{provider, database.node(seldom)};
  const Server two{provider, database.node(seldom)};
  for (const std::string sid : {"CA1", "CA2"}) {
    auto call = provider.has(sid, speech(10s)).answering(hold_at(0.5, "half"), whole());
    one.has(call);
    auto here = one.play(call, 3);
    here.until_heard(1000);
    if (sid == "CA1")
      EXPECT_THAT(two.post("/api/runs/" + two.get(recording(sid))["/run/id"] + "/cancel"), Has(202));
    else
      EXPECT_THAT(two.del(recording(sid)), Has(204));
    here.until_the_end();
    EXPECT_THAT(here, Each(WasCutBefore(call.audio.size())));
    call.release("half");
  }
  EXPECT_TRUE(Server::eventually([&] { return one.files("temporary") == 0; }));
}

// A copied data directory: whoever was there first says so, for the others reach only one of the two.
TEST(Nodes, TwoServersUnderOneNameAreTold) {
  Provider provider;
  const SharedDatabase database;
  const Server one{provider, database.node()};
  EXPECT_TRUE(Server::eventually([&] { return one.log().contains("node.started"); }));
  EXPECT_EQ(database.ask("UPDATE node SET url = 'http://127.0.0.1:9' RETURNING 'taken over'"), "taken over\n");
  EXPECT_TRUE(Server::eventually([&] { return one.log().contains("node.twice"); }));
}

// A node is paused past its lease in mid-fetch, and goes on: the other has taken its run up. Nobody hears a wrong byte,
// the late one publishes nothing, and those who listen to it hear on from the other.
TEST(Nodes, OnePausedPastItsLease) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  one.has(call);
  auto here = one.play(call, 3);
  here.until_heard(1000);
  Server two{provider, database.node()};
  auto there = two.play(call, 3);
  there.until_heard(1000);

  one.signal(SIGSTOP);
  there.until_the_end();
  EXPECT_THAT(there, Each(HeardExactly(call.audio)));
  call.release("half");
  one.signal(SIGCONT);
  here.until_the_end();

  EXPECT_THAT(here, Each(HeardExactly(call.audio)));
  EXPECT_EQ(two.settled("CA1"), "ready");
  EXPECT_EQ(two.files("audio"), 1);
  EXPECT_TRUE(Server::eventually([&] { return one.files("temporary") == 0; }));
  EXPECT_TRUE(Server::eventually([&] { return one.files("audio") == 0; })) << "what it has published is not pointed to";
  EXPECT_TRUE(one.get(stream("CA1")).body == call.audio.bytes());
  EXPECT_EQ(call.requests(), 2);
  expect_one_run(database);
}

// Erased at one node, it is gone at all: who listens anywhere is cut, and no file is left.
TEST(Nodes, ErasedAtOneIsGoneAtAll) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  Server two{provider, database.node()};
  auto call = provider.has("CA1", speech(10min));
  one.has(call);
  ASSERT_EQ(one.fetched("CA1"), "ready");
  ASSERT_EQ(one.files("audio"), 1);
  auto here = one.play(call, 2, {}, Pace::slow);
  auto there = two.play(call, 2, {}, Pace::slow);
  here.until_heard(1000);
  there.until_heard(1000);

  EXPECT_EQ(two.del(recording("CA1")).status, 204);
  EXPECT_THAT(two.get(stream("CA1")), IsProblem(404, "recording_not_found"));
  EXPECT_TRUE(Server::eventually([&] { return one.get(stream("CA1")).status == 404; })) << "when it has heard of it";
  EXPECT_TRUE(Server::eventually([&] { return one.files("audio") == 0; }));
  here.until_the_end();
  there.until_the_end();

  EXPECT_THAT(here, Each(WasCutBefore(call.audio.size())));
  EXPECT_THAT(there, Each(WasCutBefore(call.audio.size())));
}

// Who listens slowly at the node that fetches has megabytes before them that are here already.
TEST(Nodes, ErasedAtOneIsNotHeardFromWhatHadArrivedAtTheOther) {
  constexpr Bytes in_the_kernel = 8'000'000;  // what may be on its way to them when they are cut
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node(worker)};
  const Server two{provider, database.node(api)};
  auto call = provider.has("CA1", wav(80'000'000)).answering(hold_at(0.9, "most"));
  one.has(call);
  auto people = one.play(call, 3, {}, Pace::slow);
  people.until_heard(1000);
  call.until(held("most"));

  EXPECT_THAT(two.del(recording("CA1")), Has(204));
  call.until(aborted());
  people.until_the_end();

  EXPECT_THAT(people, Each(WasCutBefore(in_the_kernel)));
  EXPECT_TRUE(Server::eventually([&] { return one.files("temporary") == 0; }));
}

// After an outage of the database nobody has given a sign of life: whoever asks first must not take that for their end.
TEST(Nodes, AnOutageIsNobodysEnd) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  const Server two{provider, database.node()};
  auto call = provider.has("CA1", speech(5s));
  one.has(call);
  ASSERT_EQ(one.fetched("CA1"), "ready");
  const auto all_live = [&] { return database.ask("SELECT count(*) FROM node WHERE alive_since < seen_at") == "2\n"; };
  ASSERT_TRUE(Server::eventually(all_live));

  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(database.ask("WITH silent AS (UPDATE node SET seen_at = seen_at - interval '1 day' RETURNING 1) "
                           "SELECT count(*) FROM silent"),
              "2\n");
    EXPECT_THAT(two.get(stream("CA1")), Has(200));
  }

  EXPECT_EQ(one.files("audio"), 1);
  EXPECT_EQ(call.requests(), 1);
}

// Nor in quarantine.
TEST(Nodes, ErasedAtOneNothingStaysInQuarantineAtAnother) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  const Server two{provider, database.node()};
  one.has(provider.has("CA1", speech(5s)));
  ASSERT_EQ(one.fetched("CA1"), "ready");
  ASSERT_EQ(one.stop(), 0);
  one.rot();
  one.start();
  ASSERT_TRUE(Server::eventually([&] { return one.files("quarantine") == 1; }));

  EXPECT_THAT(two.del(recording("CA1")), Has(204));
  EXPECT_TRUE(Server::eventually([&] { return one.files("quarantine") == 0; }));
}

// Cancelled at one node, the fetch at the other stops; the next Play begins another cycle.
TEST(Nodes, CancelledAtOneStopsAtTheOther) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node()};
  Server two{provider, database.node()};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  one.has(call);
  auto here = one.play(call, 2);
  here.until_heard(1000);
  auto there = two.play(call, 2);
  there.until_heard(1000);

  EXPECT_THAT(two.post("/api/runs/" + two.get(recording("CA1"))["/run/id"] + "/cancel"), Has(202));
  here.until_the_end();
  there.until_the_end();
  EXPECT_THAT(here, Each(WasCutBefore(call.audio.size())));
  EXPECT_THAT(there, Each(WasCutBefore(call.audio.size())));
  EXPECT_EQ(one.get(recording("CA1"))["/state"], "remote");

  EXPECT_TRUE(two.get(play("CA1")).body == call.audio.bytes());
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle) FROM run"), "2|2\n");
}

// The only one that held a recording is gone for good: the other waits until that is sure, and fetches it again.
TEST(Nodes, TheOnlyHolderIsGone) {
  Provider provider;
  const SharedDatabase database;
  auto one = std::make_unique<Server>(provider, database.node());
  Server two{provider, database.node()};
  auto call = provider.has("CA1", speech(5s));
  one->has(call);
  ASSERT_EQ(one->fetched("CA1"), "ready");
  ASSERT_EQ(one->files("audio"), 1);

  one->kill();
  auto people = two.play(call, 3);
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 2);
  EXPECT_EQ(two.settled("CA1"), "ready");
  EXPECT_EQ(two.get(recording("CA1"))["/run/cycle"], "2");
  one->start();
  EXPECT_EQ(one->files("audio"), 0) << "nothing points to it any more";
}

// One that is back soon has what it had: who asks in between waits, and nothing is fetched again.
TEST(Nodes, AHolderThatIsBackSoonHasItStill) {
  Provider provider;
  const SharedDatabase database;
  Server one{provider, database.node({{"server.node_silence", "\"20s\""}})};
  const Server two{provider, database.node({{"server.node_silence", "\"20s\""}})};
  auto call = provider.has("CA1", speech(5s));
  one.has(call);
  ASSERT_EQ(one.fetched("CA1"), "ready");

  one.stop();
  auto people = two.play(call, 3);
  two.until("onetake_relayed_requests_total", "failed", 3);
  one.start();
  people.until_the_end();

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(one.files("audio"), 1);
}

// Only the nodes of one database let each other in.
TEST(Nodes, NobodyElseIsLetIn) {
  Provider provider;
  const SharedDatabase database;
  const SharedDatabase another;
  Server one{provider, database.node()};
  auto call = provider.has("CA1", speech(1s));
  one.has(call);
  ASSERT_EQ(one.fetched("CA1"), "ready");
  EXPECT_THAT(one.get(stream("CA1"), {nobody, "Onetake-Node: acme.9999999999.AAAA"}), IsProblem(401, "unauthorized"));
  EXPECT_THAT(one.get(stream("CA1"), {nobody}), IsProblem(401, "unauthorized"));
}

// A node that hangs takes connections and says nothing: what it holds comes from the durable copy, however little
// patience there is.
TEST(Nodes, AHolderThatHangsIsLeftForTheCopy) {
  Storage storage;
  Provider provider;
  const SharedDatabase database;
  const Server::Settings impatient{{"server.stream_wait", "\"500ms\""}, {"server.node_silence", "\"1h\""}};
  Server one{provider, database.node(storage.settings(impatient))};
  auto more = impatient;
  more["server.role"] = "\"api\"";
  const Server two{provider, database.node(storage.settings(more))};
  auto call = provider.has("CA1", speech(5s));
  one.has(call);
  ASSERT_EQ(one.fetched("CA1"), "ready");
  one.until("onetake_durable_copies_total", "made", 1);

  one.signal(SIGSTOP);
  const auto got = two.get(stream("CA1"));
  one.signal(SIGCONT);

  EXPECT_THAT(got, Has(200));
  EXPECT_TRUE(got.body == call.audio.bytes());
  EXPECT_EQ(two.metric("onetake_relayed_requests_total", "failed"), 1);
  EXPECT_EQ(call.requests(), 1);
}

// What a node was passing on for another breaks off: it asks nobody for the rest, for whoever asked it does.
TEST(Nodes, WhoIsAskedByANodeAsksNobody) {
  Provider provider;
  const SharedDatabase database;
  Server front{provider, database.node(api)};
  const Server first{provider, database.node(worker)};
  auto call = provider.has("CA1", speech(10s)).answering(hold_at(0.5, "half"), whole());
  front.has(call);
  auto people = front.play(call, 3);
  people.until_heard(1000);
  const Server second{provider, database.node(worker)};

  first.signal(SIGSTOP);
  people.until_the_end();
  first.signal(SIGCONT);

  EXPECT_THAT(people, Each(HeardExactly(call.audio)));
  EXPECT_TRUE(Server::eventually([&] { return first.metric("onetake_http_connections") == 1; })) << "but this one";
  EXPECT_EQ(first.metric("onetake_relayed_requests_total"), 0);
  call.release("half");
}

// Events that cannot go on end in a reset, and nobody waits for them when the server stops.
TEST(Nodes, EventsEndWithTheDatabaseAndHoldNobodyUp) {
  Provider provider;
  const SharedDatabase database;
  Server server{provider, database.node()};
  auto call = provider.has("CA1", speech(1s));
  server.has(call);
  auto watchers = server.listen(server.request("GET", recording("CA1") + "/events"), 3, call.audio);
  watchers.until([](const Listener& each) { return !each.text().empty(); });

  std::ignore = database.ask("ALTER TABLE recording RENAME TO away");
  watchers.until_the_end();
  std::ignore = database.ask("ALTER TABLE away RENAME TO recording");

  for (const auto& each : watchers) EXPECT_EQ(each.standing(), Standing::cut);
  EXPECT_THAT(server.log(), HasSubstr("a body ended in an exception"));
  EXPECT_EQ(server.stop(), 0);
  EXPECT_THAT(server.log(), HasSubstr("\"cut\":0"));
}

}  // namespace
}  // namespace onetake::story
