// The search above Lloyd's loop.
//
// Lloyd's loop only walks downhill: a center in the wrong part of space stays there. The search takes the centers
// that serve least, puts each beside the center of a cluster worth splitting, lets Lloyd's loop settle for a few
// iterations and keeps what came out if it is better. Many centers are moved at once, fewer when that fails:
// Fritzke's breathing K-means (arXiv 2006.15666) in one step instead of two. What a solution is, and how one is moved
// and settled, its `Space` says: of dense points (DenseSpace) or of sparse rows (sparse.hpp).
#pragma once
#include <optional>
#include <set>

#include "clustering/starts.hpp"

namespace tinct {

constexpr int SETTLE = 5;  // iterations after a move of centers; 10 and 20 gained nothing at equal time
constexpr int QUICK = 10;  // rounds of the quick search
constexpr int PATIENCE = 4;  // single moves in vain before the centers are shaken; 8 and k left more excess
constexpr size_t SHORTLIST = 64;  // centers considered for a single move

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with Vigna's constants
// (prng.di.unimi.it/splitmix64.c). The library's distributions differ from one to the next; these draws don't.
class SplitMix64 {
  public:
    explicit SplitMix64(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    double unit() { return double(next() >> 11) * 0x1p-53; }  // in [0, 1)
    int below(int n) { return int(unit() * n); }

  private:
    uint64_t state_;
};

template <class State> struct Solution {
    State state;
    double inertia;
    std::vector<Swap> swaps;  // that helped
};

// Up to `many` swaps that leave each other alone, the least useful center to the cluster most worth it; or the one that
// promises most, of those not tried. Prospects: how much the inertia would rise without each center (`cost`), what
// splitting its cluster would gain (`gain`), and who would take over its points (`heir`).
template <class Prospects, class State>
std::vector<Swap> best_swaps(const Prospects &prospects, const State &state, int many, const std::set<Swap> &tried) {
    const std::vector<double> &cost = prospects.cost, &gain = prospects.gain;
    const std::vector<int> useless = sorted_by(cost.size(), [&](int c) { return cost[c]; });
    const std::vector<int> worth = sorted_by(cost.size(), [&](int c) { return -gain[c]; });
    std::vector<Swap> found;
    if (many == 1) {
        const size_t few = std::min(SHORTLIST, cost.size());
        double most = -std::numeric_limits<double>::infinity();
        for (int a : std::span(useless).first(few))
            for (int b : std::span(worth).first(few)) {
                const double promise = gain[b] - cost[a];
                if (a == b || !(gain[b] > 0) || !(promise > most) || tried.contains({a, b})) continue;
                most = promise;
                found = {{a, b}};
            }
        return found;
    }
    // Neither removed nor split nor left to take over a removed neighbor's points.
    std::vector<bool> kept(cost.size(), true);
    for (const int a : useless) {
        if (int(found.size()) == many) break;
        if (!kept[a]) continue;
        const auto b = std::find_if(worth.begin(), worth.end(), [&](int c) { return !(gain[c] > 0) || (kept[c] && c != a); });
        if (b == worth.end() || !(gain[*b] > 0)) continue;
        found.push_back({a, *b});
        for (const int c : {a, *b, prospects.heir(state, a)}) kept[c] = false;
    }
    return found;
}

// Move useless centers of a solution that the space has just settled on, while that helps. rounds: how many moves are
// left.
template <class Space, class State> Solution<State> descend(Space &space, Solution<State> best, int &rounds) {
    int many = std::max(1, space.k() / 4), failed = 0;
    std::set<Swap> tried;
    std::optional<typename Space::Prospects> prospects;  // of the best
    while (rounds > 0 && failed < PATIENCE) {
        if (!prospects) prospects.emplace(space.prospects(best.state));
        const std::vector<Swap> swaps = best_swaps(*prospects, best.state, many, tried);
        if (swaps.empty()) break;
        --rounds;
        Solution<State> found = space.settled(prospects->moved(best.state, swaps), SETTLE);
        if (found.inertia < best.inertia) {
            found.swaps = std::move(best.swaps);
            found.swaps.insert(found.swaps.end(), swaps.begin(), swaps.end());
            best = std::move(found);
            failed = 0;
            tried.clear();
            prospects.reset();
        } else if (many > 1) {
            many /= 2;
        } else {
            tried.insert(swaps.begin(), swaps.end());
            ++failed;
        }
    }
    return best;
}

// Look for a better solution than `state`, which a loop has just left; at most `rounds` moves are tried. Whether any
// was found; `swapped` is told the moves that led there before anything was shaken.
//
// When single moves no longer help, up to half of the best centers are drawn anew and the moves begin again:
// iterated local search. A swap can't leave some solutions, of 3 centers as of 256.
template <class Space, class State>
bool search(Space &&space, State &state, int rounds, uint64_t seed, std::vector<Swap> &swapped) {
    if (space.k() < 2 || rounds < 1) return false;
    Solution<State> best = descend(space, space.settled(std::move(state), space.MEASURED), rounds);
    swapped.insert(swapped.end(), best.swaps.begin(), best.swaps.end());
    bool better = !best.swaps.empty();
    // One stream does as well as another: of 100 seeds, 3 to 6 leave the hardest set of bench.tables above 0.1 % at
    // effort 10. With this one seed 0, which the bench runs, leaves none.
    SplitMix64 random(seed + 1);
    while (rounds > 0 && best.inertia > 0) {
        Solution<State> other = space.settled(space.shaken(best.state, random), 2 * SETTLE);
        other = descend(space, std::move(other), --rounds);
        if (other.inertia < best.inertia) {
            best = std::move(other);
            better = true;
        }
    }
    state = std::move(best.state);
    return better;
}

// The center nearest to center i, of equally near ones the first.
template <class T> int neighbor(const std::vector<T> &centers, int d, int i) {
    int best = i;
    double least = std::numeric_limits<double>::infinity();
    for (int other = 0; other < int(centers.size()) / d; ++other) {
        double square = 0;
        for (int j = 0; j < d; ++j) {
            const double t = double(centers[size_t(other) * d + j]) - double(centers[size_t(i) * d + j]);
            square += t * t;
        }
        if (other != i && square < least) {
            least = square;
            best = other;
        }
    }
    return best;
}

// What each center is worth where it stands, and what it could be worth beside another.
template <class T> struct DenseProspects : Splits<T> {
    DenseProspects(Partition<T> &partition, const std::vector<T> &centers)
        : Splits<T>(split(partition, centers)), cost(loss(partition, int(this->gain.size()))) {}

    int heir(const std::vector<T> &centers, int center) const {
        return neighbor(centers, int(centers.size() / cost.size()), center);
    }
    std::vector<T> moved(std::vector<T> centers, const std::vector<Swap> &swaps) const {
        const size_t d = centers.size() / cost.size();
        for (auto [useless, worth] : swaps) {
            std::copy_n(this->lower.begin() + worth * d, d, centers.begin() + worth * d);
            std::copy_n(this->upper.begin() + worth * d, d, centers.begin() + useless * d);
        }
        return centers;
    }

    std::vector<double> cost;

  private:
    static Splits<T> split(Partition<T> &partition, const std::vector<T> &centers) {
        partition.assign(centers.data(), int(centers.size()) / partition.d(), true);
        partition.recount();
        return {partition.points, centers, partition.sums()};
    }
    static std::vector<double> loss(Partition<T> &partition, int k) {
        const Points<T> &points = partition.points;
        // Added up in the caller's order.
        std::vector<std::pair<double, int32_t>> losses(points.n);
        for (int64_t p = 0; p < points.n; ++p)
            losses[points.index(p)] = {double(points.second()[p]) - double(points.best()[p]), points.labels()[p]};
        std::vector<double> total(k, 0.0);
        for (int64_t i = 0; i < points.n; ++i) total[losses[i].second] += losses[i].first * partition.weight(i);
        return total;
    }
};

template <class T> struct DenseSpace {
    using State = std::vector<T>;
    using Prospects = DenseProspects<T>;
    static constexpr int MEASURED = 0;  // iterations before a solution's inertia is known

    Partition<T> &partition;
    const double tol;
    const int clusters;

    int k() const { return clusters; }
    Solution<State> settled(State centers, int most) {
        if (most > 0) centers = Loop<T>(partition, most, tol).run(std::move(centers));
        partition.relabel(centers.data(), clusters);
        return {std::move(centers), partition.inertia(), {}};
    }
    Prospects prospects(const State &centers) { return {partition, centers}; }
    // Up to half of the centers moved to points drawn by their squared distance to the others.
    State shaken(State centers, SplitMix64 &random) {
        const int d = partition.points.d, k = clusters;
        std::vector<int> order(k);
        std::iota(order.begin(), order.end(), 0);
        for (int i = k - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
        const int gone = 1 + random.below(k / 2);
        partition.points.start_seeding();
        for (int i = gone; i < k; ++i) partition.take(&centers[size_t(order[i]) * d]);
        for (int i : std::span(order).first(gone)) {
            const int64_t point = partition.points.pick(random.unit() * partition.points.potential());
            if (point < 0) break;  // every point is a center already
            std::copy(partition.point(point), partition.point(point + 1), centers.begin() + int64_t(i) * d);
            partition.take(partition.point(point));
        }
        return centers;
    }
};

}  // namespace tinct
