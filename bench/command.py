"""The command beside pngquant, the tutorial's own case, and a table at equal numbers of colors.

    python -m bench.command [--data DIR] [--repeat 5]

Needs pngquant on the PATH. Times are medians of whole processes run in turn; sizes are those of
each tool's file, or of both through oxipng level 4 where the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import oxipng
from bench.engine import show
from PIL import Image
from tests import reference

import tinct

KS = (16, 64, 256)


# A small process starts the command: Linux counts the memory of whoever forks as the child's own
# peak.
MEASURE = """
import os, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def process(command):
    """Seconds, those of CPU time, and peak memory in MB of a whole process."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *command], capture_output=True, text=True, check=True
    )
    seconds, busy, kilobytes = done.stdout.split()[-3:]
    return float(seconds), float(busy), int(kilobytes) / 1024


def command_times(pictures, repeat, folder):
    tinct_command = shutil.which(
        "tinct", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    )
    for name, path in pictures:
        out = {tool: str(folder / f"{tool}.png") for tool in ("tinct", "pngquant")}
        commands = {
            "tinct": [tinct_command, "compress", str(path), "-o", out["tinct"], "--force"],
            "pngquant": ["pngquant", "--force", "--output", out["pngquant"], "256", str(path)],
        }
        seen = {tool: [] for tool in commands}
        for _ in range(repeat):
            for tool, command in commands.items():
                seen[tool].append(process(command))
        row = {"picture": name}
        for tool, runs in seen.items():
            row[f"{tool} s"] = statistics.median(seconds for seconds, _, _ in runs)
            row[f"{tool} MB"] = max(memory for _, _, memory in runs)
            row[f"{tool} bytes"] = Path(out[tool]).stat().st_size
        row["time ratio"] = row["tinct s"] / row["pngquant s"]
        yield row


def scores(original, compressed):
    return tinct.psnr(original, compressed), tinct.ssimulacra2(original, compressed)


def undithered(folder, data, names):
    """Both without dithering, both through oxipng level 4."""
    for k in KS:
        for name in names:
            path = data / "kodak" / f"{name}.png"
            original = tinct.read(path).pixels
            ours = tinct.compress(path, k, dither=0, level=4)
            out = folder / "nofs.png"
            subprocess.run(
                ["pngquant", "--nofs", "--force", "--output", str(out), str(k), str(path)],
                check=True,
            )
            theirs = oxipng.optimize_from_memory(out.read_bytes(), level=4)
            row = {"k": k, "picture": name}
            for tool, size, image in (
                ("tinct", len(ours.data), ours.image),
                ("pngquant", len(theirs), np.asarray(Image.open(out).convert("RGB"))),
            ):
                psnr, ssimulacra2 = scores(original, image)
                row |= {
                    f"{tool} bytes": size,
                    f"{tool} dB": psnr,
                    f"{tool} SSIMULACRA2": ssimulacra2,
                }
            yield row


def means(rows):
    for k in KS:
        group = [row for row in rows if row["k"] == k]
        yield {"k": k} | {
            key: statistics.mean(row[key] for row in group) for key in group[0] if "t " in key
        }


def tutorial(data):
    """128 x 128 pixels to 16 colors: ten iterations in plain loops beside compress()."""
    path = data / "ng" / "bird_small.png"
    pixels = tinct.read(path).pixels
    points = pixels.reshape(-1, 3) / 255
    start = time.perf_counter()
    centers = reference.initial_centroids(points, 16, np.random.default_rng(0))
    centers, labels, _ = reference.run_kmeans(points, centers, 10)
    slow = time.perf_counter() - start
    palette = np.rint(centers * 255).astype(np.uint8)
    indices = labels.reshape(pixels.shape[:2]).astype(np.uint8)
    from tinct.codecs.arrays import encode

    yield {
        "who": "tutorial, 10 iterations",
        "bytes": len(encode(indices, palette)),
        "dB": tinct.psnr(pixels, palette[indices]),
        "s": slow,
    }
    for who, asked in (
        ("tinct, sRGB, no dithering", {"space": "srgb", "dither": 0}),
        ("tinct, no dithering", {"dither": 0}),
        ("tinct, default", {}),
    ):
        tinct.compress(path, 16, **asked)
        start = time.perf_counter()
        ours = tinct.compress(path, 16, **asked)
        seconds = time.perf_counter() - start
        yield {
            "who": who,
            "bytes": len(ours.data),
            "dB": ours.report.psnr,
            "s": seconds,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("bench/out/command.json"))
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        large = folder / "large.png"
        Image.open(options.data / "photos" / "red_panda_10MP.jpg").convert("RGB").save(large)
        pictures = [
            ("icon 256 x 256", options.data / "graphics" / "icon_oxygen_konqueror.png"),
            ("icon 256 x 256 (bevy)", options.data / "graphics" / "icon_bevy_256.png"),
            ("kodim23, 0.4 MP", options.data / "kodak" / "kodim23.png"),
            ("red panda, 10 MP", large),
        ]
        results["tutorial"] = list(tutorial(options.data))
        show("bird_small.png to 16 colors, same encoder", results["tutorial"])
        results["times"] = list(command_times(pictures, options.repeat, folder))
        show("whole command, default options, 256 colors", results["times"])
        names = ("kodim03", "kodim05", "kodim13", "kodim15", "kodim23")
        rows = results["undithered"] = list(undithered(folder, options.data, names))
        show("no dithering, both through oxipng 4", rows)
        show("means", list(means(rows)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
