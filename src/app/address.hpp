#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace onetake::app {

/// Where to listen.
struct Address {
  std::string host;  ///< an IPv4 or IPv6 address, without brackets
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;

  /// ADDR:PORT, an IPv6 address in brackets: what goes behind "http://".
  [[nodiscard]] std::string str() const;
  /// 127.0.0.0/8 or ::1.
  [[nodiscard]] bool loopback() const;
  /// 0.0.0.0 or ::, which nobody can be reached at.
  [[nodiscard]] bool wildcard() const { return host == "0.0.0.0" || host == "::"; }
};

/// "127.0.0.1:8080", "[::1]:0"; "localhost" is 127.0.0.1. No other names: what one binds is an address.
std::optional<Address> parse_address(std::string_view text);

}  // namespace onetake::app
