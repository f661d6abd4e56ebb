"""Figures show what the run did, for any clusters, panels and dimensions; nothing overlaps."""

import io
from dataclasses import replace

import numpy as np
import pytest

from tinct import kmeans
from tinct.clustering.choose import choose_k, silhouette
from tinct.compress.compress import compress
from tinct.palette.histogram import histogram
from tinct.picture.read import read

matplotlib = pytest.importorskip("matplotlib")
from PIL import Image  # noqa: E402

from tinct import plots  # noqa: E402
from tinct.plots import common, films, pictures  # noqa: E402


def blobs(k=4, n=200, d=2, stretch=(1, 1), seed=0):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 10, (k, d))[rng.integers(k, size=n)] + rng.normal(size=(n, d)) * 0.5
    points[:, :2] *= stretch[: min(d, 2)]
    return points


def recorded(points, k, **options):
    given = {"init": "random", "effort": 0, "record": True, "tol": 0} | options
    return kmeans(points, k, **given)


def ramp():
    x, y = np.meshgrid(np.arange(24), np.arange(16))
    return read(np.dstack([x * 10, y * 15, (x * y) % 256]).astype(np.uint8))


def drawn_texts(figure):
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    found = [figure._suptitle, figure._supxlabel, figure._supylabel]
    for axes in figure.axes:
        found += [axes.title, axes.xaxis.label, axes.yaxis.label]
        x, y = axes.get_xlim(), axes.get_ylim()
        for axis, (low, high) in ((axes.xaxis, x), (axes.yaxis, y)):
            shown = axis.get_tick_params().get(
                "labelbottom" if axis is axes.xaxis else "labelleft", True
            )
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
            found += [label for place, label in ticks if shown and low <= place <= high]
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in found
        if text is not None and text.get_text().strip()
    ]


def overlaps(figure):
    boxes = drawn_texts(figure)
    width, height = figure.canvas.get_width_height()
    bad = []
    for i, (text, box) in enumerate(boxes):
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1:
            bad.append((text, "leaves the page"))
        for other, place in boxes[:i]:
            if box.overlaps(place):
                bad.append((text, other))
    return bad


@pytest.mark.parametrize("panels", range(1, 13))
def test_nothing_overlaps_at_any_number_of_panels(panels):
    points = blobs(k=6, n=60, seed=3)
    run = recorded(points, 2, max_iter=1)
    long = replace(run, history=run.history * 13, centers=run.history[0].centers)
    figure = plots.plot_steps(points, long, panels=panels)
    assert len(figure.axes) == panels
    assert overlaps(figure) == []


@pytest.mark.parametrize(
    ("d", "stretch"),
    [(1, (1, 1)), (2, (4, 1)), (2, (1, 4)), (2, (1e4, 1e-3)), (2, (1, 1e6)), (7, (1, 1))],
)
def test_nothing_overlaps_whatever_the_shape_of_the_data(d, stretch):
    points = blobs(n=80, d=d, stretch=stretch)
    assert overlaps(plots.plot_steps(points, recorded(points, 3), panels=3)) == []


def test_axes_have_one_scale_unless_the_figure_says_otherwise():
    for stretch in ((1, 1), (5, 1), (1e5, 1)):
        points = blobs(stretch=stretch)
        figure = plots.plot_steps(points, recorded(points, 2))
        told = "different scales" in figure._suptitle.get_text()
        assert (figure.axes[0].get_aspect() == "auto") == told
    assert told


def test_titles_are_the_iterations_and_captions_their_inertia():
    points = blobs()
    run = recorded(points, 3, max_iter=4)
    axes = plots.plot_steps(points, run).axes
    assert [a.get_title() for a in axes] == [f"iteration {i}" for i in range(len(axes))]
    inertia = [float(a.get_xlabel().split()[1].replace(",", "")) for a in axes]
    assert np.allclose(inertia, [s.inertia for s in common.states_of(run)], rtol=1e-3)
    assert inertia == sorted(inertia, reverse=True)


@pytest.mark.parametrize("k", [1, 2, 3, 8, 9, 20, 64])
def test_every_cluster_has_a_color_or_a_marker_of_its_own(k):
    colors = common.cluster_colors(k)
    assert len(set(colors)) == k
    points = blobs(n=150)
    axes = plots.plot_steps(points, recorded(points, k), panels=1).axes[0]
    assert len(axes.collections) == k


def test_points_are_drawn_in_the_cluster_they_are_assigned_to():
    points = np.array([[0.0, 0], [0, 1], [9, 0], [9, 1]])
    run = recorded(points, 2, init=points[[0, 2]])
    first, second = plots.plot_steps(points, run, panels=1).axes[0].collections
    assert np.array_equal(first.get_offsets(), points[:2])
    assert np.array_equal(second.get_offsets(), points[2:])


