#pragma once

#include <string_view>

namespace onetake::ledger::pg {

/// Admission, cheaper by half. A recording that begins to be fetched changes nothing that an index has: its new version
/// stays on its page (a heap-only tuple), and none of its eight indexes is written. And it is found once, by the
/// statement that changes it, instead of by one that locks, one that looks and one that changes.
/// https://www.postgresql.org/docs/15/storage-hot.html
inline constexpr std::string_view postgres_0003 = R"sql(
ALTER TABLE recording SET (fillfactor = 75);
ALTER TABLE recording ADD COLUMN settled text GENERATED ALWAYS AS
  (CASE WHEN state IN ('ready', 'failed', 'gone') THEN state END) STORED;
CREATE INDEX recording_by_settled ON recording (tenant, settled, sort_at, id);
CREATE INDEX recording_unless_gone ON recording (sort_at) WHERE settled IS DISTINCT FROM 'gone';
DROP INDEX recording_by_state;
DROP INDEX recording_by_age;

-- Admission. One element a run that is to be: it comes to be if its recording is still in the cycle and the state in
-- which it was judged. An UPDATE that had to wait for a row judges its newest version (READ COMMITTED), and leaves those
-- alone that have changed. In the order of the ids, or two batches would wait for each other. Then the locks of the
-- tenants, if anything is claimed; then, by a statement of its own with a snapshot of its own, the count of what they
-- have running. A run that its tenant has no room for is queued instead of claimed. Answers with those that came to be.
CREATE OR REPLACE FUNCTION admit_runs(runs text[], recordings text[], cycles integer[], states text[], asked text[],
                                      urgencies integer[], attempts integer[], claims boolean[], leases bigint[],
                                      per_tenant integer[], times bigint[], by_node text)
RETURNS TABLE (run_id text, claimed boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  places  integer[];
  tenants text[];
  calls   text[];
BEGIN
  WITH moved AS (
    UPDATE recording r SET state = 'fetching', cycle = a.cycle
    FROM (SELECT * FROM unnest(recordings, cycles, states) WITH ORDINALITY AS w (id, cycle, state, n) ORDER BY id) a
    WHERE r.id = a.id AND r.cycle = a.cycle - 1 AND r.state = a.state
    RETURNING a.n, r.tenant, r.call_sid)
  SELECT array_agg(n), array_agg(tenant), array_agg(call_sid) INTO places, tenants, calls FROM moved;
  IF true = ANY (claims) THEN
    PERFORM lock_tenants(ARRAY(SELECT tenant FROM unnest(places, tenants) m (n, tenant) WHERE claims[n]));
  END IF;
  RETURN QUERY
  INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, attempt, max_attempts, token,
                   lease_expires_at, node, due_at, created_at, started_at, asked_by, urgency)
  SELECT runs[n], tenant, recordings[n], call_sid, 'fetch', cycles[n], CASE WHEN fits THEN 'running' ELSE 'queued' END,
         fits::integer, attempts[n], fits::integer,
         CASE WHEN fits THEN clock_timestamp() + leases[n] * interval '1 ms' END,
         CASE WHEN fits THEN by_node ELSE '' END,
         CASE WHEN NOT fits THEN times[n] END, times[n], CASE WHEN fits THEN times[n] END, asked[n], urgencies[n]
  FROM (
    SELECT n, tenant, call_sid,
           claims[n] AND (per_tenant[n] = 0 OR per_tenant[n] >
             (SELECT count(*) FROM run u WHERE u.tenant = m.tenant AND u.status = 'running')
             + row_number() OVER (PARTITION BY tenant, claims[n] ORDER BY n) - 1) AS fits
    FROM unnest(places, tenants, calls) m (n, tenant, call_sid)) admitted
  ORDER BY n
  RETURNING id, status = 'running';
END $$;
)sql";

}  // namespace onetake::ledger::pg
