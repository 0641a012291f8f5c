#pragma once

#include <functional>
#include <string>

namespace onetake::signal {

/// What changed on some node.
enum class Topic {
  run_queued,         ///< somebody may claim it; no id
  run_taken,          ///< by a worker; the run's id
  run_ended,          ///< or was cancelled; the run's id
  recording_changed,  ///< erased, or its source replaced; the recording's id
  everything          ///< may have changed: wake-ups may have been missed; no id
};

struct Wake {
  Topic topic = Topic::everything;
  std::string id = {};

  bool operator==(const Wake&) const = default;
};

/// Wake-ups between nodes, so that the others look at once instead of at their next sweep. Losing any costs time only:
/// the sweeps stay. Told after the commit, never before.
class Wakes {
 public:
  /// What was announced before is still said, if the others can be reached.
  virtual ~Wakes() = default;

  /// To all other nodes. Any thread; does not wait. Lost without a word where they cannot be reached.
  virtual void announce(Wake wake) noexcept = 0;

  /// Called on the adapter's own thread, one call at a time, never by `announce`: must not block, nor throw.
  /// `everything` comes whenever what other nodes say begins to be heard, the first time included. What this node
  /// announces it does not hear.
  using Heard = std::function<void(const Wake&)>;

  /// Once. What is said before is not heard. No call is under way any more when the destructor returns.
  virtual void listen(Heard heard) = 0;
};

}  // namespace onetake::signal
