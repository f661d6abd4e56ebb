"""The command does what its help says, and whatever goes wrong is one line and a code."""

import errno
import inspect
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from painted import alpha, bird, exact, flat, photo
from tinct.cli import main as cli
from tinct.cli.cluster_options import Cluster, Steps
from tinct.compress.compress import compress
from tinct.options import Compress, declared
from tinct.picture import read as files
from tinct.scoring.ssimulacra2 import ssimulacra2

COMMAND = [sys.executable, "-m", "tinct"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Every test has a folder of its own, with a few pictures."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(bird()).save("bird.png")
    Image.fromarray(flat()).save("flat.png", compress_level=0)
    return tmp_path


def tinct(*arguments):
    """Run in this process: (code, stdout, stderr)."""
    code, out, err = piped(b"", *arguments)
    return code, out.decode(), err


def piped(data, *arguments):
    """Run in this process with these bytes as stdin: (code, stdout's bytes, stderr)."""
    # CliRunner only captures; main() alone decides about codes and messages.
    with CliRunner().isolation(data) as (out, err, _):
        code = cli.main([str(argument) for argument in arguments])
        sys.stdout.flush()
        sys.stderr.flush()
        return code, out.getvalue(), err.getvalue().decode()


def fails(code, words, *arguments):
    """It ends with this code and exactly one line on stderr, and prints and writes nothing."""
    before = sorted(os.listdir())
    got, out, err = tinct(*arguments)
    assert (got, out) == (code, "")
    assert err.count("\n") == 1
    assert err.startswith("tinct: ")
    assert "Traceback" not in err
    assert words in err
    assert sorted(os.listdir()) == before


def opened(path):
    """A picture, with its file closed again."""
    with Image.open(path) as image:
        image.load()
    return image


def colors_of(path):
    pixels = np.asarray(opened(path).convert("RGBA"))
    return len(np.unique(pixels.reshape(-1, 4), axis=0))


# --- what it does ------------------------------------------------------------------------------


def test_a_picture_is_written_beside_its_input_with_at_most_k_colors():
    code, out, err = tinct("compress", "bird.png", "-k", "16")
    assert (code, err) == (0, "")
    assert re.search(r"bird\.png +\d+ kB -> +[\d.]+ kB +-\d+\.\d% +16 colors +[\d.]+ dB", out)
    image = opened("bird-tinct.png")
    assert (image.mode, image.size) == ("P", (128, 128))
    assert colors_of("bird-tinct.png") <= 16
    assert os.path.getsize("bird-tinct.png") < os.path.getsize("bird.png")


def test_a_picture_of_few_colors_comes_back_unchanged():
    Image.fromarray(exact(17)).save("few.png", compress_level=0)
    assert tinct("compress", "few.png", "-k", "17")[0] == 0
    assert np.array_equal(np.asarray(opened("few-tinct.png").convert("RGB")), exact(17))


def test_three_ways_to_say_where_to():
    assert tinct("compress", "flat.png", "-o", "a.png")[0] == 0
    assert tinct("compress", "flat.png", "--out-dir", "new/folder")[0] == 0
    assert tinct("compress", "flat.png", "--suffix", ".small")[0] == 0
    paths = ("a.png", "new/folder/flat.png", "flat.small.png")
    assert len({Path(path).read_bytes() for path in paths}) == 1


@pytest.mark.parametrize(
    ("arguments", "path", "kind"),
    [
        (["--format", "webp"], "flat-tinct.webp", "WEBP"),
        (["--format", "gif", "--suffix", ".s"], "flat.s.gif", "GIF"),
        (["--format", "webp", "--out-dir", "o"], "o/flat.webp", "WEBP"),
        (["-o", "a.WebP"], "a.WebP", "WEBP"),
        (["-o", "a.gif"], "a.gif", "GIF"),
        (["-o", "a.tmp"], "a.tmp", "PNG"),
        (["-o", "a.tmp", "--format", "gif"], "a.tmp", "GIF"),
        (["-o", "a.png", "--format", "png"], "a.png", "PNG"),
    ],
)
def test_the_format_is_what_was_asked_for_or_what_the_name_says(arguments, path, kind):
    assert tinct("compress", "flat.png", *arguments)[0] == 0
    assert opened(path).format == kind
    assert np.array_equal(np.asarray(opened(path).convert("RGB")), flat())


def test_names_that_lie_are_refused():
    fails(2, "a.jpg: tinct writes png, webp and gif", "compress", "flat.png", "-o", "a.jpg")
    disagree = ("compress", "flat.png", "-o", "a.png", "--format", "gif")
    fails(2, "--format gif and -o a.png disagree", *disagree)
    words = "format must be png, webp or gif, not bmp"
    fails(2, words, "compress", "flat.png", "--format", "bmp")


def test_partial_transparency_lost_is_told():
    Image.fromarray(alpha()).save("ball.png", compress_level=0)
    code, _, err = tinct("compress", "ball.png", "-o", "ball.gif")
    assert code == 0
    assert err.startswith("tinct: ball.png: gif has no partial transparency")
    assert err.count("\n") == 1
    assert tinct("compress", "ball.png", "-o", "ball.gif", "--force", "-q")[2] == ""


def test_a_picture_that_a_gif_cannot_show_fails_alone():
    faint = np.dstack([flat(), np.full((64, 64), 90, np.uint8)])
    Image.fromarray(faint).save("faint.png", compress_level=0)
    words = "faint.png: gif knows no partial transparency, and no pixel is half opaque"
    fails(1, words, "compress", "faint.png", "-o", "a.gif")


@pytest.mark.parametrize("format", ["webp", "gif"])
def test_targets_hold_for_every_format(format):
    Image.fromarray(bird()[::2, ::2]).save("small.png")
    budget = os.path.getsize("small.png") // 8
    path = f"small-tinct.{format}"
    assert tinct("compress", "small.png", "--format", format, "--max-bytes", budget)[0] == 0
    assert os.path.getsize(path) <= budget
    done = tinct(
        "compress", "small.png", "--format", format, "--quality", "60", "--force", "--json"
    )
    assert json.loads(done[1])["ssimulacra2"] >= 60


def test_several_pictures_are_written_and_a_bad_one_stops_none():
    Path("text.png").write_text("hello")
    code, out, err = tinct(
        "compress", "flat.png", "text.png", "none.png", "bird.png", "--out-dir", "o"
    )
    assert code == 1
    assert sorted(os.listdir("o")) == ["bird.png", "flat.png"]
    assert out.count("\n") == 2
    assert err == "tinct: text.png: a text file, not a picture\ntinct: none.png: no such file\n"


def test_json_is_one_object_per_picture_and_line():
    code, out, _ = tinct("compress", "bird.png", "none.png", "flat.png", "--json", "-k", "5")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [line["status"] for line in lines] == ["written", "failed", "written"]
    assert [line["name"] for line in lines] == ["bird.png", "none.png", "flat.png"]
    assert lines[0]["output"] == "bird-tinct.png"
    assert lines[0]["bytes_out"] == os.path.getsize("bird-tinct.png")
    assert lines[0]["bytes_in"] == os.path.getsize("bird.png")
    assert lines[1]["error"] == "none.png: no such file"
    assert lines[2]["psnr"] is None  # lossless
    assert lines[2]["colors"] == 5
    assert 0 < lines[2]["saved"] < 1


def test_the_same_options_give_the_same_bytes_whatever_the_threads():
    Image.fromarray(photo(600, 300)).save("tall.png")  # threads share bands of 128 rows, by twos
    for threads in ("1", "2"):
        assert tinct("compress", "tall.png", "--threads", threads, "-o", f"{threads}.png")[0] == 0
    assert Path("1.png").read_bytes() == Path("2.png").read_bytes()


def test_options_reach_the_compressor():
    variants = (
        ["-k", "8"],
        ["-k", "8", "--dither", "0"],
        ["-k", "8", "--lossy", "0.5"],
        ["-k", "9"],
    )
    for place, options in enumerate(variants):
        assert tinct("compress", "bird.png", *options, "-o", f"{place}.png")[0] == 0
    assert len({Path(f"{place}.png").read_bytes() for place in range(4)}) == 4


def test_compare_draws_a_figure():
    assert tinct("compress", "bird.png", "-k", "16", "--compare", "both.png")[0] == 0
    assert opened("both.png").width > 1000


def test_what_would_not_become_smaller_is_left_alone_unless_forced():
    tinct("compress", "bird.png", "-k", "16", "-o", "small.png")
    code, out, err = tinct("compress", "small.png", "-k", "16")
    assert (code, err) == (98, "")
    assert "left alone: not smaller" in out
    assert not os.path.exists("small-tinct.png")
    assert tinct("compress", "small.png", "-k", "16", "--force")[0] == 0
    assert os.path.exists("small-tinct.png")


def test_an_existing_file_is_only_replaced_with_force():
    Path("bird-tinct.png").write_text("precious")
    fails(1, "bird-tinct.png: already exists (--force replaces it)", "compress", "bird.png")
    assert Path("bird-tinct.png").read_text() == "precious"
    assert tinct("compress", "bird.png", "--force")[0] == 0
    assert opened("bird-tinct.png").size == (128, 128)


def test_an_input_is_only_replaced_with_force():
    before = Path("bird.png").read_bytes()
    fails(1, "already exists", "compress", "bird.png", "--suffix", "")
    fails(1, "already exists", "compress", "bird.png", "-o", "bird.png")
    fails(1, "already exists", "compress", "flat.png", "-o", "flat2.png", "--compare", "bird.png")
    assert Path("bird.png").read_bytes() == before
    assert tinct("compress", "bird.png", "--suffix", "", "--force")[0] == 0
    assert os.path.getsize("bird.png") < len(before)


def test_of_a_document_only_the_first_page_is_kept_and_that_is_said():
    frames = [Image.fromarray(exact(16, 64)), Image.fromarray(exact(16, 64)[::-1])]
    frames[0].save("pages.tif", save_all=True, append_images=frames[1:])
    code, _, err = tinct("compress", "pages.tif")
    assert code == 0
    assert err == "tinct: pages.tif: has several frames; only the first is kept\n"
    assert tinct("compress", "pages.tif", "--force", "--quiet") == (0, "", "")


# --- what it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-k", "1"], "colors must be 2..256, not 1 "),
        (["-k", "1000"], "colors must be 2..256, not 1000 "),
        (["-k", "abc"], "colors must be a whole number 2..256, not abc "),
        (["--dither", "7"], "dither must be 0..1, not 7 "),
        (["--dither", "nan"], "dither must be 0..1, not nan "),
        (["--dither", "much"], "dither must be a number 0..1, not much "),
        (["--seed", "-1"], "seed must be 0 or more, not -1 "),
        (["--seed", "1.5"], "seed must be a whole number 0 or more, not 1.5 "),
        (["--threads", "0"], "threads must be 1 or more, not 0 "),
        (["--color", "7", "--nonsense"], "no such option"),
        (["-o", "a.png", "--suffix", "b"], "-o and --suffix exclude each other"),
        (["--out-dir", "d", "--suffix", "b"], "--out-dir and --suffix exclude each other"),
        (["--suffix", "a/b"], "suffix must be a part of a file name, not a/b"),
        (["flat.png", "-o", "a.png"], "-o takes one picture, not 2"),
        (["flat.png", "--compare", "a.png"], "--compare takes one picture, not 2"),
        (["-"], "stdin (-) must be the only picture"),
        (["./bird.png"], "bird.png and ./bird.png would both become ./bird-tinct.png"),
        (["--compare", "bird-tinct.png"], "--compare would replace bird-tinct.png"),
        (["--compare", "./bird.png", "--force"], "--compare would replace ./bird.png"),
        (["--compare", "-"], "--compare takes a file"),
    ],
)
def test_a_wrong_command_is_refused_before_any_work(options, words):
    fails(2, words, "compress", "bird.png", *options)


