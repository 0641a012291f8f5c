// PostgreSQL as a database: migrations, limits, and what a person may ask.

#include <gmock/gmock.h>

#include <barrier>
#include <thread>

#include "ledger/invariants.hpp"
#include "ledger/postgres_migrations.hpp"
#include "ledger/postgres_session.hpp"
#include "ledger/test_postgres.hpp"
#include "ledger/test_proxy.hpp"

namespace onetake::ledger {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

INSTANTIATE_TEST_SUITE_P(Postgres, Conformance,
                         testing::Values(EngineKind{"postgres", [] { return std::make_unique<PostgresEngine>(); }}));

const TenantId acme{"acme"};

class Postgres : public testing::Test {
 protected:
  std::unique_ptr<Ledger> open(PostgresOptions options = {}) const { return open_postgres(schema_.url(), options); }
  /// SQL beside the ledger.
  void beside(const std::string& sql) const { schema_.connect()->execute(sql); }
  std::future<Put> put(Ledger& ledger, const std::string& call) {
    return loop_.start(ledger.put(acme, CallSid{call}, {}, WallTime{}));
  }
  std::future<Admission> play(Ledger& ledger, const std::string& call) {
    Play play;
    play.key = {acme, CallSid{call}, {}};
    play.explicit_action = true;
    return loop_.start(ledger.play(play));
  }

  Schema schema_;
  TestLoop loop_;
};

TEST_F(Postgres, MigratesFromNothingAndOnlyOnce) {
  const auto first = migrate_postgres(schema_.url());
  EXPECT_EQ(first.from, 0);
  EXPECT_EQ(first.to, pg::known_schema());
  EXPECT_EQ(migrate_postgres(schema_.url()).from, pg::known_schema());
}

TEST_F(Postgres, NodesThatStartAtOnceMigrateOnce) {
  constexpr int nodes = 8;
  std::barrier all{nodes};
  std::atomic<int> migrated = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < nodes; ++i)
    threads.emplace_back([&] {
      all.arrive_and_wait();
      if (migrate_postgres(schema_.url()).from == 0) ++migrated;
    });
  for (auto& each : threads) each.join();
  EXPECT_EQ(migrated, 1);
  EXPECT_TRUE(put(*open(), "CA1").get().created);
}

TEST_F(Postgres, RunsOnTheNextSchemaWhereThatSaysSo) {
  migrate_postgres(schema_.url());
  const auto newer = std::to_string(pg::known_schema() + 1);
  beside("UPDATE meta SET value = '" + newer + "' WHERE key = 'schema'");
  EXPECT_TRUE(put(*open(), "CA1").get().created);
  beside("UPDATE meta SET value = '" + newer + "' WHERE key = 'compatible_from'");
  EXPECT_THAT([&] { open(); }, ThrowsMessage<Unavailable>(HasSubstr("start a newer version")));
}

TEST_F(Postgres, RefusesASchemaTwoVersionsNewer) {
  migrate_postgres(schema_.url());
  beside("UPDATE meta SET value = '" + std::to_string(pg::known_schema() + 2) + "' WHERE key = 'schema'");
  EXPECT_THAT([&] { open(); }, ThrowsMessage<Unavailable>(HasSubstr("start a newer version")));
}

TEST_F(Postgres, RefusesAnOlderSchemaWhereItMayNotMigrate) {
  EXPECT_THAT([&] { open({.migrate = false}); }, ThrowsMessage<Unavailable>(HasSubstr("onetake migrate")));
  migrate_postgres(schema_.url());
  EXPECT_TRUE(open({.migrate = false}));
}

TEST_F(Postgres, RefusesTheDatabaseOfAnotherProgram) {
  beside("CREATE TABLE recording (x integer)");
  EXPECT_THAT([&] { open(); }, ThrowsMessage<Unavailable>(HasSubstr("another program")));
}

TEST_F(Postgres, RefusesWhatIsNoServer) {
  EXPECT_THROW(open_postgres("postgresql://127.0.0.1:1/postgres"), Unavailable);
  EXPECT_THAT([] { open_postgres("postgresql://%"); }, ThrowsMessage<Unavailable>(HasSubstr("database.url")));
}

TEST_F(Postgres, AJobThatFailsFailsAlone) {
  const auto ledger = open({.pool = 2});
  beside(
      "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'bad luck'; END $$;"
      "CREATE TRIGGER bad BEFORE INSERT ON run FOR EACH ROW WHEN (new.call_sid = 'CA13') EXECUTE FUNCTION bad()");
  std::vector<std::future<Put>> puts;
  for (int i = 0; i < 40; ++i) puts.push_back(put(*ledger, "CA" + std::to_string(i)));
  for (auto& each : puts) each.get();
  std::vector<std::future<Admission>> plays;
  for (int i = 0; i < 40; ++i) plays.push_back(play(*ledger, "CA" + std::to_string(i)));
  for (std::size_t i = 0; i < plays.size(); ++i) {
    if (i == 13) {
      EXPECT_THAT([&] { plays[i].get(); }, ThrowsMessage<Unavailable>(HasSubstr("bad luck")));
    } else {
      EXPECT_EQ(plays[i].get().found, Found::created) << i;
    }
  }
  EXPECT_EQ(loop_.run(ledger->counts()).runs[RunStatus::queued], 39);
}

