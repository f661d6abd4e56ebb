// Sparse rows and the centers they are assigned to.
//
// A score |c|^2 / 2 - x.c costs one multiply-add for each number of a row and each center. The centers lie transposed,
// so the lanes of a vector are centers and a row's numbers stream past all of them. Where the two best scores are closer
// than rounding can decide, distances in twofold precision decide: labels are the same on every instruction set,
// wherever the data lies. Hamerly's bounds (SDM 2010) skip rows whose center is surely still the nearest; only clusters
// that changed are added up, each by one thread in the order of the rows. So the number of threads changes no bit.
#pragma once
#include <atomic>
#include <functional>
#include <numeric>
#include <span>

#include "clustering/sparse_centers.hpp"
#include "clustering/sparse_rows.hpp"
#include "threads/pool.hpp"

namespace tinct {

template <class T> class SparsePartition {
  public:
    // rows [n] of the table, or null for all of them, and their weights, or null for 1, must outlive the partition.
    SparsePartition(const SparseTable<T> &table, const int64_t *rows, const double *weights, int64_t n, int threads,
                 std::function<void()> poll)
        : n(n), d(table.d), table_(table), rows_(rows), weights_(weights), threads_(threads), poll_(std::move(poll)),
          chunk_((n + CHUNKS - 1) / CHUNKS), squares(size_t(n)), labels(size_t(n)) {
        for (int64_t p = 0; p < n; ++p) {
            for (const SparseRow<T> x = row(p); const T value : std::span(x.values, size_t(x.count)))
                squares[p] += double(value) * double(value);
            numbers_ += row(p).count;
        }
    }
    SparsePartition(const SparsePartition &) = delete;

    const int64_t n, d;
    SparseRow<T> row(int64_t p) const { return table_.row(rows_ ? rows_[p] : p); }
    double weight(int64_t p) const { return weights_ ? weights_[p] : 1.0; }

  private:
    static constexpr int64_t CHUNKS = 64;
    const SparseTable<T> table_;
    const int64_t *rows_;
    const double *weights_;
    const int threads_;
    const std::function<void()> poll_;
    const int64_t chunk_;
    int64_t numbers_ = 0;
    std::unique_ptr<ThreadPool> pool_;

  public:
    std::vector<double> squares;   // |x|^2
    std::vector<int32_t> labels;
    int k = 0;

    // Room for k centers, all 0.
    void make_room(int many) {
        k = many;
        centers_.make_room(d, k);
        summed_.assign(size_t(n), -1);
        changed_ = std::vector<std::atomic<bool>>(size_t(k));
        forget();
        // Waking a thread costs some 50 µs: below some million products one thread is faster.
        const int64_t most = threads_ > 0 ? threads_ : processors();
        if (double(numbers_) * k > 4e6 && most > 1 && !pool_)
            pool_ = std::make_unique<ThreadPool>(std::min(most, CHUNKS) - 1);
    }
    // All centers anew.
    void set_centers(const T *rows) {
        each(k, [&](int64_t c) {
            const auto before = centers_.clear(int(c));
            for (int64_t j = 0; j < d; ++j)
                if (const T value = rows[c * d + j]; value != 0) centers_.sums[c].add(int32_t(j), double(value));
            centers_.place(int(c), 1, before);
        });
        forget();
    }
    void set_center(int c, int64_t p) {
        const auto before = centers_.clear(c);
        add_row(p, 1, centers_.sums[c]);
        centers_.place(c, 1, before);
    }
    // The rows that centers start from; what is left over repeats the first.
    void set_rows(std::span<const int64_t> rows) {
        for (int c = 0; c < k; ++c) set_center(c, rows[size_t(c) < rows.size() ? size_t(c) : 0]);
        forget();
    }
    void copy_centers(T *out) const {
        std::fill(out, out + int64_t(k) * d, T(0));
        for (int c = 0; c < k; ++c)
            for (const int32_t j : centers_.sums[c].touched) out[c * d + j] = centers_.at(j, c);
    }
    // Nothing is known of what is nearest.
    void forget() { upper_.clear(); }

    // Assign; how many rows changed their cluster.
    int64_t step() {
        const bool fresh = upper_.empty();
        if (fresh) {
            upper_.assign(size_t(n), std::numeric_limits<double>::infinity());
            lower_.assign(size_t(n), 0.0);
        }
        int fastest = 0;
        double second = 0;
        for (int c = 1; c < k; ++c)
            if (centers_.moves[c] > centers_.moves[fastest]) fastest = c;
        for (int c = 0; c < k; ++c)
            if (c != fastest) second = std::max(second, centers_.moves[c]);
        reach();
        const double moved = sum([&](int64_t first, int64_t last) {
            std::vector<T> scores(size_t(centers_.stride), T(0));
            int64_t count = 0;
            for (int64_t p = first; p < last; ++p) {
                const int32_t own = labels[p];
                upper_[p] = (upper_[p] + centers_.moves[own]) * UP;
                lower_[p] = (lower_[p] - (own == fastest ? second : centers_.moves[fastest])) * DOWN;
                if (upper_[p] < lower_[p]) continue;
                prefetch(p);
                const int32_t label = nearest(p, scores.data());
                if (label == own && !fresh) continue;
                ++count;
                changed_[own].store(true, std::memory_order_relaxed);
                changed_[label].store(true, std::memory_order_relaxed);
                labels[p] = label;
            }
            return double(count);
        });
        std::fill(centers_.moves.begin(), centers_.moves.end(), 0.0);
        return int64_t(moved);
    }
    // Centers that changed to the means of their rows; one without rows stays where it is. The squares of the moves.
    double move() { return renew(false); }
    // The same, all rows added up anew: free of what rounding left behind.
    double recount() { return renew(true); }
    void change(int c) { changed_[c] = true; }
    void change_all() {
        for (int c = 0; c < k; ++c) change(c);
    }

    // |x - c|^2, to some thousand roundings of float64 wherever the data lies.
    double square(int64_t p, int c) const {
        const SparseRow<T> x = row(p);
        const double whole = squares[p] + centers_.squares[c].value();
        double sum = centers_.squares[c].value();
        for (int64_t i = 0; i < x.count; ++i)
            sum += double(x.values[i]) * (double(x.values[i]) - 2 * double(centers_.at(x.columns[i], c)));
        if (sum > 1e-3 * whole) return sum;
        sum = exact(x, c).value();
        if (sum > 1e-20 * whole) return sum;
        sum = 0;  // as good as equal: column by column
        for (int64_t i = 0; i < x.count; ++i) {
            const double t = double(x.values[i]) - double(centers_.at(x.columns[i], c));
            sum += t * t;
        }
        for (const int32_t j : centers_.sums[c].touched)
            if (!std::binary_search(x.columns, x.columns + x.count, j)) sum += double(centers_.at(j, c)) * double(centers_.at(j, c));
        return sum;
    }
    double inertia() {
        return sum([&](int64_t first, int64_t last) {
            double total = 0;
            for (int64_t p = first; p < last; ++p) total += weight(p) * square(p, labels[p]);
            return total;
        });
    }
    template <class Work> void each_row(const Work &work) {
        sum([&](int64_t first, int64_t last) {
            for (int64_t p = first; p < last; ++p) work(p);
            return 0.0;
        });
    }
    // The distances of a row to all centers.
    void distances(int64_t p, T *out) const {
        for (int c = 0; c < k; ++c) out[c] = T(std::sqrt(square(p, c)));
    }
    // tol is in mean variances of a column: this is one.
    double variance() const {
        std::vector<double> mean(size_t(d), 0.0), seen(size_t(d), 0.0);
        double mass = 0, total = 0;
        const auto all = [&](const auto &see) {
            for (int64_t p = 0; p < n; ++p)
                for (int64_t i = 0; i < row(p).count; ++i) see(row(p).columns[i], double(row(p).values[i]), weight(p));
        };
        for (int64_t p = 0; p < n; ++p) mass += weight(p);
        all([&](int32_t j, double x, double w) {
            mean[j] += w * x;
            seen[j] += w;
        });
        for (double &m : mean) m /= mass;
        all([&](int32_t j, double x, double w) { total += w * (x - mean[j]) * (x - mean[j]); });
        for (int64_t j = 0; j < d; ++j) total += std::max(0.0, mass - seen[j]) * mean[j] * mean[j];
        return total / mass / double(d);
    }
    // The rows farthest from their centers, none that lies on its center; equally far ones in lexicographic order.
    std::vector<std::pair<double, int64_t>> worst_served(size_t count) {
        std::vector<std::pair<double, int64_t>> found(static_cast<size_t>(n));
        each_row([&](int64_t p) { found[p] = {square(p, labels[p]), p}; });
        std::erase_if(found, [](const auto &one) { return !(one.first > 0); });
        count = std::min(count, found.size());
        std::partial_sort(found.begin(), found.begin() + int64_t(count), found.end(), [&](const auto &a, const auto &b) {
            return a.first != b.first ? a.first > b.first : compare(row(a.second), row(b.second)) < 0;
        });
        found.resize(count);
        return found;
    }
    // The nearest center but one of each row, and how much farther it is, squared.
    void second_best(std::vector<int32_t> &second, std::vector<double> &loss) {
        reach();
        second.resize(size_t(n));
        loss.resize(size_t(n));
        sum([&](int64_t first, int64_t last) {
            std::vector<T> scores(size_t(centers_.stride), T(0));
            for (int64_t p = first; p < last; ++p) {
                kernels_.screen(row(p), centers_.table, centers_.stride, centers_.half_squares.data(), scores.data());
                scores[labels[p]] = std::numeric_limits<T>::max();
                const double limit = double(*std::min_element(scores.begin(), scores.begin() + k)) + 2 * doubt(p);
                double least = std::numeric_limits<double>::infinity();
                for (int c = 0; c < k; ++c)
                    if (double(scores[c]) <= limit)
                        if (const double found = square(p, c); found < least) {
                            least = found;
                            second[p] = c;
                        }
                loss[p] = least - square(p, labels[p]);
            }
            return 0.0;
        });
    }
    // What splitting each cluster at its mean, across its longest axis, would gain, as Splits in starts.hpp; the rows
    // that would go. The centers must be means.
    std::vector<double> splits(std::vector<char> &goes) {
        const std::vector<int64_t> ends = sort_rows();
        std::vector<double> gains(size_t(k), 0.0);
        goes.assign(size_t(n), 0);
        each(k, [&](int64_t c) { gains[c] = split(int(c), members(ends, int(c)), goes); });
        return gains;
    }
    // Weight of each cluster.
    std::vector<double> masses() const {
        std::vector<double> mass(size_t(k), 0.0);
        for (int64_t p = 0; p < n; ++p) mass[labels[p]] += weight(p);
        return mass;
    }

    template <class Work> void each(int64_t count, const Work &work) {
        if (pool_ && count > 1) return pool_->each(count, std::cref(work), poll_);
        for (int64_t i = 0; i < count; ++i) {
            work(i);
            if (poll_) poll_();
        }
    }
    template <class Work> double sum(const Work &work) {  // of the chunks in their order
        const int64_t chunks = (n + chunk_ - 1) / chunk_;
        std::vector<double> parts(static_cast<size_t>(chunks));
        each(chunks, [&](int64_t i) { parts[i] = work(i * chunk_, std::min(n, (i + 1) * chunk_)); });
        return std::accumulate(parts.begin(), parts.end(), 0.0);
    }

  private:
    template <class> friend class SparseSeeding;
    static constexpr double UP = 1 + 0x1p-50, DOWN = 1 - 0x1p-50;

    void add_row(int64_t p, double w, typename SparseCenters<T>::Sums &to) const {
        const SparseRow<T> x = row(p);
        for (int64_t i = 0; i < x.count; ++i) to.add(x.columns[i], w * double(x.values[i]));
    }
    // The caller's rows lie anywhere in memory.
    void prefetch(int64_t p) const {
        const SparseRow<T> x = row(std::min(p + 4, n - 1));
        for (int64_t i = 0; i < std::min<int64_t>(x.count, 64); i += 64 / sizeof(T)) {
            __builtin_prefetch(x.columns + i);
            __builtin_prefetch(x.values + i);
        }
    }
    // The longest axis of a cluster, by steps of the power method, and sums of its rows.
    struct Axis {
        Axis(const SparsePartition &rows, int c, std::span<const int64_t> members)
            : rows(rows), c(c), members(members), columns(rows.centers_.sums[c].touched), axis(size_t(rows.d), 0.0),
              next(size_t(rows.d), 0.0) {
            for (const int64_t p : members) {
                mass += rows.weight(p);
                const SparseRow<T> x = rows.row(p);
                for (int64_t i = 0; i < x.count; ++i)
                    next[x.columns[i]] += rows.weight(p) * double(x.values[i]) * double(x.values[i]);
            }
            double widest = 0;
            int32_t first = columns[0];
            for (const int32_t j : columns) {
                const double variance = next[j] - mass * center(j) * center(j);
                if (variance > widest) {
                    widest = variance;
                    first = j;
                }
                next[j] = 0;
            }
            axis[first] = 1;
            set_base();
        }
        void turn() {
            double pull = 0, square = 0;
            for (const int64_t p : members) {
                const double t = rows.weight(p) * along(p);
                add(p, t);
                pull += t;
            }
            for (const int32_t j : columns) {
                axis[j] = std::exchange(next[j], 0.0) - center(j) * pull;
                square += axis[j] * axis[j];
            }
            for (const int32_t j : columns) axis[j] = square > 0 ? axis[j] / std::sqrt(square) : 0;
            set_base();
        }
        void add(int64_t p, double scale) {
            const SparseRow<T> x = rows.row(p);
            for (int64_t i = 0; i < x.count; ++i) next[x.columns[i]] += scale * double(x.values[i]);
        }
        double along(int64_t p) const {  // (x - c) . axis
            const SparseRow<T> x = rows.row(p);
            double sum = -base;
            for (int64_t i = 0; i < x.count; ++i) sum += double(x.values[i]) * axis[x.columns[i]];
            return sum;
        }
        double center(int32_t j) const { return double(rows.centers_.at(j, c)); }
        void set_base() {
            base = 0;
            for (const int32_t j : columns) base += center(j) * axis[j];
        }
        const SparsePartition &rows;
        const int c;
        const std::span<const int64_t> members;
        const std::vector<int32_t> &columns;
        std::vector<double> axis, next;
        double mass = 0, base = 0;
    };
    double split(int c, std::span<const int64_t> members, std::vector<char> &goes) const {
        if (members.size() < 2) return 0;
        Axis axis(*this, c, members);
        for (int turn = 0; turn < 2; ++turn) axis.turn();
        double above = 0, square = 0;
        for (const int64_t p : members)
            if ((goes[p] = axis.along(p) > 0)) {
                axis.add(p, weight(p));
                above += weight(p);
            }
        const double below = axis.mass - above;
        if (!(above > 0 && below > 1e-9 * axis.mass)) return 0;
        for (const int32_t j : axis.columns) {
            const double t = axis.next[j] / above - axis.center(j);
            square += t * t;
        }
        return above * axis.mass / below * square;  // a b / (a + b) times the squared distance of the halves
    }
    double renew(bool anew) {
        const std::vector<int64_t> ends = sort_rows();
        // Rows that come and go, by cluster: each has those that joined it and those that left it.
        std::vector<std::vector<int64_t>> going(static_cast<size_t>(k));
        for (int64_t p = 0; p < n && !anew; ++p)
            if (summed_[p] != labels[p])
                for (const int32_t c : {summed_[p], labels[p]})
                    if (c >= 0) going[c].push_back(p);
        std::vector<int> order;
        for (int c = 0; c < k; ++c) {
            if (!size(ends, c)) centers_.sums[c].peak = 0;
            if ((changed_[c].exchange(false) || anew) && size(ends, c)) order.push_back(c);
        }
        // The largest first, or one thread would be left with it in the end.
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return size(ends, a) > size(ends, b); });
        std::vector<double> shifts(size_t(k), 0.0);
        each(int64_t(order.size()), [&](int64_t at) {
            const int c = order[at];
            shifts[c] = renew(c, members(ends, c), anew ? nullptr : &going[c]);
        });
        for (const int c : order)
            for (const int64_t p : members(ends, c)) summed_[p] = c;
        return std::accumulate(shifts.begin(), shifts.end(), 0.0);
    }
    // One center. Where few rows come and go, their differences do: unless so much went that rounding would show.
    double renew(int c, std::span<const int64_t> members, const std::vector<int64_t> *going) {
        auto &sums = centers_.sums[c];
        double mass = 0;
        for (const int64_t p : members) mass += weight(p);
        std::vector<int32_t> before;
        if (going && 2 * going->size() < members.size() && sums.peak > 0 && 2 * mass > sums.peak) {
            for (const int64_t p : *going) add_row(p, labels[p] == c ? weight(p) : -weight(p), sums);
            sums.peak = std::max(sums.peak, mass);
        } else {
            before = centers_.clear(c);
            sums.peak = members.size() > 1 ? mass : 0;
            if (members.size() == 1) mass = 1;  // one row's mean is that row, to the bit
            for (const int64_t p : members) {
                prefetch(p);
                add_row(p, members.size() == 1 ? 1 : weight(p), sums);
            }
        }
        return centers_.place(c, mass, before);
    }
    // Rows by their labels: cluster c has order_[ends[c] .. ends[c + 1]), in the order of the rows.
    std::vector<int64_t> sort_rows() {
        std::vector<int64_t> ends(size_t(k) + 2, 0);
        for (const int32_t label : labels) ++ends[label + 2];
        std::partial_sum(ends.begin(), ends.end(), ends.begin());
        order_.resize(size_t(n));
        for (int64_t p = 0; p < n; ++p) order_[ends[labels[p] + 1]++] = p;
        return ends;
    }
    static int64_t size(const std::vector<int64_t> &ends, int c) { return ends[c + 1] - ends[c]; }
    std::span<const int64_t> members(const std::vector<int64_t> &ends, int c) const {
        return std::span(order_).subspan(size_t(ends[c]), size_t(size(ends, c)));
    }

    void reach() {
        largest_ = 0;
        for (const Twofold &square : centers_.squares) largest_ = std::max(largest_, square.value());
        largest_ *= UP;
    }
    // What rounding can do to one score. n eps for a sum of n products, and underflow.
    double doubt(int64_t p) const {
        constexpr double eps = std::numeric_limits<T>::epsilon() / 2, tiny = std::numeric_limits<T>::min();
        const double count = double(row(p).count) + 6;
        return 1.01 * (eps * (count * std::sqrt(squares[p] * largest_) + largest_) + count * tiny);
    }
    Twofold exact(const SparseRow<T> &x, int c) const {
        Twofold sum = centers_.squares[c];
        for (int64_t i = 0; i < x.count; ++i) {
            const double value = double(x.values[i]);
            sum.add_product(value, value);
            sum.add_product(-2 * value, double(centers_.at(x.columns[i], c)));
        }
        return sum;
    }
    // The nearest center of a row, of equally near ones the first; and bounds on the distances to it and to others.
    int32_t nearest(int64_t p, T *scores) {
        const SparseRow<T> x = row(p);
        const auto best = kernels_.screen(x, centers_.table, centers_.stride, centers_.half_squares.data(), scores);
        const double error = doubt(p);
        int32_t label = best.label;
        if (double(best.next) - double(best.score) <= 2 * error && k > 1) {
            label = -1;
            Twofold least;
            for (int c = 0; c < k; ++c) {
                if (double(scores[c]) - double(best.score) > 2 * error) continue;
                const Twofold square = exact(x, c);
                if (label >= 0 && !(square < least)) continue;
                least = square;
                label = c;
            }
        }
        const double other = double(label == best.label ? best.next : best.score);
        const double slack = 2 * error + double(x.count + 8) * 2.3e-16 * (squares[p] + largest_);
        upper_[p] = std::sqrt(std::max(0.0, squares[p] + 2 * double(scores[label]) + slack)) * UP;
        lower_[p] = std::sqrt(std::max(0.0, squares[p] + 2 * other - slack)) * DOWN;
        return label;
    }

    const SparseKernels<T> &kernels_ = dispatch_sparse<T>();
    SparseCenters<T> centers_;
    std::vector<int32_t> summed_;        // the cluster in whose sums each row stands, or -1
    std::vector<std::atomic<bool>> changed_;
    double largest_ = 0;                 // of |c|^2, rounded up
    std::vector<double> upper_, lower_;  // bounds on each row's distance to its own center and to any other
    std::vector<int64_t> order_;
};

}  // namespace tinct
