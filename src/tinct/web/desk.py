"""What a worker does with pictures: each job a method, the pictures kept between them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinct.checks import numbers
from tinct.clustering.choose import choose_k
from tinct.clustering.kmeans import KMeansResult, kmeans
from tinct.codecs.arrays import encode_truecolor
from tinct.compress.compress import Compressed, compress
from tinct.compress.encoder import Options
from tinct.compress.pinned import pinned
from tinct.compress.prepared import Prepared, shrunk
from tinct.defaults import MAX_COLORS
from tinct.palette.choice import palette as choose
from tinct.palette.given import given_palette, palette_in
from tinct.palette.histogram import histogram
from tinct.picture.film import film_of
from tinct.picture.read import Picture, read, sketch
from tinct.web.kept import Kept
from tinct.web.limits import Limits

if TYPE_CHECKING:
    from tinct.mapping.lossy import Loss

__all__ = ["Desk", "Missing"]

COST = 16  # bytes that a pixel of a picture takes here; of 10 MP 12 after a drawing, 16 once scored
LONG, WIDE = 20_000, 64  # points of a run whose history goes over the wire, and their dimensions


class Missing(Exception):
    """A picture that is not here: it must be sent again."""


class Desk:
    """Pictures in the hands of one process, and what can be asked of them.

    Each job returns what goes into the answer: bytes, and what is said of them. ValueError and
    its kind say, in one line, what can't be done.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pictures: Kept[Prepared] = Kept(limits.cache // limits.processes, limits.keep)

    def prepared(
        self,
        key: str,
        data: bytes | None,
        name: str | None,
        max_pixels: int | None = None,
        allow_truncated: bool = False,
        side: int | None = None,
    ) -> Prepared:
        """The picture by its key, or decoded from what was sent; a copy of that size may do."""
        most = min(max_pixels or self._limits.pixels, self._limits.pixels)
        key = f"{key} {most} {allow_truncated}"
        small = f"{key} {side}"
        found = self._pictures.get(key) or (self._pictures.get(small) if side else None)
        if found is None:
            if data is None:
                raise Missing
            if side is None:
                picture = read(data, name=name, max_pixels=most, allow_truncated=allow_truncated)
            else:
                picture = sketch(data, name, side, most, allow_truncated)
            found = Prepared(picture)
            key = key if picture.reduced_from is None else small
            self._pictures.put(key, found, picture.pixels[..., 0].size * COST)
        return found

    # --- pictures -------------------------------------------------------------------------------

    def compress(
        self,
        source: Prepared,
        name: str | None,
        keep_metadata: bool,
        strip: bool,
        score: bool,
        **how: Any,
    ) -> tuple[bytes, Any]:
        """The file, and the report with the palette in it."""
        if keep_metadata and strip:
            raise ValueError("keep-metadata and strip exclude each other")
        how["metadata"] = "all" if keep_metadata else "none" if strip else "density"
        picture = source.picture
        small = compress(film_of(picture) or source, ssimulacra2=score, **how)
        told = small.report.to_dict() | {"name": name, "format": small.format, "cut": small.cut}
        told |= {"animated": picture.animated, "flaw": picture.flaw, "palette": _hex(small.palette)}
        told["exact"] = isinstance(small, Compressed) and small.exact is not None
        told["shares"] = [round(float(share), 5) for share in small.shares]
        return small.data, told

    def preview(
        self,
        source: Prepared,
        side: int,
        colors: int | Literal["auto"] | None,
        lossy: Loss,
        palette: str | None,
        reserve: str | None,
        keep_order: bool,
        format: str | None,
        **how: Any,
    ) -> tuple[bytes, Any]:
        """Indices at screen size, row by row, and the palette of the whole picture."""
        film = film_of(source.picture)
        how["format"] = format or ("png" if film is None else film.kind)
        colors = None if colors == "auto" else colors
        how["pinned"] = pinned(palette, reserve, keep_order, colors, how["format"])
        colors = MAX_COLORS if colors is None else colors
        drawing = source.preview(colors, Options(**how), lossy, side)
        height, width = source.picture.reduced_from or source.picture.pixels.shape[:2]
        told = {
            "width": drawing.width,
            "height": drawing.height,
            "palette": _hex(drawing.palette),
            "picture": {
                "width": width,
                "height": height,
                "format": source.picture.format,
                "bytes": source.picture.bytes_in,
                "alpha": source.picture.pixels.shape[2] == 4,
                "animated": source.picture.animated,
            },
        }
        return drawing.indices.tobytes(), told

    def original(self, source: Prepared, side: int, threads: int) -> tuple[bytes, Any]:
        """The picture as a PNG no larger than `side`, for browsers that can't read its format."""
        return encode_truecolor(shrunk(source.picture.pixels, side), level=0), {}

    def palette(
        self,
        source: Prepared,
        colors: int | Literal["auto"] | None,
        palette: str | None,
        space: str,
        format: str,
        **how: Any,
    ) -> tuple[bytes, Any]:
        """The colors, and the share of the pixels that each serves; those given as a file alone."""
        if palette is not None:
            given = given_palette("palette", palette)
            file = b"" if format == "json" else given.to_bytes(format)
            return file, {"colors": [{"hex": one} for one in _hex(given.colors)]}
        most = colors if isinstance(colors, int) else MAX_COLORS
        chosen = choose(source.histogram(space), most, **how)
        rows = zip(_hex(chosen.colors), chosen.colors.tolist(), chosen.shares, strict=True)
        told = [{"hex": h, "rgb": rgb, "share": round(float(s), 6)} for h, rgb, s in rows]
        return b"" if format == "json" else chosen.to_bytes(format), {"colors": told}

    def colors(self, data: bytes | None, name: str | None, threads: int) -> tuple[bytes, Any]:
        """The colors of a palette file or a picture."""
        if data is None:
            raise Missing
        found = palette_in(data, name or "the palette")
        names = found.names or [""] * len(found)
        rows = zip(_hex(found.colors), names, strict=True)
        return b"", {"colors": [{"hex": one, "name": name} for one, name in rows]}

    # --- K-means --------------------------------------------------------------------------------

    def cloud(self, source: Prepared, sample: int, space: str, **how: Any) -> tuple[bytes, Any]:
        """K-means of a picture's colors, step by step, and a sample of them to be shown."""
        pixels = source.picture.pixels
        opaque = pixels.shape[2] == 3
        counted = source.histogram(space) if opaque else histogram(_opaque(pixels), space)
        run = _recorded(counted.points, counted.weights, **how)
        rng = np.random.default_rng(0)
        some = np.sort(rng.permutation(len(counted.colors))[:sample])
        told = {
            "colors": _hex(counted.colors[some]),
            "weights": counted.weights[some].astype(int).tolist(),
            "points": counted.points[some].round(4).tolist(),
            "distinct": len(counted.colors),
            "pixels": int(counted.weights.sum()),
        }
        return b"", told | _told(run)

    def points(self, points: Any, weights: Any, labels: bool, **how: Any) -> tuple[bytes, Any]:
        """K-means of points, step by step."""
        run = _recorded(_table(points), weights, **how)
        told = _told(run)
        if labels:
            for step, seen in zip(told["history"], run.history, strict=True):
                step["labels"] = seen.labels.tolist()
        return b"", told | {"labels": run.labels.tolist()}

    def choose(self, points: Any, most: int, seed: int, threads: int) -> tuple[bytes, Any]:
        """Inertia and silhouette for K from 2 on; the inertia of one cluster too."""
        table = _table(points)
        ks = range(2, min(most, len(np.unique(table, axis=0)) - 1) + 1)
        found = choose_k(table, ks, seed=seed, threads=threads)
        one = kmeans(table, 1, threads=threads).inertia
        told = {
            "ks": [1, *found.ks],
            "inertia": [one, *found.inertia],
            "silhouette": [None, *found.silhouette],
            "suggested": found.suggested,
        }
        return b"", told

    def film(self, source: Prepared, kind: str, **how: Any) -> tuple[bytes, Any]:
        """The steps of K-means on a picture, as a film or as a sheet of panels."""
        import io

        from tinct.plots import animate_picture, plot_picture_steps

        pixels = shrunk(source.picture.pixels, 1024)
        picture = Picture(np.ascontiguousarray(pixels))
        counted = histogram(picture.pixels)
        run = _recorded(counted.points, counted.weights, **how)
        if kind != "png":
            return animate_picture(picture, run, kind=kind), {}
        sheet = io.BytesIO()
        plot_picture_steps(picture, run).savefig(sheet, format="png", dpi=150)
        return sheet.getvalue(), {}


