#include "app/settings.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "app/settings_table.hpp"
#include "app/test_file.hpp"

namespace onetake::app {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::string_view hash_a = "afacab3575137afa4e00d9cbcafcb14c9ae25f779d964eb0ea5b2c4eb5dfd163";

struct SettingsTest : testing::Test {
  TempFolder folder;
  std::map<std::string, std::string> environment;

  std::expected<Loaded, Faults> load(std::string_view text, const Overrides& overrides = {}) {
    return load_settings(write(folder, "onetake.toml", text), overrides, [this](const std::string& name) {
      const auto found = environment.find(name);
      return found == environment.end() ? std::nullopt : std::optional{found->second};
    });
  }

  /// What is wrong, each line without the path of the file.
  std::vector<std::string> faults(std::string_view text) {
    const auto loaded = load(text);
    return loaded ? std::vector<std::string>{} : shortened(loaded.error());
  }
  std::vector<std::string> warnings(std::string_view text) {
    const auto loaded = load(text);
    return loaded ? shortened(loaded->warnings) : loaded.error();
  }
  [[nodiscard]] std::vector<std::string> shortened(std::vector<std::string> lines) const {
    const std::string prefix = (folder.path() / "onetake.toml").string() + ':';
    for (auto& line : lines) {
      EXPECT_THAT(line, testing::StartsWith(prefix));
      line.erase(0, prefix.size());
    }
    return lines;
  }
};

TEST_F(SettingsTest, AnEmptyFileIsAllDefaults) {
  const auto loaded = load("");
  ASSERT_TRUE(loaded);
  const auto& s = loaded->settings;
  EXPECT_EQ(s.server.listen.str(), "127.0.0.1:8080");
  EXPECT_EQ(s.server.data_dir, "/var/lib/onetake");
  EXPECT_EQ(s.server.role, Role::all);
  EXPECT_EQ(s.server.drain_delay, 0s);
  EXPECT_EQ(s.server.drain_timeout, 15s);
  EXPECT_EQ(s.server.node_silence, 15s);
  EXPECT_EQ(s.server.stream_wait, 25s);
  EXPECT_EQ(s.server.listener_patience, 60s);
  EXPECT_EQ(s.log.level, log::Level::info);
  EXPECT_EQ(s.log.format, log::Format::json);
  EXPECT_EQ(s.sqlite_file(), "/var/lib/onetake/onetake.db");
  EXPECT_EQ(s.database.pool, 8);
  EXPECT_TRUE(s.database.auto_migrate);
  EXPECT_EQ(s.cache.max_bytes, 20_GiB);
  EXPECT_EQ(s.fetch.max_concurrent, 256);
  EXPECT_EQ(s.fetch.per_tenant_concurrent, 32);
  EXPECT_EQ(s.fetch.lease, 30s);
  EXPECT_EQ(s.fetch.heartbeat, 10s);
  EXPECT_EQ(s.fetch.sweep, 5s);
  EXPECT_EQ(s.fetch.connect_timeout, 10s);
  EXPECT_EQ(s.fetch.stall_timeout, 20s);
  EXPECT_EQ(s.fetch.attempt_timeout, 30min);
  EXPECT_EQ(s.fetch.run_deadline, 2h);
  EXPECT_EQ(s.fetch.not_ready_for, 15min);
  EXPECT_EQ(s.fetch.max_attempts, 5);
  EXPECT_EQ(s.fetch.backoff_initial, 1s);
  EXPECT_EQ(s.fetch.backoff_max, 2min);
  EXPECT_EQ(s.fetch.failure_cooldown, 30s);
  EXPECT_EQ(s.fetch.max_recording_bytes, 2_GiB);
  EXPECT_THAT(s.fetch.allow_addresses, IsEmpty());
  EXPECT_FALSE(s.fetch.allow_plain_http);
  EXPECT_EQ(s.retention.max_age, 0s);
  EXPECT_THAT(s.security.cors_origins, IsEmpty());
  EXPECT_FALSE(s.admin.api_key_sha256);
  EXPECT_THAT(s.tenants, IsEmpty());
  EXPECT_THAT(shortened(loaded->warnings), ElementsAre("1: tenant: there is none: nobody can ask for anything"));
  EXPECT_EQ(default_settings().fetch.lease, 30s);
}

TEST_F(SettingsTest, EverythingThatIsThere) {
  environment = {{"URL_KEY", "a secret of the environment"}, {"TOKEN", "secret token"}};
  const auto file = write(folder, "header.txt", "Bearer of news\r\n");
  const auto loaded = load(R"(
[server]
listen = "[::1]:0"
data_dir = "/srv/onetake"
role = "api"
node_url = "http://10.0.0.7:8080"
public_url = "https://calls.example.com"
stream_wait = "250ms"
[log]
level = "debug"
format = "text"
[database]
url = "sqlite:/elsewhere/ledger.db"
pool = 1
auto_migrate = false
[cache]
max_bytes = 1000000
[fetch]
lease = "1m"
max_recording_bytes = "64KiB"
allow_addresses = ["10.1.0.0/16", "fd00::/8", "127.0.0.1"]
allow_plain_http = true
[retention]
max_age = "7d"
[security]
cors_origins = ["https://app.example.com", "http://localhost:5173"]
[admin]
api_key_sha256 = "69a5265506c94c77b787a7d7377b7685a0eff82e33920a71e7ee22cd6154953e"
[[tenant]]
id = "acme"
api_key_sha256 = ["afacab3575137afa4e00d9cbcafcb14c9ae25f779d964eb0ea5b2c4eb5dfd163"]
url_signing_keys = [{ id = "k1", secret = "env:URL_KEY" }, { id = "k2", secret = "another one, long enough" }]
[[tenant.provider]]
name = "main"
type = "twilio"
base_url = "http://127.0.0.1:9000"
account_sid = "AC1"
auth_token = "env:TOKEN"
[[tenant.provider]]
name = "files"
type = "http"
allowed_hosts = ["media.example.com", "*"]
headers = { Authorization = "file:header.txt", X-Plain = "1" }
[[tenant]]
id = "beta"
api_key_sha256 = ["7a3d637bc601f7000cc2c33141c8c8a7554e02e319fa8b293a0c88c613b77620"]
)");
  ASSERT_TRUE(loaded) << testing::PrintToString(loaded.error());
  EXPECT_THAT(loaded->warnings, IsEmpty());
  const auto& s = loaded->settings;
  EXPECT_EQ(s.server.listen, (Address{"::1", 0}));
  EXPECT_TRUE(s.server.listen.loopback());
  EXPECT_EQ(s.server.role, Role::api);
  EXPECT_EQ(s.server.node_url, "http://10.0.0.7:8080");
  EXPECT_EQ(s.server.public_url, "https://calls.example.com");
  EXPECT_EQ(s.server.stream_wait, 250ms);
  EXPECT_EQ(s.log.format, log::Format::text);
  EXPECT_EQ(s.sqlite_file(), "/elsewhere/ledger.db");
  EXPECT_FALSE(s.database.auto_migrate);
  EXPECT_EQ(s.cache.max_bytes, 1'000'000U);
  EXPECT_EQ(s.fetch.max_recording_bytes, 64_KiB);
  EXPECT_EQ(s.fetch.allow_addresses.size(), 3U);
  EXPECT_EQ(s.retention.max_age, 7 * 24h);
  EXPECT_THAT(s.security.cors_origins, ElementsAre("https://app.example.com", "http://localhost:5173"));
  EXPECT_EQ(s.admin.api_key_sha256, tenant::sha256("admin-key"));

  ASSERT_EQ(s.tenants.size(), 2U);
  const auto* acme = s.tenant("acme");
  ASSERT_NE(acme, nullptr);
  EXPECT_THAT(acme->credentials.api_keys, ElementsAre(tenant::sha256("acme-key")));
  ASSERT_EQ(acme->credentials.url_keys.size(), 2U);
  EXPECT_EQ(acme->credentials.url_keys[0].id, "k1");
  EXPECT_EQ(acme->credentials.url_keys[0].secret, "a secret of the environment");
  ASSERT_EQ(acme->providers.size(), 2U);
  EXPECT_EQ(acme->providers[0].auth_token, "secret token");
  EXPECT_EQ(acme->providers[1].headers.at("Authorization"), "Bearer of news");
  EXPECT_EQ(acme->providers[1].headers.at("X-Plain"), "1");
  EXPECT_EQ(s.credentials()[1].id, TenantId{"beta"});
  EXPECT_EQ(s.tenant("gamma"), nullptr);
}

TEST_F(SettingsTest, ADefaultHoldsForEachOfAList) {
  const auto loaded = load(R"(
[[tenant]]
id = "a"
[[tenant.provider]]
name = "x"
type = "http"
allowed_hosts = ["a.example.com"]
[[tenant.provider]]
name = "y"
type = "http"
allowed_hosts = ["b.example.com"]
)");
  ASSERT_TRUE(loaded) << testing::PrintToString(loaded.error());
  EXPECT_THAT(loaded->settings.tenants[0].providers[1].allowed_hosts, ElementsAre("b.example.com"));
}

TEST_F(SettingsTest, AllFaultsAreToldInTheOrderOfTheFile) {
  EXPECT_THAT(
      faults(R"([server]
listen = "example.com:80"
role = "boss"
drain_timeout = 15
data_dir = ""
node_url = "10.0.0.7:8080"
[log]
level = "loud"
format = 3
[database]
pool = 0
auto_migrate = "yes"
[cache]
max_bytes = "20GB"
[fetch]
lease = "0"
max_attempts = -1
max_concurrent = 2.5
allow_addresses = ["10.0.0.0/8", "10.1"]
[security]
cors_origins = ["https://app.example.com/"]
[admin]
api_key_sha256 = "abc"
)"),
      ElementsAre(
          R"(2: server.listen: must be ADDR:PORT, such as "127.0.0.1:8080" or "[::1]:8080")",
          "3: server.role: must be one of: all, api, worker",
          R"(4: server.drain_timeout: must be a duration, such as "250ms", "15s", "5m", "2h", "7d" or "0")",
          "5: server.data_dir: must be a path",
          R"(6: server.node_url: must be an address that other nodes reach, http:// and without a path, such as "http://10.0.0.7:8080")",
          "8: log.level: must be one of: debug, info, warn, error", "9: log.format: must be one of: json, text",
          "11: database.pool: must be more than 0", "12: database.auto_migrate: must be true or false",
          R"(14: cache.max_bytes: must be a size, such as "64KiB" or "20GiB")", "16: fetch.lease: must be more than 0",
          "17: fetch.max_attempts: must be a whole number", "18: fetch.max_concurrent: must be a whole number",
          R"(19: fetch.allow_addresses: "10.1" is not a network, such as "10.1.0.0/16")",
          R"(21: security.cors_origins: "https://app.example.com/" is not an origin, such as "https://app.example.com")",
          "23: admin.api_key_sha256: must be 64 hexadecimal digits: the SHA-256 of the key"));
}

TEST_F(SettingsTest, EveryAddressIsNoneThatOtherNodesReach) {
  for (const std::string url : {"http://0.0.0.0:8080", "http://[::]:8080", "https://node:8080", "http://node:8080/"})
    EXPECT_THAT(faults("[server]\nnode_url = \"" + url + "\"\n"), ElementsAre(HasSubstr("server.node_url"))) << url;
}

TEST_F(SettingsTest, UnknownKeysAreFaults) {
  EXPECT_THAT(faults(R"(colour = "red"
[server]
listn = "127.0.0.1:1"
[fetch]
max_concurent = 1
something_else = 2
[sever]
listen = "127.0.0.1:1"
[[tenant]]
id = "acme"
api_keys = []
url_signing_keys = [{ id = "k1", secret = "0123456789abcdef", sercet = "x" }]
[[tenant.provider]]
name = "main"
type = "http"
allowed_hosts = ["*"]
host = "x"
[[tenant.providers]]
name = "other"
)"),
              ElementsAre("1: colour: unknown key", "3: server.listn: unknown key; did you mean listen?",
                          "5: fetch.max_concurent: unknown key; did you mean max_concurrent?",
                          "6: fetch.something_else: unknown key", "7: sever: unknown key; did you mean server?",
                          "11: tenant.api_keys: unknown key",
                          "12: tenant.url_signing_keys.sercet: unknown key; did you mean secret?",
                          "17: tenant.provider.host: unknown key",
                          "18: tenant.providers: unknown key; did you mean provider?"));
}

TEST_F(SettingsTest, WhatThisBuildLacksIsAFault) {
  EXPECT_THAT(faults(R"([security]
encryption_key = "file:/run/secrets/onetake-key"
[[tenant]]
id = "acme"
jwt = { issuer = "x" }
[[tenant.provider]]
name = "main"
type = "telnyx"
[[tenant.provider]]
name = "spool"
type = "directory"
path = "/var/spool/asterisk/monitor"
)"),
              ElementsAre("2: security.encryption_key: not available in this version",
                          "5: tenant.jwt: not available in this version",
                          "8: tenant.provider.type: not available in this version",
                          "11: tenant.provider.type: not available in this version",
                          "12: tenant.provider.path: not available in this version"));
  EXPECT_THAT(faults("[redis]\n"), ElementsAre("1: redis.url: is required"));
  EXPECT_THAT(faults("[[tenant]]\nid = \"a\"\n[tenant.jwt]\nissuer = \"x\"\n"),
              ElementsAre("3: tenant.jwt: not available in this version"));
}

TEST_F(SettingsTest, WhatIsWrongWithTheUrlOfRedisIsSaidFirst) {
  EXPECT_THAT(faults("[redis]\nurl = 1\n"), ElementsAre("2: redis.url: must be a string"));
  EXPECT_THAT(faults("[redis]\nurl = \"cache:6379\"\n"),
              ElementsAre("2: redis.url: must be redis://[user:password@]host[:port][/db]"));
  EXPECT_THAT(faults("[redis]\nurl = \"rediss://cache\"\n"),
              ElementsAre(StartsWith("2: redis.url: TLS to Redis is not supported")));
}

TEST_F(SettingsTest, StorageIsReadAndChecked) {
  const std::string whole = R"([storage]
type = "s3"
endpoint = "http://127.0.0.1:9000"
bucket = "recordings"
region = "eu-west-1"
access_key_id = "key"
secret_access_key = "secret"
prefix = "calls/"
path_style = true
server_side_encryption = "aws:kms"
kms_key_id = "arn:aws:kms:eu-west-1:1:key/2"
)";
  EXPECT_THAT(faults(whole), IsEmpty());
  const auto with = [&](const std::string& from, const std::string& to) {
    auto text = whole;
    text.replace(text.find(from), from.size(), to);
    return faults(text);
  };
  EXPECT_THAT(
      with("http://127.0.0.1:9000", "127.0.0.1:9000"),
      ElementsAre(
          R"(3: storage.endpoint: must be scheme, host and port, such as "https://s3.eu-west-1.amazonaws.com")"));
  EXPECT_THAT(with("\"recordings\"", "\"a/b\""), ElementsAre("4: storage.bucket: is not the name of a bucket"));
  EXPECT_THAT(with("aws:kms", "AES256"),
              ElementsAre(R"(11: storage.kms_key_id: is for server_side_encryption = "aws:kms")"));
  EXPECT_THAT(with("\"s3\"", "\"gcs\""), ElementsAre(R"(2: storage.type: must be "s3")"));
  EXPECT_THAT(faults("[storage]\ntype = \"s3\"\n"),
              ElementsAre("1: storage.endpoint: is required", "1: storage.bucket: is required",
                          "1: storage.access_key_id: is required", "1: storage.secret_access_key: is required"));
}

TEST_F(SettingsTest, TenantsAndWhatTheyMustHave) {
  EXPECT_THAT(
      faults(R"([[tenant]]
api_key_sha256 = "0000"
url_signing_keys = [{ id = "k1" }, { secret = "" }, { id = "a b", secret = "0123456789abcdef" }]
[[tenant.provider]]
type = "carrier-pigeon"
[[tenant]]
id = "Acme"
url_signing_keys = "k1"
[[tenant]]
id = "beta"
api_key_sha256 = ["xyz"]
[[tenant.provider]]
name = "main"
type = "http"
base_url = "ftp://example.com"
allowed_hosts = "*"
)"),
      ElementsAre(
          "1: tenant.id: is required", "2: tenant.api_key_sha256: must be a list of strings",
          "3: tenant.url_signing_keys.secret: is required", "3: tenant.url_signing_keys.secret: must not be empty",
          "3: tenant.url_signing_keys.id: is required",
          "3: tenant.url_signing_keys.id: must be 1 to 64 of A-Z, a-z, 0-9, . _ ~ and -",
          "4: tenant.provider.name: is required",
          "5: tenant.provider.type: must be one of: twilio, signalwire, telnyx, plivo, vonage, http, s3, directory",
          "7: tenant.id: must be 1 to 63 of a-z, 0-9 and -, not starting with -",
          "8: tenant.url_signing_keys: must be a list of tables",
          "11: tenant.api_key_sha256: each must be 64 hexadecimal digits: the SHA-256 of a key",
          "15: tenant.provider.base_url: must be an http:// or https:// URL",
          "16: tenant.provider.allowed_hosts: must be a list of strings"));
}

TEST_F(SettingsTest, NothingStandsTwice) {
  const std::string hash{hash_a};
  EXPECT_THAT(
      faults(
          "[admin]\napi_key_sha256 = \"" + hash + "\"\n[[tenant]]\nid = \"a\"\napi_key_sha256 = [\"" + hash +
          "\"]\n[[tenant]]\nid = \"b\"\napi_key_sha256 = [\"" + hash +
          "\"]\n[[tenant]]\nid = \"a\"\n"
          R"(url_signing_keys = [{ id = "k", secret = "0123456789abcdef" }, { id = "k", secret = "fedcba9876543210" }]
[[tenant.provider]]
name = "main"
type = "http"
allowed_hosts = ["*"]
[[tenant.provider]]
name = "main"
type = "http"
allowed_hosts = ["*"]
)"),
      ElementsAre("5: tenant.api_key_sha256: a key that stands twice: it must tell who is asking",
                  "8: tenant.api_key_sha256: a key that stands twice: it must tell who is asking",
                  "10: tenant.id: \"a\" stands twice", "11: tenant.url_signing_keys.id: \"k\" stands twice",
                  "17: tenant.provider.name: \"main\" stands twice"));
}

TEST_F(SettingsTest, ProvidersArePlainOnlyWhereAllowed) {
  constexpr std::string_view tenant = R"(
[[tenant]]
id = "acme"
[[tenant.provider]]
name = "main"
type = "twilio"
base_url = "http://127.0.0.1:9000"
account_sid = "AC1"
auth_token = "x"
)";
  EXPECT_THAT(faults(tenant), ElementsAre("7: tenant.provider.base_url: http:// needs fetch.allow_plain_http = true"));
  // [fetch] may stand behind the tenants.
  EXPECT_THAT(faults(std::string{tenant} + "[fetch]\nallow_plain_http = true\n"), IsEmpty());
}

TEST_F(SettingsTest, TheProvidersOwnCheckNamesTheKey) {
  EXPECT_THAT(faults("[[tenant]]\nid = \"a\"\n[[tenant.provider]]\nname = \"m\"\ntype = \"http\"\n"),
              ElementsAre(testing::StartsWith("3: tenant.provider.allowed_hosts: ")));
}

TEST_F(SettingsTest, WhatIsNotThereCannotBeTaken) {
  EXPECT_THAT(
      faults("[server]\ndata_dir = \"env:NOWHERE\"\npublic_url = \"file:missing.txt\"\n"),
      ElementsAre("2: server.data_dir: the environment variable NOWHERE is not set",
                  "3: server.public_url: the file " + (folder.path() / "missing.txt").string() + " cannot be read"));
}

TEST_F(SettingsTest, AnyStringMayComeFromElsewhere) {
  environment["WHERE"] = "127.0.0.1:99";
  write(folder, "level.txt", "warn");
  const auto hash = write(folder, "hash.txt", std::string{hash_a} + "\n");
  const auto loaded = load(
      "[server]\nlisten = \"env:WHERE\"\n[log]\nlevel = \"file:level.txt\"\n[[tenant]]\nid = \"a\"\n"
      "api_key_sha256 = [\"file:" +
      hash.string() + "\"]\n");
  ASSERT_TRUE(loaded) << testing::PrintToString(loaded.error());
  EXPECT_EQ(loaded->settings.server.listen.port, 99);
  EXPECT_EQ(loaded->settings.log.level, log::Level::warn);
  EXPECT_THAT(loaded->settings.tenants[0].credentials.api_keys, ElementsAre(tenant::sha256("acme-key")));
}

TEST_F(SettingsTest, WhatIsNotToml) {
  EXPECT_THAT(faults("[server]\nlisten = \"127.0.0.1:8080\nrole = \"all\"\n"), ElementsAre(HasSubstr("2: TOML: ")));
  EXPECT_THAT(faults("[server]\nrole = \"all\"\nrole = \"api\"\n"), ElementsAre(HasSubstr("3: TOML: ")));
  EXPECT_THAT(faults("server = 3\ntenant = 4\n[fetch]\nlease = {}\n"),
              ElementsAre("1: server: must be a table", "2: tenant: must be a list of tables",
                          R"(4: fetch.lease: must be a duration, such as "250ms", "15s", "5m", "2h", "7d" or "0")"));
}

TEST_F(SettingsTest, AFileThatIsNotThere) {
  const auto loaded = load_settings(folder.path() / "none.toml");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error(), ElementsAre((folder.path() / "none.toml").string() + ": cannot be read"));
  EXPECT_FALSE(load_settings(folder.path()));
}

