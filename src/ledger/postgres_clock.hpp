#pragma once

#include "base/clock.hpp"

namespace onetake::ledger::pg {

/// How far the server's clock is ahead of this node's, as far as a question and its answer prove it: the server told
/// the time between the two. What they do not prove is taken for no difference, so that clocks which agree are never
/// corrected, however slow the network. One thread.
class ServerClock {
 public:
  /// False: ask again. It was long ago, or this node's clock has been set since.
  [[nodiscard]] bool known(WallTime ours, Deadline now) const;
  /// Asked at `before`, answered at `after`, by this node's clock.
  void told(WallTime before, WallTime theirs, WallTime after, Deadline now);
  /// Below zero where it is this node's that is ahead.
  [[nodiscard]] milliseconds ahead() const { return ahead_; }

 private:
  milliseconds ahead_{0};
  Deadline told_at_ = never;
  WallTime told_at_ours_;
};

}  // namespace onetake::ledger::pg
