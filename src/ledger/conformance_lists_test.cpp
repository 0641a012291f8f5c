#include <gmock/gmock.h>

#include <algorithm>

#include "ledger/conformance.hpp"
#include "ledger/cursor.hpp"

namespace onetake::ledger {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_P(Conformance, PagesHaveEveryRecordingOnceInOrder) {
  // Five calls began in the same millisecond: the order among them is that of their ids.
  std::vector<std::string> expected;
  for (int i = 0; i < 5; ++i) put("CA-same-" + std::to_string(i), started(10));
  put("CA-early", started(5));
  put("CA-undated", source(), at(7));  // stands at its registration
  put("CA-late", started(20), at(0));

  const std::vector<std::string> oldest{"CA-early",  "CA-undated", "CA-same-0", "CA-same-1",
                                        "CA-same-2", "CA-same-3",  "CA-same-4", "CA-late"};
  std::vector<std::string> newest = oldest;
  std::ranges::reverse(newest);
  for (const int limit : {1, 2, 3, 7, 8, 9, 500}) {
    EXPECT_THAT(list_all({.limit = limit, .oldest_first = true}), ElementsAreArray(oldest)) << limit;
    EXPECT_THAT(list_all({.limit = limit}), ElementsAreArray(newest)) << limit;
  }
}

TEST_P(Conformance, EachRecordingHasItsNewestRunAndItsMedia) {
  ready("CA1", "blob-1");
  put("CA2");
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA2")).lease, Cause::unauthorized));
  const auto newest = play(pressed("CA2", at(100)));
  put("CA3");

  const auto page = loop_.run(ledger_->list({.tenant = acme, .oldest_first = true})).value();
  ASSERT_THAT(page.items, SizeIs(3));
  EXPECT_EQ(page.items[0].media, media("blob-1"));
  EXPECT_EQ(page.items[0].run->status, RunStatus::completed);
  EXPECT_EQ(page.items[1].run->id, newest.recording.run->id);
  EXPECT_EQ(page.items[1].run->cycle, 2);
  EXPECT_FALSE(page.items[2].run);
}

TEST_P(Conformance, SearchIsByPrefixOfCallSidFromOrTo) {
  auto a = source();
  a.from = "+4930111";
  auto b = source();
  b.to = "+4930222";
  put("CA1", a);
  put("CA2", b);
  put("+4930call", source());
  put("ca3", source());
  put("X%", source());

  EXPECT_THAT(list_all({.q = "+4930"}), UnorderedElementsAre("CA1", "CA2", "+4930call"));
  EXPECT_THAT(list_all({.q = "+49302"}), ElementsAre("CA2"));
  EXPECT_THAT(list_all({.q = "CA"}), UnorderedElementsAre("CA1", "CA2"));
  EXPECT_THAT(list_all({.q = "ca"}), ElementsAre("ca3"));
  EXPECT_THAT(list_all({.q = "4930"}), IsEmpty());
  EXPECT_THAT(list_all({.q = "%"}), IsEmpty());
  EXPECT_THAT(list_all({.q = "X%"}), ElementsAre("X%"));
  EXPECT_THAT(list_all({.q = "CA_"}), IsEmpty());
}

TEST_P(Conformance, SearchTakesLettersOfAnyScript) {
  auto r = source();
  r.from = "דנה";
  put("CA1", r);
  r.from = "דוד";
  put("CA2", r);
  EXPECT_THAT(list_all({.q = "ד"}), UnorderedElementsAre("CA1", "CA2"));
  EXPECT_THAT(list_all({.q = "דנ"}), ElementsAre("CA1"));
}

TEST_P(Conformance, FiltersNarrowTogether) {
  ready("CA-ready");
  auto in_10 = started(10);
  in_10.direction = "inbound";
  auto out_20 = started(20);
  out_20.direction = "outbound";
  put("CA-in", in_10);
  put("CA-out", out_20);

  EXPECT_THAT(list_all({.state = State::ready}), ElementsAre("CA-ready"));
  EXPECT_THAT(list_all({.state = State::remote}), ElementsAre("CA-out", "CA-in"));
  EXPECT_THAT(list_all({.direction = "inbound"}), ElementsAre("CA-in"));
  EXPECT_THAT(list_all({.started_after = at(10)}), ElementsAre("CA-out", "CA-in"));
  EXPECT_THAT(list_all({.started_before = at(20), .oldest_first = true}), ElementsAre("CA-ready", "CA-in"));
  EXPECT_THAT(
      list_all({.limit = 1, .q = "CA-", .state = State::remote, .direction = "outbound", .started_after = at(20)}),
      ElementsAre("CA-out"));
  EXPECT_THAT(list_all({.q = "CA-", .state = State::failed}), IsEmpty());
}

TEST_P(Conformance, ABrokenCursorIsABadRequest) {
  for (int i = 0; i < 3; ++i) ready("CA" + std::to_string(i));
  const auto of_recordings = loop_.run(ledger_->list({.tenant = acme, .limit = 1}))->next_cursor;
  const auto of_runs = loop_.run(ledger_->runs({.tenant = acme, .limit = 1}))->next_cursor;
  ASSERT_THAT(of_recordings, Not(IsEmpty()));
  ASSERT_THAT(of_runs, Not(IsEmpty()));

  for (const std::string& cursor : {std::string{"x"}, std::string{"!!"}, of_runs, of_recordings.substr(1),
                                    of_recordings + "=", std::string(5000, 'A')}) {
    const auto page = loop_.run(ledger_->list({.tenant = acme, .cursor = cursor}));
    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().fault, Fault::bad_request);
  }
  for (const std::string& cursor : {std::string{"x"}, of_recordings, of_runs + "A"}) {
    const auto page = loop_.run(ledger_->runs({.tenant = acme, .cursor = cursor}));
    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().fault, Fault::bad_request);
  }
}

