// What visibility.hpp asks of visibility_lanes.hpp, which is compiled once for each instruction set.
#pragma once
#include <cstdint>

namespace tinct::visibility {

// A Gaussian of sigma 1 pixel, from the middle outwards. Against sigma 1.5 it cost photographs 1.4 % of their
// bytes at the same score and saved graphics, whose smooth areas begin right beside edges, 3.5 %.
constexpr int RADIUS = 4, ROWS = 2 * RADIUS + 1;
constexpr double TAPS[RADIUS + 1] = {0.39894346935609776, 0.24197144565660073, 0.05399112742070441,
                                     0.0044318616200312655, 0.00013383062461474175};
// Activity at which an error counts half of what it counts where nothing happens: about two 8-bit codes. At
// 0.01 photographs took 0.8 % more bytes at the same score and graphics 2.7 %; at 0.004 nothing was won.
constexpr float HALF = 0.006f;

struct Lanes {
    // A row blurred along itself; `from` goes on by RADIUS on either side.
    void (*across)(const double *from, int64_t width, double *out);
    // Adds the variance: the blurred squares less the square of the blurred values, each of ROWS rows.
    void (*add_variance)(const double *const *values, const double *const *squares, int64_t width, double *out);
    // Of the variance what an error weighs.
    void (*weigh)(const double *variance, int64_t width, float *out);
};
extern const Lanes lanes_baseline, lanes_avx2, lanes_avx512;
const Lanes &lanes();  // those of the best instruction set that this CPU has: dispatch.cpp

}  // namespace tinct::visibility
