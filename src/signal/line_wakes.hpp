#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "signal/wake_line.hpp"
#include "signal/wakes.hpp"

namespace onetake::signal {

/// Wake-ups over a line that may be lost: on a thread of its own, which dials again after waits that double.
///
/// What is announced is sent at once, and what follows within `together` in one batch: so many announcements cost few
/// messages to the other side, and the same one said twice is sent once. Where too many wait, or a batch may have been
/// lost, one `everything` stands for all of them.
class LineWakes final : public Wakes {
 public:
  struct Timing {
    milliseconds redial{250};
    milliseconds redial_at_most{10'000};
    milliseconds together{5};
    milliseconds idle{10'000};  ///< without a message: a sign of life is asked for
    std::size_t most_waiting = 1'000;
  };

  /// `line` is what the log calls it.
  LineWakes(std::string line, DialWakes dial) : LineWakes(std::move(line), std::move(dial), Timing{}) {}
  LineWakes(std::string line, DialWakes dial, Timing timing);
  ~LineWakes() override;

  void announce(Wake wake) noexcept override;
  void listen(Heard heard) override;

  /// Connected, as far as is known. Any thread.
  [[nodiscard]] bool up() const { return up_; }
  /// Called on the thread of the line whenever it breaks: what was announced may not have been said. Before `listen`.
  void on_break(std::function<void()> broken) { broken_ = std::move(broken); }

 private:
  void run();
  void serve(WakeLine& line);
  void hear(const std::vector<std::string>& messages);
  std::vector<std::string> take_waiting();
  bool pause(milliseconds span);
  void wake() const;
  bool ending() const;

  const std::string name_;
  const DialWakes dial_;
  const Timing timing_;
  const std::string node_;  ///< tells our own messages from others'
  const Fd woken_;
  mutable std::mutex mutex_;
  bool ending_ = false;
  std::deque<Wake> waiting_;
  Heard heard_;
  std::function<void()> broken_;
  std::atomic<bool> up_ = false;
  std::thread thread_;
};

}  // namespace onetake::signal
