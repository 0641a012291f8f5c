// Who holds what, seen from one node. What several do to each other: postgres_nodes_test.cpp.

#include <gmock/gmock.h>

#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(Conformance, WhatIsDurableOutlivesItsFile) {
  const auto recording = ready("CA1", "blob-1").recording;
  EXPECT_FALSE(loop_.run(ledger_->made_durable(recording, "blob-0")));
  loop_.run(ledger_->announce_object("blob-1", at(0)));
  ASSERT_TRUE(loop_.run(ledger_->made_durable(recording, "blob-1")));
  ASSERT_TRUE(loop_.run(ledger_->disown(recording, "blob-1")));

  EXPECT_EQ(find("CA1")->state, State::ready);
  EXPECT_EQ(find("CA1")->media, media("blob-1"));
  EXPECT_THAT(loop_.run(ledger_->loose_files(false, 10)), ElementsAre("blob-1")) << "the file is to be unlinked";
  EXPECT_THAT(loop_.run(ledger_->least_played({}, 10)), IsEmpty());
  EXPECT_THAT(loop_.run(ledger_->walk_files({}, 10)).files, IsEmpty());
  EXPECT_FALSE(loop_.run(ledger_->disown(recording, "blob-1"))) << "there is none here";
  EXPECT_EQ(play(pressed("CA1")).found, Found::ready);
}

TEST_P(Conformance, AFileMayComeBack) {
  const auto recording = ready("CA1", "blob-1").recording;
  loop_.run(ledger_->announce_object("blob-1", at(0)));
  ASSERT_TRUE(loop_.run(ledger_->made_durable(recording, "blob-1")));
  ASSERT_TRUE(loop_.run(ledger_->disown(recording, "blob-1")));

  ASSERT_TRUE(loop_.run(ledger_->announce("blob-1")));
  EXPECT_FALSE(loop_.run(ledger_->copied(recording, "blob-0", at(9))));
  EXPECT_TRUE(loop_.run(ledger_->copied(recording, "blob-1", at(9))));
  EXPECT_TRUE(loop_.run(ledger_->copied(recording, "blob-1", at(9)))) << "said again";
  EXPECT_THAT(loop_.run(ledger_->loose_files(true, 10)), IsEmpty());
  const auto files = loop_.run(ledger_->least_played({}, 10));
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(files[0].blob, "blob-1");
  EXPECT_EQ(files[0].played_at, at(9));
}

TEST_P(Conformance, WhatIsPublishedAnewIsNotDurableYet) {
  const auto recording = ready("CA1", "blob-1").recording;
  loop_.run(ledger_->announce_object("blob-1", at(0)));
  ASSERT_TRUE(loop_.run(ledger_->made_durable(recording, "blob-1")));
  put("CA1", source("https://media.example.com/2.wav"));
  ASSERT_TRUE(complete(*play(pressed_and_claimed("CA1")).lease, media("blob-2", 2)));
  EXPECT_FALSE(loop_.run(ledger_->made_durable(recording, "blob-1")));
  EXPECT_FALSE(loop_.run(ledger_->whereabouts({acme, CallSid{"CA1"}, {}}, hour))->durable);
  ASSERT_TRUE(loop_.run(ledger_->disown(recording, "blob-2")));
  EXPECT_EQ(find("CA1")->state, State::remote);
}

