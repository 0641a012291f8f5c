#include "tenant/signed_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace onetake::tenant {
namespace {

constexpr std::string_view version = "onetake-url-v1\n";

/// Calls `see(name, value)` for each parameter, as sent.
template <class See>
void each_parameter(std::string_view query, See see) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const auto parameter = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const auto equals = parameter.find('=');
    see(parameter.substr(0, equals),
        equals == std::string_view::npos ? std::string_view{} : parameter.substr(equals + 1));
  }
}

}  // namespace

std::optional<UrlClaim> url_claim(std::string_view query) {
  static constexpr std::array<std::string_view, 4> names{"tenant", "expires", "kid", "sig"};
  std::array<std::optional<std::string_view>, names.size()> values;
  bool twice = false;
  each_parameter(query, [&](std::string_view name, std::string_view value) {
    const auto* const known = std::ranges::find(names, name);
    if (known == names.end()) return;
    auto& place = values.at(static_cast<std::size_t>(known - names.begin()));
    twice = twice || place.has_value();
    place = value;
  });
  if (twice || !std::ranges::all_of(values, [](const auto& value) { return value.has_value(); })) return std::nullopt;
  return UrlClaim{*values[0], *values[1], *values[2], *values[3]};
}

bool has_signature(std::string_view query) {
  bool found = false;
  each_parameter(query, [&](std::string_view name, std::string_view) { found = found || name == "sig"; });
  return found;
}

Verdict verify(const UrlClaim& claim, std::string_view path, const MacKey& key, WallTime now) {
  if (!key.verify(claim.signature, {version, path, "\n", claim.tenant, "\n", claim.expires})) return Verdict::wrong;
  std::int64_t expires = 0;
  const auto text = claim.expires;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), expires);
  if (error != std::errc{} || stopped != text.data() + text.size()) return Verdict::wrong;
  const auto second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  return second < expires ? Verdict::good : Verdict::expired;
}

std::string signed_url(std::string_view path, const TenantId& tenant, std::string_view kid, const MacKey& key,
                       std::chrono::sys_seconds expires) {
  const auto query = path.find('?');
  const std::string until = std::to_string(expires.time_since_epoch().count());
  const MacText signature = key.sign({version, path.substr(0, query), "\n", tenant.str(), "\n", until});
  std::string url{path};
  url += query == std::string_view::npos ? '?' : '&';
  url.append("tenant=").append(tenant.str()).append("&expires=").append(until).append("&kid=").append(kid);
  url.append("&sig=").append(view(signature));
  return url;
}

}  // namespace onetake::tenant
