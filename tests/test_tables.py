"""Tables: whatever the file, the same numbers come in, and what is wrong is named in one line."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinct.errors import TableError
from tinct.tables import Table, read_table, standardize
from tinct.tables.mat import arrays

VALUES = np.array([[1.5, 2.0], [3.25, -4.0], [5e-3, 6e7]])


def written(tmp_path: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("mark", [",", ";", "\t", "|", " ", ", "])
@pytest.mark.parametrize("header", ["", "a{0}b\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_gives_the_same_numbers_however_it_is_written(tmp_path, mark, header, end):
    lines = [mark.join(map(str, row)) for row in VALUES.tolist()]
    text = (header.format(mark) + "\n".join(lines) + "\n").replace("\n", end)
    table = read_table(written(tmp_path, text))
    assert np.array_equal(table.values, VALUES)
    assert table.columns == (("a", "b") if header else ("x0", "x1"))
    assert table.values.dtype == np.float64


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_names_survive_every_encoding_that_says_what_it_is(tmp_path, encoding):
    path = written(tmp_path, "größe,breite\n1,2\n".encode(encoding))
    assert read_table(path).columns == ("größe", "breite")


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3), min_size=1))
def test_every_float_comes_back_to_the_last_bit(rows, tmp_path_factory):
    text = "\n".join(",".join(map(repr, row)) for row in rows)
    path = written(tmp_path_factory.mktemp("floats"), "a,b,c\n" + text + "\n")
    assert np.array_equal(read_table(path).values, np.array(rows))


def test_quoted_cells_comments_at_the_top_and_blank_lines_are_understood(tmp_path):
    text = '# by hand\n# again\n"a, b",c\n\n"1","2"\n\n3,4\n'
    table = read_table(written(tmp_path, text))
    assert table.columns == ("a, b", "c")
    assert table.values.tolist() == [[1, 2], [3, 4]]


LOCAL = {  # how countries and spreadsheets write 1234.5, -0.25 and 1000000
    "a;b\n1234,5;x\n-0,25;y\n1000000;z\n": "decimal comma",
    "a;b\n1.234,5;x\n-0,25;y\n1.000.000;z\n": "thousands' points",
    'a,b\n"1,234.5",x\n-0.25,y\n"1,000,000",z\n': "thousands' commas, quoted",
    'a,b\n"1234,5",x\n"-0,25",y\n1000000,z\n': "decimal comma, quoted",
    "a\tb\n1 234,5\tx\n-0,25\ty\n1 000 000\tz\n": "thousands' blanks",
    "a;b\n1\u202f234,5;x\n\u22120,25;y\n1\u202f000\u202f000;z\n": "narrow blanks, a true minus",
    "a|b\n1'234.5|x\n-0.25|y\n1'000'000|z\n": "Swiss",
    "a;b\n123450 %;x\n-25%;y\n100000000 %;z\n": "percent",
    "a,b\n+1234.5,x\n-.25,y\n1E+6,z\n": "a plus, an exponent",
}


@pytest.mark.parametrize("text", LOCAL, ids=LOCAL.get)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_number_is_the_same_however_a_spreadsheet_writes_it(tmp_path, text, encoding):
    table = read_table(written(tmp_path, text.encode(encoding)))
    assert table.values.tolist() == [[1234.5], [-0.25], [1000000]]
    assert (table.columns, table.aside) == (("a",), ("b",))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.floats(-1e12, 1e12).map(lambda x: round(x, 2)), min_size=2, max_size=9),
    apart=st.sampled_from(["", ".", " ", "\u00a0", "'"]),
)
def test_sheets_with_decimal_commas_hold_the_numbers_that_were_meant(rows, apart, tmp_path_factory):
    rows = [*rows, 0.5]  # one that only a decimal comma explains
    cells = [f"{x:_.2f}".replace("_", apart or "").replace(".", ",") for x in rows]
    if apart == ".":
        cells = [f"{x:_.2f}".replace(".", ",").replace("_", ".") for x in rows]
    path = written(tmp_path_factory.mktemp("comma"), "a;b\n" + "".join(f"{c};{c}\n" for c in cells))
    assert read_table(path).values.tolist() == [[x, x] for x in rows]


def test_windows_1252_is_understood_where_the_bytes_are_not_utf_8(tmp_path):
    table = read_table(written(tmp_path, "größe;preis €\n1,5;2\n".encode("cp1252")))
    assert (table.columns, table.values.tolist()) == (("größe", "preis €"), [[1.5, 2]])


def test_columns_of_words_and_empty_ones_are_left_aside_unless_asked_for(tmp_path):
    path = written(tmp_path, "id,x,day,none\nA1,1,2024-01-31,\nA2,2,2024-02-01,\n")
    assert read_table(path).columns == ("x",)
    assert read_table(path).aside == ("id", "day", "none")
    with pytest.raises(TableError, match="column 'day' holds text in line 2: '2024-01-31'"):
        read_table(path, columns=["x", "day"])
    with pytest.raises(TableError, match="no column holds numbers"):
        read_table(written(tmp_path, "a,b\nx,y\n"))


def test_missing_values_become_the_mean_of_the_others(tmp_path):
    path = written(tmp_path, "a,b\n1,2\n,4\n5,NA\n")
    table = read_table(path, missing="mean")
    assert table.values.tolist() == [[1, 2], [3, 4], [5, 3]]
    assert (table.filled, table.dropped) == (2, ())
    with pytest.raises(ValueError, match="missing must be error or drop or mean"):
        read_table(path, missing="zero")


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_dataframe_is_read_as_its_file_would_be(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    data = {
        "a": [1.5, 2.5, 4.0],
        "word": ["x", "y", "z"],
        "b": [1, 2, None],
        "c": [True, False, True],
    }
    table = read_table(make(data), missing="drop")
    assert table.values.tolist() == [[1.5, 1, 1], [2.5, 2, 0]]
    assert (table.columns, table.aside, table.dropped) == (("a", "b", "c"), ("word",), (2,))
    with pytest.raises(TableError, match="column 'word' holds no numbers"):
        read_table(make(data), columns=["word"])


def test_blanks_between_cells_may_be_any_and_rows_of_another_length_are_refused(tmp_path):
    assert read_table(written(tmp_path, " 1  2\t3\n\n4 5 6 \n")).values.tolist() == [
        [1, 2, 3],
        [4, 5, 6],
    ]
    with pytest.raises(TableError, match="line 3 has 2 cells, not 3"):
        read_table(written(tmp_path, "1 2 3\n4 5 6\n7 8\n" + "1 2 3\n" * 20))


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_in_as_float32_if_they_are_and_as_float64_otherwise(tmp_path, dtype, order):
    array = np.array([[1, 0], [1, 1], [0, 1]]).astype(dtype, order=order)
    np.save(tmp_path / "a.npy", array)
    table = read_table(tmp_path / "a.npy")
    assert np.array_equal(table.values, array)
    assert table.values.dtype == (np.float32 if dtype == "f4" else np.float64)
    assert table.values.flags.c_contiguous
    assert table.values.flags.writeable


def test_a_structured_array_brings_its_column_names(tmp_path):
    np.save(tmp_path / "s.npy", np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f4")]))
    assert read_table(tmp_path / "s.npy").columns == ("a", "b")


def test_the_only_table_of_an_archive_is_found_and_others_are_asked_for(tmp_path):
    np.savez(tmp_path / "one.npz", X=VALUES, y=np.arange(3))
    assert np.array_equal(read_table(tmp_path / "one.npz").values, VALUES)
    np.savez(tmp_path / "two.npz", a=VALUES, b=VALUES + 1)
    assert np.array_equal(read_table(tmp_path / "two.npz", variable="b").values, VALUES + 1)
    with pytest.raises(TableError, match="several tables: name one of 'a', 'b'"):
        read_table(tmp_path / "two.npz")
    with pytest.raises(TableError, match="no variable 'c'; there are 'a', 'b'"):
        read_table(tmp_path / "two.npz", variable="c")


def test_a_matlab_file_gives_its_table_beside_a_vector(tmp_path):
    io = pytest.importorskip("scipy.io")
    for version in ("4", "5"):
        path = tmp_path / f"v{version}.mat"
        io.savemat(path, {"X": VALUES, "y": np.arange(3.0)}, format=version)
        assert np.array_equal(read_table(path).values, VALUES)
    io.savemat(tmp_path / "cube.mat", {"A": np.zeros((2, 3, 4))})
    with pytest.raises(TableError, match=re.escape("there is A (2, 3, 4)")):
        read_table(tmp_path / "cube.mat")


@pytest.mark.parametrize("how", [{"format": "4"}, {}, {"do_compression": True}])
def test_arrays_of_a_matlab_file_are_what_scipy_reads(how):
    scipy = pytest.importorskip("scipy.io")
    made = {"X": VALUES, "small": np.full((3, 2), 7.0), "whole": np.eye(3, dtype=np.int16)}
    made |= {"text": "hello", "complex": np.array([[1j]]), "single": np.ones((1, 4), np.float32)}
    if "format" not in how:
        made |= {"cube": np.arange(24).reshape(2, 3, 4), "cell": np.array(["a", "bb"], object)}
        made |= {"true": np.array([[True, False]]), "struct": {"a": 1.0}, "none": np.zeros((0, 3))}
    file = io.BytesIO()
    scipy.savemat(file, made, **how)
    right = scipy.loadmat(io.BytesIO(file.getvalue()))
    found = arrays(file.getvalue())
    assert {name for name, _, _ in found} == made.keys()
    for name, shape, values in found:
        assert shape == right[name].shape or name == "text"  # which SciPy joins
        assert (values is None) == (name in ("text", "complex", "cell", "struct"))
        assert values is None or np.array_equal(values, right[name])


@pytest.mark.parametrize("how", [{"format": "4"}, {}, {"do_compression": True}])
def test_a_broken_matlab_file_is_read_or_refused_and_ends_nothing(how, tmp_path):
    """SciPy's reader ended the process with 1 in 330 of such files."""
    scipy = pytest.importorskip("scipy.io")
    scipy.savemat(tmp_path / "a.mat", {"X": VALUES}, **how)
    whole, chance = (tmp_path / "a.mat").read_bytes(), np.random.default_rng(0)
    for at in [*range(0, len(whole), 5), *chance.integers(0, len(whole), 300)]:
        broken = bytearray(whole)
        broken[at] = chance.integers(256)
        (tmp_path / "a.mat").write_bytes(broken[: None if at % 3 else int(at)])
        with contextlib.suppress(TableError):
            read_table(tmp_path / "a.mat")


