#pragma once

#include <optional>
#include <string_view>

namespace onetake {

/// What can be heard of a recording.
///
///   state      means                                            left by
///   ---------  -----------------------------------------------  ------------------------------------------------
///   remote     no audio, no active run                          Play, or POST fetch: fetching
///   fetching   a run is queued (also between attempts) or runs   the run's end; cancelled: remote
///   ready      every byte is here and verified                   eviction, quarantine, new source: remote; age: gone
///   failed     the newest run failed                             Play once it has cooled down, or a retry: fetching
///   gone       the provider said 410, or past retention          another source: remote; a retry after 410: fetching
enum class State { remote, fetching, ready, failed, gone };

enum class RunStatus { queued, running, completed, failed, cancelled };

constexpr bool active(RunStatus status) { return status == RunStatus::queued || status == RunStatus::running; }

/// The life of a run, whole: what is not in this table does not happen.
///
///   from       to           by
///   ---------  -----------  ---------------------------------------------------------------
///   queued     running      a claim, which adds one to the token
///   queued     cancelled    cancel, another source, retention
///   queued     failed       the run's deadline
///   running    completed    publishing, by the newest token
///   running    queued       an attempt that may be repeated, or a lost lease
///   running    failed       a permanent cause, or no attempt left
///   running    cancelled    cancel, another source, retention
constexpr bool may_become(RunStatus from, RunStatus to) {
  switch (from) {
    case RunStatus::queued:
      return to == RunStatus::running || to == RunStatus::cancelled || to == RunStatus::failed;
    case RunStatus::running:
      return to != RunStatus::running;
    case RunStatus::completed:
    case RunStatus::failed:
    case RunStatus::cancelled:
      return false;
  }
  return false;
}

/// Why a queued run is not running.
enum class Reason { queued, not_ready, throttled, retrying };

/// Whose turn it is among one tenant's queued runs: the first of these first.
enum class Urgency {
  play,       ///< somebody waits to hear it
  retry,      ///< it is tried again
  background  ///< somebody wants it ready; a Play that joins it makes it urgent
};

std::string_view name(State state);
std::string_view name(RunStatus status);
std::string_view name(Reason reason);
std::optional<State> state_named(std::string_view text);
std::optional<RunStatus> run_status_named(std::string_view text);
std::optional<Reason> reason_named(std::string_view text);

}  // namespace onetake
