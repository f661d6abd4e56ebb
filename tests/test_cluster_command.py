"""`tinct cluster` and `tinct steps`: what is written, what is said, what is refused."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinct.cli import main as cli
from tinct.clustering.kmeans import kmeans
from tinct.tables import read_table

POINTS = np.vstack(
    [
        np.random.default_rng(i).normal(c, 0.5, (40, 2))
        for i, c in enumerate([(0, 0), (9, 0), (4, 7)])
    ]
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"{x!r},{y!r}" for x, y in POINTS.tolist())
    (tmp_path / "points.csv").write_text("east,north\n" + rows + "\n")
    return tmp_path


@pytest.fixture
def picture(folder):
    x, y = np.meshgrid(np.arange(20), np.arange(12))
    Image.fromarray(np.dstack([x * 12, y * 20, x * y]).astype(np.uint8)).save("small.png")
    return folder


def size_and_frames(path):
    with Image.open(path) as image:
        return image.width, getattr(image, "n_frames", 1)


def test_the_report_gives_every_cluster_its_size_and_center_in_the_tables_units(folder, capsys):
    assert cli.main(["cluster", "points.csv", "-k", "3", "--scale"]) == 0
    said = capsys.readouterr().out
    assert "120 rows, 2 columns" in said
    assert re.search(r"cluster +rows +share +east +north", said)
    centers = [tuple(map(float, line.split()[3:])) for line in said.splitlines()[-3:]]
    for center in centers:
        assert min(np.hypot(*(np.subtract(center, c))) for c in [(0, 0), (9, 0), (4, 7)]) < 0.3


def test_labels_and_centers_are_those_of_the_library(folder):
    args = "cluster points.csv -k 3 --init random --seed 5 -o labels.csv --centers centers.csv"
    assert cli.main(args.split()) == 0
    run = kmeans(POINTS, 3, init="random", seed=5)
    labels = (folder / "labels.csv").read_text().split()
    assert labels[0] == "cluster"
    assert list(map(int, labels[1:])) == run.labels.tolist()
    head, *rows = (folder / "centers.csv").read_text().split()
    assert head == "east,north"
    assert [[float(x) for x in row.split(",")] for row in rows] == run.centers.tolist()


def test_labels_stay_in_step_with_the_file_when_rows_are_left_out(folder):
    (folder / "gaps.csv").write_text("a\n1\n?\n9\n\n1\n")
    args = ["cluster", "gaps.csv", "-k", "2", "--missing", "drop"]
    assert cli.main([*args, "-o", "l.csv"]) == 0
    lines = (folder / "l.csv").read_text().splitlines()
    assert lines[2] == ""
    assert lines[1] == lines[4] != lines[3]
    assert cli.main([*args, "-o", "l.npy"]) == 0
    assert np.load("l.npy")[1] == -1


def test_first_centers_come_from_a_file_and_are_scaled_with_the_table(folder, capsys):
    (folder / "init.csv").write_text("0,0\n9,0\n4,7\n")
    args = ["cluster", "points.csv", "-k", "3", "--init", "init.csv", "--json", "--iterations", "1"]
    assert cli.main(args) == 0
    plain = json.loads(capsys.readouterr().out)
    assert cli.main([*args, "--scale"]) == 0
    scaled = json.loads(capsys.readouterr().out)
    assert plain["sizes"] == scaled["sizes"] == [40, 40, 40]
    assert np.allclose(plain["centers"], scaled["centers"])


def test_a_folder_in_parts_is_scaled_and_searched_for_k_as_its_table_in_memory(folder, capsys):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    # So many rows to a center that single ones don't move where the table is in memory.
    rows = np.random.default_rng(3).permutation(np.repeat(POINTS * (1, 50), 12, axis=0))
    table = pyarrow.table({"east": rows[:, 0], "north": rows[:, 1], "flat": np.full(1440, 0.1)})
    parquet.write_table(table, "all.parquet")
    os.makedirs("parts")
    for i, (first, end) in enumerate([(0, 360), (360, 361), (361, 1440)]):
        parquet.write_table(table.slice(first, end - first), f"parts/{i}.parquet")
    told = []
    for name in ("all.parquet", "parts"):
        assert cli.main(["cluster", name, "--choose", "2-5", "--scale", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    whole, parts = told
    assert (parts["k"], parts["scaled"], sorted(parts["sizes"])) == (3, True, [480, 480, 480])
    assert np.allclose(parts["choice"]["silhouette"], whole["choice"]["silhouette"])
    assert np.allclose(sorted(parts["centers"]), sorted(whole["centers"]))
    assert parts["inertia"] == pytest.approx(whole["inertia"])


EXERCISE = Path(__file__).parents[2] / "shared" / "data" / "ng" / "ex7data2.mat"


@pytest.mark.skipif(not EXERCISE.exists(), reason="the exercise's data are not here")
def test_the_exercise_of_the_course_comes_out_as_its_text_says(folder):
    pytest.importorskip("scipy")
    points = read_table(EXERCISE).values
    start = np.array([[3.0, 3], [6, 2], [8, 5]])
    run = kmeans(points, 3, init=start, effort=0, record=True, tol=0, max_iter=10)
    assert run.history[0].labels[:3].tolist() == [0, 2, 1]
    moved = [[2.42830111, 3.15792418], [5.81350331, 2.63365645], [7.11938687, 3.6166844]]
    assert np.allclose(run.history[1].centers, moved)


def test_json_is_one_object_that_says_all(folder, capsys):
    assert cli.main(["cluster", "points.csv", "--choose", "2-5", "--json", "-o", "l.npy"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["k"] == told["choice"]["suggested"] == 3
    assert told["choice"]["k"] == [2, 3, 4, 5]
    assert sum(told["sizes"]) == told["rows"] == 120
    assert told["written"] == ["l.npy"]


def test_figures_are_drawn_on_request(folder):
    pytest.importorskip("matplotlib")
    args = "cluster points.csv -k 3 --init random --steps s.png --animate s.gif"
    assert cli.main(args.split()) == 0
    assert size_and_frames("s.png")[0] > 600
    assert size_and_frames("s.gif")[1] > 4


def test_a_picture_becomes_a_film_beside_it_or_a_sheet(picture, capsys):
    pytest.importorskip("matplotlib")
    assert cli.main(["steps", "small.png", "-k", "4", "--iterations", "3"]) == 0
    assert size_and_frames("small-steps.gif")[1] > 4
    assert "in 4 clusters" in capsys.readouterr().out
    assert cli.main(["steps", "small.png", "-k", "4", "-o", "sheet.png"]) == 0
    assert size_and_frames("sheet.png")[0] > 400
    args = "steps small.png -k 4 --iterations 2 --blur 2 -o blur.gif"
    assert cli.main(args.split()) == 0
    assert size_and_frames("blur.gif")[1] > size_and_frames("small-steps.gif")[1]


REFUSED = [
    ("cluster nofile.csv -k 3", 1, "nofile.csv: no such file"),
    ("cluster points.csv", 2, "how many clusters? Give -k K, or --choose 2-10"),
    ("cluster points.csv -k 0", 2, "clusters must be 1 or more, not 0 "),
    ("cluster points.csv -k 121", 1, "k must be 1..120 (the number of points), not 121"),
    ("cluster points.csv -k 2 --init foo", 1, "init must be divisive, k-means++, random or a file"),
    ("cluster points.csv -k 2 --init points.csv", 1, "init must hold 2 centers, not 120"),
    ("cluster points.csv -k 2 --columns up", 1, "no column 'up'; there are 'east', 'north'"),
    ("cluster points.csv -k 2 --choose ten", 2, "choose must be a range such as 2-10, not ten"),
    ("cluster points.csv --choose 5-2", 2, "choose must be a range such as 2-10, not 5-2"),
    (
        "cluster points.csv -k 2 -o points.csv",
        1,
        "points.csv: already exists (--force replaces it)",
    ),
    ("cluster points.csv -k 2 -o no/l.csv", 1, "no/l.csv: no such folder"),
    ("cluster points.csv -k 2 -o a --centers a", 2, "two outputs would go to the same file"),
    (
        "cluster points.csv -k 2 --animate a.avi",
        2,
        "animate must end with .gif, .webp or .mp4, not a.avi",
    ),
    ("cluster points.csv -k 2 --steps a.jpg", 2, "steps must end with .png, not a.jpg"),
    ("cluster . -k 2", 1, "no Parquet files in it"),
    ("cluster small.png -k 2", 1, "small.png: a PNG picture, not a table"),
    ("cluster points.csv -k 2 --effort 11", 2, "effort must be 0..10, not 11 "),
    ("steps small.png -k 2 --init x", 2, "init must be random, k-means++ or divisive, not x "),
    ("steps small.png", 2, "no k given (see tinct steps --help)"),
    ("steps points.csv -k 2", 1, "points.csv: a text file, not a picture"),
    (
        "steps small.png -k 2 -o x.txt",
        2,
        "output must end with .gif, .webp, .mp4 or .png, not x.txt",
    ),
    ("steps small.png -k 999", 1, "k must be"),
    ("steps small.png -k 2 --blur 101", 2, "blur must be 0..100, not 101 "),
]


@pytest.mark.parametrize(("args", "code", "said"), REFUSED, ids=[r[0] for r in REFUSED])
def test_what_can_not_be_done_is_one_line_and_leaves_nothing(picture, capsys, args, code, said):
    before = {path: path.read_bytes() for path in picture.iterdir()}
    assert cli.main(args.split()) == code
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in picture.iterdir()} == before


def test_an_existing_target_is_replaced_with_force(folder):
    (folder / "l.csv").write_text("old")
    assert cli.main(["cluster", "points.csv", "-k", "2", "-o", "l.csv", "--force"]) == 0
    assert (folder / "l.csv").read_text().startswith("cluster\n")


def test_help_does_not_pay_for_numpy():
    script = "import sys; from tinct.cli import main as cli; cli.main(['cluster', '--help']); "
    script += "cli.main(['steps', '--help']); sys.exit('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "TABLE" in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_ends_a_long_run_with_130_and_writes_nothing(folder):
    np.save("large.npy", np.random.default_rng(0).random((400_000, 3)))
    args = "cluster large.npy -k 300 --init random --effort 10 -o labels.npy"
    program = (
        "import tinct.cli.cluster, tinct.clustering.kmeans, tinct.tables\n"
        "from tinct.__main__ import run\n"
        "print('go', flush=True); run()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, *args.split()],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"go\n"
    time.sleep(1)  # into the run: before it, the table is read
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"interrupted" in err
    assert not (folder / "labels.npy").exists()


def test_progress_is_said_on_a_terminal_only(folder, monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert cli.main(["cluster", "points.csv", "-k", "3"]) == 0
    assert capsys.readouterr().err == ""
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    assert cli.main(["cluster", "points.csv", "-k", "3"]) == 0
    assert screen.getvalue() != ""
