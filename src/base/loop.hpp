#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>

#include "base/clock.hpp"
#include "base/task.hpp"

namespace onetake {

class Loop;

/// Something on a loop that may take too long. A sweep looks at all of them every `Loop::tick`, because a timer for
/// each request costs more than the request. All members on the loop's thread.
class Timed : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Timed() = default;
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

  Deadline deadline = never;

 protected:
  virtual ~Timed() = default;

 private:
  friend class Loop;
  /// Called once the deadline has passed, and again at every tick until it is moved or the object is gone. It may
  /// unlink or destroy this object and no other `Timed`.
  virtual void on_deadline() = 0;
};

/// One thread's event loop. Every coroutine of ours runs on one: `Loop::of(co_await asio::this_coro::executor)`.
class Loop : public asio::io_context {
 public:
  /// How late a deadline may be noticed.
  static constexpr milliseconds tick{50};

  Loop();

  /// Runs until `stop()`, also while there is nothing to do. On the loop's own thread, once.
  void run_until_stopped();

  /// `task` begins on the loop, and nobody waits for it: what it throws is lost. Any thread.
  void spawn(Task<void> task);

  /// On the loop's thread.
  void watch(Timed& timed) { timed_.push_back(timed); }

  static Loop& of(const Executor& executor) { return static_cast<Loop&>(executor.context()); }

 private:
  Task<void> sweep();

  boost::intrusive::list<Timed, boost::intrusive::constant_time_size<false>> timed_;
  asio::executor_work_guard<Executor> work_;
};

/// Suspends for at least `span`.
Task<void> sleep_for(milliseconds span);

}  // namespace onetake
