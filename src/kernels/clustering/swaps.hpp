// The quick search: a center is moved and settled among its neighbors alone, in a hundredth of the time of a step.
#pragma once
#include <array>
#include <optional>
#include <set>

#include "clustering/neighbors.hpp"
#include "clustering/starts.hpp"
#include "clustering/summary.hpp"

namespace tinct {

// Clusters of points, improved by single swaps: a center that serves little goes where a cluster is worth splitting.
// Only the clusters around both places take part in what follows, a little K-means of its own. Labels stay among them,
// so the costs are upper bounds, and their sum never rises.
//
// What it costs to take a center away, and what a second one saves, is guessed for each cluster and settled on for those
// that promise most: once for a cluster, not once for a pair. With every pair settled on half as many swaps were found in
// the same time.
template <class T> class LocalSwaps {
  public:
    // labels: of the rows, in the caller's order.
    LocalSwaps(const Partition<T> &rows, int k, const int32_t *labels)
        : rows_(rows), x_(rows.point(0)), d_(rows.d()), k_(k), clusters_(size_t(k)), columns_(size_t(d_) * WIDE),
          sums_(WIDE * size_t(d_ + 1)) {
        for (int64_t i = 0; i < rows.n(); ++i) clusters_[size_t(labels[i])].members.push_back(int32_t(i));
    }

    // Settle at most so many times, from these centers on; the swaps that helped.
    std::vector<Swap> run(std::vector<T> &centers, int trials) {
        centers_ = centers;
        near_.emplace(centers_, d_);
        for (int i = 0; i < k_; ++i) measure(i);
        for (int i = 0; i < k_; ++i) guess_loss(i);
        order();
        std::vector<Swap> helped;
        for (int failed = 0; trials > 0 && failed < patience(); --trials) {
            const auto [a, b] = promising();
            if (a < 0) break;
            if (rows_.poll) rows_.poll();
            Cluster &gone = clusters_[size_t(a)], &split = clusters_[size_t(b)];
            if (!gone.loss.known) {
                gone.loss = {change(a, -1, clusters_[size_t(worth_[0])].gain.value), true};
                place(useless_, a, [&](int i) { return clusters_[size_t(i)].loss.value; });
            } else if (!split.gain.known) {
                split.gain = {-change(-1, b, -clusters_[size_t(useless_[0])].loss.value), true};
                place(worth_, b, [&](int i) { return -clusters_[size_t(i)].gain.value; });
            } else if (change(a, b, 0) < -1e-6 * before_) {
                take_over();
                helped.push_back({a, b});
                failed = 0;
            } else {
                tried_.insert({a, b, gone.version, split.version});
                ++failed;
            }
        }
        if (!helped.empty()) centers = centers_;
        return helped;
    }

  private:
    static constexpr size_t AROUND = (AMONG - 2) / 2, WIDE = AMONG;
    static constexpr int TURNS = 10;
    static constexpr double HOPE = 10;  // a change is given up where it would have to fall by so many times its last step
    // In more than MAX_CELL_DIMS dimensions the search ends where no gain comes near any loss: guesses are not so wrong, and
    // trials cost the most. On mixtures whose clusters are found 3 are left of 23, none of those that helped.
    static constexpr double HOPELESS = 0.6;
    static constexpr double LESS = 0.6, MORE = 1.3;  // what settling makes of a guess at a loss, and at a gain
    struct Price {
        double value = 0;
        bool known = false;
    };
    struct Cluster {
        std::vector<int32_t> members;
        std::vector<int> around;
        double cost = 0;
        Price gain, loss;  // of a second center, and without its own
        std::vector<T> lower, upper;
        int version = 0;
    };

    // Trials in vain before the search ends. With 8 the colors of a dark red picture ended 4 % above the best known error;
    // in more dimensions trials cost too much.
    int patience() const { return std::max(d_ > MAX_CELL_DIMS ? 4 : d_ > MAX_BOXED_DIMS ? 8 : 24, k_ / 8); }
    double weight(int64_t i) const { return rows_.weight(i); }
    const T *center(int i) const { return &centers_[size_t(i) * size_t(d_)]; }

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
        own.cost = 0;
        own.gain = {};
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
        near_->set(i, c);
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
        own.gain.value = MORE * high * low / mass * apart;
    }

