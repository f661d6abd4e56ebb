// Draws a PPM with few colors, by the kernels alone: no Python. Build and run (make test does):
//   g++ -std=gnu++20 -O2 -ffp-contract=off -DTINCT_ISA=baseline -Isrc/kernels -o ppm examples/ppm.cpp
//       src/kernels/clustering/dispatch.cpp src/kernels/clustering/simd.cpp -pthread
//   ./ppm 16 < picture.ppm > few.ppm
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "sketch.hpp"

int main(int argc, char **argv) {
    std::string kind;
    int64_t width = 0, height = 0;
    int top = 0;
    std::cin >> kind >> width >> height >> top;
    std::cin.get();
    const int colors = argc > 1 ? std::atoi(argv[1]) : 16;
    if (kind != "P6" || top != 255 || width < 1 || height < 1 || colors < 2 || colors > 256) {
        std::cerr << "usage: ppm 2..256 < picture.ppm (P6 of 8 bits) > few.ppm\n";
        return 2;
    }
    std::vector<uint8_t> rows;  // as a PNG has them: each behind its filter, here none
    for (int64_t y = 0; y < height; ++y) {
        rows.push_back(0);
        rows.resize(rows.size() + size_t(width) * 3);
        std::cin.read(reinterpret_cast<char *>(rows.data() + rows.size() - width * 3), width * 3);
    }
    tinct::Sketch sketch(rows.data(), width, height, 3);
    sketch.draw(colors, 0.75f, 0, 1, 0, [] {});
    std::cout << "P6\n" << width << " " << height << "\n255\n";
    for (uint8_t index : sketch.packed(8))
        std::cout.write(reinterpret_cast<const char *>(sketch.entries().data()) + index * 3, 3);
    return std::cin && std::cout ? 0 : 1;
}
