"""The C program's dump files. The layout is checked with struct, which shares nothing with the code under test."""

import struct

import numpy as np
import pytest

from jaxbragg.io.dump import read_dump, write_dump
from jaxbragg.io.errors import FileError

# h -1…0, k 2…2, l 3…5, as nanoBragg.c lays it out: 3 × 2 × 4 doubles, of which 2 × 1 × 3 count.
DOUBLES = [
    *(1.0, 2.0, 3.0, 0.0),
    *(0.0, 0.0, 0.0, 0.0),
    *(4.0, 5.0, 6.0, 0.0),
    *(0.0, 0.0, 0.0, 0.0),
    *(0.0, 0.0, 0.0, 0.0),
    *(0.0, 0.0, 0.0, 0.0),
]
BODY = struct.pack("<24d", *DOUBLES)
CONTENT = b"-1 0 2 2 3 5\n\f" + BODY
VALUES = np.array([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]])


def test_reads_the_c_layout(tmp_path):
    (tmp_path / "Fdump.bin").write_bytes(CONTENT)
    values, minimum = read_dump(tmp_path / "Fdump.bin")
    assert minimum == (-1, 2, 3)
    assert values.dtype == np.float64
    assert values.flags.writeable
    np.testing.assert_array_equal(values, VALUES)


def test_writes_the_c_layout(tmp_path):
    write_dump(tmp_path / "Fdump.bin", VALUES, (-1, 2, 3))
    assert (tmp_path / "Fdump.bin").read_bytes() == CONTENT


def test_fill_goes_to_the_unused_entries(tmp_path):
    write_dump(tmp_path / "a", VALUES, (-1, 2, 3), fill=7.0)
    padded = [value or 7.0 for value in DOUBLES]
    assert (tmp_path / "a").read_bytes()[-24 * 8 :] == struct.pack("<24d", *padded)
    np.testing.assert_array_equal(read_dump(tmp_path / "a")[0], VALUES)


def test_values_that_begin_like_white_space(tmp_path):
    tricky = np.frombuffer(b"\x0c\n \t\r\x0b 0" * 8, "<f8").reshape(2, 2, 2)
    write_dump(tmp_path / "a", tricky, (0, 0, 0))
    assert read_dump(tmp_path / "a")[0].tobytes() == tricky.tobytes()


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (CONTENT[:-8], None, "expected 192 bytes after the header for 2×1×3 indices, but found 184"),
        (CONTENT + b"\0", None, "expected 192 bytes after the header for 2×1×3 indices, but found 193"),
        (b"-1 0 2 2 3 5\n\f", None, "expected 192 bytes after the header for 2×1×3 indices, but found 0"),
        (b"0 -1 2 2 3 5\n\f" + BODY, 1, "expected h_min h_max k_min k_max l_min l_max, but found '0 -1 2 2 3 5'"),
        (b"1 2 3\n" + BODY, 1, "expected six integers, a line feed and a form feed, but found '1 2 3'"),
        (b"\x89PNG\r\n", 1, "expected six integers, a line feed and a form feed, but found '\\x89PNG\\r'"),
        (b"", None, "the file is empty"),
        (
            b"0 0 1 1 2 2\n\f" + struct.pack("<8d", np.nan, *[0.0] * 7),
            None,
            "expected finite structure factors, but found another at 0 1 2",
        ),
    ],
)
def test_broken_files(tmp_path, content, line, reason):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_dump(tmp_path / "a.bin")
    assert (caught.value.line, caught.value.reason) == (line, reason)
    assert str(caught.value).startswith(str(tmp_path / "a.bin"))


def test_only_boxes_are_written(tmp_path):
    with pytest.raises(ValueError, match="must be a box"):
        write_dump(tmp_path / "a", np.zeros((2, 2)), (0, 0, 0))
