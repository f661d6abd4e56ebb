// What rate.hpp, which is compiled once for each instruction set, is asked for.
#pragma once
#include <cstdint>

namespace tinct {

struct RateJob {
    const uint8_t *pixels;   // [h][w][channels]
    const float *weights;    // [h][w]: how visible an error is
    const uint8_t *nearest;  // [h][w]: each pixel's nearest entry
    const float *palette;    // [k][channels]: points
    int h, w, channels, k;
    int hidden;    // the entry of fully transparent pixels, the last one, or -1; no other may take it
    float spread;  // share of a pixel's error that is diffused
    float lambda;  // weighted squared error that one bit is worth
    int effort;    // 0, 1, 2: see rate::remap
    int bits;      // of an index in the file: 1, 2, 4 or 8
    bool webp;     // whether lossless WebP will code the indices, not PNG
    void (*points_of)(const uint8_t *colors, int64_t n, float *points);
    uint8_t *indices;  // [h][w]: the result
};
using RateRemap = void (*)(const RateJob &);
extern const RateRemap remap_rate_baseline, remap_rate_avx2, remap_rate_avx512;

RateRemap rate_remap();  // that of the best instruction set that this CPU has: dispatch.cpp

}  // namespace tinct
