"""Lossless WebP, by libwebp, which finds the palette and puts it in an order of its own."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinct import _kernels
from tinct.codecs.codec import Codec, may_be_smaller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinct.codecs.codec import Source
    from tinct.codecs.deflate import Entry

__all__ = ["CODEC", "WebP", "still_chunks"]


class WebP(Codec):
    """A still WebP without loss.

    libwebp's method 5 saves 1 % more than 4 in 8 times the time, 6 saves 2 % more in 250 times.
    Some small pictures are smaller by 4.
    """

    name = "webp"
    side = 16_383
    coder = "webp"
    lists = False

    def encode(self, drawing: _kernels.Drawing, *, effort: int = 1, **how: Any) -> bytes:
        return _encode(drawing.palette[drawing.indices], effort)

    def estimate(
        self, source: Source, entries: Sequence[Entry] | None, effort: int, tried: bool
    ) -> float | None:
        # libwebp finds the palette itself
        return None if tried else super().estimate(source, entries, effort, tried)

    def encode_original(
        self, source: Source, limit: int, guess: float, *, effort: int, **how: Any
    ) -> bytes | None:
        if not may_be_smaller(guess, limit):
            return None
        shape = source.height, source.width, source.channels
        data = _encode(np.frombuffer(source.samples(0), np.uint8).reshape(shape), effort)
        return data if len(data) < limit else None


CODEC = WebP()


def still_chunks(pixels: NDArray[np.uint8], effort: int) -> bytes:
    """A picture without loss as a frame of an animation holds it: all but the file's header."""
    return _encode(pixels, effort)[12:]


def _encode(pixels: NDArray[np.uint8], effort: int) -> bytes:
    if pixels.shape[2] == 4 and (pixels[:, :, 3] == 255).all():
        pixels = pixels[:, :, :3]
    return min((_by_libwebp(pixels, m) for m in ((4, 5) if effort >= 5 else (4,))), key=len)


def _by_libwebp(pixels: NDArray[np.uint8], method: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(
        stream, "WEBP", lossless=True, quality=100, method=method, exact=True
    )
    return stream.getvalue()
