"""Broken inputs: pictures and tables, mutated, each taken by a process that is watched.

    python -m bench.fuzz [--minutes 10 | --inputs 1000000] [--seed 0] [--data DIR] [--out fuzz]

Seeds are files of every format made here, and the smaller ones of DIR/conformance where that is.
Right is a result, or one line of our own error. Anything else is a find: another exception, a word
on stderr, more than 10 s, more than 1 GiB, the end of the process. Finds are left in the folder
named by --out, one file for each place in the code; the exit status is then 1.
"""

import argparse
import hashlib
import io
import multiprocessing as mp
import os
import random
import re
import resource
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image

import tinct
from tinct.errors import TableError

SECONDS, MEGABYTES = 10, 1024
LARGEST = 1 << 16  # bytes of a seed
DRAWN = 40_000  # pixels of what is compressed too, not just read
Seed = tuple[str, bytes]  # picture or table, and the file


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
    found = [("picture", made) for made in pictures()] + [("table", made) for made in tables()] * 8
    for path in sorted((data / "conformance").rglob("*")):
        if path.is_file() and path.stat().st_size <= LARGEST:
            found.append(("picture", path.read_bytes()))
    return found


ODD = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF]


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A few changes; half of the PNGs get their checksums right again."""
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
    if out.startswith(b"\x89PNG") and chance.random() < 0.5:
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
    if kind == "table":
        path = os.path.join(folder, "table.mat" if data.startswith(b"MATLAB") else "table.csv")
        Path(path).write_bytes(data)
        try:
            tinct.read_table(path, missing="drop")
        except TableError:
            return "refused"
        return "read"
    try:
        picture = tinct.read(data)
    except tinct.PictureError as error:
        if "\n" in str(error):
            raise
        return "refused"
    if picture.pixels.size > 4 * DRAWN:
        return "read"
    to = ("png", "gif", "webp")[len(data) % 3]
    made = tinct.compress(picture, colors=16, effort=0, format=to)
    if to == "png":
        shown = np.asarray(Image.open(io.BytesIO(made.data)).convert("RGBA"))
        drawn = np.asarray(Image.fromarray(made.image).convert("RGBA"))
        assert np.array_equal(shown, drawn), "the file holds another picture"
    return "compressed"


def work(pipe: Connection) -> None:
    """Take inputs until there are no more; answer how each ended, and the most memory so far."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        while (job := pipe.recv()) is not None:
            said.seek(0)
            said.truncate()
            try:
                end, why = take(*job, folder), ""
            except Exception:
                end, why = "raised", traceback.format_exc()
            if said.seek(0, io.SEEK_END):
                said.seek(0)
                end, why = "spoke", said.read(2000).decode("utf-8", "replace")
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if most > MEGABYTES and not why:
                end, why = "took memory", f"{most:.0f} MB"
            pipe.send((end, why))


class Watched:
    """The process that takes inputs, begun anew when it ends or hangs."""

    def __init__(self) -> None:
        self.process: mp.process.BaseProcess | None = None

    def take(self, kind: str, data: bytes) -> tuple[str, str]:
        """How it ended, and why if that is a find."""
        if self.process is None:
            context = mp.get_context("spawn")
            self.pipe, theirs = context.Pipe()
            self.process = context.Process(target=work, args=(theirs,), daemon=True)
            self.process.start()
            theirs.close()
            self.pipe.send(("picture", b""))  # imports take their time
            self.pipe.recv()
        try:
            self.pipe.send((kind, data))
            end, why = self.pipe.recv() if self.pipe.poll(SECONDS) else ("hung", f"{SECONDS} s")
        except (EOFError, OSError):
            self.process.join()
            end, why = "ended", f"exit status {self.process.exitcode}"
        if end in ("hung", "ended", "took memory"):
            self.process.kill()
            self.process.join()
            self.process = None
        return end, why


def place(end: str, why: str) -> str:
    """What tells one find from another: where it was raised, without numbers."""
    lines = re.findall(r'File "[^"]*?([^"/]+)", line (\d+), in (\w+)', why)
    where = " ".join(lines[-1]) if lines else ""
    last = re.sub(r"0x[0-9a-f]+|\d+", "N", why.strip().splitlines()[-1] if why.strip() else "")
    return f"{end} {where} {last[:80]}"


def run(until: Callable[[int], bool], files: list[Seed], chance: random.Random, out: Path) -> int:
    """Fuzz; the number of different finds."""
    watched, ends, finds, count = Watched(), Counter[str](), Counter[str](), 0
    start = told = time.monotonic()
    while not until(count):
        kind, data = chance.choice(files)
        data = mutated(data, chance.choice(files)[1], chance)
        end, why = watched.take(kind, data)
        ends[end] += 1
        count += 1
        if why:
            found = place(end, why)
            finds[found] += 1
            if finds[found] == 1:
                out.mkdir(parents=True, exist_ok=True)
                name = hashlib.sha256(data).hexdigest()[:12]
                (out / f"{name}.{kind}").write_bytes(data)
                (out / f"{name}.txt").write_text(f"{found}\n\n{why}\n")
                print(f"find: {found} -> {out / name}.{kind}", flush=True)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            rate = count / (told - start)
            print(f"{count:,} inputs, {rate:.0f}/s: {dict(ends)}", file=sys.stderr, flush=True)
    took = time.monotonic() - start
    print(f"{count:,} inputs in {took:.0f} s: {dict(ends)}; {len(finds)} different finds")
    return len(finds)


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

    sys.exit(bool(run(until, seeds(asked.data), random.Random(asked.seed), asked.out)))


if __name__ == "__main__":
    main()
