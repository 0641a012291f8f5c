#include "tenant/browser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace onetake::tenant {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_but_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

/// 1 to `most` digits whose value is at most `limit`.
bool number(std::string_view text, std::size_t most, unsigned limit) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && text.size() <= most && error == std::errc{} && end == text.data() + text.size() &&
         value <= limit;
}

/// Four decimal numbers, the first of them 127.
bool loopback_ipv4(std::string_view text) {
  if (!text.starts_with("127.")) return false;
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    if (!number(text.substr(0, dot), 3, 255)) return false;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

}  // namespace

bool loopback_host(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && !host.ends_with(']')) {
    if (!number(host.substr(colon + 1), 5, 65535)) return false;
    host = host.substr(0, colon);
  }
  return same_but_case(host, "localhost") || host == "[::1]" || loopback_ipv4(host);
}

bool same_origin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (!host.empty() && origin.starts_with(scheme) && same_but_case(origin.substr(scheme.size()), host)) return true;
  return false;
}

bool opens_console(std::string_view method, std::string_view path, std::string_view fetch_dest,
                   std::string_view fetch_mode) {
  return method == "GET" && path == "/" && (fetch_dest.empty() || fetch_dest == "document") &&
         (fetch_mode.empty() || fetch_mode == "navigate");
}

}  // namespace onetake::tenant
