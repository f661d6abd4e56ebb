"""A picture kept to be compressed again and again: decoded, counted and laid out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinct import _kernels
from tinct.codecs.registry import codec_of
from tinct.compress.encoder import Clock, Encoder, Options
from tinct.mapping.lossy import lossy_options
from tinct.palette.histogram import Histogram, histogram
from tinct.picture.read import read

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["Prepared"]

Colors = NDArray[np.uint8]
SCREEN = 1024  # pixels a side of a preview
MOVED = 192  # pixels a side, on which a preview's colors move
COUNTED = 512  # and among which they are chosen, until the picture itself is drawn
HASTE = -1  # once over the pixels: of the usual three times it takes half, for 1 to 6 points


class Prepared:
    """A picture and what its drawings share, which `tinct.compress` takes for a source.

    The same arguments give the same bytes as from the picture itself. For one thread at a time.

    Parameters
    ----------
    source : path, bytes, array, Pillow image or Picture
        Whatever `tinct.read` takes.

    Examples
    --------
    >>> import tinct
    >>> ramp = (np.arange(64 * 64 * 3).reshape(64, 64, 3) // 48).astype(np.uint8)
    >>> kept = Prepared(ramp)
    >>> [tinct.compress(kept, k).data == tinct.compress(ramp, k).data for k in (8, 16)]
    [True, True]
    """

    def __init__(self, source: Any) -> None:
        self.picture = read(source)
        self._laid_out: dict[str, tuple[Colors, _kernels.Quantizer]] = {}
        self._small: dict[int, tuple[Colors, _kernels.Quantizer]] = {}
        self._counted: dict[str, Histogram] = {}
        self._drawn = False

    def histogram(self, space: str = "oklab") -> Histogram:
        """Its distinct colors, counted once."""
        if space not in self._counted:
            self._counted[space] = histogram(self.picture.pixels, space)
        return self._counted[space]

    def encoder(
        self, options: Options, clock: Clock, watch: Callable[[int], None] | None = None
    ) -> Encoder:
        """Draws the picture; what it counts and chooses stays here for the next one."""
        self._drawn = True
        pixels, quantizer = self._fitted(options.format)
        original = self.picture.pixels
        if (fit := options.pinned.fit(pixels)) is not pixels:
            if fit.shape != original.shape:
                original = np.dstack([original, np.full(original.shape[:2], 255, np.uint8)])
            pixels, quantizer = fit, _kernels.Quantizer(fit, quantizer.flat)
        return Encoder(pixels, options, clock, original, watch, quantizer)

    def preview(
        self, colors: int, options: Options, lossy: Loss = 0.0, side: int = SCREEN
    ) -> _kernels.Drawing:
        """Draw the picture no larger than `side`, quickly, about as `encoder` does.

        Loss that is not seen is left out. Colors that move are chosen in haste, and until the
        picture itself is drawn among those of a smaller one.
        """
        lossy = 0.0 if lossy == "auto" else lossy
        plain: dict[str, Any] = {"dither": options.pinned.finer(options.dither)}
        moving = bool(plain["dither"]) and not lossy
        _, whole = self._fitted(options.format)
        threads = options.threads or 0
        how: dict[str, Any] = {"space": options.space, "threads": threads}
        if not options.pinned.whole:
            reserved = options.pinned.entries(self.picture.pixels)
            also: dict[str, Any] = {
                "seed": options.seed,
                "effort": 0 if moving else min(options.effort, 1),
                "visible": lossy > 0,
            }
            small = self._shrunk(side)
            counted = self._shrunk(min(side, COUNTED)) if moving and not self._drawn else whole
            chosen = counted.palette(colors, reserved=reserved, **also, **how)
        else:
            seen = options.pinned.fit(shrunk(self.picture.pixels, side))
            chosen, small = options.pinned.entries(seen), _kernels.Quantizer(seen, whole.flat)
        how["fixed"] = chosen
        if not lossy:
            if side > MOVED and not options.pinned.whole:
                # Colors move as in the file: on the whole preview that would take twice as long.
                how["fixed"] = reserved
                moved = self._shrunk(MOVED).draw(chosen, ordered=True, effort=0, **plain, **how)
                chosen = how["fixed"] = moved.palette.tobytes()
            return small.draw(chosen, effort=HASTE, **plain, **how)
        coder, bits = codec_of(options.format).bit_model(len(chosen) // small.channels, False)
        cost = lossy_options(lossy, options.dither, 0, threads)
        return small.draw_lossy(chosen, coder=coder, bits=bits, **(how | cost))

    def _fitted(self, format: str) -> tuple[Colors, _kernels.Quantizer]:
        codec = codec_of(format)
        kind = format if not codec.partial_alpha else ""  # the others hold any pixels
        pixels = codec.fit(self.picture)  # or why the format can't hold them
        if kind not in self._laid_out:
            self._laid_out[kind] = pixels, _kernels.Quantizer(pixels)
        return self._laid_out[kind]

    def _shrunk(self, side: int) -> _kernels.Quantizer:
        if max(self.picture.pixels.shape[:2]) <= side:
            return self._fitted("png")[1]
        if side not in self._small:
            pixels = self.picture.pixels
            if 4 * side <= SCREEN < max(pixels.shape[:2]):
                self._shrunk(SCREEN)
                pixels, _ = self._small[SCREEN]
            pixels = shrunk(pixels, side)
            self._small[side] = pixels, _kernels.Quantizer(pixels)
        return self._small[side][1]


def shrunk(pixels: Colors, side: int) -> Colors:
    """Means of squares of pixels, as few as leave no side longer than `side`; colors by opacity.

    Examples
    --------
    >>> shrunk(np.array([[[0, 9, 9, 255], [8, 9, 9, 255]]], np.uint8), 1).tolist()
    [[[4, 9, 9, 255]]]
    """
    step = -(-max(pixels.shape[:2]) // side)
    if step <= 1:
        return pixels
    height, width = (max(1, length // step) for length in pixels.shape[:2])
    rows, columns = (min(step, length) for length in pixels.shape[:2])
    if pixels.shape[2] == 3:
        wide = np.uint16 if rows * columns <= 256 else np.uint32
        strips = np.zeros((height, width * columns, 3), wide)  # whole rows are added fastest
        for row in range(rows):
            strips += pixels[row::step, : width * columns][:height]
        whole = strips[:, ::columns].copy()
        for column in range(1, columns):
            whole += strips[:, column::columns]
        return np.asarray((whole + rows * columns // 2) // (rows * columns), np.uint8)
    squares = [
        pixels[row::step, column::step][:height, :width]
        for row in range(rows)
        for column in range(columns)
    ]
    total = np.zeros((height, width, 4), np.float32)
    for part in squares:
        total[:, :, :3] += part[:, :, :3] * (part[:, :, 3:] / np.float32(255))
        total[:, :, 3] += part[:, :, 3]
    total[:, :, :3] *= 255 / np.maximum(total[:, :, 3:], 1)
    total[:, :, 3] /= len(squares)
    return np.rint(total).clip(0, 255).astype(np.uint8)