def test_two_inputs_for_one_target_are_refused_before_any_work():
    Image.fromarray(flat()).save("bird.bmp")
    words = "bird.png and bird.bmp would both become bird-tinct.png"
    fails(2, words, "compress", "bird.png", "bird.bmp")


def test_a_picture_that_would_replace_another_input_is_refused_even_with_force():
    os.rename("flat.png", "bird-tinct.png")
    words = "bird.png would replace bird-tinct.png, which is an input too"
    fails(2, words, "compress", "bird.png", "bird-tinct.png", "--force")


def test_someone_who_forgets_the_command_is_told_it():
    fails(2, "did you mean: tinct compress bird.png", "bird.png")
    fails(2, "no such command 'squash'", "squash", "bird.png")
    fails(2, "no picture given (see tinct compress --help)", "compress")


def test_without_arguments_it_helps():
    code, _, err = tinct()
    assert code == 2
    assert "compress" in err


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("folder", "folder: is a directory"),
        ("none/a.png", "none/a.png: no such folder"),
    ],
)
def test_a_target_that_can_not_be_written_is_refused_before_any_work(target, words, monkeypatch):
    os.mkdir("folder")
    monkeypatch.setattr(files, "read", lambda *_, **__: pytest.fail("worked in vain"))
    fails(1, words, "compress", "bird.png", "-o", target)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused():
    os.mkdir("closed", 0o500)
    fails(1, "closed/a.png: permission denied", "compress", "bird.png", "-o", "closed/a.png")


