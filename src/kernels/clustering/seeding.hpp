// Squared distances to the centers taken so far, for greedy k-means++.
#pragma once
#include "clustering/accumulation.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

// Squared distance from c to the nearest point of a block's box; 0 without boxes.
template <class T> inline T from_box(const View<T> &view, int64_t block, const T *c) {
    if (!view.mid) return 0;
    T sum = 0;
    for (int j = 0; j < view.d; ++j) {
        T away = c[j] - view.mid[block * view.d + j];
        away = (away < 0 ? -away : away) - view.half[block * view.d + j];
        if (away > 0) sum += away * away;
    }
    return sum;
}

template <class T> inline void distances(const View<T> &view, int64_t block, const T *c, T *out) {
    const T *x = view.x + block * view.d * LANES;
    for (int i = 0; i < LANES; ++i) {
        const T t = x[i] - c[0];
        out[i] = t * t;
    }
    for (int j = 1; j < view.d; ++j)
        for (int i = 0; i < LANES; ++i) {
            const T t = x[j * LANES + i] - c[j];
            out[i] += t * t;
        }
}

// All candidates see a block while it is at hand.
template <class T>
void trial(const View<T> &view, const T *const *candidates, int count, int64_t first, int64_t last, const T *closest,
           const double *potential, const T *farthest, double *totals) {
    T near[LANES];
    double value[LANES];
    for (int64_t block = first; block < last; ++block)
        for (int at = 0; at < count; ++at) {
            const T *c = candidates[at];
            if (from_box(view, block, c) > farthest[block] * Vec<T>::margin + Vec<T>::tiny) {
                totals[at] += potential[block];
                continue;
            }
            distances(view, block, c, near);
            const T *old = closest + block * LANES;
            for (int i = 0; i < LANES; ++i) value[i] = double(near[i] < old[i] ? near[i] : old[i]);
            totals[at] += weighted_sum(view.w + block * LANES, value);
        }
}

template <class T>
void take(const View<T> &view, const T *c, int64_t first, int64_t last, T *closest, double *potential, T *farthest) {
    T near[LANES];
    double value[LANES];
    for (int64_t block = first; block < last; ++block) {
        if (from_box(view, block, c) > farthest[block] * Vec<T>::margin + Vec<T>::tiny) continue;
        distances(view, block, c, near);
        T *old = closest + block * LANES, most = 0;
        for (int i = 0; i < LANES; ++i) old[i] = near[i] < old[i] ? near[i] : old[i];
        for (int i = 0; i < LANES; ++i) value[i] = double(old[i]);
        for (int i = 0; i < LANES; ++i) most = old[i] > most ? old[i] : most;
        farthest[block] = most;
        potential[block] = weighted_sum(view.w + block * LANES, value);
    }
}

}  // namespace
}  // namespace tinct
