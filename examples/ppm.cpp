// Draws a PPM with few colors, by the kernels alone: no Python. Build and run (make test does):
//   g++ -std=gnu++20 -O2 -ffp-contract=off -DTINCT_ISA=baseline -Isrc/kernels -o ppm examples/ppm.cpp
//       src/kernels/clustering/*.cpp src/kernels/mapping/*.cpp -pthread
//   ./ppm 16 < picture.ppm > few.ppm
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "quantizer.hpp"

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
    std::vector<uint8_t> pixels(size_t(width * height) * 3);
    std::cin.read(reinterpret_cast<char *>(pixels.data()), std::streamsize(pixels.size()));
    tinct::Quantizer picture(tinct::Picture{pixels.data(), height, width, 3});
    const auto palette = picture.choose({.colors = colors}, 0, [] {});
    const tinct::Drawing drawing = picture.draw(palette, 0.75f, tinct::color::Space::oklab, 1, 0, [] {});
    const std::vector<uint8_t> drawn = drawing.painted();
    std::cout << "P6\n" << width << " " << height << "\n255\n";
    std::cout.write(reinterpret_cast<const char *>(drawn.data()), std::streamsize(drawn.size()));
    return std::cin && std::cout ? 0 : 1;
}
