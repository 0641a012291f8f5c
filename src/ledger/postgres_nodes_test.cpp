// Two nodes of one database: what is one's own, and who holds what.

#include <gmock/gmock.h>

#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const TenantId acme{"acme"};
constexpr milliseconds hour{3'600'000};

WallTime at(std::int64_t ms) { return WallTime{milliseconds{1'795'339'800'000 + ms}}; }

class PostgresNodes : public testing::Test {
 protected:
  PostgresNodes() {
    loop_.run(one_->node_lives("http://one", hour));
    loop_.run(two_->node_lives("http://two", hour));
  }
  std::unique_ptr<Ledger> node(const std::string& name) {
    return open_postgres(schema_.url(), {.node = name, .pool = 2});
  }
  Lease claimed(Ledger& node, const std::string& call) {
    loop_.run(node.put(acme, CallSid{call}, {}, at(0)));
    Play play;
    play.key = {acme, CallSid{call}, {}};
    play.explicit_action = true;
    play.claim = true;
    play.now = at(0);
    return loop_.run(node.play(play)).lease.value();
  }
  /// Fetched by `one`, and copied by `two`.
  RecordingId on_both(const std::string& call, const std::string& blob) {
    const auto lease = claimed(*one_, call);
    Media media;
    media.blob = blob;
    media.bytes = 1000;
    EXPECT_TRUE(loop_.run(one_->complete(lease, media, at(5))));
    EXPECT_TRUE(loop_.run(two_->announce(blob)));
    EXPECT_TRUE(loop_.run(two_->copied(lease.recording, blob, at(6))));
    return lease.recording;
  }
  State state(const std::string& call) { return loop_.run(one_->find({acme, CallSid{call}, {}}))->state; }
  Whereabouts where(const std::string& call) {
    return loop_.run(one_->whereabouts({acme, CallSid{call}, {}}, hour)).value();
  }
  std::vector<std::string> loose(Ledger& node) { return loop_.run(node.loose_files(true, 100)); }
  std::vector<std::string> files(Ledger& node) {
    std::vector<std::string> blobs;
    for (const auto& each : loop_.run(node.least_played({}, 100))) blobs.push_back(each.blob);
    return blobs;
  }
  /// As if it had given its signs of life since yesterday.
  void has_lived(const std::string& node) {
    schema_.connect()->execute("UPDATE node SET alive_since = alive_since - interval '1 day' WHERE id = '" + node +
                               "'");
  }
  /// As if it had given no sign of life for a day.
  void silence(const std::string& node) {
    schema_.connect()->execute("UPDATE node SET seen_at = seen_at - interval '1 day' WHERE id = '" + node + "'");
  }

  Schema schema_;
  TestLoop loop_;
  std::unique_ptr<Ledger> one_ = node("http://one");
  std::unique_ptr<Ledger> two_ = node("http://two");
};

TEST_F(PostgresNodes, ANodeThatStartsVoidsItsOwnLeasesAlone) {
  claimed(*one_, "CA1");
  const auto kept = claimed(*two_, "CA2");
  loop_.run(one_->sign_of_life("worker-1"));
  loop_.run(two_->sign_of_life("worker-2"));
  one_ = node("http://one");
  EXPECT_EQ(loop_.run(one_->recover(at(10))), 1);
  EXPECT_EQ(loop_.run(one_->workers(hour)), 1);
  EXPECT_TRUE(loop_.run(two_->progress(kept, 1, 2, hour)));
  const auto taken = loop_.run(two_->claim(10, 10, hour, at(10)));
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_EQ(loop_.run(one_->recover(at(11))), 0) << "it is the other's now";
}

TEST_F(PostgresNodes, EachHasItsOwnFiles) {
  const auto recording = on_both("CA1", "blob-1");
  EXPECT_THAT(files(*one_), ElementsAre("blob-1"));
  EXPECT_THAT(files(*two_), ElementsAre("blob-1"));
  std::vector<Played> plays{{recording, at(100)}};
  EXPECT_EQ(loop_.run(two_->played(plays)), 1);
  EXPECT_EQ(loop_.run(one_->least_played({}, 10)).at(0).played_at, at(5));
  EXPECT_EQ(loop_.run(two_->least_played({}, 10)).at(0).played_at, at(100));
  EXPECT_TRUE(where("CA1").here);
  EXPECT_THAT(where("CA1").holders, ElementsAre("http://two"));

  const auto alone = claimed(*two_, "CA2");
  Media media;
  media.blob = "blob-2";
  ASSERT_TRUE(loop_.run(two_->complete(alone, media, at(5))));
  EXPECT_THAT(files(*one_), ElementsAre("blob-1"));
  EXPECT_THAT(loop_.run(one_->walk_files({}, 10)).files, SizeIs(1));
  EXPECT_THAT(loop_.run(two_->walk_files({}, 10)).files, SizeIs(2));
  EXPECT_FALSE(loop_.run(one_->disown(alone.recording, "blob-2"))) << "it is not one's to give up";
}

