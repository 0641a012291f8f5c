#include "ledger/migrations.hpp"

#include <array>

#include "ledger/migrations/sqlite_0001.hpp"
#include "ledger/migrations/sqlite_0002.hpp"
#include "ledger/migrations/sqlite_0003.hpp"
#include "ledger/migrations/sqlite_0004.hpp"
#include "ledger/migrations/sqlite_0005.hpp"
#include "ledger/migrations/sqlite_0006.hpp"
#include "ledger/tombstone.hpp"

namespace onetake::ledger {
namespace {

constexpr std::array all{sqlite_0001, sqlite_0002, sqlite_0003, sqlite_0004, sqlite_0005, sqlite_0006};

std::int64_t number(Connection& db, std::string_view sql) {
  auto rows = db.select(sql);
  rows.next();
  return rows->integer();
}

}  // namespace

std::span<const std::string_view> migrations() { return all; }

int known_schema() { return static_cast<int>(all.size()); }

int schema_of(Connection& db) { return static_cast<int>(number(db, "PRAGMA user_version")); }

void migrate(Connection& db) {
  const int found = schema_of(db);
  if (found > known_schema())
    throw Unavailable("ledger: the database has schema " + std::to_string(found) + ", this version knows " +
                      std::to_string(known_schema()) + " at most: start a newer version");
  const auto owner = number(db, "PRAGMA application_id");
  if (owner != application_id && (owner != 0 || found != 0 || number(db, "SELECT count(*) FROM sqlite_schema") != 0))
    throw Unavailable("ledger: the database belongs to another program");

  for (int version = found + 1; version <= known_schema(); ++version) {
    db.begin();
    try {
      db.execute(std::string{all.at(static_cast<std::size_t>(version - 1))});
      if (version == 1) {
        db.execute("PRAGMA application_id = " + std::to_string(application_id));
        db.run("INSERT INTO meta VALUES ('tombstone_secret', ?)", random_secret());
      }
      db.execute("PRAGMA user_version = " + std::to_string(version));
      db.commit();
    } catch (...) {
      db.rollback();
      throw;
    }
  }
}

}  // namespace onetake::ledger
