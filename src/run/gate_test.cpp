#include "run/gate.hpp"

#include <gmock/gmock.h>

namespace onetake::run {
namespace {

using testing::ElementsAre;
using testing::Pair;

class GateTest : public testing::Test {
 protected:
  /// For a recording of its own, unless said otherwise.
  std::optional<Gate::Pass> enter(const std::string& recording = {}) {
    auto entered = gate_->enter(RecordingId{recording.empty() ? std::to_string(++recordings_) : recording});
    if (entered) return std::move(*entered);
    refused_ = entered.error();
    return std::nullopt;
  }
  /// As many as are let in.
  std::vector<Gate::Pass> fill() {
    std::vector<Gate::Pass> inside;
    while (auto pass = enter()) inside.push_back(std::move(*pass));
    return inside;
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) enter().value().failed(Cause::unavailable, {});
  }

  Monotonic::time_point now_{};
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>(Gate::Limits{.most = 8,
                                                                    .failures = 3,
                                                                    .failures_of_one = 2,
                                                                    .open_for = milliseconds{100},
                                                                    .open_for_at_most = milliseconds{300}},
                                                       [this] { return now_; });
  Gate::Refusal refused_{};
  int recordings_ = 0;
};

TEST_F(GateTest, LetsInAsManyAsTheLimit) {
  auto inside = fill();
  EXPECT_EQ(inside.size(), 8u);
  EXPECT_EQ(refused_.reason, Reason::throttled);
  inside.pop_back();
  EXPECT_TRUE(enter());
}

TEST_F(GateTest, IsHalvedOnceForWhatWasUnderWayTogether) {
  auto inside = fill();
  for (auto& pass : inside) pass.failed(Cause::throttled, {});
  EXPECT_EQ(gate_->view().limit, 4);
  auto fewer = fill();
  EXPECT_EQ(fewer.size(), 4u);
  fewer.front().failed(Cause::throttled, {});
  EXPECT_EQ(gate_->view().limit, 2);
}

TEST_F(GateTest, NeverClosesByTheLimitAlone) {
  for (int i = 0; i < 9; ++i) enter().value().failed(Cause::throttled, {});
  EXPECT_EQ(gate_->view().limit, 1);
  EXPECT_TRUE(enter());
}

TEST_F(GateTest, RecoversByOneForEveryLimitsWorthOfAnswers) {
  fill().front().failed(Cause::throttled, {});
  ASSERT_EQ(gate_->view().limit, 4);
  for (int i = 0; i < 5; ++i) enter().value().succeeded();
  EXPECT_EQ(gate_->view().limit, 5);
  for (int i = 0; i < 100; ++i) enter().value().succeeded();
  EXPECT_EQ(gate_->view().limit, 8) << "and not above what is allowed";
}

TEST_F(GateTest, WaitsAsLongAsItWasAskedTo) {
  enter().value().failed(Cause::throttled, milliseconds{700});
  EXPECT_FALSE(enter());
  EXPECT_EQ(refused_.again_in, milliseconds{700});
  EXPECT_EQ(refused_.reason, Reason::throttled);
  now_ += milliseconds{700};
  EXPECT_TRUE(enter());
}

TEST_F(GateTest, WaitsAsLongAsAnotherNodeWasAskedTo) {
  gate_->hear({.setback = "a", .closed_for = milliseconds{700}});
  gate_->hear({.setback = "a", .closed_for = milliseconds{200}});  // an answer that overtook the other
  EXPECT_FALSE(enter());
  EXPECT_EQ(refused_.again_in, milliseconds{700});
  EXPECT_EQ(refused_.reason, Reason::throttled);
  now_ += milliseconds{700};
  EXPECT_TRUE(enter());
}

TEST_F(GateTest, IsHalvedOnceForEachSetbackOfAnotherNode) {
  auto inside = fill();
  gate_->hear({.setback = "a"});
  gate_->hear({.setback = "a"});
  EXPECT_EQ(gate_->view().limit, 4);
  inside.back().failed(Cause::throttled, {});
  EXPECT_EQ(gate_->view().limit, 4) << "it was under way together with the other node's";
  gate_->hear({});  // forgotten
  EXPECT_EQ(gate_->view().limit, 4);
  inside.clear();
  inside = fill();
  gate_->hear({.setback = "b"});
  EXPECT_EQ(gate_->view().limit, 2);
}

TEST_F(GateTest, WhoSendsNothingIsNotHalvedByAnotherNodesSetback) {
  gate_->hear({.setback = "a"});
  EXPECT_EQ(gate_->view().limit, 8);
}

TEST_F(GateTest, ItsOwnSetbackIsNoNews) {
  auto inside = fill();
  EXPECT_EQ(inside.front().heard(), "");
  inside.front().is_known_as("ours");
  inside.front().failed(Cause::throttled, {});
  gate_->hear({.setback = "ours"});
  EXPECT_EQ(gate_->view().limit, 4);
  inside.clear();
  EXPECT_EQ(enter().value().heard(), "ours");
}

TEST_F(GateTest, ItsOwnSetbackThatIsHeardBeforeItIsToldHalvesOnce) {
  auto inside = fill();
  gate_->hear({.setback = "ours"});  // another attempt asked just then
  inside.front().is_known_as("ours");
  inside.front().failed(Cause::throttled, {});
  EXPECT_EQ(gate_->view().limit, 4);
}

TEST_F(GateTest, OpensAfterFailuresInARow) {
  fail(2);
  enter().value().succeeded();
  fail(2);
  enter().value().failed(Cause::missing, {});  // no recording, but an answer
  fail(2);
  EXPECT_FALSE(gate_->view().open);
  fail(1);
  EXPECT_TRUE(gate_->view().open);
  EXPECT_FALSE(enter());
  EXPECT_EQ(refused_.again_in, milliseconds{100});
  EXPECT_EQ(refused_.reason, Reason::retrying);
}

TEST_F(GateTest, ABadRecordingIsNoBadProvider) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(enter("bad").value().failed(Cause::unavailable, {}), Gate::Circuit::as_it_was);
  EXPECT_FALSE(gate_->view().open);
  EXPECT_EQ(enter("another").value().failed(Cause::unavailable, {}), Gate::Circuit::opened);
  now_ += milliseconds{100};
  EXPECT_EQ(enter("bad").value().failed(Cause::unavailable, {}), Gate::Circuit::as_it_was) << "open it stays";
  now_ += milliseconds{200};
  EXPECT_EQ(enter("another").value().failed(Cause::missing, {}), Gate::Circuit::closed);
  EXPECT_EQ(enter("another").value().succeeded(), Gate::Circuit::as_it_was);
}

