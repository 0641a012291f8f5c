#include "app/verify.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "app/foreground.hpp"
#include "base/temp_folder.hpp"
#include "blob/store.hpp"
#include "ledger/sqlite_connection.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "media/checksum.hpp"

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
    fetch("CA-ready");
    play("CA-fetching");
    loop_.wait_for(ledger_->fail(play("CA-failed"), {.cause = Cause::forbidden, .detail = "no"}, wall_now()));
    ledger_.reset();
  }

  ledger::Lease play(const std::string& call_sid) {
    Registration said;
    said.provider = "main";
    said.source_url = "https://media.example.com/" + call_sid;
    const TenantId acme{"acme"};
    const CallSid call{call_sid};
    loop_.wait_for(ledger_->put(acme, call, said, wall_now()));
    ledger::Play press;
    press.key = {acme, call, {}};
    press.explicit_action = press.claim = true;
    press.now = wall_now();
    return loop_.wait_for(ledger_->play(std::move(press))).lease.value();
  }

  void fetch(const std::string& call_sid) {
    const auto lease = play(call_sid);
    const std::string audio = "as good as audio";
    blob_ = lease.recording.str() + "-1-1-1";
    auto writer = store_.create(lease.run.str() + "-1-1");
    ASSERT_TRUE(writer.begin(audio.size()));
    ASSERT_TRUE(writer.append(std::as_bytes(std::span{audio})));
    writer.finish();
    store_.publish(writer, blob_);
    media::Checksum sum{Digest::Algorithm::sha256};
    sum.take(std::as_bytes(std::span{audio}));
    Media media;
    media.blob = blob_;
    media.bytes = audio.size();
    media.sha256 = media::hex(sum.finish());
    media.content_type = "audio/wav";
    media.cycle = media.version = 1;
    ASSERT_TRUE(loop_.wait_for(ledger_->complete(lease, media, wall_now())));
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
    return verify(ask, folder_.path(), fs::file_time_type::clock::now() + later).value();
  }

  fs::path audio() const { return blob::Store::path_of(folder_.path(), blob_); }

  TempFolder folder_;
  fs::path file_ = folder_.path() / "onetake.db";
  blob::Store store_{folder_.path()};
  Foreground loop_;
  std::unique_ptr<ledger::Ledger> ledger_ = ledger::open_sqlite(file_);
  std::string blob_;
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

TEST_F(VerifyTest, FindsATemporaryThatNobodyWrites) {
  std::ofstream{folder_.path() / "temporary" / "01234567-89ab-7def-8123-456789abcdef-1-1"} << "half a recording";
  EXPECT_THAT(verified().violations, IsEmpty());
  EXPECT_THAT(verified(std::chrono::hours{2}).violations, ElementsAre(named("temporary_has_its_run")));
}

}  // namespace
}  // namespace onetake::app
