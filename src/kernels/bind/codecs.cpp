// Indices to bytes.
#include <array>

#include "bind/arrays.hpp"
#include "codecs/lzw.hpp"
#include "codecs/png.hpp"
#include "codecs/prices.hpp"

namespace tinct {
namespace {

// How many pixels have each index. Four tables in turn, because equal neighbours would wait for each other.
Fresh<int64_t> count_indices(const Array<uint8_t, 2> &indices) {
    auto out = make_array<int64_t>({256});
    nb::gil_scoped_release release;
    std::array<std::array<int64_t, 256>, 4> counts{};
    const int64_t size = int64_t(indices.size()), whole = size / 4 * 4;
    for (int64_t i = 0; i < whole; i += 4)
        for (int lane = 0; lane < 4; ++lane) ++counts[lane][indices.data()[i + lane]];
    for (int64_t i = whole; i < size; ++i) ++counts[0][indices.data()[i]];
    for (int i = 0; i < 256; ++i) out.data()[i] = counts[0][i] + counts[1][i] + counts[2][i] + counts[3][i];
    return out;
}

nb::bytes encode_lzw(const Array<uint8_t, 2> &indices, int code_size) {
    std::vector<uint8_t> data;
    {
        nb::gil_scoped_release release;
        data = lzw::Encoder(indices.data(), indices.shape(0) * indices.shape(1), code_size).run();
    }
    return nb::bytes(data.data(), data.size());
}

}  // namespace

void bind_codecs(nb::module_ &m) {
    m.def("count_indices", &count_indices, "indices"_a);
    m.def("encode_lzw", &encode_lzw, "indices"_a, "code_size"_a);
    m.def("packed", [](const Array<uint8_t, 2> &indices, int bits) {
        return bytes_of(codecs::packed(indices.data(), int64_t(indices.shape(0)), int64_t(indices.shape(1)), bits));
    }, "indices"_a, "bits"_a);
    m.def("differences", [](const Array<uint8_t, 3> &pixels, int axis, int64_t rows, int64_t every) {
        return bytes_of(mapping::differences(picture_of(pixels), axis, rows, every));
    }, "pixels"_a, "axis"_a, "rows"_a, "every"_a);
    m.def("distance_code", [](int dx, int dy, int width, bool webp) {
        return webp ? rate::WebP::distance_code(dx, dy, width) : rate::Deflate::distance_code(dx, dy, width);
    }, "dx"_a, "dy"_a, "width"_a, "webp"_a);
}

}  // namespace tinct