    // What it would cost if its points went to the centers around it.
    void guess_loss(int i) {
        Cluster &own = clusters_[size_t(i)];
        own.around = near_->of(i, AROUND);
        part_ = own.around;
        lay_out(-1, -1);
        points_ = own.members;
        nearest();
        double loss = -own.cost;
        for (size_t p = 0; p < points_.size(); ++p) loss += weight(points_[p]) * double(squares_[p]);
        own.loss = {LESS * loss, false};
    }

    // The centers of part_ in columns, but for one that is gone and one that is split.
    void lay_out(int a, int b) {
        const size_t d = size_t(d_);
        std::fill(columns_.begin(), columns_.end(), T(sizeof(T) == 4 ? 1e18 : 1e150));
        const auto put = [&](size_t at, const T *c) {
            for (size_t j = 0; j < d; ++j) columns_[j * WIDE + at] = c[j];
        };
        size_t spare = part_.size();
        for (size_t s = 0; s < part_.size(); ++s) {
            if (part_[s] == a) spare = s;
            else put(s, part_[s] == b ? clusters_[size_t(b)].lower.data() : center(part_[s]));
        }
        if (b >= 0) put(spare, clusters_[size_t(b)].upper.data());
    }

    bool nearest() {
        label_.resize(points_.size());
        squares_.resize(points_.size());
        return rows_.kernels.among(x_, d_, points_.data(), int64_t(points_.size()), columns_.data(), label_.data(),
                                   squares_.data());
    }

    void order() {
        useless_ = sorted_by(clusters_.size(), [&](int i) { return clusters_[size_t(i)].loss.value; });
        worth_ = sorted_by(clusters_.size(), [&](int i) { return -clusters_[size_t(i)].gain.value; });
    }
    // One whose key changed to its place.
    template <class Key> static void place(std::vector<int> &order, int i, const Key &key) {
        order.erase(std::find(order.begin(), order.end(), i));
        order.insert(std::upper_bound(order.begin(), order.end(), i, [&](int a, int b) { return key(a) < key(b); }), i);
    }

    // The swap that promises most, of those not tried as things stand.
    Swap promising() const {
        double most = -std::numeric_limits<double>::infinity();
        Swap found{-1, -1};
        for (const int b : worth_) {
            const Cluster &split = clusters_[size_t(b)];
            if (!(split.gain.value - clusters_[size_t(useless_[0])].loss.value > most)) break;
            for (const int a : useless_) {
                const Cluster &gone = clusters_[size_t(a)];
                if (!(split.gain.value - gone.loss.value > most)) break;
                if (a == b || vain(gone, split) || tried_.contains({a, b, gone.version, split.version})) continue;
                most = split.gain.value - gone.loss.value;
                found = {a, b};
                break;
            }
        }
        const bool dear = d_ > MAX_CELL_DIMS && found.first >= 0;
        if (dear && clusters_[size_t(found.second)].gain.value < HOPELESS * clusters_[size_t(found.first)].loss.value) return {-1, -1};
        return found;
    }

    // Whether the two are known to promise nothing: what happens at one place does not matter at the other.
    bool vain(const Cluster &gone, const Cluster &split) const {
        const double promise = split.gain.value - gone.loss.value;
        if (!gone.loss.known || !split.gain.known || promise > 0) return false;
        if (promise < -split.gain.value) return true;
        return !std::any_of(gone.around.begin(), gone.around.end(), [&](int i) {
            return std::find(split.around.begin(), split.around.end(), i) != split.around.end();
        });
    }

