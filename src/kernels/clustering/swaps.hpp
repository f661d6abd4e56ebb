// The quick search: a center is moved and settled among its neighbors alone, in a hundredth of the time of a step.
#pragma once
#include <array>
#include <set>

#include "clustering/starts.hpp"
#include "clustering/summary.hpp"

namespace tinct {

// Clusters of points, improved by single swaps: a center that serves little goes where a cluster is worth splitting.
// Only the clusters around both places take part in what follows, a little K-means of its own. Labels stay among them,
// so the costs are upper bounds, and their sum never rises.
template <class T> class LocalSwaps {
  public:
    // labels: of the rows, in the caller's order.
    LocalSwaps(const Partition<T> &rows, int k, const int32_t *labels)
        : rows_(rows), x_(rows.point(0)), d_(rows.d()), k_(k), clusters_(size_t(k)), centers_(size_t(k) * size_t(d_)) {
        for (int64_t i = 0; i < rows.n(); ++i) clusters_[size_t(labels[i])].members.push_back(int32_t(i));
    }

    // Try at most so many swaps, from these centers on; those that helped.
    std::vector<Swap> run(std::vector<T> &centers, int trials) {
        centers_ = centers;
        for (int i = 0; i < k_; ++i) measure(i);
        for (int i = 0; i < k_; ++i) measure_loss(i);
        order();
        std::vector<Swap> helped;
        for (int failed = 0; trials > 0 && failed < patience(); --trials) {
            const auto [a, b] = promising();
            if (a < 0) break;
            if (rows_.poll) rows_.poll();
            const bool better = attempt(a, b);
            if (better) helped.push_back({a, b});
            failed = better ? 0 : failed + 1;
        }
        if (!helped.empty()) centers = centers_;
        return helped;
    }

  private:
    static constexpr int AROUND = (AMONG - 2) / 2, TURNS = 5;
    static constexpr size_t WIDE = AMONG;
    static constexpr double HOPE = 3;  // a swap is given up where it would have to fall by so many times its last step
    struct Cluster {
        std::vector<int32_t> members;
        double cost = 0, gain = 0, loss = 0;
        std::vector<T> lower, upper;
        int version = 0;
    };

    int patience() const { return std::max(d_ > MAX_CELL_DIMS ? 4 : 16, k_ / 4); }
    double weight(int64_t i) const { return rows_.weight(i); }
    const T *center(int i) const { return &centers_[size_t(i) * size_t(d_)]; }
    double apart(const T *a, const T *b) const {
        double sum = 0;
        for (int j = 0; j < d_; ++j) sum += (double(a[j]) - double(b[j])) * (double(a[j]) - double(b[j]));
        return sum;
    }

    // The center to the mean, the cost of the cluster, and what its halves across its widest dimension would save.
    void measure(int i) {
        Cluster &own = clusters_[size_t(i)];
        const size_t d = size_t(d_);
        T *c = &centers_[size_t(i) * d];
        std::vector<double> sum(d, 0.0), square(d, 0.0), above(d, 0.0);
        double mass = 0, high = 0, apart = 0;
        for (const int32_t m : own.members) {
            const double w = weight(m);
            mass += w;
            for (size_t j = 0; j < d; ++j) {
                const double t = double(x_[size_t(m) * d + j]) - double(c[j]);
                sum[j] += w * t;
                square[j] += w * t * t;
            }
        }
        own.cost = own.gain = 0;
        own.lower.assign(c, c + d);
        own.upper = own.lower;
        if (!(mass > 0)) return;
        size_t widest = 0;
        for (size_t j = 0; j < d; ++j) {
            square[j] = std::max(0.0, square[j] - sum[j] * sum[j] / mass);
            own.cost += square[j];
            if (square[j] > square[widest]) widest = j;
            c[j] = T(double(c[j]) + sum[j] / mass);
        }
        for (const int32_t m : own.members) {
            const T *x = x_ + size_t(m) * d;
            if (!(x[widest] > c[widest])) continue;
            const double w = weight(m);
            high += w;
            for (size_t j = 0; j < d; ++j) above[j] += w * (double(x[j]) - double(c[j]));
        }
        const double low = mass - high;
        if (!(high > 0 && low > 1e-9 * mass)) return;
        for (size_t j = 0; j < d; ++j) {
            own.upper[j] = T(double(c[j]) + above[j] / high);
            own.lower[j] = T(double(c[j]) - above[j] / low);
            apart += (above[j] / high + above[j] / low) * (above[j] / high + above[j] / low);
        }
        own.gain = high * low / mass * apart;
    }

    // What it would cost if its points went to the centers around it.
    void measure_loss(int i) {
        Cluster &own = clusters_[size_t(i)];
        own.loss = -own.cost;
        const std::vector<int> around = neighbors(i);
        for (const int32_t m : own.members) {
            double least = std::numeric_limits<double>::infinity();
            for (const int other : around) least = std::min(least, apart(x_ + int64_t(m) * d_, center(other)));
            own.loss += weight(m) * least;
        }
    }

    std::vector<int> neighbors(int i) const {
        std::vector<std::pair<double, int>> order;
        for (int other = 0; other < k_; ++other)
            if (other != i) order.push_back({apart(center(other), center(i)), other});
        const size_t few = std::min(size_t(AROUND), order.size());
        std::partial_sort(order.begin(), order.begin() + int64_t(few), order.end());
        std::vector<int> found;
        for (size_t at = 0; at < few; ++at) found.push_back(order[at].second);
        return found;
    }

    void order() {
        useless_ = sorted_by(clusters_.size(), [&](int i) { return clusters_[size_t(i)].loss; });
        worth_ = sorted_by(clusters_.size(), [&](int i) { return -clusters_[size_t(i)].gain; });
    }

    // The swap that promises most, of those not tried as things stand.
    Swap promising() const {
        double most = -std::numeric_limits<double>::infinity();
        Swap found{-1, -1};
        for (const int b : worth_) {
            const Cluster &split = clusters_[size_t(b)];
            if (!(split.gain > 0) || !(split.gain - clusters_[size_t(useless_[0])].loss > most)) break;
            for (const int a : useless_) {
                const Cluster &gone = clusters_[size_t(a)];
                if (!(split.gain - gone.loss > most)) break;
                if (a == b || tried_.contains({a, b, gone.version, split.version})) continue;
                most = split.gain - gone.loss;
                found = {a, b};
                break;
            }
        }
        return found;
    }

    // Center a beside b, and what is around both settled; kept if it costs less.
    bool attempt(int a, int b) {
        std::vector<int> part = neighbors(a);
        for (int other : neighbors(b)) part.push_back(other);
        part.push_back(a);
        part.push_back(b);
        std::sort(part.begin(), part.end());
        part.erase(std::unique(part.begin(), part.end()), part.end());
        const size_t d = size_t(d_), many = part.size();
        std::vector<T> columns(d * WIDE, T(sizeof(T) == 4 ? 1e18 : 1e150));
        std::vector<int32_t> points;
        double before = 0;
        for (size_t s = 0; s < many; ++s) {
            const Cluster &own = clusters_[size_t(part[s])];
            before += own.cost;
            points.insert(points.end(), own.members.begin(), own.members.end());
            const Cluster &split = clusters_[size_t(b)];
            const T *c = part[s] == b ? split.lower.data() : part[s] == a ? split.upper.data() : center(part[s]);
            for (size_t j = 0; j < d; ++j) columns[j * WIDE + s] = c[j];
        }
        std::vector<int32_t> label(points.size(), -1);
        const double after = settle(columns, points, label, before);
        if (!(after < before * (1 - 1e-6))) {
            tried_.insert({a, b, clusters_[size_t(a)].version, clusters_[size_t(b)].version});
            return false;
        }
        for (size_t s = 0; s < many; ++s) {
            clusters_[size_t(part[s])].members.clear();
            for (size_t j = 0; j < d; ++j) centers_[size_t(part[s]) * d + j] = columns[j * WIDE + s];
        }
        for (size_t i = 0; i < points.size(); ++i) clusters_[size_t(part[label[i]])].members.push_back(points[i]);
        for (int s : part) {
            measure(s);
            ++clusters_[size_t(s)].version;
        }
        for (int s : part) measure_loss(s);
        order();
        return true;
    }

    // Lloyd's loop among a few centers, in columns; the inertia of the last labels around their means.
    double settle(std::vector<T> &columns, const std::vector<int32_t> &points, std::vector<int32_t> &label,
                  double before) const {
        const size_t d = size_t(d_);
        double inertia = 0, last = std::numeric_limits<double>::infinity();
        std::vector<T> squares(points.size());
        std::vector<double> sums(WIDE * (d + 1));
        for (int turn = 0; turn < TURNS; ++turn) {
            std::fill(sums.begin(), sums.end(), 0.0);
            inertia = 0;
            const bool changed = rows_.kernels.among(x_, d_, points.data(), int64_t(points.size()), columns.data(),
                                                     label.data(), squares.data());
            for (size_t i = 0; i < points.size(); ++i) {
                const T *x = x_ + size_t(points[i]) * d;
                const int32_t best = label[i];
                const double w = weight(points[i]);
                double *row = &sums[size_t(best) * (d + 1)];
                inertia += w * double(squares[i]);
                row[d] += w;
                for (size_t j = 0; j < d; ++j) row[j] += w * (double(x[j]) - double(columns[j * WIDE + size_t(best)]));
            }
            for (size_t s = 0; s < WIDE; ++s) {
                const double *row = &sums[s * (d + 1)];
                for (size_t j = 0; j < d && row[d] > 0; ++j) {
                    inertia -= row[j] * row[j] / row[d];
                    columns[j * WIDE + s] = T(double(columns[j * WIDE + s]) + row[j] / row[d]);
                }
            }
            if (!changed || inertia - before > HOPE * (last - inertia)) break;
            last = inertia;
        }
        return inertia;
    }

    const Partition<T> &rows_;
    const T *x_;
    const int d_, k_;
    std::vector<Cluster> clusters_;
    std::vector<T> centers_;
    std::vector<int> useless_, worth_;  // by what they would cost, and save
    std::set<std::array<int, 4>> tried_;
};

}  // namespace tinct
