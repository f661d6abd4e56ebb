"""Whatever an argument holds is taken, or refused in one line that names it."""

import decimal
import fractions
import io

import numpy as np
import pytest
from PIL import Image

import tinct
from painted import photo
from tinct.clustering.choose import choose_k, silhouette
from tinct.tables import Table, read_table, standardize

PIXELS = np.array(photo()[:8, :8])
COUNTED = tinct.histogram(PIXELS)
PALETTE = tinct.palette(COUNTED, 4).colors
NUMPY_S = [np.float16(0.5), np.float32(0.5), np.float64(1), np.int64(3), np.uint8(90), np.int8(1)]
ODD = [
    *(True, False, np.True_, 2.0, 0.5, 3, -1, 0, 10**20, -(10**20), 1e300),
    *(float("nan"), float("inf"), np.float32("nan"), np.float64("inf"), *NUMPY_S),
    *("3", "", "auto", "oklab", "png", b"3", np.str_("png")),
    *(None, [], (), [1, 2], (1,), (1, 2, 3), ("a", 2), (True, 50), (2, 1), {}, set(), range(3)),
    *(1j, np.complex64(1), fractions.Fraction(1, 2), decimal.Decimal("0.5"), object(), slice(1)),
    *(np.array(3), np.array([3]), np.array([1, 2]), np.array([]), np.eye(2).view(np.matrix)),
    *(np.array([None, "x"]), np.zeros((9, 9, 9), bool), np.datetime64("2020-01-01")),
    *(
        PIXELS.tolist(),
        [[1], [2, 3]],
        io.StringIO("x"),
        Image.new("RGB", (0, 5)),
        Image.new("F", (2, 2)),
    ),
    *(
        PIXELS.astype(complex),
        PIXELS.astype(object),
        np.full((4, 4), np.nan),
        PIXELS[:0],
        PIXELS[0],
    ),
    *(PIXELS.astype(int), PIXELS > 9, PIXELS[..., :2], PIXELS.astype("U3"), PIXELS.astype("M8[s]")),
    np.zeros((4, 4), [("a", "u1"), ("b", "f4")]),
]
DOORS = {
    tinct.compress: (
        {"source": PIXELS, "level": 0},  # searches packed hardest take 1 s each
        "colors dither lossy quality max_bytes space seed effort format threads ssimulacra2 watch",
    ),
    tinct.read: ({"source": PIXELS}, "name"),
    tinct.histogram: ({"pixels": PIXELS}, "space"),
    tinct.palette: ({"histogram": COUNTED}, "colors seed effort threads"),
    tinct.remap: (
        {"pixels": PIXELS, "palette": PALETTE},
        "dither serpentine sharp counted threads",
    ),
    tinct.psnr: ({"original": PIXELS, "compressed": PIXELS}, ""),
    tinct.ssimulacra2: ({"original": PIXELS, "compressed": PIXELS}, "threads"),
    tinct.srgb_to_oklab: ({"colors": PALETTE}, ""),
    tinct.oklab_to_srgb: ({"lab": COUNTED.points}, ""),
    tinct.compress(PIXELS, 4).save: ({"path": "a.png"}, "overwrite"),
}
POINTS = np.random.default_rng(0).random((12, 2))
RUN = tinct.kmeans(POINTS, 3, init="random", record=True, max_iter=3)
DOORS |= {
    tinct.kmeans: (
        {"points": POINTS, "k": 3},
        "weights init seed max_iter tol effort record threads callback",
    ),
    tinct.assign: ({"points": POINTS, "centers": RUN.centers}, "threads"),
    tinct.update: ({"points": POINTS, "labels": RUN.labels, "k": 3}, "weights"),
    choose_k: ({"points": POINTS, "ks": range(2, 4)}, "seed threads callback"),
    silhouette: ({"points": POINTS, "labels": [RUN.labels]}, ""),
    read_table: ({"source": "points.csv"}, "columns variable missing"),
    standardize: ({"table": Table(POINTS, ("a", "b"), "points")}, ""),
}
PICTURE = tinct.read(PIXELS)
PAINTED = tinct.kmeans(COUNTED.points, 3, init="random", record=True, max_iter=3)
FIGURES = {
    "plot_steps": ({"points": POINTS, "run": RUN}, "panels columns sample_of"),
    "animate_steps": ({"points": POINTS, "run": RUN}, "kind columns sample_of"),
    "plot_inertia": ({"run": RUN}, ""),
    "plot_choose_k": ({"choice": choose_k(POINTS, range(2, 4))}, ""),
    "plot_colors": ({"picture": PICTURE, "result": tinct.compress(PIXELS, 4)}, ""),
    "plot_picture_steps": ({"picture": PICTURE, "run": PAINTED}, "panels rounds"),
    "animate_picture": ({"picture": PICTURE, "run": PAINTED}, "kind rounds"),
}


