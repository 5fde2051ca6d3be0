"""What each flag of the crystal and of its structure factors changes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from effects import BASE, CELL, Effect, check, same, setup
from scipy.spatial.transform import Rotation

from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.read import Setup
from jaxbragg.io import FileError, read_dump

F100 = "-default_F 100"
# a* along z, b* along x, c* along y; 50 × 60 × 70 Å at 1 Å.
MATRIX = "0 0.016666666666666666 0\n0 0 0.014285714285714285\n0.02 0 0\n"
PERMUTED = np.array([[0, 0, 50.0], [60.0, 0, 0], [0, 70.0, 0]])


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "A.mat").write_text(MATRIX)
    (tmp_path / "table.hkl").write_text("-1 0 2 10\n1 1 3 20\n")


def crystal(name: str) -> Callable[[Setup], object]:
    return lambda s: getattr(s.experiment.crystal, name)


def vectors(s: Setup) -> np.ndarray:
    return np.asarray(s.experiment.crystal.vectors())


def six(s: Setup) -> list[float]:
    cell = s.experiment.crystal.cell
    return [float(getattr(cell, name)) for name in ("a", "b", "c", "alpha", "beta", "gamma")]


def factor(h: int, k: int, l: int) -> Callable[[Setup], float]:
    def get(s: Setup) -> float:
        factors = s.experiment.structure_factors
        at = np.array((h, k, l)) - factors.minimum
        inside = (at >= 0).all() and (at < factors.values.shape).all()
        return float(factors.values[tuple(at)] if inside else factors.default)

    return get


def interpolation(s: Setup) -> str:
    return s.options.interpolation


shape, cells, misset = crystal("shape"), crystal("cells"), crystal("misset")

CASES = (
    Effect("-mat A.mat", vectors, PERMUTED),
    Effect("-mat A.mat", vectors, PERMUTED * 2, base="-lambda 2", given=f"{F100} -cell 100 120 140"),
    Effect("-cell 70 80 90 75 85 95", six, (70, 80, 90, 75, 85, 95)),
    Effect("-cell 55 66 77", vectors, PERMUTED * 1.1, base="-mat A.mat", given=F100),
    Effect("-misset 0 0 90", vectors, [[0, 50, 0], [-60, 0, 0], [0, 0, 70]]),
    Effect("-misset 90 0 90", vectors, [[0, 50, 0], [0, 0, 60], [70, 0, 0]]),
    Effect("-misset 1 -2 3", misset, (1, -2, 3)),
    Effect("-misset_seed 99", misset, (88.353367, -12.878428, -74.666044), base="--compat -misset random -seed 5"),
    Effect("-N 5", cells, (5, 5, 5)),
    Effect("-Na 5", cells, (5, 1, 1)),
    Effect("-Nb 5", cells, (1, 5, 1)),
    Effect("-Nc 5", cells, (1, 1, 5)),
    Effect("-Nb 7", cells, (5, 7, 5), base="-N 5"),
    Effect("-N 5", cells, (5, 5, 5), base="-Na 2 -Nb 7 -sample_height 1"),
    # 1.001 µm = 10010 Å
    Effect("-samplesize 0.001001", cells, (201, 167, 143)),
    Effect("-sample_thick 0.001001", cells, (201, 1, 1)),
    Effect("-sample_width 0.001001", cells, (1, 167, 1)),
    Effect("-sample_height 0.001001", cells, (1, 1, 143)),
    Effect("-sample_width 0.0000001", cells, (3, 1, 3), base="-N 3"),
    Effect("-beamsize 0.0005005", cells, (201, 84, 72), base="-samplesize 0.001001"),
    Effect("-square_xtal", shape, "square", base="-round_xtal"),
    Effect("-round_xtal", shape, "round"),
    Effect("-gauss_xtal", shape, "gauss"),
    Effect("-tophat_spots", shape, "tophat"),
    Effect("--spot-scale 1e6", crystal("blocks"), 1e6),
    Effect("-fudge 1.5", crystal("fudge"), 1.5, base="-gauss_xtal"),
    Effect("-hkl table.hkl", factor(1, 1, 3), 20),
    Effect("-hkl table.hkl", factor(-1, 0, 2), 10),
    Effect("-default_F 7", factor(9, 9, 9), 7, given=f"{CELL} -hkl table.hkl"),
    Effect("-default_F 7", factor(0, 0, 2), 7, given=f"{CELL} -hkl table.hkl"),  # within the box, too
    Effect("-interpolate", interpolation, "tricubic", base="-hkl table.hkl -N 5"),
    Effect("-nointerpolate", interpolation, "nearest", base="-hkl table.hkl"),
    Effect("-dmin 2.5", lambda s: s.options.d_min, 2.5),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_effect(case: Effect) -> None:
    if case.flag == "misset_seed":  # the C program's draw, known to six digits
        assert np.allclose(misset(setup(str(case))), case.expected, rtol=0, atol=1e-5)
        assert not np.allclose(misset(setup(case.base)), case.expected, rtol=0, atol=1)
        return
    check(case)


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("50", (50, 50, 50, 90, 90, 90)),
        ("50 60", (50, 60, 50, 90, 90, 90)),
        ("50 60 70", (50, 60, 70, 90, 90, 90)),
        ("50 60 70 80", (50, 60, 70, 80, 90, 90)),
        ("50 60 70 80 100", (50, 60, 70, 80, 100, 90)),
    ],
)
def test_what_a_cell_leaves_out(given: str, full: tuple[float, ...]) -> None:
    assert same(six(setup(given=f"{F100} -cell {given}")), full)


def test_a_cell_alone_has_a_star_along_x_and_b_star_in_the_xy_plane() -> None:
    reciprocal = np.linalg.inv(vectors(setup("-cell 50 60 70 75 85 95"))).T
    assert np.allclose(reciprocal[0, 1:], 0)
    assert np.isclose(reciprocal[1, 2], 0)
    assert (np.diag(reciprocal) > 0).all()


def test_the_cell_that_is_asked_for_and_the_one_of_the_c_program() -> None:
    asked = "-cell 50 60 70 75 85 95"
    assert same(six(setup(asked)), (50, 60, 70, 75, 85, 95))
    drawn = six(setup(f"{asked} --compat"))
    assert np.allclose(drawn, (50, 60, 70, 75.039, 85.014, 95.008), rtol=0, atol=5e-4)


def test_compat_leaves_right_angles_and_matrices_alone() -> None:
    assert np.allclose(six(setup("--compat")), (50, 60, 70, 90, 90, 90))
    assert np.allclose(vectors(setup("-mat A.mat --compat", given=F100)), PERMUTED)


def test_cell_angles_that_the_matrix_does_not_have_are_named() -> None:
    s = setup("-mat A.mat -cell 55 66 77 90 90 100", given=F100)
    assert np.allclose(six(s), (55, 66, 77, 90, 90, 90))
    assert any("the angles are those of A.mat" in line for line in s.notes.warnings)
    assert not setup("-mat A.mat -cell 55 66 77", given=F100).notes.warnings


def test_a_size_counts_the_cells_of_the_matrix() -> None:
    assert same(cells(setup("-mat A.mat -samplesize 0.001001", given=F100)), (201, 167, 143))
    assert same(cells(setup("-mat A.mat -samplesize 0.001001 -cell 100 120 140", given=F100)), (101, 84, 72))


def test_the_beam_clips_the_crystal_across_it_with_a_warning() -> None:
    s = setup("-samplesize 0.2")
    assert same(cells(s), (40000, 16667, 14286))  # 0.1 mm across, 0.2 mm along
    assert [line for line in s.notes.warnings if "clipped to the beam of 0.1 mm" in line]
    assert not [line for line in setup("-samplesize 0.1").notes.warnings if "clipped" in line]


def test_square_spots_have_no_fudge() -> None:
    assert setup("-fudge 2").notes.warnings == ["-fudge has no effect on square spots"]
    assert not setup("-fudge 2 -tophat_spots").notes.warnings


def test_the_last_shape_counts() -> None:
    assert shape(setup("-gauss_xtal -tophat_spots -round_xtal")) == "round"


def test_a_left_handed_matrix_is_named(tmp_path) -> None:
    (tmp_path / "left.mat").write_text("0.02 0 0\n0 0.02 0\n0 0 -0.02\n")
    s = setup("-mat left.mat", given=F100)
    assert "left-handed" in s.notes.warnings[0]


def test_a_flat_matrix_is_an_error(tmp_path) -> None:
    (tmp_path / "flat.mat").write_text("1 0 0 0 1 0 1 1 0\n")
    with pytest.raises(FileError, match="lie in a plane"):
        setup("-mat flat.mat", given=F100)


@pytest.mark.parametrize(("given", "missing"), [(F100, "no crystal"), (CELL, "no structure factors")])
def test_what_cannot_be_left_out(given: str, missing: str) -> None:
    with pytest.raises(UsageError, match=missing):
        setup(given=given)


# -misset random ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["", " --compat"])
def test_same_seed_same_misset(mode: str) -> None:
    first, again, other = (misset(setup(f"-misset random -misset_seed {n}{mode}")) for n in (7, 7, 8))
    assert same(first, again)
    assert not np.allclose(first, other, atol=0.1)


def test_misset_without_a_seed_takes_that_of_the_noise_and_says_so() -> None:
    s = setup("-misset random -seed 7")
    assert same(misset(s), misset(setup("-misset random -misset_seed 7")))
    assert "-misset random without -misset_seed: seed 7" in s.notes.said
    assert "-misset random without -misset_seed: seed 7" not in setup("-misset random").notes.said


def test_the_misset_drawn_is_said() -> None:
    angles = "88.353367 -12.878428 -74.666044"
    assert f"random misset: {angles} deg" in setup("-misset random -misset_seed 99 --compat").notes.said


def test_random_missets_are_uniform() -> None:
    """Where the y axis goes has mean 0 and mean square 1/3 along each axis; four standard deviations are allowed."""
    angles = [misset(setup(f"-misset random -misset_seed {seed}")) for seed in range(200)]
    turned = Rotation.from_euler("xyz", np.array(angles), degrees=True).apply((0, 1, 0))
    assert np.abs(turned.mean(axis=0)).max() < 4 / np.sqrt(3 * 200)
    assert np.abs((turned**2).mean(axis=0) - 1 / 3).max() < 4 * np.sqrt(4 / 45 / 200)


def test_a_seed_that_seeds_nothing_is_named() -> None:
    assert setup("-misset_seed 5").notes.warnings == [
        "-misset_seed without -misset random: the orientation is not changed"
    ]


# Structure factors ---------------------------------------------------------------------------------------------------


def dump(flags: str = "") -> None:
    assert main(f"{BASE} -detpixels 1 --quiet -floatfile /dev/null -hkl table.hkl -dump F.bin {flags}".split()) == 0


def test_a_dump_is_written_and_read_again() -> None:
    table = setup("-hkl table.hkl -dump F.bin")
    assert not Path("F.bin").exists()  # who only reads flags writes nothing
    dump()
    values, minimum = read_dump("F.bin")
    assert minimum == (-1, 0, 2)
    assert values.shape == (3, 2, 2)
    assert (values[0, 0, 0], values[2, 1, 1], values[1, 0, 0]) == (10, 20, 100)
    again = setup("-dump F.bin")
    assert np.array_equal(again.experiment.structure_factors.values, table.experiment.structure_factors.values)
    assert again.experiment.structure_factors.minimum == (-1, 0, 2)
    assert factor(9, 9, 9)(setup("-default_F 3 -dump F.bin")) == 3


def test_a_dump_alone_is_enough_and_must_be_there() -> None:
    dump()
    assert factor(1, 1, 3)(setup("-dump F.bin", given=CELL)) == 20
    assert factor(9, 9, 9)(setup("-dump F.bin", given=CELL)) == 0
    with pytest.raises(FileError, match=r"none\.bin"):
        setup("-dump none.bin", given=CELL)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "tricubic"),
        ("-N 2", "tricubic"),
        ("-N 3", "nearest"),
        ("-Na 5 -Nb 5", "tricubic"),
        ("-Na 5 -Nb 5 -Nc 2", "tricubic"),
        ("-Na 5 -Nb 5 -Nc 3", "nearest"),
        ("-Na 1 -N 5", "nearest"),
        ("-N 5 -Na 1", "tricubic"),
        ("-samplesize 0.01", "tricubic"),
        ("-samplesize 0.01 -N 5", "nearest"),
        ("-N 2 -nointerpolate", "nearest"),
        ("-N 9 -interpolate", "tricubic"),
        ("-N 9 -interpolate -nointerpolate", "nearest"),
        ("-N 9 -nointerpolate -interpolate", "tricubic"),
    ],
)
def test_when_structure_factors_are_interpolated(words: str, expected: str) -> None:
    assert interpolation(setup(f"-hkl table.hkl {words}")) == expected
    assert interpolation(setup(words)) == "nearest"  # without a table


def test_interpolation_that_nobody_asked_for_is_said() -> None:
    said = "structure factors are interpolated between indices: -N is at most 2 (-nointerpolate)"
    assert said in setup("-hkl table.hkl -N 2").notes.said
    assert said not in setup("-hkl table.hkl -N 2 -interpolate").notes.said
    assert said not in setup("-N 2").notes.said


def test_there_must_be_a_table_to_interpolate_in() -> None:
    s = setup("-interpolate")
    assert s.notes.warnings == ["-interpolate: there is no table of structure factors to interpolate in"]


def test_the_table_may_stand_alone() -> None:
    s = setup("-hkl table.hkl", given=CELL)
    assert factor(0, 0, 2)(s) == 0
    assert factor(1, 1, 3)(s) == 20
