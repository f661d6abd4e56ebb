// Rate-aware remapping: pixels + palette -> indices that DEFLATE makes small.
//
// Each row is a shortest path. A path is, pixel by pixel, either a literal (any palette entry) or a copy of
// earlier indices at some distance; its cost is sum(weight * squared error) + lambda * bits, where the error
// includes the error diffused along that very path and the bits are what LZ77 + Huffman will spend. One state
// per copy distance plus one for literals, each keeping its cheapest path: a Viterbi search, the assignment
// step of entropy-constrained K-means (Chou, Lookabaugh, Gray 1989) with DEFLATE's parse as the entropy coder.
// A greedy parse (decide once, never look back) saved 43 % of pngquant's bytes at the same SSIMULACRA2 on
// photographs; this saves 57 %.
//
// Distances are counted in bytes of the PNG stream: a filter byte stands before each row, so "above" is
// width + 1, and no copy crosses a row's end inside its source.
//
// Same bits on every machine: float32 in a fixed order, no libm, compiled with -ffp-contract=off.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "pixels.hpp"

namespace tinct::rate {

struct Options {
    float lambda;  // weighted squared error that one bit is worth
    float spread;  // share of a pixel's error that is diffused
    int hidden;    // the entry of fully transparent pixels, the last one, or -1: no other pixel may take it
    int effort;    // 0, 1, 2: see remap_rate
};

struct Search {
    int places;  // earlier places tried per hash chain
    int reach;   // pixels over which a place is judged
    int every;   // look for places at every n-th pixel, 4 n where the open ones fit
};

constexpr float NEVER = 1e30f;
constexpr int WINDOW = 32768;  // bytes DEFLATE can look back

/// log2(x) for x >= 1, by repeated squaring of a fixed-point mantissa: libm's last bit differs between
/// machines.
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

/// DEFLATE's distance code 0..29 of a distance 1..32768 (RFC 1951, 3.2.5).
inline int distance_code(int distance) {
    int d = distance - 1;
    if (d < 4) return d;
    int extra = int(std::bit_width(unsigned(d))) - 2;
    return 2 * extra + (d >> extra);
}

/// DEFLATE's length code 0..28 of a length 3..258.
inline int length_code(int length) {
    int l = length - 3;
    if (length >= 258) return 28;
    if (l < 8) return l;
    int extra = int(std::bit_width(unsigned(l))) - 3;
    return 4 * extra + (l >> extra);
}

inline int distance_extra(int code) { return code < 4 ? 0 : code / 2 - 1; }
inline int length_extra(int code) { return code < 8 || code == 28 ? 0 : code / 4 - 1; }

/// What DEFLATE is about to charge, in bits, learned from the rows already mapped.
class Prices {
  public:
    explicit Prices(int k) : k_(k) {
        std::fill(literals_, literals_ + k, 2u);
        for (int c = 0; c < 29; ++c) lengths_[c] = c < 8 ? 16u : 4u;
        std::fill(distances_, distances_ + 30, 4u);
    }

    float literal(int index) const { return literal_[index]; }
    float copy(int distance_code) const { return copy_[distance_code]; }  // the shortest one
    float longer(int length) const { return longer_[length]; }            // from length to length + 1

    void count_literal(int index) { ++literals_[index]; }
    void count_copy(int length, int distance_code) {
        ++lengths_[length_code(length)];
        ++distances_[distance_code];
    }

