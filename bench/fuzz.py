"""Broken inputs: pictures and tables, mutated, each taken by a process that is watched.

    python -m bench.fuzz [--minutes 10 | --inputs 1000000] [--seed 0] [--data DIR] [--out fuzz]

Seeds are files of every format made here, and the smaller ones of DIR/conformance where that is.
Right is a result, or one line of our own error. Anything else is a find: another exception, a word
on stderr, more than 10 s, more than 1 GiB, the end of the process. Finds are left in the folder
named by --out, one file for each place in the code; the exit status is then 1.
"""

import argparse
import contextlib
import hashlib
import importlib
import io
import math
import mmap
import os
import random
import re
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

import tinct
from tinct.errors import PaletteError, TableError
from tinct.palette import files as formats

SECONDS, MEGABYTES = 10, 1024
BATCH = 2000  # inputs that a process takes
LARGEST = 1 << 14  # bytes of a seed
DRAWN = 4_000  # pixels of what is compressed too, not just read
ENDS = ("refused", "read", "compressed", "raised", "spoke", "took memory", "hung", "ended")
Seed = tuple[str, bytes]  # picture, table or a format of palettes, and the file


def pictures() -> Iterator[bytes]:
    """A small picture in every format and mode that Pillow writes."""
    grid = np.indices((24, 20)).sum(axis=0)
    ramp = np.stack([grid * 5, grid[::-1] * 4, grid.T[:20, :20].repeat(2, 0)[:24] * 3], axis=2)
    rgb = Image.fromarray(ramp.astype(np.uint8))
    alpha = rgb.convert("RGBA")
    alpha.putalpha(Image.fromarray((grid * 6).astype(np.uint8)))
    deep = Image.fromarray((grid * 1400).astype(np.uint16))
    images = [rgb, alpha, rgb.convert("L"), rgb.convert("1"), rgb.quantize(7), deep]
    images += [alpha.convert("LA"), rgb.convert("CMYK"), rgb.convert("LAB"), rgb.convert("F")]
    Image.init()
    for kind in sorted(set(Image.SAVE) - {"PDF", "EPS", "PALM", "XBM", "MSP"}):
        for image in images:
            for extra in ({}, {"save_all": True, "append_images": [image.rotate(90)] * 2}):
                file = io.BytesIO()
                try:
                    image.save(file, kind, **extra)
                except Exception:  # not in this mode
                    continue
                yield file.getvalue()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB", 5000)).tobytes()
    chunks = PngInfo()
    for name, body in (
        (b"cICP", bytes([9, 1, 0, 1])),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
        (b"gAMA", struct.pack(">I", 100_000)),
        (b"pHYs", struct.pack(">IIB", 5669, 5669, 1)),
        (b"sBIT", b"\5\6\5"),
        (b"tIME", bytes(7)),
    ):
        chunks.add(name, body)
    exif = Image.Exif()
    exif[0x112], exif[0x132], exif[0x11A] = 6, "2024:01:02 03:04:05", 72.0
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        more = {"pnginfo": chunks} if kind == "PNG" else {}
        for told in ({"icc_profile": profile}, {"exif": exif, "dpi": (144, 144)}, more):
            file = io.BytesIO()
            rgb.save(file, kind, **told)
            yield file.getvalue()


def palettes() -> Iterator[Seed]:
    """A small one in every format."""
    entries = [((9 * i, 255 - i, i, 255), f"color {i}") for i in range(12)]
    for kind in sorted(set(formats.FORMATS) - {"png"}):
        yield kind, formats.encode(entries, kind)


def tables() -> Iterator[bytes]:
    """A small table in every way that one is written."""
    values = np.arange(24.0).reshape(8, 3) / 7
    rows = values.tolist()
    for mark in ",;\t| ":
        yield "\n".join(
            ["a b c".replace(" ", mark), *(mark.join(map(str, r)) for r in rows)]
        ).encode()
    text = "\n".join(";".join(f"{x:.2f} %".replace(".", ",") for x in row) for row in rows)
    yield f"größe;b;c\n{text}\n".encode("cp1252")
    yield f'"größe";"b\nc";d\n{text}\n'.encode("utf-16")
    file = io.BytesIO()
    np.save(file, values)
    yield file.getvalue()
    file = io.BytesIO()
    np.savez(file, x=values, y=values[:, 0])
    yield file.getvalue()
    try:
        import pyarrow
        from pyarrow import parquet
        from scipy.io import savemat
    except ImportError:
        return
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(dict(zip("abc", values.T, strict=True))), file)
    yield file.getvalue()
    file = io.BytesIO()
    savemat(file, {"X": values})
    yield file.getvalue()


