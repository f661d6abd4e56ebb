"""K-means of points far from the origin, very large, very small, and weighted very unlike."""

import math
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import reference
import tinct
from tinct.clustering.choose import choose_k, silhouette
from tinct.tables import Table, standardize

CASES = 90


def far_off(seed):
    """Points with clusters, some or all columns far from the origin, and how to cluster them."""
    rng = np.random.default_rng(seed)
    d = int(rng.choice([1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 12, 17, 33, 64, 130]))
    k = int(rng.choice([1, 2, 3, 8, 20, 60, 300]))
    n = int(k + rng.integers(2, max(60, min(800, 150_000 // (k * d)))))
    dtype = rng.choice([np.float32, np.float64, np.float64])
    clusters = rng.normal(size=(max(k // 2, 2), d)) * rng.choice([3, 30])
    x = clusters[rng.integers(len(clusters), size=n)] + rng.normal(size=(n, d))
    offset = 10.0 ** rng.uniform(0, 12 if dtype is np.float64 else 5) * rng.choice([-1, 1])
    x[:, rng.random(d) < rng.choice([0.3, 1])] += offset
    if rng.random() < 0.5:  # a second clump, so that nothing can be moved near the origin
        x[: n // 2] -= offset
    x = (x * 10.0 ** rng.integers(-3, 4)).astype(dtype)
    weights = rng.choice([None, "even", "wide"])
    if weights is not None:
        weights = rng.random(n) if weights == "even" else 10.0 ** rng.uniform(-15, 15, n)
        weights[rng.random(n) < 0.1] = 0
        weights[0] = 1
    init = rng.choice(["divisive", "k-means++", "random", "points"])
    init = x[rng.permutation(n)[:k]] if init == "points" else str(init)
    how = {"weights": weights, "init": init, "effort": int(rng.integers(4)), "seed": seed}
    return (
        x,
        k,
        how | {"max_iter": int(rng.choice([1, 4, 30])), "tol": float(rng.choice([0, 1e-4]))},
    )


def assert_nearest(x, centers, labels):
    assert reference.excess(x, centers, labels).max() <= (x.shape[1] + 4) * np.finfo(x.dtype).eps


def cluster_far_off(seeds):
    for seed in seeds:
        x, k, how = far_off(seed)
        if isinstance(how["init"], str) and len(np.unique(x, axis=0)) < 2 * k:
            how["init"] = "divisive"  # too few for "random"
        run = tinct.kmeans(x, k, record=True, **how)
        for seen in (*run.history, run):
            assert np.isfinite(seen.centers).all(), seed
            assert_nearest(x, seen.centers, seen.labels)
        assert (run.labels == tinct.assign(x, run.centers)[0]).all(), seed


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_each_label_is_a_nearest_center_wherever_the_points_lie(isa):
    """A third of the cases in a process forced to each instruction set the machine has."""
    start = ["baseline", "avx2", "avx512"].index(isa)
    code = f"import test_far_and_wide as t; t.cluster_far_off(range({start}, {CASES}, 3))"
    env = os.environ | {"TINCT_SIMD": isa, "PYTHONPATH": os.path.dirname(__file__)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("seed", range(12))
def test_the_estimator_predicts_its_own_labels_wherever_the_samples_lie(seed):
    rng = np.random.default_rng(seed)
    d, k = int(rng.integers(6, 40)), int(rng.integers(2, 12))
    of = rng.integers(k, size=900)
    x = rng.normal(size=(900, d))
    x[:, 0] += 10.0 ** rng.uniform(6, 11) + 6 * of
    weights = None if seed % 2 else rng.integers(0, 4, 900)
    model = tinct.KMeans(k, random_state=seed).fit(x, sample_weight=weights)
    assert (model.labels_ == model.predict(x)).all()
    assert_nearest(x, model.cluster_centers_, model.labels_)


def test_moving_points_by_a_whole_number_moves_the_centers_alone():
    points = np.random.default_rng(3).integers(-50, 50, (700, 7)).astype(float)
    near = tinct.kmeans(points, 9, record=True)
    far = tinct.kmeans(points + 2.0**40, 9, record=True)
    assert far.labels.tolist() == near.labels.tolist()
    np.testing.assert_allclose(far.centers - 2.0**40, near.centers, atol=2.0**-12)


# ---- no NaN from finite numbers ------------------------------------------------------------------


def groups(power):
    """Three groups of 20 points, and which is whose, as large as 10**power."""
    rng = np.random.default_rng(0)
    of = np.repeat([1, 2, 3], 20)
    return (of[:, None] + rng.normal(size=(60, 2)) * 0.01) * float(f"1e{power}"), of


def assert_found(labels, of):
    assert len(set(zip(labels.tolist(), of.tolist(), strict=True))) == 3


SIZES = (-310, -200, -160, -100, -81, 81, 119)


@pytest.mark.parametrize("power", SIZES)
@pytest.mark.parametrize("init", ["divisive", "k-means++"])
def test_groups_are_found_at_any_size_of_the_numbers(power, init):
    x, of = groups(power)
    run = tinct.kmeans(x, 3, init=init, effort=2, record=True)
    assert_found(run.labels, of)
    assert math.isfinite(run.inertia)
    assert run.converged
    assert_found(tinct.assign(x, run.centers)[0], of)
    np.testing.assert_array_equal(run.history[-1].labels, run.labels)
    assert_found(tinct.KMeans(3, random_state=0).fit(x).labels_, of)
    assert silhouette(x, [of])[0] > 0.9
    beside = np.column_stack([np.ones(60), x])  # a constant column says nothing
    assert_found(tinct.kmeans(beside, 3, init=init).labels, of) if power < 0 else None


@pytest.mark.parametrize("power", [*SIZES, -320, 160, 307])
def test_standardized_columns_are_the_same_at_any_size(power):
    x, of = groups(power)
    table, scale = standardize(Table(x, ("a", "b"), "groups"))
    run = tinct.kmeans(table.values, 3)
    assert_found(run.labels, of)
    np.testing.assert_allclose(
        scale.undo(run.centers),
        tinct.update(x, run.labels, 3)
        if power < 120
        else [[math.fsum(column[run.labels == i] / 20) for column in x.T] for i in range(3)],
        rtol=1e-12 if power > -300 else 0.1,
    )


@pytest.mark.parametrize("seed", range(40))
def test_weights_however_unlike_leave_every_center_among_its_points(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(5, 200)), int(rng.choice([1, 2, 6]))
    k = int(rng.integers(1, min(n, 12)))
    x = rng.normal(size=(n, d)) * 10
    reach = rng.choice([20, 300])
    w = 10.0 ** rng.uniform(-reach, reach, n)
    run = tinct.kmeans(x, k, weights=w, init=x[:k], effort=seed % 3, record=True)
    for seen in (*run.history, run):
        assert np.isfinite(seen.centers).all()
        assert (seen.centers >= x.min(axis=0) - 1e-6).all()
        assert (seen.centers <= x.max(axis=0) + 1e-6).all()
    assert np.isfinite(run.inertia)


def test_a_heavy_point_that_leaves_takes_no_light_one_along():
    x = np.array([[0.0], [0.6], [1.0], [10.0]])
    run = tinct.kmeans(
        x, 2, weights=[1, 1, 1e20, 1e20], init=[[0.7], [10.0]], record=True, effort=0
    )
    assert all(np.isfinite(seen.centers).all() for seen in run.history)
    moving = tinct.kmeans(
        np.array([[0.0], [1.0], [2.0]]), 2, weights=[1, 1e20, 1e20], init=[[0.4], [5.0]], tol=0
    )
    assert np.isfinite(moving.centers).all()


@pytest.mark.parametrize("d", [1, 6])
@pytest.mark.parametrize("heavy", [1e6, 1e12, 1e16, 1e17, 1e20, 1e40])
def test_heavy_points_that_leave_a_cluster_take_no_light_one_along(heavy, d):
    x = np.repeat([[-1.7], [-1.0], [0.1], [1.0], [1.7]], d, axis=1)
    start = np.repeat([[-3.0], [0.0], [3.0]], d, axis=1)
    run = tinct.kmeans(x, 3, weights=[heavy, heavy, 1, heavy, heavy], init=start, record=True)
    assert all(np.isfinite(seen.centers).all() for seen in run.history)
    np.testing.assert_allclose(run.centers[:, 0], [-1.35, 0.1, 1.35])


@pytest.mark.parametrize("weights", [[1e308] * 4, [1, 1, 1, 1e308]])
def test_weights_whose_inertia_would_overflow_are_refused(weights):
    x = [[0.0], [1.0], [1e9], [2e9]]
    with pytest.raises(ValueError, match=r"weights must add up to less than .* would overflow"):
        tinct.kmeans(x, 2, weights=weights)
    with pytest.raises(ValueError, match="sample_weight must add up to a finite number"):
        tinct.KMeans(2).fit(x, sample_weight=[1e308] * 4)


@pytest.mark.parametrize("copies", [3, 7, 1000])
@pytest.mark.parametrize("value", [0.1, 0.7, 1 / 3])
def test_rows_alike_and_fewer_than_k_converge(copies, value):
    for rows, k in ([[value]], 2), ([[value], [2.3], [-0.6]], 5):
        run = tinct.kmeans(np.repeat(rows, copies, axis=0), k)
        assert run.converged
        assert (run.inertia, run.n_iter <= 3) == (0, True)


# ---- words ---------------------------------------------------------------------------------------


def test_choosing_k_needs_different_points_and_says_so():
    with pytest.raises(ValueError, match="points must be 3 or more to choose K from, not 2"):
        choose_k([[0.0], [1.0]])
    with pytest.raises(ValueError, match="number of different points, 1, not with 2"):
        choose_k(np.ones((20, 2)))
    assert choose_k([[0.0], [0.0], [1.0], [1.0], [5.0]], range(2, 5)).suggested == 3


@pytest.mark.parametrize("threads", [0, -1, 2.0, True])
def test_threads_are_refused_by_name_wherever_they_are_asked_for(threads):
    x, pixels = np.arange(6.0)[:, None], np.zeros((9, 9, 3), np.uint8)
    for ask in (
        lambda: tinct.kmeans(x, 2, threads=threads),
        lambda: tinct.assign(x, x[:2], threads=threads),
        lambda: choose_k(x, [2], threads=threads),
        lambda: tinct.compress(pixels, 2, threads=threads),
        lambda: tinct.remap(pixels, pixels[0, :2], threads=threads),
        lambda: tinct.ssimulacra2(pixels, pixels, threads=threads),
    ):
        with pytest.raises((TypeError, ValueError), match="threads must be"):
            ask()


def test_any_number_of_threads_will_do():
    x, pixels = np.arange(6.0)[:, None], np.zeros((9, 9, 3), np.uint8)
    most = 10**20
    assert tinct.kmeans(x, 2, threads=most).converged
    assert len(tinct.assign(x, x[:2], threads=most)[0]) == 6
    assert not tinct.remap(pixels, pixels[0, :2], threads=most).any()
    assert tinct.ssimulacra2(pixels, pixels, threads=most) == 100


def test_a_matrix_is_taken_as_the_table_it_is():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        x = np.matrix(groups(0)[0])
    run = tinct.kmeans(x, 3, init=x[::20])
    assert type(run.centers) is np.ndarray
    assert tinct.assign(x, x[:3])[0].shape == (60,)
    assert tinct.update(x, run.labels, 3).tolist() == run.centers.tolist()
