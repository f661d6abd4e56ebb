// Partitions of points, and the loop over whoever holds them.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <optional>
#include <stdexcept>

#include "bind/signals.hpp"
#include "bind/watch.hpp"
#include "clustering/kmeans.hpp"

namespace tinct {
namespace {

// A partition with the arrays it was made of.
template <class T> struct Held {
    Held(Matrix<T> its_points, std::optional<Vector<double>> its_weights, int threads)
        : x(std::move(its_points)), w(std::move(its_weights)),
          partition(x.data(), w ? w->data() : nullptr, int64_t(x.shape(0)), int(x.shape(1)), dispatch<T>(), threads,
                    Signals()) {}
    const T *checked(const Matrix<T> &centers) const {
        if (int(centers.shape(0)) != partition.points.clusters() || int(centers.shape(1)) != partition.d())
            throw std::invalid_argument("centers must have the shape that start() made room for");
        return centers.data();
    }
    const Matrix<T> x;
    const std::optional<Vector<double>> w;
    Partition<T> partition;
};

// The same asked of a Python object: of a partition elsewhere, or of many in the place of one.
template <class T> class Remote {
  public:
    Remote(nb::object object, const Vector<T> &offset)
        : object_(std::move(object)), offset_(offset.size() ? offset.data() : nullptr),
          n_(nb::cast<int64_t>(object_.attr("n"))), d_(nb::cast<int>(object_.attr("d"))) {}

    const std::function<void()> poll = Signals();
    int64_t n() const { return n_; }
    int d() const { return d_; }
    void snap(std::vector<T> &centers) const { tinct::snap(centers, offset_, d_); }
    void start(int k) {
        k_ = size_t(k);
        asked("start", [](const nb::object &) {}, k);
    }
    int64_t step(const T *centers) {
        return asked("step", [](const nb::object &moved) { return nb::cast<int64_t>(moved); }, copied(centers));
    }
    void relabel(const T *centers, int) { step(centers); }
    void recount() { asked("recount", [](const nb::object &) {}); }
    double inertia() const {
        return asked("inertia", [](const nb::object &found) { return nb::cast<double>(found); });
    }
    std::vector<double> sums() const { return asked("sums", numbers<double>); }
    std::vector<double> residuals(const T *centers) const { return asked("residuals", numbers<double>, copied(centers)); }
    std::vector<double> spread() const { return asked("spread", numbers<double>); }
    Summary<T> summary(int64_t most) const {
        return asked("summary", [](const nb::object &found) {
            return Summary<T>{numbers<T>(found[0]), numbers<double>(found[1])};
        }, most);
    }
    std::vector<Served<T>> worst_served(size_t count) {
        return asked("worst_served", [&](const nb::object &found) {
            served_ = numbers<T>(found[0]);
            const auto index = numbers<int64_t>(found[1]);
            const auto labels = numbers<int32_t>(found[2]);
            const auto squares = numbers<double>(found[3]), masses = numbers<double>(found[4]);
            std::vector<Served<T>> out;
            for (size_t i = 0; i < index.size(); ++i)
                out.push_back({index[i], labels[i], squares[i], masses[i], &served_[i * size_t(d_)]});
            return out;
        }, count);
    }

  private:
    template <class N> static std::vector<N> numbers(const nb::object &given) {
        const auto array = nb::cast<nb::ndarray<const N, nb::c_contig, nb::device::cpu>>(given);
        return {array.data(), array.data() + array.size()};
    }
    std::vector<T> copied(const T *centers) const { return {centers, centers + k_ * size_t(d_)}; }
    // What `read` makes of a method's answer. The kernels run without the GIL.
    template <class Read, class... Arguments>
    auto asked(const char *method, const Read &read, const Arguments &...arguments) const {
        nb::gil_scoped_acquire acquire;
        return read(nb::object(object_.attr(method)(passed(arguments)...)));
    }
    nb::object passed(const std::vector<T> &centers) const { return nb::cast(table_of(centers, size_t(d_))); }
    template <class N> nb::object passed(N number) const { return nb::cast(number); }

    const nb::object object_;
    const T *const offset_;
    const int64_t n_;
    const int d_;
    size_t k_ = 0;
    std::vector<T> served_;
};

// init: the starting centers, else the divisive start. offset: see `snap`; without numbers none.
template <class T>
nb::tuple kmeans_over(nb::object points, int k, std::optional<Matrix<T>> init, Vector<T> offset, int max_iter, double tol,
                      int effort, uint64_t seed, const nb::object &watch) {
    Remote<T> remote(points, offset);
    const auto told = told_to<T>(watch, remote.d(), [&] { return points.attr("labels")(); });
    const Fit<T> fit = [&] {
        nb::gil_scoped_release release;
        return kmeans<T>(remote, {k, max_iter, tol, effort, seed}, init ? init->data() : nullptr, told);
    }();
    return nb::make_tuple(table_of(fit.centers, size_t(remote.d())), fit.inertia, fit.n_iter, fit.converged);
}

template <class T> void bind_partition(nb::module_ &m, const char *name) {
    using H = Held<T>;
    nb::class_<H>(m, name)
        .def_prop_ro("n", [](const H &self) { return self.partition.n(); })
        .def_prop_ro("d", [](const H &self) { return self.partition.d(); })
        .def_prop_ro("dtype", [](const H &) { return sizeof(T) == 4 ? "float32" : "float64"; })
        .def("start", [](H &self, int k) { self.partition.start(k); }, "k"_a, Release())
        .def("step", [](H &self, const Matrix<T> &centers) { return self.partition.step(self.checked(centers)); },
             "centers"_a, Release())
        .def("sums", [](const H &self) { return table_of(self.partition.sums(), self.x.shape(1) + 2); })
        .def("recount", [](H &self) { self.partition.recount(); }, Release())
        .def("labels", [](const H &self) { return labels_of(self.partition.points); })
        .def("inertia", [](H &self) { return self.partition.inertia(); }, Release())
        .def("residuals", [](const H &self, const Matrix<T> &centers) {
            return table_of(self.partition.residuals(self.checked(centers)), self.x.shape(1) + 1);
        }, "centers"_a)
        .def("spread", [](const H &self) { return row_of(self.partition.spread()); })
        .def("worst_served", [](const H &self, size_t count) {
            const auto found = [&] {
                nb::gil_scoped_release release;
                return self.partition.worst_served(count);
            }();
            std::vector<T> points;
            std::vector<int64_t> index;
            std::vector<int32_t> labels;
            std::vector<double> squares, masses;
            for (const Served<T> &one : found) {
                points.insert(points.end(), one.point, one.point + self.x.shape(1));
                index.push_back(one.index);
                labels.push_back(one.label);
                squares.push_back(one.square);
                masses.push_back(one.mass);
            }
            return nb::make_tuple(table_of(points, self.x.shape(1)), row_of(index), row_of(labels), row_of(squares),
                                  row_of(masses));
        }, "count"_a)
        .def("summary", [](const H &self, int64_t most) {
            const auto made = [&] {
                nb::gil_scoped_release release;
                return self.partition.summary(most);
            }();
            return nb::make_tuple(table_of(made.points, self.x.shape(1)), row_of(made.weights));
        }, "most"_a);
    m.def("Partition", [](Matrix<T> points, std::optional<Vector<double>> weights, int threads) {
        nb::gil_scoped_release release;
        return new H(std::move(points), std::move(weights), threads);
    }, "points"_a.noconvert(), "weights"_a.none(), "threads"_a);
    m.def("kmeans_over", &kmeans_over<T>, "points"_a, "k"_a, "init"_a.none(), "offset"_a.noconvert(), "max_iter"_a, "tol"_a, "effort"_a,
          "seed"_a, "watch"_a.none());
}

}  // namespace

void bind_partitions(nb::module_ &m) {
    bind_partition<float>(m, "Partition32");
    bind_partition<double>(m, "Partition64");
}

}  // namespace tinct