    void update() {
        forget();
        uint32_t symbols = 0, copies = 0;
        for (int j = 0; j < k_; ++j) symbols += literals_[j];
        for (uint32_t n : lengths_) symbols += n;
        for (uint32_t n : distances_) copies += n;
        float all = log2_bits(symbols), any = log2_bits(copies);
        for (int j = 0; j < k_; ++j) literal_[j] = all - log2_bits(literals_[j]);
        float by_code[29], length[260];
        for (int c = 0; c < 29; ++c) by_code[c] = all - log2_bits(lengths_[c]) + float(length_extra(c));
        for (int n = 3; n <= 258; ++n) length[n] = by_code[length_code(n)];
        for (int c = 0; c < 30; ++c)
            copy_[c] = length[3] + any - log2_bits(distances_[c]) + float(distance_extra(c));
        // A copy of 1 or 2 pays for 3. Steps between code boundaries are averaged, so that no length is a wall.
        for (int n = 0; n < 3; ++n) longer_[n] = 0.0f;
        for (int n = 3; n < 257; ++n)
            longer_[n] = (length[std::min(n + 2, 258)] - length[std::max(n - 1, 3)]) * (1.0f / 3.0f);
        for (int n = 257; n < 260; ++n) longer_[n] = 10.0f;
    }

  private:
    /// Halve the counts now and then: encoders start a new block, with new codes, when statistics drift.
    /// (4096 symbols was 1 point of BD-rate better than 8192, 1.7 better than never.)
    void forget() {
        uint32_t symbols = 0;
        for (int j = 0; j < k_; ++j) symbols += literals_[j];
        for (uint32_t n : lengths_) symbols += n;
        if (symbols <= 4096) return;
        for (int j = 0; j < k_; ++j) literals_[j] = literals_[j] / 2 + 1;
        for (uint32_t &n : lengths_) n = n / 2 + 1;
        for (uint32_t &n : distances_) n = n / 2 + 1;
    }

    int k_;
    uint32_t literals_[256] = {}, lengths_[29] = {}, distances_[30] = {};
    float literal_[256] = {}, copy_[30] = {}, longer_[260] = {};
};

/// Earlier positions by a hash of the indices that start there, newest first; a ring as long as the window.
class Chains {
  public:
    Chains() : head_(SIZE, -1), links_(SIZE, {-1, 0}) {}
    void insert(uint32_t hash, int32_t position, int row) {
        links_[size_t(position) & (SIZE - 1)] = {head_[hash], row};
        head_[hash] = position;
    }
    int32_t first(uint32_t hash) const { return head_[hash]; }
    int32_t next(int32_t position) const {
        int32_t p = links_[size_t(position) & (SIZE - 1)].previous;
        return p < position ? p : -1;  // a newer one: the ring has been overwritten there
    }
    int row(int32_t position) const { return links_[size_t(position) & (SIZE - 1)].row; }
    static uint32_t mix(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
        return (a * 0x9E3779B1u ^ b * 0x85EBCA6Bu ^ c * 0xC2B2AE35u ^ d * 0x27D4EB2Fu) >> 7 & (SIZE - 1);
    }

