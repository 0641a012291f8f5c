#!/usr/bin/python3
"""Many press Play on what is not there yet, at several processes on one PostgreSQL, with Redis and without; Flask + RQ beside it

    bench/stampede.py [MODE…]     some of: on off killed flushed flask-rq; all of them without

NODES=8 processes, RECORDINGS=200 with PLAYS=1000 each, on CLIENTS=256 connections, BYTES=65536 a recording, DELAY=0.1 seconds
to the provider's first byte, PEER_PLAYS=100 each on Flask + RQ. Ten recordings at a time are played in a shuffled order that is
the same every time. `killed`: Redis is killed when half have played; `flushed`: it is emptied then and at every tenth after that.
1: a recording was fetched twice, or somebody did not get every byte of it (onetake's rows; those of the peer are shown).
"""

import hashlib
import json
import os
import random
import sys
import urllib.request

sys.dont_write_bytecode = True
from nodes import flask_rq, onetake  # noqa: E402
from nodes.machine import Postgres, Redis, Stolen, ended_by_signals, say, temporary_folder  # noqa: E402
from nodes.origin import Origin, body_of  # noqa: E402
from nodes.plays import Crowd  # noqa: E402


def size(name, usual):
    return type(usual)(os.environ.get(name, usual))


NODES, RECORDINGS, PLAYS, CLIENTS = size("NODES", 8), size("RECORDINGS", 200), size("PLAYS", 1000), size("CLIENTS", 256)
BYTES, DELAY, PEER_PLAYS = size("BYTES", 65536), size("DELAY", 0.1), size("PEER_PLAYS", 100)
MODES = ("on", "off", "killed", "flushed", "flask-rq")


def order(names, plays):
    chance, pressed = random.Random(1), []
    for first in range(0, len(names), 10):
        some = names[first : first + 10] * plays
        chance.shuffle(some)
        pressed += some
    return pressed


def stampede(names, plays, ports, headers, at_half=None):
    digests = {name: hashlib.sha256(body_of(name, BYTES)).hexdigest() for name in names}
    crowd, stolen = Crowd(order(names, plays), ports, CLIENTS, BYTES, digests, headers), Stolen()
    seconds = crowd.run(at_half)
    return {"recordings": len(names), "plays": len(names) * plays, "exact": crowd.outcomes.pop("exact", 0),
            "otherwise": dict(crowd.outcomes), "seconds": round(seconds, 1), "requests": crowd.requests,
            "p50_ms": round(1000 * crowd.percentile(50)), "p99_ms": round(1000 * crowd.percentile(99)),
            "steal": stolen.percent()}


def register(node, names, origin):
    for name in names:
        body = json.dumps({"provider": "origin", "source_url": origin.url(name), "format": "mulaw"}).encode()
        url = f"http://127.0.0.1:{node.port}/api/recordings/{name}"
        headers = {**onetake.AUTHORIZED, "Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PUT"), timeout=30).close()


def ours(mode, folder, postgres, origin):
    redis = None if mode == "off" else Redis(folder)
    database = postgres.database(f"stampede_{mode}")
    nodes = []
    try:
        nodes = onetake.start(NODES, f"{folder}/{mode}", database, origin.port, redis and redis.url, pool=4)
        names = [f"CA{mode}{i:05d}" for i in range(RECORDINGS)]
        register(nodes[0], names, origin)
        disturb = {"killed": lambda: redis.stop(), "flushed": lambda: redis.command("FLUSHALL")}.get(mode)
        row = stampede(names, PLAYS, [node.port for node in nodes], onetake.AUTHORIZED, disturb)
        row["runs"] = int(postgres.psql("SELECT count(*) FROM run", database))
        row["completed"] = int(postgres.psql("SELECT count(*) FROM run WHERE status = 'completed'", database))
        row["provider_requests"] = origin.requests(names)
        row["duplicate_runs"] = max(int(node.metric("onetake_duplicate_runs")) for node in nodes)
        return row
    finally:
        for node in nodes:
            node.stop()
        if redis:
            redis.stop()


def peer(folder, postgres, origin):
    redis = Redis(folder)
    rig = flask_rq.FlaskRq(folder, postgres, redis)
    try:
        names = [f"CApeer{i:05d}" for i in range(RECORDINGS)]
        values = ",".join(f"(1, '{name}', '{origin.url(name)}')" for name in names)
        rig.psql(f"INSERT INTO call_log (business_id, call_sid, recording_url) VALUES {values}")
        row = stampede(names, PEER_PLAYS, [rig.port], {})
        row["runs"] = int(rig.psql("SELECT count(*) FROM recording_run"))
        row["completed"] = int(rig.psql("SELECT count(*) FROM recording_run WHERE status = 'completed'"))
        row["provider_requests"] = origin.requests(names)
        row["duplicate_runs"] = int(rig.psql(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) n FROM recording_run GROUP BY call_sid) c"))
        return row
    finally:
        rig.stop()
        redis.stop()


def right(row):
    return (row["runs"] == row["completed"] == row["provider_requests"] == row["recordings"]
            and row["duplicate_runs"] == 0 and row["exact"] == row["plays"])


def main(modes):
    rows, failed = {}, False
    ended_by_signals()
    with temporary_folder() as folder:
        postgres, origin = Postgres(folder), Origin(BYTES, DELAY)
        try:
            for mode in modes:
                why = flask_rq.why_not() if mode == "flask-rq" else ""
                if why:
                    say(why)
                    continue
                say(mode)
                row = rows[mode] = peer(folder, postgres, origin) if mode == "flask-rq" else ours(mode, folder, postgres, origin)
                failed |= mode != "flask-rq" and not right(row)
                say(json.dumps(row))
        finally:
            origin.stop()
            postgres.stop()
    print("| | recordings | plays | runs | provider requests | duplicate runs | every byte | requests a play | ms, p50 / p99 "
          "| seconds | plays a second | steal, % |")
    print("| --- " * 12 + "|")
    for mode, row in rows.items():
        what = mode if mode == "flask-rq" else f"Redis {mode}"
        print(f"| {what} | {row['recordings']} | {row['plays']} | {row['runs']} | {row['provider_requests']} "
              f"| {row['duplicate_runs']} | {row['exact']} {row['otherwise'] or ''} | {row['requests'] / row['plays']:.2f} "
              f"| {row['p50_ms']} / {row['p99_ms']} | {row['seconds']} | {row['plays'] / row['seconds']:.0f} | {row['steal']} |")
    return failed


if __name__ == "__main__":
    if set(sys.argv[1:]) - set(MODES):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:] or MODES))
