"""Laws of the scikit-learn estimator."""

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import reference
import tinct
from tinct.clustering import estimator as learn
from tinct.clustering import rows as samples
from tinct.clustering.estimator import KMeans

TABLES = Path(__file__).parents[2] / "shared" / "data" / "tables"
INITS = ["k-means++", "random", "divisive"]
few = settings(max_examples=25, deadline=None)


def blobs(n=300, d=3, k=6, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    spots = rng.normal(size=(k, d)) * 8
    return (spots[rng.integers(k, size=n)] + rng.normal(size=(n, d))).astype(dtype)


@st.composite
def counted_rows(draw):
    """Rows with duplicates, how often each of them stands there, and a K."""
    shape = (draw(st.integers(4, 40)), draw(st.integers(1, 12)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rows = draw(hnp.arrays(np.float64, shape, elements=st.integers(-3, 3).map(float)))
    counts = draw(hnp.arrays(np.int64, shape[0], elements=st.integers(0, 4)))
    k = draw(st.integers(1, min(5, shape[0])))
    assume(counts.sum() >= k)
    return rows.astype(dtype), counts, k


THREADED = 60_000, 51, 34  # samples, features, clusters: enough work that threads are started


def fitted(model):
    return [model.cluster_centers_, model.inertia_, model.n_iter_]


def same_bits(one, other):
    return all(np.array_equal(a, b) for a, b in zip(fitted(one), fitted(other), strict=True))


# ---- scikit-learn's own judgement ----------------------------------------------------------------


@parametrize_with_checks(
    [
        KMeans(),
        KMeans(n_clusters=2, n_init=2, max_iter=5),
        KMeans(n_clusters=3, init="random", effort=0),
        KMeans(n_clusters=3, init="divisive", record=True, n_threads=2),
    ]
)
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_every_check_that_scikit_learn_has_for_estimators_passes(estimator, check):
    check(estimator)


def test_scikit_learns_own_tests_of_kmeans_pass():
    script = Path(__file__).with_name("sklearn_suite.py")
    environment = {**os.environ, "SKLEARN_RUN_FLOAT32_TESTS": "1"}
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stdout
    passed = int(run.stdout.split("| **all** | ")[1].split(" | ")[0])
    assert passed >= 150


# ---- what the result may depend on ---------------------------------------------------------------


@few
@given(counted_rows(), st.sampled_from(INITS))
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_weights_are_copies_to_the_bit_in_any_order_of_the_rows(case, init):
    rows, counts, k = case
    model = KMeans(k, init=init, n_init=2, random_state=0)
    copies = np.repeat(rows, counts, axis=0)
    shuffled = np.random.default_rng(1).permutation(len(rows))
    weighted = clone(model).fit(rows[shuffled], sample_weight=counts[shuffled])
    repeated = clone(model).fit(copies)
    from_sparse = clone(model).fit(sparse.csr_array(copies))
    assert same_bits(weighted, repeated)
    assert same_bits(repeated, from_sparse)
    np.testing.assert_array_equal(weighted.predict(copies), repeated.labels_)


@few
@given(counted_rows(), st.sampled_from(INITS))
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_labels_are_nearest_centers_and_inertia_their_distance(case, init):
    rows, counts, k = case
    model = KMeans(k, init=init, random_state=3).fit(rows, sample_weight=counts)
    nearest = reference.find_closest_centroids(rows, model.cluster_centers_)
    np.testing.assert_array_equal(model.labels_, nearest)
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    assert model.score(rows, sample_weight=counts) == pytest.approx(-model.inertia_, rel=1e-5)
    assert model.cluster_centers_.dtype == rows.dtype


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_number_of_threads_changes_no_bit(init, dtype):
    x = blobs(*THREADED, dtype)
    how = {"init": init, "n_init": 1, "max_iter": 2, "effort": 0, "random_state": 0}
    models = [KMeans(THREADED[2], n_threads=t, **how).fit(x) for t in (1, 2, 5)]
    assert same_bits(models[0], models[1])
    assert same_bits(models[0], models[2])
    np.testing.assert_array_equal(models[0].labels_, models[2].labels_)


def test_different_rows_on_one_place_are_told_apart(monkeypatch):
    x = np.random.default_rng(0).integers(0, 3, (200, 3)).astype(float)
    monkeypatch.setattr(samples, "_places", lambda x: np.zeros(len(x)))
    rows = samples.merge(x, np.ones(len(x)), 1)
    values, counts = np.unique(x, axis=0, return_counts=True)
    order = np.lexsort(rows.points.T[::-1])
    np.testing.assert_array_equal(rows.points[order], values)
    np.testing.assert_array_equal(rows.weights[order], counts)
    np.testing.assert_array_equal(rows.points[rows.of], x)


def test_a_random_state_means_the_same_draws_whatever_its_form():
    x = blobs()
    by_int = KMeans(4, effort=0, random_state=7).fit(x)
    assert same_bits(by_int, KMeans(4, effort=0, random_state=np.random.RandomState(7)).fit(x))
    generators = [np.random.default_rng(7) for _ in range(2)]
    one, other = (KMeans(4, effort=0, random_state=g).fit(x) for g in generators)
    assert same_bits(one, other)
    assert not same_bits(one, KMeans(4, effort=0, random_state=generators[0]).fit(x))


def test_divisive_start_draws_nothing():
    x = blobs()
    models = [KMeans(5, init="divisive", effort=0, random_state=s).fit(x) for s in (0, 1)]
    assert same_bits(*models)


def test_the_samples_are_never_modified():
    x, weights = blobs(), np.arange(300.0)
    before = x.copy()
    KMeans(4, copy_x=False).fit(x, sample_weight=weights)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(weights, np.arange(300.0))


# ---- starts --------------------------------------------------------------------------------------


def starts(init, weights, seed):
    model = KMeans(5, init=init, n_init=1, effort=0, record=True, random_state=seed)
    return model.fit(blobs(), sample_weight=weights).history_[0].centers


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_a_sample_of_weight_zero_is_never_a_start(init):
    weights = np.arange(300) % 2.0
    left_out = {row.tobytes() for row in blobs()[::2]}
    for seed in range(10):
        assert left_out.isdisjoint(c.tobytes() for c in starts(init, weights, seed))


@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_weights_sway_the_draw_of_the_starts(init):
    heavy = np.ones(300)
    heavy[:3] = 1e9
    kept = {row.tobytes() for row in blobs()[:3]}
    assert kept <= {c.tobytes() for c in starts(init, heavy, 0)}
    assert not kept <= {c.tobytes() for c in starts(init, None, 0)}


@pytest.mark.parametrize("as_sparse", [False, True])
def test_a_callable_gets_the_samples_as_they_were_given(as_sparse):
    x = sparse.csr_array(blobs()) if as_sparse else blobs()
    seen = []

    def first_rows(X, n_clusters, random_state):
        seen.append((X, random_state))
        return X[:n_clusters]

    model = KMeans(4, init=first_rows, n_init=2, random_state=0).fit(x)
    by_array = KMeans(4, init=blobs()[:4]).fit(x)
    assert same_bits(model, by_array)
    assert len(seen) == 2
    assert seen[0][0].shape == (300, 3)
    assert isinstance(seen[0][1], np.random.RandomState)


def test_given_centers_mean_lloyds_loop_and_nothing_else():
    x = blobs()
    model = KMeans(4, init=x[:4]).fit(x)
    run = tinct.kmeans(x, 4, init=x[:4], effort=0)
    np.testing.assert_allclose(model.cluster_centers_, run.centers, rtol=1e-12)
    np.testing.assert_array_equal(model.labels_, run.labels)
    assert model.n_iter_ == run.n_iter


def test_more_starts_are_never_worse():
    x = blobs(k=30)
    models = [KMeans(12, effort=0, n_init=n, random_state=1).fit(x) for n in (1, 3, 9)]
    inertia = [m.inertia_ for m in models]
    assert inertia == sorted(inertia, reverse=True)
    assert inertia[-1] < inertia[0]


# ---- watching ------------------------------------------------------------------------------------


def test_history_tells_every_iteration_in_terms_of_the_samples():
    x = np.repeat(blobs(200, k=9), 2, axis=0)
    weights = np.ones(400)
    weights[:5] = 0
    model = KMeans(5, effort=0, record=True, random_state=0).fit(x, sample_weight=weights)
    assert len(model.history_) == model.n_iter_ > 2
    for step in model.history_:
        np.testing.assert_array_equal(step.labels, tinct.assign(x, step.centers)[0])
        squared = tinct.assign(x, step.centers)[1]
        assert step.inertia == pytest.approx(squared @ weights)
    inertia = [step.inertia for step in model.history_] + [model.inertia_]
    assert inertia == sorted(inertia, reverse=True)
    assert KMeans(5).fit(x).history_ == ()


def test_history_names_the_samples_that_fill_empty_clusters():
    x = np.array([[0.0], [0.0], [1.0], [9.0]])
    model = KMeans(2, init=[[0.0], [99.0]], record=True).fit(x)
    assert model.history_[0].empty == (1,)
    assert model.history_[0].filled == (3,)


def test_a_callback_ends_the_fit():
    seen = []

    def twice(step):
        seen.append(step)
        return len(seen) == 2

    x = blobs(k=20)
    model = KMeans(7, init="random", n_init=5, callback=twice, random_state=0).fit(x)
    assert model.n_iter_ == len(seen) == 2
    np.testing.assert_array_equal(model.labels_, model.predict(x))


def test_verbose_prints_the_iterations(capsys):
    model = KMeans(4, verbose=1, tol=0, random_state=0).fit(blobs())
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Initialization complete"
    assert sum(line.startswith("Iteration") for line in lines) == model.n_iter_
    assert lines[-1] == f"Converged at iteration {model.n_iter_}: strict convergence."


# ---- neighbours: threads, processes, pickles, other estimators -----------------------------------


def fit_centers(seed):
    how = {"init": "random", "n_init": 1, "max_iter": 2, "effort": 0, "random_state": seed}
    return KMeans(THREADED[2], n_threads=2, **how).fit(blobs(*THREADED)).cluster_centers_


def test_fits_side_by_side_in_threads_equal_fits_in_turn():
    in_turn = [fit_centers(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        side_by_side = list(pool.map(fit_centers, range(4), timeout=60))
    np.testing.assert_array_equal(side_by_side, in_turn)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fits_after_a_fork_equal_fits_before():
    before = [fit_centers(seed) for seed in range(2)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        after = pool.map_async(fit_centers, range(2)).get(timeout=60)
        assert pool.apply(learn._threads, (None,)) == 1
    np.testing.assert_array_equal(after, before)


def test_a_fit_inside_a_worker_starts_no_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert learn._threads(None) is None
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(learn._threads, None).result() == 1
        assert pool.submit(learn._threads, 3).result() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert learn._threads(None) == 1


def test_a_pickled_model_is_the_same_model():
    x = blobs()
    model = KMeans(4, record=True, random_state=0).fit(x)
    copy = pickle.loads(pickle.dumps(model))
    assert same_bits(model, copy)
    np.testing.assert_array_equal(copy.predict(x), model.labels_)
    assert len(copy.history_) == model.n_iter_


def test_transform_gives_distances_far_from_the_origin_too():
    x = blobs() + 1e8
    model = KMeans(4, random_state=0).fit(x)
    distances = model.transform(x)
    near = np.sqrt(tinct.assign(x, model.cluster_centers_)[1])
    np.testing.assert_allclose(distances.min(axis=1), near, rtol=1e-9)
    np.testing.assert_array_equal(distances.argmin(axis=1), model.labels_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_sparse_samples_mean_what_dense_ones_mean(dtype):
    x = np.where(blobs(dtype=dtype) > 2, blobs(dtype=dtype), 0)
    model = KMeans(4, random_state=0).fit(sparse.csc_array(x))
    assert same_bits(model, KMeans(4, random_state=0).fit(x))
    np.testing.assert_array_equal(model.predict(sparse.coo_array(x)), model.labels_)
    np.testing.assert_array_equal(model.transform(sparse.csr_array(x)), model.transform(x))
    assert model.score(sparse.csr_array(x)) == model.score(x)


def test_output_carries_names_into_pandas():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(blobs(), columns=["a", "b", "c"])
    model = KMeans(2, random_state=0).set_output(transform="pandas")
    assert list(model.fit_transform(table).columns) == ["kmeans0", "kmeans1"]
    assert list(model.feature_names_in_) == ["a", "b", "c"]


# ---- doors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "'n_clusters' parameter"),
        ({"init": "best"}, "'init' parameter"),
        ({"n_init": 0}, "'n_init' parameter"),
        ({"effort": 11}, "'effort' parameter"),
        ({"n_threads": 0}, "'n_threads' parameter"),
        ({"callback": 3}, "'callback' parameter"),
        ({"n_clusters": 301}, "n_samples=300 should be >= n_clusters=301"),
        ({"init": np.zeros((3, 3))}, r"initial centers \(3, 3\) .* number of clusters 8"),
        ({"init": np.zeros((8, 2))}, r"initial centers \(8, 2\) .* number of features .* 3"),
        ({"init": np.full((8, 3), np.nan)}, "init contains NaN"),
    ],
)
def test_what_is_refused_is_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        KMeans(**parameters).fit(blobs())


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(300), "zero for every sample"),
        (np.ones(299), r"shape \(300,\), not \(299,\)"),
        (-np.arange(300.0), "not be negative: one is -299"),
        (np.full(300, np.inf), "sample_weight contains infinity"),
        (np.full(300, 1j), "sample_weight must be numbers, not complex128"),
    ],
)
def test_weights_that_are_refused_are_named(weights, message):
    with pytest.raises((TypeError, ValueError), match=message):
        KMeans(2).fit(blobs(), sample_weight=weights)


@pytest.mark.parametrize("init", [*INITS, [[0.0], [1.0], [1.0], [5.0]]])
def test_fewer_different_samples_than_clusters_warn_and_fit_exactly(init):
    with pytest.warns(ConvergenceWarning, match=r"distinct clusters \(2\) .* n_clusters \(4\)"):
        model = KMeans(4, init=init, n_init=1).fit([[0.0], [1.0], [1.0], [0.0], [1.0]])
    assert model.inertia_ == 0
    assert model.cluster_centers_.shape == (4, 1)


def test_without_scikit_learn_the_missing_extra_is_named():
    code = "import sys; sys.modules['sklearn'] = None; import tinct.clustering.estimator"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: tinct.KMeans needs scikit-learn" in run.stderr
    assert "pip install tinct[learn]" in run.stderr


# ---- how good the result is ----------------------------------------------------------------------


def test_the_default_finds_every_one_of_well_separated_clusters():
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid(range(6), range(6)), axis=-1).reshape(-1, 2) * 100.0
    x = np.repeat(corners, 50, axis=0) + rng.normal(size=(1800, 2))
    for seed in range(5):
        model = KMeans(36, random_state=seed).fit(x)
        assert np.bincount(model.labels_).tolist() == [50] * 36


@pytest.mark.skipif(not TABLES.exists(), reason="wants the tables of ../shared/data")
def test_the_default_is_within_one_percent_of_the_best_known_on_average():
    rows = np.genfromtxt(TABLES / "REFERENCE_SSE.csv", delimiter=",", dtype=str, skip_header=1)
    excess = []
    for name, n, _, k, *_, best, _, _ in rows:
        found = [path for path in TABLES.glob(f"*/{name}.csv") if int(n) < 10_000]
        if found:
            x = np.loadtxt(found[0], delimiter=",")
            excess.append(KMeans(int(k), random_state=0).fit(x).inertia_ / float(best) - 1)
    assert len(excess) > 20
    assert np.mean(excess) < 0.01
