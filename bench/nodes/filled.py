"""Databases with many recordings in their tables, made by SQL. The first ALREADY have been fetched once and evicted since; those
after them have never been played. Names that follow each other lie far apart, as real ones do. Rows go in without triggers
and secondary indexes, which are made again afterwards."""

import sqlite3
import urllib.request
import json

from nodes import onetake

MULTIPLIER = 2654435761
READY = "READY1"


def name(i):
    return f"CA{i * MULTIPLIER % 2**32:08x}"


def columns(source, i, hexadecimal, scrambled, already):
    """SELECTs of the two tables' rows, out of a `source` of numbers."""
    identity = f"'01900000-0000-7000-{{}}-' || {hexadecimal}"
    recording = identity.format("8000")
    stamp = f"1600000000000 + {i} * 10"
    return f"""
INSERT INTO recording (id, tenant, call_sid, recording_key, provider, source_url, source_key, parent_call_sid, from_party,
  to_party, direction, started_at, format, registered_at, cycle)
SELECT {recording}, 'bench', 'CA' || {scrambled}, '', 'origin', 'http://127.0.0.1:1/rec/' || {i}, '', '',
  '+4930' || (1000000 + {i}), '+97250' || (2000000 + {i} % 5000), 'inbound', {stamp}, 'mulaw', {stamp},
  CASE WHEN {i} < {already} THEN 1 ELSE 0 END FROM {source};
INSERT INTO run (id, tenant, recording_id, call_sid, job_type, cycle, status, attempt, max_attempts, received_bytes,
  total_bytes, token, created_at, started_at, completed_at)
SELECT {identity.format('9000')}, 'bench', {recording}, 'CA' || {scrambled}, 'fetch', 1, 'completed', 1, 5, 2000000, 2000000,
  1, {stamp}, {stamp}, {stamp} + 3000 FROM {source} WHERE {i} < {already};
"""


def fill_postgres(postgres, url, already, cold):
    indexes = postgres.psql("""SELECT indexdef || ';' FROM pg_indexes JOIN pg_class c ON c.relname = indexname
      WHERE tablename IN ('recording', 'run') AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)""", url)
    drop = postgres.psql("""SELECT 'DROP INDEX ' || indexname || ';' FROM pg_indexes JOIN pg_class c ON c.relname = indexname
      WHERE tablename IN ('recording', 'run') AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)""", url)
    by_name = "recording_tenant_call_sid_recording_key_key"
    rows = columns(f"generate_series(0, {already + cold - 1}) i", "i", "lpad(to_hex(i), 12, '0')",
                   f"lpad(to_hex(i::bigint * {MULTIPLIER} % 4294967296), 8, '0')", already)
    postgres.psql(f"""SET session_replication_role = replica; SET maintenance_work_mem = '1GB'; {drop}
      ALTER TABLE recording DROP CONSTRAINT {by_name}; {rows}
      ALTER TABLE recording ADD CONSTRAINT {by_name} UNIQUE (tenant, call_sid, recording_key); {indexes}
      VACUUM ANALYZE; CHECKPOINT""", url)


def fill_sqlite(file, already, cold):
    db = sqlite3.connect(file, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA journal_mode = DELETE")  # out of WAL, which would hold every page a second time
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA cache_size = -3000000")
    indexes = [row[0] for row in db.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                                            "AND tbl_name IN ('recording', 'run')")]
    triggers = [row[0] for row in db.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' "
                                             "AND tbl_name IN ('recording', 'run')")]
    made = list(db.execute("SELECT type, name FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL "
                           "AND tbl_name IN ('recording', 'run')"))
    series = f"(WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {already + cold - 1}) SELECT i FROM n)"
    db.execute("BEGIN")
    for kind, each in made:
        db.execute(f"DROP {kind} {each}")
    # i * MULTIPLIER is over 2^53 but under 2^63.
    for statement in columns(series, "i", "printf('%012x', i)", f"printf('%08x', i * {MULTIPLIER} % 4294967296)",
                             already).split(";\n"):
        db.execute(statement)
    for each in indexes + triggers:
        db.execute(each)
    db.execute("COMMIT")
    db.close()


def make_tables(folder, database, origin_port):
    onetake.Node(folder, database, origin_port).wait().stop()


def make_one_ready(folder, database, origin):
    """READY, in the folder of the node that the readers ask."""
    node = onetake.Node(folder, database, origin.port).wait()
    url = f"http://127.0.0.1:{node.port}/api/recordings/{READY}"
    body = json.dumps({"provider": "origin", "source_url": origin.url(READY), "format": "mulaw"}).encode()
    headers = {**onetake.AUTHORIZED, "Content-Type": "application/json"}
    for method, path, what in (("PUT", "", body), ("GET", "/stream?explicit_user_action=true", None)):
        with urllib.request.urlopen(urllib.request.Request(url + path, what, headers, method=method), timeout=30) as answer:
            answer.read()
    node.stop()
