#pragma once

#include "ledger/ledger.hpp"
#include "ledger/postgres_connection.hpp"

namespace onetake::ledger::pg {

/// SQL that a person typed, in a read-only transaction on a connection of its own: whatever it leaves behind in the
/// session goes with it.
result<Table> query(const Target& target, const std::string& sql, milliseconds limit);

}  // namespace onetake::ledger::pg