TEST_P(Conformance, WhereaboutsFollowTheAudio) {
  const auto where = [&] { return loop_.run(ledger_->whereabouts({acme, CallSid{"CA1"}, {}}, hour)); };
  loop_.run(ledger_->node_lives("http://one", hour));
  EXPECT_FALSE(where());
  const auto recording = put("CA1").recording.id;
  EXPECT_EQ(where()->recording, recording);
  EXPECT_EQ(where()->blob, "");
  EXPECT_THAT(where()->holders, IsEmpty());
  EXPECT_EQ(where()->fetching, "");

  play(pressed("CA1"));
  EXPECT_EQ(where()->fetching, "") << "it is queued";
  const auto lease = claim().at(0).lease;
  EXPECT_EQ(where()->fetching, "") << "by this very node";
  ASSERT_TRUE(complete(lease, media("blob-1")));
  EXPECT_EQ(where()->fetching, "");
  EXPECT_EQ(where()->blob, "blob-1");
  EXPECT_TRUE(where()->here);
  EXPECT_THAT(where()->holders, IsEmpty());
  EXPECT_FALSE(where()->durable);
  EXPECT_FALSE(loop_.run(ledger_->lost(recording, "blob-1", hour))) << "it is here";

  loop_.run(ledger_->announce_object("blob-1", at(0)));
  ASSERT_TRUE(loop_.run(ledger_->made_durable(recording, "blob-1")));
  ASSERT_TRUE(loop_.run(ledger_->disown(recording, "blob-1")));
  EXPECT_FALSE(where()->here);
  EXPECT_TRUE(where()->durable);
  EXPECT_FALSE(loop_.run(ledger_->lost(recording, "blob-1", hour))) << "it is durable";
}

TEST_P(Conformance, RunsAreSeenAsTheyStand) {
  const auto first = claimed("CA1", hour);
  put("CA2");
  play(pressed("CA2"));
  const auto second = find("CA2")->run->id;
  ASSERT_TRUE(progress(first, 10, 20, hour));
  const std::vector<RunId> asked{first.run, RunId{"01a20449-bf24-7000-988c-b50eac8e32f2"}, second};
  const auto seen = loop_.run(ledger_->look_at(asked, hour));
  ASSERT_THAT(seen, SizeIs(2)) << "one of them is no more";
  for (const auto& each : seen) {
    EXPECT_EQ(each.node, "") << "no other has it";
    EXPECT_EQ(each.run.status, each.run.id == first.run ? RunStatus::running : RunStatus::queued);
    EXPECT_EQ(each.run.received_bytes, each.run.id == first.run ? 10 : 0);
  }
}

TEST_P(Conformance, WhatIsHeldIsCounted) {
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), 0);
  const auto lease = ready("CA1", "blob-1");
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), media("blob-1").bytes);
  ASSERT_TRUE(loop_.run(ledger_->disown(lease.recording, "blob-1")));
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), 0);
  ready("CA2", "blob-2");
  loop_.run(ledger_->erase(acme, CallSid{"CA2"}, {}, at(9)));
  ready("CA3", "blob-3");
  put("CA3", source("https://media.example.com/2.wav"));
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), 0) << "erased, replaced";
}

TEST_P(Conformance, CompletingAgainIsTrueWhereThePointerIsOurs) {
  const auto lease = ready("CA1", "blob-1");
  EXPECT_TRUE(complete(lease, media("blob-1"), at(99)));
  EXPECT_EQ(loop_.run(ledger_->run(acme, lease.run))->completed_at, at(5)) << "nothing was written";
  EXPECT_EQ(counts().runs[RunStatus::completed], 1);
  EXPECT_FALSE(complete(lease, media("blob-2")));
  auto newer = lease;
  ++newer.token;
  EXPECT_FALSE(complete(newer, media("blob-1")));
  ASSERT_TRUE(loop_.run(ledger_->disown(lease.recording, "blob-1")));
  EXPECT_FALSE(complete(lease, media("blob-1"))) << "the pointer has gone since";
}

TEST_P(Conformance, APressIsClaimedOnlyWhereItsTenantMayHaveOneMore) {
  for (const std::string call : {"CA1", "CA2", "CA3"}) put(call);
  const auto limited = [&](const std::string& call) {
    auto press = pressed_and_claimed(call);
    press.per_tenant = 2;
    return play(press);
  };
  EXPECT_TRUE(limited("CA1").lease);
  EXPECT_TRUE(limited("CA2").lease);
  const auto third = limited("CA3");
  EXPECT_EQ(third.found, Found::created);
  EXPECT_FALSE(third.lease);
  EXPECT_EQ(third.recording.run->status, RunStatus::queued);
  EXPECT_EQ(find("CA3")->run->due_at, at(0));
}

}  // namespace
}  // namespace onetake::ledger
