// The drawing core: a picture, what drawings of it share, and the drawings. The command's short way, the library and
// other programs all draw with it, so that the same options give the same pixels.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "codecs/deflate.hpp"
#include "codecs/png.hpp"
#include "color/shaper.hpp"
#include "drawing.hpp"
#include "mapping/lossy.hpp"
#include "mapping/remap.hpp"
#include "mapping/spatial_draw.hpp"
#include "mapping/visibility.hpp"
#include "palette/builder.hpp"
#include "palette/fixed.hpp"
#include "picture/fills.hpp"

namespace tinct {

struct PaletteOptions {
    int colors = 256;
    int effort = 1;
    uint64_t seed = 0;
    bool visible = false;  // whether colors count by how visible errors are in their pixels, not by their number
    color::Space space = color::Space::oklab;
    color::Colors reserved;  // that must be among them
    bool rough = false;      // found in less time; where the palette moves afterwards, that hardly matters
    auto operator<=>(const PaletteOptions &) const = default;
};

class Quantizer {
  public:
    using Poll = std::function<void()>;

    // Of pixels that must stay where they are.
    explicit Quantizer(const Picture &picture) : picture_(picture), flat(is_flat(picture_)) {}
    // The same, as flat as the picture that it was made of.
    Quantizer(const Picture &picture, bool flat) : picture_(picture), flat(flat) {}
    // Of a PNG's inflated rows, whose colors a profile may say: pixels take their place, and must stay there. Alpha that is
    // opaque throughout is left out.
    Quantizer(uint8_t *rows, int64_t height, int64_t width, int channels, const color::Shaper *profile, int threads)
        : picture_(without_idle_alpha(shown(rows, height, width, channels, profile, threads), height, width, channels)),
          flat(is_flat(picture_)) {}
    // Of a PNG's inflated rows of indices, and their entries: RGBA.
    Quantizer(const uint8_t *rows, int64_t height, int64_t width, int bits, const std::vector<uint8_t> &entries)
        : own_(codecs::looked_up(rows, height, width, bits, entries)),
          picture_(without_idle_alpha(own_.data(), height, width, 4)), flat(is_flat(picture_)) {}
    // Of some rows and columns of another picture, drawn with that one's palettes. The other must stay.
    Quantizer(Quantizer &whole, const std::vector<int64_t> &rows, const std::vector<int64_t> &columns, int threads)
        : whole_(&whole), own_(whole.chosen(whole.picture_.pixels, whole.picture_.channels, rows, columns)),
          picture_{own_.data(), int64_t(rows.size()), int64_t(columns.size()), whole.picture_.channels},
          weights_(whole.chosen(whole.weights(threads).data(), 1, rows, columns)), flat(is_flat(picture_)) {}
    Quantizer(const Quantizer &) = delete;

    const Picture &picture() const { return picture_; }
    int64_t colors() { return whole_->counted().size; }
    // The colors, if a palette holds them all.
    color::Colors few_colors() {
        return colors() <= 256 ? whole_->counted().colors : color::Colors();
    }
    // How few colors leave every visible pixel visible: 2, or 3 with soft edges. (Of a transparent entry and an opaque
    // one alone, those take the nearer.)
    int fewest() {
        const palette::ColorSet &all = whole_->counted();
        return all.solid && all.translucent && all.hidden >= 0 ? 3 : 2;
    }

    // How much an error shows, per pixel.
    const std::vector<float> &weights(int threads) {
        const std::lock_guard lock(measuring_);
        if (weights_.empty()) {
            weights_.resize(size_t(picture_.size()));
            const auto weigh = picture_.channels == 4 ? visibility::weights_of<4> : visibility::weights_of<3>;
            weigh(picture_.pixels, picture_.height, picture_.width, threads, weights_.data());
        }
        return weights_;
    }
    // Pixels of letters and lines: the error of these is noise beside them.
    const std::vector<uint8_t> &edges(int threads) {
        const std::vector<float> &visible = weights(threads);
        const std::lock_guard lock(measuring_);
        if (edges_.empty()) {
            edges_.resize(visible.size());
            mapping::find_edges(visible.data(), int64_t(visible.size()), edges_.data());
        }
        return edges_;
    }
    // And its fills, if it is made of them, unless so few colors would merge them.
    const std::vector<uint8_t> &sharp(int colors, int threads) {
        const std::vector<uint8_t> &found = edges(threads);
        if (colors <= 4) return found;
        const std::lock_guard lock(measuring_);
        if (fills_.empty()) {
            fills_ = Fills(picture_).mask();
            if (fills_.empty()) fills_ = found;
            else
                for (size_t i = 0; i < found.size(); ++i) fills_[i] |= found[i];
        }
        return fills_;
    }

