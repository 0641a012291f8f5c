// The commands where PostgreSQL has the ledger: nobody need be asked but the database.

#include <gmock/gmock.h>

#include "app/commands.hpp"
#include "app/instance.hpp"
#include "app/test_commands.hpp"
#include "app/test_data.hpp"
#include "app/test_file.hpp"
#include "ledger/test_postgres.hpp"
#include "signal/test_redis.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

struct CommandsPostgres : testing::Test {
  TempFolder folder;
  ledger::Schema schema;
  Settings settings = default_settings();

  CommandsPostgres() {
    settings.server.data_dir = folder.path() / "data";
    settings.database.url = schema.url();
  }

  [[nodiscard]] Said say_query(const std::string& sql) const {
    return run([&] { return query(settings, sql); });
  }
  [[nodiscard]] Said say_check() const {
    return run([&] { return check(settings); });
  }
  void beside(const std::string& sql) const { schema.connect()->execute(sql); }
};

TEST_F(CommandsPostgres, MigratePrintsTheSchemaAndQueryNeedsIt) {
  EXPECT_THAT(say_query("SELECT 1").err, HasSubstr("run onetake migrate"));
  const auto said = run([&] { return migrate(settings); });
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, MatchesRegex("schema [0-9]+\n"));
  EXPECT_EQ(run([&] { return migrate(settings); }).out, said.out);

  EXPECT_EQ(say_query("SELECT 1 AS one, NULL AS missing, E'a\\tb' AS text").out, "one\tmissing\ttext\n1\t\ta\\tb\n");
  EXPECT_EQ(say_query("SELECT count(*) AS n FROM recording").out, "n\n0\n");
  EXPECT_FALSE(fs::exists(settings.server.data_dir));
}

TEST_F(CommandsPostgres, QueryOnlyReadsAndSpeaksTheDatabasesWords) {
  ASSERT_EQ(run([&] { return migrate(settings); }).status, 0);
  const auto wrong = say_query("SELECT x FROM recording");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("column \"x\" does not exist"));
  EXPECT_EQ(say_query("DELETE FROM recording").status, 1);
  EXPECT_EQ(say_query("WITH x AS (DELETE FROM recording RETURNING id) SELECT * FROM x").status, 1);
}

TEST_F(CommandsPostgres, AServerIsInNobodysWay) {
  ASSERT_EQ(run([&] { return migrate(settings); }).status, 0);
  const auto server = Instance::claim(settings.server.data_dir);  // it listens to nobody
  ASSERT_TRUE(server);
  EXPECT_EQ(say_query("SELECT 'x' AS y").out, "y\nx\n");
  EXPECT_EQ(run([&] { return migrate(settings); }).status, 0);
  EXPECT_EQ(run([&] { return verify(settings, false); }).status, 0);
}

TEST_F(CommandsPostgres, VerifyLooksAtTheFilesOfThisDataDirectorysNode) {
  {
    const auto server = Instance::claim(settings.server.data_dir);
    Foreground loop;
    const auto ledger = ledger::open_postgres(schema.url(), {.node = server->node(), .pool = 2});
    Served{loop, *ledger, settings.server.data_dir}.fetch("CA1");
  }
  auto said = run([&] { return verify(settings, true); });
  EXPECT_EQ(said.status, 0);
  EXPECT_THAT(said.out, AllOf(HasSubstr(R"("recordings":1)"), HasSubstr(R"("files":1)"), HasSubstr(R"("bytes":16)")));

  fs::remove_all(settings.server.data_dir / "audio");
  said = run([&] { return verify(settings, false); });
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.out, StartsWith("pointer_has_its_file: "));

  settings.server.data_dir = folder.path() / "another machine's";
  EXPECT_EQ(run([&] { return verify(settings, false); }).status, 0) << "it has no files";
}

TEST_F(CommandsPostgres, CheckTellsOfTheDatabase) {
  auto said = say_check();
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, AllOf(HasSubstr("ok server.data_dir: "), HasSubstr("\nok database.url: PostgreSQL 1"),
                              HasSubstr(" has no schema; the server will migrate it\n")));
  settings.database.auto_migrate = false;
  said = say_check();
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, AllOf(StartsWith("database.url: "), HasSubstr("run onetake migrate\n")));

  const auto migrated = run([&] { return migrate(settings); });
  EXPECT_THAT(say_check().out, HasSubstr(" has " + migrated.out));
  beside("UPDATE meta SET value = '999' WHERE key = 'schema'");
  said = say_check();
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, AllOf(StartsWith("database.url: "), HasSubstr("start a newer version")));
}

TEST_F(CommandsPostgres, CheckSaysWhatIsWrongInOneLine) {
  settings.database.url = "postgresql://postgres@127.0.0.1:1/postgres";
  auto said = say_check();
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, AllOf(StartsWith("database.url: connection to server"), HasSubstr("Connection refused")));
  EXPECT_EQ(std::ranges::count(said.err, '\n'), 1);

  settings.database.url = ledger::postgres_server() + "_not_there";
  said = say_check();
  EXPECT_THAT(said.err, AllOf(StartsWith("database.url: "), HasSubstr("does not exist")));
  EXPECT_EQ(std::ranges::count(said.err, '\n'), 1);
}

TEST_F(CommandsPostgres, CheckSaysWhoMayNotMakeTables) {
  const auto user = schema.name() + "_reader";
  beside("CREATE ROLE " + user + " LOGIN; GRANT USAGE ON SCHEMA " + schema.name() + " TO " + user);
  settings.database.url.replace(settings.database.url.find("postgres@"), 8, user);
  const auto said = say_check();
  beside("DROP OWNED BY " + user + "; DROP ROLE " + user);
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, HasSubstr("GRANT CREATE ON SCHEMA"));
}

TEST_F(CommandsPostgres, CheckWarnsWithoutADurableCopy) {
  const auto said = say_check();
  EXPECT_EQ(said.status, 0);
  EXPECT_THAT(said.out, HasSubstr("\nwarning: storage: "));
  settings.database.url = default_settings().database.url;
  EXPECT_THAT(say_check().out, Not(HasSubstr("warning"))) << "there is only one node";
}

TEST_F(CommandsPostgres, CheckReachesRedis) {
  signal::test::RedisServer redis;
  settings.redis.url = redis.address();
  EXPECT_THAT(say_check().out, HasSubstr("\nok redis.url: 127.0.0.1:"));
  redis.kill();
  const auto said = say_check();
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, AllOf(StartsWith("redis.url: 127.0.0.1:"), HasSubstr("Connection refused")));
  EXPECT_EQ(std::ranges::count(said.err, '\n'), 1);
}

TEST_F(CommandsPostgres, CheckReachesTheStorage) {
  SomeServer storage;  // whatever is asked for is not there
  settings.storage = {.type = "s3",
                      .endpoint = "http://127.0.0.1:" + std::to_string(storage.port),
                      .bucket = "recordings",
                      .region = "us-east-1",
                      .access_key_id = "id",
                      .secret_access_key = "secret",
                      .prefix = {},
                      .server_side_encryption = {},
                      .kms_key_id = {}};
  const auto said = say_check();
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, StartsWith("storage: "));
  EXPECT_EQ(std::ranges::count(said.err, '\n'), 1);
  EXPECT_THAT(said.out, Not(HasSubstr("warning")));
}

}  // namespace
}  // namespace onetake::app
