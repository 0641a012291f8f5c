#include "base/backoff.hpp"

#include <gtest/gtest.h>

namespace onetake {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesItsCeilingUpToTheMost) {
  EXPECT_EQ(backoff(1, 1s, 2min, {}, 1.0), 1s);
  EXPECT_EQ(backoff(2, 1s, 2min, {}, 1.0), 2s);
  EXPECT_EQ(backoff(5, 1s, 2min, {}, 1.0), 16s);
  EXPECT_EQ(backoff(8, 1s, 2min, {}, 1.0), 2min);
  EXPECT_EQ(backoff(1000, 1s, 2min, {}, 1.0), 2min);
}

TEST(Backoff, JittersDownToNothingButNeverBelowWhatWasAskedFor) {
  EXPECT_EQ(backoff(5, 1s, 2min, {}, 0.0), 0s);
  EXPECT_EQ(backoff(5, 1s, 2min, 3s, 0.0), 3s);
  EXPECT_EQ(backoff(1, 1s, 2min, 10min, 0.5), 10min);
}

}  // namespace
}  // namespace onetake
