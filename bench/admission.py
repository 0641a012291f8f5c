#!/usr/bin/python3
"""Runs admitted a second by cold requests on distinct recordings, beside Flask + RQ; and what 10,000,000 rows change

    bench/admission.py [speed] [size]     both without
    bench/admission.py fill               makes the databases of `size` in FOLDER, where they are found again

`speed`: onetake with 1 process on SQLite, with 1 and 4 on PostgreSQL, and the way in of Flask + RQ, by wrk, ROUNDS=3 of SECONDS=5
each in turn. `Prefer: respond-async`; nobody fetches: onetake's processes have `role = "api"`, as RQ's workers are stopped. The
databases sync at every commit. Counted are rows. STRIDE=1: recordings are asked for in the order in which they were registered,
STRIDE=247213: in no order. CONNECTIONS=256. `size`: the same on each database with SIZES="1000 100000 10000000" recordings
and runs in the tables; and the milliseconds, p99 of READS=1000 requests by one reader who waits for each, of the newest run, of
pages, and of a ready recording's first kilobyte. DATABASES="sqlite postgres". POSTGRES=URL: a server that is there.
"""

import json
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from nodes import filled, flask_rq, onetake  # noqa: E402
from nodes.machine import DURABLE, Postgres, Redis, Stolen, ended_by_signals, say, temporary_folder  # noqa: E402
from nodes.origin import Origin  # noqa: E402
from nodes.plays import Reader  # noqa: E402

ROUNDS, SECONDS = int(os.environ.get("ROUNDS", 3)), int(os.environ.get("SECONDS", 5))
READS = int(os.environ.get("READS", 1000))
SIZES = [int(each) for each in os.environ.get("SIZES", "1000 100000 10000000").split()]
DATABASES = os.environ.get("DATABASES", "sqlite postgres").split()
COLD = int(os.environ.get("COLD", 400_000))
CONNECTIONS = int(os.environ.get("CONNECTIONS", 256))
STRIDE = os.environ.get("STRIDE", "1")
LUA = pathlib.Path(__file__).parent / "nodes" / "admit.lua"


class Databases:
    def __init__(self, folder):
        self.folder = folder
        self.postgres = self.server = None

    def server_of_postgres(self):
        if self.postgres is None:
            self.postgres = Postgres(self.folder, DURABLE, os.environ.get("POSTGRES", ""))
        return self.postgres

    def stop(self):
        if self.postgres:
            self.postgres.stop()


class Filled:
    """A database with `already` recordings and runs, in `folder` or on the server of PostgreSQL; made if it is not there."""

    def __init__(self, databases, kind, already, origin):
        self.kind, self.already = kind, already
        self.folder = pathlib.Path(databases.folder) / f"{kind}-{already}"
        self.origin_port = origin.port
        if kind == "sqlite":
            self.url, self.file = "sqlite:onetake.db", self.folder / "0" / "data" / "onetake.db"
            there = (self.folder / "filled").exists()
        else:
            self.postgres, self.name = databases.server_of_postgres(), f"filled_{already}"
            self.url = self.postgres.url.rsplit("/", 1)[0] + "/" + self.name
            there = ((self.folder / "filled").exists()
                     and self.postgres.psql(f"SELECT 1 FROM pg_database WHERE datname = '{self.name}'"))
        if not there:
            self.make(origin)

    def make(self, origin):
        began = time.monotonic()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.kind == "postgres":
            self.postgres.database(self.name)
        filled.make_tables(self.folder / "0", self.url, origin.port)
        if self.kind == "sqlite":
            filled.fill_sqlite(self.file, self.already, COLD)
        else:
            filled.fill_postgres(self.postgres, self.url, self.already, COLD)
        filled.make_one_ready(self.folder / "0", self.url, origin)
        (self.folder / "filled").touch()
        say(f"{self.kind}: {self.already} recordings made in {time.monotonic() - began:.0f} s")

    def nodes(self, count):
        return onetake.start(count, self.folder, self.url, self.origin_port, role="api", pool=8 if count == 1 else 4)

    def runs(self):
        """Those that were admitted over HTTP: their ids are of today."""
        sql = "SELECT count(*) FROM run WHERE id > '01910000'"
        return int(onetake.query(self.folder / "0" / "onetake.toml", sql))


