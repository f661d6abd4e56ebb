"""What ``tinct compress`` can be asked for: each option said once, with all there is to say.

Spelling, kind, range, default and words: both parsers, the help, the checks with their messages,
the HTTP API and the README's tables are made of them, and `cli` says the other commands' in the
same way. The short way pays for this page: it imports next to nothing, and what only the help
needs is worked out when that asks.
"""

from tinct.codecs.registry import FORMATS
from tinct.defaults import DITHER, MAX_COLORS, SUFFIX

TYPE_CHECKING = False  # importing typing for it would take longer than the rest of this page
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, TypeVar

    Kind = TypeVar("Kind", bound="Command")

__all__ = ["Command", "Compress", "Option", "declared", "option", "parse"]

ANY = float("inf")


class Text:
    """Any text, such as a path; or one that ends as it must."""

    def __init__(self, metavar: str, *endings: str) -> None:
        self.metavar, self.endings = metavar, endings

    def read(self, name: str, text: str) -> "Any":
        """The value; ValueError, in one line that names the option, if there is none."""
        if text.lower().endswith(self.endings or ""):
            return text
        raise ValueError(f"{name} must end with {either(self.endings)}, not {text}")


class Word(Text):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.metavar, self.words = "WORD", words

    def read(self, name: str, text: str) -> "Any":
        if text in self.words:
            return text
        raise ValueError(f"{name} must be {either(self.words)}, not {text}")


class Number(Text):
    """A number in a range, or a word that stands for one."""

    def __init__(self, kind: "type[int | float]", low: float, high: float = ANY, word: str = ""):
        self.metavar, self.kind, self.low, self.high, self.word = "N", kind, low, high, word

    @property
    def span(self) -> str:
        """The range in words."""
        return f"{self.low} or more" if self.high == ANY else f"{self.low}..{self.high}"

    def read(self, name: str, text: str) -> "Any":
        if text and text == self.word:
            return text
        try:
            number = self.kind(text)
        except ValueError:
            span = f"a {'whole ' * (self.kind is int)}number {self.span}"
        else:
            span = self.span
            if self.low <= number <= self.high:
                return number
        raise ValueError(f"{name} must be {span}, not {text}")


class Colors(Text):
    """A palette: by name, as hex colors, or a file of it; `listed`: hex colors alone."""

    def __init__(self, listed: bool = False) -> None:
        self.metavar, self.listed = "COLORS" if listed else "COLORS|NAME|FILE", listed

    def read(self, name: str, text: str) -> "Any":
        from tinct.palette.named import NAMED, colors_in

        try:
            colors_in(text if self.listed else NAMED.get(text, text))
        except ValueError as error:
            if self.listed or not text or text.startswith("#"):
                raise ValueError(f"{name} must be {error}") from None
        return text


class Score(Number):
    """A number in a range, or two of them as MIN-MAX."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__(float, low, high)
        self.metavar = "Q|MIN-MAX"

    def read(self, name: str, text: str) -> "Any":
        least, _, most = text.partition("-")
        if not (least and most):
            return super().read(name, text)
        pair = tuple(super(Score, self).read(name, part) for part in (least, most))
        if pair[0] <= pair[1]:
            return pair
        raise ValueError(f"{name} must be MIN-MAX, not {text}")


class Size(Text):
    """Bytes, such as 40000, 40k, 1.5M; thousands, as the report counts them."""

    def __init__(self) -> None:
        self.metavar = "SIZE"

    def read(self, name: str, text: str) -> "Any":
        plain = text.strip().lower().removesuffix("b")
        factor = {"k": 1000, "m": 1_000_000}.get(plain[-1:], 1)
        try:
            size = int(float(plain.rstrip("km") if factor > 1 else plain) * factor)
        except (ValueError, OverflowError):
            size = 0
        if size >= 1:
            return size
        raise ValueError(f"{name} must be a size such as 40000 or 40k, not {text}")


def either(words: "Sequence[str]") -> str:
    """List the words as people do: png, webp or gif."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


