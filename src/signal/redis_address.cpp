#include "signal/redis_address.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace onetake::signal {
namespace {

constexpr std::string_view form = "must be redis://[user:password@]host[:port][/db]";

std::optional<int> number(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > most) return std::nullopt;
  return value;
}

/// RFC 3986 section 2.1; nothing where a % is not followed by two hex digits.
std::optional<std::string> decoded(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    unsigned value = 0;
    const auto hex = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (hex.size() != 2 || error != std::errc{} || end != hex.data() + 2) return std::nullopt;
    made += static_cast<char>(value);
    i += 2;
  }
  return made;
}

bool valid_host(std::string_view host, bool bracketed) {
  return !host.empty() && std::ranges::all_of(host, [&](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || (bracketed && c == ':');
  });
}

}  // namespace

std::expected<RedisAddress, std::string> RedisAddress::parse(std::string_view url) {
  const auto wrong = [](std::string_view what) { return std::unexpected(std::string{what}); };
  if (url.starts_with("rediss://"))
    return wrong("TLS to Redis is not supported: use redis:// within a private network, or through a TLS tunnel");
  constexpr std::string_view scheme = "redis://";
  if (!url.starts_with(scheme)) return wrong(form);
  url.remove_prefix(scheme.size());

  RedisAddress address;
  auto path = url.substr(std::min(url.find('/'), url.size()));
  auto authority = url.substr(0, url.size() - path.size());
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    const auto login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const auto colon = login.find(':');
    const auto user = decoded(login.substr(0, colon));
    const auto password = colon == login.npos ? std::nullopt : decoded(login.substr(colon + 1));
    if (!user || !password || password->empty()) return wrong(form);
    address.user = *user;
    address.password = *password;
  }
  const bool bracketed = authority.starts_with('[');
  const auto host_end = bracketed ? authority.find(']') : authority.find(':');
  if (bracketed && host_end == authority.npos) return wrong(form);
  const auto host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  if (!valid_host(host, bracketed)) return wrong(form);
  address.host = host;
  auto rest = host_end == authority.npos ? std::string_view{} : authority.substr(host_end + (bracketed ? 1 : 0));
  if (!rest.empty()) {
    const auto port = rest.starts_with(':') ? number(rest.substr(1), 65'535) : std::nullopt;
    if (!port || *port == 0) return wrong("the port must be 1 to 65535");
    address.port = *port;
  }
  if (path.size() > 1) {
    const auto db = number(path.substr(1), 1'000'000);
    if (!db) return wrong("what follows the host must be the number of a database");
    address.db = *db;
  }
  return address;
}

std::string RedisAddress::shown() const {
  const auto name = host.find(':') == host.npos ? host : '[' + host + ']';
  return name + ':' + std::to_string(port) + '/' + std::to_string(db);
}

}  // namespace onetake::signal
