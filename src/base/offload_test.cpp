#include "base/offload.hpp"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "base/test_loop.hpp"

namespace onetake {
namespace {

/// Where a piece of work ran, and where its caller went on.
struct Places {
  std::thread::id before, work, after;
};

Task<Places> places(Offload& offload) {
  Places places;
  places.before = std::this_thread::get_id();
  const auto work = [] { return std::this_thread::get_id(); };
  places.work = co_await offload.run(work);
  places.after = std::this_thread::get_id();
  co_return places;
}

TEST(Offload, WorksElsewhereAndGoesOnOnItsOwnLoop) {
  Offload offload{1};
  TestLoop loop;
  const auto seen = loop.run(places(offload));
  EXPECT_EQ(seen.before, seen.after);
  EXPECT_NE(seen.before, seen.work);
}

Task<int> counted(Offload& offload, int number) {
  const auto work = [number] { return number; };
  co_return co_await offload.run(work);
}

TEST(Offload, EveryoneGetsTheirOwnValue) {
  Offload offload{3};
  TestLoop one;
  TestLoop two;
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 1000; ++i) answers.push_back((i % 2 ? one : two).start(counted(offload, i)));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)].get(), i);
}

Task<std::string> refused(Offload& offload) {
  const auto work = []() -> int { throw std::runtime_error("the disk is gone"); };
  try {
    co_await offload.run(work);
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "nothing was thrown";
}

TEST(Offload, WhatTheWorkThrowsIsThrownToItsCaller) {
  Offload offload{1};
  TestLoop loop;
  EXPECT_EQ(loop.run(refused(offload)), "the disk is gone");
  EXPECT_EQ(loop.run(counted(offload, 7)), 7);  // and its thread lives
}

Task<std::unique_ptr<int>> moved(Offload& offload) {
  const auto work = [] { return std::make_unique<int>(5); };
  co_return co_await offload.run(work);
}

TEST(Offload, ValuesAreMoved) {
  Offload offload{1};
  TestLoop loop;
  EXPECT_EQ(*loop.run(moved(offload)), 5);
}

Task<int> behind(Offload& offload, std::latch& open, int number) {
  const auto work = [&open, number] {
    open.wait();
    return number;
  };
  co_return co_await offload.run(work);
}

TEST(Offload, EndingFinishesWhatWasGiven) {
  TestLoop loop;
  std::latch open{1};
  std::optional<Offload> offload{std::in_place, 1};
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 10; ++i) answers.push_back(loop.start(behind(*offload, open, i)));
  loop.settle();  // they started before this
  open.count_down();
  offload.reset();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)].get(), i);
}

/// Sets before the caller is suspended.
Task<int> at_once() {
  const auto set = [](Completion<int> completion) { completion.set(3); };
  co_return co_await completed<int>(set);
}

Task<int> failed_at_once() {
  const auto fail = [](Completion<int> completion) {
    completion.fail(std::make_exception_ptr(std::out_of_range("far")));
  };
  co_return co_await completed<int>(fail);
}

TEST(Completion, MayBeSetBeforeTheCallerIsSuspended) {
  TestLoop loop;
  EXPECT_EQ(loop.run(at_once()), 3);
  EXPECT_THROW(loop.run(failed_at_once()), std::out_of_range);
}

Task<std::string> from(std::promise<Completion<std::string>>& out) {
  const auto give = [&out](Completion<std::string> completion) { out.set_value(std::move(completion)); };
  co_return co_await completed<std::string>(give);
}

TEST(Completion, AnyThreadMaySetItAndCopiesShareIt) {
  TestLoop loop;
  std::promise<Completion<std::string>> given;
  auto answer = loop.start(from(given));
  auto completion = given.get_future().get();
  {
    const auto copy = completion;
  }
  const std::jthread setter{[&completion] { completion.set("here"); }};
  EXPECT_EQ(answer.get(), "here");
}

}  // namespace
}  // namespace onetake
