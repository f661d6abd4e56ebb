"""What every format's class can do. No NumPy: the short way needs it too."""

from deflate import zlib_compress

from tinct.background import Future
from tinct.codecs.deflate import FEW, index_bits
from tinct.defaults import MAX_COLORS

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tinct import _kernels
    from tinct.codecs.deflate import Entry
    from tinct.picture.read import Picture

    Source = _kernels.Quantizer | _kernels.Drawing  # a picture, or a drawing taken for one

__all__ = ["CLOSE", "HEAD", "ICON", "Codec", "least", "may_be_smaller", "sampled"]

ICON = 1 << 16  # pixels
# By how much the estimate at most exceeds what an encoder reaches, and bytes that don't grow with
# the picture. Of 600 made pictures of few colors 131 are smaller without a palette (9.4 kB of 94 in
# all); CLOSE, which spares every third the attempt, rules out 6 of those (82 bytes).
HASTE, SLACK = 1.8, 100
CLOSE, HEAD = 1.4, 50
BAND, SHARE = 16, 8  # rows of a band of the sample, and one band in how many


class Codec:
    """A file format that holds at most 256 colors without loss.

    Attributes
    ----------
    name : str
        What it and its files are called.
    side : int, optional
        The most pixels a side that its header can say.
    coder : {"deflate", "webp", "lzw"}
        Whose bits a lossy mapping counts.
    packs : bool
        Whether several indices share a byte, where colors are few.
    partial_alpha : bool
        Whether pixels can be translucent.
    """

    name = ""
    side: int | None = None
    coder = "deflate"
    packs = False
    partial_alpha = True

    def fit(self, picture: "Picture") -> "Any":
        """A picture's pixels as the format can hold them: (h, w, c) uint8.

        Raises
        ------
        PictureError
            If it is too wide or too high, or nothing of it would remain.
        """
        height, width = picture.pixels.shape[:2]
        if self.side is not None and max(height, width) > self.side:
            from tinct.errors import PictureError

            raise PictureError(
                f"{picture.name or 'the picture'}: {self.name} holds at most {self.side:,} pixels "
                f"a side, not {max(height, width):,}"
            )
        return picture.pixels

    def bit_model(self, colors: int, wide: bool) -> tuple[str, int]:
        """What an index costs: whose bits, and how many it has in the file before it is coded."""
        return self.coder, 8 if wide and self.packs else index_bits(colors)

    def encode(
        self,
        drawing: "_kernels.Drawing",
        *,
        effort: int = 1,
        level: int | None = None,
        smooth: bool = True,
        wide: bool = False,
        flat: bool = False,
        threads: int = 0,
    ) -> bytes:
        """Encode a drawing.

        Parameters
        ----------
        drawing : Drawing
            The palette and the indices; a decoder gives their colors.
        effort : int
            How hard to try, 0...10.
        level : int, optional
            How hard to try on a PNG, as in `tinct.codecs.arrays.encode`; stands above `effort`.
        smooth : bool
            Whether filters can help: not where the indices were chosen for the coder.
        wide : bool
            Whether to spend a byte on each pixel, because indices were chosen for that.
        flat : bool
            Whether much of the picture is of one color: deflating harder then saves 5 to 25 %,
            of photographs and icons 1 or 2 %.
        threads : int
            How many threads may work; 0: one for each processor. It changes no byte.
        """
        raise NotImplementedError

    def estimate(
        self, source: "Source", entries: "Sequence[Entry] | None", effort: int, tried: bool
    ) -> float | None:
        """About how many bytes the picture itself takes; None where that is never worth a try."""
        if effort >= 2 and entries is not None and source.width * source.height <= ICON:
            return 0.0  # with effort small ones are tried without a guess
        return least(source, MAX_COLORS + 1 if entries is None else len(entries))

    def encode_original(
        self,
        source: "Source",
        limit: int,
        guess: float,
        *,
        entries: "Sequence[Entry] | None",
        effort: int,
        tried: bool,
        likely: bool,
    ) -> bytes | None:
        """Encode a picture as it is, if that takes fewer bytes than a drawing with few colors.

        So do smooth gradients, which filters predict and a palette breaks up, and tiny pictures.

        Parameters
        ----------
        source : Quantizer or Drawing
            The picture.
        limit : int
            The bytes of the drawing.
        guess : float
            What `estimate` says.
        entries : sequence of (r, g, b, a), optional
            The picture's colors, if they are no more than 256.
        effort : int
            How hard to try, 0...10.
        tried : bool
            Whether the drawing shows the very same pixels, and they were encoded in all ways that
            `encode` has for them.
        likely : bool
            Whether to try only where an estimate makes success likely, not just possible.

        Returns
        -------
        bytes, optional
            The smaller file; None where there is none, or where there can't be.
        """
        raise NotImplementedError

    def may_be_original(self, drawing: "_kernels.Drawing", smooth: bool) -> bool:
        """Whether a drawing is worth encoding as if it were a picture."""
        return False

    def smallest(
        self,
        picture: "_kernels.Quantizer",
        drawing: "_kernels.Drawing",
        *,
        colors: int,
        effort: int = 1,
        level: int | None = None,
        smooth: bool = True,
        wide: bool = False,
        threads: int = 0,
    ) -> tuple[bytes, bool]:
        """Encode a drawing, or the picture itself where it may be and that is smaller.

        Parameters
        ----------
        picture : Quantizer
            What was drawn.
        drawing : Drawing
            How.
        colors : int
            How many colors were allowed: the picture may stay if it has no more, or all 256 are.
        effort, level, smooth, wide
            As `encode` takes them.
        threads : int
            How many may work; 0: one for each processor, 1: none beside the caller's. It changes
            no byte.

        Returns
        -------
        (bytes, bool)
            The file, and whether it holds the picture itself.
        """
        keeps = colors >= min(MAX_COLORS, picture.colors)  # fewer are asked for as fewer are wanted
        entries = (picture.entries or None) if keeps else None
        tried = entries is not None and smooth and level is None
        source: Source = picture if keeps else drawing
        worth = keeps or self.may_be_original(drawing, smooth)
        guess = Future(
            lambda: self.estimate(source, entries, effort, tried), threads if worth else 1
        )
        data = self.encode(
            drawing,
            effort=effort,
            level=level,
            smooth=smooth,
            wide=wide,
            flat=picture.flat,
            threads=threads,
        )
        if not worth or (least := guess.result()) is None:
            return data, False
        likely = keeps and colors < MAX_COLORS
        how: dict[str, Any] = {"entries": entries, "effort": effort, "tried": tried}
        other = self.encode_original(source, len(data), least, likely=likely, **how)
        return (data, False) if other is None else (other, keeps)


def least(source: "Source", colors: int) -> float:
    """About how many bytes a lossless file of a picture takes, deflated in haste.

    Parameters
    ----------
    source : Quantizer or Drawing
        The picture.
    colors : int
        How many it has: small ones of few repeat much, which haste would miss, so all of their rows
        are deflated with some care.

    Returns
    -------
    float
        Bytes.
    """
    height = source.height
    hard = colors <= MAX_COLORS and source.width * height <= FEW
    rows, every = (height, height) if hard else sampled(height)
    part = sum(min(rows, height - top) for top in range(0, height, every)) / height
    streams = (source.differences(axis, rows, every) for axis in (0, 1))
    return min(len(zlib_compress(stream, 6 if hard else 1)) for stream in streams) / part


def sampled(height: int) -> tuple[int, int]:
    """Rows of each band from which `least` is told, and from the first of one to that of the next.

    Examples
    --------
    >>> sampled(300), sampled(100)
    ((16, 128), (100, 100))
    """
    return (BAND, BAND * SHARE) if height > BAND * SHARE else (height, height)


def may_be_smaller(guess: float, limit: int) -> bool:
    """Whether a lossless file for which `guess` bytes were estimated may take less than `limit`."""
    return guess <= HASTE * limit + SLACK
