#include <gmock/gmock.h>

#include <deque>
#include <set>

#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(Conformance, PlayOfNothingFindsNothing) {
  EXPECT_EQ(play(pressed("CA1")).found, Found::nothing);
  put("CA1");
  auto another = pressed("CA1");
  another.key.recording_sid = "RE1";
  EXPECT_EQ(play(another).found, Found::nothing);
}

TEST_P(Conformance, NothingStartsUnlessSomebodyMeantIt) {
  put("CA1");
  auto prefetch = pressed("CA1");
  prefetch.explicit_action = false;
  EXPECT_EQ(play(prefetch).found, Found::cold);
  EXPECT_EQ(find("CA1")->state, State::remote);
  EXPECT_EQ(find("CA1")->cycle, 0);
  EXPECT_FALSE(find("CA1")->run);
}

TEST_P(Conformance, PlayCreatesAQueuedRun) {
  put("CA1");
  auto press = pressed("CA1", at(3));
  press.max_attempts = 7;
  const auto admission = play(press);

  EXPECT_EQ(admission.found, Found::created);
  EXPECT_FALSE(admission.lease);
  const auto found = find("CA1");
  EXPECT_EQ(found->state, State::fetching);
  EXPECT_EQ(found->cycle, 1);
  ASSERT_TRUE(found->run);
  const auto& run = *found->run;
  EXPECT_EQ(run.id, admission.recording.run->id);
  EXPECT_EQ(run.recording, found->id);
  EXPECT_EQ(run.call_sid, CallSid{"CA1"});
  EXPECT_EQ(run.job_type, "fetch");
  EXPECT_EQ(run.cycle, 1);
  EXPECT_EQ(run.status, RunStatus::queued);
  EXPECT_EQ(run.reason, Reason::queued);
  EXPECT_EQ(run.attempt, 0);
  EXPECT_EQ(run.max_attempts, 7);
  EXPECT_EQ(run.token, 0);
  EXPECT_EQ(run.created_at, at(3));
  EXPECT_FALSE(run.started_at);
  EXPECT_FALSE(run.completed_at);
  EXPECT_FALSE(run.setback);
}

TEST_P(Conformance, PlayWithAFreeSlotClaimsWhatItCreates) {
  put("CA1");
  const auto admission = play(pressed_and_claimed("CA1", at(3)));

  EXPECT_EQ(admission.found, Found::created);
  ASSERT_TRUE(admission.lease);
  EXPECT_EQ(admission.lease->run, admission.recording.run->id);
  EXPECT_EQ(admission.lease->recording, admission.recording.id);
  const auto run = find("CA1")->run.value();
  EXPECT_EQ(run.status, RunStatus::running);
  EXPECT_EQ(run.token, admission.lease->token);
  EXPECT_EQ(run.attempt, 1);
  EXPECT_EQ(run.started_at, at(3));
  EXPECT_THAT(claim(), IsEmpty());
}

TEST_P(Conformance, PlayWhileFetchingJoins) {
  put("CA1");
  const auto first = play(pressed("CA1"));
  auto prefetch = pressed_and_claimed("CA1");
  prefetch.explicit_action = false;
  for (const auto& press : {pressed("CA1"), pressed_and_claimed("CA1"), prefetch}) {
    const auto joined = play(press);
    EXPECT_EQ(joined.found, Found::fetching);
    EXPECT_EQ(joined.recording.run->id, first.recording.run->id);
    EXPECT_FALSE(joined.lease);
  }
}

TEST_P(Conformance, PlayWhenReadyHasTheMedia) {
  ready("CA1", "blob-1");
  auto prefetch = pressed("CA1");
  prefetch.explicit_action = false;
  for (const auto& press : {pressed("CA1"), prefetch}) {
    const auto admission = play(press);
    EXPECT_EQ(admission.found, Found::ready);
    EXPECT_EQ(admission.recording.media, media("blob-1"));
  }
}

// The guarantee of the house, from any number of loops.
TEST_P(Conformance, ConcurrentPlaysOfOneRecordingCreateOneRun) {
  constexpr int recordings = 20;
  constexpr int plays_a_loop = 25;
  for (int i = 0; i < recordings; ++i) put("CA" + std::to_string(i));

  std::deque<TestLoop> loops(4);
  for (int i = 0; i < recordings; ++i) {
    std::vector<std::future<Admission>> answers;
    for (int n = 0; n < plays_a_loop; ++n) {
      for (auto& loop : loops) {
        auto press = pressed("CA" + std::to_string(i));
        press.claim = n % 2 == 0;
        answers.push_back(loop.start(ledger_->play(press)));
      }
    }
    int created = 0;
    std::set<RunId> runs;
    for (auto& answer : answers) {
      const auto admission = answer.get();
      created += admission.found == Found::created ? 1 : 0;
      if (admission.found != Found::created) EXPECT_EQ(admission.found, Found::fetching);
      runs.insert(admission.recording.run->id);
    }
    EXPECT_EQ(created, 1);
    EXPECT_THAT(runs, SizeIs(1));
  }
  EXPECT_EQ(counts().runs[RunStatus::queued] + counts().runs[RunStatus::running], recordings);
  EXPECT_EQ(counts().duplicate_runs, 0);
}

