// K-means: where the centers start, Lloyd's loop, and the search above it.
#pragma once
#include "clustering/moves.hpp"
#include "clustering/search.hpp"
#include "clustering/swaps.hpp"

namespace tinct {

// Points in the coarsest summary: at least so many, half of it where it is a sample, and for each center. With 48 for
// each Kodak pictures at K = 256 end 0.2 % lower, in 1.4 times the time.
constexpr int64_t CELLS = 1024, PER_CENTER = 24;
// Points for each center up to which there is none, in up to MAX_BOXED_DIMS dimensions: the quick search sees them all. Kodak
// pictures at K = 256 end 0.3 % lower for it, in 1.2 times the time.
constexpr int64_t SEEN = 160;
constexpr int64_t FINER = 8;  // times as many are averaged along the curve before cells are cut, a third of all at most
constexpr int64_t NEAR = 4;   // times as many points as cells: none are averaged before
constexpr int64_t APART = 4;  // times fewer points: worth settling on, too
// What a loop may still fall by, in the largest of its last RECENT steps: so many, and for each iteration more. Falls are
// often as the square of 1 / iterations; on noise of 50 columns 278 came after the 107th, and 16 ended 0.05 % higher.
constexpr double TO_COME = 16, TO_COME_EACH = 8;
constexpr int RECENT = 5;
// Points for the quick search among fewer: of a sample for each center, and at least; of cells one for so many points.
constexpr int64_t SAMPLED = 96, SAMPLE = 2048, CELL = 64;
// Settlings of the quick search among all points for each pair of centers, in up to MAX_CELL_DIMS dimensions: as each takes
// 8 or 16 of k clusters, they cost as much as a few iterations. In more each costs as much as one, and a sample does.
constexpr double SWAPS = 0.01;
constexpr int SHAKEN = 128;  // centers up to which the quick search on a summary is shaken once
// Settlings at least of a brief search among all points, or one for four centers: with all of them palettes of pieces of
// 304 x 200 of photographs take 1.3 times the time and score the same, with none 0.15 less.
constexpr int BRIEF = 40;
// Points for each center up to which single ones are moved, and passes through all of them.
constexpr int64_t MOVED = 256;
constexpr int PASSES = 10;

struct Settings {
    int k;
    int max_iter = 300;
    double tol = 1e-4;  // stop when squared moves of the centers add up to less, in mean variances of a dimension
    int effort = 1;     // 0: Lloyd's loop alone; 1: and a search over a summary of the points; 2..10: over the points
    uint64_t seed = 0;  // of the draws of the search
    bool brief = false;  // all points are searched only where no summary saves anything, and less thoroughly
};

template <class T> struct Fit {
    std::vector<T> centers;  // [k][d]; the labels stand in points.points
    double inertia;
    int n_iter;
    bool converged;
};

// A summary in the loop's hands.
template <class T> struct Summarized {
    Summarized(Summary<T> made, int d, const std::function<void()> &poll)
        : kept(std::move(made)), partition(kept.points.data(), kept.weights.data(), int64_t(kept.weights.size()), d,
                                           dispatch<T>(), 1, poll) {}
    const Summary<T> kept;
    Partition<T> partition;
};

template <class T> using Summaries = std::vector<std::unique_ptr<Summarized<T>>>;

// How many points the coarsest summary for k clusters has.
inline int64_t cells_for(int k, int d) { return std::max(d > MAX_CELL_DIMS ? CELLS / 2 : CELLS, PER_CENTER * k); }

// Whether a summary saves enough.
inline bool worth_summary(int64_t n, int d, const Settings &settings) {
    const bool seen = !settings.brief && d <= MAX_BOXED_DIMS;
    return n >= std::max(2 * cells_for(settings.k, d), seen ? SEEN * settings.k : 0);
}

// Summaries of so many cells, the finer first. Where there must be one (`always`) it is of all points or of a sample.
template <class T, class P> Summaries<T> summaries(P &points, int64_t cells, bool always = false) {
    const int d = points.d();
    const bool sampled = d > MAX_CELL_DIMS;
    const int64_t n = points.n();
    Summaries<T> made;
    const auto add = [&](Summary<T> summary) {
        made.push_back(std::make_unique<Summarized<T>>(std::move(summary), d, points.poll));
    };
    const int64_t few = sampled && !always ? cells : std::max(cells, std::min(n / 3, FINER * cells));
    Summary<T> fine = points.summary(!sampled && n < NEAR * cells ? n : few);
    const auto held = int64_t(fine.weights.size());
    if (sampled || 2 * held <= 3 * cells) {
        add(std::move(fine));
        return made;
    }
    Summary<T> coarse = Cells<T>(fine, d).cut(size_t(cells));
    if (n > APART * held) add(std::move(fine));
    add(std::move(coarse));
    return made;
}

// Lloyd's loop on the coarsest summary, and on each finer one from there.
template <class T> std::vector<T> settled_on(Summaries<T> &summed, std::vector<T> centers, int max_iter, double tol) {
    for (size_t at = summed.size(); at-- > 0;)
        centers = Loop<T>(summed[at]->partition, max_iter, tol).run(std::move(centers));
    return centers;
}

// Where a loop ended, and how.
template <class T> struct Ended {
    std::vector<T> centers;
    int n_iter;
    bool converged;
    double inertia;
};

// Loops that nobody watches, which may be left before their end.
template <class T, class P> struct Trials {
    P &points;
    const int max_iter;
    const double tol, squares;  // of all points, around the origin

    // leave: called with the iterations so far, the inertia around the new centers, and its largest fall of late.
    template <class Leave> std::optional<Ended<T>> run(std::vector<T> centers, const Leave &leave) const {
        double last = std::numeric_limits<double>::infinity(), falls[RECENT];
        std::fill(falls, falls + RECENT, last);
        Loop<T, P> loop(points, max_iter, tol);
        loop.leave = [&](int turn, double explained) {
            const double inertia = squares - explained;
            falls[turn % RECENT] = last - inertia;
            last = inertia;
            return leave(turn, inertia, *std::max_element(falls, falls + RECENT));
        };
        centers = loop.run(std::move(centers));
        if (loop.stopped) return {};
        points.relabel(centers.data(), int(centers.size()) / points.d());
        return Ended<T>{std::move(centers), loop.n_iter, loop.converged, points.inertia()};
    }
    // Whether the steps to come would not do. (Squares cancel.)
    bool hopeless(int turn, double inertia, double fall, double limit) const {
        return inertia - limit > (TO_COME + TO_COME_EACH * turn) * fall + 1e-12 * squares;
    }
    std::optional<Ended<T>> ending_below(std::vector<T> centers, double limit) const {
        auto ended = run(std::move(centers), [&](int turn, double inertia, double fall) {
            return hopeless(turn, inertia, fall, limit);
        });
        if (ended && ended->inertia > limit) ended.reset();
        return ended;
    }
};

// The squares of all points, from `spread`.
inline double squares(const std::vector<double> &spread) {
    const size_t d = spread.size() / 2;
    double total = 0;
    for (size_t j = 0; j < d; ++j) total += spread[d + j] + spread[2 * d] * spread[j] * spread[j];
    return total;
}

inline int swaps_for(int k, int d) { return k + (d > MAX_BOXED_DIMS ? 40 : 80); }

// In the caller's order.
template <class T> std::vector<int32_t> labels_of(Partition<T> &rows, const std::vector<T> &centers, int k) {
    std::vector<int32_t> labels(size_t(rows.n()));
    rows.relabel(centers.data(), k);
    rows.points.restore_order(rows.points.labels(), labels.data());
    return labels;
}

// Moves of single points, where they are so few for a cluster that one counts; whether any helped.
template <class T> bool move_points(Partition<T> &rows, std::vector<T> &centers, int k) {
    if (k < 2 || rows.n() > MOVED * k) return false;
    const bool better = PointMoves<T>(rows, k, labels_of(rows, centers, k)).run(centers, PASSES);
    if (better) rows.snap(centers);
    return better;
}

// The quick search among some rows: the swaps that led to better centers.
template <class T> std::vector<Swap> swap_among(Partition<T> &rows, std::vector<T> &centers, int k, int trials) {
    move_points(rows, centers, k);
    std::vector<Swap> swaps = LocalSwaps<T>(rows, k, labels_of(rows, centers, k).data()).run(centers, trials);
    move_points(rows, centers, k);
    return swaps;
}

// The quick search once more among some rows, from centers of which some are drawn anew; kept if it ends lower. (Kodak pictures
// at up to 128 colors end at most 1.6 % above the best known for it, not 2.3. Of more colors none is so far off.)
template <class T> void shake(Partition<T> &rows, std::vector<T> &centers, int k, double tol, uint64_t seed) {
    if (k < 2) return;
    DenseSpace<T> space{rows, tol, k};
    SplitMix64 random(seed + 1);
    const double before = space.settled(centers, 0).inertia;
    std::vector<T> other = space.settled(space.shaken(centers, random), 2 * SETTLE).state;
    swap_among(rows, other, k, swaps_for(k, rows.d()));
    if (space.settled(other, 0).inertia < before) centers = std::move(other);
}

// Finer summaries for the quick search, which sees more than a start needs, where they are worth it.
template <class T>
Summaries<T> look_closer(Partition<T> &points, int k, const std::vector<double> &spread) {
    const int64_t n = points.n();
    const int d = points.d();
    if (d <= MAX_BOXED_DIMS && n / CELL > cells_for(k, d)) return summaries<T>(points, n / CELL);
    Summaries<T> made;
    if (d <= MAX_CELL_DIMS) return made;
    Summary<T> sample = points.sample(std::min(n / 2, std::max(SAMPLE, SAMPLED * k)), spread);
    made.push_back(std::make_unique<Summarized<T>>(std::move(sample), d, points.poll));
    return made;
}

// Keeps those of two starting centers whose loop ends lower; if nobody watches, where it ends. Steps were made from `other`
// already.
template <class T, class P>
void keep_better(P &points, const Trials<T, P> &trials, Loop<T, P> &loop, bool watched, std::vector<T> other,
                 std::vector<T> &centers) {
    points.relabel(other.data(), int(other.size()) / points.d());
    const double limit = points.inertia();
    bool lost = false, ahead = false;
    auto ended = trials.run(centers, [&](int turn, double inertia, double fall) {
        lost = trials.hopeless(turn, inertia, fall, limit);
        ahead |= turn == SETTLE && inertia < limit;
        return lost || (turn >= SETTLE && !ahead);
    });
    if (lost) {
        centers = std::move(other);
        return;
    }
    // Whoever is ahead first: the other one may be left.
    const bool in_order = ended || ahead;
    if (!ended) ended = trials.ending_below(in_order ? centers : other, std::numeric_limits<double>::infinity());
    auto end = trials.ending_below(in_order ? other : centers, ended->inertia);
    if (bool(end) == in_order) centers = std::move(other);
    if (end) ended = std::move(end);
    if (watched) return;
    centers = std::move(ended->centers);
    loop.n_iter = ended->n_iter;
    loop.converged = ended->converged;
}

// The centers that a search over the summaries finds, where they are better on the points themselves than those that
// the loop would end with. If nobody watches, those it does end with.
template <class T, class P>
void search_summaries(P &points, Summaries<T> &summed, const Settings &settings, Loop<T, P> &loop, bool watched, bool divided,
                      const std::vector<double> &spread, std::vector<T> &centers) {
    constexpr bool HERE = std::is_same_v<P, Partition<T>>;
    const int k = settings.k, more = settings.effort - 1;
    std::vector<T> other = centers;
    if constexpr (HERE)
        if (auto closer = look_closer(points, k, spread); !closer.empty()) {
            summed = std::move(closer);
            if (divided && points.d() <= MAX_BOXED_DIMS)
                other = settled_on(summed, divisive(summed.back()->partition, k), settings.max_iter, loop.tol);
        }
    swap_among(summed.back()->partition, other, k, swaps_for(k, points.d()));
    if (!settings.brief && points.d() <= MAX_BOXED_DIMS && k <= SHAKEN)
        shake(summed.back()->partition, other, k, loop.tol, settings.seed);
    if (!HERE && more > 0) {
        std::vector<Swap> unseen;
        DenseSpace<T> space{summed[0]->partition, loop.tol, k};
        search(space, other, QUICK * more * more, settings.seed, unseen);
    }
    if (other == centers) return;
    if (summed.size() > 1) other = settled_on(summed, std::move(other), settings.max_iter, loop.tol);
    other = loop.quietly(std::move(other), SETTLE);
    const Trials<T, P> trials{points, settings.max_iter, loop.tol, squares(spread)};
    keep_better(points, trials, loop, watched, std::move(other), centers);
}

// init: k starting centers, or null for the divisive start. Points that are not held here (P is no Partition) have
// their start and all of their search on summaries.
//
// More effort never ends higher: each adds a search to what the one below ended with, and keeps what is found if that
// is better.
template <class T, class P>
Fit<T> kmeans(P &points, const Settings &settings, const T *init, const Watch<T> &watch = {}) {
    constexpr bool HERE = std::is_same_v<P, Partition<T>>;
    const auto [k, max_iter, tol, effort, seed, brief] = settings;
    if constexpr (HERE) points.hire(k);
    const std::vector<double> spread = points.spread();
    Loop<T, P> loop(points, max_iter, tol * variance(spread), watch);
    Summaries<T> summed;
    if ((effort > 0 || !init) && (!HERE || worth_summary(points.n(), points.d(), settings)))
        summed = summaries<T>(points, cells_for(k, points.d()), !HERE);
    std::vector<T> centers;
    if (init)
        centers.assign(init, init + int64_t(k) * points.d());
    else if (!summed.empty())
        centers = settled_on(summed, divisive(summed.back()->partition, k), max_iter, loop.tol);
    else if constexpr (HERE)
        centers = divisive(points, k);
    if (effort > 0 && !summed.empty()) search_summaries(points, summed, settings, loop, bool(watch), !init, spread, centers);
    if (loop.n_iter == 0) centers = loop.run(std::move(centers));
    if constexpr (HERE) {
        const auto left = [&] { return !loop.stopped && loop.n_iter < max_iter; };
        const bool worth = points.d() > MAX_BOXED_DIMS && points.d() <= MAX_CELL_DIMS;
        const double affordable = worth ? SWAPS * k * k : 0;
        const double most = !summed.empty() ? affordable : brief ? std::max(BRIEF, k / 4) : INFINITY;
        const int swaps = int(std::min(most, double(swaps_for(k, points.d()))));
        const std::vector<T> rested = centers;
        if (effort > 0 && swaps > 0 && (left() || brief)) loop.swapped = swap_among(points, centers, k, swaps);
        if (centers != rested && left()) centers = loop.run(std::move(centers));
        const auto finish = [&] {
            if (loop.stopped || !move_points(points, centers, k)) return;
            loop.converged = false;
            if (left()) centers = loop.run(std::move(centers));
        };
        if (effort > 0) finish();
        DenseSpace<T> space{points, loop.tol, k};
        for (int level = 2; level <= effort && left(); ++level) {
            if (!search(space, centers, QUICK * (2 * level - 3), seed + uint64_t(level - 2), loop.swapped)) continue;
            centers = loop.run(std::move(centers));
            finish();
        }
    }
    points.relabel(centers.data(), k);
    const double inertia = points.inertia();
    return {std::move(centers), inertia, loop.n_iter, loop.converged};
}

}  // namespace tinct
