#pragma once

#include <string>
#include <string_view>

namespace onetake::ledger {

/// 32 random bytes, lower case hex. Made once a ledger, kept in `meta`.
std::string random_secret();

/// What an erased call leaves: lower case hex of HMAC-SHA256(secret, tenant + "\n" + name). It tells that a name that
/// somebody has was erased, and gives no name to who has none.
std::string tombstone_hmac(std::string_view secret, std::string_view tenant, std::string_view name);

}  // namespace onetake::ledger