    // A palette by K-means; each is chosen once.
    color::Colors choose(const PaletteOptions &options, int threads, const Poll &poll) {
        if (whole_ != this) return whole_->choose(options, threads, poll);
        palette::Histogram &histogram = histogram_of(options.space, options.visible, threads);
        color::Colors &found = [&]() -> color::Colors & {
            const std::lock_guard lock(counting_);
            return palettes_[options];  // stays where it is; the histogram's lock guards what it holds
        }();
        const std::lock_guard lock(histogram.busy);
        if (found.empty())
            found = options.reserved.empty()
                ? palette::PaletteBuilder(histogram, threads, poll).make(options.colors, options.effort, options.seed, options.rough)
                : palette::choose_beside(histogram, options.reserved, options.colors, options.effort, options.seed, threads, poll);
        return found;
    }

    // Each pixel's nearest entry in `space`; or dithered: photographs as the eye sees them, which moves the palette,
    // graphics by error diffusion in Oklab.
    Drawing draw(const color::Colors &palette, float dither, color::Space space, int effort, int threads, const Poll &poll,
                 const palette::Fixed &fixed = {}) {
        const int k = entries_of(palette, picture_.channels);
        const bool seen = space == color::Space::oklab, given = fixed.all(palette);
        const bool far = given && dither > 0 && flat && !fits(palette, threads, poll);
        // With more colors a flat picture loses up to 24 points of SSIMULACRA2 where errors are passed on as light.
        mapping::DitherOptions options{.dither = dither, .threads = threads, .light = seen && (k <= 2 || far)};
        const bool errs = given || colors() > k, blurs = flat ? far && k > DARK : !given || k > 2;
        if (dither > 0 && blurs && seen && errs) {
            mapping::DitherOptions blurred = options;
            if (is_partly_smooth(picture_) && fixed.colors.empty())
                blurred.dither = cheap_dither(palette, options, effort, poll);
            if (blurred.dither > 0) return draw_blurred(palette, blurred, effort, poll, fixed);
            options.light = true;
        }
        const bool exact = seen && holds_all(palette);
        if (dither > 0 && flat && !far && !exact) options.sharp = sharp(k, threads).data();
        if (dither == 0 || exact) return drawing(palette, nearest(palette, space, threads, poll, false), fixed, threads);
        palette::Histogram &histogram = whole_->histogram_of(color::Space::oklab, false, threads);
        std::vector<uint8_t> indices(size_t(picture_.size()));
        const std::lock_guard lock(histogram.busy);
        mapping::remap(picture_, palette.data(), k, histogram, options, poll, indices.data());
        return drawing(palette, std::move(indices), fixed, threads);
    }
    // Whether a palette could have been chosen for the picture: one for several sprites or screenshots with 64 to 256
    // colors errs by 0.001 to 0.019 (root mean square of Oklab), the web's 216 by 0.016 to 0.078.
    bool fits(const color::Colors &palette, int threads, const Poll &poll) {
        constexpr double FITS = 0.015;
        palette::Histogram &histogram = whole_->histogram_of(color::Space::oklab, false, threads);
        const std::lock_guard lock(histogram.busy);
        const mapping::Entries entries(palette.data(), entries_of(palette, picture_.channels), picture_.channels, histogram.space);
        return entries.shown.empty() || mapping::Mapping(picture_, entries, histogram, threads, poll).error() <= FITS;
    }
    // Whether it has at most LARGE pixels and is made of fills.
    bool filled() const { return flat && picture_.size() <= mapping::LARGE && !Fills(picture_).mask().empty(); }
    // Whether its pixels are seen one by one.
    bool small() const { return mapping::is_small(picture_); }
    // Whether a palette moves in the end where the loss is told from the picture. (Small ones would lose a point.)
    bool settles() const { return !flat && !small() && picture_.size() <= mapping::LARGE; }
    // The least visible error and bits. Where its error decides, the palette of a photograph moves as under the blur.
    // `last`: `rest` follows, and histograms are let go of before the drawing needs room.
    Drawing draw_lossy(color::Colors palette, mapping::LossyOptions options, color::Space space, const Poll &poll,
                       const palette::Fixed &fixed = {}, bool last = false) {
        if (options.share > 0 && !flat && small()) options.spread *= mapping::PASSED_ON;
        constexpr int64_t ENOUGH = 1 << 17;  // pixels
        const std::vector<uint8_t> stays = fixed.mask(palette, picture_.channels);
        options.stays = stays;
        options.part = float(double(picture_.size()) / double(whole_->picture_.size()));
        if (options.moves && options.share > 0 && !flat) {
            spatial::move(picture_, palette, stays.empty() ? nullptr : stays.data(), ENOUGH,
                          {options.spread, 1, options.threads}, poll);
        }
        std::vector<uint8_t> indices = nearest(palette, space, options.threads, poll, last);
        mapping::make_lossy(picture_, weights(options.threads).data(), palette.data(), entries_of(palette, picture_.channels), options,
                            options.share > 0 ? mapping::HASTE : mapping::LOSSY_BAND, poll, indices.data());
        const bool settles = options.share > 0 ? this->settles() : !small();
        if (options.moves && settles && space == color::Space::oklab && !fixed.all(palette))
            spatial::settle(picture_, palette, indices, stays, options.threads, poll);
        return drawing(palette, std::move(indices), fixed, options.threads);
    }

