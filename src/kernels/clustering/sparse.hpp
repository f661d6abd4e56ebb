// K-means on sparse rows: assigned and added up from their numbers other than 0, never made dense.
//
// A score |c|^2 / 2 - x.c costs one multiply-add for each number of a row and each center. The centers lie transposed,
// so the lanes of a vector are centers and a row's numbers stream past all of them. Where the two best scores are closer
// than rounding can decide, distances in twofold precision decide: labels are the same on every instruction set,
// wherever the data lies. Hamerly's bounds (SDM 2010) skip rows whose center is surely still the nearest; only clusters
// that changed are added up, each by one thread in the order of the rows. So the number of threads changes no bit.
#pragma once
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "threads/crew.hpp"
#include "clustering/kmeans.hpp"

namespace tinct {

// A sum in twice the precision of float64: Ogita, Rump, Oishi, "Accurate sum and dot product", SISC 2005.
struct Twofold {
    double high = 0, low = 0;
    void add(double x) {
        const double sum = high + x, part = sum - high;
        low += (high - (sum - part)) + (x - part);
        high = sum;
    }
    void add_product(double a, double b) {
        const auto upper = [](double x) {
            const double t = 134217729.0 * x;  // 2^27 + 1, Veltkamp's split
            return t - (t - x);
        };
        const double product = a * b, a1 = upper(a), b1 = upper(b), a2 = a - a1, b2 = b - b1;
        add(product);
        low += a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2);
    }
    double value() const { return high + low; }
    // Both sums rounded to one number and what is left of it.
    friend bool operator<(const Twofold &a, const Twofold &b) {
        const double x = a.value(), y = b.value();
        return x != y ? x < y : a.low - (x - a.high) < b.low - (y - b.high);
    }
};

// CSR: columns rising in each row, no number 0.
template <class T> struct SparseTable {
    const int64_t *start;
    const int32_t *columns;
    const T *values;
    int64_t n;
    int64_t d;
    SparseRow<T> row(int64_t i) const { return {start[i + 1] - start[i], columns + start[i], values + start[i]}; }
};

// Runs through the columns of two rows: see(column, number of one, of the other) until it returns false.
template <class T, class See> void side_by_side(const SparseRow<T> &a, const SparseRow<T> &b, const See &see) {
    for (int64_t i = 0, j = 0; i < a.count || j < b.count;) {
        const int64_t left = i < a.count ? a.columns[i] : std::numeric_limits<int64_t>::max();
        const int64_t right = j < b.count ? b.columns[j] : std::numeric_limits<int64_t>::max();
        const T x = left <= right ? a.values[i++] : T(0), y = right <= left ? b.values[j++] : T(0);
        if (!see(x, y)) return;
    }
}
// -1, 0 or 1, as the rows come in lexicographic order.
template <class T> int compare(const SparseRow<T> &a, const SparseRow<T> &b) {
    int found = 0;
    side_by_side(a, b, [&](T x, T y) { return (found = (x > y) - (x < y)) == 0; });
    return found;
}
template <class T> double squared_distance(const SparseRow<T> &a, const SparseRow<T> &b) {
    double sum = 0;
    side_by_side(a, b, [&](T x, T y) {
        sum += (double(x) - double(y)) * (double(x) - double(y));
        return true;
    });
    return sum;
}

