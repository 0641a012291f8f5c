#pragma once

#include <string>

#include "ledger/ledger.hpp"
#include "ledger/sqlite_statement.hpp"

namespace onetake::ledger {

/// `SELECT <recording r>, <run u> FROM recording r LEFT JOIN run u`: a recording with its newest run, which is the one
/// of its cycle. Append WHERE.
extern const std::string select_recording;
/// `SELECT <run u> FROM run u`.
extern const std::string select_run;

Recording read_recording(Statement& row);
Run read_run(Statement& row);

/// Labels are an object of strings.
std::string labels_json(const std::map<std::string, std::string>& labels);

}  // namespace onetake::ledger
