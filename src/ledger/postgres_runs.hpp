#pragma once

#include <span>

#include "ledger/ledger.hpp"
#include "ledger/postgres_session.hpp"

/// The ledger's calls about runs. `Ledger` says what they do; `node` is the one that calls. Those marked `again` may be
/// said again outside of a transaction; the other writers stand in one that the caller has begun.
namespace onetake::ledger::pg {

/// A Play, and the id of the run that it may become: the same id when it is said again, so that a run whose commit's
/// answer was lost is known to be ours.
struct Press {
  Play play;
  RunId run;
};
/// Again. Plays of any recordings, also several of one; answered in their order.
std::vector<Admission> admit(Connection& db, std::span<const Press> presses, const std::string& node);

Cancelled cancel(Connection& db, const TenantId& tenant, const RunId& run, WallTime now);
/// REQUIRES: the run is active, its recording locked.
void end_cancelled(Connection& db, Run& run, WallTime now);

/// In a transaction of its own.
std::vector<Claimed> claim(Session& session, const std::string& node, int limit, int per_tenant, milliseconds lease,
                           WallTime now);
std::optional<WallTime> next_due(Connection& db, WallTime now);

/// Again.
bool progress(Connection& db, const Lease& lease, Bytes received, std::optional<Bytes> total, milliseconds extend);
bool retry(Connection& db, const Lease& lease, Reason reason, const Setback& setback, WallTime due, bool counts);
bool complete(Connection& db, const std::string& node, const Lease& lease, const Media& media, WallTime now);
bool fail(Connection& db, const Lease& lease, const Setback& setback, WallTime now);
int recover(Connection& db, const std::string& node, WallTime now);

std::vector<Lease> rescue(Connection& db, WallTime now);
std::vector<Recording> expire(Connection& db, milliseconds deadline, int limit, WallTime now);
/// Again.
bool sign_of_life(Connection& db, const std::string& node, const std::string& worker);
int workers(Connection& db, milliseconds within);

std::optional<Run> find_run(Connection& db, const TenantId& tenant, const RunId& id);
result<Page<Run>> list_runs(Connection& db, const RunQuery& query);
Counts count(Connection& db);

}  // namespace onetake::ledger::pg
