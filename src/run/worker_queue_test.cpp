// Which runs a worker takes, and how it lets go of them.

#include <future>

#include "run/test_worker.hpp"

namespace onetake::run {
namespace {

using namespace test;
using ledger::Found;
using Phase = blob::Growing::Phase;

// The word that it was erased is heard before the answer to the Play that came first.
TEST_F(WorkerTest, WhatWasCalledOffBeforeItsFlightCouldBeSeenIsNotFetched) {
  ledger::Play press;
  press.key = key("CA");
  press.explicit_action = true;
  press.claim = true;
  press.now = wall_now();
  const auto admitted = loop_.run(ledger_->play(press));
  const auto left = loop_.run(ledger_->erase(press.key.tenant, press.key.call_sid, {}, wall_now()));
  worker_->cancel(left);

  auto slot = worker_->reserve(press.key.tenant);
  auto flight = flights_.open(admitted.recording, Flights::By::worker);
  flights_.alias(press.key, flight);
  worker_->take(std::move(slot).value(), {.lease = *admitted.lease, .recording = admitted.recording}, flight,
                Monotonic::now());

  EXPECT_TRUE(flight->view().ended);
  EXPECT_EQ(flight->view().run.status, RunStatus::cancelled);
  EXPECT_EQ(flights_.find(press.key), nullptr) << "nobody joins it";
  settle();
  EXPECT_TRUE(provider_->asked().empty());
}

TEST_F(WorkerTest, CancelledWhileItRunsTheTransferStops) {
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  const auto live = flight->view().live;
  loop_.run(ledger_->erase(acme, CallSid{"CA"}, {}, wall_now()));
  worker_->cancel(leftovers(*flight));
  EXPECT_TRUE(flight->view().ended);
  EXPECT_EQ(flight->view().run.status, RunStatus::cancelled);
  EXPECT_EQ(flights_.find(key()), nullptr) << "nobody joins any more";
  settle();
  EXPECT_EQ(live->audio->view().phase, Phase::abandoned);
  EXPECT_EQ(temporaries(), 0U);
  EXPECT_EQ(published(), 0U);
}

TEST_F(WorkerTest, CancelledBetweenAttemptsWhatHasArrivedGoes) {
  provider_->will(cut(sends(wav(5000)), 3000));
  const auto flight = play();
  const auto live = loop_.run(waiting(flight)).live;
  loop_.run(ledger_->counts());
  loop_.settle();
  EXPECT_EQ(temporaries(), 1U);
  worker_->cancel(leftovers(*flight));
  EXPECT_TRUE(flight->view().ended);
  settle();
  EXPECT_EQ(live->audio->view().phase, Phase::abandoned);
  EXPECT_EQ(temporaries(), 0U);
  worker_->cancel(leftovers(*flight));  // nothing is there any more
}

TEST_F(WorkerTest, CancellingAnEarlierRunLeavesTheNextAlone) {
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  auto late = leftovers(*flight);
  late.runs = {RunId{"an earlier one"}};
  worker_->cancel(late);
  EXPECT_FALSE(flight->view().ended);
  provider_->release();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
}

TEST_F(WorkerTest, FinishingGivesLeasesBackUncounted) {
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  EXPECT_EQ(recording().run->attempt, 1);
  loop_.run(finish(*worker_, Deadline::min()));
  EXPECT_TRUE(flight->view().ended);
  const auto run = recording().run.value();
  EXPECT_EQ(run.status, RunStatus::queued);
  EXPECT_EQ(run.attempt, 0) << "the attempt does not count";
  EXPECT_EQ(temporaries(), 1U) << "for the next life to go on with";
  EXPECT_FALSE(worker_->reserve(acme));
}

// The database is busy, and its answer comes when the server is about to stop: nobody would ever work on that lease.
TEST_F(WorkerTest, FinishingGivesBackWhatItWasClaiming) {
  ledger::Play press;
  press.key = key();
  press.explicit_action = true;
  press.now = wall_now();
  ASSERT_EQ(loop_.run(ledger_->play(press)).found, ledger::Found::created);
  auto busy = loop_.start(ledger_->query(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) SELECT max(i) FROM n"));
  worker_->start();
  loop_.settle();  // its claim waits behind that
  loop_.run(finish(*worker_, never));
  EXPECT_TRUE(busy.get());
  EXPECT_EQ(recording().run->status, RunStatus::queued);
  EXPECT_EQ(recording().run->attempt, 0);
}

TEST_F(WorkerTest, FinishingWaitsForWhatEndsInTime) {
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  const auto flight = play();
  provider_->until_held();
  auto finished = loop_.start(finish(*worker_, never));
  loop_.settle();
  EXPECT_FALSE(worker_->reserve(acme)) << "nothing new";
  provider_->release();
  finished.get();
  EXPECT_EQ(flight->view().run.status, RunStatus::completed);
}

TEST_F(WorkerTest, WithoutAFreeSlotARunIsQueuedUntilThereIsOne) {
  Limits limits;
  limits.max_concurrent = 1;
  work_with(limits);
  put("CB");
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  provider_->will(sends(wav(1000)));
  worker_->start();
  const auto first = play();
  provider_->until_held();
  const auto second = play("CB");
  EXPECT_EQ(second->view().run.status, RunStatus::queued);
  EXPECT_EQ(provider_->asked().size(), 1U);
  provider_->release();
  EXPECT_EQ(end_of(first).run.status, RunStatus::completed);
  EXPECT_EQ(end_of(second).run.status, RunStatus::completed);
}

// With one place, a tenant that has piled up many runs lets another's first one through.
TEST_F(WorkerTest, TenantsTakeTurns) {
  Limits limits;
  limits.max_concurrent = 1;
  work_with(limits);
  const TenantId other{"other"};
  auto step = sends(wav(1000));
  step.holds = true;
  provider_->will(std::move(step));
  std::vector<std::shared_ptr<Flight>> flights;
  worker_->start();
  flights.push_back(play());
  provider_->until_held();
  for (int i = 0; i < 20; ++i) {
    put("CA" + std::to_string(i));
    provider_->will(sends(wav(1000)));
    flights.push_back(play("CA" + std::to_string(i)));
  }
  Registration said;
  said.provider = "main";
  provider_->will(sends(wav(1000)));
  loop_.run(ledger_->put(other, CallSid{"CB"}, said, wall_now()));
  const Key theirs{.tenant = other, .call_sid = CallSid{"CB"}, .recording_sid = {}};
  flights.push_back(loop_.run(join_->play(theirs, true)).flight);

  provider_->release();
  for (const auto& flight : flights) EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);

  const auto asked = provider_->asked();
  EXPECT_TRUE(asked.at(1).call_sid == "CB" || asked.at(2).call_sid == "CB");
}

TEST_F(WorkerTest, WhatWaitsPastItsDeadlineHasFailed) {
  Limits limits;
  limits.max_concurrent = 1;
  limits.run_deadline = milliseconds{50};
  limits.sweep = milliseconds{10};
  work_with(limits);
  put("CB");
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  worker_->start();
  play();
  provider_->until_held();

  const auto view = end_of(play("CB"));

  EXPECT_EQ(view.run.status, RunStatus::failed);
  EXPECT_EQ(view.run.setback->cause, Cause::overdue);
  EXPECT_EQ(recording("CB").state, State::failed);
  EXPECT_EQ(provider_->asked().size(), 1U);
}

TEST_F(WorkerTest, ItIsKnownToLive) {
  EXPECT_EQ(loop_.run(ledger_->workers(std::chrono::hours{1})), 0);
  worker_->start();
  while (loop_.run(ledger_->workers(std::chrono::hours{1})) != 1) {
  }
}

TEST_F(WorkerTest, WhatAnEarlierLifeQueuedIsFound) {
  ledger::Play pressed{.key = key(), .explicit_action = true, .now = wall_now()};
  ASSERT_EQ(loop_.run(ledger_->play(pressed)).found, Found::created);
  provider_->will(sends(wav(1000)));
  worker_->start();
  const auto joined = loop_.run(join_->play(key(), false));
  if (joined.found == Found::fetching) end_of(joined.flight);
  EXPECT_EQ(recording().state, State::ready);
}

}  // namespace
}  // namespace onetake::run
