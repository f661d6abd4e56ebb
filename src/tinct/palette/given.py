"""Palettes that someone gives: by name, as a list, an array, a file or a picture."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tinct.defaults import MAX_COLORS, extension
from tinct.palette.choice import Palette, palette
from tinct.palette.histogram import histogram
from tinct.palette.named import NAMED, colors_in
from tinct.picture.read import Picture, read

__all__ = ["given_palette", "of_picture", "palette_in"]


def given_palette(name: str, value: Any) -> Palette:
    """The palette that an argument stands for; TypeError or ValueError names what is none.

    A Palette, a name, hex colors in a string or a list, (k, 3 or 4) uint8, a picture that was read,
    or the path of a palette file or a picture.

    Examples
    --------
    >>> given_palette("palette", "bw").hex, given_palette("palette", ["#f80"]).colors.tolist()
    (['#000000', '#ffffff'], [[255, 136, 0]])
    """
    if isinstance(value, Palette):
        return value
    if isinstance(value, Picture):
        return of_picture(value)
    if isinstance(value, str):
        try:
            return _packed(colors_in(NAMED.get(value, value)))
        except ValueError as error:
            if not value or value.startswith("#"):
                raise ValueError(f"{name} must be {error}") from None
        if not os.path.exists(value):
            names = ", ".join(NAMED)
            raise ValueError(f"{name} must be hex colors, a file or one of {names}, not {value}")
    if isinstance(value, str | os.PathLike):
        return Palette.read(value)
    if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
        try:
            return _packed(colors_in(",".join(value)))
        except ValueError as error:
            raise ValueError(f"{name} must be {error}") from None
    try:
        return Palette(value)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("colors", name, 1)) from None


def palette_in(data: bytes, name: str) -> Palette:
    """The colors of a palette file, or of a picture; PaletteError or PictureError names it."""
    from tinct.palette import files  # which most commands have no use for

    format = files.format_of(data, extension(name))
    if format is None:
        return of_picture(read(data, name=name))
    found = files.decode(data, format, name)
    table = np.array([color for color, _ in found], np.uint8)
    names = [name for _, name in found]
    return Palette(table if (table[:, 3] < 255).any() else table[:, :3], names=names)


def of_picture(picture: Picture) -> Palette:
    """A picture's colors as they first appear in it, or the 256 that K-means chooses of more."""
    counted = histogram(picture.pixels)
    if len(counted.colors) > MAX_COLORS:
        return palette(counted)
    flat = picture.pixels.reshape(-1, picture.pixels.shape[2])
    if flat.shape[1] == 4:
        flat = np.where(flat[:, 3:] == 0, 0, flat).astype(np.uint8)
    _, first = np.unique(flat, axis=0, return_index=True)
    return Palette(flat[np.sort(first)])


def _packed(colors: bytes) -> Palette:
    table = np.frombuffer(colors, np.uint8).reshape(-1, 4)
    return Palette(table if (table[:, 3] < 255).any() else table[:, :3])