def seeds(data: Path) -> list[Seed]:
    """All files to begin with."""
    found = [("picture", made) for made in pictures()] + [("table", made) for made in tables()]
    found = found + list(palettes()) * 4 + [seed for seed in found if seed[0] == "table"] * 3
    for path in sorted((data / "conformance").rglob("*")):
        if path.is_file() and path.stat().st_size <= LARGEST:
            found.append(("picture", path.read_bytes()))
    return found


ODD = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF]


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A few changes; most PNGs get their checksums right again."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if not out:
            break
        at, size = chance.randrange(len(out)), chance.choice((1, 1, 2, 4, 4, 16, 200))
        kind = chance.randrange(7)
        if kind == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            out[at] = chance.randrange(256)
        elif kind == 2:
            width = chance.choice((1, 2, 4))
            value = chance.choice(ODD) % 256**width
            out[at : at + width] = value.to_bytes(width, chance.choice(("big", "little")))
        elif kind == 3:
            del out[at : at + size]
        elif kind == 4:
            out[at:at] = out[at : at + size] * chance.choice((1, 1, 50))
        elif kind == 5:
            start = chance.randrange(len(other) or 1)
            out[at : at + size] = other[start : start + size]
        else:
            del out[at:]
    if out.startswith(b"\x89PNG") and chance.random() < 0.8:
        right_checksums(out)
    return bytes(out)


def right_checksums(png: bytearray) -> None:
    """Of every chunk that is whole."""
    at = 8
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4])
        if end + 4 > len(png):
            return
        png[end : end + 4] = zlib.crc32(png[at + 4 : end]).to_bytes(4)
        at = end + 4


def take(kind: str, data: bytes, folder: str) -> str:
    """Use an input as a user would; which way it ended."""
    if kind not in ("picture", "table"):
        try:
            formats.decode(data, kind, "it")
        except PaletteError:
            return "refused"
        return "read"
    if kind == "table":
        path = os.path.join(folder, "table.mat" if data.startswith(b"MATLAB") else "table.csv")
        Path(path).write_bytes(data)
        try:
            tinct.read_table(path, missing="drop")
        except TableError:
            return "refused"
        return "read"
    try:
        picture = tinct.read(data, keep_profile=len(data) % 2 == 0)
        return "read" if picture.pixels.size > 4 * DRAWN else drawn(picture, len(data))
    except tinct.PictureError as error:  # by the format too, or a later frame
        if "\n" in str(error):
            raise
        return "refused"


def drawn(picture: tinct.Picture, chance: int) -> str:
    """Compress a picture; a file that can't be read again or holds another picture raises."""
    to = ("png", "gif", "webp")[chance % 3]
    kept = ("density", "all", "none")[chance % 5 % 3]
    level = None if chance % 16 == 0 else 1  # oxipng takes more time than all else together
    made = tinct.compress(picture, 8, effort=0, format=to, level=level, metadata=kept, threads=1)
    if to == "png" and not picture.animated:
        shown = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGBA"))
        drawn = np.asarray(Image.fromarray(made.image).convert("RGBA"))
        assert np.array_equal(shown, drawn), "the file holds another picture"
    return "compressed"


