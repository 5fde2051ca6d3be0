"""MOSFLM matrix files."""

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.matrix import read_matrix, read_matrix_cell

NINE = (
    " -0.02033968  -0.00421917  -0.01011657\n"
    " -0.00433359  -0.02107579   0.00925756\n"
    " -0.01387507   0.01276753   0.01193863\n"
)
MATRIX = [
    [-0.02033968, -0.00421917, -0.01011657],
    [-0.00433359, -0.02107579, 0.00925756],
    [-0.01387507, 0.01276753, 0.01193863],
]
REST = "       0.000       0.000       0.000\n  0.1 0.2 0.3\n0 1 0\n0 0 1\n  40.0 40.0 60.0 90. 90. 90.\nSYMM P4\n"


@pytest.mark.parametrize("text", [NINE, NINE + REST, " ".join(NINE.split()), "# A\n" + NINE.replace("\n", " # x\r\n")])
def test_first_nine_numbers_in_rows(tmp_path, text):
    (tmp_path / "A.mat").write_bytes(text.encode())
    matrix = read_matrix(tmp_path / "A.mat")
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, MATRIX)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("1 2 3\n4 five 6\n7 8 9", 2, "expected nine numbers, but found 'five'"),
        ("1 0 0 0 1 0 0 0 nan", 1, "expected nine numbers, but found 'nan'"),
        ("1 0 0 0\n1 0 0 0 inf", 2, "expected nine numbers, but found 'inf'"),
        ("1 2 3\n4 5 6\n7 8\n", None, "expected nine numbers, but found 8"),
        ("# none\n", None, "expected nine numbers, but found 0"),
        ("", None, "the file is empty"),
        ("0 0 0 0 0 0 0 0 0", None, "expected three reciprocal vectors that span a volume, but they lie in a plane"),
        ("1 2 3 4 5 6 7 8 9", None, "expected three reciprocal vectors that span a volume, but they lie in a plane"),
    ],
)
def test_broken_files(tmp_path, text, line, reason):
    (tmp_path / "A.mat").write_text(text)
    with pytest.raises(FileError) as caught:
        read_matrix(tmp_path / "A.mat")
    assert (caught.value.line, caught.value.reason) == (line, reason)
    assert str(caught.value).startswith(str(tmp_path / "A.mat"))


def test_scale_does_not_matter(tmp_path):
    for scale in ("e-200", "e200"):
        (tmp_path / "A.mat").write_text(f"1{scale} 0 0  0 2{scale} 0  0 0 3{scale}")
        np.testing.assert_array_equal(read_matrix(tmp_path / "A.mat"), np.diag([1, 2, 3]) * float("1" + scale))


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_matrix(tmp_path / "none.mat")


U = " 0 -1 0\n 1 0 0\n 0 0 1\n"


@pytest.mark.parametrize(
    ("rest", "cell"),
    [
        ("0 0 0\n" + U + "40 41 60 90 91 92\n0 0 0\n", [40, 41, 60, 90, 91, 92]),
        ("0 0 0\n" + U + "40 41 60 90 91 92\nSYMM P1\n", [40, 41, 60, 90, 91, 92]),
        ("# misset\n0 0 0\n" + U + "40 41 60 # Å\n90 91 92", [40, 41, 60, 90, 91, 92]),
        ("", None),
        ("0 0 0\n" + U, None),
        (REST, None),  # no rotation
        ("0 0 0\n" + U + "40 -41 60 90 91 92\n", None),
        ("0 0 0\n" + U + "40 41 60 90 91 192\n", None),
        ("0 0 0\n" + U + "40 41 60 90 91 nan\n", None),
    ],
)
def test_the_cell_behind_the_matrix(tmp_path, rest, cell):
    (tmp_path / "A.mat").write_text(NINE + rest)
    found = read_matrix_cell(tmp_path / "A.mat")
    assert (None if found is None else found.tolist()) == cell
