"""Pictures within folders: which files, in which order, by which patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tinct.defaults import SUFFIX, extension

__all__ = ["Found", "Walk", "matches", "patterns"]

# What pictures are called that can be read
NAMED = "apng avif bmp dib gif icns ico j2k jfif jp2 jpe jpeg jpg mpo pam pbm pcx pgm png pnm ppm"
NAMED_SO = frozenset(f"{NAMED} psd qoi rgb sgi tga tif tiff webp".split())
LEFTOVER = re.compile(r"\.tinct-[0-9a-f]{12}\.part")  # see atomic_write


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and where it lies within the folder that was given; None if it was given itself."""

    path: str
    inside: str | None = None


class Walk:
    """Go through what was given: files as they are, and the pictures of folders, by name.

    Links to files are followed, those to folders are not, and what begins with a dot is passed by.
    `include` and `exclude` are patterns as `matches` takes them; those of `include` say it instead
    of the ending. `ours`: so are files that end in what a result is called by default.

    `files` are what was found; `folders` how many there were, `leftovers` what killed runs left
    there, `errors` why some could not be entered.
    """

    def __init__(
        self,
        given: Sequence[str],
        *,
        recursive: bool = False,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        ours: bool = True,
    ) -> None:
        self.recursive, self.include, self.exclude, self.ours = recursive, include, exclude, ours
        self.files: list[Found] = []
        self.leftovers: list[str] = []
        self.errors: list[OSError] = []
        self.folders = 0
        for path in given:
            if os.path.isdir(path):
                self._enter(path, "")
            else:
                self.files.append(Found(path))

    def _enter(self, path: str, inside: str) -> None:
        self.folders += 1
        try:
            with os.scandir(path) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.errors.append(error)
            return
        for entry in listed:
            place = f"{inside}/{entry.name}" if inside else entry.name
            if LEFTOVER.fullmatch(entry.name):
                self.leftovers.append(entry.path)
            if entry.name.startswith(".") or matches(place, self.exclude):
                continue
            if entry.is_dir(follow_symlinks=False):
                if self.recursive:
                    self._enter(entry.path, place)
            elif entry.is_file() and self._wanted(place):
                self.files.append(Found(entry.path, place))

    def _wanted(self, place: str) -> bool:
        if self.include:
            return matches(place, self.include)
        ours = os.path.splitext(place)[0].endswith(SUFFIX)
        return extension(place) in NAMED_SO and (self.ours or not ours)


def patterns(text: str | None) -> tuple[str, ...]:
    """Patterns between commas.

    >>> patterns("*.png, icons/*")
    ('*.png', 'icons/*')
    """
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def matches(place: str, wanted: Sequence[str]) -> bool:
    """Whether a place within a folder fits a pattern of the shell, in capitals or not.

    A pattern with a slash is for the whole place, another for its last part.

    >>> [matches("a/B.PNG", [pattern]) for pattern in ("*.png", "a/*", "b", "a")]
    [True, True, False, False]
    """
    place = place.lower()
    name = place.rpartition("/")[2]
    return any(fnmatchcase(place if "/" in one else name, one.lower()) for one in wanted)
