// Whose turn it is: `claim_runs` of the schema decides, one claim at a time over all nodes.

#include "ledger/postgres_rows.hpp"
#include "ledger/postgres_runs.hpp"

namespace onetake::ledger::pg {
namespace {

/// The runs go from the function to the look at them within the server, for both are sent at once.
std::string claim_and_look(const Connection& db, const std::string& node, int limit, int per_tenant, milliseconds lease,
                           WallTime at) {
  static const std::string look = select_recording +
                                  "WHERE u.id = ANY (string_to_array(current_setting('onetake.claimed'), ',')) ORDER "
                                  "BY array_position(string_to_array(current_setting('onetake.claimed'), ','), u.id);";
  return "SELECT set_config('onetake.claimed', array_to_string(claim_runs(" + std::to_string(limit) + ", " +
         std::to_string(per_tenant) + ", " + std::to_string(lease.count()) + ", " +
         std::to_string(at.time_since_epoch().count()) + ", " + db.quoted(node) + "), ','), true);" + look;
}

/// What a transaction of ours has claimed: nobody else has written to it since, or it is not ours any more.
Rows claimed_by(Connection& db, const std::string& transaction, const std::string& node) {
  static const std::string sql = select_recording +
                                 "WHERE u.status = 'running' AND u.node = $2 AND u.xmin = xid($1::xid8) "
                                 "ORDER BY u.urgency, u.id";
  return db.select(sql, transaction, node);
}

std::vector<Claimed> read_claimed(Rows rows, milliseconds server_ahead) {
  std::vector<Claimed> all;
  while (rows.next()) {
    Claimed claimed{{}, read_recording(rows)};
    auto& run = claimed.recording.run.value();
    claimed.lease = {run.id, claimed.recording.id, run.token};
    run.created_at -= server_ahead;  // the worker goes by this node's clock
    claimed.recording.registered_at -= server_ahead;
    all.push_back(std::move(claimed));
  }
  return all;
}

}  // namespace

std::vector<Claimed> claim(Session& session, const std::string& node, int limit, int per_tenant, milliseconds lease,
                           WallTime now) {
  WallTime at = now;
  auto sent = session.together([&](Connection& db) {
    at = db.by_server(now);
    return claim_and_look(db, node, limit, per_tenant, lease, at);
  });
  const auto look_again = [&](Connection& db) { return claimed_by(db, sent.transaction, node); };
  return read_claimed(sent.rows ? std::move(sent.rows->at(1)) : session.again(look_again), at - now);
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
      db.by_server(now));
  rows.next();
  const auto due = rows.maybe(&Rows::time);
  return due ? std::optional{db.by_node(*due)} : std::nullopt;
}

}  // namespace onetake::ledger::pg