    // Let go of what drawings alone need; another one has it made again. While nobody else draws.
    void rest() {
        forget_histograms();
        const std::lock_guard lock(measuring_);
        for (auto *plane : {&edges_, &fills_}) std::vector<uint8_t>().swap(*plane);
        if (whole_ == this) std::vector<float>().swap(weights_);
        return_pages();
    }

    // The pixels, full transparency in a grey.
    std::vector<uint8_t> samples(uint8_t key) const {
        std::vector<uint8_t> out(picture_.pixels, picture_.pixels + picture_.size() * picture_.channels);
        for (int64_t i = 0; picture_.channels == 4 && i < picture_.size(); ++i) {
            if (!picture_.hidden(i)) continue;
            std::fill_n(out.begin() + i * 4, 3, key);
            out[size_t(i * 4 + 3)] = 0;
        }
        return out;
    }

  private:
    // Graphics with given palettes of more colors than this are drawn under the blur, photographs beyond black and white:
    // it leaves out dots that lie far from dark colors, and of few colors all do.
    static constexpr int DARK = 16;

    void forget_histograms() {
        const std::lock_guard lock(counting_);
        histograms_.clear();
        counts_.reset();
        return_pages();
    }
    // A smaller picture's are worth more to who comes next.
    void return_pages() const {
        if (picture_.size() >= 1 << 20) give_back();
    }
    // Each pixel's nearest entry.
    std::vector<uint8_t> nearest(const color::Colors &palette, color::Space space, int threads, const Poll &poll, bool last) {
        const mapping::Entries entries(palette.data(), entries_of(palette, picture_.channels), picture_.channels, space);
        if (entries.shown.empty()) return std::vector<uint8_t>(size_t(picture_.size()));
        const mapping::Mapping found = [&] {
            palette::Histogram &histogram = whole_->any_histogram(space, threads);
            const std::lock_guard lock(histogram.busy);
            return mapping::Mapping(picture_, entries, histogram, threads, poll);
        }();
        if (last) forget_histograms();
        std::vector<uint8_t> indices(size_t(picture_.size()));
        found.draw(indices.data());
        return indices;
    }

    // Whether nothing is to be passed on.
    bool holds_all(const color::Colors &palette) {
        if (colors() > entries_of(palette, picture_.channels)) return false;
        const auto step = ptrdiff_t(picture_.channels);
        const color::Colors &all = whole_->counted().colors;
        for (auto color = all.begin(); color != all.end(); color += step) {
            auto entry = palette.begin();
            while (entry != palette.end() && !std::equal(color, color + step, entry)) entry += step;
            if (entry == palette.end()) return false;
        }
        return true;
    }
    static int entries_of(const color::Colors &palette, int channels) { return int(palette.size()) / channels; }