// Equal rows of weight > 0 become one of their joint weight, in an order that depends on the values alone: along an
// oblique direction, the features scaled to equal ranges; on one place, lexicographic.
struct Merged {
    std::vector<int64_t> of, first;  // each sample's row, or -1; each row's first sample
    std::vector<double> weights;
};
template <class T> Merged merge(const SparseTable<T> &table, const double *weights, const uint64_t *random) {
    std::vector<double> low(table.d, 0.0), high(table.d, 0.0);
    std::vector<int64_t> seen(table.d, 0);
    for (int64_t i = table.start[0]; i < table.start[table.n]; ++i) {
        const int32_t j = table.columns[i];
        const double x = double(table.values[i]);
        low[j] = seen[j] ? std::min(low[j], x) : x;
        high[j] = seen[j]++ ? std::max(high[j], x) : x;
    }
    for (int64_t j = 0; j < table.d; ++j) {
        if (seen[j] < table.n) {
            low[j] = std::min(low[j], 0.0);
            high[j] = std::max(high[j], 0.0);
        }
        // In place of `high`: steps without a common measure, or whole numbers would meet on one place.
        high[j] = (1 + double(random[j]) * 0x1p-64) / (high[j] > low[j] ? high[j] - low[j] : 1);
    }
    std::vector<std::pair<double, int64_t>> places;
    for (int64_t i = 0; i < table.n; ++i) {
        if (!(weights[i] > 0)) continue;
        const SparseRow<T> row = table.row(i);
        double place = 0;
        for (int64_t t = 0; t < row.count; ++t) place += double(row.values[t]) * high[row.columns[t]];
        places.push_back({place, i});
    }
    std::sort(places.begin(), places.end(), [&](const auto &a, const auto &b) {
        if (a.first != b.first) return a.first < b.first;
        const int order = compare(table.row(a.second), table.row(b.second));
        if (order) return order < 0;
        // Equal rows by their weights: their sum, too, must not depend on the order they came in.
        const double u = weights[a.second], v = weights[b.second];
        return u != v ? u < v : a.second < b.second;
    });
    Merged out;
    out.of.assign(size_t(table.n), -1);
    for (size_t p = 0; p < places.size(); ++p) {
        const int64_t i = places[p].second;
        if (!p || places[p].first != places[p - 1].first || compare(table.row(i), table.row(places[p - 1].second))) {
            out.first.push_back(i);
            out.weights.push_back(0);
        }
        out.first.back() = std::min(out.first.back(), i);
        out.weights.back() += weights[i];
        out.of[i] = int64_t(out.first.size()) - 1;
    }
    return out;
}

