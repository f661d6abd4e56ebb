// A remapping that chooses indices for GIF's LZW.
//
// Same bits on every machine: float32 in a fixed order, no libm, compiled with -ffp-contract=off.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "codecs/lzw.hpp"
#include "mapping/flatness.hpp"
#include "mapping/floyd_steinberg.hpp"
#include "mapping/rate_job.hpp"

namespace tinct::lzw {

using namespace mapping;  // Floyd and Steinberg's shares

struct Search {
    int beam;   // paths kept per place and length
    int ahead;  // pixels over which paths are compared
};

/// Pixels to indices of the least weighted squared error + lambda * bits, as far as can be seen ahead.
///
/// A cheapest path over places: from each place phrases of the tree lead to places further on, and cost what
/// their colors err plus one code. The tree is the one that an encoder has here which takes the longest
/// phrases: so no phrase may be followed by an index that would have made it longer.
template <int D> class Remapper {
  public:
    Remapper(const RateJob &job, const Search &search)
        : job_(job), n_(size_t(job.h) * job.w), w_(size_t(job.w)), search_(search), phrases_(job.bits.bits),
          target_((n_ + w_ + 1) * D) {
        for (int j = 0; j < job.k; ++j)
            for (int c = 0; c < D; ++c) palette_[j][c] = job.palette[j * D + c];
        job.points_of(job.pixels, int64_t(n_), target_.data());
        if (job.w < NARROW) job_.spread = 0;
        for (size_t p = 0; job.smooth && p < n_; ++p) light_.push_back(target_[p * D]);
    }

    void run() {
        list_neighbors();
        for (size_t p = 0; p < n_;) {
            explore(p);
            p += commit(p);
        }
    }

  private:
    static constexpr float NEVER = 1e30f;
    static constexpr float AGAIN = 0.05f;  // bits
    static constexpr int NARROW = 32;     // pixels: below, error diffusion would cut phrases too short
    static constexpr int NEIGHBORS = 24;  // entries with which a phrase may begin

    struct Node {  // the last pixel of a path
        float cost, error[4];
        int before;  // the node before; from a place on there is none
        uint16_t phrase;
        uint8_t index, first;
    };
    struct Place {
        float cost, error[4];
        int node, from;  // the last node of the phrase that leads here, and the place where that began
    };

    bool hidden(size_t p) const { return job_.nearest[p] == job_.hidden; }
    bool settled(size_t p) const { return hidden(p) || (job_.must && job_.must[p] != job_.hidden); }
    bool filled(size_t p) const { return job_.fills && job_.fills[p]; }
    float spread(size_t p) const { return settled(p) || filled(p) ? 0.0f : job_.spread * (1 / ALL); }
    /// The entry that is seen where an index is written.
    uint8_t shown(size_t p, uint8_t index) const { return job_.held && index == job_.hidden ? job_.held[p] : index; }
    bool may_take(size_t p, uint8_t index) const {
        if (!job_.held || hidden(p)) return (index == job_.hidden) == hidden(p);
        const uint8_t seen = shown(p, index);
        return seen != job_.hidden && (job_.must[p] == job_.hidden || job_.must[p] == seen);
    }
    float code_price() const { return job_.lambda * float(phrases_.width()); }

    /// Fills places_ from p on: the phrases from each within sight. As no path goes on for a row's length,
    /// all error that comes from the row above is known.
    void explore(size_t p) {
        start_ = p;
        nodes_.clear();
        places_.assign(1, {0.0f, {}, -1, -1});
        std::copy(carried_, carried_ + 4, places_[0].error);
        const size_t end = job_.spread > 0 ? std::min(n_, p + w_ - 1) : n_;
        const size_t seen = std::min(size_t(search_.ahead), end - p);
        for (size_t q = 0; q < seen; ++q)
            if (q < places_.size() && places_[q].cost < NEVER && !goes_on(p, q)) grow(p, q, end);
    }

    /// Whether a phrase goes on over a pixel that stays: cutting it there takes five times as long and gains nothing.
    bool goes_on(size_t p, size_t q) const {
        return q > 0 && q + 1 < places_.size() && settled(p + q) && places_[q + 1].cost <= places_[q].cost;
    }

    /// Relaxes the places that phrases from place q lead to.
    void grow(size_t p, size_t q, size_t end) {
        const Place place = places_[q];
        const int before = q == 0 ? current_ : nodes_[place.node].phrase;
        const uint8_t left = q > 0 ? nodes_[place.node].index : p > 0 ? job_.indices[p - 1] : uint8_t(0);
        size_t start = nodes_.size();
        begin(p + q, place, before, left);
        if (q == 0 && current_ >= 0)  // the phrase that was left open is paid for
            for (int at = phrases_.first(current_); at != Phrases::NONE; at = phrases_.sibling(at))
                extend(p, -1, place.cost, place.error, left, at, phrases_.last(at));
        for (size_t to = q + 1;; ++to) {
            if (nodes_.size() == start) return;
            const float best = keep(start, q, to);
            if (p + to == end) return;
            const size_t stop = nodes_.size();
            const float limit = std::min(best, places_[to].cost) + code_price();
            for (size_t i = start; i < stop; ++i) {
                const Node node = nodes_[i];
                if (node.cost > limit) continue;
                for (int at = phrases_.first(node.phrase); at != Phrases::NONE; at = phrases_.sibling(at))
                    extend(p + to, int(i), node.cost, node.error, node.index, at, phrases_.last(at));
                // The phrase before and its own first index: the code that this very code adds.
                if (node.phrase == before && !phrases_.full() && !phrases_.child(before, node.first))
                    extend(p + to, int(i), node.cost, node.error, node.index, phrases_.next(), node.first);
            }
            start = stop;
        }
    }

    void begin(size_t p, const Place &place, int before, uint8_t left) {
        const bool forced = settled(p) && !hidden(p);
        const uint8_t *list = forced ? &job_.must[p] : neighbors_[job_.nearest[p]];
        const float cost = place.cost + code_price();
        const size_t start = nodes_.size();
        const auto enter = [&](uint8_t index) {
            if (before < 0 || phrases_.full() || !phrases_.child(before, index))
                extend(p, -1, cost, place.error, left, index, index);
        };
        if (job_.held && !hidden(p)) enter(uint8_t(job_.hidden));
        for (int i = 0, n = settled(p) ? 1 : std::min(visible_, NEIGHBORS); i < n; ++i) enter(list[i]);
        if (nodes_.size() == start) extend(p, -1, cost, place.error, left, list[0], list[0]);
    }

    /// One pixel more on a path, whose last index is `left`.
    void extend(size_t p, int before, float cost, const float *error, uint8_t left, int phrase, uint8_t index) {
        if (D == 4 && !may_take(p, index)) return;
        Node node = {};
        const float share = (p + 1) % w_ == 0 ? 0.0f : AHEAD * spread(p);
        float distance = 0.0f;
        const uint8_t seen = shown(p, index);
        for (int c = 0; c < D; ++c) {
            const float e = target_[p * D + c] + error[c] - palette_[seen][c];
            distance += e * e;
            node.error[c] = e * share;
        }
        // Of a frame, indices that leave what stands there say nothing about what is flat.
        if (job_.smooth && !job_.held && job_.smooth[p] > 0)
            distance += FLATTER * job_.lambda * job_.smooth[p] * flatter(p, left, index);
        // What stays may be written again where that goes on with a phrase; else runs of one index are learned soon.
        if (settled(p)) node.cost = cost + (index == job_.hidden ? 0.0f : AGAIN * job_.lambda);
        else node.cost = cost + job_.weights[p] * distance;
        node.before = before;
        node.phrase = uint16_t(phrase);
        node.index = index;
        node.first = before < 0 ? index : nodes_[before].first;
        nodes_.push_back(node);
    }

    /// What a pixel lacks in difference from the one before it and the one above, if that is written.
    float flatter(size_t p, uint8_t left, uint8_t index) const {
        const bool first = p % w_ == 0, top = p < w_ || p - w_ >= start_;
        const float across = first ? 0.0f : std::max(std::abs(light_[p] - light_[p - 1]), GRAIN);
        const float down = top ? 0.0f : std::max(std::abs(light_[p] - light_[p - w_]), GRAIN);
        return lacking(across, down, palette_[index][0], palette_[left][0], top ? 0.0f : palette_[job_.indices[p - w_]][0]);
    }

    /// Leaves the cheapest of the newest nodes and relaxes their place. Returns the least cost.
    float keep(size_t start, size_t from, size_t to) {
        auto cheaper = [](const Node &a, const Node &b) {
            return a.cost < b.cost || (a.cost == b.cost && a.phrase < b.phrase);
        };
        auto first = nodes_.begin() + ptrdiff_t(start);
        if (nodes_.end() - first > search_.beam) {
            std::nth_element(first, first + search_.beam, nodes_.end(), cheaper);
            nodes_.resize(start + size_t(search_.beam));
            first = nodes_.begin() + ptrdiff_t(start);
        }
        const auto best = std::min_element(first, nodes_.end(), cheaper);
        if (places_.size() <= to) places_.resize(to + 1, {NEVER, {}, -1, -1});
        if (best->cost < places_[to].cost) {
            Place &place = places_[to];
            place = {best->cost, {}, int(best - nodes_.begin()), int(from)};
            std::copy(best->error, best->error + 4, place.error);
        }
        return best->cost;
    }

    /// Writes the first half of the cheapest path, or at least one phrase. Returns how many pixels.
    size_t commit(size_t p) {
        const size_t seen = std::min(size_t(search_.ahead), places_.size() - 1);
        size_t last = seen;
        for (size_t q = seen; q < places_.size(); ++q)
            if (places_[q].cost - mean_cost_ * float(q) < places_[last].cost - mean_cost_ * float(last)) last = q;
        const float cost = places_[last].cost / float(last);
        mean_cost_ += (cost - mean_cost_) * (p == 0 ? 1.0f : 0.125f);
        size_t stop = last;
        const bool done = p + last == n_;
        while (!done && size_t(places_[stop].from) > 0 && stop > seen / 2) stop = size_t(places_[stop].from);
        for (size_t to = stop; to > 0; to = size_t(places_[to].from)) {
            size_t q = p + to;
            for (int i = places_[to].node; i >= 0; i = nodes_[i].before) job_.indices[--q] = nodes_[i].index;
        }
        for (size_t q = p; q < p + stop; ++q) { diffuse(q); follow(job_.indices[q]); }
        return stop;
    }

    /// Floyd and Steinberg's weights, left to right.
    void diffuse(size_t p) {
        const float share = spread(p);
        const bool first = p % w_ == 0, last = (p + 1) % w_ == 0, lowest = p + w_ >= n_;
        const uint8_t seen = shown(p, job_.indices[p]);
        for (int c = 0; c < D; ++c) {
            const float e = (target_[p * D + c] + carried_[c] - palette_[seen][c]) * share;
            carried_[c] = last ? 0.0f : AHEAD * e;
            if (lowest) continue;
            float *below = &target_[(p + w_) * D + c];
            if (!first) below[-D] += BELOW_BEHIND * e;
            below[0] += BELOW * e;
            if (!last) below[D] += BELOW_AHEAD * e;
        }
    }

    /// What an encoder does that takes the longest phrases and clears the tree when it is full. (Keeping a full
    /// one until it does worse than filling it did, as the encoder may: 20 to 50 % more bytes.)
    void follow(uint8_t index) {
        const int longer = current_ < 0 ? Phrases::NONE : phrases_.child(current_, index);
        if (longer != Phrases::NONE) { current_ = longer; return; }
        if (current_ >= 0) phrases_.add(current_, index);
        if (phrases_.full()) phrases_.clear();
        current_ = index;
    }

    /// Each visible entry's nearest visible ones; the hidden one knows only itself.
    void list_neighbors() {
        for (int j = 0; j < visible_; ++j) {
            float distance[256];
            uint8_t order[256];
            for (int i = 0; i < visible_; ++i) {
                distance[i] = 0.0f;
                for (int c = 0; c < D; ++c) {
                    const float e = palette_[i][c] - palette_[j][c];
                    distance[i] += e * e;
                }
                order[i] = uint8_t(i);
            }
            const int n = std::min(visible_, NEIGHBORS);
            std::partial_sort(order, order + n, order + visible_, [&](uint8_t a, uint8_t b) {
                return distance[a] < distance[b] || (distance[a] == distance[b] && a < b);
            });
            std::copy(order, order + n, neighbors_[j]);
        }
        if (visible_ < job_.k) neighbors_[visible_][0] = uint8_t(visible_);
    }

    RateJob job_;
    size_t n_, w_, start_ = 0;  // pixels, those of a row, those that are written
    Search search_;
    int visible_ = job_.hidden < 0 ? job_.k : job_.k - 1;
    Phrases phrases_;
    std::vector<float> target_;  // pixels + error from above
    std::vector<float> light_;   // of the pixels, where bands would show
    std::vector<Node> nodes_;
    std::vector<Place> places_;
    float palette_[256][4] = {}, carried_[4] = {};
    uint8_t neighbors_[256][NEIGHBORS] = {};
    int current_ = -1;  // the phrase that the encoder is in
    float mean_cost_ = 0.0f;
};

template <int D> void remap(const RateJob &job) {
    const Search search = job.effort < 3 ? Search{8, 24} : job.effort == 3 ? Search{16, 96} : Search{32, 96};
    Remapper<D>(job, search).run();
}

}  // namespace tinct::lzw
