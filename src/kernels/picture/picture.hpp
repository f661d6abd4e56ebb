// A picture's pixels, and what can be told of them at a glance.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace tinct {

struct Picture {
    const uint8_t *pixels;  // [height][width][channels]
    int64_t height, width;
    int channels;
    int64_t size() const { return height * width; }
    const uint8_t *at(int64_t i) const { return pixels + i * channels; }
    bool hidden(int64_t i) const { return channels == 4 && at(i)[3] == 0; }
    bool same(int64_t i, int64_t j) const {
        const uint8_t *a = at(i), *b = at(j);
        const bool alike = (a[0] == b[0]) & (a[1] == b[1]) & (a[2] == b[2]);
        return channels == 3 ? alike : (alike & (a[3] == b[3])) | ((a[3] | b[3]) == 0);
    }
};

// Of every fourth row the share of pixels that end so many steps of at most `most` codes from one to the next.
inline double share_of_runs(const Picture &picture, int64_t length, int most) {
    const auto near = [&](int64_t i) {
        bool all = most > 0;
        for (int j = 0; all && j < picture.channels; ++j)
            all = std::abs(picture.at(i)[j] - picture.at(i - 1)[j]) <= most;
        return all || picture.same(i, i - 1);
    };
    int64_t long_enough = 0, all = 0;
    for (int64_t y = 0; y < picture.height; y += 4)
        for (int64_t x = 1, run = 0; x < picture.width; ++x, ++all) {
            run = near(y * picture.width + x) ? run + 1 : 0;
            long_enough += run >= length;
        }
    return double(long_enough) / double(std::max<int64_t>(all, 1));
}
// Whether much of a picture is of one color beside the other: graphics, not photographs. Of 60 photographs 2 had
// more than a quarter of their pixels equal to the one before, of 31 graphics all but 2.
inline bool is_flat(const Picture &picture) {
    int64_t equal = 0, all = 0;
    for (int64_t y = 0; y < picture.height; y += 4, all += picture.width - 1)  // share_of_runs(picture, 1, 0), in a sixth of its time
        for (int64_t i = y * picture.width + 1; i < (y + 1) * picture.width; ++i) equal += picture.same(i, i - 1);
    return double(equal) > 0.25 * double(std::max<int64_t>(all, 1));
}
// Whether some of it is as smooth as drawn gradients, and some of one color: of 64 photographs that are not flat one,
// taken at night, and the two graphics that are not flat but for a map from a JPEG. Smooth alone are 3 more photographs.
inline bool is_partly_smooth(const Picture &picture) {
    return share_of_runs(picture, 16, 1) > 0.12 && share_of_runs(picture, 4, 0) > 0.035;
}

// Samples less those of the pixel above (axis 0) or before (axis 1), of the first rows of every so many: what a
// lossless file would deflate, to estimate its size. Colors that full transparency hides count as 0.
inline std::vector<uint8_t> differences(const Picture &picture, int axis, int64_t rows, int64_t every) {
    std::vector<uint8_t> out;
    const auto sample = [&](int64_t y, int64_t x, int j) {
        const int64_t i = y * picture.width + x;
        return picture.hidden(i) ? uint8_t(0) : picture.at(i)[j];
    };
    for (int64_t top = 0; top < picture.height; top += every)
        for (int64_t y = top; y < std::min(top + rows, picture.height); ++y)
            for (int64_t x = 0; x < picture.width; ++x)
                for (int j = 0; j < picture.channels; ++j) {
                    const bool first = axis == 0 ? y == top : x == 0;
                    const uint8_t before = first ? uint8_t(0) : axis == 0 ? sample(y - 1, x, j) : sample(y, x - 1, j);
                    out.push_back(uint8_t(sample(y, x, j) - before));
                }
    return out;
}

}  // namespace tinct
