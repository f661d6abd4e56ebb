// Assignment of points to their nearest centers, for one instruction set.
//
// Every distance is sum((x - c)^2) over the dimensions in order, so brute force, box filtering and any
// vector width give the same bits. Centers are visited in rising order and replaced only by a strictly
// nearer one: ties go to the lowest index.
#pragma once
#include "clustering/boxes.hpp"
#include "clustering/screening.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

template <class T>
int64_t step(const View<T> &view, const Centers<T> &centers, Scratch<T> scratch, const Memory<T> &memory,
             int64_t first, int64_t last, int32_t *labels, double *sums) {
    const auto kind = view.mid ? step_boxed<T> : step_bounded<T>;
    return kind(view, centers, scratch, memory, first, last, labels, sums);
}

template <class T>
void nearest(const View<T> &view, const Centers<T> &centers, Scratch<T> scratch, int64_t first, int64_t last,
             int32_t *labels, T *best, T *second) {
    Finder<T, false> finder{view, centers, scratch, T(0)};
    Finder<T, true> finder_of_two{view, centers, scratch, T(0)};
    Found<T> found;
    int32_t *ids = view.mid ? scratch.ids + centers.stride : nullptr;
    for (int64_t block = first; block < last; ++block) {
        const T *x = view.x + block * view.d * LANES;
        int m = centers.k;
        T none;
        if (ids) m = second ? finder_of_two.find(block, ids, none) : finder.find(block, ids, none);
        if (second) {
            scan<T, true>(x, view.d, centers.rows, ids, m, found);
        } else if (ids) {
            scan<T, false>(x, view.d, centers.rows, ids, m, found);
        } else {
            T radius = 0;
            for (int i = 0; i < LANES; ++i) radius = larger_of(radius, view.radius[block * LANES + i]);
            scan_screened(x, view.d, centers, screen_doubt(view.d, radius, centers.radius), found);
            for (int i = 0; i < LANES; ++i)
                found.best[i] = exact_distance(x + i, centers.rows + int64_t(found.label[i]) * view.d, view.d);
        }
        for (int i = 0; i < LANES; ++i) labels[block * LANES + i] = found.label[i];
        for (int i = 0; i < LANES; ++i) best[block * LANES + i] = found.best[i];
        if (second)
            for (int i = 0; i < LANES; ++i) second[block * LANES + i] = found.second[i];
    }
}

}  // namespace
}  // namespace tinct
