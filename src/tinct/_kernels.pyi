from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

def isa() -> str: ...
def processors() -> int: ...
def curve_order(points: NDArray[np.float64]) -> NDArray[np.int64]: ...
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
def count_indices(indices: NDArray[np.uint8]) -> NDArray[np.int64]: ...
def count_colors(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]: ...
def to_points(colors: NDArray[np.uint8], oklab: bool) -> NDArray[np.float32]: ...
def from_points(points: NDArray[np.float64], oklab: bool) -> NDArray[np.uint8]: ...
def nearest_colors(points: NDArray[np.float32], oklab: bool) -> NDArray[np.uint8]: ...
def packed(indices: NDArray[np.uint8], bits: int) -> bytes: ...
def differences(pixels: NDArray[np.uint8], axis: int, rows: int, every: int) -> bytes: ...
def is_flat(pixels: NDArray[np.uint8]) -> bool: ...
def find_edges(weights: NDArray[np.float32]) -> NDArray[np.bool_]: ...

class Counted:
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
    def rounded(
        self, centers: NDArray[np.float32]
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

class Sketch:
    """The plain drawing of a plain picture; see sketch.hpp."""

    def __init__(self, rows: bytes | bytearray, width: int, height: int, channels: int) -> None: ...
    def draw(self, colors: int, dither: float, seed: int, effort: int, threads: int) -> None: ...
    @property
    def channels(self) -> int: ...
    @property
    def colors(self) -> int: ...
    @property
    def flat(self) -> bool: ...
    @property
    def entries(self) -> list[tuple[int, int, int, int]]: ...
    def packed(self, bits: int) -> bytes: ...
    def squared_error(self) -> int: ...
    def differences(self, axis: int, rows: int, every: int, drawn: bool = False) -> bytes: ...
    def samples(self, key: int, drawn: bool = False) -> bytes: ...

def squared_differences(
    one: NDArray[np.uint8], other: NDArray[np.uint8]
) -> tuple[int, int, int]: ...
def diffuse(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.float32],
    nearest: NDArray[np.uint8],
    strength: float,
    limit: float,
    flat: float,
    serpentine: bool,
    bands: NDArray[np.int64],
) -> NDArray[np.uint8]: ...
def visibility(pixels: NDArray[np.uint8], threads: int) -> NDArray[np.float32]: ...
def sum_visibility(
    pixels: NDArray[np.uint8], colors: NDArray[np.uint8], weights: NDArray[np.float32]
) -> NDArray[np.float64]: ...
def remap_for_rate(
    pixels: NDArray[np.uint8],
    weights: NDArray[np.float32],
    nearest: NDArray[np.uint8],
    palette: NDArray[np.float32],
    hidden: int,
    spread: float,
    price: float,
    effort: int,
    bits: int,
    webp: bool,
) -> NDArray[np.uint8]: ...
def remap_for_lzw(
    pixels: NDArray[np.uint8],
    weights: NDArray[np.float32],
    nearest: NDArray[np.uint8],
    palette: NDArray[np.float32],
    hidden: int,
    spread: float,
    price: float,
    effort: int,
    code_size: int,
) -> NDArray[np.uint8]: ...
def distance_code(dx: int, dy: int, width: int, webp: bool) -> int: ...
def encode_lzw(indices: NDArray[np.uint8], code_size: int) -> bytes: ...

class Judge:
    def __init__(self, pixels: NDArray[np.uint8], ground: int) -> None: ...
    @property
    def heights(self) -> list[int]: ...
    def prepare(self, scale: int, first: int, last: int) -> None: ...

class Trial:
    def __init__(self, judge: Judge, pixels: NDArray[np.uint8], ground: int) -> None: ...
    def compare(self, scale: int, first: int, last: int) -> None: ...
    def score(self) -> float: ...

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
