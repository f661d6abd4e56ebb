"""Our DEFLATE: every stream inflates to what it was made of, whoever inflates it."""

import io
import os
import select
import signal
import subprocess
import sys
import zlib

import deflate
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import reference
from tinct import _kernels, _probes
from tinct.codecs.deflate import indexed, repacked

WINDOW, LONGEST = 32768, 258


def stream_of(data: bytes, stride: int = 64, threads: int = 1, times: int = 1) -> bytes:
    return _kernels.encode_deflate(bytearray(data), stride, threads, times)


def assert_round_trip(data: bytes, stride: int = 64) -> None:
    for times in (0, 1):
        stream = stream_of(data, stride, times=times)
        assert zlib.decompress(stream) == data
        assert deflate.zlib_decompress(stream, len(data)) == data


few = st.integers(1, 4).flatmap(lambda k: st.lists(st.integers(0, k - 1), max_size=400).map(bytes))
pieces = st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.integers(1, 70)), max_size=12)
repeated = pieces.map(lambda found: b"".join(piece * times for piece, times in found))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | few | repeated, st.integers(1, 90))
def test_every_stream_inflates_to_what_it_was_made_of(data, stride):
    assert_round_trip(data, stride)


@pytest.mark.parametrize("period", [1, 2, 3, 4, 7, 8, 15, 16, 17, 63, 64, 257, 258, 259, 300])
def test_a_period_of_any_length_round_trips_in_few_bytes(period):
    data = (bytes(range(256)) * 2)[:period] * 40
    assert_round_trip(data)
    assert len(stream_of(data)) <= 60 + min(period, 256) + len(data) // 60


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4000)), min_size=2, max_size=12))
def test_copies_many_times_the_longest_round_trip_in_few_bytes(parts):
    noise = [
        np.random.default_rng(seed).integers(0, 9, 4000, np.uint8).tobytes() for seed in range(4)
    ]
    data = b"".join(noise[which][:length] for which, length in parts)
    assert_round_trip(data, stride=1000)
    assert len(stream_of(data, 1000)) <= 1.005 * len(deflate.zlib_compress(data, 12)) + 20


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 8, 9, 16, 17, 257, 258, 259, 260, 516, 517, 65536])
def test_equal_bytes_of_any_number_round_trip(size):
    assert_round_trip(b"\x07" * size)
    assert_round_trip(b"\x01" + b"\x07" * size + b"\x02")


@pytest.mark.parametrize("gap", [WINDOW - 2, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW, 65536 + 5])
def test_copies_at_the_windows_edge_round_trip(gap):
    noise = np.random.default_rng(gap).integers(0, 256, gap + 600, np.uint8)
    noise[gap:] = noise[:600]
    assert_round_trip(noise.tobytes())


