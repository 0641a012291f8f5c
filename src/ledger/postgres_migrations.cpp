#include "ledger/postgres_migrations.hpp"

#include <array>
#include <charconv>

#include "base/log.hpp"
#include "ledger/migrations/postgres_0001.hpp"
#include "ledger/tombstone.hpp"

namespace onetake::ledger::pg {
namespace {

struct Migration {
  std::string sql;
  int compatible_from;  ///< builds that know this schema, and later ones, get along with what it makes
};

const std::array<Migration, 1>& migrations() {
  static const std::array<Migration, 1> all{
      Migration{std::string{postgres_0001_tables}.append(postgres_0001_triggers).append(postgres_0001_functions), 1}};
  return all;
}

/// Longer than any migration may take on a table of any size.
constexpr milliseconds patience{3'600'000};

std::string meta(Connection& db, const std::string& key) {
  auto rows = db.select("SELECT value FROM meta WHERE key = $1", key);
  return rows.next() ? rows.text() : std::string{};
}

void set_meta(Connection& db, const std::string& key, const std::string& value) {
  db.run("INSERT INTO meta VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);
}

int number(const std::string& text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool has_table(Connection& db, const std::string& name) {
  auto rows =
      db.select_once("SELECT to_regclass(quote_ident(current_schema()) || '.' || $1) IS NOT NULL", Parameters{name});
  rows.next();
  return rows.truth();
}

void check_newer(Connection& db, int found) {
  const int from = number(meta(db, "compatible_from"));
  if (found == known_schema() + 1 && from <= known_schema()) {
    log::info("ledger.schema", "the database has been migrated for a newer version, and gets along with this one",
              {{"schema", found}, {"known", known_schema()}});
    return;
  }
  throw Unavailable("ledger: the database has schema " + std::to_string(found) + ", this version knows " +
                    std::to_string(known_schema()) + " at most: start a newer version");
}

void apply(Connection& db, int from) {
  if (from == 0) {
    for (const std::string table : {"recording", "run"})
      if (has_table(db, table)) throw Unavailable("ledger: the database belongs to another program");
    db.execute("CREATE TABLE meta (key text PRIMARY KEY, value text NOT NULL)");
    set_meta(db, "application", "onetake");
    set_meta(db, "tombstone_secret", random_secret());
  }
  for (int version = from + 1; version <= known_schema(); ++version) {
    const auto& migration = migrations().at(static_cast<std::size_t>(version - 1));
    db.execute(migration.sql);
    set_meta(db, "schema", std::to_string(version));
    set_meta(db, "compatible_from", std::to_string(migration.compatible_from));
  }
}

}  // namespace

int known_schema() { return static_cast<int>(migrations().size()); }

std::string whole_schema() {
  std::string all;
  for (const auto& each : migrations()) all += each.sql;
  return all;
}

int schema_of(Connection& db) {
  if (!has_table(db, "meta")) return 0;
  if (meta(db, "application") != "onetake") throw Unavailable("ledger: the database belongs to another program");
  return number(meta(db, "schema"));
}

Migrated migrate(Connection& db) {
  int found = schema_of(db);
  if (found > known_schema()) check_newer(db, found);
  if (found >= known_schema()) return {found, found};
  db.take_up_to(patience);
  db.begin();
  try {
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/migrate', 0))");
    found = schema_of(db);  // somebody may have done it while we waited
    if (found < known_schema()) apply(db, found);
    db.commit();
  } catch (...) {
    db.rollback();
    throw;
  }
  return {found, std::max(found, known_schema())};
}

}  // namespace onetake::ledger::pg
