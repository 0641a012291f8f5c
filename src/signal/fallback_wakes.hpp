#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "signal/wakes.hpp"

namespace onetake::signal {

class LineWakes;

/// Wake-ups over one line, and over another while that one is away; both are listened to. What the first may have lost
/// the second says as `everything`, so that losing the first costs no sweep.
///
///   the first line                       what is announced goes
///   ----------------------------------   -------------------------------------------------------
///   up, and `trusted()`                  over the first
///   anything else                        over the second
///   breaks, perhaps with something on    as `everything` over the second, whatever became of it
class FallbackWakes final : public Wakes {
 public:
  /// `trusted` is asked by whoever announces, and must not block: false while the other side is known to be slow.
  FallbackWakes(std::unique_ptr<LineWakes> first, std::unique_ptr<Wakes> second, std::function<bool()> trusted);
  ~FallbackWakes() override;

  void announce(Wake wake) noexcept override;
  void listen(Heard heard) override;

 private:
  const std::function<bool()> trusted_;
  std::mutex hearing_;
  // In this order: the end of the first may still be something for the second to say.
  const std::unique_ptr<Wakes> second_;
  const std::unique_ptr<LineWakes> first_;
};

}  // namespace onetake::signal
