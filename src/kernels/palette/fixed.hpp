// Colors that a palette must hold as they are: a whole palette that was given, or some beside which K-means chooses.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "palette/builder.hpp"
#include "picture/picture.hpp"

namespace tinct::palette {

inline uint32_t key_of(const uint8_t *color, int channels) {
    uint32_t key = channels == 4 ? 0 : 0xFFu << 24;
    for (int j = 0; j < channels; ++j) key |= uint32_t(color[j]) << (8 * j);
    return key;
}

struct Fixed {
    Colors colors;         // entries that no drawing moves, and that pixels of just these colors take
    bool kept = false;     // in the file even where no pixel takes them
    bool ordered = false;  // the whole palette in the file as it is

    // Whether these are the palette.
    bool all(const Colors &palette) const { return !colors.empty() && colors.size() == palette.size(); }

    // Which entries of a palette these are; empty if there are none.
    std::vector<uint8_t> mask(const Colors &palette, int channels) const {
        std::vector<uint8_t> out;
        if (colors.empty()) return out;
        const std::map<uint32_t, int> own = places(colors, channels);
        for (size_t i = 0; i < palette.size(); i += size_t(channels)) out.push_back(own.contains(key_of(&palette[i], channels)));
        return out;
    }

    void take_exactly(const Picture &picture, const Colors &palette, uint8_t *indices) const {
        if (colors.empty()) return;
        const int channels = picture.channels;
        std::map<uint32_t, int> own = places(palette, channels);
        const std::map<uint32_t, int> its = places(colors, channels);
        std::erase_if(own, [&](const auto &entry) { return !its.contains(entry.first); });
        std::vector<uint8_t> likely(1 << 16);  // by two of the samples, which most pixels don't share
        for (const auto &entry : own) likely[entry.first & 0xFFFF] = 1;
        for (int64_t i = 0; i < picture.size(); ++i) {
            const uint32_t key = key_of(picture.at(i), channels);
            if (!likely[key & 0xFFFF]) continue;
            if (const auto found = own.find(key); found != own.end()) indices[i] = uint8_t(found->second);
        }
    }

  private:
    // The first place of each color.
    static std::map<uint32_t, int> places(const Colors &palette, int channels) {
        std::map<uint32_t, int> out;
        for (size_t i = 0; i < palette.size(); i += size_t(channels))
            out.try_emplace(key_of(&palette[i], channels), int(i) / channels);
        return out;
    }
};

// A palette of at most so many colors with the reserved ones among them: K-means with centers that stay.
//
// At first each reserved color takes the place of the nearest of so many that are free to choose. Then the others are
// chosen anew for the colors that no reserved one serves better; which those are depends on the others, so that is done
// in turns, and the best of them stays.
class BesideReserved {
  public:
    BesideReserved(Histogram &all, const Colors &reserved)
        : all_(all), reserved_(reserved), own_(to_points(reserved, all.channels, all.space)),
          away_(size_t(all.size()), INFINITY), free_(size_t(all.size()), 1) {
        for (int64_t i = 0; i < all.size(); ++i) {
            if (i == all.hidden()) continue;
            away_[size_t(i)] = nearest(i, reserved_, own_);
            if (away_[size_t(i)] == 0) free_[size_t(i)] = 0;
        }
        for (size_t i = 0; all.hidden() >= 0 && i < reserved.size(); i += 4)
            if (reserved[i + 3] == 0) free_[size_t(all.hidden())] = 0;
    }

