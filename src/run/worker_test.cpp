// What a worker does after each way in which an attempt may end.

#include <array>

#include "run/test_worker.hpp"

namespace onetake::run {
namespace {

using namespace test;
using testing::HasSubstr;

struct CauseRow {
  Cause cause;
  Then then;
  Reason reason;
};
constexpr std::array<CauseRow, 17> causes{{{Cause::not_ready, Then::later, Reason::not_ready},
                                           {Cause::throttled, Then::later, Reason::throttled},
                                           {Cause::unavailable, Then::soon, Reason::retrying},
                                           {Cause::unreachable, Then::soon, Reason::retrying},
                                           {Cause::interrupted, Then::soon, Reason::retrying},
                                           {Cause::stalled, Then::soon, Reason::retrying},
                                           {Cause::timed_out, Then::soon, Reason::retrying},
                                           {Cause::no_space, Then::later, Reason::retrying},
                                           {Cause::internal, Then::soon, Reason::retrying},
                                           {Cause::unauthorized, Then::not_again, {}},
                                           {Cause::forbidden, Then::not_again, {}},
                                           {Cause::missing, Then::not_again, {}},
                                           {Cause::gone, Then::not_again, {}},
                                           {Cause::wrong_content, Then::not_again, {}},
                                           {Cause::too_large, Then::not_again, {}},
                                           {Cause::refused, Then::not_again, {}},
                                           {Cause::overdue, Then::not_again, {}}}};
void PrintTo(const CauseRow& row, std::ostream* out) { *out << name(row.cause); }

class WorkerCause : public WorkerTest, public testing::WithParamInterface<CauseRow> {};

TEST_P(WorkerCause, IsFollowedByWhatItsRowSays) {
  const auto row = GetParam();
  provider_->will(refuses(row.cause, 418));
  provider_->will(sends(wav(1000)));
  const auto flight = play();
  const auto first = loop_.run(waiting(flight));
  EXPECT_EQ(first.run.setback->cause, row.cause);
  EXPECT_EQ(first.run.setback->provider_status, 418);
  if (row.then == Then::not_again) {
    EXPECT_EQ(end_of(flight).run.status, RunStatus::failed);
    const auto found = recording();
    EXPECT_EQ(found.state, row.cause == Cause::gone ? State::gone : State::failed);
    EXPECT_EQ(found.run->setback->cause, row.cause);
    EXPECT_EQ(found.run->setback->detail, "scripted");
    EXPECT_EQ(provider_->asked().size(), 1U);
    return;
  }
  EXPECT_FALSE(first.ended);
  EXPECT_EQ(first.run.status, RunStatus::queued);
  EXPECT_EQ(first.run.reason, row.reason);
  worker_->start();
  EXPECT_EQ(end_of(flight).run.status, RunStatus::completed) << "the same flight goes on";
  EXPECT_EQ(provider_->asked().size(), 2U);
  EXPECT_EQ(recording().state, State::ready);
  EXPECT_EQ(recording().run->attempt, row.then == Then::soon ? 2 : 1);
  EXPECT_EQ(recording().cycle, 1);
}
INSTANTIATE_TEST_SUITE_P(Table, WorkerCause, testing::ValuesIn(causes),
                         [](const auto& row) { return std::string{name(row.param.cause)}; });

TEST_F(WorkerTest, AttemptsThatCountAreUsedUp) {
  Limits limits;
  limits.backoff_initial = limits.backoff_max = milliseconds{0};
  work_with(limits, 3);
  worker_->start();
  for (int i = 0; i < 2; ++i) provider_->will(refuses(Cause::throttled, 429));
  const auto view = end_of(play());  // past its script the provider is unavailable
  EXPECT_EQ(view.run.status, RunStatus::failed);
  EXPECT_EQ(view.run.setback->cause, Cause::unavailable);
  EXPECT_EQ(provider_->asked().size(), 5U) << "two that do not count, three that do";
  EXPECT_EQ(recording().state, State::failed);
}

TEST_F(WorkerTest, NotReadyIsBelievedUntilNotReadyForHasPassed) {
  Limits limits;
  limits.not_ready_for = milliseconds{0};
  work_with(limits);
  provider_->will(refuses(Cause::not_ready, 404));
  const auto view = end_of(play());
  EXPECT_EQ(view.run.setback->cause, Cause::missing);
  EXPECT_EQ(view.run.setback->provider_status, 404);
}

TEST_F(WorkerTest, NotReadyCountsFromTheEndOfTheCallWhereThatIsKnown) {
  Registration said;
  said.started_at = wall_now() - std::chrono::hours{2};
  said.duration_seconds = 60;
  put("CLong", said);
  provider_->will(refuses(Cause::not_ready, 404));
  EXPECT_EQ(end_of(play("CLong")).run.setback->cause, Cause::missing);

  said.duration_seconds = 2 * 3600;
  put("CJust", said);
  provider_->will(refuses(Cause::not_ready, 404));
  const auto view = loop_.run(waiting(play("CJust")));
  EXPECT_FALSE(view.ended);
  EXPECT_EQ(view.run.reason, Reason::not_ready);
}

TEST_F(WorkerTest, WhatTheProviderAskedForIsWaitedFor) {
  const auto before = wall_now();
  provider_->will(refuses(Cause::throttled, 429, std::chrono::minutes{10}));
  const auto view = loop_.run(waiting(play()));
  EXPECT_GE(view.run.due_at.value(), before + std::chrono::minutes{10});
  settle();
  EXPECT_EQ(recording().run->due_at, view.run.due_at);
  EXPECT_TRUE(loop_.run(ledger_->claim(10, 10, milliseconds{1000}, view.run.due_at.value() - milliseconds{1})).empty());
}

class WorkerSharing : public WorkerTest {
 protected:
  WorkerSharing() {
    shares_ = true;
    work_with({});
  }
};

TEST_F(WorkerSharing, AnAccountThatAnotherNodeFoundClosedIsNotAsked) {
  limit_.word = {.setback = "theirs", .closed_for = std::chrono::minutes{10}};
  const auto before = wall_now();
  const auto view = loop_.run(waiting(play()));
  EXPECT_EQ(view.run.setback->cause, Cause::throttled);
  EXPECT_GE(view.run.due_at.value(), before + std::chrono::minutes{10});
  EXPECT_TRUE(provider_->asked().empty());
  settle();
}

TEST_F(WorkerSharing, A429IsToldToTheOtherNodes) {
  limit_.word = {.setback = "theirs"};
  provider_->will(refuses(Cause::throttled, 429, std::chrono::minutes{10}));
  loop_.run(waiting(play()));
  settle();
  ASSERT_EQ(limit_.told.size(), 1U);
  EXPECT_EQ(limit_.told[0], (ScriptedLimit::Told{acme, "main", "theirs", std::chrono::minutes{10}}));
}

TEST_F(WorkerSharing, WhereNobodyAnswersItGoesByItsOwnGate) {
  limit_.word = std::nullopt;
  provider_->will(refuses(Cause::throttled, 429));
  provider_->will(sends(test::wav(1000)));
  Limits at_once;
  at_once.backoff_initial = at_once.backoff_max = milliseconds{0};
  work_with(at_once);
  worker_->start();
  EXPECT_EQ(end_of(play()).run.status, RunStatus::completed);
  EXPECT_EQ(provider_->asked().size(), 2U);
}

TEST_F(WorkerTest, WhatWouldBeDuePastTheRunsDeadlineHasFailed) {
  Limits limits;
  limits.run_deadline = std::chrono::minutes{5};
  work_with(limits);
  provider_->will(refuses(Cause::throttled, 429, std::chrono::minutes{10}));
  const auto view = end_of(play());
  EXPECT_EQ(view.run.status, RunStatus::failed);
  EXPECT_EQ(view.run.setback->cause, Cause::overdue);
  EXPECT_THAT(view.run.setback->detail, HasSubstr("scripted"));
  EXPECT_EQ(view.run.setback->provider_status, 429);
}

TEST_F(WorkerTest, AProviderThatIsNotConfiguredAnyMoreIsAPermanentCause) {
  Registration said;
  said.provider = "former";
  put("CF", said);
  const auto view = end_of(play("CF"));
  EXPECT_EQ(view.run.setback->cause, Cause::refused);
  EXPECT_THAT(view.run.setback->detail, HasSubstr("former"));
}

}  // namespace
}  // namespace onetake::run
