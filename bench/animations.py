"""Animations beside other tools': bytes at the same SSIMULACRA2, the mean over moments.

    python -m bench.animations FILES...

GIFs against `gifsicle -O3 --lossy=80`; APNGs and WebPs, without loss, against Pillow, apngasm and
gif2webp, as far as they are installed.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

import tinct
from tinct.picture.film import Film
from tinct.scoring.ssimulacra2 import Reference

MOMENTS = 12
UNSTATED = Fraction(1, 10)  # seconds that browsers show a frame of no time


def seen(data: bytes, times: list[Fraction]) -> list[np.ndarray]:
    """What is seen at each of the times, which rise."""
    found: list[np.ndarray] = []
    end, pixels = Fraction(0), np.zeros(0)
    for frame in Film(data).frames():
        end, pixels = end + (frame.seconds or UNSTATED), frame.pixels
        while len(found) < len(times) and times[len(found)] < end:
            found.append(pixels)
    return found + [pixels] * (len(times) - len(found))


def score(original: bytes, other: bytes) -> float:
    """SSIMULACRA2, the mean over moments."""
    whole = sum((frame.seconds or UNSTATED for frame in Film(original).frames()), Fraction(0))
    times = [whole * (2 * i + 1) / (2 * MOMENTS) for i in range(MOMENTS)]
    scores = []
    for before, after in zip(seen(original, times), seen(other, times), strict=True):
        opaque = 3 if (before[:, :, 3] == 255).all() else 4
        pair = (np.ascontiguousarray(pixels[:, :, :opaque]) for pixels in (before, after))
        scores.append(Reference(next(pair)).score(next(pair)))
    return sum(scores) / len(scores)


def run(*command: object) -> int | None:
    """Bytes of what a tool writes to the last argument; None where it isn't or fails."""
    words = [str(word) for word in command]
    if shutil.which(words[0]) is None or subprocess.run(words, capture_output=True).returncode:
        return None
    return Path(words[-1]).stat().st_size


def by_pillow(path: Path, format: str) -> int:
    image, data = Image.open(path), io.BytesIO()
    how = {"lossless": True, "method": 4} if format == "WEBP" else {}
    image.save(data, format, save_all=True, **how)
    return len(data.getvalue())


def main(paths: list[str]) -> None:
    ratios = []
    for path in map(Path, paths):
        original = path.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            if path.suffix == ".gif" and run("gifsicle", "-O3", "--lossy=80", path, "-o", out):
                theirs = out.read_bytes()
                goal = min(score(original, theirs), 100.0)
                small = tinct.compress(original, quality=(goal - 1, goal))
                reached = score(original, small.data)
                ratios.append(len(small.data) / len(theirs))
                print(f"{path.name}: gifsicle {len(theirs)} at {goal:.1f}, tinct", end=" ")
                print(f"{len(small.data)} at {reached:.1f}: {ratios[-1]:.2f}", flush=True)
            for format in ("png", "webp"):
                ours = len(tinct.compress(original, format=format).data)
                others = {"Pillow": by_pillow(path, format.upper())}
                if format == "webp" and path.suffix == ".gif":
                    others["gif2webp"] = run("gif2webp", "-min_size", path, "-o", out)
                told = ", ".join(f"{name} {size}" for name, size in others.items() if size)
                print(f"{path.name} as {format}: tinct {ours}, {told}", flush=True)
    if ratios:
        print(f"GIF: {sum(ratios) / len(ratios):.2f} of gifsicle's bytes in the mean")


if __name__ == "__main__":
    main(sys.argv[1:])
