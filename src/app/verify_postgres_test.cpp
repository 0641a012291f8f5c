// The same invariants where many nodes share the database, each with files of its own.

#include <gmock/gmock.h>

#include <fstream>

#include "app/test_data.hpp"
#include "app/verify.hpp"
#include "base/temp_folder.hpp"
#include "ledger/test_postgres.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

auto named(const std::string& invariant) { return Field(&Violation::invariant, invariant); }

/// Two nodes' data directories: each has a recording that is ready; one is being fetched, one has failed.
class VerifyPostgres : public testing::Test {
 protected:
  VerifyPostgres() {
    blob_ = serve("node-1", one_.path(), "CA-one");
    serve("node-2", two_.path(), "CA-two");
  }

  std::string serve(const std::string& node, const fs::path& dir, const std::string& name) {
    const auto ledger = open(node);
    Served served{loop_, *ledger, dir};
    served.play(name + "-fetching");
    served.fail(name + "-failed");
    return served.fetch(name + "-ready");
  }
  std::unique_ptr<ledger::Ledger> open(const std::string& node) const {
    return ledger::open_postgres(schema_.url(), {.node = node, .pool = 2});
  }
  void sabotage(const std::string& sql) const { schema_.connect()->execute(sql); }

  Verified verified(const std::string& node, const fs::path& dir, std::chrono::hours later = {},
                    const ListCopies& list = {}) {
    const auto ledger = open(node);
    const AskLedger ask = [&](const std::string& sql) -> Answer<ledger::Table> {
      auto table = loop_.wait_for(ledger->query(sql));
      if (!table) return std::unexpected(table.error().detail);
      return *std::move(table);
    };
    return verify(ask, *ledger::postgres_inquiry(node), dir, list, wall_now() + later).value();
  }
  Verified verified(std::chrono::hours later = {}) { return verified("node-1", one_.path(), later); }

  fs::path audio() const { return blob::Store::path_of(one_.path(), blob_); }

  ledger::Schema schema_;
  TempFolder one_;
  TempFolder two_;
  Foreground loop_;
  std::string blob_;
};

TEST_F(VerifyPostgres, FindsNothingWhereAllIsWell) {
  const auto found = verified(std::chrono::hours{2});
  EXPECT_THAT(found.violations, IsEmpty());
  EXPECT_EQ(found.recordings, 6);
  EXPECT_EQ(found.runs, 6);
  EXPECT_EQ(found.files, 1);
  EXPECT_EQ(found.bytes, 16U);
  EXPECT_THAT(verified("node-2", two_.path(), std::chrono::hours{2}).violations, IsEmpty());
}

