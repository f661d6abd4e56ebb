// Many dimensions: centers screened by dot products, decided by distances, and a step with bounds.
#pragma once
#include "clustering/accumulation.hpp"
#include "clustering/scan.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

// |x - c|^2 / 2 without |x|^2 / 2, which no comparison needs: one multiply-add per dimension instead of three
// operations. Tiles of six centers by two vectors of points keep twelve sums in registers.
template <class T, int TILE>
inline void screen_tile(const T *x, int d, const T *rows, const T *half_squares, int first, Best<T, true> &best) {
    using F = typename Vec<T>::F;
    F sum[TILE][2];
    for (int u = 0; u < TILE; ++u) sum[u][0] = sum[u][1] = F{} - half_squares[first + u];
    const T *c = rows + int64_t(first) * d;
    for (int j = 0; j < d; ++j) {
        const F p0 = load<T>(x + j * LANES), p1 = load<T>(x + j * LANES + Vec<T>::width);
        for (int u = 0; u < TILE; ++u) {
            const F value = c[u * d + j] - F{};  // in all lanes; 0 + c would cost an addition
            sum[u][0] = multiply_add<T>(p0, value, sum[u][0]);
            sum[u][1] = multiply_add<T>(p1, value, sum[u][1]);
        }
    }
    for (int u = 0; u < TILE; ++u)
        for (int v = 0; v < 2; ++v) best.see(v, -sum[u][v], first + u);
}

template <class T> constexpr int PAIR = 2 * Vec<T>::width;  // points that a tile treats together

// The two best of all centers for each point of a block. Tiles come first, points second: a tile is fetched
// once for all points.
template <class T> inline void screen(const T *x, int d, const Centers<T> &centers, Best<T, true> *best) {
    constexpr int TILE = 6;
    int i = 0;
    for (; i + TILE <= centers.k; i += TILE)
        for (int g = 0; g < LANES / PAIR<T>; ++g)
            screen_tile<T, TILE>(x + g * PAIR<T>, d, centers.rows, centers.half_squares, i, best[g]);
    const auto rest = [&]<int FEW>() {
        for (int g = 0; g < LANES / PAIR<T>; ++g)
            screen_tile<T, FEW>(x + g * PAIR<T>, d, centers.rows, centers.half_squares, i, best[g]);
    };
    switch (centers.k - i) {
        case 1: return rest.template operator()<1>();
        case 2: return rest.template operator()<2>();
        case 3: return rest.template operator()<3>();
        case 4: return rest.template operator()<4>();
        case 5: return rest.template operator()<5>();
    }
}

template <class T> constexpr T EPSILON = sizeof(T) == 4 ? T(1.2e-7) : T(2.3e-16);  // rounded up

// A bound on what rounding can do to the difference of two screened values: n eps for a sum of n products, twice over,
// and what products too small for T lose. (Their own error is at most (d + 2) eps (|c|^2 / 2 + |x| |c|).)
template <class T> inline T screen_doubt(int d, T largest_point, T largest_center) {
    const T reach = largest_point + largest_center;
    return (d + 8) * EPSILON<T> * reach * reach + Vec<T>::tiny;
}

// The nearest center of one point by exact distances, with centers in the lanes. (Looking at all points of the
// vector with one in doubt costs as much as three screens of the block: a tenth of all points is in doubt where
// 1000 clusters overlap in 128 dimensions.)
template <class T> inline int32_t nearest_center(const T *x, int d, const Centers<T> &centers) {
    using F = typename Vec<T>::F;
    using I = typename Vec<T>::I;
    constexpr int W = Vec<T>::width, TILE = 16 / W > 2 ? 16 / W : 2;
    F best = F{} + Vec<T>::huge;
    I label = {}, lanes;
    for (int i = 0; i < W; ++i) lanes[i] = i;
    const auto see = [&](F distance, int first) {
        label = distance < best ? lanes + first : label;
        best = smaller<T>(distance, best);
    };
    int i = 0;
    const auto tile = [&]<int N>() {
        F sum[N] = {};
        const T *columns = centers.columns + i;
        for (int j = 0; j < d; ++j, columns += centers.stride)
            for (int u = 0; u < N; ++u) {
                const F t = x[j * LANES] - load<T>(columns + u * W);
                sum[u] += t * t;
            }
        for (int u = 0; u < N; ++u, i += W) see(sum[u], i);
    };
    while (i + TILE * W <= centers.k) tile.template operator()<TILE>();
    while (i < centers.k) tile.template operator()<1>();
    int at = 0;  // of equal distances the lowest label
    for (int lane = 1; lane < W; ++lane)
        if (best[lane] < best[at] || (best[lane] == best[at] && label[lane] < label[at])) at = lane;
    return int32_t(label[at]);
}

// Labels of a block by the screen; where its two best are too close for its rounding, by exact distances: the
// labels are theirs on any CPU. `best` and `second` hold what the screen compares.
template <class T> inline void scan_screened(const T *x, int d, const Centers<T> &centers, T doubt, Found<T> &found) {
    Best<T, true> best[LANES / PAIR<T>];
    screen(x, d, centers, best);
    for (int g = 0; g < LANES / PAIR<T>; ++g) {
        const int lane = g * PAIR<T>;
        best[g].write(found, lane);
        for (int v = 0; v < 2; ++v)
            for (unsigned close = bits<T>(best[g].second[v] - best[g].best[v] <= doubt); close; close &= close - 1) {
                const int i = lane + v * Vec<T>::width + __builtin_ctz(close);
                found.label[i] = nearest_center(x + i, d, centers);
            }
    }
}

