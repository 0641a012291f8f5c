// Cancelling, and trying again.

#include <gmock/gmock.h>

#include "ledger/admission.hpp"
#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t window = milliseconds{retry_window}.count();

TEST_P(Conformance, CancelEndsWhatWaitsAndWhatRuns) {
  for (const bool claimed : {false, true}) {
    const std::string call = claimed ? "CA-running" : "CA-queued";
    put(call);
    const auto admission = play(claimed ? pressed_and_claimed(call) : pressed(call));
    const auto id = admission.recording.run->id;

    const auto cancelled = cancel(id, at(7));

    ASSERT_TRUE(cancelled.run);
    EXPECT_EQ(cancelled.run->status, RunStatus::cancelled);
    EXPECT_EQ(cancelled.run->completed_at, at(7));
    EXPECT_THAT(cancelled.leftovers.runs, ElementsAre(id));
    EXPECT_THAT(cancelled.leftovers.recordings,
                ElementsAre(Dropped{admission.recording.id, admission.recording.cycle}));
    EXPECT_THAT(cancelled.leftovers.blobs, IsEmpty());
    const auto found = find(call).value();
    EXPECT_EQ(found.state, State::remote);
    EXPECT_EQ(found.run->status, RunStatus::cancelled);
    EXPECT_EQ(found.run->completed_at, at(7));
    EXPECT_THAT(claim(), IsEmpty());
    if (claimed) EXPECT_FALSE(complete(*admission.lease, media("late")));
  }
  EXPECT_EQ(counts().runs[RunStatus::cancelled], 2);
}

TEST_P(Conformance, AfterACancelOnlyAPressBeginsAnotherCycle) {
  put("CA1");
  cancel(play(pressed("CA1")).recording.run->id);

  auto look = pressed("CA1");
  look.explicit_action = false;
  EXPECT_EQ(play(look).found, Found::cold);
  const auto again = play(pressed("CA1", at(8)));
  EXPECT_EQ(again.found, Found::created);
  EXPECT_EQ(again.recording.cycle, 2);
}

TEST_P(Conformance, WhatHasEndedIsNotCancelled) {
  const auto done = ready("CA1").run;
  const auto first = cancel(done);
  ASSERT_TRUE(first.run);
  EXPECT_EQ(first.run->status, RunStatus::completed);
  EXPECT_THAT(first.leftovers.runs, IsEmpty());
  EXPECT_THAT(first.leftovers.recordings, IsEmpty());
  EXPECT_EQ(find("CA1")->state, State::ready);

  put("CA2");
  const auto run = play(pressed("CA2")).recording.run->id;
  cancel(run, at(7));
  const auto twice = cancel(run, at(9));
  EXPECT_EQ(twice.run->completed_at, at(7));
  EXPECT_THAT(twice.leftovers.runs, IsEmpty());
}

TEST_P(Conformance, AnotherTenantCancelsNothing) {
  put("CA1");
  const auto run = play(pressed("CA1")).recording.run->id;
  EXPECT_FALSE(cancel(run, at(7), other).run);
  EXPECT_FALSE(cancel(RunId{"none"}).run);
  EXPECT_EQ(find("CA1")->run->status, RunStatus::queued);
}

TEST_P(Conformance, ARetryDoesNotWaitForAFailureToCoolDown) {
  put("CA1");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1")).lease, Cause::forbidden, at(10)));
  auto press = pressed("CA1", at(11));
  press.failure_cooldown = milliseconds{1000};
  ASSERT_EQ(play(press).found, Found::cooling_down);

  press.asked_by = AskedBy::retry;
  const auto again = play(press);
  EXPECT_EQ(again.found, Found::created);
  EXPECT_EQ(again.recording.cycle, 2);
  EXPECT_EQ(again.recording.state, State::fetching);
}

TEST_P(Conformance, ARetryTakesGoneAtTheProviderForAFailure) {
  put("CA1");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1")).lease, Cause::gone));
  EXPECT_EQ(play(pressed("CA1", at(100))).found, Found::gone);
  EXPECT_EQ(play(retried("CA1", at(100))).found, Found::created);
  EXPECT_EQ(find("CA1")->state, State::fetching);
}

TEST_P(Conformance, ARetryBringsNothingBackThatRetentionTook) {
  ready("CA-ready");
  put("CA-failed");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA-failed")).lease, Cause::forbidden));
  put("CA-gone");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA-gone")).lease, Cause::gone));
  for (const std::string call : {"CA-ready", "CA-failed", "CA-gone"}) {
    auto late = retried(call, at(1000));
    late.retention = milliseconds{1000};
    EXPECT_EQ(play(late).found, Found::gone) << "before the sweep: " << call;
  }
  EXPECT_THAT(loop_.run(ledger_->retire(milliseconds{1000}, 10, at(1000))), SizeIs(2));
  EXPECT_EQ(play(retried("CA-ready", at(1001))).found, Found::gone);
  EXPECT_EQ(play(retried("CA-failed", at(1001))).found, Found::gone);
}

TEST_P(Conformance, ARetryWhileFetchingJoinsAndWhenReadyIsAnswered) {
  put("CA1");
  const auto first = play(pressed_and_claimed("CA1"));
  const auto joined = play(retried("CA1", at(1)));
  EXPECT_EQ(joined.found, Found::fetching);
  EXPECT_EQ(joined.recording.run->id, first.recording.run->id);
  ASSERT_TRUE(complete(*first.lease, media("blob-1")));
  EXPECT_EQ(play(retried("CA1", at(2))).found, Found::ready);
}

TEST_P(Conformance, ThreeRetriesInTenMinutesToTheMillisecond) {
  put("CA1");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1")).lease, Cause::forbidden));
  const auto again = [&](std::int64_t now) {
    auto press = retried("CA1", at(now));
    press.claim = true;
    const auto admission = play(press);
    if (admission.lease) EXPECT_TRUE(fail(*admission.lease, Cause::forbidden, at(now)));
    return admission;
  };
  for (const std::int64_t now : {100, 200, 300}) EXPECT_EQ(again(now).found, Found::created) << now;

  const auto fourth = again(400);
  EXPECT_EQ(fourth.found, Found::too_many_retries);
  EXPECT_EQ(fourth.retry_at, at(100 + window));
  EXPECT_EQ(find("CA1")->state, State::failed);
  EXPECT_EQ(find("CA1")->cycle, 4);
  EXPECT_EQ(again(99 + window).found, Found::too_many_retries);
  EXPECT_EQ(again(100 + window).found, Found::created);
  EXPECT_EQ(again(101 + window).retry_at, at(200 + window));
}

TEST_P(Conformance, OnlyRetriesCountAsRetries) {
  put("CA1");
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1", at(i))).lease, Cause::forbidden, at(i)));
  put("CA2");
  for (int i = 0; i < 5; ++i) {  // nothing has failed: a retry begins what any fetch would
    auto cold = retried("CA2", at(i));
    cold.claim = true;
    cancel(play(cold).recording.run->id);
  }
  for (const std::string call : {"CA1", "CA2"}) {
    const auto admission = play(retried(call, at(10)));
    EXPECT_EQ(admission.found, Found::created) << call;
  }
  const auto asked = loop_.run(ledger_->query("SELECT asked_by, count(*) FROM run GROUP BY asked_by ORDER BY 1"));
  ASSERT_TRUE(asked);
  EXPECT_THAT(asked->rows, ElementsAre(ElementsAre("fetch", "6"), ElementsAre("play", "5"), ElementsAre("retry", "1")));
}

}  // namespace
}  // namespace onetake::ledger
