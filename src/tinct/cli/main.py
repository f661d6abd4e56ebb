"""The command: words, exit codes, progress. Nothing heavy is imported before there is work."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress as chosen
from typing import TYPE_CHECKING, Any, Literal

import click

from tinct.atomic_write import write
from tinct.defaults import (
    DITHER,
    FAILED,
    INTERNAL,
    INTERRUPTED,
    MAX_COLORS,
    NOT_SMALLER,
    OK,
    OUT_OF_REACH,
    SUFFIX,
    USAGE,
    beside,
    extension,
)
from tinct.scoring import summary

if TYPE_CHECKING:  # --help must not pay for NumPy and Pillow
    from tinct.compress.compress import Compressed
    from tinct.scoring.report import Report

__all__ = ["ended", "main"]

WORST_FIRST = (INTERNAL, FAILED, OUT_OF_REACH, NOT_SMALLER, OK)

EXIT_CODES = """\b
Exit codes:
  0    every picture was written
  1    some picture failed; the others were written
  2    the command itself was wrong; nothing was written
  70   a bug in tinct
  98   some picture was left alone: it would not have become smaller
  99   some picture could not meet --quality or --max-bytes; it was not written
  130  interrupted
"""


HELP = """Compress pictures to indexed PNGs, WebPs or GIFs of at most 256 colors.

Each IN becomes a PNG beside it, NAME-tinct.png, unless -o, --out-dir, --suffix or --format says
otherwise. An existing file is only replaced with --force, and nothing is written that isn't smaller
than its input. IN may be - for stdin; the picture then goes to stdout unless -o is given.

