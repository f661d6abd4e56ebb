// What the engine and the copies of simd.cpp (one per instruction set) agree on: the layout of points and the
// table of kernels. Plain pointers and numbers only, so that nothing compiled for a newer CPU can be
// shared by the linker with code that must run on an older one.
#pragma once
#include <cstdint>

namespace tinct {

constexpr int LANES = 32;            // points per block: lanes of the vectors are points
constexpr int BLOCKS_PER_GROUP = 16; // blocks whose common box is tested first
constexpr int MAX_SORTED_DIMS = 8;   // above this, a curve is too coarse to keep neighbours together
constexpr int MAX_BOXED_DIMS = 5;   // above this, boxes hold too many centers to be worth testing

// n points in blocks of LANES, each block a small column-major table. Padding repeats the last point with
// weight 0, so no kernel has a tail to treat.
template <class T> struct View {
    int64_t blocks;
    int d;
    const T *x;          // [blocks][d][LANES]
    const double *w;     // [blocks * LANES]
    const T *mid, *half;              // boxes of the blocks, [blocks][d], or null when d > MAX_BOXED_DIMS
    const T *group_mid, *group_half;  // boxes of the groups, [groups][d]
    const T *radius;     // [blocks * LANES]: |x| rounded up, when d > MAX_BOXED_DIMS
};

template <class T> struct Centers {
    int k;
    const T *rows;     // [k][d]
    int stride;        // k rounded up to whole vectors of any width
    const T *columns;  // [d][stride], padded with points far away
    const T *half_squares;  // [k]: |c|^2 / 2
    T radius;               // the largest |c|, rounded up
};

// What is kept from one iteration to the next so that less must be looked at again.
constexpr int MEMORY = 48;    // longer candidate lists are not kept
constexpr int SETTLED = -1;   // one candidate, and all points of the block carry its label
template <class T> struct Memory {
    // Few dimensions: candidate lists of the blocks. A list stays right until centers have drifted apart by
    // more than the slack it was made with: drift sums up, over the iterations, the largest move of any center.
    double drift, slack;
    double *expires;   // [blocks]: the drift up to which the list is right, or -1
    int32_t *counts;   // [blocks]
    int32_t *ids;      // [blocks][min(k, MEMORY)]
    // Many dimensions: for each point, bounds on the distance to its own center and to any other.
    T *upper, *lower;  // [blocks * LANES]
    const T *moves;    // [k]: how far each center moved since the last step, rounded up
    int fastest;       // the center that moved most, by `move`; the next moved by `second_move`
    T move, second_move;
};

// Room to work in, made by the caller: 2 stride ints and (d + 1) max(stride, LANES) numbers.
template <class T> struct Scratch {
    int32_t *ids;
    T *numbers;
};

// A curve through the cells of a grid, 2^levels of them along a side.
template <class T> struct Curve {
    const T *low;         // the grid's corner, [d]
    double scale;         // cells per unit
    int levels;
    const uint32_t *turns;  // of a Hilbert curve: see Hilbert
};

constexpr int AMONG = 16;  // centers that `among` compares side by side

enum class Moment : int { square, power, upper };

template <class T> struct Kernels {
    // For each point its place along the curve, from bit 32 up, and its index.
    void (*curve_keys)(const T *x, int64_t n, int d, const Curve<T> &, uint64_t *packed);
    // Assign blocks [first, last) to their nearest centers and move what changed label between `sums` ([k][d + 2]:
    // weighted sum of the points, their weight, their number). Returns how many points of weight > 0 moved.
    int64_t (*step)(const View<T> &, const Centers<T> &, Scratch<T>, const Memory<T> &, int64_t first,
                    int64_t last, int32_t *labels, double *sums);
    // Nearest center of each point, its squared distance, and (if not null) the second smallest one.
    void (*nearest)(const View<T> &, const Centers<T> &, Scratch<T>, int64_t first, int64_t last,
                    int32_t *labels, T *best, T *second);
    // Of some points the nearest of AMONG centers, which lie in columns ([d][AMONG]), and its squared distance. Returns
    // whether any label changed.
    bool (*among)(const T *x, int d, const int32_t *points, int64_t count, const T *columns, int32_t *labels,
                  T *squares);
    // For each candidate c the sum over blocks [first, last) of w * min(closest, |x - c|^2), for greedy k-means++, added to
    // `totals`. `potential` holds each block's present sum and `farthest` its largest `closest`: blocks too far from c are
    // not visited.
    void (*trial)(const View<T> &, const T *const *candidates, int count, int64_t first, int64_t last, const T *closest,
                  const double *potential, const T *farthest, double *totals);
    // The same, but the point is taken: closest, potential and farthest are brought up to date.
    void (*take)(const View<T> &, const T *c, int64_t first, int64_t last, T *closest, double *potential, T *farthest);
    // The sums of `step` anew from the labels, added to `sums`.
    void (*recount)(const View<T> &, int64_t first, int64_t last, const int32_t *labels, double *sums);
    // Sum of w |x - center|^2 over blocks [first, last), in float64, each lane with its own sum.
    double (*inertia)(const View<T> &, const T *rows, int64_t first, int64_t last, const int32_t *labels);
    // Of each dimension the sum over all points of w (x - center), or of w (x - center)^2, each lane with its own sum.
    void (*columns)(const View<T> &, const double *centers, bool squared, double *out);
    // Per cluster, with t = x - center: what Moment says, [k][d + 1], or the products w t t^T, [k][d][d]. `room` holds
    // LANES * d numbers more than `out`; both are 0.
    void (*moments)(const View<T> &, const T *rows, const double *directions, Moment what, const int32_t *labels,
                    int k, double *room, double *out);
    void (*scatter)(const View<T> &, const T *rows, const int32_t *labels, int k, double *room, double *out);
};

template <class T> const Kernels<T> &dispatch();  // those of the best instruction set that this CPU has: dispatch.cpp
template <> const Kernels<float> &dispatch<float>();
template <> const Kernels<double> &dispatch<double>();

extern const Kernels<float> kernels_f32_baseline, kernels_f32_avx2, kernels_f32_avx512;
extern const Kernels<double> kernels_f64_baseline, kernels_f64_avx2, kernels_f64_avx512;

// Sparse rows, for sparse.hpp: a row is its numbers other than 0 and their columns, in rising order.
template <class T> struct SparseRow {
    int64_t count;
    const int32_t *columns;
    const T *values;
};

constexpr int SPARSE_LANES = 8;  // rows that are measured together

template <class T> struct SparseKernels {
    // scores[c] = |c|^2 / 2 - x.c for all columns of `table` ([d][stride], the centers in its lanes), rounded as comes
    // quickest. The index of the least, and the least but one.
    struct Best {
        int32_t label;
        T score, next;
    };
    Best (*screen)(const SparseRow<T> &, const T *table, int64_t stride, const T *half_squares, T *scores);
    // products[l] = x.t_l in float64, in an order that is the same everywhere. Column j of the t_l is row slots[j] of
    // the table, [][SPARSE_LANES].
    void (*products)(const SparseRow<T> &, const int32_t *slots, const double *table, double *products);
};

template <class T> const SparseKernels<T> &dispatch_sparse();
template <> const SparseKernels<float> &dispatch_sparse<float>();
template <> const SparseKernels<double> &dispatch_sparse<double>();

extern const SparseKernels<float> sparse_f32_baseline, sparse_f32_avx2, sparse_f32_avx512;
extern const SparseKernels<double> sparse_f64_baseline, sparse_f64_avx2, sparse_f64_avx512;

}  // namespace tinct
