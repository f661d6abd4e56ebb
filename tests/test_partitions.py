"""Laws of K-means over partitions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import reference
import tinct
from tinct import _kernels
from tinct.clustering.partitions import Joined, kmeans_over, kmeans_partitioned


def blobs(n, d, k, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(k, d))[rng.integers(k, size=n)] * 10 + rng.normal(size=(n, d))


def split(values, parts, seed=0):
    """In stretches of any length, some empty."""
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(values) + 1, parts - 1))
    return np.split(values, cuts)


def same_bits(one, other):
    labels = [
        np.concatenate(run.labels) if isinstance(run.labels, tuple) else run.labels
        for run in (one, other)
    ]
    assert one.centers.tobytes() == other.centers.tobytes()
    assert labels[0].tobytes() == labels[1].tobytes()
    assert (one.inertia, one.n_iter, one.converged) == (
        other.inertia,
        other.n_iter,
        other.converged,
    )


@st.composite
def cases(draw):
    """Small sets of whole numbers with duplicates, weights, a k and a number of partitions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, 60)), draw(st.sampled_from([1, 2, 3, 6, 10]))
    points = rng.integers(-6, 7, (n, d)).astype(draw(st.sampled_from([np.float32, np.float64])))
    points += draw(st.sampled_from([0, 0, 4096]))
    weights = rng.integers(0, 4, n).astype(float) if draw(st.booleans()) else None
    assume(weights is None or weights.any())
    return points, weights, draw(st.integers(1, n)), draw(st.integers(1, 6))


# ---- what is promised ----------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 5])
def test_any_number_of_threads_gives_the_same_bits(parts):
    points, weights = blobs(1_000_001, 3, 9), np.random.default_rng(1).random(1_000_001)
    tables, masses = split(points, parts), split(weights, parts)
    one, two, five = (
        kmeans_partitioned(tables, 6, weights=masses, threads=threads, max_iter=3)
        for threads in (1, 2, 5)
    )
    same_bits(one, two)
    same_bits(one, five)


