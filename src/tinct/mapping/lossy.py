"""Lossy mapping: visible error weighed against the bits that a file will spend on it.

No NumPy: the short way needs it too.
"""

from tinct.defaults import MAX_COLORS

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from typing import Any, Literal

    from tinct import _kernels

    Loss = float | Literal["auto"]

__all__ = ["is_icon", "lossy_options", "palette_options", "price", "settled"]

# A lossy mapping passes on four fifths of what `dither` says, 0.6 of the error by default. On
# photographs 0.4 costs 5 % more bytes at the same score, and at 1 diffusion fights the copies.
DAMPED = 0.8

# "auto": a bit may cost what it costs the palette itself. Among three coordinates one bit more for
# each color divides the error D by 2 ** (2 / 3), so dD/dR is 2 ln 2 / 3 of D; D is the mean squared
# error of nearest colors, weighted by how visible it is. A palette that serves a picture well then
# allows little loss, one that doesn't more. With 256 colors 67 photographs score at least 1.4 more
# on SSIMULACRA2 than pngquant's default (one at 91 1.0), in 0.64 of its bytes. (Before palettes
# moved in the end one scored 0.03 lower, at 0.55 0.7 lower in 0.63 of the bytes.)
SHARE = 0.5
# And at least so much: of graphics the palette holds nearly all colors. At 1e-5 icons with soft
# edges fall below 88, and below pngquant; here the nearest is 0.2 above. In larger pictures whose
# colors it really nearly holds the kernels take up to 2.6 times that (mapping/lossy.hpp).
LEAST = 7e-6
# Graphics of so many pixels are searched with more care: 8 of them take 1 to 11 % fewer bytes,
# 5.5 % in the mean, for 2 to 40 ms. Larger ones would take 3 % fewer, in half as much time again.
ICON = 1 << 18
# With so many colors or fewer the drawing under the blur, which no loss goes with, scores
# 10 to 14 points more on photographs. Towards that number loss falls to nothing.
FEW = 64
SEARCHED = 128  # palettes of so many colors or fewer are never rough
MANY, BRIEF = 1 << 13, 1 << 19  # colors, and pixels, of graphics whose palette is rough


def settled(
    lossy: "Loss", picture: "_kernels.Quantizer", colors: int, dither: float, space: str
) -> "Loss":
    """The loss; 0 where "auto" means none.

    That is where a picture stays exact, where colors are few, and where each pixel is to take its
    nearest, or distances are measured, as textbooks do.
    """
    plain = colors <= FEW or not dither or space != "oklab"
    return 0.0 if lossy == "auto" and (plain or picture.colors <= colors) else lossy


def palette_options(
    lossy: "Loss", flat: bool, picture: "_kernels.Quantizer", colors: int, effort: int
) -> "dict[str, bool]":
    """Of a palette: whether colors count by how visible errors are, and whether a rough one does.

    Photographs drawn with "auto" move theirs by the blurred error, before the loss and most of them
    after it, too. Then a search for a better start would take a seventh of the time for 0.2
    points of SSIMULACRA2 and 0.4 % more bytes. (At 128 colors it is 0.6 points, at 224 x 171 pixels
    0.8, single ones 12; a graphic lost 3.) Of small graphics with many colors it takes half of what
    a palette does, up to 30 ms, for no more bytes: 17 lose 0.05 points, the worst 0.4. With fewer
    colors single ones lose up to 3, larger ones 1.

    In small pictures, whose pixels are seen one by one, all errors count alike: with "auto" 39
    pieces of graphics score 0.5 more so, for 0.6 % fewer bytes, and with a loss of 0.1 pieces of
    photographs 1.1 more. (In photographs of 0.1 and 0.4 megapixels 0.3 and 0.6 less.)
    """
    auto = lossy == "auto"
    brief = picture.colors > MANY and picture.width * picture.height <= BRIEF
    rough = auto and effort <= 1 and colors > SEARCHED and (brief if flat else picture.settles)
    visible = lossy != 0 and (flat or not auto) and not picture.small
    return {"visible": visible, "rough": rough}


def is_icon(picture: "_kernels.Quantizer") -> bool:
    """Whether a picture is a small graphic."""
    return picture.flat and picture.width * picture.height <= ICON


def lossy_options(
    lossy: "Loss",
    dither: float,
    effort: int,
    threads: int,
    colors: int = MAX_COLORS,
    icon: bool = False,
) -> "dict[str, Any]":
    """What the kernels are told of these options."""
    how: dict[str, Any] = {"spread": DAMPED * dither, "threads": threads}
    if lossy == "auto":  # at effort 1 two to four times as fast, for 1 to 7 % more bytes
        part = max(colors - FEW, 0) / (MAX_COLORS - FEW)
        cost = {"price": part * LEAST, "share": part * SHARE}
        return {**how, **cost, "search": (0, 3, 4)[min((effort + icon) // 2, 2)]}
    return {**how, "price": price(lossy), "search": 0 if effort == 0 else 3 if effort < 5 else 4}


def price(lossy: float) -> float:
    """What a bit costs in weighted squared error: from 1e-5 on, doubled seven times up to 1.

    From 0.1 to 0.8 photographs lose 90 to 50 on SSIMULACRA2. Below 1/16 the price falls to nothing,
    so that any size can be had. Straight lines between the powers of two stand for the exponential,
    which no two libms agree about.
    """
    doublings = 7 * lossy
    whole = min(int(doublings), 6)
    return 1e-5 * min(16 * lossy, 1.0) * (1 + (doublings - whole)) * float(1 << whole)
