#include "ledger/sqlite_rows.hpp"

namespace onetake::ledger {
namespace {

std::string select(std::string_view columns, std::string_view from) {
  return std::string{"SELECT "}.append(columns).append(" FROM ").append(from);
}

std::string recording_and_run(std::string_view from) {
  return select(std::string{recording_columns}.append(", ").append(run_columns), from).append(newest_run);
}

}  // namespace

const std::string select_recording = recording_and_run("recording r ");
const std::string select_recording_by_rowid = recording_and_run("recording r NOT INDEXED ");
const std::string select_run = select(run_columns, "run u ");
const std::string select_run_by_recording =  // in SQLite a CROSS JOIN keeps its order
    select(run_columns, "recording r CROSS JOIN run u ON u.tenant = r.tenant AND u.recording_id = r.id ");

}  // namespace onetake::ledger
