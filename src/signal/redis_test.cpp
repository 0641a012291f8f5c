#include "signal/redis.hpp"

#include <gmock/gmock.h>

#include <condition_variable>

#include "base/test_loop.hpp"
#include "signal/test_redis.hpp"

namespace onetake::signal {
namespace {

/// What Redis tells of itself, to be waited for.
class Watch {
 public:
  Redis::Changed changed() {
    return [this](bool here) {
      const std::lock_guard lock{mutex_};
      all_.push_back(here);
      more_.notify_all();
    };
  }
  /// The `nth` change, from 1 on.
  bool nth(std::size_t n) {
    std::unique_lock lock{mutex_};
    more_.wait(lock, [&] { return all_.size() >= n; });
    return all_[n - 1];
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<bool> all_;
};

/// An answer may be as late as a busy machine makes it; what is not answered is told by a change of phase.
constexpr Redis::Timing patient{
    .answer = milliseconds{10'000}, .probe = milliseconds{5}, .probe_at_most = milliseconds{20}};
constexpr Redis::Timing hasty{.answer = milliseconds{40}, .probe = milliseconds{5}, .probe_at_most = milliseconds{20}};

class RedisTest : public testing::Test {
 protected:
  std::optional<std::string> ask(Redis& redis, Command command) {
    auto reply = loop_.run(redis.ask(std::move(command)));
    if (!reply || reply->kind != Reply::Kind::text) return std::nullopt;
    return reply->text;
  }

  TestLoop loop_;
  Watch watch_;
  test::RedisServer server_;
};

TEST_F(RedisTest, AnswersInOrder) {
  Redis redis{server_.address(), patient, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  std::vector<std::future<std::optional<Reply>>> answers;
  for (int i = 0; i < 500; ++i) answers.push_back(loop_.start(redis.ask({"ECHO", std::to_string(i)})));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)].get().value().text, std::to_string(i));
}

TEST_F(RedisTest, WhatIsToldComesBeforeWhatIsAskedNext) {
  Redis redis{server_.address(), patient, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  for (int i = 0; i < 100; ++i) redis.tell({"INCR", "count"});
  EXPECT_EQ(ask(redis, {"GET", "count"}), "100");
  EXPECT_EQ(ask(redis, {"GET", "other"}), std::nullopt);
}

TEST_F(RedisTest, AnErrorOfOneCommandIsNoAnswerAndNoFailure) {
  Redis redis{server_.address(), patient, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  redis.tell({"RPUSH", "list", "a"});
  EXPECT_EQ(ask(redis, {"GET", "list"}), std::nullopt);
  EXPECT_TRUE(redis.here());
  EXPECT_EQ(ask(redis, {"ECHO", "still"}), "still");
}

TEST_F(RedisTest, WhatIsNotThereIsAwayAtOnceAndFoundLater) {
  server_.kill();
  Redis redis{server_.address(), patient, watch_.changed()};
  EXPECT_EQ(ask(redis, {"ECHO", "a"}), std::nullopt);
  redis.tell({"ECHO", "a"});
  EXPECT_FALSE(watch_.nth(1));
  server_.start_again();
  EXPECT_TRUE(watch_.nth(2));
  EXPECT_EQ(ask(redis, {"ECHO", "b"}), "b");
}

TEST_F(RedisTest, AKilledOneIsNoticedWithoutAQuestionAndFoundAgain) {
  Redis redis{server_.address(), patient, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  for (std::size_t change = 2; change < 6; change += 2) {
    server_.kill();
    EXPECT_FALSE(watch_.nth(change));
    EXPECT_EQ(ask(redis, {"ECHO", "a"}), std::nullopt);
    server_.start_again();
    EXPECT_TRUE(watch_.nth(change + 1));
    EXPECT_EQ(ask(redis, {"ECHO", "b"}), "b");
  }
}

TEST_F(RedisTest, AMuteOneIsWaitedForOnce) {
  Redis redis{server_.address(), hasty, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  server_.pause();
  std::vector<std::future<std::optional<Reply>>> together;
  for (int i = 0; i < 20; ++i) together.push_back(loop_.start(redis.ask({"ECHO", "a"})));
  for (auto& one : together) EXPECT_EQ(one.get(), std::nullopt);
  EXPECT_FALSE(watch_.nth(2));
  // Nobody waits any more, though probes go on: two thousand waits of 40 ms would outlast the test.
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(ask(redis, {"ECHO", "b"}), std::nullopt);
  server_.go_on();
  EXPECT_TRUE(watch_.nth(3));
}

TEST_F(RedisTest, ASlowOneAnswersOnce) {
  Redis redis{server_.address(), {.answer = milliseconds{4'000}, .probe = milliseconds{5}}, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  server_.says({"CLIENT", "PAUSE", "2500", "ALL"});
  EXPECT_EQ(ask(redis, {"ECHO", "a"}), "a");
  EXPECT_FALSE(watch_.nth(2));
  EXPECT_TRUE(watch_.nth(3));
}

TEST_F(RedisTest, AMuteOneIsNoticedByItsSignOfLife) {
  auto timing = hasty;
  timing.idle = milliseconds{10};
  Redis redis{server_.address(), timing, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  server_.pause();
  EXPECT_FALSE(watch_.nth(2));
  server_.go_on();
  EXPECT_TRUE(watch_.nth(3));
}

TEST_F(RedisTest, OneThatIsFlushedIsHere) {
  Redis redis{server_.address(), patient, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  redis.tell({"SET", "a", "1"});
  EXPECT_EQ(ask(redis, {"GET", "a"}), "1");
  server_.says({"FLUSHALL"});
  EXPECT_EQ(ask(redis, {"GET", "a"}), std::nullopt);
  EXPECT_TRUE(redis.here());
}

TEST_F(RedisTest, AReplicaIsAwayUntilItCanWrite) {
  const test::RedisServer primary;
  Redis redis{server_.address(), patient, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  server_.says({"REPLICAOF", primary.address().host, std::to_string(primary.address().port)});
  EXPECT_EQ(ask(redis, {"SET", "a", "1"}), std::nullopt);
  EXPECT_FALSE(watch_.nth(2));
  EXPECT_EQ(ask(redis, {"GET", "a"}), std::nullopt);
  server_.says({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(watch_.nth(3));
}

TEST_F(RedisTest, AFullOneIsAwayUntilThereIsRoom) {
  Redis redis{server_.address(), patient, watch_.changed()};
  ASSERT_TRUE(watch_.nth(1));
  server_.says({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(ask(redis, {"SET", "a", "1"}), std::nullopt);
  EXPECT_FALSE(watch_.nth(2));
  server_.says({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(watch_.nth(3));
}

TEST_F(RedisTest, WhoWaitsWhileItEndsIsTold) {
  auto redis = std::make_unique<Redis>(server_.address(), patient, watch_.changed());
  ASSERT_TRUE(watch_.nth(1));
  server_.pause();
  auto waiting = loop_.start(redis->ask({"ECHO", "a"}));
  loop_.settle();
  redis.reset();
  EXPECT_EQ(waiting.get(), std::nullopt);
}

TEST(RedisLogin, IsMadeWithUserPasswordAndDatabase) {
  const test::RedisServer server;
  server.says({"ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all"});
  server.says({"ACL", "SETUSER", "default", "resetpass", "off"});
  auto address = server.address();
  EXPECT_THAT(what_is_wrong_with(address).value_or(""), testing::HasSubstr("NOAUTH"));
  address.user = "app";
  address.password = "wrong";
  EXPECT_THAT(what_is_wrong_with(address).value_or(""), testing::HasSubstr("WRONGPASS"));
  address.password = "secret";
  EXPECT_EQ(what_is_wrong_with(address), std::nullopt);
  address.db = 99;
  EXPECT_THAT(what_is_wrong_with(address).value_or(""), testing::HasSubstr("DB index is out of range"));
}

}  // namespace
}  // namespace onetake::signal