TEST_F(VerifyPostgres, LooksAtEveryPage) {
  sabotage(
      "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, parent_call_sid, "
      "from_party, to_party, direction, format, registered_at, state) SELECT lpad(i::text, 36, '0'), 'acme', "
      "'CA' || i, '', 'main', '', '', '', '', '', '', '', 0, CASE i WHEN 12000 THEN 'fetching' ELSE 'remote' END "
      "FROM generate_series(1, 12000) i");
  const auto found = verified();
  EXPECT_EQ(found.recordings, 12'006);
  EXPECT_THAT(found.violations, ElementsAre(named("fetching_has_its_run")));
}

TEST_F(VerifyPostgres, MissesAnIndexAndATriggerThatIsSwitchedOff) {
  sabotage("DROP INDEX run_active; ALTER TABLE run DISABLE TRIGGER run_follows_its_states");
  EXPECT_THAT(verified().violations,
              ElementsAre(AllOf(named("schema_unchanged"), Field(&Violation::subject, "run_active")),
                          AllOf(named("schema_unchanged"), Field(&Violation::subject, "run_follows_its_states"))));
}

TEST_F(VerifyPostgres, FindsTwoActiveRuns) {
  sabotage(
      "DROP INDEX run_active; INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, token, "
      "max_attempts, created_at) SELECT 'second', tenant, recording_id, call_sid, job_type, 2, status, 1, 5, 0 "
      "FROM run WHERE status = 'running' LIMIT 1");
  const auto found = verified().violations;
  EXPECT_THAT(found, Contains(named("one_active_run")));
  EXPECT_THAT(found, Contains(named("one_run_a_cycle")));
}

TEST_F(VerifyPostgres, FindsACopyOfAnotherFile) {
  sabotage("UPDATE copy SET blob = blob || '-0' WHERE node = 'node-2'");
  EXPECT_THAT(verified().violations, ElementsAre(named("copy_is_of_the_pointer")));
}

TEST_F(VerifyPostgres, FindsWhatNobodyHolds) {
  sabotage("DELETE FROM copy WHERE node = 'node-2'");
  EXPECT_THAT(verified().violations, ElementsAre(named("ready_is_held")));
  sabotage("UPDATE recording SET media_durable = true");
  EXPECT_THAT(verified().violations, IsEmpty());
}

TEST_F(VerifyPostgres, FindsItsOwnFileDamagedAndNotTheOthers) {
  fs::resize_file(audio(), 15);
  EXPECT_THAT(verified().violations,
              ElementsAre(AllOf(named("pointer_has_its_file"), Field(&Violation::detail, HasSubstr("15 bytes")))));
  EXPECT_THAT(verified("node-2", two_.path()).violations, IsEmpty());
}

// Another node has taken the pointer away; this one looks at its list when it runs.
TEST_F(VerifyPostgres, WhatStandsOnItsListIsGoingAway) {
  sabotage("UPDATE recording SET state = 'remote', media_blob = NULL, media_bytes = NULL WHERE media_blob = '" + blob_ +
           "'");
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, IsEmpty());
  sabotage("DELETE FROM loose_file");
  EXPECT_THAT(verified().violations, IsEmpty()) << "it may be about to be pointed to";
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, ElementsAre(named("file_has_its_pointer")));
}

TEST_F(VerifyPostgres, AFileOfAnotherNodesIsNotOurs) {
  const auto theirs = one_.path() / "audio" / "00";
  fs::create_directories(theirs);
  const auto name = fs::recursive_directory_iterator{two_.path() / "audio"};
  for (const auto& entry : name)
    if (entry.is_regular_file()) fs::copy_file(entry.path(), theirs / entry.path().filename());
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, ElementsAre(named("file_has_its_pointer")));
}

TEST_F(VerifyPostgres, FindsATemporaryThatNobodyWrites) {
  std::ofstream{one_.path() / "temporary" / "01234567-89ab-7def-8123-456789abcdef-1-1"} << "half a recording";
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, ElementsAre(named("temporary_has_its_run")));
}

TEST_F(VerifyPostgres, ComparesTheCopiesOfAllNodesWithTheStorage) {
  sabotage("UPDATE recording SET media_durable = true WHERE media_blob IS NOT NULL");
  const ListCopies list = [this](const std::string& after) {
    std::vector<durable::Listed> page{{.name = blob_, .size = 16, .written = {}}};
    if (after >= blob_) page.clear();
    return Answer<std::vector<durable::Listed>>{page};
  };
  const auto found = verified("node-1", one_.path(), {}, list);
  EXPECT_EQ(found.copies, 1);
  EXPECT_THAT(found.violations, ElementsAre(named("copy_has_its_object"))) << "of the other node's recording";
  sabotage("UPDATE recording SET media_durable = false");
  EXPECT_THAT(verified("node-1", one_.path(), {}, list).violations, IsEmpty()) << "they stand on the list";
  sabotage("DELETE FROM loose_object");
  EXPECT_THAT(verified("node-1", one_.path(), {}, list).violations, ElementsAre(named("object_has_its_pointer")));
}

}  // namespace
}  // namespace onetake::app
