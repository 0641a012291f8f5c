// A migration, and the nodes that run on meanwhile.

#include "ledger/postgres_migrations.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

class PostgresMigrations : public testing::Test {
 protected:
  PostgresMigrations() {
    pg::migrate(*db_, 1);
    db_->execute(
        "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, "
        "parent_call_sid, from_party, to_party, direction, format, registered_at) "
        "VALUES ('r1', 'acme', 'CA1', '', '', '', '', '', '', '', '', '', 0)");
  }
  /// In the background; tells the schema that it has come to.
  std::future<int> migrate(milliseconds held_up) {
    return std::async(std::launch::async,
                      [this, held_up] { return pg::migrate(*db_, pg::known_schema(), held_up).to; });
  }

  Schema schema_;
  std::unique_ptr<pg::Connection> db_ = schema_.connect();
};

// As the end of a run does: it locks its recording, and then writes to it.
TEST_F(PostgresMigrations, WaitsForATransactionThatGoesOn) {
  const auto running = schema_.connect();
  running->execute("BEGIN; SELECT FROM recording WHERE id = 'r1' FOR UPDATE");
  auto migrated = migrate(milliseconds{60'000});
  until_somebody_waits_for(*running, schema_);
  EXPECT_NO_THROW(running->execute("UPDATE recording SET state = 'failed' WHERE id = 'r1'; COMMIT"));
  EXPECT_EQ(migrated.get(), pg::known_schema());
  auto settled = running->execute("SELECT settled FROM recording");
  ASSERT_TRUE(settled.next());
  EXPECT_EQ(settled.text(), "failed");
}

TEST_F(PostgresMigrations, WritersGoOnWhileAReaderHoldsTheMigrationUp) {
  const auto reader = schema_.connect();
  reader->execute("BEGIN; SELECT FROM recording");
  auto migrated = migrate(milliseconds{50});
  const auto writer = schema_.connect();
  for (int i = 0; i < 3; ++i) {
    until_somebody_waits_for(*reader, schema_);
    EXPECT_EQ(writer->run("UPDATE recording SET cycle = cycle + 1"), 1) << "or it would have waited for the reader";
  }
  reader->execute("COMMIT");
  EXPECT_EQ(migrated.get(), pg::known_schema());
}

TEST_F(PostgresMigrations, WaitsForNobodyWhereNothingIsToBeChanged) {
  pg::migrate(*db_, 3);
  const auto reader = schema_.connect();
  reader->execute("BEGIN; SELECT FROM recording FOR UPDATE");
  EXPECT_EQ(pg::migrate(*db_, 4).from, 3) << "functions alone";
  EXPECT_EQ(pg::migrate(*db_).from, 4) << "tables that nobody uses";
  EXPECT_EQ(pg::migrate(*db_).from, pg::known_schema());
}

TEST_F(PostgresMigrations, GoesOnOnAnotherConnection) {
  const auto reader = schema_.connect();
  reader->execute("BEGIN; SELECT FROM recording");
  auto migrated = std::async(std::launch::async, [this] { return pg::migrate(pg::Target{.url = schema_.url()}).to; });
  until_somebody_waits_for(*reader, schema_);
  db_->execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'recording'::regclass");
  reader->execute("COMMIT");
  EXPECT_EQ(migrated.get(), pg::known_schema());
}

}  // namespace
}  // namespace onetake::ledger
