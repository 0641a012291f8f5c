#include "ledger/postgres_query.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace onetake::ledger::pg {
namespace {

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t most_bytes = 32 << 20;

/// A read-only transaction takes others too: BEGIN, COMMIT, SET, LOCK.
constexpr std::array<std::string_view, 6> reading{"select", "with", "values", "table", "explain", "show"};

std::string first_word(std::string_view sql) {
  std::string word;
  for (const char c : sql) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty() || (std::isspace(static_cast<unsigned char>(c)) == 0 && c != '(')) {
      break;
    }
  }
  return word;
}

/// `meta` has a secret in it. The plan names every table, whatever the statement calls it.
bool reads_meta(Connection& db, const std::string& sql) {
  auto plan = db.select_once("EXPLAIN (VERBOSE, FORMAT JSON) " + sql, {});
  while (plan.next())
    if (plan.view().find(R"("Relation Name": "meta")") != std::string_view::npos) return true;
  return false;
}

void add_row(Table& table, const PGresult& row, std::size_t& bytes) {
  auto& cells = table.rows.emplace_back();
  for (int i = 0; i < PQnfields(&row); ++i) {
    if (PQgetisnull(&row, 0, i) != 0) {
      cells.emplace_back();
    } else {
      cells.emplace_back(PQgetvalue(&row, 0, i));
      bytes += cells.back()->size();
    }
  }
}

}  // namespace

result<Table> query(const Target& target, const std::string& sql, milliseconds limit) {
  const auto word = first_word(sql);
  if (word.empty()) return failed(Fault::bad_request, "no statement");
  if (std::ranges::find(reading, word) == reading.end()) return failed(Fault::bad_request, "only reading is allowed");
  Connection db{target};
  try {
    db.take_up_to(limit);
    db.execute("SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on; BEGIN READ ONLY");
    const bool plannable = word != "explain" && word != "show";
    if (plannable && reads_meta(db, sql)) return failed(Fault::bad_request, "only reading is allowed, and not of meta");
    Table table;
    std::size_t bytes = 0;
    std::optional<Failure> too_much;
    db.select_each(sql, [&](const PGresult& row) {
      if (table.columns.empty())
        for (int i = 0; i < PQnfields(&row); ++i) table.columns.emplace_back(PQfname(&row, i));
      if (PQntuples(&row) == 0) return true;
      if (table.rows.size() == most_rows)
        too_much = {Fault::bad_request, "more than 10000 rows: add a LIMIT"};
      else
        add_row(table, row, bytes);
      if (bytes > most_bytes) too_much = {Fault::bad_request, "more than 32 MiB: ask for less"};
      return !too_much;
    });
    if (too_much) return std::unexpected(*too_much);
    if (table.columns.empty()) return failed(Fault::bad_request, "nothing is asked for");
    return table;
  } catch (const Lost&) {
    if (PQstatus(db.handle()) != CONNECTION_OK) throw;
    return failed(Fault::bad_request, "only reading is allowed");  // it is here that a transaction only reads
  } catch (const Rejected& rejected) {
    return failed(Fault::bad_request, rejected.what());
  } catch (const Refused& refused) {
    if (refused.state() == "57014") return failed(Fault::bad_request, "took too long");
    return failed(Fault::bad_request, refused.what());
  }
}

}  // namespace onetake::ledger::pg
