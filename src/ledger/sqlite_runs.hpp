#pragma once

#include "ledger/ledger.hpp"
#include "ledger/sqlite_connection.hpp"

/// The ledger's calls about runs, each inside a transaction that the caller has begun. `Ledger` says what they do.
namespace onetake::ledger {

Admission admit(Connection& db, const Play& play);

std::vector<Claimed> claim(Connection& db, int limit, int per_tenant, WallTime now);
std::optional<WallTime> next_due(Connection& db);

bool progress(Connection& db, const Lease& lease, Bytes received, std::optional<Bytes> total);
bool retry(Connection& db, const Lease& lease, Reason reason, const Setback& setback, WallTime due, bool counts);
bool complete(Connection& db, const Lease& lease, const Media& media, WallTime now);
bool fail(Connection& db, const Lease& lease, const Setback& setback, WallTime now);
int recover(Connection& db, WallTime now);

std::optional<Run> find_run(Connection& db, const TenantId& tenant, const RunId& id);
result<Page<Run>> list_runs(Connection& db, const RunQuery& query);
Counts count(Connection& db);

}  // namespace onetake::ledger
