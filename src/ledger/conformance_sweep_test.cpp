// What the sweep puts right: leases that ran out, runs that waited too long, recordings past their retention.

#include <gmock/gmock.h>

#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(Conformance, ALeaseThatHasRunOutIsTakenAway) {
  const auto lost = claimed("CA1", none);
  claimed("CA2", hour);

  const auto rescued = rescue(at(50));

  ASSERT_THAT(rescued, SizeIs(1));
  EXPECT_EQ(rescued[0].run, lost.run);
  EXPECT_EQ(rescued[0].recording, lost.recording);
  EXPECT_EQ(rescued[0].token, lost.token);
  const auto run = find("CA1")->run.value();
  EXPECT_EQ(run.status, RunStatus::queued);
  EXPECT_EQ(run.reason, Reason::retrying);
  EXPECT_EQ(run.due_at, at(50));
  EXPECT_EQ(run.attempt, 0) << "given back";
  EXPECT_EQ(run.token, lost.token) << "the next claim adds to it";
  EXPECT_EQ(find("CA1")->state, State::fetching);
  EXPECT_EQ(find("CA2")->run->status, RunStatus::running);
  EXPECT_THAT(rescue(), IsEmpty());
}

TEST_P(Conformance, WhoLostItsLeaseWritesNothingMore) {
  const auto lost = claimed("CA1", none);
  rescue();
  EXPECT_FALSE(progress(lost, 1, 2));
  EXPECT_FALSE(complete(lost, media("stale")));
  EXPECT_FALSE(fail(lost, Cause::gone));
  EXPECT_FALSE(retry(lost, true));

  const auto next = claim(1, at(60)).at(0).lease;
  EXPECT_EQ(next.run, lost.run);
  EXPECT_GT(next.token, lost.token);
  EXPECT_FALSE(complete(lost, media("stale")));
  EXPECT_TRUE(complete(next, media("blob-1")));
  EXPECT_EQ(find("CA1")->media->blob, "blob-1");
}

TEST_P(Conformance, ASignOfLifeKeepsTheLease) {
  const auto kept = claimed("CA1", none);
  const auto let_go = claimed("CA2", hour);
  EXPECT_TRUE(progress(kept, 1, 2, hour));
  EXPECT_TRUE(progress(let_go, 1, 2, none));
  const auto rescued = rescue();
  ASSERT_THAT(rescued, SizeIs(1));
  EXPECT_EQ(rescued[0].run, let_go.run);
}

TEST_P(Conformance, AClaimFromTheQueueIsALeaseToo) {
  for (const std::string call : {"CA1", "CA2"}) {
    put(call);
    play(pressed(call));
  }
  const auto lost = claim(1, at(10), 100, none).at(0).lease;
  claim(1, at(10), 100, hour);
  const auto rescued = rescue();
  ASSERT_THAT(rescued, SizeIs(1));
  EXPECT_EQ(rescued[0].run, lost.run);
}

TEST_P(Conformance, TheClockOfTheWallTakesNoLease) {
  claimed("CA1", hour);
  EXPECT_THAT(rescue(at(0) + std::chrono::days{1}), IsEmpty());
  EXPECT_THAT(rescue(at(0) - std::chrono::days{1}), IsEmpty());
}

// A day ahead a run was queued, a recording failed and was tried again as often as may be; then the clock is set back.
TEST_P(Conformance, NothingWaitsForADayThatTheClockHadRunAhead) {
  const auto tomorrow = at(0) + std::chrono::days{1};
  put("CA-queued");
  play(pressed("CA-queued", tomorrow));
  EXPECT_THAT(claim(1, at(0)), IsEmpty());
  EXPECT_THAT(expire(hour, at(0)), IsEmpty());
  const auto claimed_now = claim(1, at(0));
  ASSERT_THAT(claimed_now, SizeIs(1));
  EXPECT_EQ(claimed_now[0].recording.run->created_at, at(0));

  auto again = pressed("CA-failed", tomorrow);
  again.failure_cooldown = hour;
  again.asked_by = AskedBy::retry;
  again.claim = true;
  put("CA-failed");
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(fail(play(again).lease.value(), Cause::unreachable, tomorrow));
  EXPECT_EQ(play(again).found, Found::too_many_retries);
  again.now = at(0);
  ASSERT_EQ(play(again).found, Found::created);
}

TEST_P(Conformance, WhatWaitsTooLongHasFailedToTheMillisecond) {
  put("CA1");
  play(pressed("CA1", at(0)));
  EXPECT_THAT(expire(milliseconds{1000}, at(999)), IsEmpty());

  const auto expired = expire(milliseconds{1000}, at(1000));

  ASSERT_THAT(expired, SizeIs(1));
  EXPECT_EQ(expired[0].call_sid.str(), "CA1");
  EXPECT_EQ(expired[0].state, State::failed);
  const auto found = find("CA1").value();
  EXPECT_EQ(found.state, State::failed);
  EXPECT_EQ(found.run->status, RunStatus::failed);
  EXPECT_EQ(found.run->completed_at, at(1000));
  EXPECT_EQ(found.run->setback->cause, Cause::overdue);
  EXPECT_THAT(found.run->setback->detail, HasSubstr("run_deadline"));
  EXPECT_EQ(counts().runs[RunStatus::failed], 1);
  EXPECT_THAT(claim(), IsEmpty());
  EXPECT_THAT(expire(milliseconds{1000}, at(2000)), IsEmpty());
}

