// K-means: where the centers start, Lloyd's loop, and the search above it.
#pragma once
#include "clustering/search.hpp"

namespace tinct {

constexpr int64_t CELLS = 1024, PER_CENTER = 64;  // points in the summary: at least so many, and for each center
// A summary so many times as fine to settle on after the search: 4 and 16 give about the same. On 12 Kodak pictures the mean
// excess falls from 0.79 to 0.76 %, with two fifths to all of the iterations over all points.
constexpr int64_t FINER = 8;
constexpr int64_t FEWEST = 2048;  // below that the summary is too coarse, or saves too little

struct Settings {
    int k;
    int max_iter = 300;
    double tol = 1e-4;  // stop when squared moves of the centers add up to less, in mean variances of a dimension
    int effort = 1;     // 0: Lloyd's loop alone; 1: and a search over a summary of the points; 2..10: over the points
    uint64_t seed = 0;  // of the draws of the search
};

template <class T> struct Fit {
    std::vector<T> centers;  // [k][d]; the labels stand in points.points
    double inertia;
    int n_iter;
    bool converged;
};

// A summary in the loop's hands.
//
// On 12 Kodak pictures, K = 16 to 256, the search over cells leaves a mean excess of 0.8 % over the best known
// error; with half as many cells for each center 0.9 %; without a search 1.7 %.
template <class T> struct Summarized {
    Summarized(Summary<T> made, int d, const std::function<void()> &poll)
        : kept(std::move(made)), partition(kept.points.data(), kept.weights.data(), int64_t(kept.weights.size()), d,
                                           dispatch<T>(), 1, poll) {}
    const Summary<T> kept;
    Partition<T> partition;
};

template <class T> using Summaries = std::vector<std::unique_ptr<Summarized<T>>>;

// Summaries for k clusters, the finer first, each made of the one before. Where they would be too coarse, or would save
// too little, none; or if there must be one, of all points or of a sample.
template <class T, class P> Summaries<T> summaries(P &points, int k, bool always = false) {
    const int64_t third = points.n() / 3, wanted = std::max(CELLS, PER_CENTER * k), cells = std::min(wanted, third);
    Summaries<T> made;
    const auto add = [&](Summary<T> summary) {
        made.push_back(std::make_unique<Summarized<T>>(std::move(summary), points.d(), points.poll));
    };
    if (third >= std::max<int64_t>(FEWEST, 8 * int64_t(k)) && points.d() <= MAX_SORTED_DIMS) {
        add(points.summary(std::min(FINER * cells, third)));
        if (2 * made[0]->partition.n() > 3 * cells) add(made[0]->partition.summary(cells));
        if (made.back()->partition.n() < k) made.clear();
    }
    if (made.empty() && always) add(points.summary(FINER * wanted));
    return made;
}

// init: k starting centers, or null for the divisive start. Points that are not held here (P is no Partition) have their
// start and all of their search on summaries; where they are too few or have too many dimensions for those of grid cells,
// on all of them or on a sample.
template <class T, class P>
Fit<T> kmeans(P &points, const Settings &settings, const T *init, const Watch<T> &watch = {}) {
    constexpr bool HERE = std::is_same_v<P, Partition<T>>;
    const auto [k, max_iter, tol, effort, seed] = settings;
    if constexpr (HERE) points.hire(k);
    Loop<T, P> loop(points, max_iter, tol * variance(points.spread()), watch);
    // A summary costs a fraction: search on the coarsest, settle on each finer one, then let all points have their say.
    Summaries<T> summed;
    if (effort > 0 || !init) summed = summaries<T>(points, k, !HERE);
    std::vector<T> centers;
    if (init)
        centers.assign(init, init + int64_t(k) * points.d());
    else if (!summed.empty())
        centers = divisive(summed.back()->partition, k);
    else if constexpr (HERE)
        centers = divisive(points, k);
    const bool quick = effort > 0 && !summed.empty();
    const int rounds = effort > 1 || quick ? QUICK * (effort - 1) * (effort - 1) : QUICK;
    for (size_t at = quick ? summed.size() : 0; at-- > 0;) {
        Loop<T> rough(summed[at]->partition, max_iter, loop.tol);
        const auto improve = [&](int most) {
            return search(DenseSpace<T>{rough.points, loop.tol, k}, centers, most, seed, rough.swapped);
        };
        centers = rough.run(std::move(centers));
        if (at + 1 == summed.size()) improve(QUICK);
        if (!HERE && at == 0) improve(rounds);
    }
    centers = loop.run(std::move(centers));
    if constexpr (HERE) {
        const bool left = !loop.stopped && loop.n_iter < max_iter;  // else nothing is left to settle with
        if (effort > 0 && left && search(DenseSpace<T>{points, loop.tol, k}, centers, rounds, seed, loop.swapped))
            centers = loop.run(std::move(centers));
    }
    points.relabel(centers.data(), k);
    const double inertia = points.inertia();
    return {std::move(centers), inertia, loop.n_iter, loop.converged};
}

}  // namespace tinct
