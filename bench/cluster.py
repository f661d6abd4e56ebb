"""Many pictures on a Dask cluster: throughput, memory, workers killed, interruption.

    python -m bench.cluster [--pictures 2000] [--kill 20] [--data DIR]

Crops of 128 x 96 from pictures of DIR (../shared/data/kodak by default), 64 colors. `tinct
compress` in one process on one thread, over two workers of a thread and one worker of four, and
`xargs -P2 pngquant --speed 1`. Then two workers again, of which one is killed every so many
seconds; then a run interrupted after a third, and once more. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np


def make(folder, count, data):
    from PIL import Image

    sources = [Image.open(path).convert("RGB") for path in sorted(data.glob("*.png"))]
    rng = np.random.default_rng(0)
    for i in range(count):
        picture = sources[i % len(sources)]
        x, y = rng.integers(0, picture.width - 128), rng.integers(0, picture.height - 96)
        picture.crop((x, y, x + 128, y + 96)).save(folder / f"{i:05d}.png")


def tinct(folder, out, *more):
    command = [
        sys.executable,
        "-m",
        "tinct",
        "compress",
        "-k",
        "64",
        "--out-dir",
        str(out),
        "--json",
    ]
    return [*command, "--force" * (not more) or "-r", *more, str(folder)]


def resident(pids):
    return [
        int(Path(f"/proc/{pid}/statm").read_text().split()[1]) / 256
        for pid in pids
        if Path(f"/proc/{pid}/statm").exists()
    ]


def on_cluster(folder, out, workers, threads, kill=0, interrupt=0):
    """The command on a cluster of ours: seconds, JSON lines, megabytes of the workers by time."""
    import dask
    from distributed import LocalCluster

    dask.config.set({"distributed.deploy.lost-worker-timeout": "10 minutes"})
    sizes, killed = [], 0
    how = {"n_workers": workers, "threads_per_worker": threads, "dashboard_address": None}
    with LocalCluster(**how, silence_logs=50) as cluster:
        ends = threading.Event()

        def watch():
            nonlocal killed
            last = time.perf_counter()
            while not ends.wait(1):
                pids = [w.pid for w in cluster.workers.values() if w.pid]
                sizes.append(max(resident(pids), default=0))
                up = [  # a nanny whose worker is killed while it starts gives up
                    w.pid
                    for w in cluster.workers.values()
                    if w.pid and w.worker_address in cluster.scheduler.workers
                ]
                if kill and up and time.perf_counter() - last > kill:
                    os.kill(random.choice(up), signal.SIGKILL)
                    killed, last = killed + 1, time.perf_counter()

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.perf_counter()
        command = tinct(folder, out, "--cluster", cluster.scheduler_address)
        heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's & ignores it
        with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=heard) as run:
            lines = []
            for line in run.stdout:
                lines.append(json.loads(line))
                if interrupt and len(lines) == interrupt:
                    run.send_signal(signal.SIGINT)
        seconds = time.perf_counter() - began
        ends.set()
        watcher.join()
    third = max(1, len(sizes) // 3)
    thirds = sizes[:third], sizes[third:-third], sizes[-third:]
    grown = [round(max(part, default=0)) for part in thirds]
    return {
        "seconds": seconds,
        "code": run.returncode,
        "lines": lines,
        "mb": grown,
        "kills": killed,
    }


def whole(out):
    """Results that can be read, and what was left lying."""
    from PIL import Image

    files = [path for path in out.rglob("*") if path.is_file()]
    for path in files:
        with Image.open(path) as picture:
            picture.load()
    done = sum(path.suffix == ".png" and path.name[0] != "." for path in files)
    return done, len(files) - done


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--kill", type=float, default=20)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/kodak"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "in").mkdir()
        make(root / "in", args.pictures, args.data)
        n, files = args.pictures, [str(path) for path in sorted((root / "in").glob("*.png"))]

        def tell(what, seconds, **more):
            rate = {
                "what": what,
                "pictures": n,
                "seconds": round(seconds, 1),
                "per_s": round(n / seconds, 2),
            }
            print(json.dumps({**rate, **more}), flush=True)

        began = time.perf_counter()
        one = [*tinct("", root / "one")[:-1], "--threads", "1", *files]
        subprocess.run(one, check=False, stdout=subprocess.DEVNULL)
        tell("one process", time.perf_counter() - began)
        began = time.perf_counter()
        command = [
            "xargs",
            "-P2",
            "-n1",
            "pngquant",
            "--speed",
            "1",
            "--ext",
            "-pq.png",
            "--force",
            "64",
        ]
        subprocess.run(command, input="\n".join(files).encode(), check=False)
        tell("xargs -P2 pngquant", time.perf_counter() - began)
        for path in (root / "in").glob("*-pq.png"):
            path.unlink()
        for workers, threads in ((2, 1), (1, 4)):
            run = on_cluster(root / "in", root / f"c{workers}", workers, threads)
            tell(
                f"{workers} x {threads}",
                run["seconds"],
                mb=run["mb"],
                done=whole(root / f"c{workers}"),
            )
        run = on_cluster(root / "in", root / "killed", 2, 1, kill=args.kill)
        told = Counter(line["name"] for line in run["lines"])
        more = {"kills": run["kills"], "told": len(told)}
        more["twice"] = sum(count > 1 for count in told.values())
        more["failed"] = sum(line["status"] == "failed" for line in run["lines"])
        tell("killed", run["seconds"], **more, done=whole(root / "killed"))
        first = on_cluster(root / "in", root / "again", 2, 1, interrupt=n // 3)
        then = on_cluster(root / "in", root / "again", 2, 1)
        both = len(first["lines"]), first["code"], len(then["lines"]), then["code"]
        tell("interrupted", then["seconds"], lines_and_codes=both, done=whole(root / "again"))
        same = all(
            path.read_bytes()
            == (root / "killed" / path.name).read_bytes()
            == (root / "again" / path.name).read_bytes()
            for path in (root / "one").glob("*.png")
        )
        print(json.dumps({"same bytes everywhere": same}))


if __name__ == "__main__":
    main()
