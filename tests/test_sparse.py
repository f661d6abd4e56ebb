"""Laws of K-means on sparse rows."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import reference_sparse as reference
from tinct.clustering import memory, rows
from tinct.clustering.estimator import KMeans

INITS = ["k-means++", "random", "divisive"]
pytestmark = pytest.mark.filterwarnings("ignore:Number of distinct clusters")


@pytest.fixture(autouse=True)
def _stay_sparse(monkeypatch):
    """Small tables too."""
    monkeypatch.setattr(rows, "DENSE_BYTES", -1)
    monkeypatch.setattr(rows, "DENSE_TIMES", 0)


def texts(n=400, d=300, topics=5, density=0.05, seed=0, dtype=np.float64, offset=0.0):
    """Rows of a few words, most from the part of the columns that is their topic's."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, d), dtype)
    topic = rng.integers(topics, size=n)
    for i in range(n):
        words = rng.integers(d // topics, size=max(1, int(d * density))) + topic[i] * (d // topics)
        words[rng.random(len(words)) < 0.2] = rng.integers(d)
        x[i, words] = rng.random(len(words)) + 0.1
    x[:, 0] += offset
    return sparse.csr_array(x)


@st.composite
def tables(draw):
    """Rows of many sizes, some empty or alike, far off or not; weights; K."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 30)), draw(st.sampled_from([1, 2, 3, 9, 40]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    whole = draw(st.booleans())
    x = rng.integers(-3, 4, (n, d)).astype(float) if whole else rng.normal(size=(n, d))
    x *= rng.random((n, d)) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    x[rng.random(n) < 0.2] = x[0]
    x *= 10.0 ** draw(st.sampled_from([-12, 0, 0, 0, 12]))
    x[:, 0] += draw(st.sampled_from([0, 0, 0, 1e3, 1e6, 1e9, 1e12])) * np.abs(x).max()
    if np.abs(x).max() > 1e15 and dtype == np.float32:
        x *= 1e-12
    weights = rng.choice([0, 1, 1, 2.5, 7], n) * 10.0 ** draw(st.sampled_from([0, 0, -200, 200]))
    weights[0] = weights.max() or 1.0
    return sparse.csr_array(x.astype(dtype)), weights, draw(st.integers(1, min(n, 20)))


def dense(X):
    return np.asarray(X.todense())


def same_bits(one, other):
    for name in ["cluster_centers_", "inertia_", "n_iter_", "labels_"]:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


# ---- labels, centers, inertia --------------------------------------------------------------------


@settings(max_examples=80)
@given(tables(), st.sampled_from(INITS), st.integers(0, 3))
def test_each_label_is_a_nearest_center_in_exact_arithmetic(case, init, effort):
    X, weights, k = case
    model = KMeans(k, init=init, n_init=1, effort=effort, random_state=0)
    model.fit(X, sample_weight=weights)
    squares = reference.squared_distances(reference.rows_of(X), model.cluster_centers_)
    for label, row in zip(model.labels_, squares, strict=True):
        assert row[label] <= min(row) * (1 + 2**-50)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    exact = float(
        sum(
            s[c] * w
            for s, c, w in zip(
                squares, model.labels_, map(reference.Fraction, weights), strict=True
            )
        )
    )
    assert model.inertia_ == pytest.approx(exact, rel=1e-9)
    assert model.score(X, sample_weight=weights) == pytest.approx(-exact, rel=1e-9)
    found = model.transform(X)
    np.testing.assert_allclose(found, np.sqrt(np.array(squares, float)), rtol=1e-6, atol=1e-300)
    assert found.dtype == model.cluster_centers_.dtype == X.dtype


@settings(max_examples=60)
@given(tables(), st.sampled_from(INITS))
def test_centers_at_rest_are_the_means_of_their_rows(case, init):
    X, weights, k = case
    model = KMeans(k, init=init, n_init=1, effort=0, tol=0, random_state=0, record=True)
    model.fit(X, sample_weight=weights)
    assert np.isfinite(model.cluster_centers_).all()
    means = reference.means(reference.rows_of(X), weights, model.labels_, k, X.shape[1])
    size = float(np.abs(X.data).max(initial=0))
    for mean, center in zip(means, model.cluster_centers_, strict=True):
        if mean is not None:
            np.testing.assert_allclose(
                center,
                np.array(mean, float),
                rtol=3e-7 if X.dtype == np.float32 else 1e-12,
                atol=size * 1e-13,
            )
    inertia = [step.inertia for step in model.history_] + [model.inertia_]
    assert all(b <= a * (1 + 1e-6) + 1e-300 for a, b in itertools.pairwise(inertia))


@settings(max_examples=60)
@given(tables(), st.sampled_from(INITS), st.integers(0, 2))
def test_threads_order_copies_and_the_way_it_is_stored_change_no_bit(case, init, effort):
    X, weights, k = case
    how = {"init": init, "n_init": 1, "effort": effort, "random_state": 0}
    model = KMeans(k, n_threads=1, **how).fit(X, sample_weight=weights)
    same_bits(model, KMeans(k, n_threads=3, **how).fit(X, sample_weight=weights))
    halves = np.r_[X.data, X.data] / 2, [np.tile(i, 2) for i in X.nonzero()]
    doubled = sparse.coo_array(halves, X.shape)
    long = sparse.csr_matrix(X)
    long.indices, long.indptr = long.indices.astype(np.int64), long.indptr.astype(np.int64)
    unsorted = sparse.csr_array(X[:, ::-1])
    unsorted.indices, unsorted.has_sorted_indices = X.shape[1] - 1 - unsorted.indices, False
    unsorted.has_canonical_format = False
    for other in [X.tocsc(), X.tocoo(), doubled, long, unsorted]:
        same_bits(model, KMeans(k, **how).fit(other, sample_weight=weights))
    order = np.random.default_rng(0).permutation(len(weights))
    shuffled = KMeans(k, **how).fit(X[order], sample_weight=weights[order])
    np.testing.assert_array_equal(shuffled.labels_, model.labels_[order])
    np.testing.assert_array_equal(shuffled.cluster_centers_, model.cluster_centers_)


@pytest.mark.parametrize("init", INITS)
def test_several_threads_change_no_bit(init):
    X = texts(1500, 1000, density=0.3)
    assert X.nnz * 20 > 4e6  # enough work that threads are started
    weights = np.random.default_rng(0).random(1500)
    how = {"init": init, "n_init": 1, "max_iter": 5, "effort": 1, "random_state": 0}
    models = [KMeans(20, n_threads=t, **how).fit(X, sample_weight=weights) for t in (1, 2, 5)]
    same_bits(models[0], models[1])
    same_bits(models[0], models[2])


@settings(max_examples=30)
@given(tables(), st.sampled_from(["k-means++", "random"]))
def test_a_weight_is_so_many_copies(case, init):
    X, _, k = case
    counts = np.random.default_rng(k).integers(1, 4, X.shape[0])
    model = KMeans(k, init=init, n_init=2, random_state=0)
    copies = sparse.csr_array(X[np.repeat(np.arange(len(counts)), counts)])
    repeated = KMeans(k, init=init, n_init=2, random_state=0).fit(copies)
    model.fit(X, sample_weight=counts)
    np.testing.assert_array_equal(np.repeat(model.labels_, counts), repeated.labels_)
    np.testing.assert_array_equal(model.cluster_centers_, repeated.cluster_centers_)
    assert model.inertia_ == repeated.inertia_


# scikit-learn takes seconds to import: once, before a process for each instruction set forks off.
SCRIPT = """
import hashlib, os, sys, hypothesis, numpy as np, pytest, sklearn.base
sys.path.insert(0, 'tests')

def digest():
    from test_sparse import texts
    from tinct import _kernels
    from tinct.clustering import rows
    from tinct.clustering.estimator import KMeans
    rows.DENSE_BYTES, rows.DENSE_TIMES = -1, 0
    found = hashlib.sha256()
    for dtype in [np.float32, np.float64]:
        for k, init in [(3, "k-means++"), (20, "k-means++"), (9, "divisive"), (70, "random")]:
            for offset in [0, 1000]:
                X = texts(200, dtype=dtype, offset=offset)
                model = KMeans(k, init=init, n_init=1, random_state=0, effort=2).fit(X)
                found.update(model.cluster_centers_.tobytes() + model.labels_.tobytes())
                found.update(model.transform(X).tobytes() + repr(model.inertia_).encode())
    print(_kernels.isa(), found.hexdigest(), flush=True)

for isa in ["baseline", "avx2", "avx512"]:
    assert 'tinct' not in sys.modules
    if not os.fork():
        os.environ["TINCT_SIMD"] = isa
        digest()
        os._exit(0)
    assert os.wait()[1] == 0
"""


@pytest.mark.skipif(os.name != "posix", reason="has but the baseline")
def test_the_instruction_set_changes_no_bit():
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    sets, digests = zip(*map(str.split, run.stdout.splitlines()), strict=True)
    assert len(sets) == 3
    assert sets[0] == "baseline"
    assert len(set(digests)) == 1, run.stdout


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 5, 8, 30, 150])
def test_the_same_start_ends_where_the_dense_engine_ends(monkeypatch, k, dtype):
    X = texts(600, dtype=dtype)
    start = dense(X)[np.random.default_rng(k).choice(600, k, replace=False)]
    model = KMeans(k, init=start, tol=0).fit(X)
    other = KMeans(k, init=start, tol=0).fit(dense(X))
    np.testing.assert_array_equal(model.labels_, other.labels_)
    assert model.n_iter_ == other.n_iter_
    np.testing.assert_allclose(model.cluster_centers_, other.cluster_centers_, rtol=1e-5, atol=1e-6)
    assert model.inertia_ == pytest.approx(other.inertia_, rel=1e-6)
    drawn, by_dense = (KMeans(k, effort=0, random_state=1, tol=0).fit(x) for x in (X, dense(X)))
    assert drawn.inertia_ == pytest.approx(by_dense.inertia_, rel=1e-5)


def test_the_search_finds_better_and_effort_is_never_worse():
    X = texts(500, topics=20)
    inertia = [KMeans(20, effort=e, random_state=3).fit(X).inertia_ for e in (0, 1, 3)]
    assert inertia[0] > inertia[1] >= inertia[2]


def test_history_tells_every_iteration_in_terms_of_the_samples():
    X = texts(90, 60)
    weights = np.arange(90) % 3.0
    model = KMeans(5, record=True, random_state=0, effort=0, tol=0).fit(X, sample_weight=weights)
    assert len(model.history_) == model.n_iter_ > 2
    for step in model.history_:
        squares = np.array(reference.squared_distances(reference.rows_of(X), step.centers), float)
        np.testing.assert_array_equal(step.labels, squares.argmin(axis=1))
        assert step.inertia == pytest.approx(squares.min(axis=1) @ weights)


def test_an_empty_cluster_takes_the_sample_that_is_served_worst():
    X = sparse.csr_array(np.array([[0.0, 0], [0, 0], [1, 0], [9, 0]]))
    model = KMeans(2, init=[[0.0, 0], [99, 0]], record=True).fit(X)
    assert model.history_[0].empty == (1,)
    assert model.history_[0].filled == (3,)
    assert model.labels_.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("init", [*INITS, [[0.0, 0], [1, 0], [1, 0], [5, 0]]])
def test_fewer_different_samples_than_clusters_fit_exactly(init):
    X = sparse.csr_array(np.array([[0.1, 0], [0, 0.3], [0, 0.3], [0.1, 0], [0, 0.3]]))
    model = KMeans(4, init=init, n_init=1).fit(X)
    assert model.inertia_ == 0
    assert model.n_iter_ < 5


def test_what_is_refused_is_named():
    for big in [1e130, 1e-130]:
        with pytest.raises(ValueError, match=r"must lie within 1e-120..1e\+120, not be 1e[+-]130"):
            KMeans(1).fit(sparse.csr_array(np.array([[big, 0], [0, 0], [0, 0]])))
    wide = sparse.csr_array((np.array([1.0]), [0], np.r_[0, np.ones(3000, int)]), (3000, 2 * 10**9))
    with pytest.raises(ValueError, match=r"^2000 centers of 2000000000 features take 64,000\.0 GB"):
        KMeans(2000).fit(wide)


# ---- memory --------------------------------------------------------------------------------------


def test_nothing_of_the_size_of_the_dense_table_is_made():
    code = """
import resource, numpy as np
from scipy import sparse
from tinct.clustering.estimator import KMeans
X = sparse.random_array((20_000, 30_000), density=1e-3, format="csr", rng=0)
KMeans(2).fit(X[:300])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = KMeans(5, max_iter=3, random_state=0).fit(X)
model.predict(X), model.transform(X), model.score(X)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 40_000  # kilobytes; 4.8 million as a dense table


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "5000"}, 5000),
        ("0::/", {"memory.max": "7000"}, 7000),
        ("0::/unseen/here", {"memory.max": "7000"}, 7000),
        ("4:memory:/x/y\n0::/", {"memory/x/y/memory.limit_in_bytes": "6000"}, 6000),
        ("4:cpu,memory:/x", {"memory/memory.limit_in_bytes": "9000"}, 9000),
        ("3:cpu:/x", {"memory/memory.limit_in_bytes": "9000"}, None),
    ],
)  # fmt: skip
def test_memory_is_what_the_control_groups_allow(tmp_path, groups, files, limit):
    machine = memory.memory(tmp_path)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups + "\n")
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    assert memory.memory(tmp_path) == (limit or machine)
    assert machine > 2**28


def test_scikit_learns_own_tests_pass_on_sparse_rows_that_stay_sparse():
    script = Path(__file__).with_name("sklearn_suite.py")
    command = [
        sys.executable,
        script,
        "--stay-sparse",
        "-k",
        "(csr or sparse) and not test_dense_sparse",
    ]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    assert int(run.stdout.split("| **all** | ")[1].split(" | ")[0]) >= 40
