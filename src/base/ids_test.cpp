#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "base/clock.hpp"

namespace onetake {
namespace {

TEST(Uuid7, HasTheFormOfVersion7) {
  const auto id = uuid7();
  ASSERT_EQ(id.size(), 36U);
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      EXPECT_EQ(id[i], '-');
    } else {
      EXPECT_NE(std::string_view{"0123456789abcdef"}.find(id[i]), std::string_view::npos) << id;
    }
  }
  EXPECT_EQ(id[14], '7') << id;
  EXPECT_NE(std::string_view{"89ab"}.find(id[19]), std::string_view::npos) << id;
}

TEST(Uuid7, BeginsWithTheTime) {
  const auto before = wall_now().time_since_epoch().count();
  const auto id = uuid7();
  const auto text = id.substr(0, 8) + id.substr(9, 4);
  std::int64_t ms = 0;
  std::from_chars(text.data(), text.data() + text.size(), ms, 16);
  EXPECT_GE(ms, before);
  // Never ahead of the clock by more than the ids of this process: 4096 of them are a millisecond.
  EXPECT_LE(ms, wall_now().time_since_epoch().count() + 1000);
}

TEST(Uuid7, LaterOnesSortAfterEarlierOnesWithinAMillisecond) {
  std::vector<std::string> ids(20'000);
  std::ranges::generate(ids, [] { return uuid7(); });
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  EXPECT_EQ(std::ranges::adjacent_find(ids), ids.end());
}

TEST(Uuid7, EachThreadSeesItsOwnSortedAndAllDiffer) {
  constexpr std::size_t each = 5'000;
  std::vector<std::vector<std::string>> made(4, std::vector<std::string>(each));
  std::latch ready{4};
  {
    std::vector<std::jthread> threads;
    for (auto& ids : made)
      threads.emplace_back([&ids, &ready] {
        ready.arrive_and_wait();
        std::ranges::generate(ids, [] { return uuid7(); });
      });
  }
  std::set<std::string> all;
  for (const auto& ids : made) {
    EXPECT_TRUE(std::ranges::is_sorted(ids));
    all.insert(ids.begin(), ids.end());
  }
  EXPECT_EQ(all.size(), 4 * each);
  // What one thread has made when another begins sorts before.
  EXPECT_GT(uuid7(), *all.rbegin());
}

TEST(Uuid7, OfAGivenMomentSortsByIt) {
  const auto now = wall_now();
  const auto later = uuid7(now + std::chrono::hours{1});
  uuid7();
  EXPECT_LT(later, uuid7(now)) << "later calls sort after earlier ones all the same";
  EXPECT_GT(uuid7(now + std::chrono::hours{2}), later);
  EXPECT_LT(uuid7(), later) << "our own clock is another";
}

TEST(CallSid, TakesSixtyFourOfItsCharacters) {
  EXPECT_TRUE(valid_call_sid("C"));
  EXPECT_TRUE(valid_call_sid("CA0123456789abcdef0123456789ABCDEF"));
  EXPECT_TRUE(valid_call_sid("-a_b.c-"));
  EXPECT_TRUE(valid_call_sid("a."));
  EXPECT_TRUE(valid_call_sid(std::string(64, 'x')));
}

TEST(CallSid, TakesNothingElse) {
  EXPECT_FALSE(valid_call_sid(""));
  EXPECT_FALSE(valid_call_sid(std::string(65, 'x')));
  EXPECT_FALSE(valid_call_sid(".a"));
  EXPECT_FALSE(valid_call_sid(".."));
  for (const std::string_view text : {"a/b", "a b", "a%41", "a\n", "a:b", "a+b", "a\\b", "\xd7\xa9", "a\x7f"})
    EXPECT_FALSE(valid_call_sid(text)) << text;
  EXPECT_FALSE(valid_call_sid(std::string_view{"a\0b", 3}));
}

TEST(Ids, OneKindIsNotAnother) {
  static_assert(!std::is_convertible_v<std::string, TenantId>);
  static_assert(!std::is_constructible_v<TenantId, RunId>);
  EXPECT_TRUE(TenantId{}.empty());
  EXPECT_LT(TenantId{"a"}, TenantId{"b"});
  EXPECT_EQ(std::hash<RunId>{}(RunId{"x"}), std::hash<RunId>{}(RunId{"x"}));
}

}  // namespace
}  // namespace onetake
