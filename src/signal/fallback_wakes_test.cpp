#include "signal/fallback_wakes.hpp"

#include <gmock/gmock.h>

#include <atomic>

#include "signal/line_wakes.hpp"
#include "signal/test_ear.hpp"
#include "signal/test_line.hpp"

namespace onetake::signal {
namespace {

using test::dial;
using test::Ear;
using test::FarEnd;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;

const Wake everything{.topic = Topic::everything, .id = {}};
Wake ended(int run) { return {.topic = Topic::run_ended, .id = std::to_string(run)}; }

class FallbackWakesTest : public testing::Test {
 protected:
  static std::unique_ptr<LineWakes> line(FarEnd& far) {
    return std::make_unique<LineWakes>("test", dial(far), LineWakes::Timing{.redial = milliseconds{1}});
  }
  void listen() { wakes_->listen(ear_.heard()); }
  /// Both say so of themselves once they are there.
  void until_both_are_up() { ear_.until(everything, 2); }
  /// Returns once it has been said there.
  static void until_said(FarEnd& far, const std::string& end) {
    far.until([&] {
      return std::ranges::any_of(far.batches, [&](const auto& batch) {
        return std::ranges::any_of(batch, [&](const auto& message) { return message.ends_with(end); });
      });
    });
  }

  FarEnd first_;
  FarEnd second_;
  std::atomic<bool> trusted_ = true;
  Ear ear_;
  std::unique_ptr<FallbackWakes> wakes_ =
      std::make_unique<FallbackWakes>(line(first_), line(second_), [this] { return trusted_.load(); });
};

TEST_F(FallbackWakesTest, WhileTheFirstIsThereOnlyThatSays) {
  listen();
  until_both_are_up();
  wakes_->announce(ended(1));
  until_said(first_, " run_ended 1");
  wakes_.reset();
  EXPECT_TRUE(second_.batches.empty());
}

TEST_F(FallbackWakesTest, WhileTheFirstIsAwayTheSecondSays) {
  first_.reachable = false;
  listen();
  ear_.until(everything);
  wakes_->announce(ended(1));
  until_said(second_, " run_ended 1");
}

TEST_F(FallbackWakesTest, WhileTheFirstIsNotTrustedTheSecondSays) {
  listen();
  until_both_are_up();
  trusted_ = false;
  wakes_->announce(ended(1));
  until_said(second_, " run_ended 1");
  wakes_.reset();
  EXPECT_TRUE(first_.batches.empty());
}

TEST_F(FallbackWakesTest, WhatTheFirstMayHaveLostTheSecondSays) {
  listen();
  until_both_are_up();
  first_.change([&] { first_.breaks = true; });
  wakes_->announce(ended(1));
  until_said(second_, " everything ");
}

TEST_F(FallbackWakesTest, BothAreHeard) {
  listen();
  until_both_are_up();
  first_.says("another run_ended 1");
  second_.says("another run_ended 2");
  ear_.until(ended(1));
  ear_.until(ended(2));
}

}  // namespace
}  // namespace onetake::signal
