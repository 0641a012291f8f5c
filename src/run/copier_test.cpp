// How what is published gets its durable copy, and what becomes of it when something comes between.

#include "run/copier.hpp"

#include "run/test_copies.hpp"
#include "run/test_worker.hpp"

namespace onetake::run {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;
using Kind = durable::Trouble::Kind;

class CopierTest : public WorkerTest {
 protected:
  CopierTest() { copy_with({}); }
  ~CopierTest() override { copies_.release(); }

  void copy_with(Copier::Pace pace) {
    copier_ = std::make_unique<Copier>(loop_.loop(), *ledger_, store_, disk_, copies_, pace);
    Limits limits;
    limits.backoff_initial = limits.backoff_max = milliseconds{0};
    work_with(limits);
  }
  bool round() { return loop_.run(copier_->round()); }
  /// Fetched and published; its blob.
  std::string ready(const std::string& call_sid = "CA") {
    if (call_sid != "CA") put(call_sid);
    provider_->will(sends(wav(1000)));
    EXPECT_EQ(end_of(play(call_sid)).run.status, RunStatus::completed);
    return recording(call_sid).media->blob;
  }
  bool durable(const std::string& call_sid = "CA") {
    return loop_.run(ledger_->whereabouts(key(call_sid), milliseconds{1000}))->durable;
  }
  static double pending() { return counted("onetake_durable_pending"); }
  std::vector<std::string> loose() {
    return loop_.run(ledger_->take_objects(wall_now(), wall_now() + milliseconds{1000}, 10));
  }

  ScriptedCopies copies_;
};

TEST_F(CopierTest, AShortOneIsPutFromItsFile) {
  const auto blob = ready();
  EXPECT_FALSE(durable()) << "nobody has waited for it";
  EXPECT_TRUE(round());
  EXPECT_TRUE(durable());
  EXPECT_EQ(copies_.objects().at(blob), wav(1000));
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.asked(), ElementsAre("put " + blob)) << "once";
  EXPECT_THAT(loose(), IsEmpty());
}

TEST_F(CopierTest, WhileTheStorageIsDownOneFindsOutWhetherItIsBack) {
  for (const auto* const sid : {"CA1", "CA2", "CA3", "CA4", "CA5", "CA6"}) ready(sid);
  copies_.fail(Kind::unavailable);
  EXPECT_FALSE(round());
  EXPECT_THAT(copies_.asked(), testing::SizeIs(Copier::Pace{}.at_once));
  EXPECT_FALSE(round());
  EXPECT_THAT(copies_.asked(), testing::SizeIs(Copier::Pace{}.at_once + 1));
  EXPECT_EQ(recording("CA1").state, State::ready);
  copies_.fail({});
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.objects(), testing::SizeIs(6));
  EXPECT_TRUE(durable("CA6"));
}

// One that the storage will not have keeps nobody else from it, and is not given to it again and again. It still waits.
TEST_F(CopierTest, WhatIsRefusedIsPutOff) {
  copies_.fail(ready("CA1"), Kind::different);
  copies_.fail(ready("CA2"), Kind::refused);
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.asked(), testing::SizeIs(2));
  EXPECT_EQ(pending(), 2);
  ready("CA3");
  EXPECT_TRUE(round());
  EXPECT_TRUE(durable("CA3"));
  EXPECT_THAT(copies_.asked(), testing::SizeIs(3));
  EXPECT_EQ(pending(), 2) << "nobody is told that all have their copy";
}

TEST_F(CopierTest, WhatWasRefusedIsTriedAgain) {
  copy_with({.put_off_first = milliseconds{0}});
  const auto blob = ready();
  copies_.fail(blob, Kind::different);
  EXPECT_TRUE(round());
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.asked(), ElementsAre("put " + blob, "put " + blob));
  copies_.fail(blob, {});
  EXPECT_TRUE(round());
  EXPECT_TRUE(durable());
}

// It is the first by its id, and by what it is told the storage might be down: the others find out that it is not.
TEST_F(CopierTest, OneThatIsNeverTakenHoldsUpNobody) {
  for (const auto kind : {Kind::unavailable, Kind::misconfigured}) {
    const auto sid = [kind](int i) { return "CA" + std::to_string(static_cast<int>(kind) * 10 + i); };
    const auto bad = ready(sid(1));
    copies_.fail(bad, kind);
    EXPECT_FALSE(round()) << "it is the only one";
    EXPECT_FALSE(round());
    ready(sid(2));
    EXPECT_TRUE(round()) << "the one behind it is taken";
    EXPECT_TRUE(durable(sid(2)));
    const auto before = copies_.asked().size();
    ready(sid(3));
    EXPECT_TRUE(round());
    EXPECT_TRUE(durable(sid(3)));
    EXPECT_THAT(copies_.asked(), testing::SizeIs(before + 1)) << "it is put off";
  }
}

