// Whose turn it is.

#include <algorithm>

#include "ledger/sqlite_rows.hpp"
#include "ledger/sqlite_runs.hpp"

namespace onetake::ledger {
namespace {

/// Tenants with queued runs, found by leaping from one to the next in the index: a tenant with ten thousand of them
/// costs as much as one with one.
#define WAITING_TENANTS                                                                       \
  "WITH RECURSIVE waiting (tenant) AS ("                                                      \
  "SELECT min(tenant) FROM run WHERE status = 'queued' UNION ALL "                            \
  "SELECT (SELECT min(tenant) FROM run WHERE status = 'queued' AND tenant > waiting.tenant) " \
  "FROM waiting WHERE waiting.tenant IS NOT NULL) "

struct Room {
  TenantId tenant;
  std::int64_t runs;
};

struct Candidate {
  WallTime due;
  RunId run;

  auto operator<=>(const Candidate&) const = default;
};

/// "status <> 'completed'" is the condition of the index on tenant and status.
std::vector<Room> rooms(Connection& db, int per_tenant) {
  auto rows = db.select(WAITING_TENANTS
                        "SELECT tenant, (SELECT count(*) FROM run WHERE tenant = waiting.tenant "
                        "AND status <> 'completed' AND status = 'running') "
                        "FROM waiting WHERE tenant IS NOT NULL");
  std::vector<Room> all;
  while (rows.next()) {
    TenantId tenant{rows->text()};
    const auto left = per_tenant - rows->integer();
    if (left > 0) all.push_back({std::move(tenant), left});
  }
  return all;
}

Claimed take(Connection& db, const RunId& id, WallTime now) {
  db.run(
      "UPDATE run SET status = 'running', token = token + 1, attempt = attempt + 1, due_at = NULL, "
      "started_at = coalesce(started_at, ?) WHERE id = ? AND status = 'queued'",
      now, id);
  static const std::string sql = select_recording + "WHERE u.id = ?";
  auto rows = db.select(sql, id);
  if (!rows.next()) throw Unavailable("ledger: run " + id.str() + " is not its recording's newest");
  Claimed claimed{{}, read_recording(*rows)};
  claimed.lease = {id, claimed.recording.id, claimed.recording.run->token};
  return claimed;
}

}  // namespace

std::vector<Claimed> claim(Connection& db, int limit, int per_tenant, WallTime now) {
  std::vector<Candidate> candidates;
  for (const auto& [tenant, runs] : rooms(db, per_tenant)) {
    auto rows = db.select(
        "SELECT due_at, id FROM run WHERE status = 'queued' AND tenant = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?",
        tenant, now, std::min<std::int64_t>(runs, limit));
    while (rows.next()) {
      const auto due = rows->time();
      candidates.push_back({due, RunId{rows->text()}});
    }
  }
  std::ranges::sort(candidates);
  if (std::ssize(candidates) > limit) candidates.resize(static_cast<std::size_t>(std::max(limit, 0)));
  std::vector<Claimed> all;
  for (const auto& candidate : candidates) all.push_back(take(db, candidate.run, now));
  return all;
}

std::optional<WallTime> next_due(Connection& db) {
  auto rows = db.select(WAITING_TENANTS
                        "SELECT min((SELECT min(due_at) FROM run WHERE status = 'queued' AND tenant = waiting.tenant)) "
                        "FROM waiting WHERE tenant IS NOT NULL");
  rows.next();
  return rows->maybe(&Statement::time);
}

}  // namespace onetake::ledger
