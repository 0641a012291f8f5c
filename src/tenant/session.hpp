#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "tenant/mac.hpp"

namespace onetake::tenant {

/// A browser's cookie that says which tenant it acts for:
///
///   onetake_<8 of the key's own>=<tenant>.<expires, Unix seconds>.<HMAC-SHA256 of "onetake-session-v1\n" tenant "\n"
///   expires>
///
/// Nothing is kept on the server; another key ends all sessions. The name differs from key to key because browsers send
/// cookies to every port of a host, and two servers on one machine would overwrite each other's.
/// Immutable; any thread.
class Sessions {
 public:
  /// `secret`: 32 random bytes. `secure` adds the attribute, for where browsers come by https.
  explicit Sessions(std::string secret, milliseconds life = std::chrono::hours{12}, bool secure = false);

  /// The value of a Set-Cookie field: HttpOnly, SameSite=Strict, Path=/, Max-Age.
  [[nodiscard]] std::string cookie(const TenantId& tenant, WallTime now) const;

  /// The same field with nothing in it: the browser forgets the cookie.
  [[nodiscard]] std::string ended() const;

  struct Session {
    std::string_view tenant;  ///< points into the header
    bool half_over = false;   ///< time for a new cookie
  };
  /// The session that a Cookie field's value carries; nothing when it carries none that is right and not over.
  [[nodiscard]] std::optional<Session> find(std::string_view cookies, WallTime now) const;

 private:
  [[nodiscard]] std::optional<Session> read(std::string_view value, WallTime now) const;

  MacKey key_;
  milliseconds life_;
  bool secure_;
  std::string name_;
};

/// 32 bytes from the system's generator.
std::string random_secret();

}  // namespace onetake::tenant
