// Indices to bytes.
#include "bind/arrays.hpp"
#include "codecs/lzw.hpp"

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

}  // namespace

void bind_codecs(nb::module_ &m) {
    m.def("encode_lzw", &encode_lzw, "indices"_a, "code_size"_a);
}

}  // namespace tinct
