#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "ledger/ledger.hpp"
#include "ledger/sqlite_statement.hpp"

namespace onetake::ledger {

/// Throws `Unavailable` with the connection's newest error.
[[noreturn]] void raise(sqlite3* db);

/// The one connection to the file: exclusive, WAL, every commit synced. The exclusive lock is taken on opening and
/// held until the end, so a second opening, by whomever, throws. One thread at a time.
class Connection {
 public:
  /// Makes the file, 0600, where there is none: it has telephone numbers in it.
  explicit Connection(const std::filesystem::path& path);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// A kept statement, bound. Not to be asked for again while its rows are being read.
  template <class... Values>
  [[nodiscard]] Rows select(std::string_view sql, const Values&... values) {
    Statement& statement = kept(sql);
    statement.bind(values...);
    return Rows{statement};
  }
  /// A kept statement, bound and run to its end. Returns how many rows it changed, without what triggers did.
  template <class... Values>
  int run(std::string_view sql, const Values&... values) {
    Statement& statement = kept(sql);
    statement.bind_borrowed(values...);
    Rows rows{statement};
    while (rows.next()) {
    }
    return sqlite3_changes(db_);
  }
  Statement& kept(std::string_view sql);
  /// Any number of statements, not kept.
  void execute(const std::string& sql);

  void begin() { run("BEGIN IMMEDIATE"); }
  void commit() { run("COMMIT"); }
  /// Also where the error has already ended the transaction.
  void rollback() noexcept;

  /// Commits grow the write-ahead log; this moves it into the file and lets it begin anew.
  [[nodiscard]] int wal_pages() const { return wal_pages_; }
  void checkpoint();

  /// While true, only reading is prepared: no write, no ATTACH, no transaction, no pragma that sets something, and
  /// nothing of `meta`, for that holds a secret.
  void restrict(bool on) { restricted_ = on; }

  [[nodiscard]] sqlite3* handle() const { return db_; }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  void open(const std::filesystem::path& path);
  void close() noexcept;
  static int authorize(void* self, int action, const char* a, const char* b, const char* c, const char* d);

  sqlite3* db_ = nullptr;
  int wal_pages_ = 0;
  bool restricted_ = false;
  std::unordered_map<std::string, Statement, Hash, std::equal_to<>> kept_;
};

}  // namespace onetake::ledger
