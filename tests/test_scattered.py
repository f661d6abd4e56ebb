"""Laws of K-means over data in parts, here and on Dask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinct
from tinct.clustering import held, sources
from tinct.clustering.frame import Extent, framed, level_of

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


def blobs(n, d, k, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(k, d))[rng.integers(k, size=n)] * 10 + rng.normal(size=(n, d))
    return points.astype(dtype)


def on_dask(parts):
    return da.concatenate([da.from_array(part, chunks=part.shape) for part in parts])


def same_bits(one, other):
    assert one.centers.tobytes() == other.centers.tobytes()
    assert (one.inertia, one.n_iter) == (other.inertia, other.n_iter)
    assert one.converged == other.converged


@pytest.fixture(params=["kept", "streamed"])
def room(request, monkeypatch):
    monkeypatch.setattr(held, "memory", lambda: request.param == "kept" and 1 << 40)


@pytest.mark.parametrize(
    ("init", "d"), [("divisive", 3), ("divisive", 11), ("k-means++", 3), ("random", 11)]
)
def test_the_same_parts_give_the_same_bits_wherever_they_lie(init, d, room):
    points, weights = blobs(9000, d, 9), np.arange(9000) % 4
    parts, masses = np.array_split(points, 19), np.array_split(weights, 19)
    how = {"init": init, "seed": 3}
    one = tinct.kmeans(parts, 7, weights=masses, threads=1, **how)
    same_bits(tinct.kmeans(lambda: iter(parts), 7, weights=masses, threads=3, **how), one)
    for scheduler in ("synchronous", "threads"):
        with dask.config.set(scheduler=scheduler):
            run = tinct.kmeans(on_dask(parts), 7, weights=on_dask(masses), **how)
            same_bits(run, one)
            assert (run.labels.compute() == tinct.assign(points, one.centers)[0]).all()
    assert (np.concatenate(list(one.labels)) == run.labels.compute()).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_part_gives_the_very_bits_of_kmeans(dtype, room):
    points, weights = blobs(9000, 3, 12, dtype) + dtype(50_000), np.arange(9000) % 4
    run = tinct.kmeans([points], 5, weights=[weights])
    same_bits(run, tinct.kmeans(points, 5, weights=weights))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 1e-30, 1e30]), st.sampled_from([0, 5000]))
def test_merged_extents_give_the_frame_of_points_that_lie_together(seed, size, far):
    rng = np.random.default_rng(seed)
    tables = [(rng.normal(size=(rng.integers(1, 9), 2)) + far) * size for _ in range(3)]
    weights = [rng.integers(0, 3, len(x)) * 1e-30 + (rng.random(len(x)) < 0.1) for x in tables]
    weights[0][0] = 1
    centers = tables[0][:1].copy() if seed % 2 else None
    low = min(float(w.min()) for w in weights)
    largest = max(float(np.abs(x).max()) for x in tables)
    level = level_of(weights, low, 2, largest)
    _, wanted = framed(tables, largest, weights, low, centers, level)
    pairs = zip(tables, weights, strict=True)
    frame = Extent.merged([Extent.of(x, w) for x, w in pairs]).frame(centers)
    assert (frame.exponent, frame.level) == (wanted.exponent, wanted.level)
    assert (frame.offset is None) == (wanted.offset is None)
    assert frame.offset is None or (frame.offset == wanted.offset).all()


def test_empty_clusters_take_the_same_points_however_points_are_kept(monkeypatch):
    points = np.round(blobs(5000, 2, 4, np.float64))
    init = np.concatenate([points[:3], np.full((5, 2), 1e6) + np.arange(5)[:, None]])
    parts, runs = np.array_split(points, 7), []
    for room in (0, 1 << 40):
        monkeypatch.setattr(held, "memory", lambda room=room: room)
        runs.append(tinct.kmeans(parts, 8, init=init))
    same_bits(*runs)
    assert runs[0].inertia == pytest.approx(tinct.kmeans(points, 8, init=init).inertia, rel=1e-12)


def test_empty_parts_and_parts_without_weight_play_no_part():
    points, weights = blobs(4000, 3, 5), np.repeat([1.0, 0.0], 2000)
    run = tinct.kmeans(
        [points[:2000], points[:0], points[2000:]], 4, weights=np.split(weights, [2000, 2000])
    )
    same_bits(run, tinct.kmeans([points[:2000]], 4))
    assert [len(labels) for labels in run.labels] == [2000, 0, 2000]


def test_random_starts_draw_rows_by_their_weight():
    parts, weights = [np.array([[0.0], [1]]), np.array([[2.0]])], [[0.0, 1], [3.0]]
    seen = []
    for seed in range(200):
        how = {"weights": weights, "init": "random", "seed": seed}
        tinct.kmeans(parts, 1, callback=lambda it: seen.append(it.centers[0, 0]), max_iter=1, **how)
    assert set(seen) == {1, 2}
    assert 0.68 < np.mean(np.array(seen) == 2) < 0.82


def test_the_estimator_takes_parts_as_kmeans_does():
    points = blobs(3000, 3, 5)
    x, parts = on_dask(np.array_split(points, 3)), np.array_split(points, 3)
    model = tinct.KMeans(4, init="divisive", random_state=0).fit(x)
    same = tinct.KMeans(4, init="divisive", random_state=0).fit(parts)
    assert model.cluster_centers_.tobytes() == same.cluster_centers_.tobytes()
    assert (model.labels_.compute() == model.predict(points)).all()
    assert (model.predict(x).compute() == np.concatenate(list(model.predict(parts)))).all()
    assert (model.transform(x).compute() == model.transform(points)).all()
    assert model.score(x) == pytest.approx(-model.inertia_, rel=1e-6)


@pytest.mark.parametrize(
    ("points", "how", "error"),
    [
        (iter([np.ones((3, 2))]), {}, "points must be batches that can be gone through again"),
        ([np.ones((3, 2)), np.ones((3, 3))], {}, r"the same number of columns in all parts"),
        ([np.ones((3, 2))], {"k": 4}, "k must be 1..3"),
        ([np.ones((3, 2)) * np.nan], {}, "part 0: points must be finite: row 0, column 0 is nan"),
        ([np.ones((3, 2))], {"record": True}, "record must be False"),
        ([np.ones((3, 2))], {"init": "best"}, "init must be one of divisive"),
        ([np.ones((3, 2))], {"init": np.ones((1, 2))}, "init must hold 2 centers, not 1"),
        ([np.ones((3, 2))], {"weights": [np.zeros(3)]}, "weights must not all be 0"),
        ([np.ones((3, 2))] * 2, {"weights": [np.ones(3)]}, "weights must be batches as points are"),
        ([np.ones((0, 2))], {}, "all parts are empty"),
        ("nowhere.parquet", {}, "no such file or folder"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(points, how, error):
    with pytest.raises((ValueError, TypeError, OSError), match=error):
        tinct.kmeans(points, **{"k": 2, **how})


def test_a_mapped_file_is_clustered_as_its_parts(tmp_path, monkeypatch):
    points, weights = blobs(6000, 3, 5), np.arange(6000) % 3
    np.save(tmp_path / "points.npy", points)
    monkeypatch.setattr(sources, "PART", 2500 * 12)
    run = tinct.kmeans(tmp_path / "points.npy", 4, weights=weights)
    mapped = tinct.kmeans(np.load(tmp_path / "points.npy", mmap_mode="r"), 4, weights=weights)
    cuts = [2500, 5000]
    same_bits(run, tinct.kmeans(np.split(points, cuts), 4, weights=np.split(weights, cuts)))
    same_bits(run, mapped)
    assert (run.labels == tinct.assign(points, run.centers)[0]).all()


def test_a_dask_dataframe_is_clustered_as_its_partitions():
    pd, dd = pytest.importorskip("pandas"), pytest.importorskip("dask.dataframe")
    points = blobs(2000, 3, 5)
    frame = dd.from_pandas(pd.DataFrame(points, columns=list("xyz")), npartitions=4)
    run = tinct.kmeans(frame, 4)
    same_bits(run, tinct.kmeans([part.to_numpy() for part in dask.compute(*frame.partitions)], 4))
    assert (run.labels.compute() == tinct.assign(points, run.centers)[0]).all()
