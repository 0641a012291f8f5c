// The recordings' list: one query a page, put together from what was asked for.

#include "ledger/cursor.hpp"
#include "ledger/sqlite_recordings.hpp"
#include "ledger/sqlite_rows.hpp"

namespace onetake::ledger {
namespace {

/// More matches of a prefix than this, and it is cheaper to walk the list and look at each.
constexpr std::int64_t narrow = 1000;
/// More that is being fetched than this, and it is cheaper to walk what is not settled.
constexpr std::int64_t few_runs = 20'000;

struct Where {
  std::string sql;
  std::vector<Value> values;

  void also(std::string_view condition, std::initializer_list<Value> with) {
    sql += " AND ";
    sql += condition;
    values.insert(values.end(), with);
  }
};

std::int64_t ms(WallTime time) { return time.time_since_epoch().count(); }

/// The first text, by its bytes, past all that begin with `prefix`; "" when there is none.
std::string past(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

bool is_narrow(Connection& db, const TenantId& tenant, const std::string& q) {
  const std::string end = past(q);
  for (const std::string column : {"call_sid", "from_party", "to_party"}) {
    std::string sql = "SELECT count(*) FROM (SELECT 1 FROM recording WHERE tenant = ? AND ";
    sql.append(column).append(" >= ? AND ").append(column).append(" < ? LIMIT ?)");
    auto rows = db.select(sql, tenant, q, end, narrow);
    rows.next();
    if (rows->integer() >= narrow) return false;
  }
  return true;
}

/// Few matches are looked up by three indexes, then sorted; many are met while walking the list in its order.
void match_prefix(Where& where, const TenantId& tenant, const std::string& q, bool few) {
  const std::string end = past(q);
  if (few) {
    where.also(
        "r.rowid IN (SELECT rowid FROM recording WHERE tenant = ? AND call_sid >= ? AND call_sid < ?"
        " UNION ALL SELECT rowid FROM recording WHERE tenant = ? AND from_party >= ? AND from_party < ?"
        " UNION ALL SELECT rowid FROM recording WHERE tenant = ? AND to_party >= ? AND to_party < ?)",
        {tenant.str(), q, end, tenant.str(), q, end, tenant.str(), q, end});
  } else {
    where.also(
        "((+r.call_sid >= ? AND +r.call_sid < ?) OR (+r.from_party >= ? AND +r.from_party < ?)"
        " OR (+r.to_party >= ? AND +r.to_party < ?))",
        {q, end, q, end, q, end});
  }
}

constexpr std::string_view active_runs =
    "FROM run INDEXED BY run_active WHERE tenant = ? AND status IN ('queued', 'running')";

bool is_few_fetching(Connection& db, const TenantId& tenant) {
  auto rows = db.select(std::string{"SELECT count(*) FROM (SELECT 1 "}.append(active_runs).append(" LIMIT ?)"), tenant,
                        few_runs);
  rows.next();
  return rows->integer() < few_runs;
}

/// No index has 'remote' and 'fetching', between which recordings go to and fro: `few` of the latter are looked up by
/// their runs.
void match_state(Where& where, const TenantId& tenant, State state, bool few) {
  const std::string sought{name(state)};
  if (state != State::remote && state != State::fetching) return where.also("r.settled = ?", {sought});
  where.also("r.state = ?", {sought});
  if (few) {
    where.also(std::string{"r.rowid IN (SELECT rowid FROM recording WHERE id IN (SELECT recording_id "}
                   .append(active_runs)
                   .append("))"),
               {tenant.str()});
  } else {
    where.also("r.settled IS NULL", {});
  }
}

}  // namespace

result<Page<Recording>> list(Connection& db, const ListQuery& query) {
  const std::string order = query.oldest_first ? "ASC" : "DESC";
  Where where{"WHERE r.tenant = ?", {query.tenant.str()}};
  const bool few_fetching = query.state == State::fetching && is_few_fetching(db, query.tenant);
  if (query.state) match_state(where, query.tenant, *query.state, few_fetching);
  if (!query.direction.empty()) where.also("r.direction = ?", {query.direction});
  if (query.started_after) where.also("r.sort_at >= ?", {ms(*query.started_after)});
  if (query.started_before) where.also("r.sort_at < ?", {ms(*query.started_before)});
  if (!query.cursor.empty()) {
    const auto cursor = recording_cursor(query.cursor);
    if (!cursor) return failed(Fault::bad_request, "cursor: not one of ours");
    where.also(query.oldest_first ? "(r.sort_at, r.id) > (?, ?)" : "(r.sort_at, r.id) < (?, ?)",
               {ms(cursor->sort_at), cursor->id});
  }
  const bool few_matches = !query.q.empty() && is_narrow(db, query.tenant, query.q);
  if (!query.q.empty()) match_prefix(where, query.tenant, query.q, few_matches);
  where.values.emplace_back(std::int64_t{query.limit} + 1);

  Statement& statement = db.kept((few_matches || few_fetching ? select_recording_by_rowid : select_recording) +
                                 where.sql + " ORDER BY r.sort_at " + order + ", r.id " + order + " LIMIT ?");
  statement.bind_all(where.values);
  Rows rows{statement};
  Page<Recording> page;
  while (rows.next()) {
    if (std::ssize(page.items) == query.limit) {
      const auto& last = page.items.back();
      page.next_cursor = encode({last.registered.started_at.value_or(last.registered_at), last.id.str()});
      break;
    }
    page.items.push_back(read_recording(*rows));
  }
  return page;
}

}  // namespace onetake::ledger
