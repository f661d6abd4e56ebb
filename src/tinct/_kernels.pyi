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
def linear_steps() -> NDArray[np.float64]: ...
def count_indices(indices: NDArray[np.uint8]) -> NDArray[np.int64]: ...
def count_colors(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]: ...
def oklab_points(colors: NDArray[np.uint8]) -> NDArray[np.float32]: ...
def squared_error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> int: ...
def map_pixels(
    pixels: NDArray[np.uint8], colors: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> NDArray[np.uint8]: ...
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
def visibility(pixels: NDArray[np.uint8]) -> NDArray[np.float32]: ...
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
    def __init__(self, pixels: NDArray[np.uint8]) -> None: ...
    @property
    def heights(self) -> list[int]: ...
    def prepare(self, scale: int, first: int, last: int) -> None: ...

class Trial:
    def __init__(self, judge: Judge, pixels: NDArray[np.uint8]) -> None: ...
    def compare(self, scale: int, first: int, last: int) -> None: ...
    def score(self) -> float: ...
