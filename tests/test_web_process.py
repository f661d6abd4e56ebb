"""The server as a process: how it starts and ends, and whom it lets go of."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from painted import photo
from test_web import png
from tinct.cli import main as cli

pytestmark = pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
COMMAND = [sys.executable, "-m", "tinct", "serve", "--port", "0"]
PHOTO = png(np.array(photo()))
LONG = "/api/compress?effort=10&quality=55"  # some minutes, if nobody stops it


@contextmanager
def serving(*options):
    """A server and its port; it must leave no process behind."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*COMMAND, *options], start_new_session=True, **how) as server:
        try:
            line = server.stdout.readline()
            server.port = int(re.search(r"http://127\.0\.0\.1:(\d+)/ \(Ctrl-C ends it\)", line)[1])
            yield server
        finally:
            server.kill()
    wait_until(lambda: not group(server.pid))


def group(pid):
    """The processes that a server started, itself included, that still run."""
    found = subprocess.run(["ps", "-e", "-o", "pid=,pgid=,stat="], capture_output=True, text=True)
    rows = [line.split() for line in found.stdout.splitlines()]
    return [int(row[0]) for row in rows if int(row[1]) == pid and not row[2].startswith("Z")]


def wait_until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.02)


def ask(port, path, body=None, method="POST"):
    talk = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    talk.request(method if body is not None else "GET", path, body)
    answer = talk.getresponse()
    data = answer.read()
    talk.close()
    return answer.status, data


def active(port):
    return json.loads(ask(port, "/api/health")[1])["active"]


def begin(port, path=LONG, body=PHOTO):
    """A request that is being worked on."""
    one = socket.create_connection(("127.0.0.1", port))
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
    one.sendall(head.encode() + body)
    wait_until(lambda: active(port) > 0)
    return one


@pytest.fixture(scope="module")
def server():
    options = ("--workers", "1", "--time-limit", "2", "--max-body", "1M", "--max-requests", "3")
    with serving(*options) as found:
        ask(found.port, "/api/palette", PHOTO)  # its process is ready
        yield found


def test_a_request_is_given_up_when_its_client_goes_away(server):
    one = begin(server.port)
    time.sleep(0.3)
    one.close()
    start = time.monotonic()
    status, _ = ask(server.port, "/api/palette?colors=7", PHOTO)
    assert status == 200
    assert time.monotonic() - start < 2.5
    wait_until(lambda: active(server.port) == 0)


def test_what_takes_too_long_is_given_up_and_told(server):
    status, data = ask(server.port, LONG, PHOTO)
    assert status == 504
    assert "longer than 2 seconds" in json.loads(data)["error"]
    assert serves(server.port)


def serves(port):
    """Whether a picture is answered; a busy machine may start a worker past the time limit."""
    return any(ask(port, "/api/palette", PHOTO)[0] == 200 for _ in range(5))


def test_too_many_at_a_time_are_told_to_come_again(server):
    waiting = [begin(server.port) for _ in range(3)]
    wait_until(lambda: active(server.port) == 3)
    status, data = ask(server.port, "/api/palette", PHOTO)
    assert (status, json.loads(data)["reason"]) == (503, "busy")
    for one in waiting:
        one.close()
    wait_until(lambda: active(server.port) == 0)
    assert serves(server.port)


def workers(pid):
    """The processes of a server that work on pictures."""
    told = ["ps", "-ww", "-o", "args=", "-p"]  # however wide
    its = {
        one: subprocess.run([*told, str(one)], capture_output=True, text=True).stdout
        for one in group(pid)
    }
    return [one for one, command in its.items() if "spawn_main" in command]


def test_a_worker_that_dies_is_replaced(server):
    answer = b""
    for _ in range(5):  # on a busy machine the time limit may come first
        with begin(server.port) as one:
            wait_until(lambda: workers(server.pid))
            os.kill(workers(server.pid)[0], signal.SIGKILL)
            answer = one.recv(100)
        if b" 500 " in answer:
            break
    assert b" 500 " in answer
    assert serves(server.port)


def test_bytes_that_are_no_requests_harm_nobody(server):
    rng = np.random.default_rng(2)
    for i in range(60):
        with socket.create_connection(("127.0.0.1", server.port)) as one:
            junk = rng.integers(0, 256, 200, np.uint8).tobytes()
            heads = (
                b"",
                b"POST /api/compress HTTP/1.1\r\n",
                b"GET / HTTP/9.9\r\n\r\n",
                b"\r\n\r\n",
            )
            one.sendall(heads[i % 4] + junk)
    quiet = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    trickle = begin_slowly(server.port)
    assert serves(server.port)
    assert b" 504 " in trickle.recv(100)
    for one in (*quiet, trickle):
        one.close()
    too_large = ask(server.port, "/api/compress", bytes(1_000_001))
    assert too_large[0] == 413


def begin_slowly(port):
    """A body of which only the first bytes come."""
    one = socket.create_connection(("127.0.0.1", port))
    one.sendall(b"POST /api/compress HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nabc")
    return one


def test_ctrl_c_ends_it_at_once_and_leaves_nothing_behind(tmp_path):
    before = set(os.listdir(tmp_path))
    with serving("--workers", "2") as server:
        one = begin(server.port)
        os.killpg(server.pid, signal.SIGINT)  # as a terminal does: to all its processes
        assert server.wait(5) == 130
        assert server.stderr.read().strip() == "tinct: interrupted"
        wait_until(lambda: not group(server.pid))
        one.close()
    assert set(os.listdir(tmp_path)) == before


def test_workers_end_with_a_server_that_was_killed():
    with serving("--workers", "2") as server:
        one = begin(server.port)
        os.kill(server.pid, signal.SIGKILL)
        server.wait(5)
        wait_until(lambda: not group(server.pid))
        one.close()


def test_a_port_that_is_taken_is_told_in_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err == f"tinct: 127.0.0.1:{port}: address already in use\n"


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["serve"]) == 1
    assert capsys.readouterr().err == "tinct: the page needs an extra: pip install 'tinct[web]'\n"