@pytest.mark.parametrize(
    ("size", "most"), [(49_151, 1.03), (49_152, 1.03), (300_000, 1.03), ((8 << 20) + 9, 1.1)]
)
def test_haste_costs_few_bytes_and_threads_change_none(size, most):
    """From 49,152 on in two bands; from 8 MB on fewer matches are looked for."""
    chance = np.random.default_rng(size)
    walk = np.cumsum(chance.integers(-1, 2, size // 6)).astype(np.uint8) % 23
    rows = walk.repeat(chance.integers(1, 17, len(walk)))[:size].tobytes()
    assert len(rows) == size
    hasty = stream_of(rows, 640, times=0)
    assert hasty == stream_of(rows, 640, threads=3, times=0)
    assert zlib.decompress(hasty) == rows
    assert len(hasty) <= most * len(stream_of(rows, 640))


def test_noise_takes_no_more_than_it_is_long():
    data = np.random.default_rng(1).integers(0, 256, 300_000, np.uint8).tobytes()
    assert_round_trip(data)
    assert len(stream_of(data)) <= len(data) + 5 * (len(data) // 65535 + 2) + 6


@pytest.mark.parametrize("kind", ["blank", "line"])
def test_an_empty_page_takes_no_more_than_by_zlib(kind):
    """However many bands its bytes would fill: each has a header, which is all there is."""
    page = np.full((700, 4001), 255, np.uint8)
    page[:, 0] = 0
    if kind == "line":
        page[300, 1:900] = 7
    data = page.tobytes()
    for times in (0, 1):
        stream = stream_of(data, 4001, times=times)
        assert zlib.decompress(stream) == data
        assert len(stream) <= len(zlib.compress(data, 9))


def test_haste_costs_few_bytes_where_rows_repeat_for_long():
    """As on charts: bars, lines and letters on an empty ground, of more than 8 MB."""
    chance = np.random.default_rng(0)
    width, rows = 4000, (8 << 20) // 4000 + 2
    page = np.zeros((rows, width), np.uint8)
    for _ in range(400):
        top, left = chance.integers(0, rows), chance.integers(1, width)
        high, wide = (
            chance.integers(1, (300, 30)[left % 2]),
            chance.integers(1, (20, width)[left % 2]),
        )
        page[top : top + high, left : left + wide] = chance.integers(1, 9)
    data = page.tobytes()
    hasty = stream_of(data, width, times=0)
    assert zlib.decompress(hasty) == data
    assert len(hasty) <= 1.05 * len(stream_of(data, width))


def mixed(size: int) -> bytes:
    """Rows like a picture's: runs, copies from above, some noise."""
    rng = np.random.default_rng(size)
    rows = np.repeat(
        rng.integers(0, 40, size // 5 + 1, np.uint8), rng.integers(1, 10, size // 5 + 1)
    )[:size]
    rows = np.resize(rows, size).reshape(-1)
    for at in rng.integers(600, max(size - 300, 601), size // 400):
        length = int(rng.integers(3, 300))
        rows[at : at + length] = rows[at - 600 : at - 600 + length][: len(rows[at : at + length])]
    return rows.tobytes()


@pytest.mark.parametrize("size", [(3 << 18) - 1, 3 << 18, 1_400_000])
def test_bands_round_trip_with_the_same_bytes_on_any_number_of_threads(size):
    data = mixed(size)
    alone = stream_of(data, 600)
    assert zlib.decompress(alone) == data
    assert alone == stream_of(data, 600, 2) == stream_of(data, 600, 3)


def test_every_instruction_set_writes_the_same_bytes():
    code = (
        "import sys, zlib; from tinct import _kernels; data = bytearray(sys.stdin.buffer.read());"
        "sys.stdout.write(str(zlib.crc32(_kernels.encode_deflate(data, 600, 1))))"
    )
    data = mixed(60_000)
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=data,
            capture_output=True,
            check=True,
            env={**os.environ, "TINCT_SIMD": simd},
        ).stdout
        for simd in ("baseline", "avx2", "avx512")
    }
    assert found == {str(zlib.crc32(stream_of(data, 600))).encode()}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=2, max_size=9), st.integers(4, 7))
def test_code_lengths_are_the_cheapest_within_the_limit(counts, limit):
    lengths = _probes.code_lengths(np.array(counts, np.uint32), limit)
    assert all((length > 0) == (count > 0) for length, count in zip(lengths, counts, strict=True))
    used = [count for count in counts if count]
    cost = sum(count * int(length) for count, length in zip(counts, lengths, strict=True))
    assert cost == (reference.cheapest_code(used, limit) if len(used) > 1 else sum(used))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300) | few | repeated, st.integers(1, 90), st.integers(2, 15))
def test_parsing_again_keeps_the_data_and_never_takes_more(data, stride, times):
    again = stream_of(data, stride, times=times)
    assert zlib.decompress(again) == data
    assert len(again) <= len(stream_of(data, stride))


def test_parsing_again_saves_with_the_same_bytes_on_any_number_of_threads():
    rng = np.random.default_rng(0)
    words = [bytes(rng.integers(0, 14, n, np.uint8)) for n in rng.integers(2, 30, 40)]
    rows = b"".join(words[at] for at in rng.integers(0, 40, 2000))
    assert len(stream_of(rows, 600, times=15)) < len(stream_of(rows, 600))
    long = mixed(3 << 18)
    alone = stream_of(long, 600, times=15)
    assert zlib.decompress(alone) == long
    assert alone == stream_of(long, 600, 2, times=15) == stream_of(long, 600, 3, times=15)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_png_packed_again_holds_the_same_pixels_and_never_more_bytes(bits):
    colors = 1 << bits
    entries = [(color, 255 - color, 9, 255 if color else 0) for color in range(colors)]
    indices = np.random.default_rng(bits).integers(0, colors, (24, 40)).repeat(5, axis=1)
    packed = np.packbits(
        np.unpackbits(indices.astype(np.uint8)[..., None], axis=2)[..., -bits:].reshape(24, -1),
        axis=1,
    )
    plain = indexed(packed.tobytes(), 200, 24, entries, bits, 0, 1)
    again = repacked(plain, 1)
    assert len(again) <= len(plain)
    seen = [np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")) for data in (plain, again)]
    np.testing.assert_array_equal(*seen)
    np.testing.assert_array_equal(seen[1], np.array(entries, np.uint8)[indices])


def test_a_png_of_it_is_what_pillow_reads():
    rng = np.random.default_rng(3)
    indices = np.minimum(rng.geometric(0.2, (300, 333)), 200).astype(np.uint8)
    entries = [(i, 255 - i, i // 2, 255) for i in range(256)]
    file = indexed(indices.tobytes(), 333, 300, entries, 8, 2)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), indices)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forked processes")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_process_makes_the_same_file():
    """oxipng waited there for threads that were its parent's."""
    rows = bytes(range(16)) * 4
    here = indexed(rows, 16, 4, [(v, v, 9, 255) for v in range(16)], 8)
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        there = indexed(rows, 16, 4, [(v, v, 9, 255) for v in range(16)], 8)
        os._exit(there == here)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], 20)  # closed at its end
    os.close(reading)
    if not ready:
        os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
