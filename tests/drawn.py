"""Drawings made for tests."""

import numpy as np

from tinct import _kernels
from tinct.mapping.lossy import lossy_options


def remap_lossy(
    pixels, colors, lossy, *, dither=0.75, effort=1, bit_model=("deflate", 8), threads=0
):
    """Indices of a lossy drawing into the palette as given: a drawing keeps the colors it uses."""
    picture = _kernels.Quantizer(np.ascontiguousarray(pixels))
    coder, bits = bit_model
    options = lossy_options(lossy, dither, effort, threads)
    drawing = picture.draw_lossy(colors.tobytes(), coder=coder, bits=bits, **options)
    places = {color.tobytes(): at for at, color in reversed(list(enumerate(colors)))}
    kept = [places[color.tobytes()] for color in drawing.palette]
    return np.array(kept, np.uint8)[drawing.indices]
