// Entries that cost more bits than they are worth go, as in entropy-constrained vector quantization (Chou, Lookabaugh and
// Gray 1989): another takes their place in all of their pixels, so that copies stay copies.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "color/points.hpp"
#include "picture/picture.hpp"
#include "threads/pool.hpp"

namespace tinct::mapping {

// Bits that an entry takes: a sample's 8, and besides its code's length and the literal by which it first occurs.
constexpr int SAMPLE = 8, BESIDES = 24;
// What is drawn in an entry may be nearer to another: copies took it, or an error passed on. In the latter case the other
// won't look as near, so at least so much of the way between both counts. Without, two graphics with soft gradients lost
// 3 and 5 points at high loss, photographs took 0.9 % more bytes at the same score; with 0.7 graphics save a third less.
constexpr double APART = 0.7, APART_IF_FLAT = 0.25;

struct PruneJob {
    const float *weights;          // [pixels]: how visible an error is
    const uint8_t *colors;         // [k][channels]
    const float *points;           // [k][channels]: the same in Oklab
    int k;
    std::vector<uint8_t> stays;    // [k]: whether an entry must; or empty
    float bit;                     // weighted squared error that a bit is worth
    int least;                     // entries that are left
    bool flat;                     // whether the picture is a graphic
    bool listed;                   // whether the file lists the colors: greys may stand for themselves
    const uint8_t *fills = nullptr;  // [pixels]: where an error counts `more`; or null
    float more = 1;
};

class Pruner {
  public:
    Pruner(const Picture &picture, const PruneJob &job, const uint8_t *indices, int threads)
        : picture_(picture), job_(job), channels_(picture.channels), entries_(size_t(job.k)), to_(size_t(job.k)) {
        std::iota(to_.begin(), to_.end(), uint8_t(0));
        weigh(indices, threads);
        for (int i = 0; i < job.k; ++i) seek(i);  // with no sums as yet: at least that much
        if (std::none_of(entries_.begin(), entries_.end(), [](const Entry &entry) { return entry.gain > 0; })) return;
        sum(indices, threads);
        for (int i = 0; i < job.k; ++i) if (entries_[size_t(i)].summed) seek(i);
        int left = int(std::count_if(entries_.begin(), entries_.end(), [](const Entry &entry) { return entry.used; }));
        for (; left > job.least; --left) {
            const auto best = std::max_element(entries_.begin(), entries_.end(), [](const Entry &a, const Entry &b) {
                return a.gain < b.gain;
            });
            if (!(best->gain > 0)) break;
            merge(int(best - entries_.begin()));
        }
    }

    // The entry that each is replaced by, or itself.
    const std::vector<uint8_t> &to() const { return to_; }

  private:
    struct Entry {
        bool used = false, summed = false;
        double weight = 0, sums[4] = {};  // of the weighted points of its pixels
        int next = -1;                    // what would replace it
        double gain = -INFINITY;          // in weighted squared error
    };

    // How much the pixels of each count. Two sums in turn, because equal neighbours would wait for each other.
    void weigh(const uint8_t *indices, int threads) {
        struct Sum {
            bool used = false;
            double weight = 0;
        };
        using Sums = std::array<std::array<Sum, 256>, 2>;
        std::vector<Sums> parts(size_t(parts_of(picture_.size())));
        in_parts(picture_.size(), threads, [&](int64_t part, int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                Sum &sum = parts[size_t(part)][size_t(i & 1)][indices[i]];
                sum.used = true;
                sum.weight += weight(i);
            }
        });
        for (const Sums &part : parts)
            for (const auto &sums : part)
                for (size_t i = 0; i < entries_.size(); ++i) {
                    entries_[i].used |= sums[i].used;
                    entries_[i].weight += sums[i].weight;
                }
    }
    // Of entries that may go; of others the error grows by more than they cost, whatever their pixels are.
    void sum(const uint8_t *indices, int threads) {
        for (Entry &entry : entries_) entry.summed = entry.gain > 0;
        const auto points_of = channels_ == 4 ? color::points_of<4> : color::points_of<3>;
        using Sums = std::array<std::array<double, 4>, 256>;
        std::vector<Sums> parts(size_t(parts_of(picture_.size())));
        in_parts(picture_.size(), threads, [&](int64_t part, int64_t first, int64_t last) {
            for (int64_t i = first; i < last; ++i) {
                if (!entries_[indices[i]].summed) continue;
                float point[4];
                points_of(picture_.at(i), 1, point);
                for (int c = 0; c < channels_; ++c) parts[size_t(part)][indices[i]][size_t(c)] += weight(i) * double(point[c]);
            }
        });
        for (const Sums &part : parts)
            for (size_t i = 0; i < entries_.size(); ++i)
                for (int c = 0; c < channels_; ++c) entries_[i].sums[c] += part[i][size_t(c)];
    }
    double weight(int64_t i) const { return double(job_.weights[i] * (job_.fills && job_.fills[i] ? job_.more : 1.0f)); }
    int alpha(int i) const { return channels_ == 4 ? job_.colors[i * 4 + 3] : 255; }

    // By how much the error grows with another in an entry's place.
    double growth(int i, int other) const {
        const Entry &entry = entries_[size_t(i)];
        double apart = 0, growth = 0;
        for (int c = 0; c < channels_; ++c) {
            const double a = double(job_.points[i * channels_ + c]), b = double(job_.points[other * channels_ + c]);
            apart += (b - a) * (b - a);
            growth += (b - a) * (entry.weight * (b + a) - 2 * entry.sums[c]);
        }
        return std::max(entry.summed ? growth : 0.0, (job_.flat ? APART_IF_FLAT : APART) * entry.weight * apart);
    }
    void seek(int i) {
        Entry &entry = entries_[size_t(i)];
        entry.gain = -INFINITY;
        if (!entry.used || alpha(i) == 0 || (!job_.stays.empty() && job_.stays[size_t(i)])) return;
        double least = INFINITY;
        for (int j = 0; j < job_.k; ++j) {
            if (j == i || !entries_[size_t(j)].used || alpha(j) == 0 || (alpha(i) == 255) != (alpha(j) == 255)) continue;
            if (const double growth = this->growth(i, j); growth < least) least = growth, entry.next = j;
        }
        const int samples = !job_.listed ? 0 : alpha(i) == 255 ? 3 : 4;
        entry.gain = double(job_.bit) * (BESIDES + samples * SAMPLE) - least;
    }
    void merge(int i) {
        Entry &gone = entries_[size_t(i)], &next = entries_[size_t(gone.next)];
        next.weight += gone.weight;
        for (int c = 0; c < 4; ++c) next.sums[c] += gone.sums[c];
        std::replace(to_.begin(), to_.end(), uint8_t(i), uint8_t(gone.next));
        gone.used = false;
        gone.gain = -INFINITY;
        for (int j = 0; j < job_.k; ++j)
            if (entries_[size_t(j)].summed && (j == gone.next || entries_[size_t(j)].next == i)) seek(j);
    }

    const Picture &picture_;
    const PruneJob &job_;
    const int channels_;
    std::vector<Entry> entries_;
    std::vector<uint8_t> to_;
};

}  // namespace tinct::mapping
