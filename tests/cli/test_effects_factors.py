"""What each flag of computed and measured structure factors changes."""

from collections.abc import Callable

import gemmi
import numpy as np
import pytest
from effects import Effect, check, setup
from structures import made_up_structure

import jaxbragg as jb
from jaxbragg.cli import main
from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.read import Setup
from jaxbragg.io import FileError, read_dump

MODEL, FAR = "--model toy.pdb", "-distance 200 -detpixels 100 -N 5 -nointerpolate"
NEAR = "-distance 60 -detpixels 400 -N 5 -nointerpolate"
AT = ((1, 2, 3), (-1, -2, -3), (0, 0, 0))


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made_up_structure().write_pdb("toy.pdb")
    mtz = gemmi.Mtz(with_base=True)
    mtz.cell, mtz.spacegroup = gemmi.UnitCell(30, 35, 40, 90, 105, 90), gemmi.SpaceGroup("P 1 21 1")
    mtz.add_dataset("x")
    for name in ("FC", "FOTHER"):
        mtz.add_column(name, "F")
    mtz.set_data(np.array([[1, 2, 3, 45.5, 5.0], [4, 1, 2, 12.5, 6.0]], np.float32))
    mtz.write_to_file("toy.mtz")
    (tmp_path / "list.hkl").write_text("1 2 3 10\n")


def at(*indices: tuple[int, int, int]) -> Callable[[Setup], list[float]]:
    """|F| at some indices."""

    def look(s: Setup) -> list[float]:
        factors = s.experiment.structure_factors
        values, minimum = np.asarray(factors.amplitudes()), np.array(factors.minimum)
        found = []
        for index in np.array(indices) - minimum:
            inside = (index >= 0).all() and (index < values.shape).all()
            found.append(round(float(values[tuple(index)] if inside else factors.default), 1))
        return found

    return look


def of_model(*indices: tuple[int, int, int], **given) -> list[float]:
    factors = jb.StructureFactors.from_model("toy.pdb", 2.2, **given)
    where = np.array(indices) - np.array(factors.minimum)
    return [round(float(np.asarray(factors.values)[tuple(i)]), 1) for i in where]


def has_solvent(s: Setup) -> bool:
    """A mask is of points, and its grid depends on the resolution: to 6 %, where solvent changes |F| twofold."""
    return abs(at((1, 1, 1))(s)[0] / of_model((1, 1, 1), solvent=(0.35, 46))[0] - 1) < 0.06


CASES = (
    Effect(MODEL, at((1, 2, 3)), lambda: of_model((1, 2, 3)), NEAR, "-cell 40 40 55 90 90 90 -default_F 1"),
    Effect("--solvent 0.35 46", has_solvent, True, NEAR, MODEL),
    Effect("--bfactor 30", lambda s: getattr(s.experiment.crystal, "b_factor", None), [30.0], NEAR, MODEL),
    Effect("--anomalous", at(*AT[:2]), lambda: of_model(*AT[:2], wavelength=0.9), f"{NEAR} -lambda 0.9", MODEL),
    Effect("--fprime Se=-7,4/N=1,2", at(*AT[:2]),
           lambda: of_model(*AT[:2], wavelength=1.0, dispersion={"Se": (-7, 4), "N": (1, 2)}), NEAR, MODEL),
    Effect("--forward", at(AT[2]), lambda: of_model(AT[2], with_000=True), NEAR, MODEL),
    Effect("--mtz toy.mtz", at((1, 2, 3), (-1, 2, -3)), [45.5, 45.5], NEAR, "-cell 30 -default_F 1"),
    Effect("--columns FOTHER", at((1, 2, 3)), [5.0], NEAR, "--mtz toy.mtz"),
    Effect("--spacegroup P21", at((-1, 2, -3), (1, -2, 3), (2, 2, 3)), [10.0, 10.0, 0.0], NEAR,
           "-cell 30 -hkl list.hkl"),
)  # fmt: skip


@pytest.mark.parametrize("effect", CASES, ids=str)
def test_the_flag_changes_what_it_says(effect) -> None:
    expected = effect.expected() if callable(effect.expected) else effect.expected
    check(Effect(effect.words, effect.get, expected, effect.base, effect.given))


def test_the_cell_is_the_files_unless_given() -> None:
    cell = setup(FAR, MODEL).experiment.crystal.cell
    assert [float(x) for x in (cell.a, cell.b, cell.c)] == [40.0, 40.0, 55.0]
    given = setup(f"{FAR} -cell 41 41 55 90 90 90", MODEL)
    assert float(given.experiment.crystal.cell.a) == 41.0
    assert any("its cell is 40 40 55" in line for line in given.notes.doubts)


