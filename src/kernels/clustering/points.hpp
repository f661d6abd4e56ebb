// Points laid out for the engine: sorted along a space-filling curve, cut into blocks with bounding boxes, with
// what the iterations carry from one to the next (labels, and the sums of each chunk of blocks).
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "clustering/curve.hpp"
#include "clustering/summary.hpp"

namespace tinct {

// Chunks are what threads share out. Their size depends on n alone, and sums are merged in their order, so
// the number of threads changes no bit.
constexpr int64_t CHUNK_BLOCKS = 256, MAX_CHUNKS = 32;

template <class T> class Points {
  public:
    Points(const T *x, const double *weights, int64_t n, int d, const Kernels<T> &kernels)
        : n(n), d(d), blocks((n + LANES - 1) / LANES), kernels_(kernels) {
        per_chunk = std::max(CHUNK_BLOCKS, (blocks + MAX_CHUNKS - 1) / MAX_CHUNKS);
        per_chunk = (per_chunk + BLOCKS_PER_GROUP - 1) / BLOCKS_PER_GROUP * BLOCKS_PER_GROUP;
        chunks = (blocks + per_chunk - 1) / per_chunk;
        const bool boxed = d <= MAX_BOXED_DIMS;
        order_.resize(n);
        if (d <= MAX_SORTED_DIMS) {
            const Buffer<uint64_t> along = curve_order(x, n, d, kernels);
            for (int64_t i = 0; i < n; ++i) order_[i] = uint32_t(along[i]);
        } else {
            std::iota(order_.begin(), order_.end(), 0u);
        }
        x_.resize(blocks * d * LANES);
        w_.resize(blocks * LANES);
        d == 3 ? lay_out<3>(x, weights) : lay_out<0>(x, weights);
        labels_.resize(blocks * LANES);
        if (boxed) bound();
        else measure_radii();
    }

    View<T> view() const {
        const bool boxed = d <= MAX_BOXED_DIMS;
        return {blocks, d, x_.data(), w_.data(), boxed ? mid_.data() : nullptr, half_.data(),
                group_mid_.data(), group_half_.data(), radius_.data()};
    }

    // Forget the labels and make room for the sums of k clusters.
    void start(int k) {
        k_ = k;
        sums_.assign(chunks * k * (d + 2), 0.0);
        std::fill(labels_.begin(), labels_.end(), -1);
        table_.rows.clear();
        drift_ = 0;
        if (d <= MAX_BOXED_DIMS) {
            expires_.assign(blocks, -1.0);
            counts_.assign(blocks, 0);
            ids_.resize(blocks * std::min(k, MEMORY));
        } else {
            upper_.assign(blocks * LANES, T(0));
            lower_.assign(blocks * LANES, T(0));
        }
    }

    // Lay the centers out for the kernels, and note how far they moved since the last call.
    void move_centers(const T *centers, int k) {
        before_.swap(table_.rows);
        table_.set(centers, k, d);
        moves_.assign(k, T(0));
        fastest_ = -1;
        move_ = second_move_ = 0;
        for (int i = 0; i < k && before_.size() == table_.rows.size(); ++i) {
            double sum = 0;
            for (int j = 0; j < d; ++j) {
                const double t = double(before_[int64_t(i) * d + j]) - double(centers[int64_t(i) * d + j]);
                sum += t * t;
            }
            moves_[i] = T(std::sqrt(sum) * (1 + 1e-6));
            if (moves_[i] > move_) {
                second_move_ = move_;
                move_ = moves_[i];
                fastest_ = i;
            } else {
                second_move_ = std::max(second_move_, moves_[i]);
            }
        }
        drift_ += move_;
    }

    int64_t step(int64_t chunk) {
        Room room(table_);
        const Memory<T> memory{drift_,        SLACK * move_, expires_.data(), counts_.data(), ids_.data(),
                               upper_.data(), lower_.data(), moves_.data(),   fastest_,       move_,
                               second_move_};
        return kernels_.step(view(), table_.view(), room.scratch(), memory, first(chunk), last(chunk),
                             labels_.data(), sums_.data() + chunk * k_ * (d + 2));
    }

    void nearest(int64_t chunk, bool second) {
        Room room(table_);
        kernels_.nearest(view(), table_.view(), room.scratch(), first(chunk), last(chunk), labels_.data(),
                         best_.data(), second ? second_.data() : nullptr);
    }

    void make_room(bool second) {
        best_.resize(blocks * LANES);
        if (second) second_.resize(blocks * LANES);
    }

    // Sums of all chunks, in their order: [k][d + 2].
    std::vector<double> totals() const {
        const int64_t size = int64_t(k_) * (d + 2);
        std::vector<double> out(sums_.begin(), sums_.begin() + size);
        for (int64_t c = 1; c < chunks; ++c)
            for (int64_t i = 0; i < size; ++i) out[i] += sums_[c * size + i];
        return out;
    }

    // Sums anew from the labels: the differences that `step` adds up leave rounding behind.
    void recount(int64_t chunk) {
        double *sums = sums_.data() + chunk * k_ * (d + 2);
        std::fill(sums, sums + int64_t(k_) * (d + 2), 0.0);
        kernels_.recount(view(), first(chunk), last(chunk), labels_.data(), sums);
    }

    // Sum of w |x - center|^2 over a chunk, in float64.
    double inertia(int64_t chunk) const {
        return kernels_.inertia(view(), table_.rows.data(), first(chunk), last(chunk), labels_.data());
    }

    // Per cluster, with t = x - center, [k][d + 1]: the sum of w t^2 in each dimension (square); of w (t . v) t,
    // one step of the power method on the cluster's covariance (power); of w t and w where t . v > 0 (upper).
    std::vector<double> moments(const T *centers, int k, const double *directions, Moment what) const {
        const int64_t size = int64_t(k) * (d + 1);
        std::vector<double> out(size), room(size + LANES * d);
        kernels_.moments(view(), centers, directions, what, labels_.data(), k, room.data(), out.data());
        return out;
    }

    // Per cluster, the sum of w t t^T with t = x - center: [k][d][d].
    std::vector<double> scatter(const T *centers, int k) const {
        const int64_t size = int64_t(k) * d * d;
        std::vector<double> out(size), room(size + LANES * d);
        kernels_.scatter(view(), centers, labels_.data(), k, room.data(), out.data());
        return out;
    }

    // Squared distance from each point to the center of its label, 0 for points of weight 0.
    std::vector<double> squares() const {
        std::vector<double> out(n, 0.0);
        for (int64_t p = 0; p < n; ++p) {
            const T *center = table_.rows.data() + int64_t(labels_[p]) * d;
            for (int j = 0; j < d && w_[p] > 0; ++j) {
                const double t = double(T(at(p, j) - center[j]));
                out[p] += t * t;
            }
        }
        return out;
    }

    // What is left of each cluster's sums around its center, [k][d + 1]: w (x - center), and w.
    std::vector<double> residuals(const T *centers) const {
        std::vector<double> left(size_t(k_) * size_t(d + 1), 0.0);
        for (int64_t p = 0; p < n; ++p) {
            double *row = &left[size_t(labels_[p]) * size_t(d + 1)];
            row[d] += w_[p];
            for (int j = 0; j < d; ++j) row[j] += w_[p] * (double(at(p, j)) - double(centers[int64_t(labels_[p]) * d + j]));
        }
        return left;
    }

    // Of each dimension the mean and the sum of the squared differences from it, [2][d], and the weight of all.
    std::vector<double> spread() const {
        std::vector<double> out(2 * size_t(d) + 1, mass_), means(size_t(d), 0.0);
        kernels_.columns(view(), means.data(), false, out.data());
        for (size_t j = 0; j < size_t(d); ++j) means[j] = out[j] /= mass_;
        kernels_.columns(view(), means.data(), true, out.data() + d);
        return out;
    }

    // ---- seeding: closest squared distance to the centers taken so far
    void start_seeding() {
        closest_.assign(blocks * LANES, std::numeric_limits<T>::max());
        farthest_.assign(blocks, std::numeric_limits<T>::max());
        potential_.assign(blocks, 0.0);
    }
    void trial(const std::vector<const T *> &candidates, int64_t chunk, double *totals) const {
        kernels_.trial(view(), candidates.data(), int(candidates.size()), first(chunk), last(chunk), closest_.data(),
                       potential_.data(), farthest_.data(), totals);
    }
    void take(const T *c, int64_t chunk) {
        kernels_.take(view(), c, first(chunk), last(chunk), closest_.data(), potential_.data(), farthest_.data());
    }
    double potential() const {
        double total = 0;
        for (double part : potential_) total += part;
        return total;
    }
    // The point (in the caller's order) at which the running sum of potential passes `target`.
    int64_t pick(double target) const {
        int64_t block = 0, chosen = -1;
        for (; block + 1 < blocks && target >= potential_[block]; ++block) target -= potential_[block];
        for (int64_t p = block * LANES; p < std::min((block + 1) * LANES, n); ++p) {
            const double part = w_[p] * double(closest_[p]);
            if (!(part > 0)) continue;
            chosen = p;  // rounding may leave a little of target behind: the last possible one is taken
            if (target < part) break;
            target -= part;
        }
        return chosen < 0 ? -1 : index(chosen);
    }

    // Means and weights of at most so many stretches of neighbors on the curve.
    Summary<T> stretches(int64_t most) const {
        const int64_t each = (n + most - 1) / most, count = (n + each - 1) / each;
        Summary<T> made{std::vector<T>(size_t(count * d)), std::vector<double>(size_t(count))};
        d == 3 ? average_in<3>(each, made) : average_in<0>(each, made);
        return made;
    }

    int64_t index(int64_t p) const { return int64_t(order_[p]); }  // in the caller's order
    template <class U> void restore_order(const Buffer<U> &from, U *to) const {
        for (int64_t p = 0; p < n; ++p) to[index(p)] = from[p];
    }
    void set_labels(const int32_t *labels) {
        for (int64_t p = 0; p < blocks * LANES; ++p) labels_[p] = labels[index(std::min(p, n - 1))];
    }

    const int64_t n;
    const int d;
    const int64_t blocks;
    int64_t chunks, per_chunk;
    const Buffer<int32_t> &labels() const { return labels_; }
    const Buffer<T> &best() const { return best_; }
    const Buffer<T> &second() const { return second_; }
    int clusters() const { return k_; }

  private:
    static constexpr int PAD = 16;  // lanes of the widest vector
    static constexpr double SLACK = 8;  // moves of the fastest center that a new list should outlive

    // Centers by row and by column.
    struct Table {
        void set(const T *centers, int count, int dims) {
            k = count;
            d = dims;
            stride = (k + PAD - 1) / PAD * PAD;
            rows.assign(centers, centers + int64_t(k) * d);
            columns.assign(int64_t(stride) * d, sizeof(T) == 4 ? T(1e18) : T(1e150));
            half_squares.clear();
            double most = 0;
            for (int i = 0; i < k; ++i) {
                double square = 0;
                for (int j = 0; j < d; ++j) {
                    const T value = centers[int64_t(i) * d + j];
                    columns[int64_t(j) * stride + i] = value;
                    square += double(value) * double(value);
                }
                half_squares.push_back(T(square / 2));
                most = std::max(most, square);
            }
            radius = T(std::sqrt(most) * (1 + 1e-6));
        }
        Centers<T> view() const {
            return {k, rows.data(), stride, columns.data(), half_squares.data(), radius};
        }
        int k = 0, d = 0, stride = 0;
        T radius = 0;
        std::vector<T> rows, columns, half_squares;
    };

    struct Room {
        explicit Room(const Table &t) : ids(2 * size_t(t.stride)), numbers(size_t(std::max(t.stride, LANES)) * (t.d + 1)) {}
        Scratch<T> scratch() { return {ids.data(), numbers.data()}; }
        std::vector<int32_t> ids;
        std::vector<T> numbers;
    };

    // Into blocks, in their order. D is d where it is worth knowing, 0 otherwise.
    template <int D> void lay_out(const T *x, const double *weights) {
        const int dims = D ? D : d;
        double masses[LANES] = {};  // one sum would wait for itself
        for (int64_t block = 0; block < blocks; ++block) {
            const int64_t first = block * LANES, here = std::min<int64_t>(n - first, LANES);
            T *const to = x_.data() + first * dims;
            double *const w = w_.data() + first;
            for (int i = 0; i < LANES; ++i) {
                const int64_t from = index(std::min(first + i, n - 1));
                for (int j = 0; j < dims; ++j) to[j * LANES + i] = x[from * dims + j];
                w[i] = i >= here ? 0.0 : weights ? weights[from] : 1.0;
            }
            for (int i = 0; i < LANES; ++i) masses[i] += w[i];
        }
        for (double mass : masses) mass_ += mass;
    }

    // With d known the sums stay in registers. A stretch of weight 0 gets the plain position of a point.
    template <int D> void average_in(int64_t each, Summary<T> &made) const {
        const int dims = D ? D : d;
        for (int64_t first = 0, to = 0; first < n; first += each, ++to) {
            double mass = 0, sum[MAX_SORTED_DIMS] = {};
            for (int64_t p = first; p < std::min(first + each, n); ++p) {
                const T *x = x_.data() + p / LANES * LANES * dims + p % LANES;
                for (int j = 0; j < dims; ++j) sum[j] += w_[p] * double(x[j * LANES]);
                mass += w_[p];
            }
            made.weights[size_t(to)] = mass;
            for (int j = 0; j < dims; ++j) made.points[size_t(to * dims + j)] = mass > 0 ? T(sum[j] / mass) : at(first, j);
        }
    }

    T &at(int64_t p, int j) { return x_[(p / LANES * d + j) * LANES + p % LANES]; }
    const T &at(int64_t p, int j) const { return x_[(p / LANES * d + j) * LANES + p % LANES]; }
    int64_t first(int64_t chunk) const { return chunk * per_chunk; }
    int64_t last(int64_t chunk) const { return std::min((chunk + 1) * per_chunk, blocks); }

    void measure_radii() {
        radius_.resize(blocks * LANES);
        // No more than rounding asks for: `settle` takes a lower bound from it too.
        const double upward = (d + 8) * 1.2e-16 + (sizeof(T) == 4 ? 1.2e-7 : 2.3e-16);
        for (int64_t p = 0; p < blocks * LANES; ++p) {
            double square = 0;
            for (int j = 0; j < d; ++j) square += double(at(p, j)) * double(at(p, j));
            radius_[p] = T(std::sqrt(square) * (1 + upward));
        }
    }

    // Boxes of blocks and of groups of them.
    void bound() {
        constexpr int SIDE_BY_SIDE = 8;
        const int64_t groups = (blocks + BLOCKS_PER_GROUP - 1) / BLOCKS_PER_GROUP;
        mid_.resize(blocks * d);
        half_.resize(blocks * d);
        group_mid_.resize(groups * d);
        group_half_.resize(groups * d);
        for (int64_t group = 0; group < groups; ++group)
            for (int j = 0; j < d; ++j) {
                T lowest = std::numeric_limits<T>::max(), highest = std::numeric_limits<T>::lowest();
                const int64_t end = std::min((group + 1) * BLOCKS_PER_GROUP, blocks);
                for (int64_t block = group * BLOCKS_PER_GROUP; block < end; ++block) {
                    const T *v = x_.data() + (block * d + j) * LANES;
                    T least[SIDE_BY_SIDE], most[SIDE_BY_SIDE];
                    for (int i = 0; i < SIDE_BY_SIDE; ++i) least[i] = most[i] = v[i];
                    for (int from = SIDE_BY_SIDE; from < LANES; from += SIDE_BY_SIDE)
                        for (int i = 0; i < SIDE_BY_SIDE; ++i) {
                            least[i] = v[from + i] < least[i] ? v[from + i] : least[i];
                            most[i] = v[from + i] > most[i] ? v[from + i] : most[i];
                        }
                    const T low = *std::min_element(least, least + SIDE_BY_SIDE);
                    const T high = *std::max_element(most, most + SIDE_BY_SIDE);
                    box(low, high, mid_[block * d + j], half_[block * d + j]);
                    lowest = std::min(lowest, low);
                    highest = std::max(highest, high);
                }
                box(lowest, highest, group_mid_[group * d + j], group_half_[group * d + j]);
            }
    }
    // Middle and half width, the latter rounded up so that nothing sticks out.
    static void box(T low, T high, T &mid, T &half) {
        constexpr T widen = sizeof(T) == 4 ? T(1.00001) : T(1.00000000001);
        mid = (low + high) / 2;
        half = std::max(high - mid, mid - low) * widen;
    }

    const Kernels<T> &kernels_;
    int k_ = 0;
    double mass_ = 0;  // of all points
    double drift_ = 0;
    int fastest_ = -1;
    T move_ = 0, second_move_ = 0;
    Table table_;
    Buffer<uint32_t> order_;  // of each point, its place in the caller's order: see curve_order
    std::vector<T> before_;  // the rows of the table before the centers moved
    Buffer<T> x_, mid_, half_, group_mid_, group_half_, best_, second_, radius_;
    std::vector<T> closest_, farthest_, upper_, lower_, moves_;
    Buffer<double> w_;
    std::vector<double> sums_, potential_, expires_;
    Buffer<int32_t> labels_, ids_;
    std::vector<int32_t> counts_;
};

}  // namespace tinct
