"""ICC profiles of curves: to sRGB by what their tags say.

A profile that is a matrix and curves, or one curve of gray, is computed from its tags (ICC.1:2022,
8.3, 10.6, 10.18), for 8 bits a sample and for 16, which Pillow does not hand to littleCMS. Tables
are left to that (`managed`). No NumPy: the short way asks, too.
"""

from tinct import _kernels

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Curve = Callable[[float], float]

__all__ = ["FROM_D50", "Shaper", "moves", "shaper", "space_of"]

# From XYZ under the white of profiles, D50, to linear light of sRGB, row by row, as `encoding`
# computes it by Bradford's transform.
FROM_D50 = (
    *(3.1341863642368195, -1.6172089589982748, -0.49069406400638393),
    *(-0.9787485041906941, 1.9161300967735864, 0.033433399159995526),
    *(0.07196392780224677, -0.22899387345320324, 1.4057537328964445),
)
BLACK = 1e-4  # light that is still black


class Shaper:
    """A profile of three curves to linear light, and a matrix from that to sRGB's, or none."""

    __slots__ = ("curves", "made", "matrix")

    def __init__(self, curves: "Sequence[Curve]", matrix: "Sequence[float]" = ()) -> None:
        self.curves, self.matrix = tuple(curves), list(matrix)
        self.made: dict[int, _kernels.Shaper] = {}

    def kernel(self, values: int = 256) -> _kernels.Shaper:
        """For samples of so many values: 256 or 65536."""
        if values not in self.made:
            shares = [v / (values - 1) for v in range(values)]
            lights = {curve: list(map(curve, shares)) for curve in set(self.curves)}
            self.made[values] = _kernels.Shaper([lights[c] for c in self.curves], self.matrix)
        return self.made[values]

    def moves(self) -> bool:
        """Whether it moves colors by more than rounding."""
        return moves(lambda grid: self.kernel().to_srgb(grid, 3))


def moves(to_srgb: "Callable[[bytes], bytes]") -> bool:
    """Whether a grid of colors moves by more than rounding: else it is sRGB by another name."""
    steps = bytes(range(0, 256, 15))
    grid = bytearray(3 * len(steps) ** 3)
    grid[::3] = b"".join([bytes([step]) * len(steps) ** 2 for step in steps])
    grid[1::3] = b"".join([bytes([step]) * len(steps) for step in steps]) * len(steps)
    grid[2::3] = steps * len(steps) ** 2
    return max(map(abs, map(int.__sub__, to_srgb(bytes(grid)), grid))) > 2


def space_of(profile: bytes | None) -> str:
    """The kind of colors it is for, such as "RGB" or "GRAY"; "" if there is none."""
    return (profile or b"")[16:20].decode("latin-1").strip()


def shaper(profile: bytes | None, channels: int) -> Shaper | None:
    """What a profile of curves says for samples of so many channels.

    None if it isn't one, its black is no black, is broken, or is for other channels.
    """
    wanted = {"RGB": ("rTRC", "gTRC", "bTRC"), "GRAY": ("kTRC",)}.get(space_of(profile))
    if profile is None or wanted is None or channels > len(wanted):
        return None
    try:
        tags = _tags(profile)
        if profile[20:24] != b"XYZ " or any(name[1:3] == "2B" for name in tags):
            return None
        made = {tag: _curve(tag) for tag in {tags[name] for name in wanted}}
        curves = [made[tags[name]] for name in wanted]
        if max(curve(0) for curve in curves) > BLACK:
            return None  # whose black is to be compensated
        if len(curves) == 1:
            return Shaper(curves * 3)
        r, g, b = (_xyz(tags[name]) for name in ("rXYZ", "gXYZ", "bXYZ"))
    except (ValueError, KeyError, IndexError):
        return None
    rows = [FROM_D50[at : at + 3] for at in range(0, 9, 3)]
    return Shaper(curves, [x * p[0] + y * p[1] + z * p[2] for x, y, z in rows for p in (r, g, b)])


def _number(data: bytes, at: int, size: int, *, signed: bool = False) -> int:
    if len(data) < at + size:
        raise ValueError
    return int.from_bytes(data[at : at + size], signed=signed)


def _fixed(tag: bytes, at: int, count: int) -> list[float]:
    return [_number(tag, at + 4 * i, 4, signed=True) / 65536 for i in range(count)]


def _tags(profile: bytes) -> dict[str, bytes]:
    found = {}
    for at in range(132, 132 + 12 * min(_number(profile, 128, 4), 200), 12):
        start, size = _number(profile, at + 4, 4), _number(profile, at + 8, 4)
        found[profile[at : at + 4].decode("latin-1")] = profile[start : start + size]
    return found


def _xyz(tag: bytes) -> list[float]:
    if tag[:4] != b"XYZ ":
        raise ValueError
    return _fixed(tag, 8, 3)


def _curve(tag: bytes) -> "Curve":
    """A table, or a function with up to seven parameters, on 0...1."""
    if tag[:4] == b"curv":
        count = _number(tag, 8, 4)
        if count > 1:
            return _interpolated([_number(tag, 12 + 2 * i, 2) / 65535 for i in range(count)])
        gamma = _number(tag, 12, 2) / 256 if count else 1.0
        return lambda v: _power(v, gamma)
    if tag[:4] != b"para":
        raise ValueError
    count = (1, 3, 4, 5, 7)[_number(tag, 8, 2)]
    g, a, b, c, d, e, f = _fixed(tag, 12, count) + [0.0] * (7 - count)
    if count == 1:
        a = 1.0
    elif count < 5:  # c is added everywhere, and below where a v + b is 0 stands alone
        c, d, e, f = 0.0, -b / a if a else 0.0, c, c

    def curve(v: float) -> float:
        light = _power(max(a * v + b, 0.0), g) + e if v >= d else c * v + f
        return min(max(light, 0.0), 1.0)

    return curve


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except (ZeroDivisionError, OverflowError):
        return 1.0  # more than there is


def _interpolated(table: list[float]) -> "Curve":
    last = len(table) - 1

    def curve(v: float) -> float:
        at = min(int(v * last), last - 1)
        return table[at] + (table[at + 1] - table[at]) * (v * last - at)

    return curve
