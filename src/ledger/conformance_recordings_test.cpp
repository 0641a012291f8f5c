#include <gmock/gmock.h>

#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::UnorderedElementsAre;

TEST_P(Conformance, PutRegistersOnceAndReplacesAfterwards) {
  const auto first = put("CA1");
  auto changed = source();
  changed.to = "+4930123";
  const auto second = put("CA1", changed, at(50));

  EXPECT_TRUE(first.created);
  EXPECT_FALSE(second.created);
  EXPECT_EQ(second.recording.id, first.recording.id);
  EXPECT_EQ(second.recording.registered, changed);
  const auto found = find("CA1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->registered, changed);
  EXPECT_EQ(found->registered_at, at(0));
  EXPECT_EQ(found->state, State::remote);
  EXPECT_EQ(found->cycle, 0);
  EXPECT_FALSE(found->run);
  EXPECT_FALSE(found->media);
}

TEST_P(Conformance, WhatWasRegisteredComesBackByteForByte) {
  Registration all;
  all.provider = "main";
  all.source_url = "https://media.example.com/a?b='\"\\";
  all.source_key = "2026/11/a b.wav";
  all.recording_sid = "RE1";
  all.parent_call_sid = "CA0";
  all.from = "+972501234567";
  all.to = "sip:אני@example.com";
  all.direction = "inbound";
  all.started_at = at(-1);
  all.duration_seconds = 61.25;
  all.channels = 2;
  all.format = "mulaw";
  all.labels = {{"agent", "דנה"}, {"quote\"", "line\nbreak"}, {"", ""}};
  put("CA1", all);
  reopen();

  const auto found = find("CA1", "RE1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->registered, all);
  EXPECT_EQ(found->tenant, acme);
  EXPECT_EQ(found->call_sid, CallSid{"CA1"});
}

TEST_P(Conformance, ACallSidAloneMeansTheFirstRegistered) {
  auto second = source();
  second.recording_sid = "RE-a";  // sorts before the first one's, and does not matter
  auto first = source();
  first.recording_sid = "RE-b";
  const auto b = put("CA1", first);
  const auto a = put("CA1", second);

  EXPECT_NE(a.recording.id, b.recording.id);
  EXPECT_EQ(find("CA1")->id, b.recording.id);
  EXPECT_EQ(find("CA1", "RE-a")->id, a.recording.id);
  EXPECT_EQ(find("CA1", "RE-b")->id, b.recording.id);
  EXPECT_FALSE(find("CA1", "RE-c"));
  EXPECT_FALSE(find("CA1", ""));
}

TEST_P(Conformance, CallSidsAreCaseSensitive) {
  put("CAx");
  EXPECT_FALSE(find("cax"));
  EXPECT_TRUE(put("cax").created);
}

TEST_P(Conformance, AnotherTenantsRecordingDoesNotExist) {
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1")).lease.value();

  EXPECT_FALSE(loop_.run(ledger_->find({other, CallSid{"CA1"}, {}})));
  auto theirs = pressed("CA1");
  theirs.key.tenant = other;
  EXPECT_EQ(play(theirs).found, Found::nothing);
  EXPECT_FALSE(loop_.run(ledger_->run(other, lease.run)));
  EXPECT_THAT(loop_.run(ledger_->runs({.tenant = other}))->items, IsEmpty());
  EXPECT_THAT(loop_.run(ledger_->list({.tenant = other}))->items, IsEmpty());
  EXPECT_THAT(loop_.run(ledger_->erase(other, CallSid{"CA1"}, {}, at(1))).recordings, IsEmpty());
  EXPECT_TRUE(find("CA1"));
}

TEST_P(Conformance, PutWithTheSameSourceKeepsRunAndAudio) {
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1")).lease.value();
  auto labelled = source();
  labelled.labels = {{"a", "b"}};
  const auto fetching = put("CA1", labelled);
  EXPECT_EQ(fetching.recording.state, State::fetching);
  EXPECT_THAT(fetching.leftovers.recordings, IsEmpty());
  EXPECT_THAT(fetching.leftovers.runs, IsEmpty());

  ASSERT_TRUE(complete(lease, media("blob-1")));
  const auto ready = put("CA1", source());
  EXPECT_EQ(ready.recording.state, State::ready);
  EXPECT_THAT(ready.recording.media, Optional(media("blob-1")));
  EXPECT_THAT(ready.leftovers.blobs, IsEmpty());
}

TEST_P(Conformance, PutWithAnotherSourceCancelsTheRun) {
  put("CA1");
  const auto admission = play(pressed_and_claimed("CA1"));
  const auto changed = put("CA1", source("https://media.example.com/2.wav"), at(9));

  EXPECT_FALSE(changed.created);
  EXPECT_EQ(changed.recording.id, admission.recording.id);
  EXPECT_EQ(changed.recording.state, State::remote);
  EXPECT_THAT(changed.leftovers.runs, ElementsAre(admission.lease->run));
  const auto run = loop_.run(ledger_->run(acme, admission.lease->run));
  EXPECT_EQ(run->status, RunStatus::cancelled);
  EXPECT_EQ(run->completed_at, at(9));
  EXPECT_FALSE(complete(*admission.lease, media("blob-1")));
  EXPECT_FALSE(find("CA1")->media);

  const auto again = play(pressed("CA1"));
  EXPECT_EQ(again.found, Found::created);
  EXPECT_EQ(again.recording.cycle, 2);
}

TEST_P(Conformance, PutWithAnotherSourceDropsTheAudio) {
  ready("CA1", "blob-1");
  for (const auto& change : {source("https://media.example.com/2.wav"), [] {
                               auto r = source("https://media.example.com/2.wav");
                               r.provider = "second";
                               return r;
                             }()}) {
    const auto changed = put("CA1", change);
    EXPECT_EQ(changed.recording.state, State::remote);
    EXPECT_FALSE(changed.recording.media);
    EXPECT_FALSE(find("CA1")->media);
    EXPECT_THAT(changed.leftovers.runs, IsEmpty());
  }
}

TEST_P(Conformance, PutWithAnotherSourceSaysWhichFileNothingPointsTo) {
  ready("CA1", "blob-1");
  const auto changed = put("CA1", source("https://media.example.com/2.wav"));
  EXPECT_THAT(changed.leftovers.blobs, ElementsAre("blob-1"));
  EXPECT_THAT(changed.leftovers.recordings, ElementsAre(Dropped{changed.recording.id, changed.recording.cycle}));
  EXPECT_EQ(counts().published_bytes, 0u);
}

TEST_P(Conformance, PutWithAnotherSourceForgetsFailureGoneAndAge) {
  put("CA-failed");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA-failed")).lease, Cause::unauthorized));
  put("CA-gone");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA-gone")).lease, Cause::gone));
  put("CA-old");

  for (const std::string call : {"CA-failed", "CA-gone", "CA-old"}) {
    put(call, source("https://media.example.com/2.wav"), at(100));
    auto press = pressed(call, at(110));
    press.failure_cooldown = milliseconds{1000};
    press.retention = milliseconds{50};
    EXPECT_EQ(play(press).found, Found::created) << call;
  }
}

TEST_P(Conformance, PutWithTheSameSourceKeepsAFailure) {
  put("CA1");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1")).lease, Cause::unauthorized));
  EXPECT_EQ(put("CA1").recording.state, State::failed);
}

TEST_P(Conformance, EraseLeavesNothingButATombstone) {
  auto second = source();
  second.recording_sid = "RE2";
  const auto done = ready("CA1", "blob-1");
  put("CA1", second);
  auto press = pressed_and_claimed("CA1");
  press.key.recording_sid = "RE2";
  const auto running = play(press).lease.value();
  put("CA2");

  const auto left = loop_.run(ledger_->erase(acme, CallSid{"CA1"}, std::nullopt, at(9)));
  EXPECT_THAT(left.recordings, UnorderedElementsAre(Dropped{done.recording, 1}, Dropped{running.recording, 1}));
  EXPECT_THAT(left.runs, ElementsAre(running.run));
  EXPECT_THAT(left.blobs, ElementsAre("blob-1"));

  EXPECT_FALSE(find("CA1"));
  EXPECT_FALSE(loop_.run(ledger_->run(acme, done.run)));
  EXPECT_FALSE(loop_.run(ledger_->run(acme, running.run)));
  EXPECT_FALSE(progress(running, 1, 2));
  EXPECT_FALSE(complete(running, media("blob-2")));
  EXPECT_TRUE(find("CA2"));
  EXPECT_EQ(counts().runs[RunStatus::completed], 0);
  EXPECT_EQ(counts().runs[RunStatus::running], 0);
  EXPECT_EQ(counts().published_bytes, 0u);
  const auto stones = loop_.run(ledger_->query("SELECT tenant, length(call_sid_hmac), erased_at FROM tombstone"));
  ASSERT_TRUE(stones);
  EXPECT_THAT(stones->rows, ElementsAre(ElementsAre(Optional(std::string{"acme"}), Optional(std::string{"64"}),
                                                    Optional(std::to_string(at(9).time_since_epoch().count())))));
}

TEST_P(Conformance, EraseOfOneRecordingKeepsTheOthersOfItsCall) {
  auto second = source();
  second.recording_sid = "RE2";
  const auto first = put("CA1").recording.id;
  const auto erased = put("CA1", second).recording.id;

  const auto left = loop_.run(ledger_->erase(acme, CallSid{"CA1"}, "RE2", at(9)));
  EXPECT_THAT(left.recordings, ElementsAre(Dropped{erased, 0}));
  EXPECT_EQ(find("CA1")->id, first);
  EXPECT_FALSE(find("CA1", "RE2"));
}

TEST_P(Conformance, EraseOfNothingLeavesNoTombstone) {
  const auto left = loop_.run(ledger_->erase(acme, CallSid{"CA1"}, std::nullopt, at(9)));
  EXPECT_THAT(left.recordings, IsEmpty());
  EXPECT_THAT(loop_.run(ledger_->query("SELECT 1 FROM tombstone"))->rows, IsEmpty());
}

TEST_P(Conformance, AfterEraseOnlyPutRegistersAgainUnderANewId) {
  const auto old = put("CA1").recording.id;
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, std::nullopt, at(9)));
  EXPECT_EQ(play(pressed("CA1")).found, Found::nothing);

  const auto again = put("CA1");
  EXPECT_TRUE(again.created);
  EXPECT_NE(again.recording.id, old);
  EXPECT_EQ(again.recording.cycle, 0);
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, std::nullopt, at(10)));  // the tombstone is there already
}

TEST_P(Conformance, DisownTakesThePointerOnlyWhereItStillPoints) {
  const auto lease = ready("CA1", "blob-1");
  EXPECT_FALSE(loop_.run(ledger_->disown(lease.recording, "blob-0")));
  EXPECT_EQ(find("CA1")->state, State::ready);

  EXPECT_TRUE(loop_.run(ledger_->disown(lease.recording, "blob-1")));
  EXPECT_EQ(find("CA1")->state, State::remote);
  EXPECT_FALSE(find("CA1")->media);
  EXPECT_FALSE(loop_.run(ledger_->disown(lease.recording, "blob-1")));
  const auto again = play(pressed("CA1"));
  EXPECT_EQ(again.found, Found::created);
  EXPECT_EQ(again.recording.cycle, 2);
}

}  // namespace
}  // namespace onetake::ledger
