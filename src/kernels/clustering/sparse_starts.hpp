// Sparse rows: Lloyd's loop, and where its centers start.
#pragma once
#include "clustering/sparse_partition.hpp"
#include "clustering/starts.hpp"

namespace tinct {

// Lloyd's loop from the centers as they stand, as Loop in loop.hpp.
template <class T> class SparseLoop {
  public:
    SparseLoop(SparsePartition<T> &partition, int max_iter, double tol, Watch<T> watch = {})
        : partition(partition), max_iter(max_iter), tol(tol), watch_(std::move(watch)) {}

    void run() {
        converged = false;
        while (n_iter < max_iter && !converged && !stopped) {
            partition.step();
            ++n_iter;
            double inertia = 0;
            if (watch_) {
                before_.resize(size_t(partition.k) * size_t(partition.d));
                partition.copy_centers(before_.data());
                inertia = partition.inertia();
            }
            double shift = move();
            const bool rest = shift <= tol && filled_.empty();
            if (rest) shift = partition.recount();
            converged = rest || shift == 0;
            if (watch_) {
                stopped = watch_({before_, inertia, empty_, filled_, swapped});
                swapped.clear();
            }
        }
    }

    SparsePartition<T> &partition;
    const int max_iter;
    const double tol;
    int n_iter = 0;
    bool converged = false, stopped = false;
    std::vector<Swap> swapped;  // by the search, since the last iteration

  private:
    // The mean of each cluster; an empty one takes a row that is served badly, which counts no more where it was.
    double move() {
        std::vector<double> mass = partition.masses();
        empty_.clear();
        filled_.clear();
        for (int c = 0; c < partition.k; ++c)
            if (!(mass[c] > 0)) empty_.push_back(c);
        if (empty_.empty()) return partition.move();
        std::vector<int32_t> left;
        for (const auto &[square, p] : partition.worst_served(empty_.size())) {
            const int32_t own = partition.labels[p], next = empty_[filled_.size()];
            filled_.push_back(p);
            left.push_back(own);
            if (!(mass[own] > partition.weight(p) * (1 + 1e-9))) continue;
            mass[own] -= partition.weight(p);
            partition.labels[p] = next;
            for (const int c : {own, next}) partition.change(c);
        }
        double shift = partition.move();
        for (size_t i = 0; i < filled_.size(); ++i) {
            if (partition.labels[filled_[i]] == left[i]) {
                partition.set_center(empty_[i], filled_[i]);
                shift = std::numeric_limits<double>::infinity();
            }
            partition.labels[filled_[i]] = left[i];  // assigned it is by the next step
            for (const int c : {left[i], empty_[i]}) partition.change(c);
        }
        return shift;
    }

    const Watch<T> watch_;
    std::vector<T> before_;
    std::vector<int32_t> empty_;
    std::vector<int64_t> filled_;
};

// Labels to means, and all rows to the nearest of them.
template <class T> void settle_on(SparsePartition<T> &partition, const std::vector<int32_t> &labels) {
    partition.labels = labels;
    partition.change_all();
    partition.move();
    partition.forget();
}

template <class T> void divisive(SparsePartition<T> &partition) {
    std::vector<char> goes;
    std::vector<int32_t> labels(size_t(partition.n), 0);
    int have = 1;
    for (settle_on(partition, labels); have < partition.k;) {
        const std::vector<double> gains = partition.splits(goes);
        std::vector<int> order = sorted_by(size_t(have), [&](int c) { return -gains[c]; });
        order.resize(size_t(std::min(partition.k - have, (have + 1) / 2)));
        std::erase_if(order, [&](int c) { return !(gains[c] > 0); });
        if (order.empty()) break;
        std::vector<int32_t> half(size_t(have), -1);
        for (const int c : order) half[c] = have++;
        labels = partition.labels;
        for (int64_t p = 0; p < partition.n; ++p)
            if (goes[p] && half[labels[p]] >= 0) labels[p] = half[labels[p]];
        settle_on(partition, labels);
        partition.step();
        partition.move();
    }
    for (; have < partition.k; ++have) partition.set_center(have, 0);
    partition.forget();
}

// Greedy k-means++ as in starts.hpp: the rows to start from. Candidates for one center are measured together.
template <class T> class SparseSeeding {
  public:
    explicit SparseSeeding(SparsePartition<T> &rows)
        : rows_(rows), chunks_((rows.n + rows.chunk_ - 1) / rows.chunk_),
          closest_(size_t(rows.n), std::numeric_limits<double>::infinity()), potential_(size_t(chunks_), 0.0),
          measured_(size_t(rows.n) * SPARSE_LANES), slots_(size_t(rows.d), 0) {}

    std::vector<int64_t> run(int many, std::span<const double> draws) {
        double mass = 0, passed = 0;
        for (int64_t p = 0; p < rows_.n; ++p) mass += rows_.weight(p);
        int64_t first = 0;
        for (; first < rows_.n - 1; ++first)
            if ((passed += rows_.weight(first)) > draws[0] * mass) break;
        measure({&first, 1});
        take(first, 0);
        const size_t tries = many > 1 ? (draws.size() - 1) / size_t(many - 1) : 0;
        for (int i = 1; i < many; ++i) {
            const double total = std::accumulate(potential_.begin(), potential_.end(), 0.0);
            std::vector<int64_t> candidates;
            for (const double draw : draws.subspan(1 + size_t(i - 1) * tries, tries))
                if (const int64_t p = pick(draw * total); p >= 0) candidates.push_back(p);
            if (candidates.empty()) break;
            take_best(candidates);
        }
        return std::move(chosen_);
    }

  private:
    void take_best(const std::vector<int64_t> &candidates) {
        double least = std::numeric_limits<double>::infinity();
        size_t best = 0, held = 0;  // which group of candidates `measured_` holds
        for (size_t at = 0; at < candidates.size(); at += SPARSE_LANES) {
            const auto group = std::span(candidates).subspan(at, std::min<size_t>(SPARSE_LANES, candidates.size() - at));
            const std::vector<double> left = measure(group);
            held = at / SPARSE_LANES;
            for (size_t l = 0; l < group.size(); ++l)
                if (left[l] < least) {
                    least = left[l];
                    best = at + l;
                }
        }
        const bool again = best / SPARSE_LANES != held;
        if (again) measure({&candidates[best], 1});
        take(candidates[best], again ? 0 : best % SPARSE_LANES);
    }
    // Squared distances of all rows to up to SPARSE_LANES of them; what would be left of the potential with each.
    std::vector<double> measure(std::span<const int64_t> few) {
        table_.assign(SPARSE_LANES, 0.0);
        for (size_t l = 0; l < few.size(); ++l) {
            const SparseRow<T> x = rows_.row(few[l]);
            for (int64_t i = 0; i < x.count; ++i) {
                int32_t &slot = slots_[x.columns[i]];
                if (!slot) {
                    slot = int32_t(table_.size() / SPARSE_LANES);
                    table_.resize(table_.size() + SPARSE_LANES, 0.0);
                }
                table_[size_t(slot) * SPARSE_LANES + l] = double(x.values[i]);
            }
        }
        std::vector<double> left(size_t(chunks_) * SPARSE_LANES, 0.0);
        rows_.each(chunks_, [&](int64_t chunk) {
            for (int64_t p = chunk * rows_.chunk_; p < end(chunk); ++p) {
                double *const found = &measured_[size_t(p) * SPARSE_LANES];
                rows_.prefetch(p);
                rows_.kernels_.products(rows_.row(p), slots_.data(), table_.data(), found);
                for (size_t l = 0; l < few.size(); ++l) {
                    const double whole = rows_.squares[p] + rows_.squares[few[l]], square = whole - 2 * found[l];
                    found[l] = square > 1e-3 * whole ? square : squared_distance(rows_.row(p), rows_.row(few[l]));
                    left[size_t(chunk) * SPARSE_LANES + l] += rows_.weight(p) * std::min(closest_[p], found[l]);
                }
            }
        });
        for (const int64_t p : few)
            for (int64_t i = 0; i < rows_.row(p).count; ++i) slots_[rows_.row(p).columns[i]] = 0;
        std::vector<double> total(few.size(), 0.0);
        for (int64_t chunk = 0; chunk < chunks_; ++chunk)
            for (size_t l = 0; l < few.size(); ++l) total[l] += left[size_t(chunk) * SPARSE_LANES + l];
        return total;
    }
    void take(int64_t p, size_t lane) {
        chosen_.push_back(p);
        rows_.each(chunks_, [&](int64_t chunk) {
            potential_[chunk] = 0;
            for (int64_t q = chunk * rows_.chunk_; q < end(chunk); ++q) {
                closest_[q] = std::min(closest_[q], measured_[size_t(q) * SPARSE_LANES + lane]);
                potential_[chunk] += rows_.weight(q) * closest_[q];
            }
        });
    }
    int64_t pick(double target) const {
        int64_t last = -1;
        for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
            if (!(potential_[chunk] > 0)) continue;
            const bool here = target < potential_[chunk];
            for (int64_t p = chunk * rows_.chunk_; p < end(chunk); ++p) {
                const double part = rows_.weight(p) * closest_[p];
                if (part > 0) last = p;
                if (here && part > 0 && (target -= part) < 0) return p;
            }
            if (here) return last;
            target -= potential_[chunk];
        }
        return last;
    }
    int64_t end(int64_t chunk) const { return std::min(rows_.n, (chunk + 1) * rows_.chunk_); }

    SparsePartition<T> &rows_;
    const int64_t chunks_;
    std::vector<double> closest_, potential_, measured_, table_;  // table_: of the columns that candidates have
    std::vector<int32_t> slots_;                                  // each column's row of the table; 0: all 0
    std::vector<int64_t> chosen_;
};

}  // namespace tinct
