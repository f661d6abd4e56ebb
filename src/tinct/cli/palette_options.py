"""What ``tinct palette`` can be asked for; the short way needn't know."""

from __future__ import annotations

from tinct.defaults import MAX_COLORS
from tinct.options import Command, Compress, Number, Text, Word, option

__all__ = ["Palette"]


class Palette(Command):
    """Choose one palette for many pictures, or convert a palette file.

    The colors of all pictures are counted together, and K-means chooses among them. A single
    palette file (GPL, ASE, ACT, ACO, PAL, hex list, CSS, JSON) is taken as it is. Without -o the
    colors are shown, with the share of the pixels that each serves.

    \b
      tinct palette sprites/*.png -k 64 -o shared.gpl
      tinct compress sprites/*.png --palette shared.gpl
      tinct palette brand.ase -o brand.css
    """  # noqa: D301 - click reads the \b

    inputs: tuple[str, ...] = option("", Text("IN [IN ...]"), required=True, many=True)
    colors: int | None = option(
        "-k --colors", Number(int, 2, MAX_COLORS), "colors at most, {span}", shown="256"
    )
    output: str | None = option(
        "-o --output",
        Text("OUT"),
        "where to write, as its name ends: `gpl`, `ase`, `act`, `aco`, `pal`, `hex`, `css`, "
        "`json`, or `png` for swatches",
    )
    format: str | None = option(
        "--format",
        Word("gpl", "ase", "act", "aco", "pal", "riff", "hex", "css", "json", "png"),
        "whatever OUT is called; `riff` is the PAL of Windows, `pal` that of JASC",
    )
    each: str = option(
        "--each",
        Word("pixel", "picture"),
        "what counts alike: each `pixel`, or each `picture` however large",
        default="pixel",
    )
    space: str = Compress.space
    effort: int = Compress.effort
    seed: int = Compress.seed
    force: bool = option("--force", None, "replace an existing file")
    threads: int | None = Compress.threads
