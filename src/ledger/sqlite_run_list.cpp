#include "ledger/cursor.hpp"
#include "ledger/sqlite_rows.hpp"
#include "ledger/sqlite_runs.hpp"

namespace onetake::ledger {
namespace {

/// The index on tenant and status leaves out the completed, for nearly all are; SQLite takes it where its condition is
/// written out. The names are ours.
std::string condition(RunStatus status) {
  const std::string others = status == RunStatus::completed ? "" : " AND u.status <> 'completed'";
  return others + " AND u.status = '" + std::string{name(status)} + "'";
}

}  // namespace

result<Page<Run>> list_runs(Connection& db, const RunQuery& query) {
  std::string sql;
  std::vector<Value> values{query.tenant.str()};
  std::string order = "u.id";
  if (query.call_sid) {
    sql = select_run_by_recording + "WHERE r.tenant = ? AND r.call_sid = ?";
    values.emplace_back(query.call_sid->str());
    // A call has few: they are sorted, and no index on all runs is of use.
    if (query.status) sql += " AND +u.status = '" + std::string{name(*query.status)} + "'";
    order = "+u.id";
  } else {
    sql = select_run + "WHERE u.tenant = ?";
    if (query.status) sql += condition(*query.status);
  }
  if (!query.cursor.empty()) {
    const auto after = run_cursor(query.cursor);
    if (!after) return failed(Fault::bad_request, "cursor: not one of ours");
    sql += " AND " + order + " < ?";
    values.emplace_back(*after);
  }
  values.emplace_back(std::int64_t{query.limit} + 1);

  Statement& statement = db.kept(sql + " ORDER BY " + order + " DESC LIMIT ?");
  statement.bind_all(values);
  Rows rows{statement};
  Page<Run> page;
  while (rows.next()) {
    if (std::ssize(page.items) == query.limit) {
      page.next_cursor = encode_run_cursor(page.items.back().id.str());
      break;
    }
    page.items.push_back(read_run(*rows));
  }
  return page;
}

}  // namespace onetake::ledger
