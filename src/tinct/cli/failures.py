"""Errors to words and exit codes: one line on stderr, whatever went wrong."""

from __future__ import annotations

import os
import sys

import click

from tinct.defaults import FAILED, INTERNAL, INTERRUPTED, OUT_OF_REACH, USAGE
from tinct.errors import PaletteError, PictureError, TargetError

__all__ = ["complain", "ended", "escaped", "failure", "on_one_line", "reason"]

NO_ROOM = "failed to map segment"  # what the loader says of a library


def on_one_line(text: str) -> str:
    r"""A text without line feeds, and with nothing else in it that moves a terminal's cursor."""
    return escaped(" ".join(text.split("\n")))


def escaped(name: str) -> str:
    r"""A file's name as it can be printed: line feeds, and bytes that are no text, by numbers.

    >>> print(escaped("a\nb\udcff"))
    a\nb\udcff
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def complain(text: str) -> None:
    """One line on stderr, whatever the text holds."""
    line = on_one_line(text)
    print(f"tinct: {line}", file=sys.stderr, flush=True)  # click.echo would tear a progress bar


def failure(error: Exception, name: str, target: str) -> tuple[str, int]:
    """What to say of a picture that failed, and the code. The unforeseen is a bug of ours."""
    if isinstance(error, OSError) and error.filename is None:
        error.filename = target
    if isinstance(error, TargetError | PaletteError):
        code = FAILED if isinstance(error, PaletteError) else OUT_OF_REACH
        return f"{name}: {_known(error)}", code
    if isinstance(error, PictureError | OSError | ImportError):
        return _known(error), FAILED
    if isinstance(error, MemoryError):
        return f"{name}: not enough memory", FAILED
    return f"{name}: {_bug(error)}", INTERNAL


def ended(error: BaseException) -> int:
    """Say in one line what ended the command, and return the exit code."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return USAGE
    if isinstance(error, SystemExit):  # click's way out when whoever read our report has left
        return error.code if isinstance(error.code, int) else FAILED
    if isinstance(error, BrokenPipeError):  # the short way's, which has printed to no one as well
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, click.ClickException):
        text, code = _usage(error), USAGE
    elif isinstance(error, KeyboardInterrupt | click.Abort):
        text, code = "interrupted", INTERRUPTED
    elif isinstance(error, ValueError | OSError | ImportError | MemoryError):
        text, code = _known(error), FAILED
    else:  # also what a Rust or C++ library throws
        text, code = _bug(error), INTERNAL
    complain(text)
    return code


def _bug(error: BaseException) -> str:
    if os.environ.get("TINCT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    return f"a bug in tinct: {type(error).__name__}: {error} (TINCT_DEBUG=1 shows where)"


def _known(error: Exception) -> str:
    """What the other rooms raise knowingly; their messages are made to be shown."""
    if isinstance(error, FileExistsError):
        return f"{escaped(str(error.filename))}: already exists (--force replaces it)"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{escaped(str(error.filename))}: {reason(error)}"
    if NO_ROOM in str(error) or (isinstance(error, MemoryError) and not error.args):
        return "not enough memory"
    return str(error) or type(error).__name__


def reason(error: OSError) -> str:
    """What the system says, as we write it."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def _usage(error: click.ClickException) -> str:
    text = error.format_message().rstrip(".")
    if isinstance(error, click.MissingParameter):
        wanted = error.param.name if error.param else "argument"
        text = "no picture given" if wanted == "inputs" else f"no {wanted} given"
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tinct"
    return f"{text[:1].lower()}{text[1:]} (see {where} --help)"
