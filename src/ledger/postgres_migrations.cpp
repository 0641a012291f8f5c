#include "ledger/postgres_migrations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>
#include <set>
#include <thread>

#include "base/log.hpp"
#include "ledger/migrations/postgres_0001.hpp"
#include "ledger/migrations/postgres_0002.hpp"
#include "ledger/migrations/postgres_0003.hpp"
#include "ledger/migrations/postgres_0004.hpp"
#include "ledger/migrations/postgres_0005.hpp"
#include "ledger/tombstone.hpp"

namespace onetake::ledger::pg {
namespace {

struct Migration {
  std::string sql;
  int compatible_from;  ///< builds that know this schema, and later ones, get along with what it makes
  /// Tables that were there before, and that this changes, counts, or makes an index of.
  std::vector<std::string> changes = {};
};

const std::array<Migration, 5>& migrations() {
  static const std::array<Migration, 5> all{
      Migration{std::string{postgres_0001_tables}.append(postgres_0001_triggers).append(postgres_0001_functions), 1},
      Migration{std::string{postgres_0002}, 1, {"recording"}}, Migration{std::string{postgres_0003}, 1, {"recording"}},
      Migration{std::string{postgres_0004}, 1}, Migration{std::string{postgres_0005}, 1, {"copy", "node"}}};
  return all;
}

/// Longer than any migration may take on a table of any size.
constexpr milliseconds patience{3'600'000};
/// Between two tries: whoever queued behind the first goes on.
constexpr milliseconds breath{500};
/// After the connection was lost.
constexpr milliseconds after_loss{1'000};
constexpr int most_losses = 5;
constexpr std::string_view lock_not_available = "55P03";

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

/// Asked of the catalogue itself: to_regclass may answer from a cache of before somebody else's migration.
bool has_table(Connection& db, const std::string& name) {
  return db.select_once(
               "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
               "WHERE n.nspname = current_schema() AND c.relname = $1",
               Parameters{name})
             .size() == 1;
}

/// Before anything else: who has a weak lock on a table and then wants a strong one waits for whoever else did the
/// same, and is waited for. While we wait everybody waits behind us, so it is not for long.
void lock_tables(Connection& db, int from, int to, milliseconds at_most) {
  if (from == 0) return;
  std::set<std::string> tables;  // in the order of their names
  for (int version = from + 1; version <= to; ++version)
    for (const auto& table : migrations().at(static_cast<std::size_t>(version - 1)).changes) tables.insert(table);
  const auto lock_timeout = [](milliseconds limit) {
    return "SET LOCAL lock_timeout = " + std::to_string(limit.count());
  };
  db.execute(lock_timeout(at_most));
  for (const auto& table : tables) db.execute("LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE");
  db.execute(lock_timeout(patience));
}

void apply(Connection& db, int from, int to) {
  if (from == 0) {
    for (const std::string table : {"recording", "run"})
      if (has_table(db, table)) throw Unavailable("ledger: the database belongs to another program");
    db.execute("CREATE TABLE meta (key text PRIMARY KEY, value text NOT NULL)");
    set_meta(db, "application", "onetake");
    set_meta(db, "tombstone_secret", random_secret());
    set_meta(db, "node_secret", random_secret());
  }
  for (int version = from + 1; version <= to; ++version) {
    const auto& migration = migrations().at(static_cast<std::size_t>(version - 1));
    db.execute(migration.sql);
    set_meta(db, "schema", std::to_string(version));
    set_meta(db, "compatible_from", std::to_string(migration.compatible_from));
  }
}

/// Tells what schema it found; nothing where somebody was in the way.
std::optional<int> migrate_once(Connection& db, int to, milliseconds held_up) {
  db.begin();
  try {
    db.execute("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/migrate', 0))");
    const int found = schema_of(db);  // somebody may have done it while we waited
    if (found < to) {
      lock_tables(db, found, to, held_up);
      apply(db, found, to);
    }
    db.commit();
    return found;
  } catch (const Conflict& conflict) {
    db.rollback();
    log::info("ledger.migrate", "in the way of a running node; tried again", {{"error", conflict.what()}});
  } catch (const Refused& refused) {
    db.rollback();
    if (refused.state() != lock_not_available) throw;
    log::info("ledger.migrate", "somebody uses the tables, with a long query maybe; tried again",
              {{"error", refused.what()}});
  } catch (...) {
    db.rollback();
    throw;
  }
  return std::nullopt;
}

}  // namespace

int known_schema() { return static_cast<int>(migrations().size()); }

int schema_of(Connection& db) {
  if (!has_table(db, "meta")) return 0;
  if (meta(db, "application") != "onetake") throw Unavailable("ledger: the database belongs to another program");
  return number(meta(db, "schema"));
}

void check_newer(Connection& db, int found) {
  if (found <= known_schema()) return;
  const int from = number(meta(db, "compatible_from"));
  if (found == known_schema() + 1 && from <= known_schema()) {
    log::info("ledger.schema", "the database has been migrated for a newer version, and gets along with this one",
              {{"schema", found}, {"known", known_schema()}});
    return;
  }
  throw Unavailable("ledger: the database has schema " + std::to_string(found) + ", this version knows " +
                    std::to_string(known_schema()) + " at most: start a newer version");
}

std::string select_missing_objects() {
  static const std::regex object{"(CREATE|DROP) (?:UNIQUE )?(?:TABLE|INDEX|TRIGGER|FUNCTION) (\\w+)"};
  std::set<std::string> made;
  for (const auto& migration : migrations()) {
    for (std::sregex_iterator it{migration.sql.begin(), migration.sql.end(), object}, end; it != end; ++it) {
      if ((*it)[1] == "CREATE")
        made.insert((*it)[2]);
      else
        made.erase((*it)[2]);
    }
  }
  std::string names;
  for (const auto& name : made) names.append(names.empty() ? "('" : "), ('").append(name).append("'");
  return "SELECT DISTINCT name FROM (VALUES " + names +
         ")) wanted (name) WHERE name NOT IN ("
         "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace UNION ALL "
         "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
         "WHERE c.relnamespace = current_schema()::regnamespace UNION ALL "
         "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace) "
         "OR name IN (SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
         "WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled = 'D') ORDER BY name";
}

std::vector<std::string> missing_objects(Connection& db) {
  auto rows = db.execute(select_missing_objects());
  std::vector<std::string> names;
  while (rows.next()) names.push_back(rows.text());
  return names;
}

Migrated migrate(Connection& db, int to, milliseconds held_up) {
  const int before = schema_of(db);
  check_newer(db, before);
  if (before >= to) return {before, before};
  db.take_up_to(patience);
  for (const Deadline end = in(patience); Monotonic::now() < end; std::this_thread::sleep_for(breath))
    if (const auto found = migrate_once(db, to, held_up)) return {*found, std::max(*found, to)};
  throw Unavailable("ledger: the tables are in use, and cannot be migrated");
}

Migrated migrate(const Target& target) {
  for (int losses = 0;; std::this_thread::sleep_for(after_loss)) {
    Connection db{target};
    try {
      return migrate(db);
    } catch (const Lost& lost) {
      if (++losses == most_losses) throw;
      log::warn("ledger.migrate", "the connection was lost; tried again", {{"error", lost.what()}});
    }
  }
}

}  // namespace onetake::ledger::pg
