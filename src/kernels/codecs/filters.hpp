// Indices behind PNG's filters: the order of a palette in which these help, each row's filter, and what rows take.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <vector>

#include "codecs/deflate_blocks.hpp"
#include "codecs/png.hpp"

namespace tinct::codecs {

// Entries that stand beside each other in the picture, beside each other in the palette: a greedy chain that grows at
// both ends (Zeng, Li, Lei 2000, with Pinho's weights 2004).
// Told from bands of so many `rows`, one in every so many.
inline std::vector<uint8_t> alike_beside(const uint8_t *indices, int64_t height, int64_t width, int k, int64_t rows,
                                         int64_t every) {
    std::vector<int64_t> together(size_t(k * k));
    const auto meet = [&](int one, int other) {
        if (one != other) ++together[size_t(std::min(one, other) * k + std::max(one, other))];
    };
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width && y % every < rows; ++x) {
            const uint8_t *at = indices + y * width + x;
            if (x) meet(at[0], at[-1]);
            if (y) meet(at[0], at[-width]);
        }
    for (int i = 0; i < k; ++i)
        for (int j = 0; j < i; ++j) together[size_t(i * k + j)] = together[size_t(j * k + i)];
    // How often an entry meets those of the chain, and by how much more those near its front.
    std::vector<int64_t> met(size_t(k), 0), front(size_t(k), 0);
    std::vector<bool> placed(size_t(k), false);
    std::deque<uint8_t> chain;
    for (int i = 0; i < k; ++i)
        for (int j = 0; j < k; ++j) met[size_t(i)] += together[size_t(i * k + j)];
    for (int n = 0; n < k; ++n) {
        int best = -1;
        for (int i = 0; i < k; ++i)
            if (!placed[size_t(i)] && (best < 0 || met[size_t(i)] > met[size_t(best)])) best = i;
        const bool first = front[size_t(best)] > 0;
        if (first) chain.push_front(uint8_t(best));
        else chain.push_back(uint8_t(best));
        placed[size_t(best)] = true;
        if (n == 0) std::fill(met.begin(), met.end(), 0);
        for (int i = 0; i < k; ++i) {
            const int64_t often = together[size_t(best * k + i)];
            front[size_t(i)] += first ? n * often - met[size_t(i)] : met[size_t(i)] - n * often;
            met[size_t(i)] += often;
        }
    }
    return {chain.begin(), chain.end()};
}

template <int Filter> int64_t filter_row(const uint8_t *row, const uint8_t *above, int64_t size, uint8_t *out) {
    int64_t sum = 0;
    for (int64_t i = 0; i < size; ++i) {
        const int left = i ? row[i - 1] : 0, corner = i ? above[i - 1] : 0;
        out[i] = uint8_t(row[i] - predicted(Filter, left, above[i], corner));
        sum += std::min<int>(out[i], 256 - out[i]);
    }
    return sum;
}

// A row of bytes behind the filter whose differences are smallest (RFC 2083, 9.6).
class Filtering {
  public:
    explicit Filtering(int64_t width) : width_(width), nothing_(size_t(width), 0), tried_(size_t(width), 0) {}

    // `row` is the y-th of several; `out` has a byte more.
    void filter(const uint8_t *row, int64_t y, uint8_t *out) {
        constexpr decltype(&filter_row<0>) filters[] = {filter_row<1>, filter_row<2>, filter_row<3>, filter_row<4>};
        int64_t least = INT64_MAX;
        for (int by = 1; by <= 4; ++by) {
            const int64_t sum = filters[by - 1](row, y ? row - width_ : nothing_.data(), width_, tried_.data());
            if (sum >= least) continue;
            least = sum;
            out[0] = uint8_t(by);
            std::copy(tried_.begin(), tried_.end(), out + 1);
        }
    }

  private:
    int64_t width_;
    std::vector<uint8_t> nothing_, tried_;
};

inline std::vector<uint8_t> filtered(const uint8_t *rows, int64_t height, int64_t width) {
    std::vector<uint8_t> out(size_t(height * (width + 1)));
    Filtering filtering(width);
    for (int64_t y = 0; y < height; ++y) filtering.filter(rows + y * width, y, out.data() + y * (width + 1));
    return out;
}

// About how many bytes rows take behind their filters: their entropy, told from bands as the order is.
inline double filtered_entropy(const uint8_t *rows, int64_t height, int64_t width, int64_t count, int64_t every) {
    std::vector<uint8_t> line(size_t(width + 1));
    Filtering filtering(width);
    uint32_t counts[256] = {}, all = 0;
    for (int64_t y = 0; y < height; ++y) {
        if (y % every >= count) continue;
        filtering.filter(rows + y * width, y, line.data());
        for (const uint8_t byte : line) ++counts[byte];
        all += uint32_t(line.size());
    }
    int64_t bits = deflate::ENTROPY.n_log_n(all);
    for (const uint32_t n : counts) bits -= deflate::ENTROPY.n_log_n(n);
    return double(bits) / (8 * 256) * double(height * (width + 1)) / all;
}

}  // namespace tinct::codecs