    Colors choose(int colors, int effort, uint64_t seed, int threads, const std::function<void()> &poll) {
        constexpr int TURNS = 3;
        const int channels = all_.channels, left = colors - int(reserved_.size()) / channels;
        Colors best;
        double least = INFINITY;
        if (left > 0) {
            best = without_nearest(PaletteBuilder(all_, threads, poll).make(colors, effort, seed), left);
            least = settle(best).first;
        }
        for (int turn = 1; turn < TURNS && left > 0; ++turn) {
            Histogram part = freed();
            if (part.size() == 0) break;
            const bool only_hidden = part.hidden() >= 0 && (left == 1 || part.seen() == 0);
            const Colors chosen = only_hidden ? Colors(4, 0) : PaletteBuilder(part, threads, poll).make(left, effort, seed);
            const auto [error, moved] = settle(chosen);
            if (error < least) least = error, best = chosen;
            if (!moved) break;
        }
        best.insert(best.end(), reserved_.begin(), reserved_.end());
        return arranged(distinct(best, channels), channels);
    }

  private:
    // All but the nearest to each reserved color in turn, so many at most; the hidden one stays.
    Colors without_nearest(Colors colors, int left) const {
        const size_t each = size_t(all_.channels);
        for (size_t place = 0; place < reserved_.size() && colors.size() > size_t(left) * each; place += each) {
            const std::vector<float> points = to_points(colors, all_.channels, all_.space);
            size_t nearest = 0;
            double least = INFINITY;
            for (size_t at = 0; at < colors.size(); at += each) {
                double away = 0;
                for (size_t j = 0; j < each; ++j) away += std::pow(double(points[at + j] - own_[place + j]), 2);
                if (each == 4 && colors[at + 3] == 0 && reserved_[place + 3] != 0) continue;
                if (away < least) least = away, nearest = at;
            }
            colors.erase(colors.begin() + int64_t(nearest), colors.begin() + int64_t(nearest + each));
        }
        return colors;
    }

    Histogram freed() const {
        Colors colors;
        std::vector<double> weights;
        std::vector<float> points;
        for (int64_t i = 0; i < all_.size(); ++i) {
            if (!free_[size_t(i)]) continue;
            colors.insert(colors.end(), all_.color(i), all_.color(i) + all_.channels);
            weights.push_back(all_.weight(i));
            points.insert(points.end(), all_.point(i), all_.point(i) + all_.channels);
        }
        return {std::move(colors), std::move(weights), std::move(points), all_.channels, all_.space};
    }

    // The error with these, and whether other colors are free now.
    std::pair<double, bool> settle(const Colors &chosen) {
        const std::vector<float> points = to_points(chosen, all_.channels, all_.space);
        double error = 0;
        bool moved = false;
        for (int64_t i = 0; i < all_.size(); ++i) {
            if (i == all_.hidden() || away_[size_t(i)] == 0) continue;
            const float other = nearest(i, chosen, points);
            const char is_free = other < away_[size_t(i)];
            moved |= is_free != free_[size_t(i)];
            free_[size_t(i)] = is_free;
            error += all_.weight(i) * double(std::min(other, away_[size_t(i)]));
        }
        return {error, moved};
    }

    // The squared distance of a color to the nearest that it may take; an opaque one takes no other.
    float nearest(int64_t i, const Colors &colors, const std::vector<float> &points) const {
        const int channels = all_.channels;
        const uint8_t *color = all_.color(i);
        float least = INFINITY;
        for (size_t at = 0; at < colors.size(); at += size_t(channels)) {
            if (channels == 4 && (colors[at + 3] == 0 || (color[3] == 255 && colors[at + 3] != 255))) continue;
            float sum = 0;
            for (int j = 0; j < channels; ++j) {
                const float away = all_.point(i)[j] - points[at + size_t(j)];
                sum += away * away;
            }
            least = std::min(least, sum);
        }
        return least;
    }

    Histogram &all_;
    const Colors &reserved_;
    const std::vector<float> own_;
    std::vector<float> away_;  // of each color, from the nearest reserved one
    std::vector<char> free_;   // whether none of those serves it better
};

inline Colors choose_beside(Histogram &all, const Colors &reserved, int colors, int effort, uint64_t seed, int threads,
                            const std::function<void()> &poll) {
    return BesideReserved(all, reserved).choose(colors, effort, seed, threads, poll);
}

}  // namespace tinct::palette
