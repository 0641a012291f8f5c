#pragma once

#include <sys/eventfd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "signal/wake_line.hpp"

namespace onetake::signal::test {

/// The far end of a line, in the hands of a test.
struct FarEnd {
  std::mutex mutex;
  std::condition_variable more;
  bool reachable = true;
  bool breaks = false;  ///< the next batch is lost with the line
  bool holds = false;   ///< batches do not return from being sent
  int sending = 0;
  std::vector<std::vector<std::string>> batches;
  std::vector<std::string> arriving;
  Fd arrived{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};

  template <class Change>
  void change(Change change) {
    const std::lock_guard lock{mutex};
    change();
    more.notify_all();
  }
  template <class Condition>
  void until(Condition condition) {
    std::unique_lock lock{mutex};
    more.wait(lock, condition);
  }
  void says(std::string message) {
    change([&] { arriving.push_back(std::move(message)); });
    ::eventfd_write(arrived.get(), 1);
  }
};

class ScriptedLine final : public WakeLine {
 public:
  explicit ScriptedLine(FarEnd& far) : far_(far) {}
  [[nodiscard]] int fd() const override { return far_.arrived.get(); }
  void send(const std::vector<std::string>& messages) override {
    std::unique_lock lock{far_.mutex};
    ++far_.sending;
    far_.more.notify_all();
    far_.more.wait(lock, [&] { return !far_.holds; });
    if (std::exchange(far_.breaks, false)) throw std::runtime_error{"the line breaks"};
    far_.batches.push_back(messages);
    far_.more.notify_all();
  }
  std::vector<std::string> receive() override {
    eventfd_t ignored = 0;
    ::eventfd_read(far_.arrived.get(), &ignored);
    const std::lock_guard lock{far_.mutex};
    return std::exchange(far_.arriving, {});
  }

 private:
  FarEnd& far_;
};

/// Reaches the far end, or nobody.
inline DialWakes dial(FarEnd& far) {
  return [&far]() -> std::unique_ptr<WakeLine> {
    const std::lock_guard lock{far.mutex};
    if (!far.reachable) throw std::runtime_error{"nobody is there"};
    return std::make_unique<ScriptedLine>(far);
  };
}

}  // namespace onetake::signal::test
