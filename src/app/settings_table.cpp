#include "app/settings_table.hpp"

#include <algorithm>
#include <array>

namespace onetake::app {
namespace {

constexpr auto any = [](const auto&) -> Problem { return std::nullopt; };

constexpr auto above_zero = [](const auto& value) -> Problem {
  if (value > std::remove_cvref_t<decltype(value)>{}) return std::nullopt;
  return "must be more than 0";
};

constexpr auto http_url = [](const std::string& url) -> Problem {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme) && url.size() > scheme.size() && url.find_first_of(" \t\r\n") == url.npos) {
      return std::nullopt;
    }
  }
  return "must be an http:// or https:// URL";
};

/// Nodes talk to each other without TLS, and below no path.
constexpr auto node_url = [](const std::string& url) -> Problem {
  const bool wildcard = url.starts_with("http://0.0.0.0") || url.starts_with("http://[::]");
  if (url.empty() || (url.starts_with("http://") && !http_url(url) && url.find('/', 7) == url.npos && !wildcard))
    return std::nullopt;
  return R"(must be an address that other nodes reach, http:// and without a path, such as "http://10.0.0.7:8080")";
};

constexpr auto origins = [](const Texts& texts) -> Problem {
  for (const auto& text : texts) {
    if (http_url(text) || text.find('/', text.find("//") + 2) != text.npos) {
      return '"' + text + R"(" is not an origin, such as "https://app.example.com")";
    }
  }
  return std::nullopt;
};

constexpr auto database_url = [](const std::string& url) -> Problem {
  if (url.starts_with("sqlite:") && url.size() > 7) return std::nullopt;
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) return std::nullopt;
  return R"(must be "sqlite:FILE" or "postgresql://user:password@host:port/db")";
};

constexpr auto name_in_urls = [](const std::string& name) -> Problem {
  if (tenant::valid_name(name)) return std::nullopt;
  return "must be 1 to 64 of A-Z, a-z, 0-9, . _ ~ and -";
};

constexpr auto not_empty = [](const std::string& text) -> Problem {
  if (!text.empty()) return std::nullopt;
  return "must not be empty";
};

constexpr auto storage_type = [](const std::string& type) -> Problem {
  if (type == "s3") return std::nullopt;
  return R"(must be "s3")";
};

/// The types of the contract. Which of them this build has is provider/'s to say.
constexpr auto provider_type = [](const std::string& type) -> Problem {
  static constexpr std::array<std::string_view, 8> all{"twilio", "signalwire", "telnyx", "plivo",
                                                       "vonage", "http",       "s3",     "directory"};
  if (std::ranges::find(provider::supported_types(), type) != std::ranges::end(provider::supported_types())) {
    return std::nullopt;
  }
  if (std::ranges::find(all, type) != all.end()) return "not available in this version";
  std::string names;
  for (const auto name : all) names.append(names.empty() ? "" : ", ").append(name);
  return "must be one of: " + names;
};

/// `place` tells where the value goes and thereby its type; `check` looks at it once it is there.
template <class Place, class Check = decltype(any)>
constexpr Row row(std::string_view section, std::string_view name, std::string_view fallback, std::string_view help,
                  Place, Check = {}, Need need = Need::optional) {
  using T = std::remove_reference_t<decltype(Place{}(std::declval<Scope&>()))>;
  return {section, name, Form<T>::text, fallback, help, need, [](Scope& scope, const Value& value) -> Problem {
            T& into = Place{}(scope);
            if (auto problem = read(value, into)) return problem;
            return Check{}(into);
          }};
}

template <class Place, class Check = decltype(any)>
constexpr Row required(std::string_view section, std::string_view name, std::string_view help, Place place,
                       Check check = {}) {
  return row(section, name, "", help, place, check, Need::required);
}

constexpr Row later(std::string_view section, std::string_view name) {
  return {section, name, "", "", "Not available in this version.", Need::later, nullptr};
}

// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name cannot stand in parentheses
#define ONETAKE_AT(where) [](Scope& s) -> auto& { return s.where; }

constexpr auto table = std::to_array<Row>({
    row("server", "listen", "127.0.0.1:8080", "Where to accept connections. Port 0 picks a free one.",
        ONETAKE_AT(settings.server.listen)),
    row("server", "data_dir", "/var/lib/onetake",
        "Everything that is kept on this machine. One process holds it; created when missing. A relative path starts "
        "where the server is started.",
        ONETAKE_AT(settings.server.data_dir)),
    row("server", "role", "all", "What this node does: answer requests, fetch recordings, or both.",
        ONETAKE_AT(settings.server.role)),
    row("server", "node_url", "",
        "How other nodes reach this one, as `http://HOST:PORT`; the listen address by default.",
        ONETAKE_AT(settings.server.node_url), node_url),
    row("server", "public_url", "", "What providers and browsers see. Signatures of webhooks are checked against it.",
        ONETAKE_AT(settings.server.public_url), http_url),
    row("server", "drain_delay", "0s",
        "After SIGTERM, `/readyz` is 503 for this long while connections are still accepted.",
        ONETAKE_AT(settings.server.drain_delay)),
    row("server", "drain_timeout", "15s", "Then streams and fetches may finish for this long; what is left is cut.",
        ONETAKE_AT(settings.server.drain_timeout)),
    row("server", "node_silence", "15s",
        "Of several nodes: one that has given no sign of life for this long is gone, and so is what it alone held.",
        ONETAKE_AT(settings.server.node_silence), above_zero),
    row("server", "stream_wait", "25s", "How long a GET of a stream waits for its status line before it is 202.",
        ONETAKE_AT(settings.server.stream_wait)),
    row("server", "listener_patience", "60s",
        "A body that has begun and gets no byte for this long is cut; the run goes on.",
        ONETAKE_AT(settings.server.listener_patience), above_zero),

    row("log", "level", "info", "The least important lines that are written.", ONETAKE_AT(settings.log.level)),
    row("log", "format", "json", "One JSON object a line, or text for people. On stderr.",
        ONETAKE_AT(settings.log.format)),

    row("database", "url", "sqlite:onetake.db",
        "`sqlite:FILE`, relative to `server.data_dir`, for one node; `postgresql://…` (13 and later), its "
        "password percent-encoded, for any number.",
        ONETAKE_AT(settings.database.url), database_url),
    row("database", "pool", "8", "Connections to a database server. SQLite has one, whatever this says.",
        ONETAKE_AT(settings.database.pool), above_zero),
    row("database", "auto_migrate", "true", "Apply schema migrations on start. If false, `onetake migrate` does.",
        ONETAKE_AT(settings.database.auto_migrate)),

    required("redis", "url", "`redis://[user:password@]host[:port][/db]`, without TLS. Redis 7 or Valkey.",
             ONETAKE_AT(settings.redis.url)),

    row("cache", "max_bytes", "20GiB", "How much audio is kept on this machine.", ONETAKE_AT(settings.cache.max_bytes),
        above_zero),

    required("storage", "type", "`s3`: AWS, or what speaks its language: MinIO, Ceph, R2.",
             ONETAKE_AT(settings.storage.type), storage_type),
    required("storage", "endpoint", "Scheme, host and port, such as `https://s3.eu-west-1.amazonaws.com`.",
             ONETAKE_AT(settings.storage.endpoint)),
    required("storage", "bucket", "It must exist.", ONETAKE_AT(settings.storage.bucket)),
    row("storage", "region", "us-east-1", "What requests are signed for; `auto` for R2.",
        ONETAKE_AT(settings.storage.region)),
    required(
        "storage", "access_key_id",
        "Needs `s3:PutObject`, `GetObject`, `DeleteObject`, `AbortMultipartUpload`, and on the bucket `ListBucket` "
        "and `ListBucketMultipartUploads`.",
        ONETAKE_AT(settings.storage.access_key_id)),
    required("storage", "secret_access_key", "Its secret, better as `env:` or `file:`.",
             ONETAKE_AT(settings.storage.secret_access_key)),
    row("storage", "prefix", "", "What every key begins with, such as `calls/`, where the bucket is not ours alone.",
        ONETAKE_AT(settings.storage.prefix)),
    row("storage", "path_style", "false",
        "Name the bucket in the path also where its host could: `https://endpoint/bucket/key`. Addresses, hosts with a "
        "port and buckets with a dot always are.",
        ONETAKE_AT(settings.storage.path_style)),
    row("storage", "server_side_encryption", "", "`AES256` or `aws:kms`; the bucket's own by default.",
        ONETAKE_AT(settings.storage.server_side_encryption)),
    row("storage", "kms_key_id", "", "With `aws:kms`: the key; the account's own by default.",
        ONETAKE_AT(settings.storage.kms_key_id)),

    row("fetch", "max_concurrent", "256", "Fetches at a time, on this node.", ONETAKE_AT(settings.fetch.max_concurrent),
        above_zero),
    row("fetch", "per_tenant_concurrent", "32", "Fetches of one tenant at a time, across all nodes.",
        ONETAKE_AT(settings.fetch.per_tenant_concurrent), above_zero),
    row("fetch", "lease", "30s", "How long a worker holds a run without a sign of life.",
        ONETAKE_AT(settings.fetch.lease), above_zero),
    row("fetch", "heartbeat", "10s",
        "How often a worker gives one. At most a third of `lease`: more is taken for that.",
        ONETAKE_AT(settings.fetch.heartbeat), above_zero),
    row("fetch", "sweep", "5s", "How often expired leases and due retries are looked for.",
        ONETAKE_AT(settings.fetch.sweep), above_zero),
    row("fetch", "connect_timeout", "10s", "Connecting to a provider, TLS included.",
        ONETAKE_AT(settings.fetch.connect_timeout), above_zero),
    row("fetch", "stall_timeout", "20s", "No byte for this long ends the attempt.",
        ONETAKE_AT(settings.fetch.stall_timeout), above_zero),
    row("fetch", "attempt_timeout", "30m", "One attempt, however it goes.", ONETAKE_AT(settings.fetch.attempt_timeout),
        above_zero),
    row("fetch", "run_deadline", "2h", "After this the run has failed, whatever the cause.",
        ONETAKE_AT(settings.fetch.run_deadline), above_zero),
    row("fetch", "not_ready_for", "15m",
        "How long a provider's 404 means \"not ready yet\": from the end of the call where that is known, else from "
        "the "
        "run's creation.",
        ONETAKE_AT(settings.fetch.not_ready_for)),
    row("fetch", "max_attempts", "5", "Attempts a run. Those that found it not ready or were throttled do not count.",
        ONETAKE_AT(settings.fetch.max_attempts), above_zero),
    row("fetch", "backoff_initial", "1s", "The first wait between attempts; it doubles, with jitter.",
        ONETAKE_AT(settings.fetch.backoff_initial), above_zero),
    row("fetch", "backoff_max", "2m", "The longest.", ONETAKE_AT(settings.fetch.backoff_max), above_zero),
    row("fetch", "failure_cooldown", "30s", "How long a failed recording answers 500 before Play starts a new cycle.",
        ONETAKE_AT(settings.fetch.failure_cooldown)),
    row("fetch", "max_recording_bytes", "2GiB", "A longer recording is not fetched.",
        ONETAKE_AT(settings.fetch.max_recording_bytes), above_zero),
    row("fetch", "allow_addresses", "[]",
        "Private networks that sources may lie in, such as `[\"10.1.0.0/16\"]`. Public addresses always may.",
        ONETAKE_AT(settings.fetch.allow_addresses)),
    row("fetch", "allow_plain_http", "false", "Sources and providers may be `http://`.",
        ONETAKE_AT(settings.fetch.allow_plain_http)),

    row("retention", "max_age", "0",
        "Past this age a recording is 410: from the start of the call where that is known, else from its registration. "
        "`\"0\"` keeps it.",
        ONETAKE_AT(settings.retention.max_age)),

    later("security", "encryption_key"),
    row("security", "cors_origins", "[]",
        "Origins whose pages may use the API, such as `[\"https://app.example.com\"]`.",
        ONETAKE_AT(settings.security.cors_origins), origins),

    row("admin", "api_key_sha256", "", "SHA-256 of the key that opens `/api/tenants`, and nothing else.",
        ONETAKE_AT(settings.admin.api_key_sha256)),

    required("tenant", "id", "1 to 63 of `a-z`, `0-9` and `-`, not starting with `-`.",
             ONETAKE_AT(tenant->credentials.id)),
    row("tenant", "api_key_sha256", "[]", "SHA-256 of each API key: `printf %s KEY | sha256sum`.",
        ONETAKE_AT(tenant->credentials.api_keys)),
    later("tenant", "jwt"),

    required("tenant.url_signing_keys", "id", "What a signed URL carries as `kid`.", ONETAKE_AT(url_key->id),
             name_in_urls),
    required("tenant.url_signing_keys", "secret", "Any string; 32 random characters are good.",
             ONETAKE_AT(url_key->secret), not_empty),

    required("tenant.provider", "name", "What recordings name it by, and the path of its webhooks.",
             ONETAKE_AT(provider->name), name_in_urls),
    required("tenant.provider", "type",
             "`twilio` or `http`. `signalwire telnyx plivo vonage s3 directory` are not available in this version.",
             ONETAKE_AT(provider->type), provider_type),
    row("tenant.provider", "base_url", "", "Where the provider's API is; the provider's own by default.",
        ONETAKE_AT(provider->base_url), http_url),
    row("tenant.provider", "account_sid", "", "twilio: the account's SID.", ONETAKE_AT(provider->account_sid)),
    row("tenant.provider", "auth_token", "", "twilio: the account's token.", ONETAKE_AT(provider->auth_token)),
    row("tenant.provider", "allowed_hosts", "[]",
        "http: where sources may lie: `host`, `host:port`, or `*` for any public host and any within "
        "`fetch.allow_addresses`.",
        ONETAKE_AT(provider->allowed_hosts)),
    row("tenant.provider", "headers", "{}", "http: sent to the source's own origin, not to where it redirects.",
        ONETAKE_AT(provider->headers)),
    later("tenant.provider", "path"),
    later("tenant.provider", "endpoint"),
    later("tenant.provider", "bucket"),
    later("tenant.provider", "region"),
    later("tenant.provider", "access_key_id"),
    later("tenant.provider", "secret_access_key"),
});

#undef ONETAKE_AT

constexpr auto headings = std::to_array<Section>({
    {"server", "[server]", ""},
    {"log", "[log]", ""},
    {"database", "[database]", ""},
    {"redis", "[redis]", ""},
    {"cache", "[cache]", ""},
    {"storage", "[storage]",
     "The durable copy of recordings, which all nodes share; the local disk is a cache in front of it. Without it a "
     "recording whose only file is gone is fetched from its provider again."},
    {"fetch", "[fetch]", "How recordings come from where they lie."},
    {"retention", "[retention]", ""},
    {"security", "[security]", ""},
    {"admin", "[admin]", ""},
    {"tenant", "[[tenant]]", "One section each."},
    {"tenant.url_signing_keys", "url_signing_keys",
     "A list of a tenant: `url_signing_keys = [{ id = \"k1\", secret = \"env:URL_KEY\" }]`. All verify, the first "
     "signs."},
    {"tenant.provider", "[[tenant.provider]]", "Where a tenant's recordings lie; one section each."},
});

}  // namespace

std::span<const Section> sections() { return headings; }
std::span<const Row> rows() { return table; }

}  // namespace onetake::app
