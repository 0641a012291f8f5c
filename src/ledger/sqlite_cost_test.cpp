// What a call costs does not grow with what lies in the tables. Counted in steps of SQLite's machine, so that it is the
// same on every computer: an index search is a few steps at any size, a walk is some for each row.

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <regex>

#include "base/temp_folder.hpp"
#include "ledger/migrations.hpp"
#include "ledger/sqlite_files.hpp"
#include "ledger/sqlite_recordings.hpp"
#include "ledger/sqlite_runs.hpp"

namespace onetake::ledger {
namespace {

const TenantId acme{"acme"};
const TenantId busy{"busy"};
constexpr milliseconds hour{3'600'000};

WallTime at(std::int64_t ms) { return WallTime{milliseconds{ms}}; }

CallSid call(int i) { return CallSid{"CA" + std::to_string(100'000 + i)}; }

Registration registration(int i) {
  Registration r;
  r.provider = "main";
  r.source_url = "https://media.example.com/" + std::to_string(i);
  r.from = "+49" + std::to_string(500'000 + i);
  r.to = "+97" + std::to_string(700'000 + i);
  r.direction = i % 2 == 0 ? "inbound" : "outbound";
  return r;
}

Play pressed(const TenantId& tenant, const CallSid& sid, bool claim) {
  Play play;
  play.key = {tenant, sid, {}};
  play.explicit_action = true;
  play.claim = claim;
  return play;
}

/// A database in which `size` recordings are ready, `size` are cold, and one tenant has all
/// it may have running, and `size` more runs queued.
class World {
 public:
  explicit World(int size) : db_(folder_.path() / "ledger.db") {
    migrate(db_);
    db_.begin();
    for (int i = 0; i < size; ++i) {
      put(db_, acme, call(i), registration(i), at(i));
      Media media;
      media.blob = "blob-" + std::to_string(i);
      complete(db_, *admit(db_, pressed(acme, call(i), true)).lease, media, at(i));
      put(db_, acme, call(size + i), registration(size + i), at(i));
      put(db_, busy, call(i), registration(i), at(i));
      admit(db_, pressed(busy, call(i), false));
    }
    claim(db_, 2, 2, hour, at(size));  // as many as it may have
    db_.commit();
  }

  Connection& db() { return db_; }

  template <class Work>
  int steps(Work work) {
    spent();
    work(db_);
    return spent();
  }

  /// What EXPLAIN QUERY PLAN says of every statement used so far.
  std::map<std::string, std::string> plans() {
    std::map<std::string, std::string> all;
    for (auto* s = sqlite3_next_stmt(db_.handle(), nullptr); s != nullptr; s = sqlite3_next_stmt(db_.handle(), s))
      all[sqlite3_sql(s)];
    for (auto& [sql, plan] : all) {
      Statement explain{db_.handle(), "EXPLAIN QUERY PLAN " + sql, false};
      while (explain.step()) {
        explain.skip(3);
        plan += explain.text() + "\n";
      }
    }
    return all;
  }

 private:
  int spent() {
    int sum = 0;
    for (auto* s = sqlite3_next_stmt(db_.handle(), nullptr); s != nullptr; s = sqlite3_next_stmt(db_.handle(), s))
      sum += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
    return sum;
  }

  TempFolder folder_;
  Connection db_;
};

struct Step {
  const char* name;
  std::function<void(Connection&)> work;
};

/// Every call of the port that is made while people play. In order: each finds what those before have left.
std::vector<Step> calls() {
  auto lease = std::make_shared<Lease>();
  const auto take = [lease](std::optional<Lease> taken) { *lease = taken.value(); };
  const auto press = [](int i) { return pressed(acme, CallSid{"CN" + std::to_string(i)}, true); };
  const auto retried = [=](int i) {
    auto play = press(i);
    play.asked_by = AskedBy::retry;
    return play;
  };
  const auto late = [](Connection& db, const std::string& sid) {
    put(db, acme, CallSid{sid}, registration(1), at(-2 * hour.count()));
    auto play = pressed(acme, CallSid{sid}, false);
    play.now = at(-2 * hour.count());
    admit(db, play);
  };
  Media media;
  media.blob = "b";
  const Setback setback{Cause::unavailable, "", 503};
  const auto page = [](ListQuery query) {
    return [query](Connection& db) {
      auto first = query;
      first.limit = 10;
      auto second = first;
      second.cursor = list(db, first)->next_cursor;
      list(db, second).value();
    };
  };
  const auto page_of_runs = [](RunQuery query) {
    return [query](Connection& db) {
      auto first = query;
      first.limit = 10;
      auto second = first;
      second.cursor = list_runs(db, first)->next_cursor;
      list_runs(db, second).value();
    };
  };
  return {
      {"put", [](Connection& db) { put(db, acme, CallSid{"CN1"}, registration(1), at(0)); }},
      {"put again", [](Connection& db) { put(db, acme, CallSid{"CN1"}, registration(2), at(0)); }},
      {"find", [](Connection& db) { find(db, {acme, CallSid{"CN1"}, {}}).value(); }},
      {"find by recording sid", [](Connection& db) { find(db, {acme, CallSid{"CN1"}, ""}).value(); }},
      {"play, cold", [=](Connection& db) { take(admit(db, press(1)).lease); }},
      {"play, fetching", [=](Connection& db) { admit(db, press(1)); }},
      {"progress", [=](Connection& db) { progress(db, *lease, 1, 2, milliseconds{0}); }},
      {"rescue", [=](Connection& db) { EXPECT_EQ(rescue(db, at(0)).size(), 1U); }},
      {"claim what was rescued", [=](Connection& db) { take(claim(db, 1, 2, hour, at(0)).at(0).lease); }},
      {"retry", [=](Connection& db) { retry(db, *lease, Reason::retrying, setback, at(0), true); }},
      {"next due", [](Connection& db) { next_due(db, at(-1)).value(); }},
      {"claim", [=](Connection& db) { take(claim(db, 1, 2, hour, at(0)).at(0).lease); }},
      {"complete", [=](Connection& db) { complete(db, *lease, media, at(0)); }},
      {"play, ready", [=](Connection& db) { admit(db, press(1)); }},
      {"disown", [=](Connection& db) { disown(db, lease->recording, "b"); }},
      {"play again", [=](Connection& db) { take(admit(db, press(1)).lease); }},
      {"fail", [=](Connection& db) { fail(db, *lease, setback, at(0)); }},
      {"retry by hand", [=](Connection& db) { take(admit(db, retried(1)).lease); }},
      {"cancel", [=](Connection& db) { EXPECT_TRUE(cancel(db, acme, lease->run, at(0)).run); }},
      {"one waits too long", [=](Connection& db) { late(db, "CN2"); }},
      {"expire", [](Connection& db) { EXPECT_EQ(expire(db, hour, 10, at(0)).size(), 1U); }},
      {"retire", [](Connection& db) { EXPECT_EQ(retire(db, hour, 10, at(0)).size(), 1U); }},
      {"sign of life", [](Connection& db) { sign_of_life(db, "w"); }},
      {"workers", [](Connection& db) { workers(db, hour); }},
      {"run", [=](Connection& db) { find_run(db, acme, lease->run).value(); }},
      {"played", [=](Connection& db) { played(db, {{lease->recording, at(77)}}); }},
      {"least played",
       [](Connection& db) {
         const auto first = least_played(db, {}, 10);
         least_played(db, first.back(), 10);
       }},
      {"walk over files", [](Connection& db) { walk_files(db, walk_files(db, {}, 10).last, 10); }},
      {"announce", [](Connection& db) { announce(db, "b2"); }},
      {"loose files", [](Connection& db) { loose_files(db, true, 10); }},
      {"strike files", [](Connection& db) { strike_files(db, {"b", "b2"}, true); }},
      {"not to be kept", [=](Connection& db) { EXPECT_TRUE(not_to_be_kept(db, {lease->recording}).empty()); }},
      {"not durable", [](Connection& db) { not_durable(db, not_durable(db, {}, 10).back().recording, 10); }},
      {"announce an object", [](Connection& db) { announce_object(db, "b3", at(0)); }},
      {"take objects", [](Connection& db) { EXPECT_EQ(take_objects(db, at(0), at(1), 10).size(), 1U); }},
      {"strike objects", [](Connection& db) { strike_objects(db, {"b3"}); }},
      {"erase", [](Connection& db) { erase(db, acme, CallSid{"CN1"}, {}, at(0)); }},
      {"list newest", page({.tenant = acme})},
      {"list oldest", page({.tenant = acme, .oldest_first = true})},
      {"list by state", page({.tenant = acme, .state = State::ready})},
      {"list remote", page({.tenant = acme, .state = State::remote})},
      {"list fetching", page({.tenant = acme, .state = State::fetching})},
      {"list from a day", page({.tenant = acme, .started_after = at(5), .started_before = at(500)})},
      {"search, one match", page({.tenant = acme, .q = "+49500042"})},
      {"search, everything", page({.tenant = acme, .q = "+"})},
      {"search, by direction", page({.tenant = acme, .q = "CA", .direction = "inbound"})},
      {"runs", page_of_runs({.tenant = acme})},
      {"runs by status", page_of_runs({.tenant = acme, .status = RunStatus::completed})},
      {"runs queued", page_of_runs({.tenant = busy, .status = RunStatus::queued})},
      {"runs of a call", page_of_runs({.tenant = acme, .call_sid = call(7)})},
  };
}

TEST(SqliteCost, DoesNotGrowWithTheTables) {
  World small{1200};  // more than a search counts before it takes a prefix for a common one
  World large{4800};
  const auto on_small = calls();
  const auto on_large = calls();
  for (std::size_t i = 0; i < on_small.size(); ++i) {
    const int few = small.steps(on_small[i].work);
    const int many = large.steps(on_large[i].work);
    EXPECT_GT(few, 0) << on_small[i].name;
    EXPECT_LE(many, few + few / 10 + 20) << on_small[i].name;
  }
}

TEST(SqliteCost, EveryStatementHasAnIndex) {
  World world{20};
  for (const auto& [_, work] : calls()) work(world.db());
  recover(world.db(), at(0));
  count(world.db());
  const auto plans = world.plans();
  EXPECT_GT(plans.size(), 30u);
  // A partial index may be read whole: it has only what waits or runs.
  const std::regex fine{"SCAN run USING (COVERING )?INDEX (run_active|run_due|run_by_lease|run_by_age)"};
  const std::regex walk{"SCAN (recording|run|r|u)\\b"};
  for (const auto& [sql, plan] : plans)
    EXPECT_FALSE(std::regex_search(std::regex_replace(plan, fine, ""), walk)) << sql << "\n" << plan;
}

}  // namespace
}  // namespace onetake::ledger
