#pragma once

#include <string>

#include "ledger/rows.hpp"
#include "ledger/sqlite_statement.hpp"

namespace onetake::ledger {

/// `SELECT <recording r>, <run u> FROM recording r LEFT JOIN run u`: a recording with its newest run. Append WHERE.
extern const std::string select_recording;
/// The same for conditions on `r.rowid`: SQLite is kept from walking an index instead.
extern const std::string select_recording_by_rowid;
/// `SELECT <run u> FROM run u`.
extern const std::string select_run;
/// The same of the recordings r, looked up first.
extern const std::string select_run_by_recording;

}  // namespace onetake::ledger
