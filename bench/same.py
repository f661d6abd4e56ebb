"""Whether two checkouts write the same bytes: digests of files and centers, recorded and compared.

    python -m bench.same record FILE [--every N]    with the checkout whose Python this is
    python -m bench.same compare OLD NEW            prints each difference

Pictures and tables are those of ../shared/data. All pictures are drawn with the default options,
every tenth (--every) by loss, targets, formats and few colors too.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tinct

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
KINDS = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".ppm", ".tif", ".tiff"}
FEW = {
    "lossy": {"lossy": 0.3},
    "quality": {"quality": (1, 70)},
    "max_bytes": {"max_bytes": 20_000},
    "webp": {"format": "webp"},
    "webp lossy": {"format": "webp", "lossy": 0.3},
    "gif": {"format": "gif"},
    "gif lossy": {"format": "gif", "lossy": 0.3},
    "16": {"colors": 16},
    "16 plain": {"colors": 16, "dither": 0},
    "srgb": {"space": "srgb", "dither": 0, "effort": 0},
    "auto": {"colors": "auto"},
    "effort 2": {"effort": 2},
    "effort 5": {"effort": 5, "colors": 32},
}
LARGE = 1_500_000  # pixels: beyond them a search takes minutes


def main(argv):
    """Record or compare."""
    if argv[0] == "compare":
        old, new = (json.loads(Path(name).read_text()) for name in argv[1:3])
        differ = [name for name in old | new if old.get(name) != new.get(name)]
        for name in differ:
            print(f"{name}: {old.get(name)} -> {new.get(name)}")
        print(f"{len(old | new)} digests, {len(differ)} differ")
        return int(bool(differ))
    every = int(argv[argv.index("--every") + 1]) if "--every" in argv else 10
    found = dict(digests(every))
    Path(argv[1]).write_text(json.dumps(found, indent=1))
    return 0


def digests(every):
    """Each case with the size and digest of what comes out."""
    folders = ("kodak", "cq100", "graphics", "photos", "classic", "ng")
    paths = [p for f in folders for p in sorted((DATA / f).rglob("*")) if p.suffix.lower() in KINDS]
    start = time.perf_counter()
    for at, path in enumerate(paths):
        name = str(path.relative_to(DATA))
        print(f"{at}/{len(paths)} {time.perf_counter() - start:.0f} s {name}", file=sys.stderr)
        yield name, command(path)
        picture = tinct.read(path)
        large = picture.pixels[:, :, 0].size > LARGE
        for label, options in FEW.items() if at % every == 0 and not large else ():
            yield f"{name} {label}", digest(lambda p=picture, o=options: drawn(p, o))
    for path in sorted((DATA / "tables").rglob("*.csv")):
        yield f"tables/{path.name}", digest(lambda p=path: centers(p))


def command(path):
    """What the command writes by default, the short way where it can."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.png"
        argv = [sys.executable, "-m", "tinct", "compress", str(path), "-o", str(target), "-q"]
        done = subprocess.run([*argv, "--force"], capture_output=True, check=False)
        return said(target.read_bytes()) if target.exists() else f"exit {done.returncode}"


def drawn(picture, options):
    """What the library writes."""
    return tinct.compress(picture, **options).data


def centers(path):
    """K-means on a table's numbers."""
    from tinct.tables import read_table

    points = read_table(path).values
    run = tinct.kmeans(points, min(8, len(points)), seed=1)
    return run.centers.tobytes() + run.labels.tobytes()


def digest(work):
    """Of what comes out, or the words of the error."""
    try:
        return said(work())
    except (ValueError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def said(data):
    """Bytes and the first of their digest."""
    return f"{len(data)} {hashlib.sha256(data).hexdigest()[:16]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
