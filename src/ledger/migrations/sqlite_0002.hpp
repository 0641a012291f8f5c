#pragma once

#include <string_view>

namespace onetake::ledger {

/// What eviction, retention, fairness and retries ask for. Builds that know schema 1 alone refuse this file.
inline constexpr std::string_view sqlite_0002 = R"sql(
-- Eviction: published audio, the longest unplayed first. NULL: not since it was published.
ALTER TABLE recording ADD COLUMN played_at INTEGER;
CREATE INDEX recording_by_play ON recording (coalesce(played_at, 0), id) WHERE media_blob IS NOT NULL;

-- Retention: the oldest first.
CREATE INDEX recording_by_age ON recording (sort_at) WHERE state <> 'gone';

-- Who asked for the run: a person who listens, a system that wants it ready, or somebody who tried again.
ALTER TABLE run ADD COLUMN asked_by TEXT NOT NULL DEFAULT 'play'
  CHECK (asked_by = 'play' OR asked_by = 'fetch' OR asked_by = 'retry');
-- Whose turn it is among one tenant's queued runs: 0 somebody waits to hear it, 1 it is repeated, 2 nobody waits.
ALTER TABLE run ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0 CHECK (urgency BETWEEN 0 AND 2);

DROP INDEX run_due;
CREATE INDEX run_due ON run (tenant, urgency, due_at) WHERE status = 'queued';

-- Leases that may have run out; and runs that have waited too long.
CREATE INDEX run_by_lease ON run (lease_expires_at) WHERE status = 'running';
CREATE INDEX run_by_age ON run (created_at) WHERE status = 'queued';

-- Whose turn it is among tenants: the number of each one's newest claim.
CREATE TABLE turn (
  tenant TEXT PRIMARY KEY NOT NULL,
  claim  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX turn_by_claim ON turn (claim);

-- Who works, and when it was last seen to. Like the end of a lease this is told by the monotonic clock of one process.
CREATE TABLE worker (
  id      TEXT PRIMARY KEY NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace onetake::ledger
