#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace onetake {

/// Why an attempt to fetch did not end with a whole recording.
enum class Cause {
  not_ready,      ///< the provider does not have it yet
  throttled,      ///< 429, or the provider's own word for it; the request was not processed
  unavailable,    ///< 5xx, or any answer that promises nothing
  unreachable,    ///< no connection, no name, TLS refused
  interrupted,    ///< the connection ended inside the body
  stalled,        ///< no byte for `stall_timeout`
  timed_out,      ///< `attempt_timeout`
  unauthorized,   ///< 401
  forbidden,      ///< 403
  missing,        ///< 404 past `not_ready_for`
  gone,           ///< 410
  wrong_content,  ///< not audio, not what its length, digest or container says
  too_large,      ///< more than `max_recording_bytes`
  refused,        ///< an address, host or scheme that sources may not lie at
  no_space,       ///< no room on the disk
  overdue,        ///< `run_deadline`
  internal,       ///< ours
};

/// What follows an attempt that ended so.
enum class Then {
  soon,      ///< again after a backoff, one attempt used
  later,     ///< again when the provider says so, or there may be room; no attempt used
  not_again  ///< the run has failed
};

Then then(Cause cause);
std::string_view name(Cause cause);
std::optional<Cause> cause_named(std::string_view text);

/// One attempt's bad end, for the run's row, the log and the person who pressed Play. `detail` names no credential.
struct Setback {
  Cause cause;
  std::string detail;
  int provider_status = 0;  ///< the HTTP status, or 0 when there was none

  bool operator==(const Setback&) const = default;
};

}  // namespace onetake
