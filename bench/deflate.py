"""Our DEFLATE beside libdeflate, oxipng and Zopfli, on the indices of pictures; and a fuzz of it.

    python -m bench.deflate PICTURE...      # bytes and CPU time, plain and rate-aware indices
    python -m bench.deflate --fuzz 1000000  # so many small streams, inflated and compared

Times are of one thread, the least of three, encoders in turn.
"""

import argparse
import random
import time
import zlib
from collections.abc import Callable
from math import exp, log
from pathlib import Path

import deflate
import numpy as np
import oxipng
from PIL import Image

import tinct
from tinct import _kernels
from tinct.codecs.arrays import drawing_of
from tinct.codecs.deflate import INDEXED, _png, index_bits

ZOPFLI = 1 << 19  # pixels, at most


def rows_of(result: tinct.Compressed) -> tuple[bytearray, int]:
    """A PNG's rows, each behind its filter, and their length."""
    bits = index_bits(len(result.palette))
    packed = drawing_of(result.indices, result.palette).packed(bits)
    height = len(result.indices)
    stride = len(packed) // height
    rows = [b"\0" + packed[y * stride : (y + 1) * stride] for y in range(height)]
    return bytearray(b"".join(rows)), stride + 1


def oxipng_4(rows: bytearray, stride: int) -> bytes:
    """Oxipng's level 4 on rows of a byte for each index."""
    height = len(rows) // stride
    samples = bytes(np.frombuffer(rows, np.uint8).reshape(height, stride)[:, 1:])
    colors = bytes(768)
    png = _png(samples, stride - 1, height, 8, INDEXED, 0, colors)
    return oxipng.optimize_from_memory(
        png, level=4, bit_depth_reduction=False, palette_reduction=False, color_type_reduction=False
    )


def zopfli(rows: bytearray, stride: int) -> bytes:
    """Zopfli with 5 iterations, by oxipng, without filters."""
    height = len(rows) // stride
    samples = bytes(np.frombuffer(rows, np.uint8).reshape(height, stride)[:, 1:])
    png = _png(samples, stride - 1, height, 8, INDEXED, 0, bytes(768))
    how = oxipng.Deflaters.zopfli(5)
    keep = {"bit_depth_reduction": False, "palette_reduction": False, "color_type_reduction": False}
    return oxipng.optimize_from_memory(
        png, level=0, deflate=how, force=True, filter=[oxipng.RowFilter.NoOp], **keep
    )


def least(work: Callable[[], bytes], times: int) -> tuple[int, float]:
    """Bytes, and the least CPU time."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        found = work()
        spent.append(time.process_time() - start)
    return len(found), min(spent)


def race(name: str, rows: bytearray, stride: int) -> tuple[float, float]:
    """Print a row of the table; our bytes and time beside libdeflate's last level."""
    times = 3 if len(rows) < 4 << 20 else 1
    ours, mine = least(lambda: _kernels.encode_deflate(rows, stride, 1), times)
    assert zlib.decompress(_kernels.encode_deflate(rows, stride, 2)) == rows
    theirs, last = least(lambda: deflate.zlib_compress(rows, 12), times)
    other, ten = least(lambda: deflate.zlib_compress(rows, 10), times)
    judges = [least(lambda: oxipng_4(rows, stride), 1)]
    if len(rows) <= ZOPFLI:
        judges.append(least(lambda: zopfli(rows, stride), 1))
    told = "".join(f" {size:9,} {spent:6.2f} s" for size, spent in judges)
    print(
        f"{name:36} {len(rows) / 1e6:5.2f} MB {ours:9,} {mine:6.3f} s {theirs:9,} {last:6.3f} s"
        f" {ours / theirs - 1:+6.2%} {mine / last:5.2f} {other:9,} {ten:6.3f} s{told}",
        flush=True,
    )
    return log(ours / theirs), log(mine / last)


def table(pictures: list[Path]) -> None:
    print("indices, ours, libdeflate 12, bytes and time beside it, libdeflate 10, oxipng 4, Zopfli")
    found: dict[float, list[tuple[float, float]]] = {0: [], 0.2: []}
    for path in pictures:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGBA" if "A" in image.mode else "RGB"))
        for lossy, ratios in found.items():
            rows, stride = rows_of(tinct.compress(pixels, lossy=lossy))
            ratios.append(race(f"{path.stem[:26]} lossy={lossy}", rows, stride))
    for lossy, ratios in found.items():
        size, spent = (exp(sum(column) / len(column)) for column in zip(*ratios, strict=True))
        print(f"lossy={lossy}: {size - 1:+.2%} bytes, {spent:.2f} of the time")


def fuzz(count: int, seed: int) -> None:
    """Streams of runs, periods, copies and noise of few or many bytes."""
    chance = random.Random(seed)
    start, total = time.perf_counter(), 0
    for done in range(count):
        colors = chance.choice((1, 2, 3, 4, 16, 256))
        data = bytearray()
        for _ in range(chance.randrange(9)):
            kind, size = chance.randrange(4), min(int(chance.expovariate(1 / 40)), 600)
            if kind == 0:
                data += bytes([chance.randrange(colors)]) * size
            elif kind == 1:
                data += bytes(chance.randrange(colors) for _ in range(size // 4))
            elif kind == 2 and data:
                at = chance.randrange(len(data))
                data += data[at : at + size]
            else:
                data += bytes(chance.randrange(colors) for _ in range(chance.randint(1, 9))) * (
                    size // 6
                )
        stream = _kernels.encode_deflate(data, chance.randint(1, 99), 1, chance.randint(0, 2))
        if zlib.decompress(stream) != data:
            raise SystemExit(f"stream {done} of seed {seed} differs: {bytes(data)!r}")
        total += len(data)
    spent = time.perf_counter() - start
    print(f"{count:,} streams, {total:,} bytes, all as they were, {spent:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    fuzz(given.fuzz, given.seed) if given.fuzz else table(given.pictures)
