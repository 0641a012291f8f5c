#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"

namespace onetake::tenant {

/// What is kept of an API key: the key itself is nowhere.
using Sha256 = std::array<std::uint8_t, 32>;

/// Signs stream URLs. The id travels in the URL as `kid`.
struct UrlKey {
  std::string id;  ///< see `valid_name`
  std::string secret;
};

/// One tenant's ways in.
struct Credentials {
  TenantId id;
  std::vector<Sha256> api_keys;
  std::vector<UrlKey> url_keys;  ///< all verify, the first signs
};

/// [a-z0-9][a-z0-9-]{0,62}
bool valid_tenant_id(std::string_view text);

/// 1 to 64 of [A-Za-z0-9._~-]: what stands in a URL as it is. Names of providers and ids of keys.
bool valid_name(std::string_view text);

/// 64 hexadecimal digits of either case; nothing for anything else.
std::optional<Sha256> parse_sha256(std::string_view hex);

/// FIPS 180-4. Any thread, without an allocation after a thread's first call.
Sha256 sha256(std::string_view text);

}  // namespace onetake::tenant
