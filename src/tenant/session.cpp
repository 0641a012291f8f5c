#include "tenant/session.hpp"

#include <openssl/rand.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace onetake::tenant {
namespace {

constexpr std::string_view version = "onetake-session-v1\n";

std::int64_t seconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace

Sessions::Sessions(std::string secret, milliseconds life, bool secure)
    : key_(std::move(secret)), life_(life), secure_(secure) {
  const MacText mark = key_.sign({"onetake-cookie-name-v1"});
  name_ = "onetake_";
  name_ += view(mark).substr(0, 8);
}

std::string Sessions::cookie(const TenantId& tenant, WallTime now) const {
  const std::string expires = std::to_string(seconds_of(now + life_));
  const MacText signature = key_.sign({version, tenant.str(), "\n", expires});
  std::string text = name_ + '=' + tenant.str() + '.' + expires + '.';
  text.append(view(signature));
  text.append("; Path=/; HttpOnly; SameSite=Strict; Max-Age=");
  text.append(std::to_string(std::chrono::floor<std::chrono::seconds>(life_).count()));
  if (secure_) text.append("; Secure");
  return text;
}

std::string Sessions::ended() const {
  return name_ + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0" + (secure_ ? "; Secure" : "");
}

std::optional<Sessions::Session> Sessions::find(std::string_view cookies, WallTime now) const {
  // RFC 6265 section 4.2: name=value pairs with "; " between them. Another path or host may have set one of our name.
  while (!cookies.empty()) {
    const auto end = cookies.find(';');
    auto pair = cookies.substr(0, end);
    cookies = end == std::string_view::npos ? std::string_view{} : cookies.substr(end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    while (pair.ends_with(' ')) pair.remove_suffix(1);
    if (!pair.starts_with(name_) || pair.substr(name_.size(), 1) != "=") continue;
    if (auto session = read(pair.substr(name_.size() + 1), now)) return session;
  }
  return std::nullopt;
}

std::optional<Sessions::Session> Sessions::read(std::string_view value, WallTime now) const {
  const auto first = value.find('.');
  const auto second = value.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto tenant = value.substr(0, first);
  const auto expires = value.substr(first + 1, second - first - 1);
  if (!key_.verify(value.substr(second + 1), {version, tenant, "\n", expires})) return std::nullopt;

  std::int64_t until = 0;  // ours, since the signature is right
  std::from_chars(expires.data(), expires.data() + expires.size(), until);
  const auto left = std::chrono::seconds{until - seconds_of(now)};
  if (left <= std::chrono::seconds{0}) return std::nullopt;
  return Session{.tenant = tenant, .half_over = left < life_ / 2};
}

std::string random_secret() {
  std::string bytes(32, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("no random numbers");
  }
  return bytes;
}

}  // namespace onetake::tenant
