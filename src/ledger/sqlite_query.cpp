#include "ledger/sqlite_query.hpp"

namespace onetake::ledger {
namespace {

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t most_bytes = 32 << 20;
constexpr int steps_between_looks = 1000;  // of SQLite's machine: well under a millisecond

/// Only reading, and only until the deadline, for as long as it lives.
class Restricted {
 public:
  Restricted(Connection& db, Deadline deadline) : db_(db), deadline_(deadline) {
    db_.restrict(true);
    sqlite3_progress_handler(
        db_.handle(), steps_between_looks,
        [](void* self) { return Monotonic::now() >= static_cast<Restricted*>(self)->deadline_ ? 1 : 0; }, this);
  }
  Restricted(const Restricted&) = delete;
  Restricted& operator=(const Restricted&) = delete;
  ~Restricted() {
    sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr);
    db_.restrict(false);
  }

 private:
  Connection& db_;
  Deadline deadline_;
};

class Prepared {
 public:
  ~Prepared() { sqlite3_finalize(statement); }
  sqlite3_stmt* statement = nullptr;
};

/// Text as it is, numbers as SQLite writes them, blobs in hex.
std::optional<std::string> cell(sqlite3_stmt* row, int column) {
  const int type = sqlite3_column_type(row, column);
  if (type == SQLITE_NULL) return std::nullopt;
  if (type != SQLITE_BLOB) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
    return std::string{text, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
  }
  static constexpr char digits[] = "0123456789abcdef";
  const auto* bytes = static_cast<const unsigned char*>(sqlite3_column_blob(row, column));
  std::string hex;
  for (int i = 0; i < sqlite3_column_bytes(row, column); ++i) {
    hex += digits[bytes[i] >> 4];
    hex += digits[bytes[i] & 15];
  }
  return hex;
}

Table header(sqlite3_stmt* statement) {
  Table table;
  for (int i = 0; i < sqlite3_column_count(statement); ++i)
    table.columns.emplace_back(sqlite3_column_name(statement, i));
  return table;
}

/// What a person gets to read: the input's fault, or the limit's. A broken database throws.
std::unexpected<Failure> refusal(Connection& db) {
  const int code = sqlite3_errcode(db.handle()) & 0xff;
  if (code == SQLITE_INTERRUPT) return failed(Fault::bad_request, "took too long");
  if (code == SQLITE_AUTH) return failed(Fault::bad_request, "only reading is allowed");
  if (code != SQLITE_ERROR && code != SQLITE_TOOBIG && code != SQLITE_MISMATCH && code != SQLITE_RANGE)
    raise(db.handle());
  return failed(Fault::bad_request, sqlite3_errmsg(db.handle()));
}

}  // namespace

result<Table> query(Connection& db, const std::string& sql, milliseconds limit) {
  const Restricted restricted{db, in(limit)};
  Prepared first;
  Prepared second;
  const char* rest = nullptr;
  if (sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &first.statement, &rest) != SQLITE_OK) return refusal(db);
  if (first.statement == nullptr) return failed(Fault::bad_request, "no statement");
  if (sqlite3_stmt_readonly(first.statement) == 0) return failed(Fault::bad_request, "only reading is allowed");
  if (sqlite3_prepare_v2(db.handle(), rest, -1, &second.statement, nullptr) != SQLITE_OK || second.statement != nullptr)
    return failed(Fault::bad_request, "one statement at a time");

  Table table = header(first.statement);
  std::size_t bytes = 0;
  int code = SQLITE_OK;
  while ((code = sqlite3_step(first.statement)) == SQLITE_ROW) {
    if (table.rows.size() == most_rows) return failed(Fault::bad_request, "more than 10000 rows: add a LIMIT");
    auto& row = table.rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(first.statement); ++i) {
      row.push_back(cell(first.statement, i));
      bytes += row.back() ? row.back()->size() : 0;
    }
    if (bytes > most_bytes) return failed(Fault::bad_request, "more than 32 MiB: ask for less");
  }
  if (code != SQLITE_DONE) return refusal(db);
  return table;
}

}  // namespace onetake::ledger
