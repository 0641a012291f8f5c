#include "tenant/node_pass.hpp"

#include <charconv>

namespace onetake::tenant {
namespace {

constexpr std::string_view kind = "onetake-node-v1\n";
/// Clocks of nodes may differ by as much.
constexpr std::chrono::seconds life{60};

std::int64_t seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

std::string NodePass::issue(std::string_view method, std::string_view target, const TenantId& tenant,
                            WallTime now) const {
  const auto expires = std::to_string(seconds(now + life));
  const auto mac = key_.sign({kind, method, "\n", target, "\n", tenant.str(), "\n", expires});
  return tenant.str() + '.' + expires + '.' + std::string{view(mac)};
}

std::optional<TenantId> NodePass::tenant_of(std::string_view pass, std::string_view method, std::string_view target,
                                            WallTime now) const {
  const auto first = pass.find('.');
  const auto second = pass.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto tenant = pass.substr(0, first);
  const auto expires = pass.substr(first + 1, second - first - 1);
  if (!key_.verify(pass.substr(second + 1), {kind, method, "\n", target, "\n", tenant, "\n", expires}))
    return std::nullopt;
  std::int64_t until = 0;
  std::from_chars(expires.data(), expires.data() + expires.size(), until);
  if (until < seconds(now)) return std::nullopt;
  return TenantId{std::string{tenant}};
}

}  // namespace onetake::tenant
