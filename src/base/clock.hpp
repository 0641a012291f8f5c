#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace onetake {

using std::chrono::milliseconds;

/// Deadlines and leases are told by the monotonic clock: a wall clock that is set does not move them.
using Monotonic = std::chrono::steady_clock;
using Deadline = Monotonic::time_point;
inline constexpr Deadline never = Deadline::max();

inline Deadline in(milliseconds span) { return Monotonic::now() + span; }

/// What is stored and shown: UTC, milliseconds.
using WallTime = std::chrono::sys_time<milliseconds>;

WallTime wall_now();

/// RFC 3339, UTC, milliseconds: 2026-11-22T09:30:00.000Z
std::string rfc3339(WallTime time);
/// Any RFC 3339 date-time, offsets and fractions included; finer than a millisecond is cut.
std::optional<WallTime> parse_rfc3339(std::string_view text);

/// RFC 9110 section 5.6.7, IMF-fixdate; seconds.
std::string http_date(WallTime time);
/// The three forms that a recipient must accept. Nothing for anything else.
std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace onetake
