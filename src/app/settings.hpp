#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/address.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/units.hpp"
#include "durable/settings.hpp"
#include "provider/address.hpp"
#include "provider/settings.hpp"
#include "signal/redis_address.hpp"
#include "tenant/credentials.hpp"

namespace onetake::app {

enum class Role { all, api, worker };

/// Everything that can be configured, checked. What each key means, its unit and its default stand once, in
/// settings_table.cpp; docs/configuration.md is printed from there.
struct Settings {
  struct Server {
    Address listen;
    std::filesystem::path data_dir;
    Role role = Role::all;
    std::string node_url;    ///< "": the address that is listened on
    std::string public_url;  ///< "": not known
    milliseconds drain_delay{};
    milliseconds drain_timeout{};
    milliseconds node_silence{};
    milliseconds stream_wait{};
    milliseconds listener_patience{};
  };
  struct Log {
    log::Level level = log::Level::info;
    log::Format format = log::Format::json;
  };
  struct Database {
    std::string url;
    int pool = 0;
    bool auto_migrate = true;

    /// Any number of nodes share it.
    [[nodiscard]] bool shared() const { return !url.starts_with("sqlite:"); }
  };
  struct Redis {
    std::optional<signal::RedisAddress> url;  ///< nothing: none is used
  };
  struct Cache {
    Bytes max_bytes = 0;
  };
  struct Fetch {
    int max_concurrent = 0;
    int per_tenant_concurrent = 0;
    milliseconds lease{};
    milliseconds heartbeat{};  ///< at most a third of `lease`
    milliseconds sweep{};
    milliseconds connect_timeout{};
    milliseconds stall_timeout{};
    milliseconds attempt_timeout{};
    milliseconds run_deadline{};
    milliseconds not_ready_for{};
    int max_attempts = 0;
    milliseconds backoff_initial{};
    milliseconds backoff_max{};
    milliseconds failure_cooldown{};
    Bytes max_recording_bytes = 0;
    std::vector<provider::Cidr> allow_addresses;
    bool allow_plain_http = false;
  };
  struct Retention {
    milliseconds max_age{};  ///< 0 keeps for ever
  };
  struct Security {
    std::vector<std::string> cors_origins;
  };
  struct Admin {
    std::optional<tenant::Sha256> api_key_sha256;
  };
  struct Tenant {
    tenant::Credentials credentials;
    std::vector<provider::Settings> providers;
  };

  Server server;
  Log log;
  Database database;
  Redis redis;
  Cache cache;
  durable::Settings storage;  ///< type "": none
  Fetch fetch;
  Retention retention;
  Security security;
  Admin admin;
  std::vector<Tenant> tenants;

  /// Where the SQLite database lies: what `database.url` says, within the data directory unless absolute.
  [[nodiscard]] std::filesystem::path sqlite_file() const;
  [[nodiscard]] std::vector<tenant::Credentials> credentials() const;
  /// Nothing for a tenant that is not configured.
  [[nodiscard]] const Tenant* tenant(std::string_view id) const;
};

/// What the command line says in place of the file.
struct Overrides {
  std::optional<std::string> listen = {};
  std::optional<std::string> data_dir = {};
  std::optional<std::string> role = {};
};

struct Loaded {
  Settings settings;
  std::vector<std::string> warnings;  ///< `file:line: key: what looks wrong`
};

/// One line a fault: `file:line: key: what is wrong`, in the order of the file.
using Faults = std::vector<std::string>;

/// The value of an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
std::optional<std::string> process_environment(const std::string& name);

/// Reads, resolves `env:` and `file:` (relative to the folder of `file`), checks everything, and tells all faults at
/// once. Reaches nothing but files.
std::expected<Loaded, Faults> load_settings(const std::filesystem::path& file, const Overrides& overrides = {},
                                            const Environment& environment = process_environment);

/// Every key at its default; no tenants.
Settings default_settings();

/// docs/configuration.md
std::string configuration_page();

}  // namespace onetake::app
