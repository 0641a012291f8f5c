#include "app/commands.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "app/instance.hpp"
#include "app/ledger_access.hpp"
#include "app/test_commands.hpp"
#include "app/test_file.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "tenant/access.hpp"

namespace onetake::app {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct CommandsTest : testing::Test {
  TempFolder folder;
  Settings settings = default_settings();

  CommandsTest() {
    settings.server.data_dir = folder.path() / "data";
    settings.tenants.push_back({{TenantId{"acme"}, {}, {{"k1", "acme-url-secret-0123"}, {"k2", "other"}}}, {}});
    settings.tenants.push_back({{TenantId{"bare"}, {}, {}}, {}});
  }

  [[nodiscard]] Said say_query(const std::string& sql) const {
    return run([&] { return query(settings, sql); });
  }
};

TEST_F(CommandsTest, SignPrintsAUrlThatOpens) {
  const auto said = run([&] { return sign(settings, {.tenant = "acme", .call_sid = "CA1", .ttl = "1h", .path = {}}); });
  ASSERT_EQ(said.status, 0) << said.err;
  ASSERT_THAT(said.out,
              AllOf(StartsWith("/api/recordings/CA1/stream?tenant=acme&expires="), HasSubstr("&kid=k1&sig=")));

  const std::string url = said.out.substr(0, said.out.size() - 1);
  const tenant::Access access{settings.credentials()};
  tenant::Asking asking{.area = tenant::Area::listening, .method = "GET"};
  asking.path = std::string_view{url}.substr(0, url.find('?'));
  asking.query = std::string_view{url}.substr(url.find('?') + 1);
  EXPECT_TRUE(access.authenticate(asking, wall_now() + 59min));
  EXPECT_FALSE(access.authenticate(asking, wall_now() + 61min));
}

TEST_F(CommandsTest, SignTakesAnotherPath) {
  const auto said = run([&] {
    return sign(settings, {.tenant = "acme", .call_sid = "", .path = "/api/recordings/CA1/peaks?channels=2"});
  });
  ASSERT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, StartsWith("/api/recordings/CA1/peaks?channels=2&tenant=acme&expires="));
}

TEST_F(CommandsTest, SignSaysWhatItCannot) {
  const auto sign_with = [&](const SignOptions& options) { return run([&] { return sign(settings, options); }); };
  EXPECT_EQ(sign_with({.tenant = "nobody", .call_sid = "CA1", .path = {}}).err,
            "onetake: no tenant nobody in the configuration\n");
  EXPECT_EQ(sign_with({.tenant = "bare", .call_sid = "CA1", .path = {}}).status, 1);
  EXPECT_EQ(sign_with({.tenant = "acme", .call_sid = "../x", .path = {}}).status, 2);
  EXPECT_EQ(sign_with({.tenant = "acme", .call_sid = "CA1", .ttl = "soon", .path = {}}).status, 2);
  EXPECT_EQ(sign_with({.tenant = "acme", .call_sid = "CA1", .ttl = "0", .path = {}}).status, 2);
  EXPECT_EQ(sign_with({.tenant = "acme", .call_sid = "CA1", .path = "stream"}).status, 2);
}

TEST_F(CommandsTest, QueryWhileNothingRuns) {
  EXPECT_THAT(say_query("SELECT 1").err, HasSubstr("data is not there"));
  EXPECT_FALSE(std::filesystem::exists(settings.server.data_dir));
  ASSERT_EQ(run([&] { return migrate(settings); }).status, 0);

  const auto said = say_query("SELECT 1 AS one, NULL AS missing, 'a' || char(9, 10, 92) AS text");
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_EQ(said.out, "one\tmissing\ttext\n1\t\ta\\t\\n\\\\\n");
  EXPECT_EQ(say_query("SELECT count(*) AS n FROM recording").out, "n\n0\n");

  const auto wrong = say_query("SELEC");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("syntax error"));
  EXPECT_EQ(say_query("DELETE FROM recording").status, 1);
}

