// Few dimensions: which centers can be nearest to a point of a box, and a step by them.
#pragma once
#include "clustering/accumulation.hpp"
#include "clustering/scan.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

// A list made with more slack than this part of the distance that decides it would hold too many centers.
constexpr float LOOSE = 0.1f;

// Squared distances from each center to the nearest point of a box, and the smallest of those to the farthest; with
// SECOND the second smallest.
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
        if (SECOND) other = smaller<T>(larger<T>(limit, outer), other);
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

// A step in few dimensions: blocks against boxes.
template <class T> inline int64_t step_boxed(const View<T> &view, const Centers<T> &centers, Scratch<T> scratch,
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

}  // namespace
}  // namespace tinct
