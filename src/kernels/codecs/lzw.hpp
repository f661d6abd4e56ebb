// GIF's LZW: an encoder that looks one phrase ahead.
//
// The code is a tree of phrases, each a phrase before it and one more index. After every code the tree gets
// one more phrase: the last one and the first index of the next. A decoder can't tell how phrases were
// chosen, so neither the encoder nor the remapping for it (mapping/lzw.hpp) takes simply the longest.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tinct::lzw {

/// The tree of phrases. A phrase's number is its code; the single indices are the first.
class Phrases {
  public:
    static constexpr int MOST = 4096, NONE = 0;  // 0 is an index and nobody's child

    explicit Phrases(int code_size) : code_size_(code_size) { clear(); }

    void clear() {
        next_ = end() + 1;
        width_ = code_size_ + 1;
        std::fill(first_, first_ + next_ + 1, NONE);  // the phrase to come has no children either
    }
    int clear_code() const { return 1 << code_size_; }
    int end() const { return clear_code() + 1; }
    int width() const { return width_; }  // bits of the code to come
    int next() const { return next_; }    // the number that the next phrase gets
    bool full() const { return next_ == MOST; }
    int first(int phrase) const { return first_[phrase]; }
    int sibling(int phrase) const { return sibling_[phrase]; }
    uint8_t last(int phrase) const { return last_[phrase]; }

    int child(int phrase, uint8_t index) const {
        int at = first_[phrase];
        while (at != NONE && last_[at] != index) at = sibling_[at];
        return at;
    }

    /// A decoder adds a phrase one code later, so a full width is used once more.
    void add(int phrase, uint8_t index) {
        if (full()) return;
        sibling_[next_] = first_[phrase];
        last_[next_] = index;
        first_[phrase] = uint16_t(next_);
        if (++next_ > 1 << width_ && width_ < 12) ++width_;
        if (!full()) first_[next_] = NONE;
    }

  private:
    int code_size_, next_ = 0, width_ = 0;
    uint16_t first_[MOST], sibling_[MOST];
    uint8_t last_[MOST];
};

/// Codes to bytes, the lowest bit first; without a buffer it only counts.
class Bits {
  public:
    explicit Bits(std::vector<uint8_t> *out) : out_(out) {}
    void put(int code, int width) {
        count_ += width;
        if (!out_) return;
        pending_ |= uint32_t(code) << held_;
        for (held_ += width; held_ >= 8; held_ -= 8, pending_ >>= 8) out_->push_back(uint8_t(pending_));
    }
    void flush() { if (held_ > 0) out_->push_back(uint8_t(pending_)); }
    int64_t count() const { return count_; }

  private:
    std::vector<uint8_t> *out_;
    uint32_t pending_ = 0;
    int held_ = 0;
    int64_t count_ = 0;
};

class Encoder {
  public:
    Encoder(const uint8_t *indices, size_t n, int code_size) : indices_(indices), n_(n), code_size_(code_size) {}

    /// Clears the tree whenever it is full, or when that pays at once: the better of the two.
    std::vector<uint8_t> run() {
        std::vector<uint8_t> always = code(true), chosen = code(false);
        return chosen.size() < always.size() ? chosen : always;
    }

  private:
    static constexpr size_t BACK = 8;  // how much shorter than the longest a phrase may be

    std::vector<uint8_t> code(bool always) {
        std::vector<uint8_t> out;
        Bits bits(&out);
        Phrases phrases(code_size_);
        bits.put(phrases.clear_code(), phrases.width());
        size_t p = 0, decided = 0;
        while (p < n_) {
            if (phrases.full() && (always || (p >= decided && is_clearing_better(p, phrases, decided)))) {
                bits.put(phrases.clear_code(), phrases.width());
                phrases.clear();
            }
            p = step(p, phrases, bits);
        }
        bits.put(phrases.end(), phrases.width());
        bits.flush();
        return out;
    }

    /// Codes one phrase and adds the one that follows from it.
    size_t step(size_t p, Phrases &phrases, Bits &bits) {
        const auto [phrase, length] = choose(p, phrases);
        bits.put(phrase, phrases.width());
        p += length;
        if (p < n_) phrases.add(phrase, indices_[p]);
        return p;
    }

    struct Choice { int phrase; size_t length; };

    /// The longest phrase; of a tree that is full the one after which the next reaches farthest (Horspool 1995).
    /// While it grows that would cost 5 % more bytes: a shorter phrase teaches it nothing new.
    Choice choose(size_t p, const Phrases &phrases) {
        Choice last[BACK] = {};
        size_t length = 0;
        int phrase = indices_[p];
        do {
            last[length % BACK] = {phrase, length + 1};
            ++length;
            if (p + length == n_) return {phrase, length};
            phrase = phrases.child(phrase, indices_[p + length]);
        } while (phrase != Phrases::NONE);
        Choice best = last[(length - 1) % BACK];
        if (!phrases.full()) return best;
        size_t farthest = 0;
        for (size_t back = 0; back < std::min(BACK, length); ++back) {
            const Choice &choice = last[(length - 1 - back) % BACK];
            const size_t reach = choice.length + longest(p + choice.length, phrases);
            if (reach > farthest) { farthest = reach; best = choice; }
        }
        return best;
    }

    size_t longest(size_t p, const Phrases &phrases) const {
        size_t length = 0;
        int phrase = indices_[p];
        do ++length;
        while (p + length < n_ && (phrase = phrases.child(phrase, indices_[p + length])) != Phrases::NONE);
        return length;
    }

    /// Codes on with a fresh tree until that is full, and with the old one as far: which takes fewer bits?
    bool is_clearing_better(size_t p, const Phrases &old, size_t &decided) {
        Bits fresh_bits(nullptr), old_bits(nullptr);
        Phrases fresh(code_size_), same = old;
        size_t fresh_end = p, old_end = p;
        fresh_bits.put(fresh.clear_code(), old.width());
        while (fresh_end < n_ && !fresh.full()) fresh_end = step(fresh_end, fresh, fresh_bits);
        while (old_end < fresh_end) old_end = step(old_end, same, old_bits);
        decided = p + (fresh_end - p) / 2;
        return fresh_bits.count() < old_bits.count();
    }

    const uint8_t *indices_;
    size_t n_;
    int code_size_;
};

}  // namespace tinct::lzw
