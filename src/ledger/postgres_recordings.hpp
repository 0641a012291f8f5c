#pragma once

#include "ledger/ledger.hpp"
#include "ledger/postgres_connection.hpp"

/// The ledger's calls about recordings. `Ledger` says what they do. Those that write stand in a transaction that the
/// caller has begun, and lock the recording's row before they look at it.
namespace onetake::ledger::pg {

std::optional<Recording> find(Connection& db, const Key& key);
result<Page<Recording>> list(Connection& db, const ListQuery& query);

/// False where there is none.
bool lock_recording(Connection& db, const RecordingId& recording);
std::optional<Recording> find_by_id(Connection& db, const RecordingId& recording);

Put put(Connection& db, const TenantId& tenant, const CallSid& call_sid, const Registration& registration,
        WallTime now);
Leftovers erase(Connection& db, const TenantId& tenant, const CallSid& call_sid,
                const std::optional<std::string>& recording_sid, WallTime now);
std::vector<Retired> retire(Connection& db, milliseconds max_age, int limit, WallTime now);

}  // namespace onetake::ledger::pg
