#include "signal/line_wakes.hpp"

#include <gmock/gmock.h>
#include <sys/eventfd.h>

#include <atomic>
#include <stdexcept>

#include "signal/test_ear.hpp"

namespace onetake::signal {
namespace {

using test::Ear;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

const Wake everything{.topic = Topic::everything, .id = {}};
const Wake queued{.topic = Topic::run_queued, .id = {}};
Wake ended(int run) { return {.topic = Topic::run_ended, .id = std::to_string(run)}; }

/// The far end of a line, in the hands of a test.
struct FarEnd {
  std::mutex mutex;
  std::condition_variable more;
  bool reachable = true;
  bool breaks = false;  ///< the next batch is lost with the line
  bool holds = false;   ///< batches do not return from being sent
  int sending = 0;
  std::vector<std::vector<std::string>> batches;
  std::vector<std::string> arriving;
  Fd arrived{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};

  template <class Change>
  void change(Change change) {
    const std::lock_guard lock{mutex};
    change();
    more.notify_all();
  }
  template <class Condition>
  void until(Condition condition) {
    std::unique_lock lock{mutex};
    more.wait(lock, condition);
  }
  void says(std::string message) {
    change([&] { arriving.push_back(std::move(message)); });
    ::eventfd_write(arrived.get(), 1);
  }
};

class ScriptedLine final : public WakeLine {
 public:
  explicit ScriptedLine(FarEnd& far) : far_(far) {}
  [[nodiscard]] int fd() const override { return far_.arrived.get(); }
  void send(const std::vector<std::string>& messages) override {
    std::unique_lock lock{far_.mutex};
    ++far_.sending;
    far_.more.notify_all();
    far_.more.wait(lock, [&] { return !far_.holds; });
    if (std::exchange(far_.breaks, false)) throw std::runtime_error{"the line breaks"};
    far_.batches.push_back(messages);
    far_.more.notify_all();
  }
  std::vector<std::string> receive() override {
    eventfd_t ignored = 0;
    ::eventfd_read(far_.arrived.get(), &ignored);
    const std::lock_guard lock{far_.mutex};
    return std::exchange(far_.arriving, {});
  }

 private:
  FarEnd& far_;
};

class LineWakesTest : public testing::Test {
 protected:
  std::unique_ptr<LineWakes> made(LineWakes::Timing timing = {.redial = milliseconds{1}, .most_waiting = 4}) {
    return std::make_unique<LineWakes>(
        "test",
        [this]() -> std::unique_ptr<WakeLine> {
          const std::lock_guard lock{far_.mutex};
          if (!far_.reachable) throw std::runtime_error{"nobody is there"};
          return std::make_unique<ScriptedLine>(far_);
        },
        timing);
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
