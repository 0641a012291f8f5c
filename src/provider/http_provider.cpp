#include "provider/http_provider.hpp"

#include <algorithm>

namespace onetake::provider {
namespace {

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || marks.contains(c);
  });
}

Policy policy(const Settings& settings, std::function<std::optional<std::string>(const Target&)> refuses) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : settings.headers) lines.emplace_back(name).append(": ").append(value);
  return {.type = "http",
          .authenticate =
              [lines](Request& request) { request.headers.insert(request.headers.end(), lines.begin(), lines.end()); },
          .refuses_redirect = std::move(refuses)};
}

}  // namespace

HttpProvider::HttpProvider(const Settings& settings, const Limits& limits, Transfers& transfers)
    : client_(policy(settings, [this](const Target& target) { return refuses(target); }), limits, transfers) {
  for (const auto& host : settings.allowed_hosts) {
    if (host == "*") {
      any_host_ = true;
    } else {
      allowed_.push_back(HostPattern::parse(host).value());
    }
  }
}

std::optional<SettingsFault> HttpProvider::check(const Settings& settings) {
  if (settings.allowed_hosts.empty()) return SettingsFault{"allowed_hosts", "needs at least one host, or \"*\""};
  for (const auto& host : settings.allowed_hosts) {
    if (host == "*") continue;
    if (const auto pattern = HostPattern::parse(host); !pattern)
      return SettingsFault{"allowed_hosts", '"' + host + "\" " + pattern.error()};
  }
  for (const auto& [name, value] : settings.headers) {
    if (!is_token(name)) return SettingsFault{"headers", '"' + name + "\" is not the name of a header"};
    if (value.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
      return SettingsFault{"headers", "the value of \"" + name + "\" has a line end in it"};
    constexpr std::array ours{"range", "if-range", "host", "accept-encoding", "content-length", "transfer-encoding"};
    if (std::ranges::find(ours, lower(name)) != ours.end())
      return SettingsFault{"headers", '"' + name + "\" is not for the configuration to set"};
  }
  return std::nullopt;
}

std::optional<std::string> HttpProvider::refuses(const Target& target) const {
  if (any_host_ || std::ranges::any_of(allowed_, [&](const auto& host) { return host.matches(target); }))
    return std::nullopt;
  return "lies at a host that is not in the provider's allowed_hosts";
}

result<Target> HttpProvider::source(const Registration& registration) const {
  if (registration.source_url.empty()) return failed(Fault::bad_body, "source_url is needed with this provider");
  auto target = Target::parse(registration.source_url);
  if (!target) return failed(target.error().fault, "source_url " + target.error().detail);
  auto why = client_.refuses(*target);
  if (!why) why = refuses(*target);
  if (why) return failed(Fault::source_not_allowed, "source_url " + *why);
  return target;
}

result<void> HttpProvider::admits(const Registration& registration) const {
  if (auto target = source(registration); !target) return std::unexpected(std::move(target.error()));
  return {};
}

Task<Outcome> HttpProvider::fetch(Ask ask, Sink& sink) {
  // Asked again, for the configuration may have changed since it was registered.
  auto target = source(ask.recording.registered);
  if (!target) co_return std::unexpected(Refused{{Cause::refused, target.error().detail}});
  auto answer = co_await client_.media(*target, ask, sink);
  client_.count_media(answer);
  co_return std::move(answer.outcome);
}

}  // namespace onetake::provider
