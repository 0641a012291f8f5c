#pragma once

#include "app/control.hpp"
#include "app/foreground.hpp"
#include "app/settings.hpp"
#include "app/verify.hpp"

/// The ledger for a command that may come while a server runs or while none does. Only one process may open a SQLite
/// database: with a server the command asks it, without one it takes its place for a moment. PostgreSQL is asked
/// itself, whoever runs, and what is asked about files is meant of the data directory and of its node.
namespace onetake::app {

/// What a server does for others. The ledger and `foreground` outlive the ControlServer that has them, and `foreground`
/// outlives the ledger; nobody else uses `foreground`.
ControlVerbs control_verbs(ledger::Ledger& ledger, Foreground& foreground);

/// Errors: the database's own words; nobody can be reached; there is no database.
Answer<ledger::Table> ledger_query(const Settings& settings, const std::string& sql);

/// Checks every invariant over the database and the data directory's files.
Answer<Verified> verify_data(const Settings& settings);

/// Applies what is missing. A server on SQLite has applied it on start.
Answer<Schema> ledger_migrate(const Settings& settings);

/// Can the data directory be used, and a SQLite database in it? What was found, for a person. Changes no schema.
Answer<std::string> check_data(const Settings& settings);

/// The same of PostgreSQL. REQUIRES: `settings.database.shared()`.
Answer<std::string> check_server(const Settings& settings);

}  // namespace onetake::app
