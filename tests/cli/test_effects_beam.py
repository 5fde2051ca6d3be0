"""What each flag of the beam, its sources and the background changes."""

from collections.abc import Callable

import numpy as np
import pytest
from effects import Effect, check, same, setup

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.read import Setup
from jaxbragg.io import FileError

NONE = 125932015286227086360700780544.0  # photons/m² where nothing is said
SIDE = np.sqrt(0.5)


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sources.txt").write_text("# x y z I lambda\n-10 0 0 2 1.5e-10\n\n-3 4 0 1\nnan nan nan 5")
    (tmp_path / "curve.txt").write_text("# stol F\n0.4 1.5\n0.0 2.57\n")


def beam(name: str) -> Callable[[Setup], object]:
    return lambda s: getattr(s.experiment.beam, name)


def rays(which: int) -> Callable[[Setup], np.ndarray]:
    return lambda s: np.asarray(s.experiment.beam.rays()[which])


def horizontal(s: Setup) -> np.ndarray:
    """Different angles across the beam [mrad]."""
    return 1e3 * np.unique(np.asarray(s.experiment.beam.sources.horizontal).round(15))


def vertical(s: Setup) -> np.ndarray:
    return 1e3 * np.unique(np.asarray(s.experiment.beam.sources.vertical).round(15))


def count(s: Setup) -> int:
    return len(rays(1)(s))


def molecules(s: Setup) -> float:
    return 0.0 if s.experiment.background is None else float(s.experiment.background.molecules)


def curve(s: Setup) -> list[list[float]] | None:
    background = s.experiment.background
    return None if background is None else [list(background.stol), list(background.factor)]


directions, wavelengths, weights = rays(0), rays(1), rays(2)
wavelength, fluence = beam("wavelength"), beam("fluence")
WATER_10 = 10e-6**3 * 1e6 * 6.02214179e23 / 18

