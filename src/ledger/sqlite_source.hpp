#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>

#include "ledger/sqlite_statement.hpp"

namespace onetake::ledger {

/// A ledger's file that is read, and left as it is, with its log: one moment of it, from construction on. One thread.
class SqliteSource {
 public:
  /// REQUIRES: its data directory is the caller's, so that nobody begins to write meanwhile. Throws `Unavailable`:
  /// there is no such file, another process has it, it is no database, it is not ours.
  explicit SqliteSource(const std::filesystem::path& file);
  SqliteSource(const SqliteSource&) = delete;
  SqliteSource& operator=(const SqliteSource&) = delete;
  ~SqliteSource();

  [[nodiscard]] int schema() const;
  /// Gone before this is.
  [[nodiscard]] Statement select(const std::string& sql) const { return Statement{db_.get(), sql, false}; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  [[nodiscard]] std::int64_t number(const std::string& sql) const;

  const std::filesystem::path shared_memory_;
  const std::filesystem::path log_;
  const bool had_shared_memory_;
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace onetake::ledger
