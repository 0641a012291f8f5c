#pragma once

#include "ledger/ledger.hpp"
#include "ledger/sqlite_connection.hpp"

/// The ledger's calls about recordings, each inside a transaction that the caller has begun. `Ledger` says what they
/// do.
namespace onetake::ledger {

std::optional<Recording> find(Connection& db, const Key& key);
result<Page<Recording>> list(Connection& db, const ListQuery& query);

Put put(Connection& db, const TenantId& tenant, const CallSid& call_sid, const Registration& registration,
        WallTime now);
Leftovers erase(Connection& db, const TenantId& tenant, const CallSid& call_sid,
                const std::optional<std::string>& recording_sid, WallTime now);
bool disown(Connection& db, const RecordingId& recording, const std::string& blob);
std::vector<Retired> retire(Connection& db, milliseconds max_age, int limit, WallTime now);

}  // namespace onetake::ledger
