// Lloyd's loop (1957, published in IEEE Trans. Inf. Theory 28, 1982): assign points to their nearest center, move
// centers to the mean of their points, repeat.
#pragma once
#include <utility>

#include "clustering/partition.hpp"

namespace tinct {

using Swap = std::pair<int, int>;  // center removed, cluster split in its favor

// One iteration: the assignment to `centers`, before they move. Whoever holds the points has the labels.
template <class T> struct Iteration {
    const std::vector<T> &centers;
    double inertia;
    const std::vector<int32_t> &empty;   // clusters no point was assigned to
    const std::vector<int64_t> &filled;  // the points they took as new centers, in the same order
    const std::vector<Swap> &swapped;    // moves of the search that helped, just before this iteration
};
// Sees each iteration; the run stops when it returns true. What it throws ends the run.
template <class T> using Watch = std::function<bool(const Iteration<T> &)>;

// Squared moves of all centers, added up in their order.
template <class T> double shift(const std::vector<T> &a, const std::vector<T> &b) {
    double total = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double t = double(a[i]) - double(b[i]);
        total += t * t;
    }
    return total;
}

// Sum of the squares of all coordinates.
template <class T> double size(const std::vector<T> &centers) { return shift(centers, std::vector<T>(centers.size())); }

// Centers to the means that `sums` ([k][d + 2]) tell; one without points stays where it was.
template <class T> void move_to_means(const std::vector<double> &sums, int d, std::vector<T> &centers) {
    for (size_t i = 0; i * d < centers.size(); ++i) {
        const double *row = &sums[i * (d + 2)];
        for (int j = 0; j < d && row[d + 1] > 0; ++j) centers[i * d + j] = T(row[j] / row[d]);
    }
}

// Mean over the dimensions, from `spread`.
inline double variance(const std::vector<double> &spread) {
    const size_t d = spread.size() / 2;
    double total = 0;
    for (size_t j = 0; j < d; ++j) total += spread[d + j] / spread[2 * d];
    return total / double(d);
}

// The loop over whoever holds the points, and what it has used up so far.
template <class T, class P = Partition<T>> class Loop {
  public:
    Loop(P &points, int max_iter, double tol, Watch<T> watch = {})
        : points(points), max_iter(max_iter), tol(tol), watch_(std::move(watch)) {}

    // Assign and move until the centers rest or max_iter iterations are used up.
    std::vector<T> run(std::vector<T> centers) {
        const int k = int(centers.size()) / points.d();
        converged = false;
        points.snap(centers);
        points.start(k);
        peaks_.assign(size_t(k), 0.0);
        while (n_iter < max_iter && !converged && !stopped) {
            const bool still = points.step(centers.data()) == 0;
            ++n_iter;
            move(centers);
            const bool rest = shift(target_, centers) <= tol && filled_.empty();
            if (rest || still) {
                // `step` adds up differences; sums anew are free of what rounding they left behind.
                points.recount();
                move(centers);
            }
            if (leave && leave(n_iter, explained())) stopped = true;
            if (watch_) {
                stopped = watch_({centers, points.inertia(), empty_, filled_, swapped});
                swapped.clear();
            }
            // The sums anew may say otherwise, where a point far out left a cluster and took the digits of the others along.
            const double moved = shift(target_, centers);
            converged = moved == 0 || (rest && filled_.empty() && (moved <= tol || moved <= NOISE * size(centers)));
            centers.swap(target_);
        }
        return centers;
    }

    // A few iterations that nobody watches and that count for nothing: a trial.
    std::vector<T> quietly(std::vector<T> centers, int most) const {
        return Loop(points, most, tol).run(std::move(centers));
    }

    P &points;
    const int max_iter;
    const double tol;
    int n_iter = 0;
    bool converged = false, stopped = false;
    std::vector<Swap> swapped;  // by the search, since the last iteration
    // Ends the run where it says so, told the iterations so far and what the new centers take off the squares of all points:
    // the rest is the inertia, without a look at them.
    std::function<bool(int, double)> leave;

  private:
    // The sums of the clusters; anew where one has lost so much of its weight that what is left is rounding. With weights
    // as far apart as 1 and 1e20 it can cancel to 0.
    void add_up() {
        const size_t row = size_t(points.d()) + 2;
        sums_ = points.sums();
        bool worn = false;
        for (size_t i = 0; i < peaks_.size(); ++i) {
            const double mass = sums_[i * row + row - 2];
            peaks_[i] = std::max(peaks_[i], mass);
            worn |= sums_[i * row + row - 1] > 0 && mass < WORN * peaks_[i];
        }
        if (!worn) return;
        points.recount();
        sums_ = points.sums();
        for (size_t i = 0; i < peaks_.size(); ++i) peaks_[i] = sums_[i * row + row - 2];
    }
    // The mean of each cluster; which are empty, and the points they take instead.
    void move(const std::vector<T> &centers) {
        const int d = points.d();
        add_up();
        target_ = centers;
        move_to_means(sums_, d, target_);
        points.snap(target_);
        empty_.clear();
        filled_.clear();
        for (size_t i = 0; i * d < centers.size(); ++i)
            if (!(sums_[i * (d + 2) + d + 1] > 0)) empty_.push_back(int32_t(i));
        if (!empty_.empty()) fill();
    }
    double explained() const {
        const size_t d = size_t(points.d());
        double total = 0;
        for (const double *row = sums_.data(); row != sums_.data() + sums_.size(); row += d + 2)
            for (size_t j = 0; j < d && row[d + 1] > 0; ++j) total += row[j] * row[j] / row[d];
        return total;
    }
    void fill() {
        const int d = points.d();
        const std::vector<Served<T>> worst = points.worst_served(empty_.size());
        // Equal points may miss their mean by rounding, as 0.1 misses three times 0.1 over 3, and be taken for ever.
        const auto rounded = [&](const Served<T> &served) {
            return served.square <= NOISE * size(std::vector<T>(served.point, served.point + d));
        };
        if (worst.size() < empty_.size() || std::any_of(worst.begin(), worst.end(), rounded)) refine();
        for (const Served<T> &served : worst) {
            double *row = &sums_[size_t(served.label) * (d + 2)];
            if (row[d] > served.mass * (1 + 1e-9)) {  // the point no longer counts in the cluster it leaves
                for (int j = 0; j < d; ++j) row[j] -= served.mass * double(served.point[j]);
                row[d] -= served.mass;
                for (int j = 0; j < d; ++j) target_[size_t(served.label) * d + j] = T(row[j] / row[d]);
            }
            filled_.push_back(served.index);
        }
        points.snap(target_);
        for (size_t i = 0; i < worst.size(); ++i)
            std::copy_n(worst[i].point, d, target_.begin() + int64_t(empty_[i]) * d);
    }
    // Centers that are means but for rounding, brought nearer to them: by the mean of what is left, w (x - center).
    void refine() {
        const size_t d = size_t(points.d());
        const std::vector<double> left = points.residuals(target_.data());
        for (size_t i = 0; i < target_.size(); ++i) {
            const double *row = &left[i / d * (d + 1)];
            if (row[d] > 0) target_[i] = T(double(target_[i]) + row[i % d] / row[d]);
        }
    }

    const Watch<T> watch_;
    std::vector<T> target_;
    static constexpr double NOISE = sizeof(T) == 4 ? 1e-12 : 1e-20;  // of all squares: moves that are but rounding
    static constexpr double WORN = 1e-6;  // of the most weight a cluster had since its sums were taken anew
    std::vector<double> sums_, peaks_;
    std::vector<int32_t> empty_;
    std::vector<int64_t> filled_;
};

}  // namespace tinct
