// Durable copies: what is still to be made, and what is to be removed. What several nodes do to each other:
// postgres_nodes_test.cpp.

#include <gmock/gmock.h>

#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// What a test of objects asks, and waits for.
class Objects {
 public:
  Objects(TestLoop& loop, Ledger& ledger) : loop_(loop), ledger_(ledger) {}

  std::vector<std::string> not_durable(int limit = 10) {
    std::vector<std::string> blobs;
    RecordingId after;
    for (;;) {
      const auto page = loop_.run(ledger_.not_durable(after, limit));
      for (const auto& file : page) blobs.push_back(file.blob);
      if (std::ssize(page) < limit) return blobs;
      after = page.back().recording;
    }
  }
  /// Announced and made.
  bool make(const RecordingId& recording, const std::string& blob) {
    return announce(blob, WallTime{}) && loop_.run(ledger_.made_durable(recording, blob));
  }
  bool announce(const std::string& blob, WallTime due) { return loop_.run(ledger_.announce_object(blob, due)); }
  std::vector<std::string> take(WallTime now, WallTime until, int limit = 10) {
    return loop_.run(ledger_.take_objects(now, until, limit));
  }
  int strike(std::vector<std::string> blobs) { return loop_.run(ledger_.strike_objects(std::move(blobs))); }

 private:
  TestLoop& loop_;
  Ledger& ledger_;
};

TEST_P(Conformance, WhatIsNotDurableYetIsFound) {
  Objects objects{loop_, *ledger_};
  EXPECT_THAT(objects.not_durable(), IsEmpty());
  const auto a = ready("CA1", "a").recording;
  ready("CA2", "b");
  ready("CA3", "c");
  put("CA4");  // has no file
  for (const int limit : {1, 2, 3, 10}) EXPECT_THAT(objects.not_durable(limit), ElementsAre("a", "b", "c")) << limit;
  const auto file = loop_.run(ledger_->not_durable({}, 1)).at(0);
  EXPECT_EQ(file.recording, a);
  EXPECT_EQ(file.bytes, media("a").bytes);
  EXPECT_EQ(file.sha256, media("a").sha256);
  EXPECT_EQ(file.content_type, media("a").content_type);

  ASSERT_TRUE(objects.make(a, "a"));
  EXPECT_THAT(objects.not_durable(), ElementsAre("b", "c"));
  loop_.run(ledger_->erase(acme, CallSid{"CA2"}, {}, at(10)));
  put("CA3", source("https://media.example.com/another.wav"));
  EXPECT_THAT(objects.not_durable(), IsEmpty());
}

TEST_P(Conformance, AnnouncedAnObjectIsLooseUntilItIsDurable) {
  Objects objects{loop_, *ledger_};
  const auto recording = ready("CA1", "a").recording;
  EXPECT_TRUE(objects.announce("a", at(100)));
  EXPECT_TRUE(objects.announce("a", at(200))) << "tried again";
  EXPECT_THAT(objects.take(at(199), at(300)), IsEmpty()) << "somebody may be making it";
  ASSERT_TRUE(loop_.run(ledger_->made_durable(recording, "a")));
  EXPECT_THAT(objects.take(at(999), at(1000)), IsEmpty());

  EXPECT_TRUE(objects.announce("never made", at(100)));
  EXPECT_THAT(objects.take(at(100), at(1000)), ElementsAre("never made"));
}

// Whoever made it was silent for longer than it had said: what it made may be gone by the time that it goes on.
TEST_P(Conformance, WhatIsBeingRemovedIsNotDurable) {
  Objects objects{loop_, *ledger_};
  const auto recording = ready("CA1", "a").recording;
  const auto made = [&] { return loop_.run(ledger_->made_durable(recording, "a")); };
  EXPECT_FALSE(made()) << "never announced";
  ASSERT_TRUE(objects.announce("a", at(100)));
  ASSERT_THAT(objects.take(at(100), at(200)), ElementsAre("a"));
  EXPECT_FALSE(made()) << "being removed";
  EXPECT_EQ(objects.strike({"a"}), 1);
  EXPECT_FALSE(made()) << "removed";
  EXPECT_THAT(objects.not_durable(), ElementsAre("a")) << "and is copied again";

  ASSERT_TRUE(objects.announce("a", at(100)));
  EXPECT_TRUE(made());
  EXPECT_TRUE(made()) << "said again";
  EXPECT_THAT(objects.not_durable(), IsEmpty());
}

