// What becoming flatter than the original costs: a pixel pays FLATTER times its weight times the square of what it lacks
// in difference from the one to its left, and from the one above, against the original (one-sided psy-RD, as in x264): a
// copied texture is as cheap as a copied flat run, and nothing else prefers the texture. Where the original is all but
// flat, GRAIN is what it should have.
#pragma once

namespace tinct {
namespace {  // internal to each translation unit, like rate.hpp

constexpr float FLATTER = 24000.0f, GRAIN = 0.006f;

// Of numbers or of vectors of them.
template <class T> inline T lacking(float across, float down, T here, T left, float above) {
    const T a = here - left, b = here - above, t = across - (a < 0 ? -a : a), u = down - (b < 0 ? -b : b);
    const T none = t - t, p = t > 0 ? t : none, q = u > 0 ? u : none;
    return p * p + q * q;
}

}  // namespace
}  // namespace tinct
