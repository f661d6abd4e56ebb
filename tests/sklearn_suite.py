"""scikit-learn's own tests of K-means, as installed with it, run against `tinct.KMeans`.

    python tests/sklearn_suite.py        prints which pass, and why the others can't apply
    ... --stay-sparse                    small sparse samples go to the sparse engine, too

The class is swapped before their module is imported; nothing of it is copied.
"""

import os
import sys
from collections import Counter, defaultdict

import pytest
import sklearn.cluster

from tinct.clustering import rows
from tinct.clustering.estimator import KMeans

MODULE = "sklearn.cluster.tests.test_k_means"
HELPER = "tests a private function of scikit-learn, not a class"
FUNCTION = "tests a function of scikit-learn, not the class"
PRIVATE = "calls the class's private _init_centroids; tests/test_learn.py has the same law"
MINI_BATCH = "about MiniBatchKMeans"
NOT_APPLICABLE = {
    "test_euclidean_distance": HELPER,
    "test_inertia": HELPER,
    "test_is_same_clustering": HELPER,
    "test_minibatch_reassign": HELPER,
    "test_minibatch_update_consistency": HELPER,
    "test_relocate_empty_clusters": HELPER,
    "test_k_means_function": FUNCTION,
    "test_kmeans_plusplus_dataorder": FUNCTION,
    "test_kmeans_plusplus_norms": FUNCTION,
    "test_kmeans_plusplus_output": FUNCTION,
    "test_kmeans_plusplus_wrong_params": FUNCTION,
    "test_sample_weight_init": PRIVATE,
    "test_sample_weight_zero": PRIVATE,
}


def why_not(item):
    name = item.originalname
    if name in NOT_APPLICABLE:
        return NOT_APPLICABLE[name]
    parameters = getattr(item, "callspec", None)
    values = parameters.params.values() if parameters else ()
    mini = any(value is sklearn.cluster.MiniBatchKMeans for value in values)
    return MINI_BATCH if mini or name.startswith("test_minibatch") else None


class Suite:
    """Leaves out what can't apply, and counts what becomes of the rest."""

    def __init__(self):
        self.outcomes = defaultdict(Counter)
        self.reasons = defaultdict(set)

    def pytest_collection_modifyitems(self, config, items):
        left_out = [item for item in items if why_not(item)]
        for item in left_out:
            self.outcomes[item.originalname]["left out"] += 1
            self.reasons[item.originalname].add(why_not(item))
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not why_not(item)]

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome == "skipped":
            name = report.nodeid.split("::")[1].split("[")[0]
            self.outcomes[name][report.outcome] += 1
            if report.outcome == "skipped":
                self.reasons[name].add(report.longrepr[2].removeprefix("Skipped: "))

    def table(self):
        columns = ["passed", "failed", "skipped", "left out"]
        rows = ["| test | " + " | ".join(columns) + " | why |", "|---|---|---|---|---|---|"]
        for name, counts in sorted(self.outcomes.items()):
            numbers = " | ".join(str(counts[c] or "") for c in columns)
            rows.append(f"| {name} | {numbers} | {'; '.join(sorted(self.reasons[name]))} |")
        total = sum(self.outcomes.values(), Counter())
        rows.append("| **all** | " + " | ".join(str(total[c]) for c in columns) + " | |")
        return "\n".join(rows)


def main(*arguments):
    sklearn.cluster.KMeans = KMeans
    if "--stay-sparse" in arguments:
        rows.DENSE_BYTES, rows.DENSE_TIMES = -1, 0
        arguments = [word for word in arguments if word != "--stay-sparse"]
    suite = Suite()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # none is used, and they take 2 s
    quick = ["-p", "no:cacheprovider", "--assert=plain"]
    options = ["-c", os.devnull, "-q", *quick, "--pyargs", MODULE, *arguments]
    code = pytest.main(options, plugins=[suite])
    print(f"\nscikit-learn {sklearn.__version__}, {MODULE}\n\n{suite.table()}")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
