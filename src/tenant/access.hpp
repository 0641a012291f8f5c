#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "tenant/credentials.hpp"
#include "tenant/mac.hpp"
#include "tenant/session.hpp"

namespace onetake::tenant {

/// What is asked for, as far as it matters to who may ask.
enum class Area {
  api,        ///< everything under /api/ but the two below
  listening,  ///< stream, peaks and events of a recording: a signed URL opens these
  tenants,    ///< /api/tenants: the admin key opens this and nothing else
};

/// A request's own words, "" for what it does not have. All point into the request.
struct Asking {
  Area area = Area::api;
  std::string_view method = {};
  std::string_view path = {};   ///< percent-encoded as sent, without the query
  std::string_view query = {};  ///< as sent, without "?"
  std::string_view authorization = {};
  std::string_view cookie = {};
  std::string_view host = {};
  std::string_view origin = {};
};

enum class By { api_key, signed_url, session, admin };

struct Caller {
  By by = By::api_key;
  TenantId tenant = {};             ///< empty for the admin
  std::string renewed_cookie = {};  ///< a Set-Cookie to send with whatever is answered; mostly ""
};

/// A visit of a page, not of the API; "" for what was not sent.
struct Visit {
  std::string_view method;
  std::string_view path;
  std::string_view host;
  std::string_view fetch_dest;
  std::string_view fetch_mode;
};

/// Browsers, which carry a cookie because an `<audio>` element cannot carry a key.
struct Browsers {
  Sessions sessions;
  /// `onetake demo`: who runs on this machine gets in without a key, as this tenant. Only for a server that is bound to
  /// loopback.
  std::optional<TenantId> local = {};
};

/// Who is asking: the one place that knows every way in (API key, signed URL, cookie, admin key).
/// Immutable; any thread; nothing blocks. A signed URL costs one HMAC and no allocation for a tenant id of up to 15
/// characters.
class Access {
 public:
  /// REQUIRES: no two tenants of one id or with one API key; none with the admin's.
  explicit Access(const std::vector<Credentials>& tenants, std::optional<Sha256> admin = {},
                  std::optional<Browsers> browsers = {});
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  /// Looks at one credential, the first there is of Authorization, the signed URL (where it may open something) and the
  /// cookie: one that is wrong is not made good by the next.
  /// Errors: `unauthorized` for none or a wrong one; `forbidden` for a right one in the wrong area, or a write by
  /// cookie from another origin; `misdirected` as in `host`.
  [[nodiscard]] result<Caller> authenticate(const Asking& asking, WallTime now) const;

  /// The Set-Cookie that lets a browser act for the caller, in exchange for the key it came with; and the one that ends
  /// it. Errors: `forbidden` where browsers are not let in.
  [[nodiscard]] result<std::string> log_in(const Caller& caller, WallTime now) const;
  [[nodiscard]] std::string log_out() const;

  /// May this server be called by that name? With local browsers only loopback names may; else any. For whatever is
  /// answered without `authenticate`. Errors: `misdirected`.
  [[nodiscard]] result<void> host(std::string_view host) const;

  /// The Set-Cookie for a visit: "" unless a local browser opens the console. Errors: `misdirected`.
  [[nodiscard]] result<std::string> welcome(const Visit& visit, WallTime now) const;

  [[nodiscard]] bool knows(std::string_view tenant) const { return tenants_.contains(tenant); }

 private:
  struct Key {
    std::string id;
    MacKey mac;
  };
  struct Tenant {
    TenantId id;
    std::vector<Key> url_keys;
  };
  struct ApiKey {
    Sha256 hash;
    const Tenant* tenant;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  [[nodiscard]] result<Caller> by_key(const Asking& asking) const;
  [[nodiscard]] result<Caller> by_url(const Asking& asking, WallTime now) const;
  [[nodiscard]] result<Caller> by_session(const Asking& asking, WallTime now) const;

  std::unordered_map<std::string, Tenant, TextHash, std::equal_to<>> tenants_;
  std::unordered_multimap<std::uint64_t, ApiKey> api_keys_;  ///< by the first 8 bytes of the hash
  std::optional<Sha256> admin_;
  std::optional<Browsers> browsers_;
};

}  // namespace onetake::tenant