def test_a_parquet_file_whose_names_are_no_text_is_refused_in_one_line(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"width": [1.0, 2.0]}), path)
    path.write_bytes(path.read_bytes().replace(b"width", b"\xa7idth"))
    with pytest.raises(TableError, match="broken Parquet file"):
        read_table(path)


def test_parquet_gives_columns_in_the_order_asked_and_counts_missing_rows(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"a": [1, None, 3], "b": [0.5, 1.5, 2.5], "word": ["x", "y", "z"]}
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet", columns=["b", "a"], missing="drop")
    assert table.values.tolist() == [[0.5, 1], [2.5, 3]]
    assert (table.columns, table.dropped) == (("b", "a"), (1,))
    assert read_table(tmp_path / "t.parquet", missing="drop").aside == ("word",)
    with pytest.raises(TableError, match="column 'word' holds no numbers"):
        read_table(tmp_path / "t.parquet", columns=["word"])
    with pytest.raises(TableError, match="row 1, column 'a' has no value"):
        read_table(tmp_path / "t.parquet", columns=["a"])


def test_columns_go_by_name_first_and_by_number_otherwise(tmp_path):
    path = written(tmp_path, "a,0\n2,3\n4,5\n")
    assert read_table(path, columns=["0", "a"]).values.tolist() == [[3, 2], [5, 4]]
    assert read_table(path, columns=[0]).columns == ("a",)
    assert read_table(path, columns=["1"]).columns == ("0",)


