"""Laws of many pictures on Dask's workers, here and behind URLs."""

import json
import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import tinct
from tinct.batch import many, places
from tinct.batch.many import Died, spread
from tinct.cli.main import main

pytest.importorskip("fsspec")
dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask, when a slow machine keeps it waiting


@pytest.fixture(scope="module")
def cluster():
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    # At the first death, not the fourth: new workers take seconds, and more on a busy machine.
    patient = {"distributed.deploy.lost-worker-timeout": "10 minutes"}
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0, **patient}),
        distributed.LocalCluster(**how) as cluster,
    ):
        yield cluster


@pytest.fixture
def shots(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "shots" / "below").mkdir(parents=True)
    for name in ("a.png", "b.png", "below/a.png", "below/.hidden.png"):
        picture = np.repeat(np.repeat(rng.integers(0, 256, (8, 8, 3), np.uint8), 6, 0), 6, 1)
        noise = rng.integers(0, 8, picture.shape, np.uint8)
        Image.fromarray(picture ^ noise).save(tmp_path / "shots" / name)
    (tmp_path / "shots" / "broken.png").write_text("no picture")
    return tmp_path / "shots"


def compress(*argv):
    return main(["compress", *map(str, argv)])


def test_a_cluster_writes_the_bytes_of_one_process_and_resumes(cluster, shots, tmp_path, capfd):
    where = ["--cluster", cluster.scheduler_address, "-r", "--report", tmp_path / "told.jsonl"]
    assert compress(shots, "-k", 8, "--out-dir", tmp_path / "out", *where) == 1
    said = capfd.readouterr()
    assert "dashboard: " in said.err
    assert "broken.png: a text file, not a picture" in said.err
    assert len(said.out.splitlines()) == 3
    names = ["a.png", "b.png", "below/a.png"]
    for name in names:
        small = tinct.compress(shots / name, 8)
        assert (tmp_path / "out" / name).read_bytes() == small.data
    before = {name: os.stat(tmp_path / "out" / name).st_mtime_ns for name in names}
    (tmp_path / "out" / "b.png").unlink()
    assert compress(shots, "-k", 8, "--out-dir", tmp_path / "out", *where, "--json") == 1
    assert "2 of 4 are there already" in capfd.readouterr().err
    told = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    assert [one["status"] for one in told].count("written") == 4
    again = {name: os.stat(tmp_path / "out" / name).st_mtime_ns for name in names}
    assert [name for name in names if before[name] != again[name]] == ["b.png"]


def _kills_at_3(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_job_that_ends_workers_is_named_and_costs_no_other(cluster):
    with distributed.Client(cluster) as client:
        found = dict(spread(client, _kills_at_3, range(8)))
    assert isinstance(found.pop(3), Died)
    assert found == {number: number for number in range(8) if number != 3}


def test_a_million_jobs_make_no_million_futures(cluster):
    drawn = 0

    def jobs():
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    with distributed.Client(cluster) as client:
        some = spread(client, abs, jobs())
        for _ in range(20):
            next(some)
        some.close()
    assert drawn <= 20 + 2 * 4


def test_a_cluster_without_workers_is_told_of_while_it_is_waited_for(monkeypatch):
    told = []
    monkeypatch.setattr(many, "PATIENCE", 0.0)
    client = SimpleNamespace(nthreads=dict)
    many._wait(client, SimpleNamespace(has_ready=lambda: told), lambda: told.append(1))
    assert told == [1]


def test_the_same_centers_come_from_processes_as_from_here(cluster, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    points = np.random.default_rng(1).normal(size=(3000, 3)).astype(np.float32)
    for i, part in enumerate(np.array_split(points, 3)):
        table = pyarrow.table({name: part[:, j] for j, name in enumerate("xyz")})
        parquet.write_table(table, tmp_path / f"{i}.parquet")
    here = tinct.kmeans(tmp_path, 5)
    with distributed.Client(cluster):
        there = tinct.kmeans(str(tmp_path), 5)
        labels = np.concatenate(list(there.labels))
    assert here.centers.tobytes() == there.centers.tobytes()
    assert here.inertia == there.inertia
    assert (labels == tinct.assign(points, here.centers)[0]).all()
    assert main(["cluster", str(tmp_path), "-k", "5", "-o", str(tmp_path / "labels")]) == 0
    files = sorted((tmp_path / "labels").glob("*.parquet"))
    written = np.concatenate([parquet.read_table(file)["cluster"].to_numpy() for file in files])
    assert (written == labels).all()


def _told(names):
    os.environ.update(names)


def test_pictures_go_from_s3_to_s3(cluster, shots, tmp_path, monkeypatch, capfd):
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    asked = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "x"}
    asked |= {"AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    try:
        from s3fs import S3FileSystem

        S3FileSystem.clear_instance_cache()
        S3FileSystem().mkdir("bucket")
        for name in ("a.png", "below/a.png"):
            places.write_bytes(f"s3://bucket/shots/{name}", (shots / name).read_bytes())
        with distributed.Client(cluster) as client:
            client.run(_told, asked)
        out = ["--out-dir", "s3://bucket/out", "--cluster", cluster.scheduler_address]
        assert compress("s3://bucket/shots", "-r", "-k", 8, *out) == 0
        for name in ("a.png", "below/a.png"):
            small = tinct.compress(shots / name, 8).data
            assert places.read_bytes(f"s3://bucket/out/{name}") == small
        capfd.readouterr()
        assert compress("s3://bucket/shots", "-r", "-k", 8, *out) == 0
        assert "2 of 2 are there already" in capfd.readouterr().err
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["s3://b/a.png"], "a URL needs --cluster"),
        (["a.png", "--cluster", "local"], "--cluster needs --out-dir"),
        (["a.png", "--cluster", "local", "--out-dir", "o", "-o", "b.png"], "-o and --cluster"),
        (["nowhere", "--cluster", "tcp://127.0.0.1:9", "--out-dir", "o"], "no such file"),
        (["x://a/b", "--cluster", "local", "--out-dir", "o"], "x://a/b"),
    ],
)
def test_what_a_cluster_can_not_do_is_said_in_one_line(argv, error, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert compress(*argv) in (1, 2)
    said = capfd.readouterr().err
    assert error in said
    assert said.count("\n") == 1