@pytest.mark.parametrize(("n", "d", "k"), [(6144, 3, 5), (9000, 8, 9), (20_000, 2, 75)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_partition_gives_the_very_bits_of_kmeans(n, d, k, dtype):
    points, weights = blobs(n, d, 12).astype(dtype) + dtype(500), np.arange(n) % 4
    for effort in (0, 1):
        same_bits(
            kmeans_partitioned([points], k, weights=[weights], effort=effort),
            tinct.kmeans(points, k, weights=weights, effort=effort),
        )


@given(cases())
def test_any_partitioning_of_whole_numbers_gives_the_centers_of_one(case):
    points, weights, k, parts = case
    how = {"init": points[:k], "tol": 0}
    whole = tinct.kmeans(points, k, weights=weights, **how)
    masses = None if weights is None else split(weights, parts)
    run = kmeans_partitioned(split(points, parts), k, weights=masses, **how)
    assert run.centers.tobytes() == whole.centers.tobytes()
    assert np.concatenate(run.labels).tolist() == whole.labels.tolist()
    assert run.inertia == pytest.approx(whole.inertia, rel=1e-12)
    searched = [
        kmeans_partitioned(split(points, p), k, weights=w, tol=0)
        for p, w in ((1, None if weights is None else [weights]), (parts, masses))
    ]
    assert searched[0].centers.tobytes() == searched[1].centers.tobytes()


@given(cases(), st.integers(0, 2))
def test_inertia_never_rises_and_labels_are_nearest(case, effort):
    points, weights, k, parts = case
    seen = []
    masses = None if weights is None else split(weights, parts)
    run = kmeans_partitioned(
        split(points, parts), k, weights=masses, effort=effort, tol=0, callback=seen.append
    )
    inertias = [iteration.inertia for iteration in seen] + [run.inertia]
    slack = 1e-5 if points.dtype == np.float32 else 1e-12
    assert all(b <= a * (1 + slack) + slack for a, b in pairwise(inertias))
    assert len(seen) == run.n_iter
    nearest, _ = tinct.assign(points, run.centers)
    assert np.concatenate(run.labels).tolist() == nearest.tolist()


# ---- the parts of it -----------------------------------------------------------------------------


@given(cases())
def test_each_answer_of_a_partition_agrees_with_the_slow_twin(case):
    points, weights, k, _ = case
    points = points.astype(float)
    fast, slow = _kernels.Partition(points, weights, 2), reference.Partition(points, weights)
    np.testing.assert_allclose(fast.spread(), slow.spread(), rtol=1e-12, atol=1e-9)
    for part in (fast, slow):
        part.start(k)
    for centers in (points[:k], np.round(points[-k:] * 0.5)):
        assert fast.step(centers) == slow.step(centers)
        assert fast.labels().tolist() == slow.labels().tolist()
        assert fast.inertia() == slow.inertia()
        np.testing.assert_array_equal(fast.residuals(centers), slow.residuals(centers))
        for _ in range(2):
            np.testing.assert_array_equal(fast.sums(), slow.sums())
            fast.recount()
        for one, other in zip(fast.worst_served(3), slow.worst_served(3), strict=True):
            np.testing.assert_array_equal(one, other)


@given(cases())
def test_whoever_answers_may_hold_a_partition(case):
    points, weights, k, parts = case
    points = points.astype(float)
    weights = np.ones(len(points)) if weights is None else weights
    tables = [(x, w) for x, w in zip(split(points, parts), split(weights, parts), strict=True)]
    tables = [(x, w) for x, w in tables if w.any()]
    kinds = [reference.Partition, lambda x, w: _kernels.Partition(x, w, 1)]
    asked = [kinds[i % 2](x, w) for i, (x, w) in enumerate(tables)]
    joined = np.concatenate([x for x, _ in tables]), np.concatenate([w for _, w in tables])
    assume(k <= len(joined[0]))
    how = {"init": joined[0][:k], "effort": 0, "tol": 0, "max_iter": 50}
    found = kmeans_over(asked, k, **how)
    run = tinct.kmeans(joined[0], k, weights=joined[1], **how)
    np.testing.assert_array_equal(found.centers, run.centers)
    assert found.inertia == pytest.approx(run.inertia)
    spread = Joined([reference.Partition(x, w) for x, w in tables]).spread()
    np.testing.assert_allclose(spread, reference.Partition(*joined).spread(), atol=1e-9)


def test_partitions_are_asked_at_the_same_time():
    met = threading.Barrier(2, timeout=20)

    class Meeting(reference.Partition):
        def step(self, centers):
            met.wait()
            return super().step(centers)

    with ThreadPoolExecutor(2) as pool:
        asked = Joined([Meeting([[1.0], [2.0]]), Meeting([[9.0]])], pool.map)
        asked.start(2)
        assert asked.step(np.array([[1.0], [9.0]])) == 3


def test_empty_clusters_take_the_worst_served_over_all_partitions():
    tables = [[[40.0], [0.0], [1.0]], [[2.0], [30.0]], [[40.0], [-40.0]]]
    seen = []
    start = np.array([[0.0], [900.0], [800.0], [700.0]])
    run = kmeans_partitioned(tables, 4, init=start, tol=0, callback=seen.append)
    assert seen[0].empty == (1, 2, 3)
    assert seen[0].filled == (6, 0, 4)  # -40 before the equal 40s, which count once, before 30
    assert run.inertia == 2
    assert [labels.tolist() for labels in run.labels] == [[2, 0, 0], [0, 3], [2, 1]]


def test_a_summary_is_all_points_where_they_are_few_and_keeps_their_weight():
    rng = np.random.default_rng(0)
    for d in (3, 20):
        points, weights = rng.normal(size=(1000, d)), rng.random(1000) * (rng.random(1000) < 0.5)
        part = _kernels.Partition(points, weights, 1)
        for most in (1000, 5000):
            same, heavy = part.summary(most)
            assert same.tobytes() == points.tobytes()
            assert heavy.tobytes() == weights.tobytes()
        fewer, heavy = part.summary(100)
        assert len(fewer) <= 100
        assert heavy.sum() == pytest.approx(weights.sum())
        if d == 20:
            assert {x.tobytes() for x in fewer[heavy > 0]} <= {
                x.tobytes() for x in points[weights > 0]
            }
        both = Joined([part, part]).summary(100)
        np.testing.assert_array_equal(both[0], np.tile(part.summary(50)[0], (2, 1)))


# ---- the door ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parts": []}, "parts must hold points: all are empty"),
        ({"parts": [np.empty((0, 2))]}, "parts must hold points: all are empty"),
        ({"parts": [[[1.0]], [[1.0, 2.0]]]}, r"same number of columns, not \[1, 2\]"),
        ({"parts": [[[1j]]]}, "points must be numbers, not complex128"),
        ({"k": 5}, r"k must be 1..4 \(the number of points\), not 5"),
        ({"weights": [[1, 1], [1, 1, 1]]}, "weights must be arrays, one per partition"),
        ({"weights": [[0, 0], [0, 0]]}, "weights must not all be 0"),
        ({"init": "random"}, "init must be divisive or an array, not 'random'"),
        ({"init": [[1.0]]}, "init must hold 2 centers, not 1"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kmeans_partitioned(**{"parts": [[[1.0], [2.0]], [[3.0], [9.0]]], "k": 2} | arguments)


def test_centers_of_another_shape_are_refused():
    part = _kernels.Partition(np.ones((5, 2)), None, 1)
    part.start(2)
    for shape in ((3, 2), (2, 3)):
        with pytest.raises(ValueError, match="shape that start"):
            part.step(np.ones(shape))
