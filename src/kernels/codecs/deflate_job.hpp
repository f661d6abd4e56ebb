// What the parser asks of deflate_lanes.hpp, which is compiled once for each instruction set.
#pragma once
#include <cstddef>
#include <cstdint>

namespace tinct::deflate {

constexpr int LONGEST = 258, NEAR = 16;
constexpr uint8_t NO_CODE = 31;
constexpr int16_t NEVER = 0x2FFF;  // no path has such steps

struct LongMatch {
    uint32_t start, end;  // more than NEAR apart
    uint16_t distance;
    uint8_t code;
};

// Places count from the part's beginning.
struct ParseJob {
    const uint8_t *data;
    uint32_t size;
    const uint8_t *codes;      // [size][NEAR]: the least code of a distance at which so many bytes can be copied
    const LongMatch *longs;    // by start
    size_t long_count;
    const int16_t *literal;    // prices, [256]
    const int16_t *length;     // [LONGEST + 1], NEVER below 3
    const uint8_t *distance;   // by code, [32], 255 for NO_CODE
    int32_t *far_costs;        // [size + 1]: room to work in
    uint32_t *far;             // [size + 1]: of the long copy that ends there, distance + (length << 16)
    uint8_t *lengths, *chosen; // [size + 1]: of the token that ends there, its length, or 0 for `far`, and its code
    bool hasty;                // long copies are tried from few places
};

using Cheapest = void (*)(const ParseJob &);
Cheapest cheapest_tokens();  // that of the best instruction set that this CPU has: dispatch.cpp

}  // namespace tinct::deflate

namespace tinct {
extern const deflate::Cheapest deflate_cheapest_baseline, deflate_cheapest_avx2, deflate_cheapest_avx512;
}
