"""Strips to look at: original, ours and pngquant's, at 100 % and their middle at 400 %.

    python -m bench.strips FOLDER PICTURE[@X,Y]... [--colors 8 16] [--quality 60 70 80]

Of each picture 384 x 288 pixels are taken, from X, Y on or from the middle, and compressed by
themselves. At the same number of colors, or at a quality: then pngquant has the number of colors
whose score comes nearest. Over mid grey, a PNG per picture and way in FOLDER. Needs pngquant.
"""

from __future__ import annotations

import argparse
import io
import subprocess
from pathlib import Path

import numpy as np
from bench.judges import over_grey
from PIL import Image, ImageDraw

import tinct
from tinct.scoring.bands import bands_word
from tinct.scoring.ssimulacra2 import Reference

WIDE, HIGH, TIMES = 384, 288, 4
KS = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


def cut(name):
    """(name, pixels) of what is looked at."""
    path, _, place = name.partition("@")
    pixels = tinct.read(path).pixels
    room = [max(side - size, 0) for side, size in zip(pixels.shape, (HIGH, WIDE), strict=False)]
    x, y = map(int, place.split(",")) if place else (room[1] // 2, room[0] // 2)
    return Path(path).stem, np.ascontiguousarray(pixels[y : y + HIGH, x : x + WIDE])


def pngquant(pixels, colors):
    source = io.BytesIO()
    Image.fromarray(pixels).save(source, "PNG")
    command = ["pngquant", "--speed", "1", str(colors), "-"]
    done = subprocess.run(command, input=source.getvalue(), capture_output=True, check=True).stdout
    mode = "RGBA" if pixels.shape[2] == 4 else "RGB"
    return len(done), np.asarray(Image.open(io.BytesIO(done)).convert(mode))


def nearest(reference, pixels, score):
    """The (colors, bytes, pixels) of pngquant whose score comes nearest."""
    drawn = [(k, *pngquant(pixels, k)) for k in KS]
    return min(drawn, key=lambda d: abs(reference.score(d[2]) - score))


def panel(pixels, words):
    """One picture over its enlarged middle, with words below."""
    flat = Image.fromarray(over_grey(pixels))
    size = min(WIDE // TIMES, flat.width), min(HIGH // TIMES, flat.height)
    left, top = (flat.width - size[0]) // 2, (flat.height - size[1]) // 2
    middle = flat.crop((left, top, left + size[0], top + size[1]))
    large = middle.resize((size[0] * TIMES, size[1] * TIMES), Image.Resampling.NEAREST)
    out = Image.new("RGB", (WIDE, flat.height + large.height + 22), "white")
    out.paste(flat)
    out.paste(large, (0, flat.height + 4))
    ImageDraw.Draw(out).text((2, out.height - 14), words, fill="black")
    return out


def strip(pixels, how):
    """The three panels of a way to compress."""
    reference = Reference(pixels)
    small = tinct.compress(pixels, **how)
    if "quality" in how:
        k, size, other = nearest(reference, pixels, reference.score(small.image))
    else:
        k = how["colors"]
        size, other = pngquant(pixels, k)
    panels = [panel(pixels, "original")]
    for tool, colors, bytes_out, drawn in (
        ("tinct", small.report.colors, len(small.data), small.image),
        ("pngquant", k, size, other),
    ):
        words = f"{tool}, {colors} colors, {bytes_out:,} bytes, SSIMULACRA2"
        words += f" {reference.score(drawn):.1f}, bands {bands_word(pixels, drawn)}"
        panels.append(panel(drawn, words))
    out = Image.new("RGB", (sum(p.width + 4 for p in panels), panels[0].height), "white")
    for i, each in enumerate(panels):
        out.paste(each, (i * (each.width + 4), 0))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--colors", nargs="*", type=int, default=[8, 16])
    parser.add_argument("--quality", nargs="*", type=float, default=[60, 70, 80])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    ways = [{"colors": k} for k in options.colors] + [{"quality": q} for q in options.quality]
    for name in options.pictures:
        stem, pixels = cut(name)
        for how in ways:
            said = "-".join(f"{word}-{value:g}" for word, value in how.items())
            try:
                strip(pixels, how).save(options.folder / f"{stem}-{said}.png")
            except tinct.TargetError as error:
                said += f": {error}"
            print(stem, said, flush=True)


if __name__ == "__main__":
    main()
