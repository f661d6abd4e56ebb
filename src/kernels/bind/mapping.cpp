// Pixels to palette entries, and the drawing of a picture in one piece.
#include <stdexcept>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "mapping/lzw.hpp"
#include "mapping/rate_job.hpp"
#include "mapping/remap.hpp"
#include "mapping/visibility.hpp"
#include "sketch.hpp"

namespace tinct {
namespace {

// `bands` holds the first row of each, the first to keep, and the one after its last.
Fresh<uint8_t> diffuse_py(const Array<uint8_t, 3> &pixels, const Array<float, 2> &palette,
                          const Array<uint8_t, 2> &nearest, float strength, float limit, float flat,
                          bool serpentine, const Array<int64_t, 2> &bands) {
    const auto *band = reinterpret_cast<const mapping::Band *>(bands.data());
    const int64_t count = int64_t(bands.shape(0)), rows = band[count - 1].last - band[0].kept;
    auto out = make_array<uint8_t>({size_t(rows), pixels.shape(1)});
    nb::gil_scoped_release release;
    auto run = pixels.shape(2) == 4 ? mapping::diffuse<4> : mapping::diffuse<3>;
    run(pixels.data(), int64_t(pixels.shape(1)), palette.data(), int(palette.shape(0)), nearest.data(),
        {strength, limit, flat, serpentine}, band, count, out.data());
    return out;
}

Fresh<float> weights_py(const Array<uint8_t, 3> &pixels, int threads) {
    auto out = make_array<float>({pixels.shape(0), pixels.shape(1)});
    nb::gil_scoped_release release;
    auto run = pixels.shape(2) == 4 ? visibility::weights_of<4> : visibility::weights_of<3>;
    run(pixels.data(), int64_t(pixels.shape(0)), int64_t(pixels.shape(1)), threads, out.data());
    return out;
}

Fresh<uint8_t> remap_for_rate(const Array<uint8_t, 3> &pixels,
                              const Array<float, 2> &weights,
                              const Array<uint8_t, 2> &nearest,
                              const Array<float, 2> &palette, int hidden, float spread,
                              float lambda, int effort, int bits, bool webp) {
    auto out = make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
    nb::gil_scoped_release release;
    const int channels = int(pixels.shape(2));
    rate_remap()({.pixels = pixels.data(), .weights = weights.data(), .nearest = nearest.data(),
                  .palette = palette.data(), .h = int(pixels.shape(0)), .w = int(pixels.shape(1)),
                  .channels = channels, .k = int(palette.shape(0)), .hidden = hidden, .spread = spread,
                  .lambda = lambda, .effort = effort, .bits = bits, .webp = webp,
                  .points_of = channels == 4 ? color::points_of<4> : color::points_of<3>,
                  .indices = out.data()});
    return out;
}

Fresh<uint8_t> remap_for_lzw(const Array<uint8_t, 3> &pixels,
                             const Array<float, 2> &weights,
                             const Array<uint8_t, 2> &nearest,
                             const Array<float, 2> &palette, int hidden, float spread,
                             float lambda, int effort, int code_size) {
    auto out = make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
    nb::gil_scoped_release release;
    auto run = pixels.shape(2) == 4 ? lzw::remap<4> : lzw::remap<3>;
    run(pixels.data(), weights.data(), nearest.data(), palette.data(), int(pixels.shape(0)),
        int(pixels.shape(1)), int(palette.shape(0)), {lambda, spread, hidden, code_size}, effort, out.data());
    return out;
}

}  // namespace

void bind_mapping(nb::module_ &m) {
    m.def("is_flat", [](const Array<uint8_t, 3> &pixels) { return mapping::is_flat(picture_of(pixels)); }, "pixels"_a);
    m.def("find_edges", [](const Array<float, 2> &weights) {
        auto out = make_array<bool>({weights.shape(0), weights.shape(1)});
        mapping::find_edges(weights.data(), int64_t(weights.size()), reinterpret_cast<uint8_t *>(out.data()));
        return out;
    }, "weights"_a);
    m.def("diffuse", &diffuse_py, "pixels"_a, "palette"_a, "nearest"_a, "strength"_a, "limit"_a, "flat"_a, "serpentine"_a,
          "bands"_a);
    m.def("visibility", &weights_py, "pixels"_a, "threads"_a);
    m.def("remap_for_rate", &remap_for_rate, "pixels"_a, "weights"_a, "nearest"_a, "palette"_a, "hidden"_a, "spread"_a,
          "price"_a, "effort"_a, "bits"_a, "webp"_a);
    m.def("remap_for_lzw", &remap_for_lzw, "pixels"_a, "weights"_a, "nearest"_a, "palette"_a, "hidden"_a, "spread"_a,
          "price"_a, "effort"_a, "code_size"_a);
    nb::class_<Sketch>(m, "Sketch")
        .def("__init__", [](Sketch *self, const Array<uint8_t, 1> &rows, int64_t width, int64_t height, int channels) {
            if (width < 1 || height < 1 || (channels != 3 && channels != 4) ||
                int64_t(rows.size()) != height * (width * channels + 1))
                throw std::invalid_argument("rows must hold height * (width * channels + 1) bytes");
            nb::gil_scoped_release release;
            new (self) Sketch(rows.data(), width, height, channels);
        }, "rows"_a, "width"_a, "height"_a, "channels"_a)
        .def("draw", [](Sketch &self, int colors, float dither, uint64_t seed, int effort, int threads) {
            self.draw(colors, dither, seed, effort, threads, Signals());
        }, "colors"_a, "dither"_a, "seed"_a, "effort"_a, "threads"_a, nb::call_guard<nb::gil_scoped_release>())
        .def_prop_ro("channels", [](const Sketch &self) { return self.channels; })
        .def_prop_ro("colors", &Sketch::colors)
        .def_prop_ro("flat", [](const Sketch &self) { return self.flat; })
        .def_prop_ro("entries", [](const Sketch &self) {
            nb::list out;
            for (size_t i = 0; i < self.entries().size(); i += size_t(self.channels)) {
                const uint8_t *color = self.entries().data() + i;
                out.append(nb::make_tuple(color[0], color[1], color[2], self.channels == 4 ? color[3] : 255));
            }
            return out;
        })
        .def("packed", [](const Sketch &self, int bits) { return bytes_of(self.packed(bits)); }, "bits"_a)
        .def("squared_error", &Sketch::squared_error, nb::call_guard<nb::gil_scoped_release>())
        .def("differences", [](const Sketch &self, int axis, int64_t rows, int64_t every, bool drawn) {
            const std::vector<uint8_t> found = [&] {
                nb::gil_scoped_release release;
                return self.differences(axis, rows, every, drawn);
            }();
            return bytes_of(found);
        }, "axis"_a, "rows"_a, "every"_a, "drawn"_a = false)
        .def("samples", [](const Sketch &self, int key, bool drawn) {
            return bytes_of(self.samples(uint8_t(key), drawn));
        }, "key"_a, "drawn"_a = false);
}

}  // namespace tinct
