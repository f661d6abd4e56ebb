"""Given palettes beside pngquant's --map, ImageMagick's -remap and Pillow's quantize(palette=).

python -m bench.palettes PICTURE...        error and score of each, by palette
python -m bench.palettes --shared PICTURE...   error with one palette for all, and with its own
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from bench.judges import blurred, oklab, srgb_to_linear
from PIL import Image

import tinct
from tinct.palette.given import given_palette

NAMES = ("bw", "gameboy", "terminal16", "web216")


def drawn_by_others(original, name, folder):
    """What each peer draws: (h, w, 3) uint8 by its name."""
    palette, plain = folder / f"{name}.png", folder / "it.png"
    Image.fromarray(given_palette("palette", name).colors[None]).save(palette)
    Image.fromarray(original).save(plain)
    found = {}
    if shutil.which("pngquant"):
        how = ["--map", palette, "--speed", "1", "--force", "-o", folder / "a.png", plain]
        subprocess.run(["pngquant", *how], check=True)
        found["pngquant --map"] = folder / "a.png"
    if magick := shutil.which("magick") or shutil.which("convert"):
        how = [plain, "-dither", "FloydSteinberg", "-remap", palette, folder / "b.png"]
        subprocess.run([magick, *how], check=True)
        found["ImageMagick -remap"] = folder / "b.png"
    found = {peer: np.asarray(Image.open(path).convert("RGB")) for peer, path in found.items()}
    table = Image.new("P", (1, 1))
    table.putpalette(given_palette("palette", name).colors.ravel().tolist())
    pillow = Image.open(plain).quantize(palette=table, dither=Image.Dither.FLOYDSTEINBERG)
    return found | {"Pillow": np.asarray(pillow.convert("RGB"))}


def compare(paths, out=None):
    """Print a line of scores for each palette and picture; keep the drawings if told where."""
    for name in NAMES:
        for path in paths:
            original = np.array(Image.open(path).convert("RGB"))[:384, :512].copy()
            with tempfile.TemporaryDirectory() as folder:
                drawn = drawn_by_others(original, name, Path(folder))
            drawn = {"tinct": tinct.compress(original, palette=name).image, **drawn}
            cells = []
            for who, image in drawn.items():
                score = tinct.ssimulacra2(original, image)
                cells.append(f"{who} {seen_error(original, image):.1f} ({score:.0f})")
            print(name, Path(path).name, *cells, sep=" | ", flush=True)
            if out is not None:
                sheet = np.hstack([original, *drawn.values()])
                Image.fromarray(sheet).save(Path(out) / f"{Path(path).stem}-{name}.png")


def seen_error(original, drawn, sigma=1.5):
    """100 times the root of the mean squared distance in Oklab of what is seen after a blur."""
    one, other = (oklab(blurred(srgb_to_linear(it), sigma)) for it in (original, drawn))
    return 100 * float(np.sqrt(((one - other) ** 2).sum(2).mean()))


def shared(paths, colors=64):
    """Print each picture's error with its own palette and with one for all, in thousandths."""
    counted = [tinct.histogram(tinct.read(path).pixels) for path in paths]
    one = {
        each: tinct.palette(tinct.merge_histograms(counted, each), colors)
        for each in ("pixel", "picture")
    }
    found = {"own": []} | {each: [] for each in one}
    for path, histogram in zip(paths, counted, strict=True):
        for each, palette in ({"own": tinct.palette(histogram, colors)} | one).items():
            found[each].append(1000 * error(histogram, palette))
        cells = [f"{each} {errors[-1]:.1f}" for each, errors in found.items()]
        print(Path(path).name, *cells, sep=" | ", flush=True)
    for each, errors in found.items():
        print(each, f"median {np.median(errors):.1f}, worst {max(errors):.1f}")


def error(histogram, palette):
    """The root of the mean squared distance in Oklab of a picture's colors from the palette."""
    colors = palette.rgba if histogram.colors.shape[1] == 4 else palette.colors[:, :3]
    entries = tinct.histogram(np.ascontiguousarray(colors)[None]).points
    away = np.concatenate(
        [
            ((part[:, None] - entries[None]) ** 2).sum(2).min(1)
            for part in np.array_split(histogram.points, max(1, len(histogram.points) // 4096))
        ]
    )
    return float(np.sqrt((histogram.weights * away).sum() / histogram.weights.sum()))


if __name__ == "__main__":
    if sys.argv[1] == "--shared":
        shared(sys.argv[2:])
    else:
        compare(sys.argv[1:])
