#pragma once

#include <string>

#include "ledger/postgres_values.hpp"
#include "ledger/rows.hpp"

namespace onetake::ledger::pg {

/// `SELECT <recording r>, <run u> FROM recording r LEFT JOIN run u`: a recording with its newest run. Append WHERE.
extern const std::string select_recording;
/// `SELECT <run u> FROM run u`.
extern const std::string select_run;

}  // namespace onetake::ledger::pg
