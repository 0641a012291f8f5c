#include "ledger/sqlite_statement.hpp"

#include <utility>

#include "ledger/sqlite_connection.hpp"

namespace onetake::ledger {

Statement::Statement(sqlite3* db, std::string_view sql, bool kept) {
  const int code = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()),
                                      kept ? SQLITE_PREPARE_PERSISTENT : 0, &statement_, nullptr);
  if (code != SQLITE_OK) raise(db);
}

Statement::Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

void Statement::check(int code) const {
  if (code != SQLITE_OK) raise(sqlite3_db_handle(statement_));
}

void Statement::put(int at, std::string_view text) {
  check(sqlite3_bind_text64(statement_, at, text.empty() ? "" : text.data(), text.size(), keep_, SQLITE_UTF8));
}

void Statement::put(int at, double value) { check(sqlite3_bind_double(statement_, at, value)); }

void Statement::put(int at, std::nullopt_t) { check(sqlite3_bind_null(statement_, at)); }

void Statement::put_integer(int at, std::int64_t value) { check(sqlite3_bind_int64(statement_, at, value)); }

void Statement::bind_all(std::span<const Value> values) {
  keep_ = SQLITE_TRANSIENT;
  int at = 0;
  for (const auto& value : values) std::visit([&](const auto& each) { put(++at, each); }, value);
}

bool Statement::step() {
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) raise(sqlite3_db_handle(statement_));
  return false;
}

void Statement::reset() noexcept { sqlite3_reset(statement_); }

std::string_view Statement::view() {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column_));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_));
  ++column_;
  return text == nullptr ? std::string_view{} : std::string_view{text, size};
}

}  // namespace onetake::ledger
