#include "run/join.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <future>
#include <set>

#include "base/metrics.hpp"
#include "base/temp_folder.hpp"
#include "base/test_loop.hpp"
#include "run/test_parts.hpp"

namespace onetake::run {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

using ledger::Found;

template <class T>
Task<T> not_expected(T nothing) {
  ADD_FAILURE() << "the ledger was asked for something else";
  co_return nothing;
}

/// Answers a Play and the question after a run as the test says; nobody asks it anything else here.
/// No virtual coroutine is defined in the class: GCC 12 resumes those at the wrong address.
class ScriptedLedger final : public ledger::Ledger {
 public:
  std::function<ledger::Admission(const ledger::Play&)> on_play;
  std::function<std::optional<Run>(const RunId&)> on_run;
  std::atomic<int> plays = 0;
  std::atomic<int> alive = 0;        ///< workers
  std::atomic<bool> closed = false;  ///< Plays wait until it is opened

  void open() {
    const std::lock_guard lock{mutex_};
    closed = false;
    waiters_.wake_all();
  }

  Task<ledger::Admission> play(ledger::Play play) override;
  Task<std::optional<Run>> run(TenantId tenant, RunId id) override;
  Task<int> workers(milliseconds within) override;

  Task<ledger::Put> put(TenantId, CallSid, Registration, WallTime) override { return not_expected(ledger::Put{}); }
  Task<std::optional<Recording>> find(Key) override { return not_expected(std::optional<Recording>{}); }
  Task<result<ledger::Page<Recording>>> list(ledger::ListQuery) override {
    return not_expected(result<ledger::Page<Recording>>{});
  }
  Task<ledger::Leftovers> erase(TenantId, CallSid, std::optional<std::string>, WallTime) override {
    return not_expected(ledger::Leftovers{});
  }
  Task<ledger::Cancelled> cancel(TenantId, RunId, WallTime) override { return not_expected(ledger::Cancelled{}); }
  Task<std::vector<ledger::Claimed>> claim(int, int, milliseconds, WallTime) override {
    return not_expected(std::vector<ledger::Claimed>{});
  }
  Task<std::optional<WallTime>> next_due(WallTime) override { return not_expected(std::optional<WallTime>{}); }
  Task<bool> progress(ledger::Lease, Bytes, std::optional<Bytes>, milliseconds) override { return not_expected(false); }
  Task<bool> retry(ledger::Lease, Reason, Setback, WallTime, bool) override { return not_expected(false); }
  Task<bool> complete(ledger::Lease, Media, WallTime) override { return not_expected(false); }
  Task<bool> fail(ledger::Lease, Setback, WallTime) override { return not_expected(false); }
  Task<bool> disown(RecordingId, std::string) override { return not_expected(false); }
  Task<int> recover(WallTime) override { return not_expected(0); }
  Task<std::vector<ledger::Lease>> rescue(WallTime) override { return not_expected(std::vector<ledger::Lease>{}); }
  Task<std::vector<Recording>> expire(milliseconds, int, WallTime) override {
    return not_expected(std::vector<Recording>{});
  }
  Task<std::vector<ledger::Retired>> retire(milliseconds, int, WallTime) override {
    return not_expected(std::vector<ledger::Retired>{});
  }
  Task<bool> sign_of_life(std::string) override { return not_expected(false); }
  Task<result<ledger::Page<Run>>> runs(ledger::RunQuery) override { return not_expected(result<ledger::Page<Run>>{}); }
  Task<ledger::Counts> counts() override { return not_expected(ledger::Counts{}); }
  Task<result<ledger::Table>> query(std::string) override { return not_expected(result<ledger::Table>{}); }
  Task<int> played(std::vector<ledger::Played>) override { return not_expected(0); }
  Task<std::vector<ledger::Stored>> least_played(std::optional<ledger::Stored>, int) override {
    return not_expected(std::vector<ledger::Stored>{});
  }
  Task<ledger::Stretch> walk_files(RecordingId, int) override { return not_expected(ledger::Stretch{}); }
  Task<bool> announce(std::string) override { return not_expected(false); }
  Task<std::vector<std::string>> loose_files(bool, int) override { return not_expected(std::vector<std::string>{}); }
  Task<int> strike_files(std::vector<std::string>) override { return not_expected(0); }
  Task<std::vector<RunId>> active_runs() override { return not_expected(std::vector<RunId>{}); }
  Task<bool> node_lives() override { return not_expected(false); }
  Task<bool> node_leaves() override { return not_expected(false); }
  Task<std::optional<ledger::Whereabouts>> whereabouts(Key, milliseconds) override {
    return not_expected(std::optional<ledger::Whereabouts>{});
  }
  Task<bool> copied(RecordingId, std::string, WallTime) override { return not_expected(false); }
  Task<bool> made_durable(RecordingId, std::string) override { return not_expected(false); }
  Task<bool> lost(RecordingId, std::string, milliseconds) override { return not_expected(false); }