class Option:
    """One option, or one argument if it has no spellings (such as ``-k --colors``).

    `kind` None is a flag. `words` say in Markdown what it does, without a capital and the last
    stop, ``{span}`` being its range; `shown` is the default as people read it, if the value doesn't
    say it. `short`: the short way takes it too. `many`: there may be several.
    """

    def __init__(
        self,
        spellings: str,
        kind: "Text | None",
        words: str = "",
        *,
        default: object = None,
        shown: str = "",
        short: bool = False,
        required: bool = False,
        many: bool = False,
    ) -> None:
        self.spellings, self.kind, self.words = spellings.split(), kind, words
        self.default = False if kind is None else default
        self.shown, self.short = shown, short
        self.required, self.many = required, many

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.attribute = attribute

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.spellings[-1].removeprefix("--") if self.spellings else self.attribute

    @property
    def meaning(self) -> str:
        """What it does, with its range."""
        return self.words.replace("{span}", getattr(self.kind, "span", ""))

    @property
    def usual(self) -> str:
        """The default as people read it; empty if there is none."""
        if self.shown or self.kind is None or self.default is None:
            return self.shown
        return f"`{self.default}`" if isinstance(self.default, str) else f"{self.default:g}"

    def read(self, text: str) -> "Any":
        """The value that a text stands for; ValueError says in one line why there is none."""
        return True if self.kind is None else self.kind.read(self.name, text)


if TYPE_CHECKING:

    def option(spellings: str, kind: "Text | None", words: str = "", **how: "Any") -> "Any":
        """Declare an option; typed as what its value will be."""
else:
    option = Option


class Command:
    """A command: the class declares its options, an instance holds what was asked for."""

    epilog = ""

    def __init__(self, **values: object) -> None:
        for one in declared(type(self)):
            setattr(self, one.attribute, values.get(one.attribute, one.default))


def declared(asked: "type[Command]") -> "list[Option]":
    """All arguments and options of a command, in their order."""
    return [one for one in vars(asked).values() if isinstance(one, Option)]


def parse(asked: "type[Kind]", argv: "Sequence[str]") -> "Kind":
    """What the arguments ask for, read as click reads them.

    ValueError where there is anything that the short way doesn't take, or that is out of range.
    """
    options = {spelling: one for one in declared(asked) for spelling in one.spellings}
    found: dict[str, object] = {}
    inputs = []
    rest = list(reversed(argv))
    while rest:
        word = rest.pop()
        if word == "-" or not word.startswith("-"):
            inputs.append(word)
            continue
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            glued = bool(equals)
        else:  # -k16
            name, value, glued = word[:2], word[2:], len(word) > 2
        one = options.get(name)
        if one is None or not one.short or (glued if one.kind is None else not (glued or rest)):
            raise ValueError("an option of the whole command")
        found[one.attribute] = one.read(value if glued or one.kind is None else rest.pop())
    return asked(inputs=tuple(inputs), **found)


