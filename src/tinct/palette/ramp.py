"""Pictures for palettes that hold lightness alone: black and white, or shades of one hue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinct.color.oklab import oklab_to_srgb, srgb_to_oklab

__all__ = ["along_ramp"]

Colors = NDArray[np.uint8]

NEAR = 0.05  # in Oklab, from the line between its darkest and its lightest color
BAND = 1 << 20  # pixels at a time


def along_ramp(pixels: Colors, palette: Colors) -> Colors:
    """The pixels in the palette's own hues, as light as they were, if it is a ramp; else as given.

    Where no entry has a hue, errors of hue can't be mixed away, and what is left of them must not
    decide between dark and light: a red parrot then turns black, a yellow one gray. `pixels`
    (h, w, 3 or 4) and `palette` (k, 3) uint8.

    >>> red = np.array([[[255, 0, 0], [128, 128, 128]]], np.uint8)
    >>> along_ramp(red, np.array([[0, 0, 0], [255, 255, 255]], np.uint8)).tolist()
    [[[136, 136, 136], [128, 128, 128]]]
    """
    ramp = np.unique(srgb_to_oklab(palette), axis=0).astype(np.float64)
    if len(ramp) < 2 or (np.diff(ramp[:, 0]) <= 0).any():
        return pixels
    slope = (ramp[-1] - ramp[0]) / (ramp[-1, 0] - ramp[0, 0])
    if np.abs(ramp - ramp[0] - np.outer(ramp[:, 0] - ramp[0, 0], slope)).max() > NEAR:
        return pixels
    out = pixels.copy()
    steps = np.diff(ramp, axis=0) / np.diff(ramp[:, :1], axis=0)
    rows = max(1, BAND // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        part = np.ascontiguousarray(pixels[top : top + rows, :, :3])
        light = srgb_to_oklab(part.reshape(-1, 3))[:, 0].astype(np.float64)
        light = light.clip(ramp[0, 0], ramp[-1, 0])
        below = np.searchsorted(ramp[1:-1, 0], light, side="right")
        shades = ramp[below] + (light - ramp[below, 0])[:, None] * steps[below]
        out[top : top + rows, :, :3] = oklab_to_srgb(shades).reshape(part.shape)
    return out
