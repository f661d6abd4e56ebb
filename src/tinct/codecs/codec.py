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
    from tinct.mapping.lossy import Loss
    from tinct.picture.read import Picture

    Source = _kernels.Quantizer

__all__ = ["CLOSE", "HEAD", "ICON", "Codec", "least", "may_be_smaller", "sampled"]

ICON = 1 << 16  # pixels
# By how much the estimate at most exceeds what an encoder reaches, and bytes that don't grow with
# the picture. Of 600 made pictures of few colors 131 are smaller without a palette (9.4 kB of 94 in
# all); CLOSE, which spares every third the attempt, rules out 6 of those (82 bytes).
HASTE, SLACK = 1.8, 100
CLOSE, HEAD = 1.4, 50
# Of a picture made of fills whose colors "auto" misses by so much, mean square of a sample, a
# lossless file may be so much larger: of a pixelated photograph it takes 12 kB, and 256 colors 7 at
# a score of 51. (Charts, missed by 4.4 at most, tried for half a second, in vain.)
WORTH, MISSED = 1.8, 5.0
BAND, SHARE = 16, 8  # rows of a band of the sample, and one band in how many
# Thin bands see more of a picture's places and less of what repeats in them: of 90 pictures they
# told 0.94 to 2.2 times what all rows take, those above 0.16 to 1.8.
THIN, THICKER = 2, 1.5


