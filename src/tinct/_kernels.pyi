from collections.abc import Callable
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

def isa() -> str: ...
def processors() -> int: ...
def kmeans(
    points: NDArray[Any],
    weights: NDArray[np.float64] | None,
    k: int,
    init: NDArray[Any] | None,
    draws: NDArray[np.float64] | None,
    offset: NDArray[Any] | None,
    max_iter: int,
    tol: float,
    effort: int,
    seed: int,
    threads: int,
    watch: Callable[..., bool] | None,
) -> tuple[NDArray[Any], NDArray[np.int32], float, int, bool]: ...
def Partition(points: NDArray[Any], weights: NDArray[np.float64] | None, threads: int) -> Any: ...
def kmeans_over(
    points: Any,
    k: int,
    init: NDArray[Any] | None,
    offset: NDArray[Any],
    max_iter: int,
    tol: float,
    effort: int,
    seed: int,
    watch: Callable[..., bool] | None,
) -> tuple[NDArray[Any], float, int, bool]: ...
def assign(
    points: NDArray[Any], centers: NDArray[Any], threads: int
) -> tuple[NDArray[np.int32], NDArray[Any]]: ...
def update(
    points: NDArray[Any], weights: NDArray[np.float64] | None, labels: NDArray[np.int32], k: int
) -> NDArray[Any]: ...
def sparse_merge(
    start: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[Any],
    weights: NDArray[np.float64],
    random: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]: ...
def sparse_kmeans(
    start: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[Any],
    d: int,
    rows: NDArray[np.int64],
    weights: NDArray[np.float64],
    k: int,
    init: NDArray[Any] | None,
    chosen: NDArray[np.int64] | None,
    draws: NDArray[np.float64] | None,
    max_iter: int,
    tol: float,
    effort: int,
    seed: int,
    threads: int,
    watch: Callable[..., bool] | None,
) -> tuple[NDArray[Any], NDArray[np.int32], float, int, bool]: ...
def sparse_assign(
    start: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[Any],
    centers: NDArray[Any],
    threads: int,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]: ...
def sparse_distances(
    start: NDArray[np.int64],
    columns: NDArray[np.int32],
    values: NDArray[Any],
    centers: NDArray[Any],
    threads: int,
) -> NDArray[Any]: ...
def linear_steps() -> NDArray[np.float64]: ...
def count_colors(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]: ...
def to_points(colors: NDArray[np.uint8], oklab: bool) -> NDArray[np.float32]: ...
def from_points(points: NDArray[np.float64], oklab: bool) -> NDArray[np.uint8]: ...

class Histogram:
    def __init__(
        self,
        colors: NDArray[np.uint8],
        weights: NDArray[np.float64],
        points: NDArray[np.float32],
        oklab: bool,
    ) -> None: ...
    def palette(
        self, colors: int, effort: int, seed: int, threads: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]: ...
    def remap(
        self,
        pixels: NDArray[np.uint8],
        palette: NDArray[np.uint8],
        dither: float,
        serpentine: bool,
        sharp: NDArray[np.bool_] | None,
        threads: int,
    ) -> NDArray[np.uint8]: ...

class Drawing:
    """A picture of at most 256 colors; see drawing.hpp."""

    def __init__(self, indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> None: ...
    height: int
    width: int
    channels: int
    @property
    def entries(self) -> list[tuple[int, int, int, int]]: ...
    @property
    def palette(self) -> NDArray[np.uint8]: ...
    @property
    def indices(self) -> NDArray[np.uint8]: ...
    def packed(self, bits: int) -> bytes: ...
    def samples(self, key: int) -> bytes: ...
    def differences(self, axis: int, rows: int, every: int) -> bytes: ...

class Quantizer:
    """A picture, and what its drawings share; see quantizer.hpp."""

    @overload
    def __init__(self, pixels: NDArray[np.uint8]) -> None: ...
    @overload
    def __init__(self, rows: bytes | bytearray, width: int, height: int, channels: int) -> None: ...
    @overload
    def __init__(
        self,
        whole: Quantizer,
        rows: NDArray[np.int64],
        columns: NDArray[np.int64],
        threads: int,
    ) -> None: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def flat(self) -> bool: ...
    @property
    def colors(self) -> int: ...
    @property
    def fewest(self) -> int: ...
    @property
    def entries(self) -> list[tuple[int, int, int, int]]: ...
    def find_edges(self, threads: int) -> None: ...
    def palette(
        self,
        colors: int,
        *,
        effort: int,
        seed: int,
        visible: bool = False,
        space: str = "oklab",
        threads: int,
    ) -> bytes: ...
    def draw(
        self, palette: bytes, *, dither: float, space: str = "oklab", threads: int
    ) -> Drawing: ...
    def draw_lossy(
        self,
        palette: bytes,
        *,
        spread: float,
        price: float,
        search: int,
        coder: str,
        bits: int,
        space: str = "oklab",
        threads: int,
    ) -> Drawing: ...
    def squared_error(self, drawing: Drawing) -> int: ...
    def samples(self, key: int) -> bytes: ...
    def differences(self, axis: int, rows: int, every: int) -> bytes: ...

LOSSY_BAND: int

def remap_lossy(
    pixels: NDArray[np.uint8],
    weights: NDArray[np.float32],
    palette: NDArray[np.uint8],
    histogram: Histogram,
    *,
    spread: float,
    price: float,
    search: int,
    coder: str,
    bits: int,
    band: int,
    threads: int,
) -> NDArray[np.uint8]: ...
def squared_differences(
    one: NDArray[np.uint8], other: NDArray[np.uint8]
) -> tuple[int, int, int]: ...
def visibility(pixels: NDArray[np.uint8], threads: int) -> NDArray[np.float32]: ...
def sum_visibility(
    pixels: NDArray[np.uint8], colors: NDArray[np.uint8], weights: NDArray[np.float32]
) -> NDArray[np.float64]: ...
def encode_deflate(rows: bytearray, stride: int, threads: int) -> bytes: ...
def encode_lzw(indices: NDArray[np.uint8], code_size: int) -> bytes: ...

class Reference:
    def __init__(self, pixels: NDArray[np.uint8], ground: int, threads: int) -> None: ...
    def score(self, pixels: NDArray[np.uint8], ground: int, threads: int) -> float: ...

def draw_spatial(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    fixed: NDArray[np.bool_],
    dither: float,
    effort: int,
    threads: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None: ...

class SpatialQuantizer:
    def __init__(
        self,
        pixels: NDArray[np.uint8],
        palette: NDArray[np.uint8],
        fixed: NDArray[np.bool_],
        threads: int,
    ) -> None: ...
    def look(
        self,
        sigma: float,
        own: float,
        wider: float = 1,
        calmer: float = 1,
        opponents: float = 1,
        block: float = 0,
    ) -> None: ...
    def sweep(self, back: bool) -> int: ...
    def update(self, steps: int, every: int = 1) -> bool: ...
    def error(self) -> float: ...
    @property
    def palette(self) -> NDArray[np.uint8]: ...
    @property
    def indices(self) -> NDArray[np.uint8]: ...