def test_the_box_reaches_the_detectors_corner_and_no_farther() -> None:
    near = np.asarray(setup("-distance 100 -detpixels 400 -N 5", MODEL).experiment.structure_factors.amplitudes())
    found = setup(FAR, MODEL)
    far = np.asarray(found.experiment.structure_factors.amplitudes())
    assert far.size < near.size / 8
    assert not any("the table ends" in line for line in found.notes.warnings)
    # 200 mm, 100 pixels of 0.1 mm at 1 Å: the corner at 2θ = atan(7.07/200), and one index beyond.
    reach = 2 * np.sin(np.arctan(50 * 0.1 * 2**0.5 / 200) / 2)
    np.testing.assert_allclose(far.shape[0] // 2, np.floor(40 * (reach + 1 / 40)), atol=1)
    cut = setup(f"{FAR} --dmin 60", MODEL).experiment.structure_factors
    assert np.asarray(cut.amplitudes()).size < far.size


def test_intensities_of_shelx_take_cell_and_symmetry_from_flags(tmp_path) -> None:
    rows = "   1   2   3   81.00    1.00\n   4   1   2   -9.00    1.00\n   0   0   0    0.00    0.00\n"
    (tmp_path / "s.hkl").write_text(rows)
    cell = "-cell 30 35 40 90 105 90 --spacegroup P21"
    found = setup(f"{NEAR} --mtz s.hkl", cell)
    assert at((1, 2, 3), (-1, 2, -3), (-1, -2, -3), (4, 1, 2))(found) == [9.0, 9.0, 9.0, 0.0]
    assert any("s.hkl: taken for intensities (HKLF 4); HKLF 3" in line for line in found.notes.said)
    with pytest.raises(FileError, match=r"s.hkl: it is SHELX's HKLF 4, .* give -cell, --spacegroup"):
        setup(f"{NEAR} --mtz s.hkl", "-cell 30 35 40 90 105 90")
    doubts = setup(f"{NEAR} -hkl s.hkl", cell).notes.doubts
    assert any("-hkl s.hkl: it has the columns of SHELX's HKLF 4" in line for line in doubts)
    assert not any("SHELX" in line for line in setup(f"{NEAR} -hkl list.hkl", cell).notes.doubts)


def test_an_image_from_a_structure_and_its_table_are_written(tmp_path) -> None:
    flags = f"{MODEL} {FAR} -oversample 1 -floatfile f.bin -dump F.bin --quiet".split()
    assert main(flags) == 0
    values, minimum = read_dump("F.bin")
    assert values.shape == tuple(2 * n + 1 for n in np.abs(minimum))
    again = f"-dump F.bin -cell 40 40 55 90 90 90 {FAR} -oversample 1 -floatfile g.bin --quiet".split()
    assert main(again) == 0
    first, second = np.fromfile("f.bin", "<f4"), np.fromfile("g.bin", "<f4")
    assert first.max() > 0
    np.testing.assert_allclose(first, second, rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--model toy.pdb --mtz toy.mtz", "--model and --mtz each give structure factors: choose one"),
        ("-default_F 1 -cell 30 --solvent 0.35 46", "--solvent needs --model"),
        ("-default_F 1 -cell 30 --forward", "--forward needs --model"),
        ("-default_F 1 -cell 30 --columns F", "--columns needs --mtz FILE"),
        ("-default_F 1 -cell 30 --spacegroup P21", "--spacegroup needs -hkl, --mtz or --model"),
        ("--model toy.pdb --spacegroup P9", "--spacegroup P9: no space group"),
        ("-hkl list.hkl -cell 30 --spacegroup P9", "P9"),
        ("--model toy.pdb --fprime Se=-7", "--fprime takes ELEMENT=f',f''"),
        ("--mtz toy.mtz --columns FX", r"toy.mtz: there is no column 'FX', only FC \(F\), FOTHER \(F\)"),
        ("-hkl toy.mtz -cell 30", "toy.mtz: expected h k l F as text, but found an MTZ file: --mtz reads it"),
        ("--model toy.mtz", "toy.mtz: expected a structure, but found an MTZ file: --mtz reads it"),
        ("--model gone.pdb", "gone.pdb: no such file"),
        ("--model toy.pdb --fprime Qq=1,2", "toy.pdb.*'Qq' is none"),
        ("--model toy.pdb --memory-limit 10M -detpixels 3000 -distance 50", "memory"),
    ],
)
def test_what_cannot_be_is_named(words, message) -> None:
    with pytest.raises((UsageError, FileError), match=message):
        setup("-N 5", words)


def test_a_broad_spectrum_has_f_of_each_wavelength() -> None:
    found = setup(f"{FAR} --anomalous -dispersion 2 -dispsteps 3 -divergence 1 -divsteps 2 -square_div", MODEL)
    assert found.notes.doubts == []
    factors, wavelengths = found.experiment.structure_factors, np.asarray(found.experiment.beam.rays()[1])
    assert factors.values.shape[0] == 3
    assert len(wavelengths) == 12
    for i, wavelength in enumerate(wavelengths[:3]):
        alone = setup(f"{FAR} --anomalous -lambda {wavelength:.15g} -dmin 3", MODEL).experiment.structure_factors
        for hkl in ((1, 2, 3), (-1, -2, -3), (2, 0, 1)):
            one = factors.values[(i, *(x - low for x, low in zip(hkl, factors.minimum, strict=True)))]
            other = alone.values[tuple(x - low for x, low in zip(hkl, alone.minimum, strict=True))]
            assert float(one) == pytest.approx(float(other), rel=1e-3)
    assert (
        setup(f"{FAR} --anomalous -dispersion 0.05 -dispsteps 3", MODEL).experiment.structure_factors.values.ndim == 3
    )
    # A Gaussian spectrum is one line.
    broad = setup(f"{FAR} --anomalous -gauss_xtal --bandwidth 0.5", MODEL)
    assert broad.experiment.structure_factors.values.ndim == 3
    assert any("the mean of --bandwidth" in note for note in broad.notes.said)
