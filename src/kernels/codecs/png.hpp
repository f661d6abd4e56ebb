// Rows as PNG holds them: what filters predict, filters undone, indices packed.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace tinct::codecs {

// ---- PNG's filters (RFC 2083, chapter 6) --------------------------------------------------------

inline uint8_t paeth(int left, int above, int corner) {
    const int to_left = std::abs(above - corner), to_above = std::abs(left - corner);
    const int to_corner = std::abs(left + above - 2 * corner);
    return uint8_t(to_left <= to_above && to_left <= to_corner ? left : to_above <= to_corner ? above : corner);
}

inline int predicted(int filter, int left, int above, int corner) {
    return filter == 0   ? 0
           : filter == 1 ? left
           : filter == 2 ? above
           : filter == 3 ? (left + above) / 2
                         : paeth(left, above, corner);
}

template <int C> void unfilter_row(int filter, const uint8_t *row, const uint8_t *above, int64_t size, uint8_t *out) {
    for (int64_t i = 0; i < size; ++i) {
        const int left = i < C ? 0 : out[i - C], corner = i < C ? 0 : above[i - C];
        out[i] = uint8_t(row[i] + predicted(filter, left, above[i], corner));
    }
}

// Rows, each behind its filter, to samples.
template <int C> std::vector<uint8_t> unfiltered(const uint8_t *rows, int64_t height, int64_t width) {
    const int64_t size = width * C;
    std::vector<uint8_t> pixels(size_t(height * size));
    const std::vector<uint8_t> nothing(size_t(size), 0);
    for (int64_t y = 0; y < height; ++y, rows += size + 1) {
        uint8_t *out = pixels.data() + y * size;
        const uint8_t *above = y ? out - size : nothing.data();
        // A loop for each filter: it is settled before the loop, not for every sample.
        if (rows[0] == 0) std::copy_n(rows + 1, size, out);
        else if (rows[0] == 1) unfilter_row<C>(1, rows + 1, above, size, out);
        else if (rows[0] == 2) unfilter_row<C>(2, rows + 1, above, size, out);
        else if (rows[0] == 3) unfilter_row<C>(3, rows + 1, above, size, out);
        else if (rows[0] == 4) unfilter_row<C>(4, rows + 1, above, size, out);
        else throw std::invalid_argument("a PNG's row has a filter of 0..4");
    }
    return pixels;
}

inline std::vector<uint8_t> unfiltered(const uint8_t *rows, int64_t height, int64_t width, int channels) {
    return channels == 4 ? unfiltered<4>(rows, height, width) : unfiltered<3>(rows, height, width);
}

// The same of indices, several to the byte, as the entries that they stand for: four samples each.
inline std::vector<uint8_t> looked_up(const uint8_t *rows, int64_t height, int64_t width, int bits,
                                      const std::vector<uint8_t> &entries) {
    const int per_byte = 8 / bits;
    const int64_t stride = (width + per_byte - 1) / per_byte;
    const std::vector<uint8_t> packed = unfiltered<1>(rows, height, stride);
    std::vector<uint8_t> pixels(size_t(height * width * 4));
    uint8_t *out = pixels.data();
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x, out += 4) {
            const int shift = bits * (per_byte - 1 - int(x % per_byte));
            const size_t at = size_t(packed[size_t(y * stride + x / per_byte)] >> shift & ((1 << bits) - 1)) * 4;
            if (at >= entries.size()) throw std::invalid_argument("each of a PNG's indices has an entry");
            std::copy_n(entries.data() + at, 4, out);
        }
    return pixels;
}

// Several indices to the byte, the leftmost in the highest bits, each row starting a byte.
inline std::vector<uint8_t> packed(const uint8_t *indices, int64_t height, int64_t width, int bits) {
    const int per_byte = 8 / bits;
    const int64_t stride = (width + per_byte - 1) / per_byte;
    std::vector<uint8_t> out(size_t(height * stride), 0);
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
            out[size_t(y * stride + x / per_byte)] |=
                uint8_t(indices[y * width + x] << (bits * (per_byte - 1 - x % per_byte)));
    return out;
}

}  // namespace tinct::codecs
