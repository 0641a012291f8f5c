#include "ledger/invariants.hpp"

#include <sqlite3.h>

#include <array>
#include <memory>

#include "ledger/migrations.hpp"
#include "ledger/sqlite_connection.hpp"

namespace onetake::ledger {
namespace {

#define RUNS_OF_R "FROM run u WHERE u.tenant = r.tenant AND u.recording_id = r.id "

constexpr std::array of_recordings{
    Invariant{"one_active_run", "more than one run is queued or running",
              "(SELECT count(*) > 1 " RUNS_OF_R "AND u.status IN ('queued', 'running'))"},
    Invariant{
        "one_run_a_cycle", "its runs are not those of the cycles 1, 2, … up to its own",
        "(SELECT count(*) <> r.cycle OR count(DISTINCT u.cycle) <> r.cycle OR coalesce(max(u.cycle), 0) <> r.cycle "
        "OR coalesce(min(u.cycle), 1) <> 1 " RUNS_OF_R ")"},
    Invariant{"fetching_has_its_run", "it is fetching and its newest run is not active, or the other way round",
              "(r.state = 'fetching') <> EXISTS (SELECT 1 " RUNS_OF_R
              "AND u.cycle = r.cycle AND u.status IN ('queued', 'running'))"},
    Invariant{"failed_has_its_run", "it has failed, and its newest run has not",
              "r.state = 'failed' AND NOT EXISTS (SELECT 1 " RUNS_OF_R
              "AND u.cycle = r.cycle AND u.status = 'failed')"},
    Invariant{"newest_token_published", "its audio is not what the newest token of its cycle's completed run published",
              "r.media_blob IS NOT NULL AND NOT EXISTS (SELECT 1 " RUNS_OF_R
              "AND u.cycle = r.media_cycle AND u.status = 'completed' AND u.received_bytes = r.media_bytes "
              "AND r.media_blob = r.id || '-' || u.cycle || '-' || u.token || '-' || r.media_version)"},
};

constexpr std::array of_runs{
    Invariant{"run_has_its_recording", "there is no such recording of its tenant",
              "NOT EXISTS (SELECT 1 FROM recording r WHERE r.id = u.recording_id AND r.tenant = u.tenant)"},
    Invariant{"token_counts_claims", "its token is smaller than the claims that there must have been",
              "u.token < u.attempt OR (u.status IN ('running', 'completed') AND u.token < 1)"},
    Invariant{"completed_is_whole", "it has completed with less than the whole",
              "u.status = 'completed' AND u.total_bytes IS DISTINCT FROM u.received_bytes"},
};

std::string page(std::span<const Invariant> invariants, std::string_view table, std::string_view alias,
                 const std::string& after, int limit) {
  std::string sql = "SELECT id";
  for (const auto& each : invariants)
    sql.append(", CASE WHEN coalesce(").append(each.violated).append(", true) THEN 1 ELSE 0 END AS ").append(each.name);
  sql.append(" FROM ").append(table).append(" ").append(alias).append(" WHERE id > ").append(quoted(after));
  return sql.append(" ORDER BY id LIMIT ").append(std::to_string(limit));
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string made = "'";
  for (const char c : text) made.append(c == '\'' ? 2 : 1, c);
  return made + "'";
}

std::span<const Invariant> recording_invariants() { return of_recordings; }
std::span<const Invariant> run_invariants() { return of_runs; }

std::string recordings_page(const std::string& after, int limit) {
  return page(of_recordings, "recording", "r", after, limit);
}
std::string runs_page(const std::string& after, int limit) { return page(of_runs, "run", "u", after, limit); }

const std::string_view select_schema_objects =
    "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name";

std::map<std::string, std::string> schema_objects() {
  std::map<std::string, std::string> objects;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(":memory:", &opened);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db{opened, &sqlite3_close};
  if (code != SQLITE_OK) throw Unavailable("ledger: no database in memory");
  for (const auto migration : migrations())
    if (sqlite3_exec(opened, std::string{migration}.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) raise(opened);
  Statement rows{opened, select_schema_objects, false};
  while (rows.step()) {
    auto name = rows.text();
    objects[std::move(name)] = rows.text();
  }
  return objects;
}

}  // namespace onetake::ledger
