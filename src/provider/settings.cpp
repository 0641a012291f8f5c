#include "provider/settings.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "provider/http_provider.hpp"
#include "provider/twilio_provider.hpp"

namespace onetake::provider {
namespace {

struct Adapter {
  std::string_view type;
  std::optional<SettingsFault> (*check)(const Settings&);
  std::shared_ptr<Provider> (*make)(const Settings&, const Limits&, Transfers&);
};

template <class T>
std::shared_ptr<Provider> made(const Settings& settings, const Limits& limits, Transfers& transfers) {
  return std::make_shared<T>(settings, limits, transfers);
}

constexpr std::array adapters{
    Adapter{"http", &HttpProvider::check, &made<HttpProvider>},
    Adapter{"twilio", &TwilioProvider::check, &made<TwilioProvider>},
};

const Adapter* adapter(std::string_view type) {
  const auto* found = std::ranges::find(adapters, type, &Adapter::type);
  return found == adapters.end() ? nullptr : found;
}

}  // namespace

std::span<const std::string_view> supported_types() {
  static constexpr auto types = [] {
    std::array<std::string_view, adapters.size()> names;
    std::ranges::transform(adapters, names.begin(), &Adapter::type);
    return names;
  }();
  return types;
}

std::optional<SettingsFault> check(const Settings& settings) {
  const auto* found = adapter(settings.type);
  if (found == nullptr) return SettingsFault{"type", '"' + settings.type + "\" is not available in this version"};
  return found->check(settings);
}

std::shared_ptr<Provider> make(const Settings& settings, const Limits& limits, Transfers& transfers) {
  if (const auto fault = check(settings)) throw std::invalid_argument(fault->key + ": " + fault->what);
  return adapter(settings.type)->make(settings, limits, transfers);
}

}  // namespace onetake::provider
