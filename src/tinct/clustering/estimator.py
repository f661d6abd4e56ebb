"""K-means as a scikit-learn estimator: its names and its manners around `tinct.kmeans`, one engine.

The estimator adds what an estimator owes its callers: checks, warnings, several starts, sparse
rows; in rows.py equal rows become one.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinct.checks import numbers
from tinct.clustering import sparse
from tinct.clustering.arguments import Floats
from tinct.clustering.kmeans import Iteration, KMeansResult
from tinct.clustering.starts import STARTS

try:
    from scipy.sparse import issparse
    from scipy.spatial.distance import cdist
    from sklearn.base import (
        BaseEstimator,
        ClassNamePrefixFeaturesOutMixin,
        ClusterMixin,
        TransformerMixin,
    )
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils import check_array, check_random_state
    from sklearn.utils._param_validation import Interval, StrOptions
    from sklearn.utils.validation import check_is_fitted, validate_data

    from tinct.clustering.rows import Rows, engine_takes, merge, nearest
    from tinct.clustering.scattered import inertia_of_parts, kmeans_scattered, labels_of_parts
    from tinct.clustering.sources import Source, source_of
except ImportError as error:
    raise ImportError(
        f"tinct.KMeans needs scikit-learn 1.6 or newer: pip install tinct[learn] ({error})"
    ) from error

__all__ = ["KMeans"]

Draws = np.random.RandomState | np.random.Generator


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """K-means clustering with scikit-learn's interface.

    Parameters and attributes mean what they mean in ``sklearn.cluster.KMeans``; ``effort``,
    ``n_threads``, ``callback``, ``record`` and ``history_`` are additions. The result depends on
    the data and on ``random_state``: not on the number of threads, not on the order of the rows,
    not on whether a row is repeated or weighted. Sparse samples stay sparse, unless they are small
    or hardly sparse: a fit takes memory for the centers, twice, and for some numbers per sample and
    feature.

    Parameters
    ----------
    n_clusters : int
        Number of clusters, at most the number of samples.
    init : {"k-means++", "random", "divisive"}, (n_clusters, n_features) array or callable
        As in `tinct.kmeans`; a callable is called as ``init(X, n_clusters, random_state=...)`` with
        the rows as they were given.
    n_init : "auto" or int
        Number of starts, of which the best result is kept. ``"auto"`` is 10 for ``"random"`` and a
        callable, 1 for anything else. ``"divisive"`` draws nothing at random: it starts once.
    max_iter, tol, effort, callback, record
        As in `tinct.kmeans`, for each start; ``effort`` 1 on sparse samples is two steps of the
        search. ``history_`` holds the recorded iterations of the best start.
    verbose : int
        Print a line for each iteration.
    random_state : int, RandomState, Generator or None
        Each start draws one whole number from it, the ``seed`` of `tinct.kmeans`; an int stands
        for ``numpy.random.RandomState(int)``, None for NumPy's global state.
    copy_x, algorithm : bool, {"lloyd", "elkan"}
        Accepted: samples are never modified, and there is one exact engine.
    n_threads : int, optional
        By default as many as the machine has and the work is worth, and one where the caller is
        itself a worker thread or process, or says so by ``OMP_NUM_THREADS=1``.

    Attributes
    ----------
    cluster_centers_ : (n_clusters, n_features) float
        In the dtype of the samples.
    labels_ : (n_samples,) int32
        The nearest center of every sample: what ``predict`` says of them.
    inertia_, n_iter_ : float, int
        As in `tinct.KMeansResult`, of the best start.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> model.cluster_centers_[model.predict([[12, 3]])], model.inertia_
    (array([[10.,  2.]]), 16.0)
    """

    # Ranges as data, as scikit-learn keeps them: what breaks one raises its InvalidParameterError.
    _parameter_constraints = {  # noqa: RUF012  # read by scikit-learn, written by nobody
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions(set(STARTS)), callable, "array-like"],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state", np.random.Generator],
        "copy_x": ["boolean"],
        "algorithm": [StrOptions({"lloyd", "elkan"})],
        "effort": [None, Interval(Integral, 0, 10, closed="both")],
        "n_threads": [None, Interval(Integral, 1, None, closed="left")],
        "callback": [None, callable],
        "record": ["boolean"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | ArrayLike | Callable[..., ArrayLike] = "k-means++",
        n_init: str | int = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        verbose: int = 0,
        random_state: int | Draws | None = None,
        copy_x: bool = True,
        algorithm: str = "lloyd",
        effort: int | None = None,
        n_threads: int | None = None,
        callback: Callable[[Iteration], object] | None = None,
        record: bool = False,
    ) -> None:
        self.n_clusters, self.init, self.n_init = n_clusters, init, n_init
        self.max_iter, self.tol, self.verbose = max_iter, tol, verbose
        self.random_state, self.copy_x, self.algorithm = random_state, copy_x, algorithm
        self.effort, self.n_threads = effort, n_threads
        self.callback, self.record = callback, record

    def fit(self, X: Any, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Find the centers.

        `X` is (n_samples, n_features), dense or sparse: float32 or float64, other numbers taken as
        float64, other sparse formats as CSR; or data in parts, as `tinct.kmeans` takes them, and
        labels and distances are as its labels then. `sample_weight` is (n_samples,), none negative;
        a sample of weight 0 only gets a label. ValueError for samples, weights or parameters out of
        range; a ConvergenceWarning when fewer than ``n_clusters`` samples are different, a
        RuntimeWarning when ``init`` is an array but ``n_init`` asks for several starts.
        """
        self._validate_params()
        source = source_of(X, sample_weight)
        if source is not None:
            return self._fit_parts(X, source)
        X = self._samples(X, reset=True)
        if X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")
        if self.algorithm == "elkan" and self.n_clusters == 1:
            warnings.warn(
                "algorithm='elkan' doesn't make sense for a single cluster. Using 'lloyd' instead.",
                RuntimeWarning,
                stacklevel=2,
            )
        weights = _weights(sample_weight, X.shape[0])
        if issparse(X):
            sparse.check_room(self.n_clusters, X.shape[1], X.dtype.itemsize)
        rows = merge(engine_takes(X), weights, self.n_clusters)
        run, self.history_ = self._best_run(X, rows)
        self.cluster_centers_ = run.centers
        self.labels_ = rows.labels(run)
        self.inertia_ = run.inertia
        self.n_iter_ = run.n_iter
        self._n_features_out = self.n_clusters
        self._warn_of_few(int(np.count_nonzero(np.bincount(run.labels, rows.weights))))
        return self

    def predict(self, X: Any) -> Any:
        """Nearest center of every sample: (n_samples,) int32; of parts as ``labels_`` is then."""
        check_is_fitted(self)
        if (source := source_of(X)) is not None:
            return labels_of_parts(source, self.cluster_centers_)
        return self._assigned(X)[0]

    def transform(self, X: Any) -> Any:
        """Distances to the centers: (n_samples, n_clusters), in the dtype of the samples."""
        check_is_fitted(self)
        if (source := source_of(X)) is not None:
            dtype = self.cluster_centers_.dtype
            return source.mapped(self.transform, dtype, len(self.cluster_centers_))
        rows = engine_takes(self._samples(X))
        if isinstance(rows, sparse.Table):
            return sparse.distances(rows, self.cluster_centers_, _threads(self.n_threads))
        # Differences, not the faster |x|^2 - 2 x.c + |c|^2, which loses the digits of points far
        # from the origin; and no BLAS, whose threads would crowd those of the caller.
        return cast(Floats, cdist(rows, self.cluster_centers_).astype(rows.dtype, copy=False))

    def score(self, X: Any, y: object = None, sample_weight: ArrayLike | None = None) -> float:
        """Negative inertia: the larger, the nearer the samples are to the centers."""
        check_is_fitted(self)
        if (source := source_of(X, sample_weight)) is not None:
            return -inertia_of_parts(source, self.cluster_centers_)
        squared = self._assigned(X)[1].astype(np.float64)
        return -float(squared @ _weights(sample_weight, len(squared)))

    def fit_predict(
        self, X: Any, y: object = None, sample_weight: ArrayLike | None = None
    ) -> NDArray[np.int32]:
        """``fit``, then the labels of the same samples."""
        return self.fit(X, sample_weight=sample_weight).labels_

    def fit_transform(
        self, X: Any, y: object = None, sample_weight: ArrayLike | None = None
    ) -> Any:
        """``fit``, then the distances of the same samples."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def _fit_parts(self, X: Any, source: Source) -> Self:
        """`fit` where no memory holds the samples; several starts are for those that it does."""
        if self.n_init not in ("auto", 1):
            raise ValueError(f"n_init must be 1 or 'auto' for data in parts, not {self.n_init}")
        draws = check_random_state(self.random_state)
        seed = draws.randint(2**31) if hasattr(draws, "randint") else draws.integers(2**31)
        run = kmeans_scattered(
            source,
            self.n_clusters,
            init=self.init,
            seed=int(seed),
            max_iter=self.max_iter,
            tol=self.tol,
            effort=int(isinstance(self.init, str)) if self.effort is None else self.effort,
            threads=self.n_threads,
            callback=self.callback,
        )
        self.cluster_centers_, self.labels_ = run.centers, run.labels
        self.inertia_, self.n_iter_, self.history_ = run.inertia, run.n_iter, ()
        self.n_features_in_, self._n_features_out = run.centers.shape[1], self.n_clusters
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _samples(self, X: Any, reset: bool = False) -> Any:
        return validate_data(
            self, X, reset=reset, accept_sparse="csr", dtype=[np.float64, np.float32], order="C"
        )

    def _assigned(self, X: Any) -> tuple[NDArray[np.int32], Floats]:
        rows = engine_takes(self._samples(X))
        return nearest(rows, self.cluster_centers_, _threads(self.n_threads))

    def _best_run(self, X: Any, rows: Rows) -> tuple[KMeansResult, tuple[Iteration, ...]]:
        draws = self.random_state
        if not isinstance(draws, np.random.Generator):
            draws = check_random_state(draws)
        best: tuple[KMeansResult, tuple[Iteration, ...]] | None = None
        for _ in range(self._starts()):
            listener = _Listener(self, rows)
            run = self._run(X, rows, draws, listener)
            if best is None or run.inertia < best[0].inertia:
                best = run, tuple(listener.history)
            if listener.stopped:
                break
        return cast("tuple[KMeansResult, tuple[Iteration, ...]]", best)

    def _starts(self) -> int:
        named = isinstance(self.init, str)
        if self.n_init == "auto":
            # scikit-learn's numbers, under the name by which its tests ask for them.
            self._n_init = 10 if callable(self.init) or (named and self.init == "random") else 1
        else:
            self._n_init = cast("int", self.n_init)
        if not named and not callable(self.init) and self._n_init != 1:
            warnings.warn(
                "Explicit initial center position passed: performing only one init in "
                f"{type(self).__name__} instead of n_init={self._n_init}.",
                RuntimeWarning,
                stacklevel=4,
            )
            self._n_init = 1
        return 1 if named and self.init == "divisive" else self._n_init

    def _run(self, X: Any, rows: Rows, draws: Draws, listener: _Listener) -> KMeansResult:
        effort = self.effort
        if effort is None:
            effort = int(isinstance(self.init, str))
        init = self._start(X, rows, draws)
        seed = draws.randint(2**31) if hasattr(draws, "randint") else draws.integers(2**31)
        if self.verbose:
            print("Initialization complete")
        run = rows.kmeans(
            self.n_clusters,
            init=init,
            seed=int(seed),
            max_iter=self.max_iter,
            tol=self.tol,
            effort=effort,
            threads=_threads(self.n_threads),
            callback=listener if listener.needed else None,
        )
        listener.end(run)
        return run

    def _start(self, X: Any, rows: Rows, draws: Draws) -> str | Floats:
        init = self.init
        if isinstance(init, str):
            # No more different rows than clusters: each is a center, and nothing is left to draw.
            return rows.dense(self.n_clusters) if rows.few else str(init)
        centers = init(X, self.n_clusters, random_state=draws) if callable(init) else init
        centers = check_array(centers, accept_sparse="csr", dtype=X.dtype, input_name="init")
        centers = centers.toarray() if issparse(centers) else centers
        for i, what in enumerate(["number of clusters", "number of features of the data"]):
            wanted = (self.n_clusters, X.shape[1])[i]
            if centers.shape[i] != wanted:
                raise ValueError(
                    f"The shape of the initial centers {centers.shape} does not match "
                    f"the {what} {wanted}."
                )
        return cast("Floats", centers)

    def _warn_of_few(self, clusters: int) -> None:
        if clusters < self.n_clusters:
            warnings.warn(
                f"Number of distinct clusters ({clusters}) found smaller than n_clusters "
                f"({self.n_clusters}). Possibly due to duplicate points in X.",
                ConvergenceWarning,
                stacklevel=3,
            )


class _Listener:
    """Passes on what the engine tells of each iteration, in terms of the caller's samples."""

    def __init__(self, model: KMeans, rows: Rows) -> None:
        self.model, self.rows = model, rows
        self.needed = bool(model.record or model.verbose or model.callback)
        self.history: list[Iteration] = []
        self.stopped = False
        self.centers: Floats | None = None
        self.count = 0

    def __call__(self, iteration: Iteration) -> bool:
        model, self.centers = self.model, iteration.centers
        self.count += 1
        if model.verbose:
            print(f"Iteration {self.count}, inertia {iteration.inertia}.")
        if model.record or model.callback:
            iteration = self.rows.unfold(iteration)
        if model.record:
            self.history.append(iteration)
        self.stopped = model.callback is not None and model.callback(iteration) is True
        return self.stopped

    def end(self, run: KMeansResult) -> None:
        if not self.model.verbose or not run.converged or self.centers is None:
            return
        shift = float(np.square(run.centers - self.centers, dtype=np.float64).sum())
        how = f"center shift {shift:g} within tolerance {self.model.tol:g} of the mean variance"
        how = how if shift and self.model.tol else "strict convergence"
        print(f"Converged at iteration {run.n_iter}: {how}.")


def _weights(sample_weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    given = numbers("sample_weight", 1.0 if sample_weight is None else sample_weight)
    given = given if given.ndim else np.full(n, given)
    w: NDArray[np.float64] = check_array(
        given, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if w.shape != (n,):
        raise ValueError(f"sample_weight must have shape ({n},), not {w.shape}")
    if w.min() < 0:
        raise ValueError(f"sample_weight must not be negative: one is {w.min()}")
    with np.errstate(over="ignore"):
        if np.isinf(w.sum()):
            raise ValueError("sample_weight must add up to a finite number")
    return w


def _threads(n_threads: int | None) -> int | None:
    """One where the caller has spread its work over the machine already; None: as many as pay."""
    if n_threads is not None:
        return n_threads
    nested = threading.current_thread() is not threading.main_thread()
    if nested or multiprocessing.parent_process() is not None:
        return 1
    # Set by those who start workers: joblib's processes, Dask, batch systems.
    return 1 if os.environ.get("OMP_NUM_THREADS") == "1" else None