TEST_F(SettingsTest, TheCommandLineComesFirst) {
  const auto loaded = load("[server]\nlisten = \"127.0.0.1:1\"\n", {"127.0.0.1:2", "/tmp/d", "worker"});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->settings.server.listen.port, 2);
  EXPECT_EQ(loaded->settings.sqlite_file(), "/tmp/d/onetake.db");
  EXPECT_EQ(loaded->settings.server.role, Role::worker);
  const auto wrong = load("", {"x", "", "boss"});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error(), ElementsAre(R"(--listen: must be ADDR:PORT, such as "127.0.0.1:8080" or "[::1]:8080")",
                                         "--data-dir: must be a path", "--role: must be one of: all, api, worker"));
}

TEST_F(SettingsTest, WhatOnlyLooksWrongIsAWarning) {
  EXPECT_THAT(warnings(R"([fetch]
lease = "2s"
[[tenant]]
id = "a"
url_signing_keys = [{ id = "k", secret = "short" }]
[[tenant]]
id = "b"
)"),
              ElementsAre("2: fetch.heartbeat: more than a third of fetch.lease; 666ms is used",
                          "5: tenant.url_signing_keys.secret: shorter than 16 characters: it can be guessed",
                          "6: tenant: without an API key or a URL signing key nobody can be it"));
  EXPECT_EQ(load("[fetch]\nlease = \"2s\"\n")->settings.fetch.heartbeat, 666ms);
}