// Its removal failed while the clock was a year ahead.
TEST_P(Conformance, WhatWasPutOffByAClockThatWasAheadIsRemovedAllTheSame) {
  Objects objects{loop_, *ledger_};
  constexpr std::int64_t year = 31'536'000'000;
  ASSERT_TRUE(objects.announce("a", at(0)));
  ASSERT_THAT(objects.take(at(year), at(year + 240'000)), ElementsAre("a"));
  EXPECT_THAT(objects.take(at(1'000), at(241'000)), ElementsAre("a"));
}

// Two nodes copy one file, and one of them is the later.
TEST_P(Conformance, WhatIsDurableAlreadyStaysSo) {
  Objects objects{loop_, *ledger_};
  const auto recording = ready("CA1", "a").recording;
  ASSERT_TRUE(objects.make(recording, "a"));
  EXPECT_TRUE(objects.make(recording, "a"));
  EXPECT_THAT(objects.take(at(999), at(1000)), IsEmpty());
}

TEST_P(Conformance, WhatLosesItsPointerLeavesItsObjectToBeRemoved) {
  Objects objects{loop_, *ledger_};
  for (const std::string blob : {"erased", "replaced", "retired", "spoiled", "evicted"}) {
    const auto recording = ready("CA-" + blob, blob).recording;
    ASSERT_TRUE(objects.make(recording, blob));
  }
  ready("CA-young", "not durable");
  const auto evicted = find("CA-evicted")->id;
  const auto spoiled = find("CA-spoiled")->id;
  ASSERT_TRUE(loop_.run(ledger_->disown(evicted, "evicted")));
  EXPECT_THAT(objects.take(at(0), at(1)), IsEmpty()) << "each has its pointer";

  loop_.run(ledger_->erase(acme, CallSid{"CA-erased"}, {}, at(10)));
  loop_.run(ledger_->erase(acme, CallSid{"CA-young"}, {}, at(10)));
  put("CA-replaced", source("https://media.example.com/another.wav"));
  ASSERT_TRUE(loop_.run(ledger_->spoiled(spoiled, "spoiled")));
  EXPECT_THAT(objects.take(at(0), at(100)), UnorderedElementsAre("erased", "replaced", "spoiled"));

  EXPECT_EQ(retire(milliseconds{0}, at(20)).size(), 4U);
  EXPECT_THAT(objects.take(at(0), at(100)), UnorderedElementsAre("retired", "evicted"));
}

// Two nodes have copied it; the second has announced so late that it was durable by then, and has said no more.
TEST_P(Conformance, WhatIsDurableIsNotRemoved) {
  Objects objects{loop_, *ledger_};
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1")).lease.value();
  const auto blob = lease.recording.str() + "-1-1-1";
  ASSERT_TRUE(complete(lease, media(blob)));
  ASSERT_TRUE(objects.make(lease.recording, blob));
  ASSERT_TRUE(objects.announce(blob, at(10)));
  EXPECT_THAT(objects.take(at(20), at(30)), IsEmpty());
  EXPECT_EQ(objects.strike({blob}), 0) << "it is off the list";
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, {}, at(40)));
  EXPECT_THAT(objects.take(at(50), at(60)), ElementsAre(blob));
}

TEST_P(Conformance, AnObjectIsRemovedByOneAtATime) {
  Objects objects{loop_, *ledger_};
  for (const std::string blob : {"a", "b", "c"}) objects.announce(blob, at(0));
  EXPECT_THAT(objects.take(at(10), at(50), 2), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(objects.take(at(10), at(50)), ElementsAre("c"));
  EXPECT_FALSE(objects.announce("a", at(1000))) << "what comes now might go with what goes";
  EXPECT_EQ(objects.strike({"a", "never was"}), 1);
  EXPECT_TRUE(objects.announce("a", at(1000)));
  EXPECT_THAT(objects.take(at(49), at(100)), IsEmpty());
  EXPECT_THAT(objects.take(at(50), at(100)), UnorderedElementsAre("b", "c"))
      << "whoever took them has been silent since";
}

TEST_P(Conformance, WhatIsSpoiledIsCopiedAgainWhereTheFileIs) {
  Objects objects{loop_, *ledger_};
  const auto recording = ready("CA1", "a").recording;
  EXPECT_FALSE(loop_.run(ledger_->spoiled(recording, "a"))) << "there is none yet";
  ASSERT_TRUE(objects.make(recording, "a"));
  EXPECT_FALSE(loop_.run(ledger_->spoiled(recording, "b")));
  ASSERT_TRUE(loop_.run(ledger_->spoiled(recording, "a")));
  EXPECT_EQ(find("CA1")->state, State::ready);
  EXPECT_THAT(objects.not_durable(), ElementsAre("a"));
  EXPECT_FALSE(loop_.run(ledger_->spoiled(recording, "a")));
}

TEST_P(Conformance, WhatIsSpoiledAndNowhereElseIsFetchedAnew) {
  Objects objects{loop_, *ledger_};
  const auto recording = ready("CA1", "a").recording;
  ASSERT_TRUE(objects.make(recording, "a"));
  ASSERT_TRUE(loop_.run(ledger_->disown(recording, "a")));
  ASSERT_TRUE(loop_.run(ledger_->spoiled(recording, "a")));
  EXPECT_EQ(find("CA1")->state, State::remote);
  EXPECT_EQ(find("CA1")->media, std::nullopt);
  EXPECT_EQ(play(pressed("CA1")).found, Found::created);
}

TEST_P(Conformance, WhatIsElsewhereIsNotHeldHere) {
  Objects objects{loop_, *ledger_};
  const auto recording = ready("CA1", "a").recording;
  ASSERT_TRUE(objects.make(recording, "a"));
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), media("a").bytes);
  ASSERT_TRUE(loop_.run(ledger_->disown(recording, "a")));
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), 0);
  ASSERT_TRUE(loop_.run(ledger_->copied(recording, "a", at(9))));
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), media("a").bytes);
  loop_.run(ledger_->erase(acme, CallSid{"CA1"}, {}, at(10)));
  EXPECT_EQ(loop_.run(ledger_->held_bytes()), 0);
}

}  // namespace
}  // namespace onetake::ledger