def all_names(given, more):
    return [*given, *more.split()]


CASES = [(door, name) for door in DOORS for name in all_names(*DOORS[door])]
# A picture is told by its own name, and pictures are compared with each other.
ALSO = {"source": ("picture", "image", "pixels", "no such file"), "original": ("pictures",)}
ALSO["compressed"] = ALSO["original"]
ALSO |= {"points": ("centers", "labels"), "k": ("labels",), "columns": ("no column",)}


@pytest.mark.parametrize(("door", "name"), CASES, ids=lambda it: getattr(it, "__name__", it))
def test_every_value_is_taken_or_refused_in_one_line_that_names_the_argument(
    door, name, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    np.savetxt("points.csv", POINTS, delimiter=",")
    check(door, DOORS[door][0], name)


class DrawnError(OSError):
    """The arguments were taken, and drawing would begin."""


@pytest.mark.parametrize(
    ("door", "name"), [(door, name) for door in FIGURES for name in all_names(*FIGURES[door])]
)
def test_every_value_is_taken_for_a_figure_or_refused_in_one_line(door, name, monkeypatch):
    pytest.importorskip("matplotlib")
    from tinct import plots

    def begin(*_, **__):
        raise DrawnError

    monkeypatch.setattr(plots.common, "blank", begin)
    check(getattr(plots, door), FIGURES[door][0], name)


def check(door, given, name):
    told, clear = [], []
    for value in ODD:
        try:
            door(**{**given, name: value})
        except (tinct.TargetError, OSError):  # of the right kind: out of reach, no such file
            pass
        except (TypeError, ValueError) as error:
            words = str(error)
            inner = ("incompatible function", "ambiguous", "attribute", "inhomogeneous")
            named = any(word in words for word in (name, *ALSO.get(name, ())))
            told.append(words)
            clear.append(named and "\n" not in words and not any(word in words for word in inner))
            clear[-1] &= len(words) < 160
    assert all(clear), [line for line, good in zip(told, clear, strict=True) if not good]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("colors", np.uint8(5)),
        ("colors", np.int64(5)),
        ("dither", np.float32(0.5)),
        ("dither", np.int8(1)),
        ("lossy", np.float16(0.25)),
        ("quality", np.float32(60)),
        ("quality", np.int64(60)),
        ("quality", (np.float64(40), np.uint8(60))),
        ("max_bytes", np.int64(200)),
        ("seed", np.uint64(2**63)),
        ("effort", np.int8(0)),
        ("level", np.int64(4)),
        ("threads", np.int16(2)),
    ],
)
def test_numpy_s_numbers_are_taken_as_python_s(name, value):
    plain = tuple(v.item() for v in value) if isinstance(value, tuple) else value.item()
    ours, theirs = (tinct.compress(PIXELS, **{"level": 0, name: v}) for v in (value, plain))
    assert ours.data == theirs.data


@pytest.mark.parametrize(
    "name", ["colors", "dither", "lossy", "quality", "max_bytes", "seed", "effort", "level"]
)
@pytest.mark.parametrize("value", [True, np.True_])
def test_a_truth_value_is_no_number(name, value):
    with pytest.raises((TypeError, ValueError), match=f"{name} must be .*, not .*(bool|True)"):
        tinct.compress(PIXELS, **{name: value})


def test_any_number_of_threads_is_taken():
    one = tinct.compress(PIXELS, 4, threads=1)
    assert tinct.compress(PIXELS, 4, threads=10**20).data == one.data
    indices = tinct.remap(PIXELS, PALETTE, dither=1, threads=10**20)
    assert np.array_equal(indices, tinct.remap(PIXELS, PALETTE, dither=1))
    assert tinct.ssimulacra2(PIXELS, PIXELS, threads=10**20) == 100


@pytest.mark.parametrize("kind", [">u2", "<u2", ">f4", ">f8", "f2", "longdouble"])
def test_arrays_of_either_byte_order_and_matrices_are_pictures(kind):
    whole = np.arange(256).reshape(16, 16)
    samples = (whole * 257 if kind[-2] == "u" else whole / 255).astype(kind)
    for array in (samples, samples.view(np.matrix)):
        assert np.array_equal(tinct.read(array).pixels[:, :, 0], whole)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "I;16", "RGBA", "1"])
def test_an_empty_image_is_refused(mode, size):
    with pytest.raises(tinct.PictureError, match=f"the image: no pixels, {size[0]}x{size[1]}"):
        tinct.read(Image.new(mode, size))