@pytest.mark.parametrize("n", [1, 2, 11, 12, 13, 40, 300])
@pytest.mark.parametrize("most", [1, 2, 3, 12])
def test_panels_run_from_the_first_iteration_to_the_last_in_growing_steps(n, most):
    chosen = common.spread(n, most)
    assert len(chosen) == min(n, most)
    assert chosen[-1] == n - 1
    assert most == 1 or chosen[0] == 0
    steps = np.diff(chosen)
    assert (steps > 0).all()


def test_more_than_two_dimensions_are_shown_along_the_axes_of_most_variance():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(500, 5)) * [1, 8, 1, 4, 1]
    view = common.view_of(points, None)
    assert np.allclose(np.abs(np.corrcoef(view.flat[:, 0], points[:, 1])[0, 1]), 1, atol=0.01)
    share = points.var(axis=0)[1] / points.var(axis=0).sum()
    assert view.labels[0] == f"principal component 1 ({share:.0%} of variance)"


def test_a_large_table_is_sampled_and_the_figure_says_so():
    points = blobs(n=common.MOST_DRAWN + 500)
    figure = plots.plot_steps(points, recorded(points, 2), panels=1)
    assert sum(len(c.get_offsets()) for c in figure.axes[0].collections) == common.MOST_DRAWN
    assert "6,500 points, 6,000 of them drawn" in figure._suptitle.get_text()


def test_a_center_that_jumps_leaves_no_trail_across():
    points = np.array([[0.0], [1], [2], [50]])
    run = recorded(points, 2, init=[[1.0], [1000.0]])
    assert run.history[0].empty == (1,)
    trail = common.trails_of(common.states_of(run))[1]
    assert np.isnan(trail[1]).all()


def test_figures_leave_pyplot_and_its_settings_alone():
    before = dict(matplotlib.rcParams)
    points = blobs()
    plots.plot_inertia(recorded(points, 3)).savefig(io.BytesIO())
    assert dict(matplotlib.rcParams) == before
    import sys

    assert not getattr(sys.modules.get("matplotlib._pylab_helpers"), "Gcf", None) or not (
        sys.modules["matplotlib._pylab_helpers"].Gcf.figs
    )


def test_a_run_without_history_or_over_other_points_is_refused():
    points = blobs()
    with pytest.raises(ValueError, match="no history"):
        plots.plot_steps(points, kmeans(points, 2))
    with pytest.raises(ValueError, match=r"the run is over points of shape \(200, 2\)"):
        plots.plot_steps(points[:50], recorded(points, 2))
    with pytest.raises(ValueError, match="panels must be"):
        plots.plot_steps(points, recorded(points, 2), panels=0)
    with pytest.raises(ValueError, match="columns must be 2 names, not 1"):
        plots.plot_steps(points, recorded(points, 2), columns=["a"])
    with pytest.raises(ValueError, match="the picture has"):
        plots.plot_picture_steps(ramp(), recorded(points, 2))
    with pytest.raises(ValueError, match="kind must be gif or webp or mp4"):
        plots.animate_steps(points, recorded(points, 2), kind="avi")


def test_inertia_and_moves_are_those_of_the_run():
    points = blobs(n=300)
    run = recorded(points, 6)
    upper, lower = plots.plot_inertia(run).axes
    assert upper.lines[0].get_ydata()[0] == run.history[0].inertia
    moved = (run.history[0].labels != run.history[1].labels).sum()
    assert lower.patches[0].get_height() == moved


def test_the_suggested_k_is_that_of_separate_blobs_and_is_marked():
    corners = np.repeat([[0, 0], [20, 0], [0, 20], [20, 20.0]], 40, axis=0)
    points = corners + np.random.default_rng(0).normal(size=corners.shape)
    choice = choose_k(points, range(2, 8))
    assert choice.suggested == 4
    assert list(choice.inertia) == sorted(choice.inertia, reverse=True)
    upper, _ = plots.plot_choose_k(choice).axes
    assert upper.lines[-1].get_xdata() == [4]


def test_the_silhouette_is_that_of_its_definition():
    rng = np.random.default_rng(2)
    points, labels = rng.normal(size=(60, 3)), rng.integers(0, 4, 60)
    labels[0] = 9  # alone in its cluster
    widths = []
    for i, p in enumerate(points):
        apart = np.linalg.norm(points - p, axis=1)
        own = (labels == labels[i]) & (np.arange(60) != i)
        others = [apart[labels == c].mean() for c in set(labels.tolist()) - {labels[i]}]
        a, b = apart[own].mean() if own.any() else None, min(others)
        widths.append(0 if a is None else (b - a) / max(a, b))
    assert silhouette(points, [labels]) == [pytest.approx(np.mean(widths), abs=1e-9)]


