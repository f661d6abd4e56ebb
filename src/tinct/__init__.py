"""tinct: image compression by K-means clustering. Few colours, chosen well.

>>> import numpy as np, tinct
>>> ramp = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
>>> small = tinct.compress(ramp, colors=16)
>>> small.report.colors
16
"""

import sys

TYPE_CHECKING = False  # importing typing for it would take longer than the rest of this page
if TYPE_CHECKING:
    from typing import Any

    from tinct.clustering.estimator import KMeans
    from tinct.clustering.kmeans import Iteration, KMeansResult, assign, kmeans, update
    from tinct.color.oklab import oklab_to_srgb, srgb_to_oklab
    from tinct.compress.animation import CompressedFilm
    from tinct.compress.compress import Compressed, compress
    from tinct.errors import PaletteError, PictureError, TargetError
    from tinct.mapping.remap import remap
    from tinct.palette.choice import Palette, palette
    from tinct.palette.histogram import Histogram, histogram
    from tinct.palette.merge import merge_histograms
    from tinct.picture.film import Slides
    from tinct.picture.read import Picture, read
    from tinct.scoring.psnr import psnr
    from tinct.scoring.report import Report
    from tinct.scoring.ssimulacra2 import ssimulacra2
    from tinct.tables import Table, read_table

__version__ = "0.1.0"

__all__ = [
    "Compressed",
    "CompressedFilm",
    "Histogram",
    "Iteration",
    "KMeans",
    "KMeansResult",
    "Palette",
    "PaletteError",
    "Picture",
    "PictureError",
    "Report",
    "Slides",
    "Table",
    "TargetError",
    "assign",
    "compress",
    "histogram",
    "kmeans",
    "merge_histograms",
    "oklab_to_srgb",
    "palette",
    "psnr",
    "read",
    "read_table",
    "remap",
    "srgb_to_oklab",
    "ssimulacra2",
    "update",
]

# Imported when first used: `tinct --help` needs no numpy, and scikit-learn takes seconds to import.
_HOMES = {
    "clustering.estimator": ("KMeans",),
    "clustering.kmeans": ("Iteration", "KMeansResult", "assign", "kmeans", "update"),
    "color.oklab": ("oklab_to_srgb", "srgb_to_oklab"),
    "compress.animation": ("CompressedFilm",),
    "compress.compress": ("Compressed", "compress"),
    "errors": ("PaletteError", "PictureError", "TargetError"),
    "mapping.remap": ("remap",),
    "palette.choice": ("Palette", "palette"),
    "palette.histogram": ("Histogram", "histogram"),
    "palette.merge": ("merge_histograms",),
    "picture.film": ("Slides",),
    "picture.read": ("Picture", "read"),
    "scoring.psnr": ("psnr",),
    "scoring.report": ("Report",),
    "scoring.ssimulacra2": ("ssimulacra2",),
    "tables": ("Table", "read_table"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> "Any":
    if name not in _HOME:
        raise AttributeError(f"module 'tinct' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tinct.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


class _Package(type(sys)):  # type: ignore[misc]  # types.ModuleType, without importing types
    """Some rooms are named after their function: ``tinct.compress`` is the function, always."""

    def __setattr__(self, name: str, value: object) -> None:
        # The import system would put the module tinct.compress in the place of the function.
        if not (name in _HOME and isinstance(value, type(sys))):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
