"""A slow twin of `_kernels.Sketch`, from the rooms that the whole command goes through."""

import numpy as np

import reference_pixels as reference
from tinct import deflate, png, quality
from tinct.draw import Clock, Options, Studio
from tinct.files import read

__all__ = ["Sketch"]


class Sketch:
    def __init__(self, rows, width, height, channels):
        self.pixels = read(reference.unfiltered(rows, width, height, channels)).pixels
        self.channels = self.pixels.shape[2]

    def draw(self, colors, dither, seed, effort, threads):
        options = Options(dither=dither, seed=seed, effort=effort, threads=threads or None)
        studio = Studio(self.pixels, options, Clock())
        chosen = studio._palette(colors, False).colors
        self.drawing = studio._mapped(chosen, 0.0, False, dither)
        self.indices, entries = png.tidied(self.drawing.indices, self.drawing.palette)
        self.entries = [tuple(entry) for entry in entries.tolist()]
        self.flat = studio.flat
        self.colors = len(studio.counted.colors)

    def packed(self, bits):
        return png.packed(self.indices, bits)

    def squared_error(self):
        height, width = self.pixels.shape[:2]
        return round(quality.mse(self.pixels, self.drawing.image) * height * width * 3)

    def differences(self, axis):
        shown = self._shown()
        bands = [shown[row:end] for row, end in deflate.sampled(len(shown))]
        return b"".join(np.diff(b, axis=axis, prepend=np.uint8(0)).tobytes() for b in bands)

    def samples(self):
        return self._shown().tobytes()

    def _shown(self):
        pixels = self.pixels
        return pixels if self.channels == 3 else pixels * (pixels[:, :, 3:] > 0)
