#include "http/last_call.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "base/test_loop.hpp"

namespace onetake::http {
namespace {

/// Whoever comes waits until it is opened.
class Gate {
 public:
  Task<int> pass(int value);
  void open() {
    const std::lock_guard lock{mutex_};
    open_ = true;
    waiters_.wake_all();
  }

  std::atomic<int> came = 0;

 private:
  std::mutex mutex_;
  Waiters waiters_{mutex_};
  bool open_ = false;
};

Task<int> Gate::pass(int value) {
  ++came;
  std::unique_lock lock{mutex_};
  while (!open_) co_await waiters_.wait(lock, never);
  co_return value;
}

Task<int> failing() {
  throw std::runtime_error("scripted");
  co_return 0;
}

/// Everything that was begun has ended with the test: the gate is open by then.
class LastCallTest : public testing::Test {
 protected:
  ~LastCallTest() override {
    gate_.open();
    settle();
  }

  std::optional<int> ask(int value, Deadline until) {
    return one_.run(inquiry_.ask(last_call_, gate_.pass(value), until));
  }

  /// Whoever was started waits by then: what is started is posted, and may post itself once more.
  void settle() {
    for (int i = 0; i < 3; ++i) {
      one_.settle();
      two_.settle();
    }
  }

  Gate gate_;
  LastCall last_call_;
  Inquiry<int> inquiry_;
  TestLoop one_;
  TestLoop two_;
};

TEST_F(LastCallTest, WhatComesIsGivenToWhoWaits) {
  auto waiting = one_.start(last_call_.wait(gate_.pass(7)));
  gate_.open();
  EXPECT_EQ(waiting.get(), 7);
  EXPECT_THROW(one_.run(last_call_.wait(failing())), std::runtime_error);
}

TEST_F(LastCallTest, WhoseTimeIsUpGoesOnAndSoDoesWhatTheyWaitedFor) {
  EXPECT_EQ(ask(7, Deadline::min()), std::nullopt);
  EXPECT_EQ(ask(7, in(Loop::tick)), std::nullopt);
  auto patient = one_.start(inquiry_.ask(last_call_, gate_.pass(8), never));
  settle();
  gate_.open();
  EXPECT_EQ(patient.get(), 7);
}

TEST_F(LastCallTest, OneQuestionIsUnderWayAtATime) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(i, Deadline::min()), std::nullopt);
  auto here = one_.start(inquiry_.ask(last_call_, gate_.pass(5), never));
  auto there = two_.start(inquiry_.ask(last_call_, gate_.pass(6), never));
  settle();
  EXPECT_EQ(gate_.came, 1);
  gate_.open();
  EXPECT_EQ(here.get(), 0);
  EXPECT_EQ(there.get(), 0);
  EXPECT_EQ(ask(7, never), 7) << "what was answered is asked anew";
}

TEST_F(LastCallTest, AtTheLastCallNobodyWaitsAnyMore) {
  auto here = one_.start(last_call_.wait(gate_.pass(1)));
  auto there = two_.start(last_call_.wait(gate_.pass(2)));
  while (gate_.came < 2) std::this_thread::yield();
  last_call_.at(Monotonic::now());
  EXPECT_EQ(here.get(), std::nullopt);
  EXPECT_EQ(there.get(), std::nullopt);
  EXPECT_EQ(one_.run(last_call_.wait(gate_.pass(3))), std::nullopt) << "nor does who comes later";
}

TEST_F(LastCallTest, BeforeTheLastCallWhatComesIsGiven) {
  last_call_.at(in(std::chrono::hours{1}));
  auto waiting = one_.start(last_call_.wait(gate_.pass(7)));
  gate_.open();
  EXPECT_EQ(waiting.get(), 7);
}

}  // namespace
}  // namespace onetake::http
