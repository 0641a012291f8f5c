#pragma once

#include "ledger/ledger.hpp"
#include "ledger/sqlite_connection.hpp"

namespace onetake::ledger {

/// SQL that a person typed. It shares the one connection with everybody: hence the limits.
result<Table> query(Connection& db, const std::string& sql, milliseconds limit);

}  // namespace onetake::ledger
