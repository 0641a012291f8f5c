#include "ledger/sqlite_ledger.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "base/temp_folder.hpp"
#include "ledger/conformance.hpp"
#include "ledger/migrations.hpp"

namespace onetake::ledger {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

class SqliteEngine final : public Engine {
 public:
  std::unique_ptr<Ledger> open() override { return open_sqlite(folder_.path() / "ledger.db"); }

 private:
  TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, Conformance,
                         testing::Values(EngineKind{"sqlite", [] { return std::make_unique<SqliteEngine>(); }}));

class Sqlite : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "ledger.db"; }
  /// SQL into a file that nobody has open.
  void into_file(const std::string& sql) const { Connection{file()}.execute(sql); }

  TempFolder folder_;
};

TEST_F(Sqlite, MigratesFromNothingAndOnlyOnce) {
  const auto first = migrate_sqlite(file());
  EXPECT_EQ(first.from, 0);
  EXPECT_EQ(first.to, known_schema());
  EXPECT_EQ(migrate_sqlite(file()).from, known_schema());
}

TEST_F(Sqlite, RefusesANewerSchema) {
  migrate_sqlite(file());
  into_file("PRAGMA user_version = 999");
  EXPECT_THAT([&] { open_sqlite(file()); }, ThrowsMessage<Unavailable>(HasSubstr("schema 999")));
}

TEST_F(Sqlite, RefusesAnOlderSchemaWhereItMayNotMigrate) {
  EXPECT_THAT([&] { open_sqlite(file(), {.migrate = false}); },
              ThrowsMessage<Unavailable>(HasSubstr("onetake migrate")));
  migrate_sqlite(file());
  EXPECT_TRUE(open_sqlite(file(), {.migrate = false}));
}

TEST_F(Sqlite, RefusesTheDatabaseOfAnotherProgram) {
  into_file("CREATE TABLE theirs (x INTEGER)");
  EXPECT_THAT([&] { open_sqlite(file()); }, ThrowsMessage<Unavailable>(HasSubstr("another program")));
}

TEST_F(Sqlite, RefusesWhatIsNoDatabase) {
  std::ofstream{file()} << std::string(5000, 'x');
  EXPECT_THROW(open_sqlite(file()), Unavailable);
  EXPECT_THAT([&] { open_sqlite(folder_.path() / "nowhere" / "ledger.db"); },
              ThrowsMessage<Unavailable>(HasSubstr("No such file")));
}

TEST_F(Sqlite, OneHolderAtATime) {
  auto held = open_sqlite(file());
  EXPECT_THAT([&] { open_sqlite(file()); }, ThrowsMessage<Unavailable>(HasSubstr("in use")));
  held.reset();
  EXPECT_TRUE(open_sqlite(file()));
}

