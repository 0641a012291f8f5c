#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "tenant/mac.hpp"

namespace onetake::tenant {

/// How one node of a cluster tells another on whose behalf it passes a request on: it has found out who is asking, and
/// says so under a secret that the nodes share through their database.
///
///     TENANT.EXPIRES.MAC      MAC = HMAC-SHA256(secret, "onetake-node-v1\n" METHOD "\n" TARGET "\n" TENANT "\n"
///     EXPIRES)
///
/// EXPIRES in seconds since 1970. Any thread.
class NodePass {
 public:
  explicit NodePass(std::string secret) : key_(std::move(secret)) {}

  [[nodiscard]] std::string issue(std::string_view method, std::string_view target, const TenantId& tenant,
                                  WallTime now) const;
  /// On whose behalf; nothing for a pass that is not ours, is another request's, or has expired.
  [[nodiscard]] std::optional<TenantId> tenant_of(std::string_view pass, std::string_view method,
                                                  std::string_view target, WallTime now) const;

 private:
  MacKey key_;
};

}  // namespace onetake::tenant
