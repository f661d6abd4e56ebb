"""Folders, files made smaller in place, and many pictures side by side."""

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bench import kills
from PIL import Image

from painted import flat, photo
from tinct.batch import in_place
from tinct.batch.folders import Walk
from tinct.batch.side_by_side import side_by_side
from tinct.cli.jobs import settings
from tinct.cli.main import main
from tinct.options import Compress, declared
from tinct.palette.given import given_palette
from tinct.picture.read import read
from worked import work

RGB = photo()


def save(path, pixels=RGB, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Four pictures, a text, and what is hidden."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.JPG", "sub/c.png", "sub/deep/d.webp", ".git/e.png"):
        options = {"lossless": True} if name.endswith("webp") else {}
        save(tmp_path / "in" / name, **options)
    (tmp_path / "in" / "notes.txt").write_text("none")
    return tmp_path / "in"


def held(root):
    """Contents, times and inodes of all files."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in files
    }


# --- what is taken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, "a.png b.JPG"),
        ({"recursive": True}, "a.png b.JPG sub/c.png sub/deep/d.webp"),
        ({"recursive": True, "include": ["*.PNG"]}, "a.png sub/c.png"),
        ({"recursive": True, "include": ["sub/*"]}, "sub/c.png sub/deep/d.webp"),
        ({"recursive": True, "exclude": ["deep", "a.*"]}, "b.JPG sub/c.png"),
        ({"include": ["*.txt"]}, "notes.txt"),
    ],
)
def test_a_folder_stands_for_its_pictures(tree, options, wanted):
    walk = Walk([str(tree)], **options)
    assert [found.inside for found in walk.files] == wanted.split()
    assert not walk.errors


def test_links_to_folders_are_not_followed_and_results_not_taken(tree):
    (tree / "sub" / "loop").symlink_to(tree)
    save(tree / "a-tinct.png")
    found = Walk([str(tree)], recursive=True, ours=False).files
    assert [one.inside for one in found] == ["a.png", "b.JPG", "sub/c.png", "sub/deep/d.webp"]


def test_results_are_laid_out_as_their_folder_was(tree, capfd):
    assert main(["compress", "in", "-r", "--out-dir", "out", "-k", "4", "--exclude", "*.jpg"]) == 0
    written = [str(path.relative_to("out")) for path in sorted(Path("out").rglob("*.*"))]
    assert written == ["a.png", "sub/c.png", "sub/deep/d.png"]
    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith("3 files, ")
    assert last.endswith("): 3 written")


def test_two_of_one_name_keep_their_endings(tree):
    save(tree / "a.gif")
    assert main(["compress", "in", "--out-dir", "out", "-k", "4", "-q", "--force"]) == 0
    assert sorted(os.listdir("out")) == ["a.gif.png", "a.png.png", "b.png"]
    assert main(["compress", "in", "-k", "4", "-q", "--exclude", "b*"]) == 0
    assert {"a.gif-tinct.png", "a.png-tinct.png"} <= set(os.listdir("in"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["in/a.png", "--recursive"], "--recursive, --include and --exclude are for folders"),
        (["in", "-o", "x.png"], "-o takes one picture, not 2"),
        (["in", "--in-place", "--suffix", "x"], "--suffix and --in-place exclude each other"),
        (["in", "--in-place", "--format", "gif"], "--format and --in-place exclude each other"),
        (["-", "--in-place"], "stdin (-) must be the only picture, and can't be replaced"),
        (["in", "--preserve"], "--preserve goes with --in-place"),
        (["in", "--include", "*.xyz"], "no pictures in in"),
        (["in", "--jobs", "0"], "jobs must be 1 or more, not 0"),
    ],
)
def test_what_can_be_refused_is_refused_before_any_work(tree, capfd, words, said):
    before = held(tree)
    assert main(["compress", *words]) == 2
    assert said in capfd.readouterr().err
    assert held(tree) == before


# --- in place ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.webp"])
@pytest.mark.parametrize("pixels", [RGB, np.dstack([RGB, RGB[:, :, 0] // 128 * 255])])
def test_a_mark_is_found_and_changes_no_pixel(tmp_path, name, pixels):
    options = {"lossless": True} if name.endswith("webp") else {}
    path = save(tmp_path / name, pixels, **options)
    data = path.read_bytes()
    kind, marked = in_place.is_marked(str(path))
    assert (kind, marked) == (name[2:], False)
    path.write_bytes(in_place.mark(data))
    assert in_place.is_marked(str(path)) == (kind, True)
    assert path.stat().st_size - len(data) <= 26
    assert np.array_equal(read(path).pixels, read(data).pixels)
    with Image.open(path) as image:
        image.load()


@pytest.mark.parametrize(
    "data", [b"", b"GIF8", b"GIF89a" + bytes(7), b"\x89PNG\r\n\x1a\n", b"RIFF"]
)
def test_a_broken_head_is_no_mark(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert not in_place.is_marked(str(tmp_path / "x"))[1]


def test_pictures_become_smaller_where_they_lie_and_only_once(tree, capfd):
    save(tree / "tiny.png", flat()[:4, :4], optimize=True)
    before = held(tree)
    assert main(["compress", "in", "-r", "--in-place", "-q"]) == 98
    after = held(tree)
    assert list(before) == list(after)
    changed = [str(path.relative_to(tree)) for path in after if after[path] != before[path]]
    assert changed == ["a.png", "sub/c.png", "sub/deep/d.webp"]
    assert all(len(after[path][0]) <= len(before[path][0]) for path in after)
    assert read(tree / "sub/deep/d.webp").format == "WEBP"
    assert main(["compress", "in", "-r", "--in-place"]) == 98
    assert held(tree) == after
    said = capfd.readouterr().out
    assert "0 written, 5 left alone (made by tinct before: 3, " in said
    assert "not a PNG, GIF or WebP: 1" in said


def test_links_modes_and_times_are_kept(tmp_path, capfd):
    path, link = save(tmp_path / "real" / "a.png"), tmp_path / "link.png"
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18 + 7))
    link.symlink_to(path)
    assert main(["compress", str(link), str(path), "--in-place", "--preserve"]) == 0
    assert link.is_symlink()
    assert in_place.is_marked(str(path))[1]
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_mtime_ns == 10**18 + 7
    assert capfd.readouterr().err == ""


def test_a_file_of_several_names_and_one_that_changed_stay(tmp_path, capfd):
    path = save(tmp_path / "a.png")
    os.link(path, tmp_path / "b.png")
    before = held(tmp_path)
    assert main(["compress", str(tmp_path), "--in-place"]) == 0
    assert held(tmp_path) == before
    assert "has several names (hard links): 2" in capfd.readouterr().out
    then = path.stat()
    os.utime(path, ns=(1, 1))
    with pytest.raises(OSError, match="changed while it was compressed"):
        in_place.replace(str(path), b"new", then)


@pytest.mark.skipif(not hasattr(os, "chown") or os.geteuid(), reason="root alone gives files away")
def test_an_owner_is_kept(tmp_path):
    path = save(tmp_path / "a.png")
    os.chown(path, 1234, 4321)
    path.chmod(0o4755)
    assert main(["compress", str(path), "--in-place", "-q"]) == 0
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)
    assert path.stat().st_mode & 0o7777 == 0o4755


def test_animations_stay_animations_and_have_one_turn(tmp_path, capfd):
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    before = (tmp_path / "a.gif").stat().st_size
    main(["compress", str(tmp_path), "--in-place", "-k", "8"])
    assert (tmp_path / "a.gif").stat().st_size < before
    with Image.open(tmp_path / "a.gif") as shown:
        assert shown.n_frames == 2
    after = held(tmp_path)
    main(["compress", str(tmp_path), "--in-place", "-k", "8"])
    assert held(tmp_path) == after


def test_what_gains_nothing_with_one_palette_has_its_turn_with_another():
    asked = SimpleNamespace(**{one.attribute: None for one in declared(Compress)})
    colors = np.random.default_rng(0).integers(0, 256, (2, 256, 4)).astype(np.uint8)
    colors[1] = colors[0]
    colors[1, 128] ^= 255  # where NumPy prints an ellipsis
    told = []
    for table in colors:
        asked.palette = given_palette("palette", table)
        told.append(settings(asked))
    assert told[0] != told[1]


def test_what_a_killed_run_left_is_removed_and_what_another_writes_is_not(tree):
    left, other = (tree / f".tinct-{digit * 12}.part" for digit in "ab")
    left.write_bytes(b"left")
    fcntl = pytest.importorskip("fcntl")
    with other.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        main(["compress", "in", "--in-place", "-q"])
        assert other.exists()
        assert not left.exists()


def test_killed_runs_leave_whole_files_and_the_last_one_finishes(tmp_path):
    told, changed = kills.race(tmp_path / "tree", 20, 3, longest=1.5)
    assert changed >= 5
    assert "0 written, 20 left alone" in told[1][1]


# --- side by side --------------------------------------------------------------------------------


def test_jobs_that_die_or_take_too_long_are_told_and_the_others_done():
    large = [number == 6 for number in range(8)]
    jobs = [(number,) for number in range(8)]
    found = dict(side_by_side(work, jobs, processes=2, cores=6, large=large, timeout=0.5))
    assert sorted(found) == list(range(8))
    assert "was ended" in found[3]
    assert found[5] == "took more than 0.5 seconds"
    assert [found[n][0] for n in (0, 1, 2, 4, 6, 7)] == [0, 10, 20, 40, 60, 70]
    assert (found[0][1], found[6][1], found[7][1]) == (3, 6, 6)


def test_the_same_files_whatever_works_on_them(tree, capfd):
    for jobs in ("1", "3"):
        asked = ["compress", "in", "-r", "-k", "16", "--out-dir", f"out{jobs}", "--jobs", jobs]
        assert main([*asked, "--json"]) == 98
    told = [json.loads(line)["name"] for line in capfd.readouterr().out.splitlines()]
    assert told[:4] == told[4:]
    assert told[:4] == ["in/a.png", "in/b.JPG", "in/sub/c.png", "in/sub/deep/d.webp"]
    one, three = (
        {path.name: path.read_bytes() for path in Path(f"out{n}").rglob("*.png")} for n in "13"
    )
    assert one == three


def test_a_picture_that_takes_too_long_is_given_up(tmp_path, capfd):
    path = save(
        tmp_path / "a.png", np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    )
    asked = ["compress", str(path), "--timeout", "0.1", "--effort", "10"]
    assert main(asked) == 1
    assert capfd.readouterr().err == f"tinct: {path}: took more than 0.1 seconds\n"
    assert os.listdir(tmp_path) == ["a.png"]


# --- what is said --------------------------------------------------------------------------------


def test_names_are_escaped(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("new\nline.png", os.fsdecode(b"by\xfftes.png")):
        save(tmp_path / "x.png").rename(tmp_path / name)
    assert main(["compress", ".", "-k", "4", "--jobs", "2"]) == 0
    said = capfd.readouterr()
    lines = said.out.splitlines()
    assert said.err == ""
    assert len(lines) == 3
    assert lines[0].startswith("./by\\udcfftes.png ")
    assert lines[1].startswith("./new\\nline.png ")
    assert lines[1].endswith("./new\\nline-tinct.png")


def test_a_broken_file_can_be_salvaged_by_the_command(tmp_path, capfd):
    stream = io.BytesIO()
    Image.fromarray(RGB).save(stream, "PNG")
    path = tmp_path / "cut.png"
    path.write_bytes(stream.getvalue()[: len(stream.getvalue()) // 2])
    assert main(["compress", str(path)]) == 1
    assert main(["compress", str(path), "--allow-truncated", "--force"]) == 0
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[1].endswith("; what is there was kept")
    assert main(["compress", str(path), "--in-place", "--allow-truncated"]) == 0
    path.write_bytes(stream.getvalue())
    assert main(["compress", str(path), "--max-pixels", "1k", "--force"]) == 1
    assert "pixels are more than the limit of 1,000" in capfd.readouterr().err


if sys.platform == "win32":  # pragma: no cover
    pytestmark = pytest.mark.skip(reason="links, owners and signals of POSIX")