def test_k_out_of_range_is_refused_by_name():
    with pytest.raises(ValueError, match=r"ks must be 2\.\.3"):
        choose_k(np.zeros((4, 1)), [2, 4])


def test_each_step_of_a_picture_is_the_picture_in_the_colors_of_its_centers():
    picture = ramp()
    counted = histogram(picture.pixels)
    run = recorded(counted.points, 5, weights=counted.weights)
    figure = plots.plot_picture_steps(picture, run, panels=3)
    *steps, original = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert np.array_equal(original, picture.pixels)
    assert len(np.unique(steps[-1].reshape(-1, 3), axis=0)) == 5
    error = [np.mean((step.astype(float) - original) ** 2) for step in steps]
    assert error[-1] < error[0]


@pytest.mark.parametrize("alpha", [False, True])
def test_rounds_under_the_blur_follow_the_iterations_and_their_error_never_rises(alpha):
    pixels = ramp().pixels
    if alpha:
        clear = np.broadcast_to(np.where(np.arange(pixels.shape[1]) < 8, 90, 255), pixels.shape[:2])
        pixels = np.dstack([pixels, clear.astype(np.uint8)])
    counted = histogram(pixels)
    run = recorded(counted.points, 5, weights=counted.weights)
    states = pictures.shown_states(pixels, run, 8, 4)
    assert [state.seen for state in states] == [False] * (len(states) - 4) + [True] * 4
    errors = [state.inertia for state in states if state.seen]
    assert errors == sorted(errors, reverse=True)
    painted = pictures.Painter.of(pixels, run).paint(states[-1])
    assert painted.shape == pixels.shape
    titles = [a.get_title() for a in plots.plot_picture_steps(read(pixels), run, rounds=1).axes]
    assert titles[-2:] == ["round 1 under the blur", "original"]


def test_rounds_without_an_opaque_cluster_are_refused():
    pixels = np.repeat(np.arange(64, dtype=np.uint8), 4).reshape(8, 8, 4)
    run = recorded(histogram(pixels).points, 1)
    with pytest.raises(ValueError, match="rounds need a cluster that is mostly opaque"):
        plots.plot_picture_steps(read(pixels), run, rounds=1)


@pytest.mark.parametrize("alpha", [False, True])
def test_colors_are_drawn_for_a_palette_and_for_a_run_alike(alpha):
    pixels = ramp().pixels
    if alpha:
        pixels = np.dstack([pixels, np.where(np.arange(24) < 8, 0, 255) * np.ones((16, 1))])
    small = compress(pixels.astype(np.uint8), colors=6)
    counted = histogram(small.original.pixels)
    run = recorded(counted.points, 6, weights=counted.weights)
    for result in (small, run):
        figure = plots.plot_colors(small.original, result)
        assert "chosen" in figure._suptitle.get_text()
        figure.savefig(io.BytesIO())


def test_a_film_shows_every_iteration_and_ends_where_the_run_does():
    points = blobs(n=60)
    run = recorded(points, 3, max_iter=3)
    movie = Image.open(io.BytesIO(plots.animate_steps(points, run)))
    states = len(common.states_of(run))
    assert movie.n_frames > 3 * states
    assert movie.info["loop"] == 0


def test_a_picture_film_plays_for_pictures_of_any_shape():
    for shape in ((3, 40, 3), (40, 3, 3), (1, 1, 3)):
        picture = read(np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8))
        counted = histogram(picture.pixels)
        k = min(2, len(counted.colors))
        run = recorded(counted.points, k, init="divisive", max_iter=2)
        assert plots.animate_picture(picture, run)[:6] == b"GIF89a"


@pytest.mark.skipif(films.ffmpeg() is None, reason="needs ffmpeg")
def test_an_mp4_holds_every_frame_for_its_time():
    frames = [(np.full((32, 33, 3), shade, np.uint8), 0.4) for shade in (0, 255)]
    assert films.mp4(iter(frames))[4:8] == b"ftyp"


def test_without_ffmpeg_an_mp4_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(films, "ffmpeg", lambda: None)
    with pytest.raises(OSError, match="MP4 needs ffmpeg"):
        films.mp4([(np.zeros((8, 8, 3), np.uint8), 1.0)])


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_film_keeps_flat_colors_and_durations(kind):
    colors = [(0, 0, 0), (255, 0, 0), (12, 200, 99)]
    frames = [(np.full((9, 7, 3), c, np.uint8), 0.5) for c in colors]
    movie = Image.open(io.BytesIO(films.drawn(frames, kind)))
    seen = []
    for i in range(movie.n_frames):
        movie.seek(i)
        seen.append(movie.convert("RGB").getpixel((3, 3)))
        assert movie.info["duration"] == 500
    assert seen == colors
