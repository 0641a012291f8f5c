// How a worker keeps its leases, and what it does when one was lost.

#include "run/test_worker.hpp"

namespace onetake::run {
namespace {

using namespace test;

class WorkerLease : public WorkerTest {
 protected:
  static Limits brief() {
    Limits limits;
    limits.lease = milliseconds{200};
    limits.heartbeat = std::chrono::hours{1};  // none gets through
    limits.sweep = milliseconds{10};
    limits.backoff_initial = limits.backoff_max = milliseconds{0};
    return limits;
  }
  /// The sweep, until it has found something.
  std::vector<ledger::Lease> rescued() {
    for (;;)
      if (auto lost = loop_.run(ledger_->rescue(wall_now())); !lost.empty()) return lost;
  }
  static Step held(Step step) {
    step.holds = true;
    return step;
  }
};

// Bytes flow, and the ledger hears nothing of it: the attempt stops before the run is somebody else's, who listens sees
// a pause, and the next attempt goes on where this one was.
TEST_F(WorkerLease, WithoutHeartbeatsAnAttemptStopsByItself) {
  const auto stale = stale_rejections();
  work_with(brief());
  const auto audio = wav(5000);
  auto first = sends(audio);
  first.body.resize(3000);
  provider_->will(held(first));
  auto rest = sends(audio.substr(3000));
  rest.head->offset = 3000;
  rest.head->total = audio.size();
  provider_->will(std::move(rest));
  worker_->start();
  const auto flight = play();
  provider_->until_held();
  const auto live = flight->view().live;
  ASSERT_NE(live, nullptr);

  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed) << "nothing released the provider";

