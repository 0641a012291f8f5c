// What nodes tell each other of runs that are under way, and how far it is believed.

#include <future>
#include <map>

#include "base/metrics.hpp"
#include "run/test_join.hpp"

namespace onetake::run {
namespace {

using namespace test;
using ledger::Found;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

/// What other nodes said, in the hands of a test.
class ScriptedHints final : public signal::Hints {
 public:
  using Told = std::pair<Key, RunId>;
  std::map<Key, RunId> known;
  std::vector<Told> begins;
  std::vector<Told> ends;
  int asked = 0;

  Task<std::optional<RunId>> under_way(Key key) override;
  void begun(const Key& key, const RunId& run) noexcept override {
    known[key] = run;
    begins.emplace_back(key, run);
  }
  void ended(const Key& key, const RunId& run) noexcept override {
    if (const auto found = known.find(key); found != known.end() && found->second == run) known.erase(found);
    ends.emplace_back(key, run);
  }
};

Task<std::optional<RunId>> ScriptedHints::under_way(Key key) {
  ++asked;
  const auto found = known.find(key);
  co_return found == known.end() ? std::nullopt : std::optional{found->second};
}

class JoinWithHints : public JoinTest {
 protected:
  /// The ledger's word of a run of this call, of `urgency`, that is first `status` and from the second question on
  /// `later`.
  void say_of_ours(RunStatus status, RunStatus later, Urgency urgency = Urgency::play) {
    ledger_.on_run = [=, times = 0](const RunId& id) mutable {
      auto run = recording(1, times++ == 0 ? status : later).run.value();
      run.id = id;
      run.recording = RecordingId{"rec"};
      run.call_sid = CallSid{"CA"};
      run.urgency = urgency;
      return std::optional{run};
    };
  }
  static double blocked() {
    const auto text = metrics::text();
    const std::string cell = "onetake_run_admissions_total{outcome=\"blocked_redis\"} ";
    const auto at = text.find(cell);
    return at == text.npos ? 0 : std::stod(text.substr(at + cell.size()));
  }

