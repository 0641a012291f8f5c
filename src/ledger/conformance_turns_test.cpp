// Whose turn it is.

#include <gmock/gmock.h>

#include "ledger/conformance.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Play by(AskedBy who, Play press) {
  press.asked_by = who;
  return press;
}

// What one tenant has piled up is not what another one waits for.
TEST_P(Conformance, TenThousandOfOneTenantDelayAnotherByOneClaim) {
  constexpr int many = 10'000;
  std::vector<std::future<Put>> puts;
  for (int i = 0; i < many; ++i)
    puts.push_back(loop_.start(ledger_->put(acme, CallSid{"CA" + std::to_string(i)}, source(), at(0))));
  for (auto& each : puts) each.get();
  std::vector<std::future<Admission>> plays;
  for (int i = 0; i < many; ++i) plays.push_back(loop_.start(ledger_->play(pressed("CA" + std::to_string(i), at(i)))));
  for (auto& each : plays) each.get();
  EXPECT_THAT(calls(claim(1, at(many))), ElementsAre("CA0"));

  theirs("CB", at(many));

  std::vector<std::string> next;
  for (int i = 0; i < 2; ++i)
    for (const auto& call : calls(claim(1, at(many)))) next.push_back(call);
  EXPECT_THAT(next, testing::Contains("CB"));
}

TEST_P(Conformance, TenantsTakeTurns) {
  for (const std::string call : {"CA1", "CA2", "CA3"}) {
    put(call);
    play(pressed(call, at(1)));
  }
  for (const std::string call : {"CB1", "CB2"}) theirs(call, at(2));

  std::vector<std::string> order;
  for (int i = 0; i < 5; ++i)
    for (const auto& call : calls(claim(1, at(10)))) order.push_back(call);
  EXPECT_THAT(order, ElementsAre("CA1", "CB1", "CA2", "CB2", "CA3"));
}

TEST_P(Conformance, TurnsAreTakenWithinOneClaimToo) {
  for (const std::string call : {"CA1", "CA2", "CA3"}) {
    put(call);
    play(pressed(call, at(1)));
  }
  theirs("CB1", at(2));
  EXPECT_THAT(calls(claim(3, at(10))), ElementsAre("CA1", "CB1", "CA2"));
  reopen();
  theirs("CB2", at(3));
  EXPECT_THAT(calls(claim(1, at(10))), ElementsAre("CB2")) << "acme had the last turn";
}

TEST_P(Conformance, APressComesBeforeARetryAndThatBeforeTheRest) {
  for (const std::string call : {"CA-fetch", "CA-retry", "CA-play", "CA-again"}) put(call);
  play(by(AskedBy::fetch, pressed("CA-fetch", at(1))));
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA-retry", at(1))).lease, Cause::forbidden));
  play(retried("CA-retry", at(2)));
  ASSERT_TRUE(retry(*play(pressed_and_claimed("CA-again", at(1))).lease, true, at(3)));
  play(pressed("CA-play", at(4)));

  EXPECT_THAT(calls(claim(10, at(10))), ElementsAre("CA-play", "CA-retry", "CA-again", "CA-fetch"));
}

TEST_P(Conformance, APressThatJoinsMakesItUrgent) {
  for (const std::string call : {"CA1", "CA2", "CA3"}) {
    put(call);
    play(by(AskedBy::fetch, pressed(call, at(1))));
  }
  auto look = pressed("CA1", at(2));
  look.explicit_action = false;
  play(look);
  play(by(AskedBy::fetch, pressed("CA2", at(2))));
  const auto joined = play(pressed("CA3", at(2)));

  EXPECT_EQ(joined.found, Found::fetching);
  EXPECT_EQ(joined.recording.run->urgency, Urgency::play);
  EXPECT_THAT(calls(claim(10, at(10))), ElementsAre("CA3", "CA1", "CA2"));
}

TEST_P(Conformance, WhatIsGivenBackUntriedKeepsItsTurn) {
  for (const std::string call : {"CA1", "CA2"}) put(call);
  const auto lease = play(pressed_and_claimed("CA1", at(1))).lease.value();
  play(pressed("CA2", at(2)));
  ASSERT_TRUE(loop_.run(ledger_->retry(lease, Reason::queued, {Cause::internal, "the server stopped"}, at(1), false)));
  EXPECT_THAT(calls(claim(1, at(10))), ElementsAre("CA1"));
}

TEST_P(Conformance, WhoHasAllThatItMayHaveHoldsUpNobody) {
  for (const std::string call : {"CA1", "CA2"}) {
    put(call);
    play(pressed(call, at(1)));
  }
  theirs("CB1", at(2));
  EXPECT_THAT(calls(claim(1, at(10), 1)), ElementsAre("CA1"));
  EXPECT_THAT(calls(claim(10, at(10), 1)), ElementsAre("CB1"));
  EXPECT_THAT(claim(10, at(10), 1), IsEmpty());
}

}  // namespace
}  // namespace onetake::ledger
