// Whose turn it is: `claim_runs` of the schema decides, one claim at a time over all nodes.

#include "ledger/postgres_rows.hpp"
#include "ledger/postgres_runs.hpp"

namespace onetake::ledger::pg {

std::vector<Claimed> claim(Connection& db, const std::string& node, int limit, int per_tenant, milliseconds lease,
                           WallTime now) {
  auto turns = db.select("SELECT claim_runs($1, $2, $3, $4, $5)", limit, per_tenant, lease, now, node);
  turns.next();
  const auto picked = turns.plain_array();
  std::vector<Claimed> all;
  if (picked.empty()) return all;
  static const std::string sql =
      select_recording + "WHERE u.id = ANY ($1::text[]) ORDER BY array_position($1::text[], u.id)";
  auto rows = db.select(sql, picked);
  while (rows.next()) {
    Claimed claimed{{}, read_recording(rows)};
    claimed.lease = {claimed.recording.run->id, claimed.recording.id, claimed.recording.run->token};
    all.push_back(std::move(claimed));
  }
  if (all.size() != picked.size()) throw Unavailable("ledger: a claimed run is not its recording's newest");
  return all;
}

std::optional<WallTime> next_due(Connection& db, WallTime now) {
  auto rows = db.select(
      "WITH RECURSIVE waiting (tenant) AS ("
      "SELECT min(tenant) FROM run WHERE status = 'queued' UNION ALL "
      "SELECT (SELECT min(tenant) FROM run WHERE status = 'queued' AND tenant > waiting.tenant) "
      "FROM waiting WHERE waiting.tenant IS NOT NULL) "
      "SELECT min((SELECT min(due_at) FROM run WHERE status = 'queued' AND tenant = waiting.tenant "
      "AND urgency = kind.urgency AND due_at > $1)) "
      "FROM waiting, (VALUES (0), (1), (2)) kind (urgency) WHERE tenant IS NOT NULL",
      now);
  rows.next();
  return rows.maybe(&Rows::time);
}

}  // namespace onetake::ledger::pg
