"""Bytes against looks: ours and pngquant's, both through oxipng level 4, scored by SSIMULACRA2.

    python -m bench.rate PICTURE... [--csv bench/out/rate.csv] [--effort 5]

BD-rate is the mean relative difference in bytes over the scores that both reach within 50...90.
Photographs are drawn with 256 colors at six prices of a bit; pictures with few distinct colors
also with fewer colors at low prices. Needs pngquant on the PATH.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tinct import files, quality
from tinct.draw import Clock, Options, Studio
from tinct.targets import _is_flat

KS = (8, 16, 32, 64, 128, 256)
LOSSES = (0.1, 0.3, 0.45, 0.55, 0.65, 0.75)
FEWER, LITTLE = (12, 20, 40, 64), (1 / 512, 0.2, 0.4)
LOW, HIGH = 50, 90  # below, nobody would ship it; above, nobody sees it


def ours(pixels, effort):
    """(setting, bytes, score) of each drawing."""
    studio = Studio(pixels, Options(dither=0.75, effort=effort, level=4), Clock())
    points = [(256, lossy) for lossy in LOSSES]
    if _is_flat(studio):
        points += [(256, 1 / 512)] + [(k, lossy) for k in FEWER for lossy in LITTLE]
    for k, lossy in points:
        drawing = studio.draw(k, lossy)
        yield f"k={k} lossy={lossy:.3g}", len(drawing.data), studio.score(drawing)


def theirs(path, pixels):
    """The same of pngquant at each number of colors."""
    import oxipng

    for k in KS:
        command = ["pngquant", "--speed", "1", str(k), "-"]
        done = subprocess.run(command, input=path.read_bytes(), capture_output=True, check=True)
        data = oxipng.optimize_from_memory(done.stdout, level=4)
        mode = "RGBA" if pixels.shape[2] == 4 else "RGB"
        drawn = np.asarray(Image.open(io.BytesIO(data)).convert(mode))
        yield f"k={k}", len(data), quality.ssimulacra2(pixels, drawn)


def hull(points):
    """Scores rising and, at each, the logarithm of the least bytes that reach it."""
    kept = []
    for score, size in sorted(((score, np.log(size)) for _, size, score in points), reverse=True):
        if not kept or size < kept[-1][1]:
            kept.append((score, size))
    return np.array(kept[::-1]).T


def bd_rate(peer, own):
    """Mean relative difference of our bytes from the peer's; None where no score is shared."""
    (peer_scores, peer_sizes), (scores, sizes) = hull(peer), hull(own)
    low, high = max(peer_scores[0], scores[0], LOW), min(peer_scores[-1], scores[-1], HIGH)
    if high - low < 1:
        return None
    at = np.linspace(low, high, 200)
    apart = np.interp(at, scores, sizes) - np.interp(at, peer_scores, peer_sizes)
    return float(np.exp(apart.mean()) - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--csv", type=Path, default=Path("bench/out/rate.csv"))
    parser.add_argument("--effort", type=int, default=5)
    options = parser.parse_args()
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    rates = []
    with options.csv.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["picture", "tool", "setting", "bytes", "ssimulacra2"])
        for path in options.pictures:
            pixels = files.read(path).pixels
            runs = {"pngquant": list(theirs(path, pixels))}
            runs["tinct"] = list(ours(pixels, options.effort))
            for tool, points in runs.items():
                table.writerows([path.stem, tool, what, n, f"{s:.3f}"] for what, n, s in points)
            file.flush()
            rate = bd_rate(runs["pngquant"], runs["tinct"])
            rates.append(rate)
            print(f"{path.stem:32} {'-' if rate is None else f'{rate:+.1%}':>8}", flush=True)
    shared = [rate for rate in rates if rate is not None]
    if shared:
        print(f"{'mean':32} {np.mean(shared):+8.1%}   worst {max(shared):+.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
