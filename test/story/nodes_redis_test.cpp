// What Redis adds between nodes, and that it changes no outcome: down, slow, flushed, stale or read-only.

#include "signal/test_redis.hpp"
#include "story/shared_database.hpp"
#include "story/story.hpp"

namespace onetake::story {
namespace {

using signal::test::RedisServer;

Server::Settings with(const RedisServer& redis) {
  return {{"redis.url", "\"redis://127.0.0.1:" + std::to_string(redis.address().port) + "/0\""}};
}

const std::string key = "onetake:play:{acme/CA1}";

// While a fetch is under way its key holds the run's id for 120 seconds at most; then it is gone.
TEST(NodesWithRedis, TheKeyNamesTheRunUnderWay) {
  Provider provider;
  const SharedDatabase database;
  RedisServer redis;
  Server one{provider, database.node(with(redis))};
  Server two{provider, database.node(with(redis))};
  auto call = provider.has("CA1", speech(5s)).answering(hold_at(0.5, "half"));
  one.has(call);
  for (const auto* server : {&one, &two}) server->until("onetake_redis_up", "", 1);

  auto here = one.play(call, 2);
  here.until_heard(1000);
  const auto run = one.get(recording("CA1"))["/run/id"];
  EXPECT_TRUE(Server::eventually([&] { return redis.says({"GET", key}).text == run; }));
  EXPECT_GT(std::stoi(redis.says({"TTL", key}).text), 100);
  EXPECT_LE(std::stoi(redis.says({"TTL", key}).text), 120);
  auto there = two.play(call, 2);
  there.until_heard(1000);
  EXPECT_EQ(two.metric("onetake_run_admissions_total", "blocked_redis"), 1);
  call.release("half");
  here.until_the_end();
  there.until_the_end();

  EXPECT_THAT(here, Each(HeardExactly(call.audio)));
  EXPECT_THAT(there, Each(HeardExactly(call.audio)));
  EXPECT_TRUE(Server::eventually([&] { return redis.says({"EXISTS", key}).text == "0"; }));
  EXPECT_EQ(call.requests(), 1);
  EXPECT_EQ(database.ask("SELECT count(*) FROM run"), "1\n");
}

// Who fetches hears of a Play, and of its end, though Redis is away: over the database, and not at the next sweep.
TEST(NodesWithRedis, WithoutItNobodyWaitsForASweep) {
  Provider provider;
  const SharedDatabase database;
  RedisServer redis;
  auto settings = with(redis);
  settings["fetch.sweep"] = "\"10m\"";
  auto of_one = settings;
  of_one["server.role"] = "\"api\"";
  auto of_two = settings;
  of_two["server.role"] = "\"worker\"";
  Server one{provider, database.node(of_one)};
  Server two{provider, database.node(of_two)};
  for (const auto* server : {&one, &two}) server->until("onetake_redis_up", "", 1);
  auto call = provider.has("CA1", speech(5s)).answering(hold_at(0.5, "half"));
  one.has(call);
  redis.kill();

  auto people = one.play(call, 2);
  people.until_heard(1000);
  EXPECT_THAT(one.post("/api/runs/" + one.get(recording("CA1"))["/run/id"] + "/cancel"), Has(202));
  call.until(aborted());
  people.until_the_end();
  EXPECT_THAT(people, Each(WasCutBefore(call.audio.size())));
}

/// What may happen to Redis in mid-run.
struct Trouble {
  const char* name;
  void (*make)(RedisServer&);
};
std::ostream& operator<<(std::ostream& out, const Trouble& trouble) { return out << trouble.name; }

class NodesWithHurtRedis : public testing::TestWithParam<Trouble> {};

// Whatever happens to it: one run a recording, one request, every byte.
TEST_P(NodesWithHurtRedis, OnePlayIsOneFetchAllTheSame) {
  Provider provider;
  const SharedDatabase database;
  RedisServer redis;
  Server one{provider, database.node(with(redis))};
  Server two{provider, database.node(with(redis))};
  std::vector<Call> calls;
  for (int n = 0; n < 6; ++n) {
    calls.push_back(provider.has("CA" + std::to_string(n), speech(2s, {.seed = static_cast<unsigned>(n)}))
                        .answering(hold_at(0.5, "half")));
    one.has(calls.back());
  }
  std::vector<Listeners> people;
  const auto press = [&](int from, int to) {
    for (int n = from; n < to; ++n)
      for (const auto* server : {&one, &two}) people.push_back(server->play(calls[static_cast<std::size_t>(n)], 5));
  };
  press(0, 3);
  for (auto& some : people) some.until_heard(1000);

  GetParam().make(redis);
  press(0, 6);
  for (auto& some : people) some.until_heard(1000);
  for (const auto& call : calls) call.release("half");
  for (auto& some : people) some.until_the_end();

  for (std::size_t n = 0; n < people.size(); ++n)
    EXPECT_THAT(people[n], Each(testing::Truly([](const Listener& each) {
                  return each.status() == 200 && each.standing() == Standing::whole && !each.wrong_at();
                })));
  for (const auto& call : calls) {
    EXPECT_EQ(one.settled(call.sid), "ready");
    EXPECT_EQ(call.requests(), 1) << call.sid;
  }
  EXPECT_EQ(one.metric("onetake_duplicate_runs"), 0);
  EXPECT_EQ(database.ask("SELECT count(*), max(cycle), min(status), max(status) FROM run"),
            "6|1|completed|completed\n");
  redis.go_on();
}

INSTANTIATE_TEST_SUITE_P(
    Nodes, NodesWithHurtRedis,
    testing::Values(Trouble{"killed", [](RedisServer& redis) { redis.kill(); }},
                    Trouble{"paused", [](RedisServer& redis) { redis.pause(); }},
                    Trouble{"flushed", [](RedisServer& redis) { redis.says({"FLUSHALL"}); }},
                    Trouble{"read_only", [](RedisServer& redis) { redis.says({"REPLICAOF", "127.0.0.1", "9"}); }},
                    Trouble{"lying",
                            [](RedisServer& redis) {
                              for (int n = 0; n < 6; ++n)
                                redis.says({"SET", "onetake:play:{acme/CA" + std::to_string(n) + "}",
                                            "01a20449-bf24-7000-988c-b50eac8e32f2"});
                            }}),
    [](const auto& each) { return std::string{each.param.name}; });

// Restarted, it is used again; meanwhile nothing is missing.
TEST(NodesWithRedis, BackItIsUsedAgain) {
  Provider provider;
  const SharedDatabase database;
  RedisServer redis;
  Server one{provider, database.node(with(redis))};
  auto call = provider.has("CA1", speech(2s)).answering(before_first_byte("go"));
  one.has(call);
  one.until("onetake_redis_up", "", 1);
  redis.kill();
  ASSERT_TRUE(Server::eventually([&] { return one.metric("onetake_redis_up") == 0; }));
  EXPECT_THAT(one.log(), HasSubstr("redis.unavailable"));
  redis.start_again();
  one.until("onetake_redis_up", "", 1);

  auto person = one.play(call, 1);
  call.until(held("go"));
  EXPECT_TRUE(
      Server::eventually([&] { return redis.says({"GET", key}).text == one.get(recording("CA1"))["/run/id"]; }));
  call.release("go");
  person.until_the_end();
  EXPECT_THAT(person, Each(HeardExactly(call.audio)));
}

}  // namespace
}  // namespace onetake::story
