#include "app/verify.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <utility>

#include "app/test_data.hpp"
#include "app/verify_copies.hpp"
#include "base/temp_folder.hpp"
#include "ledger/sqlite_connection.hpp"
#include "ledger/sqlite_ledger.hpp"

namespace onetake::app {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

auto named(const std::string& invariant) { return Field(&Violation::invariant, invariant); }

/// A data directory of a server that has stopped: a recording that is ready, one that is being fetched, one that
/// failed.
class VerifyTest : public testing::Test {
 protected:
  VerifyTest() {
    const auto ledger = ledger::open_sqlite(file_);
    Served served{loop_, *ledger, folder_.path()};
    blob_ = served.fetch("CA-ready");
    served.play("CA-fetching");
    served.fail("CA-failed");
  }

  void sabotage(const std::string& sql) {
    ledger::Connection db{file_};
    db.execute(sql);
  }

  Verified verified(std::chrono::hours later = {}) {
    const auto ledger = ledger::open_sqlite(file_);
    const AskLedger ask = [&](const std::string& sql) -> Answer<ledger::Table> {
      auto table = loop_.wait_for(ledger->query(sql));
      if (!table) return std::unexpected(table.error().detail);
      return *std::move(table);
    };
    return verify(ask, ledger::sqlite_inquiry(), folder_.path(), list_, wall_now() + later).value();
  }

  fs::path audio() const { return blob::Store::path_of(folder_.path(), blob_); }

  TempFolder folder_;
  fs::path file_ = folder_.path() / "onetake.db";
  Foreground loop_;
  std::string blob_;
  ListCopies list_;
};

TEST_F(VerifyTest, FindsNothingWhereAllIsWell) {
  const auto found = verified(std::chrono::hours{2});
  EXPECT_THAT(found.violations, IsEmpty());
  EXPECT_EQ(found.recordings, 3);
  EXPECT_EQ(found.runs, 3);
  EXPECT_EQ(found.files, 1);
  EXPECT_EQ(found.bytes, 16u);
}

TEST_F(VerifyTest, LooksAtEveryPage) {
  sabotage(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
      "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, parent_call_sid, "
      "from_party, to_party, direction, format, registered_at, state) SELECT printf('%036d', i), 'acme', 'CA' || i, "
      "'', "
      "'main', '', '', '', '', '', '', '', 0, iif(i = 1200, 'fetching', 'remote') FROM n");
  const auto found = verified();
  EXPECT_EQ(found.recordings, 1'203);
  EXPECT_THAT(found.violations, ElementsAre(named("fetching_has_its_run")));
}

TEST_F(VerifyTest, MissesATriggerAndAnIndex) {
  sabotage("DROP TRIGGER run_follows_its_states; DROP INDEX run_active");
  EXPECT_THAT(verified().violations,
              ElementsAre(AllOf(named("schema_unchanged"), Field(&Violation::subject, "run_active")),
                          named("schema_unchanged")));
}

TEST_F(VerifyTest, FindsTwoActiveRuns) {
  sabotage(
      "DROP INDEX run_active; INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, token, "
      "max_attempts, created_at) SELECT 'second', tenant, recording_id, call_sid, job_type, 2, status, 1, 5, 0 FROM "
      "run "
      "WHERE status = 'running'");
  const auto found = verified().violations;
  EXPECT_THAT(found, Contains(named("one_active_run")));
  EXPECT_THAT(found, Contains(named("one_run_a_cycle")));
}

TEST_F(VerifyTest, FindsARunThatIsMissing) {
  sabotage("DROP TRIGGER run_goes_with_its_recording; DELETE FROM run WHERE status = 'failed'");
  const auto found = verified().violations;
  EXPECT_THAT(found, Contains(named("one_run_a_cycle")));
  EXPECT_THAT(found, Contains(named("failed_has_its_run")));
}

TEST_F(VerifyTest, FindsARunWithoutARecording) {
  sabotage("PRAGMA foreign_keys = OFF; UPDATE run SET tenant = 'globex' WHERE status = 'running'");
  EXPECT_THAT(verified().violations, Contains(named("run_has_its_recording")));
}

TEST_F(VerifyTest, FindsATokenThatShrank) {
  sabotage("DROP TRIGGER run_follows_its_states; UPDATE run SET token = 0 WHERE status = 'running'");
  EXPECT_THAT(verified().violations, Contains(named("token_counts_claims")));
}

TEST_F(VerifyTest, FindsWhatAnOlderTokenPublished) {
  sabotage("DROP TRIGGER run_follows_its_states; UPDATE run SET token = 2 WHERE status = 'completed'");
  EXPECT_THAT(verified().violations, Contains(named("newest_token_published")));
}

TEST_F(VerifyTest, FindsARunThatCompletedWithAHalf) {
  sabotage("DROP TRIGGER run_follows_its_states; UPDATE run SET received_bytes = 8 WHERE status = 'completed'");
  EXPECT_THAT(verified().violations, Contains(named("completed_is_whole")));
}

TEST_F(VerifyTest, FindsAFileThatIsMissing) {
  fs::remove(audio());
  EXPECT_THAT(verified().violations,
              ElementsAre(AllOf(named("pointer_has_its_file"), Field(&Violation::detail, HasSubstr("No such file")))));
}

TEST_F(VerifyTest, FindsAFileThatIsShort) {
  fs::resize_file(audio(), 15);
  EXPECT_THAT(verified().violations,
              ElementsAre(AllOf(named("pointer_has_its_file"), Field(&Violation::detail, HasSubstr("15 bytes")))));
}

TEST_F(VerifyTest, FindsAByteThatChanged) {
  std::fstream{audio(), std::ios::in | std::ios::out} << 'A';
  EXPECT_THAT(verified().violations,
              ElementsAre(AllOf(named("pointer_has_its_file"), Field(&Violation::detail, HasSubstr("SHA-256")))));
}

TEST_F(VerifyTest, FindsAFileThatNobodyPointsTo) {
  std::ofstream{audio().string().append("-0")} << "published, and then the server died";
  EXPECT_THAT(verified().violations, IsEmpty()) << "it may be about to be pointed to";
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, ElementsAre(named("file_has_its_pointer")));
}

TEST_F(VerifyTest, WhatIsToBeRemovedIsNotLooseEither) {
  std::ofstream{audio().string().append("-0")} << "evicted, and not unlinked yet";
  sabotage("INSERT INTO loose_file VALUES ('" + blob_ + "-0', 0)");
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, IsEmpty());
}