    // How much of `dither` the blur may have to take at most 3 % more bytes than error diffusion, by tiles from all
    // over the picture; 0: none. In a screenshot with gradients all of it took 66 % more bytes at 8 colors.
    float cheap_dither(const color::Colors &palette, const mapping::DitherOptions &options, int effort, const Poll &poll) {
        constexpr float SHARES[] = {1.0f, 0.65f};
        constexpr double ROOM = 1.03;
        const int channels = picture_.channels, k = entries_of(palette, channels);
        const int bits = k <= 2 ? 1 : k <= 4 ? 2 : k <= 16 ? 4 : 8;
        const spatial::Tiles tiles(picture_, std::clamp<int64_t>(picture_.size() / 4, 1 << 15, 1 << 17));
        if (tiles.count < 1) return options.dither;
        const Picture part = tiles.picture(channels);
        const auto bytes = [&](std::vector<uint8_t> indices) {
            for (int64_t i = 0; channels == 4 && i < part.size(); ++i)
                if (part.at(i)[3] != 255) indices[size_t(i)] = 0;
            std::vector<uint8_t> rows(size_t(codecs::packed_size(part.height, part.width, bits)));
            codecs::pack(indices.data(), part.height, part.width, bits, rows.data());
            return deflate::padded_stream(rows.data(), rows.size(), uint32_t(rows.size() / size_t(part.height)),
                                          options.threads, poll).size();
        };
        std::vector<uint8_t> diffused(size_t(part.size()));
        palette::Histogram &histogram = whole_->histogram_of(color::Space::oklab, false, options.threads);
        {
            const std::lock_guard lock(histogram.busy);
            mapping::remap(part, palette.data(), k, histogram, options, poll, diffused.data());
        }
        const double most = ROOM * double(bytes(std::move(diffused)));
        for (const float share : SHARES) {
            const float dither = share * options.dither;
            const double own = spatial::own_error(dither, k, picture_.size());
            const spatial::Settings settings{dither, effort, options.threads};
            color::Colors moved = palette;
            if (double(bytes(spatial::move(part, moved, nullptr, own, settings, poll))) <= most)
                return dither;
        }
        return 0;
    }

    // What is not opaque is left to error diffusion.
    Drawing draw_blurred(color::Colors palette, const mapping::DitherOptions &options, int effort, const Poll &poll,
                         const palette::Fixed &fixed) {
        std::vector<uint8_t> indices(size_t(picture_.size()));
        const std::vector<uint8_t> stays = fixed.mask(palette, picture_.channels);
        const bool done = spatial::draw(picture_, palette, stays.empty() ? nullptr : stays.data(),
                                        {options.dither, effort, options.threads}, poll, indices.data());
        if (picture_.channels == 3) return drawing(palette, std::move(indices), fixed, options.threads);
        palette::Histogram &histogram = whole_->histogram_of(color::Space::oklab, false, options.threads);
        if (!done || histogram.set->solid < histogram.size()) {
            std::vector<uint8_t> others(indices.size());
            const std::lock_guard lock(histogram.busy);
            mapping::remap(picture_, palette.data(), entries_of(palette, 4), histogram, options, poll, others.data());
            for (int64_t i = 0; i < picture_.size(); ++i)
                if (!done || picture_.at(i)[3] != 255) indices[size_t(i)] = others[size_t(i)];
        }
        return drawing(palette, std::move(indices), fixed, options.threads);
    }

    Drawing drawing(const color::Colors &palette, std::vector<uint8_t> indices, const palette::Fixed &fixed, int threads) const {
        fixed.take_exactly(picture_, palette, indices.data());
        const std::vector<uint8_t> stays = fixed.kept ? fixed.mask(palette, picture_.channels) : std::vector<uint8_t>();
        return {picture_.height, picture_.width, picture_.channels, palette, std::move(indices), stays, fixed.ordered, threads};
    }

