#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/units.hpp"
#include "provider/address.hpp"
#include "provider/provider.hpp"

namespace onetake::provider {

class Transfers;

/// One `[[tenant.provider]]`: what its type has no use for is empty.
struct Settings {
  std::string name;
  std::string type;
  std::string base_url = {};                        ///< twilio; "": https://api.twilio.com
  std::string account_sid = {};                     ///< twilio
  std::string auth_token = {};                      ///< twilio
  std::vector<std::string> allowed_hosts = {};      ///< http: "host", "host:port" or "*"
  std::map<std::string, std::string> headers = {};  ///< http: sent to the source's own origin only
};

/// What `[fetch]` says, for all providers.
struct Limits {
  milliseconds connect_timeout{10'000};
  milliseconds stall_timeout{20'000};
  Bytes max_recording_bytes = 2_GiB;
  std::vector<Cidr> allow_addresses = {};
  bool allow_plain_http = false;
};

/// The types that `make` knows, sorted. Every other type of contract section 2 is not available in this version.
std::span<const std::string_view> supported_types();

/// A key of `[[tenant.provider]]` and what is wrong with its value; never the value of a secret.
struct SettingsFault {
  std::string key;
  std::string what;
};
std::optional<SettingsFault> check(const Settings& settings);

/// REQUIRES: `check` found nothing, else std::invalid_argument. `transfers` outlives the provider.
std::shared_ptr<Provider> make(const Settings& settings, const Limits& limits, Transfers& transfers);

}  // namespace onetake::provider
