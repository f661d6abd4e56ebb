// Pixels to palette entries.
#include <nanobind/stl/string.h>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "mapping/lossy.hpp"
#include "mapping/visibility.hpp"

namespace tinct {
namespace {

Fresh<float> weights_py(const Array<uint8_t, 3> &pixels, int threads) {
    auto out = make_array<float>({pixels.shape(0), pixels.shape(1)});
    nb::gil_scoped_release release;
    auto run = pixels.shape(2) == 4 ? visibility::weights_of<4> : visibility::weights_of<3>;
    run(pixels.data(), int64_t(pixels.shape(0)), int64_t(pixels.shape(1)), threads, out.data());
    return out;
}

// Each pixel's entry, and with `weights` how visible an error is.
Fresh<uint8_t> remap_lossy_py(const Array<uint8_t, 3> &pixels, const Array<float, 2> &weights,
                              const Array<uint8_t, 2> &palette, palette::Histogram &histogram, float spread, float price,
                              int search, const std::string &coder, int bits, int64_t band, int threads) {
    auto out = make_array<uint8_t>({pixels.shape(0), pixels.shape(1)});
    const mapping::LossyOptions options{spread, price, search, bit_model(coder, bits), threads};
    nb::gil_scoped_release release;
    const std::lock_guard lock(histogram.busy);
    mapping::remap_lossy(picture_of(pixels), weights.data(), palette.data(), int(palette.shape(0)), histogram, options, band,
                         Signals(), out.data());
    return out;
}

}  // namespace

void bind_mapping(nb::module_ &m) {
    m.def("visibility", &weights_py, "pixels"_a, "threads"_a);
    m.def("remap_lossy", &remap_lossy_py, "pixels"_a, "weights"_a, "palette"_a, "histogram"_a, nb::kw_only(), "spread"_a,
          "price"_a, "search"_a, "coder"_a, "bits"_a, "band"_a, "threads"_a);
    m.attr("LOSSY_BAND") = mapping::LOSSY_BAND;
}

}  // namespace tinct
