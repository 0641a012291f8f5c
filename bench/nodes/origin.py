"""A provider: GET /rec/NAME gives NAME's own bytes, the same at every request, after DELAY seconds, PACE of
them a second; and counts."""

import argparse
import asyncio
import collections
import hashlib
import json
import socket
import subprocess
import sys
import urllib.request


def body_of(name, size):
    # The first byte keeps it from being taken for a page: it is registered as raw audio.
    return b"\xff" + hashlib.shake_128(name.encode()).digest(size - 1)


async def main(port, size, delay, pace):
    counts = collections.Counter()

    async def answer(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                _, kind, name = head.split(b" ", 2)[1].decode().split("/")
                if kind == "counts":
                    body, audio = json.dumps(counts).encode(), False
                else:
                    counts[name] += 1
                    await asyncio.sleep(delay)
                    body, audio = body_of(name, size), True
                head = f"HTTP/1.1 200 OK\r\nContent-Type: {'audio/basic' if audio else 'application/json'}\r\n"
                writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
                if audio and pace:
                    for first in range(0, len(body), pace):
                        writer.write(body[first : first + pace])
                        await writer.drain()
                        await asyncio.sleep(1)
                else:
                    writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=1024)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


class Origin:
    """A process of it, on a free port."""

    def __init__(self, size, delay=0.0, pace=0):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, __file__, "--port", str(self.port), "--bytes", str(size), "--delay", str(delay),
                   "--pace", str(pace)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def url(self, name):
        return f"http://127.0.0.1:{self.port}/rec/{name}"

    def requests(self, names):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts/all", timeout=10) as answer:
            counts = json.load(answer)
        return sum(counts.get(name, 0) for name in names)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--pace", type=int, default=0)
    asked = parser.parse_args()
    asyncio.run(main(asked.port, asked.bytes, asked.delay, asked.pace))
