"""tinct: image compression by K-means clustering. Few colours, chosen well.

>>> import numpy as np, tinct
>>> ramp = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
>>> small = tinct.compress(ramp, colors=16)
>>> small.report.colors
16
"""

from tinct.color import oklab_to_srgb, srgb_to_oklab
from tinct.compress import Compressed, compress
from tinct.files import Picture, PictureError, read
from tinct.kmeans import Iteration, KMeansResult, assign, kmeans, update
from tinct.palette import Histogram, Palette, histogram, palette
from tinct.quality import Report, psnr, ssimulacra2
from tinct.remap import remap

__all__ = [
    "Compressed",
    "Histogram",
    "Iteration",
    "KMeansResult",
    "Palette",
    "Picture",
    "PictureError",
    "Report",
    "assign",
    "compress",
    "histogram",
    "kmeans",
    "oklab_to_srgb",
    "palette",
    "psnr",
    "read",
    "remap",
    "srgb_to_oklab",
    "ssimulacra2",
    "update",
]
__version__ = "0.1.0"
