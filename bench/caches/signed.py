"""How onetake's recordings are named: registered by PUT, played by a signed URL. The other half stands in onetake.sh."""

import base64
import hashlib
import hmac
import json
import time
import urllib.request

TENANT, API_KEY, KEY_ID, SECRET = "bench", "bench-api-key", "k1", b"bench-url-secret"


def call(method, url, body=None):
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def stream_path(rec, flags="explicit_user_action=true&"):
    path, expires = f"/api/recordings/{rec}/stream", int(time.time()) + 3600
    text = f"onetake-url-v1\n{path}\n{TENANT}\n{expires}".encode()
    signature = base64.urlsafe_b64encode(hmac.digest(SECRET, text, hashlib.sha256)).decode().rstrip("=")
    return f"{path}?{flags}tenant={TENANT}&expires={expires}&kid={KEY_ID}&sig={signature}"


class Recordings:
    """Registers what has not been named yet: as raw u-law, for the rig's bodies are pseudo-random bytes."""

    def __init__(self, engine, origin):
        self.engine, self.origin, self.known = engine, origin, set()

    def path_of(self, rec):
        if rec not in self.known:
            self.known.add(rec)
            source = f"{self.origin}/recordings/{rec}/stream"
            call("PUT", f"{self.engine}/api/recordings/{rec}", {"provider": "origin", "source_url": source, "format": "mulaw"})
        return stream_path(rec)

    @staticmethod
    def id_of(path):
        parts = path.split("?", 1)[0].split("/")
        return parts[3] if parts[1:3] == ["api", "recordings"] and parts[4:] == ["stream"] else None

    def wait_until_ready(self, rec, limit=30):
        began = time.monotonic()
        while call("GET", f"{self.engine}/api/recordings/{rec}")["state"] != "ready":
            if time.monotonic() - began > limit:
                raise SystemExit(f"{rec} is not ready after {limit} s")
            time.sleep(0.02)
