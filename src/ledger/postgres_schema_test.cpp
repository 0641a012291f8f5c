// What the schema itself forbids, whatever code comes to write to it.

#include <gmock/gmock.h>

#include "ledger/postgres_migrations.hpp"
#include "ledger/postgres_recordings.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr RunStatus statuses[] = {RunStatus::queued, RunStatus::running, RunStatus::completed, RunStatus::failed,
                                  RunStatus::cancelled};

class PostgresSchema : public testing::Test {
 protected:
  PostgresSchema() {
    migrate(*db_);
    recording_ = pg::put(*db_, TenantId{"acme"}, CallSid{"CA1"}, {}, {}).recording.id.str();
  }

  void insert_run(const std::string& id, int cycle, RunStatus status, const std::string& tenant = "acme") {
    const bool queued = status == RunStatus::queued;
    db_->run(
        "INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, max_attempts, created_at, "
        "due_at, completed_at) VALUES ($1, $2, $3, 'CA1', 'fetch', $4, $5, 5, 0, $6, $7)",
        id, tenant, recording_, cycle, status, queued ? std::optional{0} : std::nullopt,
        active(status) ? std::nullopt : std::optional{0});
  }
  void become(const std::string& id, RunStatus status) {
    const bool queued = status == RunStatus::queued;
    db_->run("UPDATE run SET status = $1, token = token + $2, due_at = $3, completed_at = $4 WHERE id = $5", status,
             status == RunStatus::running ? 1 : 0, queued ? std::optional{0} : std::nullopt,
             active(status) ? std::nullopt : std::optional{0}, id);
  }

  Schema schema_;
  std::unique_ptr<pg::Connection> db_ = schema_.connect();
  std::string recording_;
};

TEST_F(PostgresSchema, OneActiveRunARecording) {
  insert_run("1", 1, RunStatus::running);
  EXPECT_THAT([&] { insert_run("2", 2, RunStatus::queued); }, ThrowsMessage<Unavailable>(HasSubstr("run_active")));
  become("1", RunStatus::completed);
  insert_run("2", 2, RunStatus::queued);
}

TEST_F(PostgresSchema, OneRunARecordingAndCycleForEver) {
  insert_run("1", 1, RunStatus::completed);
  EXPECT_THAT([&] { insert_run("2", 1, RunStatus::queued); }, ThrowsMessage<Unavailable>(HasSubstr("cycle")));
}

TEST_F(PostgresSchema, ARunBelongsToTheTenantOfItsRecording) {
  EXPECT_THAT([&] { insert_run("1", 1, RunStatus::queued, "other"); },
              ThrowsMessage<Unavailable>(HasSubstr("foreign key")));
}

TEST_F(PostgresSchema, ARunFollowsTheTableOfItsStates) {
  int id = 0;
  for (const auto from : statuses) {
    for (const auto to : statuses) {
      if (active(from) && from == to) continue;  // progress; no step at all
      const auto name = std::to_string(++id);
      insert_run(name, id, from);
      if (may_become(from, to)) {
        EXPECT_NO_THROW(become(name, to)) << onetake::name(from) << " to " << onetake::name(to);
      } else {
        EXPECT_THROW(become(name, to), Unavailable) << onetake::name(from) << " to " << onetake::name(to);
      }
      try {
        become(name, RunStatus::cancelled);  // makes room for the next
      } catch (const Unavailable&) {
      }
    }
  }
}

TEST_F(PostgresSchema, NothingOfAnEndedRunChanges) {
  insert_run("1", 1, RunStatus::failed);
  EXPECT_THAT([&] { db_->run("UPDATE run SET error = 'x', cause = 'gone'"); },
              ThrowsMessage<Unavailable>(HasSubstr("ended run")));
}

TEST_F(PostgresSchema, ATokenGrowsWithAClaimAndNeverShrinks) {
  insert_run("1", 1, RunStatus::queued);
  EXPECT_THROW(db_->run("UPDATE run SET status = 'running', due_at = NULL"), Unavailable);
  become("1", RunStatus::running);
  EXPECT_THROW(db_->run("UPDATE run SET token = 0"), Unavailable);
}

TEST_F(PostgresSchema, ARunGoesWithItsRecordingOnly) {
  insert_run("1", 1, RunStatus::completed);
  EXPECT_THAT([&] { db_->run("DELETE FROM run"); }, ThrowsMessage<Unavailable>(HasSubstr("with its recording")));
  EXPECT_THAT([&] { db_->run("TRUNCATE run"); }, ThrowsMessage<Unavailable>(HasSubstr("with its recording")));
  db_->run("DELETE FROM recording");
  EXPECT_EQ(db_->run("DELETE FROM run"), 0);
}

TEST_F(PostgresSchema, ReadyMeansThatThereIsAFile) {
  EXPECT_THAT([&] { db_->run("UPDATE recording SET state = 'ready'"); },
              ThrowsMessage<Unavailable>(HasSubstr("check constraint")));
}

