#include "run/flight.hpp"

#include <gtest/gtest.h>

#include "base/test_loop.hpp"
#include "run/flights.hpp"
#include "run/slots.hpp"

namespace onetake::run {
namespace {

Run run_named(const std::string& id, int cycle = 1, RunStatus status = RunStatus::queued) {
  Run run;
  run.id = RunId{id};
  run.cycle = cycle;
  run.status = status;
  return run;
}

Recording recording(const std::string& id, const Run& run) {
  Recording made;
  made.id = RecordingId{id};
  made.run = run;
  return made;
}

Key key(const std::string& call_sid) {
  return {.tenant = TenantId{"acme"}, .call_sid = CallSid{call_sid}, .recording_sid = {}};
}

Live live(int version = 1) {
  return {.audio = std::make_shared<blob::Growing>(Fd{}),
          .content_type = "audio/wav",
          .version = version,
          .last_modified = {}};
}

Task<std::shared_ptr<Flight>> opened(Flights& flights, Key key, Deadline deadline) {
  co_return co_await flights.opened(std::move(key), deadline);
}

Task<Flight::View> changed(std::shared_ptr<Flight> flight, std::uint64_t change, Deadline deadline) {
  co_return co_await flight->changed(change, deadline);
}
Task<Flight::View> audible(std::shared_ptr<Flight> flight, Deadline deadline) {
  co_return co_await flight->audible(deadline);
}

class FlightTest : public testing::Test {
 protected:
  std::shared_ptr<Flight> flight_ = std::make_shared<Flight>(RecordingId{"rec"}, run_named("run"));
  TestLoop loop_;
};

TEST_F(FlightTest, WaitingShowsItsRun) {
  const auto view = flight_->view();
  EXPECT_EQ(view.run.id, RunId{"run"});
  EXPECT_EQ(view.live, nullptr);
  EXPECT_FALSE(view.ended);
  EXPECT_EQ(flight_->recording(), RecordingId{"rec"});
  EXPECT_EQ(flight_->run(), RunId{"run"});
}

TEST_F(FlightTest, EveryChangeIsSeenOnce) {
  const auto before = flight_->view().change;
  auto watcher = loop_.start(changed(flight_, before, never));
  flight_->update(run_named("run", 1, RunStatus::running));
  const auto view = watcher.get();
  EXPECT_EQ(view.run.status, RunStatus::running);
  EXPECT_GT(view.change, before);
  EXPECT_EQ(loop_.run(changed(flight_, before, never)).change, view.change)
      << "what has changed already is told at once";
  EXPECT_EQ(loop_.run(changed(flight_, view.change, in(milliseconds{1}))).change, view.change)
      << "the deadline ends it";
}

TEST_F(FlightTest, AudibleOnceThereIsSomethingToHear) {
  auto listener = loop_.start(audible(flight_, never));
  flight_->update(run_named("run", 1, RunStatus::running));
  flight_->hear(live(7));
  EXPECT_EQ(listener.get().live->version, 7);
  EXPECT_EQ(loop_.run(audible(flight_, Deadline::min())).live->version, 7);
}

TEST_F(FlightTest, AudibleOrNothingMoreToCome) {
  auto listener = loop_.start(audible(flight_, never));
  flight_->end(run_named("run", 1, RunStatus::failed));
  const auto view = listener.get();
  EXPECT_TRUE(view.ended);
  EXPECT_EQ(view.live, nullptr);
  EXPECT_EQ(view.run.status, RunStatus::failed);
}

TEST_F(FlightTest, NotAudibleInTime) {
  const auto view = loop_.run(audible(flight_, Deadline::min()));
  EXPECT_EQ(view.live, nullptr);
  EXPECT_FALSE(view.ended);
}

TEST_F(FlightTest, WhatHasEndedChangesNoMore) {
  flight_->hear(live(1));
  flight_->end(run_named("run", 1, RunStatus::cancelled));
  const auto view = flight_->view();
  flight_->update(run_named("run", 1, RunStatus::running));
  flight_->hear(live(2));
  flight_->end(run_named("run", 1, RunStatus::completed));
  EXPECT_EQ(flight_->view().change, view.change);
  EXPECT_EQ(flight_->view().run.status, RunStatus::cancelled);
  EXPECT_EQ(flight_->view().live->version, 1);
  EXPECT_TRUE(loop_.run(changed(flight_, view.change, never)).ended) << "nobody waits for what has ended";
}

TEST_F(FlightTest, StopIsForGood) {
  const auto attempt = flight_->begin();
  EXPECT_FALSE(attempt.stop_requested());
  EXPECT_FALSE(flight_->stopped());
  flight_->stop();
  EXPECT_TRUE(attempt.stop_requested());
  EXPECT_TRUE(flight_->stopped());
  EXPECT_TRUE(flight_->begin().stop_requested()) << "no attempt begins any more";
}

TEST_F(FlightTest, LettingGoIsForOneAttempt) {
  const auto first = flight_->begin();
  flight_->let_go();
  EXPECT_TRUE(first.stop_requested());
  EXPECT_FALSE(flight_->stopped());
  EXPECT_FALSE(flight_->begin().stop_requested());
}

TEST_F(FlightTest, ReceivedIsWhatListenersCanHearElseWhatTheRunSays) {
  auto run = run_named("run");
  run.received_bytes = 10;
  run.total_bytes = 100;
  flight_->update(run);
  EXPECT_EQ(flight_->view().received(), 10U);
  EXPECT_EQ(flight_->view().total(), 100U);
  flight_->hear(live());
  EXPECT_EQ(flight_->view().received(), 0U);
  EXPECT_EQ(flight_->view().total(), 100U);
}

class FlightsTest : public testing::Test {
 protected:
  using By = Flights::By;
  const Recording first_ = recording("rec", run_named("run-1", 1));
  const Recording second_ = recording("rec", run_named("run-2", 2));
  Flights flights_;
};

TEST_F(FlightsTest, OneFlightARun) {
  EXPECT_EQ(flights_.find(first_.id), nullptr);
  const auto flight = flights_.open(first_, By::onlooker);
  EXPECT_EQ(flights_.open(first_, By::worker), flight);
  EXPECT_EQ(flights_.find(first_.id), flight);
  EXPECT_EQ(flights_.all().size(), 1U);
}

TEST_F(FlightsTest, ALaterRunReplacesAnEarlierOnesFlight) {
  const auto old = flights_.open(first_, By::worker);
  const auto now = flights_.open(second_, By::worker);
  EXPECT_NE(old, now);
  EXPECT_EQ(flights_.find(first_.id), now);
}

// Nobody else would ever end it: who looks on only sees what is listed.
TEST_F(FlightsTest, WhoFollowsAnOnlookersFlightThatIsReplacedIsToldSo) {
  const auto old = flights_.open(first_, By::onlooker);
  flights_.open(second_, By::worker);
  EXPECT_TRUE(old->view().ended);
}

// An answer of the database that was slow on its way must not hide a flight that the worker has.
TEST_F(FlightsTest, AnEarlierRunDoesNotReplaceALaterOnesFlight) {
  const auto now = flights_.open(second_, By::worker);
  const auto late = flights_.open(first_, By::onlooker);
  EXPECT_EQ(late->run(), RunId{"run-1"});
  EXPECT_EQ(flights_.find(first_.id), now);
  flights_.close(late, run_named("run-1", 1, RunStatus::failed));
  EXPECT_TRUE(late->view().ended);
  EXPECT_EQ(flights_.find(first_.id), now);
  EXPECT_FALSE(now->view().ended);
}

TEST_F(FlightsTest, ClosingTakesOnlyItsOwnFlightAway) {
  const auto old = flights_.open(first_, By::worker);
  const auto now = flights_.open(second_, By::worker);
  flights_.alias(key("CA"), now);
  flights_.close(old, run_named("run-1", 1, RunStatus::failed));
  EXPECT_TRUE(old->view().ended);
  EXPECT_EQ(flights_.find(first_.id), now);
  EXPECT_EQ(flights_.find(key("CA")), now);
  flights_.close(now, run_named("run-2", 2, RunStatus::completed));
  EXPECT_EQ(flights_.find(first_.id), nullptr);
  EXPECT_EQ(flights_.find(key("CA")), nullptr);
  EXPECT_TRUE(flights_.all().empty());
}

TEST_F(FlightsTest, WhatNobodyHoldsOnToIsLetGo) {
  flights_.open(first_, By::onlooker);
  flights_.alias(key("CA"), flights_.find(first_.id));
  const auto held = flights_.open(recording("held", run_named("run-3")), By::onlooker);
  flights_.open(recording("ours", run_named("run-4")), By::worker);
  flights_.let_go();
  EXPECT_EQ(flights_.find(first_.id), nullptr);
  EXPECT_EQ(flights_.find(key("CA")), nullptr);
  EXPECT_EQ(flights_.find(RecordingId{"held"}), held);
  EXPECT_NE(flights_.find(RecordingId{"ours"}), nullptr) << "its worker ends it";
}

// A call may have several recordings, and its sid alone is the key of one of them: now of this, now of that.
TEST_F(FlightsTest, AKeyThatHasMovedStaysWithItsNewFlight) {
  const auto old = flights_.open(first_, By::worker);
  flights_.alias(key("CA"), old);
  const auto other = flights_.open(recording("other", run_named("run-3")), By::worker);
  flights_.alias(key("CA"), other);
  EXPECT_EQ(flights_.find(key("CA")), other);
  flights_.close(old, run_named("run-1", 1, RunStatus::completed));
  EXPECT_EQ(flights_.find(key("CA")), other);
}

TEST_F(FlightsTest, AKeyIsKnownWhileItsFlightLasts) {
  const auto flight = flights_.open(first_, By::worker);
  EXPECT_EQ(flights_.find(key("CA")), nullptr);
  flights_.alias(key("CA"), flight);
  auto with_sid = key("CA");
  with_sid.recording_sid = "RE";
  EXPECT_EQ(flights_.find(with_sid), nullptr) << "another key, until it has joined too";
  flights_.alias(with_sid, flight);
  EXPECT_EQ(flights_.find(with_sid), flight);
  flights_.close(flight, run_named("run-1", 1, RunStatus::completed));
  flights_.alias(key("CA"), flight);
  EXPECT_EQ(flights_.find(key("CA")), nullptr) << "what has ended is not joined any more";
  EXPECT_EQ(flights_.find(with_sid), nullptr);
}

TEST_F(FlightsTest, DoubtEndsAnOnlookersFlightAndNotAWorkers) {
  const auto seen = flights_.open(first_, By::onlooker);
  flights_.doubt(seen);
  EXPECT_TRUE(seen->view().ended);
  EXPECT_EQ(flights_.find(first_.id), nullptr);

  const auto again = flights_.open(first_, By::onlooker);
  flights_.open(first_, By::worker);
  flights_.doubt(again);
  EXPECT_FALSE(again->view().ended);
  EXPECT_EQ(flights_.find(first_.id), again);
}

TEST(Slots, AreBoundedInAllAndOfOneTenant) {
  const TenantId acme{"acme"};
  const TenantId other{"other"};
  Slots slots{3, 2};
  EXPECT_EQ(slots.free(), 3);
  auto one = slots.take(acme);
  const auto two = slots.take(acme);
  EXPECT_FALSE(slots.take(acme)) << "a tenant has two";
  const auto three = slots.take(other);
  ASSERT_TRUE(one && two && three);
  EXPECT_EQ(slots.free(), 0);
  EXPECT_FALSE(slots.take(TenantId{"third"})) << "there are three";
  one.reset();
  EXPECT_EQ(slots.free(), 1);
  EXPECT_TRUE(slots.take(acme));
  EXPECT_EQ(slots.free(), 1) << "what was not kept was given back";
}

TEST(Slots, AMovedSlotIsGivenBackOnce) {
  Slots slots{2, 2};
  {
    auto first = slots.take(TenantId{"acme"}).value();
    auto second = slots.take(TenantId{"other"}).value();
    auto moved = std::move(first);
    EXPECT_EQ(slots.free(), 0);
    moved = std::move(second);
    EXPECT_EQ(slots.free(), 0) << "assigning swaps: the other one goes when its holder goes";
  }
  EXPECT_EQ(slots.free(), 2);
  const auto again = slots.take(TenantId{"acme"});
  EXPECT_TRUE(again);
}

TEST(FlightsOfOtherNodes, WhoBeginsToFollowOneIsToldOf) {
  Flights flights;
  std::vector<RunId> told;
  flights.on_following([&](const auto& run) { told.push_back(run.id); });
  flights.open(recording("ours", run_named("run-1", 1, RunStatus::running)), Flights::By::worker);
  const auto theirs = recording("theirs", run_named("run-2", 1, RunStatus::running));
  flights.open(theirs, Flights::By::onlooker);
  flights.open(theirs, Flights::By::onlooker);
  EXPECT_EQ(told, std::vector{RunId{"run-2"}});
}

TEST(FlightsByKey, WhoWatchesAKeyMissesNoFlightHoweverShort) {
  TestLoop loop;
  Flights flights;
  auto one = loop.start(opened(flights, key("CA1"), never));
  auto another = loop.start(opened(flights, key("CA1"), never));
  auto elsewhere = loop.start(opened(flights, key("CA2"), Deadline::min()));
  EXPECT_EQ(elsewhere.get(), nullptr);
  loop.settle();
  const auto run = run_named("1");
  const auto flight = flights.open(recording("r", run), Flights::By::worker);
  flights.alias(key("CA1"), flight);
  flights.close(flight, run_named("1", 1, RunStatus::completed));
  EXPECT_EQ(one.get(), flight);
  EXPECT_EQ(another.get(), flight);
  EXPECT_EQ(loop.run(opened(flights, key("CA1"), Deadline::min())), nullptr) << "that one is over";
}

TEST(FlightsInTurn, WhatIsReplacedStopsAndEnds) {
  Flights flights;
  const auto first = flights.open(recording("r", run_named("1")), Flights::By::worker);
  const auto second = flights.open(recording("r", run_named("2", 2)), Flights::By::worker);
  EXPECT_NE(first, second);
  EXPECT_TRUE(first->stopped());
  EXPECT_TRUE(first->view().ended);
  EXPECT_FALSE(second->stopped());
}

TEST(FlightsInTurn, TheNextCycleIsNotWithdrawnWithTheLast) {
  Flights flights;
  const auto flight = flights.open(recording("r", run_named("2", 2)), Flights::By::worker);
  flights.withdraw(RecordingId{"r"}, 1);
  EXPECT_FALSE(flight->withdrawn);
  flights.withdraw(RecordingId{"r"}, 2);
  EXPECT_TRUE(flight->withdrawn);
}

}  // namespace
}  // namespace onetake::run
