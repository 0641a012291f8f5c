#!/usr/bin/python3
"""How long a run that one node has admitted waits until a worker on another claims it: over notifications, over Redis, and while Redis is away

    bench/wakes.py

RUNS=200 one after the other, a node of role api and one of role worker on one PostgreSQL that syncs; from the row's created_at to
its started_at, both of this machine's clock. Goal: p99 under 100 ms with either; without wake-ups it is what fetch.sweep says.
"""

import json
import os
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
from nodes import onetake  # noqa: E402
from nodes.machine import DURABLE, Postgres, Redis, Stolen, say, temporary_folder  # noqa: E402
from nodes.origin import Origin  # noqa: E402

RUNS = int(os.environ.get("RUNS", 200))
WAITED = "SELECT round(percentile_cont({}) WITHIN GROUP (ORDER BY started_at - created_at))::int FROM run"


def main():
    say(f"{'':<14} {'runs':>5} {'p50 ms':>7} {'p99 ms':>7} {'steal %':>8}")
    for how in ("notifications", "redis", "redis, killed"):
        with temporary_folder() as folder:
            postgres, origin = Postgres(folder, DURABLE), Origin(65536)
            redis = None if how == "notifications" else Redis(folder)
            url = postgres.database("wakes")
            front = onetake.Node(f"{folder}/front", url, origin.port, redis=redis and redis.url, role="api").wait()
            back = onetake.Node(f"{folder}/back", url, origin.port, redis=redis and redis.url, role="worker").wait()
            time.sleep(1)
            if how == "redis, killed":
                redis.stop()
            stolen = Stolen()
            for n in range(RUNS):
                path = f"http://127.0.0.1:{front.port}/api/recordings/c{n}"
                body = json.dumps({"provider": "origin", "source_url": origin.url(f"c{n}"), "format": "mulaw"}).encode()
                headers = {**onetake.AUTHORIZED, "Content-Type": "application/json"}
                for request in (urllib.request.Request(path, body, headers, method="PUT"),
                                urllib.request.Request(path + "/stream?explicit_user_action=true", headers=headers)):
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        answer.read()
            p50, p99 = (postgres.psql(WAITED.format(p), url) for p in (0.5, 0.99))
            say(f"{how:<14} {RUNS:>5} {p50:>7} {p99:>7} {stolen.percent():>8}")
            front.stop()
            back.stop()
            origin.stop()
            if how == "redis":
                redis.stop()
            postgres.stop()


if __name__ == "__main__":
    main()
