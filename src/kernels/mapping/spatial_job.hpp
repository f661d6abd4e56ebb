// What spatial.hpp asks of spatial_lanes.hpp, which is compiled once for each instruction set.
#pragma once
#include <cstdint>

namespace tinct::spatial {

constexpr int MOST = 256;  // entries
constexpr int REACH = 6;   // of the widest blur, done twice
constexpr int TAPS = 2 * REACH + 1;
constexpr int LANES = 16;  // entries looked at together
constexpr int64_t BAND = 32;  // rows; two bands that have one between them don't see each other
constexpr int64_t BLOCK = 16;  // rows and columns; a band holds whole ones
constexpr int64_t PAD = 16;    // zeros on either side of a row

// K = G * G + own: an error as it is seen after the blur G, and as it is. Of lightness [0] and of the opponents [1].
struct Blur {
    int reach[2];
    float taps[2][REACH + 1];                    // of G * G along an axis, from the middle outwards
    float own[2], middle[2];                     // middle: K there, and what a block adds
    float block;                                 // what the sum of the errors in a block counts
};

// Entries in the order of their last cone, so many a block.
struct Table {
    int blocks;
    float cone[3][MOST];
    int32_t entry[MOST];
    float least[MOST / LANES], most[MOST / LANES];  // of the last cone
    int home[MOST];                                 // the block that holds an entry
};

// Cones are ordered short, long, medium here: of the three the last tells most of lightness.
struct Scene {
    const uint8_t *pixels;  // [height][width][channels]
    int64_t height, width;
    int channels;
    uint8_t *indices;         // [height][width]
    const float *derivative;  // [(height + 1) / 2][3][(width + 1) / 2]: of the cones' cube roots
    float light[MOST][3], cones[MOST][3];  // of the entries
    float rows_of_cones[3][3];             // linear sRGB to cones
    float opponents[3][3];                 // roots of cones to L, a, b, times the square root of their weight
    float inverse[3][3];                   // and back
    float metric[3][3];                    // upper triangle R: R'R = opponents' * K(0) * opponents
    Blur blur;
    int64_t stride() const { return (width + 2 * PAD + LANES - 1) / LANES * LANES + LANES; }
};

struct Sums {  // over the pixels of each entry, in cones
    typedef double Four __attribute__((vector_size(32), aligned(8)));
    double error;
    Four product[MOST], squares[MOST][2];
};

enum class Fresh { no, alone, between };  // what is drawn already: all, nothing, the bands above and below

struct Kernels {
    // Floats of working memory.
    int64_t (*room)(const Scene &);
    // Each pixel takes the entry that lowers the error most. The number that changed.
    int64_t (*sweep)(const Scene &, const Table &, int64_t top, int64_t bottom, bool back, Fresh, float *work);
    // Half the error's gradient with the sign changed, and the weights of the entries' squares.
    void (*descent)(const Scene &, int64_t top, int64_t bottom, float *work, Sums &);
    // The error alone.
    void (*error)(const Scene &, int64_t top, int64_t bottom, float *work, Sums &);
    // Half the change of that gradient if the entries move by `step`.
    void (*curvature)(const Scene &, const float (*step)[3], int64_t top, int64_t bottom, float *work, Sums &);
};
extern const Kernels kernels_baseline, kernels_avx2, kernels_avx512;
const Kernels &kernels();  // those of the best instruction set that this CPU has: dispatch.cpp

}  // namespace tinct::spatial