  private:
    static constexpr size_t SIZE = WINDOW;
    struct Link { int32_t previous, row; };
    std::vector<int32_t> head_;
    std::vector<Link> links_;
};

/// D components per color; Near copies at distance 1..Near inside the row, Far copies from the rows before.
template <int D, int Near, int Far> class Remapper {
  public:
    /// pixels (h, w, D), weights (h, w), nearest (h, w): each pixel's nearest entry, palette (k, D) points,
    /// indices (h, w): the result.
    Remapper(const uint8_t *pixels, const float *weights, const uint8_t *nearest, const float *palette, int h,
             int w, int k, const Options &options, const Search &search, uint8_t *indices)
        : pixels_(pixels), weights_(weights), nearest_(nearest), indices_(indices), h_(h), w_(w), k_(k),
          options_(options), search_(search), prices_(k), target_(size_t(w) * D), below_(size_t(w + 2) * D),
          trace_(size_t(w)) {
        for (int j = 0; j < k; ++j)
            for (int c = 0; c < D; ++c) palette_[j][c] = palette[j * D + c];
        for (int s = 1; s <= Near; ++s) code_[s] = uint8_t(distance_code(s));
    }

    void run() {
        list_neighbors();
        group_colors();
        for (int y = 0; y < h_; ++y) {
            prices_.update();
            for (int s = 1; s < STATES; ++s) price_[s] = prices_.copy(code_[s]);
            aim(y);
            map_row(y);
            trace_back(y);
            diffuse(y);
            remember(y);
        }
    }

  private:
    static constexpr int STATES = 1 + Near + Far;  // 0 is the literal
    static constexpr int PAST = 16;                // indices each path remembers: a power of two > Near
    static constexpr int NEIGHBORS = 24;           // entries tried for a literal: the nearest entry's nearest
    static constexpr int GROUPS = 14;  // of colors, for the coarse hash; 24 cost 1.5 % more bytes, 64 2 %
    static_assert(Near < PAST);

    struct Paths {  // the cheapest path into each state
        float cost[STATES], error[STATES][4];
    };
    struct Trace {  // of one pixel, to walk back along the cheapest path
        uint8_t index[STATES], entered[STATES], code[STATES], best;
    };

    bool hidden(size_t p) const { return nearest_[p] == options_.hidden; }
    float spread(size_t p) const { return hidden(p) ? 0.0f : options_.spread * (1.0f / 16); }

    /// The row's pixels with the error that came down to them.
    void aim(int y) {
        const size_t n = size_t(w_) * D;
        pixels::points_of<D>(pixels_ + size_t(y) * n, w_, target_.data());
        for (size_t i = 0; i < n; ++i) target_[i] += below_[i + D];
    }

    void map_row(int y) {
        Paths paths;
        for (int s = 0; s < STATES; ++s) {
            paths.cost[s] = s == last_ ? 0.0f : NEVER;  // a copy may go on from the row before
            for (float &e : paths.error[s]) e = 0.0f;
        }
        int best = last_;
        float before = 0.0f;
        for (int x = 0; x < w_; ++x) {
            bool dear = paths.cost[best] - before > mean_cost_;  // the last pixel: nothing open fits here
            before = paths.cost[best];
            if (y > 0 && x % (dear ? search_.every : 4 * search_.every) == 0) find_places(y, x, best, paths);
            step(size_t(y) * w_ + x, x, best, paths);
            best = 0;
            for (int s = 1; s < STATES; ++s) if (paths.cost[s] < paths.cost[best]) best = s;
            trace_[x].best = uint8_t(best);
        }
        last_ = best;
        float mean = paths.cost[best] / float(w_);
        mean_cost_ = y == 0 ? mean : 0.9f * mean_cost_ + 0.1f * mean;
    }

    /// One pixel further on every path.
    void step(size_t p, int x, int best, Paths &paths) {
        Trace &trace = trace_[x];
        float target[4] = {}, literal[4], before = paths.cost[best];
        for (int c = 0; c < D; ++c) target[c] = target_[size_t(x) * D + c];
        for (int c = 0; c < 4; ++c) literal[c] = target[c] + paths.error[best][c];
        enter_or_stay(before, paths.cost, trace.entered);
        std::memcpy(trace.code, code_, STATES);
        source_indices(p, x, best, trace, paths.cost);
        copy(p, best, target, trace, paths);
        trace.index[0] = take_literal(p, literal, before, paths);
        trace.entered[0] = 1;
        uint8_t past[PAST];
        std::memcpy(past, past_[best], PAST);
        for (int s = 0; s < STATES; ++s) {
            if (trace.entered[s]) std::memcpy(past_[s], past, PAST);
            past_[s][x & (PAST - 1)] = trace.index[s];
        }
    }

    /// Each copy goes on, or starts anew from the best path when that is cheaper.
    void enter_or_stay(float before, float *cost, uint8_t *entered) {
        for (int s = 1; s < STATES; ++s) {
            float enter = before + options_.lambda * price_[s];
            float stay = cost[s] + options_.lambda * prices_.longer(length_[s]);
            entered[s] = enter < stay;
            cost[s] = enter < stay ? enter : stay;
            length_[s] = enter < stay ? 1 : std::min(length_[s] + 1, 258);
        }
    }

    /// The index each copy brings; a source outside its row ends the copy (a filter byte stands between rows).
    void source_indices(size_t p, int x, int best, Trace &trace, float *cost) {
        for (int s = 1; s <= Near; ++s) {
            if (s > x) cost[s] = NEVER;
            trace.index[s] = s > x ? 0 : past_[trace.entered[s] ? best : s][(x - s) & (PAST - 1)];
        }
        for (int s = 1 + Near; s < STATES; ++s) {
            bool dead = offset_[s] == 0 || x - shift_[s] < 0 || x - shift_[s] >= w_;
            if (dead) cost[s] = NEVER;
            trace.index[s] = dead ? 0 : indices_[p - offset_[s]];
        }
    }

    /// Adds each copy's weighted error to its cost and keeps the share that goes on to the right.
    void copy(size_t p, int best, const float *target, const Trace &trace, Paths &paths) {
        const float share = 7 * spread(p), weight = hidden(p) ? 0.0f : weights_[p];
        float entering[4];
        std::memcpy(entering, paths.error[best], sizeof entering);
        for (int s = 1; s < STATES; ++s) {
            const float *carried = trace.entered[s] ? entering : paths.error[s];
            const float *color = palette_[trace.index[s]];
            float e[4], square[4];
            for (int c = 0; c < 4; ++c) e[c] = target[c] + carried[c] - color[c];
            for (int c = 0; c < 4; ++c) square[c] = e[c] * e[c];
            for (int c = 0; c < 4; ++c) paths.error[s][c] = e[c] * share;
            float distance = square[0] + square[1] + square[2];
            if (D == 4) distance += square[3];
            paths.cost[s] += weight * distance;
            if (D == 4 && (trace.index[s] == options_.hidden) != hidden(p)) paths.cost[s] = NEVER;
        }
    }

    /// The entry with the least error + lambda * bits, after the best path.
    uint8_t take_literal(size_t p, const float *target, float before, Paths &paths) {
        const uint8_t *list = neighbors_[nearest_[p]];
        const float weight = hidden(p) ? 0.0f : weights_[p];
        float best = NEVER;
        int chosen = list[0];
        for (int i = 0, n = hidden(p) ? 1 : std::min(visible_, NEIGHBORS); i < n; ++i) {
            const float error = weight * squared_distance(target, palette_[list[i]]);
            const float cost = error + options_.lambda * prices_.literal(list[i]);
            if (cost < best) { best = cost; chosen = list[i]; }
        }
        paths.cost[0] = before + best;
        for (int c = 0; c < 4; ++c)
            paths.error[0][c] = (target[c] - palette_[chosen][c]) * (7 * spread(p));
        return uint8_t(chosen);
    }

    static float squared_distance(const float *a, const float *b) {
        float sum = 0.0f;
        for (int c = 0; c < D; ++c) { float e = a[c] - b[c]; sum += e * e; }
        return sum;
    }

    /// Tries the rows above and the places that look like what is to come; the best new one gets a state.
    void find_places(int y, int x, int best, Paths &paths) {
        if (x + 3 > w_) return;
        int32_t p = y * w_ + x, found = -1, row = 0;
        float most = -NEVER;
        int oldest = y - std::min(y, (WINDOW - w_) / (w_ + 1));
        auto consider = [&](int32_t q, int qy) {
            int n = std::min({search_.reach, w_ - x, (qy + 1) * w_ - q});
            if (n < 3 || std::count(offset_ + 1 + Near, offset_ + STATES, p - q)) return;
            float g = gain(p, q, x, n, prices_.copy(distance_code(p - q + y - qy)), most);
            if (g > most) { most = g; found = q; row = qy; }
        };
        auto follow = [&](const Chains &chains, uint32_t hash) {
            int32_t q = chains.first(hash);
            for (int i = 0; i < search_.places && q >= oldest * w_; ++i, q = chains.next(q))
                consider(q, chains.row(q));
        };
        for (int above = 1; above <= 2 && y - above >= oldest; ++above)
            for (int dx = -1; dx <= 1; ++dx) if (x + dx >= 0) consider(p - above * w_ + dx, y - above);
        follow(exact_, exact_hash(nearest_ + p));
        if (x + 4 <= w_) follow(coarse_, coarse_hash(nearest_ + p));
        if (found >= 0) open_place(y, x, found, row, best, paths.cost);
    }

    /// What a copy from q gains over as many average pixels, at its best length; gives up when it can't exceed
    /// most.
    float gain(int32_t p, int32_t q, int x, int n, float price, float most) const {
        float sum = -options_.lambda * price, best = -NEVER;
        for (int i = 0; i < n; ++i) {
            const float *color = palette_[indices_[q + i]];
            float distance = 0.0f;
            for (int c = 0; c < D; ++c) {
                float e = target_[size_t(x + i) * D + c] - color[c];
                distance += e * e;
            }
            sum += mean_cost_ - weights_[p + i] * distance;
            if (i >= 2) best = std::max(best, sum);
            if (sum + float(n - 1 - i) * mean_cost_ <= std::max(best, most)) break;
        }
        return best;
    }

    /// The costliest copy from an earlier row gives way to one from q.
    void open_place(int y, int x, int32_t q, int qy, int best, float *cost) {
        int victim = -1;
        for (int s = 1 + Near; s < STATES; ++s) {
            if (s == best) continue;
            if (offset_[s] == 0) { victim = s; break; }
            if (victim < 0 || cost[s] > cost[victim]) victim = s;
        }
        offset_[victim] = y * w_ + x - q;
        shift_[victim] = x - (q - qy * w_);
        code_[victim] = uint8_t(distance_code(offset_[victim] + y - qy));  // bytes: a filter byte per row
        price_[victim] = prices_.copy(code_[victim]);
        cost[victim] = NEVER;
    }

    /// Writes the row along its cheapest path and counts what it is made of.
    void trace_back(int y) {
        uint8_t *row = indices_ + size_t(y) * w_;
        int s = last_, length = 0;
        for (int x = w_ - 1; x >= 0; --x) {
            const Trace &trace = trace_[x];
            row[x] = trace.index[s];
            ++length;
            if (x > 0 && !trace.entered[s]) continue;
            if (s == 0 || length < 3) for (int i = 0; i < length; ++i) prices_.count_literal(row[x + i]);
            else prices_.count_copy(length, trace.code[s]);
            length = 0;
            if (x > 0) s = trace_[x - 1].best;
        }
    }

    /// Floyd and Steinberg's weights, left to right on every row: a serpentine would hide rows from each other.
    void diffuse(int y) {
        const uint8_t *row = indices_ + size_t(y) * w_;
        std::fill(below_.begin(), below_.end(), 0.0f);
        float right[D] = {};
        for (int x = 0; x < w_; ++x) {
            size_t p = size_t(y) * w_ + x;
            for (int c = 0; c < D; ++c) {
                float e = target_[size_t(x) * D + c] + right[c] - palette_[row[x]][c];
                e *= spread(p);
                right[c] = 7 * e;
                below_[size_t(x) * D + c] += 3 * e;
                below_[size_t(x + 1) * D + c] += 5 * e;
                below_[size_t(x + 2) * D + c] += e;
            }
        }
    }

    void remember(int y) {
        int32_t p = y * w_;
        for (int x = 0; x + 3 <= w_; ++x) exact_.insert(exact_hash(indices_ + p + x), p + x, y);
        for (int x = 0; x + 4 <= w_; ++x) coarse_.insert(coarse_hash(indices_ + p + x), p + x, y);
    }

    static uint32_t exact_hash(const uint8_t *i) { return Chains::mix(i[0], i[1], i[2], 0); }
    uint32_t coarse_hash(const uint8_t *i) const {
        return Chains::mix(group_[i[0]], group_[i[1]], group_[i[2]], group_[i[3]]);
    }

    /// Each visible entry's nearest visible ones; the hidden one knows only itself.
    void list_neighbors() {
        for (int j = 0; j < visible_; ++j) {
            float distance[256];
            uint8_t order[256];
            for (int i = 0; i < visible_; ++i) {
                distance[i] = squared_distance(palette_[i], palette_[j]);
                order[i] = uint8_t(i);
            }
            int n = std::min(visible_, NEIGHBORS);
            std::partial_sort(order, order + n, order + visible_, [&](uint8_t a, uint8_t b) {
                return distance[a] < distance[b] || (distance[a] == distance[b] && a < b);
            });
            std::copy(order, order + n, neighbors_[j]);
        }
        if (visible_ < k_) neighbors_[visible_][0] = uint8_t(visible_);
    }

    /// Farthest-point clustering: four pixels in the same groups are worth comparing though no index is the
    /// same.
    void group_colors() {
        float distance[256];
        std::fill(distance, distance + k_, NEVER);
        int leader = 0;
        for (int g = 0; g < std::min(GROUPS, k_); ++g) {
            for (int j = 0; j < k_; ++j) {
                float d = squared_distance(palette_[j], palette_[leader]);
                if (d < distance[j]) { distance[j] = d; group_[j] = uint8_t(g); }
            }
            leader = int(std::max_element(distance, distance + k_) - distance);
        }
    }

    const uint8_t *pixels_;
    const float *weights_;
    const uint8_t *nearest_;
    uint8_t *indices_;
    int h_, w_, k_;
    Options options_;
    Search search_;
    int visible_ = options_.hidden < 0 ? k_ : k_ - 1;
    Prices prices_;
    Chains exact_, coarse_;
    std::vector<float> target_, below_;  // this row's pixels + error from above; this row's error for the next
    std::vector<Trace> trace_;
    float palette_[256][4] = {};  // four lanes, whatever D is: one load
    uint8_t neighbors_[256][NEIGHBORS] = {}, group_[256] = {};
    uint8_t past_[STATES][PAST] = {}, code_[STATES] = {};
    int offset_[STATES] = {}, shift_[STATES] = {}, length_[STATES] = {};
    float price_[STATES] = {};
    int last_ = 0;
    float mean_cost_ = 0.0f;
};

/// effort 0: 8 states, about 0.5 s per megapixel on a 2 GHz Zen; 1: 32, 1.8 s; 2: 48, 2.7 s.
template <int D>
void remap(const uint8_t *pixels, const float *weights, const uint8_t *nearest, const float *palette, int h,
           int w, int k, const Options &o, uint8_t *out) {
    if (o.effort <= 0)
        Remapper<D, 2, 5>(pixels, weights, nearest, palette, h, w, k, o, {4, 8, 2}, out).run();
    else if (o.effort == 1)
        Remapper<D, 8, 23>(pixels, weights, nearest, palette, h, w, k, o, {16, 12, 1}, out).run();
    else
        Remapper<D, 8, 39>(pixels, weights, nearest, palette, h, w, k, o, {32, 12, 1}, out).run();
}

inline pixels::Fresh<uint8_t> remap_py(const pixels::Array<uint8_t, 3> &pixels,
                                       const pixels::Array<float, 2> &weights,
                                       const pixels::Array<uint8_t, 2> &nearest,
                                       const pixels::Array<float, 2> &palette, int hidden, float spread,
                                       float lambda, int effort) {
    auto out = pixels::make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
    nanobind::gil_scoped_release release;
    auto run = pixels.shape(2) == 4 ? remap<4> : remap<3>;
    run(pixels.data(), weights.data(), nearest.data(), palette.data(), int(pixels.shape(0)),
        int(pixels.shape(1)), int(palette.shape(0)), {lambda, spread, hidden, effort}, out.data());
    return out;
}

}  // namespace tinct::rate

namespace tinct {

inline void bind_rate(nanobind::module_ &m) {
    using namespace nanobind::literals;
    m.def("remap_for_rate", &rate::remap_py, "pixels"_a, "weights"_a, "nearest"_a, "palette"_a, "hidden"_a,
          "spread"_a, "price"_a, "effort"_a);
}

}  // namespace tinct