CASES = (
    Effect("-lambda 0.9768", wavelength, 0.9768),
    Effect("-lambda 0.9768", wavelength, 0.9768, base="-energy 12000"),
    Effect("-energy 12000", wavelength, 12398.42 / 12000),
    Effect("-energy 12000", wavelength, 12398.42 / 12000, base="-lambda 0.9768"),
    Effect("-energy 12000", wavelengths, [12398.42 / 12000 * 0.99, 12398.42 / 12000 * 1.01], base="-dispersion 2"),
    Effect("-dispersion 2", wavelengths, [0.99, 1.01]),
    Effect("-dispsteps 5", wavelengths, [0.98, 0.99, 1.0, 1.01, 1.02], base="-dispersion 4"),
    Effect("-divergence 2", horizontal, [-1, 1]),
    Effect("-divergence 2", vertical, [-1, 1]),
    Effect("-hdivrange 2", horizontal, [-1, 1]),
    Effect("-vdivrange 2", vertical, [-1, 1]),
    Effect("-hdivrange 3", horizontal, [-1.5, 1.5], base="-divergence 2"),
    Effect("-vdivrange 0", vertical, [0], base="-divergence 2"),
    Effect("-divergence 2", vertical, [-1, 1], base="-vdivrange 3"),
    Effect("-hdivstep 1", horizontal, [-1, 0], base="-hdivrange 2"),
    Effect("-vdivstep 1", vertical, [-1, 0], base="-vdivrange 2"),
    Effect("-divsteps 3", horizontal, [-1, 0, 1], base="-divergence 2"),
    Effect("-divsteps 3", vertical, [-1, 0, 1], base="-divergence 2"),
    Effect("-hdivsteps 3", horizontal, [-1, 0, 1], base="-divergence 2"),
    Effect("-vdivsteps 3", vertical, [-1, 0, 1], base="-divergence 2"),
    Effect("-hdivsteps 3", horizontal, [-1, 0, 1], base="-divergence 2 -divsteps 5"),
    Effect("-square_div", count, 25, base="-divergence 2 -divsteps 5"),
    Effect("-round_div", count, 13, base="-divergence 2 -divsteps 5 -square_div"),
    Effect("-sourcefile sources.txt", directions, [[1, 0, 0], [0.6, -0.8, 0], [1, 0, 0]]),
    Effect("-sourcefile sources.txt", wavelengths, [1.5, 0.9, 0.9], base="-lambda 0.9"),
    Effect("-sourcefile sources.txt", weights, [2 / 8, 1 / 8, 5 / 8]),
    Effect("-sourcefile sources.txt", weights, [1 / 3, 1 / 3, 1 / 3], base="--compat"),
    Effect("-sourcefile sources.txt", directions, [[1, 0, 0], [0.6, -0.8, 0], [0, 0, 1]], base="-beam_vector 0 0 1 "
           "-polar_vector 1 0 0 -fdet_vector 1 0 0 -sdet_vector 0 1 0 -odet_vector 0 0 1"),
    Effect("-fluence 1e24", fluence, 1e24),
    Effect("-fluence 0", fluence, 0),
    Effect("-fluence 1e24", fluence, 1e24, base="-flux 1e12"),
    Effect("-flux 1e12", fluence, 1e12 / 1e-4**2),
    Effect("-flux 1e12", fluence, 1e12 / 1e-4**2, base="-fluence 1e24"),
    Effect("-flux 0", fluence, 0),
    Effect("-exposure 0.1", fluence, 1e12 * 0.1 / 1e-4**2, base="-flux 1e12"),
    Effect("-beamsize 0.05", fluence, 1e12 / 5e-5**2, base="-flux 1e12"),
    Effect("-polar 0.9", beam("polarization"), 0.9),
    Effect("-polar -1", beam("polarization"), -1),
    Effect("-nopolar", lambda s: s.options.polarization, False),
    Effect("-polar_vector 0 2 2", beam("polarization_axis"), (0, SIDE, SIDE)),
    Effect("-beam_vector 3 4 0", beam("direction"), (0.6, 0.8, 0)),
    Effect("-water 10", molecules, WATER_10),
    Effect("-stol curve.txt", curve, [[0, 0.4], [2.57, 1.5]], base="-water 10"),
    Effect("-4stol curve.txt", curve, [[0, 0.1], [2.57, 1.5]], base="-water 10"),
    Effect("-Q curve.txt", curve, [[0, 0.1 / np.pi], [2.57, 1.5]], base="-water 10"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_effect(case: Effect) -> None:
    check(case)


def test_what_holds_where_nothing_is_said() -> None:
    s = setup()
    assert same(wavelengths(s), [1.0])
    assert same(directions(s), [[1, 0, 0]])
    assert same(fluence(s), NONE)
    assert same(beam("polarization")(s), 0)
    assert s.options.polarization
    assert s.experiment.background is None
    assert not s.notes.warnings
    assert not s.notes.said


# Table of physics.md §7: none / step / range / range+step / count / count+step / range+count; all three -----------

FILL_IN = [
    ("", [0.0]),
    ("-{}divstep 1", [-0.5, 0.5]),
    ("-{}divrange 2", [-1.0, 1.0]),
    ("-{}divrange 2 -{}divstep 0.5", [-1.0, -0.5, 0.0, 0.5]),
    ("-{}divrange 2 -{}divstep 0.6", [-1.0, -0.4, 0.2, 0.8]),
    ("-{}divsteps 4", [-500.0, -250.0, 0.0, 250.0]),
    ("-{}divsteps 5 -{}divstep 1", [-0.5, 0.5]),
    ("-{}divrange 2 -{}divsteps 5", [-1.0, -0.5, 0.0, 0.5, 1.0]),
    ("-{}divrange 2 -{}divsteps 1", [-1.0, 1.0]),
    ("-{}divrange 2 -{}divstep 0.3 -{}divsteps 3", [-1.0, -0.7, -0.4]),
    ("-{}divrange 0 -{}divstep 0", [0.0]),
    ("-{}divrange 0 -{}divsteps 5", [0.0]),
    ("-{}divrange 0 -{}divstep 1", [0.0]),
]


@pytest.mark.parametrize(("words", "angles"), FILL_IN)
def test_divergence_that_is_partly_given(words: str, angles: list[float]) -> None:
    across, along = setup(words.replace("{}", "h")), setup(words.replace("{}", "v"))
    assert same(horizontal(across), angles)
    assert same(vertical(across), [0])
    assert same(vertical(along), angles)
    assert same(horizontal(along), [0])


@pytest.mark.parametrize(
    ("words", "ratios"),
    [
        ("-dispersion 2", [0.99, 1.01]),
        ("-dispsteps 4", [1.0]),  # the C program's image too: reference case dispsteps_alone
        ("-dispersion 2 -dispsteps 1", [0.99, 1.01]),
        ("-dispersion 2 -dispsteps 3", [0.99, 1.0, 1.01]),
        ("-dispersion 0 -dispsteps 4", [1.0]),
        ("-dispersion 0", [1.0]),
        ("-dispsteps 1", [1.0]),
    ],
)
def test_dispersion_that_is_partly_given(words: str, ratios: list[float]) -> None:
    assert same(wavelengths(setup(words)), ratios)
    assert same(wavelengths(setup(f"{words} -lambda 2")), 2 * np.array(ratios))


@pytest.mark.parametrize("flag", ["-hdivsteps", "-vdivsteps", "-dispsteps"])
def test_a_count_that_cannot_be_is_named(flag: str) -> None:
    span = "-dispersion 1" if flag == "-dispsteps" else "-divergence 1"
    warning = f"{flag} 1 cannot be with the range or step given: 2 steps are taken"
    assert setup(f"{span} {flag} 1").notes.warnings == [warning]


@pytest.mark.parametrize("words", ["-dispsteps 4", "-dispersion 0 -dispsteps 4"])
def test_a_count_of_wavelengths_without_a_bandwidth_is_named(words: str) -> None:
    warning = "-dispsteps 4 without a bandwidth (-dispersion): one wavelength is simulated"
    assert setup(words).notes.warnings == [warning]
    assert not setup("-dispsteps 1").notes.warnings


def test_a_range_of_zero_is_one_direction() -> None:
    s = setup("-divergence 0 -divsteps 5")
    assert count(s) == 1
    assert s.notes.warnings == [f"-{axis}divsteps 5 cannot be with the range or step given: 1 steps are taken"
                                for axis in "hv"]  # fmt: skip


# Sources -------------------------------------------------------------------------------------------------------------


def test_every_wavelength_at_every_direction() -> None:
    s = setup("-divergence 2 -divsteps 3 -dispersion 4 -dispsteps 3 -square_div")
    pairs = {(*np.round(d, 12), round(w, 12)) for d, w in zip(directions(s), wavelengths(s), strict=True)}
    assert len(pairs) == 27
    assert same(weights(s), np.full(27, 1 / 27))


def test_which_directions_a_round_source_keeps() -> None:
    """4·test > 1.1 goes: of a 5 × 5 grid the corners and their neighbours."""
    s = setup("-divergence 2 -divsteps 5")
    sources = s.experiment.beam.sources
    h, v = (1e3 * np.asarray(x) for x in (sources.horizontal, sources.vertical))
    wanted = {(x, y) for x in np.linspace(-1, 1, 5) for y in np.linspace(-1, 1, 5) if x * x + y * y <= 1.1}
    assert {(float(x.round(9)), float(y.round(9))) for x, y in zip(h, v, strict=True)} == wanted
    assert count(setup("-divergence 2")) == 4  # an even grid is measured from its own first points
    assert count(setup("-divergence 2 -divsteps 3")) == 5


def test_where_a_divergent_beam_comes_from() -> None:
    """Vertical about the polarization axis z, then horizontal about b × p = −y."""
    for words, wanted in (
        ("-vdivrange 200 -vdivsteps 3", [(np.cos(v), np.sin(v), 0) for v in (-0.1, 0, 0.1)]),
        ("-hdivrange 200 -hdivsteps 3", [(np.cos(h), 0, np.sin(h)) for h in (-0.1, 0, 0.1)]),
        ("-divergence 200", [(np.cos(v) * np.cos(h), np.sin(v), np.cos(v) * np.sin(h))
                             for h in (-0.1, 0.1) for v in (-0.1, 0.1)]),
    ):  # fmt: skip
        assert same(directions(setup(words)), wanted)


def test_a_source_file_leaves_the_grid_out_and_says_so() -> None:
    s = setup("-sourcefile sources.txt -divergence 2 -dispersion 3 -square_div")
    assert count(s) == 3
    assert s.notes.warnings == ["-sourcefile gives all sources: -dispersion, -divergence, -square_div left out"]


def test_sources_without_light_are_an_error(tmp_path) -> None:
    (tmp_path / "dark.txt").write_text("-10 0 0 0\n")
    with pytest.raises(UsageError, match="all intensities are zero"):
        setup("-sourcefile dark.txt")


def test_what_leaves_no_source_is_an_error() -> None:
    with pytest.raises(UsageError, match="zero or less"):
        setup("-dispersion 200")
    with pytest.raises(UsageError, match="-square_div"):
        setup("-hdivrange 1 -hdivstep 0.1 -hdivsteps 1 -vdivrange 1 -vdivstep 0.1 -vdivsteps 1")


def test_the_wavelength_given_last_counts_and_says_so() -> None:
    s = setup("-energy 12000 -lambda 0.9")
    assert s.notes.warnings == ["-lambda and -energy are both given: -lambda was given last and is used"]


# Fluence, polarization -----------------------------------------------------------------------------------------------


def test_flux_exposure_and_beam_size_together() -> None:
    s = setup("-flux 1e12 -exposure 0.1 -beamsize 0.05")
    assert same(fluence(s), 1e12 * 0.1 / 5e-5**2)
    assert s.notes.said == ["fluence from flux, exposure and beam size: 4e+19 photons/m²"]


@pytest.mark.parametrize(
    ("words", "idle"),
    [
        ("-exposure 2", "-exposure"),
        ("-beamsize 2", "-beamsize"),
        ("-exposure 2 -beamsize 2 -fluence 1", "-exposure and -beamsize"),
    ],
)
def test_what_does_nothing_without_a_flux_is_named(words: str, idle: str) -> None:
    assert setup(words).notes.warnings == [f"{idle} without -flux: the fluence is not changed"]


def test_a_beam_size_for_the_crystal_alone_is_fine() -> None:
    assert not setup("-beamsize 0.05 -samplesize 0.01").notes.warnings


def test_fluence_beside_flux_is_named() -> None:
    assert "-flux was given last" in setup("-fluence 1 -flux 1").notes.warnings[0]
    assert "-fluence was given last" in setup("-flux 1 -fluence 1").notes.warnings[0]


def test_a_flux_beyond_numbers_is_an_error() -> None:
    with pytest.raises(UsageError, match="more photons"):
        setup("-flux 1e300 -beamsize 1e-10")


def test_polar_beside_nopolar_is_named() -> None:
    assert setup("-polar 0.5 -nopolar").notes.warnings == [
        "-nopolar: the polarization correction is off, -polar has no effect"
    ]


@pytest.mark.parametrize("axis", ["1 0 0", "-2 0 0"])
def test_polarized_light_must_have_a_direction(axis: str) -> None:
    with pytest.raises(UsageError, match="-polar_vector must not be along the beam"):
        setup(f"-polar_vector {axis} -polar 0.9")


@pytest.mark.parametrize("words", ["", "-polar 0", "-nopolar", "-polar 0.9 -nopolar"])
def test_light_without_polarization_needs_no_axis(words: str) -> None:
    s = setup(f"-polar_vector 1 0 0 {words}")
    assert abs(np.asarray(s.experiment.beam.polarization_axis) @ (1, 0, 0)) < 1e-12
    assert "-polar_vector would be along the beam: 0 1 0 is taken (-polar_vector)" in s.notes.said


@pytest.mark.parametrize("words", ["", "-nopolar", "-polar 0.9", "-polar 0.9 --compat", "-divergence 2"])
@pytest.mark.parametrize("end", ["1", "-3"])
def test_an_axis_that_nobody_gave_is_across_the_beam(words: str, end: str) -> None:
    given = f"-beam_vector 0 0 {end} -fdet_vector {end} 0 0 -sdet_vector 0 -1 0 -odet_vector 0 0 {end} {words}"
    s = setup(given)
    assert same(beam("polarization_axis")(s), (1, 0, 0))
    said = "the default polarization axis would be along the beam: 1 0 0 is taken (-polar_vector)"
    assert said in s.notes.said
    unsaid = setup(f"{given} -polar_vector 0 1 0")
    assert same(beam("polarization_axis")(unsaid), (0, 1, 0))
    assert not [line for line in unsaid.notes.said if "polarization" in line]


# Background ----------------------------------------------------------------------------------------------------------


def test_water_scatters_alike_at_all_angles() -> None:
    assert same(curve(setup("-water 10")), [[0], [2.57]])
    assert setup("-water 0").experiment.background is None


def test_compat_scales_water_once_more() -> None:
    """By r_e² Φ over all steps."""
    s = setup("--compat -water 10 -fluence 1e26 -oversample 2 -osc 1 -phisteps 3 -divergence 2")
    assert same(molecules(s), WATER_10 * 7.94079248018965e-30 * 1e26 / (4 * 3 * 4))


def test_the_last_curve_counts() -> None:
    assert same(curve(setup("-water 1 -stol curve.txt -Q curve.txt -4stol curve.txt")), [[0, 0.1], [2.57, 1.5]])


@pytest.mark.parametrize("flag", ["stol", "4stol", "Q"])
def test_a_curve_without_water_is_named(flag: str) -> None:
    warning = f"-{flag} without -water: there is nothing whose structure factors it could be"
    assert setup(f"-{flag} curve.txt").notes.warnings == [warning]
    with pytest.raises(FileError, match=r"none\.txt"):
        setup(f"-water 1 -{flag} none.txt")