TEST_F(PostgresSchema, ACopyIsOfARecordingThatThereIs) {
  EXPECT_THROW(db_->run("INSERT INTO copy VALUES ('n', 'unknown', 'blob', 0)"), Unavailable);
}

TEST_F(PostgresSchema, StatesAreAClosedSet) {
  EXPECT_THROW(db_->run("UPDATE recording SET state = 'lost'"), Unavailable);
  insert_run("1", 1, RunStatus::queued);
  for (const std::string change : {"status = 'lost', due_at = NULL", "reason = 'lost'", "job_type = 'lost'"})
    EXPECT_THROW(db_->execute("UPDATE run SET " + change), Unavailable) << change;
}

TEST_F(PostgresSchema, WhatCanNeverBeIsToldApartFromADatabaseThatIsAway) {
  EXPECT_THROW(db_->run("SELECT $1::text", std::string{"\xff"}), Rejected) << "22021";
  EXPECT_THROW(db_->run("UPDATE recording SET media_channels = $1", 1LL << 40), Rejected) << "22003";
  EXPECT_THROW(db_->execute("UPDATE recording SET state = 'lost'"), Rejected) << "23514";
  insert_run("1", 1, RunStatus::failed);
  EXPECT_THROW(db_->run("UPDATE run SET error = 'x', cause = 'gone'"), Rejected) << "our own triggers";
  const auto holder = schema_.connect();
  holder->execute("BEGIN; LOCK TABLE run IN ACCESS EXCLUSIVE MODE");
  db_->execute("SET lock_timeout = 1");
  EXPECT_THROW(db_->run("UPDATE run SET error = 'x'"), pg::Refused) << "it may go another time";
}

TEST_F(PostgresSchema, AllThatTheMigrationsMakeIsLookedFor) {
  EXPECT_THAT(pg::missing_objects(*db_), testing::IsEmpty());
  db_->execute("DROP INDEX run_active; ALTER TABLE run DISABLE TRIGGER run_follows_its_states; DROP TABLE node");
  EXPECT_THAT(pg::missing_objects(*db_), testing::UnorderedElementsAre("run_active", "run_follows_its_states", "node"));
}

// What is asked for at every Play, claim and page is found by an index, whatever else lies in the tables.
TEST_F(PostgresSchema, TheHotQueriesUseTheirIndexes) {
  db_->execute(
      "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, parent_call_sid, "
      "from_party, to_party, direction, format, registered_at) SELECT 'r' || i, 'acme', 'CA' || i, '', '', '', '', '', "
      "i::text, i::text, '', '', i FROM generate_series(2, 20000) i;"
      "INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, max_attempts, created_at, due_at, "
      "completed_at) SELECT 'u' || i, 'acme', 'r' || i, 'CA' || i, 'fetch', 1, "
      "CASE WHEN i % 10 = 0 THEN 'queued' ELSE 'completed' END, 5, i, CASE WHEN i % 10 = 0 THEN i END, "
      "CASE WHEN i % 10 <> 0 THEN i END FROM generate_series(2, 20000) i; UPDATE recording SET cycle = 1; ANALYZE");
  for (const std::string sql :
       {"SELECT * FROM recording r LEFT JOIN run u ON u.tenant = r.tenant AND u.recording_id = r.id AND u.cycle = "
        "r.cycle WHERE r.tenant = 'acme' AND r.call_sid = 'CA77' ORDER BY r.id || '' LIMIT 1",
        "SELECT * FROM recording WHERE tenant = 'acme' ORDER BY sort_at DESC, id DESC LIMIT 50",
        "SELECT * FROM run WHERE tenant = 'acme' ORDER BY id DESC LIMIT 50",
        "SELECT min(tenant) FROM run WHERE status = 'queued' AND tenant > 'a'",
        "SELECT id FROM run WHERE status = 'queued' AND tenant = 'acme' AND urgency = 0 AND due_at <= 900 "
        "ORDER BY due_at, id LIMIT 5",
        "SELECT count(*) FROM run WHERE tenant = 'acme' AND status = 'running'",
        "SELECT id FROM run WHERE status = 'running' AND lease_expires_at <= clock_timestamp()",
        "SELECT recording_id FROM run WHERE status = 'queued' AND created_at <= 100 ORDER BY created_at LIMIT 10",
        "SELECT id FROM recording WHERE settled IS DISTINCT FROM 'gone' AND sort_at <= 100 ORDER BY sort_at LIMIT "
        "10"}) {
    auto plan = db_->execute("EXPLAIN " + sql);
    std::string text;
    while (plan.next()) text += plan.text() + "\n";
    EXPECT_THAT(text, testing::Not(HasSubstr("Seq Scan"))) << sql;
  }
}

}  // namespace
}  // namespace onetake::ledger
