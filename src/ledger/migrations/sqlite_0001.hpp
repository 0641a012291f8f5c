#pragma once

#include <string_view>

namespace onetake::ledger {

/// Recordings, runs, tombstones. Times are milliseconds since 1970, UTC. Closed sets are spelled as OR: for each row
/// that an IN of three or more is checked on, SQLite builds a table (it cost a third of an admission).
inline constexpr std::string_view sqlite_0001 = R"sql(
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recording (
  id               TEXT PRIMARY KEY NOT NULL,              -- UUIDv7
  tenant           TEXT NOT NULL,
  call_sid         TEXT NOT NULL,
  recording_key    TEXT NOT NULL,                          -- recording_sid, or ''
  provider         TEXT NOT NULL,
  source_url       TEXT NOT NULL,
  source_key       TEXT NOT NULL,
  parent_call_sid  TEXT NOT NULL,
  from_party       TEXT NOT NULL,
  to_party         TEXT NOT NULL,
  direction        TEXT NOT NULL,
  started_at       INTEGER,
  duration_seconds REAL,
  channels         INTEGER,
  format           TEXT NOT NULL,
  labels           TEXT NOT NULL DEFAULT '{}',              -- an object of strings
  registered_at    INTEGER NOT NULL,
  state            TEXT NOT NULL DEFAULT 'remote'
                   CHECK (state = 'remote' OR state = 'fetching' OR state = 'ready'
                          OR state = 'failed' OR state = 'gone'),
  cycle            INTEGER NOT NULL DEFAULT 0 CHECK (cycle >= 0),  -- of the newest run; 0 before the first
  media_blob             TEXT,
  media_bytes            INTEGER,
  media_sha256           TEXT,
  media_content_type     TEXT,
  media_duration_seconds REAL,
  media_channels         INTEGER,
  media_codec            TEXT,
  media_cycle            INTEGER,
  media_version          INTEGER,
  media_last_modified    INTEGER,
  sort_at INTEGER GENERATED ALWAYS AS (coalesce(started_at, registered_at)) VIRTUAL,
  UNIQUE (tenant, call_sid, recording_key),
  UNIQUE (tenant, id),
  CHECK ((state = 'ready') = (media_blob IS NOT NULL)),
  CHECK ((media_blob IS NULL) = (media_bytes IS NULL))
) STRICT;
CREATE INDEX recording_by_time ON recording (tenant, sort_at, id);
CREATE INDEX recording_by_state ON recording (tenant, state, sort_at, id);
CREATE INDEX recording_by_from ON recording (tenant, from_party);
CREATE INDEX recording_by_to ON recording (tenant, to_party);

CREATE TABLE run (
  id               TEXT PRIMARY KEY NOT NULL,              -- UUIDv7: in the order of creation
  tenant           TEXT NOT NULL,
  recording_id     TEXT NOT NULL,
  call_sid         TEXT NOT NULL,
  job_type         TEXT NOT NULL CHECK (job_type = 'fetch'),
  cycle            INTEGER NOT NULL CHECK (cycle >= 1),
  status           TEXT NOT NULL
                   CHECK (status = 'queued' OR status = 'running'
                          OR status = 'completed' OR status = 'failed' OR status = 'cancelled'),
  attempt          INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  max_attempts     INTEGER NOT NULL,
  received_bytes   INTEGER NOT NULL DEFAULT 0,
  total_bytes      INTEGER,
  reason           TEXT NOT NULL DEFAULT 'queued'
                   CHECK (reason = 'queued' OR reason = 'not_ready' OR reason = 'throttled' OR reason = 'retrying'),
  cause            TEXT,
  error            TEXT,
  provider_status  INTEGER,
  token            INTEGER NOT NULL DEFAULT 0,
  lease_expires_at INTEGER,                                -- on SQLite no lease outlives the process
  due_at           INTEGER,
  created_at       INTEGER NOT NULL,
  started_at       INTEGER,
  completed_at     INTEGER,
  UNIQUE (tenant, recording_id, cycle),
  FOREIGN KEY (tenant, recording_id) REFERENCES recording (tenant, id) ON DELETE CASCADE,
  CHECK ((status = 'queued') = (due_at IS NOT NULL)),
  CHECK ((status = 'queued' OR status = 'running') = (completed_at IS NULL)),
  CHECK ((cause IS NULL) = (error IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX run_active ON run (tenant, recording_id) WHERE status IN ('queued', 'running');
CREATE INDEX run_due ON run (tenant, due_at) WHERE status = 'queued';
CREATE INDEX run_by_tenant ON run (tenant);
CREATE INDEX run_by_status ON run (tenant, status) WHERE status <> 'completed';  -- nearly all are

CREATE TRIGGER run_follows_its_states BEFORE UPDATE ON run
WHEN old.completed_at IS NOT NULL
  OR (old.status = 'queued' AND new.status = 'completed')
  OR (old.status = 'queued' AND new.status = 'running' AND new.token <= old.token)
  OR new.token < old.token
BEGIN
  SELECT raise(ABORT, 'an ended run is never changed, a token never shrinks, only a running run completes');
END;

CREATE TRIGGER run_goes_with_its_recording BEFORE DELETE ON run
WHEN EXISTS (SELECT 1 FROM recording WHERE id = old.recording_id)
BEGIN
  SELECT raise(ABORT, 'a run is deleted with its recording only');
END;

CREATE TABLE tombstone (
  tenant         TEXT NOT NULL,
  call_sid_hmac  TEXT NOT NULL,
  recording_hmac TEXT NOT NULL,                            -- '': every recording of the call
  erased_at      INTEGER NOT NULL,
  PRIMARY KEY (tenant, call_sid_hmac, recording_hmac)
) STRICT, WITHOUT ROWID;

-- Totals that would take a scan to count.
CREATE TABLE tally (
  name  TEXT PRIMARY KEY NOT NULL,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tally VALUES ('completed', 0), ('failed', 0), ('cancelled', 0), ('published_bytes', 0);

CREATE TRIGGER run_ended AFTER UPDATE OF status ON run WHEN new.completed_at IS NOT NULL
BEGIN
  UPDATE tally SET value = value + 1 WHERE name = new.status;
END;
CREATE TRIGGER run_deleted AFTER DELETE ON run WHEN old.completed_at IS NOT NULL
BEGIN
  UPDATE tally SET value = value - 1 WHERE name = old.status;
END;
CREATE TRIGGER recording_published AFTER UPDATE OF media_bytes ON recording WHEN old.media_bytes IS NOT new.media_bytes
BEGIN
  UPDATE tally SET value = value + coalesce(new.media_bytes, 0) - coalesce(old.media_bytes, 0)
  WHERE name = 'published_bytes';
END;
CREATE TRIGGER recording_deleted AFTER DELETE ON recording WHEN old.media_bytes IS NOT NULL
BEGIN
  UPDATE tally SET value = value - old.media_bytes WHERE name = 'published_bytes';
END;
)sql";

}  // namespace onetake::ledger
