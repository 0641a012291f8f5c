// What the port asks PostgreSQL, its functions' own statements too, is found by an index: the server itself tells the
// plans it went by, with the values that were asked for.

#include <gmock/gmock.h>

#include <regex>
#include <set>

#include "ledger/test_postgres.hpp"

namespace onetake::ledger {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const TenantId acme{"acme"};
constexpr milliseconds hour{3'600'000};

WallTime at(std::int64_t ms) { return WallTime{milliseconds{ms}}; }

Play pressed(const std::string& call, AskedBy asked_by = AskedBy::play) {
  Play play;
  play.key = {acme, CallSid{call}, {}};
  play.explicit_action = true;
  play.claim = true;
  play.per_tenant = 100;
  play.asked_by = asked_by;
  play.now = at(1'000'000);
  return play;
}

class PostgresPlans : public testing::Test {
 protected:
  PostgresPlans() {
    loop_.run(open_postgres(schema_.url(), {.node = "http://one", .pool = 2})
                  ->node_lives("http://one", milliseconds{15'000}));  // the tables
    schema_.connect()->execute(
        "SET session_replication_role = replica;"
        "INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, "
        "parent_call_sid, from_party, to_party, direction, format, registered_at, cycle, state) "
        "SELECT '01900000-0000-7000-8000-0000000' || i, 'acme', 'CA' || i, '', '', '', '', '', '+49' || i, '+97' || i, "
        "'inbound', '', i, 1, "
        "CASE WHEN i % 10 = 0 THEN 'fetching' ELSE 'remote' END FROM generate_series(10001, 30000) i;"
        "INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, max_attempts, created_at, "
        "due_at, completed_at) SELECT '01900000-0000-7000-9000-0000000' || i, 'acme', "
        "'01900000-0000-7000-8000-0000000' || i, 'CA' || i, 'fetch', 1, "
        "CASE WHEN i % 10 = 0 THEN 'queued' ELSE 'completed' END, 5, i, CASE WHEN i % 10 = 0 THEN i END, "
        "CASE WHEN i % 10 <> 0 THEN i END FROM generate_series(10001, 30000) i; ANALYZE");
  }

  Lease cold(Ledger& ledger, const std::string& call) {
    loop_.run(ledger.put(acme, CallSid{call}, {}, at(0)));
    return loop_.run(ledger.play(pressed(call))).lease.value();
  }
  void page(Ledger& ledger, ListQuery query) {
    query.limit = 10;
    query.cursor = loop_.run(ledger.list(query))->next_cursor;
    EXPECT_TRUE(loop_.run(ledger.list(query)));
  }
  void page(Ledger& ledger, RunQuery query) {
    query.limit = 10;
    query.cursor = loop_.run(ledger.runs(query))->next_cursor;
    EXPECT_TRUE(loop_.run(ledger.runs(query)));
  }
  /// Every call that is made while people play, and by whoever keeps house.
  void ask_everything(Ledger& ledger) {
    const Setback setback{Cause::unavailable, "", 503};
    loop_.run(ledger.node_lives("http://one", milliseconds{15'000}));
    loop_.run(ledger.sign_of_life("worker"));

    const auto lease = cold(ledger, "CN1");
    loop_.run(ledger.play(pressed("CN1")));
    loop_.run(ledger.find({acme, CallSid{"CN1"}, ""}));
    loop_.run(ledger.whereabouts({acme, CallSid{"CN1"}, {}}, hour));
    loop_.run(ledger.look_at({lease.run}, hour));
    EXPECT_TRUE(loop_.run(ledger.progress(lease, 1, 2, hour)));
    loop_.run(ledger.announce("blob"));
    Media media;
    media.blob = "blob";
    media.bytes = 1000;
    EXPECT_TRUE(loop_.run(ledger.complete(lease, media, at(1'000'000))));
    loop_.run(ledger.play(pressed("CN1")));
    loop_.run(ledger.played({{lease.recording, at(77)}}));
    loop_.run(ledger.least_played({}, 10));
    loop_.run(ledger.announce_object("blob", at(0)));
    loop_.run(ledger.made_durable(lease.recording, "blob"));
    EXPECT_TRUE(loop_.run(ledger.disown(lease.recording, "blob")));
    loop_.run(ledger.loose_files(true, 10));
    loop_.run(ledger.strike_files({"blob"}, true));
    loop_.run(ledger.not_to_be_kept({lease.recording}));

    EXPECT_TRUE(loop_.run(ledger.fail(cold(ledger, "CN2"), setback, at(0))));
    EXPECT_TRUE(loop_.run(ledger.play(pressed("CN2", AskedBy::retry))).lease);
    const auto again = cold(ledger, "CN3");
    EXPECT_TRUE(loop_.run(ledger.retry(again, Reason::retrying, setback, at(5'000'000), true)));
    loop_.run(ledger.next_due(at(1'000'000)));
    EXPECT_TRUE(loop_.run(ledger.cancel(acme, again.run, at(0))).run);
    EXPECT_FALSE(loop_.run(ledger.claim(2, 100, hour, at(1'000'000))).empty());
    loop_.run(ledger.rescue(at(0)));
    loop_.run(ledger.expire(milliseconds{500'000}, 10, at(510'010)));
    loop_.run(ledger.retire(milliseconds{500'000}, 10, at(510'020)));
    loop_.run(ledger.erase(acme, CallSid{"CN1"}, {}, at(0)));
    loop_.run(ledger.run(acme, lease.run));
    loop_.run(ledger.counts());
    loop_.run(ledger.held_bytes());
    loop_.run(ledger.workers(hour));

    page(ledger, ListQuery{.tenant = acme});
    page(ledger, ListQuery{.tenant = acme, .oldest_first = true});
    page(ledger, ListQuery{.tenant = acme, .state = State::fetching});
    page(ledger, ListQuery{.tenant = acme, .state = State::remote});
    page(ledger, ListQuery{.tenant = acme, .state = State::failed});
    page(ledger, ListQuery{.tenant = acme, .q = "+4912"});
    page(ledger, ListQuery{.tenant = acme, .started_after = at(10'005), .started_before = at(10'500)});
    page(ledger, RunQuery{.tenant = acme});
    page(ledger, RunQuery{.tenant = acme, .status = RunStatus::completed});
    page(ledger, RunQuery{.tenant = acme, .status = RunStatus::queued});
    loop_.run(ledger.runs({.tenant = acme, .call_sid = CallSid{"CA10007"}}));
  }

  Schema schema_;
  TestLoop loop_;
};

TEST_F(PostgresPlans, UseTheIndexes) {
  // INFO goes to the client whatever it wants to hear; libpq writes it to stderr.
  const auto telling = schema_.url() +
                       "%20-csession_preload_libraries%3Dauto_explain%20-cauto_explain.log_min_duration%3D0"
                       "%20-cauto_explain.log_nested_statements%3Don%20-cauto_explain.log_level%3Dinfo";
  testing::internal::CaptureStderr();
  {
    const auto ledger = open_postgres(telling, {.node = "http://one", .pool = 2});
    ask_everything(*ledger);
  }
  const auto told = testing::internal::GetCapturedStderr();

  // "INFO:  duration: … plan:", "Query Text: …", the plan
  std::vector<std::string> walks;
  std::set<std::string> statements;
  const std::string begin = "INFO:  duration:";
  const std::regex walk{"Seq Scan on (recording|run)\\b"};
  for (auto from = told.find(begin); from != std::string::npos;) {
    const auto next = told.find(begin, from + 1);
    const auto plan = told.substr(from, next == std::string::npos ? next : next - from);
    if (plan.find("Scan") != std::string::npos) statements.insert(plan.substr(plan.find("Query Text:"), 300));
    if (std::regex_search(plan, walk)) walks.push_back(plan);
    from = next;
  }
  EXPECT_THAT(walks, IsEmpty());
  EXPECT_GT(statements.size(), 30U);
  EXPECT_THAT(told, HasSubstr("Index Scan using run_due on run"));  // of the function that claims
}

}  // namespace
}  // namespace onetake::ledger