TEST_F(VerifyTest, WhatHasOnlyADurableCopyNeedsNoFile) {
  fs::remove(audio());
  sabotage("UPDATE recording SET media_here = 0, media_durable = 1 WHERE media_blob IS NOT NULL");
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, IsEmpty());
  sabotage("UPDATE recording SET media_durable = 0");
  EXPECT_THAT(verified().violations, ElementsAre(named("ready_is_held")));
}

/// With a storage, which lists two at a time.
class VerifyCopies : public VerifyTest {
 protected:
  VerifyCopies() {
    sabotage("UPDATE recording SET media_durable = 1 WHERE media_blob IS NOT NULL");
    list_ = [this](const std::string& after) -> Answer<std::vector<durable::Listed>> {
      std::vector<durable::Listed> page;
      for (auto at = stored_.upper_bound(after); at != stored_.end() && page.size() < 2; ++at)
        page.push_back({.name = at->first, .size = at->second, .written = written_});
      return page;
    };
    stored_[blob_] = 16;
  }

  std::map<std::string, Bytes> stored_;
  WallTime written_ = wall_now();
};

TEST_F(VerifyCopies, FindsNothingWhereAllIsWell) {
  const auto found = verified(std::chrono::hours{2});
  EXPECT_THAT(found.violations, IsEmpty());
  EXPECT_EQ(found.copies, 1);
}

TEST_F(VerifyCopies, FindsOneThatIsNotThere) {
  for (const std::string name : {"0", "00", "01", "fffff"}) stored_[name] = 1;
  stored_.erase(blob_);
  EXPECT_THAT(verified().violations, ElementsAre(AllOf(named("copy_has_its_object"),
                                                       Field(&Violation::detail, HasSubstr("not in the storage")))));
}

TEST_F(VerifyCopies, FindsOneOfAnotherLength) {
  stored_[blob_] = 15;
  EXPECT_THAT(verified().violations,
              ElementsAre(AllOf(named("copy_has_its_object"), Field(&Violation::detail, HasSubstr("15 bytes")))));
}

TEST_F(VerifyCopies, FindsWhatNobodyPointsTo) {
  stored_[blob_ + "0"] = stored_["0"] = stored_["f"] = 1;
  EXPECT_THAT(verified().violations, IsEmpty()) << "somebody may be about to point to it";
  EXPECT_THAT(verified(std::chrono::hours{2}).violations,
              ElementsAre(AllOf(named("object_has_its_pointer"), Field(&Violation::subject, "0")),
                          Field(&Violation::subject, blob_ + "0"), Field(&Violation::subject, "f")));
  sabotage("INSERT INTO loose_object VALUES ('0', 0, 0), ('f', 0, 1)");
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, ElementsAre(Field(&Violation::subject, blob_ + "0")));
}

// It was copied after its page had been listed.
TEST_F(VerifyCopies, WhatChangesMeanwhileIsAskedForAgain) {
  const auto all = std::exchange(stored_, {});
  const auto list = list_;
  list_ = [&, first = true](const std::string& after) mutable {
    auto page = list(after);
    if (std::exchange(first, false)) stored_ = all;
    return page;
  };
  EXPECT_THAT(verified().violations, IsEmpty());
}

TEST(Copies, WhatLosesItsPointerMeanwhileIsNotMissed) {
  const std::string id(36, 'a');
  int asked = 0;
  const AskLedger ask = [&](const std::string&) -> Answer<ledger::Table> {
    ledger::Table table;
    if (asked++ == 0) table.rows.push_back({id, id + "-1-1-1", "16"});
    return table;
  };
  const ListCopies list = [](const std::string&) { return std::vector<durable::Listed>{}; };
  std::vector<Violation> violations;
  const auto count = verify_copies(ask, 500, list, wall_now(), [&](Violation each) { violations.push_back(each); });
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 0);
  EXPECT_THAT(violations, IsEmpty());
  EXPECT_EQ(asked, 3) << "a page, the end, and this one again";
}

TEST_F(VerifyCopies, AStorageThatDoesNotAnswerIsNoViolation) {
  list_ = [](const std::string&) { return std::unexpected("storage: no answer"); };
  const auto found = verified();
  EXPECT_THAT(found.violations, IsEmpty());
  EXPECT_FALSE(found.copies);
  EXPECT_EQ(found.unanswered, "storage: no answer");
}

TEST_F(VerifyTest, FindsATemporaryThatNobodyWrites) {
  std::ofstream{folder_.path() / "temporary" / "01234567-89ab-7def-8123-456789abcdef-1-1"} << "half a recording";
  EXPECT_THAT(verified().violations, IsEmpty());
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, ElementsAre(named("temporary_has_its_run")));
}

}  // namespace
}  // namespace onetake::app
