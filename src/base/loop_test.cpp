#include "base/loop.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "base/completion.hpp"
#include "base/test_loop.hpp"

namespace onetake {
namespace {

/// Calls `then` when its deadline has passed.
struct Alarm final : Timed {
  void on_deadline() override {
    ++rings;
    if (then) then(*this);
  }
  int rings = 0;
  std::function<void(Alarm&)> then;
};

Task<bool> watch(Alarm& alarm, Deadline deadline) {
  alarm.deadline = deadline;
  Loop::of(co_await asio::this_coro::executor).watch(alarm);
  co_return true;
}

Task<bool> unwatch(Alarm& alarm) {
  alarm.unlink();
  co_return true;
}

Task<bool> move(Alarm& alarm, Deadline deadline) {
  alarm.deadline = deadline;
  co_return true;
}

/// Suspends for some sweeps of this loop.
Task<bool> sweeps(int count) {
  Alarm counter;
  counter.deadline = Deadline::min();
  Loop::of(co_await asio::this_coro::executor).watch(counter);
  const auto tell = [&counter, count](Completion<bool> completion) {
    counter.then = [completion = std::move(completion), count](Alarm& self) mutable {
      if (self.rings == count) completion.set(true);
    };
  };
  co_return co_await completed<bool>(tell);
}

/// An alarm tells that it rang.
std::future<void> rings(Alarm& alarm) {
  auto promise = std::make_shared<std::promise<void>>();
  alarm.then = [promise](Alarm& self) {
    self.unlink();
    promise->set_value();
  };
  return promise->get_future();
}

TEST(Loop, ADeadlineIsNoticedAfterItHasPassed) {
  TestLoop loop;
  Alarm alarm;
  auto rung = rings(alarm);
  const auto deadline = in(milliseconds{5});
  loop.run(watch(alarm, deadline));
  rung.get();
  EXPECT_GE(Monotonic::now(), deadline);
}

TEST(Loop, ADeadlineRingsAtEveryTickUntilItIsMoved) {
  TestLoop loop;
  Alarm alarm;
  std::promise<void> moved;
  alarm.then = [&](Alarm& self) {
    if (self.rings < 3) return;
    self.deadline = never;
    moved.set_value();
  };
  loop.run(watch(alarm, Deadline::min()));
  moved.get_future().get();
  loop.run(sweeps(2));
  EXPECT_EQ(alarm.rings, 3);
  loop.run(unwatch(alarm));
}

TEST(Loop, ADeadlineThatIsMovedInTimeDoesNotRing) {
  TestLoop loop;
  Alarm alarm;
  loop.run(watch(alarm, in(std::chrono::hours{1})));
  loop.run(sweeps(1));
  EXPECT_EQ(alarm.rings, 0);
  auto rung = rings(alarm);
  loop.run(move(alarm, Deadline::min()));
  rung.get();
  EXPECT_EQ(alarm.rings, 1);
}

TEST(Loop, WhatIsNoLongerWatchedDoesNotRing) {
  TestLoop loop;
  Alarm alarm;
  loop.run(watch(alarm, in(std::chrono::hours{1})));
  loop.run(unwatch(alarm));
  loop.run(move(alarm, Deadline::min()));
  loop.run(sweeps(2));
  EXPECT_EQ(alarm.rings, 0);
}

// A session that times out ends, and is gone, inside the sweep that found it.
TEST(Loop, OneMayEndWhileTheSweepIsUnderWay) {
  TestLoop loop;
  std::vector<std::unique_ptr<Alarm>> alarms(5);
  std::vector<std::promise<void>> rung(alarms.size());
  for (std::size_t i = 0; i < alarms.size(); ++i) {
    alarms[i] = std::make_unique<Alarm>();
    alarms[i]->then = [&, i](Alarm&) {
      auto& promise = rung[i];
      auto self = std::move(alarms[i]);
      self->then = nullptr;  // this very function would go with it
      self.reset();
      promise.set_value();
    };
  }
  for (auto& alarm : alarms) loop.run(watch(*alarm, in(milliseconds{20})));
  for (auto& promise : rung) promise.get_future().get();
  for (const auto& alarm : alarms) EXPECT_EQ(alarm, nullptr);
}

Task<Monotonic::time_point> slept(milliseconds span) {
  co_await sleep_for(span);
  co_return Monotonic::now();
}

TEST(Loop, SleepsAtLeastAsLong) {
  TestLoop loop;
  const auto until = in(milliseconds{3});
  EXPECT_GE(loop.run(slept(milliseconds{3})), until);
}

Task<std::pair<Loop*, std::thread::id>> where() {
  co_return std::pair{&Loop::of(co_await asio::this_coro::executor), std::this_thread::get_id()};
}

TEST(Loop, ACoroutineKnowsItsLoop) {
  TestLoop one;
  TestLoop two;
  EXPECT_EQ(one.run(where()), one.run(where()));
  EXPECT_NE(one.run(where()).first, two.run(where()).first);
  EXPECT_NE(one.run(where()).second, std::this_thread::get_id());
}

}  // namespace
}  // namespace onetake
