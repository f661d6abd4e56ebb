"""Bytes against looks: ours and pngquant's, both through oxipng level 4, scored by SSIMULACRA2.

    python -m bench.rate PICTURE_OR_FOLDER... [--out bench/out] [--effort 5] [--butteraugli]
                         [--judges]

Ours are the files that `--quality` 50, 55 ... 90 gives; pngquant's those of `--speed 1` with 8 to
256 colors. BD-rate is the mean relative difference in bytes over the scores that both reach within
50...90. With --judges also S-CIELAB, CAMBI in full and halved, and the error after a blur in smooth
areas (bench/judges.py), all at equal SSIMULACRA2: 70 and 80. Leaves rate.csv, a plot per picture
and the table. Needs pngquant on the PATH, the extras `plot` and `tables`, for --butteraugli
butteraugli_main (3-norm, at which lower is better), and for --judges imageio-ffmpeg.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import oxipng
from bench.judges import JUDGES, over_grey
from PIL import Image

from tinct import TargetError
from tinct.compress.encoder import Clock, Encoder, Options
from tinct.compress.search_quality import least_bytes
from tinct.picture import read as files
from tinct.scoring.ssimulacra2 import Reference

KS = (8, 16, 32, 64, 128, 256)
GOALS = tuple(range(50, 91, 5))
LOOKS = (70, 80)  # where the judges are asked
LOW, HIGH = 50, 90  # below, nobody would ship it; above, nobody sees it
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def ours(pixels, effort):
    """(setting, PNG, pixels) of each quality that can be reached."""
    for goal in GOALS:  # each as if nothing else had been asked for
        encoder = Encoder(pixels, Options(dither=0.75, effort=effort), Clock())
        try:
            drawn = least_bytes(encoder, 256, goal)
        except TargetError:
            return
        yield f"quality={goal}", drawn.data, encoder.image(drawn)


def theirs(pixels):
    """The same of pngquant at each number of colors."""
    source = io.BytesIO()
    Image.fromarray(pixels).save(source, "PNG")
    for k in KS:
        command = ["pngquant", "--speed", "1", str(k), "-"]
        done = subprocess.run(command, input=source.getvalue(), capture_output=True, check=True)
        mode = "RGBA" if pixels.shape[2] == 4 else "RGB"
        drawn = np.asarray(Image.open(io.BytesIO(done.stdout)).convert(mode))
        yield f"k={k}", done.stdout, drawn


def measured(runs, pixels, judges):
    """(setting, bytes, SSIMULACRA2, *what the judges say) of each drawing."""
    reference, original = Reference(pixels), over_grey(pixels)
    for setting, data, drawn in runs:
        size = len(oxipng.optimize_from_memory(data, level=4))
        words = [judge(original, over_grey(drawn)) for judge in judges.values()]
        yield setting, size, reference.score(drawn), *words


def three_norm(pixels, drawn):
    """Butteraugli's 3-norm."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / name) for name in ("a.png", "b.png")]
        for path, picture in zip(paths, (pixels, drawn), strict=True):
            Image.fromarray(picture).save(path, compress_level=1)
        done = subprocess.run(["butteraugli_main", *paths], capture_output=True, text=True)
        return float(done.stdout.split("3-norm:")[1])


def hull(points):
    """Looks rising and, at each, the logarithm of the least bytes that reach it."""
    kept = []
    for look, size in sorted(((look, np.log(size)) for size, look in points), reverse=True):
        if not kept or size < kept[-1][1]:
            kept.append((look, size))
    return np.array(kept[::-1]).T


def bd_rate(peer, own, low=LOW, high=HIGH):
    """Mean relative difference of our bytes from the peer's; None where no look is shared.

    Both are lists of (bytes, look), where more is better.
    """
    if len(peer) < 2 or len(own) < 2:
        return None
    (peer_looks, peer_sizes), (looks, sizes) = hull(peer), hull(own)
    low, high = max(peer_looks[0], looks[0], low), min(peer_looks[-1], looks[-1], high)
    if high <= low:
        return None
    at = np.linspace(low, high, 200)
    apart = np.interp(at, looks, sizes) - np.interp(at, peer_looks, peer_sizes)
    return float(np.exp(apart.mean()) - 1)


