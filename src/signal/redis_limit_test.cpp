#include "signal/redis_limit.hpp"

#include <gtest/gtest.h>

#include "base/test_loop.hpp"
#include "signal/test_redis.hpp"

namespace onetake::signal {
namespace {

using std::chrono::minutes;
using Word = SharedLimit::Word;

/// Two nodes, one Redis; each test has an account of its own.
class RedisLimitTest : public testing::Test {
 protected:
  struct Node : test::PatientRedis {
    using test::PatientRedis::PatientRedis;
    RedisLimit limit{redis};
  };

  Word heard(Node& node) { return loop_.run(node.limit.hear(account_)).value(); }
  std::string tell(Node& node, const std::string& heard, std::optional<milliseconds> retry_after = {}) {
    return loop_.run(node.limit.throttled(account_, heard, retry_after)).value();
  }
  std::string says(const Command& command) const {
    RedisConnection line{address_, milliseconds{10'000}};
    return line.ask(command, in(milliseconds{10'000})).text;
  }

  const RedisAddress address_ = test::shared_redis();
  const SharedLimit::Account account_{.tenant = TenantId{"acme"}, .provider = uuid7()};
  TestLoop loop_;
  Node one_{address_};
  Node two_{address_};
};

TEST_F(RedisLimitTest, NothingIsKnownOfAnAccountThatWasNeverThrottled) {
  EXPECT_EQ(heard(one_).setback, "");
  EXPECT_EQ(heard(one_).closed_for, milliseconds{0});
}

TEST_F(RedisLimitTest, TheOtherNodeHearsOfIt) {
  const auto setback = tell(one_, "", minutes{10});
  EXPECT_NE(setback, "");
  EXPECT_EQ(heard(two_).setback, setback);
  EXPECT_GT(heard(two_).closed_for, minutes{9});
  EXPECT_LE(heard(two_).closed_for, minutes{10});
}

TEST_F(RedisLimitTest, WhatWasUnderWayTogetherIsOneSetback) {
  const auto first = tell(one_, "");
  EXPECT_EQ(tell(two_, ""), first) << "it had not heard of the first when it set out";
  const auto second = tell(two_, first);
  EXPECT_NE(second, first);
  EXPECT_EQ(heard(one_).setback, second);
}

TEST_F(RedisLimitTest, AWaitIsMadeLongerNeverShorter) {
  const auto first = tell(one_, "", minutes{10});
  tell(two_, first, minutes{1});
  EXPECT_GT(heard(one_).closed_for, minutes{9});
  tell(two_, "", minutes{20});
  EXPECT_GT(heard(one_).closed_for, minutes{19});
}

TEST_F(RedisLimitTest, WithoutRetryAfterNobodyIsKeptOut) {
  tell(one_, "");
  EXPECT_EQ(heard(two_).closed_for, milliseconds{0});
}

TEST_F(RedisLimitTest, WhatIsToldIsForgotten) {
  tell(one_, "", minutes{10});
  const auto name = "onetake:limit:{acme/" + account_.provider + "}:";
  const auto setback_left = std::stoi(says({"PTTL", name + "setback"}));
  EXPECT_GT(setback_left, 0);
  EXPECT_LE(setback_left, 60'000);
  EXPECT_GT(std::stoi(says({"PTTL", name + "closed"})), 60'000);
  says({"DEL", name + "setback", name + "closed"});  // as a flush does
  EXPECT_EQ(heard(two_).setback, "");
  EXPECT_EQ(heard(two_).closed_for, milliseconds{0});
}

TEST(RedisLimitAway, NobodyAnswers) {
  TestLoop loop;
  Redis redis{{.host = "127.0.0.1", .port = 1}};
  RedisLimit limit{redis};
  const SharedLimit::Account account{.tenant = TenantId{"acme"}, .provider = "main"};
  EXPECT_FALSE(loop.run(limit.hear(account)));
  EXPECT_FALSE(loop.run(limit.throttled(account, "", {})));
}

}  // namespace
}  // namespace onetake::signal
