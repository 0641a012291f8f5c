#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace onetake::provider {

/// A URL that may be asked: http or https, a host, no user name or password, no fragment. What is checked here is what
/// is sent: the text that goes out is written from these parts.
struct Target {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< lower case, no trailing dot; an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string path;   ///< percent-encoded, at least "/"
  std::string query;  ///< with its "?", or ""

  /// Errors: `bad_body` for what is not a URL, `source_not_allowed` for one that may not be asked. The detail goes on
  /// from "source_url …" and never has the text itself, which may hold a password.
  static result<Target> parse(std::string_view text);
  /// A Location field's value, relative to this (RFC 9110 section 10.2.2).
  [[nodiscard]] result<Target> redirected(std::string_view location) const;

  [[nodiscard]] std::string url() const;
  /// "host", or "host:port" where the port is not the scheme's own: for details and logs.
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] bool plain() const { return scheme == "http"; }
  [[nodiscard]] bool same_origin(const Target& other) const {
    return scheme == other.scheme && host == other.host && port == other.port;
  }
};

/// "media.example.com", "media.example.com:8443", "[2001:db8::1]:8443": what `allowed_hosts` is made of.
struct HostPattern {
  std::string host;        ///< as in Target
  std::uint16_t port = 0;  ///< 0: any

  static std::expected<HostPattern, std::string> parse(std::string_view text);
  [[nodiscard]] bool matches(const Target& target) const {
    return host == target.host && (port == 0 || port == target.port);
  }
};

}  // namespace onetake::provider