class Compress(Command):
    """Compress pictures to indexed PNGs, WebPs or GIFs of at most 256 colors.

    Each IN becomes a PNG beside it, NAME-tinct.png, unless -o, --out-dir, --suffix or --format says
    otherwise. An existing file is only replaced with --force or --in-place, and nothing is written
    that isn't smaller than its input. IN may be a folder: its pictures are taken. IN may be - for
    stdin; the picture then goes to stdout unless -o is given.

    \b
      tinct compress bird.png -k 16
      tinct compress site --recursive --in-place --exclude 'vendor'
      tinct compress shots/*.png --out-dir small
      tinct compress shots/*.png --quality 75
      tinct compress photo.png --max-bytes 80k -o photo.webp
      tinct compress photo.jpg -k 32 -o photo.png --compare side-by-side.png
    """  # noqa: D301 - click reads the \b

    epilog = """\b
    Exit codes:
      0    every picture was written
      1    some picture failed; the others were written
      2    the command itself was wrong; nothing was written
      70   a bug in tinct
      98   some picture was left alone: it would not have become smaller
      99   some picture could not meet --quality or --max-bytes; it was not written
      130  interrupted
    """

    inputs: tuple[str, ...] = option("", Text("IN [IN ...]"), required=True, many=True)
    colors: "int | Literal['auto'] | None" = option(
        "-k --colors",
        Number(int, 2, MAX_COLORS, word="auto"),
        "colors at most, {span}; `auto`: as few as score within 2 points of 256, noise aside",
        shown=f"{MAX_COLORS}, or the original's where that is smaller",
        short=True,
    )
    output: str | None = option(
        "-o --output", Text("OUT"), "where to write; one picture only; `-` is stdout", short=True
    )
    out_dir: str | None = option(
        "--out-dir", Text("DIR"), "write every picture into this folder, as `NAME.png`"
    )
    suffix: str | None = option(
        "--suffix",
        Text("S"),
        "write beside each picture, as `NAME` + `S` + `.png`",
        shown=f"`{SUFFIX}`",
    )
    format: str | None = option(
        "--format",
        Word(*FORMATS),
        either([f"`{name}`" for name in FORMATS]) + "; all without loss, `webp` is the smallest",
        shown="as OUT is named, else `png`",
    )
    recursive: bool = option("-r --recursive", None, "of a folder, those below it too")
    include: str | None = option(
        "--include",
        Text("PATTERNS"),
        "of folders, only files that fit: `'*.png,icons/*'`",
        shown="by their endings",
    )
    exclude: str | None = option(
        "--exclude", Text("PATTERNS"), "pass by files and folders that fit"
    )
    in_place: bool = option(
        "--in-place",
        None,
        "replace PNGs, GIFs and WebPs by smaller ones of their kind, marked, and pass by those "
        "that are marked; never by a larger one",
    )
    preserve: bool = option(
        "--preserve", None, "with `--in-place`, keep times and attributes as well"
    )
    jobs: int | None = option(
        "--jobs", Number(int, 1), "pictures worked on side by side, at most", shown="one per core"
    )
    timeout: float | None = option(
        "--timeout", Number(float, 0.1), "give up on a picture after so many seconds"
    )
    max_pixels: int | None = option(
        "--max-pixels", Size(), "refuse pictures of more pixels", shown="300M"
    )
    allow_truncated: bool = option("--allow-truncated", None, "take what is there of a broken file")
    keep_metadata: bool = option(
        "--keep-metadata",
        None,
        "keep EXIF, XMP, texts and times as far as the format holds them, not only the density",
    )
    keep_profile: bool = option(
        "--keep-profile",
        None,
        "keep an ICC profile of RGB and choose colors in it, not in sRGB: wide gamut stays",
    )
    strip: bool = option("--strip", None, "keep not even the density (pixels per inch)")
    fps: float | None = option(
        "--fps",
        Number(float, 0.01, 100),
        "make one animation of all pictures, so many a second, {span}: a GIF unless OUT says else",
    )
    dither: float = option(
        "--dither",
        Number(float, 0, 1),
        "how finely colors are mixed in dots, {span}: 0 gives each pixel its nearest",
        default=DITHER,
        short=True,
    )
    lossy: "float | Literal['auto']" = option(
        "--lossy",
        Number(float, 0, 1, word="auto"),
        "errors allowed where they save bytes and show least, {span}; `auto`: as much as can't be "
        "seen at 100 %",
        default="auto",
    )
    quality: float | tuple[float, float] | None = option(
        "--quality",
        Score(1, 100),
        "least bytes that still score so much on SSIMULACRA2: 80 is good, 60 fair; "
        "`MIN-MAX` aims at MAX and settles for MIN",
    )
    max_bytes: int | None = option(
        "--max-bytes",
        Size(),
        "as good as fits: `40000`, `40k` or `1.5M` bytes; without dithering where that looks "
        "better",
    )
    palette: str | None = option(
        "--palette",
        Colors(),
        "draw with these colors: `#ff8800,#000`, a palette file, a picture whose colors they are, "
        "or `bw`, `gray4`, `eink7`, `gameboy`, `terminal16`, `web216`",
    )
    reserve: str | None = option(
        "--reserve", Colors(listed=True), "hex colors that must be among the K"
    )
    keep_order: bool = option(
        "--keep-order",
        None,
        "keep the whole `--palette` in its order, as sprites need; not in WebP",
    )
    space: str = option(
        "--space",
        Word("oklab", "srgb"),
        "where distances are measured: `oklab` as the eye does, `srgb` as textbooks do",
        default="oklab",
    )
    effort: int = option(
        "--effort",
        Number(int, 0, 10),
        "how long to search for better colors and fewer bytes, {span}",
        default=1,
        short=True,
    )
    seed: int = option(
        "--seed", Number(int, 0), "seed of what the search draws at random", default=0, short=True
    )
    compare: str | None = option(
        "--compare", Text("PNG"), "also draw original and result side by side; one picture only"
    )
    score: bool = option(
        "--score",
        None,
        "also measure SSIMULACRA2, which `--quality` does anyway: 90 can't be told from the "
        "original, 70 is good; sides below 8 are mirrored for it; and say whether smooth areas got "
        "bands: none, slight or visible",
    )
    cluster: str | None = option(
        "--cluster",
        Text("ADDRESS"),
        "share pictures, here or at URLs such as `s3://bucket/shots`, among the workers of Dask: "
        "the address of a scheduler, or `local`; with `--out-dir`, where what is there already "
        "is passed by",
    )
    report: str | None = option(
        "--report",
        Text("FILE"),
        "with `--cluster`: what became of each picture, added to JSON lines or `.parquet`",
    )
    as_json: bool = option(
        "--json", None, "one JSON object per picture and line, with seconds per stage"
    )
    force: bool = option(
        "--force", None, "replace existing files; write even what became larger", short=True
    )
    quiet: bool = option("-q --quiet", None, "only errors", short=True)
    threads: int | None = option(
        "--threads", Number(int, 1), "threads at most; they change no bit", shown="all", short=True
    )
