#include <gmock/gmock.h>

#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// What a test of files asks, and waits for.
class Files {
 public:
  Files(TestLoop& loop, Ledger& ledger) : loop_(loop), ledger_(ledger) {}

  int played(const RecordingId& recording, WallTime at) {
    std::vector<Played> plays{{recording, at}};
    return loop_.run(ledger_.played(std::move(plays)));
  }
  /// The blobs, by pages of `limit`.
  std::vector<std::string> least_played(int limit) {
    std::vector<std::string> blobs;
    std::optional<Stored> after;
    for (;;) {
      const auto page = loop_.run(ledger_.least_played(after, limit));
      EXPECT_LE(std::ssize(page), limit);
      for (const auto& stored : page) blobs.push_back(stored.blob);
      if (std::ssize(page) < limit) return blobs;
      after = page.back();
    }
  }
  std::vector<std::string> walked(int limit) {
    std::vector<std::string> blobs;
    RecordingId after;
    do {
      const auto stretch = loop_.run(ledger_.walk_files(after, limit));
      for (const auto& stored : stretch.files) blobs.push_back(stored.blob);
      after = stretch.last;
    } while (!after.empty());
    return blobs;
  }
  std::vector<std::string> loose(bool announced_too = false) {
    return loop_.run(ledger_.loose_files(announced_too, 100));
  }

 private:
  TestLoop& loop_;
  Ledger& ledger_;
};

TEST_P(Conformance, TheLeastRecentlyPlayedComesFirst) {
  Files files{loop_, *ledger_};
  const auto a = ready("CA1", "a").recording;
  ready("CA2", "b");
  const auto c = ready("CA3", "c").recording;
  put("CA4");  // has no file
  EXPECT_EQ(files.played(a, at(1000)), 1);
  EXPECT_EQ(files.played(c, at(900)), 1);
  for (const int limit : {1, 2, 3, 10}) EXPECT_THAT(files.least_played(limit), ElementsAre("b", "c", "a")) << limit;

  EXPECT_EQ(files.played(a, at(10)), 0) << "it has been played since";
  EXPECT_EQ(files.played(RecordingId{"unknown"}, at(10)), 0);
  EXPECT_THAT(files.least_played(10), ElementsAre("b", "c", "a"));
}

TEST_P(Conformance, ToPublishIsToPlay) {
  Files files{loop_, *ledger_};
  ready("CA1", "old");
  put("CA2");
  const auto lease = play(pressed_and_claimed("CA2")).lease.value();
  ASSERT_TRUE(complete(lease, media("new"), at(500)));
  EXPECT_THAT(files.least_played(10), ElementsAre("old", "new"));
  const auto page = loop_.run(ledger_->least_played({}, 10));
  EXPECT_EQ(page[1].played_at, at(500));
  EXPECT_EQ(page[1].recording, lease.recording);
  EXPECT_EQ(page[1].tenant, acme);
  EXPECT_EQ(page[1].call_sid, CallSid{"CA2"});
  EXPECT_EQ(page[1].bytes, 1000U);
  EXPECT_EQ(page[1].sha256, std::string(64, 'a'));
}

TEST_P(Conformance, AWalkMeetsEveryFileOnce) {
  Files files{loop_, *ledger_};
  for (int i = 0; i < 3; ++i) {
    put("CA-cold-" + std::to_string(i));
    ready("CA-ready-" + std::to_string(i), "blob-" + std::to_string(i));
  }
  for (const int limit : {1, 2, 5, 6, 7})
    EXPECT_THAT(files.walked(limit), UnorderedElementsAre("blob-0", "blob-1", "blob-2")) << limit;
}

TEST_P(Conformance, AnnouncedAFileIsLooseUntilAPointerTakesIt) {
  Files files{loop_, *ledger_};
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1")).lease.value();
  EXPECT_TRUE(loop_.run(ledger_->announce("a")));
  EXPECT_TRUE(loop_.run(ledger_->announce("a"))) << "whoever does not know whether it was written says it again";
  EXPECT_THAT(files.loose(true), ElementsAre("a"));
  EXPECT_THAT(files.loose(), IsEmpty()) << "somebody is about to point to it";
  reopen();
  Files after{loop_, *ledger_};
  EXPECT_THAT(after.loose(true), ElementsAre("a"));
  ASSERT_TRUE(complete(lease, media("a")));
  EXPECT_THAT(after.loose(true), IsEmpty());
}

TEST_P(Conformance, WhatComesBackIsNoLongerLoose) {
  Files files{loop_, *ledger_};
  const auto recording = ready("CA1", "a").recording;
  loop_.run(ledger_->announce_object("a", at(0)));
  ASSERT_TRUE(loop_.run(ledger_->made_durable(recording, "a")));
  ASSERT_TRUE(loop_.run(ledger_->disown(recording, "a")));
  ASSERT_THAT(files.loose(), ElementsAre("a"));
  ASSERT_TRUE(loop_.run(ledger_->announce("a")));
  EXPECT_THAT(files.loose(), IsEmpty());
  std::vector<std::string> unlinked{"a"};
  EXPECT_EQ(loop_.run(ledger_->strike_files(unlinked, false)), 0) << "by who evicted it, late";
  EXPECT_THAT(files.loose(true), ElementsAre("a"));
  EXPECT_EQ(loop_.run(ledger_->strike_files(unlinked, true)), 1);
}

TEST_P(Conformance, AStalePublicationStaysLoose) {
  Files files{loop_, *ledger_};
  put("CA1");
  auto lease = play(pressed_and_claimed("CA1")).lease.value();
  ASSERT_TRUE(loop_.run(ledger_->announce("a")));
  ++lease.token;
  ASSERT_FALSE(complete(lease, media("a")));
  EXPECT_THAT(files.loose(true), ElementsAre("a"));
}

TEST_P(Conformance, WhatLosesItsPointerIsLooseInTheSameTransaction) {
  Files files{loop_, *ledger_};
  ready("CA1", "erased");
  ready("CA2", "replaced");
  const auto evicted = ready("CA3", "evicted").recording;
  ready("CA4", "kept");
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, {}, at(10)));
  put("CA2", source("https://media.example.com/another.wav"));
  put("CA4");  // the same again
  ASSERT_TRUE(loop_.run(ledger_->disown(evicted, "evicted")));
  EXPECT_THAT(files.loose(), UnorderedElementsAre("erased", "replaced", "evicted"));

  std::vector<std::string> unlinked{"erased", "evicted", "never was"};
  EXPECT_EQ(loop_.run(ledger_->strike_files(std::move(unlinked), false)), 2);
  EXPECT_THAT(files.loose(), ElementsAre("replaced"));
}

TEST_P(Conformance, OfWhatIsErasedOrGoneNothingIsKept) {
  const auto erased = ready("CA1", "a").recording;
  const auto retired = ready("CA2", "b").recording;
  const auto kept = ready("CA3", "c").recording;
  const auto disowned = ready("CA4", "d").recording;
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, {}, at(10)));
  ASSERT_THAT(retire(milliseconds{1000}, at(1000), 1), ElementsAre("CA2"));
  ASSERT_TRUE(loop_.run(ledger_->disown(disowned, "d")));
  std::vector<RecordingId> asked{erased, retired, kept, disowned};
  EXPECT_THAT(loop_.run(ledger_->not_to_be_kept(std::move(asked))), UnorderedElementsAre(erased, retired));
}

}  // namespace
}  // namespace onetake::ledger
