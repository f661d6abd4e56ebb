"""Compress a real photograph and a painted bird to 16 and 256 colors; leaves the pictures in demo/.

Usage: python examples/demo.py [FOLDER]
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from bird import bird

from tinct.cli import main as cli


def photograph() -> Path:
    """The Summer Palace in Beijing (CC BY 2.0), which scikit-learn ships."""
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        sys.exit("the photograph comes with scikit-learn: pip install scikit-learn")
    return Path(package.origin).parent / "datasets/images/china.jpg"


def main(folder: Path) -> int:
    """Run the command itself, as anyone would type it."""
    folder.mkdir(exist_ok=True)
    bird().save(folder / "bird.png")
    (folder / "china.jpg").write_bytes(photograph().read_bytes())
    figures = []
    for source in (folder / "china.jpg", folder / "bird.png"):
        for colors in (16, 256):
            out = folder / f"{source.stem}-{colors}.png"
            figures.append(out.with_stem(out.stem + "-compared"))
            options = ["-k", str(colors), "-o", str(out), "--compare", str(figures[-1]), "--force"]
            print(f"$ tinct compress {source} -k {colors} -o {out} --compare {figures[-1]}")
            if code := cli.main(["compress", str(source), *options]):
                return code
    print("\nOriginal and result side by side:", *figures, sep="\n  ")
    print("\nThe same in a page, on this machine alone:\n  .venv/bin/tinct serve --open")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")))
