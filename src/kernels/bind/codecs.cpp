// Indices to bytes.
#include <algorithm>

#include "bind/arrays.hpp"
#include "bind/signals.hpp"
#include "codecs/deflate.hpp"
#include "codecs/lzw.hpp"
#include "codecs/png.hpp"

namespace tinct {
namespace {

nb::bytes encode_lzw(const Array<uint8_t, 2> &indices, int code_size) {
    std::vector<uint8_t> data;
    {
        nb::gil_scoped_release release;
        data = lzw::Encoder(indices.data(), indices.shape(0) * indices.shape(1), code_size).run();
    }
    return nb::bytes(data.data(), data.size());
}

// A zlib stream of rows, `stride` bytes each. threads: 0 for all. times: how often it may be parsed again; 0: in haste.
nb::bytes encode_deflate(const Array<uint8_t, 1> &rows, uint32_t stride, int threads, int times) {
    if (rows.size() > deflate::MOST) throw std::invalid_argument("rows must be at most 4 GB");
    std::vector<uint8_t> stream;
    {
        nb::gil_scoped_release release;
        stream = deflate::padded_stream(rows.data(), rows.size(), stride, threads, Signals(), times);
    }
    return bytes_of(stream);
}

// A PNG's inflated rows to samples.
nb::bytes unfiltered(const Array<uint8_t, 1> &rows, int64_t width, int64_t height, int channels) {
    check_rows(rows.size(), width, height, channels);
    std::vector<uint8_t> samples(rows.data(), rows.data() + rows.size());
    {
        nb::gil_scoped_release release;
        codecs::unfilter(samples.data(), height, width, channels);
    }
    return nb::bytes(samples.data(), size_t(height * width * channels));
}

}  // namespace

void bind_codecs(nb::module_ &m) {
    m.def("unfiltered", &unfiltered, "rows"_a, "width"_a, "height"_a, "channels"_a);
    m.def("encode_lzw", &encode_lzw, "indices"_a, "code_size"_a);
    m.def("encode_deflate", &encode_deflate, "rows"_a, "stride"_a, "threads"_a, "times"_a = 1);
}

}  // namespace tinct
