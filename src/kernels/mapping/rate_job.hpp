// What a lossy mapping is asked for: of rate.hpp, which is compiled once for each instruction set, or of lzw.hpp.
#pragma once
#include <cstdint>

namespace tinct {

// Who will spend bits on indices, and how many an index takes in the file before it is coded: 1, 2, 4 or 8 of a PNG or a
// WebP; 2 to 8 of a GIF.
enum class Coder { deflate, webp, lzw };
struct BitModel {
    Coder coder = Coder::deflate;
    int bits = 8;
};

struct RateJob {
    const uint8_t *pixels;   // [h][w][channels]
    const float *weights;    // [h][w]: how visible an error is
    const float *smooth;     // [h][w]: how much a band would show, 0...1; null: nowhere
    const uint8_t *fills;    // [h][w]: pixels that pass no error on and take none from above, or null
    const uint8_t *nearest;  // [h][w]: each pixel's nearest entry
    const float *palette;    // [k][channels]: points
    int h, w, channels, k;
    int hidden;    // the entry of fully transparent pixels, the last one, or -1; no other may take it
    float spread;  // share of a pixel's error that is diffused
    float lambda;  // weighted squared error that one bit is worth
    float more;    // and how much more of it where bands would show
    int effort;    // 0 to 4: see rate::remap
    BitModel bits;
    void (*points_of)(const uint8_t *colors, int64_t n, float *points);
    uint8_t *indices;  // [h][w]: the result
    // Of a film's frame, whose `hidden` entry leaves what stands there; null: of a picture by itself.
    const uint8_t *held = nullptr;  // [h][w]: what stands there, `hidden` where nothing does
    const uint8_t *must = nullptr;  // [h][w]: what must stand there, `hidden` where that is free
};
using RateRemap = void (*)(const RateJob &);
extern const RateRemap remap_rate_baseline, remap_rate_avx2, remap_rate_avx512;

RateRemap rate_remap();  // that of the best instruction set that this CPU has: dispatch.cpp

}  // namespace tinct
