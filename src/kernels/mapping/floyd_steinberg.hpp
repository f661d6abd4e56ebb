// What a pixel's error is worth to its neighbours (Floyd and Steinberg 1976): shares of the pixel ahead and of those below
// that one, in sixteenths.
#pragma once

namespace tinct::mapping {

constexpr float AHEAD = 7, BELOW_BEHIND = 3, BELOW = 5, BELOW_AHEAD = 1, ALL = 16;

}  // namespace tinct::mapping