// Not UTF-8, or with a NUL in it: no database holds it as text.
TEST_P(Conformance, WhatIsNoTextNamesNothing) {
  const auto lease = ready("CA1");
  using namespace std::string_literals;
  for (const std::string& name : {"\xff"s, "\xc3"s, "\xed\xa0\x80"s, "\0"s, lease.run.str() + "\0"s, "CA1\0"s}) {
    EXPECT_FALSE(loop_.run(ledger_->run(acme, RunId{name})));
    EXPECT_FALSE(loop_.run(ledger_->run(TenantId{name}, lease.run)));
    EXPECT_FALSE(cancel(RunId{name}).run);
    EXPECT_THAT(loop_.run(ledger_->look_at(std::vector{RunId{name}}, hour)), IsEmpty());
    EXPECT_FALSE(find(name));
    EXPECT_EQ(play(pressed(name)).found, Found::nothing);
    EXPECT_THAT(loop_.run(ledger_->runs({.tenant = acme, .call_sid = CallSid{name}}))->items, IsEmpty());
    EXPECT_FALSE(loop_.run(ledger_->list({.tenant = acme, .cursor = encode({at(0), name})})));
    EXPECT_FALSE(loop_.run(ledger_->runs({.tenant = acme, .cursor = encode_run_cursor(name)})));
  }
  EXPECT_THAT(loop_.run(ledger_->look_at(std::vector{RunId{"\xff"}, lease.run}, hour)), SizeIs(1));
}

// Or a run could never be told to have failed.
TEST_P(Conformance, WhatAProviderSaidMayBeNoText) {
  put("CA1");
  const auto lease = play(pressed_and_claimed("CA1")).lease.value();
  const Setback said{Cause::unavailable, "said \xff", 503};
  EXPECT_TRUE(loop_.run(ledger_->retry(lease, Reason::retrying, said, at(1), true)));
  EXPECT_TRUE(loop_.run(ledger_->fail(claim(1, at(2)).at(0).lease, said, at(3))));
  EXPECT_THAT(find("CA1")->run->setback->detail, testing::StartsWith("said "));
}

TEST_P(Conformance, RunsAreListedNewestFirst) {
  for (const std::string call : {"CA1", "CA2", "CA3"}) put(call);
  ASSERT_TRUE(fail(*play(pressed_and_claimed("CA1", at(1))).lease, Cause::unauthorized));
  play(pressed("CA2", at(2)));
  play(pressed_and_claimed("CA1", at(50)));
  ready("CA4");

  for (const int limit : {1, 2, 3, 500}) {
    EXPECT_THAT(list_runs({.limit = limit}), ElementsAre("CA4", "CA1", "CA2", "CA1")) << limit;
    EXPECT_THAT(list_runs({.limit = limit, .call_sid = CallSid{"CA1"}}), ElementsAre("CA1", "CA1")) << limit;
  }
  EXPECT_THAT(list_runs({.status = RunStatus::failed}), ElementsAre("CA1"));
  EXPECT_THAT(list_runs({.status = RunStatus::completed}), ElementsAre("CA4"));
  EXPECT_THAT(list_runs({.status = RunStatus::queued}), ElementsAre("CA2"));
  EXPECT_THAT(list_runs({.call_sid = CallSid{"CA1"}, .status = RunStatus::running}), ElementsAre("CA1"));
  EXPECT_THAT(list_runs({.call_sid = CallSid{"CA3"}}), IsEmpty());
}

TEST_P(Conformance, QueryAnswersWithNamesAndText) {
  put("CA1");
  const auto table = loop_.run(ledger_->query("SELECT call_sid, cycle, media_blob AS blob FROM recording"));
  ASSERT_TRUE(table);
  EXPECT_THAT(table->columns, ElementsAre("call_sid", "cycle", "blob"));
  EXPECT_THAT(table->rows, ElementsAre(ElementsAre(Optional(std::string{"CA1"}), Optional(std::string{"0"}),
                                                   std::optional<std::string>{})));
}

TEST_P(Conformance, QueryOnlyReads) {
  put("CA1");
  for (const std::string sql :
       {"DELETE FROM recording", "UPDATE recording SET cycle = 9", "CREATE TABLE t (x INTEGER)", "DROP TABLE run",
        "BEGIN", "COMMIT", "SELECT 1; DELETE FROM recording", "SELECT 1; SELECT 2", "", "  ", "SELEKT", "SELECT",
        "SELECT * FROM nothing", "SELECT * FROM meta"}) {
    const auto table = loop_.run(ledger_->query(sql));
    ASSERT_FALSE(table) << sql;
    EXPECT_EQ(table.error().fault, Fault::bad_request);
    EXPECT_THAT(table.error().detail, Not(IsEmpty()));
  }
  EXPECT_EQ(find("CA1")->cycle, 0);
  EXPECT_FALSE(put("CA1").created);  // and whoever writes may go on
  EXPECT_TRUE(loop_.run(ledger_->query("SELECT 1; ")));
}

}  // namespace
}  // namespace onetake::ledger
