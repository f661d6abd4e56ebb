// Assignment and accumulation, the two halves of a K-means iteration, for one instruction set.
//
// Every distance is sum((x - c)^2) over the dimensions in order, so brute force, box filtering and any
// vector width give the same bits. Centers are visited in rising order and replaced only by a strictly
// nearer one: ties go to the lowest index.
#pragma once
#if defined(__SSE2__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 on its own AVX-512 header, bug 105593
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#endif

#include "clustering/engine.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

template <class T> struct Vec;
template <> struct Vec<float> {
    typedef float F __attribute__((vector_size(VECTOR_BYTES)));
    typedef int32_t I __attribute__((vector_size(VECTOR_BYTES)));
    typedef I Narrow;
    typedef int32_t Int;
    static constexpr int width = VECTOR_BYTES / 4;
    // Candidate filters compare rounded distances: nothing within this relative margin is dropped.
    static constexpr float margin = 1.00001f, tiny = 1e-36f, huge = __FLT_MAX__, faraway = 1e18f;
};
template <> struct Vec<double> {
    typedef double F __attribute__((vector_size(VECTOR_BYTES)));
    typedef int64_t I __attribute__((vector_size(VECTOR_BYTES)));
    typedef int32_t Narrow __attribute__((vector_size(VECTOR_BYTES / 2)));
    typedef int64_t Int;
    static constexpr int width = VECTOR_BYTES / 8;
    static constexpr double margin = 1.00000000001, tiny = 1e-306, huge = __DBL_MAX__, faraway = 1e150;
};

template <class T> inline typename Vec<T>::F smaller(typename Vec<T>::F a, typename Vec<T>::F b) { return a < b ? a : b; }
template <class T> inline typename Vec<T>::F larger(typename Vec<T>::F a, typename Vec<T>::F b) { return a > b ? a : b; }
#if defined(__AVX__) && !defined(__AVX512F__)
// One instruction each, which GCC does not make of the comparison.
template <> inline Vec<float>::F smaller<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm256_min_ps((__m256)a, (__m256)b); }
template <> inline Vec<float>::F larger<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm256_max_ps((__m256)a, (__m256)b); }
#endif

#if defined(__AVX512F__)
template <> inline Vec<float>::F larger<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm512_max_ps((__m512)a, (__m512)b); }
template <> inline Vec<float>::F smaller<float>(Vec<float>::F a, Vec<float>::F b) { return (Vec<float>::F)_mm512_min_ps((__m512)a, (__m512)b); }
#endif

template <class T> inline T larger_of(T a, T b) { return a > b ? a : b; }

template <class T> inline typename Vec<T>::F load(const T *p) {
    typename Vec<T>::F v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
template <class T> inline void store(T *p, typename Vec<T>::F v) { __builtin_memcpy(p, &v, sizeof v); }

template <class T> inline unsigned bits(typename Vec<T>::I mask) {
    unsigned out = 0;
    for (int i = 0; i < Vec<T>::width; ++i) out |= unsigned(mask[i] & 1) << i;
    return out;
}
#if defined(__AVX__) && !defined(__AVX512F__)
template <> inline unsigned bits<float>(Vec<float>::I mask) { return _mm256_movemask_ps((__m256)mask); }
template <> inline unsigned bits<double>(Vec<double>::I mask) { return _mm256_movemask_pd((__m256d)mask); }
#elif defined(__SSE2__) && !defined(__AVX512F__)
template <> inline unsigned bits<float>(Vec<float>::I mask) { return _mm_movemask_ps((__m128)mask); }
template <> inline unsigned bits<double>(Vec<double>::I mask) { return _mm_movemask_pd((__m128d)mask); }
#elif defined(__AVX512F__)
template <> inline unsigned bits<float>(Vec<float>::I mask) { return _mm512_movepi32_mask((__m512i)mask); }
template <> inline unsigned bits<double>(Vec<double>::I mask) { return _mm512_movepi64_mask((__m512i)mask); }
#endif

// The smallest lane. (A loop over the lanes waits for each comparison: 60 cycles.)
template <class T> inline T least_lane(typename Vec<T>::F v) {
    T least = v[0];
    for (int i = 1; i < Vec<T>::width; ++i) least = v[i] < least ? v[i] : least;
    return least;
}
#if defined(__AVX512F__)
template <> inline float least_lane<float>(Vec<float>::F v) { return _mm512_reduce_min_ps((__m512)v); }
template <> inline double least_lane<double>(Vec<double>::F v) { return _mm512_reduce_min_pd((__m512d)v); }
#elif defined(__AVX__)
template <> inline float least_lane<float>(Vec<float>::F v) {
    __m128 half = _mm_min_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    half = _mm_min_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_min_ss(half, _mm_movehdup_ps(half)));
}
#endif

