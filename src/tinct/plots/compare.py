"""The figure that shows what compression did: both pictures, a detail of both, and the palette."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tinct.scoring.report import Report
from tinct.scoring.summary import size_text

__all__ = ["side_by_side"]

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # left, top, right, bottom

# In pixels of the figure. Two columns of 800 make it 1,720 wide: legible on a page or screen.
COLUMN_MIN, COLUMN_MAX, PICTURE_HIGHEST = 400, 800, 900
MARGIN, GAP = 40, 40
STRIP_HEIGHT = 64
PAPER, INK, SOFT, LINE = (250, 250, 248), (28, 28, 30), (110, 110, 115), (214, 214, 210)
CHECKS = (255, 226)


def side_by_side(
    original: Pixels,
    compressed: Pixels,
    palette: Pixels,
    shares: NDArray[np.float64],
    report: Report,
) -> Pixels:
    """Draw the original beside the compressed picture, a detail of both enlarged, and the palette.

    Small pictures are enlarged by a whole factor so that their pixels stay squares, large ones
    reduced; what is transparent shows a checkerboard. The palette, (k, c) uint8, runs from the most
    used color to the least by `shares` (k,), the share of the pixels that each draws; the report
    gives name, bytes and PSNR for the captions. The figure is (H, W, 3) uint8, 900 to 1,720 pixels
    wide. ValueError if the pictures differ in size, or palette and shares in length.

    >>> import numpy as np
    >>> grey = np.full((30, 40, 3), 128, np.uint8)
    >>> report = Report(width=40, height=30, bytes_in=300, bytes_out=90, colors=1, psnr=50.0)
    >>> side_by_side(grey, grey, grey[0, :1], np.ones(1), report).shape[2]
    3
    """
    if original.shape[:2] != compressed.shape[:2] or len(palette) != len(shares):
        raise ValueError(
            f"pictures or palette don't fit: {original.shape}, {compressed.shape}, "
            f"{len(palette)} colors, {len(shares)} shares"
        )
    pictures = (Image.fromarray(original), Image.fromarray(compressed))
    scale = _scale(*pictures[0].size)
    column = max(COLUMN_MIN, round(pictures[0].width * scale))
    box = _detail(pictures[0], scale, column)
    rows = [
        _captions(report, column),
        _pair([_framed(_shown(picture, scale), box, scale) for picture in pictures], column),
    ]
    if box is not None:
        rows.append(_pair([_enlarged(picture, box, column) for picture in pictures], column))
    rows += [
        _strip_caption(len(palette), 2 * column + GAP),
        _strip(palette, shares, 2 * column + GAP),
    ]
    return np.asarray(_stacked(rows))


def _scale(width: int, height: int) -> float:
    """A whole factor for what is small, so that pixels stay squares; less than 1 for the large."""
    fit = min(COLUMN_MAX / width, PICTURE_HIGHEST / height)
    return float(math.floor(fit)) if fit >= 1 else fit


def _shown(picture: Image.Image, scale: float) -> Image.Image:
    size = tuple(max(1, round(side * scale)) for side in picture.size)
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    return _over_checks(
        picture.resize((size[0], size[1]), how, reducing_gap=None if scale >= 1 else 3.0)
    )


def _over_checks(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    row, column = np.indices((picture.height, picture.width)) // 8
    checks = Image.fromarray(np.where((row + column) % 2, *CHECKS).astype(np.uint8)).convert("RGBA")
    return Image.alpha_composite(checks, picture).convert("RGB")


def _detail(original: Image.Image, scale: float, column: int) -> Box | None:
    """The busiest place of the original, or None where the picture is shown large enough."""
    if scale >= 12:
        return None
    zoom = 2 if scale < 0.5 else max(4, 3 * math.ceil(scale))
    width = min(original.width, math.ceil(column / zoom))
    height = min(original.height, max(1, width * 9 // 16))
    step = max(
        1, math.isqrt(original.width * original.height // 1_000_000)
    )  # a megapixel is enough
    busy = _busyness(original, step)
    window = (max(1, height // step), max(1, width // step))
    row, column_ = _busiest(busy, window)
    left = min(column_ * step, original.width - width)
    top = min(row * step, original.height - height)
    return left, top, left + width, top + height


def _busyness(original: Image.Image, step: int) -> NDArray[np.float64]:
    """How much changes around each pixel. Capped, so that one hard edge doesn't outweigh texture;
    more where there is color, or it would always be leaves and gravel.
    """
    rgb = np.asarray(_over_checks(original.reduce(step)).convert("RGB"), np.int16)
    across = np.abs(np.diff(rgb, axis=1, prepend=rgb[:, :1])).sum(axis=2)
    down = np.abs(np.diff(rgb, axis=0, prepend=rgb[:1])).sum(axis=2)
    colorful = rgb.max(axis=2) - rgb.min(axis=2)
    busy: NDArray[np.float64] = np.minimum(across + down, 96) * (32.0 + colorful)
    return busy


def _busiest(busy: NDArray[np.float64], window: tuple[int, int]) -> tuple[int, int]:
    """Top left of the window with the largest sum, by a summed-area table; the first of equals."""
    table = np.pad(busy.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    rows, columns = np.minimum(window, busy.shape)
    sums = table[rows:, columns:] - table[:-rows, columns:] - table[rows:, :-columns]
    row, column = np.unravel_index(np.argmax(sums + table[:-rows, :-columns]), sums.shape)
    return int(row), int(column)


def _framed(shown: Image.Image, box: Box | None, scale: float) -> Image.Image:
    """Mark where the detail comes from, unless the mark were the whole picture or a dot."""
    if box is None or (box[2] - box[0]) * scale > 0.8 * shown.width:
        return shown
    left, top, right, bottom = (round(edge * scale) for edge in box)
    right, bottom = min(right, shown.width) - 1, min(bottom, shown.height) - 1
    if min(right - left, bottom - top) < 4:
        return shown
    framed = shown.copy()
    draw = ImageDraw.Draw(framed)
    draw.rectangle((left, top, right, bottom), outline=(0, 0, 0))  # one of the two lines is seen
    draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=(255, 255, 255))
    return framed


def _enlarged(picture: Image.Image, box: Box, column: int) -> Image.Image:
    zoom = max(1, math.ceil(column / (box[2] - box[0])))  # whole, so that pixels stay squares
    size = ((box[2] - box[0]) * zoom, (box[3] - box[1]) * zoom)
    enlarged = picture.crop(box).resize(size, Image.Resampling.NEAREST)
    return _over_checks(enlarged.crop((0, 0, column, enlarged.height)))


def _captions(report: Report, column: int) -> Image.Image:
    size = f"{report.width} x {report.height} pixels"
    before = [size] if report.bytes_in is None else [size, size_text(report.bytes_in)]
    after = [size_text(report.bytes_out), _decibels(report.psnr)]
    if report.saved is not None and abs(report.saved) >= 0.005:
        after.insert(1, f"{abs(report.saved):.0%} {'smaller' if report.saved > 0 else 'larger'}")
    noun = "color" if report.colors == 1 else "colors"
    return _pair(
        [
            _caption(os.path.basename(report.name or "") or "Original", before, column),
            _caption(f"{report.colors} {noun}", after, column),
        ],
        column,
    )


def _decibels(psnr: float) -> str:
    return f"{psnr:.1f} dB" if math.isfinite(psnr) else "lossless"


def _caption(title: str, details: Sequence[str], width: int) -> Image.Image:
    row = Image.new("RGB", (width, 72), PAPER)
    draw = ImageDraw.Draw(row)
    font = _font(30)
    while len(title) > 4 and draw.textlength(title, font) > width:  # keep both ends of a long name
        middle = len(title) // 2
        title = title[: middle - 1] + "…" + title[middle + 1 + title.count("…") :]
    draw.text((0, 0), title, INK, font)
    draw.text((0, 42), "  ·  ".join(details), SOFT, _font(20))
    return row


def _strip_caption(colors: int, width: int) -> Image.Image:
    row = Image.new("RGB", (width, 22), PAPER)
    text = "Palette, by share of the pixels" if colors > 1 else "Palette"
    ImageDraw.Draw(row).text((0, 0), text, SOFT, _font(18))
    return row


def _strip(palette: Pixels, shares: NDArray[np.float64], width: int) -> Image.Image:
    """The colors from the most used to the least, as wide as their shares but never too narrow."""
    order = np.argsort(-shares, kind="stable")
    least = min(24.0, width / len(palette) / 2)
    widths = least + (width - least * len(palette)) * shares[order] / shares.sum()
    edges = np.rint(np.concatenate([[0.0], np.cumsum(widths)])).astype(int)
    row = palette[order][np.searchsorted(edges[1:-1], np.arange(width), side="right")]
    strip = _over_checks(Image.fromarray(np.repeat(row[None], STRIP_HEIGHT, axis=0)))
    ImageDraw.Draw(strip).rectangle((0, 0, width - 1, STRIP_HEIGHT - 1), outline=LINE)
    return strip


def _pair(images: Sequence[Image.Image], column: int) -> Image.Image:
    row = Image.new("RGB", (2 * column + GAP, max(image.height for image in images)), PAPER)
    for place, image in enumerate(images):
        row.paste(image, (place * (column + GAP), 0))
    return row


def _stacked(rows: Sequence[Image.Image]) -> Image.Image:
    spaces = [
        12 if row.height < 80 else GAP // 2 for row in rows
    ]  # words stand close to what they name
    height = 2 * MARGIN + sum(row.height for row in rows) + sum(spaces[:-1])
    figure = Image.new("RGB", (rows[0].width + 2 * MARGIN, height), PAPER)
    top = MARGIN
    for row, space in zip(rows, spaces, strict=True):
        figure.paste(row, (MARGIN, top))
        top += row.height + space
    return figure


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)  # ships inside Pillow: the same letters everywhere, offline
