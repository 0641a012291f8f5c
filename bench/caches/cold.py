#!/usr/bin/env python3
"""cold.py NAME ENGINE ORIGIN JSON SCENARIOS: the rig's scenarios.py against one engine, and three of ours. `fifty`: fifty
different cold recordings at once, a client each. `dying`: the provider breaks off at half, by a reset, with 20 and with 200
clients on one recording, beside the same crowd undisturbed. `ready`: fifty clients at once on a recording that is there, which is what
the load tool itself takes to give fifty a first byte. The rig's own table goes to stdout, its rows and ours to JSON."""

import json
import os
import runpy
import sys
import time
import urllib.request
from urllib.parse import urlsplit

sys.dont_write_bytecode = True
CACHES = os.environ["CACHES"]
sys.path.insert(0, CACHES)
import common  # noqa: E402  (the rig's)

from signed import Recordings  # noqa: E402

FIFTY = 50


def counts(origin):
    with urllib.request.urlopen(origin + "/__counts", timeout=10) as answer:
        return json.load(answer)


def settle(origin):
    while any(each["active"] for each in counts(origin).values()):
        time.sleep(0.2)
    time.sleep(0.5)


def post(url):
    with urllib.request.urlopen(urllib.request.Request(url, method="POST", data=b""), timeout=10):
        pass


def make_bodies(origin, recs):
    """The origin makes a body when it is first asked for, 4 ms each on its one thread: not what is measured here."""
    post(origin + "/__set?ttfb=0&rate=0")
    for rec in recs:
        request = urllib.request.Request(f"{origin}/recordings/{rec}/stream", headers={"Range": "bytes=0-0"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
    post(origin + "/__reset")
    post(origin + "/__set?ttfb=400&rate=1000")


def ready(load, engine, origin):
    url = engine + common.path_of("ready")
    load.full(url, 1)
    settle(origin)
    row = {"scenario": "ready50", **load.full(url, FIFTY), "origin_requests": 0}
    print(f"{'ready50':34s} c={FIFTY:<4d} ttfb p50/p99 {row['ttfb_p50']:6.1f}/{row['ttfb_p99']:<6.1f}", flush=True)
    return row


def fifty(load, engine, origin):
    recs = [f"fifty{i}" for i in range(FIFTY)]
    targets = [urlsplit(engine + common.path_of(rec)) for rec in recs]
    settle(origin)
    make_bodies(origin, recs)
    load.warm_pool(FIFTY)
    run = load.Run(engine + "/", 60)
    conns = []
    for target in targets:
        run.path = target.path + ("?" + target.query if target.query else "")
        conns.append(run.start("client", None))
    run.loop()
    verdicts, statuses = {}, {}
    for rec, conn in zip(recs, conns):
        run.rec = rec
        verdict = load.check(run, conn, {})
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
        statuses[str(conn.status)] = statuses.get(str(conn.status), 0) + 1
    firsts = [(conn.t_body - conn.t0) * 1000 for conn in conns if conn.t_body]
    requests = sum(each["n"] for rec, each in counts(origin).items() if rec in recs)
    row = {"scenario": "fifty", "clients": FIFTY, "ttfb_p50": load.pct(firsts, 50), "ttfb_p99": load.pct(firsts, 99),
           "ttfb_max": max(firsts, default=None), "status": statuses, "bytes": verdicts, "origin_requests": requests}
    print(f"{'fifty':34s} c={FIFTY:<4d} ttfb p50/p99 {row['ttfb_p50']:6.0f}/{row['ttfb_p99']:<6.0f} "
          f"status={statuses} bytes={verdicts} | origin n={requests}", flush=True)
    return row


def dying(load, engine, origin):
    rows = []
    for crowd in (20, 200):
        rec = f"undisturbed{crowd}"
        undisturbed = load.full(engine + common.path_of(rec), crowd)
        settle(origin)
        rec = f"dying{crowd}"
        post(f"{origin}/__fault?id={rec}&at={common.SIZE // 2}&times=1&mode=rst")
        run = load.full(engine + common.path_of(rec), crowd)
        settle(origin)
        seen = counts(origin)[rec]
        row = {"scenario": f"dying{crowd}", **run, "undisturbed_max": undisturbed["full_max"],
               "origin_requests": seen["n"], "origin_bytes": seen["bytes"] / common.SIZE}
        print(f"{row['scenario']:34s} c={crowd:<4d} full max {row['full_max'] or 0:.0f}, undisturbed "
              f"{row['undisturbed_max'] or 0:.0f} status={row['status']} bytes={row['bytes']} | "
              f"origin n={row['origin_requests']}, {row['origin_bytes']:.2f} recordings", flush=True)
        rows.append(row)
    return rows


def stolen():
    """Seconds that the host took from this machine's cores."""
    with open("/proc/stat") as stat:
        return int(stat.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def main(name, engine, origin, out, scenarios):
    if name == "onetake":
        recordings = Recordings(engine, origin)
        common.path_of, common.id_of = recordings.path_of, recordings.id_of
    began, steal = time.monotonic(), stolen()
    own = {"ready": ready, "fifty": fifty, "dying": dying}
    rigs = ",".join(each for each in scenarios.split(",") if each not in own)
    if rigs:
        sys.argv = ["scenarios.py", "--name", name, "--engine", engine, "--origin", origin, "--json", out, "--big", "--only", rigs]
        runpy.run_path(os.path.join(CACHES, "scenarios.py"), run_name="__main__")
        with open(out) as file:
            result = json.load(file)
    else:
        result = {"engine": name, "origin": {"ttfb_ms": 400}, "rows": []}
        post(origin + "/__set?ttfb=400&rate=1000")
    for each in scenarios.split(","):
        if each in own:
            import load
            row = own[each](load, engine, origin)
            result["rows"] += row if isinstance(row, list) else [row]
    result["steal_pct"] = round(100 * (stolen() - steal) / (time.monotonic() - began), 1)
    with open(out, "w") as file:
        json.dump(result, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