// Append the numbers of the lanes in `mask` (those below `many`) to a list with room for a whole vector more.
template <class T>
inline int append(const int32_t *ids, int first, int many, unsigned mask, int32_t *kept, int count) {
    if (many - first < Vec<T>::width) mask &= (1u << (many - first)) - 1;
#if defined(__AVX512F__)
    if (sizeof(T) == 4) {
        const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        const __m512i here = ids ? _mm512_maskz_loadu_epi32(__mmask16(mask), ids + first)
                                 : _mm512_add_epi32(lanes, _mm512_set1_epi32(first));
        _mm512_storeu_si512(kept + count, _mm512_maskz_compress_epi32(__mmask16(mask), here));
        return count + __builtin_popcount(mask);
    }
#endif
    for (; mask; mask &= mask - 1) {
        const int at = first + __builtin_ctz(mask);
        kept[count++] = ids ? ids[at] : at;
    }
    return count;
}

// What is known of one block after its assignment.
template <class T> struct Found {
    alignas(64) int32_t label[LANES];
    alignas(64) T best[LANES];
    alignas(64) T second[LANES];
};

// ---- distances of a block to candidate centers -------------------------------------------------

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

// ---- many dimensions: screen by dot products, decide by distances --------------------------------

template <class T> inline typename Vec<T>::F multiply_add(typename Vec<T>::F a, typename Vec<T>::F b, typename Vec<T>::F c) {
    return a * b + c;
}
#if defined(__AVX512F__)
template <> inline Vec<float>::F multiply_add<float>(Vec<float>::F a, Vec<float>::F b, Vec<float>::F c) {
    return (Vec<float>::F)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
template <> inline Vec<double>::F multiply_add<double>(Vec<double>::F a, Vec<double>::F b, Vec<double>::F c) {
    return (Vec<double>::F)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
#elif defined(__FMA__)
template <> inline Vec<float>::F multiply_add<float>(Vec<float>::F a, Vec<float>::F b, Vec<float>::F c) {
    return (Vec<float>::F)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
template <> inline Vec<double>::F multiply_add<double>(Vec<double>::F a, Vec<double>::F b, Vec<double>::F c) {
    return (Vec<double>::F)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#endif

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
template <class T>
inline void screen(const T *x, int d, const Centers<T> &centers, Best<T, true> *best) {
    constexpr int TILE = 6;
    int i = 0;
    for (; i + TILE <= centers.k; i += TILE)
        for (int g = 0; g < LANES / PAIR<T>; ++g)
            screen_tile<T, TILE>(x + g * PAIR<T>, d, centers.rows, centers.half_squares, i, best[g]);
    for (; i < centers.k; ++i)
        for (int g = 0; g < LANES / PAIR<T>; ++g)
            screen_tile<T, 1>(x + g * PAIR<T>, d, centers.rows, centers.half_squares, i, best[g]);
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
template <class T>
inline void scan_screened(const T *x, int d, const Centers<T> &centers, T doubt, Found<T> &found) {
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

template <class T> inline T exact_distance(const T *x, const T *c, int d) {
    T sum = 0;
    for (int j = 0; j < d; ++j) {
        const T t = x[j * LANES] - c[j];
        sum += t * t;
    }
    return sum;
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

// ---- which centers can be nearest to a point of a box ---------------------------------------------

// A list made with more slack than this part of the distance that decides it would hold too many centers.
constexpr float LOOSE = 0.1f;

// Squared distances from each center to the nearest and to the farthest point of a box. `most` keeps the
// smallest of the latter, `other` the second smallest.
template <class T, bool SECOND>
inline void box_distances(const T *mid, const T *half, int d, const T *columns, int stride, int m, T *least,
                          T &smallest_most) {
    using F = typename Vec<T>::F;
    constexpr int W = Vec<T>::width;
    F limit = F{} + Vec<T>::huge, other = limit;
    for (int i = 0; i < m; i += W) {
        F inner = {}, outer = {};
        for (int j = 0; j < d; ++j) {
            F away = load<T>(columns + int64_t(j) * stride + i) - mid[j];
            away = larger<T>(away, -away);
            const F far = away + half[j];
            F near = away - half[j];
            near = larger<T>(near, F{});
            inner += near * near;
            outer += far * far;
        }
        store(least + i, inner);
        if (SECOND) {
            other = smaller<T>(larger<T>(limit, outer), other);
        }
        limit = smaller<T>(outer, limit);
    }
    smallest_most = least_lane<T>(limit);
    if (!SECOND) return;
    limit[__builtin_ctz(bits<T>(limit == smallest_most))] = Vec<T>::huge;
    smallest_most = least_lane<T>(smaller<T>(limit, other));
}

// Keep of `ids` (or of 0..m-1) the centers whose smallest distance to the box exceeds the (second) smallest
// of their largest distances by no more than `slack`: no other can be (second) nearest to a point inside.
// `gap` is lowered to how much farther the nearest center left out is: the list stays right until some center
// has moved by more than half of it. The columns are padded to whole vectors.
template <class T, bool SECOND>
inline int keep_near_box(const T *mid, const T *half, int d, const T *columns, int stride, int m,
                         const int32_t *ids, T slack, T *least, int32_t *kept, T &gap) {
    using F = typename Vec<T>::F;
    constexpr int W = Vec<T>::width;
    T limit;
    box_distances<T, SECOND>(mid, half, d, columns, stride, m, least, limit);
    const T reach = __builtin_sqrt(limit);
    slack = slack < LOOSE * reach ? slack : LOOSE * reach;
    limit = (reach + slack) * (reach + slack) * Vec<T>::margin + Vec<T>::tiny;
    F outside = F{} + Vec<T>::huge;
    int count = 0;
    for (int i = 0; i < m; i += W) {
        const F away = load<T>(least + i);
        outside = smaller<T>(away <= limit ? F{} + Vec<T>::huge : away, outside);
        count = append<T>(ids, i, m, bits<T>(away <= limit), kept, count);
    }
    const T room = __builtin_sqrt(least_lane<T>(outside)) / Vec<T>::margin - reach * Vec<T>::margin;
    gap = room < gap ? room : gap;
    return count;
}

// Candidates block by block: the centers near the box of a group of blocks are found once, and only those are
// tested against the box of each block.
template <class T, bool SECOND> struct Finder {
    const View<T> &view;
    const Centers<T> &centers;
    Scratch<T> scratch;
    T slack;
    int64_t group = -1;
    int in_group = 0;
    T group_gap = 0;

    // The candidates of a block; `gap` says how long they are right.
    int find(int64_t block, int32_t *kept, T &gap) {
        const int d = view.d;
        T *group_columns = scratch.numbers, *least = group_columns + int64_t(d) * centers.stride;
        if (block / BLOCKS_PER_GROUP != group) {
            group = block / BLOCKS_PER_GROUP;
            group_gap = Vec<T>::faraway;
            in_group = keep_near_box<T, SECOND>(view.group_mid + group * d, view.group_half + group * d, d, centers.columns,
                                                centers.stride, centers.k, nullptr, slack, least, scratch.ids,
                                                group_gap);
            for (int j = 0; j < d; ++j) {
                T *to = group_columns + int64_t(j) * centers.stride;
                const T *from = centers.columns + int64_t(j) * centers.stride;
                for (int i = 0; i < in_group; ++i) to[i] = from[scratch.ids[i]];
                for (int i = in_group; i % Vec<T>::width; ++i) to[i] = Vec<T>::faraway;
            }
        }
        gap = group_gap;
        if (in_group == 1) {
            kept[0] = scratch.ids[0];
            return 1;
        }
        return keep_near_box<T, SECOND>(view.mid + block * d, view.half + block * d, d, group_columns,
                                        centers.stride, in_group, scratch.ids, slack, least, kept, gap);
    }
};

// Eight running sums, so that the additions of a block do not wait for each other; their order is fixed.
inline double weighted_sum(const double *w, const double *v) {
    double part[8] = {};
    for (int i = 0; i < LANES; i += 8)
        for (int j = 0; j < 8; ++j) part[j] += w[i + j] * v[i + j];
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

// ---- the kernels ------------------------------------------------------------------------------------

template <class T>
inline void move_point(const T *x, int d, double w, int32_t from, int32_t to, double *sums) {
    double *in = sums + int64_t(to) * (d + 2);
    for (int j = 0; j < d; ++j) in[j] += w * double(x[j * LANES]);
    in[d] += w;
    in[d + 1] += 1;
    if (from < 0) return;
    double *out = sums + int64_t(from) * (d + 2);
    for (int j = 0; j < d; ++j) out[j] -= w * double(x[j * LANES]);
    out[d] -= w;
    out[d + 1] -= 1;
}

inline bool all_equal(const int32_t *labels) {
    int32_t differ = 0;
    for (int i = 1; i < LANES; ++i) differ |= labels[i] ^ labels[0];
    return differ == 0;
}

// Add a block's points to the sums of their clusters. Where all share one, lanes are added up first, in a fixed order.
template <class T>
inline void add_block(const View<T> &view, int64_t block, const int32_t *labels, double *sums) {
    const T *x = view.x + block * view.d * LANES;
    const double *w = view.w + block * LANES;
    if (!all_equal(labels)) {
        for (int i = 0; i < LANES; ++i)
            if (w[i] > 0) move_point(x + i, view.d, w[i], -1, labels[i], sums);
        return;
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
template <class T>
inline bool relabel(const View<T> &view, int64_t p, int32_t fresh, int32_t *labels, double *sums) {
    const double w = view.w[p];
    const int32_t old = labels[p];
    labels[p] = fresh;
    if (!(w > 0) || fresh == old) return false;
    move_point(view.x + p / LANES * view.d * LANES + p % LANES, view.d, w, old, fresh, sums);
    return true;
}

// A step in few dimensions: blocks against boxes.
template <class T>
inline int64_t step_boxed(const View<T> &view, const Centers<T> &centers, Scratch<T> scratch,
                          const Memory<T> &memory, int64_t first, int64_t last, int32_t *labels, double *sums) {
    Finder<T, false> finder{view, centers, scratch, T(2 * memory.slack)};
    Found<T> found;
    const int kept = centers.k < MEMORY ? centers.k : MEMORY;
    int64_t moved = 0;
    for (int64_t block = first; block < last; ++block) {
        int32_t *ids = memory.ids + block * kept, *count = memory.counts + block;
        int32_t *candidates = ids;
        int m = *count;
        if (memory.drift <= memory.expires[block]) {
            if (m == SETTLED) continue;
        } else {
            candidates = scratch.ids + centers.stride;
            T gap;
            m = finder.find(block, candidates, gap);
            memory.expires[block] = m <= kept ? memory.drift + double(gap) / 2 : -1;
            if (m == 1 && *count == SETTLED && ids[0] == candidates[0]) continue;
            if (m <= kept) __builtin_memcpy(ids, candidates, sizeof(int32_t) * m);
        }
        scan<T, false>(view.x + block * view.d * LANES, view.d, centers.rows, candidates, m, found);
        int32_t *known = labels + block * LANES;
        *count = m == 1 ? SETTLED : m;
        if (known[0] < 0) {  // the first time
            __builtin_memcpy(known, found.label, sizeof found.label);
            add_block(view, block, known, sums);
            for (int i = 0; i < LANES; ++i) moved += view.w[block * LANES + i] > 0;
            continue;
        }
        uint32_t differs = 0;
        for (int i = 0; i < LANES; i += Vec<float>::width) {
            Vec<float>::I now, then;
            __builtin_memcpy(&now, found.label + i, sizeof now);
            __builtin_memcpy(&then, known + i, sizeof then);
            differs |= bits<float>(now != then) << i;
        }
        for (; differs; differs &= differs - 1) {
            const int i = __builtin_ctz(differs);
            moved += relabel(view, block * LANES + i, found.label[i], labels, sums);
        }
    }
    return moved;
}

// Points whose nearest center is in doubt, gathered into one block.
template <class T> struct Queue {
    int64_t points[LANES];
    int count = 0;
};

// Screen the gathered points, take over their labels and bound their two smallest distances anew.
template <class T>
inline int64_t settle(const View<T> &view, const Centers<T> &centers, T *gathered, const Memory<T> &memory,
                      Queue<T> &queue, int32_t *labels, double *sums) {
    const int d = view.d;
    T radius = 0;
    for (int i = 0; i < LANES; ++i) {
        const int64_t p = queue.points[i < queue.count ? i : 0];
        const T *x = view.x + p / LANES * d * LANES + p % LANES;
        for (int j = 0; j < d; ++j) gathered[j * LANES + i] = x[j * LANES];
        radius = larger_of(radius, view.radius[p]);
    }
    const T doubt = screen_doubt(d, radius, centers.radius);
    Found<T> found;
    scan_screened(gathered, d, centers, doubt, found);
    int64_t moved = 0;
    for (int i = 0; i < queue.count; ++i) {
        const int64_t p = queue.points[i];
        moved += relabel(view, p, found.label[i], labels, sums);
        // The screen holds (|x - c|^2 - |x|^2) / 2. The radius is |x| and at most (d + 10) eps / 2 of it more, which with
        // the error of the screen stays below twice the doubt. With doubt between the two best, both bounds meet.
        const T square = view.radius[p] * view.radius[p];
        const T near = square + 2 * (found.best[i] + doubt), far = square + 2 * (found.second[i] - doubt);
        memory.upper[p] = near > 0 ? __builtin_sqrt(near) : 0;
        memory.lower[p] = far > 0 ? __builtin_sqrt(far) : 0;
        if (memory.upper[p] > memory.lower[p]) memory.lower[p] = 0;
    }
    queue.count = 0;
    return moved;
}

// A step in many dimensions: a point whose distance to its center is surely below that to any other keeps its
// label (Hamerly, "Making k-means even faster", SDM 2010); the others are gathered and screened. The bounds are
// widened for rounding, each time they move and by that of a distance when they are compared: no label depends on them.
template <class T>
inline int64_t step_bounded(const View<T> &view, const Centers<T> &centers, Scratch<T> scratch,
                            const Memory<T> &memory, int64_t first, int64_t last, int32_t *labels, double *sums) {
    constexpr T UP = 1 + EPSILON<T>, DOWN = 1 - EPSILON<T>;
    const T widen = 1 + 2 * (view.d + 16) * EPSILON<T>;
    T *gathered = scratch.numbers;
    // Copies: for all the compiler knows, what is written below may be what stands in `memory`.
    T *const uppers = memory.upper, *const lowers = memory.lower;
    const T *const moves = memory.moves, move = memory.move, second_move = memory.second_move;
    const int32_t fastest = memory.fastest;
    Queue<T> queue;
    int64_t moved = 0;
    for (int64_t p = first * LANES; p < last * LANES; ++p) {
        const int32_t label = labels[p];
        if (label >= 0) {
            const T lower = (lowers[p] - (label == fastest ? second_move : move)) * DOWN;
            T upper = (uppers[p] + moves[label]) * UP;
            lowers[p] = lower;
            uppers[p] = upper;
            if (upper * widen < lower) continue;
            const T *x = view.x + p / LANES * view.d * LANES + p % LANES;
            uppers[p] = upper = __builtin_sqrt(exact_distance(x, centers.rows + int64_t(label) * view.d, view.d));
            if (upper * widen < lower) continue;
        }
        queue.points[queue.count++] = p;
        if (queue.count == LANES) moved += settle(view, centers, gathered, memory, queue, labels, sums);
    }
    if (queue.count) moved += settle(view, centers, gathered, memory, queue, labels, sums);
    return moved;
}

// found[i] = table[at[i]] for a block. GCC makes one load after the other of the loop: a third slower for the keys.
inline void look_up(const uint32_t *table, const uint32_t *at, uint32_t *found) {
#if defined(__AVX512F__)
    for (int i = 0; i < LANES; i += 16)
        _mm512_storeu_si512(found + i, _mm512_i32gather_epi32(_mm512_loadu_si512(at + i), table, 4));
#else
    for (int i = 0; i < LANES; ++i) found[i] = table[at[i]];
#endif
}

// D is d where it is small and known, 0 otherwise. The points of a block go side by side down the levels of the grid:
// each level waits for the one before.
template <class T, int D>
void curve_keys_in(const T *x, int64_t n, int given, const Curve<T> &curve, uint64_t *packed) {
    const int d = D ? D : given, last = (1 << curve.levels) - 1;
    const bool hilbert = d > 1 && d <= MAX_BOXED_DIMS;
    T part[LANES * MAX_SORTED_DIMS] = {};
    int32_t cell[MAX_SORTED_DIMS][LANES];
    for (int64_t first = 0; first < n; first += LANES) {
        const int many = int(n - first < LANES ? n - first : LANES);
        __builtin_memcpy(part, x + first * d, sizeof(T) * many * d);
        for (int j = 0; j < d; ++j) {
            const double low = double(curve.low[j]);
            for (int i = 0; i < LANES; ++i) {
                const int at = int((double(part[i * d + j]) - low) * curve.scale);
                cell[j][i] = at < last ? at : last;
            }
        }
        uint32_t key[LANES] = {}, state[LANES] = {};
        for (int level = curve.levels - 1; level >= 0; --level) {
            uint32_t at[LANES];
            for (int i = 0; i < LANES; ++i) {
                uint32_t corner = 0;
                for (int j = 0; j < d; ++j) corner |= uint32_t(cell[j][i] >> level & 1) << j;
                at[i] = state[i] + corner;
                if (!hilbert) key[i] = key[i] << d | corner;
            }
            if (!hilbert) continue;
            uint32_t found[LANES];
            look_up(curve.turns, at, found);
            for (int i = 0; i < LANES; ++i) {
                state[i] = found[i] >> 8;
                key[i] = key[i] << d | (found[i] & 255);
            }
        }
        for (int i = 0; i < many; ++i) packed[first + i] = uint64_t(key[i]) << 32 | uint64_t(first + i);
    }
}

template <class T> void curve_keys(const T *x, int64_t n, int d, const Curve<T> &curve, uint64_t *packed) {
    const auto by = d == 2   ? curve_keys_in<T, 2>
                    : d == 3 ? curve_keys_in<T, 3>
                    : d == 4 ? curve_keys_in<T, 4>
                             : curve_keys_in<T, 0>;
    by(x, n, d, curve, packed);
}

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

template <class T>
double trial(const View<T> &view, const T *c, int64_t first, int64_t last, const T *closest,
             const double *potential, const T *farthest) {
    double total = 0;
    T near[LANES];
    double value[LANES];
    for (int64_t block = first; block < last; ++block) {
        if (from_box(view, block, c) > farthest[block] * Vec<T>::margin + Vec<T>::tiny) {
            total += potential[block];
            continue;
        }
        distances(view, block, c, near);
        const T *old = closest + block * LANES;
        for (int i = 0; i < LANES; ++i) value[i] = double(near[i] < old[i] ? near[i] : old[i]);
        total += weighted_sum(view.w + block * LANES, value);
    }
    return total;
}

template <class T>
void take(const View<T> &view, const T *c, int64_t first, int64_t last, T *closest, double *potential,
          T *farthest) {
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

template <class T>
void recount(const View<T> &view, int64_t first, int64_t last, const int32_t *labels, double *sums) {
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

template <class T> double column(const View<T> &view, int j, double center, bool squared) {
    double sums[LANES] = {}, total = 0;
    for (int64_t block = 0; block < view.blocks; ++block) {
        const T *x = view.x + (block * view.d + j) * LANES;
        const double *w = view.w + block * LANES;
        for (int i = 0; i < LANES; ++i) {
            const double t = double(x[i]) - center;
            sums[i] += w[i] * (squared ? t * t : t);
        }
    }
    for (double part : sums) total += part;
    return total;
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

template <class T> constexpr Kernels<T> kernels() {
    return {curve_keys<T>, step<T>, nearest<T>, trial<T>, take<T>, recount<T>, inertia<T>, column<T>, moments<T>, scatter<T>};
}

}  // namespace
}  // namespace tinct
