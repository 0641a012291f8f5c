#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "tenant/mac.hpp"

/// A URL that carries its own permission:
///
///   ?tenant=T&expires=UNIXSECONDS&kid=K&sig=S
///   S = base64url-nopad(HMAC-SHA256(secret, "onetake-url-v1\n" + path + "\n" + tenant + "\n" + expires))
///
/// The path is percent-encoded as sent, without the query; the method is not signed, so HEAD and GET share a signature.
/// The rest of the query is not signed either: what it may say opens nothing.
namespace onetake::tenant {

/// The four parameters as they stand in the query; they point into it.
struct UrlClaim {
  std::string_view tenant;
  std::string_view expires;
  std::string_view kid;
  std::string_view signature;
};

/// Nothing unless each of the four is there exactly once. Looks at the text alone.
std::optional<UrlClaim> url_claim(std::string_view query);

/// Does the query name a signature at all? Then it is meant as one, right or wrong.
bool has_signature(std::string_view query);

/// A URL is good while `now` lies before the second that `expires` names.
enum class Verdict { good, wrong, expired };

/// `expired` only for what was right once. Any thread.
Verdict verify(const UrlClaim& claim, std::string_view path, const MacKey& key, WallTime now);

/// The path with the signed query. A query that `path` brings along stays in front; only the path is signed.
std::string signed_url(std::string_view path, const TenantId& tenant, std::string_view kid, const MacKey& key,
                       std::chrono::sys_seconds expires);

}  // namespace onetake::tenant
