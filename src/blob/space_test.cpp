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

}  // namespace
}  // namespace onetake::blob
