#include "app/demo.hpp"

#include <iostream>

#include "app/node.hpp"
#include "base/log.hpp"
#include "simulator/demo.hpp"

namespace onetake::app {
namespace {

const TenantId tenant{"demo"};
const std::string provider_name = "simulator";

/// $XDG_DATA_HOME/onetake-demo, else ~/.local/share/onetake-demo, else below /tmp.
std::filesystem::path default_folder() {
  if (const auto data = process_environment("XDG_DATA_HOME"); data && !data->empty())
    return std::filesystem::path{*data} / "onetake-demo";
  if (const auto home = process_environment("HOME"); home && !home->empty())
    return std::filesystem::path{*home} / ".local/share/onetake-demo";
  return std::filesystem::temp_directory_path() / "onetake-demo";
}

Settings settings_for(const DemoOptions& options, const std::filesystem::path& folder,
                      const simulator::Demo& simulated) {
  Settings settings = default_settings();
  settings.server.listen = options.listen;
  settings.server.data_dir = folder;
  settings.server.drain_timeout = std::chrono::seconds{1};  // whoever types Ctrl-C does not want to wait for a player
  settings.log = {.level = log::Level::info, .format = log::Format::text};
  settings.fetch.allow_addresses = {provider::Cidr::parse("127.0.0.0/8").value()};
  settings.fetch.allow_plain_http = true;
  settings.tenants = {{.credentials = {.id = tenant, .api_keys = {}, .url_keys = {}},
                       .providers = {{.name = provider_name,
                                      .type = "twilio",
                                      .base_url = simulated.base_url(),
                                      .account_sid = simulated.account_sid(),
                                      .auth_token = simulated.auth_token()}}}};
  return settings;
}

Registration registration_of(const simulator::DemoCall& call) {
  return {.provider = provider_name,
          .source_url = call.source_url,
          .source_key = {},
          .recording_sid = call.recording_sid,
          .parent_call_sid = {},
          .from = call.from,
          .to = call.to,
          .direction = call.direction,
          .started_at = call.started_at,
          .duration_seconds = call.duration_seconds,
          .channels = call.channels,
          .format = {},
          .labels = call.labels};
}

}  // namespace

int demo(const DemoOptions& options) {
  const auto folder = options.data_dir.value_or(default_folder());
  auto instance = Instance::claim(folder);
  if (!instance) {
    std::cerr << "onetake: " << instance.error() << '\n';
    return 1;
  }
  const simulator::Demo simulated{folder / "provider"};
  const auto settings = settings_for(options, folder, simulated);
  log::start(settings.log.level, settings.log.format);

  // Without a key only who sits at this machine may come in.
  tenant::Browsers browsers{.sessions = tenant::Sessions{instance->session_secret()}, .local = {}};
  if (options.listen.loopback()) browsers.local = tenant;
  Node node{settings, *std::move(instance), std::move(browsers)};
  for (const auto& call : simulated.calls()) node.put(tenant, CallSid{call.call_sid}, registration_of(call));
  std::cout << "listening on " << node.url() << std::endl;
  node.run();
  return 0;
}

}  // namespace onetake::app
