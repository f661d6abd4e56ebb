"""Animations beside other tools': bytes at the same SSIMULACRA2, the mean over moments.

    python -m bench.animations FILES...

GIFs against `gifsicle -O3 --lossy=80` and `gif2webp -lossy -q 75`, each at its score. As APNG and
WebP, against Pillow, apngasm, gif2webp and img2webp without loss, as far as they are installed.
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
from tinct.compress.film import MOMENTS
from tinct.picture.film import Film
from tinct.scoring.ssimulacra2 import Reference

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
    """SSIMULACRA2, the mean over moments: in the middle of the frames that tinct scores too."""
    times, end = [], Fraction(0)
    for frame in Film(original).frames():
        stands = frame.seconds or UNSTATED
        times.append(end + stands / 2)
        end += stands
    times = times[:: max(-(-len(times) // MOMENTS), 1)]
    scores = []
    for before, after in zip(seen(original, times), seen(other, times), strict=True):
        opaque = 3 if (before[:, :, 3] == 255).all() else 4
        pair = (np.ascontiguousarray(pixels[:, :, :opaque]) for pixels in (before, after))
        scores.append(Reference(next(pair)).score(next(pair)))
    return sum(scores) / len(scores)


def run(out: Path, *command: object) -> int | None:
    """Bytes of what a tool writes to `out`; None where it isn't or fails."""
    words = [str(word) for word in command]
    if shutil.which(words[0]) is None or subprocess.run(words, capture_output=True).returncode:
        return None
    return out.stat().st_size


def by_pillow(path: Path, format: str) -> int:
    image, data = Image.open(path), io.BytesIO()
    how = {"lossless": True, "method": 4} if format == "WEBP" else {}
    image.save(data, format, save_all=True, **how)
    return len(data.getvalue())


def at_their_score(path: Path, theirs: bytes, name: str, format: str) -> float:
    """Tinct's share of another tool's bytes; says so."""
    original = path.read_bytes()
    goal = min(score(original, theirs), 100.0)
    small = tinct.compress(original, quality=(goal - 1, goal), format=format)
    ratio, report = len(small.data) / len(theirs), small.report
    print(f"{path.name}: {name} {len(theirs)} at {goal:.1f}, tinct {len(small.data)}", end=" ")
    print(f"at {report.ssimulacra2:.1f} (least {report.ssimulacra2_least:.1f}),", end=" ")
    print(f"{report.colors} colors: {ratio:.2f}", flush=True)
    return ratio


def without_loss(path: Path, folder: Path) -> None:
    """APNG and WebP; tinct with no loss but that of 256 colors, and as by default."""
    film, frames = Film(path.read_bytes()), []
    for at, frame in enumerate(film.frames()):
        frames.append(folder / f"{at:04}.png")
        Image.fromarray(frame.pixels).save(frames[-1])
    others = {
        "png": {"Pillow": by_pillow(path, "PNG")},
        "webp": {"Pillow": by_pillow(path, "WEBP")},
    }
    out, small = folder / "out.png", ("-min_size", "-m", 6)
    others["png"]["apngasm"] = run(out, "apngasm", out, frames[0])
    others["webp"]["img2webp"] = run(out, "img2webp", *small, *frames, "-o", out)
    if path.suffix == ".gif":
        others["webp"]["gif2webp"] = run(out, "gif2webp", *small, path, "-o", out)
    for format, theirs in others.items():
        told = ", ".join(f"{name} {size}" for name, size in theirs.items() if size)
        for lossy in (0.0, "auto"):
            ours = tinct.compress(path, format=format, lossy=lossy, ssimulacra2=True)
            told += f"; {lossy}: {len(ours.data)} at {ours.report.ssimulacra2:.1f}"
        print(f"{path.name} as {format}: {told}", flush=True)


def main(paths: list[str]) -> None:
    ratios: dict[str, list[float]] = {"gif": [], "webp": []}
    for path in map(Path, paths):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            if path.suffix == ".gif" and run(out, "gifsicle", "-O3", "--lossy=80", path, "-o", out):
                ratios["gif"].append(at_their_score(path, out.read_bytes(), "gifsicle", "gif"))
            if path.suffix == ".gif" and run(out, "gif2webp", "-lossy", "-q", 75, path, "-o", out):
                ratios["webp"].append(at_their_score(path, out.read_bytes(), "gif2webp", "webp"))
            without_loss(path, Path(folder))
    for format, found in ratios.items():
        if found:
            told = f"{sum(found) / len(found):.2f} in the mean, {max(found):.2f} at worst"
            print(f"{format}: of their bytes {told}")


if __name__ == "__main__":
    main(sys.argv[1:])
