"""Few colors as the eye sees them: ours with and without the blur, beside pngquant and others.

    python -m bench.spatial PICTURE_OR_FOLDER... [--colors 4 8 16] [--dither 0 0.5 1] [--effort 1]

For each number of colors the means over the pictures of SSIMULACRA2; S-CIELAB (Zhang and Wandell
1996: mean difference in Lab after the blur of an eye at 60 pixels per degree, lower is better), as
a part of pngquant's; colorfulness after a blur of 1.5 pixels in linear light (Hasler and
Suesstrunk 2003) and light, both as parts of the original's; bytes of the PNG after oxipng, as parts
of pngquant's; seconds of ours. `diffusion` is ours before: error diffusion at 0.75.
Needs pngquant on the PATH and the packages of `make bench`.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import time
from pathlib import Path

import imagequant
import numpy as np
import oxipng
from bench.judges import TO_XYZ, lab_as_seen, srgb_to_linear
from PIL import Image
from scipy.ndimage import gaussian_filter

from tinct.codecs.arrays import encode
from tinct.mapping.remap import remap
from tinct.mapping.spatial import remap_spatial
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram
from tinct.scoring.ssimulacra2 import Reference

COLORS = (4, 8, 16, 32, 64, 256)
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def codes(light):
    c = light.clip(0, 1)
    return 255 * np.where(c <= 0.0031308, 12.92 * c, 1.055 * c ** (1 / 2.4) - 0.055)


def colorfulness(pixels):
    seen = codes(gaussian_filter(srgb_to_linear(pixels), (1.5, 1.5, 0)))
    r, g, b = np.moveaxis(seen, 2, 0)
    rg, yb = r - g, (r + g) / 2 - b
    return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())


def brightness(pixels):
    return (srgb_to_linear(pixels) @ TO_XYZ[1]).mean()


class Looks:
    """How drawings of a picture look beside it."""

    def __init__(self, pixels):
        self.reference, self.lab = Reference(pixels), lab_as_seen(pixels)
        self.colorfulness, self.brightness = colorfulness(pixels), brightness(pixels)

    def of(self, drawn):
        """SSIMULACRA2, S-CIELAB, colorfulness and light."""
        return (
            self.reference.score(drawn),
            np.sqrt(((lab_as_seen(drawn) - self.lab) ** 2).sum(axis=2)).mean(),
            colorfulness(drawn) / self.colorfulness,
            brightness(drawn) / self.brightness,
        )


def drawings(pixels, colors, dithers, effort):
    """(name, file, pixels, seconds) of each quantizer."""
    source = io.BytesIO()
    Image.fromarray(pixels).save(source, "PNG", compress_level=1)
    counted = histogram(pixels)
    chosen = palette(counted, colors, effort=effort).colors
    for dither in (None, *dithers):
        start = time.perf_counter()
        if dither is None:
            indices, moved = remap(pixels, chosen, dither=0.75, counted=counted), chosen
        else:
            indices, moved = remap_spatial(
                pixels, chosen, dither=dither, counted=counted, effort=effort
            )
        spent = time.perf_counter() - start
        name = "diffusion" if dither is None else f"tinct {dither:g}"
        yield name, encode(indices, moved), moved[indices], spent
    command = ["pngquant", "--speed", "1", str(colors), "-"]
    done = subprocess.run(command, input=source.getvalue(), capture_output=True, check=True).stdout
    yield "pngquant", done, np.asarray(Image.open(io.BytesIO(done)).convert("RGB")), np.nan
    picture = Image.fromarray(pixels)
    others = {
        "imagequant": imagequant.quantize_pil_image(picture, dithering_level=1, max_colors=colors)
    }
    for name, method in (("Pillow", "MEDIANCUT"), ("Pillow oct", "FASTOCTREE")):
        chosen = picture.quantize(colors, Image.Quantize[method])  # dithers with a given one alone
        others[name] = picture.quantize(palette=chosen, dither=Image.Dither.FLOYDSTEINBERG)
    for name, drawn in others.items():
        file = io.BytesIO()
        drawn.save(file, "PNG")
        yield name, file.getvalue(), np.asarray(drawn.convert("RGB")), np.nan


def rows(path, colors, dithers, effort):
    """{(colors, name): figures} of one picture."""
    pixels = np.ascontiguousarray(Image.open(path).convert("RGB"))
    looks, found = Looks(pixels), {}
    for k in colors:
        for name, file, drawn, spent in drawings(pixels, k, dithers, effort):
            size = len(oxipng.optimize_from_memory(file, level=4))
            found[k, name] = np.array([*looks.of(drawn), size, spent])
        peer = found[k, "pngquant"].copy()
        for name in [name for colors_of, name in found if colors_of == k]:
            found[k, name][[1, 4]] /= peer[[1, 4]]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--colors", nargs="+", type=int, default=COLORS)
    parser.add_argument("--dither", nargs="+", type=float, default=[0.75])
    parser.add_argument("--effort", type=int, default=1)
    options = parser.parse_args()
    paths = []
    for path in options.pictures:
        paths += sorted(path.iterdir()) if path.is_dir() else [path]
    paths = [path for path in paths if path.suffix.lower() in SUFFIXES]
    every = [rows(path, options.colors, options.dither, options.effort) for path in paths]
    print(f"{len(paths)} pictures, effort {options.effort}\n")
    print("colors  by          SSIMULACRA2  S-CIELAB  colorful  light  bytes  seconds")
    for key in every[0]:
        figures = np.array([found[key] for found in every])
        score, lab, color, bright, size, spent = figures.mean(axis=0)
        print(
            f"{key[0]:6}  {key[1]:10}  {score:11.1f}  {lab:8.2f}  {color:8.3f}  {bright:5.3f}"
            f"  {size:5.2f}  {spent:7.2f}".replace("nan", "   ")
        )


if __name__ == "__main__":
    main()
