#!/usr/bin/python3
"""How many listeners at the pace of speech one node holds: its CPU and its memory, on a recording that is ready and on one that arrives

    bench/listeners.py

LISTENERS=1000,5000,10000, each at RATE=16000 bytes a second (8 kHz, 16 bit, mono) for SECONDS=20. They read every four seconds
what has become due, from one process; each has a connection of its own and a receive buffer of 64 KiB. `live`: the provider sends at
the same pace. The table has the server's CPU as cores, the memory that it has taken for them, and how many were behind their pace.
"""

import json
import os
import pathlib
import resource
import socket
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
from nodes import onetake  # noqa: E402
from nodes.machine import Stolen, say, temporary_folder  # noqa: E402
from nodes.origin import Origin  # noqa: E402

COUNTS = [int(n) for n in os.environ.get("LISTENERS", "1000,5000,10000").split(",")]
RATE, SECONDS, EVERY = int(os.environ.get("RATE", 16000)), int(os.environ.get("SECONDS", 20)), 4
BYTES = RATE * 600


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


def connect(port, name):
    request = (f"GET /api/recordings/{name}/stream?explicit_user_action=true HTTP/1.1\r\nHost: x\r\n"
               f"Authorization: Bearer {onetake.API_KEY}\r\n\r\n").encode()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)  # the kernel doubles it
    client.connect(("127.0.0.1", port))
    client.sendall(request)
    client.setblocking(False)
    return client


def listen(node, name, count):
    before = memory(node.process.pid)
    clients = [connect(node.port, name) for _ in range(count)]
    heard = [0] * count
    buffer = bytearray(1 << 20)
    time.sleep(1)
    stolen, cpu, began = Stolen(), cpu_seconds(node.process.pid), time.monotonic()
    at = 0
    while (passed := time.monotonic() - began) < SECONDS:
        due = int(passed * count / EVERY)
        while at < due:
            who = at % count
            want = int(RATE * (EVERY + at // count * EVERY))
            while heard[who] < want:
                try:
                    n = clients[who].recv_into(buffer, min(len(buffer), want - heard[who]))
                except BlockingIOError:
                    break
                if n == 0:
                    raise SystemExit("a body ended early")
                heard[who] += n
            at += 1
        time.sleep(0.005)
    seconds = time.monotonic() - began
    used = cpu_seconds(node.process.pid) - cpu
    behind = sum(n < RATE * (SECONDS - 2 * EVERY) for n in heard)
    taken = memory(node.process.pid) - before
    for client in clients:
        client.close()
    return {"listeners": count, "cores": used / seconds, "memory": taken, "behind": behind, "steal": stolen.percent(),
            "megabytes": sum(heard) / seconds / 1e6}


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    say(f"{'':>6} {'listeners':>9} {'MB/s':>6} {'cores':>6} {'listeners a core':>17} {'KiB each':>9} {'behind':>7} {'steal %':>8}")
    for kind, pace in (("ready", 0), ("live", RATE)):
        for count in COUNTS:
            with temporary_folder() as folder:
                origin = Origin(BYTES, pace=pace)
                node = onetake.Node(pathlib.Path(folder) / "node", "sqlite:onetake.db", origin.port).wait()
                body = json.dumps({"provider": "origin", "source_url": origin.url("one"), "format": "mulaw"}).encode()
                url = f"http://127.0.0.1:{node.port}/api/recordings/one"
                headers = {**onetake.AUTHORIZED, "Content-Type": "application/json"}
                urllib.request.urlopen(urllib.request.Request(url, body, headers, method="PUT"), timeout=30)
                if kind == "ready":
                    with urllib.request.urlopen(urllib.request.Request(
                            url + "/stream?explicit_user_action=true", headers=onetake.AUTHORIZED), timeout=60) as answer:
                        while answer.read(1 << 20):
                            pass
                row = listen(node, "one", count)
                say(f"{kind:>6} {row['listeners']:>9} {row['megabytes']:>6.1f} {row['cores']:>6.2f} "
                    f"{row['listeners'] / max(row['cores'], 0.001):>17.0f} {row['memory'] / 1024 / count:>9.1f} "
                    f"{row['behind']:>7} {row['steal']:>8}")
                node.stop()
                origin.stop()


if __name__ == "__main__":
    main()