 private:
  std::mutex mutex_;
  Waiters waiters_{mutex_};
};

Task<ledger::Admission> ScriptedLedger::play(ledger::Play play) {
  ++plays;
  {
    std::unique_lock lock{mutex_};
    while (closed) co_await waiters_.wait(lock, never);
  }
  co_return on_play(play);
}

Task<std::optional<Run>> ScriptedLedger::run(TenantId, RunId id) { co_return on_run(id); }

Task<int> ScriptedLedger::workers(milliseconds) { co_return alive; }

class JoinTest : public testing::Test {
 protected:
  static Key key(const std::string& call_sid = "CA") {
    return {.tenant = TenantId{"acme"}, .call_sid = CallSid{call_sid}, .recording_sid = {}};
  }
  static Recording recording(int cycle = 1, RunStatus status = RunStatus::queued) {
    Recording made;
    made.id = RecordingId{"rec"};
    made.tenant = TenantId{"acme"};
    made.call_sid = CallSid{"CA"};
    made.cycle = cycle;
    made.run.emplace();
    made.run->id = RunId{"run-" + std::to_string(cycle)};
    made.run->cycle = cycle;
    made.run->status = status;
    return made;
  }
  static std::function<ledger::Admission(const ledger::Play&)> answering(Found found, const Recording& recording) {
    return [=](const ledger::Play&) {
      return ledger::Admission{.found = found, .recording = recording, .lease = {}, .retry_at = {}};
    };
  }
  /// The ledger's own word of a run.
  void say(RunStatus status) {
    ledger_.on_run = [status](const RunId& id) {
      auto run = recording(1, status).run.value();
      run.id = id;
      return std::optional{run};
    };
  }