def test_dropping_rows_keeps_the_others_and_says_which_went(tmp_path):
    path = written(tmp_path, "a,b\n1,2\n,3\n4,NA\n5,6\nnan,1\n")
    table = read_table(path, missing="drop")
    assert table.values.tolist() == [[1, 2], [5, 6]]
    assert table.dropped == (1, 2, 4)
    assert read_table(path, columns=["b"], missing="drop").dropped == (2,)


WRONG = {
    "": "the file is empty",
    "\n\n": "no rows",
    "a,b\n": "a header and no rows",
    "a,b\n1,2\n3,\n": "line 3, column 'b' has no value",
    "a,b\n1,\n,2\n": r"line 2, column 'b' has no value \(2 rows lack one\)",
    "a,b\n1,inf\n": "line 2, column 'b' is infinite",
    "a,b\n1,2\n3\n": "line 3 has 1 cell, not 2",
    "1,2\n3,4,5\n": "line 2 has 3 cells, not 2",
    "a,b\n" + "1,2\n" * 300 + "1,x\n": "column 'b' holds text in line 302: 'x'",
    "a,b\n1,1+2j\n" + "1,2\n" * 20: "holds text in line 2: '1\\+2j'",
    'a,b\n"1\n",2\n\n3,4\n' + "5,6\n" * 20 + "7,?x\n": "line 26: '\\?x'; numeric columns: 'a'",
    "größe\nü\n".encode("latin-1"): "no column holds numbers",
    "größe\n1\n".encode("utf-16") + b"\x00\xd8": "not utf-16 text",
    bytes(range(256)): "not a table in a known format",
    b"\x89PNG\r\n\x1a\n": "a PNG picture, not a table",
    b"\x1f\x8b\x08rest": "compressed with gzip",
    b"MATLAB 7.3 MAT-file": "MATLAB 7.3 file; save it with -v7",
    b"PK\x03\x04broken": "broken NPZ file",
    b"PAR1broken": "broken Parquet file",
    b"\x93NUMPY\x01\x00v": "broken NPY file",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: str(text)[:18])