TEST_P(Conformance, AFailureCoolsDownToTheMillisecond) {
  put("CA1");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1")).lease, Cause::unauthorized, at(1000)));
  auto press = pressed("CA1", at(1029));
  press.failure_cooldown = milliseconds{30};

  const auto cooling = play(press);
  EXPECT_EQ(cooling.found, Found::cooling_down);
  EXPECT_EQ(cooling.retry_at, at(1030));
  ASSERT_TRUE(cooling.recording.run->setback);
  EXPECT_EQ(cooling.recording.run->setback->cause, Cause::unauthorized);
  EXPECT_EQ(cooling.recording.run->setback->detail, "why");
  EXPECT_EQ(cooling.recording.run->setback->provider_status, 418);

  press.now = at(1030);
  press.explicit_action = false;
  EXPECT_EQ(play(press).found, Found::cold);
  press.explicit_action = true;
  const auto again = play(press);
  EXPECT_EQ(again.found, Found::created);
  EXPECT_EQ(again.recording.cycle, 2);
  EXPECT_FALSE(again.recording.run->setback);
}

TEST_P(Conformance, WhatTheProviderHasDeletedIsGone) {
  put("CA1");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1")).lease, Cause::gone));
  EXPECT_EQ(find("CA1")->state, State::gone);
  EXPECT_EQ(play(pressed("CA1", at(1'000'000'000))).found, Found::gone);
}

TEST_P(Conformance, RetentionCountsFromTheCallElseFromItsRegistration) {
  put("CA-registered", source(), at(0));
  auto dated = source();
  dated.started_at = at(-100);
  put("CA-dated", dated, at(0));
  ready("CA-ready");

  const auto found = [&](const std::string& call, std::int64_t now) {
    auto press = pressed(call, at(now));
    press.explicit_action = false;
    press.retention = milliseconds{1000};
    return play(press).found;
  };
  EXPECT_EQ(found("CA-registered", 999), Found::cold);
  EXPECT_EQ(found("CA-registered", 1000), Found::gone);
  EXPECT_EQ(found("CA-dated", 899), Found::cold);
  EXPECT_EQ(found("CA-dated", 900), Found::gone);
  EXPECT_EQ(found("CA-ready", 999), Found::ready);
  EXPECT_EQ(found("CA-ready", 1000), Found::gone);
}

TEST_P(Conformance, ClaimsTheOldestFirst) {
  for (const std::string call : {"CA1", "CA2", "CA3"}) put(call);
  play(pressed("CA2", at(1)));
  play(pressed("CA3", at(2)));
  play(pressed("CA1", at(3)));

  EXPECT_THAT(calls(claim(2, at(10))), ElementsAre("CA2", "CA3"));
  EXPECT_THAT(calls(claim(2, at(10))), ElementsAre("CA1"));
  EXPECT_THAT(claim(2, at(10)), IsEmpty());
}

TEST_P(Conformance, AClaimHasAllThatAWorkerNeeds) {
  auto r = source();
  r.labels = {{"a", "b"}};
  const auto id = put("CA1", r).recording.id;
  play(pressed("CA1", at(1)));

  const auto claimed = claim(1, at(2));
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].recording.id, id);
  EXPECT_EQ(claimed[0].recording.registered, r);
  EXPECT_EQ(claimed[0].recording.state, State::fetching);
  const auto& run = claimed[0].recording.run.value();
  EXPECT_EQ(run.status, RunStatus::running);
  EXPECT_EQ(run.attempt, 1);
  EXPECT_EQ(run.started_at, at(2));
  EXPECT_EQ(run.token, 1);
  EXPECT_EQ(claimed[0].lease.run, run.id);
  EXPECT_EQ(claimed[0].lease.recording, id);
  EXPECT_EQ(claimed[0].lease.token, run.token);
}

TEST_P(Conformance, ClaimsAtMostSoManyOfATenant) {
  for (int i = 0; i < 4; ++i) {
    put("CA" + std::to_string(i));
    play(pressed("CA" + std::to_string(i), at(i)));
  }
  theirs("CB", at(100));

  const auto first = claim(10, at(200), 2);
  EXPECT_THAT(calls(first), ElementsAre("CA0", "CB", "CA1"));
  EXPECT_THAT(claim(10, at(200), 2), IsEmpty());
  ASSERT_TRUE(complete(first[0].lease, media("blob-1")));
  EXPECT_THAT(calls(claim(10, at(200), 2)), ElementsAre("CA2"));
}

TEST_P(Conformance, ClaimsOnlyWhatIsDue) {
  put("CA1");
  EXPECT_FALSE(next_due(at(0)));
  play(pressed("CA1", at(1)));
  EXPECT_EQ(next_due(at(0)), at(1));
  EXPECT_FALSE(next_due(at(1))) << "it is due: what keeps it waiting is no matter of time";
  const auto lease = claim(1, at(2)).at(0).lease;
  EXPECT_FALSE(next_due(at(0)));

  ASSERT_TRUE(retry(lease, true, at(50)));
  EXPECT_EQ(next_due(at(2)), at(50));
  EXPECT_THAT(claim(1, at(49)), IsEmpty());
  EXPECT_THAT(claim(1, at(50)), SizeIs(1));
}

TEST_P(Conformance, ARetryKeepsTheRowAndSaysWhy) {
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1", at(1))).lease.value();
  ASSERT_TRUE(progress(lease, 10, 100));
  ASSERT_TRUE(retry(lease, true, at(50)));

  const auto waiting = find("CA1").value();
  EXPECT_EQ(waiting.state, State::fetching);
  EXPECT_EQ(waiting.cycle, 1);
  EXPECT_EQ(waiting.run->id, lease.run);
  EXPECT_EQ(waiting.run->status, RunStatus::queued);
  EXPECT_EQ(waiting.run->reason, Reason::retrying);
  EXPECT_EQ(waiting.run->due_at, at(50));
  EXPECT_EQ(waiting.run->received_bytes, 10u);
  ASSERT_TRUE(waiting.run->setback);
  EXPECT_EQ(waiting.run->setback->cause, Cause::unavailable);
  EXPECT_EQ(waiting.run->setback->detail, "why");
  EXPECT_EQ(waiting.run->setback->provider_status, 503);
  EXPECT_EQ(play(pressed("CA1", at(20))).found, Found::fetching);

  const auto again = claim(1, at(60)).at(0);
  EXPECT_EQ(again.lease.run, lease.run);
  EXPECT_GT(again.lease.token, lease.token);
  EXPECT_EQ(again.recording.run->started_at, at(1));
}

TEST_P(Conformance, OnlyAttemptsThatCountAreCounted) {
  put("CA1");
  auto lease = play(pressed_and_claimed("CA1")).lease.value();
  const auto attempt = [&] { return find("CA1")->run->attempt; };
  EXPECT_EQ(attempt(), 1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(retry(lease, false));
    EXPECT_EQ(attempt(), 0);
    EXPECT_EQ(find("CA1")->run->reason, Reason::not_ready);
    lease = claim(1, at(10)).at(0).lease;
    EXPECT_EQ(attempt(), 1);
  }
  ASSERT_TRUE(retry(lease, true));
  EXPECT_EQ(attempt(), 1);
  claim(1, at(10));
  EXPECT_EQ(attempt(), 2);
}

TEST_P(Conformance, ProgressIsSeen) {
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1")).lease.value();
  EXPECT_TRUE(progress(lease, 10, std::nullopt));
  EXPECT_EQ(find("CA1")->run->received_bytes, 10u);
  EXPECT_FALSE(find("CA1")->run->total_bytes);
  EXPECT_TRUE(progress(lease, 20, 5'000'000'000));
  EXPECT_EQ(find("CA1")->run->received_bytes, 20u);
  EXPECT_EQ(find("CA1")->run->total_bytes, 5'000'000'000u);
}

TEST_P(Conformance, CompletionPublishes) {
  const auto lease = ready("CA1", "blob-1");
  const auto found = find("CA1").value();
  EXPECT_EQ(found.state, State::ready);
  EXPECT_EQ(found.media, media("blob-1"));
  EXPECT_EQ(found.run->id, lease.run);
  EXPECT_EQ(found.run->status, RunStatus::completed);
  EXPECT_EQ(found.run->received_bytes, 1000u);
  EXPECT_EQ(found.run->total_bytes, 1000u);
  EXPECT_EQ(found.run->completed_at, at(5));
  EXPECT_EQ(counts().published_bytes, 1000u);
}

TEST_P(Conformance, MediaWithoutDurationChannelsAndCodecStaySo) {
  put("CA1");
  auto bare = media("blob-1");
  bare.duration_seconds.reset();
  bare.channels.reset();
  bare.codec.clear();
  ASSERT_TRUE(complete(*play(pressed_and_claimed("CA1")).lease, bare));
  EXPECT_EQ(find("CA1")->media, bare);
}

TEST_P(Conformance, AStaleTokenWritesNothing) {
  put("CA1");
  const auto stale = play(pressed_and_claimed("CA1")).lease.value();
  ASSERT_TRUE(retry(stale, true, at(0)));
  const auto held = claim().at(0).lease;
  const auto before = find("CA1")->run.value();

  EXPECT_FALSE(progress(stale, 999, 999));
  EXPECT_FALSE(retry(stale, true));
  EXPECT_FALSE(fail(stale, Cause::gone));
  EXPECT_FALSE(complete(stale, media("stale")));

  const auto after = find("CA1").value();
  EXPECT_EQ(after.state, State::fetching);
  EXPECT_FALSE(after.media);
  EXPECT_EQ(after.run->status, RunStatus::running);
  EXPECT_EQ(after.run->token, held.token);
  EXPECT_EQ(after.run->received_bytes, before.received_bytes);
  EXPECT_EQ(after.run->attempt, before.attempt);
  EXPECT_TRUE(complete(held, media("blob-1")));
}

TEST_P(Conformance, AQueuedRunIsNobodys) {
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1")).lease.value();
  ASSERT_TRUE(retry(lease, true));
  EXPECT_FALSE(complete(lease, media("blob-1")));
  EXPECT_FALSE(fail(lease, Cause::internal));
  EXPECT_FALSE(progress(lease, 1, 1));
  EXPECT_EQ(find("CA1")->run->status, RunStatus::queued);
}

TEST_P(Conformance, WhatHasEndedStaysEnded) {
  const auto done = ready("CA-done");
  put("CA-failed");
  const auto lost = play(pressed_and_claimed("CA-failed")).lease.value();
  ASSERT_TRUE(fail(lost, Cause::unauthorized));

  for (const auto& lease : {done, lost}) {
    const auto before = loop_.run(ledger_->run(acme, lease.run)).value();
    EXPECT_FALSE(complete(lease, media("again")));
    EXPECT_FALSE(fail(lease, Cause::gone));
    EXPECT_FALSE(retry(lease, false));
    EXPECT_FALSE(progress(lease, 1, 1));
    const auto after = loop_.run(ledger_->run(acme, lease.run)).value();
    EXPECT_EQ(after.status, before.status);
    EXPECT_EQ(after.completed_at, before.completed_at);
    EXPECT_EQ(after.received_bytes, before.received_bytes);
  }
  EXPECT_EQ(find("CA-done")->media->blob, "blob-1");
  EXPECT_EQ(find("CA-failed")->state, State::failed);
}

TEST_P(Conformance, NoLeaseOutlivesTheProcess) {
  for (const std::string call : {"CA1", "CA2"}) put(call);
  const auto old = play(pressed_and_claimed("CA1")).lease.value();
  play(pressed("CA2", at(1)));
  ready("CA3");
  reopen();

  EXPECT_EQ(loop_.run(ledger_->recover(at(100))), 1);
  const auto run = find("CA1")->run.value();
  EXPECT_EQ(run.status, RunStatus::queued);
  EXPECT_EQ(run.attempt, 0);
  EXPECT_EQ(find("CA1")->state, State::fetching);
  EXPECT_FALSE(complete(old, media("stale")));
  EXPECT_EQ(find("CA3")->state, State::ready);
  EXPECT_THAT(calls(claim(10, at(100))), ElementsAre("CA2", "CA1"));
  EXPECT_EQ(loop_.run(ledger_->recover(at(100))), 2);
}

TEST_P(Conformance, WhatWasAnsweredIsThereAfterwards) {
  const auto done = ready("CA1", "blob-1");
  put("CA2");
  const auto queued = play(pressed("CA2")).recording.run->id;
  reopen();

  EXPECT_EQ(find("CA1")->media, media("blob-1"));
  EXPECT_EQ(find("CA1")->run->id, done.run);
  EXPECT_EQ(find("CA2")->run->id, queued);
  EXPECT_EQ(play(pressed("CA2")).found, Found::fetching);
  EXPECT_EQ(counts().runs[RunStatus::completed], 1);
}

TEST_P(Conformance, CountsWhatThereIs) {
  ready("CA1");
  for (const std::string call : {"CA2", "CA3", "CA4", "CA5"}) put(call);
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA2")).lease, Cause::forbidden));
  play(pressed_and_claimed("CA3"));
  play(pressed("CA4"));
  play(pressed("CA5"));
  put("CA5", source("https://media.example.com/2.wav"));

  auto found = counts();
  EXPECT_EQ(found.runs[RunStatus::completed], 1);
  EXPECT_EQ(found.runs[RunStatus::failed], 1);
  EXPECT_EQ(found.runs[RunStatus::running], 1);
  EXPECT_EQ(found.runs[RunStatus::queued], 1);
  EXPECT_EQ(found.runs[RunStatus::cancelled], 1);
  EXPECT_EQ(found.duplicate_runs, 0);
  EXPECT_EQ(found.published_bytes, 1000u);
}

}  // namespace
}  // namespace onetake::ledger
