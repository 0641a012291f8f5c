#include "signal/line_wakes.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>

#include "signal/test_ear.hpp"
#include "signal/test_line.hpp"

namespace onetake::signal {
namespace {

using test::dial;
using test::Ear;
using test::FarEnd;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

const Wake everything{.topic = Topic::everything, .id = {}};
const Wake queued{.topic = Topic::run_queued, .id = {}};
Wake ended(int run) { return {.topic = Topic::run_ended, .id = std::to_string(run)}; }

class LineWakesTest : public testing::Test {
 protected:
  std::unique_ptr<LineWakes> made(LineWakes::Timing timing = {.redial = milliseconds{1}, .most_waiting = 4}) {
    return std::make_unique<LineWakes>("test", dial(far_), timing);
  }
  void until_batches(std::size_t count) {
    far_.until([&] { return far_.batches.size() >= count; });
  }

  FarEnd far_;
  Ear ear_;
};

TEST_F(LineWakesTest, WhatWaitsMeanwhileIsOneBatchAndSaidOnce) {
  far_.holds = true;
  const auto wakes = made();
  wakes->listen(ear_.heard());
  wakes->announce(ended(1));
  far_.until([&] { return far_.sending == 1; });
  for (const auto& wake : {queued, ended(2), queued, queued}) wakes->announce(wake);
  far_.change([&] { far_.holds = false; });
  until_batches(2);
  EXPECT_THAT(far_.batches[0], ElementsAre(EndsWith(" run_ended 1")));
  EXPECT_THAT(far_.batches[1], ElementsAre(EndsWith(" run_queued "), EndsWith(" run_ended 2")));
}

TEST_F(LineWakesTest, WhatFollowsABatchAtOnceWaitsForMore) {
  const auto wakes = made({.together = std::chrono::hours{1}});
  wakes->listen(ear_.heard());
  wakes->announce(ended(1));
  until_batches(1);
  wakes->announce(ended(2));
  far_.says("another run_queued ");
  ear_.until(queued, 1);  // who waits hears nevertheless
  far_.change([&] { EXPECT_EQ(far_.batches.size(), 1U); });
}

TEST_F(LineWakesTest, WhatWaitsAtTheEndIsStillSaid) {
  auto wakes = made({.together = std::chrono::hours{1}});
  wakes->listen(ear_.heard());
  wakes->announce(ended(1));
  until_batches(1);
  wakes->announce(ended(2));
  wakes.reset();
  ASSERT_EQ(far_.batches.size(), 2U);
  EXPECT_THAT(far_.batches[1], ElementsAre(EndsWith(" run_ended 2")));
}

TEST_F(LineWakesTest, TooManyAreOneEverything) {
  far_.reachable = false;
  const auto wakes = made();
  wakes->listen(ear_.heard());
  for (int run = 0; run < 5; ++run) wakes->announce(ended(run));
  wakes->announce(ended(5));
  far_.change([&] { far_.reachable = true; });
  until_batches(1);
  EXPECT_THAT(far_.batches[0], ElementsAre(EndsWith(" everything "), EndsWith(" run_ended 5")));
}

TEST_F(LineWakesTest, ABatchThatMayBeLostIsFollowedByEverything) {
  far_.breaks = true;
  const auto wakes = made();
  wakes->listen(ear_.heard());
  wakes->announce(ended(1));
  ear_.until(everything, 2);  // itself, dialling again
  until_batches(1);
  EXPECT_THAT(far_.batches[0], ElementsAre(EndsWith(" everything ")));
}

TEST_F(LineWakesTest, WhatItDoesNotUnderstandIsNothing) {
  const auto wakes = made();
  wakes->listen(ear_.heard());
  for (const auto* text : {"", "node", "node run_ended", "node of_a_later_version 1", "node run_ended 2"})
    far_.says(text);
  ear_.until(ended(2));
  EXPECT_THAT(ear_.all(), ElementsAre(everything, ended(2)));
}

TEST_F(LineWakesTest, WithNothingToSayItAsksForASignOfLife) {
  const auto wakes = made({.redial = milliseconds{1}, .idle = milliseconds{1}});
  wakes->listen(ear_.heard());
  until_batches(2);
  EXPECT_THAT(far_.batches[0], ElementsAre());
  far_.change([&] { far_.breaks = true; });
  ear_.until(everything, 2);
}

TEST_F(LineWakesTest, WhatCannotBeToldIsDropped) {
  const auto wakes = made();
  wakes->announce({.topic = Topic::run_ended, .id = std::string(WakeLine::longest, 'x')});
  wakes->announce(ended(1));
  wakes->listen(ear_.heard());
  until_batches(1);
  EXPECT_THAT(far_.batches[0], ElementsAre(HasSubstr(" run_ended 1")));
}

}  // namespace
}  // namespace onetake::signal
