#include "blob/space.hpp"

#include <gtest/gtest.h>

namespace onetake::blob {
namespace {

TEST(Space, IsSpokenForBeforeItIsWritten) {
  Space space{100};
  Space::Claim first{space};
  EXPECT_TRUE(first.reach(60));
  Space::Claim second{space};
  EXPECT_FALSE(second.reach(41));
  EXPECT_TRUE(second.reach(40));
  EXPECT_EQ(space.used(), 100U);
}

TEST(Space, AClaimThatFindsNoRoomKeepsWhatItHad) {
  Space space{100};
  Space::Claim claim{space};
  ASSERT_TRUE(claim.reach(80));
  EXPECT_FALSE(claim.reach(101));
  EXPECT_TRUE(claim.reach(10)) << "less than it holds";
  EXPECT_EQ(space.used(), 80U);
}

TEST(Space, IsGivenBackUnlessKept) {
  Space space{100};
  {
    Space::Claim given_up{space};
    ASSERT_TRUE(given_up.reach(50));
    Space::Claim kept{space};
    ASSERT_TRUE(kept.reach(40));
    kept.keep(30);
  }
  EXPECT_EQ(space.used(), 30U);
  space.free(30);
  EXPECT_EQ(space.used(), 0U);
}

TEST(Space, MovesWithItsHolder) {
  Space space{100};
  Space::Claim to{space};
  {
    Space::Claim from{space};
    ASSERT_TRUE(from.reach(70));
    to = std::move(from);
  }
  EXPECT_EQ(space.used(), 70U);
}

TEST(Space, MayHoldMoreThanIsAllowedNowButTakesNoMore) {
  Space space{100};
  space.occupy(150);
  Space::Claim claim{space};
  EXPECT_FALSE(claim.reach(1));
  space.free(60);
  EXPECT_TRUE(claim.reach(10));
}

TEST(Space, IsBoundByTheDiskToo) {
  Bytes spare = 50;
  Space space{100, {.size = 60, .spare = [&spare] { return spare; }}};
  EXPECT_TRUE(space.has(50));
  EXPECT_FALSE(space.has(51));
  Space::Claim claim{space};
  EXPECT_FALSE(claim.reach(51));
  EXPECT_TRUE(claim.reach(50));
  spare = 0;
  EXPECT_FALSE(space.has(1));
}

TEST(Space, KnowsWhatCouldFitIfAllWent) {
  Bytes spare = 10;
  Space space{100, {.size = 60, .spare = [&spare] { return spare; }}};
  space.occupy(50);
  EXPECT_TRUE(space.could_have(60)) << "what is spare, and what lies there";
  EXPECT_FALSE(space.could_have(61));
  spare = 1000;
  EXPECT_TRUE(space.could_have(100));
  EXPECT_FALSE(space.could_have(101)) << "more than may ever lie there";
}

TEST(Space, WhatIsForeseenFitsIntoTheSmallestCache) {
  EXPECT_EQ(Space{20_GiB}.foreseen(), 8_MiB);
  EXPECT_EQ(Space{1_MiB}.foreseen(), 64_KiB);
  EXPECT_EQ((Space{20_GiB, {.size = 4_MiB}}.foreseen()), 256_KiB);
  EXPECT_EQ(Space{10}.foreseen(), 1U);
}

}  // namespace
}  // namespace onetake::blob
