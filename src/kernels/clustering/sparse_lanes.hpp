// A sparse row against all centers, for one instruction set: lanes are centers, a row's numbers stream by.
#pragma once
#include <utility>

#include "clustering/vectors.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

// N vectors of centers from `first` on. With few of them several sums each keep the adders busy; which numbers meet
// in which sum changes only rounding, and that only what is looked at twice.
template <class T, int N>
inline void screen_lanes(const SparseRow<T> &x, const T *table, int64_t stride, const T *half_squares, T *scores) {
    using F = typename Vec<T>::F;
    constexpr int W = Vec<T>::width, SUMS = N == 1 ? 4 : N == 2 ? 2 : 1, AHEAD = 8;
    F sum[SUMS][N] = {};
    int64_t i = 0;
    for (; i + SUMS <= x.count; i += SUMS)
        for (int s = 0; s < SUMS; ++s) {
            const T *row = table + x.columns[i + s] * stride;
            const F value = x.values[i + s] - F{};  // in all lanes
            if (i + s + AHEAD < x.count) __builtin_prefetch(table + x.columns[i + s + AHEAD] * stride);
            for (int v = 0; v < N; ++v) sum[s][v] = multiply_add<T>(value, load<T>(row + v * W), sum[s][v]);
        }
    for (; i < x.count; ++i)
        for (int v = 0; v < N; ++v)
            sum[0][v] = multiply_add<T>(x.values[i] - F{}, load<T>(table + x.columns[i] * stride + v * W), sum[0][v]);
    for (int v = 0; v < N; ++v) {
        for (int s = 1; s < SUMS; ++s) sum[0][v] += sum[s][v];
        store(scores + v * W, load<T>(half_squares + v * W) - sum[0][v]);
    }
}

template <class T>
inline typename SparseKernels<T>::Best sparse_screen(const SparseRow<T> &x, const T *table, int64_t stride,
                                                     const T *half_squares, T *scores) {
    using F = typename Vec<T>::F;
    using I = typename Vec<T>::I;
    constexpr int W = Vec<T>::width;
    int64_t at = 0;
    const auto tile = [&]<int N>() {
        screen_lanes<T, N>(x, table + at, stride, half_squares + at, scores + at);
        at += N * W;
    };
    while (at + 8 * W <= stride) tile.template operator()<8>();
    const auto rest = [&]<int... N>(std::integer_sequence<int, N...>) {  // in one go: a row is read once
        const int64_t left = (stride - at) / W;
        (void)((left == N + 1 && (tile.template operator()<N + 1>(), true)) || ...);
    };
    rest(std::make_integer_sequence<int, 7>());
    F best = F{} + Vec<T>::huge, next = best;
    I label = {}, lanes;
    for (int i = 0; i < W; ++i) lanes[i] = i;
    for (at = 0; at < stride; at += W) {
        const F score = load<T>(scores + at);
        next = smaller<T>(larger<T>(best, score), next);
        label = score < best ? lanes + typename Vec<T>::Int(at) : label;
        best = smaller<T>(score, best);
    }
    typename SparseKernels<T>::Best found{int32_t(label[0]), best[0], next[0]};
    for (int i = 1; i < W; ++i) {
        const T other = best[i] < found.score ? found.score : best[i];
        if (best[i] < found.score) {
            found.label = int32_t(label[i]);
            found.score = best[i];
        }
        for (T t : {other, next[i]}) found.next = t < found.next ? t : found.next;
    }
    return found;
}

// Two sums for each lane, of the even and the odd numbers, each multiplied and then added.
template <class T>
inline void sparse_products(const SparseRow<T> &x, const int32_t *slots, const double *table, double *products) {
    constexpr int W = Vec<double>::width < SPARSE_LANES ? Vec<double>::width : SPARSE_LANES, N = SPARSE_LANES / W;
    Vec<double>::F sum[2][N] = {};
    const auto add = [&](int s, int64_t i) {
        const double *row = table + int64_t(slots[x.columns[i]]) * SPARSE_LANES;
        for (int v = 0; v < N; ++v) sum[s][v] += double(x.values[i]) * load<double>(row + v * W);
    };
    int64_t i = 0;
    for (; i + 2 <= x.count; i += 2) {
        add(0, i);
        add(1, i + 1);
    }
    if (i < x.count) add(0, i);
    for (int v = 0; v < N; ++v) store(products + v * W, sum[0][v] + sum[1][v]);
}

template <class T> constexpr SparseKernels<T> sparse_kernels() { return {sparse_screen<T>, sparse_products<T>}; }

}  // namespace
}  // namespace tinct
