"""Frames to a film: GIF and WebP with one palette of ours for all frames, MP4 through ffmpeg.

A frame is its pixels and how long it stands. Frames are taken one after the other.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinct.codecs.films import WRITERS, Piece
from tinct.mapping.remap import remap
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram

__all__ = ["Frame", "drawn", "ffmpeg", "mp4"]

Pixels = NDArray[np.uint8]
Frame = tuple[Pixels, float]  # (h, w, 3), seconds

MOST = 255  # colors
AHEAD = 24  # frames kept whole until the palette is chosen from all of them
FPS = 25


def drawn(frames: Iterable[Frame], kind: str, samples: Iterable[Pixels] = ()) -> bytes:
    """Encode frames, (h, w, 3) uint8 and seconds, as an endless GIF or WebP of 255 colors.

    They are chosen from `samples`, by default the first 24 of `frames`, which are all of one size;
    only what changes is stored. ValueError if there is no frame.
    """
    stream = iter(frames)
    first = list(islice(stream, AHEAD))
    if not first:
        raise ValueError("a film needs a frame")
    chosen = list(samples) or [pixels for pixels, _ in first]
    colors = palette(histogram(np.vstack([c.reshape(-1, 3) for c in chosen])), MOST).colors
    table = np.zeros((len(colors) + 1, 4), np.uint8)  # entry 0 leaves what is there
    table[1:, :3], table[1:, 3] = colors, 255
    height, width = first[0][0].shape[:2]
    writer = WRITERS[kind](width, height, table, 0)
    stands = np.zeros((height, width), np.uint8)
    for pixels, seconds in chain(first, stream):
        indices = remap(pixels, colors, dither=0) + np.uint8(1)
        rows, columns = np.nonzero(indices != stands)
        top, left = (int(at.min(initial=0)) // 2 * 2 for at in (rows, columns))  # as WebP counts
        part = slice(top, rows.max(initial=0) + 1), slice(left, columns.max(initial=0) + 1)
        new = np.where(indices == stands, np.uint8(0), indices)[part]
        time = Fraction(round(seconds * 100), 100)  # a GIF counts hundredths
        writer.add(Piece(np.ascontiguousarray(new), left, top, time))
        stands = indices
    return writer.finish()


def mp4(frames: Iterable[Frame]) -> bytes:
    """Encode frames as H.264 in MP4, 25 per second, by the program ffmpeg.

    Frames are as `drawn` takes them; an odd last row or column is cut off. OSError if ffmpeg is not
    there, or fails; ValueError if there is no frame.
    """
    program = ffmpeg()
    if program is None:
        raise OSError("MP4 needs ffmpeg: install it, or tinct[mp4]; or write a WebP")
    pictures = _at_fps(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("a film needs a frame")
    height, width = first.shape[:2]
    with _place() as target:
        source = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {FPS} -i -"
        coding = (
            "-c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -movflags +faststart -threads 2"
        )
        coding += " -y -f mp4"
        command = [program, "-v", "error", *source.split(), *coding.split(), target]
        _feed(command, chain([first], pictures))
        return Path(target).read_bytes()


@contextlib.contextmanager
def _place() -> Iterator[str]:
    """Where a file can be written that is read and gone: in memory, if the system knows how.

    An MP4's index is written last, so it can't go to a pipe.
    """
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("film.mp4"), "rb") as file:
            yield f"/proc/{os.getpid()}/fd/{file.fileno()}"
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder) / "film.mp4")


def ffmpeg() -> str | None:
    """The program ffmpeg: this machine's, or the one that the package imageio-ffmpeg brings."""
    found = shutil.which("ffmpeg")
    if found is None:
        with contextlib.suppress(ImportError, RuntimeError):
            from imageio_ffmpeg import get_ffmpeg_exe

            found = str(get_ffmpeg_exe())
    return found


def _at_fps(frames: Iterable[Frame]) -> Iterator[Pixels]:
    for pixels, seconds in frames:
        height, width = pixels.shape[:2]
        even = pixels[: height // 2 * 2, : width // 2 * 2]
        for _ in range(max(1, round(seconds * FPS))):
            yield even


def _feed(command: list[str], pictures: Iterable[Pixels]) -> None:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            for pixels in pictures:
                process.stdin.write(pixels.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # it says why below
        except BaseException:
            process.kill()
            raise
        said = process.stderr.read().decode("utf-8", "replace").strip()
    if process.returncode:
        raise OSError(f"ffmpeg failed: {said.splitlines()[-1] if said else process.returncode}")
