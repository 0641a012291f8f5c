#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ledger/sqlite_connection.hpp"

namespace onetake::ledger {

/// `PRAGMA application_id`: "one1", in the header of the file.
inline constexpr std::int64_t application_id = 0x6f6e6531;

/// The newest schema that this build knows; `PRAGMA user_version` has the file's.
int known_schema();
/// The SQL of each, the first for schema 1.
std::span<const std::string_view> migrations();
int schema_of(Connection& db);

/// Applies what is missing, each migration in a transaction of its own. Throws `Unavailable` for a schema newer than
/// we know, and for a database that is not ours.
void migrate(Connection& db);

}  // namespace onetake::ledger
