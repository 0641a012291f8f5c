#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "base/loop.hpp"

namespace onetake {

/// Coroutines, on any loops, that wait for something guarded by a mutex to change: a condition variable for coroutines.
///
///     std::unique_lock lock{mutex_};
///     while (!changed_) {
///       if (!co_await waiters_.wait(lock, deadline)) co_return timed_out;
///     }
///
/// The owner of the mutex and the Waiters outlives every wait: whoever waits holds it.
class Waiters {
 public:
  explicit Waiters(std::mutex& mutex) : mutex_(mutex) {}
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

  /// REQUIRES: `lock` holds the mutex. Gives it up while suspended and holds it again afterwards.
  /// False when the deadline came first (noticed within `Loop::tick`).
  Task<bool> wait(std::unique_lock<std::mutex>& lock, Deadline deadline);

  /// REQUIRES: the mutex is held. Any thread. One post a loop, however many wait there.
  void wake_all();

  /// REQUIRES: the mutex is held.
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  class Wait;

  std::mutex& mutex_;
  boost::intrusive::list<Wait,
                         boost::intrusive::base_hook<boost::intrusive::list_base_hook<boost::intrusive::tag<Waiters>>>>
      waiting_;
};

/// One coroutine in a `Waiters`. On the coroutine's frame; linked from `wait` to its resumption.
class Waiters::Wait final : public boost::intrusive::list_base_hook<boost::intrusive::tag<Waiters>>, public Timed {
 public:
  Wait(Waiters& owner, Loop& loop) : owner_(owner), loop_(loop) {}

 private:
  friend class Waiters;
  void on_deadline() override;

  Waiters& owner_;
  Loop& loop_;
  std::move_only_function<void(bool)> resume_;
  Wait* next_ = nullptr;  ///< in the chain that one post resumes
};

}  // namespace onetake
