"""Amorphous structure factors."""

import math

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.stol import read_stol


def test_reads_and_sorts(tmp_path):
    (tmp_path / "water.stol").write_text("# stol F\n0.5 3 extra\n0 2.57 # forward\n\n0.25 7.5")
    stol, F = read_stol(tmp_path / "water.stol")
    assert stol.tolist() == [0.0, 0.25, 0.5]
    assert F.tolist() == [2.57, 7.5, 3.0]
    assert stol.dtype == F.dtype == np.float64


@pytest.mark.parametrize("scale", [1.0, 0.25, 1.0 / (4.0 * math.pi)])
def test_scale_turns_the_first_column_alone(tmp_path, scale):
    (tmp_path / "a").write_text("1 10\n2 20")
    stol, F = read_stol(tmp_path / "a", scale)
    assert stol.tolist() == [scale, 2.0 * scale]
    assert F.tolist() == [10.0, 20.0]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("0 1\nhello\n", 2, "expected two numbers, but found 'hello'"),
        ("0 1\n1\n", 2, "expected two numbers, but found '1'"),
        ("0 nan\n1 2\n", 1, "expected two numbers, but found '0 nan'"),
        ("-0.1 1\n1 2\n", 1, "expected sin θ/λ that is not negative, but found '-0.1'"),
        ("1 5\n0 1\n\n1.0 6\n", 4, "expected each sin θ/λ once, but found that of line 1 again"),
        ("1 5\n", None, "expected at least two points, but found 1"),
        ("# none\n", None, "expected at least two points, but found 0"),
        ("", None, "the file is empty"),
    ],
)
def test_broken_files(tmp_path, text, line, reason):
    (tmp_path / "a.stol").write_text(text)
    with pytest.raises(FileError) as caught:
        read_stol(tmp_path / "a.stol")
    assert (caught.value.line, caught.value.reason) == (line, reason)
    assert str(caught.value).startswith(str(tmp_path / "a.stol"))
