"""Many who press Play, on a bounded number of connections that are kept: asks until there is a body, and checks every byte."""

import asyncio
import collections
import hashlib
import time

GIVE_UP = 60  # seconds


class Connection:
    def __init__(self, port):
        self.port, self.streams = port, None

    async def get(self, path, headers):
        """Status, headers and body. A connection that the server has closed meanwhile is opened again, once."""
        fresh = self.streams is None
        try:
            return await self.once(path, headers)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            if fresh:
                raise
            return await self.once(path, headers)

    async def once(self, path, headers):
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        reader, writer = self.streams
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{fields}\r\n".encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        got = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if "chunked" in got.get("transfer-encoding", ""):
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
        else:
            body = await reader.readexactly(int(got.get("content-length", 0)))
        if got.get("connection", "").lower() == "close":
            self.close()
        return status, got, body

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None


class Crowd:
    """`plays`: names of recordings in the order in which they are pressed; `ports`: whom they ask, in turn."""

    def __init__(self, plays, ports, clients, digests, headers):
        self.waiting = collections.deque(plays)
        self.ports, self.clients, self.digests, self.headers = ports, clients, digests, headers
        self.played = self.requests = 0
        self.seconds = []
        self.outcomes = collections.Counter()

    async def play(self, connection, name):
        began, path = time.monotonic(), f"/api/recordings/{name}/stream?explicit_user_action=true"
        while True:
            self.requests += 1
            try:
                status, got, body = await connection.get(path, self.headers)
            except (asyncio.IncompleteReadError, ConnectionError):
                connection.close()
                return "cut"
            if status == 200:
                self.seconds.append(time.monotonic() - began)
                return "exact" if hashlib.sha256(body).hexdigest() == self.digests[name] else "wrong bytes"
            if status != 202:
                return str(status)
            if time.monotonic() - began > GIVE_UP:
                return "gave up"
            await asyncio.sleep(float(got.get("retry-after", 1)))

    async def client(self, port):
        connection = Connection(port)
        while self.waiting:
            self.outcomes[await self.play(connection, self.waiting.popleft())] += 1
            self.played += 1
        connection.close()

    async def run(self, at_half=None):
        """Seconds that it took. `at_half` is called, in a thread, when half have played, and every tenth after that."""
        began, half = time.monotonic(), len(self.waiting) // 2
        tenth = max(1, len(self.waiting) // 10)

        async def disturb():
            mark = half
            while at_half and self.waiting:
                if self.played >= mark:
                    await asyncio.to_thread(at_half)
                    mark += tenth
                await asyncio.sleep(0.01)

        await asyncio.gather(disturb(), *(self.client(self.ports[i % len(self.ports)]) for i in range(self.clients)))
        return time.monotonic() - began

    def percentile(self, q):
        times = sorted(self.seconds)
        return times[min(len(times) - 1, int(len(times) * q / 100))] if times else float("nan")
