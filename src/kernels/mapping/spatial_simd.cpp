// Compiled once for each instruction set, with TINCT_ISA naming it.
#include "mapping/spatial_lanes.hpp"

#define TINCT_JOIN_(a, b) a##b
#define TINCT_JOIN(a, b) TINCT_JOIN_(a, b)

namespace tinct::spatial {
extern const Kernels TINCT_JOIN(kernels_, TINCT_ISA) = its_kernels;
}  // namespace tinct::spatial