TEST_F(PostgresNodes, APointerThatGoesLeavesEachItsFileToUnlink) {
  on_both("CA1", "blob-1");
  loop_.run(two_->announce("about-to-be"));
  loop_.run(one_->erase(acme, CallSid{"CA1"}, {}, at(9)));
  EXPECT_THAT(loose(*one_), ElementsAre("blob-1"));
  EXPECT_THAT(loose(*two_), ElementsAre("about-to-be", "blob-1"));
  std::vector<std::string> unlinked{"blob-1"};
  EXPECT_EQ(loop_.run(one_->strike_files(unlinked, false)), 1);
  EXPECT_THAT(loose(*two_), ElementsAre("about-to-be", "blob-1"));

  on_both("CA2", "blob-2");
  Registration another;
  another.source_url = "https://media.example.com/2.wav";
  loop_.run(two_->put(acme, CallSid{"CA2"}, another, at(10)));
  EXPECT_THAT(loose(*one_), ElementsAre("blob-2"));
  EXPECT_THAT(loose(*two_), ElementsAre("about-to-be", "blob-1", "blob-2"));

  on_both("CA3", "blob-3");
  loop_.run(one_->retire(milliseconds{1}, 10, at(1000)));
  EXPECT_THAT(loose(*one_), ElementsAre("blob-2", "blob-3"));
  EXPECT_THAT(files(*two_), IsEmpty());
}

TEST_F(PostgresNodes, TheLastCopyTakesThePointerWithIt) {
  const auto recording = on_both("CA1", "blob-1");
  EXPECT_TRUE(loop_.run(one_->disown(recording, "blob-1")));
  EXPECT_EQ(state("CA1"), State::ready);
  EXPECT_THAT(loose(*one_), ElementsAre("blob-1"));
  EXPECT_THAT(where("CA1").holders, ElementsAre("http://two"));
  EXPECT_FALSE(loop_.run(one_->disown(recording, "blob-1")));
  EXPECT_TRUE(loop_.run(two_->disown(recording, "blob-1")));
  EXPECT_EQ(state("CA1"), State::remote);
  EXPECT_FALSE(loop_.run(one_->copied(recording, "blob-1", at(9)))) << "the pointer has gone";
}

TEST_F(PostgresNodes, TwoThatGiveUpTheLastTwoCopiesLeaveNoPointer) {
  TestLoop there;
  for (int i = 0; i < 20; ++i) {
    const auto call = "CA" + std::to_string(i);
    const auto recording = on_both(call, "blob-" + call);
    auto first = loop_.start(one_->disown(recording, "blob-" + call));
    auto second = there.start(two_->disown(recording, "blob-" + call));
    EXPECT_TRUE(first.get());
    EXPECT_TRUE(second.get());
    EXPECT_EQ(state(call), State::remote) << call;
  }
}

TEST_F(PostgresNodes, OnlyTheLivingAreNamed) {
  on_both("CA1", "blob-1");
  silence("http://two");
  EXPECT_THAT(where("CA1").holders, IsEmpty());
  EXPECT_FALSE(loop_.run(two_->node_lives("http://two", hour))) << "it was known";
  EXPECT_THAT(where("CA1").holders, ElementsAre("http://two"));
  EXPECT_TRUE(loop_.run(two_->node_leaves()));
  EXPECT_THAT(where("CA1").holders, IsEmpty());
  EXPECT_TRUE(loop_.run(two_->node_lives("http://elsewhere", hour))) << "it is back, under another address";
  EXPECT_THAT(where("CA1").holders, ElementsAre("http://elsewhere"));

  const auto lease = claimed(*two_, "CA2");
  const auto seen = [&] { return loop_.run(one_->look_at(std::vector{lease.run}, hour)).at(0).node; };
  EXPECT_EQ(where("CA2").fetching, "http://elsewhere");
  EXPECT_EQ(seen(), "http://elsewhere");
  silence("http://two");
  EXPECT_EQ(where("CA2").fetching, "");
  EXPECT_EQ(seen(), "");
}

TEST_F(PostgresNodes, AnAddressIsTheNewestNodes) {
  on_both("CA1", "blob-1");
  const auto three = node("http://three");
  loop_.run(three->node_lives("http://two", hour));
  EXPECT_THAT(where("CA1").holders, IsEmpty()) << "who is there now has nothing";
}

TEST_F(PostgresNodes, TheyShareOneSecretThatNobodyElseHas) {
  const auto secret = loop_.run(one_->node_secret());
  EXPECT_GE(secret.size(), 32U);
  EXPECT_EQ(loop_.run(two_->node_secret()), secret);
  const Schema another;
  const auto stranger = open_postgres(another.url(), {.node = "http://one"});
  EXPECT_NE(loop_.run(stranger->node_secret()), secret);
}

