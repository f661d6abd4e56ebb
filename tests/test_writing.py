"""No file is ever lost."""

import os
import subprocess

import pytest

from tinct import atomic_write as writing
from tinct.atomic_write import write


def test_a_new_file_has_the_permissions_of_the_umask_and_nothing_else_is_left(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "a.png", b"data")
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").read_bytes() == b"data"
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.png"]


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")
    target.chmod(0o604)
    with pytest.raises(FileExistsError):
        write(target, b"new")
    assert target.read_bytes() == b"old"
    write(target, b"new", overwrite=True)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o604
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_file_that_appears_while_we_write_is_kept(tmp_path, monkeypatch):
    target = tmp_path / "a.png"
    fill = writing._fill

    def slowly(*arguments, **how):
        locked = fill(*arguments, **how)
        target.write_bytes(b"theirs")
        return locked

    monkeypatch.setattr(writing, "_fill", slowly)
    with pytest.raises(FileExistsError) as caught:
        write(target, b"ours")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["a.png"]


def test_without_hard_links_the_same_holds(tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    write(tmp_path / "a.png", b"ours")
    assert (tmp_path / "a.png").read_bytes() == b"ours"
    with pytest.raises(FileExistsError):
        writing._claim(str(tmp_path / "a.png"), str(tmp_path / "a.png"))
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_or_ctrl_c_leaves_the_old_file_and_no_other(
    tmp_path, monkeypatch, error, overwrite
):
    target = tmp_path / "a.png"
    if overwrite:
        target.write_bytes(b"old")

    def fails(_):
        raise error

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(type(error)) as caught:
        write(target, b"new" * 1000, overwrite=overwrite)
    assert os.listdir(tmp_path) == (["a.png"] if overwrite else [])
    if overwrite:
        assert target.read_bytes() == b"old"
    if isinstance(error, OSError):
        assert caught.value.filename == str(target)


def test_a_link_stays_and_what_it_names_is_replaced(tmp_path):
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    write(tmp_path / "link.png", b"new", overwrite=True)
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    write(pipe, b"through")
    assert reader.communicate(timeout=10)[0] == b"through"
    assert pipe.is_fifo()


def test_a_directory_is_no_target(tmp_path):
    with pytest.raises(IsADirectoryError):
        write(tmp_path, b"data", overwrite=True)
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "none" / "a.png", b"data")
    assert caught.value.filename == str(tmp_path / "none" / "a.png")