// Points whose nearest center is in doubt: no more than a block holds.
template <class T> struct Queue {
    int64_t points[LANES];
    int count = 0;
};

// Into the layout of a block.
template <class T> inline const T *gather(const View<T> &view, const Queue<T> &queue, T *gathered) {
    for (int i = 0; i < LANES; ++i) {
        const int64_t p = queue.points[i < queue.count ? i : 0];
        const T *x = view.x + p / LANES * view.d * LANES + p % LANES;
        for (int j = 0; j < view.d; ++j) gathered[j * LANES + i] = x[j * LANES];
    }
    return gathered;
}

// Screen the points of the queue, which lie in block x, take over their labels and bound their two smallest distances
// anew.
template <class T>
inline int64_t settle(const View<T> &view, const Centers<T> &centers, const T *x, const Memory<T> &memory,
                      Queue<T> &queue, int32_t *labels, double *sums) {
    const int d = view.d, count = queue.count;
    T radius = 0;
    for (int i = 0; i < count; ++i) radius = larger_of(radius, view.radius[queue.points[i]]);
    const T doubt = screen_doubt(d, radius, centers.radius);
    Found<T> found;
    scan_screened(x, d, centers, doubt, found);
    Moved moved[LANES];
    int many = 0;
    for (int i = 0; i < count; ++i) {
        const int64_t p = queue.points[i];
        if (view.w[p] > 0 && labels[p] != found.label[i]) moved[many++] = {i, labels[p], found.label[i], view.w[p]};
        labels[p] = found.label[i];
        // The screen holds (|x - c|^2 - |x|^2) / 2. The radius is |x| and at most (d + 10) eps / 2 of it more, which with
        // the error of the screen stays below twice the doubt. With doubt between the two best, both bounds meet.
        const T square = view.radius[p] * view.radius[p];
        const T near = square + 2 * (found.best[i] + doubt), far = square + 2 * (found.second[i] - doubt);
        memory.upper[p] = near > 0 ? __builtin_sqrt(near) : 0;
        memory.lower[p] = far > 0 ? __builtin_sqrt(far) : 0;
        if (memory.upper[p] > memory.lower[p]) memory.lower[p] = 0;
    }
    move_points(x, d, moved, many, sums);
    queue.count = 0;
    return many;
}

// A step in many dimensions: a point whose distance to its center is surely below that to any other keeps its
// label (Hamerly, "Making k-means even faster", SDM 2010); the others are gathered and screened, or their block as it
// lies where they are so many that this is less work. The bounds are widened for rounding, each time they move and by
// that of a distance when they are compared: no label depends on them.
template <class T> inline int64_t step_bounded(const View<T> &view, const Centers<T> &centers, Scratch<T> scratch,
                            const Memory<T> &memory, int64_t first, int64_t last, int32_t *labels, double *sums) {
    constexpr T UP = 1 + EPSILON<T>, DOWN = 1 - EPSILON<T>;
    constexpr int ALONE = 3 * Vec<T>::width;  // centers that a screen takes in the time of one point's distance and copy
    const T widen = 1 + 2 * (view.d + 16) * EPSILON<T>;
    // Copies: for all the compiler knows, what is written below may be what stands in `memory`.
    T *const uppers = memory.upper, *const lowers = memory.lower;
    const T *const moves = memory.moves, move = memory.move, second_move = memory.second_move;
    const int32_t fastest = memory.fastest;
    Queue<T> queue;
    int64_t moved = 0;
    const auto empty = [&](const T *x) { moved += settle(view, centers, x, memory, queue, labels, sums); };
    for (int64_t block = first; block < last; ++block) {
        const T *const x = view.x + block * view.d * LANES;
        const int64_t start = block * LANES;
        int32_t open[LANES];  // points that the bounds leave open
        int many = 0;
        bool fresh = false;
        for (int i = 0; i < LANES; ++i) {
            const int64_t p = start + i;
            const int32_t label = labels[p];
            fresh |= label < 0;
            if (label >= 0) {
                lowers[p] = (lowers[p] - (label == fastest ? second_move : move)) * DOWN;
                uppers[p] = (uppers[p] + moves[label]) * UP;
            }
            open[many] = i;
            many += label < 0 || !(uppers[p] * widen < lowers[p]);
        }
        if (!many) continue;
        if (fresh || many * (ALONE + centers.k) > LANES * centers.k) {
            if (queue.count) empty(gather(view, queue, scratch.numbers));  // sums are added up in the order of the points
            for (int i = 0; i < LANES; ++i) queue.points[queue.count++] = start + i;
            empty(x);
            continue;
        }
        const T *own[LANES];
        T squares[LANES];
        for (int i = 0; i < many; ++i) own[i] = centers.rows + int64_t(labels[start + open[i]]) * view.d;
        exact_distances(x, open, own, many, view.d, squares);
        for (int i = 0; i < many; ++i) {
            const int64_t p = start + open[i];
            uppers[p] = __builtin_sqrt(squares[i]);
            if (uppers[p] * widen < lowers[p]) continue;
            queue.points[queue.count++] = p;
            if (queue.count == LANES) empty(gather(view, queue, scratch.numbers));
        }
    }
    if (queue.count) empty(gather(view, queue, scratch.numbers));
    return moved;
}

}  // namespace
}  // namespace tinct
