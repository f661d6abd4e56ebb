"""What SSIMULACRA2 does not see: bands, halftones, casts. All are better the lower.

CAMBI needs the ffmpeg of `pip install imageio-ffmpeg`; the others SciPy.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

__all__ = ["JUDGES", "TO_XYZ", "blurred", "lab_as_seen", "oklab", "over_grey", "srgb_to_linear"]

# S-CIELAB (Zhang, Wandell 1996): opponent channels, and the width in degrees and the weight of the
# Gaussians that each is blurred by.
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
OPPONENT = np.array([[0.279, 0.72, -0.107], [-0.449, 0.29, -0.077], [0.086, -0.59, 0.501]])
WIDTHS = (
    ((0.05, 0.9207), (0.225, 0.105), (7.0, -0.1080)),
    ((0.0685, 0.5310), (0.826, 0.33)),
    ((0.0920, 0.4877), (0.6451, 0.3711)),
)
# Ottosson 2020.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
WHITE, PER_DEGREE = (0.95047, 1.0, 1.08883), 60
SMALLEST = 216  # pixels along one side at least, or CAMBI refuses
CAMBI = "libvmaf=feature=name=cambi\\\\:full_ref=true\\\\:max_log_contrast=5:log_fmt=json:log_path="


def srgb_to_linear(codes):
    """Light of 8-bit sRGB codes, 0...1."""
    c = np.arange(256) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)[codes]


def over_grey(pixels):
    """Pictures with alpha as seen over mid grey: (h, w, 3) uint8."""
    flat = Image.new("RGBA", pixels.shape[1::-1], (128, 128, 128, 255))
    flat.alpha_composite(Image.fromarray(pixels).convert("RGBA"))
    return np.asarray(flat.convert("RGB"))


def blurred(planes, sigma):
    """Each channel after a Gaussian of so many pixels."""
    return np.dstack([gaussian_filter(p, sigma, mode="nearest") for p in np.moveaxis(planes, 2, 0)])


def wide_blur(plane, sigma):
    """A Gaussian; a very wide one on means of 8 x 8 pixels, in a tenth of the time."""
    if sigma < 64:
        return gaussian_filter(plane, sigma, mode="nearest", truncate=3)
    (height, width), reach = plane.shape, int(3 * sigma / 8)
    padded = np.pad(plane, [(8 * reach, 8 * reach + -side % 8) for side in plane.shape], "edge")
    means = padded.reshape(len(padded) // 8, 8, -1, 8).mean(axis=(1, 3))
    inside = slice(reach - 1, 1 - reach)
    wide = gaussian_filter(means, sigma / 8, truncate=3)[inside, inside]
    return zoom(wide, 8, order=1, mode="nearest", grid_mode=True)[8 : 8 + height, 8 : 8 + width]


def lab_as_seen(pixels):
    """CIELAB after the eye's blur at 60 pixels per degree."""
    channels = srgb_to_linear(pixels) @ TO_XYZ.T @ OPPONENT.T
    for c, widths in enumerate(WIDTHS):
        total = sum(weight for _, weight in widths)
        channels[..., c] = sum(
            weight / total * wide_blur(channels[..., c], sigma)
            for sigma, weight in [(width * PER_DEGREE / 2**0.5, w) for width, w in widths]
        )
    xyz = channels @ np.linalg.inv(OPPONENT).T / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(np.maximum(xyz, 1e-9)), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, 2, 0)
    return np.dstack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def scielab(original, drawn):
    """The mean difference in S-CIELAB: how well dots melt."""
    return float(np.linalg.norm(lab_as_seen(original) - lab_as_seen(drawn), axis=2).mean())


def oklab(light):
    """Oklab of linear light, in double precision."""
    return np.cbrt(light @ CONES.T) @ OKLAB.T


def blurred_error(original, drawn):
    """95th percentile of the difference in Oklab (x 100) after a blur, in smooth areas.

    Bands, rings and casts that no dithering hides; 2 is just visible. NaN where little is smooth.
    """
    light, shown = srgb_to_linear(original), srgb_to_linear(drawn)
    lab = oklab(light)
    rough = gaussian_filter(((lab - blurred(lab, 2)) ** 2).sum(axis=2), 4.0) ** 0.5
    if (rough < 0.01).mean() < 0.01:
        return float("nan")
    apart = np.linalg.norm(oklab(blurred(light, 4)) - oklab(blurred(shown, 4)), axis=2)
    return float(100 * np.percentile(apart[rough < 0.01], 95))


def cambi(original, drawn):
    """CAMBI above the original's (libvmaf, max_log_contrast 5): 0 is none, 5 begins to annoy.

    NaN of pictures that are too small for it.
    """
    import imageio_ffmpeg

    if max(original.shape) < SMALLEST:
        return float("nan")

    with tempfile.TemporaryDirectory() as folder:
        for name, pixels in (("a", original), ("b", drawn)):
            Image.fromarray(pixels).save(Path(folder) / f"{name}.png", compress_level=1)
        as_video = "scale=out_range=tv:out_color_matrix=bt709,format=yuv444p10le"
        chain = f"[0:v]{as_video}[a];[1:v]{as_video}[b];[b][a]{CAMBI}{folder}/log.json"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", f"{folder}/a.png"]
        command += ["-i", f"{folder}/b.png", "-lavfi", chain, "-f", "null", "-"]
        subprocess.run(command, check=True)
        frames = json.loads((Path(folder) / "log.json").read_text())["frames"]
    return float(frames[0]["metrics"]["cambi_full_reference"])


def cambi_halved(original, drawn):
    """The same of both halved in size: the bands that texture does not hide."""
    size = (original.shape[1] // 2, original.shape[0] // 2)
    halves = [Image.fromarray(p).resize(size, Image.Resampling.BOX) for p in (original, drawn)]
    return cambi(*map(np.asarray, halves))


JUDGES = {
    "cambi": cambi,
    "cambi_halved": cambi_halved,
    "blurred_error": blurred_error,
    "scielab": scielab,
}
