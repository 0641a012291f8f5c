#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/intrusive/list.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/waiters.hpp"

namespace onetake::http {

/// Waiting for what may come late, or never. Whoever waits goes on without it when their own time is up, and at the
/// last call, which comes once for all who wait anywhere. What was waited for goes on by itself: nothing that it refers
/// to may belong to whoever waits. Any loop.
class LastCall {
  /// Somebody who waits. On their frame, linked and unlinked with the mutex held.
  struct Waiting : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    explicit Waiting(Waiters& w) : waiters(w) {}
    Waiters& waiters;
  };
  struct Shared {
    std::mutex mutex;
    Deadline last = never;
    boost::intrusive::list<Waiting, boost::intrusive::constant_time_size<false>> waiting;
  };

 public:
  /// Something under way, for any number to wait for.
  template <class T>
  class Errand {
   public:
    explicit Errand(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

    [[nodiscard]] bool over() const {
      const std::lock_guard lock{shared_->mutex};
      return over_;
    }

   private:
    friend class LastCall;

    const std::shared_ptr<Shared> shared_;
    Waiters waiters_{shared_->mutex};
    bool over_ = false;
    std::optional<T> outcome_;
    std::exception_ptr thrown_;
  };

  /// From `deadline` on nobody waits any more.
  void at(Deadline deadline);

  template <class T>
  std::shared_ptr<Errand<T>> begin(const Executor& executor, Task<T> task);

  /// What comes of it, thrown or not; nothing where it is not over by then.
  template <class T>
  Task<std::optional<T>> wait(std::shared_ptr<Errand<T>> errand, Deadline until = never);
  template <class T>
  Task<std::optional<T>> wait(Task<T> task);

 private:
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

inline void LastCall::at(Deadline deadline) {
  const std::lock_guard lock{shared_->mutex};
  shared_->last = deadline;
  for (auto& each : shared_->waiting) each.waiters.wake_all();
}

template <class T>
std::shared_ptr<LastCall::Errand<T>> LastCall::begin(const Executor& executor, Task<T> task) {
  auto errand = std::make_shared<Errand<T>>(shared_);
  asio::co_spawn(executor, std::move(task), [errand](std::exception_ptr thrown, T outcome) {
    const std::lock_guard lock{errand->shared_->mutex};
    if (!thrown) errand->outcome_.emplace(std::move(outcome));
    errand->thrown_ = std::move(thrown);
    errand->over_ = true;
    errand->waiters_.wake_all();
  });
  return errand;
}

template <class T>
Task<std::optional<T>> LastCall::wait(std::shared_ptr<Errand<T>> errand, Deadline until) {
  std::unique_lock lock{shared_->mutex};
  Waiting waiting{errand->waiters_};
  shared_->waiting.push_back(waiting);
  bool in_time = true;
  while (!errand->over_ && in_time) in_time = co_await errand->waiters_.wait(lock, std::min(until, shared_->last));
  if (errand->thrown_) std::rethrow_exception(errand->thrown_);
  co_return errand->outcome_;
}

template <class T>
Task<std::optional<T>> LastCall::wait(Task<T> task) {
  const Executor executor = co_await asio::this_coro::executor;
  auto errand = begin(executor, std::move(task));
  co_return co_await wait(std::move(errand));
}

/// One question at a time, however many ask it: whoever comes while it is under way waits for the same answer. What
/// hangs is not asked more and more often.
template <class T>
class Inquiry {
 public:
  Task<std::optional<T>> ask(LastCall& last_call, Task<T> question, Deadline until) {
    const Executor executor = co_await asio::this_coro::executor;
    auto errand = current(last_call, executor, std::move(question));
    co_return co_await last_call.wait(std::move(errand), until);
  }

 private:
  using Errand = LastCall::Errand<T>;

  std::shared_ptr<Errand> current(LastCall& last_call, const Executor& executor, Task<T> question) {
    const std::lock_guard lock{mutex_};
    if (!under_way_ || under_way_->over()) under_way_ = last_call.begin(executor, std::move(question));
    return under_way_;
  }

  std::mutex mutex_;
  std::shared_ptr<Errand> under_way_;
};

}  // namespace onetake::http
