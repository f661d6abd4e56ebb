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
// (Tried: PNG's Up filter, symbols being differences from the row above. 5 to 90 % more bytes, since a pixel that
// differs costs twice, in its own row and in the next.)
//
// Same bits on every machine: float32 in a fixed order, no libm, compiled with -ffp-contract=off.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "mapping/bands.hpp"
#include "mapping/chains.hpp"
#include "mapping/entry_lists.hpp"
#include "mapping/floyd_steinberg.hpp"
#include "mapping/least.hpp"
#include "mapping/prices.hpp"
#include "mapping/rate_job.hpp"

namespace tinct::rate {
namespace {  // internal to each translation unit: no copy may be merged across instruction sets

using namespace mapping;  // Floyd and Steinberg's shares

struct Search {
    int places;  // earlier places tried per hash chain
    int reach;   // pixels over which a place is judged
    int every;   // look for places at every n-th pixel, 4 n where the open ones fit
};

/// D components per color; Near copies at distance 1..Near inside the row, Far copies from the rows before.
/// What differs between copies lies in rows of one number per copy: the lanes of the vectors. (The literal is a scalar
/// beside them: written into a lane, it would hold up the next pixel's vector.)
template <class Coder, int D, int Near, int Far> class Remapper {
  public:
    explicit Remapper(const RateJob &job, const Search &search)
        : job_(job), search_(search), prices_(job.k, bits_), target_(size_t(job.w) * 4), points_(size_t(job.w) * D + 1),
          spread_(size_t(job.w)), below_(size_t(job.w + 2) * 4), bands_(job_, planes_, palette_), trace_(size_t(job.w)),
          still_(size_t(job.w)), near_(512) {
        for (int j = 0; j < job.k; ++j)
            for (int c = 0; c < D; ++c) planes_[c][j] = palette_[j][c] = job.palette[j * D + c];
        for (int j = 0; j < job.k; ++j) {
            opacity_[j] = D < 4 ? Opacity::part : j == job.hidden ? Opacity::none : palette_[j][3] < 0.5f ? Opacity::part : Opacity::full;
            kinds_ |= opacity_[j] != opacity_[0];
        }
        for (int s = 0; s < Near; ++s) {
            const int back = (s + 1) * bundle_;
            code_[s] = uint8_t(Coder::distance_code(s + 1, 0, units_));
            offset_[s] = std::min(back, PAST);
            shift_[s] = back <= PAST ? back : width();  // which is never there
        }
    }

    void run() {
        list_neighbors();
        group_entries(palette_, job_.k, group_);
        for (int y = 0; y < job_.h; ++y) {
            charge();
            aim(y);
            measure_stillness(y);
            bands_.begin(y, points_.data());
            map_row(y);
            trace_back(y);
            bands_.end(y);
            diffuse(y);
            remember(y);
        }
    }

  private:
    static constexpr int COPIES = Near + Far, LITERAL = COPIES;  // the states
    static constexpr int PAST = 8;                 // indices that each path remembers
    static constexpr float NOTHING = 1e-4f;        // error, in each coordinate, that is none
    static_assert(Near <= PAST);
    using Chain = Chains<Coder::WINDOW>;

    struct Opacity { enum { none, part, full }; };

    struct Candidates {  // what a literal may be
        int32_t list[NEIGHBORS];
        float planes[D][NEIGHBORS], price[NEIGHBORS];
        int row;  // whose prices these are, one more
    };

    struct Places {  // that copies may come from: where, in which row, how far from its end, and what they gain
        static constexpr int MOST = 72;
        int count = 0;
        alignas(32) int32_t at[MOST] = {}, row[MOST] = {}, room[MOST] = {};
        alignas(32) float gain[MOST] = {};
    };

    struct Trace {  // of one pixel, to walk back along the cheapest path
        uint8_t index[COPIES + 1], entered[COPIES + 1], code[COPIES], best;
    };

    int width() const { return job_.w; }
    bool starts(int x) const { return (x & (bundle_ - 1)) == 0; }  // a symbol: inside of one no path changes
    bool filled(size_t p) const { return job_.fills && job_.fills[p]; }
    bool hidden(size_t p) const { return D == 4 && job_.nearest[p] == job_.hidden; }
    float weight_of(size_t p) const { return hidden(p) ? 0.0f : job_.weights[p]; }
    /// Which entries a pixel may take: those as opaque as its nearest, where it is fully transparent, or opaque itself;
    /// else any that can be seen.
    int opacity_of(size_t p) const {
        const int drawn = opacity_[job_.nearest[p]];
        return D == 4 && drawn == Opacity::full && job_.pixels[p * D + D - 1] < 255 ? Opacity::part : drawn;
    }
    bool may_take(int opacity, int entry) const {
        return opacity_[entry] == opacity || (opacity == Opacity::part && opacity_[entry] == Opacity::full);
    }
    /// Of an opaque pixel no opacity is wrong: it takes the color of an error alone.
    bool opaque(size_t p) const { return D == 4 && kinds_ && opacity_of(p) == Opacity::full; }
    /// Where bands would show more of an error is passed on.
    float spread_of(size_t p) const {
        const float more = job_.smooth ? job_.more * job_.smooth[p] : 0.0f;
        return hidden(p) || filled(p) ? 0.0f : (job_.spread + job_.spread * more) * (1 / ALL);
    }

    /// Bits in weighted squared error, as the rows so far price them.
    void charge() {
        prices_.update();
        for (int i = 0; i < 512; ++i) literal_[i] = job_.lambda * prices_.literal(i);
        for (int n = 0; n < Coder::LONGEST; ++n) longer_[n] = job_.lambda * prices_.longer(n);
        for (int n = 0; n < Coder::LONGEST; ++n) from_none_[n + 1] = from_none_[n] + longer_[n];
        for (int s = 0; s < COPIES; ++s) enter_[s] = job_.lambda * prices_.copy(code_[s]);
    }

    /// The row's pixels with the error that came down to them.
    void aim(int y) {
        job_.points_of(job_.pixels + size_t(y) * width() * D, width(), points_.data());
        for (int x = 0; x < width(); ++x) spread_[x] = spread_of(size_t(y) * width() + x);
        for (int x = 0; x < width(); ++x) {
            const size_t p = size_t(y) * width() + x;
            for (int c = 0, end = filled(p) ? 0 : opaque(p) ? 3 : D; c < D; ++c)
                target_[size_t(x) * 4 + c] = points_[size_t(x) * D + c] + (c < end ? below_[size_t(x + 1) * 4 + c] : 0.0f);
        }
    }

    float cost_of(int s) const { return s == LITERAL ? literal_cost_ : cost_[s]; }
    void lose_errors() {
        for (auto &plane : error_) for (float &e : plane) e = 0.0f;
        for (float &e : literal_error_) e = 0.0f;
    }

    void map_row(int y) {
        for (int s = 0; s < COPIES; ++s) cost_[s] = s == last_ ? 0.0f : NEVER;  // a copy may go on from above
        literal_cost_ = last_ == LITERAL ? 0.0f : NEVER;
        lose_errors();
        int best = last_;
        float before = 0.0f;
        for (int x = 0; x < width(); ++x) {
            if (int n = pass(y, x)) {
                before = cost_of(best = trace_[x + n - 1].best);
                x += n - 1;
                continue;
            }
            bool dear = cost_of(best) - before > mean_cost_;  // the last pixel: nothing open fits here
            before = cost_of(best);
            if (y > 0 && (x & (bundle_ * (dear ? search_.every : 4 * search_.every) - 1)) == 0) find_places(y, x, best);
            step(y, x, starts(x) ? best : LITERAL);
            best = first_least(cost_);
            if (literal_cost_ <= cost_[best]) best = LITERAL;
            trace_[x].best = uint8_t(best);
        }
        last_ = best;
        float mean = cost_of(best) / float(width());
        mean_cost_ = y == 0 ? mean : 0.9f * mean_cost_ + 0.1f * mean;
    }

    /// How far from each pixel on nothing happens: one color, that of an entry, and no error from above.
    void measure_stillness(int y) {
        const uint8_t *nearest = job_.nearest + size_t(y) * width();
        for (int x = width() - 1; x >= 0; --x) {
            const float *target = target_.data() + size_t(x) * 4, *entry = palette_[nearest[x]];
            bool exact = true;
            for (int c = 0; c < D; ++c) exact &= std::abs(target[c] - entry[c]) < NOTHING;
            still_[x] = !exact ? 0 : x + 1 < width() && nearest[x + 1] == nearest[x] ? still_[x + 1] + 1 : 1;
        }
    }

    /// Goes over pixels at which nothing happens in one step, which graphics mostly consist of: copies that bring
    /// their entry grow longer, all other paths end. Stops where places for what follows are to be found.
    int pass(int y, int x) {
        const int n = (still_[x] - search_.reach) / bundle_ * bundle_;
        if (n < PAST || x < PAST || still_[x - PAST] != still_[x] + PAST || !starts(x)) return 0;
        const size_t p = size_t(y) * width() + x;
        const uint8_t entry = job_.nearest[p];
        const uint64_t all = 0x0101010101010101u * entry;
        alignas(64) float cost[COPIES];
        for (int s = 0; s < COPIES; ++s) cost[s] = brings(s, p, x, n, all) ? grown(s, n / bundle_) : NEVER;
        const int best = first_least(cost);
        if (cost[best] >= NEVER) return 0;
        std::memcpy(cost_, cost, sizeof cost);
        literal_cost_ = NEVER;
        for (int s = 0; s < COPIES; ++s) past_[s] = all;
        for (int s = 0; s < COPIES; ++s) brought_[0][s] = palette_[entry][0];
        lose_errors();
        bands_.leave();
        for (int i = 0; i < n; ++i) {
            Trace &trace = trace_[x + i];
            std::memset(trace.index, entry, COPIES);
            std::memset(trace.entered, 0, COPIES);
            std::memcpy(trace.code, code_, COPIES);
            trace.best = uint8_t(best);
        }
        return n;
    }

    /// Whether a copy that carries no error brings n times the same entry.
    bool brings(int s, size_t p, int x, int n, uint64_t all) const {
        if (cost_[s] >= NEVER) return false;
        for (int c = 0; c < D; ++c) if (!(std::abs(error_[c][s]) < NOTHING)) return false;
        if (s < Near) {
            const int back = (s + 1) * bundle_;
            return back <= x && back <= PAST && (past_[s] ^ all) << (64 - 8 * back) == 0;
        }
        const int from = x - shift_[s];
        if (offset_[s] == 0 || from < 0 || from + n > width()) return false;
        const uint8_t *source = job_.indices + p - offset_[s];
        for (int i = 0; i < n; ++i) if (source[i] != uint8_t(all)) return false;
        return true;
    }

    /// What a copy costs n symbols further on, which are counted into its length.
    float grown(int s, int n) {
        float cost = cost_[s];
        for (int length = length_[s]; ; length = 0) {
            const int step = std::min(n, Coder::LONGEST - length);
            cost += from_none_[length + step] - from_none_[length];
            length_[s] = length + step;
            n -= step;
            if (n == 0) return cost;
            cost += enter_[s];
        }
    }

    /// One pixel further on every path.
    void step(int y, int x, int best) {
        const size_t p = size_t(y) * width() + x;
        alignas(64) int32_t entered[COPIES], index[COPIES];
        const float *target = target_.data() + size_t(x) * 4;
        const float before = cost_of(best);
        const uint64_t past = best == LITERAL ? literal_past_ : past_[best];
        float entering[4];
        for (int c = 0; c < D; ++c) entering[c] = best == LITERAL ? literal_error_[c] : error_[c][best];
        const bool starts = this->starts(x);
        if (starts) enter_or_stay(before, past, entered);
        else std::memset(entered, 0, sizeof entered);
        source_indices(p, x, index);
        alignas(64) float left[COPIES];  // lightness of the pixel before
        const float lightness = best == LITERAL ? literal_lightness_ : brought_[0][best];
        for (int s = 0; s < COPIES; s += 8)
            put(left + s, eight(entered + s) ? Eight{} + lightness : eight(brought_[0] + s));
        copy(p, x, target, entering, entered, index);
        const bool smooth = bands_.matter(x);
        if (smooth) bands_.charge_copies(x, weight_of(p), best, entered, left, brought_, cost_);
        else bands_.leave();
        if (starts) prefix_ = 1;
        const int literal = take_literal(y, x, target, entering, before, lightness);
        if (smooth) bands_.take_literal(x, literal);
        prefix_ = prefix_ << bits_ | literal;
        literal_past_ = past << 8 | uint64_t(literal);
        Trace &trace = trace_[x];
        for (int s = 0; s < COPIES; s += 4)
            put(past_ + s, four(past_ + s) << 8 | __builtin_convertvector(four(index + s), FourLongs));
        for (int s = 0; s < COPIES; ++s) trace.index[s] = uint8_t(index[s]);
        for (int s = 0; s < COPIES; ++s) trace.entered[s] = uint8_t(entered[s]);
        trace.index[LITERAL] = uint8_t(literal);
        trace.entered[LITERAL] = starts;
        std::memcpy(trace.code, code_, COPIES);
    }

    /// Each copy goes on, or starts anew from the best path when that is cheaper.
    void enter_or_stay(float before, uint64_t past, int32_t *entered) {
        alignas(64) float longer[COPIES];
        for (int s = 0; s < COPIES; ++s) longer[s] = longer_[length_[s]];
        for (int s = 0; s < COPIES; s += 8) {
            const EightInts length = eight(length_ + s), full = length >= Coder::LONGEST;  // the next copy from there begins
            const Eight price = eight(enter_ + s), enter = before + price;
            const Eight stay = eight(cost_ + s) + (full ? price : eight(longer + s));
            const EightInts anew = enter < stay;
            put(cost_ + s, anew ? enter : stay);
            put(length_ + s, (anew | full) ? EightInts{} + 1 : length + 1);
            put(entered + s, anew);
        }
        for (int s = 0; s < COPIES; s += 4) {
            const FourLongs anew = __builtin_convertvector(four(entered + s), FourLongs);
            put(past_ + s, (anew & int64_t(past)) | (~anew & four(past_ + s)));
        }
    }

    /// The index each copy brings; a source outside its row ends the copy (a filter byte stands between rows).
    void source_indices(size_t p, int x, int32_t *index) {
        const uint8_t *here = job_.indices + p;
        alignas(64) int32_t back[COPIES];
        for (int s = 0; s < COPIES; s += 8) {
            const EightInts from = x - eight(shift_ + s), offset = eight(offset_ + s);
            const EightInts none = (from < 0) | (from >= width()) | (offset == 0);
            put(back + s, none ? EightInts{} : -offset);
            put(cost_ + s, none ? Eight{} + NEVER : eight(cost_ + s));
        }
        for (int s = 0; s < Near; ++s) index[s] = int32_t(past_[s] >> (8 * (offset_[s] - 1)) & 255);
        for (int s = Near; s < COPIES; ++s) index[s] = here[back[s]];
    }

    /// The points of eight entries, by coordinate: whole ones loaded and turned take half the time of numbers.
    void bring(const int32_t *entry, Eight (&out)[D]) const {
        Eight pair[4];
        for (int i = 0; i < 4; ++i)
            pair[i] = __builtin_shufflevector(four(palette_[entry[i]]), four(palette_[entry[i + 4]]), 0, 1, 2, 3, 4, 5, 6, 7);
        const Eight ab = __builtin_shufflevector(pair[0], pair[1], 0, 8, 1, 9, 4, 12, 5, 13);
        const Eight cd = __builtin_shufflevector(pair[0], pair[1], 2, 10, 3, 11, 6, 14, 7, 15);
        const Eight ef = __builtin_shufflevector(pair[2], pair[3], 0, 8, 1, 9, 4, 12, 5, 13);
        const Eight gh = __builtin_shufflevector(pair[2], pair[3], 2, 10, 3, 11, 6, 14, 7, 15);
        out[0] = __builtin_shufflevector(ab, ef, 0, 1, 8, 9, 4, 5, 12, 13);
        out[1] = __builtin_shufflevector(ab, ef, 2, 3, 10, 11, 6, 7, 14, 15);
        out[2] = __builtin_shufflevector(cd, gh, 0, 1, 8, 9, 4, 5, 12, 13);
        if constexpr (D == 4) out[3] = __builtin_shufflevector(cd, gh, 2, 3, 10, 11, 6, 7, 14, 15);
    }

    /// Adds each copy's weighted error to its cost and keeps the share that goes on to the right.
    void copy(size_t p, int x, const float *target, float *entering, const int32_t *entered, const int32_t *index) {
        const float share = AHEAD * spread_[x], weight = weight_of(p);
        const bool no_alpha = opaque(p);
        for (int s = 0; s < COPIES; s += 8) {
            Eight points[D];
            bring(index + s, points);
            for (int c = 0; c < D; ++c) put(brought_[c] + s, points[c]);
        }
        if (no_alpha) {
            entering[D - 1] = 0.0f;
            for (float &e : error_[D - 1]) e = 0.0f;
        }
        for (int s = 0; s < COPIES; s += 8) {
            const EightInts anew = eight(entered + s);
            Eight distance = {};
            for (int c = 0; c < D; ++c) {
                const Eight before = anew ? Eight{} + entering[c] : eight(error_[c] + s);
                const Eight e = target[c] + before - eight(brought_[c] + s);
                distance += e * e;
                put(error_[c] + s, e * share);
            }
            put(cost_ + s, eight(cost_ + s) + weight * distance);
        }
        if (D == 4)
            for (int s = 0, mine = opacity_of(p); kinds_ && s < COPIES; s += 8) {  // as may_take
                const EightInts clear = eight(index + s) == job_.hidden, full = eight(brought_[D - 1] + s) >= 0.5f;
                const EightInts may = mine == Opacity::full ? full : mine == Opacity::none ? clear : ~clear;
                put(cost_ + s, may ? eight(cost_ + s) : Eight{} + NEVER);
            }
    }

    /// The entry with the least error + lambda * bits, after the best path.
    int take_literal(int y, int x, const float *target, const float *entering, float before, float left) {
        const size_t p = size_t(y) * width() + x;
        Candidates &near = near_[size_t(kinds_ && opacity_of(p) == Opacity::part) * 256 + job_.nearest[p]];
        const float weight = weight_of(p);
        float aim[4];
        for (int c = 0; c < D; ++c) aim[c] = target[c] + entering[c];
        const float *literal = literal_ + (prefix_ << bits_);
        alignas(64) float cost[NEIGHBORS];
        if (bits_ < 8 || near.row != y + 1) {
            for (int i = 0; i < NEIGHBORS; ++i) near.price[i] = literal[near.list[i]];
            near.row = y + 1;
        }
        for (int i = 0; i < NEIGHBORS; i += 8) {
            Eight distance = {};
            for (int c = 0; c < D; ++c) {
                const Eight e = aim[c] - eight(near.planes[c] + i);
                distance += e * e;
            }
            put(cost + i, weight * distance + eight(near.price + i));
        }
        if (bands_.matter(x)) bands_.charge_literals(x, weight, near.planes, left, cost);
        const int first = first_least(cost), chosen = near.list[first];
        literal_cost_ = before + cost[first];
        literal_lightness_ = planes_[0][chosen];
        for (int c = 0; c < D; ++c) literal_error_[c] = (aim[c] - planes_[c][chosen]) * (AHEAD * spread_[x]);
        return chosen;
    }

    /// Tries the rows above and the places that look like what is to come; the best new one gets a state.
    void find_places(int y, int x, int best) {
        const int w = width();
        if (x + 3 * bundle_ > w) return;
        const int32_t p = y * w + x;
        const int oldest = y - std::min(y, std::max(Coder::WINDOW - units_, 0) / (units_ + Coder::GAP));
        Places &places = places_;
        places.count = 0;
        const auto consider = [&](int32_t q, int qy) {
            const int room = (qy + 1) * w - q;
            if (room < 3 || is_open(p - q)) return;
            places.at[places.count] = q;
            places.row[places.count] = qy;
            places.room[places.count] = room;
            places.gain[places.count++] = -job_.lambda * prices_.copy(distance_to(y, x, q, qy));
        };
        const auto follow = [&](const Chain &chains, uint32_t hash) {
            int32_t q = chains.first(hash);
            for (int i = 0; i < search_.places && q >= oldest * w; ++i, q = chains.next(q))
                consider(q, row_of(q, y));
        };
        for (int above = 1; above <= 2 && y - above >= oldest; ++above)
            for (int dx = -bundle_; dx <= bundle_; dx += bundle_)
                if (x + dx >= 0) consider(p - above * w + dx, y - above);
        follow(exact_, exact_hash(job_.nearest + p));
        if (x + 4 <= w) follow(coarse_, coarse_hash(job_.nearest + p));
        int found = -1;
        float most = -NEVER;
        for (int i = 0; i < places.count; i += 8) {
            judge(p, x, i, most);
            for (int j = i; j < std::min(i + 8, places.count); ++j)
                if (places.gain[j] > most) most = places.gain[found = j];
        }
        if (found >= 0) open_place(y, x, places.at[found], places.row[found], best);
    }

    /// The row of a place before row y. (Half a pixel is more than what floats err by.)
    int row_of(int32_t q, int y) const { return y - 1 - int((float(y * width() - 1 - q) + 0.5f) * per_row_); }
    bool is_open(int32_t offset) const {
        int32_t same = 0;
        for (int s = Near; s < COPIES; ++s) same |= offset_[s] == offset;
        return same;
    }

    /// What copies from eight places gain over as many average pixels, each at its best length; gives up when none can
    /// exceed most.
    void judge(int32_t p, int x, int first, float most) {
        Places &places = places_;
        const uint8_t *from[8];
        for (int i = 0; i < 8; ++i) from[i] = job_.indices + places.at[first + i < places.count ? first + i : first];
        const EightInts room = eight(places.room + first);
        Eight sum = eight(places.gain + first), best = Eight{} - NEVER;
        for (int i = 0, n = std::min(search_.reach, width() - x); i < n; ++i) {
            int32_t entry[8];
            for (int j = 0; j < 8; ++j) entry[j] = from[j][i];
            Eight points[D], distance = {};
            bring(entry, points);
            for (int c = 0; c < D; ++c) {
                const Eight e = target_[size_t(x + i) * 4 + size_t(c)] - points[c];
                distance += e * e;
            }
            sum = room > i ? sum + (mean_cost_ - job_.weights[p + i] * distance) : sum;
            if (i < 2) continue;
            best = best < sum ? sum : best;
            const Eight highest = sum + float(n - 1 - i) * mean_cost_;
            if (i % 4 == 3 && !bits_of((highest > best) & (highest > most))) break;
        }
        put(places.gain + first, best);
    }

    int distance_to(int y, int x, int32_t q, int qy) const {
        return Coder::distance_code((x - (q - qy * width())) / bundle_, y - qy, units_);
    }

    /// The costliest copy from an earlier row gives way to one from q.
    void open_place(int y, int x, int32_t q, int qy, int best) {
        alignas(64) float kept[COPIES];  // least where a state is to be had, or dear
        for (int s = 0; s < COPIES; ++s) kept[s] = s < Near || s == best ? NEVER : offset_[s] == 0 ? -2 * NEVER : -cost_[s];
        const int victim = first_least(kept);
        offset_[victim] = y * width() + x - q;
        shift_[victim] = x - (q - qy * width());
        code_[victim] = uint8_t(distance_to(y, x, q, qy));
        enter_[victim] = job_.lambda * prices_.copy(code_[victim]);
        cost_[victim] = NEVER;
    }

    /// Writes the row along its cheapest path and counts what it is made of.
    void trace_back(int y) {
        uint8_t *row = job_.indices + size_t(y) * width();
        int s = last_, length = 0;
        for (int x = width() - 1; x >= 0; --x) {
            const Trace &trace = trace_[x];
            row[x] = trace.index[s];
            ++length;
            if (x > 0 && !trace.entered[s]) continue;
            const int symbols = (length + bundle_ - 1) / bundle_;
            if (s != LITERAL && symbols >= Coder::SHORTEST)
                for (int left = symbols; left > 0; left -= Coder::LONGEST)
                    prices_.count_copy(std::clamp(left, Coder::SHORTEST, Coder::LONGEST), trace.code[s]);
            else
                for (int i = 0; i < length; i += bundle_) prices_.count_literal(symbol(row, x + i));
            length = 0;
            if (x > 0) s = trace_[x - 1].best;
        }
    }

    /// The indices that share a symbol with the one at x; what the row lacks at its end is 0.
    int symbol(const uint8_t *row, int x) const {
        int value = 0;
        for (int i = 0; i < bundle_; ++i) value = value << bits_ | (x + i < width() ? row[x + i] : 0);
        return value;
    }

    /// Floyd and Steinberg's weights, left to right on every row: a serpentine would hide rows from each other.
    void diffuse(int y) {
        const uint8_t *row = job_.indices + size_t(y) * width();
        Four right = {}, under = {}, ahead = {};
        for (int x = 0; x < width(); ++x) {
            if (D == 4 && opaque(size_t(y) * width() + x)) right[3] = 0.0f;
            const Four e = (four(target_.data() + size_t(x) * 4) + right - four(palette_[row[x]])) * spread_[x];
            right = AHEAD * e;
            put(below_.data() + size_t(x) * 4, under + BELOW_BEHIND * e);
            under = ahead + BELOW * e;
            ahead = BELOW_AHEAD * e;
        }
        put(below_.data() + size_t(width()) * 4, under);
        put(below_.data() + size_t(width() + 1) * 4, ahead);
    }

    /// Of a run of one index the last places alone, for no more are looked at.
    void remember(int y) {
        const int32_t p = y * width();
        const uint8_t *const row = job_.indices + p;
        const int kept = (search_.places + 4) * bundle_;
        for (int x = 0, end = 0; x + 3 <= width(); x += bundle_) {
            if (x >= end) end = run_end(row, x);
            if (end - x > kept + bundle_) x += (end - x - kept) / bundle_ * bundle_;
            exact_.insert(exact_hash(row + x), p + x);
            if (x + 4 <= width()) coarse_.insert(coarse_hash(row + x), p + x);
        }
    }
    int run_end(const uint8_t *row, int x) const {
        const uint8_t first = row[x];
        const uint64_t all = 0x0101010101010101u * first;
        for (uint64_t eight; x + 8 <= width(); x += 8)
            if (std::memcpy(&eight, row + x, 8); eight != all) break;
        while (x < width() && row[x] == first) ++x;
        return x;
    }

    static uint32_t exact_hash(const uint8_t *i) { return Chain::mix(i[0], i[1], i[2], 0); }
    uint32_t coarse_hash(const uint8_t *i) const {
        return Chain::mix(group_[i[0]], group_[i[1]], group_[i[2]], group_[i[3]]);
    }

    void list_neighbors() {
        for (int part = 0; part <= int(kinds_); ++part)
            for (int j = 0; j < job_.k; ++j) {
                const int opacity = part && opacity_[j] == Opacity::full ? int(Opacity::part) : opacity_[j];
                Candidates &near = near_[size_t(part * 256 + j)];
                nearest_entries(palette_, job_.k, j, [&](int i) { return may_take(opacity, i); }, near.list);
                for (int c = 0; c < D; ++c) for (int i = 0; i < NEIGHBORS; ++i) near.planes[c][i] = planes_[c][near.list[i]];
            }
    }

    const RateJob job_;
    const Search search_;
    const int bits_ = job_.bits.bits;                                  // of an index
    const float per_row_ = 1.0f / float(job_.w);
    const int bundle_ = 8 / bits_;                                // indices that share a byte, a symbol
    const int units_ = (job_.w + bundle_ - 1) / bundle_;          // symbols of a row
    Prices<Coder> prices_;
    Chain exact_, coarse_;
    Buffer<float> target_, points_, spread_, below_;  // this row's pixels + error from above; its error for the next row
    Bands<D, COPIES> bands_;
    Buffer<Trace> trace_;
    Buffer<int32_t> still_;
    Buffer<Candidates> near_;  // by nearest entry; then those of pixels that may take any
    // One number per copy: the cheapest path into it, the error it carries, the point it brought last, its last eight
    // indices, how long it is, and of what.
    alignas(64) float cost_[COPIES] = {}, error_[D][COPIES] = {}, brought_[D][COPIES] = {}, enter_[COPIES] = {};
    alignas(64) uint64_t past_[COPIES] = {};
    alignas(64) int32_t length_[COPIES] = {}, offset_[COPIES] = {}, shift_[COPIES] = {};
    float literal_cost_ = 0.0f, literal_error_[D] = {}, literal_lightness_ = 0.0f;
    uint64_t literal_past_ = 0;
    uint8_t code_[COPIES] = {}, group_[256] = {};
    float literal_[512] = {}, longer_[Coder::LONGEST + 1] = {};  // lambda * bits
    float from_none_[Coder::LONGEST + 1] = {};  // lambda * bits of a copy beyond the shortest one's
    alignas(16) float palette_[256][4] = {};      // four lanes, whatever D is: one load
    alignas(64) float planes_[4][256] = {};       // the same, by coordinate
    int32_t opacity_[256] = {};
    Places places_;
    bool kinds_ = false;  // whether entries differ in opacity
    int last_ = LITERAL;
    int prefix_ = 1;  // the indices of this symbol's literal so far
    float mean_cost_ = 0.0f;
};

/// effort 0: 8 copies at a time; 1: 16; 2: 24; 3: 32; 4: 48. (16 places a chain at effort 3: 0.4 % fewer bytes, 1.4 times
/// as long.) Copies from the row itself make fewer bands: of photographs by default 16 copies, of which 8, 4 or 2 are such,
/// score 1.44 and 0.51, 1.43 and 0.60, 1.53 and 0.69 of CAMBI in full and halved, 8 copies 1.69 and 0.81, and take 0.7,
/// 1.3 and 1.9 % fewer bytes than those. More places for 24 copies, looked for more often: 1.1 % fewer bytes, a fifth more time.
template <class Coder, int D> void remap(const RateJob &job) {
    switch (job.effort) {
        case 0: return Remapper<Coder, D, 2, 6>(job, {2, 8, 4}).run();
        case 1: return Remapper<Coder, D, 4, 12>(job, {2, 8, 4}).run();
        case 2: return Remapper<Coder, D, 6, 18>(job, {2, 8, 4}).run();
        case 3: return Remapper<Coder, D, 8, 24>(job, {8, 12, 1}).run();
        default: return Remapper<Coder, D, 8, 40>(job, {32, 12, 1}).run();
    }
}

inline void remap_rate(const RateJob &job) {
    if (job.bits.coder == Coder::webp) job.channels == 4 ? remap<WebP, 4>(job) : remap<WebP, 3>(job);
    else job.channels == 4 ? remap<Deflate, 4>(job) : remap<Deflate, 3>(job);
}

}  // namespace
}  // namespace tinct::rate
