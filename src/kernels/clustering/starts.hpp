// Where the centers start.
#pragma once
#include <span>

#include "clustering/loop.hpp"

namespace tinct {

// Indices by rising key; ties keep their order.
template <class Key> std::vector<int> sorted_by(size_t size, const Key &key) {
    std::vector<int> order(size);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return key(a) < key(b); });
    return order;
}

// Greedy k-means++ (Arthur and Vassilvitskii 2007): of some points drawn by squared distance, the most useful.
// draws: numbers in [0, 1), one for the first center and equally many for each of the others.
template <class T> std::vector<T> plus_plus(Partition<T> &partition, int k, std::span<const double> draws) {
    Points<T> &points = partition.points;
    std::vector<T> centers;
    auto choose = [&](int64_t i) {
        centers.insert(centers.end(), partition.point(i), partition.point(i) + points.d);
        partition.take(partition.point(i));
    };
    double mass = 0, passed = 0;
    for (int64_t i = 0; i < points.n; ++i) mass += partition.weight(i);
    int64_t first = 0;
    for (; first < points.n - 1; ++first)
        if ((passed += partition.weight(first)) > draws[0] * mass) break;
    points.start_seeding();
    choose(first);
    const size_t each = k > 1 ? (draws.size() - 1) / size_t(k - 1) : 0;
    for (int i = 1; i < k; ++i) {
        const double total = points.potential();
        std::vector<int64_t> drawn;
        std::vector<const T *> candidates;
        for (double draw : draws.subspan(1 + size_t(i - 1) * each, each)) {
            drawn.push_back(points.pick(draw * total));
            if (drawn.back() < 0) break;
            candidates.push_back(partition.point(drawn.back()));
        }
        if (candidates.empty()) break;  // every point is a center already: the rest can only repeat
        const std::vector<double> left = partition.trial(candidates);
        choose(drawn[size_t(std::min_element(left.begin(), left.end()) - left.begin())]);
    }
    const std::vector<T> repeat(centers.begin(), centers.begin() + points.d);
    while (centers.size() < size_t(k) * points.d) centers.insert(centers.end(), repeat.begin(), repeat.end());
    return centers;
}

// The longest axis of each cluster, [k][d]: two steps of the power method from the dimension of largest variance.
template <class T> std::vector<double> longest_axes(const Points<T> &points, const std::vector<T> &centers) {
    const int d = points.d, k = int(centers.size()) / d;
    const bool few = d <= MAX_BOXED_DIMS;  // one reading of the points gives all products; else each step reads them
    std::vector<double> axes(centers.size(), 0.0), next(d);
    std::vector<double> found = few ? points.scatter(centers.data(), k)
                                    : points.moments(centers.data(), k, axes.data(), Moment::square);
    for (int i = 0; i < k; ++i) {
        auto variance = [&](int j) { return found[few ? (int64_t(i) * d + j) * d + j : int64_t(i) * (d + 1) + j]; };
        int widest = 0;
        for (int j = 1; j < d; ++j)
            if (variance(j) > variance(widest)) widest = j;
        axes[int64_t(i) * d + widest] = 1;
    }
    for (int turn = 0; turn < 2 && d > 1; ++turn) {
        if (!few) found = points.moments(centers.data(), k, axes.data(), Moment::power);
        for (int i = 0; i < k; ++i) {
            double *axis = &axes[int64_t(i) * d], square = 0;
            for (int j = 0; j < d; ++j) {
                const double *row = &found[few ? (int64_t(i) * d + j) * d : int64_t(i) * (d + 1) + j];
                next[j] = few ? row[0] * axis[0] : row[0];
                for (int l = 1; l < d && few; ++l) next[j] += row[l] * axis[l];
                square += next[j] * next[j];
            }
            const double length = std::sqrt(square);
            for (int j = 0; j < d; ++j) axis[j] = length > 0 ? next[j] / length : 0;
        }
    }
    return axes;
}

// What splitting each cluster at its mean, across its longest axis, would gain, and the two halves. Halves at
// distance D with weights a and b lower the cluster's inertia by a b / (a + b) D².
template <class T> struct Splits {
    // sums: of the clusters, [k][d + 2].
    Splits(const Points<T> &points, const std::vector<T> &centers, const std::vector<double> &sums) {
        const int d = points.d, k = int(centers.size()) / d;
        const std::vector<double> axes = longest_axes(points, centers);
        const std::vector<double> moments = points.moments(centers.data(), k, axes.data(), Moment::upper);
        lower.resize(centers.size());
        upper.resize(centers.size());
        for (int i = 0; i < k; ++i) {
            const double *row = &sums[size_t(i) * (d + 2)], *above = &moments[size_t(i) * (d + 1)];
            const double mass = row[d], a = above[d], b = mass - above[d];
            const bool possible = a > 0 && b > 1e-9 * mass;
            double square = 0;
            for (int j = 0; j < d; ++j) {
                const size_t at = size_t(i) * d + j;
                const double center = double(centers[at]), below = row[j] - mass * center - above[j];
                const double high = possible ? above[j] / a : 0, low = possible ? below / b : 0;
                lower[at] = T(center + low);
                upper[at] = T(center + high);
                square += (high - low) * (high - low);
            }
            gain.push_back(possible ? a * b / (a + b) * square : 0);
        }
    }
    std::vector<double> gain;
    std::vector<T> lower, upper;
};

// Split the clusters that gain most, let the centers settle a little, until there are k (Linde, Buzo, Gray 1980).
template <class T> std::vector<T> divisive(Partition<T> &partition, int k) {
    Points<T> &points = partition.points;
    const int d = points.d;
    std::vector<T> centers(partition.point(0), partition.point(1));
    partition.start(1);
    partition.step(centers.data());
    move_to_means(points.totals(), d, centers);
    for (int have = 1; have < k;) {
        partition.start(have);
        partition.step(centers.data());
        const Splits<T> splits(points, centers, points.totals());
        // Half of the clusters at a time: those that gain less may gain nothing once their neighbors split.
        std::vector<int> order = sorted_by(size_t(have), [&](int i) { return -splits.gain[i]; });
        order.resize(size_t(std::min(k - have, (have + 1) / 2)));
        std::erase_if(order, [&](int i) { return !(splits.gain[i] > 0); });
        if (order.empty()) break;
        for (int i : order) {
            const auto lower = splits.lower.begin() + int64_t(i) * d, upper = splits.upper.begin() + int64_t(i) * d;
            std::copy(lower, lower + d, centers.begin() + int64_t(i) * d);
            centers.insert(centers.end(), upper, upper + d);
        }
        have += int(order.size());
    }
    const std::vector<T> repeat(centers.begin(), centers.begin() + d);  // fewer distinct points than k
    while (centers.size() < size_t(k) * d) centers.insert(centers.end(), repeat.begin(), repeat.end());
    return centers;
}

}  // namespace tinct
