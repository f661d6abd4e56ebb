// What the coders behind PNG and WebP can say about a copy, for the prices in rate.hpp.
//
// A coder states how many codes it has for lengths and distances, what the shortest and the longest copy is,
// how far back it looks, and which code stands for a copy from dx symbols to the left, dy rows above.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>

namespace tinct::rate {
namespace {  // internal to each translation unit, like rate.hpp

/// log2(x) for x >= 1, by repeated squaring of a fixed-point mantissa: libm's last bit differs between machines.
inline float log2_bits(uint32_t x) {
    int exponent = int(std::bit_width(x)) - 1;
    uint64_t mantissa = (uint64_t(x) << 31) >> exponent;
    uint32_t result = uint32_t(exponent) << 16;
    for (uint32_t bit = 1u << 15; bit > 0; bit >>= 1) {
        mantissa = (mantissa * mantissa) >> 31;
        if (mantissa >> 32) { mantissa >>= 1; result |= bit; }
    }
    return float(result) * (1.0f / 65536.0f);
}

/// Two codes per power of two and the bits that tell the values of a code apart: DEFLATE's distances (RFC
/// 1951, 3.2.5), and both lengths and distances of WebP (RFC 9649, 5.2.2).
inline int prefix_code(int value) {
    int v = value - 1;
    if (v < 4) return v;
    int extra = int(std::bit_width(unsigned(v))) - 2;
    return 2 * extra + (v >> extra);
}
inline int prefix_extra(int code) { return code < 4 ? 0 : code / 2 - 1; }

/// PNG: the rows one after the other, a filter byte before each.
struct Deflate {
    static constexpr int LENGTHS = 29, DISTANCES = 30, SHORTEST = 3, LONGEST = 258, WINDOW = 32768;
    static constexpr int GAP = 1;  // bytes between rows

    static int length_code(int length) {
        int l = length - 3;
        if (length >= 258) return 28;
        if (l < 8) return l;
        int extra = int(std::bit_width(unsigned(l))) - 3;
        return 4 * extra + (l >> extra);
    }
    static int length_extra(int code) { return code < 8 || code == 28 ? 0 : code / 4 - 1; }
    static int distance_code(int dx, int dy, int width) { return prefix_code(dx + dy * (width + GAP)); }
};

/// Lossless WebP: no gaps.
struct WebP {
    static constexpr int LENGTHS = 24, DISTANCES = 40, SHORTEST = 3, LONGEST = 4096;
    static constexpr int WINDOW = 1 << 17;  // libwebp's is eight times that; what is so far is seldom tried
    static constexpr int GAP = 0;

    static int length_code(int length) { return prefix_code(length); }
    static int length_extra(int code) { return prefix_extra(code); }
    /// WebP has short codes for what is near in the plane. Pricing copies by those drew 0.9 % more bytes at the
    /// same SSIMULACRA2 than DEFLATE's prices, on two photographs and two graphics; as if there were none, 1.6 %
    /// fewer: libwebp takes few of the short copies that cheap distances invite.
    static int distance_code(int dx, int dy, int width) { return prefix_code(dx + dy * width + 120); }
};

}  // namespace
}  // namespace tinct::rate
