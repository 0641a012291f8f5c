#include "ledger/move.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "base/temp_folder.hpp"
#include "ledger/invariants.hpp"
#include "ledger/sqlite_connection.hpp"
#include "ledger/sqlite_ledger.hpp"
#include "ledger/test_postgres.hpp"
#include "ledger/test_proxy.hpp"

namespace onetake::ledger {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

const TenantId acme{"acme"};

WallTime at(std::int64_t ms) { return WallTime{milliseconds{1'795'339'800'000 + ms}}; }

/// Everything that a ledger can have come to hold.
class Life {
 public:
  Life(TestLoop& loop, Ledger& ledger) : loop_(loop), ledger_(ledger) {
    put("CA-remote", odd());
    publish("CA-ready", 1);
    fail("CA-failed", Cause::forbidden);
    fail("CA-gone", Cause::gone);
    begin("CA-running");
    const auto cancelled = begin("CA-twice");
    loop_.run(ledger_.cancel(acme, cancelled.run, at(3)));
    const auto second = play("CA-twice");
    loop_.run(ledger_.retry(second, Reason::throttled, {Cause::throttled, "later\tplease\\", 429}, at(90'000), true));
    const auto durable = publish("CA-durable", 1);
    loop_.run(ledger_.announce_object(blob_of(durable), at(0)));
    loop_.run(ledger_.made_durable(durable.recording, blob_of(durable)));
    loop_.run(ledger_.disown(durable.recording, blob_of(durable)));
    loop_.run(ledger_.strike_files({blob_of(durable)}, false));
    put("CA-erased", {});
    loop_.run(ledger_.erase(acme, CallSid{"CA-erased"}, std::nullopt, at(9)));
    loop_.run(ledger_.announce("loose-file"));
  }

  static std::string blob_of(const Lease& lease) {
    return lease.recording.str() + "-1-" + std::to_string(lease.token) + "-1";
  }

 private:
  static Registration odd() {
    Registration said;
    said.provider = "main";
    said.source_url = "https://media.example.com/1.wav?a=\\b";
    said.from = "+49 30 \t\n\r\\ 'x' \"y\" שלום";
    said.started_at = at(-5);
    said.duration_seconds = 0.1 + 0.2;
    said.channels = 2;
    said.labels = {{"k\\", "v\n\t"}, {"\\N", "\\."}};
    return said;
  }
  void put(const std::string& call, const Registration& said) {
    loop_.run(ledger_.put(acme, CallSid{call}, said, at(0)));
  }
  Lease play(const std::string& call) {
    ledger::Play play;
    play.key = {acme, CallSid{call}, {}};
    play.explicit_action = play.claim = true;
    play.lease = milliseconds{3'600'000};
    play.now = at(1);
    return loop_.run(ledger_.play(play)).lease.value();
  }
  Lease begin(const std::string& call) {
    put(call, {});
    return play(call);
  }
  void fail(const std::string& call, Cause cause) { loop_.run(ledger_.fail(begin(call), {cause, "why", 418}, at(2))); }
  Lease publish(const std::string& call, int cycle) {
    const auto lease = begin(call);
    Media media;
    media.blob = blob_of(lease);
    media.bytes = 1000;
    media.sha256 = std::string(64, 'a');
    media.content_type = "audio/wav";
    media.duration_seconds = 12.5;
    media.cycle = cycle;
    media.version = 1;
    media.last_modified = at(77);
    loop_.run(ledger_.announce(media.blob));
    loop_.run(ledger_.complete(lease, media, at(5)));
    return lease;
  }

  TestLoop& loop_;
  Ledger& ledger_;
};

class Move : public testing::Test {
 protected:
  Move() {
    auto ledger = open_sqlite(file_);
    const Life life{loop_, *ledger};
  }

  std::expected<Moved, std::string> move(const std::string& url) const {
    return move_to_postgres(file_, url, "node-1", [this](const std::string&) { return has_files_; }, at(500));
  }
  void into_source(const std::string& sql) const { Connection{file_}.execute(sql); }
  std::unique_ptr<Ledger> open_target(const std::string& node = "node-1") const {
    return open_postgres(schema_.url(), {.node = node, .pool = 2});
  }
  std::vector<Recording> recordings(Ledger& ledger) { return loop_.run(ledger.list({.tenant = acme}))->items; }
  std::vector<onetake::Run> runs(Ledger& ledger) { return loop_.run(ledger.runs({.tenant = acme}))->items; }
  Table ask(Ledger& ledger, const std::string& sql) { return loop_.run(ledger.query(sql)).value(); }
  /// In the target, whether migrated or not.
  [[nodiscard]] bool nothing_has_moved() const {
    const auto db = schema_.connect();
    auto there = db->execute("SELECT count(*) FROM pg_class WHERE relname = 'recording' AND relnamespace = '" +
                             schema_.name() + "'::regnamespace");
    there.next();
    if (there.integer() == 0) return true;
    auto rows = db->execute(
        "SELECT (SELECT count(*) FROM recording) + (SELECT count(*) FROM run) + "
        "(SELECT count(*) FROM copy) + (SELECT count(*) FROM tombstone)");
    rows.next();
    return rows.integer() == 0;
  }
  /// Each file beside the source, and what is in it.
  [[nodiscard]] std::map<std::string, std::string> folder() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator{folder_.path()}) {
      std::ostringstream content;
      content << std::ifstream{entry.path(), std::ios::binary}.rdbuf();
      files[entry.path().filename()] = content.str();
    }
    return files;
  }

  TempFolder folder_;
  fs::path file_ = folder_.path() / "onetake.db";
  TestLoop loop_;
  Schema schema_;
  bool has_files_ = true;
};

// Another node's, say: the copies would be entered under its name, and be missed at its next start.
TEST_F(Move, RefusesADataDirectoryThatHasNoneOfTheAudio) {
  has_files_ = false;
  const auto moved = move(schema_.url());
  ASSERT_FALSE(moved);
  EXPECT_THAT(moved.error(), HasSubstr("--data-dir"));
  EXPECT_TRUE(nothing_has_moved());
}

TEST_F(Move, EverythingIsAsItWas) {
  const auto moved = move(schema_.url());
  ASSERT_TRUE(moved) << moved.error();
  EXPECT_EQ(moved->recordings, 7);
  EXPECT_EQ(moved->runs, 7);
  EXPECT_EQ(moved->files, 1);
  EXPECT_EQ(moved->tombstones, 1);

  const auto source = open_sqlite(file_);
  const auto target = open_target();
  const auto before = recordings(*source);
  const auto after = recordings(*target);
  ASSERT_THAT(after, SizeIs(7));
  for (std::size_t i = 0; i < 7; ++i) {
    SCOPED_TRACE(before[i].call_sid.str());
    EXPECT_EQ(after[i].id, before[i].id);
    EXPECT_EQ(after[i].call_sid, before[i].call_sid);
    EXPECT_EQ(after[i].registered, before[i].registered);
    EXPECT_EQ(after[i].registered_at, before[i].registered_at);
    EXPECT_EQ(after[i].state, before[i].state);
    EXPECT_EQ(after[i].cycle, before[i].cycle);
    EXPECT_EQ(after[i].media, before[i].media);
  }
}

TEST_F(Move, WhatRanIsQueuedAgainAndTheRestStays) {
  ASSERT_TRUE(move(schema_.url()));
  const auto source = open_sqlite(file_);
  const auto target = open_target();
  const auto before = runs(*source);
  const auto after = runs(*target);
  ASSERT_EQ(after.size(), before.size());
  int queued_again = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    auto expected = before[i];
    if (expected.status == RunStatus::running) {
      expected.status = RunStatus::queued;
      expected.reason = Reason::retrying;
      expected.attempt = 0;
      expected.due_at = at(500);
      ++queued_again;
    }
    EXPECT_EQ(after[i], expected) << after[i].call_sid.str();
  }
  EXPECT_EQ(queued_again, 1);
  EXPECT_EQ(loop_.run(target->recover(at(501))), 0);
  const auto claimed = loop_.run(target->claim(10, 10, milliseconds{1000}, at(500)));
  ASSERT_THAT(claimed, SizeIs(1));
  EXPECT_EQ(claimed[0].lease.token, 2) << "the token has grown by the new claim";
}

TEST_F(Move, TheFilesAreTheNodesOfTheDataDirectory) {
  ASSERT_TRUE(move(schema_.url()));
  const auto one = open_target();
  const auto files = loop_.run(one->walk_files({}, 10)).files;
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_EQ(files[0].call_sid, CallSid{"CA-ready"});
  EXPECT_EQ(files[0].played_at, at(5));
  EXPECT_THAT(loop_.run(one->loose_files(true, 10)), ElementsAre("loose-file"));
  EXPECT_EQ(loop_.run(one->held_bytes()), 1000U);
  const auto durable = loop_.run(one->whereabouts({acme, CallSid{"CA-durable"}, {}}, milliseconds{1000}));
  EXPECT_TRUE(durable->durable);
  EXPECT_FALSE(durable->here);
  EXPECT_THAT(loop_.run(open_target("node-2")->walk_files({}, 10)).files, IsEmpty());
}

TEST_F(Move, WhatIsToBeRemovedFromTheStorageStillIs) {
  into_source("INSERT INTO loose_object VALUES ('later', " + std::to_string(at(1000).time_since_epoch().count()) +
              ", 0), ('stuck', 100, 1), ('now', 0, 0)");
  ASSERT_TRUE(move(schema_.url()));
  const auto one = open_target();
  EXPECT_THAT(loop_.run(one->take_objects(at(0), at(1), 10)), testing::UnorderedElementsAre("stuck", "now"));
}

// What has lost its pointer keeps a mark that it was durable once: it is nobody's copy.
TEST_F(Move, WhatWasDurableOnceIsFetchedAnew) {
  {
    auto source = open_sqlite(file_);
    const auto lost = loop_.run(source->find({acme, CallSid{"CA-durable"}, {}})).value();
    ASSERT_TRUE(loop_.run(source->spoiled(lost.id, lost.media->blob)));
  }
  ASSERT_TRUE(move(schema_.url()));
  const auto one = open_target();
  Play play;
  play.key = {acme, CallSid{"CA-durable"}, {}};
  play.explicit_action = true;
  play.claim = true;
  play.now = at(600);
  const auto lease = loop_.run(one->play(play)).lease.value();
  Media media;
  media.blob = "anew";
  ASSERT_TRUE(loop_.run(one->complete(lease, media, at(601))));
  EXPECT_FALSE(loop_.run(one->whereabouts(play.key, milliseconds{1000}))->durable);
}

TEST_F(Move, TotalsAndInvariantsHold) {
  ASSERT_TRUE(move(schema_.url()));
  const auto source = open_sqlite(file_);
  const auto target = open_target();
  const auto before = loop_.run(source->counts());
  const auto after = loop_.run(target->counts());
  EXPECT_EQ(before.published_bytes, 1000U);
  EXPECT_EQ(after.published_bytes, 2000U) << "of every pointer, wherever the audio is";
  EXPECT_EQ(after.runs.at(RunStatus::completed), 2);
  EXPECT_EQ(after.runs.at(RunStatus::failed), before.runs.at(RunStatus::failed));
  EXPECT_EQ(after.runs.at(RunStatus::cancelled), before.runs.at(RunStatus::cancelled));
  EXPECT_EQ(after.runs.at(RunStatus::queued), 2);
  const auto inquiry = postgres_inquiry("node-1");
  for (const auto& page : {inquiry->recordings_page("", 100), Inquiry::runs_page("", 100)})
    for (const auto& row : ask(*target, page).rows)
      EXPECT_THAT(std::vector(row.begin() + 1, row.end()), testing::Each("0")) << *row.at(0);
}

TEST_F(Move, WhatWasErasedIsKnownAgain) {
  ASSERT_TRUE(move(schema_.url()));
  const auto target = open_target();
  loop_.run(target->put(acme, CallSid{"CA-erased"}, {}, at(0)));
  loop_.run(target->erase(acme, CallSid{"CA-erased"}, std::nullopt, at(10)));
  EXPECT_THAT(ask(*target, "SELECT 1 FROM tombstone").rows, SizeIs(1)) << "the HMAC is that of the same secret";
}

TEST_F(Move, WordsThatAreNoTextDoNotHoldItUp) {
  into_source(
      "DROP TRIGGER run_follows_its_states; "
      "UPDATE run SET error = CAST(x'ff00410a' AS TEXT), cause = 'forbidden' WHERE status = 'failed'");
  ASSERT_TRUE(move(schema_.url()));
  EXPECT_THAT(ask(*open_target(), "SELECT DISTINCT error FROM run WHERE status = 'failed'").rows,
              ElementsAre(ElementsAre("??A\n")));
}

TEST_F(Move, AnyNumberOfRows) {
  into_source(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45000) "
      "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, parent_call_sid, "
      "from_party, to_party, direction, format, registered_at) SELECT printf('%036d', i), 'acme', 'CA' || i, '', '', "
      "'', '', '', '', '', '', '', 0 FROM n");
  const auto moved = move(schema_.url());
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->recordings, 45'007);
  EXPECT_THAT(ask(*open_target(), "SELECT count(*) FROM recording").rows, ElementsAre(ElementsAre("45007")));
}

