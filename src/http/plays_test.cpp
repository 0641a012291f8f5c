#include "http/plays.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/metrics.hpp"

namespace onetake::http {
namespace {

/// The number behind `line` on the page of metrics.
double value_of(const std::string& line) {
  const auto page = metrics::text();
  const auto at = page.find('\n' + line + ' ');
  return at == std::string::npos ? 0 : std::stod(page.substr(at + line.size() + 2));
}
double presses() { return value_of("onetake_stream_requests_per_play_count"); }
double requests() { return value_of("onetake_stream_requests_per_play_sum"); }

class PlaysTest : public testing::Test {
 protected:
  static Deadline at(int seconds) { return Deadline{} + std::chrono::hours{1} + std::chrono::seconds{seconds}; }

  const double presses_ = presses();
  const double requests_ = requests();
};

TEST_F(PlaysTest, APressIsObservedOnceSixtySecondsAfterItsFirstRequest) {
  Plays plays;
  plays.count("one", at(0));
  plays.count("two", at(10));
  plays.count("one", at(59));
  plays.settle(at(59));
  EXPECT_EQ(presses(), presses_) << "not yet";
  plays.settle(at(60));
  EXPECT_EQ(presses(), presses_ + 1);
  EXPECT_EQ(requests(), requests_ + 2);
  plays.settle(at(69));
  EXPECT_EQ(presses(), presses_ + 1) << "once";
  plays.settle(at(70));
  EXPECT_EQ(presses(), presses_ + 2);
  EXPECT_EQ(requests(), requests_ + 3);
}

TEST_F(PlaysTest, NoMoreIdsThanSoManyAreHeld) {
  Plays plays{2};
  plays.count("a", at(0));
  plays.count("b", at(0));
  plays.count("c", at(0));
  plays.count("a", at(1));
  plays.settle(at(60));
  EXPECT_EQ(presses(), presses_ + 2);
  EXPECT_EQ(requests(), requests_ + 3) << "those that are held are counted on";
  plays.count("c", at(61));
  plays.settle(at(121));
  EXPECT_EQ(presses(), presses_ + 3) << "there is room again";
}

TEST_F(PlaysTest, AnIdIsOneToSixtyFourBytes) {
  Plays plays;
  plays.count("", at(0));
  plays.count(std::string(65, 'x'), at(0));
  plays.settle(at(60));
  EXPECT_EQ(presses(), presses_);
  plays.count(std::string(64, 'x'), at(0));
  plays.settle(at(60));
  EXPECT_EQ(presses(), presses_ + 1);
}

}  // namespace
}  // namespace onetake::http
