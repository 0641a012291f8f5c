#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/loop.hpp"

namespace onetake::app {

/// Runs coroutines one after the other on the calling thread, which has nothing else to do: for commands and the
/// control socket. Declare it before whatever the coroutines ask: a thread that answers may still be touching the loop
/// when the answer has come.
class Foreground {
 public:
  /// To its end. What it throws is thrown. One thread at a time, and not from within a coroutine.
  template <class T>
  T wait_for(Task<T> task) {
    std::optional<T> outcome;
    std::exception_ptr error;
    asio::co_spawn(loop_.get_executor(), std::move(task), [&](std::exception_ptr thrown, T value) {
      if (thrown)
        error = std::move(thrown);
      else
        outcome.emplace(std::move(value));
      loop_.stop();
    });
    loop_.restart();
    loop_.run();
    if (error) std::rethrow_exception(error);
    return std::move(*outcome);
  }

 private:
  Loop loop_;
};

}  // namespace onetake::app
