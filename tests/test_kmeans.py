import json
import os
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import reference
import tinct
from tinct import _kernels


def blobs(n, d, k, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(k, d))[rng.integers(k, size=n)] * 10 + rng.normal(size=(n, d))).astype(
        dtype
    )


@st.composite
def cases(draw, whole=False):
    """Small sets of points with duplicates and ties, weights, and a k."""
    # Drawn one by one the numbers take Hypothesis longer than all that is done with them.
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(1, 120)), draw(st.integers(1, 10))
    most = draw(st.sampled_from([8, 8, 1] if whole else [10_000, 10_000, 8]))
    points = chance.integers(-most, most + 1, (n, d)).astype(float)
    if not whole:
        points = (points * (100 / most)).round(2)
    points[chance.random(n) < draw(st.sampled_from([0, 0, 0, 0.5]))] = points[0]
    weights = draw(st.none() | st.just(chance.integers(0, 6, n).astype(float)))
    assume(weights is None or weights.any())
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return points.astype(dtype), weights, draw(st.integers(1, n))


# ---- the two steps -------------------------------------------------------------------------------


@settings(max_examples=100)
@given(cases())
def test_assign_agrees_with_the_slow_twin_to_the_bit(case):
    points, _, k = case
    centers = points[np.random.default_rng(0).permutation(len(points))[:k]]
    labels, squared = tinct.assign(points, centers)
    assert labels.tolist() == reference.find_closest_centroids(points, centers).tolist()
    slow = [reference.squared_distance(p, centers[c]) for p, c in zip(points, labels, strict=True)]
    assert squared.tolist() == np.array(slow, points.dtype).tolist()


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 8, 9, 17, 64, 128])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 5, 50])
def test_boxes_and_tiles_change_no_bit_of_assign(d, dtype, k):
    points = blobs(1500, d, 7, dtype)
    centers = points[:: 1500 // k][:k] + dtype(0.25)
    labels, squared = tinct.assign(points, centers)
    total = np.zeros((len(points), k), dtype)
    for j in range(d):
        total += (points[:, j : j + 1] - centers[:, j]) ** 2
    assert (labels == total.argmin(axis=1)).all()
    assert (squared == total.min(axis=1)).all()


@settings(max_examples=100)
@given(cases(whole=True))
def test_update_agrees_with_the_slow_twin(case):
    points, weights, k = case
    labels = np.arange(len(points)) % k
    fast = tinct.update(points, labels, k, weights=weights)
    slow = reference.compute_centroids(points, labels, k, weights)
    np.testing.assert_array_equal(fast, slow)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_four_weighted_points_by_hand(dtype):
    points = np.array([[0, 0], [0.5, 0], [0.5, 1], [1, 1]], dtype)
    start = np.array([[0, 0], [1, 1]], dtype)
    run = tinct.kmeans(points, 2, weights=[3, 1, 1, 3], init=start, tol=0)
    assert run.labels.tolist() == [0, 0, 1, 1]
    assert run.centers.tolist() == [[0.125, 0], [0.875, 1]]
    assert run.inertia == 0.375
    assert (run.n_iter, run.converged, run.centers.dtype) == (2, True, dtype)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loop_agrees_with_the_slow_twin_iteration_by_iteration(weighted):
    points = blobs(300, 2, 3, seed=3).round(1)
    weights = np.arange(300) % 4 + 1.0 if weighted else None
    start = points[1:4]
    run = tinct.kmeans(points, 3, weights=weights, init=start, tol=0, max_iter=10, record=True)
    assert run.n_iter > 3
    centers, labels, history = reference.run_kmeans(points, start, run.n_iter, weights)
    for seen, slow in zip(run.history, history, strict=False):
        np.testing.assert_allclose(seen.centers, slow, rtol=1e-13, atol=1e-12)
        assert seen.inertia == pytest.approx(reference.inertia(points, slow, seen.labels, weights))
    np.testing.assert_allclose(run.centers, centers, rtol=1e-13, atol=1e-12)
    assert run.labels.tolist() == labels.tolist()


# ---- laws of a run -------------------------------------------------------------------------------


@settings(max_examples=100)
@given(cases(), st.sampled_from(["divisive", "k-means++"]), st.integers(0, 2))
def test_inertia_never_rises_and_labels_are_nearest(case, init, effort):
    points, weights, k = case
    run = tinct.kmeans(points, k, weights=weights, init=init, effort=effort, tol=0, record=True)
    seen = [i.inertia for i in run.history] + [run.inertia]
    slack = 1e-5 if points.dtype == np.float32 else 1e-12
    scale = max(seen[0], float(np.abs(points).max()) ** 2 * len(points) * 5, 1e-30)
    assert all(b <= a + slack * scale for a, b in pairwise(seen))
    nearest, _ = tinct.assign(points, run.centers)
    assert run.labels.tolist() == nearest.tolist()
    assert run.inertia == pytest.approx(
        reference.inertia(points, run.centers, run.labels, weights), rel=1e-9, abs=1e-25
    )


@settings(max_examples=100)
@given(cases(whole=True), st.sampled_from(["divisive", "k-means++"]))
def test_no_more_distinct_points_than_k_gives_inertia_0(case, init):
    points, _, _ = case
    distinct = len(np.unique(points, axis=0))
    run = tinct.kmeans(points, distinct, init=init)
    assert run.inertia == 0
    assert run.converged


@settings(max_examples=100)
@given(cases(whole=True))
def test_a_weight_of_3_equals_three_copies(case):
    points, weights, k = case
    weights = np.ones(len(points)) if weights is None else weights
    start = points[:k]
    copies = np.repeat(points, weights.astype(int), axis=0)
    assume(len(copies) >= k)
    one = tinct.kmeans(points, k, weights=weights, init=start, tol=0)
    many = tinct.kmeans(copies, k, init=start, tol=0)
    # Whole numbers add up exactly: nothing but the order of sums could differ.
    np.testing.assert_array_equal(one.centers, many.centers)
    assert one.labels.repeat(weights.astype(int)).tolist() == many.labels.tolist()
    assert one.inertia == pytest.approx(many.inertia)


@pytest.mark.parametrize(
    ("n", "d", "k", "dtype", "init"),
    [  # enough work that threads are started
        (1_000_001, 3, 4, np.float32, "divisive"),
        (60_000, 51, 34, np.float32, "k-means++"),
        (60_000, 51, 34, np.float64, "random"),
    ],
)
def test_threads_change_no_bit(n, d, k, dtype, init):
    points = blobs(n, d, 9, dtype)
    weights = np.random.default_rng(1).random(n)
    one, two, five = (
        tinct.kmeans(points, k, weights=weights, init=init, threads=t, max_iter=4, record=True)
        for t in (1, 2, 5)
    )
    for other in (two, five):
        assert one.centers.tobytes() == other.centers.tobytes()
        assert one.labels.tobytes() == other.labels.tobytes()
        assert [i.inertia for i in one.history] == [i.inertia for i in other.history]
        assert (one.inertia, one.n_iter) == (other.inertia, other.n_iter)


def test_instruction_sets_change_no_bit():
    """The same run in processes forced to each instruction set the machine has."""
    code = """
import hashlib, json, numpy as np, tinct
from tinct import _kernels
digest = hashlib.sha256()
rng = np.random.default_rng(5)
for d, dtype in ((1, "f4"), (3, "f4"), (3, "f8"), (4, "f4"), (7, "f8"), (30, "f4")):
    x = (rng.normal(size=(9000, d)) ** 3 * 50).astype(dtype)
    w = rng.random(9000)
    for init in ("divisive", "k-means++", "random"):
        run = tinct.kmeans(x, 20, weights=w, init=init, effort=2, threads=1)
        digest.update(run.centers.tobytes() + run.labels.tobytes() + repr(run.inertia).encode())
print(json.dumps([_kernels.isa(), digest.hexdigest()]))
"""
    seen = {}
    for isa in ("baseline", "avx2", "avx512"):
        env = os.environ | {"TINCT_SIMD": isa}
        out = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        used, digest = json.loads(out.stdout)
        seen[used] = digest
    assert "baseline" in seen
    assert len(set(seen.values())) == 1, seen


@settings(max_examples=100)
@given(cases(whole=True))
def test_the_order_of_the_points_only_reorders_the_labels(case):
    points, weights, k = case
    order = np.random.default_rng(1).permutation(len(points))
    start = points[:k]
    a = tinct.kmeans(points, k, weights=weights, init=start, tol=0)
    b = tinct.kmeans(
        points[order], k, weights=None if weights is None else weights[order], init=start, tol=0
    )
    np.testing.assert_array_equal(a.centers, b.centers)
    assert a.labels[order].tolist() == b.labels.tolist()


def test_a_run_is_the_same_every_time_and_the_seed_decides_what_is_drawn():
    points = blobs(4000, 3, 30)
    runs = [tinct.kmeans(points, 20, init="k-means++", seed=s).centers for s in (0, 0, 1)]
    assert (runs[0] == runs[1]).all()
    assert not (runs[0] == runs[2]).all()


# ---- empty clusters ------------------------------------------------------------------------------


def test_empty_clusters_take_the_worst_served_points_in_order():
    points = np.array([[0.0], [1.0], [2.0], [30.0], [40.0], [40.0]])
    start = np.array([[1.0], [900.0], [800.0]])
    run = tinct.kmeans(points, 3, init=start, record=True, tol=0)
    assert run.history[0].empty == (1, 2)
    assert run.history[0].filled == (4, 3)  # 40 counts once and comes before 30
    assert run.history[1].centers[1:].tolist() == [[40.0], [30.0]]
    assert run.inertia == 2


def test_clusters_stay_empty_when_every_point_is_served_exactly():
    run = tinct.kmeans([[1.0], [1.0], [5.0]], 3, init=[[1.0], [5.0], [7.0]], record=True)
    assert run.inertia == 0
    assert run.history[-1].empty == (2,)
    assert run.history[-1].filled == ()


def test_points_of_weight_0_are_assigned_but_move_nothing():
    points = np.array([[0.0], [1.0], [10.0], [11.0], [5000.0]])
    run = tinct.kmeans(points, 2, weights=[1, 1, 1, 1, 0], init=[[0.0], [10.0]])
    assert run.centers.tolist() == [[0.5], [10.5]]
    assert run.labels.tolist() == [0, 0, 1, 1, 1]


def test_far_apart_magnitudes_leave_no_rounding_behind_in_the_means():
    # A cluster that gives up a huge point must not keep the rounding error of having held it.
    points = np.array([[0.001], [0.002], [0.003], [1e100], [-1e100]])
    run = tinct.kmeans(points, 3, init=[[0.0], [1e90], [-1e90]], tol=0)
    assert sorted(run.centers.ravel().tolist()) == [-1e100, 0.002, 1e100]


# ---- starts --------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(cases(whole=True))
def test_random_start_draws_different_training_examples(case):
    points, weights, k = case
    used = points if weights is None else points[weights > 0]
    distinct = np.unique(used, axis=0)
    if k >= len(distinct):
        with pytest.raises(
            ValueError, match=f"below the number of different points, {len(distinct)}"
        ):
            tinct.kmeans(points, k, weights=weights, init="random")
        return
    start = tinct.kmeans(points, k, weights=weights, init="random", record=True).history[0].centers
    assert len(np.unique(start, axis=0)) == k
    assert {tuple(c) for c in start.tolist()} <= {tuple(p) for p in used.tolist()}


def test_random_start_draws_by_weight():
    points, weights = np.arange(3.0)[:, None], np.array([8.0, 1.0, 1.0])
    firsts = [
        tinct.kmeans(points, 1, weights=weights, init="random", seed=s, record=True)
        .history[0]
        .centers.item()
        for s in range(400)
    ]
    assert 290 <= firsts.count(0.0) <= 350


def test_plus_plus_finds_well_separated_clusters():
    centers = np.array([[0, 0], [100, 0], [0, 100], [100, 100], [50, 300]], float)
    points = (centers[:, None] + np.random.default_rng(0).normal(size=(5, 40, 2))).reshape(-1, 2)
    for seed in range(20):
        run = tinct.kmeans(points, 5, init="k-means++", seed=seed)
        assert len(set(run.labels[::40].tolist())) == 5


def test_a_callable_start_sees_points_k_and_a_generator():
    seen = {}

    def start(points, k, rng):
        seen.update(shape=points.shape, k=k, rng=rng)
        return points[:k]

    run = tinct.kmeans(blobs(50, 2, 3), 4, init=start, record=True)
    assert (seen["shape"], seen["k"]) == ((50, 2), 4)
    assert isinstance(seen["rng"], np.random.Generator)
    assert (run.history[0].centers == blobs(50, 2, 3)[:4]).all()


def test_the_array_given_as_start_is_not_changed():
    start = blobs(3, 2, 3)
    before = start.copy()
    tinct.kmeans(blobs(200, 2, 3), 3, init=start, effort=2)
    assert (start == before).all()


# ---- search --------------------------------------------------------------------------------------


def searched_tables():
    """Clusters, a column far out, equal rows, more dimensions than cells have, rows far out."""
    rng = np.random.default_rng(3)
    tail = np.exp(rng.normal(size=(2500, 7)) * np.arange(1, 8) / 3)
    yield blobs(4000, 3, 40, seed=8), 40
    yield np.round((tail - tail.mean(axis=0)) / tail.std(axis=0), 2), 40
    yield rng.integers(0, 4, (3000, 4)).astype(float), 25
    yield blobs(1500, 20, 30).astype(np.float32), 20
    far = rng.normal(size=(5000, 18)) @ rng.normal(size=(18, 18))
    yield far * np.where(rng.random(5000) < 0.004, 12, 1)[:, None], 30


@pytest.mark.parametrize("init", ["divisive", "random", "k-means++"])
def test_more_effort_never_ends_higher(init):
    for points, k in searched_tables():
        how = {"init": init, "seed": 5}
        ends = [tinct.kmeans(points, k, effort=e, **how).inertia for e in range(4)]
        assert all(more <= less * (1 + 1e-7) for less, more in pairwise(ends)), (k, ends)


def test_narrow_clouds_of_colors_end_near_the_best_a_long_search_finds():
    for seed in (0, 2, 3, 4):  # dark reds, whole numbers, most of them near black
        rng = np.random.default_rng(seed)
        light = rng.gamma(0.6, 0.25, (200_000, 1)) * [70, 14, 12]
        colors = np.rint(light * np.exp(rng.normal(0, 0.25, light.shape))).clip(0, 255)
        points, weights = np.unique(colors, axis=0, return_counts=True)
        ends = [tinct.kmeans(points, 64, weights=weights, effort=e).inertia for e in (1, 5)]
        assert ends[0] <= 1.02 * ends[1]


def test_no_move_of_a_single_point_helps_much_after_a_search():
    left = {0: 0.0, 1: 0.0}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        points, weights = rng.normal(size=(70, 1 + seed % 3)), rng.integers(1, 30, 70)
        for effort in left:
            run = tinct.kmeans(points, 14, weights=weights, effort=effort)
            most = reference.best_move(points, run.labels, 14, weights) / run.inertia
            left[effort] = max(left[effort], most)
    assert left[1] < 1e-3 < 0.02 < left[0], left


def test_a_summary_has_small_cells_where_points_are_many():
    rng = np.random.default_rng(0)
    crowd, far = rng.normal(size=(4000, 7)), rng.normal(size=(20, 7)) * 1000
    cells, weights = _kernels.Partition(np.vstack([crowd, far]), None, 1).summary(400)
    assert len(cells) == 400
    assert weights.sum() == 4020
    assert (np.abs(cells).max(axis=1) < 10).sum() > 350


def test_search_finds_the_clusters_a_bad_start_missed():
    centers = np.arange(12.0)[:, None] * 100
    points = (centers[:, None] + np.random.default_rng(0).normal(size=(12, 30, 1))).reshape(-1, 1)
    start = points[:12]  # all in the first cluster
    plain = tinct.kmeans(points, 12, init=start)
    found = tinct.kmeans(points, 12, init=start, effort=2, record=True)
    assert found.inertia < plain.inertia / 10
    assert len(set(found.labels[::30].tolist())) == 12
    assert any(i.swapped for i in found.history)


# ---- stop, history, callback ---------------------------------------------------------------------


def test_history_holds_every_iteration_and_the_first_is_the_start():
    points = blobs(500, 2, 4)
    run = tinct.kmeans(points, 4, init="random", seed=1, record=True)
    assert len(run.history) == run.n_iter
    assert run.history[0].centers.shape == (4, 2)
    moved = tinct.update(points, run.history[0].labels, 4)
    np.testing.assert_allclose(run.history[1].centers, moved)


def test_the_callback_sees_each_iteration_and_may_stop_the_run():
    seen = []
    run = tinct.kmeans(
        blobs(900, 2, 9),
        9,
        init="random",
        tol=0,
        callback=lambda i: seen.append(i) or len(seen) == 3,
    )
    assert len(seen) == run.n_iter == 3
    assert not run.converged


def test_what_the_callback_raises_ends_the_run_and_reaches_the_caller():
    class Enough(Exception):
        pass

    def stop(iteration):
        raise Enough(iteration.inertia)

    with pytest.raises(Enough) as caught:
        tinct.kmeans([[1.0], [2.0], [9.0]], 1, callback=stop)
    assert caught.value.args == (38.0,)


def test_any_whole_number_from_0_seeds_the_search():
    points = blobs(300, 2, 9)
    for seed in (0, np.int64(7), 2**64, 10**40):
        run = tinct.kmeans(points, 9, init="k-means++", effort=3, seed=seed)
        assert run.centers.tobytes() == (
            tinct.kmeans(points, 9, init="k-means++", effort=3, seed=seed).centers.tobytes()
        )


def test_max_iter_bounds_the_run_and_says_it_did_not_converge():
    run = tinct.kmeans(blobs(3000, 2, 30), 30, init="random", max_iter=2, tol=0)
    assert (run.n_iter, run.converged) == (2, False)
    assert run.labels.tolist() == tinct.assign(blobs(3000, 2, 30), run.centers)[0].tolist()


def test_looser_tolerance_stops_earlier():
    points = blobs(5000, 3, 40)
    runs = [tinct.kmeans(points, 40, init="random", tol=t).n_iter for t in (0, 1e-4, 1e-1)]
    assert runs[0] > runs[1] > runs[2]


def test_ctrl_c_ends_a_long_run():
    code = """
import numpy as np, tinct
x = np.random.default_rng(0).random((2_000_000, 3))
print("go", flush=True)
tinct.kmeans(x, 2000, init="random", max_iter=10**6, tol=0, threads=2)
"""
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdout.readline() == "go\n"
    time.sleep(0.5)  # into the run: before it, imports may still be under way
    run.send_signal(2)
    _, error = run.communicate(timeout=30)
    assert "KeyboardInterrupt" in error


# ---- the door ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": [1.0, 2.0]}, r"points must be a table of shape \(n, d\), not of shape \(2,\)"),
        ({"points": np.empty((0, 3))}, r"not of shape \(0, 3\)"),
        ({"points": [["a"], ["b"]]}, "points must be numbers"),
        ({"points": [[1.0], [np.nan]]}, "points must be finite: row 1, column 0 is nan"),
        ({"points": [[1.0, -np.inf]]}, "points must be finite: row 0, column 1 is -inf"),
        ({"points": [[1e200], [0]]}, "points must lie within"),
        ({"k": 0}, r"k must be 1..4 \(the number of points\), not 0"),
        ({"k": 5}, r"k must be 1..4 \(the number of points\), not 5"),
        ({"k": 2.5}, "k must be an integer"),
        ({"k": True}, "k must be an integer"),
        ({"weights": [1, 2]}, "weights must be 4 numbers"),
        ({"weights": [1, -2, 1, 1]}, "weight 1 is -2"),
        ({"weights": [1, np.nan, 1, 1]}, "weight 1 is nan"),
        ({"weights": [0, 0, 0, 0]}, "weights must not all be 0"),
        ({"init": "best"}, "init must be one of divisive, k-means"),
        ({"init": [[1.0]]}, "init must hold 2 centers, not 1"),
        ({"init": [[1.0, 2.0], [3.0, 4.0]]}, r"init must have shape \(k, 1\)"),
        ({"init": [[np.nan], [1.0]]}, "init must be finite"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"max_iter": 0}, "max_iter must be 1 or more, not 0"),
        ({"tol": -1}, "tol must be 0 or more, not -1"),
        ({"tol": float("nan")}, "tol must be 0 or more, not nan"),
        ({"tol": "a"}, "tol must be a number, not str"),
        ({"record": 1}, "record must be True or False, not int"),
        ({"callback": 3}, "callback must be callable, not int"),
        ({"points": [[1j], [2.0]]}, "points must be numbers, not complex128"),
        ({"weights": [1j, 1, 1, 1]}, "weights must be numbers, not complex128"),
        ({"init": [[1j], [2.0]]}, "init must be numbers, not complex128"),
        ({"init": None}, "init must be numbers, not object"),
        ({"effort": 11}, "effort must be 0..10, not 11"),
        ({"threads": 0}, "threads must be 1 or more, not 0"),
        ({"threads": 1.5}, "threads must be an integer"),
    ],
)
def test_bad_arguments_are_refused_by_name_value_and_range(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tinct.kmeans(**{"points": [[1.0], [2.0], [3.0], [9.0]], "k": 2} | arguments)


def test_update_refuses_labels_out_of_range():
    with pytest.raises(ValueError, match=r"labels must be 0\.\.1, not 0\.\.2"):
        tinct.update([[1.0], [2.0]], [0, 2], 2)
    with pytest.raises(ValueError, match="labels must be 2 whole numbers"):
        tinct.update([[1.0], [2.0]], [0.0, 1.0], 2)


def test_update_refuses_more_centers_than_memory_holds_in_one_line():
    for k in (2**31 - 1, 2**40):
        with pytest.raises(ValueError, match=r"^(2147483647 centers of 1 features take|k must be)"):
            tinct.update([[1.0], [2.0]], [0, 1], k)


def test_numbers_of_numpy_are_numbers():
    points = blobs(400, 3, 5)
    how = {"tol": 0.5, "effort": 1, "seed": 3, "max_iter": 9, "threads": 1, "record": True}
    kinds = {"tol": np.float32, "record": np.bool_}
    same = {name: kinds.get(name, np.int64)(value) for name, value in how.items()}
    one, other = tinct.kmeans(points, 5, **how), tinct.kmeans(points, np.uint8(5), **same)
    assert one.centers.tobytes() == other.centers.tobytes()
    assert len(one.history) == len(other.history)
    whole = tinct.kmeans(points, 5, tol=0), tinct.kmeans(points, 5, tol=0.0)
    assert whole[0].centers.tobytes() == whole[1].centers.tobytes()


def test_any_layout_of_the_same_numbers_gives_the_same_result():
    points = blobs(400, 3, 5)
    want = tinct.kmeans(points, 5)
    for same in (np.asfortranarray(points), points[::-1][::-1], points.tolist()):
        assert (tinct.kmeans(same, 5).labels == want.labels).all()
    whole = (points * 3).astype(np.int16)
    assert (tinct.kmeans(whole, 5).labels == tinct.kmeans(whole.astype(float), 5).labels).all()


@pytest.mark.parametrize("d", [2, 3, 4, 5])
def test_points_lie_along_a_curve_that_never_jumps(d):
    grid = np.stack(np.meshgrid(*[np.arange(8.0)] * d, indexing="ij"), axis=-1).reshape(-1, d)
    shuffled = np.random.default_rng(d).permutation(grid)
    pairs, weights = _kernels.Partition(shuffled, None, 1).summary(len(grid) // 2)
    # Means of two and two along the curve: of neighbours, and the next two are beside them.
    assert (weights == 2).all()
    assert (np.sort(pairs % 1, axis=1) == np.r_[np.zeros(d - 1), 0.5]).all()
    assert (np.abs(np.diff(pairs, axis=0)).sum(axis=1) <= 2).all()


def test_a_point_of_weight_zero_far_away_does_not_change_when_the_run_stops():
    points = np.random.default_rng(4).normal(size=(2000, 2))
    far = np.vstack([points, [[-1e9, -1e9]]])
    weights = np.append(np.ones(2000), 0.0)
    without = tinct.kmeans(points, 8, init=points[:8], tol=1e-2)
    run = tinct.kmeans(far, 8, init=points[:8], tol=1e-2, weights=weights)
    assert run.n_iter == without.n_iter
    np.testing.assert_allclose(run.centers, without.centers)
