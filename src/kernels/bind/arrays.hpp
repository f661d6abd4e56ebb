// Arrays of NumPy as the kernels take and give them. Shapes and values are settled by the Python callers; nothing is
// checked twice.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

#include "mapping/rate_job.hpp"
#include "memory/buffer.hpp"
#include "picture/picture.hpp"

namespace tinct {

namespace nb = nanobind;
using namespace nb::literals;

using Release = nb::call_guard<nb::gil_scoped_release>;
template <class T, int N> using Array = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;  // that may be written
template <class T> using Fresh = nb::ndarray<nb::numpy, T>;

template <class T> using Matrix = Array<T, 2>;
template <class T> using Vector = Array<T, 1>;

template <class T> Fresh<T> make_array(std::initializer_list<size_t> shape) {
    size_t size = 1;
    for (size_t side : shape) size *= side;
    auto *bytes = new Buffer<std::byte>(size * sizeof(T));
    nb::capsule owner(bytes, [](void *p) noexcept { delete static_cast<Buffer<std::byte> *>(p); });
    return Fresh<T>(reinterpret_cast<T *>(bytes->data()), shape, owner);
}

template <class T> Fresh<T> row_of(const std::vector<T> &values) {
    auto out = make_array<T>({values.size()});
    std::copy(values.begin(), values.end(), out.data());
    return out;
}

template <class T> Fresh<T> table_of(const std::vector<T> &values, size_t columns) {
    auto out = make_array<T>({values.size() / columns, columns});
    std::copy(values.begin(), values.end(), out.data());
    return out;
}

inline nb::bytes bytes_of(const std::vector<uint8_t> &values) { return nb::bytes(values.data(), values.size()); }

// A PNG's inflated rows of RGB or RGBA, each behind its filter.
inline void check_rows(size_t size, int64_t width, int64_t height, int channels) {
    if (width < 1 || height < 1 || (channels != 3 && channels != 4) || int64_t(size) != height * (width * channels + 1))
        throw std::invalid_argument("rows must hold height * (width * channels + 1) bytes");
}

inline Picture picture_of(const Array<uint8_t, 3> &pixels) {
    return {pixels.data(), int64_t(pixels.shape(0)), int64_t(pixels.shape(1)), int(pixels.shape(2))};
}

inline BitModel bit_model(const std::string &coder, int bits) {
    return {coder == "lzw" ? Coder::lzw : coder == "webp" ? Coder::webp : Coder::deflate, bits};
}

// One for each room.
void bind_clustering(nb::module_ &m);
void bind_partitions(nb::module_ &m);
void bind_sparse(nb::module_ &m);
void bind_palette(nb::module_ &m);
void bind_quantizer(nb::module_ &m);
void bind_spatial(nb::module_ &m);
void bind_codecs(nb::module_ &m);
void bind_scoring(nb::module_ &m);

}  // namespace tinct
