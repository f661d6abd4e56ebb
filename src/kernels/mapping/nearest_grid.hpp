// The nearest of a few entries to any point, by a grid of cells.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "memory/buffer.hpp"

namespace tinct::mapping {

// Four numbers side by side, which every CPU has registers for: a point of three or four coordinates, or one
// coordinate of four points.
typedef float Four __attribute__((vector_size(16)));
typedef int32_t FourInts __attribute__((vector_size(16)));

inline Four all_of(float v) { return Four{v, v, v, v}; }
inline Four lesser(Four a, Four b) { return a < b ? a : b; }
// The least of the lanes, in all of them.
inline Four least_lane(Four v) {
    v = lesser(v, __builtin_shufflevector(v, v, 2, 3, 0, 1));
    return lesser(v, __builtin_shufflevector(v, v, 1, 0, 3, 2));
}
template <int D> float length_squared(Four v) {
    const Four square = v * v;
    float sum = square[0];
    for (int j = 1; j < D; ++j) sum += square[j];
    return sum;
}

// A grid over the palette's box; each cell lists the entries that can be nearest to a point in it, made when
// a point first falls there. All of a list are tried, four at a time, and of equally near ones the lowest index
// wins, so the answer is the one of brute force.
template <int D> class NearestGrid {
  public:
    NearestGrid(const float *palette, int k, float slack)
        : k_(k), columns_(k * D), at_(k), least_(k), most_(k), ids_(k), kept_(k), large_(power(LARGE)),
          lists_(power(SIDE)) {
        for (int j = 0; j < D; ++j) {
            float low = palette[j], high = palette[j];
            for (int i = 0; i < k; ++i) {
                columns_[j * k + i] = palette[i * D + j];
                low = std::min(low, palette[i * D + j]);
                high = std::max(high, palette[i * D + j]);
            }
            low_[j] = low - slack;
            side_[j] = (high - low + 2 * slack) / SIDE;
            per_side_[j] = 1 / side_[j];
        }
        for (int i = 0; i < k; ++i) ids_[i] = i;
        all_ = add_list(ids_.data(), k);
    }

    int find(Four point) {
        const Four at = (point - low_) * per_side_;
        const FourInts inside = (at >= 0) & (at < float(SIDE));  // not of NaN, from a box without width
        if (!(inside[0] & inside[1] & inside[2] & inside[3])) return nearest(point, all_);
        const FourInts whole = __builtin_convertvector(at, FourInts);
        int cell = whole[0];
        for (int j = 1; j < D; ++j) cell = cell * SIDE + whole[j];
        if (!lists_[cell].blocks) lists_[cell] = make_list(cell);
        return nearest(point, lists_[cell]);
    }

  private:
    // A large cell is STEP cells wide.
    static constexpr int SIDE = D == 3 ? 32 : 16, STEP = 4, LARGE = SIDE / STEP;
    static constexpr int power(int cells) { return cells * cells * cells * (D == 3 ? 1 : cells); }
    // Cells and distances are rounded: nothing within this part of a side, or of a distance, is dropped.
    static constexpr float MARGIN = 1e-3f;
    static constexpr float FAR = 1e6f;  // beyond any entry and any index

    struct Block {  // four entries; where there are fewer the last ones are far away
        Four at[D], id;
    };
    struct List {
        uint32_t first, blocks;
    };

    int nearest(Four point, List list) const {
        const Block *block = blocks_.data() + list.first, *end = block + list.blocks;
        Four best = distances(point, *block), id = block->id;
        while (++block < end) {
            const Four next = distances(point, *block);
            id = next < best ? block->id : id;
            best = lesser(next, best);
        }
        return int(least_lane(best == least_lane(best) ? id : all_of(FAR))[0]);
    }
    static Four distances(Four point, const Block &block) {
        Four sum{};
        for (int j = 0; j < D; ++j) {
            const Four t = all_of(point[j]) - block.at[j];
            sum += t * t;
        }
        return sum;
    }
    // Add the least and the most that an entry at `at[i]` can be away from an interval, squared.
    void add_axis(const float *__restrict at, int count, float middle, float half) {
        float *__restrict least = least_.data(), *__restrict most = most_.data();
        for (int i = 0; i < count; ++i) {
            const float away = std::abs(at[i] - middle), outer = away + half, gap = away - half;
            const float inner = gap > 0 ? gap : 0;
            least[i] += inner * inner;
            most[i] += outer * outer;
        }
    }
    // std::min_element waits for every comparison before the next one; four at a time need not.
    static float least_of(const float *values, int count) {
        Four lanes = all_of(std::numeric_limits<float>::max()), next;
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            std::memcpy(&next, values + i, sizeof next);
            lanes = lesser(next, lanes);
        }
        float least = least_lane(lanes)[0];
        for (; i < count; ++i) least = std::min(least, values[i]);
        return least;
    }
    // Of `ids`, those that can be nearest to a point in a cell so many times `side_` wide, gathered in kept_: an
    // entry whose least distance to the cell exceeds the least of the most distances is out.
    int keep(const int *ids, int count, int cell, int cells, int step) {
        std::fill_n(least_.begin(), count, 0.0f);
        std::fill_n(most_.begin(), count, 0.0f);
        for (int j = D - 1; j >= 0; --j, cell /= cells) {
            const float width = side_[j] * float(step);
            for (int i = 0; i < count; ++i) at_[i] = columns_[j * k_ + ids[i]];
            add_axis(at_.data(), count, low_[j] + width * (float(cell % cells) + 0.5f), width * (0.5f + MARGIN));
        }
        const float limit = least_of(most_.data(), count) * (1 + MARGIN);
        int left = 0;
        for (int i = 0; i < count; ++i) {
            kept_[left] = ids[i];
            left += least_[i] <= limit;
        }
        return left;
    }
    // First for the large cell around it, once, then from what is left there for the cell itself.
    List make_list(int cell) {
        int large = 0, scale = 1;
        for (int j = D - 1, rest = cell; j >= 0; --j, rest /= SIDE, scale *= LARGE)
            large += rest % SIDE / STEP * scale;
        auto &ids = large_[large];
        if (ids.empty()) {
            const int count = keep(ids_.data(), k_, large, LARGE, STEP);
            ids.assign(kept_.begin(), kept_.begin() + count);
        }
        return add_list(kept_.data(), keep(ids.data(), int(ids.size()), cell, SIDE, 1));
    }
    List add_list(const int *ids, int count) {
        const List list{uint32_t(blocks_.size()), uint32_t((count + 3) / 4)};
        for (int start = 0; start < count; start += 4) {
            Block &block = blocks_.emplace_back();
            for (int lane = 0; lane < 4; ++lane) {
                const bool real = start + lane < count;
                block.id[lane] = real ? float(ids[start + lane]) : FAR;
                for (int j = 0; j < D; ++j)
                    block.at[j][lane] = real ? columns_[j * k_ + ids[start + lane]] : FAR;
            }
        }
        return list;
    }

    int k_;
    Four low_{}, side_{}, per_side_{};
    std::vector<float> columns_, at_, least_, most_;
    std::vector<int> ids_, kept_;
    std::vector<std::vector<int>> large_;  // by large cell; empty: not made yet
    Zeros<List> lists_;                    // by cell; without blocks: not made yet
    List all_;
    std::vector<Block> blocks_;
};

}  // namespace tinct::mapping
