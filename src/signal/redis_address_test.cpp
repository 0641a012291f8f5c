#include "signal/redis_address.hpp"

#include <gmock/gmock.h>

namespace onetake::signal {
namespace {

using testing::HasSubstr;

TEST(RedisAddress, IsReadWithItsDefaults) {
  EXPECT_EQ(RedisAddress::parse("redis://cache").value(), (RedisAddress{.host = "cache"}));
  EXPECT_EQ(RedisAddress::parse("redis://127.0.0.1:6380/").value(), (RedisAddress{.host = "127.0.0.1", .port = 6380}));
  EXPECT_EQ(RedisAddress::parse("redis://[::1]:7000/3").value(), (RedisAddress{.host = "::1", .port = 7000, .db = 3}));
}

TEST(RedisAddress, HasALoginWhosePasswordMayHoldAnything) {
  EXPECT_EQ(RedisAddress::parse("redis://app:p%40ss%2Fw@h:1/2").value(),
            (RedisAddress{.host = "h", .port = 1, .user = "app", .password = "p@ss/w", .db = 2}));
  EXPECT_EQ(RedisAddress::parse("redis://:only@h").value(), (RedisAddress{.host = "h", .password = "only"}));
}

TEST(RedisAddress, SaysThatThereIsNoTls) {
  EXPECT_THAT(RedisAddress::parse("rediss://h").error(), HasSubstr("TLS to Redis is not supported"));
}

TEST(RedisAddress, RefusesEverythingElseAndKeepsThePasswordToItself) {
  for (const auto* url : {"", "cache:6379", "http://h", "redis://", "redis://:6379", "redis://h:", "redis://h:0",
                          "redis://h:65536", "redis://h:x", "redis://h/x", "redis://h/-1", "redis://user@h",
                          "redis://user:@h", "redis://u:%zz@h", "redis://[::1", "redis://a b", "redis://h/0/1"})
    EXPECT_FALSE(RedisAddress::parse(url)) << url;
  EXPECT_EQ(RedisAddress::parse("redis://u:secret@h:x").error().find("secret"), std::string::npos);
}

TEST(RedisAddress, IsShownWithoutItsPassword) {
  EXPECT_EQ(RedisAddress::parse("redis://u:secret@h/4").value().shown(), "h:6379/4");
  EXPECT_EQ(RedisAddress::parse("redis://[::1]").value().shown(), "[::1]:6379/0");
}

}  // namespace
}  // namespace onetake::signal
