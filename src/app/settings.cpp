#include "app/settings.hpp"

#include <algorithm>

namespace onetake::app {

std::filesystem::path Settings::sqlite_file() const {
  constexpr std::string_view scheme = "sqlite:";
  return server.data_dir / database.url.substr(scheme.size());
}

std::vector<tenant::Credentials> Settings::credentials() const {
  std::vector<tenant::Credentials> all;
  for (const auto& tenant : tenants) all.push_back(tenant.credentials);
  return all;
}

const Settings::Tenant* Settings::tenant(std::string_view id) const {
  const auto found = std::ranges::find_if(tenants, [&](const Tenant& t) { return t.credentials.id.str() == id; });
  return found == tenants.end() ? nullptr : &*found;
}

}  // namespace onetake::app
