"""Every block of code in the README and the documentation runs and says what the page says.

Blocks of ``python`` with prompts are doctests; without, they are executed. In blocks of ``console``
the lines ``$ tinct ...`` are run, and what follows them is compared: ``...`` stands for anything,
and so do seconds.
A block after ``<!-- not run: why -->`` is left alone.
"""

import doctest
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinct.options import Compress, declared

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run: [^\n]*-->\n+)?^```(\w+)[^\n]*\n(.*?)^```$", re.M | re.S)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page):
    """(line, language, text) of every block of code that is to be run."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        if not found[1]:
            yield text.count("\n", 0, found.start(2)) + 1, found[2], found[3]


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """bird.png, as the README says to paint it."""
    path = tmp_path_factory.mktemp("painted") / "bird.png"
    subprocess.run([sys.executable, ROOT / "examples" / "bird.py", path], timeout=60, check=True)
    return path


@pytest.fixture
def desk(tmp_path, monkeypatch, painted):
    """A folder with the files that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(painted, "bird.png")
    learn = importlib.util.find_spec("sklearn")
    if learn is None:
        pytest.skip("the pages speak of china.jpg, which scikit-learn brings")
    images = Path(learn.submodule_search_locations[0]) / "datasets" / "images"
    shutil.copy(images / "china.jpg", "china.jpg")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_code_runs_and_says_what_the_page_says(page, desk):
    pytest.importorskip("matplotlib")
    names = {}
    for line, language, text in blocks(page):
        where = f"{page.name}, line {line}"
        if language == "python" and ">>>" in text:
            check_doctest(text, names, where)
        elif language == "python":
            exec(compile(text, where, "exec"), names)
        elif language in ("console", "sh", "shell", "bash"):
            check_console(text, where)


def check_doctest(text, names, where):
    told = []
    test = doctest.DocTestParser().get_doctest(text, names, where, where, 0)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test, out=told.append, clear_globs=False)
    names.update(test.globs)
    assert runner.failures == 0, "".join(told)


def check_console(text, where):
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.M):
        if not command.startswith("tinct "):
            continue  # pip, git and make have tests of their own
        said = subprocess.run(command, shell=True, env=with_tinct(), capture_output=True, text=True)
        assert said.returncode == 0, f"{where}: {command}\n{said.stderr}"
        told = said.stdout + said.stderr
        wish, got = (re.sub(r"\d+\.\d+ s\b", "... s", t) for t in (expected, told))
        same = doctest.OutputChecker().check_output(wish, got, FLAGS)
        assert same or not wish.strip(), f"{where}: {command}\nexpected:\n{wish}\ngot:\n{got}"


def with_tinct():
    """The environment in which `tinct` is the one under test."""
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(folders)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_points_to_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"), re.S):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points to {target}"


def test_the_page_on_kmeans_shows_code_and_figures():
    page = ROOT / "docs" / "kmeans.md"
    assert sum(language == "python" for _, language, _ in blocks(page)) >= 8
    shown = {
        name
        for page in PAGES
        for name in re.findall(r"figures/([\w-]+\.png)", page.read_text(encoding="utf-8"))
    }
    assert shown == {path.name for path in (ROOT / "docs" / "figures").iterdir()}


def test_the_tables_of_options_are_those_that_the_command_declares():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert page.count("<!-- options:") == 5
    assert page == runpy.run_path(str(ROOT / "docs" / "make_options.py"))["page"](page)


def test_the_readme_names_the_options_that_the_short_way_takes():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.search(r"A plain PNG with plain options \((.*?)\)", page)[1].split(", ")
    taken = [option for option in declared(Compress) if option.short and option.name != "effort"]
    assert named == [f"`{option.spellings[0]}`" for option in taken]
