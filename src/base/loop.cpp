#include "base/loop.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

namespace onetake {

Loop::Loop() : asio::io_context(1), work_(get_executor()) {}

void Loop::run_until_stopped() {
  spawn(sweep());
  run();
}

void Loop::spawn(Task<void> task) { asio::co_spawn(get_executor(), std::move(task), asio::detached); }

Task<void> Loop::sweep() {
  asio::basic_waitable_timer<Monotonic, asio::wait_traits<Monotonic>, Executor> timer{get_executor()};
  for (;;) {
    timer.expires_after(tick);
    co_await timer.async_wait(use_task);
    const auto now = Monotonic::now();
    for (auto it = timed_.begin(); it != timed_.end();) {
      Timed& timed = *it++;
      if (timed.deadline <= now) timed.on_deadline();
    }
  }
}

Task<void> sleep_for(milliseconds span) {
  asio::basic_waitable_timer<Monotonic, asio::wait_traits<Monotonic>, Executor> timer{
      co_await asio::this_coro::executor};
  timer.expires_after(span);
  co_await timer.async_wait(use_task);
}

}  // namespace onetake
