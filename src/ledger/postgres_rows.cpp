#include "ledger/postgres_rows.hpp"

namespace onetake::ledger::pg {

const std::string select_recording = std::string{"SELECT "}
                                         .append(recording_columns)
                                         .append(", ")
                                         .append(run_columns)
                                         .append(" FROM recording r ")
                                         .append(newest_run);
const std::string select_run = std::string{"SELECT "}.append(run_columns).append(" FROM run u ");

}  // namespace onetake::ledger::pg
