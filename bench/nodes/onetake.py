"""Several processes of onetake on one database."""

import atexit
import hashlib
import os
import pathlib
import subprocess
import urllib.request

from nodes.machine import ROOT, free_port

API_KEY = "bench-api-key"
AUTHORIZED = {"Authorization": f"Bearer {API_KEY}"}
BINARY = os.environ.get("ONETAKE", ROOT / "build" / "release" / "bin" / "onetake")


class Node:
    def __init__(self, folder, database, origin_port, redis=None, role="all", pool=8):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.config = self.folder / "onetake.toml"
        self.config.write_text(f"""
[server]
role = "{role}"
data_dir = "{self.folder / 'data'}"
[log]
level = "{os.environ.get('NODE_LOG', 'warn')}"
[database]
url = "{database}"
pool = {pool}
{f'[redis]{chr(10)}url = "{redis}"' if redis else ''}
[fetch]
per_tenant_concurrent = 256
allow_addresses = ["127.0.0.0/8"]
allow_plain_http = true
[[tenant]]
id = "bench"
api_key_sha256 = ["{hashlib.sha256(API_KEY.encode()).hexdigest()}"]
[[tenant.provider]]
name = "origin"
type = "http"
allowed_hosts = ["127.0.0.1:{origin_port}"]
""")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--config", self.config, "--listen", f"127.0.0.1:{self.port}"],
            stdout=subprocess.PIPE, stderr=open(self.folder / "log", "ab"), text=True)
        atexit.register(self.process.kill)  # one that has ended is left alone

    def wait(self):
        """Until it accepts connections."""
        if not self.process.stdout.readline().startswith("listening on "):
            raise SystemExit((self.folder / "log").read_text()[-3000:])
        return self

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def metric(self, name):
        """The sum over the labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)


def query(config, sql):
    """One value out of a ledger."""
    ran = subprocess.run([BINARY, "query", "--config", config, sql], capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    return ran.stdout.split()[-1]


def start(count, folder, *how, **more):
    """The first alone: it makes the tables."""
    nodes = [Node(f"{folder}/0", *how, **more).wait()]
    nodes += [Node(f"{folder}/{i}", *how, **more) for i in range(1, count)]
    return [nodes[0], *(node.wait() for node in nodes[1:])]