class Ours:
    """Some processes on a filled database."""

    fields = "".join(f"{name}: {value}|" for name, value in {**onetake.AUTHORIZED, "Prefer": "respond-async"}.items())

    def __init__(self, what, database, nodes):
        self.what, self.database, self.ports = what, database, [node.port for node in nodes]

    cold = COLD

    @property
    def already(self):
        return self.database.already

    def count(self):
        return self.database.runs()

    def first(self):
        """A recording that nobody has asked for: threads of wrk are not equally quick."""
        return self.count() + skipped(self)


class Peer:
    what, fields, cold, already = "flask-rq", "", 100_000, 0

    def __init__(self, rig):
        self.rig, self.ports = rig, [rig.port]
        rig.psql(f"""INSERT INTO call_log (business_id, call_sid, recording_url)
          SELECT 1, 'CA' || lpad(to_hex(i::bigint * {filled.MULTIPLIER} % 4294967296), 8, '0'), 'http://127.0.0.1:1/rec/x'
          FROM generate_series(0, {self.cold - 1}) i; ANALYZE call_log""")

    def count(self):
        return int(self.rig.psql("SELECT count(*) FROM recording_run"))

    def first(self):
        return self.count() + skipped(self)


gaps = {}


def skipped(side):
    """Grows by each round: the quickest thread of wrk runs ahead of the slowest."""
    gaps[side.what] = gaps.get(side.what, -5000) + 5000
    return gaps[side.what]


