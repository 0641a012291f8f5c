// Nodes whose clocks differ, and one database that tells them what is due.

#include <gmock/gmock.h>

#include "ledger/postgres_migrations.hpp"
#include "ledger/postgres_recordings.hpp"
#include "ledger/postgres_runs.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::AllOf;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

WallTime at(std::int64_t ms) { return WallTime{milliseconds{1'795'339'800'000 + ms}}; }
Deadline after(std::int64_t ms) { return Deadline{milliseconds{1'000'000 + ms}}; }

TEST(ServerClock, WhatARoundTripDoesNotProveIsNoDifference) {
  pg::ServerClock clock;
  for (const std::int64_t theirs : {100, 150, 200}) {
    clock.told(at(100), at(theirs), at(200), after(0));
    EXPECT_EQ(clock.ahead(), milliseconds{0}) << theirs;
  }
}

TEST(ServerClock, WhatItProvesIsTheLeastThatItMayBe) {
  pg::ServerClock clock;
  clock.told(at(100), at(5'000), at(200), after(0));
  EXPECT_EQ(clock.ahead(), milliseconds{4'800});
  clock.told(at(20'100), at(150), at(20'200), after(0));
  EXPECT_EQ(clock.ahead(), milliseconds{-19'950});
}

TEST(ServerClock, IsAskedAgainAfterAWhileAndWhereOursHasBeenSet) {
  pg::ServerClock clock;
  EXPECT_FALSE(clock.known(at(0), after(0)));
  clock.told(at(0), at(0), at(0), after(0));
  EXPECT_TRUE(clock.known(at(9'000), after(9'000)));
  EXPECT_TRUE(clock.known(at(9'030), after(9'000))) << "it is being brought into step";
  EXPECT_FALSE(clock.known(at(11'000), after(11'000)));
  EXPECT_FALSE(clock.known(at(20'000), after(1))) << "set forward";
  EXPECT_FALSE(clock.known(at(-20'000), after(1))) << "set back";
}

WallTime an_hour_ahead() { return wall_now() + hours{1}; }
WallTime an_hour_behind() { return wall_now() - hours{1}; }

const TenantId acme{"acme"};
constexpr milliseconds lease{60'000};

/// A node with a clock of its own.
class Node {
 public:
  Node(const Schema& schema, WallTime (*clock)()) : clock_(clock), target_{.url = schema.url(), .clock = clock} {}

  [[nodiscard]] WallTime now() const { return clock_(); }
  Recording put(const std::string& call, const std::string& recording_sid = {}) {
    Registration said;
    said.recording_sid = recording_sid;
    return session_.once([&](pg::Connection& db) { return pg::put(db, acme, CallSid{call}, said, now()); }).recording;
  }
  RecordingId find(const std::string& call) {
    return session_.again([&](pg::Connection& db) { return pg::find(db, {acme, CallSid{call}, {}}); })->id;
  }
  Admission play(const std::string& call, bool claim = false) {
    Play play;
    play.key = {acme, CallSid{call}, {}};
    play.explicit_action = true;
    play.claim = claim;
    play.failure_cooldown = milliseconds{minutes{5}};
    play.now = now();
    const std::array presses{pg::Press{play, RunId{uuid7()}}};
    return session_.again([&](pg::Connection& db) { return pg::admit(db, presses, "node"); }).at(0);
  }
  std::vector<Claimed> claim() { return pg::claim(session_, "node", 10, 10, lease, now()); }
  bool retry(const Lease& held, milliseconds later) {
    const Setback setback{Cause::unavailable, "why", 503};
    return session_.once(
        [&](pg::Connection& db) { return pg::retry(db, held, Reason::retrying, setback, now() + later, true); });
  }
  bool fail(const Lease& held) {
    const Setback setback{Cause::forbidden, "why", 403};
    return session_.once([&](pg::Connection& db) { return pg::fail(db, held, setback, now()); });
  }
  std::optional<WallTime> next_due() {
    return session_.again([&](pg::Connection& db) { return pg::next_due(db, now()); });
  }
  std::vector<Recording> expire(milliseconds deadline) {
    return session_.once([&](pg::Connection& db) { return pg::expire(db, deadline, 10, now()); });
  }
  std::vector<Retired> retire(milliseconds age) {
    return session_.once([&](pg::Connection& db) { return pg::retire(db, age, 10, now()); });
  }

 private:
  WallTime (*clock_)();
  pg::Target target_;
  pg::Session session_{target_};
};

class PostgresClocks : public testing::Test {
 protected:
  PostgresClocks() { pg::migrate(pg::Target{.url = schema_.url()}); }
  /// What can be said of a time that has just been taken.
  static auto is_about(WallTime time) { return AllOf(Ge(time - minutes{1}), Le(time + minutes{1})); }

  Schema schema_;
  Node right_{schema_, wall_now};
  Node ahead_{schema_, an_hour_ahead};
  Node behind_{schema_, an_hour_behind};
};

TEST_F(PostgresClocks, APlayOfAnyNodeIsDueAtOnceForAnyOther) {
  for (Node* plays : {&right_, &ahead_, &behind_}) {
    for (Node* claims : {&right_, &ahead_, &behind_}) {
      const auto call = "CA" + uuid7();
      plays->put(call);
      EXPECT_EQ(plays->play(call).found, Found::created);
      std::vector<Claimed> claimed;
      // Where no clock is right a round trip may pass before what one calls now is now for another.
      for (const Deadline end = in(lease); claimed.empty() && Monotonic::now() < end;) claimed = claims->claim();
      ASSERT_THAT(claimed, SizeIs(1));
      EXPECT_EQ(claimed[0].recording.call_sid.str(), call);
      EXPECT_THAT(claimed[0].recording.run->created_at, is_about(claims->now())) << "for its deadline, by their clock";
    }
  }
}

// `{call_sid}` alone is the one that was registered first, by whichever clock.
TEST_F(PostgresClocks, TheFirstRecordingOfACallIsTheFirstOnAnyNode) {
  const auto first = ahead_.put("CA1", "RE1");
  right_.put("CA1", "RE2");
  behind_.put("CA1", "RE3");
  EXPECT_EQ(right_.find("CA1"), first.id);
}

TEST_F(PostgresClocks, ANodeAheadFailsNobodysQueuedRuns) {
  right_.put("CA1");
  right_.play("CA1");
  EXPECT_THAT(ahead_.expire(milliseconds{minutes{10}}), IsEmpty());
  EXPECT_THAT(behind_.expire(milliseconds{minutes{10}}), IsEmpty());
  EXPECT_THAT(right_.claim(), SizeIs(1));
}

TEST_F(PostgresClocks, ANodeAheadRetiresNobodysAudio) {
  right_.put("CA1");
  behind_.put("CA2");
  for (Node* node : {&ahead_, &right_, &behind_}) EXPECT_THAT(node->retire(milliseconds{minutes{10}}), IsEmpty());
}

TEST_F(PostgresClocks, WhatIsDueLaterIsSoForAllAndEachHearsItByItsOwnClock) {
  ahead_.put("CA1");
  ASSERT_TRUE(ahead_.retry(ahead_.play("CA1", true).lease.value(), milliseconds{minutes{10}}));
  for (Node* node : {&ahead_, &right_, &behind_}) {
    EXPECT_THAT(node->claim(), IsEmpty());
    EXPECT_THAT(node->next_due().value(), is_about(node->now() + minutes{10}));
  }
}

TEST_F(PostgresClocks, AFailureCoolsDownAsLongForAll) {
  ahead_.put("CA1");
  ASSERT_TRUE(ahead_.fail(ahead_.play("CA1", true).lease.value()));
  for (Node* node : {&ahead_, &right_, &behind_}) {
    const auto admission = node->play("CA1");
    EXPECT_EQ(admission.found, Found::cooling_down);
    EXPECT_THAT(admission.retry_at, is_about(node->now() + minutes{5}));
  }
}

}  // namespace
}  // namespace onetake::ledger
