// K-means on sparse rows, never made dense, as kmeans.hpp: but a solution of the search is its labels.
#pragma once
#include "clustering/kmeans.hpp"
#include "clustering/sparse_starts.hpp"

namespace tinct {

// What each center is worth where it stands, and what it could be worth beside another.
template <class T> struct SparseProspects {
    explicit SparseProspects(SparsePartition<T> &partition) : cost(size_t(partition.k), 0.0) {
        partition.second_best(second, loss);
        for (int64_t p = 0; p < partition.n; ++p) cost[partition.labels[p]] += partition.weight(p) * loss[p];
        partition.recount();
        gain = partition.splits(goes);
    }
    // Who would take over most rows of a center.
    int heir(const std::vector<int32_t> &labels, int center) const {
        std::vector<int64_t> rows(cost.size(), 0);
        for (size_t p = 0; p < labels.size(); ++p) rows[second[p]] += labels[p] == center;
        return int(std::max_element(rows.begin(), rows.end()) - rows.begin());
    }
    std::vector<int32_t> moved(std::vector<int32_t> labels, const std::vector<Swap> &swaps) const {
        std::vector<int32_t> leaves(cost.size(), 0), half(cost.size(), -1);
        for (const auto &[useless, worth] : swaps) {
            leaves[useless] = 1;
            half[worth] = useless;
        }
        for (size_t p = 0; p < labels.size(); ++p) {
            const int32_t own = labels[p];
            if (leaves[own]) labels[p] = second[p];
            if (half[own] >= 0 && goes[p]) labels[p] = half[own];
        }
        return labels;
    }
    std::vector<double> cost, gain, loss;
    std::vector<int32_t> second;
    std::vector<char> goes;
};

template <class T> struct SparseSpace {
    using State = std::vector<int32_t>;
    using Prospects = SparseProspects<T>;
    static constexpr int MEASURED = 1;  // iterations before a solution's inertia is known

    SparsePartition<T> &partition;
    const double tol;

    int k() const { return partition.k; }
    Solution<State> settled(const State &labels, int most) {
        settle_on(partition, labels);
        SparseLoop<T>(partition, most, tol).run();
        partition.step();
        return {partition.labels, partition.inertia(), {}};
    }
    Prospects prospects(const State &) { return Prospects(partition); }
    // Up to half of the centers moved to rows drawn by their squared distance to their own.
    State shaken(State labels, SplitMix64 &random) {
        settled(labels, MEASURED);
        const Prospects prospects(partition);
        std::vector<int> order(size_t(partition.k));
        std::iota(order.begin(), order.end(), 0);
        for (int i = partition.k - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
        labels = partition.labels;
        std::vector<double> passed(size_t(partition.n), 0.0);
        partition.each_row([&](int64_t p) { passed[p] = partition.weight(p) * partition.square(p, labels[p]); });
        std::partial_sum(passed.begin(), passed.end(), passed.begin());
        const auto gone = std::span(order).first(size_t(1 + random.below(partition.k / 2)));
        std::vector<char> leaves(size_t(partition.k), 0);
        for (const int c : gone) leaves[c] = 1;
        for (size_t p = 0; p < labels.size(); ++p)
            if (leaves[labels[p]]) labels[p] = prospects.second[p];
        for (const int c : gone) {
            const auto at = std::upper_bound(passed.begin(), passed.end(), random.unit() * passed.back());
            labels[std::min<int64_t>(at - passed.begin(), partition.n - 1)] = c;
        }
        return labels;
    }
};

struct SparseFit {  // the centers and labels stand in the engine
    double inertia;
    int n_iter;
    bool converged;
};

template <class T>
SparseFit kmeans(SparsePartition<T> &partition, const Settings &settings, const Watch<T> &watch = {}) {
    [[maybe_unused]] const auto [k, max_iter, tol, effort, seed, brief] = settings;
    SparseLoop<T> loop(partition, max_iter, tol * partition.variance(), watch);
    loop.run();
    partition.step();
    // Few rounds by default, so that scikit-learn, which has no search, is not faster: of bench.sparse's tables the
    // middle one would take as long with five.
    const int rounds = effort > 1 ? QUICK * (effort - 1) * (effort - 1) : 2;
    const bool left = !loop.stopped && loop.n_iter < max_iter;  // else nothing is left to settle with
    if (effort > 0 && left && k > 1 && rounds > 0) {
        std::vector<int32_t> labels = partition.labels;
        const bool better = search(SparseSpace<T>{partition, loop.tol}, labels, rounds, seed, loop.swapped);
        settle_on(partition, labels);
        if (better) loop.run();
    }
    partition.step();
    return {partition.inertia(), loop.n_iter, loop.converged};
}

}  // namespace tinct
