// The inner loops of visibility.hpp, for one instruction set. Sums are written out in a fixed order, in doubles; only
// + - * / and sqrt, which IEEE 754 rounds exactly.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "mapping/visibility_job.hpp"

namespace tinct::visibility {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

void across(const double *__restrict from, int64_t width, double *__restrict out) {
    for (int64_t x = 0; x < width; ++x) {
        double sum = TAPS[0] * from[x];
        for (int r = 1; r <= RADIUS; ++r) sum += TAPS[r] * (from[x - r] + from[x + r]);
        out[x] = sum;
    }
}

double down(const double *const *rows, int64_t x) {
    double sum = TAPS[0] * rows[RADIUS][x];
    for (int r = 1; r <= RADIUS; ++r) sum += TAPS[r] * (rows[RADIUS - r][x] + rows[RADIUS + r][x]);
    return sum;
}

void add_variance(const double *const *values, const double *const *squares, int64_t width, double *__restrict out) {
    const double *value[ROWS], *square[ROWS];  // of this function alone: what is written is none of them
    std::copy_n(values, ROWS, value);
    std::copy_n(squares, ROWS, square);
    for (int64_t x = 0; x < width; ++x) {
        const double mean = down(value, x), rest = down(square, x) - mean * mean;
        out[x] += rest > 0 ? rest : 0;
    }
}

void weigh(const double *__restrict variance, int64_t width, float *__restrict out) {
    for (int64_t x = 0; x < width; ++x) out[x] = 1.0f / (HALF + float(std::sqrt(variance[x])));
}

constexpr Lanes its_lanes{across, add_variance, weigh};

}  // namespace
}  // namespace tinct::visibility
