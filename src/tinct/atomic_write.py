"""Writing files whole or not at all. Imports next to nothing: `quick` needs it."""

import os
import stat

TYPE_CHECKING = False  # as typing has it, which takes a millisecond to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

__all__ = ["write"]


def write(
    path: "str | PathLike[str]",
    data: bytes,
    *,
    overwrite: bool = False,
    settle: "Callable[[str], None] | None" = None,
) -> None:
    """Write a file whole or not at all: a crash or a full disk leaves the old one or the new one.

    It is written beside the target under a passing name, synced, and renamed. A symbolic link
    stays, and what it names is replaced; a device or pipe is simply written to. With `overwrite` an
    existing file keeps its permissions; without, FileExistsError, even if it appeared only while we
    wrote. `settle` is called with the passing name before that becomes the file; until then that
    file, named .part, is locked where files can be: one that isn't was left by a killed process.
    """
    target = os.path.realpath(path)
    mode = _mode(target)
    if mode is not None and stat.S_ISDIR(mode):
        from errno import EISDIR

        raise IsADirectoryError(EISDIR, "is a directory", os.fspath(path))
    if mode is not None and not stat.S_ISREG(
        mode
    ):  # replacing /dev/null with a file would be a surprise
        with open(target, "wb") as device:
            device.write(data)
        return
    if mode is not None and not overwrite:
        from errno import EEXIST

        raise FileExistsError(EEXIST, "already exists", os.fspath(path))
    passing = os.path.join(os.path.dirname(target), f".tinct-{os.urandom(6).hex()}")
    passing += ".tmp" if settle is None else ".part"
    locked = -1
    try:
        locked = _fill(passing, data, mode, lock=settle is not None)
        if settle is not None:
            settle(passing)
        if overwrite:
            os.replace(passing, target)
        else:
            _claim(passing, target)
    except OSError as error:  # name the file that was asked for, not the passing one
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        try:  # noqa: SIM105 - contextlib takes a millisecond to import
            os.unlink(passing)
        except FileNotFoundError:
            pass
        if locked >= 0:
            os.close(locked)


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _fill(path: str, data: bytes, mode: int | None, lock: bool) -> int:
    """Write and sync a new file; a descriptor that keeps it locked, or -1."""
    # os.open rather than tempfile: a new file then has the permissions that the umask gives.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
        locked = _lock(file.fileno()) if lock else -1
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), stat.S_IMODE(mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return locked


def _lock(number: int) -> int:
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock

        flock(number, LOCK_EX | LOCK_NB)
        return os.dup(number)  # which holds the lock until it is closed
    except (ImportError, OSError):  # Windows, or a file system without locks
        return -1


def _claim(passing: str, target: str) -> None:
    """Give the file its name only if that is still free. rename() can't ask; a hard link can."""
    try:
        os.link(passing, target)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # no hard links here (FAT): claim the name, then fill it
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        os.replace(passing, target)
