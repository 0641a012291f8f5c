#pragma once

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "signal/wakes.hpp"

namespace onetake::signal::test {

/// Hears wake-ups and keeps them, in order.
class Ear {
 public:
  Wakes::Heard heard() {
    return [this](const Wake& wake) {
      const std::lock_guard lock{mutex_};
      all_.push_back(wake);
      more_.notify_all();
    };
  }
  /// Returns once it has been heard so many times.
  void until(const Wake& wake, std::ptrdiff_t times = 1) {
    std::unique_lock lock{mutex_};
    more_.wait(lock, [&] { return std::ranges::count(all_, wake) >= times; });
  }
  std::vector<Wake> all() {
    const std::lock_guard lock{mutex_};
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<Wake> all_;
};

}  // namespace onetake::signal::test
