#include "signal/play_key.hpp"

#include <gtest/gtest.h>

#include "base/test_loop.hpp"
#include "signal/test_redis.hpp"

namespace onetake::signal {
namespace {

/// Nodes that share one Redis, which other tests use at the same time: each test has a call of its own.
class PlayKeyTest : public testing::Test {
 protected:
  struct Node : test::PatientRedis {
    using test::PatientRedis::PatientRedis;
    PlayKey keys{redis};
  };

  std::optional<RunId> told(Node& node, Key key) { return loop_.run(node.keys.under_way(std::move(key))); }
  Reply says(const Command& command) const {
    RedisConnection line{address_, milliseconds{10'000}};
    return line.ask(command, in(milliseconds{10'000}));
  }

  const RedisAddress address_ = test::shared_redis();
  const Key key_{.tenant = TenantId{"acme"}, .call_sid = CallSid{uuid7()}, .recording_sid = {}};
  TestLoop loop_;
  Node one_{address_};
  Node two_{address_};
};

TEST_F(PlayKeyTest, TellsTheOtherNodeWhichRunIsUnderWay) {
  EXPECT_EQ(told(one_, key_), std::nullopt);
  one_.keys.begun(key_, RunId{"run-1"});
  EXPECT_EQ(told(one_, key_), RunId{"run-1"});  // and so it has arrived
  EXPECT_EQ(told(two_, key_), RunId{"run-1"});
  one_.keys.ended(key_, RunId{"run-1"});
  EXPECT_EQ(told(one_, key_), std::nullopt);
  EXPECT_EQ(told(two_, key_), std::nullopt);
}

TEST_F(PlayKeyTest, LivesForTwoMinutes) {
  one_.keys.begun(key_, RunId{"run-1"});
  ASSERT_EQ(told(one_, key_), RunId{"run-1"});
  const auto left = std::stoi(says({"PTTL", PlayKey::name(key_)}).text);
  EXPECT_GT(left, 0);
  EXPECT_LE(left, 120'000);
  EXPECT_GT(left, 60'000) << "of a machine that is a minute slow";
}

TEST_F(PlayKeyTest, AStaleEndLeavesTheNewerRunsKeyAlone) {
  one_.keys.begun(key_, RunId{"run-1"});
  ASSERT_EQ(told(one_, key_), RunId{"run-1"});
  two_.keys.begun(key_, RunId{"run-2"});
  ASSERT_EQ(told(two_, key_), RunId{"run-2"});
  one_.keys.ended(key_, RunId{"run-1"});
  EXPECT_EQ(told(one_, key_), RunId{"run-2"});
}

TEST_F(PlayKeyTest, AFlushedOneIsNotToldAndCanBeToldAgain) {
  one_.keys.begun(key_, RunId{"run-1"});
  ASSERT_EQ(told(one_, key_), RunId{"run-1"});
  says({"DEL", PlayKey::name(key_)});  // as a flush does, to this key alone
  says({"SCRIPT", "FLUSH"});
  EXPECT_EQ(told(two_, key_), std::nullopt);
  one_.keys.ended(key_, RunId{"run-1"});
  one_.keys.begun(key_, RunId{"run-1"});
  EXPECT_EQ(told(one_, key_), RunId{"run-1"});
}

TEST_F(PlayKeyTest, WhatSomebodyElseWroteThereIsNoRun) {
  says({"RPUSH", PlayKey::name(key_), "what"});
  EXPECT_EQ(told(one_, key_), std::nullopt);
  EXPECT_TRUE(one_.redis.here());
  says({"DEL", PlayKey::name(key_)});
}

TEST(PlayKeyName, KeepsTheKeysOfACallInOneSlot) {
  Key key{.tenant = TenantId{"acme"}, .call_sid = CallSid{"CA1"}, .recording_sid = {}};
  EXPECT_EQ(PlayKey::name(key), "onetake:play:{acme/CA1}");
  key.recording_sid = "";
  EXPECT_EQ(PlayKey::name(key), "onetake:play:{acme/CA1}:");
  key.recording_sid = "RE2";
  EXPECT_EQ(PlayKey::name(key), "onetake:play:{acme/CA1}:RE2");
}

}  // namespace
}  // namespace onetake::signal
