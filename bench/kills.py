"""Kill the command again and again while it works on a folder in place, then let it finish.

python bench/kills.py [FILES [KILLS]]: every file must be the old one or the new one, nothing may
be left over, and another run must change nothing.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

KINDS = {"png": {}, "gif": {}, "webp": {"lossless": True}, "jpg": {}, "bmp": {}}


def grow(root, count):
    """A tree of small pictures, of all kinds in turn."""
    rng = np.random.default_rng(0)
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        folder = root / f"{number % 7}" / f"{number % 11}"
        folder.mkdir(parents=True, exist_ok=True)
        side = int(rng.integers(24, 80))
        ramp = np.linspace(0, 200, side)[:, None, None] + rng.integers(0, 50, (side, side, 3))
        options = KINDS[kind]
        Image.fromarray(ramp.astype(np.uint8)).save(folder / f"{number}.{kind}", **options)


def state(root):
    """What each file holds."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def command(root):
    """The command on the tree, in a session of its own."""
    asked = [sys.executable, "-m", "tinct", "compress", str(root), "-r", "--in-place"]
    return subprocess.Popen(
        asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, text=True
    )


def race(root, count=2000, kills=50, longest=4.0, seed=0):
    """Seconds and last lines of two runs that finish; AssertionError if a law is broken."""
    grow(root, count)
    chance, old = random.Random(seed), state(root)
    seen = {path: {value} for path, value in old.items()}
    for _ in range(kills):
        running = command(root)
        time.sleep(chance.uniform(0.2, longest))
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        for path, value in state(root).items():
            if ".tinct-" not in path:
                seen[path].add(value)
    told, after = [], []
    for _ in range(2):
        start, running = time.perf_counter(), command(root)
        said = running.communicate()[0].splitlines()
        told.append((time.perf_counter() - start, said[-1]))
        new = state(root)
        after.append((new, {path: os.stat(path).st_mtime_ns for path in new}))
        assert set(new) == set(old), set(new) ^ set(old)
        assert all(seen[path] <= {old[path], new[path]} for path in new), "torn"
    assert after[0] == after[1], "the second run changed something"
    changed = sum(old[path] != new[path] for path in old)
    return told, changed


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        found, changed = race(Path(place), *map(int, sys.argv[1:]))
        print(f"{changed} files replaced")
        for seconds, line in found:
            print(f"{seconds:.1f} s  {line}")