TEST_P(Conformance, WhatTheLastAttemptCameToIsNotForgotten) {
  ASSERT_TRUE(retry(claimed("CA1", hour), true, at(5000)));
  const auto setback = expire(milliseconds{1000}, at(1000)).at(0).run->setback.value();
  EXPECT_EQ(setback.cause, Cause::overdue);
  EXPECT_THAT(setback.detail, HasSubstr("why"));
  EXPECT_EQ(setback.provider_status, 503);
}

TEST_P(Conformance, WhatRunsIsNotFailedByTheSweep) {
  claimed("CA1", hour);
  EXPECT_THAT(expire(milliseconds{1000}, at(1'000'000)), IsEmpty());
  EXPECT_EQ(find("CA1")->run->status, RunStatus::running);
}

TEST_P(Conformance, TheSweepGoesOnWhereItsLimitWas) {
  for (int i = 0; i < 5; ++i) {
    put("CA" + std::to_string(i));
    play(pressed("CA" + std::to_string(i), at(i)));
  }
  EXPECT_THAT(expire(none, at(100), 3), SizeIs(3));
  EXPECT_THAT(expire(none, at(100), 3), SizeIs(2));
  EXPECT_THAT(retire(milliseconds{10}, at(100), 3), SizeIs(3));
  EXPECT_THAT(retire(milliseconds{10}, at(100), 3), SizeIs(2));
  EXPECT_THAT(retire(milliseconds{10}, at(100), 3), IsEmpty());
}

TEST_P(Conformance, RetentionTakesTheAudioAndKeepsTheRest) {
  ready("CA1", "blob-1");
  const auto before = find("CA1").value();
  EXPECT_THAT(retire(milliseconds{1000}, at(999)), IsEmpty());

  const auto retired = loop_.run(ledger_->retire(milliseconds{1000}, 10, at(1000)));

  ASSERT_THAT(retired, SizeIs(1));
  EXPECT_EQ(retired[0].tenant, acme);
  EXPECT_EQ(retired[0].call_sid, CallSid{"CA1"});
  EXPECT_THAT(retired[0].leftovers.blobs, ElementsAre("blob-1"));
  EXPECT_THAT(retired[0].leftovers.recordings, ElementsAre(Dropped{before.id, before.cycle}));
  EXPECT_THAT(retired[0].leftovers.runs, IsEmpty());
  const auto found = find("CA1").value();
  EXPECT_EQ(found.state, State::gone);
  EXPECT_FALSE(found.media);
  EXPECT_EQ(found.registered, before.registered);
  EXPECT_EQ(found.run->status, RunStatus::completed);
  EXPECT_EQ(counts().published_bytes, 0u);
}

TEST_P(Conformance, RetentionCountsFromTheCallWhereThatIsKnown) {
  put("CA-old", started(-100), at(0));
  put("CA-new", started(100), at(0));
  put("CA-undated", source(), at(0));
  EXPECT_THAT(retire(milliseconds{1000}, at(900)), ElementsAre("CA-old"));
  EXPECT_THAT(retire(milliseconds{1000}, at(1000)), ElementsAre("CA-undated"));
  EXPECT_EQ(find("CA-new")->state, State::remote);
}

TEST_P(Conformance, RetentionCancelsWhatIsBeingFetched) {
  const auto lease = claimed("CA1", hour);
  const auto retired = loop_.run(ledger_->retire(milliseconds{10}, 10, at(10)));
  ASSERT_THAT(retired, SizeIs(1));
  EXPECT_THAT(retired[0].leftovers.runs, ElementsAre(lease.run));
  EXPECT_EQ(find("CA1")->run->status, RunStatus::cancelled);
  EXPECT_FALSE(complete(lease, media("late")));
  EXPECT_EQ(find("CA1")->state, State::gone);
}

TEST_P(Conformance, AnotherSourceIsAYoungRecording) {
  ready("CA1");
  retire(milliseconds{10}, at(10));
  EXPECT_EQ(put("CA1", source("https://media.example.com/2.wav"), at(20)).recording.state, State::remote);
  EXPECT_THAT(retire(milliseconds{10}, at(29)), IsEmpty());
  EXPECT_EQ(play(pressed("CA1", at(29))).found, Found::created);
}

TEST_P(Conformance, WorkersAreKnownByTheirSignsOfLife) {
  const auto workers = [&](milliseconds within) { return loop_.run(ledger_->workers(within)); };
  const auto lives = [&](const std::string& id) { return loop_.run(ledger_->sign_of_life(id)); };
  EXPECT_EQ(workers(hour), 0);
  EXPECT_TRUE(lives("w1"));
  EXPECT_FALSE(lives("w1"));
  EXPECT_TRUE(lives("w2"));
  EXPECT_EQ(workers(hour), 2);
  EXPECT_EQ(workers(none), 0);

  reopen();
  loop_.run(ledger_->recover(at(0)));
  EXPECT_EQ(workers(hour), 0) << "they were of an earlier life";
}

}  // namespace
}  // namespace onetake::ledger
