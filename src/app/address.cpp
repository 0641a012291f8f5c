#include "app/address.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace onetake::app {
namespace {

bool is_address(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  return inet_pton(family, text.c_str(), parsed.data()) == 1;
}

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

}  // namespace

std::string Address::str() const {
  const std::string tail = ':' + std::to_string(port);
  return host.find(':') == std::string::npos ? host + tail : '[' + host + ']' + tail;
}

bool Address::loopback() const {
  if (host.starts_with("127.")) return true;
  in6_addr parsed{};
  return inet_pton(AF_INET6, host.c_str(), &parsed) == 1 && IN6_IS_ADDR_LOOPBACK(&parsed);
}

std::optional<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = number(text.substr(colon + 1), 65535);
  if (!port) return std::nullopt;
  std::string host{text.substr(0, colon)};
  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!is_address(AF_INET6, host)) return std::nullopt;
  } else if (!is_address(AF_INET, host)) {
    return std::nullopt;
  }
  return Address{.host = std::move(host), .port = static_cast<std::uint16_t>(*port)};
}

}  // namespace onetake::app