def _table(points: Any) -> NDArray[np.float64]:
    table = numbers("points", points)
    if table.ndim != 2 or not 1 <= len(table) <= LONG or not 1 <= table.shape[1] <= WIDE:
        raise ValueError(f"points must be 1..{LONG} rows of 1..{WIDE} numbers each")
    return table.astype(np.float64)


def _recorded(points: Any, weights: Any, **how: Any) -> KMeansResult:
    return kmeans(points, weights=weights, effort=0, record=True, **how)


def _told(run: KMeansResult) -> dict[str, Any]:
    """The run as JSON takes it."""
    return {
        "history": [
            {
                "centers": _rounded(step.centers),
                "inertia": step.inertia,
                "empty": list(step.empty),
            }
            for step in run.history
        ],
        "centers": _rounded(run.centers),
        "inertia": run.inertia,
        "iterations": run.n_iter,
        "converged": run.converged,
    }


def _rounded(table: NDArray[Any]) -> list[Any]:
    """To 7 digits of the largest number: what a plot can show, in half of the bytes."""
    digits = 7 - math.ceil(math.log10(float(np.abs(table).max()) or 1.0))
    found: list[Any] = table.astype(float).round(min(max(0, digits), 300)).tolist()
    return found


def _opaque(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colors of the pixels that are rather there than not; of all where none is."""
    seen = pixels[pixels[:, :, 3] > 127][:, :3]
    return np.ascontiguousarray(seen if len(seen) else pixels[:, :, :3].reshape(-1, 3))


def _hex(colors: NDArray[np.uint8]) -> list[str]:
    text = np.ascontiguousarray(colors).tobytes().hex()
    width = 2 * colors.shape[1]
    return [text[i : i + width] for i in range(0, len(text), width)]
