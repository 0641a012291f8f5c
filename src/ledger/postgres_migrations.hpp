#pragma once

#include <string>
#include <vector>

#include "ledger/migrated.hpp"
#include "ledger/postgres_connection.hpp"

namespace onetake::ledger::pg {

/// The newest schema that this build knows; `meta` has the database's.
int known_schema();
/// 0 where there is none.
int schema_of(Connection& db);

/// Throws `Unavailable` where the schema `found` is newer than this build may run on.
void check_newer(Connection& db, int found);

/// Applies what is missing up to `to`, in one transaction, one node at a time: others wait for it and find it done.
/// Nodes that run go on until it has the tables that it changes, and are held up by its waiting for `held_up` at a
/// time: where somebody does not let go for longer, it steps back and tries again. Throws `Unavailable` for a database
/// of another program, and for a schema that this build may not run on. It may run on one newer by a version, where
/// that says so: `compatible_from` in `meta` is the oldest schema whose builds get along.
Migrated migrate(Connection& db, int to = known_schema(), milliseconds held_up = milliseconds{2'000});
/// On a connection of its own, and another one where that is lost.
Migrated migrate(const Target& target);

/// The tables, indexes, triggers and functions of this build's migrations that are not there, or are switched off: what
/// forbids at all times what the invariants look for afterwards. A definition that was changed by hand is not noticed.
std::vector<std::string> missing_objects(Connection& db);
/// The same as one statement for `Ledger::query`: a row a name.
std::string select_missing_objects();

}  // namespace onetake::ledger::pg
