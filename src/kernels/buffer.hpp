// Vectors for numbers that are all going to be written, in memory that is kept for the next of them.
#pragma once
#include <bit>
#include <cstddef>
#include <deque>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace tinct {

// Memory given back, kept for the next who asks for as much: from the system every page comes anew, for one or two
// microseconds, and a picture's histogram and clusters take 1400. At most 8 MB are kept, the latest. Nobody waits:
// who finds another thread here goes to the system.
class Shelf {
  public:
    static Shelf &common() {
        static Shelf *const shelf = new Shelf;  // never destroyed: arrays in Python's hands may come back late
        return *shelf;
    }
    // `bytes` is rounded up, to four sizes per power of two, so that what is kept fits more often.
    void *take(size_t bytes) {
        bytes = rounded(bytes);
        if (bytes >= LEAST) {
            const std::unique_lock lock(mutex_, std::try_to_lock);
            for (auto piece = pieces_.rbegin(); lock && piece != pieces_.rend(); ++piece)
                if (piece->bytes == bytes) {
                    void *place = piece->place;
                    kept_ -= bytes;
                    pieces_.erase(std::next(piece).base());
                    return place;
                }
        }
        return ::operator new(bytes);
    }
    void give(void *place, size_t bytes) noexcept {
        bytes = rounded(bytes);
        if (bytes >= LEAST && bytes <= MOST) {
            const std::unique_lock lock(mutex_, std::try_to_lock);
            if (lock) {
                for (; kept_ + bytes > MOST; pieces_.pop_front()) {
                    kept_ -= pieces_.front().bytes;
                    ::operator delete(pieces_.front().place);
                }
                kept_ += bytes;
                pieces_.push_back({place, bytes});
                return;
            }
        }
        ::operator delete(place);
    }

  private:
    static constexpr size_t LEAST = 64 << 10, MOST = 8 << 20;
    static size_t rounded(size_t bytes) {
        const size_t step = std::bit_floor(bytes) / 4;
        return bytes < LEAST ? bytes : (bytes + step - 1) / step * step;
    }
    struct Piece {
        void *place;
        size_t bytes;
    };
    std::mutex mutex_;
    std::deque<Piece> pieces_;  // the latest last
    size_t kept_ = 0;
};

// Of a vector whose numbers have no value before they are written.
template <class T> struct Unfilled {
    using value_type = T;
    Unfilled() = default;
    template <class U> Unfilled(const Unfilled<U> &) {}
    T *allocate(size_t n) { return static_cast<T *>(Shelf::common().take(n * sizeof(T))); }
    void deallocate(T *place, size_t n) { Shelf::common().give(place, n * sizeof(T)); }
    template <class U> void construct(U *place) { ::new (static_cast<void *>(place)) U; }
    template <class U, class... Args> void construct(U *place, Args &&...args) {
        ::new (static_cast<void *>(place)) U(std::forward<Args>(args)...);
    }
    bool operator==(const Unfilled &) const { return true; }
};
template <class T> using Buffer = std::vector<T, Unfilled<T>>;

}  // namespace tinct