  ScriptedHints hints_;
  const ScriptedHints::Told ours_{key(), RunId{"run-1"}};
  Join hinted_{ledger_, flights_, worker_, {.works = false}, &hints_};
};

TEST_F(JoinWithHints, WhatIsCreatedIsToldAfterTheCommitAndTakenBackAtTheEnd) {
  ledger_.on_play = [this](const ledger::Play& play) {
    EXPECT_THAT(hints_.begins, IsEmpty());
    return answering(Found::created, recording())(play);
  };
  say(RunStatus::queued);
  const auto joined = one_.run(hinted_.play(key(), true));
  EXPECT_THAT(hints_.begins, ElementsAre(ours_));
  EXPECT_THAT(hints_.ends, IsEmpty());
  flights_.close(joined.flight, recording(1, RunStatus::completed).run.value());
  EXPECT_THAT(hints_.ends, ElementsAre(ours_));
}

TEST_F(JoinWithHints, ARunThatAnotherNodeGoesOnWithStaysTold) {
  ledger_.on_play = answering(Found::created, recording());
  say(RunStatus::queued);
  const auto joined = one_.run(hinted_.play(key(), true));
  flights_.close(joined.flight, recording(1, RunStatus::queued).run.value());  // this process stops
  EXPECT_THAT(hints_.ends, IsEmpty());
}

TEST_F(JoinWithHints, ARunThatIsToldOfIsJoinedWithoutAdmission) {
  hints_.known[key()] = RunId{"run-1"};
  say_of_ours(RunStatus::running, RunStatus::running);
  const auto before = blocked();
  const auto joined = one_.run(hinted_.play(key(), true));
  EXPECT_EQ(joined.found, Found::fetching);
  EXPECT_EQ(joined.recording.id, RecordingId{"rec"});
  EXPECT_EQ(joined.recording.run->id, RunId{"run-1"});
  EXPECT_EQ(joined.recording.run->status, RunStatus::running);
  EXPECT_EQ(ledger_.plays, 0);
  EXPECT_EQ(blocked() - before, 1);
  EXPECT_EQ(one_.run(hinted_.play(key(), true)).flight, joined.flight);
  EXPECT_EQ(hints_.asked, 1) << "in the process first";
  flights_.close(joined.flight, recording(1, RunStatus::completed).run.value());
  EXPECT_THAT(hints_.ends, ElementsAre(ours_));
}

TEST_F(JoinWithHints, WhoOnlyLooksJoinsItToo) {
  hints_.known[key()] = RunId{"run-1"};
  say_of_ours(RunStatus::queued, RunStatus::queued, Urgency::background);
  const auto before = blocked();
  EXPECT_EQ(one_.run(hinted_.play(key(), false)).found, Found::fetching);
  EXPECT_EQ(ledger_.plays, 0);
  EXPECT_EQ(blocked() - before, 0) << "nothing would have been created";
}

TEST_F(JoinWithHints, APressOnWhatNobodyWaitedForAsksTheLedger) {
  auto urgent = recording();
  hints_.known[key()] = RunId{"run-1"};
  say_of_ours(RunStatus::queued, RunStatus::queued, Urgency::background);
  ledger_.on_play = answering(Found::fetching, urgent);
  EXPECT_EQ(one_.run(hinted_.play(key(), true)).found, Found::fetching);
  EXPECT_EQ(ledger_.plays, 1);
  EXPECT_THAT(hints_.ends, IsEmpty());
}

TEST_F(JoinWithHints, AHundredPlaysAskForTheHintOnce) {
  ledger_.on_play = answering(Found::created, recording());
  say(RunStatus::queued);
  ledger_.closed = true;
  std::vector<std::future<Joined>> plays;
  for (int i = 0; i < 100; ++i) plays.push_back(one_.start(hinted_.play(key(), true)));
  one_.settle();
  ledger_.open();
  for (auto& play : plays) play.get();
  EXPECT_EQ(hints_.asked, 1);
  EXPECT_EQ(ledger_.plays, 1);
}

TEST_F(JoinWithHints, AStaleHintStandsInNobodysWay) {
  for (const auto status : {RunStatus::completed, RunStatus::failed, RunStatus::cancelled}) {
    hints_.ends.clear();
    hints_.known[key()] = RunId{"run-0"};
    say_of_ours(status, status);
    ledger_.on_play = answering(Found::cold, recording());
    EXPECT_EQ(one_.run(hinted_.play(key(), true)).found, Found::cold);
    EXPECT_THAT(hints_.ends, ElementsAre(ScriptedHints::Told{key(), RunId{"run-0"}}));
  }
  EXPECT_EQ(ledger_.plays, 3);
  EXPECT_TRUE(flights_.all().empty());
}

TEST_F(JoinWithHints, ARunThatNobodyKnowsOrThatIsAnotherCallsIsNone) {
  ledger_.on_play = answering(Found::cold, recording());
  hints_.known[key()] = RunId{"run-0"};
  ledger_.on_run = [](const RunId&) { return std::optional<onetake::Run>{}; };
  EXPECT_EQ(one_.run(hinted_.play(key(), true)).found, Found::cold);
  hints_.known[key("CB")] = RunId{"run-0"};
  say_of_ours(RunStatus::running, RunStatus::running);
  EXPECT_EQ(one_.run(hinted_.play(key("CB"), true)).found, Found::cold);
  EXPECT_THAT(hints_.known, IsEmpty());
  EXPECT_EQ(ledger_.plays, 2);
}

// It ends between the two times that the ledger is asked for it.
TEST_F(JoinWithHints, ARunThatEndsJustThenIsNotJoined) {
  hints_.known[key()] = RunId{"run-1"};
  say_of_ours(RunStatus::running, RunStatus::completed);
  ledger_.on_play = answering(Found::ready, recording());
  EXPECT_EQ(one_.run(hinted_.play(key(), true)).found, Found::ready);
  EXPECT_THAT(hints_.known, IsEmpty());
  EXPECT_TRUE(flights_.all().empty());
}

TEST_F(JoinWithHints, AHintThatWasLostIsToldAgain) {
  ledger_.on_play = answering(Found::fetching, recording(1, RunStatus::running));
  say(RunStatus::running);
  one_.run(hinted_.play(key(), true));
  EXPECT_THAT(hints_.begins, ElementsAre(ours_));
}

TEST_F(JoinWithHints, ADatabaseThatIsDownSaysSoItself) {
  hints_.known[key()] = RunId{"run-1"};
  ledger_.on_run = [](const RunId&) -> std::optional<onetake::Run> { throw ledger::Unavailable{"down"}; };
  ledger_.on_play = [](const ledger::Play&) -> ledger::Admission { throw ledger::Unavailable{"down"}; };
  EXPECT_THROW(one_.run(hinted_.play(key(), true)), ledger::Unavailable);
  EXPECT_EQ(ledger_.plays, 1);
  EXPECT_THAT(hints_.known, Not(IsEmpty())) << "nobody said that it has ended";
}

}  // namespace
}  // namespace onetake::run
