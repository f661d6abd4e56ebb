// Where points lie along a curve through the cells of a grid.
#pragma once
#include "clustering/vectors.hpp"

namespace tinct {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

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

}  // namespace
}  // namespace tinct
