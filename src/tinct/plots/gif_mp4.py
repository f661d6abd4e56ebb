"""Frames to a film: GIF with one palette of ours for all frames, MP4 through ffmpeg.

A frame is its pixels and how long it stands. Frames are taken one after the other; what is kept of
each for a GIF is a byte per pixel.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinct.mapping.remap import remap
from tinct.palette.choice import palette
from tinct.palette.histogram import histogram

__all__ = ["Frame", "gif", "mp4"]

Pixels = NDArray[np.uint8]
Frame = tuple[Pixels, float]  # (h, w, 3), seconds

AHEAD = 24  # frames kept whole until the palette is chosen from all of them
FPS = 25


def gif(frames: Iterable[Frame], samples: Iterable[Pixels] = ()) -> bytes:
    """Encode frames, (h, w, 3) uint8 and seconds, as an endless GIF; only what changes is stored.

    The 256 colors are chosen from `samples`, by default the first 24 of `frames`, which are all of
    one size. ValueError if there is no frame.
    """
    stream = iter(frames)
    first = list(islice(stream, AHEAD))
    if not first:
        raise ValueError("a film needs a frame")
    chosen = list(samples) or [pixels for pixels, _ in first]
    colors = palette(histogram(np.vstack([c.reshape(-1, 3) for c in chosen]))).colors
    images, milliseconds = [], []
    for pixels, seconds in chain(first, stream):
        image = Image.fromarray(remap(pixels, colors, dither=0))
        image.putpalette(colors.tobytes())
        images.append(image)
        milliseconds.append(round(seconds * 100) * 10)  # a GIF counts hundredths
    data = io.BytesIO()
    images[0].save(
        data,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=milliseconds if len(images) > 1 else milliseconds[0],
        loop=0,
        optimize=False,
    )
    return data.getvalue()


def mp4(frames: Iterable[Frame]) -> bytes:
    """Encode frames as H.264 in MP4, 25 per second, by the program ffmpeg.

    Frames are as `gif` takes them; an odd last row or column is cut off. OSError if ffmpeg is not
    there, or fails; ValueError if there is no frame.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise OSError("MP4 needs the program ffmpeg, which is not there; write a GIF instead")
    pictures = _at_fps(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("a film needs a frame")
    height, width = first.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "film.mp4"  # MP4's index is written last and can't go to a pipe
        source = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {FPS} -i -"
        coding = (
            "-c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -movflags +faststart -threads 2"
        )
        command = [program, "-v", "error", *source.split(), *coding.split(), str(target)]
        _feed(command, chain([first], pictures))
        return target.read_bytes()


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
