"""Many who press Play, on a bounded number of connections that are kept: each asks until there is a body, and every byte of it is
checked. One epoll loop over plain sockets: what the client takes is missing from the servers beside it."""

import collections
import hashlib
import heapq
import http.client
import itertools
import select
import socket
import time

GIVE_UP = 60  # seconds
FIELD_END = b"\r\n"


class Client:
    """One connection, and who plays on it now."""

    def __init__(self, port, room):
        self.port, self.buffer = port, bytearray(room)
        self.socket = self.name = None
        self.began = self.filled = 0
        self.waits = self.kept = False  # for an answer; on a connection that had one before

    def ask(self, head):
        self.kept = self.socket is not None
        if not self.kept:
            self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.filled, self.waits = 0, True
        self.socket.sendall(head)

    def receive(self):
        """Status, seconds to wait, and the body; nothing while there is more to come."""
        count = self.socket.recv_into(memoryview(self.buffer)[self.filled :])
        if not count:
            raise ConnectionError
        self.filled += count
        end = self.buffer.find(b"\r\n\r\n", 0, min(self.filled, 4096))
        if end < 0:
            return None
        head = bytes(self.buffer[:end]).lower()
        total = end + 4 + int(self.field(head, b"content-length", b"0"))
        if total > self.filled:
            return None
        self.waits = False
        status, wait = int(head[9:12]), float(self.field(head, b"retry-after", b"1"))
        if self.field(head, b"connection", b"") == b"close":
            self.close()
        return status, wait, memoryview(self.buffer)[end + 4 : total]

    @staticmethod
    def field(head, name, otherwise):
        at = head.find(FIELD_END + name + b":")
        if at < 0:
            return otherwise
        at += len(name) + 3
        end = head.find(FIELD_END, at)
        return head[at : end if end >= 0 else len(head)].strip()

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


class Crowd:
    """`plays`: names of recordings in the order in which they are pressed; `ports`: whom the clients ask, in turn."""

    def __init__(self, plays, ports, clients, size, digests, headers):
        self.plays, self.digests = collections.deque(plays), digests
        self.clients = [Client(ports[i % len(ports)], size + 8192) for i in range(clients)]
        self.fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.outcomes = collections.Counter()
        self.seconds, self.asleep, self.busy = [], [], {}
        self.requests = self.played = 0
        self.epoll, self.turn = select.epoll(), itertools.count()

    def head(self, name):
        path = f"/api/recordings/{name}/stream?explicit_user_action=true"
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self.fields}\r\n".encode()

    def ask(self, client):
        """Once more on a new connection where the server has closed the one that was kept."""
        self.requests += 1
        try:
            client.ask(self.head(client.name))
        except ConnectionError:
            if not client.kept:
                raise
            self.forget(client)
            client.ask(self.head(client.name))
        if not client.kept:
            self.busy[client.socket.fileno()] = client
            self.epoll.register(client.socket, select.EPOLLIN)

    def forget(self, client):
        if client.socket:
            self.busy.pop(client.socket.fileno(), None)
        client.close()

    def next(self, client):
        if self.plays:
            client.name, client.began = self.plays.popleft(), time.monotonic()
            self.ask(client)
        else:
            client.name = None

    def ended(self, client, outcome):
        self.outcomes[outcome] += 1
        self.played += 1
        self.next(client)

    def ready(self, client):
        file = client.socket.fileno()
        try:
            answer = client.receive()
        except ConnectionError:
            again, waits, client.waits = client.kept and not client.filled, client.waits, False
            self.forget(client)
            if not waits:
                return None  # closed while nobody asked
            return self.ask(client) if again else self.ended(client, "cut")
        if answer is None:
            return None
        if client.socket is None:
            self.busy.pop(file, None)
        status, wait, body = answer
        if status == 202 and time.monotonic() - client.began < GIVE_UP:
            return heapq.heappush(self.asleep, (time.monotonic() + wait, next(self.turn), client))
        if status != 200:
            return self.ended(client, str(status))
        self.seconds.append(time.monotonic() - client.began)
        return self.ended(client, "exact" if hashlib.sha256(body).hexdigest() == self.digests[client.name] else "wrong bytes")

    def run(self, at_half=None):
        """Seconds that it took. `at_half` is called when half have played, and at every tenth after that."""
        began, total = time.monotonic(), len(self.plays)
        mark = total // 2
        for client in self.clients:
            self.next(client)
        while self.played < total:
            wait = max(0, self.asleep[0][0] - time.monotonic()) if self.asleep else -1
            for file, _ in self.epoll.poll(wait):
                if file in self.busy:
                    self.ready(self.busy[file])
            while self.asleep and self.asleep[0][0] <= time.monotonic():
                self.ask(heapq.heappop(self.asleep)[2])
            if at_half and self.played >= mark:
                at_half()
                mark += max(1, total // 10)
        for client in self.clients:
            self.forget(client)
        return time.monotonic() - began

    def percentile(self, q):
        times = sorted(self.seconds)
        return times[min(len(times) - 1, int(len(times) * q / 100))] if times else float("nan")


class Reader:
    """One who waits for each answer."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path, headers):
        """Status and body."""
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()
