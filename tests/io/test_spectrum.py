"""Spectra of two columns, in any unit that can be told or is given."""

from pathlib import Path

import numpy as np
import pytest

from jaxbragg.io import FileError
from jaxbragg.io.spectrum import read_spectrum


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("a.txt", "# eV, counts\n12398.42 2\n10000 1 7 8\n", None),
        ("a.txt", "12.39842 2\n10 1", "keV"),
        ("a.lam", "1 2\n1.239842 1\n", None),
        ("a.txt", "1.239842 1\n1.0 2", "angstrom"),
        ("a.txt", "0.1 2\n0.1239842 1\n0.2 0\n", "nm"),
        ("a.txt", "1e-10 2\n1.239842e-10 1\n", None),
    ],
)
def test_all_of_these_are_one_spectrum(tmp_path, name, text, unit):
    (tmp_path / name).write_text(text)
    wavelengths, intensities = read_spectrum(tmp_path / name, unit)
    np.testing.assert_allclose(wavelengths, [1.0, 1.239842], rtol=1e-7)
    assert intensities.tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10 1\n", "may be Å, nm or keV: --spectrum-unit says which"),
        ("9000\n", "line 1.*expected an energy or a wavelength, and an intensity"),
        ("9000 1\n9001 x\n", "line 2"),
        ("9000 -1\n", "expected an intensity that is not negative"),
        ("-9000 1\n", "expected a positive energy"),
        ("9000 0\n", "found no intensity above 0"),
        ("# nothing\n", "found no intensity above 0"),
        ("9000 nan\n", "line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, message):
    path = tmp_path / "s.txt"
    path.write_text(text)
    with pytest.raises(FileError, match=message):
        read_spectrum(path)


def test_a_file_that_is_not_there_and_a_unit_that_is_none():
    with pytest.raises(FileError):
        read_spectrum(Path("no_such_file"))
    with pytest.raises(ValueError, match="`unit` must be one of eV"):
        read_spectrum("any", "furlong")