    // How much more it costs, once settled, without center a, with another one beside b, or both; -1: none such.
    double change(int a, int b, double limit) {
        part_.clear();
        for (int i : {a, b}) {
            if (i < 0) continue;
            part_.push_back(i);
            part_.insert(part_.end(), clusters_[size_t(i)].around.begin(), clusters_[size_t(i)].around.end());
        }
        std::sort(part_.begin(), part_.end());
        part_.erase(std::unique(part_.begin(), part_.end()), part_.end());
        points_.clear();
        before_ = 0;
        for (int i : part_) {
            const Cluster &own = clusters_[size_t(i)];
            before_ += own.cost;
            points_.insert(points_.end(), own.members.begin(), own.members.end());
        }
        lay_out(a, b);
        return settle(before_ + limit) - before_;
    }

    // What `change` has settled, for good.
    void take_over() {
        const size_t d = size_t(d_);
        for (size_t s = 0; s < part_.size(); ++s) {
            clusters_[size_t(part_[s])].members.clear();
            for (size_t j = 0; j < d; ++j) centers_[size_t(part_[s]) * d + j] = columns_[j * WIDE + s];
        }
        for (size_t i = 0; i < points_.size(); ++i)
            clusters_[size_t(part_[size_t(label_[i])])].members.push_back(points_[i]);
        const std::vector<int> part = part_;
        for (int s : part) {
            measure(s);
            ++clusters_[size_t(s)].version;
        }
        for (int s : part) guess_loss(s);
        for (Cluster &other : clusters_)
            if (std::any_of(other.around.begin(), other.around.end(),
                            [&](int i) { return std::binary_search(part.begin(), part.end(), i); }))
                other.gain.known = other.loss.known = false;
        order();
    }

    // Lloyd's loop among a few centers, in columns; the inertia of the last labels around their means. It is left where
    // `limit` is out of reach.
    double settle(double limit) {
        double inertia = 0, last = std::numeric_limits<double>::infinity();
        label_.assign(points_.size(), -1);
        for (int turn = 0; turn < TURNS; ++turn) {
            const bool changed = nearest();
            inertia = d_ == 3 ? to_means<3>() : to_means<0>();
            if (!changed || inertia - limit > HOPE * (last - inertia)) break;
            last = inertia;
        }
        return inertia;
    }

    // The centers in columns to the means of their points; the inertia around those. D is d where it is known: the sums of a
    // point need no loop.
    template <int D> double to_means() {
        const size_t d = size_t(D ? D : d_);
        std::fill(sums_.begin(), sums_.end(), 0.0);
        double inertia = 0;
        for (size_t i = 0; i < points_.size(); ++i) {
            const T *x = x_ + size_t(points_[i]) * d;
            const size_t best = size_t(label_[i]);
            const double w = weight(points_[i]);
            double *row = &sums_[best * (d + 1)];
            inertia += w * double(squares_[i]);
            row[d] += w;
            for (size_t j = 0; j < d; ++j) row[j] += w * (double(x[j]) - double(columns_[j * WIDE + best]));
        }
        for (size_t s = 0; s < WIDE; ++s) {
            const double *row = &sums_[s * (d + 1)];
            for (size_t j = 0; j < d && row[d] > 0; ++j) {
                inertia -= row[j] * row[j] / row[d];
                columns_[j * WIDE + s] = T(double(columns_[j * WIDE + s]) + row[j] / row[d]);
            }
        }
        return inertia;
    }

    const Partition<T> &rows_;
    const T *x_;
    const int d_, k_;
    std::vector<Cluster> clusters_;
    std::vector<T> centers_;
    std::optional<Neighbors<T>> near_;
    std::vector<int> useless_, worth_;  // by what they would cost, and save
    std::set<std::array<int, 4>> tried_;
    // Of the change that is looked at:
    std::vector<int> part_;  // the clusters around it
    std::vector<int32_t> points_, label_;
    std::vector<T> columns_, squares_;
    std::vector<double> sums_;
    double before_ = 0;
};

}  // namespace tinct
