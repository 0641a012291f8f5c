// Whose turn it is.

#include <algorithm>
#include <deque>

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

struct Waiting {
  TenantId tenant;
  std::int64_t room;  ///< so many more of it may run
  std::deque<RunId> due = {};
};

/// Who may have one more, whoever has waited longest for a turn first. "status <> 'completed'" is the condition of the
/// index on tenant and status.
std::vector<Waiting> waiting(Connection& db, int per_tenant) {
  auto rows = db.select(WAITING_TENANTS
                        "SELECT tenant, (SELECT count(*) FROM run WHERE tenant = waiting.tenant "
                        "AND status <> 'completed' AND status = 'running'), "
                        "(SELECT claim FROM turn WHERE turn.tenant = waiting.tenant) AS served "
                        "FROM waiting WHERE tenant IS NOT NULL ORDER BY served, tenant");
  std::vector<Waiting> all;
  while (rows.next()) {
    TenantId tenant{rows->text()};
    const auto left = per_tenant - rows->integer();
    if (left > 0) all.push_back({std::move(tenant), left});
  }
  return all;
}

/// A tenant's next runs, in the order of their urgency. One index search each.
std::deque<RunId> due_runs(Connection& db, const TenantId& tenant, std::int64_t most, WallTime now) {
  std::deque<RunId> all;
  for (const auto urgency : {Urgency::play, Urgency::retry, Urgency::background}) {
    auto rows = db.select(
        "SELECT id FROM run WHERE status = 'queued' AND tenant = ? AND urgency = ? AND due_at <= ? "
        "ORDER BY due_at, id LIMIT ?",
        tenant, static_cast<int>(urgency), now, most - std::ssize(all));
    while (rows.next()) all.emplace_back(rows->text());
  }
  return all;
}

void note_turn(Connection& db, const TenantId& tenant) {
  db.run(
      "INSERT INTO turn VALUES (?, 1 + coalesce((SELECT max(claim) FROM turn), 0)) "
      "ON CONFLICT (tenant) DO UPDATE SET claim = excluded.claim",
      tenant);
}

Claimed take(Connection& db, const RunId& id, milliseconds lease, WallTime now) {
  db.run(
      "UPDATE run SET status = 'running', token = token + 1, attempt = attempt + 1, due_at = NULL, "
      "lease_expires_at = ?, started_at = coalesce(started_at, ?) WHERE id = ? AND status = 'queued'",
      ticks(lease), now, id);
  static const std::string sql = select_recording + "WHERE u.id = ?";
  auto rows = db.select(sql, id);
  if (!rows.next()) throw Unavailable("ledger: run " + id.str() + " is not its recording's newest");
  Claimed claimed{{}, read_recording(*rows)};
  claimed.lease = {id, claimed.recording.id, claimed.recording.run->token};
  return claimed;
}

}  // namespace

std::vector<Claimed> claim(Connection& db, int limit, int per_tenant, milliseconds lease, WallTime now) {
  auto tenants = waiting(db, per_tenant);
  for (auto& each : tenants) each.due = due_runs(db, each.tenant, std::min<std::int64_t>(each.room, limit), now);
  std::vector<Claimed> all;
  for (bool more = true; more;) {
    more = false;
    for (auto& [tenant, room, due] : tenants) {
      if (due.empty() || std::ssize(all) >= limit) continue;
      all.push_back(take(db, due.front(), lease, now));
      due.pop_front();
      note_turn(db, tenant);
      more = true;
    }
  }
  return all;
}

std::optional<WallTime> next_due(Connection& db, WallTime now) {
  auto rows = db.select(WAITING_TENANTS
                        ", kind (urgency) AS (VALUES (0), (1), (2)) "
                        "SELECT min((SELECT min(due_at) FROM run WHERE status = 'queued' AND tenant = waiting.tenant "
                        "AND urgency = kind.urgency AND due_at > ?)) FROM waiting, kind WHERE tenant IS NOT NULL",
                        now);
  rows.next();
  return rows->maybe(&Statement::time);
}

}  // namespace onetake::ledger
