"""The numbers of one picture, and the line that the command prints; imports next to nothing."""

import math

__all__ = ["TITLES", "cells", "decibels", "line", "saved", "size_text"]

TITLES = (
    *("picture", "before", "after", "saved", "colors", "PSNR", "SSIMULACRA2", "bands", "time"),
    "written to",
)


def decibels(mse: float) -> float:
    """Peak signal-to-noise ratio of 8-bit samples in dB; inf where there is no error."""
    return 10 * math.log10(255 * 255 / mse) if mse else math.inf


def saved(bytes_in: int | None, bytes_out: int) -> float | None:
    """Give the fraction of the bytes saved: negative if the file grew, None without a file."""
    return 1 - bytes_out / bytes_in if bytes_in else None


def size_text(size: int) -> str:
    """Bytes as people read them: two digits or more, and kB, MB, GB by thousands.

    >>> [size_text(size) for size in (999, 4_149, 41_490, 999_600, 12_000_000)]
    ['999 B', '4.1 kB', '41 kB', '1.0 MB', '12 MB']
    """
    if size < 1000:
        return f"{size} B"
    value, unit = size / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def cells(
    name: str,
    bytes_in: int | None,
    bytes_out: int,
    colors: int,
    psnr: float,
    score: float | None,
    seconds: float,
    where: str | None,
    ground: str | None = None,
    bands: str | None = None,
    frames: int | None = None,
    least: float | None = None,
) -> tuple[str, ...]:
    """Say what became of a picture, under each of TITLES.

    Bytes, colors, PSNR and `bands` are those of `tinct.Report`, the score SSIMULACRA2 over
    `ground`. `where` the file is: ``-`` is stdout, None means that none was written; of an
    animation, so many `frames`, and the worst one's score.

    >>> cells("a.png", 4149, 1000, 16, 33.52, None, 0.123, None)[1:6]
    ('4.1 kB', '1.0 kB', '-75.9%', '16', '33.5 dB')
    """
    part = saved(bytes_in, bytes_out)
    return (
        name,
        "" if bytes_in is None else size_text(bytes_in),
        size_text(bytes_out),
        "" if part is None else f"{-part:+.1%}".replace("-0.0%", "0.0%"),
        str(colors),
        f"{psnr:.1f} dB" if math.isfinite(psnr) else "lossless",
        ""
        if score is None
        else f"{score:.1f}"
        + (f" {ground}" if ground else "")
        + ("" if least is None else f" (least {least:.1f})"),
        bands or "",
        f"{seconds:.2f} s",
        ("left alone: not smaller" if where is None else "stdout" if where == "-" else where)
        + (f"  {frames} frames" if frames else ""),
    )


def line(told: tuple[str, ...], width: int, scored: bool = False) -> str:
    """Put what `cells` says on one line, the name padded to `width`.

    >>> line(cells("a.png", 4149, 1000, 16, 33.52, None, 0.123, "b.png"), 5)
    'a.png  4.1 kB -> 1.0 kB   -75.9%   16 colors   33.5 dB   0.12 s  b.png'
    """
    name, before, after, part, colors, psnr, score, bands, seconds, where = told
    seen = f"bands: {bands:7}  " if bands else ""  # which animations don't have
    points = f"SSIMULACRA2 {score:>5}  {seen}" if scored else ""
    return (
        f"{name:{width}}  {before:>6} -> {after:>6}  {part:>7}  "
        f"{colors:>3} colors  {psnr:>8}  {points}{seconds:>7}  {where}"
    )
