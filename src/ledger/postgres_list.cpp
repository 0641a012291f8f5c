// The lists of recordings and of runs: one query a page, put together from what was asked for, planned for its values.

#include <map>
#include <optional>

#include "ledger/cursor.hpp"
#include "ledger/postgres_recordings.hpp"
#include "ledger/postgres_rows.hpp"
#include "ledger/postgres_runs.hpp"
#include "ledger/utf8.hpp"

namespace onetake::ledger::pg {
namespace {

/// Conditions and their values; "?" in a condition becomes the value's number.
class Where {
 public:
  template <class... Values>
  void also(std::string_view condition, const Values&... with) {
    sql_ += sql_.empty() ? "WHERE " : " AND ";
    int at = values_.size();
    for (const char c : condition) {
      if (c == '?') {
        sql_.append("$").append(std::to_string(++at));
      } else {
        sql_ += c;
      }
    }
    (values_.add(with), ...);
  }
  std::string limit(int most) {
    values_.add(most);
    return " LIMIT $" + std::to_string(values_.size());
  }
  [[nodiscard]] const std::string& sql() const { return sql_; }
  [[nodiscard]] const Parameters& values() const { return values_; }

 private:
  std::string sql_;
  Parameters values_;
};

/// More matches of a prefix than this, and it is cheaper to walk the list and look at each.
constexpr int narrow = 1000;
/// More that is being fetched than this, and it is cheaper to walk what is not settled.
constexpr int few_runs = 20'000;

/// What begins with `q`, by three indexes; nothing where it is much.
std::optional<std::vector<std::string>> few_matches(Connection& db, const TenantId& tenant, const std::string& q,
                                                    const std::string& end) {
  const auto matches = [](const std::string& column) {
    return "(SELECT '" + column + "', id FROM recording WHERE tenant = $1 AND " + column + " >= $2 AND " + column +
           " < $3 LIMIT $4)";
  };
  static const std::string sql =
      matches("call_sid") + " UNION ALL " + matches("from_party") + " UNION ALL " + matches("to_party");
  auto rows = db.select(sql, tenant, q, end, narrow);
  std::map<std::string, int> found;
  std::vector<std::string> ids;
  while (rows.next()) {
    if (++found[rows.text()] == narrow) return std::nullopt;
    ids.push_back(rows.text());
  }
  return ids;
}

/// Few matches have been looked up, and are sorted; many are met while walking the list in its order.
void match_prefix(Where& where, Connection& db, const TenantId& tenant, const std::string& q, const std::string& end) {
  if (const auto few = few_matches(db, tenant, q, end)) return where.also("r.id = ANY (?::text[])", *few);
  where.also(
      "((r.call_sid || '' >= ? AND r.call_sid || '' < ?) OR (r.from_party || '' >= ? AND r.from_party || '' < ?)"
      " OR (r.to_party || '' >= ? AND r.to_party || '' < ?))",
      q, end, q, end, q, end);
}

bool is_few_fetching(Connection& db, const TenantId& tenant) {
  auto rows = db.select(
      "SELECT count(*) FROM (SELECT FROM run WHERE tenant = $1 AND status IN ('queued', 'running') LIMIT $2) few",
      tenant, few_runs);
  rows.next();
  return rows.integer() < few_runs;
}

/// No index has 'remote' and 'fetching', between which recordings go to and fro.
void match_state(Where& where, const TenantId& tenant, State state, Connection& db) {
  if (state != State::remote && state != State::fetching) return where.also("r.settled = ?", state);
  where.also("r.state = ?", state);
  if (state == State::fetching && is_few_fetching(db, tenant)) {
    where.also("r.id IN (SELECT recording_id FROM run WHERE tenant = ? AND status IN ('queued', 'running'))", tenant);
  } else {
    where.also("r.settled IS NULL");
  }
}

}  // namespace

result<Page<Recording>> list(Connection& db, const ListQuery& query) {
  const std::string order = query.oldest_first ? "ASC" : "DESC";
  Where where;
  where.also("r.tenant = ?", query.tenant);
  if (query.state) match_state(where, query.tenant, *query.state, db);
  if (!query.direction.empty()) where.also("r.direction = ?", query.direction);
  if (query.started_after) where.also("r.sort_at >= ?", *query.started_after);
  if (query.started_before) where.also("r.sort_at < ?", *query.started_before);
  if (!query.cursor.empty()) {
    const auto cursor = recording_cursor(query.cursor);
    if (!cursor) return failed(Fault::bad_request, "cursor: not one of ours");
    where.also(query.oldest_first ? "(r.sort_at, r.id) > (?, ?)" : "(r.sort_at, r.id) < (?, ?)", cursor->sort_at,
               cursor->id);
  }
  if (!is_text(query.q) || !is_text(query.direction)) return Page<Recording>{};  // nothing that is stored has it
  if (!query.q.empty()) {
    const auto end = past(query.q);
    if (end.empty()) return Page<Recording>{};
    match_prefix(where, db, query.tenant, query.q, end);
  }
  const auto limit = where.limit(query.limit + 1);

  auto rows = db.select_once(
      select_recording + where.sql() + " ORDER BY r.sort_at " + order + ", r.id " + order + limit, where.values());
  Page<Recording> page;
  while (rows.next()) {
    if (std::ssize(page.items) == query.limit) {
      const auto& last = page.items.back();
      page.next_cursor = encode({last.registered.started_at.value_or(last.registered_at), last.id.str()});
      break;
    }
    page.items.push_back(read_recording(rows));
  }
  return page;
}

result<Page<Run>> list_runs(Connection& db, const RunQuery& query) {
  Where where;
  // A call has few: they are sorted, and no index on all runs is of use.
  const std::string order = query.call_sid ? "u.id || ''" : "u.id";
  where.also("u.tenant = ?", query.tenant);
  if (query.call_sid)
    where.also("u.recording_id IN (SELECT id FROM recording WHERE tenant = ? AND call_sid = ?)", query.tenant,
               *query.call_sid);
  if (query.status) where.also("u.status = ?", *query.status);
  if (query.status && query.status != RunStatus::completed) where.also("u.status <> 'completed'");
  if (!query.cursor.empty()) {
    const auto after = run_cursor(query.cursor);
    if (!after) return failed(Fault::bad_request, "cursor: not one of ours");
    where.also(order + " < ?", *after);
  }
  const auto limit = where.limit(query.limit + 1);
  auto rows = db.select_once(select_run + where.sql() + " ORDER BY " + order + " DESC" + limit, where.values());
  Page<Run> page;
  while (rows.next()) {
    if (std::ssize(page.items) == query.limit) {
      page.next_cursor = encode_run_cursor(page.items.back().id.str());
      break;
    }
    page.items.push_back(read_run(rows));
  }
  return page;
}

}  // namespace onetake::ledger::pg