TEST_F(Move, TheSourceStaysAsItIs) {
  const auto before = folder();
  ASSERT_THAT(before, SizeIs(1));
  ASSERT_TRUE(move(schema_.url()));
  EXPECT_EQ(folder(), before);
}

TEST_F(Move, ALogThatAKilledServerLeftIsReadToo) {
  const auto child = ::fork();
  if (child == 0) {
    Connection db{file_};
    db.execute("UPDATE recording SET to_party = 'in the log' WHERE call_sid = 'CA-remote'");
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  const auto before = folder();
  ASSERT_THAT(before.at("onetake.db-wal"), Not(IsEmpty()));
  ASSERT_TRUE(move(schema_.url()));
  EXPECT_EQ(folder(), before);
  EXPECT_THAT(ask(*open_target(), "SELECT to_party FROM recording WHERE call_sid = 'CA-remote'").rows,
              ElementsAre(ElementsAre("in the log")));
}

TEST_F(Move, RefusesATargetThatIsNotEmpty) {
  const auto target = open_target();
  loop_.run(target->put(acme, CallSid{"CA1"}, {}, at(0)));
  EXPECT_THAT(move(schema_.url()).error(), HasSubstr("not empty"));
  loop_.run(target->erase(acme, CallSid{"CA1"}, std::nullopt, at(1)));
  EXPECT_THAT(move(schema_.url()).error(), HasSubstr("not empty")) << "what was erased would be forgotten";
  EXPECT_THAT(recordings(*target), IsEmpty());
}

TEST_F(Move, RefusesTwice) {
  ASSERT_TRUE(move(schema_.url()));
  EXPECT_FALSE(move(schema_.url()));
  EXPECT_THAT(recordings(*open_target()), SizeIs(7));
}

TEST_F(Move, RefusesAnotherSchemaAndSaysWhatToDo) {
  into_source("PRAGMA user_version = 999");
  EXPECT_THAT(move(schema_.url()).error(), HasSubstr("newer version"));
  into_source("PRAGMA user_version = 3");
  EXPECT_THAT(move(schema_.url()).error(), HasSubstr("onetake migrate --config"));
  EXPECT_TRUE(nothing_has_moved());
}

TEST_F(Move, RefusesWhatIsInUseOrNoLedger) {
  {
    const auto held = open_sqlite(file_);
    EXPECT_THAT([&] { std::ignore = move(schema_.url()); }, ThrowsMessage<Unavailable>(HasSubstr("in use")));
  }
  into_source("PRAGMA application_id = 1");
  EXPECT_THAT([&] { std::ignore = move(schema_.url()); }, ThrowsMessage<Unavailable>(HasSubstr("another program")));
  std::ofstream{file_, std::ios::trunc} << std::string(5000, 'x');
  EXPECT_THAT([&] { std::ignore = move(schema_.url()); }, ThrowsMessage<Unavailable>(HasSubstr("not a database")));
  fs::remove(file_);
  EXPECT_THROW(std::ignore = move(schema_.url()), Unavailable);
  EXPECT_TRUE(nothing_has_moved());
}

// All rows have been sent, and it is about to commit.
TEST_F(Move, KilledInBetweenNothingHasMoved) {
  migrate_postgres(schema_.url());
  const auto holder = schema_.connect();
  holder->begin();
  holder->execute("LOCK TABLE tally IN ACCESS EXCLUSIVE MODE");
  const auto child = ::fork();
  if (child == 0) {
    std::ignore = move(schema_.url());
    ::_exit(0);
  }
  until_somebody_waits_for(*holder, schema_);
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  holder->rollback();
  EXPECT_TRUE(nothing_has_moved());
  const auto moved = move(schema_.url());  // waits until the server has noticed
  ASSERT_TRUE(moved) << moved.error();
  EXPECT_EQ(moved->recordings, 7);
}

TEST_F(Move, AConnectionLostOnTheWayIsGoneOnFromTheBeginning) {
  Proxy proxy{schema_.port()};
  proxy.cut_at("COPY run", Proxy::Cut::before);
  const auto moved = move(schema_.url_by_port(proxy.port()));
  ASSERT_TRUE(moved) << moved.error();
  EXPECT_EQ(proxy.cuts(), 1);
  EXPECT_EQ(moved->recordings, 7);
  EXPECT_THAT(runs(*open_target()), SizeIs(7));
}

TEST_F(Move, WhetherALostCommitIsInIsFoundOut) {
  migrate_postgres(schema_.url());
  Proxy proxy{schema_.port()};
  proxy.cut_at("COMMIT", Proxy::Cut::after);
  const auto moved = move(schema_.url_by_port(proxy.port()));
  ASSERT_TRUE(moved) << moved.error();
  EXPECT_EQ(proxy.cuts(), 1);
  EXPECT_THAT(recordings(*open_target()), SizeIs(7));
}

}  // namespace
}  // namespace onetake::ledger
