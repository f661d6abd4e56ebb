// Distances of a block of points to candidate centers, one by one.
#pragma once
#include "clustering/vectors.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

// What is known of one block after its assignment.
template <class T> struct Found {
    alignas(64) int32_t label[LANES];
    alignas(64) T best[LANES];
    alignas(64) T second[LANES];
};

// Running best (and second best) of two vectors of points: two, because one leaves the adders idle.
template <class T, bool SECOND> struct Best {
    using F = typename Vec<T>::F;
    using I = typename Vec<T>::I;
    F best[2], second[2];
    I label[2];
    inline Best() {
        for (int v = 0; v < 2; ++v) {
            best[v] = second[v] = F{} + Vec<T>::huge;
            label[v] = I{};
        }
    }
    inline void see(int v, F distance, typename Vec<T>::Int id) {
        const I nearer = distance < best[v];
        if (SECOND) second[v] = smaller<T>(larger<T>(best[v], distance), second[v]);
        best[v] = smaller<T>(distance, best[v]);
        label[v] = nearer ? (I{} + id) : label[v];
    }
    inline void write(Found<T> &found, int lane) const {
        constexpr int W = Vec<T>::width;
        for (int v = 0; v < 2; ++v) {
            store(found.best + lane + v * W, best[v]);
            if (SECOND) store(found.second + lane + v * W, second[v]);
            const auto narrow = __builtin_convertvector(label[v], typename Vec<T>::Narrow);
            __builtin_memcpy(found.label + lane + v * W, &narrow, sizeof narrow);
        }
    }
};

template <class T, int D>
inline typename Vec<T>::F distance_small(const typename Vec<T>::F (&p)[D][2], int v, const T *c) {
    typename Vec<T>::F t = p[0][v] - c[0], sum = t * t;
    for (int j = 1; j < D; ++j) {
        t = p[j][v] - c[j];
        sum += t * t;
    }
    return sum;
}

// d known at compile time and small: the points stay in registers. (Lists of two are the commonest; a case of
// their own, with one comparison and no running best, gained nothing.)
template <class T, int D, bool SECOND>
inline void scan_small(const T *x, const T *rows, const int32_t *ids, int m, Found<T> &found) {
    using F = typename Vec<T>::F;
    constexpr int W = Vec<T>::width;
    for (int lane = 0; lane < LANES; lane += 2 * W) {
        F p[D][2];
        for (int j = 0; j < D; ++j)
            for (int v = 0; v < 2; ++v) p[j][v] = load<T>(x + j * LANES + lane + v * W);
        Best<T, SECOND> best;
        for (int i = 0; i < m; ++i) {
            const int id = ids ? ids[i] : i;
            const T *c = rows + int64_t(id) * D;
            for (int v = 0; v < 2; ++v) best.see(v, distance_small<T, D>(p, v, c), id);
        }
        best.write(found, lane);
    }
}

// Any d: tiles of four centers by two vectors of points keep eight sums in registers.
template <class T, bool SECOND>
inline void scan_large(const T *x, int d, const T *rows, const int32_t *ids, int m, Found<T> &found, int lane) {
    using F = typename Vec<T>::F;
    constexpr int W = Vec<T>::width, TILE = 4;
    Best<T, SECOND> best;
    for (int i = 0; i < m; i += TILE) {
        const int many = m - i < TILE ? m - i : TILE;
        const T *c[TILE];
        int id[TILE];
        for (int u = 0; u < TILE; ++u) {
            id[u] = ids ? ids[i + (u < many ? u : 0)] : i + (u < many ? u : 0);
            c[u] = rows + int64_t(id[u]) * d;
        }
        F sum[TILE][2] = {};
        for (int j = 0; j < d; ++j) {
            const F p0 = load<T>(x + j * LANES), p1 = load<T>(x + j * LANES + W);
            for (int u = 0; u < TILE; ++u) {
                const F t0 = p0 - c[u][j], t1 = p1 - c[u][j];
                sum[u][0] += t0 * t0;
                sum[u][1] += t1 * t1;
            }
        }
        for (int u = 0; u < many; ++u)
            for (int v = 0; v < 2; ++v) best.see(v, sum[u][v], id[u]);
    }
    best.write(found, lane);
}

template <class T>
bool among(const T *x, int d, const int32_t *points, int64_t count, const T *columns, int32_t *labels, T *squares) {
    using F = typename Vec<T>::F;
    constexpr int W = Vec<T>::width, PARTS = AMONG / W;
    bool changed = false;
    for (int64_t i = 0; i < count; ++i) {
        const T *point = x + int64_t(points[i]) * d;
        F sum[PARTS] = {};
        for (int j = 0; j < d; ++j)
            for (int v = 0; v < PARTS; ++v) {
                const F t = point[j] - load<T>(columns + j * AMONG + v * W);
                sum[v] += t * t;
            }
        F least = sum[0];
        for (int v = 1; v < PARTS; ++v) least = smaller<T>(sum[v], least);
        squares[i] = least_lane<T>(least);
        int at = 0;
        for (int v = PARTS - 1; v >= 0; --v)  // of equal distances the lowest label
            if (const unsigned hit = bits<T>(sum[v] == squares[i])) at = v * W + __builtin_ctz(hit);
        changed |= labels[i] != at;
        labels[i] = at;
    }
    return changed;
}

template <class T> inline T exact_distance(const T *x, const T *c, int d) {
    T sum = 0;
    for (int j = 0; j < d; ++j) {
        const T t = x[j * LANES] - c[j];
        sum += t * t;
    }
    return sum;
}

// Of some points of a block, each to its own center: several side by side, as each sum waits for itself.
template <class T>
inline void exact_distances(const T *x, const int32_t *lanes, const T *const *centers, int count, int d, T *out) {
    constexpr int TILE = 4;
    for (int first = 0; first < count; first += TILE) {
        const T *point[TILE], *center[TILE];
        for (int u = 0; u < TILE; ++u) {
            const int at = first + u < count ? first + u : first;
            point[u] = x + lanes[at];
            center[u] = centers[at];
        }
        T sum[TILE] = {};
        for (int j = 0; j < d; ++j)
            for (int u = 0; u < TILE; ++u) {
                const T t = point[u][j * LANES] - center[u][j];
                sum[u] += t * t;
            }
        for (int u = 0; u < TILE && first + u < count; ++u) out[first + u] = sum[u];
    }
}

template <class T, bool SECOND>
inline void scan(const T *x, int d, const T *rows, const int32_t *ids, int m, Found<T> &found) {
    switch (d) {
        case 1: return scan_small<T, 1, SECOND>(x, rows, ids, m, found);
        case 2: return scan_small<T, 2, SECOND>(x, rows, ids, m, found);
        case 3: return scan_small<T, 3, SECOND>(x, rows, ids, m, found);
        case 4: return scan_small<T, 4, SECOND>(x, rows, ids, m, found);
        default:
            for (int lane = 0; lane < LANES; lane += 2 * Vec<T>::width)
                scan_large<T, SECOND>(x + lane, d, rows, ids, m, found, lane);
    }
}

}  // namespace
}  // namespace tinct
