"""The command beside pngquant from 0.06 to 100 megapixels: time, memory, bytes, and how they grow.

    python -m bench.sizes [--data DIR] [--sizes 1,10,33] [--kinds map,chart] [-- OPTIONS]

Whole processes in turn, the least of the repeats; options behind `--` go to tinct. Pictures are
made of those in DIR and kept in a folder: photographs are reduced, graphics cut; what is larger
than its source mirrors it, wallpapers and the smooth photograph are enlarged. Exponents are of time
over pixels, fitted from a megapixel on.
"""

import argparse
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from bench.command import process
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
SIZES = (0.06, 0.4, 1, 4, 10, 33, 100)  # megapixels
PNGQUANT_UP_TO = 33
SOURCES = {
    "rough": "photos/red_panda_10MP.jpg",
    "smooth": "photos/Hokkaido_10MP.jpg",
    "screenshot": "graphics/ui_web_codec_wiki.png",
    "map": "graphics/map_berlin.png",
    "chart": "graphics/chart_stumpy_lines.png",
    "icon": "graphics/icon_oxygen_konqueror.png",
    "emoji": "graphics/emoji_sheet_64_4092.png",
    "aurora": "graphics/grad_aurora_dark.png",
    "ramp": "",
}
SOFT = 2.0  # how far the smooth photograph is enlarged


def mirrored(pixels: Pixels, height: int, width: int) -> Pixels:
    """The picture cut, or continued by its mirror images."""
    places = []
    for have, want in zip(pixels.shape, (height, width), strict=False):
        turn = np.r_[0:have, have - 1 : -1 : -1] if want > have else np.arange(have)
        places.append(np.resize(turn, want))
    return np.ascontiguousarray(pixels[np.ix_(*places)])


def scaled(image: Image.Image, height: int, width: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.LANCZOS)


def made(kind: str, pixels: int, data: Path) -> Pixels:
    """A picture of a kind with about so many pixels, 3 : 2."""
    height = round(math.sqrt(pixels / 1.5))
    width = round(height * 1.5)
    if kind == "ramp":
        x, y = np.arange(width) / width, np.arange(height)[:, None] / height
        planes = [40 + 150 * y + 0 * x, 60 + 60 * x + 90 * y, 120 + 110 * (x + y) / 2]
        return np.stack(planes, 2).round().astype(np.uint8)
    image = Image.open(data / SOURCES[kind])
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if kind == "aurora":
        image = scaled(image, height, width)
    if kind == "icon":
        side = min(height, 1024)
        image = scaled(image, side, side)
    if kind in ("rough", "smooth"):
        soft = SOFT if kind == "smooth" else 1.0
        ratio = min(math.sqrt(pixels / (image.width * image.height)) / soft, 1)
        image = scaled(image, round(image.height * ratio), round(image.width * ratio))
        image = scaled(image, round(image.height * soft), round(image.width * soft))
    return mirrored(np.asarray(image), height, width)


def exponent(pixels: list[float], seconds: list[float]) -> float:
    """The slope of a line through the logarithms."""
    if len(pixels) < 2:
        return math.nan
    return float(np.polyfit(np.log(pixels), np.log(seconds), 1)[0])


def compare(path: Path, repeat: int, beside: bool, options: list[str]) -> dict[str, list[float]]:
    """Of each tool seconds, CPU seconds, MB and bytes."""
    tinct = shutil.which("tinct", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    out = path.with_suffix(".out")
    asked = {"tinct": [tinct, "compress", path, "-o", f"{out}.png", "--force", *options]}
    if beside:
        asked["pngquant"] = ["pngquant", "--force", "--output", f"{out}.png", "256", path]
    seen: dict[str, list[list[float]]] = {tool: [] for tool in asked}
    for _ in range(repeat):
        for tool, command in asked.items():
            spent = process([str(word) for word in command])
            seen[tool].append([*spent, Path(f"{out}.png").stat().st_size])
    return {tool: [min(row) for row in zip(*runs, strict=True)] for tool, runs in seen.items()}


def table(kind: str, options: argparse.Namespace) -> None:
    points: dict[str, list[tuple[float, float, float]]] = {"tinct": [], "pngquant": []}
    for size in options.sizes:
        path = options.folder / f"{kind}-{size:g}.png"
        if not path.exists():
            Image.fromarray(made(kind, int(size * 1e6), options.data)).save(path, compress_level=1)
        beside = size <= PNGQUANT_UP_TO and not options.alone
        found = compare(path, options.repeat, beside, options.tinct)
        with Image.open(path) as image:
            pixels = image.width * image.height / 1e6
        cells = [f"{kind:10} {size:6g}"]
        for tool, (wall, busy, memory, length) in found.items():
            rate = busy / pixels
            cells.append(f"{wall:8.2f} {busy:8.2f} {rate:6.3f} {memory:7.0f} {length:10.0f}")
            if size >= 1:
                points[tool].append((pixels, wall, busy))
            if tool == "tinct":
                cells[-1] += f" {(memory - 80) * 1.048576 / pixels:6.1f}"
        if beside:
            ours, theirs = found["tinct"], found["pngquant"]
            ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
            cells.append(f"{ratios[0]:5.2f} {ratios[1]:5.2f} {ratios[3]:5.2f}")
        print(" | ".join(cells), flush=True)
    for tool, seen in points.items():
        if len(seen) > 1:
            pixels, *times = zip(*seen, strict=True)
            wall, busy = (exponent(list(pixels), list(spent)) for spent in times)
            rates = [spent / many for many, spent in zip(pixels, times[1], strict=True)]
            print(f"{kind:10} {tool}: exponent {wall:.2f} wall, {busy:.2f} CPU; ", end="")
            print(f"CPU per megapixel within {max(rates) / min(rates):.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "tinct-sizes")
    parser.add_argument("--sizes", type=lambda t: [float(n) for n in t.split(",")], default=SIZES)
    parser.add_argument("--kinds", type=lambda t: t.split(","), default=list(SOURCES))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="without pngquant")
    parser.add_argument("tinct", nargs="*", help="options of tinct, behind --")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    print("kind           MP | s, CPU s, CPU s/MP, MB, bytes, bytes a pixel above 80 MiB", end="")
    print(" | pngquant's s, CPU s, CPU s/MP, MB, bytes | ratios of s, CPU s, bytes")
    for kind in options.kinds:
        table(kind, options)


if __name__ == "__main__":
    main()
