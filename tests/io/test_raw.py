"""Raw float32 images."""

import struct

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.raw import read_float_image, write_float_image


def test_bytes_are_little_endian_slow_major(tmp_path):
    write_float_image(tmp_path / "a.bin", [[0.0, 1.0, 2.5], [3.0, 4.0, 1e30]])
    assert (tmp_path / "a.bin").read_bytes() == struct.pack("<6f", 0.0, 1.0, 2.5, 3.0, 4.0, 1e30)


def test_round_trip(tmp_path):
    image = np.random.default_rng(0).exponential(size=(2, 5, 7)).astype(np.float32)
    write_float_image(tmp_path / "a.bin", image.transpose(0, 2, 1))
    back = read_float_image(tmp_path / "a.bin", (2, 7, 5))
    assert back.dtype == np.float32
    assert back.flags.writeable
    np.testing.assert_array_equal(back, image.transpose(0, 2, 1))


def test_wrong_size_says_both(tmp_path):
    write_float_image(tmp_path / "a.bin", np.zeros((4, 5)))
    with pytest.raises(FileError) as caught:
        read_float_image(tmp_path / "a.bin", (4, 6))
    assert str(caught.value) == f"{tmp_path / 'a.bin'}: expected 96 bytes for 4×6 pixels of float32, but found 80"


def test_missing_and_empty(tmp_path):
    (tmp_path / "empty.bin").touch()
    with pytest.raises(FileError, match="no such file"):
        read_float_image(tmp_path / "none.bin", (1, 1))
    with pytest.raises(FileError, match="the file is empty"):
        read_float_image(tmp_path / "empty.bin", (1, 1))


def test_missing_folder(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        write_float_image(tmp_path / "none" / "a.bin", np.zeros((2, 2)))
