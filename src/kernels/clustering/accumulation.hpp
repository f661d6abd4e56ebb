// Sums of the clusters: of what changed label, of all, and the moments that say where to split them.
#pragma once
#include "clustering/vectors.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

// Eight running sums, so that the additions of a block do not wait for each other; their order is fixed.
inline double weighted_sum(const double *w, const double *v) {
    double part[8] = {};
    for (int i = 0; i < LANES; i += 8)
        for (int j = 0; j < 8; ++j) part[j] += w[i + j] * v[i + j];
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

inline bool all_equal(const int32_t *labels) {
    int32_t differ = 0;
    for (int i = 1; i < LANES; ++i) differ |= labels[i] ^ labels[0];
    return differ == 0;
}

// A point of a block that changes its cluster.
struct Moved {
    int lane;
    int32_t from, to;
    double w;
};

// Several at once, each number of the block read once; each sum sees them in their order.
template <class T> inline void move_points(const T *x, int d, const Moved *moved, int many, double *sums) {
    const int64_t row = d + 2;
    for (int j = 0; j < d && many > 0; ++j)
        for (int m = 0; m < many; ++m) {
            const double part = moved[m].w * double(x[j * LANES + moved[m].lane]);
            sums[moved[m].to * row + j] += part;
            if (moved[m].from >= 0) sums[moved[m].from * row + j] -= part;
        }
    for (int m = 0; m < many; ++m) {
        double *in = sums + moved[m].to * row + d;
        in[0] += moved[m].w;
        in[1] += 1;
        if (moved[m].from < 0) continue;
        double *out = sums + moved[m].from * row + d;
        out[0] -= moved[m].w;
        out[1] -= 1;
    }
}

// Add a block's points to the sums of their clusters. Where all share one, lanes are added up first, in a fixed order.
template <class T> inline void add_block(const View<T> &view, int64_t block, const int32_t *labels, double *sums) {
    const T *x = view.x + block * view.d * LANES;
    const double *w = view.w + block * LANES;
    if (!all_equal(labels)) {
        Moved moved[LANES];
        int many = 0;
        for (int i = 0; i < LANES; ++i)
            if (w[i] > 0) moved[many++] = {i, -1, labels[i], w[i]};
        return move_points(x, view.d, moved, many, sums);
    }
    double *row = sums + int64_t(labels[0]) * (view.d + 2), value[LANES];
    for (int j = 0; j < view.d; ++j) {
        for (int i = 0; i < LANES; ++i) value[i] = double(x[j * LANES + i]);
        row[j] += weighted_sum(w, value);
    }
    for (int i = 0; i < LANES; ++i) value[i] = 1;
    row[view.d] += weighted_sum(w, value);
    for (int i = 0; i < LANES; ++i) row[view.d + 1] += w[i] > 0;
}

// Take over a point's label; returns whether that moves something.
template <class T> inline bool relabel(const View<T> &view, int64_t p, int32_t fresh, int32_t *labels, double *sums) {
    const double w = view.w[p];
    const int32_t old = labels[p];
    labels[p] = fresh;
    if (!(w > 0) || fresh == old) return false;
    const Moved moved{int(p % LANES), old, fresh, w};
    move_points(view.x + p / LANES * view.d * LANES, view.d, &moved, 1, sums);
    return true;
}

template <class T> void recount(const View<T> &view, int64_t first, int64_t last, const int32_t *labels, double *sums) {
    for (int64_t block = first; block < last; ++block) add_block(view, block, labels + block * LANES, sums);
}

template <class T>
double inertia(const View<T> &view, const T *rows, int64_t first, int64_t last, const int32_t *labels) {
    double sums[LANES] = {}, total = 0;
    const int d = view.d;
    for (int64_t block = first; block < last; ++block) {
        const int32_t *label = labels + block * LANES;
        const double *w = view.w + block * LANES;
        double squares[LANES] = {};
        const bool same = all_equal(label);
        for (int j = 0; j < d; ++j) {
            const T *x = view.x + (block * d + j) * LANES;
            T c[LANES];
            if (same)
                for (int i = 0; i < LANES; ++i) c[i] = rows[label[0] * d + j];
            else
                for (int i = 0; i < LANES; ++i) c[i] = rows[label[i] * d + j];
            for (int i = 0; i < LANES; ++i) {
                const double t = double(x[i]) - double(c[i]);
                squares[i] += t * t;
            }
        }
        for (int i = 0; i < LANES; ++i) sums[i] += w[i] * squares[i];
    }
    for (double part : sums) total += part;
    return total;
}

// A few dimensions at a time: what is read lies together, and the sums of all lanes stay near.
template <class T> void columns(const View<T> &view, const double *centers, bool squared, double *out) {
    constexpr int TILE = 16;
    for (int first = 0; first < view.d; first += TILE) {
        const int many = view.d - first < TILE ? view.d - first : TILE;
        double sums[TILE][LANES] = {};
        for (int64_t block = 0; block < view.blocks; ++block) {
            const T *x = view.x + (block * view.d + first) * LANES;
            const double *w = view.w + block * LANES;
            for (int j = 0; j < many; ++j, x += LANES)
                for (int i = 0; i < LANES; ++i) {
                    const double t = double(x[i]) - centers[first + j];
                    sums[j][i] += w[i] * (squared ? t * t : t);
                }
        }
        for (int j = 0; j < many; ++j) {
            out[first + j] = 0;
            for (double part : sums[j]) out[first + j] += part;
        }
    }
}

// ---- moments of the clusters: where, and along which axis, to split them ---------------------------
//
// Two running sums for each, of even and of odd points: neighbours share a cluster and would wait for each other.

// t = x - center of a block's points, point by point. D is d where it is small and known, 0 otherwise.
template <class T, int D>
inline void differences(const View<T> &view, int64_t block, const T *rows, const int32_t *labels, double *t) {
    const int d = D ? D : view.d;
    const T *x = view.x + block * d * LANES;
    for (int i = 0; i < LANES; ++i)
        for (int j = 0; j < d; ++j) t[i * d + j] = double(x[j * LANES + i]) - double(rows[labels[i] * d + j]);
}

template <class T, int D, class Add>
inline void over_points(const View<T> &view, const T *rows, const int32_t *labels, int64_t row, int k, double *room,
                        double *out, const Add &add) {
    const int d = D ? D : view.d;
    const int64_t size = k * row;
    double *const parts[2] = {out, room}, *const t = room + size;
    for (int64_t block = 0; block < view.blocks; ++block) {
        const int32_t *label = labels + block * LANES;
        differences<T, D>(view, block, rows, label, t);
        for (int i = 0; i < LANES; ++i)
            add(t + i * d, view.w[block * LANES + i], label[i], parts[i & 1] + label[i] * row);
    }
    for (int64_t i = 0; i < size; ++i) out[i] += room[i];
}

template <class T, int D, Moment WHAT>
void moments_of(const View<T> &view, const T *rows, const double *directions, const int32_t *labels, int k,
                double *room, double *out) {
    const int d = D ? D : view.d;
    over_points<T, D>(view, rows, labels, d + 1, k, room, out, [&](const double *t, double w, int32_t label, double *row) {
        const double *v = directions + int64_t(label) * d;
        double along = 0;
        for (int j = 0; j < d; ++j) along += t[j] * v[j];
        // A weight of 0 where others branch: half of the guesses would be wrong.
        if (WHAT == Moment::upper) w = along > 0 ? w : 0;
        const double scale = WHAT == Moment::power ? w * along : w;
        for (int j = 0; j < d; ++j) row[j] += scale * (WHAT == Moment::square ? t[j] * t[j] : t[j]);
        row[d] += w;
    });
}

template <class T, int D>
void moments_by(const View<T> &view, const T *rows, const double *directions, Moment what, const int32_t *labels,
                int k, double *room, double *out) {
    switch (what) {
        case Moment::square: return moments_of<T, D, Moment::square>(view, rows, directions, labels, k, room, out);
        case Moment::power: return moments_of<T, D, Moment::power>(view, rows, directions, labels, k, room, out);
        case Moment::upper: return moments_of<T, D, Moment::upper>(view, rows, directions, labels, k, room, out);
    }
}

template <class T>
void moments(const View<T> &view, const T *rows, const double *directions, Moment what, const int32_t *labels,
             int k, double *room, double *out) {
    const auto by = view.d == 2   ? moments_by<T, 2>
                    : view.d == 3 ? moments_by<T, 3>
                    : view.d == 4 ? moments_by<T, 4>
                                  : moments_by<T, 0>;
    by(view, rows, directions, what, labels, k, room, out);
}

template <class T, int D>
void scatter_by(const View<T> &view, const T *rows, const int32_t *labels, int k, double *room, double *out) {
    const int d = D ? D : view.d;
    over_points<T, D>(view, rows, labels, int64_t(d) * d, k, room, out,
                      [&](const double *t, double w, int32_t, double *row) {
                          for (int j = 0; j < d; ++j) {
                              const double scale = w * t[j];
                              for (int l = 0; l < d; ++l) row[j * d + l] += scale * t[l];
                          }
                      });
}

template <class T>
void scatter(const View<T> &view, const T *rows, const int32_t *labels, int k, double *room, double *out) {
    const auto by = view.d == 2   ? scatter_by<T, 2>
                    : view.d == 3 ? scatter_by<T, 3>
                    : view.d == 4 ? scatter_by<T, 4>
                                  : scatter_by<T, 0>;
    by(view, rows, labels, k, room, out);
}

}  // namespace
}  // namespace tinct