TEST(Address, ParsesAndPrints) {
  EXPECT_EQ(parse_address("0.0.0.0:65535")->str(), "0.0.0.0:65535");
  EXPECT_EQ(parse_address("[fe80::1]:80")->str(), "[fe80::1]:80");
  EXPECT_EQ(parse_address("localhost:0")->str(), "127.0.0.1:0");
  EXPECT_FALSE(parse_address("0.0.0.0:1")->loopback());
  EXPECT_TRUE(parse_address("127.8.8.8:1")->loopback());
  EXPECT_FALSE(parse_address("[::]:1")->loopback());
  for (const std::string_view text : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80",
                                      "[127.0.0.1]:80", "[::1]", "a:80", "127.0.0.1:80 "}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(SettingsTable, EveryRowHasItsSection) {
  for (const auto& row : rows()) {
    EXPECT_NE(std::ranges::find(sections(), row.section, &Section::name), std::ranges::end(sections())) << row.name;
    EXPECT_EQ(row.set == nullptr, row.need == Need::later) << row.name;
    EXPECT_THAT(row.help, testing::Not(IsEmpty())) << row.name;
  }
}

TEST(SettingsTable, IsWhatTheDocumentationSays) {
  std::ifstream file{ONETAKE_DOCS "/configuration.md"};
  const std::string page{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(page, configuration_page()) << "run: onetake --print-settings > docs/configuration.md";
}

}  // namespace
}  // namespace onetake::app
