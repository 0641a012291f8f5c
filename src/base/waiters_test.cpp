#include "base/waiters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "base/test_loop.hpp"

namespace onetake {
namespace {

/// A number that coroutines wait for.
struct Gate {
  std::mutex mutex;
  Waiters waiters{mutex};
  int value = 0;

  void raise() {
    const std::lock_guard lock{mutex};
    ++value;
    waiters.wake_all();
  }
  std::size_t waiting() {
    const std::lock_guard lock{mutex};
    return waiters.size();
  }
  void until_waiting(std::size_t count) {
    while (waiting() != count) std::this_thread::yield();
  }
};

/// True once the gate's number has reached `value`, false when the deadline came first.
Task<bool> reached(std::shared_ptr<Gate> gate, int value, Deadline deadline) {
  std::unique_lock lock{gate->mutex};
  while (gate->value < value)
    if (!co_await gate->waiters.wait(lock, deadline)) co_return false;
  co_return true;
}

TEST(Waiters, OneWakeReachesEveryWaiterOnEveryLoop) {
  auto gate = std::make_shared<Gate>();
  TestLoop one;
  TestLoop two;
  std::vector<std::future<bool>> waits;
  for (int i = 0; i < 500; ++i) {
    waits.push_back(one.start(reached(gate, 1, never)));
    waits.push_back(two.start(reached(gate, 1, in(std::chrono::hours{1}))));
  }
  gate->until_waiting(waits.size());
  gate->raise();
  for (auto& wait : waits) EXPECT_TRUE(wait.get());
  EXPECT_EQ(gate->waiting(), 0U);
}

Task<bool> noted(std::shared_ptr<Gate> gate, int number, std::shared_ptr<std::vector<int>> order) {
  const bool woken = co_await reached(std::move(gate), 1, never);
  order->push_back(number);
  co_return woken;
}

TEST(Waiters, ALoopResumesInTheOrderOfArrival) {
  auto gate = std::make_shared<Gate>();
  auto order = std::make_shared<std::vector<int>>();
  TestLoop loop;
  std::vector<std::future<bool>> waits;
  for (int i = 0; i < 5; ++i) waits.push_back(loop.start(noted(gate, i, order)));
  gate->until_waiting(waits.size());
  gate->raise();
  for (auto& wait : waits) wait.get();
  EXPECT_THAT(*order, testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST(Waiters, AWakeThatChangesNothingIsWaitedOut) {
  auto gate = std::make_shared<Gate>();
  TestLoop loop;
  auto wait = loop.start(reached(gate, 3, never));
  for (int i = 0; i < 3; ++i) {
    gate->until_waiting(1);
    gate->raise();
  }
  EXPECT_TRUE(wait.get());
}

TEST(Waiters, TheDeadlineComesWithoutAWake) {
  auto gate = std::make_shared<Gate>();
  TestLoop loop;
  const auto deadline = in(milliseconds{1});
  EXPECT_FALSE(loop.run(reached(gate, 1, deadline)));
  EXPECT_GE(Monotonic::now(), deadline);
  EXPECT_EQ(gate->waiting(), 0U);
  EXPECT_FALSE(loop.run(reached(gate, 1, Deadline::min())));
}

TEST(Waiters, ADeadlineEndsOneWaitAndLeavesTheOthers) {
  auto gate = std::make_shared<Gate>();
  TestLoop loop;
  auto patient = loop.start(reached(gate, 1, never));
  EXPECT_FALSE(loop.run(reached(gate, 1, in(milliseconds{0}))));
  EXPECT_EQ(gate->waiting(), 1U);
  gate->raise();
  EXPECT_TRUE(patient.get());
}

TEST(Waiters, WakingNobodyIsNothing) {
  Gate gate;
  gate.raise();
  EXPECT_EQ(gate.waiting(), 0U);
}

// Two coroutines on two loops hand a turn to and fro: a wake-up that is lost would stop them for ever.
Task<int> turns(std::shared_ptr<Gate> gate, int first, int last) {
  for (int turn = first; turn <= last; turn += 2) {
    std::unique_lock lock{gate->mutex};
    while (gate->value != turn) co_await gate->waiters.wait(lock, never);
    ++gate->value;
    gate->waiters.wake_all();
  }
  co_return last;
}

TEST(Waiters, NoWakeUpIsLost) {
  auto gate = std::make_shared<Gate>();
  TestLoop one;
  TestLoop two;
  constexpr int last = 4'000;
  auto even = one.start(turns(gate, 0, last));
  auto odd = two.start(turns(gate, 1, last));
  even.get();
  odd.get();
  EXPECT_GE(gate->value, last);
}

/// How waits ended in `Waiters.ADeadlineMayRaceAWake`.
struct Ends {
  std::atomic<int> woken = 0;
  std::atomic<int> expired = 0;
  std::atomic<bool> enough = false;
};

Task<bool> wait_again_and_again(std::shared_ptr<Gate> gate, std::shared_ptr<Ends> ends) {
  while (!ends->enough) {
    std::unique_lock lock{gate->mutex};
    // Due before the next sweep, which finds it linked or just taken by a waker. (Due already, it would not wait.)
    const bool woken = co_await gate->waiters.wait(lock, in(milliseconds{1}));
    ++(woken ? ends->woken : ends->expired);
  }
  co_return true;
}

TEST(Waiters, ADeadlineMayRaceAWake) {
  auto gate = std::make_shared<Gate>();
  auto ends = std::make_shared<Ends>();
  TestLoop one;
  TestLoop two;
  std::vector<std::future<bool>> waits;
  for (int i = 0; i < 50; ++i)
    for (auto* loop : {&one, &two}) waits.push_back(loop->start(wait_again_and_again(gate, ends)));
  // Each wait ends exactly once: a second resumption would be seen by the sanitizers, a lost one would never end.
  while (ends->woken < 20'000 || ends->expired < 200) {
    gate->raise();
    // Without gaps no sweep would ever find a waiter.
    if (ends->expired < 200) gate->until_waiting(waits.size());
  }
  ends->enough = true;
  for (auto& wait : waits) {
    gate->raise();
    EXPECT_TRUE(wait.get());
  }
  EXPECT_EQ(gate->waiting(), 0U);
}

}  // namespace
}  // namespace onetake
