"""What the API can be asked for: the command's own declarations, and what only the API has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinct.options import Colors, Command, Compress, Number, Option, Word, declared, option
from tinct.palette.named import NAMED, colors_in

__all__ = ["CALLS", "READ", "Call", "taken"]


class Preview(Command):
    """Indices at screen size, a byte each, row by row; the palette is in the report."""

    side: int = option(
        "--side", Number(int, 16, 4096), "longest side of the answer, {span}", default=1024
    )


class Original(Command):
    """The picture as it was read, as a PNG, for browsers that don't know its format."""

    side: int = Preview.side


class Cloud(Command):
    """K-means of a picture's colors: centers and inertia at every step, and a sample of colors."""

    k: int = option("-k --k", Number(int, 1, 256), "clusters, {span}", default=8)
    init: str = option(
        "--init",
        Word("random", "k-means++", "divisive"),
        "where the centers start",
        default="random",
    )
    seed: int = Compress.seed
    max_iter: int = option("--max-iter", Number(int, 1, 300), "steps at most", default=60)
    space: str = Compress.space
    sample: int = option("--sample", Number(int, 10, 50_000), "colors shown", default=6000)


class Film(Command):
    """The steps of K-means on a picture: a film, or a sheet of panels. Needs the extra `plot`."""

    k: int = Cloud.k
    init: str = Cloud.init
    seed: int = Compress.seed
    max_iter: int = option("--max-iter", Number(int, 1, 100), "steps at most", default=40)
    kind: str = option(
        "--kind", Word("gif", "webp", "mp4", "png"), "`png` is a sheet", default="gif"
    )


READ = ("max_pixels", "allow_truncated")
SHARED: tuple[str, ...] = ("colors", "dither", "lossy", "space", "effort", "seed", "format")
SHARED += ("palette", "reserve", "keep_order", *READ)
DRAWN = (*SHARED, "quality", "max_bytes", "score", "keep_metadata", "strip")


class Call:
    """One way to ask: which job does it, and with which options.

    Parameters
    ----------
    job : str
        What workers call it.
    asked : type of Command
        Whose options it has, besides those of `tinct compress`.
    shared : tuple of str
        Those of `tinct compress` that it takes.
    media : str
        The type of the answer; a JSON report alone if it is ``application/json``.
    """

    def __init__(
        self, job: str, asked: type[Command], shared: tuple[str, ...] = (), media: str = ""
    ) -> None:
        self.job, self.summary, self.media = job, " ".join((asked.__doc__ or "").split()), media
        own = [] if asked is Compress else declared(asked)
        common = {one.attribute: one for one in declared(Compress)}
        self.options = {one.attribute: one for one in (*(common[s] for s in shared), *own)}


class CompressCall(Command):
    """The picture as a small indexed file, and the report in the header X-Tinct-Report.

    An animation stays one: of its own kind, unless `format` says otherwise.
    """


class ColorsCall(Command):
    """The colors of a palette file, or of a picture in the order in which they appear."""


class PaletteCall(Command):
    """The colors that K-means chooses, and the share of the pixels that each serves; or a file."""

    format: str = option(
        "--format",
        Word("json", "gpl", "ase", "act", "aco", "pal", "riff", "hex", "css", "png"),
        "`json` is the report; of the others the file comes back",
        default="json",
    )


CALLS = {
    "/api/compress": Call("compress", CompressCall, DRAWN, "image/*"),
    "/api/preview": Call("preview", Preview, SHARED, "application/octet-stream"),
    "/api/palette": Call(
        "palette",
        PaletteCall,
        ("colors", "palette", "space", "effort", "seed", *READ),
        "application/json",
    ),
    "/api/colors": Call("colors", ColorsCall, (), "application/json"),
    "/api/original": Call("original", Original, READ, "image/png"),
    "/api/kmeans": Call("cloud", Cloud, READ, "application/json"),
    "/api/film": Call("film", Film, READ, "image/*"),
}


def taken(call: Call, given: Mapping[str, str]) -> dict[str, Any]:
    """The options' values by their attributes; ValueError names what is unknown or out of range.

    Examples
    --------
    >>> taken(CALLS["/api/original"], {"side": "16"})
    {'max_pixels': None, 'allow_truncated': False, 'side': 16}
    """
    found = {one.attribute: one.default for one in call.options.values()}
    for name, text in given.items():
        one = call.options.get(name.replace("-", "_"))
        if one is None:
            known = ", ".join(call.options)
            raise ValueError(f"there is no option {name[:40]!r} here; there are {known}")
        found[one.attribute] = _flag(one, text) if one.kind is None else one.read(text)
        if isinstance(one.kind, Colors):
            _no_file(one.name, text)
    return found


def _no_file(name: str, text: str) -> None:
    """A path in a request would be one of this machine's."""
    try:
        colors_in(NAMED.get(text, text))
    except ValueError:
        names = ", ".join(NAMED)
        raise ValueError(f"{name} must be hex colors or one of {names}, not {text[:40]}") from None


def _flag(one: Option, text: str) -> bool:
    if text.lower() not in ("", "1", "true", "yes", "0", "false", "no"):
        raise ValueError(f"{one.name} must be true or false, not {text[:40]}")
    return text.lower() in ("", "1", "true", "yes")
