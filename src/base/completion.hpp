#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "base/loop.hpp"

namespace onetake {

/// What of a `Completion` does not depend on its type, and is compiled once.
class Suspended {
 public:
  explicit Suspended(Loop& loop) : loop_(loop) {}
  Suspended(const Suspended&) = delete;
  Suspended& operator=(const Suspended&) = delete;

  /// Calls `start()`, and suspends until `go_on`.
  Task<void> wait(std::move_only_function<void()> start);
  /// Once, from any thread, perhaps before `start()` has returned.
  static void go_on(std::shared_ptr<Suspended> self);

 protected:
  ~Suspended() = default;

 private:
  Loop& loop_;
  std::move_only_function<void()> resume_;
};

/// The one answer that another thread owes a suspended coroutine. Copies share it; `set` or `fail` exactly once, from
/// any thread; the coroutine goes on, on its own loop.
template <class T>
class Completion {
 public:
  void set(T value) { finish(std::move(value)); }
  void fail(std::exception_ptr error) { finish(std::move(error)); }

 private:
  struct State final : Suspended {
    using Suspended::Suspended;
    std::variant<std::monostate, T, std::exception_ptr> outcome;
  };

  explicit Completion(std::shared_ptr<State> state) : state_(std::move(state)) {}

  template <class Outcome>
  void finish(Outcome outcome) {
    state_->outcome.template emplace<Outcome>(std::move(outcome));
    Suspended::go_on(state_);
  }

  template <class U>
  friend Task<U> completed(std::move_only_function<void(Completion<U>)> start);

  std::shared_ptr<State> state_;
};

/// Suspends, calls `start(Completion<T>)`, and goes on when it has been set. What `fail` got is thrown.
template <class T>
Task<T> completed(std::move_only_function<void(Completion<T>)> start) {
  const Executor executor = co_await asio::this_coro::executor;
  const auto state = std::make_shared<typename Completion<T>::State>(Loop::of(executor));
  co_await state->wait([&] { start(Completion<T>{state}); });
  if (auto* error = std::get_if<std::exception_ptr>(&state->outcome)) std::rethrow_exception(*error);
  co_return std::move(std::get<T>(state->outcome));
}

}  // namespace onetake
