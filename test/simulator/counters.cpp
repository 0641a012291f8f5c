#include "simulator/counters.hpp"

#include <array>
#include <utility>

namespace onetake::simulator {

Moment NthRequest::begins() const {
  return {"request " + std::to_string(n) + " to begin", [n = n](const Counters& c) { return c.requests >= n; }};
}

Moment NthRequest::ends() const {
  return {"request " + std::to_string(n) + " to end", [n = n](const Counters& c) { return c.ended >= n; }};
}

Moment sent(Bytes bytes) {
  return {std::to_string(bytes) + " bytes to be sent", [bytes](const Counters& c) { return c.bytes_sent >= bytes; }};
}

Moment held(std::string barrier, unsigned n) {
  std::string what = std::to_string(n) + " to wait at \"" + barrier + '"';
  return {std::move(what), [barrier = std::move(barrier), n](const Counters& c) {
            const auto found = c.held.find(barrier);
            return found != c.held.end() && found->second >= n;
          }};
}

Moment active(std::uint64_t n) {
  return {std::to_string(n) + " active", [n](const Counters& c) { return c.active == n; }};
}

Moment aborted(std::uint64_t n) {
  return {std::to_string(n) + " aborted", [n](const Counters& c) { return c.aborted >= n; }};
}

Moment lookups(std::uint64_t n) {
  return {std::to_string(n) + " look-ups", [n](const Counters& c) { return c.lookups >= n; }};
}

std::string describe(const Counters& c) {
  const std::array<std::pair<const char*, std::uint64_t>, 12> numbers{{{"requests", c.requests},
                                                                       {"ended", c.ended},
                                                                       {"aborted", c.aborted},
                                                                       {"lookups", c.lookups},
                                                                       {"redirects", c.redirects},
                                                                       {"refused", c.refused},
                                                                       {"throttled", c.throttled},
                                                                       {"unauthorized", c.unauthorized},
                                                                       {"leaked", c.leaked},
                                                                       {"bytes_sent", c.bytes_sent},
                                                                       {"active", c.active},
                                                                       {"peak_active", c.peak_active}}};
  std::string text;
  for (const auto& [name, value] : numbers)
    if (value != 0) text += std::string{text.empty() ? "" : ", "} + name + ' ' + std::to_string(value);
  for (const auto& [barrier, n] : c.held) text += ", " + std::to_string(n) + " held at \"" + barrier + '"';
  return text.empty() ? "nothing happened" : text;
}

}  // namespace onetake::simulator