def at_equal_look(points, look):
    """What each judge says where SSIMULACRA2 is `look`: NaN where that is out of reach."""
    rows = np.array(sorted(point[2:] for point in points))
    return [np.interp(look, rows[:, 0], row, np.nan, np.nan) for row in rows.T[1:]]


def plot(path, name, runs):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for tool, color, mark in (("pngquant", "#d55e00", "s"), ("tinct", "#0072b2", "o")):
        points = sorted((look, size / 1000) for _, size, look, *_ in runs[tool])
        axes.plot(*zip(*points, strict=True), mark + "-", color=color, label=tool)
    axes.set(xlabel="SSIMULACRA2", ylabel="kB", title=name, yscale="log", xlim=(30, 100))
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def race(path, options, table, judges):
    """One picture: its rows, its plot, its BD-rates, and what judges say at equal SSIMULACRA2."""
    pixels = files.read(path).pixels
    contests = {"pngquant": theirs(pixels), "tinct": ours(pixels, options.effort)}
    runs = {tool: list(measured(run, pixels, judges)) for tool, run in contests.items()}
    for tool, points in runs.items():
        table.writerows([path.stem, tool, *point] for point in points)
    if not all(runs.values()):
        return [None], {}
    plot(options.out / f"{path.stem}.png", path.stem, runs)
    peer, own = ([(size, look) for _, size, look, *_ in runs[t]] for t in contests)
    rates = [bd_rate(peer, own)]
    if options.butteraugli:  # over all norms that both reach
        peer, own = ([(n, -norm) for _, n, _, norm, *_ in runs[t]] for t in contests)
        rates.append(bd_rate(peer, own, -np.inf, np.inf))
    return rates, {look: [at_equal_look(runs[t], look) for t in contests] for look in LOOKS}


def tell_judges(judges, said):
    """Means of both tools at equal looks, and our worst against the peer's."""
    for look in LOOKS:
        for i, name in enumerate(judges):
            both = np.array([[tool[i] for tool in picture[look]] for picture in said if picture])
            both = both[~np.isnan(both).any(axis=1)] if len(both) else np.empty((0, 2))
            if len(both):
                peer, own = both.mean(axis=0)
                worst = (both[:, 1] - both[:, 0]).max()
                figures = f"pngquant {peer:.2f}, tinct {own:.2f}, worst {worst:+.2f}, {len(both)}"
                print(f"{name} at SSIMULACRA2 {look}: {figures}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("bench/out"))
    parser.add_argument("--effort", type=int, default=5)
    parser.add_argument("--butteraugli", action="store_true")
    parser.add_argument("--judges", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    paths = []
    for path in options.pictures:
        inside = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES) if path.is_dir() else []
        paths += inside or [path]
    judges = {"butteraugli_3": three_norm} if options.butteraugli else {}
    judges |= JUDGES if options.judges else {}
    columns, said = [[], []], []
    with (options.out / "rate.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["picture", "tool", "setting", "bytes", "ssimulacra2", *judges])
        for path in paths:
            rates, words = race(path, options, table, judges)
            said.append(words)
            file.flush()
            for column, rate in zip(columns, rates, strict=False):
                column += [] if rate is None else [rate]
            told = "  ".join("-" if rate is None else f"{rate:+.1%}" for rate in rates)
            print(f"{path.stem:32} {told}", flush=True)
    for measure, rates in zip(("SSIMULACRA2", "butteraugli 3-norm"), columns, strict=True):
        if rates:
            print(f"{measure}: mean {np.mean(rates):+.1%}, worst {max(rates):+.1%}, {len(rates)}")
    tell_judges(judges, said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
