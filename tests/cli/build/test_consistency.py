"""Inputs that do not go together are doubted once each, with the numbers; those that do are not."""

import numpy as np
import pytest
from effects import setup

from jaxbragg.cli.outputs import write_table

CELL = "-cell 40 40 55 90 90 90 -N 5 -oversample 9"
FAR = "-lambda 1 -distance 100 -detpixels 16 -pixel 0.5"  # reaches to 14 Å


def matrix(path, wavelength: float, cell: str = "79 79 38 90 90 90", identity: str = "1 0 0\n0 1 0\n0 0 1\n") -> None:
    """As MOSFLM writes it: A = λ U B, missetting angles, U, the cell, missetting angles again."""
    a = wavelength * np.diag([1 / 79, 1 / 79, 1 / 38])
    rows = "".join(" ".join(f"{value:12.8f}" for value in row) + "\n" for row in a)
    path.write_text(f"{rows} 0 0 0\n{identity} {cell}\n 0 0 0\nSYMM P43212\n")


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def doubts(words: str, given: str) -> list[str]:
    found = setup(words, given).notes
    assert set(found.doubts) <= set(found.warnings)
    return found.doubts


# A matrix and the cell in its file -----------------------------------------------------------------------------------

MATRIX = "-mat A.mat -default_F 100 -N 5 -oversample 9"


@pytest.mark.parametrize("flag", ["-lambda 0.9768", "-energy 12692.89"])
def test_a_matrix_at_its_own_wavelength(tmp_path, flag: str) -> None:
    matrix(tmp_path / "A.mat", 0.9768)
    assert doubts(flag, MATRIX) == []


@pytest.mark.parametrize(("wavelength", "made_for"), [("0.9795", "0.9768"), ("1", "0.9768"), ("6.2", "0.9768")])
def test_a_matrix_at_another_wavelength_says_which_was_its_own(tmp_path, wavelength: str, made_for: str) -> None:
    matrix(tmp_path / "A.mat", 0.9768)
    scale = float(wavelength) / 0.9768
    (said,) = doubts(f"-lambda {wavelength}", MATRIX)
    assert said == (
        f"A.mat: its own cell is 79 79 38 90 90 90, but its matrix at {float(wavelength):g} Å gives "
        f"{79 * scale:.5g} {79 * scale:.5g} {38 * scale:.5g} 90 90 90: it was made for a wavelength of {made_for} Å"
    )


@pytest.mark.parametrize("cell", ["79 79 39 90 90 90", "79 79 38 90 91 90"])
def test_a_matrix_with_another_cell_at_any_wavelength(tmp_path, cell: str) -> None:
    matrix(tmp_path / "A.mat", 1.0, cell)
    (said,) = doubts("-lambda 1", MATRIX)
    assert said == f"A.mat: its own cell is {cell}, but its matrix at 1 Å gives 79 79 38 90 90 90"


def test_no_cell_no_doubt(tmp_path) -> None:
    """A bare matrix, further numbers that are no U and cell, lengths that -cell gives."""
    path = tmp_path / "A.mat"
    matrix(path, 0.9768)
    assert doubts("-lambda 1 -cell 79 79 38", MATRIX) == []
    matrix(path, 0.9768, identity="1 2 3\n4 5 6\n7 8 9\n")
    assert doubts("-lambda 1", MATRIX) == []
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    assert doubts("-lambda 1", MATRIX) == []


# A table and its other half ------------------------------------------------------------------------------------------


def table(path, keep, largest: int = 4, value: float = 100.0) -> None:
    span = range(-largest, largest + 1)
    rows = [(h, k, m) for h in span for k in span for m in span if keep(h, k, m)]
    path.write_text("".join(f"{h} {k} {m} {value}\n" for h, k, m in rows))


@pytest.mark.parametrize(
    ("keep", "alone", "total"),
    [
        (lambda h, k, m: m > 0, 324, 324),
        (lambda h, k, m: m < 0, 324, 324),
        (lambda h, k, m: h > 0, 324, 324),
        (lambda h, k, m: h > 0 and k > 0 and m > 0, 64, 64),
        (lambda h, k, m: m >= 0, 324, 404),  # the plane l = 0 has its mates
    ],
)
def test_a_table_of_one_half_is_named(tmp_path, keep, alone: int, total: int) -> None:
    table(tmp_path / "half.hkl", keep)
    (said,) = doubts(FAR, f"{CELL} -hkl half.hkl")
    dark = ", and half of the image is dark" if alone == total else ""
    assert said == (
        f"half.hkl: {alone} of {total} reflections lack their Friedel mates -h -k -l: -default_F 0 is used for those"
        + dark
    )
    assert doubts(FAR, f"{CELL} -hkl half.hkl -default_F 3")[0].endswith("-default_F 3 is used for those")