\b
  tinct compress bird.png -k 16
  tinct compress shots/*.png --out-dir small
  tinct compress shots/*.png --quality 75
  tinct compress photo.png --max-bytes 80k -o photo.webp
  tinct compress photo.jpg -k 32 -o photo.png --compare side-by-side.png
"""


FORMATS = ("png", "webp", "gif")
# A file named so must hold what its name says, and we can't write that.
FOREIGN = ("jpg", "jpeg", "jxl", "avif", "heic", "bmp", "tif", "tiff", "jp2", "ico", "svg", "pdf")


class Number(click.ParamType[int | float]):
    """A number in a range, refused in one line that names it, its range and what was given."""

    name = "N"

    def __init__(self, what: str, kind: type[int] | type[float], low: float, high: float) -> None:
        self.what, self.kind, self.low, self.high = what, kind, low, high

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        span = f"{self.low}..{self.high}" if math.isfinite(self.high) else f"{self.low} or more"
        try:
            number = self.kind(value)
        except ValueError:
            span = f"a whole number {span}" if self.kind is int else f"a number {span}"
        else:
            if self.low <= number <= self.high:
                return number
        raise click.UsageError(f"{self.what} must be {span}, not {value}", ctx)


class ColorCount(Number):
    """A number of colors, or ``auto``."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if value == "auto" else super().convert(value, param, ctx)


class Quality(Number):
    """A score, or two of them as MIN-MAX."""

    name = "Q|MIN-MAX"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        least, dash, most = str(value).partition("-")
        if not (least and dash):
            return super().convert(value, param, ctx)
        pair = tuple(super(Quality, self).convert(part, param, ctx) for part in (least, most))
        if pair[0] > pair[1]:
            raise click.UsageError(f"quality must be MIN-MAX, not {value}", ctx)
        return pair


class Size(click.ParamType[int]):
    """Bytes, such as 40000, 40k, 1.5M; thousands, as the report counts them."""

    name = "SIZE"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        text = str(value).strip().lower().removesuffix("b")
        factor = {"k": 1000, "m": 1_000_000}.get(text[-1:], 1)
        try:
            size = int(float(text.rstrip("km") if factor > 1 else text) * factor)
        except (ValueError, OverflowError):
            size = 0
        if size >= 1:
            return size
        raise click.UsageError(f"max-bytes must be a size such as 40000 or 40k, not {value}", ctx)


class Choice(click.ParamType[str]):
    """One of a few words; anything else is refused as the library would."""

    name = "WORD"

    def __init__(self, what: str, *words: str) -> None:
        self.what, self.words = what, words

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value in self.words:
            return value
        words = f"{', '.join(self.words[:-1])} or {self.words[-1]}"
        raise click.UsageError(f"{self.what} must be {words}, not {value}", ctx)


class Commands(click.Group):
    """Import the other commands when asked for; guess what someone meant who left it out."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["cluster", "compress", "steps"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "cluster":
            from tinct.cli.cluster import cluster

            return cluster
        if cmd_name == "steps":
            from tinct.cli.steps import steps

            return steps
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in self.list_commands(ctx) and os.path.exists(args[0]):
            raise click.UsageError(
                f"{args[0]} is no command; did you mean: tinct compress {args[0]}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tinct", message="%(prog)s %(version)s")
def tinct() -> None:
    """Image compression by K-means clustering: few colors, chosen well."""


@tinct.command(help=HELP, epilog=EXIT_CODES)
@click.argument("inputs", metavar="IN [IN ...]", nargs=-1, required=True)
@click.option(
    "-k",
    "--colors",
    type=ColorCount("colors", int, 2, MAX_COLORS),
    default=MAX_COLORS,
    show_default=True,
    help="Colors at most; auto: as few as look like 256.",
)
@click.option("-o", "--output", metavar="OUT", help="Where to write; one input only; - is stdout.")
@click.option("--out-dir", metavar="DIR", help="Write every picture into this folder.")
@click.option(
    "--suffix", metavar="S", help="Write beside each input, as NAME + S + .png.  [default: -tinct]"
)
@click.option(
    "--format",
    type=Choice("format", *FORMATS),
    help="png, webp (smallest) or gif.  [default: as OUT is named, else png]",
)
@click.option(
    "--dither",
    type=Number("dither", float, 0, 1),
    help="Share of the error passed on to neighbours, 0..1.  [default: 0.75]",
)
@click.option(
    "--lossy",
    type=Number("lossy", float, 0, 1),
    default=0.0,
    help="Errors allowed where they save bytes and show least, 0..1.  [default: 0]",
)
@click.option(
    "--quality",
    type=Quality("quality", float, 1, 100),
    help="Least bytes that still score so much on SSIMULACRA2: 80 is good, 60 fair. "
    "MIN-MAX aims at MAX and settles for MIN.",
)
@click.option(
    "--max-bytes", type=Size(), metavar="SIZE", help="As good as fits: 40000, 40k or 1.5M bytes."
)
@click.option(
    "--space",
    type=Choice("space", "oklab", "srgb"),
    default="oklab",
    show_default=True,
    help="Where distances are measured: oklab as the eye does, srgb as textbooks do.",
)
@click.option(
    "--effort",
    type=Number("effort", int, 0, 10),
    default=1,
    show_default=True,
    help="How long to search for better colors, 0..10.",
)
@click.option(
    "--seed",
    type=Number("seed", int, 0, math.inf),
    default=0,
    show_default=True,
    help="Seed of the clustering.",
)
@click.option(
    "--compare", metavar="PNG", help="Also draw original and result side by side; one input only."
)
@click.option(
    "--score", is_flag=True, help="Also measure SSIMULACRA2, which --quality does anyway."
)
@click.option("--json", "as_json", is_flag=True, help="Report one JSON object per line.")
@click.option(
    "--force", is_flag=True, help="Replace existing files; write even what became larger."
)
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
@click.option(
    "--threads",
    type=Number("threads", int, 1, math.inf),
    help="Threads at most; never changes a byte.  [default: all]",
)
@click.pass_context
def compress(ctx: click.Context, /, **options: Any) -> None:
    """Compress pictures; see HELP."""
    choice = Options(**options)
    jobs = _plan(choice)
    ctx.exit(_work(jobs, choice))


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, as parsed."""

    inputs: tuple[str, ...]
    colors: int | Literal["auto"]
    output: str | None
    out_dir: str | None
    suffix: str | None
    format: str | None
    dither: float | None
    lossy: float
    quality: float | tuple[float, float] | None
    max_bytes: int | None
    space: str
    effort: int
    seed: int
    compare: str | None
    score: bool
    as_json: bool
    force: bool
    quiet: bool
    threads: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """One picture: where from, where to. ``-`` is stdin or stdout."""

    source: str
    target: str

    @property
    def name(self) -> str:
        return "stdin" if self.source == "-" else self.source


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job."""

    job: Job
    status: Literal["written", "not smaller", "failed"]
    report: Report | None = None
    error: str | None = None
    code: int = OK


# --- what goes where ----------------------------------------------------------------------------


def _plan(options: Options) -> list[Job]:
    """Every job, or a usage error: all that can be refused before any work is refused here."""
    ways = {"-o": options.output, "--out-dir": options.out_dir, "--suffix": options.suffix}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")
    if len(options.inputs) > 1:
        for name, value in (("-o", options.output), ("--compare", options.compare)):
            if value is not None:
                raise click.UsageError(f"{name} takes one picture, not {len(options.inputs)}")
        if "-" in options.inputs:
            raise click.UsageError("stdin (-) must be the only picture")
    aims = {
        "--lossy": options.lossy or None,
        "--quality": options.quality,
        "--max-bytes": options.max_bytes,
    }
    aimed = [name for name, value in aims.items() if value is not None]
    if len(aimed) > 1:
        raise click.UsageError(f"{' and '.join(aimed)} exclude each other")
    if options.suffix is not None and os.path.basename(options.suffix) != options.suffix:
        raise click.UsageError(f"suffix must be a part of a file name, not {options.suffix}")
    if options.compare == "-":
        raise click.UsageError("--compare takes a file, not stdout")
    _check_extension(options)
    jobs = [Job(source, _target(source, options)) for source in options.inputs]
    _refuse_collisions(jobs, options.compare)
    if jobs[0].target == "-" and sys.stdout.isatty():
        raise click.UsageError("the picture would go to the terminal: give -o FILE or a pipe")
    return jobs


def _check_extension(options: Options) -> None:
    named = extension(options.output or "")
    if options.format is None and named in FOREIGN:
        raise click.UsageError(f"{options.output}: tinct writes png, webp and gif")
    if options.format is not None and named in FORMATS and named != options.format:
        raise click.UsageError(f"--format {options.format} and -o {options.output} disagree")


def _format(options: Options) -> str:
    """Which was asked for, else what the output's name says, else PNG."""
    named = extension(options.output or "")
    return options.format or (named if named in FORMATS else "png")


def _target(source: str, options: Options) -> str:
    if options.output is not None:
        return options.output
    named = "stdin" if source == "-" else source
    if options.out_dir is not None:
        return beside(os.path.join(options.out_dir, os.path.basename(named)), "", _format(options))
    if source == "-":
        return "-"
    return beside(source, SUFFIX if options.suffix is None else options.suffix, _format(options))


def _refuse_collisions(jobs: Sequence[Job], compare: str | None) -> None:
    """Two pictures must not become one file, nor one replace another that is still to be read."""
    sources = {_same(job.source): job.source for job in jobs if job.source != "-"}
    taken: dict[str, str] = {}
    for job in jobs:
        if job.target == "-":
            continue
        key = _same(job.target)
        if key in taken:
            raise click.UsageError(f"{taken[key]} and {job.source} would both become {job.target}")
        if key in sources and key != _same(job.source):
            raise click.UsageError(
                f"{job.source} would replace {sources[key]}, which is an input too"
            )
        taken[key] = job.source
    if compare is not None and _same(compare) in (*taken, *sources):
        raise click.UsageError(f"--compare would replace {compare}, an input or output")


def _same(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _refusal(path: str, force: bool) -> str | None:
    """Why this target can't be written, as far as that can be known before the work is done."""
    if path == "-":
        return None
    if os.path.isdir(path):
        return f"{path}: is a directory"
    if os.path.isfile(path) and not force:
        return f"{path}: already exists (--force replaces it)"
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return f"{path}: no such folder"
    return None


# --- the work -----------------------------------------------------------------------------------


def _work(jobs: Sequence[Job], options: Options) -> int:
    """Every job, whatever becomes of the others. Returns the worst code."""
    if options.out_dir is not None:
        try:
            os.makedirs(options.out_dir, exist_ok=True)
        except OSError as error:
            _complain(f"{options.out_dir}: {_reason(error)}")
            return FAILED
    show = _reporter(jobs, options)
    codes = {OK}
    with _progress(jobs, options) as meter:
        for job in jobs:
            meter.begin(job)
            outcome = _guarded(job, options, meter)
            codes.add(outcome.code)
            if outcome.error is not None:
                _complain(outcome.error)
            show(outcome)
            meter.end()
    show(None)
    return next(code for code in WORST_FIRST if code in codes)


def _guarded(job: Job, options: Options, meter: Meter) -> Outcome:
    """One job. What goes wrong becomes one line and a code, and the next picture has its turn."""
    try:
        for path in (job.target, options.compare):
            refusal = _refusal(path, options.force) if path is not None else None
            if refusal is not None:
                return Outcome(job, "failed", error=refusal, code=FAILED)
        return _compress_one(job, options, meter)
    except Exception as error:
        text, code = _failure(error, job)
        return Outcome(job, "failed", error=text, code=code)


def _failure(error: Exception, job: Job) -> tuple[str, int]:
    """What to say, and the code. The unforeseen is a bug of ours, and says so."""
    if isinstance(error, OSError) and error.filename is None:
        error.filename = job.target
    if type(error).__name__ == "TargetError":  # by name: its room is imported when there is work
        return f"{job.name}: {_known(error)}", OUT_OF_REACH
    if type(error).__name__ == "PictureError" or isinstance(error, OSError | ImportError):
        return _known(error), FAILED
    if isinstance(error, MemoryError):
        return f"{job.name}: not enough memory", FAILED
    return f"{job.name}: {_bug(error)}", INTERNAL


def _compress_one(job: Job, options: Options, meter: Meter) -> Outcome:
    from tinct.compress.compress import compress
    from tinct.picture import read as files

    data = sys.stdin.buffer.read() if job.source == "-" else b""
    small = compress(
        files.read(data, name=job.name) if job.source == "-" else job.source,
        options.colors,
        dither=DITHER if options.dither is None else options.dither,
        lossy=options.lossy,
        quality=options.quality,
        max_bytes=options.max_bytes,
        space=options.space,
        effort=options.effort,
        format=_format(options),
        seed=options.seed,
        threads=options.threads,
        ssimulacra2=options.score,
        watch=meter.drawn,
    )
    picture = small.original
    if picture.animated and not options.quiet:
        _complain(f"{job.name}: has several frames; only the first is kept")
    if small.cut and not options.quiet:
        _complain(f"{job.name}: gif has no partial transparency; pixels are opaque from half on")
    if options.compare is not None:
        _draw(small, options.compare, options.force)
    if picture.bytes_in is not None and len(small.data) >= picture.bytes_in and not options.force:
        if job.target == "-":  # a pipe never ends empty, nor in a format not asked for
            same = options.format in (None, str(picture.format).lower())
            _to_stdout(data or _read_again(job.source) if same else small.data)
            if not same and not options.quiet:
                _complain(f"{job.name}: no smaller as {options.format}; written all the same")
        return Outcome(job, "not smaller", small.report, code=NOT_SMALLER)
    if job.target == "-":
        _to_stdout(small.data)
    else:
        small.save(job.target, overwrite=options.force)
    return Outcome(job, "written", small.report)


def _read_again(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _draw(small: Compressed, path: str, force: bool) -> None:
    from tinct.codecs.arrays import encode_truecolor
    from tinct.plots import compare

    figure = compare.side_by_side(
        small.original.pixels, small.image, small.palette, small.shares, small.report
    )
    write(path, encode_truecolor(figure, level=0), overwrite=force)


def _to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


# --- reports ------------------------------------------------------------------------------------

Reporter = Callable[[Outcome | None], None]  # takes each outcome, and None at the end


def _reporter(jobs: Sequence[Job], options: Options) -> Reporter:
    to_stderr = jobs[0].target == "-"  # stdout is the picture then
    stream = sys.stderr if to_stderr else sys.stdout
    if options.as_json:
        return lambda outcome: (
            print(_as_json(outcome), file=stream, flush=True) if outcome else None
        )
    if options.quiet:
        return lambda outcome: None
    if stream.isatty():
        return _table_reporter(stream, options)
    width = max(len(job.name) for job in jobs)
    scored = _scored(options)
    return lambda outcome: (
        print(summary.line(_cells(outcome), width, scored), file=stream, flush=True)
        if outcome and outcome.report
        else None
    )


def _as_json(outcome: Outcome) -> str:
    import json

    report = outcome.report.to_dict() if outcome.report else {"name": outcome.job.name}
    output = outcome.job.target if outcome.status == "written" else None
    told = {"status": outcome.status, **report, "output": output, "error": outcome.error}
    return json.dumps({**told, "name": outcome.job.name})


def _scored(options: Options) -> bool:
    return options.score or options.quality is not None


def _cells(outcome: Outcome) -> tuple[str, ...]:
    report = outcome.report
    assert report is not None
    return summary.cells(
        outcome.job.name,
        report.bytes_in,
        report.bytes_out,
        report.colors,
        report.psnr,
        report.ssimulacra2,
        sum(report.seconds.values()),
        outcome.job.target if outcome.status == "written" else None,
        report.ground,
    )


def _table_reporter(stream: Any, options: Options) -> Reporter:
    """Gather the rows, draw the table at the end. Only a terminal pays for importing rich."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    shown = [title != "SSIMULACRA2" or _scored(options) for title in summary.TITLES]
    for title in chosen(summary.TITLES, shown):
        if title in ("picture", "written to"):
            table.add_column(title, overflow="fold")
        else:
            table.add_column(title, justify="right", no_wrap=True)

    def show(outcome: Outcome | None) -> None:
        if outcome is None:
            if table.row_count:
                Console(file=stream).print(table)
        elif outcome.report is not None:
            table.add_row(*map(Text, chosen(_cells(outcome), shown)))

    return show


class Meter:
    """What a terminal shows while there is something to wait for; nothing elsewhere."""

    def __init__(self, bar: Any = None, task: Any = None) -> None:
        self.bar, self.task, self.name, self.drawings = bar, task, "", 0

    def begin(self, job: Job) -> None:
        self.name, self.drawings = job.name, 0
        self._say(self.name)

    def drawn(self, size: int) -> None:
        self.drawings += 1
        if self.bar is not None:
            told = summary.size_text(size)
            self._say(f"{self.name}: drawing {self.drawings}, {told}")

    def end(self) -> None:
        if self.bar is not None:
            self.bar.advance(self.task)

    def _say(self, text: str) -> None:
        if self.bar is not None:
            self.bar.update(self.task, description=_on_one_line(text))


@contextlib.contextmanager
def _progress(jobs: Sequence[Job], options: Options) -> Iterator[Meter]:
    """A bar on a terminal's stderr where there are many pictures, or many drawings of one."""
    long = len(jobs) > 1 or options.quality is not None or options.max_bytes is not None
    if options.quiet or not long or not sys.stderr.isatty():
        yield Meter()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = [TextColumn("{task.description}", markup=False), BarColumn()]
    with Progress(
        *columns, MofNCompleteColumn(), Elapsed(), console=Console(stderr=True), transient=True
    ) as bar:
        yield Meter(bar, bar.add_task("", total=len(jobs)))


# --- errors -------------------------------------------------------------------------------------


def _on_one_line(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split("\n")))


def _complain(text: str) -> None:
    """One line on stderr, whatever the text holds."""
    line = _on_one_line(text)
    print(f"tinct: {line}", file=sys.stderr, flush=True)  # click.echo would tear a progress bar


def _bug(error: BaseException) -> str:
    if os.environ.get("TINCT_DEBUG"):
        import traceback

        traceback.print_exception(error)
    return f"a bug in tinct: {type(error).__name__}: {error} (TINCT_DEBUG=1 shows where)"


def _known(error: Exception) -> str:
    """What the other rooms raise knowingly; their messages are made to be shown."""
    if isinstance(error, FileExistsError):
        return f"{error.filename}: already exists (--force replaces it)"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {_reason(error)}"
    return str(error) or type(error).__name__


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def _usage(error: click.ClickException) -> str:
    text = error.format_message().rstrip(".")
    if isinstance(error, click.MissingParameter):
        wanted = error.param.name if error.param else "argument"
        text = "no picture given" if wanted == "inputs" else f"no {wanted} given"
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tinct"
    return f"{text[:1].lower()}{text[1:]} (see {where} --help)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; see ``tinct compress --help``.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the command's name; otherwise those of the process.

    Returns
    -------
    int
        The exit code.

    Examples
    --------
    >>> main(["compress", "bird.png", "--colors", "1000"])  # and one line on stderr
    2
    """
    try:
        code = tinct.main(
            args=None if argv is None else list(argv), prog_name="tinct", standalone_mode=False
        )
        return int(code or OK)
    except BaseException as error:
        return ended(error)


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
    _complain(text)
    return code
