// What two nodes do at once.

#include <gmock/gmock.h>

#include <barrier>
#include <deque>
#include <set>
#include <thread>

#include "ledger/postgres_files.hpp"
#include "ledger/postgres_recordings.hpp"
#include "ledger/postgres_runs.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const TenantId acme{"acme"};
constexpr milliseconds hour{3'600'000};

WallTime at(std::int64_t ms) { return WallTime{milliseconds{1'795'339'800'000 + ms}}; }

std::string call(int i) { return "CA" + std::to_string(i); }

Play pressed(const std::string& call, bool claim) {
  Play play;
  play.key = {acme, CallSid{call}, {}};
  play.explicit_action = true;
  play.claim = claim;
  play.now = at(0);
  return play;
}

class PostgresRace : public testing::Test {
 protected:
  std::unique_ptr<Ledger> node(const std::string& name, int pool = 4) {
    return open_postgres(schema_.url(), {.node = name, .pool = pool});
  }
  void put(Ledger& ledger, int recordings) {
    for (int i = 0; i < recordings; ++i) loop_.run(ledger.put(acme, CallSid{call(i)}, {}, at(0)));
  }
  static pg::Press press(const std::string& call, bool claim) { return {pressed(call, claim), RunId{uuid7()}}; }
  static Admission admit(pg::Connection& db, const std::string& call, bool claim) {
    const std::array presses{press(call, claim)};
    return pg::admit(db, presses, "http://two").at(0);
  }
  std::int64_t count(const std::string& what) {
    auto rows = schema_.connect()->execute("SELECT count(*) FROM " + what);
    rows.next();
    return rows.integer();
  }

  Schema schema_;
  TestLoop loop_;
};

// The fault that a partial unique index alone leaves: the run that completes is not active any more, and not yet
// completed for whoever looks from outside of the transaction.
TEST_F(PostgresRace, APlayWaitsForAnOpenCompletion) {
  const auto ledger = node("http://one");
  put(*ledger, 1);
  const auto other = schema_.connect();
  other->begin();
  const auto lease = admit(*other, call(0), true).lease.value();
  Media media;
  media.blob = "blob-1";
  ASSERT_TRUE(pg::complete(*other, "http://two", lease, media, at(1)));

  auto waits = loop_.start(ledger->play(pressed(call(0), true)));
  until_somebody_waits_for(*other, schema_);
  other->commit();

  const auto admission = waits.get();
  EXPECT_EQ(admission.found, Found::ready);
  EXPECT_EQ(admission.recording.media->blob, "blob-1");
  EXPECT_EQ(count("run"), 1);
}

TEST_F(PostgresRace, APlayGoesOnWhereTheOtherIsUndone) {
  const auto ledger = node("http://one");
  put(*ledger, 1);
  const auto other = schema_.connect();
  other->begin();
  ASSERT_EQ(admit(*other, call(0), true).found, Found::created);
  auto waits = loop_.start(ledger->play(pressed(call(0), false)));
  until_somebody_waits_for(*other, schema_);
  other->rollback();
  EXPECT_EQ(waits.get().found, Found::created);
  EXPECT_EQ(count("run"), 1);
}

// A copy took so long that its object is taken to be removed while it is said that it is there.
TEST_F(PostgresRace, WhatIsTakenMeanwhileIsNotDurable) {
  const auto ledger = node("http://one");
  put(*ledger, 1);
  const auto lease = loop_.run(ledger->play(pressed(call(0), true))).lease.value();
  Media media;
  media.blob = "a";
  ASSERT_TRUE(loop_.run(ledger->complete(lease, media, at(1))));
  ASSERT_TRUE(loop_.run(ledger->announce_object("a", at(0))));
  const auto other = schema_.connect();
  for (const bool taken : {false, true}) {
    loop_.run(ledger->spoiled(lease.recording, "a"));  // what the turn before has made
    other->begin();
    ASSERT_THAT(pg::take_objects(*other, at(1), at(2), 10), ElementsAre("a"));
    auto waits = loop_.start(ledger->made_durable(lease.recording, "a"));
    until_somebody_waits_for(*other, schema_);
    if (taken)
      other->commit();
    else
      other->rollback();
    EXPECT_EQ(waits.get(), !taken);
  }
}

TEST_F(PostgresRace, APlayOfWhatIsErasedMeanwhileFindsNothing) {
  const auto ledger = node("http://one");
  put(*ledger, 1);
  const auto other = schema_.connect();
  other->begin();
  pg::erase(*other, acme, CallSid{call(0)}, {}, at(1));
  auto waits = loop_.start(ledger->play(pressed(call(0), false)));
  until_somebody_waits_for(*other, schema_);
  other->commit();
  EXPECT_EQ(waits.get().found, Found::nothing);
  EXPECT_EQ(count("run"), 0);
}

TEST_F(PostgresRace, NodesThatAdmitTheSameAtOnceCreateOneRunEach) {
  constexpr int recordings = 40;
  constexpr int plays = 5;
  std::deque<std::unique_ptr<Ledger>> nodes;
  for (const std::string name : {"http://one", "http://two", "http://three"}) nodes.push_back(node(name));
  put(*nodes[0], recordings);
  std::deque<TestLoop> loops(3);
  std::vector<std::vector<std::future<Admission>>> answers(recordings);
  for (int n = 0; n < plays; ++n)
    for (int i = 0; i < recordings; ++i)
      for (std::size_t k = 0; k < nodes.size(); ++k)
        answers[static_cast<std::size_t>(i)].push_back(
            loops[k].start(nodes[k]->play(pressed(call(k % 2 == 0 ? i : recordings - 1 - i), true))));
  std::map<RunId, int> created;
  for (auto& of_one : answers)
    for (auto& each : of_one) {
      const auto admission = each.get();
      ASSERT_TRUE(admission.recording.run);
      created[admission.recording.run->id] += admission.found == Found::created ? 1 : 0;
      EXPECT_EQ(admission.found == Found::created, admission.lease.has_value());
    }
  EXPECT_THAT(created, SizeIs(recordings));
  for (const auto& [run, times] : created) EXPECT_EQ(times, 1);
  EXPECT_EQ(count("run"), recordings);
}

