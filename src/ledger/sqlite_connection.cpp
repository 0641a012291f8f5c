#include "ledger/sqlite_connection.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/fd.hpp"
#include "base/log.hpp"

namespace onetake::ledger {
namespace {

/// Pragmas that only tell something. `user_version` and the like set it when they have an argument.
constexpr std::array<std::string_view, 15> telling{
    "table_info",  "table_xinfo",      "table_list",        "index_list",      "index_info",
    "index_xinfo", "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check",
    "page_count",  "compile_options",  "freelist_count",    "page_size",       "user_version"};
constexpr std::array<std::string_view, 2> telling_only_bare{"user_version", "page_size"};

bool has(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

void raise(sqlite3* db) {
  const auto what =
      std::string{"ledger: "} + sqlite3_errmsg(db) + " (SQLite " + std::to_string(sqlite3_extended_errcode(db)) + ")";
  const int code = sqlite3_errcode(db) & 0xff;
  if (code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG) throw Rejected(what);
  throw Unavailable(what);
}

Connection::Connection(const std::filesystem::path& path) {
  try {
    open(path);
  } catch (...) {
    close();
    throw;
  }
}

Connection::~Connection() { close(); }

void Connection::open(const std::filesystem::path& path) {
  if (!Fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)})
    throw Unavailable("ledger: cannot open " + path.string() + ": " + std::generic_category().message(errno));
  if (sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
    raise(db_);
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, 16 << 20);
  sqlite3_set_authorizer(db_, &authorize, this);

  try {
    // The lock before WAL: then its index is on the heap, and there is no shared memory file.
    execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE; COMMIT;");
  } catch (const Unavailable&) {
    if ((sqlite3_errcode(db_) & 0xff) != SQLITE_BUSY) throw;
    throw Unavailable("ledger: " + path.string() + " is in use by another process");
  }
  // 16 MiB of pages: a batch of admissions must fit, or it is spilled into the log before its commit.
  execute(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 0;");
  sqlite3_wal_hook(
      db_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Connection*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
}

void Connection::close() noexcept {
  kept_.clear();
  if (db_ != nullptr) sqlite3_close(db_);  // checkpoints, and removes the log
  db_ = nullptr;
}

Statement& Connection::kept(std::string_view sql) {
  if (const auto it = kept_.find(sql); it != kept_.end()) return it->second;
  return kept_.emplace(std::string{sql}, Statement{db_, sql, true}).first->second;
}

void Connection::execute(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) raise(db_);
}

void Connection::rollback() noexcept {
  if (sqlite3_get_autocommit(db_) != 0) return;
  if (sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr) != SQLITE_OK)
    log::error("ledger.rollback", sqlite3_errmsg(db_));
}

void Connection::checkpoint() {
  int pages = 0;
  int moved = 0;
  if (sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved) != SQLITE_OK) {
    log::warn("ledger.checkpoint", sqlite3_errmsg(db_));  // the log goes on growing; the next one tries again
    return;
  }
  wal_pages_ = pages - moved;
}

int Connection::authorize(void* self, int action, const char* a, const char* b, const char*, const char*) {
  if (!static_cast<const Connection*>(self)->restricted_) return SQLITE_OK;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION:
      return std::string_view{b} == "load_extension" ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_READ:
      return std::string_view{a} == "meta" ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      return has(telling, a) && (b == nullptr || !has(telling_only_bare, a)) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

}  // namespace onetake::ledger