TEST_F(GateTest, WhatIsOurDoingTellsNothing) {
  fail(2);
  enter().value().failed(Cause::no_space, {});
  EXPECT_TRUE(enter());  // and is stopped
  fail(1);
  EXPECT_TRUE(gate_->view().open);
}

TEST_F(GateTest, LetsOneThroughAndCloses) {
  fail(3);
  now_ += milliseconds{100};
  auto probe = enter();
  ASSERT_TRUE(probe);
  EXPECT_FALSE(enter()) << "one at a time";
  probe->succeeded();
  EXPECT_FALSE(gate_->view().open);
  EXPECT_EQ(fill().size(), 8u);
}

TEST_F(GateTest, AStoppedOneMakesRoomForAnother) {
  fail(3);
  now_ += milliseconds{100};
  enter().reset();
  EXPECT_TRUE(enter());
}

TEST_F(GateTest, WaitsTwiceAsLongEachTime) {
  fail(3);
  for (const int wait : {100, 200, 300, 300}) {
    EXPECT_FALSE(enter());
    EXPECT_EQ(refused_.again_in, milliseconds{wait});
    now_ += milliseconds{wait};
    fail(1);
  }
}

TEST_F(GateTest, WhoEnteredBeforeItOpenedDoesNotProlongIt) {
  auto late = enter();
  fail(3);
  late->failed(Cause::stalled, {});
  EXPECT_FALSE(enter());
  EXPECT_EQ(refused_.again_in, milliseconds{100});
}

TEST(GatesTest, AreOneAnAccountAndTellWhichAreOpen) {
  Gates gates{{.failures = 1}};
  const auto ours = gates.of(TenantId{"acme"}, "main", "twilio");
  EXPECT_EQ(gates.of(TenantId{"acme"}, "main", "twilio"), ours);
  EXPECT_NE(gates.of(TenantId{"globex"}, "main", "twilio"), ours);
  EXPECT_THAT(gates.circuits(), ElementsAre(Pair("twilio", false)));
  gates.of(TenantId{"globex"}, "main", "twilio")->enter(RecordingId{"1"}).value().failed(Cause::unreachable, {});
  EXPECT_THAT(gates.circuits(), ElementsAre(Pair("twilio", true)));
}

}  // namespace
}  // namespace onetake::run