// At every moment, seen by anybody: claims, admissions and ends all at once, on four nodes.
TEST_F(PostgresRace, ATenantNeverHasMoreRunningThanItMay) {
  constexpr int recordings = 120;
  constexpr int per_tenant = 3;
  constexpr int threads = 4;
  {
    const auto ledger = node("http://one");
    put(*ledger, recordings);
    for (int i = 0; i < recordings / 2; ++i) loop_.run(ledger->play(pressed(call(i), false)));
  }
  std::barrier all{threads};
  std::atomic<int> most = 0;
  std::atomic<int> ended = 0;
  const auto work = [&](int self) {
    const auto db = schema_.connect();
    pg::Session session{pg::Target{.url = schema_.url()}};
    const auto transact = [&](const auto& what) {
      db->begin();
      auto outcome = what();
      db->commit();
      return outcome;
    };
    const auto end = [&](const Lease& lease) {
      if (transact([&] { return pg::fail(*db, lease, {Cause::forbidden, "why", 403}, at(5)); })) ++ended;
    };
    const auto look = [&] {
      auto rows = db->select("SELECT count(*) FROM run WHERE status = 'running'");
      rows.next();
      for (int now = static_cast<int>(rows.integer()), seen = most;
           now > seen && !most.compare_exchange_weak(seen, now);) {
      }
    };
    all.arrive_and_wait();
    for (int i = recordings / 2 + self; i < recordings; i += threads) {
      auto claimed = pg::claim(session, "n", 2, per_tenant, hour, at(10));
      look();
      auto presses = std::array{press(call(i), true)};
      presses[0].play.per_tenant = per_tenant;
      const auto admission = pg::admit(*db, presses, "n").at(0);
      look();
      for (const auto& each : claimed) end(each.lease);
      if (admission.lease) end(*admission.lease);
    }
  };
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back(work, i);
  for (auto& each : workers) each.join();
  EXPECT_EQ(most, per_tenant) << "and all that it may have";
  EXPECT_GT(ended, recordings / 4);
  EXPECT_EQ(count("run WHERE status = 'running'"), 0);
}

TEST_F(PostgresRace, NodesThatClaimAtOnceShareTheRunsAndTakeTurns) {
  constexpr int runs = 60;
  std::deque<std::unique_ptr<Ledger>> nodes;
  for (const std::string name : {"http://one", "http://two", "http://three"}) nodes.push_back(node(name));
  for (int i = 0; i < runs; ++i) {
    const TenantId tenant{i % 3 == 0 ? "small" : "large"};
    loop_.run(nodes[0]->put(tenant, CallSid{call(i)}, {}, at(0)));
    auto press = pressed(call(i), false);
    press.key.tenant = tenant;
    loop_.run(nodes[0]->play(press));
  }
  std::deque<TestLoop> loops(3);
  std::vector<std::future<std::vector<Claimed>>> claims;
  for (int i = 0; i < runs; ++i)
    claims.push_back(loops[static_cast<std::size_t>(i % 3)].start(
        nodes[static_cast<std::size_t>(i % 3)]->claim(1, 100, hour, at(10))));
  std::set<RunId> claimed;
  for (auto& each : claims)
    for (const auto& one : each.get()) EXPECT_TRUE(claimed.insert(one.lease.run).second);
  EXPECT_THAT(claimed, SizeIs(runs));
  auto turns = schema_.connect()->execute("SELECT claim FROM turn ORDER BY tenant");
  ASSERT_TRUE(turns.next());
  EXPECT_EQ(turns.integer(), runs) << "large went on when small had no more";
  ASSERT_TRUE(turns.next());
  EXPECT_THAT(turns.integer(), testing::AnyOf(39, 40)) << "small had every second turn";
}

TEST_F(PostgresRace, NodesThatSweepAtOnceRescueARunOnce) {
  const auto one = node("http://one");
  const auto two = node("http://two");
  put(*one, 20);
  for (int i = 0; i < 20; ++i) {
    auto press = pressed(call(i), true);
    press.lease = milliseconds{0};
    loop_.run(one->play(press));
  }
  TestLoop there;
  auto first = loop_.start(one->rescue(at(5)));
  auto second = there.start(two->rescue(at(5)));
  EXPECT_EQ(first.get().size() + second.get().size(), 20U);
  auto expired = loop_.start(one->expire(milliseconds{1}, 100, at(10)));
  auto also = there.start(two->expire(milliseconds{1}, 100, at(10)));
  EXPECT_EQ(expired.get().size() + also.get().size(), 20U);
}

TEST_F(PostgresRace, APutAndAnEraseOfTheSameLeaveNothingHalf) {
  const auto one = node("http://one");
  const auto two = node("http://two");
  TestLoop there;
  for (int i = 0; i < 20; ++i) {
    auto put = loop_.start(one->put(acme, CallSid{"CA"}, {}, at(0)));
    auto erased = there.start(two->erase(acme, CallSid{"CA"}, {}, at(1)));
    put.get();
    erased.get();
  }
  EXPECT_LE(count("recording"), 1);
}

}  // namespace
}  // namespace onetake::ledger