def test_a_full_disk_is_told_and_leaves_nothing(monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    fails(1, "bird-tinct.png: no space left on device", "compress", "bird.png")


def test_a_file_size_limit_is_told_and_leaves_nothing():
    """As a real process, under a limit that the kernel enforces."""
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); "
    limit += "from tinct.__main__ import run; run()"
    arguments = [sys.executable, "-B", "-c", limit, "compress", "bird.png", "-k", "16"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tinct: bird-tinct.png: file too large\n"
    assert sorted(os.listdir()) == ["bird.png", "flat.png"]


def test_a_bug_is_one_line_and_the_other_pictures_have_their_turn(monkeypatch):
    def buggy(source, *_, **__):
        raise ZeroDivisionError("of course")

    monkeypatch.setattr(import_module("tinct.compress.compress"), "compress", buggy)
    code, out, err = tinct("compress", "bird.png", "flat.png")
    assert (code, out) == (70, "")
    wanted = "{}: a bug in tinct: ZeroDivisionError: of course (TINCT_DEBUG=1 shows where)\n"
    assert err == "".join("tinct: " + wanted.format(name) for name in ("bird.png", "flat.png"))
    monkeypatch.setenv("TINCT_DEBUG", "1")
    assert "Traceback" in tinct("compress", "bird.png")[2]


def test_a_name_with_control_characters_is_still_one_line():
    fails(1, "new\\nline\\x1b[31m.png: no such file", "compress", "new\nline\x1b[31m.png")


# --- as a process ------------------------------------------------------------------------------


def test_stdin_to_stdout_is_a_picture_and_the_report_goes_to_stderr():
    data = Path("bird.png").read_bytes()
    done = subprocess.run([*COMMAND, "compress", "-", "-k", "16"], input=data, capture_output=True)
    assert done.returncode == 0
    assert opened(io.BytesIO(done.stdout)).mode == "P"
    assert done.stderr.decode().startswith("stdin  ")
    again = [*COMMAND, "compress", "-", "-k", "16", "--quiet"]
    rest = subprocess.run(again, input=done.stdout, capture_output=True)
    assert (rest.returncode, rest.stderr) == (98, b"")
    assert rest.stdout == done.stdout  # a pipe never ends empty


@pytest.mark.parametrize("source", ["png", "webp", "gif"])
@pytest.mark.parametrize("target", ["png", "webp", "gif"])
@pytest.mark.parametrize("way", ["file", "pipe", "through"])
def test_what_is_not_smaller_is_refused_whatever_the_formats(source, target, way):
    tiny = Image.fromarray(np.uint8([[0, 255, 0], [255, 255, 0], [0, 0, 255]]))
    name = f"tiny.{source}"
    tiny.save(name, **({"lossless": True} if source == "webp" else {}))
    data = Path(name).read_bytes()
    where = ["-o", f"out.{target}" if way == "file" else "-"]
    asked = ["compress", "-" if way == "through" else name, "--format", target, *where]
    if source == target:
        done = subprocess.run([*COMMAND, *asked], input=data, capture_output=True)
        code, out, err = done.returncode, done.stdout, done.stderr.decode()
    else:
        code, out, err = piped(data, *asked)
    given = Path(where[1]).read_bytes() if os.path.exists(where[1]) else out
    made = len(compress(data, format=target).data)
    assert code == (98 if made >= len(data) else 0)
    if code == 0:
        assert len(given) == made < len(data)
    elif way == "file":
        assert not os.path.exists(where[1])
        assert b"left alone: not smaller" in out
    else:  # a pipe never ends empty
        assert given == data if source == target else len(given) == made
        assert (f"no smaller as {target}; written all the same" in err) == (source != target)


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_reader_who_leaves_early_is_no_bug_of_ours():
    command = [*COMMAND, "compress", "flat.png", "bird.png", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=20), err) == (1, b"")


