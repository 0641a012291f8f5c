#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "recording/run_state.hpp"

namespace onetake::ledger {

/// A value for a query that is put together at run time.
using Value = std::variant<std::int64_t, std::string>;

/// A prepared statement: bind, step, read. Not thread-safe, like its connection. Throws `Unavailable`.
class Statement {
 public:
  /// REQUIRES: `sql` is one statement. `kept` tells SQLite that it will live long.
  Statement(sqlite3* db, std::string_view sql, bool kept);
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Binds from ?1 on. Text is copied.
  template <class... Values>
  void bind(const Values&... values) {
    keep_ = SQLITE_TRANSIENT;
    int at = 0;
    (put(++at, values), ...);
  }
  /// The same, without copies: the values live until the statement has run.
  template <class... Values>
  void bind_borrowed(const Values&... values) {
    keep_ = SQLITE_STATIC;
    int at = 0;
    (put(++at, values), ...);
  }
  void bind_all(std::span<const Value> values);

  /// True on a row, false at the end.
  bool step();
  /// Ready for the next use; what is bound stays until it is bound again.
  void reset() noexcept;

  // The columns of the row, left to right: each read moves on by one. NULL reads as "" or 0.

  void rewind() { column_ = 0; }
  void skip(int columns) { column_ += columns; }
  [[nodiscard]] bool at_null() const { return sqlite3_column_type(statement_, column_) == SQLITE_NULL; }
  [[nodiscard]] std::string_view view();
  [[nodiscard]] std::string text() { return std::string{view()}; }
  [[nodiscard]] std::int64_t integer() { return sqlite3_column_int64(statement_, column_++); }
  [[nodiscard]] double real() { return sqlite3_column_double(statement_, column_++); }
  [[nodiscard]] WallTime time() { return WallTime{milliseconds{integer()}}; }

  /// One of the reads above, or nothing where the column is NULL.
  template <class T>
  [[nodiscard]] std::optional<T> maybe(T (Statement::*read)()) {
    if (!at_null()) return (this->*read)();
    ++column_;
    return std::nullopt;
  }

  [[nodiscard]] sqlite3_stmt* handle() const { return statement_; }

 private:
  void put(int at, std::string_view text);
  void put(int at, const char* text) { put(at, std::string_view{text}); }
  void put(int at, const std::string& text) { put(at, std::string_view{text}); }
  void put(int at, double value);
  void put(int at, std::nullopt_t);
  void put_integer(int at, std::int64_t value);
  void put(int at, std::integral auto value) { put_integer(at, static_cast<std::int64_t>(value)); }
  void put(int at, WallTime time) { put_integer(at, time.time_since_epoch().count()); }
  void put(int at, State state) { put(at, name(state)); }
  void put(int at, RunStatus status) { put(at, name(status)); }
  void put(int at, Reason reason) { put(at, name(reason)); }
  template <class Tag>
  void put(int at, const Id<Tag>& id) {
    put(at, std::string_view{id.str()});
  }
  template <class T>
  void put(int at, const std::optional<T>& value) {
    if (value) {
      put(at, *value);
    } else {
      put(at, std::nullopt);
    }
  }
  void check(int code) const;

  sqlite3_stmt* statement_ = nullptr;
  sqlite3_destructor_type keep_ = SQLITE_TRANSIENT;
  int column_ = 0;
};

/// A kept statement on loan: the rows of one use of it. Gives it back, reset, when it goes.
class Rows {
 public:
  explicit Rows(Statement& statement) : statement_(&statement) {}
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() { statement_->reset(); }

  bool next() { return statement_->step(); }
  Statement* operator->() { return statement_; }
  Statement& operator*() { return *statement_; }

 private:
  Statement* statement_;
};

}  // namespace onetake::ledger
