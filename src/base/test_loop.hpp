#pragma once

#include <boost/asio/post.hpp>
#include <exception>
#include <future>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/loop.hpp"

namespace onetake {

/// A loop on a thread of its own, for tests that stand outside.
class TestLoop {
 public:
  TestLoop() : thread_([this] { loop_.run_until_stopped(); }) {}
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;
  ~TestLoop() {
    loop_.stop();
    thread_.join();
  }

  [[nodiscard]] Loop& loop() { return loop_; }

  template <class T>
  std::future<T> start(Task<T> task) {
    std::promise<T> promise;
    auto future = promise.get_future();
    loop_.spawn(keep(std::move(task), std::move(promise)));
    return future;
  }
  template <class T>
  T run(Task<T> task) {
    return start(std::move(task)).get();
  }
  /// What belongs to the loop, in the hands of a test: it ends on the loop. Not null.
  template <class T>
  std::shared_ptr<T> lent(std::shared_ptr<T> owned) {
    T* const it = owned.get();
    return {it, [this, owned = std::move(owned)](T*) mutable {
              asio::post(loop_, [last = std::move(owned)]() mutable { last.reset(); });
              settle();
            }};
  }
  /// Returns when everything that was posted to the loop before has run.
  void settle() {
    std::promise<void> done;
    asio::post(loop_, [&done] { done.set_value(); });
    done.get_future().get();
  }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::promise<T> promise) {
    try {
      if constexpr (std::is_void_v<T>) {
        co_await std::move(task);
        promise.set_value();
      } else {
        promise.set_value(co_await std::move(task));
      }
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }

  Loop loop_;
  std::thread thread_;
};

}  // namespace onetake
