"""Files made smaller where they lie: never larger, never torn, and only once."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from zlib import crc32

from tinct.atomic_write import write

__all__ = ["Before", "clear", "is_marked", "keep", "kind_of", "mark", "replace", "was_kept"]

# What says in the file that tinct made it: a text of a PNG, a comment of a GIF, and in a WebP a
# chunk of a name of ours, which readers have to pass by.
PNG_MARK = b"\0\0\0\x0etEXtSoftware\0tinct"
PNG_MARK += crc32(PNG_MARK[4:]).to_bytes(4)
GIF_MARK = b"\x21\xfe\x05tinct\0"
WEBP_MARK = b"TINC\0\0\0\0"
IHDR_END = 33
HEAD, TAIL = 2048, len(WEBP_MARK)
ATTRIBUTE = "user.tinct"


class Before(OSError):
    """Why a file is not replaced after all."""


def kind_of(head: bytes) -> str | None:
    """The format of a file that can be replaced by one of its kind, by its first bytes."""
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if head[:4] == b"GIF8":
        return "gif"
    return "webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def mark(data: bytes) -> bytes:
    """Say in a file that tinct made it, in 9 to 26 bytes; what there is to see stays the same."""
    kind = kind_of(data)
    if kind == "png":
        return data[:IHDR_END] + PNG_MARK + data[IHDR_END:]
    if kind == "gif":
        return data[: (at := _after_table(data))] + GIF_MARK + data[at:]
    body = data[12:] + WEBP_MARK
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WEBP" + body


def _after_table(data: bytes) -> int:
    """Where the blocks of a GIF begin."""
    return 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)


def is_marked(path: str) -> tuple[str | None, bool]:
    """The format of a file, as `kind_of` says it, and whether tinct made it."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
        tail = file.read(TAIL)
    kind = kind_of(head)
    if kind == "png":
        return kind, head.startswith(PNG_MARK, IHDR_END)
    if kind == "gif" and len(head) > 13:
        return kind, head.startswith(GIF_MARK, _after_table(head))
    return kind, kind == "webp" and tail == WEBP_MARK


def keep(path: str, asked: str) -> None:
    """Remember that a file gains nothing, where its file system takes attributes."""
    with contextlib.suppress(OSError, AttributeError):
        os.setxattr(path, ATTRIBUTE, _seal(path, asked))


def was_kept(path: str, asked: str) -> bool:
    """Whether `keep` was called for this very file and the same options."""
    try:
        return os.getxattr(path, ATTRIBUTE) == _seal(path, asked)
    except (OSError, AttributeError):
        return False


def _seal(path: str, asked: str) -> bytes:
    found = os.stat(path)
    return f"{found.st_size} {found.st_mtime_ns} {crc32(asked.encode()):08x}".encode()


def replace(path: str, data: bytes, before: os.stat_result, *, preserve: bool = False) -> None:
    """Put a file in the place of another, whole or not at all; symbolic links are followed.

    Owner and permissions stay; with `preserve` times and attributes too. OSError if the owner
    can't be kept, or if the file is no longer as it was `before`.
    """
    target = os.path.realpath(path)
    now = os.stat(target)
    if (now.st_mtime_ns, now.st_size, now.st_ino) != (
        before.st_mtime_ns,
        before.st_size,
        before.st_ino,
    ):
        raise Before(0, "changed while it was compressed; it stays as it is", path)

    def settle(passing: str) -> None:
        if hasattr(os, "chown"):
            new = os.stat(passing)
            if (new.st_uid, new.st_gid) != (now.st_uid, now.st_gid):
                os.chown(passing, now.st_uid, now.st_gid)
                os.chmod(passing, stat.S_IMODE(now.st_mode))  # which chown cuts
        if preserve:
            shutil.copystat(target, passing)

    write(target, data, overwrite=True, settle=settle)


def clear(leftovers: Sequence[str]) -> None:
    """Remove what killed runs left behind; what another run is still writing is locked."""
    for path in leftovers:
        with contextlib.suppress(OSError, ImportError):
            import fcntl

            with open(path, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
