#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace onetake::http {

/// The fields that any route looks at; a session keeps no others.
enum class Field : std::uint8_t {
  accept,
  access_control_request_method,
  authorization,
  cookie,
  host,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  if_unmodified_since,
  onetake_node,
  origin,
  prefer,
  range,
  sec_fetch_dest,
  sec_fetch_mode,
  sec_purpose,
  x_user_action,
  count_
};

/// One request, parsed. Its views point into the session's buffers and end when the request has been answered.
struct Request {
  std::string_view method;
  std::string_view target;  ///< without the authority that it may have been sent with, which is in `Field::host`
  std::string_view path;    ///< percent-encoded as sent, without the query
  std::string_view query;   ///< as sent, without "?"
  std::string_view body;
  std::array<std::string_view, static_cast<std::size_t>(Field::count_)> fields{};
  bool http10 = false;
  Monotonic::time_point began;  ///< when its head was complete

  [[nodiscard]] std::string_view field(Field name) const { return fields[static_cast<std::size_t>(name)]; }
  [[nodiscard]] bool is_get() const { return method == "GET"; }
  [[nodiscard]] bool is_head() const { return method == "HEAD"; }

  /// The value of a query parameter, decoded ("+" is a space), or as it stands where that cannot be: nothing only when
  /// it is not there. The first when it is there twice.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Percent-decoded; nothing for a broken escape, or a NUL.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

/// Does a comma-separated field value hold this token (case-insensitive, parameters ignored)?
bool lists_token(std::string_view field, std::string_view token);

}  // namespace onetake::http
