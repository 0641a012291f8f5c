#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace onetake::signal {

/// A connection over which all nodes hear what any of them says, this one included, in no more than `longest` bytes of
/// printable ASCII a message. One thread. A lost connection throws; it is of no further use then.
class WakeLine {
 public:
  static constexpr std::size_t longest = 1'000;  ///< PostgreSQL takes 7,999

  virtual ~WakeLine() = default;

  /// Readable when something may have arrived.
  [[nodiscard]] virtual int fd() const = 0;
  /// Returns when the other side has them. With none it only asks for a sign of life. `receive` before `fd` is waited
  /// for again: what arrived meanwhile is here already.
  virtual void send(const std::vector<std::string>& messages) = 0;
  /// What has arrived, without waiting.
  virtual std::vector<std::string> receive() = 0;
};

/// Connects and subscribes: what is said once it has returned is heard. Throws. Nothing waits longer than seconds.
using DialWakes = std::function<std::unique_ptr<WakeLine>()>;

}  // namespace onetake::signal