TEST_F(Postgres, DestroyingFinishesWhatWaits) {
  auto ledger = open();
  std::vector<std::future<Put>> puts;
  for (int i = 0; i < 200; ++i) puts.push_back(put(*ledger, "CA" + std::to_string(i)));
  loop_.settle();  // the loop has handed all of them over
  ledger.reset();
  for (auto& each : puts) EXPECT_TRUE(each.get().created);
}

// Its caller's loop is busy until the ledger is no more.
TEST_F(Postgres, AnAnswerIsTakenAndToldAfterwards) {
  std::vector<Change> told;
  auto ledger = open({.committed = [&told](Change change, const std::string&) { told.push_back(change); }});
  put(*ledger, "CA1").get();
  auto pressed = play(*ledger, "CA1");
  std::promise<void> free;
  asio::post(loop_.loop(), [&free] { free.get_future().get(); });
  ledger.reset();
  free.set_value();
  EXPECT_EQ(pressed.get().found, Found::created);
  EXPECT_THAT(told, testing::ElementsAre(Change::run_queued));
}

TEST_F(Postgres, WhoFindsNoConnectionFreeIsToldSo) {
  const auto ledger = open({.pool = 2, .patience = milliseconds{50}});
  const auto holder = schema_.connect();
  holder->execute("BEGIN; LOCK TABLE recording IN ACCESS EXCLUSIVE MODE");
  auto first = put(*ledger, "CA1");
  until_somebody_waits_for(*holder, schema_);
  EXPECT_THAT([&] { put(*ledger, "CA2").get(); }, ThrowsMessage<Unavailable>(HasSubstr("no connection")));
  holder->execute("ROLLBACK");
  EXPECT_TRUE(first.get().created) << "who has one is served";
}

TEST_F(Postgres, ASlowDatabaseIsGivenUp) {
  const auto ledger = open({.statement_timeout = milliseconds{100}});
  const auto holder = schema_.connect();
  holder->execute("BEGIN; LOCK TABLE recording IN ACCESS EXCLUSIVE MODE");
  EXPECT_THROW(put(*ledger, "CA1").get(), Unavailable);
  EXPECT_THROW(play(*ledger, "CA1").get(), Unavailable);
  holder->execute("ROLLBACK");
  EXPECT_TRUE(put(*ledger, "CA1").get().created) << "and asked again once it is not";
}

TEST_F(Postgres, ADatabaseThatSaysNothingIsGivenUp) {
  Proxy proxy{schema_.port()};
  const auto ledger =
      open_postgres(schema_.url_by_port(proxy.port()), {.pool = 2, .statement_timeout = milliseconds{50}});
  ASSERT_TRUE(put(*ledger, "CA1").get().created);
  proxy.swallow();
  EXPECT_THAT([&] { loop_.run(ledger->find({acme, CallSid{"CA1"}, {}})); },
              ThrowsMessage<Unavailable>(HasSubstr("does not answer")));
}

TEST_F(Postgres, GoesOnAtAnotherAddress) {
  auto one = std::make_unique<Proxy>(schema_.port());
  Proxy two{schema_.port()};
  auto url = schema_.url_by_port(one->port());
  const auto slash = url.rfind('/');
  url.insert(slash, ",127.0.0.1:" + std::to_string(two.port()));
  const auto ledger = open_postgres(url);
  ASSERT_TRUE(put(*ledger, "CA1").get().created);
  one.reset();
  EXPECT_FALSE(put(*ledger, "CA1").get().created);
  EXPECT_EQ(play(*ledger, "CA1").get().found, Found::created);
}

TEST_F(Postgres, LeavesAServerThatHasBecomeReadOnly) {
  migrate_postgres(schema_.url());
  pg::Session session{pg::Target{.url = schema_.url()}};
  int tries = 0;
  const auto found = session.once([&](pg::Connection& db) {
    if (++tries == 1) db.execute("SET TRANSACTION READ ONLY");
    return db.run("INSERT INTO turn VALUES ('acme', 1)");
  });
  EXPECT_EQ(found, 1);
  EXPECT_EQ(tries, 2) << "on another connection";
}

