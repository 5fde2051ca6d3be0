"""Portable grey maps."""

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.pgm import read_pgm, write_pgm
from jaxbragg.io.smv import number

# The first bytes that nanoBragg.c wrote for the command line in test_smv.py, and the picture's first pixels.
FROM_C = b"P5\n96 96\n# pixels scaled by 0.0899277\n255\n" + bytes(
    [0] * 12 + [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 6, 3, 0, 5, 6, 0, 85, 43]
)


def test_bytes_are_the_c_programs(tmp_path):
    image = np.zeros((96, 96), np.uint8)
    image[0, :31] = list(FROM_C[-31:])
    write_pgm(tmp_path / "a.pgm", image, comment=f"pixels scaled by {number(0.08992771)}")
    content = (tmp_path / "a.pgm").read_bytes()
    assert content[: len(FROM_C)] == FROM_C
    assert len(content) == len(FROM_C) - 31 + 96 * 96
    np.testing.assert_array_equal(read_pgm(tmp_path / "a.pgm"), image)


def test_round_trip_without_a_comment(tmp_path):
    image = np.arange(256, dtype=np.uint8).reshape(8, 32)
    write_pgm(tmp_path / "a.pgm", image.T)
    assert (tmp_path / "a.pgm").read_bytes()[:13] == b"P5\n8 32\n255\n\x00"
    np.testing.assert_array_equal(read_pgm(tmp_path / "a.pgm"), image.T)


@pytest.mark.parametrize("header", [b"P5 2 1 255 ", b"P5\n# a\n#b 9\n2#c\n1\n# d\n255\n", b"P5\r\n2 1\r255\n"])
def test_headers_of_other_programs(tmp_path, header):
    (tmp_path / "a.pgm").write_bytes(header + b"\n#and a tail")
    assert read_pgm(tmp_path / "a.pgm").tolist() == [[10, 35]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"P2\n1 1\n255\n0", "expected a P5 header, but found 'P2\\n1 1\\n255\\n0'"),
        (b"P5\n1 -1\n255\n0", "expected a P5 header, but found 'P5\\n1 -1\\n255\\n0'"),
        (b"P5\n1", "expected a P5 header, but found 'P5\\n1'"),
        (b"P5\n1 1\n65535\n00", "expected 255 as the largest grey level, but found 65535"),
        (b"P5\n0 1\n255\n", "expected at least one pixel, but found 1×0"),
        (b"P5\n3 2\n255\n12345", "expected 6 bytes for 2×3 pixels, but found 5"),
        (b"", "the file is empty"),
    ],
)
def test_broken_files(tmp_path, content, reason):
    (tmp_path / "a.pgm").write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_pgm(tmp_path / "a.pgm")
    assert str(caught.value) == f"{tmp_path / 'a.pgm'}: {reason}"


@pytest.mark.parametrize(
    ("image", "comment", "word"),
    [
        (np.zeros((2, 2)), None, "image"),
        (np.zeros(4, np.uint8), None, "image"),
        (np.zeros((2, 2), np.uint8), "a\nb", "comment"),
    ],
)
def test_what_does_not_suit_the_format(tmp_path, image, comment, word):
    with pytest.raises(ValueError, match=f"Argument `{word}`"):
        write_pgm(tmp_path / "a.pgm", image, comment)
