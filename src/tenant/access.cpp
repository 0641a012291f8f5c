#include "tenant/access.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "tenant/browser.hpp"
#include "tenant/signed_url.hpp"

namespace onetake::tenant {
namespace {

bool same(const Sha256& a, const Sha256& b) { return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

/// What a lookup may take by its place in a table. How long it takes tells something about the hash of a guess, from
/// which nothing follows for the next guess.
std::uint64_t place_of(const Sha256& hash) {
  std::uint64_t place = 0;
  std::memcpy(&place, hash.data(), sizeof place);
  return place;
}

/// RFC 9110 section 11.4: the scheme in any case, then the token. Nothing for another scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() < scheme.size()) return std::nullopt;
  const bool right = std::ranges::equal(authorization.substr(0, scheme.size()), scheme,
                                        [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a + 32 == b); });
  if (!right) return std::nullopt;
  auto token = authorization.substr(scheme.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  while (token.ends_with(' ')) token.remove_suffix(1);
  return token;
}

bool writes(std::string_view method) { return method != "GET" && method != "HEAD" && method != "OPTIONS"; }

}  // namespace

Access::Access(const std::vector<Credentials>& tenants, std::optional<Sha256> admin, std::optional<Browsers> browsers)
    : admin_(admin), browsers_(std::move(browsers)) {
  for (const auto& credentials : tenants) {
    Tenant& tenant = tenants_[credentials.id.str()];
    tenant.id = credentials.id;
    for (const auto& key : credentials.url_keys) tenant.url_keys.push_back({key.id, MacKey{key.secret}});
    for (const auto& hash : credentials.api_keys) api_keys_.emplace(place_of(hash), ApiKey{hash, &tenant});
  }
}

result<Caller> Access::authenticate(const Asking& asking, WallTime now) const {
  if (auto right = host(asking.host); !right) return std::unexpected(std::move(right.error()));
  if (!asking.authorization.empty()) return by_key(asking);
  if (asking.area == Area::listening && has_signature(asking.query)) return by_url(asking, now);
  if (browsers_ && !asking.cookie.empty()) return by_session(asking, now);
  return failed(Fault::unauthorized, "An API key is needed: Authorization: Bearer …");
}

result<Caller> Access::by_key(const Asking& asking) const {
  const auto token = bearer_token(asking.authorization);
  if (!token || token->empty()) return failed(Fault::unauthorized, "Authorization must be: Bearer, then an API key.");
  const Sha256 hash = sha256(*token);
  if (admin_ && same(hash, *admin_)) {
    if (asking.area != Area::tenants) return failed(Fault::forbidden, "The admin key opens /api/tenants only.");
    return Caller{.by = By::admin};
  }
  const auto [begin, end] = api_keys_.equal_range(place_of(hash));
  const auto known = std::find_if(begin, end, [&](const auto& entry) { return same(entry.second.hash, hash); });
  if (known == end) return failed(Fault::unauthorized, "No such API key.");
  if (asking.area == Area::tenants) return failed(Fault::forbidden, "Only the admin key opens /api/tenants.");
  return Caller{.by = By::api_key, .tenant = known->second.tenant->id};
}

result<Caller> Access::by_url(const Asking& asking, WallTime now) const {
  const auto wrong = [] { return failed(Fault::unauthorized, "The signed URL is not right."); };
  const auto claim = url_claim(asking.query);
  if (!claim) return wrong();
  const auto tenant = tenants_.find(claim->tenant);
  if (tenant == tenants_.end()) return wrong();
  const auto key = std::ranges::find(tenant->second.url_keys, claim->kid, &Key::id);
  if (key == tenant->second.url_keys.end()) return wrong();
  switch (verify(*claim, asking.path, key->mac, now)) {
    case Verdict::wrong:
      return wrong();
    case Verdict::expired:
      return failed(Fault::unauthorized, "The signed URL has expired.");
    case Verdict::good:
      break;
  }
  return Caller{.by = By::signed_url, .tenant = tenant->second.id};
}

result<Caller> Access::by_session(const Asking& asking, WallTime now) const {
  const auto session = browsers_->sessions.find(asking.cookie, now);
  if (!session) return failed(Fault::unauthorized, "The session is over: open the console again.");
  const auto tenant = tenants_.find(session->tenant);
  if (tenant == tenants_.end()) return failed(Fault::unauthorized, "The session's tenant is not here any more.");
  if (asking.area == Area::tenants) return failed(Fault::forbidden, "Only the admin key opens /api/tenants.");
  if (writes(asking.method) && !same_origin(asking.origin, asking.host)) {
    return failed(Fault::forbidden, "A write by cookie must come from the console's own page.");
  }
  Caller caller{.by = By::session, .tenant = tenant->second.id};
  if (session->half_over) caller.renewed_cookie = browsers_->sessions.cookie(caller.tenant, now);
  return caller;
}

result<std::string> Access::log_in(const Caller& caller, WallTime now) const {
  if (!browsers_) return failed(Fault::forbidden, "This server has no console.");
  return browsers_->sessions.cookie(caller.tenant, now);
}

std::string Access::log_out() const { return browsers_ ? browsers_->sessions.ended() : std::string{}; }

result<void> Access::host(std::string_view host) const {
  if (!browsers_ || !browsers_->local || loopback_host(host)) return {};
  return failed(Fault::misdirected, "This server answers to localhost only.");
}

result<std::string> Access::welcome(const Visit& visit, WallTime now) const {
  if (auto right = host(visit.host); !right) return std::unexpected(std::move(right.error()));
  if (!browsers_ || !browsers_->local) return std::string{};
  if (!opens_console(visit.method, visit.path, visit.fetch_dest, visit.fetch_mode)) return std::string{};
  return browsers_->sessions.cookie(*browsers_->local, now);
}

}  // namespace onetake::tenant