// Rows and the centers they are assigned to.
template <class T> class SparseEngine {
  public:
    // rows [n] of the table, or null for all of them, and their weights, or null for 1, must outlive the engine.
    SparseEngine(const SparseTable<T> &table, const int64_t *rows, const double *weights, int64_t n, int threads,
                 std::function<void()> poll)
        : n(n), d(table.d), table_(table), rows_(rows), weights_(weights), threads_(threads), poll_(std::move(poll)),
          chunk_((n + CHUNKS - 1) / CHUNKS), squares(size_t(n)), labels(size_t(n)) {
        for (int64_t p = 0; p < n; ++p) {
            for (const SparseRow<T> x = row(p); const T value : std::span(x.values, size_t(x.count)))
                squares[p] += double(value) * double(value);
            numbers_ += row(p).count;
        }
    }
    SparseEngine(const SparseEngine &) = delete;

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
    std::unique_ptr<Crew> crew_;

  public:
    std::vector<double> squares;   // |x|^2
    std::vector<int32_t> labels;
    int k = 0;

    // Room for k centers, all 0.
    void make_room(int many) {
        k = many;
        constexpr int64_t LINE = 64 / sizeof(T);
        stride_ = (k + LINE - 1) / LINE * LINE;
        memory_.reset(std::calloc(size_t(d * stride_ + LINE), sizeof(T)));
        if (!memory_) throw std::bad_alloc();
        centers_ = reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(memory_.get()) + 63) / 64 * 64);
        half_squares_.assign(size_t(stride_), std::numeric_limits<T>::max());
        center_squares_.assign(size_t(k), {});
        sums_.assign(size_t(k), {});
        summed_.assign(size_t(n), -1);
        moves_.assign(size_t(k), 0.0);
        changed_ = std::vector<std::atomic<bool>>(size_t(k));
        forget();
        // Waking a thread costs some 50 µs: below some million products one thread is faster.
        const int64_t most = threads_ > 0 ? threads_ : processors();
        if (double(numbers_) * k > 4e6 && most > 1 && !crew_)
            crew_ = std::make_unique<Crew>(std::min(most, CHUNKS) - 1);
    }
    // All centers anew.
    void set_centers(const T *rows) {
        each(k, [&](int64_t c) {
            const auto before = clear(int(c));
            for (int64_t j = 0; j < d; ++j)
                if (const T value = rows[c * d + j]; value != 0) sums_[c].add(int32_t(j), double(value));
            place(int(c), 1, before);
        });
        forget();
    }
    void set_center(int c, int64_t p) {
        const auto before = clear(c);
        add_row(p, 1, sums_[c]);
        place(c, 1, before);
    }
    // The rows that centers start from; what is left over repeats the first.
    void set_rows(std::span<const int64_t> rows) {
        for (int c = 0; c < k; ++c) set_center(c, rows[size_t(c) < rows.size() ? size_t(c) : 0]);
        forget();
    }
    void copy_centers(T *out) const {
        std::fill(out, out + int64_t(k) * d, T(0));
        for (int c = 0; c < k; ++c)
            for (const int32_t j : sums_[c].touched) out[c * d + j] = center(j, c);
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
            if (moves_[c] > moves_[fastest]) fastest = c;
        for (int c = 0; c < k; ++c)
            if (c != fastest) second = std::max(second, moves_[c]);
        reach();
        const double moved = sum([&](int64_t first, int64_t last) {
            std::vector<T> scores(size_t(stride_), T(0));
            int64_t count = 0;
            for (int64_t p = first; p < last; ++p) {
                const int32_t own = labels[p];
                upper_[p] = (upper_[p] + moves_[own]) * UP;
                lower_[p] = (lower_[p] - (own == fastest ? second : moves_[fastest])) * DOWN;
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
        std::fill(moves_.begin(), moves_.end(), 0.0);
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
        const double whole = squares[p] + center_squares_[c].value();
        double sum = center_squares_[c].value();
        for (int64_t i = 0; i < x.count; ++i)
            sum += double(x.values[i]) * (double(x.values[i]) - 2 * double(center(x.columns[i], c)));
        if (sum > 1e-3 * whole) return sum;
        sum = exact(x, c).value();
        if (sum > 1e-20 * whole) return sum;
        sum = 0;  // as good as equal: column by column
        for (int64_t i = 0; i < x.count; ++i) {
            const double t = double(x.values[i]) - double(center(x.columns[i], c));
            sum += t * t;
        }
        for (const int32_t j : sums_[c].touched)
            if (!std::binary_search(x.columns, x.columns + x.count, j)) sum += double(center(j, c)) * double(center(j, c));
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
            std::vector<T> scores(size_t(stride_), T(0));
            for (int64_t p = first; p < last; ++p) {
                kernels_.screen(row(p), centers_, stride_, half_squares_.data(), scores.data());
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
    // What splitting each cluster at its mean, across its longest axis, would gain, as Splits in kmeans.hpp; the rows
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

    // Greedy k-means++ as in kmeans.hpp: the rows to start from. Candidates for one center are measured together.
    std::vector<int64_t> plus_plus(int many, std::span<const double> draws);

    template <class Work> void each(int64_t count, const Work &work) {
        if (crew_ && count > 1) return crew_->each(count, std::cref(work), poll_);
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
    static constexpr double UP = 1 + 0x1p-50, DOWN = 1 - 0x1p-50;

    // Sums over columns, of which few are touched.
    struct Sums {
        std::vector<double> sums;
        std::vector<char> seen;
        std::vector<int32_t> touched;
        double peak = 0;  // the most weight they had since all rows were added up anew; 0: not of rows
        void add(int32_t j, double x) {
            if (!seen[j]) {
                seen[j] = 1;
                touched.push_back(j);
            }
            sums[j] += x;
        }
    };
    struct Free {
        void operator()(void *memory) const { std::free(memory); }
    };

    T center(int32_t j, int c) const { return centers_[j * stride_ + c]; }
    void add_row(int64_t p, double w, Sums &to) const {
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
    // Forget the sums of a cluster; where they were not 0.
    std::vector<int32_t> clear(int c) {
        Sums &sums = sums_[c];
        if (sums.sums.empty()) {
            sums.sums.assign(size_t(d), 0.0);
            sums.seen.assign(size_t(d), 0);
        }
        for (const int32_t j : sums.touched) {
            sums.sums[j] = 0;
            sums.seen[j] = 0;
        }
        sums.peak = 0;
        return std::exchange(sums.touched, {});
    }
    // A center to what the sums hold, over their mass, and 0 in columns that it had and has no more. The square of the
    // move.
    double place(int c, double mass, const std::vector<int32_t> &before) {
        const Sums &sums = sums_[c];
        double shift = 0;
        for (const int32_t j : before)
            if (!sums.seen[j]) {
                T &at = centers_[j * stride_ + c];
                shift += double(at) * double(at);
                at = 0;
            }
        Twofold square;
        for (const int32_t j : sums.touched) {
            T &at = centers_[j * stride_ + c];
            const T next = T(sums.sums[j] / mass);
            const double move = double(next) - double(at);
            shift += move * move;
            at = next;
            square.add_product(double(next), double(next));
        }
        center_squares_[c] = square;
        half_squares_[c] = T(square.value() / 2);
        moves_[c] += std::sqrt(shift) * (1 + 1e-6);
        return shift;
    }
    double split(int c, std::span<const int64_t> members, std::vector<char> &goes) const {
        if (members.size() < 2) return 0;
        const std::vector<int32_t> &columns = sums_[c].touched;
        std::vector<double> axis(size_t(d), 0.0), next(size_t(d), 0.0);
        double mass = 0, base = 0, square = 0;
        const auto add = [&](int64_t p, double scale) {
            const SparseRow<T> x = row(p);
            for (int64_t i = 0; i < x.count; ++i) next[x.columns[i]] += scale * double(x.values[i]);
        };
        const auto along = [&](int64_t p) {  // (x - c) . axis
            const SparseRow<T> x = row(p);
            double sum = -base;
            for (int64_t i = 0; i < x.count; ++i) sum += double(x.values[i]) * axis[x.columns[i]];
            return sum;
        };
        for (const int64_t p : members) {
            mass += weight(p);
            const SparseRow<T> x = row(p);
            for (int64_t i = 0; i < x.count; ++i)
                next[x.columns[i]] += weight(p) * double(x.values[i]) * double(x.values[i]);
        }
        double widest = 0;
        int32_t first = columns[0];
        for (const int32_t j : columns) {
            const double variance = next[j] - mass * double(center(j, c)) * double(center(j, c));
            if (variance > widest) {
                widest = variance;
                first = j;
            }
            next[j] = 0;
        }
        axis[first] = 1;
        const auto set_base = [&] {
            base = 0;
            for (const int32_t j : columns) base += double(center(j, c)) * axis[j];
        };
        for (int turn = 0; turn < 2; ++turn) {  // of the power method
            set_base();
            double pull = 0;
            for (const int64_t p : members) {
                const double t = weight(p) * along(p);
                add(p, t);
                pull += t;
            }
            square = 0;
            for (const int32_t j : columns) {
                axis[j] = std::exchange(next[j], 0.0) - double(center(j, c)) * pull;
                square += axis[j] * axis[j];
            }
            for (const int32_t j : columns) axis[j] = square > 0 ? axis[j] / std::sqrt(square) : 0;
        }
        set_base();
        double above = 0;
        for (const int64_t p : members)
            if ((goes[p] = along(p) > 0)) {
                add(p, weight(p));
                above += weight(p);
            }
        const double below = mass - above;
        if (!(above > 0 && below > 1e-9 * mass)) return 0;
        square = 0;
        for (const int32_t j : columns) {
            const double t = next[j] / above - double(center(j, c));
            square += t * t;
        }
        return above * mass / below * square;  // a b / (a + b) times the squared distance of the halves
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
            if (!size(ends, c)) sums_[c].peak = 0;
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
        Sums &sums = sums_[c];
        double mass = 0;
        for (const int64_t p : members) mass += weight(p);
        std::vector<int32_t> before;
        if (going && 2 * going->size() < members.size() && sums.peak > 0 && 2 * mass > sums.peak) {
            for (const int64_t p : *going) add_row(p, labels[p] == c ? weight(p) : -weight(p), sums);
            sums.peak = std::max(sums.peak, mass);
        } else {
            before = clear(c);
            sums.peak = members.size() > 1 ? mass : 0;
            if (members.size() == 1) mass = 1;  // one row's mean is that row, to the bit
            for (const int64_t p : members) {
                prefetch(p);
                add_row(p, members.size() == 1 ? 1 : weight(p), sums);
            }
        }
        return place(c, mass, before);
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
        for (const Twofold &square : center_squares_) largest_ = std::max(largest_, square.value());
        largest_ *= UP;
    }
    // What rounding can do to one score. n eps for a sum of n products, and underflow.
    double doubt(int64_t p) const {
        constexpr double eps = std::numeric_limits<T>::epsilon() / 2, tiny = std::numeric_limits<T>::min();
        const double count = double(row(p).count) + 6;
        return 1.01 * (eps * (count * std::sqrt(squares[p] * largest_) + largest_) + count * tiny);
    }
    Twofold exact(const SparseRow<T> &x, int c) const {
        Twofold sum = center_squares_[c];
        for (int64_t i = 0; i < x.count; ++i) {
            const double value = double(x.values[i]);
            sum.add_product(value, value);
            sum.add_product(-2 * value, double(center(x.columns[i], c)));
        }
        return sum;
    }
    // The nearest center of a row, of equally near ones the first; and bounds on the distances to it and to others.
    int32_t nearest(int64_t p, T *scores) {
        const SparseRow<T> x = row(p);
        const auto best = kernels_.screen(x, centers_, stride_, half_squares_.data(), scores);
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
    int64_t stride_ = 0;
    std::unique_ptr<void, Free> memory_;
    T *centers_ = nullptr;               // [d][stride]
    std::vector<T> half_squares_;        // [stride]: |c|^2 / 2, huge in lanes without a center (yet)
    std::vector<Twofold> center_squares_;
    std::vector<Sums> sums_;             // of each cluster
    std::vector<int32_t> summed_;        // the cluster in whose sums each row stands, or -1
    std::vector<double> moves_;          // since the last step, rounded up
    std::vector<std::atomic<bool>> changed_;
    double largest_ = 0;                 // of |c|^2, rounded up
    std::vector<double> upper_, lower_;  // bounds on each row's distance to its own center and to any other
    std::vector<int64_t> order_;
};

template <class T> std::vector<int64_t> SparseEngine<T>::plus_plus(int many, std::span<const double> draws) {
    const int64_t chunks = (n + chunk_ - 1) / chunk_;
    std::vector<double> closest(size_t(n), std::numeric_limits<double>::infinity()), potential(size_t(chunks), 0.0);
    std::vector<double> measured(size_t(n) * SPARSE_LANES), table;  // of the columns that candidates have
    std::vector<int32_t> slots(size_t(d), 0);                      // each column's row of the table; 0: all 0
    std::vector<int64_t> chosen;
    // Squared distances of all rows to up to SPARSE_LANES of them; what would be left of the potential with each.
    const auto measure = [&](std::span<const int64_t> rows) {
        table.assign(SPARSE_LANES, 0.0);
        for (size_t l = 0; l < rows.size(); ++l) {
            const SparseRow<T> x = row(rows[l]);
            for (int64_t i = 0; i < x.count; ++i) {
                int32_t &slot = slots[x.columns[i]];
                if (!slot) {
                    slot = int32_t(table.size() / SPARSE_LANES);
                    table.resize(table.size() + SPARSE_LANES, 0.0);
                }
                table[size_t(slot) * SPARSE_LANES + l] = double(x.values[i]);
            }
        }
        std::vector<double> left(size_t(chunks) * SPARSE_LANES, 0.0);
        each(chunks, [&](int64_t chunk) {
            for (int64_t p = chunk * chunk_; p < std::min(n, (chunk + 1) * chunk_); ++p) {
                double *const found = &measured[size_t(p) * SPARSE_LANES];
                prefetch(p);
                kernels_.products(row(p), slots.data(), table.data(), found);
                for (size_t l = 0; l < rows.size(); ++l) {
                    const double whole = squares[p] + squares[rows[l]], square = whole - 2 * found[l];
                    found[l] = square > 1e-3 * whole ? square : squared_distance(row(p), row(rows[l]));
                    left[size_t(chunk) * SPARSE_LANES + l] += weight(p) * std::min(closest[p], found[l]);
                }
            }
        });
        for (const int64_t p : rows)
            for (int64_t i = 0; i < row(p).count; ++i)
                slots[row(p).columns[i]] = 0;
        std::vector<double> total(rows.size(), 0.0);
        for (int64_t chunk = 0; chunk < chunks; ++chunk)
            for (size_t l = 0; l < rows.size(); ++l) total[l] += left[size_t(chunk) * SPARSE_LANES + l];
        return total;
    };
    const auto take = [&](int64_t p, size_t lane) {
        chosen.push_back(p);
        each(chunks, [&](int64_t chunk) {
            potential[chunk] = 0;
            for (int64_t q = chunk * chunk_; q < std::min(n, (chunk + 1) * chunk_); ++q) {
                closest[q] = std::min(closest[q], measured[size_t(q) * SPARSE_LANES + lane]);
                potential[chunk] += weight(q) * closest[q];
            }
        });
    };
    const auto pick = [&](double target) {
        int64_t last = -1;
        for (int64_t chunk = 0; chunk < chunks; ++chunk) {
            if (!(potential[chunk] > 0)) continue;
            const bool here = target < potential[chunk];
            for (int64_t p = chunk * chunk_; p < std::min(n, (chunk + 1) * chunk_); ++p) {
                const double part = weight(p) * closest[p];
                if (part > 0) last = p;
                if (here && part > 0 && (target -= part) < 0) return p;
            }
            if (here) return last;
            target -= potential[chunk];
        }
        return last;
    };
    double mass = 0, passed = 0;
    for (int64_t p = 0; p < n; ++p) mass += weight(p);
    int64_t first = 0;
    for (; first < n - 1; ++first)
        if ((passed += weight(first)) > draws[0] * mass) break;
    measure({&first, 1});
    take(first, 0);
    const size_t tries = many > 1 ? (draws.size() - 1) / size_t(many - 1) : 0;
    for (int i = 1; i < many; ++i) {
        const double total = std::accumulate(potential.begin(), potential.end(), 0.0);
        std::vector<int64_t> candidates;
        for (const double draw : draws.subspan(1 + size_t(i - 1) * tries, tries))
            if (const int64_t p = pick(draw * total); p >= 0) candidates.push_back(p);
        if (candidates.empty()) break;
        double least = std::numeric_limits<double>::infinity();
        size_t best = 0, held = 0;  // which group of candidates `measured` holds
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
        if (best / SPARSE_LANES != held) {
            measure({&candidates[best], 1});
            take(candidates[best], 0);
        } else {
            take(candidates[best], best % SPARSE_LANES);
        }
    }
    return chosen;
}

// ---- the loop ----------------------------------------------------------------------------------

template <class T> struct SparseIteration {
    const SparseEngine<T> &engine;  // has the labels
    const std::vector<T> &centers;
    double inertia;
    const std::vector<int32_t> &empty;
    const std::vector<int64_t> &filled;
    const std::vector<Swap> &swapped;
};
template <class T> using SparseWatch = std::function<bool(const SparseIteration<T> &)>;

// Lloyd's loop from the centers as they stand, as Loop in kmeans.hpp.
template <class T> class SparseLoop {
  public:
    SparseLoop(SparseEngine<T> &engine, int max_iter, double tol, SparseWatch<T> watch = {})
        : engine(engine), max_iter(max_iter), tol(tol), watch_(std::move(watch)) {}

    void run() {
        converged = false;
        while (n_iter < max_iter && !converged && !stopped) {
            engine.step();
            ++n_iter;
            double inertia = 0;
            if (watch_) {
                before_.resize(size_t(engine.k) * size_t(engine.d));
                engine.copy_centers(before_.data());
                inertia = engine.inertia();
            }
            double shift = move();
            const bool rest = shift <= tol && filled_.empty();
            if (rest) shift = engine.recount();
            converged = rest || shift == 0;
            if (watch_) {
                stopped = watch_({engine, before_, inertia, empty_, filled_, swapped});
                swapped.clear();
            }
        }
    }

    SparseEngine<T> &engine;
    const int max_iter;
    const double tol;
    int n_iter = 0;
    bool converged = false, stopped = false;
    std::vector<Swap> swapped;  // by the search, since the last iteration

  private:
    // The mean of each cluster; an empty one takes a row that is served badly, which counts no more where it was.
    double move() {
        std::vector<double> mass = engine.masses();
        empty_.clear();
        filled_.clear();
        for (int c = 0; c < engine.k; ++c)
            if (!(mass[c] > 0)) empty_.push_back(c);
        if (empty_.empty()) return engine.move();
        std::vector<int32_t> left;
        for (const auto &[square, p] : engine.worst_served(empty_.size())) {
            const int32_t own = engine.labels[p], next = empty_[filled_.size()];
            filled_.push_back(p);
            left.push_back(own);
            if (!(mass[own] > engine.weight(p) * (1 + 1e-9))) continue;
            mass[own] -= engine.weight(p);
            engine.labels[p] = next;
            for (const int c : {own, next}) engine.change(c);
        }
        double shift = engine.move();
        for (size_t i = 0; i < filled_.size(); ++i) {
            if (engine.labels[filled_[i]] == left[i]) {
                engine.set_center(empty_[i], filled_[i]);
                shift = std::numeric_limits<double>::infinity();
            }
            engine.labels[filled_[i]] = left[i];  // assigned it is by the next step
            for (const int c : {left[i], empty_[i]}) engine.change(c);
        }
        return shift;
    }

    const SparseWatch<T> watch_;
    std::vector<T> before_;
    std::vector<int32_t> empty_;
    std::vector<int64_t> filled_;
};

// ---- start and search, as in kmeans.hpp: a solution is its labels -------------------------------

// Labels to means, and all rows to the nearest of them.
template <class T> void settle_on(SparseEngine<T> &engine, const std::vector<int32_t> &labels) {
    engine.labels = labels;
    engine.change_all();
    engine.move();
    engine.forget();
}

template <class T> void divisive(SparseEngine<T> &engine) {
    std::vector<char> goes;
    std::vector<int32_t> labels(size_t(engine.n), 0);
    int have = 1;
    for (settle_on(engine, labels); have < engine.k;) {
        const std::vector<double> gains = engine.splits(goes);
        std::vector<int> order = sorted_by(size_t(have), [&](int c) { return -gains[c]; });
        order.resize(size_t(std::min(engine.k - have, (have + 1) / 2)));
        std::erase_if(order, [&](int c) { return !(gains[c] > 0); });
        if (order.empty()) break;
        std::vector<int32_t> half(size_t(have), -1);
        for (const int c : order) half[c] = have++;
        labels = engine.labels;
        for (int64_t p = 0; p < engine.n; ++p)
            if (goes[p] && half[labels[p]] >= 0) labels[p] = half[labels[p]];
        settle_on(engine, labels);
        engine.step();
        engine.move();
    }
    for (; have < engine.k; ++have) engine.set_center(have, 0);
    engine.forget();
}

// What each center is worth where it stands, and what it could be worth beside another.
template <class T> struct SparseProspects {
    explicit SparseProspects(SparseEngine<T> &engine) : cost(size_t(engine.k), 0.0) {
        engine.second_best(second, loss);
        for (int64_t p = 0; p < engine.n; ++p) cost[engine.labels[p]] += engine.weight(p) * loss[p];
        engine.recount();
        gain = engine.splits(goes);
    }
    // Up to `many` swaps that leave each other alone, or the one of most promise not tried yet.
    std::vector<Swap> swaps(const std::vector<int32_t> &labels, int many, const std::set<Swap> &tried) const {
        const std::vector<int> useless = sorted_by(cost.size(), [&](int c) { return cost[c]; });
        const std::vector<int> worth = sorted_by(cost.size(), [&](int c) { return -gain[c]; });
        std::vector<Swap> found;
        if (many == 1) {
            const size_t few = std::min(SHORTLIST, cost.size());
            double most = -std::numeric_limits<double>::infinity();
            for (int a : std::span(useless).first(few))
                for (int b : std::span(worth).first(few)) {
                    if (a == b || !(gain[b] > 0) || !(gain[b] - cost[a] > most) || tried.contains({a, b})) continue;
                    most = gain[b] - cost[a];
                    found = {{a, b}};
                }
            return found;
        }
        std::vector<bool> kept(cost.size(), true);
        for (const int a : useless) {
            if (int(found.size()) == many) break;
            const auto b = std::find_if(worth.begin(), worth.end(), [&](int c) { return kept[c] && c != a; });
            if (!kept[a] || b == worth.end() || !(gain[*b] > 0)) continue;
            found.push_back({a, *b});
            for (const int c : {a, *b, heir(labels, a)}) kept[c] = false;
        }
        return found;
    }
    // Who would take over most rows of a center.
    int heir(const std::vector<int32_t> &labels, int center) const {
        std::vector<int64_t> rows(cost.size(), 0);
        for (size_t p = 0; p < labels.size(); ++p) rows[second[p]] += labels[p] == center;
        return int(std::max_element(rows.begin(), rows.end()) - rows.begin());
    }
    std::vector<double> cost, gain, loss;
    std::vector<int32_t> second;
    std::vector<char> goes;
};

template <class T> struct SparseSolution {
    std::vector<int32_t> labels;
    double inertia;
    std::vector<Swap> swaps;  // that helped
};

template <class T> SparseSolution<T> settled(SparseLoop<T> &loop, const std::vector<int32_t> &labels, int most) {
    settle_on(loop.engine, labels);
    SparseLoop<T>(loop.engine, most, loop.tol).run();
    loop.engine.step();
    return {loop.engine.labels, loop.engine.inertia(), {}};
}

// Move useless centers of a solution that the engine has just settled on, while that helps.
template <class T> SparseSolution<T> descend(SparseLoop<T> &loop, SparseSolution<T> best, int &rounds) {
    int many = std::max(1, loop.engine.k / 4), failed = 0;
    std::set<Swap> tried;
    std::optional<SparseProspects<T>> prospects;  // of the best
    while (rounds > 0 && failed < PATIENCE) {
        if (!prospects) prospects.emplace(loop.engine);
        const std::vector<Swap> swaps = prospects->swaps(best.labels, many, tried);
        if (swaps.empty()) break;
        --rounds;
        std::vector<int32_t> leaves(size_t(loop.engine.k), 0), half(size_t(loop.engine.k), -1), moved = best.labels;
        for (const auto &[useless, worth] : swaps) {
            leaves[useless] = 1;
            half[worth] = useless;
        }
        for (size_t p = 0; p < moved.size(); ++p) {
            const int32_t own = moved[p];
            if (leaves[own]) moved[p] = prospects->second[p];
            if (half[own] >= 0 && prospects->goes[p]) moved[p] = half[own];
        }
        SparseSolution<T> found = settled(loop, moved, SETTLE);
        if (found.inertia < best.inertia) {
            found.swaps = std::move(best.swaps);
            found.swaps.insert(found.swaps.end(), swaps.begin(), swaps.end());
            best = std::move(found);
            failed = 0;
            tried.clear();
            prospects.reset();
        } else if (many > 1) {
            many /= 2;
        } else {
            tried.insert(swaps.begin(), swaps.end());
            ++failed;
        }
    }
    return best;
}

// Up to half of the centers moved to rows drawn by their squared distance to their own.
template <class T> std::vector<int32_t> shaken(SparseEngine<T> &engine, SplitMix64 &random) {
    SparseProspects<T> prospects(engine);
    std::vector<int> order(size_t(engine.k));
    std::iota(order.begin(), order.end(), 0);
    for (int i = engine.k - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
    std::vector<int32_t> labels = engine.labels;
    std::vector<double> passed(size_t(engine.n), 0.0);
    engine.each_row([&](int64_t p) { passed[p] = engine.weight(p) * engine.square(p, labels[p]); });
    std::partial_sum(passed.begin(), passed.end(), passed.begin());
    const auto gone = std::span(order).first(size_t(1 + random.below(engine.k / 2)));
    std::vector<char> leaves(size_t(engine.k), 0);
    for (const int c : gone) leaves[c] = 1;
    for (size_t p = 0; p < labels.size(); ++p)
        if (leaves[labels[p]]) labels[p] = prospects.second[p];
    for (const int c : gone) {
        const auto at = std::upper_bound(passed.begin(), passed.end(), random.unit() * passed.back());
        labels[std::min<int64_t>(at - passed.begin(), engine.n - 1)] = c;
    }
    return labels;
}

// Look for a better solution than the one a loop has just left, by at most `rounds` moves; whether any was found.
template <class T> bool search(SparseLoop<T> &loop, int rounds, uint64_t seed) {
    SparseEngine<T> &engine = loop.engine;
    if (engine.k < 2 || rounds < 1) return false;
    SparseSolution<T> best = descend(loop, settled(loop, engine.labels, 1), rounds);
    loop.swapped.insert(loop.swapped.end(), best.swaps.begin(), best.swaps.end());
    bool better = !best.swaps.empty();
    SplitMix64 random(seed + 1);
    while (rounds > 0 && best.inertia > 0) {
        settled(loop, best.labels, 1);
        SparseSolution<T> found = descend(loop, settled(loop, shaken(engine, random), 2 * SETTLE), --rounds);
        if (!(found.inertia < best.inertia)) continue;
        best = std::move(found);
        better = true;
    }
    settle_on(engine, best.labels);
    return better;
}

// ---- all of it -----------------------------------------------------------------------------------

struct SparseFit {  // the centers and labels stand in the engine
    double inertia;
    int n_iter;
    bool converged;
};

template <class T>
SparseFit kmeans(SparseEngine<T> &engine, const Settings &settings, const SparseWatch<T> &watch = {}) {
    const auto [k, max_iter, tol, effort, seed] = settings;
    SparseLoop<T> loop(engine, max_iter, tol * engine.variance(), watch);
    loop.run();
    engine.step();
    // Few rounds by default, so that scikit-learn, which has no search, is not faster: of bench.sparse's tables the
    // middle one would take as long with five.
    const int rounds = effort > 1 ? QUICK * (effort - 1) * (effort - 1) : 2;
    const bool left = !loop.stopped && loop.n_iter < max_iter;  // else nothing is left to settle with
    if (effort > 0 && left && search(loop, rounds, seed)) loop.run();
    engine.step();
    return {engine.inertia(), loop.n_iter, loop.converged};
}

}  // namespace tinct
