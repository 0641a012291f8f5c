#include "app/settings_rules.hpp"

#include <algorithm>
#include <ranges>

namespace onetake::app {
namespace {

/// The line of a key, or that of the nearest section around it.
int line_of(const Rules::Lines& lines, std::string_view key) {
  for (;;) {
    if (const auto found = lines.find(key); found != lines.end()) return found->second;
    const auto dot = key.rfind('.');
    if (dot == std::string_view::npos) return 1;
    key = key.substr(0, dot);
  }
}

/// Is the last element's `member` already that of an earlier one?
template <class List, class Member>
bool repeats(const List& list, Member member) {
  const auto& last = std::invoke(member, list.back());
  return std::ranges::any_of(list | std::views::take(list.size() - 1),
                             [&](const auto& earlier) { return std::invoke(member, earlier) == last; });
}

}  // namespace

std::string Report::text(int line, std::string_view key, std::string_view what) const {
  return file_ + ':' + std::to_string(line) + ": " + std::string{key} + ": " + std::string{what};
}

std::vector<std::string> Report::texts(const Entries& entries) {
  const auto texts = entries | std::views::values;
  return {texts.begin(), texts.end()};
}

void Rules::settings(Settings& settings, const Lines& lines) {
  auto& fetch = settings.fetch;
  if (const auto most = std::max(fetch.lease / 3, milliseconds{1}); fetch.heartbeat > most) {
    fetch.heartbeat = most;
    const auto key = lines.contains("fetch.heartbeat") ? "fetch.heartbeat" : "fetch.lease";
    report_.warning(line_of(lines, key), "fetch.heartbeat",
                    "more than a third of fetch.lease; " + std::to_string(most.count()) + "ms is used");
  }
  if (fetch.backoff_max < fetch.backoff_initial) {
    report_.fault(line_of(lines, lines.contains("fetch.backoff_max") ? "fetch.backoff_max" : "fetch.backoff_initial"),
                  "fetch.backoff_max", "must be at least fetch.backoff_initial");
  }
  storage(settings, lines);
}

void Rules::storage(const Settings& settings, const Lines& lines) {
  const auto& storage = settings.storage;
  if (storage.type != "s3") return;
  const bool readable = !storage.endpoint.empty() && !storage.bucket.empty() && !storage.access_key_id.empty() &&
                        !storage.secret_access_key.empty();
  if (const auto wrong = readable ? durable::check(storage) : std::nullopt) {
    const auto key = "storage." + wrong->key;
    report_.fault(line_of(lines, key), key, wrong->what);
  }
}

void Rules::url_key(const Settings::Tenant& tenant, const Lines& lines) {
  const auto& keys = tenant.credentials.url_keys;
  const auto& key = keys.back();
  if (!key.id.empty() && repeats(keys, &tenant::UrlKey::id)) {
    report_.fault(line_of(lines, "tenant.url_signing_keys.id"), "tenant.url_signing_keys.id",
                  '"' + key.id + "\" stands twice");
  }
  if (!key.secret.empty() && key.secret.size() < 16) {
    report_.warning(line_of(lines, "tenant.url_signing_keys.secret"), "tenant.url_signing_keys.secret",
                    "shorter than 16 characters: it can be guessed");
  }
}

void Rules::provider(const Settings& settings, const Settings::Tenant& tenant, bool readable, const Lines& lines) {
  const auto& provider = tenant.providers.back();
  if (!provider.name.empty() && repeats(tenant.providers, &provider::Settings::name)) {
    report_.fault(line_of(lines, "tenant.provider.name"), "tenant.provider.name",
                  '"' + provider.name + "\" stands twice");
  }
  if (provider.base_url.starts_with("http://") && !settings.fetch.allow_plain_http) {
    report_.fault(line_of(lines, "tenant.provider.base_url"), "tenant.provider.base_url",
                  "http:// needs fetch.allow_plain_http = true");
  }
  if (!readable) return;
  if (const auto wrong = provider::check(provider)) {
    const auto key = "tenant.provider." + wrong->key;
    report_.fault(line_of(lines, key), key, wrong->what);
  }
}

void Rules::tenant(const Settings& settings, const Lines& lines) {
  const auto& credentials = settings.tenants.back().credentials;
  const auto id = [](const Settings::Tenant& tenant) { return tenant.credentials.id; };
  if (!credentials.id.empty() && repeats(settings.tenants, id)) {
    report_.fault(line_of(lines, "tenant.id"), "tenant.id", '"' + credentials.id.str() + "\" stands twice");
  }
  const auto& keys = credentials.api_keys;
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    const bool elsewhere =
        std::ranges::any_of(settings.tenants | std::views::take(settings.tenants.size() - 1), [&](const auto& earlier) {
          return std::ranges::find(earlier.credentials.api_keys, *key) != earlier.credentials.api_keys.end();
        });
    if (elsewhere || *key == settings.admin.api_key_sha256 || std::find(keys.begin(), key, *key) != key) {
      report_.fault(line_of(lines, "tenant.api_key_sha256"), "tenant.api_key_sha256",
                    "a key that stands twice: it must tell who is asking");
    }
  }
  if (keys.empty() && credentials.url_keys.empty()) {
    report_.warning(line_of(lines, "tenant"), "tenant", "without an API key or a URL signing key nobody can be it");
  }
}

void Rules::tenants(const Settings& settings) {
  if (settings.tenants.empty()) report_.warning(1, "tenant", "there is none: nobody can ask for anything");
}

}  // namespace onetake::app