  TempFolder folder_;
  blob::Store store_{folder_.path()};
  ScriptedLedger ledger_;
  Flights flights_;
  TestLoop one_;
  TestLoop two_;
  Offload disk_{1};
  Worker worker_{one_.loop(), ledger_, store_, disk_, flights_, {}, {}, Limits{}};
  Join join_{ledger_, flights_, worker_, Join::Admission{.works = false}};
};

TEST_F(JoinTest, AHundredPlaysAskTheDatabaseOnce) {
  ledger_.on_play = answering(Found::created, recording());
  say(RunStatus::queued);
  ledger_.closed = true;
  std::vector<std::future<Joined>> plays;
  for (int i = 0; i < 100; ++i) plays.push_back((i % 2 ? one_ : two_).start(join_.play(key(), true)));
  one_.settle();
  two_.settle();
  ledger_.open();
  std::set<std::shared_ptr<Flight>> flights;
  int created = 0;
  for (auto& play : plays) {
    const auto joined = play.get();
    flights.insert(joined.flight);
    created += joined.found == Found::created ? 1 : 0;
    EXPECT_TRUE(joined.found == Found::created || joined.found == Found::fetching);
  }
  EXPECT_EQ(ledger_.plays, 1);
  EXPECT_EQ(created, 1);
  EXPECT_EQ(flights.size(), 1U);
  EXPECT_FALSE((*flights.begin())->view().ended);
}

TEST_F(JoinTest, WhileItIsUnderWayNobodyAsks) {
  ledger_.on_play = answering(Found::created, recording());
  say(RunStatus::queued);
  const auto first = one_.run(join_.play(key(), true));
  for (const bool explicit_action : {true, false}) {
    const auto again = two_.run(join_.play(key(), explicit_action));
    EXPECT_EQ(again.found, Found::fetching);
    EXPECT_EQ(again.flight, first.flight);
    EXPECT_EQ(again.recording.id, first.recording.id);
    EXPECT_EQ(again.recording.run->id, first.recording.run->id);
  }
  EXPECT_EQ(ledger_.plays, 1);
  flights_.close(first.flight, recording(1, RunStatus::completed).run.value());
  ledger_.on_play = answering(Found::ready, recording());
  EXPECT_EQ(two_.run(join_.play(key(), true)).found, Found::ready);
  EXPECT_EQ(ledger_.plays, 2);
}

TEST_F(JoinTest, AnExceptionReachesAllAndTheNextPlayAsksAgain) {
  ledger_.on_play = [](const ledger::Play&) -> ledger::Admission { throw ledger::Unavailable{"down"}; };
  ledger_.closed = true;
  std::vector<std::future<Joined>> plays;
  for (int i = 0; i < 20; ++i) plays.push_back((i % 2 ? one_ : two_).start(join_.play(key(), true)));
  one_.settle();
  two_.settle();
  ledger_.open();
  for (auto& play : plays) EXPECT_THROW(play.get(), ledger::Unavailable);
  EXPECT_EQ(ledger_.plays, 1);
  EXPECT_TRUE(flights_.all().empty());

  ledger_.on_play = answering(Found::cold, recording());
  EXPECT_EQ(one_.run(join_.play(key(), true)).found, Found::cold);
}

TEST_F(JoinTest, WhoOnlyLooksNeitherAnswersNorIsAnswered) {
  ledger_.on_play = [](const ledger::Play& play) {
    return answering(play.explicit_action ? Found::created : Found::cold, recording())(play);
  };
  say(RunStatus::queued);
  ledger_.closed = true;
  auto looks = one_.start(join_.play(key(), false));
  auto presses = two_.start(join_.play(key(), true));
  auto looks_too = one_.start(join_.play(key(), false));
  one_.settle();
  two_.settle();
  EXPECT_EQ(ledger_.plays, 3);
  ledger_.open();
  EXPECT_EQ(looks.get().found, Found::cold);
  EXPECT_EQ(presses.get().found, Found::created);
  EXPECT_EQ(looks_too.get().found, Found::cold);
}

TEST_F(JoinTest, AnotherKeyIsAnotherQuestion) {
  ledger_.on_play = answering(Found::nothing, {});
  ledger_.closed = true;
  auto with_sid = key();
  with_sid.recording_sid = "RE";
  auto other_tenant = key();
  other_tenant.tenant = TenantId{"other"};
  auto a = one_.start(join_.play(key(), true));
  auto b = one_.start(join_.play(key("CB"), true));
  auto c = one_.start(join_.play(with_sid, true));
  auto d = one_.start(join_.play(other_tenant, true));
  one_.settle();
  EXPECT_EQ(ledger_.plays, 4);
  ledger_.open();
  for (auto* play : {&a, &b, &c, &d}) EXPECT_EQ(play->get().found, Found::nothing);
}

TEST_F(JoinTest, AdmissionIsAskedForAsConfigured) {
  ledger::Play seen;
  ledger_.on_play = [&seen](const ledger::Play& play) {
    seen = play;
    return ledger::Admission{};
  };
  Join join{ledger_,
            flights_,
            worker_,
            {.max_attempts = 7, .failure_cooldown = milliseconds{11}, .retention = milliseconds{13}, .works = true}};
  one_.run(join.play(key(), true));
  EXPECT_TRUE(seen.explicit_action);
  EXPECT_TRUE(seen.claim) << "a slot is free";
  EXPECT_EQ(seen.max_attempts, 7);
  EXPECT_EQ(seen.failure_cooldown, milliseconds{11});
  EXPECT_EQ(seen.retention, milliseconds{13});
  EXPECT_EQ(seen.key, key());
  one_.run(join.play(key(), false));
  EXPECT_FALSE(seen.claim) << "who only looks takes no slot";
  one_.run(join_.play(key(), true));
  EXPECT_FALSE(seen.claim) << "no worker here";
  worker_.drain();
  one_.run(join.play(key(), true));
  EXPECT_FALSE(seen.claim) << "the worker is stopping";
}

TEST_F(JoinTest, ARetryIsNotAnsweredWithWhatAPressFound) {
  std::vector<ledger::AskedBy> seen;
  ledger_.on_play = [&seen](const ledger::Play& play) {
    seen.push_back(play.asked_by);
    return answering(play.asked_by == ledger::AskedBy::retry ? Found::created : Found::cooling_down, recording())(play);
  };
  say(RunStatus::queued);
  ledger_.closed = true;
  auto press = one_.start(join_.play(key(), true));
  auto retry = one_.start(join_.play(key(), true, ledger::AskedBy::retry));
  one_.settle();
  ledger_.open();
  EXPECT_EQ(press.get().found, Found::cooling_down);
  EXPECT_EQ(retry.get().found, Found::created);
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(JoinTest, TheFirstPressOnWhatNobodyWaitedForAsksTheLedger) {
  auto background = recording();
  background.run->urgency = Urgency::background;
  ledger_.on_play = answering(Found::created, background);
  say(RunStatus::queued);
  const auto first = one_.run(join_.play(key(), true, ledger::AskedBy::fetch));
  one_.run(join_.play(key(), true, ledger::AskedBy::fetch));
  one_.run(join_.play(key(), false));
  EXPECT_EQ(ledger_.plays, 1);
  ledger_.on_play = answering(Found::fetching, recording());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(one_.run(join_.play(key(), true)).flight, first.flight);
  EXPECT_EQ(ledger_.plays, 2);
}

class JoinWithoutWorker : public JoinTest {
 protected:
  Join unmanned_{ledger_, flights_, worker_, {.works = false, .no_worker_after = milliseconds{0}}};
};

TEST_F(JoinWithoutWorker, AQueueThatNobodyWorksIsToldSo) {
  ledger_.on_play = answering(Found::created, recording());
  say(RunStatus::queued);
  EXPECT_TRUE(one_.run(unmanned_.play(key(), true)).unattended);
  EXPECT_TRUE(one_.run(unmanned_.play(key(), false)).unattended) << "also who joins";
  ledger_.alive = 1;
  EXPECT_FALSE(one_.run(unmanned_.play(key(), true)).unattended);
}

TEST_F(JoinWithoutWorker, WhatRunsIsInSomebodysHands) {
  ledger_.on_play = answering(Found::fetching, recording(1, RunStatus::running));
  say(RunStatus::running);
  EXPECT_FALSE(one_.run(unmanned_.play(key(), true)).unattended);
}

TEST_F(JoinWithoutWorker, AWorkerMayBeAboutToStart) {
  Join young{ledger_, flights_, worker_, {.works = false, .no_worker_after = std::chrono::minutes{1}}};
  ledger_.on_play = answering(Found::created, recording());
  say(RunStatus::queued);
  EXPECT_FALSE(one_.run(young.play(key(), true)).unattended);
}

TEST_F(JoinWithoutWorker, WhoWorksItselfNeedsNobody) {
  Join works{ledger_, flights_, worker_, {.works = true, .no_worker_after = milliseconds{0}}};
  worker_.drain();  // no place is free
  ledger_.on_play = answering(Found::created, recording());
  say(RunStatus::queued);
  EXPECT_FALSE(one_.run(works.play(key(), true)).unattended);
}

// The run was active when the database was asked, and ended before its flight could be seen: nobody would ever end it.
TEST_F(JoinTest, ARunThatHasEndedMeanwhileLeavesNoFlight) {
  ledger_.on_play = answering(Found::fetching, recording());
  say(RunStatus::failed);
  const auto joined = one_.run(join_.play(key(), true));
  EXPECT_TRUE(joined.flight->view().ended);
  EXPECT_EQ(joined.flight->view().run.status, RunStatus::failed);
  EXPECT_TRUE(flights_.all().empty());
  EXPECT_EQ(flights_.find(key()), nullptr);
}

TEST_F(JoinTest, ARunThatWasErasedMeanwhileIsCancelled) {
  ledger_.on_play = answering(Found::fetching, recording());
  ledger_.on_run = [](const RunId&) { return std::optional<onetake::Run>{}; };
  const auto joined = one_.run(join_.play(key(), true));
  EXPECT_TRUE(joined.flight->view().ended);
  EXPECT_EQ(joined.flight->view().run.status, RunStatus::cancelled);
  EXPECT_TRUE(flights_.all().empty());
}

TEST_F(JoinTest, ARunThatCannotBeAskedAfterLeavesNoFlight) {
  ledger_.on_play = answering(Found::fetching, recording());
  ledger_.on_run = [](const RunId&) -> std::optional<onetake::Run> { throw ledger::Unavailable{"down"}; };
  EXPECT_THROW(one_.run(join_.play(key(), true)), ledger::Unavailable);
  EXPECT_TRUE(flights_.all().empty());
}

TEST_F(JoinTest, AnAnswerThatComesLateDoesNotHideTheNextRun) {
  Recording next = recording(2, RunStatus::running);
  std::shared_ptr<Flight> newer;
  ledger_.on_play = [&](const ledger::Play& play) {
    newer = flights_.open(next, Flights::By::worker);  // cancelled and begun again while this answer is on its way
    return answering(Found::fetching, recording(1))(play);
  };
  say(RunStatus::cancelled);
  const auto joined = one_.run(join_.play(key(), true));
  EXPECT_NE(joined.flight, newer);
  EXPECT_TRUE(joined.flight->view().ended);
  EXPECT_EQ(flights_.find(next.id), newer);
  EXPECT_FALSE(newer->view().ended);
}

TEST_F(JoinTest, ARunThatTheWorkerHasIsJoinedWithoutAsking) {
  const auto flight = flights_.open(recording(1, RunStatus::running), Flights::By::worker);
  ledger_.on_play = answering(Found::fetching, recording(1, RunStatus::running));
  ledger_.on_run = [](const RunId&) {
    ADD_FAILURE() << "asked";
    return std::optional<onetake::Run>{};
  };
  EXPECT_EQ(one_.run(join_.play(key(), false)).flight, flight);
  EXPECT_EQ(flights_.find(key()), flight);
}

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
