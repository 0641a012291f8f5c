#include "ledger/cursor.hpp"
#include "ledger/sqlite_rows.hpp"
#include "ledger/sqlite_runs.hpp"

namespace onetake::ledger {
namespace {

/// A partial index is taken for a condition that is written out, not for one that is bound; the names are ours.
std::string condition(RunStatus status) { return " AND u.status = '" + std::string{name(status)} + "'"; }

}  // namespace

result<Page<Run>> list_runs(Connection& db, const RunQuery& query) {
  std::string sql = select_run;
  std::vector<Value> values;
  if (query.call_sid) {
    sql += "JOIN recording r ON u.tenant = r.tenant AND u.recording_id = r.id WHERE r.tenant = ? AND r.call_sid = ?";
    values = {query.tenant.str(), query.call_sid->str()};
  } else {
    sql += "WHERE u.tenant = ?";
    values = {query.tenant.str()};
  }
  if (query.status) sql += condition(*query.status);
  if (!query.cursor.empty()) {
    const auto after = run_cursor(query.cursor);
    if (!after) return failed(Fault::bad_request, "cursor: not one of ours");
    sql += " AND u.id < ?";
    values.emplace_back(*after);
  }
  values.emplace_back(std::int64_t{query.limit} + 1);

  Statement& statement = db.kept(sql + " ORDER BY u.id DESC LIMIT ?");
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
