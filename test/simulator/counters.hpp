#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/units.hpp"

namespace onetake::simulator {

/// What the provider saw and did, of one recording or of all. Media requests are those that the script answers.
/// A client that has an answer finds its request and its bytes counted; that it has `ended` may come a moment later.
struct Counters {
  std::uint64_t requests = 0;      ///< media requests, counted when their head has been read
  std::uint64_t ended = 0;         ///< media requests that are over, in whatever way
  std::uint64_t aborted = 0;       ///< … because the client went away
  std::uint64_t lookups = 0;       ///< .json of a recording, or of a call's recordings
  std::uint64_t redirects = 0;     ///< 302 answered
  std::uint64_t refused = 0;       ///< formats or channels that are not there: 404, or 400 with code 16113
  std::uint64_t throttled = 0;     ///< 429 because of `Provider::allows`
  std::uint64_t unauthorized = 0;  ///< 401 because of missing or wrong credentials
  std::uint64_t leaked = 0;        ///< requests for a signed URL that carried an Authorization header
  Bytes bytes_sent = 0;            ///< body bytes of media answers that the kernel took
  std::uint64_t active = 0;        ///< media requests begun and not ended
  std::uint64_t peak_active = 0;
  std::map<std::string, unsigned> held;  ///< how many wait at which barrier now
};

/// Something that will have come true: an event to wait for instead of a time. See `Call::until`.
struct Moment {
  std::string what;
  std::function<bool(const Counters&)> come;
};

/// `request(2).begins()`: the second media request is there. `request(2).ends()`: two of them are over.
struct NthRequest {
  std::uint64_t n;
  [[nodiscard]] Moment begins() const;
  [[nodiscard]] Moment ends() const;
};
inline NthRequest request(std::uint64_t n) { return {n}; }

Moment sent(Bytes bytes);                          ///< at least so many body bytes, over all answers
Moment held(std::string barrier, unsigned n = 1);  ///< n requests wait there
Moment active(std::uint64_t n);                    ///< exactly n
Moment aborted(std::uint64_t n = 1);               ///< at least n
Moment lookups(std::uint64_t n = 1);               ///< at least n

/// For messages: the counters that are not zero.
std::string describe(const Counters& counters);

}  // namespace onetake::simulator
