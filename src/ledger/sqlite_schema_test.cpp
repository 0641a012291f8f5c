// What the schema itself forbids, whatever code comes to write to it.

#include <gmock/gmock.h>

#include "base/temp_folder.hpp"
#include "ledger/migrations.hpp"
#include "ledger/sqlite_recordings.hpp"
#include "ledger/sqlite_runs.hpp"

namespace onetake::ledger {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr RunStatus statuses[] = {RunStatus::queued, RunStatus::running, RunStatus::completed, RunStatus::failed,
                                  RunStatus::cancelled};

class Schema : public testing::Test {
 protected:
  Schema() : db_(folder_.path() / "ledger.db") {
    migrate(db_);
    put(db_, TenantId{"acme"}, CallSid{"CA1"}, {}, {});
    recording_ = find(db_, {TenantId{"acme"}, CallSid{"CA1"}, {}})->id.str();
  }

  void insert_run(const std::string& id, int cycle, RunStatus status, const std::string& tenant = "acme") {
    const bool queued = status == RunStatus::queued;
    db_.run(
        "INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, max_attempts, created_at, "
        "due_at, "
        "completed_at) VALUES (?, ?, ?, 'CA1', 'fetch', ?, ?, 5, 0, ?, ?)",
        id, tenant, recording_, cycle, status, queued ? std::optional{0} : std::nullopt,
        active(status) ? std::nullopt : std::optional{0});
  }
  void become(const std::string& id, RunStatus status) {
    const bool queued = status == RunStatus::queued;
    db_.run("UPDATE run SET status = ?, token = token + ?, due_at = ?, completed_at = ? WHERE id = ?", status,
            status == RunStatus::running ? 1 : 0, queued ? std::optional{0} : std::nullopt,
            active(status) ? std::nullopt : std::optional{0}, id);
  }

  TempFolder folder_;
  Connection db_;
  std::string recording_;
};

TEST(Migration, WhatHadSettledBeforeItWasTakenDownIsFoundByIt) {
  const TempFolder folder;
  Connection db{folder.path() / "ledger.db"};
  for (const auto& sql : migrations().first(5)) db.execute(std::string{sql});
  db.execute("PRAGMA user_version = 5; PRAGMA application_id = " + std::to_string(application_id));
  for (const std::string state : {"remote", "fetching", "ready", "failed", "gone"})
    db.run(
        "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, "
        "parent_call_sid, from_party, to_party, direction, format, registered_at, state, media_blob, media_bytes) "
        "VALUES (?1, 'acme', ?1, '', '', '', '', '', '', '', '', '', 0, ?1, iif(?1 = 'ready', 'blob', NULL), "
        "iif(?1 = 'ready', 1, NULL))",
        state);
  migrate(db);
  for (const auto state : {State::remote, State::fetching, State::ready, State::failed, State::gone}) {
    const auto page = list(db, {.tenant = TenantId{"acme"}, .state = state});
    // Who is being fetched is found by a run, and there is none here.
    ASSERT_EQ(page->items.size(), state == State::fetching ? 0U : 1U) << name(state);
    if (state != State::fetching) EXPECT_EQ(page->items[0].state, state);
  }
}

TEST_F(Schema, OneActiveRunARecording) {
  insert_run("1", 1, RunStatus::running);
  EXPECT_THAT([&] { insert_run("2", 2, RunStatus::queued); }, ThrowsMessage<Unavailable>(HasSubstr("UNIQUE")));
  become("1", RunStatus::completed);
  insert_run("2", 2, RunStatus::queued);
}

TEST_F(Schema, OneRunARecordingAndCycleForEver) {
  insert_run("1", 1, RunStatus::completed);
  EXPECT_THAT([&] { insert_run("2", 1, RunStatus::queued); }, ThrowsMessage<Unavailable>(HasSubstr("UNIQUE")));
}

TEST_F(Schema, ARunBelongsToTheTenantOfItsRecording) {
  EXPECT_THAT([&] { insert_run("1", 1, RunStatus::queued, "other"); },
              ThrowsMessage<Unavailable>(HasSubstr("FOREIGN KEY")));
}

TEST_F(Schema, ARunFollowsTheTableOfItsStates) {
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

TEST_F(Schema, NothingOfAnEndedRunChanges) {
  insert_run("1", 1, RunStatus::failed);
  EXPECT_THAT([&] { db_.run("UPDATE run SET error = 'x', cause = 'gone'"); },
              ThrowsMessage<Unavailable>(HasSubstr("ended run")));
}

TEST_F(Schema, ATokenNeverShrinks) {
  insert_run("1", 1, RunStatus::queued);
  become("1", RunStatus::running);
  EXPECT_THROW(db_.run("UPDATE run SET token = 0"), Unavailable);
}

TEST_F(Schema, AClaimAddsToTheToken) {
  insert_run("1", 1, RunStatus::queued);
  EXPECT_THROW(db_.run("UPDATE run SET status = 'running', due_at = NULL"), Unavailable);
}

TEST_F(Schema, ARunGoesWithItsRecordingOnly) {
  insert_run("1", 1, RunStatus::completed);
  EXPECT_THAT([&] { db_.run("DELETE FROM run"); }, ThrowsMessage<Unavailable>(HasSubstr("with its recording")));
  db_.run("DELETE FROM recording");
  EXPECT_EQ(db_.run("DELETE FROM run"), 0);
}

TEST_F(Schema, ReadyMeansThatThereIsAFile) {
  EXPECT_THAT([&] { db_.run("UPDATE recording SET state = 'ready'"); }, ThrowsMessage<Unavailable>(HasSubstr("CHECK")));
}

TEST_F(Schema, StatesAreAClosedSet) {
  EXPECT_THROW(db_.run("UPDATE recording SET state = 'lost'"), Unavailable);
  insert_run("1", 1, RunStatus::queued);
  EXPECT_THROW(db_.run("UPDATE run SET status = 'lost', due_at = NULL"), Unavailable);
  EXPECT_THROW(db_.run("UPDATE run SET reason = 'lost'"), Unavailable);
  EXPECT_THROW(db_.run("UPDATE run SET job_type = 'lost'"), Unavailable);
}

}  // namespace
}  // namespace onetake::ledger
