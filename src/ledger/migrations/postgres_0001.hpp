#pragma once

#include <string_view>

namespace onetake::ledger::pg {

/// All of schema 1 but the functions. Names, columns and guarantees are those of SQLite, so that what people ask with
/// `onetake query` reads alike; what several nodes need is added.
///
/// Times that are stored and shown are milliseconds since 1970, UTC, as the port has them: a timestamptz would be
/// finer than what was said, and shown in the session's zone. Leases and signs of life are timestamptz: nobody but
/// this database's clock_timestamp() sets them or is compared with them (now() would be the transaction's start).
/// Text is compared by its bytes (COLLATE "C"): prefixes use the indexes, and no upgrade of a locale breaks one.
inline constexpr std::string_view postgres_0001_tables = R"sql(
CREATE TABLE recording (
  id               text COLLATE "C" PRIMARY KEY,            -- UUIDv7
  tenant           text COLLATE "C" NOT NULL,
  call_sid         text COLLATE "C" NOT NULL,
  recording_key    text COLLATE "C" NOT NULL,               -- recording_sid, or ''
  provider         text NOT NULL,
  source_url       text NOT NULL,
  source_key       text NOT NULL,
  parent_call_sid  text NOT NULL,
  from_party       text COLLATE "C" NOT NULL,
  to_party         text COLLATE "C" NOT NULL,
  direction        text NOT NULL,
  started_at       bigint,
  duration_seconds double precision,
  channels         integer,
  format           text NOT NULL,
  labels           text NOT NULL DEFAULT '{}',              -- an object of strings
  registered_at    bigint NOT NULL,
  state            text NOT NULL DEFAULT 'remote' CHECK (state IN ('remote', 'fetching', 'ready', 'failed', 'gone')),
  cycle            integer NOT NULL DEFAULT 0 CHECK (cycle >= 0),  -- of the newest run; 0 before the first
  media_blob             text COLLATE "C",
  media_bytes            bigint,
  media_sha256           text,
  media_content_type     text,
  media_duration_seconds double precision,
  media_channels         integer,
  media_codec            text,
  media_cycle            integer,
  media_version          integer,
  media_last_modified    bigint,
  media_durable          boolean NOT NULL DEFAULT false,    -- there is a copy that all nodes share
  sort_at bigint NOT NULL GENERATED ALWAYS AS (coalesce(started_at, registered_at)) STORED,
  UNIQUE (tenant, call_sid, recording_key),
  UNIQUE (tenant, id),
  CHECK ((state = 'ready') = (media_blob IS NOT NULL)),
  CHECK ((media_blob IS NULL) = (media_bytes IS NULL))
) WITH (fillfactor = 90);
CREATE INDEX recording_by_time ON recording (tenant, sort_at, id);
CREATE INDEX recording_by_state ON recording (tenant, state, sort_at, id);
CREATE INDEX recording_by_from ON recording (tenant, from_party);
CREATE INDEX recording_by_to ON recording (tenant, to_party);
CREATE INDEX recording_by_age ON recording (sort_at) WHERE state <> 'gone';

CREATE TABLE run (
  id               text COLLATE "C" PRIMARY KEY,            -- UUIDv7: in the order of creation
  tenant           text COLLATE "C" NOT NULL,
  recording_id     text COLLATE "C" NOT NULL,
  call_sid         text COLLATE "C" NOT NULL,
  job_type         text NOT NULL CHECK (job_type = 'fetch'),
  cycle            integer NOT NULL CHECK (cycle >= 1),
  status           text NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
  attempt          integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  max_attempts     integer NOT NULL,
  received_bytes   bigint NOT NULL DEFAULT 0,
  total_bytes      bigint,
  reason           text NOT NULL DEFAULT 'queued' CHECK (reason IN ('queued', 'not_ready', 'throttled', 'retrying')),
  cause            text,
  error            text,
  provider_status  integer,
  token            bigint NOT NULL DEFAULT 0,
  lease_expires_at timestamptz,
  node             text COLLATE "C" NOT NULL DEFAULT '',    -- who claimed it last
  due_at           bigint,
  created_at       bigint NOT NULL,
  started_at       bigint,
  completed_at     bigint,
  asked_by         text NOT NULL DEFAULT 'play' CHECK (asked_by IN ('play', 'fetch', 'retry')),
  urgency          integer NOT NULL DEFAULT 0 CHECK (urgency BETWEEN 0 AND 2),  -- 0 heard, 1 repeated, 2 made ready
  UNIQUE (tenant, recording_id, cycle),
  FOREIGN KEY (tenant, recording_id) REFERENCES recording (tenant, id) ON DELETE CASCADE,
  CHECK ((status = 'queued') = (due_at IS NOT NULL)),
  CHECK ((status = 'running') OR (lease_expires_at IS NULL)),
  CHECK ((status IN ('queued', 'running')) = (completed_at IS NULL)),
  CHECK ((cause IS NULL) = (error IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX run_active ON run (tenant, recording_id) WHERE status IN ('queued', 'running');
CREATE INDEX run_due ON run (tenant, urgency, due_at, id) WHERE status = 'queued';
CREATE INDEX run_running ON run (tenant) WHERE status = 'running';
CREATE INDEX run_by_lease ON run (lease_expires_at) WHERE status = 'running';
CREATE INDEX run_by_age ON run (created_at) WHERE status = 'queued';
CREATE INDEX run_by_tenant ON run (tenant, id);
CREATE INDEX run_by_status ON run (tenant, status, id) WHERE status <> 'completed';  -- nearly all are

CREATE TABLE tombstone (
  tenant         text COLLATE "C" NOT NULL,
  call_sid_hmac  text COLLATE "C" NOT NULL,
  recording_hmac text COLLATE "C" NOT NULL,                 -- '': every recording of the call
  erased_at      bigint NOT NULL,
  PRIMARY KEY (tenant, call_sid_hmac, recording_hmac)
);

-- Whose turn it is among tenants: the number of each one's newest claim.
CREATE TABLE turn (
  tenant text COLLATE "C" PRIMARY KEY,
  claim  bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX turn_by_claim ON turn (claim);

CREATE TABLE worker (
  id      text COLLATE "C" PRIMARY KEY,
  node    text COLLATE "C" NOT NULL,
  seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- A node has the name that stays with its data directory, and the URL under which the others reach it now.
CREATE TABLE node (
  id      text COLLATE "C" PRIMARY KEY,
  url     text COLLATE "C" NOT NULL,
  seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Which node holds the file of which recording. None of a file that is no longer published.
CREATE TABLE copy (
  node         text COLLATE "C" NOT NULL,
  recording_id text COLLATE "C" NOT NULL REFERENCES recording (id),
  blob         text COLLATE "C" NOT NULL,
  played_at    bigint NOT NULL,
  PRIMARY KEY (node, recording_id)
);
CREATE INDEX copy_by_recording ON copy (recording_id);
CREATE INDEX copy_by_play ON copy (node, played_at, recording_id);

-- Files that nothing points to, each node's own. A name comes in before its file gets it, or in the transaction that
-- takes its pointer away, and goes out with the commit that points to it, or once the file is unlinked.
CREATE TABLE loose_file (
  node      text COLLATE "C" NOT NULL,
  blob      text COLLATE "C" NOT NULL,
  announced boolean NOT NULL,                               -- somebody is about to point to it
  PRIMARY KEY (node, blob)
);

-- Totals that would take a scan to count. Each in 16 slots, or all who end a run would wait for one row.
CREATE TABLE tally (
  name  text COLLATE "C" NOT NULL,
  slot  integer NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (name, slot)
) WITH (fillfactor = 50);
)sql";

/// What no statement can forget to do, whoever writes it.
inline constexpr std::string_view postgres_0001_triggers = R"sql(
CREATE FUNCTION run_follows_its_states() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF old.completed_at IS NOT NULL
    OR (old.status = 'queued' AND new.status = 'completed')
    OR (old.status = 'queued' AND new.status = 'running' AND new.token <= old.token)
    OR new.token < old.token
  THEN
    RAISE EXCEPTION 'an ended run is never changed, a token never shrinks, only a running run completes';
  END IF;
  RETURN new;
END $$;
CREATE TRIGGER run_follows_its_states BEFORE UPDATE ON run FOR EACH ROW EXECUTE FUNCTION run_follows_its_states();

CREATE FUNCTION run_goes_with_its_recording() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' OR EXISTS (SELECT FROM recording WHERE id = old.recording_id) THEN
    RAISE EXCEPTION 'a run is deleted with its recording only';
  END IF;
  RETURN old;
END $$;
CREATE TRIGGER run_goes_with_its_recording BEFORE DELETE ON run
  FOR EACH ROW EXECUTE FUNCTION run_goes_with_its_recording();
CREATE TRIGGER run_is_not_truncated BEFORE TRUNCATE ON run
  FOR EACH STATEMENT EXECUTE FUNCTION run_goes_with_its_recording();

CREATE FUNCTION add_to_tally(what text, more bigint) RETURNS void LANGUAGE sql AS $$
  INSERT INTO tally AS t VALUES (what, pg_backend_pid() % 16, more)
  ON CONFLICT (name, slot) DO UPDATE SET value = t.value + excluded.value;
$$;

CREATE FUNCTION run_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM add_to_tally(old.status, -1);
  ELSE
    PERFORM add_to_tally(new.status, 1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER run_ended AFTER UPDATE OF status ON run
  FOR EACH ROW WHEN (new.completed_at IS NOT NULL) EXECUTE FUNCTION run_ended();
CREATE TRIGGER run_deleted AFTER DELETE ON run
  FOR EACH ROW WHEN (old.completed_at IS NOT NULL) EXECUTE FUNCTION run_ended();

-- BEFORE: the copies go first, for they refer to the recording.
CREATE FUNCTION pointer_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF old.media_blob IS NOT NULL THEN
    DELETE FROM copy WHERE recording_id = old.id;
    PERFORM add_to_tally('published_bytes', -old.media_bytes);
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN old;
  END IF;
  new.media_durable := false;
  IF new.media_blob IS NOT NULL THEN
    PERFORM add_to_tally('published_bytes', new.media_bytes);
  END IF;
  RETURN new;
END $$;
CREATE TRIGGER pointer_moves BEFORE UPDATE OF media_blob ON recording
  FOR EACH ROW WHEN (old.media_blob IS DISTINCT FROM new.media_blob) EXECUTE FUNCTION pointer_moves();
CREATE TRIGGER pointer_goes BEFORE DELETE ON recording FOR EACH ROW EXECUTE FUNCTION pointer_moves();

CREATE FUNCTION copy_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO loose_file VALUES (old.node, old.blob, false)
    ON CONFLICT (node, blob) DO UPDATE SET announced = false;
  ELSE
    DELETE FROM loose_file WHERE node = new.node AND blob = new.blob;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER copy_comes AFTER INSERT OR UPDATE OF blob ON copy FOR EACH ROW EXECUTE FUNCTION copy_changes();
CREATE TRIGGER copy_goes AFTER DELETE ON copy FOR EACH ROW EXECUTE FUNCTION copy_changes();
)sql";

/// What must be done within one statement: a client that stops in the middle would hold everybody's locks. Each is a
/// transaction of its own, committed with its answer.
inline constexpr std::string_view postgres_0001_functions = R"sql(
-- Whoever adds to a tenant's running runs holds this until its commit: the count is then exact. In the order of the
-- keys, or two batches would wait for each other.
CREATE FUNCTION lock_tenants(tenants text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  k bigint;
BEGIN
  FOR k IN SELECT DISTINCT hashtextextended(current_schema() || '/tenant/' || t, 0) FROM unnest(tenants) t ORDER BY 1
  LOOP
    PERFORM pg_advisory_xact_lock(k);
  END LOOP;
END $$;

-- Admission. One element a run that is to be: it comes to be if its recording is still in the cycle and the state in
-- which it was judged. First the locks, in the order of the ids; then, by a statement of its own with a snapshot of its
-- own, the look; then the rows. (One statement for all would look through the snapshot from before the lock.)
-- A run that its tenant has no room for is queued instead of claimed. Answers with those that came to be.
CREATE FUNCTION admit_runs(runs text[], recordings text[], cycles integer[], states text[], asked text[],
                           urgencies integer[], attempts integer[], claims boolean[], leases bigint[],
                           per_tenant integer[], times bigint[], by_node text)
RETURNS TABLE (run_id text, claimed boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM recording WHERE id = ANY (recordings) ORDER BY id FOR UPDATE;
  IF true = ANY (claims) THEN
    PERFORM lock_tenants(ARRAY(SELECT tenant FROM recording r, unnest(recordings, claims) a (id, claim)
                               WHERE r.id = a.id AND a.claim));
  END IF;
  RETURN QUERY
  WITH wanted AS MATERIALIZED (
    SELECT a.*, r.tenant, r.call_sid,
           a.claim AND (a.most = 0 OR a.most >
             (SELECT count(*) FROM run WHERE tenant = r.tenant AND status = 'running')
             + row_number() OVER (PARTITION BY r.tenant, a.claim ORDER BY a.n) - 1) AS fits
    FROM unnest(runs, recordings, cycles, states, asked, urgencies, attempts, claims, leases, per_tenant, times)
         WITH ORDINALITY AS a (id, recording, cycle, state, asked, urgency, attempts, claim, lease, most, now, n)
    JOIN recording r ON r.id = a.recording AND r.cycle = a.cycle - 1 AND r.state = a.state
  ), moved AS (
    UPDATE recording r SET state = 'fetching', cycle = w.cycle FROM wanted w WHERE r.id = w.recording
  )
  INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, attempt, max_attempts, token,
                   lease_expires_at, node, due_at, created_at, started_at, asked_by, urgency)
  SELECT id, tenant, recording, call_sid, 'fetch', cycle, CASE WHEN fits THEN 'running' ELSE 'queued' END,
         fits::integer, attempts, fits::integer,
         CASE WHEN fits THEN clock_timestamp() + lease * interval '1 ms' END, CASE WHEN fits THEN by_node ELSE '' END,
         CASE WHEN NOT fits THEN now END, now, CASE WHEN fits THEN now END, asked, urgency
  FROM wanted ORDER BY n
  RETURNING id, status = 'running';
END $$;

-- Claims up to `most`, one of a tenant in turn. One claim at a time over all nodes: the turns are fair, and the count of
-- what a tenant has running is exact. Answers with the runs in the order of their turns.
CREATE FUNCTION claim_runs(most integer, per_tenant integer, lease bigint, at bigint, by_node text)
RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  tenants text[];
  picked  text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '/claim', 0));
  -- By leaps from one tenant to the next: one with ten thousand waiting costs as much as one with one.
  tenants := ARRAY(
    WITH RECURSIVE waiting (tenant) AS (
      SELECT min(tenant) FROM run WHERE status = 'queued'
      UNION ALL
      SELECT (SELECT min(tenant) FROM run WHERE status = 'queued' AND tenant > waiting.tenant)
      FROM waiting WHERE waiting.tenant IS NOT NULL)
    SELECT w.tenant FROM waiting w LEFT JOIN turn USING (tenant)
    WHERE w.tenant IS NOT NULL
      AND per_tenant > (SELECT count(*) FROM run WHERE run.tenant = w.tenant AND status = 'running')
      AND EXISTS (SELECT FROM (VALUES (0), (1), (2)) k (urgency) WHERE EXISTS (
        SELECT FROM run u WHERE u.status = 'queued' AND u.tenant = w.tenant AND u.urgency = k.urgency AND u.due_at <= at))
    ORDER BY turn.claim NULLS FIRST, w.tenant LIMIT most);
  PERFORM lock_tenants(tenants);
  picked := ARRAY(
    SELECT due.id FROM (
      SELECT d.id, t.place, row_number() OVER (PARTITION BY t.tenant ORDER BY k.urgency, d.due_at, d.id) AS nth,
             room.left_over
      FROM unnest(tenants) WITH ORDINALITY t (tenant, place)
      CROSS JOIN LATERAL (SELECT greatest(per_tenant - count(*), 0) AS left_over FROM run
                          WHERE run.tenant = t.tenant AND status = 'running') room
      CROSS JOIN (VALUES (0), (1), (2)) k (urgency)
      CROSS JOIN LATERAL (
        SELECT u.id, u.due_at FROM run u
        WHERE u.status = 'queued' AND u.tenant = t.tenant AND u.urgency = k.urgency AND u.due_at <= at
        ORDER BY u.due_at, u.id LIMIT least(most, room.left_over) FOR UPDATE SKIP LOCKED) d
    ) due WHERE due.nth <= due.left_over ORDER BY due.nth, due.place LIMIT most);
  UPDATE run SET status = 'running', token = token + 1, attempt = attempt + 1, due_at = NULL,
    lease_expires_at = clock_timestamp() + lease * interval '1 ms', node = by_node, started_at = coalesce(started_at, at)
  WHERE id = ANY (picked);
  INSERT INTO turn
  SELECT u.tenant, (SELECT coalesce(max(claim), 0) FROM turn) + max(p.nth)
  FROM unnest(picked) WITH ORDINALITY p (id, nth) JOIN run u ON u.id = p.id GROUP BY u.tenant
  ON CONFLICT (tenant) DO UPDATE SET claim = excluded.claim;
  RETURN picked;
END $$;
)sql";

}  // namespace onetake::ledger::pg