    const palette::ColorSet &counted() {
        const std::lock_guard lock(counting_);
        if (!set_) count();
        return *set_;
    }
    void count() {
        const int channels = picture_.channels;
        const palette::Distinct distinct = palette::count_colors(picture_.pixels, picture_.size(), channels);
        if (!set_) {
            color::Colors colors(distinct.size * size_t(channels));
            distinct.to_colors(channels, colors.data());
            set_ = std::make_shared<palette::ColorSet>(std::move(colors), channels);
        }
        counts_ = std::make_shared<std::vector<double>>(distinct.counts.begin(), distinct.counts.begin() + int64_t(distinct.size));
    }
    palette::Histogram &histogram_of(color::Space space, bool visible, int threads) {
        const std::lock_guard lock(counting_);
        if (const auto found = histograms_.find({space, visible}); found != histograms_.end()) return *found->second;
        if (!counts_) count();
        const int channels = picture_.channels;
        std::shared_ptr<const std::vector<double>> counts = counts_;
        if (visible) {
            auto sums = std::make_shared<std::vector<double>>(counts->size());
            const auto sum = channels == 4 ? visibility::sum_by_color<4> : visibility::sum_by_color<3>;
            sum(picture_.pixels, picture_.size(), set_->colors.data(), set_->size, weights(threads).data(), threads, sums->data());
            counts = std::move(sums);
        }
        const auto other = histograms_.find({space, !visible});
        const auto points = other != histograms_.end()
            ? other->second->points
            : std::make_shared<const std::vector<float>>(color::to_points(set_->colors, channels, space));
        auto made = std::make_unique<palette::Histogram>(set_, std::move(counts), points, space);
        return *histograms_.emplace(std::pair(space, visible), std::move(made)).first->second;
    }
    // One that is there, if one is: how much a color counts changes no pixel's nearest entry.
    palette::Histogram &any_histogram(color::Space space, int threads) {
        {
            const std::lock_guard lock(counting_);
            if (const auto found = histograms_.find({space, true}); found != histograms_.end()) return *found->second;
        }
        return histogram_of(space, false, threads);
    }

    static uint8_t *shown(uint8_t *rows, int64_t height, int64_t width, int channels, const color::Shaper *profile, int threads) {
        codecs::unfilter(rows, height, width, channels);
        if (profile) profile->to_srgb(rows, height * width, channels, threads, rows);
        return rows;
    }
    static Picture without_idle_alpha(uint8_t *pixels, int64_t height, int64_t width, int channels) {
        const int64_t size = height * width;
        bool idle = channels == 4;
        for (int64_t y = 0; idle && y < height; ++y) {
            uint8_t least = 255;
            for (int64_t i = y * width; i < (y + 1) * width; ++i) least &= pixels[i * 4 + 3];
            idle = least == 255;
        }
        for (int64_t i = 0; idle && i < size; ++i) {
            const uint8_t color[3] = {pixels[i * 4], pixels[i * 4 + 1], pixels[i * 4 + 2]};
            std::copy_n(color, 3, pixels + i * 3);
        }
        return {pixels, height, width, idle ? 3 : channels};
    }
    template <class T>
    std::vector<T> chosen(const T *plane, int each, const std::vector<int64_t> &rows, const std::vector<int64_t> &columns) const {
        std::vector<T> out;
        out.reserve(rows.size() * columns.size() * size_t(each));
        for (int64_t y : rows)
            for (int64_t x : columns) {
                const T *from = plane + (y * picture_.width + x) * each;
                out.insert(out.end(), from, from + each);
            }
        return out;
    }

    Quantizer *whole_ = this;  // the picture whose palettes this one is drawn with
    std::vector<uint8_t> own_;
    Picture picture_;
    std::vector<float> weights_;

  public:
    const bool flat;  // whether much of the picture is of one color beside the other: a graphic

  private:
    std::vector<uint8_t> edges_, fills_;
    std::mutex measuring_, counting_;
    std::shared_ptr<const palette::ColorSet> set_;
    std::shared_ptr<const std::vector<double>> counts_;  // how many pixels have each of its colors
    std::map<std::pair<color::Space, bool>, std::unique_ptr<palette::Histogram>> histograms_;  // by space and visible
    std::map<PaletteOptions, color::Colors> palettes_;
};

}  // namespace tinct
