"""Drawings made for tests."""

import numpy as np

from tinct import _kernels
from tinct.mapping.lossy import lossy_options


def draw_lossy(pixels, colors, lossy, *, dither=0.75, effort=1, bits=8, threads=0, moves=True):
    """A lossy drawing for PNG, and whether the palette may move in the end."""
    picture = _kernels.Quantizer(np.ascontiguousarray(pixels))
    options = lossy_options(lossy, dither, effort, threads)
    return picture.draw_lossy(colors.tobytes(), coder="deflate", bits=bits, moves=moves, **options)


def remap_lossy(
    pixels, colors, lossy, *, dither=0.75, effort=1, bit_model=("deflate", 8), threads=0
):
    """Indices of a lossy drawing into the palette as given: a drawing keeps the colors it uses."""
    picture = _kernels.Quantizer(np.ascontiguousarray(pixels))
    coder, bits = bit_model
    options = lossy_options(lossy, dither, effort, threads)
    drawing = picture.draw_lossy(colors.tobytes(), coder=coder, bits=bits, moves=False, **options)
    places = {color.tobytes(): at for at, color in reversed(list(enumerate(colors)))}
    kept = [places[color.tobytes()] for color in drawing.palette]
    return np.array(kept, np.uint8)[drawing.indices]
