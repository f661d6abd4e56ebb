"""The server under load, and under what nobody should send it.

    python -m bench.serve [--clients 50] [--pictures 20] [--minutes 0]

First clients send pictures side by side: throughput, latencies, failures; with --minutes again and
again, watching the memory. Then too large bodies, texts, bombs, trickles, disconnects, malformed
requests and idle connections; what the server answers during and after them; and whether a process
or a file is left at the end.
"""

import argparse
import asyncio
import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import httpx2
import numpy as np
from PIL import Image

SAMPLES = Path(__file__).parent.parent / "src/tinct/web/static/samples"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, port = started(folder)
        try:
            many = f"{asked.clients} clients x {asked.pictures} pictures of 320x214"
            print(f"{os.cpu_count()} cores, {many}")
            load(server.pid, port, asked)
            asyncio.run(odd(port))
            print(f"memory after all: {memory(server.pid):.0f} MB")
        finally:
            server.send_signal(signal.SIGINT)
            code = server.wait(10)
        time.sleep(0.5)
        left = f"processes left: {len(group(server.pid))}, files left: {os.listdir(folder)}"
        print(f"exit code {code}, {left}")


def started(folder):
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tinct",
            "serve",
            "--port",
            "0",
            "--max-body",
            "5M",
            "--time-limit",
            "60",
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=os.environ | {"TMPDIR": folder},
        start_new_session=True,
    )
    return server, int(re.search(r":(\d+)/", server.stdout.readline())[1])


def pictures(count):
    whole = np.array(Image.open(SAMPLES / "palace.jpg"))
    chance = np.random.default_rng(0)
    for _ in range(count):
        x, y = chance.integers(0, 320), chance.integers(0, 213)
        data = io.BytesIO()
        Image.fromarray(whole[y : y + 214, x : x + 320]).save(data, "PNG", compress_level=1)
        yield data.getvalue()


# --- load ---------------------------------------------------------------------------------------


def load(pid, port, asked):
    sent = list(pictures(asked.pictures))
    end = time.monotonic() + 60 * asked.minutes
    seconds, wrong, start, rounds = [], 0, time.monotonic(), 0
    while not rounds or time.monotonic() < end:
        taken, bad = asyncio.run(one_round(port, asked.clients, sent))
        seconds, wrong, rounds = seconds + taken, wrong + bad, rounds + 1
        print(f"  {time.monotonic() - start:5.0f} s: {memory(pid):5.0f} MB", flush=True)
    spent = time.monotonic() - start
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
    many = f"{len(seconds) / spent:.1f} pictures/s"
    print(f"{many}, p50 {p50:.2f} s, p95 {p95:.2f} s, p99 {p99:.2f} s, failed {wrong}")


async def one_round(port, clients, sent):
    seconds, wrong = [], 0

    async def client(number, talk):
        nonlocal wrong
        for i in range(len(sent)):
            start = time.monotonic()
            colors = 8 + (number * 7 + i) % 200
            body = sent[(number + i) % len(sent)]
            answer = await talk.post(f"/api/compress?colors={colors}", content=body)
            seconds.append(time.monotonic() - start)
            wrong += answer.status_code != 200 or answer.content[:4] != b"\x89PNG"

    limits = httpx2.Limits(max_connections=clients)
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=120, limits=limits
    ) as talk:
        await asyncio.gather(*(client(number, talk) for number in range(clients)))
    return seconds, wrong


def group(pid):
    found = subprocess.run(
        ["ps", "-e", "-o", "pid=,pgid=,rss=,stat="], capture_output=True, text=True
    )
    rows = [line.split() for line in found.stdout.splitlines()]
    return [row for row in rows if int(row[1]) == pid and not row[3].startswith("Z")]


def memory(pid):
    return sum(int(row[2]) for row in group(pid)) / 1000


# --- what nobody should send --------------------------------------------------------------------


async def odd(port):
    body = next(pictures(1))
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    trickle = socket.create_connection(("127.0.0.1", port))
    trickle.sendall(
        b"POST /api/compress HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nx"
    )
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as talk:
        for name, sent in (
            ("5 MB and a byte", bytes(5_000_001)),
            ("a text", b"hello, this is a text"),
            ("half a picture", body[: len(body) // 2]),
            ("a bomb of 3.6 gigapixels", bomb(60_000)),
            ("a bomb of 90 megapixels", bomb(9_500)),
        ):
            answer = await talk.post("/api/compress", content=sent)
            print(f"{name}: {answer.status_code} {answer.json()['error']}")
        statuses = await malformed(port)
        print(f"1,000 malformed requests: answered with {statuses}")
        for _ in range(40):
            gone(port, body)
        start = time.monotonic()
        answer = await talk.post("/api/compress?colors=16", content=body)
        spent = time.monotonic() - start
        then = f"{answer.status_code} in {spent:.2f} s"
        print(f"with 300 idle connections, after 40 disconnects mid-work: {then}")
        active = (await talk.get("/api/health")).json()["active"]
        print(f"still being worked on: {active} (the body that trickles)")
    for one in (*idle, trickle):
        one.close()


async def malformed(port):
    chance = np.random.default_rng(1)
    found = {}
    for i in range(1000):
        junk = chance.integers(0, 256, 120, np.uint8).tobytes()
        head = (b"", b"POST /api/compress HTTP/1.1\r\n", b"GET /%00 HTTP/9\r\n\r\n", b"G\r\n\r\n")[
            i % 4
        ]
        with socket.create_connection(("127.0.0.1", port)) as one:
            one.settimeout(5)
            one.sendall(head + junk + b"\r\n\r\n")
            one.shutdown(socket.SHUT_WR)
            try:
                answer = one.recv(50)
            except ConnectionResetError:
                answer = b""
        status = answer.split()[1].decode() if answer.count(b" ") > 1 else "a closed connection"
        found[status] = found.get(status, 0) + 1
    return found


def gone(port, body):
    """Whoever asks for minutes of work and leaves."""
    with socket.create_connection(("127.0.0.1", port)) as one:
        head = "POST /api/compress?effort=10&quality=80 HTTP/1.1\r\nHost: localhost\r\n"
        one.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(0.02)


def bomb(side):
    def chunk(kind, data):
        sealed = kind + data
        return len(data).to_bytes(4, "big") + sealed + zlib.crc32(sealed).to_bytes(4, "big")

    head = chunk(b"IHDR", side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0]))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + chunk(b"IDAT", zlib.compress(bytes(10**6)))
        + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    main()