@pytest.mark.parametrize("keep", [lambda h, k, m: True, lambda h, k, m: (h + k + m) % 2 == 0, lambda h, k, m: m == 0])
def test_a_table_with_its_mates_is_fine(tmp_path, keep) -> None:
    table(tmp_path / "all.hkl", keep)
    assert doubts(FAR, f"{CELL} -hkl all.hkl") == []


def test_a_dump_is_a_table_too(tmp_path) -> None:
    table(tmp_path / "half.hkl", lambda h, k, m: m > 0)
    write_table("F.bin", setup(FAR, f"{CELL} -hkl half.hkl"))
    (said,) = doubts(FAR, f"{CELL} -dump F.bin")
    assert said.startswith("F.bin: 324 of 324 reflections lack")


# A table and the detector --------------------------------------------------------------------------------------------


def test_a_table_that_ends_before_the_detector(tmp_path) -> None:
    """Its last reflection is 4 4 4; the corner is seen at 2θ = atan(√2 · 102.4/2 / 60), about the middle of MOSFLM."""
    table(tmp_path / "all.hkl", lambda h, k, m: True)
    geometry = "-lambda 1 -distance 60 -xds"
    (said,) = doubts(geometry, f"{CELL} -hkl all.hkl")
    ends = 1 / np.sqrt(2 * (4 / 40) ** 2 + (4 / 55) ** 2)
    reaches = 0.5 / np.sin(np.arctan(np.sqrt(2) * 51.2 / 60) / 2)
    start = (
        f"all.hkl: the table ends at {ends:.4g} Å, but the detector reaches to {reaches:.4g} Å: -default_F 0 is used"
    )
    assert said.startswith(f"{start} for what is beyond, in about ")
    share = float(said.split(" in about ")[1].split()[0])
    edge = 1 / ends + 1 / 40  # half an index either way
    covered = np.pi * (60 * np.tan(2 * np.arcsin(edge / 2))) ** 2 / 102.4**2
    assert share == pytest.approx(100 * (1 - covered), abs=6)


@pytest.mark.parametrize(
    "words",
    [
        "-lambda 1 -distance 1000",
        "-lambda 10 -distance 100",
        "-lambda 1 -distance 60 -dmin 7",
        "-lambda 1 -distance 60 -roi 500 520 500 520",
    ],
)
def test_a_table_that_reaches_as_far(tmp_path, words: str) -> None:
    table(tmp_path / "all.hkl", lambda h, k, m: True)
    assert doubts(f"{words} -xds", f"{CELL} -hkl all.hkl -oversample 500") == []


def test_the_source_that_reaches_farthest_counts(tmp_path) -> None:
    table(tmp_path / "all.hkl", lambda h, k, m: True)
    (tmp_path / "hard.txt").write_text("-10 0 0 1 10e-10\n-10 0 0 1 1e-10\n")
    words = "-lambda 10 -distance 60 -sourcefile hard.txt"
    reaches = 0.5 / np.sin(np.arctan(np.sqrt(2) * 51.3 / 60) / 2)  # MOSFLM has one pixel more on one side
    assert f"reaches to {reaches:.4g} Å" in doubts(words, f"{CELL} -hkl all.hkl -oversample 500")[0]


@pytest.mark.parametrize("mode", ["", "--compat"])
def test_a_curved_detector_is_looked_at_too(tmp_path, mode: str) -> None:
    """Its offsets over the distance are angles."""
    table(tmp_path / "all.hkl", lambda h, k, m: True)
    (said, *_) = doubts(f"-curved_det -lambda 1 -distance 60 -xds {mode}", f"{CELL} -hkl all.hkl")
    reaches = 1 / np.sqrt(2 * (1 - np.cos(51.2 / 60) ** 2))
    assert f"reaches to {reaches:.4g} Å" in said
