// What becoming flatter than the original costs: a pixel pays FLATTER times its weight times the square of what it lacks
// in difference from the one to its left, and from the one above, against the original (one-sided psy-RD, as in x264): a
// copied texture is as cheap as a copied flat run, and nothing else prefers the texture. Where the original is all but
// flat, GRAIN is what it should have.
#pragma once
#include <algorithm>
#include <cmath>

namespace tinct {
namespace {  // internal to each translation unit, like rate.hpp

constexpr float FLATTER = 24000.0f, GRAIN = 0.006f;

inline float lacking(float across, float down, float here, float left, float above) {
    const float t = std::max(across - std::abs(here - left), 0.0f), u = std::max(down - std::abs(here - above), 0.0f);
    return t * t + u * u;
}

}  // namespace
}  // namespace tinct
