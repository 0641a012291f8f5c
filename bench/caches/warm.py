#!/usr/bin/env python3
"""warm.py OUT ROUNDS SECONDS NAME,URL,PID[,ORIGIN]…: wrk against each server in turn, A B C A B C, and what a second of
server CPU did, ratios of the first to the others. Rounds in which the host took more than 5 % of a core are repeated. With an ORIGIN the server is onetake."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["CACHES"])
from common import body_of  # noqa: E402  (the rig's)

from signed import Recordings, stream_path  # noqa: E402

OBJECTS, CONNECTIONS, MOST_STEAL = 20, 64, 5.0
LUA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "warm.lua")
TICKS = os.sysconf("SC_CLK_TCK")
RANGE = (65536, 131071)


def stat(pid):
    with open(f"/proc/{pid}/stat") as file:
        name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
    return name, rest.split()


def servers(script, name):
    """The processes called `name` below the script that started them."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            called, fields = stat(pid)
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append((int(pid), called))
    found, below = [], [script]
    while below:
        for pid, called in children.get(below.pop(), []):
            below.append(pid)
            if called == name:
                found.append(pid)
    if not found:
        raise SystemExit(f"no process {name} below {script}")
    return found


def cpu(pids):
    """Seconds by process. One may have ended: nginx has a cache loader that goes after a minute."""
    used = {}
    for pid in pids:
        try:
            _, fields = stat(pid)
        except OSError:
            continue
        used[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return used


def stolen():
    with open("/proc/stat") as file:
        return int(file.readline().split()[8]) / TICKS


class Server:
    def __init__(self, out, name, url, script, origin=None):
        self.name, self.url, self.pids = name, url, servers(int(script), "onetake" if origin else "nginx")
        ids = [f"warm{i}" for i in range(OBJECTS)]
        if origin:
            with urllib.request.urlopen(urllib.request.Request(origin + "/__set?ttfb=0&rate=0", method="POST", data=b"")):
                pass
            recordings = Recordings(url, origin)
            for each in ids:
                self.get(recordings.path_of(each))
                recordings.wait_until_ready(each)
            self.paths = [stream_path(each, flags="") for each in ids]
        else:
            self.paths = [f"/recordings/{each}/stream" for each in ids]
        for each, path in zip(ids, self.paths):
            assert self.get(path) == body_of(each), f"{name}: wrong bytes"
            assert self.get(path, RANGE) == body_of(each)[RANGE[0]:RANGE[1] + 1], f"{name}: wrong bytes of a range"
        self.file = f"{out}/warm-{name}.paths"
        with open(self.file, "w", encoding="ascii") as file:
            file.write("\n".join(self.paths) + "\n")

    def get(self, path, part=None):
        request = urllib.request.Request(self.url + path, headers={"Range": f"bytes={part[0]}-{part[1]}"} if part else {})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def wrk(self, kind, seconds):
        command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "--timeout", "10s",
                   "-s", LUA, self.url, "--", kind, self.file]
        before = os.times()
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        after = os.times()
        return told, after.children_user + after.children_system - before.children_user - before.children_system

    def round(self, kind, seconds):
        self.wrk(kind, 1)
        began, used, steal = time.monotonic(), cpu(self.pids), stolen()
        told, client = self.wrk(kind, seconds)
        took, steal = time.monotonic() - began, stolen() - steal
        used = sum(seconds_used - used[pid] for pid, seconds_used in cpu(self.pids).items())
        count = {key: int(re.search(rf"{key} (\d+)", told)[1]) for key in ("OK_REQ", "OK_BYTES", "NON2XX")}
        latency = re.search(r"\n +99% +(\S+)", told)[1]
        row = {"server": self.name, "test": kind, "per_cpu_second": count["OK_REQ"] / used,
               "per_cpu_second_of_both": count["OK_REQ"] / (used + client), "rps": count["OK_REQ"] / took,
               "gb_per_cpu_second": count["OK_BYTES"] / 1e9 / used, "cpu_pct": 100 * used / took, "p99": latency,
               "steal_pct": 100 * steal / took, "not_2xx": count["NON2XX"], "errors": "Socket errors" in told}
        print(f"{kind:6s} {self.name:13s} {row['per_cpu_second']:8.0f} requests per CPU second ({row['per_cpu_second_of_both']:6.0f} "
              f"with wrk's)  {row['rps']:8.0f} a second  {row['gb_per_cpu_second']:6.2f} GB per CPU second  "
              f"cpu {row['cpu_pct']:3.0f} %  p99 {latency:9s} steal {row['steal_pct']:.1f} %"
              f"{'  not 2xx!' if row['not_2xx'] or row['errors'] else ''}", flush=True)
        return row


def main(out, rounds, seconds, *told):
    ours, *others = [Server(out, *each.split(",")) for each in told]
    rows = []
    for kind in ("range", "full"):
        kept = {server: [] for server in (ours, *others)}
        for _ in range(3 * int(rounds)):
            if all(len(each) >= int(rounds) for each in kept.values()):
                break
            for server, mine in kept.items():
                row = server.round(kind, int(seconds))
                if row["steal_pct"] <= MOST_STEAL:
                    mine.append(row)
        rows += [row for each in kept.values() for row in each]
        if not all(kept.values()):
            print(f"{kind}: the host took too much of every round")
            continue
        for other in others:
            def ratio(figure, other=other, kept=kept):
                mine, theirs = (statistics.median(row[figure] for row in kept[server]) for server in (ours, other))
                return mine / theirs
            print(f"{kind:6s} {ours.name} / {other.name}: {ratio('per_cpu_second'):.2f} per server CPU second, "
                  f"{ratio('per_cpu_second_of_both'):.2f} per CPU second with wrk's, {ratio('rps'):.2f} a second")
        print()
    with open(f"{out}/warm.json", "w") as file:
        json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
