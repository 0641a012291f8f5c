#include "ledger/sqlite_source.hpp"

#include <system_error>

#include "ledger/migrations.hpp"

namespace onetake::ledger {
namespace {

namespace fs = std::filesystem;

fs::path beside(fs::path file, const char* suffix) { return file += suffix; }

sqlite3* open(const fs::path& file) {
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr) == SQLITE_OK) return db;
  const std::string why = sqlite3_errmsg(db);
  sqlite3_close(db);
  throw Unavailable("ledger: " + file.string() + ": " + why);
}

}  // namespace

SqliteSource::SqliteSource(const fs::path& file)
    : shared_memory_(beside(file, "-shm")),
      log_(beside(file, "-wal")),
      had_shared_memory_(fs::exists(shared_memory_)),
      db_(open(file)) {
  const int read = sqlite3_exec(db_.get(), "BEGIN; SELECT 1 FROM sqlite_schema", nullptr, nullptr, nullptr);
  if (read == SQLITE_BUSY) throw Unavailable("ledger: " + file.string() + " is in use by another process");
  if (read != SQLITE_OK) throw Unavailable("ledger: " + file.string() + ": " + sqlite3_errmsg(db_.get()));
  if (number("PRAGMA application_id") != application_id)
    throw Unavailable("ledger: " + file.string() + " belongs to another program");
}

/// Who only reads leaves behind what it needed to read beside others.
SqliteSource::~SqliteSource() {
  db_.reset();
  std::error_code ignored;
  if (!had_shared_memory_) fs::remove(shared_memory_, ignored);
  if (fs::file_size(log_, ignored) == 0) fs::remove(log_, ignored);
}

int SqliteSource::schema() const { return static_cast<int>(number("PRAGMA user_version")); }

std::int64_t SqliteSource::number(const std::string& sql) const {
  auto rows = select(sql);
  rows.step();
  return rows.integer();
}

}  // namespace onetake::ledger
