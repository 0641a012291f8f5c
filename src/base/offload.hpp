#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/completion.hpp"

namespace onetake {

/// Threads for what would block a loop: fsync, rename, directory scans, decoding.
class Offload {
 public:
  explicit Offload(std::size_t threads);
  /// Finishes what was given to it.
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  /// Runs `work()` on one of the threads; what it throws is thrown here. Work that returns nothing is answered with
  /// true.
  template <class Work>
  auto run(Work work) {
    using T = std::conditional_t<std::is_void_v<decltype(work())>, bool, decltype(work())>;
    return completed<T>([this, work = std::move(work)](Completion<T> completion) mutable {
      give([work = std::move(work), completion = std::move(completion)]() mutable {
        try {
          if constexpr (std::is_void_v<decltype(work())>) {
            work();
            completion.set(true);
          } else {
            completion.set(work());
          }
        } catch (...) {
          completion.fail(std::current_exception());
        }
      });
    });
  }

 private:
  void give(std::move_only_function<void()> job);
  void work();

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::move_only_function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace onetake
