#include "run/join.hpp"

#include <future>
#include <set>

#include "run/test_join.hpp"

namespace onetake::run {
namespace {

using namespace test;
using ledger::Found;

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

// The answer to a Play that began a fetch is one statement old: what becomes of its run, `Lookout` tells.
TEST_F(JoinWithoutWorker, WhoHasBegunAFetchDoesNotAskAfterIt) {
  ledger_.alive = 1;
  ledger_.on_play = answering(Found::created, recording());
  ledger_.on_run = [](const RunId&) {
    ADD_FAILURE() << "asked";
    return std::optional<onetake::Run>{};
  };
  const auto joined = one_.run(unmanned_.play(key(), true));
  EXPECT_FALSE(joined.unattended);
  EXPECT_EQ(flights_.find(key()), joined.flight);
  ledger_.alive = 0;
  EXPECT_FALSE(one_.run(unmanned_.play(key(), true)).unattended) << "somebody was there a moment ago";
}

TEST_F(JoinWithoutWorker, WhatWasCalledOffBeforeItCouldBeSeenHasEnded) {
  ledger_.alive = 1;
  ledger_.on_play = [this](const ledger::Play& play) {
    flights_.call_off({RunId{"run-1"}});
    return answering(Found::created, recording())(play);
  };
  const auto joined = one_.run(unmanned_.play(key(), true));
  EXPECT_TRUE(joined.flight->view().ended);
  EXPECT_EQ(joined.flight->view().run.status, RunStatus::cancelled);
  EXPECT_TRUE(flights_.all().empty());
}

TEST_F(JoinWithoutWorker, WhoIsOvertakenByTheNextRunAsksAgain) {
  ledger_.alive = 1;
  std::shared_ptr<Flight> newer;
  ledger_.on_play = [&](const ledger::Play& play) {
    newer = flights_.open(recording(2), Flights::By::onlooker);
    return answering(Found::created, recording(1))(play);
  };
  const auto joined = one_.run(unmanned_.play(key(), true));
  EXPECT_TRUE(joined.flight->view().ended);
  EXPECT_EQ(flights_.find(RecordingId{"rec"}), newer);
  EXPECT_FALSE(newer->view().ended);
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

}  // namespace
}  // namespace onetake::run