class Board:
    """Memory that the watching process and the working one share: counts, and what is at work."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, 1 << 22)
        self.counts = np.frombuffer(self.memory, np.int64, len(ENDS))

    def begin(self, kind: str, data: bytes) -> None:
        """Note what is taken next."""
        self.memory.seek(256)
        head = struct.pack("<dI8s", time.monotonic(), len(data), kind.encode())
        self.memory.write(head + data[: (1 << 22) - 512])

    def at_work(self) -> tuple[float, str, bytes]:
        """Since when on which input."""
        since, size, kind = struct.unpack_from("<dI8s", self.memory, 256)
        return since, kind.rstrip(b"\0").decode(), self.memory[276 : 276 + size]


def work(
    board: Board, files: list[Seed], seed: str, first: int, out: Path, said: IO[bytes]
) -> None:
    """Take the inputs of one batch; note how each ended, and keep the finds."""
    if "asan" not in os.environ.get("LD_PRELOAD", ""):
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    os.dup2(said.fileno(), 2)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + BATCH):
            chance = random.Random(f"{seed} {number}")
            kind, data = chance.choice(files)
            data = mutated(data, chance.choice(files)[1], chance)
            board.begin(kind, data)
            used = math.ceil(time.process_time())
            resource.setrlimit(resource.RLIMIT_CPU, (used + SECONDS, resource.RLIM_INFINITY))
            try:
                end, why = take(kind, data, folder), ""
            except Exception:
                end, why = "raised", traceback.format_exc()
            if said.seek(0, io.SEEK_END):
                said.seek(0)
                end, why = "spoke", said.read(2000).decode("utf-8", "replace")
                said.seek(0)
                said.truncate()
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if most > MEGABYTES:
                end, why = "took memory", f"{most:.0f} MB: {kind} {data[:12]!r}"
            board.counts[ENDS.index(end)] += 1
            if why:
                keep(end, why, kind, data, out)
            if end == "took memory":  # the peak stays; a new process begins with none
                return


def keep(end: str, why: str, kind: str, data: bytes, out: Path) -> None:
    """A find, if it is the first one at its place in the code."""
    found = place(end, why)
    name = hashlib.sha256(found.encode()).hexdigest()[:12]
    out.mkdir(parents=True, exist_ok=True)
    if not (out / f"{name}.txt").exists():
        (out / f"{name}.{kind}").write_bytes(data)
        (out / f"{name}.txt").write_text(f"{found}\n\n{why}\n")
        print(f"find: {found} -> {out / name}.{kind}", flush=True)


def watched(board: Board, files: list[Seed], seed: str, first: int, out: Path) -> None:
    """A batch in a process of its own, which may end or hang."""
    board.begin("", b"")
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            try:
                work(board, files, seed, first, out, said)
            finally:
                os._exit(0)
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.02)
            if time.monotonic() - board.at_work()[0] > 60 * SECONDS:  # it waits for something
                os.kill(child, signal.SIGXCPU)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            return
        said.seek(0)
        last_words = said.read(8000).decode("utf-8", "replace")
    _, kind, data = board.at_work()
    end, why = ("hung", "") if -status == signal.SIGXCPU else ("ended", f"exit status {status}")
    board.counts[ENDS.index(end)] += 1
    keep(end, f"{last_words}{why}: {kind} {data[:12]!r}", kind, data, out)


def place(end: str, why: str) -> str:
    """What tells one find from another: where it was raised, without numbers."""
    lines = re.findall(r'File "[^"]*?([^"/]+)", line (\d+), in (\w+)', why)
    where = " ".join(lines[-1]) if lines else ""
    sanitizer = re.findall(r"SUMMARY: .*|.*runtime error: .*", why)
    last = (sanitizer or why.strip().splitlines() or [""])[-1]
    last = re.sub(r"0x[0-9a-f]+|\d+", "N", last)
    return f"{end} {where} {last[:120]}"


def import_all(files: list[Seed]) -> None:
    """What is imported when first used, so that no batch has to; used itself in a child alone."""
    with tempfile.NamedTemporaryFile("r") as names:
        if (child := os.fork()) == 0:
            with contextlib.suppress(BaseException):
                for kind, data in files[::20]:
                    with contextlib.suppress(Exception):
                        take(kind, data, tempfile.gettempdir())
                Path(names.name).write_text("\n".join(sys.modules))
            os._exit(0)
        os.waitpid(child, 0)
        for name in names.read().split():
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def run(until: Callable[[int], bool], files: list[Seed], seed: str, out: Path) -> int:
    """Fuzz; how many inputs were finds."""
    board, batch = Board(), 0
    import_all(files)
    start = told = time.monotonic()
    while not until(int(board.counts.sum())):
        watched(board, files, seed, batch * BATCH, out)
        batch += 1
        count, took = int(board.counts.sum()), time.monotonic() - start
        ends = dict(zip(ENDS, board.counts.tolist(), strict=True))
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"{count:,} inputs, {count / took:.0f}/s: {ends}", file=sys.stderr, flush=True)
    print(f"{count:,} inputs in {took:.0f} s: {ends}")
    return int(board.counts[ENDS.index("raised") :].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--inputs", type=int, default=None, help="stop after so many instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("fuzz"))
    asked = parser.parse_args()
    end = time.monotonic() + 60 * asked.minutes
    limit = asked.inputs

    def until(count: int) -> bool:
        return time.monotonic() > end if limit is None else count >= limit

    sys.exit(bool(run(until, seeds(asked.data), str(asked.seed), asked.out)))


if __name__ == "__main__":
    main()
