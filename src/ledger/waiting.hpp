#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace onetake::ledger {

/// Who waits for a thread, in the order in which they came. Any thread.
template <class Item>
class Waiting {
 public:
  static constexpr milliseconds soon{50};

  /// While one thread is at work the next begins when so many wait, or some have for `soon`: fewer would rather go
  /// together, a moment later, but nobody waits for one who is held up.
  explicit Waiting(std::size_t beside = 1) : beside_(beside) {}

  void add(Item item) {
    bool take = false;
    bool watch = false;
    {
      const std::lock_guard lock{mutex_};
      items_.push_back(std::move(item));
      take = may_take();
      watch = std::exchange(unwatched_, false);
    }
    if (take) more_.notify_one();
    if (watch) front_.notify_one();
  }

  /// Blocks until somebody waits, and takes up to `most` of them: whoever waits goes together, and nobody waits for
  /// others to come while no thread is at work. Nobody, when it has ended. Followed by `done`.
  std::vector<Item> take(std::size_t most) {
    std::unique_lock lock{mutex_};
    wait_for_more(lock);
    std::vector<Item> taken;
    while (!items_.empty() && taken.size() < most) taken.push_back(pop());
    ++at_work_;
    return taken;
  }

  /// The thread that took has served them, and will take again.
  void done() {
    const std::lock_guard lock{mutex_};
    --at_work_;
  }

  /// Blocks until somebody has waited past its `until`, and takes those. Nobody, when it has ended.
  /// REQUIRES: whoever came later may wait longer.
  std::vector<Item> take_late() {
    std::unique_lock lock{mutex_};
    std::vector<Item> late;
    while (!ending_ && late.empty()) {
      if (items_.empty()) {
        unwatched_ = true;
        front_.wait(lock);
      } else {  // if it is taken before, whoever is the first by then may wait longer
        const auto until = items_.front().until;
        front_.wait_until(lock, until);
      }
      const auto now = Monotonic::now();
      while (!items_.empty() && items_.front().until <= now) late.push_back(pop());
    }
    return late;
  }

  [[nodiscard]] bool empty() {
    const std::lock_guard lock{mutex_};
    return items_.empty();
  }

  /// What waits is still taken.
  void end() {
    {
      const std::lock_guard lock{mutex_};
      ending_ = true;
    }
    more_.notify_all();
    front_.notify_all();
  }

 private:
  [[nodiscard]] bool may_take() const { return items_.size() >= (at_work_ == 0 ? 1 : beside_); }
  void wait_for_more(std::unique_lock<std::mutex>& lock) {
    const auto more = [this] { return ending_ || may_take(); };
    if (beside_ == 1) return more_.wait(lock, more);
    for (;;) {
      const auto first = taken_;
      const bool some = !items_.empty();
      if (more_.wait_for(lock, soon, more) || (some && first == taken_)) return;
    }
  }
  Item pop() {
    ++taken_;
    Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  const std::size_t beside_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::condition_variable front_;
  bool unwatched_ = false;  ///< `take_late` waits for somebody to come
  std::size_t at_work_ = 0;
  std::uint64_t taken_ = 0;  ///< so far: as long as it stays, the first is the same
  std::deque<Item> items_;
  bool ending_ = false;
};

}  // namespace onetake::ledger
