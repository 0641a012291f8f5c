"""The rig of Flask, gunicorn, RQ, Redis and PostgreSQL (ONETAKE_PEERS/flask-rq), on a database and a Redis of ours."""

import importlib.util
import os
import pathlib
import shutil
import sys

from nodes.machine import ROOT

PEERS = pathlib.Path(os.environ.get("ONETAKE_PEERS") or ROOT.parent / "shared" / "peers")
FOLDER = PEERS / "flask-rq"
PYTHON = "/usr/bin/python3"


def why_not():
    if not (FOLDER / "stack.py").exists():
        return "the rig flask-rq is not here: ONETAKE_PEERS names the folder that has it"
    missing = [name for name in ("flask", "rq", "redis", "psycopg2", "requests", "gunicorn") if not importlib.util.find_spec(name)]
    return f"not installed: {' '.join(missing)} (see {FOLDER}/README.md)" if missing else ""


class FlaskRq:
    """`workers` 0: jobs are made and not run."""

    def __init__(self, folder, postgres, redis, workers=2):
        self.postgres = postgres
        self.url = postgres.database("peer")
        state = pathlib.Path(folder) / "flask-rq"
        shutil.rmtree(state, ignore_errors=True)
        for each in ("pids", "log", "rec"):
            (state / each).mkdir(parents=True)
        os.environ.update(PEER_STATE_DIR=str(state), PEER_REC_DIR=str(state / "rec"), PEER_REDIS_PORT=str(redis.port),
                          PEER_REDIS_URL=f"redis://127.0.0.1:{redis.port}/0", PEER_DSN=self.url, PYTHONDONTWRITEBYTECODE="1")
        self.psql((FOLDER / "schema.sql").read_text())
        sys.path.insert(0, str(FOLDER))
        import stack  # the rig's
        self.state = state
        self.stack = stack.Stack()
        self.stack.start_api(PEER_RETRY_AFTER="1")
        for _ in range(workers):
            self.stack.start_worker()

    @property
    def port(self):
        return self.stack.api_port

    def psql(self, sql):
        return self.postgres.psql(sql, self.url)

    def jobs(self):
        log = self.state / "jobs.log"
        return len(log.read_text().split()) if log.exists() else 0

    def stop(self):
        self.stack.stop_all()
