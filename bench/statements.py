#!/usr/bin/python3
"""What a press of Play asks of PostgreSQL: statements, and transactions that write, counted by the server itself

    bench/statements.py

PLAYS=100 of each kind, one after the other, on two nodes: a recording that is cold, that is ready on the shelf, that is ready but
was put down, and that another node holds; and two nodes that have nothing to do, for 20 seconds.
"""

import json
import os
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
from nodes import onetake  # noqa: E402
from nodes.machine import DURABLE, Postgres, say, temporary_folder  # noqa: E402
from nodes.origin import Origin  # noqa: E402

PLAYS = int(os.environ.get("PLAYS", 100))
COUNTED = "SELECT coalesce(sum(calls) FILTER (WHERE query !~ 'pg_stat|^(BEGIN|COMMIT|SET)' AND query !~ 'pg_current_xact_id'), 0)"
IDLE = 20


def ask(node, name, method="GET", path="/stream?explicit_user_action=true", body=None):
    headers = {**onetake.AUTHORIZED, "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{node.port}/api/recordings/{name}{path}"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60) as answer:
        return answer.read()


class Counter:
    def __init__(self, postgres, url):
        self.postgres, self.url = postgres, url

    def read(self):
        statements = self.postgres.psql(f"{COUNTED} FROM pg_stat_statements", self.url)
        written = self.postgres.psql("SELECT pg_snapshot_xmax(pg_current_snapshot())", self.url)  # who writes takes a number
        return int(statements), int(written)

    def of(self, work):
        before = self.read()
        began = time.monotonic()
        work()
        return *(now - then for now, then in zip(self.read(), before)), time.monotonic() - began


def main():
    with temporary_folder() as folder:
        postgres = Postgres(folder, DURABLE + " -c shared_preload_libraries=pg_stat_statements")
        url = postgres.database("statements")
        postgres.psql("CREATE EXTENSION pg_stat_statements", url)
        origin = Origin(65536)
        one, two = onetake.start(2, f"{folder}/nodes", url, origin.port)
        names = [f"c{n}" for n in range(PLAYS)]
        for name in names:
            ask(one, name, "PUT", "", json.dumps({"provider": "origin", "source_url": origin.url(name),
                                                  "format": "mulaw"}).encode())
        counter = Counter(postgres, url)
        *idle, seconds = counter.of(lambda: time.sleep(IDLE))
        idle = [count / seconds for count in idle]
        say(f"{'':<44} {'statements':>10} {'that write':>11}")
        say(f"{'two nodes that have nothing to do, a second':<44} {idle[0]:>10.1f} {idle[1]:>11.1f}")

        def row(what, work):
            *counts, took = counter.of(work)
            each = [max(0, count - rate * took) / PLAYS for count, rate in zip(counts, idle)]
            say(f"{what:<44} {each[0]:>10.1f} {each[1]:>11.1f}")

        row("cold, fetched by the node that was asked", lambda: [ask(one, name) for name in names])
        for name in names:  # puts it there
            ask(one, name)
        row("ready, on the shelf", lambda: [ask(one, name) for name in names])
        one.stop()
        one = onetake.Node(f"{folder}/nodes/0", url, origin.port).wait()
        row("ready, on the disk", lambda: [ask(one, name) for name in names])
        row("ready, at the other node", lambda: [ask(two, name) for name in names])
        one.stop()
        two.stop()
        origin.stop()
        postgres.stop()


if __name__ == "__main__":
    main()