TEST_F(CommandsTest, QueryAndMigrateWhileAServerRuns) {
  const auto instance = Instance::claim(settings.server.data_dir);
  ASSERT_TRUE(instance);
  Foreground foreground;
  const auto ledger = ledger::open_sqlite(settings.sqlite_file());
  const ControlServer server{settings.server.data_dir, control_verbs(*ledger, foreground)};

  EXPECT_EQ(say_query("SELECT 'x' AS y").out, "y\nx\n");
  EXPECT_THAT(say_query("SELEC").err, HasSubstr("syntax error"));
  EXPECT_THAT(run([&] { return migrate(settings); }).out, StartsWith("schema "));
  const auto checked = run([&] { return check(settings); });
  EXPECT_EQ(checked.status, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("is served by process " + std::to_string(::getpid())));
}

// Whoever holds the directory may be just about to listen.
TEST_F(CommandsTest, QueryWaitsForAServerThatStarts) {
  auto instance = Instance::claim(settings.server.data_dir);
  ASSERT_TRUE(instance);
  std::jthread starting{[&] {
    ledger::migrate_sqlite(settings.sqlite_file());
    instance = std::unexpected(std::string{"given back"});
  }};
  EXPECT_EQ(say_query("SELECT 2 AS two").out, "two\n2\n");
}

TEST_F(CommandsTest, MigratePrintsTheSchema) {
  const auto said = run([&] { return migrate(settings); });
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, testing::MatchesRegex("schema [0-9]+\n"));
  EXPECT_EQ(run([&] { return migrate(settings); }).out, said.out);
}

TEST_F(CommandsTest, CheckReachesProviders) {
  SomeServer provider;
  settings.fetch.allow_addresses.push_back(*provider::Cidr::parse("127.0.0.0/8"));
  settings.fetch.allow_plain_http = true;
  auto& reached = settings.tenants[0].providers.emplace_back();
  reached.name = "main";
  reached.base_url = "http://127.0.0.1:" + std::to_string(provider.port);
  reached.account_sid = "AC1";
  reached.auth_token = "token";

  const auto fine = run([&] { return check(settings); });
  EXPECT_EQ(fine.status, 0) << fine.err;
  EXPECT_THAT(fine.out,
              AllOf(HasSubstr("ok server.data_dir: "), HasSubstr("onetake.db will be made\n"),
                    HasSubstr("ok provider acme/main: 127.0.0.1:" + std::to_string(provider.port) + " answers\n")));
  EXPECT_THAT(fine.err, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(settings.sqlite_file()));
  provider.stop();
  EXPECT_THAT(provider.heard, AllOf(HasSubstr("GET / "), testing::Not(HasSubstr("Authorization"))));
}

TEST_F(CommandsTest, CheckTellsEachFaultInALine) {
  std::uint16_t closed = 0;
  {
    const SomeServer gone;
    closed = gone.port;
  }
  auto& there = settings.tenants[0].providers.emplace_back();
  there.name = "refused";
  there.base_url = "http://127.0.0.1:" + std::to_string(closed);
  settings.server.data_dir = write(folder, "file", "") / "data";
  auto said = run([&] { return check(settings); });
  EXPECT_EQ(said.status, 1);
  EXPECT_EQ(std::ranges::count(said.err, '\n'), 2);
  EXPECT_THAT(said.err, AllOf(StartsWith("server.data_dir: "), HasSubstr("\nprovider acme/refused: ")));

  settings.fetch.allow_addresses.push_back(*provider::Cidr::parse("127.0.0.1"));
  said = run([&] { return check(settings); });
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, HasSubstr("provider acme/refused: "));
}

TEST_F(CommandsTest, CheckLooksIntoTheDatabase) {
  ASSERT_EQ(run([&] { return migrate(settings); }).status, 0);
  EXPECT_THAT(run([&] { return check(settings); }).out, HasSubstr("onetake.db has schema "));
  std::ofstream{settings.sqlite_file(), std::ios::trunc} << std::string(4096, 'x');
  const auto said = run([&] { return check(settings); });
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, StartsWith("server.data_dir: "));
}

}  // namespace
}  // namespace onetake::app
