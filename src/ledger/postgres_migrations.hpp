#pragma once

#include <map>
#include <string>

#include "ledger/migrated.hpp"
#include "ledger/postgres_connection.hpp"

namespace onetake::ledger::pg {

/// The newest schema that this build knows; `meta` has the database's.
int known_schema();
/// 0 where there is none.
int schema_of(Connection& db);

/// Applies what is missing, in one transaction, one node at a time: others wait for it and find it done. Throws
/// `Unavailable` for a database of another program, and for a schema that this build may not run on. It may run on one
/// newer by a version, where that says so: `compatible_from` in `meta` is the oldest schema whose builds get along.
Migrated migrate(Connection& db);

/// The SQL that makes schema `known_schema()` out of nothing: the tables, indexes, triggers and functions that this
/// build relies on are those it names.
std::string whole_schema();

}  // namespace onetake::ledger::pg