  EXPECT_EQ(readable(*live->audio), audio) << "on the connection that they had";
  ASSERT_EQ(provider_->asked().size(), 2U);
  EXPECT_EQ(provider_->asked()[1].from, 3000U);
  EXPECT_EQ(recording().run->token, 2);
  EXPECT_EQ(recording().run->attempt, 1) << "the lost one is given back";
  EXPECT_EQ(recording().cycle, 1);
  EXPECT_EQ(stale_rejections(), stale) << "it gave up what it still had";
  EXPECT_EQ(published(), 1U);
  settle();
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(WorkerLease, HeartbeatsKeepIt) {
  auto limits = brief();
  limits.lease = milliseconds{2'000};
  limits.heartbeat = milliseconds{20};
  work_with(limits);
  provider_->will(held(sends(wav(5000))));
  worker_->start();
  const auto flight = play();
  provider_->until_held();
  for (const auto until = in(limits.lease + milliseconds{200}); Monotonic::now() < until;)
    ASSERT_EQ(recording().run->status, RunStatus::running);
  provider_->release();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(recording().run->token, 1);
}

// By another node, which tells of it: no heartbeat would have found it for an hour.
TEST_F(WorkerLease, WhatAnotherNodeHasEndedStopsAtOnce) {
  auto limits = brief();
  limits.lease = std::chrono::hours{2};
  work_with(limits);
  provider_->will(held(sends(wav(5000))));
  worker_->start();
  const auto flight = play();
  provider_->until_held();
  loop_.run(ledger_->cancel(acme, flight->run(), wall_now()));
  worker_->check(flight->run());
  EXPECT_EQ(end_of(flight).run.status, RunStatus::cancelled) << "nothing released the provider";
}

// Nor by a wake-up that was lost: the next run of the recording is claimed here before anybody has heard of the end of
// the one that is under way.
TEST_F(WorkerLease, WhatHasEndedUnheardMakesWayForTheNext) {
  auto limits = brief();
  limits.lease = std::chrono::hours{2};
  work_with(limits);
  provider_->will(held(sends(wav(5000))));
  provider_->will(sends(wav(5000)));
  worker_->start();
  const auto first = play();
  provider_->until_held();
  loop_.run(ledger_->cancel(acme, first->run(), wall_now()));
  ledger::Play press;
  press.key = key();
  press.explicit_action = true;
  press.now = wall_now();
  const auto next = loop_.run(ledger_->play(press)).recording;
  ASSERT_EQ(next.run->cycle, 2);
  worker_->poke();

  EXPECT_TRUE(end_of(first).ended) << "who listens asks again";
  settle();
  EXPECT_EQ(recording().state, State::ready) << "nothing released the provider";
  EXPECT_EQ(recording().run->id, next.run->id);
  EXPECT_EQ(temporaries(), 0U);
}

// An attempt that hangs in what no deadline reaches, as a disk may: heartbeats do not keep its run for ever.
TEST_F(WorkerLease, PastTheRunsDeadlineItIsKeptNoLonger) {
  auto limits = brief();
  limits.heartbeat = milliseconds{10};
  limits.run_deadline = milliseconds{1};
  work_with(limits);
  provider_->will(held(sends(wav(5000))));
  worker_->start();
  const auto flight = play();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::failed) << "nothing released the provider";
  EXPECT_EQ(recording().run->setback->cause, Cause::overdue);
}

// Rescue and completion at once: rescue was first.
TEST_F(WorkerLease, AStaleTokenPublishesNothing) {
  const auto before = stale_rejections();
  auto limits = brief();
  limits.lease = milliseconds{1};
  work_with(limits);
  provider_->will(held(sends(wav(5000))));
  const auto flight = play();
  provider_->until_held();

  ASSERT_EQ(rescued().size(), 1U);
  provider_->release();
  const auto view = loop_.run(queued(flight));

  EXPECT_FALSE(view.ended) << "it is queued again, and this flight is what its next attempt goes on with";
  EXPECT_EQ(recording().state, State::fetching);
  EXPECT_EQ(recording().run->status, RunStatus::queued);
  EXPECT_EQ(stale_rejections(), before + 1);
  EXPECT_EQ(published(), 0U);
  provider_->will(sends(wav(5000)));
  limits.lease = std::chrono::hours{1};
  work_with_another(limits);
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(published(), 1U);
  EXPECT_EQ(recording().run->token, 2);
}

// Completion was first: there is nothing to rescue.
TEST_F(WorkerLease, WhatHasCompletedIsNotRescued) {
  auto limits = brief();
  limits.lease = milliseconds{1};
  work_with(limits);
  provider_->will(sends(wav(5000)));
  EXPECT_EQ(end_of(play()).run.status, RunStatus::completed);
  EXPECT_TRUE(loop_.run(ledger_->rescue(wall_now())).empty());
  EXPECT_EQ(recording().state, State::ready);
}

TEST_F(WorkerLease, AStaleTokenWritesNoSetbackEither) {
  auto limits = brief();
  limits.lease = milliseconds{1};
  work_with(limits);
  provider_->will(held(refuses(Cause::gone, 410)));
  const auto flight = play();
  provider_->until_held();
  rescued();
  provider_->release();
  EXPECT_FALSE(loop_.run(queued(flight)).ended);
  EXPECT_EQ(recording().state, State::fetching);
  EXPECT_FALSE(recording().run->setback);
}

// The lease was lost and the run claimed again before the attempt noticed: the two never write at once.
TEST_F(WorkerLease, TheNextAttemptWaitsForTheEndOfTheLast) {
  auto limits = brief();
  limits.lease = std::chrono::hours{1};
  work_with(limits);
  provider_->will(held(sends(wav(5000))));
  provider_->will(sends(wav(5000)));
  const auto flight = play();
  provider_->until_held();
  loop_.run(ledger_->recover(wall_now()));
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  EXPECT_EQ(provider_->asked().size(), 2U);
  EXPECT_EQ(published(), 1U);
  settle();
  EXPECT_EQ(temporaries(), 0U);
}

TEST_F(WorkerTest, TheHeartbeatWritesProgressAndNoticesALostLease) {
  Limits limits;
  limits.heartbeat = milliseconds{1};
  work_with(limits);
  auto step = sends(wav(5000));
  step.holds = true;
  provider_->will(std::move(step));
  worker_->start();
  const auto flight = play();
  provider_->until_held();
  while (recording().run->received_bytes != 4999U) {
  }
  EXPECT_EQ(recording().run->total_bytes, 5000U);
  worker_->drain();  // or it would claim the run again at once
  loop_.run(ledger_->recover(wall_now()));
  EXPECT_EQ(end_of(flight).run.status, RunStatus::queued) << "nothing released the provider: the transfer was stopped";
}

}  // namespace
}  // namespace onetake::run
