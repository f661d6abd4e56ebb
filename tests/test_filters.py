"""Laws of indices behind PNG's filters: the palette's order, each row's filter, what rows take."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from painted import text
from tinct import _kernels
from tinct.codecs.arrays import drawing_of, encode
from tinct.codecs.deflate import filtered
from tinct.codecs.png import CODEC, for_filters, may_be_filtered
from tinct.compress.compress import compress
from tinct.picture.read import read


@st.composite
def drawings(draw, most=40):
    palette = draw(
        hnp.arrays(np.uint8, (draw(st.integers(1, most)), draw(st.sampled_from([3, 4]))))
    )
    shape = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    indices = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, len(palette) - 1)))
    return drawing_of(indices, palette)


def shown(drawing):
    return drawing.palette[drawing.indices]


def chain(indices, k):
    """Zeng, Li and Lei's order with Pinho's weights, written down from the definition."""
    together = np.zeros((k, k), np.int64)
    for one, other in ((indices[:, 1:], indices[:, :-1]), (indices[1:], indices[:-1])):
        np.add.at(together, (one, other), 1)
    together += together.T
    np.fill_diagonal(together, 0)
    found = [int(together.sum(1).argmax())]
    while left := [i for i in range(k) if i not in found]:
        best = max(left, key=lambda i: (together[i, found].sum(), -i))
        weights = together[best, found]
        toward_front = weights @ (len(found) - 1 - 2 * np.arange(len(found)))
        found.insert(0 if toward_front > 0 else len(found), best)
    return found


def differences(indices, y):
    """A row's differences from what each of the filters 1...4 predicts."""
    rows = np.pad(indices.astype(int), ((1, 0), (1, 0)))
    left, above, corner = rows[y + 1, :-1], rows[y, 1:], rows[y, :-1]
    away = [abs(left + above - corner - near) for near in (left, above, corner)]
    paeth = np.choose(np.argmin(away, axis=0), [left, above, corner])
    guesses = (left, above, (left + above) // 2, paeth)
    return [((rows[y + 1, 1:] - guess) % 256).astype(np.uint8) for guess in guesses]


@settings(max_examples=200, deadline=None)
@given(drawings())
def test_another_order_shows_the_same_colors_the_opaque_ones_last(drawing):
    other = drawing.reordered(drawing.height, drawing.height)
    np.testing.assert_array_equal(shown(other), shown(drawing))
    opaque = [entry[3] == 255 for entry in other.entries]
    assert opaque == sorted(opaque)


@settings(max_examples=200, deadline=None)
@given(drawings())
def test_entries_stand_as_they_come_behind_the_most_frequent_one(drawing):
    other = drawing.by_first_use()
    np.testing.assert_array_equal(shown(other), shown(drawing))
    opaque = np.array([entry[3] == 255 for entry in other.entries])
    assert list(opaque) == sorted(opaque)
    indices = other.indices.ravel()
    usual, first = np.bincount(indices).argmax(), np.unique(indices, return_index=True)[1]
    for alike in (False, True):
        places = np.flatnonzero(opaque == alike)
        if usual in places:
            assert usual == places[0]
        assert (np.diff(first[places[places != usual]]) > 0).all()


@settings(max_examples=200, deadline=None)
@given(drawings())
def test_a_file_behind_filters_is_the_same_picture(drawing):
    size = drawing.width, drawing.height
    pixels = read(filtered(drawing.filtered(), *size, drawing.entries)).pixels
    np.testing.assert_array_equal(pixels, shown(drawing)[..., : pixels.shape[2]])


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.uint8, (7, 9), elements=st.integers(0, 11)), st.integers(0, 2**32 - 1))
def test_what_meets_in_the_picture_stands_side_by_side(indices, seed):
    colors = np.random.default_rng(seed).permutation(256)[:36].reshape(12, 3).astype(np.uint8)
    drawing = drawing_of(indices, colors)
    other = drawing.reordered(drawing.height, drawing.height)
    order = chain(drawing.indices, len(drawing.palette))
    np.testing.assert_array_equal(other.palette, drawing.palette[order])


def test_greys_stand_by_their_value():
    values = np.random.default_rng(0).permutation(256)[:50].astype(np.uint8)
    indices = np.random.default_rng(1).integers(0, 50, (40, 40)).astype(np.uint8)
    drawing = for_filters(drawing_of(indices, np.repeat(values[:, None], 3, axis=1)))
    assert list(drawing.palette[:, 0]) == sorted(drawing.palette[:, 0])


@settings(max_examples=100, deadline=None)
@given(drawings())
def test_each_row_has_the_filter_of_the_least_differences(drawing):
    rows = np.frombuffer(drawing.filtered(), np.uint8).reshape(drawing.height, -1)
    for y, row in enumerate(rows):
        tried = differences(drawing.indices, y)
        sums = [np.minimum(line, 256 - line.astype(int)).sum() for line in tried]
        assert row[0] == 1 + np.argmin(sums)
        np.testing.assert_array_equal(row[1:], tried[row[0] - 1])


@settings(max_examples=100, deadline=None)
@given(drawings(), st.integers(1, 5), st.integers(0, 5))
def test_the_entropy_is_that_of_the_rows_asked_for(drawing, count, between):
    lines = np.frombuffer(drawing.filtered(), np.uint8).reshape(drawing.height, -1)
    rows = lines[np.arange(drawing.height) % (count + between) < count]
    share = np.bincount(rows.ravel())[np.unique(rows)] / rows.size
    bits = -(share * np.log2(share)).sum() * lines.size
    found = drawing.filtered_entropy(count, count + between)
    assert found == pytest.approx(bits / 8, rel=1e-3, abs=1e-3 * lines.size)


def cloth():
    """Stripes of a few colors, each of threads from dark to light that change as they go down."""
    chance = np.random.default_rng(3)
    threads = np.cumsum(chance.normal(0, 0.03, (192, 192)), axis=0) + chance.uniform(0.4, 1, 192)
    hues = np.repeat(chance.integers(60, 256, (6, 3)), 32, axis=0)
    return (hues * threads[..., None]).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("lossy", [0, "auto"])
def test_filters_serve_where_neighbors_are_near_in_the_palette(lossy):
    small = compress(cloth(), 128, lossy=lossy)
    assert len(small.data) < 0.9 * len(encode(small.indices, small.palette, level=2))
    np.testing.assert_array_equal(read(small.data).pixels, small.image)


def test_filters_are_tried_where_their_entropy_promises_something():
    for pixels, worth in ((cloth(), True), (text(), False)):
        plain = compress(pixels, 64, lossy=0)
        drawing = drawing_of(plain.indices, plain.palette)
        size = len(encode(plain.indices, plain.palette, level=2))
        assert may_be_filtered(for_filters(drawing), size) == worth
        assert CODEC.predicts(drawing, size) == worth
        assert len(CODEC.encode(drawing)) <= size


def test_large_rows_are_coded_in_haste_and_hold_the_same():
    indices = np.random.default_rng(0).integers(0, 4, (2100, 2100)).astype(np.uint8)
    drawing = _kernels.Drawing(indices, np.arange(12, dtype=np.uint8).reshape(4, 3))
    data = filtered(drawing.filtered(), 2100, 2100, drawing.entries)
    np.testing.assert_array_equal(read(data).pixels, drawing.palette[indices])