def test_help_costs_neither_numpy_nor_pillow():
    program = (
        "import sys, tinct.cli.main as cli; code = cli.main(['compress', '--help'])\n"
        "sys.exit(code or ', '.join({'numpy', 'PIL', 'rich', 'scipy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("NAME-tinct.png", "Exit codes:", "98", "[default: 0.75]"):
        assert words in done.stdout


COMMANDS = {"cluster": Cluster, "compress": Compress, "steps": Steps}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_names_every_option_its_range_and_its_default(command):
    shown = " ".join(tinct(command, "--help")[1].split())
    for option in declared(COMMANDS[command]):
        assert all(spelling in shown for spelling in option.spellings)
        if option.spellings:
            assert option.meaning.replace("`", "")[1:] in shown
            assert option.usual.replace("`", "") in shown


# What compress() calls otherwise, and what it has no word for.
OTHERWISE = {"score": "ssimulacra2"}
LIBRARY = {
    OTHERWISE.get(option.attribute, option.attribute): option
    for option in declared(Compress)
    if OTHERWISE.get(option.attribute, option.attribute) in inspect.signature(compress).parameters
}


def test_the_command_and_the_library_have_the_same_defaults():
    assert len(LIBRARY) >= 11
    for name, option in LIBRARY.items():
        default = inspect.signature(compress).parameters[name].default
        assert (option.default or 0) == (default or 0), name


@pytest.mark.parametrize("name", [name for name in LIBRARY if hasattr(LIBRARY[name].kind, "low")])
def test_the_command_and_the_library_refuse_the_same_numbers_in_the_same_words(name):
    option = LIBRARY[name]
    below, beyond = option.kind.low - 1, option.kind.high + 1
    for number in filter(np.isfinite, (below, beyond)):
        with pytest.raises(ValueError, match=f"{name} must be ") as told:
            compress(bird(), **{name: number})
        fails(2, f"{told.value} ", "compress", "bird.png", f"{option.spellings[-1]}={number}")
    for number in filter(np.isfinite, (option.kind.low, option.kind.high)):
        assert option.read(str(number)) == number


def test_a_png_pays_for_no_other_format_and_no_other_command():
    program = (
        "import sys, tinct.cli.main as cli; code = cli.main(['compress', 'bird.png', '-q'])\n"
        "others = {'tinct.cli.cluster', 'PIL.JpegImagePlugin', 'rich', 'json', 'numpy.random'}\n"
        "print(code, sorted(others & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split(maxsplit=1) == ["0", "[]\n"]


def test_the_version_is_told():
    code, out, _ = tinct("--version")
    assert code == 0
    assert re.fullmatch(r"tinct \d+\.\d+\S*\n", out)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_with_130_and_leaves_no_partial_file():
    program = (  # wait where the file is half written
        "import os, sys, time, tinct.__main__\n"
        "def stall(_):\n    print('stalled', flush=True); time.sleep(60)\n"
        "os.fsync = stall\n"
        "tinct.__main__.run()"
    )
    arguments = [sys.executable, "-c", program, "compress", "bird.png"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "stalled\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "tinct: interrupted")
    assert sorted(os.listdir()) == ["bird.png", "flat.png"]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_works_while_k_means_runs():
    Image.fromarray(photo(1500, 2000)).save("large.bmp")
    process = subprocess.Popen(
        [*COMMAND, "compress", "large.bmp", "--effort", "10"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert err.strip() == "tinct: interrupted"
    assert not os.path.exists("large-tinct.png")


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_on_a_terminal_the_report_is_a_table():
    import pty

    main_end, far_end = pty.openpty()
    Image.fromarray(alpha()).save("ball.png", compress_level=0)
    command = [*COMMAND, "compress", "bird.png", "ball.png", "--score"]
    subprocess.run(command, stdout=far_end, check=True)
    os.close(far_end)
    shown = os.read(main_end, 65536).decode()
    os.close(main_end)
    assert "picture" in shown
    assert "ball.png" in shown
    assert "PSNR" in shown
    assert "score, bands" in shown


# --- targets -----------------------------------------------------------------------------------


def test_quality_is_reached_with_fewer_bytes_than_asked_for_nothing():
    assert tinct("compress", "bird.png", "-o", "plain.png")[0] == 0
    code, out, _ = tinct("compress", "bird.png", "--quality", "60", "--json", "-o", "q.png")
    told = json.loads(out)
    assert code == 0
    assert 60 <= told["ssimulacra2"] <= 62
    assert os.path.getsize("q.png") < os.path.getsize("plain.png")


def test_score_measures_what_a_reader_of_both_files_would():
    code, out, _ = tinct("compress", "bird.png", "-k", "16", "--score", "--json")
    pair = [np.asarray(opened(name).convert("RGBA")) for name in ("bird.png", "bird-tinct.png")]
    assert code == 0
    assert json.loads(out)["ssimulacra2"] == ssimulacra2(*pair)
    out = tinct("compress", "bird.png", "-k", "16", "--score", "--force")[1]
    assert re.search(r"dB  SSIMULACRA2 +\d+\.\d +bands: (none|slight|visible) +\d", out)
    assert "SSIMULACRA2" not in tinct("compress", "bird.png", "--force")[1]


def test_a_picture_with_a_side_below_8_has_a_score_and_can_aim_at_one():
    Image.fromarray(photo(7, 30)).save("small.png", compress_level=0)
    code, out, _ = tinct("compress", "small.png", "--score", "--json", "--force")
    assert (code, json.loads(out)["ssimulacra2"] > 90) == (0, True)
    code, out, _ = tinct("compress", "small.png", "--quality", "60", "--json", "--force")
    assert (code, json.loads(out)["ssimulacra2"] >= 60) == (0, True)


@pytest.mark.parametrize(("size", "budget"), [("2k", 2000), ("2500", 2500), ("0.0018M", 1800)])
def test_max_bytes_are_never_exceeded(size, budget):
    Image.fromarray(bird()[::2, ::2]).save("bird.png")
    assert tinct("compress", "bird.png", "-o", "plain.png")[0] == 0
    assert os.path.getsize("plain.png") > budget
    assert tinct("compress", "bird.png", "--max-bytes", size, "-o", "b.png")[0] == 0
    assert os.path.getsize("b.png") <= budget


@pytest.mark.parametrize("option", [["--max-bytes", "60"], ["--quality", "100"]])
def test_a_target_out_of_reach_is_code_99_and_writes_nothing(option):
    Image.fromarray(bird()[::4, ::4]).save("bird.png")
    fails(99, "bird.png: ", "compress", "bird.png", *option)


def test_targets_exclude_each_other():
    words = "--quality and --max-bytes exclude each other"
    fails(2, words, "compress", "bird.png", "--quality", "80", "--max-bytes", "9k")


@pytest.mark.parametrize("size", ["0", "k", "many", "-3k", "nan", "inf"])
def test_sizes_are_refused_by_name(size):
    words = f"max-bytes must be a size such as 40000 or 40k, not {size}"
    fails(2, words, "compress", "bird.png", f"--max-bytes={size}")
