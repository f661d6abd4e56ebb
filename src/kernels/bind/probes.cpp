// Inner parts of the kernels, for tests alone: a module of its own (-DTINCT_PROBES=ON), not part of the package.
#include "bind/arrays.hpp"
#include "codecs/huffman.hpp"
#include "codecs/prices.hpp"
#include "mapping/prune.hpp"
#include "mapping/remap.hpp"
#include "mapping/smoothness.hpp"
#include "mapping/visibility.hpp"
#include "palette/builder.hpp"
#include "picture/fills.hpp"

namespace tinct {
namespace {

std::vector<float> numbers(const Matrix<float> &given) { return {given.data(), given.data() + given.size()}; }

// `bands` holds the first row of each, the first to keep, and the one after its last.
Fresh<uint8_t> diffuse(const Array<uint8_t, 3> &pixels, const Matrix<float> &palette, const Matrix<uint8_t> &nearest,
                       float strength, float limit, float flat, bool serpentine, bool light, const Matrix<int64_t> &bands) {
    const auto *band = reinterpret_cast<const mapping::Band *>(bands.data());
    const int64_t count = int64_t(bands.shape(0)), rows = band[count - 1].last - band[0].kept;
    auto out = make_array<uint8_t>({size_t(rows), pixels.shape(1)});
    const auto run = pixels.shape(2) == 4 ? mapping::diffuse<4> : mapping::diffuse<3>;
    run(pixels.data(), int64_t(pixels.shape(1)), palette.data(), int(palette.shape(0)), nearest.data(),
        {strength, limit, flat, serpentine, light}, band, count, out.data());
    return out;
}

// Centers as the palette of opaque colors of equal weight.
Fresh<uint8_t> rounded(const Matrix<uint8_t> &colors, const Matrix<float> &centers) {
    const int channels = int(colors.shape(1));
    const color::Colors given(colors.data(), colors.data() + colors.size());
    palette::Histogram histogram(given, std::vector<double>(colors.shape(0), 1.0),
                                 color::to_points(given, channels, color::Space::oklab), channels, color::Space::oklab);
    return table_of(palette::PaletteBuilder(histogram, 1, [] {}).rounded(numbers(centers)), size_t(channels));
}

}  // namespace

NB_MODULE(_probes, m) {
    m.def("code_lengths", [](const Vector<uint32_t> &counts, int limit) {
        auto lengths = make_array<uint8_t>({counts.size()});
        deflate::code_lengths(counts.data(), int(counts.size()), limit, lengths.data());
        return lengths;
    }, "counts"_a, "limit"_a);
    m.def("diffuse", &diffuse, "pixels"_a, "palette"_a, "nearest"_a, "strength"_a, "limit"_a, "flat"_a, "serpentine"_a,
          "light"_a, "bands"_a);
    m.def("rounded", &rounded, "colors"_a, "centers"_a);
    m.def("linear_steps", [] { return row_of(std::vector(color::LINEAR_STEPS.begin(), color::LINEAR_STEPS.end())); });
    m.def("nearest_colors", [](const Matrix<float> &points) {
        const int channels = int(points.shape(1));
        return table_of(palette::nearest_colors(points.data(), int64_t(points.shape(0)), channels, color::Space::oklab),
                        size_t(channels));
    }, "points"_a);
    m.def("is_flat", [](const Array<uint8_t, 3> &pixels) { return is_flat(picture_of(pixels)); }, "pixels"_a);
    m.def("visibility", [](const Array<uint8_t, 3> &pixels, int threads) {
        auto out = make_array<float>({pixels.shape(0), pixels.shape(1)});
        const auto run = pixels.shape(2) == 4 ? visibility::weights_of<4> : visibility::weights_of<3>;
        run(pixels.data(), int64_t(pixels.shape(0)), int64_t(pixels.shape(1)), threads, out.data());
        return out;
    }, "pixels"_a, "threads"_a = 0);
    m.def("sum_by_color", [](const Matrix<uint8_t> &pixels, const Matrix<uint8_t> &colors, const Vector<float> &weights, int threads) {
        auto out = make_array<double>({colors.shape(0)});
        const auto run = pixels.shape(1) == 4 ? visibility::sum_by_color<4> : visibility::sum_by_color<3>;
        run(pixels.data(), int64_t(pixels.shape(0)), colors.data(), int64_t(colors.shape(0)), weights.data(), threads, out.data());
        return out;
    }, "pixels"_a, "colors"_a, "weights"_a, "threads"_a);
    m.def("find_edges", [](const Matrix<float> &weights) {
        auto out = make_array<bool>({weights.shape(0), weights.shape(1)});
        mapping::find_edges(weights.data(), int64_t(weights.size()), reinterpret_cast<uint8_t *>(out.data()));
        return out;
    }, "weights"_a);
    m.def("smoothness", [](const Array<uint8_t, 3> &pixels, bool flat, int64_t first, int64_t last) {
        const Picture picture = picture_of(pixels);
        return table_of(mapping::Smoothness(picture, flat, first, last).out, size_t(picture.width));
    }, "pixels"_a, "flat"_a, "first"_a, "last"_a);
    m.def("pruned", [](const Array<uint8_t, 3> &pixels, const Matrix<float> &weights, const Matrix<uint8_t> &palette,
                       const Matrix<uint8_t> &indices, const Vector<uint8_t> &stays, float bit, int least, bool flat, bool listed,
                       const Matrix<uint8_t> &fills, float more) {
        const Picture picture = picture_of(pixels);
        const color::Colors colors(palette.data(), palette.data() + palette.size());
        const std::vector<float> points = color::to_points(colors, picture.channels, color::Space::oklab);
        const mapping::PruneJob job{weights.data(), colors.data(), points.data(), int(palette.shape(0)),
                                    {stays.data(), stays.data() + stays.size()}, bit, least, flat, listed,
                                    fills.data(), more};
        return row_of(mapping::Pruner(picture, job, indices.data(), 0).to());
    }, "pixels"_a, "weights"_a, "palette"_a, "indices"_a, "stays"_a, "bit"_a, "least"_a, "flat"_a, "listed"_a, "fills"_a,
      "more"_a);
    m.def("fills", [](const Array<uint8_t, 3> &pixels) {
        const Picture picture = picture_of(pixels);
        return table_of(Fills(picture).inside(), size_t(picture.width));
    }, "pixels"_a);
    m.def("distance_code", [](int dx, int dy, int width, bool webp) {
        return webp ? rate::WebP::distance_code(dx, dy, width) : rate::Deflate::distance_code(dx, dy, width);
    }, "dx"_a, "dy"_a, "width"_a, "webp"_a);
}

}  // namespace tinct
