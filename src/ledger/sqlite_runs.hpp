#pragma once

#include "ledger/ledger.hpp"
#include "ledger/sqlite_connection.hpp"

/// The ledger's calls about runs, each inside a transaction that the caller has begun. `Ledger` says what they do.
namespace onetake::ledger {

Admission admit(Connection& db, const Play& play);
Cancelled cancel(Connection& db, const TenantId& tenant, const RunId& run, WallTime now);
/// REQUIRES: the run is active.
void end_cancelled(Connection& db, Run& run, WallTime now);

std::vector<Claimed> claim(Connection& db, int limit, int per_tenant, milliseconds lease, WallTime now);
std::optional<WallTime> next_due(Connection& db, WallTime now);

bool progress(Connection& db, const Lease& lease, Bytes received, std::optional<Bytes> total, milliseconds extend);
bool retry(Connection& db, const Lease& lease, Reason reason, const Setback& setback, WallTime due, bool counts);
bool complete(Connection& db, const Lease& lease, const Media& media, WallTime now);
bool fail(Connection& db, const Lease& lease, const Setback& setback, WallTime now);
int recover(Connection& db, WallTime now);

std::vector<Lease> rescue(Connection& db, WallTime now);
std::vector<Recording> expire(Connection& db, milliseconds deadline, int limit, WallTime now);
bool sign_of_life(Connection& db, const std::string& worker);
int workers(Connection& db, milliseconds within);

/// Milliseconds of the monotonic clock: what the end of a lease and a sign of life are told by.
std::int64_t ticks(milliseconds ahead = milliseconds{0});

std::optional<Run> find_run(Connection& db, const TenantId& tenant, const RunId& id);
result<Page<Run>> list_runs(Connection& db, const RunQuery& query);
Counts count(Connection& db);

}  // namespace onetake::ledger
