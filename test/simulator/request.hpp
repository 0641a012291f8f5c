#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.hpp"

namespace onetake::simulator {

/// The head of a request. Parsed by hand: this server sees only our own client, and tests.
struct Request {
  std::string method;
  std::string path;   ///< as sent, without the query
  std::string query;  ///< "" if there was none
  std::vector<std::pair<std::string, std::string>> headers;

  /// The first of that name, without regard to case; "" if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  /// The value of `key` in the query, as sent; "" if it is not there.
  [[nodiscard]] std::string_view parameter(std::string_view key) const;
};

/// `head` ends with the empty line. Nothing if it is no HTTP/1.1 head, or announces a body.
std::optional<Request> parse_request(std::string_view head);

/// One range, [first, last): RFC 9110 section 14.1.2.
struct Span {
  Bytes first = 0;
  Bytes last = 0;
};
enum class RangeKind { ignored, satisfiable, unsatisfiable };
/// Several ranges and other units are ignored.
RangeKind parse_range(std::string_view value, Bytes size, Span& span);

bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace onetake::simulator
