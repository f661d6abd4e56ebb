// The points of one partition, over all their chunks, on as many threads as are worth it: how many changes no bit. What
// the loop in loop.hpp asks for is all that it needs to know of points, wherever they are held.
#pragma once
#include <functional>
#include <memory>
#include <numeric>

#include "clustering/points.hpp"
#include "clustering/summary.hpp"
#include "threads/pool.hpp"

namespace tinct {

template <class T> struct Served {
    int64_t index;   // of the point, in the caller's order
    int32_t label;
    double square;   // distance to its center
    double mass;     // of all points that equal it
    const T *point;  // [d]
};

// To centers that keep every bit where the points came from, from which `offset` was taken: c + offset is a number of
// type T. So labels found here are those of nearest centers there.
template <class T> void snap(std::vector<T> &centers, const T *offset, int d) {
    for (size_t i = 0; offset && i < centers.size(); ++i) {
        const T there = centers[i] + offset[i % size_t(d)];
        centers[i] = there - offset[i % size_t(d)];
    }
}

template <class T> class Partition {
  public:
    // x [n][d] and w [n] (or null) must outlive the partition. threads is a maximum; 0: the processors of the machine.
    // poll is called now and then by the calling thread and may throw.
    Partition(const T *x, const double *w, int64_t n, int d, const Kernels<T> &kernels, int threads,
              std::function<void()> poll = {})
        : points(x, w, n, d, kernels), kernels(kernels), poll(std::move(poll)), x_(x), w_(w), threads_(threads),
          parts_(points.chunks) {}

    Points<T> points;
    const T *offset = nullptr;  // [d], of points that were moved near the origin: see `snap`
    const Kernels<T> &kernels;
    const std::function<void()> poll;

    int64_t n() const { return points.n; }
    int d() const { return points.d; }
    // In the caller's order.
    const T *point(int64_t i) const { return x_ + i * points.d; }
    double weight(int64_t i) const { return w_ ? w_[i] : 1.0; }

    void snap(std::vector<T> &centers) const { tinct::snap(centers, offset, points.d); }

    // Start threads if work with k centers is worth it. Waking a thread costs some 50 µs, an iteration over 100,000
    // colors no more than 400: below a million numbers, or a hundred million distances, one thread is faster.
    void hire(int k) {
        const double numbers = double(points.n) * points.d;
        const bool worth = points.d <= MAX_BOXED_DIMS ? numbers > 1e6 : numbers * k > 1e8;
        if (!worth || pool_) return;
        const int64_t threads = std::min<int64_t>(threads_ > 0 ? threads_ : processors(), points.chunks);
        if (threads > 1) pool_ = std::make_unique<ThreadPool>(threads - 1);
    }

    // Make ready for steps with k centers.
    void start(int k) {
        hire(k);
        points.start(k);
        stepping_ = true;
    }
    // Assign, add up what changed; how many points of weight > 0 changed their cluster.
    int64_t step(const T *centers) {
        points.move_centers(centers, points.clusters());
        return int64_t(sum([&](int64_t chunk) { return double(points.step(chunk)); }));
    }
    // Of the clusters, [k][d + 2]: weighted sums of their points, their weight, how many weigh more than 0.
    std::vector<double> sums() const { return points.totals(); }
    // The sums anew, from the labels as they stand.
    void recount() {
        each([&](int64_t chunk) { points.recount(chunk); });
    }
    // Of the labels as they stand, to the centers of the latest assignment, in float64.
    double inertia() {
        return sum([&](int64_t chunk) { return points.inertia(chunk); });
    }
    // What is left of the clusters' sums around `centers`: see Points.
    std::vector<double> residuals(const T *centers) const { return points.residuals(centers); }
    std::vector<double> spread() const { return points.spread(); }
    std::vector<Served<T>> worst_served(size_t count) const;
    Summary<T> summary(int64_t most) const;
    Summary<T> sample(int64_t most, const std::vector<double> &spread) const;
    // All points as they are.
    Summary<T> all() const {
        Summary<T> rows{{x_, x_ + points.n * points.d}, std::vector<double>(size_t(points.n), 1.0)};
        if (w_) rows.weights.assign(w_, w_ + points.n);
        return rows;
    }

    // Afterwards points.labels(), best() and, if wished, second() hold what was found.
    void assign(const T *centers, int k, bool second = false) {
        hire(k);
        points.make_room(second);
        points.move_centers(centers, k);
        stepping_ = false;  // the bounds that `step` remembers know nothing of this move
        each([&](int64_t chunk) { points.nearest(chunk, second); });
    }
    // The labels alone: after a loop it is a matter of one more step.
    void relabel(const T *centers, int k) {
        if (stepping_ && points.clusters() == k)
            step(centers);
        else
            assign(centers, k);
    }
    // Of each candidate what k-means++ would be left with, in the order of the chunks.
    std::vector<double> trial(const std::vector<const T *> &candidates) {
        const size_t many = candidates.size();
        std::vector<double> parts(size_t(points.chunks) * many, 0.0), left(many, 0.0);
        each([&](int64_t chunk) { points.trial(candidates, chunk, &parts[size_t(chunk) * many]); });
        for (size_t i = 0; i < parts.size(); ++i) left[i % many] += parts[i];
        return left;
    }
    void take(const T *c) {
        each([&](int64_t chunk) { points.take(c, chunk); });
    }

  private:
    template <class Work> void each(const Work &work) {
        if (pool_) return pool_->each(points.chunks, std::cref(work), poll);
        for (int64_t chunk = 0; chunk < points.chunks; ++chunk) {
            work(chunk);
            if (poll) poll();
        }
    }
    template <class Work> double sum(const Work &work) {  // in the order of the chunks
        each([&](int64_t chunk) { parts_[chunk] = work(chunk); });
        return std::accumulate(parts_.begin(), parts_.end(), 0.0);
    }

    const T *x_;
    const double *w_;
    int threads_;
    bool stepping_ = false;
    std::vector<double> parts_;
    std::unique_ptr<ThreadPool> pool_;
};

// The points farthest from their centers: what empty clusters take, in the order of their index.
//
// Points of equal value count once; of points equally badly served the first in lexicographic order comes first,
// so the order of the points plays no part. A point exactly on its center is never taken: with fewer distinct
// points than centers some clusters stay empty.
template <class T> std::vector<Served<T>> Partition<T>::worst_served(size_t count) const {
    const size_t n = size_t(points.n);
    const int d = points.d;
    const std::vector<double> squares = points.squares();
    std::vector<Served<T>> found;
    for (size_t most : {4 * count + 64, n}) {  // a few are enough unless many are equal
        double limit = 0;
        if (most < n) {
            std::vector<double> sorted = squares;
            std::nth_element(sorted.begin(), sorted.end() - int64_t(most), sorted.end());
            limit = sorted[n - most];
        }
        found.clear();
        for (size_t p = 0; p < n; ++p) {
            const int64_t i = points.index(int64_t(p));
            if (squares[p] >= limit && squares[p] > 0)
                found.push_back({i, points.labels()[p], squares[p], weight(i), point(i)});
        }
        std::sort(found.begin(), found.end(), [&](const Served<T> &a, const Served<T> &b) {
            if (a.square != b.square) return a.square > b.square;
            const auto [s, t] = std::mismatch(a.point, a.point + d, b.point);
            return s == a.point + d ? a.index < b.index : *s < *t;
        });
        size_t kept = 0;
        for (const Served<T> &next : found) {
            if (kept && std::equal(next.point, next.point + d, found[kept - 1].point))
                found[kept - 1].mass += next.mass;
            else
                found[kept++] = next;
        }
        found.resize(kept);
        if (kept >= count || most >= n) break;
    }
    found.resize(std::min(found.size(), count));
    return found;
}

// At most so many points: all as they are where that is enough; else means, of neighbors on the curve or, where it is
// too coarse, of cells; in many dimensions one of each stretch of them, with the weight of all.
template <class T> Summary<T> Partition<T>::summary(int64_t most) const {
    const int64_t n = points.n, d = points.d;
    if (n > most && d <= MAX_BOXED_DIMS) return points.stretches(most);
    if (n > most && d <= MAX_CELL_DIMS) return Cells<T>(all(), int(d)).cut(size_t(most));
    most = std::min(n, most);
    Summary<T> made;
    for (int64_t at = 0, i = 0; at < most; ++at) {
        int64_t chosen = i;
        double mass = 0;
        for (const int64_t end = n / most * (at + 1) + std::min(at + 1, n % most); i < end; ++i) {
            if (!(mass > 0)) chosen = i;  // one of weight 0 may lie anywhere
            mass += weight(i);
        }
        made.points.insert(made.points.end(), point(chosen), point(chosen + 1));
        made.weights.push_back(mass);
    }
    return made;
}

// About so many points, drawn half by their weight and half by their part of the spread, each with the weight of those it
// stands for (Bachem, Lucic, Krause, "Scalable k-means clustering via lightweight coresets", KDD 2018); at equal steps, not
// at random. A few points far out are all there, where one of each stretch would miss most of them.
template <class T> Summary<T> Partition<T>::sample(int64_t most, const std::vector<double> &spread) const {
    const size_t d = size_t(points.d);
    const double mass = spread[2 * d], squares = std::accumulate(spread.begin() + int64_t(d), spread.end() - 1, 0.0);
    Summary<T> made;
    double passed = 0.5;  // in steps
    for (int64_t i = 0; i < points.n; ++i) {
        const T *x = point(i);
        double part[4] = {};
        for (size_t j = 0; j < d; ++j) part[j % 4] += (double(x[j]) - spread[j]) * (double(x[j]) - spread[j]);
        const double square = (part[0] + part[1]) + (part[2] + part[3]);
        const double share = (0.5 / mass + (squares > 0 ? 0.5 * square / squares : 0)) * double(most);
        passed += share * weight(i);
        if (passed < 1) continue;
        const double steps = std::floor(passed);
        passed -= steps;
        made.points.insert(made.points.end(), x, x + d);
        made.weights.push_back(steps / share);
    }
    return made;
}

}  // namespace tinct
