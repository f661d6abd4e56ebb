from collections.abc import Callable
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]
Floats = NDArray[Any]  # float32 or float64, as the points
Entry = tuple[int, int, int, int]
Watch = Callable[..., bool] | None

def isa() -> str: ...
def processors() -> int: ...
def reserve(bytes: int) -> None: ...
def interrupt(thread: int, whether: bool) -> None: ...
def kmeans(
    points: Floats,
    weights: Doubles | None,
    k: int,
    init: Floats | None,
    draws: Doubles | None,
    offset: Floats | None,
    max_iter: int,
    tol: float,
    effort: int,
    seed: int,
    threads: int,
    watch: Watch,
) -> tuple[Floats, Ints, float, int, bool]: ...
def Partition(points: Floats, weights: Doubles | None, threads: int) -> Any: ...
def kmeans_over(
    points: Any,
    k: int,
    init: Floats | None,
    offset: Floats,
    max_iter: int,
    tol: float,
    effort: int,
    seed: int,
    watch: Watch,
) -> tuple[Floats, float, int, bool]: ...
def assign(points: Floats, centers: Floats, threads: int) -> tuple[Ints, Floats]: ...
def update(points: Floats, weights: Doubles | None, labels: Ints, k: int) -> Floats: ...
def sparse_merge(
    start: Longs, columns: Ints, values: Floats, weights: Doubles, random: NDArray[np.uint64]
) -> tuple[Longs, Longs, Doubles]: ...
def sparse_kmeans(
    start: Longs,
    columns: Ints,
    values: Floats,
    d: int,
    rows: Longs,
    weights: Doubles,
    k: int,
    init: Floats | None,
    chosen: Longs | None,
    draws: Doubles | None,
    max_iter: int,
    tol: float,
    effort: int,
    seed: int,
    threads: int,
    watch: Watch,
) -> tuple[Floats, Ints, float, int, bool]: ...
def sparse_assign(
    start: Longs, columns: Ints, values: Floats, centers: Floats, threads: int
) -> tuple[Ints, Doubles]: ...
def sparse_distances(
    start: Longs, columns: Ints, values: Floats, centers: Floats, threads: int
) -> Floats: ...
def count_colors(pixels: Bytes) -> tuple[Bytes, Doubles]: ...
def to_points(colors: Bytes, oklab: bool) -> Singles: ...
def from_points(points: Doubles, oklab: bool) -> Bytes: ...

class Shaper:
    def __init__(self, lights: list[list[float]], matrix: list[float]) -> None: ...
    @overload
    def to_srgb(self, samples: bytes | Bytes, channels: int, threads: int = 1) -> bytes: ...
    @overload
    def to_srgb(self, samples: NDArray[np.uint16], channels: int, threads: int = 1) -> bytes: ...

class Histogram:
    def __init__(self, colors: Bytes, weights: Doubles, points: Singles, oklab: bool) -> None: ...
    def palette(
        self, colors: int, effort: int, seed: int, threads: int
    ) -> tuple[Bytes, Doubles]: ...
    def remap(
        self,
        pixels: Bytes,
        palette: Bytes,
        dither: float,
        serpentine: bool,
        sharp: NDArray[np.bool_] | None,
        threads: int,
    ) -> Bytes: ...

class Drawing:
    def __init__(self, indices: Bytes, palette: Bytes) -> None: ...
    height: int
    width: int
    channels: int
    @property
    def entries(self) -> list[Entry]: ...
    @property
    def palette(self) -> Bytes: ...
    @property
    def full_palette(self) -> bytes: ...
    @property
    def indices(self) -> Bytes: ...
    def packed(self, bits: int) -> bytes: ...
    def reordered(self, rows: int, every: int, threads: int = 1) -> Drawing: ...
    def by_first_use(self, threads: int = 1) -> Drawing: ...
    def filtered(self) -> bytes: ...
    def filtered_entropy(self, rows: int, every: int) -> float: ...
    def samples(self, key: int) -> bytes: ...

class Quantizer:
    @overload
    def __init__(self, pixels: Bytes) -> None: ...
    @overload
    def __init__(self, pixels: Bytes, flat: bool) -> None: ...
    @overload
    def __init__(
        self,
        rows: bytearray,
        width: int,
        height: int,
        channels: int,
        *,
        profile: Shaper | None = None,
        threads: int = 1,
    ) -> None: ...
    @overload
    def __init__(
        self, rows: bytes | bytearray, width: int, height: int, bits: int, entries: bytes
    ) -> None: ...
    @overload
    def __init__(self, whole: Quantizer, rows: Longs, columns: Longs, threads: int) -> None: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def flat(self) -> bool: ...
    @property
    def filled(self) -> bool: ...
    @property
    def small(self) -> bool: ...
    @property
    def settles(self) -> bool: ...
    @property
    def colors(self) -> int: ...
    @property
    def fewest(self) -> int: ...
    @property
    def entries(self) -> list[Entry]: ...
    def weigh(self, threads: int) -> None: ...
    def palette(
        self,
        colors: int,
        *,
        effort: int,
        seed: int,
        visible: bool = False,
        space: str = "oklab",
        reserved: bytes = b"",
        rough: bool = False,
        threads: int,
    ) -> bytes: ...
    def draw(
        self,
        palette: bytes,
        *,
        dither: float,
        space: str = "oklab",
        effort: int = 1,
        fixed: bytes = b"",
        kept: bool = False,
        ordered: bool = False,
        threads: int,
        last: bool = False,
    ) -> Drawing: ...
    def draw_lossy(
        self,
        palette: bytes,
        *,
        spread: float,
        price: float,
        share: float = 0.0,
        search: int,
        coder: str,
        bits: int,
        space: str = "oklab",
        fixed: bytes = b"",
        kept: bool = False,
        ordered: bool = False,
        threads: int,
        held: Bytes | None = None,
        must: Bytes | None = None,
        worth: NDArray[np.float32] | None = None,
        moves: bool = True,
        last: bool = False,
    ) -> Drawing: ...
    def fits(self, palette: bytes, *, threads: int) -> bool: ...
    def squared_error(self, drawing: Drawing) -> int: ...
    def samples(self, key: int) -> bytes: ...
    def differences(self, axis: int, rows: int, every: int) -> bytes: ...

def squared_differences(one: Bytes, other: Bytes) -> tuple[int, int, int]: ...
def bands(original: Bytes, drawn: Bytes, ground: int) -> float: ...
def unfiltered(rows: bytes | bytearray, width: int, height: int, channels: int) -> bytes: ...
def encode_lzw(indices: Bytes, code_size: int) -> bytes: ...
def encode_deflate(rows: bytearray, stride: int, threads: int, times: int = 1) -> bytes: ...

class Reference:
    def __init__(self, pixels: Bytes, ground: int, threads: int) -> None: ...
    def score(self, pixels: Bytes, ground: int, threads: int) -> float: ...

def draw_spatial(
    pixels: Bytes,
    palette: Bytes,
    fixed: NDArray[np.bool_],
    dither: float,
    effort: int,
    threads: int,
) -> tuple[Bytes, Bytes] | None: ...

class SpatialQuantizer:
    def __init__(
        self, pixels: Bytes, palette: Bytes, fixed: NDArray[np.bool_], threads: int
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
    def update(self, steps: int) -> bool: ...
    def error(self) -> float: ...
    @property
    def palette(self) -> Bytes: ...
    @property
    def indices(self) -> Bytes: ...
