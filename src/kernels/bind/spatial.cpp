// K-means as the eye sees it, step by step.
#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "mapping/spatial.hpp"

namespace tinct {
namespace {

// With the arrays that it works on.
struct Steps {
    Array<uint8_t, 3> pixels;
    Fresh<uint8_t> indices;
    spatial::SpatialQuantizer quantizer;
    Steps(const Array<uint8_t, 3> &pixels, const Array<uint8_t, 2> &palette, const Array<bool, 1> &fixed, const Array<uint8_t, 2> &start, int threads)
        : pixels(pixels), indices(copy_of(start)),
          quantizer(picture_of(pixels), palette.data(), int(palette.shape(0)), reinterpret_cast<const uint8_t *>(fixed.data()), indices.data(), threads, Signals()) {}
    static Fresh<uint8_t> copy_of(const Array<uint8_t, 2> &start) {
        auto out = make_array<uint8_t>({start.shape(0), start.shape(1)});
        std::copy_n(start.data(), start.size(), out.data());
        return out;
    }
};

}  // namespace

void bind_spatial(nb::module_ &m) {
    nb::class_<Steps>(m, "SpatialQuantizer")
        .def("__init__", [](Steps *self, const Array<uint8_t, 3> &pixels, const Array<uint8_t, 2> &palette, const Array<bool, 1> &fixed,
                            const Array<uint8_t, 2> &start, int threads) { new (self) Steps(pixels, palette, fixed, start, threads); },
             "pixels"_a, "palette"_a, "fixed"_a, "start"_a, "threads"_a)
        .def("look", [](Steps &self, double sigma, double sigma_c, double own, double own_c, double weight) {
            self.quantizer.look({{sigma, sigma_c}, {own, own_c}, weight}); })
        .def("sweep", [](Steps &self, bool back) { return self.quantizer.sweep(back); }, "back"_a, Release())
        .def("update", [](Steps &self, int steps, int64_t every) { return self.quantizer.update(steps, every); }, "steps"_a, "every"_a = 1, Release())
        .def("error", [](Steps &self) { return self.quantizer.error(); }, Release())
        .def_prop_ro("palette", [](const Steps &self) { return table_of(self.quantizer.palette, self.pixels.shape(2)); }, nb::rv_policy::move)
        .def_prop_ro("indices", [](const Steps &self) { return self.indices; }, nb::rv_policy::move);
}

}  // namespace tinct