TEST_F(Postgres, TransactionsInEachOthersWayAreRepeated) {
  beside("CREATE TABLE a (x integer); INSERT INTO a VALUES (0); CREATE TABLE b (x integer); INSERT INTO b VALUES (0)");
  std::barrier both{2};
  std::atomic<int> tries = 0;
  const auto cross = [&](const std::string& first, const std::string& second) {
    pg::Session session{pg::Target{.url = schema_.url()}};
    bool met = false;
    session.once([&](pg::Connection& db) {
      ++tries;
      db.execute("UPDATE " + first + " SET x = x + 1");
      if (!std::exchange(met, true)) both.arrive_and_wait();
      db.execute("UPDATE " + second + " SET x = x + 1");
      return true;
    });
  };
  std::thread there{[&] { cross("a", "b"); }};
  cross("b", "a");
  there.join();
  EXPECT_GT(tries, 2) << "PostgreSQL ended one of them";
  auto rows = schema_.connect()->execute("SELECT a.x, b.x FROM a, b");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.integer(), 2);
  EXPECT_EQ(rows.integer(), 2);
}

TEST_F(Postgres, AQueryThatTakesTooLongIsEnded) {
  const auto ledger = open({.query_limit = milliseconds{20}});
  const auto endless = loop_.run(ledger->query("SELECT pg_sleep(600)"));
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().fault, Fault::bad_request);
  EXPECT_THAT(endless.error().detail, HasSubstr("too long"));
  EXPECT_TRUE(loop_.run(ledger->query("SELECT 1")));
}

TEST_F(Postgres, AQueryHasAnEnd) {
  const auto ledger = open();
  EXPECT_THAT(loop_.run(ledger->query("SELECT * FROM generate_series(1, 10000)"))->rows, SizeIs(10000));
  EXPECT_FALSE(loop_.run(ledger->query("SELECT * FROM generate_series(1, 10001)")));
  EXPECT_FALSE(loop_.run(ledger->query("SELECT repeat('x', 500000) FROM generate_series(1, 100)")));
}

TEST_F(Postgres, AQueryLeavesNothingBehind) {
  const auto ledger = open();
  for (const std::string sql :
       {"SET statement_timeout = 0", "WITH x AS (DELETE FROM run RETURNING id) SELECT * FROM x", "LOCK TABLE run",
        "SELECT * FROM recording FOR UPDATE", "SELECT nextval('x')", "EXPLAIN ANALYZE DELETE FROM recording",
        "COPY run TO STDOUT", "DO $$ BEGIN END $$", "VACUUM", "WITH m AS (SELECT * FROM meta) SELECT 1 FROM m"})
    EXPECT_FALSE(loop_.run(ledger->query(sql))) << sql;
  for (const std::string sql : {"EXPLAIN SELECT * FROM run", "SHOW server_version", " (SELECT 1)", "VALUES (1)",
                                "SELECT pg_advisory_lock(1)", "SELECT pg_advisory_lock(1)"})
    EXPECT_TRUE(loop_.run(ledger->query(sql))) << sql;
}

TEST_F(Postgres, WhatBrokeAnInvariantIsFound) {
  const auto ledger = open({.node = "http://one"});
  const auto id = put(*ledger, "CA1").get().recording.id;
  const auto run = play(*ledger, "CA1").get().recording.run->id;
  const auto inquiry = postgres_inquiry("http://one");
  const auto recordings = [&](const std::string& after) { return inquiry->recordings_page(after, 10); };
  const auto violated = [&](const std::string& page) {
    const auto table = loop_.run(ledger->query(page)).value();
    EXPECT_THAT(table.rows, SizeIs(1));
    std::vector<std::string> names;
    for (std::size_t i = 1; i < table.columns.size(); ++i)
      if (table.rows.at(0).at(i) != "0") names.push_back(table.columns[i]);
    return names;
  };
  EXPECT_THAT(violated(recordings("")), testing::IsEmpty());
  EXPECT_THAT(violated(Inquiry::runs_page("", 10)), testing::IsEmpty());
  beside("UPDATE recording SET state = 'remote'; UPDATE run SET attempt = 5");
  EXPECT_THAT(violated(recordings("")), testing::ElementsAre("fetching_has_its_run"));
  EXPECT_THAT(violated(Inquiry::runs_page("", 10)), testing::ElementsAre("token_counts_claims"));
  EXPECT_THAT(loop_.run(ledger->query(recordings(id.str())))->rows, testing::IsEmpty());
}

TEST_F(Postgres, TextThatNoDatabaseTakesIsNotFound) {
  const auto ledger = open();
  put(*ledger, "CA1").get();
  for (const std::string q : {"\xff", "CA\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80"}) {
    const auto page = loop_.run(ledger->list({.tenant = acme, .q = q}));
    ASSERT_TRUE(page);
    EXPECT_THAT(page->items, testing::IsEmpty());
  }
}

}  // namespace
}  // namespace onetake::ledger
