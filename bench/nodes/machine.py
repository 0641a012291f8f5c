"""What the benchmarks of several nodes run on: databases of their own, ended by process id, and what the machine did meanwhile."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A commit is on the disk before it is answered, as where it matters; script/lib/postgres is in a hurry.
DURABLE = "-c fsync=on -c full_page_writes=on -c synchronous_commit=on -c shared_buffers=512MB -c max_wal_size=8GB"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def say(*words):
    print(time.strftime("%H:%M:%S"), *words, file=sys.stderr, flush=True)


def ended_by_signals():
    """As by an exception: whatever was started is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class Stolen:
    """The share of this machine's time that its host gave to others, since this was made."""

    def __init__(self):
        self.began = self.read()

    @staticmethod
    def read():
        with open("/proc/stat") as stat:
            ticks = [int(each) for each in stat.readline().split()[1:9]]
        return ticks[7], sum(ticks)

    def percent(self):
        steal, all_of_it = self.read()
        return round(100 * (steal - self.began[0]) / max(1, all_of_it - self.began[1]), 1)


class Server:
    """What script/lib/NAME starts and ends."""

    def __init__(self, name, folder, **environment):
        self.script, self.file = ROOT / "script" / "lib" / name, pathlib.Path(folder) / f"{name}.url"
        self.environment = {**os.environ, **environment}
        self.url = ""
        self.start()

    def start(self):
        ran = subprocess.run([self.script, "start", self.file], capture_output=True, text=True, env=self.environment)
        if ran.returncode:
            raise SystemExit(ran.stderr)
        self.url = ran.stdout.strip()

    def stop(self):
        subprocess.run([self.script, "stop", self.file], check=True)

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1].split("/")[0])


class Postgres(Server):
    """`there`: the URL of one that is there already, and stays."""

    def __init__(self, folder, options="", there=""):
        self.there = there
        super().__init__("postgres", folder, POSTGRES_OPTIONS=options)

    def start(self):
        self.url = self.there
        if not self.there:
            super().start()

    def stop(self):
        if not self.there:
            super().stop()

    def psql(self, sql, url=None):
        ran = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url or self.url, "-f", "-"], input=sql,
                             capture_output=True, text=True)
        if ran.returncode:
            raise SystemExit(ran.stderr)
        return ran.stdout.strip()

    def database(self, name):
        self.psql(f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")
        return self.url.rsplit("/", 1)[0] + "/" + name


class Redis(Server):
    def __init__(self, folder):
        super().__init__("redis", folder)

    def command(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(4096)


def temporary_folder():
    folder = tempfile.TemporaryDirectory(prefix="onetake-bench-")
    os.chmod(folder.name, 0o755)  # PostgreSQL is another user
    return folder
