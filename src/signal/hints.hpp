#pragma once

#include <chrono>
#include <optional>

#include "base/task.hpp"
#include "recording/recording.hpp"

namespace onetake::signal {

/// Layer 5: which run is under way for what somebody asks for, told by one node to the others.
///
/// A hint: it may be lost, and it may be stale. Who wants to act on one asks the ledger for that run first; where the
/// run has ended, or is unknown, the hint counts for nothing and is taken away with `ended`. So it never stands in the
/// way of what the database permits.
class Hints {
 public:
  virtual ~Hints() = default;

  /// How long a hint lives where nobody takes it away.
  static constexpr std::chrono::seconds life{120};

  /// The run that a node said is under way for this key. Any loop. Takes at most 50 ms, and no time at all where it is
  /// known that nobody answers; never throws.
  virtual Task<std::optional<RunId>> under_way(Key key) = 0;

  /// This run was seen queued or running, by what a transaction committed. In place of what was said before. Any
  /// thread; does not wait.
  virtual void begun(const Key& key, const RunId& run) noexcept = 0;

  /// This run is not under way any more: takes the hint away if it still names this run. Any thread; does not wait.
  virtual void ended(const Key& key, const RunId& run) noexcept = 0;
};

}  // namespace onetake::signal
