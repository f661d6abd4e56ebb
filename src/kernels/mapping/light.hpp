// Points of Oklab as the light they stand for, four numbers at a time, and the way back.
#pragma once
#include <bit>
#include <cstdint>

#include "color/points.hpp"
#include "mapping/nearest_grid.hpp"

namespace tinct::mapping {

// Points with alpha are differences from half the opacity of a mid grey, which is this.
constexpr Four MID_GREY = {0.5f, 0, 0, 0};

// The product of a matrix and a point, by columns.
template <class Number> Four product(const Number (&rows)[3][3], Four v) {
    const auto column = [&](int j) { return Four{float(rows[0][j]), float(rows[1][j]), float(rows[2][j])}; };
    return column(0) * v[0] + column(1) * v[1] + column(2) * v[2];
}

// Of either sign, to 1 in 20,000, which decides between entries well enough: the first step of color::cube_root.
inline Four rough_cube_root(Four given) {
    const FourInts sign = std::bit_cast<FourInts>(given) & INT32_MIN;
    const Four x = std::bit_cast<Four>(std::bit_cast<FourInts>(given) ^ sign) + 1e-30f;
    const Four third = __builtin_convertvector(std::bit_cast<FourInts>(x), Four) * (1.0f / 3.0f);
    Four y = std::bit_cast<Four>(__builtin_convertvector(third, FourInts) + 709921077);
    const Four cube = y * y * y;
    y += y * ((x - cube) / (cube + cube + x));
    return std::bit_cast<Four>(std::bit_cast<FourInts>(y) | sign);
}

// What Oklab's cones take in: of a color with alpha as seen over mid grey, with half the opacity beside it.
template <int C> Four light_of(Four point) {
    const Four root = product(color::FROM_OPPONENTS, C == 4 ? point + MID_GREY : point);
    Four light = root * root * root;
    light[3] = point[3];
    return light;
}

template <int C> Four point_of(Four light) {
    Four point = product(color::OPPONENTS, rough_cube_root(light));
    if (C == 4) point -= MID_GREY;
    point[3] = light[3];
    return point;
}

}  // namespace tinct::mapping