TEST_F(CopierTest, WhereAllAreRefusedItIsNotTheFiles) {
  copy_with({.at_once = 1, .refused_most = 3});
  for (int i = 0; i < 6; ++i) ready("CA" + std::to_string(i));
  copies_.fail(Kind::refused);
  EXPECT_FALSE(round());
  EXPECT_THAT(copies_.asked(), testing::SizeIs(3));
  EXPECT_FALSE(round()) << "one at a time";
  EXPECT_THAT(copies_.asked(), testing::SizeIs(4));
  EXPECT_EQ(pending(), 6);
  copies_.fail({});
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.objects(), testing::SizeIs(4)) << "two are put off";
  EXPECT_EQ(pending(), 2);
}

// Whoever copies was held up for so long that another has removed what it made.
TEST_F(CopierTest, WhatWasRemovedMeanwhileIsCopiedAgain) {
  const auto blob = ready();
  copies_.hold();
  auto first = loop_.start(copier_->round());
  ASSERT_TRUE(loop_.run(copies_.until_held()));
  const auto later = wall_now() + std::chrono::hours{1};
  ASSERT_THAT(loop_.run(ledger_->take_objects(later, later, 10)), ElementsAre(blob));
  copies_.release();
  EXPECT_TRUE(first.get());
  EXPECT_FALSE(durable());
  copies_.lose(blob);
  std::vector<std::string> removed{blob};
  loop_.run(ledger_->strike_objects(std::move(removed)));
  EXPECT_TRUE(round());
  EXPECT_TRUE(durable());
  EXPECT_EQ(copies_.objects().count(blob), 1U);
}

TEST_F(CopierTest, AFileThatIsNotHereIsNotCopied) {
  store_.remove(ready());
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.asked(), IsEmpty());
}

TEST_F(CopierTest, ALongOneGrowsWhileItArrives) {
  copy_with({.grow_from = 500});
  provider_->will({.head = sends(wav(1000)).head, .body = wav(1000), .holds = true});
  const auto flight = play();
  provider_->until_held();
  ASSERT_TRUE(loop_.run(copies_.until_asked(1)));
  EXPECT_THAT(copies_.asked(), ElementsAre(StartsWith("follow ")));
  provider_->release();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed);
  ASSERT_TRUE(loop_.run(copies_.until_asked(2)));
  const auto blob = recording().media->blob;
  EXPECT_THAT(copies_.asked(), ElementsAre("follow " + blob, "complete " + blob));
  while (!durable()) loop_.settle();
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.asked(), testing::SizeIs(2)) << "it is not put as well";
  EXPECT_EQ(copies_.objects().at(blob), wav(1000));
}

TEST_F(CopierTest, WhatDoesNotBecomeARecordingIsTakenBack) {
  copy_with({.grow_from = 500});
  provider_->will({.head = sends(wav(1000)).head, .body = wav(1000).substr(0, 800), .holds = true});
  const auto flight = play();
  provider_->until_held();
  ASSERT_TRUE(loop_.run(copies_.until_asked(1)));
  flight->stop();
  ASSERT_TRUE(loop_.run(copies_.until_asked(2)));
  EXPECT_THAT(copies_.asked(), ElementsAre(StartsWith("follow "), StartsWith("abort ")));
  EXPECT_THAT(copies_.objects(), IsEmpty());
}

TEST_F(CopierTest, WhatCouldNotGrowIsPut) {
  copy_with({.grow_from = 500});
  copies_.fail(Kind::unavailable);
  const auto blob = ready();
  ASSERT_TRUE(loop_.run(copies_.until_asked(3)));
  EXPECT_THAT(copies_.asked(), ElementsAre("follow " + blob, "complete " + blob, "abort " + blob));
  copies_.fail({});
  loop_.settle();
  EXPECT_TRUE(round());
  EXPECT_TRUE(durable());
  EXPECT_THAT(copies_.asked(), Contains("put " + blob));
}

// Erased while its copy is made: what has been made is for nobody, and is to be removed.
TEST_F(CopierTest, WhatIsErasedMeanwhileIsToBeRemoved) {
  const auto blob = ready();
  copies_.hold();
  auto round = loop_.start(copier_->round());
  ASSERT_TRUE(loop_.run(copies_.until_held()));
  EXPECT_THAT(loose(), IsEmpty()) << "somebody is making it";
  loop_.run(ledger_->erase(acme, CallSid{"CA"}, {}, wall_now()));
  copies_.release();
  EXPECT_TRUE(round.get());
  EXPECT_THAT(copies_.objects(), testing::SizeIs(1));
  EXPECT_THAT(loose(), ElementsAre(blob));
}

// What an earlier try has left under its name is being removed: what is put now might go with it.
TEST_F(CopierTest, WhatIsBeingRemovedIsNotPut) {
  const auto blob = ready();
  loop_.run(ledger_->announce_object(blob, wall_now()));
  ASSERT_THAT(loose(), ElementsAre(blob));
  EXPECT_TRUE(round());
  EXPECT_THAT(copies_.asked(), IsEmpty());
  std::vector<std::string> removed{blob};
  loop_.run(ledger_->strike_objects(std::move(removed)));
  EXPECT_TRUE(round());
  EXPECT_TRUE(durable());
}

}  // namespace
}  // namespace onetake::run