def admit(side):
    """Runs a second."""
    threads = max(2, len(side.ports))
    environment = {**os.environ, "PORTS": " ".join(map(str, side.ports)), "THREADS": str(threads), "FIRST": str(side.first()),
                   "STRIDE": STRIDE, "COLD": str(side.cold), "ALREADY": str(side.already),
                   "PATHS": "/api/recordings/ /stream?explicit_user_action=true", "FIELDS": side.fields}
    before, stolen = side.count(), Stolen()
    ran = subprocess.run(["wrk", f"-t{threads}", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", LUA, f"http://127.0.0.1:{side.ports[0]}"],
                         env=environment, capture_output=True, text=True, check=True).stdout
    steal, runs = stolen.percent(), side.count() - before
    seconds = float(re.search(r"requests in ([\d.]+)s", ran).group(1))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", ran)
    errors = re.search(r"Socket errors: .*", ran)
    say(side.what, f"{runs / seconds:.0f} runs a second, {steal} % steal,", refused.group(0) if refused else "all 202",
        errors.group(0) if errors else "", "p99", re.search(r"\n\s+99%\s+(\S+)", ran).group(1))
    return runs / seconds, steal


def speed(databases, origin):
    sides, nodes, rig, redis = [], [], None, None
    try:
        for kind, count in (("sqlite", 1), ("postgres", 4)):
            if kind in DATABASES:
                database = Filled(databases, kind, 1000, origin)
                some = database.nodes(count)
                nodes += some
                sides.append(Ours(f"onetake, {kind}, 1 process", database, some[:1]))
                if count > 1:
                    sides.append(Ours(f"onetake, {kind}, {count} processes", database, some))
        why = flask_rq.why_not()
        if why:
            say(why)
        else:
            redis = Redis(databases.folder)
            rig = flask_rq.FlaskRq(databases.folder, databases.server_of_postgres(), redis, workers=0)
            sides.append(Peer(rig))
        results = {side.what: [] for side in sides}
        for _ in range(ROUNDS):
            for side in sides:
                results[side.what].append(admit(side))
    finally:
        for node in nodes:
            node.stop()
        if rig:
            rig.stop()
        if redis:
            redis.stop()
    peer = statistics.median(each for each, _ in results["flask-rq"]) if rig else None
    print("| runs admitted a second | median | of each round | × flask-rq | steal, % |")
    print("| --- | --- | --- | --- | --- |")
    for what, rounds in results.items():
        median = statistics.median(each for each, _ in rounds)
        print(f"| {what} | {median:.0f} | {' '.join(f'{each:.0f}' for each, _ in rounds)} "
              f"| {f'{median / peer:.1f}' if peer else ''} | {max(each for _, each in rounds)} |")


def read(port, paths, more=None):
    """Milliseconds of each request."""
    reader, times = Reader(port), []
    for path in paths:
        began = time.perf_counter()
        status, body = reader.get(path, {**onetake.AUTHORIZED, **(more or {})})
        times.append(1000 * (time.perf_counter() - began))
        if status not in (200, 206) or not body:
            raise SystemExit(f"{path}: {status} {body[:200]}")
    return sorted(times[len(times) // 10 :])  # warm


def reads(database, port):
    chance = random.Random(1)
    some = [filled.name(chance.randrange(database.already)) for _ in range(READS)]
    cursor = json.loads(Reader(port).get("/api/recordings?limit=50", onetake.AUTHORIZED)[1])["next_cursor"]
    asked = {
        "newest run": [f"/api/recordings/{each}" for each in some],
        "page": ["/api/recordings?limit=50"] * READS,
        "next page": [f"/api/recordings?limit=50&cursor={cursor}"] * READS,
        "page by prefix": [f"/api/recordings?limit=50&q={each[:8]}" for each in some],
        "page of runs": ["/api/runs?limit=50"] * READS,
        "first KiB": [f"/api/recordings/{filled.READY}/stream"] * READS,
    }
    found = {}
    for what, paths in asked.items():
        times = read(port, paths, {"Range": "bytes=0-1023"} if what == "first KiB" else None)
        found[what] = (statistics.median(times), times[int(len(times) * 0.99)])
    return found


def size(databases, origin, only_fill=False):
    rows = []
    for kind in DATABASES:
        for already in SIZES:
            database = Filled(databases, kind, already, origin)
            if only_fill:
                continue
            nodes = database.nodes(1)
            try:
                found = reads(database, nodes[0].port)
                side = Ours(f"{kind}, {already}", database, nodes)
                speeds = [admit(side) for _ in range(ROUNDS)]
            finally:
                nodes[0].stop()
            rows.append((kind, already, statistics.median(each for each, _ in speeds), max(each for _, each in speeds), found))
            say(json.dumps(rows[-1]))
    if only_fill:
        return
    print("| in the tables | runs admitted a second | of that with the fewest | " + " | ".join(rows[0][4]) + " | steal, % |")
    print("| --- " * (4 + len(rows[0][4])) + "|")
    for kind, already, median, steal, found in rows:
        least = next(row[2] for row in rows if row[0] == kind)
        times = " | ".join(f"{p50:.2f} / {p99:.2f}" for p50, p99 in found.values())
        print(f"| {kind}, {already} | {median:.0f} | {median / least:.2f} | {times} | {steal} |")


def main(what):
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed: it asks")
    ended_by_signals()
    with temporary_folder() as temporary:
        databases, origin = Databases(os.environ.get("FOLDER") or temporary), Origin(65536)
        try:
            if "fill" in what:
                size(databases, origin, only_fill=True)
            if "speed" in what:
                speed(databases, origin)
            if "size" in what:
                size(databases, origin)
        finally:
            origin.stop()
            databases.stop()


if __name__ == "__main__":
    if set(sys.argv[1:]) - {"speed", "size", "fill"}:
        sys.exit(__doc__)
    main(sys.argv[1:] or ["speed", "size"])
