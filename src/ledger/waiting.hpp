#pragma once

#include <condition_variable>
#include <cstddef>
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
  void add(Item item) {
    bool first = false;
    {
      const std::lock_guard lock{mutex_};
      items_.push_back(std::move(item));
      first = items_.size() == 1;
    }
    more_.notify_one();
    if (first) front_.notify_one();
  }

  /// Blocks until somebody waits, and takes up to `most` of them: whoever waits goes together, and nobody waits for
  /// others to come. Nobody, when it has ended.
  std::vector<Item> take(std::size_t most) {
    std::unique_lock lock{mutex_};
    more_.wait(lock, [this] { return ending_ || !items_.empty(); });
    std::vector<Item> taken;
    while (!items_.empty() && taken.size() < most) taken.push_back(pop());
    return taken;
  }

  /// Blocks until somebody has waited past its `until`, and takes those. Nobody, when it has ended.
  /// REQUIRES: whoever came later may wait longer.
  std::vector<Item> take_late() {
    std::unique_lock lock{mutex_};
    std::vector<Item> late;
    while (!ending_ && late.empty()) {
      if (items_.empty()) {
        front_.wait(lock);
      } else {
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
  Item pop() {
    Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  std::mutex mutex_;
  std::condition_variable more_;
  std::condition_variable front_;  ///< somebody else may be the first
  std::deque<Item> items_;
  bool ending_ = false;
};

}  // namespace onetake::ledger