class Codec:
    """A file format that holds at most 256 colors without loss.

    `side` is the most pixels a side that its header can say, `coder` ("deflate", "webp" or "lzw")
    whose bits a lossy mapping counts. `packs`: several indices share a byte, where colors are few.
    `partial_alpha`: pixels can be translucent. `lists`: a palette can be in an order of one's own.
    """

    name = ""
    side: int | None = None
    coder = "deflate"
    packs = False
    partial_alpha = True
    lists = True

    def fit(self, picture: "Picture") -> "Any":
        """A picture's pixels as the format can hold them: (h, w, c) uint8.

        PictureError if it is too wide or too high, or nothing of it would remain.
        """
        height, width = picture.pixels.shape[:2]
        self.check_sides(height, width, picture.name)
        return picture.pixels

    def check_sides(self, height: int, width: int, name: "str | None") -> None:
        """PictureError if a picture or an animation is too wide or too high for the format."""
        if self.side is not None and max(height, width) > self.side:
            from tinct.errors import PictureError

            raise PictureError(
                f"{name or 'the picture'}: {self.name} holds at most {self.side:,} pixels "
                f"a side, not {max(height, width):,}"
            )

    def bit_model(self, colors: int, wide: bool) -> tuple[str, int]:
        """What an index costs: whose bits, and how many it has in the file before it is coded."""
        return self.coder, 8 if wide and self.packs else index_bits(colors)

    def encode(
        self,
        drawing: "_kernels.Drawing",
        *,
        effort: int = 1,
        level: int | None = None,
        lossy: "Loss" = 0.0,
        wide: bool = False,
        flat: bool = False,
        listed: bool = False,
        threads: int = 0,
    ) -> bytes:
        """Encode a drawing, trying as hard as `effort` says (0...10), of a PNG `level` if given.

        `lossy`: the loss that it was drawn with: filters hardly help where copies were made on
        purpose. `wide`: a byte for each pixel, because indices were chosen for that. `flat`: much
        of the picture is of one color: deflating harder then saves 5 to 25 %, of photographs and
        icons 1 or 2 %. `threads`: at most, 0: one for each processor; they change no byte.
        `listed`: the file has the drawing's palette, in its order, used or not.
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
        self, source: "Source", limit: int, guess: float, *_: "Any", **how: "Any"
    ) -> bytes | None:
        """Encode a picture as it is, if that takes fewer bytes than the `limit` of its drawing.

        So do smooth gradients, which filters predict and a palette breaks up, and tiny pictures.
        `guess` is what `estimate` says, `entries` the picture's colors, if no more than 256.
        `tried`: the drawing shows the very same pixels, encoded in all ways that `encode` has for
        them. `likely`: try only where an estimate makes success likely, not just possible.
        """
        raise NotImplementedError

    def predicts(self, drawing: "_kernels.Drawing", size: int) -> bool:
        """Whether filters say a drawing in about as few bytes as copies do, which take `size`."""
        return False

    def repack(self, data: bytes, threads: int = 0) -> bytes:
        """The same file, packed with more care than each drawing of a search can have."""
        return data

    def smallest(
        self,
        picture: "_kernels.Quantizer",
        drawing: "_kernels.Drawing",
        *,
        colors: int,
        original: bool = True,
        effort: int = 1,
        level: int | None = None,
        lossy: "Loss" = 0.0,
        wide: bool = False,
        listed: bool = False,
        threads: int = 0,
    ) -> tuple[bytes, bool]:
        """Encode a drawing, or the picture itself where it may be and that is smaller: then True.

        Or little larger, of a picture made of fills whose colors "auto" misses by much.

        It may be if it has no more than `colors`, those allowed; with `original`, also if all 256
        are. The other options are those of `encode`; `threads` 1: no other thread may help, which
        changes no byte.
        """
        keeps = picture.colors <= colors or (original and colors >= MAX_COLORS)
        entries = (picture.entries or None) if keeps else None
        tried = entries is not None and lossy in (0, "auto") and level is None
        guess = Future(
            lambda: self.estimate(picture, entries, effort, tried), threads if keeps else 1
        )
        data = self.encode(
            drawing,
            effort=effort,
            level=level,
            lossy=lossy,
            wide=wide,
            flat=picture.flat,
            listed=listed,
            threads=threads,
        )
        if not keeps or (bound := guess.result()) is None:
            return data, False
        if bound and picture.height > BAND * SHARE and may_be_smaller(bound, len(data)):
            # Between sprites bands see little; an attempt takes ten times as long as all rows do.
            number = MAX_COLORS + 1 if entries is None else len(entries)
            bound = least(picture, number, THIN)
            if may_be_smaller(bound / THICKER, len(data)):
                bound = least(picture, number, picture.height)
        likely = keeps and colors < MAX_COLORS
        limit = len(data)
        if lossy == "auto" and not likely and may_be_smaller(bound, int(WORTH * limit)):
            samples = 3 * picture.width * picture.height
            missed = picture.filled and picture.squared_error(drawing) > MISSED * samples
            limit = int(WORTH * limit) if missed else limit
        how: dict[str, Any] = {"entries": entries, "effort": effort, "tried": tried}
        other = self.encode_original(picture, limit, bound, likely=likely, **how)
        return (data, False) if other is None else (other, True)


def least(source: "Source", colors: int, band: int = BAND) -> float:
    """About how many bytes a lossless file of a picture takes, deflated in haste: a sample of it.

    Small pictures of few `colors` repeat much, which haste would miss: all their rows are deflated
    with some care. `band`: rows of a band of the sample.
    """
    height = source.height
    hard = colors <= MAX_COLORS and source.width * height <= FEW
    rows, every = (height, height) if hard else sampled(height, band)
    part = sum(min(rows, height - top) for top in range(0, height, every)) / height
    streams = (source.differences(axis, rows, every) for axis in (0, 1))
    return min(len(zlib_compress(stream, 6 if hard else 1)) for stream in streams) / part


def sampled(height: int, band: int = BAND) -> tuple[int, int]:
    """Rows of each band from which `least` is told, and from one band's first to the next's."""
    return (band, band * SHARE) if height > band * SHARE else (height, height)


def may_be_smaller(guess: float, limit: int) -> bool:
    """Whether a lossless file for which `guess` bytes were estimated may take less than `limit`."""
    return guess <= HASTE * limit + SLACK
