// Rows as PNG holds them: what filters predict, filters undone, indices packed.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
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

template <int C>
void unfilter_row(int filter, const uint8_t *__restrict row, const uint8_t *__restrict above, int64_t size, uint8_t *__restrict out) {
    for (int64_t i = 0; i < size; ++i) {
        const int left = i < C ? 0 : out[i - C], corner = i < C ? 0 : above[i - C];
        out[i] = uint8_t(row[i] + predicted(filter, left, above[i], corner));
    }
}

// Two rows at once, whichever their filters: a pixel waits for the one before it, so the lower row goes a pixel behind the
// upper, in the other half of a register. In a third of the time that a row after the other takes.
template <int C> class TwoRows {
  public:
    static void unfilter(const uint8_t *rows, const uint8_t *above, int64_t width, uint8_t *out) {
        TwoRows two(rows, above, width, out);
        two.step(0, false);
        int64_t x = 1;
        for (; x < width - 1; ++x) two.step(x, true);
        for (; x <= width; ++x) two.step(x, false);
    }

  private:
    typedef int16_t Lanes __attribute__((vector_size(16)));
    typedef uint8_t Bytes __attribute__((vector_size(8)));

    TwoRows(const uint8_t *rows, const uint8_t *above, int64_t width, uint8_t *out)
        : rows_(rows), above_row_(above), width_(width), size_(width * C), out_(out) {
        for (int lane = 0; lane < 8; ++lane) {
            const int filter = rows[lane / 4 * (size_ + 1)];
            for (int kind = 1; kind <= 4; ++kind) filters_[kind - 1][lane] = int16_t(filter == kind ? -1 : 0);
        }
    }
    // The upper row's pixel x and the lower one's before it; `inside`: there are both, and a pixel behind each.
    void step(int64_t x, bool inside) {
        uint8_t behind[8] = {}, top[8] = {};
        const auto there = [&](int row) { return inside || (x >= row && x - row < width_); };
        for (int row = 0; row < 2; ++row)
            if (there(row)) std::memcpy(behind + 4 * row, rows_ + row * (size_ + 1) + 1 + (x - row) * C, inside ? 4 : C);
        if (there(0)) std::memcpy(top, above_row_ + x * C, inside ? 4 : C);
        const Lanes above = __builtin_shufflevector(lanes(top), left_, 0, 1, 2, 3, 8, 9, 10, 11);
        const Lanes to_left = above - corner_, to_above = left_ - corner_;
        const Lanes least_left = absolute(to_left), least_above = absolute(to_above), least_corner = absolute(to_left + to_above);
        const Lanes least = least_above < least_corner ? least_above : least_corner;
        const Lanes other = least_above <= least_corner ? above : corner_, paeth = least_left <= least ? left_ : other;
        const Lanes guess = (left_ & filters_[0]) | (above & filters_[1]) | ((left_ + above) >> 1 & filters_[2]) | (paeth & filters_[3]);
        corner_ = above;
        left_ = (lanes(behind) + guess) & 255;
        const Bytes bytes = __builtin_convertvector(left_, Bytes);
        std::memcpy(behind, &bytes, sizeof bytes);
        for (int row = 0; row < 2; ++row)
            if (there(row)) std::memcpy(out_ + row * size_ + (x - row) * C, behind + 4 * row, inside ? 4 : C);
    }
    static Lanes lanes(const uint8_t *eight) {
        Bytes bytes;
        std::memcpy(&bytes, eight, sizeof bytes);
        return __builtin_convertvector(bytes, Lanes);
    }
    static Lanes absolute(Lanes v) { return v > -v ? v : -v; }

    const uint8_t *rows_, *above_row_;
    const int64_t width_, size_;
    uint8_t *out_;
    Lanes filters_[4], left_{}, corner_{};
};

// Rows, each behind its filter, to samples, which take their place from the first on: memory for them would be new, and
// each page of it a fault.
template <int C> void unfilter(uint8_t *rows, int64_t height, int64_t width) {
    const int64_t size = width * C;
    const std::vector<uint8_t> nothing(size_t(size), 0);
    std::vector<uint8_t> behind(size_t(2 * size + 2));
    uint8_t *out = rows;
    for (int64_t y = 0, count; y < height; y += count, rows += count * (size + 1), out += count * size) {
        const uint8_t *above = y ? out - size : nothing.data(), *row = behind.data() + 1;
        const bool two = C > 1 && rows[0] >= 3 && y + 1 < height;
        count = two ? 2 : 1;
        std::copy_n(rows, count * (size + 1), behind.begin());
        if (behind[0] > 4 || (two && behind[size_t(size + 1)] > 4))
            throw std::invalid_argument("a PNG's row has a filter of 0..4");
        // A loop for each filter: it is settled before the loop, not for every sample.
        if (two) TwoRows<C>::unfilter(behind.data(), above, width, out);
        else if (behind[0] == 0) std::copy_n(row, size, out);
        else if (behind[0] == 1) unfilter_row<C>(1, row, above, size, out);
        else if (behind[0] == 2) unfilter_row<C>(2, row, above, size, out);
        else if (behind[0] == 3) unfilter_row<C>(3, row, above, size, out);
        else unfilter_row<C>(4, row, above, size, out);
    }
}

inline void unfilter(uint8_t *rows, int64_t height, int64_t width, int channels) {
    (channels == 4 ? unfilter<4> : unfilter<3>)(rows, height, width);
}

// The same of indices, several to the byte, as the entries that they stand for: four samples each.
inline std::vector<uint8_t> looked_up(const uint8_t *rows, int64_t height, int64_t width, int bits,
                                      const std::vector<uint8_t> &entries) {
    const int per_byte = 8 / bits;
    const int64_t stride = (width + per_byte - 1) / per_byte;
    std::vector<uint8_t> packed(rows, rows + height * (stride + 1));
    unfilter<1>(packed.data(), height, stride);
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
inline void pack(const uint8_t *indices, int64_t height, int64_t width, int bits, uint8_t *out) {
    if (bits == 8) {
        std::copy_n(indices, height * width, out);
        return;
    }
    const int per_byte = 8 / bits;
    const int64_t stride = (width + per_byte - 1) / per_byte;
    for (int64_t y = 0; y < height; ++y, indices += width, out += stride) {
        std::fill_n(out, stride, uint8_t(0));
        for (int64_t x = 0, at = 0; x < width; ++at)
            for (int shift = 8 - bits; shift >= 0 && x < width; shift -= bits) out[at] |= uint8_t(indices[x++] << shift);
    }
}
inline int64_t packed_size(int64_t height, int64_t width, int bits) { return height * ((width * bits + 7) / 8); }

}  // namespace tinct::codecs
