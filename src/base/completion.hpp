#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <variant>

#include "base/loop.hpp"

namespace onetake {

/// The one answer that another thread owes a suspended coroutine. Copies share it; `set` or `fail` exactly once, from
/// any thread; the coroutine goes on, on its own loop.
template <class T>
class Completion {
 public:
  void set(T value) { finish(std::move(value)); }
  void fail(std::exception_ptr error) { finish(std::move(error)); }

 private:
  struct State {
    explicit State(Loop& l) : loop(l) {}
    Loop& loop;
    std::variant<std::monostate, T, std::exception_ptr> outcome;
    std::move_only_function<void()> resume;
  };

  explicit Completion(std::shared_ptr<State> state) : state_(std::move(state)) {}

  template <class Outcome>
  void finish(Outcome outcome) {
    state_->outcome.template emplace<Outcome>(std::move(outcome));
    asio::post(state_->loop, [state = state_] { std::exchange(state->resume, nullptr)(); });
  }

  template <class U, class Start>
  friend Task<U> completed(Start start);

  std::shared_ptr<State> state_;
};

/// Suspends, calls `start(Completion<T>)`, and goes on when it has been set. What `fail` got is thrown.
template <class T, class Start>
Task<T> completed(Start start) {
  using Shared = typename Completion<T>::State;
  const Executor executor = co_await asio::this_coro::executor;
  auto state = std::make_shared<Shared>(Loop::of(executor));
  co_await asio::async_initiate<decltype(use_task), void()>(
      [&](auto&& handler) {
        state->resume = [h = std::forward<decltype(handler)>(handler)]() mutable { std::move(h)(); };
        start(Completion<T>{state});
      },
      use_task);
  if (auto* error = std::get_if<std::exception_ptr>(&state->outcome)) std::rethrow_exception(*error);
  co_return std::move(std::get<T>(state->outcome));
}

}  // namespace onetake
