"""Tables of structure factors as text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxbragg.io.errors import FileError
from jaxbragg.io.hkl import read_hkl, write_hkl


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A file that a property test may write again and again."""
    return tmp_path_factory.mktemp("hkl") / "any.hkl"


def failure(path, text: str | bytes) -> FileError:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FileError) as caught:
        read_hkl(path)
    return caught.value


def test_reads_comments_blanks_and_further_columns(tmp_path):
    path = tmp_path / "a.hkl"
    path.write_text("# h k l F\n\n  23  15  -1   23.00  1.5 FreeR\n-0 0 1.0 1e2# why\r\n\t+3 -4 5 -0.5")
    hkl, F = read_hkl(path)
    assert hkl.dtype == np.int32
    assert F.dtype == np.float64
    np.testing.assert_array_equal(hkl, [[23, 15, -1], [0, 0, 1], [3, -4, 5]])
    np.testing.assert_array_equal(F, [23.0, 100.0, -0.5])


def test_repeated_indices_stay_in_order(tmp_path):
    (tmp_path / "a.hkl").write_text("1 2 3 4\n1 2 3 5\n")
    assert read_hkl(tmp_path / "a.hkl")[1].tolist() == [4.0, 5.0]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("1 2 3 4\n# c\nhello\n", 3, "expected h k l F, but found 'hello'"),
        ("1 2 3 4\n1 2 3\n", 2, "expected h k l F, but found '1 2 3'"),
        ("1 2 3 # 4", 1, "expected h k l F, but found '1 2 3'"),
        ("1 2 3 4x", 1, "expected h k l F, but found '1 2 3 4x'"),
        ("1,2,3,4", 1, "expected h k l F, but found '1,2,3,4'"),
        ("1 2 3 1_0", 1, "expected h k l F, but found '1 2 3 1_0'"),
        ("\n1 2.5 3 4", 2, "expected integer Miller indices, but found '1 2.5 3 4'"),
        ("1 2 3 nan", 1, "expected finite numbers, but found '1 2 3 nan'"),
        ("1 2 3 1e999", 1, "expected finite numbers, but found '1 2 3 1e999'"),
        ("1 inf 3 1", 1, "expected finite numbers, but found '1 inf 3 1'"),
        ("1 2 3 4\n0 0 -32768 1", 2, "expected Miller indices within ±32767, but found '0 0 -32768 1'"),
        ("", None, "the file is empty"),
        ("# only this\n \n", None, "expected h k l F, but found no reflection"),
        (b"1 2 3 4\n\xff", 2, "expected text in UTF-8, but found the byte 0xff"),
    ],
)
def test_errors_name_file_line_and_what_was_found(tmp_path, text, line, reason):
    error = failure(tmp_path / "a.hkl", text)
    assert (error.line, error.reason) == (line, reason)
    where = "" if line is None else f", line {line}"
    assert str(error) == f"{tmp_path / 'a.hkl'}{where}: {reason}"


def test_largest_indices_are_fine(tmp_path):
    (tmp_path / "a.hkl").write_text("32767 -32767 0 1")
    assert read_hkl(tmp_path / "a.hkl")[0].tolist() == [[32767, -32767, 0]]


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_hkl(tmp_path / "none.hkl")


INDEX = st.integers(-32767, 32767)
ROW = st.tuples(INDEX, INDEX, INDEX, st.floats(allow_nan=False, allow_infinity=False))


@given(table=st.lists(ROW, min_size=1, max_size=20))
def test_round_trip_is_exact(scratch, table):
    rows = [row[:3] for row in table]
    F = [row[3] for row in table]
    write_hkl(scratch, rows, F)
    hkl, back = read_hkl(scratch)
    np.testing.assert_array_equal(hkl, rows)
    assert back.tobytes() == np.array(F).tobytes()


def assert_table_or_file_error(path):
    said = None
    try:
        hkl, F = read_hkl(path)
    except FileError as error:
        said = str(error)
    if said is None:
        assert hkl.shape == (F.size, 3)
        assert F.size > 0
        assert np.isfinite(F).all()
    else:
        assert said.startswith(str(path))
        assert len(said.splitlines()) == 1


@given(text=st.text())
def test_any_text_gives_a_table_or_file_error(scratch, text):
    scratch.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert_table_or_file_error(scratch)


@given(text=st.text(alphabet="0123456789 -+.eE#\n\t\rnaif_\"'\v\x1c\u2028"))
def test_any_nearly_right_text_gives_a_table_or_file_error(scratch, text):
    scratch.write_text(text, encoding="utf-8", newline="")
    assert_table_or_file_error(scratch)


@given(content=st.binary())
def test_any_bytes_give_a_table_or_file_error(scratch, content):
    scratch.write_bytes(content)
    assert_table_or_file_error(scratch)


def test_sixty_thousand_lines_come_back(tmp_path):
    axis = np.arange(-20, 20)
    hkl = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)[:60000]
    write_hkl(tmp_path / "a.hkl", hkl, np.linspace(0.0, 100.0, 60000))
    back, factors = read_hkl(tmp_path / "a.hkl")
    np.testing.assert_array_equal(back, hkl)
    np.testing.assert_allclose(factors, np.linspace(0.0, 100.0, 60000), rtol=1e-15)


@pytest.mark.parametrize(
    ("hkl", "F"),
    [
        ([[1, 2, 3]], [1.0, 2.0]),
        ([[1, 2]], [1.0]),
        ([[1, 2, 3]], [np.nan]),
        ([[1.5, 2, 3]], [1.0]),
        (np.zeros((0, 3)), []),
    ],
)
def test_unreadable_tables_are_not_written(tmp_path, hkl, F):
    with pytest.raises(ValueError, match="Arguments `hkl` and `F` must"):
        write_hkl(tmp_path / "a.hkl", hkl, F)
    assert not (tmp_path / "a.hkl").exists()
