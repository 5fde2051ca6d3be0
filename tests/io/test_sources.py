"""Lists of sources."""

import numpy as np
import pytest

from jaxbragg.io.errors import FileError
from jaxbragg.io.sources import read_sources

NAN = np.nan


def test_reads_whole_lines(tmp_path):
    (tmp_path / "s.txt").write_text("# x y z I lambda\n\n-10.0 0 0 1.0 1.00e-10\n-10.0 0.01 0 0 0.99e-10")
    sources = read_sources(tmp_path / "s.txt")
    assert sources.dtype == np.float64
    np.testing.assert_array_equal(sources, [[-10, 0, 0, 1, 1e-10], [-10, 0.01, 0, 0, 0.99e-10]])


def test_missing_values_are_nan(tmp_path):
    (tmp_path / "s.txt").write_text("-10 1 2 # comment\n-10 1 2 3\nnan NaN nan 0.5")
    expected = [
        [-10, 1, 2, NAN, NAN],
        [-10, 1, 2, 3, NAN],
        [NAN, NAN, NAN, 0.5, NAN],
    ]
    np.testing.assert_array_equal(read_sources(tmp_path / "s.txt"), expected)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("1 0 0\n1 0 zero", 2, "expected x y z intensity wavelength, but found 'zero'"),
        ("1 0 0 1_0", 1, "expected x y z intensity wavelength, but found '1_0'"),
        ("-10 0 0\n-10", 2, "expected x y z intensity wavelength, but found only a part of a position: '-10'"),
        (
            "# wavelength weight\n1.2398 0.00628",
            2,
            "expected x y z intensity wavelength, but found only a part of a position: '1.2398 0.00628'",
        ),
        ("-10 nan 0 1", 1, "expected x y z intensity wavelength, but found only a part of a position: '-10 nan 0 1'"),
        *(
            (
                f"-10 0 0 1 0.98e-10\n-10 0 0 1 {word}",
                2,
                f"expected a wavelength below 1e-6 m, but found '{word}': is it in metres? 1 Å is 1e-10, 12.4 keV "
                "likewise",
            )
            for word in ("0.98", "12650", "12.65", "1.1e-6")
        ),
        ("inf 0 0", 1, "expected x y z intensity wavelength, but found 'inf'"),
        ("1 2 3 4 5 6", 1, "expected x y z intensity wavelength, but found 6 words: '1 2 3 4 5 6'"),
        ("1 0 0 -1", 1, "expected an intensity that is not negative, but found '-1'"),
        ("\n1 0 0 1 0", 2, "expected a positive wavelength [m], but found '0'"),
        ("1 0 0 1 -1e-10", 1, "expected a positive wavelength [m], but found '-1e-10'"),
        ("0 0 0 1", 1, "expected a source away from the sample, but found '0 0 0 1'"),
        ("# nothing\n", None, "expected x y z intensity wavelength, but found no source"),
        ("", None, "the file is empty"),
    ],
)
def test_broken_files(tmp_path, text, line, reason):
    (tmp_path / "s.txt").write_text(text)
    with pytest.raises(FileError) as caught:
        read_sources(tmp_path / "s.txt")
    assert (caught.value.line, caught.value.reason) == (line, reason)
    assert str(caught.value).startswith(str(tmp_path / "s.txt"))