TEST_F(PostgresNodes, WhatNoLivingNodeHoldsIsLost) {
  has_lived("http://one");
  const auto recording = on_both("CA1", "blob-1");
  silence("http://two");
  EXPECT_FALSE(loop_.run(one_->lost(recording, "blob-1", hour))) << "it is here";
  ASSERT_TRUE(loop_.run(one_->disown(recording, "blob-1")));
  EXPECT_FALSE(loop_.run(one_->lost(recording, "blob-0", hour)));
  EXPECT_TRUE(loop_.run(one_->lost(recording, "blob-1", hour)));
  EXPECT_EQ(state("CA1"), State::remote);
  EXPECT_THAT(loose(*two_), ElementsAre("blob-1")) << "to be unlinked when it comes back";

  const auto durable = on_both("CA2", "blob-2");
  loop_.run(one_->announce_object("blob-2", at(0)));
  ASSERT_TRUE(loop_.run(one_->made_durable(durable, "blob-2")));
  ASSERT_TRUE(loop_.run(one_->disown(durable, "blob-2")));
  EXPECT_FALSE(loop_.run(one_->lost(durable, "blob-2", hour)));
  EXPECT_EQ(state("CA2"), State::ready);
}

// The database was away, or its clock was set forward: nobody could be heard, whoever asks included.
TEST_F(PostgresNodes, SilenceCountsOnlyWhereItCouldHaveBeenBroken) {
  const auto recording = on_both("CA1", "blob-1");
  ASSERT_TRUE(loop_.run(one_->disown(recording, "blob-1")));
  has_lived("http://one");
  silence("http://one");
  silence("http://two");
  EXPECT_FALSE(loop_.run(one_->lost(recording, "blob-1", hour))) << "it was silent itself";
  loop_.run(one_->node_lives("http://one", hour));
  EXPECT_FALSE(loop_.run(one_->lost(recording, "blob-1", hour))) << "it has been back for less than an hour";
  EXPECT_EQ(state("CA1"), State::ready);
  has_lived("http://one");
  loop_.run(one_->node_lives("http://one", hour));
  EXPECT_TRUE(loop_.run(one_->lost(recording, "blob-1", hour)));
}

TEST_F(PostgresNodes, ACopyThatIsTooLateStaysLoose) {
  const auto lease = claimed(*one_, "CA1");
  Media media;
  media.blob = "blob-1";
  ASSERT_TRUE(loop_.run(one_->complete(lease, media, at(5))));
  ASSERT_TRUE(loop_.run(two_->announce("blob-1")));
  loop_.run(one_->erase(acme, CallSid{"CA1"}, {}, at(9)));
  EXPECT_FALSE(loop_.run(two_->copied(lease.recording, "blob-1", at(10))));
  EXPECT_THAT(loose(*two_), ElementsAre("blob-1"));
}

TEST_F(PostgresNodes, ANodeCopiesItsOwnFiles) {
  const auto both = on_both("CA1", "a");
  const auto lease = claimed(*two_, "CA2");
  Media media;
  media.blob = "b";
  ASSERT_TRUE(loop_.run(two_->complete(lease, media, at(5))));
  EXPECT_THAT(loop_.run(one_->not_durable({}, 10)), SizeIs(1));
  EXPECT_THAT(loop_.run(two_->not_durable({}, 10)), SizeIs(2));
  loop_.run(one_->announce_object("a", at(0)));
  ASSERT_TRUE(loop_.run(one_->made_durable(both, "a")));
  EXPECT_THAT(loop_.run(one_->not_durable({}, 10)), IsEmpty());
  EXPECT_EQ(loop_.run(two_->not_durable({}, 10)).at(0).blob, "b");
}

TEST_F(PostgresNodes, WhatIsSpoiledStaysWhileAnyNodeHasIt) {
  const auto recording = on_both("CA1", "a");
  loop_.run(one_->announce_object("a", at(0)));
  ASSERT_TRUE(loop_.run(one_->made_durable(recording, "a")));
  ASSERT_TRUE(loop_.run(one_->disown(recording, "a")));
  ASSERT_TRUE(loop_.run(one_->spoiled(recording, "a")));
  EXPECT_EQ(state("CA1"), State::ready);
  EXPECT_THAT(loop_.run(two_->take_objects(at(0), at(1), 10)), ElementsAre("a")) << "one list for all";
  EXPECT_THAT(loop_.run(one_->take_objects(at(0), at(1), 10)), IsEmpty());
  EXPECT_EQ(loop_.run(two_->strike_objects({"a"})), 1);
  loop_.run(two_->announce_object("a", at(0)));
  ASSERT_TRUE(loop_.run(two_->made_durable(recording, "a"))) << "copied again";
  ASSERT_TRUE(loop_.run(two_->disown(recording, "a")));
  ASSERT_TRUE(loop_.run(two_->spoiled(recording, "a")));
  EXPECT_EQ(state("CA1"), State::remote);
}

}  // namespace
}  // namespace onetake::ledger