def test_what_is_wrong_with_a_file_is_one_line_that_names_the_file(tmp_path, text):
    if str(WRONG[text]).startswith("broken Parquet"):
        pytest.importorskip("pyarrow")
    path = written(tmp_path, text)
    with pytest.raises(TableError, match=WRONG[text]) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.array([None, 1]), "Python objects inside, which are never loaded"),
        (np.ones((2, 2), complex), "complex numbers, not real numbers"),
        (np.array(["a", "b"]), "text, not real numbers"),
        (np.zeros((2, 3, 4)), r"an array of shape \(2, 3, 4\), not rows and columns"),
        (np.zeros((0, 2)), "no rows"),
        (np.array([[1, np.nan]]), "row 0, column 'x1' has no value"),
        (np.array([[np.inf, 1]]), "row 0, column 'x0' is infinite"),
    ],
)
def test_an_array_that_is_no_table_of_numbers_is_refused(tmp_path, array, what):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(TableError, match=what):
        read_table(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        (["z"], "no column 'z'; there are 'a', 'b'"),
        ([2], "no column 2"),
        ([-1], "no column -1"),
        ([], "no columns asked for"),
        (["a", 0], "column 'a' is asked for 2 times"),
    ],
)
def test_columns_that_can_not_be_picked_are_named(tmp_path, columns, what):
    with pytest.raises(TableError, match=what):
        read_table(written(tmp_path, "a,b\n1,2\n"), columns=columns)


def test_a_missing_file_and_a_directory_are_said_to_be_so(tmp_path):
    with pytest.raises(TableError, match=r"nofile.csv: no such file"):
        read_table(tmp_path / "nofile.csv")
    with pytest.raises(TableError, match="a directory, not a table"):
        read_table(tmp_path)
    with pytest.raises(TableError, match="only NPZ and MATLAB files hold named variables"):
        read_table(written(tmp_path, "1,2\n"), variable="X")


def test_standardized_columns_have_mean_0_and_deviation_1_and_come_back():
    values = np.random.default_rng(0).normal([5, -300], [0.1, 70], (500, 2))
    scaled, scale = standardize(Table(values, ("a", "b"), "noise"))
    assert np.allclose(scaled.values.mean(axis=0), 0)
    assert np.allclose(scaled.values.std(axis=0), 1)
    assert np.allclose(scale.undo(scaled.values), values)


def test_a_constant_column_is_found_and_kept_as_it_is():
    table = Table(np.array([[7.0, 2.0], [7.0, 3.0]]), ("same", "other"), "t")
    assert table.constant == ("same",)
    scaled, scale = standardize(table)
    assert scaled.values.tolist() == [[7, -1], [7, 1]]
    assert scale.undo(scaled.values).tolist() == table.values.tolist()