TEST_F(Sqlite, TheFileIsItsOwnersOnlyAndTheLogIsGoneAfterwards) {
  open_sqlite(file());
  struct stat s{};
  ASSERT_EQ(::stat(file().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777, 0600u);
  EXPECT_FALSE(std::filesystem::exists(file().string() + "-wal"));
}

TEST_F(Sqlite, AJobThatFailsFailsAlone) {
  migrate_sqlite(file());
  into_file(
      "CREATE TRIGGER bad BEFORE INSERT ON recording WHEN new.call_sid = 'CA13' BEGIN SELECT raise(ABORT, 'bad luck'); "
      "END");
  TestLoop loop;
  const auto ledger = open_sqlite(file());
  const TenantId acme{"acme"};
  std::vector<std::future<Put>> puts;
  for (int i = 0; i < 40; ++i)
    puts.push_back(loop.start(ledger->put(acme, CallSid{"CA" + std::to_string(i)}, {}, WallTime{})));
  for (std::size_t i = 0; i < puts.size(); ++i) {
    if (i == 13) {
      EXPECT_THAT([&] { puts[i].get(); }, ThrowsMessage<Unavailable>(HasSubstr("bad luck")));
    } else {
      EXPECT_TRUE(puts[i].get().created) << i;
    }
  }
  EXPECT_THAT(loop.run(ledger->list({.tenant = acme, .limit = 100}))->items, SizeIs(39));
}

TEST_F(Sqlite, DestroyingFinishesWhatWaits) {
  TestLoop loop;
  auto ledger = open_sqlite(file());
  std::vector<std::future<Put>> puts;
  for (int i = 0; i < 200; ++i)
    puts.push_back(loop.start(ledger->put(TenantId{"acme"}, CallSid{"CA" + std::to_string(i)}, {}, WallTime{})));
  puts.back().wait();  // the loop has handed all of them over
  ledger.reset();
  for (auto& put : puts) EXPECT_TRUE(put.get().created);
}

TEST_F(Sqlite, AQueryThatTakesTooLongIsInterrupted) {
  TestLoop loop;
  const auto ledger = open_sqlite(file(), {.query_limit = milliseconds{20}});
  const auto endless =
      loop.run(ledger->query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"));
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().fault, Fault::bad_request);
  EXPECT_THAT(endless.error().detail, HasSubstr("too long"));
  EXPECT_TRUE(loop.run(ledger->query("SELECT 1")));
}

TEST_F(Sqlite, AQueryHasAnEnd) {
  TestLoop loop;
  const auto ledger = open_sqlite(file());
  const std::string numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT ";
  EXPECT_THAT(loop.run(ledger->query(numbers + "10000"))->rows, SizeIs(10000));
  EXPECT_FALSE(loop.run(ledger->query(numbers + "10001")));
  EXPECT_FALSE(
      loop.run(ledger->query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                             "SELECT hex(zeroblob(500000)) FROM n LIMIT 100")));
}

TEST_F(Sqlite, AQueryTouchesNoSettingAndNoOtherFile) {
  TestLoop loop;
  const auto ledger = open_sqlite(file());
  for (const std::string sql : {"ATTACH '/tmp/x.db' AS x", "DETACH main", "PRAGMA synchronous = OFF",
                                "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 3", "PRAGMA foreign_keys = OFF",
                                "PRAGMA locking_mode = NORMAL", "VACUUM INTO '/tmp/x.db'", "SAVEPOINT s", "ROLLBACK",
                                "REINDEX", "ANALYZE", "SELECT load_extension('x')", "PRAGMA wal_checkpoint"})
    EXPECT_FALSE(loop.run(ledger->query(sql))) << sql;
  for (const std::string sql : {"PRAGMA table_info(run)", "PRAGMA integrity_check", "PRAGMA user_version",
                                "EXPLAIN QUERY PLAN SELECT * FROM run"})
    EXPECT_TRUE(loop.run(ledger->query(sql))) << sql;
}

// The acknowledged survives a kill: the child is killed right after its last answer.
TEST(SqliteDeathTest, WhatWasAnsweredSurvivesAKill) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // the child begins this test anew and finds the folder's name
  constexpr const char* variable = "ONETAKE_LEDGER_TEST_FOLDER";
  std::optional<TempFolder> folder;
  if (std::getenv(variable) == nullptr) {
    folder.emplace();
    ::setenv(variable, folder->path().c_str(), 1);
  }
  const auto file = std::filesystem::path{std::getenv(variable)} / "ledger.db";

  const auto play_and_die = [&] {
    TestLoop loop;
    const auto ledger = open_sqlite(file);
    for (int i = 0; i < 50; ++i) {
      const Key key{TenantId{"acme"}, CallSid{"CA" + std::to_string(i)}, {}};
      loop.run(ledger->put(key.tenant, key.call_sid, {}, WallTime{}));
      loop.run(ledger->play({.key = key, .explicit_action = true, .claim = true, .now = WallTime{}}));
    }
    ::raise(SIGKILL);
  };
  EXPECT_EXIT(play_and_die(), testing::KilledBySignal(SIGKILL), "");
  ::unsetenv(variable);

  TestLoop loop;
  const auto ledger = open_sqlite(file);
  EXPECT_EQ(loop.run(ledger->counts()).runs[RunStatus::running], 50);
  EXPECT_EQ(loop.run(ledger->recover(WallTime{})), 50);
  const auto check = loop.run(ledger->query("PRAGMA integrity_check"));
  EXPECT_EQ(check->rows.at(0).at(0), "ok");
}

}  // namespace
}  // namespace onetake::ledger
