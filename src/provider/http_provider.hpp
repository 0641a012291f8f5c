#pragma once

#include "provider/client.hpp"
#include "provider/settings.hpp"

namespace onetake::provider {

/// Recordings at plain URLs: `source_url` says where, `allowed_hosts` where it may. The configured headers go to the
/// origin of `source_url` and to no other.
class HttpProvider final : public Provider {
 public:
  HttpProvider(const Settings& settings, const Limits& limits, Transfers& transfers);
  HttpProvider(const HttpProvider&) = delete;
  HttpProvider& operator=(const HttpProvider&) = delete;

  [[nodiscard]] std::string_view type() const override { return "http"; }
  [[nodiscard]] result<void> admits(const Registration& registration) const override;
  Task<Outcome> fetch(Ask ask, Sink& sink) override;

  static std::optional<SettingsFault> check(const Settings& settings);

 private:
  [[nodiscard]] result<Target> source(const Registration& registration) const;
  [[nodiscard]] std::optional<std::string> refuses(const Target& target) const;

  bool any_host_ = false;
  std::vector<HostPattern> allowed_;
  Client client_;
};

}  // namespace onetake::provider
